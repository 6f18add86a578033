//! The bytes before and behind the fragments of a metadata file.
//!
//! A whole file is [`open_tag`], any fragments with or without line ends between them, and
//! [`close_tag`].

use crate::kind::{MetadataKind, RPM};

/// XML declaration and root element with the number of packages.
pub fn open_tag(kind: MetadataKind, packages: u64) -> Vec<u8> {
    let rpm = match kind {
        MetadataKind::Primary => format!(" xmlns:rpm=\"{RPM}\""),
        _ => String::new(),
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{} xmlns=\"{}\"{rpm} packages=\"{packages}\">\n",
        kind.root(),
        kind.namespace(),
    )
    .into_bytes()
}

/// End of the root element.
pub fn close_tag(kind: MetadataKind) -> &'static [u8] {
    match kind {
        MetadataKind::Primary => b"</metadata>\n",
        MetadataKind::Filelists => b"</filelists>\n",
        MetadataKind::FilelistsExt => b"</filelists-ext>\n",
        MetadataKind::Other => b"</otherdata>\n",
    }
}
