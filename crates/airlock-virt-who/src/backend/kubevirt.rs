//! KubeVirt: nodes are hosts, virtual machine instances are guests. Reference: virt-who, section 6.4.
//!
//! Lists come in chunks (`limit`, `continue`); of each only what is reported is kept. Afterwards guests are watched, so that a
//! move is heard of at once. Nodes are not: their kubelets sign every few minutes, and what is reported of them rarely
//! changes. So the lists are read again after each interval all the same, as where watching is forbidden.

mod events;
mod kubeconfig;
mod yaml;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use self::events::{Known, Lines, Meaning};
use self::kubeconfig::Access;
use super::{
    Backend, Error, Form, Kind, Level, Need, Note, OptionSpec, PAGE, Page, Remark, Result, Sink,
    Watched, Whole,
};
use crate::http::{Http, Request, Trust};
use crate::model::{Guest, Hypervisor, IdKind, SOCKETS, SYSTEM_UUID, State, TYPE, VERSION};
use crate::settings::Settings;

/// How many objects come in one chunk.
const CHUNK: usize = 500;
/// The longest time that a watch stays open: what stands between likes to cut silent connections.
const LONGEST: Duration = Duration::from_secs(300);
/// More chunks than any cluster has.
const CHUNKS: usize = 20_000;

/// `type=kubevirt`.
#[derive(Debug)]
pub struct Kubevirt;

impl Kind for Kubevirt {
    fn name(&self) -> &'static str {
        "kubevirt"
    }

    fn ids(&self) -> &'static [IdKind] {
        &[IdKind::Uuid, IdKind::Hostname]
    }

    fn server(&self) -> Need {
        Need::Unused
    }

    fn account(&self, _settings: &Settings) -> Need {
        Need::Unused
    }

    fn options(&self) -> &'static [OptionSpec] {
        const TEXT: OptionSpec = OptionSpec {
            name: "kubeconfig",
            form: Form::Text,
            need: Need::Optional,
            about: "the kubeconfig; $KUBECONFIG or ~/.kube/config when it is not named",
        };
        &[
            OptionSpec {
                form: Form::File,
                ..TEXT
            },
            OptionSpec {
                name: "kubeversion",
                about: "the version of kubevirt.io, when the preferred one must not be used",
                ..TEXT
            },
            OptionSpec {
                name: "namespace",
                about: "only guests of this namespace, for accounts that may not see all",
                ..TEXT
            },
            OptionSpec {
                name: "hypervisor_id_fallback",
                form: Form::Boolean(false),
                about: "hosts from the nodes' names when nodes may not be listed",
                ..TEXT
            },
        ]
    }

    fn variables(&self) -> &'static [&'static str] {
        &["KUBECONFIG", "HOME"]
    }

    fn complete(&self, settings: &mut Settings) -> Vec<Remark> {
        let file = file(settings);
        if !file.is_file() {
            return vec![Remark::new(
                Level::Warning,
                format!("Kubeconfig file was not found at {}", file.display()),
            )];
        }
        // What cannot be read is told when it is used.
        let Ok(Access { beside, .. }) = kubeconfig::read(&file) else {
            return Vec::new();
        };
        let exposed = std::iter::once(file).chain(beside).filter_map(|path| {
            let who = crate::config::files::exposed(&path)?;
            Some(Remark::new(
                Level::Warning,
                format!(
                    "{} holds a token or a key and can be read by {who}",
                    path.display()
                ),
            ))
        });
        exposed.collect()
    }

    fn open(&self, settings: Settings) -> Result<Box<dyn Backend>> {
        let access = kubeconfig::read(&file(&settings))?;
        let mut settings = settings;
        settings.insecure |= access.insecure;
        let trust = Trust {
            ca: access.ca.clone(),
            identity: access.identity.clone(),
        };
        Ok(Box::new(Source {
            http: Http::with(&settings, &access.server, &trust)?,
            access,
            version: None,
            known: Known::default(),
            settings,
        }))
    }
}

/// The kubeconfig's path: the option's, the first of `$KUBECONFIG`, or that of the home folder.
fn file(settings: &Settings) -> PathBuf {
    if let Some(path) = settings.option("kubeconfig") {
        return path.into();
    }
    let variable = |name: &str| {
        settings
            .variables
            .get(name)
            .map(String::as_str)
            .filter(|text| !text.is_empty())
    };
    let first =
        variable("KUBECONFIG").and_then(|list| list.split(':').find(|path| !path.is_empty()));
    let path = match first {
        Some(path) => PathBuf::from(path),
        None => PathBuf::from(variable("HOME").unwrap_or("/root")).join(".kube/config"),
    };
    match path.strip_prefix("/") {
        Ok(inside) => settings.root.join(inside),
        Err(_) => path,
    }
}

/// The number of processors as kubelets tell it, without a thousandth's rest: `3920m` is `3`.
#[must_use]
pub fn processors(cpu: &str) -> String {
    match cpu
        .strip_suffix('m')
        .and_then(|thousandths| thousandths.parse::<u64>().ok())
    {
        Some(thousandths) => (thousandths / 1000).to_string(),
        None => cpu.to_owned(),
    }
}

/// Reads the bytes as a kubeconfig's YAML.
pub(super) fn fuzz(bytes: &[u8]) {
    let _ = yaml::read(&String::from_utf8_lossy(bytes));
}

/// One cluster.
struct Source {
    settings: Settings,
    http: Http,
    access: Access,
    version: Option<String>,
    known: Known,
}

impl Source {
    fn request(&self, path: &str) -> Result<Request> {
        let mut request = Request::new(
            Method::GET,
            format!("{}{path}", self.access.server),
            path.split('?').next().unwrap_or(path),
        )
        .header(ACCEPT, "application/json")
        .header(CONTENT_TYPE, "application/json");
        if let Some(login) = self.access.login()? {
            request = request.secret_header(AUTHORIZATION, &login);
        }
        Ok(request)
    }

    async fn ask(&self, path: &str) -> Result<Value> {
        let request = self.request(path)?;
        let doing = request.doing.clone();
        let answer = self.http.send(request).await?;
        match answer.status {
            StatusCode::UNAUTHORIZED => Err(self.http.refused("HTTP status 401")),
            status if status.is_success() => serde_json::from_slice(&answer.body)
                .map_err(|error| self.http.protocol(&doing, error.to_string())),
            status => Err(self.http.status(&doing, status)),
        }
    }

    async fn version(&mut self) -> Result<String> {
        if let Some(version) = self.settings.option("kubeversion") {
            return Ok(version.to_owned());
        }
        if let Some(version) = &self.version {
            return Ok(version.clone());
        }
        let group = self.ask("/apis/kubevirt.io").await?;
        let version = text(&group, &["preferredVersion", "version"]).ok_or_else(|| {
            self.http
                .protocol("/apis/kubevirt.io", "it names no preferred version")
        })?;
        self.version = Some(version.to_owned());
        Ok(version.to_owned())
    }

    /// Hands each item of a list on, chunk by chunk; the list's version.
    async fn list(
        &self,
        path: &str,
        mut each: impl FnMut(&Value) + Send,
    ) -> Result<Option<String>> {
        let mut more: Option<String> = None;
        for _ in 0..CHUNKS {
            let query = match &more {
                None => format!("?limit={CHUNK}"),
                Some(token) => {
                    let token: String =
                        url::form_urlencoded::byte_serialize(token.as_bytes()).collect();
                    format!("?limit={CHUNK}&continue={token}")
                }
            };
            let document = self.ask(&format!("{path}{query}")).await?;
            match document.get("items") {
                Some(Value::Array(items)) => items.iter().for_each(&mut each),
                _ => return Err(self.http.protocol(path, "it has no list of items")),
            }
            let next = text(&document, &["metadata", "continue"]).map(str::to_owned);
            if next.is_some() && next == more {
                // What comes next would be the same once more, and the rest never.
                return Err(Error::Partial {
                    server: self.http.server().to_owned(),
                    doing: path.to_owned(),
                    reason: "its continue token does not move on".to_owned(),
                });
            }
            if next.is_none() {
                return Ok(text(&document, &["metadata", "resourceVersion"]).map(str::to_owned));
            }
            more = next;
        }
        Err(Error::TooMuch {
            server: self.http.server().to_owned(),
            doing: path.to_owned(),
            limit: CHUNKS,
            what: "pages",
        })
    }

    async fn guests_path(&mut self) -> Result<String> {
        let version = self.version().await?;
        let space = match self.settings.option("namespace") {
            Some(space) => format!("namespaces/{space}/"),
            None => String::new(),
        };
        Ok(format!(
            "/apis/kubevirt.io/{version}/{space}virtualmachineinstances"
        ))
    }

    /// The nodes by name, or nothing when they may not be listed and names have to do.
    async fn nodes(&self, sink: &mut dyn Sink) -> Result<Option<BTreeMap<String, Hypervisor>>> {
        let mut found = BTreeMap::new();
        let mut nameless = Vec::new();
        let listed = self
            .list("/api/v1/nodes", |node| {
                let Some(name) = text(node, &["metadata", "name"]) else {
                    return;
                };
                match self.host(node, name) {
                    Some(host) => {
                        found.insert(name.to_owned(), host);
                    }
                    None => nameless.push(name.to_owned()),
                }
            })
            .await;
        match listed {
            Ok(_) => {}
            Err(Error::Status { status: 403, .. })
                if self.settings.flag("hypervisor_id_fallback", false) =>
            {
                sink.note(Note::Remark(
                    "the account may not list nodes; hosts are called by the nodes' names, without facts"
                        .to_owned(),
                ));
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
        for host in nameless {
            sink.note(Note::HostLeftOut {
                host,
                reason: "it tells no machineID".to_owned(),
            });
        }
        Ok(Some(found))
    }

    fn host(&self, node: &Value, name: &str) -> Option<Hypervisor> {
        let machine = text(node, &["status", "nodeInfo", "machineID"]);
        let addresses = node["status"]["addresses"].as_array();
        let hostname = addresses
            .into_iter()
            .flatten()
            .find(|address| text(address, &["type"]) == Some("Hostname"))
            .and_then(|address| text(address, &["address"]));
        let id = match self.settings.hypervisor_id {
            IdKind::Hostname => hostname.or(machine)?,
            IdKind::Uuid | IdKind::HwUuid => machine?,
        };
        let mut host = Hypervisor::new(id);
        host.name = Some(name.into());
        if let Some(cpu) = text(node, &["status", "allocatable", "cpu"]) {
            host.fact(SOCKETS, processors(cpu));
        }
        host.fact(TYPE, "qemu");
        if let Some(machine) = machine {
            host.fact(SYSTEM_UUID, machine);
        }
        if let Some(version) = text(node, &["status", "nodeInfo", "kubeletVersion"]) {
            host.fact(VERSION, version);
        }
        Some(host)
    }
}

#[async_trait]
impl Backend for Source {
    async fn connect(&mut self) -> Result<()> {
        self.version().await.map(drop)
    }

    async fn read(&mut self, sink: &mut dyn Sink) -> Result<Whole> {
        let path = self.guests_path().await?;
        let nodes = self.nodes(sink).await?;
        let by_name_only = nodes.is_none();
        let mut hosts = nodes.unwrap_or_default();
        let kind = "kubevirt".into();
        let mut known = Known::default();
        let mut left_out = Vec::new();
        let mark = self
            .list(&path, |guest| {
                known.listed(guest);
                if let Err((name, reason)) = place(guest, &mut hosts, by_name_only, &kind) {
                    left_out.push((name, reason));
                }
            })
            .await?;
        for (guest, reason) in left_out {
            sink.note(Note::GuestLeftOut { guest, reason });
        }
        known.mark = mark;
        self.known = known;
        let mut hosts: Vec<_> = hosts.into_values().collect();
        while !hosts.is_empty() {
            let rest = hosts.split_off(hosts.len().min(PAGE));
            sink.page(Page::Hosts(std::mem::replace(&mut hosts, rest)))
                .await;
        }
        Ok(Whole::default())
    }

    /// The first event about a guest that changes what is reported is enough: what it is now is told by the lists.
    async fn watch(&mut self, limit: Duration) -> Result<Watched> {
        let limit = limit.min(LONGEST);
        let until = tokio::time::Instant::now() + limit;
        let Some(mark) = self.known.mark.clone() else {
            tokio::time::sleep(limit).await;
            return Ok(Watched::Quiet);
        };
        let path = self.guests_path().await?;
        let seconds = limit.as_secs().max(1);
        let request = self.request(&format!(
            "{path}?watch=true&allowWatchBookmarks=true&resourceVersion={mark}&timeoutSeconds={seconds}"
        ))?;
        let longer = limit + self.settings.timeout;
        let response = self.http.start(request, Some(longer)).await?;
        match response.status() {
            // The mark is too old.
            StatusCode::GONE => {
                self.known.mark = None;
                return Ok(Watched::Changed);
            }
            // Watching is not allowed: the lists are read in intervals.
            StatusCode::FORBIDDEN | StatusCode::METHOD_NOT_ALLOWED => {
                self.known.mark = None;
                tokio::time::sleep_until(until).await;
                return Ok(Watched::Quiet);
            }
            StatusCode::UNAUTHORIZED => return Err(self.http.refused("HTTP status 401")),
            status if !status.is_success() => return Err(self.http.status(&path, status)),
            _ => {}
        }
        let mut parts = response.bytes_stream();
        let mut lines = Lines::default();
        loop {
            let part = match tokio::time::timeout_at(until, parts.next()).await {
                Ok(Some(Ok(part))) => part,
                Ok(Some(Err(error))) => return Err(self.http.error(&error, &path)),
                Ok(None) | Err(_) => return Ok(Watched::Quiet),
            };
            let Some(events) = lines.push(&part) else {
                return Ok(Watched::Changed);
            };
            for event in events {
                match self.known.judge(&event) {
                    Meaning::Same => {}
                    Meaning::Changed => return Ok(Watched::Changed),
                    Meaning::TooOld => {
                        self.known.mark = None;
                        return Ok(Watched::Changed);
                    }
                }
            }
        }
    }

    async fn close(&mut self) {}
}

/// Puts a guest on its host; its name and the reason when it cannot be.
fn place(
    guest: &Value,
    hosts: &mut BTreeMap<String, Hypervisor>,
    by_name_only: bool,
    kind: &Arc<str>,
) -> std::result::Result<(), (String, String)> {
    let left_out = |reason: String| {
        let name = text(guest, &["metadata", "name"]).unwrap_or("without a name");
        Err((name.to_owned(), reason))
    };
    // Not scheduled yet.
    let Some(node) = text(guest, &["status", "nodeName"]) else {
        return Ok(());
    };
    let Some(uuid) = text(guest, &["spec", "domain", "firmware", "uuid"]) else {
        return left_out("it has no spec.domain.firmware.uuid".to_owned());
    };
    if by_name_only && !hosts.contains_key(node) {
        let mut host = Hypervisor::new(node);
        host.name = Some(node.into());
        hosts.insert(node.to_owned(), host);
    }
    match hosts.get_mut(node) {
        Some(host) => {
            host.guests.push(Guest::new(uuid, State::Running, kind));
            Ok(())
        }
        None => left_out(format!("its node {node} is not in the list of nodes")),
    }
}

/// The text at a way of names; empty is none.
fn text<'a>(value: &'a Value, way: &[&str]) -> Option<&'a str> {
    way.iter()
        .try_fold(value, |value, name| value.get(name))?
        .as_str()
        .filter(|text| !text.is_empty())
}
