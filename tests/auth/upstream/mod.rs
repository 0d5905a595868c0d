//! Staff logging in through an identity provider that means no good (`spec/security.md`, cases 76 to 84), and through one
//! that does.

mod away;
mod backchannel;
mod people;
mod provider;

use anteroom::config::StaffIdp;
use anteroom::crypto;
use axum::http::StatusCode;
use jsonwebtoken::Algorithm;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::Header;
use serde_json::Value;
use serde_json::json;
use time::Duration;

use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::clinic::browser::Browser;
use crate::clinic::browser::authorization;
use crate::clinic::browser::encoded;
use crate::clinic::browser::parameter;

use provider::CLIENT;
use provider::Idp;
use provider::SECRET;

/// Dr. Lee's address in the sandbox.
const LEE: &str = "dlee@harborstreet.example.com";

const SESSIONS: &str =
    "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_session WHERE ended IS NULL";

const LINKS: &str = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_staff_link";

async fn clinic(idp: &Idp) -> Clinic {
    clinic_with(idp, |_| {}).await
}

async fn clinic_with(idp: &Idp, change: impl FnOnce(&mut StaffIdp)) -> Clinic {
    let settings = settings(idp, change);
    Clinic::with(|config| config.staff_idp = Some(settings)).await
}

fn settings(idp: &Idp, change: impl FnOnce(&mut StaffIdp)) -> StaffIdp {
    let mut settings = StaffIdp {
        issuer: idp.issuer.clone(),
        client_id: CLIENT.to_owned(),
        client_secret: Some(SECRET.to_owned()),
        claim: "email".to_owned(),
        acr: None,
    };
    change(&mut settings);
    settings
}

/// A login under way: the browser, and what it was sent to the provider with.
struct Trip<'c> {
    browser: Browser<'c>,
    start: String,
}

impl<'c> Trip<'c> {
    /// An app begins a request, and its user chooses the staff login.
    async fn begin(clinic: &'c Clinic) -> Self {
        let mut browser = clinic.browser();
        let answer = go(&mut browser).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
        Self {
            start: answer.header("location").to_owned(),
            browser,
        }
    }

    fn sent(&self, name: &str) -> String {
        parameter(&self.start, name).unwrap_or_else(|| panic!("no {name} in {}", self.start))
    }

    /// Claims that are right for this login.
    fn claims(&self, clinic: &Clinic, idp: &Idp) -> Value {
        let now = clinic.app.emr.now().unix_timestamp();
        json!({
            "iss": idp.issuer, "aud": CLIENT, "sub": "account-1", "nonce": self.sent("nonce"),
            "iat": now, "exp": now + 300, "auth_time": now, "sid": "session-1",
            "email": LEE, "email_verified": true,
        })
    }

    /// The provider sends the browser back.
    async fn back(&mut self, idp: &Idp) -> Answer {
        let pairs = [
            ("code", "the-code".to_owned()),
            ("state", self.sent("state")),
            ("iss", idp.issuer.clone()),
        ];
        self.arrive(&pairs).await
    }

    async fn arrive(&mut self, pairs: &[(&str, String)]) -> Answer {
        let path = format!("/login/staff/callback?{}", encoded(pairs));
        self.browser.get(&path).await
    }
}

async fn go(browser: &mut Browser<'_>) -> Answer {
    let path = format!("/oauth2/authorize?{}", encoded(&authorization(EVERYTHING)));
    let answer = browser.get(&path).await;
    let request = parameter(answer.header("location"), "request").expect("a waiting request");
    browser
        .get(&format!("/login/staff/start?request={request}"))
        .await
}

/// A whole login with right claims, some of them changed.
async fn log_in<'c>(
    clinic: &'c Clinic,
    idp: &Idp,
    change: impl FnOnce(&mut Value),
) -> (Trip<'c>, Answer) {
    let mut trip = Trip::begin(clinic).await;
    let mut claims = trip.claims(clinic, idp);
    change(&mut claims);
    idp.gives(&idp.signed(&claims));
    let answer = trip.back(idp).await;
    (trip, answer)
}

fn is_in(answer: &Answer) -> bool {
    let cookies = answer.headers.get_all("set-cookie");
    let staff = cookies
        .iter()
        .any(|cookie| cookie.as_bytes().starts_with(b"anteroom_staff="));
    answer.status == StatusCode::SEE_OTHER && staff
}

fn assert_out(answer: &Answer, what: &str) {
    assert_eq!(
        answer.status,
        StatusCode::BAD_REQUEST,
        "{what}: {}",
        answer.text()
    );
    assert!(answer.headers.get("set-cookie").is_none(), "{what}");
    assert!(answer.text().contains("You are not logged in"), "{what}");
}

#[tokio::test]
async fn a_colleague_logs_in_there_and_is_known_here() {
    let idp = Idp::start().await;
    let clinic = clinic_with(&idp, |settings| settings.acr = Some("two-factors".into())).await;
    let mut trip = Trip::begin(&clinic).await;
    assert!(
        trip.start.starts_with(&format!("{}/auth?", idp.issuer)),
        "{}",
        trip.start
    );
    assert_eq!(trip.sent("response_type"), "code");
    assert_eq!(trip.sent("client_id"), CLIENT);
    assert_eq!(trip.sent("scope"), "openid email");
    assert_eq!(trip.sent("acr_values"), "two-factors");
    assert_eq!(
        trip.sent("redirect_uri"),
        "http://127.0.0.1:8080/login/staff/callback"
    );
    assert_eq!(trip.sent("code_challenge_method"), "S256");
    let mut claims = trip.claims(&clinic, &idp);
    claims["acr"] = json!("two-factors");
    // Half of the SHA-256 of "access" (OpenID Connect Core, 3.1.3.6).
    claims["at_hash"] = json!(crypto::base64url(&crypto::sha256(b"access")[..16]));
    idp.gives(&idp.signed(&claims));
    let answer = trip.back(&idp).await;
    assert!(is_in(&answer), "{} {}", answer.status, answer.text());
    let (basic, form) = idp
        .told
        .lock()
        .unwrap()
        .exchange
        .clone()
        .expect("an exchange");
    let field = |name: &str| {
        form.iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.clone())
    };
    assert_eq!(basic, format!("{CLIENT}:s3cret+of%3A+the+practice"));
    assert_eq!(field("code").as_deref(), Some("the-code"));
    let verifier = field("code_verifier").expect("a verifier");
    assert_eq!(crypto::fingerprint(&verifier), trip.sent("code_challenge"));
    let session = "SELECT acr AS text FROM anteroom_session WHERE staff = 4 AND ended IS NULL";
    assert_eq!(clinic.look(session).await, "two-factors");
    let page = trip.browser.follow(answer).await;
    assert!(
        !page.text().contains("name=\"password\""),
        "the login is over"
    );
    clinic.close().await;
}

#[tokio::test]
async fn case_76_an_answer_belongs_to_one_browser_one_state_and_one_issuer() {
    let idp = Idp::start().await;
    let clinic = clinic(&idp).await;
    let pairs = |trip: &Trip<'_>, iss: Option<&str>| {
        let mut pairs = vec![("code", "c".to_owned()), ("state", trip.sent("state"))];
        pairs.extend(iss.map(|iss| ("iss", iss.to_owned())));
        pairs
    };
    for iss in [
        None,
        Some("https://evil.example"),
        Some(format!("{}/", idp.issuer).as_str()),
    ] {
        let mut trip = Trip::begin(&clinic).await;
        idp.gives(&idp.signed(&trip.claims(&clinic, &idp)));
        let pairs = pairs(&trip, iss);
        assert_out(&trip.arrive(&pairs).await, &format!("iss {iss:?}"));
    }
    let mut trip = Trip::begin(&clinic).await;
    idp.gives(&idp.signed(&trip.claims(&clinic, &idp)));
    let good = pairs(&trip, Some(&idp.issuer));
    let unknown = [
        ("code", "c".to_owned()),
        ("state", provider::unique()),
        ("iss", idp.issuer.clone()),
    ];
    assert_out(&trip.arrive(&unknown).await, "an unknown state");
    assert_out(&trip.arrive(&[("code", "c".to_owned())]).await, "no state");
    let twice = [good.clone(), vec![("state", trip.sent("state"))]].concat();
    assert_out(&trip.arrive(&twice).await, "state twice over");
    let mut other = Trip::begin(&clinic).await;
    assert_out(&other.arrive(&good).await, "the state of another browser");
    let stranger = clinic
        .browser()
        .get(&format!("/login/staff/callback?{}", encoded(&good)))
        .await;
    assert_eq!(stranger.status, StatusCode::BAD_REQUEST);
    idp.gives(&idp.signed(&trip.claims(&clinic, &idp)));
    assert!(
        is_in(&trip.arrive(&good).await),
        "the right one still works"
    );
    assert_out(&trip.arrive(&good).await, "the state a second time");
    // A code of another provider: the token endpoint of ours knows nothing of it.
    let mut trip = Trip::begin(&clinic).await;
    idp.tell(|told| told.tokens = (StatusCode::BAD_REQUEST, json!({ "error": "invalid_grant" })));
    assert_out(&trip.back(&idp).await, "a code of another provider");
    let mut late = Trip::begin(&clinic).await;
    clinic.wait(Duration::seconds(601));
    assert_out(&late.back(&idp).await, "after ten minutes");
    assert_eq!(clinic.look(SESSIONS).await, "1");
    clinic.close().await;
}

#[tokio::test]
async fn an_error_there_is_a_page_here() {
    let idp = Idp::start().await;
    let clinic = clinic(&idp).await;
    for (error, said) in [
        ("access_denied", "cancelled"),
        ("interaction_required", "interaction_required"),
        ("<script>alert(1)</script>", "answered with an error"),
    ] {
        let mut trip = Trip::begin(&clinic).await;
        let pairs = [
            ("error", error.to_owned()),
            ("state", trip.sent("state")),
            ("iss", idp.issuer.clone()),
        ];
        let answer = trip.arrive(&pairs).await;
        assert_out(&answer, error);
        assert!(answer.text().contains(said), "{}", answer.text());
        assert!(!answer.text().contains("<script>alert"));
    }
    clinic.close().await;
}

#[tokio::test]
async fn case_77_an_id_token_is_believed_only_if_every_claim_is_right() {
    let idp = Idp::start().await;
    let clinic = clinic(&idp).await;
    let now = clinic.app.emr.now().unix_timestamp();
    let slash = format!("{}/", idp.issuer);
    let wrong: Vec<(&str, Value)> = vec![
        ("nonce", json!("another")),
        ("nonce", Value::Null),
        ("aud", json!("another-client")),
        ("aud", json!([CLIENT, "another-client"])),
        ("azp", json!("another-client")),
        ("iss", json!(slash)),
        ("iss", json!("https://evil.example")),
        ("exp", json!(now - 1)),
        ("exp", Value::Null),
        ("iat", json!(now + 120)),
        ("sub", json!("")),
        ("sub", Value::Null),
        ("at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA")),
        ("email_verified", json!("true")),
    ];
    for (name, value) in wrong {
        let (_, answer) = log_in(&clinic, &idp, |claims| match &value {
            Value::Null => {
                claims.as_object_mut().unwrap().remove(name);
            }
            value => claims[name] = value.clone(),
        })
        .await;
        assert_out(&answer, &format!("{name} = {value}"));
    }
    assert_eq!(clinic.look(SESSIONS).await, "0");
    assert_eq!(clinic.look(LINKS).await, "0");
    // Several audiences are allowed where the token says that it was made for us.
    let (_, answer) = log_in(&clinic, &idp, |claims| {
        claims["aud"] = json!([CLIENT, "another-client"]);
        claims["azp"] = json!(CLIENT);
    })
    .await;
    assert!(is_in(&answer), "{}", answer.text());
    clinic.close().await;
}

#[tokio::test]
async fn case_77_only_a_published_key_signs() {
    let idp = Idp::start().await;
    let clinic = clinic(&idp).await;
    let unsigned = |claims: &Value| {
        let part = |value: &Value| crypto::base64url(value.to_string().as_bytes());
        format!("{}.{}.", part(&json!({ "alg": "none" })), part(claims))
    };
    let by_secret = |claims: &Value, secret: &[u8]| {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some("first".to_owned());
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(secret)).unwrap()
    };
    let (foreign, _) = provider::new_key("first");
    let modulus = idp.told.lock().unwrap().keys[0]["n"]
        .as_str()
        .unwrap()
        .to_owned();
    for round in 0..7 {
        let mut trip = Trip::begin(&clinic).await;
        let claims = trip.claims(&clinic, &idp);
        let right = idp.signed(&claims);
        let token = match round {
            0 => unsigned(&claims),
            1 => by_secret(&claims, SECRET.as_bytes()),
            2 => by_secret(&claims, modulus.as_bytes()),
            3 => {
                let mut header = Header::new(Algorithm::RS256);
                header.kid = Some("first".to_owned());
                jsonwebtoken::encode(&header, &claims, &foreign).unwrap()
            }
            4 => idp.signed_with(&claims, |header| header.kid = Some("unknown".into())),
            5 => right.rsplit_once('.').unwrap().0.to_owned() + ".AAAA",
            _ => {
                let mut parts: Vec<&str> = right.split('.').collect();
                let changed = json!({ "sub": "another" }).to_string();
                let changed = crypto::base64url(changed.as_bytes());
                parts[1] = &changed;
                parts.join(".")
            }
        };
        idp.gives(&token);
        assert_out(&trip.back(&idp).await, &format!("round {round}"));
    }
    let mut trip = Trip::begin(&clinic).await;
    idp.tell(|told| {
        told.tokens = (
            StatusCode::OK,
            json!({ "access_token": "a", "token_type": "Bearer" }),
        )
    });
    assert_out(&trip.back(&idp).await, "no ID token at all");
    assert_eq!(clinic.look(SESSIONS).await, "0");
    clinic.close().await;
}

#[tokio::test]
async fn case_31_the_level_and_age_of_a_login_are_checked() {
    let idp = Idp::start().await;
    let clinic = clinic_with(&idp, |settings| settings.acr = Some("two-factors".into())).await;
    let (_, answer) = log_in(&clinic, &idp, |_| {}).await;
    assert_out(&answer, "no acr");
    let (_, answer) = log_in(&clinic, &idp, |claims| claims["acr"] = json!("password")).await;
    assert_out(&answer, "a lower acr");
    assert!(answer.text().contains("second factor"));
    let (mut trip, answer) =
        log_in(&clinic, &idp, |claims| claims["acr"] = json!("two-factors")).await;
    assert!(is_in(&answer), "{}", answer.text());
    // Logged in and asked to log in all the same: an old login there is not enough.
    clinic.wait(Duration::seconds(300));
    let mut pairs = authorization("openid fhirUser user/Patient.rs");
    pairs.push(("prompt", "login".to_owned()));
    let path = format!("/oauth2/authorize?{}", encoded(&pairs));
    let answer = trip.browser.get(&path).await;
    let request = parameter(answer.header("location"), "request");
    if let Some(request) = request {
        let answer = trip
            .browser
            .get(&format!("/login/staff/start?request={request}"))
            .await;
        trip.start = answer.header("location").to_owned();
        assert_eq!(trip.sent("prompt"), "login");
        assert_eq!(trip.sent("max_age"), "0");
        let mut claims = trip.claims(&clinic, &idp);
        claims["acr"] = json!("two-factors");
        claims["auth_time"] = json!(clinic.app.emr.now().unix_timestamp() - 300);
        idp.gives(&idp.signed(&claims));
        assert_out(&trip.back(&idp).await, "an old login");
    } else {
        panic!("prompt=login led to {}", answer.header("location"));
    }
    clinic.close().await;
}
