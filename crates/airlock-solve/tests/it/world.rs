//! Random small universes, as values that a few lines can judge.

use std::fmt::Write;

use airlock_solve::{DependencyKind as Kind, Draft};
use proptest::prelude::*;

/// A dependency, before it is text.
#[derive(Debug, Clone)]
pub enum Dep {
    /// Name, sign and version.
    Cap(String, Option<(&'static str, u32)>),
    And(Box<Dep>, Box<Dep>),
    Or(Box<Dep>, Box<Dep>),
    With(Box<Dep>, Box<Dep>),
    Without(Box<Dep>, Box<Dep>),
    If(Box<Dep>, Box<Dep>),
    Unless(Box<Dep>, Box<Dep>),
    IfElse(Box<Dep>, Box<Dep>, Box<Dep>),
    UnlessElse(Box<Dep>, Box<Dep>, Box<Dep>),
}

/// A package, before it is text.
#[derive(Debug, Clone)]
pub struct Made {
    pub name: String,
    pub version: u32,
    pub arch: &'static str,
    /// Name, and version after `=`.
    pub provides: Vec<(String, Option<u32>)>,
    pub requires: Vec<Dep>,
    pub conflicts: Vec<Dep>,
    pub obsoletes: Vec<Dep>,
    pub files: Vec<String>,
}

impl Dep {
    pub fn text(&self) -> String {
        let pair = |a: &Dep, word: &str, b: &Dep| format!("({} {word} {})", a.text(), b.text());
        match self {
            Dep::Cap(name, None) => name.clone(),
            Dep::Cap(name, Some((sign, version))) => format!("{name} {sign} {version}"),
            Dep::And(a, b) => pair(a, "and", b),
            Dep::Or(a, b) => pair(a, "or", b),
            Dep::With(a, b) => pair(a, "with", b),
            Dep::Without(a, b) => pair(a, "without", b),
            Dep::If(a, b) => pair(a, "if", b),
            Dep::Unless(a, b) => pair(a, "unless", b),
            Dep::IfElse(a, b, c) => format!("({} if {} else {})", a.text(), b.text(), c.text()),
            Dep::UnlessElse(a, b, c) => {
                format!("({} unless {} else {})", a.text(), b.text(), c.text())
            }
        }
    }
}

impl Made {
    pub fn draft(&self) -> Draft {
        let mut draft = Draft::new(&self.name, &format!("{}-1", self.version), self.arch);
        for (name, version) in &self.provides {
            let text = match version {
                None => name.clone(),
                Some(version) => format!("{name} = {version}"),
            };
            draft = draft.with(Kind::Provides, &text);
        }
        for (kind, list) in [
            (Kind::Requires, &self.requires),
            (Kind::Conflicts, &self.conflicts),
            (Kind::Obsoletes, &self.obsoletes),
        ] {
            for dependency in list {
                draft = draft.with(kind, &dependency.text());
            }
        }
        self.files
            .iter()
            .fold(draft, |draft, path| draft.with_file(path))
    }

    pub fn nevra(&self) -> String {
        format!("{}-{}-1.{}", self.name, self.version, self.arch)
    }
}

fn capability(names: u32) -> impl Strategy<Value = Dep> {
    let sign = prop_oneof![Just("<"), Just("<="), Just("="), Just(">="), Just(">")];
    let name = prop_oneof![
        4 => (0..names).prop_map(|n| format!("n{n}")),
        2 => (0..3_u32).prop_map(|n| format!("c{n}")),
        1 => (0..2_u32).prop_map(|n| format!("/d/f{n}")),
    ];
    (name, proptest::option::of((sign, 1..4_u32))).prop_map(|(name, range)| {
        let range = range.filter(|_| !name.starts_with('/'));
        Dep::Cap(name, range)
    })
}

fn dependency(names: u32) -> impl Strategy<Value = Dep> {
    let rich = capability(names).prop_recursive(2, 6, 3, move |inner| {
        let two = || (inner.clone(), inner.clone()).prop_map(|(a, b)| (Box::new(a), Box::new(b)));
        let caps =
            || (capability(names), capability(names)).prop_map(|(a, b)| (Box::new(a), Box::new(b)));
        prop_oneof![
            two().prop_map(|(a, b)| Dep::And(a, b)),
            two().prop_map(|(a, b)| Dep::Or(a, b)),
            two().prop_map(|(a, b)| Dep::If(a, b)),
            two().prop_map(|(a, b)| Dep::Unless(a, b)),
            caps().prop_map(|(a, b)| Dep::With(a, b)),
            caps().prop_map(|(a, b)| Dep::Without(a, b)),
            (two(), inner.clone()).prop_map(|((a, b), c)| Dep::IfElse(a, b, Box::new(c))),
            (two(), inner.clone()).prop_map(|((a, b), c)| Dep::UnlessElse(a, b, Box::new(c))),
        ]
    });
    prop_oneof![3 => capability(names), 1 => rich]
}

fn package(names: u32) -> impl Strategy<Value = Made> {
    let arch = prop_oneof![6 => Just("x86_64"), 2 => Just("i686"), 2 => Just("noarch")];
    // One of the names stands side by side with itself.
    let name = prop_oneof![
        8 => (0..names).prop_map(|n| format!("n{n}")),
        1 => Just("kernel".to_owned()),
    ];
    let provides = proptest::collection::vec(
        (
            (0..3_u32).prop_map(|n| format!("c{n}")),
            proptest::option::of(1..4_u32),
        ),
        0..2,
    );
    let files = proptest::collection::vec((0..2_u32).prop_map(|n| format!("/d/f{n}")), 0..2);
    let named = proptest::collection::vec(capability(names), 0..2).prop_map(|list| {
        let named = |dep: &Dep| matches!(dep, Dep::Cap(name, _) if name.starts_with('n'));
        list.into_iter().filter(named).collect::<Vec<_>>()
    });
    (
        (name, 1..4_u32, arch),
        provides,
        proptest::collection::vec(dependency(names), 0..3),
        proptest::collection::vec(dependency(names), 0..2),
        prop_oneof![3 => Just(Vec::new()), 1 => named],
        files,
    )
        .prop_map(
            |((name, version, arch), provides, requires, conflicts, obsoletes, files)| Made {
                name,
                version,
                arch,
                provides,
                requires,
                conflicts,
                obsoletes,
                files,
            },
        )
}

/// Up to so many packages with so many names, each build once.
pub fn world(packages: usize, names: u32) -> impl Strategy<Value = Vec<Made>> {
    proptest::collection::vec(package(names), 1..=packages).prop_map(|mut list| {
        let mut known = std::collections::HashSet::new();
        list.retain(|made| known.insert(made.nevra()));
        list
    })
}

/// `primary.xml` and `filelists.xml` of packages; paths are in the latter only.
pub fn xml(packages: &[Made]) -> (String, String) {
    let escaped = |text: &str| {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
    };
    let mut primary = format!(
        "<metadata xmlns=\"http://linux.duke.edu/metadata/common\" \
         xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\" packages=\"{}\">\n",
        packages.len()
    );
    let mut filelists = format!(
        "<filelists xmlns=\"http://linux.duke.edu/metadata/filelists\" packages=\"{}\">\n",
        packages.len()
    );
    for (number, made) in packages.iter().enumerate() {
        let id = format!("{number:064x}");
        let (name, arch, version) = (&made.name, made.arch, made.version);
        let entry = |text: &str| -> String {
            let words: Vec<&str> = text.split(' ').collect();
            match (text.starts_with('('), &*words) {
                (false, [name, sign, version]) => {
                    let flags = match *sign {
                        "<" => "LT",
                        "<=" => "LE",
                        "=" => "EQ",
                        ">=" => "GE",
                        _ => "GT",
                    };
                    format!(
                        "<rpm:entry name=\"{name}\" flags=\"{flags}\" epoch=\"0\" ver=\"{version}\"/>"
                    )
                }
                _ => format!("<rpm:entry name=\"{}\"/>", escaped(text)),
            }
        };
        let list = |kind: &str, texts: Vec<String>| -> String {
            match texts.is_empty() {
                true => String::new(),
                false => {
                    let entries: String = texts.iter().map(|text| entry(text)).collect();
                    format!("<rpm:{kind}>{entries}</rpm:{kind}>")
                }
            }
        };
        let texts = |list: &[Dep]| list.iter().map(Dep::text).collect::<Vec<_>>();
        let provides = made.provides.iter().map(|(name, version)| match version {
            None => name.clone(),
            Some(version) => format!("{name} = {version}"),
        });
        let provides = provides
            .chain([format!("{name} = {version}-1")])
            .map(|text| text.replace("-1", ""));
        let _ = writeln!(
            primary,
            "<package type=\"rpm\"><name>{name}</name><arch>{arch}</arch>\
             <version epoch=\"0\" ver=\"{version}\" rel=\"1\"/>\
             <checksum type=\"sha256\" pkgid=\"YES\">{id}</checksum><summary/><description/>\
             <location href=\"{name}-{version}.rpm\"/><format>{}{}{}{}</format></package>",
            list("provides", provides.collect()),
            list("requires", texts(&made.requires)),
            list("conflicts", texts(&made.conflicts)),
            list("obsoletes", texts(&made.obsoletes)),
        );
        let files: String = made
            .files
            .iter()
            .map(|path| format!("<file>{path}</file>"))
            .collect();
        let _ = writeln!(
            filelists,
            "<package pkgid=\"{id}\" name=\"{name}\" arch=\"{arch}\">\
             <version epoch=\"0\" ver=\"{version}\" rel=\"1\"/>{files}</package>"
        );
    }
    (primary + "</metadata>\n", filelists + "</filelists>\n")
}
