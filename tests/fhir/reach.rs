//! Who reaches what: patients their own record, staff what OpenEMR's access control gives, services every patient.

use anteroom::crypto;
use anteroom::crypto::Entropy;
use anteroom::crypto::SystemEntropy;
use anteroom::domain::access::Holder;
use anteroom::emr::colleague;
use anteroom::emr::persons;
use anteroom::store::authorizations::Launched;
use anteroom::store::grants;
use anteroom::store::grants::Given;
use anteroom::store::tokens;
use anteroom::store::tokens::Kind;
use anteroom::store::tokens::Token;
use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use serde_json::Value;

use crate::clinic::APP;
use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;

const NOTES: &str =
    "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category|clinical-note";

/// An access token as the token endpoint would have stored it. The holder is a login name of staff, or nobody for a
/// service; the patient in context is named by the FHIR id.
pub(crate) async fn token(
    clinic: &Clinic,
    who: Option<&str>,
    patient: Option<&str>,
    scope: &str,
) -> String {
    let emr = &clinic.app.emr;
    let now = emr.now().unix_timestamp();
    let (holder, credential) = match who {
        None => (Holder::System, String::new()),
        Some(name) => {
            let found = colleague::by_username(emr, name).await.expect("asked");
            let found = found.unwrap_or_else(|| panic!("nobody is called {name}"));
            (Holder::Staff(found.staff.id), found.credential())
        }
    };
    let patient = match patient {
        None => None,
        Some(id) => {
            let id = id.parse().expect("a uuid");
            let person = persons::by_uuid(emr, id).await.expect("asked");
            Some(person.expect("a chart").pid)
        }
    };
    // Another one each time, also for the same person and scope.
    let salt = SystemEntropy.token().expect("random bytes");
    let token = crypto::fingerprint(&format!("token of {who:?} for {patient:?}, {salt}"));
    let given = Given {
        id: token.chars().rev().take(32).collect(),
        client_id: APP.to_owned(),
        holder,
        launch: Launched {
            patient,
            ..Launched::default()
        },
        scope: scope.to_owned(),
        credential,
        acr: String::new(),
        session_hash: None,
        auth_time: now,
        ends: now + 3600,
    };
    let row = Token {
        token_hash: crypto::fingerprint(&token),
        grant_id: given.id.clone(),
        kind: Kind::Access,
        scope: scope.to_owned(),
        parent: String::new(),
        issued: now,
        expires: now + 600,
    };
    let stored = emr.db.transaction(|tx| {
        let (given, row) = (given.clone(), row.clone());
        Box::pin(async move {
            grants::add(tx, &given, now).await?;
            tokens::add(tx, &row).await
        })
    });
    stored.await.expect("stored");
    token
}

pub(super) fn ids(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let entries = answer.json()["entry"].as_array().cloned();
    let entries = entries.unwrap_or_default();
    let matches = entries
        .iter()
        .filter(|entry| entry["search"]["mode"] == "match");
    matches
        .map(|entry| entry["resource"]["id"].as_str().expect("an id").to_owned())
        .collect()
}

pub(super) fn next(bundle: &Value) -> Option<String> {
    let mut links = bundle["link"].as_array().expect("links").iter();
    let link = links.find(|link| link["relation"] == "next")?;
    let url = link["url"].as_str().expect("a url");
    url.strip_prefix("http://127.0.0.1:8080").map(str::to_owned)
}

#[tokio::test]
async fn staff_see_what_the_access_control_gives_and_nothing_else() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let desk = token(&clinic, Some("tbanks"), None, "user/*.rs").await;
    let of = |kind: &str| format!("/fhir/{kind}?patient={}", maria.id);
    let refused = clinic.get(&of("DocumentReference"), &desk).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(refused.issue(), "forbidden");
    assert!(!ids(&clinic.get(&of("Appointment"), &desk).await).is_empty());
    assert!(!ids(&clinic.get(&of("Communication"), &desk).await).is_empty());
    let everybody = ids(&clinic.get("/fhir/Patient?_count=200", &desk).await);
    assert_eq!(everybody.len(), clinic.people.patients.len());
    let manager = token(&clinic, Some("nhaddad"), None, "user/*.rs").await;
    for kind in ["DocumentReference", "Encounter", "Communication"] {
        assert!(
            !ids(&clinic.get(&of(kind), &manager).await).is_empty(),
            "{kind}"
        );
    }
    let without = clinic.get("/fhir/DocumentReference", &manager).await;
    assert_eq!(without.status, StatusCode::BAD_REQUEST);
    assert!(without.text().contains("patient"), "{}", without.text());
    clinic.close().await;
}

#[tokio::test]
async fn case_83_a_patient_scope_of_staff_stays_in_context() {
    let clinic = Clinic::open().await;
    let mut active = clinic.patients("active");
    let (maria, sean) = (active.next().expect("one"), active.next().expect("two"));
    let scope = "launch patient/*.rs";
    let lee = token(&clinic, Some("nhaddad"), Some(&maria.id), scope).await;
    assert_eq!(
        ids(&clinic.get("/fhir/Patient", &lee).await),
        [maria.id.as_str()]
    );
    let other = clinic
        .get(&format!("/fhir/Patient/{}", sean.id), &lee)
        .await;
    let none = clinic
        .get(
            &format!("/fhir/Patient/{}", maria.id.replace('a', "b")),
            &lee,
        )
        .await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
    assert_eq!((none.status, none.bytes), (other.status, other.bytes));
    for kind in [
        "Appointment",
        "DocumentReference",
        "Communication",
        "Encounter",
    ] {
        let named = clinic
            .get(&format!("/fhir/{kind}?patient={}", sean.id), &lee)
            .await;
        assert_eq!(named.status, StatusCode::FORBIDDEN, "{kind}");
    }
    let nobody = token(&clinic, Some("nhaddad"), None, scope).await;
    let refused = clinic.get("/fhir/Patient", &nobody).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    clinic.close().await;
}

#[tokio::test]
async fn another_patients_record_is_like_one_that_never_was() {
    let clinic = Clinic::open().await;
    let mut active = clinic.patients("active");
    let (maria, sean) = (active.next().expect("one"), active.next().expect("two"));
    let service = token(&clinic, None, None, "system/*.rs").await;
    let mine = clinic.token(maria, EVERYTHING).await;
    for kind in [
        "Appointment",
        "DocumentReference",
        "Communication",
        "Encounter",
    ] {
        let theirs = ids(&clinic
            .get(&format!("/fhir/{kind}?patient={}", sean.id), &service)
            .await);
        assert!(!theirs.is_empty(), "{kind}");
        let read = clinic
            .get(&format!("/fhir/{kind}/{}", theirs[0]), &service)
            .await;
        assert_eq!(read.status, StatusCode::OK, "{kind}: {}", read.text());
        let by_id = clinic
            .get(&format!("/fhir/{kind}?_id={}", theirs[0]), &service)
            .await;
        assert_eq!(ids(&by_id), theirs[..1], "{kind}");
        let foreign = clinic
            .get(&format!("/fhir/{kind}/{}", theirs[0]), &mine)
            .await;
        let never = format!("/fhir/{kind}/00000000-0000-4000-8000-000000000001");
        let never = clinic.get(&never, &mine).await;
        assert_eq!(foreign.status, StatusCode::NOT_FOUND, "{kind}");
        assert_eq!(
            (foreign.status, foreign.bytes),
            (never.status, never.bytes),
            "{kind}"
        );
        let found = clinic
            .get(&format!("/fhir/{kind}?_id={}", theirs[0]), &mine)
            .await;
        assert!(ids(&found).is_empty(), "{kind}");
    }
    let document = ids(&clinic
        .get(
            &format!("/fhir/DocumentReference?patient={}", sean.id),
            &service,
        )
        .await);
    let binary = format!("/fhir/Binary/{}", document[0]);
    assert_eq!(clinic.get(&binary, &service).await.status, StatusCode::OK);
    assert_eq!(
        clinic.get(&binary, &mine).await.status,
        StatusCode::NOT_FOUND
    );
    clinic.close().await;
}

#[tokio::test]
async fn a_service_lists_all_patients_page_by_page() {
    let clinic = Clinic::open().await;
    let service = token(&clinic, None, None, "system/Patient.rs").await;
    let mut seen = Vec::new();
    let mut path = Some("/fhir/Patient?_count=5".to_owned());
    let mut pages = 0;
    while let Some(here) = path {
        let answer = clinic.get(&here, &service).await;
        seen.extend(ids(&answer));
        path = next(&answer.json());
        pages += 1;
    }
    let mut expected: Vec<&str> = clinic
        .people
        .patients
        .iter()
        .map(|one| one.id.as_str())
        .collect();
    assert!(pages > 2, "several pages prove something");
    seen.sort();
    expected.sort_unstable();
    assert_eq!(seen, expected);
    let refused = clinic.get("/fhir/Appointment?date=ge2000", &service).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    clinic.close().await;
}

#[tokio::test]
async fn people_are_searched_as_us_core_has_it() {
    let clinic = Clinic::open().await;
    let service = token(&clinic, None, None, "system/*.rs").await;
    let sean = clinic
        .people
        .patients
        .iter()
        .find(|one| one.name.contains("O'Connor"));
    let sean = sean.expect("a patient of the sandbox");
    let record = clinic
        .get(&format!("/fhir/Patient/{}", sean.id), &service)
        .await
        .json();
    let mrn = &record["identifier"][0];
    let [system, value] = ["system", "value"].map(|name| mrn[name].as_str().expect("text"));
    for search in [
        "name=O%27Conn".to_owned(),
        "family=o%27connor&gender=male".to_owned(),
        format!("name=O%27Connor&birthdate={}", sean.birth_date),
        format!("family=O%27Connor&birthdate={}", sean.birth_date),
        format!("identifier={value}"),
        format!("identifier={system}|{value}"),
        format!("_id={}", sean.id),
    ] {
        let found = clinic
            .get(&format!("/fhir/Patient?{search}"), &service)
            .await;
        assert_eq!(ids(&found), [sean.id.as_str()], "{search}");
    }
    for search in [
        "name=onnor",
        "gender=female&family=o%27connor",
        "identifier=http://x|1",
    ] {
        let found = clinic
            .get(&format!("/fhir/Patient?{search}"), &service)
            .await;
        assert!(ids(&found).is_empty(), "{search}");
    }
    let exact = clinic
        .get("/fhir/Patient?name:exact=O%27Connor", &service)
        .await;
    assert_eq!(ids(&exact), [sean.id.as_str()], "name:exact");
    let lower = clinic
        .get("/fhir/Patient?name:exact=o%27connor", &service)
        .await;
    assert!(ids(&lower).is_empty(), "name:exact minds the case");
    let mine = clinic.token(clinic.patient("active"), EVERYTHING).await;
    let others = clinic.get("/fhir/Patient?name=O%27Connor", &mine).await;
    assert!(ids(&others).is_empty());
    clinic.close().await;
}

#[tokio::test]
async fn granular_scopes_of_staff_cut_and_add_up() {
    let clinic = Clinic::open().await;
    let mut active = clinic.patients("active");
    let (maria, sean) = (active.next().expect("one"), active.next().expect("two"));
    let of = |id: &str| format!("/fhir/DocumentReference?_count=200&patient={id}");
    let scope = format!("user/DocumentReference.rs?category={NOTES}");
    let notes = token(&clinic, Some("nhaddad"), None, &scope).await;
    let all = ids(&clinic.get(&of(&maria.id), &notes).await);
    assert!(!all.is_empty());
    let scope = "user/DocumentReference.rs?category=http://nowhere|nothing";
    let none = token(&clinic, Some("nhaddad"), None, scope).await;
    assert!(ids(&clinic.get(&of(&maria.id), &none).await).is_empty());
    let read = clinic
        .get(&format!("/fhir/DocumentReference/{}", all[0]), &none)
        .await;
    assert_eq!(read.status, StatusCode::NOT_FOUND);
    let union = format!("{scope} patient/DocumentReference.rs");
    let union = token(&clinic, Some("nhaddad"), Some(&maria.id), &union).await;
    assert_eq!(ids(&clinic.get(&of(&maria.id), &union).await), all);
    assert!(ids(&clinic.get(&of(&sean.id), &union).await).is_empty());
    let read = clinic
        .get(&format!("/fhir/DocumentReference/{}", all[0]), &union)
        .await;
    assert_eq!(read.status, StatusCode::OK, "{}", read.text());
    clinic.close().await;
}

#[tokio::test]
async fn visits_of_everybody_are_searched_by_day_and_changed_by_the_desk() {
    let clinic = Clinic::open().await;
    let desk = token(&clinic, Some("tbanks"), None, "user/Appointment.rus").await;
    let days = "/fhir/Appointment?_count=200&date=ge2000";
    let answer = clinic.get(days, &desk).await;
    let visits = ids(&answer);
    let json = answer.json();
    let mut patients: Vec<&str> = json["entry"]
        .as_array()
        .expect("entries")
        .iter()
        .filter_map(|entry| entry["resource"]["participant"][0]["actor"]["reference"].as_str())
        .collect();
    patients.sort_unstable();
    patients.dedup();
    assert!(patients.len() > 5, "{patients:?}");
    let without = clinic.get("/fhir/Appointment", &desk).await;
    assert_eq!(without.status, StatusCode::BAD_REQUEST);
    let patch = r#"[{"op":"replace","path":"/status","value":"cancelled"}]"#;
    let path = format!("/fhir/Appointment/{}", visits[0]);
    let kind = "application/json-patch+json";
    let changed = clinic.with_body("PATCH", (&path, &desk), kind, patch).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text());
    assert_eq!(changed.json()["status"], "cancelled");
    let service = token(&clinic, None, None, "system/Appointment.rus").await;
    let refused = clinic
        .with_body("PATCH", (&path, &service), kind, patch)
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "services only read");
    clinic.close().await;
}

#[tokio::test]
async fn reach_is_the_same_on_every_layout_of_mariadb() {
    for layout in crate::clinic::engine::LAYOUTS {
        let Some(clinic) = Clinic::on_mariadb(layout).await else {
            return;
        };
        let sean = clinic.patients("active").nth(1).expect("two");
        let service = token(&clinic, None, None, "system/*.rs").await;
        for kind in [
            "Appointment",
            "DocumentReference",
            "Communication",
            "Encounter",
        ] {
            let path = format!("/fhir/{kind}?_count=200&patient={}", sean.id);
            let found = ids(&clinic.get(&path, &service).await);
            assert!(!found.is_empty(), "{layout} {kind}");
            for id in &found {
                let read = clinic.get(&format!("/fhir/{kind}/{id}"), &service).await;
                assert_eq!(
                    read.status,
                    StatusCode::OK,
                    "{layout} {kind}: {}",
                    read.text()
                );
            }
        }
        let all = ids(&clinic.get("/fhir/Patient?_count=200", &service).await);
        assert_eq!(all.len(), clinic.people.patients.len(), "{layout}");
        for (search, many) in [
            ("Patient?name=DELG", 1),
            ("Patient?family=O%27conn&gender=male", 1),
            ("Patient?birthdate=lt1940-01-01&gender=female", 1),
            ("Patient?gender=unknown", 1),
        ] {
            let found = ids(&clinic.get(&format!("/fhir/{search}"), &service).await);
            assert_eq!(found.len(), many, "{layout} {search}");
        }
        let days = ids(&clinic
            .get("/fhir/Appointment?_count=200&date=ge2000", &service)
            .await);
        assert!(days.len() > 30, "{layout}: {}", days.len());
        clinic.close().await;
    }
}

#[tokio::test]
async fn the_brand_bundle_is_for_everybody_and_kept_by_its_etag() {
    let clinic = Clinic::open().await;
    let asked = |etag: Option<String>| {
        let mut request = Request::get("/brands").header("origin", "https://app.example.org");
        if let Some(etag) = etag {
            request = request.header("if-none-match", etag);
        }
        clinic.send(request.body(Body::empty()).expect("a request"))
    };
    let answer = asked(None).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let etag = answer.header("etag").to_owned();
    assert!(etag.starts_with("W/\""), "{etag}");
    assert_eq!(asked(Some(etag)).await.status, StatusCode::NOT_MODIFIED);
    let bundle = answer.json();
    let entries = bundle["entry"].as_array().expect("entries");
    let well_known = Request::get("/fhir/.well-known/smart-configuration");
    let well_known = well_known.body(Body::empty()).expect("a request");
    let discovery = clinic.send(well_known).await.json();
    let identifier = &discovery["user_access_brand_identifier"];
    assert_eq!(
        discovery["user_access_brand_bundle"],
        "http://127.0.0.1:8080/brands"
    );
    let named = entries
        .iter()
        .filter(|entry| entry["resource"]["identifier"][0] == *identifier);
    assert_eq!(named.count(), 1, "{identifier}");
    let metadata = Request::get("/fhir/metadata").body(Body::empty());
    let metadata = clinic.send(metadata.expect("a request")).await.json();
    let uris = &metadata["rest"][0]["security"]["extension"][0]["extension"];
    for (name, member) in [
        ("authorize", "authorization_endpoint"),
        ("token", "token_endpoint"),
        ("introspect", "introspection_endpoint"),
        ("manage", "management_endpoint"),
        ("register", "registration_endpoint"),
        ("revoke", "revocation_endpoint"),
    ] {
        let mut all = uris.as_array().expect("an array").iter();
        let told = all.find(|uri| uri["url"] == name).expect("told");
        assert_eq!(told["valueUri"], discovery[member], "{name}");
    }
    clinic.close().await;
}
