//! The ways back from a page of a waiting request: to the login, for somebody else to go on, and to the list of patients,
//! for another one to be chosen. Each makes a new request of the old one, so that a page still open in another tab, which
//! shows other people, answers nothing any more.

use crate::auth::Context;
use crate::auth::authorize::Pending;
use crate::auth::authorize::Step;
use crate::auth::authorize::attached;
use crate::auth::authorize::ended;
use crate::auth::who::Who;
use crate::domain::refusal::Answer;
use crate::store::authorizations;
use crate::store::authorizations::Asked;
use crate::store::authorizations::Launched;
use crate::store::authorizations::Stage;

/// Where to go back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Back {
    /// The login. Whoever is logged in stays so; the request lets go of them.
    Login,
    /// The list of patients.
    Patients,
}

/// Goes back; the id of the request from here on.
///
/// # Errors
/// `Expired` where the request has ended, or there is no way back: an app that staff launched is for the one who did and
/// the patient it was launched for. Otherwise as [`crate::db::Db::run`].
pub async fn again(context: &Context<'_>, pending: &Pending, back: Back) -> Answer<String> {
    let stage = match (back, &pending.step) {
        _ if pending.asked.launch.by.is_some() => return Err(ended()),
        (Back::Login, Step::Own(_) | Step::Login(_)) => return Err(ended()),
        (Back::Login, _) => Stage::Login,
        (Back::Patients, Step::Consent(Who::Staff(_), session)) => {
            Stage::In(attached(session), session.session_hash.clone())
        }
        (Back::Patients, _) => return Err(ended()),
    };
    let asked = Asked {
        id: context.entropy.token()?,
        launch: Launched::default(),
        ..pending.asked.clone()
    };
    let now = context.seconds();
    let done = context
        .emr
        .db
        .transaction(|tx| {
            let (old, asked, stage) = (pending.asked.id.clone(), asked.clone(), stage.clone());
            Box::pin(async move {
                if !authorizations::finish(tx, &old, now).await? {
                    return Ok(false);
                }
                authorizations::add(tx, &asked, now).await?;
                authorizations::attach(tx, &asked.id, &stage, now).await?;
                Ok(true)
            })
        })
        .await?;
    done.then_some(asked.id).ok_or_else(ended)
}
