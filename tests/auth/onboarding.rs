//! The onboarding page: who sees it, what it shows, and what its buttons do.

use anteroom::config::accounts::Factor;
use anteroom::worker;
use axum::http::StatusCode;

use super::staff::at_the_desk;
use super::staff::csrf;
use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::browser::Browser;

const PAGE: &str = "/staff/onboarding";

async fn open(plain: bool) -> Clinic {
    Clinic::with(|config| {
        config.accounts.requires.clear();
        if !plain {
            config.accounts.invite_factor = Factor::Pin;
        }
    })
    .await
}

/// The line of a patient.
fn line(page: &Answer, id: &str) -> String {
    let html = page.text();
    let row = html.split("<tr>").find(|row| row.contains(id));
    row.unwrap_or_else(|| panic!("no line of {id}: {html}"))
        .to_owned()
}

async fn press(
    browser: &mut Browser<'_>,
    page: &Answer,
    (what, more): (&str, &[(&'static str, String)]),
) -> Answer {
    let mut fields = vec![("csrf", csrf(page)), ("do", what.to_owned())];
    fields.extend(more.iter().cloned());
    browser.post(PAGE, &fields).await
}

#[tokio::test]
async fn f099_f100_f102_f103_g04_every_patient_has_a_line_with_a_coloured_state() {
    let clinic = open(true).await;
    let (mut desk, home) = at_the_desk(&clinic, "nhaddad").await;
    assert!(
        home.text().contains("/staff/onboarding?status=never-used"),
        "{}",
        home.text()
    );
    let page = desk.get(PAGE).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    for (state, colour, words) in [
        ("active", "good", "Active"),
        ("not authorised", "bad", "Access is switched off"),
        ("must change", "wait", "Login made, never used"),
    ] {
        let row = line(&page, &clinic.patient(state).id);
        assert!(
            row.contains(&format!("pill {colour}")) && row.contains(words),
            "{row}"
        );
    }
    let maria = clinic.patient("active");
    let row = line(&page, &maria.id);
    assert!(
        !row.contains(&maria.email) && row.contains("m•••@example.com"),
        "{row}"
    );
    assert!(row.contains("Send a reset"), "{row}");
    let nobody = line(&page, &clinic.patient("no credentials, no e-mail").id);
    assert!(
        nobody.contains("No e-mail address") && !nobody.contains("invite:"),
        "{nobody}"
    );
    // Two who share a mailbox are told as that.
    let shared = line(&page, &clinic.patient("active, shared").id);
    assert!(shared.contains("Shared mailbox"), "{shared}");
    // By state, and by what is typed.
    let active = desk.get("/staff/onboarding?status=active").await;
    assert!(active.text().contains(&maria.id));
    assert!(!active.text().contains(&clinic.patient("not authorised").id));
    for text in ["delg", "maria.delgado@ex", "1984"] {
        let found = desk.get(&format!("{PAGE}?search={text}")).await;
        let is_there = found.text().contains(&maria.id);
        assert_eq!(is_there, text != "1984", "{text}");
    }
    let by_mail = desk.get(&format!("{PAGE}?search={}", maria.email)).await;
    assert!(by_mail.text().contains(&maria.id));
    // A page that is empty by now leads to the first one, which has a way back.
    for place in ["after=0", "before=999999999"] {
        let first = desk.get(&format!("{PAGE}?{place}")).await;
        assert!(first.text().contains(&maria.id), "{place}");
        assert!(!first.text().contains("Nobody"), "{}", first.text());
    }
    let none = desk.get(&format!("{PAGE}?search=zzzz")).await;
    assert!(none.text().contains("Nobody was found."));
    // As a table.
    let csv = desk.get("/staff/onboarding.csv").await;
    assert_eq!(
        csv.header("content-disposition"),
        "attachment; filename=\"onboarding.csv\""
    );
    let lines = csv.text().lines().count();
    let all = "SELECT CAST(COUNT(*) + 1 AS CHAR) AS text FROM patient_data";
    assert_eq!(clinic.look(all).await, lines.to_string());
    assert!(csv.text().contains(&maria.email));
    assert!(csv.text().starts_with("\u{feff}Number,Last name,"));
    let spanish = desk.get("/staff/onboarding.csv?lang=es").await;
    assert!(spanish.text().contains(",Compartido con,"));
    // Not for everybody.
    let (mut clerk, home) = at_the_desk(&clinic, "jpark").await;
    assert!(!home.text().contains(PAGE));
    for path in [PAGE, "/staff/onboarding.csv"] {
        assert_eq!(
            clerk.get(path).await.status,
            StatusCode::FORBIDDEN,
            "{path}"
        );
    }
    let posted = press(&mut clerk, &home, ("all", &[])).await;
    assert_eq!(posted.status, StatusCode::FORBIDDEN);
    clinic.close().await;
}

#[tokio::test]
async fn f094_f096_f101_f105_one_is_let_in_and_invited_in_place() {
    let clinic = open(true).await;
    let (mut desk, _) = at_the_desk(&clinic, "nhaddad").await;
    let page = desk.get(PAGE).await;
    let off = clinic.patient("not authorised");
    let both = format!("both:{}", off.id);
    // Nobody is let in without a word about the mailbox.
    let refused = press(&mut desk, &page, (&both, &[])).await;
    assert_eq!(
        refused.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        refused.text()
    );
    assert!(refused.text().contains("role=\"alert\"") && refused.text().contains("mailbox"));
    let letters = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_outbox";
    assert_eq!(clinic.look(letters).await, "0");
    let sure = [("attested", off.id.clone())];
    let done = press(&mut desk, &page, (&both, &sure)).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    let shown = desk.follow(done).await;
    assert!(
        shown.text().contains("has a login already"),
        "{}",
        shown.text()
    );
    assert!(
        line(&shown, &off.id).contains("Reset of"),
        "{}",
        line(&shown, &off.id)
    );
    let maria = clinic.patient("active");
    let done = press(&mut desk, &shown, (&format!("invite:{}", maria.id), &[])).await;
    assert!(
        desk.follow(done)
            .await
            .text()
            .contains("a letter to reset it is on its way")
    );
    let odd = press(&mut desk, &shown, (&format!("sell:{}", maria.id), &[])).await;
    assert_eq!(odd.status, StatusCode::BAD_REQUEST);
    clinic.close().await;
}

#[tokio::test]
async fn f093_a_pin_is_shown_once_and_many_at_once_are_not_offered() {
    let clinic = open(false).await;
    let (mut desk, _) = at_the_desk(&clinic, "nhaddad").await;
    let page = desk.get(PAGE).await;
    assert!(!page.text().contains("value=\"selected\""));
    let maria = clinic.patient("active");
    let shown = press(&mut desk, &page, (&format!("invite:{}", maria.id), &[])).await;
    assert_eq!(shown.status, StatusCode::OK);
    assert!(shown.text().contains("class=\"code\""), "{}", shown.text());
    assert!(shown.header("cache-control").contains("no-store"));
    let refused = press(&mut desk, &page, ("all", &[])).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    clinic.close().await;
}

#[tokio::test]
async fn f092_f104_many_are_invited_after_a_page_that_says_who_gets_what() {
    let clinic = open(true).await;
    let (mut desk, _) = at_the_desk(&clinic, "nhaddad").await;
    let page = desk.get(PAGE).await;
    let nobody = press(&mut desk, &page, ("selected", &[])).await;
    assert_eq!(nobody.status, StatusCode::BAD_REQUEST);
    assert!(nobody.text().contains("Nobody is chosen"));
    let confirm = press(&mut desk, &page, ("all", &[])).await;
    assert_eq!(confirm.status, StatusCode::OK, "{}", confirm.text());
    assert!(
        confirm.text().contains("Who gets none, and why"),
        "{}",
        confirm.text()
    );
    let field = |name: &str| {
        let html = confirm.text();
        let rest = html.split(&format!("name=\"{name}\" value=\"")).nth(1);
        let value = rest.and_then(|rest| rest.split('"').next());
        value.expect("a field").to_owned()
    };
    let mut fields = vec![
        ("everybody", field("everybody")),
        ("ticket", field("ticket")),
        ("enable", "true".to_owned()),
    ];
    let refused = press(&mut desk, &confirm, ("start", &fields)).await;
    assert_eq!(
        refused.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        refused.text()
    );
    fields.push(("attestation", "true".to_owned()));
    let first = press(&mut desk, &confirm, ("start", &fields)).await;
    assert_eq!(first.status, StatusCode::SEE_OTHER, "{}", first.text());
    // Pressed twice, it is one job.
    let second = press(&mut desk, &confirm, ("start", &fields)).await;
    assert_eq!(first.header("location"), second.header("location"));
    let place = first.header("location").to_owned();
    let job = desk.get(&place).await;
    assert_eq!(job.header("refresh"), "3");
    assert!(job.text().contains("<progress"), "{}", job.text());
    while worker::jobs::look(clinic.app.as_ref(), "worker")
        .await
        .expect("a look")
    {}
    let job = desk.get(&place).await;
    assert_eq!(job.header("refresh"), "");
    assert!(
        job.text().contains("pill good") && job.text().contains("No e-mail address"),
        "{}",
        job.text()
    );
    let some = desk.get(&format!("{place}?result=no-email")).await;
    assert!(
        !some.text().contains("pill good\">Invited"),
        "{}",
        some.text()
    );
    // What was missing is there now: those are tried again, and nobody else.
    let letters = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_outbox";
    let before: i64 = clinic.look(letters).await.parse().expect("a number");
    clinic
        .app
        .emr
        .db
        .script("UPDATE patient_data SET email = 'new@mail.example', hipaa_allowemail = 'YES' WHERE COALESCE(email, '') = '' AND deceased_date IS NULL")
        .await
        .expect("a change");
    let fields = [("csrf", csrf(&job)), ("do", "again".to_owned())];
    let again = desk.post(&place, &fields).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
    while worker::jobs::look(clinic.app.as_ref(), "worker")
        .await
        .expect("a look")
    {}
    let after: i64 = clinic.look(letters).await.parse().expect("a number");
    let twice = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM (SELECT pid FROM anteroom_outbox GROUP BY pid HAVING COUNT(*) > 1) two";
    assert!(after > before);
    assert_eq!(clinic.look(twice).await, "0");
    clinic.close().await;
}
