//! The page for people at `/repos/LABEL/`.

use airlock_content::ResolvedVersion;

use super::answer::Answer;
use super::{Request, repo_file, text};
use crate::app::App;

/// What this repository is and how to use it.
#[must_use]
pub fn of(app: &App, request: &Request<'_>, version: &ResolvedVersion) -> Answer {
    let url = repo_file::base_url(app, request);
    let label = &version.channel.label;
    let content = format!(
        "{name}\nchannel {label}, version {number}\n\n\
         This is a repository for dnf, yum and zypper. Its ready repository file:\n  {url}/repos/{label}.repo\n\
         Its metadata:\n  repodata/repomd.xml\n",
        name = version.channel.name,
        number = version.number,
    );
    text(
        &content,
        "text/plain; charset=utf-8",
        &request.conditions,
        Some(version.published.instant.seconds()),
    )
}
