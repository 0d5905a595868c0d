//! Several server processes on one practice: real processes, real sockets, a database or a cluster under them.

use std::net::TcpListener;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use anteroom::command::demo;
use anteroom::command::serve;
use anteroom::config::Config;
use anteroom::crypto;
use anteroom::crypto::Entropy;
use anteroom::crypto::SystemEntropy;
use anteroom::db::Db;
use anteroom::db::sql::Sql;
use anteroom::demo::manifest::DemoClient;
use anteroom::demo::manifest::PatientLogin;
use anteroom::demo::manifest::Sandbox;
use anteroom::domain::access::Holder;
use anteroom::emr::Emr;
use anteroom::emr::account;
use anteroom::store::authorizations::Launched;
use anteroom::store::codes;
use anteroom::store::codes::Code;
use anteroom::store::grants;
use anteroom::store::grants::Given;
use reqwest::Client;
use reqwest::redirect::Policy;
use serde_json::Value;
use sqlx::FromRow;

use crate::clinic::APP;
use crate::clinic::CALLBACK;
use crate::clinic::EVERYTHING;
use crate::clinic::browser;
use crate::clinic::browser::VERIFIER;
use crate::clinic::engine;
use crate::clinic::engine::Place;

/// Two servers or more, the database under them, and somebody who talks to all.
pub(crate) struct Replicas {
    /// The processes.
    pub(crate) servers: Vec<Child>,
    /// Where each listens; the first is the public address.
    pub(crate) bases: Vec<String>,
    /// The database as each sees it: the same for all, or each a node of its own.
    pub(crate) databases: Vec<String>,
    /// The practice, opened once more by the test.
    pub(crate) emr: Emr,
    /// The people of the sandbox.
    pub(crate) people: Sandbox,
    /// Its apps.
    pub(crate) apps: Vec<DemoClient>,
    /// Follows nothing, keeps no cookies.
    pub(crate) web: Client,
    place: Place,
}

#[derive(FromRow)]
struct Count {
    total: i64,
}

impl Drop for Replicas {
    fn drop(&mut self) {
        for server in &mut self.servers {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

impl Replicas {
    /// Starts two, on SQLite and, where there is a server, on MariaDB.
    pub(crate) async fn each() -> Vec<Self> {
        let places = [Some(engine::sqlite().await), engine::mariadb("7.0.4").await];
        let mut all = Vec::new();
        for place in places.into_iter().flatten() {
            let databases = vec![place.url.clone(); 2];
            all.push(Self::start(place, databases).await);
        }
        all
    }

    /// One for each node of the cluster that `./test cluster` started, on a practice seeded through the first; `None`,
    /// said aloud, where there is no cluster.
    pub(crate) async fn on_cluster() -> Option<Self> {
        let nodes = engine::cluster()?;
        let place = engine::mariadb_at(nodes[0].clone(), "7.0.4").await;
        let (_, name) = place.server.as_ref().expect("a database of a server");
        let databases = nodes.iter().map(|node| format!("{node}/{name}")).collect();
        Some(Self::start(place, databases).await)
    }

    async fn start(place: Place, databases: Vec<String>) -> Self {
        let ports: Vec<u16> = databases
            .iter()
            .map(|_| {
                let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
                free.local_addr().expect("an address").port()
            })
            .collect();
        let base = |port: &u16| format!("http://127.0.0.1:{port}");
        let bases: Vec<String> = ports.iter().map(base).collect();
        let listen = format!("127.0.0.1:{}", ports[0])
            .parse()
            .expect("an address");
        let config = Config::sandbox(listen, place.url.clone(), place.documents.clone());
        let config = config.expect("settings");
        let db = Db::open(&place.url, None).await.expect("the database");
        let documents = Some(place.documents.clone());
        let emr = Emr::open(db, documents, "America/New_York", serve::system_clock());
        let emr = emr.await.expect("OpenEMR opens");
        let apps = demo::register_apps(&emr, &config).await.expect("apps");
        let people = Sandbox::reopen(&emr.db).await.expect("people");
        let servers = serving(&bases, &databases, &place);
        let web = Client::builder().redirect(Policy::none()).no_proxy();
        let pair = Self {
            servers,
            bases,
            databases,
            emr,
            people,
            apps,
            web: web.build().expect("a client"),
            place,
        };
        pair.ready().await;
        pair
    }

    /// Kills all and starts them again.
    pub(crate) async fn restart(&mut self) {
        for server in &mut self.servers {
            server.kill().expect("it runs");
            server.wait().expect("it ends");
        }
        self.servers = serving(&self.bases, &self.databases, &self.place);
        self.ready().await;
    }

    async fn ready(&self) {
        for base in &self.bases {
            let url = format!("{base}/readyz");
            let mut tries = 0;
            while !matches!(self.web.get(&url).send().await, Ok(answer) if answer.status().is_success())
            {
                tries += 1;
                assert!(tries < 300, "the server at {base} does not get ready");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    }

    /// Leaves nothing behind.
    pub(crate) async fn close(mut self) {
        for server in &mut self.servers {
            server.kill().expect("it runs");
            server.wait().expect("it ends");
        }
        self.servers.clear();
        self.emr.db.close().await;
        let place = Place {
            folder: self.place.folder.clone(),
            documents: self.place.documents.clone(),
            url: self.place.url.clone(),
            server: self.place.server.clone(),
        };
        drop(self);
        place.remove().await;
    }

    /// The first active patient.
    pub(crate) fn patient(&self) -> &PatientLogin {
        let mut all = self.people.patients.iter();
        all.find(|patient| patient.notes.starts_with("active"))
            .expect("an active patient")
    }

    /// A fresh code, as the consent of the first active patient makes it.
    pub(crate) async fn code(&self) -> String {
        self.code_of(self.patient(), EVERYTHING).await
    }

    async fn code_of(&self, patient: &PatientLogin, scope: &str) -> String {
        let token = || SystemEntropy.token().expect("randomness");
        let account = account::by_login(&self.emr, &patient.username).await;
        let account = account.expect("a look-up").expect("an account");
        let now = self.emr.now().unix_timestamp();
        let given = Given {
            id: token().chars().take(36).collect(),
            client_id: APP.to_owned(),
            holder: Holder::Patient(account.person.pid),
            launch: Launched {
                patient: Some(account.person.pid),
                ..Launched::default()
            },
            scope: scope.to_owned(),
            credential: account.credential(),
            acr: String::new(),
            session_hash: None,
            auth_time: now,
            ends: now + grants::LIFE,
        };
        let secret = format!("ac_{}", token());
        let code = Code {
            code_hash: crypto::fingerprint(&secret),
            grant_id: given.id.clone(),
            client_id: APP.to_owned(),
            redirect_uri: CALLBACK.to_owned(),
            challenge: crypto::fingerprint(VERIFIER),
            nonce: None,
            expires: now + codes::LIFE,
            wrong: 0,
            used: None,
        };
        let stored = self.emr.db.transaction(|tx| {
            let (given, code) = (given.clone(), code.clone());
            Box::pin(async move {
                grants::add(tx, &given, now).await?;
                codes::add(tx, &code).await
            })
        });
        stored.await.expect("the grant is stored");
        secret
    }

    /// A form sent to one of them; status and JSON body.
    pub(crate) async fn post(&self, at: usize, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let request = self
            .web
            .post(format!("{}{path}", self.bases[at % self.bases.len()]))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(browser::encoded(form));
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let bytes = answer.bytes().await.expect("a body");
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// An access token for the first active patient.
    pub(crate) async fn access(&self) -> String {
        self.access_of(self.patient(), EVERYTHING).await
    }

    /// An access token for a patient.
    pub(crate) async fn access_of(&self, patient: &PatientLogin, scope: &str) -> String {
        let (status, token) = self.exchange(0, &self.code_of(patient, scope).await).await;
        assert_eq!(status, 200, "{token}");
        text(&token, "access_token")
    }

    /// A code made a token.
    pub(crate) async fn exchange(&self, at: usize, code: &str) -> (u16, Value) {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("client_id", APP),
            ("code_verifier", VERIFIER),
        ];
        self.post(at, "/oauth2/token", &form).await
    }

    /// A refresh token made a fresh pair.
    pub(crate) async fn refresh(&self, at: usize, token: &str) -> (u16, Value) {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("client_id", APP),
        ];
        self.post(at, "/oauth2/token", &form).await
    }

    /// What a read of the own record answers.
    pub(crate) async fn read(&self, at: usize, token: &str) -> u16 {
        let url = format!(
            "{}/fhir/Patient/{}",
            self.bases[at % self.bases.len()],
            self.patient().id
        );
        let request = self.web.get(url).bearer_auth(token);
        request.send().await.expect("an answer").status().as_u16()
    }

    /// A count, named `total`.
    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        let row: Option<Count> = self.emr.db.one(Sql::new(sql)).await.expect("it runs");
        row.expect("a row").total
    }
}

fn serving(bases: &[String], databases: &[String], place: &Place) -> Vec<Child> {
    let start = |(base, database): (&String, &String)| {
        let listen = base.trim_start_matches("http://");
        Command::new(env!("CARGO_BIN_EXE_anteroom"))
            .arg("serve")
            .env("ANTEROOM_LISTEN", listen)
            .env("ANTEROOM_PUBLIC_URL", &bases[0])
            .env("ANTEROOM_DATABASE_URL", database)
            .env("ANTEROOM_DOCUMENTS", &place.documents)
            .env("ANTEROOM_ZONE", "America/New_York")
            .env("RUST_LOG", "error")
            .stdout(Stdio::null())
            .spawn()
            .expect("the server starts")
    };
    bases.iter().zip(databases).map(start).collect()
}

/// A text of an answer.
pub(crate) fn text(json: &Value, name: &str) -> String {
    let text = json[name].as_str();
    text.unwrap_or_else(|| panic!("no {name} in {json}"))
        .to_owned()
}
