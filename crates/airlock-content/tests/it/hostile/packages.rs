//! Rows about what primary, filelists and other say of packages.

use super::forge::compressed;
use super::{Case, case};
use airlock_repodata::compress::Format;

pub fn cases() -> Vec<Case> {
    let mut cases = elements();
    cases.extend(locations());
    cases.extend(sizes());
    cases
}

fn elements() -> Vec<Case> {
    vec![
        case(
            "tags that do not fit",
            ["primary.xml, line 4", "</nmae> closes <name>"],
            |up| {
                up.replace("primary", "</name>", "</nmae>");
            },
        ),
        case(
            "a file that stops in the middle",
            [
                "filelists.xml",
                "the file ends before its root element is closed",
            ],
            |up| {
                let text = up.text("filelists");
                up.opened("filelists", &text.as_bytes()[..text.len() / 2]);
            },
        ),
        case("another document", ["primary.xml, line 1", "html"], |up| {
            up.opened("primary", b"<html><body>Please log in</body></html>");
        }),
        case(
            "an entity that nobody defines",
            ["primary.xml", "undefined entity near '&evil;"],
            |up| {
                up.replace("primary", "<packager>", "<packager>&evil;");
            },
        ),
        case("an entity bomb", ["primary.xml", "document type"], |up| {
            up.replace(
                "primary",
                "<metadata",
                "<!DOCTYPE m [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><metadata",
            );
        }),
        case(
            "an entity that reads a file",
            ["other.xml", "document type"],
            |up| {
                up.replace(
                    "other",
                    "<otherdata",
                    "<!DOCTYPE m [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><otherdata",
                );
            },
        ),
        case(
            "a hundred thousand levels",
            [
                "primary.xml",
                "the depth of elements is larger than the limit of 64",
            ],
            |up| {
                up.replace("primary", "<packager>", &"<x>".repeat(100_000));
            },
        ),
        case(
            "an attribute of a megabyte",
            [
                "primary.xml",
                "an attribute is larger than the limit of 65536",
            ],
            |up| {
                up.replace(
                    "primary",
                    "href=\"",
                    &format!("href=\"{}", "a/".repeat(1 << 19)),
                );
            },
        ),
        case(
            "a text of 17 megabytes",
            ["primary.xml", "text is larger than the limit of 16777216"],
            |up| {
                // Not all the same letter: that would be a bomb.
                let text: String = (0..2_000_000_u32).map(|n| format!("{n:08x} ")).collect();
                up.replace("primary", "<packager>", &format!("<packager>{text}"));
            },
        ),
        case(
            "more files than anybody has",
            ["filelists.xml", "an element is larger than the limit of"],
            |up| {
                let text = up.text("filelists");
                let (head, tail) = text.split_at(text.find("<file>").unwrap());
                let mut files = Vec::with_capacity(160 << 20);
                files.extend_from_slice(head.as_bytes());
                let mut line = *b"<file>/usr/share/a/00000000</file>\n";
                for n in 0..4_500_000_u32 {
                    for (place, digit) in line[19..27].iter_mut().enumerate() {
                        *digit = b"0123456789abcdef"[(n >> (28 - 4 * place) & 15) as usize];
                    }
                    files.extend_from_slice(&line);
                }
                files.extend_from_slice(tail.as_bytes());
                up.opened("filelists", &files);
            },
        ),
        case(
            "bytes that are no text",
            [
                "primary.xml",
                "the text is not valid in its character encoding",
            ],
            |up| {
                let text = up.text("primary");
                let at = text.find("</summary>").unwrap();
                let mut bytes = text.into_bytes();
                bytes[at - 1] = 0xff;
                up.opened("primary", &bytes);
            },
        ),
        case(
            "an encoding that is not spoken",
            ["other.xml", "encoding"],
            |up| {
                up.replace("other", "encoding=\"UTF-8\"", "encoding=\"UTF-7\"");
            },
        ),
        case(
            "an epoch below zero",
            ["primary.xml", "epoch is '-1'"],
            |up| {
                up.replace("primary", "epoch=\"0\"", "epoch=\"-1\"");
            },
        ),
        case(
            "a size beyond 64 bits",
            [
                "primary.xml",
                "'18446744073709551616', which is not a usable number",
            ],
            |up| {
                up.replace(
                    "primary",
                    "<size package=\"",
                    "<size package=\"18446744073709551616\" was=\"",
                );
            },
        ),
        case(
            "package sizes whose sum overflows",
            [
                "meadow-base needs 18446744073709551615 bytes",
                "(--min-free)",
            ],
            |up| {
                let text = up.text("primary");
                let huge = "<size package=\"9223372036854775807\" was=\"";
                up.opened("primary", text.replace("<size package=\"", huge).as_bytes());
            },
        ),
        case(
            "a size beyond what a file can have",
            [
                "primary.xml",
                "'9223372036854775808', which is not a usable number",
            ],
            |up| {
                up.replace(
                    "primary",
                    "<size package=\"",
                    "<size package=\"9223372036854775808\" was=\"",
                );
            },
        ),
        case(
            "a package without a checksum",
            ["primary.xml", "<checksum> is missing"],
            |up| {
                let text = up.text("primary");
                let start = text.find("<checksum").unwrap();
                let end = start + text[start..].find("</checksum>").unwrap() + "</checksum>".len();
                up.opened(
                    "primary",
                    format!("{}{}", &text[..start], &text[end..]).as_bytes(),
                );
            },
        ),
        case(
            "a package whose checksum is a path",
            ["../../../etc/passwd", "which is none"],
            |up| {
                let text = up.text("primary");
                let start = text.find("pkgid=\"YES\">").unwrap() + "pkgid=\"YES\">".len();
                let end = start + 64;
                up.opened(
                    "primary",
                    format!("{}../../../etc/passwd{}", &text[..start], &text[end..]).as_bytes(),
                );
            },
        ),
        case(
            "a package of an unknown checksum type",
            [
                "package example-release has the checksum crc32",
                "which is none",
            ],
            |up| {
                up.replace(
                    "primary",
                    "<checksum type=\"sha256\"",
                    "<checksum type=\"crc32\"",
                );
            },
        ),
        case(
            "files about a package that is not listed, none about one that is",
            ["stands in primary but", "not in filelists"],
            |up| {
                let text = up.text("filelists");
                let at = text.find("pkgid=\"").unwrap() + 7;
                up.opened(
                    "filelists",
                    format!("{}{}{}", &text[..at], "0".repeat(64), &text[at + 64..]).as_bytes(),
                );
            },
        ),
    ]
}

fn locations() -> Vec<Case> {
    vec![
        case(
            "a package above the tree",
            [
                "location '../../evil.rpm'",
                "it leaves the repository by '..'",
            ],
            |up| {
                up.replace(
                    "primary",
                    "<location href=\"",
                    "<location href=\"../../evil.rpm\" was=\"",
                );
            },
        ),
        case(
            "a package above the tree, in other words",
            [
                "location 'a/%2e%2e/%2E%2E/evil.rpm'",
                "it leaves the repository by '..'",
            ],
            |up| {
                up.replace(
                    "primary",
                    "<location href=\"",
                    "<location href=\"a/%2e%2e/%2E%2E/evil.rpm\" was=\"",
                );
            },
        ),
        case(
            "a package anywhere on disk",
            ["location '/etc/shadow'", "it is absolute"],
            |up| {
                up.replace(
                    "primary",
                    "<location href=\"",
                    "<location href=\"/etc/shadow\" was=\"",
                );
            },
        ),
        case(
            "a package by a URL of its own",
            ["location 'file:///etc/shadow'", "it is a URL"],
            |up| {
                up.replace(
                    "primary",
                    "<location href=\"",
                    "<location href=\"file:///etc/shadow\" was=\"",
                );
            },
        ),
        case(
            "a base on this machine",
            [
                "primary.xml",
                "xml:base is no http, https, ftp or media URL",
            ],
            |up| {
                up.replace(
                    "primary",
                    "<location href=\"",
                    "<location xml:base=\"file:///etc/\" href=\"",
                );
            },
        ),
        case(
            "a base at the metadata service of a cloud",
            ["http://169.254.169.254/", "a link-local address"],
            |up| {
                up.replace("primary", "<location href=\"Packages/h/hello-1.1", "<location xml:base=\"http://169.254.169.254/latest\" href=\"Packages/h/hello-1.1");
            },
        ),
        case(
            "a name with a line end",
            ["primary.xml", "it has control characters"],
            |up| {
                up.replace(
                    "primary",
                    "<location href=\"",
                    "<location href=\"a&#10;b.rpm\" was=\"",
                );
            },
        ),
        case("a backslash", ["primary.xml", "it has a backslash"], |up| {
            up.replace(
                "primary",
                "<location href=\"",
                "<location href=\"..\\evil.rpm\" was=\"",
            );
        }),
    ]
}

/// Compressed files that open to more or less than they should.
fn sizes() -> Vec<Case> {
    use super::forge::{bomb, xz_dictionary, zstd_window};
    const BOMB: &str = "looks like a decompression bomb";
    vec![
        case(
            "a gzip bomb that nobody declared",
            ["repodata/bomb-primary.gz", BOMB],
            |up| {
                up.stored("primary", "bomb-primary.gz", &bomb(Format::Gz, 32), None);
            },
        ),
        case(
            "an xz bomb that is declared",
            ["repodata/bomb-filelists.xz", BOMB],
            |up| {
                up.stored(
                    "filelists",
                    "bomb-filelists.xz",
                    &bomb(Format::Xz, 32),
                    Some(32 << 20),
                );
            },
        ),
        case("a zstd bomb", ["repodata/bomb-other.zst", BOMB], |up| {
            up.stored("other", "bomb-other.zst", &bomb(Format::Zstd, 32), None);
        }),
        case(
            "a bzip2 bomb",
            ["repodata/bomb-updateinfo.bz2", BOMB],
            |up| {
                up.stored(
                    "updateinfo",
                    "bomb-updateinfo.bz2",
                    &bomb(Format::Bz2, 32),
                    None,
                );
            },
        ),
        case("a zchunk bomb", ["repodata/bomb-primary.zck", BOMB], |up| {
            up.stored(
                "primary",
                "bomb-primary.zck",
                &bomb(Format::Zchunk, 32),
                None,
            );
        }),
        case(
            "modules that are a bomb",
            ["repodata/bomb-modules.yaml.gz", BOMB],
            |up| {
                up.stored(
                    "modules",
                    "bomb-modules.yaml.gz",
                    &bomb(Format::Gz, 32),
                    Some(32 << 20),
                );
            },
        ),
        case(
            "more than is declared",
            [
                "-primary.xml.gz",
                "bigger than its declared or allowed open size",
            ],
            |up| {
                up.record("primary", |record| record.open_size = Some(100));
            },
        ),
        case(
            "less than is declared",
            ["-other.xml.gz", "smaller than its declared open size"],
            |up| {
                up.record("other", |record| record.open_size = Some(1 << 40));
            },
        ),
        case(
            "a zstd window of a gigabyte",
            ["repodata/window.zst", "damaged zstd data"],
            |up| {
                up.stored("primary", "window.zst", &zstd_window(), None);
            },
        ),
        case(
            "an xz dictionary of four gigabytes",
            ["repodata/dictionary.xz", "damaged xz data"],
            |up| {
                up.stored("primary", "dictionary.xz", &xz_dictionary(), None);
            },
        ),
        case(
            "gzip that is damaged inside",
            ["repodata/damaged.gz", "damaged gzip data"],
            |up| {
                let mut bytes = compressed(Format::Gz, up.text("filelists").as_bytes());
                let middle = bytes.len() / 2;
                bytes[middle..middle + 8].fill(0xff);
                up.stored("filelists", "damaged.gz", &bytes, None);
            },
        ),
        case(
            "a zchunk header with a lying length",
            ["repodata/header.zck", "damaged zchunk data"],
            |up| {
                let mut bytes = b"\0ZCK1\x81".to_vec();
                bytes.extend_from_slice(&[0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0xff]);
                bytes.extend_from_slice(&[0; 64]);
                up.stored("primary", "header.zck", &bytes, None);
            },
        ),
    ]
}
