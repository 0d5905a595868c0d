//! Browsers that a patient has logged in with before. They have a counter of their own, so that a stranger who guesses
//! at a patient's password elsewhere cannot keep the patient out (`spec/security.md`, case 92).

use crate::auth::Context;
use crate::crypto;
use crate::domain::refusal::Answer;

/// A mark for this browser, to be kept in a cookie: a random name and its seal over the login name.
///
/// # Errors
/// A fault where there is no randomness.
pub fn mark(context: &Context<'_>, login_name: &str) -> Answer<String> {
    let name = context.entropy.token()?;
    let seal = seal(context, &name, login_name);
    Ok(format!("{name}.{seal}"))
}

/// The name of the browser that brings a mark, where it was made for exactly this login name.
pub fn known<'m>(context: &Context<'_>, mark: &'m str, login_name: &str) -> Option<&'m str> {
    let (name, given) = mark.split_once('.')?;
    let fits = crypto::same(seal(context, name, login_name).as_bytes(), given.as_bytes());
    fits.then_some(name)
}

fn seal(context: &Context<'_>, name: &str, login_name: &str) -> String {
    let text = format!("device\n{name}\n{login_name}");
    crypto::base64url(&crypto::hmac_sha256(&context.keys.page, text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::fixture::House;

    #[tokio::test]
    async fn case_92_a_mark_is_good_for_its_own_login_name_only() {
        let house = House::open("device", &[]).await;
        let context = house.context();
        let mark = mark(&context, "bob").unwrap();
        assert!(known(&context, &mark, "bob").is_some());
        for (mark, name) in [
            (mark.as_str(), "Bob"),
            (mark.as_str(), "bob+1"),
            (&mark[1..], "bob"),
            ("x.y", "bob"),
            ("", "bob"),
        ] {
            assert_eq!(known(&context, mark, name), None, "{mark} {name}");
        }
    }
}
