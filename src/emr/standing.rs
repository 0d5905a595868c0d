//! What a chart, its account and our own memory say about a patient's access: one statement, for one patient or a list.
//! Looked up by staff and by the way in, before there is a Reach of the patient.

use sqlx::FromRow;
use uuid::Uuid;

use crate::config::accounts::Required;
use crate::db::sql::Sql;
use crate::domain::accounts::Credentials;
use crate::domain::accounts::Remembered;
use crate::domain::accounts::Standing;
use crate::domain::language::Language;
use crate::domain::people::Person;
use crate::domain::refusal::Answer;
use crate::emr::Emr;
use crate::emr::account::ticked;
use crate::emr::uuids;
use crate::emr::uuids::Table;
use crate::emr::wall;

const SELECT: &str = "SELECT p.pid, p.id AS row_id, p.uuid, p.fname, p.lname, CAST(p.DOB AS CHAR) AS dob, p.phone_home, \
    p.postal_code, p.email, p.hipaa_allowemail, p.allow_patient_portal, \
    CASE WHEN p.deceased_date IS NULL OR CAST(p.deceased_date AS CHAR) LIKE '0000%' THEN 0 ELSE 1 END AS deceased, \
    p.language, p.providerID AS provider, \
    a.portal_username, a.portal_login_username, a.portal_pwd_status, a.portal_onetime, \
    m.invited, m.first_login, m.locked, m.locked_reason, m.email_hold, m.registered, m.attested, m.attested_by, ";

/// How many others read mail at the same address: OpenEMR has no index on it, so it is asked for one patient only.
const SHARING: &str = "(SELECT COUNT(*) FROM patient_data o WHERE p.email <> '' AND o.email = p.email AND o.pid <> p.pid) \
    AS sharing, ";

const NOT_ASKED: &str = "0 AS sharing, ";

/// OpenEMR 6.1 has no such switch (OpenEMR facts 0.1).
const APPS: [&str; 2] = [
    "NULL AS prevent_portal_apps, ",
    "p.prevent_portal_apps AS prevent_portal_apps, ",
];

const TRUSTED: [&str; 2] = ["NULL AS email_direct", "p.email_direct"];

const FROM: &str = " FROM patient_data p LEFT JOIN patient_access_onsite a ON a.pid = p.pid \
    LEFT JOIN anteroom_account m ON m.pid = p.pid WHERE ";

#[derive(FromRow)]
struct Row {
    pid: i64,
    row_id: i64,
    uuid: Option<Vec<u8>>,
    fname: Option<String>,
    lname: Option<String>,
    dob: Option<String>,
    phone_home: Option<String>,
    postal_code: Option<String>,
    email: Option<String>,
    email_direct: Option<String>,
    hipaa_allowemail: Option<String>,
    allow_patient_portal: Option<String>,
    prevent_portal_apps: Option<String>,
    deceased: i64,
    language: Option<String>,
    provider: Option<i64>,
    portal_username: Option<String>,
    portal_login_username: Option<String>,
    portal_pwd_status: Option<i64>,
    portal_onetime: Option<String>,
    invited: Option<i64>,
    first_login: Option<i64>,
    locked: Option<i64>,
    locked_reason: Option<String>,
    email_hold: Option<i64>,
    registered: Option<i64>,
    attested: Option<i64>,
    attested_by: Option<String>,
    sharing: i64,
}

/// Which patients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which<'w> {
    /// The one with this FHIR id.
    Id(Uuid),
    /// The one with this number.
    Pid(i64),
    /// Those with these numbers, in no order.
    Pids(&'w [i64]),
}

/// How patients stand. Where one is asked for, it is also told how many share the address.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn find(emr: &Emr, which: &Which<'_>) -> Answer<Vec<Standing>> {
    let one = !matches!(which, Which::Pids(_));
    let has = |column: &str| usize::from(emr.layout.has("patient_data", column));
    let sql = Sql::new(SELECT)
        .push(if one { SHARING } else { NOT_ASKED })
        .push(APPS[has("prevent_portal_apps")])
        .push(TRUSTED[has("email_direct")])
        .push(FROM);
    let sql = match which {
        Which::Id(id) => sql.push("p.uuid = ?").bind(*id),
        Which::Pid(pid) => sql.push("p.pid = ?").bind(*pid),
        Which::Pids(pids) => sql.push("p.pid IN ").list(pids.iter().copied()),
    };
    let mut rows: Vec<Row> = emr.db.all(sql.clone()).await?;
    let nameless = |row: &Row| uuids::known(row.uuid.as_deref()).is_none();
    if rows.iter().any(nameless) {
        uuids::fill(emr, Table::Patients).await?;
        rows = emr.db.all(sql).await?;
    }
    Ok(rows.into_iter().filter_map(standing).collect())
}

/// How one patient stands, by FHIR id.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn by_id(emr: &Emr, id: Uuid) -> Answer<Option<Standing>> {
    Ok(find(emr, &Which::Id(id)).await?.into_iter().next())
}

/// How one patient stands, by number.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn by_pid(emr: &Emr, pid: i64) -> Answer<Option<Standing>> {
    Ok(find(emr, &Which::Pid(pid)).await?.into_iter().next())
}

/// What this version of OpenEMR can hold of what the practice asks of a chart (F007, F023).
pub fn requires(emr: &Emr, wanted: &[Required]) -> Vec<Required> {
    let held = |one: &&Required| {
        **one != Required::TrustedEmail || emr.layout.has("patient_data", "email_direct")
    };
    wanted.iter().filter(held).copied().collect()
}

fn standing(row: Row) -> Option<Standing> {
    let text = |text: Option<String>| text.unwrap_or_default().trim().to_owned();
    let credentials = row.portal_username.map(|account_id| Credentials {
        account_id,
        login_name: text(row.portal_login_username),
        must_change: row.portal_pwd_status == Some(0),
        reset_pending: row.portal_onetime.is_some_and(|text| !text.is_empty()),
    });
    let reason = text(row.locked_reason);
    let by = text(row.attested_by);
    Some(Standing {
        person: Person {
            pid: row.pid,
            uuid: uuids::known(row.uuid.as_deref())?,
        },
        row: row.row_id,
        first: text(row.fname),
        last: text(row.lname),
        born: row.dob.as_deref().and_then(wall::day),
        home_phone: text(row.phone_home),
        zip: text(row.postal_code),
        email: text(row.email),
        trusted_email: text(row.email_direct),
        allow_email: row.hipaa_allowemail.as_deref() == Some("YES"),
        allowed: row.allow_patient_portal.as_deref() == Some("YES"),
        apps_prevented: ticked(row.prevent_portal_apps.as_deref().unwrap_or_default()),
        deceased: row.deceased != 0,
        language: language(row.language.as_deref().unwrap_or_default()),
        provider: row.provider.unwrap_or_default(),
        credentials,
        remembered: Remembered {
            invited: row.invited,
            first_login: row.first_login,
            locked: row.locked.map(|at| (at, reason)),
            email_hold: row.email_hold,
            registered: row.registered,
            attested: row.attested.map(|at| (at, by)),
        },
        sharing: row.sharing,
    })
}

/// The language of letters, from the option of list `language` (OpenEMR facts 1.1): `Spanish`, or `spanish` in old data.
pub(super) fn language(option: &str) -> Language {
    match option.trim().to_lowercase().as_str() {
        "spanish" | "es" | "spa" => Language::Spanish,
        _ => Language::English,
    }
}
