//! What OpenEMR's access control (phpGACL, OpenEMR facts 1.21) gives a member of staff. In this room because the look-up
//! of a token needs it; only [`Right`]s leave it.

use sqlx::FromRow;

use crate::db::Db;
use crate::db::sql::Sql;
use crate::domain::access::Right;
use crate::domain::refusal::Answer;

/// Every enabled rule that is about a user: those for the user alone, and those for a group the user is in or a larger
/// group around it (the tree is nested sets).
const RULES: &str = "SELECT c.section_value AS section, c.value AS value, a.allow AS allow \
    FROM gacl_aro_map m JOIN gacl_acl a ON a.id = m.acl_id JOIN gacl_aco_map c ON c.acl_id = a.id \
    WHERE a.enabled = 1 AND m.section_value = 'users' AND m.value = ? \
    UNION ALL \
    SELECT c.section_value, c.value, a.allow \
    FROM gacl_aro o JOIN gacl_groups_aro_map g ON g.aro_id = o.id JOIN gacl_aro_groups own ON own.id = g.group_id \
    JOIN gacl_aro_groups around ON around.lft <= own.lft AND around.rgt >= own.rgt \
    JOIN gacl_aro_groups_map m ON m.group_id = around.id \
    JOIN gacl_acl a ON a.id = m.acl_id JOIN gacl_aco_map c ON c.acl_id = a.id \
    WHERE a.enabled = 1 AND o.section_value = 'users' AND o.value = ?";

#[derive(FromRow)]
struct Rule {
    section: String,
    value: String,
    allow: i64,
}

/// The rights of the user of that name, as OpenEMR judges them (its `AclMain::aclCheckCore`): one rule that allows is
/// enough, and one that denies takes it away, wherever either stands.
///
/// # Errors
/// As [`Db::all`].
pub async fn of(db: &Db, username: &str) -> Answer<Vec<Right>> {
    let rules: Vec<Rule> = db
        .all(Sql::new(RULES).bind(username).bind(username))
        .await?;
    let decided = |section: &str, value: &str| {
        let about = || {
            rules
                .iter()
                .filter(|rule| rule.section == section && rule.value == value)
        };
        about().any(|rule| rule.allow == 1) && about().all(|rule| rule.allow == 1)
    };
    Ok(Right::ALL
        .iter()
        .filter(|(_, section, value)| decided(section, value))
        .map(|(right, ..)| *right)
        .collect())
}

#[cfg(test)]
mod tests;
