//! Creating, changing and listing channels.

use airlock_db::audit;
use airlock_db::channels::{ChannelWrite, KeyWrite, UpstreamWrite};
use airlock_model::{
    Access, Actor, Channel, ChannelLabel, ChannelPatch, ChannelUpstream, Compression, Gate,
    MetadataMode, NewChannel, NewUpstream, OrgId, Policy, UpstreamSettings,
};
use airlock_rpm::KeyRing;

use crate::schedule::Schedule;
use crate::sync::upstream::{check_new_url, check_pem, check_proxy, check_url};
use crate::{Content, Error, Result};

/// Largest key file taken.
const KEY_LIMIT: usize = 1 << 20;

impl Content {
    /// Makes a channel. It has no version before its first content.
    ///
    /// # Errors
    /// `Conflict` when the label is taken, `Invalid` for settings that cannot be.
    pub async fn create_channel(&self, actor: &Actor, new: NewChannel) -> Result<Channel> {
        let label = new.label;
        let mut write = ChannelWrite {
            name: label.to_string(),
            summary: String::new(),
            description: String::new(),
            arch: String::new(),
            checksum: "sha256".to_owned(),
            parent: None,
            cloned_from: None,
            gate: Gate::Off,
            policy: Policy::Immediate,
            signatures: None,
            access: Access::Public,
            metadata: MetadataMode::Own,
            compression: Compression::Zstd,
            sign_metadata: false,
            filter: airlock_model::PackageFilter::default(),
            schedule: None,
            next_sync: None,
        };
        let (upstreams, keys) = self
            .apply(actor, &label, &new.settings, &[], &mut write)
            .await?;
        let count = upstreams.as_deref().unwrap_or_default().len();
        check(&label, &write, count)?;
        check_given(&label, &new.settings, count)?;
        let now = self.now();
        let mut tx = self.db().begin().await?;
        let Some(id) =
            airlock_db::channels::insert(&mut tx, actor.org, &label, &write, now).await?
        else {
            return Err(Error::conflict(
                format!("channel {label} exists already"),
                "choose another label, or change it with airlock channel set",
            ));
        };
        let upstreams = upstreams.unwrap_or_default();
        refuse_masks(
            airlock_db::channels::replace_upstreams(&mut tx, actor.org, id, &upstreams).await?,
        )?;
        airlock_db::channels::replace_keys(&mut tx, actor.org, id, &keys.unwrap_or_default())
            .await?;
        audit::append(
            &mut tx,
            actor,
            now,
            "create",
            label.as_str(),
            &serde_json::json!({}),
        )
        .await?;
        let committed = tx.commit().await;
        // A commit that failed may have happened all the same, so the cache goes in any case.
        self.version_cache().clear();
        committed?;
        self.channel(actor.org, &label).await
    }

    /// Changes a channel's settings; what the patch does not name stays.
    ///
    /// # Errors
    /// As for [`Self::create_channel`].
    pub async fn set_channel(
        &self,
        actor: &Actor,
        label: &ChannelLabel,
        patch: ChannelPatch,
    ) -> Result<Channel> {
        let id = self.channel(actor.org, label).await?.id;
        let mut tx = self.db().begin().await?;
        // Held from here to the commit: of two changes at once the second starts from what the first left.
        airlock_db::channels::current_number(&mut tx, id).await?;
        let channel = self.channel(actor.org, label).await?;
        let mut write = ChannelWrite {
            name: channel.name.clone(),
            summary: channel.summary.clone(),
            description: channel.description.clone(),
            arch: channel.arch.clone(),
            checksum: channel.checksum.clone(),
            parent: match &channel.parent {
                Some(parent) => Some(self.channel(actor.org, parent).await?.id),
                None => None,
            },
            cloned_from: None,
            gate: channel.gate,
            policy: channel.policy,
            signatures: channel.signatures,
            access: channel.access,
            metadata: channel.metadata,
            compression: channel.compression,
            sign_metadata: channel.sign_metadata,
            filter: channel.filter.clone(),
            schedule: channel.schedule.clone(),
            next_sync: channel.next_sync,
        };
        let (upstreams, keys) = self
            .apply(actor, label, &patch, &channel.upstreams, &mut write)
            .await?;
        let count = upstreams.as_ref().map_or(channel.upstreams.len(), Vec::len);
        check(label, &write, count)?;
        check_given(label, &patch, count)?;
        if write.parent.is_some()
            && !airlock_db::channels::children(self.db(), channel.id)
                .await?
                .is_empty()
        {
            return Err(Error::conflict(
                format!("channel {label} has children and cannot become a child"),
                "trees have two levels: base and children",
            ));
        }
        let now = self.now();
        airlock_db::channels::update(&mut tx, channel.id, &write).await?;
        if let Some(upstreams) = upstreams {
            refuse_masks(
                airlock_db::channels::replace_upstreams(&mut tx, actor.org, channel.id, &upstreams)
                    .await?,
            )?;
        }
        if let Some(keys) = keys {
            airlock_db::channels::replace_keys(&mut tx, actor.org, channel.id, &keys).await?;
        }
        audit::append(
            &mut tx,
            actor,
            now,
            "set",
            label.as_str(),
            &changed_fields(&patch),
        )
        .await?;
        let committed = tx.commit().await;
        // A commit that failed may have happened all the same, so the cache goes in any case.
        self.version_cache().clear();
        committed?;
        self.channel(actor.org, label).await
    }

    /// All living channels of an organization, by label.
    pub async fn channels(&self, org: OrgId) -> Result<Vec<Channel>> {
        Ok(airlock_db::channels::list(self.db(), org).await?)
    }

    /// A living channel of an organization.
    ///
    /// # Errors
    /// [`Error::NoChannel`] also for another organization's channel.
    pub async fn channel(&self, org: OrgId, label: &ChannelLabel) -> Result<Channel> {
        airlock_db::channels::find_live(self.db(), label)
            .await?
            .filter(|channel| channel.org == org)
            .ok_or_else(|| Error::no_channel(label))
    }

    /// The armored keys of a channel.
    pub async fn channel_keys(&self, org: OrgId, label: &ChannelLabel) -> Result<Vec<String>> {
        let channel = self.channel(org, label).await?;
        Ok(airlock_db::channels::keys(self.db(), channel.id).await?)
    }

    /// A base channel and its children by label; a child stands for its whole tree.
    pub async fn tree(&self, org: OrgId, label: &ChannelLabel) -> Result<Vec<ChannelLabel>> {
        let channel = self.channel(org, label).await?;
        let base = match &channel.parent {
            Some(parent) => self.channel(org, parent).await?,
            None => channel,
        };
        let mut labels = vec![base.label.clone()];
        labels.extend(airlock_db::channels::children(self.db(), base.id).await?);
        Ok(labels)
    }

    /// Pairs the channels of two trees: base with base, then children in the order of their labels. A tree compared
    /// with itself pairs each channel with itself.
    pub(crate) async fn tree_pairs(
        &self,
        org: OrgId,
        left: &ChannelLabel,
        right: &ChannelLabel,
    ) -> Result<Vec<(ChannelLabel, ChannelLabel)>> {
        let (left, right) = (self.tree(org, left).await?, self.tree(org, right).await?);
        if left.len() != right.len() {
            return Err(Error::conflict(
                format!("the trees have {} and {} channels", left.len(), right.len()),
                "both trees need the same number of children, paired in the order of their labels",
            ));
        }
        Ok(left.into_iter().zip(right).collect())
    }

    async fn apply(
        &self,
        actor: &Actor,
        label: &ChannelLabel,
        patch: &ChannelPatch,
        present: &[ChannelUpstream],
        write: &mut ChannelWrite,
    ) -> Result<(Option<Vec<UpstreamWrite>>, Option<Vec<KeyWrite>>)> {
        fn take<T: Clone>(slot: &mut T, value: &Option<T>) {
            if let Some(value) = value {
                *slot = value.clone();
            }
        }
        take(&mut write.name, &patch.name);
        take(&mut write.summary, &patch.summary);
        take(&mut write.description, &patch.description);
        take(&mut write.gate, &patch.gate);
        take(&mut write.arch, &patch.arch);
        take(&mut write.checksum, &patch.checksum);
        take(&mut write.policy, &patch.policy);
        take(&mut write.access, &patch.access);
        take(&mut write.metadata, &patch.metadata);
        take(&mut write.compression, &patch.compression);
        take(&mut write.sign_metadata, &patch.sign_metadata);
        take(&mut write.filter, &patch.filter);
        if let Some(wish) = patch.signatures {
            write.signatures = wish.policy();
        }
        if let Some(schedule) = &patch.schedule {
            write.schedule = (!schedule.is_empty()).then(|| schedule.clone());
            write.next_sync = match &write.schedule {
                Some(text) => Some(Schedule::parse(text)?.next(self.now(), &self.settings().zone)?),
                None => None,
            };
        }
        if let Some(parent) = &patch.parent {
            write.parent = if parent.is_empty() {
                None
            } else {
                let parent = ChannelLabel::new(parent.clone()).map_err(|e| {
                    Error::invalid(e.to_string(), "give the label of a base channel")
                })?;
                if parent == *label {
                    return Err(Error::invalid(
                        format!("channel {label} cannot be its own parent"),
                        "",
                    ));
                }
                let found = self.channel(actor.org, &parent).await?;
                if found.parent.is_some() {
                    return Err(Error::conflict(
                        format!("{parent} is a child itself"),
                        "trees have two levels: base and children",
                    ));
                }
                Some(found.id)
            };
        }
        let upstreams = patch
            .upstreams
            .as_ref()
            .map(|list| self.upstreams(actor, list, present))
            .transpose()?;
        let keys = patch.keys.as_ref().map(|list| keys(list)).transpose()?;
        Ok((upstreams, keys))
    }

    fn upstreams(
        &self,
        actor: &Actor,
        list: &[NewUpstream],
        present: &[ChannelUpstream],
    ) -> Result<Vec<UpstreamWrite>> {
        // Whoever sits at the server may name any folder and file; over the network only those in configured roots.
        let remote = !actor.principal.starts_with("local:") && actor.principal != "server";
        let roots = remote.then_some(self.settings().file_upstream_roots.as_slice());
        let pem_roots = remote.then_some(self.settings().upstream_pem_roots.as_slice());
        list.iter()
            .map(|upstream| {
                let old = present.iter().find(|row| row.url == upstream.url);
                match old {
                    // It may have come before its query was refused.
                    Some(_) => check_url(&upstream.url, roots).map(|_| ())?,
                    None => check_new_url(&upstream.url, roots)?,
                }
                if let Some(proxy) = &upstream.settings.proxy {
                    check_proxy(proxy)?;
                }
                for file in [
                    |settings: &UpstreamSettings| settings.client_cert.clone(),
                    |settings: &UpstreamSettings| settings.client_key.clone(),
                    |settings: &UpstreamSettings| settings.ca.clone(),
                ] {
                    // What somebody who might has set may be sent back.
                    if let (Some(path), Some(roots)) = (file(&upstream.settings), pem_roots)
                        && old.and_then(|row| file(&row.settings)).as_ref() != Some(&path)
                    {
                        check_pem(&path, roots)?;
                    }
                }
                Ok(UpstreamWrite {
                    url: upstream.url.clone(),
                    settings: upstream.settings.clone(),
                })
            })
            .collect()
    }
}

/// The refusal of a secret that was sent back as `***` for an upstream that is reached in another way.
fn refuse_masks(url: Option<String>) -> Result<()> {
    match url {
        None => Ok(()),
        Some(url) => Err(Error::invalid(
            format!(
                "*** stands for a secret of {url} only while its URL, proxy, CA and \"insecure\" stay as they are"
            ),
            "give its password, URL token and proxy again",
        )),
    }
}

fn check(label: &ChannelLabel, write: &ChannelWrite, upstreams: usize) -> Result<()> {
    if !matches!(
        write.checksum.as_str(),
        "sha1" | "sha256" | "sha384" | "sha512"
    ) {
        return Err(Error::unknown_checksum(&write.checksum));
    }
    if write.metadata == MetadataMode::Verbatim {
        if !write.filter.takes_everything() {
            return Err(Error::invalid(
                format!("channel {label} cannot be verbatim and filtered"),
                "verbatim serves the upstream's own metadata, which lists everything; use --metadata own",
            ));
        }
        if upstreams > 1 {
            return Err(Error::invalid(
                format!("channel {label} cannot be verbatim with several upstreams"),
                "make a child channel for each",
            ));
        }
        if write.sign_metadata {
            return Err(Error::invalid(
                "verbatim metadata keeps the upstream's signature",
                "use --metadata own to sign with the server's key",
            ));
        }
    }
    if write.filter.latest == Some(0) {
        return Err(Error::invalid(
            "--latest 0 would take nothing",
            "give 1 or more",
        ));
    }
    Ok(())
}

/// Refuses settings that would do nothing. Only what is given now is looked at: what earlier releases took stays.
fn check_given(label: &ChannelLabel, given: &ChannelPatch, upstreams: usize) -> Result<()> {
    let has_schedule = given.schedule.as_ref().is_some_and(|text| !text.is_empty());
    if upstreams == 0 && has_schedule {
        return Err(Error::invalid(
            format!("channel {label} has no upstream that a schedule could sync"),
            "give --upstream URL too",
        ));
    }
    if let Some(arch) = given.arch.as_deref().filter(|arch| !arch.is_empty())
        && !airlock_solve::arch::is_known(arch)
    {
        return Err(Error::invalid(
            format!("{arch} is no architecture that is known"),
            "for example x86_64, aarch64, ppc64le, s390x or noarch",
        ));
    }
    let filter = given.filter.as_ref();
    let streams = filter
        .into_iter()
        .flat_map(|filter| filter.modules.iter().chain(&filter.exclude_modules));
    for stream in streams {
        // Globs may stand for both at once.
        if !stream.contains([':', '*', '?', '[']) {
            return Err(Error::invalid(
                format!("{stream} names no module stream"),
                "give NAME:STREAM, for example nodejs:20, or nodejs:* for all of them",
            ));
        }
    }
    Ok(())
}

fn keys(list: &[String]) -> Result<Vec<KeyWrite>> {
    let mut keys: Vec<KeyWrite> = Vec::new();
    for (number, text) in list.iter().enumerate() {
        if text.len() > KEY_LIMIT {
            return Err(Error::invalid(
                format!("key {} is larger than {KEY_LIMIT} bytes", number + 1),
                "give a public key file",
            ));
        }
        let ring = KeyRing::from_armored(text);
        if ring.is_empty() {
            let why = ring
                .problems()
                .first()
                .map_or_else(|| "it holds no public key".to_owned(), ToString::to_string);
            return Err(Error::invalid(
                format!("key {} cannot be read: {why}", number + 1),
                "give an armored OpenPGP public key",
            ));
        }
        // A file is kept as it is, under the fingerprints of the keys in it.
        let fingerprint = ring
            .certificates()
            .iter()
            .map(|c| c.fingerprint().to_string())
            .collect::<Vec<_>>()
            .join(" ");
        if keys.iter().all(|k| k.fingerprint != fingerprint) {
            keys.push(KeyWrite {
                fingerprint,
                armored: text.clone(),
            });
        }
    }
    Ok(keys)
}

/// Names of the settings that a patch changes, for the audit log; values of upstreams may hold secrets and stay out.
fn changed_fields(patch: &ChannelPatch) -> serde_json::Value {
    let fields: Vec<String> = match serde_json::to_value(patch) {
        Ok(serde_json::Value::Object(map)) => map
            .into_iter()
            .filter(|(_, v)| !v.is_null())
            .map(|(k, _)| k)
            .collect(),
        _ => Vec::new(),
    };
    serde_json::json!({ "settings": fields })
}
