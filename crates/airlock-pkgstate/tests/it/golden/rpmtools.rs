//! What the functions of rpmtools gave for a root with damage: the list of packages, what differs, and the lines.
//!
//! The root is made by the real rpm from the packages of the folder, and damaged as the results say.

use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use airlock_pkgstate::verify::{
    Checks, DependencyFinding, HeaderFinding, Machine, PackageFindings, rpm_lines,
};
use airlock_rpm::db::Installed;
use airlock_rpm::signature::Verdict;
use serde_json::{Value, json};

use super::{Folder, Report};

const INSTALLED: [&str; 5] = [
    "alpha-1.0-1.noarch.rpm",
    "beta-1.0-1.noarch.rpm",
    "needs-1.0-1.noarch.rpm",
    "odd-1.0-1.noarch.rpm",
    "signed-1.0-1.noarch.rpm",
];

pub fn run(folder: &Folder, report: &mut Report) {
    let golden = folder.json("rpmtools-results.json");
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    install(folder, root);
    report.case("rpmpackagelist", |compare| {
        let mut list: Vec<Value> = packages(root).iter().map(listed).collect();
        list.sort_by_key(|package| package["name"].as_str().unwrap().to_owned());
        compare.member("list", golden["rpmpackagelist"].clone(), list);
    });
    damage(root);
    let checks = Checks::without(["nodeps", "nocaps", "noghost", "nosignature"]).unwrap();
    for (name, expected) in golden["verify"].as_object().unwrap() {
        report.case(&format!("verify-{}", name.replace(' ', "-")), |compare| {
            let (package, checks) = match name.strip_suffix(" (no flags)") {
                Some(package) => (
                    package,
                    Checks::without(["nodeps", "nocaps", "nofiles"]).unwrap(),
                ),
                None => (name.as_str(), checks),
            };
            let found = verify(root, package, &checks);
            if let Some(raised) = expected.get("raises") {
                compare.member("raises", raised.clone(), header(&found.1));
                return;
            }
            let lines: Vec<String> = rpm_lines(&found.1)
                .into_iter()
                .map(|line| String::from_utf8(line).unwrap())
                .collect();
            // The old program knew no capabilities: eight columns.
            let eight: Vec<String> = lines
                .iter()
                .map(|line| match line.strip_prefix("missing  ") {
                    Some(rest) => format!("missing  {rest}"),
                    None => format!("{}{}", &line[..8], &line[9..]),
                })
                .collect();
            compare.member("result", expected["result"].clone(), vec![result(&found)]);
            compare.member("display", expected["display"].clone(), eight);
            compare.member("rpm -V", expected["rpm -V"].clone(), lines);
        });
    }
    report.case("verify_flags_all_no", |compare| {
        let words = [
            "nodeps",
            "nodigest",
            "nofiles",
            "noscripts",
            "nosignature",
            "nolinkto",
            "nomd5",
            "nosize",
            "nouser",
            "nogroup",
            "nomtime",
            "nomode",
            "nordev",
        ];
        let none = Checks::without(words).unwrap();
        let machine = Machine::open(root, None).unwrap();
        let found: Vec<Value> = packages(root)
            .iter()
            .filter(|installed| !machine.verify(installed, &none).is_good())
            .map(|installed| json!(installed.number()))
            .collect();
        compare.member("result", golden["verify_flags_all_no"].clone(), found);
    });
    rpm(root, &["-e", "--nodeps", "alpha"]);
    report.case("deps", |compare| {
        let only = Checks::without(["nofiles", "nodigest", "nosignature"]).unwrap();
        let found = verify(root, "needs", &only);
        let deps: Vec<Value> = found
            .1
            .dependencies
            .iter()
            .map(|one| dependency(&found.0, one))
            .collect();
        let result = json!({"deps": deps, "nevra": nevra(&found.0)});
        compare.member("result", golden["deps"].clone(), vec![result]);
    });
}

fn rpm(root: &Path, arguments: &[&str]) {
    let output = Command::new("rpm")
        .arg("--root")
        .arg(root)
        .args(arguments)
        .env("HOME", "/root")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "rpm {arguments:?}: {said}");
}

fn install(folder: &Folder, root: &Path) {
    let files: Vec<PathBuf> = INSTALLED
        .iter()
        .map(|name| folder.path("rpms").join(name))
        .collect();
    let mut arguments = vec!["-i", "--nodeps"];
    arguments.extend(files.iter().map(|file| file.to_str().unwrap()));
    rpm(root, &arguments);
    // Not the key that signed `signed`.
    let key = folder.path("rpms/KEY-second");
    rpm(root, &["--import", key.to_str().unwrap()]);
}

fn damage(root: &Path) {
    let at = |path: &str| root.join("opt/bt").join(path);
    let mode = |path: &str, mode: u32| {
        std::fs::set_permissions(at(path), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    for changed in ["odd/LICENSE", "alpha/README", "alpha/etc.conf"] {
        std::fs::write(at(changed), "changed, and longer than it was\n").unwrap();
    }
    mode("odd/dir", 0o700);
    mode("odd/target", 0o600);
    std::fs::remove_file(at("odd/link")).unwrap();
    symlink("elsewhere", at("odd/link")).unwrap();
    chown(at("odd/noverify"), Some(4711), Some(4711)).unwrap();
    std::fs::remove_file(at("alpha/data")).unwrap();
    std::fs::remove_file(at("needs/data")).unwrap();
    symlink("etc.conf", at("needs/data")).unwrap();
    let file = std::fs::File::options()
        .write(true)
        .open(at("signed/data"))
        .unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    std::fs::remove_file(at("beta/README")).unwrap();
    let made = Command::new("mknod")
        .args(["-m", "644"])
        .arg(at("beta/README"))
        .args(["c", "1", "3"])
        .status()
        .unwrap();
    assert!(made.success());
    mode("beta/data", 0o600);
}

fn packages(root: &Path) -> Vec<Installed> {
    let machine = Machine::open(root, None).unwrap();
    let packages = machine.database().packages().unwrap();
    packages.into_iter().map(Result::unwrap).collect()
}

fn verify(root: &Path, name: &str, checks: &Checks) -> (Installed, PackageFindings) {
    let machine = Machine::open(root, None).unwrap();
    let installed = packages(root)
        .into_iter()
        .find(|one| one.name() == name.as_bytes())
        .unwrap();
    let findings = machine.verify(&installed, checks);
    (installed, findings)
}

fn nevra(installed: &Installed) -> Value {
    let package = installed.package().unwrap();
    json!([
        package.name(),
        package.epoch(),
        package.version(),
        package.release(),
        package.arch()
    ])
}

/// The last word of the printed signature, as the old program took it.
fn listed(installed: &Installed) -> Value {
    let package = installed.package().unwrap();
    let arch = installed.arch().map(|arch| String::from_utf8_lossy(arch));
    let key = installed
        .key_id()
        .map_or("None".to_owned(), |id| id.to_string());
    json!({
        "name": package.name(),
        "epoch": package.epoch(),
        "version": package.version(),
        "release": package.release(),
        "arch": arch,
        "gpgkeyid": key,
    })
}

fn result((installed, findings): &(Installed, PackageFindings)) -> Value {
    let files: Vec<Value> = findings
        .files
        .iter()
        .map(|file| {
            let mut words: Vec<String> = file
                .problems
                .names()
                .into_iter()
                .map(str::to_owned)
                .collect();
            words.push(file.kind().to_string());
            words.push(String::from_utf8(file.path.clone()).unwrap());
            json!(words)
        })
        .collect();
    json!({"files": files, "nevra": nevra(installed)})
}

fn header(findings: &PackageFindings) -> Value {
    let words: Vec<String> = findings
        .header
        .iter()
        .map(|finding| match finding {
            HeaderFinding::Signature {
                verdict: Verdict::UnknownKey { key_id: Some(id) },
            } => format!("finding: unknown key {id}"),
            other => format!("{other:?}"),
        })
        .collect();
    json!(words.join("; "))
}

fn dependency(installed: &Installed, one: &DependencyFinding) -> Value {
    let package = installed.package().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    json!([
        [package.name(), package.version(), package.release()],
        [text(&one.name), text(&one.evr)],
        one.flags & 0xf,
        null,
        0
    ])
}
