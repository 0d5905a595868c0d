//! Everything of a patient's record, entry by entry, for a Bundle that is written while it is sent: the pages of `$everything`
//! one after the other, each record once.

use std::collections::HashSet;

use serde_json::Value;
use uuid::Uuid;

use crate::domain::refusal::Answer;
use crate::domain::refusal::Fault;
use crate::fhir::inputs::Inputs;
use crate::rest::Rest;
use crate::rest::everything;

/// Records of a page.
const COUNT: &str = "200";

/// How far it is.
pub struct Whole {
    id: Uuid,
    next: Option<String>,
    begun: bool,
    told: HashSet<String>,
}

/// The record of this patient, from its beginning.
pub fn of(id: Uuid) -> Whole {
    Whole {
        id,
        next: None,
        begun: false,
        told: HashSet::new(),
    }
}

impl Whole {
    /// The entries of the next page, each as JSON with `fullUrl` and `resource`; `None` after the last.
    ///
    /// # Errors
    /// As [`everything::everything`].
    pub async fn page(&mut self, rest: &Rest<'_>) -> Answer<Option<Vec<String>>> {
        let pair = match (self.begun, self.next.take()) {
            (true, None) => return Ok(None),
            (_, Some(link)) => ("_page", link),
            (false, None) => ("_count", COUNT.to_owned()),
        };
        self.begun = true;
        let inputs = Inputs {
            pairs: vec![(pair.0.to_owned(), pair.1)],
            resource: None,
        };
        let answered = everything::everything(rest, &self.id.to_string(), &inputs).await?;
        let bundle: Value = serde_json::from_slice(&answered.body)
            .map_err(|error| Fault::new("reading a page of a record", error))?;
        self.next = following(&bundle);
        let entries = bundle["entry"].as_array().into_iter().flatten();
        let mut page = Vec::new();
        for entry in entries {
            let url = entry["fullUrl"].as_str().unwrap_or_default();
            if self.told.insert(url.to_owned()) {
                let one = serde_json::json!({"fullUrl": url, "resource": entry["resource"]});
                page.push(one.to_string());
            }
        }
        Ok(Some(page))
    }
}

/// What the link to the next page carries.
fn following(bundle: &Value) -> Option<String> {
    let links = bundle["link"].as_array()?;
    let next = links.iter().find(|link| link["relation"] == "next")?;
    let (_, link) = next["url"].as_str()?.split_once("_page=")?;
    Some(link.to_owned())
}
