//! Tables for spreadsheets (RFC 4180), the same for every list that can be taken away.

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_DISPOSITION;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;

/// Stands before the first line: it tells spreadsheets that this is UTF-8.
pub const MARK: &str = "\u{feff}";

/// A line of a table.
pub fn row(cells: &[String]) -> String {
    let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
    format!("{}\r\n", cells.join(","))
}

/// A table as a file to be kept; `disposition` says its name, as the header of the same name does.
pub fn file(disposition: &'static str, table: Body) -> Response {
    let mut response = Response::new(table);
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("text/csv; charset=utf-8; header=present");
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static(disposition));
    response
}

/// A cell in quotes where it needs them. A spreadsheet takes what begins with one of these marks for a formula, so that a
/// name could do things: an apostrophe makes it text.
fn cell(text: &str) -> String {
    let formula = text.trim_start().starts_with(['=', '+', '-', '@'])
        || text.starts_with(['\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let text = match formula {
        true => format!("'{text}"),
        false => text.to_owned(),
    };
    match formula || text.contains([',', ';', '"', '\r', '\n', '\t']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for (text, expected) in [
            ("Moreno", "Moreno"),
            ("O\"Brien, Jr", "\"O\"\"Brien, Jr\""),
            ("=1+1", "\"'=1+1\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            (" =HYPERLINK(\"x\")", "\"' =HYPERLINK(\"\"x\"\")\""),
            ("\t=1", "\"'\t=1\""),
            ("＝1", "\"'＝1\""),
            ("", ""),
        ] {
            assert_eq!(cell(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_row_ends_where_it_ends() {
        let cells = ["a, b", "=1", "c"].map(str::to_owned);
        assert_eq!(row(&cells), "\"a, b\",\"'=1\",c\r\n");
    }
}
