//! What was pressed on the page of a request, as an app would send it.

use serde_json::Value;
use serde_json::json;
use uuid::Uuid;

use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::tasks::Work;
use crate::http::forms::Form;
use crate::http::requests;
use crate::rest::Rest;

/// Does what was decided; the word for it.
///
/// # Errors
/// `Invalid` at the field of the form that is missing; otherwise as [`requests::decided`].
pub(super) async fn decide(rest: &Rest<'_>, id: Uuid, form: &Form) -> Answer<&'static str> {
    let reason = form.text("reason").trim().to_owned();
    let mut patch = Vec::new();
    let mut add = |path: &str, value: Value| {
        patch.push(json!({"op": "add", "path": path, "value": value}));
    };
    let word = match form.text("decision").as_str() {
        "reject" => {
            add("/status", json!("rejected"));
            add("/statusReason", json!({ "text": said_why(&reason)? }));
            "reject"
        }
        "accept" => {
            let (task, _) = requests::task(rest, id).await?;
            let parts = form.all("part");
            let left = task
                .asked
                .iter()
                .filter(|one| !parts.contains(&one.element));
            let left: Vec<&str> = left.map(|one| one.element.as_str()).collect();
            if !left.is_empty() && left.len() == task.asked.len() {
                let why = "Tick what is taken over, or refuse all of it.";
                return Err(Refusal::invalid("part", why).into());
            }
            let mut outputs = Vec::new();
            for element in &left {
                let why = said_why(&reason)?;
                outputs.push(
                    json!({"type": {"text": format!("refused: {element}")}, "valueString": why}),
                );
            }
            // What is left as it was shown is no wish to move it.
            let category = form.text("category");
            let moves = !category.is_empty() && category != form.text("filed");
            if moves && task.work == Work::Document {
                outputs.push(json!({"type": {"text": "category"}, "valueString": category}));
            }
            add("/status", json!("completed"));
            if !outputs.is_empty() {
                add("/output", Value::Array(outputs));
            }
            match left.is_empty() {
                true => "accept",
                false => "part",
            }
        }
        _ => {
            let why = "Please use one of the buttons on the page.";
            return Err(Refusal::invalid("decision", why).into());
        }
    };
    // A click on what was shown when the page was made is none on what the patient asked for since.
    requests::decided(rest, (id, &form.text("seen")), &Value::Array(patch)).await?;
    Ok(word)
}

fn said_why(reason: &str) -> Result<&str, Refusal> {
    match reason {
        "" => Err(Refusal::invalid(
            "reason",
            "Say why, for the patient to read.",
        )),
        reason => Ok(reason),
    }
}
