//! Forging a repository: contents that lie, behind checksums and sizes that are right.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use airlock_content::checksum::sha256_hex;
use airlock_repodata::Checksum;
use airlock_repodata::Limits;
use airlock_repodata::compress::{Format, Writer, open_path};
use airlock_repodata::repomd::{Record, Repomd};
use airlock_testkit::http::HttpServer;

/// A repository that is being made hostile, and the server in front of it.
pub struct Forge<'a> {
    pub folder: PathBuf,
    pub server: &'a HttpServer,
}

impl Forge<'_> {
    pub fn repomd(&self) -> Repomd {
        Repomd::parse(&std::fs::read(self.folder.join("repodata/repomd.xml")).unwrap()).unwrap()
    }

    /// Changes `repomd.xml` as text, to whatever it may not be.
    pub fn repomd_text(&self, change: impl FnOnce(String) -> String) {
        let path = self.folder.join("repodata/repomd.xml");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, change(text)).unwrap();
    }

    pub fn href(&self, kind: &str) -> String {
        self.repomd().record(kind).unwrap().href.clone()
    }

    /// The path of a metadata file at the server.
    pub fn url_path(&self, kind: &str) -> String {
        format!("/{}", self.href(kind))
    }

    pub fn file(&self, kind: &str) -> PathBuf {
        self.folder.join(self.href(kind))
    }

    pub fn text(&self, kind: &str) -> String {
        let mut text = String::new();
        open_path(&self.file(kind), &Limits::default())
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        text
    }

    /// Changes what `repomd.xml` says of a file.
    pub fn record(&self, kind: &str, change: impl FnOnce(&mut Record)) {
        let mut repomd = self.repomd();
        change(repomd.records.iter_mut().find(|r| r.kind == kind).unwrap());
        std::fs::write(self.folder.join("repodata/repomd.xml"), repomd.to_xml()).unwrap();
    }

    /// Puts stored bytes in a file's place; checksum and size are right, and `open_size` is what is declared.
    pub fn stored(&self, kind: &str, name: &str, bytes: &[u8], open_size: Option<u64>) {
        let href = format!("repodata/{name}");
        std::fs::write(self.folder.join(&href), bytes).unwrap();
        self.record(kind, |record| {
            record.checksum = Checksum::new("sha256", &sha256_hex(bytes)).unwrap();
            record.open_checksum = None;
            record.size = Some(bytes.len() as u64);
            record.open_size = open_size;
            record.href = href;
        });
    }

    /// Puts opened bytes in a file's place, compressed, with nothing wrong about size and checksum.
    pub fn opened(&self, kind: &str, bytes: &[u8]) {
        self.stored(
            kind,
            &format!("{kind}.gz"),
            &compressed(Format::Gz, bytes),
            Some(bytes.len() as u64),
        );
    }

    /// Replaces the first `from` in a metadata file.
    #[track_caller]
    pub fn replace(&self, kind: &str, from: &str, to: &str) {
        let text = self.text(kind);
        assert!(text.contains(from), "{kind} does not hold {from}: {text}");
        self.opened(kind, text.replacen(from, to, 1).as_bytes());
    }

    /// Puts bytes in a package file's place, with the checksum and size that metadata gives it.
    #[track_caller]
    pub fn package(&self, name: &str, bytes: &[u8]) {
        let path = self.package_path(name);
        let old = std::fs::read(&path).unwrap();
        let (was, is) = (sha256_hex(&old), sha256_hex(bytes));
        for kind in ["primary", "filelists", "other"] {
            let text = self.text(kind).replace(&was, &is);
            let text = text.replace(
                &format!("<size package=\"{}\"", old.len()),
                &format!("<size package=\"{}\"", bytes.len()),
            );
            assert!(text.contains(&is), "{kind} knows {name}");
            self.opened(kind, text.as_bytes());
        }
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, bytes).unwrap();
    }

    #[track_caller]
    pub fn package_path(&self, name: &str) -> PathBuf {
        airlock_testkit::repos::packages_below(&self.folder)
            .into_iter()
            .find(|path| {
                path.file_name()
                    .is_some_and(|n| n.to_string_lossy().starts_with(name))
            })
            .unwrap_or_else(|| panic!("no package {name}"))
    }

    /// The path of a package at the server.
    #[track_caller]
    pub fn package_url(&self, name: &str) -> String {
        let path = self.package_path(name);
        format!("/{}", path.strip_prefix(&self.folder).unwrap().display())
    }
}

/// Bytes in a format.
pub fn compressed(format: Format, bytes: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new(format, Some(1), Vec::new()).unwrap();
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// So many zeros in a format.
pub fn bomb(format: Format, megabytes: usize) -> Vec<u8> {
    let mut writer = Writer::new(format, None, Vec::new()).unwrap();
    let piece = vec![b' '; 1 << 20];
    for _ in 0..megabytes {
        writer.write_all(&piece).unwrap();
    }
    writer.finish().unwrap()
}

/// A zstd frame that wants a window of a gigabyte.
pub fn zstd_window() -> Vec<u8> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(30).unwrap();
    encoder.write_all(b"<metadata/>").unwrap();
    encoder.flush().unwrap();
    encoder.write_all(b"\n").unwrap();
    encoder.finish().unwrap()
}

/// An xz block that wants a dictionary of four gigabytes.
pub fn xz_dictionary() -> Vec<u8> {
    let mut bytes = compressed(Format::Xz, b"<metadata/>");
    // Behind the stream header of 12 bytes: size of the block header, flags, then the LZMA2 filter (0x21, one byte of
    // properties: the dictionary's size), padding, CRC32.
    let length = (usize::from(bytes[12]) + 1) * 4;
    let at = bytes[12..12 + length]
        .windows(2)
        .position(|pair| pair == [0x21, 1])
        .unwrap();
    bytes[12 + at + 2] = 40;
    let mut crc = flate2::Crc::new();
    crc.update(&bytes[12..12 + length - 4]);
    bytes[12 + length - 4..12 + length].copy_from_slice(&crc.sum().to_le_bytes());
    bytes
}
