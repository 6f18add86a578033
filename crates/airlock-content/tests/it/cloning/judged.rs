//! Clones of random small trees, judged from outside: libsolv says what can be installed, createrepo_c's readers what is
//! there, and the errata of the source what has to be.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use airlock_model::{OrgId, Plan, VersionSelector};
use airlock_testkit::programs;
use airlock_testkit::repos::Repository;
use airlock_testkit::repos::errata::Erratum;
use airlock_testkit::rpms::Rpm;
use airlock_testkit::seeded::Seeded;
use serde_json::{Value, json};

use super::{clone, until};
use crate::world::{World, label};

/// Lists what createrepo_c reads out of folders: packages and advisories.
const READ: &str = r#"
import json, sys
import createrepo_c as cr
out = []
for folder in sys.argv[1:]:
    reader = cr.RepositoryReader.from_path(folder)
    packages = sorted(p.nevra() for p in reader.iter_packages())
    out.append({"packages": packages, "advisories": sorted(a.id for a in reader.advisories())})
json.dump(out, sys.stdout)
"#;

fn python() -> PathBuf {
    let python = programs::target().join("peers/bin/python");
    assert!(python.is_file(), "run scripts/install tests");
    python
}

fn said(command: &mut Command, input: &str) -> Value {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// NEVRAs that libsolv cannot install from these folders together, with the place of their folder.
fn broken(folders: &[PathBuf]) -> BTreeSet<(String, usize)> {
    let repositories: Vec<Value> = folders
        .iter()
        .map(|folder| json!({ "primary": file(folder, "primary"), "filelists": file(folder, "filelists") }))
        .collect();
    let asked = json!([{ "machine": "x86_64", "installonly": [], "repositories": repositories }]);
    let script = programs::workspace().join("crates/airlock-solve/tests/it/oracle.py");
    let answer = said(Command::new(python()).arg(script), &asked.to_string());
    answer[0]["broken"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| {
            let (nevra, place) = name.as_str().unwrap().rsplit_once('@').unwrap();
            (nevra.to_owned(), place.parse().unwrap())
        })
        .collect()
}

fn file(folder: &Path, kind: &str) -> PathBuf {
    let repomd = std::fs::read(folder.join("repodata/repomd.xml")).unwrap();
    let repomd = airlock_repodata::repomd::Repomd::parse(&repomd).unwrap();
    let record = repomd.records.iter().find(|r| r.kind == kind).unwrap();
    folder.join(&record.href)
}

/// The metadata of a channel as served, as files.
async fn saved(world: &World, name: &str) -> PathBuf {
    let folder = world.path(&format!("served-{name}"));
    for (path, bytes) in world.walk(name).await {
        let place = folder.join(path);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(place, bytes).unwrap();
    }
    folder
}

const CHANNELS: [(&str, &str); 2] = [
    ("source-base", "clone-base"),
    ("source-child", "clone-child"),
];

/// A random tree of two upstreams, mirrored.
async fn random_tree(world: &World, random: &mut Seeded) {
    for (number, (source, _)) in CHANNELS.iter().enumerate() {
        let mut repository = Repository::at(world.path(&format!("upstream-{source}")));
        let mut made: Vec<Rpm> = Vec::new();
        for name in 0..6 {
            for version in 1..=1 + random.below(3) {
                if random.below(3) == 0 {
                    continue;
                }
                let capability = |random: &mut Seeded| match random.below(4) {
                    0 => format!("cap{}", random.below(4)),
                    1 => format!("n{} >= {}", random.below(6), 1 + random.below(3)),
                    2 => format!("/usr/share/f{}", random.below(3)),
                    _ => format!("n{}", random.below(6)),
                };
                let mut rpm = Rpm::new(
                    &format!("n{name}"),
                    &version.to_string(),
                    &number.to_string(),
                )
                .arch("x86_64")
                .provides(&format!("cap{}", random.below(4)));
                for _ in 0..random.below(3) {
                    rpm = match random.below(6) {
                        0 => {
                            let (a, b) = (capability(random), capability(random));
                            rpm.requires(&format!("({a} or {b})"))
                        }
                        1 => rpm.conflicts(&capability(random)),
                        5 => rpm.obsoletes(&format!(
                            "n{} < {}",
                            random.below(6),
                            1 + random.below(3)
                        )),
                        _ => rpm.requires(&capability(random)),
                    };
                }
                if random.below(4) == 0 {
                    rpm = rpm.file(&format!("/usr/share/f{}", random.below(3)), "x");
                }
                repository.add(&rpm);
                made.push(rpm);
            }
        }
        repository.add(&Rpm::new(&format!("release{number}"), "1", "1"));
        for id in 0..5 {
            let day = 1 + random.below(9);
            let kind = if random.below(2) == 0 {
                "security"
            } else {
                "bugfix"
            };
            let mut erratum = Erratum::new(
                &format!("RHXA-{number}:{id}"),
                kind,
                &format!("2020-01-{day:02} 00:00:00"),
            );
            for _ in 0..1 + random.below(2) {
                if let Some(rpm) = made.get(random.below(made.len().max(1) as u64) as usize) {
                    erratum = erratum.package(rpm);
                }
            }
            repository.erratum(erratum);
        }
        repository.publish();
        let patch = airlock_model::ChannelPatch {
            parent: (number > 0).then(|| CHANNELS[0].0.to_owned()),
            // libsolv's Python package does not open zstd; clones are compressed as their sources.
            compression: Some(airlock_model::Compression::Gz),
            ..airlock_model::ChannelPatch::default()
        };
        world.create(source, Some(&repository.url()), patch).await;
        world.sync(source).await;
    }
}

#[test]
fn clones_of_random_trees_are_what_libsolv_and_createrepo_c_say_they_have_to_be() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let (mut packages, mut newly, mut again) = (0, 0, 0);
    for seed in 1..=30 {
        runtime.block_on(async {
            let world = World::new(None).await;
            let mut random = Seeded::new(seed);
            random_tree(&world, &mut random).await;
            let day = random.below(10) as u32;
            let barred = (random.below(3) == 0).then(|| format!("n{}", random.below(6)));
            let mut wish = airlock_model::CloneRequest {
                security_only: random.below(2) == 0,
                blacklist: barred
                    .iter()
                    .map(|name| ("ALL".to_owned(), vec![name.clone()]))
                    .collect(),
                ..until(&format!("2020-01-{:02}", day + 1), &CHANNELS)
            };
            let (mut plan, _) = clone(&world, &wish).await.unwrap();
            let mut day = day;
            let mut there: Vec<Vec<String>> = vec![Vec::new(); CHANNELS.len()];
            let keep = |plan: &Plan, there: &mut Vec<Vec<String>>| {
                for (own, channel) in there.iter_mut().zip(&plan.channels) {
                    own.extend(channel.packages.iter().map(|p| p.nevra.clone()));
                }
            };
            keep(&plan, &mut there);
            if random.below(2) == 0 {
                // A later clone over the first one; then what is there is judged.
                day += 1 + random.below(3) as u32;
                wish.to_date = Some(format!("2020-01-{:02}", day + 1).parse().unwrap());
                (plan, _) = clone(&world, &wish).await.unwrap();
                keep(&plan, &mut there);
                again += 1;
            }
            let mut folders = (Vec::new(), Vec::new());
            for (source, destination) in CHANNELS {
                folders.0.push(saved(&world, source).await);
                folders.1.push(saved(&world, destination).await);
            }
            // What cannot be installed is told, and whether the source is no better.
            let (of_source, of_clone) = (broken(&folders.0), broken(&folders.1));
            let mut told = BTreeMap::new();
            for (place, channel) in plan.channels.iter().enumerate() {
                for broken in &channel.broken {
                    told.insert((broken.nevra.clone(), place), broken.source_broken);
                }
            }
            assert_eq!(
                told.keys().cloned().collect::<BTreeSet<_>>(),
                of_clone,
                "seed {seed}"
            );
            for (package, source_broken) in &told {
                assert_eq!(
                    of_source.contains(package),
                    *source_broken,
                    "seed {seed} {package:?}"
                );
            }
            newly += told
                .values()
                .filter(|source_broken| !**source_broken)
                .count();
            // What is there is what the plan says, and nothing in range is missing.
            let read = said(
                Command::new(python()).args(["-c", READ]).args(&folders.1),
                "",
            );
            for (place, (source, _)) in CHANNELS.iter().enumerate() {
                let mut planned = there[place].clone();
                planned.sort();
                planned.dedup();
                let found: Vec<String> = read[place]["packages"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|nevra| nevra.as_str().unwrap().replace("-0:", "-"))
                    .collect();
                assert_eq!(found, planned, "seed {seed}");
                packages += found.len();
                let advisories = read[place]["advisories"].as_array().unwrap();
                let errata = world
                    .content
                    .errata(OrgId::DEFAULT, &label(source), VersionSelector::Current)
                    .await
                    .unwrap();
                for erratum in errata {
                    let date = erratum.issued.unwrap().to_string();
                    let in_range = date[..10] <= *format!("2020-01-{:02}", day + 1)
                        && (erratum.kind == "security" || !wish.security_only);
                    let kept_out = |file: &&String| {
                        let name = barred.as_ref();
                        name.is_some_and(|name| file.starts_with(&format!("{name}-")))
                    };
                    let files = erratum.packages.iter();
                    let files: Vec<&String> = files.filter(|file| !kept_out(file)).collect();
                    if !in_range || files.is_empty() {
                        continue;
                    }
                    let name = erratum.advisory.replacen("RH", "CL-", 1);
                    assert!(
                        advisories.contains(&json!(name)),
                        "seed {seed} {name} {advisories:?}"
                    );
                    for file in files {
                        let nevra = file.trim_end_matches(".rpm").to_owned();
                        assert!(planned.contains(&nevra), "seed {seed} {nevra}");
                    }
                }
            }
        });
    }
    println!(
        "{packages} packages in 60 clones judged, {again} trees cloned twice; {newly} can no longer be installed, all of them told"
    );
    assert!(packages > 100 && again > 5);
}
