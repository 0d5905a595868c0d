//! One search parameter: what the EMR is asked for it, and what is compared here.

use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::query::DateRange;
use crate::domain::query::Field;
use crate::domain::query::Filter;
use crate::domain::query::Query;
use crate::domain::query::Target;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Token;
use crate::fhir::dates;
use crate::fhir::matching::Criterion;
use crate::fhir::matching::Test;
use crate::fhir::parameter::Meaning;
use crate::fhir::parameter::Parameter;
use crate::fhir::search::Link;
use crate::fhir::search::Linked;
use crate::fhir::search::Search;
use crate::fhir::search::SearchContext;
use crate::fhir::search::values;
use crate::fhir::search::values::plain;
use crate::fhir::search::values::split;
use crate::fhir::search::values::unescaped;
use crate::fhir::served;

/// Alternatives in a parameter at most.
const MOST_VALUES: usize = 100;

/// A parameter as it was asked for.
pub(super) struct Asked<'a> {
    /// Its name with modifier and chain, as it was sent.
    pub(super) name: &'a str,
    /// The parameter of the type.
    pub(super) parameter: &'static Parameter,
    /// What stands behind the colon.
    pub(super) modifier: Option<&'a str>,
    /// What stands behind the first dot.
    pub(super) chain: Option<&'a str>,
    /// The value.
    pub(super) value: &'a str,
}

/// Adds what one parameter asks for to a search.
pub(super) fn add(
    asked: &Asked<'_>,
    context: &SearchContext<'_>,
    search: &mut Search,
) -> Result<(), Refusal> {
    let parts = split(asked.value, ',');
    if parts.len() > MOST_VALUES {
        return Err(Refusal::TooLarge("A parameter has at most 100 values."));
    }
    if parts.iter().any(|part| part.trim().is_empty()) {
        let name = plain(asked.name);
        return Err(Refusal::invalid(name, "a value is empty"));
    }
    if asked.chain.is_some() {
        return chained(asked, search);
    }
    match asked.modifier {
        None => pushed(asked, &parts, (context, search)),
        Some(_) => {
            if let Some(test) = modified(asked, &parts, (context, search))? {
                search.criteria.push(Criterion {
                    parameter: asked.parameter,
                    test,
                });
            }
            Ok(())
        }
    }
}

/// Without modifier: what the EMR looks for itself is asked of it.
fn pushed(
    asked: &Asked<'_>,
    parts: &[&str],
    (context, search): (&SearchContext<'_>, &mut Search),
) -> Result<(), Refusal> {
    let query = &mut search.query;
    let test = match asked.parameter.meaning {
        Meaning::Ids => {
            let texts = texts(parts);
            let ids = texts.iter().filter_map(|value| values::uuid(value));
            only(query, ids.collect());
            return Ok(());
        }
        Meaning::Patient => {
            for value in texts(parts) {
                patient(asked.parameter.name, &value, (context, query))?;
            }
            return Ok(());
        }
        Meaning::Date(field) => {
            query
                .filters
                .push(Filter::Date(field, ranges(asked, context)?));
            return Ok(());
        }
        Meaning::Token(field) => {
            query
                .filters
                .push(Filter::Token(field, tokens(parts, context)));
            return Ok(());
        }
        Meaning::Text(field) => {
            query.filters.push(Filter::Text(field, trimmed(parts)));
            return Ok(());
        }
        Meaning::Identifier => {
            let tokens = tokens(parts, context);
            if tokens.iter().any(|token| token.code.is_empty()) {
                let why = "an identifier is a value, or system|value";
                return Err(Refusal::invalid(asked.parameter.name, why));
            }
            query.filters.push(Filter::Token(Field::Identifier, tokens));
            return Ok(());
        }
        Meaning::Reference(field, _) => {
            let targets = targets(asked, parts, context)?;
            match targets.is_empty() {
                true => only(query, Vec::new()),
                false => query.filters.push(Filter::Reference(field, targets)),
            }
            return Ok(());
        }
        Meaning::Dates => Test::Dates(ranges(asked, context)?),
        Meaning::Tokens => Test::Tokens(tokens(parts, context)),
        Meaning::Texts => Test::Begins(trimmed(parts)),
        Meaning::References(_) => {
            let targets = targets(asked, parts, context)?;
            about_one(&targets, query);
            Test::Targets(targets)
        }
        Meaning::Uri => Test::Uris(texts(parts)),
    };
    search.criteria.push(Criterion {
        parameter: asked.parameter,
        test,
    });
    Ok(())
}

/// With a modifier: compared here, by what the records have.
fn modified(
    asked: &Asked<'_>,
    parts: &[&str],
    (context, search): (&SearchContext<'_>, &mut Search),
) -> Result<Option<Test>, Refusal> {
    let modifier = asked.modifier.unwrap_or_default();
    let test = match (kind_of(asked.parameter.meaning), modifier) {
        (_, "missing") => match asked.value {
            "true" => Test::Missing,
            "false" => Test::Present,
            _ => return Err(Refusal::invalid(plain(asked.name), "this is true or false")),
        },
        (Sort::Text, "exact") => Test::Exact(texts(parts)),
        (Sort::Text, "contains") => Test::Contains(trimmed(parts)),
        (Sort::Token, "not") => Test::NoToken(tokens(parts, context)),
        (Sort::Token, "text") => Test::Words(trimmed(parts)),
        (Sort::Reference, "identifier") => {
            search.linked.push(Linked {
                name: plain(asked.name),
                link: Link::Forward(asked.parameter, referred(asked.parameter)),
                pair: ("identifier".to_owned(), asked.value.to_owned()),
            });
            return Ok(None);
        }
        (Sort::Reference, name) => {
            // Whom a value names is judged before how it was asked, so that no modifier is a way around it.
            let targets = targets(asked, parts, context)?;
            if ResourceType::of(name).is_none() {
                return Err(unknown(asked));
            }
            about_one(&targets, &mut search.query);
            Test::Targets(targets)
        }
        _ => return Err(unknown(asked)),
    };
    Ok(Some(test))
}

fn unknown(asked: &Asked<'_>) -> Refusal {
    let why = match kind_of(asked.parameter.meaning) {
        Sort::Text => "the modifiers of this parameter are exact, contains and missing",
        Sort::Token => "the modifiers of this parameter are not, text and missing",
        Sort::Reference => {
            "the modifiers of this parameter are identifier, missing and the type it refers to"
        }
        Sort::Other => "the modifier of this parameter is missing",
    };
    Refusal::invalid(plain(asked.name), why)
}

/// Names a chain, which is looked up before the search itself.
fn chained(asked: &Asked<'_>, search: &mut Search) -> Result<(), Refusal> {
    let chain = asked.chain.unwrap_or_default();
    let mut kinds = referred(asked.parameter);
    if let Some(said) = asked.modifier {
        kinds.retain(|kind| kind.name() == said);
    }
    let head = chain.split(['.', ':']).next().unwrap_or_default();
    let knows = |kind: &ResourceType| {
        let served = served(*kind);
        let mut known = served.iter().flat_map(|served| served.parameters);
        known.any(|known| known.name == head)
    };
    kinds.retain(knows);
    if kinds.is_empty() {
        let why = "no type this refers to is searched by what stands behind the dot";
        return Err(Refusal::invalid(plain(asked.name), why));
    }
    search.linked.push(Linked {
        name: plain(asked.name),
        link: Link::Forward(asked.parameter, kinds),
        pair: (chain.to_owned(), asked.value.to_owned()),
    });
    Ok(())
}

/// What kinds of modifiers a parameter takes.
enum Sort {
    Text,
    Token,
    Reference,
    Other,
}

fn kind_of(meaning: Meaning) -> Sort {
    match meaning {
        Meaning::Text(_) | Meaning::Texts => Sort::Text,
        Meaning::Token(_) | Meaning::Tokens | Meaning::Identifier | Meaning::Ids => Sort::Token,
        Meaning::Patient | Meaning::Reference(..) | Meaning::References(_) => Sort::Reference,
        Meaning::Date(_) | Meaning::Dates | Meaning::Uri => Sort::Other,
    }
}

/// The types a parameter refers to; none where it is no reference.
pub fn referred(parameter: &Parameter) -> Vec<ResourceType> {
    match parameter.meaning {
        Meaning::Patient => vec![ResourceType::Patient],
        Meaning::Reference(_, kinds) | Meaning::References(kinds) => kinds.to_vec(),
        _ => Vec::new(),
    }
}

fn targets(
    asked: &Asked<'_>,
    parts: &[&str],
    context: &SearchContext<'_>,
) -> Result<Vec<Target>, Refusal> {
    let kinds = referred(asked.parameter);
    let said = asked.modifier.and_then(ResourceType::of);
    let mut targets = Vec::with_capacity(parts.len());
    for value in texts(parts) {
        targets.extend(values::reference(
            (asked.parameter, &kinds),
            said,
            &value,
            context,
        )?);
    }
    Ok(targets)
}

fn tokens(parts: &[&str], context: &SearchContext<'_>) -> Vec<Token> {
    let token = |part: &&str| values::token(part, context);
    parts.iter().map(token).collect()
}

fn texts(parts: &[&str]) -> Vec<String> {
    parts.iter().map(|part| unescaped(part)).collect()
}

fn trimmed(parts: &[&str]) -> Vec<String> {
    let text = |part: &&str| unescaped(part).trim().to_owned();
    parts.iter().map(text).collect()
}

fn ranges(asked: &Asked<'_>, context: &SearchContext<'_>) -> Result<Vec<DateRange>, Refusal> {
    let range = |part: &str| {
        dates::range(&unescaped(part), context.zone, context.now).ok_or_else(|| {
            let why = "a date is YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with an offset, after eq, ne, gt, \
                lt, ge, le, sa, eb, ap or nothing";
            Refusal::invalid(asked.parameter.name, why)
        })
    };
    split(asked.value, ',').into_iter().map(range).collect()
}

/// Alternatives within one `_id`, all of several: what stays is in each. An id that is no uuid matches nothing.
pub(super) fn only(query: &mut Query, asked: Vec<Uuid>) {
    query.ids = Some(match query.ids.take() {
        Some(known) => known.into_iter().filter(|id| asked.contains(id)).collect(),
        None => asked,
    });
}

/// Who may see several patients and names one of them in any parameter searches that one's records only.
fn about_one(targets: &[Target], query: &mut Query) {
    let mut named = targets.iter().map(|target| match target.kind {
        Some(ResourceType::Patient) => Some(target.id),
        _ => None,
    });
    let first = named.next().flatten();
    if first.is_some() && query.patient.is_none() && named.all(|other| other == first) {
        query.patient = first;
    }
}

/// `Patient/x`, `x` or the absolute URL. Under one patient's reach x must be that patient; under a wider one the search
/// is narrowed to x, and to one patient only.
fn patient(
    name: &'static str,
    value: &str,
    (context, query): (&SearchContext<'_>, &mut Query),
) -> Result<(), Refusal> {
    let relative = values::relative(value, context);
    let id = values::uuid(relative.strip_prefix("Patient/").unwrap_or(relative));
    match (context.patient, id) {
        (Some(person), id) => match id == Some(person.uuid) {
            true => Ok(()),
            false => Err(Refusal::Forbidden("This token is for another patient.")),
        },
        (None, Some(id)) if query.patient.is_none_or(|known| known == id) => {
            query.patient = Some(id);
            Ok(())
        }
        (None, Some(_)) => Err(Refusal::Unsupported(
            "A search is about one patient, or about all.".to_owned(),
        )),
        (None, None) => Err(Refusal::invalid(name, "this is no id of a patient")),
    }
}
