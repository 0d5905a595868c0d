//! Documents inside and outside the reach, and attacks on the folder they lie in.

use super::*;
use crate::emr::documents::typed::UNKNOWN_TYPE;
use std::path::PathBuf;

use crate::crypto;
use crate::crypto::SystemEntropy;
use crate::domain::ResourceType;
use crate::domain::access::LaunchContext;
use crate::domain::access::Staff;
use crate::domain::access::User;
use crate::domain::query::Cursor;
use crate::domain::query::DateRange;
use crate::domain::query::Prefix;
use crate::domain::records::Content;
use crate::domain::refusal::Failure;
use crate::domain::scope::Interaction;
use crate::emr::cipher;
use crate::emr::cipher::DatabaseKeys;
use crate::emr::fixture::Fixture;
use crate::emr::fixture::documents_of as find;
use crate::emr::fixture::granted;
use crate::emr::fixture::reach;
use crate::emr::layout::Layout;
use crate::emr::plain::OF_ONE;
use crate::emr::plain::PATIENCE;
use std::os::unix::fs::MetadataExt;
use time::macros::datetime;
use tokio::io::AsyncReadExt;

const PATIENTS: &str = "INSERT INTO patient_data (id, pid, uuid, fname, lname) VALUES \
    (1, 7, X'00000000000000000000000000000007', 'Ana', 'Diaz'), \
    (2, 8, X'00000000000000000000000000000008', 'Bo', 'Lund'); \
    INSERT INTO users (id, uuid, username, authorized, fname, lname) VALUES \
    (5, X'00000000000000000000000000000055', 'drlee', 1, 'Kim', 'Lee'); \
    INSERT INTO categories_to_documents (category_id, document_id) VALUES (12, 101), (3, 102), (13, 102);";

const BEGIN: &str = "INSERT INTO documents (id, uuid, name, url, mimetype, date, revision, foreign_id, owner, \
    deleted, date_expires, encrypted, hash, size, storagemethod, path_depth) VALUES ";

/// 101 to 104 can be seen; 105 is another patient's, 106 deleted, 107 expired, 108 expires tomorrow.
const ROWS: [&str; 8] = [
    "(101, X'00000000000000000000000000000101', 'a.xml', 'file:///srv/oe/documents/7/a', 'TEXT/XML', '2026-11-01 09:00:00', '2026-11-01 09:00:00', 7, 5, 0, NULL, 0, '', 3, 0, 1)",
    "(102, X'00000000000000000000000000000102', NULL, 'file:///srv/oe/documents/7/b.txt', 'rubbish', '2026-11-02 09:00:00', '2026-11-01 09:00:00', 7, 0, 0, NULL, 0, NULL, NULL, 0, 1)",
    "(103, NULL, 'c', 'file:///srv/oe/documents/7/c', 'text/plain', '2026-11-02 09:00:00', '2026-11-01 09:00:00', 7, NULL, 0, NULL, 0, NULL, NULL, 0, 1)",
    "(104, X'00000000000000000000000000000104', 'd', 'file:///srv/oe/documents/7/d', 'text/plain', NULL, '2026-11-01 09:00:00', 7, NULL, 0, NULL, 0, NULL, NULL, 0, 1)",
    "(105, X'00000000000000000000000000000105', 'e', 'file:///srv/oe/documents/8/e', 'text/plain', '2026-11-02 09:00:00', '2026-11-01 09:00:00', 8, NULL, 0, NULL, 0, NULL, NULL, 0, 1)",
    "(106, X'00000000000000000000000000000106', 'f', 'file:///srv/oe/documents/7/f', 'text/plain', '2026-11-02 09:00:00', '2026-11-01 09:00:00', 7, NULL, 1, NULL, 0, NULL, NULL, 0, 1)",
    "(107, X'00000000000000000000000000000107', 'g', 'file:///srv/oe/documents/7/g', 'text/plain', '2026-11-02 09:00:00', '2026-11-01 09:00:00', 7, NULL, 0, '2026-11-21 14:59:59', 0, NULL, NULL, 0, 1)",
    "(108, X'00000000000000000000000000000108', 'h', 'file:///srv/oe/documents/7/h', 'text/plain', '2026-10-02 09:00:00', '2026-11-01 09:00:00', 7, NULL, 0, '2026-11-22 00:00:00', 0, NULL, NULL, 0, 1)",
];

fn script(rows: &[&str]) -> String {
    format!("{PATIENTS} {BEGIN} {};", rows.join(", "))
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

async fn names(emr: &Emr, query: Query) -> (Vec<String>, Option<Cursor>) {
    let scope = "patient/DocumentReference.rs";
    let reach = reach(
        7,
        scope,
        ResourceType::DocumentReference,
        Interaction::Search,
    );
    let page = find(emr, &reach, &query).await.expect("it is answered");
    let names = page.records.into_iter().map(|record| match record {
        Record::DocumentReference(document) => document.name,
        other => panic!("{other:?}"),
    });
    (names.collect(), page.next)
}

fn all() -> Query {
    Query {
        count: 50,
        ..Query::default()
    }
}

fn with(filter: Filter) -> Query {
    Query {
        filters: vec![filter],
        ..all()
    }
}

async fn bytes(fixture: &Fixture, document: u128) -> Option<Content> {
    let reach = reach(
        7,
        "patient/Binary.r",
        ResourceType::Binary,
        Interaction::Read,
    );
    match content(&fixture.emr, &reach, id(document)).await {
        Ok(content) => Some(content),
        Err(Failure::Refused(Refusal::NotFound)) => None,
        Err(other) => panic!("{other:?}"),
    }
}

fn store(fixture: &Fixture, path: &str, bytes: &[u8]) {
    let place = fixture.folder.join("documents").join(path);
    std::fs::create_dir_all(place.parent().expect("it has one")).expect("made");
    std::fs::write(place, bytes).expect("written");
}

#[tokio::test]
async fn the_chart_is_listed_newest_first_and_page_by_page() {
    let fixture = Fixture::with(&script(&ROWS)).await;
    let (whole, next) = names(&fixture.emr, all()).await;
    assert_eq!(whole, ["c", "b.txt", "a.xml", "h", "d"]);
    assert_eq!(next, None);
    let mut paged = Vec::new();
    let mut after = None;
    loop {
        let query = Query {
            count: 1,
            after,
            ..Query::default()
        };
        let (page, next) = names(&fixture.emr, query).await;
        assert_eq!(page.len(), 1);
        paged.extend(page);
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(paged, whole);
    let none = names(&fixture.emr, Query::default()).await;
    assert_eq!(none, (Vec::new(), None));
}

#[tokio::test]
async fn a_row_becomes_a_document() {
    let fixture = Fixture::with(&script(&ROWS)).await;
    let kind = ResourceType::DocumentReference;
    let reach = reach(7, "patient/DocumentReference.r", kind, Interaction::Read);
    let read = async |number: u128| {
        let page = find(&fixture.emr, &reach, &Query::one(id(number))).await;
        page.expect("it is answered").records.pop()
    };
    let Some(Record::DocumentReference(document)) = read(0x101).await else {
        panic!("101 is there");
    };
    assert_eq!(document.patient_name, "Ana Diaz");
    assert_eq!(document.category, "CCD");
    assert_eq!(document.loinc.map(|code| code.code), Some("34133-9".into()));
    assert_eq!(document.content_type, "text/xml");
    assert_eq!(document.date, Some(datetime!(2026-11-01 09:00 -5)));
    assert_eq!(document.author, Some((id(0x55), "Kim Lee".into())));
    let Some(Record::DocumentReference(document)) = read(0x102).await else {
        panic!("102 is there");
    };
    assert_eq!(document.category, "Medical Record");
    assert_eq!(document.content_type, "application/octet-stream");
    assert_eq!((document.author, document.loinc), (None, None));
    for hidden in [0x105, 0x106, 0x107] {
        assert_eq!(read(hidden).await, None, "{hidden:x}");
    }
}

#[tokio::test]
async fn filters_narrow_the_list() {
    let fixture = Fixture::with(&script(&ROWS)).await;
    let token = |field, text: &str| with(Filter::Token(field, vec![Token::of(text)]));
    let count = async |query| names(&fixture.emr, query).await.0.len();
    let note =
        "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category|clinical-note";
    for (field, text, expected) in [
        (Field::Category, note, 5),
        (Field::Category, "clinical-note", 5),
        (Field::Category, "CCD", 1),
        (Field::Category, "http://x|CCD", 0),
        (Field::Type, "http://loinc.org|34133-9", 1),
        (Field::Type, "34133-9", 1),
        (Field::Type, "34133", 0),
        (Field::Type, "%", 0),
        (Field::Type, "Medical Record", 1),
        (Field::Status, "current", 5),
        (Field::Status, "superseded", 0),
    ] {
        assert_eq!(count(token(field, text)).await, expected, "{text}");
    }
    let range = DateRange {
        prefix: Prefix::Eq,
        start: datetime!(2026-11-02 00:00 -5),
        end: datetime!(2026-11-03 00:00 -5),
    };
    let dated = with(Filter::Date(Field::Date, vec![range]));
    assert_eq!(names(&fixture.emr, dated).await.0, ["c", "b.txt"]);
}

#[tokio::test]
async fn a_granular_scope_opens_its_category_only() {
    let fixture = Fixture::with(&script(&ROWS)).await;
    let scope = "patient/DocumentReference.rs?category=CCD";
    let kind = ResourceType::DocumentReference;
    let reach = reach(7, scope, kind, Interaction::Search);
    let page = find(&fixture.emr, &reach, &all()).await.expect("answered");
    assert_eq!(page.records.len(), 1);
    let other = find(&fixture.emr, &reach, &Query::one(id(0x102))).await;
    assert_eq!(other.expect("answered").records, []);
}

#[tokio::test]
async fn bytes_come_from_the_folder_and_are_checked() {
    let fixture = Fixture::with(&script(&ROWS)).await;
    for name in ["7/a", "7/b.txt", "8/e", "7/f", "7/g", "7/h"] {
        store(&fixture, name, b"abc");
    }
    let content = bytes(&fixture, 0x101).await.expect("it is there");
    assert_eq!(
        (content.bytes.as_slice(), content.name.as_str()),
        (&b"abc"[..], "a.xml")
    );
    assert_eq!(
        bytes(&fixture, 0x102).await.map(|c| c.name),
        Some("b.txt".into())
    );
    assert!(bytes(&fixture, 0x108).await.is_some());
    for hidden in [0x104, 0x105, 0x106, 0x107, 0x999] {
        assert_eq!(bytes(&fixture, hidden).await, None, "{hidden:x}");
    }
    store(&fixture, "7/a", b"abcd");
    assert_eq!(bytes(&fixture, 0x101).await, None, "the size is another");
}

/// One document 101 of patient 7 with this end of a row: encrypted, hash, size, storage, depth.
async fn single(url: &str, end: &str) -> Fixture {
    let row = format!(
        "(101, X'00000000000000000000000000000101', 'x', '{url}', 'text/plain', NULL, '2026-11-01 09:00:00', 7, NULL, 0, NULL, {end})"
    );
    Fixture::with(&script(&[&row])).await
}

#[tokio::test]
async fn an_encrypted_file_is_decrypted_and_hashed() {
    let plain = b"%PDF-1.7 secret";
    let end = format!("1, '{}', 15, 0, 1", crypto::sha3_512_hex(plain));
    let fixture = single("file:///x/documents/7/enc", &end).await;
    let keys = DatabaseKeys::fresh(&SystemEntropy).expect("entropy");
    for (name, value) in keys.rows() {
        let sql = Sql::new("INSERT INTO `keys` (name, value) VALUES (?, ?)");
        fixture
            .emr
            .db
            .run(sql.bind(name).bind(value))
            .await
            .expect("inserted");
    }
    let file = cipher::encrypt(&keys, plain, &SystemEntropy).expect("keys are there");
    store(&fixture, "7/enc", &file);
    let content = bytes(&fixture, 0x101).await.expect("it is whole");
    assert_eq!(content.bytes, plain);
    let other = cipher::encrypt(&keys, b"%PDF-1.7 Secret", &SystemEntropy).expect("keys");
    store(&fixture, "7/enc", &other);
    assert_eq!(bytes(&fixture, 0x101).await, None, "the hash is another");
    store(&fixture, "7/enc", &file[..file.len() - 8]);
    assert_eq!(bytes(&fixture, 0x101).await, None, "the file is cut");
    store(&fixture, "7/enc", plain);
    assert_eq!(
        bytes(&fixture, 0x101).await,
        None,
        "the file is not encrypted"
    );
}

/// The encrypted document 101 of patient 7, and its file.
async fn sealed(plain: &[u8]) -> (Fixture, Vec<u8>) {
    let hash = crypto::sha3_512_hex(plain);
    let end = format!("1, '{hash}', {}, 0, 1", plain.len());
    let fixture = single("file:///x/documents/7/enc", &end).await;
    let keys = DatabaseKeys::fresh(&SystemEntropy).expect("entropy");
    for (name, value) in keys.rows() {
        let sql = Sql::new("INSERT INTO `keys` (name, value) VALUES (?, ?)");
        let sql = sql.bind(name).bind(value);
        fixture.emr.db.run(sql).await.expect("inserted");
    }
    let file = cipher::encrypt(&keys, plain, &SystemEntropy).expect("keys are there");
    store(&fixture, "7/enc", &file);
    (fixture, file)
}

#[tokio::test]
async fn f150_a_document_that_is_open_becomes_a_resource_though_its_taker_gets_no_other_place() {
    let (fixture, _) = sealed(b"secret").await;
    let kind = ResourceType::Binary;
    let reach = reach(7, "patient/Binary.r", kind, Interaction::Read);
    let asked = (id(0x101), std::time::Duration::ZERO);
    let mut all = Vec::new();
    for _ in 0..OF_ONE {
        all.push(open(&fixture.emr, &reach, asked).await.expect("a place"));
    }
    let full = open(&fixture.emr, &reach, asked).await.err();
    assert!(matches!(
        full,
        Some(Failure::Refused(Refusal::Unavailable(_)))
    ));
    // Staff who take all they may of a chart keep its patient from nothing, nor does the patient keep them.
    let staff = Staff {
        id: 7,
        uuid: id(0x55),
        rights: vec![Right::Documents],
    };
    let context = LaunchContext {
        patient: Some(reach.person().expect("one")),
        encounter: None,
    };
    let grant = granted(User::Staff(staff), context, "patient/Binary.r");
    let theirs = grant.reach(kind, Interaction::Read).expect("opened");
    let theirs = open(&fixture.emr, &theirs, asked).await;
    assert!(theirs.is_ok());
    for opened in all {
        assert_eq!(opened.content().await.expect("whole").bytes, b"secret");
    }
    assert!(open(&fixture.emr, &reach, asked).await.is_ok());
}

/// However large it is and however slowly it is taken, it lies on the disk meanwhile, and there is no name of it.
#[tokio::test]
async fn f150_a_decrypted_document_is_taken_from_a_file_that_nobody_else_can_open() {
    let plain: Vec<u8> = (0..=250).cycle().take(300_000).collect();
    let (fixture, file) = sealed(&plain).await;
    let scope = "patient/Binary.r";
    let reach = reach(7, scope, ResourceType::Binary, Interaction::Read);
    let asked = (id(0x101), PATIENCE);
    let mut opened = open(&fixture.emr, &reach, asked).await.expect("whole");
    assert_eq!(opened.length, 300_000);
    let Bytes::File(taken, Some(_place)) = &mut opened.bytes else {
        panic!("it is in memory");
    };
    let about = taken.metadata().await.expect("told");
    assert_eq!((about.nlink(), about.mode() & 0o777), (0, 0o600));
    let mut bytes = Vec::new();
    taken.read_to_end(&mut bytes).await.expect("read");
    assert_eq!(bytes, plain);
    let folder = fixture.folder.join("documents/.anteroom");
    assert_eq!(std::fs::read_dir(&folder).expect("a folder").count(), 0);
    // One changed letter, and there is nothing to take.
    let mut other = file.clone();
    let last = other.len() - 9;
    other[last] = if other[last] == b'A' { b'B' } else { b'A' };
    store(&fixture, "7/enc", &other);
    let none = open(&fixture.emr, &reach, asked).await.err();
    assert!(matches!(none, Some(Failure::Refused(Refusal::NotFound))));
    assert_eq!(std::fs::read_dir(&folder).expect("a folder").count(), 0);
}

#[tokio::test]
async fn nothing_outside_the_folder_is_read() {
    for (url, depth) in [
        ("file:///etc/passwd", 0),
        ("file:///etc/passwd", 1),
        ("file:///etc/passwd", 9),
        ("file:///x/7/../../outside", 3),
        ("file:///../outside", 1),
        ("file:///x/7/link", 1),
        ("file:///x/out/outside", 1),
        ("file:///x/logs_and_misc/methods/sixa", 2),
        ("file:///x/inside/methods/sixa", 2),
        ("file:///documents/7", 0),
    ] {
        let fixture = single(url, &format!("0, NULL, NULL, 0, {depth}")).await;
        let documents = fixture.folder.join("documents");
        std::fs::write(fixture.folder.join("outside"), b"secret").expect("written");
        store(&fixture, "7/a", b"abc");
        store(&fixture, "logs_and_misc/methods/sixa", b"key");
        let link = |to: PathBuf, name: &str| {
            std::os::unix::fs::symlink(to, documents.join(name)).expect("linked");
        };
        link(fixture.folder.join("outside"), "7/link");
        link(fixture.folder.clone(), "out");
        link(documents.join("logs_and_misc"), "inside");
        assert_eq!(bytes(&fixture, 0x101).await, None, "{url} {depth}");
    }
}

#[tokio::test]
async fn a_document_in_couchdb_has_no_bytes_here() {
    let fixture = single("7/a", "0, NULL, NULL, 1, 1").await;
    store(&fixture, "7/a", b"abc");
    assert_eq!(bytes(&fixture, 0x101).await, None);
}

#[test]
fn only_media_types_are_media_types() {
    for (text, expected) in [
        (Some("Application/PDF"), "application/pdf"),
        (Some("image/svg+xml"), "image/svg+xml"),
        (Some("text/html; charset=utf-8"), UNKNOWN_TYPE),
        (Some("text/\r\nX-Evil: 1"), UNKNOWN_TYPE),
        (Some("pdf"), UNKNOWN_TYPE),
        (Some("a/b/c"), UNKNOWN_TYPE),
        (Some("/x"), UNKNOWN_TYPE),
        (None, UNKNOWN_TYPE),
    ] {
        assert_eq!(media_type(text), expected, "{text:?}");
    }
}

/// OpenEMR 6.1 has neither `documents.uuid` nor `categories.codes`.
#[tokio::test]
async fn a_layout_without_uuids_has_name_based_ids() {
    let mut fixture = Fixture::with(&script(&ROWS)).await;
    let older = "DROP INDEX documents_uuid; ALTER TABLE documents DROP COLUMN uuid; \
        ALTER TABLE categories DROP COLUMN codes;";
    fixture.emr.db.script(older).await.expect("dropped");
    fixture.emr.layout = Layout::probe(&fixture.emr.db).await.expect("still OpenEMR");
    let (whole, _) = names(&fixture.emr, all()).await;
    assert_eq!(whole, ["c", "b.txt", "a.xml", "h", "d"]);
    let one = async |row| {
        let query = Query::one(named("documents", row));
        names(&fixture.emr, query).await.0
    };
    assert_eq!(one(101).await, ["a.xml"]);
    assert_eq!(one(105).await, Vec::<String>::new());
    let loinc = Filter::Token(Field::Type, vec![Token::of("34133-9")]);
    assert_eq!(
        names(&fixture.emr, with(loinc)).await.0,
        Vec::<String>::new()
    );
    store(&fixture, "7/a", b"abc");
    let reach = reach(
        7,
        "patient/Binary.r",
        ResourceType::Binary,
        Interaction::Read,
    );
    let content = content(&fixture.emr, &reach, named("documents", 101)).await;
    assert_eq!(content.expect("it is there").bytes, b"abc");
}

/// Visit 31 is that of 101; 32 is sensitive; 33 is another patient's; of 34 there are two rows; 0 is no number.
const VISITS_OF: &str = "INSERT INTO form_encounter (id, encounter, pid, uuid, date, date_end, sensitivity) VALUES \
    (1, 31, 7, X'00000000000000000000000000000931', '2026-11-01 08:30:00', '2026-11-01 08:50:00', 'normal'), \
    (31, 32, 7, X'00000000000000000000000000000932', '2026-11-01 08:30:00', NULL, 'high'), \
    (3, 33, 8, X'00000000000000000000000000000933', '2026-11-01 08:30:00', NULL, 'normal'), \
    (4, 34, 7, NULL, '2026-11-02 08:30:00', '2026-11-02 08:00:00', ''), \
    (5, 34, 7, X'00000000000000000000000000000935', '2026-11-03 08:30:00', NULL, NULL), \
    (6, 0, 7, X'00000000000000000000000000000936', '2026-11-03 08:30:00', NULL, NULL); \
    UPDATE documents SET encounter_id = 31 WHERE id = 101; UPDATE documents SET encounter_id = 32 WHERE id = 102; \
    UPDATE documents SET encounter_id = 33 WHERE id = 103; UPDATE documents SET encounter_id = 34 WHERE id = 104;";

async fn abouts(emr: &Emr) -> Vec<(String, Option<About>)> {
    let scope = "patient/DocumentReference.rs";
    let kind = ResourceType::DocumentReference;
    let reach = reach(7, scope, kind, Interaction::Search);
    let page = find(emr, &reach, &all()).await.expect("it is answered");
    let told = page.records.into_iter().map(|record| match record {
        Record::DocumentReference(document) => (document.name, document.about),
        other => panic!("{other:?}"),
    });
    told.collect()
}

#[tokio::test]
async fn a_document_names_its_visit_and_no_hidden_one() {
    let mut fixture = Fixture::with(&format!("{} {VISITS_OF}", script(&ROWS))).await;
    let bare = Sql::new("UPDATE form_encounter SET uuid = NULL WHERE id = 4");
    fixture.emr.db.run(bare).await.expect("a late visit");
    let told = abouts(&fixture.emr).await;
    let names: Vec<&str> = told.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["c", "b.txt", "a.xml", "h", "d"], "each once");
    let about = |name: &str| told.iter().find(|(known, _)| known == name)?.1;
    let first = About {
        encounter: id(0x931),
        start: Some(datetime!(2026-11-01 08:30 -5)),
        end: Some(datetime!(2026-11-01 08:50 -5)),
    };
    assert_eq!(about("a.xml"), Some(first));
    assert_eq!(about("b.txt"), None, "sensitive");
    assert_eq!(about("c"), None, "another chart's number");
    assert_eq!(about("h"), None, "no number");
    let second = about("d").expect("the first of two rows, given its id");
    assert_ne!(second.encounter, id(0x935));
    assert_eq!(second.start, Some(datetime!(2026-11-02 08:30 -5)));
    assert_eq!(second.end, None, "before it began");
    let older = "ALTER TABLE form_encounter DROP COLUMN date_end;";
    fixture.emr.db.script(older).await.expect("dropped");
    fixture.emr.layout = Layout::probe(&fixture.emr.db).await.expect("still OpenEMR");
    let told = abouts(&fixture.emr).await;
    let without_end = About { end: None, ..first };
    assert!(told.contains(&("a.xml".to_owned(), Some(without_end))));
    let hidden = "ALTER TABLE form_encounter RENAME TO not_for_this_account;";
    fixture.emr.db.script(hidden).await.expect("renamed");
    fixture.emr.layout = Layout::probe(&fixture.emr.db).await.expect("still OpenEMR");
    let told = abouts(&fixture.emr).await;
    assert!(told.len() == 5 && told.iter().all(|(_, about)| about.is_none()));
}
