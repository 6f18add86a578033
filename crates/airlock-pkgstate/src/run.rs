//! One run: look, decide, ask, put right, look again. The sequence of Bcfg2's client, without its other tools.
//!
//! 1. Everything is examined.
//! 2. The list of decisions, the chosen bundles and the operator say which bad entries are put right and which extra packages
//!    go ([`select`]).
//! 3. That becomes actions, each with its reason ([`action`]).
//! 4. [`crate::safety`] may refuse them.
//! 5. They are carried out in the order of the drivers, and what was touched is examined again.
//! 6. Extra packages are removed.

pub mod action;
pub mod command;
mod further;
pub mod groups;
mod perform;
mod replace;
mod rpm;
pub mod select;
mod transaction;
mod yum;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::decide::extra::{self, ExtraPackage};
use crate::decide::lists::DecisionList;
use crate::decide::{Checker, Context, Examined, contradict, examine_all};
use crate::declared::{Configuration, Entry};
use crate::evra::Form;
use crate::inventory::{Installed, Inventory};
use crate::safety::{Limits, Refusal};
use crate::settings::{Driver, DriverSettings};
use action::Action;
use command::{Command, Erasure, Ran};

/// Which extras are removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Remove {
    /// None.
    #[default]
    Nothing,
    /// Extra packages and extra instances.
    Packages,
    /// `-r Packages` of 1.2: only whole packages go, extra instances of declared ones stay.
    CapitalPackages,
}

/// How a run goes.
#[derive(Debug, Clone)]
pub struct Options {
    /// Ask before anything is changed.
    pub interactive: bool,
    /// Change nothing and ask nothing.
    pub dry_run: bool,
    /// `-k`.
    pub kevlar: bool,
    /// `-q`.
    pub quick: bool,
    /// `-r`.
    pub remove: Remove,
    /// Which entries may be touched.
    pub decisions: DecisionList,
    /// Only these bundles.
    pub bundles: Vec<String>,
    /// All bundles but these.
    pub skip_bundles: Vec<String>,
    /// `-z`, `-Z`: only entries outside bundles, or none of them.
    pub independent: Option<bool>,
    /// How prompts show versions.
    pub form: Form,
    /// Entries of other kinds are asked about too, as the old client did for its other drivers.
    pub foreign: bool,
    /// What needs force.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            interactive: false,
            dry_run: false,
            kevlar: false,
            quick: false,
            remove: Remove::Nothing,
            decisions: DecisionList::default(),
            bundles: Vec::new(),
            skip_bundles: Vec::new(),
            independent: None,
            form: Form::default(),
            foreign: false,
            limits: Limits::default(),
        }
    }
}

/// Who is asked.
pub trait Operator {
    /// Shows a question without a line end and reads the answer; `None` at the end of the input: nothing more is asked.
    fn ask(&mut self, question: &str) -> Option<String>;
}

/// Nobody: every answer is no.
#[derive(Debug, Clone, Copy)]
pub struct Nobody;

impl Operator for Nobody {
    fn ask(&mut self, _: &str) -> Option<String> {
        None
    }
}

/// The machine that is looked at and changed.
pub trait Machine: Checker {
    /// What is installed now.
    ///
    /// # Errors
    /// Why the database cannot be read.
    fn inventory(&mut self) -> Result<Inventory, String>;

    /// Brings a package file here without judging its signature: what it takes away is known before any key is imported.
    fn bring(&mut self, _action: &Action) {}

    /// Brings a package or key file here and checks that it is what the action says.
    fn obtain(&mut self, action: &Action) -> Obtained;

    /// Runs a command.
    fn run(&mut self, command: &Command) -> Ran;

    /// Runs a command that only asks; more of its output is kept.
    fn ask(&mut self, command: &Command) -> Ran {
        self.run(command)
    }

    /// Installed packages of other names that the package file of an action obsoletes, when that file is on this machine.
    fn displaces(&mut self, _action: &Action, _inventory: &Inventory) -> Vec<Installed> {
        Vec::new()
    }

    /// What is in a group of yum.
    ///
    /// # Errors
    /// Why that is not known.
    fn group(&mut self, name: &str) -> Result<groups::Group, String> {
        Err(format!("nobody knows what is in the group {name}"))
    }

    /// The program that installs from repositories.
    fn manager(&self) -> command::Manager;

    /// Names that must never be removed, and the running kernel (`VERSION-RELEASE.ARCH`).
    fn protected(&self) -> crate::safety::Protected;

    /// prelink changes programs here.
    fn has_prelink(&self) -> bool {
        false
    }

    /// Says that a step begins; a journal may keep it, and it may stop the run.
    ///
    /// # Errors
    /// Why the run stops here.
    fn step(&mut self, _what: &str) -> Result<(), String> {
        Ok(())
    }
}

/// What became of a package file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obtained {
    /// It is there and what it should be.
    File(String),
    /// There is no such local file; the package manager says so in its own words.
    Absent(String),
    /// It is not what was declared, or could not be brought here.
    Refused(String),
}

/// A run that could not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The database cannot be read.
    #[error("what is installed cannot be read: {0}")]
    Inventory(String),
    /// Too dangerous.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Refused(Vec<Refusal>),
    /// A plan that does not fit any more.
    #[error("{0}")]
    Stale(String),
    /// Stopped in the middle; what was done stands in the report.
    #[error("stopped: {0}; run it again, it goes on where this run ended")]
    Stopped(String),
}

/// Everything about one run.
pub struct Session<'s> {
    /// What is declared.
    pub configuration: &'s Configuration,
    /// The driver's settings.
    pub settings: &'s DriverSettings,
    /// Which driver works.
    pub driver: Driver,
    /// How it goes.
    pub options: &'s Options,
    /// What is installed.
    pub inventory: Inventory,
    /// By entry, the numbers of the packages that it declares when it was examined last.
    looked_at: Vec<Vec<u32>>,
    /// Names whose entries contradict each other; none with `legacy_quirks`, whose entries undo each other's work.
    contradictions: Arc<BTreeMap<String, String>>,
    /// What was found first, by entry.
    pub before: Vec<Examined>,
    /// What is known now, by entry.
    pub now: Vec<Examined>,
    /// Extra packages found first.
    pub extra_before: Vec<ExtraPackage>,
    /// Extra packages now.
    pub extra: Vec<ExtraPackage>,
    /// Questions that were shown, in order.
    pub prompts: Vec<String>,
    /// Places of entries that are put right.
    pub to_install: Vec<usize>,
    /// Extra packages that go.
    pub to_remove: Vec<ExtraPackage>,
    /// Places of entries that stay as they are although they are bad.
    pub left: BTreeSet<usize>,
    /// What is done and why.
    pub actions: Vec<Action>,
    /// What happens beside that, as far as it is known before.
    pub further: Vec<Action>,
    /// The manager told what happens beside all actions together.
    pub foreseen: bool,
    /// What a plan that is carried out says happens beside its actions.
    pub planned: Option<Vec<Action>>,
    /// The actions were carried out, or it was tried.
    pub performed: bool,
    /// What was changed: labels of entries and of extra packages.
    pub modified: Vec<String>,
    /// Commands that were run.
    pub commands: Vec<Ran>,
    /// Removals.
    pub erasures: Vec<Erasure>,
    /// Their commands.
    pub erasures_ran: Vec<Ran>,
    /// What the operator should know.
    pub notes: Vec<String>,
}

impl<'s> Session<'s> {
    /// Looks at everything.
    ///
    /// # Errors
    /// [`RunError::Inventory`].
    pub fn look(
        configuration: &'s Configuration,
        settings: &'s DriverSettings,
        driver: Driver,
        options: &'s Options,
        machine: &mut dyn Machine,
    ) -> Result<Self, RunError> {
        let mut session = Self {
            configuration,
            settings,
            driver,
            options,
            inventory: Inventory::default(),
            looked_at: vec![Vec::new(); configuration.entries.len()],
            contradictions: Arc::default(),
            before: Vec::new(),
            now: Vec::new(),
            extra_before: Vec::new(),
            extra: Vec::new(),
            prompts: Vec::new(),
            to_install: Vec::new(),
            to_remove: Vec::new(),
            left: BTreeSet::new(),
            actions: Vec::new(),
            further: Vec::new(),
            foreseen: false,
            planned: None,
            performed: false,
            modified: Vec::new(),
            commands: Vec::new(),
            erasures: Vec::new(),
            erasures_ran: Vec::new(),
            notes: Vec::new(),
        };
        session.refresh(machine)?;
        let all: Vec<usize> = (0..configuration.entries.len()).collect();
        session.now = vec![Examined::default(); all.len()];
        session.reexamine(&all, machine);
        if !settings.legacy_quirks {
            session.find_contradictions(machine);
        }
        session.extra = session.find_extra();
        session.before.clone_from(&session.now);
        session.extra_before.clone_from(&session.extra);
        Ok(session)
    }

    /// An entry.
    pub fn entry(&self, at: usize) -> Option<&'s Entry> {
        self.configuration.entries.get(at)
    }

    /// The context of decisions as things are now.
    pub fn context(&self, prelink: bool) -> Context<'_> {
        let mut context = Context::new(
            self.configuration,
            self.settings,
            self.driver,
            &self.inventory,
        );
        context.quick = self.options.quick;
        context.kevlar = self.options.kevlar;
        context.prelink = prelink;
        context.contradictions = Arc::clone(&self.contradictions);
        context
    }

    fn refresh(&mut self, machine: &mut dyn Machine) -> Result<(), RunError> {
        self.inventory = machine.inventory().map_err(RunError::Inventory)?;
        Ok(())
    }

    /// Examines entries again. `now` keeps what was found.
    fn reexamine(&mut self, places: &[usize], machine: &mut dyn Machine) {
        let prelink = machine.has_prelink();
        let known = places
            .iter()
            .copied()
            .filter(|at| self.entry(*at).is_some());
        let places: Vec<usize> = known.collect();
        let context = self.context(prelink);
        let entries = places.iter().filter_map(|at| self.entry(*at));
        let found = examine_all(entries, &context, machine);
        for (at, examined) in places.into_iter().zip(found) {
            let numbers = self.numbers(at);
            if let (Some(place), Some(looked_at)) =
                (self.now.get_mut(at), self.looked_at.get_mut(at))
            {
                *place = examined;
                *looked_at = numbers;
            }
        }
    }

    /// Entries that cannot be good together are bad and left alone.
    fn find_contradictions(&mut self, machine: &mut dyn Machine) {
        let context = self.context(false);
        let entries = self.configuration.entries.iter().zip(&self.now);
        let found = contradict::find(entries, &context);
        let places = (0..self.now.len()).filter(|at| {
            self.entry(*at)
                .is_some_and(|entry| found.contains_key(entry.name()))
        });
        let places: Vec<usize> = places.collect();
        self.contradictions = Arc::new(found);
        self.reexamine(&places, machine);
    }

    /// The numbers of the installed packages that an entry declares.
    fn numbers(&self, at: usize) -> Vec<u32> {
        let names = self.entry(at).map(Entry::package_names);
        let names = names.unwrap_or_default().into_iter();
        let packages = names.flat_map(|name| {
            let named = self.inventory.named(name);
            // YUMng takes a capability for a name.
            match named.is_empty() && self.driver == Driver::Yum {
                true => self.inventory.providing(name),
                false => named,
            }
        });
        packages.map(|package| package.number).collect()
    }

    fn find_extra(&self) -> Vec<ExtraPackage> {
        extra::packages(self.configuration, &self.context(false))
    }

    /// Looks, decides, asks, and carries out.
    ///
    /// # Errors
    /// What [`RunError`] lists. What was done before stays in the session.
    pub fn carry_out(
        &mut self,
        machine: &mut dyn Machine,
        operator: &mut dyn Operator,
    ) -> Result<(), RunError> {
        self.select(operator);
        self.plan(machine);
        self.ensure_safe(machine)?;
        self.perform(machine)
    }

    /// Refuses what is too dangerous.
    ///
    /// # Errors
    /// [`RunError::Refused`].
    pub fn ensure_safe(&mut self, machine: &mut dyn Machine) -> Result<(), RunError> {
        self.look_further(machine);
        self.hold_to_rules(machine)
    }

    /// Holds the actions, and what is known to happen beside them, to the rules of [`crate::safety`] and to the plan that is
    /// carried out.
    ///
    /// # Errors
    /// [`RunError::Refused`]; [`RunError::Stale`] when something goes, or goes back, of which the plan does not speak.
    pub fn hold_to_rules(&self, machine: &mut dyn Machine) -> Result<(), RunError> {
        let refusals = self.refusals(&self.further, machine);
        if !refusals.is_empty() {
            return Err(RunError::Refused(refusals));
        }
        self.hold_to_plan()
    }

    /// What the rules say against the actions together with these.
    fn refusals(&self, beside: &[Action], machine: &mut dyn Machine) -> Vec<Refusal> {
        let all: Vec<Action> = self.actions.iter().chain(beside).cloned().collect();
        crate::safety::check(
            &all,
            self.configuration,
            self.driver,
            &self.inventory,
            &self.options.limits,
            &machine.protected(),
            !self.options.dry_run,
        )
    }
}
