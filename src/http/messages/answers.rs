//! What both sides' pages of messages answer, once it is known whose they are: the inbox, a thread, and what was done with it.

use axum::http::StatusCode;
use axum::response::Response;
use uuid::Uuid;

use crate::auth::csrf;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::http::documents;
use crate::http::messages::filled::Filled;
use crate::http::messages::shown::DONE;
use crate::http::messages::shown::Said;
use crate::http::messages::shown::Side;
use crate::http::negotiate;
use crate::http::oauth::see_other;
use crate::http::reply;

impl Side<'_> {
    /// A folder, as its address says.
    ///
    /// # Errors
    /// As [`Side::folder`].
    pub async fn inbox(self, query: Option<&str>, token: &str) -> Answer<Response> {
        let said = (csrf::token(token), notice(query));
        let page = self.folder(query, said).await?;
        Ok(reply::html(StatusCode::OK, page))
    }

    /// A thread. What is new in it counts as read from now on.
    ///
    /// # Errors
    /// `NotFound` where the own mailbox has none such.
    pub async fn opened(
        self,
        message: Option<Uuid>,
        (query, token): (Option<&str>, &str),
    ) -> Answer<Response> {
        let message = message.ok_or(Refusal::NotFound)?;
        documents::open(&self.app.emr).await?;
        let opened = self.thread(message).await?;
        let said = Said {
            notice: notice(query),
            ..Said::default()
        };
        let page = self
            .conversation((message, &opened), (csrf::token(token), said))
            .await?;
        Ok(reply::html(StatusCode::OK, page))
    }

    /// What a thread's form asks for: the way to what comes next, or the thread again with why an answer was not sent.
    ///
    /// # Errors
    /// The refusal itself, where the page has no place for it.
    pub async fn acted(
        self,
        message: Option<Uuid>,
        (filled, token): (&Filled, &str),
    ) -> Answer<Response> {
        let message = message.ok_or(Refusal::NotFound)?;
        documents::open(&self.app.emr).await?;
        let refusal = match self.act(message, filled).await {
            Ok(address) => return Ok(see_other(&address)),
            Err(Failure::Refused(refusal)) => refusal,
            Err(broken) => return Err(broken),
        };
        match refusal {
            Refusal::Rules(_)
            | Refusal::Unprocessable { .. }
            | Refusal::Invalid { .. }
            | Refusal::TooLarge(_) => {
                let opened = self.thread(message).await?;
                let said = Said {
                    errors: vec![reply::sentence(&refusal)],
                    typed: filled.form().text("body"),
                    ..Said::default()
                };
                let said = (csrf::token(token), said);
                let page = self.conversation((message, &opened), said).await?;
                Ok(reply::html(reply::status(&refusal), page))
            }
            other => Err(other.into()),
        }
    }
}

/// What has just been done, as the address says it.
fn notice(query: Option<&str>) -> &'static str {
    negotiate::done(query, &DONE).map_or("", |(_, sentence)| sentence)
}
