//! Every write goes one way: what may be set, under which conditions, once or again, and what is answered.

use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use futures_util::future::join_all;
use serde_json::Value;
use serde_json::json;

use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::fhir::cancel::CANCEL;
use crate::fhir::cancel::PATCH;
use crate::fhir::cancel::visit;

pub(super) const FHIR: &str = "application/fhir+json";

/// A token with other scopes than the app may ask for.
pub(super) async fn token_for(clinic: &Clinic, scope: &str) -> String {
    let token = clinic.token(clinic.patient("active"), EVERYTHING).await;
    give(&clinic.app.emr.db, scope).await;
    clinic.app.tokens.clear();
    token
}

pub(super) async fn give(db: &anteroom::db::Db, scope: &str) {
    for table in ["anteroom_grant", "anteroom_token"] {
        let sql = format!("UPDATE {table} SET scope = '{scope}'");
        db.script(&sql).await.expect("the scope is changed");
    }
}

/// A request with more headers than one.
pub(super) async fn send(
    clinic: &Clinic,
    (method, path, token): (&str, &str, &str),
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {token}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body.to_owned()));
    clinic.send(request.expect("a request")).await
}

/// A message to the first practitioner who takes one.
pub(super) async fn message(clinic: &Clinic, token: &str) -> Value {
    let found = clinic
        .get("/fhir/Practitioner?_count=50", token)
        .await
        .json();
    let entries = found["entry"].as_array().cloned().unwrap_or_default();
    for entry in entries {
        let id = entry["resource"]["id"].as_str().unwrap_or_default();
        let body = json!({
            "resourceType": "Communication", "status": "completed",
            "recipient": [{"reference": format!("Practitioner/{id}")}],
            "topic": {"text": "A question"}, "payload": [{"contentString": "May I come earlier?"}]
        });
        let answer = clinic
            .with_body(
                "POST",
                ("/fhir/Communication", token),
                FHIR,
                body.to_string(),
            )
            .await;
        if answer.status == StatusCode::CREATED {
            return body;
        }
    }
    panic!("nobody takes messages");
}

pub(super) const WRITING: &str = "openid launch/patient patient/*.cruds";

#[tokio::test]
async fn a_new_resource_is_answered_with_its_place_and_as_preferred() {
    let clinic = Clinic::open().await;
    let token = token_for(&clinic, WRITING).await;
    let body = message(&clinic, &token).await.to_string();
    let post = ("POST", "/fhir/Communication", token.as_str());
    let answer = send(&clinic, post, &[("content-type", FHIR)], &body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let made = answer.json();
    let (id, version) = (made["id"].as_str(), made["meta"]["versionId"].as_str());
    let (id, version) = (id.expect("an id"), version.expect("a version"));
    let place = answer.header("location").to_owned();
    assert!(
        place.ends_with(&format!("/fhir/Communication/{id}/_history/{version}")),
        "{place}"
    );
    assert_eq!(answer.header("etag"), format!("W/\"{version}\""));
    let path = &place[place.find("/fhir/").expect("our address")..];
    assert_eq!(
        clinic.get(path, &token).await.json(),
        made,
        "Location is read"
    );
    let minimal = [
        ("content-type", FHIR),
        ("prefer", "respond-async, return=minimal"),
    ];
    let answer = send(&clinic, post, &minimal, &body).await;
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (StatusCode::CREATED, "")
    );
    assert!(!answer.header("location").is_empty());
    let told = [
        ("content-type", FHIR),
        ("prefer", "return=OperationOutcome"),
    ];
    let answer = send(&clinic, post, &told, &body).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!(answer.issue(), "informational");
    let ledger = clinic.look("SELECT CONCAT_WS('|', action, outcome, resource) AS text FROM anteroom_audit WHERE action = 'Communication.create' ORDER BY id").await;
    assert!(
        ledger.starts_with("Communication.create|success|Communication/"),
        "{ledger}"
    );
    clinic.close().await;
}

#[tokio::test]
async fn case_144_a_patch_sets_what_the_caller_may_and_tests_what_it_sees() {
    let clinic = Clinic::open().await;
    let token = clinic.token(clinic.patient("active"), EVERYTHING).await;
    let visit = visit(&clinic, &token).await;
    let id = visit["id"].as_str().expect("an id");
    let path = format!("/fhir/Appointment/{id}");
    let long = format!(
        r#"[{{"op":"add","path":"/status/{}","value":1}}]"#,
        "x".repeat(100_000)
    );
    let many = format!(
        "[{}]",
        vec![r#"{"op":"test","path":"/status","value":"booked"}"#; 101].join(",")
    );
    for (body, status) in [
        (
            r#"[{"op":"move","from":"/comment","path":"/cancelationReason"}]"#,
            422,
        ),
        (
            r#"[{"op":"copy","from":"/participant","path":"/cancelationReason"}]"#,
            422,
        ),
        (r#"[{"op":"add","path":"/participant/-","value":{}}]"#, 422),
        (r#"[{"op":"add","path":"/meta/tag","value":[]}]"#, 422),
        (r#"[{"op":"replace","path":"/id","value":"x"}]"#, 422),
        (
            r#"[{"op":"replace","path":"/resourceType","value":"Patient"}]"#,
            422,
        ),
        (r#"[{"op":"add","path":"/__proto__","value":{}}]"#, 422),
        (
            r#"[{"op":"add","path":"/constructor/prototype","value":{}}]"#,
            422,
        ),
        (
            r#"[{"op":"test","path":"/status","value":"cancelled"}]"#,
            422,
        ),
        (r#"[{"op":"test","path":"/nothing","value":null}]"#, 422),
        (r#"[{"op":"remove","path":"/status"}]"#, 422),
        (
            r#"[{"op":"add","path":"/cancelationReason","value":{"text":"x","coding":[]}}]"#,
            422,
        ),
        (r#"{"op":"test"}"#, 400),
        (long.as_str(), 422),
        (many.as_str(), 413),
    ] {
        let answer = clinic
            .with_body("PATCH", (&path, &token), PATCH, body.to_owned())
            .await;
        let sent: String = body.chars().take(90).collect();
        assert_eq!(answer.status.as_u16(), status, "{sent}: {}", answer.text());
        assert!(answer.text().len() < 2000, "{sent}");
    }
    for kind in [
        "application/merge-patch+json",
        FHIR,
        "application/xml-patch+xml",
    ] {
        let answer = clinic.with_body("PATCH", (&path, &token), kind, "{}").await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind}");
    }
    assert_eq!(
        clinic.get(&path, &token).await.json(),
        visit,
        "nothing was written"
    );
    let good = r#"[{"op":"test","path":"/status","value":"booked"},{"op":"replace","path":"/status","value":"cancelled"}]"#;
    // Who may change but not read learns nothing from a test.
    give(&clinic.app.emr.db, "launch/patient patient/Appointment.u").await;
    clinic.app.tokens.clear();
    let blind = clinic
        .with_body("PATCH", (&path, &token), PATCH, good)
        .await;
    assert_eq!(blind.status, StatusCode::FORBIDDEN, "{}", blind.text());
    let done = clinic
        .with_body("PATCH", (&path, &token), PATCH, CANCEL)
        .await;
    assert_eq!(
        (done.status, done.issue().as_str()),
        (StatusCode::OK, "informational")
    );
    assert!(!done.text().contains(id), "{}", done.text());
    clinic.close().await;
}

#[tokio::test]
async fn case_147_of_two_who_saw_the_same_version_one_writes() {
    let mut clinics = vec![Clinic::open().await];
    clinics.extend(Clinic::on_mariadb("7.0.4").await);
    for clinic in clinics {
        let token = clinic.token(clinic.patient("active"), EVERYTHING).await;
        let mut visit = visit(&clinic, &token).await;
        let path = format!("/fhir/Appointment/{}", visit["id"].as_str().expect("an id"));
        let version = format!(
            "W/\"{}\"",
            visit["meta"]["versionId"].as_str().expect("one")
        );
        visit["status"] = json!("cancelled");
        let body = visit.to_string();
        let put = |version: &str| {
            let headers = [
                ("content-type", FHIR.to_owned()),
                ("if-match", version.to_owned()),
            ];
            let (clinic, path, token, body) = (&clinic, &path, &token, &body);
            async move {
                let headers: Vec<(&str, &str)> = headers
                    .iter()
                    .map(|(name, value)| (*name, value.as_str()))
                    .collect();
                send(clinic, ("PUT", path, token), &headers, body).await
            }
        };
        for wrong in ["", "1", "W/\"1\", W/\"2\""] {
            assert_eq!(put(wrong).await.status, StatusCode::BAD_REQUEST, "{wrong}");
        }
        for stale in ["W/\"1\"", "*", "\"x\""] {
            assert_eq!(
                put(stale).await.status,
                StatusCode::PRECONDITION_FAILED,
                "{stale}"
            );
        }
        let answers = join_all((0..6).map(|_| put(&version))).await;
        let mut statuses: Vec<u16> = answers.iter().map(|one| one.status.as_u16()).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412, 412, 412, 412, 412]);
        clinic.close().await;
    }
}

#[tokio::test]
async fn case_148_nothing_is_deleted_and_the_answer_says_what_there_is() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let token = token_for(&clinic, WRITING).await;
    let other = &clinic
        .patients("active")
        .nth(1)
        .expect("a second patient")
        .id;
    for (method, path, allow) in [
        ("DELETE", format!("/fhir/Patient/{}", maria.id), "GET, HEAD"),
        ("DELETE", format!("/fhir/Patient/{other}"), "GET, HEAD"),
        ("DELETE", "/fhir/Patient?name=a".to_owned(), "GET, HEAD"),
        ("POST", "/fhir/Practitioner".to_owned(), "GET, HEAD"),
        ("PUT", format!("/fhir/Schedule/{}", maria.id), "GET, HEAD"),
        ("PUT", format!("/fhir/Patient/{}/_history", maria.id), ""),
        ("GET", "/fhir/Patient/_search".to_owned(), "POST"),
    ] {
        let answer = clinic.with_body(method, (&path, &token), FHIR, "{}").await;
        if method == "DELETE" || allow != "POST" || answer.status != StatusCode::OK {
            assert_eq!(
                answer.status,
                StatusCode::METHOD_NOT_ALLOWED,
                "{method} {path}"
            );
            assert!(answer.header("allow").starts_with(allow), "{method} {path}");
            assert_eq!(answer.issue(), "not-supported");
        }
    }
    clinic.close().await;
}

#[tokio::test]
async fn case_141_142_nobody_is_put_into_anothers_chart() {
    let clinic = Clinic::open().await;
    let token = token_for(&clinic, WRITING).await;
    let bob = &clinic
        .patients("active")
        .nth(1)
        .expect("a second patient")
        .id;
    let mut visit = visit(&clinic, &token).await;
    let path = format!("/fhir/Appointment/{}", visit["id"].as_str().expect("an id"));
    let version = format!(
        "W/\"{}\"",
        visit["meta"]["versionId"].as_str().expect("one")
    );
    visit["status"] = json!("cancelled");
    visit["participant"][0]["actor"] = json!({"reference": format!("Patient/{bob}")});
    let headers = [("content-type", FHIR), ("if-match", version.as_str())];
    let answer = send(
        &clinic,
        ("PUT", &path, &token),
        &headers,
        &visit.to_string(),
    )
    .await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        answer.text().contains("Appointment.participant"),
        "{}",
        answer.text()
    );
    let letter = message(&clinic, &token).await;
    let base = clinic.app.config.fhir_base();
    let count = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM onsite_mail";
    let before = clinic.look(count).await;
    for (name, value) in [
        ("subject", json!({"reference": format!("Patient/{bob}")})),
        (
            "subject",
            json!({"reference": format!("{base}/Patient/{bob}")}),
        ),
        ("subject", json!({"identifier": {"value": "1"}})),
        (
            "subject",
            json!({"reference": format!("Practitioner/{bob}"), "type": "Patient"}),
        ),
        ("sender", json!({"reference": format!("Patient/{bob}")})),
        ("subject", json!({"reference": "#p"})),
        (
            "encounter",
            json!({"reference": format!("Encounter/{bob}")}),
        ),
        (
            "basedOn",
            json!([{"reference": format!("Appointment/{bob}")}]),
        ),
        ("contained", json!([{"resourceType": "Patient", "id": "p"}])),
        ("identifier", json!([{"value": "x"}])),
        (
            "text",
            json!({"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"}),
        ),
    ] {
        let mut body = letter.clone();
        body[name] = value;
        let answer = clinic
            .with_body(
                "POST",
                ("/fhir/Communication", &token),
                FHIR,
                body.to_string(),
            )
            .await;
        let refused = [StatusCode::UNPROCESSABLE_ENTITY, StatusCode::FORBIDDEN];
        assert!(
            refused.contains(&answer.status),
            "{body}: {}",
            answer.text()
        );
    }
    assert_eq!(clinic.look(count).await, before, "nothing was written");
    clinic.close().await;
}

#[tokio::test]
async fn case_152_each_letter_opens_its_own_interaction() {
    let clinic = Clinic::open().await;
    let token = token_for(&clinic, WRITING).await;
    let letter = message(&clinic, &token).await.to_string();
    let visit = visit(&clinic, &token).await;
    let path = format!("/fhir/Appointment/{}", visit["id"].as_str().expect("an id"));
    for (scope, method, path) in [
        ("patient/Communication.rus", "POST", "/fhir/Communication"),
        ("patient/Appointment.crs", "PUT", path.as_str()),
        ("patient/Appointment.c", "PUT", path.as_str()),
        ("patient/Appointment.s", "GET", path.as_str()),
        ("patient/Appointment.c", "GET", path.as_str()),
    ] {
        give(&clinic.app.emr.db, &format!("launch/patient {scope}")).await;
        clinic.app.tokens.clear();
        let answer = clinic
            .with_body(method, (path, &token), FHIR, letter.clone())
            .await;
        assert_eq!(
            answer.status,
            StatusCode::FORBIDDEN,
            "{scope} {method} {path}"
        );
    }
    clinic.close().await;
}
