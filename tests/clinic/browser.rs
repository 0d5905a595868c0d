//! A person's browser, as far as forms and cookies go, and the app that sent it here.

use std::collections::HashMap;

use anteroom::crypto;
use anteroom::demo::manifest::PatientLogin;
use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use serde_json::Value;

use super::APP;
use super::Answer;
use super::CALLBACK;
use super::Clinic;

/// What the app keeps to itself until the token request.
pub(crate) const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters-0123456789";

/// A browser with its cookies.
pub(crate) struct Browser<'c> {
    clinic: &'c Clinic,
    cookies: HashMap<String, String>,
}

/// The parameters of an authorization request, to be changed by a test before they are sent.
pub(crate) fn authorization(scope: &str) -> Vec<(&'static str, String)> {
    let challenge = crypto::base64url(&crypto::sha256(VERIFIER.as_bytes()));
    vec![
        ("response_type", "code".to_owned()),
        ("client_id", APP.to_owned()),
        ("redirect_uri", CALLBACK.to_owned()),
        ("scope", scope.to_owned()),
        ("state", "state-of-the-app".to_owned()),
        ("aud", "http://127.0.0.1:8080/fhir".to_owned()),
        ("code_challenge", challenge),
        ("code_challenge_method", "S256".to_owned()),
        ("nonce", "nonce-of-the-app".to_owned()),
    ]
}

/// Pairs as a form or query.
pub(crate) fn encoded<N: AsRef<str>, V: AsRef<str>>(pairs: &[(N, V)]) -> String {
    let mut text = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        text.append_pair(name.as_ref(), value.as_ref());
    }
    text.finish()
}

/// A parameter of a URL's query.
pub(crate) fn parameter(url: &str, name: &str) -> Option<String> {
    let query = url.split_once('?')?.1;
    form_urlencoded::parse(query.as_bytes())
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.into_owned())
}

impl<'c> Browser<'c> {
    pub(crate) fn new(clinic: &'c Clinic) -> Self {
        Self {
            clinic,
            cookies: HashMap::new(),
        }
    }

    /// The same browser once more, for what it does at the same time.
    pub(crate) fn fork(&self) -> Self {
        Self {
            clinic: self.clinic,
            cookies: self.cookies.clone(),
        }
    }

    /// Opens an address.
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path), Body::empty()).await
    }

    /// Sends a form from this site.
    pub(crate) async fn post(&mut self, path: &str, pairs: &[(&str, String)]) -> Answer {
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("origin", "http://127.0.0.1:8080")
            .header("sec-fetch-site", "same-origin");
        self.send(request, Body::from(encoded(pairs))).await
    }

    /// Sends anything, with the cookies of this browser.
    pub(crate) async fn send(
        &mut self,
        request: axum::http::request::Builder,
        body: Body,
    ) -> Answer {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = match cookies.is_empty() {
            true => request,
            false => request.header("cookie", cookies.join("; ")),
        };
        let answer = self
            .clinic
            .send(request.body(body).expect("a request"))
            .await;
        for cookie in answer.headers.get_all("set-cookie") {
            let text = cookie.to_str().expect("ASCII cookie");
            let (name, value) = text
                .split(';')
                .next()
                .and_then(|pair| pair.split_once('='))
                .expect("a cookie");
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }

    /// Follows redirects inside this server.
    pub(crate) async fn follow(&mut self, mut answer: Answer) -> Answer {
        for _ in 0..5 {
            let place = answer.header("location").to_owned();
            let path = place
                .strip_prefix("http://127.0.0.1:8080")
                .unwrap_or(&place);
            if !answer.status.is_redirection() || !path.starts_with('/') {
                break;
            }
            answer = self.get(path).await;
        }
        answer
    }

    /// Starts at the app and comes to the login form.
    pub(crate) async fn start(&mut self, pairs: &[(&'static str, String)]) -> Answer {
        let answer = self
            .get(&format!("/oauth2/authorize?{}", encoded(pairs)))
            .await;
        self.follow(answer).await
    }

    /// Fills in the first form of a page and sends it: hidden fields as they are, these over them.
    pub(crate) async fn submit(&mut self, page: &Answer, fields: &[(&str, &str)]) -> Answer {
        let html = page.text();
        assert_eq!(page.status, StatusCode::OK, "{html}");
        let action =
            attribute(&html, "<form", "action").unwrap_or_else(|| panic!("no form: {html}"));
        let mut pairs: Vec<(&str, String)> = Vec::new();
        for tag in html
            .split("<input")
            .skip(1)
            .map(|rest| rest.split('>').next().unwrap_or_default())
        {
            let (name, kind) = (value(tag, "name"), value(tag, "type"));
            let sent = match kind.as_deref() {
                Some("hidden") => true,
                Some("checkbox") => tag.contains("checked") && !tag.contains("disabled"),
                _ => false,
            };
            if let (true, Some(name)) = (sent, name) {
                // A card's own button names what it decides about.
                if name == "id" {
                    continue;
                }
                let known = ["csrf", "scope", "request"]
                    .into_iter()
                    .find(|known| *known == name);
                let known = known.unwrap_or_else(|| panic!("an unknown hidden field {name}"));
                pairs.push((known, value(tag, "value").unwrap_or_default()));
            }
        }
        for (name, value) in fields {
            pairs.push((name, (*value).to_owned()));
        }
        self.post(&action, &pairs).await
    }

    /// Logs in on the form; where that leads.
    pub(crate) async fn log_in(&mut self, form: &Answer, patient: &PatientLogin) -> Answer {
        let fields = [
            ("username", patient.username.as_str()),
            ("password", patient.password.as_str()),
        ];
        let answer = self.submit(form, &fields).await;
        self.follow(answer).await
    }

    /// The whole way from the app to its code.
    pub(crate) async fn code(&mut self, patient: &PatientLogin, scope: &str) -> String {
        let form = self.start(&authorization(scope)).await;
        let consent = self.log_in(&form, patient).await;
        let done = self.submit(&consent, &[("decision", "approve")]).await;
        let place = done.header("location");
        assert!(
            place.starts_with(CALLBACK),
            "{} {}",
            done.status,
            done.text()
        );
        parameter(place, "code").unwrap_or_else(|| panic!("no code in {place}"))
    }

    /// The whole way from the app to its tokens.
    pub(crate) async fn launch(&mut self, patient: &PatientLogin, scope: &str) -> Value {
        let code = self.code(patient, scope).await;
        let answer = self.exchange(&code).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()
    }

    /// The app's token request for a code.
    pub(crate) async fn exchange(&mut self, code: &str) -> Answer {
        self.token_request(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("client_id", APP),
            ("code_verifier", VERIFIER),
        ])
        .await
    }

    /// The app's token request for a refresh token.
    pub(crate) async fn refresh(&mut self, token: &str) -> Answer {
        self.token_request(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("client_id", APP),
        ])
        .await
    }

    /// Any token request: from an app's server or page, without this browser's cookies.
    pub(crate) async fn token_request(&self, pairs: &[(&str, &str)]) -> Answer {
        let request = Request::post("/oauth2/token")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(encoded(pairs)))
            .expect("a request");
        self.clinic.send(request).await
    }
}

/// The attribute of the first tag that begins like this.
fn attribute(html: &str, tag: &str, name: &str) -> Option<String> {
    let tag = html.split(tag).nth(1)?.split('>').next()?;
    value(tag, name)
}

/// The value of an attribute within a tag, with HTML's entities undone.
fn value(tag: &str, name: &str) -> Option<String> {
    let rest = tag.split(&format!("{name}=\"")).nth(1)?;
    let text = rest.split('"').next()?;
    let undone = [
        ("&#38;", "&"),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&amp;", "&"),
        ("&quot;", "\""),
    ];
    Some(
        undone
            .iter()
            .fold(text.to_owned(), |text, (entity, plain)| {
                text.replace(entity, plain)
            }),
    )
}
