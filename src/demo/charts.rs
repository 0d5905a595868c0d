//! What the front pages of the charts look like in OpenEMR's tables: demographics, names and addresses that were,
//! portal accounts.

use time::Date;
use time::macros::date;
use time::macros::time;

use crate::demo::book::Book;
use crate::demo::book::Row;
use crate::demo::people::Account;
use crate::demo::people::DECEASED;
use crate::demo::people::FORGETFUL;
use crate::demo::people::PEOPLE;
use crate::demo::people::Person;

/// How long a reset may be finished, in seconds.
const RESET_TIME: i64 = 3600;

/// The PIN of the pending reset.
const RESET_PIN: &str = "kT4mZq";

/// A name somebody had: pid, first, middle and last name, until when.
const FORMER_NAMES: [(i64, [&str; 3], Date); 3] = [
    (1, ["María", "José", "Fuentes"], date!(2011 - 06 - 18)),
    (2, ["John", "Patrick", "O'Connor"], date!(1999 - 03 - 01)),
    (8, ["Emily", "Rose", "Baker"], date!(2009 - 08 - 22)),
];

/// A place somebody lived: pid, street, city and ZIP, from and until when.
const FORMER_HOMES: [(i64, [&str; 3], [Date; 2]); 3] = [
    (
        1,
        ["88 Essex Avenue", "Gloucester", "01930"],
        [date!(2009 - 05 - 01), date!(2016 - 09 - 30)],
    ),
    (
        2,
        ["41 Dock Square", "Rockport", "01966"],
        [date!(1990 - 01 - 01), date!(2001 - 12 - 31)],
    ),
    (
        8,
        ["15 Elm Street", "Manchester", "01944"],
        [date!(2009 - 08 - 22), date!(2022 - 04 - 30)],
    ),
];

type Insured = (
    i64,
    &'static str,
    &'static str,
    [&'static str; 3],
    [&'static str; 3],
    Date,
);

/// Insurances: pid, rank, insurer, plan, policy and group number, relationship and name of the subscriber, first day.
/// Of one the patient has not brought the card yet: its policy number is not known.
const INSURANCES: [Insured; 4] = [
    (
        1,
        "primary",
        "1",
        ["Harbor Silver", "CHH-448120-01", "BOATYARD-7"],
        ["self", "María", "Delgado"],
        date!(2019 - 01 - 01),
    ),
    (
        2,
        "primary",
        "2",
        ["Part B", "1EG4-TE5-MK73", "B"],
        ["self", "Seán", "O'Connor"],
        date!(2022 - 11 - 01),
    ),
    (
        2,
        "secondary",
        "1",
        ["Harbor Supplement", "", "PILOTS-2"],
        ["spouse", "Fiona", "O'Connor"],
        date!(2022 - 11 - 01),
    ),
    (
        9,
        "primary",
        "1",
        ["Harbor Family", "CHH-731044-03", "SCHOOLS-1"],
        ["child", "Emily", "Thornton"],
        date!(2014 - 04 - 05),
    ),
];

/// The first of the numbers the old addresses took from `sequences`.
const FIRST_ADDRESS: i64 = 101;

/// Everybody's front page. `token` is 32 letters and digits that nobody can guess.
pub(super) fn write(book: &mut Book<'_>, token: &str) {
    for person in &PEOPLE {
        book.add_known(front_page(book, person), ("id", person.row()));
        if let Some(account) = &person.account {
            let reset = (person.pid == FORGETFUL).then(|| pending(token, book.epoch));
            book.add(access(book, person, account).set("portal_onetime", reset));
        }
    }
    former_names(book);
    former_homes(book);
    insurances(book);
}

fn front_page(book: &Book<'_>, person: &Person) -> Row {
    let [title, first, middle, last] = person.name;
    let [sex, race, ethnicity, language, marital] = person.is;
    let [street, city, zip] = person.lives;
    let [home, work, mobile] = person.phones;
    let seen = book.at(-30 - person.pid, time!(10:05));
    let died = (person.pid == DECEASED).then(|| book.at(-24, time!(04:20)));
    let mails = if person.email.is_empty() { "" } else { "YES" };
    let row = Row::of("patient_data")
        .numbers([
            ("id", person.row()),
            ("pid", person.pid),
            ("providerID", person.provider),
        ])
        .texts([
            ("title", title),
            ("fname", first),
            ("mname", middle),
            ("lname", last),
            ("sex", sex),
            ("race", race),
            ("ethnicity", ethnicity),
            ("language", language),
            ("status", marital),
            ("street", street),
            ("city", city),
            ("state", "MA"),
            ("postal_code", zip),
            ("country_code", "USA"),
            ("phone_home", home),
            ("phone_biz", work),
            ("phone_cell", mobile),
            ("email", person.email),
            ("email_direct", person.email),
            ("allow_patient_portal", person.portal),
            ("hipaa_notice", "YES"),
            ("hipaa_mail", "YES"),
        ])
        .set("pubpid", format!("HS-{:05}", 10_400 + person.pid))
        .set("DOB", person.born)
        .set("regdate", book.at(-1400 + 31 * person.pid, time!(09:30)))
        .set("date", seen)
        .set("deceased_date", died)
        .newer("last_updated", seen);
    let more = person.more.iter().copied();
    let consent = ("hipaa_allowemail", mails);
    let consent = (!person.more.iter().any(|(column, _)| *column == consent.0)).then_some(consent);
    more.chain(consent)
        .fold(row, |row, (column, text)| row.newer(column, text))
}

fn access(book: &Book<'_>, person: &Person, account: &Account) -> Row {
    Row::of("patient_access_onsite")
        .numbers([
            ("pid", person.pid),
            ("portal_pwd_status", account.own_password),
        ])
        .texts([
            ("portal_username", account.mailbox),
            ("portal_login_username", account.login),
            ("portal_pwd", account.hash),
        ])
        .newer("date_created", book.at(-200, time!(11:15)))
}

/// A reset as OpenEMR notes it: token, PIN, and the expiry's decimal digits in hex (facts 1.2).
fn pending(token: &str, epoch: i64) -> String {
    let digits = (epoch + RESET_TIME).to_string();
    let expiry: String = digits.bytes().map(|digit| format!("{digit:02x}")).collect();
    format!("{token}{RESET_PIN}{expiry}")
}

fn former_names(book: &mut Book<'_>) {
    for (number, (pid, [first, middle, last], until)) in (1..).zip(FORMER_NAMES) {
        let row = Row::of("patient_history")
            .numbers([("id", number), ("pid", pid)])
            .texts([
                ("history_type_key", "name_history"),
                ("previous_name_prefix", ""),
                ("previous_name_first", first),
                ("previous_name_middle", middle),
                ("previous_name_last", last),
                ("previous_name_suffix", ""),
            ])
            .set("previous_name_enddate", until)
            .set("date", book.at(-700, time!(09:00)));
        book.add_known(row, ("id", number));
    }
}

fn insurances(book: &mut Book<'_>) {
    for (number, (pid, rank, insurer, card, subscriber, from)) in (1..).zip(INSURANCES) {
        let [plan, policy, group] = card;
        let [relationship, first, last] = subscriber;
        let row = Row::of("insurance_data")
            .numbers([("id", number), ("pid", pid)])
            .texts([
                ("type", rank),
                ("provider", insurer),
                ("plan_name", plan),
                ("policy_number", policy),
                ("group_number", group),
                ("subscriber_relationship", relationship),
                ("subscriber_fname", first),
                ("subscriber_lname", last),
                ("accept_assignment", "TRUE"),
                ("policy_type", ""),
            ])
            .set("date", from);
        book.add_known(row, ("id", number));
    }
}

/// Old addresses hang on the patient through two tables that 6.1 does not have.
fn former_homes(book: &mut Book<'_>) {
    if !book.layout.has_table("contact") {
        return;
    }
    for (number, (pid, [street, city, zip], [from, until])) in (1..).zip(FORMER_HOMES) {
        let address = FIRST_ADDRESS - 1 + number;
        book.add(
            Row::of("addresses")
                .numbers([("id", address)])
                .texts([
                    ("line1", street),
                    ("city", city),
                    ("state", "MA"),
                    ("zip", zip),
                    ("country", "USA"),
                ])
                .newer("district", "Essex"),
        );
        book.add(
            Row::of("contact")
                .numbers([("id", number), ("foreign_id", pid)])
                .texts([("foreign_table_name", "patient_data")]),
        );
        book.add(
            Row::of("contact_address")
                .numbers([
                    ("id", number),
                    ("contact_id", number),
                    ("address_id", address),
                    ("priority", 2),
                ])
                .texts([
                    ("type", "both"),
                    ("use", "old"),
                    ("status", "A"),
                    ("is_primary", "N"),
                ])
                .set("period_start", from.midnight())
                .set("period_end", until.midnight())
                .set("created_date", book.at(-700, time!(09:00))),
        );
    }
}
