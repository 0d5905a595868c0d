//! The loop that works on jobs: a slice at a time, at the job that waits longest. Several servers may do so at once; what
//! one of them leaves when it is killed, another or the next start goes on with.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::auth::Context;
use crate::auth::onboarding;
use crate::domain::refusal::Answer;
use crate::mail;
use crate::worker::apart;

/// How often it is looked whether there is a job.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// How long nothing is tried where the database is away.
const AWAY: Duration = Duration::from_secs(10);

/// Whoever lends the loop what work needs.
pub trait House: Send + Sync + 'static {
    /// What the auth room needs, as of now, for work that a request began.
    fn context<'a>(&'a self, request_id: &'a str) -> Context<'a>;
}

/// Starts the loop. It runs until it is aborted; what is cut off then is done by the next.
///
/// # Errors
/// As [`crate::crypto::Entropy::token`].
pub fn start<H: House>(house: Arc<H>) -> Answer<JoinHandle<()>> {
    let worker = house.context("").entropy.token()?;
    Ok(tokio::spawn(async move {
        loop {
            let (house, worker) = (house.clone(), worker.clone());
            match apart(async move { look(house.as_ref(), &worker).await }).await {
                Ok(true) => tokio::task::yield_now().await,
                Ok(false) => tokio::time::sleep(BETWEEN_LOOKS).await,
                Err(failure) => {
                    tracing::warn!(?failure, "jobs could not be worked on");
                    tokio::time::sleep(AWAY).await;
                }
            }
        }
    }))
}

/// Does one slice; false where there is nothing to do now.
///
/// # Errors
/// As [`onboarding::work`].
pub async fn look<H: House>(house: &H, worker: &str) -> Answer<bool> {
    let context = house.context("");
    let post = mail::post(context.emr, &context.config.notify).await?;
    onboarding::work(&context, worker, post).await
}
