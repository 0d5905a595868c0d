//! What waits is decided: once, and what was asked for is taken over in the same transaction.

use sqlx::FromRow;

use super::Source;
use super::papers;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::access::Grant;
use crate::domain::access::Reach;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::tasks::Work;
use crate::emr::Emr;
use crate::emr::chart;
use crate::emr::chart::raw;
use crate::emr::composed;
use crate::emr::composed::Kind;
use crate::emr::filing;
use crate::emr::insurance;
use crate::emr::registering::deciding;
use crate::emr::review;
use crate::emr::writing::Written;
use crate::portal::Case;
use crate::portal::chart::Writer;
use crate::portal::work::Decide;
use crate::portal::work::WorkAsk;
use crate::portal::work::WorkCase;
use crate::portal::work::WorkChange;
use crate::store::reviews;
use crate::store::reviews::Decision;
use crate::store::reviews::Wanted;
use crate::store::reviews::Which;

const ARGS: &str = "SELECT table_args FROM onsite_portal_activity WHERE id = ?";

/// As OpenEMR's dashboard closes a row (facts 2.10). The status is compared again: of two who decide at once, and of
/// the dashboard and this house, only one does.
const CLOSE: &str = "UPDATE onsite_portal_activity SET pending_action = 'completed', action_taken = ?, status = ?, \
    narrative = ?, table_action = ?, action_user = ?, action_taken_time = ? \
    WHERE id = ? AND status IN ('waiting', 'editing', 'new') AND pending_action = 'review'";

#[derive(FromRow)]
struct Args {
    table_args: Option<String>,
}

/// Gathers what the rules must know about a decision.
///
/// # Errors
/// As [`crate::db::Db::one`].
pub(in crate::emr) async fn case(
    emr: &Emr,
    grant: &Grant,
    reach: &Reach,
    ask: WorkAsk,
) -> Answer<Case> {
    let practice = emr.practice().await?;
    let mut foreign = Vec::new();
    if let Some(row) = activity(&ask)
        && ask.task.work == Work::Profile
    {
        let args: Option<Args> = emr.db.one(Sql::new(ARGS).bind(row)).await?;
        let args = args.and_then(|args| args.table_args).unwrap_or_default();
        let behind = reviews::find(&emr.db, Wanted::Activities(&[row])).await?;
        let charts = raw::of_many(&emr.db, &emr.layout, &[ask.task.person.pid]).await?;
        if let Some(chart) = charts.first() {
            foreign = review::wish(&practice.lists, chart, &args, &behind).foreign;
        }
    }
    let category = match ask.category.as_str() {
        "" => None,
        name => filing::category_named(emr, reach, name).await?,
    };
    Ok(Case::Work(WorkCase {
        writer: chart::writer(grant),
        portal_on: practice.globals.on("portal_onsite_two_enable"),
        foreign,
        category,
        ask,
    }))
}

/// The row of OpenEMR's queue a Task is; `None` where it is none.
fn activity(ask: &WorkAsk) -> Option<i64> {
    let parts = composed::parts(Kind::Activity, ask.task.uuid)?;
    let here = i64::from(parts.extra) == Source::Activity as i64;
    here.then(|| i64::try_from(parts.row).ok()).flatten()
}

/// Writes a decision, and what was asked for where it is accepted.
///
/// # Errors
/// `Conflict` where it was decided at the same moment, or what is asked for is something else by now.
pub(in crate::emr) async fn apply(emr: &Emr, tx: &mut Tx, change: &WorkChange) -> Answer<Written> {
    let ask = &change.ask;
    let status = match ask.decide {
        Decide::Accept => "completed",
        Decide::Reject => "rejected",
        Decide::Withdraw => "cancelled",
    };
    let decision = Decision {
        status,
        reason: ask.reason.clone(),
        refused: ask.refused.clone(),
        by: match change.writer {
            Writer::Staff(_, uuid) => Some(uuid),
            Writer::Patient | Writer::Service => None,
        },
        at: emr.now(),
    };
    match activity(ask) {
        Some(row) => {
            if ask.decide == Decide::Accept {
                review::accept(emr, tx, (ask, row), &change.writer).await?;
            }
            if tx.run(closed(emr, (ask, row), &change.writer)).await? != 1 {
                return Err(decided());
            }
            let done = reviews::decide(tx, Which::Activity(row), &decision).await?;
            if done == 0 {
                // OpenEMR's own portal made the row: the reason has no other place.
                keep(emr, tx, (ask, row), &decision).await?;
            }
        }
        None => {
            if reviews::decide(tx, Which::One(ask.task.uuid), &decision).await? != 1 {
                return Err(decided());
            }
            let ids = [ask.task.uuid];
            let found = reviews::held(tx, Wanted::Ids(&ids)).await?;
            let review = found.first().ok_or(Refusal::NotFound)?;
            match (ask.task.work, ask.decide) {
                (Work::Registration, Decide::Accept) => deciding::accept(emr, tx, review).await?,
                (Work::Registration, Decide::Reject) => {
                    deciding::reject(emr, tx, (review, &ask.reason)).await?;
                }
                (Work::Document, _) => papers::apply(tx, (review, change), &decision).await?,
                (_, Decide::Accept) => insurance::accept(emr, tx, (review, &ask.refused)).await?,
                (_, Decide::Reject | Decide::Withdraw) => {}
            }
        }
    }
    Ok(Written::Record(ask.task.uuid))
}

fn closed(emr: &Emr, (ask, row): (&WorkAsk, i64), writer: &Writer) -> Sql {
    let (taken, status, narrative, table) = match ask.decide {
        Decide::Accept => (
            "accept",
            "closed",
            "Changes reviewed and commited to demographics.",
            "update",
        ),
        Decide::Reject => (
            "reject",
            "closed",
            "Changes reviewed and not taken over.",
            "",
        ),
        Decide::Withdraw => (
            "",
            "deleted",
            "Patient took back the changes to demographics.",
            "delete",
        ),
    };
    Sql::new(CLOSE)
        .bind(taken)
        .bind(status)
        .bind(narrative)
        .bind(table)
        .bind(chart::user(writer))
        .bind(emr.zone.wall(emr.now()))
        .bind(row)
}

/// A review that is decided the moment it is made, so that what was said about OpenEMR's own row is kept.
async fn keep(
    emr: &Emr,
    tx: &mut Tx,
    (ask, row): (&WorkAsk, i64),
    decision: &Decision,
) -> Answer<()> {
    let review = reviews::NewReview {
        id: crate::emr::uuids::fresh(),
        kind: ask.task.work.code().0,
        person: ask.task.person,
        resource: format!("Patient/{}", ask.task.person.uuid),
        asked: "{}".to_owned(),
        // What was known when it was asked for is not known: no change is told of it later.
        known: String::new(),
        client_id: String::new(),
        created: reviews::millis(emr.now()),
        activity: Some(row),
    };
    reviews::insert(tx, &review).await?;
    reviews::decide(tx, Which::Activity(row), decision)
        .await
        .map(|_| ())
}

fn decided() -> Failure {
    let why = "Somebody else decided this at the same moment.";
    Refusal::Conflict(why.to_owned()).into()
}
