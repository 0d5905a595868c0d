//! What the pages of messages share, the patient's and those of the desk: a folder, a thread, and what is done with one.

use time::OffsetDateTime;
use uuid::Uuid;

use crate::crypto;
use crate::domain::ResourceType;
use crate::domain::people::Person;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::emr::mail::opened;
use crate::emr::mail::opened::Opened;
use crate::emr::mail::opened::Post;
use crate::emr::mail::threads;
use crate::emr::mail::threads::Folder;
use crate::emr::mail::threads::Place;
use crate::emr::mail::threads::Thread;
use crate::emr::mail::threads::Whose;
use crate::http::App;
use crate::http::forms::Form;
use crate::http::messages::filled::Filled;
use crate::http::negotiate;
use crate::http::pages::messages::Conversation;
use crate::http::pages::messages::Messages;
use crate::http::pages::messages::PostView;
use crate::http::pages::messages::ThreadRow;
use crate::http::pages::plain::plain;
use crate::http::reply;
use crate::http::visits;
use crate::http::visits::said;
use crate::portal::document::LARGEST;
use crate::portal::message::Body;
use crate::portal::message::Deed;
use crate::portal::message::Enclosure;
use crate::portal::message::Letter;
use crate::portal::message::Sort;
use crate::rest::Rest;
use crate::rest::mailbox;

const KIND: ResourceType = ResourceType::Communication;

/// Letters of a message that a form takes.
const LONGEST: usize = 20_000;

/// What was done, as the form and the address say it, and the sentence on the page that follows.
pub const DONE: [(&str, &str); 4] = [
    ("sent", "The message is sent."),
    ("archive", "The conversation is in the archive."),
    ("back", "The conversation is in the inbox again."),
    ("complete", "The conversation is completed."),
];

const BUTTONS: &str = "Please use one of the buttons on the page.";

/// What can be done with a thread, as the form says it.
const DEEDS: [(&str, Deed); 3] = [
    ("archive", Deed::Archive),
    ("back", Deed::Back),
    ("complete", Deed::Complete),
];

/// Whose messages, and where their pages are.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    /// The server.
    pub app: &'a App,
    /// The caller.
    pub rest: &'a Rest<'a>,
    /// The mailbox.
    pub whose: Whose,
    /// Address of the inbox.
    pub base: &'static str,
}

/// What a page says beside the messages.
#[derive(Default)]
pub struct Said {
    /// What has just been done.
    pub notice: &'static str,
    /// Why what was typed was not sent.
    pub errors: Vec<String>,
    /// What was typed.
    pub typed: String,
}

impl Side<'_> {
    fn is_staff(&self) -> bool {
        matches!(self.whose, Whose::Staff(_))
    }

    /// How many messages are unread.
    ///
    /// # Errors
    /// As [`threads::unread`].
    pub async fn unread(&self) -> Answer<i64> {
        let reach = self.rest.grant.reach(KIND, Interaction::Search)?;
        threads::unread(self.rest.emr, &reach, self.whose).await
    }

    /// A folder, and the ledger's line of the look.
    ///
    /// # Errors
    /// As [`threads::list`].
    pub async fn folder(
        &self,
        query: Option<&str>,
        (csrf, notice): (String, &'static str),
    ) -> Answer<Messages> {
        let pairs = negotiate::pairs(query);
        let text = |name: &str| {
            let pair = pairs.iter().find(|(known, _)| known == name);
            pair.map_or("", |(_, value)| value.as_str())
        };
        let folder = Folder::of(text("folder"));
        let after = text("after").split_once('-').and_then(|(fresh, row)| {
            Some(Place {
                fresh: fresh.parse().ok()?,
                row: row.parse().ok()?,
            })
        });
        let reach = self.rest.grant.reach(KIND, Interaction::Search)?;
        // While the portal is off nothing of the record is shown here, as to apps (F001).
        let shut = visits::shut(self.rest.emr).await?;
        let (found, unread) = match shut {
            true => Default::default(),
            false => {
                let asked = (self.whose, folder);
                let found = threads::list(self.rest.emr, &reach, asked, after).await?;
                let entry = self
                    .rest
                    .entry("Communication.search".to_owned(), KIND.name().to_owned());
                self.app.reads.note(entry).await;
                (found, self.unread().await?)
            }
        };
        let row = |thread: &Thread| self.row(thread);
        Ok(Messages {
            frame: reply::frame(self.app, "Messages"),
            csrf,
            staff: self.is_staff(),
            base: self.base,
            notice,
            closed: shut,
            phone: self.app.config.help_phone.clone(),
            unread,
            folder: folder.word(),
            threads: found.threads.iter().map(row).collect(),
            older: found.next.map_or_else(String::new, |next| {
                let word = folder.word();
                let Place { fresh, row } = next;
                format!("{}?folder={word}&after={fresh}-{row}", self.base)
            }),
            later: after.is_some(),
        })
    }

    /// A thread; what is new in it counts as read from now on.
    ///
    /// # Errors
    /// `NotFound` where the own mailbox has none such.
    pub async fn thread(&self, id: Uuid) -> Answer<Opened> {
        let reach = self.rest.grant.reach(KIND, Interaction::Read)?;
        let opened = opened::open(self.rest.emr, &reach, (self.whose, id)).await?;
        let mut entry = self.rest.entry(
            "Communication.read".to_owned(),
            format!("{}/{id}", KIND.name()),
        );
        entry.patient = self.patient(&opened).or(entry.patient);
        self.app.reads.note(entry).await;
        if opened.posts.iter().any(|post| !post.read && !post.archived) {
            let shown = opened.posts.iter().map(|post| post.row).collect();
            self.sort((id, Deed::Read), (&opened, shown)).await?;
        }
        Ok(opened)
    }

    async fn sort(
        &self,
        (message, deed): (Uuid, Deed),
        (opened, shown): (&Opened, Vec<i64>),
    ) -> Answer<()> {
        let sort = Sort {
            message,
            deed,
            shown,
        };
        mailbox::sort(self.rest, sort, self.patient(opened)).await
    }

    fn patient(&self, opened: &Opened) -> Option<Uuid> {
        let own = self.rest.grant.patient();
        opened.person.or(own).map(|person| person.uuid)
    }

    /// Does what a thread's form says; where to go then.
    ///
    /// # Errors
    /// `Invalid` for what cannot be sent; `Rules` with every broken rule.
    pub async fn act(&self, id: Uuid, filled: &Filled) -> Answer<String> {
        let form = filled.fits()?;
        let reach = self.rest.grant.reach(KIND, Interaction::Read)?;
        let opened = opened::open(self.rest.emr, &reach, (self.whose, id)).await?;
        let decision = form.text("decision");
        if let Some((word, deed)) = DEEDS.iter().find(|(word, _)| *word == decision) {
            // What came after the page was shown stays as it is.
            let seen = form.text("seen");
            let seen = opened.posts.iter().find(|post| post.id.to_string() == seen);
            let seen = seen.ok_or_else(|| Refusal::invalid("seen", BUTTONS))?;
            self.sort((id, *deed), (&opened, vec![seen.row])).await?;
            return Ok(format!("{}/{id}?done={word}", self.base));
        }
        if decision != "reply" {
            return Err(Refusal::invalid("decision", BUTTONS).into());
        }
        let patient = self.patient(&opened).ok_or_else(|| {
            let why = "Nobody at the other end of this conversation takes messages any more.";
            Refusal::invalid("to", why)
        })?;
        let letter = Letter {
            patient,
            colleague: match self.whose {
                // Whom the rules find no one for, they have their own word for.
                Whose::Patient => Some(opened.to.unwrap_or_default()),
                Whose::Staff(_) => None,
            },
            answered: opened.answered,
            title: opened.title.clone(),
            body: Body::Text(written(form)?),
            topic: None,
            enclosed: filled.enclosed(self.rest, patient)?,
        };
        self.send(letter, form).await?;
        Ok(format!("{}/{id}?done=sent", self.base))
    }

    /// How many bytes a document that goes along may have; `None` where none can: the writer may not file one, or the
    /// practice takes none of patients.
    ///
    /// # Errors
    /// As [`crate::emr::Emr::practice`].
    pub async fn takes_files(&self) -> Answer<Option<u64>> {
        let kind = ResourceType::DocumentReference;
        if self.rest.grant.reach(kind, Interaction::Create).is_err() {
            return Ok(None);
        }
        let practice = self.rest.emr.practice().await?;
        let takes = self.is_staff() || practice.globals.on("allow_portal_uploads");
        Ok(takes.then_some(LARGEST))
    }

    /// Sends a message of a form: once, however often it is sent.
    ///
    /// # Errors
    /// As [`mailbox::send`].
    pub async fn send(&self, letter: Letter, form: &Form) -> Answer<Uuid> {
        let mut said = vec![letter.title.clone(), form.text("body")];
        said.extend(letter.enclosed.iter().filter_map(|one| match one {
            Enclosure::New(paper) => Some(format!("{} {}", paper.name, paper.bytes.size())),
            Enclosure::Known(_) => None,
        }));
        let said = crypto::fingerprint(&said.join("\n"));
        let ticket = format!("{}.{said}", form.text("ticket"));
        mailbox::send(self.rest, letter, &ticket).await
    }

    /// A thread as its page shows it.
    ///
    /// # Errors
    /// No randomness for the form's ticket.
    pub async fn conversation(
        &self,
        (id, opened): (Uuid, &Opened),
        (csrf, said): (String, Said),
    ) -> Answer<Conversation> {
        let all = |what: fn(&Post) -> bool| opened.posts.iter().all(what);
        Ok(Conversation {
            frame: reply::frame(self.app, "Conversation"),
            csrf,
            staff: self.is_staff(),
            base: self.base,
            action: format!("{}/{id}", self.base),
            ticket: ticket(self.rest)?,
            title: plain(&opened.title, 255),
            with: plain(&opened.with, 80),
            patient: opened.person.map(|person| person.uuid.to_string()),
            files: self.takes_files().await?,
            seen: opened
                .posts
                .last()
                .map(|post| post.id.to_string())
                .unwrap_or_default(),
            answers: opened.to.is_some(),
            notice: said.notice,
            errors: said.errors,
            typed: said.typed,
            more: opened.more,
            done: all(|post| post.done),
            archived: all(|post| post.archived),
            posts: opened
                .posts
                .iter()
                .map(|post| self.post(post, opened.person))
                .collect(),
            zone: self.rest.emr.zone.name().to_owned(),
        })
    }

    fn row(&self, thread: &Thread) -> ThreadRow {
        ThreadRow {
            address: format!("{}/{}", self.base, thread.id),
            title: plain(&thread.title, 120),
            with: plain(&thread.with, 80),
            when: self.when(thread.sent),
            total: thread.total,
            unread: thread.unread,
            done: thread.done,
            carries: thread.carries,
        }
    }

    fn post(&self, post: &Post, person: Option<Person>) -> PostView {
        let files = match person {
            None => "/account/documents".to_owned(),
            Some(person) => format!("/staff/patients/{}/documents", person.uuid),
        };
        let (day, clock) = match post.sent {
            Some(sent) => {
                let zone = &self.rest.emr.zone;
                (said::day_of(zone, sent), said::clock(zone, sent))
            }
            None => Default::default(),
        };
        PostView {
            id: post.id.to_string(),
            from: plain(&post.from, 80),
            mine: post.mine,
            fresh: !post.read && !post.archived,
            day,
            clock,
            html: post.html.clone(),
            attached: post
                .attached
                .iter()
                .map(|one| (format!("{files}/{}", one.document), plain(&one.name, 120)))
                .collect(),
        }
    }

    /// Today the clock, before that the day.
    fn when(&self, sent: Option<OffsetDateTime>) -> String {
        let zone = &self.rest.emr.zone;
        let today = said::day_of(zone, self.rest.emr.now());
        match sent {
            Some(sent) if said::day_of(zone, sent) == today => said::clock(zone, sent),
            Some(sent) => said::day_of(zone, sent),
            None => String::new(),
        }
    }
}

/// The text of a form.
///
/// # Errors
/// `Invalid` where there is none, or too much of it.
pub fn written(form: &Form) -> Result<String, Refusal> {
    let text = form.text("body").replace("\r\n", "\n");
    let text: String = text
        .chars()
        .filter(|letter| !letter.is_control() || matches!(letter, '\n' | '\t'))
        .collect();
    let text = text.trim();
    match text.chars().count() {
        0 => Err(Refusal::invalid("body", "Write something first.")),
        1..=LONGEST => Ok(text.to_owned()),
        _ => Err(Refusal::invalid("body", "Write at most 20,000 letters.")),
    }
}

/// The title of a form.
///
/// # Errors
/// `Invalid` where it is too long.
pub fn titled(form: &Form) -> Result<String, Refusal> {
    let title = plain(&form.text("title"), usize::MAX);
    match title.chars().count() > 120 {
        true => Err(Refusal::invalid(
            "title",
            "A subject has at most 120 letters.",
        )),
        false => Ok(title),
    }
}

/// What makes one form of a page another than the next.
///
/// # Errors
/// As [`Rest::new_id`].
pub fn ticket(rest: &Rest<'_>) -> Answer<String> {
    Ok(rest.new_id()?.to_string())
}

/// A patient's own side.
pub fn own<'a>(app: &'a App, rest: &'a Rest<'a>) -> Side<'a> {
    Side {
        app,
        rest,
        whose: Whose::Patient,
        base: super::HERE,
    }
}

/// Whose letter it is: the patient of the pages.
pub fn letter(person: Person, (to, title, body): (Option<Uuid>, String, String)) -> Letter {
    Letter {
        patient: person.uuid,
        colleague: to,
        answered: None,
        title,
        body: Body::Text(body),
        topic: None,
        enclosed: Vec::new(),
    }
}
