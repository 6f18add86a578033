use airlock_content::AddFrom;
use airlock_model::{ChannelPatch, ErratumRow, ErrorKind, OrgId, VersionSelector};
use airlock_testkit::repos::Repository;
use airlock_testkit::rpms::Rpm;
use airlock_testkit::states::Distribution;

use crate::world::{World, label, on_both};

async fn errata_of(world: &World, name: &str) -> Vec<ErratumRow> {
    let (channel, at) = (label(name), VersionSelector::Current);
    let errata = world.content.errata(OrgId::DEFAULT, &channel, at).await;
    errata.unwrap()
}

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
            .add(
                &world.context(),
                &label("meadow-base"),
                &[victim],
                AddFrom::default(),
            )
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
                AddFrom::default(),
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
        let errata = errata_of(&world, "meadow-base").await;
        let old = errata_of(&world, "meadow-prod").await;
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
                AddFrom {
                    channel: Some(&label("meadow-base")),
                    ..AddFrom::default()
                },
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

/// A base and a child, and a base and a child that they are copied into; what `app` needs is in either source.
async fn two_trees(world: &World) {
    let rpm = |name: &str| Rpm::new(name, "1", "1");
    let mut base = Repository::at(world.path("base"));
    base.add(&rpm("glue").requires("paper"));
    base.add(&rpm("paper"));
    base.publish();
    let mut extra = Repository::at(world.path("extra"));
    extra.add(&rpm("app").requires("engine >= 2").requires("glue"));
    extra.add(&Rpm::new("engine", "1", "1"));
    extra.add(&Rpm::new("engine", "2", "1").requires("/opt/nobody/has-it"));
    extra.add(&rpm("unrelated"));
    extra.publish();
    let below = |parent: &str| ChannelPatch {
        parent: Some(parent.to_owned()),
        ..ChannelPatch::default()
    };
    world.mirror("from-base", &base.url()).await;
    world
        .create("from-extra", Some(&extra.url()), below("from-base"))
        .await;
    world.sync("from-base").await;
    world.sync("from-extra").await;
    world
        .create("into-base", None, ChannelPatch::default())
        .await;
    world.create("into-extra", None, below("into-base")).await;
}

#[test]
fn what_added_packages_need_comes_along_unless_it_is_there() {
    on_both(|world| async move {
        two_trees(&world).await;
        let source = label("from-extra");
        let from = AddFrom {
            channel: Some(&source),
            with_dependencies: true,
        };
        let app = ["app-1-1.noarch".to_owned()];
        // The other base channel has paper already.
        let base = label("from-base");
        let paper = AddFrom {
            channel: Some(&base),
            with_dependencies: false,
        };
        world
            .content
            .add(
                &world.context(),
                &label("into-base"),
                &["paper-1-1.noarch".into()],
                paper,
            )
            .await
            .unwrap();
        let added = world
            .content
            .add(&world.context(), &label("into-extra"), &app, from)
            .await
            .unwrap();
        assert_eq!(added.pulled, ["engine-2-1.noarch", "glue-1-1.noarch"]);
        assert_eq!(added.open, ["engine-2-1.noarch needs /opt/nobody/has-it"]);
        assert_eq!((added.added, added.to), (3, Some(1)));
        let packages = world.packages("into-extra", VersionSelector::Current).await;
        assert_eq!(
            packages,
            ["app-1-1.noarch", "engine-2-1.noarch", "glue-1-1.noarch"]
        );
        // What was added without its dependencies gets them when it is asked for again.
        let engine = ["engine-2-1.noarch".to_owned(), "glue-1-1.noarch".to_owned()];
        world
            .content
            .remove(&world.context(), &label("into-extra"), &engine)
            .await
            .unwrap();
        let mended = world
            .content
            .add(&world.context(), &label("into-extra"), &app, from)
            .await
            .unwrap();
        assert_eq!((mended.pulled.len(), mended.to), (2, Some(3)));
        // Once more: all of it is there.
        let again = world
            .content
            .add(&world.context(), &label("into-extra"), &app, from)
            .await
            .unwrap();
        assert_eq!((again.pulled.len(), again.to), (0, Some(3)));
        // Dependencies come from a channel, and not from the one they go to.
        let nowhere = AddFrom {
            channel: None,
            with_dependencies: true,
        };
        for wrong in [
            nowhere,
            AddFrom {
                channel: Some(&label("into-extra")),
                ..from
            },
        ] {
            let refused = world
                .content
                .add(&world.context(), &label("into-extra"), &app, wrong)
                .await;
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::Invalid);
        }
        world.walk("into-extra").await;
        world.fsck_is_clean().await;
    });
}

#[test]
fn a_package_with_an_epoch_is_named_without_it_too() {
    on_both(|world| async move {
        let mut upstream = Repository::at(world.path("upstream"));
        upstream.add(&Rpm::new("web", "1", "1").epoch(1));
        upstream.add(&Rpm::new("web", "2", "1").epoch(1));
        upstream.publish();
        world.mirror("meadow-base", &upstream.url()).await;
        world.sync("meadow-base").await;
        world
            .create("meadow-prod", None, ChannelPatch::default())
            .await;
        let from = AddFrom {
            channel: Some(&label("meadow-base")),
            with_dependencies: false,
        };
        let prod = label("meadow-prod");
        let web = ["web-1-1.noarch".to_owned()];
        for from in [from, AddFrom::default()] {
            let added = world
                .content
                .add(&world.context(), &prod, &web, from)
                .await
                .unwrap();
            assert_eq!(added.added, 1);
            assert_eq!(
                world
                    .packages("meadow-prod", VersionSelector::Current)
                    .await,
                ["web-1:1-1.noarch"]
            );
            let removed = world
                .content
                .remove(&world.context(), &prod, &web)
                .await
                .unwrap();
            assert_eq!(removed.removed, 1);
        }
        // Of several epochs none is guessed.
        let mut other = Repository::at(world.path("other"));
        other.add(&Rpm::new("web", "1", "1").epoch(2));
        other.publish();
        world.mirror("meadow-other", &other.url()).await;
        world.sync("meadow-other").await;
        let error = world
            .content
            .add(&world.context(), &prod, &web, AddFrom::default())
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "web-1-1.noarch may be web-1:1-1.noarch or web-2:1-1.noarch"
        );
    });
}

#[test]
fn an_erratum_without_its_packages_is_said_to_be_so() {
    on_both(|world| async move {
        let mut upstream = Distribution::at(world.path("upstream"));
        upstream.next_day();
        world.mirror("meadow-base", &upstream.url()).await;
        world.sync("meadow-base").await;
        world
            .create("meadow-prod", None, ChannelPatch::default())
            .await;
        let errata = errata_of(&world, "meadow-base").await;
        let advisory = errata[0].advisory.clone();
        let outcome = world
            .content
            .add(
                &world.context(),
                &label("meadow-prod"),
                std::slice::from_ref(&advisory),
                AddFrom::default(),
            )
            .await
            .unwrap();
        assert_eq!((outcome.added, outcome.errata_added), (0, 1));
        assert_eq!(
            outcome.warnings,
            [format!(
                "none of the packages of {advisory} is in meadow-prod; with --from CHANNEL they come along"
            )]
        );
    });
}

#[test]
fn settings_that_would_do_nothing_are_refused() {
    on_both(|world| async move {
        let create = async |settings| {
            let label = label("meadow-base");
            let new = airlock_model::NewChannel { label, settings };
            world.content.create_channel(&world.actor(), new).await
        };
        let modules = |stream: &str| ChannelPatch {
            filter: Some(airlock_model::PackageFilter {
                modules: vec![stream.to_owned()],
                ..airlock_model::PackageFilter::default()
            }),
            ..ChannelPatch::default()
        };
        let wrong = [
            ChannelPatch {
                arch: Some("foo".to_owned()),
                ..ChannelPatch::default()
            },
            ChannelPatch {
                schedule: Some("hourly".to_owned()),
                ..ChannelPatch::default()
            },
            modules("runtime"),
        ];
        for patch in wrong {
            let error = create(patch).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        }
        create(modules("runtime:*")).await.unwrap();
        let empty = world
            .content
            .packages(
                airlock_model::OrgId::DEFAULT,
                &label("meadow-base"),
                VersionSelector::Current,
                None,
            )
            .await
            .unwrap_err();
        assert!(
            empty
                .hint()
                .unwrap()
                .contains("airlock channel push meadow-base"),
            "{empty}"
        );
    });
}
