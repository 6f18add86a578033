//! RHEV and oVirt: the engine's API, version 4, or 3 on old engines. Reference: virt-who, section 6.6.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderName};
use reqwest::{Method, StatusCode};

use super::{Backend, Kind, Level, Note, PAGE, Page, Remark, Result, Sink, Whole, homeless};
use crate::http::{Http, Request, basic};
use crate::model::{
    CLUSTER, Guest, Hypervisor, IdKind, SOCKETS, SYSTEM_UUID, State, TYPE, VERSION,
};
use crate::settings::Settings;
use crate::xml::Element;

/// The engine's port.
const PORT: u16 = 8443;

/// `type=rhevm`.
#[derive(Debug)]
pub struct Rhevm;

impl Kind for Rhevm {
    fn name(&self) -> &'static str {
        "rhevm"
    }

    fn ids(&self) -> &'static [IdKind] {
        &[IdKind::Uuid, IdKind::HwUuid, IdKind::Hostname]
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
                format!("Option server is no address: '{}'", settings.name),
            )],
        }
    }

    fn open(&self, settings: Settings) -> Result<Box<dyn Backend>> {
        let (user, password) = settings.account();
        Ok(Box::new(Source {
            http: Http::new(&settings, &settings.server)?,
            login: basic(user, password.reveal()),
            api: None,
            settings,
        }))
    }
}

/// Scheme `https` and port 8443 unless others are named; a path is cut off, a slash stands at the end.
fn base(server: &str) -> Option<String> {
    let server = server.trim();
    let text = if server.contains("://") {
        server.to_owned()
    } else {
        format!("https://{server}")
    };
    let (scheme, rest) = text.split_once("://")?;
    let place = rest.split(['/', '?', '#']).next()?;
    let has_port = place
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let base = if has_port {
        format!("{scheme}://{place}/")
    } else {
        format!("{scheme}://{place}:{PORT}/")
    };
    let url = url::Url::parse(&base).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.host_str().is_some()).then_some(base)
}

/// Where the API is, and its generation.
#[derive(Debug, Clone)]
struct Api {
    path: &'static str,
    /// The header `Version`; version 4 has it in the path.
    header: Option<&'static str>,
}

/// One engine.
struct Source {
    settings: Settings,
    http: Http,
    login: String,
    api: Option<Api>,
}

/// An answer that is there, or 404.
enum Found {
    Document(Element),
    Missing,
}

impl Source {
    async fn ask(&self, path: &str, version: Option<&str>) -> Result<Found> {
        let request = Request::new(Method::GET, format!("{}{path}", self.settings.server), path)
            .header(ACCEPT, "application/xml")
            .secret_header(AUTHORIZATION, &self.login);
        let request = match version {
            Some(version) => request.header(HeaderName::from_static("version"), version),
            None => request,
        };
        let answer = self.http.send(request).await?;
        match answer.status {
            StatusCode::UNAUTHORIZED => Err(self.http.refused("HTTP status 401")),
            StatusCode::NOT_FOUND => Ok(Found::Missing),
            status if status.is_success() => match Element::read(&answer.body) {
                Ok(root) if &*root.name == "html" => {
                    Err(self.http.protocol(path, "it is a web page"))
                }
                Ok(root) => Ok(Found::Document(root)),
                Err(error) => Err(self.http.protocol(path, error.to_string())),
            },
            status => Err(self.http.status(path, status)),
        }
    }

    async fn list(&self, api: &Api, what: &str) -> Result<Option<Element>> {
        let path = format!("{}/{what}", api.path);
        match self.ask(&path, api.header).await? {
            Found::Missing => Ok(None),
            Found::Document(root) if *root.name == *what => Ok(Some(root)),
            Found::Document(root) => Err(self
                .http
                .protocol(&path, format!("it is a list of <{}>", root.name))),
        }
    }

    /// Clusters tell which API is there.
    async fn clusters(&mut self) -> Result<(Api, Element)> {
        let known = self.api.clone();
        let version_4 = Api {
            path: "ovirt-engine/api/v4",
            header: None,
        };
        let first = known.unwrap_or(version_4);
        if let Some(clusters) = self.list(&first, "clusters").await? {
            self.api = Some(first.clone());
            return Ok((first, clusters));
        }
        // Engines before 4.0: the entry tells its generation.
        for path in ["ovirt-engine/api", "api"] {
            let Found::Document(root) = self.ask(path, Some("3")).await? else {
                continue;
            };
            let major = root
                .find("version")
                .and_then(|version| version.attribute("major"))
                .unwrap_or("3");
            let header = if major == "4" { "4" } else { "3" };
            let api = Api {
                path,
                header: Some(header),
            };
            if let Some(clusters) = self.list(&api, "clusters").await? {
                self.api = Some(api.clone());
                return Ok((api, clusters));
            }
        }
        Err(self.http.status("ovirt-engine/api", StatusCode::NOT_FOUND))
    }

    async fn needed(&self, api: &Api, what: &str) -> Result<Element> {
        self.list(api, what)
            .await?
            .ok_or_else(|| self.http.status(what, StatusCode::NOT_FOUND))
    }

    /// The host as it is reported, or why not.
    fn map(&self, host: &Element, cluster: &str) -> std::result::Result<Hypervisor, Note> {
        let shown = host
            .text_at(&["name"])
            .or(host.attribute("id"))
            .unwrap_or("without a name");
        let left_out = |reason: &str| Note::HostLeftOut {
            host: shown.to_owned(),
            reason: reason.to_owned(),
        };
        let address = host.text_at(&["address"]);
        let hardware = host.text_at(&["hardware_information", "uuid"]);
        let id = match self.settings.hypervisor_id {
            IdKind::Uuid => host
                .attribute("id")
                .ok_or_else(|| left_out("it has no id"))?,
            IdKind::HwUuid => hardware.ok_or_else(|| left_out("it has no hardware uuid"))?,
            IdKind::Hostname => address.ok_or_else(|| left_out("it has no address"))?,
        };
        let mut mapped = Hypervisor::new(id);
        mapped.name = address.map(Into::into);
        let topology = host.at(&["cpu", "topology"]);
        // Version 4 has elements where version 3 has attributes.
        let sockets = topology.and_then(|topology| {
            topology
                .text_at(&["sockets"])
                .or(topology.attribute("sockets"))
        });
        mapped.fact(SOCKETS, sockets.unwrap_or("unknown"));
        mapped.fact(TYPE, "qemu");
        mapped.fact(SYSTEM_UUID, hardware.unwrap_or_default());
        mapped.fact(CLUSTER, cluster);
        if let Some(version) = host.child("version")
            && let Some(version) = version
                .text_at(&["full_version"])
                .or(version.attribute("full_version"))
        {
            mapped.fact(VERSION, version);
        }
        Ok(mapped)
    }
}

#[async_trait]
impl Backend for Source {
    async fn connect(&mut self) -> Result<()> {
        self.clusters().await.map(drop)
    }

    async fn read(&mut self, sink: &mut dyn Sink) -> Result<Whole> {
        let (api, clusters) = self.clusters().await?;
        let names: HashMap<&str, &str> = clusters
            .all("cluster")
            .filter(|cluster| cluster.text_at(&["virt_service"]) == Some("true"))
            .filter_map(|cluster| {
                let id = cluster.attribute("id")?;
                Some((id, cluster.text_at(&["name"]).unwrap_or(id)))
            })
            .collect();
        let hosts = self.needed(&api, "hosts").await?;
        let guests = self.needed(&api, "vms").await?;
        let mut on: BTreeMap<&str, Vec<Guest>> = BTreeMap::new();
        let kind = "rhevm".into();
        for guest in guests.all("vm") {
            // A guest that is off is on no host.
            let Some(host) = guest.child("host").and_then(|host| host.attribute("id")) else {
                continue;
            };
            let Some(id) = guest.attribute("id") else {
                sink.note(Note::GuestLeftOut {
                    guest: guest
                        .text_at(&["name"])
                        .unwrap_or("without a name")
                        .to_owned(),
                    reason: "it has no id".to_owned(),
                });
                continue;
            };
            let status = guest.child("status");
            let word = status.and_then(|status| status.text_at(&["state"]).or(status.trimmed()));
            on.entry(host)
                .or_default()
                .push(Guest::new(id, state(word), &kind));
        }
        let mut page = Vec::new();
        for host in hosts.all("host") {
            let cluster = host
                .child("cluster")
                .and_then(|cluster| cluster.attribute("id"))
                .and_then(|id| names.get(id));
            let guests = host.attribute("id").and_then(|id| on.remove(id));
            // Storage clusters run no guests.
            let Some(cluster) = cluster else {
                continue;
            };
            match self.map(host, cluster) {
                Ok(mut mapped) => {
                    mapped.guests = guests.unwrap_or_default();
                    page.push(mapped);
                }
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

fn state(word: Option<&str>) -> State {
    match word.unwrap_or_default().to_ascii_lowercase().as_str() {
        "up" => State::Running,
        "paused" => State::Paused,
        "powered_down" | "powering_down" | "saving_state" => State::ShuttingDown,
        "down" | "powering_up" | "migrating_from" | "migrating_to" | "reboot_in_progress"
        | "restoring_state" => State::ShutOff,
        "not_responding" | "wait_for_launch" => State::Blocked,
        "suspended" => State::PmSuspended,
        "image_illegal" | "image_locked" => State::Crashed,
        _ => State::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scheme_and_port_are_the_engines_and_a_path_is_cut_off() {
        assert_eq!(
            base("rhv.example.com").as_deref(),
            Some("https://rhv.example.com:8443/")
        );
        assert_eq!(
            base("https://rhv:443/api").as_deref(),
            Some("https://rhv:443/")
        );
        assert_eq!(base("http://rhv/").as_deref(), Some("http://rhv:8443/"));
        assert_eq!(
            base("[2001:db8::1]").as_deref(),
            Some("https://[2001:db8::1]:8443/")
        );
        assert_eq!(base("ftp://x"), None);
    }
}
