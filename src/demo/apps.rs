//! The sandbox's apps: one of each kind, one for clinicians, and the sample app. Their secrets and private keys are made
//! with the sandbox and live in its `demo.json` alone; Anteroom keeps fingerprints and public keys, as of every app.

use serde_json::Value;
use serde_json::json;

use crate::auth::client;
use crate::auth::client::Deed;
use crate::auth::client::NewClient;
use crate::crypto;
use crate::crypto::Entropy;
use crate::demo::manifest::DemoClient;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Fault;
use crate::http::site::SAMPLE_APP;
use crate::http::site::SANDBOX_CLIENT;
use crate::store::clients;
use crate::store::clients::Client;
use crate::store::clients::Kind;

/// Where the sandbox's own clients take their answers (`interface.md`, demo.json).
const CALLBACK: &str = "http://127.0.0.1:8765/callback";

/// Where staff start the clinicians' app.
const LAUNCH: &str = "http://127.0.0.1:8765/launch";

/// What an app for patients may ask for.
const PATIENT: &str = "openid fhirUser profile launch/patient offline_access patient/*.crus";

/// The same for an app that also asks for as long as its user is there.
const PATIENT_ONLINE: &str =
    "openid fhirUser profile launch/patient offline_access online_access patient/*.crus";

/// What the clinicians' app may ask for.
const CLINICIAN: &str = "openid fhirUser profile launch launch/patient offline_access online_access user/*.rs patient/*.rs";

/// What the backend service may ask for.
const BACKEND: &str = "system/*.rs";

/// One app as it is registered: id, name, kind, scopes.
const APPS: [(&str, &str, Kind, &str); 6] = [
    (SANDBOX_CLIENT, "Sandbox test app", Kind::Public, PATIENT),
    (SAMPLE_APP, "Anteroom's sample app", Kind::Public, PATIENT),
    (
        "demo-confidential",
        "Sandbox app with a secret",
        Kind::Confidential,
        PATIENT_ONLINE,
    ),
    (
        "demo-asymmetric",
        "Sandbox app with a key pair",
        Kind::Asymmetric,
        PATIENT_ONLINE,
    ),
    (
        "demo-backend",
        "Sandbox backend service",
        Kind::Backend,
        BACKEND,
    ),
    (
        CLINICIAN_APP,
        "Sandbox chart viewer",
        Kind::Public,
        CLINICIAN,
    ),
];

/// The app that staff start.
const CLINICIAN_APP: &str = "demo-clinician";

/// Registers what is not registered yet, and tells every app with its secret or private key: the ones `kept` from the
/// last time where they still fit, else new ones, which replace what is registered. `own` is where the sample app is.
///
/// # Errors
/// As [`client::register`].
pub async fn register(
    deed: &Deed<'_>,
    own: &str,
    kept: &[DemoClient],
    entropy: &dyn Entropy,
) -> Answer<Vec<DemoClient>> {
    let mut apps = Vec::new();
    for (client_id, name, kind, scope) in APPS {
        let redirect = match (client_id, kind) {
            (SAMPLE_APP, _) => Some(own),
            (_, Kind::Backend) => None,
            _ => Some(CALLBACK),
        };
        let mut app = DemoClient {
            client_id: client_id.to_owned(),
            name: name.to_owned(),
            kind: kind.word().to_owned(),
            redirect_uris: redirect.into_iter().map(str::to_owned).collect(),
            client_secret: None,
            private_jwk: None,
            scope: scope.to_owned(),
            launch_uri: (client_id == CLINICIAN_APP).then(|| LAUNCH.to_owned()),
        };
        // A reopened sandbox may listen on another port; for loopback addresses the port does not matter (RFC 8252).
        match clients::find(deed.db, client_id).await? {
            Some(known) => reopen(deed, &mut app, (&known, kept), entropy).await?,
            None => add(deed, &mut app, kind, entropy).await?,
        }
        apps.push(app);
    }
    Ok(apps)
}

async fn add(
    deed: &Deed<'_>,
    app: &mut DemoClient,
    kind: Kind,
    entropy: &dyn Entropy,
) -> Answer<()> {
    app.private_jwk = kind.signs().then(private_jwk).transpose()?;
    let new = NewClient {
        client_id: Some(app.client_id.clone()),
        redirect_uris: app.redirect_uris.clone(),
        scope: app.scope.clone(),
        jwks: app.private_jwk.as_ref().map(public_set),
        launch_uri: app.launch_uri.clone(),
        verified: matches!(app.client_id.as_str(), SAMPLE_APP | CLINICIAN_APP),
        ..NewClient::named(&app.name, kind)
    };
    app.client_secret = client::register(deed, new, entropy).await?.secret;
    Ok(())
}

/// Finds the secret and private key of an app that was registered before.
async fn reopen(
    deed: &Deed<'_>,
    app: &mut DemoClient,
    (known, kept): (&Client, &[DemoClient]),
    entropy: &dyn Entropy,
) -> Answer<()> {
    let remembered = kept.iter().find(|kept| kept.client_id == app.client_id);
    let secret = remembered.and_then(|kept| kept.client_secret.clone());
    let private = remembered.and_then(|kept| kept.private_jwk.clone());
    let fits = secret.as_deref().map(crypto::fingerprint) == known.secret_hash
        && private.as_ref().map(public_set) == known.jwks;
    (app.client_secret, app.private_jwk) = match fits {
        true => (secret, private),
        false => renew(deed, known, entropy).await?,
    };
    Ok(())
}

/// Replaces a secret or key that nobody remembers.
async fn renew(
    deed: &Deed<'_>,
    known: &Client,
    entropy: &dyn Entropy,
) -> Answer<(Option<String>, Option<Value>)> {
    let secret = match known.kind {
        Kind::Confidential => Some(client::new_secret(entropy)?),
        _ => None,
    };
    let private = known.kind.signs().then(private_jwk).transpose()?;
    let hash = secret.as_deref().map(crypto::fingerprint);
    client::renew(deed, known, (hash, private.as_ref().map(public_set))).await?;
    Ok((secret, private))
}

/// A new private key for ES384 (RFC 7518, 6.2), named by its thumbprint (RFC 7638).
fn private_jwk() -> Result<Value, Fault> {
    let [x, y, d] = crypto::new_p384_key()?.map(|number| crypto::base64url(&number));
    let thumb = format!("{{\"crv\":\"P-384\",\"kty\":\"EC\",\"x\":\"{x}\",\"y\":\"{y}\"}}");
    Ok(json!({
        "kty": "EC", "crv": "P-384", "alg": "ES384", "use": "sig", "kid": crypto::fingerprint(&thumb),
        "x": x, "y": y, "d": d,
    }))
}

/// The JWK set with the public half of a private key.
fn public_set(private: &Value) -> String {
    let mut public = private.clone();
    if let Some(members) = public.as_object_mut() {
        members.remove("d");
    }
    json!({ "keys": [public] }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::jwks;
    use crate::crypto::SystemEntropy;
    use crate::db::Db;
    use crate::fetch::Inside;
    use time::OffsetDateTime;

    async fn sandbox(name: &str) -> Db {
        let file = format!("anteroom-apps-{name}-{}.db", std::process::id());
        let path = std::env::temp_dir().join(file);
        let _ = std::fs::remove_file(&path);
        let url = format!("sqlite://{}", path.display());
        let db = Db::open(&url, None).await.unwrap();
        db.migrate().await.unwrap();
        db
    }

    async fn apps(db: &Db, kept: &[DemoClient]) -> Vec<DemoClient> {
        let deed = Deed {
            db,
            by: "sandbox",
            now: OffsetDateTime::UNIX_EPOCH,
            request_id: "",
            inside: Inside::Open,
        };
        let own = "http://127.0.0.1:8080/app";
        register(&deed, own, kept, &SystemEntropy).await.unwrap()
    }

    #[tokio::test]
    async fn there_is_one_of_each_kind_and_it_stays_the_same() {
        let db = sandbox("same").await;
        let made = apps(&db, &[]).await;
        for (word, kind) in Kind::WORDS {
            let app = made.iter().find(|app| app.kind == word).unwrap();
            assert_eq!(
                app.client_secret.is_some(),
                kind == Kind::Confidential,
                "{word}"
            );
            assert_eq!(app.private_jwk.is_some(), kind.signs(), "{word}");
            assert_eq!(
                app.redirect_uris.is_empty(),
                kind == Kind::Backend,
                "{word}"
            );
        }
        assert_eq!(made[0].redirect_uris, [CALLBACK], "the first public one");
        assert_eq!(apps(&db, &made).await, made, "reopened");
    }

    #[tokio::test]
    async fn what_is_forgotten_is_replaced_and_what_is_kept_is_public() {
        let db = sandbox("forgotten").await;
        let made = apps(&db, &[]).await;
        let again = apps(&db, &[]).await;
        for (before, now) in made.iter().zip(&again) {
            let known = clients::find(&db, &now.client_id).await.unwrap().unwrap();
            let text = format!("{known:?}");
            if let Some(secret) = &now.client_secret {
                assert_ne!(before.client_secret.as_ref(), Some(secret));
                assert_eq!(known.secret_hash, Some(crypto::fingerprint(secret)));
                assert!(!text.contains(secret));
            }
            if let Some(private) = &now.private_jwk {
                assert_ne!(before.private_jwk.as_ref(), Some(private));
                assert_eq!(known.jwks, Some(public_set(private)));
                assert!(!text.contains(private["d"].as_str().unwrap()));
                assert_eq!(jwks::check(&public_set(private)), Ok(()));
            }
        }
    }
}
