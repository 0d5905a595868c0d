//! Charts by an e-mail address: where somebody who is not logged in says who they are, and the rest of what they say is
//! compared with them.

use sqlx::FromRow;

use crate::db::sql::Sql;
use crate::domain::accounts::Standing;
use crate::domain::refusal::Answer;
use crate::emr::Emr;
use crate::emr::standing;
use crate::emr::standing::Which;

const BY_EMAIL: &str = "SELECT pid FROM patient_data WHERE email = ?";

/// OpenEMR's own reset looks at the trusted address too (facts 1.1); version 6.1 and older have none.
const OR_TRUSTED: &str = " OR email_direct = ?";

/// More charts than this share no mailbox that anybody should open an account by.
const MOST: u32 = 50;

#[derive(FromRow)]
struct Row {
    pid: i64,
}

/// The charts with this contact or trusted address, whatever its case.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn by_email(emr: &Emr, email: &str) -> Answer<Vec<Standing>> {
    let email = email.trim();
    if email.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new(BY_EMAIL).bind(email);
    if emr.layout.has("patient_data", "email_direct") {
        sql = sql.push(OR_TRUSTED).bind(email);
    }
    let rows: Vec<Row> = emr.db.all(sql.limit(MOST)).await?;
    let pids: Vec<i64> = rows.into_iter().map(|row| row.pid).collect();
    if pids.is_empty() {
        return Ok(Vec::new());
    }
    // The collation takes é for e; a mailbox does not.
    let same = |held: &str| held.trim().to_lowercase() == email.to_lowercase();
    let found = standing::find(emr, &Which::Pids(&pids)).await?;
    Ok(found
        .into_iter()
        .filter(|one| same(&one.email) || same(&one.trusted_email))
        .collect())
}
