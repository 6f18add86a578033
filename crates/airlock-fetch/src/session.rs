//! The fetcher, shared by everything, and sessions: one use of one upstream.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Proxy};
use url::Url;

use crate::certificate::{self, Expiry};
use crate::error::{Error, Result};
use crate::guard::{Guard, GuardedResolver, Resolver, SystemResolver};
use crate::limiter::{Bandwidth, Hosts};
use crate::settings::Settings;
use crate::shown::ShownUrl;
use crate::timer::{SystemTimer, Timer};
use crate::upstream::{BasicAuth, Given, Mirror, Upstream};

/// Starts sessions; holds what they share: settings, the bandwidth limit, places per host, time, names.
#[derive(Debug, Clone)]
pub struct Fetcher(Arc<Shared>);

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) bandwidth: Arc<Bandwidth>,
    pub(crate) hosts: Hosts,
    pub(crate) timer: Arc<dyn Timer>,
    resolver: Arc<dyn Resolver>,
}

impl Fetcher {
    /// A fetcher with the machine's clock and resolver.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self::with(
            settings,
            Arc::new(SystemTimer::new()),
            Arc::new(SystemResolver),
        )
    }

    /// A fetcher with the given time and name look-up, for tests.
    #[must_use]
    pub fn with(settings: Settings, timer: Arc<dyn Timer>, resolver: Arc<dyn Resolver>) -> Self {
        certificate::install_provider();
        Self(Arc::new(Shared {
            bandwidth: Arc::new(Bandwidth::new(settings.bandwidth)),
            hosts: Hosts::new(settings.parallel_per_host),
            settings,
            timer,
            resolver,
        }))
    }

    /// A fetcher for downloads that a client waits for: it gives up after seconds instead of minutes, and has places of
    /// its own at each host, four times as many, so that nobody waits for a sync. The bandwidth limit is shared.
    #[must_use]
    pub fn for_clients(&self) -> Self {
        let settings = self.0.settings.for_clients();
        Self(Arc::new(Shared {
            bandwidth: Arc::clone(&self.0.bandwidth),
            hosts: Hosts::new(settings.parallel_per_host),
            settings,
            timer: Arc::clone(&self.0.timer),
            resolver: Arc::clone(&self.0.resolver),
        }))
    }

    /// Begins to use an upstream: checks its settings and reads its certificate and CA files. Makes no request.
    ///
    /// # Errors
    /// Settings that cannot work: URL, header, certificate, key or CA file, proxy, no trusted authorities.
    pub async fn start(&self, upstream: &Upstream) -> Result<Session> {
        let shared = Arc::clone(&self.0);
        let upstream = upstream.clone();
        blocking(move || Session::open(shared, &upstream)).await?
    }
}

/// One use of an upstream, such as one sync. Cheap to clone; clones are the same session.
///
/// `Debug` shows the addresses only, no secret.
#[derive(Clone)]
pub struct Session(pub(crate) Arc<Opened>);

impl fmt::Debug for Session {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Session").field(&self.addresses()).finish()
    }
}

pub(crate) struct Opened {
    pub(crate) shared: Arc<Shared>,
    pub(crate) mirrors: Vec<Mirror>,
    pub(crate) guard: Arc<Guard>,
    /// The bases that get credentials.
    own: Vec<Url>,
    auth: Option<BasicAuth>,
    headers: HeaderMap,
    /// Shows the client certificate.
    own_client: Client,
    /// Does not.
    foreign_client: Client,
    expiry: Option<Expiry>,
    /// Failures in a row, by mirror.
    failures: Vec<AtomicU32>,
}

impl Session {
    fn open(shared: Arc<Shared>, upstream: &Upstream) -> Result<Self> {
        if upstream.bases.is_empty() && (upstream.list.is_none() || upstream.mirrors.is_empty()) {
            return Err(Error::NoBase);
        }
        let mut mirrors = Vec::new();
        let mut own = Vec::new();
        let mut auth = upstream.basic_auth.clone();
        let mut token = upstream.token.clone();
        for url in &upstream.bases {
            let (mirror, found) = Mirror::new(url, upstream.token.as_deref(), Given::Base)?;
            auth = auth.or(found);
            if let Mirror::Http { base, token: its } = &mirror {
                own.push(base.clone());
                token = token.or_else(|| its.clone());
            }
            mirrors.push(mirror);
        }
        if let Some(list) = &upstream.list
            && let (Mirror::Http { base, .. }, found) = Mirror::new(list, None, Given::Base)?
        {
            auth = auth.or(found);
            own.push(base);
        }
        for url in &upstream.mirrors {
            // One bad line of a mirror list must not spoil the others.
            match Mirror::new(url, token.as_deref().or(url.query()), Given::Mirror) {
                Ok((mirror, _)) => mirrors.push(mirror),
                Err(error) => tracing::warn!(%error, "mirror left out"),
            }
        }
        mirrors.truncate(shared.settings.mirrors.max(upstream.bases.len()));
        if mirrors.is_empty() {
            return Err(Error::NoBase);
        }
        let guard = Arc::new(Guard::new(
            &own,
            upstream.proxy.as_ref(),
            Arc::clone(&shared.resolver),
        ));
        let identity = upstream
            .client_certificate
            .as_ref()
            .map(certificate::load_identity)
            .transpose()?;
        let (identity, expiry) = identity.map_or((None, None), |(identity, expiry)| {
            (Some(identity), Some(expiry))
        });
        let remote = mirrors
            .iter()
            .any(|mirror| matches!(mirror, Mirror::Http { .. }));
        let roots = match &upstream.ca {
            Some(source) => certificate::load_ca(source)?,
            None if remote => certificate::machine_roots(),
            None => Vec::new(),
        };
        let tls_wanted = own.iter().any(|base| base.scheme() == "https");
        if roots.is_empty() && tls_wanted && !upstream.insecure {
            return Err(Error::NoTrustedRoots);
        }
        let build = |identity: Option<reqwest::Identity>| {
            let mut builder = Client::builder()
                .user_agent(shared.settings.user_agent.as_str())
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .connect_timeout(shared.settings.connect_timeout)
                .dns_resolver(GuardedResolver(Arc::clone(&guard)))
                .tls_certs_only(roots.iter().cloned())
                .tls_danger_accept_invalid_certs(upstream.insecure)
                .no_proxy();
            if let Some(proxy) = &upstream.proxy {
                builder = builder.proxy(Proxy::all(proxy.clone())?);
            }
            if let Some(identity) = identity {
                builder = builder.identity(identity);
            }
            builder.build()
        };
        let setup = |error: reqwest::Error| Error::Setup {
            reason: crate::exchange::reason(&error),
        };
        let foreign_client = build(None).map_err(setup)?;
        let own_client = match identity {
            Some(identity) => build(Some(identity)).map_err(setup)?,
            None => foreign_client.clone(),
        };
        let failures = mirrors.iter().map(|_| AtomicU32::new(0)).collect();
        Ok(Self(Arc::new(Opened {
            headers: headers(&upstream.headers)?,
            shared,
            mirrors,
            guard,
            own,
            auth,
            own_client,
            foreign_client,
            expiry,
            failures,
        })))
    }

    /// When the client certificate ends, where there is one.
    #[must_use]
    pub fn client_certificate_expiry(&self) -> Option<Expiry> {
        self.0.expiry
    }

    /// The addresses that files are asked from, in the order of the settings, for messages.
    #[must_use]
    pub fn addresses(&self) -> Vec<String> {
        self.0
            .mirrors
            .iter()
            .map(|mirror| match mirror {
                Mirror::Http { base, .. } => ShownUrl::new(base).to_string(),
                Mirror::Local { root } => format!("file://{}", root.display()),
            })
            .collect()
    }
}

impl Opened {
    /// Whether `url` is at a base's scheme, host and port, so that credentials may go there.
    pub(crate) fn is_own(&self, url: &Url) -> bool {
        self.own.iter().any(|base| base.origin() == url.origin())
    }

    /// A request with the credentials that `url` may see.
    pub(crate) fn request(&self, url: &Url) -> reqwest::RequestBuilder {
        if !self.is_own(url) {
            return self.foreign_client.get(url.clone());
        }
        let request = self
            .own_client
            .get(url.clone())
            .headers(self.headers.clone());
        match &self.auth {
            Some(auth) => request.basic_auth(&auth.user, Some(&auth.password)),
            None => request,
        }
    }

    /// The mirrors in the order in which to try them: those that kept failing come last.
    pub(crate) fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.mirrors.len()).collect();
        order.sort_by_key(|&mirror| self.failures[mirror].load(Ordering::Relaxed) >= 3);
        order
    }

    pub(crate) fn worked(&self, mirror: usize) {
        self.failures[mirror].store(0, Ordering::Relaxed);
    }

    pub(crate) fn failed(&self, mirror: usize) {
        self.failures[mirror].fetch_add(1, Ordering::Relaxed);
    }
}

fn headers(pairs: &[(String, String)]) -> Result<HeaderMap> {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        let bad = |reason| Error::BadHeader {
            name: name.clone(),
            reason,
        };
        let key = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| bad("the name is no header name"))?;
        if [
            "range",
            "if-range",
            "accept-encoding",
            "host",
            "content-length",
        ]
        .contains(&key.as_str())
        {
            return Err(bad("the downloader sets this header itself"));
        }
        let mut value = HeaderValue::from_str(value)
            .map_err(|_| bad("the value has characters that cannot be sent"))?;
        value.set_sensitive(true);
        map.append(key, value);
    }
    Ok(map)
}

/// Runs work that blocks outside of the async threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => Ok(done),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only when the runtime is shutting down.
            Err(_) => Err(Error::Cancelled),
        },
    }
}
