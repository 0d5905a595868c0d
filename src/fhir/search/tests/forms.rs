//! Forms of parameters: modifiers, chains, orders, includes, and what the answer is to look like.

use super::*;
use crate::domain::query::Prefix;
use crate::fhir::matching::Direction;

#[test]
fn modifiers_nobody_knows_are_always_refused() {
    for name in [
        "patient:above",
        "status:exact",
        "status:in",
        "date:exact",
        "date:contains",
        "_id:exact",
        "_count:missing",
        "_sort:iterate",
        "_include:missing",
        "foo:bar",
        "foo.bar",
        "patient.colour",
        "date.name",
        "status.name",
        "actor:Group.name",
        "_has:Observation:patient:code",
        "_has:Appointment:patient",
        "_has:Appointment:patient:",
        "_has:Appointment:date:status",
    ] {
        let found = visits(&[(name, ME)]);
        assert!(
            matches!(&found, Err(Refusal::Invalid { location, .. }) if location == name),
            "{name}: {found:?}"
        );
    }
    let missing = visits(&[("date:missing", "yes")]);
    assert!(
        matches!(missing, Err(Refusal::Invalid { location, .. }) if location == "date:missing")
    );
}

#[test]
fn modifiers_are_compared_here() {
    let test = |name: &str, value: &str| {
        let mut found = visits(&[(name, value)]).expect(name);
        assert!(found.query.filters.is_empty(), "{name}");
        found.criteria.pop().map(|criterion| criterion.test)
    };
    let code = |code: &str| Token {
        system: None,
        code: code.to_owned(),
    };
    assert_eq!(test("date:missing", "true"), Some(Test::Missing));
    assert_eq!(test("patient:missing", "false"), Some(Test::Present));
    let both = vec![code("booked"), code("pending")];
    assert_eq!(
        test("status:not", "booked,pending"),
        Some(Test::NoToken(both))
    );
    let words = vec!["office".to_owned()];
    assert_eq!(
        test("appointment-type:text", " office "),
        Some(Test::Words(words))
    );
    let people = |name: &str, value: &str| {
        let found = search(ResourceType::Patient, &[(name, value)], Handling::Strict);
        found
            .expect(name)
            .criteria
            .pop()
            .map(|criterion| criterion.test)
    };
    let texts = |text: &str| vec![text.to_owned()];
    assert_eq!(
        people("family:exact", "Del"),
        Some(Test::Exact(texts("Del")))
    );
    assert_eq!(
        people("name:contains", r"a\,b"),
        Some(Test::Contains(texts("a,b")))
    );
}

#[test]
fn about_a_date_is_asked_of_the_emr() {
    let found = visits(&[("date", "ap2026-12-01")]).expect("understood");
    let [Filter::Date(Field::Date, ranges)] = found.query.filters.as_slice() else {
        panic!("{:?}", found.query.filters);
    };
    assert_eq!(ranges[0].prefix, Prefix::Eq);
    assert!(ranges[0].start < datetime!(2026-12-01 00:00 UTC));
}

#[test]
fn chains_and_has_become_searches_of_their_own() {
    let found = visits(&[
        ("practitioner:Practitioner.name", "Okafor"),
        ("patient.name", "Maria"),
        ("patient:identifier", "x|1"),
    ]);
    let found = found.expect("understood");
    let links: Vec<(&str, &str, Vec<ResourceType>)> = found
        .linked
        .iter()
        .map(|linked| match &linked.link {
            Link::Forward(parameter, kinds) => {
                (parameter.name, linked.pair.0.as_str(), kinds.clone())
            }
            Link::Reverse(..) => panic!("{linked:?}"),
        })
        .collect();
    assert_eq!(
        links,
        [
            ("practitioner", "name", vec![ResourceType::Practitioner]),
            ("patient", "name", vec![ResourceType::Patient]),
            ("patient", "identifier", vec![ResourceType::Patient]),
        ]
    );
    let pair = [("_has:Appointment:patient:status:not", "booked")];
    let found = search(ResourceType::Patient, &pair, Handling::Strict).expect("understood");
    let Link::Reverse(kind, parameter) = &found.linked[0].link else {
        panic!("{:?}", found.linked);
    };
    assert_eq!(
        (*kind, parameter.name),
        (ResourceType::Appointment, "patient")
    );
    assert_eq!(found.linked[0].pair.0, "status:not");
    let many = [("patient.name", "x"); 6];
    assert!(matches!(visits(&many), Err(Refusal::TooLarge(_))));
}

#[test]
fn case_133_only_parameters_of_the_type_are_sorted_by() {
    let sorted = |value: &str| visits(&[("_sort", value)]);
    let found = sorted("-status,_id,date").expect("understood");
    let steps: Vec<(&str, Direction)> = found
        .sort
        .iter()
        .map(|step| (step.parameter.name, step.direction))
        .collect();
    assert_eq!(
        steps,
        [
            ("status", Direction::Down),
            ("_id", Direction::Up),
            ("date", Direction::Up)
        ]
    );
    assert!(!found.is_pushed_down(ResourceType::Appointment));
    for value in [
        "",
        "-",
        "patient.name",
        "id;select",
        "status desc",
        "a'b",
        "status,,date",
    ] {
        let refused = sorted(value);
        assert!(
            matches!(&refused, Err(Refusal::Invalid { location, .. }) if location == "_sort"),
            "{value}"
        );
    }
    assert_eq!(sorted("colour").expect("lenient").ignored, ["_sort=colour"]);
    let strict = search(
        ResourceType::Appointment,
        &[("_sort", "colour")],
        Handling::Strict,
    );
    assert!(matches!(strict, Err(Refusal::Invalid { location, .. }) if location == "_sort"));
    assert!(matches!(
        sorted("date,date,date,date,date,date"),
        Err(Refusal::TooLarge(_))
    ));
}

#[test]
fn includes_name_a_type_and_a_parameter_that_refers() {
    let included = |name: &str, value: &str| {
        let found = search(
            ResourceType::Appointment,
            &[(name, value)],
            Handling::Strict,
        )?;
        let all = found.includes.iter().chain(&found.revincludes);
        Ok::<Vec<String>, Refusal>(
            all.map(|one| {
                format!(
                    "{}:{} {}",
                    one.source.name(),
                    one.parameter.name,
                    one.iterate
                )
            })
            .collect(),
        )
    };
    assert_eq!(
        included("_include", "Appointment:patient"),
        Ok(vec!["Appointment:patient false".to_owned()])
    );
    assert_eq!(
        included("_include:iterate", "DocumentReference:patient:Patient"),
        Ok(vec!["DocumentReference:patient true".to_owned()])
    );
    let all = included("_include", "*").expect("all of them");
    assert!(
        all.len() > 2 && all.contains(&"Appointment:actor false".to_owned()),
        "{all:?}"
    );
    for (name, value) in [
        ("_include", "Observation:focus"),
        ("_include", "Appointment:date"),
        ("_include", "Appointment:patient:Group"),
        ("_include", "Appointment"),
        ("_include", ""),
        ("_revinclude", "*"),
        ("_revinclude", "Appointment:*"),
        ("_revinclude", "Communication:patient"),
        ("_revinclude", "Binary:x"),
    ] {
        let refused = included(name, value);
        assert!(
            matches!(&refused, Err(Refusal::Invalid { location, .. }) if location == name),
            "{name}={value}: {refused:?}"
        );
        let lenient = visits(&[(name, value)]).expect("left out");
        assert_eq!(lenient.ignored.len(), 1, "{name}={value}");
    }
}

#[test]
fn what_the_answer_is_to_look_like_is_read() {
    let found = visits(&[("_summary", "count")]).expect("understood");
    assert!(found.counted_only);
    assert!(visits(&[("_count", "0")]).is_ok_and(|found| found.counted_only));
    assert_eq!(
        visits(&[("_summary", "true")]).map(|found| found.subset),
        Ok(Subset::Summary)
    );
    let elements = Ok(Subset::Elements(vec!["start".to_owned()]));
    for pairs in [
        [("_elements", "start"), ("_summary", "false")],
        [("_summary", "true"), ("_elements", "start")],
    ] {
        assert_eq!(visits(&pairs).map(|found| found.subset), elements);
    }
    for (value, total) in [
        ("none", Total::Unwanted),
        ("estimate", Total::Wanted),
        ("accurate", Total::Wanted),
    ] {
        assert_eq!(
            visits(&[("_total", value)]).map(|found| found.total),
            Ok(total)
        );
    }
    assert!(visits(&[("_contained", "false")]).is_ok());
    for (name, value) in [
        ("_total", "exact"),
        ("_summary", "yes"),
        ("_elements", ""),
        ("_contained", "true"),
    ] {
        assert_eq!(invalid(name, value).as_deref(), Some(name), "{value}");
    }
}
