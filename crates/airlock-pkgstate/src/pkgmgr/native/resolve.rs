//! Sets and keys become instances, once it is known what there is.

use airlock_rpm::signature::KeyRing;
use jiff::civil::Date;

use super::{KEY, SET};
use crate::pkgmgr::available::Available;
use crate::pkgmgr::list::OWN;
use crate::xml::{Element, Node, Place};

/// What has to be known.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'f> {
    /// What sets choose from: the packages of a repository, or those that are installed.
    pub packages: Option<&'f [Available]>,
    /// The running kernel, as `uname -r` says it.
    pub running_kernel: Option<&'f str>,
    /// The key files that policies name.
    pub keys: &'f dyn KeySource,
    /// Today: keys count up to their last day.
    pub today: Date,
}

/// Where the bytes of key files come from.
pub trait KeySource: std::fmt::Debug {
    /// The file that a key names; `None` when there is none.
    fn read(&self, file: &str) -> Option<Vec<u8>>;
}

/// No key files.
impl KeySource for () {
    fn read(&self, _: &str) -> Option<Vec<u8>> {
        None
    }
}

/// Something that has to be known and is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// A set, and no packages to choose from.
    #[error(
        "line {line}: the set of {package}: nobody said which packages there are; give --rpmdirs or --yumrepos"
    )]
    NoPackages {
        /// Where.
        line: u32,
        /// The package.
        package: String,
    },
    /// A set that holds the running kernel, and nobody knows which one that is.
    #[error(
        "line {line}: the set of {package} holds the running one: {}",
        match running { Some(running) => format!("there is no {package} of version {running}"), None => "say which one that is with --running-kernel (uname -r)".to_owned() }
    )]
    NotRunning {
        /// Where.
        line: u32,
        /// The package.
        package: String,
        /// The kernel that runs.
        running: Option<String>,
    },
    /// A set of which there is nothing.
    #[error(
        "line {line}: the set of {package}: there is no such package; an empty set would remove all"
    )]
    Empty {
        /// Where.
        line: u32,
        /// The package.
        package: String,
    },
    /// A key whose time of making is not known.
    #[error(
        "line {line}: the key {fingerprint}: {why}; give created = \"…\" (the release of the gpg-pubkey that rpm shows), or its file"
    )]
    Key {
        /// Where.
        line: u32,
        /// The key.
        fingerprint: String,
        /// What is missing.
        why: String,
    },
}

/// `around` is the `type` that comes down to the element.
pub(super) fn resolve(
    element: &mut Element,
    around: Option<&str>,
    facts: &Facts<'_>,
) -> Result<(), ResolveError> {
    keys(element, facts)?;
    let name = element.attribute("name").unwrap_or_default().to_owned();
    let kind = element.attribute("type").or(around).map(str::to_owned);
    let mut children = Vec::new();
    for child in std::mem::take(&mut element.children) {
        match child {
            Node::Element(set) if set.name == SET => {
                let chosen = choose(&name, &set, facts)?;
                let instances = chosen.iter().map(|one| Element {
                    place: set.place,
                    ..instance(one, kind.as_deref())
                });
                children.extend(instances.map(Node::Element));
            }
            Node::Element(mut inner) => {
                resolve(&mut inner, kind.as_deref(), facts)?;
                children.push(Node::Element(inner));
            }
            other => children.push(other),
        }
    }
    element.children = children;
    Ok(())
}

fn choose<'f>(
    name: &str,
    set: &Element,
    facts: &Facts<'f>,
) -> Result<Vec<&'f Available>, ResolveError> {
    let (line, package) = (set.place.line, name.to_owned());
    let Some(packages) = facts.packages else {
        return Err(ResolveError::NoPackages { line, package });
    };
    let mut all: Vec<&Available> = packages.iter().filter(|one| one.name == name).collect();
    all.sort_by(|one, two| one.arch.cmp(&two.arch).then_with(|| two.compare(one)));
    all.dedup_by(|one, two| one.arch == two.arch && one.compare(two).is_eq());
    if all.is_empty() {
        return Err(ResolveError::Empty { line, package });
    }
    let mut chosen: Vec<&Available> = Vec::new();
    if set.attribute("running") == Some("true") {
        let is_running = |one: &Available, running: &str| {
            let evr = format!("{}-{}", one.version, one.release);
            // Kernels of EL 5 do not say their architecture; variants put a word behind.
            let running = running.split('+').next().unwrap_or(running);
            running == evr || running == format!("{evr}.{}", one.arch)
        };
        let running = facts.running_kernel;
        let found = all
            .iter()
            .copied()
            .find(|one| running.is_some_and(|text| is_running(one, text)));
        let running = running.map(str::to_owned);
        chosen.push(found.ok_or(ResolveError::NotRunning {
            line,
            package,
            running,
        })?);
    }
    let newest: usize = set
        .attribute("newest")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    let archs: Vec<&str> = {
        let mut archs: Vec<&str> = all.iter().map(|one| one.arch.as_str()).collect();
        archs.dedup();
        archs
    };
    for arch in archs {
        let of_arch = all.iter().copied().filter(|one| one.arch == arch);
        for one in of_arch.take(newest) {
            if !chosen.contains(&one) {
                chosen.push(one);
            }
        }
    }
    // Oldest first, as lists have them.
    chosen.sort_by(|one, two| one.arch.cmp(&two.arch).then_with(|| one.compare(two)));
    Ok(chosen)
}

fn instance(one: &Available, kind: Option<&str>) -> Element {
    let mut instance = Element::new("Instance");
    if kind == Some("rpm") && !one.file.is_empty() {
        instance.set("simplefile", one.file.as_str());
    }
    if let Some(epoch) = one.epoch.filter(|epoch| *epoch != 0) {
        instance.set("epoch", epoch.to_string());
    }
    instance
        .with("version", one.version.as_str())
        .with("release", one.release.as_str())
        .with("arch", one.arch.as_str())
}

/// A key that became an instance.
struct Imported {
    /// The comments before it, and the instance.
    nodes: Vec<Node>,
    /// What its package says.
    attributes: Vec<(String, String)>,
    /// Where the key stands.
    place: Place,
}

/// Keys directly inside become instances of one `gpg-pubkey`, put where there is one already. The comments before a key
/// go with it.
fn keys(element: &mut Element, facts: &Facts<'_>) -> Result<(), ResolveError> {
    let mut instances: Vec<Imported> = Vec::new();
    let mut children: Vec<Node> = Vec::new();
    let mut comments = 0;
    for child in std::mem::take(&mut element.children) {
        let key = match child {
            Node::Element(key) if key.name == KEY => key,
            other => {
                comments = match other {
                    Node::Comment(_) => comments + 1,
                    _ => 0,
                };
                children.push(other);
                continue;
            }
        };
        let mut nodes = children.split_off(children.len() - comments);
        comments = 0;
        let last_day = key
            .attribute("until")
            .and_then(|text| text.parse::<Date>().ok());
        if last_day.is_some_and(|day| day < facts.today) {
            continue;
        }
        let own = key.attributes.iter();
        let own = own.filter(|(name, _)| ["type", "uri"].contains(&name.as_str()));
        let mut instance = key_instance(&key, facts)?;
        instance.children.clone_from(&key.children);
        instance.place = key.place;
        nodes.push(Node::Element(instance));
        instances.push(Imported {
            nodes,
            attributes: own.cloned().collect(),
            place: key.place,
        });
    }
    element.children = children;
    for imported in instances {
        let Imported {
            nodes,
            attributes,
            place,
        } = imported;
        let is_package = |child: &&mut Node| {
            matches!(child, Node::Element(inner) if inner.name == "Package"
                && inner.attribute("name") == Some("gpg-pubkey")
                && attributes.iter().all(|(name, value)| inner.attribute(name) == Some(value)))
        };
        let found = element.children.iter_mut().find(is_package);
        match found {
            Some(Node::Element(package)) => package.children.extend(nodes),
            _ => {
                let mut package = Element::new("Package").with("name", "gpg-pubkey");
                package.attributes.extend(attributes);
                package.children = nodes;
                package.place = place;
                element.children.insert(0, Node::Element(package));
            }
        }
    }
    debug_assert!(
        OWN.contains(&"name"),
        "the package's own name does not go down"
    );
    Ok(())
}

fn key_instance(key: &Element, facts: &Facts<'_>) -> Result<Element, ResolveError> {
    let fingerprint = key.attribute("fingerprint").unwrap_or_default().to_owned();
    let file = key.attribute("file");
    let failed = |why: String| ResolveError::Key {
        line: key.place.line,
        fingerprint: fingerprint.clone(),
        why,
    };
    let created = match (key.attribute("created"), file) {
        (Some(created), _) => created.to_owned(),
        (None, None) => return Err(failed("nobody says when it was made".to_owned())),
        (None, Some(file)) => {
            let bytes = facts.keys.read(file);
            let bytes = bytes.ok_or_else(|| failed(format!("its file {file} is not here")))?;
            let ring = KeyRing::from_bytes(&bytes);
            let of_key = ring.certificates().iter().find(|certificate| {
                certificate
                    .fingerprint()
                    .to_string()
                    .eq_ignore_ascii_case(&fingerprint)
            });
            let of_key =
                of_key.ok_or_else(|| failed(format!("the file {file} holds another key")))?;
            format!("{:08x}", of_key.created())
        }
    };
    // The id is the end of a fingerprint of version 4 and the start of one of version 6.
    let id = match fingerprint.len() {
        40 => &fingerprint[24..],
        _ => fingerprint.get(..16).unwrap_or_default(),
    };
    let version = id.get(id.len().saturating_sub(8)..).unwrap_or_default();
    let mut instance = Element::new("Instance");
    if let Some(file) = file {
        instance.set("simplefile", file);
    }
    Ok(instance
        .with("version", version.to_ascii_lowercase())
        .with("release", created))
}
