//! A letter as it goes over the wire (RFC 5322): our headers, one recipient, the same words as text and as HTML. A letter
//! that is tried again is the same bytes again.

use std::time::Duration;
use std::time::UNIX_EPOCH;

use lettre::Address;
use lettre::Message;
use lettre::address::Envelope;
use lettre::message::Attachment;
use lettre::message::Body;
use lettre::message::Mailbox;
use lettre::message::MultiPart;
use lettre::message::MultiPartKind;
use lettre::message::SinglePart;
use lettre::message::header::ContentTransferEncoding;
use lettre::message::header::ContentType;
use lettre::message::header::HeaderName;
use lettre::message::header::HeaderValue;

use crate::domain::mailbox;
use crate::mail::From;
use crate::mail::calendar;
use crate::mail::calendar::Entry;
use crate::mail::wording::Written;
use crate::store::outbox::sending::InHand;

/// Longest line of a letter, without its end.
const LONGEST_LINE: usize = 998;

/// A letter with its envelope.
pub(super) struct Sealed {
    /// From whom and to whom.
    pub(super) envelope: Envelope,
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
}

/// Puts a written letter into its envelope.
///
/// # Errors
/// One sentence that says what of it cannot be sent.
pub(super) fn seal(
    from: &From,
    letter: &InHand,
    (written, entry): (Written, Option<&Entry>),
) -> Result<Sealed, String> {
    let said = |what: &str, error: &dyn std::fmt::Display| format!("{what}: {error}");
    let address = |text: &str| -> Result<Address, String> {
        mailbox::one(text)
            .ok()
            .and_then(|one| one.parse().ok())
            .ok_or_else(|| "the address is not one mailbox".to_owned())
    };
    let to = address(&letter.address)?;
    let sender = address(&from.address)?;
    let name = mailbox::line(&from.practice, 80);
    let domain = sender.domain().to_owned();
    let created = u64::try_from(letter.created).unwrap_or_default();
    let mut builder = Message::builder()
        .from(Mailbox::new(
            Some(name).filter(|name| !name.is_empty()),
            sender.clone(),
        ))
        .to(Mailbox::new(None, to.clone()))
        .subject(mailbox::line(&written.subject, 150))
        .message_id(Some(format!("<{}@{domain}>", letter.message_id)))
        .date(UNIX_EPOCH + Duration::from_secs(created));
    if let Some(reply_to) = &from.reply_to {
        builder = builder.reply_to(Mailbox::new(None, address(reply_to)?));
    }
    let parts = MultiPart::builder()
        .kind(MultiPartKind::Alternative)
        .boundary(format!("=_{}", letter.message_id))
        .singlepart(part(ContentType::TEXT_PLAIN, written.text))
        .singlepart(part(ContentType::TEXT_HTML, written.html));
    let parts = match entry {
        None => parts,
        Some(entry) => MultiPart::builder()
            .kind(MultiPartKind::Mixed)
            .boundary(format!("=_m_{}", letter.message_id))
            .multipart(parts)
            .singlepart(attached(&Entry {
                organizer: from.address.clone(),
                ..entry.clone()
            })?),
    };
    let envelope =
        Envelope::new(Some(sender), vec![to]).map_err(|error| said("the envelope", &error))?;
    let mut message = builder
        .multipart(parts)
        .map_err(|error| said("the letter", &error))?;
    // Nobody's absence note is to answer (RFC 3834, 5).
    message.headers_mut().insert_raw(HeaderValue::new(
        HeaderName::new_from_ascii_str("Auto-Submitted"),
        "auto-generated".to_owned(),
    ));
    Ok(Sealed {
        envelope,
        bytes: message.formatted(),
    })
}

/// The visit as a file that mail programs put into a calendar (RFC 6047, 2.4).
fn attached(entry: &Entry) -> Result<SinglePart, String> {
    let method = calendar::method(entry);
    let kind = format!("text/calendar; charset=utf-8; method={method}");
    let kind = ContentType::parse(&kind).map_err(|error| format!("the calendar: {error}"))?;
    Ok(Attachment::new("visit.ics".to_owned()).body(calendar::file(entry), kind))
}

/// Plain letters in lines of at most 998 travel as they are (RFC 5322, 2.1.1): no link is cut in the middle, whatever reads
/// it. lettre itself would cut at 76.
fn part(kind: ContentType, text: String) -> SinglePart {
    let plain = text.is_ascii() && !text.replace("\r\n", "\n").contains(['\0', '\r']);
    let body = match plain && text.lines().all(|line| line.len() <= LONGEST_LINE) {
        true => {
            let lines: Vec<&str> = text.lines().collect();
            let bytes = format!("{}\r\n", lines.join("\r\n")).into_bytes();
            Body::dangerous_pre_encoded(bytes, ContentTransferEncoding::SevenBit)
        }
        false => Body::new(text),
    };
    SinglePart::builder().header(kind).body(body)
}
