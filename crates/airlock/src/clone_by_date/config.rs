//! The config file of clone by date: JSON with the keys of the old tool, and those of the new options.
//!
//! Reading it needs nothing but its bytes, so that the fuzz target `clone_config` takes this file by its path; that is
//! why the parts below name theirs.

#[path = "config/field.rs"]
mod field;
#[path = "config/json.rs"]
mod json;
#[path = "config/trees.rs"]
mod trees;
#[path = "config/values.rs"]
pub mod values;

use std::collections::BTreeMap;

use airlock_model::{BlacklistScope, Naked};
use jiff::civil::Date;

pub use self::field::{ALL, Mistake};
use self::field::{expressions, flag, list, members, name, parsed, secret, word};
use self::json::Json;
pub use self::trees::{Tree, pair};

/// Bytes of the largest file that is read.
pub const LARGEST: usize = 1 << 20;

/// What a file says. What it leaves out, or says is `null`, is none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Config {
    /// URL of the server, perhaps with `/rpc/api` behind it.
    pub server: Option<String>,
    /// Login.
    pub username: Option<String>,
    /// Password.
    pub password: Option<String>,
    /// Ask nothing.
    pub assumeyes: Option<bool>,
    /// Show only.
    pub dry_run: Option<bool>,
    /// Last day of errata.
    pub to_date: Option<Date>,
    /// By the date of the last change.
    pub use_update_date: Option<bool>,
    /// Security errata only.
    pub security_only: Option<bool>,
    /// Only these advisories.
    pub errata: Vec<String>,
    /// Pull nothing in.
    pub skip_depsolve: Option<bool>,
    /// Without the dependencies of what comes along.
    pub skip_errata_depsolve: Option<bool>,
    /// Leave stale errata.
    pub no_errata_sync: Option<bool>,
    /// Never added, by destination.
    pub blacklist: BTreeMap<String, Vec<String>>,
    /// Taken out, by destination.
    pub removelist: BTreeMap<String, Vec<String>>,
    /// Instant or version of the source.
    pub as_of: Option<String>,
    /// Infer what was not recorded.
    pub infer: Option<bool>,
    /// Nothing beyond the date.
    pub strict: Option<bool>,
    /// What is original state.
    pub naked: Option<Naked>,
    /// Take out what was put in by hand.
    pub prune: Option<bool>,
    /// Names of errata stay.
    pub keep_advisory_names: Option<bool>,
    /// Into any destination.
    pub into_other: Option<bool>,
    /// What the blacklist keeps out.
    pub blacklist_scope: Option<BlacklistScope>,
    /// The trees; at least one.
    pub trees: Vec<Tree>,
    /// What was read and counts for nothing, for the person who wrote it.
    pub notes: Vec<String>,
}

/// How many of [`KEYS`] the old tool knew.
const OLD_KEYS: usize = 15;

/// Every key that is read, those of the old tool first.
pub const KEYS: &[&str] = &[
    "username",
    "password",
    "server",
    "assumeyes",
    "to_date",
    "skip_depsolve",
    "skip_errata_depsolve",
    "security_only",
    "use_update_date",
    "no_errata_sync",
    "dry_run",
    "errata",
    "blacklist",
    "removelist",
    "channels",
    "as_of",
    "infer",
    "strict",
    "naked",
    "prune",
    "keep_advisory_names",
    "into_other",
    "blacklist_scope",
];

/// Keys that the old tool took and did not look at.
const WITHOUT_EFFECT: &[(&str, &str)] = &[
    (
        "parents",
        "say existing-parent-do-not-modify at the base's destination",
    ),
    ("validate", "pass -v"),
    ("background", "it never had an effect"),
];

/// Reads a file.
///
/// # Errors
/// The first mistake, with its key and value.
pub fn read(bytes: &[u8]) -> Result<Config, Mistake> {
    if bytes.len() > LARGEST {
        return Err(Mistake::at(
            "",
            format!("{} bytes are too many; {LARGEST} are allowed", bytes.len()),
            "split the file: one for each tree",
        ));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let json: Json = serde_json::from_slice(bytes).map_err(|error| {
        Mistake::at(
            "",
            format!("this is no JSON: {error}"),
            "airlock clone-by-date --sample-config prints a file to begin with",
        )
    })?;
    let mut config = Config::default();
    for (key, value) in members("", &json, "the settings")? {
        member(&mut config, key, value)?;
    }
    if config.trees.is_empty() {
        return Err(Mistake::at(
            "channels",
            "the key is missing: nothing is to be cloned",
            "add \"channels\": [{\"SOURCE\": \"DESTINATION\"}]",
        ));
    }
    for (key, map) in [
        ("blacklist", &mut config.blacklist),
        ("removelist", &mut config.removelist),
    ] {
        map.retain(|label, list| {
            let known =
                label == ALL || config.trees.iter().any(|tree| tree.has_destination(label));
            if !known {
                config.notes.push(format!(
                    "{key}.{label} has no effect: \"{label}\" is no destination of this file; its expressions are {}",
                    list.join(", ")
                ));
            }
            known
        });
    }
    Ok(config)
}

/// Whether a value of an old key is as good as none, as it was of old.
fn is_nothing(key: &str, value: &Json) -> bool {
    let is_old = KEYS.iter().take(OLD_KEYS).any(|known| *known == key);
    is_old && key != "channels" && value.is_empty()
}

/// Takes one key.
fn member(config: &mut Config, key: &str, value: &Json) -> Result<(), Mistake> {
    if is_nothing(key, value) {
        return Ok(());
    }
    match key {
        "server" => config.server = name(key, value)?,
        "username" => config.username = name(key, value)?,
        "password" => config.password = secret(key, value)?,
        "assumeyes" => config.assumeyes = flag(key, value)?,
        "dry_run" => config.dry_run = flag(key, value)?,
        "to_date" => config.to_date = parsed(key, value, values::date)?,
        "use_update_date" => config.use_update_date = flag(key, value)?,
        "security_only" => config.security_only = flag(key, value)?,
        "errata" => config.errata = list(key, value, values::advisory)?,
        "skip_depsolve" => config.skip_depsolve = flag(key, value)?,
        "skip_errata_depsolve" => config.skip_errata_depsolve = flag(key, value)?,
        "no_errata_sync" => config.no_errata_sync = flag(key, value)?,
        "blacklist" => config.blacklist = expressions(key, value)?,
        "removelist" => config.removelist = expressions(key, value)?,
        "as_of" => config.as_of = parsed(key, value, values::as_of)?,
        "infer" => config.infer = flag(key, value)?,
        "strict" => config.strict = flag(key, value)?,
        "naked" => config.naked = word(key, value)?,
        "prune" => config.prune = flag(key, value)?,
        "keep_advisory_names" => config.keep_advisory_names = flag(key, value)?,
        "into_other" => config.into_other = flag(key, value)?,
        "blacklist_scope" => config.blacklist_scope = word(key, value)?,
        "channels" => config.trees = trees::trees(key, value)?,
        _ => {
            let Some((_, instead)) = WITHOUT_EFFECT.iter().find(|(known, _)| *known == key) else {
                return Err(unknown(key, value));
            };
            config
                .notes
                .push(format!("{key} has no effect in a config file: {instead}"));
        }
    }
    Ok(())
}

/// A key that nobody knows, with the known one that looks like it.
fn unknown(key: &str, value: &Json) -> Mistake {
    let folded = |key: &str| -> String {
        let kept = key.chars().filter(|c| c.is_alphanumeric());
        kept.flat_map(char::to_lowercase).collect()
    };
    let wanted = folded(key);
    let hint = match KEYS.iter().find(|known| folded(known) == wanted) {
        Some(known) => format!("did you mean {known}?"),
        None => format!(
            "known are {}; a key that begins with _ is a remark",
            KEYS.join(", ")
        ),
    };
    let value = if wanted.contains("pass") || wanted.contains("secret") {
        "not shown".to_owned()
    } else {
        value.shown()
    };
    Mistake::at(
        &field::below("", key),
        format!("this key is not known (its value is {value})"),
        hint,
    )
}
