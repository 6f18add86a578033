//! What `check` says of channels, with their base channels, others, module streams and earlier versions.

use airlock_model::{ChannelPatch, CheckReport, ErrorKind, VersionSelector};
use airlock_testkit::repos::{ModuleDefault, ModuleStream, Repository, modules_yaml};
use airlock_testkit::rpms::Rpm;
use airlock_testkit::states::Distribution;

use crate::world::{World, label, on_both};

fn rpm(name: &str) -> Rpm {
    Rpm::new(name, "1", "1")
}

fn problem<'r>(report: &'r CheckReport, nevra: &str) -> &'r str {
    let found = report.broken.iter().find(|package| package.nevra == nevra);
    &found
        .unwrap_or_else(|| panic!("{nevra}: {report:?}"))
        .problem
}

/// NEVRAs with the version since which they are broken.
fn since(report: &CheckReport) -> Vec<(&str, i64)> {
    let broken = report.broken.iter();
    broken
        .map(|package| (package.nevra.as_str(), package.since.unwrap()))
        .collect()
}

impl World {
    async fn check(&self, name: &str, selector: VersionSelector) -> CheckReport {
        self.content
            .check(&self.context(), &label(name), selector, &[], None)
            .await
            .unwrap()
    }

    /// A channel with an upstream of which `app` needs `library`, and `always` something that nobody has.
    pub async fn with_one_broken(&self, name: &str) -> Repository {
        let mut upstream = Repository::at(self.path("upstream"));
        upstream.add(&rpm("library"));
        upstream.add(&rpm("app").requires("library"));
        upstream.add(&rpm("always").requires("nothing-has-it"));
        upstream.publish();
        self.mirror(name, &upstream.url()).await;
        upstream
    }

    /// A child of a base channel with an upstream.
    async fn child(&self, name: &str, parent: &str, url: &str) {
        let patch = ChannelPatch {
            parent: Some(parent.to_owned()),
            ..ChannelPatch::default()
        };
        self.create(name, Some(url), patch).await;
    }
}

#[test]
fn what_cannot_be_installed_is_named_with_its_reason() {
    on_both(|world| async move {
        let mut base = Repository::at(world.path("base"));
        base.add(&rpm("library").provides("library(api) = 2"));
        // A path that primary does not list.
        base.add(&rpm("tools").file("/opt/tools/share/table", "x"));
        base.publish();
        world.mirror("meadow-base", &base.url()).await;
        let mut extra = Repository::at(world.path("extra"));
        extra.add(&rpm("app").requires("library(api) >= 2"));
        extra.add(&rpm("reader").requires("/opt/tools/share/table"));
        extra.add(&rpm("lost").requires("/opt/tools/share/nothing"));
        extra.add(&rpm("late").requires("library(api) >= 3"));
        extra.add(&rpm("later").requires("late").requires("app"));
        extra.add(&rpm("choice").requires("(late or gone)"));
        extra.publish();
        world
            .child("meadow-extra", "meadow-base", &extra.url())
            .await;
        world.take("meadow-base").await;
        world.take("meadow-extra").await;
        let clean = world.check("meadow-base", VersionSelector::Current).await;
        assert_eq!(
            (clean.packages, clean.broken.len(), clean.with.len()),
            (2, 0, 0)
        );
        let report = world.check("meadow-extra", VersionSelector::Current).await;
        assert_eq!(report.channel, "meadow-extra@1");
        assert_eq!(report.with, ["meadow-base@1"]);
        assert_eq!((report.packages, report.newly_broken), (6, 4));
        assert_eq!(
            since(&report),
            [
                ("choice-1-1.noarch", 1),
                ("late-1-1.noarch", 1),
                ("later-1-1.noarch", 1),
                ("lost-1-1.noarch", 1)
            ]
        );
        assert_eq!(
            problem(&report, "later-1-1.noarch"),
            "later-1-1.noarch needs late, provided by late-1-1.noarch\n\
             late-1-1.noarch needs library(api) >= 3, which nothing provides (there is library-1-1.noarch)"
        );
        assert_eq!(
            problem(&report, "lost-1-1.noarch"),
            "lost-1-1.noarch needs /opt/tools/share/nothing, which nothing provides"
        );
    });
}

#[test]
fn packages_of_streams_are_judged_with_their_streams() {
    on_both(|world| async move {
        let distribution = Distribution::at(world.path("distribution"));
        world.mirror("meadow-whole", &distribution.url()).await;
        world.take("meadow-whole").await;
        let report = world.check("meadow-whole", VersionSelector::Current).await;
        assert_eq!(report.broken, []);
        assert!(report.packages > 10, "{report:?}");

        // The same packages are broken or not by what their streams say.
        let perl =
            |stream: &str| Rpm::new("perl", stream, "1").provides(&format!("perl(abi) = {stream}"));
        let driver = |name: &str, abi: &str| rpm(name).requires(&format!("perl(abi) = {abi}"));
        let mut streams = Repository::at(world.path("streams"));
        for package in [
            perl("26"),
            perl("30"),
            driver("old-driver", "26"),
            driver("new-driver", "30"),
            driver("odd-driver", "30"),
            driver("plain", "26"),
            driver("plain-late", "30"),
            rpm("orphan"),
            rpm("shared").requires("nothing-has-it"),
        ] {
            streams.add(&package);
        }
        let build = |name: &str, stream: &str| ModuleStream::new(name, stream, 1, "c");
        streams.modules(modules_yaml(
            &[
                build("perl", "26")
                    .artifact(&perl("26"))
                    .artifact(&rpm("shared")),
                build("perl", "30").artifact(&perl("30")),
                build("old", "1")
                    .requires("perl", "26")
                    .artifact(&driver("old-driver", "26"))
                    .artifact(&rpm("shared")),
                build("new", "1")
                    .requires("perl", "30")
                    .artifact(&driver("new-driver", "30")),
                build("odd", "1")
                    .requires("perl", "26")
                    .artifact(&driver("odd-driver", "30")),
                build("orphan", "1")
                    .requires("nowhere", "1")
                    .artifact(&rpm("orphan")),
            ],
            &[
                ModuleDefault::new("perl", "26", "common"),
                ModuleDefault::new("old", "1", "common"),
            ],
        ));
        streams.publish();
        world.mirror("meadow-streams", &streams.url()).await;
        world.take("meadow-streams").await;
        let report = world
            .check("meadow-streams", VersionSelector::Current)
            .await;
        assert_eq!((report.packages, report.broken.len()), (9, 4));
        assert_eq!(
            since(&report),
            [
                ("odd-driver-1-1.noarch", 1),
                ("orphan-1-1.noarch", 1),
                ("plain-late-1-1.noarch", 1),
                ("shared-1-1.noarch", 1)
            ]
        );
        let odd = problem(&report, "odd-driver-1-1.noarch");
        assert!(
            odd.ends_with("(seen from the module stream odd:1 and the streams that it requires)"),
            "{odd}"
        );
        let orphan = problem(&report, "orphan-1-1.noarch");
        assert!(orphan.contains("needs the module nowhere"), "{orphan}");
        // Beside another channel the documents of both count.
        let with = [(label("meadow-streams"), VersionSelector::Current)];
        let beside = world
            .content
            .check(
                &world.context(),
                &label("meadow-whole"),
                VersionSelector::Current,
                &with,
                None,
            )
            .await
            .unwrap();
        assert_eq!(beside.broken, []);
        assert_eq!(beside.with, ["meadow-streams@1"]);
    });
}

#[test]
fn the_first_version_of_the_run_is_named() {
    on_both(|world| async move {
        let mut upstream = world.with_one_broken("meadow-base").await;
        world.take("meadow-base").await;
        // Version 2: app is broken. 3: it works again. 4 to 9: broken again, and more comes and goes.
        let mut step = 0;
        for library in [false, true, false, false, false, false, false, false] {
            match library {
                true => drop(upstream.add(&rpm("library"))),
                false => drop(upstream.remove("library-")),
            }
            upstream.remove("step-");
            step += 1;
            upstream.add(&Rpm::new("step", &step.to_string(), "1"));
            upstream.publish();
            let outcome = world.take("meadow-base").await;
            assert_eq!(outcome.to, Some(step + 1), "{outcome:?}");
        }
        upstream.add(&rpm("user").requires("app"));
        upstream.publish();
        assert_eq!(world.take("meadow-base").await.to, Some(10));
        let report = world.check("meadow-base", VersionSelector::Current).await;
        let found = since(&report);
        assert_eq!(
            found,
            [
                ("always-1-1.noarch", 1),
                ("app-1-1.noarch", 4),
                ("user-1-1.noarch", 10)
            ]
        );
        for (number, expected) in [(2, 2), (5, 4), (9, 4)] {
            let report = world
                .check("meadow-base", VersionSelector::Number(number))
                .await;
            assert_eq!(
                since(&report),
                [("always-1-1.noarch", 1), ("app-1-1.noarch", expected)],
                "version {number}"
            );
        }
        let report = world.check("meadow-base", VersionSelector::Number(3)).await;
        assert_eq!(since(&report), [("always-1-1.noarch", 1)]);
        // In memory or not, and kept as bytes or not, the answer is the same.
        world.content.trim_caches();
        let again = world.check("meadow-base", VersionSelector::Current).await;
        assert_eq!(since(&again), found);
        std::fs::remove_dir_all(world.path("cache")).unwrap();
        world.content.trim_caches();
        let again = world.check("meadow-base", VersionSelector::Current).await;
        assert_eq!(since(&again), found);
    });
}

/// A base channel that loses the library with its second version, and a child whose app needs it.
async fn base_that_loses(world: &World, library: Rpm) -> (Repository, Repository) {
    let mut base = Repository::at(world.path("base"));
    base.add(&library);
    base.publish();
    world.mirror("meadow-base", &base.url()).await;
    let mut extra = Repository::at(world.path("extra"));
    extra.add(&rpm("app").requires("library"));
    extra.publish();
    world
        .child("meadow-extra", "meadow-base", &extra.url())
        .await;
    world.take("meadow-base").await;
    world.take("meadow-extra").await;
    base.remove("library-");
    base.add(&rpm("other"));
    base.publish();
    world.take("meadow-base").await;
    (base, extra)
}

#[test]
fn earlier_versions_are_seen_with_the_base_channel_of_their_day() {
    on_both(|world| async move {
        let (_, mut extra) = base_that_loses(&world, rpm("library")).await;
        // Broken by its base channel, while it stays what it was.
        let now = world.check("meadow-extra", VersionSelector::Current).await;
        assert_eq!(now.with, ["meadow-base@2"]);
        assert_eq!(since(&now), [("app-1-1.noarch", 1)]);
        let then = world
            .check("meadow-extra", VersionSelector::Number(1))
            .await;
        assert_eq!(
            (then.with, then.broken),
            (vec!["meadow-base@1".to_owned()], vec![])
        );
        extra.add(&rpm("more"));
        extra.publish();
        world.take("meadow-extra").await;
        let now = world.check("meadow-extra", VersionSelector::Current).await;
        assert_eq!(since(&now), [("app-1-1.noarch", 2)]);
    });
}

/// What tells the machine's architecture may be the very package that has gone.
#[test]
fn earlier_versions_are_judged_for_their_own_machine() {
    on_both(|world| async move {
        let (_, mut extra) = base_that_loses(&world, rpm("library").arch("x86_64")).await;
        extra.add(&rpm("more"));
        extra.publish();
        world.take("meadow-extra").await;
        let extra = label("meadow-extra");
        for baseline in [None, Some(1), Some(2)] {
            let baseline = baseline.map(|number| (&extra, VersionSelector::Number(number)));
            let report = world
                .content
                .check(
                    &world.context(),
                    &extra,
                    VersionSelector::Current,
                    &[],
                    baseline,
                )
                .await
                .unwrap();
            assert_eq!(since(&report), [("app-1-1.noarch", 2)], "{baseline:?}");
        }
        let first = world
            .check("meadow-extra", VersionSelector::Number(1))
            .await;
        assert_eq!(first.broken, []);
    });
}

#[test]
fn a_baseline_tells_what_is_new() {
    on_both(|world| async move {
        let mut upstream = world.with_one_broken("meadow-base").await;
        world.take("meadow-base").await;
        upstream.remove("library-");
        upstream.add(&rpm("fresh").requires("nothing-has-it"));
        upstream.publish();
        world.take("meadow-base").await;
        let base = label("meadow-base");
        let check = async |number, baseline| {
            let selector = VersionSelector::Number(number);
            let baseline = Some((&base, VersionSelector::Number(baseline)));
            let report = world
                .content
                .check(&world.context(), &base, selector, &[], baseline)
                .await;
            report.unwrap()
        };
        let report = check(2, 1).await;
        assert_eq!(report.baseline.as_deref(), Some("meadow-base@1"));
        assert_eq!(report.newly_broken, 2);
        let known: Vec<(&str, bool)> = report
            .broken
            .iter()
            .map(|package| (package.nevra.as_str(), package.in_baseline))
            .collect();
        assert_eq!(
            known,
            [
                ("always-1-1.noarch", true),
                ("app-1-1.noarch", false),
                ("fresh-1-1.noarch", false)
            ]
        );
        assert_eq!(check(1, 2).await.newly_broken, 0);
        assert_eq!(check(2, 2).await.newly_broken, 0);
    });
}

#[test]
fn named_channels_stand_beside_with_their_base_channels() {
    on_both(|world| async move {
        let mut repositories = Vec::new();
        for (name, package) in [
            ("meadow-base", rpm("base-library")),
            ("meadow-tools", rpm("tool").requires("base-library")),
            ("meadow-apps", rpm("app").requires("tool")),
        ] {
            let mut repository = Repository::at(world.path(name));
            repository.add(&package);
            repository.publish();
            repositories.push(repository);
        }
        let [base, tools, apps] = &mut *repositories else {
            panic!("three repositories");
        };
        world.mirror("meadow-base", &base.url()).await;
        world
            .child("meadow-tools", "meadow-base", &tools.url())
            .await;
        world.mirror("meadow-apps", &apps.url()).await;
        world
            .create("meadow-empty", None, ChannelPatch::default())
            .await;
        for name in ["meadow-base", "meadow-tools", "meadow-apps"] {
            world.take(name).await;
        }
        let apps = label("meadow-apps");
        let check = async |with: &[(&str, VersionSelector)]| {
            let with: Vec<_> = with.iter().map(|(name, at)| (label(name), *at)).collect();
            world
                .content
                .check(
                    &world.context(),
                    &apps,
                    VersionSelector::Current,
                    &with,
                    None,
                )
                .await
        };
        assert_eq!(check(&[]).await.unwrap().broken.len(), 1);
        let report = check(&[("meadow-tools", VersionSelector::Current)])
            .await
            .unwrap();
        assert_eq!(report.with, ["meadow-tools@1", "meadow-base@1"]);
        assert_eq!(report.broken, []);
        base.remove("base-");
        base.add(&rpm("another"));
        base.publish();
        world.take("meadow-base").await;
        let tools = ("meadow-tools", VersionSelector::Current);
        let report = check(&[tools]).await.unwrap();
        assert_eq!(since(&report), [("app-1-1.noarch", 1)]);
        // A version that was named counts, also of a channel that would come along by itself.
        let pinned = ("meadow-base", VersionSelector::Number(1));
        let report = check(&[tools, pinned]).await.unwrap();
        assert_eq!(report.with, ["meadow-tools@1", "meadow-base@1"]);
        assert_eq!(report.broken, []);
        let itself = check(&[("meadow-apps", VersionSelector::Number(1))]).await;
        assert_eq!(itself.unwrap_err().kind(), ErrorKind::Invalid);
        let empty = check(&[("meadow-empty", VersionSelector::Current)]).await;
        assert_eq!(empty.unwrap_err().kind(), ErrorKind::NotFound);
        let unknown = check(&[("meadow-nowhere", VersionSelector::Current)]).await;
        assert_eq!(unknown.unwrap_err().kind(), ErrorKind::NotFound);
    });
}

#[test]
fn a_kept_pool_that_is_damaged_is_made_again() {
    on_both(|world| async move {
        let distribution = Distribution::at(world.path("distribution"));
        world.mirror("meadow-base", &distribution.url()).await;
        world.take("meadow-base").await;
        let expected = world.check("meadow-base", VersionSelector::Current).await;
        let folder = world.path("cache/pools");
        let files = || {
            let mut files: Vec<_> = std::fs::read_dir(&folder)
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .collect();
            files.sort();
            files
        };
        let kept = files();
        assert_eq!(kept.len(), 1, "{kept:?}");
        let good = std::fs::read(&kept[0]).unwrap();
        let mut flipped = good.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 1;
        for bad in [&good[..good.len() / 2], b"", &flipped, &[0; 4096]] {
            std::fs::write(&kept[0], bad).unwrap();
            world.content.trim_caches();
            let report = world.check("meadow-base", VersionSelector::Current).await;
            assert_eq!(report, expected);
            assert_eq!(std::fs::read(&kept[0]).unwrap(), good);
        }
        // No place to keep anything: it only costs the time.
        std::fs::remove_dir_all(world.path("cache")).unwrap();
        std::fs::write(world.path("cache"), "in the way").unwrap();
        world.content.trim_caches();
        let report = world.check("meadow-base", VersionSelector::Current).await;
        assert_eq!(report, expected);
        world.fsck_is_clean().await;
    });
}

#[test]
fn a_check_can_be_cancelled() {
    on_both(|world| async move {
        let distribution = Distribution::at(world.path("distribution"));
        world.mirror("meadow-base", &distribution.url()).await;
        world.take("meadow-base").await;
        let context = world.context();
        context.cancel.cancel();
        let ended = world
            .content
            .check(
                &context,
                &label("meadow-base"),
                VersionSelector::Current,
                &[],
                None,
            )
            .await;
        assert_eq!(ended.unwrap_err().kind(), ErrorKind::Cancelled);
    });
}

#[test]
fn what_is_recommended_and_not_there_is_told_and_breaks_nothing() {
    on_both(|world| async move {
        let mut base = Repository::at(world.path("base"));
        base.add(&rpm("themes"));
        base.publish();
        world.mirror("meadow-base", &base.url()).await;
        world.take("meadow-base").await;
        let mut extra = Repository::at(world.path("extra"));
        extra.add(&rpm("gui").recommends("themes").recommends("sounds"));
        extra.add(&rpm("shell").recommends("(completions if gui)"));
        extra.add(&rpm("tiny").recommends("(completions if nobody)"));
        extra.publish();
        world
            .child("meadow-extra", "meadow-base", &extra.url())
            .await;
        world.take("meadow-extra").await;
        let report = world.check("meadow-extra", VersionSelector::Current).await;
        assert!(report.broken.is_empty(), "{report:?}");
        let told: Vec<String> = report
            .recommendations
            .iter()
            .map(|one| format!("{} {}", one.package, one.recommends))
            .collect();
        assert_eq!(
            told,
            [
                "gui-1-1.noarch sounds",
                "shell-1-1.noarch (completions if gui)"
            ]
        );
        assert_eq!(report.recommendations_unmet, 2);
    });
}
