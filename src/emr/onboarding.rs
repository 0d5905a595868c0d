//! Every patient by how far the account is: what the onboarding page lists, counts and picks from.
//!
//! OpenEMR has no index on names, and none on what an account's state is made of; its tables are not ours to change. A page
//! of everybody runs down the index on the numbers, the newest chart first. For pages of one state, the counts of all of
//! them and mailboxes that are shared, one pass over the charts is remembered for a minute ([`Cache`]): a page then looks
//! up its own rows only, as they are now, however rare the state. What is typed into the search costs a pass of its own.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::FromRow;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::db::sql::Sql;
use crate::db::sql::date_text;
use crate::domain::accounts::Standing;
use crate::domain::accounts::State;
use crate::domain::refusal::Answer;
use crate::domain::scope::Token;
use crate::emr::Emr;
use crate::emr::Practice;
use crate::emr::patients;
use crate::emr::patients::Term;
use crate::emr::standing;
use crate::emr::standing::Which;

/// How long a pass is remembered, in seconds.
pub const FRESH: i64 = 60;

/// Patients of one statement of a pass: on a busy machine all of them would take longer than a statement may.
const PART: u32 = 20_000;

/// Patients looked up at once where a list is walked.
pub const STRIDE: usize = 500;

/// How far an account is, as the place in [`State::ALL`], in the words of `Standing::state`. HEX compares `YES` by its
/// bytes: MariaDB's collations would take `yes` for it too.
macro_rules! state_of {
    ($chart:literal, $account:literal, $memory:literal) => {
        concat!(
            "CASE WHEN ",
            $memory,
            ".registered IS NOT NULL THEN 2 ",
            "WHEN ",
            $account,
            ".portal_username IS NULL AND HEX(COALESCE(",
            $chart,
            ".allow_patient_portal, '')) = '594553' AND ",
            $memory,
            ".locked IS NULL THEN 3 ",
            "WHEN ",
            $account,
            ".portal_username IS NULL THEN 1 ",
            "WHEN HEX(COALESCE(",
            $chart,
            ".allow_patient_portal, '')) <> '594553' OR ",
            $memory,
            ".locked IS NOT NULL THEN 6 ",
            "WHEN ",
            $account,
            ".portal_pwd_status = 0 OR TRIM(COALESCE(",
            $account,
            ".portal_login_username, '')) = '' THEN 4 ",
            "ELSE 5 END"
        )
    };
}

/// The same for a statement that calls the three tables p, o and m.
pub(super) const STATE: &str = state_of!("p", "o", "m");

/// The state a statement found, as the portal stands.
pub(super) fn state(practice: &Practice, place: i64) -> Option<State> {
    match practice.globals.on("portal_onsite_two_enable") {
        true => State::ALL.get(usize::try_from(place).ok()?).copied(),
        false => Some(State::PortalOff),
    }
}

/// Adds `AND ...` for the codes of states, in a statement that calls the three tables p, o and m.
pub(super) fn filtered(emr: &Emr, sql: Sql, codes: &[Token]) -> Sql {
    let is_on = emr.known().globals.on("portal_onsite_two_enable");
    // The codes have no system of their own.
    let bare = |token: &&Token| token.system.as_deref().is_none_or(str::is_empty);
    let asked = |state: &State| {
        codes
            .iter()
            .filter(bare)
            .any(|token| token.code == state.code().0)
    };
    let wanted = State::ALL
        .iter()
        .enumerate()
        .filter(|(_, state)| asked(state));
    match (is_on, asked(&State::PortalOff)) {
        (false, true) => sql,
        (false, false) => sql.push(" AND 1 = 0"),
        (true, _) => sql
            .push(" AND ")
            .push(STATE)
            .push(" IN ")
            .list(wanted.filter_map(|(place, _)| i64::try_from(place).ok())),
    }
}

/// A part of one pass, from a number down: `email` tells which mailboxes are shared.
const PASS: &str = concat!(
    "SELECT p.pid, ",
    state_of!("p", "a", "m"),
    " AS state, LOWER(TRIM(COALESCE(p.email, ''))) AS email FROM patient_data p \
     LEFT JOIN patient_access_onsite a ON a.pid = p.pid LEFT JOIN anteroom_account m ON m.pid = p.pid \
     WHERE p.pid < ? ORDER BY p.pid DESC"
);

const PIDS: &str = "SELECT p.pid FROM patient_data p WHERE 1 = 1";

const PIDS_OF_STATES: &str = concat!(
    "SELECT p.pid FROM patient_data p LEFT JOIN patient_access_onsite a ON a.pid = p.pid \
     LEFT JOIN anteroom_account m ON m.pid = p.pid WHERE ",
    state_of!("p", "a", "m"),
    " IN "
);

const BY_NAME: &str =
    " AND (p.lname LIKE ? ESCAPE '!' OR p.lname LIKE ? ESCAPE '!' OR p.fname LIKE ? ESCAPE '!')";

const BY_EMAIL: [&str; 2] = [
    " AND (p.email LIKE ? ESCAPE '!' OR p.email LIKE ? ESCAPE '!')",
    " AND (p.email LIKE ? ESCAPE '!' OR p.email_direct LIKE ? ESCAPE '!')",
];

const BY_DAY: &str = " AND p.DOB = ?";

const BY_NUMBER: &str = " AND (p.pid = ? OR p.pubpid = ?)";

const BY_ID: &str = " AND p.uuid = ?";

const LETTERS: &str = "SELECT o.pid, o.letter, o.status, o.created FROM anteroom_outbox o \
    JOIN (SELECT MAX(id) AS id FROM anteroom_outbox WHERE letter IN ('invite', 'reset', 'welcome', 'credentials-changed') \
    AND pid IN ";

const LETTERS_END: &str = " GROUP BY pid) newest ON newest.id = o.id";

const NUMBERS: &str = "SELECT pid FROM patient_data WHERE uuid IN ";

#[derive(FromRow)]
struct Pass {
    pid: i64,
    state: i64,
    email: String,
}

#[derive(FromRow)]
struct Pid {
    pid: i64,
}

/// The last letter a patient got about the account.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct LastLetter {
    /// Whose.
    pub pid: i64,
    /// Which: a name of `store::outbox::Letter`.
    pub letter: String,
    /// Whether it waits, went out, or could not be sent.
    pub status: String,
    /// When it was written, in seconds since 1970.
    pub created: i64,
}

/// Which patients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// In one of these states; in any where there are none.
    pub states: Vec<State>,
    /// Beginnings of names, birth dates, numbers, e-mail addresses: all must fit.
    pub text: String,
}

/// Where a page begins, by the numbers of patients: the newest come first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// At the beginning.
    #[default]
    First,
    /// After a patient.
    After(i64),
    /// Before a patient.
    Before(i64),
}

/// One page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The patients.
    pub rows: Vec<Standing>,
    /// Where the page before it ends.
    pub before: Option<i64>,
    /// Where the page after it begins.
    pub after: Option<i64>,
}

/// The practice as it was at one pass.
#[derive(Debug, Default)]
pub struct Snapshot {
    read_at: i64,
    /// The numbers of the patients in each state of [`State::ALL`], from the highest down.
    of_state: [Vec<i64>; 7],
    /// How many other charts have the same address, where there are any.
    sharing: HashMap<i64, i64>,
}

/// The last pass.
#[derive(Debug, Default)]
pub struct Cache(Mutex<Option<Arc<Snapshot>>>);

impl Cache {
    /// The practice as it was at most a minute ago. Those who ask while a pass is made wait for it.
    ///
    /// # Errors
    /// As [`crate::db::Db::all`].
    pub async fn get(&self, emr: &Emr) -> Answer<Arc<Snapshot>> {
        let mut known = self.0.lock().await;
        let now = emr.now().unix_timestamp();
        let young = |snapshot: &&Arc<Snapshot>| (0..FRESH).contains(&(now - snapshot.read_at));
        if let Some(snapshot) = known.as_ref().filter(young) {
            return Ok(snapshot.clone());
        }
        let snapshot = Arc::new(Snapshot::read(emr, now).await?);
        *known = Some(snapshot.clone());
        Ok(snapshot)
    }

    /// Makes the next one who asks look again: somebody changed something here.
    pub async fn forget(&self) {
        *self.0.lock().await = None;
    }
}

impl Snapshot {
    async fn read(emr: &Emr, now: i64) -> Answer<Self> {
        let rows = pass(emr).await?;
        let mut snapshot = Self {
            read_at: now,
            ..Self::default()
        };
        let mut mailboxes: HashMap<&str, Vec<i64>> = HashMap::new();
        for row in &rows {
            let state = usize::try_from(row.state).unwrap_or_default();
            if let Some(pids) = snapshot.of_state.get_mut(state) {
                pids.push(row.pid);
            }
            if !row.email.is_empty() {
                mailboxes.entry(&row.email).or_default().push(row.pid);
            }
        }
        for pids in mailboxes.values().filter(|pids| pids.len() > 1) {
            let others = i64::try_from(pids.len() - 1).unwrap_or(i64::MAX);
            snapshot
                .sharing
                .extend(pids.iter().map(|pid| (*pid, others)));
        }
        Ok(snapshot)
    }

    /// How many patients are in a state.
    pub fn count(&self, state: State) -> usize {
        self.of(state).len()
    }

    /// How many there are altogether.
    pub fn total(&self) -> usize {
        self.of_state.iter().map(Vec::len).sum()
    }

    fn of(&self, state: State) -> &[i64] {
        let place = State::ALL.iter().position(|known| *known == state);
        place
            .and_then(|place| self.of_state.get(place))
            .map_or(&[], Vec::as_slice)
    }

    /// Those in any of these states, from the highest number down; everybody where none is named.
    fn chosen(&self, states: &[State]) -> Vec<i64> {
        let states = if states.is_empty() {
            &State::ALL[..]
        } else {
            states
        };
        let mut pids: Vec<i64> = states
            .iter()
            .flat_map(|state| self.of(*state))
            .copied()
            .collect();
        pids.sort_unstable_by(|left, right| right.cmp(left));
        pids
    }
}

/// Every patient, from the highest number down.
async fn pass(emr: &Emr) -> Answer<Vec<Pass>> {
    let mut all: Vec<Pass> = Vec::new();
    loop {
        let below = all.last().map_or(i64::MAX, |last| last.pid);
        let part: Vec<Pass> = emr.db.all(Sql::new(PASS).bind(below).limit(PART)).await?;
        let is_last = part.len() < usize::try_from(PART).unwrap_or(usize::MAX);
        all.extend(part);
        if is_last {
            return Ok(all);
        }
    }
}

/// One page of `most` patients.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn page(
    emr: &Emr,
    snapshot: &Snapshot,
    filter: &Filter,
    (place, most): (Place, u32),
) -> Answer<Page> {
    let wanted = usize::try_from(most).unwrap_or(usize::MAX);
    let mut pids = some(emr, snapshot, filter, (place, most.saturating_add(1))).await?;
    let more = pids.len() > wanted;
    pids.truncate(wanted);
    if matches!(place, Place::Before(_)) {
        pids.reverse();
    }
    let (first, last) = (pids.first().copied(), pids.last().copied());
    let (before, after) = match place {
        Place::First => (None, last.filter(|_| more)),
        Place::After(_) => (first, last.filter(|_| more)),
        Place::Before(_) => (first.filter(|_| more), last),
    };
    let rows = standings(emr, snapshot, &pids).await?;
    Ok(Page {
        rows,
        before,
        after,
    })
}

/// Patients as they stand now, in the order of their numbers, with how many share the mailbox as of the last pass.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn standings(emr: &Emr, snapshot: &Snapshot, pids: &[i64]) -> Answer<Vec<Standing>> {
    if pids.is_empty() {
        return Ok(Vec::new());
    }
    let mut rows = standing::find(emr, &Which::Pids(pids)).await?;
    for row in &mut rows {
        let others = snapshot.sharing.get(&row.person.pid);
        row.sharing = others.copied().unwrap_or_default();
    }
    let places: HashMap<i64, usize> = pids
        .iter()
        .enumerate()
        .map(|(at, pid)| (*pid, at))
        .collect();
    rows.sort_by_key(|row| places.get(&row.person.pid).copied());
    Ok(rows)
}

/// The numbers of everybody a filter finds, from the highest down.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn everybody(emr: &Emr, snapshot: &Snapshot, filter: &Filter) -> Answer<Vec<i64>> {
    match filter.text.trim() {
        "" => Ok(snapshot.chosen(&filter.states)),
        _ => some(emr, snapshot, filter, (Place::First, u32::MAX)).await,
    }
}

/// The last letter about the account of each of these patients.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn last_letters(emr: &Emr, pids: &[i64]) -> Answer<HashMap<i64, LastLetter>> {
    let sql = Sql::new(LETTERS)
        .list(pids.iter().copied())
        .push(LETTERS_END);
    let rows: Vec<LastLetter> = emr.db.all(sql).await?;
    Ok(rows.into_iter().map(|row| (row.pid, row)).collect())
}

/// The numbers of patients by their FHIR ids; an unknown one is left out.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn numbers(emr: &Emr, ids: &[Uuid]) -> Answer<Vec<i64>> {
    let mut pids = Vec::with_capacity(ids.len());
    for some in ids.chunks(STRIDE) {
        let sql = Sql::new(NUMBERS).list(some.iter().copied());
        let rows: Vec<Pid> = emr.db.all(sql).await?;
        pids.extend(rows.into_iter().map(|row| row.pid));
    }
    pids.sort_unstable_by(|left, right| right.cmp(left));
    pids.dedup();
    Ok(pids)
}

/// Numbers from a place on: downwards, but upwards before one.
async fn some(
    emr: &Emr,
    snapshot: &Snapshot,
    filter: &Filter,
    (place, most): (Place, u32),
) -> Answer<Vec<i64>> {
    let terms = patients::terms(&filter.text);
    if terms.is_empty() && !filter.text.trim().is_empty() {
        return Ok(Vec::new());
    }
    if terms.is_empty() && !filter.states.is_empty() {
        let all = snapshot.chosen(&filter.states);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        return Ok(match place {
            Place::First => all.into_iter().take(most).collect(),
            Place::After(pid) => all
                .into_iter()
                .filter(|one| *one < pid)
                .take(most)
                .collect(),
            Place::Before(pid) => {
                let before = all.into_iter().rev().filter(|one| *one > pid);
                before.take(most).collect()
            }
        });
    }
    let mut sql = match filter.states.is_empty() {
        true => Sql::new(PIDS),
        false => {
            let places = State::ALL.iter().enumerate();
            let wanted = places.filter(|(_, state)| filter.states.contains(state));
            let wanted = wanted.filter_map(|(place, _)| i64::try_from(place).ok());
            Sql::new(PIDS_OF_STATES).list(wanted)
        }
    };
    for term in terms {
        sql = fits(emr, sql, term);
    }
    sql = match place {
        Place::First => sql,
        Place::After(pid) => sql.push(" AND p.pid < ?").bind(pid),
        Place::Before(pid) => sql.push(" AND p.pid > ?").bind(pid),
    };
    sql = sql.push(match place {
        Place::Before(_) => " ORDER BY p.pid",
        _ => " ORDER BY p.pid DESC",
    });
    let rows: Vec<Pid> = emr.db.all(sql.limit(most)).await?;
    Ok(rows.into_iter().map(|row| row.pid).collect())
}

fn fits(emr: &Emr, sql: Sql, term: Term) -> Sql {
    match term {
        Term::Name(word) if word.contains('@') => {
            let start = format!("{}%", patients::escaped(&word));
            let trusted = emr.layout.has("patient_data", "email_direct");
            sql.push(BY_EMAIL[usize::from(trusted)])
                .bind(&start)
                .bind(&start)
        }
        Term::Name(word) => {
            let start = format!("{}%", patients::escaped(&word));
            sql.push(BY_NAME)
                .bind(&start)
                .bind(format!("% {start}"))
                .bind(&start)
        }
        Term::Day(day) => sql.push(BY_DAY).bind(date_text(day)),
        Term::Number(number) => sql.push(BY_NUMBER).bind(number).bind(number.to_string()),
        Term::Id(id) => sql.push(BY_ID).bind(id),
    }
}

#[cfg(test)]
mod tests;
