//! How fast metadata files are read: `cut_speed FILE…`, names decide on the kind. Processor time is
//! counted, because it means something on a busy machine too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Read;
use std::path::Path;

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
            let begin = cpu_seconds();
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
            let seconds = cpu_seconds() - begin;
            println!(
                "{path}: {packages} packages, {megabytes:.1} MB in {seconds:.3} s of processor, {:.0} MB/s{}",
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

/// Seconds that this process ran on a processor.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap();
    stat.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}
