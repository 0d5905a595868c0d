//! Search parameters of Patient as SQL. OpenEMR has no index on names, birth dates or chart numbers: a search by them
//! over the whole practice reads the table of charts once, and no other.

use crate::db::sql::Sql;
use crate::domain::people::CHART_NUMBER;
use crate::domain::people::Gender;
use crate::domain::people::PORTAL_ACCOUNT;
use crate::domain::query::Field;
use crate::domain::query::Filter;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Token;
use crate::emr::Emr;
use crate::emr::onboarding;
use crate::emr::people::codes;
use crate::emr::predicates;

/// Every part of a name that is shown, and given and family name as they are spoken.
const NAME: [&str; 5] = [
    "p.fname",
    "p.mname",
    "p.lname",
    "p.title",
    "CONCAT(TRIM(p.fname), ' ', TRIM(p.lname))",
];
const FAMILY: [&str; 1] = ["p.lname"];
const GIVEN: [&str; 2] = ["p.fname", "p.mname"];

/// The same of columns that older layouts lack, and which of the three parameters each is part of.
const NEWER: [(&str, &str, [Field; 2]); 5] = [
    ("suffix", "p.suffix", [Field::Name, Field::Name]),
    (
        "preferred_name",
        "p.preferred_name",
        [Field::Name, Field::Given],
    ),
    ("birth_fname", "p.birth_fname", [Field::Name, Field::Given]),
    ("birth_mname", "p.birth_mname", [Field::Name, Field::Given]),
    ("birth_lname", "p.birth_lname", [Field::Name, Field::Family]),
];

const GENDER: &str = "http://hl7.org/fhir/administrative-gender";

/// FHIR's codes of administrative gender.
const GENDER_CODES: [(&str, Gender); 4] = [
    ("female", Gender::Female),
    ("male", Gender::Male),
    ("other", Gender::Other),
    ("unknown", Gender::Unknown),
];

const SEX: &str = " AND LOWER(TRIM(COALESCE(p.sex, ''))) ";

const EMAILS: [&str; 2] = ["p.email", "p.email_direct"];
const PHONES: [&str; 3] = ["p.phone_home", "p.phone_biz", "p.phone_cell"];

/// The system of identifiers that are URIs.
const URI: &str = "urn:ietf:rfc:3986";

/// Values are compared by their bytes too: numbers that a collation takes for the same are two patients'.
const CHART: &str = " OR (p.pubpid = ? AND HEX(TRIM(p.pubpid)) = ?)";
const ACCOUNT: &str = " OR (o.portal_username = ? AND HEX(TRIM(o.portal_username)) = ?)";

/// Only a chart with neither is shown with its id as identifier.
const OWN_ID: &str = " OR (p.uuid = ? AND TRIM(COALESCE(p.pubpid, '')) = '' \
    AND TRIM(COALESCE(o.portal_username, '')) = '')";

/// Adds `AND ...` for one search parameter.
///
/// # Errors
/// `Unsupported` for one a patient does not have.
pub(super) fn filtered(emr: &Emr, sql: Sql, filter: &Filter) -> Result<Sql, Refusal> {
    Ok(match filter {
        Filter::Text(field @ (Field::Name | Field::Family | Field::Given), texts) => {
            predicates::begins((&emr.db, sql), &columns(emr, *field), texts)
        }
        Filter::Date(Field::BirthDate, ranges) => predicates::days(sql, "p.DOB", ranges, &emr.zone),
        Filter::Token(Field::PortalStatus, tokens) => onboarding::filtered(emr, sql, tokens),
        Filter::Token(Field::Gender, tokens) => gender(sql, tokens),
        Filter::Token(Field::Identifier, tokens) => identifier(sql, tokens),
        Filter::Token(Field::Email, tokens) => reached(sql, &EMAILS, tokens),
        Filter::Token(Field::Phone, tokens) => reached(sql, &PHONES, tokens),
        Filter::Date(Field::LastUpdated, ranges) => {
            let column = match emr.layout.has("patient_data", "last_updated") {
                true => "p.last_updated",
                false => "p.date",
            };
            predicates::dates(sql, column, ranges, &emr.zone)
        }
        _ => {
            let why = "Patient has no such search parameter.";
            return Err(Refusal::Unsupported(why.to_owned()));
        }
    })
}

fn columns(emr: &Emr, field: Field) -> Vec<&'static str> {
    let always: &[&str] = match field {
        Field::Family => &FAMILY,
        Field::Given => &GIVEN,
        _ => &NAME,
    };
    let newer = NEWER.iter().filter(|(column, _, fields)| {
        fields.contains(&field) && emr.layout.has("patient_data", column)
    });
    let newer = newer.map(|(_, column, _)| *column);
    always.iter().copied().chain(newer).collect()
}

/// Unknown is whatever no list of words has, so it is said by what it is not.
fn gender(sql: Sql, tokens: &[Token]) -> Sql {
    let wanted = |gender: Gender| {
        let asked = |token: &Token| {
            let mut codes = GENDER_CODES.iter().filter(|(_, known)| *known == gender);
            codes.any(|(code, _)| predicates::asks_for(token, GENDER, code))
        };
        tokens.iter().any(asked)
    };
    let words = |of: bool| {
        let words = codes::GENDERS.iter();
        words.filter(move |(_, gender)| wanted(*gender) == of)
    };
    match wanted(Gender::Unknown) {
        true => {
            let others: Vec<&str> = words(false).map(|(word, _)| *word).collect();
            match others.is_empty() {
                // Every gender was asked for, and NOT IN of nothing is no condition SQL has.
                true => sql,
                false => sql.push(SEX).push("NOT IN ").list(others),
            }
        }
        false => sql
            .push(SEX)
            .push("IN ")
            .list(words(true).map(|(word, _)| *word)),
    }
}

/// A number or address as it is written, whatever its case.
fn reached(sql: Sql, columns: &[&'static str], tokens: &[Token]) -> Sql {
    let mut sql = sql.push(" AND (1 = 0");
    // A number has no system.
    let bare = |token: &&Token| token.system.as_deref().is_none_or(str::is_empty);
    for token in tokens.iter().filter(bare) {
        for column in columns {
            sql = sql
                .push(" OR LOWER(TRIM(")
                .push(column)
                .push(")) = ?")
                .bind(token.code.trim().to_lowercase());
        }
    }
    sql.push(")")
}

fn identifier(sql: Sql, tokens: &[Token]) -> Sql {
    let mut sql = sql.push(" AND (1 = 0");
    for Token { system, code } in tokens {
        let of = |name: &str| system.as_deref().is_none_or(|system| system == name);
        if of(CHART_NUMBER) {
            sql = sql.push(CHART).bind(code).bind(predicates::hex(code));
        }
        if of(PORTAL_ACCOUNT) {
            sql = sql.push(ACCOUNT).bind(code).bind(predicates::hex(code));
        }
        let own = code.strip_prefix("urn:uuid:");
        if let Some(id) = own.and_then(|id| id.parse::<uuid::Uuid>().ok())
            && of(URI)
        {
            sql = sql.push(OWN_ID).bind(id);
        }
    }
    sql.push(")")
}

#[cfg(test)]
mod tests;
