//! Questions to a person at a terminal.

use std::io::{BufRead, IsTerminal, Write};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::fail::{Fail, Result};

/// Ctrl-C from the moment this exists on: it does not kill the program any more, and one that came between two
/// questions counts for the next.
pub struct Interrupts(Signal);

impl Interrupts {
    /// Listens.
    pub fn new() -> Result<Self> {
        signal(SignalKind::interrupt())
            .map(Self)
            .map_err(|error| Fail::new(format!("cannot listen for Ctrl-C: {error}")))
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }

    /// Ctrl-C twice: once for what waits and listens itself, and once more for a server that hangs.
    pub async fn twice() {
        for _ in 0..2 {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

/// Fails unless somebody can be asked. Before anything is done, so that nothing is left half-decided.
///
/// # Errors
/// Without a terminal, and with `--json`, where what a person would have to read is not shown.
pub fn somebody_is_there(json: bool) -> Result {
    let why = if json {
        "with --json nothing is asked"
    } else if std::io::stdin().is_terminal() {
        return Ok(());
    } else {
        "nobody is there to be asked whether to go on"
    };
    Err(Fail::new(why)
        .hint("-y (--assumeyes) to go on without asking, or --dry-run to see what would be done"))
}

/// Asks until the answer is yes or no; the end of input is a no, Ctrl-C ends the run.
pub async fn yes(question: &str, interrupts: &mut Interrupts) -> Result<bool> {
    loop {
        eprint!("{question} [y/n] ");
        let _ = std::io::stderr().flush();
        let Some(answer) = line(interrupts).await? else {
            eprintln!();
            return Ok(false);
        };
        match answer.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => return Ok(true),
            "n" | "no" => return Ok(false),
            _ => {}
        }
    }
}

/// A line of standard input; none at its end.
async fn line(interrupts: &mut Interrupts) -> Result<Option<String>> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    // A thread of its own: one of the runtime's would keep the program from ending while it reads.
    std::thread::spawn(move || {
        let mut text = String::new();
        let read = std::io::stdin().lock().read_line(&mut text);
        let _ = sender.send(read.map(|bytes| (bytes > 0).then_some(text)));
    });
    tokio::select! {
        read = receiver => match read {
            Ok(Ok(text)) => Ok(text),
            Ok(Err(error)) => Err(Fail::new(format!("cannot read the answer: {error}"))),
            Err(_) => Ok(None),
        },
        () = interrupts.next() => Err(Fail::new("ended; nothing was changed").stopped()),
    }
}
