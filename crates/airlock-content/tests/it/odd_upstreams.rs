//! Upstreams that change in ways that are no plain next day.

use airlock_model::{ChannelPatch, NewUpstream, Policy, SyncState, VersionSelector};
use airlock_testkit::repos::Repository;
use airlock_testkit::rpms::Rpm;
use airlock_testkit::states::Distribution;

use crate::world::on_both;

#[test]
fn an_upstream_that_is_overwritten_in_place_changes_no_version_that_was_made_of_it() {
    on_both(|world| async move {
        let mut upstream = Repository::at(world.path("upstream"));
        let package =
            |text: &str| Rpm::new("oak", "1", "1").file("/usr/share/oak", text.as_bytes().to_vec());
        let file = upstream.add(&package("first"));
        upstream.publish();
        world.mirror("meadow-base", &upstream.url()).await;
        world.sync("meadow-base").await;
        let rows = world.rows("meadow-base", VersionSelector::Current).await;
        let first = world.get("meadow-base@1", &rows[0].location).await;
        // As cp does it: the same file, other bytes.
        let built = package("second, in the same place").write_to(&world.path("built"));
        std::fs::write(&file, std::fs::read(built).unwrap()).unwrap();
        upstream.publish();
        let outcome = world.sync("meadow-base").await;
        assert_eq!(outcome.to, Some(2), "{outcome:?}");
        assert_eq!(world.get("meadow-base@1", &rows[0].location).await, first);
        assert_ne!(world.get("meadow-base@2", &rows[0].location).await, first);
        world.fsck_is_clean().await;
    });
}

#[test]
fn upgrades_and_other_checksums_are_no_shrinking() {
    on_both(|world| async move {
        let names = ["alder", "birch", "cedar", "elm", "fir"];
        let mut upstream = Repository::at(world.path("upstream"));
        for name in names {
            upstream.add(&Rpm::new(name, "1", "1"));
        }
        upstream.publish();
        world.mirror("meadow-base", &upstream.url()).await;
        world.sync("meadow-base").await;
        // A release that rebuilds everything.
        for name in names {
            upstream.remove(name);
            upstream.add(&Rpm::new(name, "2", "1"));
        }
        upstream.publish();
        let outcome = world.sync("meadow-base").await;
        assert_eq!(
            (outcome.state, outcome.added, outcome.removed),
            (SyncState::Published, 5, 5),
            "{outcome:?}"
        );
        // The same packages, indexed anew.
        upstream.checksum("sha512");
        upstream.publish();
        let outcome = world.sync("meadow-base").await;
        assert_eq!(outcome.state, SyncState::Published, "{outcome:?}");
        // Going back to older builds is a loss, like going away.
        for name in &names[..2] {
            upstream.remove(name);
            upstream.add(&Rpm::new(name, "1", "1"));
        }
        upstream.publish();
        let outcome = world.sync("meadow-base").await;
        assert_eq!(outcome.state, SyncState::Held, "{outcome:?}");
        assert!(
            outcome
                .held
                .unwrap()
                .reason
                .starts_with("2 of 5 packages would go"),
        );
    });
}

#[test]
fn a_file_dated_ahead_of_the_clock_is_held_until_it_is_accepted() {
    on_both(|world| async move {
        let mut upstream = Repository::at(world.path("upstream"));
        upstream.add(&Rpm::new("oak", "1", "1"));
        upstream.publish();
        world.mirror("meadow-base", &upstream.url()).await;
        world.sync("meadow-base").await;
        upstream.add(&Rpm::new("oak", "2", "1"));
        upstream.revision("4102444800").publish();
        let held = world.sync("meadow-base").await;
        assert_eq!(
            (held.state, held.to),
            (SyncState::Held, Some(1)),
            "{held:?}"
        );
        let reason = held.held.unwrap().reason;
        assert!(
            reason.contains("repomd.xml holds a file dated 4102444800")
                && reason.contains("ahead of this server's clock"),
            "{reason}"
        );
        let taken = world.take("meadow-base").await;
        assert_eq!(taken.to, Some(2), "{taken:?}");
    });
}

#[test]
fn a_tree_that_changes_alone_makes_a_version() {
    on_both(|world| async move {
        let mut upstream = Distribution::at(world.path("upstream"));
        let paths = upstream.repository().kickstart_tree();
        world.mirror("meadow-base", &upstream.url()).await;
        world.sync("meadow-base").await;
        assert_eq!(world.sync("meadow-base").await.state, SyncState::Unchanged);
        let info = world.path("upstream/.treeinfo");
        let before = std::fs::read_to_string(&info).unwrap();
        let image = world.path("upstream").join(&paths[0]);
        let old = std::fs::read(&image).unwrap();
        std::fs::write(&image, "another kernel").unwrap();
        let sum = airlock_content::checksum::sha256_hex;
        let after = before.replace(&sum(&old), &sum(b"another kernel"));
        assert_ne!(before, after);
        std::fs::write(&info, &after).unwrap();
        let outcome = world.sync("meadow-base").await;
        assert_eq!(
            (outcome.state, outcome.to),
            (SyncState::Published, Some(2)),
            "{outcome:?}"
        );
        assert_eq!(world.get("meadow-base", &paths[0]).await, b"another kernel");
        assert_eq!(world.get("meadow-base@1", &paths[0]).await, old);
        assert_eq!(world.sync("meadow-base").await.state, SyncState::Unchanged);
        // Whether it changed again cannot be found out: the packages did not.
        std::fs::remove_file(&info).unwrap();
        std::fs::create_dir(&info).unwrap();
        let outcome = world.sync("meadow-base").await;
        assert_eq!(outcome.state, SyncState::Unchanged, "{outcome:?}");
        assert!(
            outcome.warnings[0].contains("installation tree"),
            "{outcome:?}"
        );
    });
}

#[test]
fn a_tree_of_the_second_upstream_is_looked_at_too() {
    on_both(|world| async move {
        let mut plain = Repository::at(world.path("plain"));
        plain.add(&Rpm::new("oak", "1", "1"));
        plain.publish();
        let mut upstream = Distribution::at(world.path("upstream"));
        let paths = upstream.repository().kickstart_tree();
        let both = [plain.url(), upstream.url()].map(|url| NewUpstream {
            url,
            ..NewUpstream::default()
        });
        let patch = ChannelPatch {
            upstreams: Some(both.to_vec()),
            ..ChannelPatch::default()
        };
        world.create("meadow-base", None, patch).await;
        world.sync("meadow-base").await;
        assert_eq!(world.sync("meadow-base").await.state, SyncState::Unchanged);
        let info = world.path("upstream/.treeinfo");
        let image = world.path("upstream").join(&paths[0]);
        let old = std::fs::read(&image).unwrap();
        std::fs::write(&image, "another kernel").unwrap();
        let sum = airlock_content::checksum::sha256_hex;
        let text = std::fs::read_to_string(&info).unwrap();
        std::fs::write(&info, text.replace(&sum(&old), &sum(b"another kernel"))).unwrap();
        let outcome = world.sync("meadow-base").await;
        assert_eq!(outcome.state, SyncState::Published, "{outcome:?}");
        assert_eq!(world.get("meadow-base", &paths[0]).await, b"another kernel");
        // One before it that cannot be read is served by nobody, and changes nothing.
        std::fs::write(world.path("plain/.treeinfo"), "no tree").unwrap();
        assert_eq!(world.sync("meadow-base").await.state, SyncState::Unchanged);
    });
}

#[test]
fn a_metadata_only_channel_sends_installers_to_the_upstream() {
    on_both(|world| async move {
        let mut upstream = Distribution::at(world.path("upstream"));
        let paths = upstream.repository().kickstart_tree();
        let server = airlock_testkit::http::HttpServer::serve(world.path("upstream"));
        world
            .create(
                "meadow-base",
                Some(&server.url()),
                ChannelPatch {
                    policy: Some(Policy::MetadataOnly),
                    ..ChannelPatch::default()
                },
            )
            .await;
        world.sync("meadow-base").await;
        let version = world.resolve("meadow-base").await;
        for path in [".treeinfo", &paths[0]] {
            let served = world.content.open_path(&version, path).await.unwrap();
            let airlock_content::Served::Redirect { url } = served else {
                panic!("{path}: no redirect")
            };
            assert_eq!(
                url,
                format!("{}/{path}", server.url().trim_end_matches('/'))
            );
        }
        let pinned = world.resolve("meadow-base@1").await;
        for (version, path) in [
            (&pinned, ".treeinfo"),
            (&version, "http://elsewhere/x"),
            (&version, "../x"),
            (&version, "repodata/x"),
        ] {
            let error = world.content.open_path(version, path).await.err().unwrap();
            assert_eq!(error.kind(), airlock_model::ErrorKind::NotFound, "{path}");
        }
    });
}
