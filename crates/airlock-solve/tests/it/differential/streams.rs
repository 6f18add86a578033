//! Module streams: in every context, libsolv judges the packages that are there as we do.

use std::fmt::Write as _;

use airlock_repodata::modules::{self, ModuleContent, ModuleDocument};
use airlock_solve::{Context, Installability, Modules, PackageSet, Universe};
use airlock_testkit::seeded::Seeded;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::{Files, Tally, ask, compare_found, full_name, question, written, x86_64};
use crate::world::{Made, world};

/// The contexts that libsolv can be asked about, when there are streams at all; what needs a module that cannot be had
/// is broken without any look at packages.
pub fn contexts(universe: &Universe<'_>, documents: &[ModuleDocument]) -> Vec<Context> {
    let is_stream =
        |document: &ModuleDocument| matches!(document.content, ModuleContent::Stream(_));
    if !documents.iter().any(is_stream) {
        return Vec::new();
    }
    let mut contexts = Modules::new(universe.pool(), documents).contexts(universe);
    contexts.retain(|context| context.unmet.is_none() && !context.judged.is_empty());
    contexts
}

/// Contexts as libsolv is asked about them.
pub fn asked(universe: &Universe<'_>, contexts: &[Context]) -> Value {
    let pool = universe.pool();
    let contexts = contexts.iter().map(|context| {
        let packages = pool.packages().map(|(id, _)| id);
        let hidden = packages.filter(|id| !context.scope.contains(*id));
        let hidden: Vec<String> = hidden.map(|id| full_name(pool, id)).collect();
        let judged: PackageSet = context.judged.iter().copied().collect();
        let asked: Vec<String> = judged.iter().map(|id| full_name(pool, id)).collect();
        json!({"hidden": hidden, "asked": asked})
    });
    contexts.collect()
}

/// Compares the judgements in each context.
pub fn compare(
    universe: &Universe<'_>,
    contexts: &[Context],
    answer: &Value,
    what: &str,
    tally: &mut Tally,
) {
    for (number, context) in contexts.iter().enumerate() {
        let judged: PackageSet = context.judged.iter().copied().collect();
        let in_scope = |id| context.scope.contains(id);
        let found = Installability::check_some(universe, in_scope, |id| judged.contains(id));
        let what = format!("{what} with {:?}", context.enabled);
        compare_found(universe, &found, &answer["contexts"][number], &what, tally);
    }
}

/// Puts some packages into streams of a few modules, which need each other.
fn documents(packages: &[Made], random: &mut Seeded) -> String {
    let mut text = String::new();
    for module in 0..3 {
        for stream in 0..2 {
            let _ = write!(
                text,
                "---\ndocument: modulemd\nversion: 2\ndata:\n  name: m{module}\n  stream: \"{stream}\"\n  version: 1\n  \
                 context: c\n  arch: x86_64\n  summary: s\n  description: d\n"
            );
            if module > 0 && random.below(2) == 0 {
                let (other, wanted) = (random.below(module), random.below(2));
                let _ = write!(
                    text,
                    "  dependencies:\n  - requires:\n      m{other}: [\"{wanted}\"]\n"
                );
            }
            text.push_str("  artifacts:\n    rpms: [");
            for made in packages.iter().filter(|_| random.below(6) == 0) {
                let _ = write!(text, "{}-0:{}-1.{}, ", made.name, made.version, made.arch);
            }
            text.push_str("]\n...\n");
        }
        if random.below(2) == 0 {
            let _ = write!(
                text,
                "---\ndocument: modulemd-defaults\nversion: 1\ndata:\n  module: m{module}\n  stream: \"{}\"\n...\n",
                random.below(2)
            );
        }
    }
    text
}

#[test]
fn differential_of_module_streams() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut runner = TestRunner::deterministic();
    let mut random = Seeded::new(11);
    let settings = x86_64();
    let mut made = Vec::new();
    for number in 0..120_u32 {
        let tree = world(12 + number as usize % 20, 6)
            .new_tree(&mut runner)
            .expect("a world");
        let packages = tree.current();
        let text = documents(&packages, &mut random);
        let documents = modules::parse(text.as_bytes()).expect("documents");
        let (pool, files) = written(folder.path(), number, &packages);
        made.push((pool, files, documents));
    }
    let universes: Vec<(Universe<'_>, &Files, Vec<Context>)> = made
        .iter()
        .map(|(pool, files, documents)| {
            let universe = Universe::new(pool, &settings);
            let contexts = contexts(&universe, documents);
            (universe, files, contexts)
        })
        .collect();
    let questions: Vec<Value> = universes
        .iter()
        .map(|(universe, files, contexts)| {
            let contexts = asked(universe, contexts);
            question(
                universe,
                std::slice::from_ref(*files),
                &json!([]),
                &contexts,
            )
        })
        .collect();
    let answers = ask(&json!(questions));
    let mut tally = Tally::default();
    for (number, (universe, _, contexts)) in universes.iter().enumerate() {
        let what = format!("universe {number}");
        compare(universe, contexts, &answers[number], &what, &mut tally);
    }
    tally.say("module streams");
}
