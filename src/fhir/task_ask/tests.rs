//! A status and a reason become a decision.

use super::*;
use crate::domain::ResourceType;
use crate::domain::people::Person;
use crate::domain::tasks::Owner;
use crate::domain::tasks::Progress;
use crate::domain::tasks::Task;
use crate::domain::tasks::Work;
use crate::fhir::Base;
use crate::fhir::render;
use uuid::Uuid;

fn ask(role: Role, status: TaskStatus, reason: Option<&str>) -> Result<WorkAsk, Refusal> {
    let task = Task {
        uuid: Uuid::from_u128(1),
        person: Person {
            pid: 1,
            uuid: Uuid::from_u128(2),
        },
        patient_name: String::new(),
        work: Work::Profile,
        progress: Progress::Requested,
        description: String::new(),
        focus: None,
        by_patient: true,
        owner: Owner::Desk,
        asked: Vec::new(),
        note: String::new(),
        reason: String::new(),
        refused: Vec::new(),
        stand: String::new(),
        authored: None,
        last_updated: None,
    };
    let before = Record::Task(Box::new(task));
    let mut resource = render(&before, &Base::new("http://x.org")).expect("renders");
    if let Resource::Task(task) = &mut resource {
        task.status = status;
        task.status_reason = reason.map(|text| {
            let concept = CodeableConcept::builder().text(text.to_owned());
            concept.build().expect("a concept")
        });
    }
    let sent = Sent {
        kind: ResourceType::Task,
        id: before.id(),
        role,
        seen: None,
        before: Some(&before),
        resource,
        changed: vec!["status".to_owned()],
    };
    match of(sent, &Base::new("http://x.org"))? {
        Ask::Work(ask) => Ok(*ask),
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_role_has_its_own_decisions() {
    let patient = || {
        Role::Patient(Person {
            pid: 1,
            uuid: Uuid::from_u128(2),
        })
    };
    let decide = |role, status| ask(role, status, None).map(|ask| ask.decide);
    assert_eq!(
        decide(Role::Staff, TaskStatus::Completed),
        Ok(Decide::Accept)
    );
    assert_eq!(
        decide(Role::Staff, TaskStatus::Rejected),
        Ok(Decide::Reject)
    );
    assert_eq!(
        decide(patient(), TaskStatus::Cancelled),
        Ok(Decide::Withdraw)
    );
    for (role, status) in [
        (patient(), TaskStatus::Completed),
        (patient(), TaskStatus::Rejected),
        (Role::Staff, TaskStatus::Cancelled),
        (Role::Staff, TaskStatus::OnHold),
    ] {
        let refused = decide(role, status);
        assert!(
            matches!(refused, Err(Refusal::Unprocessable { location, .. }) if location == "Task.status")
        );
    }
}

#[test]
fn a_reason_is_words_of_bounded_length() {
    let rejected = |reason: &str| ask(Role::Staff, TaskStatus::Rejected, Some(reason));
    assert_eq!(
        rejected(" No proof ").map(|ask| ask.reason),
        Ok("No proof".to_owned())
    );
    assert!(rejected(&"x".repeat(1001)).is_err());
}

#[test]
fn f148_parts_are_refused_by_their_element_with_a_reason_of_their_own_or_of_the_whole() {
    let output = |kind: &str, why: &str| {
        let kind = CodeableConcept::builder().text(kind.to_owned());
        TaskOutput::builder()
            .r#type(kind.build().expect("a concept"))
            .value(TaskOutputValue::String(why.to_owned()))
            .build()
            .expect("an output")
    };
    let of = |outputs: &[TaskOutput]| {
        let outputs: Vec<Option<TaskOutput>> = outputs.iter().cloned().map(Some).collect();
        parts(&outputs, "Bring proof").map(|(parts, _)| parts)
    };
    let both = of(&[
        output("refused: Patient.birthDate", " Not so "),
        output("refused: Patient.gender", " "),
    ]);
    let pair = |element: &str, why: &str| (element.to_owned(), why.to_owned());
    let wanted = vec![
        pair("Patient.birthDate", "Not so"),
        pair("Patient.gender", "Bring proof"),
    ];
    assert_eq!(both, Ok(wanted));
    let other = of(&[output("accepted: Patient.gender", "x")]);
    assert!(
        matches!(other, Err(Refusal::Unprocessable { location, .. }) if location == "Task.output[0]")
    );
}
