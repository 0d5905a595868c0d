//! What letters say: a template each and language, in text, and one frame that makes the HTML of it. A practice's own files
//! stand before ours: `reset.en.txt` for the words, `reset.en.html` where the HTML is to be another one as well, and
//! `frame.html` for the looks of all. Templates are read when a letter is written, because a practice words them while the
//! server runs; so they are minijinja's, not askama's, which are compiled in.

use std::fs;
use std::path::Path;

use minijinja::Environment;
use minijinja::UndefinedBehavior;
use minijinja::Value;
use minijinja::context;

use crate::domain::language::Language;
use crate::domain::mailbox;
use crate::mail::calendar::Entry;
use crate::store::outbox::Letter;

/// The frame's file name.
const FRAME: &str = "frame.html";

/// What the first line of a letter begins with.
const SUBJECT: &str = "Subject:";

/// Steps a template may take: one that never ends is a broken one.
const FUEL: u64 = 20_000;

/// Longest subject, name and other word that goes into a letter, in characters.
const LONGEST: usize = 150;

/// The largest file that is read as a template.
const LARGEST: u64 = 64 << 10;

/// Ours: file name and text.
pub const OURS: [(&str, &str); 31] = [
    (FRAME, include_str!("letters/frame.html")),
    ("invite.en.txt", include_str!("letters/invite.en.txt")),
    ("invite.es.txt", include_str!("letters/invite.es.txt")),
    ("reset.en.txt", include_str!("letters/reset.en.txt")),
    ("reset.es.txt", include_str!("letters/reset.es.txt")),
    (
        "credentials-changed.en.txt",
        include_str!("letters/credentials-changed.en.txt"),
    ),
    (
        "credentials-changed.es.txt",
        include_str!("letters/credentials-changed.es.txt"),
    ),
    (
        "verify-email.en.txt",
        include_str!("letters/verify-email.en.txt"),
    ),
    (
        "verify-email.es.txt",
        include_str!("letters/verify-email.es.txt"),
    ),
    (
        "already-known.en.txt",
        include_str!("letters/already-known.en.txt"),
    ),
    (
        "already-known.es.txt",
        include_str!("letters/already-known.es.txt"),
    ),
    ("welcome.en.txt", include_str!("letters/welcome.en.txt")),
    ("welcome.es.txt", include_str!("letters/welcome.es.txt")),
    (
        "not-approved.en.txt",
        include_str!("letters/not-approved.en.txt"),
    ),
    (
        "not-approved.es.txt",
        include_str!("letters/not-approved.es.txt"),
    ),
    (
        "confirm-email.en.txt",
        include_str!("letters/confirm-email.en.txt"),
    ),
    (
        "confirm-email.es.txt",
        include_str!("letters/confirm-email.es.txt"),
    ),
    (
        "email-changed.en.txt",
        include_str!("letters/email-changed.en.txt"),
    ),
    (
        "email-changed.es.txt",
        include_str!("letters/email-changed.es.txt"),
    ),
    (
        "access-changed.en.txt",
        include_str!("letters/access-changed.en.txt"),
    ),
    (
        "access-changed.es.txt",
        include_str!("letters/access-changed.es.txt"),
    ),
    ("visit.en.txt", include_str!("letters/visit.en.txt")),
    ("visit.es.txt", include_str!("letters/visit.es.txt")),
    ("reviewed.en.txt", include_str!("letters/reviewed.en.txt")),
    ("reviewed.es.txt", include_str!("letters/reviewed.es.txt")),
    ("message.en.txt", include_str!("letters/message.en.txt")),
    ("message.es.txt", include_str!("letters/message.es.txt")),
    ("form.en.txt", include_str!("letters/form.en.txt")),
    ("form.es.txt", include_str!("letters/form.es.txt")),
    ("test.en.txt", include_str!("letters/test.en.txt")),
    ("test.es.txt", include_str!("letters/test.es.txt")),
];

/// What a letter is about. Nothing else can get into one, whatever its template asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Which letter.
    pub letter: Letter,
    /// In which language.
    pub language: Language,
    /// The practice's name.
    pub practice: String,
    /// The practice's number for help; may be empty.
    pub phone: String,
    /// First name of whom it is to; may be empty.
    pub name: String,
    /// The address it carries; empty where none.
    pub link: String,
    /// What is asked beside the link: `none`, `birth-date` or `pin`.
    pub factor: String,
    /// How many hours the link works.
    pub hours: i64,
    /// What was changed: `locked`, `unlocked`, `enabled`, `disabled`; of a visit `confirmed`, `offered`, `moved`,
    /// `declined` or `cancelled`; or empty.
    pub change: String,
    /// When a visit is, in words; empty where the letter is about none.
    pub moment: String,
    /// The visit for the patient's calendar.
    pub entry: Option<Entry>,
    /// The day of what it tells about.
    pub day: String,
}

/// A letter in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its subject: one line.
    pub subject: String,
    /// Its text part.
    pub text: String,
    /// Its HTML part.
    pub html: String,
}

/// A paragraph of the HTML part: an address with what is to be done there, or words.
type Part = (String, String);

/// Writes a letter, in the practice's own words where it has some. Where those are broken, ours are taken, and what is wrong
/// is told beside the letter.
///
/// # Errors
/// What is wrong with our own: a letter that needs a link and has none.
pub fn write(folder: Option<&Path>, facts: &Facts) -> Result<(Written, Option<String>), String> {
    match folder.map(|folder| written(Some(folder), facts)) {
        Some(Ok(letter)) => Ok((letter, None)),
        Some(Err(wrong)) => Ok((written(None, facts)?, Some(wrong))),
        None => Ok((written(None, facts)?, None)),
    }
}

/// What is wrong with a practice's own wording, one sentence each; empty where nothing is, or there is none.
pub fn faults(folder: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    let files = match fs::read_dir(folder) {
        Ok(files) => files,
        Err(error) => {
            return vec![format!("{} cannot be read: {error}", folder.display())];
        }
    };
    for file in files.flatten() {
        let name = file.file_name().to_string_lossy().into_owned();
        let known = OURS.iter().any(|(ours, _)| {
            let stem = ours.strip_suffix(".txt");
            name == *ours || stem.is_some_and(|stem| name == format!("{stem}.html"))
        });
        if !known && (name.ends_with(".txt") || name.ends_with(".html")) {
            faults.push(format!("{name} is the name of no letter"));
        }
    }
    for (_, letter) in Letter::ALL {
        for language in Language::ALL {
            if let Err(wrong) = written(Some(folder), &sample(letter, language)) {
                faults.push(wrong);
            }
        }
    }
    faults.dedup();
    faults
}

/// Whether a letter carries a link.
pub fn carries_link(letter: Letter) -> bool {
    matches!(
        letter,
        Letter::Invite
            | Letter::Reset
            | Letter::VerifyEmail
            | Letter::Welcome
            | Letter::ConfirmEmail
            | Letter::EmailChanged
    )
}

/// Facts to try a template with.
pub fn sample(letter: Letter, language: Language) -> Facts {
    let link = match carries_link(letter) {
        true => "https://portal.example/x/al_sample",
        false => "",
    };
    Facts {
        letter,
        language,
        practice: "Elm Street Clinic".to_owned(),
        phone: "(555) 555-0100".to_owned(),
        name: String::new(),
        link: link.to_owned(),
        factor: "birth-date".to_owned(),
        hours: 1,
        change: String::new(),
        moment: match letter {
            Letter::Visit => "Tuesday, 1 December 2026, 09:15".to_owned(),
            _ => String::new(),
        },
        entry: None,
        day: "2026-11-28".to_owned(),
    }
}

fn written(folder: Option<&Path>, facts: &Facts) -> Result<Written, String> {
    let stem = format!("{}.{}", facts.letter.name(), facts.language.tag());
    if carries_link(facts.letter) && facts.link.is_empty() {
        return Err(format!("the letter {stem} has no link to carry"));
    }
    let name = format!("{stem}.txt");
    let whole = rendered((&name, &template(folder, &name)?), values(facts))?;
    let (subject, text) = split(&whole).ok_or_else(|| {
        format!("{name} does not begin with \"{SUBJECT}\", its subject and an empty line")
    })?;
    let parts = parts(&text, &facts.link);
    let own = format!("{stem}.html");
    let html = match folder.and_then(|folder| own_file(folder, &own)) {
        Some(file) => rendered((&own, &file?), values(facts))?,
        None => {
            let inside = context! {
                subject => subject,
                parts => parts.iter().map(|(text, address)| context! { text, address }).collect::<Vec<_>>(),
                ..values(facts)
            };
            rendered((FRAME, &template(folder, FRAME)?), inside)?
        }
    };
    // Ours are held to it by a test; a practice's name that looks like an address must not silence them.
    let wrong = folder.and_then(|_| {
        wrong_links(&name, &text, &facts.link).or_else(|| wrong_links(&own, &html, &facts.link))
    });
    match wrong {
        Some(wrong) => Err(wrong),
        None => Ok(Written {
            subject,
            text,
            html,
        }),
    }
}

/// A letter leads to one place, the one it is about, or to none.
fn wrong_links(file: &str, text: &str, link: &str) -> Option<String> {
    let rest = match link {
        "" => text.to_owned(),
        link if !text.contains(link) => return Some(format!("{file} leaves out {{{{ link }}}}")),
        link => text.replace(link, ""),
    };
    let rest = rest.to_lowercase();
    let other = ["://", "mailto:", "www.", "<img", "<script"]
        .into_iter()
        .find(|other| rest.contains(other));
    other.map(|other| {
        format!("{file} holds \"{other}\": a letter has one link at most, its own, and no pictures")
    })
}

fn values(facts: &Facts) -> Value {
    let plain = |text: &str| mailbox::line(text, LONGEST);
    context! {
        practice => plain(&facts.practice),
        phone => plain(&facts.phone),
        name => greeted(&facts.name),
        link => facts.link,
        factor => facts.factor,
        hours => facts.hours,
        change => facts.change,
        moment => plain(&facts.moment),
        day => facts.day,
        language => facts.language.tag(),
    }
}

/// A first name, as far as it is one: what a mail program would make a link of is none, and whoever registers with
/// somebody else's address could send them there.
fn greeted(name: &str) -> String {
    let name = mailbox::line(name, 60);
    match name.contains(['.', ':', '/', '@', '\\']) {
        true => String::new(),
        false => name,
    }
}

/// The practice's own file, else ours.
fn template(folder: Option<&Path>, name: &str) -> Result<String, String> {
    if let Some(file) = folder.and_then(|folder| own_file(folder, name)) {
        return file;
    }
    let ours = OURS.iter().find(|(known, _)| *known == name);
    ours.map(|(_, text)| (*text).to_owned())
        .ok_or_else(|| format!("there is no letter {name}"))
}

fn own_file(folder: &Path, name: &str) -> Option<Result<String, String>> {
    let path = folder.join(name);
    let size = fs::metadata(&path).ok()?.len();
    if size > LARGEST {
        return Some(Err(format!("{name} is larger than 64 KiB")));
    }
    let text = fs::read_to_string(&path);
    Some(text.map_err(|error| format!("{name} cannot be read: {error}")))
}

fn rendered((name, template): (&str, &str), values: Value) -> Result<String, String> {
    let mut environment = Environment::new();
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_fuel(Some(FUEL));
    let done = environment.render_named_str(name, template, values);
    // The engine escapes a slash too, which an address is full of; in HTML it is harmless.
    let done = done.map(|text| match name.ends_with(".html") {
        true => text.replace("&#x2f;", "/"),
        false => text,
    });
    done.map_err(|error| {
        let line = error.line().map(|line| format!(", line {line}"));
        let what = error
            .detail()
            .map_or_else(|| error.kind().to_string(), str::to_owned);
        format!("{name}{}: {what}", line.unwrap_or_default())
    })
}

/// Subject, and the text below it with one empty line between paragraphs.
fn split(whole: &str) -> Option<(String, String)> {
    let whole = whole.replace("\r\n", "\n");
    let (first, rest) = whole.split_once('\n')?;
    let subject = mailbox::line(first.strip_prefix(SUBJECT)?, LONGEST);
    let paragraphs: Vec<&str> = rest
        .split("\n\n")
        .map(str::trim)
        .filter(|paragraph| !paragraph.is_empty())
        .collect();
    let filled = !subject.is_empty() && !paragraphs.is_empty() && rest.starts_with('\n');
    filled.then(|| (subject, format!("{}\n", paragraphs.join("\n\n"))))
}

/// The paragraphs for the HTML part. A line that is the link gets what stands in the line above it as its label.
fn parts(text: &str, link: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    for paragraph in text.trim().split("\n\n") {
        let (label, last) = paragraph.rsplit_once('\n').unwrap_or(("", paragraph));
        parts.push(match (last.trim() == link, label.trim()) {
            _ if link.is_empty() => (one_line(paragraph), String::new()),
            (true, "") => (link.to_owned(), link.to_owned()),
            (true, label) => (one_line(label.trim_end_matches(':')), link.to_owned()),
            (false, _) => (one_line(paragraph), String::new()),
        });
    }
    parts
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
