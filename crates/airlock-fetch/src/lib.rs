//! Downloads: upstreams over HTTP(S) and file, verified while streaming.
//!
//! The only crate that knows reqwest. It knows no repository format and no rule of the field: callers
//! say which paths, sizes and checksums they want, and decide what failures mean.
//!
//! ```no_run
//! # async fn example() -> airlock_fetch::Result<()> {
//! use airlock_fetch::{Algorithm, Cancel, Checksum, Fetcher, Job, Progress, Settings, Small, Upstream};
//!
//! let fetcher = Fetcher::new(Settings::default());
//! # let base = url::Url::parse("https://example.org/repo/").expect("a URL");
//! let session = fetcher.start(&Upstream::new(base)).await?;
//! let cancel = Cancel::new();
//! if let Small::Bytes(repomd) = session.small("repodata/repomd.xml", 1 << 20, None, &cancel).await? {
//!     println!("{} bytes from {}", repomd.bytes.len(), repomd.url);
//! }
//! let job = Job::new("Packages/a-1-1.noarch.rpm", "/var/lib/airlock/tmp")
//!     .size(7_000)
//!     .checksum(Checksum::new(Algorithm::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")?);
//! let file = session.download(&job, &Progress::silent(), &cancel).await?;
//! println!("{} is at {}", file.sha256_hex(), file.path().display());
//! # Ok(())
//! # }
//! ```

mod body;
mod cancel;
mod certificate;
mod digest;
mod download;
mod error;
mod exchange;
mod guard;
mod http_date;
mod job;
mod limiter;
mod local;
mod location;
mod parallel;
mod part;
mod progress;
mod session;
mod settings;
mod shown;
mod sink;
mod small;
mod timer;
mod trusted;
mod turns;
mod upstream;

pub use cancel::Cancel;
pub use certificate::{Expiry, common_name};
pub use digest::{Algorithm, Checksum, UnknownAlgorithm};
pub use error::{Error, Result};
pub use guard::{AddressClass, LookUp, Resolver, SystemResolver};
pub use job::{Downloaded, Job, Location, Placed};
pub use location::file_url;
pub use part::remove_old_parts;
pub use progress::{Progress, Transferred};
pub use session::{Fetcher, Session};
pub use settings::Settings;
pub use shown::ShownUrl;
pub use sink::Arrived;
pub use small::{Small, SmallFile, Validators};
pub use timer::{ManualTimer, SystemTimer, Timer, Waiting};
pub use trusted::{Identity, TrustedServer, speaks_only_old_tls};
pub use upstream::{BasicAuth, ClientCertificate, PemSource, Upstream};
/// The URL type of this crate's interface.
pub use url::Url;
