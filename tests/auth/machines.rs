//! What somebody found who tried to break the machine side: registration, keys, launches, errors, what is swept.

use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use serde_json::Value;
use serde_json::json;
use time::Duration;

use super::staff;
use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::assertion;
use crate::clinic::browser::Browser;
use crate::clinic::browser::authorization;
use crate::clinic::browser::encoded;
use crate::clinic::browser::parameter;
use crate::clinic::engine::LAYOUTS;

const SCOPE: &str = "openid launch/patient patient/Patient.rs";

/// An address on the web: only there is a code given without a page.
const WEB: &str = "https://app.example/callback";

async fn change(clinic: &Clinic, sql: &str) {
    clinic.app.emr.db.script(sql).await.expect("a statement");
}

/// The same request, answered on the web.
fn on_the_web(mut pairs: Vec<(&'static str, String)>) -> Vec<(&'static str, String)> {
    pairs.retain(|(name, _)| *name != "redirect_uri");
    pairs.push(("redirect_uri", WEB.to_owned()));
    pairs
}

/// The same request with `prompt=none`; where the browser is sent.
async fn silently(
    browser: &mut Browser<'_>,
    pairs: &[(&'static str, String)],
    more: &[(&'static str, &str)],
) -> String {
    let mut pairs = pairs.to_vec();
    pairs.push(("prompt", "none".to_owned()));
    pairs.extend(
        more.iter()
            .map(|(name, value)| (*name, (*value).to_owned())),
    );
    let path = format!("/oauth2/authorize?{}", encoded(&pairs));
    browser.get(&path).await.header("location").to_owned()
}

fn error(place: &str) -> String {
    parameter(place, "error").unwrap_or_else(|| format!("none in {place}"))
}

#[tokio::test]
async fn case_31_a_login_that_is_too_old_or_too_weak_gives_no_code_silently_either() {
    let clinic = Clinic::open().await;
    let to_web = format!("UPDATE anteroom_client SET redirect_uris = '{WEB}'");
    change(&clinic, &to_web).await;
    let asked = on_the_web(authorization(SCOPE));
    let mut browser = clinic.browser();
    let form = browser.start(&asked).await;
    let consent = browser.log_in(&form, clinic.patient("active")).await;
    browser.submit(&consent, &[("decision", "approve")]).await;
    clinic.wait(Duration::seconds(100));
    for good in [&[][..], &[("max_age", "200")]] {
        let place = silently(&mut browser, &asked, good).await;
        assert!(parameter(&place, "code").is_some(), "{good:?}: {place}");
    }
    for (more, expected) in [
        (("max_age", "0"), "login_required"),
        (("max_age", "99"), "login_required"),
        (
            ("acr_values", "urn:example:second-factor"),
            "login_required",
        ),
        (("max_age", "-1"), "invalid_request"),
    ] {
        let place = silently(&mut browser, &asked, &[more]).await;
        assert_eq!(error(&place), expected, "{more:?}");
    }
    clinic.close().await;
}

#[tokio::test]
async fn case_32_a_launch_is_spent_where_no_page_is_shown_too() {
    let clinic = Clinic::open().await;
    let to_web = format!("UPDATE anteroom_client SET redirect_uris = '{WEB}'");
    change(&clinic, &to_web).await;
    let (mut browser, desk) = staff::at_the_desk(&clinic, "dlee").await;
    let patient = clinic.patient("active").id.clone();
    let mut launches = Vec::new();
    for _ in 0..2 {
        let fields = [
            ("csrf", staff::csrf(&desk)),
            ("client_id", staff::VIEWER.to_owned()),
            ("patient", patient.clone()),
            ("encounter", String::new()),
        ];
        let done = browser.post("/launch", &fields).await;
        launches.push(parameter(done.header("location"), "launch").expect("a launch"));
    }
    let scope = "openid launch patient/*.rs";
    let asked = |launch: &str| on_the_web(staff::asked(scope, Some(launch)));
    let unasked = silently(&mut browser, &asked(&launches[0]), &[]).await;
    assert_eq!(error(&unasked), "consent_required");
    let page = browser.start(&asked(&launches[0])).await;
    browser.submit(&page, &[("decision", "approve")]).await;
    let first = silently(&mut browser, &asked(&launches[1]), &[]).await;
    assert!(parameter(&first, "code").is_some(), "{first}");
    let second = silently(&mut browser, &asked(&launches[1]), &[]).await;
    assert_eq!(error(&second), "invalid_request", "{second}");
    clinic.close().await;
}

#[tokio::test]
async fn rfc_6749_3_1_what_is_repeated_or_not_supported_is_named() {
    let clinic = Clinic::open().await;
    let described = |answer: &Answer| {
        parameter(answer.header("location"), "error_description").expect("a description")
    };
    for (name, value) in [
        ("scope", "openid"),
        ("code_challenge", "x"),
        ("request", "x.y.z"),
        ("request_uri", "https://evil.example/"),
    ] {
        let mut pairs = authorization(SCOPE);
        pairs.push((name, value.to_owned()));
        let told = described(&clinic.browser().start(&pairs).await);
        assert!(told.starts_with(&format!("{name} is ")), "{name}: {told}");
    }
    for path in ["token", "revoke", "introspect"] {
        let form = "grant_type=refresh_token&client_id=a&token=x&token=y";
        let request = Request::post(format!("/oauth2/{path}"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(form))
            .expect("a request");
        let told = clinic.send(request).await.json();
        assert_eq!(told["error_description"], "token is repeated; send it once");
    }
    clinic.close().await;
}

#[tokio::test]
async fn rfc_6749_4_1_2_1_a_description_has_no_quotes_and_no_backslashes() {
    let clinic = Clinic::open().await;
    let odd = "openid patient/DocumentReference.rs?category:in=\"a\\b\"";
    let answer = clinic.browser().start(&authorization(odd)).await;
    let place = answer.header("location");
    assert_eq!(error(place), "invalid_scope");
    let told = parameter(place, "error_description").expect("a description");
    assert!(!told.contains(['"', '\\']), "{told}");
    assert!(told.contains("category:in='a?b'"), "{told}");
    clinic.close().await;
}

async fn register(clinic: &Clinic, body: &Value) -> Answer {
    let request = Request::post("/oauth2/register")
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()));
    clinic.send(request.expect("a request")).await
}

#[tokio::test]
async fn case_26_a_name_that_nobody_can_see_is_no_name() {
    let clinic = Clinic::open().await;
    let app = |name: &str| {
        json!({
            "client_name": name, "redirect_uris": [WEB], "token_endpoint_auth_method": "none",
        })
    };
    for name in [
        "\u{200b}",
        "\u{3164}",
        "\u{2060}\u{feff}",
        "Harbor\u{61c}Street",
        "Diary\u{ad}",
        "...",
    ] {
        let answer = register(&clinic, &app(name)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name:?}");
        let told = answer.json();
        assert_eq!(told["error"], "invalid_client_metadata", "{name:?}");
        let told = told["error_description"].as_str().expect("a text");
        assert!(told.starts_with("client_name: "), "{told}");
    }
    for name in ["Salud María", "健康日記", "دفترچه\u{200c}ها"] {
        let answer = register(&clinic, &app(name)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{name:?}");
    }
    clinic.close().await;
}

#[tokio::test]
async fn case_2_an_address_without_its_slashes_is_not_registered() {
    let clinic = Clinic::open().await;
    for uri in [
        "https:app.example/cb",
        "https:/app.example/cb",
        "https:///app.example/cb",
        "http:127.0.0.1/cb",
    ] {
        let body = json!({
            "client_name": "x", "redirect_uris": [uri], "token_endpoint_auth_method": "none",
        });
        let answer = register(&clinic, &body).await;
        assert_eq!(answer.json()["error"], "invalid_redirect_uri", "{uri}");
    }
    clinic.close().await;
}

#[tokio::test]
async fn case_6_a_client_id_is_the_same_on_both_engines_to_the_last_blank() {
    let newest = LAYOUTS.last().expect("a layout");
    let clinics = [Some(Clinic::open().await), Clinic::on_mariadb(newest).await];
    for clinic in clinics.into_iter().flatten() {
        let mut pairs = authorization(SCOPE);
        for pair in &mut pairs {
            if pair.0 == "client_id" {
                pair.1.push(' ');
            }
        }
        let answer = clinic.browser().start(&pairs).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        clinic.close().await;
    }
}

#[tokio::test]
async fn case_72_registrations_from_one_ipv6_network_are_counted_together() {
    let clinic = Clinic::with(|config| {
        config.client_address_header = Some("x-forwarded-for".to_owned());
    })
    .await;
    let body = json!({
        "client_name": "x", "redirect_uris": [WEB], "token_endpoint_auth_method": "none",
    });
    let from = async |address: String| {
        let request = Request::post("/oauth2/register")
            .header("content-type", "application/json")
            .header("x-forwarded-for", address)
            .body(Body::from(body.to_string()));
        clinic.send(request.expect("a request")).await.status
    };
    for number in 1..=20 {
        let status = from(format!("2001:db8:1:2::{number:x}")).await;
        assert_eq!(status, StatusCode::CREATED, "{number}");
    }
    let one_more = from("2001:db8:1:2:ffff::1".to_owned()).await;
    assert_eq!(one_more, StatusCode::TOO_MANY_REQUESTS);
    let next_door = from("2001:db8:1:3::1".to_owned()).await;
    assert_eq!(next_door, StatusCode::CREATED);
    clinic.close().await;
}

#[tokio::test]
async fn case_63_a_portal_that_is_off_is_off_for_services_too() {
    let clinic = Clinic::open().await;
    let app = clinic.app_of("backend");
    let issuer = "http://127.0.0.1:8080/oauth2/token";
    let ask = async |path: &str, more: (&str, &str)| {
        let now = clinic.app.emr.now().unix_timestamp();
        let assertion = assertion::fresh(app, issuer, now);
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", assertion::TYPE),
            ("client_assertion", assertion.as_str()),
            more,
        ];
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(encoded(&form)));
        clinic.send(request.expect("a request")).await.json()
    };
    let scope = ("scope", "system/Patient.rs");
    let tokens = ask("/oauth2/token", scope).await;
    let token = tokens["access_token"].as_str().expect("a token");
    let told = ask("/oauth2/introspect", ("token", token)).await;
    assert_eq!(told["active"], true);
    let off = "UPDATE globals SET gl_value = '0' WHERE gl_name = 'portal_onsite_two_enable'";
    change(&clinic, off).await;
    clinic.wait(Duration::seconds(61));
    let status = clinic.get("/fhir/Patient", token).await.status;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let told = ask("/oauth2/introspect", ("token", token)).await;
    assert_eq!(told, json!({ "active": false }));
    let refused = ask("/oauth2/token", scope).await;
    assert_eq!(refused["error"], "unauthorized_client");
    clinic.close().await;
}

#[tokio::test]
async fn case_71_staff_cannot_give_charts_to_an_app_nobody_at_the_practice_has_seen() {
    let clinic = Clinic::open().await;
    let body = json!({
        "client_name": "Diary", "redirect_uris": [WEB], "token_endpoint_auth_method": "none",
        "scope": "openid launch/patient patient/*.rs",
    });
    let app = register(&clinic, &body).await.json();
    assert_eq!(app["anteroom_status"], "active");
    let mut asked = on_the_web(authorization("openid launch/patient patient/*.rs"));
    asked.retain(|(name, _)| *name != "client_id");
    asked.push((
        "client_id",
        app["client_id"].as_str().expect("an id").to_owned(),
    ));
    // Who is logged in as staff is not taken for the user, and who logs in on its request is told.
    let (mut browser, _) = staff::at_the_desk(&clinic, "dlee").await;
    let form = browser.start(&asked).await;
    assert!(form.text().contains("name=\"password\""), "{}", form.text());
    let begun = browser
        .get(&format!("/oauth2/authorize?{}", encoded(&asked)))
        .await;
    let request = parameter(begun.header("location"), "request").expect("a request");
    let form = browser
        .get(&format!("/login/staff?request={request}"))
        .await;
    let told = staff::log_in(&clinic, &mut browser, (&form, "dlee")).await;
    assert_eq!(told.status, StatusCode::FORBIDDEN, "{}", told.text());
    assert!(
        told.text().contains("staff cannot give it"),
        "{}",
        told.text()
    );
    let noted = "SELECT COUNT(*) || '' AS text FROM anteroom_audit WHERE reason = 'not-for-staff' AND outcome = 'refused'";
    assert_eq!(clinic.look(noted).await, "1");
    // The patient whose record it is may, and staff once the practice vouches for it.
    let mut own = clinic.browser();
    let form = own.start(&asked).await;
    let consent = own.log_in(&form, clinic.patient("active")).await;
    let done = own.submit(&consent, &[("decision", "approve")]).await;
    assert!(parameter(done.header("location"), "code").is_some());
    change(
        &clinic,
        "UPDATE anteroom_client SET verified = 1 WHERE registered_by = 'registration'",
    )
    .await;
    let page = browser.start(&asked).await;
    assert!(
        !page.text().contains("name=\"password\""),
        "{}",
        page.text()
    );
    clinic.close().await;
}

#[tokio::test]
async fn az_8_the_desk_offers_no_app_whose_launch_would_be_refused() {
    let clinic = Clinic::open().await;
    let body = json!({
        "client_name": "Stranger on the desk", "redirect_uris": [WEB], "token_endpoint_auth_method": "none",
        "scope": "openid launch/patient patient/*.rs", "launch_uri": "https://app.example/launch",
    });
    let answer = register(&clinic, &body).await;
    assert_eq!(answer.json()["anteroom_status"], "active");
    let (mut browser, _) = staff::at_the_desk(&clinic, "dlee").await;
    let page = browser.get("/staff/launch").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    assert!(
        page.text().contains("Sandbox chart viewer"),
        "{}",
        page.text()
    );
    assert!(!page.text().contains("Stranger on the desk"));
    clinic.close().await;
}
