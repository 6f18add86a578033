//! One section becomes one source: its options read, checked and completed. Reference: virt-who, sections 1.3 and 1.4.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::candlepin::Rhsm;
use super::destinations::DestinationSettings;
use super::environment::Manager;
use super::filters::{Filters, filters, patterns};
use super::global::Global;
use super::origin::{Origin, RawSection, Told};
use super::reader::Reader;
use super::secrets::Vault;
use super::targets::{airlock, manager, proxy, satellite5, timeout};
use crate::backend::{Form, Kind, Level, Need, kind, registry};
use crate::filter::HostFilter;
use crate::model::IdKind;
use crate::settings::{Proxy, Settings};

/// A section that was read.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Where it begins.
    pub origin: Origin,
    /// Its kind of backend, by name.
    pub kind: &'static str,
    /// What the backend is told.
    pub settings: Settings,
    /// What `server` said before it was completed.
    pub server_as_written: Option<String>,
    /// `sam` or `satellite`, as the section or the old options chose it.
    pub manager: String,
    /// The organization at Candlepin.
    pub owner: Option<String>,
    /// The filters as read.
    pub filters: Filters,
    /// The filter by id and name.
    pub filter: HostFilter,
    /// It reports this machine's guests instead of hosts.
    pub local: bool,
    /// Where reports go; empty only in a section that was dropped.
    pub destinations: Vec<DestinationSettings>,
    /// Every option with its value (secrets are not shown) and where it comes from.
    pub shown: BTreeMap<String, (String, Origin)>,
    /// Changes when anything about the source changes, secrets included.
    pub fingerprint: [u8; 32],
}

impl Source {
    /// The backend's kind.
    #[must_use]
    pub fn kind(&self) -> Option<&'static dyn Kind> {
        kind(self.kind)
    }
}

/// A section that cannot be used.
#[derive(Debug, Clone)]
pub struct Dropped {
    /// Its name.
    pub name: String,
    /// Where it begins.
    pub origin: Origin,
    /// Why, and what else there is to say.
    pub told: Vec<Told>,
    /// As far as it was read; without a known type not at all.
    pub source: Option<Source>,
}

/// What sections are read with.
pub(crate) struct Context<'a> {
    pub global: &'a Global,
    pub rhsm: &'a Rhsm,
    pub vault: &'a Vault,
    pub manager: Option<Manager>,
    pub proxy: &'a Proxy,
    /// The environment with what the files add.
    pub process: &'a super::Environment,
    pub paths: &'a super::Paths,
}

/// Reads a section. It can be used when nothing of [`Level::Error`] was told.
pub(crate) fn read(section: &RawSection, context: &Context<'_>) -> (Option<Source>, Vec<Told>) {
    let mut reader = Reader::new(section);
    let Some(kind) = kind_of(&mut reader) else {
        return (None, reader.finish());
    };
    let mut settings = Settings::new(&section.name, "");
    let server = common(&mut reader, kind, &mut settings, context);
    let filters = filters(&mut reader, kind, &settings);
    let (filter, parents) = patterns(&mut reader, &filters);
    settings.parents = parents;
    options(&mut reader, kind, &mut settings, context);
    settings.root = context.paths.named("/");
    settings.variables = kind
        .variables()
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), context.process.get(*name)?.clone())))
        .collect();
    let owner = reader
        .take("owner")
        .map(|value| value.text.clone())
        .filter(|owner| !owner.is_empty());
    let manager = manager(&mut reader, context);
    let mut satellite = satellite5(&mut reader, context);
    let airlock = airlock(&mut reader, context);
    let candlepin = context.rhsm.destination(
        &mut reader,
        context.vault,
        owner.clone(),
        &context.global.reporter_id,
        context.global.disable_async,
        context.proxy,
    );
    // A server that is missing was told; completing nothing would only say it again.
    if kind.server() != Need::Required || server.as_deref().is_some_and(|server| !server.is_empty())
    {
        for remark in kind.complete(&mut settings) {
            reader.complain(remark.level, remark.text);
        }
    }
    let local = kind.local(&settings);
    if kind.name() == "fake" && !reader.has("is_hypervisor") {
        let name = reader.name().to_owned();
        reader.complain(
            Level::Warning,
            format!("Required option: \"is_hypervisor\" is missing in: \"{name}\" using default \"True\""),
        );
    }
    let mut destinations = Vec::new();
    if local && satellite.take().is_some() {
        reader.complain(
            Level::Warning,
            "Satellite 5 does not take the guests of one machine (use rhn-virtualization-host there); the sat_ options are not used",
        );
    }
    let to_satellite = satellite.is_some();
    destinations.extend(satellite.map(DestinationSettings::Satellite5));
    let to_airlock = airlock.is_some();
    destinations.extend(airlock.map(DestinationSettings::Airlock));
    if owner.is_some() && manager != "satellite" {
        destinations.push(DestinationSettings::Candlepin(candlepin));
    } else if owner.is_some() && to_satellite {
        reader.complain(
            Level::Warning,
            "owner is not used: sm_type=satellite reports to Satellite 5 only. Leave sm_type out to report to Candlepin, too",
        );
    } else if owner.is_some() && !to_satellite && !to_airlock {
        // sm_type=satellite without an account was told; nothing else is meant.
    } else if owner.is_none() && !to_satellite && !to_airlock && manager != "satellite" {
        if local || kind.name() == "fake" {
            destinations.push(DestinationSettings::Candlepin(candlepin));
        } else {
            reader.complain(Level::Error, "Required option: \"owner\" not set.");
        }
    }
    let fingerprint = fingerprint(section, &settings, &destinations);
    let mut shown = shown(section, kind);
    let to_candlepin = |to: &DestinationSettings| matches!(to, DestinationSettings::Candlepin(_));
    if destinations.iter().any(to_candlepin) {
        let of_file = context.rhsm.shown(|option| reader.has(option));
        shown.extend(of_file.into_iter().map(|(name, (text, origin))| {
            let text = if hidden(&name, kind) {
                HIDDEN.to_owned()
            } else {
                text
            };
            (name, (text, origin))
        }));
    }
    let source = Source {
        name: section.name.clone(),
        origin: section.origin.clone(),
        kind: kind.name(),
        settings,
        server_as_written: server,
        manager,
        owner,
        filters,
        filter,
        local,
        destinations,
        shown,
        fingerprint,
    };
    (Some(source), reader.finish())
}

fn kind_of(reader: &mut Reader<'_>) -> Option<&'static dyn Kind> {
    let Some(word) = reader.fixed("type") else {
        let known: Vec<_> = registry::KINDS.iter().map(|kind| kind.name()).collect();
        reader.complain(
            Level::Error,
            format!(
                "Required option: \"type\" not set. It is one of: {}",
                known.join(", ")
            ),
        );
        return None;
    };
    let found = kind(&word.text.to_lowercase());
    if found.is_none() {
        reader.tell(
            Level::Error,
            &word.origin,
            format!("Unsupported virtual type '{}' is set", word.text),
        );
    }
    found
}

/// Server, account, names of hosts, and how the server is reached. Gives the server as written.
fn common(
    reader: &mut Reader<'_>,
    kind: &'static dyn Kind,
    settings: &mut Settings,
    context: &Context<'_>,
) -> Option<String> {
    let server = match kind.server() {
        Need::Unused => None,
        need => {
            let value = reader
                .take("server")
                .map(|value| value.text.trim().to_owned());
            match value.as_deref() {
                None if need == Need::Required => {
                    reader.complain(Level::Error, "Required option: \"server\" not set.");
                }
                Some("") if need == Need::Required => {
                    let text = format!(
                        "Option server needs to be set in config: '{}'",
                        reader.name()
                    );
                    reader.complain(Level::Error, text);
                }
                _ => {}
            }
            value
        }
    };
    settings.server = server.clone().unwrap_or_default();
    let need = kind.account(settings);
    settings.username = reader
        .take("username")
        .map(|value| value.text.clone())
        .filter(|user| !user.is_empty());
    settings.password = context.vault.secret(reader, "password");
    if need == Need::Required {
        if settings.username.is_none() {
            reader.complain(Level::Error, "Required option: \"username\" not set.");
        }
        if settings.password.is_none() {
            reader.complain(Level::Error, "Required option: \"password\" not set.");
        }
    }
    if let Some(word) = reader.fixed("hypervisor_id") {
        let found = IdKind::of_word(&word.text)
            .filter(|id| kind.ids().is_empty() || kind.ids().contains(id));
        match found {
            Some(id) => settings.hypervisor_id = id,
            None if kind.ids().is_empty() => {}
            None => {
                let allowed: Vec<_> = kind.ids().iter().map(|id| id.word()).collect();
                reader.tell(
                    Level::Error,
                    &word.origin,
                    format!(
                        "Invalid option: \"{}\" for hypervisor_id, use one of: ({})",
                        word.text,
                        allowed.join(", ")
                    ),
                );
            }
        }
    }
    let own = |name: &str| kind.options().iter().any(|option| option.name == name);
    if !own("ca") {
        settings.ca = reader
            .text("ca")
            .map(|value| context.paths.named(&value.text));
    }
    if !own("insecure") {
        settings.insecure = reader.boolean("insecure", false);
    }
    settings.proxy = proxy(reader, context, "proxy");
    settings.all_hosts = reader.boolean("all_hosts", false);
    settings.timeout = timeout(reader, "timeout");
    server
}

/// The options that only this kind has.
fn options(
    reader: &mut Reader<'_>,
    kind: &'static dyn Kind,
    settings: &mut Settings,
    context: &Context<'_>,
) {
    for option in kind.options() {
        let name = option.name;
        // Read with the filters.
        if name.contains("host_parents") {
            continue;
        }
        match option.form {
            Form::Boolean(default) => {
                if reader.has(name) {
                    let value = reader.boolean(name, default);
                    settings.options.insert(name.to_owned(), value.to_string());
                }
            }
            Form::Secret => {
                if let Some(secret) = context.vault.secret(reader, name) {
                    settings
                        .options
                        .insert(name.to_owned(), secret.reveal().to_owned());
                }
            }
            Form::List => {
                if let Some(items) = reader.list(name) {
                    settings.options.insert(name.to_owned(), items.join(","));
                }
            }
            Form::Text | Form::File => {
                let Some(value) = reader.take(name) else {
                    if option.need == Need::Required {
                        reader.complain(
                            Level::Error,
                            format!("Required option: \"{name}\" not set."),
                        );
                    }
                    continue;
                };
                if value.text.is_empty() {
                    let level = if option.need == Need::Required {
                        Level::Error
                    } else {
                        Level::Warning
                    };
                    reader.tell(
                        level,
                        &value.origin,
                        format!("{name} cannot be empty, using default"),
                    );
                    continue;
                }
                let text = if option.form == Form::File {
                    context.paths.named(&value.text).display().to_string()
                } else {
                    value.text.clone()
                };
                settings.options.insert(name.to_owned(), text);
            }
        }
    }
}

fn fingerprint(
    section: &RawSection,
    settings: &Settings,
    destinations: &[DestinationSettings],
) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    };
    for (name, value) in &section.values {
        add(name);
        add(&value.text);
    }
    add(&format!("{settings:?}"));
    add(settings
        .password
        .as_ref()
        .map_or("", |password| password.reveal()));
    for destination in destinations {
        add(&format!("{destination:?}"));
        match destination {
            DestinationSettings::Candlepin(to) => {
                add(to
                    .account
                    .as_ref()
                    .map_or("", |(_, password)| password.reveal()));
            }
            DestinationSettings::Satellite5(to) => add(to.password.reveal()),
            DestinationSettings::Airlock(to) => add(to.token.reveal()),
        }
    }
    hash.finalize().into()
}

/// Whether the value of an option must not be shown. Misspelled names count too; names of files do not.
fn hidden(name: &str, kind: &'static dyn Kind) -> bool {
    let elsewhere = name.ends_with("_file") || name.ends_with("_credential");
    super::files::secret_name(name)
        || (name.contains("proxy") && !elsewhere)
        || kind
            .options()
            .iter()
            .any(|option| option.name == name && option.form == Form::Secret)
}

/// What stands in the place of a secret.
const HIDDEN: &str = "(not shown)";

fn shown(section: &RawSection, kind: &'static dyn Kind) -> BTreeMap<String, (String, Origin)> {
    section
        .values
        .iter()
        .map(|(name, value)| {
            let text = if hidden(name, kind) {
                HIDDEN.to_owned()
            } else {
                value.text.clone()
            };
            (name.clone(), (text, value.origin.clone()))
        })
        .collect()
}
