//! Hostile and broken upstreams through a whole sync over HTTP (threats-and-faults 3.2, 4.1).
//!
//! Each row breaks the second day of an upstream whose first day is served. The error has to name the file and the
//! reason, the first day has to stay served byte for byte, and memory has to stay bounded. Rows of [`tolerated`] are
//! what a sync gets by with: it says so and publishes.

mod forge;
mod metadata;
mod packages;
mod tolerated;
mod transport;

use std::collections::HashSet;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use airlock_model::{ChannelPatch, SignatureWish, SyncState, VersionSelector};
use airlock_testkit::http::HttpServer;
use airlock_testkit::states::Distribution;

use crate::world::{Setup, World};
use forge::Forge;

/// Resident memory that one hostile upstream may cost at most.
const MOST_MEMORY: u64 = 256 << 20;

/// One way to be hostile.
struct Case {
    name: &'static str,
    forge: fn(&Forge<'_>),
    /// Parts of the error (or warning): the file, and the reason.
    says: [&'static str; 2],
}

fn case(name: &'static str, says: [&'static str; 2], forge: fn(&Forge<'_>)) -> Case {
    Case { name, forge, says }
}

/// Two days of a distribution, and a server that shows a copy of one of them.
struct Days {
    world: World,
    server: HttpServer,
}

impl Days {
    async fn new() -> Self {
        let world = World::with(Setup {
            fetch: airlock_fetch::Settings {
                retries: 0,
                // Stalled mirrors are given up soon.
                rate_window: Duration::from_secs(2),
                ..airlock_fetch::Settings::default()
            },
            ..Setup::default()
        })
        .await;
        let mut upstream = Distribution::at(world.path("upstream"));
        copy(&world.path("upstream"), &world.path("day-1"));
        upstream.next_day();
        copy(&world.path("upstream"), &world.path("day-2"));
        let server = HttpServer::serve(world.path("shown"));
        Self { world, server }
    }

    /// Takes away what failed syncs keep for the next one, so that each row meets the same state.
    async fn forget_rests(&self) {
        let content = &self.world.content;
        content.gc(&self.world.context(), 0).await.unwrap();
        content.blobs().remove_old_temp(i64::MAX).unwrap();
    }

    /// Shows an unharmed day.
    fn show(&self, day: &str) -> Forge<'_> {
        let shown = self.world.folder.path().join("shown");
        let _ = std::fs::remove_dir_all(&shown);
        copy(&self.world.path(day), &shown);
        self.server.clear_faults();
        self.server.reset_counts();
        Forge {
            folder: shown,
            server: &self.server,
        }
    }
}

fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(done.unwrap().success(), "cp {}", from.display());
}

fn on_one<F: Future<Output = ()>>(scenario: F) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(scenario);
}

/// Resident memory of this process in bytes: now (`VmRSS`), or the most since [`forget_peak`] (`VmHWM`).
fn memory(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(what)).unwrap();
    let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes << 10
}

/// Where the kernel does not let the peak be forgotten the older, higher one counts, which is the stricter test.
fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

#[test]
fn every_hostile_upstream_is_named_and_the_last_version_stays() {
    on_one(async {
        let days = Days::new().await;
        let world = &days.world;
        let _ = days.show("day-1");
        world.mirror("meadow-base", &days.server.url()).await;
        let first = world.sync("meadow-base").await;
        assert_eq!(first.state, SyncState::Published, "{first:?}");
        let served = world.walk("meadow-base").await;
        let packages = world
            .packages("meadow-base", VersionSelector::Current)
            .await;

        let cases = [transport::cases(), metadata::cases(), packages::cases()].concat_cases();
        let mut wrong = Vec::new();
        let mut sentences = HashSet::new();
        let mut most = 0;
        let count = cases.len();
        for Case { name, forge, says } in cases {
            assert!(sentences.insert(says), "{name}: {says:?} is said twice");
            let shown = days.show("day-2");
            forge(&shown);
            days.forget_rests().await;
            forget_peak();
            let before = memory("VmRSS");
            let outcome = world.sync("meadow-base").await;
            let grown = memory("VmHWM").saturating_sub(before);
            most = most.max(grown);
            if grown > MOST_MEMORY {
                wrong.push(format!("{name}: took {} MB", grown >> 20));
            }
            match (&outcome.state, &outcome.error) {
                (SyncState::Failed, Some(error))
                    if says.iter().all(|part| error.contains(part)) => {}
                other => wrong.push(format!("{name}: expected {says:?}, was {other:?}")),
            }
            if outcome.to != Some(1) || world.walk("meadow-base").await != served {
                wrong.push(format!("{name}: the first version is not served any more"));
                break;
            }
        }
        println!("{count} hostile upstreams, at most {} MB each", most >> 20);
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));

        let _ = days.show("day-2");
        let mended = world.sync("meadow-base").await;
        assert_eq!(
            (mended.state, mended.to),
            (SyncState::Published, Some(2)),
            "{mended:?}"
        );
        assert_eq!(
            world
                .packages("meadow-base", VersionSelector::Number(1))
                .await,
            packages
        );
        world.walk("meadow-base").await;
        world.fsck_is_clean().await;
    });
}

trait ConcatCases {
    fn concat_cases(self) -> Vec<Case>;
}

impl<const N: usize> ConcatCases for [Vec<Case>; N] {
    fn concat_cases(self) -> Vec<Case> {
        self.into_iter().flatten().collect()
    }
}

#[test]
fn what_a_sync_gets_by_with_is_said() {
    on_one(async {
        let days = Days::new().await;
        let world = &days.world;
        let mut wrong = Vec::new();
        for (number, Case { name, forge, says }) in tolerated::cases().into_iter().enumerate() {
            let shown = days.show("day-1");
            forge(&shown);
            let label = format!("meadow-{number}");
            world
                .create(
                    &label,
                    Some(&days.server.url()),
                    ChannelPatch {
                        // Else most warnings are about packages that nobody signed.
                        signatures: Some(SignatureWish::Off),
                        ..ChannelPatch::default()
                    },
                )
                .await;
            let outcome = world.sync(&label).await;
            let refused = outcome
                .refused
                .iter()
                .map(|r| format!("{}: {}", r.package, r.reason));
            let said: Vec<String> = outcome.warnings.iter().cloned().chain(refused).collect();
            let all = said
                .iter()
                .any(|text| says.iter().all(|part| text.contains(part)));
            if outcome.state != SyncState::Published || !(all || says == ["", ""]) {
                wrong.push(format!(
                    "{name}: expected {says:?}, was {:?} {:?} {said:?}",
                    outcome.state, outcome.error
                ));
                continue;
            }
            world.walk(&label).await;
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        world.fsck_is_clean().await;
    });
}
