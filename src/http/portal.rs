//! The portal's operations on Patient (`$portal-status`, `$portal-credential` ...): who may, what they ask, and the answer.
//! What is done is done by `auth::accounts`, as on the desk's pages (F040).

use axum::body::Body;
use axum::extract::OriginalUri;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::Method;
use axum::http::StatusCode;
use axum::http::header::CONTENT_DISPOSITION;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use uuid::Uuid;

use crate::auth::Context;
use crate::auth::accounts::Alongside;
use crate::auth::accounts::Hand;
use crate::auth::accounts::Once;
use crate::auth::accounts::With;
use crate::auth::accounts::access;
use crate::auth::accounts::access::Attestation;
use crate::auth::accounts::access::Step;
use crate::auth::accounts::credential;
use crate::auth::accounts::everybody;
use crate::auth::accounts::everybody::Apps;
use crate::domain::ResourceType;
use crate::domain::access::Grant;
use crate::domain::access::Right;
use crate::domain::access::User;
use crate::domain::accounts::Standing;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::domain::scope::Level;
use crate::domain::scope::Word;
use crate::emr::standing;
use crate::fhir::inputs;
use crate::fhir::inputs::Inputs;
use crate::fhir::portal_parameters;
use crate::fhir::portal_parameters::Parameters;
use crate::http::App;
use crate::http::fhir;
use crate::http::guard;
use crate::http::negotiate;
use crate::http::oauth::context;
use crate::http::portal_answers;
use crate::http::portal_answers::Reader;
use crate::http::portal_chart;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::http::write;
use crate::mail;
use crate::portal::account;
use crate::rest::repeat::Repeat;
use crate::rest::route;
use crate::store::ledger;
use crate::store::ledger::Outcome;
use crate::store::throttle;
use crate::store::throttle::Reserved;

/// What the operations' names begin with.
const FAMILY: &str = "$portal-";

/// Those that only look, and may be asked with GET.
const LOOKS: [&str; 2] = ["$portal-status", "$portal-username-available"];

const PDF: &str = "application/pdf";

/// A request as its handler sees it.
pub type Said<'a> = (&'a Method, &'a OriginalUri, &'a HeaderMap);

/// Whether an address names one of these operations, of a type that has it.
pub fn is_ours(path: route::Path<'_>) -> bool {
    let named = path.last().is_some_and(|name| name.starts_with(FAMILY));
    named && route::declared(path).is_some()
}

/// Who asks for something to be done, for whom.
struct Asked<'a> {
    app: &'a App,
    context: &'a Context<'a>,
    grant: &'a Grant,
    hand: Hand,
    headers: &'a HeaderMap,
}

/// Answers an operation.
///
/// # Errors
/// `Unauthenticated` without a token, `Forbidden` without the scope or the right; otherwise as the operation.
pub async fn answer(
    (app, id): (&App, &RequestId),
    (path, (method, uri, headers)): (route::Path<'_>, Said<'_>),
    body: Body,
) -> Answer<Response> {
    // Staff are told that the portal is off, and not that their token is no good (F001).
    let grant = guard::grant_of_desk(app, headers).await?;
    let (_, logical, name) = route::declared(path).ok_or(Refusal::NotFound)?;
    let base = app.config.fhir_base();
    let context = context(app, &base, &id.0);
    let asked = Asked {
        app,
        context: &context,
        grant: &grant,
        hand: Hand::through(&grant),
        headers,
    };
    let looks = LOOKS.contains(&name);
    asked.may(name, looks).await?;
    if !looks && *method != Method::POST {
        return Err(Refusal::NoMethod.into());
    }
    let pairs = negotiate::pairs(uri.query());
    if !(negotiate::prefers(headers, PDF) && matches!(name, "$portal-credential" | "$portal-reset"))
    {
        negotiate::json(headers, &pairs)?;
    }
    let bytes = match *method {
        Method::POST => negotiate::bytes(body).await?,
        _ => Vec::new(),
    };
    if !bytes.is_empty() {
        negotiate::fhir_body(headers)?;
    }
    let mut given = inputs::read(&bytes, false)?;
    given.pairs.extend(pairs);
    let Some(logical) = logical else {
        return asked.everybody(&given).await;
    };
    let standing = asked.standing(logical).await?;
    match name {
        "$portal-status" => asked.status(id, standing, &given).await,
        "$portal-username-available" => asked.available(&standing, &given).await,
        "$portal-credential" => {
            let once = once((app, id), (&grant, headers), (uri, &bytes))?;
            asked
                .credential(id, &standing, (&given, once.as_ref()))
                .await
        }
        "$portal-reset" => asked.reset((id, uri), &standing, (&given, &bytes)).await,
        _ => asked.step(name, &standing, &given).await,
    }
}

impl Asked<'_> {
    /// Whether the caller may: staff with a scope over users' records and the right for the desk, and for looking at the
    /// status also a service, and the patient it is about.
    async fn may(&self, name: &str, looks: bool) -> Answer<()> {
        let interaction = match looks {
            true => Interaction::Read,
            false => Interaction::Update,
        };
        match self.grant.user() {
            User::Staff(staff) => {
                let covered = self.grant.scopes().iter().any(|scope| match &scope.word {
                    Word::Resource(one) => {
                        let kind = one
                            .resource
                            .is_none_or(|kind| kind == ResourceType::Patient);
                        one.level == Level::User && kind && one.interactions.contains(&interaction)
                    }
                    _ => false,
                });
                if covered && staff.has(Right::Portal) {
                    return Ok(());
                }
                let mut entry = self.context.entry("staff.desk", Outcome::Refused);
                entry.actor.clone_from(&self.hand.actor);
                entry.client_id.clone_from(&self.hand.client_id);
                entry.grant_id.clone_from(&self.hand.grant_id);
                entry.reason = match covered {
                    true => format!("{name} needs patientportal|portal"),
                    false => format!("{name} needs a scope user/Patient"),
                };
                ledger::record_all(&self.app.emr.db, &[entry]).await?;
                let why = match covered {
                    true => {
                        "Your account in OpenEMR does not open the patient portal's desk (Patient Portal)."
                    }
                    false => "The token's scope does not cover this: it takes user/Patient.",
                };
                Err(Refusal::Forbidden(why).into())
            }
            User::Patient(_) | User::System if name == "$portal-status" => {
                self.grant.reach(ResourceType::Patient, Interaction::Read)?;
                Ok(())
            }
            User::Patient(_) | User::System => {
                Err(Refusal::Forbidden("Only staff of the practice may do this.").into())
            }
        }
    }

    /// Whose account it is. A patient's own is the only one a patient finds.
    async fn standing(&self, logical: &str) -> Answer<Standing> {
        let id: Uuid = logical.parse().map_err(|_| Refusal::NotFound)?;
        if let User::Patient(person) = self.grant.user()
            && person.uuid != id
        {
            return Err(Refusal::NotFound.into());
        }
        let found = standing::by_id(&self.app.emr, id).await?;
        found.ok_or_else(|| Refusal::NotFound.into())
    }

    async fn status(&self, id: &RequestId, standing: Standing, given: &Inputs) -> Answer<Response> {
        given.only("$portal-status", &[])?;
        let reader = match self.grant.user() {
            User::Staff(_) => Reader::Staff,
            User::Patient(_) => Reader::Patient,
            User::System => Reader::Service,
        };
        let said = portal_answers::status((self.app, self.context), standing, reader).await?;
        let rest = fhir::rest(self.app, id, self.grant);
        let resource = format!("Patient/{}", said.1);
        let mut note = rest.entry("portal.status".to_owned(), resource);
        note.patient = Some(said.1);
        self.app.reads.note(note).await;
        Ok(reply::fhir_body(StatusCode::OK, said.0.bytes()))
    }

    async fn step(&self, name: &str, standing: &Standing, given: &Inputs) -> Answer<Response> {
        let step = match name {
            "$portal-enable" => {
                given.only(name, &["attestation"])?;
                Step::Enable(match portal_parameters::flag(given, "attestation")? {
                    true => Attestation::Given,
                    false => Attestation::Missing,
                })
            }
            "$portal-disable" => {
                given.only(name, &[])?;
                Step::Disable
            }
            "$portal-lock" => {
                given.only(name, &["reason"])?;
                Step::Lock(given.one("reason")?.unwrap_or_default().to_owned())
            }
            "$portal-unlock" => {
                given.only(name, &[])?;
                Step::Unlock
            }
            _ => return Err(Refusal::NotFound.into()),
        };
        let post = mail::post(&self.app.emr, &self.app.config.notify).await?;
        access::take(self.context, &self.hand, (standing, post), &step).await?;
        // A token of this patient may have been looked up a moment ago.
        self.app.tokens.clear();
        self.summary(standing).await
    }

    /// How the account stands after what was done.
    async fn summary(&self, before: &Standing) -> Answer<Response> {
        let now = standing::by_pid(&self.app.emr, before.person.pid).await?;
        let now = now.ok_or(Refusal::NotFound)?;
        let said = portal_answers::status((self.app, self.context), now, Reader::Staff).await?;
        Ok(reply::fhir_body(StatusCode::OK, said.0.bytes()))
    }

    async fn credential(
        &self,
        id: &RequestId,
        standing: &Standing,
        (given, once): (&Inputs, Option<&Once>),
    ) -> Answer<Response> {
        let ask = portal_parameters::credential(given)?;
        // What was done cannot be decided on again: the chart is in another version by then.
        if let Some(once) = once
            && once.was_before(self.context).await?
        {
            return self.done(credential::Done::Repeated, standing).await;
        }
        let post = mail::post(&self.app.emr, &self.app.config.notify).await?;
        let rest = fhir::rest(self.app, id, self.grant);
        let (person, sent) = (standing.person.uuid, (self.headers, given));
        let chart = portal_chart::change(&rest, person, sent).await?;
        let with = With {
            once,
            alongside: chart.as_ref().map(|chart| chart as &dyn Alongside),
        };
        let after = match &chart {
            Some(chart) => chart.over(standing.clone()),
            None => standing.clone(),
        };
        let (context, hand, about) = (self.context, &self.hand, (&after, post));
        let done = credential::make(context, hand, about, (&ask, with)).await?;
        self.done(done, &after).await
    }

    async fn reset(
        &self,
        (id, uri): (&RequestId, &OriginalUri),
        standing: &Standing,
        (given, bytes): (&Inputs, &[u8]),
    ) -> Answer<Response> {
        let names = [
            "mode",
            "username",
            "rename",
            "password",
            "reason",
            "mustChange",
        ];
        given.only("$portal-reset", &names)?;
        let post = mail::post(&self.app.emr, &self.app.config.notify).await?;
        match given.one("mode")? {
            Some("preview") => {
                let made = credential::preview(self.context, &self.hand, (standing, post)).await?;
                let said = portal_answers::made((self.app, self.context), &made);
                let said = said.flag("stored", false);
                Ok(reply::fhir_body(StatusCode::OK, said.bytes()))
            }
            Some("commit") => {
                let ask = portal_parameters::reset(given)?;
                let once = once((self.app, id), (self.grant, self.headers), (uri, bytes))?;
                let with = With {
                    once: once.as_ref(),
                    alongside: None,
                };
                let (context, hand, about) = (self.context, &self.hand, (standing, post));
                let done = credential::reset(context, hand, about, (&ask, with)).await?;
                self.done(done, standing).await
            }
            _ => {
                let why = "preview shows credentials, commit stores them";
                Err(Refusal::invalid("mode", why).into())
            }
        }
    }

    async fn done(&self, done: credential::Done, standing: &Standing) -> Answer<Response> {
        self.app.tokens.clear();
        match done {
            credential::Done::Made(made) => {
                let bytes = portal_answers::sheet(self.app, &made).await?;
                if negotiate::prefers(self.headers, PDF) {
                    return Ok(pdf(bytes));
                }
                let said = portal_answers::made((self.app, self.context), &made);
                let said = portal_answers::with_sheet(said.flag("stored", true), &bytes);
                Ok(reply::fhir_body(StatusCode::OK, said.bytes()))
            }
            credential::Done::Invited(invited) => {
                let said = Parameters::default()
                    .code("deliver", "email")
                    .text("sentTo", standing.address())
                    .text("pin", invited.pin.as_deref().unwrap_or_default());
                Ok(reply::fhir_body(StatusCode::OK, said.bytes()))
            }
            credential::Done::Repeated => Ok(repeated()),
        }
    }

    /// Everybody has to change the password (F068): asked twice, by two ticks.
    async fn everybody(&self, given: &Inputs) -> Answer<Response> {
        given.only("$portal-reset", &["all", "confirm"])?;
        for name in ["all", "confirm"] {
            if !portal_parameters::flag(given, name)? {
                let why =
                    "every patient has to change the password with all=true and confirm=true only";
                return Err(Refusal::invalid(name, why).into());
            }
        }
        let practice = self.app.emr.practice().await?;
        if !practice.globals.on("portal_onsite_two_enable") {
            return Err(Refusal::Rules(account::portal_is_off()).into());
        }
        let mut entry = self.context.entry("portal.reset-all", Outcome::Success);
        entry.actor.clone_from(&self.hand.actor);
        entry.client_id.clone_from(&self.hand.client_id);
        entry.grant_id.clone_from(&self.hand.grant_id);
        "Patient".clone_into(&mut entry.resource);
        let apps = match self.app.config.accounts.force_reset_revokes {
            true => Apps::End,
            false => Apps::Stay,
        };
        let about = (&entry, self.context.seconds());
        let accounts = everybody::must_change(&self.app.emr.db, about, apps).await?;
        self.app.tokens.clear();
        let said = Parameters::default().number("accounts", accounts);
        Ok(reply::fhir_body(StatusCode::OK, said.bytes()))
    }

    /// Whether a login name is valid and free (F082): so many questions a minute.
    async fn available(&self, standing: &Standing, given: &Inputs) -> Answer<Response> {
        given.only("$portal-username-available", &["value"])?;
        let value = given.one("value")?.unwrap_or_default();
        if let Reserved::Wait(seconds) =
            throttle::reserve_name(&self.app.emr.db, &self.hand.actor, self.context.seconds())
                .await?
        {
            return Err(Refusal::TooMany(seconds).into());
        }
        let facts = credential::judge_name(self.context, standing, value).await?;
        let said = portal_answers::available(&facts);
        Ok(reply::fhir_body(StatusCode::OK, said.bytes()))
    }
}

/// The request's `Idempotency-Key`, where it has one.
///
/// # Errors
/// `Invalid` where the header comes twice or is no text.
pub(super) fn once(
    (app, id): (&App, &RequestId),
    (grant, headers): (&Grant, &HeaderMap),
    (uri, bytes): (&OriginalUri, &[u8]),
) -> Result<Option<Once>, Refusal> {
    let Some(key) = write::one(headers, "idempotency-key")? else {
        return Ok(None);
    };
    let rest = fhir::rest(app, id, grant);
    let address = uri.path_and_query().map_or("", |all| all.as_str());
    let repeat = Repeat::of(&rest, key, &[b"POST", address.as_bytes(), bytes])?;
    let (name, request) = repeat.parts();
    Ok(Some(Once {
        name: name.to_owned(),
        request: request.to_owned(),
    }))
}

/// The answer to a request that was answered before.
pub(super) fn repeated() -> Response {
    let said = Parameters::default().flag("repeated", true).text(
        "note",
        "This request was answered before. What was shown once, such as a password, is not shown again: make another one if it got lost.",
    );
    reply::fhir_body(StatusCode::OK, said.bytes())
}

/// A sheet to be printed or kept.
pub fn pdf(bytes: Vec<u8>) -> Response {
    let mut response = reply::fhir_body(StatusCode::OK, bytes);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(PDF));
    headers.insert(
        CONTENT_DISPOSITION,
        HeaderValue::from_static("attachment; filename=\"portal-login.pdf\""),
    );
    response
}
