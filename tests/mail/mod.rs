//! Letters, from the outbox to what a real mail server took (`conformance/smtp`), which fails in every way one can.

mod faults;
mod injection;
mod staff;
mod visits;
mod wire;

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use anteroom::auth::links;
use anteroom::config::Config;
use anteroom::config::notify::Smtp;
use anteroom::config::notify::Tls;
use anteroom::config::notify::Transport;
use anteroom::crypto;
use anteroom::domain::language::Language;
use anteroom::mail::Office;
use anteroom::mail::carrier::Patience;
use anteroom::store::links::NewLink;
use anteroom::store::links::Purpose;
use anteroom::store::outbox;
use anteroom::store::outbox::Letter;
use anteroom::store::outbox::NewLetter;
use anteroom::worker::outbox::Round;
use serde_json::Value;
use serde_json::json;
use tokio::sync::watch;
use uuid::Uuid;

use crate::clinic::Clinic;
use crate::clinic::engine;

/// A practice whose letters go to the mail server that `./test` started.
struct Post {
    clinic: Clinic,
    /// The settings, to be changed by a test.
    config: Config,
    /// What the server tells about itself.
    server: Value,
    /// How this practice's server calls itself there, which chooses its box and its mode.
    name: String,
}

/// What the server took: the envelope, and the message as it came.
struct Taken {
    envelope: Value,
    bytes: String,
}

impl Taken {
    /// The headers by name; a name that comes twice fails the test.
    fn headers(&self) -> HashMap<String, String> {
        let (head, _) = self.bytes.split_once("\r\n\r\n").expect("headers and body");
        let mut found = HashMap::new();
        for line in head.replace("\r\n ", " ").split("\r\n") {
            let (name, value) = line.split_once(": ").expect("a header");
            let before = found.insert(name.to_owned(), value.to_owned());
            assert_eq!(before, None, "{name} twice");
        }
        found
    }
}

impl Post {
    /// On SQLite; `None`, said aloud, where there is no mail server.
    async fn open(name: &str) -> Option<Self> {
        let server = engine::mail_server()?;
        let url = format!("https://{name}.test");
        let clinic = Clinic::with(|config| config.public_url = url).await;
        Some(Self::of(clinic, name, server))
    }

    /// On MariaDB.
    async fn on_mariadb(name: &str) -> Option<Self> {
        let server = engine::mail_server()?;
        let url = format!("https://{name}.test");
        let clinic = Clinic::on_mariadb_with("7.0.4", |config| config.public_url = url).await?;
        Some(Self::of(clinic, name, server))
    }

    fn of(clinic: Clinic, name: &str, server: Value) -> Self {
        let mut config = clinic.app.config.clone();
        config.notify.transport = Transport::Smtp(smtp(&server));
        let post = Self {
            clinic,
            config,
            server,
            name: format!("{name}.test"),
        };
        let _ = fs::remove_dir_all(post.box_folder());
        post.mode("ok");
        post
    }

    fn folder(&self) -> PathBuf {
        Path::new(self.server["folder"].as_str().expect("a folder")).to_owned()
    }

    fn box_folder(&self) -> PathBuf {
        self.folder().join("taken").join(&self.name)
    }

    /// How the server treats this practice from now on.
    fn mode(&self, mode: &str) {
        fs::write(self.folder().join("modes").join(&self.name), mode).expect("a mode");
    }

    fn office(&self) -> Office<'_> {
        Office {
            emr: &self.clinic.app.emr,
            config: &self.config,
            keys: &self.clinic.app.keys,
            patience: Patience {
                door: Duration::from_secs(20),
                letter: Duration::from_secs(20),
            },
        }
    }

    /// A round of one worker.
    async fn round(&self) -> Round {
        self.round_of(&self.office(), "one").await
    }

    async fn round_of(&self, office: &Office<'_>, worker: &str) -> Round {
        let (_stop, stopped) = watch::channel(false);
        anteroom::worker::outbox::round(office, worker, &stopped)
            .await
            .expect("a round")
    }

    /// What the server took of this practice, in its order.
    fn taken(&self) -> Vec<Taken> {
        let Ok(files) = fs::read_dir(self.box_folder()) else {
            return Vec::new();
        };
        let mut paths: Vec<PathBuf> = files.flatten().map(|file| file.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|kind| kind == "eml"));
        paths.sort();
        let read = |path: PathBuf| {
            let text = fs::read_to_string(path).expect("a message of ASCII");
            let (envelope, bytes) = text.split_once('\n').expect("an envelope");
            Taken {
                envelope: serde_json::from_str(envelope).expect("JSON"),
                bytes: bytes.to_owned(),
            }
        };
        paths.into_iter().map(read).collect()
    }

    fn now(&self) -> i64 {
        self.clinic.app.emr.now().unix_timestamp()
    }

    /// Puts letters with a link each; the tokens.
    async fn put(&self, count: usize) -> Vec<String> {
        let mut tokens = Vec::new();
        for number in 0..count {
            tokens.push(
                put(&self.clinic, &format!("p{number}@mail.example"))
                    .await
                    .1,
            );
        }
        tokens
    }

    async fn look(&self, sql: &'static str) -> String {
        self.clinic.look(sql).await
    }

    async fn close(self) {
        let _ = fs::remove_dir_all(self.box_folder());
        let _ = fs::remove_file(self.folder().join("modes").join(&self.name));
        self.clinic.close().await;
    }
}

fn smtp(server: &Value) -> Smtp {
    let text = |name: &str| server[name].as_str().expect("a text").to_owned();
    let port = server["port"].as_u64().expect("a port");
    Smtp {
        host: text("host"),
        port: u16::try_from(port).expect("a port"),
        login: Some((text("user"), text("password"))),
        tls: Tls::Starttls,
        ca: Some(PathBuf::from(text("ca"))),
    }
}

/// Puts a reset letter with its link, committed together; its number and its token.
async fn put(clinic: &Clinic, address: &str) -> (i64, String) {
    let now = clinic.app.emr.now().unix_timestamp();
    let id = Uuid::from_u128(u128::from(rand()));
    let token = links::token(&clinic.app.keys, id);
    let link = NewLink {
        id,
        token_hash: crypto::fingerprint(&token),
        purpose: Purpose::Reset,
        pid: Some(1),
        address: links::address_hash(address),
        bound: String::new(),
        factor: "pin".to_owned(),
        pin_hash: None,
        created: now,
        expires: now + 3600 * 24 * 30,
    };
    let letter = letter(address, Some(id), now);
    let number = clinic
        .app
        .emr
        .db
        .transaction(|tx| {
            let (link, letter) = (link.clone(), letter.clone());
            Box::pin(async move {
                anteroom::store::links::add(tx, &link).await?;
                outbox::put(tx, &letter).await
            })
        })
        .await
        .expect("put");
    (number, token)
}

fn letter(address: &str, link: Option<Uuid>, created: i64) -> NewLetter {
    NewLetter {
        letter: match link {
            Some(_) => Letter::Reset,
            None => Letter::AccessChanged,
        },
        pid: Some(1),
        address: address.to_owned(),
        language: Language::English,
        told: json!({ "change": "enabled" }),
        link,
        created,
    }
}

/// Sixty-four bits that no other test has.
fn rand() -> u64 {
    use anteroom::crypto::Entropy;
    let mut bytes = [0; 8];
    anteroom::crypto::SystemEntropy
        .fill(&mut bytes)
        .expect("random bytes");
    u64::from_be_bytes(bytes)
}
