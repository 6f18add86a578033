//! Runs a scenario on both databases.

use airlock_db::Db;
use airlock_db::channels::ChannelWrite;
use airlock_model::{
    Access, Actor, Cause, ChannelId, ChannelLabel, Compression, Instant, MetadataMode, OrgId,
    PackageFilter, Policy, Role,
};

pub struct Place {
    pub db: Db,
    pub url: String,
}

pub fn on_both<F: Future<Output = ()>>(scenario: impl Fn(Place) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        for postgres in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let url = if postgres {
                airlock_testkit::postgres::fresh_database()
            } else {
                // A long path with odd characters is a path like any other.
                let deep = folder
                    .path()
                    .join("a folder with spaces % and ?")
                    .join("x".repeat(150));
                std::fs::create_dir_all(&deep).unwrap();
                deep.join("airlock.db").display().to_string()
            };
            let db = Db::open(&url).await.unwrap();
            airlock_db::settings::ensure_default_organization(&db, Instant(0))
                .await
                .unwrap();
            scenario(Place { db, url }).await;
            // Held to the end here: a scenario that takes only the database out of its place would drop it at once.
            drop(folder);
        }
    });
}

impl Place {
    /// Runs a statement past the functions of the crate, as a stranger would.
    pub async fn tamper(&self, statement: &'static str) {
        self.tamper_at(&self.url, statement).await;
    }

    /// A database of the same kind that holds nothing but what a statement makes.
    pub async fn again_with(&self, statement: &'static str) -> String {
        let url = if self.url.starts_with("postgres://") {
            airlock_testkit::postgres::fresh_database()
        } else {
            format!("{}-other", self.url)
        };
        self.tamper_at(&url, statement).await;
        url
    }

    /// Takes away the rule that the audit log only grows, as who owns the database can.
    pub async fn unguard_audit(&self) {
        if self.url.starts_with("postgres://") {
            self.tamper("DROP TRIGGER audit_only_grows ON audit").await;
        } else {
            self.tamper("DROP TRIGGER audit_not_changed").await;
            self.tamper("DROP TRIGGER audit_not_removed").await;
        }
    }

    /// Runs a statement in a database by its URL.
    pub async fn tamper_at(&self, url: &str, statement: &'static str) {
        self.try_at(url, statement).await.unwrap();
    }

    /// The same for a statement that may be refused.
    pub async fn try_at(&self, url: &str, statement: &'static str) -> Result<(), sqlx::Error> {
        use sqlx::{ConnectOptions as _, Executor as _};
        if url.starts_with("postgres://") {
            let options: sqlx::postgres::PgConnectOptions = url.parse().unwrap();
            let mut connection = options.connect().await.unwrap();
            connection.execute(statement).await?;
        } else {
            let options = sqlx::sqlite::SqliteConnectOptions::new()
                .filename(url)
                .create_if_missing(true);
            let mut connection = options.connect().await.unwrap();
            connection.execute(statement).await?;
        }
        Ok(())
    }
}

pub fn actor() -> Actor {
    Actor {
        org: OrgId::DEFAULT,
        principal: "user:admin".to_owned(),
        role: Role::Administrator,
        request_id: "r1".to_owned(),
        cause: Cause::Request,
    }
}

pub fn label(text: &str) -> ChannelLabel {
    ChannelLabel::new(text).unwrap()
}

pub async fn channel(db: &Db, name: &str) -> ChannelId {
    let write = ChannelWrite {
        name: name.to_owned(),
        summary: String::new(),
        arch: String::new(),
        checksum: "sha256".to_owned(),
        parent: None,
        policy: Policy::Immediate,
        signatures: None,
        access: Access::Public,
        metadata: MetadataMode::Own,
        compression: Compression::Zstd,
        sign_metadata: false,
        filter: PackageFilter::default(),
        schedule: None,
        next_sync: None,
        description: String::new(),
        cloned_from: None,
        gate: airlock_model::Gate::Off,
    };
    let mut tx = db.begin().await.unwrap();
    let id =
        airlock_db::channels::insert(&mut tx, OrgId::DEFAULT, &label(name), &write, Instant(1))
            .await
            .unwrap()
            .unwrap();
    tx.commit().await.unwrap();
    id
}
