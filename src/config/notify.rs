//! How letters leave the house (F012, F013, F048 to F055).

use std::path::PathBuf;

use super::whole;
use super::yes;

/// Where letters go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Nowhere: nothing that needs a letter is offered.
    Off,
    /// Into a folder, one file each: the sandbox.
    Files(PathBuf),
    /// To a mail server.
    Smtp(Smtp),
}

/// The mail server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Smtp {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// User and password, where somebody logs in; never printed.
    pub login: Option<(String, String)>,
    /// How the connection is protected.
    pub tls: Tls,
    /// File of the authority whose certificates are trusted beside the system's.
    pub ca: Option<PathBuf>,
}

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// From the command STARTTLS on, which is required (RFC 3207).
    Starttls,
    /// From the first byte (RFC 8314).
    Implicit,
    /// Not at all: a server on this machine.
    None,
}

/// How letters leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notify {
    /// Where to.
    pub transport: Transport,
    /// The sender's address; empty where OpenEMR's setting says it.
    pub sender: String,
    /// Where replies go; empty: to the sender.
    pub reply_to: String,
    /// Whether the trusted address is told that staff changed credentials (F079).
    pub on_reset: bool,
    /// Whether patients are told that there is a message.
    pub on_message: bool,
    /// Folder of the practice's own wording.
    pub letters: Option<PathBuf>,
}

/// Reads the settings of letters.
///
/// # Errors
/// One sentence that names the key.
pub(super) fn resolve<'t>(text: &impl Fn(&str) -> &'t str) -> Result<Notify, String> {
    let transport = match text("notify_transport") {
        "off" => Transport::Off,
        "files" => {
            return Err("notify_transport = \"files\" is for the sandbox (anteroom demo): a practice has smtp or off".to_owned());
        }
        "smtp" => Transport::Smtp(smtp(text)?),
        other => {
            return Err(format!(
                "notify_transport = \"{other}\" is none of smtp and off"
            ));
        }
    };
    Ok(Notify {
        transport,
        sender: text("notify_sender").to_owned(),
        reply_to: text("notify_reply_to").to_owned(),
        on_reset: yes("notify_on_reset", text("notify_on_reset"))?,
        on_message: yes("message_letters", text("message_letters"))?,
        letters: Some(text("letters"))
            .filter(|folder| !folder.is_empty())
            .map(PathBuf::from),
    })
}

fn smtp<'t>(text: &impl Fn(&str) -> &'t str) -> Result<Smtp, String> {
    let host = text("notify_smtp_host");
    if host.is_empty() {
        return Err(
            "notify_smtp_host is missing: the mail server that notify_transport = \"smtp\" means"
                .to_owned(),
        );
    }
    let tls = match text("notify_smtp_tls") {
        "starttls" => Tls::Starttls,
        "tls" => Tls::Implicit,
        // In clear only where nobody listens: this machine.
        "none" if matches!(host, "127.0.0.1" | "::1" | "localhost") => Tls::None,
        "none" => {
            return Err(format!(
                "notify_smtp_tls = \"none\" is for a server on this machine, not {host}: use starttls or tls"
            ));
        }
        other => {
            return Err(format!(
                "notify_smtp_tls = \"{other}\" is none of starttls, tls and none"
            ));
        }
    };
    let port = whole("notify_smtp_port", text("notify_smtp_port"), 1..=65_535)?;
    let login = match (text("notify_smtp_user"), text("notify_smtp_password")) {
        ("", _) => None,
        (user, "") => {
            return Err(format!(
                "notify_smtp_password is missing: the password of {user} at {host}"
            ));
        }
        (user, password) => Some((user.to_owned(), password.to_owned())),
    };
    Ok(Smtp {
        host: host.to_owned(),
        port: u16::try_from(port).unwrap_or(587),
        login,
        tls,
        ca: Some(text("notify_smtp_ca"))
            .filter(|file| !file.is_empty())
            .map(PathBuf::from),
    })
}
