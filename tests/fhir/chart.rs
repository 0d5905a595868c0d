//! Charts: what a patient asks for waits for staff, what staff write is there at once, and nobody writes more than that.

use axum::http::StatusCode;
use serde_json::Value;
use serde_json::json;

use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::clinic::engine::LAYOUTS;
use crate::fhir::reach::token;
use crate::fhir::write::FHIR;
use crate::fhir::write::send;

/// The sandbox on SQLite and, where there is a server, on MariaDB.
pub(crate) async fn both() -> Vec<Clinic> {
    let mut all = vec![Clinic::open().await];
    all.extend(Clinic::on_mariadb(LAYOUTS[1]).await);
    all
}

/// The token of a member of staff who may do everything: services do not write.
pub(crate) async fn manager(clinic: &Clinic) -> String {
    token(clinic, Some("nhaddad"), None, "user/*.cruds").await
}

/// A PUT of what was read, changed.
pub(crate) async fn put(clinic: &Clinic, token: &str, resource: &Value) -> Answer {
    let text = |name: &str| resource[name].as_str().unwrap_or_default().to_owned();
    let path = format!("/fhir/{}/{}", text("resourceType"), text("id"));
    let version = resource["meta"]["versionId"].as_str().unwrap_or_default();
    let seen = format!("W/\"{version}\"");
    let headers = [("content-type", FHIR), ("if-match", seen.as_str())];
    send(
        clinic,
        ("PUT", &path, token),
        &headers,
        &resource.to_string(),
    )
    .await
}

pub(crate) async fn read(clinic: &Clinic, token: &str, path: &str) -> Value {
    let answer = clinic.get(path, token).await;
    assert_eq!(answer.status, StatusCode::OK, "{path} {}", answer.text());
    answer.json()
}

#[tokio::test]
async fn a_patients_change_waits_and_staff_take_it_over_once() {
    for clinic in both().await {
        let sean = clinic.patients("active").nth(1).expect("a second patient");
        let own = clinic.token(sean, EVERYTHING).await;
        let path = format!("/fhir/Patient/{}", sean.id);
        let mut chart = read(&clinic, &own, &path).await;
        let before = chart["address"].clone();
        let first = chart["address"].as_array().expect("addresses").iter();
        let home = first
            .clone()
            .position(|one| one["use"] == "home")
            .expect("a home");
        chart["address"][home]["line"] = json!(["27 Mariner Läne"]);
        let waits = put(&clinic, &own, &chart).await;
        assert_eq!(waits.status, StatusCode::ACCEPTED, "{}", waits.text());
        let location = waits.header("location").to_owned();
        let id = location.split("/Task/").nth(1).expect("a Task");
        let id = id.split('/').next().unwrap_or_default();
        assert_eq!(read(&clinic, &own, &path).await["address"], before);
        let to = format!("/fhir/Task/{id}");
        assert_eq!(read(&clinic, &own, &to).await["status"], "requested");

        let service = manager(&clinic).await;
        let mut task = read(&clinic, &service, &to).await;
        let asked: Vec<&str> = task["input"]
            .as_array()
            .expect("inputs")
            .iter()
            .filter_map(|input| input["valueString"].as_str())
            .collect();
        assert!(asked.contains(&"27 Mariner Läne"), "{asked:?}");
        task["status"] = json!("completed");
        let done = put(&clinic, &service, &task).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        let after = read(&clinic, &own, &path).await;
        assert_eq!(after["address"][home]["line"], json!(["27 Mariner Läne"]));
        let again = put(&clinic, &service, &task).await;
        assert!(again.status.is_client_error(), "{}", again.status);
        clinic.close().await;
    }
}

#[tokio::test]
async fn case_143_fields_a_patient_may_not_set_are_refused_by_name() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let own = clinic.token(maria, EVERYTHING).await;
    let path = format!("/fhir/Patient/{}", maria.id);
    let chart = read(&clinic, &own, &path).await;
    let changes: [(&str, Value); 10] = [
        ("active", json!(false)),
        ("deceasedBoolean", json!(true)),
        ("identifier", json!([{"system": "urn:x", "value": "HS-1"}])),
        (
            "link",
            json!([{"other": {"reference": "Patient/1"}, "type": "replaces"}]),
        ),
        ("generalPractitioner", json!([{"display": "Me"}])),
        ("managingOrganization", json!({"display": "Mine"})),
        ("gender", json!("other")),
        ("birthDate", json!("1990-01-01")),
        (
            "extension",
            json!([{"url": "http://x.org/portal", "valueBoolean": true}]),
        ),
        ("photo", json!([{"url": "http://x.org/1.png"}])),
    ];
    for (element, value) in changes {
        let mut sent = chart.clone();
        sent[element] = value;
        let refused = put(&clinic, &own, &sent).await;
        assert_eq!(
            refused.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{element} {}",
            refused.text()
        );
        let named = element.trim_end_matches("Boolean");
        assert!(
            refused.text().contains(named),
            "{element} {}",
            refused.text()
        );
    }
    let mut mail = chart.clone();
    let points = mail["telecom"].as_array_mut().expect("telecom");
    let email = points
        .iter_mut()
        .find(|one| one["system"] == "email")
        .expect("an e-mail");
    email["value"] = json!("thief@example.org");
    let refused = put(&clinic, &own, &mail).await;
    assert_eq!(
        refused.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        refused.text()
    );
    assert!(
        refused.text().contains("profile.email"),
        "{}",
        refused.text()
    );
    assert_eq!(read(&clinic, &own, &path).await, chart);
    clinic.close().await;
}

#[tokio::test]
async fn case_141_nobody_writes_the_chart_of_somebody_else() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let sean = clinic.patients("active").nth(1).expect("a second patient");
    let own = clinic.token(maria, EVERYTHING).await;
    let mut chart = read(&clinic, &own, &format!("/fhir/Patient/{}", maria.id)).await;
    chart["id"] = json!(sean.id);
    let refused = put(&clinic, &own, &chart).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND, "{}", refused.text());
    clinic.close().await;
}

#[tokio::test]
async fn case_168_staff_write_every_script_and_too_long_is_refused() {
    for clinic in both().await {
        let service = manager(&clinic).await;
        let new = |family: &str| {
            json!({"resourceType": "Patient", "active": true, "gender": "female", "birthDate": "2001-09-09",
                "name": [{"family": family, "given": ["Ana"]}]})
        };
        for family in [
            "\u{202e}abc",
            "Zo\u{200b}e",
            "😀",
            "e\u{301}",
            "İ",
            "محمد",
            "A &amp; B",
        ] {
            let to = ("POST", "/fhir/Patient", service.as_str());
            let made = send(
                &clinic,
                to,
                &[("content-type", FHIR)],
                &new(family).to_string(),
            )
            .await;
            assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
            let id = made.json()["id"].as_str().expect("an id").to_owned();
            let chart = read(&clinic, &service, &format!("/fhir/Patient/{id}")).await;
            assert_eq!(chart["name"][0]["family"], family);
        }
        let to = ("POST", "/fhir/Patient", service.as_str());
        let long = new(&"x".repeat(256)).to_string();
        let refused = send(&clinic, to, &[("content-type", FHIR)], &long).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            refused.text().contains("Patient.name.family"),
            "{}",
            refused.text()
        );
        clinic.close().await;
    }
}
