//! A whole practice for one test: the sandbox's people, the real router, a clock that can be moved, and browsers.

pub(crate) mod assertion;
pub(crate) mod browser;
pub(crate) mod engine;
pub(crate) mod servers;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;

use anteroom::auth::keys::Keys;
use anteroom::command::demo;
use anteroom::command::serve;
use anteroom::config::Config;
use anteroom::crypto::SystemEntropy;
use anteroom::db::Db;
use anteroom::demo::manifest::DemoClient;
use anteroom::demo::manifest::PatientLogin;
use anteroom::demo::manifest::Sandbox;
use anteroom::emr::Clock;
use anteroom::emr::Emr;
use anteroom::http;
use anteroom::http::App;
use anteroom::worker;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::HeaderMap;
use axum::http::Request;
use axum::http::StatusCode;
use serde_json::Value;
use time::Duration;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tower::ServiceExt;

use browser::Browser;

/// How long anything may take that ends by itself.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// Where the sandbox's test app takes its answers.
pub(crate) const CALLBACK: &str = "http://127.0.0.1:8765/callback";

/// The sandbox's test app.
pub(crate) const APP: &str = "demo-public";

/// Everything a patient's app may ask for.
pub(crate) const EVERYTHING: &str = "openid fhirUser launch/patient offline_access patient/*.rus";

/// The practice.
pub(crate) struct Clinic {
    /// The server's shared state, for looking at rows.
    pub(crate) app: Arc<App>,
    /// The people of the sandbox; they outlive the clinic, which lasts one test.
    pub(crate) people: &'static Sandbox,
    /// The sandbox's apps, with their secrets and private keys.
    pub(crate) apps: Vec<DemoClient>,
    router: Router,
    ahead: Arc<AtomicI64>,
    ledger: JoinHandle<()>,
    place: engine::Place,
}

/// An answer, read whole.
pub(crate) struct Answer {
    /// Its status.
    pub(crate) status: StatusCode,
    /// Its headers.
    pub(crate) headers: HeaderMap,
    /// Its body.
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    /// The body as JSON; a test that gets anything else fails with the body.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// A header as text; empty where it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("ASCII header"))
    }

    /// The code of the first issue of an OperationOutcome.
    pub(crate) fn issue(&self) -> String {
        let json = self.json();
        assert_eq!(json["resourceType"], "OperationOutcome", "{}", self.text());
        json["issue"][0]["code"]
            .as_str()
            .expect("a code")
            .to_owned()
    }
}

impl Clinic {
    /// The sandbox on SQLite.
    pub(crate) async fn open() -> Self {
        Self::at(engine::sqlite().await, |_| {}).await
    }

    /// The sandbox on SQLite with some settings changed.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::at(engine::sqlite().await, change).await
    }

    /// The sandbox on SQLite after a script ran in its database: settings OpenEMR has are read at start.
    pub(crate) async fn after(script: &str) -> Self {
        let place = engine::sqlite().await;
        let db = Db::open(&place.url, None).await.expect("it opens");
        db.script(script).await.expect("the script runs");
        db.close().await;
        Self::at(place, |_| {}).await
    }

    /// The same practice in a MariaDB database of one OpenEMR layout; `None`, said aloud, where there is no server.
    pub(crate) async fn on_mariadb(layout: &str) -> Option<Self> {
        Self::on_mariadb_with(layout, |_| {}).await
    }

    /// The same with some settings changed.
    pub(crate) async fn on_mariadb_with(
        layout: &str,
        change: impl FnOnce(&mut Config),
    ) -> Option<Self> {
        Some(Self::at(engine::mariadb(layout).await?, change).await)
    }

    async fn at(place: engine::Place, change: impl FnOnce(&mut Config)) -> Self {
        let ahead = Arc::new(AtomicI64::new(0));
        let moved = ahead.clone();
        let clock: Clock = Arc::new(move || {
            serve::system_clock()() + Duration::seconds(moved.load(Ordering::SeqCst))
        });
        let listen = "127.0.0.1:8080".parse().expect("an address");
        let documents = place.documents.clone();
        let mut config =
            Config::sandbox(listen, place.url.clone(), documents.clone()).expect("settings");
        change(&mut config);
        let db = Db::open(&place.url, None)
            .await
            .expect("the database opens");
        let mut emr = Emr::open(db, Some(documents), "America/New_York", clock)
            .await
            .expect("OpenEMR opens");
        emr.booking = config.booking.clone();
        emr.papers = config.papers.clone();
        let apps = demo::register_apps(&emr, &config)
            .await
            .expect("apps register");
        let people = Box::leak(Box::new(Sandbox::reopen(&emr.db).await.expect("people")));
        let now = emr.now().unix_timestamp();
        let keys = Keys::load(&emr.db, now, &SystemEntropy)
            .await
            .expect("keys");
        let (reads, ledger) = worker::start(emr.db.clone());
        let app = App::new(
            (config, emr),
            keys,
            Box::new(SystemEntropy),
            reads,
            Vec::new(),
        )
        .expect("app");
        let app = Arc::new(app);
        Self {
            router: http::router(app.clone()),
            app,
            people,
            apps,
            ahead,
            ledger,
            place,
        }
    }

    /// Lets time pass.
    pub(crate) fn wait(&self, time: Duration) {
        self.ahead.fetch_add(time.whole_seconds(), Ordering::SeqCst);
        self.app.tokens.clear();
    }

    /// One of the sandbox's apps, by its kind; the first of several.
    pub(crate) fn app_of(&self, kind: &str) -> &DemoClient {
        let mut all = self.apps.iter();
        all.find(|app| app.kind == kind)
            .unwrap_or_else(|| panic!("no app is {kind}"))
    }

    /// The patient whose state says this, such as `active` or `must change`; the first of several.
    pub(crate) fn patient(&self, state: &'static str) -> &'static PatientLogin {
        let mut all = self.patients(state);
        all.next()
            .unwrap_or_else(|| panic!("no patient is {state}"))
    }

    /// All patients whose state begins with this.
    pub(crate) fn patients(
        &self,
        state: &'static str,
    ) -> impl Iterator<Item = &'static PatientLogin> + use<> {
        let all = self.people.patients.iter();
        all.filter(move |patient| patient.notes.starts_with(state))
    }

    /// A browser without cookies.
    pub(crate) fn browser(&self) -> Browser<'_> {
        Browser::new(self)
    }

    /// An access token for a patient, got the way an app gets it.
    pub(crate) async fn token(&self, patient: &PatientLogin, scope: &str) -> String {
        let answer = self.browser().launch(patient, scope).await;
        answer["access_token"]
            .as_str()
            .expect("an access token")
            .to_owned()
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, mut request: Request<Body>) -> Answer {
        let address: std::net::SocketAddr = "127.0.0.1:50000".parse().expect("an address");
        request.extensions_mut().insert(ConnectInfo(address));
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("infallible");
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 64 << 20)
            .await
            .expect("a body")
            .to_vec();
        Answer {
            status: parts.status,
            headers: parts.headers,
            bytes,
        }
    }

    /// A request with a token and nothing else.
    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        let request = Request::get(path).header("authorization", format!("Bearer {token}"));
        self.send(request.body(Body::empty()).expect("a request"))
            .await
    }

    /// A request with a body.
    pub(crate) async fn with_body(
        &self,
        method: &str,
        (path, token): (&str, &str),
        kind: &str,
        body: impl Into<Body>,
    ) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", kind);
        self.send(request.body(body.into()).expect("a request"))
            .await
    }

    /// One column of one row, as text, however the engine types it.
    pub(crate) async fn look(&self, sql: &'static str) -> String {
        engine::look(&self.app.emr.db, sql).await
    }

    /// Ends the server, lets the ledger be written, and removes what was made.
    pub(crate) async fn close(self) {
        let db = self.app.emr.db.clone();
        drop(self.router);
        drop(self.app);
        // Whoever still holds the app, or a connection, is a defect: told, and not waited for.
        let ledger = timeout(PATIENCE, self.ledger).await;
        let ledger = ledger.expect("somebody still holds the app");
        ledger.expect("the ledger ends");
        let closed = timeout(PATIENCE, db.close()).await;
        closed.expect("somebody still holds a connection");
        self.place.remove().await;
    }

    /// The folder of the practice.
    pub(crate) fn folder(&self) -> &PathBuf {
        &self.place.folder
    }
}
