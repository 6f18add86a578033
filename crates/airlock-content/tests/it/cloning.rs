//! Clone by date on small repositories: the experiments of the reference and the rules of its section 13.

mod again;
mod beside;
mod corners;
mod dated;
mod guards;
mod judged;
mod odd;
mod orders;
mod recorded;
mod reuse;
mod streams;
mod undone;
mod warm;

use airlock_content::{Error, read_plan};
use airlock_model::{
    ChannelPatch, CloneOutcome, ClonePair, CloneParents, CloneRequest, OrgId, PackageReason, Plan,
    VersionSelector,
};
use airlock_testkit::repos::Repository;
use airlock_testkit::repos::errata::Erratum;
use airlock_testkit::rpms::Rpm;

use crate::world::{World, label};

/// `name-version` and what it requires and provides: `app-1 > lib`, `web-1 < webserver`.
fn rpm(text: &str) -> Rpm {
    let mut words = text.split_whitespace();
    let nevra = words.next().unwrap();
    let mut rpm = Rpm::nevra(&format!("{nevra}-1.noarch")).built_at(1_300_000_000);
    let rest: Vec<&str> = words.collect();
    for part in rest.join(" ").split(',').map(str::trim) {
        if let Some(requires) = part.strip_prefix("> ") {
            rpm = rpm.requires(requires);
        } else if let Some(provides) = part.strip_prefix("< ") {
            rpm = rpm.provides(provides);
        }
    }
    rpm
}

/// An upstream: packages without an erratum, and errata with day and packages.
struct Upstream(Repository);

impl Upstream {
    fn at(world: &World, name: &str) -> Self {
        Self(Repository::at(world.path(&format!("upstream-{name}"))))
    }

    fn naked(mut self, packages: &[&str]) -> Self {
        for package in packages {
            self.0.add(&rpm(package));
        }
        self
    }

    fn erratum(self, id: &str, day: &str, packages: &[&str]) -> Self {
        self.erratum_of("bugfix", id, day, packages)
    }

    fn erratum_of(mut self, kind: &str, id: &str, day: &str, packages: &[&str]) -> Self {
        let mut erratum = Erratum::new(id, kind, &format!("{day} 00:00:00"));
        for package in packages {
            let rpm = rpm(package);
            self.0.add(&rpm);
            erratum = erratum.package(&rpm);
        }
        self.0.erratum(erratum);
        self
    }

    /// Publishes it and mirrors it into a channel.
    async fn mirror(mut self, world: &World, name: &str, parent: Option<&str>) -> Self {
        self.0.publish();
        let patch = ChannelPatch {
            parent: parent.map(str::to_owned),
            ..ChannelPatch::default()
        };
        world.create(name, Some(&self.0.url()), patch).await;
        world.sync(name).await;
        self
    }
}

fn request(pairs: &[(&str, &str)]) -> CloneRequest {
    CloneRequest {
        channels: pairs
            .iter()
            .map(|(source, destination)| ClonePair {
                source: label(source),
                destination: label(destination),
                name: None,
                summary: None,
                description: None,
            })
            .collect(),
        ..CloneRequest::default()
    }
}

/// The same up to a day.
fn until(day: &str, pairs: &[(&str, &str)]) -> CloneRequest {
    CloneRequest {
        to_date: Some(day.parse().unwrap()),
        ..request(pairs)
    }
}

fn under(parent: &str, request: CloneRequest) -> CloneRequest {
    CloneRequest {
        parents: Some(CloneParents {
            source: None,
            destination: label(parent),
        }),
        ..request
    }
}

async fn plan(world: &World, request: &CloneRequest) -> Result<Plan, Error> {
    let summary = world.content.plan_clone(&world.context(), request).await?;
    read_plan(&world.content.plan_bytes(&summary.digest).await?)
}

/// Plans and applies.
async fn clone(world: &World, request: &CloneRequest) -> Result<(Plan, CloneOutcome), Error> {
    let context = world.context();
    let summary = world.content.plan_clone(&context, request).await?;
    let plan = read_plan(&world.content.plan_bytes(&summary.digest).await?)?;
    let outcome = world
        .content
        .apply_plan(&context, &summary.digest, false)
        .await?;
    Ok((plan, outcome))
}

/// Packages of a channel as `name-version`.
async fn packages(world: &World, name: &str) -> String {
    let rows = world.rows(name, VersionSelector::Current).await;
    let names: Vec<String> = rows
        .iter()
        .map(|row| format!("{}-{}", row.name, row.version))
        .collect();
    names.join(" ")
}

async fn errata(world: &World, name: &str) -> String {
    let mut rows: Vec<String> = world
        .content
        .errata(OrgId::DEFAULT, &label(name), VersionSelector::Current)
        .await
        .unwrap()
        .into_iter()
        .map(|row| row.advisory)
        .collect();
    rows.sort();
    rows.join(" ")
}

/// What comes in and why, a line each: `lib-3: needed by app-1 for lib (E2)`.
fn reasons(plan: &Plan, channel: usize) -> Vec<String> {
    plan.channels[channel]
        .packages
        .iter()
        .map(|package| {
            let short = |nevra: &str| nevra.trim_end_matches("-1.noarch").to_owned();
            let why = match &package.reason {
                PackageReason::OriginalState => "original".to_owned(),
                PackageReason::Erratum { advisory } => advisory.clone(),
                PackageReason::Needed {
                    by,
                    requires,
                    advisory,
                } => format!(
                    "needed by {} for {requires}{}",
                    short(by),
                    advisory
                        .as_ref()
                        .map_or_else(String::new, |advisory| format!(" ({advisory})"))
                ),
                PackageReason::WithErratum { advisory } => format!("with {advisory}"),
                PackageReason::Recorded => "recorded".to_owned(),
                PackageReason::Revised { advisory } => format!("revised {advisory}"),
                PackageReason::Missing { advisory } => format!("missing of {advisory}"),
            };
            let beyond = match package.beyond {
                Some(beyond) => format!(" beyond by {beyond}"),
                None => String::new(),
            };
            format!("{}: {why}{beyond}", short(&package.nevra))
        })
        .collect()
}
