//! Module streams in filters.

use std::collections::HashSet;

use airlock_model::PackageFilter;
use airlock_repodata::modules::ModuleContent;

use crate::filter::patterns;
use crate::{Error, Result};

/// The artifacts (`name-epoch:version-release.arch`) of streams that a filter leaves out. Its wishes are globs over
/// `name:stream`; a package that also belongs to a wanted stream is taken.
pub(super) fn barred_artifacts(
    url: &str,
    yaml: &[u8],
    filter: &PackageFilter,
) -> Result<HashSet<String>> {
    const HINT: &str = "write name:stream, with * where anything fits";
    let wanted = patterns(&filter.modules, HINT)?;
    let unwanted = patterns(&filter.exclude_modules, HINT)?;
    let documents = airlock_repodata::modules::parse(yaml).map_err(|e| Error::metadata(url, e))?;
    let mut taken = HashSet::new();
    let mut barred = HashSet::new();
    for document in documents {
        let ModuleContent::Stream(stream) = document.content else {
            continue;
        };
        let name = format!("{}:{}", stream.name, stream.stream);
        let named = |list: &[glob::Pattern]| list.iter().any(|pattern| pattern.matches(&name));
        let set = if (wanted.is_empty() || named(&wanted)) && !named(&unwanted) {
            &mut taken
        } else {
            &mut barred
        };
        set.extend(stream.artifacts);
    }
    Ok(barred.difference(&taken).cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_taken_or_left_out_by_name() {
        let stream = |name: &str, stream: &str, artifacts: &str| {
            format!(
                "---\ndocument: modulemd\nversion: 2\ndata:\n  name: {name}\n  stream: \"{stream}\"\n  version: 1\n  \
                 context: c\n  arch: x86_64\n  artifacts:\n    rpms: [{artifacts}]\n...\n"
            )
        };
        let yaml = stream("perl", "5", "perl-0:5-1.x86_64, shared-0:1-1.noarch")
            + &stream("perl", "6", "perl-0:6-1.x86_64")
            + &stream("ruby", "3", "ruby-0:3-1.x86_64, shared-0:1-1.noarch");
        let barred = |modules: &[&str], exclude: &[&str]| {
            let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
            let filter = PackageFilter {
                modules: texts(modules),
                exclude_modules: texts(exclude),
                ..PackageFilter::default()
            };
            let barred = barred_artifacts("http://h/", yaml.as_bytes(), &filter).unwrap();
            let mut barred: Vec<String> = barred.into_iter().collect();
            barred.sort();
            barred.join(" ")
        };
        assert_eq!(barred(&[], &[]), "");
        assert_eq!(barred(&[], &["perl:5"]), "perl-0:5-1.x86_64");
        assert_eq!(
            barred(&["perl:*"], &["perl:5"]),
            "perl-0:5-1.x86_64 ruby-0:3-1.x86_64 shared-0:1-1.noarch"
        );
        assert_eq!(
            barred(&["perl:5"], &[]),
            "perl-0:6-1.x86_64 ruby-0:3-1.x86_64"
        );
    }
}
