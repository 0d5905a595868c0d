//! The sandbox: Harbor Street Family Medicine, a small clinic written into an empty OpenEMR-shaped database by the
//! same statements on every engine and layout. All dates are relative to the day it is made.

mod access;
pub mod apps;
mod book;
mod calendar;
mod charts;
mod desk;
mod documents;
mod encounters;
mod letters;
mod mail;
pub mod manifest;
mod papers;
mod people;
mod practice;
mod staff;
#[cfg(test)]
mod tests;
mod visits;

use std::collections::HashMap;
use std::path::Path;

use sqlx::FromRow;
use time::OffsetDateTime;
use tokio::fs;
use uuid::Uuid;

use crate::crypto::Entropy;
use crate::db::Db;
use crate::db::sql::Sql;
use crate::demo::book::Book;
use crate::demo::documents::File;
use crate::demo::manifest::PatientLogin;
use crate::demo::manifest::Sandbox;
use crate::demo::manifest::StaffLogin;
use crate::demo::people::PEOPLE;
use crate::demo::practice::Span;
use crate::demo::staff::STAFF;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Fault;
use crate::emr::layout::Layout;
use crate::emr::uuids;
use crate::emr::zone::Zone;

/// OpenEMR's code lists and calendar categories, as it installs them.
const LISTS: &str = include_str!("../../migrations/openemr_lists.sql");

const OCCUPANTS: &str = "SELECT COUNT(*) AS number FROM patient_data";

const PATIENT_IDS: &str = "SELECT pid AS number, uuid FROM patient_data";

const STAFF_IDS: &str = "SELECT id AS number, uuid FROM users";

#[derive(FromRow)]
struct Count {
    number: i64,
}

#[derive(FromRow)]
struct Identity {
    number: i64,
    uuid: Option<Vec<u8>>,
}

/// Writes the practice into an empty OpenEMR-shaped database and its documents into a folder, which is made where
/// it is absent. The rows are one transaction; the code lists before them are not.
///
/// # Errors
/// A fault where the database is no OpenEMR database or already has patients, where the folder cannot be written,
/// and otherwise as [`Db::run`].
pub async fn fill(
    db: &Db,
    documents: &Path,
    now: OffsetDateTime,
    zone: &Zone,
    entropy: &dyn Entropy,
) -> Answer<Sandbox> {
    let layout = Layout::probe(db).await?;
    let patients: Option<Count> = db.one(Sql::new(OCCUPANTS)).await?;
    if patients.is_some_and(|count| count.number > 0) {
        let why = "the database already holds patients: the sandbox needs an empty one";
        return Err(Fault::new("making the sandbox", why).into());
    }
    db.script(LISTS).await?;
    let span = Span::read(db).await?;
    let mut book = Book::new(&layout, now, zone);
    practice::write(&mut book, zone.name(), span);
    staff::write(&mut book);
    access::write(&mut book);
    charts::write(&mut book, &token(entropy)?);
    calendar::write(&mut book);
    mail::write(&mut book);
    let files = documents::write(&mut book, span, entropy)?;
    encounters::write(&mut book);
    desk::write(&mut book);
    store(documents, &files).await?;
    let statements = book.into_statements();
    db.transaction(|tx| {
        let statements = statements.clone();
        Box::pin(async move {
            for statement in statements {
                tx.run(statement).await?;
            }
            Ok(())
        })
    })
    .await?;
    Sandbox::reopen(db).await
}

impl Sandbox {
    /// The logins of a sandbox that was made before: names and passwords as they were then, ids from the database.
    ///
    /// # Errors
    /// As [`Db::all`].
    pub async fn reopen(db: &Db) -> Answer<Self> {
        let patients = identities(db, PATIENT_IDS).await?;
        let colleagues = identities(db, STAFF_IDS).await?;
        Ok(Self {
            patients: PEOPLE
                .iter()
                .map(|person| patient(person, &patients))
                .collect(),
            staff: STAFF
                .iter()
                .filter_map(|colleague| staff_login(colleague, &colleagues))
                .collect(),
        })
    }
}

/// FHIR ids by patient or user number, as text.
async fn identities(db: &Db, query: &'static str) -> Answer<HashMap<i64, String>> {
    let rows: Vec<Identity> = db.all(Sql::new(query)).await?;
    let ids = rows.into_iter().filter_map(|row| {
        let uuid: Uuid = uuids::known(row.uuid.as_deref())?;
        Some((row.number, uuid.to_string()))
    });
    Ok(ids.collect())
}

fn patient(person: &people::Person, ids: &HashMap<i64, String>) -> PatientLogin {
    let account = person.account.as_ref();
    let text = |text: Option<&'static str>| text.unwrap_or_default().to_owned();
    PatientLogin {
        username: text(account.map(|account| account.login)),
        password: text(account.map(|account| account.password)),
        email: person.email.to_owned(),
        birth_date: manifest::birth_date(person.born),
        id: ids.get(&person.pid).cloned().unwrap_or_default(),
        name: person.display(),
        notes: person.notes.to_owned(),
    }
}

fn staff_login(colleague: &staff::Colleague, ids: &HashMap<i64, String>) -> Option<StaffLogin> {
    let login = colleague.login.as_ref()?;
    Some(StaffLogin {
        username: colleague.username.to_owned(),
        password: login.password.to_owned(),
        id: ids.get(&colleague.id).cloned().unwrap_or_default(),
        name: colleague.display(),
        roles: login.roles.iter().map(|role| (*role).to_owned()).collect(),
    })
}

/// 32 letters and digits, as the token of a reset is written.
fn token(entropy: &dyn Entropy) -> Result<String, Fault> {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes)?;
    Ok(Uuid::from_bytes(bytes).simple().to_string())
}

/// Puts the files where the rows say: a folder for each patient, the drive's uuid as the name.
async fn store(folder: &Path, files: &[File]) -> Result<(), Fault> {
    let fault = |error| Fault::new("writing the sandbox's documents", error);
    for file in files {
        let folder = folder.join(file.pid.to_string());
        fs::create_dir_all(&folder).await.map_err(fault)?;
        let path = folder.join(file.name.to_string());
        fs::write(path, &file.bytes).await.map_err(fault)?;
    }
    Ok(())
}
