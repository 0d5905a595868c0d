//! Search parameters: from the pairs of a URL or form to what the EMR is asked, what is compared here, and how the
//! answer is to look, by the table of what is served.

mod criteria;
mod results;
mod values;

use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::people::Person;
use crate::domain::query::Filter;
use crate::domain::query::Query;
use crate::domain::query::Target;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::emr::zone::Zone;
use crate::fhir::Served;
use crate::fhir::matching::Criterion;
use crate::fhir::matching::Sorting;
use crate::fhir::matching::Test;
use crate::fhir::parameter::Meaning;
use crate::fhir::parameter::Parameter;
use crate::fhir::search::criteria::Asked;
pub use crate::fhir::search::values::plain;
use crate::fhir::served;
use crate::fhir::subset::Subset;

pub use crate::fhir::search::criteria::referred;

/// Records on a page where the client does not say.
const DEFAULT_COUNT: u32 = 50;

/// Parameters in a search at most.
const MOST_PARAMETERS: usize = 50;

/// Alternatives in all parameters of a search together at most, so that no statement has more values than SQLite takes.
const MOST_VALUES_TOGETHER: usize = 500;

/// Bytes of all parameters together at most, as they are written in the next link, which is a URL of at most 8 KiB.
const LONGEST: usize = 4_500;

/// Chains and `_has` of a search at most: each is a search of its own.
const MOST_LINKED: usize = 5;

/// `Prefer: handling=`: what becomes of parameters nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// They refuse the search.
    Strict,
    /// They are left out and named in a warning.
    Lenient,
}

/// What reading a search needs to know.
#[derive(Clone, Copy, Debug)]
pub struct SearchContext<'a> {
    /// The one patient of the reach; `None` where it is the whole practice and a search may name any.
    pub patient: Option<Person>,
    /// The zone of dates without offset.
    pub zone: &'a Zone,
    /// The present, which `ap` measures from.
    pub now: OffsetDateTime,
    /// The FHIR base, as absolute references begin.
    pub fhir_base: &'a str,
}

/// A search that was understood.
#[derive(Clone, Debug)]
pub struct Search {
    /// What to ask the EMR.
    pub query: Query,
    /// What is compared here, over what it answers.
    pub criteria: Vec<Criterion>,
    /// Chains and `_has`: searches to make first.
    pub linked: Vec<Linked>,
    /// The order that was asked for.
    pub sort: Vec<Sorting>,
    /// Whether the number of matches is wanted.
    pub total: Total,
    /// Only the number of matches is wanted, no record.
    pub counted_only: bool,
    /// Which parts of the records are wanted.
    pub subset: Subset,
    /// What the records refer to and comes along.
    pub includes: Vec<Include>,
    /// What refers to the records and comes along.
    pub revincludes: Vec<Include>,
    /// The parameters that were used, for the self link and the next page.
    pub pairs: Vec<(String, String)>,
    /// The names of those that were not; unusual characters are left out.
    pub ignored: Vec<String>,
}

/// `_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Total {
    /// Given where it is known anyway.
    Unsaid,
    /// Not given.
    Unwanted,
    /// Counted.
    Wanted,
}

/// A chain or a `_has`: a condition on another record.
#[derive(Clone, Debug)]
pub struct Linked {
    /// The parameter as it was sent, for what is said about it.
    pub name: String,
    /// How the other record and this one belong together.
    pub link: Link,
    /// The search parameter of the other record and its value.
    pub pair: (String, String),
}

/// How two records belong together.
#[derive(Clone, Debug)]
pub enum Link {
    /// This one refers to the other by this parameter, which is of one of these types.
    Forward(&'static Parameter, Vec<ResourceType>),
    /// The other is of this type and refers to this one by this parameter.
    Reverse(ResourceType, &'static Parameter),
}

/// One `_include` or `_revinclude`.
#[derive(Clone, Copy, Debug)]
pub struct Include {
    /// The type that refers.
    pub source: ResourceType,
    /// By which parameter.
    pub parameter: &'static Parameter,
    /// Only to this type, where that was said.
    pub target: Option<ResourceType>,
    /// Also from what was included itself.
    pub iterate: bool,
}

impl Include {
    /// Whether it refers to a type.
    pub fn reaches(&self, kind: ResourceType) -> bool {
        let kinds = referred(self.parameter);
        kinds.contains(&kind) && self.target.is_none_or(|target| target == kind)
    }
}

/// What became of one parameter.
enum Fate {
    Used,
    Ignored(String),
}

/// Reads a search. Another patient, existing or invented, is refused before anything is looked up.
///
/// # Errors
/// `Forbidden` where a reference names another patient; `Invalid` at the parameter for a value, modifier or, if
/// strict, a name that is not understood; `TooLarge` over 50 parameters, 100 values of one, 500 of all or 4,500
/// characters; `Unsupported` for searches that are right but not served.
pub fn parse(
    kind: ResourceType,
    pairs: &[(String, String)],
    handling: Handling,
    context: &SearchContext<'_>,
) -> Result<Search, Refusal> {
    let Some(served) = served(kind).filter(|served| served.takes(Interaction::Search)) else {
        let name = kind.name();
        return Err(Refusal::Unsupported(format!("{name} is read by id only.")));
    };
    if pairs.len() > MOST_PARAMETERS {
        return Err(Refusal::TooLarge("A search has at most 50 parameters."));
    }
    let mut search = Search {
        query: Query {
            count: DEFAULT_COUNT,
            ..Query::default()
        },
        criteria: Vec::new(),
        linked: Vec::new(),
        sort: Vec::new(),
        total: Total::Unsaid,
        counted_only: false,
        subset: Subset::Whole,
        includes: Vec::new(),
        revincludes: Vec::new(),
        pairs: Vec::with_capacity(pairs.len()),
        ignored: Vec::new(),
    };
    let mut length = 0;
    let mut values = 0;
    for (name, value) in pairs {
        match one(served, (name, value), (handling, context), &mut search)? {
            Fate::Used => {}
            Fate::Ignored(what) => {
                search.ignored.push(what);
                continue;
            }
        }
        length += values::written(name) + values::written(value);
        values += values::split(value, ',').len();
        if length > LONGEST || values > MOST_VALUES_TOGETHER {
            return Err(Refusal::TooLarge(
                "A search has at most 4,500 characters and 500 values.",
            ));
        }
        search.pairs.push((name.clone(), value.clone()));
    }
    if search.linked.len() > MOST_LINKED {
        return Err(Refusal::TooLarge(
            "A search has at most 5 chained parameters and _has together.",
        ));
    }
    search.counted_only |= search.query.count == 0;
    Ok(search)
}

/// Reads one parameter into the search.
fn one(
    served: &'static Served,
    (name, value): (&str, &str),
    (handling, context): (Handling, &SearchContext<'_>),
    search: &mut Search,
) -> Result<Fate, Refusal> {
    if let Some(fate) = results::read(served.kind, (name, value), handling, search)? {
        return Ok(fate);
    }
    if let Some(link) = name.strip_prefix("_has:") {
        search
            .linked
            .push(reverse(served.kind, (name, link), value)?);
        return Ok(Fate::Used);
    }
    let (head, chain) = match name.split_once('.') {
        Some((head, chain)) => (head, Some(chain)),
        None => (name, None),
    };
    let (base, modifier) = match head.split_once(':') {
        Some((base, modifier)) => (base, Some(modifier)),
        None => (head, None),
    };
    let mut known = served.parameters.iter();
    if let Some(parameter) = known.find(|known| known.name == base) {
        let asked = Asked {
            name,
            parameter,
            modifier,
            chain,
            value,
        };
        criteria::add(&asked, context, search)?;
        return Ok(Fate::Used);
    }
    let why = format!("{} is not searched by this parameter", served.kind.name());
    match handling {
        // A modifier changes what a search means, so one that nobody understands is never left out.
        Handling::Lenient if modifier.is_none() && chain.is_none() => {
            Ok(Fate::Ignored(plain(name)))
        }
        _ => Err(Refusal::invalid(plain(name), why)),
    }
}

/// `_has:Type:reference:parameter`, the parameter of Type and with a modifier or chain of its own.
fn reverse(kind: ResourceType, (name, link): (&str, &str), value: &str) -> Result<Linked, Refusal> {
    let mut parts = link.splitn(3, ':');
    let (source, reference) = (parts.next(), parts.next());
    let source = source.and_then(ResourceType::of);
    let served = source.and_then(served);
    let parameter = served.and_then(|served| {
        let mut known = served.parameters.iter();
        known.find(|known| Some(known.name) == reference && referred(known).contains(&kind))
    });
    match (source, parameter, parts.next()) {
        (Some(source), Some(parameter), Some(rest)) if !rest.is_empty() => Ok(Linked {
            name: plain(name),
            link: Link::Reverse(source, parameter),
            pair: (rest.to_owned(), value.to_owned()),
        }),
        _ => {
            let why = format!(
                "this is _has:Type:reference:parameter, the reference a parameter of Type that refers to {}",
                kind.name()
            );
            Err(Refusal::invalid(plain(name), why))
        }
    }
}

impl Search {
    /// The order the records come in: the one asked for, else the type's own, else by id.
    pub fn order(&self, kind: ResourceType) -> Vec<Sorting> {
        match self.sort.is_empty() {
            true => results::usual_order(kind).into_iter().collect(),
            false => self.sort.clone(),
        }
    }

    /// Whether the EMR's own statements do all of it: nothing is compared here, and the order is theirs.
    pub fn is_pushed_down(&self, kind: ResourceType) -> bool {
        let usual = results::usual_order(kind);
        let same = match (self.sort.as_slice(), usual) {
            ([], _) => true,
            // Dates are what statements sort by as this house does; names they sort by the engine's own letters.
            ([asked], Some(usual)) => {
                asked.parameter.name == usual.parameter.name
                    && asked.direction == usual.direction
                    && matches!(usual.parameter.meaning, Meaning::Date(_))
            }
            _ => false,
        };
        same && self.criteria.is_empty()
    }

    /// Asks only for these ids, of those asked for already.
    pub fn only(&mut self, ids: Vec<Uuid>) {
        criteria::only(&mut self.query, ids);
    }

    /// Asks only for records that refer to one of these by a parameter: what a chain came to.
    pub fn refers(
        &mut self,
        parameter: &'static Parameter,
        targets: Vec<Target>,
        patient: Option<Person>,
    ) {
        if targets.is_empty() {
            self.only(Vec::new());
            return;
        }
        match (parameter.meaning, patient) {
            (Meaning::Patient, Some(person)) => {
                if !targets.iter().any(|target| target.id == person.uuid) {
                    self.only(Vec::new());
                }
                return;
            }
            (Meaning::Patient, None) => {
                if let [one] = targets.as_slice()
                    && self.query.patient.is_none_or(|known| known == one.id)
                {
                    self.query.patient = Some(one.id);
                    return;
                }
            }
            (Meaning::Reference(field, _), _) => {
                self.query.filters.push(Filter::Reference(field, targets));
                return;
            }
            _ => {}
        }
        self.criteria.push(Criterion {
            parameter,
            test: Test::Targets(targets),
        });
    }
}

#[cfg(test)]
mod tests;
