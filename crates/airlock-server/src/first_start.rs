//! The first start makes the administrator.

use std::io::{IsTerminal, Write};

use airlock_db::{Db, principals};
use airlock_model::{Actor, Cause, Instant, OrgId, Role};

use crate::data_dir::DataDir;
use crate::password;
use crate::problem::RequestId;
use crate::serve::ServeError;

/// The first administrator's login.
pub const ADMINISTRATOR: &str = "admin";

/// Makes `admin` when there is no user yet, with the password of `AIRLOCK_ADMIN_PASSWORD` or a random one. A random
/// one goes into `DATA/initial-password` (0600) and to a terminal, never to a log.
///
/// # Errors
/// When the database or the file cannot be written.
pub async fn administrator(
    db: &Db,
    data: &DataDir,
    given: Option<String>,
    now: Instant,
) -> Result<(), ServeError> {
    airlock_db::settings::ensure_default_organization(db, now).await?;
    if principals::any_user(db).await? {
        return Ok(());
    }
    if let Some(given) = &given {
        password::check_new(given).map_err(ServeError::GivenPassword)?;
    }
    let random = given.is_none();
    let text = given.unwrap_or_else(password::new_password);
    let hash = password::hash(text.clone()).await?;
    // The file comes first: a password that nobody can read would lock everybody out after a crash in between.
    data.write_private("initial-password", &format!("{text}\n"))?;
    let actor = Actor::server(Cause::Upkeep, RequestId::new().0);
    let mut tx = db.begin().await?;
    principals::create_user(
        &mut tx,
        OrgId::DEFAULT,
        ADMINISTRATOR,
        &hash,
        Role::Administrator,
        now,
    )
    .await?;
    airlock_db::audit::append(
        &mut tx,
        &actor,
        now,
        "user.create",
        ADMINISTRATOR,
        &serde_json::json!({ "role": Role::Administrator }),
    )
    .await?;
    tx.commit().await?;
    tracing::info!(
        "made the user admin; the password is in the file initial-password of the data folder"
    );
    let mut terminal = std::io::stderr();
    if random && terminal.is_terminal() {
        let _ = writeln!(terminal, "The password of the user admin is {text}");
    }
    Ok(())
}
