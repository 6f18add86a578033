//! From command line and config file to what is asked of the server. The command line wins; a key of the file counts
//! only where an option is not there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use airlock_model::{ClonePair, CloneParents, CloneRequest};

use super::arguments::CloneArgs;
use super::config::values::{self, Wrong};
use super::config::{ALL, Config, Tree, pair};
use crate::fail::{Fail, Result};

/// What a run is to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    /// Where, and as whom.
    pub login: Login,
    /// What was said and counts for nothing.
    pub notes: Vec<String>,
    /// Ask nothing.
    pub yes: bool,
    /// Do not wait for the end of the task that changes something.
    pub no_wait: bool,
    /// The work.
    pub deed: Deed,
}

/// The connection that the old options name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Login {
    /// URL from the config file; the one of the command line is among the global options.
    pub server: Option<String>,
    /// The user.
    pub username: Option<String>,
    /// The user's password.
    pub password: Option<String>,
}

/// The work of a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Deed {
    /// Plan, ask, apply.
    Clone(Vec<CloneRequest>),
    /// Plan and show.
    Show(Vec<CloneRequest>, Shown),
    /// Apply plans that were written before; their files.
    Apply(Vec<PathBuf>, Applied),
    /// Take back what applied plans did.
    Undo {
        /// Their files.
        files: Vec<PathBuf>,
        /// Only say what would be done.
        dry_run: bool,
    },
    /// Check the destinations.
    Validate(Vec<CloneRequest>),
}

/// How written plans are applied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Applied {
    /// Plan again if channels have moved on.
    pub rebase: bool,
    /// Only show what would be done.
    pub dry_run: bool,
}

/// What is shown of a plan that is not applied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// Where it is written to.
    pub plan: Option<PathBuf>,
    /// What is explained.
    pub explain: Vec<String>,
    /// It is a dry run.
    pub dry_run: bool,
}

/// What the options and the file come to.
///
/// # Errors
/// Options that exclude each other, and values that cannot be read.
pub fn wish(args: &CloneArgs, config: Option<(&Path, Config)>) -> Result<Wish> {
    exclusions(args)?;
    let mut notes = Vec::new();
    if args.background {
        notes.push("-g (--background) has no effect".to_owned());
    }
    let dry_run = args.switches.dry_run.unwrap_or_default();
    let written = match (args.apply.is_empty(), args.undo.is_empty()) {
        (false, _) => Some(Deed::Apply(
            args.apply.clone(),
            Applied {
                rebase: args.rebase,
                dry_run,
            },
        )),
        (true, false) => Some(Deed::Undo {
            files: args.undo.clone(),
            dry_run,
        }),
        (true, true) => None,
    };
    if let Some(deed) = written {
        return Ok(Wish {
            login: Login {
                server: None,
                username: args.username.clone(),
                password: args.password.clone(),
            },
            notes,
            yes: args.switches.assumeyes.unwrap_or_default(),
            no_wait: args.waiting.no_wait,
            deed,
        });
    }
    let file = config.as_ref().map(|(path, _)| path.to_path_buf());
    let config = config.map(|(_, config)| config).unwrap_or_default();
    notes.extend(config.notes.iter().cloned());
    let trees = match file {
        Some(_) => config.trees.clone(),
        None => vec![tree(args)?],
    };
    let settings = settings(args, &config)?;
    together(&settings, args, file.as_deref())?;
    // One of several trees need not have every advisory.
    let settings = CloneRequest {
        errata_where_known: trees.len() > 1 && !settings.errata.is_empty(),
        ..settings
    };
    let requests: Vec<CloneRequest> = trees
        .into_iter()
        .map(|tree| request(tree, &settings, &mut notes))
        .collect();
    let switches = &args.switches;
    let shown = Shown {
        plan: args.plan.clone(),
        explain: args.explain.clone(),
        dry_run: switches.dry_run.or(config.dry_run).unwrap_or_default(),
    };
    let deed = if args.validate {
        Deed::Validate(requests)
    } else if shown != Shown::default() {
        Deed::Show(requests, shown)
    } else {
        Deed::Clone(requests)
    };
    if args.waiting.no_wait && !matches!(deed, Deed::Clone(_)) {
        return Err(Fail::usage(
            "--no-wait goes with cloning only: here the result is what is wanted",
        )
        .hint("leave --no-wait out"));
    }
    let nothing = settings.to_date.is_none() && settings.errata.is_empty();
    if nothing && settings.as_of.is_none() && !args.validate {
        notes.push(
            "without -d, -e and --as-of no erratum is selected: missing clones get their original state, and that is all"
                .to_owned(),
        );
    }
    Ok(Wish {
        login: Login {
            server: config.server,
            username: args.username.clone().or(config.username),
            password: args.password.clone().or(config.password),
        },
        notes,
        yes: switches.assumeyes.or(config.assumeyes).unwrap_or_default(),
        no_wait: args.waiting.no_wait,
        deed,
    })
}

/// Options that exclude each other whatever the file says.
fn exclusions(args: &CloneArgs) -> Result {
    if args.config.is_some() && !args.channels.0.is_empty() {
        return Err(Fail::usage("--config and --channels exclude each other")
            .hint("name the channels in the config file's \"channels\", or leave --config out"));
    }
    if args.config.is_some() && !args.parents.is_empty() {
        return Err(Fail::usage("--config and --parents exclude each other").hint(
            "in the config file say {\"SRC_PARENT\": {\"label\": \"DEST_PARENT\", \"existing-parent-do-not-modify\": true}}",
        ));
    }
    if !args.apply.is_empty() {
        return alone(args, "--apply");
    }
    if args.rebase {
        return Err(Fail::usage("--rebase needs --apply FILE")
            .hint("a plan that is made now is not behind anything"));
    }
    if !args.undo.is_empty() {
        return alone(args, "--undo");
    }
    if args.plan.as_deref() == Some(Path::new("-")) {
        return Err(Fail::usage("--plan -: a plan goes into a file")
            .hint("standard output has the summary; --plan q1.json, and then cat q1.json"));
    }
    if args.validate && (args.plan.is_some() || !args.explain.is_empty()) {
        return Err(Fail::usage("--validate makes no plan")
            .hint("leave --plan and --explain out, or --validate"));
    }
    if args.config.is_none() && args.channels.0.is_empty() {
        return Err(Fail::usage("which channels?").hint(
            "-l SRC DEST, or --config FILE (airlock clone-by-date --sample-config prints one), or --apply FILE",
        ));
    }
    Ok(())
}

/// A plan says everything; nothing beside `--apply` or `--undo` may say otherwise.
fn alone(args: &CloneArgs, deed: &str) -> Result {
    let switches = &args.switches;
    let given = [
        ("--channels", !args.channels.0.is_empty()),
        ("--parents", !args.parents.is_empty()),
        ("--config", args.config.is_some()),
        ("--to_date", args.to_date.is_some()),
        ("--as-of", args.as_of.is_some()),
        ("--naked", args.naked.is_some()),
        ("--errata", !args.errata.is_empty()),
        ("--blacklist", !args.blacklist.is_empty()),
        ("--blacklist-scope", args.blacklist_scope.is_some()),
        ("--removelist", !args.removelist.is_empty()),
        ("--use-update-date", switches.use_update_date.is_some()),
        ("--infer", switches.infer.is_some()),
        ("--security_only", switches.security_only.is_some()),
        ("--skip_depsolve", switches.skip_depsolve.is_some()),
        (
            "--skip-errata-depsolve",
            switches.skip_errata_depsolve.is_some(),
        ),
        ("--no-errata-sync", switches.no_errata_sync.is_some()),
        ("--strict", switches.strict.is_some()),
        (
            "--keep-advisory-names",
            switches.keep_advisory_names.is_some(),
        ),
        ("--prune", switches.prune.is_some()),
        ("--into-other", switches.into_other.is_some()),
        ("--plan", args.plan.is_some()),
        ("--validate", args.validate),
        ("--undo", deed != "--undo" && !args.undo.is_empty()),
    ];
    if let Some((option, _)) = given.iter().find(|(_, given)| *given) {
        return Err(
            Fail::usage(format!("{option} and {deed} exclude each other"))
                .hint("the plan says what is cloned; to clone something else, plan again"),
        );
    }
    if switches.dry_run == Some(true) && args.waiting.no_wait {
        return Err(Fail::usage("--no-wait and --dry-run exclude each other")
            .hint("a dry run starts nothing that could be waited for: leave --no-wait out"));
    }
    if !args.explain.is_empty() {
        return Err(
            Fail::usage(format!("--explain and {deed} exclude each other"))
                .hint("airlock plan explain FILE NAME explains a written plan"),
        );
    }
    Ok(())
}

/// The tree of `-l` and `-a`.
fn tree(args: &CloneArgs) -> Result<Tree> {
    let of = |option: &str, wrong: Wrong| {
        Fail::usage(format!("{option}: {}", wrong.why)).hint(wrong.hint)
    };
    let mut pairs = Vec::new();
    for words in &args.channels.0 {
        let [source, destination, texts @ ..] = words.as_slice() else {
            return Err(
                Fail::usage(format!("-l {}: 2 to 5 words are needed", words.join(" ")))
                    .hint("-l SRC DEST [NAME [SUMMARY [DESC]]]"),
            );
        };
        if texts.len() > 3 {
            return Err(Fail::usage(format!(
                "-l {}: {} words are too many",
                words.join(" "),
                words.len()
            ))
            .hint("-l SRC DEST [NAME [SUMMARY [DESC]]]; texts of several words in quotes"));
        }
        let source = values::label(source).map_err(|wrong| of("-l", wrong))?;
        let destination = values::label(destination).map_err(|wrong| of("-l", wrong))?;
        if source == destination {
            return Err(
                Fail::usage(format!("-l: \"{source}\" would be a clone of itself"))
                    .hint("give the clone a label of its own"),
            );
        }
        let twice = pairs.iter().find_map(|known: &ClonePair| {
            let same = (known.source == source).then_some(("source", &source));
            same.or_else(|| {
                (known.destination == destination).then_some(("destination", &destination))
            })
        });
        if let Some((what, label)) = twice {
            return Err(
                Fail::usage(format!("-l: the {what} \"{label}\" is named twice")).hint(
                    "in a tree each source has one clone; clone another tree in a run of its own",
                ),
            );
        }
        let text = |index: usize| {
            let text = texts.get(index).map(|text| text.trim().to_owned());
            text.filter(|text| !text.is_empty())
        };
        pairs.push(pair(source, destination, [text(0), text(1), text(2)]));
    }
    let parents = match args.parents.as_slice() {
        [] => None,
        [destination] => Some((None, destination)),
        [source, destination] => Some((Some(source), destination)),
        words => {
            return Err(Fail::usage(format!(
                "-a {}: {} words are too many",
                words.join(" "),
                words.len()
            ))
            .hint("-a [SRC_PARENT] DEST_PARENT"));
        }
    };
    let parents = parents
        .map(|(source, destination)| {
            Ok::<_, Wrong>(CloneParents {
                source: source.map(|text| values::label(text)).transpose()?,
                destination: values::label(destination)?,
            })
        })
        .transpose()
        .map_err(|wrong| of("-a", wrong))?;
    Ok(Tree { pairs, parents })
}

/// What holds for every tree of the run.
fn settings(args: &CloneArgs, config: &Config) -> Result<CloneRequest> {
    let option =
        |name: &str, wrong: Wrong| Fail::usage(format!("{name}: {}", wrong.why)).hint(wrong.hint);
    let to_date = match &args.to_date {
        // Checking what is there asks for no date, so that of an old script may be anything.
        Some(text) if args.validate => values::date(text).ok(),
        Some(text) => Some(values::date(text).map_err(|wrong| option("--to_date", wrong))?),
        None => config.to_date,
    };
    let as_of = match &args.as_of {
        Some(text) => Some(values::as_of(text).map_err(|wrong| option("--as-of", wrong))?),
        None => config.as_of.clone(),
    };
    let errata = match commas("--errata", &args.errata, values::advisory)? {
        Some(list) => list,
        None => config.errata.clone(),
    };
    let lists = |name: &str, given: &[String], file: &BTreeMap<String, Vec<String>>| {
        let given = commas(name, given, values::expression)?;
        Ok::<_, Fail>(match given {
            Some(list) => BTreeMap::from([(ALL.to_owned(), list)]),
            None => file.clone(),
        })
    };
    let switches = &args.switches;
    let on = |given: Option<bool>, file: Option<bool>| given.or(file).unwrap_or_default();
    Ok(CloneRequest {
        channels: Vec::new(),
        parents: None,
        to_date,
        as_of,
        infer: on(switches.infer, config.infer),
        errata,
        errata_where_known: false,
        security_only: on(switches.security_only, config.security_only),
        use_update_date: on(switches.use_update_date, config.use_update_date),
        skip_depsolve: on(switches.skip_depsolve, config.skip_depsolve),
        skip_errata_depsolve: on(switches.skip_errata_depsolve, config.skip_errata_depsolve),
        no_errata_sync: on(switches.no_errata_sync, config.no_errata_sync),
        blacklist: lists("--blacklist", &args.blacklist, &config.blacklist)?,
        removelist: lists("--removelist", &args.removelist, &config.removelist)?,
        blacklist_scope: args
            .blacklist_scope
            .or(config.blacklist_scope)
            .unwrap_or_default(),
        naked: args.naked.or(config.naked).unwrap_or_default(),
        strict: on(switches.strict, config.strict),
        prune: on(switches.prune, config.prune),
        keep_advisory_names: on(switches.keep_advisory_names, config.keep_advisory_names),
        into_other: on(switches.into_other, config.into_other),
    })
}

/// A list with commas; none when the option is not there.
fn commas(
    name: &str,
    given: &[String],
    read: impl Fn(&str) -> Result<String, Wrong>,
) -> Result<Option<Vec<String>>> {
    if given.is_empty() {
        return Ok(None);
    }
    let mut list: Vec<String> = Vec::new();
    let items = given.iter().flat_map(|text| text.split(','));
    for item in items.filter(|item| !item.trim().is_empty()) {
        let item = read(item)
            .map_err(|wrong| Fail::usage(format!("{name}: {}", wrong.why)).hint(wrong.hint))?;
        if !list.contains(&item) {
            list.push(item);
        }
    }
    if list.is_empty() {
        return Err(Fail::usage(format!("{name} names nothing"))
            .hint("write names with commas between them, or leave the option out"));
    }
    Ok(Some(list))
}

/// Settings that exclude or need each other, wherever each of them was said.
fn together(settings: &CloneRequest, args: &CloneArgs, file: Option<&Path>) -> Result {
    let place = |given: bool| match file {
        Some(file) if !given => format!("in {}", file.display()),
        _ => "on the command line".to_owned(),
    };
    let switches = &args.switches;
    if let Some(first) = settings.errata.first() {
        let errata = format!(
            "errata ({first}{}, {})",
            if settings.errata.len() > 1 {
                " …"
            } else {
                ""
            },
            place(!args.errata.is_empty())
        );
        if let Some(date) = settings.to_date {
            return Err(Fail::usage(format!(
                "to_date ({date}, {}) and {errata} exclude each other",
                place(args.to_date.is_some())
            ))
            .hint("a clone takes what is in range, or what is named: leave one of them out"));
        }
        if settings.security_only {
            return Err(Fail::usage(format!(
                "security_only (true, {}) and {errata} exclude each other",
                place(switches.security_only.is_some())
            ))
            .hint("what is named is taken whatever its type: pass --security_only=false"));
        }
    }
    for (name, set, given) in [
        ("infer", settings.infer, switches.infer.is_some()),
        ("prune", settings.prune, switches.prune.is_some()),
    ] {
        if set && settings.as_of.is_none() {
            return Err(Fail::usage(format!(
                "{name} (true, {}) goes with as-of only",
                place(given)
            ))
            .hint(format!("pass --as-of INSTANT, or leave --{name} out")));
        }
    }
    Ok(())
}

/// The request for one tree: of the lists it takes what is for its own destinations.
fn request(tree: Tree, settings: &CloneRequest, notes: &mut Vec<String>) -> CloneRequest {
    let mut own = |name: &str, lists: &BTreeMap<String, Vec<String>>| {
        let mut found = BTreeMap::new();
        for (label, list) in lists {
            let is_base = tree
                .parents
                .as_ref()
                .is_some_and(|parents| parents.destination.as_str() == label);
            if is_base {
                notes.push(format!(
                    "{name}.{label} has no effect: an existing parent is not changed"
                ));
            } else if label == ALL || tree.has_destination(label) {
                found.insert(label.clone(), list.clone());
            }
        }
        found
    };
    let (blacklist, removelist) = (
        own("blacklist", &settings.blacklist),
        own("removelist", &settings.removelist),
    );
    CloneRequest {
        channels: tree.pairs,
        parents: tree.parents,
        blacklist,
        removelist,
        ..settings.clone()
    }
}
