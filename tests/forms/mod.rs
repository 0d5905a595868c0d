//! Forms: put before a patient, filled in, signed and locked, through to OpenEMR's own rows (portal rules F152 to F159).

mod changed;
mod desk;
mod filled;
mod kept;
mod odd;
mod questionnaire;
mod signing;

use anteroom::demo::manifest::PatientLogin;
use axum::http::StatusCode;
use serde_json::Value;
use serde_json::json;

use crate::auth::mailbox::own_page;
use crate::auth::staff::at_the_desk;
use crate::auth::staff::csrf;
use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::browser::Browser;
use crate::clinic::engine::LAYOUTS;

/// Everything a patient's app may do with documents and what waits.
pub(crate) const SIGNS: &str = "openid fhirUser launch/patient patient/*.rus";

pub(crate) async fn everywhere() -> Vec<Clinic> {
    let mut all = vec![Clinic::open().await];
    for layout in LAYOUTS {
        all.extend(Clinic::on_mariadb(layout).await);
    }
    all
}

/// The value of the first attribute behind a mark in a page.
pub(crate) fn after(html: &str, mark: &str) -> String {
    let rest = html.split(mark).nth(1);
    let value = rest.and_then(|rest| rest.split('"').next());
    let value = value.unwrap_or_else(|| panic!("no {mark} in {html}"));
    value.replace("&#38;", "&")
}

/// A browser in which a patient stands before the forms.
pub(crate) async fn at_home<'c>(
    clinic: &'c Clinic,
    patient: &PatientLogin,
) -> (Browser<'c>, Answer) {
    let mut browser = clinic.browser();
    let login = (patient.username.as_str(), patient.password.as_str());
    let page = own_page(&mut browser, login, "/account/forms").await;
    (browser, page)
}

/// The form of a title in a patient's list.
pub(crate) fn of_title(html: &str, title: &str) -> String {
    let cards = html.split("<article").skip(1);
    let card = cards
        .filter_map(|one| one.split("</article>").next())
        .find(|one| one.contains(title));
    let card = card.unwrap_or_else(|| panic!("no {title} in {html}"));
    after(card, "href=\"")
}

/// Staff put a form of this title before a patient; the answer.
pub(crate) async fn put(
    browser: &mut Browser<'_>,
    patient: &PatientLogin,
    (title, category): (&str, &str),
) -> Answer {
    let path = format!("/staff/patients/{}/forms", patient.id);
    let page = browser.get(&path).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    let html = page.text();
    let option = html
        .split("<option value=\"")
        .find(|one| one.contains(&format!(">{title}<")))
        .unwrap_or_else(|| panic!("no {title} in {html}"));
    let template = option.split('"').next().unwrap_or_default().to_owned();
    let pairs = [
        ("csrf", csrf(&page)),
        ("decision", "put".to_owned()),
        ("template", template),
        ("category", category.to_owned()),
    ];
    browser.post(&path, &pairs).await
}

/// What a page of a form says it shows.
pub(crate) fn seen(page: &Answer) -> String {
    after(&page.text(), "name=\"seen\" value=\"")
}

/// Answers for the demo's form, and a typed signature.
pub(crate) fn answers(page: &Answer) -> Vec<(&'static str, String)> {
    vec![
        ("csrf", csrf(page)),
        ("seen", seen(page)),
        ("a0", "None <b>bold</b> & \"quoted\"".to_owned()),
        ("a2", "2026-01-31".to_owned()),
        ("a3", "No".to_owned()),
        ("a4", "on".to_owned()),
        ("name", "María Delgado".to_owned()),
        ("agreed", "true".to_owned()),
        ("decision", "sign".to_owned()),
    ]
}

#[tokio::test]
async fn f152_staff_put_a_template_before_a_patient_and_it_is_a_task() {
    for clinic in everywhere().await {
        if !clinic.app.emr.layout.has_table("document_templates") {
            clinic.close().await;
            continue;
        }
        let maria = clinic.patient("active");
        let (mut staff, _) = at_the_desk(&clinic, "nhaddad").await;
        let title = "Notice of Privacy Practices";
        let done = put(&mut staff, maria, (title, "Advance Directive")).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
        let again = put(&mut staff, maria, (title, "Advance Directive")).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(again.text().contains("waits for the patient already"));
        // Column by column as OpenEMR has it (facts 1.14).
        let row = clinic
            .look(
                "SELECT CONCAT_WS('|', facility, provider, encounter, doc_type, patient_signed_status, \
                 accept_signed_status, authorizing_signator, denial_reason, file_name, file_path) AS text \
                 FROM onsite_documents ORDER BY id DESC",
            )
            .await;
        let expected = format!("0|0|0|{title}|0|0||New|{title}|1");
        assert_eq!(row, expected);
        let own = clinic.token(maria, SIGNS).await;
        let tasks = clinic
            .get("/fhir/Task?code=review-form&status=requested", &own)
            .await
            .json();
        let task = &tasks["entry"][0]["resource"];
        assert_eq!(task["description"], title, "{tasks}");
        let focus = task["focus"]["reference"].as_str().expect("a focus");
        let form = clinic.get(&format!("/fhir/{focus}"), &own).await.json();
        assert_eq!(form["docStatus"], "preliminary", "{form}");
        let categories = form["category"].to_string();
        assert!(categories.contains("Advance Directive"), "{categories}");
        // The directives are filled in, and a name is no mark-up.
        let (mut home, list) = at_home(&clinic, maria).await;
        let page = home.get(&of_title(&list.text(), title)).await.text();
        assert!(
            page.contains("María") && !page.contains("{PatientName}"),
            "{page}"
        );
        clinic.close().await;
    }
}

#[tokio::test]
async fn f153_a_patient_fills_in_saves_and_signs_on_the_page() {
    for clinic in everywhere().await {
        let maria = clinic.patient("active");
        let (mut home, list) = at_home(&clinic, maria).await;
        let path = of_title(&list.text(), "Medical History");
        let page = home.get(&path).await;
        let save = [
            ("csrf", csrf(&page)),
            ("seen", seen(&page)),
            ("a0", "Asthma".to_owned()),
            ("decision", "save".to_owned()),
        ];
        let saved = home.post(&path, &save).await;
        assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text());
        let page = home.get(&path).await;
        assert!(page.text().contains("Asthma"), "{}", page.text());
        let state = "SELECT denial_reason AS text FROM onsite_documents WHERE id = 1";
        assert_eq!(clinic.look(state).await, "Editing");
        // Unsigned, without the tick, and without what must be answered: each is told, nothing is signed.
        for (without, sentence) in [
            ("name", "type your full name"),
            ("agreed", "tick that this is your signature"),
            ("a0", "Illnesses and operations"),
        ] {
            let mut pairs = answers(&page);
            pairs.retain(|(name, _)| *name != without);
            let refused = home.post(&path, &pairs).await;
            assert_eq!(
                refused.status,
                StatusCode::UNPROCESSABLE_ENTITY,
                "{without}"
            );
            assert!(refused.text().contains(sentence), "{}", refused.text());
        }
        let signed = home.post(&path, &answers(&page)).await;
        assert_eq!(signed.status, StatusCode::SEE_OTHER, "{}", signed.text());
        assert_eq!(clinic.look(state).await, "In Review");
        let queue = clinic
            .look(
                "SELECT CONCAT_WS('|', activity, require_audit, pending_action, action_taken, status, narrative, \
                 table_action, table_args, action_user, checksum) AS text FROM onsite_portal_activity \
                 WHERE activity = 'document' ORDER BY id DESC",
            )
            .await;
        assert_eq!(queue, "document|1|review||waiting|Medical History||1|0|0");
        let row = clinic
            .look(
                "SELECT CONCAT_WS('|', patient_signed_status, SUBSTR(patient_signature, 1, 26), \
                 CASE WHEN patient_signed_time IS NULL THEN 'no' ELSE 'yes' END) AS text \
                 FROM onsite_documents WHERE id = 1",
            )
            .await;
        assert_eq!(row, "1|data:image/svg+xml;base64,|yes");
        let on_file = clinic
            .look(
                "SELECT CONCAT_WS('|', status, type, user, signator) AS text FROM onsite_signatures",
            )
            .await;
        assert_eq!(on_file, "filed|patient-signature|-patient-|María Delgado");
        // It is signed once.
        let twice = home.post(&path, &answers(&page)).await;
        assert_eq!(twice.status, StatusCode::CONFLICT, "{}", twice.text());
        let html = home.get(&path).await.text();
        assert!(
            !html.contains("<form") && html.contains("María Delgado"),
            "{html}"
        );
        assert!(!html.contains("<b>bold</b>"), "{html}");
        clinic.close().await;
    }
}

#[tokio::test]
async fn f154_a_signed_form_is_downloaded_and_stays_listed() {
    for clinic in everywhere().await {
        let maria = clinic.patient("active");
        let (mut home, list) = at_home(&clinic, maria).await;
        let path = of_title(&list.text(), "Medical History");
        let page = home.get(&path).await;
        home.post(&path, &answers(&page)).await;
        let file = home.get(&format!("{path}.pdf")).await;
        assert_eq!(file.header("content-type"), "application/pdf");
        assert!(file.bytes.starts_with(b"%PDF"));
        let list = home.get("/account/forms").await.text();
        assert!(list.contains("Medical History") && list.contains("The practice looks at it"));
        let own = clinic.token(maria, SIGNS).await;
        let id = path.rsplit('/').next().expect("an id");
        let binary = clinic.get(&format!("/fhir/Binary/{id}"), &own).await;
        assert!(binary.bytes.starts_with(b"%PDF"), "{}", binary.text());
        clinic.close().await;
    }
}

/// The Provenance of a document.
pub(crate) async fn provenance(clinic: &Clinic, token: &str, id: &str) -> Value {
    let path = format!("/fhir/Provenance?target=DocumentReference/{id}");
    let found = clinic.get(&path, token).await.json();
    assert_eq!(found["total"], 1, "{found}");
    found["entry"][0]["resource"].clone()
}

/// The Parameters of `$sign` for the demo's form.
pub(crate) fn parameters(name: &str) -> Value {
    let answers = json!({"resourceType": "QuestionnaireResponse", "status": "completed", "item": [
        {"linkId": "3", "answer": [{"valueString": "None"}]}]});
    json!({"resourceType": "Parameters", "parameter": [
        {"name": "name", "valueString": name},
        {"name": "agreed", "valueBoolean": true},
        {"name": "answers", "resource": answers}]})
}
