//! Input that is not what it says: XML where JSON is spoken, dates no calendar has, texts that are worst for a matcher.

use std::time::Duration;
use std::time::Instant;

use anteroom::domain::scope::Scope;
use axum::http::StatusCode;
use serde_json::json;

use super::FHIR;
use super::FORM;
use super::Two;
use super::call;
use super::found;
use crate::clinic::Clinic;

const ALL: &str = "openid fhirUser launch/patient patient/*.cruds";

#[tokio::test]
async fn case_166_xml_is_not_spoken_so_no_document_type_is_ever_read() {
    let clinic = Clinic::open().await;
    let two = Two::of(&clinic, ALL).await;
    let bearer = format!("Bearer {}", two.mine);
    let bodies = [
        "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><Patient xmlns=\"http://hl7.org/fhir\"><id value=\"&x;\"/></Patient>",
        "<!DOCTYPE a [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]><Patient>&b;</Patient>",
        "<Patient xmlns:xi=\"http://www.w3.org/2001/XInclude\"><xi:include href=\"http://127.0.0.1:1/\"/></Patient>",
        "<?xml-stylesheet href=\"http://127.0.0.1:1/x.xsl\"?><Patient/>",
    ];
    let own = format!("/fhir/Patient/{}", two.maria.id);
    for kind in [
        "application/fhir+xml",
        "application/xml",
        "text/xml",
        "application/fhir+xml; charset=utf-16",
    ] {
        for (body, (method, path)) in bodies.iter().flat_map(|body| {
            let post = ("POST", "/fhir/Communication");
            [post, ("PUT", own.as_str())].map(|to| (body, to))
        }) {
            let headers = [("authorization", bearer.as_str()), ("content-type", kind)];
            let answer = call(&clinic, (method, path), &headers, *body).await;
            let status = answer.status;
            assert_eq!(
                status,
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "{kind} {method}"
            );
            assert!(!answer.text().contains("root:"), "{}", answer.text());
        }
    }
    for body in bodies {
        let to = ("/fhir/Communication", two.mine.as_str());
        let answer = clinic.with_body("POST", to, FHIR, body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
    }
    for format in [
        "xml",
        "application/fhir%2Bxml",
        "text/xml",
        "application/xml",
        "ttl",
        "html",
    ] {
        let answer = clinic
            .get(&format!("{own}?_format={format}"), &two.mine)
            .await;
        assert_eq!(answer.status, StatusCode::NOT_ACCEPTABLE, "{format}");
    }
    for accept in [
        "application/fhir+xml",
        "text/xml",
        "application/xml, text/html",
    ] {
        let headers = [("authorization", bearer.as_str()), ("accept", accept)];
        let answer = call(&clinic, ("GET", &own), &headers, "").await;
        assert_eq!(answer.status, StatusCode::NOT_ACCEPTABLE, "{accept}");
    }
    clinic.close().await;
}

/// Dates that are none, or beyond what any calendar here counts.
const NO_DATES: [&str; 20] = [
    "0000-00-00",
    "0000-01-01",
    "2024-02-30",
    "2023-02-29",
    "2024-13-01",
    "2024-00-10",
    "2024-01-32",
    "9999-12-31T24:00:00Z",
    "2024-01-01T25:00:00Z",
    "2024-01-01T10:60:00Z",
    "292278994-08-17T07:12:55Z",
    "-2024-01-01",
    "99999-01-01",
    "2024-01-01T10:00:00%2B25:00",
    "2024-01-01T10:00:00%2B14:60",
    "2024-01-01T10:00:00.",
    "24-01-01",
    "2024-1-1",
    "yesterday",
    "%EF%BC%92%EF%BC%90%EF%BC%92%EF%BC%94-01-01",
];

#[tokio::test]
async fn case_167_dates_no_calendar_has_are_refused_wherever_they_are_sent() {
    let clinic = Clinic::open().await;
    let two = Two::of(&clinic, ALL).await;
    for date in NO_DATES {
        for path in [
            format!("/fhir/Appointment?date={date}"),
            format!("/fhir/Appointment?date=ge{date}"),
            format!("/fhir/Appointment?date=ap{date}"),
            format!("/fhir/Patient?birthdate={date}"),
            format!("/fhir/Patient?_lastUpdated=gt{date}"),
            format!("/fhir/Encounter?date=eb{date}"),
            format!("/fhir/DocumentReference?date=lt2024,{date}"),
        ] {
            let answer = clinic.get(&path, &two.mine).await;
            let status = answer.status;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{path}: {}", answer.text());
        }
    }
    // Odd but in the calendar: answered, whatever is found, and never a breakage.
    for date in [
        "0001-01-01",
        "9999-12-31",
        "9999-12-31T23:59:59Z",
        "2016-12-31T23:59:60Z",
        "2024-02-29",
        "2024-03-10T02:30:00-05:00",
        "2024-01-01T10:00:00%2B14:00",
        "2024-01-01T10:00:00.123456789123Z",
    ] {
        for prefix in ["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"] {
            for path in [
                format!("/fhir/Appointment?date={prefix}{date}"),
                format!("/fhir/Patient?birthdate={prefix}{date}"),
                format!("/fhir/Patient?_lastUpdated={prefix}{date}"),
            ] {
                let answer = clinic.get(&path, &two.mine).await;
                let status = answer.status.as_u16();
                assert!([200, 400].contains(&status), "{path}: {}", answer.text());
            }
        }
    }
    for start in [
        "2024-02-30T10:00:00Z",
        "292278994-08-17T07:12:55Z",
        "0000-00-00",
        "x",
    ] {
        let body = json!({
            "resourceType": "Appointment", "status": "proposed", "start": start,
            "participant": [{"actor": {"reference": format!("Patient/{}", two.maria.id)}, "status": "accepted"}],
        });
        let to = ("/fhir/Appointment", two.mine.as_str());
        let answer = clinic.with_body("POST", to, FHIR, body.to_string()).await;
        let refused = [400, 422].contains(&answer.status.as_u16());
        assert!(refused, "{start}: {} {}", answer.status, answer.text());
    }
    clinic.close().await;
}

/// How long one piece of work takes at its fastest.
async fn fastest(mut work: impl AsyncFnMut()) -> Duration {
    let mut fastest = Duration::MAX;
    for _ in 0..3 {
        let begun = Instant::now();
        work().await;
        fastest = fastest.min(begun.elapsed());
    }
    fastest
}

/// Ten times the input may not cost a hundred times the work; below a few milliseconds the clock says nothing.
fn linear(what: &str, small: Duration, large: Duration) {
    let most = small.max(Duration::from_millis(2)) * 60;
    assert!(
        large < most,
        "{what}: {small:?}, and for ten times that {large:?}"
    );
}

#[tokio::test]
async fn case_196_the_worst_input_for_a_matcher_costs_what_its_length_costs() {
    let clinic = Clinic::open().await;
    let two = Two::of(&clinic, ALL).await;
    type Shape = fn(usize) -> String;
    let shapes: [(&str, Shape); 7] = [
        ("one letter", |n| "a".repeat(n) + "!"),
        ("open brackets", |n| "(".repeat(n)),
        ("nested stars", |n| "(a*)*".repeat(n / 5)),
        ("wildcards", |n| "%25_".repeat(n / 4)),
        ("commas escaped", |n| "%5C,".repeat(n / 4)),
        ("bars", |n| "a%7C".repeat(n / 4)),
        ("blanks", |n| "a+".repeat(n / 2)),
    ];
    for (shape, of) in shapes {
        for parameter in [
            "name",
            "name:exact",
            "name:contains",
            "identifier",
            "_filter",
            "_sort",
        ] {
            let ask = async |length: usize| {
                let body = format!("{parameter}={}", of(length));
                let to = ("/fhir/Patient/_search", two.mine.as_str());
                let answer = clinic.with_body("POST", to, FORM, body).await;
                assert!(answer.status.as_u16() < 500, "{parameter} {shape}");
            };
            let small = fastest(async || ask(10_000).await).await;
            let large = fastest(async || ask(100_000).await).await;
            linear(&format!("{parameter}, {shape}"), small, large);
        }
    }
    // Scopes, and the path of a patch.
    let scopes = async |length: usize| {
        let text = "patient/*.rs?a=".repeat(length / 15);
        assert!(Scope::list(&text).len() <= length);
    };
    let small = fastest(async || scopes(10_000).await).await;
    let large = fastest(async || scopes(100_000).await).await;
    linear("scopes", small, large);
    let visit = found(&clinic, "/fhir/Appointment", &two.mine).await;
    let path = format!("/fhir/Appointment/{}", visit[0]);
    let patch = async |length: usize| {
        let body = json!([{"op": "test", "path": "/~1~0".repeat(length / 5), "value": 1}]);
        let to = (path.as_str(), two.mine.as_str());
        let kind = "application/json-patch+json";
        let answer = clinic.with_body("PATCH", to, kind, body.to_string()).await;
        assert!(answer.status.is_client_error(), "{}", answer.text());
    };
    let small = fastest(async || patch(10_000).await).await;
    let large = fastest(async || patch(100_000).await).await;
    linear("a path of a patch", small, large);
    clinic.close().await;
}
