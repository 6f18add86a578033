//! The report of a run as a Bcfg2 server takes it (`RecvStats`).

use crate::decide::Examined;
use crate::declared::Entry;
use crate::run::Session;
use crate::xml::Element;

/// Moments of a run in seconds since 1970, by the names that the server knows (`start`, `inventory`, `install`, `finished`, …).
pub type Stamps = Vec<(&'static str, f64)>;

/// The document.
pub fn upload(session: &Session<'_>, stamps: &Stamps) -> Element {
    let all = session.configuration.entries.iter().zip(&session.now);
    let total = session.configuration.entries.len();
    let good = session.now.iter().filter(|examined| examined.good).count();
    let state = if good == total { "clean" } else { "dirty" };
    let mut statistics = Element::new("Statistics")
        .with("total", total.to_string())
        .with("good", good.to_string())
        .with("state", state)
        .with("version", "2.0")
        .with(
            "revision",
            session.configuration.revision.as_deref().unwrap_or("-1"),
        );
    let flags = [
        ("dry_run", session.options.dry_run),
        ("only_important", false),
    ];
    let mut list = Element::new("Flags");
    for (name, value) in flags {
        let word = if value { "True" } else { "False" };
        list.push(Element::new("Flag").with("name", name).with("value", word));
    }
    statistics.push(list);
    let mut modified = Element::new("Modified");
    let before = session.configuration.entries.iter().zip(&session.before);
    for (entry, examined) in before {
        if session.modified.contains(&entry.label()) {
            modified.push(element(entry, examined));
        }
    }
    for extra in &session.extra_before {
        if session
            .modified
            .contains(&format!("Package:{}", extra.name))
        {
            modified.push(extra.element(false));
        }
    }
    statistics.push(modified);
    let mut extra = Element::new("Extra");
    for package in &session.extra {
        extra.push(package.element(false));
    }
    statistics.push(extra);
    let (mut right, mut wrong) = (Element::new("Good"), Element::new("Bad"));
    for (entry, examined) in all {
        match examined.good {
            true => right.push(element(entry, examined)),
            false => wrong.push(element(entry, examined)),
        }
    }
    statistics.push(right);
    statistics.push(wrong);
    let mut times = Element::new("OpStamps");
    for (name, seconds) in stamps {
        times.set(name, format!("{seconds:.6}"));
    }
    statistics.push(times);
    let mut upload = Element::new("upload-statistics");
    upload.push(statistics);
    upload
}

fn element(entry: &Entry, examined: &Examined) -> Element {
    let mut element = entry.element.clone();
    if let Some(version) = &examined.version {
        element.set("version", version);
    }
    if let Some(current) = &examined.current_version {
        element.set("current_version", current);
    }
    if examined.absent {
        element.set("current_exists", "false");
    }
    if examined.codes.is_some() {
        element.set("qtext", "");
    }
    let mut statuses = examined.instances.iter();
    for child in &mut element.children {
        let crate::xml::Node::Element(child) = child else {
            continue;
        };
        if child.name != "Instance" {
            continue;
        }
        if let Some(status) = statuses.next()
            && status.verify_fail == Some(true)
        {
            let failing: Vec<&str> = status
                .verdicts
                .iter()
                .flatten()
                .flat_map(|verdict| verdict.files.iter().map(|file| file.path.as_str()))
                .collect();
            child.set("verify_status", failing.join(" "));
        }
    }
    element
}
