//! What `check` finds out about a configuration before it does harm: secrets in the wrong place, files that others can read,
//! filters that cannot work, what each filter keeps.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use airlock_virt_who::config::{CommandLine, Configuration, Environment, Paths, load};

use crate::vcsim::Center;

fn write(root: &Path, name: &str, mode: u32, text: &str) {
    let path = root.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn read(root: &Path, environment: &[(&str, &str)]) -> Configuration {
    let environment: Environment = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    load(&Paths::below(root), &CommandLine::default(), &environment)
}

/// Everything that is told about a configuration.
fn told(configuration: &Configuration) -> String {
    let dropped = configuration
        .dropped
        .iter()
        .flat_map(|dropped| &dropped.told);
    configuration
        .told
        .iter()
        .chain(dropped)
        .map(|told| format!("{told}\n"))
        .collect()
}

fn run(root: &Path, words: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_airlock-virt-who"))
        .env_clear()
        .arg("--root")
        .arg(root)
        .args(words)
        .output()
        .unwrap();
    format!(
        "{}{}",
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap()
    )
}

/// The texts of all files below a folder, with their names.
fn texts(folder: &Path, out: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            texts(&path, out);
        } else {
            out.push_str(&path.display().to_string());
            out.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn a_password_in_an_address_is_shown_nowhere() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    write(
        root,
        "etc/virt-who.d/a.conf",
        0o600,
        "[vc]\ntype=esx\nserver=https://user:s3cret@127.0.0.1:1/\nusername=u\npassword=p\nsat_server=https://admin:s3cret@127.0.0.1:1\nsat_username=a\nsat_password=p\n\
         [kvm]\ntype=libvirt\nserver=qemu+tls://root:s3cret@127.0.0.1:1/system\nowner=o\nrhsm_hostname=u:s3cret@127.0.0.1\nrhsm_username=u\nrhsm_password=p\n\
         [ahv]\ntype=ahv\nserver=u:s3cret@127.0.0.1:1\nusername=u\npassword=p\nairlock_server=http://u:s3cret@127.0.0.1:1\nairlock_token=t\n",
    );
    let checked = run(root, &["check"]);
    assert!(
        checked.contains("\"server\" holds a password, which is not used"),
        "{checked}"
    );
    assert!(
        checked.contains("qemu+tls://root@127.0.0.1:1/system"),
        "a user may stand in an address: {checked}"
    );
    for words in [
        ["check"].as_slice(),
        &["check", "--json"],
        &["check", "--connect"],
        &["status"],
        &["status", "--json"],
        &["--one-shot", "-d"],
    ] {
        let text = run(root, words);
        assert!(!text.contains("s3cret"), "{words:?}: {text}");
    }
    let mut state = String::new();
    texts(&root.join("var/lib/virt-who"), &mut state);
    assert!(!state.is_empty() && !state.contains("s3cret"), "{state}");
}

#[test]
fn files_with_secrets_that_others_can_read_are_named() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    write(root, "token", 0o640, "t\n");
    write(root, "password", 0o604, "p\n");
    write(
        root,
        "kube",
        0o644,
        "current-context: c\ncontexts:\n- name: c\n  context: {cluster: k, user: u}\nclusters:\n- name: k\n  cluster: {server: \"https://k\"}\nusers:\n- name: u\n  user: {tokenFile: kube-token}\n",
    );
    write(root, "kube-token", 0o640, "t\n");
    write(
        root,
        "etc/virt-who.d/a.conf",
        0o640,
        "[a]\ntype=fake\nfile=/a.json\nairlock_server=a\nairlock_token=t\n",
    );
    write(
        root,
        "etc/virt-who.d/b.conf",
        0o644,
        "# password=none\n[b]\ntype=xen\nserver=x\nusername=u\npassword_file=/password\nairlock_server=a\nairlock_token_file=/token\n[k]\ntype=kubevirt\nkubeconfig=/kube\nairlock_server=a\nairlock_token_file=/token\n",
    );
    write(
        root,
        "etc/virt-who.d/c.conf",
        0o644,
        "[c]\ntype=fake\nfile=/a.json\nowner=o\nproxy=http://user:p@proxy:3128\n",
    );
    let text = told(&read(root, &[]));
    for wanted in [
        "a.conf holds a password and can be read by its group (mode 0640); chmod 600 it",
        "c.conf holds a password and can be read by everybody (mode 0644)",
        "token holds a secret and can be read by its group (mode 0640)",
        "password holds a secret and can be read by everybody (mode 0604)",
        "kube holds a token or a key and can be read by everybody",
        "kube-token holds a token or a key and can be read by its group",
    ] {
        assert!(text.contains(wanted), "{wanted}:\n{text}");
    }
    assert!(
        !text.contains("b.conf holds"),
        "it only names files: {text}"
    );
    for name in ["token", "password", "kube", "kube-token"] {
        std::fs::set_permissions(root.join(name), std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    for name in ["a", "c"] {
        let path = root.join(format!("etc/virt-who.d/{name}.conf"));
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    assert!(!told(&read(root, &[])).contains("can be read by"));
}

#[test]
fn the_kubeconfig_is_the_environments_and_below_the_root() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    write(
        root,
        "etc/virt-who.d/a.conf",
        0o600,
        "[k]\ntype=kubevirt\nairlock_server=a\nairlock_token=t\n",
    );
    let missing = |environment: &[(&str, &str)]| told(&read(root, environment));
    let at = |path: &str| {
        format!(
            "Kubeconfig file was not found at {}",
            root.join(path).display()
        )
    };
    let text = missing(&[("HOME", "/home/me")]);
    assert!(text.contains(&at("home/me/.kube/config")), "{text}");
    let text = missing(&[("HOME", "/home/me"), ("KUBECONFIG", "/a/first:/b/second")]);
    assert!(text.contains(&at("a/first")), "{text}");
    write(
        root,
        "etc/sysconfig/virt-who",
        0o600,
        "KUBECONFIG=/from/sysconfig\n",
    );
    let text = missing(&[]);
    assert!(text.contains(&at("from/sysconfig")), "{text}");
}

#[test]
fn a_broken_expression_drops_its_section_and_no_host_is_shown_that_was_to_be_hidden() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    write(
        root,
        "etc/virt-who.d/a.conf",
        0o600,
        "[bad]\ntype=xen\nserver=x\nusername=u\npassword=p\nowner=o\nfilter_type=regex\nexclude_hosts=secret(\n\
         [wild]\ntype=xen\nserver=x\nusername=u\npassword=p\nowner=o\nfilter_type=wildcards\nexclude_hosts=secret(\n\
         [parents]\ntype=esx\nserver=x\nusername=u\npassword=p\nowner=o\nfilter_type=regex\nexclude_host_parents=domain-(\n\
         [unset]\ntype=xen\nserver=x\nusername=u\npassword=p\nowner=o\nexclude_hosts=*.example.com\n",
    );
    let configuration = read(root, &[]);
    let names: Vec<&str> = configuration
        .sources
        .iter()
        .map(|source| source.name.as_str())
        .collect();
    assert_eq!(names, ["unset", "wild"]);
    let text = told(&configuration);
    assert!(
        text.contains("the pattern \"secret(\" is no regular expression"),
        "{text}"
    );
    assert!(text.contains("\"domain-(\""), "{text}");
}

#[test]
fn check_connect_counts_what_each_item_of_a_filter_matches() {
    let center = Center::start();
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    write(
        root,
        "etc/virt-who.d/a.conf",
        0o600,
        &format!(
            "[vc]\ntype=esx\nserver={}\nusername=DOMAIN\\admin\npassword=p<&>w\nall_hosts=true\nhypervisor_id=hwuuid\nfilter_type=wildcards\n\
             exclude_host_parents=DC0_C*, domain-nowhere\nfilter_hosts=host-*, esx-of-old\nairlock_server=http://127.0.0.1:1\nairlock_token=t\n",
            center.url
        ),
    );
    let text = run(root, &["check", "--connect"]);
    for wanted in [
        "[vc] 4 hosts; 1 with",
        "    exclude_host_parents DC0_C*: 3 hosts\n",
        "    exclude_host_parents domain-nowhere: 0 hosts\n",
        "    warning: exclude_host_parents domain-nowhere matches nothing",
        "    filter_hosts host-*: 1 host\n",
        "    warning: filter_hosts esx-of-old matches nothing; is it written as hypervisor_id=hwuuid reports hosts?",
        "excluded by \"DC0_C*\"",
    ] {
        assert!(text.contains(wanted), "{wanted}:\n{text}");
    }
}

#[test]
fn check_says_where_global_values_and_those_of_rhsm_conf_come_from() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    write(
        root,
        "etc/rhsm/rhsm.conf",
        0o644,
        "[server]\nhostname = satellite.example.com\nport = 8443\nproxy_password = s3cret\n[rhsm]\nca_cert_dir = /etc/rhsm/ca\n",
    );
    write(
        root,
        "etc/virt-who.conf",
        0o600,
        "[global]\ninterval=600\nlog_dir=/logs\ndebug=true\n",
    );
    write(
        root,
        "etc/virt-who.d/a.conf",
        0o600,
        "[x]\ntype=xen\nserver=x\nusername=u\npassword=p\nowner=o\nrhsm_port=443\nrhsm_username=u\nrhsm_password=p\n",
    );
    let text = run(root, &["check"]).replace(&root.display().to_string(), "");
    for wanted in [
        "  /etc/rhsm/rhsm.conf: sections server, rhsm\n",
        "  interval = 600 s  (/etc/virt-who.conf:2)\n",
        "  log = /logs/rhsm.log  (/etc/virt-who.conf:3)\n",
        "  debug = true  (/etc/virt-who.conf:4)\n",
        "    rhsm_hostname = satellite.example.com  (/etc/rhsm/rhsm.conf:2)\n",
        "    rhsm_ca = /etc/rhsm/ca  (/etc/rhsm/rhsm.conf:6)\n",
        "    rhsm_port = 443  (/etc/virt-who.d/a.conf:7)\n",
    ] {
        assert!(text.contains(wanted), "{wanted}\n{text}");
    }
    assert!(text.contains("  reporter_id = ") && text.contains("  (default)\n"));
    assert!(!text.contains("s3cret"), "{text}");
    // One that is broken would send reports elsewhere, and retire what is where it was.
    std::fs::write(root.join("etc/rhsm/rhsm.conf"), "nonsense\n").unwrap();
    let text = run(root, &["check"]);
    assert!(text.contains("rhsm.conf: cannot be used"), "{text}");
}

#[test]
fn options_that_do_nothing_and_files_that_are_no_reports_are_told() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    write(root, "good.json", 0o600, "{\"hypervisors\":[]}");
    write(root, "bad.json", 0o600, "{\"hypervisors\":[");
    write(
        root,
        "etc/virt-who.d/a.conf",
        0o600,
        "[both]\ntype=fake\nfile=/good.json\nis_hypervisor=true\nowner=o\nsm_type=satellite\nsat_server=s\nsat_username=u\nsat_password=p\n\
         [bad]\ntype=fake\nfile=/bad.json\nis_hypervisor=true\nowner=o\n",
    );
    write(root, "etc/virt-who.conf", 0o600, "[global]\ninterval=600\n");
    write(
        root,
        "etc/sysconfig/virt-who",
        0o600,
        "VIRTWHO_INTERVAL=30\n",
    );
    let configuration = read(root, &[]);
    let text = told(&configuration);
    assert!(text.contains("[both] owner is not used"), "{text}");
    assert_eq!(configuration.source("both").unwrap().destinations.len(), 1);
    assert_eq!(configuration.dropped[0].name, "bad");
    assert!(text.contains("it is not properly formed"), "{text}");
    // Too short an interval of the environment leaves the file's alone.
    assert_eq!(configuration.global.interval.as_secs(), 600);
    assert!(text.contains("VIRTWHO_INTERVAL is below 60"), "{text}");
}
