//! What differs from what was declared, and what is to be done about it.
//!
//! Everything here is a function of the declared entries, the settings, what is installed and what verification found.
//! Nothing is run: [`rpm`] and [`yum`] examine one entry each by the rules of their driver, [`fix`] says which instances are
//! to be put right, [`extra`] finds what was never declared, [`lists`] applies lists of decisions, [`prompt`] asks.
//! The rules are those of Bcfg2's drivers; where they were plainly wrong the documented behaviour is followed, unless
//! `legacy_quirks` asks for the old one.

pub mod contradict;
pub mod extra;
pub mod fix;
pub mod lists;
mod matching;
pub mod prompt;
pub mod required;
pub mod rpm;
pub mod yum;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::declared::{Configuration, Entry, Instance, Parts};
use crate::evra::Evra;
use crate::inventory::{Installed, Inventory};
use crate::settings::{Driver, DriverSettings};
use extra::ExtraPackage;

/// What is wrong with one file of a package.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FileProblem {
    /// Its path.
    pub path: String,
    /// `c` config, `d` documentation, `g` ghost, `l` license, `r` readme, or a blank.
    pub kind: char,
    /// What differs, in the order in which it is reported.
    pub differs: Vec<Difference>,
    /// It is a symbolic link now and was none in the package.
    #[serde(skip)]
    pub became_link: bool,
}

/// One way in which a file differs from the package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Difference {
    /// It is not there.
    Missing,
    /// Its content.
    Digest,
    /// It could not be read.
    Unreadable,
    /// The target of a symbolic link.
    Link,
    /// The link could not be read.
    UnreadableLink,
    /// Its size.
    Size,
    /// Its type or permissions.
    Mode,
    /// The numbers of a device.
    Device,
    /// The time of its last change.
    Mtime,
    /// Its owner.
    User,
    /// Its group.
    Group,
    /// Its capabilities.
    Capabilities,
}

/// A dependency that is not met.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Unmet {
    /// As rpm writes it: `NAME [OPERATOR VERSION]`.
    pub requirement: String,
    /// Name of the capability.
    #[serde(skip)]
    pub name: String,
    /// Its version, if it asks for one.
    #[serde(skip)]
    pub version: String,
    /// rpm's bits of the comparison.
    #[serde(skip)]
    pub flags: u32,
}

/// What verification of one installed package found; nothing at all means that it is as it was installed.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Verdict {
    /// Name, epoch, version, release and architecture of the package.
    pub package: String,
    /// What is wrong with its header: digests and signatures that do not fit.
    pub header: Vec<String>,
    /// Dependencies that are not met.
    pub dependencies: Vec<Unmet>,
    /// Files that differ.
    pub files: Vec<FileProblem>,
    /// Why something could not be checked; no failure by itself.
    pub notes: Vec<String>,
}

impl Verdict {
    /// Nothing differs.
    pub fn is_clean(&self) -> bool {
        self.header.is_empty() && self.dependencies.is_empty() && self.files.is_empty()
    }
}

/// Checks to leave out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Omit {
    words: BTreeSet<String>,
}

impl Omit {
    /// From words such as `nomd5`.
    pub fn new<I: IntoIterator<Item = String>>(words: I) -> Self {
        Self {
            words: words.into_iter().collect(),
        }
    }

    /// One more.
    pub fn add(&mut self, word: &str) {
        self.words.insert(word.to_owned());
    }

    /// Whether a check is left out.
    pub fn has(&self, word: &str) -> bool {
        self.words.contains(word)
    }

    /// All words, sorted.
    pub fn words(&self) -> Vec<&str> {
        self.words.iter().map(String::as_str).collect()
    }
}

/// The names that RPMng knows; other words are told to the operator.
pub const RPM_FLAGS: [&str; 15] = [
    "nodeps",
    "nodigest",
    "nofiles",
    "noscripts",
    "nosignature",
    "nolinkto",
    "nomd5",
    "nofiledigest",
    "nosize",
    "nouser",
    "nogroup",
    "nomtime",
    "nomode",
    "nordev",
    "nocaps",
];

/// What looks at the machine while entries are examined.
pub trait Checker {
    /// Says which packages are probably going to be asked about: whoever can look at many at once does it now. It is a hint;
    /// other questions may come, and a hint takes the place of the one before.
    fn expect(&mut self, _asked: Vec<(Installed, Omit)>) {}

    /// Verifies an installed package.
    ///
    /// # Errors
    /// A text when it could not be looked at: the entry is bad then, never good.
    fn check(&mut self, package: &Installed, omit: &Omit) -> Result<Verdict, String>;

    /// Says of which names the newest version is going to be asked for: whoever can ask for many at once does it now.
    fn expect_newest(&mut self, _names: Vec<String>) {}

    /// The newest version of a name that repositories offer, by architecture; `None` when they cannot be asked.
    fn newest(&mut self, name: &str) -> Option<Vec<Installed>>;

    /// The path is a symbolic link that leads nowhere.
    fn is_dangling(&mut self, path: &str) -> bool;

    /// The package has a file of that path.
    fn owns(&mut self, package: &Installed, path: &str) -> bool;
}

/// What all entries of a run have in common.
#[derive(Debug, Clone)]
pub struct Context<'a> {
    /// The driver's settings.
    pub settings: &'a DriverSettings,
    /// Which driver works.
    pub driver: Driver,
    /// What is installed.
    pub inventory: &'a Inventory,
    /// Paths of other entries: their changes are not the package's.
    pub managed: HashSet<String>,
    /// Paths whose changes do not matter.
    pub ignored: HashSet<String>,
    /// What several entries of one name declare together, and keys: see [`Context::declares_elsewhere`].
    pub together: Arc<HashMap<String, Vec<Parts>>>,
    /// Names whose entries contradict each other, each with the reason: nothing is done about them.
    pub contradictions: Arc<BTreeMap<String, String>>,
    /// `-q`: the content of files is not read (RPMng), files are not looked at (YUMng).
    pub quick: bool,
    /// Programs may have been changed by prelink.
    pub prelink: bool,
    /// `-k`: YUMng also looks for extra instances of packages that stand side by side.
    pub kevlar: bool,
}

impl<'a> Context<'a> {
    /// The context of a run.
    pub fn new(
        configuration: &Configuration,
        settings: &'a DriverSettings,
        driver: Driver,
        inventory: &'a Inventory,
    ) -> Self {
        let entries = configuration.entries.iter();
        let managed = entries
            .clone()
            .filter(|entry| matches!(entry.tag(), "Path" | "Ignore"))
            .map(|entry| entry.name().to_owned());
        let ignored = entries
            .filter(|entry| entry.is_ignored_path())
            .map(|entry| entry.name().to_owned());
        Self {
            settings,
            driver,
            inventory,
            managed: managed.collect(),
            ignored: ignored.collect(),
            together: Arc::new(contradict::declared_together(configuration, driver)),
            contradictions: Arc::default(),
            quick: false,
            prelink: false,
            kevlar: false,
        }
    }

    /// An installed instance that another entry of its name declares: it is not too much for this one, whose instances are
    /// these. Of packages that stand side by side, and keys, it is the version that is declared; of others the architecture,
    /// which this one must say nothing about. The old drivers took away with each entry what the other had brought.
    pub fn declares_elsewhere<'i>(
        &self,
        package: &Installed,
        side_by_side: bool,
        own: impl Iterator<Item = &'i Instance>,
    ) -> bool {
        if self.settings.legacy_quirks {
            return false;
        }
        let Some(all) = self.together.get(&package.name) else {
            return false;
        };
        let mut installed = Parts {
            arch: package.arch.clone(),
            ..Parts::default()
        };
        if side_by_side || package.is_key() {
            installed.epoch = Some(package.epoch.unwrap_or(0).to_string());
            installed.version = Some(package.version.clone());
            installed.release = Some(package.release.clone());
        } else {
            let mut own = own.map(|instance| Parts::of(&instance.element));
            if own.any(|one| one.same_arch(&installed)) {
                return false;
            }
        }
        all.iter().any(|one| one.takes(&installed))
    }

    /// Whether a failing file counts for this instance.
    pub fn counts(&self, path: &str, entry: &Entry, instance: &Instance) -> bool {
        !(self.managed.contains(path)
            || self.ignored.contains(path)
            || entry.ignores().any(|ignore| ignore == path)
            || instance.ignores().any(|ignore| ignore == path))
    }
}

/// What a prompt says about one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    /// `I`: it is not installed.
    Install(Evra),
    /// `U`: another version is.
    Upgrade {
        /// What is installed.
        have: Evra,
        /// What is declared.
        want: Evra,
    },
    /// `R`: it fails verification.
    Reinstall(Evra),
    /// `C`: only configuration files changed; installing again would not bring them back.
    Config(Evra),
    /// `D`: it is installed and not declared.
    Delete(Evra),
}

/// What was found about one declared instance. `None` means that it was not looked at.
#[derive(Debug, Clone)]
pub struct InstanceStatus {
    /// What is declared.
    pub instance: Instance,
    /// It is there.
    pub installed: Option<bool>,
    /// Another version is there.
    pub version_fail: Option<bool>,
    /// It fails verification.
    pub verify_fail: Option<bool>,
    /// What verification found; `None` when it was not verified.
    pub verdicts: Option<Vec<Verdict>>,
    /// Database numbers of the installed packages that it stands for.
    pub matched: Vec<u32>,
    /// The version that is there in its place.
    pub have: Option<Installed>,
    /// What is there stays when the declared version comes.
    pub beside: bool,
}

impl InstanceStatus {
    /// Nothing known yet.
    pub fn new(instance: Instance) -> Self {
        Self {
            instance,
            installed: None,
            version_fail: None,
            verify_fail: None,
            verdicts: None,
            matched: Vec::new(),
            have: None,
            beside: false,
        }
    }

    /// It is as declared as far as it was looked at.
    pub fn is_good(&self) -> bool {
        self.installed != Some(false)
            && self.version_fail != Some(true)
            && self.verify_fail != Some(true)
    }
}

/// What was found about one entry.
#[derive(Debug, Clone, Default)]
pub struct Examined {
    /// It is as declared.
    pub good: bool,
    /// Its instances; empty when it was not looked at.
    pub instances: Vec<InstanceStatus>,
    /// What the prompt says; `None` for the generic question.
    pub codes: Option<Vec<Code>>,
    /// No instance of that name is installed: the prompt has another wording.
    pub none_installed: bool,
    /// The `version` attribute that the report gets.
    pub version: Option<String>,
    /// The `current_version` attribute that the report gets.
    pub current_version: Option<String>,
    /// The report gets `current_exists='false'`.
    pub absent: bool,
    /// Instances that are installed and not declared.
    pub extra: Option<ExtraPackage>,
    /// What the operator should know, worst first.
    pub notes: Vec<String>,
}

impl Examined {
    /// Bad, for a reason that stands in the note; nothing was looked at.
    pub fn unusable(note: String) -> Self {
        Self {
            notes: vec![note],
            ..Self::default()
        }
    }
}

/// Examines entries in their order; what they need to be verified is found out first, so that the checker can look at all
/// of it at once.
pub fn examine_all<'e>(
    entries: impl Iterator<Item = &'e Entry> + Clone,
    context: &Context<'_>,
    checker: &mut dyn Checker,
) -> Vec<Examined> {
    let mut foreseen = Foreseen::default();
    for entry in entries.clone() {
        examine(entry, context, &mut foreseen);
    }
    checker.expect_newest(foreseen.names);
    checker.expect(foreseen.asked);
    let examined = entries
        .map(|entry| examine(entry, context, checker))
        .collect();
    // What was looked at ahead is not needed any more.
    checker.expect(Vec::new());
    examined
}

/// Takes note of what is asked, and finds nothing wrong.
#[derive(Default)]
struct Foreseen {
    names: Vec<String>,
    asked: Vec<(Installed, Omit)>,
}

impl Checker for Foreseen {
    fn check(&mut self, package: &Installed, omit: &Omit) -> Result<Verdict, String> {
        self.asked.push((package.clone(), omit.clone()));
        Ok(Verdict::default())
    }

    fn newest(&mut self, name: &str) -> Option<Vec<Installed>> {
        self.names.push(name.to_owned());
        None
    }

    fn is_dangling(&mut self, _: &str) -> bool {
        false
    }

    fn owns(&mut self, _: &Installed, _: &str) -> bool {
        false
    }
}

/// Examines an entry by the rules of the driver; entries of other drivers are bad and get the generic question.
pub fn examine(entry: &Entry, context: &Context<'_>, checker: &mut dyn Checker) -> Examined {
    if entry.is_ignored_path() && context.driver == Driver::Yum {
        return Examined {
            good: true,
            ..Examined::default()
        };
    }
    if !entry.is_package(context.driver.handles()) {
        let kind = entry.attribute("type").unwrap_or("no");
        return Examined::unusable(format!(
            "{} (type {kind}) is not handled by {}",
            entry.label(),
            context.driver
        ));
    }
    if let Err(why) = required::to_verify(entry, context) {
        return Examined::unusable(why);
    }
    match context.driver {
        Driver::Rpm => rpm::examine(entry, context, checker),
        Driver::Yum => yum::examine(entry, context, checker),
    }
}

/// Whether one package is newer than another.
pub fn is_newer(one: &Installed, other: &Installed) -> bool {
    matching::evr(one) > matching::evr(other)
}
