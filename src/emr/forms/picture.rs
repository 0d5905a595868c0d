//! The picture of a signature: an SVG this house makes itself, of strokes or of a name, which OpenEMR's screens show as they
//! show their own. Nothing that was sent stands in it but numbers and escaped letters. Of a PNG, as OpenEMR's own portal
//! keeps one, only the ink is taken.

use std::io::Cursor;

use png::Decoder;
use png::Limits;
use png::Transformations;

use crate::crypto;
use crate::emr::forms::written::escaped;
use crate::portal::form::Signature;
use crate::sheet::form::Drawing;

const BEGIN: &str = "data:image/svg+xml;base64,";
const PNG: &str = "data:image/png;base64,";

/// Letters of a PNG's text at most; OpenEMR's column takes fewer.
const LONGEST: usize = 1 << 20;
/// Points of a PNG across or down, and in all, at most.
const WIDEST: u32 = 4_000;
const MOST: u32 = 4_000_000;
/// What decoding may take beside the points.
const ROOM: usize = 8 << 20;
/// Points across and down that are drawn at most; of a larger one several become one.
const ACROSS: u32 = 800;
const DOWN: u32 = 400;
/// Lines of ink at most: no signature has as many, and a photograph is none.
const LINES: usize = 20_000;
/// How dark ink is at least, of 255.
const DARK: u32 = 80;

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

/// What is drawn in a PNG; `None` for any other picture, and for one that is too large, or empty.
pub(super) fn ink(picture: &str) -> Option<Drawing> {
    let text = picture.strip_prefix(PNG);
    let text = text.filter(|text| text.len() <= LONGEST)?;
    let bytes = Cursor::new(crypto::from_base64(text)?);
    let mut decoder = Decoder::new_with_limits(bytes, Limits { bytes: ROOM });
    decoder.set_transformations(Transformations::normalize_to_color8() | Transformations::ALPHA);
    let (width, height) = decoder.read_header_info().ok()?.size();
    if width.min(height) == 0 || width.max(height) > WIDEST || width * height > MOST {
        return None;
    }
    let mut reader = decoder.read_info().ok()?;
    let mut points = vec![0; reader.output_buffer_size()?];
    let frame = reader.next_frame(&mut points).ok()?;
    let step = width.div_ceil(ACROSS).max(height.div_ceil(DOWN)).max(1);
    let size = (width.div_ceil(step), height.div_ceil(step));
    let across = usize::try_from(size.0).ok()?;
    let step = usize::try_from(step).ok()?;
    let mut cells = vec![false; across * usize::try_from(size.1).ok()?];
    for (y, line) in points.chunks_exact(frame.line_size).enumerate() {
        for (x, point) in line.chunks_exact(frame.color_type.samples()).enumerate() {
            if is_ink(point) {
                cells[y / step * across + x / step] = true;
            }
        }
    }
    let mut runs = Vec::new();
    for (y, row) in cells.chunks_exact(across).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|one, next| one == next) {
            if run.first() == Some(&true) {
                runs.push((
                    u16::try_from(x).ok()?,
                    u16::try_from(y).ok()?,
                    u16::try_from(run.len()).ok()?,
                ));
            }
            x += run.len();
        }
    }
    let size = (u16::try_from(size.0).ok()?, u16::try_from(size.1).ok()?);
    let drawn = !runs.is_empty() && runs.len() <= LINES;
    drawn.then_some(Drawing { size, runs })
}

/// Whether a point, whose last part is how much it covers, is dark on white paper.
fn is_ink(point: &[u8]) -> bool {
    let Some((covers, colours)) = point.split_last() else {
        return false;
    };
    let light: u32 = match colours {
        [red, green, blue] => {
            (u32::from(*red) * 299 + u32::from(*green) * 587 + u32::from(*blue) * 114) / 1_000
        }
        [grey] => u32::from(*grey),
        _ => return false,
    };
    (255 - light) * u32::from(*covers) / 255 >= DARK
}

#[cfg(test)]
mod tests {
    use png::BitDepth;
    use png::ColorType;
    use png::Encoder;

    use super::*;

    /// A PNG of these points as a data URI.
    fn png((width, height): (u32, u32), colour: ColorType, points: &[u8]) -> String {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, width, height);
        encoder.set_color(colour);
        encoder.set_depth(BitDepth::Eight);
        let mut writer = encoder.write_header().expect("a header");
        writer.write_image_data(points).expect("points");
        writer.finish().expect("an end");
        format!("{PNG}{}", crypto::base64(&bytes))
    }

    #[test]
    fn f157_the_ink_of_a_png_is_read_and_no_other_picture() {
        // A browser's canvas: nothing where nothing was drawn, and half a point at the edge of a stroke.
        let (clear, full, edge) = ([0, 0, 0, 0], [20, 30, 90, 255], [20, 30, 90, 60]);
        let points = [clear, full, full, edge, full, clear, clear, full];
        let canvas = png((4, 2), ColorType::Rgba, &points.concat());
        let drawn = Drawing {
            size: (4, 2),
            runs: vec![(1, 0, 2), (0, 1, 1), (3, 1, 1)],
        };
        assert_eq!(ink(&canvas), Some(drawn));
        // On white paper, and in grey.
        let paper = [[255, 255, 255], [0, 0, 0]].concat();
        let (right, left) = ((1, 0, 1), (0, 0, 1));
        let runs = |picture: &str| ink(picture).map(|drawing| drawing.runs);
        assert_eq!(
            runs(&png((2, 1), ColorType::Rgb, &paper)),
            Some(vec![right])
        );
        assert_eq!(
            runs(&png((2, 1), ColorType::Grayscale, &[0, 255])),
            Some(vec![left])
        );
        for none in [
            png((2, 1), ColorType::Grayscale, &[255, 255]),
            png((4_001, 1), ColorType::Grayscale, &[0; 4_001]),
            png((2_100, 2_000), ColorType::Grayscale, &vec![0; 4_200_000]),
            canvas.replace("image/png", "image/jpeg"),
            canvas[..canvas.len() - 40].to_owned(),
            format!("{PNG}AAAA"),
            of(&Signature::default()),
            String::new(),
        ] {
            assert_eq!(ink(&none), None, "{}", &none[..none.len().min(60)]);
        }
    }

    #[test]
    fn f157_a_large_picture_becomes_a_small_one_and_a_photograph_none() {
        let mut points = vec![255; 1_700 * 10];
        points[1_700 * 4 + 1_650] = 0;
        let large = ink(&png((1_700, 10), ColorType::Grayscale, &points)).expect("ink");
        assert_eq!((large.size, large.runs), ((567, 4), vec![(550, 1, 1)]));
        let points: Vec<u8> = (0..400 * 400)
            .map(|at| if (at + at / 400) % 2 == 0 { 0 } else { 255 })
            .collect();
        assert_eq!(ink(&png((400, 400), ColorType::Grayscale, &points)), None);
    }

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
