//! Candlepin: Satellite 6, Katello, SAM, the hosted service. Reference: virt-who, section 7.2.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method;
use reqwest::header::{
    ACCEPT, ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, HeaderName, RETRY_AFTER, USER_AGENT,
};
use serde_json::Value;
use url::form_urlencoded::byte_serialize;

use super::check_in::{Async, Local, Sync};
use super::consumer::Consumer;
use super::{Delivery, Destination, Error, Job, Named, Result, Sent, Taken};
use crate::config::candlepin::Candlepin as To;
use crate::http::{Answer, Http, Request, Trust, basic};
use crate::inventory::Inventory;
use crate::settings::Settings;

/// How long is waited after 429 without a `Retry-After`.
const PAUSE: Duration = Duration::from_secs(30);

/// The longest pause that a server can ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 3600);

/// What `status` calls itself, so that the server does not take it for the running program.
const STATUS_REPORTER: &str = "status_test";

/// What a server can do.
#[derive(Debug, Clone, Default)]
struct Capabilities {
    version: String,
    asynchronous: bool,
    heartbeat: bool,
}

/// One Candlepin server and organization.
pub struct Candlepin {
    to: To,
    http: Http,
    consumer: Option<String>,
    correlation: String,
    capabilities: Option<Capabilities>,
}

impl Candlepin {
    /// Makes the client; reads certificates, asks nobody.
    ///
    /// # Errors
    /// An unregistered machine without an account, files that cannot be read.
    pub fn new(to: &To) -> Result<Self> {
        let mut settings = Settings::new("candlepin", to.base());
        settings.prefix = "rhsm_";
        settings.insecure = to.insecure;
        settings.proxy = to.proxy.clone();
        settings.timeout = to.timeout;
        let consumer = match &to.account {
            Some(_) => None,
            None => Some(Consumer::read(&to.consumer)?),
        };
        let trust = Trust {
            ca: authorities(to)?,
            identity: consumer.as_ref().map(|consumer| consumer.pem.clone()),
        };
        Ok(Self {
            http: Http::with(&settings, &to.base(), &trust)?,
            // Guests of this machine are those of its consumer, whoever logs in.
            consumer: match consumer {
                Some(consumer) => Some(consumer.uuid),
                None => Consumer::name(&to.consumer),
            },
            correlation: hex::encode(rand::random::<[u8; 16]>()),
            capabilities: None,
            to: to.clone(),
        })
    }

    fn request(&self, method: Method, path: &str, doing: &str) -> Request {
        let mut request = Request::new(method, format!("{}{path}", self.to.base()), doing)
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json")
            .header(ACCEPT_LANGUAGE, "en-us")
            .header(
                USER_AGENT,
                concat!(
                    "RHSM/1.0 (cmd=virt-who) airlock-virt-who/",
                    env!("CARGO_PKG_VERSION")
                ),
            )
            .header(
                HeaderName::from_static("x-subscription-manager-version"),
                env!("CARGO_PKG_VERSION"),
            )
            .header(
                HeaderName::from_static("x-correlation-id"),
                &self.correlation,
            );
        if let Some((user, password)) = &self.to.account {
            request = request.secret_header(AUTHORIZATION, &basic(user, password.reveal()));
        }
        request
    }

    /// Sends a request; what is not good is an error.
    async fn ask(&self, request: Request) -> Result<Answer> {
        let doing = request.doing.clone();
        let answer = self.http.send(request).await?;
        match answer.status.as_u16() {
            200 | 202 | 204 | 304 => Ok(answer),
            429 => Err(Error::Busy {
                server: self.http.server().to_owned(),
                after: retry_after(&answer),
            }),
            status => {
                let said = said(&answer);
                Err(match (status, said) {
                    (401, said) => self
                        .http
                        .refused(said.unwrap_or_else(|| "HTTP status 401".to_owned()))
                        .into(),
                    (410, said) => Error::Unregistered {
                        reason: said.unwrap_or_else(|| {
                            "the consumer no longer exists on the server".to_owned()
                        }),
                    },
                    (_, Some(reason)) => Error::Rejected {
                        server: self.http.server().to_owned(),
                        reason: format!("{reason} (HTTP status {status})"),
                    },
                    (_, None) => self.http.status(&doing, answer.status).into(),
                })
            }
        }
    }

    fn json(&self, answer: &Answer, doing: &str) -> Result<Value> {
        serde_json::from_slice(&answer.body)
            .map_err(|_| self.http.protocol(doing, "it is no JSON").into())
    }

    /// Asks whether the server is well, and what it can do.
    async fn ping(&mut self) -> Result<Capabilities> {
        let doing = "status";
        let answer = self
            .ask(self.request(Method::GET, "/status/", doing))
            .await?;
        let status = self.json(&answer, doing)?;
        if status.get("result") != Some(&Value::Bool(true)) {
            return Err(self
                .http
                .protocol(
                    doing,
                    "it does not say that it is well (result is not true)",
                )
                .into());
        }
        let can = |name: &str| {
            status
                .get("managerCapabilities")
                .and_then(Value::as_array)
                .is_some_and(|list| list.iter().any(|item| item.as_str() == Some(name)))
        };
        let found = Capabilities {
            version: status
                .get("version")
                .and_then(Value::as_str)
                .unwrap_or("of an unknown version")
                .to_owned(),
            asynchronous: can("hypervisors_async") && !self.to.disable_async,
            heartbeat: can("hypervisors_heartbeat"),
        };
        self.capabilities = Some(found.clone());
        Ok(found)
    }

    fn owner(&self) -> Result<String> {
        match &self.to.owner {
            Some(owner) => Ok(byte_serialize(owner.as_bytes()).collect()),
            None => Err(Error::Rejected {
                server: self.http.server().to_owned(),
                reason: "hosts can be reported for an organization only; set owner=".to_owned(),
            }),
        }
    }

    /// Asks a question that only a good login gets an answer to, and that changes nothing: `GET /status/` is open to all.
    async fn log_in(&self) -> Result<()> {
        let escaped = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let doing = "the login";
        if let Some((user, _)) = &self.to.account {
            let path = format!("/users/{}/owners", escaped(user));
            let answer = self.ask(self.request(Method::GET, &path, doing)).await?;
            let owners = self.json(&answer, doing)?;
            let (Some(owner), Some(owners)) = (&self.to.owner, owners.as_array()) else {
                return Ok(());
            };
            let named = |item: &Value, name: &str| {
                item.get(name).and_then(Value::as_str) == Some(owner.as_str())
            };
            if !owners.iter().any(|item| named(item, "key")) {
                return Err(Error::Inaccessible {
                    owner: owner.clone(),
                });
            }
        } else if let Some(uuid) = &self.consumer {
            let path = format!("/consumers/{}", escaped(uuid));
            self.ask(self.request(Method::GET, &path, doing)).await?;
        }
        Ok(())
    }

    /// A sign of life; what the server answers, `null` when it does not know the organization.
    async fn sign(&self, reporter: &str) -> Result<Value> {
        let owner = self.owner()?;
        let reporter: String = byte_serialize(reporter.as_bytes()).collect();
        let path = format!("/hypervisors/{owner}/heartbeat?reporter_id={reporter}");
        let answer = self
            .ask(self.request(Method::PUT, &path, "the heartbeat"))
            .await?;
        Ok(serde_json::from_slice(&answer.body).unwrap_or(Value::Null))
    }

    fn described(can: &Capabilities) -> String {
        let way = if can.asynchronous { "async" } else { "old" };
        format!("Candlepin {}, {way} check-in", can.version)
    }

    async fn check_in(
        &mut self,
        inventories: Vec<&Inventory>,
    ) -> Result<(Option<String>, Vec<String>)> {
        let can = self.ping().await?;
        let owner = self.owner()?;
        let reporter: String = byte_serialize(self.to.reporter_id.as_bytes()).collect();
        let hosts: usize = inventories
            .iter()
            .map(|inventory| inventory.hosts().len())
            .sum();
        let guests: u64 = inventories
            .iter()
            .map(|inventory| inventory.counts().1)
            .sum();
        tracing::info!(
            "Sending updated Host-to-guest mapping to \"{}\" including {hosts} hypervisors and {guests} guests",
            self.to.owner.as_deref().unwrap_or_default()
        );
        let body = |value: serde_json::Result<Vec<u8>>| {
            value.map_err(|error| Error::Rejected {
                server: self.http.server().to_owned(),
                reason: format!("the report cannot be written: {error}"),
            })
        };
        let doing = "the check-in of hosts";
        if can.asynchronous {
            let body = body(serde_json::to_vec(&Async(inventories)))?;
            tracing::debug!(
                "Host-to-guest mapping being sent to '{}': {}",
                self.to.owner.as_deref().unwrap_or_default(),
                String::from_utf8_lossy(&body)
            );
            let path = format!("/hypervisors/{owner}?env=&cloaked=False&reporter_id={reporter}");
            let request = self
                .request(Method::POST, &path, doing)
                .header(CONTENT_TYPE, "text/plain")
                .body(body);
            let answer = self.ask(request).await?;
            let job = self.json(&answer, doing)?;
            let id = job.get("id").and_then(Value::as_str);
            return match id {
                Some(id) => Ok((Some(id.to_owned()), Vec::new())),
                None => Err(self.http.protocol(doing, "the job has no id").into()),
            };
        }
        let body = body(serde_json::to_vec(&Sync(&inventories)))?;
        let path = format!("/hypervisors?owner={owner}&env=");
        let answer = self
            .ask(self.request(Method::POST, &path, doing).body(body))
            .await?;
        Ok((None, failed_updates(&self.json(&answer, doing)?)))
    }

    async fn local(&mut self, inventory: &Inventory) -> Result<()> {
        let Some(local) = &inventory.local else {
            return Ok(());
        };
        self.ping().await?;
        let Some(uuid) = self.consumer.clone() else {
            return Err(Error::Unregistered {
                reason: format!(
                    "guests of this machine are reported for its consumer, which {} would name",
                    self.to.consumer.join("cert.pem").display()
                ),
            });
        };
        let doing = "the list of resources";
        let answer = self.ask(self.request(Method::GET, "/", doing)).await?;
        let resources = self.json(&answer, doing)?;
        let plain = !resources.as_array().is_some_and(|list| {
            list.iter()
                .any(|item| item.get("rel").and_then(Value::as_str) == Some("guestids"))
        });
        let body =
            serde_json::to_vec(&Local { local, plain }).map_err(|error| Error::Rejected {
                server: self.http.server().to_owned(),
                reason: format!("the list cannot be written: {error}"),
            })?;
        let path = format!(
            "/consumers/{}",
            byte_serialize(uuid.as_bytes()).collect::<String>()
        );
        tracing::info!(
            "Sending update in guests lists for {uuid}: {} guests found",
            local.guests.len()
        );
        self.ask(
            self.request(Method::PUT, &path, "the update of local guests")
                .body(body),
        )
        .await?;
        Ok(())
    }
}

#[async_trait]
impl Destination for Candlepin {
    fn batches(&self) -> bool {
        true
    }

    async fn check(&mut self) -> Result<String> {
        let can = self.ping().await?;
        self.log_in().await?;
        Ok(Self::described(&can))
    }

    async fn status(&mut self) -> Result<String> {
        let can = self.ping().await?;
        match &self.to.owner {
            Some(owner) if can.heartbeat => {
                if self.sign(STATUS_REPORTER).await?.is_null() {
                    return Err(Error::Inaccessible {
                        owner: owner.clone(),
                    });
                }
            }
            // virt-who called every owner inaccessible on servers without the heartbeat; a login tells more.
            _ => self.log_in().await?,
        }
        Ok(Self::described(&can))
    }

    async fn heartbeat(&mut self, _sources: &[Named<'_>]) -> Result<Vec<String>> {
        if self.to.owner.is_none() {
            return Ok(Vec::new());
        }
        let can = match &self.capabilities {
            Some(can) => can.clone(),
            None => self.ping().await?,
        };
        if !can.heartbeat {
            return Ok(Vec::new());
        }
        self.sign(&self.to.reporter_id).await?;
        Ok(Vec::new())
    }

    async fn send(&mut self, deliveries: &[Delivery<'_>]) -> Sent {
        let mut sent = Sent::default();
        let (local, hosts): (Vec<_>, Vec<_>) = deliveries
            .iter()
            .partition(|delivery| delivery.inventory.local.is_some());
        if !hosts.is_empty() {
            let inventories = hosts.iter().map(|delivery| delivery.inventory).collect();
            match self.check_in(inventories).await {
                Ok((job, remarks)) => {
                    for delivery in hosts {
                        let mut taken = Taken::whole(delivery, delivery.accepted.marks.clone());
                        taken.job.clone_from(&job);
                        taken.remarks.clone_from(&remarks);
                        sent.taken.push(taken);
                    }
                }
                Err(error) => {
                    sent.error = Some(error);
                    return sent;
                }
            }
        }
        for delivery in local {
            match self.local(delivery.inventory).await {
                Ok(()) => sent
                    .taken
                    .push(Taken::whole(delivery, delivery.accepted.marks.clone())),
                Err(error) => {
                    sent.error = Some(error);
                    return sent;
                }
            }
        }
        sent
    }

    async fn job(&mut self, id: &str) -> Result<Job> {
        let doing = "the state of the check-in";
        let path = format!(
            "/jobs/{}?result_data=True",
            byte_serialize(id.as_bytes()).collect::<String>()
        );
        let answer = self.ask(self.request(Method::GET, &path, doing)).await?;
        let job = self.json(&answer, doing)?;
        let state = job
            .get("state")
            .and_then(Value::as_str)
            .unwrap_or("UNKNOWN")
            .to_owned();
        let remarks = match job.get("resultData") {
            Some(Value::String(text)) => vec![text.clone()],
            Some(result @ Value::Object(_)) => failed_updates(result),
            _ => Vec::new(),
        };
        // Everything that is not an end is still on its way: QUEUED, SCHEDULED, FAILED_WITH_RETRY too.
        Ok(match state.as_str() {
            "FINISHED" => Job::Done(state, remarks),
            "FAILED" | "CANCELED" | "ABORTED" => Job::Failed(state, remarks),
            _ => Job::Running(state),
        })
    }
}

/// The hosts that the server could not record.
fn failed_updates(result: &Value) -> Vec<String> {
    result
        .get("failedUpdate")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|item| match item {
            Value::String(text) => format!("failed update: {text}"),
            other => format!("failed update: {other}"),
        })
        .collect()
}

/// The server's own words about a failure.
fn said(answer: &Answer) -> Option<String> {
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    if let Some(text) = body.get("displayMessage").and_then(Value::as_str) {
        return Some(text.to_owned());
    }
    if let Some(errors) = body.get("errors").and_then(Value::as_array) {
        let errors: Vec<&str> = errors.iter().filter_map(Value::as_str).collect();
        if !errors.is_empty() {
            return Some(errors.join(" "));
        }
    }
    body.get("error_description")
        .and_then(Value::as_str)
        .map(str::to_owned)
}

pub(super) fn retry_after(answer: &Answer) -> Duration {
    answer
        .values(&RETRY_AFTER)
        .next()
        .and_then(|text| text.trim().parse().ok())
        .map_or(PAUSE, Duration::from_secs)
        .min(LONGEST_PAUSE)
}

/// The authorities for the server's certificate: a file, all `*.pem` of a folder, or the machine's.
fn authorities(to: &To) -> Result<Option<Vec<u8>>> {
    if to.insecure {
        return Ok(None);
    }
    if to.ca.is_file() || to.own_ca {
        return Ok(Some(crate::http::read_file(&to.ca)?));
    }
    let Ok(entries) = std::fs::read_dir(&to.ca) else {
        return Ok(None);
    };
    let mut paths: Vec<_> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "pem"))
        .collect();
    paths.sort();
    let mut pem = Vec::new();
    for path in paths {
        pem.extend(crate::http::read_file(&path)?);
        pem.push(b'\n');
    }
    Ok(Some(pem).filter(|pem| !pem.is_empty()))
}
