//! `/repos/LABEL.repo`: a ready file for dnf, yum and zypper with the base channel and its children.

use std::fmt::Write as _;
use std::sync::Arc;

use airlock_model::{Access, Channel, ChannelLabel, SignaturePolicy};

use super::Request;
use crate::app::App;
use crate::principal::{self, Caller};
use crate::problem::Failure;

/// The channel that a `.repo` file is about.
#[derive(Debug, Clone)]
pub struct Base {
    /// The channel.
    pub channel: Channel,
}

impl Base {
    /// Finds it in whichever organization has the label; labels are unique in the server.
    pub async fn find(app: &App, label: &str) -> Result<Self, Failure> {
        let unknown = || unknown(label);
        let label = ChannelLabel::new(label).map_err(|_| unknown())?;
        let found = airlock_db::channels::find_live(app.content.db(), &label)
            .await
            .map_err(|error| Failure::internal(&error))?;
        Ok(Self {
            channel: found.ok_or_else(unknown)?,
        })
    }

    /// Seconds since 1970 for `Last-Modified`; the file changes with settings, so the channel's creation is no lie only
    /// together with the entity tag, which every client that caches sends.
    pub const fn modified(&self) -> i64 {
        self.channel.created.seconds()
    }
}

/// The same for a channel that does not exist and one of another organization.
pub fn unknown(label: &str) -> Failure {
    Failure::not_found(format!("there is no channel {label}"))
        .hint("airlock channel list shows the channels")
}

/// How clients reach the server, without a slash at the end: the setting, else what they asked for.
pub fn base_url(app: &App, request: &Request<'_>) -> String {
    if let Some(url) = &app.settings.public_url {
        return url.clone();
    }
    let plain = |host: &&str| {
        !host.is_empty()
            && host.len() < 256
            && host.bytes().all(|b| {
                b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']' | b'_')
            })
    };
    let host = request.host.filter(plain).unwrap_or("localhost");
    let scheme = if request.tls { "https" } else { "http" };
    format!("{scheme}://{host}")
}

/// The file's text.
pub async fn of(app: &Arc<App>, request: &Request<'_>, base: &Base) -> Result<String, Failure> {
    let url = base_url(app, request);
    let org = base.channel.org;
    let caller = principal::of_authorization(app, request.authorization).await?;
    let mut sections = Vec::new();
    let mut left_out = Vec::new();
    for label in app.content.tree(org, &base.channel.label).await? {
        let channel = app.content.channel(org, &label).await?;
        let closed = channel.access == Access::Token;
        if closed
            && !caller
                .as_deref()
                .is_some_and(|caller| caller.org == org && caller.reads(&label))
        {
            left_out.push(label);
            continue;
        }
        let keys = app.content.channel_keys(org, &label).await?.len();
        sections.push(Section { channel, keys });
    }
    let token = caller
        .as_ref()
        .and_then(|_| principal::token_of(request.authorization));
    Ok(render(
        &url,
        &base.channel.label,
        &sections,
        &left_out,
        token.as_deref(),
        app.settings.client_ca_path.as_deref(),
    ))
}

struct Section {
    channel: Channel,
    keys: usize,
}

fn render(
    url: &str,
    base: &ChannelLabel,
    sections: &[Section],
    left_out: &[ChannelLabel],
    token: Option<&str>,
    ca: Option<&str>,
) -> String {
    let mut text = format!(
        "# {url}/repos/{base}.repo\n\
         # The variable airlock_at moves all of these repositories to one moment, for example:\n\
         #   echo 2026-06-01 > /etc/dnf/vars/airlock_at    (yum: /etc/yum/vars, zypper: /etc/zypp/vars.d)\n\
         # Without the variable they are as they are now.\n"
    );
    for label in left_out {
        let _ = writeln!(text, "# {label} is left out: it is read with a token only.");
    }
    for Section { channel, keys } in sections {
        let label = &channel.label;
        let _ = write!(
            text,
            "\n[{label}]\nname={name}\nbaseurl={url}/repos/{label}@$airlock_at/\nenabled=1\nautorefresh=1\n",
            name = one_line(&channel.name),
        );
        // Only a channel whose administrator said that signatures do not matter, and that has no key, goes unchecked.
        let unchecked = *keys == 0 && channel.signatures == Some(SignaturePolicy::Off);
        // zypper would also ask for signed metadata when gpgcheck is on, and asks a person when there is none; packages
        // are checked all the same.
        let _ = writeln!(text, "gpgcheck={}\nrepo_gpgcheck=0", u8::from(!unchecked));
        if *keys > 0 {
            let list: Vec<String> = (1..=*keys)
                .map(|number| format!("{url}/repos/{label}/gpg/{number}"))
                .collect();
            let _ = writeln!(text, "gpgkey={}", list.join("\n       "));
        }
        if let Some(ca) = ca.filter(|_| url.starts_with("https://")) {
            let _ = writeln!(text, "sslcacert={}", one_line(ca));
        }
        if channel.access == Access::Token
            && let Some(token) = token
        {
            let _ = writeln!(text, "username=token\npassword={token}");
        }
    }
    text
}

/// Names come from people: a line break would begin a line of its own.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

impl Caller {
    /// Whether this caller may download from the channel.
    #[must_use]
    pub fn reads(&self, label: &ChannelLabel) -> bool {
        self.channels
            .as_ref()
            .is_none_or(|channels| channels.contains(label))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use airlock_model::{
        ChannelId, Compression, Instant, MetadataMode, OrgId, PackageFilter, Policy,
    };

    fn channel(label: &str, access: Access) -> Channel {
        Channel {
            id: ChannelId(1),
            org: OrgId::DEFAULT,
            label: ChannelLabel::new(label).unwrap(),
            name: "EL 9\nbase".into(),
            summary: String::new(),
            arch: "x86_64".into(),
            checksum: "sha256".into(),
            parent: None,
            upstreams: Vec::new(),
            policy: Policy::Immediate,
            signatures: None,
            access,
            metadata: MetadataMode::Own,
            compression: Compression::Zstd,
            sign_metadata: false,
            filter: PackageFilter::default(),
            keys: Vec::new(),
            schedule: None,
            next_sync: None,
            current: Some(1),
            created: Instant(0),
            deleted: None,
            packages: 0,
            errata: 0,
        }
    }

    #[test]
    fn base_and_children_with_keys_and_token() {
        let base = ChannelLabel::new("el9-base").unwrap();
        let sections = [
            Section {
                channel: channel("el9-base", Access::Public),
                keys: 2,
            },
            Section {
                channel: channel("el9-extra", Access::Token),
                keys: 0,
            },
        ];
        let left_out = [ChannelLabel::new("el9-secret").unwrap()];
        insta::assert_snapshot!(
            render("https://h:8443", &base, &sections, &left_out, Some("airl_x"), Some("/etc/pki/airlock.pem")),
            @r"
        # https://h:8443/repos/el9-base.repo
        # The variable airlock_at moves all of these repositories to one moment, for example:
        #   echo 2026-06-01 > /etc/dnf/vars/airlock_at    (yum: /etc/yum/vars, zypper: /etc/zypp/vars.d)
        # Without the variable they are as they are now.
        # el9-secret is left out: it is read with a token only.

        [el9-base]
        name=EL 9 base
        baseurl=https://h:8443/repos/el9-base@$airlock_at/
        enabled=1
        autorefresh=1
        gpgcheck=1
        repo_gpgcheck=0
        gpgkey=https://h:8443/repos/el9-base/gpg/1
               https://h:8443/repos/el9-base/gpg/2
        sslcacert=/etc/pki/airlock.pem

        [el9-extra]
        name=EL 9 base
        baseurl=https://h:8443/repos/el9-extra@$airlock_at/
        enabled=1
        autorefresh=1
        gpgcheck=1
        repo_gpgcheck=0
        sslcacert=/etc/pki/airlock.pem
        username=token
        password=airl_x
        "
        );
    }
}
