//! How many wait in a queue, as counted a moment ago: many open desks ask the database no more often than one, and a queue
//! that takes long, or fails, keeps no other one from being told.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::Queue;
use crate::auth::client;
use crate::auth::registering::deciding;
use crate::domain::refusal::Answer;
use crate::emr::colleague::Colleague;
use crate::http::App;
use crate::http::fhir;
use crate::http::oauth::context;
use crate::http::onboarding;
use crate::http::request_id::RequestId;
use crate::http::staff_messages;
use crate::http::staff_reviews;
use crate::http::staff_visits;
use crate::store::grants;
use crate::store::outbox;

/// How old a count may be that goes out by itself.
const RECENT: Duration = Duration::from_secs(4);

/// A count and when it was made; held while it is made anew.
type Kept = Arc<Mutex<Option<(Instant, i64)>>>;

/// What was counted, by queue and, for what is one's own, by colleague.
#[derive(Default)]
pub struct Counts {
    kept: std::sync::Mutex<HashMap<(Queue, i64), Kept>>,
}

/// How fresh a count has to be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fresh {
    /// Counted now.
    Now,
    /// Counted a moment ago.
    Recent,
}

impl Counts {
    fn of(&self, queue: Queue, whose: i64) -> Kept {
        let kept = self.kept.lock();
        let mut kept = kept.unwrap_or_else(PoisonError::into_inner);
        kept.entry((queue, whose)).or_default().clone()
    }
}

/// How many wait in one queue; `None` where they could not be counted. Who asks while it is counted waits for that count.
pub(super) async fn count(
    app: &App,
    id: &RequestId,
    colleague: &Colleague,
    (queue, fresh): (Queue, Fresh),
) -> Option<i64> {
    let whose = match queue {
        Queue::Messages => colleague.staff.id,
        _ => 0,
    };
    let kept = app.desk.of(queue, whose);
    let mut kept = kept.lock().await;
    if let Some((at, count)) = *kept
        && fresh == Fresh::Recent
        && at.elapsed() < RECENT
    {
        return Some(count);
    }
    match counted(app, id, colleague, queue).await {
        Ok(count) => {
            *kept = Some((Instant::now(), count));
            Some(count)
        }
        Err(failure) => {
            tracing::warn!(?failure, ?queue, "a queue of the desk was not counted");
            None
        }
    }
}

async fn counted(app: &App, id: &RequestId, colleague: &Colleague, queue: Queue) -> Answer<i64> {
    let db = &app.emr.db;
    let grant = grants::at_desk(colleague.staff.clone());
    let rest = fhir::rest(app, id, &grant);
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    Ok(match queue {
        Queue::Visits => number(staff_visits::count(&rest).await?),
        Queue::Messages => staff_messages::side(app, &rest, colleague).unread().await?,
        Queue::Requests => staff_reviews::counts(&rest).await?.all(),
        Queue::Registrations => {
            let base = app.config.fhir_base();
            number(deciding::count(&context(app, &base, &id.0)).await?)
        }
        Queue::Apps => number(client::waiting(db).await?.len()),
        Queue::Letters => outbox::dead(db).await?,
        Queue::NeverUsed => number(onboarding::never_used(app).await?),
    })
}
