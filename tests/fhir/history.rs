//! What a record was: its versions, its history, and what the caller has already.

use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use serde_json::Value;

use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::clinic::engine::LAYOUTS;
use crate::fhir::cancel::CANCEL;
use crate::fhir::cancel::PATCH;
use crate::fhir::cancel::visit;
use crate::fhir::write::token_for;

async fn get_with(
    clinic: &Clinic,
    (path, token): (&str, &str),
    (name, value): (&str, &str),
) -> Answer {
    let request = Request::get(path)
        .header("authorization", format!("Bearer {token}"))
        .header(name, value);
    clinic
        .send(request.body(Body::empty()).expect("a request"))
        .await
}

/// A visit that was called off: as it was, as it is, and its path.
async fn cancelled(clinic: &Clinic, token: &str) -> (Value, Value, String) {
    let before = visit(clinic, token).await;
    let path = format!(
        "/fhir/Appointment/{}",
        before["id"].as_str().expect("an id")
    );
    let answer = clinic
        .with_body("PATCH", (&path, token), PATCH, CANCEL)
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    (before, answer.json(), path)
}

fn version(resource: &Value) -> &str {
    resource["meta"]["versionId"].as_str().expect("a version")
}

async fn both_states(clinic: Clinic) {
    let token = clinic.token(clinic.patient("active"), EVERYTHING).await;
    let (before, after, path) = cancelled(&clinic, &token).await;
    for state in [&before, &after] {
        let answer = clinic
            .get(&format!("{path}/_history/{}", version(state)), &token)
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        assert_eq!(&answer.json(), state);
        assert_eq!(answer.header("etag"), format!("W/\"{}\"", version(state)));
    }
    let history = clinic.get(&format!("{path}/_history"), &token).await.json();
    assert_eq!(
        (&history["type"], &history["total"]),
        (&"history".into(), &2.into())
    );
    let entries = history["entry"].as_array().expect("entries");
    let states: Vec<&Value> = entries.iter().map(|entry| &entry["resource"]).collect();
    assert_eq!(states, [&after, &before], "the newest first");
    assert_eq!(entries[0]["request"]["method"], "PATCH");
    assert_eq!(
        entries[0]["response"]["etag"],
        format!("W/\"{}\"", version(&after))
    );
    assert_eq!(entries[1]["request"]["method"], "POST");
    let first = clinic
        .get(&format!("{path}/_history?_count=1"), &token)
        .await
        .json();
    assert_eq!(first["entry"].as_array().map(Vec::len), Some(1));
    assert_eq!(first["entry"][0]["resource"], after);
    let next = first["link"][1]["url"].as_str().expect("a next page");
    let next = next[next.find("/fhir/").expect("our address")..].to_owned();
    let second = clinic.get(&next, &token).await.json();
    assert_eq!(
        second["entry"].as_array().map(Vec::len),
        Some(1),
        "{second}"
    );
    assert_eq!(second["entry"][0]["resource"], before);
    assert_eq!(
        second["link"].as_array().map(Vec::len),
        Some(1),
        "the last page"
    );
    let later = clinic
        .get(
            &format!("{path}/_history?_since=2200-01-01T00:00:00Z"),
            &token,
        )
        .await;
    assert_eq!(later.json()["entry"], Value::Null);
    let counted = clinic
        .get(&format!("{path}/_history?_count=0"), &token)
        .await
        .json();
    assert_eq!(counted["entry"], Value::Null, "{counted}");
    for wrong in [
        "_count=x",
        "_count=-1",
        "_since=yesterday",
        "_at=2026",
        "_page=abc",
    ] {
        let answer = clinic
            .get(&format!("{path}/_history?{wrong}"), &token)
            .await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    for unknown in ["0000000000000000", "1", "'", "%20"] {
        let answer = clinic
            .get(&format!("{path}/_history/{unknown}"), &token)
            .await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{unknown}");
    }
    clinic.close().await;
}

#[tokio::test]
async fn a_called_off_visit_has_two_versions() {
    both_states(Clinic::open().await).await;
}

#[tokio::test]
async fn a_called_off_visit_has_two_versions_on_mariadb_in_every_layout() {
    for layout in LAYOUTS {
        if let Some(clinic) = Clinic::on_mariadb(layout).await {
            both_states(clinic).await;
        }
    }
}

#[tokio::test]
async fn case_152_history_is_for_whoever_reads_the_record_now() {
    let clinic = Clinic::open().await;
    let token = clinic.token(clinic.patient("active"), EVERYTHING).await;
    let (before, after, path) = cancelled(&clinic, &token).await;
    let old = format!("{path}/_history/{}", version(&before));
    let bob = clinic.patients("active").nth(1).expect("a second patient");
    let theirs = clinic.token(bob, EVERYTHING).await;
    for address in [format!("{path}/_history"), old.clone()] {
        let answer = clinic.get(&address, &theirs).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{address}");
    }
    // What it was may not have been one of those a granular scope opens.
    let scope = "launch/patient patient/Appointment.rs?status=cancelled";
    let cut = token_for(&clinic, scope).await;
    let history = clinic.get(&format!("{path}/_history"), &cut).await.json();
    assert_eq!(
        history["entry"].as_array().map(Vec::len),
        Some(1),
        "{history}"
    );
    assert_eq!(history["entry"][0]["resource"], after);
    assert_eq!(clinic.get(&old, &cut).await.status, StatusCode::NOT_FOUND);
    let searching = token_for(&clinic, "launch/patient patient/Appointment.s").await;
    for address in [format!("{path}/_history"), old] {
        let answer = clinic.get(&address, &searching).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{address}");
    }
    clinic.close().await;
}

#[tokio::test]
async fn case_138_nobody_sees_what_changed_for_everybody() {
    let clinic = Clinic::open().await;
    let token = clinic.token(clinic.patient("active"), EVERYTHING).await;
    for path in [
        "/fhir/_history",
        "/fhir/Patient/_history?_since=1900-01-01T00:00:00Z",
    ] {
        let answer = clinic.get(path, &token).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        let answer = clinic.get(path, "at_nobody").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    clinic.close().await;
}

#[tokio::test]
async fn case_186_what_is_not_opened_is_not_unmodified() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let token = clinic.token(maria, EVERYTHING).await;
    let bob = clinic.patients("active").nth(1).expect("a second patient");
    let theirs = clinic.token(bob, EVERYTHING).await;
    let hidden = format!("/fhir/Patient/{}", bob.id);
    let seen = clinic.get(&hidden, &theirs).await;
    let (etag, date) = (
        seen.header("etag").to_owned(),
        seen.header("last-modified").to_owned(),
    );
    let future = "Fri, 01 Jan 2100 00:00:00 GMT".to_owned();
    for header in [
        ("if-none-match", &etag),
        ("if-none-match", &"*".to_owned()),
        ("if-modified-since", &future),
    ] {
        let answer = get_with(&clinic, (&hidden, &token), (header.0, header.1)).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{header:?}");
        assert_eq!(answer.header("etag"), "");
    }
    let own = get_with(&clinic, (&hidden, &theirs), ("if-none-match", &etag)).await;
    assert_eq!(
        (own.status, own.text().as_str()),
        (StatusCode::NOT_MODIFIED, "")
    );
    assert_eq!(own.header("etag"), etag);
    let listed = format!("W/\"1\", {etag}");
    let own = get_with(&clinic, (&hidden, &theirs), ("if-none-match", &listed)).await;
    assert_eq!(own.status, StatusCode::NOT_MODIFIED);
    let own = get_with(&clinic, (&hidden, &theirs), ("if-none-match", "W/\"1\"")).await;
    assert_eq!(own.status, StatusCode::OK);
    if !date.is_empty() {
        for (since, status) in [
            (date.as_str(), StatusCode::NOT_MODIFIED),
            (future.as_str(), StatusCode::NOT_MODIFIED),
            ("Thu, 01 Jan 1970 00:00:00 GMT", StatusCode::OK),
            ("yesterday", StatusCode::OK),
        ] {
            let answer = get_with(&clinic, (&hidden, &theirs), ("if-modified-since", since)).await;
            assert_eq!(answer.status, status, "{since}");
        }
    }
    // The calendar's stamp does not move when a visit is called off: a date says nothing there.
    let (_, _, path) = cancelled(&clinic, &token).await;
    let answer = get_with(&clinic, (&path, &token), ("if-modified-since", &future)).await;
    assert_eq!(answer.status, StatusCode::OK);
    clinic.close().await;
}
