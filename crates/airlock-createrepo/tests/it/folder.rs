//! A scratch folder with packages, and looks at what was made of it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use airlock_createrepo::{Error, Options, Outcome, Reporter, run};
use airlock_repodata::compress::open_path;
use airlock_repodata::repomd::Repomd;
use airlock_repodata::{Limits, MetadataKind};
use airlock_testkit::rpms::Rpm;

pub struct Folder {
    scratch: tempfile::TempDir,
}

/// Keeps the warnings.
#[derive(Default)]
pub struct Heard(pub Mutex<Vec<String>>);

impl Reporter for Heard {
    fn warning(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
}

impl Folder {
    pub fn new() -> Self {
        Self {
            scratch: tempfile::tempdir().unwrap(),
        }
    }

    /// With packages `p0` … in the folder and below `sub`.
    pub fn with(count: usize) -> Self {
        let folder = Self::new();
        for number in 0..count {
            folder.add(number, "1");
        }
        folder
    }

    pub fn path(&self) -> &Path {
        self.scratch.path()
    }

    pub fn add(&self, number: usize, version: &str) -> PathBuf {
        let below = self
            .path()
            .join(if number.is_multiple_of(2) { "." } else { "sub" });
        fs::create_dir_all(&below).unwrap();
        let name = format!("p{number}");
        let path = below.join(format!("{name}.rpm"));
        let rpm = Rpm::new(&name, version, "1")
            .requires("libc.so.6()(64bit)")
            .provides(&format!("virtual({number}) = {version}"))
            .file(&format!("/usr/bin/{name}"), name.clone().into_bytes())
            .file(&format!("/usr/share/{name}/a&b"), Vec::new())
            .changelog(1_700_000_000, "A <a@example.com> - 1", "- one & <two>");
        fs::write(&path, rpm.bytes()).unwrap();
        path
    }

    pub fn options(&self) -> Options {
        Options::new(self.path())
    }

    pub fn run(&self, change: impl FnOnce(&mut Options)) -> Result<Outcome, Error> {
        self.run_heard(change).0
    }

    pub fn run_heard(
        &self,
        change: impl FnOnce(&mut Options),
    ) -> (Result<Outcome, Error>, Vec<String>) {
        let mut options = self.options();
        change(&mut options);
        let heard = Heard::default();
        let result = run(&options, &heard);
        (result, heard.0.into_inner().unwrap())
    }

    pub fn repomd(&self) -> Repomd {
        Repomd::parse(&fs::read(self.path().join("repodata/repomd.xml")).unwrap()).unwrap()
    }

    /// Opened bytes of the three files.
    pub fn opened(&self) -> BTreeMap<&'static str, String> {
        let repomd = self.repomd();
        [
            MetadataKind::Primary,
            MetadataKind::Filelists,
            MetadataKind::Other,
        ]
        .into_iter()
        .map(|kind| {
            let record = repomd.record(kind.name()).unwrap();
            let limits = Limits::default().with_open_size(record.open_size);
            let mut text = String::new();
            open_path(&self.path().join(&record.href), &limits)
                .unwrap()
                .read_to_string(&mut text)
                .unwrap();
            (kind.name(), text)
        })
        .collect()
    }

    /// Locations in primary, in order.
    pub fn locations(&self) -> Vec<String> {
        self.opened()["primary"]
            .split("<location ")
            .skip(1)
            .map(|rest| {
                let rest = rest.split_once("href=\"").unwrap().1;
                rest.split_once('"').unwrap().0.to_owned()
            })
            .collect()
    }

    /// Names in repodata, hidden ones left out.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.path().join("repodata"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !name.starts_with('.'))
            .collect();
        names.sort();
        names
    }

    pub fn primary(&self) -> PathBuf {
        self.path()
            .join(&self.repomd().record("primary").unwrap().href)
    }
}
