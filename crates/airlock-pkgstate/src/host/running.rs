//! What runs now, by the packages that own it: the kernel under whatever name, and this program.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use airlock_rpm::db;
use airlock_rpm::tag::main;

/// Why a package must stay while this machine runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Holds {
    /// The image or modules of the kernel that runs.
    Kernel,
    /// The program that runs.
    ThisProgram,
}

/// What to look for in the file lists of packages.
#[derive(Debug, Clone, Default)]
pub(super) struct Running {
    /// What `uname -r` says.
    pub(super) kernel: Option<String>,
    program: Option<Program>,
}

/// A program: where it lies, and which file it is.
#[derive(Debug, Clone)]
struct Program {
    path: PathBuf,
    file: Option<(u64, u64)>,
}

impl Program {
    fn this() -> Option<Self> {
        let path = std::env::current_exe().ok()?;
        // Linux says so of a file that was replaced meanwhile.
        let text = path.to_str()?;
        let path = PathBuf::from(text.strip_suffix(" (deleted)").unwrap_or(text));
        Some(Self {
            file: identity(&path),
            path,
        })
    }

    /// A package's path leads to it, perhaps over links.
    fn is(&self, path: &Path) -> bool {
        path == self.path
            || (path.file_name() == self.path.file_name()
                && self.file.is_some()
                && identity(path) == self.file)
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    let data = fs::metadata(path).ok()?;
    Some((data.dev(), data.ino()))
}

impl Running {
    /// What runs here. The program lies outside a root that is not the machine's own.
    pub(super) fn here(root: &Path) -> Self {
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").ok();
        let kernel = kernel.map(|text| text.trim().to_owned());
        let own = fs::canonicalize(root).is_ok_and(|root| root == Path::new("/"));
        let program = match own {
            true => Program::this(),
            false => None,
        };
        Self {
            kernel: kernel.filter(|release| !release.is_empty() && !release.contains('/')),
            program,
        }
    }

    /// Why a package must stay; mostly it need not.
    pub(super) fn held_by(&self, record: &db::Installed) -> Option<Holds> {
        // Folders are few, and names are compared quickly: files are looked at only where one of them counts.
        let header = record.header();
        let mut folders = header.strings(main::DIRNAMES);
        let mut names = header.strings(main::BASENAMES);
        let program = self.program.as_ref();
        let program = program.and_then(|program| Some(program.path.file_name()?.as_bytes()));
        let kernel = folders.any(|folder| self.may_hold_kernel(folder));
        let this = program.is_some_and(|program| names.any(|name| name == program));
        // Packages of rpm 3 have whole paths.
        let whole = header.strings(main::OLDFILENAMES).len() > 0;
        if !(kernel || this || whole) {
            return None;
        }
        match record.package() {
            Ok(package) => package.files().find_map(|file| self.is(&file.path())),
            // Nobody knows what it holds.
            Err(_) => kernel.then_some(Holds::Kernel),
        }
    }

    fn may_hold_kernel(&self, folder: &[u8]) -> bool {
        let folder = std::str::from_utf8(folder);
        folder.is_ok_and(|folder| folder == "/boot/" || self.modules(folder).is_some())
    }

    fn is(&self, path: &str) -> Option<Holds> {
        let program = self.program.as_ref();
        if program.is_some_and(|program| program.is(Path::new(path))) {
            return Some(Holds::ThisProgram);
        }
        let kernel = self.kernel.as_deref()?;
        let image =
            |name: &str| ["vmlinuz", "vmlinux", "Image", "image", "bzImage"].contains(&name);
        if let Some(name) = path.strip_prefix("/boot/") {
            let name = name.strip_suffix(kernel)?.strip_suffix('-')?;
            return image(name).then_some(Holds::Kernel);
        }
        // Modules that others build for this kernel lie beside, in extra, updates or weak-updates.
        let rest = self.modules(path)?;
        (image(rest) || rest.starts_with("kernel/")).then_some(Holds::Kernel)
    }

    /// The rest of a path below the modules of the kernel that runs.
    fn modules<'p>(&self, path: &'p str) -> Option<&'p str> {
        let kernel = self.kernel.as_deref()?;
        let path = path.strip_prefix("/usr").unwrap_or(path);
        let rest = path.strip_prefix("/lib/modules/")?;
        rest.strip_prefix(kernel)?.strip_prefix('/')
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_image_and_the_modules_of_the_running_kernel_hold_their_package() {
        let running = Running {
            kernel: Some("6.1.0-9-lt".to_owned()),
            program: Some(Program {
                path: PathBuf::from("/opt/airlock/bin/agent"),
                file: None,
            }),
        };
        for (path, expected) in [
            ("/boot/vmlinuz-6.1.0-9-lt", Some(Holds::Kernel)),
            ("/lib/modules/6.1.0-9-lt/vmlinuz", Some(Holds::Kernel)),
            (
                "/usr/lib/modules/6.1.0-9-lt/kernel/fs/ext4.ko.xz",
                Some(Holds::Kernel),
            ),
            ("/opt/airlock/bin/agent", Some(Holds::ThisProgram)),
            ("/boot/vmlinuz-6.1.0-9", None),
            ("/boot/vmlinuz-6.1.0-9-lt.old", None),
            ("/boot/config-6.1.0-9-lt", None),
            ("/lib/modules/6.1.0-9-lt/extra/driver.ko", None),
            ("/lib/modules/6.1.0-9-lt2/kernel/fs/ext4.ko", None),
            ("/opt/airlock/bin/other", None),
        ] {
            assert_eq!(running.is(path), expected, "{path}");
        }
    }
    #[test]
    fn this_program_is_known_behind_a_link_too() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("real")).unwrap();
        fs::write(at("real/agent"), "x").unwrap();
        std::os::unix::fs::symlink("real", at("link")).unwrap();
        let program = Program {
            file: identity(&at("real/agent")),
            path: at("real/agent"),
        };
        assert!(program.is(&at("link/agent")));
        fs::write(at("agent"), "x").unwrap();
        assert!(!program.is(&at("agent")));
        let this = Program::this().unwrap();
        assert!(this.is(&std::env::current_exe().unwrap()));
    }
}
