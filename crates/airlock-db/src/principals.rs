//! Users and tokens. Passwords and tokens are stored as hashes made by the caller.

use airlock_model::{Instant, OrgId, Role, TokenId, TokenScope, UserId};
use serde::Serialize;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use crate::{Db, Error, Result, Tx};

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRow {
    /// Its id.
    pub id: UserId,
    /// Its organization.
    pub org: OrgId,
    /// Login name.
    pub login: String,
    /// Hash of the password, in PHC form.
    pub password_hash: String,
    /// What it may do.
    pub role: Role,
    /// Whether it may log in.
    pub disabled: bool,
    /// When it was made.
    pub created: Instant,
}

/// A token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TokenRow {
    /// Its id.
    pub id: TokenId,
    /// Its organization.
    pub org: OrgId,
    /// Whose it is, when it is a person's.
    pub user: Option<UserId>,
    /// That person's login.
    pub login: Option<String>,
    /// Its name for people: free, and several tokens may have the same.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Channel labels that it is limited to; none for all.
    pub channels: Option<Vec<String>>,
    /// The one thing that it may do; none for what its role allows.
    pub scope: Option<TokenScope>,
    /// When it was made.
    pub created: Instant,
    /// When it ends.
    pub expires: Option<Instant>,
    /// When it was revoked.
    pub revoked: Option<Instant>,
    /// When it was last used, to about a minute.
    pub last_used: Option<Instant>,
}

/// A token to be inserted.
#[derive(Debug, Clone, Copy)]
pub struct NewToken<'a> {
    /// Its organization.
    pub org: OrgId,
    /// Whose it is.
    pub user: Option<UserId>,
    /// Its name.
    pub name: &'a str,
    /// SHA-256 of the token in hex.
    pub hash: &'a str,
    /// What it may do.
    pub role: Role,
    /// Channel labels that it is limited to.
    pub channels: Option<&'a [String]>,
    /// The one thing that it may do; none for what its role allows.
    pub scope: Option<TokenScope>,
    /// When it ends.
    pub expires: Option<Instant>,
}

/// Seconds between two writes of a token's last use.
const TOUCH_SECONDS: i64 = 60;

fn role(text: String) -> Result<Role> {
    text.parse().map_err(|e: String| Error::bad("role", e))
}

const USER: &str =
    "SELECT id, org_id, login, password_hash, role, disabled, created_us FROM user_account";

fn user(row: &AnyRow) -> Result<UserRow> {
    Ok(UserRow {
        id: UserId(row.try_get(0)?),
        org: OrgId(row.try_get(1)?),
        login: row.try_get(2)?,
        password_hash: row.try_get(3)?,
        role: role(row.try_get(4)?)?,
        disabled: row.try_get::<i64, _>(5)? != 0,
        created: Instant(row.try_get(6)?),
    })
}

/// Makes a user; none when the login is taken.
pub async fn create_user(
    tx: &mut Tx,
    org: OrgId,
    login: &str,
    password_hash: &str,
    role: Role,
    now: Instant,
) -> Result<Option<UserId>> {
    let row = sqlx::query(
        "INSERT INTO user_account (org_id, login, password_hash, role, disabled, created_us) VALUES ($1, $2, $3, $4, 0, $5) \
         ON CONFLICT (login) DO NOTHING RETURNING id",
    )
    .bind(org.0)
    .bind(login)
    .bind(password_hash)
    .bind(role.as_str())
    .bind(now.0)
    .fetch_optional(&mut *tx.inner)
    .await?;
    Ok(row.map(|r| r.try_get(0).map(UserId)).transpose()?)
}

/// A user by login.
pub async fn find_user(db: &Db, login: &str) -> Result<Option<UserRow>> {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!("{USER} WHERE login = $1")))
        .bind(login)
        .fetch_optional(db.reader())
        .await?;
    row.as_ref().map(user).transpose()
}

/// Users of an organization, by login.
pub async fn users(db: &Db, org: OrgId) -> Result<Vec<UserRow>> {
    let rows = sqlx::query(sqlx::AssertSqlSafe(format!("{USER} WHERE org_id = $1")))
        .bind(org.0)
        .fetch_all(db.reader())
        .await?;
    let mut list: Vec<UserRow> = rows.iter().map(user).collect::<Result<_>>()?;
    // Ordered here: a PostgreSQL database may order texts by a language.
    list.sort_by(|a, b| a.login.cmp(&b.login));
    Ok(list)
}

/// Whether there is any user: the first start makes one.
pub async fn any_user(db: &Db) -> Result<bool> {
    Ok(sqlx::query("SELECT 1 FROM user_account LIMIT 1")
        .fetch_optional(db.reader())
        .await?
        .is_some())
}

/// Sets a password.
pub async fn set_password(tx: &mut Tx, id: UserId, password_hash: &str) -> Result<()> {
    sqlx::query("UPDATE user_account SET password_hash = $1 WHERE id = $2")
        .bind(password_hash)
        .bind(id.0)
        .execute(&mut *tx.inner)
        .await?;
    Ok(())
}

/// Lets a user log in or not; a disabled user's tokens end.
pub async fn set_disabled(tx: &mut Tx, id: UserId, disabled: bool, now: Instant) -> Result<()> {
    sqlx::query("UPDATE user_account SET disabled = $1 WHERE id = $2")
        .bind(i64::from(disabled))
        .bind(id.0)
        .execute(&mut *tx.inner)
        .await?;
    if disabled {
        sqlx::query("UPDATE token SET revoked_us = $1 WHERE user_id = $2 AND revoked_us IS NULL")
            .bind(now.0)
            .bind(id.0)
            .execute(&mut *tx.inner)
            .await?;
    }
    Ok(())
}

/// Gives a user another role. Tokens of the user that may do more than that end; the others go on.
pub async fn set_role(tx: &mut Tx, id: UserId, role: Role, now: Instant) -> Result<()> {
    sqlx::query("UPDATE user_account SET role = $1 WHERE id = $2")
        .bind(role.as_str())
        .bind(id.0)
        .execute(&mut *tx.inner)
        .await?;
    for higher in Role::ALL.into_iter().filter(|other| *other > role) {
        sqlx::query(
            "UPDATE token SET revoked_us = $1 WHERE user_id = $2 AND role = $3 AND revoked_us IS NULL",
        )
        .bind(now.0)
        .bind(id.0)
        .bind(higher.as_str())
        .execute(&mut *tx.inner)
        .await?;
    }
    Ok(())
}

/// Whether an organization has an administrator who can log in beside this user. Nobody else can change that until
/// the change is over.
pub async fn has_other_administrator(tx: &mut Tx, org: OrgId, id: UserId) -> Result<bool> {
    // In one order, so that two who shut out each other wait instead of locking up; the second sees what the first did.
    let text = format!(
        "SELECT id FROM user_account WHERE org_id = $1 AND role = $2 AND disabled = 0 ORDER BY id{}",
        tx.dialect.for_update()
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(text))
        .bind(org.0)
        .bind(Role::Administrator.as_str())
        .fetch_all(&mut *tx.inner)
        .await?;
    for row in &rows {
        if UserId(row.try_get(0)?) != id {
            return Ok(true);
        }
    }
    Ok(false)
}

const TOKEN: &str = "SELECT id, org_id, user_id, name, role, channels, created_us, expires_us, revoked_us, last_used_us, \
     (SELECT u.login FROM user_account u WHERE u.id = token.user_id), scope FROM token";

fn token(row: &AnyRow) -> Result<TokenRow> {
    let instant = |column: usize| -> Result<Option<Instant>> {
        Ok(row.try_get::<Option<i64>, _>(column)?.map(Instant))
    };
    let channels: Option<String> = row.try_get(5)?;
    Ok(TokenRow {
        id: TokenId(row.try_get(0)?),
        org: OrgId(row.try_get(1)?),
        user: row.try_get::<Option<i64>, _>(2)?.map(UserId),
        login: row.try_get(10)?,
        name: row.try_get(3)?,
        role: role(row.try_get(4)?)?,
        channels: channels.map(|text| text.lines().map(str::to_owned).collect()),
        scope: row
            .try_get::<Option<String>, _>(11)?
            .map(|text| {
                text.parse()
                    .map_err(|e: String| Error::bad("token scope", e))
            })
            .transpose()?,
        created: Instant(row.try_get(6)?),
        expires: instant(7)?,
        revoked: instant(8)?,
        last_used: instant(9)?,
    })
}

/// Makes a token.
pub async fn create_token(tx: &mut Tx, new: &NewToken<'_>, now: Instant) -> Result<TokenId> {
    let row = sqlx::query(
        "INSERT INTO token (org_id, user_id, name, hash, role, channels, created_us, expires_us, scope) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id",
    )
    .bind(new.org.0)
    .bind(new.user.map(|u| u.0))
    .bind(new.name)
    .bind(new.hash)
    .bind(new.role.as_str())
    .bind(new.channels.map(|list| list.join("\n")))
    .bind(now.0)
    .bind(new.expires.map(|e| e.0))
    .bind(new.scope.map(TokenScope::as_str))
    .fetch_one(&mut *tx.inner)
    .await?;
    Ok(TokenId(row.try_get(0)?))
}

/// A token that may be used now, by the SHA-256 of its text; its last use is written at most once a minute.
pub async fn use_token(db: &Db, hash: &str, now: Instant) -> Result<Option<TokenRow>> {
    let text = format!(
        "{TOKEN} WHERE hash = $1 AND revoked_us IS NULL AND (expires_us IS NULL OR expires_us > $2)"
    );
    let row = sqlx::query(sqlx::AssertSqlSafe(text))
        .bind(hash)
        .bind(now.0)
        .fetch_optional(db.reader())
        .await?;
    let Some(found) = row.as_ref().map(token).transpose()? else {
        return Ok(None);
    };
    if found
        .last_used
        .is_none_or(|last| last.plus_seconds(TOUCH_SECONDS) < now)
    {
        let mut tx = db.begin().await?;
        sqlx::query("UPDATE token SET last_used_us = $1 WHERE id = $2")
            .bind(now.0)
            .bind(found.id.0)
            .execute(&mut *tx.inner)
            .await?;
        tx.commit().await?;
    }
    Ok(Some(found))
}

/// Tokens of an organization, newest first.
pub async fn tokens(db: &Db, org: OrgId) -> Result<Vec<TokenRow>> {
    let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
        "{TOKEN} WHERE org_id = $1 ORDER BY id DESC"
    )))
    .bind(org.0)
    .fetch_all(db.reader())
    .await?;
    rows.iter().map(token).collect()
}

/// Ends a token. Says whether there was one to end.
pub async fn revoke_token(tx: &mut Tx, org: OrgId, id: TokenId, now: Instant) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE token SET revoked_us = $1 WHERE id = $2 AND org_id = $3 AND revoked_us IS NULL",
    )
    .bind(now.0)
    .bind(id.0)
    .bind(org.0)
    .execute(&mut *tx.inner)
    .await?
    .rows_affected();
    Ok(done > 0)
}
