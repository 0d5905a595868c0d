//! HTTP: every route on this page, the layers around them, and the one shared state.

pub mod account;
pub mod account_email;
pub mod account_home;
pub mod account_login;
pub mod activate;
pub mod activity;
pub mod batch;
pub mod binary;
pub mod brands;
pub mod client_address;
pub mod connections;
pub mod consent;
pub mod cookies;
mod cors;
pub mod csv;
pub mod definitions;
pub mod desk;
pub mod developers;
pub mod documents;
pub mod door;
pub mod enrol;
pub mod fhir;
pub mod forms;
pub mod guard;
mod house;
pub mod launch;
pub mod limits;
pub mod logout;
pub mod messages;
pub mod negotiate;
pub mod oauth;
pub mod onboarding;
pub mod openapi;
pub mod operations;
pub mod own_forms;
pub mod pages;
pub mod portal;
pub mod portal_answers;
pub mod portal_chart;
pub mod refused;
pub mod register;
pub mod reply;
pub mod request_id;
pub mod requests;
pub mod reset;
pub mod scheduling;
pub mod sending;
pub mod signin;
pub mod signing;
pub mod site;
pub mod staff;
pub mod staff_addressees;
pub mod staff_apps;
pub mod staff_documents;
pub mod staff_forms;
pub mod staff_mail;
pub mod staff_messages;
pub mod staff_patient;
pub mod staff_registrations;
pub mod staff_reviews;
pub mod staff_signin;
pub mod staff_templates;
pub mod staff_visits;
pub mod style;
pub mod tablet;
pub mod upstream;
pub mod visits;
pub mod words;
pub mod write;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::any;
use axum::routing::get;
use axum::routing::post;
use tokio::sync::watch;

use crate::auth::jwks;
use crate::auth::keys::Keys;
use crate::auth::upstream::Provider;
use crate::config::Config;
use crate::crypto::Entropy;
use crate::domain::refusal::Answer;
use crate::emr::Emr;
use crate::fetch::Fetch;
use crate::fetch::Inside;
use crate::fhir::Base;
use crate::fhir::capability;
use crate::fhir::definitions::KINDS;
use crate::http::guard::Cache;
use crate::worker::Reads;

/// The one shared state of the server.
pub struct App {
    /// The settings.
    pub config: Config,
    /// The practice.
    pub emr: Emr,
    /// What tokens and paging links are signed with.
    pub keys: Keys,
    /// Where secrets come from.
    pub entropy: Box<dyn Entropy>,
    /// Where the ledger lines of reads go.
    pub reads: Reads,
    /// Tokens looked up a moment ago.
    pub tokens: Cache,
    /// The practice's patients by the state of their accounts, as of a minute ago.
    pub onboarding: crate::emr::onboarding::Cache,
    /// What asks other servers.
    pub fetch: Fetch,
    /// The keys of apps, as fetched a moment ago.
    pub key_sets: jwks::Cache,
    /// The practice's identity provider for staff, as it told about itself.
    pub provider: Provider,
    /// The FHIR base, in the form rendering needs it.
    pub base: Base,
    /// Who is taking a record away.
    pub exports: documents::records::turn::Exports,
    /// What waits at the desk, as counted a moment ago.
    pub desk: desk::Counts,
    /// Told once, when the server is to stop: answers that would go on for ever end.
    pub stopping: watch::Sender<bool>,
    /// The CapabilityStatement, which does not change while the server runs.
    pub capability: Vec<u8>,
    /// Logins shown on the sandbox's start page; empty on a practice's server.
    pub logins: Vec<pages::home::Login>,
}

impl App {
    /// Puts the parts together.
    ///
    /// # Errors
    /// A fault where the CapabilityStatement cannot be written.
    pub fn new(
        (config, emr): (Config, Emr),
        keys: Keys,
        entropy: Box<dyn Entropy>,
        reads: Reads,
        logins: Vec<pages::home::Login>,
    ) -> Answer<Self> {
        let inside = match config.sandbox {
            true => Inside::Open,
            false => Inside::Closed,
        };
        let fetch = Fetch::new(inside)?;
        let base = Base::new(&config.fhir_base());
        let capability = capability::statement(&config, &emr.known().name, emr.now())?;
        Ok(Self {
            config,
            emr,
            keys,
            entropy,
            reads,
            tokens: Cache::default(),
            onboarding: crate::emr::onboarding::Cache::default(),
            fetch,
            key_sets: jwks::Cache::default(),
            provider: Provider::default(),
            base,
            exports: documents::records::turn::Exports::default(),
            desk: desk::Counts::default(),
            stopping: watch::Sender::new(false),
            capability,
            logins,
        })
    }
}

/// Every route there is.
pub fn router(app: Arc<App>) -> Router {
    let base = Router::new()
        .route("/", post(batch::post).fallback(batch::not_allowed))
        .route("/metadata", get(fhir::metadata).fallback(fhir::only_get))
        .route(
            "/.well-known/smart-configuration",
            get(oauth::smart_configuration).fallback(fhir::only_get),
        )
        .route(
            "/$portal-job/{id}",
            get(onboarding::fhir::status)
                .delete(onboarding::fhir::stop)
                .fallback(fhir::not_allowed),
        )
        .route("/_history", any(fhir::histories))
        .route("/Binary", post(binary::create).fallback(fhir::not_allowed))
        .route(
            "/Binary/{id}",
            get(binary::read)
                .post(operations::on_binary)
                .fallback(fhir::not_allowed),
        )
        .route(
            "/{type}",
            get(fhir::search)
                .post(write::create)
                .fallback(fhir::not_allowed),
        )
        .route("/{type}/_history", any(fhir::histories))
        .route(
            "/{type}/_search",
            post(fhir::search_post).fallback(fhir::not_allowed),
        )
        .route(
            "/{type}/{id}",
            get(operations::read_or_operation)
                .post(operations::on_type)
                .put(write::change)
                .patch(write::change)
                .fallback(fhir::not_allowed),
        )
        .route(
            "/{type}/{id}/_history",
            get(fhir::history).fallback(fhir::not_allowed),
        )
        .route(
            "/{type}/{id}/_history/{version}",
            get(fhir::vread).fallback(fhir::not_allowed),
        )
        .route(
            "/{type}/{id}/{operation}",
            get(operations::on_record)
                .post(operations::on_record)
                .fallback(fhir::other),
        )
        .fallback(fhir::other);
    // What we publish ourselves stands beside the types of records, open to everybody.
    let base = KINDS.into_iter().fold(base, |base, kind| {
        base.route(
            &format!("/{kind}"),
            get(definitions::search).fallback(fhir::only_get),
        )
        .route(
            &format!("/{kind}/_search"),
            post(definitions::search_post).fallback(fhir::only_get),
        )
        .route(
            &format!("/{kind}/{{id}}"),
            get(definitions::read).fallback(fhir::only_get),
        )
    });

    let base = base.layer(middleware::from_fn_with_state(app.clone(), refused::layer));

    // What browsers of other origins may call: never with cookies (`spec/security.md`, case 181).
    let open = Router::new()
        .nest("/fhir", base)
        .route("/fhir/", post(batch::post).fallback(batch::not_allowed))
        .route(
            "/.well-known/openid-configuration",
            get(oauth::openid_configuration),
        )
        .route("/oauth2/jwks", get(oauth::jwks))
        .route(
            "/oauth2/token",
            post(oauth::token).fallback(oauth::only_post),
        )
        .route(
            "/oauth2/introspect",
            post(oauth::introspect).fallback(oauth::only_post),
        )
        .route(
            "/oauth2/revoke",
            post(oauth::revoke).fallback(oauth::only_post),
        )
        .route(
            "/oauth2/userinfo",
            get(oauth::userinfo).post(oauth::userinfo),
        )
        .route("/smart-style.json", get(style::smart_style))
        .route("/brands", get(brands::bundle))
        .route("/openapi.json", get(openapi::description))
        .layer(cors::layer());

    // What a person sees.
    let pages = Router::new()
        .route(
            "/oauth2/authorize",
            get(oauth::authorize)
                .post(oauth::authorize_post)
                .head(oauth::no_head),
        )
        .route("/login", get(signin::page).post(signin::login_post))
        .route(
            "/login/new-credentials",
            get(signin::page).post(signin::new_credentials_post),
        )
        .route(
            "/oauth2/consent",
            get(signin::page).post(consent::consent_post),
        )
        .route("/oauth2/logout", get(logout::page).post(logout::from_app))
        .route("/account/logout", get(logout::page).post(logout::confirm))
        .route("/account", get(account_home::page))
        .route("/account/apps", get(account::apps))
        .route("/account/apps/{grant}", post(account::change))
        .route("/account/activity", get(activity::own))
        .route("/account/activity.csv", get(activity::own_file))
        .route("/staff/audit", get(activity::desk))
        .route("/staff/audit.csv", get(activity::desk_file))
        .route(
            "/account/login",
            get(account_login::page).post(account_login::change),
        )
        .route(
            "/account/email",
            get(account_email::page).post(account_email::ask),
        )
        .route(
            "/account/email/{token}",
            get(account_email::link).post(account_email::redeem),
        )
        .route(
            "/account/email/undo/{token}",
            get(account_email::link).post(account_email::redeem),
        )
        .route("/account/requests", get(requests::page))
        .route("/account/requests/{id}", post(requests::act))
        .route("/account/visits", get(visits::page))
        .route("/account/visits/new", get(visits::choosing::page))
        .route("/account/visits/hold", post(visits::choosing::hold))
        .route(
            "/account/visits/ask",
            get(visits::asking::page).post(visits::asking::ask),
        )
        .route("/account/visits/{id}", get(visits::one).post(visits::act))
        .route("/account/forms", get(own_forms::page))
        .route(
            "/account/forms/{id}",
            get(own_forms::one).post(own_forms::act),
        )
        .route(
            "/account/documents",
            get(documents::page).post(documents::send),
        )
        .route("/account/documents/{id}", get(documents::one))
        .route("/account/records.zip", get(documents::records::everything))
        .route("/account/records.pdf", get(documents::records::readable))
        .route("/account/records.json", get(documents::records::bundle))
        .route("/account/messages", get(messages::page))
        .route(
            "/account/messages/new",
            get(messages::new_page).post(messages::new_post),
        )
        .route(
            "/account/messages/{id}",
            get(messages::one).post(messages::act),
        )
        .route("/reset", get(reset::page).post(reset::ask))
        .route("/reset/{token}", get(activate::page).post(activate::redeem))
        .route(
            "/activate/{token}",
            get(activate::page).post(activate::redeem),
        )
        .route(
            "/login/staff",
            get(staff_signin::page).post(signin::login_post),
        )
        .route(
            "/login/choose-patient",
            get(staff_signin::choose_page).post(staff_signin::choose_post),
        )
        .route("/staff", get(desk::page))
        .route("/staff/events", get(desk::events))
        .route(
            "/staff/launch",
            get(staff::launch_page).post(staff::launch_post),
        )
        .route("/staff/apps", get(staff::apps_page).post(staff::apps_post))
        .route(
            "/staff/patients",
            get(staff_patient::search_page).post(staff_patient::search_post),
        )
        .route(
            "/staff/patients/{id}",
            get(staff_patient::page).post(staff_patient::change),
        )
        .route(
            "/staff/patients/{id}/apps",
            get(staff_patient::apps_page).post(staff_patient::apps_post),
        )
        .route(
            "/staff/patients/{id}/forms",
            get(staff_forms::page).post(staff_forms::post),
        )
        .route(
            "/staff/templates",
            get(staff_templates::page).post(staff_templates::post),
        )
        .route("/staff/templates/{id}", get(staff_templates::one))
        .route(
            "/staff/patients/{id}/documents",
            get(staff_documents::page).post(staff_documents::send),
        )
        .route(
            "/staff/patients/{id}/documents/{document}",
            get(staff_documents::one).post(staff_documents::share),
        )
        .route("/staff/mail", get(staff_mail::page).post(staff_mail::post))
        .route(
            "/staff/addressees",
            get(staff_addressees::page).post(staff_addressees::post),
        )
        .route("/staff/messages", get(staff_messages::page))
        .route(
            "/staff/messages/new",
            get(staff_messages::new_page).post(staff_messages::new_post),
        )
        .route(
            "/staff/messages/many",
            get(staff_messages::many::page).post(staff_messages::many::post),
        )
        .route(
            "/staff/messages/{id}",
            get(staff_messages::one).post(staff_messages::act),
        )
        .route(
            "/staff/registrations",
            get(staff_registrations::page).post(staff_registrations::post),
        )
        .route("/staff/reviews", get(staff_reviews::page))
        .route(
            "/staff/reviews/{id}",
            get(staff_reviews::one).post(staff_reviews::post),
        )
        .route("/staff/reviews/{id}/content", get(staff_reviews::content))
        .route(
            "/staff/visits",
            get(staff_visits::page).post(staff_visits::post),
        )
        .route(
            "/staff/onboarding",
            get(onboarding::page).post(onboarding::act),
        )
        .route("/staff/onboarding.csv", get(onboarding::csv::table))
        .route(
            "/staff/jobs/{id}",
            get(onboarding::jobs::page).post(onboarding::jobs::act),
        )
        .route("/staff/logout", post(staff::log_out))
        .route("/register", get(enrol::page).post(enrol::post))
        .route("/register/sent", get(enrol::sent))
        .route("/register/{token}", get(enrol::link))
        .route(
            "/register/{token}/{step}",
            get(enrol::step).post(enrol::step_post),
        )
        .route("/sign", get(tablet::page).post(tablet::act))
        .route("/sign/{token}", get(tablet::link).post(tablet::open))
        .route("/launch", post(launch::start))
        .route("/login/staff/start", get(upstream::start))
        .route("/login/staff/callback", get(upstream::callback))
        .route("/", get(site::home))
        .route("/help", get(site::help))
        .route("/developers", get(developers::page))
        .route(
            "/developers/register",
            get(developers::form).post(developers::form_post),
        )
        .route("/app", get(site::sample_app))
        .route("/assets/{*path}", get(site::asset))
        .fallback(site::nothing_here)
        .layer(middleware::from_fn(limits::page_headers));

    let operations = Router::new()
        .route("/livez", get(site::livez))
        .route("/readyz", get(site::readyz));

    // For programs, not for scripts in other people's browsers: those would lend their visitors' addresses.
    let registration = Router::new().route(
        "/oauth2/register",
        post(register::register).fallback(register::only_post),
    );

    // What the practice's identity provider calls.
    let behind = Router::new().route("/login/staff/backchannel", post(upstream::backchannel));

    Router::new()
        .merge(open)
        .merge(operations)
        .merge(registration)
        .merge(behind)
        .merge(pages)
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(app.clone(), limits::layer))
        .layer(middleware::from_fn_with_state(
            app.clone(),
            request_id::layer,
        ))
        .with_state(app)
}
