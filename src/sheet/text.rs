//! Text on a sheet: which font has a letter, how wide a line is, where it breaks.

use krilla::geom::Point;
use krilla::surface::Surface;
use krilla::text::Font;
use krilla::text::TextDirection;
use rustybuzz::Face;
use rustybuzz::UnicodeBuffer;

use crate::domain::refusal::Fault;

/// A font of `fonts/`, in the binary.
macro_rules! font {
    ($name:literal) => {
        include_bytes!(concat!("fonts/", $name, ".ttf"))
    };
}

const REGULAR: &[u8] = font!("NotoSans-Regular");

const BOLD: &[u8] = font!("NotoSans-Bold");

/// The scripts of names beside Latin, Greek and Cyrillic.
const OTHERS: [&[u8]; 7] = [
    font!("NotoSansArabic-Regular"),
    font!("NotoSansHebrew-Regular"),
    font!("NotoSansDevanagari-Regular"),
    font!("NotoSansThai-Regular"),
    font!("NotoSansArmenian-Regular"),
    font!("NotoSansGeorgian-Regular"),
    font!("NotoSansEthiopic-Regular"),
];

/// The cut of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Plain.
    Regular,
    /// What has to be found.
    Bold,
}

struct One {
    font: Font,
    face: Face<'static>,
}

/// The fonts of a sheet: the two cuts, then those of other scripts.
pub(super) struct Fonts(Vec<One>);

impl Fonts {
    /// Reads them.
    pub(super) fn load() -> Result<Self, Fault> {
        let mut all = Vec::with_capacity(2 + OTHERS.len());
        for bytes in [REGULAR, BOLD].into_iter().chain(OTHERS) {
            let font = Font::new(bytes.to_vec().into(), 0);
            let face = Face::from_slice(bytes, 0);
            let (Some(font), Some(face)) = (font, face) else {
                return Err(Fault::new("reading a font", "it is no TrueType font"));
            };
            all.push(One { font, face });
        }
        Ok(Self(all))
    }

    /// The font of a letter: the cut that is asked for, else the first that has it.
    fn of(&self, letter: char, cut: Cut) -> usize {
        let wanted = match cut {
            Cut::Regular => 0,
            Cut::Bold => 1,
        };
        let has = |index: &usize| {
            let one = self.0.get(*index);
            one.is_some_and(|one| one.face.glyph_index(letter).is_some())
        };
        let others = 2..self.0.len();
        let mut all = std::iter::once(wanted).chain(others);
        all.find(has).unwrap_or(wanted)
    }

    /// Whether some font has every letter of a text.
    #[cfg(test)]
    pub(super) fn has(&self, text: &str) -> bool {
        let known = |letter: char| {
            let mut all = self.0.iter();
            all.any(|one| one.face.glyph_index(letter).is_some())
        };
        text.chars().all(known)
    }

    /// A text in pieces that are each of one font. Blanks and marks go with what they follow.
    fn pieces(&self, text: &str, cut: Cut) -> Vec<(usize, String)> {
        let mut pieces: Vec<(usize, String)> = Vec::new();
        for letter in text.chars() {
            let font = self.of(letter, cut);
            match pieces.last_mut() {
                Some((last, piece)) if *last == font || self.goes_on(*last, letter) => {
                    piece.push(letter);
                }
                _ => pieces.push((font, letter.to_string())),
            }
        }
        pieces
    }

    /// Whether a letter that belongs to no script may stay with the font before it.
    fn goes_on(&self, font: usize, letter: char) -> bool {
        let one = self.0.get(font);
        !letter.is_alphanumeric() && one.is_some_and(|one| one.face.glyph_index(letter).is_some())
    }

    /// How wide a text is.
    pub(super) fn width(&self, text: &str, (size, cut): (f32, Cut)) -> f32 {
        let pieces = self.pieces(text, cut);
        let widths = pieces
            .iter()
            .map(|(font, piece)| self.advance(*font, piece, size));
        widths.sum()
    }

    fn advance(&self, font: usize, piece: &str, size: f32) -> f32 {
        let Some(one) = self.0.get(font) else {
            return 0.0;
        };
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(piece);
        buffer.guess_segment_properties();
        let glyphs = rustybuzz::shape(&one.face, &[], buffer);
        let units: i32 = glyphs.glyph_positions().iter().map(|at| at.x_advance).sum();
        let units = f32::from(i16::try_from(units.min(30_000)).unwrap_or(0))
            + f32::from(i16::try_from((units - 30_000).clamp(0, 30_000)).unwrap_or(0));
        units * size / f32::from(u16::try_from(one.face.units_per_em()).unwrap_or(1000))
    }

    /// The lines a text takes in a width: broken at blanks, and where a word alone is too long, inside it.
    pub(super) fn lines(&self, text: &str, width: f32, look: (f32, Cut)) -> Vec<String> {
        let mut lines = Vec::new();
        let mut line = String::new();
        for word in text.split_whitespace() {
            let longer = match line.is_empty() {
                true => word.to_owned(),
                false => format!("{line} {word}"),
            };
            if self.width(&longer, look) <= width {
                line = longer;
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            for letter in word.chars() {
                line.push(letter);
                if self.width(&line, look) > width && line.chars().count() > 1 {
                    line.pop();
                    lines.push(std::mem::take(&mut line));
                    line.push(letter);
                }
            }
        }
        if !line.is_empty() {
            lines.push(line);
        }
        lines
    }

    /// Draws one line whose baseline begins at a place.
    pub(super) fn draw(
        &self,
        surface: &mut Surface<'_>,
        (mut x, y): (f32, f32),
        text: &str,
        (size, cut): (f32, Cut),
    ) {
        for (font, piece) in self.pieces(text, cut) {
            let Some(one) = self.0.get(font) else {
                continue;
            };
            let place = Point::from_xy(x, y);
            let direction = TextDirection::Auto;
            surface.draw_text(place, one.font.clone(), size, &piece, false, direction);
            x += self.advance(font, &piece, size);
        }
    }
}
