//! Judging an authorization request (SMART App Launch 2.2, "Obtain authorization code"; RFC 6749, RFC 7636, RFC 9700).
//! Pure: parameters and a registered app in, a request or what is wrong with it out.

use std::collections::HashSet;

use openidconnect::core::CoreAuthErrorResponseType;
use openidconnect::url::form_urlencoded;

use crate::auth::client;
use crate::crypto;
use crate::domain::scope::Scope;
use crate::store::clients::Client;

/// The longest state that is carried: what a URL may hold anyway.
const STATE: usize = 8192;

/// The longest list of scopes.
const SCOPE: usize = 8192;

/// How many dropped scopes are told.
const DROPPED: usize = 20;

/// The longest hint, launch token or list of login classes.
const HINT: usize = 1024;

/// The longest nonce.
const NONCE: usize = 1024;

/// Parameters as they came, in order.
pub type Params = [(String, String)];

/// Why a request is answered with an error, sent back to the app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// RFC 6749 4.1.2.1 or OpenID Connect Core 3.1.2.6.
    pub error: CoreAuthErrorResponseType,
    /// One sentence for the app's developer: the parameter, and what was expected.
    pub description: String,
}

/// Whether and when the patient has to type the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// As the session is.
    Any,
    /// Always, or where the last time is longer ago than this many seconds.
    Fresh(i64),
    /// Never show a page; with the most seconds ago the last time may be.
    None(Option<i64>),
}

/// A request that may be shown to the patient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What may be granted.
    pub scopes: Vec<Scope>,
    /// Echoed byte for byte.
    pub state: String,
    /// For the id token.
    pub nonce: Option<String>,
    /// PKCE's S256 challenge.
    pub challenge: String,
    /// Whether a login is wanted.
    pub prompt: Prompt,
    /// What was asked and is not offered or not registered for the app, as asked.
    pub dropped: Vec<String>,
    /// The EHR's launch token.
    pub launch: Option<String>,
    /// Whom the app expects to log in.
    pub login_hint: Option<String>,
    /// The user an id token names that the app sent along.
    pub hinted: Option<String>,
    /// How the login has to have been made; empty for any way.
    pub acr_values: Vec<String>,
}

/// A parameter came more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeated;

/// The one value of a parameter; `None` where it is absent or empty (RFC 6749, 3.1).
///
/// # Errors
/// [`Repeated`] where it comes twice.
pub fn one<'p>(params: &'p Params, name: &str) -> Result<Option<&'p str>, Repeated> {
    let mut values = params.iter().filter(|(known, _)| known == name);
    let first = values.next();
    match values.next() {
        Some(_) => Err(Repeated),
        None => Ok(first
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())),
    }
}

/// The first parameter that comes twice (RFC 6749, 3.1), as it may be told.
pub fn repeated(params: &Params) -> Option<String> {
    let mut names = HashSet::new();
    let mut all = params.iter();
    let (name, _) = all.find(|(name, _)| !names.insert(name))?;
    Some(plain(name))
}

/// The address that carries an answer back to the app: the redirect address as registered, its own query kept.
pub fn answer_address(redirect_uri: &str, pairs: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs);
    let joint = match redirect_uri.contains('?') {
        true => "&",
        false => "?",
    };
    format!("{redirect_uri}{joint}{}", query.finish())
}

/// The state to give back: none where there are two or where it is longer than an address can carry.
pub fn state(params: &Params) -> Option<&str> {
    let state = one(params, "state").unwrap_or_default();
    state.filter(|state| state.len() <= STATE)
}

/// Judges everything but app and redirect address.
///
/// # Errors
/// The first thing that is wrong.
pub fn judge(params: &Params, client: &Client, fhir_base: &str) -> Result<Request, Wrong> {
    single(params)?;
    let get = |name: &str| one(params, name).unwrap_or_default();
    objects(&get)?;
    if get("response_type") != Some("code") {
        return Err(wrong(
            CoreAuthErrorResponseType::UnsupportedResponseType,
            "response_type must be code",
        ));
    }
    if get("response_mode").is_some_and(|mode| mode != "query") {
        return Err(invalid("response_mode must be query or absent"));
    }
    let state = get("state").ok_or_else(|| invalid("state is required"))?;
    if state.len() > STATE {
        return Err(invalid("state is too long"));
    }
    if get("nonce").is_some_and(|nonce| nonce.len() > NONCE) {
        return Err(invalid("nonce is too long"));
    }
    for (name, longest) in [("login_hint", HINT), ("launch", HINT), ("acr_values", HINT)] {
        if get(name).is_some_and(|value| value.len() > longest) {
            return Err(invalid(&format!("{name} is too long")));
        }
    }
    audience(get("aud").or_else(|| get("resource")), fhir_base)?;
    let (scopes, dropped) = scopes(get("scope"), client)?;
    Ok(Request {
        challenge: challenge(get("code_challenge"), get("code_challenge_method"))?,
        scopes,
        dropped,
        launch: get("launch").map(str::to_owned),
        login_hint: get("login_hint").map(str::to_owned),
        hinted: None,
        acr_values: words(get("acr_values")),
        prompt: prompt(get("prompt"), get("max_age"))?,
        state: state.to_owned(),
        nonce: get("nonce").map(str::to_owned),
    })
}

/// An `invalid_request`.
pub(super) fn invalid(description: &str) -> Wrong {
    wrong(CoreAuthErrorResponseType::InvalidRequest, description)
}

fn wrong(error: CoreAuthErrorResponseType, description: &str) -> Wrong {
    Wrong {
        error,
        description: description.to_owned(),
    }
}

fn words(list: Option<&str>) -> Vec<String> {
    let words = list.unwrap_or_default().split(' ');
    words
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// No parameter may come twice (RFC 6749, 3.1); `resource` may, by RFC 8707, but one is all there is here.
fn single(params: &Params) -> Result<(), Wrong> {
    match repeated(params) {
        Some(name) => Err(invalid(&format!("{name} is repeated; send it once"))),
        None => Ok(()),
    }
}

/// Requests by value or by reference are never read, and nothing is fetched.
fn objects<'p>(get: &impl Fn(&str) -> Option<&'p str>) -> Result<(), Wrong> {
    let refused = [
        ("request", CoreAuthErrorResponseType::RequestNotSupported),
        (
            "request_uri",
            CoreAuthErrorResponseType::RequestUriNotSupported,
        ),
        (
            "registration",
            CoreAuthErrorResponseType::RegistrationNotSupported,
        ),
    ];
    let found = refused.into_iter().find(|(name, _)| get(name).is_some());
    match found {
        Some((name, error)) => {
            let why = format!("{name} is not supported; send each parameter by itself");
            Err(wrong(error, &why))
        }
        None => Ok(()),
    }
}

fn audience(aud: Option<&str>, fhir_base: &str) -> Result<(), Wrong> {
    let expected = |what: &str| invalid(&format!("aud {what}: it must be {fhir_base}"));
    let aud = aud.ok_or_else(|| expected("is missing"))?;
    match aud.strip_suffix('/').unwrap_or(aud) == fhir_base {
        true => Ok(()),
        false => Err(expected("is another server's")),
    }
}

/// PKCE with S256 alone: 43 characters of base64url (RFC 7636, 4.2).
fn challenge(challenge: Option<&str>, method: Option<&str>) -> Result<String, Wrong> {
    if method != Some("S256") {
        return Err(invalid("code_challenge_method must be S256"));
    }
    let challenge = challenge.ok_or_else(|| invalid("code_challenge is required"))?;
    let bytes = crypto::from_base64url(challenge).unwrap_or_default();
    match bytes.len() == 32 {
        true => Ok(challenge.to_owned()),
        false => Err(invalid("code_challenge must be 43 characters of base64url")),
    }
}

/// What is not offered or not registered is dropped; a filter that is not understood is never guessed at.
/// Beside what may be granted, what was dropped.
fn scopes(asked: Option<&str>, client: &Client) -> Result<(Vec<Scope>, Vec<String>), Wrong> {
    let error = CoreAuthErrorResponseType::InvalidScope;
    let asked = asked.ok_or_else(|| wrong(error.clone(), "scope is required"))?;
    if asked.len() > SCOPE {
        return Err(invalid("scope is too long"));
    }
    let all = words(Some(asked));
    if let Some(odd) = all
        .iter()
        .find(|word| Scope::of(word).is_none() && is_odd_filter(word))
    {
        let odd = plain(odd);
        let why = format!(
            "the filter of the scope {odd} is not param=system|code of a parameter that is offered"
        );
        return Err(wrong(error, &why));
    }
    let scopes = client::allowed(client, asked);
    if scopes.is_empty() {
        let why = format!(
            "none of these scopes is registered for this app, which has: {}",
            client.scope
        );
        return Err(wrong(error, &why));
    }
    let kept = |word: &String| scopes.iter().any(|scope| scope.spelling == *word);
    let dropped = all
        .iter()
        .filter(|word| !kept(word))
        .map(|word| plain(word));
    let dropped = dropped.take(DROPPED).collect();
    Ok((scopes, dropped))
}

/// A word from outside as it may be shown and noted.
fn plain(word: &str) -> String {
    word.chars()
        .filter(char::is_ascii_graphic)
        .take(80)
        .collect()
}

/// A granular scope of a type this server has, with a filter that is not understood; types this server lacks are
/// dropped like any unknown scope, unless the filter is one nobody should send.
fn is_odd_filter(word: &str) -> bool {
    let Some((base, filter)) = word.split_once('?') else {
        return false;
    };
    let plain = filter.split('&').all(|pair| {
        pair.split_once('=').is_some_and(|(name, value)| {
            let named = !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'-');
            named && !value.is_empty() && !value.contains([',', '=']) && name != "patient"
        })
    });
    !plain || Scope::of(base).is_some()
}

fn prompt(prompt: Option<&str>, max_age: Option<&str>) -> Result<Prompt, Wrong> {
    let words: Vec<&str> = prompt.unwrap_or_default().split(' ').collect();
    let age = match max_age.map(str::parse::<u32>) {
        Some(Ok(age)) => Some(i64::from(age)),
        Some(Err(_)) => return Err(invalid("max_age must be a number of seconds")),
        None => None,
    };
    if words.contains(&"none") {
        return match words.len() {
            1 => Ok(Prompt::None(age)),
            _ => Err(invalid("prompt=none goes alone")),
        };
    }
    let login = words.contains(&"login") || words.contains(&"select_account");
    Ok(match (login, age) {
        (true, _) => Prompt::Fresh(0),
        (false, Some(age)) => Prompt::Fresh(age),
        (false, None) => Prompt::Any,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::fixture;

    const BASE: &str = "https://emr.example/fhir";

    fn error(change: &[(&str, &str)]) -> String {
        let params = fixture::asked(change);
        match judge(&params, &fixture::client(), BASE) {
            Ok(_) => "none".to_owned(),
            Err(wrong) => wrong.error.as_ref().to_owned(),
        }
    }

    #[test]
    fn each_bad_parameter_has_its_error() {
        let long = "s".repeat(STATE + 1);
        let table: &[(&[(&str, &str)], &str)] = &[
            (&[], "none"),
            (&[("aud", "https://emr.example/fhir/")], "none"),
            (&[("aud", ""), ("resource", BASE)], "none"),
            (&[("response_type", "token")], "unsupported_response_type"),
            (
                &[("response_type", "code token")],
                "unsupported_response_type",
            ),
            (&[("response_type", "")], "unsupported_response_type"),
            (&[("response_mode", "fragment")], "invalid_request"),
            (&[("state", "")], "invalid_request"),
            (&[("state", &long)], "invalid_request"),
            (&[("aud", "")], "invalid_request"),
            (&[("aud", "https://evil.example/fhir")], "invalid_request"),
            (&[("aud", "https://emr.example/FHIR")], "invalid_request"),
            (&[("aud", "https://emr.example/fhir//")], "invalid_request"),
            (&[("code_challenge_method", "plain")], "invalid_request"),
            (&[("code_challenge_method", "")], "invalid_request"),
            (&[("code_challenge_method", "S512")], "invalid_request"),
            (&[("code_challenge", "")], "invalid_request"),
            (&[("code_challenge", &"a".repeat(42))], "invalid_request"),
            (&[("code_challenge", &"a".repeat(129))], "invalid_request"),
            (&[("code_challenge", &"!".repeat(43))], "invalid_request"),
            (&[("launch", "abc")], "none"),
            (&[("request", "x.y.z")], "request_not_supported"),
            (
                &[("request_uri", "http://127.0.0.1:9/")],
                "request_uri_not_supported",
            ),
            (&[("scope", "")], "invalid_scope"),
            (&[("scope", "user/*.rs system/*.rs admin")], "invalid_scope"),
            (
                &[("scope", "openid patient/Observation.rs?patient=Patient/B")],
                "invalid_scope",
            ),
            (
                &[("scope", "openid patient/DocumentReference.rs?_include=*")],
                "invalid_scope",
            ),
            (
                &[("scope", "openid patient/Condition.rs?category=a|b")],
                "none",
            ),
            (&[("prompt", "none login")], "invalid_request"),
            (&[("max_age", "-1")], "invalid_request"),
        ];
        for (change, expected) in table {
            assert_eq!(error(change), *expected, "{change:?}");
        }
    }

    #[test]
    fn a_parameter_that_comes_twice_is_refused() {
        for name in ["scope", "state", "code_challenge", "aud"] {
            let mut params = fixture::asked(&[]);
            params.push((name.to_owned(), "again".to_owned()));
            let wrong = judge(&params, &fixture::client(), BASE).unwrap_err();
            assert_eq!(
                wrong.error,
                CoreAuthErrorResponseType::InvalidRequest,
                "{name}"
            );
        }
    }

    #[test]
    fn a_login_can_be_asked_for() {
        let prompt = |change: &[(&str, &str)]| {
            judge(&fixture::asked(change), &fixture::client(), BASE).map(|request| request.prompt)
        };
        assert_eq!(prompt(&[]), Ok(Prompt::Any));
        assert_eq!(prompt(&[("prompt", "consent")]), Ok(Prompt::Any));
        assert_eq!(prompt(&[("prompt", "login")]), Ok(Prompt::Fresh(0)));
        assert_eq!(prompt(&[("max_age", "60")]), Ok(Prompt::Fresh(60)));
        assert_eq!(prompt(&[("prompt", "none")]), Ok(Prompt::None(None)));
    }

    #[test]
    fn answers_keep_the_apps_own_query_and_the_state_byte_for_byte() {
        let state = "a b+c&d=\"<script>é";
        let address = answer_address(
            "https://app.example/cb?x=1",
            &[("state", state), ("iss", "i")],
        );
        let query = address.strip_prefix("https://app.example/cb?").unwrap();
        let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        assert_eq!(pairs[0], ("x".to_owned(), "1".to_owned()));
        assert_eq!(pairs[1], ("state".to_owned(), state.to_owned()));
        assert!(!address.contains('<'));
    }
}
