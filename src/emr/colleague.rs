//! The accounts of staff (`users` beside `users_secure`; OpenEMR facts 1.16), as a login and each request need them.
//! Looked up before there is a Reach, because logging in is what a Reach comes from.

use sqlx::FromRow;
use time::PrimitiveDateTime;

use crate::crypto;
use crate::db::sql::Sql;
use crate::domain::access::Staff;
use crate::domain::refusal::Answer;
use crate::emr::Emr;
use crate::emr::staff;
use crate::emr::uuids;
use crate::emr::uuids::Table;
use crate::store::rights;

/// Who has no user name is in the address book; the three names are accounts nobody logs in with.
const SELECT: &str = "SELECT u.id, u.uuid, u.username, u.active, u.portal_user, u.fname, u.lname, u.email, s.password \
    FROM users u LEFT JOIN users_secure s ON s.id = u.id \
    WHERE TRIM(COALESCE(u.username, '')) <> '' \
    AND u.username NOT IN ('portal-user', 'oe-system', 'phimail-service') AND ";

/// OpenEMR counts wrong passwords of its own login form here.
const FAILURES: &str = "SELECT CAST(COALESCE(login_fail_counter, 0) AS SIGNED) AS failures, last_login_fail AS last \
    FROM users_secure WHERE id = ?";

/// Version 6.1 does not keep when the last of them was.
const FAILURES_UNDATED: &str = "SELECT CAST(COALESCE(login_fail_counter, 0) AS SIGNED) AS failures, NULL AS last \
    FROM users_secure WHERE id = ?";

/// Second factors the user has set up in OpenEMR.
const FACTORS: &str = "SELECT COUNT(*) AS total FROM login_mfa_registrations WHERE user_id = ?";

/// A member of staff with an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Colleague {
    /// Who, and what the access control gives.
    pub staff: Staff,
    /// The login name (`users.username`).
    pub username: String,
    /// The password hash, in one of OpenEMR's formats; empty where there is none.
    pub hash: String,
    /// `users.active`
    pub active: bool,
    /// `users.portal_user`: patients may write to them.
    pub portal_user: bool,
    /// `users.email`; may be empty.
    pub email: String,
    /// Name for display.
    pub display: String,
}

#[derive(FromRow)]
struct Row {
    id: i64,
    uuid: Option<Vec<u8>>,
    username: String,
    active: Option<i64>,
    portal_user: Option<i64>,
    fname: Option<String>,
    lname: Option<String>,
    email: Option<String>,
    password: Option<String>,
}

#[derive(FromRow)]
struct Failures {
    failures: i64,
    last: Option<PrimitiveDateTime>,
}

#[derive(FromRow)]
struct Count {
    total: i64,
}

/// Why OpenEMR itself would not let somebody in with the right password alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bar {
    /// Too many wrong passwords on OpenEMR's own form (`password_max_failed_logins`).
    Locked,
    /// There is a second factor, which only OpenEMR's form asks for.
    SecondFactor,
    /// The password is in a directory (`gbl_ldap_enabled`), and what OpenEMR's table holds is not it.
    Directory,
}

impl Colleague {
    /// Ties sessions and tokens to the password and login name they were made under.
    pub fn credential(&self) -> String {
        crypto::credential(&self.hash, &self.username)
    }
}

/// The account with exactly this login name, upper and lower case told apart.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn by_username(emr: &Emr, name: &str) -> Answer<Option<Colleague>> {
    let found = colleagues(emr, Sql::new(SELECT).push("u.username = ?").bind(name)).await?;
    Ok(found.into_iter().find(|one| one.username == name))
}

/// The account of that number (`users.id`).
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn by_id(emr: &Emr, id: i64) -> Answer<Option<Colleague>> {
    let found = colleagues(emr, Sql::new(SELECT).push("u.id = ?").bind(id)).await?;
    Ok(found.into_iter().next())
}

/// Every account with this e-mail address, compared without case: more than one is nobody's.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn by_email(emr: &Emr, email: &str) -> Answer<Vec<Colleague>> {
    let found = colleagues(emr, Sql::new(SELECT).push("u.email = ?").bind(email)).await?;
    let same = |one: &Colleague| one.email.trim().to_lowercase() == email.trim().to_lowercase();
    Ok(found.into_iter().filter(same).collect())
}

/// Every account, active or not, by login name.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn all(emr: &Emr) -> Answer<Vec<Colleague>> {
    colleagues(emr, Sql::new(SELECT).push("u.id > 0 ORDER BY u.username")).await
}

/// What keeps somebody out of OpenEMR beside the password, judged as its own login does.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn bar(emr: &Emr, colleague: &Colleague) -> Answer<Option<Bar>> {
    let practice = emr.practice().await?;
    let number = |name: &str| {
        practice
            .globals
            .text(name)
            .trim()
            .parse::<i64>()
            .unwrap_or(0)
    };
    let mut own = practice.globals.text("gbl_ldap_exclusions").split(',');
    if practice.globals.on("gbl_ldap_enabled") && !own.any(|name| name.trim() == colleague.username)
    {
        return Ok(Some(Bar::Directory));
    }
    let most = number("password_max_failed_logins");
    if most > 0 && emr.layout.has("users_secure", "login_fail_counter") {
        let text = match emr.layout.has("users_secure", "last_login_fail") {
            true => FAILURES,
            false => FAILURES_UNDATED,
        };
        let row: Option<Failures> = emr.db.one(Sql::new(text).bind(colleague.staff.id)).await?;
        let reset = number("time_reset_password_max_failed_logins");
        let over = |last: Option<PrimitiveDateTime>| {
            let since = last.map(|last| (emr.now() - emr.zone.instant(last)).whole_seconds());
            reset > 0 && since.is_some_and(|since| since > reset)
        };
        if row.is_some_and(|row| row.failures >= most && !over(row.last)) {
            return Ok(Some(Bar::Locked));
        }
    }
    if emr.layout.has_table("login_mfa_registrations") {
        let row: Option<Count> = emr
            .db
            .one(Sql::new(FACTORS).bind(colleague.staff.id))
            .await?;
        if row.is_some_and(|row| row.total > 0) {
            return Ok(Some(Bar::SecondFactor));
        }
    }
    Ok(None)
}

async fn colleagues(emr: &Emr, sql: Sql) -> Answer<Vec<Colleague>> {
    let mut rows: Vec<Row> = emr.db.all(sql.clone()).await?;
    if rows
        .iter()
        .any(|row| uuids::known(row.uuid.as_deref()).is_none())
    {
        uuids::fill(emr, Table::Users).await?;
        rows = emr.db.all(sql).await?;
    }
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let Some(uuid) = uuids::known(row.uuid.as_deref()) else {
            continue;
        };
        let rights = rights::of(&emr.db, &row.username).await?;
        found.push(Colleague {
            staff: Staff {
                id: row.id,
                uuid,
                rights,
            },
            active: row.active == Some(1),
            portal_user: row.portal_user == Some(1),
            email: row.email.unwrap_or_default(),
            display: staff::display(row.fname, None, row.lname),
            hash: row.password.unwrap_or_default(),
            username: row.username,
        });
    }
    Ok(found)
}
