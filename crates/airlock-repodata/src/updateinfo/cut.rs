//! An advisory with some of its packages; everything else stays as it is, byte by byte.

use quick_xml::events::Event;
use quick_xml::reader::Reader;

use super::{CLOSE_TAG, FILE, OPEN_TAG, UpdatePackage, Updates};
use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::text::syntax;

/// Where a package stands: `update`, `pkglist` and `collection` are open then.
const DEPTH: usize = 3;

/// An `<update>` element whose lists name only those packages that `keep` takes. Lists stay, also empty ones.
///
/// # Errors
/// [`Error::BadRepository`] when the element is not well-formed.
pub fn with_packages(update: &[u8], keep: impl Fn(&UpdatePackage) -> bool) -> Result<Vec<u8>> {
    let file = [OPEN_TAG, update, CLOSE_TAG].concat();
    let updates = Updates::new(&file, &Limits::default())?;
    let mut packages = Vec::new();
    for raw in updates.iter() {
        let collections = raw?.update.collections;
        packages.extend(collections.into_iter().flat_map(|one| one.packages));
    }
    let places = places(update)?;
    // What is read otherwise than it is counted stays as it is.
    if places.len() != packages.len() {
        return Ok(update.to_vec());
    }
    let mut out = Vec::with_capacity(update.len());
    let mut at = 0;
    for ((start, end), package) in places.into_iter().zip(&packages) {
        if keep(package) {
            continue;
        }
        // The space in front of it goes with it.
        let before = update.get(at..start).unwrap_or_default();
        out.extend_from_slice(before.trim_ascii_end());
        at = end;
    }
    out.extend_from_slice(update.get(at..).unwrap_or_default());
    Ok(out)
}

/// Begin and end of each package element, in order.
fn places(update: &[u8]) -> Result<Vec<(usize, usize)>> {
    let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
    let mut reader = Reader::from_reader(update);
    let mut depth = 0_usize;
    let mut found = Vec::new();
    loop {
        let before = reader.buffer_position();
        let bad = |error| Error::at(FILE, update, place(before), syntax(&error));
        match reader.read_event().map_err(bad)? {
            Event::Start(tag) if depth == DEPTH && tag.name().as_ref() == "package" => {
                reader.read_to_end(tag.name()).map_err(bad)?;
                found.push((place(before), place(reader.buffer_position())));
            }
            Event::Empty(tag) if depth == DEPTH && tag.name().as_ref() == "package" => {
                found.push((place(before), place(reader.buffer_position())));
            }
            Event::Start(_) => depth += 1,
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Eof => return Ok(found),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::with_packages;

    #[test]
    fn packages_that_are_not_kept_go_with_the_space_before_them() {
        let update = |packages: &str| {
            format!(
                "<update type='x'><id>A</id><package name='no'/>\n <pkglist>\n  <collection short='c'>{packages}\n  </collection></pkglist></update>"
            )
        };
        let package = |name: &str| {
            format!(
                "\n   <package name='{name}' version='1' release='1' arch='noarch'><filename>{name}.rpm</filename><!-- <package> --></package>"
            )
        };
        let whole = update(&(package("one") + &package("two") + &package("three")));
        let kept = |keep: &[&str]| {
            let bytes = with_packages(whole.as_bytes(), |p| keep.contains(&&*p.name)).unwrap();
            String::from_utf8(bytes).unwrap()
        };
        assert_eq!(kept(&["one", "two", "three"]), whole);
        assert_eq!(
            kept(&["one", "three"]),
            update(&(package("one") + &package("three")))
        );
        assert_eq!(kept(&["two"]), update(&package("two")));
        assert_eq!(kept(&[]), update(""));
        assert!(with_packages(b"<update><id>x</update>", |_| true).is_err());
    }
}
