use std::sync::Arc;

use airlock_content::{SyncOptions, TaskContext};
use airlock_model::{
    ChannelPatch, Clock as _, ErrorKind, Instant, OrgId, Progress, Reporter, SystemClock,
};
use airlock_testkit::rpms::Rpm;
use airlock_testkit::states::Distribution;

use crate::world::{label, on_both};

#[test]
fn a_deleted_channel_can_come_back_and_its_numbers_never_do() {
    on_both(|world| async move {
        let upstream = Distribution::at(world.path("upstream"));
        world.mirror("meadow-base", &upstream.url()).await;
        world
            .create(
                "meadow-extras",
                None,
                ChannelPatch {
                    parent: Some("meadow-base".into()),
                    ..ChannelPatch::default()
                },
            )
            .await;
        world.sync("meadow-base").await;
        let refused = world
            .content
            .delete_channel(&world.actor(), &label("meadow-base"))
            .await
            .unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Conflict);
        world
            .content
            .delete_channel(&world.actor(), &label("meadow-extras"))
            .await
            .unwrap();
        world
            .content
            .delete_channel(&world.actor(), &label("meadow-base"))
            .await
            .unwrap();
        assert_eq!(
            world
                .content
                .resolve("meadow-base")
                .await
                .unwrap_err()
                .kind(),
            ErrorKind::NotFound
        );
        world
            .content
            .undelete_channel(&world.actor(), &label("meadow-base"), None)
            .await
            .unwrap();
        world.walk("meadow-base@1").await;

        world
            .content
            .delete_channel(&world.actor(), &label("meadow-base"))
            .await
            .unwrap();
        world.clock.advance(8 * 86_400);
        let gone = world
            .content
            .undelete_channel(&world.actor(), &label("meadow-base"), None)
            .await
            .unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::NotFound);
        let report = world.content.gc(&world.context(), 0).await.unwrap();
        assert_eq!(report.channels, 2);
        world.mirror("meadow-base", &upstream.url()).await;
        assert_eq!(world.sync("meadow-base").await.to, Some(2));
        world.fsck_is_clean().await;
    });
}

#[test]
fn of_several_deleted_channels_one_is_chosen() {
    on_both(|world| async move {
        let upstream = Distribution::at(world.path("upstream"));
        let name = label("meadow-base");
        let actor = world.actor();
        world.mirror("meadow-base", &upstream.url()).await;
        world.sync("meadow-base").await;
        let undelete = async |choice| world.content.undelete_channel(&actor, &name, choice).await;
        let said = undelete(None).await.unwrap_err().to_string();
        assert_eq!(said, "channel meadow-base is not deleted");
        world.content.delete_channel(&actor, &name).await.unwrap();
        world.clock.advance(60);
        world
            .create("meadow-base", None, airlock_model::ChannelPatch::default())
            .await;
        let taken = undelete(None).await.unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::Conflict);
        assert!(!taken.hint().unwrap().contains("rename"), "{taken:?}");
        world.content.delete_channel(&actor, &name).await.unwrap();
        for choice in [None, Some(0), Some(3)] {
            let error = undelete(choice).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Conflict);
            let said = error.to_string();
            let lines: Vec<&str> = said.lines().collect();
            assert_eq!(lines.len(), 3, "{said}");
            assert!(lines[1].starts_with("  1: deleted ") && lines[1].contains("versions: 0"));
            assert!(lines[2].starts_with("  2: deleted ") && lines[2].contains("versions: 1"));
        }
        assert_eq!(undelete(Some(2)).await.unwrap().current, Some(1));
        world.walk("meadow-base@1").await;
    });
}

#[test]
fn metadata_of_old_versions_is_dropped_and_made_again_byte_by_byte() {
    on_both(|world| async move {
        let mut upstream = Distribution::at(world.path("upstream"));
        world.mirror("meadow-base", &upstream.url()).await;
        let mut walks = Vec::new();
        for day in 1..=3 {
            world
                .sync_with(
                    "meadow-base",
                    SyncOptions {
                        accept_shrink: true,
                        together: false,
                    },
                )
                .await;
            walks.push((
                format!("meadow-base@{day}"),
                world.walk(&format!("meadow-base@{day}")).await,
            ));
            if day < 3 {
                upstream.next_day();
            }
        }
        for number in 0..3 {
            let before = world
                .packages("meadow-base", airlock_model::VersionSelector::Current)
                .await;
            world
                .content
                .remove(&world.context(), &label("meadow-base"), &before[..1])
                .await
                .unwrap();
            let _ = number;
        }
        // Real time is what ages blobs; a negative grace period makes every blob old enough.
        let report = world
            .content
            .gc(&world.context(), -200_000_000)
            .await
            .unwrap();
        assert!(report.blobs >= 6, "{report:?}");
        for (version, files) in walks {
            assert_eq!(world.walk(&version).await, files, "{version}");
        }
        world.fsck_is_clean().await;
        let _ = OrgId::DEFAULT;
    });
}

#[test]
fn deep_fsck_finds_and_repairs_a_rotten_file() {
    on_both(|world| async move {
        let upstream = Distribution::at(world.path("upstream"));
        world.mirror("meadow-base", &upstream.url()).await;
        world.sync("meadow-base").await;
        let whole = world.walk("meadow-base").await;
        let version = world.resolve("meadow-base").await;
        let airlock_content::Served::File { path, .. } = world
            .content
            .open_path(&version, &whole[1].0)
            .await
            .unwrap()
        else {
            panic!("no file")
        };
        std::fs::write(&path, b"rotten").unwrap();
        let found = world
            .content
            .fsck(&world.context(), true, false)
            .await
            .unwrap();
        assert!(!found.findings.is_empty());
        world
            .content
            .fsck(&world.context(), true, true)
            .await
            .unwrap();
        assert_eq!(world.walk("meadow-base").await, whole);
        world.fsck_is_clean().await;
    });
}

#[test]
fn fsck_names_the_versions_that_lost_something_and_no_others() {
    on_both(|world| async move {
        world
            .create("own-packages", None, airlock_model::ChannelPatch::default())
            .await;
        let blobs = || -> Vec<std::path::PathBuf> {
            let list = world.content.blobs().list().unwrap();
            list.iter()
                .map(|blob| world.content.blobs().path(&blob.sha256).unwrap())
                .collect()
        };
        let mut before = Vec::new();
        for name in ["tool", "other"] {
            before = blobs();
            let path = Rpm::new(name, "1", "1").write_to(&world.path("staged"));
            let file = airlock_content::StagedFile {
                name: path.file_name().unwrap().to_str().unwrap().to_owned(),
                path,
            };
            world
                .content
                .push(&world.context(), &label("own-packages"), vec![file])
                .await
                .unwrap();
        }
        world.fsck_is_clean().await;
        let starting_with = |magic: &[u8]| {
            let mut new = blobs();
            new.retain(|path| !before.contains(path));
            new.retain(|path| std::fs::read(path).unwrap().starts_with(magic));
            new.remove(0)
        };
        let findings = async || -> Vec<(String, String)> {
            world.content.trim_caches();
            let report = world.content.fsck(&world.context(), false, false).await;
            let findings = report.unwrap().findings;
            findings
                .into_iter()
                .map(|f| (f.invariant, f.what))
                .collect()
        };
        std::fs::remove_file(starting_with(b"\xed\xab\xee\xdb")).unwrap();
        let lost = "own-packages@2: 1 package files are missing or damaged (airlock fsck --repair";
        let found = findings().await;
        assert!(
            found.len() == 1 && found[0].0 == "I1" && found[0].1.starts_with(lost),
            "{found:?}"
        );
        // Without the second version's pack the first one is still looked into.
        std::fs::remove_file(starting_with(b"ALPACK1\n")).unwrap();
        let found = findings().await;
        assert!(
            found.len() == 1 && found[0].0 == "I1" && found[0].1.starts_with("own-packages@2: "),
            "{found:?}"
        );
    });
}

/// Takes a blob up at the moment when the collection has listed what it will remove.
struct TakesUp {
    blobs: airlock_blob::BlobStore,
    sha256: String,
    cutoff: Instant,
}

impl Reporter for TakesUp {
    fn report(&self, progress: Progress) {
        if progress.stage != "collecting garbage: removing" {
            return;
        }
        // The file system's clock may lag a few milliseconds behind.
        while self.blobs.is_older(&self.sha256, self.cutoff.0).unwrap() {
            self.blobs.touch(&self.sha256).unwrap();
        }
    }

    fn note(&self, _line: String) {}
}

#[test]
fn a_package_file_taken_up_while_garbage_is_collected_keeps_its_row() {
    on_both(|world| async move {
        let upstream = Distribution::at(world.path("upstream"));
        let url = upstream.url();
        world
            .create("meadow-base", Some(&url), ChannelPatch::default())
            .await;
        world.sync("meadow-base").await;
        world
            .content
            .delete_channel(&world.actor(), &label("meadow-base"))
            .await
            .unwrap();
        let files = airlock_db::package_files::all(world.content.db())
            .await
            .unwrap();
        assert!(files.len() > 1);
        let (key, sha256) = files[0].clone();
        let days = 30 * 86_400;
        let cutoff = SystemClock.now();
        world.clock.set(cutoff.plus_seconds(days));
        let context = TaskContext {
            reporter: Arc::new(TakesUp {
                blobs: world.content.blobs().clone(),
                sha256: sha256.clone(),
                cutoff,
            }),
            ..world.context()
        };
        let report = world.content.gc(&context, days).await.unwrap();
        assert_eq!((report.channels, report.in_grace), (1, 1), "{report:?}");
        let left = airlock_db::package_files::all(world.content.db())
            .await
            .unwrap();
        assert_eq!(left, [(key, sha256.clone())]);
        assert!(world.content.blobs().exists(&sha256).unwrap());
        world.fsck_is_clean().await;
        // What was removed comes back, the one that stayed is used.
        world
            .create("meadow-base", Some(&url), ChannelPatch::default())
            .await;
        world.sync("meadow-base").await;
        world.fsck_is_clean().await;
    });
}

#[test]
fn an_audit_log_shorter_than_it_was_is_found() {
    on_both(|world| async move {
        world
            .create("meadow-base", None, ChannelPatch::default())
            .await;
        world.content.keep_audit_head().await.unwrap();
        world.fsck_is_clean().await;
        let kept = world.content.kept_audit_head().unwrap().unwrap();
        let later = airlock_db::audit::AuditHead {
            id: airlock_model::AuditId(kept.id.0 + 1),
            ..kept
        };
        airlock_content::write_audit_head(world.folder.path(), &later).unwrap();
        // Nothing overwrites what shows the cut.
        world.content.keep_audit_head().await.unwrap();
        let report = world
            .content
            .fsck(&world.context(), false, false)
            .await
            .unwrap();
        let found: Vec<&str> = report
            .findings
            .iter()
            .map(|finding| finding.invariant.as_str())
            .collect();
        assert_eq!(found, ["I14"], "{report:?}");
    });
}

#[test]
fn repair_fetches_lost_and_damaged_packages_and_clears_leftovers() {
    on_both(|world| async move {
        let upstream = Distribution::at(world.path("upstream"));
        world.mirror("meadow-base", &upstream.url()).await;
        world.sync("meadow-base").await;
        let rows = world
            .rows("meadow-base", airlock_model::VersionSelector::Current)
            .await;
        let blob = |place: usize| world.content.blobs().path(&rows[place].checksum).unwrap();
        let whole: Vec<Vec<u8>> = (0..2).map(|n| std::fs::read(blob(n)).unwrap()).collect();
        // One is gone, one lost its end: its size tells, no byte of it has to be read.
        std::fs::remove_file(blob(0)).unwrap();
        std::fs::write(blob(1), &whole[1][..whole[1].len() - 1]).unwrap();
        let temp = world
            .content
            .blobs()
            .temp_dir()
            .join("blob-of-a-killed-server");
        std::fs::write(&temp, b"half").unwrap();
        let fsck = async |repair| {
            let report = world.content.fsck(&world.context(), false, repair).await;
            report.unwrap().findings
        };
        let found = fsck(false).await;
        assert!(
            found
                .iter()
                .any(|f| f.what.contains(&rows[1].checksum) && !f.repaired),
            "{found:?}"
        );
        assert!(
            found.iter().any(|f| f.what.contains("2 package files")
                && f.what.contains("airlock channel fetch meadow-base@1")),
            "{found:?}"
        );
        // What lies there is older than a day by the server's clock.
        world.clock.set(SystemClock.now().plus_seconds(2 * 86_400));
        let mended = fsck(true).await;
        assert!(mended.iter().all(|f| f.repaired), "{mended:?}");
        for says in [
            "2 package files were missing or damaged: fetched again",
            "1 temporary files",
        ] {
            assert!(mended.iter().any(|f| f.what.contains(says)), "{mended:?}");
        }
        assert!(!temp.exists());
        for (place, bytes) in whole.iter().enumerate() {
            assert_eq!(&std::fs::read(blob(place)).unwrap(), bytes);
        }
        world.fsck_is_clean().await;
    });
}

#[test]
fn a_lost_image_of_a_tree_is_told_once() {
    on_both(|world| async move {
        let mut upstream = Distribution::at(world.path("upstream"));
        let paths = upstream.repository().kickstart_tree();
        world.mirror("meadow-base", &upstream.url()).await;
        world.sync("meadow-base").await;
        let version = world.resolve("meadow-base").await;
        let served = world.content.open_path(&version, &paths[0]).await.unwrap();
        let airlock_content::Served::File { path, .. } = served else {
            panic!("no file")
        };
        std::fs::remove_file(path).unwrap();
        let report = world.content.fsck(&world.context(), false, false).await;
        let findings = report.unwrap().findings;
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].what.contains(&paths[0]), "{findings:?}");
    });
}
