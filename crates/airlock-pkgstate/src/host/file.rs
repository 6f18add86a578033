//! Package and key files: brought here, and compared with what is declared before anything opens them.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use airlock_rpm::package::{Dependency, DependencyKind, Package, flag};
use airlock_rpm::signature::{KeyRing, Policy, Verdict};
use airlock_rpm::{PackageHead, read_package, verify_package};
use sha2::{Digest, Sha256};

use super::Host;
use crate::inventory::{Installed, Inventory};
use crate::run::Obtained;
use crate::run::action::{Action, without_password};
use crate::verify::{Root, overlap};

/// Where fetched files are kept, inside the root.
const CACHE: &str = "/var/cache/airlock-agent";
/// The largest package that is fetched.
const LARGEST_PACKAGE: u64 = 8 << 30;
/// The largest file of keys.
const LARGEST_KEY: u64 = 4 << 20;

impl Host {
    pub(super) fn obtain_file(&mut self, action: &Action, signed: bool) -> Obtained {
        let Some(source) = action.source.clone() else {
            return Obtained::Refused("no file is declared for it".to_owned());
        };
        let shown = without_password(&source);
        let local = local_path(&source);
        let path = match &local {
            // rpm takes these for a pattern, and would install what nobody looked at.
            Some(path) if path.display().to_string().contains(['*', '?', '[', '{']) => {
                return Obtained::Refused(format!("{shown}: rpm would take it for a pattern"));
            }
            Some(path) if !path.exists() => return Obtained::Absent(path.display().to_string()),
            Some(path) => path.clone(),
            None => match self.fetch_file(action, &source, signed) {
                Ok(path) => path,
                Err(why) => return Obtained::Refused(why),
            },
        };
        let checked = match action.is_key() {
            true => self.check_key(action, &path),
            false => self.check_package(action, &path, signed),
        };
        match checked {
            Ok(()) => Obtained::File(path.display().to_string()),
            Err(why) => {
                if local.is_none() {
                    // What is wrong once is fetched anew next time.
                    let _ = fs::remove_file(&path);
                }
                Obtained::Refused(format!("{shown} is not installed: {why}"))
            }
        }
    }

    /// Installed packages of other names that the file of the action obsoletes; nothing while the file is not here.
    pub(super) fn displaced_by(&self, action: &Action, inventory: &Inventory) -> Vec<Installed> {
        let Some(source) = action.source.as_deref() else {
            return Vec::new();
        };
        let path =
            local_path(source).or_else(|| Some(self.cache().ok()?.join(cached(action, source))));
        let head = path
            .and_then(|path| File::open(path).ok())
            .and_then(|file| read_package(&mut BufReader::new(file)).ok());
        let Some(head) = head else {
            // What cannot be read is not installed either.
            return Vec::new();
        };
        let Ok(package) = Package::new(&head) else {
            return Vec::new();
        };
        let mut gone = Vec::new();
        for obsolete in package.dependencies(DependencyKind::Obsoletes) {
            let name = obsolete.name_text();
            if name == package.name() {
                continue;
            }
            let named = inventory.named(&name).into_iter();
            gone.extend(named.filter(|one| is_meant(&obsolete, one)).cloned());
        }
        gone
    }

    fn cache(&self) -> std::io::Result<PathBuf> {
        match &self.options.cache {
            Some(cache) => fs::create_dir_all(cache).map(|()| cache.clone()),
            None => Root::open(&self.options.root).and_then(|root| root.make_folder(CACHE)),
        }
    }

    fn fetch_file(&mut self, action: &Action, url: &str, signed: bool) -> Result<PathBuf, String> {
        let cache = self.cache().map_err(|error| {
            let shown = self.options.cache.as_deref().unwrap_or(Path::new(CACHE));
            format!("{}: {error}", shown.display())
        })?;
        let path = cache.join(cached(action, url));
        // A package of the same address is taken from here when it is whole and what is declared.
        if path.exists() && self.check_package(action, &path, signed).is_ok() {
            return Ok(path);
        }
        let part = path.with_extension("part");
        let _ = fs::remove_file(&part);
        let limit = match action.is_key() {
            true => LARGEST_KEY,
            false => LARGEST_PACKAGE,
        };
        self.fetch.fetch(url, &part, limit)?;
        File::open(&part)
            .and_then(|file| file.sync_all())
            .and_then(|()| fs::rename(&part, &path))
            .map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(path)
    }

    /// What is wrong with a file of this machine that an action needs, as far as its head tells: for plans.
    pub fn foretell(&self, action: &Action) -> Option<String> {
        let source = action.source.as_deref()?;
        let path = local_path(source)?;
        let shown = without_password(source);
        if !path.exists() {
            return Some(format!("{shown} is not there"));
        }
        let checked = match action.is_key() {
            true => self.check_key(action, &path),
            false => File::open(&path)
                .map_err(|error| error.to_string())
                .and_then(|file| {
                    read_package(&mut BufReader::new(file)).map_err(|error| error.to_string())
                })
                .and_then(|head| is_declared(&head, action)),
        };
        checked
            .err()
            .map(|why| format!("{shown} would not be installed: {why}"))
    }

    /// The package is the declared one and whole; `signed`: it needs a good signature.
    fn check_package(&self, action: &Action, path: &Path, signed: bool) -> Result<(), String> {
        let open = || File::open(path).map(BufReader::new);
        let mut file = open().map_err(|error| error.to_string())?;
        let head = read_package(&mut file).map_err(|error| error.to_string())?;
        is_declared(&head, action)?;
        let none = KeyRing::default();
        let ring = match &self.seen {
            Some(seen) => seen.machine.keys().map_err(|error| error.to_string())?,
            None => &none,
        };
        let policy = Policy {
            allow_sha1: !signed,
            ..Policy::default()
        };
        let verification =
            verify_package(&head, &mut file, ring, &policy).map_err(|error| error.to_string())?;
        match verification.verdict() {
            Verdict::Good { .. } => Ok(()),
            Verdict::Bad { why } => Err(format!("it is damaged or forged: {why}")),
            _ if !signed => Ok(()),
            Verdict::Unsigned => Err("it is not signed, and require_signatures is set".to_owned()),
            Verdict::UnknownKey { key_id } => Err(match key_id {
                Some(key) => format!("it is signed with {key}, which is not imported"),
                None => "it is signed with a key that is not imported".to_owned(),
            }),
            other => Err(format!("its signature does not count: {other:?}")),
        }
    }

    /// The file holds the declared key: version is the end of the key's id, release when it was made.
    fn check_key(&self, action: &Action, path: &Path) -> Result<(), String> {
        if self.options.unchecked_keys {
            return Ok(());
        }
        let size = fs::metadata(path).map_err(|error| error.to_string())?.len();
        if size > LARGEST_KEY {
            return Err("it is too large for a key".to_owned());
        }
        let bytes = fs::read(path).map_err(|error| error.to_string())?;
        let mut ring = KeyRing::from_bytes(&bytes);
        if ring.is_empty() {
            ring = KeyRing::from_armored(&String::from_utf8_lossy(&bytes));
        }
        let mut found = Vec::new();
        for key in ring.certificates() {
            let id = key.key_id().to_string();
            let version = id.get(8..).unwrap_or(&id).to_owned();
            let release = format!("{:08x}", key.created());
            let whole = key.fingerprint().to_string().to_lowercase();
            let wanted = action.version.as_deref().map(str::to_lowercase);
            let fits = wanted
                .as_deref()
                .is_none_or(|wanted| wanted == version || wanted == whole)
                && action
                    .release
                    .as_deref()
                    .is_none_or(|wanted| wanted.eq_ignore_ascii_case(&release));
            if fits {
                return Ok(());
            }
            found.push(format!("{version}-{release}"));
        }
        match found.is_empty() {
            true => Err("no key can be read in it".to_owned()),
            false => Err(format!(
                "it holds {}, and {} is declared",
                found.join(", "),
                action.spec()
            )),
        }
    }
}

/// The head of a package file is of the declared package.
fn is_declared(head: &PackageHead, action: &Action) -> Result<(), String> {
    let package = Package::new(head).map_err(|error| error.to_string())?;
    let same = |wanted: Option<&str>, have: &str| wanted.is_none_or(|wanted| wanted == have);
    let epoch = action.epoch.as_ref().and_then(|text| text.parse().ok());
    let fits = package.name() == action.name
        && same(action.version.as_deref(), package.version())
        && same(action.release.as_deref(), package.release())
        && same(action.arch.as_deref(), package.arch())
        && epoch.is_none_or(|epoch: u32| epoch == package.epoch().unwrap_or(0));
    match fits {
        true => Ok(()),
        false => Err(format!(
            "it is {}, and {} is declared",
            package.nevra(),
            action.spec()
        )),
    }
}

/// The name of the file that what comes from an address is kept in.
fn cached(action: &Action, url: &str) -> String {
    let name = hex::encode(Sha256::digest(url.as_bytes()));
    let ending = if action.is_key() { "key" } else { "rpm" };
    format!("{name}.{ending}")
}

/// The package is one of those versions that a dependency speaks of.
fn is_meant(dependency: &Dependency<'_>, package: &Installed) -> bool {
    let Installed {
        version, release, ..
    } = package;
    let evr = format!("{}:{version}-{release}", package.epoch.unwrap_or(0));
    let own = Dependency {
        name: dependency.name,
        evr: evr.as_bytes(),
        flags: flag::EQUAL,
    };
    overlap(&own, dependency)
}

/// A path for what is no URL of another machine.
fn local_path(source: &str) -> Option<PathBuf> {
    if let Some(path) = source.strip_prefix("file://") {
        return Some(PathBuf::from(path));
    }
    let remote = source
        .split_once("://")
        .is_some_and(|(scheme, _)| scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    (!remote).then(|| PathBuf::from(source))
}
