use airlock_content::StagedFile;
use airlock_model::{ChannelPatch, ErrorKind, SignatureWish, VersionSelector};
use airlock_testkit::rpms::Rpm;

use crate::world::{World, label, on_both};

pub fn staged(world: &World, rpm: &Rpm) -> StagedFile {
    let folder = world.path("staged");
    std::fs::create_dir_all(&folder).unwrap();
    let path = rpm.write_to(&folder);
    StagedFile {
        name: path.file_name().unwrap().to_str().unwrap().to_owned(),
        path,
    }
}

#[test]
fn pushed_packages_make_one_version_and_are_served() {
    on_both(|world| async move {
        world
            .create("own-packages", None, ChannelPatch::default())
            .await;
        let files = vec![
            staged(
                &world,
                &Rpm::new("tool", "1.0", "1").file("/usr/bin/tool", "#!/bin/sh\n"),
            ),
            staged(
                &world,
                &Rpm::new("tool-data", "1.0", "1")
                    .arch("noarch")
                    .file("/usr/share/tool/data", "data"),
            ),
        ];
        let outcome = world
            .content
            .push(&world.context(), &label("own-packages"), files)
            .await
            .unwrap();
        assert_eq!((outcome.version, outcome.added.len()), (Some(1), 2));
        let again = vec![staged(
            &world,
            &Rpm::new("tool", "1.0", "1").file("/usr/bin/tool", "#!/bin/sh\n"),
        )];
        let outcome = world
            .content
            .push(&world.context(), &label("own-packages"), again)
            .await
            .unwrap();
        assert_eq!((outcome.version, outcome.present.len()), (Some(1), 1));
        let other = vec![staged(
            &world,
            &Rpm::new("tool", "1.0", "1").file("/usr/bin/tool", "#!/bin/bash\n"),
        )];
        let error = world
            .content
            .push(&world.context(), &label("own-packages"), other)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        let list = world.rows("own-packages", VersionSelector::Current).await;
        for package in &list {
            assert!(package.held && package.verified);
            assert_eq!(
                world.get("own-packages", &package.location).await.len() as u64,
                package.size
            );
        }
        world.walk("own-packages").await;
        world.fsck_is_clean().await;
    });
}

#[test]
fn one_nevra_given_twice_is_refused() {
    on_both(|world| async move {
        world
            .create("own-packages", None, ChannelPatch::default())
            .await;
        let one = staged(&world, &Rpm::new("tool", "1.0", "1"));
        let second = world.path("staged/second.rpm");
        std::fs::write(
            &second,
            Rpm::new("tool", "1.0", "1").file("/x", "x").bytes(),
        )
        .unwrap();
        let other = StagedFile {
            path: second,
            name: "second.rpm".to_owned(),
        };
        let error = world
            .content
            .push(&world.context(), &label("own-packages"), vec![one, other])
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "tool-1.0-1.noarch was given twice",
            "{error:?}"
        );
    });
}

#[test]
fn a_push_is_all_or_nothing() {
    on_both(|world| async move {
        world
            .create("own-packages", None, ChannelPatch::default())
            .await;
        let good = staged(&world, &Rpm::new("tool", "1.0", "1"));
        let bad = StagedFile {
            path: world.path("staged/bad.rpm"),
            name: "bad.rpm".to_owned(),
        };
        std::fs::write(&bad.path, b"<html>not an RPM</html>").unwrap();
        let error = world
            .content
            .push(&world.context(), &label("own-packages"), vec![good, bad])
            .await
            .unwrap_err();
        assert!(error.to_string().starts_with("bad.rpm: "), "{error}");
        let channel = world
            .content
            .channel(airlock_model::OrgId::DEFAULT, &label("own-packages"))
            .await
            .unwrap();
        assert_eq!(channel.current, None);
        assert!(world.content.blobs().list().unwrap().is_empty());
    });
}

#[test]
fn an_unsigned_package_is_refused_where_signatures_are_required() {
    on_both(|world| async move {
        world
            .create(
                "own-packages",
                None,
                ChannelPatch {
                    signatures: Some(SignatureWish::Require),
                    ..ChannelPatch::default()
                },
            )
            .await;
        let error = world
            .content
            .push(
                &world.context(),
                &label("own-packages"),
                vec![staged(&world, &Rpm::new("tool", "1.0", "1"))],
            )
            .await
            .unwrap_err();
        assert!(error.to_string().contains("not signed"), "{error}");
    });
}
