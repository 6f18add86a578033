//! Our reading of repositories against createrepo_c's.

use std::path::{Path, PathBuf};

use airlock_repodata::cut::PackageCutter;
use airlock_repodata::primary::Dependency;
use airlock_repodata::repomd::Repomd;
use airlock_repodata::updateinfo::{Update, Updates};
use airlock_repodata::{Error, Limits, MetadataKind, compress, filelists, other, primary};
use serde_json::{Value, json};
use std::collections::HashMap;

use super::{Tally, files_below, folders, oracle};
use crate::{made, samples};

fn text(value: Option<&String>) -> &str {
    value.map_or("", String::as_str)
}

fn dependencies(list: &[Dependency]) -> Value {
    let one = |entry: &Dependency| {
        json!([
            entry.name,
            entry
                .comparison
                .as_ref()
                .map_or("", |comparison| comparison.word()),
            text(entry.epoch.as_ref()),
            text(entry.version.as_ref()),
            text(entry.release.as_ref()),
            entry.pre
        ])
    };
    list.iter().map(one).collect()
}

/// A repository as we read it, in the oracle's form.
fn read(folder: &Path) -> Result<Value, Error> {
    let bytes = std::fs::read(folder.join("repodata/repomd.xml"))?;
    let repomd = Repomd::parse(&bytes)?;
    // What is written means the same as what was read.
    assert_eq!(Repomd::parse(&repomd.to_xml())?, repomd);
    let sides = |kind: MetadataKind| -> Result<HashMap<String, Vec<u8>>, Error> {
        let mut found = HashMap::new();
        each(folder, &repomd, kind, |id, fragment| {
            found.insert(id.to_owned(), fragment.to_vec());
            Ok(())
        })?;
        Ok(found)
    };
    let (files, changes) = (sides(MetadataKind::Filelists)?, sides(MetadataKind::Other)?);
    let mut packages = Vec::new();
    each(folder, &repomd, MetadataKind::Primary, |_, fragment| {
        let package = primary::parse(fragment)?;
        let mut files_of = Vec::new();
        if let Some(fragment) = files.get(&package.checksum) {
            let list = filelists::parse(fragment)?;
            files_of.extend(
                list.files
                    .iter()
                    .map(|file| json!([file.kind.word(), file.path])),
            );
        }
        let mut changes_of = Vec::new();
        if let Some(fragment) = changes.get(&package.checksum) {
            let list = other::parse(fragment)?;
            changes_of.extend(
                list.changes
                    .iter()
                    .map(|change| json!([change.author, change.date, change.text])),
            );
        }
        let range = package.header_range.unwrap_or_default();
        packages.push(json!({
            "name": package.name, "arch": package.arch, "epoch": package.epoch.to_string(), "version": package.version,
            "release": package.release, "summary": package.summary, "description": package.description,
            "url": package.url, "packager": package.packager, "time_file": package.time_file,
            "time_build": package.time_build, "license": package.license, "vendor": package.vendor,
            "group": package.group, "buildhost": package.buildhost, "source_rpm": package.source_rpm,
            "header": [range.0, range.1],
            "sizes": [package.size_package, package.size_installed, package.size_archive],
            "href": package.href, "base": package.base.unwrap_or_default(), "checksum": package.checksum,
            "checksum_type": package.checksum_type,
            "provides": dependencies(&package.provides), "requires": dependencies(&package.requires),
            "conflicts": dependencies(&package.conflicts), "obsoletes": dependencies(&package.obsoletes),
            "suggests": dependencies(&package.suggests), "enhances": dependencies(&package.enhances),
            "recommends": dependencies(&package.recommends), "supplements": dependencies(&package.supplements),
            "files": files_of, "changes": changes_of,
        }));
        Ok(())
    })?;
    let mut updates = Vec::new();
    if let Some(record) = repomd.record("updateinfo") {
        let limits = Limits::default().with_open_size(record.open_size);
        let bytes = compress::open_path(&folder.join(&record.href), &limits)?.into_document()?;
        for update in Updates::new(&bytes, &limits)?.iter() {
            let raw = update?;
            let again = format!("<updates>{}</updates>", raw.xml);
            let again = Updates::new(again.as_bytes(), &limits)?;
            let again = again.iter().next().unwrap()?;
            assert_eq!(again.update, raw.update);
            updates.push(self::update(&raw.update));
        }
    }
    let records = repomd.records.iter().map(|record| {
        json!({
            "kind": record.kind, "href": record.href, "base": text(record.base.as_ref()),
            "checksum": record.checksum.value, "checksum_type": record.checksum.kind,
            "open_checksum": record.open_checksum.as_ref().map_or("", |checksum| &checksum.value),
            "timestamp": record.timestamp.unwrap_or(0), "size": record.size.unwrap_or(0),
            "open_size": record.open_size.map_or(-1, |size| i64::try_from(size).unwrap()),
            "database_version": record.database_version.unwrap_or(0),
        })
    });
    Ok(json!({
        "records": records.collect::<Vec<_>>(), "packages": packages, "updates": updates,
        "revision": text(repomd.revision.as_ref()), "repo_tags": repomd.tags.repo, "content_tags": repomd.tags.content,
        "distro_tags": repomd.tags.distro.iter().map(|distro| json!([text(distro.cpeid.as_ref()), distro.name])).collect::<Vec<_>>(),
    }))
}

fn each(
    folder: &Path,
    repomd: &Repomd,
    kind: MetadataKind,
    mut take: impl FnMut(&str, &[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let Some(record) = repomd.record(kind.name()) else {
        return Ok(());
    };
    let limits = Limits::default().with_open_size(record.open_size);
    let reader = compress::open_path(&folder.join(&record.href), &limits)?;
    let mut cutter = PackageCutter::new(kind, reader, limits)?;
    while let Some(fragment) = cutter.next_package()? {
        take(fragment.pkgid(), fragment.bytes())?;
    }
    Ok(())
}

fn update(update: &Update) -> Value {
    let collections = update.collections.iter().map(|collection| {
        let module = collection.module.as_ref().map_or(json!([]), |module| {
            json!([module.name, module.stream, module.version, module.context, module.arch])
        });
        let packages = collection.packages.iter().map(|package| {
            json!([
                package.name, text(package.epoch.as_ref()), package.version, package.release, package.arch,
                text(package.src.as_ref()), text(package.filename.as_ref()),
                package.sums.last().map_or("", |(_, value)| value.as_str()),
                package.reboot_suggested, package.restart_suggested, package.relogin_suggested
            ])
        });
        json!({
            "short": text(collection.short.as_ref()), "name": text(collection.name.as_ref()), "module": module,
            "packages": packages.collect::<Vec<_>>(),
        })
    });
    let references = update.references.iter().map(|reference| {
        json!([
            text(reference.href.as_ref()),
            text(reference.id.as_ref()),
            text(reference.kind.as_ref()),
            text(reference.title.as_ref())
        ])
    });
    json!({
        "id": update.id, "title": update.title, "kind": text(update.kind.as_ref()), "status": text(update.status.as_ref()),
        "version": text(update.version.as_ref()), "sender": text(update.from.as_ref()),
        "issued": text(update.issued.as_ref()), "updated": text(update.updated.as_ref()),
        "severity": text(update.severity.as_ref()), "summary": text(update.summary.as_ref()),
        "description": text(update.description.as_ref()), "solution": text(update.solution.as_ref()),
        "rights": text(update.rights.as_ref()), "release": text(update.release.as_ref()),
        "reboot": update.reboot_suggested, "references": references.collect::<Vec<_>>(),
        "collections": collections.collect::<Vec<_>>(),
    })
}

fn compare(folder: &Path, tally: &mut Tally) {
    let name = folder.display().to_string();
    let (ours, theirs) = match (read(folder), oracle::read_repository(folder)) {
        (Ok(ours), Ok(theirs)) => (ours, theirs),
        (Err(ours), Err(theirs)) => {
            println!(
                "{name}: both refuse it\n  ours:   {ours}\n  theirs: {}",
                theirs.trim()
            );
            return;
        }
        // createrepo_c does not ask for checksums and known types; we do.
        (Err(ours), Ok(_)) => {
            return tally.compare(&name, &format!("refused: {ours}"), &"read".to_owned());
        }
        (Ok(_), Err(theirs)) => {
            println!(
                "{name}: only we read it; createrepo_c says {}",
                theirs.trim()
            );
            return;
        }
    };
    for list in ["records", "packages", "updates"] {
        let (ours, theirs) = (
            ours[list].as_array().unwrap(),
            theirs[list].as_array().unwrap(),
        );
        tally.compare(
            &format!("{name}: number of {list}"),
            &ours.len(),
            &theirs.len(),
        );
        for (ours, theirs) in ours.iter().zip(theirs) {
            let (ours, theirs) = (ours.as_object().unwrap(), theirs.as_object().unwrap());
            let differing: Vec<_> = theirs
                .iter()
                .filter(|(key, value)| ours.get(*key) != Some(value))
                .map(|(key, value)| (key.clone(), value.clone(), ours.get(key).cloned()))
                .collect();
            tally.compare(
                &format!(
                    "{name}: {list} {:?}",
                    theirs.get("name").or(theirs.get("id"))
                ),
                &differing,
                &Vec::new(),
            );
        }
    }
    for value in ["revision", "repo_tags", "content_tags", "distro_tags"] {
        tally.compare(&format!("{name}: {value}"), &ours[value], &theirs[value]);
    }
}

fn repositories_below(folder: &Path) -> Vec<PathBuf> {
    let found = files_below(folder, &|path| path.ends_with("repodata/repomd.xml"));
    found
        .iter()
        .map(|path| path.ancestors().nth(2).unwrap().to_path_buf())
        .collect()
}

#[test]
fn differential_repositories() {
    let made = made::packages();
    oracle::createrepo(made.path(), made.path());
    let mut repositories = vec![made.path().to_path_buf()];
    for sample in ["corpus-sample", "bcfg2/repo"] {
        let folder = samples::shared(sample);
        if folder.is_dir() {
            repositories.extend(repositories_below(&folder));
        }
    }
    for folder in folders("AIRLOCK_REPO_CASES") {
        repositories.extend(repositories_below(&folder));
    }
    let mut tally = Tally::default();
    for repository in &repositories {
        compare(repository, &mut tally);
    }
    tally.finish("parts of repositories");
}
