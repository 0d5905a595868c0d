//! Searches: the type, a `?`, and the query as a URL has it: `anteroom::fhir::search`.

use anteroom::domain::ResourceType;
use anteroom::domain::people::Person;
use anteroom::domain::refusal::Refusal;
use anteroom::emr::zone::Zone;
use anteroom::fhir::search::Handling;
use anteroom::fhir::search::SearchContext;
use anteroom::fhir::search::parse;
use time::macros::datetime;
use uuid::Uuid;

use super::CANARY;
use super::Target;
use super::run;

/// The patient in context of half the searches.
const ME: Uuid = Uuid::from_u128(0x0000_0000_0000_4000_8000_0000_0000_0007);

const WORDS: [&str; 36] = [
    CANARY,
    "&",
    "=",
    ",",
    "|",
    "\\,",
    ":missing=true",
    ":exact",
    ":contains",
    ":not",
    ":identifier",
    ":Patient.name",
    "&_sort=-date",
    "&_count=5",
    "&_summary=count",
    "&_elements=id,status",
    "&_include=Appointment:actor",
    "&_revinclude=Provenance:target",
    "&_has:Provenance:target:agent=x",
    "&_total=none",
    "&_lastUpdated=ge2026",
    "&patient=00000000-0000-4000-8000-000000000007",
    "&patient=Patient/00000000-0000-4000-8000-000000000008",
    "&_id=00000000-0000-4000-8000-000000000009",
    "&status=booked",
    "&date=sa2026-11-01T01:30:00-04:00",
    "&date=ge9999-12-31",
    "&name=a",
    "&identifier=http://x.org/fhir/sid/mrn|1",
    "Appointment?",
    "Patient?",
    "Slot?",
    "DocumentReference?",
    "http://x.org/fhir/",
    "%00",
    "%C3%A9",
];

/// What is understood means the same when its own pairs are read again, as the next page does; what is strictly right
/// is right leniently; nobody gets beyond the patient in context; and no complaint repeats what was sent.
fn look(input: &[u8]) -> String {
    let text = String::from_utf8_lossy(input);
    let (kind, query) = text.split_once('?').unwrap_or((&text, ""));
    let Some(kind) = ResourceType::of(kind) else {
        return "no type".to_owned();
    };
    let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let zone = Zone::named("America/New_York").expect("bundled zone");
    let me = Person { pid: 7, uuid: ME };
    let mut outcome = String::new();
    for patient in [Some(me), None] {
        let context = SearchContext {
            patient,
            zone: &zone,
            now: datetime!(2026-11-21 12:00 UTC),
            fhir_base: "http://x.org/fhir",
        };
        let strict = parse(kind, &pairs, Handling::Strict, &context);
        let lenient = parse(kind, &pairs, Handling::Lenient, &context);
        match (&strict, &lenient) {
            (Ok(strict), lenient) => {
                let lenient = lenient.as_ref().expect("what is strictly right");
                assert_eq!(format!("{strict:?}"), format!("{lenient:?}"));
            }
            (Err(refusal), Ok(search)) => {
                assert!(
                    !search.ignored.is_empty(),
                    "nothing is ignored, but strictly: {refusal:?}"
                );
            }
            (Err(_), Err(_)) => {}
        }
        match lenient {
            Ok(search) => {
                assert!(search.query.count <= 200);
                let foreign =
                    patient.is_some() && search.query.patient.is_some_and(|asked| asked != ME);
                assert!(!foreign, "a search reaches beyond its patient: {search:?}");
                let again = parse(kind, &search.pairs, Handling::Strict, &context);
                let again = again.expect("the pairs of a search are a search");
                assert_eq!(again.query, search.query);
                assert_eq!(again.pairs, search.pairs);
                outcome.push_str(&format!(
                    "{} filters, {} ignored ",
                    search.query.filters.len(),
                    search.ignored.len()
                ));
            }
            Err(refusal) => outcome.push_str(&complaint(&refusal)),
        }
    }
    format!("{} {outcome}", kind.name())
}

fn complaint(refusal: &Refusal) -> String {
    let why = match refusal {
        // Where it is may be the parameter's name as it was sent, without signs that could mean something.
        Refusal::Invalid { location, why } => {
            let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-.:".contains(letter);
            assert!(
                location.len() <= 64 && location.chars().all(plain),
                "{location}"
            );
            why.clone()
        }
        other => format!("{other:?}"),
    };
    assert!(!why.contains(CANARY), "it repeats what was sent: {why}");
    why
}

#[test]
fn searches_are_understood_or_refused_whatever_is_asked() {
    run(&Target {
        name: "search",
        words: &WORDS,
        iterations: 3_000,
        look,
    });
}
