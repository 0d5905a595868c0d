//! What users allowed apps (`anteroom_grant`), and the look-up of every request: token, grant, app, patient and
//! account in one statement, so that taking access away works at once. The only maker of a [`Grant`].

use sqlx::FromRow;
use uuid::Uuid;

use crate::crypto;
use crate::db::Db;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::access::Grant;
use crate::domain::access::Holder;
use crate::domain::access::LaunchContext;
use crate::domain::access::Staff;
use crate::domain::access::User;
use crate::domain::people::Person;
use crate::domain::refusal::Answer;
use crate::domain::scope::Scope;
use crate::store::authorizations::Launched;
use crate::store::rights;
use crate::store::sessions;

/// Seconds a grant with a refresh token lives: a year (`spec/security.md` section 0).
pub const LIFE: i64 = 365 * 86_400;

const ADD: &str = "INSERT INTO anteroom_grant \
    (id, client_id, pid, chart, staff, encounter, intent, banner, scope, credential, acr, session_hash, auth_time, created, \
    ends) VALUES (?, ?, ?, (SELECT uuid FROM patient_data WHERE pid = ?), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

const FIND: &str = "SELECT id, client_id, pid, staff, encounter, intent, banner, scope, credential, acr, session_hash, \
    auth_time, ends FROM anteroom_grant WHERE id = ? AND revoked IS NULL AND ends > ?";

const LIVING: &str = "SELECT id, client_id, pid, staff, encounter, intent, banner, scope, credential, acr, session_hash, \
    auth_time, ends FROM anteroom_grant WHERE revoked IS NULL";

/// `allow_patient_portal` must be `YES` exactly and the password unchanged, which is judged in Rust because OpenEMR's
/// columns compare without case. `prevent_portal_apps` is a check box of varying spelling (OpenEMR facts 6.3) that
/// OpenEMR 6.1 does not have: then the name in the inner query means `absent.prevent_portal_apps`, which is NULL.
const BY_ACCESS_TOKEN: &str = "SELECT t.first_used, t.scope, g.scope AS granted, g.id, g.client_id, g.credential, g.encounter, p.pid, p.uuid, \
    p.allow_patient_portal, a.portal_pwd, a.portal_login_username \
    FROM (SELECT NULL AS prevent_portal_apps) absent \
    JOIN anteroom_token t ON t.token_hash = ? \
    JOIN anteroom_grant g ON g.id = t.grant_id \
    JOIN anteroom_client c ON c.client_id = g.client_id \
    JOIN patient_data p ON p.pid = g.pid \
    JOIN patient_access_onsite a ON a.pid = g.pid \
    WHERE t.kind = 'access' AND t.revoked IS NULL AND t.expires > ? \
    AND g.staff IS NULL AND g.revoked IS NULL AND g.ends > ? AND c.disabled IS NULL \
    AND NOT EXISTS (SELECT 1 FROM anteroom_account m WHERE m.pid = g.pid AND (m.locked IS NOT NULL OR m.registered IS NOT NULL)) \
    AND (p.deceased_date IS NULL OR CAST(p.deceased_date AS CHAR) LIKE '0000%') \
    AND UPPER(TRIM(COALESCE((SELECT prevent_portal_apps FROM patient_data q WHERE q.pid = g.pid), ''))) NOT IN ('YES', 'ON', '1')";

/// The same for members of staff, who must be active and have the password they had, and for backend services, which
/// have neither user nor patient. Asked only where the first finds nothing. OpenEMR may give the number of a chart that
/// was deleted to the next one, so the chart staff chose is held by its uuid, too.
const OF_STAFF_OR_SERVICE: &str = "SELECT t.first_used, t.scope, g.scope AS granted, g.id, g.client_id, g.credential, g.encounter, g.pid, g.staff, \
    p.uuid, u.uuid AS staff_uuid, u.username, u.active, s.password \
    FROM anteroom_token t \
    JOIN anteroom_grant g ON g.id = t.grant_id \
    JOIN anteroom_client c ON c.client_id = g.client_id \
    LEFT JOIN patient_data p ON p.pid = g.pid \
    LEFT JOIN users u ON u.id = g.staff \
    LEFT JOIN users_secure s ON s.id = g.staff \
    WHERE t.token_hash = ? AND t.kind = 'access' AND t.revoked IS NULL AND t.expires > ? \
    AND (g.staff IS NOT NULL OR g.pid IS NULL) AND (g.pid IS NULL OR g.chart = p.uuid) AND g.revoked IS NULL AND g.ends > ? AND c.disabled IS NULL";

const FIRST_USE: &str = "UPDATE anteroom_token SET first_used = ? \
    WHERE token_hash = ? AND first_used IS NULL AND revoked IS NULL";

const REVOKE: &str = "UPDATE anteroom_grant SET revoked = ? WHERE id = ? AND revoked IS NULL";

const NARROW: &str = "UPDATE anteroom_grant SET scope = ? WHERE id = ? AND revoked IS NULL";

const REVOKE_KIND: &str =
    "UPDATE anteroom_token SET revoked = ? WHERE grant_id = ? AND kind = ? AND revoked IS NULL";

const REVOKE_TOKENS: &str =
    "UPDATE anteroom_token SET revoked = ? WHERE grant_id = ? AND revoked IS NULL";

const END_TOKENS_OF: &str = "UPDATE anteroom_token SET revoked = ? WHERE revoked IS NULL \
    AND grant_id IN (SELECT id FROM anteroom_grant WHERE staff IS NULL AND pid = ?)";

const END_GRANTS_OF: &str =
    "UPDATE anteroom_grant SET revoked = ? WHERE staff IS NULL AND pid = ? AND revoked IS NULL";

const END_GRANTS: &str = "UPDATE anteroom_grant SET revoked = ? \
    WHERE staff IS NULL AND pid IS NOT NULL AND revoked IS NULL";

/// A grant as it is stored, for the token endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// Its id.
    pub id: String,
    /// The app.
    pub client_id: String,
    /// Who gave it.
    pub holder: Holder,
    /// What the app was launched with. `patient` is a patient's own record, or the one staff chose.
    pub launch: Launched,
    /// Everything granted.
    pub scope: String,
    /// The password it was given under, as a fingerprint.
    pub credential: String,
    /// How the user logged in (OpenID Connect's `acr`).
    pub acr: String,
    /// The session it lasts as long as, where that is all `online_access` gives.
    pub session_hash: Option<String>,
    /// When the password was given, in seconds since 1970.
    pub auth_time: i64,
    /// When it ends in any case.
    pub ends: i64,
}

/// The columns of a grant, for every statement that reads one.
#[derive(Clone, Debug, FromRow)]
pub(super) struct GivenRow {
    id: String,
    client_id: String,
    pid: Option<i64>,
    staff: Option<i64>,
    encounter: Option<String>,
    intent: Option<String>,
    banner: i64,
    scope: String,
    credential: String,
    acr: String,
    session_hash: Option<String>,
    auth_time: i64,
    ends: i64,
}

impl From<GivenRow> for Given {
    fn from(row: GivenRow) -> Self {
        Self {
            id: row.id,
            client_id: row.client_id,
            holder: match (row.staff, row.pid) {
                (Some(id), _) => Holder::Staff(id),
                (None, Some(pid)) => Holder::Patient(pid),
                (None, None) => Holder::System,
            },
            launch: Launched {
                by: None,
                patient: row.pid,
                encounter: row.encounter,
                intent: row.intent,
                banner: row.banner != 0,
            },
            scope: row.scope,
            credential: row.credential,
            acr: row.acr,
            session_hash: row.session_hash,
            auth_time: row.auth_time,
            ends: row.ends,
        }
    }
}

#[derive(FromRow)]
struct Bearer {
    first_used: Option<i64>,
    scope: String,
    granted: String,
    id: String,
    client_id: String,
    credential: String,
    encounter: Option<String>,
    pid: i64,
    uuid: Option<Vec<u8>>,
    allow_patient_portal: Option<String>,
    portal_pwd: Option<String>,
    portal_login_username: Option<String>,
}

#[derive(FromRow)]
struct OtherBearer {
    first_used: Option<i64>,
    scope: String,
    granted: String,
    id: String,
    client_id: String,
    credential: String,
    encounter: Option<String>,
    pid: Option<i64>,
    staff: Option<i64>,
    uuid: Option<Vec<u8>>,
    staff_uuid: Option<Vec<u8>>,
    username: Option<String>,
    active: Option<i64>,
    password: Option<String>,
}

/// Stores a grant at `now`.
///
/// # Errors
/// As [`Tx::run`].
pub async fn add(tx: &mut Tx, given: &Given, now: i64) -> Answer<()> {
    let (own, staff) = sessions::columns(given.holder);
    let sql = Sql::new(ADD)
        .bind(&given.id)
        .bind(&given.client_id)
        .bind(own.or(given.launch.patient))
        .bind(own.or(given.launch.patient))
        .bind(staff)
        .bind(given.launch.encounter.clone())
        .bind(given.launch.intent.clone())
        .bind(i64::from(given.launch.banner))
        .bind(&given.scope)
        .bind(&given.credential)
        .bind(&given.acr)
        .bind(given.session_hash.clone())
        .bind(given.auth_time)
        .bind(now)
        .bind(given.ends);
    tx.run(sql).await.map(|_| ())
}

/// The grant of that id, if it lives.
///
/// # Errors
/// As [`Db::all`].
pub async fn find(db: &Db, id: &str, now: i64) -> Answer<Option<Given>> {
    let row: Option<GivenRow> = db.one(Sql::new(FIND).bind(id).bind(now)).await?;
    Ok(row.map(Given::from))
}

/// Every grant of a user that lives, the newest first.
///
/// # Errors
/// As [`Db::all`].
pub async fn of_holder(db: &Db, holder: Holder, now: i64) -> Answer<Vec<Given>> {
    let sql = match holder {
        Holder::Patient(pid) => Sql::new(LIVING)
            .push(" AND staff IS NULL AND pid = ?")
            .bind(pid),
        Holder::Staff(id) => Sql::new(LIVING).push(" AND staff = ?").bind(id),
        Holder::System => return Ok(Vec::new()),
    };
    let mut ordered = sql.push(" AND ends > ?").bind(now);
    ordered = ordered.push(" ORDER BY created DESC, id");
    let rows: Vec<GivenRow> = db.all(ordered).await?;
    Ok(rows.into_iter().map(Given::from).collect())
}

/// The grant of that id, if it lives and this user gave it, locked until the transaction ends.
///
/// # Errors
/// As [`Tx::all`].
pub async fn own(tx: &mut Tx, id: &str, holder: Holder, now: i64) -> Answer<Option<Given>> {
    // The column is ASCII, and MariaDB will not compare it with anything else.
    if !id.is_ascii() {
        return Ok(None);
    }
    let sql = Sql::new(FIND).bind(id).bind(now).push(tx.lock_clause());
    let row: Option<GivenRow> = tx.one(sql).await?;
    Ok(row.map(Given::from).filter(|given| given.holder == holder))
}

/// Leaves a grant this scope alone. The access tokens of the wider one end.
///
/// # Errors
/// As [`Tx::run`].
pub async fn narrow(tx: &mut Tx, id: &str, scope: &str, now: i64) -> Answer<()> {
    tx.run(Sql::new(NARROW).bind(scope).bind(id)).await?;
    let sql = Sql::new(REVOKE_KIND).bind(now).bind(id).bind("access");
    tx.run(sql).await.map(|_| ())
}

/// A grant of a patient that nobody gave and nobody can use: it lives in this process alone, for a look at what such a
/// grant would open (`anteroom check --isolation`).
pub fn rehearsed(person: Person, scopes: Vec<Scope>) -> Grant {
    let context = LaunchContext {
        patient: Some(person),
        encounter: None,
    };
    // Each has an id of its own, as given ones have: paging links are bound to it.
    let names = (format!("rehearsed {}", person.uuid), "anteroom".to_owned());
    Grant::stored(names, User::Patient(person), context, scopes)
}

/// What a patient may do on this server's own pages: as an app with these scopes could, through the same
/// rules. It lives for one request, and no token opens it.
pub fn at_home(person: Person) -> Grant {
    let context = LaunchContext {
        patient: Some(person),
        encounter: None,
    };
    let scopes = Scope::list(
        "patient/Appointment.crus patient/Communication.crus patient/DocumentReference.crus patient/Binary.cr \
         patient/Task.rus patient/Practitioner.rs",
    );
    Grant::stored(own_pages(), User::Patient(person), context, scopes)
}

/// The same on the practice's tablet, which is handed over for one form.
pub fn in_office(person: Person) -> Grant {
    let context = LaunchContext {
        patient: Some(person),
        encounter: None,
    };
    let scopes = Scope::list("patient/DocumentReference.ru");
    Grant::stored(own_pages(), User::Patient(person), context, scopes)
}

/// The whole record, to take it away.
pub fn whole_record(person: Person) -> Grant {
    let context = LaunchContext {
        patient: Some(person),
        encounter: None,
    };
    let scopes = Scope::list("patient/*.rs");
    Grant::stored(own_pages(), User::Patient(person), context, scopes)
}

/// The same as at home for a member of staff at the desk, as far as OpenEMR's access control goes.
pub fn at_desk(staff: Staff) -> Grant {
    let scopes = Scope::list(
        "user/Appointment.crus user/Communication.crus user/DocumentReference.crus user/Binary.cr user/Task.crus \
         user/Questionnaire.c user/Practitioner.rus",
    );
    let context = LaunchContext::default();
    Grant::stored(own_pages(), User::Staff(staff), context, scopes)
}

/// Neither a grant of the store nor an app: the ledger leaves both empty.
fn own_pages() -> (String, String) {
    (String::new(), String::new())
}

/// What the access token of that fingerprint opens at `now`; `None` for anything that is wrong with it, its grant,
/// its app or its patient. The first use is remembered, which ends the grace of the refresh token before it.
///
/// # Errors
/// As [`Db::all`].
pub async fn by_access_token(db: &Db, token_hash: &str, now: i64) -> Answer<Option<Grant>> {
    let bound = |text| Sql::new(text).bind(token_hash).bind(now).bind(now);
    let (first, grant) = match db.one::<Bearer>(bound(BY_ACCESS_TOKEN)).await? {
        Some(bearer) => (bearer.first_used.is_none(), of_patient(bearer)),
        None => match db.one::<OtherBearer>(bound(OF_STAFF_OR_SERVICE)).await? {
            Some(bearer) => (
                bearer.first_used.is_none(),
                of_staff_or_service(db, bearer).await?,
            ),
            None => return Ok(None),
        },
    };
    let Some(grant) = grant else {
        return Ok(None);
    };
    if first {
        let mark = Sql::new(FIRST_USE).bind(now).bind(token_hash);
        if db.run(mark).await? == 0 && revoked_meanwhile(db, token_hash).await? {
            return Ok(None);
        }
    }
    Ok(Some(grant))
}

/// Ends everything a patient allowed apps: access is taken away, or the password is another one.
///
/// # Errors
/// As [`Tx::run`].
pub async fn end_of_patient(tx: &mut Tx, pid: i64, now: i64) -> Answer<u64> {
    tx.run(Sql::new(END_TOKENS_OF).bind(now).bind(pid)).await?;
    tx.run(Sql::new(END_GRANTS_OF).bind(now).bind(pid)).await
}

/// Ends everything any patient allowed apps. The tokens stay as they are, which may be many more than a statement can change
/// in its time: whoever looks at a token looks at its grant.
///
/// # Errors
/// As [`Tx::run`].
pub async fn end_of_patients(tx: &mut Tx, now: i64) -> Answer<u64> {
    tx.run(Sql::new(END_GRANTS).bind(now)).await
}

/// Ends a grant and everything issued under it; whether it was this call that ended it.
///
/// # Errors
/// As [`Tx::run`].
pub async fn revoke_all(tx: &mut Tx, id: &str, now: i64) -> Answer<bool> {
    let ended = tx.run(Sql::new(REVOKE).bind(now).bind(id)).await? > 0;
    tx.run(Sql::new(REVOKE_TOKENS).bind(now).bind(id)).await?;
    Ok(ended)
}

fn of_patient(bearer: Bearer) -> Option<Grant> {
    let uuid = known(bearer.uuid.as_deref())?;
    let credential = crypto::credential(&bearer.portal_pwd?, &bearer.portal_login_username?);
    let person = Person {
        pid: bearer.pid,
        uuid,
    };
    let open = bearer.allow_patient_portal.as_deref() == Some("YES")
        && crypto::same(credential.as_bytes(), bearer.credential.as_bytes());
    let context = LaunchContext {
        patient: Some(person),
        encounter: encounter(bearer.encounter.as_deref()),
    };
    open.then(|| {
        Grant::stored(
            (bearer.id, bearer.client_id),
            User::Patient(person),
            context,
            opened(&bearer.scope, &bearer.granted),
        )
    })
}

async fn of_staff_or_service(db: &Db, bearer: OtherBearer) -> Answer<Option<Grant>> {
    let user = match bearer.staff {
        None => User::System,
        Some(id) => {
            let username = bearer.username.unwrap_or_default();
            let hash = bearer.password.unwrap_or_default();
            let credential = crypto::credential(&hash, &username);
            let open = bearer.active == Some(1)
                && !username.is_empty()
                && crypto::same(credential.as_bytes(), bearer.credential.as_bytes());
            let Some(uuid) = known(bearer.staff_uuid.as_deref()).filter(|_| open) else {
                return Ok(None);
            };
            User::Staff(Staff {
                id,
                uuid,
                rights: rights::of(db, &username).await?,
            })
        }
    };
    let patient = match bearer.pid {
        None => None,
        // A chart that is gone, or merged into another, takes its tokens with it.
        Some(pid) => match known(bearer.uuid.as_deref()) {
            Some(uuid) => Some(Person { pid, uuid }),
            None => return Ok(None),
        },
    };
    let context = LaunchContext {
        patient,
        encounter: encounter(bearer.encounter.as_deref()),
    };
    Ok(Some(Grant::stored(
        (bearer.id, bearer.client_id),
        user,
        context,
        opened(&bearer.scope, &bearer.granted),
    )))
}

/// What a token opens: its scopes, as far as the grant still holds them. A token that was being made while the grant
/// was narrowed has more.
fn opened(scope: &str, granted: &str) -> Vec<Scope> {
    let mut scopes = Scope::list(scope);
    if scope != granted {
        let granted = Scope::list(granted);
        scopes.retain(|scope| granted.iter().any(|known| known.covers(scope)));
    }
    scopes
}

/// A uuid column's value, where it is one (OpenEMR facts 6.5: NULL, empty and sixteen zeros all mean missing).
fn known(bytes: Option<&[u8]>) -> Option<Uuid> {
    let uuid = Uuid::from_slice(bytes?).ok()?;
    (!uuid.is_nil()).then_some(uuid)
}

fn encounter(text: Option<&str>) -> Option<Uuid> {
    text?.parse().ok()
}

/// Another request may have marked the first use a moment ago, or a refresh may have revoked the unused pair.
async fn revoked_meanwhile(db: &Db, token_hash: &str) -> Answer<bool> {
    #[derive(FromRow)]
    struct State {
        revoked: Option<i64>,
    }
    const STATE: &str = "SELECT revoked FROM anteroom_token WHERE token_hash = ?";
    let row: Option<State> = db.one(Sql::new(STATE).bind(token_hash)).await?;
    Ok(row.is_none_or(|row| row.revoked.is_some()))
}
