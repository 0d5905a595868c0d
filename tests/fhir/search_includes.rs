//! What comes along with a page, and what never does.

use axum::http::StatusCode;
use serde_json::Value;

use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::fhir::reach::token;
use crate::fhir::search_forms::of_mode;

async fn page(clinic: &Clinic, path: &str, token: &str) -> Value {
    let answer = clinic.get(path, token).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    answer.json()
}

/// Every full URL is there once.
fn no_duplicates(bundle: &Value) {
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    let mut urls: Vec<&str> = entries
        .iter()
        .filter_map(|one| one["fullUrl"].as_str())
        .collect();
    let count = urls.len();
    urls.sort_unstable();
    urls.dedup();
    assert_eq!(urls.len(), count);
}

fn kinds(bundle: &Value, mode: &str) -> Vec<String> {
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    let theirs = entries.iter().filter(|one| one["search"]["mode"] == mode);
    let mut kinds: Vec<String> = theirs
        .map(|one| {
            one["resource"]["resourceType"]
                .as_str()
                .expect("a type")
                .to_owned()
        })
        .collect();
    kinds.sort();
    kinds.dedup();
    kinds
}

#[tokio::test]
async fn case_127_nothing_of_another_patient_comes_along() {
    let clinic = Clinic::open().await;
    let mut active = clinic.patients("active");
    let (maria, sean) = (active.next().expect("one"), active.next().expect("two"));
    let token = clinic.token(maria, EVERYTHING).await;
    let theirs = clinic.token(sean, EVERYTHING).await;
    let mut hidden = vec![sean.id.clone()];
    for kind in [
        "Appointment",
        "Communication",
        "DocumentReference",
        "Encounter",
    ] {
        hidden.extend(of_mode(
            &page(&clinic, &format!("/fhir/{kind}?_count=200"), &theirs).await,
            "match",
        ));
    }
    for path in [
        "/fhir/Appointment?_include=*",
        "/fhir/Appointment?_include=*&_include:iterate=Patient:general-practitioner&_include:iterate=Encounter:*",
        "/fhir/DocumentReference?_include=*&_include:iterate=Encounter:*&_revinclude:iterate=Appointment:patient",
        "/fhir/Patient?_revinclude=Appointment:patient&_revinclude=Communication:patient&_revinclude=Encounter:patient",
        "/fhir/Patient?_revinclude=Provenance:target&_include:iterate=Provenance:target",
        "/fhir/Practitioner?_revinclude=Appointment:practitioner&_include:iterate=Appointment:patient",
        "/fhir/Practitioner?_revinclude:iterate=Appointment:practitioner&_revinclude:iterate=Encounter:practitioner",
        "/fhir/Location?_revinclude=Appointment:location&_include:iterate=Appointment:*",
        "/fhir/Organization?_revinclude=Encounter:service-provider",
        "/fhir/Appointment?_include=Observation:focus&_revinclude=*",
    ] {
        let bundle = page(&clinic, &format!("{path}&_count=200"), &token).await;
        no_duplicates(&bundle);
        let text = bundle.to_string();
        assert!(
            hidden.iter().all(|id| !text.contains(id.as_str())),
            "{path}"
        );
        for patient in bundle["entry"].as_array().into_iter().flatten() {
            if patient["resource"]["resourceType"] == "Patient" {
                assert_eq!(patient["resource"]["id"], maria.id.as_str(), "{path}");
            }
        }
    }
    clinic.close().await;
}

#[tokio::test]
async fn what_is_referred_to_comes_along_once() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let token = clinic.token(maria, EVERYTHING).await;
    let plain = page(&clinic, "/fhir/Appointment?_count=200", &token).await;
    let bundle = page(
        &clinic,
        "/fhir/Appointment?_count=200&_include=Appointment:actor&_include=Appointment:patient",
        &token,
    )
    .await;
    no_duplicates(&bundle);
    assert_eq!(of_mode(&bundle, "match"), of_mode(&plain, "match"));
    assert_eq!(bundle["total"], plain["total"]);
    let included = kinds(&bundle, "include");
    assert!(
        included.contains(&"Patient".to_owned()) && included.contains(&"Practitioner".to_owned()),
        "{included:?}"
    );
    let only = "/fhir/Appointment?_count=200&_include=Appointment:actor:Practitioner";
    assert_eq!(
        kinds(&page(&clinic, only, &token).await, "include"),
        ["Practitioner"]
    );
    let reverse = page(
        &clinic,
        "/fhir/Patient?_revinclude=Appointment:patient",
        &token,
    )
    .await;
    let mut visits = of_mode(&reverse, "include");
    visits.sort();
    let mut all = of_mode(&plain, "match");
    all.sort();
    assert_eq!(visits, all);
    clinic.close().await;
}

#[tokio::test]
async fn provenance_of_every_record_on_the_page_comes_along() {
    let clinic = Clinic::open().await;
    let token = clinic.token(clinic.patient("active"), EVERYTHING).await;
    for kind in ["Patient", "DocumentReference", "Appointment"] {
        let path = format!("/fhir/{kind}?_revinclude=Provenance:target");
        let bundle = page(&clinic, &path, &token).await;
        assert_eq!(kinds(&bundle, "include"), ["Provenance"], "{kind}");
        let matches = of_mode(&bundle, "match");
        for entry in bundle["entry"].as_array().expect("entries") {
            if entry["search"]["mode"] == "include" {
                let target = entry["resource"]["target"][0]["reference"]
                    .as_str()
                    .expect("a target");
                let (_, id) = target.split_once('/').expect("a type and an id");
                assert!(matches.iter().any(|known| known == id), "{target}");
            }
        }
    }
    clinic.close().await;
}

#[tokio::test]
async fn what_the_scope_does_not_open_does_not_come_along_and_nobody_says_so() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let narrow = clinic
        .token(maria, "launch/patient patient/Appointment.rs")
        .await;
    let plain = page(&clinic, "/fhir/Appointment", &narrow).await;
    for form in [
        "_include=*",
        "_revinclude=Provenance:target",
        "_include=Appointment:actor",
    ] {
        let bundle = page(&clinic, &format!("/fhir/Appointment?{form}"), &narrow).await;
        assert_eq!(bundle["entry"], plain["entry"], "{form}");
    }
    clinic.close().await;
}

#[tokio::test]
async fn staff_name_the_patient_where_records_of_several_would_come_along() {
    let clinic = Clinic::open().await;
    let staff = token(&clinic, Some("nhaddad"), None, "user/*.rs").await;
    let many = clinic
        .get("/fhir/Patient?_revinclude=Communication:patient", &staff)
        .await;
    assert_eq!(many.status, StatusCode::BAD_REQUEST);
    assert!(many.text().contains("name the patient"), "{}", many.text());
    let maria = clinic.patient("active");
    let one = format!(
        "/fhir/Patient?_id={}&_revinclude=Appointment:patient",
        maria.id
    );
    assert_eq!(
        kinds(&page(&clinic, &one, &staff).await, "include"),
        ["Appointment"]
    );
    clinic.close().await;
}
