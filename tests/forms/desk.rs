//! Templates at the desk, and the tablet that is handed over.

use axum::http::StatusCode;
use time::Duration;

use super::after;
use super::answers;
use super::at_home;
use super::everywhere;
use super::of_title;
use super::put;
use super::seen;
use crate::auth::staff::at_the_desk;
use crate::auth::staff::csrf;
use crate::clinic::Clinic;
use crate::clinic::browser::Browser;

const TEMPLATES: &str = "/staff/templates";

const LINES: &str = "# Consent\nPlease read <b>this</b>, {PatientName}.\n- Your doctor *\n-o Side | Left | Right\n[] I agree *";

#[tokio::test]
async fn f155_staff_make_change_and_retire_a_template() {
    for clinic in everywhere().await {
        let maria = clinic.patient("active");
        let (mut staff, _) = at_the_desk(&clinic, "nhaddad").await;
        let page = staff.get(TEMPLATES).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text());
        let keep = |(id, seen): (&str, &str), lines: &str| {
            vec![
                ("csrf", csrf(&page)),
                ("decision", "keep".to_owned()),
                ("id", id.to_owned()),
                ("seen", seen.to_owned()),
                ("title", "Consent to surgery".to_owned()),
                ("category", "Advance Directive".to_owned()),
                ("lines", lines.to_owned()),
            ]
        };
        let refused = staff.post(TEMPLATES, &keep(("", ""), " ")).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text().contains("at least one line"));
        let made = staff.post(TEMPLATES, &keep(("", ""), LINES)).await;
        assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.text());
        let list = staff.get(TEMPLATES).await.text();
        let row = list
            .split("<tr>")
            .find(|row| row.contains("Consent to surgery"))
            .unwrap_or_else(|| panic!("not kept: {list}"))
            .to_owned();
        let id = after(&row, "href=\"/staff/templates/");
        let shown = staff.get(&format!("{TEMPLATES}/{id}")).await.text();
        assert!(
            shown.contains("Your doctor") && !shown.contains("<b>this</b>"),
            "{shown}"
        );
        assert!(shown.contains("[patient&#39;s name]."), "{shown}");
        let typed = staff.get(&format!("{TEMPLATES}?change={id}")).await.text();
        assert!(
            typed.contains("-o Side | Left | Right")
                && typed.contains("this&#60;/b&#62;, {PatientName}."),
            "{typed}"
        );
        let seen_there = after(&typed, "name=\"seen\" value=\"");
        let changed = staff
            .post(
                TEMPLATES,
                &keep((&id, &seen_there), &format!("{LINES}\n-d Day")),
            )
            .await;
        assert_eq!(changed.status, StatusCode::SEE_OTHER, "{}", changed.text());
        // It is put before a patient, goes to its own category, and needs its answers.
        let done = put(&mut staff, maria, ("Consent to surgery", "")).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
        let category = clinic
            .look(
                "SELECT c.name AS text FROM anteroom_form f JOIN categories c ON c.id = f.category \
                 ORDER BY f.document DESC",
            )
            .await;
        assert_eq!(category, "Advance Directive");
        let (mut home, list) = at_home(&clinic, maria).await;
        let path = of_title(&list.text(), "Consent to surgery");
        let form = home.get(&path).await;
        let text = form.text();
        assert!(text.contains("&#60;/b&#62;, María "), "{text}");
        let sign = [
            ("csrf", csrf(&form)),
            ("seen", seen(&form)),
            ("a0", "Dr. Lee".to_owned()),
            ("a1", "Left".to_owned()),
            ("name", "María Delgado".to_owned()),
            ("agreed", "true".to_owned()),
            ("decision", "sign".to_owned()),
        ];
        let refused = home.post(&path, &sign).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text().contains("I agree"), "{}", refused.text());
        let retire = [
            ("csrf", csrf(&page)),
            ("decision", "retire".to_owned()),
            ("id", id.clone()),
        ];
        let retired = staff.post(TEMPLATES, &retire).await;
        assert_eq!(retired.status, StatusCode::SEE_OTHER, "{}", retired.text());
        let path = format!("/staff/patients/{}/forms", maria.id);
        let offered = staff.get(&path).await.text();
        assert!(!offered.contains(&format!("value=\"{id}\"")), "{offered}");
        clinic.close().await;
    }
}

#[tokio::test]
async fn f155_openemrs_templates_are_shown_with_what_nobody_knows() {
    let clinic = Clinic::open().await;
    clinic
        .app
        .emr
        .db
        .script(
            "UPDATE document_templates SET template_content = \
             'Name of the insurance: {TextInput} Smoker: {HIS:tobacco} Present: {Medications}' \
             WHERE template_name = 'Insurance Information'",
        )
        .await
        .expect("it runs");
    let (mut staff, _) = at_the_desk(&clinic, "nhaddad").await;
    let list = staff.get(TEMPLATES).await.text();
    let row = list
        .split("<tr>")
        .find(|row| row.contains("Insurance Information"))
        .expect("a template of OpenEMR")
        .to_owned();
    assert!(row.contains("In OpenEMR"), "{row}");
    let id = after(&row, "href=\"/staff/templates/");
    let shown = staff.get(&format!("{TEMPLATES}/{id}")).await.text();
    assert!(
        shown.contains("<code>{HIS:tobacco}</code>") && shown.contains("Name of the insurance"),
        "{shown}"
    );
    // What is known stands there in words, and what is not is a blank.
    assert!(
        shown.contains("Smoker: [tobacco] Present: [medications]")
            && !shown.contains("{Medications}"),
        "{shown}"
    );
    clinic.close().await;
}

/// Staff hand over a tablet for the demo's form; the address on it.
pub(super) async fn handed(clinic: &Clinic, staff: &mut Browser<'_>) -> String {
    let maria = clinic.patient("active");
    let path = format!("/staff/patients/{}/forms", maria.id);
    let page = staff.get(&path).await;
    let html = page.text();
    let row = html
        .split("<tr>")
        .find(|row| row.contains("Medical History"))
        .expect("a row");
    let pairs = [
        ("csrf", csrf(&page)),
        ("decision", "tablet".to_owned()),
        ("id", after(row, "name=\"id\" value=\"")),
    ];
    let shown = staff.post(&path, &pairs).await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.text());
    let html = shown.text();
    assert!(html.contains("data:image/svg+xml;base64,"), "{html}");
    let address = html
        .split("<span class=\"code\">http://127.0.0.1:8080")
        .nth(1)
        .and_then(|rest| rest.split('<').next());
    address.expect("an address").to_owned()
}

#[tokio::test]
async fn f156_a_tablet_signs_one_form_once_and_comes_nowhere_else() {
    for clinic in everywhere().await {
        let (mut staff, _) = at_the_desk(&clinic, "nhaddad").await;
        let path = handed(&clinic, &mut staff).await;
        let mut tablet = clinic.browser();
        let begin = tablet.get(&path).await;
        assert_eq!(begin.status, StatusCode::OK, "{}", begin.text());
        let pairs = [("csrf", csrf(&begin)), ("decision", "begin".to_owned())];
        let opened = tablet.post(&path, &pairs).await;
        assert_eq!(opened.header("location"), "/sign", "{}", opened.text());
        // Another device is too late.
        let mut other = clinic.browser();
        assert_eq!(other.get(&path).await.status, StatusCode::BAD_REQUEST);
        let form = tablet.get("/sign").await;
        assert!(form.text().contains("Medical History"), "{}", form.text());
        for away in ["/account", "/account/forms", "/staff", "/account/visits"] {
            let answer = tablet.get(away).await;
            assert!(answer.header("location").starts_with("/login"), "{away}");
        }
        let signed = tablet.post("/sign", &answers(&form)).await;
        assert_eq!(
            signed.header("location"),
            "/sign?done=sign",
            "{}",
            signed.text()
        );
        let over = tablet.get("/sign?done=sign").await;
        assert!(over.text().contains("give the device back"));
        assert_eq!(tablet.get("/sign").await.status, StatusCode::BAD_REQUEST);
        let witness = clinic
            .look(
                "SELECT CASE WHEN witness IS NULL THEN 'nobody' ELSE how END AS text \
                 FROM anteroom_signature",
            )
            .await;
        assert_eq!(witness, "typed");
        let maria = clinic.patient("active");
        let desk = format!("/staff/patients/{}/forms", maria.id);
        let desk = staff.get(&desk).await.text();
        assert!(desk.contains("Medical History – Signed</li>"), "{desk}");
        let opened =
            "SELECT GROUP_CONCAT(outcome) AS text FROM anteroom_audit WHERE action = 'form.open'";
        assert_eq!(clinic.look(opened).await, "success");
        clinic.close().await;
    }
}

#[tokio::test]
async fn f156_a_tablet_ends_after_ten_minutes_and_with_the_next_one() {
    let clinic = Clinic::open().await;
    let (mut staff, _) = at_the_desk(&clinic, "nhaddad").await;
    let first = handed(&clinic, &mut staff).await;
    let second = handed(&clinic, &mut staff).await;
    let mut tablet = clinic.browser();
    assert_eq!(tablet.get(&first).await.status, StatusCode::BAD_REQUEST);
    let begin = tablet.get(&second).await;
    let pairs = [("csrf", csrf(&begin)), ("decision", "begin".to_owned())];
    tablet.post(&second, &pairs).await;
    let form = tablet.get("/sign").await;
    assert_eq!(form.status, StatusCode::OK);
    clinic.wait(Duration::seconds(601));
    let late = tablet.post("/sign", &answers(&form)).await;
    assert_eq!(late.status, StatusCode::BAD_REQUEST, "{}", late.text());
    let state = "SELECT denial_reason AS text FROM onsite_documents WHERE id = 1";
    assert_eq!(clinic.look(state).await, "New");
    clinic.close().await;
}
