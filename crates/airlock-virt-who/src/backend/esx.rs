//! vCenter and ESXi: SOAP, the property collector. Reference: virt-who, section 6.1.
//!
//! One filter over the inventory is made after login; `WaitForUpdatesEx` gives everything with the version `""`, and what
//! has changed since with a later one. Answers are read as they come, so the memory holds the inventory and never a
//! document. While nothing changes, the call stays open on the server (long poll).

mod compact;
mod inventory;
mod soap;
mod spec;
mod updates;

use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{CONTENT_TYPE, COOKIE, HeaderName, SET_COOKIE};
use reqwest::{Method, StatusCode};

use self::inventory::Inventory;
use self::soap::{Fault, Ref, Services};
use self::updates::Set;
use super::{
    Backend, Error, Form, Kind, Level, Need, OptionSpec, PAGE, Page, Remark, Result, Sink, Watched,
    Whole,
};
use crate::http::{Http, Request};
use crate::model::IdKind;
use crate::settings::Settings;

/// The longest time that a call stays open on the server.
const LONGEST: Duration = Duration::from_secs(300);
/// How much longer than that an answer may take to come.
const GRACE: Duration = Duration::from_secs(30);
/// More sets than any inventory is cut into.
const SETS: usize = 100_000;

/// `type=esx`.
#[derive(Debug)]
pub struct Esx;

impl Kind for Esx {
    fn name(&self) -> &'static str {
        "esx"
    }

    fn ids(&self) -> &'static [IdKind] {
        &[IdKind::Uuid, IdKind::HwUuid, IdKind::Hostname]
    }

    fn options(&self) -> &'static [OptionSpec] {
        &[
            OptionSpec {
                name: "simplified_vim",
                form: Form::Boolean(true),
                need: Need::Optional,
                about: "without meaning here: no WSDL is used",
            },
            OptionSpec {
                name: "filter_host_parents",
                form: Form::List,
                need: Need::Optional,
                about: "only hosts below these parents, by id (domain-c7) or cluster name",
            },
            OptionSpec {
                name: "exclude_host_parents",
                form: Form::List,
                need: Need::Optional,
                about: "no hosts below these parents, by id (domain-c7) or cluster name",
            },
            OptionSpec {
                name: "host_parents_anywhere",
                form: Form::Boolean(false),
                need: Need::Optional,
                about: "parents' ids are searched anywhere (domain-c7 finds domain-c70), as in virt-who",
            },
        ]
    }

    fn complete(&self, settings: &mut Settings) -> Vec<Remark> {
        if !settings.server.is_ascii() {
            return vec![Remark::new(
                Level::Error,
                format!(
                    "Option server needs to be ASCII characters only: '{}'",
                    settings.name
                ),
            )];
        }
        if !settings.server.is_empty() && !settings.server.contains("://") {
            settings.server.insert_str(0, "https://");
        }
        Vec::new()
    }

    fn open(&self, settings: Settings) -> Result<Box<dyn Backend>> {
        let url = format!("{}/sdk", settings.server.trim_end_matches('/'));
        Ok(Box::new(Source {
            http: Http::new(&settings, &url)?,
            url,
            cookie: None,
            services: None,
            filter: None,
            version: String::new(),
            inventory: Inventory::default(),
            whole: false,
            settings,
        }))
    }
}

/// Reads the bytes as an answer to `WaitForUpdatesEx`.
pub(super) fn fuzz(bytes: &[u8]) {
    let mut inventory = Inventory::default();
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else {
        return;
    };
    let _ = runtime.block_on(updates::read(bytes, &mut inventory));
    let settings = Settings::new("fuzz", "");
    for id in inventory.host_ids() {
        let _ = inventory.report(&id, &settings);
    }
}

/// One vCenter or ESXi host.
struct Source {
    settings: Settings,
    http: Http,
    url: String,
    cookie: Option<String>,
    services: Option<Services>,
    filter: Option<Ref>,
    /// What the inventory is as of; empty: nothing was read yet.
    version: String,
    inventory: Inventory,
    /// The inventory is what `version` says. False while a set is being applied: then it has to be read anew.
    whole: bool,
}

impl Source {
    /// Sends a call and gives the answer's envelope.
    async fn call(&mut self, operation: &str, body: &str) -> Result<crate::xml::Element> {
        let answer = self.http.send(self.request(operation, body)).await?;
        for cookie in answer.values(&SET_COOKIE) {
            // Only name and value go back.
            let pair = cookie.split(';').next().unwrap_or_default().trim();
            if !pair.is_empty() {
                self.cookie = Some(pair.to_owned());
            }
        }
        self.envelope(operation, answer.status, &answer.body)
    }

    fn request(&self, operation: &str, body: &str) -> Request {
        let request = Request::new(Method::POST, &self.url, operation)
            .header(CONTENT_TYPE, "text/xml; charset=utf-8")
            .header(HeaderName::from_static("soapaction"), soap::ACTION)
            .body(soap::envelope(operation, body));
        match &self.cookie {
            Some(cookie) => request.secret_header(COOKIE, cookie),
            None => request,
        }
    }

    fn envelope(
        &self,
        operation: &str,
        status: StatusCode,
        body: &[u8],
    ) -> Result<crate::xml::Element> {
        if !status.is_success() && status != StatusCode::INTERNAL_SERVER_ERROR {
            return Err(self.failed(operation, status));
        }
        let root = match crate::xml::Element::read(body) {
            Ok(root) => root,
            Err(_) if !status.is_success() => return Err(self.failed(operation, status)),
            Err(crate::xml::Error::Unfinished(tag)) => {
                return Err(Error::Partial {
                    server: self.http.server().to_owned(),
                    doing: operation.to_owned(),
                    reason: format!("it ends within <{tag}>"),
                });
            }
            Err(error) => return Err(self.http.protocol(operation, error.to_string())),
        };
        if let Some(fault) = Fault::of(&root) {
            return Err(self.fault(operation, fault));
        }
        if !status.is_success() {
            return Err(self.failed(operation, status));
        }
        Ok(root)
    }

    fn failed(&self, operation: &str, status: StatusCode) -> Error {
        match status {
            StatusCode::UNAUTHORIZED => self.http.refused("HTTP status 401"),
            _ => self.http.status(operation, status),
        }
    }

    fn fault(&self, operation: &str, fault: Fault) -> Error {
        let server = self.http.server().to_owned();
        if fault.is("InvalidLogin") || fault.is("NoPermission") && operation == "Login" {
            return self.http.refused(fault.text);
        }
        if fault.is("NotAuthenticated") || fault.text.contains("session is not authenticated") {
            return Error::SessionLost {
                server,
                reason: fault.text,
            };
        }
        Error::Fault {
            server,
            doing: operation.to_owned(),
            reason: fault.text,
        }
    }

    fn services(&self) -> Result<&Services> {
        self.services.as_ref().ok_or_else(|| Error::SessionLost {
            server: self.http.server().to_owned(),
            reason: "there is none".to_owned(),
        })
    }

    async fn log_in(&mut self) -> Result<()> {
        self.forget();
        self.cookie = None;
        let root = self
            .call("RetrieveServiceContent", soap::SERVICE_INSTANCE)
            .await?;
        let services = Services::of(&root).ok_or_else(|| {
            self.http
                .protocol("RetrieveServiceContent", "it names no property collector")
        })?;
        let (user, password) = self.settings.account();
        let body = soap::login(&services.session_manager, user, password.reveal());
        self.services = Some(services);
        self.call("Login", &body).await?;
        Ok(())
    }

    /// Nothing that was read counts any more.
    fn forget(&mut self) {
        self.filter = None;
        self.version.clear();
        self.inventory = Inventory::default();
        self.whole = false;
    }

    async fn ensure_filter(&mut self) -> Result<()> {
        if self.filter.is_some() {
            return Ok(());
        }
        let services = self.services()?;
        let body = spec::create_filter(&services.property_collector, &services.root_folder);
        let root = self.call("CreateFilter", &body).await?;
        let filter = root
            .find("returnval")
            .and_then(Ref::of)
            .ok_or_else(|| self.http.protocol("CreateFilter", "it names no filter"))?;
        self.filter = Some(filter);
        Ok(())
    }

    /// Asks once for updates and applies them. `None`: nothing has changed.
    async fn updates(&mut self, wait: Duration) -> Result<Option<Set>> {
        let operation = "WaitForUpdatesEx";
        let body = soap::wait_for_updates(
            &self.services()?.property_collector,
            &self.version,
            wait.as_secs(),
        );
        let longer = self.settings.timeout.max(wait + GRACE);
        let response = self
            .http
            .start(self.request(operation, &body), Some(longer))
            .await?;
        let status = response.status();
        if !status.is_success() {
            let body = tokio::time::timeout(longer, response.bytes())
                .await
                .map_err(|_| self.http.timed_out(operation, longer))?
                .map_err(|error| self.http.error(&error, operation))?;
            self.envelope(operation, status, &body)?;
            return Err(self.failed(operation, status));
        }
        // From here until the whole set was applied, the inventory is neither the old nor the new one.
        self.whole = false;
        let stream = updates::Source {
            http: &self.http,
            operation,
            // The head of the answer has come, so its parts follow without waiting.
            within: self.settings.timeout,
        };
        match stream.apply(response, &mut self.inventory).await? {
            updates::Answer::Fault(fault) => Err(self.fault(operation, fault)),
            updates::Answer::Nothing => {
                self.whole = true;
                Ok(None)
            }
            updates::Answer::Set(set) => {
                if set.version == self.version && set.truncated {
                    return Err(self.http.protocol(operation, "the version does not move"));
                }
                self.version.clone_from(&set.version);
                self.whole = true;
                Ok(Some(set))
            }
        }
    }

    /// Asks until nothing is cut off. True: something came.
    async fn all_updates(&mut self, wait: Duration) -> Result<bool> {
        let mut wait = wait;
        for round in 0..SETS {
            match self.updates(wait).await? {
                Some(set) if set.truncated => {
                    tracing::debug!(source = %self.settings.name, round, "the set goes on");
                    wait = Duration::ZERO;
                    // Half of an inventory is none: nobody may see it as whole.
                    self.whole = false;
                }
                Some(_) => return Ok(true),
                None => return Ok(round > 0),
            }
        }
        Err(Error::TooMuch {
            server: self.http.server().to_owned(),
            doing: "WaitForUpdatesEx".to_owned(),
            limit: SETS,
            what: "sets",
        })
    }

    async fn bring_up(&mut self) -> Result<()> {
        if self.services.is_none() {
            self.log_in().await?;
        }
        if !self.whole {
            self.version.clear();
            self.inventory = Inventory::default();
        }
        self.ensure_filter().await?;
        self.all_updates(Duration::ZERO).await?;
        Ok(())
    }
}

#[async_trait]
impl Backend for Source {
    async fn connect(&mut self) -> Result<()> {
        let done = self.log_in().await;
        if done.is_err() {
            self.services = None;
        }
        done
    }

    async fn read(&mut self, sink: &mut dyn Sink) -> Result<Whole> {
        match self.bring_up().await {
            Err(Error::SessionLost { reason, .. }) => {
                tracing::info!(source = %self.settings.name, %reason, "logging in again");
                self.log_in().await?;
                self.bring_up().await?;
            }
            other => other?,
        }
        self.inventory.begin_report();
        let ids: Vec<_> = self.inventory.host_ids();
        for part in ids.chunks(PAGE) {
            if !self.settings.parents.is_none() {
                for id in part {
                    self.inventory.below(id, &self.settings, sink);
                }
            }
            let hosts = part
                .iter()
                .filter_map(|id| self.inventory.report(id, &self.settings))
                .collect();
            sink.page(Page::Hosts(hosts)).await;
        }
        for note in self.inventory.take_notes() {
            sink.note(note);
        }
        Ok(Whole::default())
    }

    async fn afresh(&mut self) {
        if let (Some(filter), true) = (self.filter.take(), self.services.is_some()) {
            let _ = self
                .call("DestroyPropertyFilter", &filter.element("_this"))
                .await;
        }
        self.forget();
    }

    async fn watch(&mut self, limit: Duration) -> Result<Watched> {
        if !self.whole || self.filter.is_none() {
            return Ok(Watched::Changed);
        }
        self.inventory.begin_changes();
        match self.all_updates(limit.min(LONGEST)).await {
            Ok(false) => Ok(Watched::Quiet),
            Ok(true) => Ok(Watched::Changes(self.inventory.changes(&self.settings))),
            Err(Error::SessionLost { reason, .. }) => {
                tracing::info!(source = %self.settings.name, %reason, "logging in again");
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
        let Some(services) = self.services.take() else {
            return;
        };
        let collector = services.property_collector.element("_this");
        let _ = self.call("CancelWaitForUpdates", &collector).await;
        if let Some(filter) = self.filter.take() {
            let _ = self
                .call("DestroyPropertyFilter", &filter.element("_this"))
                .await;
        }
        let manager = services.session_manager.element("_this");
        let _ = self.call("Logout", &manager).await;
        self.cookie = None;
        self.forget();
    }
}
