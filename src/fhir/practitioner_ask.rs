//! From a Practitioner that was sent to what is asked: whether patients may write to this member of staff.

use fhir_sdk::r4b::resources::Resource;
use fhir_sdk::r4b::types::ExtensionValue;

use crate::domain::records::Record;
use crate::domain::refusal::Refusal;
use crate::fhir::ask::Sent;
use crate::fhir::practitioner::ADDRESSEE;
use crate::portal::Ask;
use crate::portal::addressee::AddresseeAsk;

/// The Ask of a Practitioner that was sent.
///
/// # Errors
/// `Invalid` where anything but the one extension stands there.
pub(super) fn of(sent: Sent<'_>) -> Result<Ask, Refusal> {
    let (Resource::Practitioner(person), Some(Record::Practitioner(before))) =
        (&sent.resource, sent.before)
    else {
        let why =
            "accounts are made in OpenEMR; of an existing one it can be said who takes messages";
        return Err(Refusal::invalid("$this", why));
    };
    let odd = || {
        let why = format!("{ADDRESSEE} stands here once, with a valueBoolean, and nothing else");
        Refusal::invalid("Practitioner.extension", why)
    };
    let [extension] = person.extension.as_slice() else {
        return Err(odd());
    };
    let bare = extension.extension.is_empty() && extension.id.is_none();
    match extension.value {
        Some(ExtensionValue::Boolean(takes)) if bare && extension.url == ADDRESSEE => {
            Ok(Ask::Addressee(AddresseeAsk {
                colleague: before.uuid,
                takes,
            }))
        }
        _ => Err(odd()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ResourceType;
    use crate::domain::people::Name;
    use crate::domain::people::Practitioner;
    use crate::fhir::ask::Role;
    use serde_json::Value;
    use serde_json::json;
    use uuid::Uuid;

    fn asked(extension: Value) -> Result<Ask, Refusal> {
        let before = Record::Practitioner(Box::new(Practitioner {
            uuid: Uuid::from_u128(5),
            active: true,
            name: Name::default(),
            npi: String::new(),
            telecom: Vec::new(),
            address: None,
            addressee: false,
            specialty: String::new(),
            last_updated: None,
        }));
        let body = json!({"resourceType": "Practitioner", "extension": extension});
        of(Sent {
            kind: ResourceType::Practitioner,
            id: Uuid::from_u128(5),
            role: Role::Staff,
            seen: None,
            before: Some(&before),
            resource: fhir_decode::decode(body.to_string().as_bytes()).expect("FHIR"),
            changed: Vec::new(),
        })
    }

    #[test]
    fn f142_the_one_extension_says_it_and_nothing_else_is_kept() {
        let one = |url: &str, value: Value| {
            let mut extension = value;
            extension["url"] = json!(url);
            extension
        };
        for takes in [true, false] {
            let sent = json!([one(ADDRESSEE, json!({"valueBoolean": takes}))]);
            let colleague = Uuid::from_u128(5);
            assert_eq!(
                asked(sent),
                Ok(Ask::Addressee(AddresseeAsk { colleague, takes }))
            );
        }
        let good = one(ADDRESSEE, json!({"valueBoolean": true}));
        for odd in [
            json!([good.clone(), good]),
            json!([one(ADDRESSEE, json!({"valueString": "yes"}))]),
            json!([one("http://x.example", json!({"valueBoolean": true}))]),
        ] {
            assert!(matches!(asked(odd), Err(Refusal::Invalid { .. })));
        }
    }
}
