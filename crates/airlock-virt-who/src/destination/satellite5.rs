//! Satellite 5 and Spacewalk, by XML-RPC. Reference: virt-who, section 7.1.
//!
//! Each host is registered once as a system of its own and then sends what runs on it. Only hosts that changed are sent.

use std::path::{Path, PathBuf};

use airlock_xmlrpc::{Call, Fault, Limits, Response, Value, parse_response, write_call};
use async_trait::async_trait;
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};

use super::{Accepted, Delivery, Destination, Error, Named, Result, Sent, Taken, systemid};
use crate::config::destinations::Satellite5 as To;
use crate::http::{Http, Request};
use crate::inventory::Digest;
use crate::model::{Guest, Hypervisor, State};
use crate::settings::Settings;

/// There is no such channel.
const NO_CHANNEL: i64 = -210;

/// The system id is not known (any more).
const NO_SYSTEM: i64 = -9;

/// What login faults are numbered.
const LOGIN_FAULTS: [i64; 3] = [2950, -2, 2];

/// Where a call goes.
#[derive(Clone, Copy)]
enum Endpoint {
    /// `/XMLRPC`: for systems.
    Systems,
    /// `/rpc/api`: for administrators.
    Api,
}

/// One Satellite 5 server and account.
pub struct Satellite5 {
    to: To,
    http: Http,
    state: PathBuf,
}

impl Satellite5 {
    /// Makes the client; system ids are kept in the folder `state`.
    ///
    /// # Errors
    /// A CA file that cannot be read, an address that is none.
    pub fn new(to: &To, state: &Path) -> Result<Self> {
        let mut settings = Settings::new("satellite5", &to.server);
        settings.prefix = "sat_";
        settings.ca.clone_from(&to.ca);
        settings.insecure = to.insecure;
        settings.proxy = to.proxy.clone();
        settings.timeout = to.timeout;
        Ok(Self {
            http: Http::new(&settings, &to.server)?,
            to: to.clone(),
            state: state.to_owned(),
        })
    }

    fn url(&self, endpoint: Endpoint) -> String {
        match endpoint {
            Endpoint::Systems => self.to.server.clone(),
            Endpoint::Api => {
                let base = self.to.server.strip_suffix("/XMLRPC");
                format!("{}/rpc/api", base.unwrap_or(&self.to.server))
            }
        }
    }

    /// One call; a fault is an answer.
    async fn call(
        &self,
        endpoint: Endpoint,
        method: &str,
        params: Vec<Value>,
    ) -> Result<std::result::Result<Value, Fault>> {
        let body = write_call(&Call::new(method, params));
        let request = Request::new(Method::POST, self.url(endpoint), method)
            .header(CONTENT_TYPE, "text/xml")
            .header(ACCEPT, "*/*")
            .header(
                USER_AGENT,
                concat!("airlock-virt-who/", env!("CARGO_PKG_VERSION")),
            )
            .body(body);
        let answer = self.http.send(request).await?;
        if answer.status.as_u16() != 200 {
            return Err(self.http.status(method, answer.status).into());
        }
        match parse_response(&answer.body, &Limits::default()) {
            Ok(Response::Value(value)) => Ok(Ok(value)),
            Ok(Response::Fault(fault)) => Ok(Err(fault)),
            Err(error) => Err(self.http.protocol(method, error.to_string()).into()),
        }
    }

    fn fault(&self, method: &str, fault: &Fault) -> Error {
        Error::Rejected {
            server: self.http.server().to_owned(),
            reason: format!("{method}: {fault}"),
        }
    }

    /// One call whose fault is an error.
    async fn ask(&self, endpoint: Endpoint, method: &str, params: Vec<Value>) -> Result<Value> {
        self.call(endpoint, method, params)
            .await?
            .map_err(|fault| self.fault(method, &fault))
    }

    async fn one(&self, method: &str, params: Vec<Value>) -> Result<()> {
        let value = self.ask(Endpoint::Api, method, params).await?;
        if value == Value::Int(1) {
            Ok(())
        } else {
            Err(self.http.protocol(method, "the answer is not 1").into())
        }
    }

    async fn login(&self) -> Result<(String, i64)> {
        let user = Value::from(self.to.username.as_str());
        let password = Value::from(self.to.password.reveal());
        let answer = self
            .call(Endpoint::Api, "auth.login", vec![user.clone(), password])
            .await?;
        let session = match answer {
            Ok(Value::String(session)) => session,
            Ok(_) => return Err(self.http.protocol("auth.login", "no session").into()),
            Err(fault) if LOGIN_FAULTS.contains(&fault.code) => {
                return Err(self.http.refused(fault.text.trim()).into());
            }
            Err(fault) => return Err(self.fault("auth.login", &fault)),
        };
        let details = self
            .ask(
                Endpoint::Api,
                "user.getDetails",
                vec![Value::from(session.as_str()), user],
            )
            .await?;
        match details.member("org_id").and_then(Value::as_int) {
            Some(organization) => Ok((session, organization)),
            None => Err(self.http.protocol("user.getDetails", "no org_id").into()),
        }
    }

    /// The channel of hosts, made if it is not there.
    async fn channel(&self) -> Result<()> {
        let (session, organization) = self.login().await?;
        let session = Value::String(session);
        let label = format!("hypervisor-base-{organization}");
        let method = "channel.software.getDetails";
        let found = self
            .call(
                Endpoint::Api,
                method,
                vec![session.clone(), Value::from(label.as_str())],
            )
            .await?;
        match found {
            Ok(_) => return Ok(()),
            Err(fault) if fault.code == NO_CHANNEL => {}
            Err(fault) => return Err(self.fault(method, &fault)),
        }
        self.one(
            "channel.software.create",
            vec![
                session.clone(),
                Value::from(label.as_str()),
                Value::String(format!("Hypervisor Base - {organization}")),
                Value::from("Channel used by virt-who for hypervisor registration"),
                Value::from("channel-x86_64"),
                Value::from(""),
            ],
        )
        .await?;
        self.one(
            "distchannel.setMapForOrg",
            vec![
                session,
                Value::from("Hypervisor OS"),
                Value::from("unknown"),
                Value::from("x86_64"),
                Value::from(label),
            ],
        )
        .await
    }

    /// Registers a host and keeps its system id.
    async fn register(&self, kind: &str, id: &str) -> Result<String> {
        self.channel().await?;
        let method = "registration.new_system_user_pass";
        let answer = self
            .ask(
                Endpoint::Systems,
                method,
                vec![
                    Value::String(format!("{kind} hypervisor {id}")),
                    Value::from("Hypervisor OS"),
                    Value::from("unknown"),
                    Value::from("x86_64"),
                    Value::from(self.to.username.as_str()),
                    Value::from(self.to.password.reveal()),
                    Value::Struct(Vec::new()),
                ],
            )
            .await?;
        let system_id = answer
            .member("system_id")
            .and_then(Value::as_str)
            .ok_or_else(|| self.http.protocol(method, "no system_id"))?
            .to_owned();
        // Kept before anything else can fail, or the host would be registered twice.
        systemid::write(&self.state, id, &system_id)?;
        tracing::info!(hypervisor = id, "registered at Satellite 5");
        self.ask(
            Endpoint::Systems,
            "registration.refresh_hw_profile",
            vec![Value::from(system_id.as_str()), Value::Array(Vec::new())],
        )
        .await?;
        Ok(system_id)
    }

    async fn host(&self, kind: &str, host: &Hypervisor) -> Result<()> {
        let system_id = match systemid::read(&self.state, &host.id)? {
            Some(known) => known,
            None => self.register(kind, &host.id).await?,
        };
        let plan = plan(kind, host);
        let method = "registration.virt_notify";
        let params = |system_id: String| vec![Value::String(system_id), plan.clone()];
        match self
            .call(Endpoint::Systems, method, params(system_id))
            .await?
        {
            Ok(_) => Ok(()),
            Err(fault) if fault.code == NO_SYSTEM => {
                tracing::warn!(
                    hypervisor = &*host.id,
                    "is no longer known at Satellite 5 and is registered again"
                );
                let system_id = self.register(kind, &host.id).await?;
                self.ask(Endpoint::Systems, method, params(system_id))
                    .await
                    .map(drop)
            }
            Err(fault) => Err(self.fault(method, &fault)),
        }
    }

    async fn deliver(&self, delivery: &Delivery<'_>, sent: &mut Sent) {
        if delivery.inventory.local.is_some() {
            sent.error = Some(Error::Rejected {
                server: self.http.server().to_owned(),
                reason: "guests of one machine are not taken; use rhn-virtualization-host there"
                    .to_owned(),
            });
            return;
        }
        let (changed, gone) = delivery.inventory.difference(&delivery.accepted.digests);
        let mut digests = delivery.accepted.digests.clone();
        let now = delivery.inventory.digests();
        for id in gone {
            // There is no call for a host that is gone; its system stays until somebody deletes it.
            digests.remove(id);
        }
        let mut remarks = Vec::new();
        for host in changed {
            match self.host(delivery.kind, host).await {
                Ok(()) => {
                    let digest: Option<Digest> = now.get(&host.id).copied();
                    digests.extend(digest.map(|digest| (host.id.clone(), digest)));
                }
                // What the server does not take of one host does not keep it from the others.
                Err(error @ (Error::Rejected { .. } | Error::File { .. })) => {
                    remarks.push(format!("{}: {error}", host.id));
                    sent.error = Some(error);
                }
                Err(error) => {
                    sent.error = Some(error);
                    break;
                }
            }
        }
        sent.taken.push(Taken {
            source: delivery.source.to_owned(),
            accepted: Accepted {
                digests,
                guests: delivery.inventory.counts().1,
                id_kind: Some(delivery.id_kind.word().to_owned()),
                ever: true,
                marks: delivery.accepted.marks.clone(),
            },
            job: None,
            remarks,
        });
    }
}

#[async_trait]
impl Destination for Satellite5 {
    async fn check(&mut self) -> Result<String> {
        let (_, organization) = self.login().await?;
        Ok(format!("Satellite 5, organization {organization}"))
    }

    async fn heartbeat(&mut self, _sources: &[Named<'_>]) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    async fn send(&mut self, deliveries: &[Delivery<'_>]) -> Sent {
        let mut sent = Sent::default();
        for delivery in deliveries {
            self.deliver(delivery, &mut sent).await;
            let ends = sent
                .error
                .as_ref()
                .is_some_and(|error| !matches!(error, Error::Rejected { .. } | Error::File { .. }));
            if ends {
                break;
            }
        }
        sent
    }
}

/// What a host says about its guests.
fn plan(kind: &str, host: &Hypervisor) -> Value {
    let step = |action: &str, target: &str, details: Value| {
        Value::Array(vec![
            Value::Int(0),
            Value::from(action),
            Value::from(target),
            details,
        ])
    };
    let mut steps = vec![
        step(
            "exists",
            "system",
            Value::members([
                ("identity", Value::from("host")),
                ("uuid", Value::from("0000000000000000")),
            ]),
        ),
        step("crawl_began", "system", Value::Struct(Vec::new())),
    ];
    steps.extend(
        host.guests
            .iter()
            .map(|guest| step("exists", "domain", domain(kind, host, guest))),
    );
    steps.push(step("crawl_ended", "system", Value::Struct(Vec::new())));
    Value::Array(steps)
}

fn domain(kind: &str, host: &Hypervisor, guest: &Guest) -> Value {
    Value::members([
        ("vcpus", Value::Int(1)),
        ("memory_size", Value::Int(0)),
        ("virt_type", Value::from("fully_virtualized")),
        ("uuid", Value::String(guest.id.replace('-', ""))),
        (
            "name",
            Value::String(format!(
                "VM {} from {kind} hypervisor {}",
                guest.id, host.id
            )),
        ),
        ("state", Value::from(word(guest.state))),
    ])
}

fn word(state: State) -> &'static str {
    match state {
        State::Running => "running",
        State::Blocked => "blocked",
        State::Paused => "paused",
        State::ShuttingDown => "shutdown",
        State::ShutOff => "shutoff",
        State::Crashed => "crashed",
        State::Unknown | State::PmSuspended => "nostate",
    }
}
