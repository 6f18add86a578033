//! Hyper-V: one host over WS-Management (WinRM). Reference: virt-who, section 6.2.

mod auth;
mod ntlm;
mod sealed;
mod wsman;

use std::collections::HashMap;

use async_trait::async_trait;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, StatusCode};

use self::auth::{Login, Wanted};
use super::{
    Backend, Error, Form, Kind, Level, Need, Note, OptionSpec, Page, Remark, Result, Sink, Whole,
};
use crate::http::{Http, Request};
use crate::model::{Guest, Hypervisor, IdKind, SOCKETS, SYSTEM_UUID, State, TYPE, VERSION, uuid};
use crate::settings::Settings;
use crate::xml::Element;

/// Items of one list at most; a Hyper-V host runs about a thousand guests.
const ITEMS: usize = 100_000;

/// More pulls than any list has.
const PULLS: usize = 100_000;
/// The old namespace and the one since Windows Server 2012.
const SPACES: [(&str, &str); 2] = [
    (
        "root/virtualization",
        "select BIOSGUID, VirtualSystemIdentifier from Msvm_VirtualSystemSettingData where SettingType = 3",
    ),
    (
        "root/virtualization/v2",
        "select BIOSGUID, VirtualSystemIdentifier from Msvm_VirtualSystemSettingData where VirtualSystemType = 'Microsoft:Hyper-V:System:Realized'",
    ),
];
const VMMS: &str =
    r"select * from CIM_Datafile where Path = '\\windows\\system32\\' and FileName='vmms'";

/// `type=hyperv`.
#[derive(Debug)]
pub struct Hyperv;

impl Kind for Hyperv {
    fn name(&self) -> &'static str {
        "hyperv"
    }

    fn ids(&self) -> &'static [IdKind] {
        &[IdKind::Uuid, IdKind::Hostname]
    }

    fn options(&self) -> &'static [OptionSpec] {
        const TEXT: OptionSpec = OptionSpec {
            name: "auth_method",
            form: Form::Text,
            need: Need::Optional,
            about: "ntlm, or basic; by itself it takes NTLM where the server offers it",
        };
        &[
            TEXT,
            OptionSpec {
                name: "kerberos_keytab",
                about: "known and refused: Kerberos is not supported",
                ..TEXT
            },
            OptionSpec {
                name: "kerberos_principal",
                about: "known and refused: Kerberos is not supported",
                ..TEXT
            },
        ]
    }

    fn complete(&self, settings: &mut Settings) -> Vec<Remark> {
        let mut remarks = Vec::new();
        match settings.option("auth_method") {
            None | Some("basic" | "ntlm") => {}
            Some("kerberos") => remarks.push(Remark::new(
                Level::Error,
                format!("{}. {}", auth::NO_KERBEROS.0, auth::NO_KERBEROS.1),
            )),
            Some(other) => remarks.push(Remark::new(
                Level::Error,
                format!("auth_method must be one of: basic, ntlm (and not \"{other}\")"),
            )),
        }
        if settings.option("auth_method") != Some("kerberos") {
            for name in ["kerberos_keytab", "kerberos_principal"] {
                if settings.options.remove(name).is_some() {
                    remarks.push(Remark::new(
                        Level::Warning,
                        format!("{name} is ignored: it means nothing without auth_method=kerberos"),
                    ));
                }
            }
        }
        if settings.server.is_empty() {
            return remarks;
        }
        let completed = completed(&settings.server);
        if completed != settings.server {
            remarks.push(Remark::new(
                Level::Info,
                format!(
                    "The original server URL was incomplete. It has been enhanced to {completed}"
                ),
            ));
            settings.server = completed;
        }
        remarks
    }

    fn open(&self, settings: Settings) -> Result<Box<dyn Backend>> {
        let wanted = match settings.option("auth_method") {
            Some("basic") => Wanted::Basic,
            Some("ntlm") => Wanted::Ntlm,
            Some("kerberos") => {
                return Err(Error::Unsupported {
                    what: auth::NO_KERBEROS.0.to_owned(),
                    instead: auth::NO_KERBEROS.1.to_owned(),
                });
            }
            _ => Wanted::Either,
        };
        let (user, password) = settings.account();
        Ok(Box::new(Source {
            http: Http::new(&settings, &settings.server)?,
            login: Login::new(user, password, wanted),
            space: None,
            settings,
        }))
    }
}

/// `http`, port 5985 (5986 for https) and `/wsman` where nothing else is said.
fn completed(server: &str) -> String {
    let (scheme, rest) = match server.split_once("//") {
        Some((scheme, rest)) => (scheme.trim_end_matches(':'), rest),
        None => ("http", server),
    };
    let (place, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    // An IPv6 address has colons of its own; its brackets end before the port.
    let after_address = place.rsplit(']').next().unwrap_or(place);
    let port = match (after_address.contains(':'), scheme) {
        (true, _) => "",
        (false, "https") => ":5986",
        (false, _) => ":5985",
    };
    let path = if path.is_empty() || path == "/" {
        "/wsman"
    } else {
        path
    };
    format!("{scheme}://{place}{port}{path}")
}

/// Reads the bytes as a challenge, a sealed message and a fault.
pub(super) fn fuzz(bytes: &[u8]) {
    let account = ntlm::Account {
        user: "D\\u",
        password: "p",
    };
    let _ = ntlm::authenticate(b"", bytes, &account, &ntlm::Chosen::now());
    let _ = sealed::unpack(&mut ntlm::Sealing::client(&[0; 16]), bytes);
    let _ = wsman::fault(bytes);
}

/// One host.
struct Source {
    settings: Settings,
    http: Http,
    login: Login,
    /// Which of [`SPACES`] it knows.
    space: Option<usize>,
}

/// An answer, or the status of a failure that the caller may know what to do with.
enum Said {
    Body(Element),
    Failed(Error),
}

impl Source {
    async fn ask(&mut self, doing: &str, envelope: &str) -> Result<Said> {
        let url = self.settings.server.clone();
        let request =
            || Request::new(Method::POST, &url, doing).header(CONTENT_TYPE, wsman::CONTENT);
        let answer = self
            .login
            .send(&self.http, request, envelope.as_bytes())
            .await?;
        match answer.status {
            StatusCode::UNAUTHORIZED => Err(self.http.refused("HTTP status 401")),
            status if status.is_success() => {
                Element::read(&answer.body)
                    .map(Said::Body)
                    .map_err(|error| match error {
                        crate::xml::Error::Unfinished(tag) => Error::Partial {
                            server: self.http.server().to_owned(),
                            doing: doing.to_owned(),
                            reason: format!("it ends within <{tag}>"),
                        },
                        error => self.http.protocol(doing, error.to_string()),
                    })
            }
            status => Ok(Said::Failed(match wsman::fault(&answer.body) {
                Some(reason) => Error::Fault {
                    server: self.http.server().to_owned(),
                    doing: doing.to_owned(),
                    reason,
                },
                None => self.http.status(doing, status),
            })),
        }
    }

    async fn needed(&mut self, doing: &str, envelope: &str) -> Result<Element> {
        match self.ask(doing, envelope).await? {
            Said::Body(root) => Ok(root),
            Said::Failed(error) => Err(error),
        }
    }

    fn context(&self, doing: &str, root: &Element) -> Result<String> {
        root.find("EnumerationContext")
            .and_then(Element::trimmed)
            .map(str::to_owned)
            .ok_or_else(|| self.http.protocol(doing, "it has no EnumerationContext"))
    }

    async fn enumerate(&mut self, space: &str, query: &str) -> Result<String> {
        let envelope = wsman::enumerate(&self.settings.server, space, query);
        let root = self.needed(query, &envelope).await?;
        self.context(query, &root)
    }

    /// Everything behind a context.
    async fn pull(&mut self, space: &str, context: String) -> Result<Vec<Element>> {
        let mut items = Vec::new();
        let mut context = context;
        for _ in 0..PULLS {
            let envelope = wsman::pull(&self.settings.server, space, &context);
            let root = self.needed("Pull", &envelope).await?;
            let Some(response) = root.find("PullResponse") else {
                return Err(self.http.protocol("Pull", "it has no PullResponse"));
            };
            if let Some(found) = response.child("Items") {
                items.extend(found.children.iter().cloned());
            }
            if items.len() > ITEMS {
                return Err(Error::TooMuch {
                    server: self.http.server().to_owned(),
                    doing: "Pull".to_owned(),
                    limit: ITEMS,
                    what: "items",
                });
            }
            match response.text_at(&["EnumerationContext"]) {
                Some(next) if response.child("EndOfSequence").is_none() => {
                    next.clone_into(&mut context);
                }
                _ => return Ok(items),
            }
        }
        Err(Error::TooMuch {
            server: self.http.server().to_owned(),
            doing: "Pull".to_owned(),
            limit: PULLS,
            what: "pages",
        })
    }

    async fn query(&mut self, space: &str, query: &str) -> Result<Vec<Element>> {
        let context = self.enumerate(space, query).await?;
        self.pull(space, context).await
    }

    /// The context of the list of guests. The old namespace is tried first, and what answered is kept in mind.
    async fn guests(&mut self) -> Result<(usize, String)> {
        let first = self.space.unwrap_or(0);
        for (number, (space, query)) in SPACES.iter().enumerate().skip(first) {
            let envelope = wsman::enumerate(&self.settings.server, space, query);
            match self.ask(query, &envelope).await? {
                Said::Body(root) => {
                    self.space = Some(number);
                    return Ok((number, self.context(query, &root)?));
                }
                Said::Failed(error) if number + 1 == SPACES.len() => return Err(error),
                Said::Failed(error) => {
                    tracing::debug!(source = %self.settings.name, %error, space, "the next namespace is tried");
                }
            }
        }
        Err(self.http.protocol("Enumerate", "no namespace is known"))
    }

    /// States by the guests' names, which are ids.
    async fn states(&mut self, space: &str) -> Result<HashMap<String, State>> {
        let envelope = wsman::summary(&self.settings.server, space);
        let root = self.needed("GetSummaryInformation", &envelope).await?;
        let Some(output) = root.find("GetSummaryInformation_OUTPUT") else {
            return Err(self
                .http
                .protocol("GetSummaryInformation", "it has no output"));
        };
        Ok(output
            .all("SummaryInformation")
            .filter_map(|summary| {
                let name = summary.text_at(&["Name"])?;
                let state = summary.text_at(&["EnabledState"]).unwrap_or_default();
                Some((name.to_owned(), self::state(state)))
            })
            .collect())
    }

    async fn all(&mut self, sink: &mut dyn Sink) -> Result<Option<Hypervisor>> {
        let (space, context) = self.guests().await?;
        let space = SPACES.get(space).map_or("", |(space, _)| space);
        let states = self.states(space).await?;
        let version = self
            .query("root/cimv2", VMMS)
            .await?
            .iter()
            .find(|item| {
                item.text_at(&["Path"])
                    .is_some_and(|path| path.eq_ignore_ascii_case(r"\windows\system32\"))
            })
            .and_then(|item| item.text_at(&["Version"]))
            .unwrap_or_default()
            .to_owned();
        // Servers go by the context; the old program named this namespace for both.
        let listed = self.pull("root/virtualization", context).await?;
        let kind = "hyperv".into();
        let mut guests = Vec::with_capacity(listed.len());
        for item in &listed {
            let name = item.text_at(&["VirtualSystemIdentifier"]);
            let id = item.text_at(&["BIOSGUID"]).and_then(uuid::of_windows);
            match (id, name) {
                (Some(id), Some(name)) => {
                    let state = states.get(name).copied().unwrap_or_default();
                    guests.push(Guest::new(id, state, &kind));
                }
                (_, name) => sink.note(Note::GuestLeftOut {
                    guest: name.unwrap_or("without VirtualSystemIdentifier").to_owned(),
                    reason: "it has no BIOSGUID or no VirtualSystemIdentifier".to_owned(),
                }),
            }
        }
        let computer = self
            .query(
                "root/cimv2",
                "select DNSHostName, NumberOfProcessors from Win32_ComputerSystem",
            )
            .await?;
        let product = self
            .query("root/cimv2", "select UUID from Win32_ComputerSystemProduct")
            .await?;
        let of = |items: &[Element], name: &str| {
            items
                .iter()
                .find_map(|item| item.text_at(&[name]))
                .map(str::to_owned)
        };
        let name = of(&computer, "DNSHostName");
        let machine = of(&product, "UUID").and_then(|guid| uuid::of_windows(&guid));
        let id = match self.settings.hypervisor_id {
            IdKind::Hostname => name.clone(),
            IdKind::Uuid | IdKind::HwUuid => machine.clone(),
        };
        let Some(id) = id else {
            sink.note(Note::HostLeftOut {
                host: name.unwrap_or_else(|| self.settings.server.clone()),
                reason: format!("it tells no {}", self.settings.hypervisor_id),
            });
            return Ok(None);
        };
        let mut host = Hypervisor::new(id);
        host.name = name.map(Into::into);
        host.guests = guests;
        if let Some(sockets) = of(&computer, "NumberOfProcessors") {
            host.fact(SOCKETS, sockets);
        }
        host.fact(TYPE, "hyperv");
        host.fact(VERSION, version);
        if let Some(machine) = machine {
            host.fact(SYSTEM_UUID, machine);
        }
        Ok(Some(host))
    }
}

#[async_trait]
impl Backend for Source {
    async fn connect(&mut self) -> Result<()> {
        self.login.forget();
        self.guests().await.map(drop)
    }

    async fn read(&mut self, sink: &mut dyn Sink) -> Result<Whole> {
        let host = self.all(sink).await?;
        if self.login.bare(&self.settings.server) {
            sink.note(Note::Remark(
                "the password goes over http as it is (Basic); use https in server=, or let the server offer Negotiate"
                    .to_owned(),
            ));
        }
        sink.page(Page::Hosts(host.into_iter().collect())).await;
        Ok(Whole::default())
    }

    async fn close(&mut self) {
        self.login.forget();
    }
}

/// `EnabledState` of Msvm_SummaryInformation.
fn state(word: &str) -> State {
    match word {
        "2" => State::Running,
        "3" => State::ShutOff,
        "4" => State::ShuttingDown,
        "9" | "32768" => State::Paused,
        "32769" => State::PmSuspended,
        _ => State::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_completed() {
        assert_eq!(
            completed("hv.example.com"),
            "http://hv.example.com:5985/wsman"
        );
        assert_eq!(completed("https://hv"), "https://hv:5986/wsman");
        assert_eq!(completed("hv:1234/foo"), "http://hv:1234/foo");
        assert_eq!(completed("http://hv:5985/wsman"), "http://hv:5985/wsman");
        assert_eq!(
            completed("[2001:db8::1]"),
            "http://[2001:db8::1]:5985/wsman"
        );
    }
}
