//! Hosts or guests from a file: what `--print` wrote, of either generation. Reference: virt-who, section 4.3.

use std::path::PathBuf;

use async_trait::async_trait;

use super::{
    Backend, Error, Form, Kind, Level, Need, OptionSpec, PAGE, Page, Remark, Result, Sink, Whole,
};
use crate::model::{IdKind, Report, json};
use crate::settings::Settings;

/// More than any inventory needs.
const LIMIT: u64 = 1 << 30;

/// `type=fake`.
#[derive(Debug)]
pub struct Fake;

impl Kind for Fake {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn ids(&self) -> &'static [IdKind] {
        &[]
    }

    fn server(&self) -> Need {
        Need::Unused
    }

    fn account(&self, _settings: &Settings) -> Need {
        Need::Unused
    }

    fn options(&self) -> &'static [OptionSpec] {
        &[
            OptionSpec {
                name: "file",
                form: Form::File,
                need: Need::Required,
                about: "the file with hosts or guests, as --print writes it",
            },
            OptionSpec {
                name: "is_hypervisor",
                form: Form::Boolean(true),
                need: Need::Optional,
                about: "the file holds hosts (true) or the guests of this machine (false)",
            },
        ]
    }

    fn local(&self, settings: &Settings) -> bool {
        !settings.flag("is_hypervisor", true)
    }

    fn complete(&self, settings: &mut Settings) -> Vec<Remark> {
        let Some(file) = settings.option("file") else {
            return Vec::new();
        };
        match std::fs::metadata(file) {
            Ok(found) if found.is_file() => {
                let source = Source {
                    file: file.into(),
                    local: self.local(settings),
                };
                match source.parsed() {
                    Ok(_) => Vec::new(),
                    Err(error) => vec![Remark::new(
                        Level::Error,
                        format!("Error validating key 'file': '{error}'"),
                    )],
                }
            }
            Ok(_) => vec![Remark::new(
                Level::Error,
                format!("Error validating key 'file': 'Path '{file}' is not a regular file'"),
            )],
            Err(_) => vec![Remark::new(
                Level::Error,
                format!("Error validating key 'file': 'Path '{file}' is not accessible'"),
            )],
        }
    }

    fn open(&self, settings: Settings) -> Result<Box<dyn Backend>> {
        Ok(Box::new(Source {
            file: settings.option("file").unwrap_or_default().into(),
            local: self.local(&settings),
        }))
    }
}

/// One file.
struct Source {
    file: PathBuf,
    local: bool,
}

impl Source {
    fn bytes(&self) -> Result<Vec<u8>> {
        let failed = |reason: String| Error::File {
            path: self.file.clone(),
            reason,
        };
        let size = std::fs::metadata(&self.file)
            .map_err(|error| failed(error.to_string()))?
            .len();
        if size > LIMIT {
            return Err(failed(format!("it is larger than {LIMIT} bytes")));
        }
        std::fs::read(&self.file).map_err(|error| failed(error.to_string()))
    }

    fn parsed(&self) -> Result<Report> {
        let malformed = |error: json::Error| Error::File {
            path: self.file.clone(),
            reason: format!("it is not properly formed: {error}"),
        };
        let bytes = self.bytes()?;
        if self.local {
            let local = json::read_local(&bytes, "fake").map_err(malformed)?;
            return Ok(Report::Local(local));
        }
        let hosts = json::read_hosts(&bytes, "fake").map_err(malformed)?;
        Ok(Report::Hosts(hosts))
    }
}

#[async_trait]
impl Backend for Source {
    async fn connect(&mut self) -> Result<()> {
        self.bytes().map(drop)
    }

    async fn read(&mut self, sink: &mut dyn Sink) -> Result<Whole> {
        let mut hosts = match self.parsed()? {
            Report::Local(local) => {
                sink.page(Page::Local(local.guests)).await;
                return Ok(Whole { local: Some(None) });
            }
            Report::Hosts(hosts) => hosts,
        };
        while !hosts.is_empty() {
            let rest = hosts.split_off(hosts.len().min(PAGE));
            sink.page(Page::Hosts(std::mem::replace(&mut hosts, rest)))
                .await;
        }
        Ok(Whole::default())
    }

    async fn close(&mut self) {}
}
