//! Many at once: costly searches beside a polite caller, one time that everybody wants, callers who go away.

use std::time::Duration;

use axum::http::StatusCode;
use futures_util::future::join;
use futures_util::future::join_all;
use serde_json::Value;
use serde_json::json;

use super::FHIR;
use super::Two;
use super::found;
use super::letter;
use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::engine::LAYOUTS;
use crate::fhir::reach;

const ALL: &str = "openid fhirUser launch/patient patient/*.cruds";

/// On SQLite and, where there is a server, on MariaDB.
async fn both() -> Vec<Clinic> {
    let mut all = vec![Clinic::open().await];
    all.extend(Clinic::on_mariadb(LAYOUTS[1]).await);
    all
}

#[tokio::test]
async fn case_193_fifty_costly_searches_do_not_keep_a_polite_caller_out() {
    for clinic in both().await {
        let two = Two::of(&clinic, ALL).await;
        let service = reach::token(&clinic, None, None, "system/*.rs").await;
        let letters = ["a", "e", "i", "o", "u", "n", "s", "t"]
            .repeat(12)
            .join(",");
        let costly = [
            format!("/fhir/Patient?name:contains={letters}&_sort=-birthdate&_count=200"),
            "/fhir/Patient?_has:Appointment:patient:date=ge1900&_revinclude=*&_count=200"
                .to_owned(),
            "/fhir/Appointment?date=ge1900&_include=*&_include:iterate=*&_count=200".to_owned(),
        ];
        let crowd = (0..50).map(|at| clinic.get(&costly[at % costly.len()], &service));
        let path = format!("/fhir/Patient/{}", two.maria.id);
        let polite = async {
            for _ in 0..10 {
                let answer = clinic.get(&path, &two.mine).await;
                assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
                tokio::task::yield_now().await;
            }
        };
        let (answers, ()) = join(join_all(crowd), polite).await;
        for answer in &answers {
            let status = answer.status.as_u16();
            assert!(status < 500 || status == 503, "{}", answer.text());
            let told = status != 503 || !answer.header("retry-after").is_empty();
            assert!(told, "a 503 says when to come back");
        }
        let after = clinic.get(&path, &two.mine).await;
        assert_eq!(after.status, StatusCode::OK);
        clinic.close().await;
    }
}

/// Free times of the first calendar.
async fn free(clinic: &Clinic, token: &str) -> Vec<Value> {
    let calendars = found(clinic, "/fhir/Schedule", token).await;
    let calendar = calendars.first().expect("a calendar");
    let path = format!("/fhir/Slot?schedule={calendar}&status=free&service-type=office_visit");
    let found = clinic.get(&path, token).await;
    assert_eq!(found.status, StatusCode::OK, "{}", found.text());
    let entries = found.json()["entry"].as_array().cloned();
    let slots = entries.unwrap_or_default().into_iter();
    let slots = slots.map(|entry| entry["resource"].clone());
    slots
        .filter(|slot| slot["resourceType"] == "Slot")
        .collect()
}

/// A visit somebody asks for.
pub(crate) fn wanted(patient: &str, provider: &Value, start: &Value) -> String {
    let body = json!({
        "resourceType": "Appointment",
        "status": "proposed",
        "serviceType": [{"coding": [{"code": "office_visit"}]}],
        "start": start,
        "participant": [
            {"actor": {"reference": format!("Patient/{patient}")}, "status": "accepted"},
            {"actor": {"reference": provider}, "status": "needs-action"}
        ]
    });
    body.to_string()
}

#[tokio::test]
async fn case_194_of_two_hundred_who_want_one_time_one_gets_it() {
    for clinic in both().await {
        let two = Two::of(&clinic, ALL).await;
        let slots = free(&clinic, &two.mine).await;
        let slot = slots.first().expect("free time");
        let schedule = slot["schedule"]["reference"].as_str().expect("a calendar");
        let schedule = clinic.get(&format!("/fhir/{schedule}"), &two.mine).await;
        let provider = schedule.json()["actor"][0]["reference"].clone();
        let count = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM openemr_postcalendar_events";
        let before: u32 = clinic.look(count).await.parse().expect("a number");
        let bodies = [
            wanted(&two.maria.id, &provider, &slot["start"]),
            wanted(&two.sean.id, &provider, &slot["start"]),
        ];
        let tokens = [&two.mine, &two.theirs];
        let post = |at: usize| {
            let to = ("/fhir/Appointment", tokens[at % 2].as_str());
            clinic.with_body("POST", to, FHIR, bodies[at % 2].clone())
        };
        let answers: Vec<Answer> = join_all((0..200).map(post)).await;
        let statuses: Vec<u16> = answers.iter().map(|one| one.status.as_u16()).collect();
        let won = statuses.iter().filter(|status| **status == 201).count();
        assert_eq!(won, 1, "{statuses:?}");
        let known = |status: &u16| [201, 409, 412, 422, 429, 503].contains(status);
        assert!(statuses.iter().all(known), "{statuses:?}");
        let after: u32 = clinic.look(count).await.parse().expect("a number");
        assert_eq!(after, before + 1, "one row");
        clinic.close().await;
    }
}

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

#[tokio::test]
async fn case_197_callers_who_go_away_leave_no_transaction_and_a_whole_pool() {
    for clinic in both().await {
        let two = Two::of(&clinic, ALL).await;
        let visit = found(&clinic, "/fhir/Appointment?status=booked", &two.mine).await;
        let visit = format!("/fhir/Appointment/{}", visit[0]);
        let letter = letter(&clinic, &two.mine).await;
        let note = r#"[{"op":"add","path":"/comment","value":"x"}]"#;
        let mut numbers = Numbers(1);
        let (mut gone, mut done) = (0, 0);
        let rounds = 500;
        for round in 0..rounds {
            let ask = async {
                match round % 5 {
                    0 => clinic.get("/fhir/Appointment?_count=50", &two.mine).await,
                    1 => clinic.get(&visit, &two.theirs).await,
                    2 => {
                        let to = ("/fhir/Communication", two.mine.as_str());
                        clinic.with_body("POST", to, FHIR, letter.clone()).await
                    }
                    3 => {
                        let to = (visit.as_str(), two.mine.as_str());
                        clinic
                            .with_body("PATCH", to, "application/json-patch+json", note)
                            .await
                    }
                    _ => {
                        // Looked up anew, as after a restart.
                        clinic.app.tokens.clear();
                        clinic.get("/fhir/Patient", &two.mine).await
                    }
                }
            };
            // The caller goes away in the middle of it: the future is dropped where it stands.
            let patience = Duration::from_micros(numbers.below(4_000));
            match tokio::time::timeout(patience, ask).await {
                Ok(answer) => {
                    assert!(answer.status.as_u16() < 500, "{}", answer.text());
                    done += 1;
                }
                Err(_) => gone += 1,
            }
        }
        assert!(gone > rounds / 10, "{gone} went away, {done} waited");
        let path = format!("/fhir/Patient/{}", two.maria.id);
        let reads = join_all((0..50).map(|_| clinic.get(&path, &two.mine))).await;
        for read in &reads {
            assert_eq!(read.status, StatusCode::OK, "{}", read.text());
            assert_eq!(read.json()["id"], two.maria.id.as_str(), "somebody else's");
        }
        let to = ("/fhir/Communication", two.mine.as_str());
        let write = clinic.with_body("POST", to, FHIR, letter.clone());
        let write = tokio::time::timeout(Duration::from_secs(20), write).await;
        let write = write.expect("no transaction holds the lock");
        assert_eq!(write.status, StatusCode::CREATED, "{}", write.text());
        clinic.close().await;
    }
}
