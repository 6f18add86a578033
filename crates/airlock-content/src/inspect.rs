//! Looking into a package file: is it whole, who signed it, is it what its metadata said?

use std::collections::BTreeSet;
use std::path::Path;

use airlock_model::SignaturePolicy;
use airlock_repodata::package::{FileFacts, Fragments, from_rpm};
use airlock_repodata::primary::PrimaryPackage;
use airlock_rpm::signature::BadSignature;
use airlock_rpm::{KeyRing, Package, Policy, Verdict, read_package, verify_head, verify_package};

use crate::Error;
use crate::ingest::NewRecord;
use crate::location::file_name;

/// What a package file is known by before it is looked into.
#[derive(Debug, Clone)]
pub struct Claim<'a> {
    /// Name for messages.
    pub file: &'a str,
    /// Checksum type by which the package is known.
    pub checksum_type: &'a str,
    /// Checksum, verified already.
    pub checksum: &'a str,
    /// Bytes.
    pub size: u64,
    /// Modification time of the file, seconds since 1970.
    pub mtime: i64,
    /// What the upstream said, when it came from one: compared with the header.
    pub upstream: Option<&'a PrimaryPackage>,
}

/// A package file that was looked into and may be served.
#[derive(Debug)]
pub struct Inspected {
    /// Its record, made from its own header.
    pub record: NewRecord,
    /// Its fragments, made from its own header.
    pub fragments: Fragments,
    /// Warnings for a person.
    pub warnings: Vec<String>,
}

/// Reads and judges a package file.
///
/// # Errors
/// [`Error::BadPackage`] when it is damaged, is another package than its metadata said, or the signature policy
/// refuses it.
pub fn inspect(
    path: &Path,
    claim: &Claim<'_>,
    keys: &KeyRing,
    policy: SignaturePolicy,
) -> Result<Inspected, Error> {
    let bad = |why: &dyn std::fmt::Display| Error::bad_package(claim.file, why);
    let file = std::fs::File::open(path).map_err(|e| Error::io(claim.file, e))?;
    let mut reader = std::io::BufReader::with_capacity(1 << 17, file);
    let head = read_package(&mut reader).map_err(|e| bad(&e))?;
    // The checksum of the whole file says that it is what the source has; the digests inside say that the source's
    // file is whole, which matters for pushed files and for signatures that cover the header alone.
    let report =
        verify_package(&head, &mut reader, keys, &signature_rules()).map_err(|e| bad(&e))?;
    if let Some(wrong) = report.digests.first_bad() {
        return Err(bad(&Verdict::Bad {
            why: BadSignature::Digest { kind: wrong.kind },
        }));
    }
    let mut warnings = Vec::new();
    warnings.extend(judge(claim.file, &report.verdict(), policy)?);
    let package = Package::new(&head).map_err(|e| bad(&e))?;
    if package.is_delta() {
        return Err(bad(&"a delta RPM is no package"));
    }
    if let Some(said) = claim.upstream {
        compare(&package, said).map_err(|why| bad(&why))?;
    }
    let nevra = package.nevra();
    let served = file_name(
        claim.file,
        &nevra.name,
        &nevra.version,
        &nevra.release,
        &nevra.arch,
    );
    let facts = FileFacts {
        checksum_type: claim.checksum_type,
        checksum: claim.checksum,
        size: claim.size,
        time: claim.mtime,
        header_range: head.header_range.clone(),
        location: None,
        changelog_limit: Some(10),
    };
    let fragments = from_rpm(&package, &facts);
    if let Some(said) = claim.upstream {
        warnings.extend(differences(&fragments, said, claim.file));
    }
    let record = NewRecord {
        checksum_type: claim.checksum_type.to_owned(),
        checksum: claim.checksum.to_owned(),
        name: nevra.name.clone(),
        epoch: u64::from(nevra.epoch.unwrap_or(0)),
        version: nevra.version.clone(),
        release: nevra.release.clone(),
        arch: nevra.arch.clone(),
        size: claim.size,
        build_time: package
            .build_time()
            .and_then(|t| i64::try_from(t).ok())
            .unwrap_or(0),
        file_name: served,
        href: String::new(),
    };
    Ok(Inspected {
        record,
        fragments,
        warnings,
    })
}

/// Judges only the signature of a package file that was looked into before. `Ok(Some(_))` is a warning.
///
/// # Errors
/// [`Error::BadPackage`] when the policy refuses it.
pub fn judge_signature(
    path: &Path,
    name: &str,
    keys: &KeyRing,
    policy: SignaturePolicy,
) -> Result<Option<String>, Error> {
    if policy == SignaturePolicy::Off {
        return Ok(None);
    }
    let file = std::fs::File::open(path).map_err(|e| Error::io(name, e))?;
    let mut reader = std::io::BufReader::with_capacity(1 << 17, file);
    let head = read_package(&mut reader).map_err(|e| Error::bad_package(name, e))?;
    // Most signatures cover the header; only those that cover the payload need it read.
    let mut verdict = verify_head(&head, keys, &signature_rules()).verdict();
    if !verdict.is_good() {
        verdict = verify_package(&head, &mut reader, keys, &signature_rules())
            .map_err(|e| Error::bad_package(name, e))?
            .verdict();
    }
    judge(name, &verdict, policy)
}

/// SHA-1 signatures are what EL 6 and older have; refusing them would refuse those distributions.
fn signature_rules() -> Policy {
    Policy {
        allow_sha1: true,
        ..Policy::default()
    }
}

fn judge(name: &str, verdict: &Verdict, policy: SignaturePolicy) -> Result<Option<String>, Error> {
    match policy {
        SignaturePolicy::Off => Ok(None),
        _ if verdict.is_good() => Ok(None),
        SignaturePolicy::Require => Err(Error::bad_package(name, verdict)),
        SignaturePolicy::Warn => Ok(Some(format!("{name}: {verdict}"))),
    }
}

/// The attack "wrong target": metadata that names another package than the file holds (threats-and-faults 1.3).
fn compare(package: &Package<'_>, said: &PrimaryPackage) -> Result<(), String> {
    let nevra = package.nevra();
    let is = (
        nevra.name.as_str(),
        u64::from(nevra.epoch.unwrap_or(0)),
        nevra.version.as_str(),
        nevra.release.as_str(),
        nevra.arch.as_str(),
    );
    let claimed = (
        said.name.as_str(),
        said.epoch,
        said.version.as_str(),
        said.release.as_str(),
        said.arch.as_str(),
    );
    if is == claimed {
        Ok(())
    } else {
        Err(format!(
            "the upstream's metadata calls it {}-{}:{}-{}.{}, but the file is {nevra}",
            claimed.0, claimed.1, claimed.2, claimed.3, claimed.4
        ))
    }
}

/// Dependencies that the metadata has and the header has not, or the other way round. They harm nobody, for own
/// metadata is made from the header, but they say that the upstream's metadata is wrong.
fn differences(own: &Fragments, said: &PrimaryPackage, file: &str) -> Option<String> {
    let own = airlock_repodata::primary::parse(&own.primary).ok()?;
    let set = |list: &[airlock_repodata::primary::Dependency]| -> BTreeSet<String> {
        list.iter().map(dependency_text).collect()
    };
    for (kind, ours, theirs) in [
        ("requires", set(&own.requires), set(&said.requires)),
        ("provides", set(&own.provides), set(&said.provides)),
        ("conflicts", set(&own.conflicts), set(&said.conflicts)),
        ("obsoletes", set(&own.obsoletes), set(&said.obsoletes)),
    ] {
        if let Some(extra) = theirs.difference(&ours).next() {
            return Some(format!(
                "{file}: the upstream's metadata has {kind} \"{extra}\", the file has not; the file counts"
            ));
        }
        if let Some(missing) = ours.difference(&theirs).next() {
            return Some(format!(
                "{file}: the upstream's metadata lacks {kind} \"{missing}\"; the file counts"
            ));
        }
    }
    None
}

/// A dependency as a person writes it; an unset epoch is 0, as rpm compares it.
fn dependency_text(dependency: &airlock_repodata::primary::Dependency) -> String {
    match (&dependency.comparison, &dependency.version) {
        (Some(comparison), Some(version)) => {
            let epoch = dependency.epoch.as_deref().unwrap_or("0");
            let release = dependency
                .release
                .as_ref()
                .map(|r| format!("-{r}"))
                .unwrap_or_default();
            format!(
                "{} {} {epoch}:{version}{release}",
                dependency.name,
                comparison.word()
            )
        }
        _ => dependency.name.clone(),
    }
}
