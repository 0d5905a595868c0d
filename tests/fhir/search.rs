//! `GET /fhir/{type}` and `POST /fhir/{type}/_search`: R4 search, inside the patient's reach.

use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use serde_json::Value;

use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;

fn ids(bundle: &Value) -> Vec<String> {
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    let matches = entries
        .iter()
        .filter(|entry| entry["search"]["mode"] == "match");
    matches
        .map(|entry| entry["resource"]["id"].as_str().expect("an id").to_owned())
        .collect()
}

fn next(bundle: &Value) -> Option<String> {
    let links = bundle["link"].as_array().expect("links");
    let link = links.iter().find(|link| link["relation"] == "next")?;
    let url = link["url"].as_str().expect("a url");
    Some(
        url.strip_prefix("http://127.0.0.1:8080")
            .expect("our own")
            .to_owned(),
    )
}

async fn strict(clinic: &Clinic, path: &str, token: &str) -> Answer {
    let request = Request::get(path)
        .header("authorization", format!("Bearer {token}"))
        .header("prefer", "handling=strict");
    clinic
        .send(request.body(Body::empty()).expect("a request"))
        .await
}

#[tokio::test]
async fn every_search_finds_the_own_records_and_no_others() {
    let clinic = Clinic::open().await;
    let mut active = clinic.patients("active");
    let (maria, sean) = (active.next().expect("one"), active.next().expect("two"));
    let mine = clinic.token(maria, EVERYTHING).await;
    let theirs = clinic.token(sean, EVERYTHING).await;
    for kind in [
        "Patient",
        "Appointment",
        "Communication",
        "DocumentReference",
    ] {
        let path = format!("/fhir/{kind}?_count=200");
        let here = ids(&clinic.get(&path, &mine).await.json());
        let there = ids(&clinic.get(&path, &theirs).await.json());
        assert!(!here.is_empty() && !there.is_empty(), "{kind}");
        assert!(here.iter().all(|id| !there.contains(id)), "{kind}");
    }
    clinic.close().await;
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repeat() {
    let clinic = Clinic::open().await;
    let token = clinic.token(clinic.patient("active"), EVERYTHING).await;
    for kind in [
        "Appointment",
        "Communication",
        "DocumentReference",
        "Practitioner",
    ] {
        let whole = ids(&clinic
            .get(&format!("/fhir/{kind}?_count=200"), &token)
            .await
            .json());
        let mut paged = Vec::new();
        let mut path = Some(format!("/fhir/{kind}?_count=2"));
        while let Some(here) = path {
            let answer = clinic.get(&here, &token).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
            let bundle = answer.json();
            let found = ids(&bundle);
            assert!((1..=2).contains(&found.len()), "{kind}");
            paged.extend(found);
            path = next(&bundle);
        }
        assert!(
            whole.len() > 2,
            "{kind} needs several pages to prove anything"
        );
        assert_eq!(paged, whole, "{kind}");
    }
    clinic.close().await;
}

#[tokio::test]
async fn case_134_a_next_link_is_opaque_signed_and_bound_to_the_grant() {
    let clinic = Clinic::open().await;
    let mut active = clinic.patients("active");
    let (maria, sean) = (active.next().expect("one"), active.next().expect("two"));
    let mine = clinic.token(maria, EVERYTHING).await;
    let theirs = clinic.token(sean, EVERYTHING).await;
    let first = clinic.get("/fhir/Appointment?_count=2", &mine).await.json();
    let link = next(&first).expect("a next page");
    assert!(!link.contains(&maria.id));
    for refused in [
        clinic.get(&link, &theirs).await,
        clinic.get(&format!("{link}x"), &mine).await,
        clinic
            .get(&link.replace("/Appointment", "/Communication"), &mine)
            .await,
        clinic
            .get("/fhir/Appointment?_page='%20OR%201=1", &mine)
            .await,
    ] {
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert_eq!(refused.issue(), "invalid");
    }
    let narrow = clinic
        .token(maria, "launch/patient patient/Patient.rs")
        .await;
    assert_eq!(
        clinic.get(&link, &narrow).await.status,
        StatusCode::FORBIDDEN
    );
    clinic.wait(time::Duration::minutes(61));
    assert_eq!(
        clinic.get(&link, &mine).await.status,
        StatusCode::UNAUTHORIZED
    );
    clinic.close().await;
}

#[tokio::test]
async fn case_123_a_search_that_names_another_patient_is_refused_without_looking() {
    let clinic = Clinic::open().await;
    let mut active = clinic.patients("active");
    let (maria, sean) = (active.next().expect("one"), active.next().expect("two"));
    let token = clinic.token(maria, EVERYTHING).await;
    let invented = "00000000-0000-4000-8000-000000000000";
    let mut bodies = Vec::new();
    for other in [sean.id.as_str(), invented] {
        for search in [
            format!("/fhir/Appointment?patient={other}"),
            format!("/fhir/Appointment?patient=Patient/{other}"),
            format!("/fhir/Appointment?patient={},{other}", maria.id),
            format!("/fhir/Appointment?patient={}&patient={other}", maria.id),
            format!("/fhir/Communication?subject=Patient/{other}"),
            format!("/fhir/DocumentReference?patient=http://127.0.0.1:8080/fhir/Patient/{other}"),
        ] {
            let answer = clinic.get(&search, &token).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{search}");
            bodies.push(answer.bytes);
        }
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]), "no oracle");
    let both = format!("/fhir/Patient?_id={},{}", maria.id, sean.id);
    assert_eq!(
        ids(&clinic.get(&both, &token).await.json()),
        std::slice::from_ref(&maria.id)
    );
    clinic.close().await;
}

#[tokio::test]
async fn the_same_search_by_post_and_by_every_way_to_name_the_patient() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let token = clinic.token(maria, EVERYTHING).await;
    let plain = ids(&clinic
        .get("/fhir/Appointment?_count=200", &token)
        .await
        .json());
    for way in [
        maria.id.clone(),
        format!("Patient/{}", maria.id),
        format!("http://127.0.0.1:8080/fhir/Patient/{}", maria.id),
    ] {
        let search = format!("/fhir/Appointment?_count=200&patient={way}");
        assert_eq!(
            ids(&clinic.get(&search, &token).await.json()),
            plain,
            "{way}"
        );
    }
    let form = format!("patient={}", maria.id);
    let kind = "application/x-www-form-urlencoded";
    let posted = clinic
        .with_body(
            "POST",
            ("/fhir/Appointment/_search?_count=200", &token),
            kind,
            form,
        )
        .await;
    assert_eq!(ids(&posted.json()), plain);
    let json = clinic
        .with_body(
            "POST",
            ("/fhir/Appointment/_search", &token),
            "application/json",
            "{}",
        )
        .await;
    assert_eq!(json.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(json.issue(), "not-supported");
    clinic.close().await;
}

#[tokio::test]
async fn statuses_and_dates_divide_the_visits() {
    let clinic = Clinic::open().await;
    let token = clinic.token(clinic.patient("active"), EVERYTHING).await;
    let all = clinic
        .get("/fhir/Appointment?_count=200", &token)
        .await
        .json();
    let all = ids(&all);
    let mut by_status = Vec::new();
    for status in [
        "pending",
        "booked",
        "arrived",
        "checked-in",
        "fulfilled",
        "cancelled",
        "noshow",
        "waitlist",
    ] {
        let found = clinic
            .get(
                &format!("/fhir/Appointment?_count=200&status={status}"),
                &token,
            )
            .await
            .json();
        for entry in found["entry"].as_array().cloned().unwrap_or_default() {
            assert_eq!(entry["resource"]["status"], status);
        }
        by_status.extend(ids(&found));
    }
    by_status.sort();
    let mut sorted = all.clone();
    sorted.sort();
    assert_eq!(by_status, sorted, "each visit has one status");
    let today = clinic.app.emr.zone.at(clinic.app.emr.now()).date();
    let before = ids(&clinic
        .get(
            &format!("/fhir/Appointment?_count=200&date=lt{today}"),
            &token,
        )
        .await
        .json());
    let after = ids(&clinic
        .get(
            &format!("/fhir/Appointment?_count=200&date=ge{today}"),
            &token,
        )
        .await
        .json());
    assert!(!before.is_empty() && !after.is_empty());
    assert_eq!([before, after].concat(), all);
    clinic.close().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_search_is_told_by_its_parameter() {
    let clinic = Clinic::open().await;
    let token = clinic.token(clinic.patient("active"), EVERYTHING).await;
    for (search, parameter) in [
        ("date=2024-02-30", "date"),
        ("date=0000-00-00", "date"),
        ("date=yesterday", "date"),
        ("date=292278994", "date"),
        ("_count=abc", "_count"),
        ("_count=-1", "_count"),
        ("_count=1e9", "_count"),
    ] {
        let answer = clinic
            .get(&format!("/fhir/Appointment?{search}"), &token)
            .await;
        assert_eq!(
            answer.status,
            StatusCode::BAD_REQUEST,
            "{search}: {}",
            answer.text()
        );
        assert!(
            answer.text().contains(parameter),
            "{search}: {}",
            answer.text()
        );
    }
    let huge = clinic
        .get("/fhir/Appointment?_count=1000000000", &token)
        .await;
    assert_eq!(huge.status, StatusCode::OK);
    clinic.close().await;
}

#[tokio::test]
async fn unknown_parameters_are_named_or_refused_as_the_caller_prefers() {
    let clinic = Clinic::open().await;
    let token = clinic.token(clinic.patient("active"), EVERYTHING).await;
    let lenient = clinic
        .get("/fhir/Patient?favourite-colour=red", &token)
        .await;
    assert_eq!(lenient.status, StatusCode::OK);
    let json = lenient.json();
    let outcome = json["entry"]
        .as_array()
        .expect("entries")
        .iter()
        .find(|entry| entry["search"]["mode"] == "outcome");
    assert!(
        outcome
            .expect("a warning")
            .to_string()
            .contains("favourite-colour")
    );
    assert!(
        !json["link"][0]["url"]
            .as_str()
            .expect("self")
            .contains("favourite")
    );
    let strict = strict(&clinic, "/fhir/Patient?favourite-colour=red", &token).await;
    assert_eq!(strict.status, StatusCode::BAD_REQUEST);
    clinic.close().await;
}

#[tokio::test]
async fn case_158_nothing_a_caller_sends_becomes_sql() {
    let clinic = Clinic::open().await;
    let token = clinic.token(clinic.patient("active"), EVERYTHING).await;
    for value in [
        "'",
        "\"",
        "\\",
        "%25",
        "_",
        "%3B--",
        "/**/",
        ")) OR 1=1",
        "SLEEP(3)",
        "%00",
        "`",
        "$$",
    ] {
        for parameter in ["_id", "status", "date"] {
            let search = format!(
                "/fhir/Appointment?{parameter}={}",
                value.replace(' ', "%20").replace(['"', '\\', '`'], "%22")
            );
            let answer = clinic.get(&search, &token).await;
            let fine = [StatusCode::OK, StatusCode::BAD_REQUEST].contains(&answer.status);
            assert!(fine, "{search}: {}", answer.status);
            assert!(
                answer.status != StatusCode::OK || ids(&answer.json()).is_empty(),
                "{search}"
            );
        }
    }
    clinic.close().await;
}

#[tokio::test]
async fn granular_scopes_cut_searches_and_reads() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let wide = clinic.token(maria, EVERYTHING).await;
    let all = ids(&clinic
        .get("/fhir/DocumentReference?_count=200", &wide)
        .await
        .json());
    let none = clinic
        .token(
            maria,
            "launch/patient patient/DocumentReference.rs?category=http://nowhere|nothing",
        )
        .await;
    let found = clinic
        .get("/fhir/DocumentReference?_count=200", &none)
        .await;
    assert_eq!(found.status, StatusCode::OK);
    assert!(ids(&found.json()).is_empty());
    let read = clinic
        .get(&format!("/fhir/DocumentReference/{}", all[0]), &none)
        .await;
    assert_eq!(read.status, StatusCode::NOT_FOUND);
    let notes = "patient/DocumentReference.rs?category=http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category|clinical-note";
    let notes = clinic
        .token(maria, &format!("launch/patient {notes}"))
        .await;
    assert_eq!(
        ids(&clinic
            .get("/fhir/DocumentReference?_count=200", &notes)
            .await
            .json()),
        all
    );
    clinic.close().await;
}
