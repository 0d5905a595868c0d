//! The forms of the pages of messages, with the document they may carry. A form without one is a plain form.

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use uuid::Uuid;

use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::http::App;
use crate::http::documents::TOO_LARGE;
use crate::http::forms;
use crate::http::forms::Form;
use crate::http::sending;
use crate::http::sending::Came;
use crate::http::sending::Sent;
use crate::portal::document::Paper;
use crate::portal::message::Enclosure;
use crate::rest::Rest;

const WITH_FILE: &str = "multipart/form-data";

/// A form that was sent from a page of ours in the same browser.
pub enum Filled {
    /// Without a file.
    Plain(Form),
    /// With room for one; it is gone when this value is.
    Sent(Box<Sent>),
    /// With one that is too large: its fields.
    TooLarge(Form),
}

/// What a form's token is compared with: known before a byte of the body is looked at.
///
/// # Errors
/// `Forbidden` where the form came from elsewhere or the browser has no visitor cookie.
pub fn token<'h>(app: &App, headers: &'h HeaderMap) -> Result<&'h str, Refusal> {
    forms::ours(app, headers)?;
    let visitor = forms::own_visitor(app, headers).ok_or(forms::FOREIGN)?;
    Ok(visitor.token)
}

/// Reads a form of ours.
///
/// # Errors
/// As [`forms::own_form`] and [`sending::received`].
pub async fn received(app: &App, token: &str, request: Request) -> Answer<Filled> {
    let kind = request.headers().get(CONTENT_TYPE);
    let kind = kind.and_then(|value| value.to_str().ok());
    let carries = kind.is_some_and(|kind| kind.to_ascii_lowercase().starts_with(WITH_FILE));
    if !carries {
        let (parts, body) = request.into_parts();
        let (form, _) = forms::own_form(app, &parts.headers, body).await?;
        return Ok(Filled::Plain(form));
    }
    Ok(match sending::received(app, token, request).await? {
        Came::Whole(sent) => Filled::Sent(sent),
        Came::TooLarge(form) => Filled::TooLarge(form),
    })
}

impl Filled {
    /// The fields.
    pub fn form(&self) -> &Form {
        match self {
            Self::Plain(form) | Self::TooLarge(form) => form,
            Self::Sent(sent) => &sent.form,
        }
    }

    /// The fields of a form whose file is not too large: of one that is, what comes after the file was never read.
    ///
    /// # Errors
    /// `TooLarge` where it was.
    pub fn fits(&self) -> Result<&Form, Refusal> {
        match self {
            Self::TooLarge(_) => Err(Refusal::TooLarge(TOO_LARGE)),
            Self::Plain(_) | Self::Sent(_) => Ok(self.form()),
        }
    }

    /// The document that goes along, into the chart of this patient. What a browser says about the kind of a file is what its
    /// name ends with: the bytes say it themselves.
    ///
    /// # Errors
    /// `TooLarge` where it was.
    pub fn enclosed(&self, rest: &Rest<'_>, patient: Uuid) -> Answer<Vec<Enclosure>> {
        self.fits()?;
        let Self::Sent(sent) = self else {
            return Ok(Vec::new());
        };
        let Some((_, bytes)) = &sent.file else {
            return Ok(Vec::new());
        };
        Ok(vec![Enclosure::New(Paper {
            id: rest.new_id()?,
            patient,
            name: sent.name.clone(),
            declared: String::new(),
            category: None,
            bytes: bytes.clone(),
        })])
    }
}
