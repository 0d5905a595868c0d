//! What the ledger calls `Appointment.search`, in words for whoever reads it. Each sentence is in the catalogue.

/// Actions of their own: as done, and as tried in vain.
const DEEDS: &[(&str, &str, &str)] = &[
    (
        "review.tell",
        "A letter about a decision was sent",
        "A letter about a decision could not be sent",
    ),
    (
        "visit.tell",
        "Told by letter what became of a visit",
        "What became of a visit could not be told by letter",
    ),
    (
        "form.tablet",
        "Handed over a tablet to sign a form",
        "Tried to hand over a tablet to sign a form",
    ),
    (
        "form.open",
        "Opened a form on a tablet",
        "Tried to open a form on a tablet",
    ),
    (
        "form.tell",
        "Told by letter that there is a form",
        "That there is a form could not be told by letter",
    ),
    (
        "form.template",
        "Changed the templates of forms",
        "Tried to change the templates of forms",
    ),
    (
        "message.many",
        "Sent a message to many patients",
        "Tried to send a message to many patients",
    ),
    (
        "message.tell",
        "Told by letter that there is a message",
        "That there is a message could not be told by letter",
    ),
    ("login", "Logged in", "Tried to log in"),
    ("logout", "Logged out", "Tried to log out"),
    ("staff.login", "Logged in", "Tried to log in"),
    ("staff.logout", "Logged out", "Tried to log out"),
    (
        "staff.desk",
        "Opened the staff desk",
        "Tried to open a page of the staff desk",
    ),
    (
        "staff.link",
        "Linked an account of the identity provider",
        "Tried to link an account of the identity provider",
    ),
    (
        "staff.unlink",
        "Unlinked an account of the identity provider",
        "Tried to unlink an account of the identity provider",
    ),
    (
        "credentials.change",
        "Chose a new user name and password",
        "Tried to choose a new user name and password",
    ),
    (
        "authorize",
        "An app asked for access",
        "An app asked for access in vain",
    ),
    ("consent", "Allowed an app", "Did not allow an app"),
    (
        "launch",
        "Started an app for this record",
        "Tried to start an app",
    ),
    ("token", "An app got access", "An app tried to get access"),
    (
        "token.issue",
        "An app got access",
        "An app tried to get access",
    ),
    (
        "token.refresh",
        "An app stayed connected",
        "An app tried to stay connected",
    ),
    (
        "token.revoke",
        "An app gave its access back",
        "An app tried to give access back",
    ),
    (
        "token.introspect",
        "A server asked whether an app has access",
        "A server asked whether an app has access",
    ),
    (
        "grant.narrow",
        "Let an app do less",
        "Tried to let an app do less",
    ),
    (
        "grant.revoke",
        "Ended an app's access",
        "Tried to end an app's access",
    ),
    (
        "client.add",
        "Registered an app",
        "Tried to register an app",
    ),
    ("client.approve", "Let an app in", "Tried to let an app in"),
    (
        "client.disable",
        "Switched an app off",
        "Tried to switch an app off",
    ),
    (
        "client.renew",
        "Gave an app a new secret",
        "Tried to give an app a new secret",
    ),
    (
        "key.rotate",
        "Made a new signing key",
        "Tried to make a new signing key",
    ),
    (
        "audit.seal",
        "Sealed the ledger",
        "Tried to seal the ledger",
    ),
    (
        "audit.search",
        "Looked at the list of who did what",
        "Tried to look at the list of who did what",
    ),
    (
        "patient.search",
        "Searched for patients",
        "Tried to search for patients",
    ),
    (
        "patient.open",
        "Opened the chart",
        "Tried to open the chart",
    ),
    (
        "patient.choose",
        "Chose this record for an app",
        "Tried to choose a record for an app",
    ),
    (
        "Patient.everything",
        "Fetched the whole record",
        "Tried to fetch the whole record",
    ),
    (
        "record.export",
        "Saved a copy of the whole record",
        "Tried to save a copy of the whole record",
    ),
    (
        "Appointment.cancel",
        "Called off an appointment",
        "Tried to call off an appointment",
    ),
];

/// The last word of an action: as done, and as tried in vain.
const VERBS: [(&str, &str, &str); 19] = [
    ("sign", "Signed a form: {}", "Tried to sign a form: {}"),
    (
        "fill",
        "Filled in a form: {}",
        "Tried to fill in a form: {}",
    ),
    ("read", "Looked at: {}", "Tried to look at: {}"),
    ("vread", "Looked at: {}", "Tried to look at: {}"),
    (
        "history",
        "Looked at earlier versions of: {}",
        "Tried to look at earlier versions of: {}",
    ),
    ("search", "Looked through: {}", "Tried to look through: {}"),
    ("docref", "Looked through: {}", "Tried to look through: {}"),
    ("expand", "Looked through: {}", "Tried to look through: {}"),
    ("validate", "Checked: {}", "Tried to check: {}"),
    ("create", "Added: {}", "Tried to add: {}"),
    ("update", "Changed: {}", "Tried to change: {}"),
    ("patch", "Changed: {}", "Tried to change: {}"),
    ("delete", "Removed: {}", "Tried to remove: {}"),
    ("cancel", "Called off: {}", "Tried to call off: {}"),
    (
        "find",
        "Looked for free time: {}",
        "Tried to look for free time: {}",
    ),
    ("hold", "Kept a time: {}", "Tried to keep a time: {}"),
    (
        "share",
        "Shared with the patient: {}",
        "Tried to share with the patient: {}",
    ),
    (
        "unshare",
        "Took back from the patient: {}",
        "Tried to take back from the patient: {}",
    ),
    (
        "accept",
        "Agreed to a time: {}",
        "Tried to agree to a time: {}",
    ),
];

const NOUNS: [(&str, &str); 21] = [
    ("Patient", "personal details"),
    ("RelatedPerson", "relatives and contacts"),
    ("Coverage", "insurance"),
    ("Appointment", "appointments"),
    ("Schedule", "calendars"),
    ("Slot", "free times"),
    ("Encounter", "past visits"),
    ("Communication", "messages"),
    ("DocumentReference", "the list of documents"),
    ("Binary", "the content of a document"),
    ("Practitioner", "clinicians"),
    ("PractitionerRole", "clinicians"),
    ("Organization", "the practice"),
    ("Location", "places of the practice"),
    ("Endpoint", "addresses of the practice"),
    ("Task", "requests that wait for the practice"),
    ("Questionnaire", "forms of the practice"),
    ("Provenance", "who wrote the record"),
    ("AuditEvent", "the list of who did what"),
    ("Group", "groups of patients"),
    ("ValueSet", "lists of codes"),
];

/// What was done, or tried where it did not succeed.
pub fn words(action: &str, done: bool) -> String {
    if let Some((_, well, vain)) = DEEDS.iter().find(|(known, ..)| *known == action) {
        let words = if done { well } else { vain };
        return (*words).to_owned();
    }
    let parts = action.split_once('.');
    let found = parts.and_then(|(kind, verb)| {
        let (_, well, vain) = VERBS.iter().find(|(known, ..)| *known == verb)?;
        let noun = NOUNS.iter().find(|(known, _)| *known == kind);
        let noun = noun.map_or(kind, |(_, noun)| noun);
        let words = if done { well } else { vain };
        Some(words.replace("{}", noun))
    });
    found.unwrap_or_else(|| format!("Something else ({action})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words;

    #[test]
    fn every_deed_has_its_words_in_both_languages() {
        for (action, well, vain) in DEEDS {
            assert!(words::knows(well), "{well}");
            assert!(words::knows(vain), "{vain}");
            assert_eq!(super::words(action, true), *well);
        }
        for (verb, well, vain) in VERBS {
            assert!(words::knows(well) && words::knows(vain), "{verb}");
        }
        for (kind, noun) in NOUNS {
            assert!(words::knows(noun), "{noun}");
            let said = super::words(&format!("{kind}.search"), false);
            assert_eq!(said, format!("Tried to look through: {noun}"));
        }
        assert_eq!(super::words("odd", true), "Something else (odd)");
    }
}
