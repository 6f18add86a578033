//! Options that say where packages come from: the same for both tools.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::{Called, Stop, Terminal};
use crate::pkgmgr::available::{
    Join, Listener, Packages, RepositorySettings, load_folders, load_repositories, matching_folders,
};
use crate::pkgmgr::error::Error;

/// Where packages come from.
#[derive(Debug, Clone, Default, Args)]
pub struct SourceArgs {
    /// Folders of RPM files, with commas between; * ? and [ ] are patterns. Folders below are not looked into
    #[arg(short = 'd', long, value_name = "DIR,DIR")]
    pub rpmdirs: Option<String>,
    /// Yum repositories by URL (http, https, file), with commas between; not looked at when --rpmdirs is given
    #[arg(short = 'y', long, value_name = "URL,URL")]
    pub yumrepos: Option<String>,
    /// PEM file of the CA that signed the repositories' certificates (default: the machine's CAs)
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Proxy for repositories
    #[arg(long, value_name = "URL")]
    pub proxy: Option<String>,
    /// Say what is read, on standard output
    #[arg(short, long)]
    pub verbose: bool,
    /// Nothing stands alone on the command line: a pattern that the shell has opened out does.
    #[arg(hide = true, value_name = "ARGUMENT")]
    pub rest: Vec<String>,
}

/// How many folders a message names.
const SHOWN: usize = 5;

/// What is left of the options once they were looked at.
pub(super) struct Sources {
    folders: Option<Vec<PathBuf>>,
    repositories: Vec<String>,
}

fn given(list: &Option<String>) -> Option<&str> {
    list.as_deref().filter(|text| !text.is_empty())
}

impl SourceArgs {
    /// Whether there is any source.
    pub(super) fn is_given(&self) -> bool {
        given(&self.rpmdirs).is_some() || given(&self.yumrepos).is_some()
    }

    /// Looks at the options, finds the folders, and says which ones will be read.
    pub(super) fn check(&self, terminal: &mut Terminal<'_>) -> Result<Sources, Stop> {
        let dirs = given(&self.rpmdirs);
        let urls = given(&self.yumrepos);
        if dirs.is_none() && urls.is_none() {
            let text = "One of --rpmdirs and --yumrepos must be specified";
            return Err(Stop::Usage(text.to_owned()));
        }
        if !self.rest.is_empty() {
            let text = format!(
                "{:?} belongs to no option; put a pattern of folders in quotes, or the shell opens it out: -d '/srv/*'",
                self.rest[0]
            );
            match terminal.called {
                Called::Airlock => return Err(Stop::Usage(text)),
                Called::AsOld => terminal.warn(&text)?,
            }
        }
        let mut folders = dirs.map(|_| Vec::new());
        for pattern in dirs.into_iter().flat_map(|dirs| dirs.split(',')) {
            let found = matching_folders(pattern)?;
            if found.is_empty() {
                let pattern = pattern.to_owned();
                let error = Error::NoFolder { pattern };
                match terminal.called {
                    Called::Airlock => return Err(error.into()),
                    Called::AsOld => terminal.warn(&error.to_string())?,
                }
            }
            folders.get_or_insert_default().extend(found);
        }
        let split = |text: &str| text.split(',').map(str::to_owned).collect();
        let repositories: Vec<String> = urls.map(split).unwrap_or_default();
        if self.verbose {
            if let Some(folders) = &folders {
                writeln!(terminal.out, "The following directories will be scanned:")?;
                for folder in folders {
                    writeln!(terminal.out, "    {}", folder.display())?;
                }
            }
            if urls.is_some() {
                writeln!(terminal.out, "The following repositories will be scanned:")?;
                for repository in &repositories {
                    writeln!(terminal.out, "    {}", without_secret(repository))?;
                }
            }
        }
        Ok(Sources {
            folders,
            repositories,
        })
    }
}

/// A URL without user and password.
fn without_secret(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let (place, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = place.rsplit_once('@').map_or(place, |(_, host)| host);
            format!("{scheme}://{host}{path}")
        }
        None => url.to_owned(),
    }
}

impl Sources {
    /// That there are no packages, and where.
    fn nothing(&self) -> String {
        match &self.folders {
            Some(folders) if folders.is_empty() => "there is no folder to look into".to_owned(),
            Some(folders) => {
                let shown: Vec<String> = folders
                    .iter()
                    .take(SHOWN)
                    .map(|folder| folder.display().to_string())
                    .collect();
                let more = match folders.len() - shown.len() {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                format!(
                    "{}{more}: no file *.rpm lies there; folders below are not looked into",
                    shown.join(", ")
                )
            }
            None => {
                let all = self.repositories.iter().map(|url| without_secret(url));
                let all: Vec<String> = all.collect();
                format!("{}: there is no package", all.join(", "))
            }
        }
    }

    /// Reads the packages. `says_repomd`: whether the repository is named before its list is.
    pub(super) fn load(
        &self,
        args: &SourceArgs,
        terminal: &mut Terminal<'_>,
        says_repomd: bool,
    ) -> Result<Packages, Stop> {
        let mut loud = Loud {
            out: terminal.out,
            says_repomd,
            failed: None,
        };
        let mut silent = ();
        let listener: &mut dyn Listener = match args.verbose {
            true => &mut loud,
            false => &mut silent,
        };
        let packages = match &self.folders {
            Some(folders) => load_folders(folders, listener)?,
            None => {
                let settings = RepositorySettings {
                    join: match terminal.called {
                        Called::AsOld => Join::AsUrl,
                        Called::Airlock => Join::Folder,
                    },
                    ca: args.ca.clone(),
                    proxy: args.proxy.clone(),
                };
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .map_err(Error::Start)?;
                runtime.block_on(load_repositories(&self.repositories, &settings, listener))?
            }
        };
        if let Some(error) = loud.failed {
            return Err(Stop::Output(error));
        }
        if packages.all.is_empty() {
            terminal.warn(&self.nothing())?;
        }
        Ok(packages)
    }
}

/// Says on standard output what is read, in the old words.
struct Loud<'o> {
    out: &'o mut dyn Write,
    says_repomd: bool,
    failed: Option<std::io::Error>,
}

impl Loud<'_> {
    fn say(&mut self, text: &str) {
        let said = self.out.write_all(text.as_bytes());
        if let Err(error) = said.and_then(|()| self.out.flush()) {
            self.failed.get_or_insert(error);
        }
    }
}

impl Listener for Loud<'_> {
    fn folder(&mut self, path: &str) {
        self.say(&format!("Scanning directory: {path}\n"));
    }

    fn repository(&mut self, url: &str) {
        if self.says_repomd {
            self.say(&format!(
                "Loading repo metadata : {}\n",
                without_secret(url)
            ));
        }
    }

    fn primary(&mut self, url: &str) {
        self.say(&format!("Loading : {}\n", without_secret(url)));
    }

    fn package(&mut self) {
        self.say(".");
    }

    fn done(&mut self) {
        self.say("\n");
    }
}
