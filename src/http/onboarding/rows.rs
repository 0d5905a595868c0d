//! A patient as a row of the onboarding page: the state in a word and a colour, what is missing, and what can be done.

use time::OffsetDateTime;

use crate::auth::Context;
use crate::auth::accounts;
use crate::auth::onboarding as invitations;
use crate::db::sql::date_text;
use crate::domain::accounts::Post;
use crate::domain::accounts::Standing;
use crate::domain::accounts::State;
use crate::domain::refusal::Answer;
use crate::emr::onboarding::LastLetter;
use crate::http::App;
use crate::http::pages::onboarding::Row;
use crate::http::pages::plain::plain;
use crate::portal::account;
use crate::store::jobs::Wish;

/// What may be missing, in few words. What concerns everybody stands over the list.
const MISSING: [(&str, &str); 10] = [
    ("chart-status", "Died"),
    ("access-locked", "Locked by staff"),
    ("no-email", "No e-mail address"),
    ("email-hold", "New e-mail, not confirmed by staff"),
    ("email-not-allowed", "Has not agreed to e-mail"),
    ("no-birth-date", "No birth date"),
    ("no-home-phone", "No home phone"),
    ("no-zip", "No ZIP code"),
    ("no-trusted-email", "No trusted e-mail"),
    ("attestation-missing", ""),
];

/// The colour and the words of a state: red is who is not let in (F100).
pub(super) fn pill(state: State) -> (&'static str, &'static str) {
    let colour = match state {
        State::NotAuthorised | State::Disabled => "bad",
        State::PendingVerification => "warn",
        State::AuthorisedNoCredentials | State::CredentialsIssued => "wait",
        State::Active => "good",
        State::PortalOff => "off",
    };
    (colour, state.code().1)
}

/// What is missing on the way to an active account, in few words each.
pub(super) async fn missing(
    context: &Context<'_>,
    standing: &Standing,
    post: Post,
) -> Answer<Vec<&'static str>> {
    let case = accounts::case(context, standing.clone(), post).await?;
    let unmet = account::unmet(&case);
    let short = |id: &str| MISSING.iter().find(|(known, _)| *known == id);
    let short = unmet.iter().filter_map(|reason| short(reason.id));
    Ok(short
        .map(|(_, words)| *words)
        .filter(|words| !words.is_empty())
        .collect())
}

pub(super) async fn row(
    app: &App,
    context: &Context<'_>,
    (standing, letter): (&Standing, Option<&LastLetter>),
    post: Post,
) -> Answer<Row> {
    let state = standing.state(true);
    let (colour, words) = pill(state);
    let case = accounts::case(context, standing.clone(), post).await?;
    let may = |wish: Wish| invitations::unmet(&case, wish).is_empty();
    let with_access = Wish {
        enable: true,
        attested: true,
    };
    let opens = !standing.allowed && standing.remembered.registered.is_none();
    let open = account::AccountCase {
        attested: true,
        ..case.clone()
    };
    let can_enable = opens && crate::portal::rules::broken(account::ENABLE, &open).is_empty();
    let day = |seconds: i64| {
        let at = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        date_text(app.emr.zone.wall(at).date())
    };
    Ok(Row {
        id: standing.person.uuid.to_string(),
        name: Some(plain(&standing.display(), 80))
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| "Without a name".to_owned()),
        born: standing.born.map_or("unknown".to_owned(), date_text),
        number: standing.person.pid.to_string(),
        colour,
        words,
        missing: missing(context, standing, post).await?,
        email: masked(standing.address()),
        sharing: standing.sharing,
        letter: letter.map(|letter| wording(letter).replace("{}", &day(letter.created))),
        can_enable,
        attests: !standing.address().is_empty(),
        sends: may(Wish::default()).then(|| match standing.is_set_up() {
            true => "Send a reset",
            false => "Invite",
        }),
        sends_then: can_enable && may(with_access),
    })
}

/// The last letter and how far it is, as a sentence with a hole for its day.
fn wording(letter: &LastLetter) -> &'static str {
    let is_reset = letter.letter == "reset";
    match (letter.status.as_str(), is_reset) {
        ("sent", false) => "Invitation sent {}",
        ("sent", true) => "Reset sent {}",
        ("dead", _) => "Letter of {} could not be delivered",
        ("withdrawn", _) => "Letter of {} was withdrawn",
        (_, false) => "Invitation of {} is on its way",
        (_, true) => "Reset of {} is on its way",
    }
}

/// What is wrong with letters for everybody; nothing where they can leave.
pub(super) fn post(post: Post) -> Option<&'static str> {
    match post {
        Post::Ready => None,
        Post::NoTransport => {
            Some("No letter can be sent: set up the mail server (notify_transport).")
        }
        Post::NoSender => Some("No letter can be sent: set the sender's address (notify_sender)."),
    }
}

/// An address so that whoever knows it recognises it: `a•••@mail.example`; empty where there is none.
pub(super) fn masked(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) => {
            let first: String = local.chars().take(1).collect();
            format!("{first}•••@{}", plain(domain, 60))
        }
        None if address.trim().is_empty() => String::new(),
        None => "•••".to_owned(),
    }
}
