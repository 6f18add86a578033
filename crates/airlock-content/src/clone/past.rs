//! What a clone's versions say of its content: what was put in and taken out by hand, and up to which day it was made.

use std::collections::HashMap;
use std::io::BufReader;

use airlock_model::{Channel, CloneRequest, OrgId, VersionInfo, VersionKind, VersionSelector};
use jiff::civil::Date;
use roaring::RoaringTreemap;
use serde::Deserializer as _;
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};

use crate::commit::VersionContent;
use crate::{Content, Result};

/// What is known of a clone's content besides itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Past {
    /// Records that were put in by hand and are there.
    pub records: RoaringTreemap,
    /// Erratum revisions that were put in by hand and are there.
    pub errata: RoaringTreemap,
    /// Records that were taken out by hand and did not come back.
    pub taken_out: RoaringTreemap,
    /// The last day up to which it was made.
    pub reaches: Option<Date>,
    /// The plan that made it was taken back: it is empty as it was before its first content.
    pub emptied: bool,
}

impl Content {
    /// The past of a channel's content. What went and came back another way is not by hand; a rollback brings back what
    /// was so then.
    pub(super) async fn past(&self, channel: &Channel, now: &VersionContent) -> Result<Past> {
        let list = airlock_db::versions::list(self.db(), channel.id).await?;
        let mut by_digest: HashMap<&str, Past> = HashMap::new();
        let mut past = Past::default();
        for (place, info) in list.iter().enumerate() {
            let is_hand = matches!(info.kind, VersionKind::Push | VersionKind::Edit);
            let back = by_digest.contains_key(info.content_digest.as_str());
            // Going back to what never was a version is going back to before the first one.
            let is_empty = info.packages == 0 && info.errata == 0;
            past.emptied = info.kind == VersionKind::Rollback
                && is_empty
                && by_digest
                    .get(info.content_digest.as_str())
                    .is_none_or(|then| then.emptied);
            if past.emptied {
                past = Past {
                    emptied: true,
                    ..Past::default()
                };
                by_digest.insert(&info.content_digest, past.clone());
                continue;
            }
            // Years of versions are passed over without being read: most only add, and not by hand.
            let goes = info.removed > 0 && !(past.records.is_empty() && past.errata.is_empty());
            let comes = info.added > 0 && !past.taken_out.is_empty();
            if is_hand || goes || comes || (back && info.kind == VersionKind::Rollback) {
                let content = self.version_content(channel, info.number).await?;
                if is_hand {
                    let before = match place.checked_sub(1).and_then(|place| list.get(place)) {
                        Some(before) => self.version_content(channel, before.number).await?,
                        None => VersionContent::default(),
                    };
                    past.taken_out |= &before.records - &content.records;
                    past.records |= &content.records - before.records;
                    past.errata |= &content.errata - before.errata;
                } else if let Some(then) = by_digest
                    .get(info.content_digest.as_str())
                    .filter(|_| info.kind == VersionKind::Rollback)
                {
                    past.records |= &then.records;
                    past.errata |= &then.errata;
                    past.taken_out |= &then.taken_out;
                    past.reaches = then.reaches;
                }
                past.records &= &content.records;
                past.errata &= &content.errata;
                past.taken_out -= &content.records;
            }
            if info.kind == VersionKind::Clone {
                past.reaches = self.reached(info, past.reaches).await?;
            }
            by_digest.insert(&info.content_digest, past.clone());
        }
        past.records &= &now.records;
        past.errata &= &now.errata;
        past.taken_out -= &now.records;
        Ok(past)
    }

    /// Names what was taken out by the records that the source has of the same packages.
    pub(super) async fn find_in_source(
        &self,
        past: &mut Past,
        org: OrgId,
        source: &RoaringTreemap,
    ) -> Result<()> {
        if past.taken_out.is_empty() {
            return Ok(());
        }
        let same = airlock_db::records::same_packages(self.db(), org, &past.taken_out).await?;
        past.taken_out
            .extend(same.into_iter().map(|(other, _)| other));
        past.taken_out &= source;
        Ok(())
    }

    /// The last day of a clone after a version that a plan made.
    async fn reached(&self, info: &VersionInfo, before: Option<Date>) -> Result<Option<Date>> {
        let Some(digest) = info.plan_digest.clone() else {
            return Ok(before);
        };
        let request = self
            .blocking("reading a plan", move |content| {
                if !content.blobs().exists(&digest)? {
                    return Ok(None);
                }
                let file = std::fs::File::open(content.blobs().path(&digest)?);
                let file = file.map_err(|error| crate::Error::io("reading a plan", error))?;
                Ok(request_of(BufReader::new(file)))
            })
            .await?;
        let Some(request) = request else {
            return Ok(before);
        };
        if !request.errata.is_empty() {
            return Ok(before);
        }
        if let Some(day) = request.to_date {
            return Ok(before.max(Some(day)));
        }
        let Some(text) = &request.as_of else {
            return Ok(before);
        };
        // The clone was made equal to that instant.
        let selector = VersionSelector::parse(text, &self.settings().zone)?;
        selector.instant().map(|at| self.day_of(at)).transpose()
    }
}

/// The request of a plan, without reading the rest, which may be large.
fn request_of(plan: impl std::io::Read) -> Option<CloneRequest> {
    let mut found = None;
    // It ends with an error once the request is there.
    let read = serde_json::Deserializer::from_reader(plan).deserialize_map(Head(&mut found));
    drop(read);
    found
}

struct Head<'f>(&'f mut Option<CloneRequest>);

impl<'de> Visitor<'de> for Head<'_> {
    type Value = ();

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("a plan")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if key == "request" {
                *self.0 = Some(map.next_value()?);
                return Err(A::Error::custom("the rest is not read"));
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use airlock_model::{CloneRequest, Plan};

    use super::request_of;

    #[test]
    fn the_request_is_read_and_the_rest_is_not() {
        let plan = Plan {
            format: Plan::FORMAT,
            request: CloneRequest {
                to_date: Some(jiff::civil::date(2026, 3, 31)),
                ..CloneRequest::default()
            },
            parents: None,
            channels: Vec::new(),
            unknown_errata: Vec::new(),
            children: Vec::new(),
            digest: None,
        };
        let bytes = crate::clone::write_plan(&plan).unwrap();
        assert_eq!(request_of(&bytes[..]), Some(plan.request.clone()));
        let end = bytes
            .windows(10)
            .position(|w| w == b"\"channels\"" as &[u8]);
        let last = bytes
            .windows(10)
            .rposition(|w| w == b"\"channels\"" as &[u8]);
        assert!(end < last);
        assert_eq!(request_of(&bytes[..last.unwrap()]), Some(plan.request));
        assert_eq!(request_of(&b"{\"format\": 1}"[..]), None);
        assert_eq!(request_of(&b"no plan"[..]), None);
    }
}
