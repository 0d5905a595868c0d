//! Bundle: a page of search results.

use fhir_sdk::r4b::codes::BundleType;
use fhir_sdk::r4b::codes::IssueSeverity;
use fhir_sdk::r4b::codes::IssueType;
use fhir_sdk::r4b::codes::SearchEntryMode;
use fhir_sdk::r4b::resources::Bundle;
use fhir_sdk::r4b::resources::BundleEntry;
use fhir_sdk::r4b::resources::BundleEntrySearch;
use fhir_sdk::r4b::resources::BundleLink;
use fhir_sdk::r4b::resources::Resource;

use crate::domain::ResourceType;
use crate::domain::records::Record;
use crate::domain::refusal::Fault;
use crate::fhir::Base;
use crate::fhir::bytes;
use crate::fhir::outcome;
use crate::fhir::render;
use crate::fhir::wire;
use crate::fhir::wire::Built;

/// Where a page stands.
#[derive(Clone, Debug)]
pub struct Links<'a> {
    /// The FHIR base URL.
    pub base: &'a str,
    /// The type that was searched.
    pub kind: ResourceType,
    /// The parameters that were used, for the self link.
    pub pairs: &'a [(String, String)],
    /// How many records match altogether, where that is known.
    pub total: Option<u32>,
    /// The URL of the next page, where there is one.
    pub next: Option<String>,
}

/// A searchset: the records, and a warning that names the parameters that were ignored.
///
/// # Errors
/// As [`crate::fhir::encode`].
pub fn searchset(
    records: &[Record],
    links: &Links<'_>,
    ignored: &[String],
) -> Result<Vec<u8>, Fault> {
    let base = Base::new(links.base);
    let mut resources = Vec::with_capacity(records.len());
    for record in records {
        let url = base.of(record.kind(), record.id());
        resources.push((url, render(record, &base)?));
    }
    let bundle = bundle(resources, links, ignored)
        .map_err(|error| Fault::new("putting a page together", error.to_string()))?;
    bytes(&Resource::from(bundle))
}

fn bundle(
    resources: Vec<(String, Resource)>,
    links: &Links<'_>,
    ignored: &[String],
) -> Built<Bundle> {
    let mut entries = Vec::with_capacity(resources.len() + 1);
    for (url, resource) in resources {
        let mut entry = entry(resource, SearchEntryMode::Match)?;
        entry.full_url = Some(url);
        entries.push(Some(entry));
    }
    if !ignored.is_empty() {
        let said = format!("Ignored, because not known here: {}.", ignored.join(", "));
        let warning = outcome::issue(IssueSeverity::Warning, IssueType::NotSupported, &said)?;
        let warning = outcome::of(vec![warning])?;
        entries.push(Some(entry(warning.into(), SearchEntryMode::Outcome)?));
    }
    let mut link = vec![self_link(links)?];
    if let Some(next) = &links.next {
        link.push(relation("next", next.clone())?);
    }
    let mut bundle = Bundle::builder()
        .r#type(BundleType::Searchset)
        .link(wire::list(link))
        .entry(entries)
        .build()?;
    bundle.total = links.total;
    Ok(bundle)
}

fn entry(resource: Resource, mode: SearchEntryMode) -> Built<BundleEntry> {
    BundleEntry::builder()
        .resource(resource)
        .search(BundleEntrySearch::builder().mode(mode).build()?)
        .build()
}

/// What was searched for, as it was understood.
fn self_link(links: &Links<'_>) -> Built<BundleLink> {
    let mut url = format!("{}/{}", links.base.trim_end_matches('/'), links.kind.name());
    for (index, (name, value)) in links.pairs.iter().enumerate() {
        url.push(if index == 0 { '?' } else { '&' });
        escape(name, &mut url);
        url.push('=');
        escape(value, &mut url);
    }
    relation("self", url)
}

fn relation(name: &str, url: String) -> Built<BundleLink> {
    BundleLink::builder()
        .relation(name.to_owned())
        .url(url)
        .build()
}

/// RFC 3986, 2.1 and 2.3; `,`, `:` and `/` may stand in a query as they are and make dates and references readable.
fn escape(text: &str, url: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~,:/".contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push('%');
            for digit in [byte >> 4, byte & 15] {
                url.push(char::from(HEX[usize::from(digit)]));
            }
        }
    }
}

#[cfg(test)]
mod tests;
