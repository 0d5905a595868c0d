//! Inviting many: a page that says how many get a letter and how many cannot and why, then the job.

use axum::http::StatusCode;
use axum::response::Response;

use crate::auth::Context;
use crate::auth::accounts;
use crate::auth::csrf;
use crate::auth::desk;
use crate::auth::onboarding as invitations;
use crate::auth::onboarding::Ticket;
use crate::auth::session::Visitor;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Reason;
use crate::domain::refusal::Refusal;
use crate::emr::colleague::Colleague;
use crate::emr::onboarding;
use crate::emr::onboarding::STRIDE;
use crate::http::App;
use crate::http::forms::Form;
use crate::http::oauth::see_other;
use crate::http::onboarding::Asked;
use crate::http::pages::onboarding::Confirm;
use crate::http::reply;
use crate::mail;
use crate::store::jobs::By;
use crate::store::jobs::Wish;

/// What would become of a list of patients.
#[derive(Default)]
struct Outlook {
    /// How many would get a letter as things are.
    can: usize,
    /// How many more would where access is enabled first.
    more: usize,
    /// How many of all who would get one have a mailbox that others have too.
    shared: usize,
    /// How many cannot get one, by the reason; also where access is enabled first.
    cannot: Vec<(Reason, usize)>,
}

/// What a form about many patients asks for.
pub(super) async fn asked(
    app: &App,
    (context, colleague): (&Context<'_>, &Colleague),
    (wanted, form, visitor): (&str, &Form, Visitor<'_>),
    asked: &Asked,
) -> Answer<Response> {
    invitations::many(context)?;
    let (pids, hidden) = chosen(app, (wanted, form), asked).await?;
    if pids.is_empty() {
        let why = "Nobody is chosen. Tick the patients first.";
        return Err(Refusal::invalid("patient", why).into());
    }
    let wish = Wish {
        enable: form.text("enable") == "true",
        attested: form.text("attestation") == "true",
    };
    let error = match (wanted, wish) {
        (
            "start",
            Wish {
                enable: true,
                attested: false,
            },
        ) => "Say that you made sure who reads these mailboxes, or do not enable access.",
        ("start", wish) => {
            return start(app, (context, colleague), (form, pids), (wish, asked)).await;
        }
        ("selected" | "all", _) => "",
        _ => {
            let why = "do: expected selected, all or start.";
            return Err(Refusal::invalid("do", why).into());
        }
    };
    let outlook = outlook(app, context, &pids).await?;
    let page = Confirm {
        frame: reply::frame(app, "Invite many"),
        csrf: csrf::token(visitor.token),
        action: asked.address(super::HERE, &[]),
        back: asked.address(super::HERE, &[]),
        error,
        hidden,
        ticket: match form.text("ticket") {
            fresh if fresh.is_empty() => app.entropy.token()?,
            known => known,
        },
        total: pids.len(),
        can: outlook.can,
        more: outlook.more,
        shared: outlook.shared,
        cannot: outlook
            .cannot
            .into_iter()
            .map(|(reason, number)| (reason.text, number))
            .collect(),
        hours: app.config.accounts.invite_again.whole_hours(),
        enable: wish.enable,
    };
    let status = match error {
        "" => StatusCode::OK,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    Ok(reply::html(status, page))
}

/// Whom a form means, and the fields that say it again.
async fn chosen(
    app: &App,
    (wanted, form): (&str, &Form),
    asked: &Asked,
) -> Answer<(Vec<i64>, Vec<(&'static str, String)>)> {
    if wanted == "all" || form.text("everybody") == "true" {
        let snapshot = app.onboarding.get(&app.emr).await?;
        let pids = onboarding::everybody(&app.emr, &snapshot, &asked.filter()).await?;
        return Ok((pids, vec![("everybody", "true".to_owned())]));
    }
    let ticked = form.all("patient");
    let ids: Vec<uuid::Uuid> = ticked.iter().filter_map(|id| id.parse().ok()).collect();
    let pids = onboarding::numbers(&app.emr, &ids).await?;
    let hidden = ids.iter().map(|id| ("patient", id.to_string()));
    Ok((pids, hidden.collect()))
}

async fn outlook(app: &App, context: &Context<'_>, pids: &[i64]) -> Answer<Outlook> {
    let snapshot = app.onboarding.get(&app.emr).await?;
    let post = mail::post(&app.emr, &app.config.notify).await?;
    let with_access = Wish {
        enable: true,
        attested: true,
    };
    let mut outlook = Outlook::default();
    for some in pids.chunks(STRIDE) {
        for standing in onboarding::standings(&app.emr, &snapshot, some).await? {
            let is_shared = standing.sharing > 0;
            let case = accounts::case(context, standing, post).await?;
            if invitations::unmet(&case, Wish::default()).is_empty() {
                outlook.can += 1;
                outlook.shared += usize::from(is_shared);
                continue;
            }
            let mut left = invitations::unmet(&case, with_access).into_iter();
            let Some(first) = left.next() else {
                outlook.more += 1;
                outlook.shared += usize::from(is_shared);
                continue;
            };
            match outlook
                .cannot
                .iter_mut()
                .find(|(known, _)| known.id == first.id)
            {
                Some((_, number)) => *number += 1,
                None => outlook.cannot.push((first, 1)),
            }
        }
    }
    outlook
        .cannot
        .sort_by_key(|(_, number)| std::cmp::Reverse(*number));
    Ok(outlook)
}

async fn start(
    app: &App,
    (context, colleague): (&Context<'_>, &Colleague),
    (form, pids): (&Form, Vec<i64>),
    (wish, asked): (Wish, &Asked),
) -> Answer<Response> {
    let number = match form.text("ticket") {
        known if known.is_empty() => app.entropy.token()?,
        known => known,
    };
    // The form's number is new each time it is shown: pressed twice, it is the same job.
    let ticket = Ticket {
        number: format!("form {number}"),
        asked: asked.address("", &[]).into_bytes(),
    };
    let by = By {
        staff: Some(colleague.staff.id),
        actor: desk::actor(colleague),
        ..By::default()
    };
    let job = invitations::start(context, (&by, &ticket), pids, wish).await?;
    Ok(see_other(&format!("/staff/jobs/{job}")))
}
