//! A change of the chart that is saved with credentials (F085): decided as any other write of Patient, written in the
//! transaction of the credentials.

use axum::http::HeaderMap;
use uuid::Uuid;

use crate::auth::accounts::Alongside;
use crate::db::Tx;
use crate::db::Work;
use crate::domain::ResourceType;
use crate::domain::accounts::Standing;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::fhir::inputs::Inputs;
use crate::http::write::if_match;
use crate::portal::Change;
use crate::portal::chart::ChartAsk;
use crate::portal::chart::Part;
use crate::rest::Rest;
use crate::rest::commit;
use crate::rest::write;
use crate::rest::write::Booked;
use crate::rest::write::Payload;
use crate::rest::write::Prepared;
use crate::rest::write::Request;
use crate::rest::write::Target;

/// A chart's change that may be written.
pub struct ChartBeside<'r> {
    rest: &'r Rest<'r>,
    prepared: Prepared,
}

/// Decides on the Patient in the operation's parameter `resource`, with the request's `If-Match`; nothing where there is
/// none.
///
/// # Errors
/// As [`write::prepare`] for a `PUT` of this patient.
pub async fn change<'r>(
    rest: &'r Rest<'r>,
    patient: Uuid,
    (headers, given): (&HeaderMap, &Inputs),
) -> Answer<Option<ChartBeside<'r>>> {
    let Some(resource) = &given.resource else {
        return Ok(None);
    };
    let (kind, target) = (ResourceType::Patient, Target::Known(patient));
    let request = Request {
        kind,
        target,
        payload: Payload::Resource(resource.to_string().into_bytes()),
        if_match: if_match(headers)?,
        if_none_exist: None,
        booked: Booked::default(),
    };
    match write::prepare(rest, request).await {
        Ok(prepared) => Ok(Some(ChartBeside { rest, prepared })),
        Err(Failure::Refused(refusal)) => {
            write::refused(rest, (kind, target), &refusal).await?;
            Err(refusal.into())
        }
        Err(broken) => Err(broken),
    }
}

impl ChartBeside<'_> {
    /// How the patient stands once it is saved: the credentials are for that chart, and so is a letter.
    pub fn over(&self, mut standing: Standing) -> Standing {
        let Some(Change::Chart(change)) = self.prepared.change() else {
            return standing;
        };
        let ChartAsk::Edit(edit) = &change.ask else {
            return standing;
        };
        for (part, text) in &edit.parts {
            let said = match part {
                Part::First => &mut standing.first,
                Part::Family => &mut standing.last,
                Part::HomePhone => &mut standing.home_phone,
                Part::PostalCode => &mut standing.zip,
                Part::Email => &mut standing.email,
                _ => continue,
            };
            said.clone_from(text);
        }
        standing
    }
}

impl Alongside for ChartBeside<'_> {
    fn write<'t>(&'t self, tx: &'t mut Tx) -> Work<'t, ()> {
        Box::pin(commit::within(self.rest, tx, &self.prepared))
    }
}
