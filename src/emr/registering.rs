//! People who register themselves, as far as OpenEMR's tables go: whom they may choose as a provider, who is known
//! already, and the new chart with everything
//! beside it ([`opening`], [`deciding`]; OpenEMR facts 2.5).

pub mod deciding;
pub mod opening;

use sqlx::FromRow;
use time::Date;
use uuid::Uuid;

use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::language::Language;
use crate::domain::refusal::Answer;
use crate::emr::Emr;
use crate::emr::insurers;
use crate::emr::people::tidy;
use crate::emr::staff;
use crate::emr::standing;
use crate::emr::uuids;
use crate::emr::uuids::Table;
use crate::portal::registration::draft::Draft;
use crate::portal::registration::draft::Identity;

/// Whom OpenEMR's own portal offers (OpenEMR facts 2.5, 3).
const PROVIDERS: &str = "SELECT CAST(id AS SIGNED) AS row_id, uuid, fname, mname, lname FROM users \
    WHERE authorized = 1 AND active = 1 AND portal_user = 1 AND TRIM(COALESCE(username, '')) <> '' \
    ORDER BY lname, fname, id";

/// OpenEMR has no index on birth dates or addresses, and its tables are not ours to change: one pass over the table.
const KNOWN: &str = "SELECT p.pid, p.uuid, p.fname, p.mname, p.lname, CAST(p.DOB AS CHAR) AS dob, p.email, p.hipaa_allowemail, \
    p.language, p.phone_home, p.phone_cell, ";

const TRUSTED: [&str; 2] = ["NULL AS email_direct", "p.email_direct"];

const FROM: &str = " FROM patient_data p WHERE (p.DOB = ?";
const BY_MAIL: &str = " OR p.email = ?";
const BY_TRUSTED: &str = " OR p.email_direct = ?";
const BY_PHONE: &str = " OR p.phone_home = ? OR p.phone_cell = ?";

/// Charts that are looked at: a birthday of a large practice and a large family have fewer.
const MOST: u32 = 1000;

/// Insurance companies that are offered.
const INSURERS: u32 = 500;

#[derive(FromRow)]
struct ProviderRow {
    row_id: i64,
    uuid: Option<Vec<u8>>,
    fname: Option<String>,
    mname: Option<String>,
    lname: Option<String>,
}

#[derive(FromRow)]
struct KnownRow {
    pid: i64,
    uuid: Option<Vec<u8>>,
    fname: Option<String>,
    mname: Option<String>,
    lname: Option<String>,
    dob: Option<String>,
    email: Option<String>,
    email_direct: Option<String>,
    hipaa_allowemail: Option<String>,
    language: Option<String>,
    phone_home: Option<String>,
    phone_cell: Option<String>,
}

/// A provider who may be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// `users.id`
    pub row: i64,
    /// FHIR id.
    pub id: Uuid,
    /// First and last name.
    pub name: String,
}

/// A chart that has something in common with somebody who registers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// `patient_data.pid`
    pub pid: i64,
    /// FHIR id, where it has one yet.
    pub id: Option<Uuid>,
    /// First name.
    pub first: String,
    /// First, middle and last name.
    pub name: String,
    /// Last name.
    pub last: String,
    /// Birth date as `YYYY-MM-DD`; empty where there is none.
    pub born: String,
    /// Contact e-mail.
    pub email: String,
    /// Trusted e-mail.
    pub trusted: String,
    /// Home and mobile phone.
    pub phones: [String; 2],
    /// Whether mail may be sent.
    pub allow_email: bool,
    /// The language of letters.
    pub language: Language,
}

impl Known {
    /// Who it is.
    pub fn identity(&self) -> Identity<'_> {
        Identity {
            first: &self.first,
            last: &self.last,
            born: &self.born,
        }
    }

    /// Whether letters to this address reach whoever reads the chart's.
    pub fn reads(&self, address: &str) -> bool {
        let same = |one: &str| !one.is_empty() && one.eq_ignore_ascii_case(address.trim());
        same(&self.email) || same(&self.trusted)
    }

    /// Where a letter about the chart goes, where one may.
    pub fn address(&self) -> Option<&str> {
        let address = match self.email.as_str() {
            "" => self.trusted.as_str(),
            email => email,
        };
        Some(address).filter(|address| self.allow_email && !address.is_empty())
    }
}

/// The practice's day today.
pub fn today(emr: &Emr) -> Date {
    emr.zone.wall(emr.now()).date()
}

/// The providers who may be chosen, by name.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn providers(emr: &Emr) -> Answer<Vec<Provider>> {
    let mut rows: Vec<ProviderRow> = emr.db.all(Sql::new(PROVIDERS)).await?;
    let nameless = |row: &ProviderRow| uuids::known(row.uuid.as_deref()).is_none();
    if rows.iter().any(nameless) {
        uuids::fill(emr, Table::Users).await?;
        rows = emr.db.all(Sql::new(PROVIDERS)).await?;
    }
    let providers = rows.into_iter().filter_map(|row| {
        Some(Provider {
            row: row.row_id,
            id: uuids::known(row.uuid.as_deref())?,
            name: staff::display(row.fname, row.mname, row.lname),
        })
    });
    Ok(providers.collect())
}

/// The insurance companies in use that may be chosen: FHIR id and name, by name.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn insurance_companies(emr: &Emr) -> Answer<Vec<(Uuid, String)>> {
    let (found, _) = insurers::organizations(emr, None, 0, INSURERS).await?;
    let in_use = found.into_iter().filter(|insurer| insurer.active);
    let mut all: Vec<(Uuid, String)> = in_use
        .map(|insurer| (insurer.organization, insurer.name))
        .collect();
    all.sort_by_key(|(_, name)| name.to_lowercase());
    Ok(all)
}

/// Charts with the birth date, the address or a phone that was typed.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn known(emr: &Emr, draft: &Draft) -> Answer<Vec<Known>> {
    let rows: Vec<KnownRow> = emr.db.all(statement(emr, draft)).await?;
    Ok(rows.into_iter().map(KnownRow::known).collect())
}

/// The chart of the same person, as this transaction sees it; of several the oldest.
async fn same(emr: &Emr, tx: &mut Tx, draft: &Draft) -> Answer<Option<i64>> {
    let rows: Vec<KnownRow> = tx.all(statement(emr, &draft.person())).await?;
    let mut all = rows.into_iter().map(KnownRow::known);
    let found = all.find(|known| known.identity().is_like(&draft.identity()));
    Ok(found.map(|known| known.pid))
}

fn statement(emr: &Emr, draft: &Draft) -> Sql {
    let trusted = emr.layout.has("patient_data", "email_direct");
    let email = draft.get("email");
    let mut sql = Sql::new(KNOWN)
        .push(TRUSTED[usize::from(trusted)])
        .push(FROM)
        .bind(draft.get("birth_date"));
    if !email.is_empty() {
        sql = sql.push(BY_MAIL).bind(email);
        if trusted {
            sql = sql.push(BY_TRUSTED).bind(email);
        }
    }
    for phone in ["phone_home", "phone_cell"].map(|name| draft.get(name)) {
        if !phone.is_empty() {
            sql = sql.push(BY_PHONE).bind(phone).bind(phone);
        }
    }
    sql.push(") ORDER BY p.pid").limit(MOST)
}

impl KnownRow {
    fn known(self) -> Known {
        let born = self.dob.unwrap_or_default();
        let first = tidy(self.fname);
        let last = tidy(self.lname);
        Known {
            pid: self.pid,
            id: uuids::known(self.uuid.as_deref()),
            name: staff::display(Some(first.clone()), self.mname, Some(last.clone())),
            first,
            last,
            born: Some(born)
                .filter(|born| !born.starts_with("0000"))
                .unwrap_or_default(),
            email: tidy(self.email),
            trusted: tidy(self.email_direct),
            phones: [tidy(self.phone_home), tidy(self.phone_cell)],
            allow_email: self.hipaa_allowemail.as_deref() == Some("YES"),
            language: standing::language(self.language.as_deref().unwrap_or_default()),
        }
    }
}
