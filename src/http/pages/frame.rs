//! What stands around every page: its title, the practice's name, the sandbox banner.

/// The shared part of every page, read by `base.html`.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The page's name, shown in the browser's tab before the practice's name.
    pub title: String,
    /// The practice's name as patients know it.
    pub practice: String,
    /// True where all people are invented; every page then says so.
    pub sandbox: bool,
}

impl Frame {
    /// A sandbox frame for a page with this title.
    pub fn sample(title: &str) -> Self {
        Frame {
            title: title.to_owned(),
            practice: "Linden Street Family Practice".to_owned(),
            sandbox: true,
        }
    }
}
