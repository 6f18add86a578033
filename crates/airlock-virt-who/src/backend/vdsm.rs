//! `type=vdsm`: known, and refused. virt-who dropped it in 2019, and oVirt's own hosts are seen through its engine.

use super::{Backend, Error, Kind, Level, Need, Remark, Result};
use crate::model::IdKind;
use crate::settings::Settings;

/// `type=vdsm`.
#[derive(Debug)]
pub struct Vdsm;

const WHAT: &str =
    "type=vdsm (the local daemon of an oVirt host) is not supported, as in virt-who since 0.25";
const INSTEAD: &str = "Use type=rhevm with the engine's address, which sees all its hosts, or type=libvirt on the host itself";

impl Kind for Vdsm {
    fn name(&self) -> &'static str {
        "vdsm"
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

    fn local(&self, _settings: &Settings) -> bool {
        true
    }

    fn complete(&self, _settings: &mut Settings) -> Vec<Remark> {
        vec![Remark::new(Level::Error, format!("{WHAT}. {INSTEAD}"))]
    }

    fn open(&self, _settings: Settings) -> Result<Box<dyn Backend>> {
        Err(Error::Unsupported {
            what: WHAT.to_owned(),
            instead: INSTEAD.to_owned(),
        })
    }
}
