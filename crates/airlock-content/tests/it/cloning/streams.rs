//! Module streams: what a package of a stream can see counts, and a stream that another one needs comes along.

use airlock_model::{CloneRequest, ErratumReason, ErrorKind, OpenCause, OrgId, VersionSelector};
use airlock_testkit::repos::{ModuleDefault, ModuleStream, modules_yaml};

use super::{Upstream, clone, packages, plan, reasons, request, rpm, until};
use crate::world::{World, label, on_both};

fn stream(
    name: &str,
    number: &str,
    artifacts: &[&str],
    requires: Option<(&str, &str)>,
) -> ModuleStream {
    let mut stream = ModuleStream::new(name, number, 1, "c");
    for artifact in artifacts {
        stream = stream.artifact(&rpm(artifact));
    }
    match requires {
        Some((module, number)) => stream.requires(module, number),
        None => stream,
    }
}

fn default(module: &str, stream: &str) -> ModuleDefault {
    ModuleDefault::new(module, stream, "common")
}

/// What `airlock channel check` finds broken.
async fn broken(world: &World, name: &str) -> Vec<String> {
    let report = world
        .content
        .check(
            &world.context(),
            &label(name),
            VersionSelector::Current,
            &[],
            None,
        )
        .await
        .unwrap();
    report
        .broken
        .into_iter()
        .map(|package| package.nevra)
        .collect()
}

/// A stream that needs another one, which no package asks for.
async fn needing_a_stream(world: &World) {
    let mut upstream = Upstream::at(world, "a")
        .naked(&["release-1"])
        .erratum("RHBA-2024:5", "2024-01-10", &["napp-1"])
        .erratum(
            "RHBA-2025:6",
            "2025-01-10",
            &["rt-lib-1 > deep", "rt-tool-1"],
        )
        .erratum("RHBA-2025:7", "2025-02-10", &["deep-1"]);
    upstream.0.modules(modules_yaml(
        &[
            stream("rt", "1", &["rt-lib-1", "rt-tool-1"], None),
            stream("napp", "1", &["napp-1"], Some(("rt", "1"))),
        ],
        &[default("rt", "1"), default("napp", "1")],
    ));
    upstream.mirror(world, "source-a", None).await;
}

#[test]
fn a_stream_that_another_one_needs_comes_along_with_a_reason() {
    on_both(|world| async move {
        needing_a_stream(&world).await;
        let wish = until("2024-06-01", &[("source-a", "clone-a")]);
        let (planned, _) = clone(&world, &wish).await.unwrap();
        assert_eq!(
            reasons(&planned, 0),
            [
                "deep-1: needed by rt-lib-1 for deep (RHBA-2025:7) beyond by erratum",
                "napp-1: RHBA-2024:5",
                "release-1: original",
                "rt-lib-1: needed by napp-1 for module rt:1 (RHBA-2025:6) beyond by erratum",
                "rt-tool-1: with RHBA-2025:6 beyond by erratum",
            ]
        );
        let pulled = planned.channels[0]
            .errata
            .iter()
            .find(|e| e.advisory == "RHBA-2025:6");
        assert_eq!(
            pulled.unwrap().reason,
            ErratumReason::Needed {
                package: "rt-lib-1-1.noarch".to_owned(),
                by: "napp-1-1.noarch".to_owned(),
                requires: "module rt:1".to_owned(),
            }
        );
        assert!(planned.channels[0].open.is_empty() && planned.channels[0].broken.is_empty());
        assert!(broken(&world, "clone-a").await.is_empty());
        let (planned, _) = clone(&world, &wish).await.unwrap();
        assert!(!planned.changes_anything());
    });
}

#[test]
fn a_stream_that_stays_away_is_open_and_what_needs_it_is_broken() {
    on_both(|world| async move {
        needing_a_stream(&world).await;
        let strict = CloneRequest {
            strict: true,
            ..until("2024-06-01", &[("source-a", "clone-a")])
        };
        let error = plan(&world, &strict).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert_eq!(
            error.to_string(),
            "1 requirement cannot be met within the date:\n\
             napp-1-1.noarch requires module rt:1, which only rt-lib-1-1.noarch, rt-tool-1-1.noarch has"
        );
        for (wish, cause) in [
            (
                CloneRequest {
                    skip_depsolve: true,
                    ..until("2024-06-01", &[("source-a", "clone-b")])
                },
                OpenCause::NotSolved,
            ),
            (
                CloneRequest {
                    blacklist: [("ALL".to_owned(), vec!["rt-.*".to_owned()])].into(),
                    ..until("2024-06-01", &[("source-a", "clone-c")])
                },
                OpenCause::KeptOut,
            ),
        ] {
            let (planned, outcome) = clone(&world, &wish).await.unwrap();
            let channel = &planned.channels[0];
            let open: Vec<_> = channel
                .open
                .iter()
                .map(|o| (&*o.package, &*o.requires, o.cause))
                .collect();
            assert_eq!(open, [("napp-1-1.noarch", "module rt:1", cause)]);
            assert_eq!(
                channel.open[0].providers,
                ["rt-lib-1-1.noarch", "rt-tool-1-1.noarch"]
            );
            assert_eq!(channel.broken.len(), 1);
            assert_eq!(
                (&*channel.broken[0].nevra, channel.broken[0].source_broken),
                ("napp-1-1.noarch", false)
            );
            let name = outcome.channels[0].channel.to_string();
            assert_eq!(broken(&world, &name).await, ["napp-1-1.noarch"]);
        }
    });
}

/// A stream that was built for two streams of what it needs, and a package that both builds have.
async fn built_twice(world: &World) {
    let mut upstream = Upstream::at(world, "a")
        .naked(&["release-1"])
        .erratum("RHBA-2024:5", "2024-01-10", &["napp-2", "free-1"])
        .erratum("RHBA-2025:5", "2025-01-10", &["napp-1"])
        .erratum("RHBA-2025:6", "2025-01-10", &["rt-lib-1"])
        .erratum("RHBA-2025:7", "2025-01-10", &["rt-lib-2"]);
    let built = |context: &str, artifact: &str, number: &str| {
        ModuleStream::new("napp", "1", 1, context)
            .artifact(&rpm(artifact))
            .requires("rt", number)
    };
    let free = |context: &str| ModuleStream::new("free", "1", 1, context).artifact(&rpm("free-1"));
    upstream.0.modules(modules_yaml(
        &[
            stream("rt", "1", &["rt-lib-1"], None),
            stream("rt", "2", &["rt-lib-2"], None),
            built("a", "napp-1", "1"),
            built("b", "napp-2", "2"),
            free("a"),
            free("b").requires("rt", "1"),
        ],
        &[],
    ));
    upstream.mirror(world, "source-a", None).await;
}

#[test]
fn a_stream_is_taken_as_the_build_of_a_package_needs_it_and_only_where_no_other_build_is_fine() {
    on_both(|world| async move {
        built_twice(&world).await;
        let wish = until("2024-06-01", &[("source-a", "clone-a")]);
        let (planned, _) = clone(&world, &wish).await.unwrap();
        assert_eq!(
            reasons(&planned, 0),
            [
                "free-1: RHBA-2024:5",
                "napp-2: RHBA-2024:5",
                "release-1: original",
                "rt-lib-2: needed by napp-2 for module rt:2 (RHBA-2025:7) beyond by erratum",
            ]
        );
        assert!(planned.channels[0].open.is_empty() && planned.channels[0].broken.is_empty());
        assert!(broken(&world, "clone-a").await.is_empty());
    });
}

/// What needs a stream and is not needed itself once the stream is there.
#[test]
fn a_stream_whose_need_has_gone_is_looked_at_again() {
    on_both(|world| async move {
        let mut upstream = Upstream::at(&world, "a")
            .naked(&["app-1 > cap"])
            .erratum("RHBA-2025:5", "2025-01-10", &["napp-1 < cap"])
            .erratum("RHBA-2025:6", "2025-02-10", &["rt-lib-1 < cap"]);
        upstream.0.modules(modules_yaml(
            &[
                stream("rt", "1", &["rt-lib-1"], None),
                stream("napp", "1", &["napp-1"], Some(("rt", "1"))),
            ],
            &[default("rt", "1"), default("napp", "1")],
        ));
        upstream.mirror(&world, "source-a", None).await;
        let wish = until("2024-06-01", &[("source-a", "clone-a")]);
        let (planned, _) = clone(&world, &wish).await.unwrap();
        assert_eq!(
            reasons(&planned, 0),
            [
                "app-1: original",
                "rt-lib-1: needed by app-1 for cap (RHBA-2025:6) beyond by erratum",
            ]
        );
        assert!(planned.channels[0].open.is_empty() && planned.channels[0].broken.is_empty());
        assert!(broken(&world, "clone-a").await.is_empty());
    });
}

#[test]
fn a_package_of_another_stream_meets_nothing() {
    on_both(|world| async move {
        let mut upstream = Upstream::at(&world, "a")
            .naked(&["release-1"])
            .erratum("RHBA-2023:6", "2023-01-10", &["runtime-lib-2"])
            .erratum("RHBA-2024:5", "2024-01-10", &["mapp-1 > runtime-lib"])
            .erratum("RHBA-2025:6", "2025-01-10", &["runtime-lib-1"]);
        upstream.0.modules(modules_yaml(
            &[
                stream("runtime", "1", &["runtime-lib-1"], None),
                stream("runtime", "2", &["runtime-lib-2"], None),
                stream("mapp", "1", &["mapp-1"], Some(("runtime", "1"))),
            ],
            &[default("runtime", "2"), default("mapp", "1")],
        ));
        upstream.mirror(&world, "source-a", None).await;
        let wish = until("2024-06-01", &[("source-a", "clone-a")]);
        let (planned, _) = clone(&world, &wish).await.unwrap();
        assert_eq!(
            packages(&world, "clone-a").await,
            "mapp-1 release-1 runtime-lib-1 runtime-lib-2"
        );
        let reasons = reasons(&planned, 0);
        assert_eq!(
            reasons[2],
            "runtime-lib-1: needed by mapp-1 for runtime-lib (RHBA-2025:6) beyond by erratum"
        );
        assert!(broken(&world, "clone-a").await.is_empty());
        let strict = CloneRequest {
            strict: true,
            channels: request(&[("source-a", "clone-b")]).channels,
            ..wish
        };
        let error = plan(&world, &strict).await.unwrap_err().to_string();
        assert!(
            error.contains(
                "mapp-1-1.noarch requires runtime-lib, which only runtime-lib-1-1.noarch has"
            ),
            "{error}"
        );
        assert!(
            error.contains("mapp-1-1.noarch requires module runtime:1"),
            "{error}"
        );
        // Nothing was made of it.
        let channel = world
            .content
            .channel(OrgId::DEFAULT, &label("clone-b"))
            .await;
        assert!(channel.is_err());
    });
}
