//! The address of a libvirt, completed from what a section says.

use crate::backend::{Level, Remark};
use crate::settings::Settings;

/// Completes `server`: `kvm.example.com` becomes `qemu+ssh://kvm.example.com/system?no_tty=1`. Nothing stays nothing: this
/// machine. Port and query are kept.
pub fn complete(settings: &mut Settings) -> Vec<Remark> {
    let server = settings.server.trim().to_owned();
    if server.is_empty() {
        settings.server.clear();
        return Vec::new();
    }
    let mut remarks = Vec::new();
    let (scheme, rest) = match server.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (None, server.as_str()),
    };
    let ssh = scheme.is_none_or(|scheme| scheme.contains("ssh"));
    if ssh && settings.password.is_some() {
        remarks.push(Remark::new(
            Level::Warning,
            "Password authentication doesn't work with ssh transport on libvirt backend, copy your public ssh key to \
             the remote machine",
        ));
    }
    if scheme.is_none() {
        remarks.push(Remark::new(
            Level::Info,
            "Protocol is not specified in libvirt url, using qemu+ssh://",
        ));
    }
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (host, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let path = if path.is_empty() || path == "/" {
        remarks.push(Remark::new(
            Level::Info,
            "Libvirt path is not specified in the url, using /system",
        ));
        "/system"
    } else {
        path
    };
    let user = match &settings.username {
        Some(user) if !user.is_empty() && !host.is_empty() && !host.contains('@') => {
            format!("{user}@")
        }
        _ => String::new(),
    };
    let mut query: Vec<&str> = query
        .split('&')
        .filter(|part| !part.is_empty() && !part.starts_with("no_tty="))
        .collect();
    query.push("no_tty=1");
    settings.server = format!(
        "{}://{user}{host}{path}?{}",
        scheme.unwrap_or("qemu+ssh"),
        query.join("&")
    );
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(server: &str, user: Option<&str>) -> String {
        let mut settings = Settings::new("lv", server);
        settings.username = user.map(str::to_owned);
        complete(&mut settings);
        settings.server
    }

    #[test]
    fn an_address_is_completed() {
        assert_eq!(completed("", None), "");
        assert_eq!(completed("kvm", None), "qemu+ssh://kvm/system?no_tty=1");
        assert_eq!(
            completed("kvm", Some("root")),
            "qemu+ssh://root@kvm/system?no_tty=1"
        );
        assert_eq!(
            completed("qemu+tls://u@kvm/session", Some("x")),
            "qemu+tls://u@kvm/session?no_tty=1"
        );
        assert_eq!(completed("qemu:///system", None), "qemu:///system?no_tty=1");
        assert_eq!(
            completed("test:///default", None),
            "test:///default?no_tty=1"
        );
    }

    #[test]
    fn port_and_query_are_kept() {
        assert_eq!(
            completed("qemu+ssh://kvm:2222/system?keyfile=/k", None),
            "qemu+ssh://kvm:2222/system?keyfile=/k&no_tty=1"
        );
    }
}
