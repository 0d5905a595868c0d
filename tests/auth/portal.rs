//! The portal's operations: status, letting in and shutting out, the lock, credentials and resets, by staff through an app.

use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use serde_json::Value;
use serde_json::json;

use super::staff::at_the_desk;
use super::staff::change;
use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::fhir::reach::token;

const FHIR: &str = "application/fhir+json";

/// What the desk's own app asks for.
pub(super) const DESK: &str = "user/Patient.rus";

/// The portal administrator's token.
pub(super) async fn desk(clinic: &Clinic) -> String {
    token(clinic, Some("nhaddad"), None, DESK).await
}

/// Parameters of strings; `true` and `false` are booleans.
pub(super) fn parameters(pairs: &[(&str, &str)]) -> String {
    let all = pairs.iter().map(|(name, value)| match *value {
        "true" | "false" => json!({"name": name, "valueBoolean": *value == "true"}),
        value => json!({"name": name, "valueString": value}),
    });
    json!({"resourceType": "Parameters", "parameter": all.collect::<Vec<_>>()}).to_string()
}

/// Sends an operation.
pub(super) async fn operate(
    clinic: &Clinic,
    token: &str,
    (id, name): (&str, &str),
    pairs: &[(&str, &str)],
) -> Answer {
    let path = format!("/fhir/Patient/{id}/${name}");
    let body = match pairs {
        [] => String::new(),
        pairs => parameters(pairs),
    };
    clinic.with_body("POST", (&path, token), FHIR, body).await
}

/// The value of a parameter, whatever its type.
pub(super) fn value(answer: &Answer, name: &str) -> Value {
    let json = answer.json();
    let all = json["parameter"].as_array().cloned().unwrap_or_default();
    let one = all.into_iter().find(|one| one["name"] == name);
    let members = one.as_ref().and_then(Value::as_object);
    let value = members
        .into_iter()
        .flatten()
        .find(|(name, _)| name.starts_with("value"));
    value.map_or(Value::Null, |(_, value)| value.clone())
}

/// The codes of a refusal.
pub(super) fn codes(answer: &Answer) -> Vec<String> {
    let json = answer.json();
    let issues = json["issue"].as_array().cloned().unwrap_or_default();
    let code = |issue: &Value| {
        issue["details"]["coding"][0]["code"]
            .as_str()
            .map(str::to_owned)
    };
    issues.iter().filter_map(code).collect()
}

pub(super) async fn status(clinic: &Clinic, token: &str, id: &str) -> Answer {
    let path = format!("/fhir/Patient/{id}/$portal-status");
    let answer = clinic.get(&path, token).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer
}

/// The codes of what is missing.
fn missing(answer: &Answer) -> Vec<String> {
    let json = answer.json();
    let all = json["parameter"].as_array().cloned().unwrap_or_default();
    let all = all.into_iter().filter(|one| one["name"] == "prerequisite");
    all.filter_map(|one| one["part"][0]["valueCode"].as_str().map(str::to_owned))
        .collect()
}

/// A patient of the sandbox by pid, whose state may have no login in the manifest.
pub(super) async fn id_of(clinic: &Clinic, notes: &'static str) -> String {
    clinic.patient(notes).id.clone()
}

#[tokio::test]
async fn f002_f004_f022_f023_g04_status_tells_the_state_the_backend_and_everything_that_is_missing()
{
    let clinic = Clinic::open().await;
    let staff = desk(&clinic).await;
    for (notes, state, group) in [
        ("active", "active", "active"),
        ("not authorised", "disabled", "inactive"),
        ("must change", "credentials-issued", "never-used"),
        (
            "no credentials, e-mail",
            "authorised-no-credentials",
            "never-used",
        ),
    ] {
        let found = status(&clinic, &staff, &clinic.patient(notes).id).await;
        assert_eq!(value(&found, "state"), state, "{notes}");
        assert_eq!(value(&found, "group"), group, "{notes}");
        assert_eq!(value(&found, "portalBackend"), "openemr-onsite");
        let version = value(&found, "emrVersion");
        assert_eq!(version, clinic.app.emr.layout.version.as_str(), "F023");
        assert!(!found.text().contains("oneTimePassword"));
    }
    // Several at once, not only the first (F004).
    let id = id_of(&clinic, "no credentials, no e-mail").await;
    change(
        &clinic,
        "UPDATE patient_data SET phone_home = '', postal_code = '', allow_patient_portal = 'NO' WHERE email = ''",
    )
    .await;
    let found = missing(&status(&clinic, &staff, &id).await);
    for code in ["access-disabled", "no-zip", "no-email"] {
        assert!(found.iter().any(|known| known == code), "{code}: {found:?}");
    }
    clinic.close().await;
}

#[tokio::test]
async fn the_patient_reads_the_own_status_and_nobody_elses() {
    let clinic = Clinic::open().await;
    let mut active = clinic.patients("active");
    let (maria, sean) = (active.next().expect("one"), active.next().expect("two"));
    let mine = clinic.token(maria, EVERYTHING).await;
    let found = status(&clinic, &mine, &maria.id).await;
    assert_eq!(value(&found, "username"), maria.username.as_str());
    assert!(!found.text().contains("lastMail"));
    let path = format!("/fhir/Patient/{}/$portal-status", sean.id);
    let theirs = clinic.get(&path, &mine).await;
    let nobody = "/fhir/Patient/00000000-0000-4000-8000-00000000dead/$portal-status";
    let none = clinic.get(nobody, &mine).await;
    assert_eq!(theirs.status, StatusCode::NOT_FOUND);
    assert_eq!(theirs.bytes, none.bytes);
    for name in [
        "portal-enable",
        "portal-credential",
        "portal-reset",
        "portal-lock",
    ] {
        let answer = operate(&clinic, &mine, (&maria.id, name), &[]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}");
    }
    clinic.close().await;
}

#[tokio::test]
async fn f161_f164_without_the_right_everything_is_refused_and_told() {
    let clinic = Clinic::open().await;
    let doctor = token(&clinic, Some("dlee"), None, DESK).await;
    let maria = clinic.patient("active");
    for name in [
        "portal-status",
        "portal-enable",
        "portal-disable",
        "portal-lock",
        "portal-unlock",
        "portal-credential",
        "portal-reset",
        "portal-username-available",
    ] {
        let answer = operate(&clinic, &doctor, (&maria.id, name), &[]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}");
    }
    let told = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_audit WHERE action = 'staff.desk' AND outcome = 'refused'";
    assert_eq!(clinic.look(told).await, "8");
    clinic.close().await;
}

#[tokio::test]
async fn f001_while_the_portal_is_off_operations_say_so() {
    let clinic = Clinic::open().await;
    let staff = desk(&clinic).await;
    let maria = clinic.patient("active");
    change(
        &clinic,
        "UPDATE globals SET gl_value = '0' WHERE gl_name = 'portal_onsite_two_enable'",
    )
    .await;
    let found = status(&clinic, &staff, &maria.id).await;
    assert_eq!(value(&found, "state"), "portal-off");
    for (name, pairs) in [
        ("portal-enable", &[("attestation", "true")][..]),
        ("portal-disable", &[]),
        ("portal-lock", &[("reason", "x")]),
        ("portal-credential", &[("deliver", "print")]),
        ("portal-reset", &[("mode", "preview")]),
    ] {
        let answer = operate(&clinic, &staff, (&maria.id, name), pairs).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{name}");
        assert_eq!(codes(&answer)[0], "portal-disabled", "{name}");
    }
    clinic.close().await;
}

#[tokio::test]
async fn f025_f026_f037_access_is_switched_with_an_attestation_and_ends_at_once() {
    let clinic = Clinic::open().await;
    let staff = desk(&clinic).await;
    let maria = clinic.patient("active");
    let mut browser = clinic.browser();
    let answer = browser.launch(maria, EVERYTHING).await;
    let access = answer["access_token"].as_str().expect("a token").to_owned();
    let refresh = answer["refresh_token"]
        .as_str()
        .expect("a refresh token")
        .to_owned();
    let own = format!("/fhir/Patient/{}", maria.id);
    assert_eq!(clinic.get(&own, &access).await.status, StatusCode::OK);
    // Twice: what is so already is no error.
    for _ in 0..2 {
        let off = operate(&clinic, &staff, (&maria.id, "portal-disable"), &[]).await;
        assert_eq!(off.status, StatusCode::OK, "{}", off.text());
        assert_eq!(value(&off, "state"), "disabled");
    }
    // At once, without a second of waiting.
    assert_eq!(
        clinic.get(&own, &access).await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        browser.refresh(&refresh).await.status,
        StatusCode::BAD_REQUEST
    );
    let letters = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_outbox WHERE letter = 'access-changed'";
    assert_eq!(clinic.look(letters).await, "1");
    let refused = operate(&clinic, &staff, (&maria.id, "portal-enable"), &[]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(codes(&refused), ["attestation-missing"]);
    let attested = [("attestation", "true")];
    let on = operate(&clinic, &staff, (&maria.id, "portal-enable"), &attested).await;
    assert_eq!(value(&on, "state"), "active", "{}", on.text());
    let by =
        "SELECT CAST(attested_by AS CHAR) AS text FROM anteroom_account WHERE attested IS NOT NULL";
    assert!(clinic.look(by).await.starts_with("Practitioner/"));
    // What ended stays ended.
    assert_eq!(
        clinic.get(&own, &access).await.status,
        StatusCode::UNAUTHORIZED
    );
    clinic.close().await;
}

#[tokio::test]
async fn case_91_case_156_a_lock_holds_at_the_login_and_for_every_token() {
    let clinic = Clinic::open().await;
    let staff = desk(&clinic).await;
    let maria = clinic.patient("active");
    let access = clinic.token(maria, EVERYTHING).await;
    let first =
        "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_account WHERE first_login IS NOT NULL";
    assert_eq!(clinic.look(first).await, "1");
    let without = operate(&clinic, &staff, (&maria.id, "portal-lock"), &[]).await;
    assert_eq!(without.status, StatusCode::BAD_REQUEST);
    let reason = [("reason", "lost phone")];
    let locked = operate(&clinic, &staff, (&maria.id, "portal-lock"), &reason).await;
    assert_eq!(
        value(&locked, "lockedReason"),
        "lost phone",
        "{}",
        locked.text()
    );
    let own = format!("/fhir/Patient/{}", maria.id);
    assert_eq!(
        clinic.get(&own, &access).await.status,
        StatusCode::UNAUTHORIZED
    );
    let mut browser = clinic.browser();
    let form = browser
        .start(&crate::clinic::browser::authorization(EVERYTHING))
        .await;
    let page = browser.log_in(&form, maria).await;
    assert!(page.text().contains("role=\"alert\""), "{}", page.text());
    let why = "SELECT CAST(reason AS CHAR) AS text FROM anteroom_audit WHERE action = 'login' AND outcome = 'refused' ORDER BY id DESC LIMIT 1";
    assert_eq!(clinic.look(why).await, "locked");
    let made = operate(
        &clinic,
        &staff,
        (&maria.id, "portal-credential"),
        &[("deliver", "print")],
    )
    .await;
    assert_eq!(codes(&made), ["access-locked"]);
    operate(&clinic, &staff, (&maria.id, "portal-unlock"), &[]).await;
    assert!(!clinic.token(maria, EVERYTHING).await.is_empty());
    let letters = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_outbox WHERE letter = 'access-changed'";
    assert_eq!(clinic.look(letters).await, "2");
    clinic.close().await;
}

#[tokio::test]
async fn somebody_who_registered_and_is_not_let_in_does_not_log_in() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let access = clinic.token(maria, EVERYTHING).await;
    change(
        &clinic,
        "UPDATE anteroom_account SET registered = 1 WHERE pid = 1",
    )
    .await;
    let own = format!("/fhir/Patient/{}", maria.id);
    assert_eq!(
        clinic.get(&own, &access).await.status,
        StatusCode::UNAUTHORIZED
    );
    // Enabling by hand lets them in (F031).
    let staff = desk(&clinic).await;
    let attested = [("attestation", "true")];
    let on = operate(&clinic, &staff, (&maria.id, "portal-enable"), &attested).await;
    assert_eq!(value(&on, "state"), "active");
    clinic.close().await;
}

#[tokio::test]
async fn f027_a_chart_that_staff_open_has_access_where_the_practice_says_so() {
    for (auto, word) in [(true, "YES"), (false, "")] {
        let clinic = Clinic::with(|config| config.accounts.auto_enable = auto).await;
        let scope = "user/Patient.crus";
        let staff = token(&clinic, Some("nhaddad"), None, scope).await;
        let body = json!({"resourceType": "Patient", "name": [{"family": "Newcomer", "given": ["Nora"]}],
            "birthDate": "1999-01-02", "gender": "female"});
        let made = clinic
            .with_body(
                "POST",
                ("/fhir/Patient", staff.as_str()),
                FHIR,
                body.to_string(),
            )
            .await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
        let sql = "SELECT CAST(COALESCE(allow_patient_portal, '') AS CHAR) AS text FROM patient_data WHERE lname = 'Newcomer'";
        assert_eq!(clinic.look(sql).await, word);
        clinic.close().await;
    }
}

#[tokio::test]
async fn a_get_of_what_changes_something_and_an_entry_of_a_bundle_are_refused() {
    let clinic = Clinic::open().await;
    let staff = desk(&clinic).await;
    let maria = clinic.patient("active");
    let path = format!("/fhir/Patient/{}/$portal-disable", maria.id);
    assert_eq!(
        clinic.get(&path, &staff).await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
    let bundle = json!({"resourceType": "Bundle", "type": "batch", "entry": [
        {"request": {"method": "GET", "url": format!("Patient/{}/$portal-status", maria.id)}}]});
    let request = Request::post("/fhir")
        .header("authorization", format!("Bearer {staff}"))
        .header("content-type", FHIR)
        .body(Body::from(bundle.to_string()))
        .expect("a request");
    let answer = clinic.send(request).await.json();
    let status = answer["entry"][0]["response"]["status"].as_str();
    assert!(
        status.is_some_and(|status| status.starts_with("400")),
        "{answer}"
    );
    clinic.close().await;
}

#[tokio::test]
async fn f040_the_desk_and_the_operation_do_the_same_under_the_same_rules() {
    let clinic = Clinic::open().await;
    let staff = desk(&clinic).await;
    let id = id_of(&clinic, "not authorised").await;
    let (mut browser, _) = at_the_desk(&clinic, "nhaddad").await;
    let path = format!("/staff/patients/{id}");
    let page = browser.get(&path).await;
    // Without the attestation both say no, in the same words.
    let by_operation = operate(&clinic, &staff, (&id, "portal-enable"), &[]).await;
    assert_eq!(codes(&by_operation), ["attestation-missing"]);
    let json = by_operation.json();
    let words = json["issue"][0]["details"]["text"].as_str().expect("words");
    let by_page = browser.submit(&page, &[("decision", "enable")]).await;
    assert!(by_page.text().contains(words), "{}", by_page.text());
    // With it, the page does what the operation then tells.
    let fields = [("decision", "enable"), ("attestation", "true")];
    let done = browser.submit(&page, &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    let now = status(&clinic, &staff, &id).await;
    assert_eq!(value(&now, "state"), "active");
    clinic.close().await;
}
