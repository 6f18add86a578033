//! An upstream that changes while it is read, and changes of one channel at the same time.

use airlock_model::{SyncState, VersionSelector};
use airlock_testkit::http::{Fault, HttpServer};
use airlock_testkit::rpms::Rpm;
use airlock_testkit::states::Distribution;

use crate::world::{label, on_both};

#[test]
fn a_list_that_is_swapped_before_its_files_are_read_makes_no_version() {
    on_both(|world| async move {
        let mut upstream = Distribution::at(world.path("upstream"));
        let server = HttpServer::serve(world.path("upstream"));
        world.mirror("meadow-base", &server.url()).await;
        world.sync("meadow-base").await;
        let served = world.walk("meadow-base").await;
        upstream.next_day();
        let second = std::fs::read(upstream.repository().repomd()).unwrap();
        // The second day's list, and behind it the third day's files.
        upstream.next_day();
        server.reset_counts();
        server.fault_at("/repodata/repomd.xml", 1, Fault::Replace(second));
        let failed = world.sync("meadow-base").await;
        assert_eq!(failed.state, SyncState::Failed, "{failed:?}");
        let error = failed.error.unwrap();
        assert!(
            error.contains(".xml.gz: HTTP status 404") && error.contains("has just changed"),
            "{error}"
        );
        assert_eq!(world.walk("meadow-base").await, served);
        let options = airlock_content::SyncOptions {
            accept_shrink: true,
            together: false,
        };
        let after = world.sync_with("meadow-base", options).await;
        assert_eq!(
            (after.state, after.to),
            (SyncState::Published, Some(2)),
            "{after:?}"
        );
        world.walk("meadow-base").await;
        world.fsck_is_clean().await;
    });
}

#[test]
fn a_package_built_anew_under_its_old_name_is_another_package() {
    on_both(|world| async move {
        let mut upstream = Distribution::at(world.path("upstream"));
        world.mirror("meadow-base", &upstream.url()).await;
        world.sync("meadow-base").await;
        let name = "hello-1.0-1.noarch.rpm";
        let location = format!("Packages/h/{name}");
        let old = world.get("meadow-base@1", &location).await;
        upstream.repository().add(
            &Rpm::nevra("hello-1.0-1.noarch").file("/usr/bin/hello", "#!/bin/sh\necho rebuilt\n"),
        );
        // The file is new, the metadata that lists it is not: nothing changed as far as the list says.
        upstream.repository().revision("1999999998");
        let unchanged = world.sync("meadow-base").await;
        assert_eq!(unchanged.state, SyncState::Unchanged, "{unchanged:?}");
        upstream.publish();
        let second = world.sync("meadow-base").await;
        assert_eq!(
            (second.state, second.added, second.removed),
            (SyncState::Published, 1, 1),
            "{second:?}"
        );
        assert_eq!(world.get("meadow-base@1", &location).await, old);
        let new = world.get("meadow-base@2", &location).await;
        assert_ne!(new, old);
        world.fsck_is_clean().await;
    });
}

#[test]
fn two_syncs_at_once_make_one_version() {
    on_both(|world| async move {
        let mut upstream = Distribution::at(world.path("upstream"));
        world.mirror("meadow-base", &upstream.url()).await;
        let options = airlock_content::SyncOptions {
            accept_shrink: true,
            together: false,
        };
        for day in 1..=3 {
            world.clock.advance(3600);
            let (one, two) = (world.context(), world.context());
            let name = [label("meadow-base")];
            let (one, two) = tokio::join!(
                world.content.sync(&one, &name, options),
                world.content.sync(&two, &name, options)
            );
            let outcomes = [one.unwrap().remove(0), two.unwrap().remove(0)];
            let made = outcomes
                .iter()
                .filter(|o| o.state == SyncState::Published && o.to == Some(day))
                .count();
            assert_eq!(made, 1, "{outcomes:?}");
            for other in outcomes.iter().filter(|o| o.state != SyncState::Published) {
                let overtaken = other
                    .error
                    .as_deref()
                    .is_some_and(|error| error.contains("changed by somebody else meanwhile"));
                assert!(
                    overtaken || other.state == SyncState::Unchanged,
                    "{outcomes:?}"
                );
            }
            world.walk("meadow-base").await;
            world.fsck_is_clean().await;
            if day < 3 {
                upstream.next_day();
            }
        }
        assert_eq!(
            world
                .content
                .versions(airlock_model::OrgId::DEFAULT, &label("meadow-base"))
                .await
                .unwrap()
                .len(),
            3
        );
    });
}

#[test]
fn a_sync_beside_an_edit_of_the_same_channel_loses_neither() {
    on_both(|world| async move {
        let mut upstream = Distribution::at(world.path("upstream"));
        world.mirror("meadow-base", &upstream.url()).await;
        world.sync("meadow-base").await;
        let before = world
            .packages("meadow-base", VersionSelector::Current)
            .await;
        upstream.next_day();
        let (one, two) = (world.context(), world.context());
        let name = [label("meadow-base")];
        let victim = [before[0].clone()];
        let (synced, edited) = tokio::join!(
            world
                .content
                .sync(&one, &name, airlock_content::SyncOptions::default()),
            world.content.remove(&two, &name[0], &victim)
        );
        let synced = synced.unwrap().remove(0);
        let versions = world
            .content
            .versions(airlock_model::OrgId::DEFAULT, &name[0])
            .await
            .unwrap();
        // Whoever came second was told so, or worked on what the first had made.
        let made = usize::from(synced.state == SyncState::Published) + usize::from(edited.is_ok());
        assert_eq!(versions.len(), 1 + made, "{synced:?} {edited:?}");
        assert!(made >= 1);
        for version in versions {
            world.walk(&format!("meadow-base@{}", version.number)).await;
        }
        world.fsck_is_clean().await;
    });
}
