//! The sandbox holds what it promises: every state, every mark, whole files, on every layout.

use std::collections::HashMap;
use std::collections::HashSet;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use argon2::Argon2;
use argon2::PasswordVerifier;
use sha_crypt::ShaCrypt;
use time::Date;
use time::Time;
use time::macros::date;
use time::macros::datetime;
use time::macros::time;

use super::*;
use crate::crypto;
use crate::crypto::SystemEntropy;
use crate::domain::ResourceType;
use crate::domain::access::Grant;
use crate::domain::access::LaunchContext;
use crate::domain::access::User;
use crate::domain::people::Person;
use crate::domain::query::Query;
use crate::domain::scope::Interaction;
use crate::domain::scope::Scope;
use crate::emr;
use crate::emr::Emr;
use crate::emr::cipher::DatabaseKeys;
use crate::emr::cipher::decrypt;

const NOW: OffsetDateTime = datetime!(2026-11-21 20:00 UTC);

/// A sandbox in a temporary folder that goes away with it.
struct Made {
    db: Db,
    folder: PathBuf,
    sandbox: Sandbox,
}

impl Drop for Made {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn temporary() -> PathBuf {
    let name = token(&SystemEntropy).expect("random bytes");
    let folder = std::env::temp_dir().join(format!("anteroom-demo-{name}"));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    folder
}

fn zone() -> Zone {
    Zone::named("America/New_York").expect("bundled zone")
}

async fn made(now: OffsetDateTime) -> Made {
    let folder = temporary();
    let url = format!("sqlite://{}", folder.join("practice.db").display());
    let db = Db::open(&url, None).await.expect("opens");
    db.migrate().await.expect("migrates");
    let sandbox = fill(&db, &folder.join("documents"), now, &zone(), &SystemEntropy)
        .await
        .expect("fills");
    Made {
        db,
        folder,
        sandbox,
    }
}

async fn count(db: &Db, query: &'static str) -> i64 {
    let row: Option<Count> = db.one(Sql::new(query)).await.expect("counts");
    row.map_or(0, |row| row.number)
}

#[derive(FromRow)]
struct Text {
    text: String,
}

async fn texts(db: &Db, query: &'static str) -> HashSet<String> {
    let rows: Vec<Text> = db.all(Sql::new(query)).await.expect("reads");
    rows.into_iter().map(|row| row.text).collect()
}

#[tokio::test]
async fn a_sandbox_reopens_the_same() {
    let made = made(NOW).await;
    assert_eq!(made.sandbox.patients.len(), 12);
    assert_eq!(made.sandbox.staff.len(), 4);
    let named = made.sandbox.patients.iter().map(|patient| &patient.id);
    let named = named.chain(made.sandbox.staff.iter().map(|staff| &staff.id));
    let ids: HashSet<Uuid> = named
        .map(|id| Uuid::parse_str(id).expect("a FHIR id"))
        .collect();
    assert_eq!(ids.len(), 16);
    let again = Sandbox::reopen(&made.db).await.expect("reopens");
    assert_eq!(again, made.sandbox);
}

#[tokio::test]
async fn a_second_sandbox_is_not_put_on_top() {
    let made = made(NOW).await;
    let folder = made.folder.join("documents");
    let again = fill(&made.db, &folder, NOW, &zone(), &SystemEntropy).await;
    assert!(again.is_err());
    assert_eq!(
        count(&made.db, "SELECT COUNT(*) AS number FROM patient_data").await,
        12
    );
}

#[tokio::test]
async fn every_table_has_what_the_states_need() {
    check(&made(NOW).await.db).await;
}

/// What every engine and layout must hold.
async fn check(db: &Db) {
    let marks = "SELECT option_id AS text FROM list_options WHERE list_id = 'apptstat'";
    let used = "SELECT pc_apptstatus AS text FROM openemr_postcalendar_events \
        WHERE pc_pid IN ('1', '2', '3')";
    assert_eq!(texts(db, marks).await, texts(db, used).await);
    let mails = "SELECT COUNT(*) AS number FROM onsite_mail";
    assert_eq!(count(db, mails).await, 36);
    let statuses = texts(db, "SELECT message_status AS text FROM onsite_mail").await;
    for status in ["New", "Read", "Reply", "Sent", "Delete", "Done"] {
        assert!(statuses.contains(status), "{status}");
    }
    let papers = "SELECT COUNT(*) AS number FROM documents WHERE deleted = 0";
    assert_eq!(count(db, papers).await, 14);
    assert_eq!(count(db, "SELECT COUNT(*) AS number FROM `keys`").await, 2);
    let doors = "SELECT COUNT(*) AS number FROM patient_access_onsite WHERE portal_pwd_status = 0";
    assert_eq!(count(db, doors).await, 1);
    let onetime =
        "SELECT portal_onetime AS text FROM patient_access_onsite WHERE portal_onetime IS NOT NULL";
    let onetime = texts(db, onetime).await;
    assert_eq!(onetime.iter().map(String::len).collect::<Vec<_>>(), [58]);
    let review = "SELECT table_args AS text FROM onsite_portal_activity WHERE status = 'waiting'";
    assert!(
        texts(db, review)
            .await
            .iter()
            .all(|args| args.starts_with("a:21:{s:5:\"title\""))
    );
    let threads = "SELECT COUNT(DISTINCT mail_chain) AS number FROM onsite_mail";
    assert_eq!(count(db, threads).await, 22);
    let lost = "SELECT COUNT(*) AS number FROM onsite_mail m WHERE NOT EXISTS \
        (SELECT 1 FROM onsite_mail f WHERE f.id = m.mail_chain AND (f.owner = m.owner OR m.owner = 'María1'))";
    assert_eq!(count(db, lost).await, 0);
    let high =
        "SELECT COUNT(*) AS number FROM documents WHERE id >= (SELECT MAX(id) FROM sequences)";
    assert_eq!(count(db, high).await, 0);
    let torn = "SELECT COUNT(*) AS number FROM categories c WHERE c.id > 1 AND NOT EXISTS \
        (SELECT 1 FROM categories p WHERE p.id = c.parent AND p.lft < c.lft AND c.rght < p.rght)";
    assert_eq!(count(db, torn).await, 0);
}

#[derive(FromRow)]
struct Slot {
    provider: String,
    day: Date,
    start: Time,
    seconds: i64,
}

#[tokio::test]
async fn appointments_are_in_office_hours_and_never_overlap() {
    // A Saturday, a Monday, and a day in the week of a clock change.
    for now in [
        NOW,
        datetime!(2026-11-23 14:00 UTC),
        datetime!(2027-03-11 03:00 UTC),
    ] {
        let made = made(now).await;
        let today = zone().wall(now).date();
        let slots: Vec<Slot> = made
            .db
            .all(Sql::new(
                "SELECT pc_aid AS provider, pc_eventDate AS day, pc_startTime AS start, pc_duration AS seconds \
                 FROM openemr_postcalendar_events WHERE pc_pid <> '' AND pc_recurrtype = 0 \
                 ORDER BY pc_aid, pc_eventDate, pc_startTime",
            ))
            .await
            .expect("reads");
        assert_eq!(slots.len(), 40);
        assert!(slots.iter().any(|slot| slot.day > today));
        assert!(slots.iter().all(|slot| slot.day != today));
        let ends = |slot: &Slot| slot.start + time::Duration::seconds(slot.seconds);
        for slot in &slots {
            let hours: HashMap<String, [Time; 3]> = calendar::HOURS
                .into_iter()
                .map(|(provider, hours)| (provider.to_string(), hours))
                .collect();
            let [start, lunch, end] = hours[&slot.provider];
            let back = lunch + time::Duration::hours(1);
            assert!(start <= slot.start && ends(slot) <= end);
            assert!(
                ends(slot) <= lunch || back <= slot.start,
                "{} {}",
                slot.day,
                slot.start
            );
            if slot.provider == staff::MENSAH.to_string() {
                let [first, last] = calendar::VACATION
                    .map(|number| calendar::working_day(staff::MENSAH, today, number));
                assert!(slot.day < first || last < slot.day);
            }
            if slot.provider == staff::FISCHER.to_string() {
                assert_ne!(slot.start, time!(14:00), "the weekly session");
            }
        }
        for pair in slots.windows(2) {
            let [left, right] = pair else { continue };
            let same = left.provider == right.provider && left.day == right.day;
            assert!(
                !same || ends(left) <= right.start,
                "{} {}",
                right.day,
                right.start
            );
        }
    }
}

/// What the house reads of a patient under every scope.
async fn records(emr: &Emr, sandbox: &Sandbox, pid: i64) -> HashMap<ResourceType, usize> {
    let id = usize::try_from(pid - 1).expect("small");
    let uuid = Uuid::parse_str(&sandbox.patients[id].id).expect("a FHIR id");
    let scopes = Scope::list("patient/*.rs");
    let person = Person { pid, uuid };
    let context = LaunchContext {
        patient: Some(person),
        encounter: None,
    };
    let named = ("grant".into(), "app".into());
    let grant = Grant::stored(named, User::Patient(person), context, scopes);
    let mut counts = HashMap::new();
    for kind in [
        ResourceType::Patient,
        ResourceType::Appointment,
        ResourceType::Communication,
        ResourceType::DocumentReference,
        ResourceType::Practitioner,
        ResourceType::Organization,
        ResourceType::Location,
    ] {
        let reach = grant.reach(kind, Interaction::Search).expect("in scope");
        let query = Query {
            count: 100,
            ..Query::default()
        };
        let page = emr::find(emr, &reach, &query).await.expect("reads");
        counts.insert(kind, page.records.len());
    }
    counts
}

/// How many records of each type the house reads for each patient.
async fn all_records(db: Db, sandbox: &Sandbox) -> Vec<HashMap<ResourceType, usize>> {
    let emr = Emr::open(db, None, "UTC", Arc::new(|| NOW))
        .await
        .expect("opens");
    let mut all = Vec::new();
    for pid in 1..=12 {
        all.push(records(&emr, sandbox, pid).await);
    }
    all
}

#[tokio::test]
async fn the_house_reads_records_of_every_kind() {
    let made = made(NOW).await;
    let documents = Some(made.folder.join("documents"));
    let clock = Arc::new(|| NOW);
    let emr = Emr::open(made.db.clone(), documents, "UTC", clock)
        .await
        .expect("opens");
    assert_eq!(emr.zone.name(), "America/New_York");
    assert_eq!(emr.known().name, "Harbor Street Family Medicine");
    for pid in [1, 2, 3] {
        let counts = records(&emr, &made.sandbox, pid).await;
        assert!(counts.values().all(|count| *count > 0), "{pid} {counts:?}");
    }
    let nobody = records(&emr, &made.sandbox, 7).await;
    assert_eq!(nobody[&ResourceType::Communication], 0);
}

#[test]
fn working_days_are_counted_from_either_side() {
    let saturday = date!(2026 - 11 - 21);
    assert_eq!(
        calendar::working_day(staff::LEE, saturday, 1),
        date!(2026 - 11 - 23)
    );
    assert_eq!(
        calendar::working_day(staff::LEE, saturday, -1),
        date!(2026 - 11 - 20)
    );
    assert_eq!(
        calendar::working_day(staff::FISCHER, saturday, 2),
        date!(2026 - 11 - 26)
    );
}

#[test]
fn every_password_opens_its_hash() {
    let patients = PEOPLE.iter().filter_map(|person| person.account.as_ref());
    let staff = STAFF
        .iter()
        .filter_map(|colleague| colleague.login.as_ref());
    let all: Vec<(&str, &str)> = patients
        .map(|account| (account.password, account.hash))
        .chain(staff.map(|login| (login.password, login.hash)))
        .collect();
    let mut formats = HashSet::new();
    for (password, hash) in all {
        let format = hash.split('$').nth(1).expect("a format");
        formats.insert(format);
        let opens = match format {
            "2y" => bcrypt::verify(password, hash).expect("bcrypt"),
            "argon2id" => {
                let parsed = argon2::PasswordHash::new(hash).expect("argon2");
                Argon2::default()
                    .verify_password(password.as_bytes(), &parsed)
                    .is_ok()
            }
            _ => ShaCrypt::default()
                .verify_password(password.as_bytes(), hash)
                .is_ok(),
        };
        assert!(opens, "{password}");
    }
    assert_eq!(formats, HashSet::from(["2y", "argon2id", "6"]));
}

#[test]
fn npis_have_their_check_digit() {
    for colleague in STAFF.iter().filter(|colleague| !colleague.npi.is_empty()) {
        let digits = format!("80840{}", colleague.npi);
        let sum: u32 = digits
            .bytes()
            .rev()
            .enumerate()
            .map(|(place, digit)| {
                let digit = u32::from(digit - b'0') * if place % 2 == 1 { 2 } else { 1 };
                digit / 10 + digit % 10
            })
            .sum();
        assert_eq!(
            (colleague.npi.len(), sum % 10),
            (10, 0),
            "{}",
            colleague.npi
        );
    }
}

#[derive(FromRow)]
struct Stored {
    url: String,
    size: i64,
    hash: String,
    encrypted: i64,
}

#[tokio::test]
async fn files_are_where_the_rows_say_and_what_they_say() {
    let made = made(NOW).await;
    checked_files(&made.db, &made.folder.join("documents")).await;
}

async fn checked_files(db: &Db, folder: &Path) {
    let keys = DatabaseKeys::read(db).await.expect("keys");
    let query = "SELECT url, size, hash, encrypted FROM documents";
    let rows: Vec<Stored> = db.all(Sql::new(query)).await.expect("reads");
    assert_eq!(rows.iter().filter(|row| row.encrypted == 1).count(), 3);
    for row in rows {
        let mut parts = row.url.rsplit('/');
        let (name, pid) = (parts.next().expect("name"), parts.next().expect("pid"));
        let bytes = std::fs::read(folder.join(pid).join(name)).expect("a file");
        let plain = match row.encrypted {
            1 => {
                assert!(bytes.starts_with(b"006"));
                decrypt(&keys, &bytes).expect("decrypts")
            }
            _ => bytes,
        };
        assert_eq!(i64::try_from(plain.len()).expect("small"), row.size);
        assert_eq!(crypto::sha3_512_hex(&plain), row.hash);
    }
}

/// The same statements on MariaDB, in every layout there is a schema of. The server is the caller's:
/// `ANTEROOM_TEST_MYSQL=mysql://user:password@host:port/`.
#[tokio::test]
async fn the_same_statements_fill_every_layout_on_mariadb() {
    #[expect(clippy::disallowed_methods, reason = "a test has no config")]
    let Ok(server) = std::env::var("ANTEROOM_TEST_MYSQL") else {
        println!("skipped: ANTEROOM_TEST_MYSQL names no server");
        return;
    };
    let server = format!("{}/", server.trim_end_matches('/'));
    let schemas = [
        (
            "anteroom_demo_704",
            include_str!("../../tests/openemr/7.0.4.sql"),
        ),
        (
            "anteroom_demo_82",
            include_str!("../../tests/openemr/8.2.sql"),
        ),
        (
            "anteroom_demo_61",
            include_str!("../../tests/openemr/6.1.sql"),
        ),
    ];
    let embedded = made(NOW).await;
    let expected = all_records(embedded.db.clone(), &embedded.sandbox).await;
    let admin = Db::open(&format!("{server}mysql"), None)
        .await
        .expect("opens");
    for (name, schema) in schemas {
        let fresh =
            format!("DROP DATABASE IF EXISTS {name}; CREATE DATABASE {name} CHARACTER SET utf8mb4");
        admin.script(&fresh).await.expect("creates");
        let url = format!("{server}{name}");
        // The schema's own session has no sql_mode; the sandbox's must have ours.
        let loader = Db::open(&url, None).await.expect("opens");
        loader.script(schema).await.expect("loads");
        loader.close().await;
        let db = Db::open(&url, None).await.expect("opens");
        db.migrate().await.expect("our own tables");
        let folder = temporary();
        let sandbox = fill(&db, &folder, NOW, &zone(), &SystemEntropy)
            .await
            .expect("fills");
        let made = Made {
            db,
            folder,
            sandbox,
        };
        check(&made.db).await;
        checked_files(&made.db, &made.folder).await;
        let read = all_records(made.db.clone(), &made.sandbox).await;
        assert_eq!(read, expected, "{name}");
        made.db.close().await;
    }
}

#[tokio::test]
async fn f162_staff_may_do_what_their_groups_give_them() {
    use crate::domain::access::Right;
    use crate::store::rights;
    let made = made(NOW).await;
    let of = async |name: &str| rights::of(&made.db, name).await.expect("reads");
    assert_eq!(of("nhaddad").await.len(), Right::ALL.len());
    assert_eq!(
        of("tbanks").await,
        [
            Right::Portal,
            Right::Demographics,
            Right::Appointments,
            Right::Notes
        ]
    );
    assert_eq!(
        of("jpark").await,
        [Right::Demographics, Right::Appointments]
    );
    let physician = [
        Right::Demographics,
        Right::Appointments,
        Right::Documents,
        Right::Notes,
        Right::Encounters,
    ];
    assert_eq!(of("dlee").await, physician);
    assert_eq!(of("rfischer").await, physician);
    // Nurses see the visits they took part in, not everybody's.
    assert_eq!(of("amensah").await, physician[..4]);
    assert_eq!(of("portal-user").await, []);
}
