//! Documents that are filed: their rows, their files, and what is left of one that was not.

use super::*;
use std::sync::Arc;

use crate::crypto::SystemEntropy;
use crate::domain::ResourceType;
use crate::domain::access::LaunchContext;
use crate::domain::access::Staff;
use crate::domain::people::Person;
use crate::domain::query::Query;
use crate::domain::records::DocumentReference;
use crate::domain::records::Record;
use crate::domain::refusal::Failure;
use crate::domain::scope::Interaction;
use crate::emr::cipher::DatabaseKeys;
use crate::emr::documents;
use crate::emr::fixture;
use crate::emr::fixture::Fixture;
use crate::emr::fixture::granted;
use crate::emr::spool::Spool;
use crate::emr::writing;
use crate::emr::writing::Rules;
use crate::portal;
use crate::portal::Ask;
use crate::store::uploads::Wanted;
use uuid::Uuid;

const PEOPLE: &str = "INSERT INTO patient_data (id, pid, uuid, fname, lname, allow_patient_portal) VALUES \
    (12, 7, X'00000000000000000000000000000007', 'Ana', 'Diaz', 'YES'); \
    INSERT INTO globals (gl_name, gl_index, gl_value) VALUES ('portal_onsite_two_enable', 0, '1'), \
    ('drive_encryption', 0, '0'); \
    INSERT INTO users (id, uuid, username, authorized, active, portal_user, fname, lname) VALUES \
    (5, X'00000000000000000000000000000005', 'drlee', 1, 1, 1, 'Kim', 'Lee');";

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and more";

fn who(user: User) -> (Grant, Reach) {
    let person = Person {
        pid: 7,
        uuid: Uuid::from_u128(7),
    };
    let context = LaunchContext {
        patient: Some(person),
        encounter: None,
    };
    let grant = granted(
        user,
        context,
        "user/DocumentReference.crs patient/DocumentReference.crs",
    );
    let reach = grant.reach(ResourceType::DocumentReference, Interaction::Create);
    (grant, reach.expect("open"))
}

fn ana() -> (Grant, Reach) {
    who(User::Patient(Person {
        pid: 7,
        uuid: Uuid::from_u128(7),
    }))
}

fn lee(rights: &[Right]) -> (Grant, Reach) {
    who(User::Staff(Staff {
        id: 5,
        uuid: Uuid::from_u128(5),
        rights: rights.to_vec(),
    }))
}

fn paper(id: u128, name: &str, category: Option<&str>, bytes: &[u8]) -> Paper {
    Paper {
        id: Uuid::from_u128(id),
        patient: Uuid::from_u128(7),
        name: name.to_owned(),
        declared: String::new(),
        category: category.map(|name| Token {
            system: Some(DOCUMENT_CATEGORIES.to_owned()),
            code: name.to_owned(),
        }),
        bytes: Source::Inline(Arc::from(bytes)),
    }
}

async fn filed(emr: &Emr, (grant, reach): &(Grant, Reach), paper: Paper) -> Answer<Uuid> {
    let rules = Rules {
        cancel_notice: time::Duration::ZERO,
        auto_enable: false,
        forms: crate::portal::form::Policy::Review,
        reviews: crate::config::Reviews::default(),
    };
    let ask = Ask::Document(DocumentAsk::File(paper));
    let case = writing::case(emr, grant, reach, (ask, rules)).await?;
    let permit = portal::decide(case).permit()?;
    let about = (emr, permit);
    let written = emr
        .db
        .transaction_about(&about, |(emr, permit), tx| {
            Box::pin(writing::apply(emr, tx, permit))
        })
        .await;
    match written {
        Ok(_) => writing::settled(emr, &about.1).await,
        Err(_) => writing::undo(emr, &about.1).await,
    }
    match written? {
        Written::Record(id) => Ok(id),
        Written::Review(id) => panic!("{id}"),
    }
}

async fn seen(emr: &Emr, id: Uuid) -> (DocumentReference, Vec<u8>) {
    let (grant, _) = ana();
    let reach = grant.reach(ResourceType::DocumentReference, Interaction::Read);
    let reach = reach.expect("open");
    let page = fixture::documents_of(emr, &reach, &Query::one(id))
        .await
        .expect("asked");
    let bytes = documents::content(emr, &reach, id)
        .await
        .expect("bytes")
        .bytes;
    match page.records.into_iter().next() {
        Some(Record::DocumentReference(document)) => (*document, bytes),
        other => panic!("{other:?}"),
    }
}

fn rule(failure: Failure) -> String {
    match failure {
        Failure::Refused(Refusal::Rules(reasons)) => {
            let ids: Vec<&str> = reasons.iter().map(|reason| reason.id).collect();
            ids.join(" ")
        }
        other => panic!("{other:?}"),
    }
}

/// The files below the folder of documents.
fn files_of(fixture: &Fixture) -> usize {
    let folder = fixture.folder.join("documents");
    let mut open = vec![folder];
    let mut count = 0;
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).expect("a folder").flatten() {
            match entry.path().is_dir() {
                true => open.push(entry.path()),
                false => count += 1,
            }
        }
    }
    count
}

#[tokio::test]
async fn what_a_patient_sends_is_filed_as_openemrs_own_upload_does() {
    let fixture = Fixture::with(PEOPLE).await;
    let emr = &fixture.emr;
    for (number, name) in ["kärtchen & 'co' &amp; 漢字.png", "", "a.png"]
        .into_iter()
        .enumerate()
    {
        let id = 100 + u128::try_from(number).expect("small");
        let id = filed(emr, &ana(), paper(id, name, None, PNG))
            .await
            .expect("filed");
        let (document, bytes) = seen(emr, id).await;
        assert_eq!(bytes, PNG);
        let expected = if name.is_empty() {
            "document.png"
        } else {
            name
        };
        assert_eq!(document.name, expected);
        assert_eq!(document.category, "Patient");
        assert!(document.from_patient && document.author.is_none());
        assert_eq!(document.content_type, "image/png");
        assert_eq!(document.size, i64::try_from(PNG.len()).ok());
    }
    let counts = "SELECT CAST((SELECT COUNT(*) FROM pnotes WHERE title = 'New Document' AND pid = 7) * 100 \
        + (SELECT COUNT(*) FROM uuid_registry WHERE document_drive = 1) * 10 \
        + (SELECT COUNT(*) FROM categories_to_documents l JOIN documents d ON d.id = l.document_id) AS SIGNED) AS number";
    let counted: Option<Number> = emr.db.one(Sql::new(counts)).await.expect("asked");
    assert_eq!(counted.map(|row| row.number), Some(333));
    let filed = [100, 101, 102].map(Uuid::from_u128);
    let waits = uploads::of(&emr.db, Wanted::Ids(&filed))
        .await
        .expect("asked");
    assert_eq!(waits.len(), 3, "f150");
    assert!(
        waits
            .iter()
            .all(|one| { one.state() == State::Waiting && one.pid == 7 && one.client_id == "app" })
    );
    assert_eq!(files_of(&fixture), 3);
}

#[tokio::test]
async fn an_encrypted_practice_gets_encrypted_files() {
    let on = PEOPLE.replace("'drive_encryption', 0, '0'", "'drive_encryption', 0, '1'");
    let fixture = Fixture::with(&on).await;
    let emr = &fixture.emr;
    let failure = filed(emr, &ana(), paper(1, "a.png", None, PNG)).await;
    assert!(
        matches!(failure, Err(Failure::Refused(Refusal::Unavailable(_)))),
        "no keys yet: {failure:?}"
    );
    for (name, value) in DatabaseKeys::fresh(&SystemEntropy).expect("entropy").rows() {
        let sql = Sql::new("INSERT INTO `keys` (name, value) VALUES (?, ?)")
            .bind(name)
            .bind(value);
        emr.db.run(sql).await.expect("a key");
    }
    let id = filed(emr, &ana(), paper(2, "a.png", None, PNG))
        .await
        .expect("filed");
    assert_eq!(seen(emr, id).await.1, PNG);
    let folder = fixture.folder.join("documents").join("7");
    let file = std::fs::read_dir(folder)
        .expect("a folder")
        .flatten()
        .next()
        .expect("a file");
    assert!(
        std::fs::read(file.path())
            .expect("read")
            .starts_with(b"006")
    );
}

#[tokio::test]
async fn a_document_whose_rows_fail_leaves_no_file() {
    let fixture = Fixture::with(PEOPLE).await;
    let emr = &fixture.emr;
    emr.db
        .script("ALTER TABLE pnotes RENAME TO pnotes_away")
        .await
        .expect("hidden");
    filed(emr, &ana(), paper(1, "a.png", None, PNG))
        .await
        .expect_err("the note cannot be written");
    assert_eq!(files_of(&fixture), 0);
    emr.db
        .script("ALTER TABLE pnotes_away RENAME TO pnotes")
        .await
        .expect("back");
    filed(emr, &ana(), paper(1, "a.png", None, PNG))
        .await
        .expect("filed");
    assert_eq!(files_of(&fixture), 1);
}

#[tokio::test]
async fn numbers_go_on_above_what_was_imported() {
    let fixture = Fixture::with(PEOPLE).await;
    let emr = &fixture.emr;
    let imported =
        "INSERT INTO documents (id, revision, foreign_id) VALUES (9000, '2026-01-01 00:00:00', 99)";
    emr.db.script(imported).await.expect("inserted");
    for id in 1..=2 {
        filed(emr, &ana(), paper(id, "a.png", None, PNG))
            .await
            .expect("filed");
    }
    let highest: Option<Number> = emr
        .db
        .one(Sql::new("SELECT MAX(id) AS number FROM documents"))
        .await
        .expect("asked");
    assert_eq!(highest.map(|row| row.number), Some(9002));
}

#[tokio::test]
async fn each_kind_of_user_files_where_they_may() {
    let fixture = Fixture::with(PEOPLE).await;
    let emr = &fixture.emr;
    let docs = [Right::Documents];
    let all = [Right::Documents, Right::Demographics];
    for (who, category, place) in [
        (ana(), Some("Patient"), Some("Patient")),
        (ana(), Some("Lab Report"), None),
        (lee(&docs), Some("Lab Report"), Some("Lab Report")),
        (lee(&docs), Some("Patient ID card"), None),
        (lee(&all), Some("Patient ID card"), Some("Patient ID card")),
        (lee(&all), Some("Categories"), None),
        (lee(&all), Some("No such"), None),
        (lee(&all), None, None),
    ] {
        let id = uuids::fresh().as_u128();
        let done = filed(emr, &who, paper(id, "a.png", category, PNG)).await;
        match place {
            Some(place) => {
                let (document, _) = seen(emr, done.expect(place)).await;
                assert_eq!(document.category, place);
                assert_eq!(document.author.is_some(), place != "Patient");
            }
            None => assert_eq!(
                rule(done.expect_err("refused")),
                "upload.category",
                "{category:?}"
            ),
        }
    }
}

#[tokio::test]
async fn case_169_the_practices_own_list_is_kept() {
    let fixture = Fixture::with(PEOPLE).await;
    let emr = &fixture.emr;
    let list = "INSERT INTO list_options (list_id, option_id, title, activity) VALUES \
        ('files_white_list', 'application/pdf', '', 1), ('files_white_list', 'text/*', '', 1), \
        ('files_white_list', 'image/png', '', 0)";
    emr.db.script(list).await.expect("listed");
    let failure = filed(emr, &ana(), paper(1, "a.png", None, PNG)).await;
    assert_eq!(rule(failure.expect_err("not listed")), "upload.type");
    filed(emr, &ana(), paper(2, "a.txt", None, b"text"))
        .await
        .expect("listed by group");
    filed(emr, &ana(), paper(3, "a.pdf", None, b"%PDF-1.4"))
        .await
        .expect("listed");
    let html = filed(emr, &ana(), paper(4, "a.txt", None, b"<html>")).await;
    assert_eq!(
        rule(html.expect_err("a page is none of the kinds")),
        "upload.type"
    );
    let empty = filed(emr, &ana(), paper(5, "a.txt", None, b"")).await;
    assert_eq!(rule(empty.expect_err("empty")), "upload.empty");
}

#[tokio::test]
async fn what_was_received_is_filed_and_then_gone_from_where_it_was_received() {
    let fixture = Fixture::with(PEOPLE).await;
    let emr = &fixture.emr;
    let mut spool = Spool::open(emr).await.expect("a spool");
    for piece in PNG.chunks(5) {
        spool.write(piece).await.expect("received");
    }
    let bytes = spool.received().await.expect("whole");
    let sent = Paper {
        bytes,
        ..paper(1, "a.png", None, b"")
    };
    let id = filed(emr, &ana(), sent).await.expect("filed");
    assert_eq!(files_of(&fixture), 2);
    drop(spool);
    assert_eq!(files_of(&fixture), 1);
    assert_eq!(seen(emr, id).await.1, PNG);
}

/// When a server is killed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Killed {
    BeforeCommit,
    AfterCommit,
}

/// Files with everything but what comes after the transaction, as a server that is killed.
async fn killed(emr: &Emr, paper: Paper, when: Killed) {
    let (grant, reach) = ana();
    let rules = Rules {
        cancel_notice: time::Duration::ZERO,
        auto_enable: false,
        forms: crate::portal::form::Policy::Review,
        reviews: crate::config::Reviews::default(),
    };
    let ask = Ask::Document(DocumentAsk::File(paper));
    let case = writing::case(emr, &grant, &reach, (ask, rules)).await;
    let permit = portal::decide(case.expect("a case"))
        .permit()
        .expect("a permit");
    let about = (emr, permit, when);
    let _: Answer<()> = emr
        .db
        .transaction_about(&about, |(emr, permit, when), tx| {
            Box::pin(async move {
                writing::apply(emr, tx, permit).await?;
                match when {
                    Killed::AfterCommit => Ok(()),
                    Killed::BeforeCommit => {
                        Err(Fault::new("filing", "the server was killed").into())
                    }
                }
            })
        })
        .await;
}

/// Makes what lies in the folder of what is received as old as a server that died long ago leaves it.
fn aged(fixture: &Fixture) {
    let folder = fixture.folder.join("documents/.anteroom");
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let file = std::fs::File::options().write(true).open(entry.path());
        let written = entry.metadata().and_then(|about| about.modified());
        let long_ago = written.expect("a time") - std::time::Duration::from_secs(7200);
        file.expect("a file").set_modified(long_ago).expect("set");
    }
}

#[tokio::test]
async fn f150_a_server_that_dies_leaves_nothing_for_long() {
    let fixture = Fixture::with(PEOPLE).await;
    let emr = &fixture.emr;
    killed(emr, paper(1, "a.png", None, PNG), Killed::BeforeCommit).await;
    assert_eq!(files_of(&fixture), 2, "the file and the note about it");
    spool::sweep(emr).await.expect("sweeps");
    assert_eq!(files_of(&fixture), 2, "it may still be at work");
    aged(&fixture);
    spool::sweep(emr).await.expect("sweeps");
    assert_eq!(files_of(&fixture), 0);
    // Killed after the commit, the file is the row's and stays.
    killed(emr, paper(2, "b.png", None, PNG), Killed::AfterCommit).await;
    assert_eq!(files_of(&fixture), 2);
    aged(&fixture);
    spool::sweep(emr).await.expect("sweeps");
    assert_eq!(files_of(&fixture), 1);
    assert_eq!(seen(emr, Uuid::from_u128(2)).await.1, PNG);
    // Nothing but what a note names is ever taken away.
    let own = fixture.folder.join("documents/7/of-openemr");
    std::fs::write(&own, b"x").expect("writes");
    spool::sweep(emr).await.expect("sweeps");
    assert!(own.exists());
}
