//! A small practice on the embedded database, for the tests of this room: two patients, one app, a clock that stands.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use time::Duration;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::auth::Context;
use crate::auth::jwks::Cache;
use crate::auth::keys::Keys;
use crate::auth::upstream::Provider;
use crate::config::Config;
use crate::crypto;
use crate::crypto::Entropy;
use crate::db::Db;
use crate::db::sql::Sql;
use crate::domain::refusal::Fault;
use crate::emr::Emr;
use crate::fetch::Fetch;
use crate::fetch::Inside;
use crate::store::clients::Client;
use crate::store::clients::Kind;

/// The app's PKCE verifier.
pub(super) const VERIFIER: &str = "verifier-verifier-verifier-verifier-verifier";
/// Where the app is answered.
pub(super) const REDIRECT: &str = "https://app.example/cb?x=1";
/// Everybody's password.
pub(super) const PASSWORD: &str = "Correct-Horse-7";
/// Alice's FHIR id.
pub(super) const ALICE: Uuid = Uuid::from_u128(0xa11ce);

const PATIENT: &str = "INSERT INTO patient_data (pid, uuid, fname, lname, email, allow_patient_portal) \
    VALUES (?, ?, ?, 'Tester', ?, 'YES')";
const ACCOUNT: &str = "INSERT INTO patient_access_onsite \
    (pid, portal_username, portal_login_username, portal_pwd, portal_pwd_status, portal_onetime) VALUES (?, ?, ?, ?, 1, NULL)";
const GLOBAL: &str = "INSERT INTO globals (gl_name, gl_index, gl_value) VALUES (?, 0, ?)";

/// Unguessable to nobody: each value follows from the one before.
#[derive(Default)]
pub(super) struct Seeded(AtomicU64);

impl Entropy for Seeded {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Fault> {
        for chunk in buffer.chunks_mut(32) {
            let number = self.0.fetch_add(1, Ordering::SeqCst);
            let bytes = crypto::sha256(&number.to_be_bytes());
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
        Ok(())
    }
}

/// The practice.
pub(super) struct House {
    pub(super) emr: Emr,
    pub(super) config: Config,
    pub(super) fetch: Fetch,
    pub(super) key_sets: Cache,
    pub(super) provider: Provider,
    pub(super) keys: Keys,
    pub(super) entropy: Seeded,
    pub(super) now: OffsetDateTime,
}

impl House {
    /// Opens one; `globals` are settings beside the portal's switch.
    pub(super) async fn open(name: &str, globals: &[(&str, &str)]) -> Self {
        let db = empty_db(name).await;
        // Cost 4: the tests are about the rules, not about the price.
        let hash = bcrypt::hash_with_salt(PASSWORD, 4, [7; 16]).unwrap();
        let hash = hash.format_for_version(bcrypt::Version::TwoY);
        for (pid, uuid, who) in [(1_i64, ALICE, "alice"), (2, Uuid::from_u128(0xb0b), "bob")] {
            let email = format!("{who}@mail.example");
            run(
                &db,
                Sql::new(PATIENT).bind(pid).bind(uuid).bind(who).bind(email),
            )
            .await;
            run(
                &db,
                Sql::new(ACCOUNT)
                    .bind(pid)
                    .bind(format!("{who}1"))
                    .bind(who)
                    .bind(&hash),
            )
            .await;
        }
        let switched_on = [
            ("portal_onsite_two_enable", "1"),
            ("enforce_signin_email", "0"),
        ];
        let kept = switched_on
            .iter()
            .filter(|(name, _)| globals.iter().all(|(other, _)| other != name));
        for (name, value) in kept.chain(globals) {
            run(&db, Sql::new(GLOBAL).bind(*name).bind(*value)).await;
        }
        let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        let emr = Emr::open(db.clone(), None, "America/New_York", Arc::new(move || now));
        let emr = emr.await.unwrap();
        db.transaction(|tx| {
            Box::pin(async move { crate::store::clients::add(tx, &client()).await })
        })
        .await
        .unwrap();
        Self {
            emr,
            config: Config::load(None, &std::collections::HashMap::new()).unwrap(),
            fetch: Fetch::new(Inside::Open).unwrap(),
            key_sets: Cache::default(),
            provider: Provider::default(),
            keys: keys(),
            entropy: Seeded::default(),
            now,
        }
    }

    /// What the functions under test are given.
    pub(super) fn context(&self) -> Context<'_> {
        Context {
            emr: &self.emr,
            config: &self.config,
            fetch: &self.fetch,
            key_sets: &self.key_sets,
            provider: &self.provider,
            issuer: "https://emr.example",
            fhir_base: "https://emr.example/fhir",
            now: self.now,
            entropy: &self.entropy,
            keys: &self.keys,
            request_id: "request-1",
        }
    }

    /// Lets time pass.
    pub(super) fn wait(&mut self, seconds: i64) {
        self.now += Duration::seconds(seconds);
    }

    /// Changes something behind the house's back, as OpenEMR's staff do.
    pub(super) async fn change(&self, text: &'static str) {
        run(&self.emr.db, Sql::new(text)).await;
    }

    /// How often the ledger has this action, outcome and reason (or one that begins so and goes on in words).
    pub(super) async fn noted(&self, action: &str, outcome: &str, reason: &str) -> i64 {
        #[derive(sqlx::FromRow)]
        struct Count {
            total: i64,
        }
        let sql = Sql::new(
            "SELECT COUNT(*) AS total FROM anteroom_audit WHERE action = ? AND outcome = ? \
             AND (reason = ? OR reason LIKE ? || ': %')",
        );
        let sql = sql.bind(action).bind(outcome).bind(reason).bind(reason);
        let row: Option<Count> = self.emr.db.one(sql).await.unwrap();
        row.unwrap().total
    }
}

/// A database with all tables and no rows.
pub(super) async fn empty_db(name: &str) -> Db {
    let file = format!("anteroom-auth-{name}-{}.db", std::process::id());
    let path: PathBuf = std::env::temp_dir().join(file);
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{ending}", path.display()));
    }
    let db = Db::open(&format!("sqlite://{}", path.display()), None)
        .await
        .unwrap();
    db.migrate().await.unwrap();
    db
}

/// The signing key, made once for all tests.
pub(super) fn pem() -> &'static str {
    static PEM: OnceLock<String> = OnceLock::new();
    PEM.get_or_init(|| crypto::new_rsa_key().unwrap())
}

/// The keys of the house.
pub(super) fn keys() -> Keys {
    Keys::from_parts(pem(), &crypto::base64url(&[7; 32])).unwrap()
}

/// The registered app.
pub(super) fn client() -> Client {
    Client {
        client_id: "app".into(),
        name: "Health Diary".into(),
        kind: Kind::Public,
        redirect_uris: vec![REDIRECT.into()],
        scope: "openid fhirUser launch/patient offline_access patient/*.rs".into(),
        secret_hash: None,
        jwks: None,
        jwks_uri: None,
        launch_uri: None,
        logout_uris: Vec::new(),
        client_uri: None,
        contact: None,
        verified: false,
        waits: false,
        registered_by: "test".into(),
        created: 1,
        disabled: None,
    }
}

/// A good authorization request, with some parameters changed (or taken out, by an empty value).
pub(super) fn asked(change: &[(&str, &str)]) -> Vec<(String, String)> {
    let challenge = crypto::fingerprint(VERIFIER);
    let mut params: Vec<(String, String)> = [
        ("response_type", "code"),
        ("client_id", "app"),
        ("redirect_uri", REDIRECT),
        ("scope", "openid fhirUser launch/patient offline_access patient/Patient.read patient/Appointment.rs"),
        ("state", "st&te"),
        ("nonce", "n0nce"),
        ("aud", "https://emr.example/fhir"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    for (name, value) in change {
        params.retain(|(known, _)| known != name);
        params.push(((*name).to_owned(), (*value).to_owned()));
    }
    params
}

async fn run(db: &Db, sql: Sql) {
    db.run(sql).await.unwrap();
}
