//! Epoch, version, release and architecture of one instance, declared or installed, and the two forms they are shown in.
//!
//! What is not known has two shades, and the prompts of the old client show which one it is: a part that was never given
//! (`*`) and one that is there but has no value (`None`: the epoch of most packages, the architecture of a key).

use std::fmt;

/// One part of an [`Evra`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum Part {
    /// Never given.
    #[default]
    Absent,
    /// There, but without a value.
    Null,
    /// A value.
    Text(String),
}

impl Part {
    /// A declared part: an attribute that may be there.
    pub fn declared(value: Option<&str>) -> Self {
        value.map_or(Self::Absent, |value| Self::Text(value.to_owned()))
    }

    /// A part of an installed package: there always, perhaps without a value.
    pub fn installed<T: fmt::Display>(value: Option<T>) -> Self {
        value.map_or(Self::Null, |value| Self::Text(value.to_string()))
    }

    /// The value, if there is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Absent | Self::Null => None,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Self::Absent => "*",
            Self::Null => "None",
            Self::Text(text) => text,
        })
    }
}

/// How an [`Evra`] is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Form {
    /// Always `EPOCH:VERSION-RELEASE.ARCH`: the sample of the specification.
    #[default]
    Specification,
    /// The epoch only where there is one: every release since.
    Later,
}

/// Epoch, version, release and architecture.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Evra {
    /// Epoch.
    pub epoch: Part,
    /// Version.
    pub version: Part,
    /// Release.
    pub release: Part,
    /// Architecture.
    pub arch: Part,
}

impl Evra {
    /// As it stands in prompts and reports.
    pub fn shown(&self, form: Form) -> String {
        let Self {
            epoch,
            version,
            release,
            arch,
        } = self;
        let epoch = match (form, epoch) {
            (Form::Later, Part::Absent | Part::Null) => String::new(),
            (_, epoch) => format!("{epoch}:"),
        };
        format!("{epoch}{version}-{release}.{arch}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_show_what_is_absent_and_what_has_no_value() {
        let mut evra = Evra {
            version: Part::Text("1.52".into()),
            release: Part::Text("4".into()),
            ..Evra::default()
        };
        assert_eq!(evra.shown(Form::Specification), "*:1.52-4.*");
        assert_eq!(evra.shown(Form::Later), "1.52-4.*");
        evra.epoch = Part::Null;
        evra.arch = Part::Null;
        assert_eq!(evra.shown(Form::Specification), "None:1.52-4.None");
        assert_eq!(evra.shown(Form::Later), "1.52-4.None");
        evra.epoch = Part::Text("0".into());
        assert_eq!(evra.shown(Form::Later), "0:1.52-4.None");
    }
}
