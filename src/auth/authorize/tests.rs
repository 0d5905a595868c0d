//! Authorization requests, good and bad, up to the consent page.

use openidconnect::url::Url;

use super::*;
use crate::auth::consent;
use crate::auth::fixture;
use crate::auth::fixture::House;

const BROWSER: Visitor<'static> = Visitor {
    token: "browser",
    session: None,
    staff: None,
};

async fn start(house: &House, visitor: Visitor<'_>, change: &[(&str, &str)]) -> Begin {
    begin(&house.context(), &fixture::asked(change), visitor)
        .await
        .unwrap()
}

/// Begins a request and logs a patient in; the request's id and the session cookie.
async fn logged_in(house: &House, pid: i64, change: &[(&str, &str)]) -> (String, String) {
    let Begin::Login(id, Audience::Patient) = start(house, BROWSER, change).await else {
        panic!("the login form comes first");
    };
    let pending = pending(&house.context(), &id, BROWSER).await.unwrap();
    let account = account::by_pid(&house.emr, pid).await.unwrap().unwrap();
    let who = Who::Patient(account);
    let login = (&who, session::PASSWORD, None);
    let session = attach_login(&house.context(), &pending, login, BROWSER)
        .await
        .unwrap();
    (id, session)
}

fn pairs(address: &str) -> Vec<(String, String)> {
    Url::parse(address)
        .unwrap()
        .query_pairs()
        .into_owned()
        .collect()
}

fn value(address: &str, name: &str) -> Option<String> {
    pairs(address)
        .into_iter()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value)
}

fn browser(session: &str) -> Visitor<'_> {
    Visitor {
        token: "browser",
        session: Some(session),
        staff: None,
    }
}

fn is_ended<T: std::fmt::Debug>(answer: Answer<T>) -> bool {
    matches!(answer, Err(Failure::Refused(Refusal::Expired(_))))
}

#[tokio::test]
async fn an_unknown_app_or_address_gets_a_page_and_no_redirect() {
    let house = House::open("begin-unknown", &[]).await;
    let page = Begin::Page(Problem::UnknownApp);
    for change in [
        [("client_id", "other")],
        [("client_id", "")],
        [("redirect_uri", "https://app.example/cb")],
        [("redirect_uri", "")],
    ] {
        assert_eq!(start(&house, BROWSER, &change).await, page, "{change:?}");
    }
    for (name, again) in [
        ("redirect_uri", "https://evil.example/"),
        ("client_id", "app"),
    ] {
        let mut params = fixture::asked(&[]);
        params.insert(0, (name.to_owned(), again.to_owned()));
        assert_eq!(
            begin(&house.context(), &params, BROWSER).await.unwrap(),
            page,
            "{name} twice"
        );
    }
    house
        .change("UPDATE anteroom_client SET disabled = 1")
        .await;
    assert_eq!(start(&house, BROWSER, &[]).await, page);
}

#[tokio::test]
async fn a_portal_that_is_off_is_told_before_anything_is_asked() {
    let house = House::open("begin-off", &[("portal_onsite_two_enable", "0")]).await;
    assert_eq!(
        start(&house, BROWSER, &[]).await,
        Begin::Page(Problem::PortalOff)
    );
}

#[tokio::test]
async fn an_error_goes_back_with_state_and_issuer() {
    let house = House::open("begin-error", &[]).await;
    let Begin::Redirect(address) = start(&house, BROWSER, &[("aud", "https://evil.example")]).await
    else {
        panic!("the app is told");
    };
    assert!(address.starts_with(fixture::REDIRECT));
    assert_eq!(value(&address, "error").as_deref(), Some("invalid_request"));
    assert_eq!(value(&address, "state").as_deref(), Some("st&te"));
    assert_eq!(
        value(&address, "iss").as_deref(),
        Some("https://emr.example")
    );
    assert_eq!(value(&address, "code"), None);
    assert_eq!(
        house.noted("authorize", "refused", "invalid_request").await,
        1
    );
}

#[tokio::test]
async fn prompt_none_never_shows_a_page() {
    let house = House::open("begin-none", &[]).await;
    let error =
        async |visitor: Visitor<'_>| match start(&house, visitor, &[("prompt", "none")]).await {
            Begin::Redirect(address) => value(&address, "error").unwrap(),
            other => panic!("{other:?}"),
        };
    assert_eq!(error(BROWSER).await, "login_required");
    let (_, session) = logged_in(&house, 1, &[]).await;
    assert_eq!(error(browser(&session)).await, "consent_required");
}

#[tokio::test]
async fn a_session_saves_the_login_but_not_the_consent() {
    let mut house = House::open("begin-session", &[]).await;
    let (_, session) = logged_in(&house, 1, &[]).await;
    let visitor = browser(&session);
    house.wait(60);
    assert!(matches!(start(&house, visitor, &[]).await, Begin::Go(_)));
    assert!(matches!(
        start(&house, visitor, &[("max_age", "300")]).await,
        Begin::Go(_)
    ));
    assert!(matches!(
        start(&house, visitor, &[("max_age", "59")]).await,
        Begin::Login(..)
    ));
    assert!(matches!(
        start(&house, visitor, &[("max_age", "0")]).await,
        Begin::Login(..)
    ));
    assert!(matches!(
        start(&house, visitor, &[("prompt", "login")]).await,
        Begin::Login(..)
    ));
    house.wait(sessions::PATIENT.idle + 1);
    assert!(
        matches!(start(&house, visitor, &[]).await, Begin::Login(..)),
        "idle too long"
    );
    let (_, session) = logged_in(&house, 1, &[]).await;
    session::end(&house.context(), &session).await.unwrap();
    assert!(
        matches!(
            start(&house, browser(&session), &[]).await,
            Begin::Login(..)
        ),
        "logged out"
    );
    let (_, session) = logged_in(&house, 1, &[]).await;
    house
        .change("UPDATE patient_access_onsite SET portal_pwd = 'changed'")
        .await;
    assert!(
        matches!(
            start(&house, browser(&session), &[]).await,
            Begin::Login(..)
        ),
        "new password"
    );
}

#[tokio::test]
async fn a_request_belongs_to_its_browser_its_patient_and_ten_minutes() {
    let mut house = House::open("begin-bound", &[]).await;
    let (id, alice) = logged_in(&house, 1, &[]).await;
    let elsewhere = Visitor {
        token: "other browser",
        session: Some(&alice),
        staff: None,
    };
    assert!(is_ended(pending(&house.context(), &id, elsewhere).await));
    assert!(is_ended(
        pending(&house.context(), "made-up", browser(&alice)).await
    ));
    assert!(
        is_ended(pending(&house.context(), &id, BROWSER).await),
        "no session"
    );
    // Another tab of the same browser logs in as Bob.
    let (_, bob) = logged_in(&house, 2, &[]).await;
    let ticked = ["patient/Patient.read".to_owned()];
    assert!(is_ended(
        consent::approve(&house.context(), &id, browser(&bob), &ticked).await
    ));
    let (id, alice) = logged_in(&house, 1, &[]).await;
    assert!(matches!(
        pending(&house.context(), &id, browser(&alice)).await.unwrap().step,
        Step::Consent(who, _) if who.uuid() == fixture::ALICE
    ));
    house.wait(authorizations::LIFE);
    assert!(is_ended(
        consent::approve(&house.context(), &id, browser(&alice), &ticked).await
    ));
}

#[tokio::test]
async fn a_password_set_by_staff_keeps_the_consent_closed() {
    let house = House::open("begin-change", &[]).await;
    let Begin::Login(id, Audience::Patient) = start(&house, BROWSER, &[]).await else {
        panic!("the login form comes first");
    };
    let waiting = pending(&house.context(), &id, BROWSER).await.unwrap();
    assert_eq!(waiting.step, Step::Login(Audience::Patient));
    assert!(
        is_ended(consent::approve(&house.context(), &id, BROWSER, &[]).await),
        "nobody logged in"
    );
    let account = account::by_pid(&house.emr, 1).await.unwrap().unwrap();
    attach_must_change(&house.context(), &waiting, &account)
        .await
        .unwrap();
    let waiting = pending(&house.context(), &id, BROWSER).await.unwrap();
    assert!(matches!(waiting.step, Step::NewCredentials(_)));
    assert!(is_ended(
        consent::approve(&house.context(), &id, BROWSER, &[]).await
    ));
}

#[tokio::test]
async fn the_answer_carries_a_code_once_and_only_what_was_ticked() {
    let house = House::open("begin-consent", &[]).await;
    let (id, session) = logged_in(&house, 1, &[]).await;
    let ticked = [
        "patient/Patient.read".to_owned(),
        "patient/*.cruds".to_owned(),
    ];
    let visitor = browser(&session);
    let address = consent::approve(&house.context(), &id, visitor, &ticked)
        .await
        .unwrap();
    assert!(value(&address, "code").is_some_and(|code| code.starts_with("ac_")));
    assert_eq!(value(&address, "state").as_deref(), Some("st&te"));
    assert_eq!(
        value(&address, "iss").as_deref(),
        Some("https://emr.example")
    );
    assert_eq!(
        value(&address, "x").as_deref(),
        Some("1"),
        "the app's own query stays"
    );
    #[derive(sqlx::FromRow)]
    struct Scopes {
        scope: String,
    }
    let granted: Vec<Scopes> = house
        .emr
        .db
        .all(crate::db::sql::Sql::new("SELECT scope FROM anteroom_grant"))
        .await
        .unwrap();
    let granted: Vec<&str> = granted.iter().map(|row| row.scope.as_str()).collect();
    assert_eq!(granted, ["openid launch/patient patient/Patient.read"]);
    assert!(
        is_ended(consent::approve(&house.context(), &id, visitor, &ticked).await),
        "once"
    );
}

#[tokio::test]
async fn no_is_told_to_the_app() {
    let house = House::open("begin-no", &[]).await;
    let (id, session) = logged_in(&house, 1, &[]).await;
    let address = consent::deny(&house.context(), &id, browser(&session))
        .await
        .unwrap();
    assert_eq!(value(&address, "error").as_deref(), Some("access_denied"));
    assert!(is_ended(
        consent::deny(&house.context(), &id, browser(&session)).await
    ));
    let (id, session) = logged_in(&house, 1, &[]).await;
    let nothing = consent::approve(&house.context(), &id, browser(&session), &[])
        .await
        .unwrap();
    assert_eq!(
        value(&nothing, "error").as_deref(),
        Some("access_denied"),
        "nothing ticked is a no"
    );
    assert_eq!(value(&nothing, "code"), None);
}
