//! Documents without an app: the patient's page with what is taken away (F150, F154, F159), and the desk's (F151, F158).

use std::io::Cursor;
use std::io::Read;
use std::time::Duration;

use anteroom::db::sql::Sql;
use anteroom::demo::manifest::PatientLogin;
use anteroom::domain::people::Person;
use anteroom::http::documents::records::turn::AT_ONCE;
use anteroom::http::documents::records::turn::Turn;
use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use serde_json::Value;
use uuid::Uuid;

use super::mailbox::own_page;
use super::staff::at_the_desk;
use super::staff::csrf;
use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::browser::Browser;
use crate::clinic::engine::LAYOUTS;
use crate::clinic::engine::look_at;

const HERE: &str = "/account/documents";

const RECORDS: [&str; 3] = [
    "/account/records.zip",
    "/account/records.pdf",
    "/account/records.json",
];

pub(super) const PDF: &[u8] = b"%PDF-1.4\n1 0 obj << >> endobj\n%%EOF";

const EDGE: &str = "----anteroom-edge";

/// A field of a form with a file.
pub(super) fn part(name: &str, value: &str) -> Vec<u8> {
    format!("--{EDGE}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").into()
}

/// The file of one.
pub(super) fn file(name: &str, bytes: &[u8]) -> Vec<u8> {
    let head = format!(
        "--{EDGE}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
        Content-Type: application/octet-stream\r\n\r\n"
    );
    [head.as_bytes(), bytes, b"\r\n"].concat()
}

/// Sends a form with a file as a browser does.
pub(super) async fn sent(browser: &mut Browser<'_>, path: &str, parts: &[Vec<u8>]) -> Answer {
    let mut body = parts.concat();
    body.extend_from_slice(format!("--{EDGE}--\r\n").as_bytes());
    let request = Request::post(path)
        .header(
            "content-type",
            format!("multipart/form-data; boundary={EDGE}"),
        )
        .header("content-length", body.len())
        .header("origin", "http://127.0.0.1:8080")
        .header("sec-fetch-site", "same-origin");
    browser.send(request, Body::from(body)).await
}

async fn at_home<'c>(clinic: &'c Clinic, patient: &PatientLogin) -> (Browser<'c>, Answer) {
    let mut browser = clinic.browser();
    let login = (patient.username.as_str(), patient.password.as_str());
    let page = own_page(&mut browser, login, HERE).await;
    (browser, page)
}

/// The id of the document whose line has these words.
fn id_of(page: &Answer, words: &str) -> String {
    let html = page.text();
    let rows = html.split("<tr id=\"document-").skip(1);
    let row = rows.clone().find(|row| row.contains(words));
    let row = row.unwrap_or_else(|| panic!("no {words} in {html}"));
    row.split('"').next().unwrap_or_default().to_owned()
}

/// The value of `seen` in the form of a document.
fn seen(page: &Answer, id: &str) -> String {
    let html = page.text();
    let row = html.split(&format!("id=\"document-{id}\"")).nth(1);
    let value = row.and_then(|row| row.split("name=\"seen\" value=\"").nth(1));
    value
        .and_then(|rest| rest.split('"').next())
        .unwrap_or_else(|| panic!("no form of {id}"))
        .to_owned()
}

/// The names in an archive, and the bytes of the one that ends like this.
fn unzipped(bytes: &[u8], ending: &str) -> (Vec<String>, Vec<u8>) {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("an archive");
    let names: Vec<String> = archive
        .file_names()
        .map(|name| name.expect("a name").into_owned())
        .collect();
    let name = names.iter().find(|name| name.ends_with(ending));
    let name = name.unwrap_or_else(|| panic!("no {ending} in {names:?}"));
    let mut found = Vec::new();
    let mut file = archive.by_name(name).expect("a file");
    file.read_to_end(&mut found).expect("whole");
    (names, found)
}

async fn own_documents(clinic: Clinic) {
    let maria = clinic.patient("active");
    let (mut browser, page) = at_home(&clinic, maria).await;
    assert!(page.text().contains("At most 20 MiB"), "told before");
    let token = || part("csrf", &csrf(&page));
    // The name of a file is text, whatever is in it.
    let name = "C:\\scans\\<img src=x onerror=alert(1)>.pdf";
    let done = sent(&mut browser, HERE, &[token(), file(name, PDF)]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text());
    let list = browser.follow(done).await;
    let html = list.text();
    assert!(html.contains("Nobody has looked yet"), "f150: {html}");
    assert!(!html.contains("<img src=x"), "{html}");
    let id = id_of(&list, "onerror=alert(1)");
    let saved = browser.get(&format!("{HERE}/{id}")).await;
    assert_eq!(saved.bytes, PDF, "f154");
    assert!(
        saved
            .header("content-disposition")
            .starts_with("attachment;")
    );
    assert!(saved.header("content-security-policy").contains("sandbox"));
    // A PDF is for the reader's own program, a text is shown.
    let viewed = browser.get(&format!("{HERE}/{id}?view=yes")).await;
    assert!(
        viewed
            .header("content-disposition")
            .starts_with("attachment;")
    );
    let done = sent(
        &mut browser,
        HERE,
        &[token(), file("a.txt", b"all is well")],
    )
    .await;
    let list = browser.follow(done).await;
    let note = id_of(&list, "a.txt");
    let viewed = browser.get(&format!("{HERE}/{note}?view=yes")).await;
    assert!(viewed.header("content-disposition").starts_with("inline;"));
    assert!(viewed.header("content-security-policy").contains("sandbox"));
    let ranged = Request::get(format!("{HERE}/{note}")).header("range", "bytes=0-2");
    let ranged = browser.send(ranged, Body::empty()).await;
    assert_eq!(ranged.bytes, b"all");
    // What the rules refuse stays on the page, with its sentence.
    for (bytes, says) in [
        (b"".as_slice(), "This file is empty"),
        (
            b"MZ\x90\0\x03\0".as_slice(),
            "This kind of file is not taken",
        ),
        (&[b'x'; 20 * 1024 * 1024 + 1], "larger than 20 MiB"),
    ] {
        let answer = sent(&mut browser, HERE, &[token(), file("b.exe", bytes)]).await;
        assert!(answer.status.is_client_error(), "{says}");
        assert!(answer.text().contains(says), "{says} {}", answer.text());
    }
    let answer = sent(&mut browser, HERE, &[token(), file("", b"")]).await;
    assert!(answer.text().contains("Choose a file first"));
    // The same form sends the same file once, and another file as well.
    let ticket = || part("ticket", "one-of-a-form");
    for (name, there) in [("d.txt", 1), ("d.txt", 1), ("e.txt", 2)] {
        let done = sent(
            &mut browser,
            HERE,
            &[token(), ticket(), file(name, b"again")],
        )
        .await;
        assert_eq!(done.header("location"), format!("{HERE}?done=sent"));
        let count = clinic
            .look("SELECT CAST(COUNT(*) AS CHAR) AS text FROM documents WHERE name IN ('d.txt', 'e.txt')")
            .await;
        assert_eq!(count, there.to_string(), "f150: {name}");
    }
    let shown = browser.get(HERE).await.text();
    assert!(shown.contains("name=\"ticket\" value=\""), "{shown}");
    // The token comes before the file, or nothing is looked at.
    let foreign = sent(&mut browser, HERE, &[file("c.txt", b"x"), token()]).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    let foreign = sent(
        &mut browser,
        HERE,
        &[part("csrf", "wrong"), file("c.txt", b"x")],
    )
    .await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    // Nobody else's.
    let sean = clinic.patients("active").nth(1).expect("another");
    let (mut other, _) = at_home(&clinic, sean).await;
    let theirs = other.get(&format!("{HERE}/{id}")).await;
    assert_eq!(theirs.status, StatusCode::NOT_FOUND);
    // Some at a time take their records away, and who is to wait is told for how long.
    let others: Vec<Turn> = (900_001..)
        .take(AT_ONCE)
        .map(|pid| {
            let uuid = Uuid::nil();
            let taken = clinic.app.exports.turn(Person { pid, uuid });
            taken.expect("free")
        })
        .collect();
    for path in RECORDS {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert!(!answer.header("retry-after").is_empty(), "{path}");
    }
    drop(others);
    records(&clinic, &mut browser, &maria.id).await;
    // Nothing is sent in part: what may not be read is told before anything goes out.
    let off = "UPDATE globals SET gl_value = '0' WHERE gl_name = 'portal_onsite_two_enable'";
    clinic.app.emr.db.script(off).await.expect("switched off");
    for _ in 0..60 {
        if browser.get("/account/records.pdf").await.status != StatusCode::OK {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for path in RECORDS {
        let answer = browser.get(path).await;
        assert!(!answer.status.is_success(), "{path} {}", answer.status);
    }
    clinic.close().await;
}

/// Everything that is taken away.
async fn records(clinic: &Clinic, browser: &mut Browser<'_>, patient: &str) {
    let zip = browser.get("/account/records.zip").await;
    assert_eq!(zip.status, StatusCode::OK);
    let (names, note) = unzipped(&zip.bytes, "a.txt");
    assert_eq!(note, b"all is well");
    let safe = |name: &String| !name.contains(['<', '>', ':', '\\', '"']) && !name.contains("..");
    assert!(names.iter().all(safe), "{names:?}");
    let (_, summary) = unzipped(&zip.bytes, "record.pdf");
    assert!(summary.starts_with(b"%PDF-"));
    let alone = browser.get("/account/records.pdf").await;
    assert!(alone.bytes.starts_with(b"%PDF-"));
    let (_, inside) = unzipped(&zip.bytes, "record.json");
    let alone = browser.get("/account/records.json").await;
    for bytes in [inside, alone.bytes] {
        let bundle: Value = serde_json::from_slice(&bytes).expect("JSON");
        assert_eq!(bundle["type"], "collection");
        let entries = bundle["entry"].as_array().expect("entries");
        let mut urls: Vec<&str> = entries
            .iter()
            .filter_map(|entry| entry["fullUrl"].as_str())
            .collect();
        let count = urls.len();
        urls.sort_unstable();
        urls.dedup();
        assert_eq!(urls.len(), count, "each record once");
        let of = |kind: &str| {
            let all = entries.iter();
            all.filter(|entry| entry["resource"]["resourceType"] == kind)
                .count()
        };
        assert_eq!(of("Patient"), 1);
        assert!(
            of("DocumentReference") > 1 && of("Appointment") > 0,
            "{urls:?}"
        );
        assert_eq!(entries[0]["resource"]["id"], patient);
    }
    for _ in 0..100 {
        let lines = Sql::new(
            "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_audit \
             WHERE action = 'record.export' AND LOWER(HEX(patient)) = ?",
        );
        let told = look_at(&clinic.app.emr.db, lines.bind(patient.replace('-', ""))).await;
        if told == "3" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the ledger does not tell of what was taken away");
}

/// Waits for the ledger's line of a document that staff opened, and says whose record it is about.
async fn opened(clinic: &Clinic, document: &str) -> String {
    for _ in 0..100 {
        let line = Sql::new(
            "SELECT CONCAT_WS('|', 'told', LOWER(HEX(COALESCE(patient, '')))) AS text FROM anteroom_audit \
             WHERE action = 'Binary.read' AND resource = ? AND actor LIKE 'Practitioner/%' ORDER BY id DESC LIMIT 1",
        );
        let told = look_at(&clinic.app.emr.db, line.bind(format!("Binary/{document}"))).await;
        if let Some(patient) = told.strip_prefix("told|") {
            return patient.to_owned();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the ledger does not tell who opened {document}");
}

async fn at_desk(clinic: Clinic) {
    let maria = clinic.patient("active");
    let (mut lee, _) = at_the_desk(&clinic, "dlee").await;
    let here = format!("/staff/patients/{}/documents", maria.id);
    let page = lee.get(&here).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    let token = || part("csrf", &csrf(&page));
    let missing = sent(
        &mut lee,
        &here,
        &[token(), part("category", ""), file("lab.pdf", PDF)],
    )
    .await;
    assert_eq!(missing.status, StatusCode::UNPROCESSABLE_ENTITY);
    let parts = [
        token(),
        part("category", "Lab Report"),
        file("lab.pdf", PDF),
    ];
    let done = sent(&mut lee, &here, &parts).await;
    let list = lee.follow(done).await;
    let id = id_of(&list, "lab.pdf");
    let row = clinic
        .look("SELECT CONCAT_WS('|', c.name, d.owner) AS text FROM documents d JOIN categories_to_documents l \
            ON l.document_id = d.id JOIN categories c ON c.id = l.category_id ORDER BY d.id DESC")
        .await;
    assert!(row.starts_with("Lab Report|"), "f158: {row}");
    let (mut home, own) = at_home(&clinic, maria).await;
    assert!(own.text().contains("lab.pdf"), "f159");
    // Taken back, with the version the page showed; the older page is told.
    let old = seen(&list, &id);
    let press = |decision: &str, seen: &str| {
        [
            ("csrf", csrf(&list)),
            ("seen", seen.to_owned()),
            ("decision", decision.to_owned()),
        ]
    };
    let path = format!("{here}/{id}");
    let done = lee.post(&path, &press("unshare", &old)).await;
    assert_eq!(done.header("location"), format!("{here}?done=unshare"));
    let list = lee.follow(done).await;
    assert!(list.text().contains("Does not see it"), "f151");
    assert!(!home.get(HERE).await.text().contains("lab.pdf"), "f151");
    let gone = home.get(&format!("{HERE}/{id}")).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND, "f151");
    let zip = home.get("/account/records.zip").await;
    let (names, _) = unzipped(&zip.bytes, "record.pdf");
    assert!(!names.iter().any(|name| name.ends_with("lab.pdf")), "f151");
    let late = lee.post(&path, &press("unshare", &old)).await;
    assert_eq!(late.header("location"), format!("{here}?done=too-late"));
    let done = lee.post(&path, &press("share", &seen(&list, &id))).await;
    assert_eq!(done.header("location"), format!("{here}?done=share"));
    assert!(home.get(HERE).await.text().contains("lab.pdf"), "f151");
    assert_eq!(lee.get(&path).await.bytes, PDF);
    let bare = maria.id.replace('-', "");
    let told = opened(&clinic, &id).await;
    assert_eq!(told, bare, "f164: whose record it was");
    // Under another patient's address there is no such document, and nothing is done to it.
    let sean = clinic.patients("active").nth(1).expect("another");
    let wrong = format!("/staff/patients/{}/documents/{id}", sean.id);
    assert_eq!(lee.get(&wrong).await.status, StatusCode::NOT_FOUND);
    let list = lee.get(&here).await;
    let pressed = press("unshare", &seen(&list, &id));
    let answer = lee.post(&wrong, &pressed).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}", answer.text());
    assert!(home.get(HERE).await.text().contains("lab.pdf"), "f151");
    refused_and_chosen(&clinic, &mut lee, (&here, &bare)).await;
    // Accounting has no right to documents, and the ledger knows who tried (F164).
    let (mut clerk, _) = at_the_desk(&clinic, "jpark").await;
    for path in [&here, &path] {
        assert_eq!(clerk.get(path).await.status, StatusCode::FORBIDDEN, "f164");
    }
    clinic.close().await;
}

/// What is refused at the desk is in the ledger with its patient; a category is chosen by its row, and the same form files once.
async fn refused_and_chosen(clinic: &Clinic, lee: &mut Browser<'_>, (here, bare): (&str, &str)) {
    let page = lee.get(here).await;
    let token = || part("csrf", &csrf(&page));
    let category = |value: &str| part("category", value);
    let parts = [token(), category("2"), file("bad.exe", b"MZ\x90\0\x03\0")];
    let refused = sent(lee, here, &parts).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let line = clinic
        .look("SELECT CONCAT_WS('|', outcome, reason, LOWER(HEX(COALESCE(patient, '')))) AS text FROM anteroom_audit \
            WHERE action = 'Binary.create' AND actor LIKE 'Practitioner/%' ORDER BY id DESC LIMIT 1")
        .await;
    assert_eq!(line, format!("refused|upload.type|{bare}"));
    let row = clinic
        .look("SELECT CAST(MIN(id) AS CHAR) AS text FROM categories WHERE name = 'Living Will'")
        .await;
    let html = page.text();
    let option = format!("<option value=\"{row}\">Advance Directive / Living Will</option>");
    assert!(html.contains(&option), "f158: {html}");
    let ticket = || part("ticket", "one-of-a-form");
    for _ in 0..2 {
        let parts = [token(), ticket(), category(&row), file("will.pdf", PDF)];
        let done = sent(lee, here, &parts).await;
        assert_eq!(done.header("location"), format!("{here}?done=filed"));
    }
    let filed = clinic
        .look("SELECT CONCAT_WS('|', COUNT(*), MAX(c.name)) AS text FROM documents d JOIN categories_to_documents l \
            ON l.document_id = d.id JOIN categories c ON c.id = l.category_id WHERE d.name = 'will.pdf'")
        .await;
    assert_eq!(filed, "1|Living Will", "f158");
}

#[tokio::test]
async fn f150_f154_f159_a_patient_sends_sees_and_takes_away() {
    own_documents(Clinic::open().await).await;
    for layout in LAYOUTS {
        if let Some(clinic) = Clinic::on_mariadb(layout).await {
            own_documents(clinic).await;
        }
    }
}

#[tokio::test]
async fn f151_f158_f164_staff_file_share_and_take_back() {
    at_desk(Clinic::open().await).await;
    for layout in LAYOUTS {
        if let Some(clinic) = Clinic::on_mariadb(layout).await {
            at_desk(clinic).await;
        }
    }
}
