//! The plan made last answers again, and only while nothing that it is made of has changed.

use std::sync::{Arc, Mutex};

use airlock_content::TaskContext;
use airlock_model::{ChannelPatch, CloneRequest, Progress, Reporter, VersionSelector};

use super::{Upstream, clone, until};
use crate::world::{World, label, on_both};

/// Keeps the stages.
#[derive(Default)]
struct Stages(Mutex<Vec<String>>);

impl Reporter for Stages {
    fn report(&self, progress: Progress) {
        self.0.lock().unwrap().push(progress.stage);
    }

    fn note(&self, _line: String) {}
}

/// The plan's digest, and whether it was planned for that.
async fn plan(world: &World, request: &CloneRequest) -> (String, bool) {
    let stages = Arc::new(Stages::default());
    let context = TaskContext {
        reporter: stages.clone(),
        ..world.context()
    };
    let summary = world.content.plan_clone(&context, request).await.unwrap();
    let planned = stages
        .0
        .lock()
        .unwrap()
        .iter()
        .any(|stage| stage.starts_with("closing"));
    (summary.digest, planned)
}

#[test]
fn a_plan_is_made_once_and_anew_when_what_it_is_made_of_has_changed() {
    on_both(|world| async move {
        let mut upstream = Upstream::at(&world, "a")
            .naked(&["lib-1", "app-1 > lib"])
            .erratum("RHBA-1", "2014-01-01", &["lib-2"])
            .mirror(&world, "source-a", None)
            .await;
        let wish = until("2015-01-01", &[("source-a", "clone-a")]);
        let (first, planned) = plan(&world, &wish).await;
        assert!(planned);
        assert_eq!(plan(&world, &wish).await, (first.clone(), false));
        let part = world
            .content
            .plan_about(&first, "lib".to_owned())
            .await
            .unwrap();
        let brought: Vec<&str> = part.channels[0]
            .packages
            .iter()
            .map(|p| &*p.nevra)
            .collect();
        assert_eq!(brought, ["lib-1-1.noarch", "lib-2-1.noarch"]);
        assert_eq!(part.channels[0].errata.len(), 1);
        // Another wish, and the first again.
        let other = until("2013-01-01", &[("source-a", "clone-a")]);
        let (second, planned) = plan(&world, &other).await;
        assert!(planned && second != first);
        assert_eq!(plan(&world, &wish).await, (first.clone(), true));
        // The source moves, and moves back.
        upstream = upstream.erratum("RHBA-2", "2014-02-01", &["lib-3"]);
        upstream.0.publish();
        world.sync("source-a").await;
        let (moved, planned) = plan(&world, &wish).await;
        assert!(planned && moved != first);
        world
            .content
            .rollback(
                &world.context(),
                &label("source-a"),
                VersionSelector::Number(1),
                false,
            )
            .await
            .unwrap();
        let (back, planned) = plan(&world, &wish).await;
        assert!(planned && back != moved);
        // A setting of the source.
        let named = ChannelPatch {
            name: Some("Another name".to_owned()),
            ..ChannelPatch::default()
        };
        world.set("source-a", named).await;
        assert!(plan(&world, &wish).await.1);
        assert!(!plan(&world, &wish).await.1);
        // A name of an erratum is taken by another clone.
        clone(&world, &until("2015-01-01", &[("source-a", "clone-b")]))
            .await
            .unwrap();
        assert!(plan(&world, &wish).await.1);
        // The clone comes into being.
        clone(&world, &wish).await.unwrap();
        assert!(plan(&world, &wish).await.1);
        // Memory is given back, and what is in the store still answers.
        let (last, planned) = plan(&world, &wish).await;
        assert!(!planned);
        world.content.trim_caches();
        assert_eq!(plan(&world, &wish).await, (last.clone(), false));
        world.clock.advance(300);
        assert!(world.content.has_stale_plan());
        world.content.trim_caches();
        assert!(!world.content.has_stale_plan());
        assert!(
            world
                .content
                .plan_about(&last, "lib".to_owned())
                .await
                .is_ok()
        );
        assert_eq!(plan(&world, &wish).await, (last, true));
    });
}
