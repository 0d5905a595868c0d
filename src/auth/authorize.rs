//! The authorization endpoint up to the consent: a request is judged, stored, and tied to the browser that brought it and
//! to the user who logs in there (SMART App Launch 2.2; `spec/security.md` 1.1). Visits to our own pages that need a login
//! go the same way, without an app.

mod again;
mod begin;

use crate::auth::Context;
use crate::auth::client;
use crate::auth::login;
use crate::auth::registration;
use crate::auth::session;
use crate::auth::session::Visitor;
use crate::auth::who::Audience;
use crate::auth::who::Who;
use crate::crypto;
use crate::domain::access::Holder;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Level;
use crate::domain::scope::Scope;
use crate::domain::scope::Word;
use crate::emr::account;
use crate::emr::account::Account;
use crate::emr::colleague::Colleague;
use crate::store::authorizations;
use crate::store::authorizations::Asked;
use crate::store::authorizations::Attached;
use crate::store::authorizations::Stage;
use crate::store::clients::Client;
use crate::store::ledger::Outcome;
use crate::store::sessions;
use crate::store::sessions::Session;

pub use again::Back;
pub use again::again;
pub use begin::begin;
pub use begin::visit;

/// What the page says when a request has ended, was begun elsewhere, or belongs to another login.
pub const ENDED: &str = "This page has ended. Go back to the app and start again.";

/// What staff are told at an app that is for patients alone.
const FOR_PATIENTS: &str = "This app registered itself for patients, and the practice has not looked at it: staff cannot give it \
    anybody's chart. Ask its maker to register it with a scope for staff, such as user/Patient.rs; the practice then \
    lets it in under Apps on the staff desk.";

/// What it says to somebody who logs in where another member of staff started the app.
const OTHERS: &str = "A colleague started this app from the staff desk, and nobody else can go on with it. Start it from the desk yourself.";

/// Where a request goes first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin {
    /// A page with a sentence and no way back to the app: the redirect address cannot be trusted.
    Page(Problem),
    /// Straight back to the app, with an error.
    Redirect(String),
    /// The login form of this request, for patients or for staff.
    Login(String, Audience),
    /// The page this request is at: the user is logged in already.
    Go(String),
}

/// Why there is only a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// App or redirect address is not registered; which of the two is not said.
    UnknownApp,
    /// The practice has its portal switched off.
    PortalOff,
    /// The app is registered and waits for the practice.
    Waits,
}

impl Problem {
    /// The sentence on the page.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::UnknownApp => {
                "This app is not registered here, or it asked to be answered at an address that is not registered for it."
            }
            Self::PortalOff => {
                "This practice has its patient portal switched off. Please ask the practice."
            }
            Self::Waits => {
                "This app is registered, but the practice has not yet let it in. Staff do that under Apps on the staff desk."
            }
        }
    }
}

/// A request that waits, with what its pages show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// What was asked.
    pub asked: Asked,
    /// Who asks; `None` for a page of our own.
    pub client: Option<Client>,
    /// Who stands before it.
    pub step: Step,
}

/// Which page a waiting request shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A login form.
    Login(Audience),
    /// The form for new credentials, for this account.
    NewCredentials(Account),
    /// The list of patients, for this member of staff to choose one.
    Choose(Colleague),
    /// The consent form, for this user and session.
    Consent(Who, Session),
    /// The page of our own that was asked for.
    Own(String),
}

impl Pending {
    /// Whose login form comes first: of who launched the app, of the page asked for, of the scopes.
    pub fn audience(&self) -> Audience {
        audience(&self.asked)
    }
}

/// Whose login form a request shows first. Both forms lead to each other.
fn audience(asked: &Asked) -> Audience {
    let scopes = Scope::list(&asked.scope);
    let users = scopes
        .iter()
        .any(|scope| scope.level() == Some(Level::User));
    let staff = match asked.client_id {
        None => asked.redirect_uri.starts_with("/staff"),
        Some(_) => asked.launch.by.is_some() || users,
    };
    match staff {
        true => Audience::Staff,
        false => Audience::Patient,
    }
}

/// Whether scopes need a patient in context (SMART 2.2, "Launch context": whenever any `patient/` scope is granted).
pub fn needs_patient(scopes: &[Scope]) -> bool {
    scopes
        .iter()
        .any(|scope| scope.word == Word::LaunchPatient || scope.level() == Some(Level::Patient))
}

/// The request that waits under this id for this browser, and which page it shows now.
///
/// # Errors
/// `Expired` where it has ended, was begun in another browser, or was logged into by somebody who is not the one of
/// the present session.
pub async fn pending(context: &Context<'_>, id: &str, visitor: Visitor<'_>) -> Answer<Pending> {
    let visitor_hash = crypto::fingerprint(visitor.token);
    let db = &context.emr.db;
    let found = authorizations::find(db, id, &visitor_hash, context.seconds()).await?;
    let (asked, stage) = found.ok_or_else(ended)?;
    let client = match &asked.client_id {
        Some(id) => Some(client::in_use(db, id).await?.ok_or_else(ended)?),
        None => None,
    };
    let step = match stage {
        Stage::Login => Step::Login(audience(&asked)),
        Stage::MustChange(attached) => {
            let Holder::Patient(pid) = attached.holder else {
                return Err(ended());
            };
            let account = account::by_pid(context.emr, pid).await?;
            let account = account.filter(|account| account.credential() == attached.credential);
            Step::NewCredentials(account.ok_or_else(ended)?)
        }
        Stage::In(attached, session_hash) => {
            let audience = match attached.holder {
                Holder::Staff(_) => Audience::Staff,
                Holder::Patient(_) | Holder::System => Audience::Patient,
            };
            let current = session::current(context, visitor, audience).await?;
            let same = current.filter(|(session, _)| session.session_hash == session_hash);
            let (session, who) = same.ok_or_else(ended)?;
            step(&asked, who, session)
        }
    };
    Ok(Pending {
        asked,
        client,
        step,
    })
}

/// The page of a request somebody has logged into.
fn step(asked: &Asked, who: Who, session: Session) -> Step {
    if asked.client_id.is_none() {
        return Step::Own(own_path(asked, &who));
    }
    match who {
        Who::Staff(colleague)
            if asked.launch.patient.is_none() && needs_patient(&Scope::list(&asked.scope)) =>
        {
            Step::Choose(colleague)
        }
        who => Step::Consent(who, session),
    }
}

/// The page of our own that was asked for, as this user sees it: a patient may be logged in beside a member of staff, and
/// is the one the pages of an account are for where nothing else is said.
pub fn own_path(asked: &Asked, who: &Who) -> String {
    let path = &asked.redirect_uri;
    match who {
        Who::Staff(_) if !path.starts_with("/staff") => format!("{path}?as=staff"),
        _ => path.clone(),
    }
}

/// Opens a session for somebody who has just logged in and ties the request to it; the new session cookie. `acr` is how
/// the login was made, `upstream` the session at the identity provider. A session of the same audience that the
/// browser had before ends: an id is never kept over a login.
///
/// # Errors
/// `Expired` where the request has ended, or was launched by another member of staff; otherwise as
/// [`crate::db::Db::run`].
pub async fn attach_login(
    context: &Context<'_>,
    pending: &Pending,
    (who, acr, upstream): (&Who, &str, Option<String>),
    visitor: Visitor<'_>,
) -> Answer<String> {
    if !may_go_on(&pending.asked, who) {
        return Err(match pending.asked.launch.by {
            Some(_) => Refusal::Expired(OTHERS).into(),
            None => ended(),
        });
    }
    if let Some(client) = &pending.client
        && !may_use(context, client, who)
    {
        let mut entry = context.entry("authorize", Outcome::Refused);
        entry.actor = who.reference();
        entry.client_id.clone_from(&client.client_id);
        "not-for-staff".clone_into(&mut entry.reason);
        login::record(context, entry).await?;
        return Err(Refusal::Forbidden(FOR_PATIENTS).into());
    }
    let token = context.entropy.token()?;
    let now = context.seconds();
    let session = Session {
        session_hash: crypto::fingerprint(&token),
        holder: who.holder(),
        credential: who.credential(),
        acr: acr.to_owned(),
        upstream,
        auth_time: now,
    };
    let audience = match who {
        Who::Patient(_) => Audience::Patient,
        Who::Staff(_) => Audience::Staff,
    };
    let stage = Stage::In(attached(&session), session.session_hash.clone());
    let before = visitor.session_of(audience).map(crypto::fingerprint);
    let done = context
        .emr
        .db
        .transaction(|tx| {
            let (session, stage, before) = (session.clone(), stage.clone(), before.clone());
            let id = pending.asked.id.clone();
            Box::pin(async move {
                if let Some(before) = before {
                    sessions::end(tx, &before, now).await?;
                }
                sessions::open(tx, &session).await?;
                authorizations::attach(tx, &id, &stage, now).await
            })
        })
        .await?;
    done.then_some(token).ok_or_else(ended)
}

/// Ties the request to an account whose password was set by staff: no session yet, the new-credentials form is next.
///
/// # Errors
/// `Expired` where the request has ended; otherwise as [`crate::db::Db::run`].
pub async fn attach_must_change(
    context: &Context<'_>,
    pending: &Pending,
    account: &Account,
) -> Answer<()> {
    let stage = Stage::MustChange(Attached {
        holder: Holder::Patient(account.person.pid),
        credential: account.credential(),
        auth_time: context.seconds(),
    });
    let now = context.seconds();
    let id = pending.asked.id.clone();
    let done = context
        .emr
        .db
        .transaction(|tx| {
            let (id, stage) = (id.clone(), stage.clone());
            Box::pin(async move { authorizations::attach(tx, &id, &stage, now).await })
        })
        .await?;
    done.then_some(()).ok_or_else(ended)
}

/// Whether this user may go on with a request: one that staff launched is for the one who did, and a page of staff is for
/// staff. The pages of an account are everybody's own.
pub(super) fn may_go_on(asked: &Asked, who: &Who) -> bool {
    match (asked.launch.by, &asked.client_id, who) {
        (Some(by), _, who) => who.holder() == Holder::Staff(by),
        (None, None, Who::Staff(_)) => true,
        (None, None, Who::Patient(_)) => !asked.redirect_uri.starts_with("/staff"),
        (None, Some(_), _) => true,
    }
}

/// Whether this user may use an app at all: patients may, staff where the practice has let it in.
pub(super) fn may_use(context: &Context<'_>, client: &Client, who: &Who) -> bool {
    match who {
        Who::Patient(_) => true,
        Who::Staff(_) => registration::is_for_staff(context.config.registration, client),
    }
}

/// The failure of a request that cannot go on.
pub(super) fn ended() -> Failure {
    Refusal::Expired(ENDED).into()
}

pub(super) fn attached(session: &Session) -> Attached {
    Attached {
        holder: session.holder,
        credential: session.credential.clone(),
        auth_time: session.auth_time,
    }
}

#[cfg(test)]
mod tests;
