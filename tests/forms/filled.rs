//! What OpenEMR's templates are filled in with from the chart, and what of them nobody knows.

use axum::http::StatusCode;

use super::at_home;
use super::everywhere;
use super::of_title;
use super::put;
use crate::auth::staff::at_the_desk;
use crate::clinic::Clinic;

const TITLE: &str = "Notice of Privacy Practices";

#[tokio::test]
async fn f152_a_form_names_what_the_chart_says_and_shows_no_directive() {
    for clinic in everywhere().await {
        if !clinic.app.emr.layout.has_table("document_templates") {
            clinic.close().await;
            continue;
        }
        let script = |sql: &'static str| {
            let db = &clinic.app.emr.db;
            async move { db.script(sql).await.expect("it runs") }
        };
        script(
            "UPDATE document_templates SET template_content = \
             'I take: {Medications}. I do not bear: {Allergies}. I have: {ProblemList}. Sent by {ReferringDOC}, \
             reached at {DEM:email}. {ChiefComplaint}Smoker: {HIS:tobacco_use}. {AdminSignature}' \
             WHERE template_name = 'Notice of Privacy Practices'",
        )
        .await;
        script(
            "UPDATE patient_data SET ref_providerID = (SELECT id FROM users WHERE username = 'dlee') WHERE pid = 1",
        )
        .await;
        // What is over, what was taken out, and what is another's.
        for row in [
            "1, 'medication', 'Warfarin', '2020-01-01 00:00:00', '2021-01-01 00:00:00', 1",
            "1, 'medication', 'Morphine', '2020-01-01 00:00:00', NULL, 0",
            "1, 'surgery', 'Appendectomy', '2020-01-01 00:00:00', NULL, 1",
            "2, 'medication', 'Insulin', '2020-01-01 00:00:00', NULL, 1",
        ] {
            let sql = format!(
                "INSERT INTO lists (pid, type, title, begdate, enddate, activity) VALUES ({row})"
            );
            clinic.app.emr.db.script(&sql).await.expect("it runs");
        }
        let maria = clinic.patient("active");
        let (mut staff, _) = at_the_desk(&clinic, "nhaddad").await;
        let done = put(&mut staff, maria, (TITLE, "Advance Directive")).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
        let (mut home, list) = at_home(&clinic, maria).await;
        let page = home.get(&of_title(&list.text(), TITLE)).await.text();
        for said in [
            "I take: Lisinopril 10 mg (one in the morning); Cetirizine 10 mg.",
            "I do not bear: Penicillin (rash).",
            "I have: Essential hypertension.",
            "Lee, reached at maria.delgado@example.com.",
            "Smoker: [tobacco use]. [admin signature]",
        ] {
            assert!(page.contains(said), "{said} in {page}");
        }
        for not in ["Warfarin", "Morphine", "Appendectomy", "Insulin", "{HIS"] {
            assert!(!page.contains(not), "{not} in {page}");
        }
        clinic.close().await;
    }
}

#[tokio::test]
async fn f152_a_template_with_another_form_in_it_is_put_before_patients_in_openemr() {
    let clinic = Clinic::open().await;
    clinic
        .app
        .emr
        .db
        .script(
            "UPDATE document_templates SET template_content = 'Please fill this in. {EncounterForm:HIS}' \
             WHERE template_name = 'Notice of Privacy Practices'",
        )
        .await
        .expect("it runs");
    let maria = clinic.patient("active");
    let (mut staff, _) = at_the_desk(&clinic, "nhaddad").await;
    let refused = put(&mut staff, maria, (TITLE, "Advance Directive")).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused
            .text()
            .contains("put it before the patient in OpenEMR"),
        "{}",
        refused.text()
    );
    clinic.close().await;
}
