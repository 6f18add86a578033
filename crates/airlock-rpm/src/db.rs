//! The databases of installed packages: sqlite, ndb and Berkeley DB, read without librpm.
//!
//! Nothing is written and no lock is taken, so a running rpm is neither disturbed nor waited for. In return what was
//! read has to be checked afterwards: [`Database::read`] does, and reads again when the database changed meanwhile.
//!
//! ```no_run
//! use std::path::Path;
//! use airlock_rpm::db::Database;
//!
//! let database = Database::open(Path::new("/"), None)?;
//! for installed in database.packages()? {
//!     let installed = installed?; // one broken record does not hide the others
//!     let package = installed.package()?;
//!     println!("{} {}", installed.number(), package.nevra());
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - [`Database::open`] finds the database of a root (or in a `--dbpath`); [`Database::at`] takes a known file.
//! - [`Database::packages`] gives all packages at once, [`Database::keys`] the imported keys, [`Database::read`] a
//!   [`Snapshot`] for work that does not want all headers in memory: [`Snapshot::numbers`], [`Snapshot::cursor`],
//!   [`Cursor::load`], and [`Snapshot::is_current`] to ask whether it still holds.
//! - [`Installed`] is one package: its number in the database, its validated header, and what rpm added to it.

mod bdb;
mod error;
mod installed;
mod location;
mod lock;
mod ndb;
mod source;
mod sqlite;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use error::{Error, Result};
pub use installed::{FileState, Installed, InstalledSignature};
pub use location::{Location, locate};

use crate::header::{Header, HeaderRole};
use crate::signature::KeyRing;
use source::Windows;

/// Magic of a header, which databases leave out.
const HEADER_MAGIC: [u8; 8] = [0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0];
/// Room for it in front of every record that is read.
const BLOB_LEAD: usize = HEADER_MAGIC.len();
/// The largest record: the bounds of a header.
const LONGEST_BLOB: u64 = 8
    + crate::header::MAXIMUM_ENTRIES as u64 * crate::header::ENTRY_LENGTH as u64
    + crate::header::MAXIMUM_DATA as u64;
/// How often a database that changes is read anew, and how long is waited in between.
const ATTEMPTS: u32 = 8;
const PAUSE: Duration = Duration::from_millis(60);

/// Which kind of database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `rpmdb.sqlite`: rpm 4.16 and later.
    Sqlite,
    /// `Packages.db`: SUSE.
    Ndb,
    /// `Packages`: rpm up to 4.15.
    BerkeleyDb,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "sqlite",
            Self::Ndb => "ndb",
            Self::BerkeleyDb => "Berkeley DB",
        })
    }
}

/// A database of installed packages: where it is. Its contents are looked at by [`Database::read`].
#[derive(Debug, Clone)]
pub struct Database {
    location: Location,
}

impl Database {
    /// Finds the database of a root; see [`locate`]. `/` is the running system. The home of this process is looked
    /// into as well.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn open(root: &Path, dbpath: Option<&Path>) -> Result<Self> {
        let home = std::env::var_os("HOME").map(PathBuf::from);
        let location = locate(root, dbpath, home.as_deref())?;
        Ok(Self { location })
    }

    /// Takes a known file.
    pub fn at(kind: Kind, file: &Path) -> Self {
        Self {
            location: Location {
                kind,
                file: file.to_owned(),
                others: Vec::new(),
            },
        }
    }

    /// Where it is, and what lies beside it.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Takes the state as of now.
    ///
    /// # Errors
    /// As of [`Error`]: unreadable, damaged, not supported, being changed.
    pub fn snapshot(&self) -> Result<Snapshot> {
        Snapshot::take(&self.location)
    }

    /// Works on one state of the database. When the database changed meanwhile, the result is thrown away and `work`
    /// called again on the new state, a few times.
    ///
    /// # Errors
    /// What `work` gives, or [`Error::Busy`] when the database does not come to rest.
    pub fn read<T, E: From<Error>>(
        &self,
        mut work: impl FnMut(&Snapshot) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let mut attempt = 1;
        loop {
            let (outcome, held) = match self.snapshot() {
                Ok(snapshot) => {
                    let outcome = work(&snapshot);
                    let held = snapshot.is_current();
                    (outcome, held)
                }
                Err(error) => {
                    // Damage may be what a change looks like halfway; being busy certainly is.
                    let again = matches!(error, Error::Busy { .. } | Error::Damaged { .. });
                    if !again || attempt >= ATTEMPTS.min(3) {
                        return Err(error.into());
                    }
                    attempt += 1;
                    std::thread::sleep(PAUSE);
                    continue;
                }
            };
            match held {
                Ok(true) => return outcome,
                Ok(false) | Err(Error::Busy { .. }) if attempt < ATTEMPTS => {
                    attempt += 1;
                    std::thread::sleep(PAUSE);
                }
                Ok(false) => {
                    return Err(Error::Busy {
                        path: self.location.file.clone(),
                        why: "it changed each time that it was read",
                    }
                    .into());
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// All installed packages, in the order in which rpm lists them. A record that holds no sound header is an error
    /// of its own; the others are there all the same.
    ///
    /// # Errors
    /// When the database as a whole cannot be read.
    pub fn packages(&self) -> Result<Vec<Result<Installed>>> {
        self.read(|snapshot| {
            let mut cursor = snapshot.cursor();
            let mut packages = Vec::with_capacity(snapshot.numbers().len());
            for position in 0..snapshot.numbers().len() {
                match cursor.load_at(position) {
                    Err(error @ Error::Record { .. }) => packages.push(Err(error)),
                    other => packages.push(Ok(other?)),
                }
            }
            Ok(packages)
        })
    }

    /// The keys that were imported (`gpg-pubkey`). What cannot be read of them is in [`KeyRing::problems`].
    ///
    /// # Errors
    /// When the database as a whole cannot be read.
    pub fn keys(&self) -> Result<KeyRing> {
        self.read(|snapshot| {
            let mut ring = KeyRing::default();
            let mut cursor = snapshot.cursor();
            for position in 0..snapshot.numbers().len() {
                match cursor.load_at(position) {
                    Ok(installed) => installed.add_key_to(&mut ring),
                    Err(Error::Record { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(ring)
        })
    }
}

/// Where a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    number: u32,
    /// Page, or byte offset, that it starts at.
    page: u64,
    /// Where on the page.
    item: u32,
    length: u32,
}

/// One state of a database: which packages it holds and where their headers lie.
///
/// What is read through it belongs to that state only as long as [`Snapshot::is_current`] says so.
#[derive(Debug)]
pub struct Snapshot {
    store: Store,
    places: Vec<Place>,
    numbers: Vec<u32>,
}

#[derive(Debug)]
enum Store {
    Sqlite(Box<sqlite::Sqlite>),
    Ndb(ndb::Ndb),
    Bdb(bdb::Bdb),
}

impl Snapshot {
    fn take(location: &Location) -> Result<Self> {
        let open = || {
            Ok(match location.kind {
                Kind::Sqlite => Store::Sqlite(Box::new(sqlite::Sqlite::open(&location.file)?)),
                Kind::Ndb => Store::Ndb(ndb::Ndb::open(&location.file)?),
                Kind::BerkeleyDb => Store::Bdb(bdb::Bdb::open(&location.file)?),
            })
        };
        let mut store = open()?;
        // A file that was written a moment ago could be written again within the same tick of its clock, and would
        // look unchanged.
        if let Some(rest) = store.settles_in() {
            std::thread::sleep(rest);
            store = open()?;
        }
        Self::index(store)
    }

    /// Reads a database from memory; `log` is the write-ahead log of a sqlite database.
    ///
    /// # Errors
    /// [`Error::Damaged`] and [`Error::Unsupported`].
    pub fn of_bytes(kind: Kind, bytes: Vec<u8>, log: Option<Vec<u8>>) -> Result<Self> {
        Self::index(match kind {
            Kind::Sqlite => Store::Sqlite(Box::new(sqlite::Sqlite::memory(bytes, log)?)),
            Kind::Ndb => Store::Ndb(ndb::Ndb::memory(bytes)?),
            Kind::BerkeleyDb => Store::Bdb(bdb::Bdb::memory(bytes)?),
        })
    }

    fn index(store: Store) -> Result<Self> {
        let mut windows = Windows::default();
        let places = match &store {
            Store::Sqlite(store) => store.index(&mut windows),
            Store::Ndb(store) => store.index(&mut windows),
            Store::Bdb(store) => store.index(&mut windows),
        }?;
        Ok(Self {
            numbers: places.iter().map(|place| place.number).collect(),
            store,
            places,
        })
    }

    /// The numbers of all packages, in the order in which rpm lists them.
    pub fn numbers(&self) -> &[u32] {
        &self.numbers
    }

    /// A reader of headers. Each thread takes one of its own.
    pub fn cursor(&self) -> Cursor<'_> {
        Cursor {
            snapshot: self,
            windows: Windows::default(),
        }
    }

    /// True while everything that was read through it belongs to one state of the database.
    ///
    /// # Errors
    /// [`Error::Io`], and [`Error::Busy`] where a lock says that the database is being changed.
    pub fn is_current(&self) -> Result<bool> {
        match &self.store {
            Store::Sqlite(store) => store.unchanged(),
            Store::Ndb(store) => store.unchanged(),
            Store::Bdb(store) => store.unchanged(),
        }
    }

    fn path(&self) -> &Path {
        match &self.store {
            Store::Sqlite(store) => store.path(),
            Store::Ndb(store) => store.path(),
            Store::Bdb(store) => store.path(),
        }
    }
}

impl Store {
    fn settles_in(&self) -> Option<Duration> {
        match self {
            Self::Sqlite(store) => store.settles_in(),
            Self::Ndb(store) => store.settles_in(),
            Self::Bdb(store) => store.settles_in(),
        }
    }
}

/// Reads headers of a [`Snapshot`].
#[derive(Debug)]
pub struct Cursor<'s> {
    snapshot: &'s Snapshot,
    windows: Windows,
}

impl Cursor<'_> {
    /// The package at a position of [`Snapshot::numbers`].
    ///
    /// # Errors
    /// [`Error::Record`] when its header is not sound; [`Error::Damaged`], [`Error::Io`] when it cannot be read;
    /// [`Error::NoSuchNumber`] when there is none at that position.
    pub fn load_at(&mut self, position: usize) -> Result<Installed> {
        let path = || self.snapshot.path().to_owned();
        let Some(place) = self.snapshot.places.get(position) else {
            return Err(Error::NoSuchNumber {
                path: path(),
                number: 0,
            });
        };
        let mut blob = match &self.snapshot.store {
            Store::Sqlite(store) => store.blob(place, &mut self.windows),
            Store::Ndb(store) => store.blob(place),
            Store::Bdb(store) => store.blob(place, &mut self.windows),
        }?;
        blob[..BLOB_LEAD].copy_from_slice(&HEADER_MAGIC);
        let header =
            Header::parse(blob, HeaderRole::Installed, 0).map_err(|flaw| Error::Record {
                path: path(),
                number: place.number,
                flaw,
            })?;
        Ok(Installed::new(place.number, header))
    }

    /// The package of a number.
    ///
    /// # Errors
    /// As for [`Cursor::load_at`].
    pub fn load(&mut self, number: u32) -> Result<Installed> {
        let position = self
            .snapshot
            .numbers
            .iter()
            .position(|known| *known == number);
        match position {
            Some(position) => self.load_at(position),
            None => Err(Error::NoSuchNumber {
                path: self.snapshot.path().to_owned(),
                number,
            }),
        }
    }
}
