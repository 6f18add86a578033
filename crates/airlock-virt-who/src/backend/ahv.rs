//! Nutanix AHV: Prism Element (API v2.0) and Prism Central (API v3). Reference: virt-who, section 6.5.
//!
//! Everything is asked for in full, page by page, and whatever the pages are: a server that cuts them shorter than asked
//! for is followed by what it says about the whole.

use std::collections::{BTreeMap, HashMap, HashSet};

use async_trait::async_trait;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{
    Backend, Error, Form, Kind, Level, Need, Note, OptionSpec, PAGE, Page, Remark, Result, Sink,
    Whole, homeless,
};
use crate::http::{Http, Request, basic};
use crate::model::{
    CLUSTER, Guest, Hypervisor, IdKind, SOCKETS, SYSTEM_UUID, State, TYPE, VERSION,
};
use crate::settings::Settings;

/// Entities of one list at most.
const ENTITIES: usize = 1_000_000;

/// How many things are asked for at once; Prism gives no more.
const LENGTH: usize = 500;
/// More pages than any inventory has.
const PAGES: usize = 20_000;
/// Prism's port.
const PORT: u16 = 9440;

/// `type=ahv`.
#[derive(Debug)]
pub struct Ahv;

impl Kind for Ahv {
    fn name(&self) -> &'static str {
        "ahv"
    }

    fn ids(&self) -> &'static [IdKind] {
        &[IdKind::Uuid, IdKind::Hostname]
    }

    fn options(&self) -> &'static [OptionSpec] {
        const FLAG: OptionSpec = OptionSpec {
            name: "prism_central",
            form: Form::Boolean(false),
            need: Need::Optional,
            about: "the server is Prism Central (API v3), not Prism Element",
        };
        &[
            FLAG,
            OptionSpec {
                name: "is_hypervisor",
                form: Form::Boolean(true),
                about: "without meaning here",
                ..FLAG
            },
            OptionSpec {
                name: "ahv_internal_debug",
                about: "without meaning here",
                ..FLAG
            },
        ]
    }

    fn complete(&self, settings: &mut Settings) -> Vec<Remark> {
        if settings.server.is_empty() {
            return Vec::new();
        }
        match base(&settings.server) {
            Some(base) => {
                settings.server = base;
                Vec::new()
            }
            None => vec![Remark::new(
                Level::Error,
                "Invalid server IP address provided",
            )],
        }
    }

    fn open(&self, settings: Settings) -> Result<Box<dyn Backend>> {
        let central = settings.flag("prism_central", false);
        let api = if central { "v3" } else { "v2.0" };
        let (user, password) = settings.account();
        Ok(Box::new(Source {
            http: Http::new(&settings, &settings.server)?,
            url: format!("{}/api/nutanix/{api}", settings.server),
            login: basic(user, password.reveal()),
            central,
            seen: HashSet::new(),
            settings,
        }))
    }
}

/// `https://HOST:PORT` from a name or address, maybe with a port or a scheme.
fn base(server: &str) -> Option<String> {
    let server = server.trim();
    let text = if server.contains("://") {
        server.to_owned()
    } else {
        format!("https://{server}")
    };
    let url = url::Url::parse(&text).ok()?;
    let host = url.host_str()?;
    // The library forgets a port that is the scheme's own, and Prism's is another one.
    let written = text
        .split_once("://")
        .and_then(|(_, rest)| rest.split('/').next())
        .and_then(|place| place.rsplit_once(':'))
        .and_then(|(_, port)| port.parse().ok());
    let port: u16 = match (written, url.scheme()) {
        (Some(port), "http" | "https") => port,
        (None, "https") => PORT,
        (None, "http") => 80,
        _ => return None,
    };
    Some(format!("{}://{host}:{port}", url.scheme()))
}

/// One Prism.
struct Source {
    settings: Settings,
    http: Http,
    url: String,
    login: String,
    central: bool,
    /// Hosts that had a guest since the start: from then on they are reported when empty, too.
    seen: HashSet<String>,
}

#[derive(Debug)]
struct Host {
    uuid: String,
    name: Option<String>,
    sockets: Option<String>,
    kind: Option<String>,
    version: Option<String>,
    cluster: Option<String>,
}

/// What is kept of a guest.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    On {
        host: String,
        uuid: String,
        state: State,
    },
    /// Prism tells no host for a guest that is off.
    Off,
    /// It tells no state and has none of its own yet; its uuid.
    WithoutState(String),
    /// It has no uuid; its name.
    Nobody(String),
}

impl Source {
    async fn ask(&self, method: Method, path: &str, body: String) -> Result<Value> {
        let doing = path.split('?').next().unwrap_or(path).to_owned();
        let request = Request::new(method, format!("{}{path}", self.url), doing.clone())
            .header(CONTENT_TYPE, "application/json")
            .secret_header(AUTHORIZATION, &self.login)
            .body(body);
        let answer = self.http.send(request).await?;
        match answer.status {
            StatusCode::UNAUTHORIZED => Err(self.http.refused("HTTP status 401")),
            status if status.is_success() => serde_json::from_slice(&answer.body)
                .map_err(|error| self.http.protocol(&doing, error.to_string())),
            status => Err(self.http.status(&doing, status)),
        }
    }

    /// All things of a kind (`hosts`, `vms`, `clusters`), each as `one` makes it: Prism tells kilobytes about each, of
    /// which only what is reported is kept, page by page.
    async fn all<Kept: Send>(
        &self,
        what: &str,
        one: impl Fn(&Value) -> Kept + Send + Sync,
    ) -> Result<Vec<Kept>> {
        if self.central {
            self.all_v3(what, one).await
        } else {
            self.all_v2(what, one).await
        }
    }

    fn entities(&self, what: &str, mut document: Value) -> Result<Vec<Value>> {
        match document.get_mut("entities").map(Value::take) {
            Some(Value::Array(list)) => Ok(list),
            _ => Err(self.http.protocol(what, "it has no list of entities")),
        }
    }

    fn too_many(&self, what: &str) -> Error {
        Error::TooMuch {
            server: self.http.server().to_owned(),
            doing: what.to_owned(),
            limit: ENTITIES,
            what: "entities",
        }
    }

    fn endless(&self, what: &str) -> Error {
        Error::TooMuch {
            server: self.http.server().to_owned(),
            doing: what.to_owned(),
            limit: PAGES,
            what: "pages",
        }
    }

    async fn all_v3<Kept: Send>(
        &self,
        what: &str,
        one: impl Fn(&Value) -> Kept + Send + Sync,
    ) -> Result<Vec<Kept>> {
        let kind = what.trim_end_matches('s');
        let path = format!("/{what}/list");
        let mut all = Vec::new();
        for _ in 0..PAGES {
            let body = json!({"kind": kind, "length": LENGTH, "offset": all.len()});
            let document = self.ask(Method::POST, &path, body.to_string()).await?;
            let total = number(&document, &["metadata", "total_matches"]);
            let length = number(&document, &["metadata", "length"]);
            let page = self.entities(what, document)?;
            let empty = page.is_empty();
            all.extend(page.iter().map(&one));
            if all.len() > ENTITIES {
                return Err(self.too_many(what));
            }
            let done = match (total, length) {
                (Some(total), _) if all.len() >= total => true,
                (Some(total), _) if empty => {
                    // The rest was promised and did not come: this is not the whole.
                    return Err(Error::Partial {
                        server: self.http.server().to_owned(),
                        doing: what.to_owned(),
                        reason: format!("{} of {total} came", all.len()),
                    });
                }
                (Some(_), _) => false,
                (None, Some(_)) => empty,
                (None, None) => true,
            };
            tracing::debug!(source = %self.settings.name, what, so_far = all.len(), ?total, "page read");
            if done {
                return Ok(all);
            }
        }
        Err(self.endless(what))
    }

    async fn all_v2<Kept: Send>(
        &self,
        what: &str,
        one: impl Fn(&Value) -> Kept + Send + Sync,
    ) -> Result<Vec<Kept>> {
        let mut all = Vec::new();
        let mut size = 0;
        for page in 0..PAGES {
            let query = match (page, what) {
                // Without a query everything comes, as a rule.
                (0, _) => String::new(),
                (_, "vms") => format!("?offset={}&length={LENGTH}", all.len()),
                (page, _) => format!("?page={}&count={size}", page + 1),
            };
            let document = self
                .ask(Method::GET, &format!("/{what}{query}"), "{}".to_owned())
                .await?;
            let total = number(&document, &["metadata", "grand_total_entities"])
                .max(number(&document, &["metadata", "total_entities"]));
            let entities = self.entities(what, document)?;
            if page == 0 {
                size = entities.len();
            }
            let empty = entities.is_empty();
            all.extend(entities.iter().map(&one));
            if all.len() > ENTITIES {
                return Err(self.too_many(what));
            }
            match total {
                Some(total) if all.len() < total && empty => {
                    return Err(Error::Partial {
                        server: self.http.server().to_owned(),
                        doing: what.to_owned(),
                        reason: format!("{} of {total} came", all.len()),
                    });
                }
                Some(total) if all.len() < total => {}
                _ => return Ok(all),
            }
        }
        Err(self.endless(what))
    }

    fn host(&self, value: &Value, clusters: &HashMap<String, String>) -> Option<Host> {
        let (uuid, name, sockets, version, cluster, kind) = if self.central {
            (
                text(value, &["metadata", "uuid"]),
                text(value, &["status", "name"]),
                text(value, &["status", "resources", "num_cpu_sockets"]),
                text(
                    value,
                    &["status", "resources", "hypervisor", "hypervisor_full_name"],
                ),
                text(value, &["status", "cluster_reference", "uuid"]),
                None,
            )
        } else {
            (
                text(value, &["uuid"]),
                text(value, &["name"]),
                text(value, &["num_cpu_sockets"]),
                text(value, &["hypervisor_full_name"]),
                text(value, &["cluster_uuid"]),
                text(value, &["hypervisor_type"]),
            )
        };
        Some(Host {
            uuid: uuid?,
            name,
            sockets,
            kind,
            version,
            cluster: cluster.map(|uuid| clusters.get(&uuid).cloned().unwrap_or(uuid)),
        })
    }

    /// What is kept of a guest.
    fn guest(&self, value: &Value) -> Told {
        let (uuid, host, state) = if self.central {
            (
                text(value, &["metadata", "uuid"]),
                text(value, &["status", "resources", "host_reference", "uuid"]),
                text(value, &["status", "resources", "power_state"]),
            )
        } else {
            (
                text(value, &["uuid"]),
                text(value, &["host_uuid"]),
                text(value, &["power_state"]),
            )
        };
        let Some(uuid) = uuid else {
            let name = value["name"].as_str().unwrap_or("without a name");
            return Told::Nobody(name.to_owned());
        };
        let state = state.map(|word| match word.as_str() {
            "on" | "ON" => State::Running,
            "off" | "OFF" => State::ShutOff,
            _ => State::Unknown,
        });
        match (host, state) {
            (Some(host), Some(state)) => Told::On { host, uuid, state },
            (Some(_), None) => Told::WithoutState(uuid),
            (None, _) => Told::Off,
        }
    }

    async fn clusters(&self) -> Result<HashMap<String, String>> {
        let found = self
            .all("clusters", |cluster| {
                if self.central {
                    Some((
                        text(cluster, &["metadata", "uuid"])?,
                        text(cluster, &["spec", "name"])?,
                    ))
                } else {
                    Some((text(cluster, &["uuid"])?, text(cluster, &["name"])?))
                }
            })
            .await?;
        Ok(found.into_iter().flatten().collect())
    }

    fn map(&self, host: Host, guests: Vec<Guest>) -> std::result::Result<Hypervisor, Note> {
        let id = match self.settings.hypervisor_id {
            IdKind::Hostname => host.name.clone().ok_or_else(|| Note::HostLeftOut {
                host: host.uuid.clone(),
                reason: "it has no name".to_owned(),
            })?,
            IdKind::Uuid | IdKind::HwUuid => host.uuid.clone(),
        };
        let mut mapped = Hypervisor::new(id);
        mapped.name = host.name.map(Into::into);
        mapped.guests = guests;
        if let Some(sockets) = host.sockets {
            mapped.fact(SOCKETS, sockets);
        }
        mapped.fact(TYPE, host.kind.unwrap_or_else(|| "AHV".to_owned()));
        if let Some(version) = host.version {
            mapped.fact(VERSION, version);
        }
        mapped.fact(SYSTEM_UUID, host.uuid);
        if let Some(cluster) = host.cluster {
            mapped.fact(CLUSTER, cluster);
        }
        Ok(mapped)
    }
}

#[async_trait]
impl Backend for Source {
    async fn connect(&mut self) -> Result<()> {
        // There is no session; a small question tells whether the account is taken.
        self.clusters().await.map(drop)
    }

    async fn read(&mut self, sink: &mut dyn Sink) -> Result<Whole> {
        // Clusters first: hosts are mapped as they come.
        let clusters = self.clusters().await?;
        let hosts = self
            .all("hosts", |value| {
                self.host(value, &clusters).ok_or_else(|| {
                    text(value, &["name"]).unwrap_or_else(|| "without a name".to_owned())
                })
            })
            .await?;
        let guests = self.all("vms", |value| self.guest(value)).await?;
        let nothing_runs = guests.is_empty();
        let mut on: BTreeMap<String, Vec<Guest>> = BTreeMap::new();
        let kind = "ahv".into();
        for guest in guests {
            let (guest, reason) = match guest {
                Told::On { host, uuid, state } => {
                    let list = on.entry(host).or_default();
                    list.push(Guest::new(uuid, state, &kind));
                    continue;
                }
                Told::Off => continue,
                Told::WithoutState(uuid) => (uuid, "it has no power_state"),
                Told::Nobody(name) => (name, "it has no uuid"),
            };
            sink.note(Note::GuestLeftOut {
                guest,
                reason: reason.to_owned(),
            });
        }
        let mut page = Vec::new();
        for host in hosts {
            let host = match host {
                Ok(host) => host,
                Err(host) => {
                    sink.note(Note::HostLeftOut {
                        host,
                        reason: "it has no uuid".to_owned(),
                    });
                    continue;
                }
            };
            let guests = on.remove(&host.uuid);
            if guests.is_some() {
                self.seen.insert(host.uuid.clone());
            }
            let wanted = guests.is_some()
                || nothing_runs
                || self.settings.all_hosts
                || self.seen.contains(&host.uuid);
            if !wanted {
                sink.note(Note::HostLeftOut {
                    host: host.name.unwrap_or(host.uuid),
                    reason: "no guest runs on it (all_hosts=true reports it)".to_owned(),
                });
                continue;
            }
            match self.map(host, guests.unwrap_or_default()) {
                Ok(mapped) => page.push(mapped),
                Err(note) => sink.note(note),
            }
            if page.len() == PAGE {
                sink.page(Page::Hosts(std::mem::take(&mut page))).await;
            }
        }
        homeless(sink, on);
        sink.page(Page::Hosts(page)).await;
        Ok(Whole::default())
    }

    async fn close(&mut self) {}
}

/// The text at a way of names; numbers as text, empty as none.
fn text(value: &Value, way: &[&str]) -> Option<String> {
    match way.iter().try_fold(value, |value, name| value.get(name))? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn number(value: &Value, way: &[&str]) -> Option<usize> {
    let found = way.iter().try_fold(value, |value, name| value.get(name))?;
    usize::try_from(found.as_u64()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_guest_only_what_is_reported_is_kept() {
        let mut settings = Settings::new("p", "http://prism:1");
        for central in [false, true] {
            settings
                .options
                .insert("prism_central".to_owned(), central.to_string());
            let source = Source {
                http: Http::new(&settings, &settings.server).unwrap(),
                url: String::new(),
                login: String::new(),
                central,
                seen: HashSet::new(),
                settings: settings.clone(),
            };
            let much = "x".repeat(10_000);
            let kept: usize = (0..10_000)
                .map(|number| {
                    let uuid = format!("g{number}");
                    let document = if central {
                        json!({"metadata": {"uuid": uuid, "spec": &much}, "status": {"description": &much, "resources":
                            {"power_state": "ON", "host_reference": {"uuid": "h1", "kind": &much}}}})
                    } else {
                        json!({"uuid": uuid, "host_uuid": "h1", "power_state": "on", "description": &much})
                    };
                    match source.guest(&document) {
                        Told::On { host, uuid, .. } => host.capacity() + uuid.capacity(),
                        other => panic!("{other:?}"),
                    }
                })
                .sum();
            assert!(kept < 10_000 * 20, "{kept} bytes of 100 MB are kept");
        }
    }

    #[test]
    fn the_port_is_prisms_unless_another_is_named() {
        assert_eq!(base("192.0.2.1").as_deref(), Some("https://192.0.2.1:9440"));
        assert_eq!(
            base("prism.example.com:443").as_deref(),
            Some("https://prism.example.com:443")
        );
        assert_eq!(
            base("[2001:db8::1]:9441").as_deref(),
            Some("https://[2001:db8::1]:9441")
        );
        assert_eq!(
            base("http://prism:8080/x").as_deref(),
            Some("http://prism:8080")
        );
        assert_eq!(base("ftp://prism"), None);
        assert_eq!(base("a b"), None);
    }
}
