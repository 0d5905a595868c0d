//! Who may come in: login, the SMART launch, tokens, keys. No HTTP in this room; `http` turns what it answers into
//! responses.

pub mod accounts;
pub mod apps;
mod assertion;
pub mod authorize;
mod bare_letters;
pub mod circulars;
pub mod client;
pub mod client_auth;
pub mod consent;
pub mod csrf;
pub mod desk;
pub mod device;
pub mod discovery;
pub mod email_change;
pub mod form_letters;
pub mod hint;
pub mod introspect;
pub mod jwks;
pub mod keys;
pub mod launch;
pub mod links;
pub mod login;
pub mod logout;
pub mod lost;
pub mod new_credentials;
pub mod notices;
pub mod oauth_error;
pub mod onboarding;
pub mod own_login;
pub mod password;
pub mod policy;
pub mod redeem;
pub mod registering;
pub mod registration;
pub mod request;
pub mod reviews;
pub mod revoke;
pub mod session;
pub mod staff_login;
pub mod token;
pub mod upstream;
pub mod visits;
pub mod who;

#[cfg(test)]
mod client_fixture;
#[cfg(test)]
mod fixture;

use time::OffsetDateTime;

use crate::auth::jwks::Cache;
use crate::auth::keys::Keys;
use crate::auth::upstream::Provider;
use crate::config::Config;
use crate::crypto::Entropy;
use crate::emr::Emr;
use crate::fetch::Fetch;
use crate::store::ledger::Entry;
use crate::store::ledger::Outcome;

/// What every function of this room is given.
pub struct Context<'a> {
    /// The practice and its database.
    pub emr: &'a Emr,
    /// The settings.
    pub config: &'a Config,
    /// What asks other servers.
    pub fetch: &'a Fetch,
    /// The keys of apps, as fetched a moment ago.
    pub key_sets: &'a Cache,
    /// The practice's identity provider, as it told about itself.
    pub provider: &'a Provider,
    /// This server's issuer, without a slash at the end.
    pub issuer: &'a str,
    /// The FHIR base, without a slash at the end.
    pub fhir_base: &'a str,
    /// The time of the request.
    pub now: OffsetDateTime,
    /// Where secrets come from.
    pub entropy: &'a dyn Entropy,
    /// The keys of the house.
    pub keys: &'a Keys,
    /// The id of the request, which every line of the ledger carries.
    pub request_id: &'a str,
}

impl Context<'_> {
    /// The time as the tables hold it: seconds since 1970.
    pub fn seconds(&self) -> i64 {
        self.now.unix_timestamp()
    }

    /// A line of the ledger for what this request does.
    pub fn entry(&self, action: &'static str, outcome: Outcome) -> Entry {
        let mut entry = Entry::new(action, outcome, self.now);
        self.request_id.clone_into(&mut entry.request_id);
        entry
    }
}
