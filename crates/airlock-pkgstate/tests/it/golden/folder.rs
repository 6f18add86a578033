//! The folder of cases, and the scratch places that stand for `/srv`.
#![allow(dead_code, reason = "a section uses what it needs")]

use std::path::{Path, PathBuf};

use airlock_testkit::http::HttpServer;
use airlock_testkit::rpms::Rpm;
use serde_json::Value;
use tempfile::TempDir;

/// A folder of cases.
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The one that `AIRLOCK_BCFG2_CASES` names, else the copy in the tree.
    pub fn open() -> Self {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/bcfg2");
        let root = std::env::var_os("AIRLOCK_BCFG2_CASES").map_or(own, PathBuf::from);
        // Tests run in the crate's folder; who names another one stands at the top of the tree.
        let top = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(&root);
        let root = if root.exists() { root } else { top };
        let root = root
            .canonicalize()
            .unwrap_or_else(|error| panic!("{}: {error}", root.display()));
        Self { root }
    }

    pub fn path(&self, part: &str) -> PathBuf {
        self.root.join(part)
    }

    pub fn text(&self, part: &str) -> String {
        let path = self.path(part);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub fn json(&self, part: &str) -> Value {
        serde_json::from_str(&self.text(part)).unwrap_or_else(|error| panic!("{part}: {error}"))
    }

    /// The files of a folder whose names end so, sorted.
    pub fn files(&self, part: &str, ending: &str) -> Vec<PathBuf> {
        files(&self.path(part), ending)
    }
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries =
        std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.to_string_lossy().ends_with(ending));
    files.sort();
    files
}

/// Where the cases ran, and what stands for it here. Nothing is written under `/srv`.
pub struct Scratch {
    /// Removed when dropped.
    folder: TempDir,
    server: HttpServer,
    /// What the cases say, and what it is here; longer ones first.
    places: Vec<(String, String)>,
}

/// The address that the repository of the cases was served at.
pub const ADDRESS: &str = "http://127.0.0.1:18765";

impl Scratch {
    /// Builds `/srv/gen` as the README of the data says and serves the repository.
    pub fn new(folder: &Folder) -> Self {
        let scratch = TempDir::new().unwrap();
        let server = HttpServer::serve(folder.path(""));
        generated(folder, &scratch.path().join("gen"));
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let places = vec![
            ("/srv/rpms".to_owned(), text(&folder.path("rpms"))),
            ("/srv/gen".to_owned(), text(&scratch.path().join("gen"))),
            (ADDRESS.to_owned(), server.url()),
            // As the old library cut it from its messages.
            (
                ADDRESS.replace("http:", ""),
                server.url().replace("http:", ""),
            ),
        ];
        Self {
            folder: scratch,
            server,
            places,
        }
    }

    /// A further name that stands for a path here.
    pub fn place(&mut self, said: impl Into<String>, here: impl Into<String>) {
        self.places.push((said.into(), here.into()));
        self.places
            .sort_by_key(|(said, _)| std::cmp::Reverse(said.len()));
    }

    /// A folder of one's own for a case.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The server of the repository.
    pub fn server(&self) -> &HttpServer {
        &self.server
    }

    /// What a case says, as it is here.
    pub fn to_here(&self, text: &str) -> String {
        self.places
            .iter()
            .fold(text.to_owned(), |text, (said, here)| {
                text.replace(said, here)
            })
    }

    /// What was said here, as the case says it.
    pub fn to_case(&self, text: &str) -> String {
        self.places
            .iter()
            .fold(text.to_owned(), |text, (said, here)| {
                text.replace(here, said)
            })
    }
}

/// `/srv/gen`: copies of packages in folders, and a package of an architecture that the old programs did not know. A
/// folder of cases may bring a `gen` of its own.
fn generated(folder: &Folder, gen_folder: &Path) {
    let brought = folder.path("gen");
    let rpms = folder.path("rpms");
    let put = |to: &str, wanted: &dyn Fn(&str) -> bool| {
        let to = gen_folder.join(to);
        std::fs::create_dir_all(&to).unwrap();
        for file in files(&rpms, ".rpm") {
            let name = file.file_name().unwrap().to_str().unwrap();
            if wanted(name) {
                std::fs::copy(&file, to.join(name)).unwrap();
            }
        }
    };
    if rpms.is_dir() {
        let all = [
            "alpha-",
            "beta-",
            "gamma-",
            "multi-",
            "needs-",
            "kernel-5.0",
            "kernel-5.1",
        ];
        put("all", &|name| {
            all.iter().any(|start| name.starts_with(start))
        });
        put("subarch", &|name| name.starts_with("subarch-"));
        put("exotic", &|name| {
            name.starts_with("alpha-1.0-") || name.ends_with(".aarch64.rpm")
        });
        let exotic = gen_folder.join("exotic");
        if files(&exotic, ".aarch64.rpm").is_empty() {
            Rpm::new("exotic", "1.0", "1")
                .arch("aarch64")
                .write_to(&exotic);
        }
    }
    if brought.is_dir() {
        for inner in files(&brought, "") {
            let to = gen_folder.join(inner.file_name().unwrap());
            std::fs::create_dir_all(&to).unwrap();
            for file in files(&inner, ".rpm") {
                std::fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
            }
        }
    }
}
