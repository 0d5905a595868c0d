//! `/account/visits/new`: what for, with whom, when. What was chosen stands in the address alone, and the time that is
//! pressed is held.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::Response;
use form_urlencoded::Serializer;
use time::Date;
use time::Duration;
use time::Month;
use uuid::Uuid;

use crate::auth::csrf;
use crate::db::sql::date_text;
use crate::domain::ResourceType;
use crate::domain::people::Person;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Reason;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::domain::scope::Token;
use crate::domain::visits::Appointment;
use crate::emr::Emr;
use crate::emr::slots::offers;
use crate::emr::slots::offers::Bookable;
use crate::emr::slots::offers::Kind;
use crate::emr::slots::offers::Offer;
use crate::emr::slots::offers::Wanted;
use crate::http::App;
use crate::http::door;
use crate::http::door::Away;
use crate::http::fhir;
use crate::http::forms;
use crate::http::negotiate;
use crate::http::oauth::see_other;
use crate::http::pages::plain::plain;
use crate::http::pages::visits::Told;
use crate::http::pages::visits_new::Choice;
use crate::http::pages::visits_new::Day;
use crate::http::pages::visits_new::KindRow;
use crate::http::pages::visits_new::ProviderRow;
use crate::http::pages::visits_new::Start;
use crate::http::pages::visits_new::Step;
use crate::http::pages::visits_new::VisitsNew;
use crate::http::pages::visits_new::Week;
use crate::http::reply;
use crate::http::request_id::RequestId;
use crate::http::visits;
use crate::http::visits::HERE;
use crate::http::visits::found;
use crate::http::visits::said;
use crate::portal::visit::OPEN;
use crate::rest::Rest;
use crate::rest::scheduling;
use crate::rest::scheduling::Wish;
use crate::store::grants;
use crate::words;

/// Where it is.
const PATH: &str = "/account/visits/new";

/// The word for no provider in particular.
const ANYBODY: &str = "any";

const WEEK: Duration = Duration::days(7);

/// How far the first free day is looked for.
const FAR: Duration = Duration::days(59);

/// Free starts of a week at most, of all providers.
const MOST: usize = 20_000;

/// What an address of these pages says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// The code of the kind; empty before one is chosen.
    kind: String,
    /// The FHIR id of the provider, or `any`; empty before one is chosen.
    provider: String,
    /// The first day of the week.
    from: Option<Date>,
    /// The visit that another time is chosen for.
    instead: Option<Uuid>,
}

impl Chosen {
    fn of(text: impl Fn(&str) -> String) -> Self {
        Self {
            kind: text("kind"),
            provider: text("provider"),
            from: day(&text("from")),
            instead: Uuid::try_parse(&text("instead")).ok(),
        }
    }

    /// Another time of the same kind with the same provider.
    pub fn instead_of(visit: &Appointment) -> Self {
        let kind = visit.category.as_ref();
        Self {
            kind: kind.map_or_else(String::new, |kind| kind.code.clone()),
            provider: match visit.providers.as_slice() {
                [(id, _)] => id.to_string(),
                _ => String::new(),
            },
            from: None,
            instead: Some(visit.uuid),
        }
    }

    /// What a time that is asked for was chosen by.
    pub fn like(offer: &Offer, instead: Option<Uuid>) -> Self {
        let kind = offer.slot.service.as_ref();
        Self {
            kind: kind.map_or_else(String::new, |kind| kind.code.clone()),
            provider: offer.practitioner.0.to_string(),
            from: Some(offer.slot.start.date()),
            instead,
        }
    }

    /// The address that says it.
    pub fn address(&self) -> String {
        let from = self.from.map_or_else(String::new, date_text);
        let instead = self.instead.map_or_else(String::new, |id| id.to_string());
        let mut query = Serializer::new(String::new());
        for (name, value) in [
            ("kind", &self.kind),
            ("provider", &self.provider),
            ("from", &from),
            ("instead", &instead),
        ] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        match query.finish() {
            query if query.is_empty() => PATH.to_owned(),
            query => format!("{PATH}?{query}"),
        }
    }

    fn on(&self, from: Date) -> String {
        let chosen = Self {
            from: Some(from),
            ..self.clone()
        };
        chosen.address()
    }
}

/// `GET /account/visits/new`
pub async fn page(
    State(app): State<Arc<App>>,
    id: RequestId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let shown: Result<Response, Away> = async {
        let (account, visitor) = door::own(&app, &id, &headers, PATH).await?;
        let pairs = negotiate::pairs(query.as_deref());
        let chosen = Chosen::of(|name| {
            let pair = pairs.iter().find(|(known, _)| known == name);
            pair.map(|(_, value)| value.clone()).unwrap_or_default()
        });
        let page = view((&app, &id), (account.person, visitor.token), chosen).await?;
        Ok(reply::html(StatusCode::OK, page))
    }
    .await;
    door::shown(&app, &id, shown)
}

/// `POST /account/visits/hold` with `slot`, and what it was chosen by: the time is held, and the last question asked.
pub async fn hold(
    State(app): State<Arc<App>>,
    id: RequestId,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let done: Result<Response, Away> = async {
        let (form, _) = forms::own_form(&app, &headers, body).await?;
        let (account, visitor) = door::own(&app, &id, &headers, PATH).await?;
        let chosen = Chosen::of(|name| form.text(name));
        let slot = Uuid::try_parse(&form.text("slot"));
        let slot = slot.map_err(|_| Refusal::invalid("slot", "Choose a time first."))?;
        let grant = grants::at_home(account.person);
        let wish = Wish {
            id: Some(slot),
            ..Wish::default()
        };
        let refusal = match scheduling::kept(&fhir::rest(&app, &id, &grant), &wish).await {
            Ok(_) => None,
            Err(Failure::Refused(refusal)) => Some(refusal),
            Err(broken) => return Err(broken.into()),
        };
        match refusal {
            // One request more is none where another is given up for it.
            Some(Refusal::Rules(reasons)) if chosen.instead.is_some() && only_open(&reasons) => {}
            Some(
                refusal @ (Refusal::Rules(_)
                | Refusal::Conflict(_)
                | Refusal::Unprocessable { .. }
                | Refusal::Invalid { .. }),
            ) => {
                let about = (account.person, visitor.token);
                let page = view((&app, &id), about, chosen).await?;
                let page = VisitsNew {
                    error: reply::sentence(&refusal),
                    ..page
                };
                return Ok(reply::html(reply::status(&refusal), page));
            }
            Some(other) => return Err(other.into()),
            None => {}
        }
        let instead = chosen.instead;
        let instead = instead.map_or_else(String::new, |id| format!("&instead={id}"));
        Ok(see_other(&format!("{HERE}/ask?slot={slot}{instead}")))
    }
    .await;
    door::shown(&app, &id, done)
}

fn only_open(reasons: &[Reason]) -> bool {
    reasons.iter().all(|reason| reason.id == OPEN)
}

async fn view(
    (app, id): (&App, &RequestId),
    (person, token): (Person, &str),
    chosen: Chosen,
) -> Answer<VisitsNew> {
    let grant = grants::at_home(person);
    let rest = fhir::rest(app, id, &grant);
    let closed = visits::closed(&app.emr).await?;
    let reach = rest
        .grant
        .reach(ResourceType::Appointment, Interaction::Search)?;
    let (providers, kinds) = offers::choices(&app.emr, &reach).await?;
    let instead = match chosen.instead {
        Some(visit) => Some(moved(&rest, visit).await?),
        None => None,
    };
    let kind = kinds.iter().find(|kind| kind.code.code == chosen.kind);
    let provider = providers
        .iter()
        .find(|one| one.configured && one.id.to_string() == chosen.provider);
    let anybody = chosen.provider == ANYBODY && providers.len() <= offers::TOGETHER;
    let step = match (kind, provider) {
        (None, _) => Step::Kind(kind_rows(&kinds, &chosen)),
        (Some(_), None) if !anybody => provider_step(&providers, &chosen),
        (Some(_), with) => {
            let asked = (&chosen, with);
            Step::Time(Box::new(week(&rest, person, asked).await?))
        }
    };
    Ok(VisitsNew {
        frame: reply::frame(
            app,
            match instead {
                Some(_) => "Move your visit",
                None => "Ask for a visit",
            },
        ),
        csrf: csrf::token(token),
        error: String::new(),
        closed,
        phone: app.config.help_phone.clone(),
        instead,
        chosen: choices(&chosen, kind, (provider, anybody)),
        step,
    })
}

/// The visit that another time is chosen for.
///
/// # Errors
/// `NotFound` where it is not the patient's own.
pub async fn moved(rest: &Rest<'_>, visit: Uuid) -> Answer<(String, Told)> {
    let found = found::one(rest, visit).await?;
    Ok((visit.to_string(), visits::told(rest.emr, &found.visit)))
}

/// What has been chosen, each with the way to another choice.
fn choices(
    chosen: &Chosen,
    kind: Option<&Kind>,
    (provider, anybody): (Option<&Bookable>, bool),
) -> Vec<Choice> {
    let Some(kind) = kind else {
        return Vec::new();
    };
    let without_kind = Chosen {
        kind: String::new(),
        ..chosen.clone()
    };
    let without_provider = Chosen {
        provider: String::new(),
        ..chosen.clone()
    };
    let mut all = vec![Choice {
        name: "What for",
        value: plain(&kind.code.display, 80),
        ours: false,
        address: without_kind.address(),
    }];
    let with = match provider {
        Some(one) => Some((plain(&one.name, 80), false)),
        None => anybody.then(|| ("Anybody who is free".to_owned(), true)),
    };
    all.extend(with.map(|(value, ours)| Choice {
        name: "With whom",
        value,
        ours,
        address: without_provider.address(),
    }));
    all
}

fn kind_rows(kinds: &[Kind], chosen: &Chosen) -> Vec<KindRow> {
    let row = |kind: &Kind| {
        let next = Chosen {
            kind: kind.code.code.clone(),
            ..chosen.clone()
        };
        KindRow {
            address: next.address(),
            name: plain(&kind.code.display, 80),
            minutes: kind.minutes.unwrap_or_default(),
            confirmed: kind.confirmed,
        }
    };
    kinds.iter().map(row).collect()
}

fn provider_step(providers: &[Bookable], chosen: &Chosen) -> Step {
    let to = |provider: String| {
        let next = Chosen {
            provider,
            ..chosen.clone()
        };
        next.address()
    };
    let rows = providers.iter().map(|one| ProviderRow {
        address: match one.configured {
            true => to(one.id.to_string()),
            false => String::new(),
        },
        name: plain(&one.name, 80),
        specialty: plain(&one.specialty, 80),
        place: one
            .location
            .as_ref()
            .map_or_else(String::new, |(_, name)| plain(name, 120)),
    });
    let several = providers.iter().filter(|one| one.configured).count() > 1;
    let anybody = match several && providers.len() <= offers::TOGETHER {
        true => to(ANYBODY.to_owned()),
        false => String::new(),
    };
    Step::Provider(anybody, rows.collect())
}

/// The week from the day that was asked for, or from today on.
async fn week(
    rest: &Rest<'_>,
    person: Person,
    (chosen, provider): (&Chosen, Option<&Bookable>),
) -> Answer<Week> {
    let emr = rest.emr;
    let today = found::today(emr);
    let last = today.saturating_add(emr.booking.ahead);
    let from = chosen.from.unwrap_or(today).clamp(today, last);
    let wanted = |until: Duration, count| Wanted {
        from: found::morning(emr, from),
        until: found::morning(emr, from.saturating_add(until)),
        providers: provider.map(|one| one.id).into_iter().collect(),
        locations: Vec::new(),
        places: Vec::new(),
        organizations: Vec::new(),
        specialties: Vec::new(),
        categories: vec![Token::of(&chosen.kind)],
        pid: person.pid,
        count,
    };
    let found = scheduling::offered(rest, &wanted(WEEK, MOST)).await?;
    let days = days(emr, &found.offers, (from, provider.is_none()));
    let (mut first, mut reasons) = (None, Vec::new());
    if found.offers.is_empty() {
        let later = scheduling::offered(rest, &wanted(FAR, 1)).await?;
        let day = later.offers.first();
        first = day
            .map(|offer| emr.zone.wall(offer.slot.start).date())
            .map(|day| (words::day(day), chosen.on(day)));
        reasons = found.reasons.into_iter().map(|one| one.text).collect();
    }
    let (before, after) = (from.saturating_sub(WEEK), from.saturating_add(WEEK));
    Ok(Week {
        asked: [
            chosen.kind.clone(),
            chosen.provider.clone(),
            date_text(from),
        ],
        title: words::day(from),
        days,
        before: (today < from).then(|| chosen.on(before.max(today))),
        after: (after <= last).then(|| chosen.on(after)),
        first,
        reasons,
        bounds: [date_text(today), date_text(last)],
        zone: emr.zone.name().to_owned(),
    })
}

/// The days of a week with their free starts. Where anybody will do, one start is told once, with the first who is free.
fn days(emr: &Emr, offers: &[Offer], (from, anybody): (Date, bool)) -> Vec<Day> {
    if offers.is_empty() {
        return Vec::new();
    }
    let mut opened = false;
    let all = std::iter::successors(Some(from), |day| day.next_day()).take(7);
    let days = all.map(|date| {
        let mut starts: Vec<Start> = Vec::new();
        for offer in offers {
            let slot = &offer.slot;
            let time = said::clock(&emr.zone, slot.start);
            let told = starts.last().is_some_and(|last| last.time == time);
            if emr.zone.wall(slot.start).date() == date && !told {
                starts.push(Start {
                    slot: slot.uuid.to_string(),
                    time,
                    provider: match anybody {
                        true => plain(&offer.practitioner.1, 80),
                        false => String::new(),
                    },
                });
            }
        }
        let open = !opened && !starts.is_empty();
        opened |= open;
        Day {
            name: words::day(date),
            starts,
            open,
        }
    });
    days.collect()
}

/// A day as forms send it.
pub fn day(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
    let date = Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok();
    date.filter(|date| (1900..3000).contains(&date.year()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    #[test]
    fn f121_an_address_says_what_was_chosen_and_is_read_again() {
        let chosen = Chosen {
            kind: "office visit&x".to_owned(),
            provider: ANYBODY.to_owned(),
            from: Some(date!(2026 - 11 - 24)),
            instead: Some(Uuid::nil()),
        };
        let address = chosen.address();
        let (path, query) = address.split_once('?').expect("a query");
        assert_eq!(path, PATH);
        let pairs = negotiate::pairs(Some(query));
        let again = Chosen::of(|name| {
            let pair = pairs.iter().find(|(known, _)| known == name);
            pair.map(|(_, value)| value.clone()).unwrap_or_default()
        });
        assert_eq!(again, chosen);
        assert_eq!(Chosen::default().address(), PATH);
    }

    #[test]
    fn what_is_no_day_is_none() {
        assert_eq!(day("2026-11-24"), Some(date!(2026 - 11 - 24)));
        for none in ["", "2026-02-30", "24.11.2026", "99999-01-01", "2026-11"] {
            assert_eq!(day(none), None, "{none}");
        }
    }
}
