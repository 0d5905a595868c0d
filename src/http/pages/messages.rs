//! `/account/messages` and `/staff/messages`: a folder, a thread, and a new message.

use super::frame::Frame;
use super::staff_login::PatientRow;
use crate::http::words::filters;
use askama::Template;

/// A folder of somebody's own mailbox.
#[derive(Debug, Template)]
#[template(path = "messages.html")]
pub struct Messages {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The form token.
    pub csrf: String,
    /// Whether it is a member of staff's.
    pub staff: bool,
    /// Address of the inbox.
    pub base: &'static str,
    /// What has just been done, in a sentence; empty where nothing was.
    pub notice: &'static str,
    /// Whether the practice's portal is off.
    pub closed: bool,
    /// The practice's phone number; empty where none is set.
    pub phone: String,
    /// How many messages are unread.
    pub unread: i64,
    /// `inbox`, `sent` or `archive`.
    pub folder: &'static str,
    /// Its threads.
    pub threads: Vec<ThreadRow>,
    /// Address of the next page; empty on the last.
    pub older: String,
    /// Whether this is not the first page.
    pub later: bool,
}

/// A thread in a folder.
#[derive(Clone, Debug, Default)]
pub struct ThreadRow {
    /// Where it is.
    pub address: String,
    /// Its title; may be empty.
    pub title: String,
    /// Who is at the other end.
    pub with: String,
    /// When the newest message was sent.
    pub when: String,
    /// How many messages it has.
    pub total: i64,
    /// How many of them are unread.
    pub unread: i64,
    /// Whether it is completed.
    pub done: bool,
    /// Whether it carries a document.
    pub carries: bool,
}

/// A thread. Buttons `decision=archive|back|complete`; fields `decision=reply`, `seen`, `body`, `file`, `ticket`,
/// `csrf`.
#[derive(Debug, Template)]
#[template(path = "message.html")]
pub struct Conversation {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The form token.
    pub csrf: String,
    /// Whether a member of staff reads it.
    pub staff: bool,
    /// Address of the inbox.
    pub base: &'static str,
    /// Where the forms post to.
    pub action: String,
    /// What makes this form another than the next.
    pub ticket: String,
    /// Its title; may be empty.
    pub title: String,
    /// Who is at the other end.
    pub with: String,
    /// FHIR id of the patient, at the desk.
    pub patient: Option<String>,
    /// Bytes of a document that goes along at most; `None` where none can.
    pub files: Option<u64>,
    /// FHIR id of the newest message shown: what comes later is not sorted with it.
    pub seen: String,
    /// Whether an answer can get there.
    pub answers: bool,
    /// What has just been done, in a sentence; empty where nothing was.
    pub notice: &'static str,
    /// Why what was typed was not sent.
    pub errors: Vec<String>,
    /// What was typed.
    pub typed: String,
    /// Whether there are older messages than those shown.
    pub more: bool,
    /// Whether all of it is completed.
    pub done: bool,
    /// Whether all of it is in the archive.
    pub archived: bool,
    /// Its messages, the oldest first.
    pub posts: Vec<PostView>,
    /// The practice's zone.
    pub zone: String,
}

/// One message.
#[derive(Clone, Debug, Default)]
pub struct PostView {
    /// FHIR id.
    pub id: String,
    /// Who wrote it.
    pub from: String,
    /// Whether that is the reader.
    pub mine: bool,
    /// Whether it was unread until now.
    pub fresh: bool,
    /// The day it was sent.
    pub day: String,
    /// And the time.
    pub clock: String,
    /// What it says, as HTML that is safe to show (`emr::html::sanitised`).
    pub html: String,
    /// Address and name of each document.
    pub attached: Vec<(String, String)>,
}

/// A patient's new message. Fields `to`, `title`, `body`, `file`, `ticket`, `csrf`.
#[derive(Debug, Template)]
#[template(path = "message_new.html")]
pub struct NewMessage {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The form token.
    pub csrf: String,
    /// What makes this form another than the next.
    pub ticket: String,
    /// Bytes of a document that goes along at most; `None` where none can.
    pub files: Option<u64>,
    /// Whether the practice's portal is off.
    pub closed: bool,
    /// The practice's phone number; empty where none is set.
    pub phone: String,
    /// FHIR id and name of everybody who takes messages.
    pub addressees: Vec<(String, String)>,
    /// Who was chosen.
    pub to: String,
    /// What was typed.
    pub title: String,
    /// What was typed.
    pub body: String,
    /// Why it was not sent.
    pub errors: Vec<String>,
}

/// A new message of staff: first the patient is looked for. Button `decision=search`; fields `decision=send`, `search`,
/// `patient`, `title`, `topic`, `body`, `file`, `ticket`, `csrf`.
#[derive(Debug, Template)]
#[template(path = "staff_message_new.html")]
pub struct StaffNewMessage {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The form token.
    pub csrf: String,
    /// What makes this form another than the next.
    pub ticket: String,
    /// Bytes of a document that goes along at most; `None` where none can.
    pub files: Option<u64>,
    /// What was searched for before, or empty.
    pub search: String,
    /// What was found; `None` before a search.
    pub found: Option<Vec<PatientRow>>,
    /// True where there are more than are shown.
    pub more_found: bool,
    /// FHIR id, name and birth date of the patient who was chosen.
    pub patient: Option<(String, String, String)>,
    /// Code and words of what a message can be about.
    pub topics: [(&'static str, &'static str); 4],
    /// What was typed.
    pub written: Written,
}

/// A message to many: first whom and what, then how many it goes to. Buttons `decision=preview|change|send`; fields `whom`,
/// `day`, `provider`, `numbers`, `title`, `body`, `list`, `ticket`, `csrf`.
#[derive(Debug, Template)]
#[template(path = "staff_message_many.html")]
pub struct Many {
    /// Title, practice, sandbox.
    pub frame: Frame,
    /// The form token.
    pub csrf: String,
    /// What makes this form another than the next.
    pub ticket: String,
    /// `all`, `day` or `numbers`.
    pub whom: String,
    /// The day of a visit.
    pub day: String,
    /// FHIR id of the provider of the visit; empty for any.
    pub provider: String,
    /// FHIR id and name of each provider.
    pub providers: Vec<(String, String)>,
    /// Numbers of patients, as typed.
    pub numbers: String,
    /// What was typed.
    pub written: Written,
    /// To how many it goes, where that was asked.
    pub count: Option<usize>,
    /// The first of them, by name and number.
    pub names: Vec<String>,
    /// The numbers of those who are meant and cannot get it; empty where there are none.
    pub left_out: String,
    /// What tells these patients from others.
    pub list: String,
}

/// What was typed into a form, and why it was not sent.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// The subject.
    pub title: String,
    /// What it is about.
    pub topic: String,
    /// The text.
    pub body: String,
    /// Why it was not sent.
    pub errors: Vec<String>,
}

impl Messages {
    /// A patient's inbox.
    pub fn sample() -> Self {
        let row = |id: &str, with: &str, unread| ThreadRow {
            address: format!("/account/messages/{id}"),
            title: "Metformin".to_owned(),
            with: with.to_owned(),
            when: "09:15".to_owned(),
            total: 3,
            unread,
            done: unread == 0,
            carries: unread == 1,
        };
        Messages {
            frame: Frame::sample("Messages"),
            csrf: "sample-form-token".to_owned(),
            staff: false,
            base: "/account/messages",
            notice: "The message is sent.",
            closed: false,
            phone: "(555) 555-0100".to_owned(),
            unread: 1,
            folder: "inbox",
            threads: vec![row("a", "Donna Lee", 1), row("b", "Ravi Patel", 0)],
            older: "/account/messages?folder=inbox&after=0-7".to_owned(),
            later: true,
        }
    }

    /// A member of staff's inbox.
    pub fn sample_of_staff() -> Self {
        Messages {
            staff: true,
            base: "/staff/messages",
            notice: "",
            later: false,
            ..Messages::sample()
        }
    }

    /// Nothing there, and the portal is off.
    pub fn sample_closed() -> Self {
        Messages {
            notice: "",
            closed: true,
            unread: 0,
            threads: Vec::new(),
            older: String::new(),
            later: false,
            ..Messages::sample()
        }
    }

    /// An empty archive.
    pub fn sample_empty() -> Self {
        Messages {
            closed: false,
            folder: "archive",
            ..Messages::sample_closed()
        }
    }
}

impl Conversation {
    /// A thread with an answer.
    pub fn sample() -> Self {
        let post = |id: &str, mine| PostView {
            id: id.to_owned(),
            from: "Donna Lee".to_owned(),
            mine,
            fresh: !mine,
            day: "Tuesday, 24 November 2026".to_owned(),
            clock: "09:15".to_owned(),
            html: "<p>Please take it with <b>food</b>.</p>".to_owned(),
            attached: vec![("/account/documents/a".to_owned(), "Leaflet.pdf".to_owned())],
        };
        Conversation {
            frame: Frame::sample("Conversation"),
            csrf: "sample-form-token".to_owned(),
            staff: false,
            base: "/account/messages",
            action: "/account/messages/a".to_owned(),
            ticket: "t".to_owned(),
            title: "Metformin".to_owned(),
            with: "Donna Lee".to_owned(),
            patient: None,
            files: Some(20_971_520),
            seen: "b".to_owned(),
            answers: true,
            notice: "The message is sent.",
            errors: Vec::new(),
            typed: String::new(),
            more: true,
            done: false,
            archived: false,
            posts: vec![post("a", true), post("b", false)],
            zone: "America/New_York".to_owned(),
        }
    }

    /// At the desk, after an answer that was not sent.
    pub fn sample_refused() -> Self {
        Conversation {
            staff: true,
            base: "/staff/messages",
            action: "/staff/messages/a".to_owned(),
            patient: Some("a".to_owned()),
            files: None,
            notice: "",
            errors: vec!["Write something first.".to_owned()],
            typed: "x".to_owned(),
            more: false,
            done: true,
            ..Conversation::sample()
        }
    }

    /// In the archive, with nobody at the other end.
    pub fn sample_over() -> Self {
        Conversation {
            title: String::new(),
            answers: false,
            notice: "",
            more: false,
            archived: true,
            ..Conversation::sample()
        }
    }
}

impl NewMessage {
    /// An empty form.
    pub fn sample() -> Self {
        NewMessage {
            frame: Frame::sample("Write a message"),
            csrf: "sample-form-token".to_owned(),
            ticket: "t".to_owned(),
            files: Some(20_971_520),
            closed: false,
            phone: "(555) 555-0100".to_owned(),
            addressees: vec![("a".to_owned(), "Donna Lee".to_owned())],
            to: "a".to_owned(),
            title: String::new(),
            body: String::new(),
            errors: Vec::new(),
        }
    }

    /// One that was not sent.
    pub fn sample_refused() -> Self {
        NewMessage {
            errors: vec!["Choose whom you write to.".to_owned()],
            to: String::new(),
            files: None,
            title: "A question".to_owned(),
            body: "May I swim".to_owned(),
            ..NewMessage::sample()
        }
    }

    /// Where nobody takes messages.
    pub fn sample_nobody() -> Self {
        NewMessage {
            addressees: Vec::new(),
            ..NewMessage::sample()
        }
    }

    /// Where the portal is off.
    pub fn sample_closed() -> Self {
        NewMessage {
            closed: true,
            ..NewMessage::sample()
        }
    }
}

impl StaffNewMessage {
    /// A search that found somebody.
    pub fn sample() -> Self {
        StaffNewMessage {
            frame: Frame::sample("Write to a patient"),
            csrf: "sample-form-token".to_owned(),
            ticket: "t".to_owned(),
            files: Some(20_971_520),
            search: "reyes".to_owned(),
            found: Some(vec![PatientRow::sample()]),
            more_found: true,
            patient: None,
            topics: [
                ("registration", "Registration"),
                ("appointment", "Appointment"),
                ("document", "Document"),
                ("payment", "Payment"),
            ],
            written: Written::default(),
        }
    }

    /// A message that was not sent.
    pub fn sample_refused() -> Self {
        StaffNewMessage {
            found: None,
            patient: Some((
                "a".to_owned(),
                "Maria Reyes".to_owned(),
                "1980-01-02".to_owned(),
            )),
            written: Written {
                title: "Your question".to_owned(),
                topic: "document".to_owned(),
                body: String::new(),
                errors: vec!["Write something first.".to_owned()],
            },
            ..StaffNewMessage::sample()
        }
    }
}

impl Many {
    /// An empty form.
    pub fn sample() -> Self {
        Many {
            frame: Frame::sample("Write to many"),
            csrf: "sample-form-token".to_owned(),
            ticket: "t".to_owned(),
            whom: "all".to_owned(),
            day: String::new(),
            provider: String::new(),
            providers: vec![("a".to_owned(), "Donna Lee".to_owned())],
            numbers: String::new(),
            written: Written::default(),
            count: None,
            names: Vec::new(),
            left_out: String::new(),
            list: String::new(),
        }
    }

    /// One that lacks something.
    pub fn sample_refused() -> Self {
        Many {
            whom: "day".to_owned(),
            written: Written {
                errors: vec!["Choose a day first.".to_owned()],
                ..Written::default()
            },
            ..Many::sample()
        }
    }

    /// How many it goes to.
    pub fn sample_counted() -> Self {
        Many {
            written: Written {
                title: "Flu shots".to_owned(),
                body: "They are here".to_owned(),
                ..Written::default()
            },
            count: Some(120),
            names: vec!["Maria Reyes (1)".to_owned()],
            left_out: "7, 12".to_owned(),
            list: "l".to_owned(),
            ..Many::sample()
        }
    }
}
