//! What each kind of user reaches through each level of scope.

use super::*;

const ALICE: Person = Person {
    pid: 7,
    uuid: Uuid::from_u128(7),
};
const BOB: Person = Person {
    pid: 8,
    uuid: Uuid::from_u128(8),
};

fn grant(user: User, patient: Option<Person>, scope: &str) -> Grant {
    let context = LaunchContext {
        patient,
        encounter: None,
    };
    Grant::stored(("g".into(), "c".into()), user, context, Scope::list(scope))
}

fn patients(scope: &str) -> Grant {
    grant(User::Patient(ALICE), Some(ALICE), scope)
}

fn staffs(rights: &[Right], patient: Option<Person>, scope: &str) -> Grant {
    let staff = Staff {
        id: 4,
        uuid: Uuid::from_u128(4),
        rights: rights.to_vec(),
    };
    grant(User::Staff(staff), patient, scope)
}

#[test]
fn a_scope_opens_its_type_and_letters_only() {
    let grant = patients("patient/Patient.r patient/Appointment.rs");
    let opens = |kind, interaction| grant.reach(kind, interaction).is_ok();
    assert!(opens(ResourceType::Patient, Interaction::Read));
    assert!(!opens(ResourceType::Patient, Interaction::Search));
    assert!(!opens(ResourceType::Appointment, Interaction::Update));
    assert!(!opens(ResourceType::Communication, Interaction::Read));
}

#[test]
fn a_patient_reaches_the_own_record_whatever_the_level() {
    for scope in ["patient/*.rs", "user/*.rs", "user/Patient.rs patient/*.rs"] {
        let reach = patients(scope).reach(ResourceType::Patient, Interaction::Read);
        assert_eq!(reach.map(|reach| reach.patient()), Ok(Some(ALICE)));
    }
    let system = patients("system/*.cruds");
    assert!(
        system
            .reach(ResourceType::Patient, Interaction::Read)
            .is_err()
    );
}

#[test]
fn case_83_staff_reach_a_patients_record_through_the_context_alone() {
    let rights = [Right::Demographics];
    let without = staffs(&rights, None, "patient/*.rs");
    assert!(
        without
            .reach(ResourceType::Patient, Interaction::Read)
            .is_err()
    );
    let with = staffs(&rights, Some(BOB), "patient/*.rs");
    let reach = with.reach(ResourceType::Patient, Interaction::Read);
    assert_eq!(reach.map(|reach| reach.patient()), Ok(Some(BOB)));
}

#[test]
fn staff_reach_what_the_access_control_gives_and_nothing_else() {
    let user = staffs(&[Right::Appointments], Some(BOB), "user/*.rs patient/*.rs");
    let reach = user.reach(ResourceType::Appointment, Interaction::Search);
    assert_eq!(reach.map(|reach| reach.patient()), Ok(None));
    assert!(
        user.reach(ResourceType::DocumentReference, Interaction::Search)
            .is_err()
    );
    let all = staffs(&[Right::Super], None, "user/*.rs");
    assert!(
        all.reach(ResourceType::DocumentReference, Interaction::Search)
            .is_ok()
    );
}

#[test]
fn only_a_service_reaches_through_system_scopes() {
    let service = grant(User::System, None, "system/*.rs user/*.rs patient/*.rs");
    let reach = service.reach(ResourceType::Patient, Interaction::Search);
    let reach = reach.expect("a reach");
    assert_eq!(reach.patient(), None);
    assert_eq!(
        reach.within(BOB).and_then(|reach| reach.patient()),
        Some(BOB)
    );
}

#[test]
fn the_own_record_is_readable_with_fhir_user() {
    let own = patients("openid fhirUser");
    assert!(own.reach(ResourceType::Patient, Interaction::Read).is_ok());
    assert!(
        own.reach(ResourceType::Patient, Interaction::Search)
            .is_err()
    );
    let staff = staffs(&[], None, "openid fhirUser");
    let reach = staff.reach(ResourceType::Practitioner, Interaction::Read);
    assert_eq!(
        reach.map(|reach| reach.only()),
        Ok(Some(Uuid::from_u128(4)))
    );
    assert!(
        staff
            .reach(ResourceType::Patient, Interaction::Read)
            .is_err()
    );
}

#[test]
fn granular_scopes_add_up_unless_one_opens_everything() {
    let kind = ResourceType::DocumentReference;
    let reach = |scope: &str| patients(scope).reach(kind, Interaction::Search);
    let narrow = "patient/DocumentReference.rs?category=a patient/DocumentReference.rs?category=b";
    let lists = reach(narrow).map(|reach| reach.filters().map(<[_]>::len));
    assert_eq!(lists, Ok(Some(2)));
    let wide = reach("patient/DocumentReference.rs?category=a patient/*.rs");
    assert_eq!(wide.map(|reach| reach.filters().is_some()), Ok(false));
}

#[test]
fn a_union_of_levels_is_cut_for_the_patient_it_is_narrowed_to() {
    let scope = "user/DocumentReference.rs?category=a patient/DocumentReference.rs";
    let grant = staffs(&[Right::Documents], Some(ALICE), scope);
    let reach = grant.reach(ResourceType::DocumentReference, Interaction::Search);
    let reach = reach.expect("a reach");
    let cut = |person| {
        reach
            .within(person)
            .map(|reach| reach.filters().map(<[_]>::len))
    };
    assert_eq!(cut(ALICE), Some(None), "all of the patient in context");
    assert_eq!(cut(BOB), Some(Some(1)), "of everybody else one category");
    assert_eq!(reach.filters().map(<[_]>::len), Some(1), "and unnarrowed");
    let own = patients("patient/*.rs").reach(ResourceType::Patient, Interaction::Read);
    assert!(own.expect("a reach").within(BOB).is_none());
}
