//! What of a patient's wishes the practice looks at first: one choice for each kind (portal rules F148).

use super::yes;

/// What becomes of a wish of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// It is taken over at once.
    Automatic,
    /// Staff look at it first.
    #[default]
    Review,
    /// It is not taken here.
    Forbidden,
}

/// What is looked at, and whether patients are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reviews {
    /// Changed profiles.
    pub profile: Choice,
    /// New and changed insurances.
    pub coverage: Choice,
    /// Documents that patients send.
    pub document: Choice,
    /// Whether a letter says that a request was decided.
    pub letters: bool,
}

impl Default for Reviews {
    fn default() -> Self {
        Self {
            profile: Choice::Review,
            coverage: Choice::Review,
            document: Choice::Review,
            letters: true,
        }
    }
}

/// Reads the settings of reviews.
///
/// # Errors
/// One sentence that names the key.
pub(super) fn resolve<'t>(text: &impl Fn(&str) -> &'t str) -> Result<Reviews, String> {
    let choice = |key: &str| choice(key, text(key));
    Ok(Reviews {
        profile: choice("review_profile")?,
        coverage: choice("review_coverage")?,
        document: choice("review_document")?,
        letters: yes("review_letters", text("review_letters"))?,
    })
}

/// One choice.
fn choice(key: &str, text: &str) -> Result<Choice, String> {
    match text {
        "automatic" => Ok(Choice::Automatic),
        "review" => Ok(Choice::Review),
        "forbidden" => Ok(Choice::Forbidden),
        _ => Err(format!(
            "{key} = \"{text}\" is none of automatic, review and forbidden"
        )),
    }
}
