//! Attacks on who reaches what that once got through, or answered with a fault.

use anteroom::db::sql::Sql;
use axum::http::StatusCode;
use uuid::Uuid;

use crate::clinic::Clinic;
use crate::clinic::engine::LAYOUTS;
use crate::fhir::reach::ids;
use crate::fhir::reach::next;
use crate::fhir::reach::token;

const FORM: &str = "application/x-www-form-urlencoded";

/// The sandbox on SQLite and, where there is a server, on MariaDB.
async fn both() -> Vec<Clinic> {
    let mut all = vec![Clinic::open().await];
    all.extend(Clinic::on_mariadb(LAYOUTS[1]).await);
    all
}

/// A search with many alternatives is one expression, and both engines bound how deep that may be.
#[tokio::test]
async fn a_search_for_a_hundred_names_is_answered() {
    for clinic in both().await {
        let service = token(&clinic, None, None, "system/*.rs").await;
        let names = vec!["o%27c"; 100].join(",");
        for parameter in ["name", "family", "given"] {
            let path = format!("/fhir/Patient?{parameter}={names}");
            let answer = clinic.get(&path, &service).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        }
        let many = vec!["name=a%26"; 49].join("&");
        let answer = clinic.get(&format!("/fhir/Patient?{many}"), &service).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        let many = vec![format!("name={}", vec!["'"; 100].join(",")); 49].join("&");
        let to = ("/fhir/Patient/_search", service.as_str());
        let answer = clinic.with_body("POST", to, FORM, many).await;
        assert_eq!(
            answer.status,
            StatusCode::PAYLOAD_TOO_LARGE,
            "{}",
            answer.text()
        );
        clinic.close().await;
    }
}

#[tokio::test]
async fn a_name_longer_than_a_pattern_may_be_is_refused() {
    for clinic in both().await {
        let service = token(&clinic, None, None, "system/*.rs").await;
        let to = ("/fhir/Patient/_search", service.as_str());
        let body = format!("name={}", "x".repeat(60_000));
        let answer = clinic.with_body("POST", to, FORM, body).await;
        assert_eq!(
            answer.status,
            StatusCode::PAYLOAD_TOO_LARGE,
            "{}",
            answer.text()
        );
        clinic.close().await;
    }
}

/// The state of a search travels in its next link, and a URL has at most 8 KiB.
#[tokio::test]
async fn every_next_link_can_be_followed() {
    let clinic = Clinic::open().await;
    let service = token(&clinic, None, None, "system/*.rs").await;
    let to = ("/fhir/Patient/_search", service.as_str());
    for length in [1_000, 3_000, 4_500, 6_000, 12_000] {
        let body = format!(
            "_count=1&nonsense=1&birthdate=ge1900&family={}a,b,c,d,e,m,s",
            "x,".repeat(40)
        );
        let filler = "z".repeat(length - body.len());
        let body = format!("{body},{filler}");
        let answer = clinic.with_body("POST", to, FORM, body).await;
        if answer.status == StatusCode::PAYLOAD_TOO_LARGE {
            continue;
        }
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        let link = next(&answer.json()).expect("more than one");
        let second = clinic.get(&link, &service).await;
        assert_eq!(ids(&second).len(), 1, "{length}");
    }
    clinic.close().await;
}

/// SMART 2.2: an app may read the resource that `fhirUser` names, whoever the user is.
#[tokio::test]
async fn every_member_of_staff_can_be_read_as_fhir_user() {
    for clinic in both().await {
        let clerk = "UPDATE users SET authorized = 0, portal_user = 0 WHERE username = 'tbanks'";
        let changed = clinic.app.emr.db.script(clerk).await;
        changed.expect("neither a provider nor somebody to write to");
        let other = token(&clinic, None, None, "system/*.rs").await;
        for name in ["tbanks", "nhaddad"] {
            let app = token(&clinic, Some(name), None, "openid fhirUser").await;
            let found = anteroom::emr::colleague::by_username(&clinic.app.emr, name).await;
            let own = found.expect("asked").expect("works there").staff.uuid;
            let read = clinic.get(&format!("/fhir/Practitioner/{own}"), &app).await;
            assert_eq!(read.status, StatusCode::OK, "{name}: {}", read.text());
            let search = clinic.get("/fhir/Practitioner", &app).await;
            assert_eq!(search.status, StatusCode::FORBIDDEN);
            let patients = clinic.get("/fhir/Patient", &app).await;
            assert_eq!(patients.status, StatusCode::FORBIDDEN);
            let more = "openid fhirUser user/Practitioner.rs";
            let more = token(&clinic, Some(name), None, more).await;
            let read = clinic
                .get(&format!("/fhir/Practitioner/{own}"), &more)
                .await;
            assert_eq!(read.status, StatusCode::OK, "{name}: {}", read.text());
            let list = ids(&clinic.get("/fhir/Practitioner", &more).await);
            assert_eq!(list.contains(&own.to_string()), name != "tbanks");
            let read = clinic
                .get(&format!("/fhir/Practitioner/{own}"), &other)
                .await;
            assert_eq!(read.status == StatusCode::OK, name != "tbanks");
        }
        clinic.close().await;
    }
}

/// A scope may be cut to visits that are booked; the cancelled one is outside it.
#[tokio::test]
async fn a_visit_that_leaves_the_scope_by_being_cancelled_is_still_cancelled_with_success() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let scope = "launch/patient patient/Appointment.rus?status=booked";
    let app = clinic.token(maria, scope).await;
    let booked = ids(&clinic
        .get("/fhir/Appointment?date=ge2026-11-25", &app)
        .await);
    let patch = r#"[{"op":"replace","path":"/status","value":"cancelled"}]"#;
    let kind = "application/json-patch+json";
    let mut done = 0;
    for id in booked {
        let path = format!("/fhir/Appointment/{id}");
        let answer = clinic.with_body("PATCH", (&path, &app), kind, patch).await;
        assert_ne!(answer.status, StatusCode::NOT_FOUND, "{}", answer.text());
        if answer.status == StatusCode::OK {
            done += 1;
            let read = clinic.get(&path, &app).await;
            assert_eq!(read.status, StatusCode::NOT_FOUND);
        }
    }
    assert!(done > 0);
    clinic.close().await;
}

/// US Core's tests search with the type they were shown.
#[tokio::test]
async fn every_code_that_is_shown_is_found() {
    for clinic in both().await {
        let service = token(&clinic, None, None, "system/*.rs").await;
        let sean = clinic.patients("active").nth(1).expect("two");
        let base = format!("/fhir/DocumentReference?_count=200&patient={}", sean.id);
        let all = clinic.get(&base, &service).await.json();
        for entry in all["entry"].as_array().expect("entries") {
            let shown = &entry["resource"];
            let id = shown["id"].as_str().expect("an id").to_owned();
            let types = shown["type"]["coding"].as_array().into_iter().flatten();
            let categories = shown["category"].as_array().into_iter().flatten();
            let categories = categories.flat_map(|one| one["coding"].as_array().expect("coded"));
            let types = types.map(|coding| ("type", coding));
            for (name, coding) in types.chain(categories.map(|coding| ("category", coding))) {
                let [system, code] =
                    ["system", "code"].map(|part| coding[part].as_str().expect("text"));
                let code = code.replace(' ', "%20");
                for value in [code.clone(), format!("{system}|{code}")] {
                    let found = clinic
                        .get(&format!("{base}&{name}={value}"), &service)
                        .await;
                    assert!(ids(&found).contains(&id), "{name}={value}");
                }
            }
        }
        clinic.close().await;
    }
}

/// The collation of a column must not widen what a user agreed to.
#[tokio::test]
async fn a_granular_type_is_compared_by_its_bytes() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let of = async |scope: &str| {
            let app = token(&clinic, Some("nhaddad"), Some(&maria.id), scope).await;
            ids(&clinic.get("/fhir/DocumentReference", &app).await).len()
        };
        assert_eq!(
            of("patient/DocumentReference.rs?type=lab%20report").await,
            0
        );
        assert_eq!(
            of("patient/DocumentReference.rs?category=lab%20report").await,
            0
        );
        assert_eq!(
            of("patient/DocumentReference.rs?category=Lab%20Report").await,
            1
        );
        assert_eq!(
            of("patient/DocumentReference.rs?category=Lab+Report").await,
            0
        );
        clinic.close().await;
    }
}

/// Nothing a caller can write is a fault of the server.
#[tokio::test]
async fn odd_values_are_answered_on_both_engines() {
    let values = [
        "%00",
        "%25",
        "_",
        "%5C",
        "%5C%5C",
        "!",
        "%27",
        "%22",
        "%27%20OR%201%3D1--",
        "%F0%9F%98%80",
        "e%CC%81",
        "%FF",
        "%E2%80%AE",
        "%0A",
        "a%00b",
        "%C5%BF",
        "ge0001-01-01",
        "lt9999-12-31T23:59:59-12:00",
        "eq9999",
        "ne0001",
        "gt9999-12-31",
        "ap2026",
        "-1",
        "18446744073709551616",
        "|",
        "||",
        "a|",
        "%7C%00",
        "%5C,",
        "$",
        "Patient/%00",
        "urn:uuid:x",
        "urn:uuid:00000000-0000-0000-0000-000000000000",
    ];
    for clinic in both().await {
        let service = token(&clinic, None, None, "system/*.rs").await;
        let sean = clinic.patients("active").nth(1).expect("two");
        let all = anteroom::fhir::RESOURCES.iter();
        let all =
            all.flat_map(|served| served.parameters.iter().map(move |one| (served.kind, one)));
        // A quarter of the values for each parameter, and every value for a quarter of the parameters.
        for (place, (kind, parameter)) in all.enumerate() {
            let of = match kind.in_patient_compartment() {
                true => format!("&patient={}", sean.id),
                false => String::new(),
            };
            for value in values.iter().skip(place % 4).step_by(4) {
                let path = format!("/fhir/{}?{}={value}{of}", kind.name(), parameter.name);
                let answer = clinic.get(&path, &service).await;
                assert!(answer.status.as_u16() < 500, "{path}: {}", answer.text());
            }
        }
        // A pattern means itself: nobody's name begins with these.
        for value in ["%25", "_", "%5C", "!", "%25a", "__", "%00"] {
            let found = clinic
                .get(&format!("/fhir/Patient?name={value}"), &service)
                .await;
            assert!(ids(&found).is_empty(), "{value}");
        }
        clinic.close().await;
    }
}

/// OpenEMR runs without strict dates, so that a zero may stand wherever a moment is not known.
#[tokio::test]
async fn zero_dates_are_no_dates() {
    for layout in LAYOUTS {
        let Some(clinic) = Clinic::on_mariadb(layout).await else {
            return;
        };
        let zeros = match layout {
            "6.1" => {
                "SET SESSION sql_mode = ''; UPDATE form_encounter SET date = '0000-00-00 00:00:00'; \
                UPDATE documents SET date = '0000-00-00 00:00:00';"
            }
            _ => {
                "SET SESSION sql_mode = ''; UPDATE form_encounter SET date_end = '0000-00-00 00:00:00' WHERE pid < 2; \
                UPDATE form_encounter SET date = '0000-00-00 00:00:00' WHERE pid > 1; \
                UPDATE documents SET date = '0000-00-00 00:00:00';"
            }
        };
        clinic.app.emr.db.script(zeros).await.expect("zeros");
        let service = token(&clinic, None, None, "system/*.rs").await;
        for person in clinic.patients("active").take(2) {
            for kind in ["DocumentReference", "Encounter"] {
                let path = format!("/fhir/{kind}?_count=1&patient={}", person.id);
                let mut path = Some(path);
                let mut seen = Vec::new();
                while let Some(here) = path {
                    let answer = clinic.get(&here, &service).await;
                    assert_eq!(
                        answer.status,
                        StatusCode::OK,
                        "{layout} {here}: {}",
                        answer.text()
                    );
                    seen.extend(ids(&answer));
                    path = next(&answer.json());
                }
                let whole = format!("/fhir/{kind}?_count=200&patient={}", person.id);
                assert_eq!(
                    ids(&clinic.get(&whole, &service).await),
                    seen,
                    "{layout} {kind}"
                );
                assert!(seen.len() > 1, "{layout} {kind}");
            }
        }
        clinic.close().await;
    }
}

/// What a document says of its visit is what the Encounter says, and only where there is one to be read.
#[tokio::test]
async fn the_visit_of_a_document_is_the_patients_own_and_can_be_read() {
    let mut all = vec![Clinic::open().await];
    for layout in LAYOUTS {
        all.extend(Clinic::on_mariadb(layout).await);
    }
    for clinic in all {
        let sensitive = "UPDATE form_encounter SET sensitivity = 'high' WHERE pid = 2";
        clinic.app.emr.db.script(sensitive).await.expect("marked");
        let mut told = [0, 0];
        for (at, person) in clinic.patients("active").take(2).enumerate() {
            let app = clinic.token(person, crate::clinic::EVERYTHING).await;
            let bundle = clinic.get("/fhir/DocumentReference", &app).await.json();
            for entry in bundle["entry"].as_array().expect("entries") {
                let context = &entry["resource"]["context"];
                let Some(reference) = context["encounter"][0]["reference"].as_str() else {
                    continue;
                };
                let visit = clinic.get(&format!("/fhir/{reference}"), &app).await;
                assert_eq!(visit.status, StatusCode::OK, "{}", visit.text());
                assert_eq!(visit.json()["period"], context["period"]);
                told[at] += 1;
            }
        }
        assert_eq!(told, [1, 0]);
        clinic.close().await;
    }
}

/// OpenEMR asks for the right a category names before it shows staff a document of it.
#[tokio::test]
async fn staff_see_documents_of_the_categories_they_have_the_right_to() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let all = format!("/fhir/DocumentReference?patient={}", maria.id);
        let labs = format!("{all}&category=Lab%20Report");
        let doctor = token(&clinic, Some("dlee"), None, "user/*.rs").await;
        let manager = token(&clinic, Some("nhaddad"), None, "user/*.rs").await;
        let mine = clinic.token(maria, crate::clinic::EVERYTHING).await;
        let before = ids(&clinic.get(&all, &doctor).await).len();
        let lab = ids(&clinic.get(&labs, &doctor).await).remove(0);
        let closed = "UPDATE categories SET aco_spec = 'admin|super' WHERE name = 'Lab Report'";
        clinic.app.emr.db.script(closed).await.expect("closed");
        assert_eq!(ids(&clinic.get(&all, &doctor).await).len(), before - 1);
        for path in [
            format!("/fhir/DocumentReference/{lab}"),
            format!("/fhir/Binary/{lab}"),
        ] {
            let refused = clinic.get(&path, &doctor).await;
            assert_eq!(refused.status, StatusCode::NOT_FOUND, "{path}");
            for other in [&manager, &mine] {
                assert_eq!(clinic.get(&path, other).await.status, StatusCode::OK);
            }
        }
        clinic.close().await;
    }
}

/// The same of visits and the categories of the calendar; a document does not tell of a visit that is hidden.
#[tokio::test]
async fn staff_see_visits_of_the_categories_they_have_the_right_to() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let visits = format!("/fhir/Encounter?_count=200&patient={}", maria.id);
        let documents = format!("/fhir/DocumentReference?patient={}", maria.id);
        let people = [Some("dlee"), Some("nhaddad"), None];
        let mut apps = Vec::new();
        for who in people {
            let level = if who.is_some() { "user" } else { "system" };
            apps.push(token(&clinic, who, None, &format!("{level}/*.rs")).await);
        }
        let mut seen = Vec::new();
        for app in &apps {
            assert!(!ids(&clinic.get(&visits, app).await).is_empty());
            let told = clinic.get(&documents, app).await.text();
            seen.push(told.contains("Encounter/"));
        }
        assert_eq!(seen, [true, true, true]);
        // A visit without a category asks for no right of its own.
        let closed = "UPDATE form_encounter SET pc_catid = 5 WHERE pc_catid = 0; \
            UPDATE openemr_postcalendar_categories SET aco_spec = 'admin|super'";
        clinic.app.emr.db.script(closed).await.expect("closed");
        let mut seen = Vec::new();
        for app in &apps {
            let some = !ids(&clinic.get(&visits, app).await).is_empty();
            let told = clinic.get(&documents, app).await.text();
            seen.push((some, told.contains("Encounter/")));
        }
        assert_eq!(seen, [(false, false), (true, true), (true, true)]);
        clinic.close().await;
    }
}

/// OpenEMR gives a chart the highest number so far and one, so the number of a chart that was removed comes again.
#[tokio::test]
async fn case_156_a_number_that_is_given_out_again_opens_no_other_chart_to_staff() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let staff = token(&clinic, Some("dlee"), Some(&maria.id), "patient/*.rs").await;
        let path = format!("/fhir/Patient/{}", maria.id);
        assert_eq!(clinic.get(&path, &staff).await.status, StatusCode::OK);
        let other = Sql::new("UPDATE patient_data SET uuid = ? WHERE uuid = ?")
            .bind(Uuid::from_u128(0x4000_8000_0000_0000_0bad))
            .bind(maria.id.parse::<Uuid>().expect("a uuid"));
        clinic.app.emr.db.run(other).await.expect("another chart");
        clinic.app.tokens.clear();
        for path in [path.as_str(), "/fhir/Patient", "/fhir/Appointment"] {
            let answer = clinic.get(path, &staff).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        }
        clinic.close().await;
    }
}
