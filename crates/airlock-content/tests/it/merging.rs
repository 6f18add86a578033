//! Several upstreams of one channel.

use airlock_model::{ChannelPatch, NewUpstream, PackageFilter, Policy, SyncState, VersionSelector};
use airlock_repodata::repomd::Repomd;
use airlock_testkit::dnf::Dnf;
use airlock_testkit::repos::{
    Group, ModuleDefault, ModuleStream, Repository, comps_xml, modules_yaml,
};
use airlock_testkit::rpms::Rpm;

use crate::world::{World, on_both};

fn repository(world: &World, name: &str, packages: &[Rpm]) -> Repository {
    let mut repository = Repository::at(world.path(name));
    for package in packages {
        repository.add(package);
    }
    repository.publish();
    repository
}

fn rpm(name: &str, version: &str) -> Rpm {
    Rpm::new(name, version, "1").file(&format!("/usr/share/{name}"), version.as_bytes().to_vec())
}

/// The same NEVRA as [`rpm`], built once more with something else in it.
fn rebuilt(name: &str, version: &str) -> Rpm {
    Rpm::new(name, version, "1").file(&format!("/usr/share/{name}"), b"rebuilt".to_vec())
}

async fn channel(world: &World, name: &str, upstreams: &[&Repository], patch: ChannelPatch) {
    let upstreams = upstreams
        .iter()
        .map(|repository| NewUpstream {
            url: repository.url(),
            ..NewUpstream::default()
        })
        .collect();
    world
        .create(
            name,
            None,
            ChannelPatch {
                upstreams: Some(upstreams),
                ..patch
            },
        )
        .await;
}

const POLICIES: [Policy; 2] = [Policy::Immediate, Policy::OnDemand];

#[test]
fn a_package_of_two_upstreams_stands_once() {
    on_both(|world| async move {
        let shared = rpm("oak", "1");
        let base = repository(&world, "base", &[shared.clone(), rpm("elm", "1")]);
        let more = repository(&world, "more", &[shared, rpm("fir", "1")]);
        for (number, policy) in POLICIES.into_iter().enumerate() {
            let name = format!("meadow-{number}");
            let patch = ChannelPatch {
                policy: Some(policy),
                ..ChannelPatch::default()
            };
            channel(&world, &name, &[&base, &more], patch).await;
            let outcome = world.sync(&name).await;
            assert_eq!(outcome.state, SyncState::Published, "{outcome:?}");
            assert_eq!((outcome.packages, outcome.added), (3, 3), "{outcome:?}");
            let packages = world.packages(&name, VersionSelector::Current).await;
            assert_eq!(
                packages,
                ["elm-1-1.noarch", "fir-1-1.noarch", "oak-1-1.noarch"]
            );
            world.walk(&name).await;
        }
        world.fsck_is_clean().await;
    });
}

#[test]
fn of_two_builds_of_one_nevra_that_of_the_earlier_upstream_counts() {
    on_both(|world| async move {
        let base = repository(&world, "base", &[rpm("oak", "1"), rpm("elm", "1")]);
        let more = repository(&world, "more", &[rebuilt("oak", "1"), rpm("oak", "2")]);
        for (number, policy) in POLICIES.into_iter().enumerate() {
            for (way, upstreams) in [[&base, &more], [&more, &base]].into_iter().enumerate() {
                let name = format!("meadow-{number}{way}");
                let patch = ChannelPatch {
                    policy: Some(policy),
                    ..ChannelPatch::default()
                };
                channel(&world, &name, &upstreams, patch).await;
                let outcome = world.sync(&name).await;
                assert_eq!(outcome.packages, 3, "{outcome:?}");
                let notes: Vec<&String> = outcome
                    .warnings
                    .iter()
                    .filter(|warning| warning.contains("is another package in"))
                    .collect();
                assert!(
                    notes.len() == 1
                        && notes[0].starts_with("oak-1-1.noarch ")
                        && notes[0].ends_with(&format!(
                            "in {} than in {}, which comes first and counts",
                            upstreams[1].url(),
                            upstreams[0].url()
                        )),
                    "{outcome:?}"
                );
                let rows = world.rows(&name, VersionSelector::Current).await;
                let oak = rows.iter().find(|row| row.nevra() == "oak-1-1.noarch");
                let file =
                    std::fs::read(upstreams[0].folder().join("Packages/o/oak-1-1.noarch.rpm"))
                        .unwrap();
                assert_eq!(
                    oak.unwrap().checksum,
                    airlock_content::checksum::sha256_hex(&file)
                );
            }
        }
    });
}

#[test]
fn the_latest_versions_are_counted_over_all_upstreams() {
    on_both(|world| async move {
        let base = repository(
            &world,
            "base",
            &[rpm("oak", "1"), rpm("oak", "4"), rpm("elm", "1")],
        );
        let mut more = repository(
            &world,
            "more",
            &[rpm("oak", "2"), rpm("oak", "3"), rpm("fir", "1")],
        );
        let patch = ChannelPatch {
            policy: Some(Policy::OnDemand),
            filter: Some(PackageFilter {
                latest: Some(2),
                ..PackageFilter::default()
            }),
            ..ChannelPatch::default()
        };
        channel(&world, "meadow", &[&base, &more], patch).await;
        world.sync("meadow").await;
        assert_eq!(
            world.packages("meadow", VersionSelector::Current).await,
            [
                "elm-1-1.noarch",
                "fir-1-1.noarch",
                "oak-3-1.noarch",
                "oak-4-1.noarch"
            ]
        );
        more.add(&rpm("oak", "5"));
        more.publish();
        // One of four packages goes, which the shrink guard would hold.
        let options = airlock_content::SyncOptions {
            accept_shrink: true,
            ..Default::default()
        };
        let outcome = world.sync_with("meadow", options).await;
        assert_eq!((outcome.added, outcome.removed), (1, 1), "{outcome:?}");
        assert_eq!(
            world.packages("meadow", VersionSelector::Current).await,
            [
                "elm-1-1.noarch",
                "fir-1-1.noarch",
                "oak-4-1.noarch",
                "oak-5-1.noarch"
            ]
        );
    });
}

#[test]
fn what_one_upstream_lists_twice_itself_stays() {
    on_both(|world| async move {
        let mut base = Repository::at(world.path("base"));
        base.add(&rpm("oak", "1"));
        let second = base.folder().join("second");
        std::fs::create_dir_all(&second).unwrap();
        rebuilt("oak", "1").write_to(&second);
        base.publish();
        let more = repository(&world, "more", &[rpm("elm", "1")]);
        let patch = ChannelPatch {
            policy: Some(Policy::OnDemand),
            ..ChannelPatch::default()
        };
        channel(&world, "meadow", &[&base, &more], patch).await;
        let outcome = world.sync("meadow").await;
        assert_eq!(outcome.packages, 3, "{outcome:?}");
    });
}

/// Writes what a version serves into a folder, for a client to read.
async fn laid_out(world: &World, version: &str, folder: &str) -> String {
    let folder = world.path(folder);
    let rows = world.rows(version, VersionSelector::Current).await;
    let mut files = world.walk(version).await;
    for row in rows {
        let bytes = world.get(version, &row.location).await;
        files.push((row.location, bytes));
    }
    for (path, bytes) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    format!("file://{}", folder.display())
}

/// Two upstreams with groups and modules of their own; both speak of the group `trees` and the stream `oak:1`.
fn two_with_groups_and_modules(world: &World) -> [Repository; 2] {
    let stream = |name: &str, stream: &str, package: &Rpm, profile: &str| {
        ModuleStream::new(name, stream, 1, "c0ffee00")
            .artifact(package)
            .profile(profile, &[package.name()])
    };
    let default = |module: &str, stream: &str| ModuleDefault {
        module: module.to_owned(),
        stream: stream.to_owned(),
        profiles: vec!["common".to_owned()],
    };
    let (oak, elm, fir) = (rpm("oak", "1"), rpm("elm", "1"), rpm("fir", "1"));
    let mut base = repository(world, "base", &[oak.clone(), elm]);
    base.comps(comps_xml(
        &[
            Group::new("trees", "Trees of base", &["oak"]),
            Group::new("elms", "Elms", &["elm"]),
        ],
        &[],
    ));
    base.modules(modules_yaml(
        &[stream("oak", "1", &oak, "common")],
        &[default("oak", "1")],
    ));
    base.publish();
    base.attach("productid", "productid", "the product of base");
    let mut more = repository(world, "more", std::slice::from_ref(&fir));
    more.comps(comps_xml(
        &[
            Group::new("trees", "Trees of more", &["fir"]),
            Group::new("firs", "Firs", &["fir"]),
        ],
        &[],
    ));
    more.modules(modules_yaml(
        &[
            stream("oak", "1", &oak, "other"),
            stream("fir", "2", &fir, "common"),
        ],
        &[default("oak", "2"), default("fir", "2")],
    ));
    more.publish();
    more.attach("productid", "productid", "the product of more");
    [base, more]
}

#[test]
fn groups_and_modules_of_two_upstreams_become_one_file_each() {
    on_both(|world| async move {
        let [base, more] = two_with_groups_and_modules(&world);
        for (name, compression) in [
            ("meadow", airlock_model::Compression::Zstd),
            ("meadow-gz", airlock_model::Compression::Gz),
        ] {
            let patch = ChannelPatch {
                compression: Some(compression),
                ..ChannelPatch::default()
            };
            channel(&world, name, &[&base, &more], patch).await;
            let outcome = world.sync(name).await;
            assert_eq!(outcome.state, SyncState::Published, "{outcome:?}");
            assert!(
                outcome
                    .warnings
                    .iter()
                    .any(|warning| warning
                        .contains("several upstreams have metadata of type productid")),
                "{outcome:?}"
            );
            assert_eq!(world.sync(name).await.state, SyncState::Unchanged);

            let repomd = Repomd::parse(&world.get(name, "repodata/repomd.xml").await).unwrap();
            for kind in ["group", "modules", "productid"] {
                let records = repomd.records.iter().filter(|record| record.kind == kind);
                assert_eq!(records.count(), 1, "{kind}");
            }
            let url = laid_out(&world, name, &format!("served-{name}")).await;
            let mut dnf = Dnf::new();
            dnf.repo(name, &url, None);
            let groups = dnf.ok(&["group", "list"]).stdout;
            for group in ["Trees of base", "Elms", "Firs"] {
                assert!(groups.contains(group), "{groups}");
            }
            assert!(!groups.contains("Trees of more"), "{groups}");
            let modules = dnf.ok(&["module", "list"]).stdout;
            let line = |start: &str| {
                let mut lines = modules.lines();
                let line = lines
                    .find(|line| line.starts_with(start))
                    .unwrap_or_default();
                line.split_whitespace()
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            };
            assert_eq!(line("oak")[..4], ["oak", "1", "[d]", "common"], "{modules}");
            assert_eq!(line("fir")[..3], ["fir", "2", "[d]"], "{modules}");
            let _ = dnf.ok(&["group", "install", "Firs"]);
            assert_eq!(dnf.installed(), ["fir-1-1.noarch"]);
        }
        world.fsck_is_clean().await;
    });
}

#[test]
fn a_file_that_cannot_be_put_together_with_another_fails_the_sync_by_name() {
    on_both(|world| async move {
        let [base, more] = two_with_groups_and_modules(&world);
        channel(&world, "meadow", &[&base, &more], ChannelPatch::default()).await;
        world.sync("meadow").await;
        more.attach("group", "comps.xml", "<comps><group>");
        let outcome = world.sync("meadow").await;
        assert_eq!(outcome.state, SyncState::Failed, "{outcome:?}");
        assert!(outcome.error.unwrap().contains("comps.xml"));
        world.walk("meadow").await;
    });
}
