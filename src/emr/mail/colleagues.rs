//! Whom of the practice a patient may write to (F141, F143; OpenEMR facts 2.8).

use sqlx::FromRow;
use uuid::Uuid;

use crate::db::sql::Sql;
use crate::domain::access::Reach;
use crate::domain::refusal::Answer;
use crate::emr::Emr;
use crate::emr::calendar::spoken;
use crate::emr::predicates::hex;
use crate::emr::uuids;
use crate::emr::uuids::Table;

/// Who takes part in the portal; where nobody does, OpenEMR's own portal offers the first user. Whose login name a patient's
/// account has too has no mailbox: mail to one would lie in the other's.
pub(in crate::emr) const TAKES_PART: &str = "u.active = 1 AND u.username <> '' \
    AND u.username NOT IN ('portal-user', 'oe-system', 'phimail-service') \
    AND (u.portal_user = 1 OR (u.id = 1 AND NOT EXISTS \
        (SELECT 1 FROM users x WHERE x.active = 1 AND x.portal_user = 1 AND x.username <> ''))) \
    AND NOT EXISTS (SELECT 1 FROM patient_access_onsite a WHERE HEX(a.portal_username) = HEX(u.username)) ";

const SELECT: &str = "SELECT u.uuid, u.fname, u.lname FROM users u WHERE ";
const NAMED: &str = "AND HEX(u.username) = ?";
const ONE: &str = "SELECT COUNT(*) AS number FROM users u WHERE ";
const NUMBERED: &str = "AND u.id = ?";
const IN_ORDER: &str = "ORDER BY u.lname, u.fname, u.id LIMIT 1000";

#[derive(FromRow)]
struct Row {
    uuid: Option<Vec<u8>>,
    fname: Option<String>,
    lname: Option<String>,
}

#[derive(FromRow)]
struct Count {
    number: i64,
}

/// FHIR id and name of everybody who takes messages, by family name, for whoever may look for practitioners.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn addressees(emr: &Emr, reach: &Reach) -> Answer<Vec<(Uuid, String)>> {
    // What is cut to some practitioners names none of these.
    if reach.filters().is_some() {
        return Ok(Vec::new());
    }
    let sql = Sql::new(SELECT).push(TAKES_PART).push(IN_ORDER);
    let rows = rows(emr, sql).await?.into_iter();
    let named = rows.filter_map(|row| {
        let uuid = uuids::known(row.uuid.as_deref())?;
        Some((uuid, spoken(row.fname, row.lname)))
    });
    Ok(named.collect())
}

/// Whether patients may write to a member of staff (`users.id`): those they are offered, and nobody else.
///
/// # Errors
/// As [`crate::db::Db::one`].
pub async fn takes_part(emr: &Emr, id: i64) -> Answer<bool> {
    let sql = Sql::new(ONE).push(TAKES_PART).push(NUMBERED).bind(id);
    let found: Option<Count> = emr.db.one(sql).await?;
    Ok(found.is_some_and(|count| count.number > 0))
}

/// FHIR id of whoever has a mailbox of this name and takes messages.
pub(super) async fn by_mailbox(emr: &Emr, name: &str) -> Answer<Option<Uuid>> {
    let sql = Sql::new(SELECT)
        .push(TAKES_PART)
        .push(NAMED)
        .bind(hex(name));
    let row = rows(emr, sql).await?.into_iter().next();
    Ok(row.and_then(|row| uuids::known(row.uuid.as_deref())))
}

async fn rows(emr: &Emr, sql: Sql) -> Answer<Vec<Row>> {
    let rows: Vec<Row> = emr.db.all(sql.clone()).await?;
    let known = |row: &Row| uuids::known(row.uuid.as_deref()).is_some();
    if rows.iter().all(known) {
        return Ok(rows);
    }
    uuids::fill(emr, Table::Users).await?;
    emr.db.all(sql).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ResourceType;
    use crate::domain::scope::Interaction;
    use crate::emr::fixture::Fixture;
    use crate::emr::fixture::reach;

    /// Who takes part, who has left, who never did, and one whose login name a patient's account has too.
    const PEOPLE: &str = "INSERT INTO users (id, uuid, username, authorized, active, portal_user, fname, lname) VALUES \
        (1, NULL, 'admin', 1, 1, 0, 'Ad', 'Min'), (5, NULL, 'drlee', 1, 1, 1, 'Kim', 'Lee'), \
        (6, NULL, 'Cy14', 0, 1, 1, 'Cy', 'Ek'), (8, NULL, 'gone', 1, 0, 1, 'Old', 'Staff'), (9, NULL, 'quiet', 1, 1, 0, 'No', 'Mail'); \
        INSERT INTO patient_access_onsite (pid, portal_username) VALUES (7, 'Cy14');";

    async fn named(emr: &Emr) -> Vec<String> {
        let reach = reach(
            7,
            "patient/Practitioner.rs",
            ResourceType::Practitioner,
            Interaction::Search,
        );
        let found = addressees(emr, &reach).await.expect("asked");
        found.into_iter().map(|(_, name)| name).collect()
    }

    #[tokio::test]
    async fn f143_those_who_take_part_are_offered_and_else_the_first_user() {
        let fixture = Fixture::with(PEOPLE).await;
        let emr = &fixture.emr;
        assert_eq!(named(emr).await, ["Kim Lee"]);
        assert!(by_mailbox(emr, "drlee").await.expect("asked").is_some());
        for name in ["DRLEE", "Cy14", "gone", "quiet", "admin", "nobody"] {
            assert_eq!(by_mailbox(emr, name).await.expect("asked"), None, "{name}");
        }
        for (id, takes) in [(5, true), (1, false), (6, false), (8, false), (9, false)] {
            assert_eq!(takes_part(emr, id).await.expect("asked"), takes, "{id}");
        }
        let nobody = "UPDATE users SET portal_user = 0";
        emr.db.script(nobody).await.expect("changed");
        assert_eq!(named(emr).await, ["Ad Min"]);
        assert!(by_mailbox(emr, "admin").await.expect("asked").is_some());
        assert!(takes_part(emr, 1).await.expect("asked"));
        assert!(!takes_part(emr, 5).await.expect("asked"));
    }
}
