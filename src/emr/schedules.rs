//! The calendars of providers who can be booked.

use crate::domain::access::Reach;
use crate::domain::query::Page;
use crate::domain::query::Query;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::emr::Emr;

/// A page of them.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub(super) async fn find(emr: &Emr, reach: &Reach, query: &Query) -> Answer<Page<Record>> {
    let _ = (emr, reach, query);
    Ok(Page {
        records: Vec::new(),
        next: None,
    })
}
