//! What is refused: plans that were changed by hand or that the channels have left behind, destinations that are not the
//! source's clone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use airlock_content::{Error, TaskContext, read_plan, write_plan};
use airlock_model::{
    ChannelPatch, Clock as _, CloneParents, CloneRequest, ErrorKind, MetadataMode, NewUpstream,
    OrgId, Plan, PlannedCreation, Progress, Reporter, SystemClock,
};

use super::{Upstream, clone, packages, plan, request, rpm, under, until};
use crate::own_content::staged;
use crate::world::{World, label, on_both};

const TREE: [(&str, &str); 2] = [
    ("source-base", "clone-base"),
    ("source-child", "clone-child"),
];

/// A base with a child, mirrored.
async fn tree(world: &World) -> (Upstream, Upstream) {
    let base = Upstream::at(world, "base")
        .naked(&["lib-1"])
        .erratum("RHBA-1", "2014-01-01", &["lib-2"])
        .mirror(world, "source-base", None)
        .await;
    let child = Upstream::at(world, "child")
        .naked(&["app-1 > lib"])
        .erratum("RHBA-2", "2014-02-01", &["app-2 > lib"])
        .mirror(world, "source-child", Some("source-base"))
        .await;
    (base, child)
}

/// The numbers of a channel's versions; none when there is no such channel.
async fn versions(world: &World, name: &str) -> Option<usize> {
    let label = label(name);
    let versions = world.content.versions(OrgId::DEFAULT, &label).await;
    versions.ok().map(|list| list.len())
}

async fn refused(world: &World, digest: &str, rebase: bool) -> Error {
    let context = world.context();
    let applied = world.content.apply_plan(&context, digest, rebase).await;
    applied.unwrap_err()
}

#[test]
fn a_plan_that_was_changed_by_hand_in_one_place_is_refused() {
    on_both(|world| async move {
        tree(&world).await;
        let made = plan(&world, &until("2015-01-01", &TREE)).await.unwrap();
        assert!(made.channels.iter().all(|channel| channel.create.is_some()));
        let refused = async |change: &dyn Fn(&mut Plan)| {
            let mut plan = made.clone();
            change(&mut plan);
            let bytes = write_plan(&plan).unwrap();
            let error = world.content.keep_plan(bytes).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            error.to_string()
        };
        let torn = "the plan does not fit together: ";
        for (change, said) in [
            (
                &(|plan: &mut Plan| plan.request.channels.truncate(1)) as &dyn Fn(&mut Plan),
                "source-child → clone-child stands in its channels and not in its request",
            ),
            (
                &|plan| plan.channels.truncate(1),
                "source-child → clone-child stands in its request and not in its channels",
            ),
            (
                &|plan| plan.channels[1].destination.label = label("clone-other"),
                "source-child → clone-other stands in its channels and not in its request",
            ),
            (
                &|plan| plan.channels[0].source.label = label("source-child"),
                "source-child → clone-base stands in its channels and not in its request",
            ),
            (
                &|plan| plan.channels.push(plan.channels[1].clone()),
                "clone-child stands twice in its channels",
            ),
            (
                &|plan| plan.channels = vec![plan.channels[0].clone(); 201],
                "it has 201 channels, and a plan has at most 200",
            ),
            (
                &|plan| creation(plan, 1).parent = Some(label("source-base")),
                "clone-child would be made below source-base, and its tree has it below clone-base",
            ),
            (
                &|plan| creation(plan, 1).parent = None,
                "clone-child would be made as a base channel, and its tree has it below clone-base",
            ),
            (
                &|plan| creation(plan, 0).parent = Some(label("source-base")),
                "clone-base would be made below source-base, and its tree has it as a base channel",
            ),
            (
                &|plan| creation(plan, 0).description = "x".repeat(20_000),
                "name, summary and description of clone-base have at most 16384 bytes each",
            ),
            (
                &|plan| {
                    plan.request.parents = Some(CloneParents {
                        source: None,
                        destination: label("clone-base"),
                    });
                },
                "its parents are not those of its request",
            ),
        ] {
            assert_eq!(refused(change).await, format!("{torn}{said}"));
        }
        for (name, shown) in [
            (String::new(), String::new()),
            ("CL-BA\n1".to_owned(), "CL-BA\\n1".to_owned()),
            ("C".repeat(256), "C".repeat(60)),
        ] {
            let error =
                refused(&|plan| plan.channels[0].errata[0].published_as.clone_from(&name)).await;
            assert!(
                error.starts_with(&format!(
                    "the erratum \"RHBA-1\" cannot be published as \"{shown}\": a name has 1 to 255"
                )),
                "{error}"
            );
        }
        // Whatever else is taken out or changed does not fit the plan's digest.
        let text = String::from_utf8(write_plan(&made).unwrap()).unwrap();
        let without = |part: &str| {
            let lines = text.lines().filter(|line| !line.contains(part));
            lines.collect::<Vec<_>>().join("\n").into_bytes()
        };
        for (bytes, said) in [
            (
                without("{\"nevra\": \"lib-1-1.noarch\""),
                "the plan is not as it was made: what it says does not fit its digest",
            ),
            (
                text.replace("RHBA-1\"", "RHBA-9\"").into_bytes(),
                "the plan is not as it was made: what it says does not fit its digest",
            ),
            (
                format!("{}\n}}\n", text.rsplit_once(",\n \"digest\"").unwrap().0).into_bytes(),
                "the plan has no digest",
            ),
        ] {
            assert_ne!(bytes, text.as_bytes());
            let error = world.content.keep_plan(bytes).await.unwrap_err();
            assert!(error.to_string().starts_with(said), "{error}");
        }
        assert!(
            world
                .content
                .keep_plan(write_plan(&made).unwrap())
                .await
                .is_ok()
        );
    });
}

fn creation(plan: &mut Plan, channel: usize) -> &mut PlannedCreation {
    plan.channels[channel].create.as_mut().unwrap()
}

#[test]
fn a_plan_is_refused_when_the_channels_are_no_longer_such_that_it_could_be_made() {
    on_both(|world| async move {
        tree(&world).await;
        clone(&world, &until("2013-01-01", &TREE)).await.unwrap();
        world
            .create("other-base", None, ChannelPatch::default())
            .await;
        let both = plan(&world, &until("2015-01-01", &TREE)).await.unwrap();
        let below = under(
            "clone-base",
            until("2015-01-01", &[("source-child", "clone-new")]),
        );
        let below = plan(&world, &below).await.unwrap();
        assert_eq!(
            below.channels[0].create.as_ref().unwrap().parent,
            Some(label("clone-base"))
        );
        let parent = |label: &str| ChannelPatch {
            parent: Some(label.to_owned()),
            ..ChannelPatch::default()
        };
        let metadata = |mode| ChannelPatch {
            metadata: Some(mode),
            ..ChannelPatch::default()
        };
        let upstreams = |urls: &[&str]| ChannelPatch {
            upstreams: Some(
                urls.iter()
                    .map(|url| NewUpstream {
                        url: (*url).to_owned(),
                        ..NewUpstream::default()
                    })
                    .collect(),
            ),
            ..ChannelPatch::default()
        };
        let (child, base) = ("clone-child", "clone-base");
        let fits = "the channels are no longer as the plan was made for: ";
        for (plan, changes, said) in [
            (
                &both,
                vec![(child, metadata(MetadataMode::Verbatim), metadata(MetadataMode::Own))],
                "channel clone-child serves its upstream's metadata as it is".to_owned(),
            ),
            (
                &both,
                vec![(child, parent("other-base"), parent(base))],
                "clone-child is a child of other-base, and as a clone of source-child it would be a child of clone-base".to_owned(),
            ),
            (
                &both,
                vec![(child, parent(""), parent(base))],
                "clone-child is a base channel, and as a clone of source-child it would be a child of clone-base".to_owned(),
            ),
            (
                &both,
                vec![(child, upstreams(&["http://127.0.0.1:1/"]), upstreams(&[]))],
                "channel clone-child has upstreams: its next sync would undo the clone".to_owned(),
            ),
            (
                &both,
                vec![("source-child", parent(""), parent("source-base"))],
                format!("{fits}source-child is no child of source-base"),
            ),
            // Its child goes first, since trees have two levels.
            (
                &below,
                vec![
                    (child, parent(""), parent(base)),
                    (base, parent("other-base"), parent("")),
                ],
                format!("{fits}clone-base is no base channel"),
            ),
        ] {
            let digest = world.content.keep_plan(write_plan(plan).unwrap()).await.unwrap().digest;
            for (channel, there, _) in &changes {
                world.set(channel, there.clone()).await;
            }
            for rebase in [false, true] {
                let error = refused(&world, &digest, rebase).await;
                assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
                assert_eq!(error.to_string(), said);
            }
            for (channel, _, back) in changes.iter().rev() {
                world.set(channel, back.clone()).await;
            }
            assert_eq!(versions(&world, base).await, Some(1));
            assert_eq!(versions(&world, child).await, Some(1));
            assert_eq!(versions(&world, "clone-new").await, None);
        }
        // The parent is gone.
        let digest = world
            .content
            .keep_plan(write_plan(&below).unwrap())
            .await
            .unwrap()
            .digest;
        for name in [child, base] {
            world
                .content
                .delete_channel(&world.actor(), &label(name))
                .await
                .unwrap();
        }
        let error = refused(&world, &digest, false).await;
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert_eq!(
            error.to_string(),
            format!("{fits}there is no channel clone-base")
        );
        assert_eq!(versions(&world, "clone-new").await, None);
    });
}

#[test]
fn a_parent_that_moved_on_is_named_and_the_plan_is_made_again_on_request() {
    on_both(|world| async move {
        let (mut base, _) = tree(&world).await;
        clone(
            &world,
            &until("2013-01-01", &[("source-base", "clone-base")]),
        )
        .await
        .unwrap();
        let wish = under(
            "clone-base",
            until("2015-01-01", &[("source-child", "clone-child")]),
        );
        let summary = world
            .content
            .plan_clone(&world.context(), &wish)
            .await
            .unwrap();
        let bytes = world.content.plan_bytes(&summary.digest).await.unwrap();
        let parents = read_plan(&bytes).unwrap().parents.unwrap();
        assert_eq!(
            (parents.source.label, parents.source.version),
            (label("source-base"), Some(1))
        );
        assert_eq!(
            (parents.destination.label, parents.destination.version),
            (label("clone-base"), Some(1))
        );
        assert!(parents.destination.digest.is_some());
        // The base of the sources may move.
        base = base.naked(&["more-1"]);
        base.0.publish();
        world.sync("source-base").await;
        clone(
            &world,
            &until("2014-01-01", &[("source-base", "clone-base")]),
        )
        .await
        .unwrap();
        let error = refused(&world, &summary.digest, false).await;
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(
            error.to_string().starts_with(
                "the parent clone-base has moved on: it was at version 1 when the plan was made and is at version 2 now"
            ),
            "{error}"
        );
        assert_eq!(versions(&world, "clone-child").await, None);
        let outcome = world
            .content
            .apply_plan(&world.context(), &summary.digest, true)
            .await
            .unwrap();
        assert_ne!(outcome.summary.digest, summary.digest);
        assert_eq!(packages(&world, "clone-child").await, "app-1 app-2");
    });
}

#[test]
fn children_of_the_sources_own_base_are_cloned_beside_them_as_of_an_instant() {
    on_both(|world| async move {
        let (mut base, _) = tree(&world).await;
        let early = world.content.now().to_string();
        base = base.naked(&["more-1"]);
        base.0.publish();
        world.sync("source-base").await;
        let wish = CloneRequest {
            parents: Some(CloneParents {
                source: Some(label("source-base")),
                destination: label("source-base"),
            }),
            as_of: Some(early),
            ..request(&[("source-child", "clone-child")])
        };
        let (planned, _) = clone(&world, &wish).await.unwrap();
        let parents = planned.parents.unwrap();
        assert_eq!(
            (parents.source.version, parents.destination.version),
            (Some(1), Some(2))
        );
        assert_eq!(packages(&world, "clone-child").await, "app-1 app-2");
    });
}

/// Applies a plan at the moment when the collection has listed what it will remove.
struct AppliesBeside {
    world: Arc<World>,
    digest: String,
    done: AtomicBool,
}

impl Reporter for AppliesBeside {
    fn report(&self, progress: Progress) {
        if progress.stage != "collecting garbage: removing"
            || self.done.swap(true, Ordering::SeqCst)
        {
            return;
        }
        let (world, digest) = (Arc::clone(&self.world), self.digest.clone());
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                let context = world.context();
                let applied = world.content.apply_plan(&context, &digest, false);
                applied.await.unwrap();
            });
        });
    }

    fn note(&self, _line: String) {}
}

#[test]
fn a_plan_that_is_applied_is_not_collected_and_a_lost_one_is_told() {
    on_both(|world| async move {
        tree(&world).await;
        let wish = until("2015-01-01", &TREE);
        let summary = world
            .content
            .plan_clone(&world.context(), &wish)
            .await
            .unwrap();
        let days = 8 * 86_400;
        world.clock.set(SystemClock.now().plus_seconds(days));
        let world = Arc::new(world);
        let reporter = Arc::new(AppliesBeside {
            world: Arc::clone(&world),
            digest: summary.digest.clone(),
            done: AtomicBool::new(false),
        });
        let context = TaskContext {
            reporter: reporter.clone(),
            ..world.context()
        };
        world.content.gc(&context, days).await.unwrap();
        assert!(reporter.done.load(Ordering::SeqCst));
        assert!(world.content.plan_bytes(&summary.digest).await.is_ok());
        world.fsck_is_clean().await;
        world.content.blobs().delete(&summary.digest).unwrap();
        let context = world.context();
        let report = world.content.fsck(&context, false, false).await.unwrap();
        let findings = report.findings;
        let told: Vec<_> = findings
            .iter()
            .map(|finding| (&*finding.invariant, finding.what.clone()))
            .collect();
        let what = |name: &str| {
            let digest = &summary.digest;
            format!("{name}: the plan that it was made by is missing or damaged ({digest})")
        };
        assert_eq!(
            told,
            [("I1", what("clone-base@1")), ("I1", what("clone-child@1"))]
        );
    });
}

#[test]
fn only_its_clone_is_written_to_unless_that_is_said() {
    on_both(|world| async move {
        let (base, _) = tree(&world).await;
        let dated = |pair| until("2015-01-01", &[pair]);
        let refused = async |pair| {
            let error = plan(&world, &dated(pair)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Conflict);
            (error.to_string(), error.hint().unwrap())
        };
        // A mirror, whatever is said.
        world.mirror("mirror-a", &base.0.url()).await;
        let into_mirror = CloneRequest {
            into_other: true,
            ..dated(("source-base", "mirror-a"))
        };
        for wish in [dated(("source-base", "mirror-a")), into_mirror] {
            let error = plan(&world, &wish).await.unwrap_err();
            assert_eq!(
                error.to_string(),
                "channel mirror-a has upstreams: its next sync would undo the clone"
            );
            assert!(error.hint().unwrap().contains("--upstream ''"));
        }
        // Made by hand: its first content makes it a clone, and then it is like any other.
        world.create("by-hand", None, ChannelPatch::default()).await;
        clone(&world, &until("2013-01-01", &[("source-base", "by-hand")]))
            .await
            .unwrap();
        let by_hand = label("by-hand");
        let channel = world.content.channel(OrgId::DEFAULT, &by_hand).await;
        assert_eq!(channel.unwrap().cloned_from, Some(label("source-base")));
        let (planned, _) = clone(&world, &dated(("source-base", "by-hand")))
            .await
            .unwrap();
        assert_eq!(planned.channels[0].packages.len(), 1);
        assert_eq!(packages(&world, "by-hand").await, "lib-1 lib-2");
        // Filled by hand.
        world.create("filled", None, ChannelPatch::default()).await;
        let own = vec![staged(&world, &rpm("own-1"))];
        let filled = label("filled");
        world
            .content
            .push(&world.context(), &filled, own)
            .await
            .unwrap();
        let (error, hint) = refused(("source-base", "filled")).await;
        assert_eq!(
            error,
            "channel filled has content and was not made as a clone; source-base would be cloned into it"
        );
        assert!(hint.contains("--into-other"), "{hint}");
        // A clone of something else.
        clone(&world, &dated(("source-base", "clone-dev")))
            .await
            .unwrap();
        clone(&world, &dated(("clone-dev", "clone-prod")))
            .await
            .unwrap();
        assert_eq!(
            refused(("source-base", "clone-prod")).await.0,
            "channel clone-prod has content and is a clone of clone-dev; source-base would be cloned into it"
        );
        for destination in ["filled", "clone-prod"] {
            let said = CloneRequest {
                into_other: true,
                ..until("2015-01-01", &[("source-base", destination)])
            };
            let (planned, _) = clone(&world, &said).await.unwrap();
            assert_eq!(planned.changes_anything(), destination == "filled");
        }
    });
}
