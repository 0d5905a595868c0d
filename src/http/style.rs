//! `/smart-style.json`: our colours and sizes, for apps that want to look as if they belonged here (SMART App Launch 2.2,
//! "Styling"). They are read from the stylesheet itself, so that the two cannot differ.

use std::sync::LazyLock;

use axum::Json;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use axum::response::Response;
use serde_json::Map;
use serde_json::Value;

const CSS: &str = include_str!("assets/anteroom.css");

/// The properties of SMART 2.2 and where their values stand in the stylesheet.
const PROPERTIES: [(&str, &str); 8] = [
    ("color_background", "--ground"),
    ("color_error", "--bad"),
    ("color_highlight", "--accent"),
    ("color_success", "--good"),
    ("color_text", "--text"),
    ("dim_border_radius", "--round"),
    ("font_family_body", "font-family"),
    ("font_family_heading", "font-family"),
];

/// What the stylesheets say in units that SMART does not have: a backdrop that lets the page shine through, sizes that
/// follow the reader's own.
const FIXED: [(&str, &str); 3] = [
    ("color_modal_backdrop", "#081618"),
    ("dim_font_size", "17px"),
    ("dim_spacing_size", "17px"),
];

static STYLE: LazyLock<Map<String, Value>> = LazyLock::new(|| {
    let found = PROPERTIES
        .iter()
        .filter_map(|(name, property)| Some(((*name).to_owned(), Value::from(value(property)?))));
    let fixed = FIXED.map(|(name, value)| (name.to_owned(), Value::from(value)));
    found.chain(fixed).collect()
});

/// `GET /smart-style.json`
pub async fn smart_style() -> Response {
    let cached = [(CACHE_CONTROL, "public, max-age=300")];
    (cached, Json(&*STYLE)).into_response()
}

/// The value of a property where the stylesheet first names it: in its light colours.
fn value(property: &str) -> Option<&'static str> {
    let lines = CSS.lines().map(str::trim);
    let mut values = lines.filter_map(|line| line.strip_prefix(property)?.strip_prefix(':'));
    Some(values.next()?.trim().trim_end_matches(';'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_style_names_every_property_of_smart_with_a_value_of_its_kind() {
        assert_eq!(STYLE.len(), PROPERTIES.len() + FIXED.len());
        for (name, value) in STYLE.iter() {
            let value = value.as_str().unwrap();
            let hex = |digits: &str| digits.len() == 6 && u32::from_str_radix(digits, 16).is_ok();
            let fits = match name.split('_').next().unwrap() {
                "color" => value.strip_prefix('#').is_some_and(hex),
                "dim" => value
                    .strip_suffix("px")
                    .is_some_and(|number| number.parse::<u8>().is_ok()),
                _ => value.ends_with("sans-serif"),
            };
            assert!(fits, "{name}: {value}");
        }
    }

    #[test]
    fn what_is_fixed_is_what_the_stylesheets_say() {
        // 17 px of the 16 that a reader has who has chosen nothing, and one line of it between paragraphs.
        assert!(CSS.contains("  font-size: 106.25%;"));
        assert!(CSS.contains("p, ul, ol, dl, pre { margin: 0 0 1rem; }"));
        let backdrop = "dialog::backdrop { background: rgb(8 22 24 / 55%); }";
        assert!(include_str!("assets/app.css").contains(backdrop));
        assert_eq!(STYLE["color_modal_backdrop"], "#081618");
    }
}
