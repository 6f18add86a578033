//! createrepo_c as the one who knows.

use std::path::Path;
use std::process::Command;

use airlock_testkit::programs::target;
use airlock_testkit::repos::Peer;
use serde_json::Value;

/// Runs the newest createrepo_c over a folder of packages.
pub fn createrepo(packages: &Path, out: &Path) {
    let output = Command::new(Peer::Newest.program("createrepo_c"))
        .args([
            "--quiet",
            "--no-database",
            "--changelog-limit=10",
            "--general-compress-type=zstd",
        ])
        .arg("--outputdir")
        .arg(out)
        .arg(packages)
        .output()
        .unwrap_or_else(|error| {
            panic!("createrepo_c: {error}; run scripts/test, which installs it")
        });
    assert!(
        output.status.success(),
        "createrepo_c: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// What createrepo_c's Python module reads from a repository: `packages`, `updates`, `records`.
pub fn read_repository(folder: &Path) -> Result<Value, String> {
    let output = Command::new(target().join("peers/bin/python"))
        .args(["-c", SCRIPT])
        .arg(folder)
        .output()
        .unwrap_or_else(|error| panic!("python3: {error}; run scripts/test, which installs it"));
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !stderr.contains("No module named"),
        "Python's createrepo_c is missing; run scripts/test, which installs it"
    );
    if !output.status.success() {
        return Err(stderr);
    }
    Ok(serde_json::from_slice(&output.stdout).unwrap())
}

const SCRIPT: &str = r#"
import json, os, sys
import createrepo_c as cr
folder = sys.argv[1]
md = cr.Repomd(os.path.join(folder, "repodata/repomd.xml"))
t = lambda x: x if x is not None else ""
records = [dict(kind=r.type, href=t(r.location_href), base=t(r.location_base), checksum=t(r.checksum), checksum_type=t(r.checksum_type),
    open_checksum=t(r.checksum_open), timestamp=r.timestamp, size=r.size, open_size=r.size_open, database_version=r.db_ver) for r in md.records]
path = {r.type: os.path.join(folder, r.location_href) for r in md.records}
dep = lambda l: [[t(d[0]), t(d[1]), t(d[2]), t(d[3]), t(d[4]), bool(d[5])] for d in l]
packages = []
if "primary" in path:
    it = cr.PackageIterator(primary_path=path["primary"], filelists_path=path.get("filelists"), other_path=path.get("other"), warningcb=lambda *a: True)
    for p in it:
        packages.append(dict(name=p.name, arch=t(p.arch), epoch=t(p.epoch), version=t(p.version), release=t(p.release), summary=t(p.summary),
            description=t(p.description), url=t(p.url), packager=t(p.rpm_packager), time_file=p.time_file, time_build=p.time_build,
            license=t(p.rpm_license), vendor=t(p.rpm_vendor), group=t(p.rpm_group), buildhost=t(p.rpm_buildhost), source_rpm=t(p.rpm_sourcerpm),
            header=[p.rpm_header_start, p.rpm_header_end], sizes=[p.size_package, p.size_installed, p.size_archive], href=t(p.location_href),
            base=t(p.location_base), checksum=t(p.pkgId), checksum_type=t(p.checksum_type),
            provides=dep(p.provides), requires=dep(p.requires), conflicts=dep(p.conflicts), obsoletes=dep(p.obsoletes), suggests=dep(p.suggests),
            enhances=dep(p.enhances), recommends=dep(p.recommends), supplements=dep(p.supplements),
            files=[[t(f[0]), (f[1] or "") + (f[2] or "")] for f in p.files], changes=[[t(c[0]), c[1], t(c[2])] for c in p.changelogs]))
updates = []
if "updateinfo" in path:
    for u in cr.UpdateInfo(path["updateinfo"]).updates:
        date = lambda d: str(d) if d is not None else ""
        updates.append(dict(id=t(u.id), title=t(u.title), kind=t(u.type), status=t(u.status), version=t(u.version), sender=t(u.fromstr),
            issued=date(u.issued_date), updated=date(u.updated_date), severity=t(u.severity), summary=t(u.summary), description=t(u.description),
            solution=t(u.solution), rights=t(u.rights), release=t(u.release), reboot=bool(u.reboot_suggested),
            references=[[t(r.href), t(r.id), t(r.type), t(r.title)] for r in u.references],
            collections=[dict(short=t(c.shortname), name=t(c.name),
                module=[t(c.module.name), t(c.module.stream), str(c.module.version), t(c.module.context), t(c.module.arch)] if c.module else [],
                packages=[[t(p.name), t(p.epoch), t(p.version), t(p.release), t(p.arch), t(p.src), t(p.filename), t(p.sum), bool(p.reboot_suggested),
                    bool(p.restart_suggested), bool(p.relogin_suggested)] for p in c.packages]) for c in u.collections]))
json.dump(dict(packages=packages, updates=updates, records=records, revision=t(md.revision), repo_tags=list(md.repo_tags), content_tags=list(md.content_tags),
    distro_tags=[[t(a), t(b)] for a, b in md.distro_tags]), sys.stdout)
"#;
