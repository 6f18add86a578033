use airlock_model::{
    ChannelPatch, ErrorKind, NewChannel, NewUpstream, OrgId, PackageFilter, UpstreamSettings,
};

use crate::world::{label, on_both};

#[test]
fn settings_that_cannot_be_are_refused() {
    on_both(|world| async move {
        let try_patch = async |patch: ChannelPatch| {
            world
                .content
                .create_channel(
                    &world.actor(),
                    NewChannel {
                        label: label("new-channel"),
                        settings: patch,
                    },
                )
                .await
                .unwrap_err()
                .kind()
        };
        let upstream = |url: &str| {
            Some(vec![NewUpstream {
                url: url.into(),
                ..NewUpstream::default()
            }])
        };
        assert_eq!(
            try_patch(ChannelPatch {
                checksum: Some("crc32".into()),
                ..ChannelPatch::default()
            })
            .await,
            ErrorKind::Invalid
        );
        assert_eq!(
            try_patch(ChannelPatch {
                upstreams: upstream("ftp://x/"),
                ..ChannelPatch::default()
            })
            .await,
            ErrorKind::Invalid
        );
        assert_eq!(
            try_patch(ChannelPatch {
                keys: Some(vec!["no key".into()]),
                ..ChannelPatch::default()
            })
            .await,
            ErrorKind::Invalid
        );
        assert_eq!(
            try_patch(ChannelPatch {
                schedule: Some("sometimes".into()),
                ..ChannelPatch::default()
            })
            .await,
            ErrorKind::Invalid
        );
        assert_eq!(
            try_patch(ChannelPatch {
                parent: Some("no-such-channel".into()),
                ..ChannelPatch::default()
            })
            .await,
            ErrorKind::NotFound
        );
        let verbatim = ChannelPatch {
            metadata: Some(airlock_model::MetadataMode::Verbatim),
            filter: Some(PackageFilter {
                latest: Some(1),
                ..PackageFilter::default()
            }),
            ..ChannelPatch::default()
        };
        assert_eq!(try_patch(verbatim).await, ErrorKind::Invalid);
        assert!(
            world
                .content
                .channels(OrgId::DEFAULT)
                .await
                .unwrap()
                .is_empty()
        );
    });
}

#[test]
fn another_organization_sees_no_channel() {
    on_both(|world| async move {
        world
            .create("own-packages", None, ChannelPatch::default())
            .await;
        let error = world
            .content
            .channel(OrgId(2), &label("own-packages"))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    });
}

#[test]
fn local_folders_over_the_network_need_a_configured_root() {
    on_both(|world| async move {
        let mut actor = world.actor();
        actor.principal = "user:admin".to_owned();
        let settings = ChannelPatch {
            upstreams: Some(vec![NewUpstream {
                url: "file:///etc".into(),
                ..NewUpstream::default()
            }]),
            ..ChannelPatch::default()
        };
        let error = world
            .content
            .create_channel(
                &actor,
                NewChannel {
                    label: label("new-channel"),
                    settings,
                },
            )
            .await
            .unwrap_err();
        assert!(error.to_string().contains("not below a folder"), "{error}");
    });
}

#[test]
fn certificates_over_the_network_need_a_configured_root() {
    on_both(|world| async move {
        let (local, mut remote) = (world.actor(), world.actor());
        remote.principal = "user:admin/token:1".to_owned();
        let file = |name: &str| {
            let path = world.path(name);
            std::fs::write(&path, "x").unwrap();
            path.display().to_string()
        };
        let (outside, cert) = (file("outside.pem"), world.path("certificates"));
        std::fs::create_dir(&cert).unwrap();
        let inside = file("certificates/inside.pem");
        let link = cert.join("link.pem").display().to_string();
        std::os::unix::fs::symlink(&outside, &link).unwrap();
        let patch = |set: fn(&mut UpstreamSettings, String), path: &str| {
            let mut upstream = NewUpstream {
                url: "https://upstream.invalid/repo/".into(),
                ..NewUpstream::default()
            };
            set(&mut upstream.settings, path.to_owned());
            ChannelPatch {
                upstreams: Some(vec![upstream]),
                ..ChannelPatch::default()
            }
        };
        world
            .create("new-channel", None, ChannelPatch::default())
            .await;
        let set = async |actor, patch| {
            let label = label("new-channel");
            world.content.set_channel(actor, &label, patch).await
        };
        for field in [
            (|settings, path| settings.client_cert = Some(path)) as fn(&mut UpstreamSettings, _),
            |settings, path| settings.client_key = Some(path),
            |settings, path| settings.ca = Some(path),
        ] {
            for path in [outside.as_str(), &link, "/etc/shadow", "/nonexistent", ""] {
                let error = set(&remote, patch(field, path)).await.unwrap_err();
                assert!(error.to_string().contains("not below a folder"), "{error}");
            }
            set(&remote, patch(field, &inside)).await.unwrap();
            // What was set at the server itself may be sent back, but only as it was.
            set(&local, patch(field, &outside)).await.unwrap();
            set(&remote, patch(field, &outside)).await.unwrap();
        }
        let as_certificate: fn(&mut UpstreamSettings, String) =
            |settings, path| settings.client_cert = Some(path);
        let error = set(&remote, patch(as_certificate, &outside)).await;
        assert!(error.is_err(), "it is set as the CA, not as a certificate");
    });
}

#[test]
fn secrets_of_upstreams_are_never_shown() {
    on_both(|world| async move {
        let mut upstream = NewUpstream {
            url: "https://upstream.invalid/repo/".into(),
            ..NewUpstream::default()
        };
        upstream.settings.username = Some("me".into());
        upstream.settings.password = Some("planted-secret".into());
        world
            .create(
                "new-channel",
                None,
                ChannelPatch {
                    upstreams: Some(vec![upstream]),
                    ..ChannelPatch::default()
                },
            )
            .await;
        let channel = world
            .content
            .channel(OrgId::DEFAULT, &label("new-channel"))
            .await
            .unwrap();
        let shown = serde_json::to_string(&channel).unwrap();
        assert!(
            !shown.contains("planted-secret") && shown.contains("***"),
            "{shown}"
        );
        // Sending the mask back keeps the secret.
        let patch = ChannelPatch {
            upstreams: Some(vec![NewUpstream {
                url: channel.upstreams[0].url.clone(),
                settings: channel.upstreams[0].settings.clone(),
            }]),
            ..ChannelPatch::default()
        };
        world
            .content
            .set_channel(&world.actor(), &label("new-channel"), patch)
            .await
            .unwrap();
        let kept = airlock_db::channels::upstream_with_secrets(
            world.content.db(),
            channel.upstreams[0].id,
        )
        .await
        .unwrap();
        assert_eq!(
            kept.unwrap().settings.password.as_deref(),
            Some("planted-secret")
        );
    });
}

#[test]
fn a_stored_secret_is_sent_nowhere_else() {
    on_both(|world| async move {
        let mut upstream = NewUpstream {
            url: "https://upstream.invalid/repo/".into(),
            ..NewUpstream::default()
        };
        upstream.settings = UpstreamSettings {
            username: Some("me".into()),
            password: Some("planted-secret".into()),
            token: Some("planted=token".into()),
            proxy: Some("http://puser:planted@proxy.invalid:3128".into()),
            ..UpstreamSettings::default()
        };
        let patch = |upstream: NewUpstream| ChannelPatch {
            upstreams: Some(vec![upstream]),
            ..ChannelPatch::default()
        };
        let channel = world
            .create("new-channel", None, patch(upstream.clone()))
            .await;
        let shown = &channel.upstreams[0].settings;
        assert_eq!(
            shown.proxy.as_deref(),
            Some("http://***@proxy.invalid:3128")
        );
        let stored = async || {
            let id = channel.upstreams[0].id;
            airlock_db::channels::upstream_with_secrets(world.content.db(), id)
                .await
                .unwrap()
                .unwrap()
                .settings
        };
        let actor = world.actor();
        let set = async |change: fn(&mut NewUpstream)| {
            let mut back = NewUpstream {
                url: upstream.url.clone(),
                settings: shown.clone(),
            };
            change(&mut back);
            let label = label("new-channel");
            world.content.set_channel(&actor, &label, patch(back)).await
        };
        for elsewhere in [
            (|back| back.url = "https://evil.invalid/".into()) as fn(&mut NewUpstream),
            |back| back.settings.proxy = Some("http://evil.invalid:3128".into()),
            |back| back.settings.proxy = Some("http://***@evil.invalid:3128".into()),
            |back| back.settings.proxy = None,
            |back| back.settings.ca = Some("/srv/evil.pem".into()),
            |back| back.settings.insecure = true,
            |back| {
                back.settings.insecure = true;
                back.settings.password = None;
                back.settings.token = None;
            },
        ] {
            let error = set(elsewhere).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
            assert_eq!(stored().await, upstream.settings);
        }
        set(|back| back.settings.username = Some("you".into()))
            .await
            .unwrap();
        let mut now = upstream.settings.clone();
        now.username = Some("you".into());
        assert_eq!(stored().await, now);
        // With secrets of its own it may be reached in any way.
        set(|back| {
            back.settings = UpstreamSettings {
                password: Some("other".into()),
                insecure: true,
                ..UpstreamSettings::default()
            };
        })
        .await
        .unwrap();
        assert_eq!(stored().await.password.as_deref(), Some("other"));
    });
}
