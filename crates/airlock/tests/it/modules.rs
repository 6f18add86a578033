//! `channel check` of modular repositories against the real dnf: streams in several contexts, chains of modules, packages
//! outside of modules.

use airlock_testkit::dnf::Dnf;
use airlock_testkit::process::{Server, Start};
use airlock_testkit::repos::Repository;
use airlock_testkit::repos::modules::{Default, Stream, modules_yaml};
use airlock_testkit::rpms::Rpm;
use airlock_testkit::seeded::Seeded;

/// A package and the streams that a person enables who wants it.
struct Asked {
    nevra: String,
    enable: Vec<String>,
}

/// A repository with modules, and what to ask of it.
struct World {
    repository: Repository,
    streams: Vec<Stream>,
    defaults: Vec<Default>,
    asked: Vec<Asked>,
}

impl World {
    fn at(folder: &std::path::Path) -> Self {
        Self {
            repository: Repository::at(folder),
            streams: Vec::new(),
            defaults: Vec::new(),
            asked: Vec::new(),
        }
    }

    /// Adds a package, to be asked for with these streams enabled.
    fn package(&mut self, package: &Rpm, enable: &[String]) {
        self.repository.add(package);
        let (name, _, version, release, arch) = package.parts();
        self.asked.push(Asked {
            nevra: format!("{name}-{version}-{release}.{arch}"),
            enable: enable.to_vec(),
        });
    }

    /// Adds a build of a stream with its packages.
    fn build(&mut self, mut stream: Stream, packages: &[Rpm]) {
        // Whoever wants a package of one context enables what that context was built for.
        let mut enable = vec![format!("{}:{}", stream.name, stream.stream)];
        enable.extend(
            stream
                .requires
                .iter()
                .map(|(module, needed)| format!("{module}:{needed}")),
        );
        for package in packages {
            stream = stream.artifact(package);
            self.package(package, &enable);
        }
        self.streams.push(stream);
    }

    fn publish(&mut self) {
        let text = modules_yaml(&self.streams, &self.defaults);
        self.repository.modules(text);
        self.repository.publish();
    }
}

/// Which packages `channel check` finds broken.
fn broken_by_airlock(server: &Server, label: &str) -> Vec<String> {
    let checked = server.airlock(&["channel", "check", label, "--json"]);
    let report: serde_json::Value = serde_json::from_str(&checked.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", checked.text()));
    let broken = report["broken"].as_array().unwrap();
    let mut names: Vec<String> = broken
        .iter()
        .map(|one| one["nevra"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

/// Which packages dnf cannot install into an empty root.
fn broken_by_dnf(world: &World) -> Vec<String> {
    let mut broken = Vec::new();
    let mut groups: Vec<(&[String], Vec<&str>)> = Vec::new();
    for asked in &world.asked {
        match groups
            .iter_mut()
            .find(|(enable, _)| **enable == *asked.enable)
        {
            Some((_, names)) => names.push(&asked.nevra),
            None => groups.push((&asked.enable, vec![&asked.nevra])),
        }
    }
    for (enable, names) in groups {
        let mut dnf = Dnf::new();
        dnf.repo("modular", &world.repository.url(), None);
        dnf.ok(&["makecache"]);
        let mut can_enable = true;
        if !enable.is_empty() {
            let mut words = vec!["module", "enable"];
            words.extend(enable.iter().map(String::as_str));
            let enabled = dnf.run(&words);
            can_enable = enabled.code == 0;
            assert!(
                can_enable || enabled.text().contains("roblem"),
                "{enable:?}: {}",
                enabled.text()
            );
        }
        for name in names {
            let installed =
                can_enable.then(|| dnf.run(&["--cacheonly", "--assumeno", "install", name]));
            let fits = installed.is_some_and(|tried| {
                let text = tried.text();
                let fits = text.contains("Operation aborted");
                assert!(
                    fits || text.contains("Error:"),
                    "{name} with {enable:?}: {text}"
                );
                fits
            });
            if !fits {
                broken.push(name.to_owned());
            }
        }
    }
    broken.sort();
    broken
}

/// Three modules of two streams; the first is needed by the second in a context each, the second by the third.
fn random(folder: &std::path::Path, seed: u64) -> World {
    let mut dice = Seeded::new(seed);
    let mut world = World::at(folder);
    let package = |dice: &mut Seeded, name: &str, version: &str, release: &str, needs: &[&str]| {
        let mut rpm = Rpm::new(name, version, release);
        for _ in 0..dice.below(2) {
            let needed = *dice.pick(needs);
            let version = 1 + dice.below(2);
            rpm = match dice.below(3) {
                0 => rpm.requires(needed),
                1 => rpm.requires(&format!("{needed} = {version}")),
                _ => rpm.requires(&format!("{needed} >= {version}")),
            };
        }
        rpm
    };
    for stream in ["1", "2"] {
        let build = Stream::new("lang", stream, 1, "c0");
        let rpms = [
            package(&mut dice, "lang", stream, "1", &["plain"]),
            package(&mut dice, "lang-tools", stream, "1", &["lang", "plain"]),
        ];
        world.build(build, &rpms);
    }
    for stream in ["1", "2"] {
        // The contexts' names in either order.
        let mut contexts = vec![("ca", "1"), ("cb", "2")];
        if dice.below(2) == 0 {
            contexts = vec![("ca", "2"), ("cb", "1")];
        }
        if dice.below(3) == 0 {
            contexts.remove(0);
        }
        for (context, needed) in contexts {
            let build = Stream::new("web", stream, 1, context).requires("lang", needed);
            let rpms = [
                package(&mut dice, "web", stream, context, &["lang", "lang-tools"]),
                package(&mut dice, "web-extra", stream, context, &["web", "lang"]),
            ];
            world.build(build, &rpms);
        }
    }
    let mut needs = Vec::new();
    for stream in ["1", "2"] {
        let needed = *dice.pick(&["1", "2"]);
        let build = Stream::new("shop", stream, 1, "c0").requires("web", needed);
        let rpms = [package(
            &mut dice,
            "shop",
            stream,
            "1",
            &["web", "lang", "web-extra"],
        )];
        world.build(build, &rpms);
        needs.push(needed);
    }
    // Which context dnf takes where no default decides, and which default gives way where two contradict each other, is
    // chance; no distribution leaves that open.
    let lang = *dice.pick(&["1", "2"]);
    world.defaults.push(Default::new("lang", lang, "none"));
    let web = *dice.pick(&["1", "2", ""]);
    let shop = *dice.pick(&["1", "2", ""]);
    if !web.is_empty() {
        world.defaults.push(Default::new("web", web, "none"));
    }
    if !shop.is_empty() && needs[usize::from(shop == "2")] == web {
        world.defaults.push(Default::new("shop", shop, "none"));
    }
    world.package(&Rpm::new("plain", "1", "1"), &[]);
    for name in ["outside", "beside", "around"] {
        let rpm = package(&mut dice, name, "1", "1", &["lang", "web", "shop", "plain"]);
        world.package(&rpm, &[]);
    }
    world.publish();
    world
}

#[test]
fn packages_of_streams_are_judged_as_dnf_does() {
    let folder = tempfile::tempdir().unwrap();
    let server = Start::new(folder.path().join("data")).start();
    let number =
        |name: &str, usual: u64| std::env::var(name).map_or(usual, |text| text.parse().unwrap());
    let first = number("AIRLOCK_MODULE_FIRST_SEED", 1);
    let last = first + number("AIRLOCK_MODULE_SEEDS", 4) - 1;
    let mut compared = 0;
    let mut differing = Vec::new();
    for seed in first..=last {
        let world = random(&folder.path().join(format!("upstream-{seed}")), seed);
        let label = format!("modular-{seed}");
        server.airlock_ok(&[
            "channel",
            "create",
            &label,
            "--upstream",
            &world.repository.url(),
        ]);
        server.airlock_ok(&["channel", "sync", &label]);
        let (ours, theirs) = (broken_by_airlock(&server, &label), broken_by_dnf(&world));
        compared += world.asked.len();
        if ours != theirs {
            let packages = world.repository.packages();
            println!(
                "{}\n{packages:#?}",
                modules_yaml(&world.streams, &world.defaults)
            );
        }
        for asked in &world.asked {
            let broken = (ours.contains(&asked.nevra), theirs.contains(&asked.nevra));
            if broken.0 != broken.1 {
                differing.push(format!(
                    "seed {seed}: {} with {:?}: broken for airlock {}, for dnf {}",
                    asked.nevra, asked.enable, broken.0, broken.1
                ));
            }
        }
    }
    println!("{compared} compared, {} differ", differing.len());
    assert!(differing.is_empty(), "{}", differing.join("\n"));
    server.stop();
}
