//! Forms: put before a patient, filled in, signed. Pages and operations come the same way as every write: decided, then
//! written with its line in the ledger.

use serde_json::Value;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::access::Reach;
use crate::domain::forms::Answers;
use crate::domain::forms::Form;
use crate::domain::forms::TICKED;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::emr::forms;
use crate::emr::writing;
use crate::fhir;
use crate::fhir::ask;
use crate::fhir::ask::Role;
use crate::fhir::ask::Sent;
use crate::fhir::body;
use crate::fhir::inputs::Inputs;
use crate::fhir::outcome;
use crate::fhir::questionnaire;
use crate::fhir::questionnaire::Named;
use crate::portal;
use crate::portal::Ask;
use crate::portal::form::Fill;
use crate::portal::form::FormAsk;
use crate::portal::form::Signature;
use crate::portal::form::keep::KeepAsk;
use crate::rest::Answered;
use crate::rest::How;
use crate::rest::Rest;
use crate::rest::commit;
use crate::rest::commit::Committed;
use crate::rest::commit::Settled;
use crate::rest::read;
use crate::rest::records;
use crate::rest::write::Plan;
use crate::rest::write::Prepared;
use crate::rest::write::Write;
use crate::store::ledger;
use crate::store::ledger::Outcome;

/// What the type of a form is.
pub const KIND: ResourceType = ResourceType::DocumentReference;

/// The parameters of `$sign`.
const NAMES: [&str; 3] = ["name", "drawing", "agreed"];

/// Items within one another at most.
const DEEPEST: usize = 8;

/// Signed forms of one page.
const PAGE: u32 = 25;

/// The forms that wait for a patient, the newest first.
///
/// # Errors
/// As [`forms::open_of`].
pub async fn open(rest: &Rest<'_>, reach: &Reach) -> Answer<Vec<Form>> {
    forms::open_of(rest.emr, reach).await
}

/// Those a patient has signed, from behind one on, and the last of them where there are more.
///
/// # Errors
/// As [`forms::signed_of`].
pub async fn signed(
    rest: &Rest<'_>,
    reach: &Reach,
    behind: Option<Uuid>,
) -> Answer<(Vec<Form>, Option<Uuid>)> {
    forms::signed_of(rest.emr, reach, (behind, PAGE)).await
}

/// One form.
///
/// # Errors
/// `NotFound` where it is not there for this caller.
pub async fn one(rest: &Rest<'_>, id: Uuid) -> Answer<Form> {
    let reach = rest.grant.reach(KIND, Interaction::Read)?;
    forms::read(rest.emr, &reach, id).await
}

/// Puts a form before a patient; the Task it is.
///
/// # Errors
/// `Rules` with every broken rule.
pub async fn put(
    rest: &Rest<'_>,
    (patient, template): (Uuid, Uuid),
    category: &str,
) -> Answer<Settled> {
    let kind = ResourceType::Task;
    let reach = rest.grant.reach(kind, Interaction::Create)?;
    let ask = FormAsk::Put {
        patient,
        template,
        category: category.to_owned(),
    };
    let about = (kind, rest.new_id()?);
    done(rest, (&reach, ask), about, ("Task.create", Some(patient))).await
}

/// Keeps a form for all patients; the Questionnaire it is.
///
/// # Errors
/// `Rules` with every broken rule.
pub async fn keep(rest: &Rest<'_>, ask: KeepAsk) -> Answer<Settled> {
    let kind = ResourceType::Questionnaire;
    let reach = rest.grant.reach(kind, Interaction::Create)?;
    let about = (kind, ask.id);
    let ask = FormAsk::Keep(Box::new(ask));
    done(rest, (&reach, ask), about, (commit::TEMPLATE, None)).await
}

/// The form that a Questionnaire asks for which staff paste: read and judged as one that an app sends to be created.
///
/// # Errors
/// `Invalid` and `Unprocessable` at the element that cannot be kept.
pub fn pasted(rest: &Rest<'_>, text: &str) -> Answer<KeepAsk> {
    let kind = ResourceType::Questionnaire;
    let served = fhir::served(kind).ok_or(Refusal::NotFound)?;
    let body = body::read(text.as_bytes(), kind)?;
    let changed = body::changed(kind, (None, &body.json), served.create.staff)?;
    let sent = Sent {
        kind,
        id: rest.new_id()?,
        role: Role::Staff,
        seen: None,
        before: None,
        resource: body.resource,
        changed,
    };
    let why = "this is no form that can be kept here";
    match ask::of(sent, rest.base).map_err(Refusal::understood)? {
        Ask::Form(form) => match *form {
            FormAsk::Keep(ask) => Ok(*ask),
            FormAsk::Put { .. } | FormAsk::Fill(_) => Err(Refusal::invalid("$this", why).into()),
        },
        _ => Err(Refusal::invalid("$this", why).into()),
    }
}

/// Keeps answers, or signs.
///
/// # Errors
/// `Rules` with every broken rule; `Conflict` where it was signed or changed at the same moment.
pub async fn fill(rest: &Rest<'_>, fill: Fill) -> Answer<Settled> {
    let reach = rest.grant.reach(KIND, Interaction::Update)?;
    let id = fill.form;
    let action = match fill.signature {
        Some(_) => "DocumentReference.sign",
        None => "DocumentReference.fill",
    };
    let patient = reach.patient().map(|person| person.uuid);
    let ask = FormAsk::Fill(fill);
    done(rest, (&reach, ask), (KIND, id), (action, patient)).await
}

async fn done(
    rest: &Rest<'_>,
    (reach, ask): (&Reach, FormAsk),
    (kind, id): (ResourceType, Uuid),
    (action, patient): (&str, Option<Uuid>),
) -> Answer<Settled> {
    let done = written(rest, (reach, ask), (kind, id), patient).await;
    let reason = match &done {
        Err(Failure::Refused(Refusal::Rules(reasons))) => {
            let ids: Vec<&str> = reasons.iter().map(|reason| reason.id).collect();
            ids.join(" ")
        }
        Err(Failure::Refused(Refusal::Conflict(_))) => "conflict".to_owned(),
        _ => return done,
    };
    let mut entry = rest.entry(action.to_owned(), format!("{}/{id}", kind.name()));
    entry.outcome = Outcome::Refused;
    entry.reason = reason;
    entry.patient = patient.or(entry.patient);
    ledger::record_all(&rest.emr.db, &[entry]).await?;
    done
}

async fn written(
    rest: &Rest<'_>,
    (reach, ask): (&Reach, FormAsk),
    (kind, id): (ResourceType, Uuid),
    patient: Option<Uuid>,
) -> Answer<Settled> {
    let permit = decided(rest, reach, ask).await?;
    let write = Write {
        permit,
        before: None,
        method: "POST",
        patient,
        seen: None,
        condition: None,
    };
    let prepared = Prepared {
        kind,
        id,
        plan: Plan::Write(Box::new(write)),
    };
    match commit::commit(rest, &[prepared], None).await? {
        Committed::Done(settled) => {
            let last = settled.into_iter().next_back();
            last.ok_or_else(|| Refusal::NotFound.into())
        }
        Committed::Beaten => Err(Refusal::Unavailable("Too many equal requests at once.").into()),
    }
}

async fn decided(rest: &Rest<'_>, reach: &Reach, ask: FormAsk) -> Answer<portal::Permit> {
    let ask = Ask::Form(Box::new(ask));
    let case = writing::case(rest.emr, rest.grant, reach, (ask, rest.rules)).await?;
    Ok(portal::decide(case).permit()?)
}

/// `DocumentReference/[id]/$sign`: answered with the document as it stands then.
///
/// # Errors
/// `Invalid` at a parameter; otherwise as [`fill`].
pub async fn sign(rest: &Rest<'_>, id: Uuid, inputs: &Inputs) -> Answer<Answered> {
    rest.grant.reach(KIND, Interaction::Update)?;
    let text = |name: &'static str| Ok::<_, Refusal>(inputs.one(name)?.unwrap_or_default());
    if let Some((name, _)) = inputs
        .pairs
        .iter()
        .find(|(name, _)| !NAMES.contains(&name.as_str()) && !name.starts_with('_'))
    {
        let why = "$sign takes name, drawing, agreed and answers";
        return Err(Refusal::invalid(name.clone(), why).into());
    }
    let agreed = match text("agreed")? {
        "true" => true,
        "" | "false" => false,
        _ => return Err(Refusal::invalid("agreed", "this is true or false").into()),
    };
    let answers = inputs.resource.as_ref().map(answers).transpose()?;
    if let Some(response) = &inputs.resource {
        answered_this(rest, id, &response["questionnaire"]).await?;
    }
    let signature = Signature {
        name: text("name")?.to_owned(),
        drawing: text("drawing")?.to_owned(),
        agreed,
    };
    let ask = Fill {
        form: id,
        answers,
        signature: Some(signature),
        seen: None,
        tablet: None,
    };
    fill(rest, ask).await?;
    // Who may write and not read is told that it is done, and no more.
    let Ok(reach) = rest.grant.reach(KIND, Interaction::Read) else {
        return Ok(Answered::found(outcome::information("The form is signed.")));
    };
    let record = records::read(rest, &reach, id).await?;
    let mut answered = read::shown(rest, &record)?;
    answered.how = How::Updated;
    Ok(answered)
}

/// Whether what is named as that which was answered asks what the form asks. Who names nothing answers the form itself.
async fn answered_this(rest: &Rest<'_>, id: Uuid, named: &Value) -> Answer<()> {
    let wrong = |why: &str| -> Answer<()> {
        let place = "QuestionnaireResponse.questionnaire";
        Err(Refusal::invalid(place, why).understood().into())
    };
    let named = match named {
        Value::Null => return Ok(()),
        Value::String(canonical) => questionnaire::named(canonical, rest.base),
        _ => return wrong("this is a canonical"),
    };
    let reach = rest.grant.reach(KIND, Interaction::Update)?;
    let form = forms::read(rest.emr, &reach, id).await?;
    let fits = match named {
        // A signed form has its own rule.
        _ if !form.state.is_open() => true,
        Named::Contained => true,
        Named::Here(named) => forms::is_of(rest.emr, &form, named).await?,
        Named::Elsewhere => false,
    };
    match fits {
        true => Ok(()),
        false => wrong(
            "this is not what the form asks: it was changed since the form was put before the patient, or is another one. \
             Show and answer the Questionnaire that is contained in the DocumentReference, and name it #questions or nothing",
        ),
    }
}

/// The answers of a QuestionnaireResponse.
///
/// # Errors
/// `Invalid` where it is none, or holds an answer that is not of one value.
pub fn answers(response: &Value) -> Result<Answers, Refusal> {
    if response["resourceType"] != "QuestionnaireResponse" {
        let why = "this is a QuestionnaireResponse";
        return Err(Refusal::invalid("answers", why));
    }
    let mut answers = Answers::new();
    gather(&response["item"], &mut answers, 0)?;
    Ok(answers)
}

fn gather(items: &Value, answers: &mut Answers, depth: usize) -> Result<(), Refusal> {
    let wrong = |why: &str| Refusal::invalid("QuestionnaireResponse.item", why);
    let items = match items {
        Value::Null => return Ok(()),
        Value::Array(items) if depth < DEEPEST => items,
        Value::Array(_) => return Err(wrong("items are too deep within one another")),
        _ => return Err(wrong("this is a JSON array")),
    };
    for item in items {
        let Some(id) = item["linkId"].as_str() else {
            return Err(wrong("an item has a linkId"));
        };
        gather(&item["item"], answers, depth + 1)?;
        let given = match &item["answer"] {
            Value::Null => continue,
            Value::Array(all) if all.len() <= 1 => all.first(),
            _ => return Err(wrong("an item has one answer here")),
        };
        let Some(given) = given else { continue };
        let value = given
            .as_object()
            .into_iter()
            .flatten()
            .find_map(|(name, value)| name.starts_with("value").then_some(value));
        let text = match value {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Bool(true)) => TICKED.to_owned(),
            Some(Value::Bool(false)) => String::new(),
            Some(Value::Object(coding)) => coding
                .get("display")
                .or_else(|| coding.get("code"))
                .and_then(Value::as_str)
                .ok_or_else(|| wrong("a coding has a code"))?
                .to_owned(),
            _ => return Err(wrong("this answer can not be kept")),
        };
        if answers.insert(id.to_owned(), text).is_some() {
            return Err(wrong("this linkId comes twice"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn f153_answers_are_read_from_a_response() {
        let found = answers(&json!({"resourceType": "QuestionnaireResponse", "item": [
            {"linkId": "1", "answer": [{"valueString": "Ana"}]},
            {"linkId": "2", "item": [{"linkId": "3", "answer": [{"valueBoolean": true}]}]},
            {"linkId": "4", "answer": [{"valueCoding": {"code": "Yes"}}]},
            {"linkId": "5"}]}))
        .expect("answers");
        let pairs: Vec<(&str, &str)> = found
            .iter()
            .map(|(a, b)| (a.as_str(), b.as_str()))
            .collect();
        assert_eq!(pairs, [("1", "Ana"), ("3", TICKED), ("4", "Yes")]);
        for wrong in [
            json!({"resourceType": "Patient"}),
            json!({"resourceType": "QuestionnaireResponse", "item": {}}),
            json!({"resourceType": "QuestionnaireResponse", "item": [{"answer": []}]}),
            json!({"resourceType": "QuestionnaireResponse", "item": [{"linkId": "1", "answer": [{}, {}]}]}),
            json!({"resourceType": "QuestionnaireResponse", "item": [{"linkId": "1", "answer": [{"valueX": []}]}]}),
        ] {
            assert!(answers(&wrong).is_err(), "{wrong}");
        }
    }
}
