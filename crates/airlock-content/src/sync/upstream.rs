//! Reaching an upstream: its URL may be a repository, a mirror list or a metalink.

use std::path::{Path, PathBuf};

use airlock_fetch::{
    BasicAuth, ClientCertificate, Fetcher, PemSource, Session, Small, Upstream, Url,
};
use airlock_model::{ChannelUpstream, UpstreamSettings};

use crate::Error;
use crate::context::TaskContext;

/// Largest mirror list or metalink read.
const LIST_LIMIT: u64 = 4 << 20;
/// Days before the end of a client certificate from which on each sync warns.
const EXPIRY_WARNING_DAYS: i64 = 30;

/// An upstream ready to be read.
pub(crate) struct OpenUpstream {
    /// The row it came from.
    pub row: ChannelUpstream,
    /// The connection.
    pub session: Session,
    /// Checksum and size of `repomd.xml` by the metalink, when there is one: (type, value) pairs.
    pub repomd_checksums: Vec<(String, String)>,
    /// Warnings for a person.
    pub warnings: Vec<String>,
}

/// Checks an upstream URL when a channel is created or changed.
///
/// # Errors
/// For schemes other than http, https and file, for credentials inside the URL, and for local folders outside of the
/// server's roots when the wish came over the network.
pub(crate) fn check_url(text: &str, local_roots: Option<&[PathBuf]>) -> Result<Url, Error> {
    let url = Url::parse(text).map_err(|e| {
        Error::invalid(
            format!("\"{text}\" is no URL: {e}"),
            "give http://…, https://… or file:///…",
        )
    })?;
    match url.scheme() {
        "http" | "https" => {
            if !url.username().is_empty() || url.password().is_some() {
                return Err(Error::invalid(
                    format!(
                        "the URL of {} holds a user name",
                        url.host_str().unwrap_or("the upstream")
                    ),
                    "give it by --username and --password-file: URLs are shown and logged",
                ));
            }
        }
        "file" => {
            let path = url.to_file_path().map_err(|()| {
                Error::invalid(
                    format!("\"{text}\" is no local path"),
                    "write file:///absolute/path",
                )
            })?;
            if let Some(roots) = local_roots
                && !is_below(&path, roots)
            {
                return Err(Error::invalid(
                    format!(
                        "{} is not below a folder that this server may mirror from",
                        path.display()
                    ),
                    "set file-upstream-roots in airlock.toml, or run the command on the server itself",
                ));
            }
        }
        other => {
            return Err(Error::invalid(
                format!("upstreams cannot be reached by {other}"),
                "give http://…, https://… or file:///…",
            ));
        }
    }
    Ok(url)
}

/// Checks the URL of an upstream that a channel gets now.
///
/// # Errors
/// As [`check_url`], and for a query on the URL of a repository (mirror lists and metalinks need theirs).
pub(crate) fn check_new_url(text: &str, local_roots: Option<&[PathBuf]>) -> Result<(), Error> {
    let url = check_url(text, local_roots)?;
    if url.query().is_some() && list_kind(&url) == ListKind::Repository {
        return Err(Error::invalid(
            format!(
                "the URL of {} holds a query",
                url.host_str().unwrap_or("the upstream")
            ),
            "give what stands behind the ? by --url-token-file: URLs are shown and logged",
        ));
    }
    Ok(())
}

/// Checks a proxy that a channel gets now.
///
/// # Errors
/// When it is no URL of a proxy. The message does not show it, since it may hold a password.
pub(crate) fn check_proxy(text: &str) -> Result<Url, Error> {
    Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h"))
        .filter(|url| url.host_str().is_some_and(|host| !host.is_empty()))
        .ok_or_else(|| {
            Error::invalid(
                "the proxy is no URL of a proxy",
                "give http://host:port, https://, socks5:// or socks5h://",
            )
        })
}

/// Where a client may fetch a file of an upstream itself. None where it has to come through this server: from a local
/// folder, from mirrors that only a list names, and from a place that asks for a password, a token or a certificate.
pub(crate) fn for_clients(row: &ChannelUpstream, href: &str) -> Option<Url> {
    let url = Url::parse(&row.url).ok()?;
    let UpstreamSettings {
        username,
        password,
        token,
        client_cert,
        ..
    } = &row.settings;
    let secret = [username, password, token, client_cert]
        .into_iter()
        .any(Option::is_some);
    let network = matches!(url.scheme(), "http" | "https");
    if !network || secret || url.query().is_some() || list_kind(&url) != ListKind::Repository {
        return None;
    }
    if !href.contains("://") {
        return airlock_fetch::file_url(&url, href).ok();
    }
    // Another place that the metadata names, as clients of the upstream would follow it.
    Url::parse(href).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
    })
}

/// Checks the path of a PEM file that a channel set over the network names.
///
/// # Errors
/// When it is not below one of the server's roots; the same whether there is such a file or not.
pub(crate) fn check_pem(path: &str, roots: &[PathBuf]) -> Result<(), Error> {
    if is_below(Path::new(path), roots) {
        return Ok(());
    }
    Err(Error::invalid(
        format!("{path} is not below a folder that this server takes certificates from"),
        "set upstream-pem-roots in airlock.toml, or run the command on the server itself",
    ))
}

fn is_below(path: &Path, roots: &[PathBuf]) -> bool {
    // Both sides resolved, so that a link inside a root cannot lead out of it.
    let Ok(path) = path.canonicalize() else {
        return false;
    };
    roots
        .iter()
        .any(|root| root.canonicalize().is_ok_and(|root| path.starts_with(root)))
}

fn plain(url: Url, settings: &UpstreamSettings) -> Result<Upstream, Error> {
    let file = |path: &String| PemSource::File(PathBuf::from(path));
    let mut upstream = Upstream::new(url);
    upstream.proxy = settings
        .proxy
        .as_ref()
        .map(|proxy| check_proxy(proxy))
        .transpose()?;
    upstream.client_certificate =
        settings
            .client_cert
            .as_ref()
            .map(|certificate| ClientCertificate {
                certificate: file(certificate),
                key: file(settings.client_key.as_ref().unwrap_or(certificate)),
            });
    upstream.basic_auth = settings.username.as_ref().map(|user| BasicAuth {
        user: user.clone(),
        password: settings.password.clone().unwrap_or_default(),
    });
    upstream.token = settings.token.clone();
    upstream.ca = settings.ca.as_ref().map(file);
    upstream.insecure = settings.insecure;
    Ok(upstream)
}

/// What kind of list a URL names, judged by its words as yum does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ListKind {
    Repository,
    MirrorList,
    Metalink,
}

fn list_kind(url: &Url) -> ListKind {
    let path = url.path().to_ascii_lowercase();
    let query = url.query().unwrap_or_default().to_ascii_lowercase();
    let last = path.rsplit('/').next().unwrap_or_default();
    if last.contains("metalink") || last.ends_with(".meta4") || query.contains("metalink") {
        ListKind::Metalink
    } else if last.contains("mirrorlist")
        || last.contains("mirror.list")
        || query.contains("mirrorlist")
    {
        ListKind::MirrorList
    } else {
        ListKind::Repository
    }
}

/// Opens an upstream: reads its certificate, and its list of mirrors when it has one.
pub(crate) async fn open(
    fetcher: &Fetcher,
    row: ChannelUpstream,
    ctx: &TaskContext,
) -> Result<OpenUpstream, Error> {
    let url = check_url(&row.url, None)?;
    let kind = list_kind(&url);
    let mut repomd_checksums = Vec::new();
    let upstream = if kind == ListKind::Repository {
        plain(url, &row.settings)?
    } else {
        let (folder, name, query) = split_last(&url);
        let mut list = plain(folder, &row.settings)?;
        // The list's own query is a part of its address; a token of the settings comes behind it.
        list.token = match (query, list.token.take()) {
            (Some(query), Some(token)) => Some(format!("{query}&{token}")),
            (query, token) => query.or(token),
        };
        let session = fetcher.start(&list).await?;
        let Small::Bytes(list) = session
            .small(&name, LIST_LIMIT, None, &ctx.fetch_cancel())
            .await?
        else {
            return Err(Error::bad_upstream(
                &row.url,
                "the list of mirrors came back empty",
            ));
        };
        let bases: Vec<String> = if kind == ListKind::Metalink {
            let metalink = airlock_repodata::metalink::Metalink::parse(&list.bytes, "repomd.xml")
                .map_err(|e| Error::metadata(&row.url, e))?;
            // Older states that the metalink still allows count too: a mirror may be a little behind.
            repomd_checksums = metalink
                .checksums
                .iter()
                .chain(metalink.alternates.iter().flat_map(|a| &a.checksums))
                .map(|c| (c.kind.clone(), c.value.clone()))
                .collect();
            metalink
                .mirrors
                .iter()
                .filter_map(|m| m.repository().map(str::to_owned))
                .collect()
        } else {
            airlock_repodata::mirrorlist::parse(&list.bytes)
        };
        let mirrors: Vec<Url> = bases
            .into_iter()
            .filter_map(|base| check_url(&base, Some(&[])).ok())
            .filter(|base| base.scheme() != "file")
            .collect();
        if mirrors.is_empty() {
            return Err(Error::bad_upstream(
                &row.url,
                "the list names no mirror that can be reached",
            ));
        }
        // What the list says is no word of the administrator: its addresses get no credentials and lead into no
        // network that the list's own host is not in.
        let mut upstream = plain(url.clone(), &row.settings)?;
        upstream.bases.clear();
        upstream.list = Some(url);
        upstream.mirrors = mirrors;
        upstream
    };
    let session = fetcher.start(&upstream).await?;
    let mut warnings = Vec::new();
    if let Some(expiry) = session.client_certificate_expiry() {
        let days = expiry.days_left(ctx.now().seconds());
        if days < EXPIRY_WARNING_DAYS {
            warnings.push(format!(
                "the client certificate for {} ends in {days} days",
                row.url
            ));
        }
    }
    Ok(OpenUpstream {
        row,
        session,
        repomd_checksums,
        warnings,
    })
}

/// The folder of a list, its name, its query.
fn split_last(url: &Url) -> (Url, String, Option<String>) {
    let mut folder = url.clone();
    let last = url.path().rsplit('/').next().unwrap_or_default().to_owned();
    folder.set_path(url.path().strip_suffix(&last).unwrap_or("/"));
    folder.set_query(None);
    (folder, last, url.query().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_sent_to_plain_repositories_only() {
        let row = |url: &str, set: fn(&mut UpstreamSettings)| {
            let mut settings = UpstreamSettings::default();
            set(&mut settings);
            ChannelUpstream {
                id: airlock_model::UpstreamId(1),
                url: url.to_owned(),
                settings,
                last_revision: None,
                last_synced: None,
            }
        };
        let target = |row: &ChannelUpstream, href: &str| for_clients(row, href).map(String::from);
        let plain = row("https://h/repo", |_| ());
        for (href, url) in [
            ("P/a b.rpm", Some("https://h/repo/P/a%20b.rpm")),
            ("http://other/x.rpm", Some("http://other/x.rpm")),
            ("http://u:p@other/x.rpm", None),
            ("file:///etc/passwd", None),
            ("../../x.rpm", None),
        ] {
            assert_eq!(target(&plain, href).as_deref(), url, "{href}");
        }
        for streamed in [
            row("https://h/metalink?repo=x", |_| ()),
            row("https://h/mirrorlist", |_| ()),
            row("https://h/repo?tok=1", |_| ()),
            row("file:///srv/repo", |_| ()),
            row("https://h/repo", |s| s.token = Some("t".into())),
            row("https://h/repo", |s| s.username = Some("u".into())),
            row("https://h/repo", |s| s.client_cert = Some("/c".into())),
        ] {
            for href in ["a.rpm", "http://other/x.rpm"] {
                assert_eq!(target(&streamed, href), None, "{streamed:?}");
            }
        }
    }

    #[test]
    fn a_query_is_for_lists_and_a_proxy_is_told_to_nobody() {
        for (url, good) in [
            ("https://h/repo/?token=x", false),
            ("https://h/repo/", true),
            ("https://h/metalink?repo=x&arch=y", true),
            ("https://h/mirrorlist?release=9", true),
        ] {
            assert_eq!(check_new_url(url, None).is_ok(), good, "{url}");
        }
        for wrong in ["http//planted@h", "ftp://planted@h", "socks5://", "planted"] {
            let error = check_proxy(wrong).unwrap_err().to_string();
            assert!(!error.contains("planted"), "{error}");
        }
        assert!(check_proxy("socks5h://u:p@h:1080").is_ok());
    }

    #[test]
    fn lists_are_told_from_repositories_by_their_words() {
        let kind = |text: &str| list_kind(&Url::parse(text).unwrap());
        assert_eq!(
            kind("https://m.example/metalink?repo=fedora-40&arch=x86_64"),
            ListKind::Metalink
        );
        assert_eq!(
            kind("https://m.example/mirrorlist?repo=el7"),
            ListKind::MirrorList
        );
        assert_eq!(
            kind("https://m.example/el9/mirrorlist.txt"),
            ListKind::MirrorList
        );
        assert_eq!(
            kind("https://m.example/mirrorlists/el9/"),
            ListKind::Repository
        );
    }

    #[test]
    fn urls_with_secrets_or_odd_schemes_are_refused() {
        for bad in [
            "ftp://x/y",
            "https://user:pw@x/y",
            "nonsense",
            "file://host/x",
        ] {
            assert!(check_url(bad, None).is_err(), "{bad}");
        }
        let root = tempfile::tempdir().unwrap();
        let inside = Url::from_file_path(root.path()).unwrap();
        assert!(check_url(inside.as_str(), Some(&[root.path().to_owned()])).is_ok());
        assert!(check_url("file:///etc", Some(&[root.path().to_owned()])).is_err());
    }
}
