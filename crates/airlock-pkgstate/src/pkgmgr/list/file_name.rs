//! What the name of a package file says (Bcfg2 reference, section 2.1, rules 7 and 8).

use std::sync::LazyLock;

use regex::Regex;

/// The parts of a file name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// Package name.
    pub name: String,
    /// `VERSION-RELEASE` for RPM files.
    pub version: String,
    /// Architecture, or the `%(arch)s` that stands for it; only for RPM files.
    pub arch: Option<String>,
}

/// Names of types whose file names are taken apart.
pub fn is_split(kind: &str) -> bool {
    kind == "rpm" || kind == "encap"
}

/// Takes a file name apart by the rules of its type. `None` when it does not fit them, or the type has none: versions
/// with `~`, `^` or `+` do not fit.
pub fn split_file_name(kind: &str, file: &str) -> Option<Parts> {
    static RPM: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let word = r"[A-Za-z0-9_+.]+";
        let version = r"[A-Za-z0-9_.]+";
        Regex::new(&format!(
            r"^(?:.*/)?({word}(?:-{word})*)-({version}-{version})\.(\S+)\.rpm$"
        ))
        .ok()
    });
    static ENCAP: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"^([A-Za-z0-9_-]+)-([A-Za-z0-9_.+-]+).encap.*$").ok());
    let pattern = match kind {
        "rpm" => RPM.as_ref()?,
        "encap" => ENCAP.as_ref()?,
        _ => return None,
    };
    let found = pattern.captures(file)?;
    let part = |number| found.get(number).map(|part| part.as_str().to_owned());
    Some(Parts {
        name: part(1)?,
        version: part(2)?,
        arch: part(3),
    })
}

/// The file names that `file`, `multiarch` and `srcs` stand for: one an architecture. `None` when there are fewer sources
/// than architectures, or the file name has a `%` that stands for nothing.
pub(crate) fn expand(file: &str, multiarch: &str, sources: Option<&str>) -> Option<Vec<String>> {
    let mut sources = sources.unwrap_or(multiarch).split_whitespace();
    multiarch
        .split_whitespace()
        .map(|arch| substituted(file, arch, sources.next()?))
        .collect()
}

fn substituted(file: &str, arch: &str, source: &str) -> Option<String> {
    let mut out = String::with_capacity(file.len());
    let mut rest = file;
    while let Some((before, behind)) = rest.split_once('%') {
        out.push_str(before);
        let (value, length) = if behind.starts_with("(arch)s") {
            (arch, "(arch)s".len())
        } else if behind.starts_with("(src)s") {
            (source, "(src)s".len())
        } else if behind.starts_with('%') {
            ("%", 1)
        } else {
            return None;
        };
        out.push_str(value);
        rest = &behind[length..];
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn parts(kind: &str, file: &str) -> Option<(String, String, Option<String>)> {
        let parts = split_file_name(kind, file)?;
        Some((parts.name, parts.version, parts.arch))
    }

    #[test]
    fn names_of_rpm_files_are_cut_from_behind() {
        let cut = |file| parts("rpm", file).unwrap();
        let (name, version, arch) = cut("mrepo/os/gtk+-extra-devel-1.0-1.el4.x86_64.rpm");
        assert_eq!(
            (name.as_str(), version.as_str()),
            ("gtk+-extra-devel", "1.0-1.el4")
        );
        assert_eq!(arch.as_deref(), Some("x86_64"));
        assert_eq!(cut("d-1.0-1.%(arch)s.rpm").2.as_deref(), Some("%(arch)s"));
    }

    #[test]
    fn versions_with_tilde_caret_or_plus_do_not_fit() {
        for file in [
            "g-1.0~rc1-1.noarch.rpm",
            "g-1.0^1-1.noarch.rpm",
            "g-1.0+a-1.noarch.rpm",
        ] {
            assert_eq!(parts("rpm", file), None, "{file}");
        }
        assert_eq!(parts("deb", "a-1-1.noarch.rpm"), None);
        assert_eq!(parts("encap", "a-b-1.0.encap.tgz").unwrap().0, "a-b");
    }

    #[test]
    fn every_architecture_gets_its_source() {
        let all = expand("x-%(src)s.%(arch)s.100%%.rpm", "i386 x86_64", Some("32 64")).unwrap();
        assert_eq!(all, ["x-32.i386.100%.rpm", "x-64.x86_64.100%.rpm"]);
        assert_eq!(expand("x.%(arch)s", "a b", Some("1")), None);
        assert_eq!(expand("x.%s", "a", None), None);
    }
}
