//! `Range` and `If-Range` (RFC 9110, 13.1.5 and 14): one range of bytes. Whoever asks for several gets everything, which
//! the standard lets a server do.

use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::header::IF_RANGE;
use axum::http::header::RANGE;

/// What of the bytes is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Range {
    /// All of them.
    Whole,
    /// From the first to the last, both included.
    Part(u64, u64),
    /// Something behind the end.
    Beyond,
}

/// The range a request asks for. A condition that does not hold, or one that is not understood, makes it all.
pub(super) fn asked(
    headers: &HeaderMap,
    length: u64,
    (etag, modified): (&str, Option<&HeaderValue>),
) -> Range {
    let text = |value: Option<&HeaderValue>| {
        value
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let mut ranges = headers.get_all(RANGE).iter();
    let (Some(range), None) = (text(ranges.next()), ranges.next()) else {
        return Range::Whole;
    };
    if headers.contains_key(IF_RANGE) {
        let condition = text(headers.get(IF_RANGE)).unwrap_or_default();
        let date = text(modified);
        let same = condition.trim() == etag || date.is_some_and(|date| date == condition.trim());
        if !same {
            return Range::Whole;
        }
    }
    of(&range, length)
}

fn of(text: &str, length: u64) -> Range {
    let Some((unit, spec)) = text.split_once('=') else {
        return Range::Whole;
    };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Range::Whole;
    }
    let Some((first, last)) = spec.trim().split_once('-') else {
        return Range::Whole;
    };
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // A number too large for us is behind every end.
        digits.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    match (first, number(first), last, number(last)) {
        ("", _, _, Some(0)) => Range::Beyond,
        ("", _, _, Some(_)) if length == 0 => Range::Beyond,
        ("", _, _, Some(count)) => Range::Part(length.saturating_sub(count), length - 1),
        (_, Some(first), "", _) if first < length => Range::Part(first, length - 1),
        (_, Some(_), "", _) => Range::Beyond,
        (_, Some(first), _, Some(last)) if first > last => Range::Whole,
        (_, Some(first), _, Some(last)) if first < length => {
            Range::Part(first, last.min(length - 1))
        }
        (_, Some(_), _, Some(_)) => Range::Beyond,
        _ => Range::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_range() {
        for (text, range) in [
            ("bytes=0-0", Range::Part(0, 0)),
            ("bytes=0-", Range::Part(0, 9)),
            ("bytes=2-5", Range::Part(2, 5)),
            ("bytes=2-99", Range::Part(2, 9)),
            ("bytes=-3", Range::Part(7, 9)),
            ("bytes=-99", Range::Part(0, 9)),
            ("bytes=-0", Range::Beyond),
            ("bytes=10-", Range::Beyond),
            ("bytes=10-12", Range::Beyond),
            ("bytes=99999999999999999999-", Range::Beyond),
            ("bytes=5-2", Range::Whole),
            ("bytes=0-1,4-5", Range::Whole),
            ("bytes=", Range::Whole),
            ("bytes=-", Range::Whole),
            ("bytes=a-b", Range::Whole),
            ("bytes=+1-2", Range::Whole),
            ("lines=0-1", Range::Whole),
            ("0-1", Range::Whole),
        ] {
            assert_eq!(of(text, 10), range, "{text}");
        }
        assert_eq!(of("bytes=0-", 0), Range::Beyond);
        assert_eq!(of("bytes=-1", 0), Range::Beyond);
    }

    #[test]
    fn a_condition_that_does_not_hold_makes_it_all() {
        let date = HeaderValue::from_static("Sat, 21 Nov 2026 20:00:00 GMT");
        let ask = |condition: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(RANGE, HeaderValue::from_static("bytes=1-2"));
            headers.insert(IF_RANGE, HeaderValue::from_static(condition));
            asked(&headers, 10, ("\"a\"", Some(&date)))
        };
        assert_eq!(ask("\"a\""), Range::Part(1, 2));
        assert_eq!(ask("Sat, 21 Nov 2026 20:00:00 GMT"), Range::Part(1, 2));
        assert_eq!(ask("\"b\""), Range::Whole);
        assert_eq!(ask("W/\"a\""), Range::Whole);
        assert_eq!(ask("Sat, 21 Nov 2026 19:00:00 GMT"), Range::Whole);
    }
}
