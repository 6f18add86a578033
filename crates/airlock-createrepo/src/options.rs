//! What can be asked for: createrepo_c's options that people use.

use std::path::PathBuf;
use std::time::Duration;

use airlock_repodata::compress::Format;

use crate::checksum::ChecksumKind;

/// How metadata is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Compression {
    /// gzip.
    Gz,
    /// bzip2.
    Bz2,
    /// xz.
    Xz,
    /// Zstandard.
    #[default]
    Zstd,
}

impl Compression {
    /// The compression with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "gz" => Self::Gz,
            "bz2" => Self::Bz2,
            "xz" => Self::Xz,
            "zstd" => Self::Zstd,
            _ => return None,
        })
    }

    pub(crate) fn format(self) -> Format {
        match self {
            Self::Gz => Format::Gz,
            Self::Bz2 => Format::Bz2,
            Self::Xz => Format::Xz,
            Self::Zstd => Format::Zstd,
        }
    }

    /// True when any reader takes several compressed parts in a row as one file. Some read only
    /// the first part of bzip2 and xz files.
    pub(crate) fn has_frames(self) -> bool {
        matches!(self, Self::Gz | Self::Zstd)
    }
}

/// What happens when a package (name, epoch, version, release, architecture) is there more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Duplicates {
    /// All of them are listed.
    #[default]
    Keep,
    /// The one that was built last is listed; of those the one whose location sorts last.
    KeepLast,
}

/// Which files of the old metadata stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Retain {
    /// All but those that the old `repomd.xml` names.
    #[default]
    Unlisted,
    /// All.
    All,
    /// All that are not older than this, whoever made them.
    Younger(Duration),
    /// As createrepo did it: of primary, filelists and other so many of the newest, and all other files.
    Newest(usize),
}

/// What a run shall do. The defaults are createrepo_c's.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Folder whose packages are indexed.
    pub folder: PathBuf,
    /// Split media: [`Options::folder`] is medium 1, these are the media behind it. Every location gets a base that
    /// tells its medium.
    pub further_media: Option<Vec<PathBuf>>,
    /// Folder that gets `repodata`; without it [`Options::folder`].
    pub output: Option<PathBuf>,
    /// `xml:base` of all locations.
    pub base_url: Option<String>,
    /// Prefix of all locations.
    pub location_prefix: Option<String>,
    /// So many leading folders are cut from locations.
    pub cut_dirs: usize,
    /// comps file; relative paths are tried below [`Options::folder`] first.
    pub groupfile: Option<PathBuf>,
    /// Patterns of paths below the folder that are left out.
    pub excludes: Vec<String>,
    /// File with one package path a line: only these are indexed.
    pub pkglist: Option<PathBuf>,
    /// Package paths: only these are indexed.
    pub include_packages: Vec<PathBuf>,
    /// Packages that are links are left out.
    pub skip_symlinks: bool,
    /// What earlier metadata says about unchanged packages is taken over.
    pub update: bool,
    /// Further folders with metadata to take over from.
    pub update_md_paths: Vec<PathBuf>,
    /// With `update`: a package with a known path counts as unchanged.
    pub skip_stat: bool,
    /// With `update`: the packages of the earlier metadata are indexed, and no others.
    pub recycle_pkglist: bool,
    /// Checksum of packages, and of metadata files unless another one is asked for.
    pub checksum: ChecksumKind,
    /// Checksum of metadata files; without it [`Options::checksum`].
    pub repomd_checksum: Option<ChecksumKind>,
    /// What happens to packages that are there more than once.
    pub duplicates: Duplicates,
    /// Compression of additional files (comps); without it the general one.
    pub compress_type: Option<Compression>,
    /// Compression of primary, filelists and other.
    pub general_compress_type: Compression,
    /// comps stays as it is, whatever the compression.
    pub plain_group: bool,
    /// Metadata files without their checksum in the name.
    pub simple_md_filenames: bool,
    /// Which files of the old metadata stay.
    pub retain: Retain,
    /// Additional metadata of the old `repomd.xml` is not carried along by `update`.
    pub discard_additional_metadata: bool,
    /// Revision in `repomd.xml`; without it the time in seconds since 1970.
    pub revision: Option<String>,
    /// Times in `repomd.xml` and of the files are the revision, which has to be a number.
    pub set_timestamp_to_revision: bool,
    /// Threads; without it as many as there are cores.
    pub workers: Option<usize>,
    /// Tags for the repository.
    pub repo: Vec<String>,
    /// Tags for its content.
    pub content: Vec<String>,
    /// Distributions that it is for: cpeid, if any, and name.
    pub distro: Vec<(Option<String>, String)>,
    /// Most changelog entries a package; `None` for all. The command line has 10.
    pub changelog_limit: Option<usize>,
    /// `filelists-ext` with the digests of files is made as well.
    pub filelists_ext: bool,
    /// Folder for the cache file; without it the `repodata` folder.
    pub cachedir: Option<PathBuf>,
    /// File that gets the paths of the packages that were really read.
    pub read_pkgs_list: Option<PathBuf>,
}

impl Options {
    /// Options of createrepo_c for a folder when nothing else is said.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            changelog_limit: Some(10),
            ..Self::default()
        }
    }

    pub(crate) fn output(&self) -> &PathBuf {
        self.output.as_ref().unwrap_or(&self.folder)
    }

    pub(crate) fn worker_count(&self) -> usize {
        self.workers.unwrap_or_else(|| {
            std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
        })
    }

    /// Everything that a package's fragments depend on beside the package.
    pub(crate) fn fragment_key(&self) -> String {
        format!(
            "{}\n{:?}\n{:?}\n{:?}\n{}\n{}\n{}",
            self.checksum.name(),
            self.changelog_limit,
            self.base_url,
            self.location_prefix,
            self.cut_dirs,
            self.filelists_ext,
            self.further_media.is_some(),
        )
    }

    /// Everything else that decides what is published.
    pub(crate) fn output_key(&self) -> String {
        format!(
            "{}\n{:?}\n{:?}\n{}\n{}\n{:?}\n{}\n{:?}\n{:?}\n{:?}\n{}",
            self.metadata_checksum().name(),
            self.compress_type,
            self.general_compress_type,
            self.plain_group,
            self.simple_md_filenames,
            self.revision,
            self.set_timestamp_to_revision,
            self.repo,
            self.content,
            self.distro,
            self.discard_additional_metadata,
        )
    }

    /// Checksum of metadata files.
    pub(crate) fn metadata_checksum(&self) -> ChecksumKind {
        self.repomd_checksum.unwrap_or(self.checksum)
    }

    /// The folders that are indexed, each with the number of its medium: 0 when media are not split.
    pub(crate) fn media(&self) -> impl Iterator<Item = (u32, &PathBuf)> {
        let split = u32::from(self.further_media.is_some());
        let further = self.further_media.iter().flatten();
        (split..).zip(std::iter::once(&self.folder).chain(further))
    }

    /// `xml:base` of the locations of a medium.
    pub(crate) fn base(&self, medium: u32) -> Option<String> {
        if medium == 0 {
            return self.base_url.clone();
        }
        let base = self.base_url.as_deref().filter(|base| !base.is_empty());
        let base = base.unwrap_or("media:");
        // `media://` stands for `media:`: the two slashes give way to the number.
        let base = match base.ends_with("://") {
            true => base.trim_end_matches('/'),
            false => base,
        };
        Some(format!("{base}#{medium}"))
    }

    /// Location of a package with this path below the folder.
    pub(crate) fn location(&self, path: &str) -> String {
        let mut rest = path;
        for _ in 0..self.cut_dirs {
            match rest.split_once('/') {
                Some((_, behind)) => rest = behind,
                None => break,
            }
        }
        match self.location_prefix.as_deref() {
            None | Some("") => rest.to_owned(),
            Some(prefix) if prefix.ends_with('/') => format!("{prefix}{rest}"),
            Some(prefix) => format!("{prefix}/{rest}"),
        }
    }
}
