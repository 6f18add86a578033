//! Architectures as the tools choose among them (Bcfg2 reference, section 6.3).
//!
//! The 32-bit x86 ones are a group: of a package only one of them is listed, the alphabetically last that there is. Every
//! other architecture stands alone. The old tool knew eleven and stopped at any other; here a package may have any, and
//! all that rpm builds for can be named.

use super::words::nearest;

/// 32-bit x86, best first.
const X86: [&str; 5] = ["i686", "i586", "i486", "i386", "athlon"];

/// The others that `--archs` knows. Not `amd64`: rpm calls it x86_64.
const ALONE: [&str; 51] = [
    "aarch64",
    "alpha",
    "armv3l",
    "armv4b",
    "armv4l",
    "armv5tejl",
    "armv5tel",
    "armv5tl",
    "armv6hl",
    "armv6l",
    "armv7hl",
    "armv7hnl",
    "armv7l",
    "armv8hl",
    "armv8l",
    "e2k",
    "geode",
    "ia32e",
    "ia64",
    "loongarch64",
    "m68k",
    "mips",
    "mips64",
    "mips64el",
    "mips64r6",
    "mips64r6el",
    "mipsel",
    "mipsr6",
    "mipsr6el",
    "noarch",
    "pentium3",
    "pentium4",
    "ppc",
    "ppc64",
    "ppc64iseries",
    "ppc64le",
    "ppc64p7",
    "ppc64pseries",
    "riscv64",
    "s390",
    "s390x",
    "sh3",
    "sh4",
    "sparc",
    "sparc64",
    "sparcv8",
    "sparcv9",
    "x86_64",
    "x86_64_v2",
    "x86_64_v3",
    "x86_64_v4",
];

/// Whether an architecture is that of source packages, which are never listed.
pub fn is_source(arch: &str) -> bool {
    arch == "src" || arch == "nosrc"
}

/// Whether rpm builds for it.
pub fn is_known(arch: &str) -> bool {
    X86.contains(&arch) || ALONE.contains(&arch) || is_source(arch)
}

/// The architecture that somebody may have meant.
pub fn meant(arch: &str) -> Option<&'static str> {
    match arch.to_ascii_lowercase().as_str() {
        // Other systems call it that.
        "amd64" | "x64" => Some("x86_64"),
        _ => nearest(arch, X86.into_iter().chain(ALONE)),
    }
}

/// The group that an architecture belongs to.
pub fn group(arch: &str) -> &str {
    match X86.contains(&arch) {
        true => "x86",
        false => arch,
    }
}

/// What `--archs` lets in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Archs {
    /// Everything.
    #[default]
    All,
    /// These.
    Only(Vec<String>),
}

/// A value of `--archs` that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchsError {
    /// rpm knows no such architecture. The two blanks are the old tool's.
    #[error("Error: Invalid subarchitecture specified:  {0}")]
    Unknown(String),
    /// The same one twice.
    #[error("Error: Multiple subarchitecutes of the same architecture specified.")]
    Twice,
}

impl Archs {
    /// Reads a list with commas. Each of the x86 ones lets in those behind it too: i486 also i386 and athlon. Nothing
    /// else is implied: noarch has to be named.
    ///
    /// # Errors
    /// [`ArchsError`], in the words of the old tool.
    pub fn parse(text: &str) -> Result<Self, ArchsError> {
        let names: Vec<&str> = text.split(',').collect();
        if names.contains(&"all") {
            return Ok(Self::All);
        }
        let mut archs = Vec::new();
        for (number, name) in names.iter().enumerate() {
            let x86 = X86.iter().position(|arch| arch == name);
            if x86.is_none() && !ALONE.contains(name) {
                return Err(ArchsError::Unknown((*name).to_owned()));
            }
            if names[..number].contains(name) {
                return Err(ArchsError::Twice);
            }
            match x86 {
                Some(at) => archs.extend(X86[at..].iter().map(|arch| (*arch).to_owned())),
                None => archs.push((*name).to_owned()),
            }
        }
        Ok(Self::Only(archs))
    }

    /// Whether a package of this architecture is let in.
    pub fn holds(&self, arch: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(archs) => archs.iter().any(|one| one == arch),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_x86_architecture_lets_in_what_is_behind_it_and_nothing_else() {
        let archs = Archs::parse("i486,x86_64").unwrap_or_default();
        let in_all = ["i486", "i386", "athlon", "x86_64"];
        assert!(in_all.iter().all(|arch| archs.holds(arch)));
        assert!(
            ["i686", "i586", "noarch", "src"]
                .iter()
                .all(|arch| !archs.holds(arch))
        );
        assert!(
            Archs::parse("i686,all")
                .unwrap_or_default()
                .holds("anything")
        );
    }

    #[test]
    fn names_that_rpm_does_not_know_and_doubles_are_refused() {
        assert_eq!(
            Archs::parse("amd64"),
            Err(ArchsError::Unknown("amd64".into()))
        );
        assert_eq!(Archs::parse(""), Err(ArchsError::Unknown(String::new())));
        assert_eq!(Archs::parse("i686,i686"), Err(ArchsError::Twice));
        assert!(Archs::parse("i686,i386,aarch64,s390x,ppc64le,riscv64").is_ok());
    }
}
