//! What the portal's operations answer: Parameters about an account, about credentials, and the sheet.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;

use crate::auth::Context;
use crate::auth::accounts::credential::Made;
use crate::auth::accounts::status;
use crate::db::sql::date_text;
use crate::domain::accounts::Standing;
use crate::domain::refusal::Answer;
use crate::emr::facilities;
use crate::fhir::portal_parameters::Parameters;
use crate::http::App;
use crate::mail;
use crate::portal::login;
use crate::portal::login::LoginCase;
use crate::sheet;
use crate::sheet::Paper;
use crate::sheet::Sheet;
use crate::store::outbox;

/// The adapter behind the accounts (F022).
const BACKEND: &str = "openemr-onsite";

/// Who reads about an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Staff: everything but the password.
    Staff,
    /// The patient: what is theirs.
    Patient,
    /// A backend service: how far it is.
    Service,
}

/// How an account stands, and whose it is.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn status(
    (app, context): (&App, &Context<'_>),
    standing: Standing,
    reader: Reader,
) -> Answer<(Parameters, Uuid)> {
    let post = mail::post(&app.emr, &app.config.notify).await?;
    let found = status::status(context, standing, post).await?;
    let (code, words) = found.state.code();
    let held = found.standing.credentials.as_ref();
    let remembered = &found.standing.remembered;
    let mut said = Parameters::default()
        .code("state", code)
        .text("stateText", words)
        .code("group", status::group(&found))
        .text("accountId", held.map_or("", |held| &held.account_id));
    if reader != Reader::Service {
        said = said.text("username", held.map_or("", |held| &held.login_name));
    }
    said = said
        .code("portalBackend", BACKEND)
        .text("emrVersion", &app.emr.layout.version);
    for (name, since, has) in status::features(&app.emr) {
        let part = Parameters::default()
            .code("name", name)
            .text("since", since)
            .flag("available", has);
        said = said.part("feature", part);
    }
    for reason in &found.unmet {
        let part = Parameters::default()
            .code("code", reason.id)
            .text("text", &reason.text)
            .text("expression", reason.expression);
        said = said.part("prerequisite", part);
    }
    said = said
        .flag("canInvite", found.can_invite)
        .moment("invited", remembered.invited)
        .moment("firstLogin", remembered.first_login)
        .moment("locked", remembered.locked.as_ref().map(|(at, _)| *at));
    if reader == Reader::Staff {
        let reason = remembered
            .locked
            .as_ref()
            .map(|(_, reason)| reason.as_str());
        said = said
            .text("lockedReason", reason.unwrap_or_default())
            .moment("attested", remembered.attested.as_ref().map(|(at, _)| *at));
        let pid = found.standing.person.pid;
        if let Some(last) = outbox::last_of(&app.emr.db, pid).await? {
            let part = Parameters::default()
                .code("kind", last.letter.name())
                .code("status", &last.status)
                .text("answer", &last.answer)
                .moment("at", Some(last.finished.unwrap_or(last.created)));
            said = said.part("lastMail", part);
        }
    }
    Ok((said, found.standing.person.uuid))
}

/// Credentials that are shown this once (F018, F019).
pub fn made((app, context): (&App, &Context<'_>), made: &Made) -> Parameters {
    let held = made.standing.credentials.as_ref();
    Parameters::default()
        .text("username", &made.username)
        .text("accountId", held.map_or("", |held| &held.account_id))
        .text("oneTimePassword", &made.password)
        .flag("mustChange", made.must_change)
        .url("portalUrl", &portal_url(app))
        .url("fhirBase", context.fhir_base)
}

/// The same with the sheet to print.
pub fn with_sheet(said: Parameters, pdf: &[u8]) -> Parameters {
    said.binary("sheet", ("application/pdf", &STANDARD.encode(pdf)))
}

/// What is wrong with a login name, each sentence of its own.
pub fn available(facts: &LoginCase) -> Parameters {
    let broken = login::broken(facts);
    let mut said = Parameters::default()
        .flag("available", broken.is_empty())
        .flag("valid", facts.username.is_empty())
        .flag("unique", !facts.taken);
    for reason in broken {
        let part = Parameters::default()
            .code("code", reason.id)
            .text("text", &reason.text);
        said = said.part("problem", part);
    }
    said
}

/// Where a patient logs in.
pub fn portal_url(app: &App) -> String {
    format!("{}/account", app.config.public_url)
}

/// The sheet of credentials that were just made, in the patient's language on the practice's paper.
///
/// # Errors
/// As [`sheet::pdf`] and [`crate::db::Db::all`].
pub async fn sheet(app: &App, made: &Made) -> Answer<Vec<u8>> {
    let practice = app.emr.practice().await?;
    let held = made.standing.credentials.as_ref();
    let sheet = Sheet {
        practice: practice.name.clone(),
        address: facilities::letterhead(&app.emr.db).await?,
        patient: made.standing.display(),
        date: date_text(app.emr.zone.wall(app.emr.now()).date()),
        portal: portal_url(app),
        username: made.username.clone(),
        password: made.password.clone(),
        account: held.map_or_else(String::new, |held| held.account_id.clone()),
        must_change: made.must_change,
        language: made.standing.language,
        paper: Paper::of_zone(app.emr.zone.name()),
    };
    Ok(sheet::pdf(&sheet)?)
}
