//! What another patient has, and what the practice does not show: not in records, lists, counts, includes or headers.

use anteroom::domain::ResourceType;
use anteroom::fhir::RESOURCES;
use axum::http::StatusCode;
use futures_util::future::join_all;

use super::NOBODY;
use super::Two;
use super::call;
use super::found;
use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;

/// Everything a caller sees of an answer but what numbers it.
fn seen(answer: &Answer) -> (StatusCode, Vec<u8>, Vec<(String, String)>) {
    let headers = answer.headers.iter();
    let headers = headers.filter(|(name, _)| *name != "x-request-id");
    let mut headers: Vec<_> = headers
        .map(|(name, value)| (name.to_string(), format!("{value:?}")))
        .collect();
    headers.sort();
    (answer.status, answer.bytes.clone(), headers)
}

#[tokio::test]
async fn case_122_anothers_record_is_byte_for_byte_like_one_that_never_was() {
    let clinic = Clinic::open().await;
    let two = Two::of(&clinic, EVERYTHING).await;
    let bearer = format!("Bearer {}", two.mine);
    let mut asked = 0;
    for served in RESOURCES {
        let kind = served.kind.name();
        if !served.kind.in_patient_compartment() {
            continue;
        }
        let listed = match served.kind {
            ResourceType::Binary => "DocumentReference",
            _ => kind,
        };
        let path = format!("/fhir/{listed}?_count=200");
        for id in found(&clinic, &path, &two.theirs).await.iter().take(2) {
            for (method, rest) in [
                ("GET", ""),
                ("HEAD", ""),
                ("GET", "/_history"),
                ("GET", "/_history/1"),
                ("HEAD", "/_history/1"),
                ("GET", "?_format=json"),
                ("GET", "?_format=xml"),
                ("GET", "?_summary=true"),
                ("GET", "?_elements=id"),
                ("GET", "?_pretty=true"),
            ] {
                let of = async |id: &str| {
                    let path = format!("/fhir/{kind}/{id}{rest}");
                    let headers = [("authorization", bearer.as_str())];
                    call(&clinic, (method, &path), &headers, "").await
                };
                let (hidden, never) = (of(id).await, of(NOBODY).await);
                assert_eq!(seen(&hidden), seen(&never), "{method} {kind}{rest}");
                let status = hidden.status.as_u16();
                // The bytes of a document have no history: that is said before anybody looks for them.
                let refused = [404, 406].contains(&status)
                    || (status == 400 && served.kind == ResourceType::Binary);
                assert!(refused, "{method} {kind}{rest}: {status}");
                assert!(!hidden.text().contains(id.as_str()), "{kind}{rest}");
                asked += 1;
            }
        }
    }
    assert!(asked > 60, "the victim has hardly anything: {asked}");
    clinic.close().await;
}

/// The names and ids of everybody but one patient.
fn others<'c>(clinic: &'c Clinic, own: &str) -> Vec<&'c str> {
    let others = clinic.people.patients.iter().filter(|one| one.id != own);
    others
        .flat_map(|one| [one.id.as_str(), one.name.as_str()])
        .filter(|word| !word.is_empty())
        .collect()
}

#[tokio::test]
async fn case_129_what_several_people_share_shows_each_patient_no_other() {
    let clinic = Clinic::open().await;
    let two = Two::of(&clinic, EVERYTHING).await;
    let letters = found(&clinic, "/fhir/Communication?_count=200", &two.theirs).await;
    let visits = found(&clinic, "/fhir/Appointment?_count=200", &two.theirs).await;
    assert!(!letters.is_empty() && !visits.is_empty());
    // One appointment with several providers and patients at the same time and place, one conversation with everybody.
    clinic
        .app
        .emr
        .db
        .script(
            "UPDATE openemr_postcalendar_events SET pc_multiple = 77, pc_aid = 1, \
             pc_eventDate = '2026-12-01', pc_startTime = '09:00:00' WHERE pc_pid IN ('1', '2'); \
             UPDATE onsite_mail SET mail_chain = 1, reply_mail_chain = 1",
        )
        .await
        .expect("shared rows");
    let mut read = 0;
    for served in RESOURCES {
        let kind = served.kind.name();
        if served.kind == ResourceType::Binary {
            continue;
        }
        for query in ["_count=200", "_count=200&_include=*&_revinclude=*"] {
            let path = format!("/fhir/{kind}?{query}");
            let answer = clinic.get(&path, &two.mine).await;
            if !answer.status.is_success() {
                continue;
            }
            read += 1;
            let text = answer.text();
            for other in others(&clinic, &two.maria.id) {
                assert!(!text.contains(other), "{path} tells of {other}");
            }
            for id in letters.iter().chain(&visits) {
                assert!(!text.contains(id.as_str()), "{path} tells of {id}");
            }
        }
    }
    assert!(read > 20, "only {read} searches were answered");
    let own = found(&clinic, "/fhir/Appointment?_count=200", &two.mine).await;
    assert!(!own.is_empty(), "the own visits are still there");
    clinic.close().await;
}

#[tokio::test]
async fn case_128_being_named_in_anothers_record_does_not_open_it() {
    let clinic = Clinic::open().await;
    let two = Two::of(&clinic, EVERYTHING).await;
    let letters = found(&clinic, "/fhir/Communication?_count=200", &two.theirs).await;
    let own = found(&clinic, "/fhir/Communication?_count=200", &two.mine).await;
    assert!(!letters.is_empty() && !own.is_empty());
    // Every letter in the victim's mailbox now says that the attacker wrote it and gets it.
    const MAILBOX: &str = "(SELECT portal_username FROM patient_access_onsite WHERE pid = 1)";
    let named = format!(
        "UPDATE onsite_mail SET sender_id = {MAILBOX}, recipient_id = {MAILBOX}, \
         sender_name = 'Someone', recipient_name = 'Someone' \
         WHERE owner = (SELECT portal_username FROM patient_access_onsite WHERE pid = 2)"
    );
    clinic.app.emr.db.script(&named).await.expect("named");
    let changed =
        "SELECT CAST(COUNT(*) AS CHAR) AS text FROM onsite_mail WHERE recipient_name = 'Someone'";
    let changed: usize = clinic.look(changed).await.parse().expect("a number");
    assert!(changed >= letters.len(), "{changed} rows say so");
    for id in &letters {
        let path = format!("/fhir/Communication/{id}");
        let read = clinic.get(&path, &two.mine).await;
        assert_eq!(read.status, StatusCode::NOT_FOUND, "{id}");
        let path = format!("/fhir/Communication?_id={id}");
        assert!(found(&clinic, &path, &two.mine).await.is_empty(), "{id}");
    }
    for more in ["", "&sender=Patient/1", "&_include=*", "&_total=accurate"] {
        let path = format!("/fhir/Communication?_count=200{more}");
        let text = clinic.get(&path, &two.mine).await.text();
        for id in &letters {
            assert!(!text.contains(id.as_str()), "{path} tells of {id}");
        }
    }
    clinic.close().await;
}

#[tokio::test]
async fn case_138_two_hundred_histories_of_everything_at_once_are_all_refused() {
    let clinic = Clinic::open().await;
    let two = Two::of(&clinic, EVERYTHING).await;
    let paths = [
        "/fhir/_history",
        "/fhir/Patient/_history?_since=1900-01-01T00:00:00Z",
        "/fhir/Appointment/_history?_count=200",
        "/fhir/AuditEvent/_history",
    ];
    let asks = (0..200).map(|at| clinic.get(paths[at % paths.len()], &two.mine));
    for answer in join_all(asks).await {
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text());
    }
    let path = format!("/fhir/Patient/{}", two.maria.id);
    assert_eq!(clinic.get(&path, &two.mine).await.status, StatusCode::OK);
    clinic.close().await;
}

#[tokio::test]
async fn case_157_a_sensitive_visit_is_nowhere_and_not_counted() {
    let clinic = Clinic::open().await;
    let two = Two::of(&clinic, EVERYTHING).await;
    let all = "/fhir/Encounter?_count=200";
    let ids = found(&clinic, all, &two.mine).await;
    let bobs = found(&clinic, all, &two.theirs).await;
    assert!(!ids.is_empty() && !bobs.is_empty(), "there are visits");
    let included = "/fhir/DocumentReference?_count=200&_include=*";
    let before = clinic.get(included, &two.mine).await.text();
    let told = ids.iter().any(|id| before.contains(id.as_str()));
    assert!(told, "a document is about a visit");
    let high = "UPDATE form_encounter SET sensitivity = 'high' WHERE pid = 1";
    clinic.app.emr.db.script(high).await.expect("labelled");
    for id in &ids {
        for path in [
            format!("/fhir/Encounter/{id}"),
            format!("/fhir/Encounter/{id}/_history"),
        ] {
            let read = clinic.get(&path, &two.mine).await;
            assert_eq!(read.status, StatusCode::NOT_FOUND, "{path}");
        }
    }
    for path in [
        "/fhir/Encounter?_summary=count".to_owned(),
        "/fhir/Encounter?_total=accurate".to_owned(),
        "/fhir/Encounter?date=ge1900&_summary=count".to_owned(),
        "/fhir/Patient?_has:Encounter:patient:status=finished&_summary=count".to_owned(),
    ] {
        let answer = clinic.get(&path, &two.mine).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text());
        assert_eq!(answer.json()["total"], 0, "{path}");
    }
    let mut read = 0;
    for served in RESOURCES {
        let kind = served.kind.name();
        for query in [
            "_count=200",
            "_count=200&_include=*&_include:iterate=*",
            "_count=200&_revinclude=*",
            "_count=200&_revinclude=Provenance:target",
        ] {
            let path = format!("/fhir/{kind}?{query}");
            let answer = clinic.get(&path, &two.mine).await;
            read += u32::from(answer.status.is_success());
            for id in &ids {
                assert!(!answer.text().contains(id.as_str()), "{path} tells of {id}");
            }
        }
    }
    assert!(read > 30, "only {read} searches were answered");
    assert_eq!(found(&clinic, all, &two.theirs).await, bobs, "others' stay");
    clinic.close().await;
}
