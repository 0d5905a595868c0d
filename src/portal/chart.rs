//! The rules about a chart: what a patient asks to have changed, and what staff change.

use uuid::Uuid;

use crate::config::Choice;
use crate::domain::people::Address;
use crate::domain::people::Code;
use crate::domain::people::Gender;
use crate::domain::people::Means;
use crate::domain::people::Patient;
use crate::domain::refusal::Reason;
use crate::portal::Change;
use crate::portal::Verdict;
use crate::portal::permitted;
use crate::portal::rules;
use crate::portal::rules::Rule;

/// One thing on the front page of a chart that may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Title.
    Prefix,
    /// First name.
    First,
    /// Middle names.
    Middle,
    /// Family name.
    Family,
    /// `Jr.` and the like.
    Suffix,
    /// What the patient likes to be called.
    Preferred,
    /// Birth date as `YYYY-MM-DD`.
    BirthDate,
    /// Gender as FHIR's code.
    Gender,
    /// Street lines, with line ends between them.
    Street,
    /// City.
    City,
    /// County.
    County,
    /// State.
    State,
    /// ZIP.
    PostalCode,
    /// Country.
    Country,
    /// Phone at home.
    HomePhone,
    /// Phone at work.
    WorkPhone,
    /// Mobile phone.
    MobilePhone,
    /// E-mail, to which the portal writes.
    Email,
    /// Preferred language as a code of BCP 47.
    Language,
    /// Marital status as HL7's letter.
    Marital,
    /// Name of the emergency contact.
    ContactName,
    /// Phone of the emergency contact.
    ContactPhone,
}

impl Part {
    /// All of them, in the order of the front page.
    pub const ALL: [Self; 22] = [
        Self::Prefix,
        Self::First,
        Self::Middle,
        Self::Family,
        Self::Suffix,
        Self::Preferred,
        Self::BirthDate,
        Self::Gender,
        Self::Street,
        Self::City,
        Self::County,
        Self::State,
        Self::PostalCode,
        Self::Country,
        Self::HomePhone,
        Self::WorkPhone,
        Self::MobilePhone,
        Self::Email,
        Self::Language,
        Self::Marital,
        Self::ContactName,
        Self::ContactPhone,
    ];

    /// The element, as FHIRPath.
    pub const fn element(self) -> &'static str {
        match self {
            Self::Prefix => "Patient.name.prefix",
            Self::First => "Patient.name.given[0]",
            Self::Middle => "Patient.name.given[1]",
            Self::Family => "Patient.name.family",
            Self::Suffix => "Patient.name.suffix",
            Self::Preferred => "Patient.name.where(use='usual').given",
            Self::BirthDate => "Patient.birthDate",
            Self::Gender => "Patient.gender",
            Self::Street => "Patient.address.line",
            Self::City => "Patient.address.city",
            Self::County => "Patient.address.district",
            Self::State => "Patient.address.state",
            Self::PostalCode => "Patient.address.postalCode",
            Self::Country => "Patient.address.country",
            Self::HomePhone => "Patient.telecom.where(system='phone' and use='home').value",
            Self::WorkPhone => "Patient.telecom.where(system='phone' and use='work').value",
            Self::MobilePhone => "Patient.telecom.where(system='phone' and use='mobile').value",
            Self::Email => "Patient.telecom.where(system='email').value",
            Self::Language => "Patient.communication.language",
            Self::Marital => "Patient.maritalStatus",
            Self::ContactName => "Patient.contact.name.text",
            Self::ContactPhone => "Patient.contact.telecom.value",
        }
    }

    /// Whether it is part of the present name, of which an earlier one is kept.
    pub const fn names(self) -> bool {
        matches!(
            self,
            Self::Prefix | Self::First | Self::Middle | Self::Family | Self::Suffix
        )
    }
}

/// What a chart says in a part; empty where nothing.
pub fn said(patient: &Patient, part: Part) -> String {
    let home = patient.addresses.iter().find(|one| one.old.is_none());
    let of_home = |of: fn(&Address) -> String| home.map_or_else(String::new, of);
    let number = |means: Means, used: &str| {
        let mut known = patient.telecom.iter();
        let found = known.find(|one| one.system == means && one.used == used);
        found.map_or_else(String::new, |one| one.value.clone())
    };
    let given = |place: usize| patient.name.given.get(place).cloned().unwrap_or_default();
    match part {
        Part::Prefix => patient.name.prefix.clone(),
        Part::First => given(0),
        Part::Middle => given(1),
        Part::Family => patient.name.family.clone(),
        Part::Suffix => patient.name.suffix.clone(),
        Part::Preferred => patient.preferred_name.clone(),
        Part::BirthDate => patient
            .birth_date
            .map_or_else(String::new, |day| day.to_string()),
        Part::Gender => gender(patient.gender).to_owned(),
        Part::Street => of_home(|home| home.lines.join("\n")),
        Part::City => of_home(|home| home.city.clone()),
        Part::County => of_home(|home| home.district.clone()),
        Part::State => of_home(|home| home.state.clone()),
        Part::PostalCode => of_home(|home| home.postal_code.clone()),
        Part::Country => of_home(|home| home.country.clone()),
        Part::HomePhone => number(Means::Phone, "home"),
        Part::WorkPhone => number(Means::Phone, "work"),
        Part::MobilePhone => number(Means::Phone, "mobile"),
        Part::Email => number(Means::Email, ""),
        Part::Language => code(patient.language.as_ref()),
        Part::Marital => code(patient.marital.as_ref()),
        Part::ContactName => patient
            .contact
            .as_ref()
            .map_or_else(String::new, |one| one.0.clone()),
        Part::ContactPhone => patient
            .contact
            .as_ref()
            .map_or_else(String::new, |one| one.1.clone()),
    }
}

fn code(code: Option<&Code>) -> String {
    code.map_or_else(String::new, |code| code.code.clone())
}

/// FHIR's code of a gender.
pub const fn gender(gender: Gender) -> &'static str {
    match gender {
        Gender::Female => "female",
        Gender::Male => "male",
        Gender::Other => "other",
        Gender::Unknown => "unknown",
    }
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChartAsk {
    /// A chart is to say something else.
    Edit(Box<Edit>),
    /// A chart is to be opened.
    Open {
        /// The FHIR id it is to have.
        id: Uuid,
        /// What it is to say.
        parts: Vec<(Part, String)>,
    },
}

/// A change to a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The chart as it was when the change was made.
    pub before: Patient,
    /// The parts that are to be other than before, and how.
    pub parts: Vec<(Part, String)>,
    /// Whether earlier names would be other than before.
    pub former_names: bool,
    /// Whether earlier addresses would be.
    pub former_homes: bool,
}

/// Who writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Writer {
    /// The patient.
    Patient,
    /// Staff: `users.id` and the FHIR id.
    Staff(i64, Uuid),
    /// A backend service the practice gave the right.
    Service,
}

/// What is known when it is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartCase {
    /// What was asked, languages and the like as the practice's lists have them.
    pub ask: ChartAsk,
    /// What a language or marital status is called in the practice's lists, by part.
    pub options: Vec<(Part, String)>,
    /// Who asks.
    pub writer: Writer,
    /// Through which app.
    pub client_id: String,
    /// Whether the portal is on.
    pub portal_on: bool,
    /// The practice's day today, as `YYYY-MM-DD`.
    pub today: String,
    /// What becomes of a patient's wish (`review_profile`).
    pub choice: Choice,
}

/// What may be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartChange {
    /// What was asked.
    pub ask: ChartAsk,
    /// As in the case.
    pub options: Vec<(Part, String)>,
    /// Who asks.
    pub writer: Writer,
    /// Through which app.
    pub client_id: String,
    /// Whether it waits for staff.
    pub waits: bool,
}

/// What a change to a chart must keep to.
pub const CHART: &[Rule<ChartCase>] = &[
    Rule {
        id: "portal-disabled",
        about: "The patient portal is switched on, or staff write.",
        holds: |case| case.portal_on || case.writer != Writer::Patient,
        sentence: |_| "The practice's portal is switched off. Please call the practice.".to_owned(),
        expression: "portal_onsite_two_enable",
    },
    Rule {
        id: "profile.forbidden",
        about: "The practice takes changes to the profile here, or staff write.",
        holds: |case| case.writer != Writer::Patient || case.choice != Choice::Forbidden,
        sentence: |_| {
            "The practice takes no changes to your data online. Please call the practice."
                .to_owned()
        },
        expression: "review_profile",
    },
    Rule {
        id: "profile.email",
        about: "Patients change their e-mail address on the account page, where it is proven.",
        holds: |case| case.writer != Writer::Patient || !case.changes(Part::Email),
        sentence: |_| {
            "An e-mail address is changed on the portal's account page, because it has to be proven first."
                .to_owned()
        },
        expression: "Patient.telecom",
    },
    Rule {
        id: "profile.former-names",
        about: "Earlier names stay as they are.",
        holds: |case| !case.edit().is_some_and(|edit| edit.former_names),
        sentence: |_| {
            "Earlier names are kept by the practice and cannot be changed here. Please call the practice."
                .to_owned()
        },
        expression: "Patient.name",
    },
    Rule {
        id: "profile.former-addresses",
        about: "Earlier and further addresses stay as they are.",
        holds: |case| !case.edit().is_some_and(|edit| edit.former_homes),
        sentence: |_| {
            "Earlier addresses are kept by the practice and cannot be changed here. Please call the practice."
                .to_owned()
        },
        expression: "Patient.address",
    },
    Rule {
        id: "profile.name",
        about: "A chart has a first and a family name.",
        holds: |case| !case.empties(Part::First) && !case.empties(Part::Family),
        sentence: |_| "A first name and a family name are needed.".to_owned(),
        expression: "Patient.name",
    },
    Rule {
        id: "profile.birth-date",
        about: "A birth date is there and not to come.",
        holds: |case| match case.asked(Part::BirthDate) {
            Some(day) => !day.is_empty() && day <= case.today.as_str(),
            None => !matches!(case.ask, ChartAsk::Open { .. }),
        },
        sentence: |_| "A birth date is needed, and it cannot be in the future.".to_owned(),
        expression: "Patient.birthDate",
    },
    Rule {
        id: "profile.gender",
        about: "A chart says a gender.",
        holds: |case| !case.empties(Part::Gender),
        sentence: |_| "A gender is needed; unknown is one.".to_owned(),
        expression: "Patient.gender",
    },
];

impl ChartCase {
    fn edit(&self) -> Option<&Edit> {
        match &self.ask {
            ChartAsk::Edit(edit) => Some(edit),
            ChartAsk::Open { .. } => None,
        }
    }

    fn asked(&self, part: Part) -> Option<&str> {
        let parts = match &self.ask {
            ChartAsk::Edit(edit) => &edit.parts,
            ChartAsk::Open { parts, .. } => parts,
        };
        let found = parts.iter().find(|(known, _)| *known == part);
        found.map(|(_, text)| text.as_str())
    }

    fn changes(&self, part: Part) -> bool {
        self.edit().is_some() && self.asked(part).is_some()
    }

    /// Whether a part would be empty that was not, or a new chart would lack it.
    fn empties(&self, part: Part) -> bool {
        match (&self.ask, self.asked(part)) {
            (_, Some(text)) => text.trim().is_empty(),
            (ChartAsk::Open { .. }, None) => true,
            (ChartAsk::Edit(_), None) => false,
        }
    }
}

/// Applies the practice's rules.
pub(super) fn decide(case: ChartCase) -> Verdict {
    let reasons: Vec<Reason> = rules::broken(CHART, &case);
    if !reasons.is_empty() {
        return Verdict::Refused(reasons);
    }
    permitted(Change::Chart(ChartChange {
        ask: case.ask,
        options: case.options,
        waits: case.writer == Writer::Patient && case.choice != Choice::Automatic,
        writer: case.writer,
        client_id: case.client_id,
    }))
}

#[cfg(test)]
mod tests;
