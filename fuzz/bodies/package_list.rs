//! What the fuzz target `package_list` does with its bytes; the tests of `airlock-pkgstate` replay it.

use airlock_pkgstate::pkgmgr::available::{Available, Origin, Packages};
use airlock_pkgstate::pkgmgr::binding::{RulesOptions, bind_all};
use airlock_pkgstate::pkgmgr::lint::{across, lint};
use airlock_pkgstate::pkgmgr::list::{Client, List};
use airlock_pkgstate::pkgmgr::native::Policy;
use airlock_pkgstate::pkgmgr::update::{Taking, edited, plan, serialized};
use airlock_pkgstate::pkgmgr::words;
use airlock_pkgstate::xml::{Document, Element, Node};

/// What was read means the same when written and read again, an update changes nothing else and comes to an end, and a
/// conversion there and back serves every client the same.
pub fn package_list(bytes: &[u8]) {
    let _ = lint("list.toml", bytes);
    if let Ok(policy) = Policy::parse("list.toml", bytes) {
        there_and_back(&policy);
    }
    let Some(document) = lint("list.xml", bytes).document else {
        return;
    };
    let written = document.serialized();
    let again = parse(&written);
    assert_eq!(again.serialized(), written);
    let _ = across(&[document.clone(), again]);
    update(&document);
    if let Ok(list) = List::from_document(document) {
        convert(&list);
    }
}

fn parse(text: &str) -> Document {
    match Document::parse("again", text.as_bytes()) {
        Ok(document) => document,
        Err(error) => panic!("{error}: {text}"),
    }
}

fn update(document: &Document) {
    let mut all = Vec::new();
    for package in document
        .root
        .walk()
        .filter(|element| element.name == "Package")
    {
        for instance in package.all("Instance") {
            let part = |name| instance.attribute(name).unwrap_or("x").to_owned();
            all.push(Available {
                name: package.attribute("name").unwrap_or_default().to_owned(),
                epoch: None,
                version: format!("{}.1", part("version")),
                release: part("release"),
                arch: instance.attribute("arch").unwrap_or_default().to_owned(),
                file: "new<&'\">.rpm".to_owned(),
                built: None,
                modified: None,
            });
        }
    }
    let packages = Packages {
        origin: Origin::Folders,
        all,
    };
    let Ok(first) = plan(document, &packages, Some(document), Taking::Copy) else {
        return;
    };
    let new = edited(document, &first);
    if first.changes.is_empty() {
        assert_eq!(new, document.text);
        return;
    }
    let new = parse(&new);
    // The two ways to write it say the same, but for where the taken elements and blanks stand.
    assert_eq!(
        instances(&new.root),
        instances(&parse(&serialized(document, &first)).root)
    );
    let second = plan(&new, &packages, None, Taking::Copy);
    assert_eq!(second.map(|plan| plan.changes).unwrap_or_default(), []);
}

fn instances(root: &Element) -> Vec<Vec<(String, String)>> {
    let inner = root.walk().filter(|element| element.name == "Instance");
    inner.map(|element| sorted(&element.attributes)).collect()
}

fn sorted(attributes: &[(String, String)]) -> Vec<(String, String)> {
    let mut attributes = attributes.to_vec();
    attributes.sort();
    attributes
}

fn there_and_back(policy: &Policy) {
    let written = policy.to_toml();
    match Policy::parse("again.toml", written.as_bytes()) {
        Ok(again) => assert_eq!(again.to_toml(), written),
        Err(error) => panic!("{error}: {written}"),
    }
}

fn convert(list: &List) {
    let Some((policy, losses)) = Policy::from_document(&list.document) else {
        return;
    };
    if !losses.is_empty() {
        return;
    }
    there_and_back(&policy);
    let read = match Policy::parse("again.toml", policy.to_toml().as_bytes()) {
        Ok(read) => read,
        Err(error) => panic!("{error}: {}", policy.to_toml()),
    };
    let (text, losses) = read.to_xml_text();
    assert_eq!(losses, []);
    let back = match List::parse("again.xml", text.as_bytes()) {
        Ok(back) => back,
        Err(error) => panic!("{error}: {text}"),
    };
    assert_eq!(comments(&list.document), comments(&back.document), "{text}");
    let clients = [
        Client::new("", [""]),
        Client::new("h", ["g", "a"]),
        Client::new("h", ["Centos4.4-Standard", "x86_64", "y"]),
    ];
    for client in clients {
        let bound = |list: &List| {
            let lists = std::slice::from_ref(list);
            canonical(&bind_all(lists, &client, RulesOptions::default()).0)
        };
        assert_eq!(bound(list), bound(&back), "{text}");
    }
}

/// All comments, sorted: some stand elsewhere, and none is lost.
fn comments(document: &Document) -> Vec<&str> {
    let inside = document.root.walk().flat_map(|element| &element.children);
    let inside = inside.filter_map(|node| match node {
        Node::Comment(text) => Some(text),
        _ => None,
    });
    let outside = document.before.iter().chain(&document.after);
    let mut all: Vec<&str> = inside.chain(outside).map(String::as_str).collect();
    all.sort_unstable();
    all
}

/// What both forms can say: attributes in any order, lists and booleans in one spelling.
fn canonical(element: &Element) -> Element {
    let mut copy = Element::new(element.name.as_str());
    for (name, value) in sorted(&element.attributes) {
        let value = match name.as_str() {
            name if words::BOOLEANS.contains(&name) && words::boolean(&value).is_some() => {
                value.trim().to_ascii_lowercase()
            }
            "verify_flags" => words::flags(&value).collect::<Vec<_>>().join(","),
            "multiarch" | "srcs" if !value.contains(',') => {
                value.split_whitespace().collect::<Vec<_>>().join(" ")
            }
            _ => value,
        };
        copy.set(&name, value);
    }
    let mut children: Vec<Element> = element.elements().map(canonical).collect();
    children.sort_by_key(|child| (child.name.clone(), child.to_xml()));
    for child in children {
        copy.push(child);
    }
    copy
}
