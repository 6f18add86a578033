//! Several upstreams of one channel.

use airlock_model::{ChannelPatch, NewUpstream, PackageFilter, Policy, SyncState, VersionSelector};
use airlock_testkit::repos::Repository;
use airlock_testkit::rpms::Rpm;

use crate::world::{World, on_both};

fn repository(world: &World, name: &str, packages: &[Rpm]) -> Repository {
    let mut repository = Repository::at(world.path(name));
    for package in packages {
        repository.add(package);
    }
    repository.publish();
    repository
}

fn rpm(name: &str, version: &str) -> Rpm {
    Rpm::new(name, version, "1").file(&format!("/usr/share/{name}"), version.as_bytes().to_vec())
}

/// The same NEVRA as [`rpm`], built once more with something else in it.
fn rebuilt(name: &str, version: &str) -> Rpm {
    Rpm::new(name, version, "1").file(&format!("/usr/share/{name}"), b"rebuilt".to_vec())
}

async fn channel(world: &World, name: &str, upstreams: &[&Repository], patch: ChannelPatch) {
    let upstreams = upstreams
        .iter()
        .map(|repository| NewUpstream {
            url: repository.url(),
            ..NewUpstream::default()
        })
        .collect();
    world
        .create(
            name,
            None,
            ChannelPatch {
                upstreams: Some(upstreams),
                ..patch
            },
        )
        .await;
}

const POLICIES: [Policy; 2] = [Policy::Immediate, Policy::OnDemand];

#[test]
fn a_package_of_two_upstreams_stands_once() {
    on_both(|world| async move {
        let shared = rpm("oak", "1");
        let base = repository(&world, "base", &[shared.clone(), rpm("elm", "1")]);
        let more = repository(&world, "more", &[shared, rpm("fir", "1")]);
        for (number, policy) in POLICIES.into_iter().enumerate() {
            let name = format!("meadow-{number}");
            let patch = ChannelPatch {
                policy: Some(policy),
                ..ChannelPatch::default()
            };
            channel(&world, &name, &[&base, &more], patch).await;
            let outcome = world.sync(&name).await;
            assert_eq!(outcome.state, SyncState::Published, "{outcome:?}");
            assert_eq!((outcome.packages, outcome.added), (3, 3), "{outcome:?}");
            let packages = world.packages(&name, VersionSelector::Current).await;
            assert_eq!(
                packages,
                ["elm-1-1.noarch", "fir-1-1.noarch", "oak-1-1.noarch"]
            );
            world.walk(&name).await;
        }
        world.fsck_is_clean().await;
    });
}

#[test]
fn of_two_builds_of_one_nevra_that_of_the_earlier_upstream_counts() {
    on_both(|world| async move {
        let base = repository(&world, "base", &[rpm("oak", "1"), rpm("elm", "1")]);
        let more = repository(&world, "more", &[rebuilt("oak", "1"), rpm("oak", "2")]);
        for (number, policy) in POLICIES.into_iter().enumerate() {
            for (way, upstreams) in [[&base, &more], [&more, &base]].into_iter().enumerate() {
                let name = format!("meadow-{number}{way}");
                let patch = ChannelPatch {
                    policy: Some(policy),
                    ..ChannelPatch::default()
                };
                channel(&world, &name, &upstreams, patch).await;
                let outcome = world.sync(&name).await;
                assert_eq!(outcome.packages, 3, "{outcome:?}");
                let notes: Vec<&String> = outcome
                    .warnings
                    .iter()
                    .filter(|warning| warning.contains("is another package in"))
                    .collect();
                assert!(
                    notes.len() == 1
                        && notes[0].starts_with("oak-1-1.noarch ")
                        && notes[0].ends_with(&format!(
                            "in {} than in {}, which comes first and counts",
                            upstreams[1].url(),
                            upstreams[0].url()
                        )),
                    "{outcome:?}"
                );
                let rows = world.rows(&name, VersionSelector::Current).await;
                let oak = rows.iter().find(|row| row.nevra() == "oak-1-1.noarch");
                let file =
                    std::fs::read(upstreams[0].folder().join("Packages/o/oak-1-1.noarch.rpm"))
                        .unwrap();
                assert_eq!(
                    oak.unwrap().checksum,
                    airlock_content::checksum::sha256_hex(&file)
                );
            }
        }
    });
}

#[test]
fn the_latest_versions_are_counted_over_all_upstreams() {
    on_both(|world| async move {
        let base = repository(
            &world,
            "base",
            &[rpm("oak", "1"), rpm("oak", "4"), rpm("elm", "1")],
        );
        let mut more = repository(
            &world,
            "more",
            &[rpm("oak", "2"), rpm("oak", "3"), rpm("fir", "1")],
        );
        let patch = ChannelPatch {
            policy: Some(Policy::OnDemand),
            filter: Some(PackageFilter {
                latest: Some(2),
                ..PackageFilter::default()
            }),
            ..ChannelPatch::default()
        };
        channel(&world, "meadow", &[&base, &more], patch).await;
        world.sync("meadow").await;
        assert_eq!(
            world.packages("meadow", VersionSelector::Current).await,
            [
                "elm-1-1.noarch",
                "fir-1-1.noarch",
                "oak-3-1.noarch",
                "oak-4-1.noarch"
            ]
        );
        more.add(&rpm("oak", "5"));
        more.publish();
        // One of four packages goes, which the shrink guard would hold.
        let options = airlock_content::SyncOptions {
            accept_shrink: true,
            ..Default::default()
        };
        let outcome = world.sync_with("meadow", options).await;
        assert_eq!((outcome.added, outcome.removed), (1, 1), "{outcome:?}");
        assert_eq!(
            world.packages("meadow", VersionSelector::Current).await,
            [
                "elm-1-1.noarch",
                "fir-1-1.noarch",
                "oak-4-1.noarch",
                "oak-5-1.noarch"
            ]
        );
    });
}

#[test]
fn what_one_upstream_lists_twice_itself_stays() {
    on_both(|world| async move {
        let mut base = Repository::at(world.path("base"));
        base.add(&rpm("oak", "1"));
        let second = base.folder().join("second");
        std::fs::create_dir_all(&second).unwrap();
        rebuilt("oak", "1").write_to(&second);
        base.publish();
        let more = repository(&world, "more", &[rpm("elm", "1")]);
        let patch = ChannelPatch {
            policy: Some(Policy::OnDemand),
            ..ChannelPatch::default()
        };
        channel(&world, "meadow", &[&base, &more], patch).await;
        let outcome = world.sync("meadow").await;
        assert_eq!(outcome.packages, 3, "{outcome:?}");
    });
}
