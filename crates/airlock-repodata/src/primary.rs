//! What a fragment of `primary.xml` says.

mod location;
mod summary;

pub use location::{LOCATION_PLACEHOLDER, Location, strip_location, with_location};
pub use summary::{PrimarySummary, summarize};

/// Name used for the file in errors of functions that see one fragment.
const FILE: &str = "primary.xml";
