//! Plan, show, ask, apply. Every tree is planned before anything is changed.

use std::io::Write;
use std::path::{Path, PathBuf};

use airlock_content::read_plan;
use airlock_model::{
    ChannelLabel, CloneOutcome, CloneRequest, ClonedChannel, Plan, PlanSummary, TaskId, TaskInfo,
};
use http::Method;

use super::ask::{self, Interrupts};
use super::wish::{Shown, Wish};
use super::{Called, explained, listing};
use crate::cli::Waiting;
use crate::client::encoded;
use crate::command::{Context, task};
use crate::fail::{Fail, Result};
use crate::show;
use crate::show::fold::fold;
use crate::show::plan::{summary, text};

/// A plan of the server.
struct Planned {
    task: TaskId,
    summary: PlanSummary,
    plan: Plan,
    bytes: Vec<u8>,
}

/// Plans, asks and applies.
pub async fn clone(
    context: &Context,
    wish: &Wish,
    requests: &[CloneRequest],
    interrupts: &mut Interrupts,
) -> Result {
    if !wish.yes {
        ask::somebody_is_there(context.json)?;
    }
    let planned = plan_all(context, requests).await?;
    let creations: String = planned
        .iter()
        .map(|planned| summary::creations(&planned.plan, &[]))
        .collect();
    if !creations.is_empty() && !context.json {
        show::print(&format!(
            "These channels do not exist and would be made:\n{creations}"
        ))?;
        if !wish.yes && !ask::yes("Create these channels?", interrupts).await? {
            return not_changed();
        }
    }
    if !context.json {
        for planned in &planned {
            show::print(&summary::text(&planned.plan))?;
        }
    }
    let changing = planned.iter().any(|one| one.plan.changes_anything());
    if changing && !wish.yes && !ask::yes("Continue?", interrupts).await? {
        return not_changed();
    }
    let mut outcomes = Vec::new();
    for planned in &planned {
        if !planned.plan.changes_anything() {
            outcomes.push(unchanged(planned));
            continue;
        }
        let path = format!("/api/v1/clones/apply?rebase=false&task={}", planned.task);
        let started: TaskInfo = context.client.bare(Method::POST, &path).await?;
        let waiting = Waiting {
            no_wait: wish.no_wait,
        };
        match task::follow::<CloneOutcome>(context, started, waiting).await {
            Ok(Some(outcome)) if context.json => outcomes.push(outcome),
            Ok(Some(outcome)) => done(&outcome)?,
            Ok(None) => {}
            Err(fail) => {
                // What was done before stays done.
                if context.json {
                    show::json(&outcomes)?;
                }
                return Err(fail);
            }
        }
    }
    if wish.no_wait {
        return Ok(());
    }
    if context.json {
        return show::json(&outcomes);
    }
    let surprising: String = planned
        .iter()
        .map(|planned| summary::surprising_text(&planned.plan))
        .collect();
    show::print(&surprising)
}

/// Plans and shows.
pub async fn show(
    context: &Context,
    shown: &Shown,
    requests: &[CloneRequest],
    called: Called,
) -> Result {
    if !shown.explain.is_empty() && shown.plan.is_none() && !shown.dry_run {
        // Nobody looks at the whole plan.
        let tasks = run_plans(context, requests).await?;
        return explained::of_tasks(context, &tasks, &shown.explain).await;
    }
    let planned = plan_all(context, requests).await?;
    if called == Called::AsOfOld && shown.dry_run {
        let now = jiff::Zoned::now().datetime();
        for planned in &planned {
            for path in listing::write(Path::new("."), &planned.plan, now)? {
                eprintln!("{}", path.display());
            }
        }
    }
    let mut files = Vec::new();
    if let Some(file) = &shown.plan {
        for number in 1..=planned.len() {
            files.push(numbered(file, (requests.len() > 1).then_some(number)));
        }
        clear(file, &files)?;
        for (file, planned) in files.iter().zip(&planned) {
            write(file, &planned.bytes)?;
        }
    }
    if !shown.explain.is_empty() {
        let plans: Vec<&Plan> = planned.iter().map(|planned| &planned.plan).collect();
        return explained::run(context, &plans, &shown.explain).await;
    }
    if context.json {
        let summaries: Vec<&PlanSummary> = planned.iter().map(|one| &one.summary).collect();
        return show::json(&summaries);
    }
    for planned in &planned {
        let creations = summary::creations(&planned.plan, &[]);
        if !creations.is_empty() {
            show::print(&format!(
                "These channels do not exist and would be made:\n{creations}"
            ))?;
        }
        if shown.dry_run {
            show::print(&format!("{}\n", text::text(&planned.plan)))?;
        }
        show::print(&summary::text(&planned.plan))?;
    }
    for file in &files {
        let file = file.display();
        show::print(&fold(&format!(
            "the plan is in {file}: airlock plan show {file}, airlock clone-by-date --apply {file}"
        )))?;
    }
    Ok(())
}

async fn plan_all(context: &Context, requests: &[CloneRequest]) -> Result<Vec<Planned>> {
    for request in requests {
        bases(context, request).await?;
    }
    let mut planned = Vec::new();
    for request in requests {
        let Some((task, summary)) = run_plan(context, request).await? else {
            continue;
        };
        let (plan, bytes) = fetch(context, task).await?;
        planned.push(Planned {
            task,
            summary,
            plan,
            bytes,
        });
    }
    without_strangers(planned)
}

/// Leaves out the trees whose sources have none of the advisories that were asked for, with a note for each.
fn without_strangers(planned: Vec<Planned>) -> Result<Vec<Planned>> {
    let asked = planned.first().map(|one| one.plan.request.errata.clone());
    for advisory in asked.iter().flatten() {
        if planned
            .iter()
            .all(|one| one.plan.unknown_errata.contains(advisory))
        {
            return Err(Fail::new(format!("no source channel has {advisory}"))
                .hint("airlock channel errata LABEL lists the advisories of a channel"));
        }
    }
    let mut kept = Vec::new();
    for one in planned {
        let unknown = &one.plan.unknown_errata;
        let tree = one
            .plan
            .channels
            .first()
            .map(|channel| channel.destination.label.to_string());
        let tree = tree.unwrap_or_default();
        if !unknown.is_empty() {
            let left = if unknown.len() == one.plan.request.errata.len() {
                ", so that tree is left as it is"
            } else {
                ""
            };
            eprintln!("note: no source of {tree} has {}{left}", unknown.join(", "));
            if !left.is_empty() {
                continue;
            }
        }
        kept.push(one);
    }
    Ok(kept)
}

/// Plans, and gives the tasks that have the plans.
async fn run_plans(context: &Context, requests: &[CloneRequest]) -> Result<Vec<TaskId>> {
    for request in requests {
        bases(context, request).await?;
    }
    let mut tasks = Vec::new();
    for request in requests {
        tasks.extend(run_plan(context, request).await?.map(|(task, _)| task));
    }
    Ok(tasks)
}

/// Plans one tree.
pub(super) async fn run_plan(
    context: &Context,
    request: &CloneRequest,
) -> Result<Option<(TaskId, PlanSummary)>> {
    let started: TaskInfo = context
        .client
        .send(Method::POST, "/api/v1/clones/plan", request)
        .await?;
    let id = started.id;
    let ended = task::follow::<PlanSummary>(context, started, Waiting::default()).await;
    if matches!(&ended, Err(fail) if fail.stopped) {
        // Nobody wants its result any more.
        let path = format!("/api/v1/tasks/{id}/cancel");
        let _: Result<TaskInfo> = context.client.bare(Method::POST, &path).await;
        return Err(Fail::new("ended; nothing was changed").stopped());
    }
    Ok(ended?.map(|summary| (id, summary)))
}

/// The plan of a task, and its bytes.
pub(super) async fn fetch(context: &Context, id: TaskId) -> Result<(Plan, Vec<u8>)> {
    read_from(context, &format!("/api/v1/tasks/{id}/plan")).await
}

/// The part of a task's plan that explains a name.
pub(super) async fn fetch_about(context: &Context, id: TaskId, name: &str) -> Result<Plan> {
    let about = encoded(name);
    let (plan, _) = read_from(context, &format!("/api/v1/tasks/{id}/plan?about={about}")).await?;
    Ok(plan)
}

async fn read_from(context: &Context, path: &str) -> Result<(Plan, Vec<u8>)> {
    let answer = context.client.fetch(path).await?;
    let bytes = answer.bytes().to_vec();
    let plan = read_plan(&bytes).map_err(|error| {
        Fail::new(format!("the server's plan is not understood: {error}"))
            .hint("server and command are perhaps of different releases: airlock --version")
    })?;
    Ok((plan, bytes))
}

/// What is asked of a channel that is a parent.
#[derive(serde::Deserialize)]
struct Base {
    parent: Option<ChannelLabel>,
}

/// A parent that is not changed has to be a base channel; the message says which key is wrong.
async fn bases(context: &Context, request: &CloneRequest) -> Result {
    let Some(parents) = &request.parents else {
        return Ok(());
    };
    for label in parents.source.iter().chain([&parents.destination]) {
        let channel: Base = context
            .client
            .get(&format!("/api/v1/channels/{label}"))
            .await?;
        if let Some(base) = channel.parent {
            return Err(Fail::usage(format!(
                "parents (existing-parent-do-not-modify): {label} is a child of {base}, and only a base channel can be a parent that is not changed"
            ))
            .hint("--parents and existing-parent-do-not-modify name the bases; children are cloned by -l"));
        }
    }
    Ok(())
}

/// What a plan that changes nothing comes to.
fn unchanged(planned: &Planned) -> CloneOutcome {
    let channels = planned.plan.channels.iter().map(|channel| ClonedChannel {
        channel: channel.destination.label.clone(),
        from: channel.destination.version,
        to: channel.destination.version,
    });
    CloneOutcome {
        summary: planned.summary.clone(),
        channels: channels.collect(),
    }
}

/// A line for each channel.
pub(super) fn done(outcome: &CloneOutcome) -> Result {
    for channel in &outcome.channels {
        let label = &channel.channel;
        let summary = outcome
            .summary
            .channels
            .iter()
            .find(|summary| summary.destination == *label);
        let step = show::outcome::step(channel.from, channel.to);
        let text = match summary {
            _ if channel.from == channel.to => format!("{label}: unchanged, {step}"),
            Some(summary) => format!(
                "{label}: +{} -{} packages, +{} errata, {step}",
                summary.packages,
                summary.removed,
                summary.errata_selected + summary.errata_pulled
            ),
            None => format!("{label}: {step}"),
        };
        show::print(&fold(&text))?;
    }
    Ok(())
}

pub(super) fn not_changed() -> Result {
    eprintln!("nothing was changed");
    Ok(())
}

/// `FILE`, or `FILE.2`.
pub(super) fn numbered(file: &Path, number: Option<usize>) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    if let Some(number) = number {
        name.push(format!(".{number}"));
    }
    PathBuf::from(name)
}

/// Takes away what an earlier run left under the same name, or `--apply` would take it for a part of this one.
fn clear(file: &Path, written: &[PathBuf]) -> Result {
    let follow = (1..).map(|number| numbered(file, Some(number)));
    let mut old: Vec<PathBuf> = follow
        .take_while(|file| written.contains(file) || file.exists())
        .chain([file.to_owned()])
        .collect();
    old.retain(|file| !written.contains(file) && file.is_file());
    for file in &old {
        if read_plan(&read(file)?).is_err() {
            return Err(Fail::new(format!("{} is no plan", file.display()))
                .hint("it would be taken for a part of this one: take it away, or name another file with --plan"));
        }
    }
    for file in &old {
        std::fs::remove_file(file).map_err(|error| Fail::file("cannot remove", file, &error))?;
    }
    Ok(())
}

/// Writes a file whole or not at all.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result {
    let failed = |error: &std::io::Error| Fail::file("cannot write", path, error);
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666))
        .tempfile_in(folder.unwrap_or(Path::new(".")))
        .map_err(|error| failed(&error))?;
    file.write_all(bytes).map_err(|error| failed(&error))?;
    file.as_file().sync_all().map_err(|error| failed(&error))?;
    file.persist(path).map_err(|error| failed(&error.error))?;
    Ok(())
}

/// The bytes of a plan's file.
pub fn read(file: &Path) -> Result<Vec<u8>> {
    use std::io::Read;
    let failed = |error: &std::io::Error| Fail::file("cannot read", file, error);
    let most = airlock_content::LARGEST_PLAN as u64 + 1;
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        std::io::stdin()
            .lock()
            .take(most)
            .read_to_end(&mut bytes)
            .map_err(|error| failed(&error))?;
    } else {
        std::fs::File::open(file)
            .and_then(|opened| opened.take(most).read_to_end(&mut bytes))
            .map_err(|error| failed(&error))?;
    }
    Ok(bytes)
}

/// A file that is no plan.
pub fn refused(file: &Path, error: &airlock_content::Error) -> Fail {
    let fail = Fail::new(format!("{}: {error}", file.display()));
    match error.hint() {
        Some(hint) => fail.hint(hint),
        None => fail,
    }
}
