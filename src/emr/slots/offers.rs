//! Free time across providers, the first first, with what an app needs to ask for it (`Appointment/$find`), and why there
//! is none where there is none.

use time::Date;
use time::Duration;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::access::Reach;
use crate::domain::people::Code;
use crate::domain::query::Field;
use crate::domain::query::Filter;
use crate::domain::query::Query;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Reason;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Token;
use crate::domain::visits::Availability;
use crate::domain::visits::Slot;
use crate::emr::Emr;
use crate::emr::calendar::start_of;
use crate::emr::schedules::Provider;
use crate::emr::schedules::Which;
use crate::emr::schedules::categories::Category;
use crate::emr::schedules::categories::bookable;
use crate::emr::schedules::categories::usual;
use crate::emr::schedules::provider_of;
use crate::emr::schedules::providers;
use crate::emr::slots::MOST_DAYS;
use crate::emr::slots::MOST_PROVIDERS;
use crate::emr::slots::Named;
use crate::emr::slots::Placed;
use crate::emr::slots::everybody;
use crate::emr::slots::load;
use crate::emr::slots::load::Own;
use crate::emr::slots::of_day;
use crate::portal::visit::TAKEN;
use crate::store::holds::Hold;

/// Providers whose time is looked for together at most: of more it has to be said whose.
pub const TOGETHER: usize = MOST_PROVIDERS as usize;

/// Providers to choose from at most.
const LISTED: u32 = 1_000;

/// What is looked for. An empty list is anything.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// From when on.
    pub from: OffsetDateTime,
    /// Until when: the visit begins before.
    pub until: OffsetDateTime,
    /// With whom: FHIR ids of Practitioners.
    pub providers: Vec<Uuid>,
    /// Where: FHIR ids of Locations.
    pub locations: Vec<Uuid>,
    /// Where, in words.
    pub places: Vec<String>,
    /// Of which organization: FHIR ids.
    pub organizations: Vec<Uuid>,
    /// What the provider does.
    pub specialties: Vec<Token>,
    /// What for; the practice's usual category where none is named.
    pub categories: Vec<Token>,
    /// For whom, so that what is held for them is free to them; 0 for nobody.
    pub pid: i64,
    /// How many at most.
    pub count: usize,
}

/// Free time somebody could ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// When, and what for.
    pub slot: Slot,
    /// With whom.
    pub practitioner: (Uuid, String),
    /// Where.
    pub location: Option<(Uuid, String)>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offers {
    /// The first that are free, in order.
    pub offers: Vec<Offer>,
    /// Why some or all of what was looked for has none.
    pub reasons: Vec<Reason>,
}

/// A provider who can be booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bookable {
    /// FHIR id of the Practitioner.
    pub id: Uuid,
    /// The name.
    pub name: String,
    /// What they do; empty where unknown.
    pub specialty: String,
    /// Where.
    pub location: Option<(Uuid, String)>,
    /// Whether the practice has said when they are in.
    pub configured: bool,
}

/// A kind of visit that can be booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its code and name.
    pub code: Code,
    /// How long it is; `None` for one step of the calendar.
    pub minutes: Option<i64>,
    /// Whether it is what a visit is where nobody says.
    pub usual: bool,
    /// Whether a request is confirmed at once.
    pub confirmed: bool,
}

/// Who can be booked, and in what.
///
/// # Errors
/// `Forbidden` where the reach is cut; otherwise as [`crate::db::Db::all`].
pub async fn choices(emr: &Emr, reach: &Reach) -> Answer<(Vec<Bookable>, Vec<Kind>)> {
    whole(reach)?;
    let all = bookable(emr).await?;
    let first = usual(&all).map(|category| category.row);
    let kinds = all.iter().map(|category| Kind {
        code: category.code.clone(),
        minutes: Some(category.seconds / 60).filter(|minutes| *minutes > 0),
        usual: Some(category.row) == first,
        confirmed: emr.booking.confirms(&category.code.code),
    });
    let everyone = Query {
        count: LISTED,
        ..Query::default()
    };
    let everyone = providers(emr, Which::Page(&everyone)).await?;
    let found = everyone.into_iter().map(|one| Bookable {
        id: one.uuid,
        name: one.name,
        specialty: one.specialty,
        location: one.location,
        configured: one.configured,
    });
    Ok((found.collect(), kinds.collect()))
}

/// The first free times, and why there are none where there are none.
///
/// # Errors
/// `Forbidden` where the reach is cut; `Invalid` for more than 60 days, or too many providers.
pub async fn find(emr: &Emr, reach: &Reach, wanted: &Wanted) -> Answer<Offers> {
    whole(reach)?;
    let all = bookable(emr).await?;
    let categories: Vec<&Category> = match wanted.categories.as_slice() {
        [] => usual(&all).into_iter().collect(),
        asked => {
            let is_asked =
                |category: &&Category| asked.iter().any(|token| category.is_asked(token));
            all.iter().filter(is_asked).collect()
        }
    };
    if categories.is_empty() {
        let text = "There is no such kind of visit at this practice.";
        return Ok(none("book.category", text, "Appointment.serviceType"));
    }
    let listed: Vec<Provider> = named(emr, wanted).await?;
    if listed.is_empty() {
        let text =
            "Nobody of the practice who can be booked fits this. Please leave something away.";
        return Ok(none("book.provider", text, "Appointment.participant"));
    }
    let mut found = Offers {
        offers: Vec::new(),
        reasons: unset(&listed),
    };
    let Some(days) = days(emr, wanted)? else {
        let text = "The practice does not plan that far, or this time has passed.";
        return Ok(none("book.ahead", text, "booking_ahead_days"));
    };
    found.offers = free(emr, (&listed, &categories), (days, wanted)).await?;
    if found.offers.is_empty() && found.reasons.len() < listed.len() {
        found.reasons.push(Reason {
            id: TAKEN,
            text: "Nothing is free at this time. Please look at other days or providers."
                .to_owned(),
            expression: "Appointment.start",
        });
    }
    Ok(found)
}

/// The time a Slot of this server names, whether it is free or not: nothing but what the id itself says, and the
/// provider's name and place.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn named_by(emr: &Emr, slot: Uuid) -> Answer<Option<Offer>> {
    let Some(named) = super::named(emr, slot) else {
        return Ok(None);
    };
    let listed = providers(emr, Which::Rows(&[named.provider])).await?;
    let all = bookable(emr).await?;
    let category = named.category;
    let category = category.and_then(|row| all.iter().find(|known| known.row == row));
    Ok(listed.into_iter().next().map(|one| Offer {
        slot: super::slot(emr, &named, (&one, category, Availability::Busy)),
        practitioner: (one.uuid, one.name),
        location: one.location,
    }))
}

/// The Slot of a time that is held.
pub fn slot_of(emr: &Emr, hold: &Hold) -> Option<Uuid> {
    let wall = start_of(&hold.wall)?;
    Some(super::id_of(&Named {
        provider: hold.provider,
        category: Some(hold.category),
        start: emr.zone.instant(wall),
        minutes: hold.seconds / 60,
    }))
}

/// Whether an id is that of a Slot.
pub fn is_slot(emr: &Emr, id: Uuid) -> bool {
    super::named(emr, id).is_some()
}

/// Why a search for Slots of certain calendars finds none, where that is because they are not set up.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn not_set_up(emr: &Emr, query: &Query) -> Answer<Vec<Reason>> {
    let named = query.filters.iter().filter_map(|filter| match filter {
        Filter::Reference(Field::Schedule, targets) => Some(targets),
        _ => None,
    });
    let rows = named.flatten().filter_map(|target| provider_of(target.id));
    let rows: Vec<i64> = rows.collect();
    match rows.is_empty() {
        true => Ok(Vec::new()),
        false => Ok(unset(&providers(emr, Which::Rows(&rows)).await?)),
    }
}

fn unset(listed: &[Provider]) -> Vec<Reason> {
    let unset = listed.iter().filter(|one| !one.configured);
    let reasons = unset.map(|one| Reason {
        id: "schedule-not-configured",
        text: format!(
            "The practice has not set up the calendar of {}: In Office, and Out Of Office where the day ends.",
            one.name
        ),
        expression: "Appointment.participant",
    });
    reasons.collect()
}

/// What the calendar tells is told whole or not at all.
fn whole(reach: &Reach) -> Result<(), Refusal> {
    match reach.filters() {
        None => Ok(()),
        Some(_) => Err(Refusal::Forbidden(
            "The token's scope is cut to some resources: free time is none of them.",
        )),
    }
}

fn none(id: &'static str, text: &str, expression: &'static str) -> Offers {
    Offers {
        offers: Vec::new(),
        reasons: vec![Reason {
            id,
            text: text.to_owned(),
            expression,
        }],
    }
}

/// The providers that fit.
async fn named(emr: &Emr, wanted: &Wanted) -> Answer<Vec<Provider>> {
    let mut listed = Vec::new();
    match wanted.providers.as_slice() {
        [] => listed = everybody(emr).await?,
        ids => {
            for id in ids {
                listed.extend(providers(emr, Which::Uuid(*id)).await?);
            }
        }
    }
    listed.retain(|one| {
        let place = one.location.as_ref();
        let at = place.is_some_and(|(id, _)| wanted.locations.contains(id));
        let called = place.is_some_and(|(_, name)| {
            let name = name.to_lowercase();
            let mut words = wanted.places.iter();
            words.any(|words| name.contains(&words.to_lowercase()))
        });
        let of = one.organization;
        let of = of.is_some_and(|id| wanted.organizations.contains(&id));
        let does = |token: &Token| one.specialty.to_lowercase() == token.code.to_lowercase();
        (wanted.locations.is_empty() || at)
            && (wanted.places.is_empty() || called)
            && (wanted.organizations.is_empty() || of)
            && (wanted.specialties.is_empty() || wanted.specialties.iter().any(does))
    });
    Ok(listed)
}

/// The days that can be looked at; `None` where there are none.
fn days(emr: &Emr, wanted: &Wanted) -> Result<Option<(Date, Date)>, Refusal> {
    let day = |at| emr.zone.wall(at).date();
    // The first moment after it is not looked at.
    let last = day(wanted
        .until
        .checked_sub(Duration::SECOND)
        .unwrap_or(wanted.until));
    if last - day(wanted.from) >= MOST_DAYS {
        let why =
            "free time is looked for on 60 days at most: give a later start or an earlier end";
        return Err(Refusal::invalid("end", why));
    }
    let first = day(wanted.from.max(emr.now()));
    let last = last.min(day(emr.now()).saturating_add(emr.booking.ahead));
    Ok((first <= last).then_some((first, last)))
}

async fn free(
    emr: &Emr,
    (listed, categories): (&[Provider], &[&Category]),
    (days, wanted): ((Date, Date), &Wanted),
) -> Answer<Vec<Offer>> {
    let rows: Vec<i64> = listed.iter().map(|one| one.row).collect();
    let own = Own {
        pid: wanted.pid,
        instead: None,
    };
    let events = load::of(emr, &rows, days, &own).await?;
    let mut found: Vec<(Placed, &Provider)> = Vec::new();
    let mut day = days.0;
    while day <= days.1 && found.len() < wanted.count {
        for one in listed {
            let events = events.get(&one.row).map(Vec::as_slice).unwrap_or_default();
            for category in categories {
                let slots = of_day(emr, one, (events, day), (Some(category), None));
                let slots = slots.filter(|(_, slot)| {
                    slot.state == Availability::Free
                        && wanted.from <= slot.start
                        && slot.start < wanted.until
                });
                found.extend(slots.map(|placed| (placed, one)));
            }
        }
        day = match day.checked_add(Duration::DAY) {
            Some(next) => next,
            None => break,
        };
    }
    found.sort_by(|one, other| one.0.0.cmp(&other.0.0));
    let offers = found.into_iter().take(wanted.count);
    let offers = offers.map(|((_, slot), one)| Offer {
        slot,
        practitioner: (one.uuid, one.name.clone()),
        location: one.location.clone(),
    });
    Ok(offers.collect())
}
