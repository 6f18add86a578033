//! `check --connect`: logs in everywhere, counts, and says what each filter keeps; sends nothing.

use crate::config::Configuration;
use crate::engine::{ReadOnce, Shared, by_destination, read_once};
use crate::state::Refused;

/// What there is to say, and whether all went well.
pub(super) async fn connected(
    configuration: &Configuration,
    shared: &Shared,
) -> (Vec<String>, bool) {
    let mut lines = vec!["Connections".to_owned()];
    let mut good = true;
    for read in read_once(configuration, shared, true).await {
        good &= read.inventory.is_ok();
        source(&read, &mut lines);
    }
    good &= destinations(configuration, shared, &mut lines).await;
    (lines, good)
}

fn source(read: &ReadOnce, lines: &mut Vec<String>) {
    let name = &read.source.name;
    let inventory = match &read.inventory {
        Ok(inventory) => inventory,
        Err(error) => {
            lines.push(format!("  [{name}] failed: {error}"));
            return;
        }
    };
    let (hosts, guests) = inventory.counts();
    if read.source.local {
        lines.push(format!("  [{name}] {guests} guests of this machine"));
    } else {
        lines.push(format!(
            "  [{name}] {} hosts; {hosts} with {guests} guests are reported",
            read.all
        ));
    }
    for one in &read.matched {
        let many = if one.hosts == 1 { "host" } else { "hosts" };
        lines.push(format!(
            "    {} {}: {} {many}",
            one.list, one.item, one.hosts
        ));
        if one.hosts == 0 {
            lines.push(format!(
                "    warning: {} {} matches nothing; is it written as hypervisor_id={} reports hosts?",
                one.list, one.item, read.source.settings.hypervisor_id
            ));
        }
    }
    for (host, why) in &read.left_out {
        lines.push(format!("    not reported: {host}: {why}"));
    }
    for note in &read.notes {
        lines.push(format!("    {note}"));
    }
}

/// A login that was refused lately is not tried, here as anywhere: accounts get locked.
async fn destinations(
    configuration: &Configuration,
    shared: &Shared,
    lines: &mut Vec<String>,
) -> bool {
    let mut good = true;
    let now = shared.clock.now();
    for (settings, sources) in by_destination(configuration) {
        let identity = settings.identity();
        let mut reports: Vec<_> = sources
            .iter()
            .map(|source| {
                let report = shared.state.report(&identity, &source.name, source.kind);
                (hex::encode(source.fingerprint), report)
            })
            .collect();
        let refused = reports.iter().find_map(|(fingerprint, report)| {
            let refused = report.refused.as_ref()?;
            let until = refused.until(fingerprint, now)?;
            Some(format!("{} (not tried before {until})", refused.reason))
        });
        if let Some(why) = refused {
            good = false;
            lines.push(format!("  {identity}: failed: {why}"));
            continue;
        }
        let found = match shared.make.destination(&settings) {
            Ok(mut destination) => destination.check().await,
            Err(error) => Err(error),
        };
        let error = match found {
            Ok(who) => {
                lines.push(format!("  {identity}: {who}"));
                continue;
            }
            Err(error) => error,
        };
        good = false;
        lines.push(format!("  {identity}: failed: {error}"));
        if !error.refused() {
            continue;
        }
        for (fingerprint, report) in &mut reports {
            report.refused = Some(Refused {
                at: now.0,
                fingerprint: fingerprint.clone(),
                reason: error.to_string(),
            });
            if let Err(error) = shared.state.save_report(report) {
                tracing::error!("{error}");
            }
        }
    }
    good
}
