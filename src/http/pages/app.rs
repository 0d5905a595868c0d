//! `/app`: the sample SMART app's page. Its script does the launch and fills the page.

use super::frame::Frame;
use crate::http::words::filters;
use askama::Template;

/// The sample app's page.
#[derive(Debug, Template)]
#[template(path = "app.html")]
pub struct SampleApp {
    /// Title, practice, sandbox.
    pub frame: Frame,
}

impl SampleApp {
    /// The app of the sandbox.
    pub fn sample() -> Self {
        SampleApp {
            frame: Frame::sample("Sample app"),
        }
    }
}
