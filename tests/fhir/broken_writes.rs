//! Writes that were found broken by looking for it: each test shows what went wrong once.

use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use serde_json::Value;
use serde_json::json;

use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::clinic::engine::LAYOUTS;
use crate::fhir::chart::both;
use crate::fhir::chart::manager;
use crate::fhir::chart::read;
use crate::fhir::message::WRITES;
use crate::fhir::reach::token;
use crate::fhir::write::FHIR;
use crate::fhir::write::WRITING;
use crate::fhir::write::message;
use crate::fhir::write::send;
use crate::fhir::write::token_for;

const PATCH: &str = "application/json-patch+json";

/// May read, ask for, change and search.
const ASKING: &str = "openid fhirUser launch/patient patient/*.crus";

async fn post(clinic: &Clinic, token: &str, body: &Value) -> Answer {
    let kind = body["resourceType"].as_str().expect("a type");
    let path = match kind {
        "Bundle" => "/fhir".to_owned(),
        kind => format!("/fhir/{kind}"),
    };
    let headers = [("content-type", FHIR)];
    send(clinic, ("POST", &path, token), &headers, &body.to_string()).await
}

async fn patch(clinic: &Clinic, token: &str, record: &Value, operations: &Value) -> Answer {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let path = format!(
        "/fhir/{}/{}",
        text(&record["resourceType"]),
        text(&record["id"])
    );
    let seen = format!("W/\"{}\"", text(&record["meta"]["versionId"]));
    let headers = [("content-type", PATCH), ("if-match", seen.as_str())];
    send(
        clinic,
        ("PATCH", &path, token),
        &headers,
        &operations.to_string(),
    )
    .await
}

fn replace(path: &str, value: impl Into<Value>) -> Value {
    json!([{"op": "replace", "path": path, "value": value.into()}])
}

/// One of two who saw the same version is done, and the other is told.
fn one_of_two(answers: &[Answer]) {
    let mut told: Vec<u16> = answers.iter().map(|one| one.status.as_u16()).collect();
    told.sort_unstable();
    let words: Vec<String> = answers.iter().map(Answer::text).collect();
    assert_eq!(told, [200, 412], "{words:?}");
}

async fn entries(clinic: &Clinic, token: &str, path: &str) -> Vec<Value> {
    let found = read(clinic, token, path).await;
    let entries = found["entry"].as_array().cloned().unwrap_or_default();
    let all = entries.into_iter().map(|entry| entry["resource"].clone());
    all.collect()
}

#[tokio::test]
async fn case_142_staff_in_context_write_into_no_other_chart() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let sean = clinic.patients("active").nth(1).expect("a second patient");
        let own = clinic.token(maria, EVERYTHING).await;
        let mut card = entries(&clinic, &own, "/fhir/Coverage").await.remove(0);
        let members = card.as_object_mut().expect("an object");
        for name in ["id", "meta", "text", "type"] {
            members.remove(name);
        }
        card["order"] = json!(3);
        card["period"] = json!({"start": "2026-02-03"});
        card["relationship"]["coding"][0]["code"] = json!("self");
        let members = card.as_object_mut().expect("an object");
        members.remove("subscriber");
        card["beneficiary"] = json!({"reference": format!("Patient/{}", sean.id)});
        let scope = "patient/*.cruds";
        let desk = token(&clinic, Some("nhaddad"), Some(&maria.id), scope).await;
        let refused = post(&clinic, &desk, &card).await;
        let fine = [StatusCode::FORBIDDEN, StatusCode::UNPROCESSABLE_ENTITY];
        assert!(fine.contains(&refused.status), "{}", refused.text());
        card["beneficiary"] = json!({"reference": format!("Patient/{}", maria.id)});
        let made = post(&clinic, &desk, &card).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
        let chart = json!({
            "resourceType": "Patient", "gender": "female", "birthDate": "1980-01-01",
            "name": [{"family": "Nobody", "given": ["New"]}]
        });
        let refused = post(&clinic, &desk, &chart).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text());
        clinic.close().await;
    }
}

#[tokio::test]
async fn case_147_two_who_change_the_insurer_or_the_end_do_not_overwrite_each_other() {
    let mut clinics = both().await;
    clinics.extend(Clinic::on_mariadb(LAYOUTS[2]).await);
    for clinic in clinics {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, EVERYTHING).await;
        let desk = manager(&clinic).await;
        let path = format!("/fhir/Coverage?patient={}", maria.id);
        let card = entries(&clinic, &desk, &path).await.remove(0);
        let mut insurers = entries(&clinic, &own, "/fhir/Organization?_count=50").await;
        insurers.retain(|one| one["type"][0]["coding"][0]["code"] == "ins");
        let payor = |at: usize| {
            let id = insurers[at]["id"].as_str().expect("an id");
            replace(
                "/payor/0",
                json!({"reference": format!("Organization/{id}")}),
            )
        };
        let known = card["payor"][0]["reference"].as_str().unwrap_or_default();
        let others: Vec<Value> = (0..insurers.len())
            .filter(|at| {
                let id = insurers[*at]["id"].as_str();
                id.is_some_and(|id| !known.ends_with(id))
            })
            .map(payor)
            .chain([replace("/subscriberId", "X")])
            .take(2)
            .collect();
        let both = others.iter().map(|one| patch(&clinic, &desk, &card, one));
        one_of_two(&join_all(both).await);
        if clinic.app.emr.layout.has("insurance_data", "date_end") {
            let card = entries(&clinic, &desk, &path).await.remove(0);
            let ends = ["2027-01-31", "2027-02-28"]
                .map(|day| json!([{"op": "add", "path": "/period/end", "value": day}]));
            let both = ends.iter().map(|one| patch(&clinic, &desk, &card, one));
            one_of_two(&join_all(both).await);
        }
        clinic.close().await;
    }
}

/// A visit staff booked.
async fn booked(clinic: &Clinic, (own, desk): (&str, &str), patient: &str) -> Value {
    let slots = super::booking::free(clinic, own, "&service-type=office_visit").await;
    let made = post(clinic, desk, &wanted(patient, &slots[0], "booked")).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    made.json()
}

fn wanted(patient: &str, slot: &Value, status: &str) -> Value {
    let slot = slot["id"].as_str().expect("an id");
    json!({
        "resourceType": "Appointment", "status": status,
        "serviceType": [{"coding": [{"code": "office_visit"}]}],
        "slot": [{"reference": format!("Slot/{slot}")}],
        "participant": [
            {"actor": {"reference": format!("Patient/{patient}")}, "status": "accepted"}
        ]
    })
}

#[tokio::test]
async fn case_147_two_who_change_the_words_or_the_end_of_a_visit_do_not_overwrite_each_other() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, ASKING).await;
        let desk = token(&clinic, Some("dlee"), None, "user/*.crus").await;
        let visit = booked(&clinic, (&own, &desk), &maria.id).await;
        let words =
            ["one", "two"].map(|text| json!([{"op": "add", "path": "/comment", "value": text}]));
        let both = words.iter().map(|one| patch(&clinic, &desk, &visit, one));
        one_of_two(&join_all(both).await);
        let path = format!("/fhir/Appointment/{}", visit["id"].as_str().expect("an id"));
        let visit = read(&clinic, &desk, &path).await;
        let lengths = [35, 50].map(|minutes| replace("/minutesDuration", minutes));
        let both = lengths.iter().map(|one| patch(&clinic, &desk, &visit, one));
        one_of_two(&join_all(both).await);
        clinic.close().await;
    }
}

#[tokio::test]
async fn case_167_a_visit_beyond_the_calendar_is_refused_without_a_panic() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, ASKING).await;
        let desk = token(&clinic, Some("dlee"), None, "user/*.crus").await;
        let visit = booked(&clinic, (&own, &desk), &maria.id).await;
        let long = replace("/minutesDuration", 4_294_967_295_u32);
        let last = json!([
            {"op": "replace", "path": "/start", "value": "9999-12-31T23:00:00Z"},
            {"op": "replace", "path": "/end", "value": "9999-12-31T23:59:00-12:00"}
        ]);
        let first = json!([
            {"op": "replace", "path": "/start", "value": "0001-01-01T00:00:00+14:00"},
            {"op": "replace", "path": "/end", "value": "0001-01-01T00:30:00+14:00"}
        ]);
        for operations in [long, last, first] {
            let answer = patch(&clinic, &desk, &visit, &operations).await;
            assert!(
                answer.status.is_client_error(),
                "{operations}: {} {}",
                answer.status,
                answer.text()
            );
        }
        for (start, token) in [
            ("9999-12-31T23:59:00Z", &desk),
            ("9999-12-31T23:59:00-12:00", &desk),
            ("9999-12-31T23:59:00-12:00", &own),
            ("0001-01-01T00:00:00+14:00", &desk),
            ("0001-01-01T00:00:00+14:00", &own),
        ] {
            let mut body = wanted(&maria.id, &json!({"id": "x"}), "proposed");
            body.as_object_mut().expect("an object").remove("slot");
            body["start"] = json!(start);
            let staff = visit["participant"].as_array().expect("participants");
            let with = staff.iter().find(|one| {
                let actor = one["actor"]["reference"].as_str();
                actor.is_some_and(|actor| actor.starts_with("Practitioner/"))
            });
            let with = with.expect("a provider")["actor"]["reference"].clone();
            let one = json!({"actor": {"reference": with}, "status": "needs-action"});
            body["participant"]
                .as_array_mut()
                .expect("a list")
                .push(one);
            let answer = post(&clinic, token, &body).await;
            assert!(
                answer.status.is_client_error(),
                "{start}: {} {}",
                answer.status,
                answer.text()
            );
        }
        clinic.close().await;
    }
}

#[tokio::test]
async fn case_143_what_a_visit_has_no_place_for_is_refused_by_name() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let own = clinic.token(maria, ASKING).await;
    let desk = token(&clinic, Some("dlee"), None, "user/*.crus").await;
    let visit = booked(&clinic, (&own, &desk), &maria.id).await;
    for operations in [
        replace("/participant/0/status", "declined"),
        replace("/participant/0/actor/display", "Somebody Else"),
        json!([{"op": "add", "path": "/participant/0/required", "value": "optional"}]),
        json!([{"op": "add", "path": "/participant/1/type", "value": [{"text": "helper"}]}]),
        json!([{"op": "add", "path": "/cancelationReason", "value": {"text": "no"}}]),
        json!([{"op": "add", "path": "/extension/0/id", "value": "mine"}]),
    ] {
        let answer = patch(&clinic, &desk, &visit, &operations).await;
        assert!(
            answer.status.is_client_error(),
            "{operations}: {} {}",
            answer.status,
            answer.text()
        );
    }
    let slots = super::booking::free(&clinic, &own, "&service-type=office_visit").await;
    let mut body = wanted(&maria.id, &slots[0], "booked");
    body["participant"][0]["required"] = json!("optional");
    let answer = post(&clinic, &desk, &body).await;
    assert!(answer.status.is_client_error(), "{}", answer.text());
    clinic.close().await;
}

#[tokio::test]
async fn case_168_a_title_is_measured_as_it_is_stored() {
    for clinic in both().await {
        let mine = token_for(&clinic, WRITING).await;
        let mut body = message(&clinic, &mine).await;
        for title in [
            "&lt;".repeat(63),
            "\u{1F469}".repeat(255),
            "&amp;".repeat(20),
        ] {
            body["topic"]["text"] = json!(title);
            let answer = post(&clinic, &mine, &body).await;
            match answer.status {
                StatusCode::CREATED => assert_eq!(answer.json()["topic"]["text"], title),
                StatusCode::UNPROCESSABLE_ENTITY => assert!(title.starts_with("&lt;")),
                other => panic!("{other} {}", answer.text()),
            }
        }
        clinic.close().await;
    }
}

#[tokio::test]
async fn many_who_upload_at_once_are_all_served() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let mine = clinic.token(maria, WRITES).await;
        let body = |at: usize| {
            json!({
                "resourceType": "DocumentReference", "status": "current",
                "content": [{"attachment": {
                    "contentType": "application/pdf", "title": format!("{at}.pdf"),
                    "data": STANDARD.encode(format!("%PDF-1.4\n{at}\n%%EOF"))
                }}]
            })
        };
        let bodies: Vec<Value> = (0..40).map(body).collect();
        let answers = join_all(bodies.iter().map(|one| post(&clinic, &mine, one))).await;
        let told: Vec<u16> = answers.iter().map(|one| one.status.as_u16()).collect();
        assert!(told.iter().all(|status| *status == 201), "{told:?}");
        clinic.close().await;
    }
}

#[tokio::test]
async fn case_142_a_file_is_about_one_patient() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let sean = clinic.patients("active").nth(1).expect("a second patient");
        let mine = clinic.token(maria, WRITES).await;
        let desk = token(&clinic, Some("nhaddad"), None, "user/*.cruds").await;
        let body = json!({
            "resourceType": "Binary", "contentType": "application/pdf",
            "securityContext": {"reference": format!("Patient/{}", sean.id)},
            "data": STANDARD.encode("%PDF-1.4\n1\n%%EOF")
        });
        for token in [&mine, &desk] {
            let request = Request::post("/fhir/Binary")
                .header("authorization", format!("Bearer {token}"))
                .header("content-type", FHIR)
                .header("x-security-context", format!("Patient/{}", maria.id))
                .body(Body::from(body.to_string()));
            let answer = clinic.send(request.expect("a request")).await;
            assert!(
                answer.status.is_client_error() && !answer.text().contains("no such patient"),
                "{} {}",
                answer.status,
                answer.text()
            );
            assert!(
                answer.text().contains("securityContext"),
                "{}",
                answer.text()
            );
        }
        clinic.close().await;
    }
}

#[tokio::test]
async fn f13_charts_opened_at_once_get_a_number_each() {
    let mut clinics = both().await;
    clinics.extend(Clinic::on_mariadb(LAYOUTS[2]).await);
    for clinic in clinics {
        let desk = manager(&clinic).await;
        let chart = |at: usize| {
            json!({
                "resourceType": "Patient", "gender": "female", "birthDate": "1980-01-01",
                "name": [{"family": "Nobody", "given": [format!("New {at}")]}]
            })
        };
        let charts: Vec<Value> = (0..24).map(chart).collect();
        let answers = join_all(charts.iter().map(|one| post(&clinic, &desk, one))).await;
        let told: Vec<u16> = answers.iter().map(|one| one.status.as_u16()).collect();
        assert!(told.iter().all(|status| *status == 201), "{told:?}");
        clinic.close().await;
    }
}

/// A transaction that has looked at the calendar before it waits for a provider must not go by what it saw then.
#[tokio::test]
async fn f13_transactions_that_begin_elsewhere_do_not_book_one_time_twice() {
    let mut clinics = vec![Clinic::open().await];
    clinics.extend(Clinic::on_mariadb("8.2").await);
    for clinic in clinics {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, ASKING).await;
        let mut first = Vec::new();
        for calendar in entries(&clinic, &own, "/fhir/Schedule").await {
            let id = calendar["id"].as_str().expect("an id");
            let path =
                format!("/fhir/Slot?schedule={id}&status=free&_count=20&service-type=office_visit");
            let slots = entries(&clinic, &own, &path).await;
            first.extend(slots.into_iter().find(|one| one["resourceType"] == "Slot"));
        }
        assert!(
            first.len() >= 3,
            "three calendars with room: {}",
            first.len()
        );
        let entry = |slot: &Value| {
            json!({"resource": wanted(&maria.id, slot, "proposed"),
                "request": {"method": "POST", "url": "Appointment"}})
        };
        let bundles: Vec<Value> = first[1..]
            .iter()
            .map(|slot| {
                json!({"resourceType": "Bundle", "type": "transaction",
                    "entry": [entry(slot), entry(&first[0])]})
            })
            .collect();
        let answers = join_all(bundles.iter().map(|one| post(&clinic, &own, one))).await;
        let mut told: Vec<u16> = answers.iter().map(|one| one.status.as_u16()).collect();
        told.sort_unstable();
        let words: Vec<String> = answers.iter().map(Answer::text).collect();
        assert_eq!(told[0], 200, "{words:?}");
        assert!(
            told[1..].iter().all(|one| *one == 409),
            "{told:?} {words:?}"
        );
        clinic.close().await;
    }
}
