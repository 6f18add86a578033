//! INI files as Python's ConfigParser reads them, and sysconfig files (`NAME=value`).
//!
//! Old tools keep their settings in this dialect: `virt-who.conf` and `virt-who.d/*.conf`, `bcfg2.conf`, `rhsm.conf`. Bytes in,
//! values out: no file is opened here. Every value knows the file and line that it came from, so that a message can name them.
//! What the old parser refused for no good reason (a lone `%`) is taken as it stands and reported as a [`Warning`].
//!
//! ```
//! use airlock_ini::{Dialect, parse};
//!
//! let file = parse("virt-who.conf", b"[vc]\ntype = esx\npassword = \"50%off\"\n", &Dialect::virt_who())?;
//! let section = file.section("vc").expect("the section is there");
//! assert_eq!(section.value("password"), Some("50%off"));
//! assert_eq!(section.entry("type").expect("it is there").place.to_string(), "virt-who.conf:2");
//! assert_eq!(file.warnings.len(), 1);
//! # Ok::<(), airlock_ini::Error>(())
//! ```

mod dialect;
mod document;
mod error;
mod interpolate;
mod lines;
mod parse;
mod sysconfig;

pub use dialect::{Dialect, Limits};
pub use document::{Entry, File, Place, Section};
pub use error::{BadLine, Error, Result, Warning};
pub use parse::parse;
pub use sysconfig::{Sysconfig, Variable, parse_sysconfig};
