//! A message that is sent: both copies, as OpenEMR's own portal would write them (OpenEMR facts 2.8), and the documents that
//! go along.

use sqlx::FromRow;
use uuid::Uuid;

use crate::config::Choice;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::ResourceType;
use crate::domain::access::Grant;
use crate::domain::access::Reach;
use crate::domain::access::User;
use crate::domain::records::DOCUMENT_CATEGORIES;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::domain::scope::Token;
use crate::emr::Emr;
use crate::emr::calendar::spoken;
use crate::emr::documents::carried;
use crate::emr::filing;
use crate::emr::mail;
use crate::emr::mail::attached;
use crate::emr::mail::colleagues::TAKES_PART;
use crate::emr::mail::mailbox::Mailbox;
use crate::emr::message_writing::Number;
use crate::emr::message_writing::copy;
use crate::emr::message_writing::patient;
use crate::emr::message_writing::stored;
use crate::emr::names::named;
use crate::emr::predicates::hex;
use crate::emr::scanning;
use crate::emr::writing::Written;
use crate::portal::Case;
use crate::portal::document::DocumentAsk;
use crate::portal::document::DocumentChange;
use crate::portal::message::Enclosed;
use crate::portal::message::Enclosure;
use crate::portal::message::End;
use crate::portal::message::Letter;
use crate::portal::message::MessageChange;
use crate::portal::message::SendCase;
use crate::portal::message::Writer;
use crate::portal::sharing::ShareAsk;
use crate::portal::sharing::ShareCase;
use crate::store::reviews::millis;
use crate::store::shares;
use crate::store::shares::Share;

/// Exactly `YES` is on (OpenEMR facts 1.1).
const ALLOWED: &str = "SELECT CASE WHEN HEX(p.allow_patient_portal) = '594553' THEN 1 ELSE 0 END AS number \
    FROM patient_data p WHERE p.pid = ? AND p.uuid = ?";

const COLLEAGUE: &str = "SELECT u.username, u.fname, u.lname FROM users u WHERE ";
const BY_UUID: &str = "AND u.uuid = ?";
const BY_ID: &str = "AND u.id = ?";

const SEND: &str = "INSERT INTO onsite_mail (date, owner, user, groupname, activity, authorized, title, body, \
    recipient_id, recipient_name, sender_id, sender_name, assigned_to, deleted, message_status, mail_chain, \
    reply_mail_chain, is_msg_encrypted) VALUES (?, ?, ?, 'Default', 1, 1, ?, ?, ?, ?, ?, ?, '', 0, ?, ?, ?, 0)";

/// A thread has the number of its first row, which only the engine knows.
const FIRST: &str = "UPDATE onsite_mail SET mail_chain = ?, reply_mail_chain = ? WHERE id = ?";

/// The number a thread has at the other end: told by what that end sent, or by what it received. Names are compared by
/// their bytes, which the collation does not.
const TOLD: &str =
    "SELECT MIN(NULLIF(reply_mail_chain, 0)) AS number FROM onsite_mail WHERE owner IN ";
const TOLD_OF: &str = " AND COALESCE(NULLIF(mail_chain, 0), id) = ?";
const HELD: &str =
    "SELECT MIN(COALESCE(NULLIF(mail_chain, 0), id)) AS number FROM onsite_mail WHERE owner IN ";
const HELD_OF: &str = " AND reply_mail_chain = ?";
const EXACTLY: &str = " AND HEX(owner) IN ";
const FROM: &str = " AND HEX(sender_id) IN ";

/// What a message is about, where its sender said so.
const TOPIC: &str = "INSERT INTO anteroom_mail_topic (mail, topic) VALUES (?, ?)";

/// The category of what goes between patients and staff (OpenEMR facts 2.9).
const PORTAL_CATEGORY: &str = "Patient";

/// Letters the columns of the title and of names hold, and those of mailboxes.
const LONGEST: usize = 255;
const LONGEST_MAILBOX: usize = 128;

#[derive(FromRow)]
struct Colleague {
    username: Option<String>,
    fname: Option<String>,
    lname: Option<String>,
}

/// What the rules must know of a new message.
pub(super) async fn case(
    emr: &Emr,
    grant: &Grant,
    reach: &Reach,
    (letter, choice): (Letter, Choice),
) -> Answer<SendCase> {
    let place = match grant.user() {
        User::Patient(_) => "Communication.subject",
        _ => "Communication.recipient",
    };
    let person = patient(emr, reach, (letter.patient, place)).await?;
    if letter.answered.is_none() && stored(&letter.title).chars().count() > LONGEST {
        let why = "this title is too long for its column, which has its signs written out";
        return Err(Refusal::invalid("Communication.topic.text", why)
            .understood()
            .into());
    }
    let (by, sql) = match grant.user() {
        User::Patient(_) => {
            let colleague = letter.colleague.ok_or(Refusal::NotFound)?;
            (
                Writer::Patient,
                Sql::new(COLLEAGUE)
                    .push(TAKES_PART)
                    .push(BY_UUID)
                    .bind(colleague),
            )
        }
        User::Staff(staff) if letter.colleague.is_some_and(|named| named != staff.uuid) => {
            let why = "A message is written by the user of the token.";
            return Err(Refusal::Forbidden(why).into());
        }
        User::Staff(staff) => (
            Writer::Staff,
            Sql::new(COLLEAGUE)
                .push(TAKES_PART)
                .push(BY_ID)
                .bind(staff.id),
        ),
        User::System => {
            let why = "A service is nobody a patient could answer: messages are written by patients and staff.";
            return Err(Refusal::Forbidden(why).into());
        }
    };
    let colleague: Option<Colleague> = emr.db.one(sql).await?;
    let mailbox = Mailbox::of(&emr.db, person).await?;
    let thread = match (letter.answered, &mailbox) {
        (None, _) => None,
        (Some(answered), Some(mailbox)) => {
            let copy = copy(emr, mailbox, answered).await?;
            let copy = copy.ok_or_else(|| Refusal::Unprocessable {
                location: "Communication.inResponseTo[0]".to_owned(),
                why: "there is no such message in this patient's mailbox".to_owned(),
            })?;
            Some(copy.chain)
        }
        // Without a mailbox the rules refuse it anyway.
        (Some(_), None) => None,
    };
    let allowed = Sql::new(ALLOWED).bind(person.pid).bind(person.uuid);
    let allowed: Option<Number> = emr.db.one(allowed).await?;
    let practice = emr.practice().await?;
    let enclosed = scanning::together(enclosed(emr, grant, (&letter, choice))).await?;
    Ok(SendCase {
        portal_on: practice.globals.on("portal_onsite_two_enable"),
        patient_on: allowed.is_some_and(|row| row.number == Some(1)),
        person,
        patient: mailbox.and_then(Mailbox::end),
        colleague: colleague.and_then(Colleague::end),
        by,
        author: match grant.user() {
            User::Staff(staff) => Some(staff.uuid),
            User::Patient(_) | User::System => None,
        },
        thread,
        letter,
        enclosed,
    })
}

/// The documents that go along: those of the chart as their sender may read them, new ones as they may file them.
async fn enclosed(
    emr: &Emr,
    grant: &Grant,
    (letter, choice): (&Letter, Choice),
) -> Answer<Vec<Enclosed>> {
    const KIND: ResourceType = ResourceType::DocumentReference;
    let mut found = Vec::new();
    for one in &letter.enclosed {
        found.push(match one {
            Enclosure::Known(id) => {
                let reach = grant.reach(KIND, Interaction::Read)?;
                let person =
                    patient(emr, &reach, (letter.patient, "Communication.subject")).await?;
                let missing = || Refusal::Unprocessable {
                    location: "Communication.payload.content".to_owned(),
                    why: format!(
                        "there is no DocumentReference/{id} of this patient for this token"
                    ),
                };
                let reach = reach.within(person).ok_or_else(missing)?;
                let (row, name) = carried::named_row(emr, &reach, *id)
                    .await?
                    .ok_or_else(missing)?;
                let share = match grant.user() {
                    User::Staff(staff) => {
                        // Its patient sees it from then on, which is a change of the document.
                        let reach = grant.reach(KIND, Interaction::Update)?;
                        let reach = reach.within(person).ok_or_else(missing)?;
                        let shared = carried::named_row(emr, &reach, *id).await?;
                        shared.ok_or_else(missing)?;
                        let (document, shared) = (*id, true);
                        Some(ShareCase {
                            ask: ShareAsk { document, shared },
                            row,
                            pid: person.pid,
                            by: Some(staff.uuid),
                        })
                    }
                    User::Patient(_) | User::System => None,
                };
                Enclosed::Known { row, name, share }
            }
            Enclosure::New(paper) => {
                let reach = grant.reach(KIND, Interaction::Create)?;
                let mut paper = paper.clone();
                // What patients send goes to their own category; what staff send them belongs beside it.
                if let User::Staff(_) = grant.user() {
                    paper.category.get_or_insert_with(|| Token {
                        system: Some(DOCUMENT_CATEGORIES.to_owned()),
                        code: PORTAL_CATEGORY.to_owned(),
                    });
                }
                let ask = (DocumentAsk::File(paper), choice);
                match filing::case(emr, grant, &reach, ask).await? {
                    Case::Document(case) => Enclosed::New(Box::new(case)),
                    _ => return Err(Refusal::NotFound.into()),
                }
            }
        });
    }
    Ok(found)
}

/// Writes both copies, and before them the documents that are filed with the message.
pub(super) async fn apply(emr: &Emr, tx: &mut Tx, change: &MessageChange) -> Answer<Written> {
    let MessageChange::Send {
        by,
        patient,
        colleague,
        letter,
        thread,
        enclosed,
        author,
        person,
    } = change
    else {
        return Err(Refusal::NotFound.into());
    };
    let others = match thread {
        Some(thread) => at_the_other_end(tx, (patient, colleague), *thread).await?,
        None => None,
    };
    let (sender, recipient, own, theirs) = match by {
        Writer::Patient => (patient, colleague, *thread, others),
        Writer::Staff => (colleague, patient, others, *thread),
    };
    let title = titled(letter);
    let documents = filed(emr, tx, enclosed).await?;
    // Whoever looks for what has come goes by the time between the number of a row and its being there: filing takes a while.
    let date = emr.zone.wall(emr.now());
    let names: Vec<String> = documents.iter().map(|(_, name)| name.clone()).collect();
    let body = mail::written(&letter.body, &names);
    let row = |owner: &End, status: &'static str| {
        Sql::new(SEND)
            .bind(date)
            .bind(owner.mailbox())
            .bind(sender.mailbox())
            .bind(&title)
            .bind(&body)
            .bind(recipient.mailbox())
            .bind(&recipient.name)
            .bind(sender.mailbox())
            .bind(&sender.name)
            .bind(status)
    };
    let status = if thread.is_some() { "Reply" } else { "New" };
    let sent = tx.insert(row(sender, status).bind(own).bind(own)).await?;
    let own = match own {
        Some(own) => own,
        None => {
            tx.run(Sql::new(FIRST).bind(sent).bind(sent).bind(sent))
                .await?;
            sent
        }
    };
    let received = tx
        .insert(row(recipient, "New").bind(theirs).bind(own))
        .await?;
    if theirs.is_none() {
        let sql = Sql::new(FIRST).bind(received).bind(own).bind(received);
        tx.run(sql).await?;
    }
    for (document, _) in documents {
        // What staff send along, its patient sees.
        if author.is_some() {
            let share = Share {
                document,
                pid: person.pid,
                shared: true,
                by: *author,
                at: millis(emr.now()),
            };
            shares::set(tx, share).await?;
        }
        for copy in [sent, received] {
            attached::add(tx, (copy, document)).await?;
        }
    }
    let shown = match by {
        Writer::Patient => sent,
        Writer::Staff => received,
    };
    if let Some(topic) = letter.topic {
        tx.run(Sql::new(TOPIC).bind(shown).bind(topic.code()))
            .await?;
    }
    Ok(Written::Record(mail::id_of(shown)))
}

/// Row and name of each document that goes along, after those that are new were filed.
async fn filed(emr: &Emr, tx: &mut Tx, enclosed: &[Enclosed]) -> Answer<Vec<(i64, String)>> {
    let mut all = Vec::new();
    for one in enclosed {
        all.push(match one {
            Enclosed::Known { row, name, .. } => (*row, name.clone()),
            Enclosed::New(case) => {
                let change = DocumentChange::File(case.clone());
                filing::apply(emr, tx, &change).await?;
                filing::filed(tx, case).await?
            }
        });
    }
    Ok(all)
}

/// What was done to documents in the transaction of a message, as the ledger calls it, each with its FHIR id.
pub(super) async fn alongside(
    emr: &Emr,
    tx: &mut Tx,
    change: &MessageChange,
) -> Answer<Vec<(&'static str, Uuid)>> {
    let MessageChange::Send {
        enclosed, author, ..
    } = change
    else {
        return Ok(Vec::new());
    };
    let mut done = Vec::new();
    for one in enclosed {
        let document = match one {
            Enclosed::Known { share, .. } => share.map(|share| share.ask.document),
            Enclosed::New(case) => {
                let id = match emr.layout.has("documents", "uuid") {
                    true => case.paper.id,
                    false => named("documents", filing::filed(tx, case).await?.0),
                };
                done.push(("DocumentReference.create", id));
                author.map(|_| id)
            }
        };
        done.extend(document.map(|document| ("DocumentReference.share", document)));
    }
    Ok(done)
}

/// The number the patient's thread has in the mailbox of this member of staff; `None` where they are new to it.
async fn at_the_other_end(
    tx: &mut Tx,
    (patient, colleague): (&End, &End),
    thread: i64,
) -> Answer<Option<i64>> {
    let bytes = |end: &End| -> Vec<String> { end.names.iter().map(|name| hex(name)).collect() };
    for (sql, of, (owner, sender)) in [
        (TOLD, TOLD_OF, (patient, colleague)),
        (HELD, HELD_OF, (colleague, patient)),
    ] {
        let sql = Sql::new(sql)
            .list(&owner.names)
            .push(EXACTLY)
            .list(bytes(owner))
            .push(of)
            .bind(thread)
            .push(FROM)
            .list(bytes(sender));
        let found: Option<Number> = tx.one(sql).await?;
        if let Some(number) = found.and_then(|row| row.number) {
            return Ok(Some(number));
        }
    }
    Ok(None)
}

/// An end of a message. A mailbox whose name the column would cut is nobody's: its mail would lie in another one.
fn end(names: Vec<String>, name: String) -> Option<End> {
    let mailbox = names.first()?;
    let fits = mailbox.chars().count() <= LONGEST_MAILBOX;
    let name = name.chars().take(LONGEST).collect();
    fits.then_some(End { names, name })
}

/// A title as it is stored; the one of what is answered is cut to its column.
fn titled(letter: &Letter) -> String {
    let stored = match letter.title.as_str() {
        "" => "Unassigned".to_owned(),
        title => stored(title),
    };
    if stored.chars().count() <= LONGEST {
        return stored;
    }
    // Written out, each `&` takes five letters.
    let mut title = letter.title.clone();
    while title.pop().is_some() {
        let cut = self::stored(&title);
        if cut.chars().count() <= LONGEST {
            return cut;
        }
    }
    String::new()
}

impl Mailbox {
    fn end(self) -> Option<End> {
        // Without an account OpenEMR's portal would look under none of its names.
        self.account.as_ref()?;
        end(self.names().cloned().collect(), self.display)
    }
}

impl Colleague {
    fn end(self) -> Option<End> {
        end(
            self.username.into_iter().collect(),
            spoken(self.fname, self.lname),
        )
    }
}
