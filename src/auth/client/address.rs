//! Redirect addresses: whether an answer may go there, and what a person is shown of one.

use openidconnect::url::Host;
use openidconnect::url::Url;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use crate::store::clients::Client;

/// Whether an answer for this app may go to `asked`: exactly as registered (RFC 9700, 2.1), or a loopback address
/// that differs in the port alone (RFC 8252, 7.3).
pub fn may_redirect(client: &Client, asked: &str) -> bool {
    let registered = |known: &String| {
        known == asked
            || without_port(known).is_some_and(|known| Some(known) == without_port(asked))
    };
    client.redirect_uris.iter().any(registered)
}

/// Where a redirect address leads, for a person to judge: its host, or the scheme of an app on a phone, which stands
/// for the app itself. Empty for what is no address.
pub fn host(redirect_uri: &str) -> String {
    let Ok(url) = Url::parse(redirect_uri) else {
        return String::new();
    };
    match (url.scheme(), url.host_str()) {
        ("https" | "http", Some(host)) => host.to_owned(),
        ("https" | "http", None) => String::new(),
        (scheme, _) => scheme.to_owned(),
    }
}

/// Scheme, host and port of a redirect address, for the `form-action` of the pages that lead there; the scheme alone
/// for an app on a phone, whose addresses have no origin.
pub fn origin(redirect_uri: &str) -> String {
    let Ok(url) = Url::parse(redirect_uri) else {
        return String::new();
    };
    match url.scheme() {
        "https" | "http" => url.origin().ascii_serialization(),
        scheme => format!("{scheme}:"),
    }
}

/// Whether a URL leads to the same machine.
pub(super) fn is_loopback(url: &Url) -> bool {
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
    use crate::store::clients::Kind;

    fn client(uris: &[&str]) -> Client {
        Client {
            kind: Kind::Public,
            redirect_uris: uris.iter().map(|uri| (*uri).to_owned()).collect(),
            ..crate::auth::fixture::client()
        }
    }

    #[test]
    fn an_address_is_compared_letter_by_letter() {
        let client = client(&["https://app.example/cb"]);
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
        let client = client(&[
            "http://127.0.0.1/cb",
            "http://[::1]:8000/cb?a=b",
            "http://localhost:3000/cb",
        ]);
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
    fn an_app_on_a_phone_is_shown_by_its_scheme() {
        assert_eq!(host("com.example.app:/cb"), "com.example.app");
        assert_eq!(host("com.example.app://evil.example/cb"), "com.example.app");
        assert_eq!(origin("com.example.app:/cb"), "com.example.app:");
        assert_eq!(host("https://app.example:8443/cb"), "app.example");
        assert_eq!(
            origin("https://app.example:8443/cb"),
            "https://app.example:8443"
        );
        assert_eq!((host("/cb"), origin("/cb")), (String::new(), String::new()));
    }

    #[test]
    fn an_address_of_a_phone_app_is_compared_letter_by_letter() {
        let client = client(&["com.example.app:/cb"]);
        assert!(may_redirect(&client, "com.example.app:/cb"));
        for other in [
            "com.example.app:/cb2",
            "com.example.app://cb",
            "com.example.App:/cb",
        ] {
            assert!(!may_redirect(&client, other), "{other}");
        }
    }
}
