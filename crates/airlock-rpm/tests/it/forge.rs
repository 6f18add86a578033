//! Makes packages byte by byte: sound ones, and ones that no builder would write.

use airlock_rpm::PackageHead;
use airlock_rpm::header::{Header, Kind};
use sha2::{Digest, Sha256};

pub const INT8: u32 = 2;
pub const INT16: u32 = 3;
pub const INT32: u32 = 4;
pub const INT64: u32 = 5;
pub const TEXT: u32 = 6;
pub const BINARY: u32 = 7;
pub const TEXT_ARRAY: u32 = 8;
pub const TRANSLATED: u32 = 9;

#[derive(Clone)]
pub struct Item {
    pub tag: u32,
    pub kind: u32,
    pub count: u32,
    pub data: Vec<u8>,
}

/// A header to be.
#[derive(Clone, Default)]
pub struct Forge {
    pub items: Vec<Item>,
    /// Tag of the region, 0 for none.
    pub region: u32,
}

impl Forge {
    pub fn new(region: u32) -> Self {
        Self {
            items: Vec::new(),
            region,
        }
    }

    /// Takes a header apart again.
    pub fn from_header(header: &Header) -> Self {
        let bytes = header.as_bytes();
        let data_start = 16 + 16 * header.entries().len();
        let mut forge = Self::default();
        for entry in header.entries() {
            if entry.tag < 100 {
                forge.region = entry.tag;
                continue;
            }
            let data = &bytes[data_start + entry.offset as usize..];
            let (kind, length) = match entry.kind {
                Kind::Char => (1, entry.count as usize),
                Kind::Int8 => (INT8, entry.count as usize),
                Kind::Int16 => (INT16, 2 * entry.count as usize),
                Kind::Int32 => (INT32, 4 * entry.count as usize),
                Kind::Int64 => (INT64, 8 * entry.count as usize),
                Kind::Binary => (BINARY, entry.count as usize),
                Kind::Text => (TEXT, strings_length(data, entry.count)),
                Kind::TextArray => (TEXT_ARRAY, strings_length(data, entry.count)),
                Kind::Translated => (TRANSLATED, strings_length(data, entry.count)),
            };
            forge.items.push(Item {
                tag: entry.tag,
                kind,
                count: entry.count,
                data: data[..length].to_vec(),
            });
        }
        forge
    }

    /// Sets a tag, in place if it is there, else where it belongs in the order.
    pub fn raw(&mut self, tag: u32, kind: u32, count: u32, data: Vec<u8>) -> &mut Self {
        let item = Item {
            tag,
            kind,
            count,
            data,
        };
        match self.items.binary_search_by_key(&tag, |item| item.tag) {
            Ok(at) => self.items[at] = item,
            Err(at) => self.items.insert(at, item),
        }
        self
    }

    pub fn text(&mut self, tag: u32, text: impl AsRef<[u8]>) -> &mut Self {
        let mut data = text.as_ref().to_vec();
        data.push(0);
        self.raw(tag, TEXT, 1, data)
    }

    pub fn texts<T: AsRef<[u8]>>(&mut self, tag: u32, texts: &[T]) -> &mut Self {
        let mut data = Vec::new();
        for text in texts {
            data.extend_from_slice(text.as_ref());
            data.push(0);
        }
        self.raw(tag, TEXT_ARRAY, texts.len() as u32, data)
    }

    pub fn int16(&mut self, tag: u32, numbers: &[u16]) -> &mut Self {
        let data = numbers.iter().flat_map(|n| n.to_be_bytes()).collect();
        self.raw(tag, INT16, numbers.len() as u32, data)
    }

    pub fn int32(&mut self, tag: u32, numbers: &[u32]) -> &mut Self {
        let data = numbers.iter().flat_map(|n| n.to_be_bytes()).collect();
        self.raw(tag, INT32, numbers.len() as u32, data)
    }

    pub fn int64(&mut self, tag: u32, numbers: &[u64]) -> &mut Self {
        let data = numbers.iter().flat_map(|n| n.to_be_bytes()).collect();
        self.raw(tag, INT64, numbers.len() as u32, data)
    }

    pub fn binary(&mut self, tag: u32, data: &[u8]) -> &mut Self {
        self.raw(tag, BINARY, data.len() as u32, data.to_vec())
    }

    pub fn without(&mut self, tag: u32) -> &mut Self {
        self.items.retain(|item| item.tag != tag);
        self
    }

    /// The header, magic first.
    pub fn bytes(&self) -> Vec<u8> {
        let (mut index, mut data) = (Vec::new(), Vec::new());
        for item in &self.items {
            let align = match item.kind {
                INT16 => 2,
                INT32 => 4,
                INT64 => 8,
                _ => 1,
            };
            while !data.len().is_multiple_of(align) {
                data.push(0);
            }
            index.extend(entry(item.tag, item.kind, data.len() as u32, item.count));
            data.extend_from_slice(&item.data);
        }
        if self.region != 0 {
            let total = self.items.len() as u32 + 1;
            let trailer = data.len() as u32;
            let mut first = entry(self.region, BINARY, trailer, 16);
            first.extend(index);
            index = first;
            data.extend(entry(self.region, BINARY, (total * 16).wrapping_neg(), 16));
        }
        header(&index, &data)
    }
}

fn strings_length(data: &[u8], count: u32) -> usize {
    let mut ends = data.iter().enumerate().filter(|(_, byte)| **byte == 0);
    ends.nth(count as usize - 1).unwrap().0 + 1
}

pub fn entry(tag: u32, kind: u32, offset: u32, count: u32) -> Vec<u8> {
    [tag, kind, offset, count]
        .iter()
        .flat_map(|n| n.to_be_bytes())
        .collect()
}

/// A header out of index and data, with true sizes.
pub fn header(index: &[u8], data: &[u8]) -> Vec<u8> {
    header_claiming(index.len() as u32 / 16, data.len() as u32, index, data)
}

/// A header that claims any sizes.
pub fn header_claiming(entries: u32, size: u32, index: &[u8], data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0];
    bytes.extend(entries.to_be_bytes());
    bytes.extend(size.to_be_bytes());
    bytes.extend_from_slice(index);
    bytes.extend_from_slice(data);
    bytes
}

pub fn lead() -> Vec<u8> {
    let mut lead = vec![0; 96];
    lead[..4].copy_from_slice(&[0xed, 0xab, 0xee, 0xdb]);
    lead[4] = 3;
    lead[9] = 1;
    lead[10..18].copy_from_slice(b"demo-1-1");
    lead[77] = 1;
    lead[79] = 5;
    lead
}

/// Lead, signature header, padding, main header, payload.
pub fn package(signature: &[u8], main: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut bytes = lead();
    bytes.extend_from_slice(signature);
    while !bytes.len().is_multiple_of(8) {
        bytes.push(0);
    }
    bytes.extend_from_slice(main);
    bytes.extend_from_slice(payload);
    bytes
}

pub const PAYLOAD: &[u8] = b"not an archive, but nobody looks";

/// A small sound main header with two files and a few dependencies.
pub fn main_header() -> Forge {
    let mut forge = Forge::new(63);
    forge
        .texts(100, &["C"])
        .text(1000, "demo")
        .text(1001, "1.0")
        .text(1002, "1")
        .raw(1004, TRANSLATED, 1, b"A demo\0".to_vec())
        .int32(1006, &[1_700_000_000])
        .int32(1009, &[42])
        .text(1014, "MIT")
        .text(1022, "noarch")
        .int32(1028, &[12, 30])
        .int16(1030, &[0o100_644, 0o040_755])
        .int32(1034, &[1, 2])
        .texts(1035, &["00", ""])
        .texts(1036, &["", ""])
        .int32(1037, &[1, 0])
        .texts(1039, &["root", "root"])
        .texts(1040, &["root", "root"])
        .text(1044, "demo-1.0-1.src.rpm")
        .texts(1047, &["demo"])
        .int32(1048, &[0, 1 << 24 | 10])
        .texts(1049, &["/bin/sh", "rpmlib(CompressedFileNames)"])
        .texts(1050, &["", "3.0.4-1"])
        .int32(1112, &[8])
        .texts(1113, &["1.0-1"])
        .int32(1116, &[0, 1])
        .texts(1117, &["demo.conf", "demo"])
        .texts(1118, &["/etc/", "/usr/share/"])
        .text(1124, "cpio")
        .text(1125, "zstd");
    forge.texts(5092, &[hex::encode(Sha256::digest(PAYLOAD))]);
    forge.int32(5093, &[8]);
    forge
}

/// A signature header with the digest of the main header.
pub fn signature_header(main: &[u8]) -> Forge {
    let mut forge = Forge::new(62);
    forge.text(273, hex::encode(Sha256::digest(main)));
    forge
}

/// A sound package around a main header.
pub fn around(main: &Forge) -> Vec<u8> {
    let main = main.bytes();
    package(&signature_header(&main).bytes(), &main, PAYLOAD)
}

pub fn sound() -> Vec<u8> {
    around(&main_header())
}

/// The same package with another signature header.
pub fn with_signature_header(package_bytes: &[u8], head: &PackageHead, forge: &Forge) -> Vec<u8> {
    let range = head.header_range.clone();
    let mut bytes = package_bytes[..96].to_vec();
    bytes.extend(forge.bytes());
    while !bytes.len().is_multiple_of(8) {
        bytes.push(0);
    }
    bytes.extend_from_slice(&package_bytes[range.start as usize..]);
    bytes
}

#[test]
fn a_forged_package_is_sound() {
    let bytes = sound();
    let mut reader = &bytes[..];
    let head = airlock_rpm::read_package(&mut reader).unwrap();
    assert_eq!(reader, PAYLOAD);
    let package = airlock_rpm::Package::new(&head).unwrap();
    assert_eq!(package.nevra().to_string(), "demo-1.0-1.noarch");
    let paths: Vec<String> = package.files().map(|f| f.path().into_owned()).collect();
    assert_eq!(paths, ["/etc/demo.conf", "/usr/share/demo"]);
    let report = airlock_rpm::digest::check(&head, &mut reader).unwrap();
    assert!(report.is_complete(), "{report:?}");
    let again = Forge::from_header(&head.header).bytes();
    assert_eq!(again, head.header.as_bytes());
}
