//! From a query to a question, and from lines of the ledger to what their reader may know of them.

use std::collections::HashSet;

use axum::body::Body;
use axum::response::Response;
use time::Date;
use time::OffsetDateTime;
use time::Time;
use time::format_description::well_known::Iso8601;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::auth::who::Audience;
use crate::db::sql::datetime_text;
use crate::domain::language::Language;
use crate::domain::refusal::Answer;
use crate::emr::actors;
use crate::http::App;
use crate::http::csv;
use crate::http::forms;
use crate::http::pages::activity::Asked;
use crate::http::pages::activity::Deed;
use crate::http::pages::activity::OUTCOMES;
use crate::http::pages::deeds;
use crate::http::pages::plain::plain;
use crate::store::activity::Filter;
use crate::store::activity::Kind;
use crate::store::activity::Line;
use crate::store::activity::Mark;
use crate::words;

/// The longest of what is typed.
const LONGEST: usize = 120;

/// Lines a file has at most.
pub(super) const MOST: usize = 20_000;

/// What a page was asked.
pub(super) struct Question {
    pub(super) asked: Asked,
    pub(super) filter: Filter,
    /// Where the page before this one ended.
    pub(super) before: Option<Mark>,
    pub(super) error: Option<String>,
}

/// Who reads, and so what may be told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Eyes {
    /// The patient with this id: other patients have no name.
    Patient(Uuid),
    /// Staff who may open charts.
    Staff,
    /// Staff who may not: patients are ids.
    StaffWithoutCharts,
}

impl Question {
    pub(super) fn of(app: &App, pairs: &[(String, String)]) -> Self {
        let text = |name: &str| {
            let found = pairs.iter().find(|(known, _)| known == name);
            plain(found.map_or("", |(_, value)| value), LONGEST)
        };
        let asked = Asked {
            from: text("from"),
            until: text("until"),
            kind: text("kind"),
            outcome: text("outcome"),
            person: text("person"),
            patient: text("patient"),
            action: text("action"),
        };
        let mut question = Self {
            filter: Filter {
                kind: Kind::of(&asked.kind),
                outcome: Some(asked.outcome.clone()).filter(|text| !text.is_empty()),
                ..Filter::default()
            },
            before: mark(&text("before")),
            error: None,
            asked,
        };
        let from = question.asked.from.clone();
        question.filter.from = question.day(app, &from, Some);
        let until = question.asked.until.clone();
        question.filter.until = question.day(app, &until, Date::next_day);
        question
    }

    /// The beginning of a day at the practice.
    fn day(&mut self, app: &App, text: &str, which: fn(Date) -> Option<Date>) -> Option<i64> {
        if text.is_empty() {
            return None;
        }
        let day = Date::parse(text, &Iso8601::DATE).ok().and_then(which);
        let Some(day) = day else {
            self.wrong("Write a day as 2026-11-21.");
            return None;
        };
        let begins = app.emr.zone.instant(day.with_time(Time::MIDNIGHT));
        Some(begins.unix_timestamp() * 1000)
    }

    pub(super) fn wrong(&mut self, sentence: &str) {
        self.error.get_or_insert_with(|| sentence.to_owned());
    }

    /// An address that asks the same.
    pub(super) fn address(&self, path: &str) -> String {
        self.with(path, None)
    }

    /// The address of the lines before these.
    pub(super) fn older(&self, path: &str, lines: &[Line], more: bool) -> Option<String> {
        let last = lines.last().filter(|_| more)?;
        Some(self.with(path, Some(last.mark())))
    }

    fn with(&self, path: &str, before: Option<Mark>) -> String {
        let before = before
            .map(|(at, id)| format!("{at}.{id}"))
            .unwrap_or_default();
        let asked = &self.asked;
        let pairs = [
            ("from", &asked.from),
            ("until", &asked.until),
            ("kind", &asked.kind),
            ("outcome", &asked.outcome),
            ("person", &asked.person),
            ("patient", &asked.patient),
            ("action", &asked.action),
            ("before", &before),
        ];
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in pairs.into_iter().filter(|(_, value)| !value.is_empty()) {
            query.append_pair(name, value);
        }
        match query.finish().as_str() {
            "" => path.to_owned(),
            query => format!("{path}?{query}"),
        }
    }
}

fn mark(text: &str) -> Option<Mark> {
    let (at, id) = text.split_once('.')?;
    Some((at.parse().ok()?, id.parse().ok()?))
}

/// The lines as their reader may see them.
pub(super) async fn deeds(app: &App, lines: &[Line], eyes: Eyes) -> Answer<Vec<Deed>> {
    let of = |kind: &str| -> HashSet<Uuid> {
        let actors = lines.iter().filter_map(|line| line.actor.split_once('/'));
        let ids = actors.filter(|(known, _)| *known == kind);
        ids.filter_map(|(_, id)| Uuid::try_parse(id).ok()).collect()
    };
    let colleagues = in_slices(of("Practitioner"));
    let mut staff = std::collections::HashMap::new();
    for ids in &colleagues {
        staff.extend(actors::colleagues(&app.emr, ids).await?);
    }
    let mut patients = std::collections::HashMap::new();
    if eyes == Eyes::Staff {
        let mut ids = of("Patient");
        ids.extend(lines.iter().filter_map(|line| line.patient));
        for ids in &in_slices(ids) {
            patients.extend(actors::patients(&app.emr, ids).await?);
        }
    }
    let name = |id: Uuid| {
        patients
            .get(&id)
            .map_or(id.to_string(), |name| plain(name, 80))
    };
    let who = |actor: &str| match actor.split_once('/') {
        Some(("Practitioner", id)) => {
            let known = Uuid::try_parse(id).ok().and_then(|id| staff.get(&id));
            match known {
                Some(one) => (plain(&one.name, 80), plain(&one.role, 60)),
                None => ("Somebody who worked here".to_owned(), String::new()),
            }
        }
        Some(("Patient", id)) => match (eyes, Uuid::try_parse(id)) {
            (Eyes::Patient(own), Ok(id)) if id == own => ("You".to_owned(), String::new()),
            (Eyes::Patient(_), _) | (_, Err(_)) => ("Another person".to_owned(), String::new()),
            (_, Ok(id)) => (name(id), "Patient".to_owned()),
        },
        _ if actor.is_empty() || actor == "system" => {
            ("A program of the practice".to_owned(), String::new())
        }
        _ => ("Somebody who was not logged in".to_owned(), String::new()),
    };
    let deed = |line: &Line| {
        let (who, role) = who(&line.actor);
        let app_name = match (&line.client_name, line.client_id.as_str()) {
            (_, "") => String::new(),
            (Some(name), _) => forms::name(name),
            (None, id) => plain(id, 60),
        };
        let outcome = OUTCOMES.iter().find(|(word, _)| *word == line.outcome);
        Deed {
            when: wall(app, line.at),
            who,
            role,
            app: app_name,
            what: deeds::words(&line.action, line.outcome == "success"),
            action: line.action.clone(),
            outcome: outcome.map_or("Something broke", |(_, words)| words),
            patient: line.patient.map(name).unwrap_or_default(),
            reason: plain(&line.reason, 120),
            request: plain(&line.request_id, 40),
        }
    };
    Ok(lines.iter().map(deed).collect())
}

/// Statements have room for so many values.
fn in_slices(ids: HashSet<Uuid>) -> Vec<Vec<Uuid>> {
    let all: Vec<Uuid> = ids.into_iter().collect();
    all.chunks(500).map(<[Uuid]>::to_vec).collect()
}

/// `2026-11-21 14:05`, as the clock of the practice shows it: a form that every language reads.
fn wall(app: &App, millis: i64) -> String {
    let wall = app.emr.zone.wall(instant(millis));
    datetime_text(wall).chars().take(16).collect()
}

fn instant(millis: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// The lines as a table for a spreadsheet; `more` where there are others that found no room.
pub(super) fn file(
    app: &App,
    (lines, deeds, more): (&[Line], &[Deed], bool),
    (language, audience): (Language, Audience),
) -> Response {
    let said = |text: &str| words::said(language, text).into_owned();
    let mut heads = vec![
        "When",
        "Who",
        "Role",
        "App",
        "What",
        "Ended",
        "Number of the request",
    ];
    if audience == Audience::Staff {
        heads.extend(["About whom", "Action", "Reason"]);
    }
    let heads: Vec<String> = heads.into_iter().map(said).collect();
    let mut text = format!("{}{}", csv::MARK, csv::row(&heads));
    for (line, deed) in lines.iter().zip(deeds) {
        let at = app.emr.zone.at(instant(line.at)).format(&Rfc3339);
        let mut cells = vec![
            at.unwrap_or_default(),
            said(&deed.who),
            said(&deed.role),
            deed.app.clone(),
            said(&deed.what),
            said(deed.outcome),
            deed.request.clone(),
        ];
        if audience == Audience::Staff {
            cells.extend([
                deed.patient.clone(),
                deed.action.clone(),
                deed.reason.clone(),
            ]);
        }
        text.push_str(&csv::row(&cells));
    }
    if more {
        text.push_str(&cut(language));
    }
    csv::file("attachment; filename=\"activity.csv\"", Body::from(text))
}

/// The last line of a file that has not everything.
fn cut(language: Language) -> String {
    let sentence = words::filled(language, CUT, &[&MOST.to_string()]);
    csv::row(&[sentence])
}

/// What stands there.
const CUT: &str =
    "The file was cut here: it has {} lines at most. Choose days on the page to get the rest.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_cut_says_so_in_the_readers_language() {
        assert_eq!(
            cut(Language::English),
            "The file was cut here: it has 20000 lines at most. Choose days on the page to get the rest.\r\n"
        );
        assert!(words::knows(CUT));
        assert!(cut(Language::Spanish).contains("20000"));
    }
}
