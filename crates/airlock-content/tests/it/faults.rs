//! The n-th step fails, for n = 1, 2, 3 … until the operation succeeds (threats-and-faults 4.4, recipe 2).
//!
//! Steps are those of the store (make a file, sync, rename, sync the folder, remove) and of the database (begin, before
//! and after the commit). After each failure everything is dropped and opened anew, as after a crash: every channel is
//! whole in the old or the new state, `fsck --deep` is clean, the operation given again leads to the new state, and a
//! collection leaves what it leaves after an undisturbed run.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use airlock_content::{AddFrom, Error, StagedFile, SyncOptions};
use airlock_model::{ChannelPatch, Instant, OrgId, SyncState, VersionSelector};
use airlock_testkit::postgres;
use airlock_testkit::rpms::Rpm;
use airlock_testkit::states::Distribution;

use crate::world::{Setup, World, label};

const LABELS: [&str; 4] = ["meadow-base", "meadow-own", "meadow-prod", "meadow-gone"];
const DAY: i64 = 86_400;

/// What clients get: for each channel its current version, and a digest of each version's files.
type Seen = BTreeMap<String, String>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Sync,
    Push,
    Edit,
    Promote,
    Rollback,
    Delete,
    Gc,
}

/// The state before each verb, with its database and upstream.
struct Stage {
    folder: tempfile::TempDir,
    /// Lies outside of the data, as upstreams do.
    _upstream: tempfile::TempDir,
    postgres: Option<String>,
    begin: Instant,
}

impl Stage {
    async fn set(postgres: Option<String>) -> Self {
        let upstream = tempfile::tempdir().unwrap();
        let mut distribution = Distribution::at(upstream.path().join("repo"));
        let world = World::with(Setup {
            postgres: postgres.clone(),
            ..Setup::default()
        })
        .await;
        for name in ["meadow-own", "meadow-prod", "meadow-gone"] {
            world.create(name, None, ChannelPatch::default()).await;
        }
        world.mirror("meadow-base", &distribution.url()).await;
        world.sync("meadow-base").await;
        distribution.next_day();
        world.sync("meadow-base").await;
        for name in ["meadow-own", "meadow-gone"] {
            let file = staged(&world, &Rpm::new(name, "1", "1").file("/usr/share/x", name));
            world
                .content
                .push(&world.context(), &label(name), vec![file])
                .await
                .unwrap();
        }
        let context = world.context();
        let (base, prod) = (label("meadow-base"), label("meadow-prod"));
        world
            .content
            .promote(&context, &base, VersionSelector::Number(1), &prod, false)
            .await
            .unwrap();
        world
            .content
            .delete_channel(&world.actor(), &label("meadow-gone"))
            .await
            .unwrap();
        distribution.next_day();
        world.content.db().close().await;
        let begin = Instant(world.content.now().0 + 1);
        Self {
            folder: world.folder,
            _upstream: upstream,
            postgres,
            begin,
        }
    }

    /// A world over a copy of the state.
    async fn world(&self) -> World {
        let folder = tempfile::tempdir().unwrap();
        copy(self.folder.path(), folder.path());
        let postgres = self.postgres.as_deref().map(postgres::copy_of);
        self.open(folder, postgres).await
    }

    async fn open(&self, folder: tempfile::TempDir, postgres: Option<String>) -> World {
        let world = World::with(Setup {
            folder: Some(folder),
            postgres,
            ..Setup::default()
        })
        .await;
        world.clock.set(self.begin);
        world
    }
}

fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp")
        .arg("-a")
        .arg(from.join("."))
        .arg(to)
        .status();
    assert!(done.unwrap().success());
}

fn staged(world: &World, rpm: &Rpm) -> StagedFile {
    let path = rpm.write_to(&world.path("staged"));
    StagedFile {
        name: path.file_name().unwrap().to_str().unwrap().to_owned(),
        path,
    }
}

async fn run(world: &World, verb: Verb) -> Result<(), String> {
    let content = &world.content;
    let context = world.context();
    let said = |result: Result<(), Error>| result.map_err(|error| error.to_string());
    match verb {
        Verb::Sync => {
            let options = SyncOptions {
                accept_shrink: true,
                together: false,
            };
            let outcome = content
                .sync(&context, &[label("meadow-base")], options)
                .await
                .map_err(|error| error.to_string())?
                .remove(0);
            match outcome.state {
                SyncState::Published | SyncState::Unchanged => Ok(()),
                other => Err(outcome.error.unwrap_or_else(|| format!("{other:?}"))),
            }
        }
        Verb::Push => {
            let files = ["first", "second"]
                .map(|name| staged(world, &Rpm::new(name, "2", "1").file("/usr/share/y", name)));
            said(
                content
                    .push(&context, &label("meadow-own"), files.to_vec())
                    .await
                    .map(drop),
            )
        }
        Verb::Edit => {
            let list = world
                .packages("meadow-base", VersionSelector::Number(1))
                .await;
            let victims: Vec<String> = list.into_iter().take(2).collect();
            said(
                content
                    .add(&context, &label("meadow-own"), &victims, AddFrom::default())
                    .await
                    .map(drop),
            )
        }
        Verb::Promote => {
            let (base, prod) = (label("meadow-base"), label("meadow-prod"));
            let from = VersionSelector::Number(2);
            said(
                content
                    .promote(&context, &base, from, &prod, false)
                    .await
                    .map(drop),
            )
        }
        Verb::Rollback => said(
            content
                .rollback(
                    &context,
                    &label("meadow-base"),
                    VersionSelector::Number(1),
                    false,
                )
                .await
                .map(drop),
        ),
        Verb::Delete => {
            match content
                .delete_channel(&world.actor(), &label("meadow-prod"))
                .await
            {
                // Given again after a fault behind the commit.
                Ok(_) | Err(Error::NoChannel { .. }) => Ok(()),
                Err(error) => Err(error.to_string()),
            }
        }
        Verb::Gc => {
            world.clock.advance(8 * DAY);
            let done = said(content.gc(&context, 0).await.map(drop));
            world.clock.advance(-8 * DAY);
            done
        }
    }
}

async fn seen(world: &World) -> Seen {
    let mut seen = Seen::new();
    for name in LABELS {
        let Ok(versions) = world.content.versions(OrgId::DEFAULT, &label(name)).await else {
            continue;
        };
        let current = world.resolve(name).await.number;
        seen.insert(name.to_owned(), current.to_string());
        for version in versions {
            let at = format!("{name}@{}", version.number);
            let files = world.walk(&at).await;
            let mut text: String = files
                .iter()
                .map(|(path, bytes)| format!("{path} {}\n", bytes.len()))
                .collect();
            let selector = VersionSelector::Number(version.number);
            let packages = world
                .content
                .packages(OrgId::DEFAULT, &label(name), selector, None)
                .await
                .unwrap();
            for package in packages {
                let bytes = world.get(&at, &package.location).await;
                assert_eq!(
                    airlock_content::checksum::sha256_hex(&bytes),
                    package.checksum,
                    "{at}: {}",
                    package.location
                );
                text.push_str(&package.checksum);
            }
            seen.insert(at, text);
        }
    }
    seen
}

/// What is stored in all, after a collection long after everything.
async fn left(world: &World) -> (usize, usize, usize, usize) {
    world.clock.advance(30 * DAY);
    world.content.gc(&world.context(), 0).await.unwrap();
    world.clock.advance(-30 * DAY);
    let db = world.content.db();
    (
        world.content.blobs().list().unwrap().len(),
        std::fs::read_dir(world.content.blobs().temp_dir())
            .unwrap()
            .count(),
        airlock_db::records::all_packs(db).await.unwrap().len(),
        airlock_db::package_files::all(db).await.unwrap().len(),
    )
}

async fn walk_through(postgres: Option<String>, verb: Verb) {
    let stage = Stage::set(postgres).await;
    let undisturbed = stage.world().await;
    let old = seen(&undisturbed).await;
    run(&undisturbed, verb).await.unwrap();
    let new = seen(&undisturbed).await;
    assert_eq!(
        old == new,
        verb == Verb::Gc,
        "{verb:?} changes what is seen"
    );
    let kept = left(&undisturbed).await;
    drop(undisturbed);

    let (mut failed, mut went_on) = (0, 0);
    for n in 1.. {
        let world = stage.world().await;
        world.faults.fail_at(n);
        let result = run(&world, verb).await;
        let fired = !world.faults.waiting();
        world.faults.fail_at(0);
        let place = format!("{verb:?}, step {n}: {result:?}");
        // What this process serves from its caches, then what the next one does.
        let here = seen(&world).await;
        let World {
            folder,
            content,
            postgres,
            ..
        } = world;
        drop(content);
        let world = stage.open(folder, postgres).await;
        let there = seen(&world).await;
        assert_eq!(here, there, "{place}: a restart shows another state");
        assert!(here == old || here == new, "{place}: in neither state");
        if result.is_ok() {
            assert_eq!(here, new, "{place}: acknowledged and not there");
        }
        world.fsck_is_clean().await;
        if !fired {
            assert_eq!(result, Ok(()), "{place}: failed by itself");
            break;
        }
        match result {
            Ok(()) => went_on += 1,
            Err(text) => {
                failed += 1;
                assert!(text.contains("fault injected at"), "{place}");
            }
        }
        run(&world, verb)
            .await
            .unwrap_or_else(|error| panic!("{place}: given again: {error}"));
        assert_eq!(seen(&world).await, new, "{place}: given again");
        assert_eq!(left(&world).await, kept, "{place}: something is left over");
        world.fsck_is_clean().await;
    }
    println!("{verb:?}: {failed} faults failed it, {went_on} did not");
    // The least is a deletion: the begin and the commit of one change.
    assert!(failed >= 2, "{verb:?}: {failed} steps can fail");
}

fn through(verb: Verb, postgres: Option<String>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(walk_through(postgres, verb));
}

macro_rules! verbs {
    ($($test:ident $verb:ident),+ $(,)?) => { $(#[test] fn $test() { through(Verb::$verb, None); })+ };
}

verbs!(
    faults_of_a_sync Sync,
    faults_of_a_push Push,
    faults_of_an_edit Edit,
    faults_of_a_promotion Promote,
    faults_of_a_rollback Rollback,
    faults_of_a_deletion Delete,
    faults_of_a_collection Gc,
);

#[test]
fn faults_of_a_promotion_on_postgresql() {
    through(Verb::Promote, Some(postgres::fresh_database()));
}

#[test]
fn faults_of_a_deletion_on_postgresql() {
    through(Verb::Delete, Some(postgres::fresh_database()));
}
