//! The loops that look what has become of visits and of patients' requests, and whether messages or forms have come, and tell
//! the patients: one loop each, so that what fails for one goes on for the others.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::auth::form_letters;
use crate::auth::notices;
use crate::auth::reviews;
use crate::auth::visits;
use crate::domain::refusal::Answer;
use crate::mail;
use crate::worker::apart;
use crate::worker::jobs::House;

/// How often it is looked.
const BETWEEN_LOOKS: Duration = Duration::from_secs(5);

/// How long nothing is tried where the database is away.
const AWAY: Duration = Duration::from_secs(30);

/// What patients are told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// What became of visits.
    Visits,
    /// What was decided of their requests.
    Reviews,
    /// That messages have come.
    Messages,
    /// That forms wait.
    Forms,
}

impl Of {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Visits, Self::Reviews, Self::Messages, Self::Forms];
}

/// Starts a loop. It runs until it is aborted; what is cut off then is done by the next.
pub fn start<H: House>(house: Arc<H>, of: Of) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            let house = house.clone();
            match apart(async move { look(house.as_ref(), of).await }).await {
                Ok(_) => tokio::time::sleep(BETWEEN_LOOKS).await,
                Err(failure) => {
                    tracing::warn!(?failure, ?of, "patients could not be told");
                    tokio::time::sleep(AWAY).await;
                }
            }
        }
    })
}

/// Looks once; how many letters are on their way.
///
/// # Errors
/// As [`visits::look`], [`reviews::look`], [`notices::look`] and [`form_letters::look`].
pub async fn look<H: House>(house: &H, of: Of) -> Answer<usize> {
    let context = house.context("");
    let post = mail::post(context.emr, &context.config.notify).await?;
    match of {
        Of::Visits => visits::look(&context, post).await,
        Of::Reviews => reviews::look(&context, post).await,
        Of::Messages => notices::look(&context, post).await,
        Of::Forms => form_letters::look(&context, post).await,
    }
}
