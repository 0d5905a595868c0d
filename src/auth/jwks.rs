//! The public keys of apps that sign (RFC 7517): what a set may hold, which key an assertion means, and the sets that
//! are fetched from where an app keeps them.

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::Mutex;

use jsonwebtoken::Algorithm;
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::auth::Context;
use crate::crypto;
use crate::fetch::Fetch;
use crate::fetch::Incoming;
use crate::fetch::Named;
use crate::fetch::Outgoing;

/// The largest set.
const LARGEST: usize = 64 * 1024;

/// The most keys of a set.
const MOST_KEYS: usize = 20;

/// The longest name of a key.
const LONGEST_KID: usize = 256;

/// RSA keys from here to here, in bits: below it is broken, above it is slow.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// Seconds a set is believed whose answer says nothing about it, and the most it may say.
const UNSAID: i64 = 60;
const LONGEST_LIFE: i64 = 3600;

/// Seconds between two fetches for the sake of a key that is not in the set.
const BETWEEN_SEARCHES: i64 = 30;

/// Seconds a failed fetch is not tried again, so that nobody can be knocked at through this server.
const BETWEEN_FAILURES: i64 = 5;

/// How many apps' sets are remembered; beyond that the memory starts anew.
const REMEMBERED: usize = 1000;

/// A public key that may sign.
pub struct Key {
    kid: String,
    algorithm: Algorithm,
    /// In jsonwebtoken's words.
    pub decoding: DecodingKey,
}

/// The keys of one app.
pub struct Set(Vec<Key>);

impl Set {
    /// The one key of that name for that algorithm: a set has no two.
    pub fn find(&self, kid: &str, algorithm: Algorithm) -> Option<&Key> {
        let fits = |key: &&Key| key.kid == kid && key.algorithm == algorithm;
        self.0.iter().find(fits)
    }
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Jwk>,
}

/// Members of RFC 7518, 6; the private ones are looked for and not read.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    d: Option<IgnoredAny>,
    p: Option<IgnoredAny>,
    q: Option<IgnoredAny>,
    dp: Option<IgnoredAny>,
    dq: Option<IgnoredAny>,
    qi: Option<IgnoredAny>,
    oth: Option<IgnoredAny>,
    k: Option<IgnoredAny>,
}

/// Whether a JWK set may be registered.
///
/// # Errors
/// A sentence for the app's developer that names the key and what is wrong with it.
pub fn check(text: &str) -> Result<(), String> {
    read(text).map(|_| ())
}

/// Reads a JWK set. Keys for something else than RS384 and ES384 signatures are passed over (RFC 7517, 5), but a set
/// with a secret in it, or with a key that is too weak, is refused whole.
///
/// # Errors
/// As [`check`].
pub fn read(text: &str) -> Result<Set, String> {
    if text.len() > LARGEST {
        return Err("the key set is larger than 64 KiB".to_owned());
    }
    let document: Document = serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        format!("the key set is not {{\"keys\": [...]}} in JSON (line {line}, column {column})")
    })?;
    if document.keys.len() > MOST_KEYS {
        return Err(format!("the key set has more than {MOST_KEYS} keys"));
    }
    let mut names = HashSet::new();
    let mut keys = Vec::new();
    for (number, jwk) in document.keys.iter().enumerate() {
        let at = |why: &str| format!("key {} of the key set: {why}", number + 1);
        if jwk.is_secret() {
            return Err(at(
                "it holds a secret; register public keys only, and throw this one away",
            ));
        }
        let Some(algorithm) = jwk.algorithm() else {
            continue;
        };
        let decoding = jwk.decoding(algorithm).map_err(|why| at(&why))?;
        let kid = jwk
            .kid
            .clone()
            .filter(|kid| (1..=LONGEST_KID).contains(&kid.len()));
        let kid = kid.ok_or_else(|| at("kid is required, 1 to 256 characters"))?;
        if !names.insert((kid.clone(), jwk.kty.clone())) {
            return Err(at("its kid is another key's already"));
        }
        keys.push(Key {
            kid,
            algorithm,
            decoding,
        });
    }
    match keys.is_empty() {
        true => Err(
            "the key set has no key for signatures: an RSA key of 2048 bits or more (RS384) or an EC key on P-384 (ES384)"
                .to_owned(),
        ),
        false => Ok(Set(keys)),
    }
}

impl Jwk {
    fn is_secret(&self) -> bool {
        let parts = [
            &self.d, &self.p, &self.q, &self.dp, &self.dq, &self.qi, &self.oth, &self.k,
        ];
        self.kty == "oct" || parts.iter().any(|part| part.is_some())
    }

    /// What the key signs with here; `None` where it is for something else.
    fn algorithm(&self) -> Option<Algorithm> {
        let (algorithm, name) = match self.kty.as_str() {
            "RSA" => (Algorithm::RS384, "RS384"),
            "EC" => (Algorithm::ES384, "ES384"),
            _ => return None,
        };
        let signs = self.usage.as_deref().is_none_or(|usage| usage == "sig");
        let verifies = |all: &Vec<String>| all.iter().any(|one| one == "verify");
        let verifies = self.key_ops.as_ref().is_none_or(verifies);
        let named = self.alg.as_deref().is_none_or(|alg| alg == name);
        (signs && verifies && named).then_some(algorithm)
    }

    fn decoding(&self, algorithm: Algorithm) -> Result<DecodingKey, String> {
        match algorithm {
            Algorithm::RS384 => self.rsa(),
            _ => self.ec(),
        }
    }

    fn rsa(&self) -> Result<DecodingKey, String> {
        let (n, e) = (number(self.n.as_ref(), "n")?, number(self.e.as_ref(), "e")?);
        let bits = n.len() * 8 - n.first().map_or(0, |first| first.leading_zeros() as usize);
        if !RSA_BITS.contains(&bits) {
            return Err(format!("an RSA key has 2048 to 8192 bits, this one {bits}"));
        }
        let odd = |bytes: &[u8]| bytes.last().is_some_and(|last| last % 2 == 1);
        if !odd(&n) || !odd(&e) || e == [1] || e.len() > 4 {
            return Err(
                "e of an RSA key is odd, 3 or more and at most 32 bits; 65537 is usual".to_owned(),
            );
        }
        Ok(DecodingKey::from_rsa_raw_components(&n, &e))
    }

    fn ec(&self) -> Result<DecodingKey, String> {
        if self.crv.as_deref() != Some("P-384") {
            return Err("crv of an EC key must be P-384, which ES384 uses".to_owned());
        }
        let (Some(x), Some(y)) = (&self.x, &self.y) else {
            return Err("an EC key has x and y".to_owned());
        };
        let coordinate = |text| crypto::from_base64url(text).unwrap_or_default();
        if !crypto::is_on_p384(&coordinate(x), &coordinate(y)) {
            return Err(
                "x and y are not a point on P-384 in base64url of 48 bytes each".to_owned(),
            );
        }
        DecodingKey::from_ec_components(x, y).map_err(|_| "x and y cannot be read".to_owned())
    }
}

/// A number as bytes, without the zeros some write before it.
fn number(text: Option<&String>, name: &str) -> Result<Vec<u8>, String> {
    let bytes = text.and_then(|text| crypto::from_base64url(text));
    let bytes: Vec<u8> = bytes
        .unwrap_or_default()
        .into_iter()
        .skip_while(|byte| *byte == 0)
        .collect();
    match bytes.is_empty() {
        true => Err(format!(
            "{name} of an RSA key is a number in base64url without padding"
        )),
        false => Ok(bytes),
    }
}

/// What was last heard from where an app keeps its keys.
struct Heard {
    uri: String,
    answer: Result<Arc<Set>, String>,
    at: i64,
    until: i64,
    /// When it was last asked because of an unknown key.
    searched: i64,
}

/// Sets that were fetched, by app. A second request for one app waits for the first one's fetch.
#[derive(Default)]
pub struct Cache(Mutex<HashMap<String, Arc<tokio::sync::Mutex<Option<Heard>>>>>);

impl Cache {
    /// The keys an app has at its address, fetched where they are too old, and once more where `kid` is not in them.
    ///
    /// # Errors
    /// A sentence for the app's developer: the address did not answer, or not with a key set.
    pub async fn at(
        &self,
        context: &Context<'_>,
        (client_id, uri): (&str, &str),
        (kid, algorithm): (&str, Algorithm),
    ) -> Result<Arc<Set>, String> {
        let place = self.place(client_id);
        let asking = Asking {
            fetch: context.fetch.clone(),
            request_id: context.request_id.to_owned(),
            uri: uri.to_owned(),
            now: context.seconds(),
        };
        let kid = kid.to_owned();
        // On its own feet: a caller who goes away would leave no trace, and could knock again at once.
        let looked = tokio::spawn(async move {
            let mut place = place.lock().await;
            asking.look(&mut place, (&kid, algorithm)).await
        });
        let gone = |_| Err("the registered jwks_uri could not be asked".to_owned());
        looked.await.unwrap_or_else(gone)
    }

    fn place(&self, client_id: &str) -> Arc<tokio::sync::Mutex<Option<Heard>>> {
        let mut known = match self.0.lock() {
            Ok(known) => known,
            Err(poisoned) => poisoned.into_inner(),
        };
        if known.len() >= REMEMBERED && !known.contains_key(client_id) {
            known.clear();
        }
        known.entry(client_id.to_owned()).or_default().clone()
    }
}

/// What it takes to ask for a set.
struct Asking {
    fetch: Fetch,
    request_id: String,
    uri: String,
    now: i64,
}

impl Asking {
    async fn look(
        &self,
        place: &mut Option<Heard>,
        (kid, algorithm): (&str, Algorithm),
    ) -> Result<Arc<Set>, String> {
        let now = self.now;
        let known = place
            .take()
            .filter(|heard| heard.uri == self.uri && heard.at <= now);
        let searched = known.as_ref().map_or(i64::MIN / 2, |heard| heard.searched);
        let mut heard = match known {
            Some(heard) if now < heard.until => heard,
            _ => self.ask().await,
        };
        heard.searched = searched;
        let missing = heard
            .answer
            .as_ref()
            .is_ok_and(|set| set.find(kid, algorithm).is_none());
        if missing && heard.at < now && now - searched >= BETWEEN_SEARCHES {
            let again = self.ask().await;
            if again.answer.is_ok() {
                heard = again;
            }
            heard.searched = now;
        }
        let answer = heard.answer.clone();
        *place = Some(heard);
        answer
    }

    async fn ask(&self) -> Heard {
        let outgoing = Outgoing::json(&self.uri);
        let sent = self.fetch.send(&outgoing, Named::ByApp).await;
        let (answer, life) = match sent {
            Ok(incoming) => match taken(&incoming) {
                Ok(set) => (Ok(Arc::new(set)), life(&incoming)),
                Err(why) => (
                    Err(format!("the registered jwks_uri: {why}")),
                    BETWEEN_FAILURES,
                ),
            },
            Err(fault) => {
                tracing::warn!(
                    request_id = self.request_id,
                    ?fault,
                    "a jwks_uri did not answer"
                );
                let why = "the registered jwks_uri did not answer within 5 seconds, or may not be asked (https, no redirect, at most 64 KiB)";
                (Err(why.to_owned()), BETWEEN_FAILURES)
            }
        };
        Heard {
            uri: self.uri.clone(),
            answer,
            at: self.now,
            until: self.now + life,
            searched: i64::MIN / 2,
        }
    }
}

fn taken(incoming: &Incoming) -> Result<Set, String> {
    if incoming.status != 200 {
        return Err(format!(
            "it answered with status {}, not 200",
            incoming.status
        ));
    }
    let text = std::str::from_utf8(&incoming.body).map_err(|_| "it is not UTF-8".to_owned())?;
    read(text)
}

/// Seconds an answer may be kept (RFC 9111, 5.2.2): as long as it says and never longer than an hour.
fn life(incoming: &Incoming) -> i64 {
    let value = incoming
        .header("cache-control")
        .unwrap_or_default()
        .to_ascii_lowercase();
    let mut said = None;
    for word in value.split(',').map(str::trim) {
        match word.split_once('=').unwrap_or((word, "")) {
            ("no-store" | "no-cache", _) => return 0,
            ("max-age", seconds) => {
                said = seconds.trim_matches('"').parse::<i64>().ok().or(Some(0))
            }
            _ => {}
        }
    }
    let age = incoming
        .header("age")
        .and_then(|age| age.trim().parse::<i64>().ok());
    let left = said.map(|said| said.saturating_sub(age.unwrap_or_default().max(0)));
    left.unwrap_or(UNSAID).clamp(0, LONGEST_LIFE)
}

#[cfg(test)]
mod tests;
