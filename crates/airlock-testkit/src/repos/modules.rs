//! modules.yaml: modulemd v2 streams and modulemd-defaults v1 documents.

use std::fmt::Write;

use crate::rpms::Rpm;

/// One build of a module stream.
#[derive(Debug, Clone)]
pub struct Stream {
    /// Module name.
    pub name: String,
    /// Stream name; written with quotes, so that `1.10` stays a text.
    pub stream: String,
    /// Version of the build.
    pub version: u64,
    /// Context: tells builds of one stream against different dependencies apart.
    pub context: String,
    /// Architecture of the build.
    pub arch: String,
    /// Modules and streams that it needs at run time, beside `platform`.
    pub requires: Vec<(String, String)>,
    /// Name, epoch, version, release, arch of its packages.
    pub artifacts: Vec<String>,
    /// Profiles: name and packages.
    pub profiles: Vec<(String, Vec<String>)>,
}

impl Stream {
    /// A build for x86_64 on `platform:el9` without packages or profiles yet.
    #[must_use]
    pub fn new(name: &str, stream: &str, version: u64, context: &str) -> Self {
        Self {
            name: name.to_owned(),
            stream: stream.to_owned(),
            version,
            context: context.to_owned(),
            arch: "x86_64".to_owned(),
            requires: Vec::new(),
            artifacts: Vec::new(),
            profiles: Vec::new(),
        }
    }

    /// Needs a stream of another module.
    #[must_use]
    pub fn requires(mut self, module: &str, stream: &str) -> Self {
        self.requires.push((module.to_owned(), stream.to_owned()));
        self
    }

    /// Lists a package as part of this build.
    #[must_use]
    pub fn artifact(mut self, rpm: &Rpm) -> Self {
        let (name, epoch, version, release, arch) = rpm.parts();
        self.artifacts
            .push(format!("{name}-{epoch}:{version}-{release}.{arch}"));
        self
    }

    /// Adds a profile.
    #[must_use]
    pub fn profile(mut self, name: &str, packages: &[&str]) -> Self {
        let packages = packages.iter().map(|&package| package.to_owned()).collect();
        self.profiles.push((name.to_owned(), packages));
        self
    }
}

/// Which stream and profiles a module has by default.
#[derive(Debug, Clone)]
pub struct Default {
    /// Module name.
    pub module: String,
    /// Default stream.
    pub stream: String,
    /// Default profiles of that stream.
    pub profiles: Vec<String>,
}

impl Default {
    /// A default stream with one default profile.
    #[must_use]
    pub fn new(module: &str, stream: &str, profile: &str) -> Self {
        Self {
            module: module.to_owned(),
            stream: stream.to_owned(),
            profiles: vec![profile.to_owned()],
        }
    }
}

/// The text of modules.yaml: one document each.
#[must_use]
pub fn modules_yaml(streams: &[Stream], defaults: &[Default]) -> String {
    let mut out = String::new();
    for default in defaults {
        write_default(&mut out, default).expect("writing to memory does not fail");
    }
    for stream in streams {
        write_stream(&mut out, stream).expect("writing to memory does not fail");
    }
    out
}

fn write_default(out: &mut String, default: &Default) -> std::fmt::Result {
    writeln!(
        out,
        "---\ndocument: modulemd-defaults\nversion: 1\ndata:\n  module: {}",
        default.module
    )?;
    writeln!(
        out,
        "  modified: 202601010000\n  stream: \"{}\"\n  profiles:",
        default.stream
    )?;
    writeln!(
        out,
        "    \"{}\": [{}]\n...",
        default.stream,
        default.profiles.join(", ")
    )
}

fn write_stream(out: &mut String, stream: &Stream) -> std::fmt::Result {
    writeln!(
        out,
        "---\ndocument: modulemd\nversion: 2\ndata:\n  name: {}",
        stream.name
    )?;
    writeln!(
        out,
        "  stream: \"{}\"\n  version: {}",
        stream.stream, stream.version
    )?;
    writeln!(
        out,
        "  context: \"{}\"\n  arch: {}",
        stream.context, stream.arch
    )?;
    writeln!(
        out,
        "  summary: The {} module, stream {}",
        stream.name, stream.stream
    )?;
    writeln!(out, "  description: >-\n    A module made for tests.")?;
    writeln!(
        out,
        "  license:\n    module: [MIT]\n    content: [MIT]\n  dependencies:\n  - requires:"
    )?;
    writeln!(out, "      platform: [el9]")?;
    for (module, needed) in &stream.requires {
        writeln!(out, "      {module}: [\"{needed}\"]")?;
    }
    if !stream.profiles.is_empty() {
        writeln!(out, "  profiles:")?;
        for (name, packages) in &stream.profiles {
            writeln!(out, "    {name}:\n      rpms:")?;
            for package in packages {
                writeln!(out, "      - {package}")?;
            }
        }
    }
    if !stream.artifacts.is_empty() {
        writeln!(out, "  artifacts:\n    rpms:")?;
        for artifact in &stream.artifacts {
            writeln!(out, "    - {artifact}")?;
        }
    }
    writeln!(out, "...")
}
