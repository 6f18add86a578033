//! Real RPM files, built in memory in a few milliseconds.
//!
//! The files are what rpm itself accepts (`rpm -K`, `rpm -i`); [`crate::rpmbuild`] makes what this builder cannot:
//! source packages, triggers by spec file, module labels. Everything that goes in is given by the caller and the build
//! time is fixed, so equal calls give equal bytes.

use std::path::{Path, PathBuf};

use rpm::{BuildConfig, CompressionWithLevel, PackageBuilder, Scriptlet};

mod parts;

use parts::{add_dependency, add_entry};

/// 2026-01-01T00:00:00Z: the build time of every package unless [`Rpm::built_at`] says otherwise.
pub const BUILD_TIME: u32 = 1_767_225_600;

/// How the payload is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// gzip, level 6.
    Gzip,
    /// zstd, level 3.
    Zstd,
    /// xz, level 2.
    Xz,
    /// bzip2, level 9.
    Bzip2,
    /// A bare cpio archive.
    None,
}

/// Which list of the header a dependency goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `Requires:`
    Requires,
    /// `Provides:`
    Provides,
    /// `Conflicts:`
    Conflicts,
    /// `Obsoletes:`
    Obsoletes,
    /// `Recommends:`
    Recommends,
    /// `Suggests:`
    Suggests,
    /// `Supplements:`
    Supplements,
    /// `Enhances:`
    Enhances,
    /// `Requires(pre):`, which becomes `pre="1"` in primary.xml.
    RequiresPre,
}

/// When a scriptlet runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// `%pre`
    Pre,
    /// `%post`
    Post,
    /// `%preun`
    Preun,
    /// `%postun`
    Postun,
    /// `%pretrans`
    Pretrans,
    /// `%posttrans`
    Posttrans,
}

#[derive(Debug, Clone)]
enum Entry {
    File { content: Vec<u8>, mode: u16 },
    Config { content: Vec<u8> },
    Doc { content: Vec<u8> },
    Folder { mode: u16 },
    Link { target: String },
    Ghost,
}

/// The description of one RPM file. Methods chain; [`Rpm::write_to`] makes the file.
#[derive(Debug, Clone)]
pub struct Rpm {
    name: String,
    epoch: Option<u32>,
    version: String,
    release: String,
    arch: String,
    summary: String,
    description: String,
    license: String,
    group: String,
    url: String,
    vendor: String,
    packager: String,
    built_at: u32,
    compression: Compression,
    format_six: bool,
    dependencies: Vec<(Kind, String)>,
    entries: Vec<(String, Entry)>,
    scripts: Vec<(When, String)>,
    changelog: Vec<(u32, String, String)>,
}

impl Rpm {
    /// A noarch package `name-version-release` that holds nothing.
    #[must_use]
    pub fn new(name: &str, version: &str, release: &str) -> Self {
        Self {
            name: name.to_owned(),
            epoch: None,
            version: version.to_owned(),
            release: release.to_owned(),
            arch: "noarch".to_owned(),
            summary: format!("The {name} package"),
            description: format!(
                "{name} is a package made for tests.\nIts text has two lines & a few <signs>."
            ),
            license: "MIT".to_owned(),
            group: "Unspecified".to_owned(),
            url: format!("https://example.com/{name}"),
            vendor: "Airlock tests".to_owned(),
            packager: "Airlock tests <tests@example.com>".to_owned(),
            built_at: BUILD_TIME,
            compression: Compression::Zstd,
            format_six: false,
            dependencies: Vec::new(),
            entries: Vec::new(),
            scripts: Vec::new(),
            changelog: Vec::new(),
        }
    }

    /// `name`, `[epoch:]version-release` and architecture in one text: `foo-1:2.0-3.el9.x86_64`.
    ///
    /// # Panics
    /// When the text is no NEVRA.
    #[must_use]
    #[track_caller]
    pub fn nevra(text: &str) -> Self {
        let parts = || {
            let (rest, arch) = text.rsplit_once('.')?;
            let (rest, release) = rest.rsplit_once('-')?;
            let (name, version) = rest.rsplit_once('-')?;
            Some((name, version, release, arch))
        };
        let (name, version, release, arch) =
            parts().unwrap_or_else(|| panic!("{text:?} is no NEVRA"));
        let package = Self::new(name, version, release).arch(arch);
        match version.split_once(':') {
            Some((epoch, version)) => {
                let mut package = package.epoch(
                    epoch
                        .parse()
                        .unwrap_or_else(|_| panic!("{text:?}: bad epoch")),
                );
                version.clone_into(&mut package.version);
                package
            }
            None => package,
        }
    }

    /// Sets the epoch. Without it the header has no epoch at all, which repositories write as 0.
    #[must_use]
    pub fn epoch(mut self, epoch: u32) -> Self {
        self.epoch = Some(epoch);
        self
    }

    /// Sets the architecture, `noarch` by default.
    #[must_use]
    pub fn arch(mut self, arch: &str) -> Self {
        arch.clone_into(&mut self.arch);
        self
    }

    /// Sets the one-line summary.
    #[must_use]
    pub fn summary(mut self, text: &str) -> Self {
        text.clone_into(&mut self.summary);
        self
    }

    /// Sets the description.
    #[must_use]
    pub fn description(mut self, text: &str) -> Self {
        text.clone_into(&mut self.description);
        self
    }

    /// Sets the vendor; empty leaves the tag out, as many real packages do.
    #[must_use]
    pub fn vendor(mut self, text: &str) -> Self {
        text.clone_into(&mut self.vendor);
        self
    }

    /// Sets the build time and the time of every file, seconds since 1970.
    #[must_use]
    pub fn built_at(mut self, seconds: u32) -> Self {
        self.built_at = seconds;
        self
    }

    /// Sets the compression of the payload, zstd by default.
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// Makes a package of format 6 (rpm 6) instead of 4.
    #[must_use]
    pub fn format_six(mut self) -> Self {
        self.format_six = true;
        self
    }

    /// Adds a dependency in the words of a spec file: `foo`, `foo >= 1:2.0`, `(foo if bar)`, `/usr/bin/sh`.
    #[must_use]
    pub fn dependency(mut self, kind: Kind, text: &str) -> Self {
        self.dependencies.push((kind, text.to_owned()));
        self
    }

    /// Adds a [`Kind::Requires`].
    #[must_use]
    pub fn requires(self, text: &str) -> Self {
        self.dependency(Kind::Requires, text)
    }

    /// Adds a [`Kind::Provides`] beside the package's own name, which is always provided.
    #[must_use]
    pub fn provides(self, text: &str) -> Self {
        self.dependency(Kind::Provides, text)
    }

    /// Adds a [`Kind::Conflicts`].
    #[must_use]
    pub fn conflicts(self, text: &str) -> Self {
        self.dependency(Kind::Conflicts, text)
    }

    /// Adds a [`Kind::Obsoletes`].
    #[must_use]
    pub fn obsoletes(self, text: &str) -> Self {
        self.dependency(Kind::Obsoletes, text)
    }

    /// Adds a [`Kind::Recommends`].
    #[must_use]
    pub fn recommends(self, text: &str) -> Self {
        self.dependency(Kind::Recommends, text)
    }

    /// Adds a file; files below a `bin` folder are executable.
    #[must_use]
    pub fn file(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        let mode = if path.contains("bin/") { 0o755 } else { 0o644 };
        let content = content.into();
        self.entries
            .push((path.to_owned(), Entry::File { content, mode }));
        self
    }

    /// Adds a configuration file that an upgrade does not replace.
    #[must_use]
    pub fn config(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        let content = content.into();
        self.entries
            .push((path.to_owned(), Entry::Config { content }));
        self
    }

    /// Adds a file marked as documentation.
    #[must_use]
    pub fn doc(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        let content = content.into();
        self.entries.push((path.to_owned(), Entry::Doc { content }));
        self
    }

    /// Adds an owned folder.
    #[must_use]
    pub fn folder(mut self, path: &str) -> Self {
        self.entries
            .push((path.to_owned(), Entry::Folder { mode: 0o755 }));
        self
    }

    /// Adds a symbolic link.
    #[must_use]
    pub fn link(mut self, path: &str, target: &str) -> Self {
        let target = target.to_owned();
        self.entries.push((path.to_owned(), Entry::Link { target }));
        self
    }

    /// Adds a path that the package owns without shipping it.
    #[must_use]
    pub fn ghost(mut self, path: &str) -> Self {
        self.entries.push((path.to_owned(), Entry::Ghost));
        self
    }

    /// Adds a shell scriptlet.
    #[must_use]
    pub fn script(mut self, when: When, text: &str) -> Self {
        self.scripts.push((when, text.to_owned()));
        self
    }

    /// Adds a changelog entry; call it newest first, as spec files list them. `author` in the form
    /// `Name <mail> - version-release`.
    #[must_use]
    pub fn changelog(mut self, seconds: u32, author: &str, text: &str) -> Self {
        self.changelog
            .push((seconds, author.to_owned(), text.to_owned()));
        self
    }

    /// `name-version-release.arch.rpm`.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!(
            "{}-{}-{}.{}.rpm",
            self.name, self.version, self.release, self.arch
        )
    }

    /// `[epoch:]version-release`.
    #[must_use]
    pub fn evr(&self) -> String {
        match self.epoch {
            Some(epoch) => format!("{epoch}:{}-{}", self.version, self.release),
            None => format!("{}-{}", self.version, self.release),
        }
    }

    /// The package's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Name, epoch (0 when there is none), version, release and architecture as modules and updateinfo want them.
    #[must_use]
    pub fn parts(&self) -> (&str, u32, &str, &str, &str) {
        (
            &self.name,
            self.epoch.unwrap_or(0),
            &self.version,
            &self.release,
            &self.arch,
        )
    }

    /// The bytes of the file.
    ///
    /// # Panics
    /// When the description is one that rpm could not read back.
    #[must_use]
    #[track_caller]
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.package()
            .write(&mut out)
            .expect("writing to memory does not fail");
        out
    }

    /// Writes the file into `folder` under its usual name and returns its path.
    ///
    /// # Panics
    /// When the folder cannot be written.
    #[track_caller]
    pub fn write_to(&self, folder: &Path) -> PathBuf {
        std::fs::create_dir_all(folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let path = folder.join(self.file_name());
        // By renaming, as mirrors do: a server may hold a hard link to the file of the same name that was here before.
        let part = folder.join(format!(".{}.part", self.file_name()));
        std::fs::write(&part, self.bytes())
            .unwrap_or_else(|error| panic!("{}: {error}", part.display()));
        std::fs::rename(&part, &path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        path
    }

    fn package(&self) -> rpm::Package {
        let config = if self.format_six {
            BuildConfig::v6()
        } else {
            BuildConfig::v4()
        };
        let config = config
            .source_date(self.built_at)
            .compression(match self.compression {
                Compression::Gzip => CompressionWithLevel::Gzip(6),
                Compression::Zstd => CompressionWithLevel::Zstd(3),
                Compression::Xz => CompressionWithLevel::Xz(2),
                Compression::Bzip2 => CompressionWithLevel::Bzip2(9),
                Compression::None => CompressionWithLevel::None,
            });
        let mut builder = PackageBuilder::new(
            &self.name,
            &self.version,
            &self.license,
            &self.arch,
            &self.summary,
        );
        builder
            .using_config(config)
            .release(&self.release)
            .description(&self.description)
            .group(&self.group)
            .url(&self.url)
            .packager(&self.packager)
            .build_host("build.example.com");
        if !self.vendor.is_empty() {
            builder.vendor(&self.vendor);
        }
        if let Some(epoch) = self.epoch {
            builder.epoch(epoch);
        }
        for (kind, text) in &self.dependencies {
            add_dependency(&mut builder, *kind, text);
        }
        for (path, entry) in &self.entries {
            add_entry(&mut builder, path, entry);
        }
        for (when, text) in &self.scripts {
            let script = Scriptlet::new(text.as_str()).prog(vec!["/bin/sh"]);
            match when {
                When::Pre => builder.pre_install_script(script),
                When::Post => builder.post_install_script(script),
                When::Preun => builder.pre_uninstall_script(script),
                When::Postun => builder.post_uninstall_script(script),
                When::Pretrans => builder.pre_trans_script(script),
                When::Posttrans => builder.post_trans_script(script),
            };
        }
        for (seconds, author, text) in &self.changelog {
            builder.add_changelog_entry(author, text, *seconds);
        }
        builder
            .build()
            .unwrap_or_else(|error| panic!("cannot build {}: {error}", self.file_name()))
    }
}
