//! The program itself, started as users start it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const BINARY: &str = env!("CARGO_BIN_EXE_airlock-virt-who");

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

/// Copies a folder; files with passwords become private unless `open`.
fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copied(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
            std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
}

fn command(program: &Path, root: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .arg("--root")
        .arg(root)
        .stdin(Stdio::null());
    command
}

fn run(root: &Path, words: &[&str]) -> Output {
    command(Path::new(BINARY), root)
        .args(words)
        .output()
        .unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The path of the scratch folder and the machine's name are not part of what is compared.
fn plain(text: &str, root: &Path) -> String {
    let text = text.replace(&root.display().to_string(), "");
    text.lines()
        .map(|line| {
            if line.starts_with("  reporter_id = ") {
                "  reporter_id = (this machine)\n".to_owned()
            } else {
                format!("{line}\n")
            }
        })
        .collect()
}

#[test]
fn an_old_folder_is_accepted_as_it_is_and_what_is_odd_is_told() {
    let scratch = tempfile::tempdir().unwrap();
    copied(&data("old-folder"), scratch.path());
    let xen = scratch.path().join("etc/virt-who.d/xen.conf");
    std::fs::set_permissions(&xen, std::fs::Permissions::from_mode(0o644)).unwrap();
    let output = run(scratch.path(), &["check"]);
    insta::assert_snapshot!("old_folder", plain(&out(&output), scratch.path()));
    assert_eq!(output.status.code(), Some(1), "one section is dropped");
    let both = format!("{}{}", out(&output), err(&output));
    for secret in ["50%off", "again-not-shown", "exactly16bytes", "0ca3efb"] {
        assert!(!both.contains(secret), "{secret} is shown");
    }
}

fn fake(root: &Path) {
    copied(&data("virt-who/fake"), root);
    let folder = root.join("etc/virt-who.d");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(
        folder.join("fake.conf"),
        "[fake-1]\ntype=fake\nfile=/source.json\nis_hypervisor=true\nowner=acme\nrhsm_hostname=127.0.0.1\nrhsm_port=1\nrhsm_username=u\nrhsm_password=top-secret\n",
    )
    .unwrap();
}

#[test]
fn print_writes_both_forms_and_asks_no_server() {
    let scratch = tempfile::tempdir().unwrap();
    fake(scratch.path());
    let output = run(scratch.path(), &["--print"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let expected = std::fs::read_to_string(scratch.path().join("print.json")).unwrap();
    let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    assert_eq!(value(&out(&output)), value(&expected));
    assert!(out(&output).starts_with("{\n    \"hypervisors\": [\n        {\n"));
    let output = run(scratch.path(), &["--print", "--old-form"]);
    let old = out(&output);
    assert!(
        old.starts_with("{\"hypervisors\":[{\"uuid\":\"host-b.example.com\""),
        "{old}"
    );
    assert_eq!(old.lines().count(), 1);
}

#[test]
fn the_exit_status_of_one_shot_and_status_is_the_truth() {
    let scratch = tempfile::tempdir().unwrap();
    fake(scratch.path());
    // Nobody listens on port 1.
    let output = run(scratch.path(), &["--one-shot", "-d"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        err(&output).contains("cannot be reached"),
        "{}",
        err(&output)
    );
    assert!(!err(&output).contains("top-secret"));
    let output = run(scratch.path(), &["--status", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let status: serde_json::Value = serde_json::from_str(&out(&output)).unwrap();
    let one = &status["configurations"][0];
    assert_eq!(one["source"]["status"], "success");
    assert_eq!(one["source"]["hypervisors"], 3);
    assert_eq!(one["destination"]["status"], "failure");
    assert_eq!(
        one["destination"]["last_successful_send"],
        serde_json::Value::Null
    );
}

#[test]
fn called_as_virt_who_it_takes_the_old_command_line() {
    let scratch = tempfile::tempdir().unwrap();
    fake(scratch.path());
    let link = scratch.path().join("virt-who");
    std::os::unix::fs::symlink(BINARY, &link).unwrap();
    let old = |words: &[&str]| command(&link, scratch.path()).args(words).output().unwrap();
    let output = old(&["-s"]);
    assert_eq!(
        out(&output),
        "+-------------------------------------------+\n           Configuration Status\n+-------------------------------------------+\n\
         Configuration Name: fake-1\nSource Status: \u{1b}[1;32msuccess\u{1b}[0;0m\nDestination Status: \u{1b}[1;31mfailure\u{1b}[0;0m\n\n"
    );
    for (words, status) in [
        (["-s", "-o"].as_slice(), 64),
        (&["-s", "-p"], 64),
        (&["-j"], 64),
        (&["--nonsense"], 2),
        (&["-c", "/no/such/file", "-p"], 1),
    ] {
        let output = old(words);
        assert_eq!(
            output.status.code(),
            Some(status),
            "{words:?} {}",
            err(&output)
        );
        assert_eq!(
            status == 64,
            out(&output).starts_with("Error: "),
            "{words:?}"
        );
    }
    let output = old(&[
        "--one-shot",
        "--esx",
        "--esx-owner",
        "acme",
        "--esx-server",
        "127.0.0.1:1",
        "--esx-username",
        "u",
        "--esx-password",
        "top-secret",
        "--sam",
        "-m",
        "-r",
        "me",
    ]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        err(&output).contains("source env/cmdline: "),
        "{}",
        err(&output)
    );
    assert!(!err(&output).contains("top-secret"));
}

#[test]
fn passwords_are_encrypted_with_a_key_that_only_its_owner_can_read() {
    let scratch = tempfile::tempdir().unwrap();
    let output = run(scratch.path(), &["password", "-p", "s3cret"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let encrypted = out(&output).trim().to_owned();
    let key = scratch.path().join("var/lib/virt-who/key");
    assert_eq!(
        std::fs::metadata(&key).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let key = airlock_virt_who::password::Key::read(&key).unwrap();
    assert_eq!(key.decrypt(&encrypted).unwrap().reveal(), "s3cret");
    let again = run(scratch.path(), &["password", "-p", "s3cret"]);
    assert_eq!(out(&again).trim(), encrypted);
    // From standard input, as scripts do it.
    let mut child = command(Path::new(BINARY), scratch.path())
        .arg("password")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"s3cret\n").unwrap();
    assert_eq!(out(&child.wait_with_output().unwrap()).trim(), encrypted);
}

#[test]
fn secrets_come_from_files_and_credentials_too() {
    let scratch = tempfile::tempdir().unwrap();
    fake(scratch.path());
    let root = scratch.path();
    std::fs::write(root.join("secret"), "from-file\n").unwrap();
    std::fs::write(root.join("vc"), "from-credential\n").unwrap();
    std::fs::write(
        root.join("etc/virt-who.d/fake.conf"),
        "[a]\ntype=xen\nserver=x\nusername=u\npassword_file=/secret\nowner=o\nrhsm_username=u\nrhsm_password_credential=vc\n\
         [b]\ntype=xen\nserver=x\nusername=u\npassword_file=/nothing\nowner=o\n",
    )
    .unwrap();
    let environment = [(
        "CREDENTIALS_DIRECTORY".to_owned(),
        root.display().to_string(),
    )]
    .into();
    let paths = airlock_virt_who::config::Paths::below(root);
    let configuration = airlock_virt_who::config::load(&paths, &Default::default(), &environment);
    let source = configuration.source("a").unwrap();
    assert_eq!(
        source.settings.password.as_ref().unwrap().reveal(),
        "from-file"
    );
    let airlock_virt_who::config::DestinationSettings::Candlepin(to) = &source.destinations[0]
    else {
        panic!("not Candlepin");
    };
    assert_eq!(to.account.as_ref().unwrap().1.reveal(), "from-credential");
    assert_eq!(configuration.dropped[0].name, "b");
    let shown = format!("{configuration:?}");
    assert!(!shown.contains("from-file") && !shown.contains("from-credential"));
}

#[test]
fn variables_make_a_section_and_the_environment_is_before_the_file() {
    use airlock_virt_who::config::{CommandLine, Paths, load};
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    std::fs::create_dir_all(root.join("etc/sysconfig")).unwrap();
    std::fs::write(
        root.join("etc/sysconfig/virt-who"),
        "VIRTWHO_ESX=1\nVIRTWHO_ESX_OWNER=acme\nVIRTWHO_ESX_ENV=Library\nVIRTWHO_ESX_SERVER=vc\nVIRTWHO_ESX_USERNAME=u\nVIRTWHO_ESX_PASSWORD='p w'\nVIRTWHO_INTERVAL=120\nVIRTWHO_DEBUG=1\n",
    )
    .unwrap();
    std::fs::write(
        root.join("etc/virt-who.conf"),
        "[global]\ninterval=600\n[system_environment]\nhttp_proxy=https://proxy:3128\n",
    )
    .unwrap();
    let environment = [("VIRTWHO_DEBUG".to_owned(), "0".to_owned())].into();
    let configuration = load(&Paths::below(root), &CommandLine::default(), &environment);
    let source = configuration.source("env/cmdline").unwrap();
    assert_eq!(source.settings.server, "https://vc");
    assert_eq!(source.settings.password.as_ref().unwrap().reveal(), "p w");
    assert_eq!(source.owner.as_deref(), Some("acme"));
    assert_eq!(configuration.global.interval.as_secs(), 120);
    assert!(!configuration.global.debug);
    let airlock_virt_who::settings::Proxy::Environment { http, https, .. } = &source.settings.proxy
    else {
        panic!("no proxy");
    };
    assert!(http.is_none());
    assert_eq!(https.as_ref().unwrap().reveal(), "http://proxy:3128");
    let mut line = CommandLine::default();
    line.global.insert(
        "interval".to_owned(),
        ("300".to_owned(), "--interval".to_owned()),
    );
    let configuration = load(&Paths::below(root), &line, &environment);
    assert_eq!(configuration.global.interval.as_secs(), 300);
}

#[test]
fn nothing_at_all_means_the_local_libvirt_and_unusable_files_do_not() {
    use airlock_virt_who::config::{CommandLine, Environment, Paths, load};
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    let names = |line: &CommandLine| {
        let configuration = load(&Paths::below(root), line, &Environment::new());
        configuration
            .sources
            .iter()
            .map(|source| format!("{} {}", source.name, source.kind))
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&CommandLine::default()), ["cmdline libvirt"]);
    std::fs::create_dir_all(root.join("etc/virt-who.d")).unwrap();
    std::fs::write(root.join("etc/virt-who.d/a.conf"), "no header\n").unwrap();
    assert!(names(&CommandLine::default()).is_empty());
    // A later section of a name replaces an earlier one as a whole, and -c replaces the folder.
    let esx =
        |server: &str| format!("[x]\ntype=xen\nserver={server}\nusername=u\npassword=p\nowner=o\n");
    std::fs::write(root.join("etc/virt-who.d/a.conf"), esx("one")).unwrap();
    std::fs::write(
        root.join("etc/virt-who.d/b.conf"),
        esx("two").replace("username=u\n", ""),
    )
    .unwrap();
    assert!(
        names(&CommandLine::default()).is_empty(),
        "the later one has no user"
    );
    std::fs::write(root.join("other"), esx("three")).unwrap();
    let line = CommandLine {
        files: vec![root.join("other")],
        ..CommandLine::default()
    };
    assert_eq!(names(&line), ["x xen"]);
}

#[test]
fn the_old_choice_of_a_manager_is_kept() {
    use airlock_virt_who::config::{DestinationSettings, Paths, load};
    let scratch = tempfile::tempdir().unwrap();
    let environment = [
        ("VIRTWHO_SATELLITE5", "1"),
        ("VIRTWHO_SATELLITE_SERVER", "sat.example.com"),
        ("VIRTWHO_SATELLITE_USERNAME", "admin"),
        ("VIRTWHO_SATELLITE_PASSWORD", "p"),
        ("VIRTWHO_LIBVIRT", "1"),
        ("VIRTWHO_XEN", "1"),
        ("VIRTWHO_XEN_SERVER", "xen"),
        ("VIRTWHO_XEN_USERNAME", "root"),
        ("VIRTWHO_XEN_PASSWORD", "p"),
        ("VIRTWHO_NONSENSE", "1"),
    ];
    let environment = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let configuration = load(
        &Paths::below(scratch.path()),
        &Default::default(),
        &environment,
    );
    let source = configuration.source("env/cmdline").unwrap();
    assert_eq!((source.kind, source.manager.as_str()), ("xen", "satellite"));
    let DestinationSettings::Satellite5(to) = &source.destinations[0] else {
        panic!("not Satellite 5");
    };
    assert_eq!(to.server, "https://sat.example.com/XMLRPC");
    assert_eq!(source.destinations.len(), 1);
    let told: Vec<String> = configuration.told.iter().map(ToString::to_string).collect();
    assert!(
        told.iter()
            .any(|told| told.contains("VIRTWHO_NONSENSE means nothing")),
        "{told:?}"
    );
}

#[test]
fn rhsm_conf_says_where_candlepin_is_unless_the_section_does() {
    use airlock_virt_who::config::{DestinationSettings, Environment, Paths, load};
    use airlock_virt_who::settings::Proxy;
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    std::fs::create_dir_all(root.join("etc/rhsm")).unwrap();
    std::fs::create_dir_all(root.join("etc/virt-who.d")).unwrap();
    std::fs::write(
        root.join("etc/rhsm/rhsm.conf"),
        "[server]\nhostname = satellite.example.com\nprefix = /rhsm\nport = 8443\ninsecure = 0\nserver_timeout = 30\n\
         proxy_hostname = proxy.example.com\nproxy_port = 3129\nproxy_user = u\nproxy_password = p%40\n\
         [rhsm]\nca_cert_dir = /etc/rhsm/ca/\nrepo_ca_cert = %(ca_cert_dir)sredhat-uep.pem\nconsumerCertDir = /etc/pki/own\n",
    )
    .unwrap();
    std::fs::write(
        root.join("etc/virt-who.d/a.conf"),
        "[a]\ntype=xen\nserver=x\nusername=u\npassword=p\nowner=o\n\
         [b]\ntype=xen\nserver=x\nusername=u\npassword=p\nowner=o\nrhsm_hostname=2001:db8::1\nrhsm_port=\nrhsm_insecure=1\n",
    )
    .unwrap();
    let configuration = load(
        &Paths::below(root),
        &Default::default(),
        &Environment::new(),
    );
    let to = |name: &str| match &configuration.source(name).unwrap().destinations[0] {
        DestinationSettings::Candlepin(to) => to.clone(),
        _ => panic!("not Candlepin"),
    };
    let a = to("a");
    assert_eq!(a.base(), "https://satellite.example.com:8443/rhsm");
    assert!(!a.insecure, "virt-who took the text 0 for true");
    assert_eq!(a.timeout.as_secs(), 30);
    assert_eq!(a.ca, root.join("etc/rhsm/ca/"));
    assert_eq!(a.consumer, root.join("etc/pki/own"));
    let Proxy::Environment {
        https: Some(proxy), ..
    } = &a.proxy
    else {
        panic!("no proxy");
    };
    assert_eq!(proxy.reveal(), "http://u:p%2540@proxy.example.com:3129/");
    let b = to("b");
    assert_eq!(b.base(), "https://[2001:db8::1]:8443/rhsm");
    assert!(b.insecure);
    let told: Vec<String> = configuration.told.iter().map(ToString::to_string).collect();
    assert!(
        told.iter()
            .any(|told| told.contains("\"rhsm_port\" cannot be empty")),
        "{told:?}"
    );
}
