//! What a template is filled in with: what the chart says of the patient, as OpenEMR's own directives have it.

use sqlx::FromRow;

use crate::db::sql::Sql;
use crate::db::sql::date_text;
use crate::db::sql::time_text;
use crate::domain::people::Person;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::emr::Emr;
use crate::emr::forms::charted;
use crate::emr::forms::directives::FILLED;
use crate::emr::forms::directives::Known;
use crate::emr::people::tidy;
use crate::emr::staff;

/// The birth date as text: it may be a zero date, which no driver reads.
const CHART: &str = "SELECT fname, mname, lname, CAST(DOB AS CHAR) AS born, sex, pubpid, phone_contact, phone_home, \
    phone_cell, phone_biz, street, city, state, postal_code FROM patient_data WHERE pid = ? AND uuid = ?";

#[derive(FromRow)]
struct Chart {
    fname: Option<String>,
    mname: Option<String>,
    lname: Option<String>,
    born: Option<String>,
    sex: Option<String>,
    pubpid: Option<String>,
    phone_contact: Option<String>,
    phone_home: Option<String>,
    phone_cell: Option<String>,
    phone_biz: Option<String>,
    street: Option<String>,
    city: Option<String>,
    state: Option<String>,
    postal_code: Option<String>,
}

/// What is known of a patient, for a text that names it.
///
/// # Errors
/// `NotFound` where the chart is gone.
pub(super) async fn of(emr: &Emr, person: Person, text: &str) -> Answer<Known> {
    let sql = Sql::new(CHART).bind(person.pid).bind(person.uuid);
    let chart: Option<Chart> = emr.db.one(sql).await?;
    let chart = chart.ok_or(Refusal::NotFound)?;
    let wall = emr.zone.wall(emr.now());
    let today = date_text(wall.date());
    let born = tidy(chart.born);
    let born = match born.starts_with("0000") {
        true => String::new(),
        false => born,
    };
    // The order OpenEMR looks for a phone in.
    let phones = [
        chart.phone_contact,
        chart.phone_home,
        chart.phone_cell,
        chart.phone_biz,
    ];
    let phone = phones.into_iter().map(tidy).find(|one| !one.is_empty());
    let known = vec![
        (
            "PatientName",
            staff::display(chart.fname, chart.mname, chart.lname),
        ),
        ("PatientDOB", born.clone()),
        ("DOB", born),
        ("PatientSex", tidy(chart.sex)),
        ("PatientID", tidy(chart.pubpid)),
        ("PatientPhone", phone.unwrap_or_default()),
        ("Address", tidy(chart.street)),
        ("City", tidy(chart.city)),
        ("State", tidy(chart.state)),
        ("Zip", tidy(chart.postal_code)),
        ("DOS", today.clone()),
        ("CurrentDate", today),
        (
            "CurrentTime",
            time_text(wall.time()).chars().take(5).collect(),
        ),
    ];
    charted::with(emr, (person, text), known).await
}

/// What stands for it where nobody is known yet: in a list, a preview, a Questionnaire.
pub(super) fn nobody() -> Known {
    FILLED
        .iter()
        .map(|(name, stands)| (*name, (*stands).to_owned()))
        .collect()
}
