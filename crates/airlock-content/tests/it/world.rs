//! A server's content domain in a temporary folder, with a clock that stands still.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use airlock_content::{
    Content, ContentSettings, ResolvedVersion, Served, SyncOptions, TaskContext,
};
use airlock_db::Db;
use airlock_model::{
    Actor, CancelFlag, Cause, Channel, ChannelLabel, ChannelPatch, Faults, Instant, ManualClock,
    NewChannel, NewUpstream, OrgId, Role, SilentReporter, SyncOutcome, VersionSelector,
};

pub struct World {
    pub content: Content,
    pub clock: Arc<ManualClock>,
    pub folder: tempfile::TempDir,
    /// Waits for an order; see [`Faults::fail_at`].
    pub faults: Faults,
    /// URL of the database when it is not SQLite in the folder.
    pub postgres: Option<String>,
}

/// What a world is made of.
pub struct Setup {
    /// The data folder; a new one by default.
    pub folder: Option<tempfile::TempDir>,
    /// URL of the database; SQLite in the folder by default.
    pub postgres: Option<String>,
    pub faults: Faults,
    pub fetch: airlock_fetch::Settings,
    pub min_free_percent: u8,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            folder: None,
            postgres: None,
            faults: Faults::on_order(),
            fetch: airlock_fetch::Settings {
                retries: 0,
                ..airlock_fetch::Settings::default()
            },
            min_free_percent: 0,
        }
    }
}

/// Runs a scenario on SQLite and on PostgreSQL.
pub fn on_both<F: Future<Output = ()>>(scenario: impl Fn(World) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        scenario(World::new(None).await).await;
        scenario(World::new(Some(airlock_testkit::postgres::fresh_database())).await).await;
    });
}

pub fn label(text: &str) -> ChannelLabel {
    ChannelLabel::new(text).unwrap()
}

pub fn names(list: &[airlock_model::PackageRow]) -> Vec<String> {
    list.iter().map(airlock_model::PackageRow::nevra).collect()
}

impl World {
    pub async fn new(postgres: Option<String>) -> Self {
        Self::with(Setup {
            postgres,
            ..Setup::default()
        })
        .await
    }

    /// A world over a folder that may hold one already.
    pub async fn with(setup: Setup) -> Self {
        let folder = setup.folder.unwrap_or_else(|| tempfile::tempdir().unwrap());
        // createrepo_c stamps files with the machine's time; a clock behind it would rightly refuse them.
        let clock = Arc::new(ManualClock::new(airlock_model::Clock::now(
            &airlock_model::SystemClock,
        )));
        let url = setup
            .postgres
            .clone()
            .unwrap_or_else(|| folder.path().join("airlock.db").display().to_string());
        let db = Db::open_with(&url, setup.faults.clone()).await.unwrap();
        airlock_db::settings::ensure_default_organization(&db, Instant(0))
            .await
            .unwrap();
        let blobs =
            airlock_blob::BlobStore::open_with(folder.path(), setup.faults.clone()).unwrap();
        let content = Content::new(
            db,
            blobs,
            airlock_fetch::Fetcher::new(setup.fetch),
            clock.clone(),
            ContentSettings {
                min_free_percent: setup.min_free_percent,
                upstream_pem_roots: vec![folder.path().join("certificates")],
                ..ContentSettings::new(folder.path())
            },
        );
        Self {
            content,
            clock,
            folder,
            faults: setup.faults,
            postgres: setup.postgres,
        }
    }

    pub fn actor(&self) -> Actor {
        Actor {
            org: OrgId::DEFAULT,
            principal: "local:0".to_owned(),
            role: Role::Administrator,
            request_id: "test".to_owned(),
            cause: Cause::Request,
        }
    }

    pub fn context(&self) -> TaskContext {
        // Unique over all worlds, since two can follow each other on one database.
        static OPERATIONS: AtomicU64 = AtomicU64::new(0);
        let number = OPERATIONS.fetch_add(1, Ordering::SeqCst);
        TaskContext {
            actor: self.actor(),
            task: None,
            operation: format!("operation-{number}"),
            before_change: Arc::new(airlock_content::Unwatched),
            reporter: Arc::new(SilentReporter),
            cancel: CancelFlag::new(),
            clock: self.clock.clone(),
        }
    }

    pub async fn create(&self, name: &str, upstream: Option<&str>, patch: ChannelPatch) -> Channel {
        let upstreams = upstream.map(|url| {
            vec![NewUpstream {
                url: url.to_owned(),
                ..NewUpstream::default()
            }]
        });
        let settings = ChannelPatch {
            upstreams: patch.upstreams.clone().or(upstreams),
            ..patch
        };
        self.content
            .create_channel(
                &self.actor(),
                NewChannel {
                    label: label(name),
                    settings,
                },
            )
            .await
            .unwrap()
    }

    /// Changes a channel's settings.
    pub async fn set(&self, name: &str, patch: ChannelPatch) {
        self.content
            .set_channel(&self.actor(), &label(name), patch)
            .await
            .unwrap();
    }

    /// A channel of one upstream with everything else by default.
    pub async fn mirror(&self, name: &str, url: &str) -> Channel {
        self.create(name, Some(url), ChannelPatch::default()).await
    }

    pub async fn sync(&self, name: &str) -> SyncOutcome {
        self.sync_with(name, SyncOptions::default()).await
    }

    /// A sync that takes it when most packages go.
    pub async fn take(&self, name: &str) -> SyncOutcome {
        let options = SyncOptions {
            accept_shrink: true,
            ..SyncOptions::default()
        };
        self.sync_with(name, options).await
    }

    pub async fn sync_with(&self, name: &str, options: SyncOptions) -> SyncOutcome {
        self.clock.advance(3600);
        self.content
            .sync(&self.context(), &[label(name)], options)
            .await
            .unwrap()
            .remove(0)
    }

    pub async fn packages(&self, name: &str, selector: VersionSelector) -> Vec<String> {
        names(&self.rows(name, selector).await)
    }

    /// The packages of a version with what is known of each.
    pub async fn rows(
        &self,
        name: &str,
        selector: VersionSelector,
    ) -> Vec<airlock_model::PackageRow> {
        self.content
            .packages(OrgId::DEFAULT, &label(name), selector, None)
            .await
            .unwrap()
    }

    pub async fn resolve(&self, text: &str) -> ResolvedVersion {
        self.content.resolve(text).await.unwrap()
    }

    /// The bytes that a client gets.
    pub async fn get(&self, version: &str, path: &str) -> Vec<u8> {
        let version = self.resolve(version).await;
        loop {
            match self.content.open_path(&version, path).await.unwrap() {
                Served::Bytes { bytes, .. } => return bytes.to_vec(),
                Served::File { path, .. } => return std::fs::read(path).unwrap(),
                Served::Redirect { url } => panic!("redirected to {url}"),
                Served::Arriving(arriving) => arriving.stored().await.unwrap(),
            }
        }
    }

    /// Every file of a version as served, repomd closure and packages, checked against what metadata says of it.
    pub async fn walk(&self, version: &str) -> Vec<(String, Vec<u8>)> {
        let repomd_bytes = self.get(version, "repodata/repomd.xml").await;
        let repomd = airlock_repodata::repomd::Repomd::parse(&repomd_bytes).unwrap();
        let mut files = vec![("repodata/repomd.xml".to_owned(), repomd_bytes)];
        for record in &repomd.records {
            let bytes = self.get(version, &record.href).await;
            let mut hasher = airlock_content::checksum::Hasher::new(&record.checksum.kind).unwrap();
            hasher.update(&bytes);
            assert_eq!(
                hasher.finish(),
                record.checksum.value,
                "{version} {}",
                record.href
            );
            files.push((record.href.clone(), bytes));
        }
        files
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub async fn fsck_is_clean(&self) {
        let report = self
            .content
            .fsck(&self.context(), true, false)
            .await
            .unwrap();
        assert_eq!(report.findings, Vec::new());
    }
}
