//! RHEV and oVirt: the engine's API, version 4, or 3 on old engines. Reference: virt-who, section 6.6.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderName};
use reqwest::{Method, StatusCode};

use super::{Backend, Kind, Level, Note, PAGE, Page, Remark, Result, Sink, Whole, homeless};
use crate::http::{Http, Request, basic};
use crate::model::{
    CLUSTER, Guest, Hypervisor, IdKind, SOCKETS, SYSTEM_UUID, State, TYPE, VERSION,
};
use crate::settings::Settings;
use crate::stream;
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
    fn request(&self, path: &str, version: Option<&str>) -> Request {
        let request = Request::new(Method::GET, format!("{}{path}", self.settings.server), path)
            .header(ACCEPT, "application/xml")
            .secret_header(AUTHORIZATION, &self.login);
        match version {
            Some(version) => request.header(HeaderName::from_static("version"), version),
            None => request,
        }
    }

    async fn ask(&self, path: &str, version: Option<&str>) -> Result<Found> {
        let request = self.request(path, version);
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

    /// Hands each item of a list on as it comes; false when there is no such list. Lists of guests are long and say much
    /// that is not reported, so no list is ever in memory.
    async fn list(&self, api: &Api, what: &str, each: impl FnMut(&Element) + Send) -> Result<bool> {
        let path = format!("{}/{what}", api.path);
        let response = self
            .http
            .start(self.request(&path, api.header), None)
            .await?;
        match response.status() {
            StatusCode::UNAUTHORIZED => return Err(self.http.refused("HTTP status 401")),
            StatusCode::NOT_FOUND => return Ok(false),
            status if !status.is_success() => return Err(self.http.status(&path, status)),
            _ => {}
        }
        let within = self.settings.timeout;
        stream::children(stream::body(response, within), what, each)
            .await
            .map_err(|failure| failure.told(&self.http, &path, within))?;
        Ok(true)
    }

    /// Clusters tell which API is there: those with guests, by id, with their names.
    async fn clusters(&mut self) -> Result<(Api, HashMap<String, String>)> {
        let known = self.api.clone();
        let version_4 = Api {
            path: "ovirt-engine/api/v4",
            header: None,
        };
        let first = known.unwrap_or(version_4);
        if let Some(clusters) = self.clusters_of(&first).await? {
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
            if let Some(clusters) = self.clusters_of(&api).await? {
                self.api = Some(api.clone());
                return Ok((api, clusters));
            }
        }
        Err(self.http.status("ovirt-engine/api", StatusCode::NOT_FOUND))
    }

    async fn clusters_of(&self, api: &Api) -> Result<Option<HashMap<String, String>>> {
        let mut names = HashMap::new();
        let there = self
            .list(api, "clusters", |cluster| {
                if cluster.text_at(&["virt_service"]) != Some("true") {
                    return;
                }
                if let Some(id) = cluster.attribute("id") {
                    let name = cluster.text_at(&["name"]).unwrap_or(id);
                    names.insert(id.to_owned(), name.to_owned());
                }
            })
            .await?;
        Ok(there.then_some(names))
    }

    async fn needed(&self, api: &Api, what: &str, each: impl FnMut(&Element) + Send) -> Result<()> {
        if self.list(api, what, each).await? {
            Ok(())
        } else {
            Err(self.http.status(what, StatusCode::NOT_FOUND))
        }
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
        // Each host by its id, as it is reported; `None` for one of a cluster without guests, which is no news.
        let mut hosts = Vec::new();
        self.needed(&api, "hosts", |host| {
            let cluster = host
                .child("cluster")
                .and_then(|cluster| cluster.attribute("id"))
                .and_then(|id| clusters.get(id));
            let mapped = cluster.map(|cluster| self.map(host, cluster));
            hosts.push((host.attribute("id").map(str::to_owned), mapped));
        })
        .await?;
        let mut on: BTreeMap<String, Vec<Guest>> = BTreeMap::new();
        let mut left_out = Vec::new();
        let kind = "rhevm".into();
        self.needed(&api, "vms", |guest| match guest_of(guest, &kind) {
            Ok(Some((host, guest))) => on.entry(host).or_default().push(guest),
            Ok(None) => {}
            Err(note) => left_out.push(note),
        })
        .await?;
        for note in left_out {
            sink.note(note);
        }
        let mut page = Vec::new();
        for (id, mapped) in hosts {
            let guests = id.and_then(|id| on.remove(&id));
            match mapped {
                Some(Ok(mut mapped)) => {
                    mapped.guests = guests.unwrap_or_default();
                    page.push(mapped);
                }
                Some(Err(note)) => sink.note(note),
                None => {}
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

/// A guest with the id of its host; none for one that is off, which is on no host.
fn guest_of(
    guest: &Element,
    kind: &Arc<str>,
) -> std::result::Result<Option<(String, Guest)>, Note> {
    let Some(host) = guest.child("host").and_then(|host| host.attribute("id")) else {
        return Ok(None);
    };
    let Some(id) = guest.attribute("id") else {
        let shown = guest.text_at(&["name"]).unwrap_or("without a name");
        return Err(Note::GuestLeftOut {
            guest: shown.to_owned(),
            reason: "it has no id".to_owned(),
        });
    };
    let status = guest.child("status");
    let word = status.and_then(|status| status.text_at(&["state"]).or(status.trimmed()));
    Ok(Some((host.to_owned(), Guest::new(id, state(word), kind))))
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
