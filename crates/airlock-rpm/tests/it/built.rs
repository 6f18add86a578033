//! Real packages: built by rpmbuild from a spec that uses everything, and by the `rpm` crate.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

pub struct Built {
    _folder: TempDir,
    /// All packages, binary and source.
    pub files: Vec<PathBuf>,
}

impl Built {
    pub fn named(&self, start: &str) -> Vec<u8> {
        std::fs::read(self.path(start)).unwrap()
    }

    pub fn path(&self, start: &str) -> &Path {
        self.files
            .iter()
            .find(|path| {
                let name = path.file_name().unwrap().to_str().unwrap();
                name.starts_with(start)
            })
            .unwrap_or_else(|| panic!("no package {start}"))
    }
}

const EVERYTHING: &str = r#"
%global _invalid_encoding_terminates_build 0
%global _build_id_links none
%global debug_package %{nil}
%global __os_install_post %{nil}
Name: <<NAME>>
Epoch: 3
Version: 1.2~rc1^git5
Release: 4.el9
Summary: Uses every field – ünïcode
License: MIT AND Apache-2.0
Group: System Environment/Base
URL: https://example.org/?a=1&b=2
Vendor: Example <vendor>
Packager: Jane <jane@example.org>
Source0: one.txt
Requires: plain
Requires: versioned >= 1:2.0-3
Requires: older < 5
Requires: exact = 7.1
Requires(pre): needed-pre
Requires(post): needed-post
Requires(postun): needed-postun
Requires: (rich if (other and third))
Requires: ((a or b) with c)
Provides: virtual = 9
Provides: bundled(lib)
Conflicts: enemy <= 1
Conflicts: (foe unless friend)
Obsoletes: forebear < 1.0
Recommends: nice
Suggests: maybe > 1
Supplements: (this and that)
Enhances: those = 3:4
%description
Several lines

of "text" & <markup>.
%description -l de
Mehrere Zeilen
%package -n latin1<<V>>
Summary: caf<<E9>>
BuildArch: noarch
AutoReqProv: no
%description -n latin1<<V>>
na<<EF>>ve
%package nofiles
Summary: owns nothing
%description nofiles
nothing
%prep
%build
%install
mkdir -p %{buildroot}/etc/everything %{buildroot}/usr/share/doc/everything %{buildroot}/var/lib/everything/deep/er %{buildroot}/opt/latin1
echo config > %{buildroot}/etc/everything/main.conf
echo noreplace > %{buildroot}/etc/everything/user.conf
echo doc > %{buildroot}/usr/share/doc/everything/README
echo licence > %{buildroot}/usr/share/doc/everything/COPYING
ln -s ../main.conf %{buildroot}/etc/everything/link
echo a > %{buildroot}/var/lib/everything/deep/er/file
: > %{buildroot}/var/lib/everything/empty
echo x > "%{buildroot}/opt/latin1/with space"
echo x > %{buildroot}/opt/latin1/zażółć
%pre
exit 0
%post -p /bin/sh
exit 0
%files
%dir /etc/everything
%config /etc/everything/main.conf
%config(noreplace) %attr(0600,daemon,adm) /etc/everything/user.conf
%doc /usr/share/doc/everything/README
%license /usr/share/doc/everything/COPYING
/etc/everything/link
/var/lib/everything
%ghost /var/lib/everything/ghost.log
%verify(not md5 size mtime) /var/lib/everything/empty
%files -n latin1<<V>>
/opt/latin1
%files nofiles
%changelog
* Mon Mar 02 2026 Jane Doe <jane@example.org> - 1.2-4
- Newest <entry> & more
- Second line

* Sun Feb 01 2026 Old Hand <old@example.org> - 1.1-1
- Older

* Thu Jan 01 2026 First <first@example.org> - 1.0-1
- First
"#;

const NOSOURCE: &str = r"
Name: withheld
Version: 1
Release: 1
Summary: its source may not be given away
License: none
Source0: one.txt
NoSource: 0
BuildArch: noarch
%description
x
%files
";

/// All of them, built once for the whole run.
pub fn built() -> &'static Built {
    static BUILT: OnceLock<Built> = OnceLock::new();
    BUILT.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        rpmbuild(folder.path());
        with_the_crate(folder.path());
        let mut files = Vec::new();
        collect(folder.path(), &mut files);
        files.sort();
        Built {
            _folder: folder,
            files,
        }
    })
}

fn rpmbuild(folder: &Path) {
    let sources = folder.join("SOURCES");
    std::fs::create_dir_all(&sources).unwrap();
    std::fs::write(sources.join("one.txt"), "one\n").unwrap();
    // Every payload compression, and both old and new file digests.
    for (name, defines) in [
        ("everything", &["_binary_payload w3.zstdio"][..]),
        (
            "old",
            &[
                "_binary_payload w9.gzdio",
                "_binary_filedigest_algorithm 1",
                "_source_filedigest_algorithm 1",
            ],
        ),
        ("xz", &["_binary_payload w2.xzdio"]),
        ("plain", &["_binary_payload w.ufdio"]),
    ] {
        let variant = match name {
            "everything" => String::new(),
            _ => format!("-{name}"),
        };
        let mut spec = EVERYTHING.as_bytes().to_vec();
        for (from, to) in [
            ("<<NAME>>", name.as_bytes()),
            ("<<V>>", variant.as_bytes()),
            // ISO-8859-1, as in packages of long ago.
            ("<<E9>>", &[0xe9]),
            ("<<EF>>", &[0xef]),
        ] {
            spec = replace(&spec, from.as_bytes(), to);
        }
        run_rpmbuild(folder, name, &spec, defines);
    }
    run_rpmbuild(folder, "withheld", NOSOURCE.as_bytes(), &[]);
}

fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(from.len()).position(|window| window == from) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    out.extend_from_slice(rest);
    out
}

fn run_rpmbuild(folder: &Path, name: &str, spec: &[u8], defines: &[&str]) {
    let path = folder.join(format!("{name}.spec"));
    std::fs::write(&path, spec).unwrap();
    let mut command = Command::new("rpmbuild");
    command
        .args(["-ba", "--nodeps", "--quiet"])
        .arg("--define")
        .arg(format!("_topdir {}", folder.display()))
        .env("HOME", folder)
        .env("LC_ALL", "C.UTF-8");
    for define in defines {
        command.arg("--define").arg(define);
    }
    let output = command
        .arg(&path)
        .output()
        .expect("rpmbuild is needed: run scripts/test");
    assert!(
        output.status.success(),
        "{name}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn with_the_crate(folder: &Path) {
    let file = folder.join("content");
    std::fs::write(&file, "content\n").unwrap();
    for (name, compression) in [
        ("crate-gzip", rpm::CompressionType::Gzip),
        ("crate-zstd", rpm::CompressionType::Zstd),
    ] {
        let config = rpm::BuildConfig::default().compression(compression);
        let package = rpm::PackageBuilder::new(name, "1.0", "MIT", "x86_64", "made by the crate")
            .using_config(config)
            .epoch(2)
            .release("7")
            .with_file(
                &file,
                rpm::FileOptions::new("/etc/crate/content.conf").config(),
            )
            .unwrap()
            .with_file(
                &file,
                rpm::FileOptions::new("/usr/bin/crate").permissions(0o755),
            )
            .unwrap()
            .requires(rpm::Dependency::greater_eq("wget", "1.0"))
            .provides(rpm::Dependency::any("made-up"))
            .conflicts(rpm::Dependency::less("enemy", "2"))
            .add_changelog_entry("A <a@example.org> - 1.0-7", "- made", 1_700_000_000_u32)
            .build()
            .unwrap();
        package
            .write_file(folder.join(format!("{name}.rpm")))
            .unwrap();
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|end| end == "rpm") {
            files.push(path);
        }
    }
}
