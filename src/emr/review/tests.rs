//! A patient's wish waits where OpenEMR's own portal puts it, is merged into what waits, and is taken over once.

use super::*;
use crate::config::Choice;
use crate::config::Reviews;
use crate::domain::ResourceType;
use crate::domain::access::LaunchContext;
use crate::domain::access::User;
use crate::domain::people::Patient;
use crate::domain::query::Query;
use crate::domain::records::Record;
use crate::domain::refusal::Failure;
use crate::domain::scope::Interaction;
use crate::domain::tasks::Task;
use crate::emr::fixture::Fixture;
use crate::emr::fixture::granted;
use crate::emr::fixture::reach;
use crate::emr::writing;
use crate::emr::writing::Rules;
use crate::portal;
use crate::portal::Ask;
use crate::portal::chart::ChartAsk;
use crate::portal::chart::Edit;
use crate::portal::work::Decide;
use crate::portal::work::WorkAsk;
use time::Duration;
use uuid::Uuid;

const CHART: &str = "
INSERT INTO globals (gl_name, gl_index, gl_value) VALUES ('portal_onsite_two_enable', 0, '1');
INSERT INTO patient_data (id, pid, uuid, fname, lname, DOB, sex, street, city, phone_home, race)
  VALUES (1, 1, x'00000000000000000000000000000001', 'Zoë', 'O&#039;Neil', '1984-02-29', 'Female', '1 Elm', 'Troy', '555-1', 'white');
";

/// What a row of the queue and the chart say.
#[derive(sqlx::FromRow)]
struct Seen {
    waiting: i64,
    closed: i64,
    args: Option<String>,
    street: String,
    city: String,
    lname: String,
    former: i64,
}

const SEEN: &str = "SELECT (SELECT COUNT(*) FROM onsite_portal_activity WHERE status = 'waiting') AS waiting, \
    (SELECT COUNT(*) FROM onsite_portal_activity WHERE status = 'closed' AND action_taken = 'accept' \
     AND pending_action = 'completed') AS closed, \
    (SELECT table_args FROM onsite_portal_activity ORDER BY id DESC LIMIT 1) AS args, \
    street, city, lname, (SELECT COUNT(*) FROM patient_history WHERE history_type_key = 'name_history') AS former \
    FROM patient_data WHERE pid = 1";

async fn seen(practice: &Fixture) -> Seen {
    let row: Option<Seen> = practice.emr.db.one(Sql::new(SEEN)).await.expect("reads");
    row.expect("the chart")
}

fn person() -> Person {
    Person {
        pid: 1,
        uuid: Uuid::from_u128(1),
    }
}

async fn chart(practice: &Fixture) -> Patient {
    let reach = reach(1, "patient/*.rs", ResourceType::Patient, Interaction::Read);
    match crate::emr::read(&practice.emr, &reach, person().uuid)
        .await
        .expect("the chart")
    {
        Record::Patient(patient) => *patient,
        other => panic!("{other:?}"),
    }
}

async fn tasks(practice: &Fixture) -> Vec<Task> {
    let reach = reach(1, "patient/*.rs", ResourceType::Task, Interaction::Search);
    let query = Query {
        count: 10,
        ..Query::default()
    };
    let page = crate::emr::find(&practice.emr, &reach, &query)
        .await
        .expect("tasks");
    let task = |record| match record {
        Record::Task(task) => *task,
        other => panic!("{other:?}"),
    };
    page.records.into_iter().map(task).collect()
}

/// Asks, decides and writes under a user, where what patients change waits for staff.
async fn done(practice: &Fixture, user: User, ask: Ask) -> Result<Written, Failure> {
    done_where(practice, user, (ask, Choice::Review)).await
}

/// The same where a practice chose what becomes of a changed profile.
async fn done_where(
    practice: &Fixture,
    user: User,
    (ask, profile): (Ask, Choice),
) -> Result<Written, Failure> {
    let context = LaunchContext {
        patient: Some(person()),
        encounter: None,
    };
    let grant = granted(user, context, "patient/*.cruds");
    let reach = reach(
        1,
        "patient/*.cruds",
        ResourceType::Patient,
        Interaction::Update,
    );
    let rules = Rules {
        cancel_notice: Duration::ZERO,
        auto_enable: false,
        forms: crate::portal::form::Policy::Review,
        reviews: Reviews {
            profile,
            ..Reviews::default()
        },
    };
    let case = writing::case(&practice.emr, &grant, &reach, (ask, rules)).await?;
    let permit = portal::decide(case).permit()?;
    practice
        .emr
        .db
        .transaction_about(&(&practice.emr, &permit), |(emr, permit), tx| {
            Box::pin(async move { writing::apply(emr, tx, permit).await })
        })
        .await
}

fn edit(before: Patient, parts: &[(Part, &str)]) -> Ask {
    let parts = parts.iter().map(|(part, text)| (*part, (*text).to_owned()));
    Ask::Chart(ChartAsk::Edit(Box::new(Edit {
        before,
        parts: parts.collect(),
        former_names: false,
        former_homes: false,
    })))
}

fn accept(task: &Task) -> Ask {
    decision(task, Decide::Accept)
}

fn decision(task: &Task, decide: Decide) -> Ask {
    Ask::Work(Box::new(WorkAsk {
        task: task.clone(),
        decide,
        reason: match decide {
            Decide::Reject => "No proof".to_owned(),
            Decide::Accept | Decide::Withdraw => String::new(),
        },
        refused: Vec::new(),
        category: String::new(),
    }))
}

#[tokio::test]
async fn two_wishes_are_one_waiting_row_and_the_chart_stays() {
    let practice = Fixture::with(CHART).await;
    let wish = edit(chart(&practice).await, &[(Part::Street, "2 Oäk\nApt 3")]);
    let first = done(&practice, User::Patient(person()), wish)
        .await
        .expect("waits");
    let wish = edit(chart(&practice).await, &[(Part::City, "Albany")]);
    let second = done(&practice, User::Patient(person()), wish)
        .await
        .expect("waits");
    assert_eq!(first, second);
    let now = seen(&practice).await;
    assert_eq!((now.waiting, now.street.as_str()), (1, "1 Elm"));
    let fields = php::read(&now.args.expect("fields")).expect("PHP reads it");
    let field = |name: &str| php::get(&fields, name).and_then(php::Value::text);
    assert_eq!(field("street").as_deref(), Some("2 Oäk"));
    assert_eq!(field("street_line_2").as_deref(), Some("Apt 3"));
    assert_eq!(field("city").as_deref(), Some("Albany"));
    assert_eq!(field("phone_home").as_deref(), Some("555-1"));
    assert_eq!(field("note").as_deref(), Some(""));
    let waiting = tasks(&practice).await;
    assert_eq!(waiting.len(), 1);
    let asked: Vec<&str> = waiting[0]
        .asked
        .iter()
        .map(|one| one.after.as_str())
        .collect();
    assert_eq!(asked, ["2 Oäk\nApt 3", "Albany"]);
    assert_eq!(Written::Review(waiting[0].uuid), first);
}

#[tokio::test]
async fn a_wish_is_taken_over_once_and_only_what_was_asked() {
    let practice = Fixture::with(CHART).await;
    let wish = edit(
        chart(&practice).await,
        &[(Part::Family, "Müller"), (Part::City, "Albany")],
    );
    done(&practice, User::Patient(person()), wish)
        .await
        .expect("waits");
    // Staff changed the street meanwhile: it must not go back.
    let staff = Sql::new("UPDATE patient_data SET street = '9 Ash' WHERE pid = 1");
    practice.emr.db.run(staff).await.expect("changes");
    let task = tasks(&practice).await.remove(0);
    done(&practice, User::System, accept(&task))
        .await
        .expect("is taken over");
    let now = seen(&practice).await;
    assert_eq!((now.waiting, now.closed, now.former), (0, 1, 1));
    assert_eq!(
        (now.street.as_str(), now.city.as_str(), now.lname.as_str()),
        ("9 Ash", "Albany", "Müller")
    );
    let again = done(&practice, User::System, accept(&task)).await;
    assert!(
        matches!(again, Err(Failure::Refused(Refusal::Conflict(_)))),
        "{again:?}"
    );
    let after = tasks(&practice).await.remove(0);
    assert_eq!(after.progress, crate::domain::tasks::Progress::Completed);
    assert_eq!(after.asked.len(), 2);
}

#[tokio::test]
async fn f148_what_staff_changed_meanwhile_is_asked_for_again() {
    let practice = Fixture::with(CHART).await;
    let patient = || User::Patient(person());
    let city = edit(chart(&practice).await, &[(Part::City, "Albany")]);
    done(&practice, patient(), city).await.expect("waits");
    let staff = Sql::new("UPDATE patient_data SET street = '9 Ash' WHERE pid = 1");
    practice.emr.db.run(staff).await.expect("changes");
    let street = edit(chart(&practice).await, &[(Part::Street, "1 Elm")]);
    done(&practice, patient(), street).await.expect("waits");
    let task = tasks(&practice).await.remove(0);
    let asked = |task: &Task| -> Vec<(String, String)> {
        let all = task.asked.iter();
        all.map(|one| (one.before.clone(), one.after.clone()))
            .collect()
    };
    let pair = |before: &str, after: &str| (before.to_owned(), after.to_owned());
    let both = [pair("9 Ash", "1 Elm"), pair("Troy", "Albany")];
    assert_eq!(asked(&task), both);
    done(&practice, User::System, accept(&task))
        .await
        .expect("is taken over");
    let now = seen(&practice).await;
    assert_eq!(
        (now.street.as_str(), now.city.as_str()),
        ("1 Elm", "Albany")
    );
    assert_eq!(asked(&tasks(&practice).await.remove(0)), both);
}

#[tokio::test]
async fn what_changed_since_it_was_read_is_a_conflict() {
    let practice = Fixture::with(CHART).await;
    let before = chart(&practice).await;
    let staff = Sql::new("UPDATE patient_data SET city = 'Utica' WHERE pid = 1");
    practice.emr.db.run(staff).await.expect("changes");
    let late = done(
        &practice,
        User::System,
        edit(before.clone(), &[(Part::City, "Albany")]),
    )
    .await;
    assert!(matches!(late, Err(Failure::Refused(Refusal::Conflict(_)))));
    let other = done(
        &practice,
        User::System,
        edit(before, &[(Part::HomePhone, "555-2")]),
    )
    .await;
    assert_eq!(other.expect("another part"), Written::Record(person().uuid));
}

#[tokio::test]
async fn a_row_closed_in_openemr_shows_as_completed_and_foreign_fields_are_left_to_it() {
    let practice = Fixture::with(CHART).await;
    let args = php::array(&[("city", "Albany"), ("religion", "none"), ("note", "Hi")]);
    let row = Sql::new(
        "INSERT INTO onsite_portal_activity (id, date, patient_id, activity, require_audit, pending_action, action_taken, \
         status, narrative, table_action, table_args, action_user, checksum) \
         VALUES (5, '2026-11-20 08:00:00', 1, 'profile', 1, 'review', '', 'waiting', 'x', '', ?, 0, '0')",
    );
    practice.emr.db.run(row.bind(args)).await.expect("a row");
    let task = tasks(&practice).await.remove(0);
    assert_eq!(task.note, "Hi");
    assert_eq!(task.asked[0].after, "Albany");
    let refused = done(&practice, User::System, accept(&task)).await;
    assert!(
        matches!(refused, Err(Failure::Refused(Refusal::Rules(reasons))) if reasons[0].id == "review.fields")
    );
    let closed = Sql::new(
        "UPDATE onsite_portal_activity SET status = 'closed', pending_action = 'completed', action_taken = 'accept' WHERE id = 5",
    );
    practice.emr.db.run(closed).await.expect("closes");
    let task = tasks(&practice).await.remove(0);
    assert_eq!(task.progress, crate::domain::tasks::Progress::Completed);
}

#[tokio::test]
async fn f148_a_part_is_taken_over_and_the_rest_is_not() {
    let practice = Fixture::with(CHART).await;
    let wish = [
        (Part::Family, "Müller"),
        (Part::City, "Albany"),
        (Part::Street, "2 Oak"),
    ];
    let wish = edit(chart(&practice).await, &wish);
    done(&practice, User::Patient(person()), wish)
        .await
        .expect("waits");
    let task = tasks(&practice).await.remove(0);
    let Ask::Work(mut ask) = accept(&task) else {
        panic!("another ask")
    };
    ask.refused = vec![(Part::Family.element().to_owned(), "Bring proof".to_owned())];
    done(&practice, User::System, Ask::Work(ask.clone()))
        .await
        .expect("is taken over");
    let now = seen(&practice).await;
    assert_eq!((now.waiting, now.closed, now.former), (0, 1, 0));
    assert_eq!(
        (now.street.as_str(), now.city.as_str(), now.lname.as_str()),
        ("2 Oak", "Albany", "O&#039;Neil")
    );
    let told = tasks(&practice).await.remove(0);
    assert_eq!(told.progress, crate::domain::tasks::Progress::Completed);
    assert_eq!(told.refused, ask.refused);
    assert_eq!(told.asked.len(), 3);
}

#[tokio::test]
async fn f148_nobody_decides_about_a_wish_that_was_not_seen() {
    let decisions = [
        (User::System, Decide::Accept),
        (User::System, Decide::Reject),
        (User::Patient(person()), Decide::Withdraw),
    ];
    for (user, decide) in decisions {
        let practice = Fixture::with(CHART).await;
        let patient = || User::Patient(person());
        let first = edit(chart(&practice).await, &[(Part::Street, "2 Oak")]);
        done(&practice, patient(), first).await.expect("waits");
        let seen_first = tasks(&practice).await.remove(0);
        let second = edit(chart(&practice).await, &[(Part::City, "Albany")]);
        done(&practice, patient(), second).await.expect("waits");
        let late = done(&practice, user.clone(), decision(&seen_first, decide)).await;
        assert!(
            matches!(late, Err(Failure::Refused(Refusal::Conflict(_)))),
            "{decide:?} {late:?}"
        );
        let now = seen(&practice).await;
        assert_eq!((now.waiting, now.street.as_str()), (1, "1 Elm"));
        let whole = tasks(&practice).await.remove(0);
        assert!(whole.progress.waits());
        done(&practice, user, decision(&whole, decide))
            .await
            .expect("is decided");
        assert_eq!(seen(&practice).await.waiting, 0);
    }
}

#[tokio::test]
async fn f148_a_wish_is_not_added_to_what_a_deleted_chart_asked_for() {
    let practice = Fixture::with(CHART).await;
    let patient = || User::Patient(person());
    let street = edit(chart(&practice).await, &[(Part::Street, "2 Oak")]);
    done(&practice, patient(), street).await.expect("waits");
    // The chart was deleted, and the next patient got its number.
    let given =
        Sql::new("UPDATE anteroom_review SET patient = x'00000000000000000000000000000077'");
    practice.emr.db.run(given).await.expect("changes");
    assert_eq!(tasks(&practice).await, []);
    let city = edit(chart(&practice).await, &[(Part::City, "Albany")]);
    done(&practice, patient(), city).await.expect("waits");
    assert_eq!(seen(&practice).await.waiting, 2, "a row of its own");
    let task = tasks(&practice).await.remove(0);
    let asked: Vec<&str> = task.asked.iter().map(|one| one.after.as_str()).collect();
    assert_eq!(asked, ["Albany"]);
    let system = User::System;
    done(&practice, system, accept(&task))
        .await
        .expect("is taken over");
    let now = seen(&practice).await;
    assert_eq!(
        (now.street.as_str(), now.city.as_str()),
        ("1 Elm", "Albany")
    );
}

#[tokio::test]
async fn f148_what_is_taken_over_at_once_is_not_asked_for_by_what_waits() {
    let practice = Fixture::with(CHART).await;
    let patient = || User::Patient(person());
    let street = edit(chart(&practice).await, &[(Part::Street, "2 Oak")]);
    done(&practice, patient(), street).await.expect("waits");
    let city = edit(chart(&practice).await, &[(Part::City, "Albany")]);
    done_where(&practice, patient(), (city, Choice::Automatic))
        .await
        .expect("is taken over");
    assert_eq!(seen(&practice).await.city, "Albany");
    // What staff write later is not put back by what waits.
    let staff = Sql::new("UPDATE patient_data SET city = 'Utica' WHERE pid = 1");
    practice.emr.db.run(staff).await.expect("changes");
    let task = tasks(&practice).await.remove(0);
    let asked: Vec<&str> = task.asked.iter().map(|one| one.after.as_str()).collect();
    assert_eq!(asked, ["2 Oak"]);
}

#[tokio::test]
async fn f148_what_staff_corrected_in_openemr_was_not_refused() {
    let practice = Fixture::with(CHART).await;
    let wish = [(Part::City, "Albany"), (Part::Street, "2 Oak")];
    let wish = edit(chart(&practice).await, &wish);
    done(&practice, User::Patient(person()), wish)
        .await
        .expect("waits");
    let corrected = Sql::new("UPDATE patient_data SET city = 'Albany, NY' WHERE pid = 1");
    practice.emr.db.run(corrected).await.expect("changes");
    let closed = Sql::new(
        "UPDATE onsite_portal_activity SET status = 'closed', pending_action = 'completed', action_taken = 'accept'",
    );
    practice.emr.db.run(closed).await.expect("closes");
    let settled = crate::emr::tasks::settle(&practice.emr).await;
    assert_eq!(settled.expect("a look"), 1);
    let task = tasks(&practice).await.remove(0);
    assert_eq!(task.progress, crate::domain::tasks::Progress::Completed);
    let street = Part::Street.element().to_owned();
    assert_eq!(task.refused, [(street, String::new())]);
}
