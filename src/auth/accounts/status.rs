//! What `$portal-status` and the desk say about one account: how far it is, and everything that is missing (F002, F004).

use super::case;
use crate::auth::Context;
use crate::auth::onboarding;
use crate::domain::accounts::Post;
use crate::domain::accounts::Standing;
use crate::domain::accounts::State;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Reason;
use crate::emr::Emr;
use crate::portal::account;
use crate::store::jobs::Wish;

/// The account as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// What is known of the patient.
    pub standing: Standing,
    /// How far it is.
    pub state: State,
    /// Everything that does not hold, in the order of the steps.
    pub unmet: Vec<Reason>,
    /// Whether a letter with a link may go: an invitation, or a reset (F096).
    pub can_invite: bool,
}

/// How the account of a patient stands.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn status(context: &Context<'_>, standing: Standing, post: Post) -> Answer<Status> {
    let facts = case(context, standing, post).await?;
    Ok(Status {
        state: facts.standing.state(facts.portal_on),
        unmet: account::unmet(&facts),
        can_invite: onboarding::unmet(&facts, Wish::default()).is_empty(),
        standing: facts.standing,
    })
}

/// The three groups a desk sorts patients into (G04).
pub fn group(status: &Status) -> &'static str {
    match status.state {
        State::Active => "active",
        State::CredentialsIssued | State::AuthorisedNoCredentials => "never-used",
        State::PortalOff | State::NotAuthorised | State::PendingVerification | State::Disabled => {
            "inactive"
        }
    }
}

/// What this version of OpenEMR can do of the portal, each with the version it is there from (F023, F178).
pub fn features(emr: &Emr) -> Vec<(&'static str, &'static str, bool)> {
    let has = |column: &str| emr.layout.has("patient_data", column);
    vec![
        ("username-change", "5.0.2", true),
        (
            "document-templates",
            "5.0.1",
            emr.layout.has_table("onsite_documents"),
        ),
        ("staff-authorisation", "6.0.0", true),
        ("trusted-email", "5.0.2", has("email_direct")),
        ("app-switch", "7.0.0", has("prevent_portal_apps")),
        (
            "name-history",
            "7.0.0",
            emr.layout.has_table("patient_history"),
        ),
    ]
}
