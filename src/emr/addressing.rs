//! Who of the practice takes messages from patients (`users.portal_user`), as whoever administers users says (F142).

use sqlx::FromRow;

use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::access::Grant;
use crate::domain::access::Reach;
use crate::domain::access::Right;
use crate::domain::access::User;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::emr::Emr;
use crate::emr::writing::Written;
use crate::portal::Case;
use crate::portal::addressee::AddresseeAsk;
use crate::portal::addressee::AddresseeCase;

/// Both columns may be empty, which is no.
const FIND: &str = "SELECT id, CASE WHEN active = 1 THEN 1 ELSE 0 END AS active, \
    CASE WHEN portal_user = 1 THEN 1 ELSE 0 END AS takes FROM users WHERE uuid = ?";

/// The account must be as the rules saw it.
const SET: &str = "UPDATE users SET portal_user = ? WHERE id = ? \
    AND CASE WHEN portal_user = 1 THEN 1 ELSE 0 END = ?";

#[derive(FromRow)]
struct Row {
    id: i64,
    active: i64,
    takes: i64,
}

/// What the rules must know.
///
/// # Errors
/// `NotFound` for an account there is none of; `Forbidden` for a token that is about one patient.
pub(super) async fn case(
    emr: &Emr,
    grant: &Grant,
    reach: &Reach,
    ask: AddresseeAsk,
) -> Answer<Case> {
    if reach.patient().is_some() {
        let why = "Who takes messages is no matter of one patient: it needs user/Practitioner.u.";
        return Err(Refusal::Forbidden(why).into());
    }
    let row: Option<Row> = emr.db.one(Sql::new(FIND).bind(ask.colleague)).await?;
    let row = row.ok_or(Refusal::NotFound)?;
    Ok(Case::Addressee(AddresseeCase {
        ask,
        row: row.id,
        takes: row.takes == 1,
        active: row.active == 1,
        may: match grant.user() {
            User::Staff(staff) => staff.has(Right::Users),
            User::Patient(_) | User::System => false,
        },
    }))
}

/// Writes it down.
///
/// # Errors
/// `Conflict` where it was said otherwise since the rules looked.
pub(super) async fn apply(tx: &mut Tx, case: &AddresseeCase) -> Answer<Written> {
    let sql = Sql::new(SET)
        .bind(i64::from(case.ask.takes))
        .bind(case.row)
        .bind(i64::from(case.takes));
    match tx.run(sql).await? {
        0 => {
            let why = "The account was changed by somebody else at the same moment.";
            Err(Refusal::Conflict(why.to_owned()).into())
        }
        _ => Ok(Written::Record(case.ask.colleague)),
    }
}
