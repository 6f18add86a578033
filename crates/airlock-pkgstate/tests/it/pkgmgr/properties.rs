//! What has to hold for every list and every set of packages.

use airlock_pkgstate::pkgmgr::arch::{Archs, group};
use airlock_pkgstate::pkgmgr::available::{Available, Origin, Packages};
use airlock_pkgstate::pkgmgr::generate::{Format, Header, Options, generate};
use airlock_pkgstate::pkgmgr::native::Policy;
use airlock_pkgstate::pkgmgr::update::{Taking, edited, plan, serialized};
use airlock_pkgstate::xml::{Document, Element, Node};
use airlock_rpm::EvrRef;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

fn name() -> impl Strategy<Value = String> {
    select(vec!["alpha", "beta", "a<b>'&\"", "kernel"]).prop_map(str::to_owned)
}

fn arch() -> impl Strategy<Value = String> {
    select(vec!["noarch", "x86_64", "i686", "i386", "aarch64"]).prop_map(str::to_owned)
}

fn package() -> impl Strategy<Value = Available> {
    let version = "[0-9a-z~^.+]{1,4}";
    (name(), option::of(0..3_u32), version, "[0-9]{1,2}", arch()).prop_map(
        |(name, epoch, version, release, arch)| Available {
            file: format!("{name}-{version}-{release}.{arch}.rpm"),
            name,
            epoch,
            version,
            release,
            arch,
            built: None,
            modified: None,
        },
    )
}

fn packages() -> impl Strategy<Value = Packages> {
    let origin = select(vec![Origin::Folders, Origin::Repositories]);
    (origin, vec(package(), 0..25)).prop_map(|(origin, mut all)| {
        for package in &mut all {
            if origin == Origin::Repositories {
                package.epoch = package.epoch.or(Some(0));
            }
        }
        Packages { origin, all }
    })
}

type Instance = (String, Option<u32>, String, String, String, String);

fn read(root: &Element) -> Vec<Instance> {
    let mut all = Vec::new();
    for package in root.walk().filter(|element| element.name == "Package") {
        for instance in package.all("Instance") {
            let part = |name| instance.attribute(name).unwrap_or_default().to_owned();
            all.push((
                package.attribute("name").unwrap_or_default().to_owned(),
                instance
                    .attribute("epoch")
                    .map(|epoch| epoch.parse().unwrap()),
                part("version"),
                part("release"),
                part("arch"),
                part("simplefile"),
            ));
        }
    }
    all
}

fn evr(instance: &Instance) -> EvrRef<'_> {
    EvrRef::new(instance.1, &instance.2, Some(&instance.3))
}

fn parse(text: &str) -> Document {
    Document::parse("list.xml", text.as_bytes()).unwrap()
}

/// Elements of lists, put together as they may be, with values of all kinds.
fn element(tag: &'static str) -> impl Strategy<Value = Element> {
    let attribute = (
        select(vec![
            "name",
            "name",
            "type",
            "uri",
            "version",
            "release",
            "arch",
            "epoch",
            "file",
            "simplefile",
            "multiarch",
            "srcs",
            "verify_flags",
            "pkg_checks",
            "negate",
            "priority",
            "group",
            "own",
            "x-y",
            "comment",
            "pkg_verify",
            "installed_action",
        ]),
        select(vec![
            "a",
            "b",
            "rpm",
            "yum",
            "1",
            "true",
            "False",
            "",
            "nomd5, nosize",
            "i386 x86_64",
            "a-1.0-1.%(arch)s.rpm",
            "a-1-1.noarch.rpm",
            "<&>'\"",
            "\u{e9}\u{2028}\\n",
            " x ",
            "g",
            "h",
        ]),
    );
    vec(attribute, 0..6).prop_map(move |attributes| {
        let mut element = Element::new(tag);
        for (name, value) in attributes {
            element.set(name, value);
        }
        element
    })
}

fn holding(
    outer: impl Strategy<Value = Element>,
    inner: impl Strategy<Value = Element>,
) -> impl Strategy<Value = Element> {
    (outer, vec((inner, option::of("[ a-z]{0,9}x")), 0..4)).prop_map(|(mut outer, inner)| {
        for (element, comment) in inner {
            outer.children.extend(comment.map(Node::Comment));
            outer.push(element);
        }
        outer
    })
}

fn list() -> impl Strategy<Value = Element> {
    let instance = || holding(element("Instance"), element("Ignore"));
    let package = holding(
        element("Package"),
        prop_oneof![instance(), element("Ignore")],
    );
    let path = element("Path");
    let content = prop_oneof![3 => package, 1 => path].boxed();
    let tree = content.prop_recursive(4, 40, 4, |inner| {
        let condition = prop_oneof![element("Group"), element("Client")];
        holding(condition, inner).boxed()
    });
    let root = prop_oneof![element("PackageList"), element("Rules")];
    (holding(root, tree), -3..9_i64)
        .prop_map(|(list, priority)| list.with("priority", priority.to_string()))
}

/// The same list without what only one form can say.
fn sound(element: &Element, is_rules: bool) -> Element {
    let mut copy = Element::new(element.name.as_str());
    if !["Instance", "PackageList", "Rules"].contains(&element.name.as_str()) {
        copy.set("name", element.attribute("name").unwrap_or("a"));
    }
    for (name, value) in &element.attributes {
        let value = if name == "negate" { "true" } else { value };
        if element.name != "Ignore" && !(element.name == "Path" && name == "comment") {
            copy.set(name, value);
        }
    }
    for child in &element.children {
        match child {
            Node::Element(path) if path.name == "Path" && !is_rules => {}
            Node::Element(inner) => copy.push(sound(inner, is_rules)),
            other => copy.children.push(other.clone()),
        }
    }
    copy
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_generated_list_says_what_there_is(packages in packages(), all_versions in any::<bool>()) {
        let options = Options {
            format: Format::Rpm,
            header: Some(Header { uri: "http://h/".to_owned(), priority: -1 }),
            groups: vec!["g'1".to_owned()],
            indent: 2,
            archs: Archs::All,
            all_versions,
            ..Options::default()
        };
        let listed = read(&parse(&generate(&packages, &options).text).root);
        // What has to be listed, found another way.
        let best = |one: &Available| {
            !packages.all.iter().any(|other| {
                other.name == one.name && group(&other.arch) == group(&one.arch) && other.arch > one.arch
            })
        };
        let kept = packages.all.iter().filter(|one| best(one));
        let mut expected: Vec<Instance> = kept.map(|one| (
            one.name.clone(),
            match packages.origin {
                Origin::Folders => one.epoch.filter(|epoch| *epoch > 0),
                Origin::Repositories => one.epoch,
            },
            one.version.clone(),
            one.release.clone(),
            one.arch.clone(),
            one.file.clone(),
        )).collect();
        if all_versions {
            let mut listed = listed.clone();
            listed.sort();
            expected.sort();
            prop_assert_eq!(listed, expected);
        } else {
            for one in &listed {
                prop_assert!(expected.contains(one));
                let newer = |other: &&Instance| other.0 == one.0 && other.4 == one.4 && evr(other) > evr(one);
                prop_assert_eq!(expected.iter().find(newer), None);
            }
            let mut keys: Vec<_> = expected.iter().map(|one| (&one.0, &one.4)).collect();
            keys.sort();
            keys.dedup();
            prop_assert_eq!(listed.len(), keys.len());
        }
    }

    #[test]
    fn a_list_of_any_shape_is_converted_there_and_back(list in list()) {
        crate::replay::package_list::package_list(list.to_xml().as_bytes());
    }

    #[test]
    fn a_sound_list_is_converted_there_and_back_without_loss(list in list()) {
        let list = sound(&list, list.name == "Rules").to_xml();
        let (_, losses) = Policy::from_document(&parse(&list)).unwrap();
        prop_assert_eq!(losses, vec![], "{}", list);
        crate::replay::package_list::package_list(list.as_bytes());
    }

    #[test]
    fn an_update_never_makes_anything_older_and_ends_at_the_newest(old in packages(), new in packages()) {
        let options = Options { all_versions: true, format: Format::Rpm, header: Some(Header { uri: String::new(), priority: 0 }), ..Options::default() };
        let document = parse(&generate(&old, &options).text);
        let before = read(&document.root);
        let made = plan(&document, &new, None, Taking::Copy).unwrap();
        let text = edited(&document, &made);
        let after = read(&parse(&text).root);
        prop_assert_eq!(&read(&parse(&serialized(&document, &made)).root), &after);
        prop_assert_eq!(before.len(), after.len());
        for (one, two) in before.iter().zip(&after) {
            prop_assert!(evr(two) >= evr(one), "{:?} became {:?}", one, two);
            prop_assert_eq!((&one.0, &one.4), (&two.0, &two.4));
            let there = new.all.iter().filter(|new| new.name == one.0 && new.arch == one.4);
            if let Some(newest) = there.map(Available::evr).max()
                && one.0 != "kernel"
            {
                prop_assert!(evr(two) >= newest);
            }
            if evr(one) == evr(two) || one.0 == "kernel" {
                prop_assert_eq!(one, two);
            }
        }
        let again = plan(&parse(&text), &new, None, Taking::Copy).unwrap();
        prop_assert!(again.changes.is_empty());
    }
}
