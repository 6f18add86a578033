use airlock_content::SyncOptions;
use airlock_model::{
    ChannelPatch, MetadataMode, PackageFilter, Policy, SyncState, VersionSelector,
};
use airlock_testkit::repos::Repository;
use airlock_testkit::rpms::Rpm;
use airlock_testkit::states::Distribution;

use crate::own_content::staged;
use crate::world::{label, on_both};

#[test]
fn three_days_of_an_upstream_become_three_versions() {
    on_both(|world| async move {
        let mut upstream = Distribution::at(world.path("upstream"));
        world.mirror("meadow-base", &upstream.url()).await;
        let first = world.sync("meadow-base").await;
        assert_eq!(
            (first.state, first.from, first.to),
            (SyncState::Published, None, Some(1)),
            "{first:?}"
        );
        assert!(first.added > 3 && first.bytes > 0);
        let day_one = world
            .packages("meadow-base", VersionSelector::Current)
            .await;
        assert_eq!(first.packages, day_one.len() as u64);

        let again = world.sync("meadow-base").await;
        assert_eq!((again.state, again.to), (SyncState::Unchanged, Some(1)));

        upstream.next_day();
        let second = world.sync("meadow-base").await;
        assert_eq!(
            (second.state, second.from, second.to),
            (SyncState::Published, Some(1), Some(2)),
            "{second:?}"
        );
        assert!(second.errata.total() > 0);
        upstream.next_day();
        let third = world
            .sync_with(
                "meadow-base",
                SyncOptions {
                    accept_shrink: true,
                    together: false,
                },
            )
            .await;
        assert_eq!(third.to, Some(3), "{third:?}");

        assert_eq!(
            world
                .packages("meadow-base", VersionSelector::Number(1))
                .await,
            day_one
        );
        for version in [
            "meadow-base@1",
            "meadow-base@2",
            "meadow-base@3",
            "meadow-base",
        ] {
            world.walk(version).await;
        }
        world.fsck_is_clean().await;
    });
}

#[test]
fn a_mirror_that_regenerates_the_same_content_makes_no_version() {
    on_both(|world| async move {
        let mut upstream = Distribution::at(world.path("upstream"));
        world.mirror("meadow-base", &upstream.url()).await;
        world.sync("meadow-base").await;
        upstream.repository().revision("1999999999");
        upstream.publish();
        let again = world.sync("meadow-base").await;
        assert_eq!(
            (again.state, again.to),
            (SyncState::Unchanged, Some(1)),
            "{again:?}"
        );
    });
}

#[test]
fn on_demand_fetches_verifies_and_keeps_a_package_at_its_first_request() {
    on_both(|world| async move {
        let upstream = Distribution::at(world.path("upstream"));
        world
            .create(
                "meadow-base",
                Some(&upstream.url()),
                ChannelPatch {
                    policy: Some(Policy::OnDemand),
                    ..ChannelPatch::default()
                },
            )
            .await;
        let outcome = world.sync("meadow-base").await;
        assert_eq!(outcome.state, SyncState::Published, "{outcome:?}");
        let list = world.rows("meadow-base", VersionSelector::Current).await;
        assert!(list.iter().all(|p| !p.held));
        let bytes = world.get("meadow-base@1", &list[0].location).await;
        assert_eq!(bytes.len() as u64, list[0].size);
        let list = world.rows("meadow-base", VersionSelector::Current).await;
        assert_eq!(list.iter().filter(|p| p.held).count(), 1);
        world.fsck_is_clean().await;
    });
}

#[test]
fn a_package_that_moved_at_the_upstream_is_fetched_from_its_new_place() {
    on_both(|world| async move {
        let mut upstream = Distribution::at(world.path("upstream"));
        let patch = ChannelPatch {
            policy: Some(Policy::OnDemand),
            ..ChannelPatch::default()
        };
        world
            .create("meadow-base", Some(&upstream.url()), patch)
            .await;
        world.sync("meadow-base").await;
        let before = world
            .packages("meadow-base", VersionSelector::Current)
            .await;
        let moved = world.path("upstream").join("pool");
        std::fs::create_dir(&moved).unwrap();
        for file in upstream.repository().packages() {
            std::fs::rename(&file, moved.join(file.file_name().unwrap())).unwrap();
        }
        upstream.publish();
        let outcome = world.sync("meadow-base").await;
        assert_eq!(
            (outcome.state, outcome.added, outcome.removed),
            (SyncState::Published, 0, 0),
            "{outcome:?}"
        );
        assert_eq!(outcome.warnings, Vec::<String>::new());
        assert_eq!(
            world
                .packages("meadow-base", VersionSelector::Current)
                .await,
            before
        );
        let list = world.rows("meadow-base", VersionSelector::Current).await;
        for package in list {
            let bytes = world.get("meadow-base", &package.location).await;
            assert_eq!(bytes.len() as u64, package.size);
        }
        world.fsck_is_clean().await;
    });
}

#[test]
fn verbatim_serves_the_upstreams_own_bytes() {
    on_both(|world| async move {
        let upstream = Distribution::at(world.path("upstream"));
        world
            .create(
                "meadow-base",
                Some(&upstream.url()),
                ChannelPatch {
                    metadata: Some(MetadataMode::Verbatim),
                    ..ChannelPatch::default()
                },
            )
            .await;
        let outcome = world.sync("meadow-base").await;
        assert_eq!(outcome.state, SyncState::Published, "{outcome:?}");
        for (path, bytes) in world.walk("meadow-base").await {
            assert_eq!(
                bytes,
                std::fs::read(world.path("upstream").join(&path)).unwrap(),
                "{path}"
            );
        }
        let list = world.rows("meadow-base", VersionSelector::Current).await;
        for package in list {
            let bytes = world.get("meadow-base@1", &package.location).await;
            assert_eq!(
                bytes,
                std::fs::read(world.path("upstream").join(&package.location)).unwrap()
            );
        }
        world.fsck_is_clean().await;
    });
}

#[test]
fn filters_choose_packages_and_keep_the_newest() {
    on_both(|world| async move {
        let mut upstream = Distribution::at(world.path("upstream"));
        upstream.next_day();
        let filter = PackageFilter {
            latest: Some(1),
            arches: vec!["x86_64".into(), "noarch".into()],
            ..PackageFilter::default()
        };
        world
            .create(
                "meadow-base",
                Some(&upstream.url()),
                ChannelPatch {
                    filter: Some(filter),
                    ..ChannelPatch::default()
                },
            )
            .await;
        let outcome = world.sync("meadow-base").await;
        assert_eq!(outcome.state, SyncState::Published, "{outcome:?}");
        let list = world.rows("meadow-base", VersionSelector::Current).await;
        let mut seen = std::collections::HashSet::new();
        for package in &list {
            assert!(
                matches!(package.arch.as_str(), "x86_64" | "noarch"),
                "{}",
                package.nevra()
            );
            assert!(
                seen.insert((package.name.clone(), package.arch.clone())),
                "{} twice",
                package.name
            );
        }
    });
}

#[test]
fn losing_a_fifth_is_held_until_it_is_accepted() {
    on_both(|world| async move {
        let mut upstream = Distribution::at(world.path("upstream"));
        world.mirror("meadow-base", &upstream.url()).await;
        world.sync("meadow-base").await;
        let before = world
            .packages("meadow-base", VersionSelector::Current)
            .await;
        let victims = before.len().div_ceil(2);
        for name in before.iter().take(victims) {
            upstream
                .repository()
                .remove(name.split('-').next().unwrap());
        }
        upstream.repository().revision("1999999999");
        upstream.publish();
        let held = world.sync("meadow-base").await;
        assert_eq!(
            (held.state, held.to),
            (SyncState::Held, Some(1)),
            "{held:?}"
        );
        assert!(held.held.unwrap().reason.contains("would go"));
        assert_eq!(
            world
                .packages("meadow-base", VersionSelector::Current)
                .await,
            before
        );
        let taken = world
            .sync_with(
                "meadow-base",
                SyncOptions {
                    accept_shrink: true,
                    together: false,
                },
            )
            .await;
        assert_eq!((taken.state, taken.to), (SyncState::Published, Some(2)));
    });
}

#[test]
fn a_broken_upstream_is_named_and_the_last_version_stays() {
    on_both(|world| async move {
        let mut upstream = Distribution::at(world.path("upstream"));
        world.mirror("meadow-base", &upstream.url()).await;
        world.sync("meadow-base").await;
        let served = world.walk("meadow-base").await;
        upstream.next_day();
        let primary = std::fs::read_dir(world.path("upstream/repodata"))
            .unwrap()
            .map(|e| e.unwrap().path())
            .find(|p| {
                p.file_name()
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .contains("primary.xml")
            })
            .unwrap();
        let whole = std::fs::read(&primary).unwrap();
        std::fs::write(&primary, &whole[..whole.len() / 2]).unwrap();
        let failed = world.sync("meadow-base").await;
        assert_eq!(failed.state, SyncState::Failed);
        let error = failed.error.unwrap();
        assert!(error.contains("primary.xml"), "{error}");
        assert_eq!(world.walk("meadow-base").await, served);
        std::fs::write(&primary, whole).unwrap();
        let mended = world.sync("meadow-base").await;
        assert_eq!(mended.state, SyncState::Published, "{mended:?}");
    });
}

#[test]
fn an_installation_tree_is_served_beside_the_repository() {
    on_both(|world| async move {
        let mut upstream = Distribution::at(world.path("upstream"));
        let paths = upstream.repository().kickstart_tree();
        world.mirror("meadow-base", &upstream.url()).await;
        let outcome = world.sync("meadow-base").await;
        assert_eq!(outcome.state, SyncState::Published, "{outcome:?}");
        for path in paths.iter().map(String::as_str).chain([".treeinfo"]) {
            assert_eq!(
                world.get("meadow-base@1", path).await,
                std::fs::read(world.path("upstream").join(path)).unwrap(),
                "{path}"
            );
        }
        world.walk("meadow-base").await;
        world.fsck_is_clean().await;
    });
}

#[test]
fn a_package_that_leaves_the_upstream_is_fetched_before_it_is_gone() {
    on_both(|world| async move {
        let mut upstream = Distribution::at(world.path("upstream"));
        world
            .create(
                "meadow-base",
                Some(&upstream.url()),
                ChannelPatch {
                    policy: Some(Policy::OnDemand),
                    ..ChannelPatch::default()
                },
            )
            .await;
        world.sync("meadow-base").await;
        let org = airlock_model::OrgId::DEFAULT;
        let name = crate::world::label("meadow-base");
        let before = world
            .content
            .packages(org, &name, VersionSelector::Current, None)
            .await
            .unwrap();
        let victim = before.last().unwrap().clone();
        // The metadata does not list it any more, the file is still there: the state of a mirror while it is updated.
        let file = world.path("upstream").join(
            airlock_testkit::repos::packages_below(&world.path("upstream"))
                .into_iter()
                .find(|p| p.ends_with(&victim.file_name))
                .unwrap(),
        );
        let kept = std::fs::read(&file).unwrap();
        upstream.repository().remove(&victim.name);
        upstream.repository().revision("1999999999");
        upstream.publish();
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, &kept).unwrap();
        let outcome = world
            .sync_with(
                "meadow-base",
                SyncOptions {
                    accept_shrink: true,
                    together: false,
                },
            )
            .await;
        assert_eq!(outcome.state, SyncState::Published, "{outcome:?}");
        std::fs::remove_file(&file).unwrap();
        assert_eq!(world.get("meadow-base@1", &victim.location).await, kept);
    });
}

#[test]
fn an_unknown_channel_does_not_stop_the_others() {
    on_both(|world| async move {
        let upstream = Distribution::at(world.path("upstream"));
        world.mirror("meadow-base", &upstream.url()).await;
        let labels = [label("nobody-has-it"), label("meadow-base")];
        let outcomes = world
            .content
            .sync(&world.context(), &labels, SyncOptions::default())
            .await
            .unwrap();
        assert_eq!(
            (outcomes[0].state, outcomes[0].error.as_deref()),
            (SyncState::Failed, Some("there is no channel nobody-has-it"))
        );
        assert_eq!(
            (outcomes[1].state, outcomes[1].to),
            (SyncState::Published, Some(1))
        );
        let again = world.sync("meadow-base").await;
        assert_eq!(
            (again.state, again.packages),
            (SyncState::Unchanged, outcomes[1].packages)
        );
    });
}

#[test]
fn what_was_done_by_hand_is_named_while_it_stays_and_when_it_goes() {
    on_both(|world| async move {
        let mut upstream = Repository::at(world.path("upstream"));
        let packages: Vec<Rpm> = (1..=9)
            .map(|n| Rpm::new(&format!("p{n}"), "1", "1"))
            .collect();
        for package in &packages {
            upstream.add(package);
        }
        upstream.publish();
        let patch = ChannelPatch {
            signatures: Some(airlock_model::SignatureWish::Off),
            ..ChannelPatch::default()
        };
        world
            .create("meadow-base", Some(&upstream.url()), patch)
            .await;
        world.sync("meadow-base").await;
        let name = label("meadow-base");
        let pushed = world
            .content
            .push(
                &world.context(),
                &name,
                vec![staged(&world, &Rpm::new("own", "1", "1"))],
            )
            .await
            .unwrap();
        assert!(
            pushed.warnings[0].starts_with("meadow-base has an upstream: the next sync"),
            "{pushed:?}"
        );
        world
            .content
            .remove(&world.context(), &name, &["p1-1-1.noarch".to_owned()])
            .await
            .unwrap();
        let stays = world.sync("meadow-base").await;
        assert_eq!((stays.state, stays.to), (SyncState::Unchanged, Some(3)));
        assert_eq!(
            stays.warnings,
            [
                "it stays as it was made by hand (removed p1-1-1.noarch), not what the last sync took, version 1 \
                 (which has 1 other packages and lacks 1); airlock channel rollback meadow-base 1 goes back to that"
            ]
        );
        upstream.add(&Rpm::new("more", "1", "1"));
        upstream.publish();
        let goes = world.sync("meadow-base").await;
        assert_eq!(
            (goes.state, goes.added, goes.removed),
            (SyncState::Published, 2, 1)
        );
        assert_eq!(
            goes.warnings,
            [
                "the upstream does not have what was put in by hand (removed p1-1-1.noarch), so these packages go: own-1-1.noarch",
                "the upstream has what was taken out by hand (removed p1-1-1.noarch), so these packages are back: p1-1-1.noarch"
            ]
        );
        assert_eq!(
            world.sync("meadow-base").await.warnings,
            Vec::<String>::new()
        );
        // Going back to what the last sync took needs no word either.
        for number in [1, 4] {
            let back = VersionSelector::Number(number);
            world
                .content
                .rollback(&world.context(), &name, back, false)
                .await
                .unwrap();
            let said = world.sync("meadow-base").await.warnings;
            assert_eq!(said.len(), usize::from(number == 1), "{said:?}");
        }
    });
}

#[test]
fn a_sync_that_leaves_everything_out_fails_and_publishes_nothing() {
    on_both(|world| async move {
        let upstream = Distribution::at(world.path("upstream"));
        let patch = ChannelPatch {
            signatures: Some(airlock_model::SignatureWish::Require),
            ..ChannelPatch::default()
        };
        world
            .create("meadow-base", Some(&upstream.url()), patch)
            .await;
        let outcome = world.sync("meadow-base").await;
        assert_eq!((outcome.state, outcome.to), (SyncState::Failed, None));
        let error = outcome.error.unwrap();
        assert!(
            error.starts_with("all ") && error.contains("--signatures warn"),
            "{error}"
        );
    });
}
