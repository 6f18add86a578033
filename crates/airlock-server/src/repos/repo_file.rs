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

/// Which program the file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Client {
    /// dnf and yum, whose form zypper reads as well as long as no token is needed.
    Dnf,
    /// zypper, which takes a token from URLs only.
    Zypper,
}

impl Client {
    /// `?client=zypper`, `?client=dnf`; other words of the query mean nothing here.
    fn of(query: Option<&str>) -> Result<Self, Failure> {
        let named = query
            .unwrap_or_default()
            .split('&')
            .find_map(|word| word.strip_prefix("client="));
        match named {
            None | Some("dnf" | "yum") => Ok(Self::Dnf),
            Some("zypper") => Ok(Self::Zypper),
            Some(_) => Err(Failure::invalid("client is dnf, yum or zypper")),
        }
    }
}

/// The file's text.
pub async fn of(app: &Arc<App>, request: &Request<'_>, base: &Base) -> Result<String, Failure> {
    let client = Client::of(request.query)?;
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
            // Who shows no token learns no label of a channel that needs one.
            if caller.as_deref().is_some_and(|caller| caller.org == org) {
                left_out.push(label);
            }
            continue;
        }
        let keys = app.content.channel_keys(org, &label).await?.len();
        sections.push(Section { channel, keys });
    }
    let token = caller
        .as_ref()
        .and_then(|_| principal::token_of(request.authorization));
    Ok(render(&File {
        client,
        url: &url,
        base: &base.channel.label,
        sections: &sections,
        left_out: &left_out,
        token: token.as_deref(),
        ca: app.settings.client_ca_path.as_deref(),
    }))
}

struct Section {
    channel: Channel,
    keys: usize,
}

/// What a file is made of.
#[derive(Clone, Copy)]
struct File<'a> {
    client: Client,
    url: &'a str,
    base: &'a ChannelLabel,
    sections: &'a [Section],
    left_out: &'a [ChannelLabel],
    token: Option<&'a str>,
    ca: Option<&'a str>,
}

fn render(file: &File<'_>) -> String {
    let File {
        client,
        url,
        base,
        ca,
        ..
    } = *file;
    let query = match client {
        Client::Dnf => "",
        Client::Zypper => "?client=zypper",
    };
    let mut text = format!(
        "# {url}/repos/{base}.repo{query}\n\
         # The variable airlock_at moves all of these repositories to one moment, for example:\n\
         #   echo 2026-06-01 > /etc/dnf/vars/airlock_at    (yum: /etc/yum/vars, zypper: /etc/zypp/vars.d)\n\
         # Without the variable they are as they are now.\n"
    );
    for label in file.left_out {
        let _ = writeln!(text, "# {label} is left out: it is read with a token only.");
    }
    for Section { channel, keys } in file.sections {
        let label = &channel.label;
        let token = file.token.filter(|_| channel.access == Access::Token);
        let home = match (client, token) {
            (Client::Zypper, Some(token)) => format!("{}/repos/{label}", with_token(url, token)),
            _ => format!("{url}/repos/{label}"),
        };
        // dnf believes its cache for two days when nothing else is said; zypper asks at each refresh.
        let _ = write!(
            text,
            "\n[{label}]\nname={name}\nbaseurl={home}@$airlock_at/\nenabled=1\nautorefresh=1\nmetadata_expire=300\n",
            name = one_line(&channel.name),
        );
        // Only a channel whose administrator said that signatures do not matter, and that has no key, goes unchecked.
        let unchecked = *keys == 0 && channel.signatures == Some(SignaturePolicy::Off);
        // Said in each case: zypper would ask for signed metadata when gpgcheck is on, and ask a person when there is
        // none; packages are checked all the same.
        let signed = channel.sign_metadata;
        let _ = writeln!(
            text,
            "gpgcheck={}\nrepo_gpgcheck={}",
            u8::from(!unchecked),
            u8::from(signed)
        );
        let list: Vec<String> = (1..=*keys)
            .map(|number| format!("{home}/gpg/{number}"))
            .chain(signed.then(|| format!("{home}/gpg/metadata")))
            .collect();
        if !list.is_empty() {
            let _ = writeln!(text, "gpgkey={}", list.join("\n       "));
        }
        if let Some(ca) = ca.filter(|_| url.starts_with("https://")) {
            let _ = writeln!(text, "sslcacert={}", one_line(ca));
        }
        if client == Client::Dnf
            && let Some(token) = token
        {
            let _ = writeln!(text, "username=token\npassword={token}");
        }
    }
    text
}

/// The server's URL with the token in it. Tokens that the server made (and only such a one has a caller) need no escape
/// in a URL.
fn with_token(url: &str, token: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://token:{token}@{rest}"),
        None => url.to_owned(),
    }
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
            description: String::new(),
            cloned_from: None,
            gate: airlock_model::Gate::Off,
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
            last_sync: None,
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
        let file = File {
            client: Client::Dnf,
            url: "https://h:8443",
            base: &base,
            sections: &sections,
            left_out: &left_out,
            token: Some("airl_x"),
            ca: Some("/etc/pki/airlock.pem"),
        };
        insta::assert_snapshot!(
            render(&file),
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
        metadata_expire=300
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
        metadata_expire=300
        gpgcheck=1
        repo_gpgcheck=0
        sslcacert=/etc/pki/airlock.pem
        username=token
        password=airl_x
        "
        );
        let zypper = render(&File {
            client: Client::Zypper,
            ..file
        });
        for line in [
            "# https://h:8443/repos/el9-base.repo?client=zypper",
            "baseurl=https://h:8443/repos/el9-base@$airlock_at/",
            "baseurl=https://token:airl_x@h:8443/repos/el9-extra@$airlock_at/",
        ] {
            assert!(zypper.lines().any(|found| found == line), "{zypper}");
        }
        assert!(!zypper.contains("password="), "{zypper}");
    }

    #[test]
    fn the_client_is_named_in_the_query() {
        for (query, client) in [
            (None, Some(Client::Dnf)),
            (Some(""), Some(Client::Dnf)),
            (Some("x=1&client=zypper"), Some(Client::Zypper)),
            (Some("client=yum"), Some(Client::Dnf)),
            (Some("client=apt"), None),
        ] {
            assert_eq!(Client::of(query).ok(), client, "{query:?}");
        }
    }

    #[test]
    fn only_channels_that_sign_have_their_metadata_checked() {
        let base = ChannelLabel::new("el9-base").unwrap();
        let mut signing = channel("el9-base", Access::Public);
        signing.sign_metadata = true;
        let text = render(&File {
            client: Client::Dnf,
            url: "http://h",
            base: &base,
            sections: &[Section {
                channel: signing,
                keys: 1,
            }],
            left_out: &[],
            token: None,
            ca: None,
        });
        assert!(
            text.ends_with(
                "repo_gpgcheck=1\ngpgkey=http://h/repos/el9-base/gpg/1\n       http://h/repos/el9-base/gpg/metadata\n"
            ),
            "{text}"
        );
    }
}
