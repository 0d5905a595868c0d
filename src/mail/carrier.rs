//! How letters go: to a mail server, over one connection as long as it holds, or into a folder. What happens before a letter
//! is handed over (no connection, no TLS, no login) says nothing about the letter; what the server answers to it does.

use std::fs;
use std::path::Path;
use std::time::Duration;

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::authentication::Mechanism;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::client::Certificate;
use lettre::transport::smtp::client::TlsParameters;
use lettre::transport::smtp::extension::ClientId;
use tokio::time::timeout;

use crate::config::Config;
use crate::config::notify::Smtp;
use crate::config::notify::Tls;
use crate::config::notify::Transport;
use crate::mail::From;
use crate::mail::Office;
use crate::mail::message;
use crate::mail::message::Sealed;
use crate::mail::reply;
use crate::mail::wording;
use crate::mail::wording::Facts;
use crate::store::outbox::sending::InHand;

/// How long a mail server may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For connection, TLS and login together.
    pub door: Duration,
    /// For one letter.
    pub letter: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            door: Duration::from_secs(30),
            letter: Duration::from_secs(90),
        }
    }
}

/// What became of a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Carried {
    /// The server took it, with this answer.
    Taken(String),
    /// Nobody opened: no connection, no TLS or no login.
    NoDoor(String),
    /// Not now: the server said so (4xx), or stopped in the middle.
    NotNow(String),
    /// Never: the server said so (5xx), or the letter cannot be written.
    Never(String),
}

/// Carries letters.
pub struct Carrier<'o> {
    office: &'o Office<'o>,
    from: From,
    open: Option<AsyncSmtpConnection>,
}

impl<'o> Carrier<'o> {
    /// Without a connection yet.
    pub fn new(office: &'o Office<'o>, from: From) -> Self {
        Self {
            office,
            from,
            open: None,
        }
    }

    /// Writes a letter and hands it over.
    pub async fn carry(&mut self, letter: &InHand) -> Carried {
        let Some(facts) = self.office.facts(letter) else {
            // A replica of the version that wrote it will know it.
            return Carried::NotNow("This version knows no such letter.".to_owned());
        };
        let sealed = match self.sealed(letter, &facts) {
            Ok(sealed) => sealed,
            Err(wrong) => return Carried::Never(reply::cleaned(&wrong)),
        };
        match &self.office.config.notify.transport {
            Transport::Off => Carried::NoDoor("No transport is set up.".to_owned()),
            Transport::Files(folder) => file(folder, letter, &sealed),
            Transport::Smtp(server) => self.send(server, &sealed).await,
        }
    }

    /// Sends the test letter at once, past the outbox; what the server answered.
    pub async fn test(&mut self, address: &str, now: i64) -> Carried {
        let letter = self.office.test(address, now);
        self.carry(&letter).await
    }

    /// Says goodbye, where there is somebody to say it to.
    pub async fn close(mut self) {
        if let Some(mut connection) = self.open.take() {
            let _ = timeout(Duration::from_secs(2), connection.quit()).await;
        }
    }

    fn sealed(&self, letter: &InHand, facts: &Facts) -> Result<Sealed, String> {
        let folder = self.office.config.notify.letters.as_deref();
        let (written, broken) = wording::write(folder, facts)?;
        if let Some(broken) = broken {
            tracing::warn!(
                broken,
                "the practice's own wording is broken: ours was sent; anteroom check tells all"
            );
        }
        message::seal(&self.from, letter, (written, facts.entry.as_ref()))
    }

    async fn send(&mut self, server: &Smtp, sealed: &Sealed) -> Carried {
        let mut connection = match self.open.take() {
            Some(connection) => connection,
            None => match connect(self.office.config, server, self.office.patience).await {
                Ok(connection) => connection,
                Err(wrong) => return Carried::NoDoor(wrong),
            },
        };
        let sending = connection.send(&sealed.envelope, &sealed.bytes);
        match timeout(self.office.patience.letter, sending).await {
            Ok(Ok(response)) => {
                let answer = reply::taken(&response);
                self.open = Some(connection);
                Carried::Taken(answer)
            }
            Ok(Err(error)) if error.is_permanent() && !reply::is_about_us(&error) => {
                Carried::Never(reply::refused(&error))
            }
            Ok(Err(error)) => Carried::NotNow(reply::refused(&error)),
            Err(_) => Carried::NotNow("The mail server did not answer in time.".to_owned()),
        }
    }
}

/// Connects, encrypts, logs in.
///
/// # Errors
/// What the server said, or why there was no connection: one line, fit to be shown.
async fn connect(
    config: &Config,
    server: &Smtp,
    patience: Patience,
) -> Result<AsyncSmtpConnection, String> {
    let tls = encryption(server)?;
    let opening = Box::pin(opened(config, server, tls));
    match timeout(patience.door, opening).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(reply::refused(&error)),
        Err(_) => Err("The mail server did not answer in time.".to_owned()),
    }
}

/// Connects, logs in, asks whether the server is there, and leaves.
///
/// # Errors
/// As [`connect`].
pub async fn greet(config: &Config, server: &Smtp, patience: Patience) -> Result<(), String> {
    let mut connection = connect(config, server, patience).await?;
    let alive = timeout(patience.door, connection.test_connected()).await;
    let _ = timeout(Duration::from_secs(2), connection.quit()).await;
    match alive {
        Ok(true) => Ok(()),
        _ => Err("It took the login and then said nothing (NOOP).".to_owned()),
    }
}

async fn opened(
    config: &Config,
    server: &Smtp,
    tls: Option<TlsParameters>,
) -> Result<AsyncSmtpConnection, lettre::transport::smtp::Error> {
    let name = ClientId::Domain(host(&config.public_url));
    let place = (server.host.as_str(), server.port);
    let at_once = tls.clone().filter(|_| server.tls == Tls::Implicit);
    let mut connection =
        AsyncSmtpConnection::connect_tokio1(place, None, &name, at_once, None).await?;
    if let (Tls::Starttls, Some(tls)) = (server.tls, tls) {
        // A server that does not offer it is refused: who strips it from the offer gains nothing (RFC 3207, 6).
        connection.starttls(tls, &name).await?;
    }
    if let Some((user, password)) = &server.login {
        let who = Credentials::new(user.clone(), password.clone());
        connection
            .auth(&[Mechanism::Plain, Mechanism::Login], &who)
            .await?;
    }
    Ok(connection)
}

/// Whom to trust: the system's authorities and the one of the settings.
fn encryption(server: &Smtp) -> Result<Option<TlsParameters>, String> {
    if server.tls == Tls::None {
        return Ok(None);
    }
    let mut builder = TlsParameters::builder(server.host.clone());
    if let Some(file) = &server.ca {
        let shown = file.display();
        let pem = fs::read(file)
            .map_err(|error| format!("notify_smtp_ca = \"{shown}\" cannot be read: {error}"))?;
        let authority = Certificate::from_pem(&pem)
            .map_err(|_| format!("notify_smtp_ca = \"{shown}\" holds no certificate in PEM"))?;
        builder = builder.add_root_certificate(authority);
    }
    builder
        .build()
        .map(Some)
        .map_err(|error| reply::refused(&error))
}

/// How this server calls itself: the host of its address.
fn host(public_url: &str) -> String {
    let rest = public_url.split("://").nth(1).unwrap_or_default();
    match rest.strip_prefix('[') {
        Some(literal) => format!("[IPv6:{}]", literal.split(']').next().unwrap_or_default()),
        None => {
            let host = rest.split([':', '/']).next().unwrap_or_default();
            match host.parse::<std::net::Ipv4Addr>() {
                Ok(address) => format!("[{address}]"),
                Err(_) => host.to_owned(),
            }
        }
    }
}

/// Into a folder, whole or not at all.
fn file(folder: &Path, letter: &InHand, sealed: &Sealed) -> Carried {
    let name = format!(
        "{:06}-{}.eml",
        letter.id,
        letter.letter.map_or("unknown", |letter| letter.name())
    );
    let unfinished = folder.join(format!(".{name}.unfinished"));
    let done = fs::create_dir_all(folder)
        .and_then(|()| fs::write(&unfinished, &sealed.bytes))
        .and_then(|()| fs::rename(&unfinished, folder.join(&name)));
    match done {
        Ok(()) => Carried::Taken(format!("Written to {name}")),
        Err(error) => Carried::NoDoor(reply::cleaned(&format!("Not written: {error}"))),
    }
}
