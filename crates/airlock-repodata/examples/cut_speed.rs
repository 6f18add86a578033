//! How fast metadata files are read: `cut_speed FILE…`, names decide on the kind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Read;
use std::path::Path;
use std::time::Instant;

use airlock_repodata::cut::PackageCutter;
use airlock_repodata::{Limits, MetadataKind, compress, primary};

fn main() {
    for path in std::env::args().skip(1) {
        let kind = match &path {
            path if path.contains("filelists") => MetadataKind::Filelists,
            path if path.contains("other") => MetadataKind::Other,
            _ => MetadataKind::Primary,
        };
        let limits = Limits::default();
        let mut bytes = Vec::new();
        compress::open_path(Path::new(&path), &limits)
            .unwrap()
            .read_to_end(&mut bytes)
            .unwrap();
        let megabytes = bytes.len() as f64 / 1e6;
        for summarize in [false, true] {
            if summarize && kind != MetadataKind::Primary {
                continue;
            }
            let begin = Instant::now();
            let mut cutter = PackageCutter::new(kind, bytes.as_slice(), limits).unwrap();
            let (mut packages, mut stripped) = (0_u64, Vec::new());
            while let Some(fragment) = cutter.next_package().unwrap() {
                packages += 1;
                if summarize {
                    primary::summarize(fragment.bytes()).unwrap();
                    stripped.clear();
                    primary::strip_location(fragment.bytes(), &mut stripped).unwrap();
                }
            }
            let seconds = begin.elapsed().as_secs_f64();
            println!(
                "{path}: {packages} packages, {megabytes:.1} MB in {seconds:.3} s, {:.0} MB/s{}",
                megabytes / seconds,
                if summarize {
                    " with summary and location"
                } else {
                    ""
                }
            );
        }
    }
}
