//! The filters of a section: which hosts are reported. Reference: virt-who, section 3.

use super::reader::Reader;
use crate::backend::{Kind, Level};
use crate::filter::{FilterType, HostFilter, ParentFilter};
use crate::model::{IdKind, uuid};
use crate::settings::Settings;

/// The lists of filters as they were read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filters {
    /// `wildcards` or `regex`; unset, an item is tried as both.
    pub filter_type: Option<String>,
    /// Hosts that are reported.
    pub filter_hosts: Option<Vec<String>>,
    /// Hosts that are not.
    pub exclude_hosts: Option<Vec<String>>,
    /// Parents whose hosts are read.
    pub filter_host_parents: Option<Vec<String>>,
    /// Parents whose hosts are not.
    pub exclude_host_parents: Option<Vec<String>>,
    /// Ids of parents are searched anywhere, as virt-who did.
    pub host_parents_anywhere: bool,
}

pub(super) fn filters(
    reader: &mut Reader<'_>,
    kind: &'static dyn Kind,
    settings: &Settings,
) -> Filters {
    let mut filters = Filters::default();
    if let Some(word) = reader.fixed("filter_type") {
        if FilterType::of_word(&word.text).is_none() {
            reader.tell(
                Level::Error,
                &word.origin,
                "'filter_type' must be one of: 'regex, wildcards'",
            );
        }
        filters.filter_type = Some(word.text);
    }
    let either = |reader: &mut Reader<'_>, name: &str, old: &str| {
        let by_name = reader.list(name);
        let by_old = reader.list(old);
        by_name.or(by_old)
    };
    filters.filter_hosts = either(reader, "filter_hosts", "filter_host_uuids");
    filters.exclude_hosts = either(reader, "exclude_hosts", "exclude_host_uuids");
    let parents = kind.name() == "esx";
    if parents {
        filters.filter_host_parents = reader.list("filter_host_parents");
        filters.exclude_host_parents = reader.list("exclude_host_parents");
        filters.host_parents_anywhere = reader.boolean("host_parents_anywhere", false);
    }
    for (name, list) in [
        ("filter_hosts", &filters.filter_hosts),
        ("exclude_hosts", &filters.exclude_hosts),
    ] {
        let uuids: Vec<&str> = list
            .iter()
            .flatten()
            .map(String::as_str)
            .filter(|item| uuid::looks_like(item))
            .collect();
        if !uuids.is_empty() && settings.hypervisor_id != IdKind::Uuid {
            tracing::trace!(name, "uuids in a filter");
            reader.complain(
                Level::Warning,
                format!(
                    "Filter values: \"{}\" appear to be UUIDs. UUIDs are not gathered when hypervisor_id = \"{}\"",
                    uuids.join(", "),
                    settings.hypervisor_id
                ),
            );
        }
    }
    if filters.filter_type.is_none() {
        for (name, list) in [
            ("filter_hosts", &filters.filter_hosts),
            ("exclude_hosts", &filters.exclude_hosts),
            ("filter_host_parents", &filters.filter_host_parents),
            ("exclude_host_parents", &filters.exclude_host_parents),
        ] {
            if list.is_some() {
                reader.complain(
                    Level::Warning,
                    format!(
                        "\"{name}\" is set, but filter_type is not set. Possible values of filter_type: \"regex, wildcards\". Using default: \"wildcards\"."
                    ),
                );
            }
        }
    }
    filters
}

pub(super) fn patterns(reader: &mut Reader<'_>, filters: &Filters) -> (HostFilter, ParentFilter) {
    let kind = filters
        .filter_type
        .as_deref()
        .and_then(FilterType::of_word)
        .unwrap_or_default();
    let (hosts, mut broken) = HostFilter::new(
        filters.filter_hosts.as_deref(),
        filters.exclude_hosts.as_deref(),
        kind,
    );
    let (parents, more) = ParentFilter::new(
        filters.filter_host_parents.as_deref(),
        filters.exclude_host_parents.as_deref(),
        kind,
        filters.host_parents_anywhere,
    );
    broken.extend(more);
    for broken in broken {
        // It would match nothing, so hosts that are to be hidden would be reported.
        reader.complain(
            Level::Error,
            format!("{broken}; it would match nothing, so the source is not read"),
        );
    }
    (hosts, parents)
}
