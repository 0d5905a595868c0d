//! Parameters about the answer instead of the records: how many, in which order, which parts, and what comes along.

use crate::domain::ResourceType;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::fhir::matching::Direction;
use crate::fhir::matching::Sorting;
use crate::fhir::parameter::Parameter;
use crate::fhir::search::Fate;
use crate::fhir::search::Handling;
use crate::fhir::search::Include;
use crate::fhir::search::Search;
use crate::fhir::search::Total;
use crate::fhir::search::criteria;
use crate::fhir::search::values::plain;
use crate::fhir::served;
use crate::fhir::subset::Subset;

/// Records on a page at most.
const MOST: u32 = 200;

/// Steps of an order at most.
const MOST_STEPS: usize = 5;

/// Includes of a search at most.
const MOST_INCLUDES: usize = 20;

/// Reads one; `None` where it is none of these.
pub(super) fn read(
    kind: ResourceType,
    (name, value): (&str, &str),
    handling: Handling,
    search: &mut Search,
) -> Result<Option<Fate>, Refusal> {
    let (base, modifier) = match name.split_once(':') {
        Some((base, modifier)) => (base, Some(modifier)),
        None => (name, None),
    };
    let known = [
        "_count",
        "_sort",
        "_total",
        "_summary",
        "_elements",
        "_contained",
        "_format",
        "_pretty",
        "_include",
        "_revinclude",
    ];
    if !known.contains(&base) {
        return Ok(None);
    }
    let iterate = match modifier {
        None => false,
        // STU3's name of the same.
        Some("iterate" | "recurse") if base.ends_with("include") => true,
        Some(_) => return Err(Refusal::invalid(plain(name), "this has no such modifier")),
    };
    match base {
        "_count" => search.query.count = count(value)?,
        "_sort" => return sort(kind, value, handling, search).map(Some),
        "_total" => search.total = total(value)?,
        "_summary" if value == "count" => search.counted_only = true,
        "_summary" | "_elements" => {
            let subset = Subset::of(base, value)?;
            if !matches!(
                (&search.subset, &subset),
                (Subset::Elements(_), Subset::Whole)
            ) {
                search.subset = subset;
            }
        }
        "_contained" if value != "false" => {
            let why = "what is contained in something is not searched, so this is false";
            return Err(Refusal::invalid("_contained", why));
        }
        "_include" | "_revinclude" => {
            let asked = (base, value, iterate);
            return include(kind, asked, handling, search).map(Some);
        }
        // Their values are the business of content negotiation.
        _ => {}
    }
    Ok(Some(Fate::Used))
}

/// A number; none at all asks how many there are.
fn count(value: &str) -> Result<u32, Refusal> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    if !digits {
        let why = "this is a number from 0 upwards";
        return Err(Refusal::invalid("_count", why));
    }
    // More digits than a number can hold are still more than the most.
    Ok(value.parse().map_or(MOST, |count: u32| count.min(MOST)))
}

fn total(value: &str) -> Result<Total, Refusal> {
    match value {
        "none" => Ok(Total::Unwanted),
        // A count of what is there is the best estimate there is.
        "estimate" | "accurate" => Ok(Total::Wanted),
        _ => Err(Refusal::invalid(
            "_total",
            "this is none, estimate or accurate",
        )),
    }
}

/// `date,-status`: parameters of the type and no others.
fn sort(
    kind: ResourceType,
    value: &str,
    handling: Handling,
    search: &mut Search,
) -> Result<Fate, Refusal> {
    let mut steps = Vec::new();
    for part in value.split(',').map(str::trim) {
        let (name, direction) = match part.strip_prefix('-') {
            Some(name) => (name, Direction::Down),
            None => (part, Direction::Up),
        };
        let usual = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if name.is_empty() || !name.bytes().all(usual) {
            let why = "this is a list of search parameters, each after a minus sign or nothing";
            return Err(Refusal::invalid("_sort", why));
        }
        match parameter(kind, name) {
            Some(parameter) => steps.push(Sorting {
                parameter,
                direction,
            }),
            None if handling == Handling::Strict => {
                let why = format!("{} is not sorted by {}", kind.name(), plain(name));
                return Err(Refusal::invalid("_sort", why));
            }
            None => return Ok(Fate::Ignored(format!("_sort={}", plain(value)))),
        }
    }
    search.sort.append(&mut steps);
    match search.sort.len() > MOST_STEPS {
        true => Err(Refusal::TooLarge("A search is sorted by at most 5 things.")),
        false => Ok(Fate::Used),
    }
}

/// The order of a type where a search asks for none.
pub(super) fn usual_order(kind: ResourceType) -> Option<Sorting> {
    let order = served(kind)?.order;
    let (name, direction) = match order.strip_prefix('-') {
        Some(name) => (name, Direction::Down),
        None => (order, Direction::Up),
    };
    parameter(kind, name).map(|parameter| Sorting {
        parameter,
        direction,
    })
}

/// `Type:parameter`, `Type:parameter:Target`, `Type:*` or `*`.
fn include(
    kind: ResourceType,
    (base, value, iterate): (&str, &str, bool),
    handling: Handling,
    search: &mut Search,
) -> Result<Fate, Refusal> {
    let forward = base == "_include";
    let mut parts = value.splitn(3, ':');
    let parts = (parts.next(), parts.next(), parts.next());
    let own = kind.name();
    let parts = match parts {
        (Some("*"), None, None) if forward => (Some(own), Some("*"), None),
        parts => parts,
    };
    let wanted = wanted(parts, forward).filter(|found| {
        // What nothing can refer to, and what is no type here, is nobody's parameter.
        !found.is_empty()
            && (forward || found.iter().all(|include| include.reaches(kind)) || iterate)
    });
    let Some(found) = wanted else {
        if handling == Handling::Lenient {
            return Ok(Fate::Ignored(format!("{base}={}", plain(value))));
        }
        let why = "this is Type:parameter or Type:parameter:Target, the parameter one that refers to something, of a \
            type that is served here";
        return Err(Refusal::invalid(base, why));
    };
    let list = match forward {
        true => &mut search.includes,
        false => &mut search.revincludes,
    };
    list.extend(
        found
            .into_iter()
            .map(|include| Include { iterate, ..include }),
    );
    match search.includes.len() + search.revincludes.len() > MOST_INCLUDES {
        true => Err(Refusal::TooLarge("A search includes at most 20 things.")),
        false => Ok(Fate::Used),
    }
}

fn wanted(
    (source, name, target): (Option<&str>, Option<&str>, Option<&str>),
    forward: bool,
) -> Option<Vec<Include>> {
    let source = ResourceType::of(source?)?;
    let name = name?;
    let target = match target {
        Some(target) => Some(ResourceType::of(target)?),
        None => None,
    };
    let searched = served(source)?.takes(Interaction::Search) || forward;
    let refers = |parameter: &&'static Parameter| {
        let kinds = criteria::referred(parameter);
        let fits = target.is_none_or(|target| kinds.contains(&target));
        !kinds.is_empty() && fits && (parameter.name == name || name == "*" && forward)
    };
    let parameters = served(source)?.parameters.iter().filter(refers);
    let include = |parameter| Include {
        source,
        parameter,
        target,
        iterate: false,
    };
    searched.then(|| parameters.map(include).collect())
}

fn parameter(kind: ResourceType, name: &str) -> Option<&'static Parameter> {
    let served = served(kind)?;
    served.parameters.iter().find(|known| known.name == name)
}
