//! What a clone's change does to what stands beside it: its own updateinfo, and children that are no part of the run.

use airlock_content::Error;
use airlock_model::{ChannelPatch, Clock as _, CloneRequest, Gate, SystemClock, VersionSelector};

use super::{Upstream, clone, errata, packages, plan, reasons, until};
use crate::world::{World, label, on_both};

/// The updateinfo of a channel as served.
async fn updateinfo(world: &World, name: &str) -> String {
    let files = world.walk(name).await;
    let found = files.iter().find(|(path, _)| path.contains("updateinfo"));
    String::from_utf8(zstd::decode_all(&found.unwrap().1[..]).unwrap()).unwrap()
}

fn names(items: &[&str]) -> std::collections::BTreeMap<String, Vec<String>> {
    let items = items.iter().map(|item| (*item).to_owned()).collect();
    [("ALL".to_owned(), items)].into()
}

#[test]
fn an_advisory_names_the_packages_that_are_there() {
    on_both(|world| async move {
        Upstream::at(&world, "a")
            .naked(&["base-1"])
            .erratum("RHBA-1", "2014-01-01", &["one-1", "two-1"])
            .erratum("RHBA-2", "2014-01-01", &[])
            .mirror(&world, "source-a", None)
            .await;
        let wish = until("2015-01-01", &[("source-a", "clone-a")]);
        let barred = CloneRequest {
            blacklist: names(&["two"]),
            ..wish.clone()
        };
        let told = async || {
            let text = updateinfo(&world, "clone-a").await;
            ["one", "two"].map(|name| text.contains(&format!("{name}-1-1.noarch.rpm")))
        };
        clone(&world, &barred).await.unwrap();
        assert_eq!(told().await, [true, false]);
        // One that names no package at all is listed by its date.
        assert_eq!(errata(&world, "clone-a").await, "CL-BA-1 CL-BA-2");
        // The revision is as it was stored, so the package comes with its place in the list.
        let (planned, _) = clone(&world, &wish).await.unwrap();
        assert_eq!(reasons(&planned, 0), ["two-1: missing of RHBA-1"]);
        assert_eq!(told().await, [true, true]);
        let removing = CloneRequest {
            removelist: names(&["one"]),
            ..wish.clone()
        };
        clone(&world, &removing).await.unwrap();
        assert_eq!(packages(&world, "clone-a").await, "base-1 two-1");
        assert_eq!(told().await, [false, true]);
        // What is promoted from a clone says no more than the clone does.
        world.create("prod-a", None, ChannelPatch::default()).await;
        let (clone_a, prod_a) = (label("clone-a"), label("prod-a"));
        let at = VersionSelector::Current;
        world
            .content
            .promote(&world.context(), &clone_a, at, &prod_a, false)
            .await
            .unwrap();
        assert_eq!(
            updateinfo(&world, "prod-a").await,
            updateinfo(&world, "clone-a").await
        );
        // Without any of its packages it is not listed.
        let removing = CloneRequest {
            removelist: names(&["one", "two"]),
            ..wish
        };
        clone(&world, &removing).await.unwrap();
        assert_eq!(errata(&world, "clone-a").await, "CL-BA-2");
        // Files of old versions that were dropped are made again, cut as they were.
        let mut walks = Vec::new();
        for number in 1..=4 {
            walks.push(world.walk(&format!("clone-a@{number}")).await);
        }
        for months in 1..=2 {
            let later = SystemClock.now().plus_seconds(months * 30 * 86_400);
            world.clock.set(later);
            let collected = world.content.gc(&world.context(), 0).await.unwrap();
            assert!(collected.blobs > 0, "{collected:?}");
            for (number, files) in (1..).zip(&walks) {
                let again = world.walk(&format!("clone-a@{number}")).await;
                assert_eq!(&again, files, "{number}");
            }
        }
        world.fsck_is_clean().await;
    });
}

#[test]
fn other_children_of_a_base_are_told_and_their_gates_are_asked() {
    on_both(|world| async move {
        Upstream::at(&world, "base")
            .naked(&["release-1", "lib-1"])
            .mirror(&world, "source-base", None)
            .await;
        Upstream::at(&world, "child")
            .naked(&["app-1 > lib"])
            .mirror(&world, "source-child", Some("source-base"))
            .await;
        let both = [
            ("source-base", "clone-base"),
            ("source-child", "clone-child"),
        ];
        clone(&world, &until("2015-01-01", &both)).await.unwrap();
        let removing = CloneRequest {
            removelist: names(&["lib"]),
            ..until("2015-01-01", &[("source-base", "clone-base")])
        };
        let planned = plan(&world, &removing).await.unwrap();
        assert_eq!(planned.children.len(), 1, "{:?}", planned.children);
        let child = &planned.children[0];
        assert_eq!(child.channel.label.as_str(), "clone-child");
        let broken: Vec<_> = child.broken.iter().map(|b| &*b.nevra).collect();
        assert_eq!(broken, ["app-1-1.noarch"]);
        assert!(child.broken[0].problem[0].contains("lib"), "{child:?}");
        // What was not looked at is not applied beside.
        let summary = world
            .content
            .plan_clone(&world.context(), &removing)
            .await
            .unwrap();
        let harmless = CloneRequest {
            removelist: names(&["release"]),
            ..removing.clone()
        };
        let other = world
            .content
            .plan_clone(&world.context(), &harmless)
            .await
            .unwrap();
        let (name, item) = (label("clone-child"), vec!["app-1-1.noarch".to_owned()]);
        world
            .content
            .remove(&world.context(), &name, &item)
            .await
            .unwrap();
        for digest in [&summary.digest, &other.digest] {
            let applied = world
                .content
                .apply_plan(&world.context(), digest, false)
                .await;
            let error = applied.unwrap_err().to_string();
            assert!(
                error.starts_with("the child clone-child has moved on"),
                "{error}"
            );
        }
        let back = airlock_model::VersionSelector::Number(1);
        world
            .content
            .rollback(&world.context(), &name, back, false)
            .await
            .unwrap();
        // Together they are one plan, and nothing is told twice.
        let together = CloneRequest {
            removelist: names(&["lib"]),
            ..until("2015-01-01", &both)
        };
        let planned = plan(&world, &together).await.unwrap();
        assert!(planned.children.is_empty());
        assert_eq!(planned.channels[1].broken.len(), 1);
        // A gate holds it, of whichever kind.
        for gate in [Gate::NewlyBroken, Gate::Broken] {
            let patch = ChannelPatch {
                gate: Some(gate),
                ..ChannelPatch::default()
            };
            world.set("clone-child", patch).await;
            let error = clone(&world, &removing).await.unwrap_err();
            assert!(matches!(error, Error::Held(_)), "{error}");
            assert!(
                error
                    .to_string()
                    .starts_with("clone-child is held by its gate: 1 package"),
                "{error}"
            );
            assert_eq!(packages(&world, "clone-base").await, "lib-1 release-1");
        }
        let off = ChannelPatch {
            gate: Some(Gate::Off),
            ..ChannelPatch::default()
        };
        world.set("clone-child", off).await;
        clone(&world, &removing).await.unwrap();
        assert_eq!(packages(&world, "clone-base").await, "release-1");
    });
}
