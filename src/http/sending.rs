//! Forms that send a file (RFC 7578): the fields come first, their token is judged before a byte of the file is looked at, and
//! the file goes to the disk piece by piece.

use std::time::Duration;

use axum::extract::FromRequest;
use axum::extract::Multipart;
use axum::extract::Request;
use axum::extract::multipart::Field;
use axum::http::header::CONTENT_LENGTH;

use crate::auth::csrf;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::emr::spool::Spool;
use crate::http::App;
use crate::http::forms;
use crate::http::forms::Form;
use crate::portal::document::LARGEST;
use crate::portal::document::Source;

/// Fields beside the file at most, and letters of one.
const MOST_FIELDS: usize = 20;
const LONGEST_FIELD: usize = 100_000;

/// What a form has beside its file, in bytes.
const REST: u64 = 1024 * 1024;

/// How long a form that is refused is listened to: many a browser reads no answer before it has sent everything.
const LINGER: Duration = Duration::from_secs(5);

const BROKEN: &str = "the form ended early";

/// A form with its file, which is gone when this value is.
pub struct Sent {
    /// The fields.
    pub form: Form,
    /// Name of the file as the browser has it; empty where none was chosen.
    pub name: String,
    /// Where its bytes lie; none where no file was chosen.
    pub file: Option<(Spool, Source)>,
}

/// What [`received`] came to: a file that is too large is one the page can speak of.
pub enum Came {
    /// A whole form.
    Whole(Box<Sent>),
    /// A form whose file is too large: its fields.
    TooLarge(Form),
}

/// A form of ours with its file, sent from a page of ours in the same browser; `token` is what the form's csrf was made of.
///
/// # Errors
/// `Forbidden` where the form came from elsewhere, `Invalid` where it ended early or is none.
pub async fn received(app: &App, token: &str, request: Request) -> Answer<Came> {
    forms::ours(app, request.headers())?;
    let length = request.headers().get(CONTENT_LENGTH);
    let length = length.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let mut parts = match Multipart::from_request(request, &()).await {
        Ok(parts) => parts,
        Err(_) => {
            return Err(Refusal::UnsupportedMediaType("Send multipart/form-data.").into());
        }
    };
    let mut fields: Vec<(String, String)> = Vec::new();
    let mut trusted = false;
    let mut name = String::new();
    let mut file = None;
    while let Some(part) = parts.next_field().await.map_err(|_| broken())? {
        let label = part.name().unwrap_or_default().to_owned();
        if part.file_name().is_none() {
            if fields.len() >= MOST_FIELDS {
                return Err(Refusal::TooLarge("The form has over 20 fields.").into());
            }
            let text = text(part).await?;
            trusted |= label == "csrf" && csrf::fits(token, &text);
            fields.push((label, text));
            continue;
        }
        if !trusted {
            return Err(forms::FOREIGN.into());
        }
        if file.is_some() {
            return Err(Refusal::invalid("file", "one file is sent at a time").into());
        }
        name = bare(part.file_name().unwrap_or_default());
        let most = LARGEST + REST;
        let done = match length.is_some_and(|length| length > most) {
            true => None,
            false => taken(app, part).await?,
        };
        match done {
            Some(kept) => file = Some(kept),
            None => {
                let unread = async { while let Ok(Some(_)) = parts.next_field().await {} };
                let _ = tokio::time::timeout(LINGER, unread).await;
                return Ok(Came::TooLarge(Form::of(fields)));
            }
        }
    }
    if !trusted {
        return Err(forms::FOREIGN.into());
    }
    // Browsers send an empty part where no file was chosen.
    let file =
        file.filter(|(_, source): &(Spool, Source)| !(name.is_empty() && source.size() == 0));
    Ok(Came::Whole(Box::new(Sent {
        form: Form::of(fields),
        name,
        file,
    })))
}

/// The file on the disk; `None` where it is too large.
async fn taken(app: &App, mut part: Field<'_>) -> Answer<Option<(Spool, Source)>> {
    let mut spool = Spool::open(&app.emr).await?;
    while let Some(piece) = part.chunk().await.map_err(|_| broken())? {
        match spool.write(&piece).await {
            Ok(()) => {}
            Err(Failure::Refused(Refusal::TooLarge(_))) => return Ok(None),
            Err(failure) => return Err(failure),
        }
    }
    let source = spool.received().await?;
    Ok(Some((spool, source)))
}

async fn text(mut part: Field<'_>) -> Result<String, Refusal> {
    let mut bytes = Vec::new();
    while let Some(piece) = part.chunk().await.map_err(|_| broken())? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > LONGEST_FIELD {
            return Err(Refusal::TooLarge("A field of the form is too long."));
        }
    }
    String::from_utf8(bytes).map_err(|_| Refusal::invalid("body", "a field is not UTF-8"))
}

fn broken() -> Refusal {
    Refusal::invalid("body", BROKEN)
}

/// The name alone: some browsers send a path, and no name has control characters.
fn bare(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = name.chars().filter(|one| !one.is_control()).collect();
    name.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_a_name_and_no_path() {
        assert_eq!(bare("C:\\fakepath\\scan 1.pdf"), "scan 1.pdf");
        assert_eq!(bare("../../etc/passwd"), "passwd");
        assert_eq!(bare(" a\u{0}\nb.png "), "ab.png");
        assert_eq!(bare(""), "");
    }
}
