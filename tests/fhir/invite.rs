//! `$portal-invite`: one patient, many as a job, and nobody twice whatever is killed in the middle.

use std::collections::BTreeMap;

use anteroom::config::accounts::Factor;
use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use serde_json::Value;
use serde_json::json;
use time::Duration;
use uuid::Uuid;

use super::reach;
use crate::clinic::Answer;
use crate::clinic::Clinic;

pub(super) const FHIR: &str = "application/fhir+json";

pub(super) async fn staff(clinic: &Clinic) -> String {
    reach::token(clinic, Some("nhaddad"), None, "user/Patient.rus").await
}

fn parameters(all: &[(&str, Value)]) -> String {
    let all = all.iter().map(|(name, value)| {
        let kind = match value {
            Value::Bool(_) => "valueBoolean",
            Value::Object(_) => "valueReference",
            _ => "valueString",
        };
        json!({"name": name, kind: value})
    });
    let all: Vec<Value> = all.collect();
    json!({"resourceType": "Parameters", "parameter": all}).to_string()
}

pub(super) async fn invite(
    clinic: &Clinic,
    token: &str,
    id: &str,
    all: &[(&str, Value)],
) -> Answer {
    let path = format!("/fhir/Patient/{id}/$portal-invite");
    clinic
        .with_body("POST", (&path, token), FHIR, parameters(all))
        .await
}

pub(super) async fn invite_many(
    clinic: &Clinic,
    token: &str,
    all: &[(&str, Value)],
    headers: &[(&str, &str)],
) -> Answer {
    let mut request = Request::post("/fhir/Patient/$portal-invite")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", FHIR);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = Body::from(parameters(all));
    clinic.send(request.body(body).expect("a request")).await
}

fn said(answer: &Answer, name: &str) -> String {
    let json = answer.json();
    let all = json["parameter"].as_array().expect("Parameters");
    let one = all.iter().find(|one| one["name"] == name);
    let one = one.and_then(|one| one.as_object()).expect("a parameter");
    let value = one.iter().find(|(name, _)| name.starts_with("value"));
    value
        .and_then(|(_, value)| value.as_str())
        .expect("text")
        .to_owned()
}

fn codes(answer: &Answer) -> Vec<String> {
    let json = answer.json();
    let issues = json["issue"].as_array().expect("issues");
    let code = |issue: &Value| {
        issue["details"]["coding"][0]["code"]
            .as_str()
            .map(str::to_owned)
    };
    issues.iter().filter_map(code).collect()
}

/// What became of how many, by the codes of a Bundle.
pub(super) fn results(answer: &Answer) -> BTreeMap<String, usize> {
    let json = answer.json();
    assert_eq!(json["type"], "batch-response", "{}", answer.text());
    let mut all = BTreeMap::new();
    for entry in json["entry"].as_array().into_iter().flatten() {
        let issue = &entry["response"]["outcome"]["issue"][0];
        let code = issue["details"]["coding"][0]["code"]
            .as_str()
            .expect("a code");
        *all.entry(code.to_owned()).or_default() += 1;
    }
    all
}

#[tokio::test]
async fn f091_f095_f096_f097_f103_one_patient_gets_the_letter_that_fits() {
    let clinic = Clinic::with(|config| config.accounts.requires.clear()).await;
    let token = staff(&clinic).await;
    let walter = clinic.patient("no credentials, e-mail");
    let enable = [("enable", json!(true)), ("attestation", json!(true))];
    let sent = invite(&clinic, &token, &walter.id, &enable).await;
    assert_eq!(sent.status, StatusCode::OK, "{}", sent.text());
    assert_eq!(said(&sent, "letter"), "invite");
    assert_eq!(said(&sent, "factor"), "birth-date");
    assert!(said(&sent, "expires").ends_with('Z'));
    let letter =
        "SELECT CONCAT(letter, ' ', address) AS text FROM anteroom_outbox ORDER BY id DESC LIMIT 1";
    assert_eq!(
        clinic.look(letter).await,
        format!("invite {}", walter.email)
    );

    // Whoever has a login gets a reset; a second one at once is no mistake, and ends the first link.
    let maria = clinic.patient("active");
    for _ in 0..2 {
        let sent = invite(&clinic, &token, &maria.id, &[]).await;
        assert_eq!(sent.status, StatusCode::OK, "{}", sent.text());
        assert_eq!(said(&sent, "letter"), "reset");
    }
    assert_eq!(clinic.look(letter).await, format!("reset {}", maria.email));
    let alive = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_link WHERE purpose = 'reset' AND ended IS NULL";
    let all = "SELECT GROUP_CONCAT(CONCAT(purpose, ' ', pid, ' ', COALESCE(ended, 'open'))) AS text FROM anteroom_link";
    assert_eq!(clinic.look(alive).await, "1", "{}", clinic.look(all).await);

    // Everything that is missing is told at once.
    let nobody = clinic.patient("no credentials, no e-mail");
    let refused = invite(&clinic, &token, &nobody.id, &enable).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(codes(&refused), ["no-email", "email-not-allowed"]);
    let off = clinic.patient("not authorised");
    let refused = invite(&clinic, &token, &off.id, &[]).await;
    assert_eq!(codes(&refused), ["access-disabled"]);
    let refused = invite(&clinic, &token, &off.id, &enable[..1]).await;
    assert_eq!(codes(&refused), ["attestation-missing"]);
    let allowed =
        "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_audit WHERE action = 'portal.enable'";
    // Walter was let in before: that is no deed.
    assert_eq!(clinic.look(allowed).await, "0");

    // No letter goes to an address that somebody typed.
    let typed = [("to", json!("thief@mail.example"))];
    let refused = invite(&clinic, &token, &maria.id, &typed).await;
    assert_eq!(
        refused.status,
        StatusCode::BAD_REQUEST,
        "{}",
        refused.text()
    );
    clinic.close().await;
}

#[tokio::test]
async fn f012_f093_without_post_nothing_goes_and_a_pin_is_told_once() {
    let clinic = Clinic::with(|config| {
        config.accounts.requires.clear();
        config.accounts.invite_factor = Factor::Pin;
    })
    .await;
    let token = staff(&clinic).await;
    let maria = clinic.patient("active");
    let sent = invite(&clinic, &token, &maria.id, &[]).await;
    let pin = said(&sent, "pin");
    assert_eq!(pin.len(), 6);
    let kept =
        "SELECT COALESCE(pin_hash, '') AS text FROM anteroom_link ORDER BY created DESC LIMIT 1";
    let kept = clinic.look(kept).await;
    assert!(!kept.is_empty() && !kept.contains(&pin));
    let told = "SELECT told AS text FROM anteroom_outbox ORDER BY id DESC LIMIT 1";
    assert!(!clinic.look(told).await.contains(&pin));
    let many = [(
        "patient",
        json!({"reference": format!("Patient/{}", maria.id)}),
    )];
    let refused = invite_many(&clinic, &token, &many, &[]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text());
    clinic.close().await;
    let clinic = Clinic::with(|config| {
        config.accounts.requires.clear();
        config.notify.transport = anteroom::config::notify::Transport::Off;
    })
    .await;
    let token = staff(&clinic).await;
    let refused = invite(&clinic, &token, &clinic.patient("active").id, &[]).await;
    assert_eq!(codes(&refused), ["mail-not-configured"]);
    clinic.close().await;
}

#[tokio::test]
async fn f161_inviting_is_for_staff_of_the_desk() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let own = attacks_token(&clinic).await;
    let clerk = reach::token(&clinic, Some("jpark"), None, "user/*.cruds").await;
    let service = reach::token(&clinic, None, None, "system/*.cruds").await;
    let reader = reach::token(&clinic, Some("nhaddad"), None, "user/Patient.rs").await;
    let cut = reach::token(
        &clinic,
        Some("nhaddad"),
        Some(&maria.id),
        "patient/Patient.rus",
    )
    .await;
    let job = format!("/fhir/$portal-job/{}", Uuid::from_u128(7));
    for (who, token) in [
        ("patient", &own),
        ("clerk", &clerk),
        ("service", &service),
        ("reader", &reader),
        ("cut", &cut),
    ] {
        let refused = invite(&clinic, token, &maria.id, &[]).await;
        assert_eq!(
            refused.status,
            StatusCode::FORBIDDEN,
            "{who}: {}",
            refused.text()
        );
        let many = [(
            "patient",
            json!({"reference": format!("Patient/{}", maria.id)}),
        )];
        let refused = invite_many(&clinic, token, &many, &[]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{who}");
    }
    for token in [&own, &clerk, &service] {
        assert_eq!(clinic.get(&job, token).await.status, StatusCode::FORBIDDEN);
    }
    let token = staff(&clinic).await;
    assert_eq!(clinic.get(&job, &token).await.status, StatusCode::NOT_FOUND);
    let letters = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_outbox";
    assert_eq!(clinic.look(letters).await, "0");
    clinic.close().await;
}

async fn attacks_token(clinic: &Clinic) -> String {
    let maria = clinic.patient("active");
    clinic.token(maria, "launch/patient patient/*.crus").await
}

#[tokio::test]
async fn f092_f104_f105_a_few_are_answered_at_once_and_nobody_is_bothered_twice() {
    let clinic = Clinic::with(|config| config.accounts.requires.clear()).await;
    let token = staff(&clinic).await;
    let named = |state: &'static str| {
        let id = &clinic.patient(state).id;
        ("patient", json!({"reference": format!("Patient/{id}")}))
    };
    let all = [
        named("active"),
        named("active"),
        named("not authorised"),
        named("no credentials, no e-mail"),
        ("enable", json!(true)),
        ("attestation", json!(true)),
    ];
    let first = invite_many(&clinic, &token, &all, &[("idempotency-key", "one")]).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.text());
    let expected = [("reset-sent", 2), ("no-email", 1)];
    let expected: BTreeMap<String, usize> = expected
        .map(|(code, number)| (code.to_owned(), number))
        .into();
    assert_eq!(results(&first), expected);
    // The same request again is the same job; the same key for another request is a mistake.
    let again = invite_many(&clinic, &token, &all, &[("idempotency-key", "one")]).await;
    assert_eq!(again.json(), first.json());
    let other = invite_many(&clinic, &token, &all[..1], &[("idempotency-key", "one")]).await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    // A new job passes over those who had a letter, for a day.
    let next = invite_many(&clinic, &token, &all[..1], &[]).await;
    assert_eq!(
        results(&next).get("skipped-recently"),
        Some(&1),
        "{}",
        next.text()
    );
    clinic.wait(Duration::hours(25));
    let token = staff(&clinic).await;
    let next = invite_many(&clinic, &token, &all[..1], &[]).await;
    assert_eq!(
        results(&next).get("reset-sent"),
        Some(&1),
        "{}",
        next.text()
    );
    // Nobody, an unknown one, and a search that is none.
    let stranger = (
        "patient",
        json!({"reference": format!("Patient/{}", Uuid::from_u128(9))}),
    );
    for (wrong, status) in [
        (vec![], StatusCode::BAD_REQUEST),
        (vec![stranger], StatusCode::UNPROCESSABLE_ENTITY),
        (vec![("search", json!(""))], StatusCode::BAD_REQUEST),
        (
            vec![("search", json!("colour=red"))],
            StatusCode::BAD_REQUEST,
        ),
    ] {
        let answer = invite_many(&clinic, &token, &wrong, &[]).await;
        assert_eq!(answer.status, status, "{wrong:?}: {}", answer.text());
    }
    clinic.close().await;
}

#[tokio::test]
async fn f099_staff_search_patients_by_the_state_of_the_account() {
    let clinic = Clinic::open().await;
    let token = staff(&clinic).await;
    let found = |answer: &Answer| -> Vec<String> {
        let json = answer.json();
        let all = json["entry"].as_array().cloned().unwrap_or_default();
        all.iter()
            .filter_map(|one| one["resource"]["id"].as_str().map(str::to_owned))
            .collect()
    };
    let mut seen = 0;
    for (code, state) in [
        ("active", "active"),
        ("disabled", "not authorised"),
        ("credentials-issued", "must change"),
    ] {
        let page = clinic
            .get(
                &format!("/fhir/Patient?portal-status={code}&_count=100"),
                &token,
            )
            .await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text());
        let ids = found(&page);
        assert!(ids.contains(&clinic.patient(state).id), "{code}");
        seen += ids.len();
        let not = clinic
            .get(
                &format!("/fhir/Patient?portal-status:not={code}&_count=100"),
                &token,
            )
            .await;
        assert!(!found(&not).contains(&clinic.patient(state).id), "{code}");
    }
    let both = clinic
        .get(
            "/fhir/Patient?portal-status=active,disabled,credentials-issued&_count=100",
            &token,
        )
        .await;
    assert_eq!(found(&both).len(), seen);
    let none = clinic
        .get("/fhir/Patient?portal-status=portal-off", &token)
        .await;
    assert_eq!(found(&none).len(), 0);
    // A patient finds nobody else by it.
    let maria = clinic.patient("active");
    let own = clinic
        .token(maria, "launch/patient patient/Patient.rs")
        .await;
    for state in ["active", "disabled"] {
        let page = clinic
            .get(&format!("/fhir/Patient?portal-status={state}"), &own)
            .await;
        assert!(found(&page).iter().all(|id| *id == maria.id), "{state}");
    }
    clinic.close().await;
}
