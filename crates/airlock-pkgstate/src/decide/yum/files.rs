//! The files of a package, verified as yum verifies them.

use crate::decide::{Checker, Context, Difference, Omit, Verdict};
use crate::declared::{Entry, Instance};
use crate::inventory::Installed;
use crate::settings::words;

/// Verifies a package as yum does: files only, and not those that another architecture of the package has put there.
pub(super) fn verify(
    entry: &Entry,
    instance: &Instance,
    package: &Installed,
    context: &Context<'_>,
    checker: &mut dyn Checker,
) -> Result<Verdict, String> {
    let omit = Omit::new(["nodeps", "nosignature", "nodigest", "noscripts"].map(str::to_owned));
    let mut verdict = checker.check(package, &omit)?;
    verdict.header.clear();
    verdict.dependencies.clear();
    let twins: Vec<&Installed> = context
        .inventory
        .named(&package.name)
        .into_iter()
        .filter(|twin| {
            twin.number != package.number
                && twin.epoch.unwrap_or(0) == package.epoch.unwrap_or(0)
                && twin.version == package.version
                && twin.release == package.release
        })
        .collect();
    let mut of_twins: Vec<Verdict> = Vec::new();
    for twin in &twins {
        of_twins.push(checker.check(twin, &omit)?);
    }
    let flags = flags(instance, context);
    let mut kept = Vec::new();
    for mut file in std::mem::take(&mut verdict.files) {
        if !context.counts(&file.path, entry, instance) {
            continue;
        }
        let shared = !twins.is_empty() && twins.iter().all(|twin| checker.owns(twin, &file.path));
        if shared && all_but_one(&file.path, &of_twins, twins.len()) {
            continue;
        }
        if file.kind == 'g' {
            continue;
        }
        // A link that leads nowhere in the place of a file is a missing file for yum, and what is missing behind a link is
        // nobody's fault.
        let gone = file.became_link || file.differs.contains(&Difference::Missing);
        if gone && checker.is_dangling(&file.path) {
            continue;
        }
        file.differs
            .sort_by_key(|difference| yum_order(*difference));
        file.differs.retain(|difference| {
            yum_word(*difference).is_some_and(|word| !flags.has(&format!("no{word}")))
        });
        if !file.differs.is_empty() {
            kept.push(file);
        }
    }
    verdict.files = kept;
    Ok(verdict)
}

/// A file that is wrong in all architectures but one is right for that one, which was installed last.
fn all_but_one(path: &str, of_twins: &[Verdict], twins: usize) -> bool {
    let failing = of_twins
        .iter()
        .filter(|verdict| verdict.files.iter().any(|file| file.path == path))
        .count();
    failing + 1 == twins
}

fn flags(instance: &Instance, context: &Context<'_>) -> Omit {
    match instance.attribute("verify_flags") {
        Some(own) => Omit::new(words(own)),
        None => Omit::new(context.settings.verify_flags.iter().cloned()),
    }
}

/// yum's word for a difference; `verify_flags` has `no` in front of it.
pub fn yum_word(difference: Difference) -> Option<&'static str> {
    Some(match difference {
        Difference::Missing => "missing",
        Difference::Digest => "checksum",
        Difference::Unreadable | Difference::UnreadableLink => "genchecksum",
        Difference::Link => "symlink",
        Difference::Size => "size",
        Difference::Mode => "mode",
        Difference::Device => "type",
        Difference::Mtime => "mtime",
        Difference::User => "user",
        Difference::Group => "group",
        Difference::Capabilities => return None,
    })
}

fn yum_order(difference: Difference) -> u8 {
    match difference {
        Difference::Missing => 0,
        Difference::Device => 1,
        Difference::Link | Difference::UnreadableLink => 2,
        Difference::Mtime => 3,
        Difference::User => 4,
        Difference::Group => 5,
        Difference::Mode => 6,
        Difference::Digest | Difference::Unreadable => 7,
        Difference::Size => 8,
        Difference::Capabilities => 9,
    }
}
