//! A patient's record in words, for the summary that is read and printed.

use crate::db::sql::date_text;
use crate::domain::ResourceType;
use crate::domain::coverage::Coverage;
use crate::domain::language::Language;
use crate::domain::people::Patient;
use crate::domain::people::Person;
use crate::domain::query::Query;
use crate::domain::records::Communication;
use crate::domain::records::DocumentReference;
use crate::domain::records::Party;
use crate::domain::records::Record;
use crate::domain::records::Stage;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::scope::Interaction;
use crate::domain::visits::Appointment;
use crate::emr;
use crate::emr::facilities;
use crate::http::visits::said;
use crate::rest::Rest;
use crate::sheet::Paper;
use crate::sheet::summary::Part;
use crate::sheet::summary::Summary;
use crate::words;

/// Lines of a part at most; the Bundle has all.
const MOST: usize = 200;

/// Records of one statement.
const PAGE: u32 = 200;

/// The summary of a record as its patient sees it.
///
/// # Errors
/// As [`emr::find`].
pub(super) async fn summary(
    rest: &Rest<'_>,
    person: Person,
    language: Language,
) -> Answer<Summary> {
    let practice = rest.emr.practice().await?;
    let teller = Teller { rest, language };
    let mut patient = String::new();
    let mut parts = Vec::new();
    for kind in [
        ResourceType::Patient,
        ResourceType::Coverage,
        ResourceType::Appointment,
        ResourceType::Communication,
        ResourceType::DocumentReference,
    ] {
        let (records, more) = all(rest, (person, kind)).await?;
        if let (ResourceType::Patient, [Record::Patient(one)]) = (kind, records.as_slice()) {
            patient = one.name.display();
        }
        parts.push(teller.part(kind, (&records, more)));
    }
    Ok(Summary {
        practice: practice.name.clone(),
        address: facilities::letterhead(&rest.emr.db).await?,
        patient,
        date: date_text(rest.emr.zone.wall(rest.emr.now()).date()),
        parts,
        language,
        paper: Paper::of_zone(rest.emr.zone.name()),
    })
}

/// What could not be added, for a text beside the archive's documents.
pub(super) fn missing(names: &[String], language: Language) -> String {
    let head = words::said(
        language,
        "These documents are in your record, but their files cannot be read. Please ask the practice for them.",
    );
    format!("{head}\r\n\r\n{}\r\n", names.join("\r\n"))
}

/// The records of a type, at most as many as are shown, and how many more there are.
async fn all(
    rest: &Rest<'_>,
    (person, kind): (Person, ResourceType),
) -> Answer<(Vec<Record>, usize)> {
    let interaction = match kind {
        ResourceType::Patient => Interaction::Read,
        _ => Interaction::Search,
    };
    let reach = rest.grant.reach(kind, interaction)?;
    let mut query = Query {
        patient: Some(person.uuid),
        count: PAGE,
        ..Query::default()
    };
    if kind == ResourceType::Patient {
        query.ids = Some(vec![person.uuid]);
    }
    let mut found: Vec<Record> = Vec::new();
    let mut more = 0;
    loop {
        let page = match emr::find(rest.emr, &reach, &query).await {
            Ok(page) => page,
            // What this practice does not have has nothing to show.
            Err(Failure::Refused(refusal)) if refusal.is_absence() => return Ok((found, more)),
            Err(failure) => return Err(failure),
        };
        for record in page.records {
            match found.len() < MOST {
                true => found.push(record),
                false => more += 1,
            }
        }
        match page.next {
            Some(next) => query.after = Some(next),
            None => return Ok((found, more)),
        }
    }
}

struct Teller<'a> {
    rest: &'a Rest<'a>,
    language: Language,
}

impl Teller<'_> {
    fn said(&self, english: &str) -> String {
        words::said(self.language, english).into_owned()
    }

    fn part(&self, kind: ResourceType, (records, more): (&[Record], usize)) -> Part {
        let mut lines = Vec::new();
        for record in records {
            match record {
                Record::Patient(patient) => lines.extend(self.person(patient)),
                Record::Coverage(coverage) => lines.push(self.insurance(coverage)),
                Record::Appointment(visit) => lines.push(self.visit(visit)),
                Record::Communication(message) => lines.push(self.message(message)),
                Record::DocumentReference(document) => lines.push(self.document(document)),
                _ => {}
            }
        }
        Part {
            title: match kind {
                ResourceType::Patient => "About you",
                ResourceType::Coverage => "Insurance",
                ResourceType::Appointment => "Visits",
                ResourceType::Communication => "Messages",
                _ => "Documents",
            },
            lines,
            more,
        }
    }

    /// A label, and the words beside it where there are any.
    fn fact(&self, label: &str, words: String) -> Option<(String, String)> {
        (!words.is_empty()).then(|| (self.said(label), words))
    }

    fn person(&self, patient: &Patient) -> Vec<(String, String)> {
        let born = patient.birth_date.map_or_else(String::new, date_text);
        let telecom = patient.telecom.iter().map(|one| one.value.clone());
        let lives = patient.addresses.iter().filter(|one| one.old.is_none());
        let lives = lives.map(|one| {
            let parts = one
                .lines
                .iter()
                .chain([&one.city, &one.state, &one.postal_code]);
            joined(parts.cloned())
        });
        let contact = patient.contact.clone();
        let contact = contact.map_or_else(String::new, |(name, phone)| joined([name, phone]));
        let provider = patient.provider.as_ref();
        let provider = provider.map_or_else(String::new, |(_, name)| name.clone());
        [
            self.fact("Name", patient.name.display()),
            self.fact("Birth date", born),
            self.fact("Chart number", patient.chart_number.clone()),
            self.fact("Phone and e-mail", joined(telecom)),
            self.fact("Address", lives.collect::<Vec<String>>().join("; ")),
            self.fact("Emergency contact", contact),
            self.fact("Your provider", provider),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn insurance(&self, coverage: &Coverage) -> (String, String) {
        let policy = &coverage.policy;
        let day = |day: Option<time::Date>| day.map_or_else(String::new, date_text);
        let since = match (policy.start, policy.end) {
            (None, None) => String::new(),
            (start, end) => format!("{} – {}", day(start), day(end)),
        };
        let state = match coverage.active {
            true => String::new(),
            false => self.said("Ended"),
        };
        let words = [
            policy.plan.clone(),
            policy.number.clone(),
            policy.group.clone(),
            since,
            state,
        ];
        (policy.payor.1.clone(), joined(words))
    }

    fn visit(&self, visit: &Appointment) -> (String, String) {
        let zone = &self.rest.emr.zone;
        let at = date_text(zone.wall(visit.start).date());
        let at = format!("{at} {}", said::clock(zone, visit.start));
        let over = visit.end < self.rest.emr.now();
        let words = [
            said::providers(visit),
            said::kind(visit),
            said::place(visit),
            self.said(said::to_patient(visit, over).1),
        ];
        (at, joined(words))
    }

    fn message(&self, message: &Communication) -> (String, String) {
        let name = |party: &Party| match party {
            Party::Patient { name, .. } | Party::Staff { name, .. } | Party::Other(name) => {
                name.clone()
            }
        };
        let between = format!("{} → {}", name(&message.sender), name(&message.recipient));
        (
            self.day(message.sent),
            joined([message.title.clone(), between]),
        )
    }

    fn document(&self, document: &DocumentReference) -> (String, String) {
        let state = match &document.stage {
            Stage::Final => String::new(),
            Stage::Waiting => self.said("Nobody has looked yet"),
            Stage::Refused(_) => self.said("Refused"),
        };
        let words = [document.name.clone(), document.category.clone(), state];
        (self.day(document.date), joined(words))
    }

    fn day(&self, at: Option<time::OffsetDateTime>) -> String {
        let zone = &self.rest.emr.zone;
        at.map_or_else(String::new, |at| date_text(zone.wall(at).date()))
    }
}

/// What is not empty, with dots between.
fn joined(words: impl IntoIterator<Item = String>) -> String {
    let words = words.into_iter().map(|one| one.trim().to_owned());
    let words: Vec<String> = words.filter(|one| !one.is_empty()).collect();
    words.join(" · ")
}
