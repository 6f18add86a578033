//! Planning: from a request to the plan's document.

use std::collections::{BTreeMap, HashMap, HashSet};

use airlock_db::errata_clones::ClonableRevision;
use airlock_model::{
    Beyond, ChannelSummary, CloneRequest, ErratumReason, Instant, OpenCause, OrgId, PackageReason,
    Plan, PlanSummary, PlannedChannel, PlannedCreation, PlannedErratum, PlannedFile,
    PlannedPackage, PlannedRemoval, PlannedVersion,
};
use airlock_solve::{Modules, PackageId, PackageSet, Pool, Settings, Universe};

use super::advisory::candidates;
use super::decide::{DecidedChannel, Decision};
use super::document::write_plan;
use super::gather::{Gathered, GatheredPair, Side};
use super::question::{Question, Standing};
use super::rules;
use super::select::{ErratumNumbers, Numbers, Selected, day, erratum_day};
use crate::context::TaskContext;
use crate::{Content, Error, Result};

impl Content {
    /// Plans a clone. Changes nothing but that the plan's bytes are kept in the store under the summary's digest.
    ///
    /// # Errors
    /// When a channel does not exist or the channels are no tree, an advisory is in no source, an expression cannot be
    /// read, the instant lies before the first recorded version, or (`strict`) dependencies reach beyond the date.
    pub async fn plan_clone(
        &self,
        ctx: &TaskContext,
        request: &CloneRequest,
    ) -> Result<PlanSummary> {
        let plan = self.make_plan(ctx, request).await?;
        let channels: Vec<ChannelSummary> = plan.channels.iter().map(Into::into).collect();
        let digest = self.keep_plan(write_plan(&plan)?).await?.digest;
        Ok(PlanSummary { digest, channels })
    }

    /// The plan for a request.
    pub(super) async fn make_plan(
        &self,
        ctx: &TaskContext,
        request: &CloneRequest,
    ) -> Result<Plan> {
        check(request)?;
        let org = ctx.actor.org;
        ctx.stage("reading channels");
        let tree = self.clone_tree(org, request).await?;
        let gathered = self.gather(org, request, tree).await?;
        check_advisories(request, &gathered)?;
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
        self.name_errata(org, request, &mut plan, unnamed).await?;
        Ok(plan)
    }

    /// Names for the errata that become clones: those of the clones that exist, else the first free ones.
    async fn name_errata(
        &self,
        org: OrgId,
        request: &CloneRequest,
        plan: &mut Plan,
        unnamed: Vec<Unnamed>,
    ) -> Result<()> {
        if request.keep_advisory_names || unnamed.is_empty() {
            return Ok(());
        }
        let clones = airlock_db::errata_clones::oldest_clones(self.db(), org).await?;
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        // In the order of their names, so that the same plan gives the same ones.
        let mut waiting: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for erratum in &unnamed {
            match clones.get(&airlock_model::ErratumId(erratum.erratum)) {
                Some((_, name)) => {
                    names.insert(erratum.advisory.clone(), name.clone());
                }
                None => {
                    let mut candidates: Vec<String> = candidates(&erratum.advisory).collect();
                    candidates.reverse();
                    waiting.insert(erratum.advisory.clone(), candidates);
                }
            }
        }
        let mut taken: HashSet<String> = names.values().cloned().collect();
        while !waiting.is_empty() {
            let next: Vec<String> = waiting
                .values()
                .filter_map(|candidates| candidates.last().cloned())
                .collect();
            taken.extend(airlock_db::errata_clones::taken_names(self.db(), org, &next).await?);
            let mut rest = BTreeMap::new();
            for (advisory, mut candidates) in waiting {
                let Some(name) = candidates.pop() else {
                    return Err(Error::conflict(
                        format!("every name for a clone of {advisory} is taken"),
                        "use --keep-advisory-names",
                    ));
                };
                if taken.insert(name.clone()) {
                    names.insert(advisory, name);
                } else {
                    rest.insert(advisory, candidates);
                }
            }
            waiting = rest;
        }
        for erratum in unnamed {
            let planned = plan
                .channels
                .get_mut(erratum.channel)
                .and_then(|channel| channel.errata.get_mut(erratum.place));
            if let (Some(planned), Some(name)) = (planned, names.get(&erratum.advisory)) {
                planned.published_as.clone_from(name);
            }
        }
        Ok(())
    }
}

/// An erratum of the plan that gets a name of its own.
struct Unnamed {
    channel: usize,
    place: usize,
    erratum: i64,
    advisory: String,
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

/// Each advisory that was asked for is in at least one source.
fn check_advisories(request: &CloneRequest, gathered: &Gathered) -> Result<()> {
    let mut errata = gathered.pairs.iter().flat_map(|pair| &pair.source_errata);
    let known: HashSet<&str> = errata.by_ref().map(|e| e.advisory.as_str()).collect();
    let missing: Vec<&str> = request
        .errata
        .iter()
        .map(String::as_str)
        .filter(|advisory| !known.contains(advisory))
        .collect();
    if missing.is_empty() {
        return Ok(());
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
    // Documents of the clones come first: where both have defaults, those of the sources count.
    let mut documents = Vec::new();
    for own in &gathered.pairs {
        documents.extend(content.module_documents(&own.destination.content.attachments)?);
    }
    documents.extend(gathered.pool.documents.iter().cloned());
    let modules = Modules::new(pool, &documents);
    let parents = gathered.pairs.len() * 2;
    let questions = selected
        .iter_mut()
        .map(|selected| std::mem::take(&mut selected.question))
        .collect();
    let question = Question {
        universe: &universe,
        modules: &modules,
        channels: questions,
        parent: numbers.of(parents),
        source_parent: numbers.of(parents + 1),
        bound: gathered.to_date,
        solve: !request.skip_depsolve && gathered.pairs.iter().any(|own| !own.recorded),
        solve_errata: !request.skip_errata_depsolve,
        strict: request.strict,
        goes_on,
    };
    let decision = question.decide();
    if request.strict {
        refuse_beyond(&decision)?;
    }
    refuse_empty(request, &question, &decision)?;
    let describe = Describe {
        request,
        pool,
        question: &question,
        decision: &decision,
        beyond: decision.beyond.iter().copied().collect(),
    };
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
                    erratum: source.erratum.0,
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
    };
    Ok((plan, unnamed))
}

/// `strict`: nothing may reach beyond the date.
fn refuse_beyond(decision: &Decision) -> Result<()> {
    const SHOWN: usize = 5;
    let mut lines: Vec<String> = decision
        .open
        .iter()
        .filter(|open| open.requirement.cause == OpenCause::BeyondDate)
        .map(|open| {
            format!(
                "{} requires {}, which only {} has",
                open.requirement.package,
                open.requirement.requires,
                open.requirement.providers.join(", ")
            )
        })
        .collect();
    if lines.is_empty() {
        return Ok(());
    }
    let count = lines.len();
    lines.truncate(SHOWN);
    if count > SHOWN {
        lines.push(format!("and {} more", count - SHOWN));
    }
    Err(Error::conflict(
        format!(
            "{count} requirements cannot be met within the date:\n{}",
            lines.join("\n")
        ),
        "choose a later date, keep these packages out with a blacklist, or leave --strict out",
    ))
}

/// An advisory that was asked for and that nothing comes of is no success.
fn refuse_empty(
    request: &CloneRequest,
    question: &Question<'_, '_>,
    decision: &Decision,
) -> Result<()> {
    for advisory in &request.errata {
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

/// What describing needs.
struct Describe<'a, 'q> {
    request: &'a CloneRequest,
    pool: &'a Pool,
    question: &'a Question<'q, 'q>,
    decision: &'a Decision,
    /// Packages that come in and are beyond the date.
    beyond: PackageSet,
}

impl Describe<'_, '_> {
    fn channel(
        &self,
        place: usize,
        own: &GatheredPair,
        decided: &DecidedChannel,
        selected: &Selected,
    ) -> PlannedChannel {
        let question = &self.question.channels[place];
        let before = self.newest(question.kept.iter().chain(selected.removals.keys()));
        let packages = decided
            .packages
            .iter()
            .map(|(id, reason)| self.package(own, *id, reason, &before))
            .collect();
        let removals: Vec<PlannedRemoval> = selected
            .removals
            .iter()
            .map(|(id, reason)| PlannedRemoval {
                nevra: self.pool.nevra(*id),
                checksum: self.checksum(own, *id),
                reason: reason.clone(),
            })
            .collect();
        let errata = decided
            .errata
            .iter()
            .map(|(erratum, reason)| {
                let known = selected.known[*erratum].as_ref();
                let known = known.filter(|_| !own.recorded);
                self.erratum(
                    &own.source_errata[*erratum],
                    reason,
                    known.map(|k| &*k.advisory),
                )
            })
            .collect();
        let mut open: Vec<_> = self
            .decision
            .open
            .iter()
            .filter(|open| open.channel == place)
            .collect();
        open.sort_by_key(|open| open.package);
        let broken = self.decision.broken.iter().filter(|b| b.channel == place);
        let files = own.source.content.attachments.iter();
        let mut files: Vec<PlannedFile> = files
            .map(|file| PlannedFile {
                kind: file.kind.clone(),
                file_name: file.file_name.clone(),
                sha256: file.sha256.clone(),
            })
            .collect();
        files.sort();
        let mut by_hand: Vec<String> = selected
            .by_hand
            .iter()
            .map(|id| self.pool.nevra(*id))
            .collect();
        by_hand.sort();
        PlannedChannel {
            source: version(&own.pair.source.label, &own.source),
            destination: version(&own.pair.label, &own.destination),
            create: self.creation(own),
            errata_available: selected.available,
            kept: question.kept.len() as u64,
            errata,
            packages,
            removals,
            errata_removed: self.errata_removed(own, decided, selected),
            by_hand,
            open: open
                .into_iter()
                .map(|open| open.requirement.clone())
                .collect(),
            broken: broken.map(|broken| broken.broken.clone()).collect(),
            files_change: false,
            files,
            naked: question.naked,
        }
    }

    fn creation(&self, own: &GatheredPair) -> Option<PlannedCreation> {
        if own.pair.destination.is_some() {
            return None;
        }
        let wish = self
            .request
            .channels
            .iter()
            .find(|wish| wish.destination == own.pair.label)?;
        let text = |text: &Option<String>| match text {
            Some(text) => text.clone(),
            None => own.pair.label.to_string(),
        };
        Some(PlannedCreation {
            name: text(&wish.name),
            summary: text(&wish.summary),
            description: text(&wish.description),
            parent: own.pair.parent.clone(),
        })
    }

    fn checksum(&self, own: &GatheredPair, id: PackageId) -> String {
        let key = self.pool.package(id).key();
        let info = own
            .source
            .view
            .record(key)
            .or_else(|| own.destination.view.record(key));
        info.map(|info| info.identity()).unwrap_or_default()
    }

    /// The newest package of each name and architecture.
    fn newest<'i>(
        &self,
        ids: impl Iterator<Item = &'i PackageId>,
    ) -> HashMap<(&str, &str), PackageId> {
        let mut newest: HashMap<(&str, &str), PackageId> = HashMap::new();
        for id in ids {
            let key = (self.pool.name(*id), self.pool.arch(*id));
            let found = newest.entry(key).or_insert(*id);
            if self.pool.evr(*id) > self.pool.evr(*found) {
                *found = *id;
            }
        }
        newest
    }

    fn package(
        &self,
        own: &GatheredPair,
        id: PackageId,
        reason: &PackageReason,
        before: &HashMap<(&str, &str), PackageId>,
    ) -> PlannedPackage {
        let older = before
            .get(&(self.pool.name(id), self.pool.arch(id)))
            .filter(|older| self.pool.evr(**older) < self.pool.evr(id));
        let built = Instant::from_seconds(self.pool.package(id).build_time());
        let naked = matches!(
            reason,
            PackageReason::OriginalState | PackageReason::Needed { advisory: None, .. }
        );
        let bound = self.question.bound;
        let built_later = bound.is_some_and(|bound| day(built).is_none_or(|day| day > bound));
        let beyond = match (naked, self.beyond.contains(id)) {
            (true, _) if built_later => Some(Beyond::Build),
            (true, true) => Some(Beyond::Seen),
            (false, true) => Some(Beyond::Erratum),
            _ => None,
        };
        PlannedPackage {
            nevra: self.pool.nevra(id),
            checksum: self.checksum(own, id),
            replaces: older.map(|older| self.pool.evr(*older).to_string()),
            reason: reason.clone(),
            beyond,
            inferred: own.inferred,
        }
    }

    fn erratum(
        &self,
        erratum: &ClonableRevision,
        reason: &ErratumReason,
        known: Option<&str>,
    ) -> PlannedErratum {
        let date = erratum_day(erratum, self.request.use_update_date);
        let beyond = self
            .question
            .bound
            .is_some_and(|bound| date.is_none_or(|date| date > bound));
        PlannedErratum {
            advisory: erratum.advisory.clone(),
            published_as: known.unwrap_or(&erratum.advisory).to_owned(),
            digest: erratum.digest.clone(),
            kind: erratum.kind.clone(),
            severity: erratum.severity.clone(),
            title: erratum.title.clone(),
            issued: erratum.issued,
            updated: erratum.updated,
            cves: erratum.cves.clone(),
            reason: reason.clone(),
            beyond: beyond && !matches!(reason, ErratumReason::Recorded),
        }
    }

    /// Whether lists keep something out.
    fn lists(&self) -> bool {
        !self.request.blacklist.is_empty() || !self.request.removelist.is_empty()
    }

    /// Errata of the clone that none of their packages are left of, and those that the recorded version lacks.
    fn errata_removed(
        &self,
        own: &GatheredPair,
        decided: &DecidedChannel,
        selected: &Selected,
    ) -> Vec<String> {
        let mut removed: Vec<String> = own
            .destination_errata
            .iter()
            .filter(|erratum| selected.errata_not_recorded.contains(&erratum.id))
            .map(|erratum| erratum.advisory.clone())
            .collect();
        if !selected.removals.is_empty() {
            let stays: HashSet<&str> = decided
                .result
                .iter()
                .filter_map(|id| self.file_name(own, *id))
                .collect();
            let was: HashSet<&str> = own
                .destination
                .view
                .members()
                .map(|(_, info)| info.file_name)
                .collect();
            let recorded = &own.source.content.errata;
            let orphans = own.destination_errata.iter().filter(|erratum| {
                // What a recorded version lists stays listed unless the lists took its packages.
                if own.recorded && !self.lists() && recorded.contains(erratum.id.0.unsigned_abs()) {
                    return false;
                }
                let has = |names: &HashSet<&str>| {
                    erratum
                        .packages
                        .iter()
                        .any(|file| names.contains(file.as_str()))
                };
                has(&was) && !has(&stays)
            });
            removed.extend(orphans.map(|erratum| erratum.advisory.clone()));
        }
        removed.sort();
        removed.dedup();
        removed
    }

    fn file_name<'o>(&self, own: &'o GatheredPair, id: PackageId) -> Option<&'o str> {
        let key = self.pool.package(id).key();
        let info = own
            .source
            .view
            .record(key)
            .or_else(|| own.destination.view.record(key));
        info.map(|info| info.file_name)
    }
}

fn version(label: &airlock_model::ChannelLabel, side: &Side) -> PlannedVersion {
    PlannedVersion {
        label: label.clone(),
        version: side.version,
        digest: side.digest.clone(),
    }
}
