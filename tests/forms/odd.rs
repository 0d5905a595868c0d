//! Who may not, and what does no harm.

use anteroom::db::sql::Sql;
use axum::http::StatusCode;
use uuid::Uuid;

use super::SIGNS;
use super::answers;
use super::at_home;
use super::everywhere;
use super::of_title;
use super::parameters;
use super::seen;
use crate::auth::staff::at_the_desk;
use crate::auth::staff::csrf;
use crate::clinic::Clinic;

const FHIR: &str = "application/fhir+json";

/// What is known of a form that was deleted, and the one OpenEMR made after it, with its number.
const NEXT: &str = "INSERT INTO anteroom_form (document, pid, template, category, put_by, reason, filed, created) \
    SELECT MAX(id) + 1, 99, '', 0, 0, 'Of somebody else', 7, 4102444800000 FROM onsite_documents; \
    INSERT INTO onsite_documents (pid, facility, provider, encounter, create_date, doc_type, patient_signed_status, \
    patient_signed_time, authorize_signed_time, accept_signed_status, authorizing_signator, review_date, denial_reason, \
    authorized_signature, patient_signature, full_document, file_name, file_path) SELECT pid, facility, provider, \
    encounter, create_date, 'The next one', 0, NULL, NULL, 0, '', NULL, 'New', NULL, NULL, full_document, file_name, \
    file_path FROM onsite_documents WHERE id = 1";

#[tokio::test]
async fn f152_a_form_of_openemr_inherits_nothing_of_the_one_that_had_its_number() {
    for clinic in everywhere().await {
        let script = |sql: &'static str| {
            let db = &clinic.app.emr.db;
            async move { db.script(sql).await.expect("it runs") }
        };
        script(NEXT).await;
        let maria = clinic.patient("active");
        let (mut home, list) = at_home(&clinic, maria).await;
        assert!(list.text().contains("Of somebody else"), "{}", list.text());
        script("UPDATE anteroom_form SET created = 1 WHERE reason = 'Of somebody else'").await;
        let list = home.get("/account/forms").await.text();
        assert!(!list.contains("Of somebody else"), "{list}");
        let path = of_title(&list, "The next one");
        let page = home.get(&path).await;
        let signed = home.post(&path, &answers(&page)).await;
        assert_eq!(signed.status, StatusCode::SEE_OTHER, "{}", signed.text());
        let known = clinic
            .look(
                "SELECT CONCAT_WS('|', f.reason, CASE WHEN f.filed IS NULL THEN 'open' ELSE 'filed' END, \
                 CASE WHEN f.pid = d.pid AND f.created > 1 THEN 'own' ELSE 'another' END) AS text \
                 FROM onsite_documents d JOIN anteroom_form f ON f.document = d.id ORDER BY d.id DESC",
            )
            .await;
        assert_eq!(known, "|open|own");
        clinic.close().await;
    }
}

#[tokio::test]
async fn f153_nobody_else_sees_or_signs_a_form() {
    for clinic in everywhere().await {
        let mut active = clinic.patients("active");
        let (maria, sean) = (active.next().expect("one"), active.next().expect("two"));
        let (_, list) = at_home(&clinic, maria).await;
        let path = of_title(&list.text(), "Medical History");
        let id = path.rsplit('/').next().expect("an id").to_owned();
        let other = clinic.token(sean, SIGNS).await;
        for path in [
            format!("/fhir/DocumentReference/{id}"),
            format!("/fhir/Binary/{id}"),
            format!("/fhir/DocumentReference/{id}/_history"),
        ] {
            let answer = clinic.get(&path, &other).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        }
        let sign = format!("/fhir/DocumentReference/{id}/$sign");
        let body = parameters("Sean").to_string();
        let answer = clinic
            .with_body("POST", (&sign, &other), FHIR, body.clone())
            .await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}", answer.text());
        let (mut browser, page) = at_home(&clinic, sean).await;
        assert!(!page.text().contains(&id));
        assert_eq!(browser.get(&path).await.status, StatusCode::NOT_FOUND);
        // A scope that only reads signs nothing.
        let reads = clinic.token(maria, "launch/patient patient/*.rs").await;
        let answer = clinic.with_body("POST", (&sign, &reads), FHIR, body).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        clinic.close().await;
    }
}

#[tokio::test]
async fn f164_who_is_not_at_the_portals_desk_puts_nothing_before_a_patient() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let none = clinic
        .people
        .staff
        .iter()
        .find(|one| one.roles.is_empty())
        .expect("somebody without roles");
    let (mut browser, _) = at_the_desk(&clinic, &none.username).await;
    let path = format!("/staff/patients/{}/forms", maria.id);
    let answer = browser.get(&path).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text());
    clinic.close().await;
}

#[tokio::test]
async fn f152_a_template_that_is_not_there_is_refused() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let (mut staff, _) = at_the_desk(&clinic, "nhaddad").await;
    let path = format!("/staff/patients/{}/forms", maria.id);
    let page = staff.get(&path).await;
    for template in [Uuid::nil().to_string(), "x".to_owned(), String::new()] {
        let pairs = [
            ("csrf", csrf(&page)),
            ("decision", "put".to_owned()),
            ("template", template),
        ];
        let refused = staff.post(&path, &pairs).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            refused.text().contains("no such form"),
            "{}",
            refused.text()
        );
    }
    clinic.close().await;
}

#[tokio::test]
async fn f152_the_state_of_a_form_is_compared_by_its_letters() {
    for clinic in everywhere().await {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, SIGNS).await;
        let (_, list) = at_home(&clinic, maria).await;
        let path = of_title(&list.text(), "Medical History");
        let id = path.rsplit('/').next().expect("an id");
        for (state, there) in [
            ("New", true),
            ("open", false),
            ("LOCKED", false),
            ("Locked ", false),
            ("Locked", true),
        ] {
            let sql = Sql::new("UPDATE onsite_documents SET denial_reason = ? WHERE id = 1");
            clinic
                .app
                .emr
                .db
                .run(sql.bind(state))
                .await
                .expect("it runs");
            let waits = "/fhir/Task?code=review-form&_count=200";
            let found = clinic.get(waits, &own).await.text();
            assert_eq!(found.contains(id), there, "{state:?} {found}");
        }
        clinic.close().await;
    }
}

#[tokio::test]
async fn f153_no_script_of_a_form_or_an_answer_runs() {
    let evil = "<script>alert(1)</script><img src=x onerror=alert(2)>";
    let clinic = Clinic::after(
        "UPDATE onsite_documents SET doc_type = '<script>alert(3)</script>', full_document = \
         '<p onclick=alert(4)>Hi <input name=\"text_input1\" value=\"&quot;><script>alert(5)</script>\"></p>\
         <script>alert(6)</script><svg onload=alert(7)>'",
    )
    .await;
    let maria = clinic.patient("active");
    let (mut home, list) = at_home(&clinic, maria).await;
    let path = of_title(&list.text(), "alert(3)");
    let page = home.get(&path).await;
    let pairs = [
        ("csrf", csrf(&page)),
        ("seen", seen(&page)),
        ("a0", evil.to_owned()),
        ("name", evil.to_owned()),
        ("agreed", "true".to_owned()),
        ("decision", "sign".to_owned()),
    ];
    let signed = home.post(&path, &pairs).await;
    assert_eq!(signed.status, StatusCode::SEE_OTHER, "{}", signed.text());
    let (mut staff, _) = at_the_desk(&clinic, "nhaddad").await;
    let desk = format!("/staff/patients/{}/forms", maria.id);
    for html in [
        list.text(),
        page.text(),
        home.get(&path).await.text(),
        home.get("/account/forms").await.text(),
        staff.get(&desk).await.text(),
    ] {
        let html = html.replace("<script src=\"/assets/sign.js\" defer></script>", "");
        for part in ["<script", "<img src=x", "onclick=", "<svg", "onerror=alert"] {
            let bare = html.replace("&#60;", "\u{1}");
            let harmful = match part {
                "onerror=alert" => bare.contains("<img src=x onerror"),
                part => bare.contains(part),
            };
            assert!(!harmful, "{part} in {html}");
        }
    }
    // Nor does one in what OpenEMR's own screens show.
    let row = clinic
        .look("SELECT CAST(full_document AS CHAR) AS text FROM onsite_documents WHERE id = 1")
        .await;
    assert!(
        !row.contains("<script") && !row.contains("onclick="),
        "{row}"
    );
    clinic.close().await;
}
