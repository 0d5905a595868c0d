//! OperationOutcome: every no, in FHIR's words. What a client sent is never repeated.

use fhir_sdk::r4b::codes::IssueSeverity;
use fhir_sdk::r4b::codes::IssueType;
use fhir_sdk::r4b::resources::OperationOutcome;
use fhir_sdk::r4b::resources::OperationOutcomeIssue;
use fhir_sdk::r4b::resources::Resource;

use crate::domain::refusal::Reason;
use crate::domain::refusal::Refusal;
use crate::fhir::bytes;
use crate::fhir::wire;
use crate::fhir::wire::Built;

/// The code system of the rules a request can break.
pub const REASONS: &str = "https://anteroom.dev/fhir/CodeSystem/reason";

/// What is said where even the outcome cannot be written.
const LAST_RESORT: &[u8] =
    br#"{"resourceType":"OperationOutcome","issue":[{"severity":"fatal","code":"exception"}]}"#;

/// The body for a refusal.
pub fn refusal(refusal: &Refusal) -> Vec<u8> {
    written(issues(refusal).and_then(of))
}

/// The body for breakage: a request id to tell the practice, and nothing about what broke.
pub fn fault(request_id: &str) -> Vec<u8> {
    let words = format!("Something went wrong here. The request id is {request_id}.");
    let issue = issue(IssueSeverity::Fatal, IssueType::Exception, &words);
    written(issue.and_then(|issue| of(vec![issue])))
}

/// The body for a success that has a sentence to say.
pub fn information(words: &str) -> Vec<u8> {
    let issue = issue(IssueSeverity::Information, IssueType::Informational, words);
    written(issue.and_then(|issue| of(vec![issue])))
}

/// An outcome of these issues.
pub(super) fn of(issues: Vec<OperationOutcomeIssue>) -> Built<OperationOutcome> {
    OperationOutcome::builder()
        .issue(wire::list(issues))
        .build()
}

/// One issue.
pub(super) fn issue(
    severity: IssueSeverity,
    code: IssueType,
    words: &str,
) -> Built<OperationOutcomeIssue> {
    OperationOutcomeIssue::builder()
        .severity(severity)
        .code(code)
        .details(wire::words(words)?)
        .build()
}

fn written(outcome: Built<OperationOutcome>) -> Vec<u8> {
    let outcome = outcome.ok().map(Resource::from);
    outcome
        .and_then(|outcome| bytes(&outcome).ok())
        .unwrap_or_else(|| LAST_RESORT.to_vec())
}

fn issues(refusal: &Refusal) -> Built<Vec<OperationOutcomeIssue>> {
    match refusal {
        Refusal::Invalid { location, why } | Refusal::Unprocessable { location, why } => {
            let words = format!("{location}: {why}.");
            let mut issue = issue(IssueSeverity::Error, IssueType::Invalid, &words)?;
            issue.expression = wire::list(expression(location));
            Ok(vec![issue])
        }
        Refusal::Rules(reasons) => {
            let reasons = reasons.iter();
            let broken = reasons.map(|reason| broken(IssueSeverity::Error, reason));
            broken.collect()
        }
        other => {
            let (code, words) = words(other);
            Ok(vec![issue(IssueSeverity::Error, code, &words)?])
        }
    }
}

/// A location that is FHIRPath; a search parameter or header is named as R4's `http.` locations are.
fn expression(location: &str) -> Option<String> {
    let path = location.starts_with(|first: char| first.is_ascii_uppercase() || first == '$');
    match path && !location.contains([' ', '-']) {
        true => Some(location.to_owned()),
        false => wire::clean(location).map(|name| format!("http.{name}")),
    }
}

/// A broken rule of the practice: its id as code, the sentence for the patient, what would have to change.
pub(super) fn broken(severity: IssueSeverity, reason: &Reason) -> Built<OperationOutcomeIssue> {
    let mut issue = issue(severity, IssueType::BusinessRule, &reason.text)?;
    if let Some(details) = &mut issue.details {
        details.coding = wire::list([wire::coding(REASONS, reason.id, "")?]);
    }
    issue.expression = wire::list(wire::clean(reason.expression));
    Ok(issue)
}

fn words(refusal: &Refusal) -> (IssueType, String) {
    let (code, words) = match refusal {
        Refusal::Unauthenticated => (
            IssueType::Login,
            "An access token is needed: none came, or it is not valid here any more.",
        ),
        Refusal::Forbidden(why) => (IssueType::Forbidden, *why),
        Refusal::NotFound => (IssueType::NotFound, "There is no such thing here."),
        Refusal::Gone => (IssueType::Deleted, "This was here and has been removed."),
        Refusal::Conflict(why) => (IssueType::Conflict, why.as_str()),
        Refusal::Stale => (
            IssueType::Conflict,
            "This has changed since you read it: read it again.",
        ),
        Refusal::Several => (
            IssueType::MultipleMatches,
            "If-None-Exist, or a search that stands for a reference, does not find exactly one: nothing was made.",
        ),
        Refusal::NoMethod => (
            IssueType::NotSupported,
            "This server does not do that here; /fhir/metadata says what it does.",
        ),
        Refusal::PreconditionRequired => (
            IssueType::Required,
            "Send If-Match with the version you read.",
        ),
        Refusal::Unsupported(why) => (IssueType::NotSupported, why.as_str()),
        Refusal::UnsupportedMediaType(why) => (IssueType::NotSupported, *why),
        Refusal::NotAcceptable => (
            IssueType::NotSupported,
            "This server answers in application/fhir+json.",
        ),
        Refusal::TooLarge(why) => (IssueType::TooLong, *why),
        Refusal::TooMany(seconds) => {
            let words = format!("Too many attempts: try again in {seconds} seconds.");
            return (IssueType::Throttled, words);
        }
        Refusal::Expired(why) => (IssueType::Expired, *why),
        Refusal::Unavailable(why) => (IssueType::Transient, *why),
        Refusal::Invalid { why, .. } | Refusal::Unprocessable { why, .. } => {
            (IssueType::Invalid, why.as_str())
        }
        Refusal::Rules(_) => (IssueType::BusinessRule, "The practice's rules say no."),
    };
    (code, words.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use serde_json::json;

    fn first(body: &[u8]) -> Value {
        let outcome: Value = serde_json::from_slice(body).expect("JSON");
        assert_eq!(outcome["resourceType"], "OperationOutcome");
        outcome["issue"][0].clone()
    }

    #[test]
    fn every_refusal_has_its_code_and_words() {
        for (no, code) in [
            (Refusal::Unauthenticated, "login"),
            (Refusal::Forbidden("No."), "forbidden"),
            (Refusal::NotFound, "not-found"),
            (Refusal::Gone, "deleted"),
            (Refusal::invalid("date", "no date"), "invalid"),
            (Refusal::Conflict("Taken.".to_owned()), "conflict"),
            (Refusal::Stale, "conflict"),
            (Refusal::Several, "multiple-matches"),
            (Refusal::NoMethod, "not-supported"),
            (Refusal::PreconditionRequired, "required"),
            (
                Refusal::Unsupported("Not here.".to_owned()),
                "not-supported",
            ),
            (Refusal::UnsupportedMediaType("JSON."), "not-supported"),
            (Refusal::NotAcceptable, "not-supported"),
            (Refusal::TooLarge("The body."), "too-long"),
            (Refusal::TooMany(7), "throttled"),
            (Refusal::Expired("The link."), "expired"),
            (Refusal::Unavailable("The database."), "transient"),
        ] {
            let issue = first(&refusal(&no));
            assert_eq!(issue["code"], code, "{no:?}");
            assert_eq!(issue["severity"], "error", "{no:?}");
            let words = issue["details"]["text"].as_str().unwrap_or_default();
            assert!(words.len() > 2, "{no:?}");
        }
    }

    #[test]
    fn places_are_paths_or_http_names() {
        for (location, expected) in [
            ("Appointment.start", "Appointment.start"),
            ("$this[1]", "$this[1]"),
            ("_count", "http._count"),
            ("If-Match", "http.If-Match"),
        ] {
            let issue = first(&refusal(&Refusal::invalid(location, "wrong")));
            assert_eq!(issue["expression"], json!([expected]));
            assert_eq!(issue["details"]["text"], format!("{location}: wrong."));
        }
        let issue = first(&refusal(&Refusal::invalid("", "wrong")));
        assert_eq!(issue.get("expression"), None);
    }

    #[test]
    fn every_broken_rule_is_told() {
        let reason = |id| Reason {
            id,
            text: "Please call us.".to_owned(),
            expression: "Appointment.start",
        };
        let body = refusal(&Refusal::Rules(vec![
            reason("cancel.future"),
            reason("cancel.notice"),
        ]));
        let outcome: Value = serde_json::from_slice(&body).expect("JSON");
        let issues = outcome["issue"].as_array().map(Vec::len);
        assert_eq!(issues, Some(2));
        assert_eq!(
            outcome["issue"][1],
            json!({
                "severity": "error",
                "code": "business-rule",
                "details": {"coding": [{"system": REASONS, "code": "cancel.notice"}], "text": "Please call us."},
                "expression": ["Appointment.start"]
            })
        );
    }

    #[test]
    fn breakage_tells_a_request_id_and_a_success_a_sentence() {
        let issue = first(&fault("req-1"));
        assert_eq!(
            (&issue["severity"], &issue["code"]),
            (&json!("fatal"), &json!("exception"))
        );
        assert!(
            issue["details"]["text"]
                .as_str()
                .is_some_and(|words| words.contains("req-1"))
        );
        let issue = first(&information("Done."));
        assert_eq!(issue["code"], "informational");
        assert_eq!(first(LAST_RESORT)["code"], "exception");
    }
}
