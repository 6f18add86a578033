//! The system ids that Satellite 5 gave out, one file a host: `hypervisor-systemid-ID` in the state folder.
//!
//! The files are those of virt-who, so that going from one to the other and back registers nothing twice. What in an id
//! cannot be part of a file name is written as `%XX`.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::{Error, Result, pickle};

/// The largest file that is read.
const LIMIT: u64 = 1 << 20;

/// The file of a host.
pub(super) fn path(folder: &Path, id: &str) -> PathBuf {
    let mut name = String::from("hypervisor-systemid-");
    for byte in id.bytes() {
        match byte {
            b'/' | b'%' | 0..=0x1f | 0x7f => name.push_str(&format!("%{byte:02X}")),
            byte if byte.is_ascii() => name.push(char::from(byte)),
            byte => name.push_str(&format!("%{byte:02X}")),
        }
    }
    // A name may have 255 bytes; ids that long are none that virt-who could have kept.
    if name.len() > 200 {
        use sha2::Digest as _;
        let hash = hex::encode(sha2::Sha256::digest(id.as_bytes()));
        name = format!("hypervisor-systemid-sha256-{hash}");
    }
    folder.join(name)
}

/// The system id of a host, if it has one.
pub(super) fn read(folder: &Path, id: &str) -> Result<Option<String>> {
    let path = path(folder, id);
    let failed = |reason: String| Error::File {
        path: path.clone(),
        reason,
    };
    let length = match std::fs::metadata(&path) {
        Ok(found) => found.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error.to_string())),
    };
    if length > LIMIT {
        return Err(failed("too large for a system id".to_owned()));
    }
    let bytes = std::fs::read(&path).map_err(|error| failed(error.to_string()))?;
    let value = pickle::read(&bytes).map_err(|error| {
        failed(format!(
            "no system id as virt-who keeps them ({error}); move the file away to register the host again"
        ))
    })?;
    match value.get("system_id").and_then(pickle::Pickled::as_str) {
        Some(text) => Ok(Some(text.to_owned())),
        None => Err(failed("it has no member system_id".to_owned())),
    }
}

/// Keeps a system id; only its owner can read it.
pub(super) fn write(folder: &Path, id: &str, system_id: &str) -> Result<()> {
    let path = path(folder, id);
    let work = || -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        // No host's own name: a '%' of an id is followed by two digits. (An extension is a part of most hosts' names.)
        let mut new = path.clone().into_os_string();
        new.push("%new");
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)?;
        file.write_all(&pickle::write("system_id", system_id))?;
        file.sync_all()?;
        std::fs::rename(&new, &path)
    };
    work().map_err(|error| Error::File {
        path: path.clone(),
        reason: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_one_host_touches_no_other() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "esx1.example.new", "one").unwrap();
        write(folder.path(), "esx1.example.com", "two").unwrap();
        let kept = |id| read(folder.path(), id).unwrap();
        assert_eq!(kept("esx1.example.new").as_deref(), Some("one"));
        assert_eq!(kept("esx1.example.com").as_deref(), Some("two"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
