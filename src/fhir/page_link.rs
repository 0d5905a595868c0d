//! The link to the next page: the whole state of the search, signed, so that the server remembers nothing. It works
//! for the grant it was made for with the scopes it had then, and until it expires.

use serde_json::Value;
use serde_json::json;
use time::OffsetDateTime;

use crate::crypto;
use crate::domain::ResourceType;
use crate::domain::access::Grant;
use crate::domain::query::Cursor;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Scope;

/// What the MAC is about, so that no other signed thing can be taken for a link.
const PURPOSE: &[u8] = b"anteroom page link 1\0";

/// Where a search stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageState {
    /// Whose it is, as [`holder`] says.
    pub holder: String,
    /// The type that is searched.
    pub kind: ResourceType,
    /// The parameters.
    pub pairs: Vec<(String, String)>,
    /// Where the next page begins.
    pub cursor: Cursor,
    /// Until when the link works, in epoch seconds.
    pub expires: i64,
}

/// The grant and its scopes in one word: with fewer scopes than a link was made with, it does not go on.
pub fn holder(grant: &Grant) -> String {
    let said = format!("{}\n{}", grant.id(), Scope::join(grant.scopes()));
    crypto::base64url(&crypto::sha256(said.as_bytes()))
}

/// The value of `_page`: base64url of the state, a dot, base64url of its HMAC-SHA-256.
pub fn seal(state: &PageState, key: &[u8]) -> String {
    let payload = json!([
        state.holder,
        state.kind.name(),
        state.pairs,
        state.cursor.key,
        state.cursor.row,
        state.expires
    ]);
    let payload = payload.to_string();
    let mac = mac(payload.as_bytes(), key);
    let (payload, mac) = (
        crypto::base64url(payload.as_bytes()),
        crypto::base64url(&mac),
    );
    format!("{payload}.{mac}")
}

/// Reads a value that [`seal`] made for this holder and type and that still works.
///
/// # Errors
/// `Invalid` at `_page` otherwise; the answer does not tell which of the reasons it was, except that it expired.
pub fn open(
    link: &str,
    holder: &str,
    (kind, now): (ResourceType, OffsetDateTime),
    key: &[u8],
) -> Result<PageState, Refusal> {
    let state = verified(link, key)
        .filter(|state| state.holder == holder && state.kind == kind)
        .ok_or_else(|| {
            Refusal::invalid(
                "_page",
                "this is not a link of this search: follow the next link as it is",
            )
        })?;
    match state.expires > now.unix_timestamp() {
        true => Ok(state),
        false => Err(Refusal::invalid(
            "_page",
            "this link has expired: search again",
        )),
    }
}

fn verified(link: &str, key: &[u8]) -> Option<PageState> {
    let (payload, sent) = link.split_once('.')?;
    let (payload, sent) = (
        crypto::from_base64url(payload)?,
        crypto::from_base64url(sent)?,
    );
    match crypto::same(&mac(&payload, key), &sent) {
        true => state(&serde_json::from_slice(&payload).ok()?),
        false => None,
    }
}

fn mac(payload: &[u8], key: &[u8]) -> Vec<u8> {
    crypto::hmac_sha256(key, &[PURPOSE, payload].concat())
}

fn state(payload: &Value) -> Option<PageState> {
    let [holder, kind, pairs, key, row, expires] = payload.as_array()?.as_slice() else {
        return None;
    };
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let pair = |pair: &Value| Some((text(pair.get(0)?)?, text(pair.get(1)?)?));
    Some(PageState {
        holder: text(holder)?,
        kind: ResourceType::of(kind.as_str()?)?,
        pairs: pairs.as_array()?.iter().map(pair).collect::<Option<_>>()?,
        cursor: Cursor {
            key: text(key)?,
            row: row.as_i64()?,
        },
        expires: expires.as_i64()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::access::LaunchContext;
    use crate::domain::access::User;
    use time::macros::datetime;

    const KEY: &[u8] = &[7; 32];
    const NOW: OffsetDateTime = datetime!(2026-11-21 20:00 UTC);

    fn page() -> PageState {
        PageState {
            holder: "grant".to_owned(),
            kind: ResourceType::Appointment,
            pairs: vec![("date".to_owned(), "ge2026 \"é\\,".to_owned())],
            cursor: Cursor {
                key: "2026-01-02 03:04:05".to_owned(),
                row: -9,
            },
            expires: NOW.unix_timestamp() + 3600,
        }
    }

    fn opened(link: &str, holder: &str) -> Result<PageState, Refusal> {
        open(link, holder, (ResourceType::Appointment, NOW), KEY)
    }

    #[test]
    fn what_was_sealed_opens_and_fits_in_a_url() {
        let link = seal(&page(), KEY);
        assert!(
            link.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        );
        assert_eq!(opened(&link, "grant"), Ok(page()));
    }

    #[test]
    fn another_grant_type_key_or_time_does_not_open_it() {
        let link = seal(&page(), KEY);
        assert!(opened(&link, "other").is_err());
        assert!(open(&link, "grant", (ResourceType::Patient, NOW), KEY).is_err());
        assert!(open(&link, "grant", (ResourceType::Appointment, NOW), &[8; 32]).is_err());
        let late = NOW + time::Duration::HOUR;
        assert!(open(&link, "grant", (ResourceType::Appointment, late), KEY).is_err());
    }

    #[test]
    fn case_134_fewer_scopes_or_another_grant_are_another_holder() {
        let of = |id: &str, scopes: &str| {
            let ids = (id.to_owned(), "app".to_owned());
            let (user, context) = (User::System, LaunchContext::default());
            holder(&Grant::stored(ids, user, context, Scope::list(scopes)))
        };
        let whole = of("grant", "system/Patient.rs system/Appointment.rs");
        assert_eq!(
            whole,
            of("grant", "system/Patient.rs system/Appointment.rs")
        );
        assert_ne!(whole, of("grant", "system/Appointment.rs"));
        assert_ne!(
            whole,
            of(
                "grant",
                "system/Patient.rs system/Appointment.rs?status=booked"
            )
        );
        assert_ne!(
            whole,
            of("other", "system/Patient.rs system/Appointment.rs")
        );
    }

    #[test]
    fn no_byte_can_be_changed() {
        let link = seal(&page(), KEY);
        for at in 0..link.len() {
            let mut bytes = link.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).expect("ASCII");
            assert!(opened(&changed, "grant").is_err(), "byte {at}");
        }
        for cut in ["", ".", "a.b", "é.é", &link[..link.len() - 1], &link[1..]] {
            assert!(opened(cut, "grant").is_err(), "{cut}");
        }
    }

    #[test]
    fn a_mac_without_the_purpose_is_none_of_ours() {
        let link = seal(&page(), KEY);
        let payload = link
            .split('.')
            .next()
            .and_then(crypto::from_base64url)
            .expect("payload");
        let bare = crypto::base64url(&crypto::hmac_sha256(KEY, &payload));
        let forged = format!("{}.{bare}", crypto::base64url(&payload));
        assert!(opened(&forged, "grant").is_err());
    }
}
