//! The doctor: what stands between this database and patients getting in, one line a finding, with what to do.

mod privileges;

use sqlx::FromRow;

use crate::db::Db;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::emr::Emr;
use crate::emr::scanning;

use privileges::PRIVILEGES;
use privileges::Privilege;
use privileges::forms::FORMS;
use privileges::forms::UNSEEN;
use privileges::forms::Unseen;
use privileges::messages::MESSAGES;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// As it should be.
    Fine,
    /// Works, but somebody should know.
    Notice,
    /// Does not work until somebody does something.
    Blocks,
}

/// One line of the doctor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What was looked at.
    pub about: &'static str,
    /// What was found, and what to do.
    pub text: String,
}

impl Finding {
    /// A line.
    pub fn new(level: Level, about: &'static str, text: impl Into<String>) -> Self {
        Self {
            level,
            about,
            text: text.into(),
        }
    }
}

/// Documents in the chart of a patient, and how many of them need the keys.
const DOCUMENTS: &str = "SELECT COUNT(*) AS total, \
    COALESCE(SUM(CASE WHEN encrypted = 1 THEN 1 ELSE 0 END), 0) AS marked \
    FROM documents WHERE deleted = 0 AND foreign_id > 0";

const KEYS: &str =
    "SELECT COUNT(*) AS total, 0 AS marked FROM `keys` WHERE name IN ('sixa', 'sixb')";

const ACCOUNTS: &str = "SELECT COUNT(*) AS total, \
    COALESCE(SUM(CASE WHEN p.allow_patient_portal = 'YES' THEN 1 ELSE 0 END), 0) AS marked \
    FROM patient_access_onsite a JOIN patient_data p ON p.pid = a.pid";

#[derive(FromRow)]
struct Engine {
    table_name: String,
    engine: String,
}

#[derive(FromRow)]
struct Count {
    total: i64,
    marked: i64,
}

#[derive(FromRow)]
struct Clock {
    seconds: i64,
}

/// Looks at everything about the practice that this house depends on.
///
/// # Errors
/// As [`Db::all`]: a database that went away while it was looked at.
pub async fn findings(emr: &Emr) -> Answer<Vec<Finding>> {
    let mut all = vec![Finding::new(
        Level::Fine,
        "OpenEMR",
        format!(
            "version {} on {}, zone {}",
            emr.layout.version,
            emr.db.engine(),
            emr.zone.name()
        ),
    )];
    all.extend(tables(&emr.db).await?);
    all.extend(switches(emr).await?);
    all.extend(accounts(&emr.db).await?);
    all.extend(documents(emr).await?);
    all.extend(scanner(emr).await);
    all.push(clock(emr).await?);
    all.extend(unseen(emr));
    for privilege in PRIVILEGES.iter().chain(MESSAGES).chain(FORMS) {
        let (table, column) = privilege.on;
        if emr.layout.has(table, column) {
            all.push(granted(&emr.db, privilege).await?);
        }
    }
    Ok(all)
}

async fn tables(db: &Db) -> Answer<Vec<Finding>> {
    let rows: Vec<Engine> = db.all(Sql::new(db.engines_query())).await?;
    let written = [
        "openemr_postcalendar_events",
        "pnotes",
        "patient_access_onsite",
        "uuid_registry",
    ];
    let findings = rows
        .into_iter()
        .filter(|row| written.contains(&row.table_name.as_str()))
        .map(|row| {
            let text = format!(
                "{} is {}: a write could be left half done. ALTER TABLE {} ENGINE=InnoDB",
                row.table_name, row.engine, row.table_name
            );
            Finding::new(Level::Blocks, "tables", text)
        });
    Ok(findings.collect())
}

async fn switches(emr: &Emr) -> Answer<Vec<Finding>> {
    let practice = emr.practice().await?;
    let portal = match practice.globals.on("portal_onsite_two_enable") {
        true => Finding::new(Level::Fine, "portal", "the patient portal is on"),
        false => Finding::new(
            Level::Blocks,
            "portal",
            "the patient portal is off, so nobody can log in: Administration, Config, Portal, Enable Patient Portal",
        ),
    };
    let zone = match practice.globals.text("gbl_time_zone") {
        "" => Finding::new(
            Level::Notice,
            "zone",
            format!(
                "gbl_time_zone is empty in OpenEMR; {} from the settings is used: check that it is php.ini's",
                emr.zone.name()
            ),
        ),
        name => Finding::new(Level::Fine, "zone", format!("{name}, from OpenEMR")),
    };
    let organization = match practice.organization {
        Some(_) => Finding::new(Level::Fine, "practice", practice.name.clone()),
        None => Finding::new(
            Level::Notice,
            "practice",
            "no facility is set up, so there is no Organization",
        ),
    };
    Ok(vec![portal, zone, organization])
}

async fn accounts(db: &Db) -> Answer<Option<Finding>> {
    let count: Option<Count> = db.one(cast(ACCOUNTS)).await?;
    Ok(count.map(|count| match count.marked {
        0 => Finding::new(
            Level::Notice,
            "accounts",
            format!(
                "{} patient accounts, none allowed into the portal (Allow Patient Portal)",
                count.total
            ),
        ),
        allowed => Finding::new(
            Level::Fine,
            "accounts",
            format!(
                "{} patient accounts, {allowed} allowed into the portal",
                count.total
            ),
        ),
    }))
}

async fn documents(emr: &Emr) -> Answer<Option<Finding>> {
    let Some(count) = emr.db.one::<Count>(cast(DOCUMENTS)).await? else {
        return Ok(None);
    };
    if emr.documents.is_none() {
        let text = format!(
            "{} documents, but the setting documents is empty, so none can be opened: give sites/<site>/documents",
            count.total
        );
        return Ok(Some(Finding::new(Level::Notice, "documents", text)));
    }
    let keys: Option<Count> = emr.db.one(cast(KEYS)).await?;
    let keys = keys.map_or(0, |keys| keys.total);
    Ok(Some(match (count.marked, keys) {
        (1.., 0 | 1) => Finding::new(
            Level::Blocks,
            "documents",
            format!(
                "{} documents are encrypted, but the table keys has no sixa and sixb to open them with",
                count.marked
            ),
        ),
        (encrypted, _) => Finding::new(
            Level::Fine,
            "documents",
            format!("{} documents, {encrypted} of them encrypted", count.total),
        ),
    }))
}

/// Whether the one who looks for viruses answers.
async fn scanner(emr: &Emr) -> Option<Finding> {
    let (level, text) = match scanning::answers(emr).await? {
        Ok(()) => (Level::Fine, "clamd answers".to_owned()),
        Err(why) => (
            Level::Blocks,
            format!(
                "clamd does not answer ({why}), so no document is taken: start it, or empty the setting clamd"
            ),
        ),
    };
    Some(Finding::new(level, "viruses", text))
}

async fn clock(emr: &Emr) -> Answer<Finding> {
    let theirs: Option<Clock> = emr.db.one(Sql::new(emr.db.clock_query())).await?;
    let apart = theirs.map_or(0, |theirs| {
        (theirs.seconds - emr.now().unix_timestamp()).abs()
    });
    Ok(match apart {
        0..=5 => Finding::new(Level::Fine, "clocks", "this machine and the database agree"),
        apart => Finding::new(
            Level::Notice,
            "clocks",
            format!(
                "this machine and the database are {apart} seconds apart: run an NTP client on both"
            ),
        ),
    })
}

/// Tables that OpenEMR of this version has, and this account does not see.
fn unseen(emr: &Emr) -> Vec<Finding> {
    let missing = UNSEEN.iter().filter(|one| {
        let (major, minor, patch) = one.since;
        emr.layout.since(major, minor, patch) && !emr.layout.has_table(one.table)
    });
    let told = missing.map(|Unseen { grant, without, .. }| {
        let text = format!("missing: GRANT {grant}; without it {without}");
        Finding::new(Level::Blocks, "grants", text)
    });
    told.collect()
}

async fn granted(db: &Db, privilege: &Privilege) -> Answer<Finding> {
    let Privilege { grant, without, .. } = privilege;
    match db.run(Sql::new(privilege.statement)).await {
        Ok(_) => Ok(Finding::new(Level::Fine, "grants", *grant)),
        Err(Failure::Broken(_)) => Ok(Finding::new(
            Level::Blocks,
            "grants",
            format!("missing: GRANT {grant}; without it {without}"),
        )),
        Err(refused) => Err(refused),
    }
}

/// `SUM` is DECIMAL on MariaDB, which no integer decodes from: each count is cast by a statement around it.
fn cast(inner: &'static str) -> Sql {
    Sql::new("SELECT CAST(t.total AS SIGNED) AS total, CAST(t.marked AS SIGNED) AS marked FROM (")
        .push(inner)
        .push(") t")
}
