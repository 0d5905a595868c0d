//! The picture of a signature: an SVG this house makes itself, of strokes or of a name, which OpenEMR's screens show as they
//! show their own. Nothing that was sent stands in it but numbers and escaped letters.

use crate::crypto;
use crate::emr::forms::written::escaped;
use crate::portal::form::Signature;

const BEGIN: &str = "data:image/svg+xml;base64,";

/// The signature as a data URI.
pub(super) fn of(signature: &Signature) -> String {
    let inside = match signature.strokes() {
        Some(strokes) => {
            let strokes = strokes.iter().map(|stroke| {
                let points: Vec<String> = stroke.iter().map(|(x, y)| format!("{x},{y}")).collect();
                format!("M{}", points.join("L"))
            });
            let path: String = strokes.collect();
            format!(
                "<path d=\"{path}\" fill=\"none\" stroke=\"#16262a\" stroke-width=\"4\" stroke-linecap=\"round\" stroke-linejoin=\"round\"/>"
            )
        }
        None => format!(
            "<text x=\"20\" y=\"120\" font-family=\"cursive\" font-size=\"56\" fill=\"#16262a\">{}</text>",
            escaped(signature.name.trim())
        ),
    };
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 800 200\" width=\"400\" height=\"100\">{inside}</svg>"
    );
    format!("{BEGIN}{}", crypto::base64(svg.as_bytes()))
}

/// The strokes of a picture [`of`] made; nothing for a name, or another picture.
pub(super) fn strokes(picture: &str) -> Vec<Vec<(u16, u16)>> {
    let bytes = picture.strip_prefix(BEGIN).and_then(crypto::from_base64);
    let svg = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    let drawing = svg.as_deref().and_then(|svg| {
        let rest = svg.split("<path d=\"").nth(1)?;
        rest.split('"').next().map(str::to_owned)
    });
    let signature = Signature {
        drawing: drawing.unwrap_or_default(),
        ..Signature::default()
    };
    signature.strokes().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strokes_come_back_and_a_name_is_escaped() {
        let drawn = Signature {
            name: "Ana".to_owned(),
            drawing: "M10,20L11,21L12,22M5,5L6,6".to_owned(),
            agreed: true,
        };
        assert_eq!(strokes(&of(&drawn)), drawn.strokes().expect("strokes"));
        let typed = Signature {
            name: "<script>".to_owned(),
            ..Signature::default()
        };
        let picture = of(&typed);
        assert!(strokes(&picture).is_empty());
        let bytes = crypto::from_base64(picture.trim_start_matches(BEGIN)).expect("base64");
        assert!(String::from_utf8_lossy(&bytes).contains("&lt;script&gt;"));
    }
}
