//! References in a body: which resource of this server one means. Whatever cannot be kept of it is refused by name.

use fhir_sdk::r4b::types::Reference;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::refusal::Refusal;
use crate::fhir::Base;

/// The resource a reference means: `Type/id`, or the same below this server's own base.
///
/// # Errors
/// `Invalid` at the place where it is logical, contained, versioned, on another server, of another type than it says,
/// or none of `kinds`.
pub(super) fn target(
    reference: &Reference,
    place: &str,
    kinds: &[ResourceType],
    base: &Base,
) -> Result<(ResourceType, Uuid), Refusal> {
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
    let refuse = |part: &str, why: String| Refusal::invalid(format!("{place}{part}"), why);
    let known = &**reference;
    if known.identifier.is_some() {
        let why = "a reference by identifier is not looked up: give the id, as Type/id";
        return Err(refuse(".identifier", why.to_owned()));
    }
    let text = known.reference.as_deref().unwrap_or_default();
    let local = text
        .strip_prefix(base.url())
        .and_then(|rest| rest.strip_prefix('/'))
        .unwrap_or(text);
    let wanted = || {
        let why = format!("give a resource of this server: {}", either(&names));
        refuse(".reference", why)
    };
    let (kind, id) = local.split_once('/').ok_or_else(wanted)?;
    let kind = ResourceType::of(kind)
        .filter(|kind| kinds.contains(kind))
        .ok_or_else(wanted)?;
    if known
        .r#type
        .as_deref()
        .is_some_and(|said| said != kind.name())
    {
        let why = format!("the reference is to a {}", kind.name());
        return Err(refuse(".type", why));
    }
    if !known.extension.is_empty() || known.id.is_some() {
        return Err(refuse(
            "",
            "an id or extension of a reference is not kept".to_owned(),
        ));
    }
    let id = id.parse::<Uuid>().map_err(|_| {
        let why = format!("no {} has this id", kind.name());
        refuse(".reference", why)
    })?;
    Ok((kind, id))
}

/// `Patient/[id] or Practitioner/[id]`
fn either(names: &[&str]) -> String {
    let each: Vec<String> = names.iter().map(|name| format!("{name}/[id]")).collect();
    each.join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "00000000-0000-0000-0000-000000000007";

    fn asked(text: &str) -> Result<(ResourceType, Uuid), Refusal> {
        let reference = Reference::builder()
            .reference(text.to_owned())
            .build()
            .expect("builds");
        let kinds = [ResourceType::Patient, ResourceType::Practitioner];
        target(
            &reference,
            "X.subject",
            &kinds,
            &Base::new("http://x.org/fhir"),
        )
    }

    #[test]
    fn a_reference_is_relative_or_below_our_own_base() {
        let patient = (ResourceType::Patient, Uuid::from_u128(7));
        assert_eq!(asked(&format!("Patient/{ID}")), Ok(patient));
        assert_eq!(
            asked(&format!("http://x.org/fhir/Patient/{ID}")),
            Ok(patient)
        );
        let staff = (ResourceType::Practitioner, Uuid::from_u128(7));
        assert_eq!(asked(&format!("Practitioner/{ID}")), Ok(staff));
    }

    #[test]
    fn case_142_every_other_way_of_referring_is_refused_at_its_place() {
        for text in [
            format!("Group/{ID}"),
            format!("http://y.org/fhir/Patient/{ID}"),
            format!("http://x.org/fhir2/Patient/{ID}"),
            format!("Patient/{ID}/_history/1"),
            format!("#{ID}"),
            format!("urn:uuid:{ID}"),
            "Patient/7".to_owned(),
            "Patient".to_owned(),
        ] {
            let refusal = asked(&text).expect_err(&text);
            assert!(
                matches!(&refusal, Refusal::Invalid { location, .. } if location == "X.subject.reference"),
                "{text} {refusal:?}"
            );
        }
    }

    #[test]
    fn case_142_a_type_that_says_something_else_is_refused() {
        let reference = Reference::builder()
            .reference(format!("Patient/{ID}"))
            .r#type("Practitioner".to_owned())
            .build()
            .expect("builds");
        let refusal = target(
            &reference,
            "X.subject",
            &[ResourceType::Patient],
            &Base::new("http://x.org/fhir"),
        );
        let place = "X.subject.type".to_owned();
        assert!(matches!(refusal, Err(Refusal::Invalid { location, .. }) if location == place));
    }
}
