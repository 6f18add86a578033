//! `airlock hypervisor …`.

use airlock_model::{
    GuestPlace, HypervisorDetail, HypervisorEvent, HypervisorRow, HypervisorSource,
};
use http::Method;
use serde_json::Value;

use super::Context;
use crate::cli::hypervisor::{By, HypervisorCommand};
use crate::client::encoded;
use crate::fail::{Fail, Result};
use crate::show::{self, hypervisor as shown};

/// Runs a command.
pub async fn run(context: &Context, command: HypervisorCommand) -> Result {
    match command {
        HypervisorCommand::List {
            by,
            csv,
            gone,
            guest,
        } => {
            let rows = match guest {
                Some(uuid) => with_guest(context, &uuid).await?,
                None => {
                    let path = format!("/api/v1/hypervisors?gone={gone}");
                    context.client.get(&path).await?
                }
            };
            match (context.json, csv, by) {
                (true, _, By::Host) => show::json(&rows),
                (true, _, By::Cluster) => show::json(&shown::clusters(&rows)),
                (false, true, By::Host) => show::print(&shown::hosts_csv(&rows)),
                (false, true, By::Cluster) => show::print(&shown::clusters_csv(&rows)),
                (false, false, By::Host) => show::print(&shown::hosts(&rows)),
                (false, false, By::Cluster) => show::print(&shown::clusters_table(&rows)),
            }
        }
        HypervisorCommand::Show { host } => {
            let path = format!("/api/v1/hypervisors/{}", encoded(&host));
            let detail: HypervisorDetail = context.client.get(&path).await?;
            if context.json {
                return show::json(&detail);
            }
            show::print(&shown::detail(&detail))
        }
        HypervisorCommand::History { host, guest, limit } => {
            let mut path = format!("/api/v1/hypervisor-events?limit={limit}");
            if let Some(host) = host {
                path.push_str(&format!("&host={}", encoded(&host)));
            }
            if let Some(guest) = guest {
                path.push_str(&format!("&guest={}", encoded(&guest)));
            }
            let events: Vec<HypervisorEvent> = context.client.get(&path).await?;
            if context.json {
                return show::json(&events);
            }
            show::print(&shown::history(&events))
        }
        HypervisorCommand::Sources => {
            let sources: Vec<HypervisorSource> =
                context.client.get("/api/v1/hypervisor-sources").await?;
            if context.json {
                return show::json(&sources);
            }
            show::print(&shown::sources(&sources))
        }
        HypervisorCommand::Forget { source, yes } => {
            if !yes {
                return Err(Fail::new(format!(
                    "{source} would be forgotten with its hosts, guests and history; nothing was changed"
                ))
                .hint("add --yes"));
            }
            let path = format!("/api/v1/hypervisor-sources?name={}", encoded(&source));
            let answer: Value = context.client.bare(Method::DELETE, &path).await?;
            if context.json {
                return show::json(&answer);
            }
            show::line(&format!("{source}: forgotten"))
        }
    }
}

async fn with_guest(context: &Context, uuid: &str) -> Result<Vec<HypervisorRow>> {
    let path = format!("/api/v1/guests/{}", encoded(uuid));
    let places: Vec<GuestPlace> = context.client.get(&path).await?;
    Ok(places.into_iter().map(|place| place.host).collect())
}
