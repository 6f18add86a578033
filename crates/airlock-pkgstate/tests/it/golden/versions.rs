//! Comparison of versions.

use std::cmp::Ordering;

use airlock_rpm::{EvrRef, rpmvercmp};
use serde_json::Value;

use super::{Folder, Report};

pub fn run(folder: &Folder, report: &mut Report) {
    let cases = folder.json("version-compare.json");
    for (number, case) in cases["rpmvercmp"].as_array().unwrap().iter().enumerate() {
        report.case(&format!("rpmvercmp-{number}"), |compare| {
            let text = |at: usize| case[at].as_str().unwrap();
            let order = rpmvercmp(text(0), text(1));
            compare.member("order", case[2].clone(), sign(order));
        });
    }
    for (number, case) in cases["labelCompare"].as_array().unwrap().iter().enumerate() {
        report.case(&format!("labelCompare-{number}"), |compare| {
            let order = evr(&case[0]).cmp(&evr(&case[1]));
            compare.member("order", case[2].clone(), sign(order));
        });
    }
}

/// `[epoch, version, release]`; the old tools wrote an absent epoch as the text `None`.
fn evr(label: &Value) -> EvrRef<'_> {
    let epoch = label[0].as_str().filter(|epoch| *epoch != "None");
    EvrRef::new(
        epoch.map(|epoch| epoch.parse().unwrap()),
        label[1].as_str().unwrap(),
        label[2].as_str(),
    )
}

fn sign(order: Ordering) -> i64 {
    match order {
        Ordering::Less => -1,
        Ordering::Equal => 0,
        Ordering::Greater => 1,
    }
}
