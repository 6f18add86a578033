//! Plans that are taken back: all of their channels or none, and nothing that came after them.

use airlock_content::{Error, Undone};
use airlock_model::{ChannelPatch, CloneRequest, UndonePlan, VersionInfo};

use super::{Upstream, packages, plan, until};
use crate::world::{World, label, on_both};

/// Plans and applies; what takes it back.
async fn apply(world: &World, request: &CloneRequest) -> UndonePlan {
    let context = world.context();
    let summary = world.content.plan_clone(&context, request).await.unwrap();
    let bytes = world.content.plan_bytes(&summary.digest).await.unwrap();
    let plan = airlock_content::read_plan(&bytes).unwrap();
    let applied = world.content.apply_plan(&context, &summary.digest, false);
    applied.await.unwrap();
    UndonePlan::new(&plan, summary.digest)
}

async fn undo(world: &World, plans: &[&UndonePlan]) -> Result<Undone, Error> {
    let plans: Vec<UndonePlan> = plans.iter().map(|plan| (*plan).clone()).collect();
    let (dry, context) = (world.context(), world.context());
    let would = world.content.undo_plans(&dry, &plans, true).await?;
    let done = world.content.undo_plans(&context, &plans, false).await?;
    assert_eq!(
        (would.steps, would.notes),
        (done.steps.clone(), done.notes.clone())
    );
    Ok(done)
}

async fn versions(world: &World, name: &str) -> Vec<VersionInfo> {
    let org = airlock_model::OrgId::DEFAULT;
    world.content.versions(org, &label(name)).await.unwrap()
}

fn told(undone: &Undone) -> Vec<String> {
    let steps = undone.steps.iter();
    steps
        .map(|step| format!("{} {} {:?}", step.channel, step.from, step.to))
        .collect()
}

/// Two source trees' worth: a base and a child with three days of errata each.
async fn sources(world: &World) {
    for (name, parent) in [("base", None), ("child", Some("source-base"))] {
        Upstream::at(world, name)
            .naked(&[&format!("{name}-1")])
            .erratum(
                &format!("RHBA-{name}-2"),
                "2014-01-01",
                &[&format!("{name}-2")],
            )
            .erratum(
                &format!("RHBA-{name}-3"),
                "2015-01-01",
                &[&format!("{name}-3")],
            )
            .mirror(world, &format!("source-{name}"), parent)
            .await;
    }
}

const BOTH: [(&str, &str); 2] = [
    ("source-base", "clone-base"),
    ("source-child", "clone-child"),
];

async fn held(world: &World) -> [String; 2] {
    [
        packages(world, "clone-base").await,
        packages(world, "clone-child").await,
    ]
}

#[test]
fn plans_in_sequence_go_back_together_in_any_order_and_undoing_goes_on_where_it_was() {
    on_both(|world| async move {
        sources(&world).await;
        let made = apply(&world, &until("2013-06-01", &BOTH)).await;
        let first = held(&world).await;
        let second = apply(&world, &until("2014-06-01", &BOTH)).await;
        let between = held(&world).await;
        let third = apply(&world, &until("2015-06-01", &BOTH)).await;
        let last = held(&world).await;
        assert!(first != between && between != last);
        // Not while a later one stands on it.
        let error = undo(&world, &[&second]).await.unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("clone-base has moved on since plan "),
            "{error}"
        );
        assert_eq!(held(&world).await, last);
        let undone = undo(&world, &[&second, &third]).await.unwrap();
        assert_eq!(
            told(&undone),
            ["clone-base 3 Some(1)", "clone-child 3 Some(1)"]
        );
        assert_eq!(held(&world).await, first);
        // One switch.
        let instants: Vec<_> = [
            versions(&world, "clone-base").await,
            versions(&world, "clone-child").await,
        ]
        .map(|versions| versions.last().unwrap().instant)
        .to_vec();
        assert_eq!(instants[0], instants[1]);
        let undone = undo(&world, &[&third, &second]).await.unwrap();
        assert!(
            undone.steps.is_empty() && undone.notes.len() == 4,
            "{undone:?}"
        );
        // Again, and back one by one: what the undo of one left is what the other made.
        let mut again = Vec::new();
        for (wish, there) in [("2014-06-01", &between), ("2015-06-01", &last)] {
            again.push(apply(&world, &until(wish, &BOTH)).await);
            assert_eq!(held(&world).await, *there);
        }
        undo(&world, &[&again[1]]).await.unwrap();
        assert_eq!(held(&world).await, between);
        undo(&world, &[&again[0]]).await.unwrap();
        assert_eq!(held(&world).await, first);
        // Half of it was taken back by hand: the rest follows.
        let half = apply(&world, &until("2014-06-01", &BOTH)).await;
        let child = label("clone-child");
        let (context, at) = (world.context(), airlock_model::VersionSelector::Number(1));
        world
            .content
            .rollback(&context, &child, at, false)
            .await
            .unwrap();
        let undone = undo(&world, &[&half]).await.unwrap();
        assert_eq!(undone.steps.len(), 1);
        assert_eq!(held(&world).await, first);
        // What the plan made has nothing to go back to.
        let undone = undo(&world, &[&made]).await.unwrap();
        assert!(
            undone.notes[0].contains("airlock channel delete clone-base"),
            "{undone:?}"
        );
        assert_eq!(held(&world).await, ["", ""]);
        let undone = undo(&world, &[&made, &second, &third]).await.unwrap();
        assert!(undone.steps.is_empty(), "{undone:?}");
        world.fsck_is_clean().await;
    });
}

#[test]
fn nothing_is_taken_back_when_one_channel_has_moved_on() {
    on_both(|world| async move {
        sources(&world).await;
        apply(&world, &until("2013-06-01", &BOTH)).await;
        let second = apply(&world, &until("2014-06-01", &BOTH)).await;
        let item = vec!["child-2-1.noarch".to_owned()];
        let child = label("clone-child");
        world
            .content
            .remove(&world.context(), &child, &item)
            .await
            .unwrap();
        let there = held(&world).await;
        let error = undo(&world, &[&second]).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "clone-child has moved on since {} was applied: it is at version 3 now",
                second.called()
            )
        );
        assert_eq!(held(&world).await, there);
        // A plan that was not applied has nothing to undo, and one that was is not kept from it.
        let planned = plan(&world, &until("2015-06-01", &BOTH)).await.unwrap();
        let other = UndonePlan::new(&planned, "ab".repeat(32));
        let error = undo(&world, &[&other]).await.unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("nothing of plan abababababab"),
            "{error}"
        );
        // What a version is called does not count: somebody's work in between stays in its place.
        let back = airlock_model::VersionSelector::Number(1);
        world
            .content
            .rollback(&world.context(), &child, back, false)
            .await
            .unwrap();
        let third = apply(&world, &until("2015-06-01", &BOTH)).await;
        let undone = undo(&world, &[&third, &other]).await.unwrap();
        assert_eq!(
            told(&undone),
            ["clone-base 3 Some(2)", "clone-child 5 Some(4)"]
        );
        assert_eq!(undone.notes.len(), 2, "{undone:?}");
    });
}

#[test]
fn a_clone_that_was_taken_back_is_made_again_whole_by_the_same_plan_or_another() {
    on_both(|world| async move {
        sources(&world).await;
        let pair = [("source-base", "clone-base")];
        let whole = "base-1 base-2";
        // One that the plan makes, and one that was made empty beforehand.
        for made_before in [false, true] {
            let name = if made_before {
                "clone-made"
            } else {
                "clone-base"
            };
            let pair = [(pair[0].0, name)];
            if made_before {
                world.create(name, None, ChannelPatch::default()).await;
            }
            let first = apply(&world, &until("2015-06-01", &pair)).await;
            undo(&world, &[&first]).await.unwrap();
            assert_eq!(packages(&world, name).await, "");
            // As a first clone, up to an earlier day: the day of what was taken back does not count.
            let wish = until("2014-06-01", &pair);
            let planned = plan(&world, &wish).await.unwrap();
            assert_eq!(planned.channels[0].packages.len(), 2);
            assert_eq!(planned.channels[0].naked.all, 1);
            assert_eq!(planned.channels[0].reaches, None);
            let second = apply(&world, &wish).await;
            assert_eq!(packages(&world, name).await, whole);
            let later = plan(&world, &until("2014-07-01", &pair)).await.unwrap();
            assert_eq!(later.channels[0].reaches, None);
            // What has content is not made again.
            let again = async || {
                let context = world.context();
                let applied = world.content.apply_plan(&context, &first.digest, false);
                applied.await.map_err(|error| error.to_string())
            };
            let error = again().await.unwrap_err();
            let said = match made_before {
                true => "the destination clone-made has moved on",
                false => "channel clone-base exists now and has content",
            };
            assert!(error.starts_with(said), "{error}");
            undo(&world, &[&second]).await.unwrap();
            // The very plan again, and back again.
            let outcome = again().await.unwrap();
            assert_eq!(outcome.summary.digest, first.digest);
            assert_eq!(packages(&world, name).await, "base-1 base-2 base-3");
            let undone = undo(&world, &[&first]).await.unwrap();
            assert_eq!(undone.steps[0].to, None);
            assert_eq!(packages(&world, name).await, "");
        }
        world.fsck_is_clean().await;
    });
}

#[test]
fn a_clone_that_was_emptied_by_hand_stays_without_its_original_state() {
    on_both(|world| async move {
        sources(&world).await;
        let pair = [("source-base", "clone-base")];
        apply(&world, &until("2013-06-01", &pair)).await;
        let all = vec!["base-1-1.noarch".to_owned()];
        let clone = label("clone-base");
        world
            .content
            .remove(&world.context(), &clone, &all)
            .await
            .unwrap();
        let planned = plan(&world, &until("2014-06-01", &pair)).await.unwrap();
        let names: Vec<&str> = planned.channels[0]
            .packages
            .iter()
            .map(|package| &*package.nevra)
            .collect();
        assert_eq!(names, ["base-2-1.noarch"]);
    });
}
