//! The settings: a file, over it the environment, resolved and checked once at start.
//! Every setting is one line of [`SETTINGS`]; the example file is printed from it.

pub mod accounts;
pub mod booking;
pub mod notify;
pub mod papers;
pub mod reviews;
mod settings;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;

use time::Duration;

pub use crate::config::accounts::Accounts;
pub use crate::config::booking::Booking;
pub use crate::config::notify::Notify;
pub use crate::config::papers::Papers;
pub use crate::config::reviews::Choice;
pub use crate::config::reviews::Reviews;
pub use crate::config::settings::SETTINGS;
pub use crate::config::settings::Setting;

/// The settings in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The issuer: scheme, host and port, no slash at the end.
    pub public_url: String,
    /// Which database; never printed, it holds a password.
    pub database_url: String,
    /// OpenEMR's documents folder.
    pub documents: Option<PathBuf>,
    /// Zone where OpenEMR names none.
    pub zone: String,
    /// Least notice for cancelling.
    pub cancel_notice: Duration,
    /// Header with the client's address, in lower case.
    pub client_address_header: Option<String>,
    /// Phone number for help.
    pub help_phone: String,
    /// The practice's website.
    pub website: String,
    /// Who may register apps over the network.
    pub registration: Registration,
    /// How old the signing key may get; `None` for any age.
    pub key_rotation: Option<Duration>,
    /// The practice's identity provider for staff.
    pub staff_idp: Option<StaffIdp>,
    /// How letters leave.
    pub notify: Notify,
    /// How accounts come to be and are kept.
    pub accounts: Accounts,
    /// Whether a form that is signed is locked and filed at once; otherwise staff look through it.
    pub automatic_forms: bool,
    /// How visits are asked for.
    pub booking: Booking,
    /// What is done with documents.
    pub papers: Papers,
    /// What of patients' wishes is looked at first.
    pub reviews: Reviews,
    /// Whether this is the sandbox, which shows its logins.
    pub sandbox: bool,
}

/// Who may register apps over the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// Anybody; apps for patients may be used at once, others wait for staff.
    Open,
    /// Anybody; every app waits for staff.
    Approval,
    /// Nobody: `anteroom client add` is the only way.
    Off,
}

/// The practice's identity provider, as staff log in there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaffIdp {
    /// Its issuer, exactly as its tokens spell it.
    pub issuer: String,
    /// This server's `client_id` there.
    pub client_id: String,
    /// This server's secret there; never printed. `None` where it is a public client.
    pub client_secret: Option<String>,
    /// The claim that names the OpenEMR user.
    pub claim: String,
    /// The `acr` that must be reached.
    pub acr: Option<String>,
}

impl Config {
    /// Reads the file, if one is given, and lays the environment over it.
    ///
    /// # Errors
    /// One sentence that names the file or key and says what to do.
    pub fn load(
        file: Option<&Path>,
        environment: &HashMap<String, String>,
    ) -> Result<Self, String> {
        let mut values = defaults();
        if let Some(path) = file {
            overlay_file(&mut values, path)?;
        }
        for setting in SETTINGS {
            let name = format!("ANTEROOM_{}", setting.key.to_uppercase());
            if let Some(value) = environment.get(&name) {
                values.insert(setting.key, value.clone());
            }
        }
        Self::resolve(&values)
    }

    /// The settings of a sandbox: a database and a folder of its own, everything else as it comes.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn sandbox(
        listen: SocketAddr,
        database_url: String,
        documents: PathBuf,
    ) -> Result<Self, String> {
        let mut config = Self::resolve(&defaults())?;
        config.listen = listen;
        config.public_url = format!("http://{listen}");
        config.website.clone_from(&config.public_url);
        config.database_url = database_url;
        config.documents = Some(documents);
        config.zone = "America/New_York".to_owned();
        // A day's notice, so that the sandbox shows what a rule's refusal looks like.
        config.cancel_notice = Duration::hours(24);
        config.help_phone = "(555) 555-0100".to_owned();
        config.registration = Registration::Open;
        if let Some(folder) = config.documents.as_deref().and_then(Path::parent) {
            config.notify.transport = notify::Transport::Files(folder.join("mail"));
        }
        config.notify.sender = "portal@practice.example".to_owned();
        config.accounts.self_reset = accounts::Switch::On;
        config.accounts.self_register = accounts::Switch::On;
        config.sandbox = true;
        Ok(config)
    }

    /// The same, with the identity provider for staff that the environment names: a sandbox's own settings are fixed.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn with_staff_idp(mut self, environment: &HashMap<String, String>) -> Result<Self, String> {
        let text = |key: &str| {
            let name = format!("ANTEROOM_{}", key.to_uppercase());
            environment.get(&name).map_or("", |value| value.trim())
        };
        self.staff_idp = staff_idp(&text)?;
        Ok(self)
    }

    /// The FHIR base.
    pub fn fhir_base(&self) -> String {
        format!("{}/fhir", self.public_url)
    }

    /// Whether cookies may only travel over TLS.
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    fn resolve(values: &HashMap<&'static str, String>) -> Result<Self, String> {
        let text = |key: &str| values.get(key).map_or("", |value| value.trim());
        let listen = text("listen");
        let hours = text("cancel_notice_hours");
        Ok(Self {
            listen: listen.parse().map_err(|_| {
                format!("listen = \"{listen}\" is no address and port: write 127.0.0.1:8080 or 0.0.0.0:8080")
            })?,
            public_url: public_url(text("public_url"))?,
            database_url: text("database_url").to_owned(),
            documents: folder(text("documents"))?,
            zone: text("zone").to_owned(),
            cancel_notice: hours.parse().ok().filter(|hours| *hours < 24 * 365).map(|hours: u32| Duration::hours(i64::from(hours))).ok_or_else(|| {
                format!("cancel_notice_hours = \"{hours}\" is no number of hours: write a whole number such as 24")
            })?,
            client_address_header: match text("client_address_header") {
                "" => None,
                name => Some(name.to_lowercase()),
            },
            help_phone: text("help_phone").to_owned(),
            website: match text("website") {
                "" => public_url(text("public_url"))?,
                site => site.to_owned(),
            },
            registration: match text("app_registration") {
                "open" => Registration::Open,
                "approval" => Registration::Approval,
                "off" => Registration::Off,
                other => {
                    return Err(format!("app_registration = \"{other}\" is none of open, approval and off"));
                }
            },
            key_rotation: days("key_rotation_days", text("key_rotation_days"))?,
            staff_idp: staff_idp(&text)?,
            notify: notify::resolve(&text)?,
            accounts: accounts::resolve(&text)?,
            booking: booking::resolve(&text)?,
            papers: papers::resolve(&text)?,
            automatic_forms: match text("review_form") {
                "review" => false,
                "automatic" => true,
                other => {
                    return Err(format!("review_form = \"{other}\" is neither review nor automatic"));
                }
            },
            reviews: reviews::resolve(&text)?,
            sandbox: false,
        })
    }
}

/// The example file: every setting with its default and its sentence.
pub fn example() -> String {
    let mut text = String::from(
        "# Anteroom's settings. Each can also be given as ANTEROOM_<KEY IN CAPITALS> in the environment.\n",
    );
    for setting in SETTINGS {
        let value = match setting.key {
            _ if setting.default.bytes().all(|byte| byte.is_ascii_digit())
                && !setting.default.is_empty() =>
            {
                setting.default.to_owned()
            }
            _ => format!("\"{}\"", setting.default),
        };
        text.push_str(&format!(
            "\n# {}\n{} = {value}\n",
            setting.about, setting.key
        ));
    }
    text
}

/// `yes` or `no`.
fn yes(key: &str, text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(format!("{key} = \"{text}\" is neither yes nor no")),
    }
}

/// A whole number within bounds.
fn whole(key: &str, text: &str, bounds: std::ops::RangeInclusive<u32>) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| bounds.contains(number));
    number.ok_or_else(|| {
        format!(
            "{key} = \"{text}\" must be a whole number from {} to {}",
            bounds.start(),
            bounds.end()
        )
    })
}

/// A number of days; 0 is none.
fn days(key: &str, text: &str) -> Result<Option<Duration>, String> {
    match text.parse::<u16>() {
        Ok(0) => Ok(None),
        Ok(days) => Ok(Some(Duration::days(i64::from(days)))),
        Err(_) => Err(format!(
            "{key} = \"{text}\" is no number of days: write a whole number such as 90"
        )),
    }
}

/// The identity provider, where one is named; https unless it is on this machine.
fn staff_idp<'t>(text: &impl Fn(&str) -> &'t str) -> Result<Option<StaffIdp>, String> {
    let given = |key: &str| Some(text(key).to_owned()).filter(|value| !value.is_empty());
    let Some(issuer) = given("staff_idp_issuer") else {
        return Ok(None);
    };
    let local = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
    let here = |start: &&str| {
        let rest = issuer.strip_prefix(*start);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
    };
    if !issuer.starts_with("https://") && !local.iter().any(here) {
        return Err(format!(
            "staff_idp_issuer = \"{issuer}\" must begin with https://"
        ));
    }
    let client_id = given("staff_idp_client_id").ok_or(
        "staff_idp_client_id is missing: the client_id this server has at staff_idp_issuer",
    )?;
    Ok(Some(StaffIdp {
        issuer,
        client_id,
        client_secret: given("staff_idp_client_secret"),
        claim: given("staff_idp_claim").unwrap_or_else(|| "email".to_owned()),
        acr: given("staff_idp_acr"),
    }))
}

fn defaults() -> HashMap<&'static str, String> {
    SETTINGS
        .iter()
        .map(|setting| (setting.key, setting.default.to_owned()))
        .collect()
}

fn overlay_file(values: &mut HashMap<&'static str, String>, path: &Path) -> Result<(), String> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("cannot read the settings file {shown}: {error}"))?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        format!("{shown} is not valid TOML: {}", error.message())
    })?;
    for (key, value) in table {
        let Some(setting) = SETTINGS.iter().find(|setting| setting.key == key) else {
            let known: Vec<&str> = SETTINGS.iter().map(|setting| setting.key).collect();
            return Err(format!(
                "{shown} has an unknown setting '{key}': the settings are {}",
                known.join(", ")
            ));
        };
        let value = match value {
            toml::Value::String(text) => text,
            toml::Value::Integer(number) => number.to_string(),
            _ => return Err(format!("{shown}: '{key}' must be a text or a whole number")),
        };
        values.insert(setting.key, value);
    }
    Ok(())
}

/// The issuer must be a URL that tokens and links can be built from, spelled as browsers spell an origin: in lower case
/// and without the port a scheme has anyway.
fn public_url(text: &str) -> Result<String, String> {
    let (rest, usual_port) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (rest, ":443"),
        (None, Some(rest)) => (rest, ":80"),
        (None, None) => ("", ""),
    };
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-:[]".contains(c);
    let plain = !rest.is_empty() && rest.chars().all(letters) && !rest.ends_with(usual_port);
    match plain {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "public_url = \"{text}\" must be scheme and host in lower case, without a path, a slash at the end or the scheme's usual port, such as https://portal.example.org"
        )),
    }
}

fn folder(text: &str) -> Result<Option<PathBuf>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    match std::fs::read_dir(text) {
        Ok(_) => Ok(Some(PathBuf::from(text))),
        Err(error) => Err(format!(
            "documents = \"{text}\" cannot be read ({error}): give OpenEMR's sites/<site>/documents folder and run as a user who may read it"
        )),
    }
}

#[cfg(test)]
mod tests;
