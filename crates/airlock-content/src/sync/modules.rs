//! Module streams in filters.

use std::collections::HashSet;

use airlock_repodata::modules::ModuleContent;

use crate::{Error, Result};

/// The artifacts (`name-epoch:version-release.arch`) of streams that no wish names. A wish is a glob over
/// `name:stream`; a package that also belongs to a wanted stream is taken.
pub(super) fn barred_artifacts(
    url: &str,
    yaml: &[u8],
    wishes: &[String],
) -> Result<HashSet<String>> {
    let wishes: Vec<glob::Pattern> = wishes
        .iter()
        .map(|text| {
            glob::Pattern::new(text).map_err(|e| {
                Error::invalid(
                    format!("\"{text}\" is no pattern: {e}"),
                    "write name:stream, with * where anything fits",
                )
            })
        })
        .collect::<Result<_>>()?;
    let documents = airlock_repodata::modules::parse(yaml).map_err(|e| Error::metadata(url, e))?;
    let mut taken = HashSet::new();
    let mut barred = HashSet::new();
    for document in documents {
        let ModuleContent::Stream(stream) = document.content else {
            continue;
        };
        let name = format!("{}:{}", stream.name, stream.stream);
        let set = if wishes.iter().any(|wish| wish.matches(&name)) {
            &mut taken
        } else {
            &mut barred
        };
        set.extend(stream.artifacts);
    }
    Ok(barred.difference(&taken).cloned().collect())
}
