//! `%(name)s` and `%%`, by the rules of ConfigParser's basic interpolation, but with no way to fail.

use crate::{Place, Warning};

/// How deep references may lead (Python's limit).
const DEEPEST: usize = 10;

/// What a value asks the section for.
pub(crate) trait LookUp {
    /// The raw value of an option of the section or of `DEFAULT`.
    fn raw(&self, name: &str) -> Option<&str>;
    /// A name as the dialect spells it.
    fn name(&self, written: &str) -> String;
}

enum Fault {
    Unknown(String),
    Endless,
}

/// The value with references put in. What cannot be put in stays as it stands, with a warning.
pub(crate) fn interpolate(
    raw: &str,
    option: &str,
    place: &Place,
    most: usize,
    section: &dyn LookUp,
    warnings: &mut Vec<Warning>,
) -> String {
    if !raw.contains('%') {
        return raw.to_owned();
    }
    let mut lone = false;
    let mut out = String::new();
    match put_in(raw, 1, most, section, &mut out, &mut lone) {
        Ok(()) => {
            if lone {
                warnings.push(Warning::LonePercent {
                    name: option.to_owned(),
                    place: place.clone(),
                });
            }
            out
        }
        Err(fault) => {
            warnings.push(match fault {
                Fault::Unknown(wanted) => Warning::UnknownReference {
                    name: option.to_owned(),
                    wanted,
                    place: place.clone(),
                },
                Fault::Endless => Warning::EndlessReference {
                    name: option.to_owned(),
                    place: place.clone(),
                },
            });
            raw.to_owned()
        }
    }
}

fn put_in(
    raw: &str,
    depth: usize,
    most: usize,
    section: &dyn LookUp,
    out: &mut String,
    lone: &mut bool,
) -> Result<(), Fault> {
    if depth > DEEPEST {
        return Err(Fault::Endless);
    }
    let mut rest = raw;
    while let Some(at) = rest.find('%') {
        let (before, from) = rest.split_at(at);
        push(out, before, most)?;
        if let Some(after) = from.strip_prefix("%%") {
            push(out, "%", most)?;
            rest = after;
            continue;
        }
        match reference(from) {
            Some((name, after)) => {
                let value = section
                    .raw(&section.name(name))
                    .ok_or_else(|| Fault::Unknown(name.to_owned()))?;
                put_in(value, depth + 1, most, section, out, lone)?;
                rest = after;
            }
            None => {
                *lone = true;
                push(out, "%", most)?;
                rest = from.get(1..).unwrap_or("");
            }
        }
    }
    push(out, rest, most)
}

fn push(out: &mut String, text: &str, most: usize) -> Result<(), Fault> {
    // A value that is long as it stands is no fault of references.
    if out.len().saturating_add(text.len()) > most.max(text.len()) {
        return Err(Fault::Endless);
    }
    out.push_str(text);
    Ok(())
}

/// The name in `%(name)s`, and what follows.
fn reference(from: &str) -> Option<(&str, &str)> {
    let inside = from.strip_prefix("%(")?;
    let (name, after) = inside.split_once(')')?;
    let after = after.strip_prefix('s')?;
    (!name.is_empty()).then_some((name, after))
}
