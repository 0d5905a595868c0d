//! Scopes of SMART App Launch 2.2, section "Scopes and launch context": v2 with `cruds` and a granular
//! `?category=`, v1 `.read`, `.write`, `.*`, and the few words beside them.

use crate::domain::ResourceType;

/// What may be done with a resource, one SMART letter each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Interaction {
    /// `c`
    Create,
    /// `r`: read, vread, instance history.
    Read,
    /// `u`: update and patch.
    Update,
    /// `d`
    Delete,
    /// `s`: type search and history.
    Search,
}

impl Interaction {
    /// SMART's letters in SMART's order.
    pub const LETTERS: [(char, Self); 5] = [
        ('c', Self::Create),
        ('r', Self::Read),
        ('u', Self::Update),
        ('d', Self::Delete),
        ('s', Self::Search),
    ];
}

/// Whose data a scope is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// The one patient in context.
    Patient,
    /// Whatever the user may see.
    User,
    /// Whatever the client was given.
    System,
}

/// A token search value as FHIR writes it: `code` or `system|code`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Token {
    /// The system, where the value had a `|`; empty for `|code`.
    pub system: Option<String>,
    /// The code.
    pub code: String,
}

impl Token {
    /// Reads `code`, `|code` or `system|code`.
    pub fn of(text: &str) -> Self {
        match text.rsplit_once('|') {
            Some((system, code)) => Self {
                system: Some(system.to_owned()),
                code: code.to_owned(),
            },
            None => Self {
                system: None,
                code: text.to_owned(),
            },
        }
    }
}

/// A scope that opens resources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceScope {
    /// Whose data.
    pub level: Level,
    /// Which type; `None` is `*`.
    pub resource: Option<ResourceType>,
    /// What may be done.
    pub interactions: Vec<Interaction>,
    /// The granular part: only resources in this category.
    pub category: Option<Token>,
}

/// One word of a scope string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// `openid`: an id token.
    OpenId,
    /// `fhirUser` (or the older `profile`): who the user is, as a FHIR resource.
    FhirUser,
    /// `launch/patient`: a patient in context.
    LaunchPatient,
    /// `offline_access`: a refresh token.
    OfflineAccess,
    /// Resources.
    Resource(ResourceScope),
}

/// One scope: what it means and how the client spelled it, which is how it is echoed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// What it means.
    pub word: Word,
    /// As the client wrote it.
    pub spelling: String,
}

impl Scope {
    /// Reads one scope; `None` for anything this server does not offer, which is dropped, never guessed.
    pub fn of(spelling: &str) -> Option<Self> {
        let word = match spelling {
            "openid" => Word::OpenId,
            "fhirUser" | "profile" => Word::FhirUser,
            "launch/patient" => Word::LaunchPatient,
            "offline_access" => Word::OfflineAccess,
            other => Word::Resource(resource_scope(other)?),
        };
        Some(Self {
            word,
            spelling: spelling.to_owned(),
        })
    }

    /// Reads a scope string, dropping what is unknown and what is said twice, keeping the order.
    pub fn list(text: &str) -> Vec<Self> {
        let mut scopes: Vec<Self> = Vec::new();
        for spelling in text.split(' ').filter(|word| !word.is_empty()) {
            if scopes.iter().all(|known| known.spelling != spelling) {
                scopes.extend(Self::of(spelling));
            }
        }
        scopes
    }

    /// Writes scopes as one string, each as the client spelled it.
    pub fn join(scopes: &[Self]) -> String {
        let words: Vec<&str> = scopes.iter().map(|scope| scope.spelling.as_str()).collect();
        words.join(" ")
    }

    /// Whether a client registered for this scope may be granted `other`: the same word, or a resource scope
    /// that opens no more than this one does.
    pub fn covers(&self, other: &Self) -> bool {
        match (&self.word, &other.word) {
            (Word::Resource(mine), Word::Resource(theirs)) => {
                mine.level == theirs.level
                    && (mine.resource.is_none() || mine.resource == theirs.resource)
                    && (mine.category.is_none() || mine.category == theirs.category)
                    && theirs
                        .interactions
                        .iter()
                        .all(|letter| mine.interactions.contains(letter))
            }
            (mine, theirs) => mine == theirs,
        }
    }
}

/// `(patient|user|system)/(Type|*).letters[?category=token]`.
fn resource_scope(text: &str) -> Option<ResourceScope> {
    let (level, rest) = text.split_once('/')?;
    let level = match level {
        "patient" => Level::Patient,
        "user" => Level::User,
        "system" => Level::System,
        _ => return None,
    };
    let (kind, rest) = rest.split_once('.')?;
    let resource = match kind {
        "*" => None,
        name => Some(ResourceType::of(name)?),
    };
    let (letters, filter) = match rest.split_once('?') {
        Some((letters, filter)) => (letters, Some(filter)),
        None => (rest, None),
    };
    let category = match filter {
        Some(filter) => Some(granular(resource?, filter)?),
        None => None,
    };
    Some(ResourceScope {
        level,
        resource,
        interactions: interactions(letters)?,
        category,
    })
}

/// The only granular parameter offered, on the types that have a category.
/// Chains, modifiers and includes are refused (security list, case 16).
fn granular(resource: ResourceType, filter: &str) -> Option<Token> {
    let has_category = matches!(
        resource,
        ResourceType::DocumentReference | ResourceType::Communication
    );
    let value = filter.strip_prefix("category=")?;
    let plain = !value.is_empty() && !value.contains(['&', ',', '=']);
    (has_category && plain).then(|| Token::of(value))
}

/// The letters, in the order c r u d s only; v1 words mean `.rs`, `.cud` and `.cruds`.
fn interactions(letters: &str) -> Option<Vec<Interaction>> {
    let letters = match letters {
        "read" => "rs",
        "write" => "cud",
        "*" => "cruds",
        other => other,
    };
    let mut rest = letters.chars().peekable();
    let mut found = Vec::new();
    for (letter, interaction) in Interaction::LETTERS {
        if rest.next_if_eq(&letter).is_some() {
            found.push(interaction);
        }
    }
    (rest.peek().is_none() && !found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(text: &str) -> Option<usize> {
        match Scope::of(text)?.word {
            Word::Resource(scope) => Some(scope.interactions.len()),
            _ => Some(0),
        }
    }

    #[test]
    fn v2_letters_come_in_order_or_not_at_all() {
        assert_eq!(letters("patient/Patient.rs"), Some(2));
        assert_eq!(letters("patient/*.cruds"), Some(5));
        assert_eq!(letters("patient/Patient.sr"), None);
        assert_eq!(letters("patient/Patient.rr"), None);
        assert_eq!(letters("patient/Patient."), None);
        assert_eq!(letters("patient/Patient.rx"), None);
    }

    #[test]
    fn v1_words_are_read() {
        assert_eq!(letters("patient/Patient.read"), Some(2));
        assert_eq!(letters("patient/Patient.write"), Some(3));
        assert_eq!(letters("patient/*.*"), Some(5));
    }

    #[test]
    fn granular_scopes_take_a_category_and_nothing_else() {
        assert!(
            Scope::of("patient/DocumentReference.rs?category=http://x|clinical-note").is_some()
        );
        for refused in [
            "patient/Patient.rs?category=x",
            "patient/DocumentReference.rs?patient=Patient/B",
            "patient/DocumentReference.rs?_include=*",
            "patient/DocumentReference.rs?category:in=x",
            "patient/DocumentReference.rs?category=a&category=b",
            "patient/*.rs?category=a",
            "patient/Observation.rs",
            "admin",
            "launch",
        ] {
            assert_eq!(Scope::of(refused), None, "{refused}");
        }
    }

    #[test]
    fn a_wider_registration_covers_a_narrower_request() {
        let covers = |mine: &str, theirs: &str| {
            let (mine, theirs) = (Scope::of(mine), Scope::of(theirs));
            mine.zip(theirs)
                .is_some_and(|(mine, theirs)| mine.covers(&theirs))
        };
        assert!(covers("patient/*.rs", "patient/Patient.r"));
        assert!(covers("patient/*.rs", "patient/Patient.read"));
        assert!(covers(
            "patient/DocumentReference.rs",
            "patient/DocumentReference.rs?category=a|b"
        ));
        assert!(!covers("patient/Patient.rs", "patient/*.rs"));
        assert!(!covers("patient/*.rs", "patient/Patient.rus"));
        assert!(!covers("patient/*.rs", "user/Patient.rs"));
        assert!(!covers("openid", "fhirUser"));
    }

    #[test]
    fn spelling_and_order_survive_and_doubles_do_not() {
        let text = "openid nonsense patient/Patient.read openid patient/Patient.rs";
        let scopes = Scope::list(text);
        assert_eq!(
            Scope::join(&scopes),
            "openid patient/Patient.read patient/Patient.rs"
        );
    }
}
