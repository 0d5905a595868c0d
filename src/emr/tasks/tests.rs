//! Tasks of three places are one list, the newest first, and each patient's own.

use super::*;
use crate::domain::ResourceType;
use crate::domain::scope::Interaction;
use crate::domain::tasks::Owner;
use crate::domain::tasks::Progress;
use crate::domain::tasks::Work;
use crate::emr::fixture::Fixture;
use crate::emr::fixture::reach;
use crate::emr::fixture::wide;

const WORK: &str = "
INSERT INTO patient_data (id, pid, uuid, fname, lname) VALUES
    (1, 1, x'00000000000000000000000000000001', 'Ana', 'Kim'),
    (2, 2, x'00000000000000000000000000000002', 'Ben', 'Lee');
INSERT INTO users (id, username, fname, lname, authorized) VALUES (4, 'clerk', 'Cleo', 'Fox', 0);
INSERT INTO onsite_portal_activity (id, date, patient_id, activity, pending_action, action_taken, status, narrative, table_args, action_user, action_taken_time)
  VALUES (1, '2026-11-20 08:00:00', 1, 'document', 'review', '', 'waiting', 'Consent', '7', 0, NULL),
    (2, '2026-11-20 08:00:00', 1, 'payment', 'completed', 'accept', 'closed', 'Paid', '', 4, '2026-11-20 09:00:00'),
    (3, '2026-11-18 08:00:00', 2, 'profile', 'none', '', 'deleted', 'Gone', '', 0, NULL),
    (4, '2026-11-18 08:00:00', 1, 'unheard-of', 'none', '', 'waiting', '', '', 0, NULL);
INSERT INTO onsite_documents (id, pid, create_date, doc_type, patient_signed_status, accept_signed_status, authorizing_signator, denial_reason, file_name, file_path)
  VALUES (7, 1, '2026-11-20 08:00:00', 'Consent', 0, 0, '', 'In Review', '', ''),
    (8, 1, '2026-11-19 08:00:00', 'History', 0, 0, '', 'New', '', '');
INSERT INTO anteroom_review (id, kind, pid, patient, resource, asked, known, status, reason, client_id, created)
  VALUES (x'00000000000000000000000000000099', 'review-coverage', 1, x'00000000000000000000000000000001', 'Coverage/00000000-0000-0000-0000-000000000005',
    '{\"rank\":\"primary\",\"relationship\":\"self\",\"number\":\"X1\",\"insurer\":3}', 'null', 'rejected', 'No proof', 'app', 1763643600000);
";

fn task(record: Record) -> Task {
    match record {
        Record::Task(task) => *task,
        other => panic!("{other:?}"),
    }
}

async fn paged(practice: &Fixture, reach: &Reach, count: u32) -> Vec<Task> {
    let mut query = Query {
        count,
        ..Query::default()
    };
    let mut all = Vec::new();
    loop {
        let page = find(&practice.emr, reach, &query).await.expect("a page");
        assert!(page.records.len() <= 10);
        all.extend(page.records.into_iter().map(task));
        query.after = page.next;
        if query.after.is_none() {
            return all;
        }
    }
}

#[tokio::test]
async fn pages_of_any_size_hold_the_same_tasks_in_the_same_order() {
    let practice = Fixture::with(WORK).await;
    let own = reach(1, "patient/*.rs", ResourceType::Task, Interaction::Search);
    let whole = paged(&practice, &own, 10).await;
    let words: Vec<&str> = whole.iter().map(|one| one.description.as_str()).collect();
    assert_eq!(
        words,
        ["Consent", "Paid", "Consent", "History", "A new insurance."]
    );
    for count in 1..5 {
        assert_eq!(paged(&practice, &own, count).await, whole, "{count}");
    }
    let all = wide("system/*.rs", ResourceType::Task, Interaction::Search);
    assert_eq!(paged(&practice, &all, 2).await.len(), 6);
}

#[tokio::test]
async fn states_owners_and_reasons_are_told() {
    let practice = Fixture::with(WORK).await;
    let own = reach(1, "patient/*.rs", ResourceType::Task, Interaction::Search);
    let all = paged(&practice, &own, 10).await;
    let facts: Vec<(Work, Progress)> = all.iter().map(|one| (one.work, one.progress)).collect();
    let expected = [
        (Work::Form, Progress::Requested),
        (Work::Payment, Progress::Completed),
        (Work::Form, Progress::Completed),
        (Work::Form, Progress::Requested),
        (Work::Coverage, Progress::Rejected),
    ];
    assert_eq!(facts, expected);
    assert_eq!(all[1].owner, Owner::Staff(None, "Cleo Fox".to_owned()));
    assert_eq!(all[3].owner, Owner::Patient);
    assert_eq!(all[4].reason, "No proof");
    assert_eq!(all[4].asked.len(), 3);
}

/// What somebody asked for whose chart was deleted, and whose number the first patient was given.
const ANOTHERS: &str = "
INSERT INTO onsite_portal_activity (id, date, patient_id, activity, require_audit, pending_action, action_taken, status, narrative, table_args, action_user, action_taken_time)
  VALUES (9, '2026-11-20 10:00:00', 1, 'profile', 1, 'review', '', 'waiting', 'Changed', 'a:1:{s:4:\"city\";s:4:\"Troy\";}', 0, NULL);
INSERT INTO anteroom_review (id, kind, pid, patient, resource, asked, known, status, reason, client_id, created, activity)
  VALUES (x'00000000000000000000000000000097', 'review-profile', 1, x'00000000000000000000000000000077', 'Patient/00000000-0000-0000-0000-000000000077',
    '{}', '{}', 'waiting', '', 'app', 1763643600000, 9),
  (x'00000000000000000000000000000098', 'review-coverage', 1, x'00000000000000000000000000000077', 'Coverage/00000000-0000-0000-0000-000000000006',
    '{\"rank\":\"primary\",\"relationship\":\"self\",\"number\":\"X2\",\"insurer\":3}', 'null', 'waiting', '', 'app', 1763643600000, NULL);
";

#[tokio::test]
async fn f148_what_waits_of_a_deleted_chart_is_not_told_of_who_has_its_number() {
    let practice = Fixture::with(&format!("{WORK}{ANOTHERS}")).await;
    let all = wide("system/*.rs", ResourceType::Task, Interaction::Search);
    let own = reach(1, "patient/*.rs", ResourceType::Task, Interaction::Search);
    for (who, tasks) in [(&all, 6), (&own, 5)] {
        assert_eq!(paged(&practice, who, 10).await.len(), tasks);
        let counted = counts(&practice.emr, who).await.expect("counts");
        let of = |work| counted.of(work);
        assert_eq!((of(Work::Profile), of(Work::Coverage)), (0, 0));
        assert_eq!(of(Work::Form), 1);
        let waits = queue(&practice.emr, who, None).await.expect("a queue");
        assert_eq!(waits.len(), 1, "the form");
    }
}

/// Rows that OpenEMR left as they were while it opened the form again, locked it, put it in a state of its own, gave it to
/// another chart, or deleted it.
const LEFT: &str = "
INSERT INTO onsite_documents (id, pid, create_date, doc_type, patient_signed_status, accept_signed_status, authorizing_signator, denial_reason, file_name, file_path)
  VALUES (20, 1, '2026-11-10 08:00:00', 'Form', 0, 0, '', 'Editing', '', ''),
    (21, 1, '2026-11-10 08:00:00', 'Form', 0, 0, '', 'Locked', '', ''),
    (22, 1, '2026-11-10 08:00:00', 'Form', 0, 0, '', '', '', ''),
    (23, 2, '2026-11-10 08:00:00', 'Form', 0, 0, '', 'Editing', '', '');
INSERT INTO onsite_portal_activity (id, date, patient_id, activity, pending_action, action_taken, status, narrative, table_args, action_user, action_taken_time)
  VALUES (20, '2026-11-11 08:00:00', 1, 'document', 'review', '', 'waiting', 'Again', '20', 0, NULL),
    (21, '2026-11-11 08:00:00', 1, 'document', 'review', '', 'waiting', 'Done', '21', 0, NULL),
    (22, '2026-11-11 08:00:00', 1, 'document', 'review', '', 'waiting', 'Pending', '22', 0, NULL),
    (23, '2026-11-11 08:00:00', 1, 'document', 'review', '', 'waiting', 'Moved', '23', 0, NULL),
    (24, '2026-11-11 08:00:00', 1, 'document', 'review', '', 'waiting', 'Deleted', '99', 0, NULL);
";

#[tokio::test]
async fn f157_a_row_whose_form_does_not_wait_is_not_the_desks() {
    let practice = Fixture::with(&format!("{WORK}{LEFT}")).await;
    let all = wide("system/*.rs", ResourceType::Task, Interaction::Search);
    let tasks = paged(&practice, &all, 10).await;
    for (word, progress, by_patient) in [
        ("Again", Progress::InProgress, false),
        ("Done", Progress::Completed, true),
        ("Pending", Progress::InProgress, false),
        ("Moved", Progress::Requested, true),
        ("Deleted", Progress::Requested, true),
    ] {
        let mut found = tasks.iter().filter(|task| task.description == word);
        let task = found.next().expect(word);
        let turn = task.owner == Owner::Patient;
        assert_eq!(
            (task.progress, task.by_patient),
            (progress, by_patient),
            "{word}"
        );
        assert_eq!(turn, !by_patient, "{word}");
        assert!(found.next().is_none(), "{word}");
    }
    let counted = counts(&practice.emr, &all).await.expect("counts");
    assert_eq!(counted.of(Work::Form), 3);
    for kind in [None, Some(Work::Form)] {
        let waits = queue(&practice.emr, &all, kind).await.expect("a queue");
        let words: Vec<&str> = waits.iter().map(|one| one.description.as_str()).collect();
        assert_eq!(words, ["Moved", "Deleted", "Consent"]);
    }
    let waits = queue(&practice.emr, &all, Some(Work::Profile)).await;
    assert!(waits.expect("a queue").is_empty());
}

#[tokio::test]
async fn case_142_a_task_of_somebody_else_is_not_found_by_its_id() {
    let practice = Fixture::with(WORK).await;
    let all = wide("system/*.rs", ResourceType::Task, Interaction::Search);
    let own = reach(2, "patient/*.rs", ResourceType::Task, Interaction::Read);
    for one in paged(&practice, &all, 10).await {
        let found = find(&practice.emr, &own, &Query::one(one.uuid))
            .await
            .expect("a page");
        let mine = one.person.pid == 2;
        assert_eq!(
            found.records.len(),
            usize::from(mine),
            "{}",
            one.description
        );
        let read = find(&practice.emr, &all, &Query::one(one.uuid))
            .await
            .expect("a page");
        assert_eq!(
            read.records.into_iter().map(task).collect::<Vec<_>>(),
            [one]
        );
    }
}
