//! `airlock pkgmgr`, and the names `pkgmgr_gen.py` and `pkgmgr_update.py`.

use std::ffi::OsString;
use std::io::{BufWriter, stderr, stdout};
use std::process::ExitCode;

use airlock_pkgstate::pkgmgr::cli::{
    Called, Terminal, main_gen, main_update, run_bind, run_convert, run_gen, run_lint, run_update,
};

use crate::cli::pkgmgr::PkgmgrCommand;

/// The names of the old tools.
pub const OLD_NAMES: [&str; 2] = ["pkgmgr_gen.py", "pkgmgr_update.py"];

/// Runs as the old tool of that name.
pub fn run_old(name: &str, arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let words = std::iter::once(OsString::from(name)).chain(arguments);
    let (mut out, mut err) = (BufWriter::new(stdout()), stderr());
    ExitCode::from(match name == OLD_NAMES[0] {
        true => main_gen(words, &mut out, &mut err),
        false => main_update(words, &mut out, &mut err),
    })
}

/// Runs a command; `json` asks for an answer to programs.
pub fn run(command: PkgmgrCommand, json: bool) -> ExitCode {
    let mut terminal = Terminal {
        out: &mut BufWriter::new(stdout()),
        err: &mut stderr(),
        called: Called::Airlock,
        json,
    };
    ExitCode::from(match command {
        PkgmgrCommand::Gen(args) => run_gen(&args, &mut terminal),
        PkgmgrCommand::Update(args) => run_update(&args, &mut terminal),
        PkgmgrCommand::Lint(args) => run_lint(&args, &mut terminal),
        PkgmgrCommand::Convert(args) => run_convert(&args, &mut terminal),
        PkgmgrCommand::Bind(args) => run_bind(&args, &mut terminal),
    })
}
