//! A machine without a server: its entries out of a file of any form.
//!
//! A `Configuration`, `Bundle` or `Independent` is what a server would have sent and stays as it is. A `PackageList` or
//! `Rules` file, or a list in the native form, is bound here for the machine's name and groups.

use super::binding::{RulesOptions, bind_all};
use super::error::Result;
use super::list::{Client, List};
use super::native::{Facts, Policy};
use crate::declared::check_list;
use crate::xml::{Document, Element};

/// The declared entries in an element as a server would send it, and what is wrong with the lists.
///
/// # Errors
/// What is no XML or no list in the native form; slips by which packages would be left out ([`check_list`]); sets and keys that
/// cannot be looked up.
pub fn entries(
    file: &str,
    bytes: &[u8],
    client: &Client,
    facts: &Facts<'_>,
) -> Result<(Element, Vec<String>)> {
    let mut notes;
    let (bound, problems) = if file.ends_with(".toml") {
        let policy = Policy::parse(file, bytes)?;
        notes = check_list(file, policy.root(), client)?;
        let resolved = policy.entries(file, client, facts);
        resolved.map_err(|source| super::Error::Resolve {
            file: file.to_owned(),
            source,
        })?
    } else {
        let document = Document::parse(file, bytes)?;
        if !["PackageList", "Rules"].contains(&document.root.name.as_str()) {
            return Ok((document.root, Vec::new()));
        }
        let list = List::from_document(document)?;
        notes = check_list(file, &list.document.root, client)?;
        bind_all(std::slice::from_ref(&list), client, RulesOptions::default())
    };
    notes.extend(problems.iter().map(ToString::to_string));
    Ok((bound, notes))
}
