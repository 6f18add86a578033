//! Declared packages as Bcfg2's server keeps them, and the tools around them.
//!
//! | module | holds |
//! |---|---|
//! | [`list`] | one Pkgmgr or Rules file: which entries a client gets from it |
//! | [`binding`] | what the server makes of an abstract entry: groups, priorities, attributes, URLs |

pub mod binding;
pub mod list;
