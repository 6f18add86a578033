//! Planning: from a request to the plan's document.

use std::collections::HashSet;
use std::sync::Arc;

use airlock_model::{ChannelSummary, CloneRequest, OpenCause, Plan, PlanSummary};
use airlock_solve::{PackageId, Settings, Universe};

use super::advisory::Unnamed;
use super::decide::Decision;
use super::describe::Describe;
use super::gather::Gathered;
use super::question::{Question, Standing};
use super::rules;
use super::select::{ErratumNumbers, Numbers};
use super::streams::Documents;
use super::tree::Tree;
use crate::context::TaskContext;
use crate::{Content, Error, Result};

impl Content {
    /// Plans a clone. Changes nothing but that the plan's bytes are kept in the store under the summary's digest.
    ///
    /// # Errors
    /// When a channel does not exist or the channels are no tree, an advisory is in no source, an expression cannot be
    /// read, the instant lies before the first recorded version, or (`strict`) dependencies reach beyond the
    /// date or stay open though the source can meet them.
    pub async fn plan_clone(
        &self,
        ctx: &TaskContext,
        request: &CloneRequest,
    ) -> Result<PlanSummary> {
        check(request)?;
        ctx.stage("reading channels");
        let tree = self.clone_tree(ctx.actor.org, request).await?;
        let stamp = self.plan_stamp(ctx.actor.org, request, &tree).await?;
        let (plan, digest) = match self.warm_plan(&stamp)? {
            Some(made_before) => made_before,
            None => {
                let plan = self.make_plan_of(ctx, request, tree).await?;
                let (plan, digest) = self.keep_made_plan(plan).await?;
                let plan = Arc::new(plan);
                self.keep_warm(stamp, &digest, &plan);
                (plan, digest)
            }
        };
        let channels = plan.channels.iter().map(ChannelSummary::from).collect();
        Ok(PlanSummary { digest, channels })
    }

    /// The plan for a request.
    pub(super) async fn make_plan(
        &self,
        ctx: &TaskContext,
        request: &CloneRequest,
    ) -> Result<Plan> {
        check(request)?;
        ctx.stage("reading channels");
        let tree = self.clone_tree(ctx.actor.org, request).await?;
        self.make_plan_of(ctx, request, tree).await
    }

    async fn make_plan_of(
        &self,
        ctx: &TaskContext,
        request: &CloneRequest,
        tree: Tree,
    ) -> Result<Plan> {
        let org = ctx.actor.org;
        let gathered = self.gather(org, request, tree).await?;
        let unknown = unknown_advisories(request, &gathered)?;
        ctx.check()?;
        ctx.stage("closing under dependencies");
        let asked = request.clone();
        let cancel = ctx.cancel.clone();
        let (mut plan, unnamed) = self
            .blocking("planning a clone", move |content| {
                plan(content, &asked, &gathered, &|| !cancel.is_cancelled())
            })
            .await?;
        // Of what was cancelled the answer may not be whole.
        ctx.check()?;
        plan.unknown_errata = unknown;
        plan.children = self.planned_children(ctx, &plan).await?;
        if !request.keep_advisory_names {
            self.name_errata(org, &mut plan, unnamed).await?;
        }
        Ok(plan)
    }
}

/// Wishes that exclude each other.
fn check(request: &CloneRequest) -> Result<()> {
    if !request.errata.is_empty() && (request.to_date.is_some() || request.security_only) {
        return Err(Error::invalid(
            "errata by name exclude a date and security_only",
            "give either --errata or --to_date",
        ));
    }
    if request.security_only && request.as_of.is_some() && request.to_date.is_none() {
        return Err(Error::invalid(
            "a recorded version is copied unchanged, so nothing is selected by type",
            "give --to_date with it: errata up to that day are then taken from the recorded version",
        ));
    }
    if request.infer && request.as_of.is_none() {
        return Err(Error::invalid(
            "infer says what to do when an instant lies before the first recorded version",
            "give --as-of INSTANT with it",
        ));
    }
    if request.prune && (request.as_of.is_none() || request.to_date.is_some()) {
        return Err(Error::invalid(
            "prune takes out what the recorded version does not have",
            "give --as-of INSTANT with it, and no --to_date",
        ));
    }
    let destinations: Vec<_> = request.channels.iter().map(|c| &c.destination).collect();
    rules::check("blacklist", &request.blacklist, &destinations)?;
    rules::check("removelist", &request.removelist, &destinations)
}

/// The advisories that were asked for and are in no source.
///
/// # Errors
/// When there are some, unless one of other trees may have them.
fn unknown_advisories(request: &CloneRequest, gathered: &Gathered) -> Result<Vec<String>> {
    let mut errata = gathered.pairs.iter().flat_map(|pair| &pair.source_errata);
    let known: HashSet<&str> = errata.by_ref().map(|e| e.advisory.as_str()).collect();
    let missing: Vec<String> = request
        .errata
        .iter()
        .filter(|advisory| !known.contains(advisory.as_str()))
        .cloned()
        .collect();
    if missing.is_empty() || request.errata_where_known {
        return Ok(missing);
    }
    Err(Error::invalid(
        format!("no source channel has {}", missing.join(", ")),
        "airlock channel errata LABEL lists the advisories of a channel",
    ))
}

/// Decides and describes. Errata whose names are still to be found come back beside the plan.
fn plan(
    content: &Content,
    request: &CloneRequest,
    gathered: &Gathered,
    goes_on: &dyn Fn() -> bool,
) -> Result<(Plan, Vec<Unnamed>)> {
    let pool = &gathered.pool.pool;
    let numbers = Numbers::new(pool);
    let mut errata_numbers = ErratumNumbers::default();
    let mut selected = Vec::new();
    for place in 0..gathered.pairs.len() {
        selected.push(gathered.select(place, request, pool, &numbers, &mut errata_numbers)?);
    }
    let universe = Universe::new(pool, &Settings::default());
    let documents = Documents::read(content, gathered)?;
    let modules = documents.all();
    let published = |results: &[Vec<PackageId>]| documents.published(results);
    let parents = gathered.pairs.len() * 2;
    let questions = selected
        .iter_mut()
        .map(|selected| std::mem::take(&mut selected.question))
        .collect();
    let question = Question {
        universe: &universe,
        modules: &modules,
        published: &published,
        channels: questions,
        parent: numbers.of(parents),
        source_parent: numbers.of(parents + 1),
        bound: gathered.to_date,
        solve: !request.skip_depsolve && gathered.pairs.iter().any(|own| !own.recorded),
        solve_errata: !request.skip_errata_depsolve,
        strict: request.strict,
        goes_on,
    };
    let decision = question.decide()?;
    if request.strict {
        refuse_open(&decision)?;
    }
    refuse_empty(request, &question, &decision)?;
    let describe = Describe::new(request, pool, &question, &decision);
    let mut channels = Vec::new();
    let mut unnamed = Vec::new();
    for (place, (decided, selected)) in decision.channels.iter().zip(&selected).enumerate() {
        let own = &gathered.pairs[place];
        let mut planned = describe.channel(place, own, decided, selected);
        if own.recorded && !planned.changes_anything() {
            // Packages and errata are the recorded ones; the other files may not be.
            let (to, at) = (&own.destination.content, &own.destination.view);
            let source = &own.source.content.attachments;
            let files = content.cloned_attachments(source, &to.attachments, at)?;
            planned.files_change = files != to.attachments;
        }
        for (at, (erratum, _)) in decided.errata.iter().enumerate() {
            let source = &own.source_errata[*erratum];
            if source.original.is_none() && selected.known[*erratum].is_none() && !own.recorded {
                unnamed.push(Unnamed {
                    channel: place,
                    place: at,
                    erratum: source.erratum,
                    advisory: source.advisory.clone(),
                });
            }
        }
        channels.push(planned);
    }
    let plan = Plan {
        format: Plan::FORMAT,
        request: request.clone(),
        parents: gathered.parents.clone(),
        channels,
        unknown_errata: Vec::new(),
        children: Vec::new(),
        digest: None,
    };
    Ok((plan, unnamed))
}

/// `strict`: nothing may reach beyond the date, and nothing that the source can meet may stay open. What was not looked at
/// on request is no failure.
fn refuse_open(decision: &Decision) -> Result<()> {
    const SHOWN: usize = 5;
    let mut beyond_only = true;
    let mut lines = Vec::new();
    for open in &decision.open {
        let open = &open.requirement;
        let (first, providers) = (
            format!("{} requires {}", open.package, open.requires),
            open.providers.join(", "),
        );
        let have = if open.providers.len() == 1 {
            "has"
        } else {
            "have"
        };
        lines.push(match open.cause {
            OpenCause::BeyondDate => format!("{first}, which only {providers} {have}"),
            OpenCause::KeptOut => {
                format!("{first}, and what would meet it is kept out by blacklist or removelist: {providers}")
            }
            OpenCause::Parent => format!(
                "{first}, which only {providers} {have}, in the source's base channel; the clone's base channel is not changed"
            ),
            OpenCause::Source | OpenCause::NotSolved => continue,
        });
        beyond_only &= open.cause == OpenCause::BeyondDate;
    }
    if lines.is_empty() {
        return Ok(());
    }
    let count = lines.len();
    lines.truncate(SHOWN);
    if count > SHOWN {
        lines.push(format!("and {} more", count - SHOWN));
    }
    let requirements = match count {
        1 => "1 requirement".to_owned(),
        _ => format!("{count} requirements"),
    };
    let (what, hint) = match beyond_only {
        true => (
            format!("{requirements} cannot be met within the date"),
            "choose a later date, keep these packages out with a blacklist, or leave --strict out",
        ),
        false => (
            format!(
                "{requirements} would stay open though the source can meet {}",
                if count == 1 { "it" } else { "them" }
            ),
            "take what is needed off the lists, keep out what requires it, too, clone the base channel up to the same day, or leave --strict out",
        ),
    };
    Err(Error::conflict(
        format!("{what}:\n{}", lines.join("\n")),
        hint,
    ))
}

/// An advisory that was asked for and that nothing comes of is no success.
fn refuse_empty(
    request: &CloneRequest,
    question: &Question<'_, '_>,
    decision: &Decision,
) -> Result<()> {
    let sources = || question.channels.iter().flat_map(|own| &own.errata);
    let known = |advisory: &&String| {
        !request.errata_where_known || sources().any(|erratum| erratum.advisory == **advisory)
    };
    for advisory in request.errata.iter().filter(known) {
        let mut channels = question.channels.iter().zip(&decision.channels);
        let listed = channels.any(|(own, decided)| {
            let mut errata = own.errata.iter().enumerate();
            errata.any(|(place, erratum)| {
                let comes = decided.errata.iter().any(|(listed, _)| *listed == place);
                erratum.advisory == *advisory && (comes || erratum.standing != Standing::Named)
            })
        });
        if !listed {
            return Err(Error::conflict(
                format!("no package of {advisory} is in a source channel, or all are kept out"),
                "airlock channel packages LABEL lists what a source has",
            ));
        }
    }
    Ok(())
}
