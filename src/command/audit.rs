//! `anteroom audit`: sealing the ledger, holding it against its seals, and handing parts of it out.

use std::collections::HashMap;

use clap::Args;
use clap::Subcommand;
use serde_json::Value;
use serde_json::json;
use time::Date;
use time::Duration;
use time::OffsetDateTime;
use time::Time;
use time::format_description::well_known::Iso8601;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::auth::keys;
use crate::command::Target;
use crate::command::serve;
use crate::crypto;
use crate::crypto::SystemEntropy;
use crate::emr::Emr;
use crate::emr::zone::Zone;
use crate::store::activity;
use crate::store::activity::Filter;
use crate::store::activity::Line;
use crate::store::keys::Purpose;
use crate::store::seals;
use crate::store::seals::verify;
use crate::store::seals::verify::Report;

/// How old a line must be to be sealed by a command, which has not watched the ledger: the lines of reads carry the time
/// of the read and are written up to some minutes later where the database was away.
const OLD_ENOUGH: Duration = Duration::minutes(10);

/// How many lines an export reads at once.
const PAGE: u32 = 1000;

/// What can be done with the ledger.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Hold every line against the seals: names each line that was changed, deleted, inserted or reordered and each seal
    /// that was changed or cut off, and exits 1 if there is one.
    Verify {
        /// Which practice.
        #[command(flatten)]
        target: Target,
        /// Print JSON.
        #[arg(long)]
        json: bool,
        /// A seal that was noted elsewhere, as this command and the log print it: it must still be there.
        #[arg(long, value_name = "NUMBER:CHAIN")]
        head: Option<String>,
    },
    /// Seal what is older than ten minutes; a running server does this by itself every minute.
    Seal {
        /// Which practice.
        #[command(flatten)]
        target: Target,
        /// Seal everything there is, for before a backup. Stop the servers first: what they are writing at this moment
        /// would look as if it had been inserted.
        #[arg(long)]
        all: bool,
    },
    /// Print lines of the ledger as JSON, one a line, in their order: what an app, a token or a person did, or what was
    /// done to a patient's record.
    Export(Box<Export>),
}

/// What is exported.
#[derive(Debug, Args)]
pub struct Export {
    /// Which practice.
    #[command(flatten)]
    target: Target,
    /// Through this app.
    #[arg(long, value_name = "CLIENT_ID")]
    client: Option<String>,
    /// Under this grant.
    #[arg(long, value_name = "GRANT_ID", conflicts_with = "token")]
    grant: Option<String>,
    /// Under the grant of this access or refresh token, while it is known. It stands in the list of processes while this
    /// runs: revoke it first.
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// About this patient's record, as FHIR id.
    #[arg(long, value_name = "FHIR_ID")]
    patient: Option<Uuid>,
    /// By this person, such as Practitioner/<FHIR id>.
    #[arg(long, value_name = "REFERENCE")]
    actor: Option<String>,
    /// Not before this day or moment: 2026-11-21, or 2026-11-21T14:00:00-05:00.
    #[arg(long, value_name = "WHEN")]
    from: Option<String>,
    /// Up to and with this day, or before this moment.
    #[arg(long, value_name = "WHEN")]
    to: Option<String>,
}

/// Does what was typed.
///
/// # Errors
/// One sentence that says what is wrong; for `verify`, how much is.
pub async fn run(
    command: AuditCommand,
    environment: &HashMap<String, String>,
) -> Result<(), String> {
    let target = match &command {
        AuditCommand::Verify { target, .. } | AuditCommand::Seal { target, .. } => target,
        AuditCommand::Export(export) => &export.target,
    };
    let settings = target.settings(environment)?;
    let emr = serve::look_at_emr(&settings, serve::system_clock()).await?;
    let done = match &command {
        AuditCommand::Verify { json, head, .. } => hold(&emr, (*json, head.as_deref())).await,
        AuditCommand::Seal { all, .. } => seal(&emr, *all).await,
        AuditCommand::Export(export) => hand_out(&emr, export).await,
    };
    emr.db.close().await;
    done
}

async fn hold(emr: &Emr, (json, head): (bool, Option<&str>)) -> Result<(), String> {
    let noted = head.map(|text| {
        let parts = text.split_once(':');
        parts
            .and_then(|(number, chain)| Some((number.trim().parse().ok()?, chain.trim())))
            .ok_or_else(|| {
                "--head is a number, a colon and a chain value, as this command prints them"
                    .to_owned()
            })
    });
    let noted = noted.transpose()?;
    let key = keys::known_secret(&emr.db, Purpose::Seal).await;
    let key = key.map_err(serve::said)?.unwrap_or_default();
    let tell = |lines: i64| eprintln!("{lines} lines");
    let report = verify::verify(&emr.db, &key, noted, &tell).await;
    let report = report.map_err(serve::said)?;
    match json {
        true => println!("{}", as_json(&report, &emr.zone)),
        false => print!("{}", as_text(&report, &emr.zone)),
    }
    match report.wrong.len() {
        0 => Ok(()),
        _ => {
            let count = u64::try_from(report.wrong.len()).unwrap_or_default() + report.more;
            Err(format!(
                "the ledger is not as it was sealed: {count} findings; keep the database as it is and compare with a backup"
            ))
        }
    }
}

async fn seal(emr: &Emr, all: bool) -> Result<(), String> {
    let now = emr.now();
    let of = (now.unix_timestamp(), &SystemEntropy as _);
    let key = keys::secret(&emr.db, Purpose::Seal, of).await;
    let key = key.map_err(serve::said)?;
    let up_to = match all {
        true => seals::newest(&emr.db).await,
        false => seals::settled(&emr.db, millis(now - OLD_ENOUGH)).await,
    };
    let up_to = up_to.map_err(serve::said)?;
    let sealed = seals::seal(&emr.db, &key, (up_to, now)).await;
    let sealed = sealed.map_err(serve::said)?;
    let head = seals::head(&emr.db).await.map_err(serve::said)?;
    println!("Sealed {} lines in {} seals.", sealed.lines, sealed.seals);
    if head.number > 0 {
        println!(
            "Note the head where nobody of the database can write: {}",
            head.text()
        );
    }
    Ok(())
}

async fn hand_out(emr: &Emr, export: &Export) -> Result<(), String> {
    let grant = match &export.token {
        None => export.grant.clone(),
        Some(token) => {
            let found = activity::grant_of(&emr.db, &crypto::fingerprint(token)).await;
            Some(found.map_err(serve::said)?.ok_or(
                "no such token is known: access tokens are forgotten two days after they end; use --grant or --client",
            )?)
        }
    };
    let filter = Filter {
        patient: export.patient,
        actor: export.actor.clone(),
        client_id: export.client.clone(),
        grant_id: grant,
        from: moment(export.from.as_deref(), &emr.zone, Edge::Begin)?,
        until: moment(export.to.as_deref(), &emr.zone, Edge::End)?,
        ..Filter::default()
    };
    let mut last = i64::MIN;
    loop {
        let page = activity::after(&emr.db, &filter, last, PAGE).await;
        let (lines, end) = page.map_err(serve::said)?;
        for line in &lines {
            println!("{}", exported(line, &emr.zone));
        }
        match end {
            Some(id) => last = id,
            None => return Ok(()),
        }
    }
}

/// Which end of a day a date means.
#[derive(Clone, Copy)]
enum Edge {
    Begin,
    End,
}

/// A day of the practice, or a moment, in milliseconds since 1970.
fn moment(text: Option<&str>, zone: &Zone, edge: Edge) -> Result<Option<i64>, String> {
    let Some(text) = text else { return Ok(None) };
    if let Ok(at) = OffsetDateTime::parse(text, &Rfc3339) {
        return Ok(Some(millis(at)));
    }
    let day = Date::parse(text, &Iso8601::DATE)
        .ok()
        .and_then(|day| match edge {
            Edge::Begin => Some(day),
            Edge::End => day.next_day(),
        });
    let day = day.ok_or_else(|| {
        format!("{text} is no time: write 2026-11-21, or 2026-11-21T14:00:00-05:00")
    })?;
    Ok(Some(millis(zone.instant(day.with_time(Time::MIDNIGHT)))))
}

fn exported(line: &Line, zone: &Zone) -> Value {
    json!({
        "id": line.id,
        "at": written(line.at, zone),
        "action": line.action,
        "outcome": line.outcome,
        "reason": line.reason,
        "actor": line.actor,
        "client_id": line.client_id,
        "client_name": line.client_name,
        "grant_id": line.grant_id,
        "resource": line.resource,
        "patient": line.patient.map(|id| id.to_string()),
        "request_id": line.request_id,
    })
}

fn as_json(report: &Report, zone: &Zone) -> Value {
    let wrong = report.wrong.iter().map(|one| {
        json!({ "what": one.word(), "line": one.line(), "seal": one.seal(), "text": one.sentence() })
    });
    json!({
        "fine": report.wrong.is_empty(),
        "sealed": report.sealed,
        "waiting": report.waiting,
        "oldest_waiting": report.oldest_waiting.map(|at| written(at, zone)),
        "seals": report.head.number,
        "head": (report.head.number > 0).then(|| report.head.text()),
        "wrong": wrong.collect::<Vec<_>>(),
        "more": report.more,
    })
}

fn as_text(report: &Report, zone: &Zone) -> String {
    let mut text = String::new();
    for one in &report.wrong {
        text.push_str(&format!("WRONG   {}\n", one.sentence()));
    }
    if report.more > 0 {
        text.push_str(&format!("WRONG   and {} more\n", report.more));
    }
    text.push_str(&format!(
        "{} lines are sealed in {} seals; {} wait",
        report.sealed, report.head.number, report.waiting
    ));
    if let Some(at) = report.oldest_waiting {
        text.push_str(&format!(", the oldest since {}", written(at, zone)));
    }
    text.push('\n');
    if report.head.number > 0 {
        text.push_str(&format!("head {}\n", report.head.text()));
    }
    if report.wrong.is_empty() {
        text.push_str("Every sealed line is as it was sealed.\n");
    }
    text
}

fn written(millis: i64, zone: &Zone) -> String {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000);
    let at = at.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    zone.at(at).format(&Rfc3339).unwrap_or_default()
}

fn millis(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or_default()
}
