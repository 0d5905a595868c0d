//! Registering apps, and the two questions asked of a registered one: may the answer go there, may it have that scope.

use openidconnect::url::Host;
use openidconnect::url::Url;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use crate::crypto::Entropy;
use crate::db::Db;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Level;
use crate::domain::scope::Scope;
use crate::store::clients;
use crate::store::clients::Client;
use crate::store::clients::Kind;

/// How long a name may be.
const NAME: usize = 120;

/// How many redirect addresses one app may have.
const ADDRESSES: usize = 20;

/// What is asked for when an app is added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewClient {
    /// A chosen id; `None` makes one.
    pub client_id: Option<String>,
    /// The name patients will read.
    pub name: String,
    /// How it proves who it is.
    pub kind: Kind,
    /// Where answers may be sent.
    pub redirect_uris: Vec<String>,
    /// The scopes it may ask for.
    pub scope: String,
    /// Whether the practice vouches for it.
    pub verified: bool,
}

/// Adds an app at `now`, in seconds since 1970.
///
/// # Errors
/// `Invalid` naming the first thing that is wrong, `Conflict` where the id is taken; otherwise as [`Db::run`].
pub async fn register(db: &Db, new: NewClient, now: i64, entropy: &dyn Entropy) -> Answer<Client> {
    check(&new)?;
    let client_id = match new.client_id {
        Some(client_id) => client_id,
        None => entropy.token()?.chars().take(22).collect(),
    };
    if clients::find(db, &client_id).await?.is_some() {
        let taken = format!("There is an app with the id {client_id} already.");
        return Err(Refusal::Conflict(taken).into());
    }
    let client = Client {
        client_id,
        name: new.name.trim().to_owned(),
        kind: new.kind,
        redirect_uris: new.redirect_uris,
        scope: Scope::join(&Scope::list(&new.scope)),
        secret_hash: None,
        jwks: None,
        jwks_uri: None,
        launch_uri: None,
        logout_uris: Vec::new(),
        client_uri: None,
        contact: None,
        verified: new.verified,
        waits: false,
        registered_by: "command line".to_owned(),
        created: now,
        disabled: None,
    };
    db.transaction(|tx| {
        let client = client.clone();
        Box::pin(async move { clients::add(tx, &client).await })
    })
    .await?;
    Ok(client)
}

/// Every app, by name.
///
/// # Errors
/// As [`Db::all`].
pub async fn list(db: &Db) -> Answer<Vec<Client>> {
    clients::all(db).await
}

/// Switches an app off: its tokens stop opening anything at once.
///
/// # Errors
/// `NotFound` where there is no such app in use; otherwise as [`Db::run`].
pub async fn disable(db: &Db, client_id: &str, now: i64) -> Answer<()> {
    let done = db
        .transaction(|tx| {
            let client_id = client_id.to_owned();
            Box::pin(async move { clients::disable(tx, &client_id, now).await })
        })
        .await?;
    match done {
        true => Ok(()),
        false => Err(Refusal::NotFound.into()),
    }
}

/// The app of that id, where it is in use.
///
/// # Errors
/// As [`Db::all`].
pub async fn in_use(db: &Db, client_id: &str) -> Answer<Option<Client>> {
    let client = clients::find(db, client_id).await?;
    Ok(client.filter(|client| client.disabled.is_none() && !client.waits))
}

/// Whether an answer for this app may go to `asked`: exactly as registered (RFC 9700, 2.1), or a loopback address
/// that differs in the port alone (RFC 8252, 7.3).
pub fn may_redirect(client: &Client, asked: &str) -> bool {
    let registered = |known: &String| {
        known == asked
            || without_port(known).is_some_and(|known| Some(known) == without_port(asked))
    };
    client.redirect_uris.iter().any(registered)
}

/// The host part of a redirect address, for the patient to judge; empty where it has none.
pub fn host(redirect_uri: &str) -> String {
    let url = Url::parse(redirect_uri).ok();
    url.and_then(|url| url.host_str().map(str::to_owned))
        .unwrap_or_default()
}

/// Scheme, host and port of a redirect address, for the `form-action` of the pages that lead there.
pub fn origin(redirect_uri: &str) -> String {
    let url = Url::parse(redirect_uri).ok();
    url.map(|url| url.origin().ascii_serialization())
        .unwrap_or_default()
}

/// Those of the asked scopes that are offered to users and registered for this app, as asked and in order.
pub fn allowed(client: &Client, asked: &str) -> Vec<Scope> {
    let registered = Scope::list(&client.scope);
    let mut scopes = Scope::list(asked);
    scopes.retain(|scope| {
        // A backend service has no user to ask, and nobody else may have what it has.
        let offered = scope.level() != Some(Level::System);
        offered && registered.iter().any(|known| known.covers(scope))
    });
    scopes
}

fn check(new: &NewClient) -> Result<(), Refusal> {
    if new.kind != Kind::Public {
        return Err(Refusal::invalid(
            "kind",
            "Only public apps (PKCE, no secret) can be added so far.",
        ));
    }
    let name = new.name.trim();
    if name.is_empty() || name.chars().count() > NAME || name.chars().any(char::is_control) {
        return Err(Refusal::invalid(
            "name",
            "A name has 1 to 120 characters on one line.",
        ));
    }
    let id_is_plain = |id: &String| {
        (1..=64).contains(&id.len())
            && id
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.~".contains(c))
    };
    if new.client_id.as_ref().is_some_and(|id| !id_is_plain(id)) {
        return Err(Refusal::invalid(
            "client_id",
            "An id has 1 to 64 letters, digits, hyphens, underscores, dots and tildes.",
        ));
    }
    if new.redirect_uris.is_empty() || new.redirect_uris.len() > ADDRESSES {
        return Err(Refusal::invalid(
            "redirect_uris",
            "Give 1 to 20 redirect addresses.",
        ));
    }
    if let Some((uri, why)) = new
        .redirect_uris
        .iter()
        .find_map(|uri| Some((uri, bad_address(uri)?)))
    {
        return Err(Refusal::invalid("redirect_uris", format!("{uri}: {why}")));
    }
    match allowed_words(&new.scope) {
        Some(word) => Err(Refusal::invalid(
            "scope",
            format!("{word} is not offered to patients."),
        )),
        None if new.scope.trim().is_empty() => {
            Err(Refusal::invalid("scope", "Give at least one scope."))
        }
        None => Ok(()),
    }
}

/// The first word that is no scope of this server.
fn allowed_words(scope: &str) -> Option<&str> {
    let mut words = scope.split(' ').filter(|word| !word.is_empty());
    words.find(|word| Scope::of(word).is_none())
}

/// What is wrong with a redirect address, as a sentence.
fn bad_address(uri: &str) -> Option<&'static str> {
    let plain = uri
        .chars()
        .all(|c| c.is_ascii_graphic() && !matches!(c, '\\' | '"' | '<' | '>'));
    if !plain || uri.contains('*') {
        return Some("Write the whole address in plain ASCII, without blanks or wildcards.");
    }
    let Ok(url) = Url::parse(uri) else {
        return Some("This is no absolute address.");
    };
    if uri.contains('#') || !url.username().is_empty() || url.password().is_some() {
        return Some("Leave out fragment, user and password.");
    }
    match url.scheme() {
        "https" => None,
        "http" if is_loopback(&url) => None,
        "http" => Some("Only loopback addresses may use http; use https."),
        _ => Some("Only https and loopback http addresses are taken."),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address == Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(address)) => address == Ipv6Addr::LOCALHOST,
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// A loopback address cut at its port: what is before and what is after. `None` for every other address.
/// Works on the text, so that nothing is normalised that the app did not write that way.
fn without_port(uri: &str) -> Option<(&str, &str)> {
    let hosts = ["http://127.0.0.1", "http://[::1]"];
    let host = hosts.into_iter().find(|host| uri.starts_with(host))?;
    let rest = uri.get(host.len()..)?;
    let rest = match rest.strip_prefix(':') {
        Some(after) => {
            let digits = after.bytes().take_while(u8::is_ascii_digit).count();
            let (port, rest) = after.split_at(digits);
            port.parse::<u16>().ok().filter(|port| *port > 0)?;
            rest
        }
        None => rest,
    };
    (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((host, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(uris: &[&str], scope: &str) -> Client {
        Client {
            client_id: "c".into(),
            name: "App".into(),
            kind: Kind::Public,
            redirect_uris: uris.iter().map(|uri| (*uri).to_owned()).collect(),
            scope: scope.into(),
            ..crate::auth::fixture::client()
        }
    }

    #[test]
    fn an_address_is_compared_letter_by_letter() {
        let client = client(&["https://app.example/cb"], "");
        assert!(may_redirect(&client, "https://app.example/cb"));
        for other in [
            "https://app.example/cb/../evil",
            "https://app.example/cb?x=1",
            "https://app.example/cb/",
            "https://app.example/CB",
            "https://app.example:443/cb",
            "https://app.example/cb%2f",
            "https://app.example/cb#f",
            "http://app.example/cb",
            "https://app.example@evil/cb",
            "https://app.example.evil/cb",
            "https://evil\\@app.example/cb",
            "https://app.example/cb%0d%0aX:1",
            "//app.example/cb",
            "https://xn--pp-eka.example/cb",
            "https://app.example./cb",
            "",
        ] {
            assert!(!may_redirect(&client, other), "{other}");
        }
    }

    #[test]
    fn a_loopback_address_may_vary_in_its_port_only() {
        let client = client(
            &[
                "http://127.0.0.1/cb",
                "http://[::1]:8000/cb?a=b",
                "http://localhost:3000/cb",
            ],
            "",
        );
        for good in [
            "http://127.0.0.1:51004/cb",
            "http://127.0.0.1/cb",
            "http://[::1]:9/cb?a=b",
            "http://localhost:3000/cb",
        ] {
            assert!(may_redirect(&client, good), "{good}");
        }
        for bad in [
            "http://127.0.0.1:51004/cb2",
            "http://127.0.0.1:99999/cb",
            "http://127.0.0.1:/cb",
            "https://127.0.0.1:1/cb",
            "http://127.0.0.1.evil/cb",
            "http://127.0.0.1@evil/cb",
            "http://127.0.0.1:80@evil/cb",
            "http://[::1]:9/cb",
            "http://localhost:3001/cb",
            "http://127.0.0.2/cb",
        ] {
            assert!(!may_redirect(&client, bad), "{bad}");
        }
    }

    #[test]
    fn only_addresses_that_are_safe_are_registered() {
        for good in [
            "https://app.example/cb?x=1",
            "http://127.0.0.1/cb",
            "http://[::1]/cb",
            "http://localhost:3000/",
        ] {
            assert_eq!(bad_address(good), None, "{good}");
        }
        for bad in [
            "http://app.example/cb",
            "https://app.example/#f",
            "https://*.app.example/cb",
            "myapp://cb",
            "javascript:alert(1)",
            "https://u:p@app.example/cb",
            "/cb",
            "https://app.example/c b",
            "https://äpp.example/",
            "data:text/html,x",
            "http://127.0.0.1.evil/cb",
        ] {
            assert!(bad_address(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn scopes_are_cut_to_what_is_offered_and_registered() {
        let client = client(
            &[],
            "openid fhirUser launch/patient offline_access patient/*.rs",
        );
        let cut = |asked: &str| Scope::join(&allowed(&client, asked));
        assert_eq!(
            cut("openid patient/Patient.read patient/Patient.cruds"),
            "openid patient/Patient.read"
        );
        assert_eq!(
            cut("patient/*.cruds user/*.rs system/*.rs launch admin"),
            ""
        );
        assert_eq!(
            cut("patient/Observation.rs patient/Appointment.rs"),
            "patient/Appointment.rs"
        );
    }

    #[tokio::test]
    async fn an_app_is_added_once_listed_and_switched_off() {
        let db = crate::auth::fixture::empty_db("client").await;
        let new = NewClient {
            client_id: Some("diary".into()),
            name: "Health Diary".into(),
            kind: Kind::Public,
            redirect_uris: vec!["https://diary.example/cb".into()],
            scope: "openid patient/*.rs".into(),
            verified: true,
        };
        let entropy = crate::auth::fixture::Seeded::default();
        let made = register(&db, new.clone(), 5, &entropy).await.unwrap();
        assert_eq!(list(&db).await.unwrap(), std::slice::from_ref(&made));
        assert!(
            register(&db, new.clone(), 5, &entropy).await.is_err(),
            "the id is taken"
        );
        let secret = NewClient {
            kind: Kind::Confidential,
            client_id: None,
            ..new.clone()
        };
        assert!(register(&db, secret, 5, &entropy).await.is_err());
        let odd = NewClient {
            scope: "everything".into(),
            client_id: None,
            ..new.clone()
        };
        assert!(register(&db, odd, 5, &entropy).await.is_err());
        let fresh = register(
            &db,
            NewClient {
                client_id: None,
                ..new
            },
            5,
            &entropy,
        )
        .await
        .unwrap();
        assert_eq!(fresh.client_id.len(), 22);
        disable(&db, "diary", 6).await.unwrap();
        assert!(in_use(&db, "diary").await.unwrap().is_none());
        assert!(disable(&db, "diary", 7).await.is_err());
    }
}
