//! CodeSystem and ValueSet: what is published with this server, filled with what the practice's lists hold today, and
//! `$expand`. There are a few dozen, so they are looked through and never stored.

use serde_json::Value;
use serde_json::json;
use time::format_description::well_known::Rfc3339;

use crate::domain::ResourceType;
use crate::domain::query::Cursor;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Fault;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::emr::calendar::CATEGORY_SYSTEM;
use crate::emr::vocabulary;
use crate::emr::vocabulary::List;
use crate::fhir::bundle;
use crate::fhir::code_system;
use crate::fhir::definitions;
use crate::fhir::matching::Direction;
use crate::fhir::page_link;
use crate::fhir::page_link::PageState;
use crate::fhir::search::Handling;
use crate::fhir::search::plain;
use crate::fhir::subset;
use crate::fhir::subset::Subset;
use crate::fhir::value_set;
use crate::fhir::value_set::Expansion;
use crate::rest::Answered;
use crate::rest::Rest;

/// The value set of what a patient may book, beside the one of all categories.
const BOOKABLE: &str = "appointment-type";

/// Entries of a page where nobody says, and at most.
const COUNT: (usize, usize) = (50, 200);

/// The greatest of FHIR's integers.
const GREATEST: usize = 2_147_483_647;

/// How long a paging link works, in seconds.
const PAGE_LIFE: i64 = 3600;

const LISTS: [List; 3] = [List::Calendar, List::Documents, List::Marks];

/// One by its id.
///
/// # Errors
/// `Forbidden` without a scope for the type, `NotFound` for an unknown id.
pub async fn read(rest: &Rest<'_>, kind: ResourceType, id: &str) -> Answer<Answered> {
    rest.grant.reach(kind, Interaction::Read)?;
    let found = all(rest, kind).await?;
    let found = found.into_iter().find(|known| known["id"] == id);
    let found = found.ok_or(Refusal::NotFound)?;
    let mut answered = Answered::found(written(&found)?);
    let name = kind.name();
    answered
        .notes
        .push(rest.entry(format!("{name}.read"), format!("{name}/{id}")));
    Ok(answered)
}

/// A page of those that fit.
///
/// # Errors
/// `Forbidden` without a scope for the type; `Invalid` at a parameter that is wrong.
pub async fn search(
    rest: &Rest<'_>,
    kind: ResourceType,
    pairs: &[(String, String)],
    handling: Handling,
) -> Answer<Answered> {
    rest.grant.reach(kind, Interaction::Search)?;
    let now = rest.emr.now();
    let holder = page_link::holder(rest.grant);
    let state = match pairs.iter().find(|(name, _)| name == "_page") {
        Some((_, link)) => Some(page_link::open(link, &holder, (kind, now), rest.page_key)?),
        None => None,
    };
    let (pairs, offset) = match state {
        Some(state) => (state.pairs, usize::try_from(state.cursor.row).unwrap_or(0)),
        None => (pairs.to_vec(), 0),
    };
    let asked = Asked::of(kind, &pairs, handling)?;
    let mut found = all(rest, kind).await?;
    found.retain(|one| {
        asked
            .conditions
            .iter()
            .all(|condition| condition.holds(one))
    });
    for (element, direction) in asked.sort.iter().rev() {
        let key = |one: &Value| one[*element].as_str().unwrap_or_default().to_lowercase();
        found.sort_by(|one, other| match direction {
            Direction::Up => key(one).cmp(&key(other)),
            Direction::Down => key(other).cmp(&key(one)),
        });
    }
    let total = found.len();
    let next = offset.saturating_add(asked.count);
    let address = format!("{}/{}", rest.base.url(), kind.name());
    let mut links =
        vec![json!({"relation": "self", "url": bundle::searched(address, &asked.pairs)})];
    if asked.count > 0 && next < total {
        let state = PageState {
            holder,
            kind,
            pairs: asked.pairs.clone(),
            cursor: Cursor {
                key: String::new(),
                row: i64::try_from(next).unwrap_or(i64::MAX),
            },
            expires: now.unix_timestamp() + PAGE_LIFE,
        };
        let link = page_link::seal(&state, rest.page_key);
        let url = format!("{}/{}?_page={link}", rest.base.url(), kind.name());
        links.push(json!({"relation": "next", "url": url}));
    }
    let mut entries = Vec::new();
    for one in found.iter().skip(offset).take(asked.count) {
        let id = one["id"].as_str().unwrap_or_default();
        let url = format!("{}/{}/{id}", rest.base.url(), kind.name());
        let part = subset::apply(written(one)?, &asked.subset);
        let part: Value = serde_json::from_slice(&part)
            .map_err(|error| Fault::new("reading a part of a list of codes", error))?;
        entries.push(json!({"fullUrl": url, "resource": part, "search": {"mode": "match"}}));
    }
    if !asked.ignored.is_empty() {
        let words = format!(
            "Ignored, because not known here: {}.",
            asked.ignored.join(", ")
        );
        let issue =
            json!({"severity": "warning", "code": "not-supported", "details": {"text": words}});
        let outcome = json!({"resourceType": "OperationOutcome", "issue": [issue]});
        entries.push(json!({"resource": outcome, "search": {"mode": "outcome"}}));
    }
    let mut bundle = json!({"resourceType": "Bundle", "type": "searchset", "link": links});
    if asked.total {
        bundle["total"] = total.into();
    }
    if !entries.is_empty() {
        bundle["entry"] = Value::Array(entries);
    }
    let mut answered = Answered::found(written(&bundle)?);
    let name = kind.name();
    answered
        .notes
        .push(rest.entry(format!("{name}.search"), name.to_owned()));
    Ok(answered)
}

/// `ValueSet/$expand?url=` and `ValueSet/{id}/$expand`: the codes of a list. `count` 0 tells how many there are.
///
/// # Errors
/// `Forbidden` without a scope for ValueSet; `NotFound` for an unknown list; `Invalid` at a parameter that is wrong or not
/// known, because one that is left out would change what the answer means.
pub async fn expand(
    rest: &Rest<'_>,
    id: Option<&str>,
    pairs: &[(String, String)],
) -> Answer<Answered> {
    rest.grant
        .reach(ResourceType::ValueSet, Interaction::Read)?;
    let mut wanted = Expansion {
        timestamp: rest
            .emr
            .now()
            .replace_nanosecond(0)
            .map_err(|error| Fault::new("writing the time of an expansion", error))?
            .format(&Rfc3339)
            .map_err(|error| Fault::new("writing the time of an expansion", error))?,
        identifier: format!("urn:uuid:{}", rest.new_id()?),
        ..Expansion::default()
    };
    let mut url = None;
    for (name, value) in pairs {
        match name.as_str() {
            "url" => url = Some(value.as_str()),
            "filter" => wanted.filter.clone_from(value),
            "offset" => wanted.offset = number("offset", value)?.min(GREATEST),
            "count" => wanted.count = Some(number("count", value)?.min(GREATEST)),
            // Every code that is listed is active, and displays are in the practice's language alone.
            "activeOnly" | "displayLanguage" | "_format" | "_pretty" => {}
            _ => {
                let why =
                    "$expand takes url, filter, offset, count, activeOnly and displayLanguage here";
                return Err(Refusal::invalid("$expand", why).into());
            }
        }
    }
    let asked = match (id, url) {
        (Some(id), None) => ("id", id),
        (None, Some(url)) => ("url", url.split('|').next().unwrap_or(url)),
        _ => {
            let why = "name the list once: ValueSet/[id]/$expand or ValueSet/$expand?url=";
            return Err(Refusal::invalid("url", why).into());
        }
    };
    let lists = all(rest, ResourceType::ValueSet).await?;
    let list = lists.iter().find(|known| known[asked.0] == asked.1);
    let list = list.ok_or(Refusal::NotFound)?;
    let systems = all(rest, ResourceType::CodeSystem).await?;
    let made = value_set::expanded(list, &systems, &wanted)?;
    let mut answered = Answered::found(written(&made)?);
    let name = list["id"].as_str().unwrap_or_default();
    answered
        .notes
        .push(rest.entry("ValueSet.expand".to_owned(), format!("ValueSet/{name}")));
    Ok(answered)
}

/// Everything of a type, with the practice's lists in it.
async fn all(rest: &Rest<'_>, kind: ResourceType) -> Answer<Vec<Value>> {
    let mut found = Vec::new();
    for published in definitions::all(kind.name()) {
        let json: Value = serde_json::from_slice(published.bytes)
            .map_err(|error| Fault::new("reading a published definition", error))?;
        found.push(json);
    }
    for list in LISTS {
        let id = code_system::id_of(list);
        let place = found.iter().position(|known| known["id"] == id);
        let bookable = found.iter().position(|known| known["id"] == BOOKABLE);
        let Some(place) = place else { continue };
        match (kind, list, bookable) {
            (ResourceType::CodeSystem, ..) => {
                let terms = vocabulary::terms(rest.emr, list).await?;
                let published = std::mem::take(&mut found[place]);
                found[place] = code_system::filled(published, &terms);
            }
            (_, List::Calendar, Some(bookable)) => {
                let terms = vocabulary::terms(rest.emr, list).await?;
                let published = std::mem::take(&mut found[bookable]);
                let system = CATEGORY_SYSTEM;
                found[bookable] = code_system::to_choose(published, system, &terms);
            }
            _ => {}
        }
    }
    Ok(found)
}

/// What a search asks for.
struct Asked {
    conditions: Vec<Condition>,
    pairs: Vec<(String, String)>,
    ignored: Vec<String>,
    count: usize,
    total: bool,
    counted: bool,
    subset: Subset,
    sort: Vec<(&'static str, Direction)>,
}

/// One parameter: an element, how it is compared, and the values, any of which will do.
struct Condition {
    element: &'static str,
    how: How,
    values: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Begins,
    Contains,
    Is,
    IsNot,
    Missing,
    Present,
}

/// The element of a search parameter, and whether it is text.
fn searched(name: &str) -> Option<(&'static str, bool)> {
    Some(match name {
        "_id" => ("id", false),
        "url" => ("url", false),
        "version" => ("version", false),
        "status" => ("status", false),
        "name" => ("name", true),
        "title" => ("title", true),
        _ => return None,
    })
}

impl Asked {
    fn of(
        kind: ResourceType,
        pairs: &[(String, String)],
        handling: Handling,
    ) -> Result<Self, Refusal> {
        let mut asked = Self {
            conditions: Vec::new(),
            pairs: Vec::new(),
            ignored: Vec::new(),
            count: COUNT.0,
            total: true,
            counted: false,
            subset: Subset::Whole,
            sort: Vec::new(),
        };
        for (name, value) in pairs {
            let (bare, modifier) = name.split_once(':').unwrap_or((name, ""));
            if modifier.is_empty() && asked.about_the_answer((kind, bare), value)? {
                asked.pairs.push((name.clone(), value.clone()));
                continue;
            }
            let (element, text) = match searched(bare) {
                Some(known) => known,
                None if matches!(name.as_str(), "_format" | "_pretty") => continue,
                // A modifier changes what a search means, so one that nobody understands is never left out.
                None if handling == Handling::Strict || name.contains([':', '.']) => {
                    let why = format!("{} is not searched by this parameter", kind.name());
                    return Err(Refusal::invalid(plain(name), why));
                }
                None => {
                    asked.ignored.push(plain(bare));
                    continue;
                }
            };
            let how = match (modifier, text) {
                ("missing", _) => match value.as_str() {
                    "true" => How::Missing,
                    "false" => How::Present,
                    _ => return Err(Refusal::invalid(plain(name), "this is true or false")),
                },
                ("", true) => How::Begins,
                ("contains", true) => How::Contains,
                ("exact", true) | ("", false) => How::Is,
                ("not", false) if element != "url" => How::IsNot,
                _ => {
                    let why = "this modifier is not known for the parameter";
                    return Err(Refusal::invalid(plain(name), why));
                }
            };
            asked.conditions.push(Condition {
                element,
                how,
                values: value.split(',').map(|one| token(one, element)).collect(),
            });
            asked.pairs.push((name.clone(), value.clone()));
        }
        if asked.counted || asked.count == 0 {
            asked.count = 0;
            // Only how many there are is asked, and that is told.
            asked.total = true;
        }
        Ok(asked)
    }

    /// Reads a parameter about the answer; whether it is one.
    fn about_the_answer(
        &mut self,
        (kind, name): (ResourceType, &str),
        value: &str,
    ) -> Result<bool, Refusal> {
        match name {
            "_count" => self.count = number(name, value)?.min(COUNT.1),
            "_total" => {
                self.total = match value {
                    "none" => false,
                    "estimate" | "accurate" => true,
                    _ => {
                        let why = "this is none, estimate or accurate";
                        return Err(Refusal::invalid(name, why));
                    }
                }
            }
            "_summary" if value == "count" => self.counted = true,
            "_summary" | "_elements" => {
                let subset = Subset::of(name, value)?;
                if !matches!((&self.subset, name), (Subset::Elements(_), "_summary")) {
                    self.subset = subset;
                }
            }
            "_sort" => {
                for part in value.split(',').map(str::trim) {
                    let (name, direction) = match part.strip_prefix('-') {
                        Some(name) => (name, Direction::Down),
                        None => (part, Direction::Up),
                    };
                    let (element, _) = searched(name).ok_or_else(|| {
                        let why = format!("{} is not sorted by this", kind.name());
                        Refusal::invalid("_sort", why)
                    })?;
                    self.sort.push((element, direction));
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Condition {
    fn holds(&self, one: &Value) -> bool {
        let known = one[self.element].as_str().unwrap_or_default();
        let lower = known.to_lowercase();
        let any = |test: &dyn Fn(&String) -> bool| self.values.iter().any(test);
        match self.how {
            How::Is => any(&|value| value == known),
            How::IsNot => !any(&|value| value == known),
            How::Missing => known.is_empty(),
            How::Present => !known.is_empty(),
            How::Begins => any(&|value| lower.starts_with(&value.to_lowercase())),
            How::Contains => any(&|value| lower.contains(&value.to_lowercase())),
        }
    }
}

/// The code of a token, whatever its system; a canonical URL without its version.
fn token(value: &str, element: &str) -> String {
    let value = match element {
        "url" => value.split('|').next(),
        "name" | "title" => Some(value),
        _ => value.rsplit('|').next(),
    };
    value.unwrap_or_default().trim().to_owned()
}

fn number(name: &str, value: &str) -> Result<usize, Refusal> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    match digits {
        true => Ok(value.parse().unwrap_or(usize::MAX)),
        false => Err(Refusal::invalid(name, "this is a number from 0 upwards")),
    }
}

fn written(json: &Value) -> Result<Vec<u8>, Fault> {
    serde_json::to_vec(json).map_err(|error| Fault::new("writing a list of codes", error))
}
