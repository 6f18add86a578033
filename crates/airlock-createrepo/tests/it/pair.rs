//! The same folder twice, once for createrepo_c and once for ours, and what their metadata means.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::{self, File, FileTimes};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, SystemTime};

use airlock_createrepo::cli;
use airlock_repodata::cut::PackageCutter;
use airlock_repodata::repomd::{Repomd, Tags};
use airlock_repodata::{Limits, MetadataKind, compress, filelists, other, primary};
use airlock_testkit::repos::Peer;
use airlock_testkit::rpms::Rpm;

/// Two folders with the same in them.
pub struct Pair {
    scratch: tempfile::TempDir,
    /// Options that both always get.
    always: Vec<&'static str>,
}

/// What a folder's metadata means, as far as both can agree: not the instant, not the bytes.
#[derive(Debug, PartialEq)]
pub struct Seen {
    /// File names without checksums.
    pub names: BTreeSet<String>,
    pub revision: Option<String>,
    pub tags: Tags,
    pub records: Vec<SeenRecord>,
    /// Each package by location and base: primary, filelists, other.
    pub packages: BTreeMap<String, [String; 3]>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeenRecord {
    pub kind: String,
    pub href: String,
    pub checksum: String,
    pub open_checksum: Option<String>,
    pub timestamp: Option<i64>,
    pub format: String,
}

pub const WHO: [&str; 2] = ["theirs", "ours"];

impl Pair {
    /// Packages in the folder and in `sub`, with long changelogs; a link; a comps file; something that is no package.
    pub fn new() -> Self {
        let pair = Self {
            scratch: tempfile::tempdir().unwrap(),
            always: vec!["-q"],
        };
        for number in 0..4 {
            let below = if number % 2 == 0 { "." } else { "sub" };
            let name = format!("p{number}");
            let mut rpm = Rpm::new(&name, "1", "1")
                .requires("libc.so.6()(64bit)")
                .file(&format!("/usr/bin/{name}"), name.clone().into_bytes())
                .file(&format!("/usr/share/{name}/data"), Vec::new());
            for entry in 0..14 {
                let text = format!("- change {entry}");
                rpm = rpm.changelog(
                    1_700_000_000 - entry * 86_400,
                    "A <a@example.com> - 1",
                    &text,
                );
            }
            pair.put(&format!("{below}/{name}.rpm"), &rpm.bytes());
        }
        pair.put("comps.xml", b"<comps></comps>");
        pair.put("notes.txt", b"no package");
        for who in WHO {
            let link = pair.folder(who).join("link.rpm");
            std::os::unix::fs::symlink("p0.rpm", link).unwrap();
        }
        pair
    }

    pub fn folder(&self, who: &str) -> std::path::PathBuf {
        let folder = self.scratch.path().join(who).join("repository");
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// The same file with the same times for both.
    pub fn put(&self, path: &str, bytes: &[u8]) {
        for who in WHO {
            let path = self.folder(who).join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, bytes).unwrap();
            set_time(&path, 1_700_000_000);
        }
    }

    /// Runs both; `DIR` in a word is the folder, `UP` the one above. Gives whether they succeeded.
    pub fn run(&self, words: &[&str]) -> bool {
        let words = |who| -> Vec<OsString> {
            let folder = self.folder(who);
            let up = folder.parent().unwrap();
            self.always
                .iter()
                .chain(words)
                .map(|word| {
                    // One or the other: the path put in may have these letters in it, too.
                    let (mark, path) = match word.contains("DIR") {
                        true => ("DIR", &*folder),
                        false => ("UP", up),
                    };
                    word.replace(mark, path.to_str().unwrap()).into()
                })
                .collect()
        };
        let theirs = Command::new(Peer::Newest.program("createrepo_c"))
            .args(words("theirs"))
            .output()
            .unwrap();
        let ours = cli::main(std::iter::once("createrepo_c".into()).chain(words("ours")));
        let ours = ours == ExitCode::SUCCESS;
        assert_eq!(ours, theirs.status.success(), "{theirs:?}");
        ours
    }

    /// Runs both and compares.
    #[track_caller]
    pub fn same(&self, words: &[&str]) -> Seen {
        assert!(self.run(words), "{words:?}");
        self.same_seen(words, ".")
    }

    #[track_caller]
    pub fn same_seen(&self, words: &[&str], below: &str) -> Seen {
        let timestamps = words.contains(&"--set-timestamp-to-revision");
        let [theirs, ours] = WHO.map(|who| see(&self.folder(who).join(below), timestamps));
        assert_eq!(theirs.names, ours.names, "{words:?}");
        assert_eq!(theirs.records, ours.records, "{words:?}");
        let places = |seen: &Seen| seen.packages.keys().cloned().collect::<Vec<_>>();
        assert_eq!(places(&theirs), places(&ours), "{words:?}");
        assert_eq!(theirs, ours, "{words:?}");
        ours
    }
}

pub fn set_time(path: &Path, seconds: u64) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    File::options()
        .append(true)
        .open(path)
        .and_then(|file| file.set_times(FileTimes::new().set_modified(time)))
        .unwrap();
}

/// A name without the checksum before it.
pub fn plain(name: &str) -> String {
    match name.split_once('-') {
        Some((sum, rest)) if sum.len() >= 32 => rest.to_owned(),
        _ => name.to_owned(),
    }
}

pub fn see(folder: &Path, timestamps: bool) -> Seen {
    let repodata = folder.join("repodata");
    let repomd = Repomd::parse(&fs::read(repodata.join("repomd.xml")).unwrap()).unwrap();
    let names = fs::read_dir(&repodata)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.'))
        .map(|name| plain(&name))
        .collect();
    let mut records: Vec<SeenRecord> = repomd
        .records
        .iter()
        .map(|record| {
            let bytes = fs::read(folder.join(&record.href)).unwrap();
            assert_eq!(record.size, Some(bytes.len() as u64), "{record:?}");
            SeenRecord {
                kind: record.kind.clone(),
                href: plain(record.href.strip_prefix("repodata/").unwrap()),
                checksum: record.checksum.kind.clone(),
                open_checksum: record.open_checksum.as_ref().map(|sum| sum.kind.clone()),
                timestamp: record.timestamp.filter(|_| timestamps),
                format: compress::Format::of(&bytes).to_string(),
            }
        })
        .collect();
    records.sort();
    let mut by_id: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for kind in [MetadataKind::Filelists, MetadataKind::Other] {
        each(folder, &repomd, kind, |id, fragment| {
            let text = match kind {
                MetadataKind::Filelists => format!("{:#?}", filelists::parse(fragment).unwrap()),
                _ => format!("{:#?}", other::parse(fragment).unwrap()),
            };
            by_id
                .entry(format!("{} {id}", kind.name()))
                .or_default()
                .push(text);
        });
    }
    let mut packages = BTreeMap::new();
    each(folder, &repomd, MetadataKind::Primary, |_, fragment| {
        let package = primary::parse(fragment).unwrap();
        let summary = primary::summarize(fragment).unwrap();
        let place = format!("{} {:?}", summary.href, summary.xml_base);
        let text = |kind: &str| by_id[&format!("{kind} {}", summary.checksum)][0].clone();
        packages.insert(
            place,
            [format!("{package:#?}"), text("filelists"), text("other")],
        );
    });
    Seen {
        names,
        revision: repomd.revision.clone().filter(|text| text.len() < 10),
        tags: repomd.tags,
        records,
        packages,
    }
}

fn each(folder: &Path, repomd: &Repomd, kind: MetadataKind, mut take: impl FnMut(&str, &[u8])) {
    let path = folder.join(&repomd.record(kind.name()).unwrap().href);
    let opened = compress::open_path(&path, &Limits::default()).unwrap();
    let mut cutter = PackageCutter::new(kind, opened, Limits::default()).unwrap();
    while let Some(fragment) = cutter.next_package().unwrap() {
        take(fragment.pkgid(), fragment.bytes());
    }
}
