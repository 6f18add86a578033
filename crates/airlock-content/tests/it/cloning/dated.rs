//! By date: what is taken, what is pulled in, what stays open.

use airlock_model::{BlacklistScope, CloneRequest, Naked, OpenCause};

use super::{Upstream, clone, errata, packages, plan, reasons, request, under, until};
use crate::world::{World, on_both};

/// The world of the reference's T1 to T3.
async fn three_libraries(world: &World) {
    Upstream::at(world, "a")
        .naked(&["app-1 > lib", "lib-1"])
        .erratum("RHBA-2014:1", "2014-05-01", &["lib-2"])
        .erratum("RHBA-2016:2", "2016-05-01", &["lib-3"])
        .mirror(world, "source-a", None)
        .await;
}

#[test]
fn the_date_is_kept_when_an_older_provider_is_there() {
    on_both(|world| async move {
        three_libraries(&world).await;
        for (day, there, listed) in [
            ("2013-01-01", "app-1 lib-1", ""),
            ("2014-04-30", "app-1 lib-1", ""),
            ("2014-05-01", "app-1 lib-1 lib-2", "CL-BA-2014:1"),
            ("2015-01-01", "app-1 lib-1 lib-2", "CL-BA-2014:1"),
            (
                "2020-01-01",
                "app-1 lib-1 lib-2 lib-3",
                "CL-BA-2014:1 CL-BA-2016:2",
            ),
        ] {
            let destination = format!("clone-{day}");
            let (plan, outcome) = clone(&world, &until(day, &[("source-a", &destination)]))
                .await
                .unwrap();
            assert_eq!(packages(&world, &destination).await, there, "{day}");
            assert_eq!(errata(&world, &destination).await, listed, "{day}");
            assert_eq!(outcome.channels[0].to, Some(1));
            assert!(plan.channels[0].open.is_empty() && plan.channels[0].broken.is_empty());
            world.walk(&destination).await;
        }
        world.fsck_is_clean().await;
    });
}

#[test]
fn every_version_is_closed_and_needed_errata_come_whole() {
    on_both(|world| async move {
        Upstream::at(&world, "a")
            .erratum("RHBA-1", "2014-01-01", &["a-1 > olddep"])
            .erratum("RHBA-2", "2014-02-01", &["a-2 > newdep"])
            .erratum("RHBA-3", "2020-01-01", &["x-1 < olddep", "x-tools-1"])
            .erratum("RHBA-4", "2020-01-01", &["y-1 < newdep, > deep"])
            .erratum("RHBA-5", "2021-01-01", &["deep-1"])
            .erratum("RHBA-6", "2022-01-01", &["deep-2"])
            .mirror(&world, "source-a", None)
            .await;
        let wish = until("2015-01-01", &[("source-a", "clone-a")]);
        let (plan, _) = clone(&world, &wish).await.unwrap();
        assert_eq!(
            reasons(&plan, 0),
            [
                "a-1: RHBA-1",
                "a-2: RHBA-2",
                "deep-1: needed by y-1 for deep (RHBA-5) beyond by erratum",
                "x-1: needed by a-1 for olddep (RHBA-3) beyond by erratum",
                "x-tools-1: with RHBA-3 beyond by erratum",
                "y-1: needed by a-2 for newdep (RHBA-4) beyond by erratum",
            ]
        );
        let beyond: Vec<&str> = plan.channels[0]
            .errata
            .iter()
            .filter(|erratum| erratum.beyond)
            .map(|erratum| erratum.advisory.as_str())
            .collect();
        assert_eq!(beyond, ["RHBA-3", "RHBA-4", "RHBA-5"]);
        // The same date again, and an earlier one, change nothing.
        for day in ["2015-01-01", "2013-01-01"] {
            let (plan, outcome) = clone(&world, &until(day, &[("source-a", "clone-a")]))
                .await
                .unwrap();
            assert!(!plan.changes_anything(), "{plan:?}");
            assert_eq!(outcome.channels[0].to, Some(1));
        }
        let strict = CloneRequest {
            strict: true,
            ..until("2015-01-01", &[("source-a", "clone-b")])
        };
        let error = plan_error(&world, &strict).await;
        assert!(
            error.starts_with("2 requirements cannot be met within the date:\na-1-1-1.noarch")
                || error.contains("a-1-1.noarch requires olddep, which only x-1-1.noarch has"),
            "{error}"
        );
    });
}

async fn plan_error(world: &World, request: &CloneRequest) -> String {
    plan(world, request).await.unwrap_err().to_string()
}

#[test]
fn a_provider_inside_the_date_that_can_be_closed_there_is_preferred() {
    on_both(|world| async move {
        Upstream::at(&world, "a")
            .naked(&["app-1 > service"])
            .erratum("RHBA-1", "2014-01-01", &["old-1 < service, > late"])
            .erratum("RHBA-2", "2014-06-01", &["zoo-1 < service"])
            .erratum("RHBA-3", "2016-01-01", &["late-1"])
            .mirror(&world, "source-a", None)
            .await;
        let wish = CloneRequest {
            security_only: true,
            ..until("2015-01-01", &[("source-a", "clone-a")])
        };
        let plan = plan(&world, &wish).await.unwrap();
        assert_eq!(
            reasons(&plan, 0),
            [
                "app-1: original",
                "zoo-1: needed by app-1 for service (RHBA-2)"
            ]
        );
        // Without the better one the chain goes beyond the date, and says so.
        let wish = CloneRequest {
            blacklist: [("ALL".to_owned(), vec!["zoo".to_owned()])].into(),
            ..wish
        };
        let plan = super::plan(&world, &wish).await.unwrap();
        assert_eq!(
            reasons(&plan, 0),
            [
                "app-1: original",
                "late-1: needed by old-1 for late (RHBA-3) beyond by erratum",
                "old-1: needed by app-1 for service (RHBA-1)"
            ]
        );
    });
}

#[test]
fn lists_keep_out_and_take_out_and_say_what_lacks_then() {
    on_both(|world| async move {
        three_libraries(&world).await;
        let lists = |scope, blacklist: &[&str], removelist: &[&str]| {
            let all = |items: &[&str]| {
                let items: Vec<String> = items.iter().map(|i| (*i).to_owned()).collect();
                match items.is_empty() {
                    true => Default::default(),
                    false => [("ALL".to_owned(), items)].into(),
                }
            };
            CloneRequest {
                blacklist: all(blacklist),
                removelist: all(removelist),
                blacklist_scope: scope,
                ..until("2015-01-01", &[("source-a", "clone-a")])
            }
        };
        for (scope, blacklist, removelist, there) in [
            (BlacklistScope::All, &["app"][..], &[][..], "lib-1 lib-2"),
            (BlacklistScope::Errata, &["app"], &[], "app-1 lib-1 lib-2"),
            (BlacklistScope::Errata, &["lib"], &[], "app-1 lib-1"),
            (BlacklistScope::All, &[], &["app"], "lib-1 lib-2"),
            (BlacklistScope::Errata, &[], &["app"], "lib-1 lib-2"),
        ] {
            let plan = plan(&world, &lists(scope, blacklist, removelist))
                .await
                .unwrap();
            let names: Vec<String> = plan.channels[0]
                .packages
                .iter()
                .map(|package| package.nevra.replace("-1.noarch", ""))
                .collect();
            assert_eq!(
                names.join(" "),
                there,
                "{scope} {blacklist:?} {removelist:?}"
            );
        }
        let wish = lists(BlacklistScope::All, &["lib.*"], &[]);
        let (planned, _) = clone(&world, &wish).await.unwrap();
        let open = &planned.channels[0].open[0];
        assert_eq!(
            (&*open.package, &*open.requires, open.cause),
            ("app-1-1.noarch", "lib", OpenCause::KeptOut)
        );
        assert_eq!(
            open.providers,
            ["lib-1-1.noarch", "lib-2-1.noarch", "lib-3-1.noarch"]
        );
        assert!(!planned.channels[0].broken[0].source_broken);
        // Strict: what the source can meet may not stay open, whatever keeps it out.
        let strict = CloneRequest {
            strict: true,
            ..lists(BlacklistScope::All, &["lib.*"], &[])
        };
        assert_eq!(
            plan_error(&world, &strict).await,
            "1 requirement would stay open though the source can meet it:\n\
             app-1-1.noarch requires lib, and what would meet it is kept out by blacklist or removelist: \
             lib-1-1.noarch, lib-2-1.noarch, lib-3-1.noarch"
        );
        let skip_depsolve = CloneRequest {
            blacklist: Default::default(),
            skip_depsolve: true,
            ..strict.clone()
        };
        plan(&world, &skip_depsolve).await.unwrap();
        // An advisory without its packages is not listed.
        assert_eq!(errata(&world, "clone-a").await, "");
        // Later the list is gone, and the clone is closed again.
        let (planned, _) = clone(&world, &until("2013-01-01", &[("source-a", "clone-a")]))
            .await
            .unwrap();
        assert_eq!(reasons(&planned, 0), ["lib-1: needed by app-1 for lib"]);
    });
}

#[test]
fn a_tree_is_closed_across_its_channels_and_a_given_parent_is_never_changed() {
    on_both(|world| async move {
        Upstream::at(&world, "base")
            .naked(&["plib-1"])
            .erratum("RHBA-1", "2014-01-01", &["plib-2 < newplib"])
            .mirror(&world, "source-base", None)
            .await;
        Upstream::at(&world, "child")
            .naked(&["capp-1 > plib", "clib-1"])
            .erratum("RHBA-2", "2013-01-01", &["capp-2 > newplib"])
            .mirror(&world, "source-child", Some("source-base"))
            .await;
        let pairs = [
            ("source-base", "clone-base"),
            ("source-child", "clone-child"),
        ];
        let (planned, outcome) = clone(&world, &until("2012-01-01", &pairs)).await.unwrap();
        assert_eq!(outcome.channels.len(), 2);
        assert!(
            planned
                .channels
                .iter()
                .all(|channel| channel.open.is_empty())
        );
        let channel = world
            .content
            .channel(airlock_model::OrgId::DEFAULT, &super::label("clone-child"))
            .await
            .unwrap();
        assert_eq!(channel.parent, Some(super::label("clone-base")));
        assert_eq!(channel.cloned_from, Some(super::label("source-child")));
        // The child alone needs its base, or parents.
        let child = [("source-child", "clone-child")];
        let error = plan_error(&world, &until("2013-06-01", &child)).await;
        assert_eq!(
            error,
            "source-child is a child of source-base, which is not among the sources"
        );
        let wish = under("clone-base", until("2013-06-01", &child));
        let (planned, _) = clone(&world, &wish).await.unwrap();
        assert_eq!(reasons(&planned, 0), ["capp-2: RHBA-2"]);
        let open = &planned.channels[0].open[0];
        assert_eq!(
            (&*open.requires, open.cause),
            ("newplib", OpenCause::Parent)
        );
        assert_eq!(packages(&world, "clone-base").await, "plib-1");
        // Together the base's erratum comes along, in one switch.
        let (planned, _) = clone(&world, &until("2013-06-01", &pairs)).await.unwrap();
        assert_eq!(
            reasons(&planned, 0),
            ["plib-2: needed by capp-2 for newplib (RHBA-1) beyond by erratum"]
        );
        assert!(planned.channels[1].open.is_empty());
    });
}

#[test]
fn an_advisory_by_name_comes_closed() {
    on_both(|world| async move {
        three_libraries(&world).await;
        Upstream::at(&world, "b")
            .naked(&["tool-1"])
            .erratum("RHSA-2", "2016-01-01", &["tool-2 > lib = 3"])
            .mirror(&world, "source-b", Some("source-a"))
            .await;
        let pairs = [("source-a", "clone-a"), ("source-b", "clone-b")];
        clone(&world, &until("2013-01-01", &pairs)).await.unwrap();
        let wish = CloneRequest {
            errata: vec!["RHSA-2".to_owned()],
            ..request(&pairs)
        };
        let (planned, _) = clone(&world, &wish).await.unwrap();
        assert_eq!(
            reasons(&planned, 0),
            ["lib-3: needed by tool-2 for lib = 3 (RHBA-2016:2)"]
        );
        assert_eq!(reasons(&planned, 1), ["tool-2: RHSA-2"]);
        assert_eq!(errata(&world, "clone-b").await, "CL-SA-2");
        let wish = CloneRequest {
            errata: vec!["RHSA-2".to_owned(), "RHSA-9".to_owned()],
            ..request(&pairs)
        };
        assert_eq!(
            plan_error(&world, &wish).await,
            "no source channel has RHSA-9"
        );
    });
}

#[test]
fn packages_without_an_erratum_are_counted_by_every_choice() {
    on_both(|world| async move {
        let mut upstream = Upstream::at(&world, "a").naked(&["old-1"]);
        upstream.0.add(&super::rpm("new-1").built_at(1_500_000_000));
        upstream.mirror(&world, "source-a", None).await;
        for (naked, there) in [
            (
                Naked::Original,
                vec!["new-1: original beyond by build", "old-1: original"],
            ),
            (Naked::BuildDate, vec!["old-1: original"]),
            (Naked::FirstSeen, vec![]),
        ] {
            let wish = CloneRequest {
                naked,
                ..until("2015-01-01", &[("source-a", "clone-a")])
            };
            let plan = plan(&world, &wish).await.unwrap();
            assert_eq!(reasons(&plan, 0), there, "{naked}");
            let counts = plan.channels[0].naked;
            assert_eq!(
                (counts.all, counts.first_seen, counts.build_date),
                (2, 2, 1)
            );
        }
    });
}

#[test]
fn a_recommendation_that_only_the_source_meets_is_told_and_pulls_nothing_in() {
    on_both(|world| async move {
        let mut upstream = Upstream::at(&world, "a").naked(&["lib-1"]).erratum(
            "RHBA-2016:1",
            "2016-05-01",
            &["themes-1"],
        );
        let gui = super::rpm("gui-1")
            .recommends("themes")
            .recommends("sounds");
        upstream.0.add(&gui.recommends("lib"));
        upstream.mirror(&world, "source-a", None).await;
        let wish = until("2015-01-01", &[("source-a", "clone-a")]);
        let (planned, _) = clone(&world, &wish).await.unwrap();
        assert_eq!(packages(&world, "clone-a").await, "gui-1 lib-1");
        let told = &planned.channels[0].recommendations;
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].package, "gui-1-1.noarch");
        assert_eq!(told[0].recommends, "themes");
        assert_eq!(told[0].providers, ["themes-1-1.noarch"]);
        let later = until("2017-01-01", &[("source-a", "clone-a")]);
        let (planned, _) = clone(&world, &later).await.unwrap();
        assert!(planned.channels[0].recommendations.is_empty());
    });
}
