//! Letters: whether they can leave, what they say, and how they go (`lettre`).

pub mod calendar;
pub mod carrier;
mod message;
mod moment;
mod reply;
pub mod wording;

use serde_json::Value;
use time::OffsetDateTime;

use crate::auth::keys::Keys;
use crate::auth::links;
use crate::config::Config;
use crate::config::notify::Notify;
use crate::config::notify::Transport;
use crate::domain::accounts::Post;
use crate::domain::accounts::instant;
use crate::domain::language::Language;
use crate::domain::mailbox;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::emr::Emr;
use crate::mail::calendar::Entry;
use crate::mail::calendar::Stands;
use crate::mail::carrier::Patience;
use crate::mail::wording::Facts;
use crate::store::links::Purpose;
use crate::store::outbox::Letter;
use crate::store::outbox::sending::Carries;
use crate::store::outbox::sending::InHand;

/// What letters are written with.
pub struct Office<'o> {
    /// The practice.
    pub emr: &'o Emr,
    /// The settings.
    pub config: &'o Config,
    /// What the tokens of links are made with.
    pub keys: &'o Keys,
    /// How long a mail server may take.
    pub patience: Patience,
}

/// Who letters are from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct From {
    /// The practice's name.
    pub practice: String,
    /// The address.
    pub address: String,
    /// Where replies go, where it is another one.
    pub reply_to: Option<String>,
}

/// One mailbox, or none: what letters can be sent to.
///
/// # Errors
/// As [`mailbox::one`].
pub fn address(text: &str) -> Result<String, Refusal> {
    mailbox::one(text)
}

/// The address letters come from: the setting, else OpenEMR's own (F012, F049); `None` where neither is one mailbox.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn sender(emr: &Emr, notify: &Notify) -> Answer<Option<String>> {
    let practice = emr.practice().await?;
    let own = practice.globals.text("patient_reminder_sender_email");
    let address = match notify.sender.trim() {
        "" => own.trim(),
        address => address,
    };
    Ok(mailbox::one(address).ok())
}

/// Whether letters can leave.
///
/// # Errors
/// As [`sender`].
pub async fn post(emr: &Emr, notify: &Notify) -> Answer<Post> {
    if notify.transport == Transport::Off {
        return Ok(Post::NoTransport);
    }
    Ok(match sender(emr, notify).await? {
        Some(_) => Post::Ready,
        None => Post::NoSender,
    })
}

impl Office<'_> {
    /// Who letters are from; `None` where none can leave.
    ///
    /// # Errors
    /// As [`sender`].
    pub async fn from(&self) -> Answer<Option<From>> {
        if self.config.notify.transport == Transport::Off {
            return Ok(None);
        }
        let address = sender(self.emr, &self.config.notify).await?;
        Ok(address.map(|address| From {
            practice: self.emr.known().name.clone(),
            address,
            reply_to: mailbox::one(&self.config.notify.reply_to).ok(),
        }))
    }

    /// What a letter in hand is about; `None` for a letter of a newer version.
    fn facts(&self, letter: &InHand) -> Option<Facts> {
        let told = |key: &str| match &letter.told[key] {
            Value::String(text) => text.clone(),
            _ => String::new(),
        };
        let (link, factor, hours) = match &letter.link {
            Carries::Link {
                id,
                purpose,
                factor,
                hours,
            } => {
                let token = links::token(self.keys, *id);
                let link = format!("{}{}", self.config.public_url, place(*purpose));
                (format!("{link}{token}"), factor.clone(), *hours)
            }
            Carries::Nothing | Carries::Ended => (String::new(), String::new(), 0),
        };
        Some(Facts {
            letter: letter.letter?,
            language: letter.language,
            practice: self.emr.known().name.clone(),
            phone: self.config.help_phone.clone(),
            name: told("name"),
            link,
            factor,
            hours,
            change: told("change"),
            moment: self.moment(letter),
            entry: self.entry(letter),
            day: self.day(letter.created),
        })
    }

    /// When the visit of a letter begins and ends.
    fn span(letter: &InHand) -> Option<(OffsetDateTime, OffsetDateTime)> {
        let at = |key: &str| {
            let seconds = letter.told[key].as_i64()?;
            OffsetDateTime::from_unix_timestamp(seconds).ok()
        };
        Some((at("start")?, at("end")?))
    }

    fn moment(&self, letter: &InHand) -> String {
        let span = Self::span(letter);
        span.map_or_else(String::new, |(start, _)| {
            moment::said(self.emr.zone.wall(start), letter.language)
        })
    }

    /// The visit of a letter for the patient's calendar.
    fn entry(&self, letter: &InHand) -> Option<Entry> {
        let (start, end) = Self::span(letter)?;
        let practice = &self.emr.known().name;
        Some(Entry {
            uid: letter.told["uid"].as_str()?.to_owned(),
            title: match letter.language {
                Language::English => format!("Visit at {practice}"),
                Language::Spanish => format!("Cita en {practice}"),
            },
            place: practice.clone(),
            organizer: String::new(),
            start,
            end,
            stands: match letter.told["change"].as_str()? {
                "declined" | "cancelled" => Stands::Cancelled,
                "offered" => Stands::Tentative,
                _ => Stands::Confirmed,
            },
            revision: u32::try_from(letter.told["revision"].as_i64()?).ok()?,
            made: instant(letter.created),
        })
    }

    /// A day as the practice's calendar has it.
    fn day(&self, seconds: i64) -> String {
        self.emr.zone.wall(instant(seconds)).date().to_string()
    }

    /// A letter that is in no outbox: the test of whoever runs the server.
    fn test(&self, address: &str, now: i64) -> InHand {
        InHand {
            id: 0,
            message_id: format!("test-{now}"),
            letter: Some(Letter::Test),
            pid: None,
            address: address.to_owned(),
            language: Language::default(),
            told: Value::Null,
            tries: 1,
            created: now,
            link: Carries::Nothing,
        }
    }
}

/// Where a link of a purpose leads, before its token.
pub const fn place(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Reset => "/reset/",
        Purpose::Invite => "/activate/",
        Purpose::Register => "/register/",
        Purpose::NewEmail => "/account/email/",
        Purpose::UndoEmail => "/account/email/undo/",
    }
}
