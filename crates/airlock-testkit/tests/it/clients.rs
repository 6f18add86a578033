use airlock_testkit::dnf::Dnf;
use airlock_testkit::http::HttpServer;
use airlock_testkit::keys::SigningKey;
use airlock_testkit::repos::Peer;
use airlock_testkit::states::Distribution;
use airlock_testkit::zypper::Zypper;

#[test]
fn dnf_lives_through_three_days_of_the_signed_distribution() {
    let folder = tempfile::tempdir().unwrap();
    let mut distribution = Distribution::signed_at(folder.path(), SigningKey::rsa("distribution"));
    let server = HttpServer::serve(folder.path());
    let mut dnf = Dnf::new();
    dnf.repo(
        "example",
        &server.url(),
        Some(&format!("{}/RPM-GPG-KEY", server.url())),
    );

    dnf.ok(&["install", "hello", "greet-tools", "oldtool", "kernel"]);
    assert_eq!(
        dnf.installed(),
        [
            "greet-tools-1.0-1.x86_64",
            "hello-1.0-1.noarch",
            "hello-langpack-de-1.0-1.noarch",
            "kernel-6.1.0-1.x86_64",
            "kernel-core-6.1.0-1.x86_64",
            "libgreet-2.0-1.x86_64",
            "oldtool-0.9-1.noarch"
        ]
    );
    let modules = dnf.ok(&["module", "list"]).stdout;
    assert!(
        modules.contains("runtime 10 [d]") && modules.contains("runtime 12"),
        "{modules}"
    );

    distribution.next_day();
    let advisories = dnf.ok(&["updateinfo", "list", "--security"]).stdout;
    assert!(
        advisories.contains("EX-2026:0002 Important/Sec. hello-1.1-1.noarch"),
        "{advisories}"
    );
    dnf.ok(&["upgrade"]);
    distribution.next_day();
    dnf.ok(&["upgrade"]);
    let installed = dnf.installed();
    for wanted in [
        "hello-2.0-1.noarch",
        "newtool-1.0-1.noarch",
        "kernel-core-6.1.0-1.x86_64",
        "kernel-core-6.1.0-3.x86_64",
    ] {
        assert!(
            installed.iter().any(|name| name == wanted),
            "{wanted} is not among {installed:?}"
        );
    }
    assert!(
        !installed.iter().any(|name| name.starts_with("oldtool")),
        "{installed:?}"
    );
}

#[test]
fn a_variable_in_the_url_chooses_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let _first = Distribution::at(folder.path().join("one"));
    let mut second = Distribution::at(folder.path().join("two"));
    second.next_day();
    let mut dnf = Dnf::new();
    dnf.repo(
        "example",
        &format!("file://{}/$airlock_at", folder.path().display()),
        None,
    )
    .variable("airlock_at", "one");
    assert_eq!(dnf.query(&["hello"]), ["hello-0:1.0-1.noarch"]);
    dnf.variable("airlock_at", "two");
    assert_eq!(
        dnf.query(&["hello"]),
        ["hello-0:1.0-1.noarch", "hello-0:1.1-1.noarch"]
    );
}

#[test]
fn dnf_enables_the_module_built_for_the_chosen_stream() {
    let folder = tempfile::tempdir().unwrap();
    let distribution = Distribution::at(folder.path());
    let mut dnf = Dnf::new();
    dnf.repo("example", &distribution.url(), None);
    dnf.ok(&["module", "enable", "runtime:12"]);
    dnf.ok(&["install", "webapp"]);
    assert_eq!(
        dnf.installed(),
        [
            "runtime-12-1.module_el9.x86_64",
            "webapp-1-1.module_el9+for12.noarch"
        ]
    );
}

#[test]
fn an_unsigned_package_is_refused_with_gpgcheck() {
    let folder = tempfile::tempdir().unwrap();
    let distribution = Distribution::at(folder.path());
    let key = SigningKey::ed25519("nobody");
    let path = key.write_public_key(&folder.path().join("RPM-GPG-KEY"));
    let mut dnf = Dnf::new();
    dnf.repo(
        "example",
        &distribution.url(),
        Some(&format!("file://{}", path.display())),
    );
    let refused = dnf.run(&["install", "hello"]).expect_failure();
    assert!(refused.text().contains("not signed"), "{}", refused.text());
    assert!(dnf.installed().is_empty());
}

#[test]
fn zypper_installs_and_lists_patches() {
    let folder = tempfile::tempdir().unwrap();
    let mut distribution = Distribution::signed_at(folder.path(), SigningKey::rsa("distribution"));
    let server = HttpServer::serve(folder.path());
    let mut zypper = Zypper::new();
    zypper.repo_file(
        "example",
        &format!(
            "[example]\nname=example\nbaseurl={0}\nenabled=1\nautorefresh=1\ngpgcheck=1\ngpgkey={0}/RPM-GPG-KEY\n",
            server.url()
        ),
    );
    zypper.ok(&["refresh"]);
    zypper.ok(&["install", "--no-recommends", "greet-tools"]);
    assert_eq!(
        zypper.installed(),
        [
            "greet-tools-1.0-1.x86_64",
            "hello-1.0-1.noarch",
            "libgreet-2.0-1.x86_64"
        ]
    );
    distribution.made_by(Peer::Newest, "zstd").next_day();
    zypper.ok(&["refresh"]);
    let patches = zypper.ok(&["list-patches"]).stdout;
    assert!(patches.contains("EX-2026:0002"), "{patches}");
    zypper.ok(&["update"]);
    assert!(
        zypper
            .installed()
            .contains(&"hello-1.1-1.noarch".to_owned())
    );
}
