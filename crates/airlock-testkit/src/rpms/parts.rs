//! Dependencies and files as the builder of the `rpm` crate wants them.

use rpm::{Dependency, FileOptions, PackageBuilder};

use super::{Entry, Kind};

/// Reads `name op evr`; a text in parentheses is a rich dependency and stays whole.
fn parse_dependency(text: &str) -> Dependency {
    if text.starts_with('(') {
        return Dependency::any(text);
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        [name] => Dependency::any(*name),
        [name, "=", evr] => Dependency::eq(*name, *evr),
        [name, "<", evr] => Dependency::less(*name, *evr),
        [name, "<=", evr] => Dependency::less_eq(*name, *evr),
        [name, ">", evr] => Dependency::greater(*name, *evr),
        [name, ">=", evr] => Dependency::greater_eq(*name, *evr),
        _ => panic!("{text:?} is no dependency; write NAME, NAME OP EVR or (RICH)"),
    }
}

pub(super) fn add_dependency(builder: &mut PackageBuilder, kind: Kind, text: &str) {
    let mut dependency = parse_dependency(text);
    match kind {
        Kind::Requires => builder.requires(dependency),
        Kind::Provides => builder.provides(dependency),
        Kind::Conflicts => builder.conflicts(dependency),
        Kind::Obsoletes => builder.obsoletes(dependency),
        Kind::Recommends => builder.recommends(dependency),
        Kind::Suggests => builder.suggests(dependency),
        Kind::Supplements => builder.supplements(dependency),
        Kind::Enhances => builder.enhances(dependency),
        Kind::RequiresPre => {
            dependency.flags |= rpm::DependencyFlags::SCRIPT_PRE;
            builder.requires(dependency)
        }
    };
}

pub(super) fn add_entry(builder: &mut PackageBuilder, path: &str, entry: &Entry) {
    let added = match entry {
        Entry::File { content, mode } => {
            builder.with_file_contents(content.clone(), FileOptions::new(path).permissions(*mode))
        }
        Entry::Config { content } => builder.with_file_contents(
            content.clone(),
            FileOptions::new(path)
                .permissions(0o644)
                .config()
                .noreplace(),
        ),
        Entry::Doc { content } => builder.with_file_contents(
            content.clone(),
            FileOptions::new(path).permissions(0o644).doc(),
        ),
        Entry::Folder { mode } => builder.with_dir_entry(FileOptions::dir(path).permissions(*mode)),
        Entry::Link { target } => builder.with_symlink(FileOptions::symlink(path, target)),
        Entry::Ghost => builder.with_ghost(FileOptions::ghost(path)),
    };
    if let Err(error) = added {
        panic!("{path}: {error}");
    }
}
