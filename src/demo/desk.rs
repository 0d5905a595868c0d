//! What waits for staff: a profile edit to review, and notes about what patients did in the portal.

use time::macros::time;

use crate::db::sql::Sql;
use crate::db::sql::date_text;
use crate::db::sql::datetime_text;
use crate::demo::book::Book;
use crate::demo::book::Row;
use crate::demo::people::PEOPLE;
use crate::demo::people::Person;
use crate::domain::forms::outline;
use crate::emr::forms;
use crate::emr::php;

/// The patient whose profile edit waits.
const MOVED: i64 = 1;

/// Templates as practices write them in OpenEMR: title, its category there, text with directives.
const TEMPLATES: [(&str, &str, &str); 2] = [
    (
        "Notice of Privacy Practices",
        "Advance Directive",
        "I, {PatientName}, born {PatientDOB}, have read the notice of privacy practices of this practice.\n\
        {CheckMark} I agree to be called at {PatientPhone}\n\
        May we leave a message? {ynRadioGroup}\n\
        Who else may be told about my treatment: {TextInput}\n\
        Anything we should know?\n{TextBox:03x080}\n{PatientSignature}",
    ),
    (
        "Insurance Information",
        "",
        "Name of the insurance: {TextInput}\nNumber: {TextInput}\nValid since {DatePicker}\n\
        Present medications: {Medications}\n{PatientSignature}",
    ),
];

/// What is the matter with the patient the form waits for: type, title, comment, days ago.
const ISSUES: [(&str, &str, &str, i64); 4] = [
    ("medical_problem", "Essential hypertension", "", 900),
    ("medication", "Lisinopril 10 mg", "one in the morning", 800),
    ("medication", "Cetirizine 10 mg", "", 200),
    ("allergy", "Penicillin", "rash", 2_000),
];

/// The form that waits for the patient, as `domain::forms::outline` has it.
const HISTORY: &str = "# Your health\nPlease tell us what we should know before your visit.\n\
    -- Illnesses and operations *\n- Medications you take\n-d Last check-up\n-y Do you smoke?\n\
    [] I would like to talk about something else, too";

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
    issues(book);
    book.run(Sql::new(SEQUENCE_SET).bind(SEQUENCE));
}

/// What OpenEMR's templates name of a chart.
fn issues(book: &mut Book<'_>) {
    for (number, (kind, title, comment, days)) in (1..).zip(ISSUES) {
        let at = book.at(-days, time!(9:00));
        book.add(
            Row::of("lists")
                .numbers([("id", number), ("pid", MOVED), ("activity", 1)])
                .texts([
                    ("type", kind),
                    ("title", title),
                    ("comments", comment),
                    ("user", "dlee"),
                ])
                .set("date", at)
                .set("begdate", at),
        );
    }
}

/// A form the practice put before the patient.
fn form(book: &mut Book<'_>) {
    for (number, (title, category, text)) in (1..).zip(TEMPLATES) {
        book.add(
            Row::of("document_templates")
                .numbers([
                    ("id", number),
                    ("pid", 0),
                    ("provider", 0),
                    ("encounter", 0),
                    ("size", i64::try_from(text.len()).unwrap_or_default()),
                ])
                .texts([
                    ("profile", ""),
                    ("category", category),
                    ("location", ""),
                    ("template_name", title),
                    ("status", "New"),
                    ("mime", "text/plain"),
                ])
                .set("template_content", text.as_bytes().to_vec())
                .set("modified_date", book.at(-30, time!(9:00)))
                .set("send_date", book.at(-30, time!(9:00))),
        );
    }
    let history = outline::read(HISTORY).unwrap_or_default();
    book.add(
        Row::of("onsite_documents")
            .set("full_document", forms::blank(&history).into_bytes())
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
