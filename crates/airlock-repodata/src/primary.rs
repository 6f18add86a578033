//! What a fragment of `primary.xml` says.

mod full;
mod location;
mod summary;
mod walk;

pub use airlock_rpm::package::DependencyKind;
pub use full::{Comparison, Dependency, FileKind, PrimaryPackage, parse};
pub use location::{LOCATION_PLACEHOLDER, Location, strip_location, with_location};
pub use summary::{PrimarySummary, summarize};
pub use walk::{PrimaryPart, WrittenEvr, walk};

pub(crate) use summary::epoch;

/// Name used for the file in errors of functions that see one fragment.
const FILE: &str = "primary.xml";
