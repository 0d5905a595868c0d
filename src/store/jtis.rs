//! Names of client assertions that were seen (`anteroom_jti`), so that none works twice on any replica
//! (RFC 7523, 3, item 7).

use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;

/// The row's key is what makes it once: of any number of replicas, one writes it.
const ADD: &str = "anteroom_jti (name, expires) VALUES (?, ?)";

/// Remembers an assertion by its fingerprint until `expires`, in seconds since 1970; false where it was seen before.
///
/// # Errors
/// As [`Tx::run`].
pub async fn first(tx: &mut Tx, name: &str, expires: i64) -> Answer<bool> {
    let sql = Sql::new(tx.insert_new()).push(ADD).bind(name).bind(expires);
    Ok(tx.run(sql).await? > 0)
}
