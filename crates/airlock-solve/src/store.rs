//! A pool as bytes: written once for a set of packages, read in milliseconds.
//!
//! ```text
//! magic "AIRPOOL" and the format's number        8 bytes
//! XXH3-64 of everything behind it                8 bytes
//! sections: length in bytes, 8 bytes, then the bytes
//!   strings' text, strings' ends, versions, expressions, repositories, packages,
//!   dependency lists, their starts, paths with owners, malformed dependencies
//! ```
//!
//! Numbers are little-endian. The digest tells damage from bytes that are as written; everything
//! that reading relies on is checked beside that, so hostile bytes give an error and no panic.

use xxhash_rust::xxh3::xxh3_64;

use crate::dependency::{self, Dependencies, DependencyId, EvrId, EvrParts, Expression};
use crate::error::{Error, MAX_DEPTH, MAX_PARTS, Result, RichFault};
use crate::intern::{StringId, Strings};
use crate::pool::{Malformed, Package, PackageId, Pool, RepositoryId};

const MAGIC: &[u8; 8] = b"AIRPOOL\x01";
const HEAD: usize = 16;
/// Bytes of a stored package.
const PACKAGE: usize = 36;

/// Deepest expression that reading metadata gives: chains lean to the left, an `else` is a level.
const DEEPEST: usize = MAX_PARTS + 2 * MAX_DEPTH;

const FAULTS: [RichFault; 9] = [
    RichFault::Truncated,
    RichFault::Trailing,
    RichFault::MissingName,
    RichFault::MissingVersion,
    RichFault::UnknownOperator,
    RichFault::Mixed,
    RichFault::NoCapability,
    RichFault::TooDeep,
    RichFault::TooLong,
];

impl Pool {
    /// The bytes that [`Pool::read`] takes. Equal pools give equal bytes.
    pub fn write(&self) -> Vec<u8> {
        let mut out = vec![0; HEAD];
        section(&mut out, |out| out.extend(self.strings.text().as_bytes()));
        section(&mut out, |out| push_all(out, self.strings.ends()));
        section(&mut out, |out| {
            for evr in &self.dependencies.evrs {
                push_all(out, &[evr.epoch, evr.version.0, evr.release.0]);
            }
        });
        section(&mut out, |out| {
            for expression in &self.dependencies.expressions {
                push_all(out, &dependency::key(*expression));
            }
        });
        section(&mut out, |out| {
            out.extend(self.repositories.join("\n").bytes())
        });
        section(&mut out, |out| {
            for package in &self.packages {
                let numbers = [
                    package.name.0,
                    package.evr.0,
                    package.arch.0,
                    package.vendor.0,
                ];
                push_all(out, &numbers);
                push_all(out, &[package.repository.0]);
                out.extend(package.build_time.to_le_bytes());
                out.extend(package.key.to_le_bytes());
            }
        });
        section(&mut out, |out| {
            self.lists.iter().for_each(|id| push_all(out, &[id.0]));
        });
        section(&mut out, |out| push_all(out, &self.starts));
        section(&mut out, |out| {
            for (path, id) in &self.files {
                push_all(out, &[path.0, id.0]);
            }
        });
        section(&mut out, |out| {
            for malformed in &self.malformed {
                let fault = FAULTS.iter().position(|fault| *fault == malformed.fault);
                let fault = fault.unwrap_or_default() as u32;
                push_all(out, &[malformed.package.0, malformed.dependency.0, fault]);
            }
        });
        let digest = xxh3_64(&out[HEAD..]);
        out[..8].copy_from_slice(MAGIC);
        out[8..HEAD].copy_from_slice(&digest.to_le_bytes());
        out
    }

    /// Reads what [`Pool::write`] gave.
    ///
    /// # Errors
    /// [`Error::Stored`] for bytes of another format and for damaged ones.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader { bytes, at: 0 };
        if reader.take(8)? != MAGIC {
            return Err(reader.bad("it is no pool of this version"));
        }
        let digest = reader.take(8)?;
        if xxh3_64(&bytes[HEAD..]).to_le_bytes() != *digest {
            return Err(reader.bad("its checksum is wrong"));
        }
        let text = reader.section()?;
        let text = std::str::from_utf8(text).map_err(|_| reader.bad("names are no UTF-8"))?;
        let ends = numbers(reader.section()?);
        let strings = Strings::from_parts(text.to_owned(), ends)
            .ok_or_else(|| reader.bad("names do not fit"))?;
        let dependencies = read_dependencies(&mut reader, &strings)?;
        let repositories = std::str::from_utf8(reader.section()?)
            .map_err(|_| reader.bad("labels are no UTF-8"))?;
        let repositories: Vec<String> = match repositories {
            "" => Vec::new(),
            labels => labels.split('\n').map(str::to_owned).collect(),
        };
        let packages: Vec<Package> = reader
            .section()?
            .chunks_exact(PACKAGE)
            .map(read_package)
            .collect();
        let lists: Vec<DependencyId> = numbers(reader.section()?)
            .into_iter()
            .map(DependencyId)
            .collect();
        let starts = numbers(reader.section()?);
        let files: Vec<(StringId, PackageId)> = numbers(reader.section()?)
            .chunks_exact(2)
            .map(|pair| (StringId(pair[0]), PackageId(pair[1])))
            .collect();
        let malformed = numbers(reader.section()?);
        let malformed: Option<Vec<Malformed>> = malformed
            .chunks_exact(3)
            .map(|parts| {
                Some(Malformed {
                    package: PackageId(parts[0]),
                    dependency: DependencyId(parts[1]),
                    fault: *FAULTS.get(parts[2] as usize)?,
                })
            })
            .collect();
        let pool = Self {
            strings,
            dependencies,
            repositories,
            packages,
            lists,
            starts,
            files,
            malformed: malformed.ok_or_else(|| reader.bad("an unknown fault"))?,
        };
        match pool.fits_together() {
            true => Ok(pool),
            false => Err(reader.bad("its parts do not fit")),
        }
    }

    fn fits_together(&self) -> bool {
        let (strings, evrs) = (
            self.strings.len() as u32,
            self.dependencies.evrs.len() as u32,
        );
        let (expressions, packages) = (
            self.dependencies.expressions.len() as u32,
            self.packages.len() as u32,
        );
        let package_fits = |package: &Package| {
            package.name.0 < strings
                && package.evr.0 < evrs
                && package.arch.0 < strings
                && package.vendor.0 < strings
                && package.repository.index() < self.repositories.len()
        };
        self.packages.iter().all(package_fits)
            && self.starts.len() == self.packages.len() * 8 + 1
            && self.starts.is_sorted()
            && self.starts.first() == Some(&0)
            && self.starts.last().map(|end| *end as usize) == Some(self.lists.len())
            && self.lists.iter().all(|id| id.0 < expressions)
            && self.files.is_sorted()
            && self
                .files
                .iter()
                .all(|(path, id)| path.0 < strings && id.0 < packages)
            && self
                .malformed
                .iter()
                .all(|entry| entry.package.0 < packages && entry.dependency.0 < expressions)
    }
}

fn read_package(bytes: &[u8]) -> Package {
    let number = |place: usize| u32::from_le_bytes(array(&bytes[place * 4..]));
    Package {
        name: StringId(number(0)),
        evr: EvrId(number(1)),
        arch: StringId(number(2)),
        vendor: StringId(number(3)),
        repository: RepositoryId(number(4)),
        build_time: i64::from_le_bytes(array(&bytes[20..])),
        key: u64::from_le_bytes(array(&bytes[28..])),
    }
}

fn read_dependencies(reader: &mut Reader<'_>, strings: &Strings) -> Result<Dependencies> {
    let known = |id: u32| (id as usize) < strings.len();
    let evrs = numbers(reader.section()?);
    let evrs: Vec<EvrParts> = evrs
        .chunks_exact(3)
        .map(|parts| EvrParts {
            epoch: parts[0],
            version: StringId(parts[1]),
            release: StringId(parts[2]),
        })
        .collect();
    let fits = |evr: &EvrParts| known(evr.version.0) && known(evr.release.0);
    if !evrs.iter().all(fits) {
        return Err(reader.bad("versions do not fit"));
    }
    let stored = numbers(reader.section()?);
    let mut expressions: Vec<Expression> = Vec::with_capacity(stored.len() / 3);
    let mut depths: Vec<usize> = Vec::with_capacity(stored.len() / 3);
    for parts in stored.chunks_exact(3) {
        let expression = dependency::from_key([parts[0], parts[1], parts[2]]);
        // Parts come before the whole, so that nothing contains itself.
        let earlier = |id: u32| (id as usize) < expressions.len();
        let is_else = |id: u32| {
            let inner = expressions.get(id as usize);
            matches!(inner, Some(Expression::Else(..)))
        };
        let fits = match expression {
            None => false,
            Some(Expression::Name(_) | Expression::Malformed(_)) => known(parts[1]),
            Some(Expression::Version(..)) => known(parts[1]) && (parts[2] as usize) < evrs.len(),
            Some(Expression::IfElse(..) | Expression::UnlessElse(..)) => {
                earlier(parts[1]) && is_else(parts[2])
            }
            Some(_) => earlier(parts[1]) && earlier(parts[2]),
        };
        let depth = match parts[0] {
            8..=16 => {
                let inner = |id: u32| depths.get(id as usize).copied().unwrap_or(0);
                1 + inner(parts[1]).max(inner(parts[2]))
            }
            _ => 0,
        };
        depths.push(depth);
        match expression {
            Some(expression) if fits && depth <= DEEPEST => expressions.push(expression),
            _ => return Err(reader.bad("dependencies do not fit")),
        }
    }
    Ok(Dependencies::from_parts(expressions, evrs))
}

fn section(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend(0_u64.to_le_bytes());
    write(out);
    let length = (out.len() - start - 8) as u64;
    out[start..start + 8].copy_from_slice(&length.to_le_bytes());
}

fn push_all(out: &mut Vec<u8>, numbers: &[u32]) {
    for number in numbers {
        out.extend_from_slice(&number.to_le_bytes());
    }
}

fn numbers(bytes: &[u8]) -> Vec<u32> {
    let (numbers, _) = bytes.as_chunks::<4>();
    numbers
        .iter()
        .map(|number| u32::from_le_bytes(*number))
        .collect()
}

/// The first bytes; what is missing is 0.
fn array<const LENGTH: usize>(bytes: &[u8]) -> [u8; LENGTH] {
    let mut array = [0; LENGTH];
    for (to, from) in array.iter_mut().zip(bytes) {
        *to = *from;
    }
    array
}

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Reader<'b> {
    fn bad(&self, why: &'static str) -> Error {
        Error::Stored {
            why,
            offset: self.at,
        }
    }

    fn take(&mut self, length: usize) -> Result<&'b [u8]> {
        let rest = &self.bytes[self.at..];
        let taken = rest
            .get(..length)
            .ok_or_else(|| self.bad("it is cut off"))?;
        self.at += length;
        Ok(taken)
    }

    fn section(&mut self) -> Result<&'b [u8]> {
        let length = u64::from_le_bytes(array(self.take(8)?));
        let length = usize::try_from(length).map_err(|_| self.bad("a part is too long"))?;
        self.take(length)
    }
}
