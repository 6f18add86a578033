//! XenServer and XCP-ng: XenAPI over XML-RPC. Reference: virt-who, section 6.7.

use std::time::Duration;

use airlock_xmlrpc::{Call, Limits, Response, Value, parse_response, write_call};
use async_trait::async_trait;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;

use super::{Backend, Error, Kind, Note, PAGE, Page, Remark, Result, Sink, Watched, Whole};
use crate::http::{Http, Request};
use crate::model::{Guest, Hypervisor, IdKind, SOCKETS, SYSTEM_UUID, State, TYPE, VERSION};
use crate::settings::Settings;

/// How often a pool may send its agent to another master.
const MASTERS: usize = 4;

/// `type=xen`.
#[derive(Debug)]
pub struct Xen;

impl Kind for Xen {
    fn name(&self) -> &'static str {
        "xen"
    }

    fn ids(&self) -> &'static [IdKind] {
        &[IdKind::Uuid, IdKind::Hostname]
    }

    fn complete(&self, settings: &mut Settings) -> Vec<Remark> {
        if !settings.server.is_empty() && !settings.server.contains("://") {
            settings.server.insert_str(0, "https://");
        }
        Vec::new()
    }

    fn open(&self, settings: Settings) -> Result<Box<dyn Backend>> {
        Ok(Box::new(Source {
            http: Http::new(&settings, &settings.server)?,
            url: settings.server.clone(),
            session: None,
            token: String::new(),
            settings,
        }))
    }
}

/// One pool.
struct Source {
    settings: Settings,
    http: Http,
    /// The master's address.
    url: String,
    session: Option<String>,
    /// Where events go on from.
    token: String,
}

/// What XenAPI says beside a value.
enum Said {
    Value(Value),
    /// The parts of `ErrorDescription`.
    Failure(Vec<String>),
}

impl Source {
    async fn call(
        &self,
        method: &str,
        parameters: Vec<Value>,
        longer: Option<Duration>,
    ) -> Result<Said> {
        let body = write_call(&Call::new(method, parameters));
        let request = Request::new(Method::POST, &self.url, method)
            .header(CONTENT_TYPE, "text/xml")
            .body(body);
        let http = match longer {
            Some(longer) => &self.http.within(longer),
            None => &self.http,
        };
        let answer = http.send(request).await?;
        if !answer.status.is_success() {
            return Err(self.http.status(method, answer.status));
        }
        let response = parse_response(&answer.body, &Limits::default())
            .map_err(|error| self.http.protocol(method, error.to_string()))?;
        let value = match response {
            Response::Value(value) => value,
            Response::Fault(fault) => {
                return Err(Error::Fault {
                    server: self.http.server().to_owned(),
                    doing: method.to_owned(),
                    reason: format!("{} ({})", fault.text, fault.code),
                });
            }
        };
        match value.member("Status").and_then(Value::as_str) {
            Some("Success") => match value.member("Value") {
                Some(value) => Ok(Said::Value(value.clone())),
                None => Err(self.http.protocol(method, "it has no Value")),
            },
            Some("Failure") => Ok(Said::Failure(
                value
                    .member("ErrorDescription")
                    .and_then(Value::as_array)
                    .unwrap_or_default()
                    .iter()
                    .filter_map(|part| part.as_str().map(str::to_owned))
                    .collect(),
            )),
            _ => Err(self.http.protocol(method, "it has no Status")),
        }
    }

    fn failure(&self, method: &str, parts: &[String]) -> Error {
        let server = self.http.server().to_owned();
        let reason = parts.join(", ");
        match parts.first().map(String::as_str) {
            Some("SESSION_AUTHENTICATION_FAILED") => Error::Refused { server, reason },
            Some("SESSION_INVALID") => Error::SessionLost { server, reason },
            _ => Error::Fault {
                server,
                doing: method.to_owned(),
                reason,
            },
        }
    }

    async fn log_in(&mut self) -> Result<()> {
        let method = "session.login_with_password";
        self.session = None;
        self.token.clear();
        for _ in 0..MASTERS {
            let (user, password) = self.settings.account();
            let parameters = vec![
                Value::String(user.to_owned()),
                Value::String(password.reveal().to_owned()),
            ];
            match self.call(method, parameters, None).await? {
                Said::Value(Value::String(session)) => {
                    self.session = Some(session);
                    return Ok(());
                }
                Said::Value(_) => return Err(self.http.protocol(method, "the session is no text")),
                Said::Failure(parts) => match parts.as_slice() {
                    [code, master, ..] if code == "HOST_IS_SLAVE" => self.go_to(master)?,
                    parts => return Err(self.failure(method, parts)),
                },
            }
        }
        Err(Error::TooMuch {
            server: self.http.server().to_owned(),
            doing: method.to_owned(),
            limit: MASTERS,
            what: "references to another master",
        })
    }

    /// The pool's master is elsewhere: same scheme, its address.
    fn go_to(&mut self, master: &str) -> Result<()> {
        let scheme = self.settings.server.split("://").next().unwrap_or("https");
        let place = if master.matches(':').count() > 1 && !master.starts_with('[') {
            format!("[{master}]")
        } else {
            master.to_owned()
        };
        let url = format!("{scheme}://{place}");
        if place.contains(['/', '@', '?', '#']) || url::Url::parse(&url).is_err() {
            return Err(self.http.protocol(
                "session.login_with_password",
                "the master's address is none",
            ));
        }
        tracing::info!(source = %self.settings.name, master = %url, "the pool's master is another host");
        self.http = Http::new(&self.settings, &url)?;
        self.url = url;
        Ok(())
    }

    /// A call within the session.
    async fn ask(&self, method: &str, object: Option<&str>) -> Result<Option<Value>> {
        let session = self.session.clone().ok_or_else(|| Error::SessionLost {
            server: self.http.server().to_owned(),
            reason: "there is none".to_owned(),
        })?;
        let mut parameters = vec![Value::String(session)];
        parameters.extend(object.map(|object| Value::String(object.to_owned())));
        match self.call(method, parameters, None).await? {
            Said::Value(value) => Ok(Some(value)),
            // It has gone between the list and the question.
            Said::Failure(parts) if parts.first().is_some_and(|code| code == "HANDLE_INVALID") => {
                Ok(None)
            }
            Said::Failure(parts) => Err(self.failure(method, &parts)),
        }
    }

    async fn references(&self, method: &str, object: Option<&str>) -> Result<Option<Vec<String>>> {
        let Some(value) = self.ask(method, object).await? else {
            return Ok(None);
        };
        let list = value
            .as_array()
            .ok_or_else(|| self.http.protocol(method, "it is no list"))?;
        let texts = list
            .iter()
            .filter_map(|value| value.as_str().map(str::to_owned));
        Ok(Some(texts.collect()))
    }

    async fn host(&self, reference: &str, sink: &mut dyn Sink) -> Result<Option<Hypervisor>> {
        let Some(record) = self.ask("host.get_record", Some(reference)).await? else {
            return Ok(None);
        };
        let text = |name: &str| {
            record
                .member(name)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
        };
        let id = match self.settings.hypervisor_id {
            IdKind::Hostname => text("hostname"),
            IdKind::Uuid | IdKind::HwUuid => text("uuid"),
        };
        let Some(id) = id else {
            sink.note(Note::HostLeftOut {
                host: text("name_label").unwrap_or(reference).to_owned(),
                reason: format!("it has no {}", self.settings.hypervisor_id),
            });
            return Ok(None);
        };
        let mut host = Hypervisor::new(id);
        host.name = text("hostname").map(Into::into);
        let inner = |outer: &str, name: &str| {
            record
                .member(outer)
                .and_then(|inner| inner.member(name))
                .and_then(Value::as_str)
        };
        for (fact, value) in [
            (SOCKETS, inner("cpu_info", "socket_count")),
            (TYPE, inner("software_version", "product_brand")),
            (VERSION, inner("software_version", "product_version")),
            (SYSTEM_UUID, text("uuid")),
        ] {
            if let Some(value) = value {
                host.fact(fact, value);
            }
        }
        let kind = "xen".into();
        let Some(guests) = self
            .references("host.get_resident_VMs", Some(reference))
            .await?
        else {
            sink.note(Note::HostLeftOut {
                host: host.name.as_deref().unwrap_or(reference).to_owned(),
                reason: "it has gone while the list was read".to_owned(),
            });
            return Ok(None);
        };
        for guest in guests {
            let Some(record) = self.ask("VM.get_record", Some(&guest)).await? else {
                sink.note(Note::GuestLeftOut {
                    guest,
                    reason: "it has gone while the list was read".to_owned(),
                });
                continue;
            };
            let is = |name: &str| matches!(record.member(name), Some(Value::Bool(true)));
            if is("is_control_domain") || is("is_a_snapshot") || is("is_a_template") {
                continue;
            }
            match record.member("uuid").and_then(Value::as_str) {
                Some(uuid) if !uuid.is_empty() => {
                    let state = record.member("power_state").and_then(Value::as_str);
                    host.guests.push(Guest::new(uuid, power(state), &kind));
                }
                _ => sink.note(Note::GuestLeftOut {
                    guest,
                    reason: "it has no uuid".to_owned(),
                }),
            }
        }
        Ok(Some(host))
    }

    async fn all(&self, sink: &mut dyn Sink) -> Result<Vec<Hypervisor>> {
        let mut hosts = Vec::new();
        let method = "host.get_all";
        let Some(references) = self.references(method, None).await? else {
            return Err(self.failure(method, &["HANDLE_INVALID".to_owned()]));
        };
        for reference in references {
            hosts.extend(self.host(&reference, sink).await?);
        }
        Ok(hosts)
    }

    /// Asks for events once. True: there were some.
    async fn events(&mut self, wait: f64) -> Result<bool> {
        let session = self.session.clone().unwrap_or_default();
        let classes = ["host", "vm"].map(|class| Value::String(class.to_owned()));
        let parameters = vec![
            Value::String(session),
            Value::Array(classes.into()),
            Value::String(self.token.clone()),
            Value::Double(wait),
        ];
        let longer = self.settings.timeout + Duration::from_secs_f64(wait);
        let said = self.call("event.from", parameters, Some(longer)).await?;
        let value = match said {
            Said::Value(value) => value,
            Said::Failure(parts) => return Err(self.failure("event.from", &parts)),
        };
        if let Some(token) = value.member("token").and_then(Value::as_str) {
            token.clone_into(&mut self.token);
        }
        let events = value.member("events").and_then(Value::as_array);
        Ok(events.is_some_and(|events| !events.is_empty()))
    }
}

#[async_trait]
impl Backend for Source {
    async fn connect(&mut self) -> Result<()> {
        self.log_in().await
    }

    async fn read(&mut self, sink: &mut dyn Sink) -> Result<Whole> {
        let hosts = match self.all(sink).await {
            Err(Error::SessionLost { reason, .. }) => {
                tracing::info!(source = %self.settings.name, %reason, "logging in again");
                self.log_in().await?;
                self.all(sink).await?
            }
            other => other?,
        };
        let mut hosts = hosts;
        while !hosts.is_empty() {
            let rest = hosts.split_off(hosts.len().min(PAGE));
            sink.page(Page::Hosts(std::mem::replace(&mut hosts, rest)))
                .await;
        }
        Ok(Whole::default())
    }

    async fn watch(&mut self, limit: Duration) -> Result<Watched> {
        // The first question gets an event for everything that is there: only its token counts.
        if self.token.is_empty() {
            self.events(1.0).await?;
            return Ok(Watched::Changed);
        }
        match self.events(limit.as_secs_f64().clamp(1.0, 300.0)).await {
            Ok(true) => Ok(Watched::Changed),
            Ok(false) => Ok(Watched::Quiet),
            Err(Error::SessionLost { .. }) => {
                self.log_in().await?;
                Ok(Watched::Changed)
            }
            Err(error) => Err(error),
        }
    }

    fn watches(&self) -> bool {
        true
    }

    async fn close(&mut self) {
        if self.session.is_some() {
            let _ = self.ask("session.logout", None).await;
        }
        self.session = None;
        self.token.clear();
    }
}

fn power(word: Option<&str>) -> State {
    match word {
        Some("Running") => State::Running,
        Some("Suspended" | "Paused") => State::Paused,
        Some("Halted") => State::ShutOff,
        _ => State::Unknown,
    }
}
