//! A list of what is available: what `pkgmgr_gen.py` wrote.
//!
//! Bcfg2 reference, sections 6.2 and 6.3. Packages stand in byte order of their names; in each the architectures in the
//! order in which they were found; in each architecture the versions ascending. Single quotes, no XML declaration.

mod dates;

use std::collections::BTreeMap;

use super::arch::{self, Archs};
use super::available::{Available, Origin, Packages};
use crate::xml::escaped_attribute;

pub use dates::{DateField, Dates};

/// Which driver the list is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// YUMng: packages come from yum's repositories.
    #[default]
    Yum,
    /// RPMng: instances name their files.
    Rpm,
}

impl Format {
    /// The value of `type`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Yum => "yum",
            Self::Rpm => "rpm",
        }
    }
}

/// The element around.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Base of the packages' URLs; written for [`Format::Rpm`].
    pub uri: String,
    /// Priority of the list.
    pub priority: i64,
}

/// How a list is made.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Which driver it is for.
    pub format: Format,
    /// `PackageList` around it.
    pub header: Option<Header>,
    /// Groups around the packages, outermost first.
    pub groups: Vec<String>,
    /// Blanks a level.
    pub indent: usize,
    /// Architectures that are let in.
    pub archs: Archs,
    /// All versions, not only the newest of each architecture.
    pub all_versions: bool,
    /// Times that are let in.
    pub dates: Dates,
}

/// A list and what there is to say about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// The list.
    pub text: String,
    /// Names of packages in it.
    pub names: usize,
    /// Things that the reader may want to know.
    pub warnings: Vec<String>,
}

/// The instances of one package that a list gets.
struct Entry<'p> {
    name: &'p str,
    instances: Vec<&'p Available>,
}

/// Makes a list.
pub fn generate(packages: &Packages, options: &Options) -> Generated {
    let mut warnings = Vec::new();
    let entries = select(packages, options, &mut warnings);
    let mut out = String::new();
    let quoted = |value: &str| escaped_attribute(value, '\'');
    let indent = " ".repeat(options.indent);
    let kind = options.format.name();
    if let Some(header) = &options.header {
        let uri = match options.format {
            Format::Rpm => format!("uri='{}' ", quoted(&header.uri)),
            Format::Yum => String::new(),
        };
        let priority = header.priority;
        out += &format!("<PackageList {uri}priority='{priority}' type='{kind}'>\n");
    }
    let mut level = 1;
    for group in &options.groups {
        out += &format!("{}<Group name='{}'>\n", indent.repeat(level), quoted(group));
        level += 1;
    }
    for entry in &entries {
        let outer = indent.repeat(level);
        out += &format!(
            "{outer}<Package name='{}' type='{kind}'>\n",
            quoted(entry.name)
        );
        for instance in &entry.instances {
            out += &indent.repeat(level + 1);
            out += "<Instance ";
            if options.format == Format::Rpm {
                out += &format!("simplefile='{}' ", quoted(&instance.file));
            }
            if let Some(epoch) = written_epoch(packages.origin, instance) {
                out += &format!("epoch='{epoch}' ");
            }
            let (version, release) = (quoted(&instance.version), quoted(&instance.release));
            let arch = quoted(&instance.arch);
            out += &format!("version='{version}' release='{release}' arch='{arch}'/>\n");
        }
        out += &format!("{outer}</Package>\n");
    }
    for level in (1..level).rev() {
        out += &format!("{}</Group>\n", indent.repeat(level));
    }
    if options.header.is_some() {
        out += "</PackageList>\n";
    }
    Generated {
        text: out,
        names: entries.len(),
        warnings,
    }
}

/// Headers that say 0 are written like those that say nothing; repositories always say something.
fn written_epoch(origin: Origin, instance: &Available) -> Option<u32> {
    match origin {
        Origin::Folders => instance.epoch.filter(|epoch| *epoch != 0),
        Origin::Repositories => instance.epoch,
    }
}

fn select<'p>(
    packages: &'p Packages,
    options: &Options,
    warnings: &mut Vec<String>,
) -> Vec<Entry<'p>> {
    let mut by_name: BTreeMap<&str, Vec<&Available>> = BTreeMap::new();
    for package in &packages.all {
        if options.archs.holds(&package.arch) && options.dates.hold(package) {
            by_name.entry(&package.name).or_default().push(package);
        }
    }
    let entry = |(name, all): (&'p str, Vec<&'p Available>)| {
        let mut archs: Vec<&str> = Vec::new();
        for package in all.iter().filter(|package| !arch::is_source(&package.arch)) {
            if !archs.contains(&package.arch.as_str()) {
                archs.push(&package.arch);
            }
        }
        if archs.is_empty() {
            warnings.push(format!(
                "{name}: there are only source packages of it; its element in the list is empty"
            ));
        }
        // Of a group only its alphabetically last one is listed.
        let beaten = |one: &str| {
            let better = |other: &&str| arch::group(other) == arch::group(one) && **other > *one;
            archs.iter().any(better)
        };
        let mut instances = Vec::new();
        for arch in archs.iter().filter(|arch| !beaten(arch)) {
            let of_arch = all.iter().filter(|package| package.arch == **arch);
            let mut of_arch: Vec<&Available> = of_arch.copied().collect();
            of_arch.sort_by(|one, two| one.compare(two));
            match options.all_versions {
                true => instances.extend(of_arch),
                false => instances.extend(of_arch.last()),
            }
        }
        Entry { name, instances }
    };
    by_name.into_iter().map(entry).collect()
}

/// The same as [`generate`] for programs: `{"version": 1, "packages": [{"name", "instances": […]}], "warnings": […]}`.
pub fn generated_entries(packages: &Packages, options: &Options) -> serde_json::Value {
    let mut warnings = Vec::new();
    let entries = select(packages, options, &mut warnings);
    let instance = |instance: &&Available| {
        serde_json::json!({
            "epoch": instance.epoch,
            "version": instance.version,
            "release": instance.release,
            "arch": instance.arch,
            "file": instance.file,
            "built": instance.built,
            "modified": instance.modified,
        })
    };
    let package = |entry: &Entry<'_>| {
        let instances: Vec<_> = entry.instances.iter().map(instance).collect();
        serde_json::json!({"name": entry.name, "instances": instances})
    };
    let listed: Vec<_> = entries.iter().map(package).collect();
    serde_json::json!({"version": 1, "packages": listed, "warnings": warnings})
}
