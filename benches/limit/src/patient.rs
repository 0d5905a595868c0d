//! One row of `patient_data` as a FHIR Patient of about the size the product serves.

use serde::Serialize;
use sqlx::FromRow;
use time::Date;
use time::PrimitiveDateTime;

use crate::text::Coding;
use crate::text::Concept;
use crate::text::Day;
use crate::text::Hex;
use crate::text::Id;
use crate::text::Meta;
use crate::text::Stamp;
use crate::text::filled;
use crate::text::uuid;

const PROFILE: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient";
const RACE: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race";
const ETHNICITY: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-ethnicity";
const BIRTH_SEX: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex";
const SEX: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-sex";
const CDC: &str = "urn:oid:2.16.840.1.113883.6.238";
const IDENTIFIER_TYPE: &str = "http://terminology.hl7.org/CodeSystem/v2-0203";
const MARITAL: &str = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus";
const RELATION: &str = "http://terminology.hl7.org/CodeSystem/v2-0131";
const LANGUAGE: &str = "urn:ietf:bcp:47";

#[derive(FromRow)]
pub(crate) struct PatientRow {
    uuid: Option<Vec<u8>>,
    pubpid: Option<String>,
    title: Option<String>,
    fname: Option<String>,
    mname: Option<String>,
    lname: Option<String>,
    dob: Option<Date>,
    sex: Option<String>,
    race: Option<String>,
    ethnicity: Option<String>,
    language: Option<String>,
    status: Option<String>,
    street: Option<String>,
    city: Option<String>,
    state: Option<String>,
    postal_code: Option<String>,
    county: Option<String>,
    country_code: Option<String>,
    phone_home: Option<String>,
    phone_biz: Option<String>,
    phone_cell: Option<String>,
    email: Option<String>,
    email_direct: Option<String>,
    deceased_date: Option<PrimitiveDateTime>,
    contact_relationship: Option<String>,
    phone_contact: Option<String>,
    suffix: Option<String>,
    preferred_name: Option<String>,
    last_updated: Option<PrimitiveDateTime>,
    provider: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Patient<'a> {
    resource_type: &'static str,
    id: Id,
    meta: Meta,
    extension: [Extension<'a>; 4],
    identifier: [Identifier<'a>; 2],
    active: bool,
    name: Vec<Name<'a>>,
    telecom: Vec<Telecom<'a>>,
    gender: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    birth_date: Option<Day>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deceased_date_time: Option<Stamp>,
    address: [Address<'a>; 1],
    marital_status: Concept<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<[Contact<'a>; 1]>,
    communication: [Communication<'a>; 1],
    general_practitioner: [Reference; 1],
    managing_organization: Reference,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Extension<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    extension: Option<(Extension0<'a>, Extension0<'a>)>,
    url: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_code: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Extension0<'a> {
    url: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_coding: Option<Coding<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_string: Option<&'a str>,
}

#[derive(Serialize)]
struct Identifier<'a> {
    r#use: &'static str,
    r#type: Concept<'a>,
    system: String,
    value: &'a str,
}

#[derive(Serialize)]
struct Name<'a> {
    r#use: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    family: Option<&'a str>,
    given: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    prefix: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suffix: Vec<&'a str>,
}

#[derive(Serialize)]
struct Telecom<'a> {
    system: &'static str,
    value: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#use: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Address<'a> {
    r#use: &'static str,
    line: [&'a str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    city: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    district: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    postal_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<&'a str>,
}

#[derive(Serialize)]
struct Contact<'a> {
    relationship: [Concept<'a>; 1],
    name: Words<'a>,
    telecom: [Telecom<'a>; 1],
}

#[derive(Serialize)]
struct Words<'a> {
    text: &'a str,
}

#[derive(Serialize)]
struct Communication<'a> {
    language: Concept<'a>,
    preferred: bool,
}

#[derive(Serialize)]
struct Reference {
    reference: String,
}

impl<'a> Patient<'a> {
    /// The resource, borrowing the row's texts.
    pub(crate) fn of(row: &'a PatientRow, base: &str) -> Self {
        let sex = filled(&row.sex).unwrap_or_default();
        let (gender, birth_sex, sex_code) = match sex.as_bytes().first() {
            Some(b'F' | b'f') => ("female", "F", "248152002"),
            Some(b'M' | b'm') => ("male", "M", "248153007"),
            _ => ("unknown", "UNK", "unknown"),
        };
        Self {
            resource_type: "Patient",
            id: Id(uuid(row.uuid.as_deref()).unwrap_or_default()),
            meta: Meta {
                version_id: Hex(row
                    .last_updated
                    .map_or(0, |at| at.assume_utc().unix_timestamp())),
                last_updated: row.last_updated.map(Stamp),
                profile: Some([PROFILE]),
            },
            extension: [
                background(RACE, race(filled(&row.race).unwrap_or_default())),
                background(ETHNICITY, race(filled(&row.ethnicity).unwrap_or_default())),
                coded(BIRTH_SEX, birth_sex),
                coded(SEX, sex_code),
            ],
            identifier: [
                identifier(
                    "usual",
                    ("MR", "Medical record number"),
                    base,
                    filled(&row.pubpid),
                ),
                identifier(
                    "secondary",
                    ("PN", "Portal account id"),
                    base,
                    filled(&row.email),
                ),
            ],
            active: true,
            name: names(row),
            telecom: telecoms(row),
            gender,
            birth_date: row.dob.map(Day),
            deceased_date_time: row.deceased_date.map(Stamp),
            address: [Address {
                r#use: "home",
                line: [filled(&row.street).unwrap_or_default()],
                city: filled(&row.city),
                district: filled(&row.county),
                state: filled(&row.state),
                postal_code: filled(&row.postal_code),
                country: filled(&row.country_code),
            }],
            marital_status: marital(filled(&row.status).unwrap_or_default()),
            contact: contact(row),
            communication: [Communication {
                language: Concept::of(LANGUAGE, "en", filled(&row.language).unwrap_or_default()),
                preferred: true,
            }],
            general_practitioner: [reference("Practitioner", row.provider)],
            managing_organization: reference("Organization", row.provider),
        }
    }
}

fn background(
    url: &'static str,
    (code, display): (&'static str, &'static str),
) -> Extension<'static> {
    let coding = Coding {
        system: CDC,
        code,
        display,
    };
    let category = Extension0 {
        url: "ombCategory",
        value_coding: Some(coding),
        value_string: None,
    };
    let text = Extension0 {
        url: "text",
        value_coding: None,
        value_string: Some(display),
    };
    Extension {
        extension: Some((category, text)),
        url,
        value_code: None,
    }
}

fn coded(url: &'static str, code: &'static str) -> Extension<'static> {
    Extension {
        extension: None,
        url,
        value_code: Some(code),
    }
}

fn race(option: &str) -> (&'static str, &'static str) {
    match option.split('|').next().unwrap_or_default() {
        "white" => ("2106-3", "White"),
        "Asian" | "asian" => ("2028-9", "Asian"),
        "black_or_afri_amer" => ("2054-5", "Black or African American"),
        "hisp_or_latin" => ("2135-2", "Hispanic or Latino"),
        "not_hisp_or_latin" => ("2186-5", "Not Hispanic or Latino"),
        _ => ("UNK", "unknown"),
    }
}

fn identifier<'a>(
    r#use: &'static str,
    (code, words): (&'static str, &'static str),
    base: &str,
    value: Option<&'a str>,
) -> Identifier<'a> {
    Identifier {
        r#use,
        r#type: Concept::of(IDENTIFIER_TYPE, code, words),
        system: [base, "/sid/chart-number"].concat(),
        value: value.unwrap_or_default(),
    }
}

fn contact(row: &PatientRow) -> Option<[Contact<'_>; 1]> {
    Some([Contact {
        relationship: [Concept::of(RELATION, "C", "Emergency Contact")],
        name: Words {
            text: filled(&row.contact_relationship)?,
        },
        telecom: [telecom("phone", filled(&row.phone_contact)?, None)],
    }])
}

fn names(row: &PatientRow) -> Vec<Name<'_>> {
    let list = |text: Option<&'static str>| text.into_iter().collect();
    let mut names = vec![Name {
        r#use: "official",
        family: filled(&row.lname),
        given: [filled(&row.fname), filled(&row.mname)]
            .into_iter()
            .flatten()
            .collect(),
        prefix: filled(&row.title).into_iter().collect(),
        suffix: filled(&row.suffix).into_iter().collect(),
    }];
    if let Some(preferred) = filled(&row.preferred_name) {
        names.push(Name {
            r#use: "usual",
            family: None,
            given: vec![preferred],
            prefix: list(None),
            suffix: list(None),
        });
    }
    names
}

fn telecoms(row: &PatientRow) -> Vec<Telecom<'_>> {
    let all = [
        ("phone", &row.phone_home, Some("home")),
        ("phone", &row.phone_biz, Some("work")),
        ("phone", &row.phone_cell, Some("mobile")),
        ("email", &row.email, None),
        ("email", &row.email_direct, None),
    ];
    let mut points = Vec::with_capacity(all.len());
    for (system, value, used) in all {
        if let Some(value) = filled(value) {
            points.push(telecom(system, value, used));
        }
    }
    points
}

fn telecom<'a>(system: &'static str, value: &'a str, used: Option<&'static str>) -> Telecom<'a> {
    Telecom {
        system,
        value,
        r#use: used,
    }
}

fn marital(option: &str) -> Concept<'static> {
    let (code, words) = match option {
        "married" => ("M", "Married"),
        "divorced" => ("D", "Divorced"),
        "widowed" => ("W", "Widowed"),
        "domestic partner" => ("T", "Domestic partner"),
        _ => ("S", "Never Married"),
    };
    Concept::of(MARITAL, code, words)
}

fn reference(kind: &str, row: Option<i64>) -> Reference {
    Reference {
        reference: format!("{kind}/{}", row.unwrap_or_default()),
    }
}
