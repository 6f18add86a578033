//! Checks of the house: floors, file sizes, licences, generated documents.
fn main() {}
