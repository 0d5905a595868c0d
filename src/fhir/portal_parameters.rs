//! Parameters of the portal's operations: what comes in is read into an ask, what goes out is put together here. Without
//! fhir-sdk: a Parameters resource is a list of named values.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use time::OffsetDateTime;
use time::UtcOffset;
use time::format_description::well_known::Rfc3339;

use crate::domain::accounts::ByHand;
use crate::domain::accounts::Delivery;
use crate::domain::credentials::Change;
use crate::domain::credentials::CredentialAsk;
use crate::domain::credentials::Name;
use crate::domain::refusal::Refusal;
use crate::fhir::inputs::Inputs;

/// Characters of a login name or password that are looked at.
const LONGEST: usize = 1024;

/// Parameters on their way out. What is empty is left out, as FHIR wants it.
#[derive(Clone, Debug, Default)]
pub struct Parameters(Vec<Value>);

impl Parameters {
    fn put(mut self, name: &str, kind: &str, value: Value) -> Self {
        if value.as_str() != Some("") {
            self.0.push(json!({ "name": name, kind: value }));
        }
        self
    }

    /// A code.
    #[must_use]
    pub fn code(self, name: &str, value: &str) -> Self {
        self.put(name, "valueCode", json!(value))
    }

    /// A text.
    #[must_use]
    pub fn text(self, name: &str, value: &str) -> Self {
        self.put(name, "valueString", json!(value.trim()))
    }

    /// An address of the web.
    #[must_use]
    pub fn url(self, name: &str, value: &str) -> Self {
        self.put(name, "valueUrl", json!(value))
    }

    /// Yes or no.
    #[must_use]
    pub fn flag(self, name: &str, value: bool) -> Self {
        self.put(name, "valueBoolean", json!(value))
    }

    /// A number.
    #[must_use]
    pub fn number(self, name: &str, value: u64) -> Self {
        self.put(name, "valueInteger", json!(value))
    }

    /// A moment, in seconds since 1970; nothing where there is none.
    #[must_use]
    pub fn moment(self, name: &str, seconds: Option<i64>) -> Self {
        let at = seconds.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
        let text = at.and_then(|at| at.to_offset(UtcOffset::UTC).format(&Rfc3339).ok());
        self.put(name, "valueDateTime", json!(text.unwrap_or_default()))
    }

    /// Parameters in one.
    #[must_use]
    pub fn part(mut self, name: &str, parts: Self) -> Self {
        if !parts.0.is_empty() {
            self.0.push(json!({ "name": name, "part": parts.0 }));
        }
        self
    }

    /// Bytes, as a Binary.
    #[must_use]
    pub fn binary(mut self, name: &str, (kind, base64): (&str, &str)) -> Self {
        let binary = json!({ "resourceType": "Binary", "contentType": kind, "data": base64 });
        self.0.push(json!({ "name": name, "resource": binary }));
        self
    }

    /// The resource as FHIR JSON.
    pub fn bytes(self) -> Vec<u8> {
        let mut resource = Map::new();
        resource.insert("resourceType".to_owned(), json!("Parameters"));
        if !self.0.is_empty() {
            resource.insert("parameter".to_owned(), Value::Array(self.0));
        }
        Value::Object(resource).to_string().into_bytes()
    }
}

/// A parameter that is true or false; absent is false.
///
/// # Errors
/// `Invalid` for anything else.
pub fn flag(inputs: &Inputs, name: &'static str) -> Result<bool, Refusal> {
    match inputs.one(name)? {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Refusal::invalid(name, "this is true or false")),
    }
}

/// A parameter that is one of these codes.
///
/// # Errors
/// `Invalid` for another one.
pub fn code<T: Copy>(
    inputs: &Inputs,
    name: &'static str,
    known: &[(&'static str, T)],
) -> Result<Option<T>, Refusal> {
    let Some(said) = inputs.one(name)? else {
        return Ok(None);
    };
    let found = known.iter().find(|(code, _)| *code == said);
    found.map(|(_, value)| Some(*value)).ok_or_else(|| {
        let codes: Vec<&str> = known.iter().map(|(code, _)| *code).collect();
        Refusal::invalid(name, format!("this is one of {}", codes.join(", ")))
    })
}

/// What `$portal-credential` is asked for.
///
/// # Errors
/// `Invalid` for a code nobody knows, for parts that do not fit each other (F084), and where a reason is missing (F087).
pub fn credential(inputs: &Inputs) -> Result<CredentialAsk, Refusal> {
    let names = [
        "deliver",
        "manual",
        "username",
        "manualPassword",
        "password",
        "rename",
        "reason",
        "mustChange",
        "resource",
    ];
    inputs.only("$portal-credential", &names)?;
    let deliver = code(inputs, "deliver", &Delivery::ALL)?.ok_or_else(|| {
        let why = "say how they reach the patient: email, print or in-person";
        Refusal::invalid("deliver", why)
    })?;
    let ask = CredentialAsk {
        deliver,
        by_hand: code(inputs, "reason", &ByHand::ALL)?,
        username: typed(inputs, "username")?,
        name: renamed(inputs)?,
        password: typed(inputs, "password")?,
        change: spared(inputs)?,
    };
    let manual = flag(inputs, "manual")?;
    let by_hand = flag(inputs, "manualPassword")?;
    fitting(&ask, (Manual(manual), Manual(by_hand)))?;
    Ok(ask)
}

/// Whether somebody ticked that it is done by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manual(pub bool);

/// Whether the parts of an ask fit each other; `all` and `password` are the two ticks.
///
/// # Errors
/// `Invalid` at the part that does not fit.
pub fn fitting(ask: &CredentialAsk, (all, password): (Manual, Manual)) -> Result<(), Refusal> {
    let typed = ask.username.is_some() || ask.password.is_some();
    if ask.deliver == Delivery::InPerson && ask.by_hand.is_none() {
        let why = "say why: no-email, mail-not-arriving or patient-in-trouble";
        return Err(Refusal::invalid("reason", why));
    }
    if ask.deliver == Delivery::Email && (typed || all.0) {
        let why =
            "by mail goes a link, with which the patient chooses both: use print or in-person";
        return Err(Refusal::invalid("deliver", why));
    }
    if typed && !all.0 {
        let why = "a username or a password is typed with manual=true only";
        return Err(Refusal::invalid("manual", why));
    }
    match (password.0, ask.password.is_some()) {
        (false, true) => {
            let why = "a password is typed with manualPassword=true only";
            Err(Refusal::invalid("manualPassword", why))
        }
        (true, false) => {
            let why = "type the password that manualPassword=true announces";
            Err(Refusal::invalid("password", why))
        }
        _ => Ok(()),
    }
}

/// What `$portal-reset` with `mode=commit` is asked for.
///
/// # Errors
/// As [`credential`].
pub fn reset(inputs: &Inputs) -> Result<CredentialAsk, Refusal> {
    Ok(CredentialAsk {
        deliver: Delivery::Print,
        by_hand: code(inputs, "reason", &ByHand::ALL)?,
        username: typed(inputs, "username")?,
        name: renamed(inputs)?,
        password: typed(inputs, "password")?,
        change: spared(inputs)?,
    })
}

fn renamed(inputs: &Inputs) -> Result<Name, Refusal> {
    Ok(match flag(inputs, "rename")? {
        true => Name::Changed,
        false => Name::Kept,
    })
}

/// `mustChange=false`, which counts where the practice leaves it to who makes the credentials.
fn spared(inputs: &Inputs) -> Result<Change, Refusal> {
    match inputs.one("mustChange")? {
        Some(_) if !flag(inputs, "mustChange")? => Ok(Change::Spared),
        _ => Ok(Change::Asked),
    }
}

fn typed(inputs: &Inputs, name: &'static str) -> Result<Option<String>, Refusal> {
    let text = inputs.one(name)?.filter(|text| !text.is_empty());
    match text {
        Some(text) if text.chars().count() > LONGEST => {
            Err(Refusal::invalid(name, "this has at most 1,024 characters"))
        }
        text => Ok(text.map(str::to_owned)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs(pairs: &[(&str, &str)]) -> Inputs {
        let pairs = pairs
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
        Inputs {
            pairs: pairs.collect(),
            resource: None,
        }
    }

    fn place(pairs: &[(&str, &str)]) -> String {
        match credential(&inputs(pairs)) {
            Err(Refusal::Invalid { location, .. }) => location,
            Err(other) => panic!("{other:?}"),
            Ok(_) => "none".to_owned(),
        }
    }

    #[test]
    fn f084_f087_the_parts_of_an_ask_have_to_fit_each_other() {
        let print = ("deliver", "print");
        let table: [(&[(&str, &str)], &str); 10] = [
            (&[], "deliver"),
            (&[("deliver", "fax")], "deliver"),
            (&[("deliver", "in-person")], "reason"),
            (&[("deliver", "in-person"), ("reason", "lazy")], "reason"),
            (&[("deliver", "email"), ("manual", "true")], "deliver"),
            (&[print, ("username", "ana")], "manual"),
            (
                &[print, ("manual", "true"), ("password", "x")],
                "manualPassword",
            ),
            (
                &[print, ("manual", "true"), ("manualPassword", "true")],
                "password",
            ),
            (&[print, ("manual", "perhaps")], "manual"),
            (&[print, ("manual", "true"), ("username", "ana")], "none"),
        ];
        for (pairs, expected) in table {
            assert_eq!(place(pairs), expected, "{pairs:?}");
        }
    }

    #[test]
    fn nothing_empty_goes_out() {
        let made = Parameters::default()
            .text("a", "")
            .moment("b", None)
            .part("c", Parameters::default())
            .moment("d", Some(0));
        let json: Value = serde_json::from_slice(&made.bytes()).expect("JSON");
        assert_eq!(
            json,
            json!({"resourceType": "Parameters", "parameter": [{"name": "d", "valueDateTime": "1970-01-01T00:00:00Z"}]})
        );
    }
}
