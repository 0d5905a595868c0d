//! The rules about a document that is filed: whether the practice takes uploads, what a file may be, and where it goes.

use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use crate::config::Choice;
use crate::domain::people::Person;
use crate::domain::scope::Token;
use crate::portal::Change;
use crate::portal::Verdict;
use crate::portal::permitted;
use crate::portal::rules;
use crate::portal::rules::Rule;

/// The largest file that is taken.
pub const LARGEST: u64 = 20 * 1024 * 1024;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentAsk {
    /// A new document.
    File(Paper),
}

/// A document as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paper {
    /// The FHIR id it is to have.
    pub id: Uuid,
    /// Whose chart.
    pub patient: Uuid,
    /// File name; empty where none was given.
    pub name: String,
    /// Media type as the sender has it, in lower case, without parameters.
    pub declared: String,
    /// The practice's category, by its name or by the LOINC code of the type, where one was named.
    pub category: Option<Token>,
    /// The bytes.
    pub bytes: Source,
}

/// Where the bytes are.
#[derive(Clone, PartialEq, Eq)]
pub enum Source {
    /// In memory, as they came with a resource.
    Inline(Arc<[u8]>),
    /// Received into a file of its own.
    Spooled(Received),
}

/// A file that was received.
#[derive(Clone, PartialEq, Eq)]
pub struct Received {
    /// Its name on the disk.
    pub id: Uuid,
    /// How many bytes there are.
    pub size: u64,
    /// SHA3-512 of them, in hex.
    pub hash: String,
}

/// Bytes are nobody's business in a log.
impl fmt::Debug for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} bytes", self.size())
    }
}

impl Source {
    /// How many bytes there are.
    pub fn size(&self) -> u64 {
        match self {
            Self::Inline(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Self::Spooled(received) => received.size,
        }
    }
}

/// Who files it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filer {
    /// The patient, through the portal.
    Patient,
    /// A member of staff: `users.id`.
    Staff(i64),
}

/// What is known when it is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentCase {
    /// What was asked.
    pub paper: Paper,
    /// Whose chart.
    pub person: Person,
    /// Who files it.
    pub by: Filer,
    /// Through which app.
    pub client_id: String,
    /// Whether the portal is on (`portal_onsite_two_enable`).
    pub portal_on: bool,
    /// Whether the practice takes documents from patients (`allow_portal_uploads`).
    pub uploads_on: bool,
    /// What becomes of a patient's document (`review_document`).
    pub choice: Choice,
    /// What the bytes are by themselves; `None` for nothing this house takes.
    pub found: Option<&'static str>,
    /// Whether the practice's own list has that type, or the practice keeps none (`files_white_list`).
    pub listed: bool,
    /// Whether a virus was found in it, where the practice has somebody look.
    pub virus: bool,
    /// The category it goes to, by number; `None` where there is no such category for this user.
    pub category: Option<i64>,
    /// SHA3-512 of the bytes, in hex.
    pub hash: String,
    /// The name the file gets.
    pub drive: Uuid,
    /// Whether files are encrypted here (`drive_encryption`).
    pub encrypted: bool,
}

/// What may be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentChange {
    /// A new document.
    File(Box<DocumentCase>),
}

/// When a document is taken.
pub const FILE: &[Rule<DocumentCase>] = &[
    Rule {
        id: "portal-disabled",
        about: "The patient portal is switched on, where a patient sends.",
        holds: |case| case.portal_on || case.by != Filer::Patient,
        sentence: |_| "The practice's portal is switched off. Please call the practice.".to_owned(),
        expression: "portal_onsite_two_enable",
    },
    Rule {
        id: "upload.off",
        about: "The practice takes documents from patients.",
        holds: |case| case.uploads_on || case.by != Filer::Patient,
        sentence: |_| {
            "The practice takes no documents online. Please bring it to your visit.".to_owned()
        },
        expression: "allow_portal_uploads",
    },
    Rule {
        id: "upload.forbidden",
        about: "The practice takes documents here, or staff send.",
        holds: |case| case.choice != Choice::Forbidden || case.by != Filer::Patient,
        sentence: |_| {
            "The practice takes no documents online. Please call the practice, or bring it to your visit."
                .to_owned()
        },
        expression: "review_document",
    },
    Rule {
        id: "upload.empty",
        about: "The file holds something.",
        holds: |case| case.paper.bytes.size() > 0,
        sentence: |_| "This file is empty. Please choose another one.".to_owned(),
        expression: "DocumentReference.content[0].attachment.data",
    },
    Rule {
        id: "upload.size",
        about: "The file has at most 20 MiB.",
        holds: |case| case.paper.bytes.size() <= LARGEST,
        sentence: |_| {
            "This file is larger than 20 MiB. Please send a smaller picture or fewer pages."
                .to_owned()
        },
        expression: "DocumentReference.content[0].attachment.size",
    },
    Rule {
        id: "upload.type",
        about: "The bytes are of a kind that is taken, the one they are said to be, and on the practice's list.",
        // An empty file has no kind and breaks its own rule.
        holds: |case| {
            case.paper.bytes.size() == 0
                || case
                    .found
                    .is_some_and(|found| case.listed && same(found, &case.paper.declared))
        },
        sentence: |case| match case.found {
            None => {
                "This kind of file is not taken. Please send a PDF, a picture (JPEG, PNG, GIF, \
                TIFF, WebP, HEIC), plain text or an office document."
                    .to_owned()
            }
            Some(found) if !case.listed => {
                format!("The practice does not take files of the type {found}.")
            }
            Some(found) => format!(
                "The file is said to be {}, but it is {found}. Please send it as what it is.",
                case.paper.declared
            ),
        },
        expression: "DocumentReference.content[0].attachment.contentType",
    },
    Rule {
        id: "upload.infected",
        about: "No virus is found in it, where the practice has ClamAV look (clamd).",
        holds: |case| !case.virus,
        sentence: |_| {
            "Our check for viruses found something in this file, and it was not taken. Please \
                have your device checked, and do not send the file to anybody."
                .to_owned()
        },
        expression: "DocumentReference.content[0].attachment.data",
    },
    Rule {
        id: "upload.category",
        about: "It goes to a category there is: what patients send to Patient, what staff send to one they may use.",
        holds: |case| case.category.is_some(),
        sentence: |case| match case.by {
            Filer::Patient => "The practice files what you send under Patient: leave the category \
                out, or name that one."
                .to_owned(),
            Filer::Staff(_) => {
                "Name one of the practice's categories you may file to, by its name \
                or by the LOINC code of its type."
                    .to_owned()
            }
        },
        expression: "DocumentReference.category",
    },
];

/// Whether a type is the one that was declared: some have several names, and unknown bytes may be anything.
fn same(found: &str, declared: &str) -> bool {
    let usual = match declared {
        "image/jpg" | "image/pjpeg" => "image/jpeg",
        "image/heif" => "image/heic",
        "text/rtf" => "application/rtf",
        "text/xml" | "application/hl7-cda+xml" | "application/cda+xml" => "application/xml",
        "text/csv" | "text/markdown" => "text/plain",
        other => other,
    };
    usual == found || matches!(declared, "" | "application/octet-stream")
}

/// Whether every rule holds.
pub fn holds(case: &DocumentCase) -> bool {
    rules::broken(FILE, case).is_empty()
}

/// Applies the practice's rules.
pub(super) fn decide(case: DocumentCase) -> Verdict {
    let reasons = rules::broken(FILE, &case);
    match reasons.is_empty() {
        true => permitted(Change::Document(DocumentChange::File(Box::new(case)))),
        false => Verdict::Refused(reasons),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(by: Filer) -> DocumentCase {
        let person = Person {
            pid: 7,
            uuid: Uuid::from_u128(7),
        };
        DocumentCase {
            paper: Paper {
                id: Uuid::from_u128(1),
                patient: person.uuid,
                name: "a.png".to_owned(),
                declared: "image/png".to_owned(),
                category: None,
                bytes: Source::Inline(Arc::from(b"x".as_slice())),
            },
            person,
            by,
            client_id: "app".to_owned(),
            portal_on: true,
            uploads_on: true,
            choice: Choice::Review,
            found: Some("image/png"),
            listed: true,
            virus: false,
            category: Some(28),
            hash: String::new(),
            drive: Uuid::from_u128(2),
            encrypted: false,
        }
    }

    fn ids(case: DocumentCase) -> Vec<&'static str> {
        match decide(case) {
            Verdict::Refused(reasons) => reasons.iter().map(|reason| reason.id).collect(),
            Verdict::Permitted(_) => Vec::new(),
        }
    }

    #[test]
    fn case_169_every_rule_of_uploading_can_be_broken_alone() {
        type Break = fn(&mut DocumentCase);
        let breaks: [(&str, Break); 10] = [
            ("portal-disabled", |case| case.portal_on = false),
            ("upload.forbidden", |case| case.choice = Choice::Forbidden),
            ("upload.off", |case| case.uploads_on = false),
            ("upload.empty", |case| {
                case.paper.bytes = Source::Inline(Arc::from(b"".as_slice()));
            }),
            ("upload.size", |case| {
                case.paper.bytes = Source::Spooled(Received {
                    id: Uuid::from_u128(1),
                    size: LARGEST + 1,
                    hash: String::new(),
                });
            }),
            ("upload.type", |case| case.found = None),
            ("upload.type", |case| case.listed = false),
            ("upload.type", |case| {
                case.paper.declared = "application/pdf".to_owned();
            }),
            ("upload.infected", |case| case.virus = true),
            ("upload.category", |case| case.category = None),
        ];
        for rule in FILE {
            assert!(breaks.iter().any(|(id, _)| *id == rule.id), "{}", rule.id);
        }
        assert!(ids(case(Filer::Patient)).is_empty());
        for (id, broke) in breaks {
            let mut case = case(Filer::Patient);
            broke(&mut case);
            assert_eq!(ids(case), [id]);
        }
    }

    #[test]
    fn staff_file_whatever_the_portal_is() {
        let mut off = case(Filer::Staff(3));
        off.portal_on = false;
        off.uploads_on = false;
        off.choice = Choice::Forbidden;
        assert!(ids(off).is_empty());
    }

    #[test]
    fn a_log_does_not_tell_bytes() {
        let source = Source::Inline(Arc::from(b"secret".as_slice()));
        assert_eq!(format!("{source:?}"), "6 bytes");
    }
}
