//! By instant: recorded versions are copied unchanged.

use airlock_model::{CloneRequest, VersionSelector};

use super::{Upstream, clone, errata, packages, plan, reasons, request, rpm, until};
use crate::world::{label, on_both};

#[test]
fn a_recorded_version_is_copied_unchanged_and_what_was_put_in_by_hand_stays() {
    on_both(|world| async move {
        let mut upstream = Upstream::at(&world, "a")
            .naked(&["app-1 > gone", "lib-1"])
            .erratum("RHBA-1", "2014-01-01", &["lib-2"])
            .mirror(&world, "source-a", None)
            .await;
        let first = world
            .content
            .versions(airlock_model::OrgId::DEFAULT, &label("source-a"))
            .await
            .unwrap();
        upstream.0.remove("lib-1");
        upstream = upstream.erratum("RHBA-2", "2015-01-01", &["lib-3"]);
        upstream.0.publish();
        let shrunk = airlock_content::SyncOptions {
            accept_shrink: true,
            ..airlock_content::SyncOptions::default()
        };
        world.sync_with("source-a", shrunk).await;
        let as_of = |text: &str| CloneRequest {
            as_of: Some(text.to_owned()),
            ..request(&[("source-a", "clone-a")])
        };
        let (planned, _) = clone(&world, &as_of("1")).await.unwrap();
        assert_eq!(packages(&world, "clone-a").await, "app-1 lib-1 lib-2");
        // Unchanged: advisories keep their names, and missing dependencies are only told.
        assert_eq!(errata(&world, "clone-a").await, "RHBA-1");
        assert_eq!(planned.channels[0].open[0].requires, "gone");
        // By hand.
        let file = world.path("hand-1-1.noarch.rpm");
        std::fs::copy(rpm("hand-1").write_to(&world.path("made")), &file).unwrap();
        let staged = airlock_content::StagedFile {
            path: file,
            name: "hand-1-1.noarch.rpm".to_owned(),
        };
        world
            .content
            .push(&world.context(), &label("clone-a"), vec![staged])
            .await
            .unwrap();
        let (planned, _) = clone(&world, &as_of("2")).await.unwrap();
        assert_eq!(
            packages(&world, "clone-a").await,
            "app-1 hand-1 lib-2 lib-3"
        );
        assert_eq!(errata(&world, "clone-a").await, "RHBA-1 RHBA-2");
        assert_eq!(planned.channels[0].by_hand, ["hand-1-1.noarch"]);
        assert_eq!(planned.channels[0].removals[0].nevra, "lib-1-1.noarch");
        let prune = CloneRequest {
            prune: true,
            ..as_of("1")
        };
        clone(&world, &prune).await.unwrap();
        assert_eq!(packages(&world, "clone-a").await, "app-1 lib-1 lib-2");
        assert_eq!(errata(&world, "clone-a").await, "RHBA-1");
        // Again: nothing to do.
        let (planned, outcome) = clone(&world, &prune).await.unwrap();
        assert!(!planned.changes_anything());
        assert_eq!(outcome.channels[0].to, Some(4));
        // Before the first version.
        let before = as_of("2014-06-01");
        let error = plan(&world, &before).await.unwrap_err();
        assert!(error.hint().unwrap().contains("--infer"), "{error}");
        let error = error.to_string();
        assert!(error.contains(&first[0].instant.to_string()), "{error}");
        let infer = CloneRequest {
            infer: true,
            channels: request(&[("source-a", "clone-b")]).channels,
            ..before
        };
        let (planned, _) = clone(&world, &infer).await.unwrap();
        assert_eq!(packages(&world, "clone-b").await, "app-1 lib-1 lib-2");
        assert!(planned.channels[0].packages.iter().all(|p| p.inferred));
        // Errata by date on a recorded version.
        let both = CloneRequest {
            as_of: Some("1".to_owned()),
            ..until("2020-01-01", &[("source-a", "clone-c")])
        };
        let (planned, _) = clone(&world, &both).await.unwrap();
        assert_eq!(
            reasons(&planned, 0),
            ["app-1: original", "lib-1: original", "lib-2: RHBA-1"]
        );
        assert_eq!(
            world
                .packages("clone-c", VersionSelector::Current)
                .await
                .len(),
            3
        );
        world.fsck_is_clean().await;
    });
}

#[test]
fn a_recorded_version_over_a_clone_by_date_counts_its_errata_as_they_come() {
    on_both(|world| async move {
        Upstream::at(&world, "a")
            .naked(&["lib-1"])
            .erratum("RHBA-1", "2014-01-01", &["lib-2"])
            .erratum("RHBA-2", "2015-01-01", &["lib-3"])
            .mirror(&world, "source-a", None)
            .await;
        clone(&world, &until("2014-06-01", &[("source-a", "clone-a")]))
            .await
            .unwrap();
        assert_eq!(errata(&world, "clone-a").await, "CL-BA-1");
        let wish = CloneRequest {
            as_of: Some("1".to_owned()),
            ..request(&[("source-a", "clone-a")])
        };
        let (planned, outcome) = clone(&world, &wish).await.unwrap();
        let summary = &outcome.summary.channels[0];
        assert_eq!((summary.errata_selected, summary.errata_available), (2, 2));
        let package = &planned.channels[0].packages[0];
        assert_eq!(
            (&*package.nevra, package.replaces.as_deref()),
            ("lib-3-1.noarch", Some("2-1"))
        );
        // The recorded version's errata have their own names, and take the place of the clone's.
        assert_eq!(errata(&world, "clone-a").await, "RHBA-1 RHBA-2");
    });
}
