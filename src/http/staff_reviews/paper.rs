//! The document a request is about, on the desk's page.

use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::domain::tasks::Task;
use crate::domain::tasks::Work;
use crate::emr;
use crate::emr::filing;
use crate::http::pages::plain::plain;
use crate::http::pages::staff_reviews::Paper;
use crate::rest::Rest;

/// Pictures that every browser shows.
const PICTURES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/// The document a request is about, as far as whoever looks may see documents; `picked` is the category that was chosen.
///
/// # Errors
/// As [`emr::read`].
pub(super) async fn paper(
    rest: &Rest<'_>,
    task: &Task,
    (address, picked): (String, Option<&str>),
) -> Answer<Option<Paper>> {
    let (Work::Document, Some((kind, id))) = (task.work, task.focus) else {
        return Ok(None);
    };
    let Ok(reach) = rest.grant.reach(kind, Interaction::Read) else {
        return Ok(None);
    };
    let document = match emr::read(rest.emr, &reach, id).await {
        Ok(Record::DocumentReference(document)) if document.person == task.person => document,
        Ok(_) | Err(Failure::Refused(Refusal::NotFound)) => return Ok(None),
        Err(failure) => return Err(failure),
    };
    let chosen = picked.unwrap_or(document.category.as_str());
    let mut categories = match task.progress.waits() {
        true => filing::categories(rest.emr, reach.held()).await?,
        false => Vec::new(),
    };
    if !categories.is_empty() && !categories.iter().any(|name| name == chosen) {
        categories.insert(0, chosen.to_owned());
    }
    let size = document.size.map(|size| format!(", {}", size_text(size)));
    Ok(Some(Paper {
        name: plain(&document.name, 120),
        facts: format!("{}{}", document.content_type, size.unwrap_or_default()),
        content: address,
        picture: PICTURES.contains(&document.content_type.as_str()),
        categories: categories
            .into_iter()
            .map(|name| {
                let chosen = name == chosen;
                (name, chosen)
            })
            .collect(),
    }))
}

/// A size for people.
fn size_text(bytes: i64) -> String {
    match bytes {
        bytes if bytes < 1_000 => format!("{bytes} B"),
        bytes if bytes < 1_000_000 => format!("{} KB", bytes / 1_000),
        bytes => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
    }
}
