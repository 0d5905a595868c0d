//! Charts are written as staff mean them: too long is refused, nothing is cut, entities come back as they went in.

use super::*;
use crate::domain::ResourceType;
use crate::domain::records::Record;
use crate::domain::scope::Interaction;
use crate::emr::fixture::Fixture;
use crate::emr::fixture::wide;
use uuid::Uuid;

async fn opened(practice: &Fixture, id: u128, parts: &[(Part, &str)]) -> Answer<Written> {
    let parts = parts.iter().map(|(part, text)| (*part, (*text).to_owned()));
    let change = ChartChange {
        ask: ChartAsk::Open {
            id: Uuid::from_u128(id),
            parts: parts.collect(),
        },
        options: Vec::new(),
        writer: Writer::Staff(3, Uuid::from_u128(30)),
        client_id: "app".to_owned(),
        waits: true,
    };
    let about = (&practice.emr, &change);
    practice
        .emr
        .db
        .transaction_about(&about, |(emr, change), tx| {
            Box::pin(async move { apply(emr, tx, change).await })
        })
        .await
}

async fn shown(practice: &Fixture, id: u128) -> crate::domain::people::Patient {
    let reach = wide("system/*.rs", ResourceType::Patient, Interaction::Read);
    let record = crate::emr::read(&practice.emr, &reach, Uuid::from_u128(id)).await;
    match record.expect("a chart") {
        Record::Patient(patient) => *patient,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn case_168_new_charts_are_numbered_and_say_what_was_sent_byte_for_byte() {
    let practice =
        Fixture::with("INSERT INTO patient_data (id, pid, fname) VALUES (9, 40, 'Old')").await;
    let names = [
        "Zo\u{200b}e 😀",
        "\u{202e}محمد",
        "e\u{301}",
        "A &amp; B",
        "O'Neil & <Co>",
    ];
    for (index, name) in (1_u128..).zip(names) {
        let parts = [
            (Part::First, name),
            (Part::Family, "İ"),
            (Part::BirthDate, "2000-02-29"),
            (Part::Gender, "other"),
        ];
        opened(&practice, index, &parts).await.expect("opens");
        let patient = shown(&practice, index).await;
        assert_eq!(patient.name.given, [name]);
        assert_eq!(patient.name.family, "İ");
        assert_eq!(
            i128::from(patient.person.pid),
            40 + i128::try_from(index).expect("small")
        );
        assert_eq!(patient.chart_number, patient.person.pid.to_string());
        assert_eq!(patient.gender, crate::domain::people::Gender::Other);
    }
}

#[tokio::test]
async fn case_168_what_a_column_would_cut_is_refused_with_the_element() {
    let practice = Fixture::with("").await;
    let long = "x".repeat(256);
    let refused = written(&practice.emr, (Part::Family, &long), &[]);
    assert!(
        matches!(refused, Err(Refusal::Unprocessable { location, .. }) if location == "Patient.name.family")
    );
    let fits = "ü".repeat(255);
    assert!(written(&practice.emr, (Part::Family, &fits), &[]).is_ok());
}

#[tokio::test]
async fn a_language_the_practice_does_not_list_is_refused() {
    let lists = "INSERT INTO list_options (list_id, option_id, title, notes) VALUES ('language', 'Spanish', 'Spanish', 'es')";
    let practice = Fixture::with(lists).await;
    let known = practice.emr.known();
    assert_eq!(
        option(&known.lists, Part::Language, "es"),
        Ok("Spanish".to_owned())
    );
    assert!(option(&known.lists, Part::Language, "tlh").is_err());
}
