//! What staff decide about registrations, whom the practice knows already, and what happens once.

use anteroom::config::accounts::Approval;
use anteroom::emr::registering::deciding;
use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use serde_json::Value;
use serde_json::json;

use super::PASSWORD;
use super::PERSON;
use super::VERIFY;
use super::begun;
use super::everywhere;
use super::filled;
use super::go_on;
use super::link;
use super::sent_in;
use super::with;
use crate::auth::staff::at_the_desk;
use crate::auth::staff::change;
use crate::auth::staff::csrf;
use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::browser::Browser;
use crate::clinic::engine::LAYOUTS;
use crate::fhir::reach::token;

/// The one registration that waits, as a Task.
async fn task(clinic: &Clinic, token: &str) -> Value {
    let path = "/fhir/Task?code=registration-review&status=requested";
    let found = clinic.get(path, token).await.json();
    assert_eq!(found["total"], 1, "{found}");
    found["entry"][0]["resource"].clone()
}

async fn put(clinic: &Clinic, token: &str, task: &Value) -> Answer {
    let version = task["meta"]["versionId"].as_str().unwrap_or_default();
    let id = task["id"].as_str().unwrap_or_default();
    let request = Request::put(format!("/fhir/Task/{id}"))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/fhir+json")
        .header("if-match", format!("W/\"{version}\""))
        .body(Body::from(task.to_string()))
        .expect("a request");
    clinic.send(request).await
}

#[tokio::test]
async fn f111_f112_f119_f120_f031_where_staff_let_in_nothing_opens_before_they_do() {
    for clinic in everywhere(|config| config.accounts.approval = Approval::Staff).await {
        let mut browser = clinic.browser();
        let page = sent_in(&clinic, &mut browser, &PERSON).await;
        assert!(
            page.text().contains("Somebody at the practice looks at it"),
            "{}",
            page.text()
        );
        let state = "SELECT CONCAT_WS('|', p.allow_patient_portal, CASE WHEN a.registered IS NULL THEN 'no' ELSE 'waits' END) \
            AS text FROM patient_data p LEFT JOIN anteroom_account a ON a.pid = p.pid ORDER BY p.pid DESC LIMIT 1";
        assert_eq!(clinic.look(state).await, "NO|waits");
        assert_eq!(
            count!(clinic, "anteroom_outbox WHERE letter = 'welcome'"),
            "0"
        );
        // No login can be chosen, by any form.
        let place = link(&clinic, VERIFY).await;
        let fields = [
            ("csrf", csrf(&browser.get("/register").await)),
            ("username", "zoe.quill".to_owned()),
            ("new_password", PASSWORD.to_owned()),
            ("new_password_again", PASSWORD.to_owned()),
        ];
        let tried = browser.post(&format!("{place}/done"), &fields).await;
        assert_eq!(tried.status, StatusCode::SEE_OTHER);
        assert_eq!(
            count!(
                clinic,
                "patient_access_onsite WHERE portal_login_username = 'zoe.quill'"
            ),
            "0"
        );

        let token = token(&clinic, Some("nhaddad"), None, "user/*.cruds").await;
        let mut waiting = task(&clinic, &token).await;
        waiting["status"] = json!("completed");
        let done = put(&clinic, &token, &waiting).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        assert_eq!(clinic.look(state).await, "YES|no");
        let letter = "SELECT CONCAT_WS(' ', o.address, o.language, l.purpose, l.factor) AS text FROM anteroom_outbox o \
            JOIN anteroom_link l ON l.id = o.link WHERE o.letter = 'welcome'";
        assert_eq!(
            clinic.look(letter).await,
            "zoe.quill@mail.example es invite birth-date"
        );
        let page = browser.get(&format!("{place}/done")).await;
        assert!(page.text().contains("You are let in"), "{}", page.text());
        clinic.close().await;
    }
}

#[tokio::test]
async fn f120_a_registration_that_is_refused_keeps_its_chart_and_gets_a_letter_with_the_reason() {
    let clinic = Clinic::with(|config| config.accounts.approval = Approval::Both).await;
    sent_in(&clinic, &mut clinic.browser(), &PERSON).await;
    let charts = count!(clinic, "patient_data");
    let (mut manager, _) = at_the_desk(&clinic, "nhaddad").await;
    let list = manager.get("/staff/registrations").await;
    let silent = manager
        .submit(&list, &[("id", id(&list).as_str()), ("decision", "reject")])
        .await;
    assert!(
        silent.text().contains("Say why, for the person to read."),
        "{}",
        silent.text()
    );
    let why = "We take <no> new patients.";
    let fields = [
        ("id", id(&list)),
        ("decision", "reject".to_owned()),
        ("reason", why.to_owned()),
    ];
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    let done = go_on(&mut manager, &list, &fields).await;
    assert!(
        done.text().contains("The registration was refused."),
        "{}",
        done.text()
    );
    assert_eq!(count!(clinic, "patient_data"), charts);
    let state =
        "SELECT p.allow_patient_portal AS text FROM patient_data p ORDER BY p.pid DESC LIMIT 1";
    assert_eq!(clinic.look(state).await, "NO");
    let told = "SELECT told AS text FROM anteroom_outbox WHERE letter = 'not-approved'";
    let told: Value = serde_json::from_str(&clinic.look(told).await).expect("JSON");
    assert_eq!(told["reason"], why);
    // Once.
    let late = go_on(&mut manager, &list, &fields).await;
    assert!(
        late.text().contains("Somebody else was faster"),
        "{}",
        late.text()
    );
    // Who may not open the portal's desk decides nothing.
    let (mut clerk, _) = at_the_desk(&clinic, "jpark").await;
    assert_eq!(
        clerk.get("/staff/registrations").await.status,
        StatusCode::FORBIDDEN
    );
    clinic.close().await;
}

/// The id of the first card.
fn id(page: &Answer) -> String {
    let html = page.text();
    let rest = html.split("name=\"id\" value=\"").nth(1);
    let id = rest.and_then(|rest| rest.split('"').next());
    id.unwrap_or_else(|| panic!("no card: {html}")).to_owned()
}

#[tokio::test]
async fn g06_a_known_patient_gets_no_second_chart_and_staff_can_tell_a_twin() {
    for approval in [Approval::Email, Approval::Staff] {
        let clinic = Clinic::with(|config| config.accounts.approval = approval).await;
        let charts = count!(clinic, "patient_data");
        let twin = [
            ("first_name", "Marcela"),
            ("last_name", "Delgado"),
            ("birth_date", "1984-02-29"),
        ];
        let mut browser = clinic.browser();
        let page = sent_in(&clinic, &mut browser, &with(&PERSON, &twin)).await;
        // Where staff look at everybody, this page is everybody's.
        let expected = match approval {
            Approval::Email => "Please call the practice",
            _ => "Somebody at the practice looks at it",
        };
        assert!(page.text().contains(expected), "{}", page.text());
        assert_eq!(count!(clinic, "patient_data"), charts);
        assert_eq!(
            count!(clinic, "pnotes WHERE pid = 1 AND title = 'New Patient'"),
            "1"
        );
        let (mut manager, desk) = at_the_desk(&clinic, "nhaddad").await;
        assert!(desk.text().contains("look at their charts"));
        let list = manager.get("/staff/registrations").await;
        assert!(list.text().contains("Like a patient you have"));
        assert!(list.text().contains("Likely the same"), "{}", list.text());
        assert!(list.text().contains("Marcela"));
        let which = id(&list);
        let decision = match approval {
            Approval::Email => "open",
            _ => "dismiss",
        };
        let done = go_on(
            &mut manager,
            &list,
            &[("id", which.as_str()), ("decision", decision)],
        )
        .await;
        assert!(
            done.text().contains("No registration waits for you."),
            "{}",
            done.text()
        );
        let welcome = count!(clinic, "anteroom_outbox WHERE letter = 'welcome'");
        let opened = count!(
            clinic,
            "patient_data WHERE fname = 'Marcela' AND allow_patient_portal = 'YES'"
        );
        let expected = match approval {
            Approval::Email => "1",
            _ => "0",
        };
        assert_eq!((welcome.as_str(), opened.as_str()), (expected, expected));
        clinic.close().await;
    }
}

#[tokio::test]
async fn g14_the_provider_is_told_once_of_a_welcome_that_does_not_arrive() {
    let clinic = Clinic::open().await;
    sent_in(&clinic, &mut clinic.browser(), &PERSON).await;
    assert_eq!(
        deciding::undelivered(&clinic.app.emr).await.expect("looks"),
        0
    );
    change(
        &clinic,
        "UPDATE anteroom_outbox SET status = 'dead' WHERE letter = 'welcome'",
    )
    .await;
    assert_eq!(
        deciding::undelivered(&clinic.app.emr).await.expect("looks"),
        1
    );
    assert_eq!(
        deciding::undelivered(&clinic.app.emr).await.expect("looks"),
        0
    );
    let note = "SELECT assigned_to AS text FROM pnotes WHERE title = 'Failed Registration'";
    assert_eq!(clinic.look(note).await, "dlee");
    clinic.close().await;
}

#[tokio::test]
async fn case_63_one_link_sent_in_by_many_and_two_of_one_person_make_one_chart() {
    let mut all = vec![Clinic::open().await];
    all.extend(Clinic::on_mariadb(LAYOUTS[1]).await);
    for clinic in all {
        let charts: i64 = count!(clinic, "patient_data").parse().expect("a number");
        let mut first = clinic.browser();
        let mut second = clinic.browser();
        let place = begun(&clinic, &mut first, &PERSON).await;
        let check = filled(&mut first, &place, "").await;
        let other = with(
            &PERSON,
            &[("email", "zoe@other.example"), ("first_name", "Zoe")],
        );
        let beside = begun(&clinic, &mut second, &other).await;
        let same = filled(&mut second, &beside, "").await;
        let form = csrf(&check);
        let sends = (0..6).map(|_| first.fork());
        let mut browsers: Vec<Browser<'_>> = sends.collect();
        let path = format!("{place}/check");
        let fields = [("csrf", form)];
        let posts = browsers
            .iter_mut()
            .map(|browser| browser.post(&path, &fields));
        let (answers, last) = futures_util::future::join(
            futures_util::future::join_all(posts),
            second.submit(&same, &[]),
        )
        .await;
        for answer in answers.iter().chain([&last]) {
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
        }
        let after: i64 = count!(clinic, "patient_data").parse().expect("a number");
        assert_eq!(after, charts + 1);
        assert_eq!(
            count!(clinic, "pnotes WHERE title = 'New Patient'"),
            "2",
            "one each"
        );
        assert_eq!(
            count!(clinic, "anteroom_review WHERE kind = 'registration-review'"),
            "1"
        );
        assert_eq!(
            count!(clinic, "anteroom_registration WHERE status = 'duplicate'"),
            "1"
        );
        clinic.close().await;
    }
}
