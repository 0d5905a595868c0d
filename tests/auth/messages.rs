//! Messages without an app: the patient's pages and the desk's, through to OpenEMR's own rows (portal rules F139 to F146).

use axum::http::StatusCode;

use anteroom::demo::manifest::PatientLogin;
use anteroom::worker::telling;
use anteroom::worker::telling::Of;

use super::mailbox::own_page;
use super::mailbox::run;
use super::staff::at_the_desk;
use super::staff::csrf;
use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::browser::Browser;
use crate::clinic::engine::LAYOUTS;

pub(super) const HERE: &str = "/account/messages";
pub(super) const DESK: &str = "/staff/messages";

const ROWS: &str = "SELECT CONCAT_WS('|', owner, sender_id, message_status, activity, deleted) AS text \
    FROM onsite_mail WHERE title = 'Swimming <b>' ORDER BY id";

/// The value of the first attribute behind a mark in a page.
pub(super) fn after(html: &str, mark: &str) -> String {
    let rest = html.split(mark).nth(1);
    let value = rest.and_then(|rest| rest.split('"').next());
    value
        .unwrap_or_else(|| panic!("no {mark} in {html}"))
        .replace("&#38;", "&")
}

/// The address of the thread with this title in a folder.
pub(super) fn thread(html: &str, title: &str) -> String {
    let row = html
        .split("<tr>")
        .find(|row| row.contains(title))
        .unwrap_or_else(|| panic!("no {title} in {html}"));
    after(row, "href=\"")
}

/// Fills a page's form in and sends it.
pub(super) async fn sent(
    browser: &mut Browser<'_>,
    (page, path): (&Answer, &str),
    more: &[(&'static str, &str)],
) -> Answer {
    let mut fields = vec![("csrf", csrf(page))];
    for name in ["ticket", "seen", "list"] {
        if page.text().contains(&format!("name=\"{name}\"")) {
            let value = after(&page.text(), &format!("name=\"{name}\" value=\""));
            fields.push((name, value));
        }
    }
    fields.extend(more.iter().map(|(name, text)| (*name, (*text).to_owned())));
    browser.post(path, &fields).await
}

/// A patient's browser at the own messages.
pub(super) async fn at_home<'c>(
    clinic: &'c Clinic,
    patient: &PatientLogin,
) -> (Browser<'c>, Answer) {
    let mut browser = clinic.browser();
    let login = (patient.username.as_str(), patient.password.as_str());
    let page = own_page(&mut browser, login, HERE).await;
    (browser, page)
}

async fn the_whole_story(clinic: Clinic) {
    let maria = clinic.patient("active");
    let (mut home, inbox) = at_home(&clinic, maria).await;
    assert!(
        inbox.text().contains("<h1>Messages</h1>"),
        "{}",
        inbox.text()
    );
    let form = home.get(&format!("{HERE}/new")).await;
    let lee = form
        .text()
        .split("<option value=\"")
        .find(|one| one.contains("Donna Lee"))
        .and_then(|one| one.split('"').next().map(str::to_owned))
        .expect("Donna Lee takes messages");
    // What is not whole is said where it was typed, and kept.
    let new = format!("{HERE}/new");
    let no = sent(&mut home, (&form, &new), &[("to", &lee), ("body", " ")]).await;
    assert_eq!(no.status, StatusCode::BAD_REQUEST);
    assert!(
        no.text().contains("Write something first."),
        "{}",
        no.text()
    );
    let no = sent(&mut home, (&form, &new), &[("body", "May I?")]).await;
    assert!(
        no.text().contains("Choose whom you write to."),
        "{}",
        no.text()
    );
    assert!(no.text().contains("May I?"));
    let text = "May I swim?\r\n\r\n<script>alert(1)</script>";
    let fields = [
        ("to", lee.as_str()),
        ("title", "Swimming <b>"),
        ("body", text),
    ];
    let done = sent(&mut home, (&form, &new), &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    // Two clicks are one message.
    let again = sent(&mut home, (&form, &new), &fields).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER, "{}", again.text());
    let rows = clinic.look("SELECT CONCAT_WS('|', COUNT(*), COUNT(DISTINCT owner), MIN(message_status), MAX(message_status)) AS text FROM onsite_mail WHERE title = 'Swimming <b>'").await;
    assert_eq!(rows, "2|2|New|New");
    // Staff read it: it is first and unread.
    let (mut desk, _) = at_the_desk(&clinic, "dlee").await;
    let page = desk.get(DESK).await;
    let html = page.text();
    assert!(
        html.contains("Swimming &#60;b&#62;") && html.contains(">Unread<"),
        "{html}"
    );
    let address = thread(&html, "Swimming");
    let opened = desk.get(&address).await;
    let html = opened.text();
    assert!(
        html.contains("May I swim?") && !html.contains("<script>alert"),
        "{html}"
    );
    let page = desk.get(DESK).await.text();
    let row = page
        .split("<tr>")
        .find(|row| row.contains("Swimming"))
        .expect("there");
    assert!(!row.contains(">Unread<"), "{row}");
    let reply = [("decision", "reply"), ("body", "Yes, in two weeks.")];
    let done = sent(&mut desk, (&opened, &address), &reply).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    // The patient has it in the same thread; what was opened is read.
    let inbox = home.get(HERE).await.text();
    let mine = thread(&inbox, "Swimming");
    let conversation = home.get(&mine).await;
    let html = conversation.text();
    assert!(
        html.contains("May I swim?") && html.contains("Yes, in two weeks."),
        "{html}"
    );
    let statuses = clinic.look("SELECT CONCAT_WS('|', COUNT(*), SUM(CASE WHEN message_status = 'Read' THEN 1 ELSE 0 END)) AS text FROM onsite_mail WHERE title = 'Swimming <b>'").await;
    assert_eq!(
        statuses,
        "4|2",
        "one read at each end: {}",
        clinic.look(ROWS).await
    );
    let more = [("decision", "reply"), ("body", "Thank you.")];
    let done = sent(&mut home, (&conversation, &mine), &more).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    // F146: staff complete it; the patient's own copies stay the patient's.
    let opened = desk.get(&address).await;
    let done = sent(&mut desk, (&opened, &address), &[("decision", "complete")]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    let counted = clinic.look("SELECT CONCAT_WS('|', COUNT(*), SUM(CASE WHEN message_status = 'Done' AND activity = 0 AND owner = 'dlee' THEN 1 ELSE 0 END)) AS text FROM onsite_mail WHERE title = 'Swimming <b>'").await;
    assert_eq!(counted, "6|3");
    let opened = home.get(&mine).await;
    let done = sent(&mut home, (&opened, &mine), &[("decision", "archive")]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    assert!(!home.get(HERE).await.text().contains("Swimming"));
    let archive = home.get(&format!("{HERE}?folder=archive")).await.text();
    let away = thread(&archive, "Swimming");
    let opened = home.get(&away).await;
    let done = sent(&mut home, (&opened, &away), &[("decision", "back")]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    assert!(home.get(HERE).await.text().contains("Swimming"));
    // Another patient's thread is not there.
    let sean = clinic.patients("active").nth(1).expect("another");
    let (mut other, _) = at_home(&clinic, sean).await;
    assert_eq!(other.get(&mine).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        desk.get(&mine.replace(HERE, DESK)).await.status,
        StatusCode::NOT_FOUND
    );
    // Staff write to a patient they look for.
    let new = format!("{DESK}/new");
    let page = desk.get(&new).await;
    let found = [("decision", "search"), ("search", "delg")];
    let found = sent(&mut desk, (&page, &new), &found).await;
    assert!(found.text().contains(&maria.id), "{}", found.text());
    let form = desk.get(&format!("{new}?patient={}", maria.id)).await;
    let fields = [
        ("decision", "send"),
        ("patient", maria.id.as_str()),
        ("title", "Bill"),
        ("topic", "payment"),
        ("body", "It is paid."),
    ];
    let done = sent(&mut desk, (&form, &new), &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    assert!(home.get(HERE).await.text().contains("Bill"));
    // While the portal is off nothing is shown.
    run(
        &clinic,
        "UPDATE globals SET gl_value = '0' WHERE gl_name = 'portal_onsite_two_enable'",
    )
    .await;
    clinic.wait(time::Duration::seconds(2));
    let off = home.get(HERE).await.text();
    assert!(
        off.contains("switched off") && !off.contains("Bill"),
        "{off}"
    );
    clinic.close().await;
}

#[tokio::test]
async fn f139_f140_f146_patients_and_staff_write_on_pages() {
    the_whole_story(Clinic::open().await).await;
}

#[tokio::test]
async fn f139_f140_f146_the_same_on_mariadb_in_every_layout() {
    for layout in LAYOUTS {
        if let Some(clinic) = Clinic::on_mariadb(layout).await {
            the_whole_story(clinic).await;
        }
    }
}

#[tokio::test]
async fn f141_f164_staff_who_take_no_part_have_no_mailbox_here_and_that_is_told() {
    let clinic = Clinic::open().await;
    let (mut desk, _) = at_the_desk(&clinic, "dlee").await;
    run(
        &clinic,
        "UPDATE users SET portal_user = 0 WHERE username = 'dlee'",
    )
    .await;
    let no = desk.get(DESK).await;
    assert_eq!(no.status, StatusCode::FORBIDDEN, "{}", no.text());
    let ledger = clinic.look("SELECT CONCAT_WS('|', action, outcome, reason) AS text FROM anteroom_audit WHERE action = 'staff.desk' ORDER BY id DESC").await;
    assert_eq!(ledger, "staff.desk|refused|needs users.portal_user");
    clinic.close().await;
}

/// Whoever sees a patient's name on the form of a message is told of, whichever way it came to be shown; so is a no, with whom it
/// was about.
#[tokio::test]
async fn f139_the_ledger_says_whom_a_message_of_staff_was_about() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let (mut desk, _) = at_the_desk(&clinic, "dlee").await;
    let new = format!("{DESK}/new");
    let form = desk.get(&new).await;
    let looked = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_audit \
        WHERE action = 'Patient.read' AND actor LIKE 'Practitioner/%' AND patient IS NOT NULL";
    assert_eq!(clinic.look(looked).await, "0");
    run(
        &clinic,
        "UPDATE patient_data SET allow_patient_portal = 'NO' WHERE pid = 1",
    )
    .await;
    let fields = |decision, body| {
        [
            ("decision", decision),
            ("patient", maria.id.as_str()),
            ("search", "delg"),
            ("title", "x"),
            ("body", body),
        ]
    };
    for (told, (decision, body)) in [("search", ""), ("send", " "), ("send", "Hello.")]
        .into_iter()
        .enumerate()
    {
        let page = sent(&mut desk, (&form, &new), &fields(decision, body)).await;
        assert!(page.text().contains("Delgado"), "{}", page.text());
        let told = (told + 1).to_string();
        // Looks are told a moment later.
        for _ in 0..100 {
            if clinic.look(looked).await == told {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!(clinic.look(looked).await, told, "{decision} {body}");
    }
    let no = "SELECT CONCAT_WS('|', COUNT(*), MIN(reason)) AS text FROM anteroom_audit \
        WHERE action = 'Communication.create' AND outcome = 'refused' AND patient IS NOT NULL";
    assert_eq!(clinic.look(no).await, "1|message.patient-off");
    clinic.close().await;
}

/// Where nobody takes part, patients are offered the first user, who reads what they write and writes to many.
#[tokio::test]
async fn f141_f143_the_first_user_is_at_the_desk_where_nobody_takes_part() {
    let clinic = Clinic::open().await;
    run(&clinic, "UPDATE users SET portal_user = 0").await;
    let (mut home, _) = at_home(&clinic, clinic.patient("active")).await;
    let new = format!("{HERE}/new");
    let form = home.get(&new).await;
    let html = form.text();
    let list = html.split("<select id=\"to\"").nth(1);
    let list = list.and_then(|rest| rest.split("</select>").next());
    let list = list.unwrap_or_else(|| panic!("no list: {html}"));
    // The first one is nobody.
    let offered: Vec<&str> = list.split("<option value=\"").skip(2).collect();
    assert_eq!(offered.len(), 1, "{html}");
    let first = offered[0].split('"').next().unwrap_or_default().to_owned();
    let fields = [("to", first.as_str()), ("title", "Run"), ("body", "May I?")];
    let done = sent(&mut home, (&form, &new), &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    let (mut desk, page) = at_the_desk(&clinic, "nhaddad").await;
    assert!(page.text().contains(DESK), "{}", page.text());
    let inbox = desk.get(DESK).await;
    assert_eq!(inbox.status, StatusCode::OK, "{}", inbox.text());
    let address = thread(&inbox.text(), "Run");
    let opened = desk.get(&address).await;
    let reply = [("decision", "reply"), ("body", "Yes.")];
    let done = sent(&mut desk, (&opened, &address), &reply).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    let many = desk.get(&format!("{DESK}/many")).await;
    assert_eq!(many.status, StatusCode::OK, "{}", many.text());
    let listed = desk.get("/staff/addressees").await.text();
    assert!(listed.contains("Patients are offered the first account"));
    assert!(!listed.contains("and to nobody else"), "{listed}");
    let (mut other, page) = at_the_desk(&clinic, "dlee").await;
    assert!(!page.text().contains(DESK), "{}", page.text());
    assert_eq!(other.get(DESK).await.status, StatusCode::FORBIDDEN);
    clinic.close().await;
}

/// One row of a message as OpenEMR's own screens write it into the first patient's mailbox.
const FROM_OPENEMR: &str = "INSERT INTO onsite_mail (date, owner, user, groupname, activity, authorized, title, body, \
    recipient_id, recipient_name, sender_id, sender_name, assigned_to, deleted, message_status, mail_chain, \
    reply_mail_chain, is_msg_encrypted) SELECT '2020-01-01 09:00:00', a.portal_username, 'dlee', 'Default', 1, 1, \
    'Secret', '<p>secret</p>', a.portal_username, 'Maria', 'dlee', 'Donna Lee', '', 0, 'New', 0, 0, 0 \
    FROM patient_access_onsite a WHERE a.pid = (SELECT MIN(p.pid) FROM patient_data p WHERE p.allow_patient_portal = 'YES')";

async fn the_letters(clinic: Clinic) {
    let look = async || {
        telling::look(clinic.app.as_ref(), Of::Messages)
            .await
            .expect("a look")
    };
    assert_eq!(look().await, 0, "of what was there before nobody is told");
    run(&clinic, FROM_OPENEMR).await;
    assert_eq!(look().await, 1);
    let told = clinic
        .look("SELECT CONCAT_WS('|', letter, told) AS text FROM anteroom_outbox ORDER BY id DESC")
        .await;
    assert_eq!(told, "message|{}", "nothing of it");
    run(&clinic, FROM_OPENEMR).await;
    run(&clinic, FROM_OPENEMR).await;
    assert_eq!(look().await, 0, "one letter an hour");
    clinic.wait(time::Duration::minutes(61));
    let (one, other) = tokio::join!(look(), look());
    assert_eq!(one + other, 1, "one for both, however many servers look");
    clinic.wait(time::Duration::minutes(61));
    assert_eq!(look().await, 0);
    // What was read meanwhile needs no letter.
    run(&clinic, FROM_OPENEMR).await;
    run(
        &clinic,
        "UPDATE onsite_mail SET message_status = 'Read' WHERE message_status = 'New'",
    )
    .await;
    assert_eq!(look().await, 0);
    run(&clinic, "DELETE FROM anteroom_outbox").await;
    clinic.close().await;
}

#[tokio::test]
async fn f139_a_letter_says_that_there_is_a_message_and_nothing_of_it() {
    the_letters(Clinic::open().await).await;
}

#[tokio::test]
async fn f139_a_letter_says_that_there_is_a_message_on_mariadb_in_every_layout() {
    for layout in LAYOUTS {
        if let Some(clinic) = Clinic::on_mariadb(layout).await {
            the_letters(clinic).await;
        }
    }
}
