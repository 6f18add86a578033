//! A plan: every action with its reason, to be looked at before anything is done, and carried out only while the machine and
//! the declared entries are what it was made of.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::declared::Configuration;
use crate::inventory::Inventory;
use crate::run::action::{Action, ActionKind};
use crate::run::{RunError, Session};

/// The version of [`Plan`].
pub const PLAN_VERSION: u32 = 2;

/// The document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// [`PLAN_VERSION`].
    pub version: u32,
    /// `RPMng` or `YUMng`.
    pub driver: String,
    /// A digest of what is declared.
    pub declared: String,
    /// A digest of what is installed.
    pub installed: String,
    /// What is done, in order, and why.
    pub actions: Vec<Action>,
    /// What happens beside that: packages that are needed, or make room.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<Action>,
    /// What is not done, and why.
    #[serde(default)]
    pub notes: Vec<String>,
    /// SHA-256 of all the rest: what was looked at is what is done.
    pub digest: String,
}

/// A plan of any release.
#[derive(Deserialize)]
#[allow(dead_code)]
struct AnyVersion {
    version: u32,
    driver: String,
    declared: String,
    installed: String,
}

/// Whether these bytes are a plan, of whatever release.
pub fn is_plan(bytes: &[u8]) -> bool {
    serde_json::from_slice::<AnyVersion>(bytes).is_ok()
}

/// A plan that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// No plan.
    #[error("{file} is no plan ({source}); make one with: airlock-agent packages plan -o FILE")]
    Json {
        /// The file.
        file: String,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// A plan that somebody changed.
    #[error(
        "{file} is not as it was made; nothing was done: make a plan of what is to be done (-b, --decision-list and -r choose), and look at it"
    )]
    Edited {
        /// The file.
        file: String,
    },
    /// A plan of another release.
    #[error("{file}: this is version {found} of plans, {PLAN_VERSION} is read here; make it anew")]
    Version {
        /// The file.
        file: String,
        /// Its version.
        found: u32,
    },
}

impl Plan {
    /// The plan of what a session selected.
    pub fn of(session: &Session<'_>) -> Self {
        let mut plan = Self {
            version: PLAN_VERSION,
            driver: session.driver.to_string(),
            declared: declared(session.configuration),
            installed: installed(&session.inventory),
            actions: session.actions.clone(),
            further: session.further.clone(),
            notes: session.notes.clone(),
            digest: String::new(),
        };
        plan.digest = plan.own_digest();
        plan
    }

    fn own_digest(&self) -> String {
        let rest = Self {
            digest: String::new(),
            ..self.clone()
        };
        // What cannot be written has no digest that anything is equal to.
        let text = serde_json::to_vec(&rest).unwrap_or_default();
        hex::encode(Sha256::digest(text))
    }

    /// Reads a plan. `file` is for messages.
    ///
    /// # Errors
    /// What [`PlanError`] lists.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, PlanError> {
        let json = |source| PlanError::Json {
            file: file.to_owned(),
            source,
        };
        let any: AnyVersion = serde_json::from_slice(bytes).map_err(json)?;
        if any.version != PLAN_VERSION {
            return Err(PlanError::Version {
                file: file.to_owned(),
                found: any.version,
            });
        }
        let plan: Self = serde_json::from_slice(bytes).map_err(json)?;
        match plan.digest == plan.own_digest() {
            true => Ok(plan),
            false => Err(PlanError::Edited {
                file: file.to_owned(),
            }),
        }
    }

    /// The document.
    ///
    /// # Errors
    /// Never in practice.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }
}

impl Session<'_> {
    /// Takes the actions of a plan instead of deciding anew.
    ///
    /// # Errors
    /// [`RunError::Stale`] when the machine or the entries are not what the plan was made of.
    pub fn adopt(&mut self, plan: &Plan) -> Result<(), RunError> {
        let stale = |what: &str| {
            Err(RunError::Stale(format!(
                "{what} since the plan was made; nothing was done: make a new plan and look at it"
            )))
        };
        if plan.driver != self.driver.to_string() {
            return stale("another driver was chosen");
        }
        if plan.declared != declared(self.configuration) {
            return stale("the declared entries changed");
        }
        if plan.installed != installed(&self.inventory) {
            return stale("what is installed changed");
        }
        self.to_install = (0..self.now.len())
            .filter(|at| {
                self.entry(*at).is_some_and(|entry| {
                    let label = entry.label();
                    let mut actions = plan.actions.iter();
                    actions.any(|action| action.kind != ActionKind::Remove && action.entry == label)
                })
            })
            .collect();
        self.to_remove = self
            .extra
            .iter()
            .filter(|extra| {
                let mut actions = plan.actions.iter();
                actions.any(|action| action.kind == ActionKind::Remove && action.name == extra.name)
            })
            .cloned()
            .collect();
        self.left = (0..self.now.len())
            .filter(|at| !self.to_install.contains(at))
            .collect();
        self.actions.clone_from(&plan.actions);
        self.notes.extend(plan.notes.iter().cloned());
        self.planned = Some(plan.further.clone());
        Ok(())
    }
}

fn declared(configuration: &Configuration) -> String {
    let mut hash = Sha256::new();
    for entry in &configuration.entries {
        hash.update(entry.element.to_xml().as_bytes());
        for package in entry.packages.iter().flatten() {
            hash.update(b" ");
            hash.update(package.as_bytes());
        }
        hash.update([0]);
    }
    hex::encode(hash.finalize())
}

fn installed(inventory: &Inventory) -> String {
    let mut lines: Vec<String> = inventory
        .packages()
        .iter()
        .map(|package| format!("{} {}", package.number, package.spec()))
        .collect();
    lines.sort();
    let mut hash = Sha256::new();
    for line in lines {
        hash.update(line.as_bytes());
        hash.update(b"\n");
    }
    hex::encode(hash.finalize())
}
