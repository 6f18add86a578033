//! Logins at WinRM: Basic, or NTLMv2 over Negotiate with sealed messages where there is no TLS.
//!
//! The first request has an empty body and no credentials; the answer tells what the server takes. NTLM belongs to the
//! connection: when the server answers 401 later on, the connection was a new one, and the login is made again once.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};

use super::ntlm::{self, Sealing};
use super::sealed;
use crate::backend::{Error, Result};
use crate::http::{Answer, Http, Request, basic};
use crate::secret::Secret;

/// Why there is no Kerberos, and what to do.
pub const NO_KERBEROS: (&str, &str) = (
    "Kerberos is not supported: the libraries for it need MIT Kerberos at build time or are not kept up",
    "Use auth_method=ntlm, or auth_method=basic with https in server=",
);

/// What the section asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    Basic,
    Ntlm,
    /// NTLM where it is offered, Basic elsewhere.
    Either,
}

enum State {
    /// Nothing is known.
    New,
    /// The server asks for nothing.
    Open,
    Basic,
    /// Logged in on this connection; sealed where there is no TLS.
    Ntlm(Option<Box<Sealing>>),
}

/// The login of one source.
pub struct Login {
    user: String,
    password: Secret,
    wanted: Wanted,
    state: State,
}

impl Login {
    pub fn new(user: &str, password: Secret, wanted: Wanted) -> Self {
        Self {
            user: user.to_owned(),
            password,
            wanted,
            state: State::New,
        }
    }

    /// The next request logs in anew.
    pub fn forget(&mut self) {
        self.state = State::New;
    }

    /// The password goes over the net as it is.
    pub fn bare(&self, url: &str) -> bool {
        matches!(self.state, State::Basic) && url.starts_with("http://")
    }

    /// Sends a message, logging in first where that is needed.
    pub async fn send(
        &mut self,
        http: &Http,
        request: impl Fn() -> Request,
        body: &[u8],
    ) -> Result<Answer> {
        let fresh = matches!(self.state, State::New);
        if fresh {
            self.log_in(http, &request).await?;
        }
        let answer = self.once(http, &request, body).await?;
        let lost =
            answer.status == StatusCode::UNAUTHORIZED && matches!(self.state, State::Ntlm(_));
        if !lost || fresh {
            return Ok(answer);
        }
        tracing::debug!("the connection was a new one; logging in again");
        self.state = State::New;
        self.log_in(http, &request).await?;
        self.once(http, &request, body).await
    }

    async fn once(
        &mut self,
        http: &Http,
        request: &impl Fn() -> Request,
        body: &[u8],
    ) -> Result<Answer> {
        let plain = || request().body(body.to_vec());
        match &mut self.state {
            State::New | State::Open | State::Ntlm(None) => http.send(plain()).await,
            State::Basic => {
                let login = basic(&self.user, self.password.reveal());
                http.send(plain().secret_header(AUTHORIZATION, &login))
                    .await
            }
            State::Ntlm(Some(sealing)) => {
                let packed = sealed::pack(sealing, body);
                let request = request().header(CONTENT_TYPE, sealed::CONTENT).body(packed);
                let doing = request.doing.clone();
                let mut answer = http.send(request).await?;
                let is_sealed = answer
                    .values(&CONTENT_TYPE)
                    .any(|kind| kind.starts_with("multipart/encrypted"));
                if is_sealed {
                    answer.body = sealed::unpack(sealing, &answer.body)
                        .map_err(|reason| http.protocol(&doing, reason))?
                        .into();
                } else if answer.status.is_success() {
                    // Whoever can change the traffic could answer anything.
                    return Err(http.protocol(&doing, "the answer is not sealed"));
                }
                Ok(answer)
            }
        }
    }

    async fn log_in(&mut self, http: &Http, request: &impl Fn() -> Request) -> Result<()> {
        let answer = http.send(request()).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            self.state = State::Open;
            return Ok(());
        }
        let methods: Vec<String> = answer
            .values(&WWW_AUTHENTICATE)
            .flat_map(|value| value.split(','))
            .filter_map(|method| method.split_whitespace().next())
            .map(str::to_owned)
            .collect();
        let offers = |name: &str| {
            methods
                .iter()
                .any(|method| method.eq_ignore_ascii_case(name))
        };
        // Nothing secret was sent when a server does not go on, so Basic may follow.
        if self.wanted != Wanted::Basic
            && offers("Negotiate")
            && self.negotiate(http, request).await?
        {
            return Ok(());
        }
        if self.wanted != Wanted::Ntlm && offers("Basic") {
            self.state = State::Basic;
            return Ok(());
        }
        Err(Error::Unsupported {
            what: format!(
                "{} knows no login that could be used (server methods: {})",
                http.server(),
                methods.join(", ")
            ),
            instead: "Let WinRM offer Negotiate, or Basic over https (winrm set winrm/config/service/auth)"
                .to_owned(),
        })
    }

    /// NTLM over Negotiate: three messages over one connection, with empty bodies. False: the server takes another
    /// mechanism only, such as Kerberos.
    async fn negotiate(&mut self, http: &Http, request: &impl Fn() -> Request) -> Result<bool> {
        let first = ntlm::negotiate();
        let token = |bytes: &[u8]| format!("Negotiate {}", STANDARD.encode(bytes));
        let sent = request().secret_header(AUTHORIZATION, &token(&first));
        let doing = "the NTLM login";
        let answer = http.send(sent).await?;
        let challenge = answer
            .values(&WWW_AUTHENTICATE)
            .filter_map(|value| value.strip_prefix("Negotiate "))
            .find_map(|token| STANDARD.decode(token.trim()).ok());
        let Some(challenge) = challenge else {
            return Ok(false);
        };
        let account = ntlm::Account {
            user: &self.user,
            password: self.password.reveal(),
        };
        let (last, sealing) =
            ntlm::authenticate(&first, &challenge, &account, &ntlm::Chosen::now())
                .map_err(|reason| http.protocol(doing, reason))?;
        let sent = request().secret_header(AUTHORIZATION, &token(&last));
        let answer = http.send(sent).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            return Err(http.refused("user or password is wrong (NTLM)"));
        }
        let plain = http.server().starts_with("https:");
        self.state = State::Ntlm((!plain).then(|| Box::new(sealing)));
        Ok(true)
    }
}
