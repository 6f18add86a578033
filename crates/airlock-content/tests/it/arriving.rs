//! Packages that come from an upstream over HTTP at a client's request.

use airlock_content::Served;
use airlock_model::{ChannelPatch, ErrorKind, NewUpstream, Policy, SignatureWish};
use airlock_testkit::http::{Fault, Gate, HttpServer};
use airlock_testkit::repos::Repository;
use airlock_testkit::rpms::Rpm;
use airlock_testkit::seeded::Seeded;

use crate::world::{World, on_both};

const PATH: &str = "Packages/b/big-1.0-1.noarch.rpm";

async fn mirrored(world: &World, checksum: &str) -> HttpServer {
    let folder = world.path("upstream");
    let payload = Seeded::new(1).bytes(300_000);
    let mut repository = Repository::at(&folder);
    repository.checksum(checksum);
    repository.add(&Rpm::new("big", "1.0", "1").file("/usr/share/big", payload));
    repository.publish();
    let http = HttpServer::serve(folder);
    let patch = ChannelPatch {
        policy: Some(Policy::OnDemand),
        signatures: Some(SignatureWish::Off),
        ..ChannelPatch::default()
    };
    world.create("meadow-base", Some(&http.url()), patch).await;
    world.sync("meadow-base").await;
    http
}

#[test]
fn an_upstream_that_refuses_is_an_error_before_the_first_byte() {
    on_both(|world| async move {
        let http = mirrored(&world, "sha256").await;
        let version = world.resolve("meadow-base").await;
        for (number, status) in [404, 503, 403].into_iter().enumerate() {
            http.clear_faults();
            http.fault(&format!("/{PATH}"), Fault::Status(status));
            let Err(error) = world.content.open_path(&version, PATH).await else {
                panic!("{status} is served")
            };
            assert_eq!(error.kind(), ErrorKind::Upstream, "{error}");
            assert!(error.to_string().contains(&status.to_string()), "{error}");
            assert_eq!(http.count(&format!("/{PATH}")), number as u64 + 1);
        }
        http.clear_faults();
        world.walk("meadow-base").await;
        world.fsck_is_clean().await;
    });
}

#[test]
fn the_hash_is_told_in_advance_only_where_the_metadata_has_it() {
    on_both(|world| async move {
        let http = mirrored(&world, "sha512").await;
        let gate = Gate::new();
        http.fault(&format!("/{PATH}"), Fault::Gate(1_000, gate.clone()));
        let version = world.resolve("meadow-base").await;
        let Ok(Served::Arriving(arriving)) = world.content.open_path(&version, PATH).await else {
            panic!("not on its way")
        };
        assert_eq!(arriving.sha256, None);
        gate.open();
        let mut bytes = arriving.read(0, arriving.size);
        let mut length = 0;
        while let Some(run) = bytes.next().await.unwrap() {
            assert_eq!(run.start, length);
            length += run.length;
        }
        assert_eq!(length, arriving.size);
        assert_eq!(world.get("meadow-base", PATH).await.len() as u64, length);
        world.fsck_is_clean().await;
    });
}

#[test]
fn clients_are_sent_to_an_upstream_without_secrets_and_served_from_others() {
    on_both(|world| async move {
        let http = mirrored(&world, "sha256").await;
        let set = async |url: String, token: Option<&str>| {
            let mut upstream = NewUpstream {
                url,
                ..NewUpstream::default()
            };
            upstream.settings.token = token.map(str::to_owned);
            let patch = ChannelPatch {
                policy: Some(Policy::MetadataOnly),
                upstreams: Some(vec![upstream]),
                ..ChannelPatch::default()
            };
            let label = crate::world::label("meadow-base");
            let actor = world.actor();
            world
                .content
                .set_channel(&actor, &label, patch)
                .await
                .unwrap();
            let version = world.resolve("meadow-base").await;
            world.content.open_path(&version, PATH).await.unwrap()
        };
        let Served::Redirect { url } = set(http.url(), None).await else {
            panic!("not redirected")
        };
        assert_eq!(url, format!("{}/{PATH}", http.url().trim_end_matches('/')));
        let served = set(http.url(), Some("tok=planted")).await;
        assert!(!matches!(served, Served::Redirect { .. }));
        assert_eq!(
            world.get("meadow-base", PATH).await[..4],
            *b"\xed\xab\xee\xdb"
        );
    });
}

#[test]
fn a_package_that_is_refused_for_its_signature_is_the_upstreams_fault() {
    on_both(|world| async move {
        let _http = mirrored(&world, "sha256").await;
        let patch = ChannelPatch {
            signatures: Some(SignatureWish::Require),
            ..ChannelPatch::default()
        };
        world.set("meadow-base", patch).await;
        let mut small = Repository::at(world.path("upstream"));
        small.add(&Rpm::new("small", "1.0", "1"));
        small.publish();
        world.sync("meadow-base").await;
        let version = world.resolve("meadow-base").await;
        let path = "Packages/s/small-1.0-1.noarch.rpm";
        // At first when it comes, then when it is here.
        for _ in 0..2 {
            let Err(error) = world.content.open_path(&version, path).await else {
                panic!("it is served")
            };
            assert_eq!(error.kind(), ErrorKind::Upstream, "{error}");
            assert!(error.to_string().contains("is not served"), "{error}");
        }
    });
}
