//! What is wrong with a list that is bound on the machine itself: no server and nobody who reads a report stands between its
//! slips and `-r packages`, so what would silently be left out is an error.

use super::DeclaredError;
use super::check::{MOST, OTHER_ENTRIES};
use crate::pkgmgr::list::{Client, holds, is_condition, odd_negation};
use crate::pkgmgr::native::KEY;
use crate::pkgmgr::words::nearest;
use crate::xml::Element;

/// Looks at a `PackageList` or `Rules` for a client. Gives what the machine may not know of itself.
///
/// # Errors
/// [`DeclaredError::Slips`]: packages without a name, elements that nothing knows, conditions that are neither turned round
/// nor not.
pub fn check_list(
    file: &str,
    root: &Element,
    client: &Client,
) -> Result<Vec<String>, DeclaredError> {
    let mut errors = Vec::new();
    slips(file, root, &mut errors);
    if !errors.is_empty() {
        let more = errors.len().saturating_sub(MOST);
        errors.truncate(MOST);
        if more > 0 {
            errors.push(format!("{file}: and {more} more"));
        }
        return Err(DeclaredError::Slips(errors));
    }
    let note = (client.groups.is_empty() && asks_for_groups(root, client)).then(|| {
        format!(
            "{file}: packages stand in groups, and no group of this machine is given, so what they name is left out and counts as not declared; give -g GROUP"
        )
    });
    Ok(note.into_iter().collect())
}

/// Whether something is left out because the client is in no group.
fn asks_for_groups(element: &Element, client: &Client) -> bool {
    element
        .elements()
        .filter(|inner| is_condition(inner))
        .any(|inner| match holds(inner, client) {
            true => asks_for_groups(inner, client),
            false => inner.name == "Group",
        })
}

fn slips(file: &str, element: &Element, errors: &mut Vec<String>) {
    for child in element.elements() {
        let mut error = |text: &str| {
            let name = child.attribute("name").filter(|name| !name.is_empty());
            let name: String = name
                .into_iter()
                .flat_map(|name| std::iter::once(' ').chain(name.chars().take(80)))
                .collect();
            let line = child.place.line;
            errors.push(format!("{file}:{line}: <{}>{name}: {text}", child.name));
        };
        let has = |name: &str| {
            let value = child.attribute(name);
            value.is_some_and(|text| !text.trim().is_empty())
        };
        match child.name.as_str() {
            "Group" | "Client" => {
                if let Some(text) = odd_negation(child) {
                    error(&format!("negate={text:?} is neither true nor false"));
                }
                if !has("name") {
                    error("it has no name, so that what stands in it is for nobody; add name='…'");
                }
                slips(file, child, errors);
            }
            "Package" if !["name", "group", "file"].into_iter().any(has) => {
                error("it has no name; add name='…'");
            }
            "Package" => {}
            KEY if file.ends_with(".toml") => {}
            other if OTHER_ENTRIES.contains(&other) || other.contains(':') => {}
            other => {
                let known = ["Package", "Group", "Client"].into_iter();
                let meant = nearest(other, known.chain(OTHER_ENTRIES)).map_or_else(
                    || "nothing knows it".to_owned(),
                    |meant| format!("did you mean <{meant}>?"),
                );
                error(&format!("it cannot stand in <{}>; {meant}", element.name));
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::xml::Document;

    fn check(xml: &str, client: &Client) -> Result<Vec<String>, DeclaredError> {
        let document = Document::parse("l.xml", xml.as_bytes()).unwrap();
        check_list("l.xml", &document.root, client)
    }

    #[test]
    fn what_would_be_left_out_of_a_list_is_an_error_with_its_line() {
        let nobody = Client::default();
        for (inner, expected) in [
            (
                "<Group name='db' negate='treu'/>",
                "l.xml:2: <Group> db: negate=\"treu\" is neither true nor false",
            ),
            (
                "<Group name='db' negate=' true'/>",
                "l.xml:2: <Group> db: negate=\" true\" is neither true nor false",
            ),
            (
                "<Client name='h'><Group/></Client>",
                "l.xml:2: <Group>: it has no name, so that what stands in it is for nobody; add name='…'",
            ),
            (
                "<Package version='1-1'/>",
                "l.xml:2: <Package>: it has no name; add name='…'",
            ),
            (
                "<Pakage name='a'/>",
                "l.xml:2: <Pakage> a: it cannot stand in <PackageList>; did you mean <Package>?",
            ),
            (
                "<Gadget name='a'/>",
                "l.xml:2: <Gadget> a: it cannot stand in <PackageList>; nothing knows it",
            ),
        ] {
            let list = format!("<PackageList priority='0'>\n{inner}</PackageList>");
            let error = check(&list, &nobody).unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
        let rules = "<Rules priority='0'><Path name='/x' type='ignore'/><Service name='s'/>\
            <Client name='h' negate='True'><Package group='web'/></Client></Rules>";
        assert_eq!(check(rules, &nobody).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn groups_that_are_left_out_because_none_is_given_are_told() {
        let list = |inner: &str| format!("<PackageList priority='0'>{inner}</PackageList>");
        let nobody = Client::new("h", Vec::<String>::new());
        let told = |inner: &str, client: &Client| !check(&list(inner), client).unwrap().is_empty();
        let in_group = "<Group name='db'><Package name='a'/></Group>";
        assert!(told(in_group, &nobody));
        assert!(!told(in_group, &Client::new("h", ["web"])));
        assert!(!told("<Group name='db' negate='true'/>", &nobody));
        let nested = format!("<Client name='h'>{in_group}</Client>");
        assert!(told(&nested, &nobody));
        assert!(!told(&nested, &Client::default()));
    }
}
