//! `anteroom letters`: the wording of letters, for a practice to begin its own with; and what the doctor says of mail.

use std::fs;
use std::path::Path;

use crate::auth::keys::Keys;
use crate::command::serve;
use crate::config::Config;
use crate::config::notify::Transport;
use crate::crypto::SystemEntropy;
use crate::domain::mailbox;
use crate::emr::Emr;
use crate::emr::check::Finding;
use crate::emr::check::Level;
use crate::mail;
use crate::mail::Office;
use crate::mail::carrier;
use crate::mail::carrier::Carried;
use crate::mail::carrier::Carrier;
use crate::mail::carrier::Patience;
use crate::mail::wording;

/// What the doctor calls it.
const ABOUT: &str = "letters";

/// Writes our wording into a folder; a file that is there already stays.
///
/// # Errors
/// One sentence that names the file.
pub fn print(into: &Path) -> Result<(), String> {
    let told =
        |error: std::io::Error, path: &Path| format!("cannot write {}: {error}", path.display());
    fs::create_dir_all(into).map_err(|error| told(error, into))?;
    let mut kept = 0;
    for (name, text) in wording::OURS {
        let path = into.join(name);
        if path.exists() {
            kept += 1;
            continue;
        }
        fs::write(&path, text).map_err(|error| told(error, &path))?;
    }
    println!(
        "{} files are in {}, {kept} were there and are as they were. Keep those you change, delete the rest, and name the folder in the setting letters.",
        wording::OURS.len(),
        into.display()
    );
    Ok(())
}

/// Sends the test letter at once and says what the server answered (F056).
///
/// # Errors
/// Why it did not go, in the server's own words where it said some.
pub async fn test(config: Config, address: &str) -> Result<(), String> {
    let address = mailbox::one(address)
        .map_err(|_| format!("\"{address}\" is not one e-mail address, such as you@example.com"))?;
    let emr = serve::look_at_emr(&config, serve::system_clock()).await?;
    let sent = sent(&config, &emr, &address).await;
    emr.db.close().await;
    let answer = sent?;
    println!("The mail server took the test letter to {address}: {answer}");
    Ok(())
}

async fn sent(config: &Config, emr: &Emr, address: &str) -> Result<String, String> {
    let now = emr.now().unix_timestamp();
    let keys = Keys::load(&emr.db, now, &SystemEntropy)
        .await
        .map_err(serve::said)?;
    let office = Office {
        emr,
        config,
        keys: &keys,
        patience: Patience::default(),
    };
    let from = office.from().await.map_err(serve::said)?;
    let from = from.ok_or("no letter can leave: set notify_transport and notify_sender")?;
    let mut carrier = Carrier::new(&office, from);
    let carried = carrier.test(address, now).await;
    carrier.close().await;
    match carried {
        Carried::Taken(answer) => Ok(answer),
        Carried::NoDoor(answer) | Carried::NotNow(answer) | Carried::Never(answer) => Err(format!(
            "the mail server did not take the test letter: {answer}"
        )),
    }
}

/// Whether letters can leave: transport, sender, and what the mail server says to a login (F013, F176); and the practice's
/// own wording.
pub async fn findings(config: &Config, emr: &Emr) -> Vec<Finding> {
    let mut findings = Vec::new();
    let sender = mail::sender(emr, &config.notify).await;
    let server = match (&config.notify.transport, sender) {
        (Transport::Off, _) => {
            let text = "none leave: notify_transport is off, so nobody can be invited or reset a password by mail";
            findings.push(Finding::new(Level::Notice, ABOUT, text));
            None
        }
        (_, Err(failure)) => {
            findings.push(Finding::new(Level::Blocks, ABOUT, serve::said(failure)));
            None
        }
        (_, Ok(None)) => {
            let text = "no sender's address: set notify_sender, or OpenEMR's patient_reminder_sender_email";
            findings.push(Finding::new(Level::Blocks, ABOUT, text));
            None
        }
        (Transport::Files(folder), Ok(Some(sender))) => {
            let text = format!("from {sender} into {}", folder.display());
            findings.push(Finding::new(Level::Fine, ABOUT, text));
            None
        }
        (Transport::Smtp(server), Ok(Some(sender))) => Some((server, sender)),
    };
    if let Some((server, sender)) = server {
        let place = format!("{}:{}", server.host, server.port);
        let opened = carrier::greet(config, server, Patience::default()).await;
        findings.push(match opened {
            Ok(()) => Finding::new(Level::Fine, ABOUT, format!("from {sender} by {place}")),
            Err(wrong) => Finding::new(
                Level::Blocks,
                ABOUT,
                format!("{place} lets nobody in: {wrong}"),
            ),
        });
    }
    if let Some(folder) = &config.notify.letters {
        let faults = wording::faults(folder);
        if faults.is_empty() {
            let text = format!(
                "the practice's own wording in {} is whole",
                folder.display()
            );
            findings.push(Finding::new(Level::Fine, ABOUT, text));
        }
        findings.extend(faults.into_iter().map(|fault| {
            Finding::new(
                Level::Notice,
                ABOUT,
                format!("{fault}; ours is sent instead"),
            )
        }));
    }
    findings
}
