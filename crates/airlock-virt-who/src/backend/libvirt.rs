//! libvirt: this machine or another one, through `virsh`. Reference: virt-who, section 6.3.
//!
//! libvirt's library is under the LGPL and its own protocol is large and private; `virsh` is where libvirt is, speaks every
//! transport (`qemu+ssh`, `qemu+tls`, sockets) and every driver (`test:` too), and keeps listening for events. So it is run
//! as a program: once to read everything, and once more, for as long as the source lives, for events.

mod uri;
mod virsh;

use std::time::Duration;

use async_trait::async_trait;

use self::virsh::{Events, Heard, Virsh};
use super::{Backend, Kind, Need, Note, Page, Remark, Result, Sink, Watched, Whole};
use crate::model::{Guest, Hypervisor, IdKind, SOCKETS, SYSTEM_UUID, State, TYPE, VERSION};
use crate::settings::Settings;
use crate::xml::Element;

/// How many guests are asked for in one run: they stand on the command line.
const GUESTS: usize = 400;

/// How long a listener may take to connect.
const STARTS: Duration = Duration::from_secs(2);

/// Xen's Domain-0, which is no guest.
const NO_GUEST: &str = "00000000-0000-0000-0000-000000000000";

/// `type=libvirt`.
#[derive(Debug)]
pub struct Libvirt;

impl Kind for Libvirt {
    fn name(&self) -> &'static str {
        "libvirt"
    }

    fn ids(&self) -> &'static [IdKind] {
        &[IdKind::Uuid, IdKind::Hostname]
    }

    fn server(&self) -> Need {
        Need::Optional
    }

    fn account(&self, _settings: &Settings) -> Need {
        Need::Optional
    }

    fn local(&self, settings: &Settings) -> bool {
        settings.server.is_empty()
    }

    fn complete(&self, settings: &mut Settings) -> Vec<Remark> {
        uri::complete(settings)
    }

    fn open(&self, settings: Settings) -> Result<Box<dyn Backend>> {
        Ok(Box::new(Source {
            virsh: Virsh::new(&settings)?,
            local: settings.server.is_empty(),
            events: None,
            deaf: false,
            settings,
        }))
    }
}

/// One libvirt.
struct Source {
    settings: Settings,
    virsh: Virsh,
    local: bool,
    events: Option<Events>,
    /// The driver has no events.
    deaf: bool,
}

/// What the machine says about itself.
#[derive(Debug, Default)]
struct Machine {
    uuid: Option<String>,
    sockets: Option<String>,
    name: Option<String>,
    kind: Option<String>,
    version: Option<i64>,
}

impl Source {
    async fn machine(&self) -> Result<(Machine, Vec<String>)> {
        let printed = self
            .virsh
            .run(&[
                ("capabilities", "capabilities"),
                ("hostname", "hostname"),
                ("version", "version"),
                ("list", "list --all --uuid"),
            ])
            .await?;
        let part = |name: &str| printed.parts.get(name).map_or("", String::as_str);
        let mut machine = Machine {
            name: Some(part("hostname").trim().to_owned()).filter(|name| !name.is_empty()),
            ..Machine::default()
        };
        let capabilities = Element::read(part("capabilities").trim().as_bytes())
            .map_err(|error| self.virsh.failed(format!("capabilities: {error}")))?;
        if let Some(host) = capabilities.child("host") {
            machine.uuid = host.text_at(&["uuid"]).map(str::to_owned);
            machine.sockets = host
                .at(&["cpu", "topology"])
                .and_then(|topology| topology.attribute("sockets"))
                .map(str::to_owned);
        }
        (machine.kind, machine.version) = kind_and_version(part("version"));
        if machine.uuid.is_none() {
            // Some drivers have it in the tables of the firmware only.
            machine.uuid = self.firmware_uuid().await;
        }
        let guests = part("list")
            .lines()
            .map(|line| line.trim().to_owned())
            .filter(|line| !line.is_empty() && line != NO_GUEST)
            // They become words of a command again.
            .filter(|line| line.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-'))
            .collect();
        if part("list").trim().is_empty() && printed.failed() {
            // A list that failed looks like an empty one.
            return Err(self.virsh.told(&printed.complaints));
        }
        Ok((machine, guests))
    }

    async fn firmware_uuid(&self) -> Option<String> {
        let printed = self.virsh.run(&[("sysinfo", "sysinfo")]).await.ok()?;
        let root = Element::read(printed.parts.get("sysinfo")?.trim().as_bytes()).ok()?;
        let system = root.child("system")?;
        system
            .all("entry")
            .find(|entry| entry.attribute("name") == Some("uuid"))
            .and_then(Element::trimmed)
            .map(str::to_owned)
    }

    async fn guests(&self, uuids: &[String], sink: &mut dyn Sink) -> Result<Vec<Guest>> {
        let kind = "libvirt".into();
        let mut guests = Vec::with_capacity(uuids.len());
        for part in uuids.chunks(GUESTS) {
            let commands: Vec<_> = part
                .iter()
                .map(|uuid| (uuid.as_str(), format!("domstate {uuid}")))
                .collect();
            let commands: Vec<_> = commands
                .iter()
                .map(|(name, command)| (*name, command.as_str()))
                .collect();
            let states = self.virsh.run(&commands).await?;
            for uuid in part {
                match states.parts.get(uuid.as_str()).map(|text| text.trim()) {
                    Some(word) if !word.is_empty() => {
                        guests.push(Guest::new(uuid.as_str(), state(word), &kind));
                    }
                    // The connection is lost, so nobody knows about this guest and those that follow.
                    _ if states.failed() => return Err(self.virsh.told(&states.complaints)),
                    // virsh says on its error channel that it is gone.
                    _ => sink.note(Note::GuestLeftOut {
                        guest: uuid.clone(),
                        reason: "it has gone while the list was read".to_owned(),
                    }),
                }
            }
        }
        Ok(guests)
    }

    fn id(&self, machine: &Machine) -> Option<String> {
        match self.settings.hypervisor_id {
            IdKind::Hostname => machine.name.clone(),
            IdKind::Uuid | IdKind::HwUuid => machine.uuid.clone(),
        }
    }
}

#[async_trait]
impl Backend for Source {
    async fn connect(&mut self) -> Result<()> {
        self.virsh.run(&[("uri", "uri")]).await.map(drop)
    }

    async fn read(&mut self, sink: &mut dyn Sink) -> Result<Whole> {
        if let Some(events) = &mut self.events {
            events.forget();
        }
        let (machine, uuids) = self.machine().await?;
        let guests = self.guests(&uuids, sink).await?;
        let id = self.id(&machine);
        if self.local {
            sink.page(Page::Local(guests)).await;
            return Ok(Whole {
                local: Some(id.map(Into::into)),
            });
        }
        let Some(id) = id else {
            sink.note(Note::HostLeftOut {
                host: machine.name.unwrap_or_else(|| self.settings.server.clone()),
                reason: "it tells no uuid; set host_uuid in its libvirtd.conf, or hypervisor_id=hostname here"
                    .to_owned(),
            });
            return Ok(Whole::default());
        };
        let mut host = Hypervisor::new(id);
        host.name = machine.name.map(Into::into);
        host.guests = guests;
        host.fact(SOCKETS, machine.sockets);
        if let Some(kind) = machine.kind {
            host.fact(TYPE, kind);
        }
        if let Some(version) = machine.version {
            host.fact(VERSION, version);
        }
        if let Some(uuid) = machine.uuid {
            host.fact(SYSTEM_UUID, uuid);
        }
        sink.page(Page::Hosts(vec![host])).await;
        Ok(Whole::default())
    }

    async fn watch(&mut self, limit: Duration) -> Result<Watched> {
        if self.deaf {
            tokio::time::sleep(limit).await;
            return Ok(Watched::Quiet);
        }
        let Some(events) = &mut self.events else {
            self.events = Some(self.virsh.listen()?);
            // What happened before the listener was there is found by one more read.
            tokio::time::sleep(STARTS.min(limit)).await;
            return Ok(Watched::Changed);
        };
        match tokio::time::timeout(limit, events.next()).await {
            Err(_) => Ok(Watched::Quiet),
            Ok(Heard::Event) => Ok(Watched::Changed),
            Ok(Heard::Unsupported) => {
                tracing::info!(source = %self.settings.name, "no events here; it is read in intervals");
                self.events = None;
                self.deaf = true;
                Ok(Watched::Quiet)
            }
            Ok(Heard::Ended(text)) => {
                self.events = None;
                Err(self.virsh.told(&text))
            }
        }
    }

    fn watches(&self) -> bool {
        !self.deaf
    }

    async fn close(&mut self) {
        self.events = None;
    }
}

/// The words of `virsh domstate`.
fn state(word: &str) -> State {
    match word {
        "running" => State::Running,
        "idle" | "blocked" => State::Blocked,
        "paused" => State::Paused,
        "in shutdown" => State::ShuttingDown,
        "shut off" => State::ShutOff,
        "crashed" => State::Crashed,
        "pmsuspended" => State::PmSuspended,
        _ => State::Unknown,
    }
}

/// The driver's name, and its version as libvirt's number: a million times major, a thousand times minor, release.
fn kind_and_version(text: &str) -> (Option<String>, Option<i64>) {
    let value = |start: &str| {
        text.lines()
            .find_map(|line| line.trim().strip_prefix(start))
            .and_then(|rest| rest.trim().rsplit_once(' '))
    };
    let kind = value("Using API:").map(|(kind, _)| kind.to_owned());
    let version = value("Running hypervisor:").and_then(|(_, version)| {
        let mut numbers = version.split('.').map(|part| part.parse::<i64>().ok());
        let major = numbers.next()??;
        let minor = numbers.next()??;
        let release = numbers.next()??;
        Some(major * 1_000_000 + minor * 1_000 + release)
    });
    (kind, version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_libvirts_numbers() {
        let text = "Compiled against library: libvirt 9.0.0\nUsing API: QEMU 9.0.0\nRunning hypervisor: QEMU 7.2.13\n";
        assert_eq!(
            kind_and_version(text),
            (Some("QEMU".to_owned()), Some(7_002_013))
        );
        assert_eq!(kind_and_version(""), (None, None));
    }
}
