//! Gates: nothing that makes a version gets past one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use airlock_content::{AddFrom, Content, Error, SyncOptions, TaskContext};
use airlock_model::{
    ChannelPatch, ErrorKind, Gate, Progress, Reporter, SyncState, VersionSelector,
};
use airlock_testkit::repos::Repository;
use airlock_testkit::rpms::Rpm;

use crate::own_content::staged;
use crate::world::{World, label, on_both};

fn rpm(name: &str) -> Rpm {
    Rpm::new(name, "1", "1")
}

impl World {
    async fn set_gate(&self, name: &str, gate: Gate) {
        let patch = ChannelPatch {
            gate: Some(gate),
            ..ChannelPatch::default()
        };
        self.set(name, patch).await;
    }

    async fn current(&self, name: &str) -> Option<i64> {
        let (org, label) = (airlock_model::OrgId::DEFAULT, label(name));
        self.content.channel(org, &label).await.unwrap().current
    }
}

/// What a gate said.
fn held<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(matches!(error, Error::Held(_)), "{error:?}");
    let hint = error.hint().unwrap();
    assert!(hint.contains("--gate off"), "{hint}");
    error.to_string()
}

#[test]
fn a_sync_is_held_until_the_upstream_is_whole() {
    on_both(|world| async move {
        let mut upstream = Repository::at(world.path("upstream"));
        upstream.add(&rpm("library"));
        upstream.add(&rpm("app").requires("library"));
        upstream.publish();
        world.mirror("meadow-base", &upstream.url()).await;
        world.set_gate("meadow-base", Gate::Broken).await;
        assert_eq!(world.take("meadow-base").await.state, SyncState::Published);
        upstream.remove("library-");
        upstream.add(&rpm("other"));
        upstream.publish();
        for _ in 0..2 {
            let outcome = world.take("meadow-base").await;
            assert_eq!((outcome.state, outcome.to), (SyncState::Held, Some(1)));
            assert_eq!(
                outcome.error.as_deref(),
                Some(
                    "meadow-base is held by its gate: 1 package cannot be installed\n  \
                     app-1-1.noarch needs library, which nothing provides\n\
                     hint: airlock channel set meadow-base --gate off lets it through"
                )
            );
            let report = outcome.gate.unwrap();
            assert_eq!((report.packages, report.broken.len()), (2, 1));
            assert_eq!(world.current("meadow-base").await, Some(1));
        }
        world.walk("meadow-base").await;
        upstream.add(&Rpm::new("library", "2", "1"));
        upstream.publish();
        let outcome = world.take("meadow-base").await;
        assert_eq!((outcome.state, outcome.to), (SyncState::Published, Some(2)));
        world.fsck_is_clean().await;
    });
}

#[test]
fn what_was_broken_before_passes_a_gate_for_new_breakage() {
    on_both(|world| async move {
        let mut upstream = world.with_one_broken("meadow-base").await;
        world.set_gate("meadow-base", Gate::NewlyBroken).await;
        // The first version is what later ones are compared with.
        assert_eq!(world.take("meadow-base").await.state, SyncState::Published);
        upstream.add(&rpm("other"));
        upstream.publish();
        assert_eq!(world.take("meadow-base").await.state, SyncState::Published);
        upstream.remove("library-");
        upstream.publish();
        let outcome = world.take("meadow-base").await;
        assert_eq!((outcome.state, outcome.to), (SyncState::Held, Some(2)));
        let report = outcome.gate.unwrap();
        assert_eq!((report.broken.len(), report.newly_broken), (2, 1));
        assert_eq!(report.baseline.as_deref(), Some("meadow-base@2"));
        let error = outcome.error.unwrap();
        assert!(
            error.starts_with(
                "meadow-base is held by its gate: 1 package cannot be installed beside what is broken in meadow-base@2\n  \
                 app-1-1.noarch needs library"
            ),
            "{error}"
        );
        // Any gate lets through what makes it better.
        upstream.remove("app-");
        upstream.remove("always-");
        upstream.publish();
        world.set_gate("meadow-base", Gate::Broken).await;
        assert_eq!(world.take("meadow-base").await.to, Some(3));
    });
}

#[test]
fn changes_by_hand_are_held() {
    on_both(|world| async move {
        let own = label("own-packages");
        let gate = ChannelPatch {
            gate: Some(Gate::Broken),
            ..ChannelPatch::default()
        };
        world.create("own-packages", None, gate).await;
        let push = async |packages: &[Rpm]| {
            let files = packages.iter().map(|rpm| staged(&world, rpm)).collect();
            world.content.push(&world.context(), &own, files).await
        };
        let app = rpm("app").requires("library");
        let text = held(push(std::slice::from_ref(&app)).await);
        assert!(
            text.contains("app-1-1.noarch needs library, which nothing provides"),
            "{text}"
        );
        assert_eq!(world.current("own-packages").await, None);
        let broken: Vec<Rpm> = (1..=5)
            .map(|number| rpm(&format!("broken{number}")).requires("gone"))
            .collect();
        let text = held(push(&broken).await);
        assert!(
            text.contains("5 packages") && text.ends_with("\n  and 2 more"),
            "{text}"
        );
        push(&[rpm("library"), app]).await.unwrap();
        let library = ["library-1-1.noarch".to_owned()];
        held(world.content.remove(&world.context(), &own, &library).await);
        assert_eq!(world.current("own-packages").await, Some(1));
        // Promotion into a channel with a gate, and back to where it was broken.
        world
            .create("meadow-test", None, ChannelPatch::default())
            .await;
        let test = label("meadow-test");
        let context = world.context();
        let all = ["library-1-1.noarch".to_owned(), "app-1-1.noarch".to_owned()];
        let from_own = AddFrom {
            channel: Some(&own),
            ..AddFrom::default()
        };
        world
            .content
            .add(&context, &test, &all[1..], from_own)
            .await
            .unwrap();
        world.clock.advance(60);
        let context = world.context();
        world
            .content
            .add(&context, &test, &all, from_own)
            .await
            .unwrap();
        let promote = async |number| {
            let selector = VersionSelector::Number(number);
            world
                .content
                .promote(&world.context(), &test, selector, &own, false)
                .await
        };
        held(promote(1).await);
        assert_eq!(world.current("own-packages").await, Some(1));
        promote(2).await.unwrap();
        world.set_gate("meadow-test", Gate::NewlyBroken).await;
        let rollback = async || {
            let selector = VersionSelector::Number(1);
            world
                .content
                .rollback(&world.context(), &test, selector, false)
                .await
        };
        let text = held(rollback().await);
        assert!(
            text.contains("beside what is broken in meadow-test@2"),
            "{text}"
        );
        assert_eq!(world.current("meadow-test").await, Some(2));
        world.set_gate("meadow-test", Gate::Off).await;
        rollback().await.unwrap();
        assert_eq!(world.current("meadow-test").await, Some(3));
        world.fsck_is_clean().await;
    });
}

#[test]
fn a_tree_is_judged_as_it_will_be_and_held_as_one() {
    on_both(|world| async move {
        let mut base = Repository::at(world.path("base"));
        base.add(&rpm("first"));
        base.publish();
        world.mirror("meadow-base", &base.url()).await;
        let mut extra = Repository::at(world.path("extra"));
        extra.add(&rpm("second"));
        extra.publish();
        let child = ChannelPatch {
            parent: Some("meadow-base".to_owned()),
            gate: Some(Gate::Broken),
            ..ChannelPatch::default()
        };
        world
            .create("meadow-extra", Some(&extra.url()), child)
            .await;
        let labels = [label("meadow-base"), label("meadow-extra")];
        let sync = async || {
            world.clock.advance(3600);
            let options = SyncOptions {
                together: true,
                accept_shrink: true,
            };
            let outcomes = world
                .content
                .sync(&world.context(), &labels, options)
                .await
                .unwrap();
            outcomes
                .into_iter()
                .map(|outcome| (outcome.state, outcome.to, outcome.gate.is_some()))
                .collect::<Vec<_>>()
        };
        let published = |number| (SyncState::Published, Some(number), false);
        assert_eq!(sync().await, [published(1), published(1)]);
        // Each needs what the other one brings at the same time.
        base.add(&rpm("library"));
        base.publish();
        extra.add(&rpm("app").requires("library"));
        extra.publish();
        assert_eq!(sync().await, [published(2), published(2)]);
        base.remove("library-");
        base.publish();
        extra.add(&rpm("third"));
        extra.publish();
        assert_eq!(
            sync().await,
            [
                (SyncState::Held, Some(2), false),
                (SyncState::Held, Some(2), true)
            ]
        );
        assert_eq!(world.current("meadow-base").await, Some(2));
        assert_eq!(world.current("meadow-extra").await, Some(2));
        // By itself the base channel is let through: it has no gate, and its own packages are whole.
        assert_eq!(world.take("meadow-base").await.to, Some(3));
        assert_eq!(world.take("meadow-extra").await.state, SyncState::Held);
    });
}

/// Takes a package away from the base channel between the judgement and the switch of another one.
struct Meanwhile {
    content: Content,
    context: TaskContext,
    done: AtomicBool,
}

impl Reporter for Meanwhile {
    fn report(&self, progress: Progress) {
        if progress.stage == "publishing" && !self.done.swap(true, Ordering::SeqCst) {
            let items = ["library-1-1.noarch".to_owned()];
            let base = label("meadow-base");
            let removed = self.content.remove(&self.context, &base, &items);
            tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current().block_on(removed).unwrap()
            });
        }
    }

    fn note(&self, _line: String) {}
}

#[test]
fn a_base_channel_that_changes_meanwhile_is_judged_anew() {
    on_both(|world| async move {
        world
            .create("meadow-base", None, ChannelPatch::default())
            .await;
        let child = ChannelPatch {
            parent: Some("meadow-base".to_owned()),
            gate: Some(Gate::Broken),
            ..ChannelPatch::default()
        };
        world.create("meadow-extra", None, child).await;
        let (base, extra) = (label("meadow-base"), label("meadow-extra"));
        let files = vec![
            staged(&world, &rpm("library")),
            staged(&world, &rpm("other")),
        ];
        let pushed = world.content.push(&world.context(), &base, files).await;
        pushed.unwrap();
        let context = TaskContext {
            reporter: Arc::new(Meanwhile {
                content: world.content.clone(),
                context: world.context(),
                done: AtomicBool::new(false),
            }),
            ..world.context()
        };
        let app = rpm("app").requires("library");
        let push = async |context| {
            let files = vec![staged(&world, &app)];
            world.content.push(&context, &extra, files).await
        };
        let overtaken = push(context).await.unwrap_err();
        assert!(matches!(overtaken, Error::Overtaken { .. }), "{overtaken}");
        assert_eq!(world.current("meadow-base").await, Some(2));
        assert_eq!(world.current("meadow-extra").await, None);
        held(push(world.context()).await);
    });
}
