//! Writing `repomd.xml`.

use super::{NAMESPACE, Record, Repomd};
use crate::checksum::Checksum;
use crate::kind::RPM;
use crate::text::{push_attribute, push_text};

pub(super) fn write(repomd: &Repomd) -> Vec<u8> {
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<repomd xmlns=\"{NAMESPACE}\" xmlns:rpm=\"{RPM}\">\n"
    )
    .into_bytes();
    if let Some(revision) = &repomd.revision {
        element(&mut out, "  ", "revision", "", revision);
    }
    if !repomd.tags.is_empty() {
        out.extend_from_slice(b"  <tags>\n");
        for content in &repomd.tags.content {
            element(&mut out, "    ", "content", "", content);
        }
        for repo in &repomd.tags.repo {
            element(&mut out, "    ", "repo", "", repo);
        }
        for distro in &repomd.tags.distro {
            let attribute = distro
                .cpeid
                .as_deref()
                .map(|cpeid| attribute("cpeid", cpeid));
            element(
                &mut out,
                "    ",
                "distro",
                &attribute.unwrap_or_default(),
                &distro.name,
            );
        }
        out.extend_from_slice(b"  </tags>\n");
    }
    for record in &repomd.records {
        data(&mut out, record);
    }
    for unknown in &repomd.unknown {
        raw(&mut out, "  ", unknown);
    }
    out.extend_from_slice(b"</repomd>\n");
    out
}

fn data(out: &mut Vec<u8>, record: &Record) {
    out.extend_from_slice(b"  <data");
    out.extend_from_slice(attribute("type", &record.kind).as_bytes());
    out.extend_from_slice(b">\n");
    let mut sum = |name, checksum: Option<&Checksum>| {
        if let Some(checksum) = checksum {
            element(
                out,
                "    ",
                name,
                &attribute("type", &checksum.kind),
                &checksum.value,
            );
        }
    };
    sum("checksum", Some(&record.checksum));
    sum("open-checksum", record.open_checksum.as_ref());
    sum("header-checksum", record.header_checksum.as_ref());
    out.extend_from_slice(b"    <location");
    if let Some(base) = &record.base {
        out.extend_from_slice(attribute("xml:base", base).as_bytes());
    }
    out.extend_from_slice(attribute("href", &record.href).as_bytes());
    out.extend_from_slice(b"/>\n");
    let mut number = |name, value: Option<String>| {
        if let Some(value) = value {
            element(out, "    ", name, "", &value);
        }
    };
    number("timestamp", record.timestamp.map(|value| value.to_string()));
    number("size", record.size.map(|value| value.to_string()));
    number("open-size", record.open_size.map(|value| value.to_string()));
    number(
        "header-size",
        record.header_size.map(|value| value.to_string()),
    );
    number(
        "database_version",
        record.database_version.map(|value| value.to_string()),
    );
    for unknown in &record.unknown {
        raw(out, "    ", unknown);
    }
    out.extend_from_slice(b"  </data>\n");
}

fn attribute(name: &str, value: &str) -> String {
    let mut escaped = Vec::new();
    push_attribute(&mut escaped, value);
    format!(" {name}=\"{}\"", String::from_utf8_lossy(&escaped))
}

fn element(out: &mut Vec<u8>, indent: &str, name: &str, attributes: &str, text: &str) {
    out.extend_from_slice(format!("{indent}<{name}{attributes}>").as_bytes());
    push_text(out, text);
    out.extend_from_slice(format!("</{name}>\n").as_bytes());
}

fn raw(out: &mut Vec<u8>, indent: &str, xml: &str) {
    out.extend_from_slice(indent.as_bytes());
    out.extend_from_slice(xml.as_bytes());
    out.push(b'\n');
}
