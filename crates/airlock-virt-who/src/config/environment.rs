//! `VIRTWHO_*`: what `/etc/sysconfig/virt-who` and the environment say, as global values and one section.
//! Reference: virt-who, section 1.6.

use super::global::SHORTEST;
use super::origin::{Origin, RawSection, RawValue};
use std::collections::BTreeMap;

/// The section that the variables make.
pub const SECTION: &str = "env/cmdline";

/// The kinds that variables can choose; of several the last one counts.
const KINDS: [&str; 6] = ["LIBVIRT", "VDSM", "ESX", "XEN", "RHEVM", "HYPERV"];

/// Which servers are asked to take reports, as old options choose it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manager {
    /// Candlepin: SAM, Satellite 6.
    Candlepin,
    /// Satellite 5, Spacewalk.
    Satellite5,
}

/// What the variables say.
#[derive(Debug, Clone, Default)]
pub struct FromVariables {
    /// Values for `[global]`, by its names.
    pub global: BTreeMap<String, RawValue>,
    /// The section they make.
    pub section: Option<RawSection>,
    /// The chosen manager.
    pub manager: Option<Manager>,
    /// Satellite 5 account for sections without one.
    pub satellite: BTreeMap<String, RawValue>,
    /// Use the old check-in even if the server could do better.
    pub disable_async: bool,
    /// Names that begin with `VIRTWHO_` and mean nothing.
    pub unknown: Vec<(String, Origin)>,
    /// Values that are not used, and why.
    pub left_out: Vec<(Origin, String)>,
}

/// Reads the variables.
#[must_use]
pub fn read(variables: &BTreeMap<String, RawValue>) -> FromVariables {
    let mut out = FromVariables::default();
    let on = |name: &str| {
        variables
            .get(&format!("VIRTWHO_{name}"))
            .filter(|value| matches!(value.text.trim().to_lowercase().as_str(), "1" | "true"))
    };
    for (name, key) in [
        ("DEBUG", "debug"),
        ("ONE_SHOT", "oneshot"),
        ("LOG_PER_CONFIG", "log_per_config"),
    ] {
        if let Some(value) = variables.get(&format!("VIRTWHO_{name}")) {
            let text = if on(name).is_some() { "true" } else { "false" };
            out.global.insert(
                key.to_owned(),
                RawValue {
                    text: text.to_owned(),
                    origin: value.origin.clone(),
                },
            );
        }
    }
    for (name, key) in [
        ("LOG_DIR", "log_dir"),
        ("LOG_FILE", "log_file"),
        ("REPORTER_ID", "reporter_id"),
        ("INTERVAL", "interval"),
    ] {
        let value = variables.get(&format!("VIRTWHO_{name}"));
        // An interval of nothing meant "not set".
        let Some(value) = value.filter(|value| !matches!(value.text.trim(), "" | "0")) else {
            continue;
        };
        let seconds = value.text.trim().parse::<u64>();
        if key == "interval" && seconds.is_ok_and(|seconds| seconds < SHORTEST) {
            out.left_out.push((
                value.origin.clone(),
                format!("VIRTWHO_INTERVAL is below {SHORTEST} seconds and not used"),
            ));
            continue;
        }
        out.global.insert(key.to_owned(), value.clone());
    }
    for (name, manager) in [
        ("SAM", Manager::Candlepin),
        ("SATELLITE6", Manager::Candlepin),
        ("SATELLITE5", Manager::Satellite5),
        ("SATELLITE", Manager::Satellite5),
    ] {
        if on(name).is_some() {
            out.manager = Some(manager);
        }
    }
    for (name, key) in [
        ("SERVER", "sat_server"),
        ("USERNAME", "sat_username"),
        ("PASSWORD", "sat_password"),
    ] {
        if let Some(value) = variables.get(&format!("VIRTWHO_SATELLITE_{name}")) {
            out.satellite.insert(key.to_owned(), value.clone());
        }
    }
    let kind = KINDS.iter().rev().find_map(|kind| Some((*kind, on(kind)?)));
    if let Some((kind, chosen)) = kind {
        out.section = Some(section(kind, chosen, variables));
    }
    out.disable_async = variables.get("VIRTWHO_DISABLE_ASYNC").is_some_and(|value| {
        matches!(
            value.text.trim().to_lowercase().as_str(),
            "1" | "yes" | "true"
        )
    });
    out.unknown = variables
        .iter()
        .filter(|(name, _)| !known(name))
        .map(|(name, value)| (name.clone(), value.origin.clone()))
        .collect();
    out
}

fn section(kind: &str, chosen: &RawValue, variables: &BTreeMap<String, RawValue>) -> RawSection {
    let mut section = RawSection::new(SECTION, chosen.origin.clone());
    section.set("type", kind.to_lowercase(), chosen.origin.clone());
    for key in ["owner", "env", "server", "username", "password"] {
        let name = format!("VIRTWHO_{kind}_{}", key.to_uppercase());
        if let Some(value) = variables.get(&name).filter(|value| !value.text.is_empty()) {
            section.values.insert(key.to_owned(), value.clone());
        }
    }
    section
}

fn known(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("VIRTWHO_") else {
        return true;
    };
    if matches!(
        rest,
        "DEBUG"
            | "ONE_SHOT"
            | "INTERVAL"
            | "LOG_PER_CONFIG"
            | "LOG_DIR"
            | "LOG_FILE"
            | "REPORTER_ID"
            | "BACKGROUND"
            | "SAM"
            | "SATELLITE6"
            | "SATELLITE5"
            | "SATELLITE"
            | "DISABLE_ASYNC"
            | "SATELLITE_SERVER"
            | "SATELLITE_USERNAME"
            | "SATELLITE_PASSWORD"
    ) || KINDS.contains(&rest)
    {
        return true;
    }
    rest.split_once('_').is_some_and(|(kind, key)| {
        KINDS.contains(&kind) && matches!(key, "OWNER" | "ENV" | "SERVER" | "USERNAME" | "PASSWORD")
    })
}

/// A variable of the process's own environment.
#[must_use]
pub fn of_process(name: &str, text: &str) -> RawValue {
    RawValue {
        text: text.to_owned(),
        origin: Origin::Environment(name.to_owned()),
    }
}
