//! What can go wrong with a download, in words for the person who set up the upstream.

use std::io;
use std::path::PathBuf;

use crate::digest::Algorithm;
use crate::shown::ShownUrl;

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// A failed download. URLs in it carry neither user, password nor query.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An upstream's URL cannot be used.
    #[error("upstream URL {url}: {reason}")]
    BadUpstream {
        /// The URL.
        url: ShownUrl,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An upstream without any URL.
    #[error("the upstream has no URL; set one with `--upstream URL`")]
    NoBase,
    /// A path named by the upstream's metadata would leave the upstream, or cannot be a path.
    #[error("the upstream names the file {path:?}: {reason}; refused")]
    BadPath {
        /// The path as the metadata has it.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A certificate or key file cannot be used.
    #[error("{}: {reason}", path.display())]
    Certificate {
        /// The PEM file.
        path: PathBuf,
        /// What is wrong with it and what to do.
        reason: &'static str,
    },
    /// A header of the upstream's settings cannot be sent.
    #[error("header {name:?} of the upstream cannot be sent: {reason}")]
    BadHeader {
        /// The header's name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The machine has no trusted certificate authorities and the upstream names none.
    #[error(
        "no trusted certificate authorities on this machine: install the package ca-certificates, or give the upstream its own CA file"
    )]
    NoTrustedRoots,
    /// The HTTP client could not be made from the settings.
    #[error("the HTTP client cannot be set up: {reason}")]
    Setup {
        /// The library's reason.
        reason: String,
    },
    /// No connection, or no answer, from the host.
    #[error("{url}: no connection: {reason}; check the address, the network and the proxy")]
    Connect {
        /// What was asked for.
        url: ShownUrl,
        /// The system's reason.
        reason: String,
    },
    /// The host's certificate was not accepted, or the host did not accept ours.
    #[error("{url}: TLS: {reason}; check the upstream's CA file, client certificate and the clock")]
    Tls {
        /// What was asked for.
        url: ShownUrl,
        /// The TLS library's reason.
        reason: String,
    },
    /// The host answered with an HTTP status that is not a success.
    #[error("{url}: HTTP status {status}{}{}", retry_text(*.retry_after), status_hint(*.status))]
    Status {
        /// What was asked for.
        url: ShownUrl,
        /// The HTTP status.
        status: u16,
        /// Seconds after which the host wants to be asked again.
        retry_after: Option<u64>,
    },
    /// A redirect that is not followed.
    #[error("{from}: redirect to {to} refused: {reason}")]
    RedirectRefused {
        /// Who redirected.
        from: ShownUrl,
        /// Where to.
        to: ShownUrl,
        /// Why it is refused.
        reason: &'static str,
    },
    /// More redirects than allowed.
    #[error("{url}: more than {limit} redirects; give the final address as the upstream's URL")]
    TooManyRedirects {
        /// The first URL.
        url: ShownUrl,
        /// How many are followed.
        limit: usize,
    },
    /// A host whose address is inside a network that this upstream must not reach.
    #[error(
        "{url}: its address {address} is {class}, and the upstream itself is not; refused (give the host as an upstream URL if it is meant)"
    )]
    AddressRefused {
        /// What was asked for.
        url: ShownUrl,
        /// The address found for the host.
        address: std::net::IpAddr,
        /// `a loopback address` and so on.
        class: crate::guard::AddressClass,
    },
    /// The transfer fell below the lowest rate.
    #[error("{url}: only {bytes} bytes in {seconds} s; gave up, the part that came is kept")]
    TooSlow {
        /// What was asked for.
        url: ShownUrl,
        /// Bytes in the last window.
        bytes: u64,
        /// Length of the window.
        seconds: u64,
    },
    /// The transfer took longer than the file's size allows.
    #[error("{url}: not finished after {seconds} s; the part that came is kept")]
    Deadline {
        /// What was asked for.
        url: ShownUrl,
        /// The deadline that passed, from the start of the attempt.
        seconds: u64,
    },
    /// The connection broke in the middle of a file.
    #[error("{url}: broken off after {at} bytes: {reason}; the part that came is kept")]
    Transfer {
        /// What was asked for.
        url: ShownUrl,
        /// Bytes of the file that are here.
        at: u64,
        /// The reason.
        reason: String,
    },
    /// The file has another size than the metadata says.
    #[error("{url}: {got} bytes where the metadata says {expected}{}", type_hint(.content_type.as_deref()))]
    Size {
        /// What was asked for.
        url: ShownUrl,
        /// Bytes by the metadata.
        expected: u64,
        /// Bytes that the host has (or at least has sent).
        got: u64,
        /// The content type, where the host gave one.
        content_type: Option<String>,
    },
    /// The file has another checksum than the metadata says.
    #[error("{url}: {algorithm} is {got} where the metadata says {expected}{}", type_hint(.content_type.as_deref()))]
    Checksum {
        /// What was asked for.
        url: ShownUrl,
        /// The checksum's kind.
        algorithm: Algorithm,
        /// In hex, by the metadata.
        expected: String,
        /// In hex, of the bytes.
        got: String,
        /// The content type, where the host gave one.
        content_type: Option<String>,
    },
    /// The file is larger than allowed.
    #[error("{url}: larger than the limit of {limit} bytes")]
    TooLarge {
        /// What was asked for.
        url: ShownUrl,
        /// The limit in bytes.
        limit: u64,
    },
    /// A checksum in the metadata cannot be one.
    #[error("{value:?} is no {algorithm} checksum in hex")]
    BadChecksum {
        /// The kind.
        algorithm: Algorithm,
        /// The text.
        value: String,
    },
    /// A local file of a `file:` upstream is not there or is no plain file.
    #[error("{}: {reason}", path.display())]
    LocalFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// No room for the file.
    #[error("{}: no space left: {needed} bytes more are needed; make room and start again, the parts are kept", path.display())]
    NoSpace {
        /// The file being written.
        path: PathBuf,
        /// Bytes still missing where known, else those of the last write.
        needed: u64,
    },
    /// A file operation failed.
    #[error("{}: {action}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// Stopped by the caller.
    #[error("stopped before the end; the parts that came are kept")]
    Cancelled,
    /// Every mirror failed; the last one's error and how many were tried.
    #[error("{path}: all {tried} mirrors failed, the last with: {last}")]
    AllMirrors {
        /// The path below the mirrors.
        path: String,
        /// How many different mirrors were asked.
        tried: usize,
        /// The last error.
        #[source]
        last: Box<Error>,
    },
}

/// What a failure means for the mirror that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// May pass: ask the same mirror again after a while.
    Transient,
    /// This mirror will not give this file: ask the next one.
    MirrorUnfit,
    /// No mirror can help.
    Final,
}

impl Error {
    /// What to do after this error.
    pub(crate) fn verdict(&self) -> Verdict {
        match self {
            Self::Connect { .. }
            | Self::TooSlow { .. }
            | Self::Deadline { .. }
            | Self::Transfer { .. } => Verdict::Transient,
            Self::Status { status, .. } => match status {
                408 | 425 | 429 | 500 | 502 | 503 | 504 => Verdict::Transient,
                _ => Verdict::MirrorUnfit,
            },
            Self::Tls { .. }
            | Self::RedirectRefused { .. }
            | Self::TooManyRedirects { .. }
            | Self::AddressRefused { .. }
            | Self::Size { .. }
            | Self::Checksum { .. }
            | Self::TooLarge { .. }
            | Self::LocalFile { .. } => Verdict::MirrorUnfit,
            _ => Verdict::Final,
        }
    }

    /// Whether the file is plainly not there (HTTP 404, 410, or a missing local file), at the last mirror asked.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        match self {
            Self::Status { status, .. } => matches!(status, 404 | 410),
            Self::LocalFile { reason, .. } => *reason == crate::local::MISSING,
            Self::AllMirrors { last, .. } => last.is_not_found(),
            _ => false,
        }
    }

    /// Whether what came is not what the metadata promised: a half-updated mirror, an error page, an attack.
    #[must_use]
    pub fn is_mismatch(&self) -> bool {
        match self {
            Self::Size { .. } | Self::Checksum { .. } => true,
            Self::AllMirrors { last, .. } => last.is_mismatch(),
            _ => false,
        }
    }

    /// Whether the same download may work later without any change here.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::AllMirrors { last, .. } => last.is_transient(),
            _ => self.verdict() == Verdict::Transient,
        }
    }

    /// A file operation's error, with "no space" told apart.
    pub(crate) fn io(
        path: impl Into<PathBuf>,
        action: &'static str,
        needed: u64,
        source: io::Error,
    ) -> Self {
        let path = path.into();
        match source.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::NoSpace { path, needed },
            _ => Self::Io {
                path,
                action,
                source,
            },
        }
    }
}

fn retry_text(retry_after: Option<u64>) -> String {
    retry_after.map_or_else(String::new, |seconds| {
        format!(", asks to come again after {seconds} s")
    })
}

fn status_hint(status: u16) -> &'static str {
    match status {
        401 => "; check user, password or token of the upstream",
        403 => "; check the client certificate, token or subscription of the upstream",
        404 | 410 => {
            "; the file is not there: check the upstream's URL, or sync again if the upstream has just changed"
        }
        407 => "; the proxy wants a user and password: put them in the proxy's URL",
        429 => "; too many requests: lower the number of parallel downloads",
        500..=599 => "; the upstream has trouble, try later",
        _ => "",
    }
}

fn type_hint(content_type: Option<&str>) -> &'static str {
    match content_type {
        Some(kind) if kind.starts_with("text/html") => {
            " (it is a web page: perhaps a login or error page of the upstream or a proxy)"
        }
        _ => "; the upstream may just be changing, or its mirror is not up to date",
    }
}
