//! What waits for staff: a profile edit to review, and notes about what patients did in the portal.

use time::macros::time;

use crate::db::sql::Sql;
use crate::db::sql::date_text;
use crate::db::sql::datetime_text;
use crate::demo::book::Book;
use crate::demo::book::Row;
use crate::demo::people::PEOPLE;
use crate::demo::people::Person;
use crate::emr::php;

/// The patient whose profile edit waits.
const MOVED: i64 = 1;

/// What `sequences` stands at: above every number documents, encounters and addresses took from it.
const SEQUENCE: i64 = 1000;

const SEQUENCE_SET: &str = "UPDATE sequences SET id = ?";

/// Notes as OpenEMR words them: patient, title, addressee, days ago, text.
const NOTES: [(i64, &str, &str, i64, &str); 3] = [
    (
        1,
        "New Document",
        "portal-user",
        8,
        "New patient document insurance-card.png was uploaded to Documents Onsite Portal Patient.",
    ),
    (
        1,
        "Patient Reminders",
        "rfischer",
        1,
        "A New Appointment request was received from portal patient María Delgado. Use Portal Dashboard to confirm \
         with patient.",
    ),
    (
        1,
        "Bill/Collect",
        "jpark",
        5,
        "Forwarded portal message: billed twice for the spirometry.",
    ),
];

/// Notes, the waiting review, and the counter.
pub(super) fn write(book: &mut Book<'_>) {
    for (number, (pid, title, to, days, text)) in (1..).zip(NOTES) {
        let at = book.at(-days, time!(8:10));
        let stamp = datetime_text(at);
        let stamp = stamp.get(..16).unwrap_or_default();
        book.add(
            Row::of("pnotes")
                .numbers([
                    ("id", number),
                    ("pid", pid),
                    ("activity", 1),
                    ("authorized", 1),
                    ("deleted", 0),
                ])
                .texts([
                    ("user", "portal-user"),
                    ("groupname", "Default"),
                    ("title", title),
                    ("assigned_to", to),
                    ("message_status", "New"),
                ])
                .set("date", at)
                .set("body", format!("{stamp} (portal-user to {to}) {text}")),
        );
    }
    if let Some(person) = PEOPLE.iter().find(|person| person.pid == MOVED) {
        review(book, person);
    }
    form(book);
    book.run(Sql::new(SEQUENCE_SET).bind(SEQUENCE));
}

/// A form the practice put before the patient.
fn form(book: &mut Book<'_>) {
    book.add(
        Row::of("onsite_documents")
            .numbers([
                ("id", 1),
                ("pid", MOVED),
                ("facility", 0),
                ("provider", 0),
                ("encounter", 0),
                ("patient_signed_status", 0),
                ("accept_signed_status", 0),
            ])
            .texts([
                ("doc_type", "Medical History"),
                ("authorizing_signator", ""),
                ("denial_reason", "New"),
                ("file_name", "Medical History.tpl"),
                ("file_path", "1"),
            ])
            .set("create_date", book.at(-3, time!(9:40))),
    );
}

/// The portal sends every field of its page, changed or not (facts 2.10).
fn review(book: &mut Book<'_>, person: &Person) {
    let [title, first, middle, last] = person.name;
    let [sex, race, ethnicity, language, marital] = person.is;
    let [_, city, zip] = person.lives;
    let [home, work, _] = person.phones;
    let born = date_text(person.born);
    let fields = php::array(&[
        ("title", title),
        ("fname", first),
        ("mname", middle),
        ("lname", last),
        ("DOB", &born),
        ("sex", sex),
        ("race", race),
        ("ethnicity", ethnicity),
        ("language", language),
        ("status", marital),
        ("street", "27 Mariner Lane"),
        ("city", city),
        ("state", "MA"),
        ("postal_code", zip),
        ("country_code", "USA"),
        ("phone_home", home),
        ("phone_biz", work),
        ("phone_cell", "978-555-0199"),
        ("email", person.email),
        ("email_direct", person.email),
        ("note", "Nos mudamos al número 27. We moved up the street."),
    ]);
    book.add(
        Row::of("onsite_portal_activity")
            .numbers([
                ("id", 1),
                ("patient_id", person.pid),
                ("require_audit", 1),
                ("action_user", 0),
            ])
            .texts([
                ("activity", "profile"),
                ("pending_action", "review"),
                ("action_taken", ""),
                ("status", "waiting"),
                ("narrative", "Patient request changes to demographics."),
                ("table_action", ""),
                ("table_args", &fields),
                ("checksum", "0"),
            ])
            .set("date", book.at(-1, time!(20:15))),
    );
}
