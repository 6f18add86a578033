//! Which architectures a machine takes, and which of them share its libraries' folders.

/// Machine architectures and what runs on them beside `noarch`, best first. The families are
/// those of rpm's `rpmrc`.
const COMPATIBLE: &[(&str, &[&str])] = &[
    (
        "x86_64",
        &[
            "x86_64_v2",
            "x86_64",
            "amd64",
            "ia32e",
            "athlon",
            "i686",
            "i586",
            "i486",
            "i386",
        ],
    ),
    ("i686", &["i686", "i586", "i486", "i386"]),
    ("i586", &["i586", "i486", "i386"]),
    ("i386", &["i686", "i586", "i486", "i386"]),
    ("s390x", &["s390x", "s390"]),
    ("ppc64", &["ppc64p7", "ppc64", "ppc"]),
    ("ppc64le", &["ppc64le"]),
    ("aarch64", &["aarch64"]),
    ("ia64", &["ia64", "i686", "i586", "i486", "i386"]),
    ("armv7hl", &["armv7hnl", "armv7hl", "armv6hl"]),
    ("riscv64", &["riscv64"]),
];

/// Architectures of `rpmrc` that no machine of [`COMPATIBLE`] names.
const FURTHER: &[&str] = &[
    "noarch",
    "src",
    "nosrc",
    "alpha",
    "armv5tel",
    "armv6l",
    "armv7l",
    "geode",
    "ia32",
    "loongarch64",
    "m68k",
    "mips",
    "mipsel",
    "mips64",
    "mips64el",
    "ppc64iseries",
    "ppc64pseries",
    "sh4",
    "sparc",
    "sparcv9",
    "sparc64",
    "x86_64_v3",
    "x86_64_v4",
];

/// True for an architecture that packages may have.
pub fn is_known(arch: &str) -> bool {
    let of_machine = |entry: &(&str, &[&str])| entry.0 == arch || entry.1.contains(&arch);
    FURTHER.contains(&arch) || COMPATIBLE.iter().any(of_machine)
}

/// True for packages that are never installed: sources.
pub fn is_source(arch: &str) -> bool {
    matches!(arch, "src" | "nosrc")
}

/// How well an architecture fits a machine: 0 is best, `None` does not fit. `noarch` fits
/// everywhere as well as the machine's own. A machine that is not known takes its own and `noarch`.
pub fn fit(machine: &str, arch: &str) -> Option<u32> {
    if is_source(arch) {
        return None;
    }
    if arch == "noarch" || arch == machine {
        return Some(0);
    }
    let (_, known) = COMPATIBLE.iter().find(|entry| entry.0 == machine)?;
    let place = known.iter().position(|known| *known == arch)?;
    Some(place as u32 + 1)
}

/// The folders that a package's libraries lie in: bit 0 for 32, bit 1 for 64, both for `noarch`.
/// Packages of one name stand side by side when they have none in common.
pub fn color(arch: &str) -> u8 {
    match arch {
        "noarch" => 3,
        "s390x" => 2,
        arch if arch.contains("64") => 2,
        _ => 1,
    }
}

/// The machine that a set of architectures is made for: the one that takes most of them.
pub fn machine_of<'a>(arches: impl Iterator<Item = &'a str> + Clone) -> &'a str {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for arch in arches.filter(|arch| *arch != "noarch" && !is_source(arch)) {
        match counts.iter_mut().find(|entry| entry.0 == arch) {
            Some(entry) => entry.1 += 1,
            None => counts.push((arch, 1)),
        }
    }
    let taken = |machine: &str| -> usize {
        let fitting = counts
            .iter()
            .filter(|entry| fit(machine, entry.0).is_some());
        fitting.map(|entry| entry.1).sum()
    };
    // Of machines that take the same number the one first by name, whatever the order came to.
    let best = counts
        .iter()
        .map(|entry| (taken(entry.0), std::cmp::Reverse(entry.0)));
    best.max().map_or("noarch", |(_, machine)| machine.0)
}

#[cfg(test)]
mod tests {
    use super::{color, fit, machine_of};

    #[test]
    fn machines_take_what_they_run() {
        assert_eq!(fit("x86_64", "x86_64"), Some(0));
        assert_eq!(fit("x86_64", "noarch"), Some(0));
        assert!(fit("x86_64", "i686") > fit("x86_64", "x86_64"));
        assert_eq!(fit("x86_64", "aarch64"), None);
        assert_eq!(fit("x86_64", "src"), None);
        assert_eq!(fit("m68k", "m68k"), Some(0));
        assert_eq!(fit("i686", "x86_64"), None);
    }

    #[test]
    fn libraries_of_both_widths_stand_side_by_side() {
        assert_eq!(color("x86_64") & color("i686"), 0);
        assert_ne!(color("x86_64") & color("noarch"), 0);
        assert_ne!(color("i586") & color("i686"), 0);
        assert_eq!(color("aarch64"), 2);
        assert_eq!(color("s390"), 1);
    }

    #[test]
    fn architectures_are_known_by_name() {
        for known in ["x86_64", "i486", "noarch", "src", "aarch64"] {
            assert!(super::is_known(known), "{known}");
        }
        assert!(!super::is_known("foo") && !super::is_known(""));
    }

    #[test]
    fn the_machine_is_that_of_most_packages() {
        let machine = |arches: &[&'static str]| machine_of(arches.iter().copied());
        assert_eq!(machine(&["noarch", "i686", "i686", "x86_64"]), "x86_64");
        assert_eq!(machine(&["i686", "noarch"]), "i686");
        assert_eq!(machine(&["aarch64", "src", "src"]), "aarch64");
        assert_eq!(machine(&["noarch"]), "noarch");
        assert_eq!(machine(&[]), "noarch");
    }
}
