//! What goes wrong around a sync: upstreams that move or vanish, packages that were never judged, storage that fails.

use airlock_content::SyncOptions;
use airlock_model::{
    ChannelPatch, ErrorKind, MetadataMode, NewUpstream, OrgId, Policy, SyncState, VersionSelector,
};
use airlock_testkit::http::HttpServer;
use airlock_testkit::keys::SigningKey;
use airlock_testkit::repos::Repository;
use airlock_testkit::rpms::Rpm;
use airlock_testkit::states::Distribution;

use crate::world::{label, on_both};

fn upstream(url: &str) -> Option<Vec<NewUpstream>> {
    Some(vec![NewUpstream {
        url: url.to_owned(),
        ..NewUpstream::default()
    }])
}

#[test]
fn an_on_demand_channel_goes_on_after_its_upstream_has_another_address() {
    on_both(|world| async move {
        let (old, new) = (world.path("upstream"), world.path("elsewhere"));
        let source = Distribution::at(&old);
        let patch = ChannelPatch {
            policy: Some(Policy::OnDemand),
            ..ChannelPatch::default()
        };
        world
            .create("meadow-base", Some(&source.url()), patch)
            .await;
        world.sync("meadow-base").await;
        std::fs::rename(&old, &new).unwrap();
        let url = source.url().replace("upstream", "elsewhere");
        let patch = ChannelPatch {
            upstreams: upstream(&url),
            ..ChannelPatch::default()
        };
        world.set("meadow-base", patch).await;
        let outcome = world.sync("meadow-base").await;
        assert_ne!(outcome.state, SyncState::Failed, "{outcome:?}");
        assert_eq!((outcome.added, outcome.removed), (0, 0));
        // The same packages: nothing leaves, so nothing is fetched ahead and nothing is missed.
        assert_eq!(outcome.warnings, Vec::<String>::new());
        let list = world.rows("meadow-base", VersionSelector::Current).await;
        assert!(list.iter().all(|p| !p.held));
        // An old version's package whose upstream is gone is told so; one of the new place is fetched.
        let old_version = world.resolve("meadow-base@1").await;
        let error = world
            .content
            .open_path(&old_version, &list[0].location)
            .await
            .err()
            .unwrap();
        assert!(error.to_string().contains("removed"), "{error}");
        world.get("meadow-base", &list[0].location).await;
        world.fsck_is_clean().await;
    });
}

#[test]
fn storage_that_fails_ends_the_sync_and_does_not_hang_it() {
    on_both(|world| async move {
        let folder = world.path("upstream");
        let mut repository = Repository::at(&folder);
        for number in 0..120 {
            repository.add(&Rpm::new(&format!("pebble{number}"), "1", "1"));
        }
        repository.publish();
        world.mirror("pebbles", &repository.url()).await;
        // A file stands where the folders of blobs would be made.
        let blobs = world.path("blobs");
        let blocked: Vec<_> = (0..=255)
            .map(|byte| blobs.join(format!("{byte:02x}")))
            .filter(|path| !path.exists())
            .collect();
        for path in &blocked {
            std::fs::write(path, "in the way").unwrap();
        }
        let outcome = world.sync("pebbles").await;
        assert_eq!(outcome.state, SyncState::Failed, "{outcome:?}");
        for path in &blocked {
            std::fs::remove_file(path).unwrap();
        }
        let outcome = world.sync("pebbles").await;
        assert_eq!((outcome.state, outcome.added), (SyncState::Published, 120));
        world.fsck_is_clean().await;
    });
}

#[test]
fn a_package_that_a_rollback_brought_back_is_judged_by_the_next_sync() {
    on_both(|world| async move {
        let key = SigningKey::ed25519("meadow");
        let armored = key.public_key();
        let mut source = Distribution::signed_at(world.path("upstream"), key);
        let stray = source.repository().add(&Rpm::new("stray", "1", "1"));
        source.publish();
        world.mirror("meadow-base", &source.url()).await;
        let first = world.sync("meadow-base").await;
        assert_eq!(first.refused, Vec::new());

        let patch = ChannelPatch {
            keys: Some(vec![armored]),
            ..ChannelPatch::default()
        };
        world.set("meadow-base", patch).await;
        let bytes = std::fs::read(&stray).unwrap();
        source.repository().remove("stray");
        source.publish();
        let second = world.sync("meadow-base").await;
        assert_eq!((second.state, second.removed), (SyncState::Published, 1));
        let back = VersionSelector::Number(1);
        world
            .content
            .rollback(&world.context(), &label("meadow-base"), back, false)
            .await
            .unwrap();
        std::fs::write(&stray, bytes).unwrap();
        source.next_day();
        let third = world.sync("meadow-base").await;
        assert_eq!(third.refused.len(), 1, "{third:?}");
        assert!(third.refused[0].package.contains("stray"), "{third:?}");
        let now = world
            .packages("meadow-base", VersionSelector::Current)
            .await;
        assert!(now.iter().all(|name| !name.starts_with("stray")), "{now:?}");
    });
}

#[test]
fn a_verbatim_channel_that_requires_signatures_takes_all_or_nothing() {
    on_both(|world| async move {
        let key = SigningKey::ed25519("meadow");
        let armored = key.public_key();
        let mut source = Distribution::signed_at(world.path("upstream"), key);
        let patch = ChannelPatch {
            metadata: Some(MetadataMode::Verbatim),
            keys: Some(vec![armored]),
            ..ChannelPatch::default()
        };
        world
            .create("meadow-base", Some(&source.url()), patch)
            .await;
        let first = world.sync("meadow-base").await;
        assert_eq!(first.state, SyncState::Published, "{first:?}");
        source.repository().add(&Rpm::new("stray", "1", "1"));
        source.publish();
        let second = world.sync("meadow-base").await;
        assert_eq!((second.state, second.to), (SyncState::Failed, Some(1)));
        let said = second.error.unwrap();
        assert!(said.contains("stray") && said.contains("refused"), "{said}");
        world.walk("meadow-base").await;
    });
}

#[test]
fn going_back_behind_the_change_to_verbatim_serves_what_was_served_then() {
    on_both(|world| async move {
        let source = Distribution::at(world.path("upstream"));
        world.mirror("meadow-base", &source.url()).await;
        world.sync("meadow-base").await;
        let first = world
            .packages("meadow-base", VersionSelector::Current)
            .await;
        let patch = ChannelPatch {
            metadata: Some(MetadataMode::Verbatim),
            ..ChannelPatch::default()
        };
        world.set("meadow-base", patch).await;
        assert_eq!(world.sync("meadow-base").await.to, Some(2));
        let back = VersionSelector::Number(1);
        world
            .content
            .rollback(&world.context(), &label("meadow-base"), back, false)
            .await
            .unwrap();
        assert_eq!(
            world
                .packages("meadow-base", VersionSelector::Current)
                .await,
            first
        );
        world.walk("meadow-base").await;
        let list = world.rows("meadow-base", VersionSelector::Current).await;
        for package in list {
            let bytes = world.get("meadow-base", &package.location).await;
            assert_eq!(bytes.len() as u64, package.size);
        }
        world.fsck_is_clean().await;
    });
}

#[test]
fn an_image_that_cannot_be_had_fails_the_sync_of_a_channel_that_has_its_tree() {
    on_both(|world| async move {
        let mut source = Distribution::at(world.path("upstream"));
        let images = source.repository().kickstart_tree();
        world.mirror("meadow-base", &source.url()).await;
        world.sync("meadow-base").await;
        let kept = world.get("meadow-base", &images[0]).await;
        // The store shares its bytes with the file, so that a new one is put in its place.
        std::fs::remove_file(world.path("upstream").join(&images[0])).unwrap();
        std::fs::write(world.path("upstream").join(&images[0]), "another").unwrap();
        std::fs::remove_file(world.path("upstream").join(&images[1])).unwrap();
        // What is held already is not fetched again, so an image that went bad at the upstream does no harm.
        source.next_day();
        let second = world.sync("meadow-base").await;
        assert_eq!(second.state, SyncState::Published, "{second:?}");
        assert_eq!(world.get("meadow-base", &images[0]).await, kept);
        // A new image that is not there does.
        let treeinfo = world.path("upstream").join(".treeinfo");
        let text = std::fs::read_to_string(&treeinfo).unwrap();
        let other: Vec<String> = text
            .lines()
            .map(|line| match line.split_once("sha256:") {
                Some((path, _)) => format!("{path}sha256:{}", "0".repeat(64)),
                None => line.to_owned(),
            })
            .collect();
        std::fs::write(&treeinfo, other.join("\n")).unwrap();
        source.next_day();
        let third = world
            .sync_with(
                "meadow-base",
                SyncOptions {
                    accept_shrink: true,
                    together: false,
                },
            )
            .await;
        assert_eq!((third.state, third.to), (SyncState::Failed, Some(2)));
        assert_eq!(world.get("meadow-base", &images[0]).await, kept);
    });
}

#[test]
fn a_tree_is_promoted_and_compared_as_it_was_at_one_instant() {
    on_both(|world| async move {
        let mut base = Distribution::at(world.path("base"));
        let mut extras = Distribution::at(world.path("extras"));
        let child_of = |parent: &str| ChannelPatch {
            parent: Some(parent.to_owned()),
            ..ChannelPatch::default()
        };
        world.mirror("meadow-base", &base.url()).await;
        world
            .create(
                "meadow-extras",
                Some(&extras.url()),
                child_of("meadow-base"),
            )
            .await;
        world
            .create("stable-base", None, ChannelPatch::default())
            .await;
        world
            .create("stable-extras", None, child_of("stable-base"))
            .await;
        // Base 1 comes before the child has anything; base 2 belongs to child 1.
        world.sync("meadow-base").await;
        world.sync("meadow-extras").await;
        base.next_day();
        assert_eq!(world.sync("meadow-base").await.to, Some(2));
        extras.next_day();
        assert_eq!(world.sync("meadow-extras").await.to, Some(2));
        for (number, child) in [(2, Some(1)), (1, None)] {
            let before = world
                .content
                .channel(OrgId::DEFAULT, &label("stable-extras"))
                .await
                .unwrap();
            let outcome = world
                .content
                .promote(
                    &world.context(),
                    &label("meadow-base"),
                    VersionSelector::Number(number),
                    &label("stable-base"),
                    true,
                )
                .await
                .unwrap();
            // Before the child's first content there is nothing to promote, which is no reason to empty its partner.
            let expected = world
                .packages("meadow-extras", VersionSelector::Number(1))
                .await;
            assert_eq!(
                world
                    .packages("stable-extras", VersionSelector::Current)
                    .await,
                expected
            );
            if child.is_none() {
                let extras = &outcome[1];
                assert_eq!((extras.removed, extras.to), (0, before.current));
                assert_eq!(
                    extras.warnings,
                    ["meadow-extras had no content then, so stable-extras stays as it is"]
                );
                continue;
            }
            let diff = world
                .content
                .diff_tree(
                    OrgId::DEFAULT,
                    (&label("meadow-base"), VersionSelector::Number(number)),
                    (&label("stable-base"), VersionSelector::Current),
                )
                .await
                .unwrap();
            assert!(
                diff.iter()
                    .all(|side| side.added.is_empty() && side.removed.is_empty()),
                "{diff:?}"
            );
        }
    });
}

#[test]
fn of_two_changes_of_settings_at_once_both_hold() {
    on_both(|world| async move {
        world
            .create("meadow-base", None, ChannelPatch::default())
            .await;
        let name = label("meadow-base");
        for round in 0..10 {
            let access = if round % 2 == 0 { "token" } else { "public" };
            let one = ChannelPatch {
                access: Some(access.parse().unwrap()),
                ..ChannelPatch::default()
            };
            let two = ChannelPatch {
                summary: Some(format!("round {round}")),
                ..ChannelPatch::default()
            };
            let actor = world.actor();
            let (a, b) = tokio::join!(
                world.content.set_channel(&actor, &name, one),
                world.content.set_channel(&actor, &name, two)
            );
            a.unwrap();
            b.unwrap();
            let now = world.content.channel(OrgId::DEFAULT, &name).await.unwrap();
            assert_eq!(
                (now.access.to_string().as_str(), now.summary.as_str()),
                (access, format!("round {round}").as_str())
            );
        }
    });
}

#[test]
fn a_deletion_that_is_taken_back_keeps_the_schedule_and_needs_the_parent() {
    on_both(|world| async move {
        let source = Distribution::at(world.path("upstream"));
        let patch = ChannelPatch {
            schedule: Some("daily 02:00".to_owned()),
            ..ChannelPatch::default()
        };
        world
            .create("meadow-base", Some(&source.url()), patch)
            .await;
        let patch = ChannelPatch {
            parent: Some("meadow-base".to_owned()),
            ..ChannelPatch::default()
        };
        world.create("meadow-extras", None, patch).await;
        let actor = world.actor();
        for name in ["meadow-extras", "meadow-base"] {
            world
                .content
                .delete_channel(&actor, &label(name))
                .await
                .unwrap();
        }
        let refused = world
            .content
            .undelete_channel(&actor, &label("meadow-extras"), None)
            .await
            .unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Conflict);
        assert!(refused.to_string().contains("meadow-base"), "{refused}");
        for name in ["meadow-base", "meadow-extras"] {
            world
                .content
                .undelete_channel(&actor, &label(name), None)
                .await
                .unwrap();
        }
        let later = world.content.now().plus_seconds(2 * 86_400);
        let due = airlock_db::channels::due(world.content.db(), later)
            .await
            .unwrap();
        assert_eq!(due.len(), 1);
        assert_eq!(due[0].label, label("meadow-base"));
    });
}

#[test]
fn a_mirror_list_with_a_query_is_read_and_its_mirrors_get_no_credentials() {
    on_both(|world| async move {
        let source = Distribution::at(world.path("upstream"));
        let mirror = HttpServer::serve(world.path("upstream"));
        let folder = world.path("lists");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("mirrorlist"), format!("{}\n", mirror.url())).unwrap();
        let lists = HttpServer::serve(&folder);
        let upstreams = vec![NewUpstream {
            url: format!(
                "{}/mirrorlist?repo=meadow&arch=x86_64",
                lists.url().trim_end_matches('/')
            ),
            settings: airlock_model::UpstreamSettings {
                username: Some("reader".to_owned()),
                password: Some("open sesame".to_owned()),
                ..airlock_model::UpstreamSettings::default()
            },
        }];
        let patch = ChannelPatch {
            upstreams: Some(upstreams),
            ..ChannelPatch::default()
        };
        world.create("meadow-base", None, patch).await;
        let outcome = world.sync("meadow-base").await;
        assert_eq!(outcome.state, SyncState::Published, "{outcome:?}");
        let asked = lists.requests();
        assert_eq!(asked[0].query, "repo=meadow&arch=x86_64");
        assert!(asked[0].headers.contains_key("authorization"));
        let asked = mirror.requests();
        assert!(asked.len() > 3);
        for request in asked {
            assert!(
                !request.headers.contains_key("authorization") && request.query.is_empty(),
                "{request:?}"
            );
        }
        drop(source);
    });
}

#[test]
fn a_list_of_mirrors_that_has_no_name_of_one_is_told_how_to_be_known() {
    on_both(|world| async move {
        let folder = world.path("lists");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("ml.txt"), "http://mirror.example/\n").unwrap();
        let lists = HttpServer::serve(&folder);
        let url = format!("{}/ml.txt", lists.url().trim_end_matches('/'));
        world.mirror("meadow-base", &url).await;
        let outcome = world.sync("meadow-base").await;
        assert_eq!(outcome.state, SyncState::Failed);
        let error = outcome.error.unwrap();
        assert!(
            error.contains("has to have mirrorlist or metalink in its name"),
            "{error}"
        );
    });
}

#[test]
fn a_file_that_another_channel_brought_in_is_judged_by_the_channel_that_serves_it() {
    on_both(|world| async move {
        let key = SigningKey::ed25519("meadow");
        let armored = key.public_key();
        let mut source = Distribution::signed_at(world.path("upstream"), key);
        source.repository().add(&Rpm::new("stray", "1", "1"));
        source.publish();
        let on_demand = ChannelPatch {
            policy: Some(Policy::OnDemand),
            ..ChannelPatch::default()
        };
        world
            .create("lenient-base", Some(&source.url()), on_demand.clone())
            .await;
        let strict = ChannelPatch {
            keys: Some(vec![armored]),
            ..on_demand
        };
        world
            .create("strict-base", Some(&source.url()), strict)
            .await;
        for name in ["lenient-base", "strict-base"] {
            assert_eq!(world.sync(name).await.state, SyncState::Published);
        }
        let list = world.rows("strict-base", VersionSelector::Current).await;
        for package in list {
            world.get("lenient-base", &package.location).await;
            let version = world.resolve("strict-base").await;
            // Twice: what was judged once is judged the same from memory.
            for _ in 0..2 {
                let served = world.content.open_path(&version, &package.location).await;
                assert_eq!(served.is_ok(), package.name != "stray", "{}", package.name);
            }
        }
    });
}

#[test]
fn a_package_file_that_was_lost_comes_back_from_an_upstream_that_has_it() {
    on_both(|world| async move {
        let source = Distribution::at(world.path("upstream"));
        world.mirror("meadow-base", &source.url()).await;
        world.sync("meadow-base").await;
        let list = world.rows("meadow-base", VersionSelector::Current).await;
        let package = &list[0];
        let bytes = world.get("meadow-base", &package.location).await;
        let blob = world.content.blobs().path(&package.checksum).unwrap();
        std::fs::remove_file(blob).unwrap();
        assert_eq!(world.get("meadow-base", &package.location).await, bytes);
        world.fsck_is_clean().await;
    });
}
