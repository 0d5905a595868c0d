//! The loop that looks for messages that have come, and tells the patients that there is one.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::auth::notices;
use crate::domain::refusal::Answer;
use crate::mail;
use crate::worker::apart;
use crate::worker::jobs::House;

/// How often it is looked.
const BETWEEN_LOOKS: Duration = Duration::from_secs(5);

/// How long nothing is tried where the database is away.
const AWAY: Duration = Duration::from_secs(30);

/// Starts the loop. It runs until it is aborted; what is cut off then is done by the next.
pub fn start<H: House>(house: Arc<H>) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            let house = house.clone();
            match apart(async move { look(house.as_ref()).await }).await {
                Ok(_) => tokio::time::sleep(BETWEEN_LOOKS).await,
                Err(failure) => {
                    tracing::warn!(?failure, "that there are messages could not be told");
                    tokio::time::sleep(AWAY).await;
                }
            }
        }
    })
}

/// Looks once; how many letters are on their way.
///
/// # Errors
/// As [`notices::look`].
pub async fn look<H: House>(house: &H) -> Answer<usize> {
    let context = house.context("");
    let post = mail::post(context.emr, &context.config.notify).await?;
    notices::look(&context, post).await
}
