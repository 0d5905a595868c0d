//! The error page: what went wrong and what to do.

use super::frame::Frame;
use crate::http::words::filters;
use askama::Template;

/// An error page.
#[derive(Debug, Template)]
#[template(path = "problem.html")]
pub struct Problem {
    /// Title, practice, sandbox; the title is also the page's heading.
    pub frame: Frame,
    /// What happened, in one sentence.
    pub sentence: String,
    /// What the reader can do, one sentence each.
    pub steps: Vec<String>,
    /// The request's id, for the practice's log; empty where there is none.
    pub request_id: String,
    /// For the app's developer: what was expected. Folded, and never anything that was sent.
    pub detail: Vec<Detail>,
}

/// A part of a request that was not as it has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    /// The parameter, header or cookie.
    pub name: String,
    /// What it has to be, in a sentence.
    pub expected: String,
}

impl Detail {
    /// What is expected of a part of a request.
    pub fn new(name: impl Into<String>, expected: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            expected: expected.into(),
        }
    }
}

impl Problem {
    /// A request whose time has run out.
    pub fn sample() -> Self {
        Problem {
            frame: Frame::sample("This page has expired"),
            sentence: "You took longer than 10 minutes, so the request was closed to keep your record safe.".to_owned(),
            steps: vec![
                "If an app sent you here, go back to it and connect again.".to_owned(),
                "If it happens again, call the practice and give the number below.".to_owned(),
            ],
            request_id: "0193a5c2-7f7e-7b1c-9d7e-2f6d1c0a9b11".to_owned(),
            detail: vec![Detail::new(
                "request",
                "The id of an authorization request that this browser began within the last 10 minutes.",
            )],
        }
    }
}
