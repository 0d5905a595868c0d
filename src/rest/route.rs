//! A request without HTTP: which interaction an address below the base means. Entries of Bundles and requests of their
//! own that read, search or run an operation go through here.

use crate::domain::ResourceType;
use crate::domain::access::User;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::emr;
use crate::fhir;
use crate::fhir::inputs::Inputs;
use crate::fhir::search::Handling;
use crate::fhir::subset;
use crate::fhir::subset::Subset;
use crate::rest::Answered;
use crate::rest::Rest;
use crate::rest::docref;
use crate::rest::everything;
use crate::rest::history;
use crate::rest::read;
use crate::rest::read::Known;
use crate::rest::scheduling;
use crate::rest::search;
use crate::rest::terminology;
use crate::rest::validate;

/// The longest address, as of a URL.
const LONGEST: usize = 8 * 1024;

/// Operations on Appointment that write.
pub const BOOKS: [&str; 2] = ["$hold", "$book"];

/// The operation that signs a form.
pub const SIGN: &str = "$sign";

/// The parts of an address.
pub type Path<'a> = &'a [&'a str];

/// What a request says beside its address.
#[derive(Clone, Debug)]
pub struct Conditions {
    /// What the caller has already.
    pub known: Known,
    /// What becomes of parameters nobody knows.
    pub handling: Handling,
}

/// An address taken apart: its path below the base, and its pairs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    path: Vec<String>,
    /// The pairs of the query.
    pub pairs: Vec<(String, String)>,
}

impl Address {
    /// Reads an address that is relative to the base, with or without a slash before it, or absolute on it.
    ///
    /// # Errors
    /// `Invalid` for one on another server, with a fragment, or with parts that no address here has; `TooLarge` over 8 KiB.
    pub fn read(text: &str, base: &fhir::Base) -> Result<Self, Refusal> {
        if text.len() > LONGEST {
            return Err(Refusal::TooLarge("The URL is over 8 KiB."));
        }
        let wrong = || {
            let why = "this is an address below the base of this server, such as Patient/[id]";
            Refusal::invalid("request.url", why)
        };
        let local = match text.strip_prefix(base.url()) {
            Some(rest) => rest.strip_prefix('/').ok_or_else(wrong)?,
            None => text.strip_prefix('/').unwrap_or(text),
        };
        let (path, query) = local.split_once('?').unwrap_or((local, ""));
        let usual = |part: &str| {
            let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-._$".contains(&byte);
            !part.is_empty() && part != ".." && part.bytes().all(letter)
        };
        let path: Vec<String> = path.split('/').map(str::to_owned).collect();
        if path.len() > 4 || query.contains('#') || !path.iter().all(|part| usual(part)) {
            return Err(wrong());
        }
        let pairs = form_urlencoded::parse(query.as_bytes());
        Ok(Self {
            path,
            pairs: pairs.into_owned().collect(),
        })
    }

    /// Its parts.
    pub fn path(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }

    /// Whether it ends in an operation.
    pub fn is_operation(&self) -> bool {
        self.path.last().is_some_and(|last| last.starts_with('$'))
    }
}

/// What `GET` of an address is answered with.
///
/// # Errors
/// `NotFound` for an address that names nothing, otherwise as the interaction.
pub async fn get(
    rest: &Rest<'_>,
    path: Path<'_>,
    pairs: &[(String, String)],
    conditions: &Conditions,
) -> Answer<Answered> {
    if path.last().is_some_and(|last| last.starts_with('$')) {
        let inputs = Inputs {
            pairs: pairs.to_vec(),
            resource: None,
        };
        return operation(rest, path, (Verb::Get, inputs)).await;
    }
    match *path {
        ["_history"] | [_, "_history"] => Err(histories(rest).into()),
        [kind] => search::search(rest, known(kind)?, pairs, conditions.handling).await,
        ["Binary", id] => binary(rest, id).await,
        [kind, id] => {
            let subset = Subset::asked(pairs)?;
            read::read(rest, (known(kind)?, id), (&subset, &conditions.known)).await
        }
        [kind, id, "_history"] => history::instance(rest, (known(kind)?, id), pairs).await,
        [kind, id, "_history", version] => {
            let mut answer = read::vread(rest, (known(kind)?, id), version).await?;
            answer.body = subset::apply(answer.body, &Subset::asked(pairs)?);
            Ok(answer)
        }
        _ => Err(Refusal::NotFound.into()),
    }
}

/// What changed for anybody is nobody's to see here, and least of all a patient's.
fn histories(rest: &Rest<'_>) -> Refusal {
    match rest.grant.user() {
        User::Patient(_) => Refusal::Forbidden("The history of one record is at its own address."),
        User::Staff(_) | User::System => Refusal::NoMethod,
    }
}

/// A document as FHIR JSON: the only form that has a place in a Bundle.
async fn binary(rest: &Rest<'_>, id: &str) -> Answer<Answered> {
    let reach = rest.grant.reach(ResourceType::Binary, Interaction::Read)?;
    let id = id.parse().map_err(|_| Refusal::NotFound)?;
    let content = emr::content(rest.emr, &reach, id).await?;
    let mut answered = Answered::found(fhir::binary::encode(&content)?);
    answered.last_updated = content.last_updated;
    let mut note = rest.entry("Binary.read".to_owned(), format!("Binary/{id}"));
    note.patient = reach.patient().map(|person| person.uuid).or(note.patient);
    answered.notes.push(note);
    Ok(answered)
}

/// How an operation is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// With primitives in the query.
    Get,
    /// With a body.
    Post,
}

/// What an operation is answered with. None of them writes.
///
/// # Errors
/// `NotFound` for an operation that is not declared for the type, `NoMethod` for a GET of one that takes a resource,
/// otherwise as the operation.
pub async fn operation(
    rest: &Rest<'_>,
    path: Path<'_>,
    (verb, inputs): (Verb, Inputs),
) -> Answer<Answered> {
    let (kind, id, name) = declared(path).ok_or(Refusal::NotFound)?;
    match (name, id, verb) {
        // They answer with a password, or change what the rest of a Bundle may do.
        (name, ..) if name.starts_with("$portal-") || BOOKS.contains(&name) || name == SIGN => {
            let why = "Send this operation as a request of its own, not in a Bundle.";
            Err(Refusal::Unsupported(why.to_owned()).into())
        }
        ("$everything", Some(id), _) => everything::everything(rest, id, &inputs).await,
        ("$find", None, _) => scheduling::find(rest, &inputs).await,
        ("$docref", None, _) => docref::docref(rest, &inputs).await,
        ("$expand", id, _) => terminology::expand(rest, id, &inputs.pairs).await,
        ("$validate", id, Verb::Post) => validate::validate(rest, (kind, id), &inputs).await,
        ("$validate", _, Verb::Get) => Err(Refusal::NoMethod.into()),
        _ => Err(Refusal::NotFound.into()),
    }
}

/// The operation of an address: its type, the id of its record, and its name. It is there where the type declares it, by
/// the same list the CapabilityStatement is made of, and where it is of that level. There is none on the whole system.
pub fn declared<'a>(path: Path<'a>) -> Option<(ResourceType, Option<&'a str>, &'a str)> {
    let (kind, id, name) = match *path {
        [kind, name] => (kind, None, name),
        [kind, id, name] => (kind, Some(id), name),
        _ => return None,
    };
    let kind = ResourceType::of(kind)?;
    let bare = name.strip_prefix('$')?;
    let mut known = fhir::served(kind)?.operations.iter();
    let level = match bare {
        "everything" | "sign" => id.is_some(),
        "docref" | "find" => id.is_none(),
        "portal-reset" | "portal-invite" => true,
        portal if portal.starts_with("portal-") => id.is_some(),
        _ => true,
    };
    (level && known.any(|(known, _)| *known == bare)).then_some((kind, id, name))
}

/// Whether an operation takes a resource as its body.
pub fn takes_resource(path: Path<'_>) -> bool {
    path.last() == Some(&"$validate")
}

/// The type of that name; an unknown one is like an unknown path.
fn known(kind: &str) -> Result<ResourceType, Refusal> {
    ResourceType::of(kind).ok_or(Refusal::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Address, Refusal> {
        Address::read(text, &fhir::Base::new("http://x.org/fhir"))
    }

    #[test]
    fn an_address_is_relative_or_below_our_base() {
        for text in [
            "Patient/7?_elements=id&_elements=name",
            "/Patient/7?_elements=id&_elements=name",
            "http://x.org/fhir/Patient/7?_elements=id&_elements=name",
        ] {
            let found = read(text).expect(text);
            assert_eq!(found.path(), ["Patient", "7"], "{text}");
            assert_eq!(found.pairs.len(), 2, "{text}");
        }
        assert!(read("Patient/7/$everything").expect("one").is_operation());
        assert!(!read("Patient?name=$x").expect("one").is_operation());
    }

    #[test]
    fn case_139_no_other_address_is_taken() {
        for text in [
            "",
            "/",
            "http://x.org/fhir",
            "http://x.org/fhir2/Patient/7",
            "http://y.org/fhir/Patient/7",
            "//y.org/Patient/7",
            "Patient//7",
            "Patient/../Task/7",
            "Patient/%2e%2e/7",
            "Patient/7#x",
            "Patient/7/_history/1/2",
            "urn:uuid:7",
        ] {
            assert!(matches!(read(text), Err(Refusal::Invalid { .. })), "{text}");
        }
        let long = format!("Patient?name={}", "x".repeat(9_000));
        assert!(matches!(read(&long), Err(Refusal::TooLarge(_))));
    }
}
