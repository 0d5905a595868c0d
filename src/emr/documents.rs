//! Being written.
use crate::domain::access::Reach;
use crate::domain::query::Page;
use crate::domain::query::Query;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::emr::Emr;
pub(super) async fn find(_emr: &Emr, _reach: &Reach, _query: &Query) -> Answer<Page<Record>> {
    Err(Refusal::NotFound.into())
}
pub(super) async fn content(
    _emr: &Emr,
    _reach: &Reach,
    _id: uuid::Uuid,
) -> Answer<crate::domain::records::Content> {
    Err(Refusal::NotFound.into())
}
