//! Who is found by what, across the practice and within one chart.

use time::macros::datetime;
use uuid::Uuid;

use super::*;
use crate::domain::ResourceType;
use crate::domain::access::Reach;
use crate::domain::query::DateRange;
use crate::domain::query::Prefix;
use crate::domain::query::Query;
use crate::domain::records::Record;
use crate::domain::scope::Interaction;
use crate::emr::fixture;
use crate::emr::fixture::Fixture;
use crate::emr::people::find;

/// Five charts; 4 has no uuid yet.
const CHARTS: &str = "
INSERT INTO patient_data (id, pid, uuid, pubpid, fname, mname, lname, DOB, sex, preferred_name, birth_lname)
  VALUES (10, 1, x'00000000000000000000000000000001', 'A-1', 'Maria', 'Ines', 'Delgado', '1985-04-12', 'Female', 'Mia', 'Ruiz'),
    (20, 2, x'00000000000000000000000000000002', 'a-1', 'Sean', '', 'O&#039;Connor', '1957-11-02', 'Male', '', ''),
    (30, 3, x'00000000000000000000000000000003', '', 'Marian', '', 'De%la', '0000-00-00', 'UNK', '', ''),
    (40, 4, NULL, 'D_4', ' Linh ', '', 'Nguyen', '1991-08-17', 'nonbinary', '', ''),
    (50, 5, x'00000000000000000000000000000005', '', '', '', '', NULL, '', '', '');
INSERT INTO patient_access_onsite (pid, portal_username) VALUES (1, 'Maria10'), (3, '');
";

fn everybodys() -> Reach {
    fixture::wide("system/*.rs", ResourceType::Patient, Interaction::Search)
}

async fn pids(practice: &Fixture, reach: &Reach, query: &Query) -> Vec<i64> {
    let page = find(&practice.emr, reach, query).await.expect("a page");
    let pid = |record: Record| match record {
        Record::Patient(patient) => patient.person.pid,
        other => panic!("no patient but {other:?}"),
    };
    page.records.into_iter().map(pid).collect()
}

fn by(filter: Filter) -> Query {
    Query {
        filters: vec![filter],
        count: 10,
        ..Query::default()
    }
}

fn text(field: Field, text: &str) -> Query {
    by(Filter::Text(field, vec![text.to_owned()]))
}

fn token(field: Field, token: &str) -> Query {
    by(Filter::Token(field, vec![Token::of(token)]))
}

#[tokio::test]
async fn names_are_found_by_how_they_begin() {
    let practice = Fixture::with(CHARTS).await;
    for (field, asked, found) in [
        (Field::Name, "mar", vec![1, 3]),
        (Field::Name, "DEL", vec![1]),
        (Field::Name, "maria del", vec![1]),
        (Field::Name, "ines", vec![1]),
        (Field::Name, "mia", vec![1]),
        (Field::Name, "elgado", vec![]),
        (Field::Family, "o'con", vec![2]),
        (Field::Family, "mar", vec![]),
        (Field::Family, "ruiz", vec![1]),
        (Field::Family, "de%", vec![3]),
        (Field::Family, "d_l", vec![]),
        (Field::Given, "linh", vec![4]),
        (Field::Given, "delgado", vec![]),
        (Field::Name, "' OR 1=1 --", vec![]),
    ] {
        let query = text(field, asked);
        assert_eq!(
            pids(&practice, &everybodys(), &query).await,
            found,
            "{asked}"
        );
    }
    let both = by(Filter::Text(
        Field::Name,
        vec!["sean".into(), "linh".into()],
    ));
    assert_eq!(pids(&practice, &everybodys(), &both).await, [2, 4]);
}

#[tokio::test]
async fn birth_dates_are_compared_as_days_and_absent_ones_never() {
    let practice = Fixture::with(CHARTS).await;
    let start = datetime!(1985-04-12 00:00 -5);
    let end = datetime!(1985-04-13 00:00 -5);
    for (prefix, found) in [
        (Prefix::Eq, vec![1]),
        (Prefix::Ne, vec![2, 4]),
        (Prefix::Lt, vec![2]),
        (Prefix::Le, vec![1, 2]),
        (Prefix::Gt, vec![4]),
        (Prefix::Ge, vec![1, 4]),
        (Prefix::Sa, vec![4]),
        (Prefix::Eb, vec![2]),
    ] {
        let range = DateRange { prefix, start, end };
        let query = by(Filter::Date(Field::BirthDate, vec![range]));
        assert_eq!(
            pids(&practice, &everybodys(), &query).await,
            found,
            "{prefix:?}"
        );
    }
}

#[tokio::test]
async fn genders_and_numbers_are_told_apart_exactly() {
    let practice = Fixture::with(CHARTS).await;
    let urn = |number: u128| format!("{URI}|{}", Uuid::from_u128(number).urn());
    for (field, asked, found) in [
        (Field::Gender, "female", vec![1]),
        (Field::Gender, "other", vec![4]),
        (Field::Gender, "unknown", vec![3, 5]),
        (
            Field::Gender,
            "http://hl7.org/fhir/administrative-gender|male",
            vec![2],
        ),
        (
            Field::Gender,
            "http://hl7.org/fhir/administrative-gender|",
            vec![1, 2, 3, 4, 5],
        ),
        (Field::Gender, "http://else|male", vec![]),
        (Field::Identifier, "A-1", vec![1]),
        (Field::Identifier, "a-1", vec![2]),
        (Field::Identifier, "chart-number|A-1", vec![1]),
        (Field::Identifier, "portal-account|A-1", vec![]),
        (Field::Identifier, "portal-account|Maria10", vec![1]),
        (Field::Identifier, "http://else|A-1", vec![]),
        (Field::Identifier, "DX4", vec![]),
        (Field::Identifier, &urn(5), vec![5]),
        (Field::Identifier, &urn(3), vec![3]),
        (Field::Identifier, &urn(1), vec![]),
    ] {
        let query = token(field, asked);
        assert_eq!(
            pids(&practice, &everybodys(), &query).await,
            found,
            "{asked}"
        );
    }
}

#[tokio::test]
async fn pages_follow_each_other_and_charts_without_id_get_one() {
    let practice = Fixture::with(CHARTS).await;
    let lost = "UPDATE patient_data SET uuid = NULL WHERE pid = 2";
    practice.emr.db.run(Sql::new(lost)).await.expect("lost");
    let mut seen = Vec::new();
    let mut query = Query {
        count: 2,
        ..Query::default()
    };
    loop {
        seen.extend(pids(&practice, &everybodys(), &query).await);
        let page = find(&practice.emr, &everybodys(), &query).await;
        query.after = page.expect("a page").next;
        if query.after.is_none() {
            break;
        }
    }
    assert_eq!(seen, [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn within_one_chart_the_same_parameters_find_that_one_or_nobody() {
    let practice = Fixture::with(CHARTS).await;
    let mine = fixture::reach(
        1,
        "patient/*.rs",
        ResourceType::Patient,
        Interaction::Search,
    );
    let own = pids(&practice, &mine, &text(Field::Name, "mar")).await;
    assert_eq!(own, [1]);
    let others = pids(&practice, &mine, &text(Field::Name, "sean")).await;
    assert!(others.is_empty());
    let others = pids(&practice, &mine, &token(Field::Identifier, "a-1")).await;
    assert!(others.is_empty());
}
