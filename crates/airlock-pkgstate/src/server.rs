//! A Bcfg2 server as the source of the declared state: its calls over XML-RPC (reference: the client protocol).
//!
//! Bytes go through a [`Transport`]; how they travel is not decided here, nor who runs probes ([`Prober`]).

mod probe;

use airlock_xmlrpc::{Call, Limits, Response, Value, parse_response, write_call};

use crate::decide::lists::Decision;
use crate::declared::{Configuration, DeclaredError, check_entries, configuration_of};
use crate::settings::DecisionMode;
use crate::xml::{Document, Element};

pub use probe::{Probe, Probed, Prober, Probing};

/// What the client calls itself.
const CLIENT_VERSION: &str = "1.4.0";

/// Carries one call to the server and its answer back.
pub trait Transport {
    /// Posts a body and gives the body of the answer.
    ///
    /// # Errors
    /// Whether another try may help, and what went wrong.
    fn post(&mut self, body: &[u8]) -> Result<Vec<u8>, TransportError>;

    /// Waits before the next try.
    fn pause(&mut self);
}

/// A call that did not get through.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct TransportError {
    /// Another try may help.
    pub again: bool,
    /// What went wrong.
    pub why: String,
}

/// Something between this machine and the server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// It does not answer.
    #[error("{method} failed after {tries} tries: {source}")]
    Unreachable {
        /// The call.
        method: &'static str,
        /// How often it was tried.
        tries: u32,
        /// The last failure.
        source: TransportError,
    },
    /// It says no.
    #[error("the server refused {method}: {text}")]
    Fault {
        /// The call.
        method: &'static str,
        /// In its words.
        text: String,
    },
    /// It answers something else than it should.
    #[error("the answer to {method} is not understood: {why}")]
    Answer {
        /// The call.
        method: &'static str,
        /// What is wrong.
        why: String,
    },
    /// A probe failed, and `exit_on_probe_failure` is not switched off.
    #[error(
        "the probe {name} failed: {why}; mend it on the server, or set exit_on_probe_failure = false in [client]"
    )]
    Probe {
        /// Its name.
        name: String,
        /// How.
        why: String,
    },
    /// The configuration cannot be used.
    #[error(transparent)]
    Declared(#[from] DeclaredError),
}

/// A server that is spoken to.
pub struct Server<'t> {
    transport: &'t mut dyn Transport,
    retries: u32,
}

impl<'t> Server<'t> {
    /// A server; each call is tried so often.
    pub fn new(transport: &'t mut dyn Transport, retries: u32) -> Self {
        Self {
            transport,
            retries: retries.max(1),
        }
    }

    fn call(&mut self, method: &'static str, params: Vec<Value>) -> Result<Value, ServerError> {
        let body = write_call(&Call::new(method, params));
        let mut tries = 0;
        loop {
            tries += 1;
            let last = tries >= self.retries;
            let outcome = self.transport.post(&body);
            let error = match outcome {
                Ok(answer) => match parse_response(&answer, &Limits::default()) {
                    Ok(Response::Value(value)) => return Ok(value),
                    Ok(Response::Fault(fault)) if last => {
                        return Err(ServerError::Fault {
                            method,
                            text: fault.text,
                        });
                    }
                    Ok(Response::Fault(_)) => {
                        self.transport.pause();
                        continue;
                    }
                    Err(error) => {
                        return Err(ServerError::Answer {
                            method,
                            why: error.to_string(),
                        });
                    }
                },
                Err(error) => error,
            };
            if last || !error.again {
                return Err(ServerError::Unreachable {
                    method,
                    tries,
                    source: error,
                });
            }
            self.transport.pause();
        }
    }

    /// Says who this is, runs the server's probes and sends what they say, and fetches configuration and decisions. Without
    /// anybody who runs probes they are named.
    ///
    /// # Errors
    /// What [`ServerError`] lists.
    pub fn fetch(
        &mut self,
        profile: Option<&str>,
        mode: DecisionMode,
        probing: Option<&mut Probing<'_>>,
    ) -> Result<Fetched, ServerError> {
        if let Some(profile) = profile {
            self.call("AssertProfile", vec![Value::from(profile)])?;
        }
        // Servers before 1.3 do not know the call; that is no reason to stop.
        let declared = self.call("DeclareVersion", vec![Value::from(CLIENT_VERSION)]);
        if let Err(error @ ServerError::Unreachable { .. }) = declared {
            return Err(error);
        }
        let probes = text("GetProbes", self.call("GetProbes", Vec::new())?)?;
        let probes = probe::parse(&probes)?;
        let mut notes = Vec::new();
        match probing {
            _ if probes.is_empty() => {}
            Some(probing) => {
                let data = probe::run(&probes, probing, &mut notes)?;
                let taken = self.call("RecvProbeData", vec![Value::from(data.as_str())])?;
                ensure_taken("RecvProbeData", &taken)?;
            }
            None => notes.extend(probes.iter().map(|probe| {
                let name = &probe.name;
                format!(
                    "the server asks for the probe {name}, which is not run: groups may be missing"
                )
            })),
        }
        let decisions = match mode {
            DecisionMode::None => Vec::new(),
            mode => {
                let list = self.call("GetDecisionList", vec![Value::from(mode.word())])?;
                decisions(&list)?
            }
        };
        let text = text("GetConfig", self.call("GetConfig", Vec::new())?)?;
        let source = "the server's configuration";
        let document = Document::parse(source, text.as_bytes()).map_err(DeclaredError::from)?;
        let configuration = configuration_of(source, &document.root)?;
        // The old client passed over what it did not know; here it is told at least.
        notes.extend(match check_entries(source, &document.root) {
            Ok(warnings) => warnings,
            Err(DeclaredError::Slips(slips)) => slips,
            Err(other) => return Err(other.into()),
        });
        Ok(Fetched {
            notes,
            configuration,
            text,
            decisions,
        })
    }

    /// Sends the report of a run.
    ///
    /// # Errors
    /// What [`ServerError`] lists.
    pub fn report(&mut self, statistics: &Element) -> Result<(), ServerError> {
        let text = statistics.to_xml();
        let taken = self.call("RecvStats", vec![Value::from(text.as_str())])?;
        ensure_taken("RecvStats", &taken)
    }
}

/// What a server gives.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// The declared state.
    pub configuration: Configuration,
    /// The same as it came, to be kept.
    pub text: String,
    /// Decisions of the asked mode.
    pub decisions: Vec<Decision>,
    /// What the operator should know: of probes, and what looks like a mistake in the entries.
    pub notes: Vec<String>,
}

fn text(method: &'static str, value: Value) -> Result<String, ServerError> {
    let wrong = |why: String| ServerError::Answer { method, why };
    match value {
        Value::String(text) => Ok(text),
        Value::Base64(bytes) => {
            String::from_utf8(bytes).map_err(|_| wrong("it is no UTF-8".to_owned()))
        }
        other => Err(wrong(format!("{} instead of a text", other.kind()))),
    }
}

fn ensure_taken(method: &'static str, answer: &Value) -> Result<(), ServerError> {
    match answer {
        Value::Bool(false) => Err(ServerError::Answer {
            method,
            why: "the server did not take it".to_owned(),
        }),
        _ => Ok(()),
    }
}

fn decisions(list: &Value) -> Result<Vec<Decision>, ServerError> {
    let wrong = || ServerError::Answer {
        method: "GetDecisionList",
        why: "no list of pairs".to_owned(),
    };
    let pairs = list.as_array().ok_or_else(wrong)?;
    pairs
        .iter()
        .map(|pair| {
            let pair = pair.as_array().ok_or_else(wrong)?;
            let part = |at: usize| pair.get(at).and_then(Value::as_str).map(str::to_owned);
            Ok(Decision {
                tag: part(0).ok_or_else(wrong)?,
                name: part(1).ok_or_else(wrong)?,
            })
        })
        .collect()
}
