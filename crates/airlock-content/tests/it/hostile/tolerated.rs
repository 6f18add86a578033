//! Rows that a sync gets by with: one package less, or a warning.

use airlock_testkit::hostile::lying_rpm_headers;
use airlock_testkit::rpms::Rpm;

use super::forge::Forge;
use super::{Case, case};

const HELLO: &str = "hello-1.0-1.noarch.rpm";

pub fn cases() -> Vec<Case> {
    vec![
        // First, while the package was not looked into yet.
        case(
            "a dependency that only the metadata has",
            [
                "hello-1.0-1.noarch.rpm",
                "the upstream's metadata has requires \"evil\"",
            ],
            |up| {
                let text = up.text("primary");
                let at = text.find("<name>hello</name>").unwrap();
                let at = at + text[at..].find("<rpm:header-range").unwrap();
                let extra = "<rpm:requires><rpm:entry name=\"evil\"/></rpm:requires>";
                up.opened(
                    "primary",
                    format!("{}{extra}{}", &text[..at], &text[at..]).as_bytes(),
                );
            },
        ),
        case(
            "no filelists",
            ["has no filelists", "that part is empty"],
            |up| {
                up.record("filelists", |record| record.kind = "filelist".to_owned());
            },
        ),
        case("no other", ["has no other", "that part is empty"], |up| {
            up.record("other", |record| record.kind = "others".to_owned());
        }),
        case(
            "a package that is listed twice",
            ["hello", "is listed twice; the first entry counts"],
            |up| {
                let text = up.text("primary");
                let at = text.find("<name>hello</name>").unwrap();
                let start = text[..at].rfind("<package").unwrap();
                let end = at + text[at..].find("</package>").unwrap() + "</package>".len();
                let twice = format!("{}\n{}{}", &text[..end], &text[start..end], &text[end..]);
                up.opened("primary", twice.as_bytes());
            },
        ),
        case(
            "a count of packages that lies",
            ["primary.xml", "says that it lists 999 packages"],
            |up| {
                let text = up.text("primary");
                let start = text.find("packages=\"").unwrap() + 10;
                let end = start + text[start..].find('"').unwrap();
                up.opened(
                    "primary",
                    format!("{}999{}", &text[..start], &text[end..]).as_bytes(),
                );
            },
        ),
        case(
            "files about packages that nobody lists",
            ["filelists describes", "packages, primary"],
            |up| {
                let text = up.text("filelists");
                let start = text.find("<package").unwrap();
                let end = start + text[start..].find("</package>").unwrap() + "</package>".len();
                let element = text[start..end].to_owned();
                let at = element.find("pkgid=\"").unwrap() + 7;
                let foreign = format!(
                    "{}{}{}",
                    &element[..at],
                    "0".repeat(64),
                    &element[at + 64..]
                );
                up.opened(
                    "filelists",
                    format!("{}{foreign}{}", &text[..start], &text[start..]).as_bytes(),
                );
            },
        ),
        case("characters that XML does not have", ["", ""], |up| {
            up.replace(
                "primary",
                "<summary>",
                "<summary>\u{0}\u{1}\u{1b}[31m&#0;&#x1F;",
            );
        }),
        case(
            "an RPM of a lying lead",
            [HELLO, "the signature header is empty"],
            |up| {
                up.package("hello-1.0", &lying_rpm_headers()[0].bytes);
            },
        ),
        case(
            "an RPM header of 268 million entries",
            [HELLO, "entries"],
            |up| {
                up.package("hello-1.0", &header(up, 8, 0x1000_0001));
            },
        ),
        case(
            "an RPM header of four gigabytes",
            [HELLO, "bytes of data"],
            |up| {
                up.package("hello-1.0", &header(up, 12, 0xffff_fff0));
            },
        ),
        case(
            "an RPM header that points outside",
            [HELLO, "offset"],
            |up| {
                up.package("hello-1.0", &header(up, 16 + 16 + 8, 0x00ff_ffff));
            },
        ),
        case(
            "an RPM header whose array has four billion members",
            [HELLO, "count"],
            |up| {
                up.package("hello-1.0", &header(up, 16 + 16 + 12, 0xffff_fff0));
            },
        ),
        case(
            "an RPM whose payload was changed behind the signature of its header",
            [HELLO, "payload"],
            |up| {
                let mut bytes = std::fs::read(up.package_path("hello-1.0")).unwrap();
                let last = bytes.len() - 9;
                bytes[last] ^= 1;
                up.package("hello-1.0", &bytes);
            },
        ),
        case("a page in an RPM's place", [HELLO, "an HTML page"], |up| {
            up.package("hello-1.0", b"<html><body>Please log in</body></html>");
        }),
        case("half an RPM", [HELLO, "ends"], |up| {
            let bytes = std::fs::read(up.package_path("hello-1.0")).unwrap();
            up.package("hello-1.0", &bytes[..bytes.len() / 2]);
        }),
        case(
            "another package than the metadata says",
            [
                "the upstream's metadata calls it hello-0:1.0-1.noarch",
                "but the file is evil-1.0-1.noarch",
            ],
            |up| {
                up.package("hello-1.0", &Rpm::new("evil", "1.0", "1").bytes());
            },
        ),
        case(
            "a tree that names files above it",
            [
                ".treeinfo cannot be read, so the tree is left out",
                "it leaves the repository by '..'",
            ],
            |up| {
                std::fs::write(
                    up.folder.join(".treeinfo"),
                    "[general]\nfamily = X\n[images-x86_64]\nkernel = ../../../etc/shadow\n",
                )
                .unwrap();
            },
        ),
        case(
            "a tree that checks files above it",
            [
                ".treeinfo cannot be read, so the tree is left out",
                "location '/etc/shadow'",
            ],
            |up| {
                std::fs::write(
                    up.folder.join(".treeinfo"),
                    format!("[checksums]\n/etc/shadow = sha256:{}\n", "0".repeat(64)),
                )
                .unwrap();
            },
        ),
        case(
            "a tree whose files are not there",
            ["the installation tree is left out", "HTTP status 404"],
            |up| {
                std::fs::write(
                    up.folder.join(".treeinfo"),
                    "[images-x86_64]\nkernel = images/vmlinuz\n",
                )
                .unwrap();
            },
        ),
        case(
            "modules with an alias bomb, which nobody here reads",
            ["", ""],
            |up| {
                let mut text = "---\na0: &a0 [x, x]\n".to_owned();
                for n in 1..40 {
                    text.push_str(&format!("a{n}: &a{n} [*a{}, *a{}]\n", n - 1, n - 1));
                }
                up.opened("modules", text.as_bytes());
            },
        ),
    ]
}

/// The package hello with another word in its main header, so many bytes behind that header's start.
fn header(up: &Forge<'_>, at: usize, word: u32) -> Vec<u8> {
    let mut bytes = std::fs::read(up.package_path("hello-1.0")).unwrap();
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    // Lead, signature header (intro, entries of 16 bytes, data), padding to eight bytes.
    let main = (96 + 16 + 16 * number(96 + 8) + number(96 + 12)).next_multiple_of(8);
    assert_eq!(bytes[main..main + 4], [0x8e, 0xad, 0xe8, 1]);
    bytes[main + at..main + at + 4].copy_from_slice(&word.to_be_bytes());
    bytes
}
