//! What this server asks of others over HTTP: the key sets of apps, and the practice's identity provider. Small answers,
//! short waits, no redirects; and never an address inside the house for a URL that an app named
//! (`spec/security.md`, cases 17 and 54).

use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use reqwest::Client;
use reqwest::ClientBuilder;
use reqwest::Method;
use reqwest::Url;
use reqwest::dns::Addrs;
use reqwest::dns::Name;
use reqwest::dns::Resolve;
use reqwest::dns::Resolving;
use reqwest::redirect::Policy;

use crate::domain::refusal::Fault;

/// The largest answer that is read: 256 KiB.
const LARGEST: usize = 256 * 1024;

/// How long a whole exchange may take.
const PATIENCE: Duration = Duration::from_secs(5);

const DOING: &str = "asking another server";

/// Who named the address that is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// An app, in its registration: https and public addresses only, except in a sandbox.
    ByApp,
    /// The operator, in the settings: it may be in the same house.
    ByOperator,
}

/// Whether addresses inside the house may be asked on an app's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inside {
    /// A sandbox, where everything is on one machine.
    Open,
    /// A practice.
    Closed,
}

/// A request to another server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// `GET` or `POST`.
    pub method: String,
    /// The absolute URL.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
}

impl Outgoing {
    /// A GET that wants JSON.
    pub fn json(url: &str) -> Self {
        Self {
            method: "GET".to_owned(),
            url: url.to_owned(),
            headers: vec![("accept".to_owned(), "application/json".to_owned())],
            body: Vec::new(),
        }
    }
}

/// What the other server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// The status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body, whole.
    pub body: Vec<u8>,
}

impl Incoming {
    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// The two clients: one that goes anywhere the operator says, one that stays outside. A copy shares their connections.
#[derive(Clone)]
pub struct Fetch {
    operator: Client,
    app: Client,
    inside: Inside,
}

impl Fetch {
    /// Makes the clients.
    ///
    /// # Errors
    /// A fault where the machine's trust store cannot be read.
    pub fn new(inside: Inside) -> Result<Self, Fault> {
        let app = match inside {
            Inside::Open => client(),
            Inside::Closed => client().dns_resolver(Arc::new(Outside)),
        };
        let build = |builder: ClientBuilder| {
            builder
                .build()
                .map_err(|error| Fault::new("preparing outgoing connections", error))
        };
        Ok(Self {
            operator: build(client())?,
            app: build(app)?,
            inside,
        })
    }

    /// Sends a request and reads the answer.
    ///
    /// # Errors
    /// A fault for an address that may not be asked, an answer that is too large or too slow, or none at all.
    pub async fn send(&self, outgoing: &Outgoing, named: Named) -> Result<Incoming, Fault> {
        let url: Url = outgoing
            .url
            .parse()
            .map_err(|error| Fault::new(DOING, error))?;
        let client = match named {
            Named::ByOperator => &self.operator,
            Named::ByApp => {
                if self.inside == Inside::Closed {
                    outside(&url)?;
                }
                &self.app
            }
        };
        let method = Method::from_bytes(outgoing.method.as_bytes())
            .map_err(|error| Fault::new(DOING, error))?;
        let mut request = client.request(method, url).body(outgoing.body.clone());
        for (name, value) in &outgoing.headers {
            request = request.header(name, value);
        }
        let response = request
            .send()
            .await
            .map_err(|error| Fault::new(DOING, error.without_url()))?;
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .filter_map(|(name, value)| {
                Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
            })
            .collect();
        let mut body = Vec::new();
        let mut chunks = response.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| Fault::new(DOING, error.without_url()))?;
            if body.len() + chunk.len() > LARGEST {
                return Err(Fault::new(DOING, "the answer is larger than 256 KiB"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Incoming {
            status,
            headers,
            body,
        })
    }
}

fn client() -> ClientBuilder {
    Client::builder()
        .redirect(Policy::none())
        .timeout(PATIENCE)
        .connect_timeout(PATIENCE)
        .no_proxy()
        .pool_max_idle_per_host(1)
        .user_agent("anteroom")
}

/// Names of public hosts only: whatever a name resolves to at the moment of connecting is what counts.
struct Outside;

impl Resolve for Outside {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|at| is_public(at.ip())).collect();
            match public.is_empty() {
                true => Err("the name has no public address".into()),
                false => Ok(Box::new(public.into_iter()) as Addrs),
            }
        })
    }
}

/// An address that is written as a number goes past the resolver.
fn outside(url: &Url) -> Result<(), Fault> {
    let refused = |why: &'static str| Err(Fault::new(DOING, why));
    if url.scheme() != "https" {
        return refused("only https addresses are asked");
    }
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(address) if !is_public(address) => refused("the address is not a public one"),
        _ => Ok(()),
    }
}

/// Whether an address is somewhere else in the world (RFC 6890): not this machine, this house, or nobody.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            let shared = a == 100 && (64..128).contains(&b);
            let protocol = a == 192 && b == 0 && (c == 0 || c == 2);
            let benchmark = a == 198 && (b & 0xfe) == 18;
            let never = a == 0 || a >= 224;
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_documentation()
                || shared
                || protocol
                || benchmark
                || never)
        }
        IpAddr::V6(v6) => {
            let [first, second, ..] = v6.segments();
            let global = (first & 0xe000) == 0x2000;
            let documentation = first == 0x2001 && second == 0x0db8;
            // 6to4 and Teredo carry an IPv4 address that may be inside.
            let tunnel = first == 0x2002 || (first == 0x2001 && second == 0);
            global && !documentation && !tunnel
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_17_only_addresses_elsewhere_in_the_world_are_public() {
        for public in ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "100.128.0.1"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for inside in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.2.1",
            "198.18.0.1",
            "::1",
            "::",
            "::ffff:127.0.0.1",
            "fe80::1",
            "fc00::1",
            "ff02::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "64:ff9b::7f00:1",
        ] {
            assert!(!is_public(inside.parse().unwrap()), "{inside}");
        }
    }

    #[tokio::test]
    async fn case_17_an_app_cannot_make_the_server_look_inside_its_own_house() {
        let canary = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = canary.local_addr().unwrap().port();
        let fetch = Fetch::new(Inside::Closed).unwrap();
        for url in [
            format!("http://127.0.0.1:{port}/jwks"),
            format!("https://127.0.0.1:{port}/jwks"),
            format!("https://localhost:{port}/jwks"),
            format!("https://[::1]:{port}/jwks"),
            format!("https://[::ffff:127.0.0.1]:{port}/jwks"),
            format!("https://2130706433:{port}/jwks"),
            "file:///etc/passwd".to_owned(),
            "https://169.254.169.254/latest".to_owned(),
        ] {
            let answer = fetch.send(&Outgoing::json(&url), Named::ByApp).await;
            assert!(answer.is_err(), "{url}");
        }
        let knocked = tokio::time::timeout(Duration::from_millis(50), canary.accept()).await;
        assert!(knocked.is_err(), "no socket was opened");
    }
}
