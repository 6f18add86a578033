//! Lists from files, in either form.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Zoned;

use super::{SourceArgs, Stop, Terminal};
use crate::pkgmgr::error::Error;
use crate::pkgmgr::list::List;
use crate::pkgmgr::native::{Facts, KeySource, Policy};
use crate::xml::{Document, LARGEST};

/// The bytes of a file, up to a little more than any reader takes.
pub(super) fn read_bytes(path: &Path) -> Result<Vec<u8>, Error> {
    let failed = |error| Error::file(path, "cannot read", error);
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    // More is refused by the parser, with a reason.
    let most = file.take(LARGEST as u64 + 1).read_to_end(&mut bytes);
    most.map_err(failed)?;
    Ok(bytes)
}

pub(super) fn read_document(path: &Path) -> Result<Document, Error> {
    Ok(Document::parse(
        &path.display().to_string(),
        &read_bytes(path)?,
    )?)
}

pub(super) fn is_native(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "toml")
}

/// What has to be looked up when a list in the native form is used.
#[derive(Debug, Clone, Default, Args)]
pub struct LookUpArgs {
    /// Packages that sets choose from.
    #[command(flatten)]
    pub sources: SourceArgs,
    /// The kernel that runs where the list is for, as uname -r says it
    #[arg(long, value_name = "RELEASE")]
    pub running_kernel: Option<String>,
    /// Folder of the key files that the list names (default: the list's own folder)
    #[arg(long, value_name = "DIR")]
    pub keys: Option<PathBuf>,
}

/// Key files of a folder.
#[derive(Debug)]
struct KeyFolder(PathBuf);

impl KeySource for KeyFolder {
    fn read(&self, file: &str) -> Option<Vec<u8>> {
        // A path that leaves the folder is the list's own business: its author is who runs this.
        read_bytes(&self.0.join(file)).ok()
    }
}

impl LookUpArgs {
    pub(super) fn read_policy(&self, path: &Path) -> Result<Policy, Stop> {
        let file = path.display().to_string();
        let policy = Policy::parse(&file, &read_bytes(path)?);
        Ok(policy.map_err(Error::from)?)
    }

    /// The policy with instances in place of sets and keys.
    pub(super) fn resolved(
        &self,
        policy: &Policy,
        path: &Path,
        terminal: &mut Terminal<'_>,
    ) -> Result<Policy, Stop> {
        if !policy.needs_facts() {
            return Ok(policy.clone());
        }
        let packages = match self.sources.is_given() {
            true => {
                let sources = self.sources.check(terminal)?;
                Some(sources.load(&self.sources, terminal, true)?)
            }
            false => None,
        };
        let beside = path.parent().unwrap_or(Path::new("."));
        let keys = KeyFolder(self.keys.clone().unwrap_or_else(|| beside.to_owned()));
        let facts = Facts {
            packages: packages.as_ref().map(|packages| packages.all.as_slice()),
            running_kernel: self.running_kernel.as_deref(),
            keys: &keys,
            today: Zoned::now().date(),
        };
        let resolved = policy.resolve(&facts).map_err(|source| Error::Resolve {
            file: path.display().to_string(),
            source,
        });
        Ok(resolved?)
    }

    /// A list in either form.
    pub(super) fn read_list(&self, path: &Path, terminal: &mut Terminal<'_>) -> Result<List, Stop> {
        if !is_native(path) {
            return Ok(List::from_document(read_document(path)?).map_err(Error::from)?);
        }
        let policy = self.read_policy(path)?;
        let (text, _) = self.resolved(&policy, path, terminal)?.to_xml_text();
        let list = List::parse(&path.display().to_string(), text.as_bytes());
        Ok(list.map_err(Error::from)?)
    }
}
