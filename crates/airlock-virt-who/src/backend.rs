//! What every kind of hypervisor implements, and the registry of kinds.
//!
//! A backend is a module (or a folder) with one [`Kind`]; adding one is that module and its line in [`registry`].
//!
//! Life of a backend: [`Kind::open`] makes it and asks nobody; [`Backend::connect`] logs in; [`Backend::read`] hands the
//! whole inventory to a [`Sink`] in pages; [`Backend::watch`] waits for changes; [`Backend::close`] logs out. After an
//! error the caller closes and connects again. `read` ends with `Ok` only when the source answered whole: whoever
//! gathers pages must not use them before.

pub mod ahv;
pub mod error;
pub mod esx;
pub mod fake;
pub mod hyperv;
pub mod kubevirt;
pub mod libvirt;
pub mod registry;
pub mod rhevm;
pub mod vdsm;
pub mod xen;

use std::time::Duration;

use async_trait::async_trait;

pub use error::{Error, Result};
pub use registry::kind;

use crate::filter::Verdict;
use crate::model::{Guest, Hypervisor, IdKind, LocalGuests, Parent, Report};
use crate::settings::Settings;

/// How many hosts come in one page at most.
pub const PAGE: usize = 500;

/// One part of an inventory.
#[derive(Debug, Clone, PartialEq)]
pub enum Page {
    /// Hosts with their guests.
    Hosts(Vec<Hypervisor>),
    /// Guests of the machine itself.
    Local(Vec<Guest>),
}

/// Something that the administrator should hear, and that is no failure: a host left out, a guest that vanished.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Note {
    /// A host is not reported.
    HostLeftOut {
        /// What it is called in the inventory.
        host: String,
        /// Why.
        reason: String,
    },
    /// A guest is not reported.
    GuestLeftOut {
        /// What it is called in the inventory.
        guest: String,
        /// Why.
        reason: String,
    },
    /// Anything else.
    Remark(String),
}

impl std::fmt::Display for Note {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::HostLeftOut { host, reason } => write!(out, "host {host} is left out: {reason}"),
            Self::GuestLeftOut { guest, reason } => {
                write!(out, "guest {guest} is left out: {reason}")
            }
            Self::Remark(text) => out.write_str(text),
        }
    }
}

/// Takes an inventory as it is read.
#[async_trait]
pub trait Sink: Send {
    /// Takes the next page.
    async fn page(&mut self, page: Page);

    /// Takes a note.
    fn note(&mut self, note: Note);

    /// Hears of a host that a filter by parents leaves out, so that it comes in no page.
    fn below(&mut self, host: &str, parent: Option<&Parent>, verdict: Verdict) {
        let _ = (host, parent, verdict);
    }
}

/// Tells of guests whose hosts are not in the list of hosts.
fn homeless<Host: std::fmt::Display>(
    sink: &mut dyn Sink,
    on: impl IntoIterator<Item = (Host, Vec<Guest>)>,
) {
    for (host, guests) in on {
        for guest in guests {
            sink.note(Note::GuestLeftOut {
                guest: guest.id.to_string(),
                reason: format!("its host {host} is not in the list of hosts"),
            });
        }
    }
}

/// What a read said about the whole, beside its pages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Whole {
    /// The pages were local guests; then this is the machine's own id, where the backend knows it.
    pub local: Option<Option<Box<str>>>,
}

/// What a watch ended with.
#[derive(Debug, Clone, PartialEq)]
pub enum Watched {
    /// The time is over and nothing has changed; or the kind cannot watch and only waited.
    Quiet,
    /// Something has changed: read again.
    Changed,
    /// This has changed; everything else is as it was read last.
    Changes(Changes),
}

/// The difference to what was reported before.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Changes {
    /// Hosts that are new or different, whole.
    pub changed: Vec<Hypervisor>,
    /// The ids of hosts that are gone.
    pub removed: Vec<Box<str>>,
    /// What else there is to say.
    pub notes: Vec<Note>,
}

/// One source of hosts and guests.
#[async_trait]
pub trait Backend: Send {
    /// Connects and logs in, as far as that can be done without reading the inventory.
    ///
    /// # Errors
    /// [`Error::Refused`] when the account is refused: it must not be tried again at once, accounts get locked.
    async fn connect(&mut self) -> Result<()>;

    /// Reads the whole inventory, page by page.
    ///
    /// # Errors
    /// Anything that keeps it from being whole.
    async fn read(&mut self, sink: &mut dyn Sink) -> Result<Whole>;

    /// The next [`read`](Self::read) asks for everything anew, also a backend that otherwise goes on from what it knows.
    async fn afresh(&mut self) {}

    /// Waits up to `limit` for changes since the last `read` or `watch`. May be dropped before its end; what was missed
    /// by that comes with the next call or makes it say [`Watched::Changed`].
    ///
    /// # Errors
    /// A lost connection or session.
    async fn watch(&mut self, limit: Duration) -> Result<Watched> {
        tokio::time::sleep(limit).await;
        Ok(Watched::Quiet)
    }

    /// Whether [`watch`](Self::watch) hears of changes; without, an inventory is read again after the interval.
    fn watches(&self) -> bool {
        false
    }

    /// Logs out. Failures are of no interest to anybody.
    async fn close(&mut self);
}

/// Whether a kind needs a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The section is invalid without it.
    Required,
    /// It may be left out.
    Optional,
    /// It means nothing to this kind.
    Unused,
}

/// The form of an option's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Any text.
    Text,
    /// A password; `encrypted_` before the name takes the encrypted form.
    Secret,
    /// A boolean with its default.
    Boolean(bool),
    /// A list (section 1.1 of the reference).
    List,
    /// A readable file.
    File,
}

/// An option that only some kinds have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OptionSpec {
    /// As sections write it.
    pub name: &'static str,
    /// What its value looks like.
    pub form: Form,
    /// Whether it may be left out.
    pub need: Need,
    /// One line for `check` and the documentation.
    pub about: &'static str,
}

/// How serious a remark about a section is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The section cannot be used.
    Error,
    /// It can, but maybe not as meant.
    Warning,
    /// What was assumed.
    Info,
}

/// A remark about a section's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// How serious.
    pub level: Level,
    /// The text; virt-who's where it had one.
    pub text: String,
}

impl Remark {
    /// A remark of some level.
    #[must_use]
    pub fn new(level: Level, text: impl Into<String>) -> Self {
        Self {
            level,
            text: text.into(),
        }
    }
}

/// A kind of backend: what its sections may say, and how to make one.
pub trait Kind: Sync {
    /// The value of `type`, which is also `virtWhoType` of its guests.
    fn name(&self) -> &'static str;

    /// The values of `hypervisor_id` that it knows, in the order messages name them. Empty: not checked, not used.
    fn ids(&self) -> &'static [IdKind];

    /// `server`.
    fn server(&self) -> Need {
        Need::Required
    }

    /// `username` and `password`.
    fn account(&self, settings: &Settings) -> Need {
        let _ = settings;
        Need::Required
    }

    /// Options of its own.
    fn options(&self) -> &'static [OptionSpec] {
        &[]
    }

    /// Variables of the environment that it looks at.
    fn variables(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether such a source reports the machine itself and not hosts: then `owner` is not needed.
    fn local(&self, settings: &Settings) -> bool {
        let _ = settings;
        false
    }

    /// Checks the settings and completes the server's address. Called once all options are filled in, before `open`.
    fn complete(&self, settings: &mut Settings) -> Vec<Remark>;

    /// Makes a backend from completed settings. Asks nobody.
    ///
    /// # Errors
    /// Settings that cannot work: a CA file that cannot be read, an address that is none.
    fn open(&self, settings: Settings) -> Result<Box<dyn Backend>>;
}

/// A sink that keeps everything.
#[derive(Debug, Default)]
pub struct Gathered {
    /// Hosts so far.
    pub hosts: Vec<Hypervisor>,
    /// Local guests so far.
    pub guests: Vec<Guest>,
    /// Notes so far.
    pub notes: Vec<Note>,
}

#[async_trait]
impl Sink for Gathered {
    async fn page(&mut self, page: Page) {
        match page {
            Page::Hosts(mut hosts) => self.hosts.append(&mut hosts),
            Page::Local(mut guests) => self.guests.append(&mut guests),
        }
    }

    fn note(&mut self, note: Note) {
        self.notes.push(note);
    }
}

/// Reads a whole inventory into memory.
///
/// # Errors
/// Those of the backend.
pub async fn gather(backend: &mut dyn Backend) -> Result<(Report, Vec<Note>)> {
    let mut sink = Gathered::default();
    let whole = backend.read(&mut sink).await?;
    let report = match whole.local {
        None => Report::Hosts(sink.hosts),
        Some(hypervisor_id) => Report::Local(LocalGuests {
            guests: sink.guests,
            hypervisor_id,
        }),
    };
    Ok((report, sink.notes))
}

/// Gives the bytes to every reader of answers: SOAP, sealed messages, NTLM, kubeconfigs. For fuzzing; whatever comes,
/// nothing may panic.
#[doc(hidden)]
pub fn fuzz(bytes: &[u8]) {
    esx::fuzz(bytes);
    hyperv::fuzz(bytes);
    kubevirt::fuzz(bytes);
    let _ = crate::xml::Element::read(bytes);
}
