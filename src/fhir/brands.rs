//! The brand bundle (SMART App Launch 2.2, "User-access Brands"): which practice this is, so that people find it in the
//! list of an app.

use fhir_sdk::BuilderError;
use fhir_sdk::Instant;
use fhir_sdk::r4b::codes::AddressUse;
use fhir_sdk::r4b::codes::BundleType;
use fhir_sdk::r4b::codes::ContactPointSystem;
use fhir_sdk::r4b::codes::EndpointStatus;
use fhir_sdk::r4b::resources;
use fhir_sdk::r4b::resources::BundleEntry;
use fhir_sdk::r4b::resources::Endpoint;
use fhir_sdk::r4b::resources::Resource;
use fhir_sdk::r4b::types::CodeableConcept;
use fhir_sdk::r4b::types::ContactPoint;
use fhir_sdk::r4b::types::Extension;
use fhir_sdk::r4b::types::ExtensionValue;
use fhir_sdk::r4b::types::Meta;
use fhir_sdk::r4b::types::Reference;
use time::OffsetDateTime;
use time::Time;
use time::UtcOffset;
use uuid::Uuid;

use crate::domain::people::Code;
use crate::domain::people::Facility;
use crate::domain::people::Means;
use crate::domain::refusal::Fault;
use crate::fhir::Base;
use crate::fhir::bytes;
use crate::fhir::wire;
use crate::fhir::wire::Built;

const BRAND: &str = "http://hl7.org/fhir/smart-app-launch/StructureDefinition/user-access-brand";
const ENDPOINT: &str =
    "http://hl7.org/fhir/smart-app-launch/StructureDefinition/user-access-endpoint";
const BUNDLE: &str =
    "http://hl7.org/fhir/smart-app-launch/StructureDefinition/user-access-brands-bundle";
const PORTAL: &str = "http://hl7.org/fhir/StructureDefinition/organization-portal";
const FHIR_VERSION: &str = "http://hl7.org/fhir/StructureDefinition/endpoint-fhir-version";

/// The system of identifiers that are URLs.
const URI: &str = "urn:ietf:rfc:3986";

/// What the bundle is made of.
#[derive(Clone, Copy, Debug)]
pub struct Brands<'a> {
    /// The server's public URL, below which portal and FHIR base lie.
    pub public_url: &'a str,
    /// The practice's website.
    pub website: &'a str,
    /// The practice's name.
    pub name: &'a str,
    /// Which facility is the practice itself.
    pub primary: Option<Uuid>,
    /// The facilities in use.
    pub facilities: &'a [Facility],
}

/// The identifier of the practice's brand, system and value: its website without `www.` and path, as the standard
/// recommends. Discovery names the same.
pub fn identifier(website: &str) -> (String, String) {
    let (scheme, rest) = website.split_once("://").unwrap_or(("https", website));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.to_ascii_lowercase();
    let host = host.strip_prefix("www.").unwrap_or(&host);
    (
        URI.to_owned(),
        format!("{}://{host}", scheme.to_ascii_lowercase()),
    )
}

/// The bundle: the practice as brand with its portal and FHIR endpoint, and its other facilities as brands whose
/// access the practice provides.
///
/// # Errors
/// As [`crate::fhir::encode`].
pub fn bundle(brands: &Brands<'_>, now: OffsetDateTime) -> Result<Vec<u8>, Fault> {
    let built = whole(brands, now)
        .map_err(|error: BuilderError| Fault::new("making the brand bundle", error.to_string()))?;
    bytes(&Resource::from(built))
}

fn whole(brands: &Brands<'_>, now: OffsetDateTime) -> Built<resources::Bundle> {
    let base = Base::new(&format!("{}/fhir", brands.public_url.trim_end_matches('/')));
    // Layouts that do not record changes say the present day, so that the bundle stays the same for a while.
    let today = now.to_offset(UtcOffset::UTC).replace_time(Time::MIDNIGHT);
    let changed =
        |facility: &Facility| facility.last_updated.map(|at| at.to_offset(UtcOffset::UTC));
    let newest = brands.facilities.iter().filter_map(changed).max();
    let newest = newest.unwrap_or(today);
    let endpoint_id = Uuid::new_v5(&Uuid::NAMESPACE_URL, base.url().as_bytes());
    let (primary, others): (Vec<&Facility>, Vec<&Facility>) = brands
        .facilities
        .iter()
        .partition(|facility| Some(facility.organization) == brands.primary);
    let primary = primary.first().copied();
    // A practice without a single facility still has a website and a name.
    let primary_id = primary.map_or_else(
        || Uuid::new_v5(&Uuid::NAMESPACE_URL, brands.website.as_bytes()),
        |facility| facility.organization,
    );
    let mut practice = brand((primary_id, primary), brands, newest)?;
    if practice.name.is_none() {
        practice.name = Some(practice_name(brands));
    }
    let (system, value) = identifier(brands.website);
    practice.identifier = wire::list([wire::identifier(&system, &value)?]);
    practice.extension = vec![portal(brands, endpoint_id)?];
    practice.endpoint = wire::list([reference("Endpoint", endpoint_id)?]);
    let url = |kind: &str, id: Uuid| format!("{}/{kind}/{id}", base.url());
    let mut entries = vec![entry(url("Organization", primary_id), practice.into())?];
    for facility in others {
        let id = facility.organization;
        let mut place = brand(
            (id, Some(facility)),
            brands,
            changed(facility).unwrap_or(newest),
        )?;
        if place.name.is_none() {
            continue;
        }
        place.identifier = wire::list([wire::urn(id)?]);
        place.part_of = Some(reference("Organization", primary_id)?);
        entries.push(entry(url("Organization", id), place.into())?);
    }
    let endpoint = endpoint(brands, (&base, endpoint_id), newest)?;
    entries.push(entry(url("Endpoint", endpoint_id), endpoint.into())?);
    resources::Bundle::builder()
        .id(Uuid::new_v5(&endpoint_id, b"brands").to_string())
        .meta(meta(BUNDLE, newest)?)
        .r#type(BundleType::Collection)
        .timestamp(Instant(newest))
        .entry(wire::list(entries))
        .build()
}

fn practice_name(brands: &Brands<'_>) -> String {
    wire::clean(brands.name).unwrap_or_else(|| "A medical practice".to_owned())
}

/// What every brand has: name, website, where it is.
fn brand(
    (id, facility): (Uuid, Option<&Facility>),
    brands: &Brands<'_>,
    changed: OffsetDateTime,
) -> Built<resources::Organization> {
    let kind = wire::concept(&Code {
        system: "http://terminology.hl7.org/CodeSystem/organization-type",
        code: "prov".to_owned(),
        display: "Healthcare Provider".to_owned(),
    })?;
    let own = facility.and_then(|facility| {
        let web = facility.telecom.iter();
        let mut web = web.filter(|telecom| telecom.system == Means::Url);
        web.find(|telecom| telecom.value.starts_with("http"))
    });
    let website = own.map_or(brands.website, |telecom| telecom.value.as_str());
    let mut organization = resources::Organization::builder()
        .id(id.to_string())
        .meta(meta(BRAND, changed)?)
        .active(true)
        .r#type(wire::list([kind]))
        .telecom(wire::list([web(website)?]))
        .build()?;
    if let Some(facility) = facility {
        organization.name = wire::clean(&facility.name);
        let mut address = facility.address.clone();
        // The standard wants ISO 3166 of everybody, and this is how most practices write it.
        if ["USA", "UNITED STATES", "UNITED STATES OF AMERICA"]
            .contains(&address.country.to_uppercase().as_str())
        {
            address.country = "US".to_owned();
        }
        organization.address = wire::list(wire::address(&address, AddressUse::Work)?);
    }
    Ok(organization)
}

/// Where patients log in, and which FHIR endpoint that login opens.
fn portal(brands: &Brands<'_>, endpoint_id: Uuid) -> Built<Extension> {
    let account = format!("{}/account", brands.public_url.trim_end_matches('/'));
    let name = format!("{} patient portal", practice_name(brands));
    let endpoint = reference("Endpoint", endpoint_id)?;
    Extension::builder()
        .url(PORTAL.to_owned())
        .extension(vec![
            wire::extension("portalName", ExtensionValue::String(name))?,
            wire::extension("portalUrl", ExtensionValue::Url(account))?,
            wire::extension("portalEndpoint", ExtensionValue::Reference(endpoint))?,
        ])
        .build()
}

fn endpoint(
    brands: &Brands<'_>,
    (base, id): (&Base, Uuid),
    changed: OffsetDateTime,
) -> Built<Endpoint> {
    let developers = format!("{}/developers", brands.public_url.trim_end_matches('/'));
    let mut nothing = CodeableConcept::builder().build()?;
    let payload = "http://terminology.hl7.org/CodeSystem/endpoint-payload-type";
    nothing.coding = wire::list([wire::coding(payload, "none", "None")?]);
    let connection = "http://terminology.hl7.org/CodeSystem/endpoint-connection-type";
    Endpoint::builder()
        .id(id.to_string())
        .meta(meta(ENDPOINT, changed)?)
        .extension(vec![wire::extension(
            FHIR_VERSION,
            ExtensionValue::Code("4.0.1".to_owned()),
        )?])
        .status(EndpointStatus::Active)
        .connection_type(wire::coding(connection, "hl7-fhir-rest", "HL7 FHIR")?)
        .name(format!("FHIR R4 endpoint of {}", practice_name(brands)))
        .contact(wire::list([web(&developers)?]))
        .payload_type(wire::list([nothing]))
        .address(base.url().to_owned())
        .build()
}

fn web(url: &str) -> Built<ContactPoint> {
    ContactPoint::builder()
        .system(ContactPointSystem::Url)
        .value(url.to_owned())
        .build()
}

fn reference(kind: &str, id: Uuid) -> Built<Reference> {
    Reference::builder()
        .reference(format!("{kind}/{id}"))
        .build()
}

fn meta(profile: &str, changed: OffsetDateTime) -> Built<Meta> {
    Meta::builder()
        .last_updated(Instant(changed))
        .profile(wire::list([profile.to_owned()]))
        .build()
}

fn entry(url: String, resource: Resource) -> Built<BundleEntry> {
    BundleEntry::builder()
        .full_url(url)
        .resource(resource)
        .build()
}

#[cfg(test)]
mod tests;
