//! Bundle: a page of search results.

use fhir_sdk::BuilderError;
use fhir_sdk::r4b::codes::BundleType;
use fhir_sdk::r4b::codes::IssueSeverity;
use fhir_sdk::r4b::codes::IssueType;
use fhir_sdk::r4b::resources::Bundle;
use fhir_sdk::r4b::resources::BundleLink;
use fhir_sdk::r4b::resources::Resource;
use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::records::Record;
use crate::domain::refusal::Fault;
use crate::domain::refusal::Reason;
use crate::fhir::Base;
use crate::fhir::outcome;
use crate::fhir::render;
use crate::fhir::subset;
use crate::fhir::subset::Subset;
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

/// What stands on a page.
#[derive(Clone, Copy, Debug)]
pub struct Entries<'a> {
    /// What was searched for.
    pub matches: &'a [Record],
    /// What comes along.
    pub included: &'a [Record],
    /// Which parts of it are wanted.
    pub subset: &'a Subset,
    /// Sentences that warn of what was not done as asked.
    pub warnings: &'a [String],
    /// Rules of the practice that say why there is not more.
    pub reasons: &'a [Reason],
}

/// Room for one entry of usual size.
const ENTRY_BYTES: usize = 1600;

/// A searchset: the records, what comes along with them, and a warning where there is something to warn of. Each
/// record is rendered, written and let go before the next one, so that a page costs the memory of its text and one
/// resource.
///
/// # Errors
/// As [`crate::fhir::encode`].
pub fn searchset(entries: &Entries<'_>, links: &Links<'_>) -> Result<Vec<u8>, Fault> {
    of_operation(entries, links, links.kind.name())
}

/// The same for the answer of an operation, whose self link is at a path of its own below the base.
///
/// # Errors
/// As [`searchset`].
pub fn of_operation(
    entries: &Entries<'_>,
    links: &Links<'_>,
    path: &str,
) -> Result<Vec<u8>, Fault> {
    let base = Base::new(links.base);
    let count = entries.matches.len() + entries.included.len();
    let mut page = Vec::with_capacity((count + 1) * ENTRY_BYTES);
    write(&frame(links, path).map_err(unbuilt)?.into(), &mut page)?;
    // The frame ends with a brace of its own, which the entries go before.
    page.pop();
    let mut first = true;
    let included = entries.subset.of_included();
    for (records, mode, subset) in [
        (entries.matches, "match", entries.subset),
        (entries.included, "include", &included),
    ] {
        for record in records {
            let opening = separator(&mut first);
            page.extend_from_slice(opening.as_bytes());
            entry(record, (&base, mode), subset, &mut page)?;
        }
    }
    if !entries.warnings.is_empty() || !entries.reasons.is_empty() {
        let warning = warning(entries).map_err(unbuilt)?;
        let told = entries.reasons.iter().map(|reason| reason.text.clone());
        let told: Vec<String> = entries.warnings.iter().cloned().chain(told).collect();
        let url = name_of(&told);
        let opening = separator(&mut first);
        let opening = format!("{opening}{{\"fullUrl\":\"{url}\",\"resource\":");
        page.extend_from_slice(opening.as_bytes());
        write(&warning, &mut page)?;
        page.extend_from_slice(b",\"search\":{\"mode\":\"outcome\"}}");
    }
    // FHIR JSON has no empty arrays: without entries there is no member at all.
    page.extend_from_slice(if first { b"}" } else { b"]}" });
    Ok(page)
}

/// One record on the page.
fn entry(
    record: &Record,
    (base, mode): (&Base, &str),
    subset: &Subset,
    page: &mut Vec<u8>,
) -> Result<(), Fault> {
    let resource = render(record, base)?;
    let url = base.of(record.kind(), record.id());
    let url = serde_json::to_string(&url).map_err(|error| Fault::new("writing a URL", error))?;
    let opening = format!("{{\"fullUrl\":{url},\"resource\":");
    page.extend_from_slice(opening.as_bytes());
    match subset {
        Subset::Whole => write(&resource, page)?,
        subset => {
            let mut whole = Vec::with_capacity(ENTRY_BYTES);
            write(&resource, &mut whole)?;
            page.extend(subset::apply(whole, subset));
        }
    }
    let closing = format!(",\"search\":{{\"mode\":\"{mode}\"}}}}");
    page.extend_from_slice(closing.as_bytes());
    Ok(())
}

/// What stands before an entry.
fn separator(first: &mut bool) -> &'static str {
    match std::mem::take(first) {
        true => ",\"entry\":[",
        false => ",",
    }
}

/// The bundle without its entries.
fn frame(links: &Links<'_>, path: &str) -> Built<Bundle> {
    let mut link = vec![self_link(links, path)?];
    if let Some(next) = &links.next {
        link.push(relation("next", next.clone())?);
    }
    let mut bundle = Bundle::builder()
        .r#type(BundleType::Searchset)
        .link(wire::list(link))
        .build()?;
    bundle.total = links.total;
    Ok(bundle)
}

/// The fullUrl of a page's warnings, which every entry of a page has (bdl-7): they live nowhere, so it is a name made
/// of what they say.
pub(super) fn name_of(sentences: &[String]) -> String {
    let name = Uuid::new_v5(&Uuid::NAMESPACE_URL, sentences.join("\n").as_bytes());
    name.urn().to_string()
}

/// What is said of parameters that nobody knows here.
pub fn ignored(names: &[String]) -> Option<String> {
    let said = || format!("Ignored, because not known here: {}.", names.join(", "));
    (!names.is_empty()).then(said)
}

fn warning(entries: &Entries<'_>) -> Built<Resource> {
    let issue =
        |said: &String| outcome::issue(IssueSeverity::Warning, IssueType::NotSupported, said);
    let sentences = entries.warnings.iter().map(issue);
    let reasons = entries.reasons.iter();
    let reasons = reasons.map(|reason| outcome::broken(IssueSeverity::Information, reason));
    let issues = sentences.chain(reasons).collect::<Built<_>>()?;
    Ok(outcome::of(issues)?.into())
}

fn write(resource: &Resource, page: &mut Vec<u8>) -> Result<(), Fault> {
    fhir_encode::encode_into(resource, page).map_err(|error| Fault::new("writing FHIR JSON", error))
}

fn unbuilt(error: BuilderError) -> Fault {
    Fault::new("putting a page together", error.to_string())
}

/// What was searched for, as it was understood.
fn self_link(links: &Links<'_>, path: &str) -> Built<BundleLink> {
    let address = format!("{}/{path}", links.base.trim_end_matches('/'));
    relation("self", searched(address, links.pairs))
}

/// The URL of a search at an address.
pub fn searched(address: String, pairs: &[(String, String)]) -> String {
    let mut url = address;
    for (index, (name, value)) in pairs.iter().enumerate() {
        url.push(if index == 0 { '?' } else { '&' });
        escape(name, &mut url);
        url.push('=');
        escape(value, &mut url);
    }
    url
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
