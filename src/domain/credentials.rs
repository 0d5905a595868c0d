//! What staff ask for when credentials are made or reset.

use crate::domain::accounts::ByHand;
use crate::domain::accounts::Delivery;

/// Credentials that are asked for.
#[derive(Clone, PartialEq, Eq)]
pub struct CredentialAsk {
    /// How they reach the patient.
    pub deliver: Delivery,
    /// Why they are made by hand, where they are (F087).
    pub by_hand: Option<ByHand>,
    /// The login name staff typed; `None` where one is proposed.
    pub username: Option<String>,
    /// What becomes of the name there is (F083).
    pub name: Name,
    /// The password staff typed; `None` where one is drawn.
    pub password: Option<String>,
    /// Whether the patient has to choose another password, where the practice leaves that to who makes it.
    pub change: Change,
}

/// What becomes of the login name there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Name {
    /// It stays.
    #[default]
    Kept,
    /// It becomes the one that was typed, or a newly proposed one.
    Changed,
}

/// Whether a patient has to choose another password at the first login.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Change {
    /// Yes.
    #[default]
    Asked,
    /// No, where `portal_force_credential_reset` is 2.
    Spared,
}

impl CredentialAsk {
    /// Credentials made by the house, delivered so.
    pub fn by(deliver: Delivery) -> Self {
        Self {
            deliver,
            by_hand: None,
            username: None,
            name: Name::Kept,
            password: None,
            change: Change::Asked,
        }
    }
}
