//! Logout as an app asks for it (OpenID Connect RP-Initiated Logout 1.0) and as its user does: cases 51, 74 and 118.

use anteroom::crypto;
use anteroom::db::sql::Sql;
use anteroom::demo::manifest::PatientLogin;
use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use serde_json::Value;
use serde_json::json;

use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::clinic::browser::Browser;
use crate::clinic::browser::authorization;
use crate::clinic::browser::encoded;

/// Where the app takes its users after a logout.
const AFTER: &str = "https://diary.example/bye?from=clinic";

/// A clinic whose app has registered an address for after the logout.
async fn clinic() -> Clinic {
    let clinic = Clinic::open().await;
    let register = "UPDATE anteroom_client SET logout_uris = ? WHERE client_id = 'demo-public'";
    let sql = Sql::new(register).bind(AFTER);
    clinic.app.emr.db.run(sql).await.expect("registered");
    clinic
}

/// A browser that has launched the app, and what the app got.
async fn launched<'c>(
    clinic: &'c Clinic,
    patient: &PatientLogin,
    scope: &str,
) -> (Browser<'c>, Value) {
    let mut browser = clinic.browser();
    let json = browser.launch(patient, scope).await;
    (browser, json)
}

fn hint(json: &Value) -> String {
    json["id_token"].as_str().expect("an id token").to_owned()
}

fn logout(pairs: &[(&str, &str)]) -> String {
    format!("/oauth2/logout?{}", encoded(pairs))
}

/// Whether somebody is logged in here, as `prompt=none` sees it.
async fn is_logged_in(browser: &mut Browser<'_>) -> bool {
    let mut pairs = authorization("openid launch/patient patient/*.rs");
    pairs.push(("prompt", "none".to_owned()));
    let answer = browser
        .get(&format!("/oauth2/authorize?{}", encoded(&pairs)))
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    !answer.header("location").contains("error=login_required")
}

/// Nothing of a page of logout may be kept.
fn is_not_kept(answer: &Answer) {
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn an_app_with_its_users_id_token_ends_the_session_and_has_the_browser_back() {
    let clinic = clinic().await;
    let (mut browser, json) = launched(&clinic, clinic.patient("active"), EVERYTHING).await;
    assert!(is_logged_in(&mut browser).await);
    // An id token is good for ten minutes; it says who is meant for longer.
    clinic.wait(time::Duration::minutes(20));
    let path = logout(&[
        ("id_token_hint", &hint(&json)),
        ("post_logout_redirect_uri", AFTER),
        ("state", "a b&c"),
        ("client_id", "demo-public"),
        ("ui_locales", "en fr"),
        ("logout_hint", "maria"),
    ]);
    let answer = browser.get(&path).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    assert_eq!(answer.header("location"), format!("{AFTER}&state=a+b%26c"));
    assert_eq!(answer.header("clear-site-data"), "\"cache\", \"storage\"");
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("anteroom_session=;"), "{cookie}");
    assert!(cookie.contains("Max-Age=0"), "{cookie}");
    is_not_kept(&answer);
    assert!(!is_logged_in(&mut browser).await);
    let again = browser.get(&path).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER, "it is over already");
    clinic.close().await;
}

#[tokio::test]
async fn case_74_nobody_is_sent_to_an_address_that_is_not_proven() {
    let clinic = clinic().await;
    let maria = clinic.patient("active");
    let (mut browser, json) = launched(&clinic, maria, EVERYTHING).await;
    let good = hint(&json);
    let parts: Vec<&str> = good.split('.').collect();
    let plain = |value: Value| crypto::base64url(value.to_string().as_bytes());
    let unsigned = format!("{}.{}.", plain(json!({ "alg": "none" })), parts[1]);
    let bare = format!("{}.{}.", parts[0], parts[1]);
    let slash = format!("{AFTER}/");
    let (evil, redirect) = ("https://evil.example", "post_logout_redirect_uri");
    let table: [&[(&str, &str)]; 11] = [
        &[],
        &[(redirect, evil)],
        &[(redirect, AFTER)],
        &[(redirect, AFTER), ("client_id", "demo-public")],
        &[(redirect, evil), ("id_token_hint", &good)],
        &[(redirect, &slash), ("id_token_hint", &good)],
        &[(redirect, AFTER), ("id_token_hint", &unsigned)],
        &[(redirect, AFTER), ("id_token_hint", &bare)],
        &[
            (redirect, AFTER),
            ("id_token_hint", &good),
            ("client_id", "anteroom-sample-app"),
        ],
        &[
            (redirect, AFTER),
            (redirect, evil),
            ("id_token_hint", &good),
        ],
        &[("id_token_hint", &good)],
    ];
    for pairs in table {
        for mut visitor in [clinic.browser()] {
            let answer = visitor.get(&logout(pairs)).await;
            assert_eq!(answer.status, StatusCode::OK, "nobody: {pairs:?}");
            assert_eq!(answer.header("location"), "");
            assert_eq!(answer.header("set-cookie"), "", "nothing is taken away");
        }
        let answer = browser.get(&logout(pairs)).await;
        assert_eq!(answer.status, StatusCode::OK, "{pairs:?}");
        assert_eq!(answer.header("location"), "", "{pairs:?}");
        let text = answer.text();
        assert!(text.contains("<h1>Log out of "), "{pairs:?}: {text}");
        assert!(!text.contains("evil.example"), "{pairs:?}");
        is_not_kept(&answer);
    }
    assert!(is_logged_in(&mut browser).await, "nothing has ended");
    clinic.close().await;
}

#[tokio::test]
async fn case_74_an_id_token_of_another_user_ends_nothing() {
    let clinic = clinic().await;
    let mut active = clinic.patients("active");
    let (maria, sean) = (active.next().expect("one"), active.next().expect("two"));
    let (_, of_maria) = launched(&clinic, maria, EVERYTHING).await;
    let (mut browser, _) = launched(&clinic, sean, EVERYTHING).await;
    let pairs = [
        ("id_token_hint", hint(&of_maria)),
        ("post_logout_redirect_uri", AFTER.to_owned()),
    ];
    let answer = browser
        .get(&format!("/oauth2/logout?{}", encoded(&pairs)))
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    let text = answer.text().replace("&#39;", "'");
    assert!(text.contains(&sean.name), "who is logged in: {text}");
    assert!(!text.contains(&maria.name));
    assert!(is_logged_in(&mut browser).await);
    clinic.close().await;
}

#[tokio::test]
async fn case_118_after_a_logout_neither_back_nor_the_old_cookie_opens_anything() {
    let clinic = clinic().await;
    let maria = clinic.patient("active");
    let mut browser = clinic.browser();
    let form = browser.start(&authorization(EVERYTHING)).await;
    let fields = [
        ("username", maria.username.as_str()),
        ("password", maria.password.as_str()),
    ];
    let inside = browser.submit(&form, &fields).await;
    let kept: Vec<String> = inside
        .headers
        .get_all("set-cookie")
        .iter()
        .filter_map(|cookie| cookie.to_str().ok()?.split(';').next())
        .map(str::to_owned)
        .collect();
    let page = inside.header("location").to_owned();
    let question = browser.get("/account/logout").await;
    assert!(question.text().contains(&maria.name));
    let done = browser.submit(&question, &[]).await;
    assert_eq!(done.status, StatusCode::OK);
    assert!(
        done.text().contains("You are logged out"),
        "{}",
        done.text()
    );
    assert_eq!(done.header("clear-site-data"), "\"cache\", \"storage\"");
    is_not_kept(&done);
    let gone: Vec<&str> = done
        .headers
        .get_all("set-cookie")
        .iter()
        .filter_map(|cookie| cookie.to_str().ok()?.split('=').next())
        .collect();
    for name in ["anteroom_session", "anteroom_staff", "anteroom_visitor"] {
        assert!(gone.contains(&name), "{name}: {gone:?}");
    }
    let back = browser.get(&page).await;
    assert_eq!(back.status, StatusCode::BAD_REQUEST, "{}", back.text());
    let mut thief = clinic.browser();
    let old = Request::get("/account/apps").header("cookie", kept.join("; "));
    let answer = thief.send(old, Body::empty()).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    assert!(answer.header("location").starts_with("/login?request="));
    let lines = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_audit WHERE action = 'logout' AND actor LIKE 'Patient/%'";
    assert_eq!(clinic.look(lines).await, "1");
    clinic.close().await;
}

#[tokio::test]
async fn cases_23_24_no_other_site_logs_anybody_out() {
    let clinic = clinic().await;
    let (mut browser, json) = launched(&clinic, clinic.patient("active"), EVERYTHING).await;
    let form = "application/x-www-form-urlencoded";
    let sent = |path: &str, origin: &str| {
        Request::post(path)
            .header("content-type", form)
            .header("origin", origin)
    };
    let ours = "http://127.0.0.1:8080";
    for (origin, body) in [
        (ours, ""),
        (ours, "csrf=made-up"),
        ("https://evil.example", "csrf=made-up"),
    ] {
        let request = sent("/account/logout", origin);
        let answer = browser.send(request, Body::from(body)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{origin} {body}");
    }
    assert!(is_logged_in(&mut browser).await);
    // From another site the browser leaves the cookies out: then nothing may be taken away, and an app's form goes on
    // as the request that browsers do give them to.
    let mut bare = clinic.browser();
    let request = sent("/account/logout", "https://evil.example");
    let answer = bare.send(request, Body::empty()).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("set-cookie"), "");
    assert_eq!(answer.header("clear-site-data"), "");
    let pairs = [
        ("id_token_hint", hint(&json)),
        ("post_logout_redirect_uri", AFTER.to_owned()),
    ];
    let request = sent("/oauth2/logout", "https://diary.example");
    let answer = bare.send(request, Body::from(encoded(&pairs))).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let path = answer.header("location").to_owned();
    assert_eq!(path, format!("/oauth2/logout?{}", encoded(&pairs)));
    let answer = browser.get(&path).await;
    assert_eq!(answer.header("location"), AFTER);
    assert!(!is_logged_in(&mut browser).await);
    clinic.close().await;
}

#[tokio::test]
async fn a_form_with_the_sessions_cookie_is_answered_like_an_address() {
    let clinic = clinic().await;
    let (mut browser, json) = launched(&clinic, clinic.patient("active"), EVERYTHING).await;
    let pairs = [
        ("id_token_hint", hint(&json)),
        ("post_logout_redirect_uri", AFTER.to_owned()),
    ];
    let answer = browser.post("/oauth2/logout", &pairs).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.header("location"), AFTER);
    assert!(!is_logged_in(&mut browser).await);
    clinic.close().await;
}

#[tokio::test]
async fn case_51_online_access_ends_with_the_session_and_offline_access_stays_and_is_told() {
    let clinic = clinic().await;
    let scope = "UPDATE anteroom_client SET scope = 'openid fhirUser launch/patient online_access offline_access patient/*.rus' WHERE client_id = 'demo-public'";
    clinic
        .app
        .emr
        .db
        .run(Sql::new(scope))
        .await
        .expect("registered");
    let maria = clinic.patient("active");
    let (mut browser, online) = launched(
        &clinic,
        maria,
        "openid launch/patient online_access patient/*.rs",
    )
    .await;
    let (_, offline) = launched(
        &clinic,
        maria,
        "openid launch/patient offline_access patient/*.rs",
    )
    .await;
    let text = |json: &Value, name: &str| json[name].as_str().expect("a token").to_owned();
    let question = browser.get("/account/logout").await;
    let done = browser.submit(&question, &[]).await;
    let name = clinic
        .look("SELECT name AS text FROM anteroom_client WHERE client_id = 'demo-public'")
        .await;
    let page = done.text();
    assert!(page.contains("Still connected"), "{page}");
    assert_eq!(
        page.matches(&format!("<li>{name}</li>")).count(),
        1,
        "{page}"
    );
    assert!(page.contains("href=\"/account/apps\""));
    let refused = browser.refresh(&text(&online, "refresh_token")).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(refused.json()["error"], "invalid_grant");
    let path = format!("/fhir/Patient/{}", maria.id);
    let dead = clinic.get(&path, &text(&online, "access_token")).await;
    assert_eq!(dead.status, StatusCode::UNAUTHORIZED);
    let alive = clinic.get(&path, &text(&offline, "access_token")).await;
    assert_eq!(alive.status, StatusCode::OK);
    let fresh = browser.refresh(&text(&offline, "refresh_token")).await;
    assert_eq!(fresh.status, StatusCode::OK, "{}", fresh.text());
    clinic.close().await;
}

#[tokio::test]
async fn an_id_token_hint_of_an_authorization_request_must_be_ours() {
    let clinic = clinic().await;
    let mut active = clinic.patients("active");
    let (maria, sean) = (active.next().expect("one"), active.next().expect("two"));
    let (mut browser, of_maria) = launched(&clinic, maria, EVERYTHING).await;
    let (_, of_sean) = launched(&clinic, sean, EVERYTHING).await;
    let mut ask = async |hint: &str| {
        let mut pairs = authorization(EVERYTHING);
        pairs.push(("prompt", "none".to_owned()));
        pairs.push(("id_token_hint", hint.to_owned()));
        let path = format!("/oauth2/authorize?{}", encoded(&pairs));
        browser.get(&path).await.header("location").to_owned()
    };
    let own = ask(&hint(&of_maria)).await;
    // Past the question who is logged in: offline access is asked for every time.
    assert!(own.contains("error=consent_required"), "{own}");
    let other = ask(&hint(&of_sean)).await;
    assert!(other.contains("error=login_required"), "{other}");
    let good = hint(&of_maria);
    let (unsigned, _) = good.rsplit_once('.').expect("three parts");
    for bad in [format!("{unsigned}."), "x".to_owned()] {
        let place = ask(&bad).await;
        assert!(place.contains("error=invalid_request"), "{place}");
        assert!(place.contains("id_token_hint+is+not"), "{place}");
    }
    clinic.close().await;
}
