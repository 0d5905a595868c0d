//! What the server writes down while it is asked everything: one JSON line each, with nothing of a person and no secret
//! in it. A process of its own, with its log level at debug.

use std::fs;
use std::fs::File;
use std::net::TcpListener as Port;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use reqwest::Client;
use reqwest::Response;
use reqwest::redirect::Policy;
use serde_json::Value;

use super::FHIR;
use super::FORM;
use super::letter;
use super::token;
use crate::clinic::Clinic;
use crate::clinic::browser;
use crate::clinic::browser::VERIFIER;
use crate::clinic::browser::authorization;

const ALL: &str = "openid fhirUser launch/patient offline_access patient/*.cruds";

/// A server that writes its log into a file.
struct Server {
    process: Child,
    base: String,
    log: PathBuf,
    web: Client,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    async fn start(clinic: &Clinic) -> Self {
        let free = Port::bind("127.0.0.1:0").expect("a free port");
        let listen = free.local_addr().expect("an address");
        drop(free);
        let log = clinic.folder().join("log.jsonl");
        let config = &clinic.app.config;
        let process = Command::new(env!("CARGO_BIN_EXE_anteroom"))
            .args(["serve", "--log", "json"])
            .env("ANTEROOM_LISTEN", listen.to_string())
            .env("ANTEROOM_PUBLIC_URL", &config.public_url)
            .env("ANTEROOM_DATABASE_URL", &config.database_url)
            .env(
                "ANTEROOM_DOCUMENTS",
                config.documents.as_ref().expect("a folder"),
            )
            .env("ANTEROOM_ZONE", "America/New_York")
            .env("RUST_LOG", "debug")
            .stdout(Stdio::null())
            .stderr(File::create(&log).expect("a file"))
            .spawn()
            .expect("the server starts");
        let web = Client::builder().redirect(Policy::none()).no_proxy();
        let server = Self {
            process,
            base: format!("http://{listen}"),
            log,
            web: web.build().expect("a client"),
        };
        let url = format!("{}/readyz", server.base);
        for tries in 0.. {
            let answer = server.web.get(&url).send().await;
            if matches!(answer, Ok(answer) if answer.status().is_success()) {
                break;
            }
            assert!(tries < 300, "it does not get ready");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        server
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        (headers, body): (&[(&str, &str)], &str),
    ) -> Response {
        let method = method.parse().expect("a method");
        let mut request = self.web.request(method, format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, value.as_bytes());
        }
        request
            .body(body.to_owned())
            .send()
            .await
            .expect("an answer")
    }

    /// Tells it to stop, as a service manager does, waits until it has and gives its log.
    async fn ended(mut self) -> String {
        let mut tell = Command::new("kill");
        let told = tell.arg(self.process.id().to_string()).status();
        assert!(told.expect("kill runs").success());
        for tries in 0.. {
            if let Some(status) = self.process.try_wait().expect("it is ours") {
                assert!(status.success(), "{status}");
                break;
            }
            assert!(tries < 1200, "it does not stop");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        fs::read_to_string(&self.log).expect("the log is text")
    }
}

#[tokio::test]
async fn case_176_177_the_log_is_one_json_line_each_without_people_or_secrets() {
    let clinic = Clinic::open().await;
    let maria = clinic.patient("active");
    let letter = letter(&clinic, &token(&clinic, maria, ALL).await).await;
    let letter = letter
        .replace("May I come earlier?", "canary-body")
        .replace("A question", "canary-topic");
    let code = clinic.browser().code(maria, ALL).await;
    let server = Server::start(&clinic).await;
    let form = [("content-type", FORM)];
    // A login through the pages, wrong once and right once.
    let asked = browser::encoded(&authorization(ALL));
    let begun = server
        .send("GET", &format!("/oauth2/authorize?{asked}"), (&[], ""))
        .await;
    let header = |answer: &Response, name: &str| {
        let value = answer
            .headers()
            .get(name)
            .map(|value| value.to_str().expect("ASCII"));
        value.unwrap_or_default().to_owned()
    };
    let cookie = header(&begun, "set-cookie");
    let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
    let place = header(&begun, "location");
    let page = server
        .send("GET", &place, (&[("cookie", &cookie)], ""))
        .await;
    let page = page.text().await.expect("a page");
    let csrf = page.split("name=\"csrf\" value=\"").nth(1);
    let csrf = csrf
        .and_then(|rest| rest.split('"').next())
        .expect("a form")
        .to_owned();
    let mut session = String::new();
    for password in ["canary-wrong-password", maria.password.as_str()] {
        let fields = [
            ("csrf", csrf.as_str()),
            ("username", &maria.username),
            ("password", password),
        ];
        let headers = [
            ("content-type", FORM),
            ("cookie", cookie.as_str()),
            ("origin", clinic.app.config.public_url.as_str()),
            ("sec-fetch-site", "same-origin"),
        ];
        let answer = server
            .send("POST", &place, (&headers, &browser::encoded(&fields)))
            .await;
        session = header(&answer, "set-cookie");
    }
    let session = session.split(';').next().unwrap_or_default();
    let session = session.split_once('=').map_or("", |(_, value)| value);
    assert!(session.len() > 20, "the right password opens a session");
    // Tokens.
    let exchange = browser::encoded(&[
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", "http://127.0.0.1:8765/callback"),
        ("client_id", "demo-public"),
        ("code_verifier", VERIFIER),
    ]);
    let tokens = server
        .send("POST", "/oauth2/token", (&form, &exchange))
        .await;
    assert_eq!(tokens.status(), 200);
    let tokens: Value =
        serde_json::from_slice(&tokens.bytes().await.expect("a body")).expect("JSON");
    let text = |name: &str| tokens[name].as_str().expect("a token").to_owned();
    let (access, refresh, id) = (
        text("access_token"),
        text("refresh_token"),
        text("id_token"),
    );
    let secret = browser::encoded(&[
        ("grant_type", "client_credentials"),
        ("client_id", "demo-confidential"),
        ("client_secret", "canary-client-secret"),
    ]);
    server.send("POST", "/oauth2/token", (&form, &secret)).await;
    // Records: read, searched, written, broken, in every way that says a name.
    let bearer = format!("Bearer {access}");
    let own = [("authorization", bearer.as_str())];
    let json = [("authorization", bearer.as_str()), ("content-type", FHIR)];
    let posted = [("authorization", bearer.as_str()), ("content-type", FORM)];
    let record = format!("/fhir/Patient/{}", maria.id);
    for (method, path, headers, body) in [
        ("GET", record.as_str(), &own[..], ""),
        (
            "GET",
            "/fhir/Patient?name=canary-name&birthdate=1984-02-29",
            &own[..],
            "",
        ),
        (
            "GET",
            "/fhir/Patient?nonsense=canary-parameter",
            &own[..],
            "",
        ),
        (
            "POST",
            "/fhir/Patient/_search",
            &posted[..],
            "family=canary-family&email=canary%40example.com",
        ),
        ("POST", "/fhir/Communication", &json[..], letter.as_str()),
        (
            "POST",
            "/fhir/Communication",
            &json[..],
            "{\"resourceType\":\"Communication\",\"canary-element\":1}",
        ),
        (
            "POST",
            "/fhir/Communication",
            &json[..],
            "{\"canary-broken\"",
        ),
        (
            "PUT",
            record.as_str(),
            &json[..],
            "{\"resourceType\":\"Patient\",\"name\":[{\"family\":\"canary-put\"}]}",
        ),
        ("GET", "/fhir/DocumentReference?_include=*", &own[..], ""),
        ("GET", "/fhir/Appointment?date=canary-date", &own[..], ""),
        ("GET", "/fhir/canary-path", &own[..], ""),
        (
            "GET",
            "/canary-page?access_token=canary-query-token",
            &[][..],
            "",
        ),
        (
            "POST",
            "/oauth2/introspect",
            &form[..],
            "token=canary-introspected",
        ),
        (
            "POST",
            "/oauth2/revoke",
            &form[..],
            "client_id=demo-public&token=canary-revoked",
        ),
        (
            "POST",
            "/oauth2/register",
            &json[..],
            "{\"client_name\":\"canary-app\",\"redirect_uris\":[\"x\"]}",
        ),
    ] {
        server.send(method, path, (headers, body)).await;
    }
    let in_query = format!("{record}?access_token={access}");
    assert_eq!(server.send("GET", &in_query, (&[], "")).await.status(), 401);
    // Lines somebody would like to see in it.
    let line = "x%0A%7B%22level%22%3A%22INFO%22%2C%22msg%22%3A%22canary-login-ok%22%7D";
    let escapes = "x\u{1b}[31mcanary-escape".replace('\u{1b}', "%1B");
    for odd in [line, &escapes, "%ff%fe canary-utf8"] {
        let odd = odd.replace(' ', "+");
        server
            .send("GET", &format!("/fhir/Patient?name={odd}"), (&own, ""))
            .await;
        server
            .send(
                "GET",
                &format!("/{odd}"),
                (&[("user-agent", "canary-agent \u{e9}")], ""),
            )
            .await;
    }
    // A breakage writes a line, which the test needs to see.
    let gone = "ALTER TABLE openemr_postcalendar_events RENAME TO away";
    clinic.app.emr.db.script(gone).await.expect("renamed");
    let broken = server
        .send("GET", "/fhir/Appointment?reason=canary-reason", (&own, ""))
        .await;
    let number = header(&broken, "x-request-id");
    let broken = broken.status().as_u16();
    let big = format!("canary-big-{}", "x".repeat(1024 * 1024));
    let agent = [("user-agent", big.as_str())];
    let request = server
        .web
        .get(format!("{}/livez", server.base))
        .header(agent[0].0, agent[0].1);
    // Refused or cut off, either is fine.
    let _ = request.send().await;
    let log = server.ended().await;
    assert!(log.lines().count() > 20, "debug is on: {log}");
    if broken == 500 {
        assert!(log.contains(&number), "the breakage is in the log");
    }
    let mut lines = Vec::new();
    for line in log.lines() {
        let json: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
        assert!(
            json["timestamp"].is_string() && json["level"].is_string(),
            "{line}"
        );
        lines.push(line.to_lowercase());
    }
    let own_words = [
        maria.password.as_str(),
        maria.email.as_str(),
        maria.username.as_str(),
        maria.id.as_str(),
        maria.birth_date.as_str(),
        "delgado",
        "978-555-0111",
        "\\u001b",
        "canary",
        VERIFIER,
        session,
        &csrf,
        &code,
        &access,
        &refresh,
        &id,
    ];
    for word in own_words {
        let word = word.to_lowercase();
        let told = lines.iter().find(|line| line.contains(&word));
        assert!(told.is_none(), "{word} is in the log: {told:?}");
    }
    clinic.close().await;
}
