//! What each action and reason of the ledger means, and what to do about it.

use crate::portal::rules;
use crate::store::ledger::Line;

/// Actions that are not of the form `Patient.read`, as what was asked for.
const ACTIONS: &[(&str, &str)] = &[
    ("authorize", "an app's request for access"),
    ("login", "a login"),
    ("staff.login", "a login of staff"),
    ("logout", "a logout"),
    ("credentials.change", "a new login name and password"),
    ("consent", "the user's answer to an app"),
    ("token", "tokens for an app"),
    ("token.issue", "tokens for an app"),
    (
        "token.refresh",
        "new tokens for an app that stayed connected",
    ),
    ("token.revoke", "the end of a token"),
    ("grant.narrow", "less access for an app"),
    ("grant.revoke", "the end of an app's access"),
    ("portal.invite", "a link to choose a login"),
    ("portal.enable", "a patient let in"),
    ("portal.disable", "a patient shut out"),
    ("portal.lock", "a patient's account locked"),
    ("portal.unlock", "a patient's account unlocked"),
    ("portal.credential", "a login made for a patient"),
    ("portal.reset", "a patient's login reset"),
    ("portal.sheet", "the sheet of a login printed"),
    ("portal.reset-all", "every patient's password to be changed"),
    ("portal.status", "a look at a patient's account"),
    ("launch", "an app started by staff"),
    ("client.add", "the registration of an app"),
    ("client.approve", "an app let in"),
    ("client.disable", "an app shut out"),
    ("key.rotate", "a new signing key"),
    ("audit.seal", "a seal under the ledger"),
    (
        "staff.link",
        "an account at the identity provider tied to a member of staff",
    ),
    ("staff.unlink", "such a tie undone"),
    ("Appointment.cancel", "an appointment called off"),
];

/// Reason (the part before a colon), what it means, what to do.
const REASONS: &[(&str, &str, &str)] = &[
    (
        "unknown-app",
        "The client_id is not registered here, or redirect_uri is not, letter by letter, one of the addresses registered for that app. Nothing was sent to that address, because it cannot be trusted.",
        "Compare both with what anteroom client list shows. A slash at the end, another port or http instead of https already makes another address.",
    ),
    (
        "unknown-user",
        "Nobody in this practice's portal has that user name. The person read the same sentence as for a wrong password.",
        "Ask which user name was typed; OpenEMR shows the right one in the patient's chart under Portal.",
    ),
    (
        "wrong-password",
        "The user name exists and the password was not the one OpenEMR holds.",
        "If the person is sure, set a new password in OpenEMR; the next login then asks for an own one.",
    ),
    (
        "wrong-email",
        "User name and password were right, but the practice also asks for the e-mail and it was not the one in the chart.",
        "Compare the chart's e-mail with what the person types.",
    ),
    (
        "portal-not-allowed",
        "The chart does not allow the portal (Allow Patient Portal is not YES).",
        "Set it in the chart's demographics, if the patient may use it.",
    ),
    (
        "apps-prevented",
        "The chart does not allow apps (Prevent API Access is set).",
        "Clear it in the chart's demographics, if the patient wants to use apps.",
    ),
    (
        "locked",
        "Staff locked this account at the desk.",
        "Unlock it on the patient's page at the desk, if the reason for it is gone.",
    ),
    (
        "not-yet-let-in",
        "The person registered and has not confirmed the address, or staff have not let them in yet.",
        "Look at the registrations at the desk, or enable the patient's access by hand.",
    ),
    (
        "reset-pending",
        "A reset or activation of this account is under way in OpenEMR and has to be finished there first.",
        "Let the patient finish it with the message OpenEMR sent, or set new credentials in the chart.",
    ),
    (
        "odd-status",
        "The account has a status that OpenEMR does not use, so it is not let in.",
        "Set new credentials for the portal in the chart; that repairs the status.",
    ),
    (
        "throttled",
        "There were too many wrong tries for this account or from this network, so the password was not even looked at.",
        "Wait as long as the page says. Many of these for many accounts are somebody guessing: look where they come from.",
    ),
    (
        "inactive",
        "The account exists in OpenEMR and is not active.",
        "Make it active in OpenEMR's user administration, if this person works here.",
    ),
    (
        "identity-provider",
        "The login at the practice's identity provider did not lead in; the word after the colon says why.",
        "unknown: nobody in OpenEMR has that user name or e-mail. inactive: the account is switched off there. Otherwise compare the provider's settings with those of Anteroom (staff_idp).",
    ),
    (
        "access_denied",
        "The person said no, or left nothing ticked. The app was told access_denied.",
        "Nothing is broken. The app can ask again.",
    ),
    (
        "invalid_request",
        "A parameter was missing, came twice or had the wrong form; the words after the colon name it.",
        "The app's developer has to change the request; the page /developers shows one that works.",
    ),
    (
        "invalid_client",
        "The app could not show that it is the one it claims to be: an unknown client_id, a wrong secret, or a signed assertion that does not hold.",
        "Check that it is registered, let in and not shut out (anteroom client list), and that it authenticates the way it was registered for.",
    ),
    (
        "invalid_grant",
        "The code or refresh token is not, or no longer, good: used before, too old, another app's, revoked, or its user's access has ended.",
        "The app has to launch again. If it happens to all its users, look at what the words after the colon say: redirect_uri and code_verifier have to be those of the authorization request.",
    ),
    (
        "invalid_scope",
        "The scopes asked for are not offered, not registered for this app, or more than was granted.",
        "Compare them with anteroom client list; register the app with those it needs.",
    ),
    (
        "unauthorized_client",
        "The app is registered for another way of getting tokens.",
        "Register it as the kind it is: public, confidential, asymmetric or backend.",
    ),
    (
        "unsupported_grant_type",
        "grant_type is not one that this server has.",
        "Use authorization_code, refresh_token or, for backend services, client_credentials.",
    ),
    (
        "unsupported_response_type",
        "response_type is not code. Tokens are never sent through the browser.",
        "The app has to use the authorization code flow with PKCE.",
    ),
    (
        "request_not_supported",
        "The app sent its request as a signed object, which this server does not read.",
        "Send the parameters plainly.",
    ),
    (
        "request_uri_not_supported",
        "The app named an address to fetch the request from; nothing is fetched.",
        "Send the parameters plainly.",
    ),
    (
        "registration_not_supported",
        "The app tried to describe itself in the request.",
        "Register it first.",
    ),
    (
        "login_required",
        "The app asked with prompt=none, and nobody is logged in here in that browser.",
        "Nothing is broken: the app has to ask again without prompt=none.",
    ),
    (
        "consent_required",
        "The app asked with prompt=none for something the user has not allowed yet.",
        "Nothing is broken: the app has to ask again without prompt=none.",
    ),
    (
        "interaction_required",
        "The app asked with prompt=none, and a page has to be shown first.",
        "Nothing is broken: the app has to ask again without prompt=none.",
    ),
    (
        "temporarily_unavailable",
        "The database or another part was away for a moment.",
        "The app may try again. If it goes on, run anteroom check.",
    ),
    (
        "server_error",
        "Something broke. The server's log has a line with this number that says what.",
        "Look it up there; run anteroom check.",
    ),
    (
        "code-replay",
        "An authorization code came a second time. Somebody may have copied it, so everything that came from it was ended.",
        "One honest reason is an app that sends its token request twice; it has to launch again and its developer should know. Otherwise the code was stolen on its way through the browser.",
    ),
    (
        "refresh-reuse",
        "A refresh token came again after it had been exchanged. Of the two who have it one is not the app, so everything that came from it was ended.",
        "The user has to allow the app again. One honest reason is an app that runs twice with the same token or loses the new one.",
    ),
    (
        "by-patient",
        "The patient did this on the page of their own apps.",
        "Nothing to do.",
    ),
    (
        "by-staff",
        "A member of staff did this to an app they had allowed themselves, on the page of their own apps.",
        "Nothing to do.",
    ),
    (
        "not offered",
        "It was allowed, without the scopes named after the colon: the server does not have them or the app is not registered for them.",
        "If the app needs them and they exist here, register it with them.",
    ),
    (
        "verified",
        "The practice vouches for the app: users read no warning.",
        "Nothing to do.",
    ),
];

/// What was asked for, in a few words.
pub(super) fn action(action: &str) -> String {
    if let Some((_, words)) = ACTIONS.iter().find(|(known, _)| *known == action) {
        return (*words).to_owned();
    }
    match action.split_once('.') {
        Some((kind, "read")) => format!("one {kind}, read"),
        Some((kind, "search")) => format!("a search for {kind}"),
        _ => String::new(),
    }
}

/// What the line means and what to do: one paragraph.
pub(super) fn of(line: &Line) -> String {
    let word = line.reason.split(':').next().unwrap_or_default();
    if let Some((_, means, advice)) = REASONS.iter().find(|(known, ..)| *known == word) {
        return format!("{means} {advice}");
    }
    let broken: Vec<&str> = line
        .reason
        .split(' ')
        .filter_map(|id| rules::CANCEL.iter().find(|rule| rule.id == id))
        .map(|rule| rule.about)
        .collect();
    if !broken.is_empty() {
        return format!(
            "The practice's own rules said no, and the patient read why. What has to hold: {} anteroom rules lists every rule with the setting behind it.",
            broken.join(" ")
        );
    }
    match line.outcome.as_str() {
        "success" => "It was done as asked. Nothing to do.".to_owned(),
        "failed" => "Something broke, and nothing was changed. The server's log has a line with this number that says what; anteroom check looks at the usual causes.".to_owned(),
        _ if line.reason.is_empty() => "It was refused because this user or app may not do it.".to_owned(),
        _ => "It was refused for the reason above.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_reason(outcome: &str, reason: &str) -> String {
        of(&Line {
            at: 0,
            action: "x".to_owned(),
            outcome: outcome.to_owned(),
            reason: reason.to_owned(),
            actor: String::new(),
            client_id: String::new(),
            client_name: None,
            grant_id: String::new(),
            resource: String::new(),
        })
    }

    #[test]
    fn each_reason_is_known_once_and_says_what_to_do() {
        for (index, (word, means, advice)) in REASONS.iter().enumerate() {
            let again = REASONS.iter().skip(index + 1);
            assert!(again.clone().all(|(other, ..)| other != word), "{word}");
            assert!(means.ends_with('.') && advice.ends_with('.'), "{word}");
        }
    }

    #[test]
    fn reasons_with_words_behind_and_rules_are_found() {
        assert!(of_reason("refused", "invalid_grant: whatever").contains("launch again"));
        assert!(of_reason("success", "not offered: user/*.rs").contains("without the scopes"));
        let rules = of_reason("refused", "portal-disabled cancel.off");
        assert!(rules.contains("The patient portal is switched on."));
        assert!(rules.contains("offers appointments in the portal"));
        assert!(of_reason("success", "").contains("Nothing to do"));
        assert!(of_reason("failed", "").contains("broke"));
    }

    #[test]
    fn every_reason_this_server_writes_is_explained() {
        let written = [
            (include_str!("../../auth/login.rs"), "Self::"),
            (include_str!("../../auth/staff_login.rs"), "Self::"),
        ];
        let mut found = 0;
        for (source, start) in written {
            let words = source
                .lines()
                .filter(|row| row.trim_start().starts_with(start))
                .filter_map(|row| row.split_once("=> \"")?.1.split('"').next());
            for word in words {
                found += 1;
                assert!(
                    REASONS.iter().any(|(known, ..)| *known == word),
                    "{word} is written and not explained"
                );
            }
        }
        assert!(found >= 8, "{found} reasons were found");
    }
}
