//! The golden cases: what the published Bcfg2 programs did, and whether we do the same.
//!
//! `cargo test -p airlock-pkgstate golden` runs every section over the folder `tests/data/bcfg2`, or over another one of
//! the same layout that `AIRLOCK_BCFG2_CASES` names. It prints `N passed, M failed` and the cases that failed. Parts that
//! a folder lacks are named and left out. Where we differ on purpose, `deviations.json` in the folder says so: a list
//! of `{"case", "member", "expected", "reason"}`; the reason names the number in section 8 of the reference.
//!
//! A section is a file here and a line in [`SECTIONS`].

mod binding;
mod deviations;
mod drivers;
mod folder;
mod report;
mod rpmtools;
mod tools;
mod versions;

pub use folder::Folder;
pub use report::Report;

/// A kind of cases.
struct Section {
    name: &'static str,
    /// What the folder has to have for it: files or folders.
    needs: &'static [&'static str],
    run: fn(&Folder, &mut Report),
}

const SECTIONS: &[Section] = &[
    Section {
        name: "tools",
        needs: &[],
        run: tools::run,
    },
    Section {
        name: "binding",
        needs: &["binding.json"],
        run: binding::run,
    },
    Section {
        name: "rpmng",
        needs: &["rpmng-cases", "rpms"],
        run: drivers::rpmng,
    },
    Section {
        name: "yumng",
        needs: &["yumng-cases", "rpms"],
        run: drivers::yumng,
    },
    Section {
        name: "rpmng with legacy_quirks",
        needs: &["rpmng-cases", "rpms"],
        run: drivers::rpmng_legacy,
    },
    Section {
        name: "yumng with legacy_quirks",
        needs: &["yumng-cases", "rpms"],
        run: drivers::yumng_legacy,
    },
    Section {
        name: "versions",
        needs: &["version-compare.json"],
        run: versions::run,
    },
    Section {
        name: "rpmtools",
        needs: &["rpmtools-results.json", "rpms"],
        run: rpmtools::run,
    },
];

#[test]
fn we_do_what_the_published_programs_did() {
    let folder = Folder::open();
    let mut report = Report::new(&folder);
    // A part of the sections, while one is worked on.
    let only = std::env::var("AIRLOCK_BCFG2_SECTIONS").unwrap_or_default();
    let wanted =
        |section: &&Section| only.is_empty() || only.split(',').any(|name| name == section.name);
    for section in SECTIONS.iter().filter(wanted) {
        let absent: Vec<&str> = section
            .needs
            .iter()
            .copied()
            .filter(|part| !folder.path(part).exists())
            .collect();
        match absent.is_empty() {
            true => {
                report.begin(section.name);
                (section.run)(&folder, &mut report);
            }
            false => report.skip(section.name, &absent),
        }
    }
    report.finish();
}
