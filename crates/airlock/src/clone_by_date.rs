//! `airlock clone-by-date`, also under its old name `spacewalk-clone-by-date`.
//!
//! The rules are the server's: a run says what is wanted (`wish`), has it planned, shows the plan, asks, and has it
//! applied (`flow`).

mod arguments;
mod ask;
pub mod config;
mod connection;
mod explain;
pub mod explained;
pub mod flow;
mod listing;
mod rebased;
mod sample;
mod switches;
mod validate;
mod wish;
mod written;

use std::io::Read;
use std::path::Path;

pub use self::arguments::{CloneArgs, EXAMPLES};
use self::ask::Interrupts;
use self::config::Config;
use self::connection::Session;
use self::wish::{Deed, Wish};
use crate::cli::Global;
use crate::fail::{Fail, Result};
use crate::show;

/// The name that the program had of old.
pub const OLD_NAME: &str = "spacewalk-clone-by-date";
/// Exit status of a failed run under the old name.
pub const OLD_FAILED: u8 = 255;

/// The name under which the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Called {
    /// `airlock clone-by-date`.
    Airlock,
    /// `spacewalk-clone-by-date`: failures end with 255, a dry run writes its files.
    AsOfOld,
}

/// Runs it.
pub async fn run(global: Global, args: CloneArgs, called: Called) -> Result {
    let ended = carry_out(global, args, called).await;
    match ended {
        // Who ends it is not failed.
        Err(fail) if fail.stopped => {
            eprintln!("{}", show::plain(&fail.message));
            if let Some(hint) = &fail.hint {
                eprintln!("hint: {}", show::plain(hint));
            }
            Ok(())
        }
        Err(fail) if called == Called::AsOfOld => Err(Fail {
            code: OLD_FAILED,
            ..fail
        }),
        ended => ended,
    }
}

async fn carry_out(global: Global, args: CloneArgs, called: Called) -> Result {
    if args.sample_config {
        return show::print(sample::SAMPLE);
    }
    let config = args
        .config
        .as_deref()
        .map(|path| load(path).map(|config| (path, config)))
        .transpose()?;
    let wish = wish::wish(&args, config)?;
    for note in &wish.notes {
        eprintln!("note: {}", show::plain(note));
    }
    let session = Session::open(global, &wish.login).await?;
    let mut interrupts = Interrupts::new()?;
    let ended = tokio::select! {
        biased;
        ended = deed(&session, &wish, called, &mut interrupts) => ended,
        () = Interrupts::twice() => Err(Fail::new("ended").stopped()),
    };
    session.close().await;
    ended
}

async fn deed(
    session: &Session,
    wish: &Wish,
    called: Called,
    interrupts: &mut Interrupts,
) -> Result {
    let context = &session.context;
    match &wish.deed {
        Deed::Clone(requests) => flow::clone(context, wish, requests, interrupts).await,
        Deed::Show(requests, shown) => flow::show(context, shown, requests, called).await,
        Deed::Apply(files, how) => written::apply(context, wish, (files, *how), interrupts).await,
        Deed::Undo { files, dry_run } => {
            written::undo(context, wish, (files, *dry_run), interrupts).await
        }
        Deed::Validate(requests) => validate::run(context, requests).await,
    }
}

/// Reads a config file.
fn load(path: &Path) -> Result<Config> {
    let failed = |error: &std::io::Error| Fail::file("cannot read", path, error);
    let file = std::fs::File::open(path).map_err(|error| failed(&error))?;
    let mode = file.metadata().map_err(|error| failed(&error))?;
    let mut bytes = Vec::new();
    file.take(config::LARGEST as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| failed(&error))?;
    let config = config::read(&bytes).map_err(|mistake| {
        Fail::usage(format!("{}: {mistake}", path.display())).hint(mistake.hint)
    })?;
    let others = std::os::unix::fs::PermissionsExt::mode(&mode.permissions()) & 0o077;
    if config.password.is_some() && others != 0 {
        let shown = path.display();
        eprintln!("note: {shown} holds a password and can be read by others: chmod 600 {shown}");
    }
    Ok(config)
}

#[cfg(test)]
mod tests;
