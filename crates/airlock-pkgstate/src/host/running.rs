//! What runs now, by the packages that own it: the kernel under whatever name, and this program.

use std::fs;
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
    program: Option<PathBuf>,
}

impl Running {
    /// What runs here. The program lies outside a root that is not the machine's own.
    pub(super) fn here(root: &Path) -> Self {
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").ok();
        let kernel = kernel.map(|text| text.trim().to_owned());
        let own = fs::canonicalize(root).is_ok_and(|root| root == Path::new("/"));
        let program = match own {
            true => std::env::current_exe().ok(),
            false => None,
        };
        Self {
            kernel: kernel.filter(|release| !release.is_empty() && !release.contains('/')),
            program,
        }
    }

    /// Why a package must stay; mostly it need not.
    pub(super) fn held_by(&self, record: &db::Installed) -> Option<Holds> {
        // Folders are few: files are looked at only in those that count.
        let mut folders = record.header().strings(main::DIRNAMES);
        if !folders.any(|folder| self.may_hold(folder)) {
            return None;
        }
        let package = record.package().ok()?;
        package.files().find_map(|file| self.is(&file.path()))
    }

    fn may_hold(&self, folder: &[u8]) -> bool {
        let Ok(folder) = std::str::from_utf8(folder) else {
            return false;
        };
        let program = self.program.as_deref().and_then(Path::parent);
        folder == "/boot/"
            || program.is_some_and(|program| Path::new(folder) == program)
            || self.modules(folder).is_some()
    }

    fn is(&self, path: &str) -> Option<Holds> {
        if self.program.as_deref() == Some(Path::new(path)) {
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
mod tests {
    use super::*;

    #[test]
    fn the_image_and_the_modules_of_the_running_kernel_hold_their_package() {
        let running = Running {
            kernel: Some("6.1.0-9-lt".to_owned()),
            program: Some(PathBuf::from("/opt/airlock/bin/agent")),
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
}
