//! Writing advisories.

use super::{Collection, Reference, Update, UpdatePackage};
use crate::text::{push_attribute, push_text};

/// What comes before the updates of a file.
pub const OPEN_TAG: &[u8] = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<updates>\n";
/// What comes behind them.
pub const CLOSE_TAG: &[u8] = b"</updates>\n";

/// Appends one update as createrepo_c would write it.
pub fn write_update(update: &Update, out: &mut Vec<u8>) {
    out.extend_from_slice(b"<update");
    optional(out, "from", update.from.as_deref());
    optional(out, "status", update.status.as_deref());
    optional(out, "type", update.kind.as_deref());
    optional(out, "version", update.version.as_deref());
    out.push(b'>');
    element(out, "id", Some(&update.id));
    element(out, "title", Some(&update.title));
    for (name, date) in [("issued", &update.issued), ("updated", &update.updated)] {
        if let Some(date) = date {
            out.extend_from_slice(format!("<{name}").as_bytes());
            optional(out, "date", Some(date));
            out.extend_from_slice(b"/>");
        }
    }
    element(out, "rights", update.rights.as_deref());
    element(out, "release", update.release.as_deref());
    element(out, "pushcount", update.pushcount.as_deref());
    element(out, "severity", update.severity.as_deref());
    element(out, "summary", update.summary.as_deref());
    element(out, "description", update.description.as_deref());
    element(out, "solution", update.solution.as_deref());
    flag(out, "reboot_suggested", update.reboot_suggested);
    out.extend_from_slice(b"<references>");
    for reference in &update.references {
        write_reference(reference, out);
    }
    out.extend_from_slice(b"</references><pkglist>");
    for collection in &update.collections {
        write_collection(collection, out);
    }
    out.extend_from_slice(b"</pkglist></update>\n");
}

fn write_reference(reference: &Reference, out: &mut Vec<u8>) {
    out.extend_from_slice(b"<reference");
    optional(out, "href", reference.href.as_deref());
    optional(out, "id", reference.id.as_deref());
    optional(out, "type", reference.kind.as_deref());
    optional(out, "title", reference.title.as_deref());
    out.extend_from_slice(b"/>");
}

fn write_collection(collection: &Collection, out: &mut Vec<u8>) {
    out.extend_from_slice(b"<collection");
    optional(out, "short", collection.short.as_deref());
    out.push(b'>');
    element(out, "name", collection.name.as_deref());
    if let Some(module) = &collection.module {
        out.extend_from_slice(b"<module");
        optional(out, "name", Some(&module.name));
        optional(out, "stream", Some(&module.stream));
        optional(out, "version", Some(&module.version));
        optional(out, "context", Some(&module.context));
        optional(out, "arch", Some(&module.arch));
        out.extend_from_slice(b"/>");
    }
    for package in &collection.packages {
        write_package(package, out);
    }
    out.extend_from_slice(b"</collection>");
}

fn write_package(package: &UpdatePackage, out: &mut Vec<u8>) {
    out.extend_from_slice(b"<package");
    optional(out, "name", Some(&package.name));
    optional(out, "version", Some(&package.version));
    optional(out, "release", Some(&package.release));
    // dnf and yum want one.
    optional(out, "epoch", Some(package.epoch.as_deref().unwrap_or("0")));
    optional(out, "arch", Some(&package.arch));
    optional(out, "src", package.src.as_deref());
    out.push(b'>');
    element(out, "filename", package.filename.as_deref());
    for (kind, value) in &package.sums {
        out.extend_from_slice(b"<sum");
        optional(out, "type", Some(kind));
        out.push(b'>');
        push_text(out, value);
        out.extend_from_slice(b"</sum>");
    }
    flag(out, "reboot_suggested", package.reboot_suggested);
    flag(out, "restart_suggested", package.restart_suggested);
    flag(out, "relogin_suggested", package.relogin_suggested);
    out.extend_from_slice(b"</package>");
}

fn optional(out: &mut Vec<u8>, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        out.extend_from_slice(format!(" {name}=\"").as_bytes());
        push_attribute(out, value);
        out.push(b'"');
    }
}

fn element(out: &mut Vec<u8>, name: &str, text: Option<&str>) {
    if let Some(text) = text {
        out.extend_from_slice(format!("<{name}>").as_bytes());
        push_text(out, text);
        out.extend_from_slice(format!("</{name}>").as_bytes());
    }
}

fn flag(out: &mut Vec<u8>, name: &str, set: bool) {
    if set {
        element(out, name, Some("True"));
    }
}
