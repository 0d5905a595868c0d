//! Every form of a search: modifiers, chains, `_has`, orders, counts, and the ways they were used against others.

use axum::http::StatusCode;
use serde_json::Value;

use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::fhir::reach::next;
use crate::fhir::reach::token;

const FORM: &str = "application/x-www-form-urlencoded";

/// The ids of the entries of one mode, in order.
pub(crate) fn of_mode(bundle: &Value, mode: &str) -> Vec<String> {
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    let theirs = entries.iter().filter(|one| one["search"]["mode"] == mode);
    theirs
        .map(|one| {
            one["resource"]["id"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        })
        .collect()
}

async fn found(clinic: &Clinic, path: &str, token: &str) -> Vec<String> {
    let answer = clinic.get(path, token).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    of_mode(&answer.json(), "match")
}

#[tokio::test]
async fn case_123_no_form_of_a_reference_reaches_another_patient() {
    let clinic = Clinic::open().await;
    let mut active = clinic.patients("active");
    let (maria, sean) = (active.next().expect("one"), active.next().expect("two"));
    let token = clinic.token(maria, EVERYTHING).await;
    let mine = found(&clinic, "/fhir/Appointment?_count=200", &token).await;
    let invented = "00000000-0000-4000-8000-000000000000";
    let mut bodies = Vec::new();
    for other in [sean.id.as_str(), invented] {
        for form in [
            format!("patient:Patient={other}"),
            format!("patient:not={other}"),
            format!("patient:exact=Patient/{other}"),
            format!("actor=Patient/{other}"),
            format!("actor:Patient={other}"),
            format!("actor=http://127.0.0.1:8080/fhir/Patient/{other}"),
            format!("actor=Patient/{},Patient/{other}", maria.id),
            format!("actor=http://elsewhere.example/fhir/Patient/{other}"),
        ] {
            let answer = clinic
                .get(&format!("/fhir/Appointment?{form}"), &token)
                .await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{form}");
            bodies.push(answer.bytes);
        }
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]), "no oracle");
    for (form, expected) in [
        (format!("patient:Patient={}", maria.id), true),
        (format!("actor=Patient/{}", maria.id), true),
        ("patient:missing=false".to_owned(), true),
        ("patient:missing=true".to_owned(), false),
        ("patient:identifier=nonsense".to_owned(), false),
        (format!("actor={}", sean.id), false),
        (format!("practitioner={}", sean.id), false),
    ] {
        let path = format!("/fhir/Appointment?_count=200&{form}");
        let mut here = found(&clinic, &path, &token).await;
        here.sort();
        let mut all = mine.clone();
        all.sort();
        assert_eq!(here == all, expected, "{form}");
        assert!(here.is_empty() || expected, "{form}");
    }
    for form in [
        format!("patient:not={}", maria.id),
        "subject:Group=Group/1".to_owned(),
    ] {
        let answer = clinic
            .get(&format!("/fhir/Appointment?{form}"), &token)
            .await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{form}");
    }
    clinic.close().await;
}

#[tokio::test]
async fn case_124_a_search_of_patients_finds_the_own_chart_or_nothing() {
    let clinic = Clinic::open().await;
    let mut active = clinic.patients("active");
    let (maria, sean) = (active.next().expect("one"), active.next().expect("two"));
    let token = clinic.token(maria, EVERYTHING).await;
    let theirs = clinic.token(sean, EVERYTHING).await;
    let sean_chart = clinic
        .get(&format!("/fhir/Patient/{}", sean.id), &theirs)
        .await
        .json();
    let family = sean_chart["name"][0]["family"].as_str().expect("a name");
    let number = sean_chart["identifier"][0]["value"]
        .as_str()
        .expect("a number");
    let born = sean_chart["birthDate"].as_str().expect("a day");
    for form in [
        format!("_id={},{}", maria.id, sean.id),
        format!("_id:not={}", maria.id),
        format!("identifier={number}"),
        format!("name={family}"),
        format!("family:exact={family}"),
        format!("family:contains={family}"),
        format!("birthdate={born}"),
        "birthdate:missing=false".to_owned(),
        "gender:not=nonsense".to_owned(),
        "_has:Appointment:patient:status=booked,pending,fulfilled,cancelled,arrived".to_owned(),
        format!("_has:Appointment:patient:_id:not={}", maria.id),
        "_content=x".to_owned(),
        "_text=x".to_owned(),
        "_filter=name%20eq%20x".to_owned(),
        "_query=x".to_owned(),
        "_list=x".to_owned(),
        "_tag=x".to_owned(),
        "_security=x".to_owned(),
        "_source=x".to_owned(),
        "_lastUpdated=ge1900".to_owned(),
    ] {
        let here = found(&clinic, &format!("/fhir/Patient?{form}"), &token).await;
        assert!(here.iter().all(|id| *id == maria.id), "{form}: {here:?}");
    }
    for name in [
        "_content",
        "_text",
        "_filter",
        "_query",
        "_list",
        "_tag",
        "_security",
    ] {
        let request = axum::http::Request::get(format!("/fhir/Patient?{name}=x"))
            .header("authorization", format!("Bearer {token}"))
            .header("prefer", "handling=strict");
        let request = request.body(axum::body::Body::empty()).expect("a request");
        assert_eq!(
            clinic.send(request).await.status,
            StatusCode::BAD_REQUEST,
            "{name}"
        );
    }
    clinic.close().await;
}

#[tokio::test]
async fn case_126_a_chain_is_followed_inside_the_reach_and_needs_a_scope_of_its_own() {
    let clinic = Clinic::open().await;
    let mut active = clinic.patients("active");
    let (maria, sean) = (active.next().expect("one"), active.next().expect("two"));
    let token = clinic.token(maria, EVERYTHING).await;
    let theirs = clinic.token(sean, EVERYTHING).await;
    let family = |chart: &Value| {
        chart["name"][0]["family"]
            .as_str()
            .expect("a name")
            .to_owned()
    };
    let mine = family(
        &clinic
            .get(&format!("/fhir/Patient/{}", maria.id), &token)
            .await
            .json(),
    );
    let other = family(
        &clinic
            .get(&format!("/fhir/Patient/{}", sean.id), &theirs)
            .await
            .json(),
    );
    let all = found(&clinic, "/fhir/Appointment?_count=200", &token).await;
    assert!(!all.is_empty());
    for name in [
        "patient.family",
        "patient:Patient.family",
        "actor:Patient.family",
    ] {
        let path = |family: &str| format!("/fhir/Appointment?_count=200&{name}={family}");
        let mut here = found(&clinic, &path(&mine), &token).await;
        here.sort();
        let mut sorted = all.clone();
        sorted.sort();
        assert_eq!(here, sorted, "{name}");
        if mine != other {
            assert_eq!(
                found(&clinic, &path(&other), &token).await,
                Vec::<String>::new(),
                "{name}"
            );
        }
    }
    let narrow = clinic
        .token(maria, "launch/patient patient/Appointment.rs")
        .await;
    for form in [
        "patient.family=x",
        "patient:identifier=x",
        "_has:DocumentReference:encounter:status=current",
    ] {
        let answer = clinic
            .get(&format!("/fhir/Appointment?{form}"), &narrow)
            .await;
        let expected = match form.starts_with("_has") {
            // A document refers to no appointment.
            true => StatusCode::BAD_REQUEST,
            false => StatusCode::FORBIDDEN,
        };
        assert_eq!(answer.status, expected, "{form}: {}", answer.text());
    }
    let unknown = clinic
        .get("/fhir/Appointment?patient.colour=red", &token)
        .await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
    clinic.close().await;
}

#[tokio::test]
async fn case_131_url_and_body_of_a_posted_search_are_both_obeyed() {
    let clinic = Clinic::open().await;
    let mut active = clinic.patients("active");
    let (maria, sean) = (active.next().expect("one"), active.next().expect("two"));
    let token = clinic.token(maria, EVERYTHING).await;
    for (url, body) in [
        (&maria.id, &sean.id),
        (&sean.id, &maria.id),
        (&sean.id, &sean.id),
    ] {
        let to = format!("/fhir/Appointment/_search?patient={url}");
        let answer = clinic
            .with_body("POST", (&to, &token), FORM, format!("patient={body}"))
            .await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    let to = format!(
        "/fhir/Appointment/_search?status=booked&patient={}",
        maria.id
    );
    let both = clinic
        .with_body("POST", (&to, &token), FORM, "status:not=booked")
        .await;
    assert_eq!(both.json()["total"], 0, "{}", both.text());
    clinic.close().await;
}

#[tokio::test]
async fn case_132_what_is_counted_is_what_the_caller_may_see() {
    let clinic = Clinic::open().await;
    let mut active = clinic.patients("active");
    let (maria, sean) = (active.next().expect("one"), active.next().expect("two"));
    let token = clinic.token(maria, EVERYTHING).await;
    let theirs = clinic.token(sean, EVERYTHING).await;
    let hidden = found(&clinic, "/fhir/Appointment", &theirs).await;
    let all = found(&clinic, "/fhir/Appointment?_count=200", &token).await;
    for form in [
        "_summary=count",
        "_count=0",
        "_total=accurate&_count=1",
        "_total=estimate&_sort=date&_count=1",
    ] {
        let none = clinic
            .get(
                &format!("/fhir/Appointment?_id={}&{form}", hidden[0]),
                &token,
            )
            .await;
        assert_eq!(none.json()["total"], 0, "{form}: {}", none.text());
        assert_eq!(none.json().get("entry"), None, "{form}");
        let some = clinic
            .get(&format!("/fhir/Appointment?{form}"), &token)
            .await
            .json();
        assert_eq!(some["total"], all.len(), "{form}");
        let shown = of_mode(&some, "match").len();
        assert_eq!(shown, usize::from(form.contains("_count=1")), "{form}");
    }
    let untold = clinic
        .get("/fhir/Appointment?_total=none&_count=200", &token)
        .await
        .json();
    assert_eq!(untold.get("total"), None);
    assert_eq!(of_mode(&untold, "match").len(), all.len());
    clinic.close().await;
}

#[tokio::test]
async fn case_133_sorting_takes_parameters_of_the_type_and_pages_without_gap_or_repeat() {
    let clinic = Clinic::open().await;
    let token = clinic.token(clinic.patient("active"), EVERYTHING).await;
    for sort in ["patient.name", "id;select", "date'", "(select%201)"] {
        let answer = clinic
            .get(&format!("/fhir/Appointment?_sort={sort}"), &token)
            .await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{sort}");
        assert!(answer.text().contains("_sort"), "{}", answer.text());
    }
    for sort in [
        "-date",
        "status,-date",
        "date",
        "-_lastUpdated",
        "_id",
        "-_id",
    ] {
        let mut path = Some(format!("/fhir/Appointment?_count=2&_sort={sort}"));
        let (mut ids, mut starts) = (Vec::new(), Vec::new());
        while let Some(here) = path {
            let answer = clinic.get(&here, &token).await;
            assert_eq!(answer.status, StatusCode::OK, "{sort}: {}", answer.text());
            let page = answer.json();
            for entry in page["entry"].as_array().expect("entries") {
                ids.push(entry["resource"]["id"].as_str().expect("an id").to_owned());
                starts.push(
                    entry["resource"]["start"]
                        .as_str()
                        .expect("a start")
                        .to_owned(),
                );
            }
            path = next(&page);
        }
        let mut once = ids.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), ids.len(), "{sort}");
        let all = found(&clinic, "/fhir/Appointment?_count=200", &token).await;
        assert!(all.len() > 2);
        assert_eq!(ids.len(), all.len(), "{sort}");
        let parse = |text: &String| {
            let format = &time::format_description::well_known::Rfc3339;
            time::OffsetDateTime::parse(text, format).expect("a time")
        };
        let times: Vec<_> = starts.iter().map(parse).collect();
        match sort {
            "-date" => assert!(times.is_sorted_by(|one, other| one >= other)),
            "date" => assert!(times.is_sorted()),
            "_id" => assert!(ids.is_sorted()),
            "-_id" => assert!(ids.is_sorted_by(|one, other| one >= other)),
            _ => {}
        }
    }
    clinic.close().await;
}

#[tokio::test]
async fn case_159_161_wildcards_mean_themselves_and_counts_are_bounded() {
    let clinic = Clinic::open().await;
    let service = token(&clinic, None, None, "system/*.rs").await;
    for form in [
        "name=%25",
        "name=_____",
        "name:contains=%25%25",
        "family:exact=%25",
        "name:contains=_",
    ] {
        let here = found(&clinic, &format!("/fhir/Patient?{form}"), &service).await;
        assert_eq!(here, Vec::<String>::new(), "{form}");
    }
    for count in ["1000000000", "9999999999999999999", "0"] {
        let answer = clinic
            .get(&format!("/fhir/Patient?_count={count}"), &service)
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{count}");
    }
    for form in [
        "_count=-1",
        "_count=1e9",
        "_count=abc",
        "_page=1",
        "_page=-1",
        "_page=9999999999999999999",
    ] {
        let answer = clinic.get(&format!("/fhir/Patient?{form}"), &service).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{form}");
    }
    clinic.close().await;
}

#[tokio::test]
async fn parts_of_records_are_tagged_and_keep_what_must_be_there() {
    let clinic = Clinic::open().await;
    let token = clinic.token(clinic.patient("active"), EVERYTHING).await;
    for form in [
        "_summary=true",
        "_summary=text",
        "_summary=data",
        "_elements=start",
    ] {
        let page = clinic
            .get(&format!("/fhir/Appointment?_count=1&{form}"), &token)
            .await
            .json();
        let visit = &page["entry"][0]["resource"];
        assert_eq!(visit["resourceType"], "Appointment", "{form}");
        assert_eq!(visit["meta"]["tag"][0]["code"], "SUBSETTED", "{form}");
        assert!(
            visit["status"].is_string() && visit["participant"].is_array(),
            "{form}"
        );
        assert_eq!(
            visit["start"].is_string(),
            form != "_summary=text",
            "{form}"
        );
    }
    let whole = clinic
        .get("/fhir/Appointment?_count=1&_summary=false", &token)
        .await
        .json();
    assert_eq!(whole["entry"][0]["resource"]["meta"].get("tag"), None);
    clinic.close().await;
}

#[tokio::test]
async fn staff_follow_chains_and_has_across_the_practice() {
    let clinic = Clinic::open().await;
    let staff = token(&clinic, Some("nhaddad"), None, "user/*.rs").await;
    let maria = clinic.patient("active");
    let chart = clinic
        .get(&format!("/fhir/Patient/{}", maria.id), &staff)
        .await
        .json();
    let number = chart["identifier"][0]["value"].as_str().expect("a number");
    let plain = format!("/fhir/Appointment?_count=200&patient={}", maria.id);
    let expected = found(&clinic, &plain, &staff).await;
    assert!(!expected.is_empty());
    for name in ["patient.identifier", "patient:identifier"] {
        let path = format!("/fhir/Appointment?_count=200&{name}={number}");
        assert_eq!(found(&clinic, &path, &staff).await, expected, "{name}");
    }
    let visit = &expected[0];
    let path = format!("/fhir/Patient?_has:Appointment:patient:_id={visit}");
    assert_eq!(
        found(&clinic, &path, &staff).await,
        std::slice::from_ref(&maria.id)
    );
    clinic.close().await;
}
