//! Scopes of SMART App Launch 2.2, section "Scopes and launch context": v2 with `cruds` and granular
//! `?param=value`, v1 `.read`, `.write`, `.*`, and the few words beside them.

use crate::domain::ResourceType;
use crate::domain::query::Field;

/// The parameters a granular scope may name: token parameters the search of that type knows.
const GRANULAR: [(ResourceType, &str, Field); 6] = [
    (ResourceType::Appointment, "status", Field::Status),
    (ResourceType::Communication, "category", Field::Category),
    (ResourceType::Communication, "status", Field::Status),
    (ResourceType::DocumentReference, "category", Field::Category),
    (ResourceType::DocumentReference, "type", Field::Type),
    (ResourceType::DocumentReference, "status", Field::Status),
];

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

/// One `param=value` of a granular scope.
pub type Restriction = (Field, Token);

/// A scope that opens resources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceScope {
    /// Whose data.
    pub level: Level,
    /// Which type; `None` is `*`.
    pub resource: Option<ResourceType>,
    /// What may be done.
    pub interactions: Vec<Interaction>,
    /// The granular part: only resources for which all of these hold.
    pub filters: Vec<Restriction>,
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
    /// `launch`: the context the EHR launched the app with.
    Launch,
    /// `offline_access`: a refresh token.
    OfflineAccess,
    /// `online_access`: a refresh token that works while the user stays logged in.
    OnlineAccess,
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
            "launch" => Word::Launch,
            "offline_access" => Word::OfflineAccess,
            "online_access" => Word::OnlineAccess,
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

    /// Whether a list has a word such as `openid`.
    pub fn has(scopes: &[Self], word: &Word) -> bool {
        scopes.iter().any(|scope| scope.word == *word)
    }

    /// The level of a resource scope; `None` for the words beside them.
    pub fn level(&self) -> Option<Level> {
        match &self.word {
            Word::Resource(scope) => Some(scope.level),
            _ => None,
        }
    }

    /// Whether a client registered for this scope may be granted `other`: the same word, or a resource scope
    /// that opens no more than this one does.
    pub fn covers(&self, other: &Self) -> bool {
        match (&self.word, &other.word) {
            (Word::Resource(mine), Word::Resource(theirs)) => {
                mine.level == theirs.level
                    && (mine.resource.is_none() || mine.resource == theirs.resource)
                    && mine
                        .filters
                        .iter()
                        .all(|filter| theirs.filters.contains(filter))
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
    let filters = match filter {
        Some(filter) => granular(resource?, filter)?,
        None => Vec::new(),
    };
    Some(ResourceScope {
        level,
        resource,
        interactions: interactions(letters)?,
        filters,
    })
}

/// `param=value[&param=value]` of the parameters in [`GRANULAR`], each once.
/// Chains, modifiers and includes are refused (security list, case 16).
fn granular(resource: ResourceType, filter: &str) -> Option<Vec<Restriction>> {
    let mut found: Vec<Restriction> = Vec::new();
    for pair in filter.split('&') {
        let (name, value) = pair.split_once('=')?;
        let (_, _, field) = GRANULAR
            .iter()
            .find(|(kind, known, _)| *kind == resource && *known == name)?;
        // An encoded comma separates alternatives as a plain one does.
        let meant = decoded(value).filter(|meant| !meant.is_empty() && !meant.contains(','))?;
        let again = found.iter().any(|(known, _)| known == field);
        if value.contains('=') || again {
            return None;
        }
        found.push((*field, Token::of(&meant)));
    }
    Some(found)
}

/// Takes the percent-encoding away (RFC 3986, 2.1), without which a value cannot have a blank; `+` is none. `None` for
/// a `%` before anything but two hexadecimal digits, and for what is not text.
fn decoded(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut parts = value.split('%');
    bytes.extend(parts.next()?.bytes());
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        let hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        bytes.push(
            u8::from_str_radix(digits, 16)
                .ok()
                .filter(|_| hexadecimal)?,
        );
        bytes.extend(rest.bytes());
    }
    let text = String::from_utf8(bytes).ok()?;
    (!text.contains(char::is_control)).then_some(text)
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
    fn granular_scopes_take_the_token_parameters_of_their_type_and_nothing_else() {
        for taken in [
            "patient/DocumentReference.rs?category=http://x|clinical-note",
            "patient/DocumentReference.rs?category=a&status=current",
            "user/Appointment.s?status=booked",
        ] {
            assert!(Scope::of(taken).is_some(), "{taken}");
        }
        for refused in [
            "patient/Patient.rs?category=x",
            "patient/DocumentReference.rs?patient=Patient/B",
            "patient/DocumentReference.rs?_include=*",
            "patient/DocumentReference.rs?category:in=x",
            "patient/DocumentReference.rs?category=a&category=b",
            "patient/*.rs?category=a",
            "patient/Observation.rs",
            "patient/Appointment.rs?category=a",
            "patient/DocumentReference.rs?category=a,b",
            "patient/DocumentReference.rs?category=a&",
            "admin",
            "launch/encounter",
        ] {
            assert_eq!(Scope::of(refused), None, "{refused}");
        }
    }

    #[test]
    fn granular_values_may_be_percent_encoded_and_keep_their_spelling() {
        let meant = |value: &str| {
            let spelling = format!("patient/DocumentReference.rs?category={value}");
            let scope = Scope::of(&spelling)?;
            assert_eq!(scope.spelling, spelling);
            match scope.word {
                Word::Resource(scope) => scope.filters.into_iter().next().map(|(_, token)| token),
                _ => None,
            }
        };
        for (value, token) in [
            ("http%3A%2F%2Fx%7CLab%20Report", "http://x|Lab Report"),
            ("http://x|caf%c3%A9", "http://x|café"),
            ("Lab+Report", "Lab+Report"),
            ("a%3Db%26c%25", "a=b&c%"),
        ] {
            assert_eq!(meant(value), Some(Token::of(token)), "{value}");
        }
        for refused in [
            "", "%", "a%2", "%zz", "%+1", "%C3", "%FF", "a%2Cb", "a%00", "%0A", "%é",
        ] {
            assert_eq!(meant(refused), None, "{refused}");
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
