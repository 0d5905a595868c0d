//! Every page a person can come to, and the policy it carries: exact to the letter, and nothing in it that would need
//! a weaker one.

use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;

use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::clinic::browser::Browser;
use crate::clinic::browser::authorization;

/// The policy of a page; `{}` is where else its form may lead.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data: blob:; \
    connect-src 'self'; form-action 'self'{}; frame-ancestors 'none'; base-uri 'none'";

/// Holds one page to the policy. Where a form ends in a redirect to an app, its origin may be there too.
fn strict(answer: &Answer, place: &str, origin: Option<&str>) {
    let html = answer.text();
    let kind = answer.header("content-type");
    assert!(kind.starts_with("text/html"), "{place}: {kind}");
    let all = answer.headers.get_all("content-security-policy");
    assert_eq!(all.iter().count(), 1, "{place}");
    let found = answer.header("content-security-policy");
    let led = origin.map_or(String::new(), |origin| format!(" {origin}"));
    assert_eq!(found, POLICY.replace("{}", &led), "{place}");
    assert_eq!(
        answer.header("x-content-type-options"),
        "nosniff",
        "{place}"
    );
    assert_eq!(answer.header("referrer-policy"), "no-referrer", "{place}");
    assert_eq!(answer.header("cache-control"), "no-store", "{place}");
    for script in html.split("<script").skip(1) {
        let tag = script.split('>').next().unwrap_or_default();
        let own = tag.contains(" src=\"/assets/") || tag.contains("application/json");
        assert!(own, "{place}: <script{tag}>");
    }
    for word in [
        "<style",
        " style=",
        " onclick=",
        " onload=",
        " onerror=",
        "javascript:",
        "<object",
        "<embed",
        "<base",
    ] {
        assert!(!html.contains(word), "{place}: {word}");
    }
    let foreign = ["src=\"http", "src=\"//", "href=\"//"];
    for word in foreign {
        assert!(!html.contains(word), "{place}: {word}");
    }
}

async fn get(clinic: &Clinic, path: &str) -> Answer {
    let request = Request::get(path).body(Body::empty()).expect("a request");
    clinic.send(request).await
}

/// Opens an address and follows where it leads.
async fn opened(browser: &mut Browser<'_>, path: &str) -> Answer {
    let first = browser.get(path).await;
    browser.follow(first).await
}

#[tokio::test]
async fn case_174_every_page_has_the_one_strict_policy() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    for path in [
        "/",
        "/help",
        "/developers",
        "/developers/register",
        "/app",
        "/no/such/page",
        "/assets/nothing.js",
        "/login?request=made-up",
        "/oauth2/authorize",
        "/oauth2/authorize?client_id=x&redirect_uri=javascript:alert(1)",
        "/oauth2/logout",
        "/account/logout",
        "/login/staff/start",
    ] {
        let answer = get(&clinic, path).await;
        strict(&answer, path, None);
    }
    let long = format!("/help?{}", "x".repeat(9000));
    strict(&get(&clinic, &long).await, "a long address", None);
    let app = Some("http://127.0.0.1:8765");
    let mut browser = clinic.browser();
    let form = browser.start(&authorization(EVERYTHING)).await;
    strict(&form, "the login", app);
    let wrong = [("username", maria.username.as_str()), ("password", "wrong")];
    let again = browser.submit(&form, &wrong).await;
    strict(&again, "a wrong login", app);
    let consent = browser.log_in(&form, maria).await;
    assert!(consent.text().contains("decision"), "{}", consent.text());
    strict(&consent, "the consent", app);
    let done = browser.submit(&consent, &[("decision", "approve")]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    for path in ["/account", "/account/apps", "/account/logout"] {
        let page = opened(&mut browser, path).await;
        strict(&page, path, None);
    }
    let must = clinic.patient("must change");
    let mut other = clinic.browser();
    let form = other.start(&authorization(EVERYTHING)).await;
    let change = other.log_in(&form, must).await;
    strict(&change, "new credentials", app);
    let mut desk = clinic.browser();
    let form = opened(&mut desk, "/staff").await;
    strict(&form, "the staff's login", None);
    let clerk = clinic
        .people
        .staff
        .iter()
        .find(|one| one.username == "nhaddad");
    let clerk = clerk.expect("an administrator");
    let fields = [
        ("username", clerk.username.as_str()),
        ("password", &clerk.password),
    ];
    let inside = desk.submit(&form, &fields).await;
    let inside = desk.follow(inside).await;
    strict(&inside, "the desk", None);
    for path in ["/staff", "/staff/apps", "/staff/mail", "/staff/launch"] {
        let page = opened(&mut desk, path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        strict(&page, path, None);
    }
    clinic.close().await;
}
