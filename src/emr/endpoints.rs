//! The one Endpoint: where this server is, so that a role can say whom to ask about its patients.

use uuid::Uuid;

use crate::domain::access::Reach;
use crate::domain::query::Page;
use crate::domain::query::Query;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::staffing::Endpoint;
use crate::emr::Emr;
use crate::emr::names::named;

/// The id of the Endpoint, the same in every practice.
pub(super) fn id() -> Uuid {
    named("endpoint", 1)
}

/// The Endpoint, unless the query is about others.
pub(super) async fn find(emr: &Emr, reach: &Reach, query: &Query) -> Answer<Page<Record>> {
    let uuid = id();
    let asked = query.ids.as_ref().is_none_or(|ids| ids.contains(&uuid));
    let shown = asked && query.after.is_none() && query.count > 0 && reach.filters().is_none();
    let practice = emr.practice().await?;
    let endpoint = Endpoint {
        uuid,
        name: practice.name.clone(),
        organization: practice.organization,
    };
    Ok(Page {
        records: shown
            .then(|| Record::Endpoint(Box::new(endpoint)))
            .into_iter()
            .collect(),
        next: None,
    })
}
