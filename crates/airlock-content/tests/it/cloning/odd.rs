//! What odd upstreams must not break: dates and names that nobody can write down, module metadata in every style, errata
//! that bring more than is looked at.

use airlock_model::{CloneRequest, ErrorKind, OpenCause, PackageReason};
use airlock_testkit::repos::errata::Erratum;

use super::{Upstream, clone, errata, packages, plan, reasons, request, rpm, until};
use crate::world::{World, on_both};

#[test]
fn dates_that_nobody_can_write_down_do_not_stand_in_the_way_of_a_plan() {
    on_both(|world| async move {
        let mut upstream =
            Upstream::at(&world, "a")
                .naked(&["lib-1"])
                .erratum("RHBA-1", "2014-01-01", &["lib-2"]);
        for (id, issued, updated, package) in [
            (
                "RHBA-2",
                "2014-01-01 00:00:00",
                "20260102153000",
                "compact-1",
            ),
            ("RHBA-3", "9999-12-31", "9999-12-31 23:59:59", "last-1"),
            ("RHBA-4", "9223372036854775807", "0000-01-01", "far-1"),
        ] {
            upstream.0.add(&rpm(package));
            let erratum = Erratum::new(id, "bugfix", issued).updated(updated, "2");
            upstream.0.erratum(erratum.package(&rpm(package)));
        }
        upstream.mirror(&world, "source-a", None).await;
        let wish = until("2015-01-01", &[("source-a", "clone-a")]);
        let (planned, _) = clone(&world, &wish).await.unwrap();
        let dates: Vec<_> = planned.channels[0]
            .errata
            .iter()
            .map(|erratum| {
                (
                    &*erratum.advisory,
                    erratum.issued.is_some(),
                    erratum.updated.is_some(),
                )
            })
            .collect();
        assert_eq!(
            dates,
            [
                ("RHBA-1", true, false),
                ("RHBA-2", true, false),
                // By the only date that it has.
                ("RHBA-4", false, true)
            ]
        );
        let all = CloneRequest {
            errata: vec!["RHBA-3".to_owned()],
            ..request(&[("source-a", "clone-a")])
        };
        let (planned, _) = clone(&world, &all).await.unwrap();
        assert_eq!(planned.channels[0].errata[0].issued, None);
        assert_eq!(
            packages(&world, "clone-a").await,
            "compact-1 far-1 last-1 lib-1 lib-2"
        );
    });
}

#[test]
fn an_advisory_whose_clone_would_get_no_good_name_is_named_and_can_keep_its_own() {
    on_both(|world| async move {
        let long = format!("RHBA-{}", "1".repeat(300));
        Upstream::at(&world, "a")
            .erratum(&long, "2014-01-01", &["lib-2"])
            .mirror(&world, "source-a", None)
            .await;
        let wish = until("2015-01-01", &[("source-a", "clone-a")]);
        let error = plan(&world, &wish).await.unwrap_err();
        assert!(error.to_string().starts_with("the erratum \"RHBA-111"));
        assert!(error.hint().unwrap().contains("--keep-advisory-names"));
        let keep = CloneRequest {
            keep_advisory_names: true,
            ..wish
        };
        clone(&world, &keep).await.unwrap();
        assert_eq!(errata(&world, "clone-a").await, long);
    });
}

#[test]
fn a_requirement_is_beyond_the_date_only_when_nothing_inside_it_would_do() {
    on_both(|world| async move {
        // What comes along with an erratum is not solved, so that its requirement stays open.
        Upstream::at(&world, "a")
            .naked(&["app-1 > x"])
            .erratum("RHBA-1", "2014-02-01", &["x-1", "y-1 > z", "v-1 > late"])
            .erratum("RHBA-2", "2014-03-01", &["z-1"])
            .erratum("RHBA-3", "2016-03-01", &["z-2", "late-1"])
            .mirror(&world, "source-a", None)
            .await;
        let wish = CloneRequest {
            security_only: true,
            skip_errata_depsolve: true,
            strict: true,
            blacklist: [("ALL".to_owned(), vec!["v".to_owned()])].into(),
            ..until("2015-01-01", &[("source-a", "clone-a")])
        };
        let planned = plan(&world, &wish).await.unwrap();
        assert_eq!(
            reasons(&planned, 0),
            [
                "app-1: original",
                "x-1: needed by app-1 for x (RHBA-1)",
                "y-1: with RHBA-1"
            ]
        );
        let open = &planned.channels[0].open[0];
        assert_eq!((&*open.requires, open.cause), ("z", OpenCause::NotSolved));
        let with_late = CloneRequest {
            blacklist: [].into(),
            ..wish
        };
        let error = plan(&world, &with_late).await.unwrap_err().to_string();
        assert!(
            error.starts_with(
                "1 requirement cannot be met within the date:\nv-1-1.noarch requires late, which only late-1-1.noarch has"
            ),
            "{error}"
        );
    });
}

/// The module metadata of a channel as served.
async fn modules(world: &World, name: &str) -> String {
    let files = world.walk(name).await;
    let found = files.iter().find(|(path, _)| path.contains("modules"));
    String::from_utf8(zstd::decode_all(&found.unwrap().1[..]).unwrap()).unwrap()
}

#[test]
fn module_streams_are_cut_however_they_are_written_and_those_without_packages_stay() {
    on_both(|world| async move {
        let stream = |name: &str, artifacts: &str| {
            format!(
                "---\ndocument: modulemd\nversion: 2\ndata:\n  name: {name}\n  stream: x\n  version: 1\n  context: c\n  arch: noarch\n\
                 \x20 summary: s\n  description: d\n  license: {{module: [MIT]}}\n{artifacts}...\n"
            )
        };
        let defaults = |name: &str| {
            format!(
                "---\ndocument: modulemd-defaults\nversion: 1\ndata: {{module: {name}, stream: x}}\n...\n"
            )
        };
        let text = [
            stream(
                "php",
                "  \"artifacts\": {rpms: [php-0:1-1.noarch, php-0:2-1.noarch]}\n",
            ),
            stream("bare", ""),
            stream("gone", "  artifacts: {rpms: [gone-0:1-1.noarch]}\n"),
            defaults("php"),
            defaults("bare"),
            defaults("gone"),
            defaults("elsewhere"),
        ];
        let mut upstream = Upstream::at(&world, "a").naked(&["php-1", "gone-1"]);
        upstream.0.modules(text.concat());
        let upstream = upstream.erratum("RHBA-1", "2016-01-01", &["php-2"]);
        let mut upstream = upstream.mirror(&world, "source-a", None).await;
        let wish = CloneRequest {
            blacklist: [("ALL".to_owned(), vec!["gone".to_owned()])].into(),
            ..until("2015-01-01", &[("source-a", "clone-a")])
        };
        clone(&world, &wish).await.unwrap();
        assert_eq!(
            modules(&world, "clone-a").await,
            [
                stream("php", "  \"artifacts\": {rpms: ['php-0:1-1.noarch']}\n"),
                stream("bare", ""),
                defaults("php"),
                defaults("bare"),
                defaults("elsewhere"),
            ]
            .concat()
        );
        // What cannot be cut is named, and nothing is made.
        upstream.0.modules(stream(
            "php",
            "  artifacts: {rpms: &all [php-0:1-1.noarch, php-0:2-1.noarch]}\n  xmd: *all\n",
        ));
        upstream.0.publish();
        world.sync("source-a").await;
        let wish = until("2015-01-01", &[("source-a", "clone-b")]);
        let error = clone(&world, &wish).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(
            error.to_string().contains(
                "the list of artifacts of php:x:1:c:noarch is written in a way that cannot be cut"
            ),
            "{error}"
        );
        assert!(world.content.resolve("clone-b").await.is_err());
    });
}

#[test]
fn packages_that_differ_in_their_epoch_only_are_told_apart() {
    on_both(|world| async move {
        let mut upstream = Upstream::at(&world, "a").naked(&["foo-1"]);
        let later = rpm("foo-1").epoch(1);
        let folder = upstream.0.folder().join("Packages").join("later");
        later.write_to(&folder);
        let erratum = Erratum::new("RHBA-2025:9", "bugfix", "2025-01-10 00:00:00");
        upstream.0.erratum(erratum.package(&later));
        upstream.mirror(&world, "source-a", None).await;
        let nevras = async |day, destination| {
            let wish = until(day, &[("source-a", destination)]);
            let (planned, _) = clone(&world, &wish).await.unwrap();
            let packages = planned.channels[0].packages.iter();
            let told: Vec<(String, bool)> = packages
                .map(|p| {
                    (
                        p.nevra.clone(),
                        matches!(p.reason, PackageReason::OriginalState),
                    )
                })
                .collect();
            told
        };
        let original = ("foo-1-1.noarch".to_owned(), true);
        assert_eq!(
            nevras("2024-06-01", "clone-a").await,
            std::slice::from_ref(&original)
        );
        assert_eq!(errata(&world, "clone-a").await, "");
        let both = [original, ("foo-1:1-1.noarch".to_owned(), false)];
        assert_eq!(nevras("2025-06-01", "clone-b").await, both);
        assert_eq!(errata(&world, "clone-b").await, "CL-BA-2025:9");
    });
}
