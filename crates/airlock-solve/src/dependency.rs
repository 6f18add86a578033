//! Dependencies as numbered expressions: equal ones exist once.

use std::cmp::Ordering;

use airlock_rpm::EvrRef;

use crate::error::{Error, Result};
use crate::intern::{NumberMap, StringId, Strings};

/// A dependency of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DependencyId(pub(crate) u32);

impl DependencyId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// A version of a pool: epoch, version and perhaps a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EvrId(pub(crate) u32);

/// The parts of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct EvrParts {
    pub(crate) epoch: u32,
    pub(crate) version: StringId,
    /// Empty is "not given", as for rpm.
    pub(crate) release: StringId,
}

/// Which versions a comparison takes; the bits are `>`, `=`, `<`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sense(pub(crate) u8);

impl Sense {
    pub(crate) const GREATER: Self = Self(1);
    pub(crate) const EQUAL: Self = Self(2);
    pub(crate) const LESS: Self = Self(4);

    /// The sense of a word of metadata (`EQ` …) or of a sign (`=` …).
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "GT" | ">" => Self(1),
            "EQ" | "=" | "==" => Self(2),
            "GE" | ">=" | "=>" => Self(3),
            "LT" | "<" => Self(4),
            "LE" | "<=" | "=<" => Self(6),
            "NE" | "<>" => Self(5),
            _ => return None,
        })
    }

    fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    fn sign(self) -> &'static str {
        match self.0 {
            1 => ">",
            2 => "=",
            3 => ">=",
            4 => "<",
            6 => "<=",
            _ => "<>",
        }
    }
}

/// What a dependency says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Expression {
    /// A capability or path in any version.
    Name(StringId),
    /// A capability in some versions.
    Version(StringId, Sense, EvrId),
    /// Both hold.
    And(DependencyId, DependencyId),
    /// One holds.
    Or(DependencyId, DependencyId),
    /// One package offers both.
    With(DependencyId, DependencyId),
    /// A package offers the first and not the second.
    Without(DependencyId, DependencyId),
    /// The first holds, or the second does not.
    If(DependencyId, DependencyId),
    /// The first holds and the second does not.
    Unless(DependencyId, DependencyId),
    /// `(first if condition else other)`: the second is an [`Expression::Else`].
    IfElse(DependencyId, DependencyId),
    /// `(first unless condition else other)`: the second is an [`Expression::Else`].
    UnlessElse(DependencyId, DependencyId),
    /// Condition and other branch of the two before.
    Else(DependencyId, DependencyId),
    /// A text that is no dependency; nothing offers it.
    Malformed(StringId),
}

/// All dependencies and versions of a pool.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dependencies {
    pub(crate) expressions: Vec<Expression>,
    known: NumberMap<[u32; 3], DependencyId>,
    pub(crate) evrs: Vec<EvrParts>,
    known_evrs: NumberMap<[u32; 3], EvrId>,
}

impl Dependencies {
    /// Puts stored parts together again.
    pub(crate) fn from_parts(expressions: Vec<Expression>, evrs: Vec<EvrParts>) -> Self {
        Self {
            expressions,
            evrs,
            ..Self::default()
        }
    }

    pub(crate) fn intern(&mut self, expression: Expression) -> Result<DependencyId> {
        let key = key(expression);
        if let Some(id) = self.known.get(&key) {
            return Ok(*id);
        }
        let id = DependencyId(number(self.expressions.len(), "dependencies")?);
        self.expressions.push(expression);
        self.known.insert(key, id);
        Ok(id)
    }

    pub(crate) fn intern_evr(&mut self, evr: EvrParts) -> Result<EvrId> {
        let key = [evr.epoch, evr.version.0, evr.release.0];
        if let Some(id) = self.known_evrs.get(&key) {
            return Ok(*id);
        }
        let id = EvrId(number(self.evrs.len(), "versions")?);
        self.evrs.push(evr);
        self.known_evrs.insert(key, id);
        Ok(id)
    }

    pub(crate) fn expression(&self, id: DependencyId) -> Expression {
        self.expressions[id.index()]
    }

    /// Drops the tables that only interning needs.
    pub(crate) fn freeze(&mut self) {
        self.known = NumberMap::default();
        self.known_evrs = NumberMap::default();
    }
}

fn number(count: usize, what: &'static str) -> Result<u32> {
    let limit = u32::MAX - 1;
    match u32::try_from(count) {
        Ok(count) if count < limit => Ok(count),
        _ => Err(Error::Full {
            what,
            limit: u64::from(limit),
        }),
    }
}

/// Three numbers for an expression; also its stored form.
pub(crate) fn key(expression: Expression) -> [u32; 3] {
    use Expression as E;
    match expression {
        E::Name(name) => [0, name.0, 0],
        E::Version(name, sense, evr) => [u32::from(sense.0), name.0, evr.0],
        E::And(a, b) => [8, a.0, b.0],
        E::Or(a, b) => [9, a.0, b.0],
        E::With(a, b) => [10, a.0, b.0],
        E::Without(a, b) => [11, a.0, b.0],
        E::If(a, b) => [12, a.0, b.0],
        E::Unless(a, b) => [13, a.0, b.0],
        E::IfElse(a, b) => [14, a.0, b.0],
        E::UnlessElse(a, b) => [15, a.0, b.0],
        E::Else(a, b) => [16, a.0, b.0],
        E::Malformed(text) => [17, text.0, 0],
    }
}

/// The expression of three numbers, when there is one.
pub(crate) fn from_key([kind, a, b]: [u32; 3]) -> Option<Expression> {
    use Expression as E;
    let (one, two) = (DependencyId(a), DependencyId(b));
    Some(match kind {
        0 if b == 0 => E::Name(StringId(a)),
        1..=6 => E::Version(StringId(a), Sense(kind as u8), EvrId(b)),
        8 => E::And(one, two),
        9 => E::Or(one, two),
        10 => E::With(one, two),
        11 => E::Without(one, two),
        12 => E::If(one, two),
        13 => E::Unless(one, two),
        14 => E::IfElse(one, two),
        15 => E::UnlessElse(one, two),
        16 => E::Else(one, two),
        17 if b == 0 => E::Malformed(StringId(a)),
        _ => return None,
    })
}

/// Borrowed view of a version.
pub(crate) fn evr_ref(strings: &Strings, parts: EvrParts) -> EvrRef<'_> {
    EvrRef::new(
        Some(parts.epoch),
        strings.get(parts.version),
        (parts.release != StringId::EMPTY).then(|| strings.get(parts.release)),
    )
}

/// True when some version is in both ranges, by rpm's rules (`rpmdsCompare`): an epoch that is not
/// given is 0; a side without a release takes every release if it has `=`.
pub(crate) fn ranges_meet(
    strings: &Strings,
    (one, one_evr): (Sense, EvrParts),
    (two, two_evr): (Sense, EvrParts),
) -> bool {
    if one_evr.version == StringId::EMPTY || two_evr.version == StringId::EMPTY {
        return true;
    }
    let both_less = one.has(Sense::LESS) && two.has(Sense::LESS);
    let both_greater = one.has(Sense::GREATER) && two.has(Sense::GREATER);
    if both_less || both_greater {
        return true;
    }
    let both_equal = one.has(Sense::EQUAL) && two.has(Sense::EQUAL);
    if one_evr == two_evr {
        return both_equal;
    }
    let (left, right) = (evr_ref(strings, one_evr), evr_ref(strings, two_evr));
    match left.compare_in_range(&right) {
        Ordering::Less => one.has(Sense::GREATER) || two.has(Sense::LESS),
        Ordering::Greater => one.has(Sense::LESS) || two.has(Sense::GREATER),
        Ordering::Equal => match (left.release, right.release) {
            (None, Some(_)) => one.has(Sense::EQUAL),
            (Some(_), None) => two.has(Sense::EQUAL),
            _ => both_equal,
        },
    }
}

/// Appends the text of a dependency, as it stands in metadata and messages.
pub(crate) fn display(
    strings: &Strings,
    dependencies: &Dependencies,
    id: DependencyId,
    out: &mut String,
) {
    use Expression as E;
    let expression = dependencies.expression(id);
    let (one, word, two) = match expression {
        E::Name(name) | E::Malformed(name) => return out.push_str(strings.get(name)),
        E::Version(name, sense, evr) => {
            out.push_str(strings.get(name));
            out.push(' ');
            out.push_str(sense.sign());
            out.push(' ');
            return push_evr(strings, dependencies.evrs[evr.0 as usize], out);
        }
        E::Else(one, two) => {
            display(strings, dependencies, one, out);
            out.push_str(" else ");
            return display(strings, dependencies, two, out);
        }
        E::And(one, two) => (one, " and ", two),
        E::Or(one, two) => (one, " or ", two),
        E::With(one, two) => (one, " with ", two),
        E::Without(one, two) => (one, " without ", two),
        E::If(one, two) | E::IfElse(one, two) => (one, " if ", two),
        E::Unless(one, two) | E::UnlessElse(one, two) => (one, " unless ", two),
    };
    // ((a or b) or c) reads better as (a or b or c).
    let chained = matches!(expression, E::And(..) | E::Or(..) | E::With(..))
        && key(dependencies.expression(one))[0] == key(expression)[0];
    if !chained {
        out.push('(');
    }
    display(strings, dependencies, one, out);
    if chained {
        out.pop();
    }
    out.push_str(word);
    display(strings, dependencies, two, out);
    out.push(')');
}

/// `[EPOCH:]VERSION[-RELEASE]`; an epoch of 0 and an empty release are left out, unless a version that no package may have
/// would then be read as something else.
pub(crate) fn push_evr(strings: &Strings, evr: EvrParts, out: &mut String) {
    use std::fmt::Write;
    let version = strings.get(evr.version);
    if evr.epoch != 0 || version.contains(':') {
        let _ = write!(out, "{}:", evr.epoch);
    }
    out.push_str(version);
    if evr.release != StringId::EMPTY || version.contains('-') {
        out.push('-');
        out.push_str(strings.get(evr.release));
    }
}
