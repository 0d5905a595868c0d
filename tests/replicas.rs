//! Two server processes on one database: what may happen once happens once, and what ends on one ends on the other
//! (`security.md`, the cases marked [2]). Real processes, real sockets, both engines.

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
use futures_util::future::join_all;
use reqwest::Client;
use reqwest::redirect::Policy;
use serde_json::Value;
use sqlx::FromRow;

use crate::clinic::APP;
use crate::clinic::CALLBACK;
use crate::clinic::EVERYTHING;
use crate::clinic::assertion;
use crate::clinic::browser;
use crate::clinic::browser::VERIFIER;
use crate::clinic::engine;
use crate::clinic::engine::Place;

/// Two servers, the database under them, and somebody who talks to both.
pub(crate) struct Pair {
    servers: Vec<Child>,
    /// Where each listens; the first is the public address.
    pub(crate) bases: [String; 2],
    /// The practice, opened a third time by the test.
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

impl Drop for Pair {
    fn drop(&mut self) {
        for server in &mut self.servers {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

impl Pair {
    /// Starts both, on SQLite and, where there is a server, on MariaDB.
    pub(crate) async fn each() -> Vec<Self> {
        let mut all = vec![Self::start(engine::sqlite().await).await];
        if let Some(place) = engine::mariadb("7.0.4").await {
            all.push(Self::start(place).await);
        }
        all
    }

    async fn start(place: Place) -> Self {
        let ports = [(); 2].map(|()| {
            let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
            free.local_addr().expect("an address").port()
        });
        let bases = ports.map(|port| format!("http://127.0.0.1:{port}"));
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
        let servers = serving(&bases, &place);
        let web = Client::builder().redirect(Policy::none()).no_proxy();
        let pair = Self {
            servers,
            bases,
            emr,
            people,
            apps,
            web: web.build().expect("a client"),
            place,
        };
        pair.ready().await;
        pair
    }

    /// Kills both and starts them again.
    async fn restart(&mut self) {
        for server in &mut self.servers {
            server.kill().expect("it runs");
            server.wait().expect("it ends");
        }
        self.servers = serving(&self.bases, &self.place);
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
        let token = || SystemEntropy.token().expect("randomness");
        let account = account::by_login(&self.emr, &self.patient().username).await;
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
            scope: EVERYTHING.to_owned(),
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

    /// A form sent to one of the two; status and JSON body.
    pub(crate) async fn post(&self, at: usize, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let request = self
            .web
            .post(format!("{}{path}", self.bases[at % 2]))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(browser::encoded(form));
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let bytes = answer.bytes().await.expect("a body");
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// An access token for the first active patient.
    pub(crate) async fn access(&self) -> String {
        let (status, token) = self.exchange(0, &self.code().await).await;
        assert_eq!(status, 200, "{token}");
        text(&token, "access_token")
    }

    async fn exchange(&self, at: usize, code: &str) -> (u16, Value) {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("client_id", APP),
            ("code_verifier", VERIFIER),
        ];
        self.post(at, "/oauth2/token", &form).await
    }

    async fn refresh(&self, at: usize, token: &str) -> (u16, Value) {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("client_id", APP),
        ];
        self.post(at, "/oauth2/token", &form).await
    }

    /// What a read of the own record answers.
    pub(crate) async fn read(&self, at: usize, token: &str) -> u16 {
        let url = format!("{}/fhir/Patient/{}", self.bases[at % 2], self.patient().id);
        let request = self.web.get(url).bearer_auth(token);
        request.send().await.expect("an answer").status().as_u16()
    }

    /// A count, named `total`.
    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        let row: Option<Count> = self.emr.db.one(Sql::new(sql)).await.expect("it runs");
        row.expect("a row").total
    }
}

fn serving(bases: &[String; 2], place: &Place) -> Vec<Child> {
    let start = |base: &String| {
        let listen = base.trim_start_matches("http://");
        Command::new(env!("CARGO_BIN_EXE_anteroom"))
            .arg("serve")
            .env("ANTEROOM_LISTEN", listen)
            .env("ANTEROOM_PUBLIC_URL", &bases[0])
            .env("ANTEROOM_DATABASE_URL", &place.url)
            .env("ANTEROOM_DOCUMENTS", &place.documents)
            .env("ANTEROOM_ZONE", "America/New_York")
            .env("RUST_LOG", "error")
            .stdout(Stdio::null())
            .spawn()
            .expect("the server starts")
    };
    bases.iter().map(start).collect()
}

fn text(json: &Value, name: &str) -> String {
    let text = json[name].as_str();
    text.unwrap_or_else(|| panic!("no {name} in {json}"))
        .to_owned()
}

#[tokio::test]
async fn case_34_of_fifty_uses_of_a_code_at_once_one_wins_and_then_loses_what_it_won() {
    for pair in Pair::each().await {
        let code = pair.code().await;
        let tries = (0..50).map(|at| pair.exchange(at, &code));
        let answers = join_all(tries).await;
        let won: Vec<&Value> = answers
            .iter()
            .filter(|(status, _)| *status == 200)
            .map(|(_, json)| json)
            .collect();
        assert!(
            answers
                .iter()
                .all(|(status, _)| [200, 400].contains(status)),
            "{:?}",
            answers.iter().map(|(status, _)| status).collect::<Vec<_>>()
        );
        assert_eq!(won.len(), 1);
        let access = text(won[0], "access_token");
        assert_eq!(pair.read(0, &access).await, 401);
        assert_eq!(pair.read(1, &access).await, 401);
        let (status, _) = pair.refresh(0, &text(won[0], "refresh_token")).await;
        assert_eq!(status, 400);
        pair.close().await;
    }
}

#[tokio::test]
async fn case_47_of_fifty_refreshes_at_once_one_living_pair_is_left() {
    const LIVING: &str = "SELECT COUNT(*) AS total FROM anteroom_token \
        WHERE kind = 'refresh' AND consumed IS NULL AND revoked IS NULL";
    for pair in Pair::each().await {
        let (status, first) = pair.exchange(0, &pair.code().await).await;
        assert_eq!(status, 200, "{first}");
        let token = text(&first, "refresh_token");
        let answers = join_all((0..50).map(|at| pair.refresh(at, &token))).await;
        let statuses: Vec<u16> = answers.iter().map(|(status, _)| *status).collect();
        assert!(
            statuses.iter().all(|status| [200, 400].contains(status)),
            "{statuses:?}"
        );
        assert!(statuses.contains(&200));
        assert_eq!(pair.count(LIVING).await, 1);
        pair.close().await;
    }
}

#[tokio::test]
async fn case_52_of_fifty_uses_of_an_assertion_at_once_one_is_believed() {
    for pair in Pair::each().await {
        let mut apps = pair.apps.iter();
        let service = apps.find(|app| app.kind == "backend").expect("a service");
        let audience = format!("{}/oauth2/token", pair.bases[0]);
        let now = pair.emr.now().unix_timestamp();
        let assertion = assertion::fresh(service, &audience, now);
        let form = [
            ("grant_type", "client_credentials"),
            ("scope", "system/Patient.rs"),
            ("client_assertion_type", assertion::TYPE),
            ("client_assertion", assertion.as_str()),
        ];
        let answers = join_all((0..50).map(|at| pair.post(at, "/oauth2/token", &form))).await;
        let of = |wanted: u16| {
            answers
                .iter()
                .filter(|(status, _)| *status == wanted)
                .count()
        };
        assert_eq!((of(200), of(401)), (1, 49), "{:?}", answers[0].1);
        let refused = answers.iter().find(|(status, _)| *status == 401);
        assert_eq!(refused.expect("one").1["error"], "invalid_client");
        pair.close().await;
    }
}

#[tokio::test]
async fn case_48_a_spent_refresh_token_is_known_after_a_restart() {
    for mut pair in Pair::each().await {
        let (_, first) = pair.exchange(0, &pair.code().await).await;
        let spent = text(&first, "refresh_token");
        let (status, second) = pair.refresh(0, &spent).await;
        assert_eq!(status, 200);
        let access = text(&second, "access_token");
        assert_eq!(pair.read(0, &access).await, 200, "its successor is used");
        pair.restart().await;
        assert_eq!(pair.refresh(0, &spent).await.0, 400);
        assert_eq!(pair.read(1, &access).await, 401, "the family is gone");
        pair.close().await;
    }
}

#[tokio::test]
async fn case_63_what_one_replica_revokes_the_other_refuses_soon() {
    for pair in Pair::each().await {
        let (_, first) = pair.exchange(0, &pair.code().await).await;
        let (access, refresh) = (text(&first, "access_token"), text(&first, "refresh_token"));
        assert_eq!(pair.read(1, &access).await, 200);
        let form = [("token", refresh.as_str()), ("client_id", APP)];
        let (status, _) = pair.post(0, "/oauth2/revoke", &form).await;
        assert_eq!(status, 200);
        assert_eq!(
            pair.read(0, &access).await,
            401,
            "at once where it was revoked"
        );
        let refused = async { while pair.read(1, &access).await != 401 {} };
        // Half a second is how long a look-up is believed; a busy machine takes its time beside that.
        let patience = std::time::Duration::from_secs(20);
        let seen = tokio::time::timeout(patience, refused).await;
        seen.expect("the other refuses as soon as it looks again");
        let (status, _) = pair.refresh(1, &refresh).await;
        assert_eq!(status, 400);
        pair.close().await;
    }
}

/// A login form of one visitor: where it posts to, the visitor's cookie, the form's token.
async fn login_form(pair: &Pair) -> (String, String, String) {
    let aud = format!("{}/fhir", pair.bases[0]);
    let mut ask = browser::authorization("openid launch/patient patient/*.rs");
    ask.retain(|(name, _)| *name != "aud");
    ask.push(("aud", aud));
    let url = format!(
        "{}/oauth2/authorize?{}",
        pair.bases[0],
        browser::encoded(&ask)
    );
    let begun = pair.web.get(url).send().await.expect("an answer");
    let header = |name: &str| {
        let value = begun.headers().get(name).expect("a header");
        value.to_str().expect("ASCII").to_owned()
    };
    let cookie = header("set-cookie");
    let cookie = cookie.split(';').next().expect("a cookie").to_owned();
    let place = header("location");
    let form = pair.web.get(format!("{}{place}", pair.bases[0]));
    let page = form.header("cookie", &cookie).send().await.expect("a page");
    let page = page.text().await.expect("text");
    let csrf = page.split("name=\"csrf\" value=\"").nth(1);
    let csrf = csrf.and_then(|rest| rest.split('"').next());
    (place, cookie, csrf.expect("a token").to_owned())
}

/// Guesses at once, spread over both servers; their statuses.
async fn guess(
    pair: &Pair,
    (place, cookie, csrf): &(String, String, String),
    guesses: &[(String, String)],
) -> Vec<u16> {
    let send = guesses
        .iter()
        .enumerate()
        .map(|(number, (username, guess))| {
            let fields = [
                ("csrf", csrf.as_str()),
                ("username", username.as_str()),
                ("password", guess.as_str()),
            ];
            let request = pair
                .web
                .post(format!("{}{place}", pair.bases[number % 2]))
                .header("content-type", "application/x-www-form-urlencoded")
                .header("cookie", cookie)
                .body(browser::encoded(&fields));
            async move { request.send().await.expect("an answer").status().as_u16() }
        });
    join_all(send).await
}

/// Resident memory of a process in MiB.
fn resident(process: &Child) -> u64 {
    let path = format!("/proc/{}/status", process.id());
    let status = std::fs::read_to_string(path).expect("Linux tells");
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.expect("a line").parse::<u64>().expect("a number") / 1024
}

#[tokio::test]
async fn case_109_five_hundred_logins_at_once_do_not_eat_the_memory() {
    for pair in Pair::each().await {
        let form = login_form(&pair).await;
        let long = "x".repeat(1024);
        let before = resident(&pair.servers[0]);
        let guesses: Vec<(String, String)> = (0..500)
            .map(|number| (format!("somebody-{number}"), long.clone()))
            .collect();
        let statuses = guess(&pair, &form, &guesses).await;
        let known = |status: &u16| [200, 429, 503].contains(status);
        assert!(statuses.iter().all(known), "{statuses:?}");
        let after = resident(&pair.servers[0]);
        // Two hashes at a time, whatever comes; the rest is connections and their buffers.
        assert!(after < before + 96, "from {before} to {after} MiB");
        pair.close().await;
    }
}

#[tokio::test]
async fn case_88_of_two_hundred_wrong_logins_at_once_a_handful_is_looked_at() {
    const LOOKED_AT: &str = "SELECT COUNT(*) AS total FROM anteroom_audit \
        WHERE action = 'login' AND reason = 'wrong-password'";
    for pair in Pair::each().await {
        let username = pair.patient().username.clone();
        let form = login_form(&pair).await;
        let guesses: Vec<(String, String)> = (0..200)
            .map(|number| (username.clone(), format!("wrong-{number}")))
            .collect();
        let statuses = guess(&pair, &form, &guesses).await;
        let known = |status: &u16| [200, 429, 503].contains(status);
        assert!(statuses.iter().all(known), "{statuses:?}");
        let looked_at = pair.count(LOOKED_AT).await;
        assert!((1..=7).contains(&looked_at), "{looked_at} hashes");
        pair.close().await;
    }
}
