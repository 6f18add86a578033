//! How much of anything is read before reading stops.

/// Bounds on what is read. The defaults let every repository pass that is known to exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes that a file may have once opened.
    pub max_open_bytes: u64,
    /// Opened bytes allowed for one stored byte, counted after [`Limits::ratio_free_bytes`].
    pub ratio: u64,
    /// Opened bytes to which the ratio does not apply: small files may compress well.
    pub ratio_free_bytes: u64,
    /// Opened size that `repomd.xml` declares. Reading stops as soon as there is more, and
    /// complains at the end when there is less.
    pub open_size: Option<u64>,
    /// Elements within elements.
    pub max_depth: usize,
    /// Bytes of one attribute's value.
    pub max_attribute: usize,
    /// Bytes of one text between tags.
    pub max_text: usize,
    /// Bytes of one `<package>` or `<update>` element: it is held in memory as a whole.
    pub max_element: usize,
    /// Bytes of a document that is read into memory as a whole (`repomd.xml`, comps …).
    pub max_document: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_open_bytes: 16 << 30,
            ratio: 200,
            ratio_free_bytes: 1 << 20,
            open_size: None,
            max_depth: 64,
            max_attribute: 64 << 10,
            max_text: 16 << 20,
            max_element: 128 << 20,
            max_document: 256 << 20,
        }
    }
}

impl Limits {
    /// The same with the opened size that `repomd.xml` declares, where it does.
    #[must_use]
    pub fn with_open_size(mut self, open_size: Option<u64>) -> Self {
        self.open_size = open_size;
        self
    }

    /// Most opened bytes that may come, whatever is stored.
    pub(crate) fn most_open(&self) -> u64 {
        self.open_size.map_or(self.max_open_bytes, |declared| {
            declared.min(self.max_open_bytes)
        })
    }
}
