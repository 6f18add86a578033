//! A clone that is made again: an earlier day, errata by name, what was taken out by hand, what changed since.

use airlock_model::{Beyond, CloneRequest, PackageReason};
use airlock_testkit::repos::errata::Erratum;

use super::{Upstream, clone, errata, packages, plan, reasons, request, rpm, until};
use crate::world::{World, label, on_both};

async fn remove(world: &World, name: &str, items: &[&str]) {
    let items: Vec<String> = items.iter().map(|item| (*item).to_owned()).collect();
    let context = world.context();
    world
        .content
        .remove(&context, &label(name), &items)
        .await
        .unwrap();
}

fn by_name(advisory: &str, pairs: &[(&str, &str)]) -> CloneRequest {
    CloneRequest {
        errata: vec![advisory.to_owned()],
        ..request(pairs)
    }
}

#[test]
fn an_earlier_day_than_last_time_changes_nothing_and_says_so() {
    on_both(|world| async move {
        let mut upstream = Upstream::at(&world, "a")
            .naked(&["base-1"])
            .erratum("RHBA-1", "2014-01-01", &["lib-2"])
            .erratum("RHBA-2", "2016-01-01", &["tool-2"])
            .mirror(&world, "source-a", None)
            .await;
        let pairs = [("source-a", "clone-a")];
        let (planned, _) = clone(&world, &until("2017-01-01", &pairs)).await.unwrap();
        assert_eq!(planned.channels[0].reaches, None);
        // Both errata get a package more.
        upstream.0.clear_errata();
        for (id, day, files) in [
            ("RHBA-1", "2014-01-01", ["lib-2", "lib-doc-2"]),
            ("RHBA-2", "2016-01-01", ["tool-2", "tool-doc-2"]),
        ] {
            let mut erratum = Erratum::new(id, "bugfix", &format!("{day} 00:00:00"));
            for file in files {
                upstream.0.add(&rpm(file));
                erratum = erratum.package(&rpm(file));
            }
            upstream.0.erratum(erratum);
        }
        upstream.0.publish();
        world.sync("source-a").await;
        let earlier = until("2015-01-01", &pairs);
        let (planned, _) = clone(&world, &earlier).await.unwrap();
        assert_eq!(
            planned.channels[0].reaches,
            Some("2017-01-01".parse().unwrap())
        );
        assert_eq!(reasons(&planned, 0), ["lib-doc-2: revised RHBA-1"]);
        let (planned, _) = clone(&world, &earlier).await.unwrap();
        assert!(!planned.changes_anything());
        assert!(planned.channels[0].reaches.is_some());
        // What lies beyond comes with a day that reaches it.
        let (planned, _) = clone(&world, &until("2017-01-01", &pairs)).await.unwrap();
        assert_eq!(planned.channels[0].reaches, None);
        assert_eq!(reasons(&planned, 0), ["tool-doc-2: revised RHBA-2"]);
        // A rollback takes the day back with it.
        let first = airlock_model::VersionSelector::Number(1);
        let context = world.context();
        world
            .content
            .rollback(&context, &label("clone-a"), first, false)
            .await
            .unwrap();
        let (planned, _) = clone(&world, &until("2016-06-01", &pairs)).await.unwrap();
        assert_eq!(
            planned.channels[0].reaches,
            Some("2017-01-01".parse().unwrap())
        );
    });
}

#[test]
fn what_was_taken_out_by_hand_stays_out_until_it_is_needed_or_asked_for() {
    on_both(|world| async move {
        Upstream::at(&world, "a")
            .naked(&["app-1 > lib", "lib-1"])
            .erratum("RHBA-1", "2014-01-01", &["tool-2", "doc-2"])
            .erratum("RHBA-2", "2016-01-01", &["lib-2"])
            .mirror(&world, "source-a", None)
            .await;
        let pairs = [("source-a", "clone-a")];
        let wish = until("2015-01-01", &pairs);
        clone(&world, &wish).await.unwrap();
        remove(&world, "clone-a", &["doc-2-1.noarch", "lib-1-1.noarch"]).await;
        let (planned, _) = clone(&world, &wish).await.unwrap();
        assert_eq!(reasons(&planned, 0), ["lib-1: needed by app-1 for lib"]);
        assert_eq!(planned.channels[0].left_out, ["doc-2-1.noarch"]);
        // Another advisory by name leaves it alone, too.
        let (planned, _) = clone(&world, &by_name("RHBA-2", &pairs)).await.unwrap();
        assert_eq!(reasons(&planned, 0), ["lib-2: RHBA-2"]);
        assert_eq!(
            packages(&world, "clone-a").await,
            "app-1 lib-1 lib-2 tool-2"
        );
        let (planned, _) = clone(&world, &by_name("RHBA-1", &pairs)).await.unwrap();
        assert_eq!(reasons(&planned, 0), ["doc-2: missing of RHBA-1"]);
        assert!(planned.channels[0].left_out.is_empty());
        // It came back, and is no longer kept out.
        let (planned, _) = clone(&world, &wish).await.unwrap();
        assert!(!planned.changes_anything() && planned.channels[0].left_out.is_empty());
    });
}

#[test]
fn errata_by_name_leave_all_others_alone() {
    on_both(|world| async move {
        let mut upstream = Upstream::at(&world, "a")
            .naked(&["base-1"])
            .erratum("RHBA-1", "2014-01-01", &["lib-2", "tool-2"])
            .erratum("RHBA-2", "2014-02-01", &["app-2 > deep"])
            .erratum("RHBA-3", "2014-03-01", &["deep-1"])
            .mirror(&world, "source-a", None)
            .await;
        let pairs = [("source-a", "clone-a")];
        let barred = CloneRequest {
            blacklist: [("ALL".to_owned(), vec!["tool".to_owned()])].into(),
            ..until("2014-01-10", &pairs)
        };
        clone(&world, &barred).await.unwrap();
        let (planned, _) = clone(&world, &by_name("RHBA-2", &pairs)).await.unwrap();
        assert_eq!(
            reasons(&planned, 0),
            ["app-2: RHBA-2", "deep-1: needed by app-2 for deep (RHBA-3)"]
        );
        assert_eq!(
            packages(&world, "clone-a").await,
            "app-2 base-1 deep-1 lib-2"
        );
        // Also where the content is inferred from an instant before everything.
        upstream = upstream.erratum("RHBA-4", "2014-04-01", &["more-1"]);
        upstream.0.publish();
        world.sync("source-a").await;
        let inferred = CloneRequest {
            as_of: Some("2014-12-01".to_owned()),
            infer: true,
            ..by_name("RHBA-2", &[("source-a", "clone-b")])
        };
        let (planned, _) = clone(&world, &inferred).await.unwrap();
        assert_eq!(
            reasons(&planned, 0),
            [
                "app-2: RHBA-2",
                "base-1: original",
                "deep-1: needed by app-2 for deep (RHBA-3)"
            ]
        );
        assert_eq!(errata(&world, "clone-b").await, "CL-BA-2 CL-BA-3");
    });
}

#[test]
fn what_an_erratum_in_range_got_later_is_a_surprise() {
    on_both(|world| async move {
        let mut upstream = Upstream::at(&world, "a").naked(&["app-1"]);
        // Built on 2025-06-01.
        let late = rpm("app-2").built_at(1_748_736_000);
        upstream.0.add(&late);
        let erratum = Erratum::new("RHBA-2024:1", "bugfix", "2024-01-10 00:00:00")
            .updated("2025-06-02 00:00:00", "2")
            .package(&late);
        upstream.0.erratum(erratum);
        upstream.mirror(&world, "source-a", None).await;
        let pairs = [("source-a", "clone-a")];
        let planned = plan(&world, &until("2024-06-01", &pairs)).await.unwrap();
        let channel = &planned.channels[0];
        assert!(channel.errata[0].beyond);
        let package = channel
            .packages
            .iter()
            .find(|p| p.nevra == "app-2-1.noarch")
            .unwrap();
        assert_eq!(package.beyond, Some(Beyond::Build));
        assert!(matches!(package.reason, PackageReason::Erratum { .. }));
        let planned = plan(&world, &until("2025-06-02", &pairs)).await.unwrap();
        let channel = &planned.channels[0];
        assert!(!channel.errata[0].beyond && channel.packages.iter().all(|p| p.beyond.is_none()));
    });
}

#[test]
fn the_date_of_the_last_change_decides_where_that_is_asked_for() {
    on_both(|world| async move {
        let mut upstream = Upstream::at(&world, "a").naked(&["app-1"]).erratum(
            "RHBA-2024:2",
            "2024-02-10",
            &["lib-1"],
        );
        let changed = Erratum::new("RHBA-2024:1", "bugfix", "2024-01-10 00:00:00")
            .updated("2025-06-02 00:00:00", "2")
            .package(&rpm("app-2"));
        upstream.0.add(&rpm("app-2"));
        upstream.0.erratum(changed);
        upstream.mirror(&world, "source-a", None).await;
        let wish = |day: &str, use_update_date| CloneRequest {
            use_update_date,
            ..until(day, &[("source-a", "clone-a")])
        };
        // One that was never changed counts by its issue date.
        for (day, by_change, there) in [
            ("2024-06-01", false, "app-1 app-2 lib-1"),
            ("2024-06-01", true, "app-1 lib-1"),
            ("2025-06-01", true, "app-1 lib-1"),
            ("2025-06-02", true, "app-1 app-2 lib-1"),
        ] {
            let planned = plan(&world, &wish(day, by_change)).await.unwrap();
            let packages = planned.channels[0].packages.iter();
            let names: Vec<String> = packages.map(|p| p.nevra.replace("-1.noarch", "")).collect();
            assert_eq!(names.join(" "), there, "{day} {by_change}");
        }
    });
}

#[test]
fn an_advisory_goes_closed_into_three_frozen_trees_and_one_without_it_is_told() {
    on_both(|world| async move {
        for name in ["one", "two"] {
            Upstream::at(&world, name)
                .naked(&["app-1"])
                .erratum("RHSA-1", "2016-01-01", &["app-2 > deep"])
                .erratum("RHBA-2", "2016-02-01", &["deep-1"])
                .mirror(&world, &format!("source-{name}"), None)
                .await;
        }
        Upstream::at(&world, "three")
            .naked(&["other-1"])
            .mirror(&world, "source-three", None)
            .await;
        let names = ["one", "two", "three"];
        let labels = names.map(|name| (format!("source-{name}"), format!("clone-{name}")));
        for (source, destination) in &labels {
            clone(&world, &until("2015-01-01", &[(source, destination)]))
                .await
                .unwrap();
        }
        let mut told = Vec::new();
        for (source, destination) in &labels {
            let wish = CloneRequest {
                errata_where_known: true,
                ..by_name("RHSA-1", &[(source, destination)])
            };
            let (planned, _) = clone(&world, &wish).await.unwrap();
            told.push((planned.unknown_errata.clone(), reasons(&planned, 0)));
        }
        let closed = ["app-2: RHSA-1", "deep-1: needed by app-2 for deep (RHBA-2)"];
        let closed: Vec<String> = closed.map(str::to_owned).to_vec();
        assert_eq!(told[0], (Vec::new(), closed.clone()));
        assert_eq!(told[1], (Vec::new(), closed));
        assert_eq!(told[2], (vec!["RHSA-1".to_owned()], Vec::new()));
        // By itself such a tree is refused.
        let alone = plan(
            &world,
            &by_name("RHSA-1", &[("source-three", "clone-three")]),
        )
        .await;
        assert_eq!(
            alone.unwrap_err().to_string(),
            "no source channel has RHSA-1"
        );
        // Back again, each to what it held.
        for (_, destination) in &labels[..2] {
            let first = airlock_model::VersionSelector::Number(1);
            let context = world.context();
            world
                .content
                .rollback(&context, &label(destination), first, false)
                .await
                .unwrap();
            assert_eq!(packages(&world, destination).await, "app-1");
        }
    });
}
