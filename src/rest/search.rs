//! Search: the page, what is included with it, and the links between pages.
//!
//! Two ways. Where the EMR's statements do all of it, a page is one statement and the link holds the EMR's own cursor.
//! Where something is compared or sorted here, the records of the reach are looked through, up to a limit, and the link
//! holds the place of the last record that was served, which stays right whatever is written in between.

use crate::domain::ResourceType;
use crate::domain::access::Reach;
use crate::domain::query::Cursor;
use crate::domain::query::Query;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::emr::slots::offers;
use crate::fhir::bundle;
use crate::fhir::matching;
use crate::fhir::matching::Place;
use crate::fhir::page_link;
use crate::fhir::search;
use crate::fhir::search::Handling;
use crate::fhir::search::Search;
use crate::fhir::search::SearchContext;
use crate::fhir::search::Total;
use crate::rest::Answered;
use crate::rest::Rest;
use crate::rest::chain;
use crate::rest::include;
use crate::rest::records;
use crate::rest::terminology;

/// How long a paging link works, in seconds.
const PAGE_LIFE: i64 = 3600;

/// Records looked through for one search at most.
const MOST_LOOKED_THROUGH: usize = 5_000;

/// Records asked of the EMR at once where many are looked through.
const STRIDE: u32 = 500;

/// What a search came to.
struct Found {
    matches: Vec<Record>,
    next: Option<Cursor>,
    total: Option<usize>,
    warning: Option<String>,
}

/// One page of a search, or the one its `_page` names.
///
/// # Errors
/// `Forbidden` where the token's scope does not cover it or it names another patient; `Invalid` at the parameter that
/// is wrong; `Unsupported` where too much would have to be looked through; otherwise as [`crate::emr::find`].
pub async fn search(
    rest: &Rest<'_>,
    kind: ResourceType,
    pairs: &[(String, String)],
    handling: Handling,
) -> Answer<Answered> {
    if matches!(kind, ResourceType::ValueSet | ResourceType::CodeSystem) {
        return terminology::search(rest, kind, pairs, handling).await;
    }
    let reach = rest.grant.reach(kind, Interaction::Search)?;
    let now = rest.emr.now();
    let holder = page_link::holder(rest.grant);
    let state = match pairs.iter().find(|(name, _)| name == "_page") {
        // A link stands alone: it carries the search it continues.
        Some((_, link)) => Some(page_link::open(link, &holder, (kind, now), rest.page_key)?),
        None => None,
    };
    let (pairs, after) = match state {
        Some(state) => (state.pairs, Some(state.cursor)),
        None => (pairs.to_vec(), None),
    };
    let mut asked = parsed(rest, &reach, &pairs, handling)?;
    chain::resolve(rest, &reach, &mut asked, 0).await?;
    let found = match (asked.counted_only, asked.is_pushed_down(kind)) {
        (true, _) => counted(rest, &reach, &asked).await?,
        (false, true) => pushed_down(rest, &reach, (&asked, after)).await?,
        (false, false) => looked_through(rest, &reach, (&asked, after)).await?,
    };
    let along = include::along(rest, &reach, &asked, &found.matches).await?;
    let next = found.next.map(|cursor| {
        let state = page_link::PageState {
            holder,
            kind,
            pairs: asked.pairs.clone(),
            cursor,
            expires: now.unix_timestamp() + PAGE_LIFE,
        };
        let link = page_link::seal(&state, rest.page_key);
        format!("{}/{}?_page={link}", rest.base.url(), kind.name())
    });
    let warnings = [
        bundle::ignored(&asked.ignored),
        found.warning,
        along.warning,
    ];
    let warnings: Vec<String> = warnings.into_iter().flatten().collect();
    let reasons = match kind == ResourceType::Slot && found.matches.is_empty() {
        true => offers::not_set_up(rest.emr, &asked.query).await?,
        false => Vec::new(),
    };
    let total = found.total.filter(|_| asked.total != Total::Unwanted);
    let links = bundle::Links {
        base: rest.base.url(),
        kind,
        pairs: &asked.pairs,
        total: total.map(|total| u32::try_from(total).unwrap_or(u32::MAX)),
        next,
    };
    let entries = bundle::Entries {
        matches: &found.matches,
        included: &along.records,
        subset: &asked.subset,
        warnings: &warnings,
        reasons: &reasons,
    };
    let mut answered = Answered::found(bundle::searchset(&entries, &links)?);
    let name = kind.name();
    let mut note = rest.entry(format!("{name}.search"), name.to_owned());
    let about = reach.patient().map(|person| person.uuid);
    note.patient = about.or(asked.query.patient).or(note.patient);
    answered.notes.push(note);
    Ok(answered)
}

/// The records a search finds, in no order, up to a number: for what is decided by how many there are.
///
/// # Errors
/// As [`search`].
pub async fn matching(
    rest: &Rest<'_>,
    kind: ResourceType,
    pairs: &[(String, String)],
    most: usize,
) -> Answer<Vec<Record>> {
    let reach = rest.grant.reach(kind, Interaction::Search)?;
    let mut asked = parsed(rest, &reach, pairs, Handling::Strict)?;
    chain::resolve(rest, &reach, &mut asked, 0).await?;
    gathered(rest, &reach, &asked, most).await
}

/// Reads the parameters of a search within a reach.
pub(super) fn parsed(
    rest: &Rest<'_>,
    reach: &Reach,
    pairs: &[(String, String)],
    handling: Handling,
) -> Result<Search, Refusal> {
    let context = SearchContext {
        patient: reach.patient(),
        zone: &rest.emr.zone,
        now: rest.emr.now(),
        fhir_base: rest.base.url(),
    };
    search::parse(reach.kind(), pairs, handling, &context)
}

/// A page as the EMR's statement gives it.
async fn pushed_down(
    rest: &Rest<'_>,
    reach: &Reach,
    (asked, after): (&Search, Option<Cursor>),
) -> Answer<Found> {
    let query = Query {
        after,
        ..asked.query.clone()
    };
    let page = records::find(rest, reach, &query).await?;
    // Where one page holds everything, everything has been counted.
    let whole = page.next.is_none() && query.after.is_none();
    let mut found = Found {
        total: whole.then_some(page.records.len()),
        matches: page.records,
        next: page.next,
        warning: None,
    };
    if found.total.is_none() && asked.total == Total::Wanted {
        found.total = number(rest, reach, asked).await?;
        if found.total.is_none() {
            let why = "More than 5,000 records match; they were not counted.";
            found.warning = Some(why.to_owned());
        }
    }
    Ok(found)
}

/// A page of what is compared and sorted here.
async fn looked_through(
    rest: &Rest<'_>,
    reach: &Reach,
    (asked, after): (&Search, Option<Cursor>),
) -> Answer<Found> {
    let order = asked.order(reach.kind());
    let after = match &after {
        Some(cursor) => Some(Place::read(cursor, order.len()).ok_or_else(|| {
            Refusal::invalid(
                "_page",
                "this is not a link of this search: follow the next link as it is",
            )
        })?),
        None => None,
    };
    let all = gathered(rest, reach, asked, usize::MAX).await?;
    let total = all.len();
    let mut placed: Vec<(Place, Record)> = all
        .into_iter()
        .map(|record| (Place::of(&record, &order), record))
        .filter(|(place, _)| {
            let after = after.as_ref();
            after.is_none_or(|after| place.compare(after, &order).is_gt())
        })
        .collect();
    placed.sort_by(|(one, _), (other, _)| one.compare(other, &order));
    let count = usize::try_from(asked.query.count).unwrap_or(usize::MAX);
    let more = placed.len() > count;
    placed.truncate(count);
    let last = placed.last().filter(|_| more);
    Ok(Found {
        next: last.map(|(place, _)| place.cursor()),
        matches: placed.into_iter().map(|(_, record)| record).collect(),
        total: Some(total),
        warning: None,
    })
}

/// No record, only how many there are.
async fn counted(rest: &Rest<'_>, reach: &Reach, asked: &Search) -> Answer<Found> {
    let total = number(rest, reach, asked).await?;
    let total = total.ok_or_else(too_many)?;
    Ok(Found {
        matches: Vec::new(),
        next: None,
        total: Some(total),
        warning: None,
    })
}

/// How many records a search finds; `None` where that is more than are looked through.
async fn number(rest: &Rest<'_>, reach: &Reach, asked: &Search) -> Answer<Option<usize>> {
    let mut number = 0;
    let whole = each(rest, reach, asked, |_| {
        number += 1;
        true
    });
    Ok(whole.await?.then_some(number))
}

/// The records a search finds, in the EMR's order, up to a number.
///
/// # Errors
/// `Unsupported` where more would have to be looked through than may be.
pub(super) async fn gathered(
    rest: &Rest<'_>,
    reach: &Reach,
    asked: &Search,
    most: usize,
) -> Answer<Vec<Record>> {
    let mut records = Vec::new();
    let whole = each(rest, reach, asked, |record| {
        records.push(record);
        records.len() < most
    });
    match whole.await? || records.len() >= most {
        true => Ok(records),
        false => Err(too_many().into()),
    }
}

/// Shows every record that a search finds, until it is told that it is enough; whether all were looked through.
async fn each(
    rest: &Rest<'_>,
    reach: &Reach,
    asked: &Search,
    mut take: impl FnMut(Record) -> bool,
) -> Answer<bool> {
    let mut query = Query {
        count: STRIDE,
        after: None,
        ..asked.query.clone()
    };
    let mut looked = 0;
    loop {
        let page = records::find(rest, reach, &query).await?;
        looked += page.records.len();
        for record in page.records {
            if matching::fits(&record, &asked.criteria) && !take(record) {
                return Ok(false);
            }
        }
        match page.next {
            None => return Ok(true),
            Some(_) if looked >= MOST_LOOKED_THROUGH => return Ok(false),
            next => query.after = next,
        }
    }
}

fn too_many() -> Refusal {
    Refusal::Unsupported(
        "More than 5,000 records would have to be looked through: name a patient, ids or a narrower date.".to_owned(),
    )
}
