//! Credentials written into OpenEMR's own row (`patient_access_onsite`; OpenEMR facts 1.2 and 2.3), so that the practice's
//! portal and this house accept the same login: by staff, by a link, and by the patient who is logged in.

use sqlx::FromRow;

use crate::crypto;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::accounts::Standing;
use crate::domain::refusal::Answer;
use crate::emr::Emr;

/// Held by whoever writes a login name: no unique index guards them (OpenEMR facts 1.2), and of two who choose the same
/// one at once only the first may have it. The row with the lowest id is the same for everybody.
const HOLD: &str = "SELECT pid FROM patient_access_onsite ORDER BY id LIMIT 1";

/// Where there is no account yet, nothing can be held in that table: a chart can.
const HOLD_FIRST: &str = "SELECT pid FROM patient_data ORDER BY pid LIMIT 1";

/// Both name columns compare without case.
const TAKEN: &str = "SELECT pid FROM patient_access_onsite \
    WHERE (portal_login_username = ? OR portal_username = ?) AND pid <> ?";

const HELD: &str = "SELECT portal_username, portal_login_username, portal_pwd FROM patient_access_onsite WHERE pid = ?";

/// OpenEMR 6.1 keeps no date.
const INSERT: [&str; 2] = [
    "INSERT INTO patient_access_onsite \
    (pid, portal_username, portal_login_username, portal_pwd, portal_pwd_status, portal_onetime) \
    VALUES (?, ?, ?, ?, ?, NULL)",
    "INSERT INTO patient_access_onsite \
    (pid, portal_username, portal_login_username, portal_pwd, portal_pwd_status, portal_onetime, date_created) \
    VALUES (?, ?, ?, ?, ?, NULL, ?)",
];

/// A row without an account name, as a broken import leaves one.
const NAME: &str = "UPDATE patient_access_onsite SET portal_username = ? WHERE pid = ?";

const UPDATE: &str = "UPDATE patient_access_onsite SET portal_login_username = ?, portal_pwd = ?, \
    portal_pwd_status = ?, portal_onetime = NULL WHERE pid = ?";

/// What credentials are to be.
#[derive(Clone, PartialEq, Eq)]
pub struct New {
    /// The login name.
    pub login_name: String,
    /// The password's hash, bcrypt `$2y$`.
    pub hash: String,
    /// Whose password it is.
    pub by: By,
    /// Fingerprint of the credentials there were when it was decided ([`fingerprint`]); `None` where it does not matter.
    pub before: Option<String>,
}

/// Whose password it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The patient's own (`portal_pwd_status` 1).
    Patient,
    /// Made by staff or the house: the patient has to change it (0).
    Staff,
    /// Made by staff, and the practice forces no change (`portal_force_credential_reset` 1).
    StaffForGood,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// They are in the table.
    Done,
    /// Another account has that login name.
    NameTaken,
    /// They changed since it was decided.
    Changed,
}

#[derive(FromRow)]
struct Other {
    #[expect(dead_code, reason = "that there is a row is the whole answer")]
    pid: Option<i64>,
}

#[derive(FromRow)]
struct Held {
    portal_username: Option<String>,
    portal_login_username: Option<String>,
    portal_pwd: Option<String>,
}

/// Writes credentials: a new row, or over the one there is. The account name (`portal_username`) stays for good; a new
/// one is made of the names and the number, as this version of OpenEMR makes it (OpenEMR facts 2.3).
///
/// # Errors
/// As [`Tx::run`].
pub async fn write(emr: &Emr, tx: &mut Tx, standing: &Standing, new: &New) -> Answer<Written> {
    let pid = standing.person.pid;
    hold(tx).await?;
    let taken = Sql::new(TAKEN)
        .bind(&new.login_name)
        .bind(&new.login_name)
        .bind(pid);
    if tx.one::<Other>(taken).await?.is_some() {
        return Ok(Written::NameTaken);
    }
    let held: Option<Held> = tx.one(Sql::new(HELD).bind(pid)).await?;
    let now = held.as_ref().map_or_else(String::new, print);
    if new.before.as_ref().is_some_and(|before| *before != now) {
        return Ok(Written::Changed);
    }
    let status = match new.by {
        By::Patient | By::StaffForGood => 1_i64,
        By::Staff => 0,
    };
    let nameless = held.as_ref().is_some_and(|held| {
        held.portal_username
            .as_deref()
            .unwrap_or_default()
            .is_empty()
    });
    if nameless {
        let name = account_name(emr, tx, standing).await?;
        tx.run(Sql::new(NAME).bind(name).bind(pid)).await?;
    }
    let sql = match held {
        Some(_) => Sql::new(UPDATE)
            .bind(&new.login_name)
            .bind(&new.hash)
            .bind(status)
            .bind(pid),
        None => {
            let dated = emr.layout.has("patient_access_onsite", "date_created");
            let row = Sql::new(INSERT[usize::from(dated)])
                .bind(pid)
                .bind(account_name(emr, tx, standing).await?)
                .bind(&new.login_name)
                .bind(&new.hash)
                .bind(status);
            match dated {
                true => row.bind(emr.zone.wall(emr.now())),
                false => row,
            }
        }
    };
    tx.run(sql).await?;
    Ok(Written::Done)
}

/// Whether no other account has a login name, without case; only a look, [`write`] decides.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn is_free(emr: &Emr, login_name: &str, pid: i64) -> Answer<bool> {
    let sql = Sql::new(TAKEN).bind(login_name).bind(login_name).bind(pid);
    Ok(emr.db.one::<Other>(sql).await?.is_none())
}

/// Fingerprint of the credentials of a patient: another one as soon as name or password change, empty where there are none.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn fingerprint(emr: &Emr, pid: i64) -> Answer<String> {
    let held: Option<Held> = emr.db.one(Sql::new(HELD).bind(pid)).await?;
    Ok(held.as_ref().map_or_else(String::new, print))
}

/// The same as this transaction sees it.
///
/// # Errors
/// As [`Tx::all`].
pub async fn fingerprint_now(tx: &mut Tx, pid: i64) -> Answer<String> {
    let held: Option<Held> = tx.one(Sql::new(HELD).bind(pid)).await?;
    Ok(held.as_ref().map_or_else(String::new, print))
}

fn print(held: &Held) -> String {
    let hash = held.portal_pwd.as_deref().unwrap_or_default();
    crypto::credential(
        hash,
        held.portal_login_username.as_deref().unwrap_or_default(),
    )
}

async fn hold(tx: &mut Tx) -> Answer<()> {
    let lock = tx.lock_clause();
    let first: Option<Other> = tx.one(Sql::new(HOLD).push(lock)).await?;
    if first.is_none() {
        let _chart: Option<Other> = tx.one(Sql::new(HOLD_FIRST).push(lock)).await?;
    }
    Ok(())
}

/// `AnaMoreno9`, before OpenEMR 7.0.3 `Ana9` (OpenEMR facts 2.3); `AnaMoreno9-2` where another account has that as a login
/// name.
async fn account_name(emr: &Emr, tx: &mut Tx, standing: &Standing) -> Answer<String> {
    let last = match emr.layout.since(7, 0, 3) {
        true => standing.last.as_str(),
        false => "",
    };
    let plain = format!("{}{last}{}", standing.first, standing.row);
    for number in 1..100 {
        let name = match number {
            1 => plain.clone(),
            _ => format!("{plain}-{number}"),
        };
        let taken = Sql::new(TAKEN)
            .bind(&name)
            .bind(&name)
            .bind(standing.person.pid);
        if tx.one::<Other>(taken).await?.is_none() {
            return Ok(name);
        }
    }
    Ok(format!("{plain}-{}", standing.person.uuid))
}
