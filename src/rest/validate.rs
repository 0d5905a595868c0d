//! `$validate`: what the gate, the profiles and the rules of writing would say about a resource, without writing it.

use serde_json::Value;
use serde_json::json;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Fault;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::fhir;
use crate::fhir::Writable;
use crate::fhir::body;
use crate::fhir::inputs::Inputs;
use crate::fhir::outcome;
use crate::fhir::requirements;
use crate::rest::Answered;
use crate::rest::Rest;
use crate::rest::read;
use crate::rest::write;
use crate::rest::write::Booked;
use crate::rest::write::Payload;
use crate::rest::write::Request;
use crate::rest::write::Target;

const NAMES: [&str; 3] = ["resource", "mode", "profile"];

/// What the resource is looked at for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Its form and profile, and what writing it would say where it can be written.
    Unsaid,
    /// That it is created.
    Create,
    /// That it becomes the record of the address.
    Update,
    /// That the record of the address is removed.
    Delete,
    /// Its form and profile alone.
    Profile,
}

/// Looks at a resource, or at the record of the address where none is sent.
///
/// # Errors
/// `Forbidden` where no scope opens anything of the type; as a read for an instance; `Invalid` at a parameter.
pub async fn validate(
    rest: &Rest<'_>,
    (kind, id): (ResourceType, Option<&str>),
    inputs: &Inputs,
) -> Answer<Answered> {
    let any = [
        Interaction::Create,
        Interaction::Update,
        Interaction::Search,
    ];
    if !any
        .into_iter()
        .any(|one| rest.grant.reach(kind, one).is_ok())
    {
        rest.grant.reach(kind, Interaction::Read)?;
    }
    inputs.only("$validate", &NAMES)?;
    let mode = mode(inputs.one("mode")?, id.is_some())?;
    let record = match id {
        Some(id) => Some(named(rest, kind, id).await?),
        None => None,
    };
    let sent = match (&inputs.resource, &record) {
        (Some(resource), _) => written(resource)?,
        (None, Some(record)) if mode != Mode::Delete => fhir::encode(record, rest.base)?,
        (None, Some(_)) => Vec::new(),
        (None, None) => {
            let why = "send a resource, alone or as the parameter resource";
            return Err(Refusal::invalid("resource", why).into());
        }
    };
    let mut issues = Vec::new();
    if mode == Mode::Delete {
        issues.extend(told(&Refusal::NoMethod)?);
    } else {
        let profile = inputs.one("profile")?;
        looked_at(
            rest,
            (kind, mode),
            (&sent, profile),
            record.as_ref(),
            &mut issues,
        )
        .await?;
    }
    if !issues.iter().any(|issue| issue["severity"] == "error") {
        issues.push(issue("information", "informational", "No error was found."));
    }
    let outcome = json!({"resourceType": "OperationOutcome", "issue": issues});
    let mut answered = Answered::found(written(&outcome)?);
    let name = kind.name();
    let resource = record
        .as_ref()
        .map_or(name.to_owned(), |one| format!("{name}/{}", one.id()));
    let mut note = rest.entry(format!("{name}.validate"), resource);
    let person = record.as_ref().and_then(Record::person);
    note.patient = person.map(|person| person.uuid).or(note.patient);
    answered.notes.push(note);
    Ok(answered)
}

async fn named(rest: &Rest<'_>, kind: ResourceType, id: &str) -> Answer<Record> {
    let reach = rest.grant.reach(kind, Interaction::Read)?;
    let id = id.parse::<Uuid>().map_err(|_| Refusal::NotFound)?;
    read::or_gone(rest, &reach, id).await
}

fn mode(said: Option<&str>, is_record: bool) -> Result<Mode, Refusal> {
    let why = match (said, is_record) {
        (None, false) => return Ok(Mode::Unsaid),
        (None | Some("update"), true) => return Ok(Mode::Update),
        (Some("create"), false) => return Ok(Mode::Create),
        (Some("delete"), true) => return Ok(Mode::Delete),
        (Some("profile"), _) => return Ok(Mode::Profile),
        (Some("update" | "delete"), false) => "this is asked at the address of the record",
        (Some("create"), true) => "this is asked at the address of the type",
        _ => "this is create, update, delete or profile",
    };
    Err(Refusal::invalid("mode", why))
}

/// The gate, then the profile, then the rules.
async fn looked_at(
    rest: &Rest<'_>,
    (kind, mode): (ResourceType, Mode),
    (sent, profile): (&[u8], Option<&str>),
    record: Option<&Record>,
    issues: &mut Vec<Value>,
) -> Answer<()> {
    let body = match body::read(sent, kind) {
        Ok(body) => body,
        Err(Failure::Refused(refusal)) => {
            issues.extend(told(&refusal)?);
            return Ok(());
        }
        Err(broken) => return Err(broken),
    };
    // What nobody asked about is said, but the server fills in some of it itself.
    let severity = if profile.is_some() {
        "error"
    } else {
        "warning"
    };
    match requirements::check(kind, &body.json, profile) {
        Some(findings) => issues.extend(findings.into_iter().map(|finding| {
            let words = format!("{}: {}.", finding.place, finding.why);
            let mut issue = issue(severity, "structure", &words);
            issue["expression"] = json!([finding.place]);
            issue
        })),
        None => {
            let words = "This profile is not known here: StructureDefinition lists those that are.";
            issues.push(issue("error", "not-supported", words));
        }
    }
    if mode == Mode::Profile {
        return Ok(());
    }
    let served = fhir::served(kind).ok_or(Refusal::NotFound)?;
    let (interaction, lists) = match record {
        Some(_) => (Interaction::Update, served.update),
        None => (Interaction::Create, served.create),
    };
    if mode == Mode::Unsaid && is_read_only(lists) {
        let words = "This type is read only here: only form and profile were looked at.";
        issues.push(issue("information", "informational", words));
        return Ok(());
    }
    if !is_read_only(lists) && rest.grant.reach(kind, interaction).is_err() {
        let words = "The token's scope does not open writing: its rules were not asked.";
        issues.push(issue("information", "informational", words));
        return Ok(());
    }
    let target = match record {
        Some(record) => Target::Known(record.id()),
        None => Target::New(rest.new_id()?),
    };
    let request = Request {
        kind,
        target,
        payload: Payload::Resource(sent.to_vec()),
        if_match: record.map(Record::version),
        if_none_exist: None,
        booked: Booked::default(),
    };
    match write::prepare(rest, request).await {
        Ok(_) => Ok(()),
        Err(Failure::Refused(refusal)) => {
            issues.extend(told(&refusal)?);
            Ok(())
        }
        Err(broken) => Err(broken),
    }
}

fn is_read_only(lists: Writable) -> bool {
    lists.patient.is_empty() && lists.staff.is_empty()
}

/// The issues a refusal is told by.
fn told(refusal: &Refusal) -> Result<Vec<Value>, Fault> {
    let outcome: Value = serde_json::from_slice(&outcome::refusal(refusal))
        .map_err(|error| Fault::new("reading an outcome of our own", error))?;
    Ok(outcome["issue"].as_array().cloned().unwrap_or_default())
}

fn issue(severity: &str, code: &str, words: &str) -> Value {
    json!({"severity": severity, "code": code, "details": {"text": words}})
}

fn written(json: &Value) -> Result<Vec<u8>, Fault> {
    serde_json::to_vec(json).map_err(|error| Fault::new("writing JSON", error))
}
