//! Channel settings from the command line to what the API takes.

use std::path::Path;

use airlock_model::{Channel, ChannelPatch, NewUpstream, PackageFilter, UpstreamSettings};

use super::{Context, secret};
use crate::cli::channel::{FilterArgs, ReachArgs, Settings};
use crate::client;
use crate::fail::{Fail, Result};

/// A key file larger than this is none.
const LARGEST_KEY: usize = 1 << 20;

/// The patch for these options; `present` is the channel as it is, whose filter they change in part.
pub async fn patch(
    context: &Context,
    given: &Settings,
    present: Option<&Channel>,
) -> Result<ChannelPatch> {
    // An empty text takes a list away.
    let upstreams = if given.upstreams.is_empty() {
        None
    } else {
        let reach = reach(&given.reach)?;
        Some(
            named(&given.upstreams)
                .map(|url| NewUpstream {
                    url: absolute(url),
                    settings: reach.clone(),
                })
                .collect(),
        )
    };
    let mut keys = Vec::new();
    for place in named(&given.keys) {
        keys.push(key(context, place).await?);
    }
    Ok(ChannelPatch {
        name: given.name.clone(),
        summary: given.summary.clone(),
        description: given.description.clone(),
        arch: given.arch.clone(),
        checksum: given.checksum.clone(),
        parent: given.parent.clone(),
        upstreams,
        policy: given.policy,
        signatures: given.signatures,
        access: given.access,
        metadata: given.metadata,
        compression: given.compress,
        sign_metadata: given.sign_metadata,
        filter: filter(&given.filter, present.map(|channel| &channel.filter)),
        keys: (!given.keys.is_empty()).then_some(keys),
        schedule: given.schedule.clone(),
        gate: given.gate,
    })
}

fn named(list: &[String]) -> impl Iterator<Item = &String> {
    list.iter().filter(|text| !text.is_empty())
}

/// A path of this machine is taken for a `file://` URL, so that shell completion helps.
fn absolute(url: &str) -> String {
    if !url.contains("://") && Path::new(url).is_absolute() {
        format!("file://{url}")
    } else {
        url.to_owned()
    }
}

fn reach(args: &ReachArgs) -> Result<UpstreamSettings> {
    Ok(UpstreamSettings {
        proxy: proxy(args)?,
        username: args.username.clone(),
        password: args
            .password_file
            .as_deref()
            .map(secret::from_file)
            .transpose()?,
        client_cert: args.client_cert.clone(),
        client_key: args.client_key.clone(),
        ca: args.ca.clone(),
        token: args
            .url_token_file
            .as_deref()
            .map(secret::from_file)
            .transpose()?,
        insecure: args.insecure,
    })
}

/// The proxy with the password of its user, which does not stand among the arguments.
fn proxy(args: &ReachArgs) -> Result<Option<String>> {
    let (Some(url), Some(file)) = (&args.proxy, &args.proxy_password_file) else {
        return Ok(args.proxy.clone());
    };
    let wrong = || {
        Fail::usage("--proxy-password-file needs a user without a password in --proxy")
            .hint("for example --proxy http://user@proxy.example.org:3128")
    };
    let (before, host) = url.rsplit_once('@').ok_or_else(wrong)?;
    let (_, user) = before.split_once("://").ok_or_else(wrong)?;
    if user.is_empty() || user.contains(':') {
        return Err(wrong());
    }
    let password = client::encoded(&secret::from_file(file)?)
        .replace('@', "%40")
        .replace(':', "%3A");
    Ok(Some(format!("{before}:{password}@{host}")))
}

/// The filter after the options; none when none of them was given.
fn filter(args: &FilterArgs, present: Option<&PackageFilter>) -> Option<PackageFilter> {
    let untouched = args.latest.is_none()
        && args.include.is_empty()
        && args.exclude.is_empty()
        && args.arches.is_empty()
        && args.exclude_arches.is_empty()
        && args.modules.is_empty()
        && args.exclude_modules.is_empty()
        && args.source_packages.is_none();
    if untouched {
        return None;
    }
    let mut filter = present.cloned().unwrap_or_default();
    if let Some(latest) = args.latest {
        filter.latest = (latest > 0).then_some(latest);
    }
    let replace = |list: &mut Vec<String>, given: &[String]| {
        if !given.is_empty() {
            *list = named(given).cloned().collect();
        }
    };
    replace(&mut filter.include, &args.include);
    replace(&mut filter.exclude, &args.exclude);
    replace(&mut filter.arches, &args.arches);
    replace(&mut filter.exclude_arches, &args.exclude_arches);
    replace(&mut filter.modules, &args.modules);
    replace(&mut filter.exclude_modules, &args.exclude_modules);
    if let Some(source_packages) = args.source_packages {
        filter.source_packages = source_packages;
    }
    Some(filter)
}

/// The armored key at a path or URL.
async fn key(context: &Context, place: &str) -> Result<String> {
    let bytes = if place.starts_with("http://") || place.starts_with("https://") {
        client::download(place, context.global.server_ca.as_ref(), LARGEST_KEY).await?
    } else {
        let path = Path::new(place.strip_prefix("file://").unwrap_or(place));
        std::fs::read(path).map_err(|error| Fail::file("cannot read the key", path, &error))?
    };
    let text = String::from_utf8(bytes)
        .ok()
        .filter(|text| text.contains("-----BEGIN PGP PUBLIC KEY BLOCK-----"));
    text.ok_or_else(|| {
        Fail::usage(format!("{place} holds no armored public key"))
            .hint("gpg --armor --export KEY > FILE makes one")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filter_options_change_what_they_name() {
        let present = PackageFilter {
            latest: Some(3),
            include: vec!["a*".into()],
            ..PackageFilter::default()
        };
        assert_eq!(filter(&FilterArgs::default(), Some(&present)), None);
        let args = FilterArgs {
            latest: Some(0),
            exclude: vec!["b*".into()],
            include: vec![String::new()],
            ..FilterArgs::default()
        };
        assert_eq!(
            filter(&args, Some(&present)),
            Some(PackageFilter {
                exclude: vec!["b*".into()],
                ..PackageFilter::default()
            })
        );
        let args = FilterArgs {
            source_packages: Some(true),
            ..FilterArgs::default()
        };
        assert_eq!(
            filter(&args, Some(&present)),
            Some(PackageFilter {
                source_packages: true,
                ..present.clone()
            })
        );
    }

    #[test]
    fn a_proxys_password_comes_from_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("p");
        std::fs::write(&file, "p@ss:w/rd\n").unwrap();
        let with = |url: &str| {
            proxy(&ReachArgs {
                proxy: Some(url.to_owned()),
                proxy_password_file: Some(file.clone()),
                ..ReachArgs::default()
            })
        };
        let made = with("http://puser@proxy:3128").unwrap();
        assert_eq!(
            made.as_deref(),
            Some("http://puser:p%40ss%3Aw%2Frd@proxy:3128")
        );
        for wrong in [
            "http://proxy:3128",
            "http://u:p@proxy",
            "http://@proxy",
            "u@proxy",
        ] {
            assert!(with(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn paths_are_urls_of_this_machine() {
        assert_eq!(absolute("/srv/x"), "file:///srv/x");
        assert_eq!(absolute("https://h/x"), "https://h/x");
    }
}
