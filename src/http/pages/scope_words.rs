//! A scope in a patient's words: which part of the record, and what an app may do with it.

/// Scopes shown under one heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeGroup {
    /// The heading.
    pub title: &'static str,
    /// The scopes, in the order the app asked for them.
    pub scopes: Vec<ScopeChoice>,
}

/// One checkbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeChoice {
    /// The scope's own text, the checkbox's value.
    pub scope: String,
    /// A few words: what it opens.
    pub title: String,
    /// One sentence: what that means.
    pub meaning: String,
    /// True where the app cannot work without it; shown ticked and fixed.
    pub required: bool,
}

/// Sorts the asked scopes into the groups of the consent page, in plain words; empty groups are left out.
/// `required` names those the patient cannot take out.
pub fn groups(asked: &[&str], required: &[&str]) -> Vec<ScopeGroup> {
    let titles = [READ, CHANGE, STAY, SIGN_IN, OTHER];
    titles
        .into_iter()
        .map(|title| ScopeGroup {
            title,
            scopes: asked
                .iter()
                .map(|scope| (*scope, describe(scope)))
                .filter(|(_, words)| words.group == title)
                .map(|(scope, words)| ScopeChoice {
                    scope: scope.to_owned(),
                    title: words.title,
                    meaning: words.meaning,
                    required: required.contains(&scope),
                })
                .collect(),
        })
        .filter(|group| !group.scopes.is_empty())
        .collect()
}

const READ: &str = "Read your record";
const CHANGE: &str = "Make changes";
const STAY: &str = "Stay connected";
const SIGN_IN: &str = "Know who you are";
const OTHER: &str = "Other";

struct Words {
    group: &'static str,
    title: String,
    meaning: String,
}

/// Scope text, group, title, meaning: the scopes that name no resource.
const FIXED: &[(&str, &str, &str, &str)] = &[
    (
        "openid",
        SIGN_IN,
        "Your login",
        "The app learns that it is you, under an identifier, not your password.",
    ),
    (
        "fhirUser",
        SIGN_IN,
        "Your place in the record",
        "The app learns which patient record belongs to you.",
    ),
    (
        "profile",
        SIGN_IN,
        "Your name",
        "The app learns the name on your account.",
    ),
    (
        "launch/patient",
        SIGN_IN,
        "Your own record",
        "The app opens your record and nobody else's.",
    ),
    (
        "launch",
        SIGN_IN,
        "Where you started",
        "The app learns from where you opened it.",
    ),
    (
        "offline_access",
        STAY,
        "Stay connected when you are away",
        "The app may come back later without asking you to log in.",
    ),
    (
        "online_access",
        STAY,
        "Stay connected while you are here",
        "The app keeps working until you log out.",
    ),
];

/// Resource type, title, what its records hold.
const RESOURCES: &[(&str, &str, &str)] = &[
    (
        "Patient",
        "Your details",
        "your name, birth date, address, phone and email",
    ),
    (
        "Appointment",
        "Your appointments",
        "your visits: the time, place and status",
    ),
    (
        "Communication",
        "Your messages",
        "the messages between you and the practice",
    ),
    (
        "DocumentReference",
        "Your documents: the list",
        "the names, dates and kinds of your documents",
    ),
    (
        "Binary",
        "Your documents: the files",
        "the content of your documents",
    ),
    (
        "Practitioner",
        "Your clinicians",
        "the names of the people who treat you",
    ),
    (
        "Organization",
        "The practice",
        "the name and contact details of the practice",
    ),
    ("Location", "Places", "the addresses where you are seen"),
    (
        "*",
        "Everything in your record",
        "all parts of your record that the practice shares",
    ),
];

fn describe(scope: &str) -> Words {
    if let Some((_, group, title, meaning)) = FIXED.iter().find(|row| row.0 == scope) {
        return Words {
            group,
            title: (*title).to_owned(),
            meaning: (*meaning).to_owned(),
        };
    }
    let Some(("patient", rest)) = scope.split_once('/') else {
        return plain(scope);
    };
    // SMART 2.2, 3.0.2.3: a query part narrows the scope to some records of the type.
    let (path, narrowed) = match rest.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (rest, None),
    };
    let Some((kind, letters)) = path.split_once('.') else {
        return plain(scope);
    };
    let (title, holds) = match RESOURCES.iter().find(|row| row.0 == kind) {
        Some((_, title, holds)) => ((*title).to_owned(), (*holds).to_owned()),
        None => (
            format!("{kind} records"),
            format!("the parts of your record named {kind}"),
        ),
    };
    let only = match narrowed {
        Some(query) => format!(" Only those where {query}."),
        None => String::new(),
    };
    let verbs = change_verbs(kind, letters);
    if verbs.is_empty() {
        Words {
            group: READ,
            title,
            meaning: format!("The app may read {holds}.{only}"),
        }
    } else {
        let reads = if reads(letters) { "read and " } else { "" };
        Words {
            group: CHANGE,
            title,
            meaning: format!("The app may {reads}{verbs} {holds}.{}{only}", limit(kind)),
        }
    }
}

fn plain(scope: &str) -> Words {
    Words {
        group: OTHER,
        title: scope.to_owned(),
        meaning:
            "The app asks for this by its technical name. Ask the practice if you are not sure."
                .to_owned(),
    }
}

fn reads(letters: &str) -> bool {
    matches!(letters, "read" | "*") || letters.contains(['r', 's']) && letters != "write"
}

/// What a scope's letters let an app do beside reading; v1 words and v2 letters.
fn change_verbs(kind: &str, letters: &str) -> String {
    let letters = match letters {
        "read" => "rs",
        "write" => "cud",
        "*" => "cruds",
        other => other,
    };
    let update = if kind == "Appointment" {
        "cancel"
    } else {
        "change"
    };
    let verbs: Vec<&str> = [('c', "add to"), ('u', update), ('d', "delete")]
        .into_iter()
        .filter(|(letter, _)| letters.contains(*letter))
        .map(|(_, verb)| verb)
        .collect();
    verbs.join(", ")
}

/// The sentence that says where a change ends.
fn limit(kind: &str) -> &'static str {
    match kind {
        "Appointment" => " The practice's own rules still apply.",
        _ => " The practice may check a change first.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(scope: &str, group: &str, meaning: &str) {
        let words = describe(scope);
        assert_eq!(
            (words.group, words.meaning.as_str()),
            (group, meaning),
            "{scope}"
        );
    }

    #[test]
    fn a_scope_reads_as_a_sentence() {
        check(
            "patient/Binary.r",
            READ,
            "The app may read the content of your documents.",
        );
        check(
            "patient/Binary.read",
            READ,
            "The app may read the content of your documents.",
        );
        check(
            "patient/Appointment.rus",
            CHANGE,
            "The app may read and cancel your visits: the time, place and status. The practice's own rules still apply.",
        );
        check(
            "patient/Communication.c",
            CHANGE,
            "The app may add to the messages between you and the practice. The practice may check a change first.",
        );
        check(
            "patient/DocumentReference.rs?category=note",
            READ,
            "The app may read the names, dates and kinds of your documents. Only those where category=note.",
        );
        check(
            "patient/Goal.rs",
            READ,
            "The app may read the parts of your record named Goal.",
        );
    }

    #[test]
    fn groups_keep_every_scope_once() {
        let asked = [
            "offline_access",
            "openid",
            "patient/Patient.rs",
            "patient/*.cruds",
            "site:x",
        ];
        let groups = groups(&asked, &["openid"]);
        let mut shown: Vec<&str> = groups
            .iter()
            .flat_map(|group| group.scopes.iter().map(|choice| choice.scope.as_str()))
            .collect();
        shown.sort_unstable();
        let mut expected = asked.to_vec();
        expected.sort_unstable();
        assert_eq!(shown, expected);
        assert_eq!(groups[0].title, READ);
        let fixed: Vec<&str> = groups
            .iter()
            .flat_map(|group| &group.scopes)
            .filter(|choice| choice.required)
            .map(|choice| choice.scope.as_str())
            .collect();
        assert_eq!(fixed, ["openid"]);
    }
}
