//! The addresses this server makes: opaque ids, and nothing of a person in them.

use anteroom::fhir::RESOURCES;
use axum::http::StatusCode;
use serde_json::Value;

use super::FHIR;
use super::Two;
use super::letter;
use crate::clinic::Clinic;
use crate::clinic::browser::authorization;
use crate::fhir::reach;

const ALL: &str = "openid fhirUser launch/patient patient/*.cruds";

/// Everything in a body that is an address of ours: links, full URLs, references, attachments.
fn addresses(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            // What the caller asked is repeated to the caller alone, as FHIR wants it (R4 search, 3.1.1.5).
            let own = members.get("relation").and_then(Value::as_str) == Some("self");
            for (name, value) in members {
                match value.as_str() {
                    Some(text)
                        if !own && ["url", "fullUrl", "reference"].contains(&name.as_str()) =>
                    {
                        found.push(text.to_owned());
                    }
                    Some(_) => {}
                    None => addresses(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| addresses(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn case_178_no_address_of_ours_says_who_somebody_is() {
    let clinic = Clinic::open().await;
    let two = Two::of(&clinic, ALL).await;
    let service = reach::token(&clinic, None, None, "system/*.rs").await;
    let mut made = Vec::new();
    for served in RESOURCES {
        for token in [&two.mine, &service] {
            for query in ["_count=200&_include=*", "_count=1", "_count=1&_sort=_id"] {
                let path = format!("/fhir/{}?{query}", served.kind.name());
                let answer = clinic.get(&path, token).await;
                if answer.status.is_success() {
                    addresses(&answer.json(), &mut made);
                }
            }
        }
    }
    // A search by name, date of birth and e-mail goes on without them.
    let people =
        "/fhir/Patient?_count=1&birthdate=ge1900-01-01&email:missing=false&name:contains=a";
    let first = clinic.get(people, &service).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.text());
    let before = made.len();
    addresses(&first.json(), &mut made);
    let next = made[before..]
        .iter()
        .find(|url| url.contains("_page") || url.contains("page="));
    assert!(next.is_some(), "no page follows: {:?}", &made[before..]);
    assert!(
        !made[before..]
            .iter()
            .any(|url| url.contains("1900") || url.contains("email"))
    );
    // Where writes and logins lead.
    let body = letter(&clinic, &two.mine).await;
    let to = ("/fhir/Communication", two.mine.as_str());
    let written = clinic.with_body("POST", to, FHIR, body).await;
    assert_eq!(written.status, StatusCode::CREATED);
    made.push(written.header("location").to_owned());
    let mut browser = clinic.browser();
    let form = browser.start(&authorization(ALL)).await;
    let fields = [
        ("username", two.maria.username.as_str()),
        ("password", two.maria.password.as_str()),
    ];
    let consent = browser.submit(&form, &fields).await;
    made.push(consent.header("location").to_owned());
    let consent = browser.follow(consent).await;
    let done = browser.submit(&consent, &[("decision", "approve")]).await;
    made.push(done.header("location").to_owned());
    assert!(made.len() > 200, "{}", made.len());
    assert!(made.iter().rev().take(3).all(|url| !url.is_empty()));
    let mut words = vec!["delgado".to_owned(), "connor".to_owned()];
    for person in &clinic.people.patients {
        for word in [
            &person.email,
            &person.username,
            &person.birth_date,
            &person.name,
        ] {
            if !word.is_empty() {
                words.push(word.to_lowercase());
            }
        }
    }
    for url in &made {
        let url = url.to_lowercase();
        for word in &words {
            assert!(!url.contains(word.as_str()), "{word} in {url}");
        }
    }
    clinic.close().await;
}
