//! What OpenEMR's directives name beside the head of the chart: medications, allergies and problems, who referred the
//! patient, single fields of the demographics.

use sqlx::FromRow;

use crate::db::sql::Sql;
use crate::domain::people::Person;
use crate::domain::refusal::Answer;
use crate::emr::Emr;
use crate::emr::forms::directives::FILLED;
use crate::emr::forms::directives::ISSUES;
use crate::emr::forms::directives::Known;
use crate::emr::people::tidy;
use crate::emr::staff;

/// What is not over: OpenEMR writes no end, or a zero date, and marks what was taken out as inactive. An end in the future
/// counts as over, as it does for OpenEMR.
const CURRENT: &str = "SELECT l.type AS kind, l.title, l.comments FROM lists l JOIN patient_data p ON p.pid = l.pid \
    WHERE p.pid = ? AND p.uuid = ? AND l.type IN ('medication', 'allergy', 'medical_problem') \
    AND (l.enddate IS NULL OR CAST(l.enddate AS CHAR) LIKE '0000%') AND COALESCE(l.activity, 1) <> 0 \
    ORDER BY l.begdate, l.title";

/// The columns of it that are read: an account may be let to see some of them alone.
const COLUMNS: [&str; 7] = [
    "pid", "type", "title", "comments", "begdate", "enddate", "activity",
];

/// `ref_providerID` is 0 or NULL where nobody referred the patient.
const FIELDS: &str = "SELECT p.fname, p.mname, p.lname, p.phone_home, p.phone_biz, p.phone_cell, p.phone_contact, p.email, \
    u.fname AS by_first, u.mname AS by_middle, u.lname AS by_last \
    FROM patient_data p LEFT JOIN users u ON u.id = p.ref_providerID WHERE p.pid = ? AND p.uuid = ?";

#[derive(FromRow)]
struct Issue {
    kind: Option<String>,
    title: Option<String>,
    comments: Option<String>,
}

#[derive(Default, FromRow)]
struct Fields {
    fname: Option<String>,
    mname: Option<String>,
    lname: Option<String>,
    phone_home: Option<String>,
    phone_biz: Option<String>,
    phone_cell: Option<String>,
    phone_contact: Option<String>,
    email: Option<String>,
    by_first: Option<String>,
    by_middle: Option<String>,
    by_last: Option<String>,
}

/// Whether all that is read of the table of issues is open to this account.
pub(super) fn has_issues(emr: &Emr) -> bool {
    COLUMNS.iter().all(|column| emr.layout.has("lists", column))
}

/// Whether a text may name issues.
fn names_issues(text: &str) -> bool {
    ISSUES.iter().any(|(name, _)| text.contains(name))
}

/// What is known of a patient, and all of this that a text names. Issues are looked up for a text that names them alone.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub(super) async fn with(
    emr: &Emr,
    (person, text): (Person, &str),
    mut known: Known,
) -> Answer<Known> {
    let sql = Sql::new(FIELDS).bind(person.pid).bind(person.uuid);
    let fields: Option<Fields> = emr.db.one(sql).await?;
    let fields = fields.unwrap_or_default();
    let again = [
        ("DEM:DOB", "DOB"),
        ("DEM:sex", "PatientSex"),
        ("DEM:pubpid", "PatientID"),
        ("DEM:street", "Address"),
        ("DEM:city", "City"),
        ("DEM:state", "State"),
        ("DEM:postal_code", "Zip"),
    ];
    for (name, of) in again {
        let said = known.iter().find(|(known, _)| *known == of);
        let said = said.map_or_else(String::new, |(_, text)| text.clone());
        known.push((name, said));
    }
    known.extend([
        (
            "ReferringDOC",
            staff::display(fields.by_first, fields.by_middle, fields.by_last),
        ),
        ("DEM:fname", tidy(fields.fname)),
        ("DEM:mname", tidy(fields.mname)),
        ("DEM:lname", tidy(fields.lname)),
        ("DEM:phone_home", tidy(fields.phone_home)),
        ("DEM:phone_biz", tidy(fields.phone_biz)),
        ("DEM:phone_cell", tidy(fields.phone_cell)),
        ("DEM:phone_contact", tidy(fields.phone_contact)),
        ("DEM:email", tidy(fields.email)),
    ]);
    if !names_issues(text) {
        return Ok(known);
    }
    match has_issues(emr) {
        true => {
            let sql = Sql::new(CURRENT).bind(person.pid).bind(person.uuid);
            let rows: Vec<Issue> = emr.db.all(sql).await?;
            known.extend(ISSUES.map(|(name, kind)| (name, named(&rows, kind))));
        }
        // What cannot be read stays a blank, and staff are told.
        false => {
            let blanks = FILLED.into_iter();
            let blanks = blanks.filter(|(name, _)| ISSUES.iter().any(|(issue, _)| issue == name));
            known.extend(blanks.map(|(name, stands)| (name, stands.to_owned())));
        }
    }
    Ok(known)
}

/// The issues of one type as OpenEMR's portal names them: by title, with the comment behind it.
fn named(rows: &[Issue], kind: &str) -> String {
    let of_kind = |row: &&Issue| {
        let known = row.kind.as_deref().unwrap_or_default();
        known.eq_ignore_ascii_case(kind)
    };
    let line = |text: &Option<String>| {
        let text = text.as_deref().unwrap_or_default();
        let words: Vec<&str> = text.split_whitespace().collect();
        words.join(" ")
    };
    let said = rows.iter().filter(of_kind).filter_map(|row| {
        let (title, comment) = (line(&row.title), line(&row.comments));
        match (title.is_empty(), comment.is_empty()) {
            (true, true) => None,
            (true, false) => Some(comment),
            (false, true) => Some(title),
            (false, false) => Some(format!("{title} ({comment})")),
        }
    });
    said.collect::<Vec<String>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f152_issues_are_looked_up_where_they_are_named_and_may_be_read() {
        let words = CURRENT.split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '.');
        let read = words.filter_map(|word| word.strip_prefix("l."));
        let read: std::collections::BTreeSet<&str> = read.collect();
        assert_eq!(read, COLUMNS.into_iter().collect());
        assert!(names_issues("<p>{GRP}{ProblemList}{/GRP}</p>"));
        assert!(!names_issues("<p>{PatientName}, {DEM:email}</p>"));
    }

    #[test]
    fn f152_issues_are_named_with_their_comments_by_type() {
        let row = |kind: &str, title: &str, comments: Option<&str>| Issue {
            kind: Some(kind.to_owned()),
            title: Some(title.to_owned()),
            comments: comments.map(str::to_owned),
        };
        let rows = [
            row("medication", "Aspirin 100 mg", Some("one\n a day")),
            row("allergy", "Penicillin", None),
            row("medication", "Metformin", Some(" ")),
        ];
        assert_eq!(
            named(&rows, "medication"),
            "Aspirin 100 mg (one a day); Metformin"
        );
        assert_eq!(named(&rows, "allergy"), "Penicillin");
        assert_eq!(named(&rows, "medical_problem"), "");
    }
}
