//! The calendar's marks (`pc_apptstatus`, list `apptstat`) and the FHIR status each stands for.

use crate::db::sql::Sql;
use crate::domain::scope::Token;
use crate::domain::visits::Status;
use crate::emr::predicates;

const STATUS: &str = "http://hl7.org/fhir/appointmentstatus";

/// OpenEMR's marks (`list_options` list `apptstat`) and what they mean, in both directions: the first mark of a
/// status is the one written. `-` is how staff book by default, so it is a booked visit (OpenEMR facts 1.7).
pub const MARKS: [(&str, Status); 17] = [
    ("-", Status::Booked),
    ("*", Status::Booked),
    ("AVM", Status::Booked),
    ("SMS", Status::Booked),
    ("EMAIL", Status::Booked),
    ("^", Status::Pending),
    ("#", Status::Pending),
    ("CALL", Status::Waitlist),
    ("@", Status::Arrived),
    ("~", Status::Arrived),
    ("<", Status::CheckedIn),
    ("+", Status::CheckedIn),
    (">", Status::Fulfilled),
    ("$", Status::Fulfilled),
    ("x", Status::Cancelled),
    ("%", Status::Cancelled),
    ("?", Status::NoShow),
];

/// The patient left without being seen: there is no FHIR word for it but cancelled. It is never written.
const LEFT: &str = "!";

/// What a calendar mark means. A mark the practice made up itself is a booked visit.
pub fn status_of(mark: &str) -> Status {
    if mark == LEFT {
        return Status::Cancelled;
    }
    MARKS
        .iter()
        .find(|(known, _)| *known == mark)
        .map_or(Status::Booked, |(_, status)| *status)
}

/// The mark that is written for a status: the first of its marks.
pub fn mark_of(status: Status) -> &'static str {
    MARKS
        .iter()
        .find(|(_, known)| *known == status)
        .map_or("-", |(mark, _)| *mark)
}

/// One status parameter: its values are alternatives. Booked is also every mark this house has never heard of,
/// so it is said by what it is not. Marks are compared by their bytes, as [`status_of`] does: a collation takes X for x.
pub(super) fn statuses(sql: Sql, tokens: &[Token]) -> Sql {
    let wanted: Vec<Status> = tokens
        .iter()
        .flat_map(|token| {
            let asked = |(code, _): &&(&str, Status)| predicates::asks_for(token, STATUS, code);
            Status::CODES.iter().filter(asked)
        })
        .map(|(_, status)| *status)
        .collect();
    let all = || MARKS.iter().copied().chain([(LEFT, Status::Cancelled)]);
    if wanted.contains(&Status::Booked) {
        let others: Vec<String> = all()
            .filter(|(_, status)| !wanted.contains(status))
            .map(|(mark, _)| predicates::hex(mark))
            .collect();
        return match others.is_empty() {
            // Every status was asked for, and NOT IN of nothing is no condition SQL has.
            true => sql,
            false => sql.push(" AND HEX(e.pc_apptstatus) NOT IN ").list(others),
        };
    }
    let marks = all()
        .filter(|(_, status)| wanted.contains(status))
        .map(|(mark, _)| predicates::hex(mark));
    sql.push(" AND HEX(e.pc_apptstatus) IN ").list(marks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f130_to_f134_marks_mean_what_openemr_facts_1_7_says() {
        for (mark, status) in MARKS {
            assert_eq!(status_of(mark), status, "{mark}");
            assert_eq!(status_of(mark_of(status)), status, "{mark}");
        }
        assert_eq!(status_of("!"), Status::Cancelled);
        assert_eq!(status_of("our own"), Status::Booked);
        assert_eq!(mark_of(Status::Waitlist), "CALL");
        assert_eq!(mark_of(Status::Pending), "^");
    }

    #[test]
    fn booked_includes_marks_nobody_here_knows() {
        let sql = statuses(Sql::new(""), &[Token::of("booked"), Token::of("noshow")]);
        assert!(
            sql.text()
                .starts_with(" AND HEX(e.pc_apptstatus) NOT IN (?")
        );
        let all = statuses(Sql::new(""), &[Token::of(&format!("{STATUS}|"))]);
        assert_eq!(all.text(), "", "every status");
        let none = statuses(Sql::new(""), &[Token::of("proposed")]);
        assert_eq!(none.text(), " AND HEX(e.pc_apptstatus) IN (NULL)");
    }
}
