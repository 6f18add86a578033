//! The pkgmgr tools beyond the golden cases.

mod bind;
mod convert;
mod generate;
mod lint;
mod lint_entries;
mod lint_settings;
mod native;
mod properties;
mod update;

use std::ffi::OsString;
use std::path::Path;

use airlock_pkgstate::pkgmgr::cli::{
    BindArgs, Called, ConvertArgs, GenArgs, LintArgs, Terminal, UpdateArgs, run_bind, run_convert,
    run_gen, run_lint, run_update,
};
use clap::Parser;

/// The tools as the airlock program has them.
#[derive(Debug, Parser)]
enum Tool {
    Gen(GenArgs),
    Update(UpdateArgs),
    Lint(LintArgs),
    Convert(ConvertArgs),
    Bind(BindArgs),
}

/// How a run ended.
#[derive(Debug)]
struct Ran {
    code: u8,
    out: String,
    err: String,
}

/// Runs `airlock pkgmgr WORDS…`.
fn airlock<W: Into<OsString>>(words: impl IntoIterator<Item = W>) -> Ran {
    run(words, false)
}

fn airlock_json<W: Into<OsString>>(words: impl IntoIterator<Item = W>) -> serde_json::Value {
    serde_json::from_str(&run(words, true).out).unwrap()
}

fn run<W: Into<OsString>>(words: impl IntoIterator<Item = W>, json: bool) -> Ran {
    let name = OsString::from("pkgmgr");
    let words = std::iter::once(name).chain(words.into_iter().map(Into::into));
    let tool = Tool::try_parse_from(words).unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut terminal = Terminal {
        out: &mut out,
        err: &mut err,
        called: Called::Airlock,
        json,
    };
    let code = match tool {
        Tool::Gen(args) => run_gen(&args, &mut terminal),
        Tool::Update(args) => run_update(&args, &mut terminal),
        Tool::Lint(args) => run_lint(&args, &mut terminal),
        Tool::Convert(args) => run_convert(&args, &mut terminal),
        Tool::Bind(args) => run_bind(&args, &mut terminal),
    };
    Ran {
        code,
        out: String::from_utf8(out).unwrap(),
        err: String::from_utf8(err).unwrap(),
    }
}

fn data(part: &str) -> String {
    format!("{}/tests/data/bcfg2/{part}", env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Writes a file and gives its path.
fn put(folder: &Path, name: &str, content: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    text(&path).to_owned()
}
