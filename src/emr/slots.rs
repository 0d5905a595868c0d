//! Free and taken time, computed from the calendar and never stored.

mod forward;
pub(in crate::emr) mod load;
pub mod offers;

use time::Date;
use time::Duration;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::db::sql::datetime_text;
use crate::domain::access::Reach;
use crate::domain::query::Cursor;
use crate::domain::query::DateRange;
use crate::domain::query::Field;
use crate::domain::query::Filter;
use crate::domain::query::Page;
use crate::domain::query::Query;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Token;
use crate::domain::visits::Availability;
use crate::domain::visits::Slot;
use crate::emr::Emr;
use crate::emr::calendar::series::fits;
use crate::emr::composed;
use crate::emr::composed::Kind;
use crate::emr::composed::Parts;
use crate::emr::openings::Event;
use crate::emr::openings::Openings;
use crate::emr::openings::State;
use crate::emr::openings::Visit;
use crate::emr::predicates;
use crate::emr::schedules::Provider;
use crate::emr::schedules::Which;
use crate::emr::schedules::categories::Category;
use crate::emr::schedules::categories::bookable;
use crate::emr::schedules::categories::usual;
use crate::emr::schedules::provider_of;
use crate::emr::schedules::providers;
use crate::emr::schedules::schedule_id;
use crate::emr::slots::load::Own;
use crate::emr::wall;

/// Days one search may be about.
const MOST_DAYS: Duration = Duration::days(60);

/// Days of a search that says none.
const USUAL_DAYS: Duration = Duration::days(14);

/// Providers of a search that names no calendar at most.
const MOST_PROVIDERS: u32 = 50;

/// Minutes by the wall of a slot at most, so that its id has room for them though clocks are put back.
const LONGEST: i64 = 960;

/// Minutes an id has room for.
const ROOM: i64 = 1_023;

/// How many bits of the row in an id are the provider's; the category stands above.
const PROVIDER_BITS: u32 = 24;

/// What is looked for.
struct Asked {
    first: Date,
    last: Date,
    ranges: Vec<Vec<DateRange>>,
    states: Vec<Availability>,
    /// `users.id`; `None` is everybody.
    providers: Option<Vec<i64>>,
    /// Kinds of visits, alternatives in each.
    categories: Vec<Vec<Token>>,
}

/// What a slot's id is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::emr) struct Named {
    /// `users.id`
    pub(in crate::emr) provider: i64,
    /// `pc_catid`, where the slot is for one category.
    pub(in crate::emr) category: Option<i64>,
    pub(in crate::emr) start: OffsetDateTime,
    pub(in crate::emr) minutes: i64,
}

/// A slot with its place in the order.
type Placed = ((String, i64), Slot);

/// Free and taken time by start and provider. Past time is not told.
///
/// # Errors
/// `Invalid` at `start` for more than 60 days, at `schedule` where the practice has more than 50 providers and none is
/// named; `Unsupported` for a filter a slot does not have; otherwise as [`crate::db::Db::all`].
pub(super) async fn find(emr: &Emr, reach: &Reach, query: &Query) -> Answer<Page<Record>> {
    let none = Page {
        records: Vec::new(),
        next: None,
    };
    let asked = Asked::of(emr, query)?;
    if query.count == 0 || reach.filters().is_some() {
        return Ok(none);
    }
    if let Some(ids) = &query.ids {
        let slots = by_id(emr, ids).await?;
        return Ok(cut(slots, query));
    }
    let all = bookable(emr).await?;
    let visits: Vec<Option<&Category>> = match asked.categories.is_empty() {
        true => vec![None],
        false => all
            .iter()
            .filter(|category| asked.wants(category))
            .map(Some)
            .collect(),
    };
    let listed = match &asked.providers {
        Some(rows) => providers(emr, Which::Rows(rows)).await?,
        None => everybody(emr).await?,
    };
    if listed.is_empty() || visits.is_empty() || asked.first > asked.last {
        return Ok(none);
    }
    let days = (asked.first, asked.last);
    let rows: Vec<i64> = listed.iter().map(|provider| provider.row).collect();
    let events = load::of(emr, &rows, days, &Own::default()).await?;
    let limit = usize::try_from(query.count).unwrap_or(usize::MAX);
    let mut found: Vec<Placed> = Vec::new();
    let mut day = asked.first;
    // A page ends with the day on which it is full: later ones are not computed.
    while day <= asked.last && found.len() <= limit {
        for provider in &listed {
            let events = events.get(&provider.row).map(Vec::as_slice);
            for (place, category) in visits.iter().enumerate() {
                let events = events.unwrap_or_default();
                let slots = of_day(emr, provider, (events, day), (*category, usual(&all)));
                // Taken time is the same for every kind of visit.
                let told = |slot: &Placed| place == 0 || slot.1.state == Availability::Free;
                found.extend(slots.filter(told).filter(|slot| asked.takes(slot, query)));
            }
        }
        let Some(next) = day.next_day() else { break };
        day = next;
    }
    Ok(cut(found, query))
}

impl Asked {
    fn of(emr: &Emr, query: &Query) -> Result<Self, Refusal> {
        let today = emr.zone.wall(emr.now()).date();
        let mut asked = Self {
            first: today,
            last: today.saturating_add(USUAL_DAYS),
            ranges: Vec::new(),
            states: vec![Availability::Free, Availability::Busy],
            providers: None,
            categories: Vec::new(),
        };
        for filter in &query.filters {
            match filter {
                Filter::Date(Field::Date, ranges) => asked.ranges.push(ranges.clone()),
                Filter::Token(Field::Status, tokens) => asked.states.retain(|state| {
                    let code = Availability::CODES.iter().find(|(_, known)| known == state);
                    let code = code.map_or("", |(code, _)| code);
                    let is_asked = |token: &Token| {
                        predicates::asks_for(token, "http://hl7.org/fhir/slotstatus", code)
                    };
                    tokens.iter().any(is_asked)
                }),
                Filter::Token(Field::Category, tokens) => asked.categories.push(tokens.clone()),
                Filter::Reference(Field::Schedule, targets) => {
                    let rows = targets.iter().filter_map(|target| provider_of(target.id));
                    let mut rows: Vec<i64> = rows.collect();
                    if let Some(before) = &asked.providers {
                        rows.retain(|row| before.contains(row));
                    }
                    asked.providers = Some(rows);
                }
                _ => {
                    let why = "Slot has no such search parameter.";
                    return Err(Refusal::Unsupported(why.to_owned()));
                }
            }
        }
        asked.days(emr, today)?;
        // What earlier pages showed.
        let seen = query.after.as_ref().and_then(|after| wall::day(&after.key));
        asked.first = seen.map_or(asked.first, |seen| seen.max(asked.first));
        Ok(asked)
    }

    /// First and last day, from what is asked and what can be.
    fn days(&mut self, emr: &Emr, today: Date) -> Result<(), Refusal> {
        if self.ranges.is_empty() {
            return Ok(());
        }
        let mut told = None;
        for ranges in &self.ranges {
            let (first, last) = predicates::span(ranges, &emr.zone);
            self.first = first.map_or(self.first, |first| first.max(self.first));
            told = match (told, last) {
                (Some(one), Some(other)) => Some(std::cmp::min::<Date>(one, other)),
                (one, other) => one.or(other),
            };
        }
        let last = told.unwrap_or_else(|| self.first.saturating_add(MOST_DAYS));
        if last > self.first.saturating_add(MOST_DAYS) {
            let why =
                "free time is looked for on 60 days at most: give a later ge or an earlier lt";
            return Err(Refusal::invalid("start", why));
        }
        self.last = last.min(today.saturating_add(emr.booking.ahead));
        Ok(())
    }

    fn wants(&self, category: &Category) -> bool {
        let is_one = |tokens: &Vec<Token>| tokens.iter().any(|token| category.is_asked(token));
        self.categories.iter().all(is_one)
    }

    fn takes(&self, ((key, row), slot): &Placed, query: &Query) -> bool {
        let after = query.after.as_ref();
        let is_after =
            after.is_none_or(|after| (key.as_str(), *row) > (after.key.as_str(), after.row));
        let in_time = self.ranges.iter().all(|ranges| fits(ranges, slot.start));
        is_after && in_time && self.states.contains(&slot.state)
    }
}

async fn everybody(emr: &Emr) -> Answer<Vec<Provider>> {
    let all = Query {
        count: MOST_PROVIDERS,
        ..Query::default()
    };
    let listed = providers(emr, Which::Page(&all)).await?;
    if listed.len() > usize::try_from(MOST_PROVIDERS).unwrap_or(usize::MAX) {
        let why = "say whose time: schedule=[id], or schedule.actor=Practitioner/[id]";
        return Err(Refusal::invalid("schedule", why).into());
    }
    Ok(listed)
}

/// The slots of one provider on one day that are still to come.
fn of_day<'a>(
    emr: &'a Emr,
    provider: &'a Provider,
    (events, day): (&[Event], Date),
    (category, usual): (Option<&'a Category>, Option<&Category>),
) -> impl Iterator<Item = Placed> + use<'a> {
    let rules = load::rules(emr);
    let visit = Visit {
        category: category.or(usual).map_or(0, |category| category.row),
        // Without a category it is as long as a step of the calendar.
        seconds: category.map_or(0, |category| category.seconds),
    };
    let openings = Openings::of(events, &[day], &rules, &visit);
    let (now, until) = (
        emr.now() + emr.booking.notice,
        emr.now() + emr.booking.ahead,
    );
    let skipped = emr.zone.skipped(day);
    let pieces = openings.intervals().into_iter().flat_map(|interval| {
        let length = match interval.state {
            State::Free => interval.end - interval.start,
            State::Busy => LONGEST * 60,
        };
        let step = usize::try_from(length.max(60)).unwrap_or(usize::MAX);
        let starts = (interval.start..interval.end).step_by(step);
        starts.map(move |start| (interval, start, interval.end.min(start + length)))
    });
    let placed = pieces.filter_map(move |(interval, start, end)| {
        // A stretch that is taken may begin or end in what the clocks skip: it does so after it.
        let at = |second: i64| {
            let after = skipped.filter(|(from, until)| (*from..*until).contains(&second));
            let second = after.map_or(second, |(_, until)| until);
            day.midnight().checked_add(Duration::seconds(second))
        };
        let wall = at(start)?;
        let begin = emr.zone.instant(wall);
        let minutes = match interval.state {
            State::Free => (end - start) / 60,
            // On the day of a clock change a stretch is not as long as the wall says.
            State::Busy => (emr.zone.instant(at(end)?) - begin).whole_minutes(),
        };
        let named = Named {
            provider: provider.row,
            category: category.map(|category| category.row),
            start: begin,
            minutes: minutes.min(ROOM),
        };
        let state = match interval.state {
            State::Free => Availability::Free,
            State::Busy => Availability::Busy,
        };
        let key = (datetime_text(wall), row_of(&named));
        let is_some = named.minutes > 0 && named.start > now && named.start <= until;
        is_some.then(|| (key, slot(emr, &named, (provider, category, state))))
    });
    placed.collect::<Vec<Placed>>().into_iter()
}

fn slot(
    emr: &Emr,
    named: &Named,
    (provider, category, state): (&Provider, Option<&Category>, Availability),
) -> Slot {
    Slot {
        uuid: id_of(named),
        schedule: (schedule_id(provider.row), provider.name.clone()),
        state,
        service: category.map(|category| category.code.clone()),
        specialty: provider.specialty.clone(),
        start: named.start,
        end: emr.zone.at(named.start + Duration::minutes(named.minutes)),
    }
}

/// Slots by id: their days are looked through again. One that was free and is no more is found as taken.
async fn by_id(emr: &Emr, ids: &[Uuid]) -> Answer<Vec<Placed>> {
    let wanted: Vec<Named> = ids
        .iter()
        .filter_map(|id| named(emr, *id))
        .filter(|named| emr.now() < named.start && named.start < emr.now() + emr.booking.ahead)
        .collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<i64> = wanted.iter().map(|named| named.provider).collect();
    let listed = providers(emr, Which::Rows(&rows)).await?;
    let all = bookable(emr).await?;
    let days = wanted.iter().map(|named| emr.zone.wall(named.start).date());
    let span = (days.clone().min(), days.max());
    let (Some(first), Some(last)) = span else {
        return Ok(Vec::new());
    };
    let events = load::of(emr, &rows, (first, last), &Own::default()).await?;
    let rules = load::rules(emr);
    let found = wanted.iter().filter_map(|named| {
        let provider = listed.iter().find(|one| one.row == named.provider)?;
        let category = match named.category {
            Some(row) => Some(all.iter().find(|category| category.row == row)?),
            None => None,
        };
        let visit = Visit {
            category: category.or(usual(&all)).map_or(0, |category| category.row),
            seconds: named.minutes * 60,
        };
        let wall = emr.zone.wall(named.start);
        let events = events.get(&provider.row).map(Vec::as_slice);
        let openings = Openings::of(events.unwrap_or_default(), &[wall.date()], &rules, &visit);
        let second = (wall - wall.date().midnight()).whole_seconds();
        let state = match openings.fits(wall.date(), second) {
            true => Availability::Free,
            false => Availability::Busy,
        };
        let key = (datetime_text(wall), row_of(named));
        Some((key, slot(emr, named, (provider, category, state))))
    });
    Ok(found.collect())
}

/// The page of slots that were found.
fn cut(mut found: Vec<Placed>, query: &Query) -> Page<Record> {
    let limit = usize::try_from(query.count).unwrap_or(usize::MAX);
    found.sort_by(|one, other| one.0.cmp(&other.0));
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|((key, row), _)| Cursor {
        key: key.clone(),
        row: *row,
    });
    let records = found.into_iter();
    Page {
        records: records
            .map(|(_, slot)| Record::Slot(Box::new(slot)))
            .collect(),
        next,
    }
}

/// Provider and category in one number: what breaks ties, and the row of the id.
fn row_of(named: &Named) -> i64 {
    named.category.unwrap_or_default() << PROVIDER_BITS | named.provider
}

/// The FHIR id of a slot.
fn id_of(named: &Named) -> Uuid {
    let parts = Parts {
        row: row_of(named).unsigned_abs(),
        at: u32::try_from(named.start.unix_timestamp() / 60).unwrap_or_default(),
        extra: u16::try_from(named.minutes).unwrap_or_default(),
    };
    composed::id(Kind::Slot, parts)
}

/// What such an id names.
pub(in crate::emr) fn named(emr: &Emr, id: Uuid) -> Option<Named> {
    let parts = composed::parts(Kind::Slot, id)?;
    let row = i64::try_from(parts.row).ok()?;
    let start = OffsetDateTime::from_unix_timestamp(i64::from(parts.at) * 60).ok()?;
    Some(Named {
        provider: row & ((1 << PROVIDER_BITS) - 1),
        category: Some(row >> PROVIDER_BITS).filter(|category| *category > 0),
        start: emr.zone.at(start),
        minutes: i64::from(parts.extra),
    })
}

#[cfg(test)]
mod tests;
