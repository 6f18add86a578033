//! The order of layers: command line, environment, sysconfig, files, defaults. Reference: virt-who, section 1.1.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::candlepin::Rhsm;
use super::environment::{self, FromVariables, Manager};
use super::files::{self, FileRead, Paths};
use super::origin::{Origin, RawSection, RawValue, Told};
use super::secrets::Vault;
use super::section::{self, Context, Dropped};
use super::{Configuration, Environment, global};
use crate::backend::Level;

/// What the command line says about the configuration; both generations.
#[derive(Debug, Clone, Default)]
pub struct CommandLine {
    /// `-c`: these files instead of the drop folder.
    pub files: Vec<PathBuf>,
    /// Values for `[global]`, by its names, with the option that set them.
    pub global: BTreeMap<String, (String, String)>,
    /// The section that old options make (`--esx --esx-server …`).
    pub section: Option<RawSection>,
    /// The manager that old options choose.
    pub manager: Option<Manager>,
    /// Satellite 5 account from old options.
    pub satellite: BTreeMap<String, RawValue>,
}

/// The names that are special in the main file only.
pub(super) const SPECIAL: [&str; 3] = ["global", "defaults", "system_environment"];

/// The section that stands for nothing at all.
const NOTHING: &str = "cmdline";

struct Layers<'a> {
    paths: &'a Paths,
    told: Vec<Told>,
    read: Vec<FileRead>,
    global: RawSection,
    defaults: RawSection,
    system_environment: RawSection,
    /// The drop folder, when it was looked at.
    folder: Option<PathBuf>,
    /// In the order they were read; a later one of a name replaces an earlier one.
    sections: Vec<RawSection>,
}

/// Reads everything. `environment` is the process's own.
#[must_use]
pub fn load(paths: &Paths, line: &CommandLine, environment: &Environment) -> Configuration {
    let mut layers = Layers {
        paths,
        told: Vec::new(),
        read: Vec::new(),
        global: RawSection::new("global", Origin::BuiltIn),
        defaults: RawSection::new("defaults", Origin::BuiltIn),
        system_environment: RawSection::new("system_environment", Origin::BuiltIn),
        folder: None,
        sections: Vec::new(),
    };
    let main = layers.main();
    let (variables, process) = layers.variables(environment);
    let old = environment::read(&variables);
    for (name, origin) in &old.unknown {
        layers.told.push(Told::general(
            Level::Warning,
            Some(origin.clone()),
            format!("{name} means nothing; the variable is left out"),
        ));
    }
    for (origin, text) in &old.left_out {
        let told = Told::general(Level::Warning, Some(origin.clone()), text.clone());
        layers.told.push(told);
    }
    layers.lay(&old, line);
    let named = layers.named_files(line);
    let failed = !named.is_empty() && !named.iter().any(|path| path.is_file());
    if failed {
        layers.told.push(Told::general(
            Level::Error,
            None,
            "No valid configuration file provided using -c/--config",
        ));
    }
    for path in &named {
        if path.is_file() {
            layers.file(path);
            continue;
        }
        if !failed {
            layers.told.push(Told::general(
                Level::Warning,
                None,
                format!("Unable to find configuration file {}", path.display()),
            ));
        }
        // Somebody names it, so its sources are meant: they are missing and not gone.
        layers.read.push(FileRead {
            path: path.clone(),
            outcome: files::Outcome::Failed("there is no such file".to_owned()),
        });
    }
    if layers.sections.is_empty() && !failed {
        for section in main {
            layers.push(section);
        }
        let folder = paths.drop_folder();
        for path in files::drop_folder(&folder, &mut layers.told, &mut layers.read) {
            layers.file(&path);
        }
        layers.folder = Some(folder);
    }
    for section in [&old.section, &line.section].into_iter().flatten() {
        layers.push(section.clone());
    }
    layers.finish(&old, line, &process, failed)
}

impl Layers<'_> {
    /// The main file: special sections are put away, others given back.
    fn main(&mut self) -> Vec<RawSection> {
        let path = self.paths.main();
        let found = files::sections(&path, &mut self.told, &mut self.read);
        let (special, sources) = found
            .into_iter()
            .partition(|section| SPECIAL.contains(&section.name.as_str()));
        for section in special {
            let section: RawSection = section;
            match section.name.as_str() {
                "global" => self.global = section,
                "defaults" => self.defaults = section,
                _ => self.system_environment = section,
            }
        }
        sources
    }

    /// The `VIRTWHO_*` variables with their origins, and the environment with what `[system_environment]` adds.
    fn variables(
        &mut self,
        environment: &Environment,
    ) -> (BTreeMap<String, RawValue>, Environment) {
        let mut variables = BTreeMap::new();
        let mut process = environment.clone();
        let sysconfig = self.paths.sysconfig();
        let found = files::sysconfig(&sysconfig, &mut self.told, &mut self.read);
        for variable in found.variables {
            process
                .entry(variable.name.clone())
                .or_insert_with(|| variable.value.clone());
            if variable.name.starts_with("VIRTWHO_") {
                variables.insert(
                    variable.name,
                    RawValue {
                        text: variable.value,
                        origin: files::place(&variable.place),
                    },
                );
            }
        }
        // virt-who's own migration put these lines into [system_environment], where nothing used them.
        for (name, value) in &self.system_environment.values {
            process.insert(name.clone(), value.text.clone());
            if name.starts_with("virtwho_") {
                variables.insert(name.to_uppercase(), value.clone());
            }
        }
        for (name, text) in environment {
            if name.starts_with("VIRTWHO_") {
                variables.insert(name.clone(), environment::of_process(name, text));
            }
        }
        (variables, process)
    }

    /// Lays environment and command line over `[global]`.
    fn lay(&mut self, old: &FromVariables, line: &CommandLine) {
        for (name, value) in &old.global {
            let before = self.global.values.insert(name.clone(), value.clone());
            if let Some(before) = before.filter(|before| !same(&before.text, &value.text)) {
                self.told.push(Told::general(
                    Level::Warning,
                    Some(value.origin.clone()),
                    format!(
                        "{name} is {} by VIRTWHO_…, and not {} as {} says: variables are before files, as in virt-who up to 0.30; delete the line if it is left over",
                        value.text, before.text, before.origin
                    ),
                ));
            }
        }
        for (name, (text, word)) in &line.global {
            self.global
                .set(name, text.clone(), Origin::CommandLine(word.clone()));
        }
    }

    /// The files of `-c` and of `configs`.
    fn named_files(&mut self, line: &CommandLine) -> Vec<PathBuf> {
        if !line.files.is_empty() {
            return line.files.clone();
        }
        let Some(value) = self.global.values.get("configs").cloned() else {
            return Vec::new();
        };
        match super::words::list(super::words::without_remark(&value.text).0) {
            Ok(items) => items.iter().map(|item| self.paths.named(item)).collect(),
            Err(error) => {
                self.told.push(Told::general(
                    Level::Warning,
                    Some(value.origin),
                    format!("configs cannot be read as a list and is not used: {error}"),
                ));
                Vec::new()
            }
        }
    }

    fn file(&mut self, path: &std::path::Path) {
        let found = files::sections(path, &mut self.told, &mut self.read);
        for section in found {
            if SPECIAL.contains(&section.name.as_str()) {
                self.told.push(Told::general(
                    Level::Warning,
                    Some(section.origin.clone()),
                    format!(
                        "[{}] is special only in {}; here it is read as a source",
                        section.name,
                        self.paths.main().display()
                    ),
                ));
            }
            self.push(section);
        }
    }

    fn push(&mut self, section: RawSection) {
        if let Some(before) = self
            .sections
            .iter_mut()
            .find(|before| before.name == section.name)
        {
            self.told.push(Told::general(
                Level::Warning,
                Some(section.origin.clone()),
                format!(
                    "the section [{}] replaces the one at {} as a whole; give each source a name of its own",
                    section.name, before.origin
                ),
            ));
            *before = section;
        } else {
            self.sections.push(section);
        }
    }

    fn finish(
        mut self,
        old: &FromVariables,
        line: &CommandLine,
        process: &Environment,
        failed: bool,
    ) -> Configuration {
        let mut global = global::read(&self.global, self.paths, &mut self.told);
        global.disable_async = old.disable_async;
        if self.sections.is_empty() && !failed {
            let files = self.read.iter().any(|file| {
                matches!(&file.outcome, files::Outcome::Failed(_))
                    || matches!(&file.outcome, files::Outcome::Sections(_)
                        if file.path != self.paths.main())
            });
            if files {
                self.told.push(Told::general(
                    Level::Error,
                    None,
                    "The configuration files do not have any valid section headers",
                ));
            } else {
                self.told.push(Told::general(
                    Level::Info,
                    None,
                    "Using default \"cmdline\" configuration: the guests of this machine, by libvirt",
                ));
                let mut section = RawSection::new(NOTHING, Origin::BuiltIn);
                section.set("type", "libvirt", Origin::BuiltIn);
                self.sections.push(section);
            }
        }
        let proxy = global::proxy(process);
        let credentials = process.get("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        let vault = Vault::new(self.paths, credentials);
        let rhsm = Rhsm::read(self.paths, &mut self.told, &mut self.read);
        let context = Context {
            global: &global,
            rhsm: &rhsm,
            vault: &vault,
            manager: line.manager.or(old.manager),
            proxy: &proxy,
            process,
            paths: self.paths,
        };
        let mut sources = Vec::new();
        let mut dropped = Vec::new();
        let on_line = line
            .section
            .iter()
            .flat_map(|section| &section.values)
            .chain(&line.satellite)
            .any(|(name, _)| name.ends_with("password"));
        if on_line {
            self.told.push(Told::general(
                Level::Warning,
                None,
                "a password on the command line can be read by everybody on this machine; put it into a file",
            ));
        }
        for section in &mut self.sections {
            for (name, value) in &self.defaults.values {
                if !section.values.contains_key(name) {
                    let origin = match &value.origin {
                        Origin::File(place) => Origin::Defaults(place.clone()),
                        other => other.clone(),
                    };
                    section.set(name, value.text.clone(), origin);
                }
            }
            for (name, value) in old.satellite.iter().chain(&line.satellite) {
                section
                    .values
                    .entry(name.clone())
                    .or_insert_with(|| value.clone());
            }
            let mut in_addresses = Vec::new();
            super::addresses::strip(section, &mut in_addresses);
            let (source, mut told) = section::read(section, &context);
            told.extend(in_addresses);
            let valid = !told.iter().any(|told| told.level == Level::Error);
            match source {
                Some(source) if valid => {
                    sources.push(source);
                    self.told.extend(told);
                }
                source => dropped.push(Dropped {
                    name: section.name.clone(),
                    origin: section.origin.clone(),
                    told,
                    source,
                }),
            }
        }
        sources.sort_by(|one, other| one.name.cmp(&other.name));
        if sources.is_empty() && !self.sections.is_empty() {
            self.told.push(Told::general(
                Level::Error,
                None,
                "No valid configurations found",
            ));
        }
        let missing = sources.iter().any(|source| {
            source.destinations.iter().any(|to| {
                matches!(to, super::DestinationSettings::Candlepin(to) if to.account.is_none())
            })
        });
        if missing && let Some(who) = files::exposed(&rhsm.key()) {
            self.told.push(Told::general(
                Level::Warning,
                None,
                format!(
                    "{} is the key of the consumer certificate and can be read by {who}",
                    rhsm.key().display()
                ),
            ));
        }
        if missing && !rhsm.registered() {
            self.told.push(Told::general(
                Level::Warning,
                None,
                "Unable to read certificate, system is not registered or you are not root: sources that report to Candlepin need rhsm_username and rhsm_password, or a registration",
            ));
        }
        Configuration {
            global,
            sources,
            dropped,
            told: self.told,
            read: self.read,
            folder: self.folder,
        }
    }
}

/// Whether two texts say the same.
fn same(one: &str, other: &str) -> bool {
    let truth = crate::settings::boolean(one);
    one.trim() == other.trim() || (truth.is_some() && truth == crate::settings::boolean(other))
}
