//! Rows about `repomd.xml`, updateinfo and the files that are carried along.

use super::{Case, case};

pub fn cases() -> Vec<Case> {
    let mut cases = repomd();
    cases.extend(records());
    cases.extend(others());
    cases
}

fn repomd() -> Vec<Case> {
    vec![
        case(
            "an empty repomd.xml",
            [
                "repomd.xml, line 1",
                "the file ends before its root element is closed",
            ],
            |up| {
                up.repomd_text(|_| String::new());
            },
        ),
        case("a page of a login", ["repomd.xml, line 1", "html"], |up| {
            up.repomd_text(|_| "<html><body>Please log in</body></html>".to_owned());
        }),
        case(
            "a repomd.xml that stops in the middle",
            [
                "repomd.xml, line",
                "the file ends before its root element is closed",
            ],
            |up| {
                up.repomd_text(|text| text[..text.len() / 2].to_owned());
            },
        ),
        case("a document type", ["repomd.xml", "document type"], |up| {
            up.repomd_text(|text| {
                text.replacen(
                    "<repomd",
                    "<!DOCTYPE r [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]><repomd",
                    1,
                )
            });
        }),
        case(
            "an undefined entity",
            ["repomd.xml", "undefined entity near '&b;"],
            |up| {
                up.repomd_text(|text| text.replacen("<revision>", "<revision>&b;", 1));
            },
        ),
        case(
            "a hundred thousand levels",
            [
                "repomd.xml",
                "the depth of elements is larger than the limit of 64",
            ],
            |up| {
                up.repomd_text(|text| text.replacen("<revision>", &"<a>".repeat(100_000), 1));
            },
        ),
        case(
            "a hundred thousand records",
            [
                "repomd.xml",
                "the number of records is larger than the limit of 1000",
            ],
            |up| {
                up.repomd_text(|text| {
                    let start = text.find("<data").unwrap();
                    let end = text.find("</data>").unwrap() + "</data>".len();
                    let other = text[start..end].replacen("type=\"", "type=\"x", 1);
                    text.replacen(
                        "</repomd>",
                        &format!("{}</repomd>", other.repeat(20_000)),
                        1,
                    )
                });
            },
        ),
        case(
            "bytes that are no text",
            [
                "repomd.xml",
                "the text is not valid in its character encoding",
            ],
            |up| {
                let path = up.folder.join("repodata/repomd.xml");
                let mut bytes = std::fs::read(&path).unwrap();
                let at = bytes.windows(10).position(|w| w == b"<revision>").unwrap() + 10;
                bytes[at] = 0xff;
                std::fs::write(&path, bytes).unwrap();
            },
        ),
        case(
            "something behind the end",
            ["repomd.xml", "behind the"],
            |up| {
                up.repomd_text(|text| format!("{text}<repomd/>"));
            },
        ),
    ]
}

fn records() -> Vec<Case> {
    vec![
        case(
            "no primary",
            ["repomd.xml", "<data type=\"primary\"> is missing"],
            |up| {
                up.record("primary", |record| record.kind = "primari".to_owned());
            },
        ),
        case(
            "two primaries",
            ["repomd.xml", "the record of type primary is there twice"],
            |up| {
                up.record("other", |record| record.kind = "primary".to_owned());
            },
        ),
        case(
            "a file above the tree",
            [
                "location '../../primary.xml.gz'",
                "it leaves the repository by '..'",
            ],
            |up| {
                up.record("primary", |record| {
                    record.href = "../../primary.xml.gz".to_owned()
                });
            },
        ),
        case(
            "a file anywhere on disk",
            ["location '/etc/passwd'", "it is absolute"],
            |up| {
                up.record("filelists", |record| record.href = "/etc/passwd".to_owned());
            },
        ),
        case(
            "modules above the tree",
            [
                "location 'repodata/%2e%2e/%2e%2e/modules.yaml'",
                "it leaves the repository by '..'",
            ],
            |up| {
                up.record("modules", |record| {
                    record.href = "repodata/%2e%2e/%2e%2e/modules.yaml".to_owned()
                });
            },
        ),
        case(
            "a file by a URL of its own",
            [
                "location 'file:///etc/passwd'",
                "only paths inside the repository are allowed",
            ],
            |up| {
                up.record("other", |record| {
                    record.href = "file:///etc/passwd".to_owned()
                });
            },
        ),
        case(
            "a base on this machine",
            [
                "location 'file:///etc/'",
                "xml:base is no http, https, ftp or media URL",
            ],
            |up| {
                up.record("primary", |record| {
                    record.base = Some("file:///etc/".to_owned())
                });
            },
        ),
        case(
            "a name with a question mark",
            ["location 'repodata/primary.xml?x'", "it has a '?'"],
            |up| {
                up.record("primary", |record| {
                    record.href = "repodata/primary.xml?x".to_owned()
                });
            },
        ),
        case(
            "a type that is a path",
            ["repomd.xml", "'../../escape'"],
            |up| {
                up.record("group", |record| record.kind = "../../escape".to_owned());
            },
        ),
        case(
            "no checksum",
            ["repomd.xml", "<checksum> is missing in <data>"],
            |up| {
                up.repomd_text(|text| {
                    text.replacen("<checksum ", "<no-checksum ", 1).replacen(
                        "</checksum>",
                        "</no-checksum>",
                        1,
                    )
                });
            },
        ),
        case(
            "an unknown checksum type",
            ["repomd.xml", "is not a checksum of type 'crc32'"],
            |up| {
                up.repomd_text(|text| {
                    text.replacen("<checksum type=\"sha256\"", "<checksum type=\"crc32\"", 1)
                });
            },
        ),
        case(
            "a checksum that is a path",
            ["repomd.xml", "'../../x' is not a checksum"],
            |up| {
                up.record("primary", |record| {
                    record.checksum.value = "../../x".to_owned()
                });
            },
        ),
        case(
            "a size below zero",
            ["repomd.xml", "size is '-1', which is not a usable number"],
            |up| {
                up.repomd_text(|text| {
                    text.replacen("<size>", "<size>-1</size><was>", 1).replacen(
                        "</size>\n",
                        "</was>\n",
                        1,
                    )
                });
            },
        ),
        case(
            "a size that nobody has room for",
            ["needs 1", "are free and"],
            |up| {
                up.record("primary", |record| record.size = Some(u64::MAX));
            },
        ),
        case(
            "sizes whose sum overflows",
            ["needs 18446744073709551615 bytes", "are free and"],
            |up| {
                up.record("primary", |record| record.size = Some(u64::MAX));
                up.record("other", |record| record.size = Some(u64::MAX));
            },
        ),
    ]
}

fn others() -> Vec<Case> {
    vec![
        case(
            "updateinfo that is another document",
            ["updateinfo.xml, line 1", "html"],
            |up| {
                up.opened("updateinfo", b"<html/>");
            },
        ),
        case(
            "updateinfo with an entity bomb",
            ["updateinfo.xml", "document type"],
            |up| {
                up.replace(
                    "updateinfo",
                    "<updates",
                    "<!DOCTYPE m [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><updates",
                );
            },
        ),
        case(
            "updateinfo with a hundred thousand levels",
            [
                "updateinfo.xml",
                "the depth of elements is larger than the limit of 64",
            ],
            |up| {
                up.replace("updateinfo", "<title>", &"<x>".repeat(100_000));
            },
        ),
        case(
            "updateinfo that stops in the middle",
            [
                "updateinfo.xml",
                "the file ends before its root element is closed",
            ],
            |up| {
                let text = up.text("updateinfo");
                up.opened("updateinfo", &text.as_bytes()[..text.len() / 2]);
            },
        ),
        case(
            "updateinfo with tags that do not fit",
            ["updateinfo.xml", "</id> closes"],
            |up| {
                up.replace("updateinfo", "<id>", "<di>");
            },
        ),
    ]
}
