//! A package as repository metadata needs it: a typed, borrowed view of its headers.
//!
//! [`Package::new`] checks once what a header's own check cannot know: that the names are usable,
//! that arrays which belong together have the same length, that files stay in their folders.
//! After that nothing can fail. What createrepo_c makes of it (order, duplicates, which
//! dependencies are left out) is not decided here.

mod changelog;
mod check;
mod dependency;
mod file;

use std::borrow::Cow;

pub use changelog::{Changelog, Changelogs};
pub use dependency::{Dependencies, Dependency, DependencyKind, Sense, flag};
pub use file::{DigestAlgorithm, File, Files, file_flag};

use crate::error::Result;
use crate::header::Header;
use crate::lead::Lead;
use crate::nevra::Nevra;
use crate::read::PackageHead;
use crate::tag::{main, signature};
use crate::text::decode;

/// A typed view of a package's headers.
#[derive(Debug, Clone)]
pub struct Package<'h> {
    header: &'h Header,
    signature: Option<&'h Header>,
    lead: Option<&'h Lead>,
    name: &'h str,
    version: &'h str,
    release: &'h str,
    arch: &'h str,
    file_layout: file::Layout,
}

impl<'h> Package<'h> {
    /// Checks the contents of a package's headers.
    ///
    /// # Errors
    /// [`crate::Error::BadPackage`] with the offset of the main header: a name, version, release
    /// or architecture that is absent or unusable as text, arrays of unequal length, file paths
    /// with `..`, rich dependencies nested without end.
    pub fn new(head: &'h PackageHead) -> Result<Self> {
        Self::from_headers(
            &head.header,
            Some(&head.signature),
            Some(&head.lead),
            head.header_range.start,
        )
    }

    /// The same for a main header that has no file around it, as in a database of installed
    /// packages. `file_offset` only goes into error texts.
    ///
    /// # Errors
    /// As for [`Package::new`].
    pub fn from_headers(
        header: &'h Header,
        signature: Option<&'h Header>,
        lead: Option<&'h Lead>,
        file_offset: u64,
    ) -> Result<Self> {
        let names = check::names(header, file_offset)?;
        let file_layout = check::files(header, names.source, file_offset)?;
        check::dependencies(header, file_offset)?;
        check::changelogs(header, file_offset)?;
        Ok(Self {
            header,
            signature,
            lead,
            name: names.name,
            version: names.version,
            release: names.release,
            arch: names.arch,
            file_layout,
        })
    }

    /// The main header.
    pub fn header(&self) -> &'h Header {
        self.header
    }

    /// Package name.
    pub fn name(&self) -> &'h str {
        self.name
    }

    /// Epoch; `None` when the header has none.
    pub fn epoch(&self) -> Option<u32> {
        self.header.u32(main::EPOCH)
    }

    /// Version.
    pub fn version(&self) -> &'h str {
        self.version
    }

    /// Release.
    pub fn release(&self) -> &'h str {
        self.release
    }

    /// The architecture as repositories name it: the header's own, but `src` for source packages
    /// and `nosrc` for those that carry not all their sources (rpm's `ARCHSUFFIX`).
    pub fn arch(&self) -> &'h str {
        match (self.is_source(), self.is_nosource()) {
            (false, _) => self.arch,
            (true, false) => "src",
            (true, true) => "nosrc",
        }
    }

    /// The architecture as createrepo_c writes it: as [`Package::arch`], but `src` for every
    /// source package, complete or not.
    pub fn metadata_arch(&self) -> &'h str {
        match self.is_source() {
            true => "src",
            false => self.arch,
        }
    }

    /// The architecture tag as it is; in source packages the one of the build host.
    pub fn header_arch(&self) -> &'h str {
        self.arch
    }

    /// Name, epoch, version, release and [`Package::arch`].
    pub fn nevra(&self) -> Nevra {
        Nevra {
            name: self.name.to_owned(),
            epoch: self.epoch(),
            version: self.version.to_owned(),
            release: self.release.to_owned(),
            arch: self.arch().to_owned(),
        }
    }

    /// True for source packages. rpm's rule: the header names no source package that it came from.
    pub fn is_source(&self) -> bool {
        !self.header.has(main::SOURCERPM)
    }

    /// True when a source package leaves out sources or patches.
    pub fn is_nosource(&self) -> bool {
        self.header.has(main::NOSOURCE) || self.header.has(main::NOPATCH)
    }

    /// What the lead says on being a source package, where there is a lead. It can lie.
    pub fn lead_says_source(&self) -> Option<bool> {
        self.lead.map(|lead| lead.source)
    }

    /// True for a delta RPM with package headers of its own: its payload is no archive.
    pub fn is_delta(&self) -> bool {
        self.header.bytes(main::PAYLOADFORMAT) == Some(b"drpm")
    }

    /// One line on what it is.
    pub fn summary(&self) -> Option<Cow<'h, str>> {
        self.header.i18n_string(main::SUMMARY)
    }

    /// Several lines on what it is.
    pub fn description(&self) -> Option<Cow<'h, str>> {
        self.header.i18n_string(main::DESCRIPTION)
    }

    /// Who packaged it.
    pub fn packager(&self) -> Option<Cow<'h, str>> {
        self.header.string(main::PACKAGER)
    }

    /// Web page of the project.
    pub fn url(&self) -> Option<Cow<'h, str>> {
        self.header.string(main::URL)
    }

    /// Licence text.
    pub fn license(&self) -> Option<Cow<'h, str>> {
        self.header.string(main::LICENSE)
    }

    /// Vendor.
    pub fn vendor(&self) -> Option<Cow<'h, str>> {
        self.header.string(main::VENDOR)
    }

    /// Group of the old kind (`System Environment/Base`).
    pub fn group(&self) -> Option<Cow<'h, str>> {
        self.header.i18n_string(main::GROUP)
    }

    /// Host that built it.
    pub fn buildhost(&self) -> Option<Cow<'h, str>> {
        self.header.string(main::BUILDHOST)
    }

    /// File name of the source package that it came from.
    pub fn source_rpm(&self) -> Option<Cow<'h, str>> {
        self.header.string(main::SOURCERPM)
    }

    /// Module that it was built for, `name:stream:version:context`.
    pub fn modularity_label(&self) -> Option<Cow<'h, str>> {
        self.header.string(main::MODULARITYLABEL)
    }

    /// When it was built, in seconds since 1970.
    pub fn build_time(&self) -> Option<u64> {
        self.header.u64(main::BUILDTIME)
    }

    /// Bytes of all files once installed (LONGSIZE, else SIZE).
    pub fn installed_size(&self) -> Option<u64> {
        self.header
            .u64(main::LONGSIZE)
            .or_else(|| self.header.u64(main::SIZE))
    }

    /// Bytes of the uncompressed payload.
    ///
    /// Asked in rpm's order: LONGARCHIVESIZE, ARCHIVESIZE (main header of old packages),
    /// PAYLOADSIZE of the signature header, PAYLOADSIZEALT of format 6.
    pub fn archive_size(&self) -> Option<u64> {
        let signed = |tag| self.signature.and_then(|header| header.u64(tag));
        signed(signature::LONGARCHIVESIZE)
            .or_else(|| self.header.u64(signature::LONGARCHIVESIZE))
            .or_else(|| self.header.u64(main::ARCHIVESIZE))
            .or_else(|| signed(signature::PAYLOADSIZE))
            .or_else(|| self.header.u64(main::PAYLOADSIZEALT))
    }

    /// Bytes of main header and payload together as the signature header says.
    pub fn signed_size(&self) -> Option<u64> {
        let header = self.signature?;
        header
            .u64(signature::LONGSIZE)
            .or_else(|| header.u64(signature::SIZE))
    }

    /// Name of the payload's compression as in the header (`gzip`, `xz`, `zstd` …).
    pub fn payload_compressor(&self) -> Option<Cow<'h, str>> {
        self.header.string(main::PAYLOADCOMPRESSOR)
    }

    /// Format of the payload as in the header (`cpio`, `drpm`).
    pub fn payload_format(&self) -> Option<Cow<'h, str>> {
        self.header.string(main::PAYLOADFORMAT)
    }

    /// Dependencies of one kind in the order of the header.
    pub fn dependencies(&self, kind: DependencyKind) -> Dependencies<'h> {
        Dependencies::new(self.header, kind)
    }

    /// Weak dependencies in the tags that SUSE used before rpm 4.12 had its own.
    ///
    /// Two arrays held four kinds, told apart by [`flag::STRONG`]. createrepo_c lists them behind
    /// those of [`Package::dependencies`]. Empty for the four strong kinds.
    pub fn old_weak_dependencies(
        &self,
        kind: DependencyKind,
    ) -> impl Iterator<Item = Dependency<'h>> + 'h {
        dependency::old_weak(self.header, kind)
    }

    /// What it needs.
    pub fn requires(&self) -> Dependencies<'h> {
        self.dependencies(DependencyKind::Requires)
    }

    /// What it offers.
    pub fn provides(&self) -> Dependencies<'h> {
        self.dependencies(DependencyKind::Provides)
    }

    /// Files in the order of the header.
    pub fn files(&self) -> Files<'h> {
        Files::new(self.header, self.file_layout)
    }

    /// How the digests of the files are made; MD5 when the header does not say.
    pub fn file_digest_algorithm(&self) -> DigestAlgorithm {
        self.header
            .u32(main::FILEDIGESTALGO)
            .map_or(DigestAlgorithm::Md5, DigestAlgorithm::from_number)
    }

    /// Changelog entries in the order of the header: newest first.
    pub fn changelogs(&self) -> Changelogs<'h> {
        Changelogs::new(self.header)
    }

    /// Any string tag as text, for fields that have no accessor of their own.
    pub fn text(&self, tag: u32) -> Option<Cow<'h, str>> {
        self.header.bytes(tag).map(decode)
    }
}
