//! The file list of a package, read without a string of its own per file.

use std::borrow::Cow;

use crate::header::{Header, Numbers, Strings};
use crate::tag::main;
use crate::text::decode;

/// Bits of a file's flags (rpm's `rpmfiles.h`).
pub mod file_flag {
    /// Configuration.
    pub const CONFIG: u32 = 1 << 0;
    /// Documentation.
    pub const DOC: u32 = 1 << 1;
    /// May be missing.
    pub const MISSINGOK: u32 = 1 << 3;
    /// Not replaced when changed.
    pub const NOREPLACE: u32 = 1 << 4;
    /// Spec file of a source package.
    pub const SPECFILE: u32 = 1 << 5;
    /// Owned but not in the payload.
    pub const GHOST: u32 = 1 << 6;
    /// Licence.
    pub const LICENSE: u32 = 1 << 7;
    /// Readme.
    pub const README: u32 = 1 << 8;
    /// Made by the build itself.
    pub const ARTIFACT: u32 = 1 << 12;
}

/// How a digest is made; the numbers are those of OpenPGP (RFC 9580, 9.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DigestAlgorithm {
    /// 1
    Md5,
    /// 2
    Sha1,
    /// 8
    Sha256,
    /// 9
    Sha384,
    /// 10
    Sha512,
    /// 11
    Sha224,
    /// 12
    Sha3_256,
    /// 14
    Sha3_512,
    /// Any other number.
    Other(u32),
}

impl DigestAlgorithm {
    /// From the number in a header.
    pub fn from_number(number: u32) -> Self {
        match number {
            1 => Self::Md5,
            2 => Self::Sha1,
            8 => Self::Sha256,
            9 => Self::Sha384,
            10 => Self::Sha512,
            11 => Self::Sha224,
            12 => Self::Sha3_256,
            14 => Self::Sha3_512,
            other => Self::Other(other),
        }
    }

    /// The name that repository metadata uses; `None` for unknown numbers.
    pub fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
            Self::Sha224 => "sha224",
            Self::Sha3_256 => "sha3-256",
            Self::Sha3_512 => "sha3-512",
            Self::Other(_) => return None,
        })
    }
}

impl std::fmt::Display for DigestAlgorithm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
            Self::Sha224 => "SHA-224",
            Self::Sha3_256 => "SHA3-256",
            Self::Sha3_512 => "SHA3-512",
            Self::Other(number) => return write!(f, "digest algorithm {number}"),
        })
    }
}

/// In which of the two shapes a header keeps its paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// No files.
    None,
    /// BASENAMES, DIRINDEXES, DIRNAMES.
    Split,
    /// OLDFILENAMES: whole paths, rpm before 4.
    Whole,
}

/// One file of a package, borrowed from the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct File<'h> {
    /// Folder with its ending `/` as bytes; empty in source packages.
    pub dir: &'h [u8],
    /// Name in the folder as bytes; empty for `/` itself.
    pub base: &'h [u8],
    /// Type and permission bits as in `stat`.
    pub mode: u16,
    /// Bits of [`file_flag`].
    pub flags: u32,
    /// Size in bytes.
    pub size: u64,
    /// When it was changed last, in seconds since 1970.
    pub mtime: u32,
    /// Digest in hexadecimal as bytes; empty for everything that is not a regular file.
    pub digest: &'h [u8],
    /// Target of a symbolic link as bytes; empty for everything else.
    pub link_target: &'h [u8],
    /// Name of the owner as bytes.
    pub user: &'h [u8],
    /// Name of the group as bytes.
    pub group: &'h [u8],
    /// What `rpm -V` is to compare; all bits set when the header does not say.
    pub verify_flags: u32,
    /// Device number of a device file.
    pub rdev: u16,
}

impl<'h> File<'h> {
    /// Path as text. Borrowed where folder or name is empty.
    pub fn path(&self) -> Cow<'h, str> {
        if self.dir.is_empty() {
            return decode(self.base);
        }
        if self.base.is_empty() {
            return decode(self.dir);
        }
        let mut path = Vec::with_capacity(self.dir.len() + self.base.len());
        self.path_into(&mut path);
        match String::from_utf8(path) {
            Ok(path) => Cow::Owned(path),
            Err(error) => Cow::Owned(decode(error.as_bytes()).into_owned()),
        }
    }

    /// Appends the path as bytes.
    pub fn path_into(&self, path: &mut Vec<u8>) {
        path.extend_from_slice(self.dir);
        path.extend_from_slice(self.base);
    }

    /// Folder as text.
    pub fn dir_text(&self) -> Cow<'h, str> {
        decode(self.dir)
    }

    /// Name in the folder as text.
    pub fn base_text(&self) -> Cow<'h, str> {
        decode(self.base)
    }

    /// True for folders.
    pub fn is_dir(&self) -> bool {
        self.mode & 0o170_000 == 0o040_000
    }

    /// True for regular files.
    pub fn is_regular(&self) -> bool {
        self.mode & 0o170_000 == 0o100_000
    }

    /// True for symbolic links.
    pub fn is_symlink(&self) -> bool {
        self.mode & 0o170_000 == 0o120_000
    }

    /// True for files that are owned but not in the payload.
    pub fn is_ghost(&self) -> bool {
        self.flags & file_flag::GHOST != 0
    }

    /// True for configuration files.
    pub fn is_config(&self) -> bool {
        self.flags & file_flag::CONFIG != 0
    }

    /// True for documentation.
    pub fn is_doc(&self) -> bool {
        self.flags & file_flag::DOC != 0
    }
}

/// The files of a package in the order of the header.
#[derive(Debug, Clone)]
pub struct Files<'h> {
    layout: Layout,
    names: Strings<'h>,
    dir_indexes: Numbers<'h>,
    dirs: Dirs<'h>,
    modes: Numbers<'h>,
    flags: Numbers<'h>,
    sizes: Numbers<'h>,
    mtimes: Numbers<'h>,
    digests: Strings<'h>,
    link_targets: Strings<'h>,
    users: Strings<'h>,
    groups: Strings<'h>,
    verify_flags: Numbers<'h>,
    rdevs: Numbers<'h>,
}

impl<'h> Files<'h> {
    pub(super) fn new(header: &'h Header, layout: Layout) -> Self {
        let names = match layout {
            Layout::None => Strings::default(),
            Layout::Split => header.strings(main::BASENAMES),
            Layout::Whole => header.strings(main::OLDFILENAMES),
        };
        let dirs = match layout {
            Layout::Split => Dirs::new(header),
            Layout::None | Layout::Whole => Dirs::default(),
        };
        let sizes = match header.numbers(main::LONGFILESIZES) {
            sizes if sizes.len() > 0 => sizes,
            _ => header.numbers(main::FILESIZES),
        };
        Self {
            layout,
            names,
            dir_indexes: header.numbers(main::DIRINDEXES),
            dirs,
            modes: header.numbers(main::FILEMODES),
            flags: header.numbers(main::FILEFLAGS),
            sizes,
            mtimes: header.numbers(main::FILEMTIMES),
            digests: header.strings(main::FILEDIGESTS),
            link_targets: header.strings(main::FILELINKTOS),
            users: header.strings(main::FILEUSERNAME),
            groups: header.strings(main::FILEGROUPNAME),
            verify_flags: header.numbers(main::FILEVERIFYFLAGS),
            rdevs: header.numbers(main::FILERDEVS),
        }
    }
}

impl<'h> Iterator for Files<'h> {
    type Item = File<'h>;

    #[inline]
    fn next(&mut self) -> Option<File<'h>> {
        let name = self.names.next()?;
        let (dir, base) = match self.layout {
            Layout::Whole => {
                // Up to and with the last slash.
                let cut = memchr::memrchr(b'/', name).map_or(0, |slash| slash + 1);
                name.split_at(cut)
            }
            Layout::Split | Layout::None => {
                let index = self.dir_indexes.next().unwrap_or_default();
                (self.dirs.get(index), name)
            }
        };
        // Arrays that are there were checked to be as long as the list of names.
        Some(File {
            dir,
            base,
            mode: self.modes.next().unwrap_or_default() as u16,
            flags: self.flags.next().unwrap_or_default() as u32,
            size: self.sizes.next().unwrap_or_default(),
            mtime: self.mtimes.next().unwrap_or_default() as u32,
            digest: self.digests.next().unwrap_or_default(),
            link_target: self.link_targets.next().unwrap_or_default(),
            user: self.users.next().unwrap_or_default(),
            group: self.groups.next().unwrap_or_default(),
            verify_flags: self
                .verify_flags
                .next()
                .map_or(u32::MAX, |bits| bits as u32),
            rdev: self.rdevs.next().unwrap_or_default() as u16,
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.names.size_hint()
    }
}

impl ExactSizeIterator for Files<'_> {}

/// The folders of a package by number: where each starts in the bytes of DIRNAMES.
///
/// Four bytes a folder; the check made sure that there are not more folders than files.
#[derive(Debug, Clone, Default)]
pub(super) struct Dirs<'h> {
    bytes: &'h [u8],
    starts: Vec<u32>,
    /// The folder given last: files come sorted, so the next one is mostly in it as well.
    last: Option<(u64, &'h [u8])>,
}

impl<'h> Dirs<'h> {
    fn new(header: &'h Header) -> Self {
        let mut names = header.strings(main::DIRNAMES);
        let bytes = names.remaining_bytes();
        let mut starts = Vec::with_capacity(names.len());
        let mut start = 0_u32;
        for name in names.by_ref() {
            starts.push(start);
            start += name.len() as u32 + 1;
        }
        Self {
            bytes,
            starts,
            last: None,
        }
    }

    fn get(&mut self, index: u64) -> &'h [u8] {
        if let Some((last, dir)) = self.last
            && last == index
        {
            return dir;
        }
        let rest = usize::try_from(index)
            .ok()
            .and_then(|index| self.starts.get(index))
            .and_then(|start| self.bytes.get(*start as usize..))
            .unwrap_or_default();
        let dir = &rest[..memchr::memchr(0, rest).unwrap_or(rest.len())];
        self.last = Some((index, dir));
        dir
    }
}
