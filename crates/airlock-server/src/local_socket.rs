//! `DATA/airlock.sock`: root and the server's own user administer without a password.
//!
//! A socket's path may have 107 bytes at most. The folder is opened first, and the socket is then named as
//! `/proc/self/fd/N/airlock.sock`, so any folder works, for the server and for clients.

use std::fs::{File, Permissions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// The socket's name in the data folder.
pub const SOCKET: &str = "airlock.sock";
/// Connections served at the same time on the socket.
pub const MOST_CONNECTIONS: usize = 64;

/// Binds the socket in the data folder. The caller holds the folder's lock, so whatever has the name is left over.
///
/// # Errors
/// What the system said.
pub fn bind(data: &Path) -> std::io::Result<UnixListener> {
    let folder = File::open(data)?;
    match std::fs::remove_file(data.join(SOCKET)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(short(&folder))?;
    // The folder is 0700, so nobody gets in between these two calls.
    std::fs::set_permissions(data.join(SOCKET), Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Connects to the server of a data folder.
///
/// # Errors
/// What the system said: not found or refused when no server runs there, denied for another user.
pub fn connect(data: &Path) -> std::io::Result<UnixStream> {
    let folder = File::open(data)?;
    let stream = UnixStream::connect(short(&folder))?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

fn short(folder: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}/{SOCKET}", folder.as_raw_fd()))
}

/// Whether a peer with this user id administers: root, and the server's own user.
#[must_use]
pub fn administers(uid: u32) -> bool {
    uid == 0 || uid == rustix::process::geteuid().as_raw()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::FileTypeExt;

    #[test]
    fn long_folders_work_and_left_over_names_are_replaced() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("d".repeat(120)).join("e".repeat(120));
        std::fs::create_dir_all(&folder).unwrap();
        let victim = outer.path().join("victim");
        std::fs::write(&victim, "x").unwrap();
        std::os::unix::fs::symlink(&victim, folder.join(SOCKET)).unwrap();
        let listener = bind(&folder).unwrap();
        listener.set_nonblocking(false).unwrap();
        let found = std::fs::symlink_metadata(folder.join(SOCKET)).unwrap();
        assert!(found.file_type().is_socket());
        assert_eq!(found.permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), "x");
        let client = connect(&folder).unwrap();
        listener.accept().unwrap();
        drop(client);
        drop(listener);
        assert_eq!(
            connect(&folder).unwrap_err().kind(),
            std::io::ErrorKind::ConnectionRefused
        );
    }

    #[test]
    fn only_root_and_the_own_user_administer() {
        let own = rustix::process::geteuid().as_raw();
        assert!(administers(0) && administers(own));
        assert!(!administers(own + 1_000));
    }
}
