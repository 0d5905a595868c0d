//! The hidden `csrf` field of every form: derived from the visitor's cookie, so that it needs no memory.

use crate::crypto;

/// The form token that belongs to a cookie.
pub fn token(cookie: &str) -> String {
    crypto::fingerprint(&format!("csrf:{cookie}"))
}

/// Whether a form's token belongs to the cookie it came with; an empty cookie has none.
pub fn fits(cookie: &str, given: &str) -> bool {
    !cookie.is_empty() && crypto::same(token(cookie).as_bytes(), given.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_fits_its_own_cookie_only() {
        let given = token("cookie-a");
        assert!(fits("cookie-a", &given));
        assert!(!fits("cookie-b", &given));
        assert!(!fits("cookie-a", ""));
        assert!(!fits("", &token("")));
        assert_ne!(
            given,
            crypto::fingerprint("cookie-a"),
            "the field must not show the session's stored hash"
        );
    }
}
