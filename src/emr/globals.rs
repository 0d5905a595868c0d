//! OpenEMR's settings (`globals`). A setting nobody ever saved has no row: its default lives in PHP, and here.

use std::collections::HashMap;

use sqlx::FromRow;

use crate::db::Db;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;

/// `gl_index` is above 0 for the second and later values of list settings, none of which is read here.
const READ: &str = "SELECT gl_name, gl_value FROM globals WHERE gl_index = 0 AND gl_name IN ";

/// The settings this house reads, with OpenEMR's own default (OpenEMR facts 1.19).
const DEFAULTS: [(&str, &str); 22] = [
    ("portal_onsite_two_enable", "0"),
    ("enforce_signin_email", "1"),
    (
        "portal_onsite_two_address",
        "https://your_web_site.com/openemr/portal",
    ),
    ("portal_force_credential_reset", "0"),
    ("allow_portal_appointments", "1"),
    ("portal_timeout", "1800"),
    ("gbl_time_zone", ""),
    ("document_storage_method", "0"),
    ("drive_encryption", "1"),
    ("allow_portal_uploads", "1"),
    ("secure_upload", "1"),
    ("calendar_interval", "15"),
    ("weekend_days", "6,0"),
    ("schedule_end", "17"),
    ("password_max_failed_logins", "20"),
    ("time_reset_password_max_failed_logins", "3600"),
    ("gbl_ldap_enabled", "0"),
    ("gbl_ldap_exclusions", ""),
    ("patient_reminder_sender_email", ""),
    ("portal_two_pass_reset", "0"),
    ("portal_onsite_two_register", "0"),
    ("use_email_for_portal_username", "1"),
];

/// The values in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Globals(HashMap<String, String>);

#[derive(FromRow)]
struct Setting {
    gl_name: String,
    gl_value: Option<String>,
}

impl Globals {
    /// Reads the settings and fills the gaps with OpenEMR's defaults.
    ///
    /// # Errors
    /// As [`Db::all`].
    pub async fn read(db: &Db) -> Answer<Self> {
        let names = DEFAULTS.iter().map(|(name, _)| *name);
        let rows: Vec<Setting> = db.all(Sql::new(READ).list(names)).await?;
        let defaults = DEFAULTS
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let saved = rows
            .into_iter()
            .map(|row| (row.gl_name, row.gl_value.unwrap_or_default()));
        Ok(Self(defaults.chain(saved).collect()))
    }

    /// The value of a setting; empty for one this house does not read.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Whether a switch is on, as PHP judges it.
    pub fn on(&self, name: &str) -> bool {
        !matches!(self.text(name), "" | "0")
    }
}
