//! Errata of clones: their names, their reuse, their revisions; plans that have moved on.

use airlock_model::{CloneRequest, ErrorKind};
use airlock_testkit::repos::errata::Erratum;

use super::{Upstream, clone, errata, packages, reasons, request, rpm, until};
use crate::world::{label, on_both};

#[test]
fn cloned_errata_are_shared_and_follow_their_originals() {
    on_both(|world| async move {
        let mut upstream = Upstream::at(&world, "a")
            .naked(&["lib-1"])
            .erratum("RHBA-1", "2014-01-01", &["lib-2"])
            .mirror(&world, "source-a", None)
            .await;
        let wish = |destination| until("2015-01-01", &[("source-a", destination)]);
        clone(&world, &wish("clone-dev")).await.unwrap();
        clone(&world, &wish("clone-two")).await.unwrap();
        // A clone of a clone lists the very same erratum.
        clone(&world, &until("2015-01-01", &[("clone-dev", "clone-prod")]))
            .await
            .unwrap();
        for channel in ["clone-dev", "clone-two", "clone-prod"] {
            assert_eq!(errata(&world, channel).await, "CL-BA-1", "{channel}");
            let updateinfo = world
                .walk(channel)
                .await
                .into_iter()
                .find(|(path, _)| path.contains("updateinfo"))
                .unwrap();
            let text = zstd::decode_all(&updateinfo.1[..]).unwrap();
            assert!(
                String::from_utf8(text)
                    .unwrap()
                    .contains("<id>CL-BA-1</id>")
            );
        }
        let keep = CloneRequest {
            keep_advisory_names: true,
            ..wish("clone-kept")
        };
        clone(&world, &keep).await.unwrap();
        assert_eq!(errata(&world, "clone-kept").await, "RHBA-1");
        // The original gains a package.
        upstream.0.clear_errata();
        let (two, tools) = (rpm("lib-2"), rpm("lib-tools-2"));
        upstream.0.add(&tools);
        let revised = Erratum::new("RHBA-1", "bugfix", "2014-01-01 00:00:00")
            .package(&two)
            .package(&tools);
        upstream.0.erratum(revised);
        upstream.0.publish();
        world.sync("source-a").await;
        let unsynced = CloneRequest {
            no_errata_sync: true,
            ..wish("clone-dev")
        };
        let (planned, _) = clone(&world, &unsynced).await.unwrap();
        assert!(!planned.changes_anything());
        for channel in ["clone-dev", "clone-kept"] {
            let (planned, _) = clone(&world, &wish(channel)).await.unwrap();
            assert_eq!(
                reasons(&planned, 0),
                ["lib-tools-2: revised RHBA-1"],
                "{channel}"
            );
            assert_eq!(packages(&world, channel).await, "lib-1 lib-2 lib-tools-2");
            let (planned, _) = clone(&world, &wish(channel)).await.unwrap();
            assert!(!planned.changes_anything(), "{channel} {planned:?}");
        }
        assert_eq!(errata(&world, "clone-dev").await, "CL-BA-1");
        assert_eq!(errata(&world, "clone-kept").await, "RHBA-1");
        world.fsck_is_clean().await;
    });
}

#[test]
fn a_plan_that_has_moved_on_is_refused_or_made_again() {
    on_both(|world| async move {
        let mut upstream = Upstream::at(&world, "a")
            .naked(&["lib-1"])
            .erratum("RHBA-1", "2014-01-01", &["lib-2"])
            .mirror(&world, "source-a", None)
            .await;
        let wish = until("2015-01-01", &[("source-a", "clone-a")]);
        let context = world.context();
        let first = world.content.plan_clone(&context, &wish).await.unwrap();
        let again = world
            .content
            .plan_clone(&world.context(), &wish)
            .await
            .unwrap();
        assert_eq!(first, again);
        let bytes = world.content.plan_bytes(&first.digest).await.unwrap();
        assert!(bytes.ends_with(b"\n}\n"));
        world
            .content
            .apply_plan(&world.context(), &first.digest, false)
            .await
            .unwrap();
        let refused = |digest: String| {
            let (content, context) = (world.content.clone(), world.context());
            async move {
                let error = content
                    .apply_plan(&context, &digest, false)
                    .await
                    .unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Conflict);
                error.to_string()
            }
        };
        assert_eq!(
            refused(first.digest.clone()).await,
            "channel clone-a exists now and has content, and the plan was to make it"
        );
        let wish = CloneRequest {
            errata: vec!["RHBA-1".to_owned()],
            ..request(&[("source-a", "clone-b")])
        };
        let second = world
            .content
            .plan_clone(&world.context(), &wish)
            .await
            .unwrap();
        upstream = upstream.erratum("RHBA-2", "2014-02-01", &["lib-3"]);
        upstream.0.publish();
        world.sync("source-a").await;
        let said = refused(second.digest.clone()).await;
        assert!(
            said.starts_with("the source source-a has moved on: it was at version 1 when the plan was made and is at version 2 now"),
            "{said}"
        );
        let rebased = world
            .content
            .apply_plan(&world.context(), &second.digest, true)
            .await
            .unwrap();
        assert_ne!(rebased.summary.digest, second.digest);
        assert_eq!(packages(&world, "clone-b").await, "lib-1 lib-2");
        // Plans of versions are kept as long as they are.
        let versions = world
            .content
            .versions(airlock_model::OrgId::DEFAULT, &label("clone-b"))
            .await
            .unwrap();
        assert_eq!(
            versions[0].plan_digest,
            Some(rebased.summary.digest.clone())
        );
        world.clock.advance(30 * 86_400);
        world.content.gc(&world.context(), 0).await.unwrap();
        assert!(
            world
                .content
                .plan_bytes(&rebased.summary.digest)
                .await
                .is_ok()
        );
        assert!(world.content.plan_bytes(&second.digest).await.is_err());
        world.fsck_is_clean().await;
    });
}
