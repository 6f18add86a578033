//! Rows about how files come: checksums, lengths, statuses, redirects, endless and stalled bodies.

use airlock_testkit::http::Fault;

use super::{Case, case};

pub fn cases() -> Vec<Case> {
    let mut cases = kinds();
    cases.extend(bodies());
    cases.extend(places());
    cases
}

/// A flipped bit in each kind of metadata.
fn kinds() -> Vec<Case> {
    const REASON: &str = "sha256 is";
    vec![
        case(
            "primary with a flipped bit",
            ["-primary.xml.gz", REASON],
            |up| {
                up.server.fault(&up.url_path("primary"), Fault::FlipBit);
            },
        ),
        case(
            "filelists with a flipped bit",
            ["-filelists.xml.gz", REASON],
            |up| {
                up.server.fault(&up.url_path("filelists"), Fault::FlipBit);
            },
        ),
        case(
            "other with a flipped bit",
            ["-other.xml.gz", REASON],
            |up| {
                up.server.fault(&up.url_path("other"), Fault::FlipBit);
            },
        ),
        case(
            "updateinfo with a flipped bit",
            ["-updateinfo.xml.gz", REASON],
            |up| {
                up.server.fault(&up.url_path("updateinfo"), Fault::FlipBit);
            },
        ),
        case("comps with a flipped bit", ["-comps.xml", REASON], |up| {
            up.server.fault(&up.url_path("group"), Fault::FlipBit);
        }),
        case(
            "modules with a flipped bit",
            ["-modules.yaml.gz", REASON],
            |up| {
                up.server.fault(&up.url_path("modules"), Fault::FlipBit);
            },
        ),
        case(
            "a package with a flipped bit",
            ["hello-1.1-1.noarch.rpm", REASON],
            |up| {
                up.server
                    .fault(&up.package_url("hello-1.1"), Fault::FlipBit);
            },
        ),
    ]
}

fn bodies() -> Vec<Case> {
    vec![
        case(
            "a file that is shorter than its Content-Length",
            ["-filelists.xml.gz", "broken off after 40 bytes"],
            |up| {
                up.server
                    .fault(&up.url_path("filelists"), Fault::CutAfter(40));
            },
        ),
        case(
            "a truncated file",
            ["-primary.xml.gz", "bytes where the metadata says"],
            |up| {
                let file = up.file("primary");
                let whole = std::fs::read(&file).unwrap();
                std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
            },
        ),
        case(
            "a truncated package",
            ["hello-1.1-1.noarch.rpm", "bytes where the metadata says"],
            |up| {
                let file = up.package_path("hello-1.1");
                let whole = std::fs::read(&file).unwrap();
                std::fs::remove_file(&file).unwrap();
                std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
            },
        ),
        case(
            "a file without end",
            ["-other.xml.gz", "bytes where the metadata says"],
            |up| {
                up.server
                    .fault(&up.url_path("other"), Fault::Endless(vec![0; 1 << 16]));
            },
        ),
        case(
            "a package without end",
            ["libgreet-2.1-1.x86_64.rpm", "bytes where the metadata says"],
            |up| {
                up.server.fault(
                    &up.package_url("libgreet-2.1-1.x86_64"),
                    Fault::Endless(vec![0; 1 << 16]),
                );
            },
        ),
        case(
            "a repomd.xml without end",
            [
                "repodata/repomd.xml",
                "larger than the limit of 16777216 bytes",
            ],
            |up| {
                up.server
                    .fault("/repodata/repomd.xml", Fault::Endless(vec![b' '; 1 << 16]));
            },
        ),
        case(
            "a signature without end",
            [
                "repodata/repomd.xml.asc",
                "larger than the limit of 1048576 bytes",
            ],
            |up| {
                up.server.fault(
                    "/repodata/repomd.xml.asc",
                    Fault::Endless(vec![b' '; 1 << 16]),
                );
            },
        ),
        case(
            "a tree description without end",
            [".treeinfo", "larger than the limit of 1048576 bytes"],
            |up| {
                up.server
                    .fault("/.treeinfo", Fault::Endless(vec![b' '; 1 << 16]));
            },
        ),
        case(
            "a body that stalls",
            ["-primary.xml.gz", "only 0 bytes in 2 s"],
            |up| {
                up.server.fault(&up.url_path("primary"), Fault::Stall);
            },
        ),
        case(
            "a connection that is closed",
            ["-primary.xml.gz", "connection"],
            |up| {
                up.server.fault(&up.url_path("primary"), Fault::Close);
            },
        ),
        case(
            "a page of a login in a package's place",
            ["hello-1.1-1.noarch.rpm", "39 bytes where the metadata says"],
            |up| {
                let page = b"<html><body>Please log in</body></html>".to_vec();
                up.server
                    .fault(&up.package_url("hello-1.1"), Fault::Replace(page));
            },
        ),
    ]
}

fn places() -> Vec<Case> {
    vec![
        case(
            "the list is new, its files are old",
            ["-primary.xml.gz", "HTTP status 404"],
            |up| {
                std::fs::remove_file(up.file("primary")).unwrap();
            },
        ),
        case(
            "the files are new, the list is old",
            ["repodata/filelists.gz", "where the metadata says"],
            |up| {
                // Names that stay, as --simple-md-filenames makes them.
                let text = up.text("filelists");
                up.opened("filelists", text.as_bytes());
                let old = up.repomd();
                up.opened(
                    "filelists",
                    text.replace("/usr/bin/hello", "/usr/bin/olleh").as_bytes(),
                );
                std::fs::write(up.folder.join("repodata/repomd.xml"), old.to_xml()).unwrap();
            },
        ),
        case(
            "a package that is not there",
            ["hello-1.1-1.noarch.rpm", "HTTP status 404"],
            |up| {
                std::fs::remove_file(up.package_path("hello-1.1")).unwrap();
            },
        ),
        case(
            "several packages that are not there",
            ["and 2 more files", "HTTP status 404"],
            |up| {
                for name in ["hello-1.1", "libgreet-2.1-1.x86_64", "kernel-core-6.1.0-2"] {
                    std::fs::remove_file(up.package_path(name)).unwrap();
                }
            },
        ),
        case(
            "repomd.xml answers 503",
            ["repodata/repomd.xml", "HTTP status 503"],
            |up| {
                up.server.fault("/repodata/repomd.xml", Fault::Status(503));
            },
        ),
        case(
            "a file answers 500",
            ["-filelists.xml.gz", "HTTP status 500"],
            |up| {
                up.server
                    .fault(&up.url_path("filelists"), Fault::Status(500));
            },
        ),
        case(
            "a package answers 403",
            [
                "hello-1.1-1.noarch.rpm",
                "check the client certificate, token or subscription",
            ],
            |up| {
                up.server
                    .fault(&up.package_url("hello-1.1"), Fault::Status(403));
            },
        ),
        case(
            "a signature answers 502",
            ["repomd.xml.asc", "HTTP status 502"],
            |up| {
                up.server
                    .fault("/repodata/repomd.xml.asc", Fault::Status(502));
            },
        ),
        case(
            "redirects without end",
            ["repodata/repomd.xml", "more than 10 redirects"],
            |up| {
                up.server.fault(
                    "/repodata/repomd.xml",
                    Fault::Redirect(format!("{}/repodata/repomd.xml", up.server.url())),
                );
            },
        ),
        case(
            "a redirect to a local file",
            ["-primary.xml.gz", "redirect to file:///etc/passwd refused"],
            |up| {
                up.server.fault(
                    &up.url_path("primary"),
                    Fault::Redirect("file:///etc/passwd".to_owned()),
                );
            },
        ),
        case(
            "a redirect to the metadata service of a cloud",
            ["169.254.169.254", "a link-local address"],
            |up| {
                up.server.fault(
                    &up.url_path("primary"),
                    Fault::Redirect("http://169.254.169.254/latest/meta-data/".to_owned()),
                );
            },
        ),
    ]
}
