//! Declared packages as Bcfg2's server keeps them, and the tools around them.
//!
//! | module | holds |
//! |---|---|
//! | [`list`] | one Pkgmgr or Rules file: which entries a client gets from it |
//! | [`binding`] | what the server makes of an abstract entry: groups, priorities, attributes, URLs |
//! | [`lint`] | what is wrong with lists |
//! | [`native`] | the same in TOML, with sets and keys |
//! | [`available`] | the packages of folders and yum repositories |
//! | [`generate`] | a new list of what is available (`pkgmgr_gen.py`) |
//! | [`update`] | a list brought to the newest that is available (`pkgmgr_update.py`) |
//! | [`standalone`] | the entries of a machine that has no server |
//! | [`cli`] | the command lines |

pub mod arch;
pub mod available;
pub mod binding;
pub mod cli;
mod error;
pub mod generate;
pub mod lint;
pub mod list;
pub mod native;
pub mod output;
pub mod standalone;
pub mod update;
pub mod words;

pub use error::{Error, Result};

/// Packages of which several versions may be installed side by side: the list that Bcfg2's tools and RPM driver had built
/// in (Bcfg2 reference, section 1.1).
pub use crate::settings::DEFAULT_INSTALLONLY as INSTALL_ONLY;
