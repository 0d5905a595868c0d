//! The portal account OpenEMR holds for a patient (`patient_access_onsite` beside `patient_data`; OpenEMR facts
//! 1.2 and 2.2). Looked up before there is a Reach, because logging in is what a Reach comes from.

use sqlx::FromRow;

use crate::crypto;
use crate::db::sql::Sql;
use crate::domain::people::Person;
use crate::domain::refusal::Answer;
use crate::emr::Emr;
use crate::emr::uuids;
use crate::emr::uuids::Table;

const SELECT: &str = "SELECT p.pid, p.uuid, a.portal_username, a.portal_login_username, a.portal_pwd, \
    a.portal_pwd_status, a.portal_onetime, p.allow_patient_portal, p.email, p.fname, p.lname, \
    CASE WHEN p.deceased_date IS NULL OR CAST(p.deceased_date AS CHAR) LIKE '0000%' THEN 0 ELSE 1 END AS deceased, \
    CASE WHEN m.locked IS NULL THEN 0 ELSE 1 END AS locked, CASE WHEN m.registered IS NULL THEN 0 ELSE 1 END AS pending, ";

/// OpenEMR 6.1 has no such switch (OpenEMR facts 0.1).
const APPS: [&str; 2] = ["NULL AS prevent_portal_apps", "p.prevent_portal_apps"];

/// An account counts only with both names and a hash (OpenEMR facts 2.2). `portal_pwd_status` may be NULL.
const FROM: &str = " FROM patient_access_onsite a JOIN patient_data p ON p.pid = a.pid \
    LEFT JOIN anteroom_account m ON m.pid = a.pid \
    WHERE a.portal_username <> '' AND a.portal_login_username <> '' AND a.portal_pwd <> '' AND ";

/// The newest bcrypt hash tells what verifying costs in this practice; only its first seven characters leave the table.
const USUAL_COST: &str = "SELECT SUBSTR(portal_pwd, 1, 7) AS prefix FROM patient_access_onsite \
    WHERE portal_pwd LIKE '$2y$%' ORDER BY id DESC LIMIT 1";

/// Who has to set a password (`portal_pwd_status`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// 0: staff or registration set it, the patient must choose an own one.
    MustChange,
    /// 1: the patient's own.
    Own,
    /// Anything else never logs in.
    Odd,
}

/// A portal account with what the login rules ask about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Which chart.
    pub person: Person,
    /// What the patient types (`portal_login_username`).
    pub login_name: String,
    /// The account's lasting name (`portal_username`), the key of the patient's mailbox.
    pub name: String,
    /// The password hash, in one of OpenEMR's formats.
    pub hash: String,
    /// Whose password it is.
    pub status: Status,
    /// Whether a reset or activation is under way (`portal_onetime`).
    pub reset_pending: bool,
    /// `allow_patient_portal` is exactly `YES`, and the patient lives as far as the chart knows (`spec/security.md`, case 156).
    pub portal_allowed: bool,
    /// `prevent_portal_apps` says that no app may be used.
    pub apps_prevented: bool,
    /// Staff locked it (`anteroom_account`).
    pub locked: bool,
    /// Somebody registered and is not let in yet (`anteroom_account`).
    pub pending: bool,
    /// `patient_data.email`; may be empty.
    pub email: String,
    /// The patient's name for display.
    pub display: String,
}

#[derive(FromRow)]
struct AccountRow {
    pid: i64,
    uuid: Option<Vec<u8>>,
    portal_username: Option<String>,
    portal_login_username: Option<String>,
    portal_pwd: Option<String>,
    portal_pwd_status: Option<i64>,
    portal_onetime: Option<String>,
    allow_patient_portal: Option<String>,
    prevent_portal_apps: Option<String>,
    email: Option<String>,
    deceased: i64,
    locked: i64,
    pending: i64,
    fname: Option<String>,
    lname: Option<String>,
}

#[derive(FromRow)]
struct Prefix {
    prefix: Option<String>,
}

impl Account {
    /// Ties sessions and tokens to the password and login name they were made under: it changes when either does.
    pub fn credential(&self) -> String {
        crypto::credential(&self.hash, &self.login_name)
    }

    /// Whether the portal rules let this account use apps at all (OpenEMR facts 2.2, `prevent_portal_apps`), and staff too.
    pub fn may_use_apps(&self) -> bool {
        self.portal_allowed && !self.apps_prevented && !self.locked && !self.pending
    }
}

/// The account with exactly this login name, upper and lower case told apart.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn by_login(emr: &Emr, name: &str) -> Answer<Option<Account>> {
    let sql = query(emr).push("a.portal_login_username = ?").bind(name);
    let found = accounts(emr, sql).await?;
    Ok(found.into_iter().find(|account| account.login_name == name))
}

/// The account of one patient.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn by_pid(emr: &Emr, pid: i64) -> Answer<Option<Account>> {
    let found = accounts(emr, query(emr).push("a.pid = ?").bind(pid)).await?;
    Ok(found.into_iter().next())
}

/// What bcrypt costs for the newest account, so that a name nobody has costs as much as one somebody has.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn usual_cost(emr: &Emr) -> Answer<u32> {
    let row: Option<Prefix> = emr.db.one(Sql::new(USUAL_COST)).await?;
    let cost = row
        .and_then(|row| row.prefix)
        .and_then(|prefix| prefix.get(4..6)?.parse().ok());
    // PHP's default until 8.3 (OpenEMR facts 1.2.1); above 14 a single guess would take seconds.
    Ok(cost.filter(|cost| (4..=14).contains(cost)).unwrap_or(10))
}

/// `YES`, `on` and `1`, in any case: check boxes differ between layouts (OpenEMR facts 6.3).
pub fn ticked(text: &str) -> bool {
    let text = text.trim();
    text == "1" || text.eq_ignore_ascii_case("yes") || text.eq_ignore_ascii_case("on")
}

fn query(emr: &Emr) -> Sql {
    let switch = emr.layout.has("patient_data", "prevent_portal_apps");
    Sql::new(SELECT).push(APPS[usize::from(switch)]).push(FROM)
}

async fn accounts(emr: &Emr, sql: Sql) -> Answer<Vec<Account>> {
    let mut rows: Vec<AccountRow> = emr.db.all(sql.clone()).await?;
    if rows
        .iter()
        .any(|row| uuids::known(row.uuid.as_deref()).is_none())
    {
        uuids::fill(emr, Table::Patients).await?;
        rows = emr.db.all(sql).await?;
    }
    Ok(rows.into_iter().filter_map(account).collect())
}

fn account(row: AccountRow) -> Option<Account> {
    let person = Person {
        pid: row.pid,
        uuid: uuids::known(row.uuid.as_deref())?,
    };
    let words = [row.fname, row.lname].map(|word| word.unwrap_or_default().trim().to_owned());
    Some(Account {
        person,
        login_name: row.portal_login_username?,
        name: row.portal_username?,
        hash: row.portal_pwd?,
        status: match row.portal_pwd_status {
            Some(0) => Status::MustChange,
            Some(1) => Status::Own,
            _ => Status::Odd,
        },
        reset_pending: row
            .portal_onetime
            .is_some_and(|onetime| !onetime.is_empty()),
        portal_allowed: row.allow_patient_portal.as_deref() == Some("YES") && row.deceased == 0,
        apps_prevented: ticked(row.prevent_portal_apps.as_deref().unwrap_or_default()),
        locked: row.locked != 0,
        pending: row.pending != 0,
        email: row.email.unwrap_or_default(),
        display: words.join(" ").trim().to_owned(),
    })
}
