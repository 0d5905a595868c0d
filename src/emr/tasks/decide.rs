//! What waits is decided: once, and what was asked for is taken over in the same transaction.

use sqlx::FromRow;

use super::Opens;
use super::Source;
use super::opens;
use super::papers;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::ResourceType;
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
use crate::emr::forms;
use crate::emr::insurance;
use crate::emr::registering::deciding;
use crate::emr::review;
use crate::emr::writing::Written;
use crate::portal::Case;
use crate::portal::chart::Writer;
use crate::portal::document::DocumentCase;
use crate::portal::rules;
use crate::portal::work::Charting;
use crate::portal::work::Decide;
use crate::portal::work::WORK;
use crate::portal::work::WorkAsk;
use crate::portal::work::WorkCase;
use crate::portal::work::WorkChange;
use crate::store::reviews;
use crate::store::reviews::Decision;
use crate::store::reviews::NewReview;
use crate::store::reviews::Review;
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
/// As [`crate::db::Db::one`]; `Conflict` where a form does not wait any more, `Unavailable` where no documents can be
/// written here.
pub(in crate::emr) async fn case(
    emr: &Emr,
    grant: &Grant,
    reach: &Reach,
    ask: WorkAsk,
) -> Answer<Case> {
    let practice = emr.practice().await?;
    let portal_on = practice.globals.on("portal_onsite_two_enable");
    let mut case = WorkCase::of(ask, (chart::writer(grant), portal_on));
    let (work, decide) = (case.ask.task.work, case.ask.decide);
    if !case.ask.task.progress.waits() {
        return Ok(Case::Work(case));
    }
    case.opens = case.writer == Writer::Patient
        || opens::opens(emr, grant, &case.ask.task).await? != Opens::No;
    case.category = match case.ask.category.as_str() {
        "" => None,
        name => filing::category_named(emr, reach, name).await?,
    };
    match (work, decide) {
        (Work::Profile, _) => case.foreign = foreign(emr, &case.ask).await?,
        (Work::Document, _) => {
            if let Some(review) = review_of(emr, &case.ask).await? {
                case.home = papers::home(emr, &review).await?;
            }
        }
        (Work::Coverage, Decide::Accept) => {
            if let Some(review) = review_of(emr, &case.ask).await? {
                let merged = insurance::merged(emr, (&review, &case.ask.refused)).await?;
                case.policy = merged.map(Box::new);
            }
        }
        // It is drawn where nothing else is in the way.
        (Work::Form, Decide::Accept) if rules::broken(WORK, &case).is_empty() => {
            case.charting = Some(Box::new(drawn(emr, &case.ask).await?));
        }
        _ => {}
    }
    Ok(Case::Work(case))
}

/// The fields a changed profile holds and this house does not write.
async fn foreign(emr: &Emr, ask: &WorkAsk) -> Answer<Vec<String>> {
    let Some(row) = activity(ask) else {
        return Ok(Vec::new());
    };
    let args: Option<Args> = emr.db.one(Sql::new(ARGS).bind(row)).await?;
    let args = args.and_then(|args| args.table_args).unwrap_or_default();
    let behind = reviews::find(&emr.db, Wanted::Activities(&[row])).await?;
    let charts = raw::of_many(&emr.db, &emr.layout, &[ask.task.person.pid]).await?;
    let wish = |chart| review::wish(&emr.known().lists, chart, &args, &behind);
    Ok(charts.first().map(wish).unwrap_or_default().foreign)
}

/// The review of this house that a Task is.
async fn review_of(emr: &Emr, ask: &WorkAsk) -> Answer<Option<Review>> {
    let found = reviews::find(&emr.db, Wanted::Ids(&[ask.task.uuid])).await?;
    Ok(found.into_iter().next())
}

/// A signed form and the document it is to become.
async fn drawn(emr: &Emr, ask: &WorkAsk) -> Answer<Charting> {
    let row = form_of(ask).ok_or_else(no_form)?;
    match forms::chart::ready(emr, ask.task.person, row).await {
        Err(Failure::Refused(Refusal::NotFound)) => Err(no_form()),
        Ok(ready) if forms::stand(&ready.form) != ask.task.stand => Err(forms::chart::changed()),
        ready => ready,
    }
}

/// The row of the form a Task is about.
fn form_of(ask: &WorkAsk) -> Option<i64> {
    forms::row_of(ask.task.focus?.1)
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
        Some(row) if ask.task.work == Work::Form => {
            form(emr, tx, (change, row)).await?;
            keep(tx, (ask, row), (&decision, empty())).await?;
        }
        Some(row) => {
            let seen = review::seen(emr, tx, (ask, row)).await?;
            if ask.decide == Decide::Accept {
                review::accept(emr, tx, (ask, &seen), &change.writer).await?;
            }
            if tx.run(closed(emr, (ask, row), &change.writer)).await? != 1 {
                return Err(decided());
            }
            let done = reviews::decide(tx, Which::Activity(row), &decision).await?;
            if done == 0 {
                // OpenEMR's own portal made the row: what was refused of it, and why, has no other place.
                keep(tx, (ask, row), (&decision, seen.kept()?)).await?;
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

/// Locks a signed form and files it, or gives it back.
async fn form(emr: &Emr, tx: &mut Tx, (change, row): (&WorkChange, i64)) -> Answer<()> {
    let ask = &change.ask;
    let by = chart::user(&change.writer);
    if ask.decide == Decide::Accept {
        let charting = change.charting.as_ref().ok_or_else(decided)?;
        return forms::chart::lock(emr, tx, charting, by).await;
    }
    let given_back = match form_of(ask) {
        Some(form) => {
            let why = (ask.reason.as_str(), by);
            forms::chart::deny(emr, tx, (ask.task.person, form), why, &ask.task.stand).await
        }
        None => Err(Refusal::NotFound.into()),
    };
    match given_back {
        // Where the form was deleted in OpenEMR there is nothing to give back, and nothing waits.
        Err(Failure::Refused(Refusal::NotFound)) => {
            match tx.run(closed(emr, (ask, row), &change.writer)).await? {
                1 => Ok(()),
                _ => Err(decided()),
            }
        }
        other => other,
    }
}

/// The document that a form becomes by a decision.
pub(in crate::emr) fn filed(change: &WorkChange) -> Option<&DocumentCase> {
    change.charting.as_ref().map(|charting| &charting.document)
}

/// A review that is decided the moment it is made, so that what was said about OpenEMR's own row is kept: what was asked
/// and what was known, as far as staff saw it.
async fn keep(
    tx: &mut Tx,
    (ask, row): (&WorkAsk, i64),
    (decision, (asked, known)): (&Decision, (String, String)),
) -> Answer<()> {
    let task = &ask.task;
    let about = task
        .focus
        .unwrap_or((ResourceType::Patient, task.person.uuid));
    let review = NewReview {
        id: crate::emr::uuids::fresh(),
        kind: task.work.code().0,
        person: task.person,
        resource: format!("{}/{}", about.0.name(), about.1),
        asked,
        known,
        client_id: String::new(),
        created: reviews::millis(decision.at),
        activity: Some(row),
    };
    reviews::insert(tx, &review).await?;
    reviews::decide(tx, Which::One(review.id), decision)
        .await
        .map(|_| ())
}

/// What is kept where nothing of a chart was to change.
fn empty() -> (String, String) {
    ("{}".to_owned(), String::new())
}

fn no_form() -> Failure {
    let why = "The form is not in the Documents Center any more: refuse it.";
    Refusal::Conflict(why.to_owned()).into()
}

fn decided() -> Failure {
    let why = "Somebody else decided this at the same moment.";
    Refusal::Conflict(why.to_owned()).into()
}
