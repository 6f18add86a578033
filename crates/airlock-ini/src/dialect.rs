//! What differs between the programs that read this kind of file.

/// How a file is read. All dialects share the rules of Python's ConfigParser: `=` or `:` ends a name, white space at the start
/// of a line goes on with the value before, `#` and `;` begin a remark at the start of a line, and the section `DEFAULT` feeds
/// all others.
#[derive(Debug, Clone)]
pub struct Dialect {
    /// Names of options are turned to lower case. Section names never are.
    pub lower_names: bool,
    /// `%(name)s` stands for another option of the section or of `DEFAULT`, and `%%` for `%`.
    pub interpolation: bool,
    /// A value in one pair of equal quotes, with no such quote inside, loses them; a lone quote becomes empty.
    pub strip_quotes: bool,
    /// A `;` after a blank begins a remark also behind a value (Python 2).
    pub semicolon_remarks: bool,
    /// A name without `=` is an option without a value instead of a fault.
    pub names_alone: bool,
    /// What is too much.
    pub limits: Limits,
}

/// What is too much for a settings file. The defaults are far beyond any real one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole file.
    pub bytes: usize,
    /// Sections of the file.
    pub sections: usize,
    /// Options of all sections together, those that `DEFAULT` feeds counted in each section.
    pub options: usize,
    /// Bytes of a value after `%(name)s` was put in.
    pub value: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 4 << 20,
            sections: 10_000,
            options: 200_000,
            value: 64 << 10,
        }
    }
}

impl Dialect {
    /// Python 3's ConfigParser with its defaults, but with repeated names allowed.
    #[must_use]
    pub fn python() -> Self {
        Self {
            lower_names: true,
            interpolation: true,
            strip_quotes: false,
            semicolon_remarks: false,
            names_alone: false,
            limits: Limits::default(),
        }
    }

    /// `/etc/virt-who.conf` and `/etc/virt-who.d/*.conf`.
    #[must_use]
    pub fn virt_who() -> Self {
        Self {
            strip_quotes: true,
            ..Self::python()
        }
    }

    /// `/etc/rhsm/rhsm.conf`, whose defaults refer to each other (`%(ca_cert_dir)s`).
    #[must_use]
    pub fn rhsm() -> Self {
        Self::python()
    }

    /// `bcfg2.conf`, read by Python 2 in its days: a `;` after a blank begins a remark.
    /// Set `lower_names` to false for the releases from 1.3 on.
    #[must_use]
    pub fn bcfg2() -> Self {
        Self {
            semicolon_remarks: true,
            ..Self::python()
        }
    }
}
