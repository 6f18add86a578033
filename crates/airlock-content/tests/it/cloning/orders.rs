//! The same channels, loaded in different orders, give the same plan, byte for byte: no number of the database counts.

use airlock_content::write_plan;
use airlock_model::{CloneRequest, NewUpstream, Plan};
use airlock_testkit::repos::errata::Erratum;
use airlock_testkit::repos::{ModuleDefault, ModuleStream, Repository, modules_yaml};
use airlock_testkit::seeded::Seeded;

use super::{Upstream, clone, plan, rpm, until};
use crate::world::World;

const CHANNELS: [(&str, &str); 2] = [
    ("source-base", "clone-base"),
    ("source-child", "clone-child"),
];

/// Packages of each channel, and the errata over them.
struct Made {
    packages: [Vec<String>; 2],
    errata: Vec<MadeErratum>,
}

/// Name, day, and packages with the place of their channel.
type MadeErratum = (String, String, Vec<(usize, String)>);

fn made(random: &mut Seeded) -> Made {
    let mut packages = [Vec::new(), Vec::new()];
    let mut errata = Vec::new();
    for (channel, own) in packages.iter_mut().enumerate() {
        for name in 0..6 {
            for version in 1..=2 {
                let needs = match random.below(3) {
                    0 => String::new(),
                    1 => format!(", > n{}{}", random.below(2), random.below(6)),
                    _ => format!(", > cap{}", random.below(4)),
                };
                let offers = random.below(4);
                own.push(format!("n{channel}{name}-{version} < cap{offers}{needs}"));
            }
        }
    }
    for number in 0..8 {
        let day = format!("2020-01-{:02}", 1 + random.below(9));
        let listed = (0..1 + random.below(3))
            .map(|_| {
                let channel = random.below(2) as usize;
                let own: &[String] = &packages[channel];
                let place = random.below(own.len() as u64) as usize;
                (channel, own[place].clone())
            })
            .collect();
        errata.push((format!("RHBA-{number}"), day, listed));
    }
    Made { packages, errata }
}

/// A world with these channels: `order` decides which is read first, in which order errata stand in their files, and what
/// other channels were there before.
async fn loaded(made: &Made, order: u64) -> World {
    let world = World::new(None).await;
    let mut repositories: Vec<Repository> = CHANNELS
        .iter()
        .map(|(source, _)| Repository::at(world.path(&format!("upstream-{source}"))))
        .collect();
    for (repository, packages) in repositories.iter_mut().zip(&made.packages) {
        for package in packages {
            repository.add(&rpm(package));
        }
    }
    let mut errata: Vec<_> = made.errata.iter().collect();
    let places = errata.len();
    errata.rotate_left(order as usize % places);
    if order % 2 == 1 {
        errata.reverse();
    }
    for (channel, repository) in repositories.iter_mut().enumerate() {
        for (id, day, listed) in &errata {
            let mut erratum = Erratum::new(id, "bugfix", &format!("{day} 00:00:00"));
            let own: Vec<&String> = listed
                .iter()
                .filter(|(of, _)| *of == channel)
                .map(|(_, package)| package)
                .collect();
            for package in &own {
                erratum = erratum.package(&rpm(package));
            }
            if !own.is_empty() {
                repository.erratum(erratum);
            }
        }
    }
    let artifact = &made.packages[1][0];
    let needed = &made.packages[0][0];
    let streams = [
        ModuleStream::new("tool", "1", 1, "c")
            .artifact(&rpm(artifact))
            .requires("base", "1"),
        ModuleStream::new("base", "1", 1, "c").artifact(&rpm(needed)),
    ];
    repositories[1].modules(modules_yaml(
        &streams[..1],
        &[ModuleDefault::new("tool", "1", "p")],
    ));
    repositories[0].modules(modules_yaml(
        &streams[1..],
        &[ModuleDefault::new("base", "1", "p")],
    ));
    let urls: Vec<String> = repositories
        .iter_mut()
        .map(|repository| {
            repository.publish();
            repository.url()
        })
        .collect();
    let create = async |place: usize| {
        let patch = airlock_model::ChannelPatch {
            parent: (place > 0).then(|| CHANNELS[0].0.to_owned()),
            ..airlock_model::ChannelPatch::default()
        };
        world
            .create(CHANNELS[place].0, Some(&urls[place]), patch)
            .await;
    };
    if order % 3 == 2 {
        // Another channel has the same packages and errata already.
        world.mirror("elsewhere", &urls[1]).await;
    }
    create(0).await;
    create(1).await;
    let places = match order % 2 {
        0 => [0, 1],
        _ => [1, 0],
    };
    for place in places {
        world.sync(CHANNELS[place].0).await;
    }
    world
}

#[test]
fn channels_that_are_loaded_in_different_orders_give_the_same_plan_bytes() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut pulled = 0;
    for seed in 1..=4 {
        let made = made(&mut Seeded::new(seed));
        let mut first: Option<Vec<Vec<u8>>> = None;
        for order in 0..6 {
            let bytes = runtime.block_on(async {
                let world = loaded(&made, order).await;
                let pairs = match order % 2 {
                    0 => CHANNELS.to_vec(),
                    _ => CHANNELS.iter().rev().copied().collect(),
                };
                let early = until("2020-01-03", &pairs);
                let (planned, _) = clone(&world, &early).await.unwrap();
                // The next one is planned over a clone that is there.
                let later = CloneRequest {
                    security_only: false,
                    ..until("2020-01-06", &pairs)
                };
                let next = plan(&world, &later).await.unwrap();
                [planned, next]
                    .map(|plan| bytes_of(plan, &mut pulled))
                    .to_vec()
            });
            match &first {
                None => first = Some(bytes),
                Some(first) => assert!(*first == bytes, "seed {seed}, order {order}"),
            }
        }
    }
    assert!(pulled > 0, "dependencies never mattered");
}

/// The bytes of a plan whose request names the channels in one order: that is what was typed.
fn bytes_of(mut plan: Plan, pulled: &mut usize) -> Vec<u8> {
    plan.request
        .channels
        .sort_by(|one, two| one.source.cmp(&two.source));
    let packages = plan.channels.iter().flat_map(|channel| &channel.packages);
    let needed = packages
        .filter(|package| matches!(package.reason, airlock_model::PackageReason::Needed { .. }));
    *pulled += needed.count();
    write_plan(&plan).unwrap()
}

/// Revisions of one advisory, of which one upstream or the other was read first.
#[test]
fn upstreams_that_list_one_advisory_differently_give_the_same_plan_bytes() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut all = Vec::new();
    for first in [0, 1] {
        let bytes = runtime.block_on(async {
            let world = World::new(None).await;
            let listed = [("one", "lib-2"), ("two", "tool-2")];
            let upstreams = listed.map(|(name, package)| {
                let mut upstream = Upstream::at(&world, name).naked(&["app-1 > both"]).erratum(
                    "RHBA-1",
                    "2016-01-01",
                    &[package, "both-1"],
                );
                upstream.0.publish();
                upstream.0.url()
            });
            world.mirror("elsewhere", &upstreams[first]).await;
            let upstreams = upstreams.map(|url| NewUpstream {
                url,
                ..NewUpstream::default()
            });
            let patch = airlock_model::ChannelPatch {
                upstreams: Some(upstreams.to_vec()),
                ..airlock_model::ChannelPatch::default()
            };
            world.create("source-a", None, patch).await;
            world.sync("source-a").await;
            let pairs = [("source-a", "clone-a")];
            let inside = plan(&world, &until("2017-01-01", &pairs)).await.unwrap();
            assert_eq!(inside.channels[0].errata.len(), 2);
            let pulled = plan(&world, &until("2015-01-01", &pairs)).await.unwrap();
            [inside, pulled].map(|plan| write_plan(&plan).unwrap())
        });
        all.push(bytes);
    }
    assert!(all[0] == all[1]);
}
