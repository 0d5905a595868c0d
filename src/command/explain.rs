//! `anteroom explain ID`: what happened in one request, from the ledger, in plain words.

mod meanings;

use std::collections::HashMap;

use serde_json::Value;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::command::Target;
use crate::command::serve;
use crate::emr::zone::Zone;
use crate::store::ledger;
use crate::store::ledger::Line;

/// How wide a paragraph is printed.
const WIDTH: usize = 92;

/// Prints what the ledger knows of a request.
///
/// # Errors
/// That nothing is known of it, or why nothing could be looked up.
pub async fn run(
    id: &str,
    (target, json): (&Target, bool),
    environment: &HashMap<String, String>,
) -> Result<(), String> {
    let settings = target.settings(environment)?;
    let emr = serve::look_at_emr(&settings, serve::system_clock()).await?;
    let lines = ledger::of_request(&emr.db, id.trim()).await;
    emr.db.close().await;
    let lines = lines.map_err(serve::said)?;
    if lines.is_empty() {
        return Err(unknown(id.trim()));
    }
    match json {
        true => println!("{}", as_json(id.trim(), &lines, &emr.zone)),
        false => print!("{}", as_text(id.trim(), &lines, &emr.zone)),
    }
    Ok(())
}

fn unknown(id: &str) -> String {
    let shown: String = id.chars().filter(|c| !c.is_control()).take(64).collect();
    format!(
        "the ledger has no line of a request {shown}: take the number from the page, the X-Request-Id header or request_id in the answer; requests that neither logged in, nor asked for tokens, nor opened a record leave no line, and breakages are in the server's log under this number"
    )
}

fn as_text(id: &str, lines: &[Line], zone: &Zone) -> String {
    let mut text = format!("Request {id}\n");
    for line in lines {
        let at = zone.wall(instant(line.at));
        text.push_str(&format!(
            "\n{} {} {}, {:02}:{:02}:{:02} ({})\n",
            at.day(),
            at.month(),
            at.year(),
            at.hour(),
            at.minute(),
            at.second(),
            zone.name()
        ));
        let app = match (&line.client_name, line.client_id.as_str()) {
            (_, "") => String::new(),
            (Some(name), id) => format!("{name} ({id})"),
            (None, id) => format!("{id} (not registered)"),
        };
        let rows = [
            ("asked", meanings::action(&line.action)),
            ("action", line.action.clone()),
            ("ended", ended(&line.outcome).to_owned()),
            ("reason", line.reason.clone()),
            ("app", app),
            ("grant", line.grant_id.clone()),
            ("who", who(&line.actor)),
            ("about", line.resource.clone()),
        ];
        for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
            text.push_str(&format!("  {name:<8}{}\n", plain(value)));
        }
        text.push('\n');
        for row in wrapped(&meanings::of(line)) {
            text.push_str(&format!("  {row}\n"));
        }
    }
    text
}

fn as_json(id: &str, lines: &[Line], zone: &Zone) -> Value {
    let lines: Vec<Value> = lines
        .iter()
        .map(|line| {
            let at = zone.at(instant(line.at)).format(&Rfc3339);
            json!({
                "at": at.unwrap_or_default(),
                "action": line.action,
                "outcome": line.outcome,
                "reason": line.reason,
                "client_id": line.client_id,
                "client_name": line.client_name,
                "grant_id": line.grant_id,
                "actor": line.actor,
                "resource": line.resource,
                "meaning": meanings::of(line),
            })
        })
        .collect();
    json!({ "request_id": id, "lines": lines })
}

fn instant(millis: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn ended(outcome: &str) -> &str {
    match outcome {
        "success" => "it was done",
        "refused" => "it was refused",
        "failed" => "something broke",
        other => other,
    }
}

/// Who, as a FHIR reference; a name nobody has is in the ledger as a fingerprint only.
fn who(actor: &str) -> String {
    match actor {
        "" | "system" => actor.to_owned(),
        actor if actor.contains('/') || actor.contains(' ') => actor.to_owned(),
        print => format!("nobody known (fingerprint {print} of what was typed)"),
    }
}

/// One line, without anything a terminal would obey.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// A paragraph in rows of at most [`WIDTH`] characters.
fn wrapped(paragraph: &str) -> Vec<String> {
    let mut rows: Vec<String> = Vec::new();
    for word in paragraph.split_whitespace() {
        match rows.last_mut() {
            Some(row) if row.chars().count() + 1 + word.chars().count() <= WIDTH => {
                row.push(' ');
                row.push_str(word);
            }
            _ => rows.push(word.to_owned()),
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Line {
        Line {
            at: 1_795_287_905_123,
            action: "token".to_owned(),
            outcome: "refused".to_owned(),
            reason: "invalid_grant: code was used already; its tokens are revoked".to_owned(),
            actor: String::new(),
            client_id: "diary".to_owned(),
            client_name: Some("Health\u{1b}[31m Diary".to_owned()),
            grant_id: "0193a5c2".to_owned(),
            resource: String::new(),
        }
    }

    fn zone() -> Zone {
        Zone::named("America/New_York").expect("a bundled zone")
    }

    #[test]
    fn a_line_reads_as_when_what_who_and_why() {
        let text = as_text("r-1", &[line()], &zone());
        for part in [
            "Request r-1\n",
            "21 November 2026, 14:05:05 (America/New_York)",
            "ended   it was refused",
            "reason  invalid_grant: code was used already",
            "app     Health[31m Diary (diary)",
            "grant   0193a5c2",
            "launch again",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("who "), "an empty field has no row: {text}");
        assert!(text.lines().all(|row| row.chars().count() <= WIDTH + 2));
    }

    #[test]
    fn json_has_the_same_with_the_practices_offset() {
        let value = as_json("r-1", &[line()], &zone());
        assert_eq!(value["request_id"], "r-1");
        assert_eq!(value["lines"][0]["at"], "2026-11-21T14:05:05.123-05:00");
        assert_eq!(value["lines"][0]["outcome"], "refused");
        assert!(
            value["lines"][0]["meaning"]
                .as_str()
                .is_some_and(|text| text.len() > 40)
        );
    }

    #[test]
    fn an_unknown_name_is_a_fingerprint_and_no_reference() {
        assert_eq!(who("Patient/1"), "Patient/1");
        assert!(who("Ab3dEf6hIj9k").starts_with("nobody known"));
    }
}
