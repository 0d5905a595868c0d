//! People and places: the patient, the practitioner, the facility.

use time::Date;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::accounts::State;

/// Name of the identifier system of chart numbers (`patient_data.pubpid`).
pub const CHART_NUMBER: &str = "chart-number";

/// Name of the identifier system of portal accounts (`patient_access_onsite.portal_username`).
pub const PORTAL_ACCOUNT: &str = "portal-account";

/// Which chart: OpenEMR's patient number beside the FHIR id. The number never leaves the house.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Person {
    /// `patient_data.pid`, the key every other table uses.
    pub pid: i64,
    /// `patient_data.uuid`, the FHIR id.
    pub uuid: Uuid,
}

/// Administrative gender, FHIR's required codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gender {
    /// `female`
    Female,
    /// `male`
    Male,
    /// `other`
    Other,
    /// `unknown`
    Unknown,
}

/// A code with its system and words, as FHIR's Coding.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Code {
    /// The code system's URI.
    pub system: &'static str,
    /// The code.
    pub code: String,
    /// The words for people.
    pub display: String,
}

/// A name as people write it. Empty strings mean absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Name {
    /// Title such as `Dr.`
    pub prefix: String,
    /// First and middle names, in order.
    pub given: Vec<String>,
    /// Family name.
    pub family: String,
    /// Suffix such as `Jr.`
    pub suffix: String,
}

impl Name {
    /// Given and family name in one line, for display.
    pub fn display(&self) -> String {
        let mut words: Vec<&str> = self.given.iter().map(String::as_str).collect();
        words.push(&self.family);
        words.retain(|word| !word.is_empty());
        words.join(" ")
    }
}

/// A postal address. Empty strings mean absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Address {
    /// Street lines in order.
    pub lines: Vec<String>,
    /// City.
    pub city: String,
    /// County.
    pub district: String,
    /// State, as the practice writes it (`NY`).
    pub state: String,
    /// ZIP.
    pub postal_code: String,
    /// Country, as the practice writes it (`USA`).
    pub country: String,
    /// Whether the person no longer lives there, and until when.
    pub old: Option<Option<Date>>,
}

/// One way of reaching somebody.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Telecom {
    /// The means.
    pub system: Means,
    /// Number or address as written.
    pub value: String,
    /// FHIR's ContactPoint.use: `home`, `work`, `mobile`; empty where it has none.
    pub used: &'static str,
}

/// FHIR's ContactPoint.system, as far as OpenEMR has columns for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Means {
    /// `phone`
    Phone,
    /// `fax`
    Fax,
    /// `email`
    Email,
    /// `url`
    Url,
}

/// A patient's chart front page (`patient_data`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Patient {
    /// Which chart.
    pub person: Person,
    /// `pubpid`, the chart number people see; may be empty.
    pub chart_number: String,
    /// The account id (`patient_access_onsite.portal_username`), where there is one: F067.
    pub account: Option<String>,
    /// The present name.
    pub name: Name,
    /// How far that account is, as the portal stands; `None` for a chart that is yet to be opened.
    pub portal_status: Option<State>,
    /// What the patient likes to be called; empty where unknown.
    pub preferred_name: String,
    /// Names the patient had before (birth name, `patient_history`), with the day each ended.
    pub old_names: Vec<(Name, Option<Date>)>,
    /// Birth date; old charts may have none.
    pub birth_date: Option<Date>,
    /// Administrative gender.
    pub gender: Gender,
    /// Birth sex as `F`, `M` or `UNK`, from `patient_data.sex`; absent where nothing is recorded.
    pub birth_sex: Option<&'static str>,
    /// What the patient calls their own gender (`patient_data.gender_identity`).
    pub gender_identity: Option<Code>,
    /// Race: OMB codes first.
    pub race: Vec<Code>,
    /// Ethnicity.
    pub ethnicity: Vec<Code>,
    /// Tribal affiliations, where the layout has the column.
    pub tribes: Vec<Code>,
    /// Marital status.
    pub marital: Option<Code>,
    /// Preferred language.
    pub language: Option<Code>,
    /// Phones and e-mail.
    pub telecom: Vec<Telecom>,
    /// Present and old addresses.
    pub addresses: Vec<Address>,
    /// When the patient died, in the practice's zone.
    pub deceased: Option<OffsetDateTime>,
    /// Emergency contact: name and phone.
    pub contact: Option<(String, String)>,
    /// The patient's own provider, as FHIR id and display.
    pub provider: Option<(Uuid, String)>,
    /// The practice that keeps the chart.
    pub organization: Option<Uuid>,
    /// When the chart last changed.
    pub last_updated: Option<OffsetDateTime>,
}

/// A member of staff who treats or may be written to (`users`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Practitioner {
    /// FHIR id.
    pub uuid: Uuid,
    /// Whether the account is in use.
    pub active: bool,
    /// The name.
    pub name: Name,
    /// National provider identifier; empty where none.
    pub npi: String,
    /// Work phone, fax and e-mail.
    pub telecom: Vec<Telecom>,
    /// Work address.
    pub address: Option<Address>,
    /// Specialty in the practice's words; empty where none.
    pub specialty: String,
    /// Whether patients may write to them (`portal_user`, F141).
    pub addressee: bool,
    /// When the row last changed, where the layout records it.
    pub last_updated: Option<OffsetDateTime>,
}

/// A facility: FHIR's Organization by its own uuid, FHIR's Location by its `uuid_mapping`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Facility {
    /// Id of the Organization.
    pub organization: Uuid,
    /// Id of the Location; nil where it is none.
    pub location: Uuid,
    /// Whether it is an insurance company and not a house of the practice.
    pub insurer: bool,
    /// Whether it is in use.
    pub active: bool,
    /// Its name.
    pub name: String,
    /// National provider identifier; empty where none.
    pub npi: String,
    /// CLIA number; empty where none.
    pub clia: String,
    /// Phone, fax, e-mail, web site.
    pub telecom: Vec<Telecom>,
    /// Where it is.
    pub address: Address,
    /// When the row last changed, where the layout records it.
    pub last_updated: Option<OffsetDateTime>,
}
