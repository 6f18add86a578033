//! Module streams in filters.

use std::collections::{HashMap, HashSet};

use airlock_model::PackageFilter;
use airlock_repodata::modules::{self, ModuleContent, ModuleDocument};

use crate::filter::patterns;
use crate::{Error, Result};

/// What a filter makes of a modules file.
#[derive(Debug, Default)]
pub(super) struct CutModules {
    /// Artifacts (`name-epoch:version-release.arch`) of streams that are left out and of no other.
    pub barred: HashSet<String>,
    /// The file without those streams; none when it is as it was.
    pub text: Option<Vec<u8>>,
}

/// Leaves out the streams that a filter does not take, with what is said of them alone. Its wishes are globs over
/// `name:stream`; a package that also belongs to a wanted stream is taken.
pub(super) fn cut(url: &str, yaml: &[u8], filter: &PackageFilter) -> Result<CutModules> {
    const HINT: &str = "write name:stream, with * where anything fits";
    let wanted = patterns(&filter.modules, HINT)?;
    let unwanted = patterns(&filter.exclude_modules, HINT)?;
    let named = |list: &[glob::Pattern], name: &str| list.iter().any(|p| p.matches(name));
    let takes = |name: &str| (wanted.is_empty() || named(&wanted, name)) && !named(&unwanted, name);
    let documents = modules::parse(yaml).map_err(|e| Error::metadata(url, e))?;
    let mut taken = HashSet::new();
    let mut barred = HashSet::new();
    // Modules of the file, and whether one of their streams stays.
    let mut left: HashMap<String, bool> = HashMap::new();
    for document in &documents {
        let ModuleContent::Stream(stream) = &document.content else {
            continue;
        };
        let stays = takes(&format!("{}:{}", stream.name, stream.stream));
        *left.entry(stream.name.clone()).or_default() |= stays;
        let set = if stays { &mut taken } else { &mut barred };
        set.extend(stream.artifacts.iter().cloned());
    }
    let stays = |document: &&ModuleDocument| match &document.content {
        ModuleContent::Stream(stream) => takes(&format!("{}:{}", stream.name, stream.stream)),
        ModuleContent::Obsoletes(said) => {
            left.get(&said.module) != Some(&false)
                && takes(&format!("{}:{}", said.module, said.stream))
        }
        ModuleContent::Defaults(defaults) => left.get(&defaults.module) != Some(&false),
        ModuleContent::Other(_) => true,
    };
    let kept: Vec<&ModuleDocument> = documents.iter().filter(stays).collect();
    let text = (kept.len() < documents.len()).then(|| modules::write(kept));
    Ok(CutModules {
        barred: barred.difference(&taken).cloned().collect(),
        text,
    })
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
            let cut = cut("http://h/", yaml.as_bytes(), &filter).unwrap();
            let mut barred: Vec<String> = cut.barred.into_iter().collect();
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

    #[test]
    fn what_is_said_of_streams_that_are_left_out_goes_with_them() {
        let stream = |name: &str, stream: &str| {
            format!(
                "---\ndocument: modulemd\nversion: 2\ndata:\n  name: {name}\n  stream: \"{stream}\"\n  version: 1\n  \
                 context: c\n  arch: x86_64\n...\n"
            )
        };
        let defaults = |name: &str, stream: &str| {
            format!(
                "---\ndocument: modulemd-defaults\nversion: 1\ndata:\n  module: {name}\n  stream: \"{stream}\"\n...\n"
            )
        };
        let obsoletes = |name: &str, stream: &str| {
            format!(
                "---\ndocument: modulemd-obsoletes\nversion: 1\ndata:\n  modified: 2026-01-01T00:00Z\n  \
                 module: {name}\n  stream: \"{stream}\"\n  message: old\n...\n"
            )
        };
        let (perl5, perl6) = (stream("perl", "5"), stream("perl", "6"));
        let perl = defaults("perl", "5");
        let yaml = [
            perl5.clone(),
            perl6,
            stream("ruby", "3"),
            perl.clone(),
            defaults("ruby", "3"),
            obsoletes("perl", "6"),
        ]
        .concat();
        let filter = |wanted: &str| PackageFilter {
            modules: vec![wanted.to_owned()],
            ..PackageFilter::default()
        };
        let text = |wanted| {
            cut("http://h/", yaml.as_bytes(), &filter(wanted))
                .unwrap()
                .text
        };
        assert_eq!(text("*"), None);
        assert_eq!(
            String::from_utf8(text("perl:5").unwrap()).unwrap(),
            perl5 + &perl
        );
        assert_eq!(text("none:*").unwrap(), b"");
    }
}
