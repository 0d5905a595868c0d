//! `$everything`, `$docref`, `$validate`, `$expand`, and every operation there is not.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::Value;
use serde_json::json;

use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::fhir::batch::FHIR;
use crate::fhir::message::WRITES;

/// The path of an absolute URL of this server.
fn local(url: &str) -> String {
    let at = url.find("/fhir").expect("below the base");
    url[at..].to_owned()
}

fn next(page: &Value) -> Option<String> {
    let links = page["link"].as_array()?;
    let next = links.iter().find(|link| link["relation"] == "next")?;
    next["url"].as_str().map(local)
}

#[tokio::test]
async fn everything_is_paged_and_the_patients_own() {
    let clinic = Clinic::open().await;
    let mut active = clinic.patients("active");
    let (maria, sean) = (active.next().expect("one"), active.next().expect("two"));
    let mine = clinic.token(maria, EVERYTHING).await;
    let theirs = clinic.token(sean, EVERYTHING).await;
    let mut url = Some(format!("/fhir/Patient/{}/$everything?_count=7", maria.id));
    let (mut seen, mut kinds, mut pages) = (BTreeSet::new(), BTreeSet::new(), 0);
    let mut link = None;
    while let Some(path) = url {
        let page = clinic.get(&path, &mine).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text());
        assert!(!page.text().contains(&format!("Patient/{}", sean.id)));
        let page = page.json();
        let own = page["link"][0]["url"].as_str().expect("a self link");
        assert!(
            own.contains(&format!("/Patient/{}/$everything", maria.id)),
            "{own}"
        );
        let mut matches = 0;
        for entry in page["entry"].as_array().into_iter().flatten() {
            let kind = entry["resource"]["resourceType"].as_str().expect("a type");
            kinds.insert(kind.to_owned());
            if entry["search"]["mode"] == "match" {
                matches += 1;
                let name = entry["fullUrl"].as_str().expect("a URL").to_owned();
                assert!(seen.insert(name), "each once");
            }
        }
        assert!(matches <= 7);
        pages += 1;
        url = next(&page);
        link = link.or(url.clone());
    }
    assert!(pages > 2, "{pages}");
    for kind in [
        "Patient",
        "Appointment",
        "DocumentReference",
        "Communication",
        "Practitioner",
    ] {
        assert!(kinds.contains(kind), "{kind} of {kinds:?}");
    }
    // A link is its holder's, of its patient and of its operation.
    let link = link.expect("a next link");
    assert_eq!(
        clinic.get(&link, &theirs).await.status,
        StatusCode::BAD_REQUEST
    );
    let other = format!("/fhir/Patient/{}/$everything", sean.id);
    assert_eq!(
        clinic.get(&other, &mine).await.status,
        StatusCode::NOT_FOUND
    );
    let base = format!("/fhir/Patient/{}/$everything", maria.id);
    let some = clinic
        .get(&format!("{base}?_type=Appointment&start=2999-01-01"), &mine)
        .await
        .json();
    assert_eq!(some["total"], 0, "{some}");
    let some = clinic
        .get(&format!("{base}?_type=Patient"), &mine)
        .await
        .json();
    assert_eq!(some["entry"].as_array().map(Vec::len), Some(1));
    let body = json!({"resourceType": "Parameters", "parameter": [{"name": "_type", "valueCode": "Patient"}]});
    let to = (base.as_str(), mine.as_str());
    let posted = clinic.with_body("POST", to, FHIR, body.to_string()).await;
    assert_eq!(posted.json()["entry"], some["entry"]);
    for wrong in [
        "_count=0",
        "_count=x",
        "_type=Slot",
        "start=soon",
        "_since=2026",
        "other=1",
        "_page=x",
    ] {
        let answer = clinic.get(&format!("{base}?{wrong}"), &mine).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    let narrow = clinic
        .token(maria, "launch/patient patient/Patient.r")
        .await;
    let alone = clinic.get(&base, &narrow).await.json();
    assert_eq!(alone["entry"].as_array().map(Vec::len), Some(1));
    let closed = clinic
        .get(&format!("{base}?_type=Appointment"), &narrow)
        .await;
    assert_eq!(closed.status, StatusCode::FORBIDDEN);
    clinic.close().await;
}

#[tokio::test]
async fn docref_finds_documents_by_date_and_type() {
    let clinic = Clinic::open().await;
    let mut active = clinic.patients("active");
    let (maria, sean) = (active.next().expect("one"), active.next().expect("two"));
    let mine = clinic.token(maria, EVERYTHING).await;
    let all = clinic
        .get("/fhir/DocumentReference?_count=200", &mine)
        .await
        .json();
    let all = all["entry"].as_array().expect("documents");
    let base = "/fhir/DocumentReference/$docref";
    let found = |query: String| {
        let mine = mine.clone();
        let clinic = &clinic;
        async move {
            let answer = clinic.get(&format!("{base}?{query}"), &mine).await;
            assert_eq!(answer.status, StatusCode::OK, "{query} {}", answer.text());
            let json = answer.json();
            json["entry"].as_array().map_or(0, Vec::len)
        }
    };
    assert_eq!(found("start=1900-01-01".to_owned()).await, all.len());
    assert_eq!(found("end=1900-01-01".to_owned()).await, 0);
    assert!(found(String::new()).await <= 1);
    let summaries = all
        .iter()
        .filter(|one| one["resource"]["type"].to_string().contains("34133-9"));
    assert_eq!(
        found(format!("patient={}", maria.id)).await,
        summaries.count().min(1)
    );
    let coding = &all[0]["resource"]["type"]["coding"][0];
    let text = |name: &str| coding[name].as_str().unwrap_or_default();
    let same = all
        .iter()
        .filter(|one| one["resource"]["type"]["coding"][0] == *coding);
    let kind = format!("{}|{}", text("system"), text("code"));
    assert_eq!(found(format!("type={kind}")).await, same.count());
    assert_eq!(found("on-demand=true".to_owned()).await, 0);
    assert_eq!(found("profile=http://127.0.0.1/none".to_owned()).await, 0);
    let body = json!({"resourceType": "Parameters", "parameter": [
        {"name": "patient", "valueId": maria.id}, {"name": "type", "valueCoding": coding}]});
    let posted = clinic
        .with_body("POST", (base, &mine), FHIR, body.to_string())
        .await;
    assert_eq!(posted.status, StatusCode::OK, "{}", posted.text());
    let other = clinic
        .get(&format!("{base}?patient={}", sean.id), &mine)
        .await;
    assert_eq!(other.status, StatusCode::FORBIDDEN);
    for wrong in [
        "start=soon",
        "on-demand=perhaps",
        "other=1",
        "patient=a&patient=b",
    ] {
        let answer = clinic.get(&format!("{base}?{wrong}"), &mine).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    clinic.close().await;
}

async fn issues(clinic: &Clinic, (path, token): (&str, &str), body: &Value) -> Vec<Value> {
    let answer = clinic
        .with_body("POST", (path, token), FHIR, body.to_string())
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let json = answer.json();
    assert_eq!(json["resourceType"], "OperationOutcome");
    json["issue"].as_array().cloned().expect("issues")
}

fn errors(issues: &[Value]) -> Vec<String> {
    let wrong = issues.iter().filter(|issue| issue["severity"] == "error");
    wrong
        .map(|issue| {
            issue["expression"][0]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        })
        .collect()
}

#[tokio::test]
async fn validate_says_what_writing_would_say_and_writes_nothing() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let mine = clinic.token(maria, WRITES).await;
    let before = clinic
        .look("SELECT CAST(COUNT(*) AS CHAR) AS text FROM onsite_mail")
        .await;
    let staff = clinic
        .get("/fhir/Practitioner?name=Lee", &mine)
        .await
        .json();
    let lee = staff["entry"][0]["resource"]["id"].as_str().expect("an id");
    let good = json!({"resourceType": "Communication", "status": "completed",
        "recipient": [{"reference": format!("Practitioner/{lee}")}],
        "payload": [{"contentString": "Hello"}]});
    let to = ("/fhir/Communication/$validate", mine.as_str());
    let found = issues(&clinic, to, &good).await;
    assert_eq!(errors(&found), Vec::<String>::new(), "{found:?}");
    // The same with the profile named: the server would fill in what the profile wants.
    let ours = "https://anteroom.dev/fhir/StructureDefinition/anteroom-communication";
    let wrapped = |profile: &str| {
        json!({"resourceType": "Parameters", "parameter": [
            {"name": "resource", "resource": good}, {"name": "profile", "valueUri": profile}]})
    };
    let found = issues(&clinic, to, &wrapped(ours)).await;
    assert_eq!(
        errors(&found),
        ["Communication.category", "Communication.subject"]
    );
    let found = issues(&clinic, to, &wrapped("http://127.0.0.1:9/canary")).await;
    assert_eq!(found[0]["code"], "not-supported", "case 149");
    let mut wrong = good.clone();
    wrong["status"] = json!("stopped");
    assert_eq!(
        errors(&issues(&clinic, to, &wrong).await),
        ["Communication.status"]
    );
    wrong["status"] = json!("eaten");
    assert_eq!(
        errors(&issues(&clinic, to, &wrong).await),
        ["Communication.status"]
    );
    let after = clinic
        .look("SELECT CAST(COUNT(*) AS CHAR) AS text FROM onsite_mail")
        .await;
    assert_eq!(before, after);
    // The record as it stands is right.
    let path = format!("/fhir/Patient/{}/$validate", maria.id);
    let own = clinic
        .get(&format!("/fhir/Patient/{}", maria.id), &mine)
        .await
        .json();
    let found = issues(&clinic, (&path, &mine), &own).await;
    assert_eq!(errors(&found), Vec::<String>::new(), "{found:?}");
    let broken = clinic.with_body("POST", to, FHIR, "{".to_owned()).await;
    assert_eq!(broken.status, StatusCode::BAD_REQUEST);
    let get = clinic.get("/fhir/Communication/$validate", &mine).await;
    assert_eq!(get.status, StatusCode::METHOD_NOT_ALLOWED);
    clinic.close().await;
}

#[tokio::test]
async fn case_137_149_only_declared_operations_are_there() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let mine = clinic.token(maria, EVERYTHING).await;
    let id = &maria.id;
    for path in [
        "$export".to_owned(),
        "$graphql".to_owned(),
        "$process-message".to_owned(),
        "$reindex".to_owned(),
        "Patient/$export".to_owned(),
        "Patient/$purge".to_owned(),
        "Patient/$docref".to_owned(),
        "Patient/$everything".to_owned(),
        "Group/x/$export".to_owned(),
        "CodeSystem/$lookup".to_owned(),
        "ConceptMap/$translate".to_owned(),
        format!("Patient/{id}/$meta-add"),
        format!("Patient/{id}/$graphql"),
        format!("Patient/{id}/$"),
        format!("Slot/{id}/$everything"),
    ] {
        let url = format!("/fhir/{path}");
        let answer = clinic.get(&url, &mine).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "GET {path}");
        assert_eq!(answer.issue(), "not-found");
        let answer = clinic.with_body("POST", (&url, &mine), FHIR, "{}").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "POST {path}");
        let stranger = clinic.get(&url, "at_nobody").await;
        assert_eq!(stranger.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    clinic.close().await;
}

#[tokio::test]
async fn expand_gives_codes_and_asks_nobody_else() {
    let clinic = Clinic::open().await;
    let mine = clinic.token(clinic.patient("active"), EVERYTHING).await;
    let lists = clinic.get("/fhir/ValueSet?_count=200", &mine).await.json();
    let first = &lists["entry"][0]["resource"];
    let (id, url) = (first["id"].as_str(), first["url"].as_str());
    let (id, url) = (id.expect("an id"), url.expect("a URL"));
    let read = clinic.get(&format!("/fhir/ValueSet/{id}"), &mine).await;
    assert_eq!(read.json()["url"], url);
    let by_id = clinic
        .get(&format!("/fhir/ValueSet/{id}/$expand"), &mine)
        .await
        .json();
    let by_url = clinic
        .get(&format!("/fhir/ValueSet/$expand?url={url}"), &mine)
        .await
        .json();
    assert_eq!(
        by_id["expansion"]["contains"],
        by_url["expansion"]["contains"]
    );
    assert!(by_id["expansion"]["total"].as_u64() > Some(0));
    let body =
        json!({"resourceType": "Parameters", "parameter": [{"name": "url", "valueUri": url}]});
    let to = ("/fhir/ValueSet/$expand", mine.as_str());
    let posted = clinic
        .with_body("POST", to, FHIR, body.to_string())
        .await
        .json();
    assert_eq!(
        posted["expansion"]["contains"],
        by_id["expansion"]["contains"]
    );
    let canary = clinic
        .get("/fhir/ValueSet/$expand?url=http://127.0.0.1:9/x", &mine)
        .await;
    assert_eq!(canary.status, StatusCode::NOT_FOUND, "case 149");
    clinic.close().await;
}
