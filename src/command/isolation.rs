//! `anteroom check --isolation`: proof on the practice's own data that no patient reaches another's records, by any of
//! the ways a request can name one. It goes the way of every request from the Reach on, so what it finds holds for them.
//! Nothing of a record is printed.

use std::collections::HashMap;

use uuid::Uuid;

use crate::command::serve;
use crate::config::Config;
use crate::crypto::Entropy;
use crate::crypto::SystemEntropy;
use crate::domain::ResourceType;
use crate::domain::access::Grant;
use crate::domain::people::Person;
use crate::domain::query::Query;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::domain::scope::Scope;
use crate::emr;
use crate::emr::Emr;
use crate::emr::persons;
use crate::emr::writing::Rules;
use crate::fhir::Base;
use crate::fhir::search::Handling;
use crate::portal::form::Policy;
use crate::rest::Answered;
use crate::rest::Rest;
use crate::rest::records;
use crate::rest::search;
use crate::store::grants;

/// Records of each type and patient that others ask for.
const RECORDS: u32 = 50;

/// The ways a request can name somebody else's record.
const FORMS: [&str; 8] = [
    "own pages hold own records",
    "read by id",
    "search by _id",
    "search by patient",
    "include and revinclude",
    "chain",
    "next link of another",
    "bytes of a document",
];

/// How often a way was tried, and how often something came through.
#[derive(Default)]
struct Tally {
    tried: [u64; FORMS.len()],
    leaked: [u64; FORMS.len()],
}

impl Tally {
    fn note(&mut self, form: usize, kept: bool) {
        if let (Some(tried), Some(leaked)) = (self.tried.get_mut(form), self.leaked.get_mut(form)) {
            *tried += 1;
            *leaked += u64::from(!kept);
        }
    }
}

/// What one patient has: ids by type.
type Owned = HashMap<ResourceType, Vec<Uuid>>;

/// Tries every form between pairs of patients and prints what came of it.
///
/// # Errors
/// How many cells leaked, or why nothing could be tried.
pub async fn run(config: Config, patients: u32) -> Result<(), String> {
    let emr = serve::look_at_emr(&config, serve::system_clock()).await?;
    let people = persons::sample(&emr, patients.max(2))
        .await
        .map_err(serve::said)?;
    if people.len() < 2 {
        return Err("there are not two patients to keep apart".to_owned());
    }
    let mut page_key = [0; 32];
    SystemEntropy
        .fill(&mut page_key)
        .map_err(|fault| fault.to_string())?;
    let base = Base::new(&config.fhir_base());
    let practice = Practice {
        emr: &emr,
        base: &base,
        page_key: &page_key,
        rules: Rules {
            cancel_notice: config.cancel_notice,
            auto_enable: false,
            forms: Policy::Review,
            reviews: config.reviews,
        },
    };
    let mut tally = Tally::default();
    let mut owned = Vec::with_capacity(people.len());
    for person in &people {
        owned.push(
            practice
                .own(*person, &people, &mut tally)
                .await
                .map_err(serve::said)?,
        );
    }
    for (place, person) in people.iter().enumerate() {
        let other = (place + 1) % people.len();
        let (Some(theirs), Some(them)) = (owned.get(other), people.get(other)) else {
            continue;
        };
        let pair = (*person, *them);
        practice
            .others(pair, theirs, &mut tally)
            .await
            .map_err(serve::said)?;
    }
    emr.db.close().await;
    report(&tally, people.len())
}

fn report(tally: &Tally, people: usize) -> Result<(), String> {
    let kinds = kinds().count();
    println!("isolation: {people} patients, {kinds} types of record, as apps with patient/*.rs");
    for (form, (tried, leaked)) in FORMS.iter().zip(tally.tried.iter().zip(tally.leaked)) {
        let mark = match (leaked, tried) {
            (0, 0) => "notice",
            (0, _) => "ok    ",
            _ => "LEAKS ",
        };
        println!("{mark}  {form:<28} {tried:>7} tried, {leaked} leaked");
    }
    match tally.leaked.iter().sum() {
        0_u64 => Ok(()),
        leaks => Err(format!(
            "{leaks} cells leaked: stop the server and tell the makers which rows say LEAKS"
        )),
    }
}

/// The types that belong to one patient and can be searched.
fn kinds() -> impl Iterator<Item = ResourceType> {
    let inside = ResourceType::ALL.into_iter();
    inside.filter(|kind| kind.in_patient_compartment() && *kind != ResourceType::Binary)
}

/// What every try needs.
struct Practice<'a> {
    emr: &'a Emr,
    base: &'a Base,
    page_key: &'a [u8],
    rules: Rules,
}

impl Practice<'_> {
    fn rest<'r>(&'r self, grant: &'r Grant) -> Rest<'r> {
        Rest {
            emr: self.emr,
            base: self.base,
            grant,
            page_key: self.page_key,
            entropy: &SystemEntropy,
            rules: self.rules,
            request_id: "isolation",
        }
    }

    /// Gathers what a patient's app finds, and sees that it is that patient's.
    async fn own(&self, person: Person, people: &[Person], tally: &mut Tally) -> Answer<Owned> {
        let grant = grants::rehearsed(person, Scope::list("patient/*.rs"));
        let rest = self.rest(&grant);
        let mut owned = Owned::new();
        for kind in kinds() {
            let reach = grant.reach(kind, Interaction::Search)?;
            let query = Query {
                count: RECORDS,
                ..Query::default()
            };
            let page = records::find(&rest, &reach, &query).await?;
            for record in &page.records {
                tally.note(0, is_of(record, person));
                owned.entry(kind).or_default().push(record.id());
            }
            // What is written may name nobody else of the sample, be it in a reference or in words.
            let everything = [("_include".to_owned(), "*".to_owned())];
            let page = body(search::search(&rest, kind, &everything, Handling::Lenient).await)?;
            let others = people.iter().filter(|other| **other != person);
            let named = others.filter(|other| mentions(&page, other.uuid));
            tally.note(4, named.count() == 0);
        }
        Ok(owned)
    }

    /// Asks for another patient's records in every form.
    async fn others(
        &self,
        (person, other): (Person, Person),
        theirs: &Owned,
        tally: &mut Tally,
    ) -> Answer<()> {
        let scopes = || Scope::list("patient/*.rs");
        let grant = grants::rehearsed(person, scopes());
        let foreign = grants::rehearsed(other, scopes());
        let rest = self.rest(&grant);
        for kind in kinds() {
            let ids = theirs.get(&kind).map(Vec::as_slice).unwrap_or_default();
            for id in ids {
                let reach = grant.reach(kind, Interaction::Read)?;
                let read = records::read(&rest, &reach, *id).await;
                tally.note(1, is_hidden(read)?);
                if kind == ResourceType::DocumentReference {
                    let reach = grant.reach(ResourceType::Binary, Interaction::Read)?;
                    let bytes = emr::content(self.emr, &reach, *id).await;
                    tally.note(7, is_hidden(bytes)?);
                }
            }
            let listed: Vec<String> = ids.iter().take(20).map(Uuid::to_string).collect();
            let named = format!("Patient/{}", other.uuid);
            let asks = [
                (2, vec![("_id", listed.join(","))]),
                (3, vec![("patient", named.clone())]),
                (
                    4,
                    vec![
                        ("_revinclude", "Provenance:target".to_owned()),
                        ("_id", listed.join(",")),
                    ],
                ),
                (5, vec![("patient._id", other.uuid.to_string())]),
            ];
            for (form, pairs) in asks {
                if pairs.iter().any(|(_, value)| value.is_empty()) {
                    continue;
                }
                let own = |(name, value): (&str, String)| (name.to_owned(), value);
                let pairs: Vec<(String, String)> = pairs.into_iter().map(own).collect();
                let page = body(search::search(&rest, kind, &pairs, Handling::Lenient).await)?;
                let held = ids.iter().chain([&other.uuid]);
                let told = held.filter(|id| answers(&page, kind, **id)).count();
                tally.note(form, told == 0);
            }
            let first = [("_count".to_owned(), "1".to_owned())];
            let theirs = self.rest(&foreign);
            let page = body(search::search(&theirs, kind, &first, Handling::Lenient).await)?;
            if let Some(link) = next(&page) {
                let pairs = [("_page".to_owned(), link)];
                let followed = search::search(&rest, kind, &pairs, Handling::Lenient).await;
                tally.note(6, is_hidden(followed)?);
            }
        }
        Ok(())
    }
}

/// Whether a record is this patient's; of what names no patient it is, because only the statement knew.
fn is_of(record: &Record, person: Person) -> bool {
    match record {
        Record::AuditEvent(line) => line.patient == Some(person.uuid),
        other => other.person().is_none_or(|owner| owner == person),
    }
}

/// Whether it was refused; breakage is told as breakage, not as proof.
fn is_hidden<T>(answer: Answer<T>) -> Answer<bool> {
    match answer {
        Ok(_) => Ok(false),
        Err(Failure::Refused(Refusal::Unavailable(why))) => Err(Refusal::Unavailable(why).into()),
        Err(Failure::Refused(_)) => Ok(true),
        Err(broken) => Err(broken),
    }
}

/// The page as text; nothing where it was refused.
fn body(answer: Answer<Answered>) -> Answer<String> {
    match answer {
        Ok(answered) => Ok(String::from_utf8_lossy(&answered.body).into_owned()),
        Err(Failure::Refused(Refusal::Unavailable(why))) => Err(Refusal::Unavailable(why).into()),
        Err(Failure::Refused(_)) => Ok(String::new()),
        Err(broken) => Err(broken),
    }
}

fn mentions(page: &str, id: Uuid) -> bool {
    page.contains(&format!("Patient/{id}"))
}

/// Whether the page has this record in it. That the self link repeats what was asked is no answer.
fn answers(page: &str, kind: ResourceType, id: Uuid) -> bool {
    page.contains(&format!("\"id\":\"{id}\""))
        || page.contains(&format!("/{}/{id}\",\"resource\"", kind.name()))
}

/// The sealed state of the next link.
fn next(page: &str) -> Option<String> {
    let (_, rest) = page.split_once("_page=")?;
    rest.split('"').next().map(str::to_owned)
}
