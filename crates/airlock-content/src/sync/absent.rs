//! Upstreams without filelists or other: the part that is missing is taken as empty for each package.

use std::io::{BufWriter, Write};
use std::path::Path;

use airlock_repodata::cut::PackageCutter;
use airlock_repodata::{Limits, MetadataKind, compress, frame, primary, push_attribute};
use tempfile::NamedTempFile;

use crate::ingest::MetadataPath;
use crate::{Error, Result};

/// Writes a file of that kind that names each package of primary and says nothing of it.
///
/// # Errors
/// As reading primary gives, and when the file cannot be written.
pub(super) fn stand_in(
    kind: MetadataKind,
    packages: &MetadataPath,
    scratch: &Path,
) -> Result<NamedTempFile> {
    let bad = |e| Error::metadata(&packages.name, e);
    let limits = Limits::default().with_open_size(packages.open_size);
    let reader = compress::open_path(&packages.path, &limits).map_err(bad)?;
    let mut cutter = PackageCutter::new(MetadataKind::Primary, reader, limits).map_err(bad)?;
    let mut body = Vec::new();
    let mut count = 0;
    while let Some(package) = cutter.next_package().map_err(bad)? {
        let summary = primary::summarize(package.bytes()).map_err(bad)?;
        count += 1;
        let epoch = summary.epoch.to_string();
        for (before, value) in [
            ("<package pkgid=\"", summary.checksum.as_ref()),
            ("\" name=\"", summary.name.as_ref()),
            ("\" arch=\"", summary.arch.as_ref()),
            ("\">\n  <version epoch=\"", epoch.as_str()),
            ("\" ver=\"", summary.version.as_ref()),
            ("\" rel=\"", summary.release.as_ref()),
        ] {
            body.extend_from_slice(before.as_bytes());
            push_attribute(&mut body, value);
        }
        body.extend_from_slice(b"\"/>\n</package>\n");
    }
    let write = || -> std::io::Result<NamedTempFile> {
        let mut out = BufWriter::new(NamedTempFile::new_in(scratch)?);
        out.write_all(&frame::open_tag(kind, count))?;
        out.write_all(&body)?;
        out.write_all(frame::close_tag(kind))?;
        out.into_inner()
            .map_err(std::io::IntoInnerError::into_error)
    };
    write().map_err(Error::write_metadata)
}
