//! `/staff`: what waits at the desk, counted, each with the way to where it is finished.

mod counts;
mod events;

use std::sync::Arc;

use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::Response;

use crate::auth::csrf;
use crate::domain::access::Right;
use crate::emr::colleague::Colleague;
use crate::emr::mail::colleagues;
use crate::http::App;
use crate::http::door;
use crate::http::door::Away;
use crate::http::negotiate;
use crate::http::pages::desk::Desk;
use crate::http::pages::desk::Line;
use crate::http::reply;
use crate::http::request_id::RequestId;

use counts::Fresh;
use counts::count;

pub use counts::Counts;
pub use events::events;

/// What may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Queue {
    Visits,
    Requests,
    Registrations,
    Apps,
    Letters,
    NeverUsed,
    Messages,
}

/// A queue: its name in addresses and events, where it is finished, and what is said of it.
struct Known {
    queue: Queue,
    key: &'static str,
    path: &'static str,
    title: &'static str,
    waits: &'static str,
    none: &'static str,
    right: Right,
}

/// Every queue, the one that patients wait at first.
const QUEUES: [Known; 7] = [
    Known {
        queue: Queue::Visits,
        key: "visits",
        path: "/staff/visits",
        title: "Appointments",
        waits: "Patients ask for visits.",
        none: "No request waits for you. See who comes today.",
        right: Right::Appointments,
    },
    Known {
        queue: Queue::Messages,
        key: "messages",
        path: "/staff/messages",
        title: "Messages",
        waits: "Patients wrote to you.",
        none: "Nothing new for you. Write to a patient, or to many.",
        right: Right::Notes,
    },
    Known {
        queue: Queue::Requests,
        key: "requests",
        path: "/staff/reviews",
        title: "Requests of patients",
        waits: "Patients changed or sent something for you to look at.",
        none: "Nothing that patients changed or sent waits for you.",
        right: Right::Portal,
    },
    Known {
        queue: Queue::Registrations,
        key: "registrations",
        path: "/staff/registrations",
        title: "Registrations",
        waits: "New patients registered: look at their charts and let in who waits.",
        none: "Nobody new waits for you.",
        right: Right::Portal,
    },
    Known {
        queue: Queue::Apps,
        key: "apps",
        path: "/staff/apps",
        title: "Apps",
        waits: "Apps ask to be let in.",
        none: "No app waits for you. See which are in use, and switch one off.",
        right: Right::Portal,
    },
    Known {
        queue: Queue::Letters,
        key: "letters",
        path: "/staff/mail?status=dead",
        title: "Letters",
        waits: "could not be delivered. See why, and send them again.",
        none: "What went out by e-mail, and whether it was delivered.",
        right: Right::Portal,
    },
    Known {
        queue: Queue::NeverUsed,
        key: "never-used",
        path: "/staff/onboarding?status=never-used",
        title: "Onboarding",
        waits: "Patients were let in and have not logged in yet.",
        none: "Every patient who was let in has come. Let others in and invite them.",
        right: Right::Portal,
    },
];

/// `GET /staff`; `?by=itself` where no person asked for it: that keeps no login alive.
pub async fn page(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let shown: Result<Response, Away> = async {
        let pairs = negotiate::pairs(query.as_deref());
        let by_itself = pairs
            .iter()
            .any(|pair| pair.0 == "by" && pair.1 == "itself");
        let (colleague, visitor) = match by_itself {
            true => door::staff_unasked(&app, &id, &headers, "/staff").await?,
            false => door::staff(&app, &id, &headers, "/staff").await?,
        };
        let counted = counted(&app, &id, &colleague, Fresh::Now).await;
        let lines: Vec<Line> = counted
            .into_iter()
            .enumerate()
            .map(|(at, (known, count))| Line {
                key: known.key,
                path: known.path,
                title: known.title,
                waits: known.waits,
                none: known.none,
                access_key: at + 1,
                count,
            })
            .collect();
        let page = Desk {
            frame: reply::frame(&app, "Staff desk"),
            csrf: csrf::token(visitor.token),
            name: colleague.display.clone(),
            may_launch: colleague.staff.has(Right::Demographics),
            may_administer: colleague.staff.has(Right::Users),
            may_manage: colleague.staff.has(Right::Portal),
            total: lines.iter().filter_map(|line| line.count).sum(),
            lines,
        };
        Ok(reply::html(StatusCode::OK, page))
    }
    .await;
    door::shown(&app, &id, shown)
}

/// What waits of everything this colleague may finish.
async fn counted(
    app: &App,
    id: &RequestId,
    colleague: &Colleague,
    fresh: Fresh,
) -> Vec<(&'static Known, Option<i64>)> {
    let mut all = Vec::new();
    for known in &QUEUES {
        if !colleague.staff.has(known.right) {
            continue;
        }
        if known.queue == Queue::Messages && !takes_part(app, colleague).await {
            continue;
        }
        let asked = (known.queue, fresh);
        all.push((known, count(app, id, colleague, asked).await));
    }
    all
}

/// Whether patients write to this colleague; where that cannot be asked the other queues are told all the same.
async fn takes_part(app: &App, colleague: &Colleague) -> bool {
    let asked = colleagues::takes_part(&app.emr, colleague.staff.id).await;
    asked.unwrap_or_else(|failure| {
        tracing::warn!(?failure, "whether somebody takes messages was not found");
        false
    })
}
