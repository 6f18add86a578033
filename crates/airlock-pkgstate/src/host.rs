//! A real machine, or a root of one: its database, its files, its package managers.

mod acknowledged;
mod ahead;
mod execute;
mod file;
mod groups;
mod probe;
mod protected;
mod repository;
mod running;
mod seen;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use self::ahead::Ahead;
use self::seen::Seen;
use crate::decide::{Checker, Omit, Verdict};
use crate::inventory::{Installed, Inventory};
use crate::run::action::Action;
use crate::run::command::{Command, Manager, Ran};
use crate::run::groups::Group;
use crate::run::{Machine, Obtained};
use crate::safety::Protected;

pub use self::probe::Scripts;

const NOT_READ: &str = "nothing was read yet";

/// Brings files from other machines.
pub trait Fetch {
    /// Writes what a URL gives to a file that does not exist yet; at most `limit` bytes.
    ///
    /// # Errors
    /// What went wrong, with the URL.
    fn fetch(&mut self, url: &str, to: &Path, limit: u64) -> Result<(), String>;
}

/// Fetches nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoFetch;

impl Fetch for NoFetch {
    fn fetch(&mut self, url: &str, _: &Path, _: u64) -> Result<(), String> {
        Err(format!("{url}: nothing is fetched here"))
    }
}

/// How a host is looked at and changed.
#[derive(Debug, Clone)]
pub struct HostOptions {
    /// The root.
    pub root: PathBuf,
    /// The folder of the database inside the root, when it is not where rpm has it.
    pub dbpath: Option<PathBuf>,
    /// Further options of `rpm`.
    pub rpm_options: Vec<String>,
    /// The program that installs from repositories; found when not given.
    pub manager: Option<Manager>,
    /// Further options of that program.
    pub manager_options: Vec<String>,
    /// How long a command may take.
    pub timeout: Option<Duration>,
    /// Files that were fetched are kept here; `/var/cache/airlock-agent` inside the root when not given.
    pub cache: Option<PathBuf>,
    /// Package files need a good signature.
    pub require_signatures: bool,
    /// Key files are imported whatever they hold, as the old RPMng did.
    pub unchecked_keys: bool,
}

impl HostOptions {
    /// A root with everything else as usual.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            dbpath: None,
            rpm_options: Vec::new(),
            manager: None,
            manager_options: Vec::new(),
            timeout: None,
            cache: None,
            require_signatures: false,
            unchecked_keys: false,
        }
    }
}

/// Is told what comes next; an error stops the run there.
pub type Journal = Box<dyn FnMut(&str) -> Result<(), String>>;

/// A machine.
pub struct Host {
    options: HostOptions,
    fetch: Box<dyn Fetch>,
    seen: Option<Seen>,
    /// What was looked at ahead, until anything may have changed.
    ahead: Ahead,
    journal: Option<Journal>,
    /// What repositories offer, by name; `None` where they could not be asked. They are asked once a run.
    offers: HashMap<String, Option<Vec<Installed>>>,
    rpm_place: Option<Vec<String>>,
}

impl Host {
    /// A machine; nothing is read yet.
    pub fn new(options: HostOptions, fetch: Box<dyn Fetch>) -> Self {
        Self {
            options,
            fetch,
            seen: None,
            ahead: Ahead::default(),
            journal: None,
            offers: HashMap::new(),
            rpm_place: None,
        }
    }

    /// Is told of every step before it is taken; an error stops the run there.
    pub fn keep_journal(&mut self, journal: Journal) {
        self.journal = Some(journal);
    }

    /// How it is looked at.
    pub fn options(&self) -> &HostOptions {
        &self.options
    }

    fn seen(&self) -> Result<&Seen, String> {
        self.seen.as_ref().ok_or_else(|| NOT_READ.to_owned())
    }
}

impl Checker for Host {
    fn expect(&mut self, asked: Vec<(Installed, Omit)>) {
        self.ahead = match &self.seen {
            Some(seen) => Ahead::look(seen, asked),
            None => Ahead::default(),
        };
    }

    fn check(&mut self, package: &Installed, omit: &Omit) -> Result<Verdict, String> {
        match self.ahead.verdict(package, omit) {
            Some(known) => known,
            None => self.seen()?.check(package, omit),
        }
    }

    fn expect_newest(&mut self, names: Vec<String>) {
        self.ask_repositories(names);
    }

    fn newest(&mut self, name: &str) -> Option<Vec<Installed>> {
        self.ask_repositories(vec![name.to_owned()]);
        self.offers.get(name).cloned().flatten()
    }

    fn owns(&mut self, package: &Installed, path: &str) -> bool {
        self.seen().is_ok_and(|seen| seen.owns(package, path))
    }

    fn is_dangling(&mut self, path: &str) -> bool {
        self.seen().is_ok_and(|seen| seen.is_dangling(path))
    }
}

impl Machine for Host {
    fn inventory(&mut self) -> Result<Inventory, String> {
        self.ahead = Ahead::default();
        let (seen, inventory) = Seen::read(&self.options)?;
        self.seen = Some(seen);
        Ok(inventory)
    }

    fn bring(&mut self, action: &Action) {
        // What is wrong with it is told when it is obtained.
        let _ = self.obtain_file(action, false);
    }

    fn obtain(&mut self, action: &Action) -> Obtained {
        self.obtain_file(action, self.options.require_signatures)
    }

    fn run(&mut self, command: &Command) -> Ran {
        self.execute(command)
    }

    fn ask(&mut self, command: &Command) -> Ran {
        self.execute_keeping(command, execute::LARGEST_ANSWER)
    }

    fn displaces(&mut self, action: &Action, inventory: &Inventory) -> Vec<Installed> {
        self.displaced_by(action, inventory)
    }

    fn group(&mut self, name: &str) -> Result<Group, String> {
        self.ask_group(name)
    }

    fn manager(&self) -> Manager {
        self.options
            .manager
            .unwrap_or_else(repository::find_manager)
    }

    fn protected(&self) -> Protected {
        protected::read(&self.options.root, self.seen.as_ref())
    }

    fn has_prelink(&self) -> bool {
        self.options.root.join("usr/sbin/prelink").exists()
    }

    fn step(&mut self, what: &str) -> Result<(), String> {
        match &mut self.journal {
            Some(journal) => journal(what),
            None => Ok(()),
        }
    }
}
