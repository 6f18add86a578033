use airlock_model::{ChannelPatch, ErrorKind, VersionSelector};
use airlock_testkit::states::Distribution;

use crate::world::{label, on_both};

#[test]
fn packages_are_removed_and_added_again_by_name() {
    on_both(|world| async move {
        let upstream = Distribution::at(world.path("upstream"));
        world.mirror("meadow-base", &upstream.url()).await;
        world.sync("meadow-base").await;
        let before = world
            .packages("meadow-base", VersionSelector::Current)
            .await;
        let victim = before[0].clone();
        let removed = world
            .content
            .remove(
                &world.context(),
                &label("meadow-base"),
                std::slice::from_ref(&victim),
            )
            .await
            .unwrap();
        assert_eq!((removed.removed, removed.to), (1, Some(2)));
        assert!(
            !world
                .packages("meadow-base", VersionSelector::Current)
                .await
                .contains(&victim)
        );
        world.walk("meadow-base").await;
        let added = world
            .content
            .add(&world.context(), &label("meadow-base"), &[victim], None)
            .await
            .unwrap();
        assert_eq!((added.added, added.to), (1, Some(3)));
        assert_eq!(
            world
                .packages("meadow-base", VersionSelector::Current)
                .await,
            before
        );
        let unknown = world
            .content
            .add(
                &world.context(),
                &label("meadow-base"),
                &["no-such-1-1.noarch".into()],
                None,
            )
            .await;
        assert_eq!(unknown.unwrap_err().kind(), ErrorKind::Invalid);
        world.fsck_is_clean().await;
    });
}

#[test]
fn an_erratum_brings_its_packages_from_another_channel() {
    on_both(|world| async move {
        let mut upstream = Distribution::at(world.path("upstream"));
        world.mirror("meadow-base", &upstream.url()).await;
        world.sync("meadow-base").await;
        world
            .create("meadow-prod", None, ChannelPatch::default())
            .await;
        world
            .content
            .promote(
                &world.context(),
                &label("meadow-base"),
                VersionSelector::Current,
                &label("meadow-prod"),
                false,
            )
            .await
            .unwrap();
        upstream.next_day();
        world.sync("meadow-base").await;
        let errata = world
            .content
            .errata(
                airlock_model::OrgId::DEFAULT,
                &label("meadow-base"),
                VersionSelector::Current,
            )
            .await
            .unwrap();
        let old = world
            .content
            .errata(
                airlock_model::OrgId::DEFAULT,
                &label("meadow-prod"),
                VersionSelector::Current,
            )
            .await
            .unwrap();
        let new = errata
            .iter()
            .find(|e| old.iter().all(|o| o.advisory != e.advisory))
            .unwrap();
        let outcome = world
            .content
            .add(
                &world.context(),
                &label("meadow-prod"),
                std::slice::from_ref(&new.advisory),
                Some(&label("meadow-base")),
            )
            .await
            .unwrap();
        assert_eq!(outcome.errata_added, 1);
        assert!(outcome.added > 0);
        let removed = world
            .content
            .remove(
                &world.context(),
                &label("meadow-prod"),
                std::slice::from_ref(&new.advisory),
            )
            .await
            .unwrap();
        assert_eq!((removed.errata_removed, removed.removed), (1, 0));
    });
}
