//! What `$portal-invite` answers: Parameters for one patient, and for many a Bundle with what became of each.

use serde_json::Value;
use serde_json::json;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::fhir::Base;
use crate::fhir::outcome::REASONS;

/// The path of a job's status below the base, before its id.
pub const PLACE: &str = "$portal-job";

/// What became of an invitation.
const RESULTS: &str = "https://anteroom.dev/fhir/CodeSystem/invite-result";

/// Each result that is no refusal, with the sentence for it.
const SAID: [(&str, &str); 6] = [
    ("invited", "An invitation is on its way."),
    (
        "reset-sent",
        "There is a login already: a letter to reset it is on its way.",
    ),
    (
        "skipped-recently",
        "A letter went out a short while ago: none was sent now.",
    ),
    ("waiting", "This patient's turn has not come yet."),
    (
        "stopped",
        "Somebody stopped the job before this patient's turn came.",
    ),
    (
        "failed",
        "Something broke here more than once. Try this patient again later.",
    ),
];

/// What became of one patient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Result {
    /// The place in the job.
    pub number: i64,
    /// Who; `None` for a chart that is not there any more.
    pub patient: Option<Uuid>,
    /// A code of the results, or of the rule that was broken first.
    pub code: String,
    /// Code and sentence of every broken rule.
    pub reasons: Vec<(String, String)>,
}

/// A letter that went out to one patient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent<'s> {
    /// `invite` or `reset`.
    pub letter: &'s str,
    /// Until when its link works, as FHIR's instant.
    pub expires: String,
    /// What is asked for beside the link: `birth-date`, `pin` or `none`.
    pub factor: &'s str,
    /// The PIN, which is shown this once.
    pub pin: Option<&'s str>,
}

/// The URL of a job's status.
pub fn url(base: &Base, id: Uuid) -> String {
    format!("{}/{PLACE}/{id}", base.url())
}

/// The Parameters that tell of one letter.
pub fn sent(sent: &Sent<'_>) -> Vec<u8> {
    let mut all = vec![
        json!({"name": "letter", "valueCode": sent.letter}),
        json!({"name": "expires", "valueInstant": sent.expires}),
        json!({"name": "factor", "valueCode": sent.factor}),
    ];
    all.extend(
        sent.pin
            .map(|pin| json!({"name": "pin", "valueString": pin})),
    );
    json!({"resourceType": "Parameters", "parameter": all})
        .to_string()
        .into_bytes()
}

/// A page of results as a Bundle, one entry a patient, each with an OperationOutcome.
pub fn results(base: &Base, id: Uuid, page: &[Result], more: bool) -> Vec<u8> {
    let entries: Vec<Value> = page.iter().map(|one| entry(base, one)).collect();
    let own = url(base, id);
    let mut links = vec![json!({"relation": "self", "url": own})];
    if let (true, Some(last)) = (more, page.last()) {
        links.push(json!({"relation": "next", "url": format!("{own}?_after={}", last.number)}));
    }
    let mut bundle = json!({
        "resourceType": "Bundle",
        "type": "batch-response",
        "link": links,
    });
    if !entries.is_empty() {
        bundle["entry"] = Value::Array(entries);
    }
    bundle.to_string().into_bytes()
}

fn entry(base: &Base, one: &Result) -> Value {
    let said = SAID.iter().find(|(code, _)| *code == one.code);
    let issue = |severity: &str, kind: &str, (system, code, text): (&str, &str, &str)| {
        json!({
            "severity": severity,
            "code": kind,
            "details": {"coding": [{"system": system, "code": code}], "text": text},
        })
    };
    let (status, issues) = match said {
        Some((code @ ("invited" | "reset-sent" | "skipped-recently"), text)) => {
            let told = (RESULTS, *code, *text);
            ("200 OK", vec![issue("information", "informational", told)])
        }
        Some((code @ "failed", text)) => {
            let told = (RESULTS, *code, *text);
            (
                "500 Internal Server Error",
                vec![issue("error", "exception", told)],
            )
        }
        Some((code, text)) => {
            let told = (RESULTS, *code, *text);
            ("202 Accepted", vec![issue("warning", "incomplete", told)])
        }
        None if one.code == "not-found" => {
            let told = (RESULTS, "not-found", "This chart is not there any more.");
            ("404 Not Found", vec![issue("error", "not-found", told)])
        }
        None => {
            let reasons = one.reasons.iter();
            let reasons = reasons.map(|(code, text)| {
                issue(
                    "error",
                    "business-rule",
                    (REASONS, code.as_str(), text.as_str()),
                )
            });
            ("422 Unprocessable Entity", reasons.collect())
        }
    };
    let mut response = json!({
        "status": status,
        "outcome": {"resourceType": "OperationOutcome", "issue": issues},
    });
    if let Some(id) = one.patient {
        response["location"] = json!(base.of(ResourceType::Patient, id));
    }
    json!({ "response": response })
}
