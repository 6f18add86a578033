//! A small distribution on three days: what a mirror sees when its upstream moves.
//!
//! | day | what it holds |
//! |---|---|
//! | 1 (2026-01-05) | `hello` 1.0 and friends, `libgreet` for x86_64 and i686, one kernel, two streams of module `runtime`, module `webapp` built against each of them, one security erratum |
//! | 2 (2026-01-12) | `hello` 1.1 by an Important erratum with two CVEs, a second kernel by a bug-fix erratum that wants a reboot, `libgreet` 2.1 |
//! | 3 (2026-01-19) | `hello` 2.0 with an epoch, `oldtool` gone and obsoleted by `newtool`, a third kernel, a Critical erratum, an old erratum revised |
//!
//! Older builds stay in the repository, as in vendors' update repositories.

use std::path::PathBuf;

use crate::keys::SigningKey;
use crate::repos::{
    Environment, Erratum, Group, ModuleDefault, ModuleStream, Peer, Repository, comps_xml,
    modules_yaml,
};
use crate::rpms::{BUILD_TIME, Compression, Kind, Rpm, When};

const DAY: u32 = 86_400;

/// The distribution in its folder, at one of its days.
#[derive(Debug)]
pub struct Distribution {
    repository: Repository,
    key: Option<SigningKey>,
    day: u32,
}

impl Distribution {
    /// Day 1, unsigned.
    ///
    /// # Panics
    /// When a program that is needed is missing.
    #[must_use]
    #[track_caller]
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self::start(folder.into(), None)
    }

    /// Day 1 with signed packages and a signed `repomd.xml`; the public key lies beside as `RPM-GPG-KEY`.
    ///
    /// # Panics
    /// As [`Distribution::at`].
    #[must_use]
    #[track_caller]
    pub fn signed_at(folder: impl Into<PathBuf>, key: SigningKey) -> Self {
        Self::start(folder.into(), Some(key))
    }

    #[track_caller]
    fn start(folder: PathBuf, key: Option<SigningKey>) -> Self {
        let repository = Repository::at(folder);
        if let Some(key) = &key {
            key.write_public_key(&repository.folder().join("RPM-GPG-KEY"));
        }
        let mut distribution = Self {
            repository,
            key,
            day: 0,
        };
        distribution.next_day();
        distribution
    }

    /// The repository, for edits beyond the days.
    pub fn repository(&mut self) -> &mut Repository {
        &mut self.repository
    }

    /// The folder as a `file://` URL.
    #[must_use]
    pub fn url(&self) -> String {
        self.repository.url()
    }

    /// The key that signs, if one does.
    #[must_use]
    pub fn key(&self) -> Option<&SigningKey> {
        self.key.as_ref()
    }

    /// The day it stands at, 1 to 3.
    #[must_use]
    pub fn day(&self) -> u32 {
        self.day
    }

    /// Goes on to the next day and publishes.
    ///
    /// # Panics
    /// After day 3, and when a program that is needed is missing or fails.
    #[track_caller]
    pub fn next_day(&mut self) {
        self.day += 1;
        let packages = match self.day {
            1 => day_one(),
            2 => day_two(),
            3 => day_three(),
            other => panic!("there is no day {other}"),
        };
        if self.day == 3 {
            self.repository.remove("oldtool-");
        }
        let files: Vec<PathBuf> = packages
            .iter()
            .map(|package| self.repository.add(package))
            .collect();
        if let Some(key) = &self.key {
            key.sign_rpms(&files);
        }
        for erratum in errata(self.day) {
            self.repository.erratum(erratum);
        }
        self.repository.comps(comps()).modules(modules(self.day));
        self.publish();
    }

    /// Publishes the repository as it is, signed if there is a key.
    #[track_caller]
    pub fn publish(&mut self) {
        let revision = (BUILD_TIME + self.day * 7 * DAY).to_string();
        self.repository.revision(&revision);
        match &self.key {
            Some(key) => self.repository.publish_signed(key),
            None => self.repository.publish(),
        };
    }

    /// Chooses another createrepo_c and compression from the next publication on.
    pub fn made_by(&mut self, peer: Peer, compression: &str) -> &mut Self {
        self.repository.peer(peer).compress(compression);
        self
    }
}

fn hello(evr: &str, built: u32) -> Rpm {
    Rpm::nevra(&format!("hello-{evr}.noarch"))
        .built_at(built)
        .file("/usr/bin/hello", format!("#!/bin/sh\necho hello {evr}\n"))
        .config("/etc/hello.conf", "greeting=hello\n")
        .doc("/usr/share/doc/hello/README", "Says hello.\n")
        .ghost("/var/log/hello.log")
        .changelog(
            built,
            "Greta Greeter <greta@example.com> - 1.0-1",
            "- Say hello & <more>",
        )
}

fn libgreet(version: &str, arch: &str, built: u32) -> Rpm {
    let (folder, mark) = if arch == "x86_64" {
        ("lib64", "()(64bit)")
    } else {
        ("lib", "")
    };
    Rpm::new("libgreet", version, "1")
        .arch(arch)
        .built_at(built)
        .compression(Compression::Xz)
        .provides(&format!("libgreet.so.2{mark}"))
        .file(
            &format!("/usr/{folder}/libgreet.so.2.0"),
            format!("{arch} library {version}"),
        )
        .link(&format!("/usr/{folder}/libgreet.so.2"), "libgreet.so.2.0")
}

fn kernel(release: &str, built: u32) -> Vec<Rpm> {
    let core = Rpm::new("kernel-core", "6.1.0", release)
        .arch("x86_64")
        .built_at(built)
        .compression(Compression::Gzip)
        .provides("installonlypkg(kernel)")
        .provides(&format!("kernel-uname-r = 6.1.0-{release}.x86_64"))
        .file(
            &format!("/lib/modules/6.1.0-{release}.x86_64/vmlinuz"),
            "kernel image",
        );
    let meta = Rpm::new("kernel", "6.1.0", release)
        .arch("x86_64")
        .built_at(built)
        .requires(&format!("kernel-core = 6.1.0-{release}"));
    vec![core, meta]
}

fn runtime(stream: &str, release: u32) -> Rpm {
    Rpm::new("runtime", stream, &format!("{release}.module_el9"))
        .arch("x86_64")
        .file("/usr/bin/runtime", format!("runtime {stream}\n"))
}

fn webapp(stream: &str) -> Rpm {
    Rpm::new("webapp", "1", &format!("1.module_el9+for{stream}"))
        .requires(&format!("runtime >= {stream}"))
        .file(
            "/usr/share/webapp/index.html",
            format!("<p>built for {stream}</p>\n"),
        )
}

fn day_one() -> Vec<Rpm> {
    let built = BUILD_TIME + 4 * DAY;
    let mut packages = vec![
        Rpm::new("example-release", "9", "1")
            .built_at(built)
            .provides("system-release = 9")
            .provides("base-module(platform:el9)")
            .file(
                "/etc/os-release",
                "ID=example\nVERSION_ID=9\nPLATFORM_ID=\"platform:el9\"\n",
            ),
        Rpm::new("mini-sh", "1", "1")
            .built_at(built)
            .provides("/bin/sh")
            .file("/usr/bin/mini-sh", "not a shell\n"),
        hello("1.0-1", built),
        Rpm::new("hello-langpack-de", "1.0", "1")
            .built_at(built)
            .dependency(Kind::Supplements, "(hello and langpacks-de)")
            .file("/usr/share/locale/de/hello.mo", "hallo"),
        libgreet("2.0", "x86_64", built),
        libgreet("2.0", "i686", built),
        Rpm::new("greet-tools", "1.0", "1")
            .arch("x86_64")
            .built_at(built)
            .requires("libgreet.so.2()(64bit)")
            .requires("/usr/bin/hello")
            .requires("(hello >= 1.0 or newtool)")
            .recommends("hello-langpack-de")
            .dependency(Kind::Suggests, "kernel")
            .conflicts("libgreet < 2.0")
            .file("/usr/bin/greet", "greet\n"),
        Rpm::new("scripted", "1.0", "1")
            .built_at(built)
            .dependency(Kind::RequiresPre, "mini-sh")
            .script(When::Post, "true")
            .file("/usr/share/scripted/data", "data\n"),
        Rpm::new("oldtool", "0.9", "1")
            .built_at(built)
            .file("/usr/bin/oldtool", "old\n"),
        Rpm::new("words", "1", "1")
            .built_at(built)
            .summary("Ümläute & <tags> in the summary")
            .file("/usr/share/w\u{f6}rter/a b.txt", "a name with a blank\n"),
    ];
    packages.extend(kernel("1", built));
    packages.extend([
        runtime("10", 1),
        runtime("12", 1),
        webapp("10"),
        webapp("12"),
    ]);
    packages
}

fn day_two() -> Vec<Rpm> {
    let built = BUILD_TIME + 11 * DAY;
    let mut packages = vec![
        hello("1.1-1", built),
        libgreet("2.1", "x86_64", built),
        libgreet("2.1", "i686", built),
    ];
    packages.extend(kernel("2", built));
    packages
}

fn day_three() -> Vec<Rpm> {
    let built = BUILD_TIME + 18 * DAY;
    let mut packages = vec![
        hello("1:2.0-1", built),
        Rpm::new("newtool", "1.0", "1")
            .built_at(built)
            .obsoletes("oldtool < 1.0")
            .file("/usr/bin/newtool", "new\n"),
    ];
    packages.extend(kernel("3", built));
    packages.push(runtime("12", 2));
    packages
}

fn errata(day: u32) -> Vec<Erratum> {
    let first = Erratum::security(
        "EX-2026:0001",
        "Moderate",
        "2026-01-05 09:00:00",
        &["CVE-2026-0001"],
    )
    .package(&libgreet("2.0", "x86_64", 0))
    .package(&libgreet("2.0", "i686", 0));
    match day {
        1 => vec![first],
        2 => {
            let kernels = kernel("2", 0);
            let fix = Erratum::new("EX-2026:0003", "bugfix", "2026-01-12 10:00:00")
                .bug("4711")
                .reboot();
            vec![
                Erratum::security(
                    "EX-2026:0002",
                    "Important",
                    "2026-01-12 09:00:00",
                    &["CVE-2026-0002", "CVE-2026-0003"],
                )
                .package(&hello("1.1-1", 0)),
                kernels.iter().fold(fix, Erratum::package),
            ]
        }
        _ => {
            let kernels = kernel("3", 0);
            let critical = Erratum::security(
                "EX-2026:0004",
                "Critical",
                "2026-01-19 09:00:00",
                &["CVE-2026-0004"],
            );
            vec![
                first.updated("2026-01-19 08:00:00", "2"),
                kernels.iter().fold(critical, Erratum::package).reboot(),
                Erratum::new("EX-2026:0005", "enhancement", "2026-01-19 09:30:00")
                    .package(&hello("1:2.0-1", 0)),
            ]
        }
    }
}

fn comps() -> String {
    let mut greeting = Group::new("greeting", "Greeting", &["hello", "greet-tools"]);
    greeting.optional.push("hello-langpack-de".to_owned());
    let core = Group::new("core", "Core", &["example-release", "mini-sh"]);
    let server = Environment {
        id: "server".to_owned(),
        name: "Server".to_owned(),
        groups: vec!["core".to_owned(), "greeting".to_owned()],
    };
    comps_xml(&[core, greeting], &[server])
}

fn modules(day: u32) -> String {
    let mut streams = vec![
        ModuleStream::new("runtime", "10", 20_260_105, "aaaa0001")
            .artifact(&runtime("10", 1))
            .profile("common", &["runtime"]),
        ModuleStream::new("runtime", "12", 20_260_105, "aaaa0002")
            .artifact(&runtime("12", 1))
            .profile("common", &["runtime"]),
        ModuleStream::new("webapp", "1", 20_260_105, "bbbb0010")
            .requires("runtime", "10")
            .artifact(&webapp("10"))
            .profile("common", &["webapp"]),
        ModuleStream::new("webapp", "1", 20_260_105, "bbbb0012")
            .requires("runtime", "12")
            .artifact(&webapp("12"))
            .profile("common", &["webapp"]),
    ];
    if day == 3 {
        streams.push(
            ModuleStream::new("runtime", "12", 20_260_119, "aaaa0002")
                .artifact(&runtime("12", 2))
                .profile("common", &["runtime"]),
        );
    }
    let defaults = [
        ModuleDefault::new("runtime", "10", "common"),
        ModuleDefault::new("webapp", "1", "common"),
    ];
    modules_yaml(&streams, &defaults)
}
