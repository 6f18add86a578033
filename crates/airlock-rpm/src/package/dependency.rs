//! What packages need, offer, exclude and suggest.

use std::borrow::Cow;

use crate::header::{Header, Numbers, Strings};
use crate::tag::main;
use crate::text::decode;

/// Bits of a dependency's flags (rpm's `rpmds.h`).
pub mod flag {
    /// The other side is older.
    pub const LESS: u32 = 1 << 1;
    /// The other side is newer.
    pub const GREATER: u32 = 1 << 2;
    /// The other side is the same.
    pub const EQUAL: u32 = 1 << 3;
    /// Found before the transaction's order is known (old `PreReq`).
    pub const PREREQ: u32 = 1 << 6;
    /// Needed by `%pretrans`.
    pub const PRETRANS: u32 = 1 << 7;
    /// Needed by the interpreter of a script.
    pub const INTERP: u32 = 1 << 8;
    /// Needed by `%pre`.
    pub const SCRIPT_PRE: u32 = 1 << 9;
    /// Needed by `%post`.
    pub const SCRIPT_POST: u32 = 1 << 10;
    /// Needed by `%preun`.
    pub const SCRIPT_PREUN: u32 = 1 << 11;
    /// Needed by `%postun`.
    pub const SCRIPT_POSTUN: u32 = 1 << 12;
    /// Needed by `%verifyscript`.
    pub const SCRIPT_VERIFY: u32 = 1 << 13;
    /// Found by the dependency generators.
    pub const FIND_REQUIRES: u32 = 1 << 14;
    /// Found by the dependency generators.
    pub const FIND_PROVIDES: u32 = 1 << 15;
    /// Needs a feature of rpm itself.
    pub const RPMLIB: u32 = 1 << 24;
    /// In the old weak tags: recommends or supplements, not suggests or enhances.
    pub const STRONG: u32 = 1 << 27;
    /// Only needed while installing (`Requires(meta)` and others).
    pub const META: u32 = 1 << 29;
}

/// The eight kinds of dependencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DependencyKind {
    /// What the package offers.
    Provides,
    /// Has to be there.
    Requires,
    /// Must not be there.
    Conflicts,
    /// Is replaced.
    Obsoletes,
    /// Would be nice, weaker than recommended.
    Suggests,
    /// The other way round of suggests.
    Enhances,
    /// Is installed too unless that fails.
    Recommends,
    /// The other way round of recommends.
    Supplements,
}

impl DependencyKind {
    /// All kinds in the order of primary.xml, which is that of their numbers.
    pub const ALL: [Self; 8] = [
        Self::Provides,
        Self::Requires,
        Self::Conflicts,
        Self::Obsoletes,
        Self::Suggests,
        Self::Enhances,
        Self::Recommends,
        Self::Supplements,
    ];

    /// Element name in primary.xml, without the prefix.
    pub fn name(self) -> &'static str {
        match self {
            Self::Requires => "requires",
            Self::Provides => "provides",
            Self::Conflicts => "conflicts",
            Self::Obsoletes => "obsoletes",
            Self::Suggests => "suggests",
            Self::Supplements => "supplements",
            Self::Recommends => "recommends",
            Self::Enhances => "enhances",
        }
    }

    /// Tags of names, versions and flags.
    pub fn tags(self) -> (u32, u32, u32) {
        match self {
            Self::Requires => (main::REQUIRENAME, main::REQUIREVERSION, main::REQUIREFLAGS),
            Self::Provides => (main::PROVIDENAME, main::PROVIDEVERSION, main::PROVIDEFLAGS),
            Self::Conflicts => (
                main::CONFLICTNAME,
                main::CONFLICTVERSION,
                main::CONFLICTFLAGS,
            ),
            Self::Obsoletes => (
                main::OBSOLETENAME,
                main::OBSOLETEVERSION,
                main::OBSOLETEFLAGS,
            ),
            Self::Suggests => (main::SUGGESTNAME, main::SUGGESTVERSION, main::SUGGESTFLAGS),
            Self::Supplements => (
                main::SUPPLEMENTNAME,
                main::SUPPLEMENTVERSION,
                main::SUPPLEMENTFLAGS,
            ),
            Self::Recommends => (
                main::RECOMMENDNAME,
                main::RECOMMENDVERSION,
                main::RECOMMENDFLAGS,
            ),
            Self::Enhances => (main::ENHANCENAME, main::ENHANCEVERSION, main::ENHANCEFLAGS),
        }
    }
}

/// Which versions a dependency speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sense {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `=`
    Equal,
    /// `>=`
    GreaterOrEqual,
    /// `>`
    Greater,
}

impl Sense {
    /// The word that primary.xml uses: `LT`, `LE`, `EQ`, `GE`, `GT`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Less => "LT",
            Self::LessOrEqual => "LE",
            Self::Equal => "EQ",
            Self::GreaterOrEqual => "GE",
            Self::Greater => "GT",
        }
    }

    /// The sign that spec files use.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Equal => "=",
            Self::GreaterOrEqual => ">=",
            Self::Greater => ">",
        }
    }
}

/// One dependency, borrowed from the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dependency<'h> {
    /// Capability, file path or rich expression, as bytes.
    pub name: &'h [u8],
    /// `[EPOCH:]VERSION[-RELEASE]` or empty, as bytes.
    pub evr: &'h [u8],
    /// Bits of [`flag`].
    pub flags: u32,
}

impl<'h> Dependency<'h> {
    /// Name as text.
    pub fn name_text(&self) -> Cow<'h, str> {
        decode(self.name)
    }

    /// Version as text; empty when it has none.
    pub fn evr_text(&self) -> Cow<'h, str> {
        decode(self.evr)
    }

    /// Which versions it speaks of; `None` for all.
    pub fn sense(&self) -> Option<Sense> {
        let bit = |which| self.flags & which != 0;
        match (bit(flag::LESS), bit(flag::EQUAL), bit(flag::GREATER)) {
            (true, false, false) => Some(Sense::Less),
            (true, true, false) => Some(Sense::LessOrEqual),
            (false, true, false) => Some(Sense::Equal),
            (false, true, true) => Some(Sense::GreaterOrEqual),
            (false, false, true) => Some(Sense::Greater),
            _ => None,
        }
    }

    /// True when it has to be met before the package's scripts run: what createrepo_c writes as
    /// `pre="1"` (PREREQ, `%pre` and `%post`).
    pub fn is_pre(&self) -> bool {
        self.flags & (flag::PREREQ | flag::SCRIPT_PRE | flag::SCRIPT_POST) != 0
    }

    /// True for features of rpm itself, which repositories do not list.
    pub fn is_rpmlib(&self) -> bool {
        self.name.starts_with(b"rpmlib(")
    }

    /// True for boolean expressions such as `(a if b)`.
    pub fn is_rich(&self) -> bool {
        self.name.first() == Some(&b'(')
    }
}

/// Dependencies of one kind.
#[derive(Debug, Clone)]
pub struct Dependencies<'h> {
    names: Strings<'h>,
    versions: Strings<'h>,
    flags: Numbers<'h>,
}

impl<'h> Dependencies<'h> {
    pub(super) fn new(header: &'h Header, kind: DependencyKind) -> Self {
        let (names, versions, flags) = kind.tags();
        Self {
            names: header.strings(names),
            versions: header.strings(versions),
            flags: header.numbers(flags),
        }
    }
}

/// Tags of names, versions and flags in which SUSE kept two weak kinds each.
pub(super) const OLD_WEAK: [(u32, u32, u32); 2] = [
    (
        main::OLDSUGGESTSNAME,
        main::OLDSUGGESTSVERSION,
        main::OLDSUGGESTSFLAGS,
    ),
    (
        main::OLDENHANCESNAME,
        main::OLDENHANCESVERSION,
        main::OLDENHANCESFLAGS,
    ),
];

/// The dependencies of a weak kind in the old tags.
pub(super) fn old_weak(
    header: &Header,
    kind: DependencyKind,
) -> impl Iterator<Item = Dependency<'_>> {
    let [suggests, enhances] = OLD_WEAK;
    let from = match kind {
        DependencyKind::Suggests => Some((suggests, 0)),
        DependencyKind::Recommends => Some((suggests, flag::STRONG)),
        DependencyKind::Enhances => Some((enhances, 0)),
        DependencyKind::Supplements => Some((enhances, flag::STRONG)),
        _ => None,
    };
    from.into_iter()
        .flat_map(|((names, versions, flags), strong)| {
            Dependencies {
                names: header.strings(names),
                versions: header.strings(versions),
                flags: header.numbers(flags),
            }
            .filter(move |dependency| dependency.flags & flag::STRONG == strong)
        })
}

impl<'h> Iterator for Dependencies<'h> {
    type Item = Dependency<'h>;

    #[inline]
    fn next(&mut self) -> Option<Dependency<'h>> {
        Some(Dependency {
            name: self.names.next()?,
            // Provides of very old packages have names only.
            evr: self.versions.next().unwrap_or_default(),
            flags: self.flags.next().unwrap_or_default() as u32,
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.names.size_hint()
    }
}

impl ExactSizeIterator for Dependencies<'_> {}
