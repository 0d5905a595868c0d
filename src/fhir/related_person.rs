//! RelatedPerson: a guardian or the person to call in an emergency, as the chart's front page has them.

use fhir_sdk::r4b::codes::AddressUse;
use fhir_sdk::r4b::codes::AdministrativeGender;
use fhir_sdk::r4b::resources;
use fhir_sdk::r4b::types::CodeableConcept;
use fhir_sdk::r4b::types::HumanName;
use fhir_sdk::r4b::types::Meta;

use crate::domain::ResourceType;
use crate::domain::people::Code;
use crate::domain::people::Gender;
use crate::domain::people::Means;
use crate::domain::records::Record;
use crate::domain::scope::Interaction;
use crate::domain::staffing::RelatedPerson;
use crate::domain::staffing::Tie;
use crate::fhir::READ_ONLY;
use crate::fhir::Served;
use crate::fhir::indexes;
use crate::fhir::parameter;
use crate::fhir::parameter::ID;
use crate::fhir::parameter::Indexed;
use crate::fhir::parameter::Meaning;
use crate::fhir::parameter::Parameter;
use crate::fhir::parameter::UPDATED;
use crate::fhir::wire;
use crate::fhir::wire::Built;

/// RelatedPerson as it is served.
pub static SERVED: Served = Served {
    kind: ResourceType::RelatedPerson,
    profile: Some("http://hl7.org/fhir/us/core/StructureDefinition/us-core-relatedperson"),
    prose: "Guardians and emergency contacts, from the front page of the chart. The emergency contact is changed as \
        Patient.contact.",
    interactions: &[Interaction::Read, Interaction::Search],
    parameters: &[
        ID,
        UPDATED,
        parameter::patient(
            "http://hl7.org/fhir/us/core/SearchParameter/us-core-relatedperson-patient",
        ),
        Parameter {
            name: "name",
            meaning: Meaning::Texts,
            definition: "http://hl7.org/fhir/us/core/SearchParameter/us-core-relatedperson-name",
            values: |record| relative(record, |one| Indexed::text(&one.name)),
        },
        Parameter {
            name: "relationship",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/RelatedPerson-relationship",
            values: |record| {
                relative(record, |one| {
                    let codes = codes(one).into_iter();
                    codes
                        .map(|code| Indexed::Token(code.system.to_owned(), code.code, code.display))
                        .collect()
                })
            },
        },
        Parameter {
            name: "phone",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/individual-phone",
            values: |record| {
                relative(record, |one| {
                    indexes::reached_by(&one.telecom, Means::Phone)
                })
            },
        },
        Parameter {
            name: "email",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/individual-email",
            values: |record| {
                relative(record, |one| {
                    indexes::reached_by(&one.telecom, Means::Email)
                })
            },
        },
        Parameter {
            name: "active",
            meaning: Meaning::Tokens,
            definition: "http://hl7.org/fhir/SearchParameter/RelatedPerson-active",
            values: |record| relative(record, |_| vec![indexes::boolean(true)]),
        },
    ],
    order: "",
    create: READ_ONLY,
    update: READ_ONLY,
    operations: &[],
};

const ROLES: &str = "http://terminology.hl7.org/CodeSystem/v3-RoleCode";

/// What staff write for how somebody is related, in small letters, with HL7's code and words.
const WORDS: [(&str, &str, &str); 22] = [
    ("mother", "MTH", "mother"),
    ("mom", "MTH", "mother"),
    ("father", "FTH", "father"),
    ("dad", "FTH", "father"),
    ("parent", "PRN", "parent"),
    ("spouse", "SPS", "spouse"),
    ("husband", "HUSB", "husband"),
    ("wife", "WIFE", "wife"),
    ("brother", "BRO", "brother"),
    ("sister", "SIS", "sister"),
    ("sibling", "SIB", "sibling"),
    ("child", "CHILD", "child"),
    ("son", "SON", "natural son"),
    ("daughter", "DAU", "natural daughter"),
    ("grandparent", "GRPRN", "grandparent"),
    ("grandmother", "GRMTH", "grandmother"),
    ("grandfather", "GRFTH", "grandfather"),
    ("aunt", "AUNT", "aunt"),
    ("uncle", "UNCLE", "uncle"),
    ("foster parent", "PRNFOST", "foster parent"),
    ("friend", "FRND", "unrelated friend"),
    ("guardian", "GUARD", "guardian"),
];

fn relative(record: &Record, of: impl Fn(&RelatedPerson) -> Vec<Indexed>) -> Vec<Indexed> {
    match record {
        Record::RelatedPerson(one) => of(one),
        _ => Vec::new(),
    }
}

/// What somebody is to the patient, and how they are related where the words are known.
fn codes(one: &RelatedPerson) -> Vec<Code> {
    let code = |system: &'static str, code: &str, display: &str| Code {
        system,
        code: code.to_owned(),
        display: display.to_owned(),
    };
    let mut codes = vec![match one.tie {
        Tie::Guardian => code(ROLES, "GUARD", "guardian"),
        Tie::EmergencyContact => code(
            "http://terminology.hl7.org/CodeSystem/v2-0131",
            "C",
            "Emergency Contact",
        ),
    }];
    let said = one.relationship.to_lowercase();
    let known = WORDS.iter().find(|(word, ..)| *word == said);
    codes.extend(
        known
            .filter(|(_, known, _)| *known != "GUARD")
            .map(|(_, known, display)| code(ROLES, known, display)),
    );
    codes
}

pub(super) fn render(one: &RelatedPerson, meta: Meta) -> Built<resources::RelatedPerson> {
    let patient = wire::reference(ResourceType::Patient, one.person.uuid, &one.patient_name)?;
    let mut resource = resources::RelatedPerson::builder()
        .id(one.uuid.to_string())
        .meta(meta)
        // OpenEMR has no date on which it ends.
        .active(true)
        .patient(patient)
        .relationship(wire::list(relationship(one)?))
        .telecom(wire::telecoms(&one.telecom)?)
        .address(wire::list(wire::address(&one.address, AddressUse::Home)?))
        .build()?;
    if let Some(name) = wire::clean(&one.name) {
        resource.name = wire::list([HumanName::builder().text(name).build()?]);
    }
    resource.gender = one.gender.map(|gender| match gender {
        Gender::Female => AdministrativeGender::Female,
        Gender::Male => AdministrativeGender::Male,
        Gender::Other => AdministrativeGender::Other,
        Gender::Unknown => AdministrativeGender::Unknown,
    });
    Ok(resource)
}

fn relationship(one: &RelatedPerson) -> Built<Vec<CodeableConcept>> {
    let codes = codes(one);
    let coded = codes.len() > 1;
    let mut concepts: Vec<CodeableConcept> =
        codes.iter().map(wire::concept).collect::<Built<_>>()?;
    let said = one.relationship.to_lowercase();
    if !coded && !said.is_empty() && said != "guardian" {
        concepts.push(wire::words(&one.relationship)?);
    }
    Ok(concepts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::people::Address;
    use crate::domain::people::Person;
    use uuid::Uuid;

    fn guardian(relationship: &str) -> RelatedPerson {
        RelatedPerson {
            uuid: Uuid::from_u128(1),
            person: Person {
                pid: 1,
                uuid: Uuid::from_u128(2),
            },
            patient_name: "Noah Kim".to_owned(),
            tie: Tie::Guardian,
            name: "Ana Kim".to_owned(),
            relationship: relationship.to_owned(),
            gender: None,
            telecom: Vec::new(),
            address: Address::default(),
            last_updated: None,
        }
    }

    fn related(relationship: &str) -> Vec<String> {
        let one = guardian(relationship);
        let meta = Meta::builder().build().expect("meta");
        let resource = render(&one, meta).expect("renders");
        let concepts = resource.relationship.iter().flatten();
        concepts
            .filter_map(|concept| concept.text.clone())
            .collect()
    }

    #[test]
    fn known_words_become_codes_and_others_stay_words() {
        assert_eq!(related("Mother"), ["guardian", "mother"]);
        assert_eq!(related("Guardian"), ["guardian"]);
        assert_eq!(related(""), ["guardian"]);
        assert_eq!(related("Neighbour"), ["guardian", "Neighbour"]);
    }
}
