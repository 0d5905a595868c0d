//! The switches of OpenEMR's own tables about who may come in: one patient's (`allow_patient_portal`), and that
//! everybody has to change a password (`portal_pwd_status`).

use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;

/// Only `YES` lets a patient in, letter by letter, and MariaDB compares without case: its bytes are compared.
const SWITCH: &str = "UPDATE patient_data SET allow_patient_portal = ? \
    WHERE pid = ? AND HEX(COALESCE(allow_patient_portal, '')) <> ?";

/// Only what is the patient's own: what staff made has to be changed already, and an odd one never logs in.
const MUST_CHANGE: &str =
    "UPDATE patient_access_onsite SET portal_pwd_status = 0 WHERE portal_pwd_status = 1";

/// Whether a patient is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// `YES`.
    On,
    /// `NO`.
    Off,
}

impl Access {
    /// As stored, and the same in hexadecimal.
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::On => ("YES", "594553"),
            Self::Off => ("NO", "4E4F"),
        }
    }
}

/// Lets a patient in, or not; false where it was so already.
///
/// # Errors
/// As [`Tx::run`].
pub async fn switch(tx: &mut Tx, pid: i64, access: Access) -> Answer<bool> {
    let (word, bytes) = access.words();
    let sql = Sql::new(SWITCH).bind(word).bind(pid).bind(bytes);
    Ok(tx.run(sql).await? > 0)
}

/// Everybody who has a password of their own has to change it at the next login; how many those are (F068).
///
/// # Errors
/// As [`Tx::run`].
pub async fn all_must_change(tx: &mut Tx) -> Answer<u64> {
    tx.run(Sql::new(MUST_CHANGE)).await
}
