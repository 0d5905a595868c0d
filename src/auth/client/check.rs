//! What is wrong with an app that somebody wants to register: every wrong field, each with a sentence.

use openidconnect::url::Url;

use crate::auth::client::NewClient;
use crate::auth::client::address;
use crate::auth::jwks;
use crate::domain::scope::Level;
use crate::domain::scope::Scope;
use crate::domain::scope::Word;
use crate::fetch::Inside;
use crate::store::clients::Kind;

/// How long a name may be.
const NAME: usize = 120;

/// How long a contact may be.
const CONTACT: usize = 255;

/// How long an address may be.
const ADDRESS: usize = 2000;

/// How many addresses of one sort an app may have.
const ADDRESSES: usize = 20;

/// How long all scopes together may be.
const SCOPES: usize = 8000;

/// A field of [`NewClient`] and what is wrong with it.
pub type Wrong = (&'static str, String);

/// Every wrong field, in the order of the fields; empty where the app can be registered.
pub fn check(new: &NewClient, inside: Inside) -> Vec<Wrong> {
    let checks = [
        ("name", name(&new.name)),
        ("client_id", client_id(new.client_id.as_deref())),
        ("redirect_uris", redirects(new)),
        ("scope", scope(new)),
        ("launch_uri", launch(new)),
        ("logout_uris", logouts(new)),
        ("jwks", jwks(new)),
        ("jwks_uri", jwks_uri(new, inside)),
        ("client_uri", new.client_uri.as_deref().and_then(web)),
        ("contact", new.contact.as_deref().and_then(contact)),
    ];
    let wrong = checks.into_iter();
    wrong
        .filter_map(|(field, sentence)| Some((field, sentence?)))
        .collect()
}

fn name(name: &str) -> Option<String> {
    let name = name.trim();
    let plain = name.chars().any(char::is_alphanumeric)
        && name.chars().count() <= NAME
        && !name.chars().any(|c| c.is_control() || hides(c));
    (!plain).then(|| "Write a name of 1 to 120 characters on one line, with letters or digits in it and nothing that cannot be seen.".to_owned())
}

/// The characters that turn the reading direction around, and those that nobody sees: with them a name can pretend to be
/// another, or be no name at all.
fn hides(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180e}'
        | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn client_id(id: Option<&str>) -> Option<String> {
    let id = id?;
    let plain = (1..=64).contains(&id.len())
        && id
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.~".contains(c));
    (!plain).then(|| {
        "An id has 1 to 64 letters, digits, hyphens, underscores, dots and tildes.".to_owned()
    })
}

fn redirects(new: &NewClient) -> Option<String> {
    let number = new.redirect_uris.len();
    match new.kind {
        Kind::Backend if number > 0 => {
            return Some(
                "A backend service sends nobody anywhere: leave out redirect addresses.".to_owned(),
            );
        }
        Kind::Backend => return None,
        _ if number == 0 => {
            return Some(
                "Give at least one address, such as https://app.example/callback.".to_owned(),
            );
        }
        _ if number > ADDRESSES => return Some("Give 20 addresses at most.".to_owned()),
        _ => {}
    }
    let mut all = new.redirect_uris.iter();
    all.find_map(|uri| Some(format!("{}: {}", shown(uri), bad_redirect(uri, new.kind)?)))
}

/// What is wrong with a redirect address, as a sentence.
fn bad_redirect(uri: &str, kind: Kind) -> Option<&'static str> {
    let url = match plain(uri) {
        Ok(url) => url,
        Err(why) => return Some(why),
    };
    match url.scheme() {
        "https" => None,
        "http" if address::is_loopback(&url) => None,
        "http" => Some("Only loopback addresses may use http; use https."),
        scheme if !scheme.contains('.') => Some(
            "Use https, http on 127.0.0.1 or [::1], or for an app on a phone a scheme that is its maker's domain \
             backwards, such as com.example.app:/callback.",
        ),
        _ if kind != Kind::Public => Some(
            "Only a public app may have a scheme of its own: everybody who installs it has its secrets.",
        ),
        // The scheme as it was written: a parser folds it to lower case, a comparison of letters does not.
        scheme if !uri.starts_with(&format!("{scheme}:/")) || !backwards(scheme) => Some(
            "Write a scheme of your own in lower case, as your domain backwards, with one slash behind it: \
             com.example.app:/callback.",
        ),
        _ => None,
    }
}

/// Whether a scheme is a domain name backwards (RFC 8252, 7.1).
fn backwards(scheme: &str) -> bool {
    let parts: Vec<&str> = scheme.split('.').collect();
    let word = |part: &&str| {
        !part.is_empty()
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    parts.len() >= 2 && parts.iter().all(word)
}

/// An absolute address as everybody writes it: no fragment, no user, nothing a log or a header could stumble over.
fn plain(uri: &str) -> Result<Url, &'static str> {
    let graphic = |c: char| c.is_ascii_graphic() && !matches!(c, '\\' | '"' | '<' | '>' | '*');
    if uri.len() > ADDRESS {
        return Err("An address has 2,000 characters at most.");
    }
    if !uri.chars().all(graphic) {
        return Err("Write the whole address in plain ASCII, without blanks or wildcards.");
    }
    let absolute = "This is no absolute address.";
    let url = Url::parse(uri).map_err(|_| absolute)?;
    // A parser makes up the slashes that are missing; a browser that is sent there may not.
    let scheme = url.scheme();
    let rest = uri.get(scheme.len()..).unwrap_or_default();
    let slashes = rest.starts_with("://") && !rest.starts_with(":///");
    if matches!(scheme, "https" | "http") && !slashes {
        return Err(absolute);
    }
    match uri.contains('#') || !url.username().is_empty() || url.password().is_some() {
        true => Err("Leave out fragment, user and password."),
        false => Ok(url),
    }
}

/// What is wrong with an address that a browser opens: https, or http on the same machine.
fn web(uri: &str) -> Option<String> {
    let why = match plain(uri) {
        Ok(url) if url.scheme() == "https" => return None,
        Ok(url) if url.scheme() == "http" && address::is_loopback(&url) => return None,
        Ok(_) => "Use https, or http on 127.0.0.1, [::1] or localhost.",
        Err(why) => why,
    };
    Some(format!("{}: {why}", shown(uri)))
}

fn launch(new: &NewClient) -> Option<String> {
    let uri = new.launch_uri.as_deref()?;
    match new.kind {
        Kind::Backend => Some("Nobody launches a backend service: leave this out.".to_owned()),
        _ => web(uri),
    }
}

fn logouts(new: &NewClient) -> Option<String> {
    if new.logout_uris.len() > ADDRESSES {
        return Some("Give 20 addresses at most.".to_owned());
    }
    let mut all = new.logout_uris.iter();
    all.find_map(|uri| {
        let why = bad_redirect(uri, new.kind)?;
        Some(format!("{}: {why}", shown(uri)))
    })
}

fn jwks(new: &NewClient) -> Option<String> {
    match (new.kind.signs(), &new.jwks, &new.jwks_uri) {
        (false, Some(_), _) => Some(
            "Only an app that signs (private_key_jwt) has keys: leave them out or choose that kind."
                .to_owned(),
        ),
        (true, None, None) => Some(
            "Give the app's public keys: a JWK set here, or the address of one in jwks_uri."
                .to_owned(),
        ),
        (true, Some(_), Some(_)) => {
            Some("Give the keys here or their address in jwks_uri, not both.".to_owned())
        }
        (true, Some(text), None) => jwks::check(text).err().map(|why| sentence(&why)),
        (_, None, _) => None,
    }
}

/// A clause as a sentence.
fn sentence(clause: &str) -> String {
    let mut letters = clause.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}

fn jwks_uri(new: &NewClient, inside: Inside) -> Option<String> {
    let uri = new.jwks_uri.as_deref()?;
    if !new.kind.signs() {
        return Some(
            "Only an app that signs (private_key_jwt) has keys: leave this out or choose that kind."
                .to_owned(),
        );
    }
    let why = match plain(uri) {
        Ok(url) if url.scheme() == "https" => return None,
        Ok(url) if inside == Inside::Open && address::is_loopback(&url) => return None,
        Ok(_) => "Use https; this server fetches the keys from there.",
        Err(why) => why,
    };
    Some(format!("{}: {why}", shown(uri)))
}

fn contact(contact: &str) -> Option<String> {
    let plain = !contact.trim().is_empty()
        && contact.chars().count() <= CONTACT
        && !contact.chars().any(|c| c.is_control() || hides(c));
    (!plain)
        .then(|| "Write one line of 255 characters at most, such as an e-mail address.".to_owned())
}

fn scope(new: &NewClient) -> Option<String> {
    if new.scope.len() > SCOPES {
        return Some("The scopes together have 8,000 characters at most.".to_owned());
    }
    let mut words = new.scope.split(' ').filter(|word| !word.is_empty());
    if let Some(word) = words.find(|word| Scope::of(word).is_none()) {
        return Some(format!(
            "{} is no scope of this server; write such as patient/Patient.rs.",
            shown(word)
        ));
    }
    let scopes = Scope::list(&new.scope);
    if scopes.is_empty() {
        return Some("Give at least one scope, such as patient/*.rs.".to_owned());
    }
    let foreign = |scope: &&Scope| match new.kind {
        Kind::Backend => scope.level() != Some(Level::System),
        _ => scope.level() == Some(Level::System),
    };
    let found = scopes.iter().find(foreign)?;
    let spelling = shown(&found.spelling);
    Some(match (new.kind, &found.word) {
        (Kind::Backend, Word::Resource(_)) => format!(
            "{spelling} belongs to an app with a user; a backend service has system/ scopes only."
        ),
        (Kind::Backend, _) => {
            format!("{spelling} needs a user; a backend service has system/ scopes only.")
        }
        _ => format!(
            "{spelling} belongs to a backend service; register one of its own for system/ scopes."
        ),
    })
}

/// A value as a sentence may quote it: cut, and without what a terminal or a header would act on.
fn shown(text: &str) -> String {
    let plain = |c: char| match c.is_ascii_graphic() && !matches!(c, '"' | '\\') {
        true => c,
        false => '?',
    };
    text.chars().take(100).map(plain).collect()
}
