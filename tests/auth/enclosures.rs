//! Documents that go along with messages on the pages, the links to them, and messages of every kind that OpenEMR's own screens
//! leave behind (portal rules F139, F144, F146).

use axum::http::StatusCode;

use super::documents;
use super::documents::PDF;
use super::documents::file;
use super::documents::part;
use super::mailbox::run;
use super::messages::DESK;
use super::messages::HERE;
use super::messages::after;
use super::messages::at_home;
use super::messages::sent;
use super::messages::thread;
use super::staff::at_the_desk;
use super::staff::csrf;
use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::browser::Browser;
use crate::clinic::engine::LAYOUTS;

/// Sends a form of a page with a file as a browser does.
async fn with_file(
    browser: &mut Browser<'_>,
    (page, path): (&Answer, &str),
    fields: &[(&str, &str)],
    (name, bytes): (&str, &[u8]),
) -> Answer {
    let ticket = after(&page.text(), "name=\"ticket\" value=\"");
    let mut parts = vec![part("csrf", &csrf(page)), part("ticket", &ticket)];
    parts.extend(fields.iter().map(|(name, text)| part(name, text)));
    parts.push(file(name, bytes));
    documents::sent(browser, path, &parts).await
}

/// Sends the form of a page that has room for a file as a browser does: every field in the order of the page.
async fn as_it_stands(
    browser: &mut Browser<'_>,
    (page, path): (&Answer, &str),
    typed: &[(&str, &str)],
    bytes: &[u8],
) -> Answer {
    let html = page.text();
    let form = html.split("enctype=\"multipart/form-data\"").nth(1);
    let form = form.and_then(|rest| rest.split("</form>").next());
    let form = form.unwrap_or_else(|| panic!("no room for a file: {html}"));
    let of = |tag: &str, name: &str| {
        let value = tag.split(&format!(" {name}=\"")).nth(1);
        value.and_then(|rest| rest.split('"').next().map(str::to_owned))
    };
    let mut parts = Vec::new();
    for tag in form.split('<').filter_map(|tag| tag.split('>').next()) {
        let Some(name) = of(tag, "name") else {
            continue;
        };
        let text = typed.iter().find(|(known, _)| *known == name);
        parts.push(match text {
            _ if name == "file" => file("scan.pdf", bytes),
            Some((_, text)) => part(&name, text),
            None => part(&name, &of(tag, "value").unwrap_or_default()),
        });
    }
    documents::sent(browser, path, &parts).await
}

/// The addresses of the documents a page of a thread tells of.
fn links(html: &str) -> Vec<String> {
    let lists = html.split("<ul class=\"chips\"").skip(1);
    let items = lists.filter_map(|list| list.split("</ul>").next());
    items
        .flat_map(|list| list.split("href=\"").skip(1))
        .filter_map(|rest| rest.split('"').next().map(str::to_owned))
        .collect()
}

async fn the_papers(clinic: Clinic) {
    let maria = clinic.patient("active");
    let (mut home, _) = at_home(&clinic, maria).await;
    let new = format!("{HERE}/new");
    let form = home.get(&new).await;
    let lee = form
        .text()
        .split("<option value=\"")
        .find(|one| one.contains("Donna Lee"))
        .and_then(|one| one.split('"').next().map(str::to_owned))
        .expect("Donna Lee takes messages");
    let fields = [("to", lee.as_str()), ("title", "Rash"), ("body", "See it.")];
    // What the rules of documents refuse is told on the page, and what was typed is kept.
    let no = with_file(&mut home, (&form, &new), &fields, ("a.pdf", b"")).await;
    assert_eq!(no.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", no.text());
    assert!(no.text().contains("This file is empty"), "{}", no.text());
    assert!(no.text().contains("See it."));
    let done = with_file(&mut home, (&form, &new), &fields, ("rash.pdf", PDF)).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    let again = with_file(&mut home, (&form, &new), &fields, ("rash.pdf", PDF)).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER, "{}", again.text());
    let filed = "SELECT CONCAT_WS('|', (SELECT COUNT(*) FROM onsite_mail WHERE title = 'Rash'), \
        (SELECT COUNT(*) FROM documents WHERE name = 'rash.pdf')) AS text";
    assert_eq!(clinic.look(filed).await, "2|1", "two clicks are one");
    let ledger = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_audit WHERE action = 'DocumentReference.create' AND outcome = 'success'";
    assert_eq!(clinic.look(ledger).await, "1");
    // Both sides follow the links their own page has.
    let sent_folder = home.get(&format!("{HERE}?folder=sent")).await.text();
    let mine = thread(&sent_folder, "Rash");
    let conversation = home.get(&mine).await.text();
    let own = links(&conversation);
    assert_eq!(own.len(), 1, "{conversation}");
    assert_eq!(home.get(&own[0]).await.bytes, PDF);
    let (mut desk, _) = at_the_desk(&clinic, "dlee").await;
    let inbox = desk.get(DESK).await.text();
    let address = thread(&inbox, "Rash");
    let opened = desk.get(&address).await;
    for link in links(&opened.text()) {
        let followed = desk.get(&link).await;
        assert_eq!(followed.status, StatusCode::OK, "{link}");
        assert_eq!(followed.bytes, PDF);
    }
    let reply = [("decision", "reply"), ("body", "Use this.")];
    let done = with_file(
        &mut desk,
        (&opened, &address),
        &reply,
        ("plan.txt", b"Twice a day."),
    )
    .await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    let told = "SELECT CONCAT_WS('|', SUM(CASE WHEN action = 'DocumentReference.create' THEN 1 ELSE 0 END), \
        SUM(CASE WHEN action = 'DocumentReference.share' THEN 1 ELSE 0 END)) AS text FROM anteroom_audit WHERE outcome = 'success'";
    assert_eq!(clinic.look(told).await, "2|1", "filed and shared by staff");
    let inbox = home.get(HERE).await.text();
    let conversation = home.get(&thread(&inbox, "Rash")).await.text();
    assert!(conversation.contains("plan.txt"), "{conversation}");
    let theirs = links(&conversation);
    assert_eq!(theirs.len(), 2, "{conversation}");
    assert_eq!(home.get(&theirs[1]).await.bytes, b"Twice a day.");
    let opened = desk.get(&address).await.text();
    let last = links(&opened).pop().expect("their own");
    assert_eq!(desk.get(&last).await.bytes, b"Twice a day.");
    // Nobody else follows either.
    let sean = clinic.patients("active").nth(1).expect("another");
    let (mut other, _) = at_home(&clinic, sean).await;
    for link in theirs {
        assert_eq!(other.get(&link).await.status, StatusCode::NOT_FOUND);
    }
    // A form without a token of ours is nothing, whatever it carries.
    let parts = [part("csrf", "x"), file("a.pdf", PDF)];
    let no = documents::sent(&mut home, &mine, &parts).await;
    assert_eq!(no.status, StatusCode::FORBIDDEN);
    clinic.close().await;
}

#[tokio::test]
async fn f144_a_document_goes_along_from_the_pages_and_its_link_opens_it() {
    the_papers(Clinic::open().await).await;
}

#[tokio::test]
async fn f144_a_document_goes_along_from_the_pages_on_mariadb_in_every_layout() {
    for layout in LAYOUTS {
        if let Some(clinic) = Clinic::on_mariadb(layout).await {
            the_papers(clinic).await;
        }
    }
}

/// Of a file that is too large the page speaks, and keeps what was typed: whatever a browser sends behind the file was not read.
#[tokio::test]
async fn f144_a_file_that_is_too_large_loses_nothing_that_was_typed() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let (mut desk, _) = at_the_desk(&clinic, "dlee").await;
    let new = format!("{DESK}/new");
    let mut form = desk.get(&format!("{new}?patient={}", maria.id)).await;
    assert!(form.text().contains("data-most=\"20971520\""), "checked");
    assert!(form.text().contains("src=\"/assets/send.js\""), "by whom");
    let told = |no: &Answer| {
        assert_eq!(no.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", no.text());
        let html = no.text();
        let alert = html.split("role=\"alert\"").nth(1);
        let alert = alert.and_then(|rest| rest.split("</div>").next());
        assert!(alert.is_some_and(|text| text.contains("larger than 20 MiB")));
    };
    let typed = [("title", "Plan"), ("body", "Twice a day.")];
    // One that is found too large while it is read, and one that says so before.
    for size in [20 * 1024 * 1024 + 1, 22 * 1024 * 1024] {
        let bytes = vec![b'x'; size];
        form = as_it_stands(&mut desk, (&form, &new), &typed, &bytes).await;
        told(&form);
        let html = form.text();
        assert!(html.contains("value=\"Plan\"") && html.contains("Twice a day."));
    }
    let none = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM onsite_mail WHERE title = 'Plan'";
    assert_eq!(clinic.look(none).await, "0");
    let done = as_it_stands(&mut desk, (&form, &new), &typed, PDF).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    let (mut home, inbox) = at_home(&clinic, maria).await;
    let mine = thread(&inbox.text(), "Plan");
    let opened = home.get(&mine).await;
    let reply = [("body", "And at night?")];
    let bytes = vec![b'x'; 21 * 1024 * 1024];
    let no = as_it_stands(&mut home, (&opened, &mine), &reply, &bytes).await;
    told(&no);
    assert!(no.text().contains("And at night?"), "{}", no.text());
    let done = as_it_stands(&mut home, (&no, &mine), &reply, PDF).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    clinic.close().await;
}

/// What came after a page was shown is neither read, put away nor completed with it.
#[tokio::test]
async fn f146_what_arrives_meanwhile_stays_new() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let (mut desk, _) = at_the_desk(&clinic, "dlee").await;
    let new = format!("{DESK}/new?patient={}", maria.id);
    let form = desk.get(&new).await;
    let fields = [
        ("decision", "send"),
        ("patient", maria.id.as_str()),
        ("title", "Meanwhile"),
        ("body", "One."),
    ];
    let done = sent(&mut desk, (&form, &format!("{DESK}/new")), &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    let looked = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_audit WHERE action = 'Patient.read' AND actor LIKE 'Practitioner/%'";
    for _ in 0..100 {
        if clinic.look(looked).await != "0" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_ne!(
        clinic.look(looked).await,
        "0",
        "whose form was opened is told"
    );
    let (mut home, inbox) = at_home(&clinic, maria).await;
    let mine = thread(&inbox.text(), "Meanwhile");
    let shown = home.get(&mine).await;
    let folder = desk.get(&format!("{DESK}?folder=sent")).await.text();
    let theirs = thread(&folder, "Meanwhile");
    let page = desk.get(&theirs).await;
    let more = [("decision", "reply"), ("body", "Two.")];
    let done = sent(&mut desk, (&page, &theirs), &more).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    let rows = "SELECT CONCAT_WS('|', MIN(message_status), MAX(message_status), SUM(deleted)) AS text \
        FROM onsite_mail WHERE title = 'Meanwhile' AND owner <> 'dlee'";
    assert_eq!(clinic.look(rows).await, "New|Read|0");
    for deed in ["archive", "complete"] {
        let done = sent(&mut home, (&shown, &mine), &[("decision", deed)]).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    }
    assert_eq!(clinic.look(rows).await, "Done|New|1", "the second is new");
    let inbox = home.get(HERE).await.text();
    assert!(
        inbox.contains("Meanwhile") && inbox.contains(">Unread<"),
        "{inbox}"
    );
    // A page that does not say what it showed sorts nothing.
    let bare = [("csrf", csrf(&shown)), ("decision", "archive".to_owned())];
    let no = home.post(&mine, &bare).await;
    assert_eq!(no.status, StatusCode::BAD_REQUEST, "{}", no.text());
    clinic.close().await;
}

/// Rows as OpenEMR's own screens and its versions before 7.0.2 leave them: owners under three names, HTML, names and titles with
/// signs in them, no sender, no thread, a day of zeros.
const ODD: &str = "INSERT INTO onsite_mail (date, owner, user, groupname, activity, authorized, title, body, recipient_id, \
    recipient_name, sender_id, sender_name, assigned_to, deleted, message_status, mail_chain, reply_mail_chain, is_msg_encrypted) \
    SELECT '2020-01-01 09:00:00', CONCAT(p.fname, p.id), 'dlee', 'Default', 1, 1, 'By &lt;first&gt; name', \
    '<p>Take <b>one</b></p><script>alert(1)</script><img src=x onerror=alert(2)><a href=\"javascript:alert(3)\">x</a>', \
    CONCAT(p.fname, p.id), 'Maria', 'dlee', 'Lee <i>Donna</i>', '', 0, 'New', 0, 0, 0 FROM patient_data p WHERE p.pid = 1 \
    UNION ALL SELECT '2020-01-02 09:00:00', CONCAT(p.fname, p.lname, p.id), 'dlee', 'Default', 1, 1, 'By both names', \
    'a &lt;script&gt;alert(4)&lt;/script&gt; b', CONCAT(p.fname, p.lname, p.id), 'Maria', NULL, '', '', 0, 'New', 0, 0, 0 \
    FROM patient_data p WHERE p.pid = 1";

async fn the_odd_rows(clinic: Clinic) {
    run(&clinic, ODD).await;
    let maria = clinic.patient("active");
    let (mut home, inbox) = at_home(&clinic, maria).await;
    let html = inbox.text();
    assert!(html.contains("By &#60;first&#62; name"), "{html}");
    assert!(html.contains("By both names"), "{html}");
    let opened = home.get(&thread(&html, "By &#60;first")).await.text();
    assert!(opened.contains("Take <b>one</b>"), "{opened}");
    for bad in [
        "<script>alert",
        "onerror",
        "javascript:",
        "<i>Donna",
        "By both",
    ] {
        assert!(!opened.contains(bad), "{bad}: {opened}");
    }
    let opened = home.get(&thread(&html, "By both names")).await.text();
    assert!(!opened.contains("<script>alert"), "{opened}");
    assert!(!opened.contains("Take <b>one</b>"), "another conversation");
    let rows = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM onsite_mail WHERE title LIKE 'By %' AND message_status = 'Read'";
    assert_eq!(clinic.look(rows).await, "2");
    clinic.close().await;
}

#[tokio::test]
async fn f139_what_openemr_left_behind_is_shown_whole_and_harmless() {
    the_odd_rows(Clinic::open().await).await;
}

#[tokio::test]
async fn f139_what_openemr_left_behind_is_shown_on_mariadb_in_every_layout() {
    for layout in LAYOUTS {
        if let Some(clinic) = Clinic::on_mariadb(layout).await {
            the_odd_rows(clinic).await;
        }
    }
}
