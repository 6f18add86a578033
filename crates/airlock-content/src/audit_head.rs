//! The end of the audit log as it was last seen, kept outside of the database: rows cut off the end leave a chain that
//! is whole, and whoever can cut them can change what the database itself knows of its end.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use airlock_db::audit::{self, AuditHead};

use crate::{Content, Error, Result};

/// The file in the data folder.
pub const AUDIT_HEAD: &str = "audit-head";

impl Content {
    fn audit_head_path(&self) -> PathBuf {
        self.settings().data.join(AUDIT_HEAD)
    }

    /// The end of the log as it was when it was last written down; none when it never was.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn kept_audit_head(&self) -> Result<Option<AuditHead>> {
        let path = self.audit_head_path();
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text.parse()?)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io(path.display().to_string(), error)),
        }
    }

    /// Writes down where the audit log ends now. A log that ends before what is written down was cut: then the file
    /// stays as it is, for `fsck` to tell.
    ///
    /// # Errors
    /// When database or disk fail.
    pub async fn keep_audit_head(&self) -> Result<()> {
        let Some(head) = audit::head(self.db()).await? else {
            return Ok(());
        };
        match self.kept_audit_head()? {
            Some(kept) if kept.id.0 > head.id.0 => {
                tracing::error!(
                    kept = kept.id.0,
                    found = head.id.0,
                    "the audit log ends before a row that was there: run airlock fsck"
                );
                Ok(())
            }
            Some(kept) if kept.id == head.id => Ok(()),
            _ => {
                let path = self.audit_head_path();
                write_audit_head(&self.settings().data, &head)
                    .map_err(|error| Error::io(path.display().to_string(), error))
            }
        }
    }
}

/// Puts an end of the log into a data folder, durably.
///
/// # Errors
/// What the disk says.
pub fn write_audit_head(data: &Path, head: &AuditHead) -> std::io::Result<()> {
    let mut file = tempfile::Builder::new()
        .prefix(".audit-head-")
        .tempfile_in(data)?;
    writeln!(file, "{head}")?;
    file.as_file().sync_all()?;
    file.persist(data.join(AUDIT_HEAD))
        .map_err(|error| error.error)?;
    std::fs::File::open(data)?.sync_all()
}
