//! Corners: several upstreams, packages that come late, children with a history of their own, lists over advisories.

use airlock_model::{ChannelPatch, CloneRequest, Naked, NewUpstream, VersionSelector};
use airlock_testkit::repos::{Erratum, ModuleStream, modules_yaml};

use super::{Upstream, clone, errata, packages, plan, reasons, request, rpm, until};
use crate::world::on_both;

#[test]
fn an_erratum_that_two_upstreams_list_differently_stays_whole() {
    on_both(|world| async move {
        let mut one = Upstream::at(&world, "one").erratum("RHBA-1", "2014-01-01", &["lib-2"]);
        let mut two = Upstream::at(&world, "two").erratum("RHBA-1", "2014-01-01", &["tool-2"]);
        one.0.publish();
        two.0.publish();
        let upstreams = [&one, &two].map(|upstream| NewUpstream {
            url: upstream.0.url(),
            ..NewUpstream::default()
        });
        let patch = ChannelPatch {
            upstreams: Some(upstreams.to_vec()),
            ..ChannelPatch::default()
        };
        world.create("source-a", None, patch).await;
        world.sync("source-a").await;
        for keep_advisory_names in [false, true] {
            let destination = format!("clone-{keep_advisory_names}");
            let wish = CloneRequest {
                keep_advisory_names,
                ..until("2015-01-01", &[("source-a", &destination)])
            };
            clone(&world, &wish).await.unwrap();
            assert_eq!(packages(&world, &destination).await, "lib-2 tool-2");
            let (planned, _) = clone(&world, &wish).await.unwrap();
            assert!(!planned.changes_anything(), "{planned:?}");
        }
        world.fsck_is_clean().await;
    });
}

#[test]
fn packages_of_a_known_erratum_that_came_late_or_were_kept_out_come_with_the_next_run() {
    on_both(|world| async move {
        Upstream::at(&world, "a")
            .naked(&["base-1"])
            .erratum("RHBA-1", "2014-01-01", &["lib-2", "tool-2"])
            .mirror(&world, "source-a", None)
            .await;
        let wish = until("2015-01-01", &[("source-a", "clone-a")]);
        let barred = CloneRequest {
            blacklist: [("ALL".to_owned(), vec!["tool".to_owned()])].into(),
            ..wish.clone()
        };
        clone(&world, &barred).await.unwrap();
        assert_eq!(packages(&world, "clone-a").await, "base-1 lib-2");
        let (planned, _) = clone(&world, &wish).await.unwrap();
        assert_eq!(reasons(&planned, 0), ["tool-2: missing of RHBA-1"]);
        assert!(planned.channels[0].errata.is_empty());
        assert_eq!(errata(&world, "clone-a").await, "CL-BA-1");
    });
}

#[test]
fn an_older_revision_never_takes_the_place_of_a_newer_one() {
    on_both(|world| async move {
        let mut upstream = Upstream::at(&world, "a")
            .erratum("RHBA-1", "2014-01-01", &["lib-2"])
            .mirror(&world, "source-a", None)
            .await;
        upstream.0.clear_errata();
        let mut revised =
            Erratum::new("RHBA-1", "bugfix", "2014-01-01 00:00:00").package(&rpm("lib-2"));
        revised.title = "revised".to_owned();
        upstream.0.erratum(revised);
        upstream.0.publish();
        world.sync("source-a").await;
        let wish = until("2015-01-01", &[("source-a", "clone-a")]);
        clone(&world, &wish).await.unwrap();
        let back = CloneRequest {
            as_of: Some("1".to_owned()),
            ..wish
        };
        let (planned, _) = clone(&world, &back).await.unwrap();
        assert!(!planned.changes_anything(), "{planned:?}");
    });
}

#[test]
fn a_child_without_a_version_at_the_instant_is_named_and_not_emptied() {
    on_both(|world| async move {
        Upstream::at(&world, "a")
            .naked(&["base-1"])
            .mirror(&world, "source-base", None)
            .await;
        let early = world.content.now();
        Upstream::at(&world, "b")
            .naked(&["old-1"])
            .erratum("RHBA-1", "2014-01-01", &["child-1"])
            .mirror(&world, "source-child", Some("source-base"))
            .await;
        let pairs = [
            ("source-base", "clone-base"),
            ("source-child", "clone-child"),
        ];
        clone(&world, &until("2015-01-01", &pairs)).await.unwrap();
        let wish = CloneRequest {
            as_of: Some(early.to_string()),
            ..request(&pairs)
        };
        let error = plan(&world, &wish).await.unwrap_err().to_string();
        assert!(error.contains("source-child has no version"), "{error}");
        let infer = CloneRequest {
            infer: true,
            channels: request(&[("source-base", "clone-b"), ("source-child", "clone-c")]).channels,
            ..wish
        };
        let (planned, _) = clone(&world, &infer).await.unwrap();
        assert_eq!(packages(&world, "clone-c").await, "child-1 old-1");
        let inferred = |channel: usize| {
            planned.channels[channel]
                .packages
                .iter()
                .all(|p| p.inferred)
        };
        assert_eq!((inferred(0), inferred(1)), (false, true));
    });
}

#[test]
fn an_advisory_by_name_is_taken_out_of_a_recorded_version_and_nothing_else_is() {
    on_both(|world| async move {
        Upstream::at(&world, "a")
            .naked(&["lib-1"])
            .erratum("RHBA-1", "2014-01-01", &["lib-2"])
            .erratum("RHBA-2", "2014-02-01", &["lib-3"])
            .mirror(&world, "source-a", None)
            .await;
        clone(&world, &until("2013-01-01", &[("source-a", "clone-a")]))
            .await
            .unwrap();
        let wish = CloneRequest {
            as_of: Some("1".to_owned()),
            errata: vec!["RHBA-2".to_owned()],
            ..request(&[("source-a", "clone-a")])
        };
        clone(&world, &wish).await.unwrap();
        assert_eq!(packages(&world, "clone-a").await, "lib-1 lib-3");
        let by_type = CloneRequest {
            security_only: true,
            as_of: Some("1".to_owned()),
            ..request(&[("source-a", "clone-a")])
        };
        let error = plan(&world, &by_type).await.unwrap_err().to_string();
        assert!(
            error.starts_with("a recorded version is copied unchanged"),
            "{error}"
        );
        let barred = CloneRequest {
            blacklist: [("ALL".to_owned(), vec!["lib".to_owned()])].into(),
            errata: vec!["RHBA-1".to_owned()],
            ..request(&[("source-a", "clone-a")])
        };
        let error = plan(&world, &barred).await.unwrap_err().to_string();
        assert_eq!(
            error,
            "no package of RHBA-1 is in a source channel, or all are kept out"
        );
    });
}

#[test]
fn what_a_source_got_later_counts_by_the_package_and_is_told() {
    on_both(|world| async move {
        let mut upstream = Upstream::at(&world, "a")
            .naked(&["app-1 > lib"])
            .mirror(&world, "source-a", None)
            .await;
        let today = world.content.now().to_string()[..10].to_owned();
        world.clock.advance(10 * 86_400);
        upstream = upstream.naked(&["lib-1"]);
        upstream.0.publish();
        world.sync("source-a").await;
        let wish = |destination| CloneRequest {
            naked: Naked::FirstSeen,
            ..until(&today, &[("source-a", destination)])
        };
        let (planned, _) = clone(&world, &wish("clone-a")).await.unwrap();
        assert_eq!(
            reasons(&planned, 0),
            [
                "app-1: original",
                "lib-1: needed by app-1 for lib beyond by seen"
            ]
        );
        assert_eq!(planned.channels[0].naked.first_seen, 1);
        // Into a clone that exists it is no different.
        let skip = CloneRequest {
            skip_depsolve: true,
            ..wish("clone-b")
        };
        clone(&world, &skip).await.unwrap();
        let strict = CloneRequest {
            strict: true,
            ..wish("clone-b")
        };
        let error = plan(&world, &strict).await.unwrap_err().to_string();
        assert!(error.contains("app-1-1.noarch requires lib"), "{error}");
    });
}

#[test]
fn streams_that_the_source_dropped_stay_as_long_as_their_packages_do() {
    on_both(|world| async move {
        let mut upstream = Upstream::at(&world, "a").naked(&["plain-1", "php-7", "php-8"]);
        let stream = |version: u64| {
            ModuleStream::new("php", &version.to_string(), version, "c")
                .artifact(&rpm(&format!("php-{version}")))
        };
        upstream
            .0
            .modules(modules_yaml(&[stream(7), stream(8)], &[]));
        let mut upstream = upstream.mirror(&world, "source-a", None).await;
        let wish = until("2015-01-01", &[("source-a", "clone-a")]);
        clone(&world, &wish).await.unwrap();
        upstream.0.remove("php-7");
        upstream.0.modules(modules_yaml(&[stream(8)], &[]));
        let mut upstream = upstream.erratum("RHBA-1", "2014-01-01", &["lib-2"]);
        upstream.0.publish();
        let shrunk = airlock_content::SyncOptions {
            accept_shrink: true,
            ..airlock_content::SyncOptions::default()
        };
        world.sync_with("source-a", shrunk).await;
        clone(&world, &wish).await.unwrap();
        assert_eq!(
            packages(&world, "clone-a").await,
            "lib-2 php-7 php-8 plain-1"
        );
        let modules = world
            .walk("clone-a")
            .await
            .into_iter()
            .find(|(path, _)| path.contains("modules"))
            .unwrap();
        let text = String::from_utf8(zstd::decode_all(&modules.1[..]).unwrap()).unwrap();
        assert!(
            text.contains("php-0:7-1.noarch") && text.contains("php-0:8-1.noarch"),
            "{text}"
        );
        // A clone of the recorded first version, twice: the second time there is nothing to do.
        let recorded = CloneRequest {
            as_of: Some("1".to_owned()),
            blacklist: [("ALL".to_owned(), vec!["php".to_owned()])].into(),
            ..request(&[("source-a", "clone-b")])
        };
        clone(&world, &recorded).await.unwrap();
        let (planned, _) = clone(&world, &recorded).await.unwrap();
        assert!(!planned.changes_anything(), "{planned:?}");
        assert_eq!(
            world.packages("clone-b", VersionSelector::Current).await,
            ["plain-1-1.noarch"]
        );
    });
}
