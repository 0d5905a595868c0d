//! The documents in the charts: rows as OpenEMR's own upload writes them, and files where they point to
//! (facts 1.13, 2.9 and section 4).

use time::Duration;
use time::macros::time;
use uuid::Uuid;

use crate::crypto;
use crate::crypto::Entropy;
use crate::db::sql::date_text;
use crate::demo::book::Book;
use crate::demo::book::Row;
use crate::demo::book::id_of;
use crate::demo::papers;
use crate::demo::practice::MAIN;
use crate::demo::practice::Span;
use crate::demo::staff::LEE;
use crate::demo::staff::MENSAH;
use crate::domain::refusal::Fault;
use crate::emr::cipher;
use crate::emr::cipher::DatabaseKeys;

/// Where OpenEMR ran when it wrote the rows: only the last two parts of the path still mean something here.
const OLD_HOME: &str = "file:///var/www/localhost/htdocs/openemr/sites/default/documents";

/// The first of the numbers documents and encounters took from `sequences`.
const FIRST_DOCUMENT: i64 = 201;
const FIRST_ENCOUNTER: i64 = 301;

/// A file to be written under the documents folder.
pub(super) struct File {
    /// Patient number: the folder.
    pub(super) pid: i64,
    /// `drive_uuid`: the name.
    pub(super) name: Uuid,
    /// What is written, encrypted or not.
    pub(super) bytes: Vec<u8>,
}

/// A document.
struct Paper {
    pid: i64,
    name: &'static str,
    mime: &'static str,
    drawer: Drawer,
    /// `users.id`; nobody for what came through the portal.
    owner: Option<i64>,
    days_ago: i64,
    state: State,
    bytes: Vec<u8>,
}

/// Which category: one of OpenEMR's by number, or one of the practice's own by name.
enum Drawer {
    Seeded(i64),
    Own(&'static str),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Readable, and the bytes lie there as they are.
    Plain,
    /// Readable, and the bytes are encrypted.
    Encrypted,
    /// Readable, and about a visit: it has an encounter.
    Visit,
    /// No uuid given yet.
    Unnumbered,
    /// Removed by staff.
    Deleted,
    /// Past its date.
    Expired,
}

/// Writes the rows; the files are the caller's to put in place.
///
/// # Errors
/// The generator of random numbers failed, or the cipher did.
pub(super) fn write(
    book: &mut Book<'_>,
    span: Span,
    entropy: &dyn Entropy,
) -> Result<Vec<File>, Fault> {
    let keys = DatabaseKeys::fresh(entropy)?;
    for (name, value) in keys.rows() {
        book.add(Row::of("keys").set("name", name).set("value", value));
    }
    let mut files = Vec::new();
    let day = date_text(book.today() - Duration::days(44)).replace('-', "");
    for (number, paper) in (FIRST_DOCUMENT..).zip(papers(&day)) {
        let drive = id_of("documents/drive", number);
        let encounter = match paper.state {
            State::Visit => visit(book, number - FIRST_DOCUMENT + FIRST_ENCOUNTER, &paper),
            _ => 0,
        };
        let row = row(book, &paper, (number, drive, encounter));
        match paper.state {
            State::Unnumbered => book.add(row),
            _ => book.add_known(row, ("id", number)),
        }
        book.register(drive, ("", ""), [1, 0]);
        let category = match paper.drawer {
            Drawer::Seeded(category) => Some(category),
            Drawer::Own(name) => span.drawer(name),
        };
        book.add(
            Row::of("categories_to_documents")
                .set("category_id", category)
                .set("document_id", number),
        );
        files.push(File {
            pid: paper.pid,
            name: drive,
            bytes: match paper.state {
                State::Encrypted => cipher::encrypt(&keys, &paper.bytes, entropy)?,
                _ => paper.bytes,
            },
        });
    }
    Ok(files)
}

fn row(book: &Book<'_>, paper: &Paper, ids: (i64, Uuid, i64)) -> Row {
    let (number, drive, encounter) = ids;
    let date = book.at(-paper.days_ago, time!(16:42));
    let expired = (paper.state == State::Expired).then(|| date + Duration::days(30));
    Row::of("documents")
        .numbers([
            ("id", number),
            ("foreign_id", paper.pid),
            ("size", i64::try_from(paper.bytes.len()).unwrap_or_default()),
            ("storagemethod", 0),
            ("path_depth", 1),
            ("encounter_id", encounter),
            ("encrypted", i64::from(paper.state == State::Encrypted)),
            ("deleted", i64::from(paper.state == State::Deleted)),
        ])
        .texts([
            ("type", "file_url"),
            ("mimetype", paper.mime),
            ("name", paper.name),
        ])
        .set("url", format!("{OLD_HOME}/{}/{drive}", paper.pid))
        .set("drive_uuid", drive)
        .set("hash", crypto::sha3_512_hex(&paper.bytes))
        .set("owner", paper.owner)
        .set("date", date)
        .set("revision", date)
        .set("docdate", date.date())
        .set("date_expires", expired)
}

/// The encounter a document is about; its number.
fn visit(book: &mut Book<'_>, encounter: i64, paper: &Paper) -> i64 {
    let row = Row::of("form_encounter")
        .numbers([
            ("id", encounter),
            ("encounter", encounter),
            ("pid", paper.pid),
            ("facility_id", MAIN),
            ("billing_facility", MAIN),
            ("pc_catid", 5),
        ])
        .texts([
            ("reason", "Office visit"),
            ("facility", "Harbor Street Family Medicine"),
            ("sensitivity", "normal"),
            ("class_code", "AMB"),
        ])
        .set("provider_id", paper.owner.unwrap_or_default())
        .set("date", book.at(-paper.days_ago, time!(10:15)))
        .newer("date_end", book.at(-paper.days_ago, time!(10:40)))
        .newer("last_update", book.at(-paper.days_ago, time!(10:40)));
    book.add_known(row, ("id", encounter));
    encounter
}

fn paper(
    to: (i64, Option<i64>, i64),
    name: (&'static str, &'static str),
    drawer: Drawer,
    state: State,
    bytes: impl Into<Vec<u8>>,
) -> Paper {
    let (pid, owner, days_ago) = to;
    let (name, mime) = name;
    Paper {
        pid,
        name,
        mime,
        drawer,
        owner,
        days_ago,
        state,
        bytes: bytes.into(),
    }
}

const PDF: &str = "application/pdf";
const TEXT: &str = "text/plain";

fn papers(ccd_day: &str) -> Vec<Paper> {
    use Drawer::Own;
    use Drawer::Seeded;
    vec![
        paper(
            (1, Some(LEE), 42),
            ("Visit summary.pdf", PDF),
            Own("Progress Notes"),
            State::Visit,
            papers::pdf(
                "Visit summary: María José Delgado",
                &[
                    "Seen by: Donna Lee, MD, Harbor Street Family Medicine",
                    "Reason: asthma check. Peak flow 380 l/min, lungs clear.",
                    "Plan: keep the controller inhaler, spirometry in six weeks.",
                    "Next visit: see your portal.",
                ],
            ),
        ),
        paper(
            (1, Some(LEE), 38),
            ("Lab results.pdf", PDF),
            Seeded(2),
            State::Encrypted,
            papers::pdf(
                "Laboratory report",
                &[
                    "Patient: María José Delgado      Chart: HS-10401",
                    "Hemoglobin          13.4 g/dL       (12.0 - 15.5)",
                    "Eosinophils         0.42 10*3/uL    (0.00 - 0.50)",
                    "Total IgE           212 IU/mL       (< 100)   high",
                    "Reviewed by Donna Lee, MD",
                ],
            ),
        ),
        paper(
            (1, Some(MENSAH), 14),
            ("Plan de acción para el asma.txt", TEXT),
            Seeded(3),
            State::Plain,
            "PLAN DE ACCIÓN PARA EL ASMA\n\nVerde: dos inhalaciones por la mañana y por la noche.\n\
             Amarillo: añada el inhalador azul cada 4 a 6 horas.\nRojo: inhalador azul y llame al 911.\n",
        ),
        paper(
            (1, None, 8),
            ("insurance-card.png", "image/png"),
            Seeded(28),
            State::Unnumbered,
            papers::card(),
        ),
        paper(
            (1, Some(LEE), 44),
            ("Continuity of care.xml", "text/xml"),
            Seeded(12),
            State::Plain,
            papers::ccd(ccd_day),
        ),
        paper(
            (1, Some(LEE), 50),
            ("Wrong patient.txt", TEXT),
            Seeded(3),
            State::Deleted,
            "Filed in the wrong chart.\n",
        ),
        paper(
            (1, Some(MENSAH), 90),
            ("Flu clinic voucher.txt", TEXT),
            Seeded(3),
            State::Expired,
            "Good for one flu shot this month.\n",
        ),
        paper(
            (2, Some(LEE), 27),
            ("Progress note.pdf", PDF),
            Own("Progress Notes"),
            State::Visit,
            papers::pdf(
                "Progress note: Seán Patrick O'Connor Jr.",
                &[
                    "Blood pressure 152/94 sitting, 148/92 standing.",
                    "Changed to a combination tablet. Home readings for two weeks.",
                    "Donna Lee, MD",
                ],
            ),
        ),
        paper(
            (2, Some(LEE), 26),
            ("Chest x-ray report.html", "text/html"),
            Own("Imaging"),
            State::Plain,
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Chest x-ray</title></head>\n\
             <body><h1>Chest, two views</h1><p>Heart size normal. No infiltrate, no effusion.</p></body></html>\n",
        ),
        paper(
            (2, Some(MENSAH), 400),
            ("Discharge letter.txt", TEXT),
            Own("Discharge Summary"),
            State::Encrypted,
            "Discharged after two nights. Atrial fibrillation, rate controlled.\nINR weekly at Harbor Street.\n",
        ),
        paper(
            (2, None, 2),
            ("medicare-card.png", "image/png"),
            Seeded(28),
            State::Encrypted,
            papers::card(),
        ),
        paper(
            (2, Some(LEE), 700),
            ("Living will.pdf", PDF),
            Seeded(9),
            State::Plain,
            papers::pdf(
                "Living will",
                &["On paper in the chart. Reviewed with the patient."],
            ),
        ),
        paper(
            (3, Some(MENSAH), 48),
            ("Well-woman visit.pdf", PDF),
            Own("Progress Notes"),
            State::Visit,
            papers::pdf("Visit summary", &["All well. Next in three years."]),
        ),
        paper(
            (4, Some(LEE), 23),
            ("Back exercises.txt", TEXT),
            Seeded(3),
            State::Plain,
            "Cat and camel, ten times. Bridge, ten times. Walk every day.\n",
        ),
        paper(
            (9, Some(MENSAH), 300),
            ("Immunization record.txt", TEXT),
            Seeded(3),
            State::Plain,
            "Complete for age.\n",
        ),
    ]
}
