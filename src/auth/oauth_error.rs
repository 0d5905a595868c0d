//! The errors of the token endpoint (RFC 6749, 5.2), with the status each is sent under.

use std::borrow::Cow;

use oauth2::basic::BasicErrorResponse;
use oauth2::basic::BasicErrorResponseType;
use serde::Serialize;

use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;

/// A no of the token endpoint.
#[derive(Debug)]
pub struct OAuthError {
    /// The code.
    pub error: BasicErrorResponseType,
    /// One sentence for the app's developer, plain ASCII: the parameter, and what was expected.
    pub description: Cow<'static, str>,
    /// What broke, where something did: for the log, never for the caller.
    pub broken: Option<Failure>,
}

impl OAuthError {
    /// A no with its reason.
    pub fn new(error: BasicErrorResponseType, description: impl Into<Cow<'static, str>>) -> Self {
        Self {
            error,
            description: description.into(),
            broken: None,
        }
    }

    /// An `invalid_grant`.
    pub fn grant(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(BasicErrorResponseType::InvalidGrant, description)
    }

    /// An `invalid_request`.
    pub fn request(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(BasicErrorResponseType::InvalidRequest, description)
    }

    /// An `invalid_client`.
    pub fn client(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(BasicErrorResponseType::InvalidClient, description)
    }

    /// An `invalid_token` (RFC 6750, 3.1): the caller's own access token is not good.
    pub fn token(description: impl Into<Cow<'static, str>>) -> Self {
        let error = BasicErrorResponseType::Extension("invalid_token".to_owned());
        Self::new(error, description)
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self.error.as_ref() {
            "invalid_client" | "invalid_token" => 401,
            "temporarily_unavailable" => 503,
            "server_error" => 500,
            _ => 400,
        }
    }

    /// The body; the request id is what `anteroom explain` takes.
    pub fn body(&self, request_id: &str) -> ErrorBody {
        let description = Some(plain(&self.description));
        ErrorBody {
            error: BasicErrorResponse::new(self.error.clone(), description, None),
            request_id: request_id.to_owned(),
        }
    }
}

/// A description as RFC 6749 lets it be sent (4.1.2.1 and 5.2): printable ASCII without two of its characters.
pub fn plain(description: &str) -> String {
    let sent = |c: char| match c {
        '"' => '\'',
        '\\' => '?',
        c if c.is_ascii_graphic() || c == ' ' => c,
        _ => '?',
    };
    description.chars().map(sent).collect()
}

/// RFC 6749's members and our own.
#[derive(Debug, Serialize)]
pub struct ErrorBody {
    #[serde(flatten)]
    error: BasicErrorResponse,
    request_id: String,
}

impl From<Failure> for OAuthError {
    fn from(failure: Failure) -> Self {
        let (word, description) = match &failure {
            Failure::Refused(Refusal::Unavailable(_) | Refusal::TooMany(_)) => {
                ("temporarily_unavailable", "try again in a moment")
            }
            _ => ("server_error", "something broke"),
        };
        Self {
            error: BasicErrorResponseType::Extension(word.to_owned()),
            description: description.into(),
            broken: Some(failure),
        }
    }
}
