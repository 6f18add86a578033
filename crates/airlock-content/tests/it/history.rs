use airlock_content::SyncOptions;
use airlock_model::{ChannelPatch, ErrorKind, OrgId, VersionSelector};
use airlock_testkit::states::Distribution;

use crate::world::{World, label, on_both};

async fn three_days(world: &World) {
    let mut upstream = Distribution::at(world.path("upstream"));
    world.mirror("meadow-base", &upstream.url()).await;
    for day in 0..3 {
        if day > 0 {
            upstream.next_day();
            world.clock.advance(86_400);
        }
        world
            .sync_with(
                "meadow-base",
                SyncOptions {
                    accept_shrink: true,
                    together: false,
                },
            )
            .await;
    }
}

#[test]
fn a_version_is_found_by_number_day_and_instant() {
    on_both(|world| async move {
        three_days(&world).await;
        let versions = world
            .content
            .versions(OrgId::DEFAULT, &label("meadow-base"))
            .await
            .unwrap();
        assert_eq!(versions.len(), 3);
        assert!(versions.windows(2).all(|w| w[0].instant < w[1].instant));
        for version in &versions {
            let instant = version.instant.to_string();
            let day = &instant[..10];
            // To the second as lists show it, and to the minute: both name the version they stand beside.
            let second = format!("{}Z", &instant[..19]);
            let minute = format!("{}Z", &instant[..16]);
            for name in [
                version.number.to_string(),
                instant.clone(),
                second,
                minute,
                day.to_owned(),
            ] {
                let found = world
                    .content
                    .resolve(&format!("meadow-base@{name}"))
                    .await
                    .unwrap();
                assert_eq!(found.number, version.number, "{name}");
            }
        }
        assert_eq!(world.resolve("meadow-base@$airlock_at").await.number, 3);
        assert_eq!(world.resolve("meadow-base@current").await.number, 3);
        assert!(!world.resolve("meadow-base").await.pinned);
        assert!(world.resolve("meadow-base@2").await.pinned);
        for missing in [
            "meadow-base@9",
            "meadow-base@2020-01-01",
            "meadow-base@2099-01-01",
            "meadow-else",
        ] {
            assert_eq!(
                world.content.resolve(missing).await.unwrap_err().kind(),
                ErrorKind::NotFound,
                "{missing}"
            );
        }
        let error = world
            .content
            .resolve("meadow-base@2020-01-01")
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains("nearest is 1"), "{error}");
        for nonsense in ["meadow-base@-1", "meadow-base@2026-02-30", "meadow-base@x"] {
            assert_eq!(
                world.content.resolve(nonsense).await.unwrap_err().kind(),
                ErrorKind::Invalid,
                "{nonsense}"
            );
        }
    });
}

#[test]
fn today_is_served_but_may_not_be_kept() {
    on_both(|world| async move {
        three_days(&world).await;
        let today = airlock_model::Clock::now(&*world.clock).to_string();
        let version = world
            .content
            .resolve(&format!("meadow-base@{}", &today[..10]))
            .await
            .unwrap();
        assert!(!version.pinned);
    });
}

#[test]
fn a_client_in_the_middle_of_an_install_finds_its_packages_after_a_switch() {
    on_both(|world| async move {
        three_days(&world).await;
        let before = world
            .content
            .packages(
                OrgId::DEFAULT,
                &label("meadow-base"),
                VersionSelector::Number(2),
                Some("oldtool"),
            )
            .await
            .unwrap();
        let now = world
            .packages("meadow-base", VersionSelector::Current)
            .await;
        assert!(now.iter().all(|name| !name.starts_with("oldtool")));
        let bytes = world.get("meadow-base", &before[0].location).await;
        assert_eq!(bytes.len() as u64, before[0].size);
        // A label that names its version serves that version and nothing else.
        let pinned = world.resolve("meadow-base@3").await;
        let error = world
            .content
            .open_path(&pinned, &before[0].location)
            .await
            .err()
            .unwrap();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    });
}

#[test]
fn rollback_is_a_new_version_with_the_old_content() {
    on_both(|world| async move {
        three_days(&world).await;
        let first = world
            .packages("meadow-base", VersionSelector::Number(1))
            .await;
        let outcome = world
            .content
            .rollback(
                &world.context(),
                &label("meadow-base"),
                VersionSelector::Number(1),
                false,
            )
            .await
            .unwrap();
        assert_eq!(outcome[0].to, Some(4));
        assert_eq!(
            world
                .packages("meadow-base", VersionSelector::Current)
                .await,
            first
        );
        let diff = world
            .content
            .diff(
                OrgId::DEFAULT,
                (&label("meadow-base"), VersionSelector::Number(1)),
                (&label("meadow-base"), VersionSelector::Number(4)),
            )
            .await
            .unwrap();
        assert!(
            diff.added.is_empty() && diff.removed.is_empty() && diff.errata_added.is_empty(),
            "{diff:?}"
        );
        world.fsck_is_clean().await;
    });
}

#[test]
fn a_difference_names_what_changed() {
    on_both(|world| async move {
        three_days(&world).await;
        let diff = world
            .content
            .diff(
                OrgId::DEFAULT,
                (&label("meadow-base"), VersionSelector::Number(1)),
                (&label("meadow-base"), VersionSelector::Number(2)),
            )
            .await
            .unwrap();
        assert!(!diff.added.is_empty());
        assert!(!diff.upgraded.is_empty(), "{diff:?}");
        assert!(!diff.errata_added.is_empty());
        assert!(!diff.cves_added.is_empty());
    });
}

#[test]
fn promotion_makes_the_destination_exactly_the_source() {
    on_both(|world| async move {
        three_days(&world).await;
        world
            .create("meadow-prod", None, ChannelPatch::default())
            .await;
        for (selector, number) in [
            (VersionSelector::Number(2), 1),
            (VersionSelector::Current, 2),
            (VersionSelector::Number(1), 3),
        ] {
            let outcome = world
                .content
                .promote(
                    &world.context(),
                    &label("meadow-base"),
                    selector,
                    &label("meadow-prod"),
                    false,
                )
                .await
                .unwrap();
            assert_eq!(outcome[0].to, Some(number));
            assert_eq!(
                world
                    .packages("meadow-prod", VersionSelector::Current)
                    .await,
                world.packages("meadow-base", selector).await
            );
        }
        // The same once more changes nothing.
        let outcome = world
            .content
            .promote(
                &world.context(),
                &label("meadow-base"),
                VersionSelector::Number(1),
                &label("meadow-prod"),
                false,
            )
            .await
            .unwrap();
        assert_eq!(outcome[0].to, Some(3));
        world.walk("meadow-prod").await;
        world.fsck_is_clean().await;
    });
}

#[test]
fn a_tree_switches_at_one_instant() {
    on_both(|world| async move {
        let mut base = Distribution::at(world.path("base"));
        let mut child = Distribution::at(world.path("child"));
        world.mirror("meadow-base", &base.url()).await;
        world
            .create(
                "meadow-extras",
                Some(&child.url()),
                ChannelPatch {
                    parent: Some("meadow-base".into()),
                    ..ChannelPatch::default()
                },
            )
            .await;
        let tree = world
            .content
            .tree(OrgId::DEFAULT, &label("meadow-base"))
            .await
            .unwrap();
        assert_eq!(tree, [label("meadow-base"), label("meadow-extras")]);
        let together = SyncOptions {
            accept_shrink: true,
            together: true,
        };
        world
            .content
            .sync(&world.context(), &tree, together)
            .await
            .unwrap();
        base.next_day();
        child.next_day();
        world.clock.advance(86_400);
        world
            .content
            .sync(&world.context(), &tree, together)
            .await
            .unwrap();
        let mut instants = Vec::new();
        for name in &tree {
            instants.push(world.content.versions(OrgId::DEFAULT, name).await.unwrap()[1].instant);
        }
        assert_eq!(instants[0], instants[1]);
        let outcome = world
            .content
            .rollback(
                &world.context(),
                &label("meadow-base"),
                VersionSelector::Number(1),
                true,
            )
            .await
            .unwrap();
        assert_eq!(outcome.len(), 2);
        for name in ["meadow-base", "meadow-extras"] {
            assert_eq!(
                world.packages(name, VersionSelector::Current).await,
                world.packages(name, VersionSelector::Number(1)).await
            );
        }
        world.fsck_is_clean().await;
    });
}

#[test]
fn a_child_without_content_then_stays_when_its_tree_goes_back() {
    on_both(|world| async move {
        three_days(&world).await;
        let child = Distribution::at(world.path("child"));
        let patch = ChannelPatch {
            parent: Some("meadow-base".into()),
            ..ChannelPatch::default()
        };
        world
            .create("meadow-extras", Some(&child.url()), patch)
            .await;
        world.sync("meadow-extras").await;
        let before = world
            .packages("meadow-extras", VersionSelector::Current)
            .await;
        let back = VersionSelector::Number(1);
        let outcome = world
            .content
            .rollback(&world.context(), &label("meadow-base"), back, true)
            .await
            .unwrap();
        assert_eq!((outcome[0].to, outcome[1].to), (Some(4), Some(1)));
        assert_eq!(
            outcome[1].warnings,
            ["it had no content then, so it stays as it is"]
        );
        assert_eq!(
            world
                .packages("meadow-extras", VersionSelector::Current)
                .await,
            before
        );
    });
}

#[test]
fn a_day_in_the_future_is_no_version_for_any_command() {
    on_both(|world| async move {
        three_days(&world).await;
        let name = label("meadow-base");
        world
            .create("meadow-prod", None, ChannelPatch::default())
            .await;
        let tomorrow = world.content.now().plus_seconds(2 * 86_400);
        let day = &tomorrow.to_string()[..10];
        let zone = world.content.settings().zone.clone();
        for text in [day.to_owned(), tomorrow.to_string()] {
            let at = VersionSelector::parse(&text, &zone).unwrap();
            let (org, context) = (OrgId::DEFAULT, world.context());
            let content = &world.content;
            let errors = [
                content.packages(org, &name, at, None).await.unwrap_err(),
                content.errata(org, &name, at).await.unwrap_err(),
                content
                    .diff(org, (&name, VersionSelector::Number(1)), (&name, at))
                    .await
                    .unwrap_err(),
                content
                    .rollback(&context, &name, at, false)
                    .await
                    .unwrap_err(),
                content
                    .promote(&context, &name, at, &label("meadow-prod"), false)
                    .await
                    .unwrap_err(),
                content
                    .fetch_packages(&context, &name, at)
                    .await
                    .unwrap_err(),
            ];
            for error in errors {
                assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
                let error = error.to_string();
                assert!(
                    error.contains("lies in the future")
                        && error.contains("the nearest is 3, the current one"),
                    "{error}"
                );
            }
        }
        // Today is not over, and counts as it is.
        let today = world.content.now().to_string();
        let today = VersionSelector::parse(&today[..10], &zone).unwrap();
        assert!(!world.packages("meadow-base", today).await.is_empty());
    });
}

#[test]
fn what_was_current_within_a_day_is_served_however_many_moves_ago() {
    on_both(|world| async move {
        let mut upstream = airlock_testkit::repos::Repository::at(world.path("upstream"));
        for name in ["alder", "birch", "cedar"] {
            upstream.add(&airlock_testkit::rpms::Rpm::new(name, "1", "1"));
        }
        upstream.publish();
        world.mirror("meadow-base", &upstream.url()).await;
        world.sync("meadow-base").await;
        let first = world.walk("meadow-base").await;
        let alder = world
            .rows("meadow-base", VersionSelector::Current)
            .await
            .remove(0);
        let name = label("meadow-base");
        let remove = async |item: &str| {
            world
                .content
                .remove(&world.context(), &name, &[item.to_owned()])
                .await
                .unwrap();
        };
        // One package goes for good; another one comes and goes, more often than moves are looked at in any case.
        remove("alder-1-1.noarch").await;
        let mut gone = false;
        for _ in 0..24 {
            world.clock.advance(600);
            if gone {
                world
                    .content
                    .add(
                        &world.context(),
                        &name,
                        &["birch-1-1.noarch".to_owned()],
                        airlock_content::AddFrom::default(),
                    )
                    .await
                    .unwrap();
            } else {
                remove("birch-1-1.noarch").await;
            }
            gone = !gone;
        }
        let found = async |path: &str| {
            let version = world.resolve("meadow-base").await;
            world.content.open_path(&version, path).await.is_ok()
        };
        for (path, bytes) in &first[1..] {
            assert_eq!(&world.get("meadow-base", path).await, bytes, "{path}");
        }
        assert!(found(&alder.location).await);
        world.clock.advance(86_400);
        assert!(!found(&alder.location).await);
        assert!(!found(&first[1].0).await);
    });
}
