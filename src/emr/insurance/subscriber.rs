//! Who is insured, as a change of an insurance says it. OpenEMR bills with these columns, so nothing of whoever was insured
//! before may stay beside somebody else's name.

use crate::db::sql::Sql;
use crate::domain::coverage::Policy;
use crate::domain::coverage::Relationship;
use crate::emr::Emr;
use crate::emr::chart::stored;

const NAMED: &str = ", subscriber_fname = ?, subscriber_lname = ?";

/// What nobody said of another person. A day is no empty text.
const NOBODY: &str =
    ", subscriber_mname = '', subscriber_ss = '', subscriber_DOB = NULL, subscriber_sex = ''";

const NOWHERE: &str = ", subscriber_street = '', subscriber_city = '', subscriber_state = '', \
    subscriber_postal_code = '', subscriber_country = '', subscriber_phone = ''";

/// The chart tells neither of the patient.
const NO_NUMBER: &str = ", subscriber_ss = ''";
const NO_EMPLOYER: &str = ", subscriber_employer = '', subscriber_employer_street = '', subscriber_employer_city = '', \
    subscriber_employer_state = '', subscriber_employer_postal_code = '', subscriber_employer_country = ''";

/// Second lines of addresses, which OpenEMR 6.1 has not.
const SECOND: &str = "subscriber_street_line_2";
const NO_SECOND: &str = ", subscriber_street_line_2 = ''";
const EMPLOYERS_SECOND: &str = "subscriber_employer_street_line_2";
const NO_EMPLOYERS_SECOND: &str = ", subscriber_employer_street_line_2 = ''";

/// What a chart says of a patient who is insured on their own account.
const OF_CHART: [(&str, &str); 11] = [
    (", subscriber_fname = ", "fname"),
    (", subscriber_mname = ", "mname"),
    (", subscriber_lname = ", "lname"),
    (", subscriber_DOB = ", "DOB"),
    (", subscriber_sex = ", "sex"),
    (", subscriber_street = ", "street"),
    (", subscriber_city = ", "city"),
    (", subscriber_state = ", "state"),
    (", subscriber_postal_code = ", "postal_code"),
    (", subscriber_country = ", "country_code"),
    (", subscriber_phone = ", "phone_home"),
];

/// Adds to an UPDATE of `insurance_data` what it is to say of whoever is insured.
pub(super) fn said(emr: &Emr, sql: Sql, (before, policy): (&Policy, &Policy)) -> Sql {
    let own = |policy: &Policy| policy.relationship == Relationship::Own;
    let [first, last] = &policy.subscriber;
    let named = |sql: Sql| sql.push(NAMED).bind(stored(first)).bind(stored(last));
    let without = |sql: Sql, (column, none): (&str, &'static str)| match emr
        .layout
        .has("insurance_data", column)
    {
        true => sql.push(none),
        false => sql,
    };
    let unemployed = |sql: Sql| {
        let line = (EMPLOYERS_SECOND, NO_EMPLOYERS_SECOND);
        without(sql.push(NO_EMPLOYER), line)
    };
    match (own(before), own(policy)) {
        (true, true) => sql,
        (false, true) => {
            let of_chart = OF_CHART.into_iter().fold(sql, |sql, (column, of)| {
                sql.push(column)
                    .push("(SELECT p.")
                    .push(of)
                    .push(" FROM patient_data p WHERE p.pid = insurance_data.pid)")
            });
            unemployed(without(of_chart.push(NO_NUMBER), (SECOND, NO_SECOND)))
        }
        (true, false) => {
            let nobody = named(sql).push(NOBODY).push(NOWHERE);
            unemployed(without(nobody, (SECOND, NO_SECOND)))
        }
        (false, false) if before.subscriber == policy.subscriber => named(sql),
        // Somebody else, who may live where the one before does.
        (false, false) => unemployed(named(sql).push(NOBODY)),
    }
}
