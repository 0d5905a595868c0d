//! What a Patient is searched by. The big ones are looked for by the EMR, the others in one patient's own record or a
//! small practice.

use time::Duration;

use crate::domain::ResourceType;
use crate::domain::people::CHART_NUMBER;
use crate::domain::people::Gender;
use crate::domain::people::Means;
use crate::domain::people::Name;
use crate::domain::people::PORTAL_ACCOUNT;
use crate::domain::people::Patient;
use crate::domain::query::Field;
use crate::domain::records::Record;
use crate::fhir::indexes;
use crate::fhir::parameter::ID;
use crate::fhir::parameter::Indexed;
use crate::fhir::parameter::LAST_UPDATED;
use crate::fhir::parameter::Meaning;
use crate::fhir::parameter::Parameter;
use crate::fhir::parameter::Values;

/// The search parameters of Patient.
pub(super) static PARAMETERS: [Parameter; 23] = [
    ID,
    LAST_UPDATED,
    us_core("identifier", Meaning::Identifier, |record| {
        of(record, identifiers)
    }),
    us_core("name", Meaning::Text(Field::Name), |record| {
        of(record, |patient| {
            every(patient, |name| {
                let mut parts = indexes::name(name);
                parts.extend(Indexed::text(&name.display()));
                parts
            })
        })
    }),
    us_core("family", Meaning::Text(Field::Family), |record| {
        of(record, |patient| {
            every(patient, |name| Indexed::text(&name.family))
        })
    }),
    us_core("given", Meaning::Text(Field::Given), |record| {
        of(record, |patient| {
            every(patient, |name| {
                name.given
                    .iter()
                    .flat_map(|one| Indexed::text(one))
                    .collect()
            })
        })
    }),
    us_core("birthdate", Meaning::Date(Field::BirthDate), |record| {
        of(record, |patient| {
            let day = patient.birth_date.map(|day| day.midnight().assume_utc());
            let next = day.and_then(|day| day.checked_add(Duration::DAY));
            day.map(|day| Indexed::Date(Some(day), next))
                .into_iter()
                .collect()
        })
    }),
    us_core("gender", Meaning::Token(Field::Gender), |record| {
        of(record, |patient| {
            let code = match patient.gender {
                Gender::Female => "female",
                Gender::Male => "male",
                Gender::Other => "other",
                Gender::Unknown => "unknown",
            };
            vec![Indexed::token(
                "http://hl7.org/fhir/administrative-gender",
                code,
            )]
        })
    }),
    us_core("death-date", Meaning::Dates, |record| {
        of(record, |patient| Indexed::moment(patient.deceased))
    }),
    Parameter {
        name: "deceased",
        meaning: Meaning::Tokens,
        definition: "http://hl7.org/fhir/SearchParameter/Patient-deceased",
        values: |record| {
            of(record, |patient| {
                vec![indexes::boolean(patient.deceased.is_some())]
            })
        },
    },
    Parameter {
        name: "email",
        meaning: Meaning::Token(Field::Email),
        definition: "http://hl7.org/fhir/SearchParameter/individual-email",
        values: |record| {
            of(record, |patient| {
                indexes::reached_by(&patient.telecom, Means::Email)
            })
        },
    },
    Parameter {
        name: "phone",
        meaning: Meaning::Token(Field::Phone),
        definition: "http://hl7.org/fhir/SearchParameter/individual-phone",
        values: |record| {
            of(record, |patient| {
                indexes::reached_by(&patient.telecom, Means::Phone)
            })
        },
    },
    Parameter {
        name: "telecom",
        meaning: Meaning::Tokens,
        definition: "http://hl7.org/fhir/SearchParameter/individual-telecom",
        values: |record| of(record, |patient| indexes::telecoms(&patient.telecom)),
    },
    address(
        "address",
        "http://hl7.org/fhir/SearchParameter/individual-address",
        |record| {
            of(record, |patient| {
                patient
                    .addresses
                    .iter()
                    .flat_map(indexes::address)
                    .collect()
            })
        },
    ),
    address(
        "address-city",
        "http://hl7.org/fhir/SearchParameter/individual-address-city",
        |record| {
            of(record, |patient| {
                patient
                    .addresses
                    .iter()
                    .flat_map(|one| Indexed::text(&one.city))
                    .collect()
            })
        },
    ),
    address(
        "address-state",
        "http://hl7.org/fhir/SearchParameter/individual-address-state",
        |record| {
            of(record, |patient| {
                patient
                    .addresses
                    .iter()
                    .flat_map(|one| Indexed::text(&one.state))
                    .collect()
            })
        },
    ),
    address(
        "address-postalcode",
        "http://hl7.org/fhir/SearchParameter/individual-address-postalcode",
        |record| {
            of(record, |patient| {
                patient
                    .addresses
                    .iter()
                    .flat_map(|one| Indexed::text(&one.postal_code))
                    .collect()
            })
        },
    ),
    address(
        "address-country",
        "http://hl7.org/fhir/SearchParameter/individual-address-country",
        |record| {
            of(record, |patient| {
                patient
                    .addresses
                    .iter()
                    .flat_map(|one| Indexed::text(&one.country))
                    .collect()
            })
        },
    ),
    Parameter {
        name: "language",
        meaning: Meaning::Tokens,
        definition: "http://hl7.org/fhir/SearchParameter/Patient-language",
        values: |record| {
            of(record, |patient| {
                let spoken = patient.language.iter();
                spoken
                    .map(|code| {
                        Indexed::Token(
                            code.system.to_owned(),
                            code.code.clone(),
                            code.display.clone(),
                        )
                    })
                    .collect()
            })
        },
    },
    Parameter {
        name: "portal-status",
        meaning: Meaning::Token(Field::PortalStatus),
        definition: "https://anteroom.dev/fhir/SearchParameter/patient-portal-status",
        values: |record| {
            of(record, |patient| {
                let state = patient.portal_status.iter();
                state
                    .map(|state| Indexed::token("", state.code().0))
                    .collect()
            })
        },
    },
    Parameter {
        name: "active",
        meaning: Meaning::Tokens,
        definition: "http://hl7.org/fhir/SearchParameter/Patient-active",
        values: |record| of(record, |_| vec![indexes::boolean(true)]),
    },
    Parameter {
        name: "general-practitioner",
        meaning: Meaning::References(&[ResourceType::Practitioner]),
        definition: "http://hl7.org/fhir/SearchParameter/Patient-general-practitioner",
        values: |record| {
            of(record, |patient| {
                let id = patient.provider.as_ref().map(|(id, _)| *id);
                Indexed::reference(ResourceType::Practitioner, id)
            })
        },
    },
    Parameter {
        name: "organization",
        meaning: Meaning::References(&[ResourceType::Organization]),
        definition: "http://hl7.org/fhir/SearchParameter/Patient-organization",
        values: |record| {
            of(record, |patient| {
                Indexed::reference(ResourceType::Organization, patient.organization)
            })
        },
    },
];

const fn us_core(name: &'static str, meaning: Meaning, values: Values) -> Parameter {
    Parameter {
        name,
        meaning,
        definition: match name.as_bytes() {
            b"identifier" => {
                "http://hl7.org/fhir/us/core/SearchParameter/us-core-patient-identifier"
            }
            b"name" => "http://hl7.org/fhir/us/core/SearchParameter/us-core-patient-name",
            b"family" => "http://hl7.org/fhir/us/core/SearchParameter/us-core-patient-family",
            b"given" => "http://hl7.org/fhir/us/core/SearchParameter/us-core-patient-given",
            b"birthdate" => "http://hl7.org/fhir/us/core/SearchParameter/us-core-patient-birthdate",
            b"gender" => "http://hl7.org/fhir/us/core/SearchParameter/us-core-patient-gender",
            _ => "http://hl7.org/fhir/us/core/SearchParameter/us-core-patient-death-date",
        },
        values,
    }
}

const fn address(name: &'static str, definition: &'static str, values: Values) -> Parameter {
    Parameter {
        name,
        meaning: Meaning::Texts,
        definition,
        values,
    }
}

fn of(record: &Record, values: fn(&Patient) -> Vec<Indexed>) -> Vec<Indexed> {
    match record {
        Record::Patient(patient) => values(patient),
        _ => Vec::new(),
    }
}

/// What all names of a patient have, the present one and the earlier ones.
fn every(patient: &Patient, of: fn(&Name) -> Vec<Indexed>) -> Vec<Indexed> {
    let usual = Name {
        given: vec![patient.preferred_name.clone()],
        ..Name::default()
    };
    let former = patient.old_names.iter().map(|(name, _)| name);
    [&patient.name, &usual]
        .into_iter()
        .chain(former)
        .flat_map(of)
        .collect()
}

/// The systems by their names: what a token's system is turned into before it comes here.
fn identifiers(patient: &Patient) -> Vec<Indexed> {
    let number = patient.chart_number.trim();
    let account = patient.account.as_deref().unwrap_or_default().trim();
    let known = [(CHART_NUMBER, number), (PORTAL_ACCOUNT, account)];
    let known = known.iter().filter(|(_, value)| !value.is_empty());
    let mut all: Vec<Indexed> = known
        .map(|(system, value)| Indexed::token(system, value))
        .collect();
    if all.is_empty() {
        let urn = patient.person.uuid.urn().to_string();
        all.push(Indexed::token("urn:ietf:rfc:3986", &urn));
    }
    all
}
