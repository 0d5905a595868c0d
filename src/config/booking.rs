//! How visits are asked for: the practice's choices of portal rules A.5.

use time::Duration;

use super::whole;
use super::yes;
use crate::domain::scope::Token;

/// What a visit that was called off does to its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelledTime {
    /// It stays taken until staff delete the visit, as in OpenEMR (OpenEMR facts 2.7, a).
    Blocks,
    /// It can be had again.
    Frees,
}

/// When a day ends that no Out Of Office ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenEnd {
    /// With OpenEMR's `schedule_end`.
    Schedule,
    /// At midnight, as in OpenEMR's own search (OpenEMR facts 2.7, b).
    Midnight,
}

/// Which categories a request is confirmed in at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirm {
    /// Every one.
    All,
    /// These, as codes; none where staff look at each request.
    Of(Vec<String>),
}

/// How visits are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booking {
    /// Least time between asking and the visit.
    pub notice: Duration,
    /// How far ahead time can be asked for.
    pub ahead: Duration,
    /// How many requests of a patient may wait at once; `None` for any number.
    pub open: Option<u32>,
    /// How long a time is held for somebody who is about to ask for it.
    pub hold: Duration,
    /// What is confirmed at once.
    pub confirm: Confirm,
    /// What a visit that was called off does to its time.
    pub cancelled: CancelledTime,
    /// When a day ends that nobody ended.
    pub open_end: OpenEnd,
    /// Whether patients are told by letter what becomes of their visits.
    pub letters: bool,
}

impl Default for Booking {
    fn default() -> Self {
        Self {
            notice: Duration::ZERO,
            ahead: Duration::days(365),
            open: None,
            hold: Duration::minutes(5),
            confirm: Confirm::Of(Vec::new()),
            cancelled: CancelledTime::Blocks,
            open_end: OpenEnd::Schedule,
            letters: true,
        }
    }
}

impl Booking {
    /// Whether a request in a category of this code is confirmed at once.
    pub fn confirms(&self, code: &str) -> bool {
        match &self.confirm {
            Confirm::All => true,
            Confirm::Of(codes) => codes.iter().any(|known| known == code),
        }
    }
}

/// Reads the settings of booking.
///
/// # Errors
/// One sentence that names the key.
pub(super) fn resolve<'t>(text: &impl Fn(&str) -> &'t str) -> Result<Booking, String> {
    let number = |key: &str, bounds| {
        let number = whole(key, text(key), bounds)?;
        Ok::<i64, String>(i64::from(number))
    };
    let open = whole(
        "booking_open_requests",
        text("booking_open_requests"),
        0..=1_000,
    )?;
    Ok(Booking {
        notice: Duration::hours(number("booking_notice_hours", 0..=8_760)?),
        ahead: Duration::days(number("booking_ahead_days", 1..=730)?),
        open: Some(open).filter(|open| *open > 0),
        hold: Duration::minutes(number("booking_hold_minutes", 1..=60)?),
        confirm: confirm(text("booking_confirm")),
        cancelled: match text("booking_cancelled_time") {
            "blocks" => CancelledTime::Blocks,
            "frees" => CancelledTime::Frees,
            other => {
                return Err(format!(
                    "booking_cancelled_time = \"{other}\" is none of blocks and frees"
                ));
            }
        },
        open_end: match text("booking_open_end") {
            "schedule" => OpenEnd::Schedule,
            "midnight" => OpenEnd::Midnight,
            other => {
                return Err(format!(
                    "booking_open_end = \"{other}\" is none of schedule and midnight"
                ));
            }
        },
        letters: yes("booking_letters", text("booking_letters"))?,
    })
}

fn confirm(text: &str) -> Confirm {
    let codes = text.split([' ', ',']).filter(|code| !code.is_empty());
    let codes: Vec<String> = codes.map(|code| Token::of(code).code).collect();
    match codes.iter().any(|code| code == "all") {
        true => Confirm::All,
        false => Confirm::Of(codes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn categories_are_confirmed_by_code_or_all() {
        let some = Booking {
            confirm: confirm("office_visit, 17"),
            ..Booking::default()
        };
        assert!(some.confirms("office_visit") && some.confirms("17"));
        assert!(!some.confirms("new_patient"));
        assert_eq!(confirm("all"), Confirm::All);
        assert!(!Booking::default().confirms("office_visit"));
    }
}
