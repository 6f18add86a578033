//! What the commands do.

pub mod createrepo;
pub mod pkgmgr;

mod access;
mod change;
mod channel;
mod check;
mod hypervisor;
mod plan;
mod push;
mod read;
pub mod secret;
mod serve;
mod settings;
mod shell;
pub mod task;
mod upkeep;

use std::process::ExitCode;

use crate::cli::{Cli, Command};
use crate::client::{self, Client};
use crate::clone_by_date::{self, Called};
use crate::fail::{Fail, Result};

pub use access::warn_if_open;

/// What a command has at hand.
pub struct Context {
    /// The way to the server.
    pub client: Client,
    /// Answer in JSON.
    pub json: bool,
    /// The options, for `login`.
    pub global: crate::cli::Global,
}

/// The environment.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Runs a command; `called` is the name that the program was called by.
pub fn run(cli: Cli, called: Called) -> Result<ExitCode> {
    let Cli { global, command } = cli;
    match command {
        Command::Serve(args) => return serve::run(&global, *args).map(|()| ExitCode::SUCCESS),
        Command::Createrepo { arguments } => {
            return Ok(createrepo::run("airlock createrepo", arguments));
        }
        Command::Pkgmgr(command) => return Ok(pkgmgr::run(command, global.json)),
        Command::Completions { shell } => {
            return shell::completions(shell).map(|()| ExitCode::SUCCESS);
        }
        Command::Man { directory } => return shell::man(&directory).map(|()| ExitCode::SUCCESS),
        Command::Restore { directory } => {
            return serve::restore(&global, &directory).map(|()| ExitCode::SUCCESS);
        }
        Command::Plan(command) => {
            return plan::run(command, global.json).map(|()| ExitCode::SUCCESS);
        }
        Command::CloneByDate(args) => {
            runtime()?.block_on(clone_by_date::run(global, *args, called))?;
        }
        command => runtime()?.block_on(remote(global, command))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Fail::new(format!("cannot start: {error}")))
}

async fn remote(global: crate::cli::Global, command: Command) -> Result {
    if let Command::Login(args) = command {
        return access::login(&global, args).await;
    }
    let context = Context {
        client: client::find(&global, variable)?,
        json: global.json,
        global,
    };
    match command {
        Command::Channel(command) => channel::run(&context, *command).await,
        Command::Push {
            channel,
            files,
            waiting,
        } => push::run(&context, &channel, &files, waiting).await,
        Command::Hypervisor(command) => hypervisor::run(&context, command).await,
        Command::Task(command) => task::run(&context, command).await,
        Command::Token(command) => access::token(&context, command).await,
        Command::User(command) => access::user(&context, command).await,
        Command::Org(command) => access::org(&context, command).await,
        Command::Audit { before, limit, org } => {
            upkeep::audit(&context, before, limit, org.as_deref()).await
        }
        Command::Fsck {
            deep,
            repair,
            waiting,
        } => upkeep::fsck(&context, deep, repair, waiting).await,
        Command::Gc {
            grace_seconds,
            waiting,
        } => upkeep::gc(&context, grace_seconds, waiting).await,
        Command::Backup { directory, waiting } => {
            upkeep::backup(&context, &directory, waiting).await
        }
        // These need no server and were run before.
        Command::Serve(_)
        | Command::Login(_)
        | Command::Createrepo { .. }
        | Command::CloneByDate(_)
        | Command::Plan(_)
        | Command::Pkgmgr(_)
        | Command::Completions { .. }
        | Command::Man { .. }
        | Command::Restore { .. } => Ok(()),
    }
}
