//! One installed package.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::digest::{DigestReport, check_installed};
use crate::error::Result;
use crate::header::Header;
use crate::package::Package;
use crate::signature::{
    Coverage, InstalledSignatures, KeyId, KeyRing, Policy, SignatureReport, SignatureSummary,
};
use crate::tag::main;
use crate::verify::Verification;

/// What rpm did with a file of a package (`FILESTATES`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileState {
    /// 0: installed.
    Normal,
    /// 1: replaced by the file of another package.
    Replaced,
    /// 2: left out when installing (documentation, languages, `--excludepath`).
    NotInstalled,
    /// 3: on a file system shared over the network.
    NetShared,
    /// 4: left to the file of the other architecture.
    WrongColor,
    /// Any other number.
    Other(u8),
}

impl FileState {
    fn from_number(number: u64) -> Self {
        match number {
            0 => Self::Normal,
            1 => Self::Replaced,
            2 => Self::NotInstalled,
            3 => Self::NetShared,
            4 => Self::WrongColor,
            other => Self::Other(other as u8),
        }
    }
}

/// A signature that a package was installed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledSignature {
    /// Tag that holds it, by its name in rpm's query formats.
    pub tag: &'static str,
    /// What it covers.
    pub coverage: Coverage,
    /// What its packet says, where it can be read.
    pub summary: Option<SignatureSummary>,
}

/// A package in a database of installed packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    number: u32,
    header: Header,
}

impl Installed {
    pub(super) fn new(number: u32, header: Header) -> Self {
        Self { number, header }
    }

    /// Its number in the database (rpm's instance number, `%{DBINSTANCE}`).
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Its header, with what rpm added.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Names, files, dependencies and all else, once their contents were checked. Costs a pass over the file list.
    ///
    /// # Errors
    /// [`crate::Error::BadPackage`], as for [`Package::new`].
    pub fn package(&self) -> Result<Package<'_>> {
        Package::from_headers(&self.header, None, None, 0)
    }

    /// The name, without the check that [`Installed::package`] makes.
    pub fn name(&self) -> &[u8] {
        self.header.bytes(main::NAME).unwrap_or_default()
    }

    /// True for the records that stand for imported keys.
    pub fn is_key(&self) -> bool {
        self.name() == b"gpg-pubkey"
    }

    /// The architecture; `None` for imported keys, which have none.
    pub fn arch(&self) -> Option<&[u8]> {
        self.header.bytes(main::ARCH)
    }

    /// When it was installed, in seconds since 1970.
    pub fn install_time(&self) -> Option<u64> {
        self.header.u64(main::INSTALLTIME)
    }

    /// Number of the transaction that installed it.
    pub fn transaction(&self) -> Option<u32> {
        self.header.u32(main::INSTALLTID)
    }

    /// What became of each file when it was installed, in the order of [`Package::files`]. Empty when the package has
    /// no files or the header does not say.
    pub fn file_states(&self) -> impl ExactSizeIterator<Item = FileState> + '_ {
        self.header
            .numbers(main::FILESTATES)
            .map(FileState::from_number)
    }

    /// The capabilities that files are installed with, as text such as `cap_net_raw=ep`, in the order of
    /// [`Package::files`]; empty when no file has any.
    pub fn file_capabilities(&self) -> impl ExactSizeIterator<Item = &[u8]> + '_ {
        self.header.strings(main::FILECAPS)
    }

    /// True when the package brings a script of its own for `rpm -V`.
    pub fn has_verify_script(&self) -> bool {
        self.header.has(main::VERIFYSCRIPT) || self.header.has(main::VERIFYSCRIPTPROG)
    }

    /// All signatures that it came with, those that cover the payload too (which nobody can check any more).
    pub fn signatures(&self) -> Vec<InstalledSignature> {
        InstalledSignatures::list(&self.header)
    }

    /// Short name of the key that signed it, from whichever tag says it.
    pub fn key_id(&self) -> Option<KeyId> {
        self.signatures()
            .into_iter()
            .find_map(|signature| signature.summary?.key_id)
    }

    /// Checks header digests and header signatures. Signatures over the payload are left out, since it is not kept.
    ///
    /// A package without region (rpm 3) has nothing that could be checked.
    pub fn verify(&self, ring: &KeyRing, policy: &Policy) -> Verification {
        let Some(pieces) = self.header.original() else {
            return Verification {
                digests: DigestReport::default(),
                signatures: SignatureReport::default(),
                whole: false,
            };
        };
        Verification {
            digests: check_installed(&self.header, &pieces),
            signatures: InstalledSignatures::check(&self.header, &pieces, ring, policy),
            whole: false,
        }
    }

    /// True when there is a signature that can be checked: over the header.
    pub fn has_header_signature(&self) -> bool {
        use crate::tag::signature;
        [signature::RSA, signature::DSA, signature::OPENPGP]
            .iter()
            .any(|tag| self.header.has(*tag))
    }

    /// Checks the header signatures alone.
    pub fn verify_signatures(&self, ring: &KeyRing, policy: &Policy) -> SignatureReport {
        match self.header.original() {
            Some(pieces) => InstalledSignatures::check(&self.header, &pieces, ring, policy),
            None => SignatureReport::default(),
        }
    }

    /// Checks the header digests alone.
    pub fn verify_digests(&self) -> DigestReport {
        match self.header.original() {
            Some(pieces) => check_installed(&self.header, &pieces),
            None => DigestReport::default(),
        }
    }

    /// Adds the key that this record stands for, if it does.
    pub fn add_key_to(&self, ring: &mut KeyRing) {
        if !self.is_key() {
            return;
        }
        let mut found = false;
        for text in self.header.strings(main::PUBKEYS) {
            if let Ok(packets) = STANDARD.decode(text.trim_ascii()) {
                found = true;
                ring.add_bytes(&packets);
            }
        }
        // rpm before 4.4 kept the armored key only.
        if !found && let Some(armored) = self.header.bytes(main::DESCRIPTION) {
            ring.add_bytes(armored);
        }
    }
}
