//! A form that was filled in, as PDF: as many pages as it takes, the signature and what proves it at the end.

use krilla::Document;
use krilla::color::rgb;
use krilla::geom::PathBuilder;
use krilla::geom::Rect;
use krilla::metadata::Metadata;
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::Stroke;
use krilla::surface::Surface;

use super::ACCENT;
use super::BODY;
use super::INK;
use super::Look;
use super::MARGIN;
use super::Paper;
use super::Pen;
use super::SMALL;
use super::SOFT;
use super::text::Cut;
use super::text::Fonts;
use crate::domain::language::Language;
use crate::domain::refusal::Fault;
use crate::words;

/// The drawing of a signature: width and height on the sheet, in points, of a canvas of 800 by 200.
const DRAWN: (f32, f32) = (200.0, 50.0);

/// A line of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// What a section is about.
    Heading(String),
    /// A paragraph.
    Words(String),
    /// A question and its answer.
    Answer(String, String),
    /// A box, and whether it is ticked.
    Box(String, bool),
}

/// The signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The name.
    pub name: String,
    /// What was drawn; empty where the name was typed.
    pub strokes: Vec<Vec<(u16, u16)>>,
    /// When, on the practice's clock.
    pub at: String,
    /// The practice's zone.
    pub zone: String,
    /// Whether it was given at the practice.
    pub witnessed: bool,
    /// The hash of what was signed.
    pub hash: String,
    /// What became of the form since; empty where it is as it was signed.
    pub since: &'static str,
}

/// A signature that OpenEMR's own portal took: nothing here vouches for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// When, on the practice's clock; empty where OpenEMR does not say.
    pub at: String,
    /// The practice's zone.
    pub zone: String,
    /// The hash of its picture, as OpenEMR keeps it.
    pub hash: String,
    /// Its picture; `None` where it cannot be drawn here.
    pub drawing: Option<Drawing>,
}

/// A picture in ink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawing {
    /// Points across and down.
    pub size: (u16, u16),
    /// Its lines of ink: how far from the left, how far from the top, how long.
    pub runs: Vec<(u16, u16, u16)>,
}

/// What stands on the sheet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The practice's name.
    pub practice: String,
    /// The patient's name.
    pub patient: String,
    /// What the form is called.
    pub title: String,
    /// Its lines.
    pub lines: Vec<Line>,
    /// The signature; `None` where there is none yet.
    pub signed: Option<Signed>,
    /// Where there is none, the one OpenEMR took.
    pub elsewhere: Option<Elsewhere>,
    /// In which language our own words are.
    pub language: Language,
    /// On which paper.
    pub paper: Paper,
}

/// Something on a page, with the height it takes.
enum Mark<'a> {
    Text(String, Look, f32),
    Gap(f32),
    Rule,
    Strokes(&'a [Vec<(u16, u16)>]),
    Drawing(&'a Drawing),
}

impl Mark<'_> {
    fn height(&self) -> f32 {
        match self {
            Self::Text(_, (size, ..), _) => size * 1.45,
            Self::Gap(height) => *height,
            Self::Rule => 10.0,
            Self::Strokes(_) | Self::Drawing(_) => DRAWN.1 + 8.0,
        }
    }
}

/// A form as PDF.
///
/// # Errors
/// A fault where a font cannot be read or the file cannot be put together.
pub fn pdf(shown: &Shown) -> Result<Vec<u8>, Fault> {
    let fonts = Fonts::load()?;
    let (width, height) = shown.paper.size();
    let settings = || {
        PageSettings::from_wh(width, height)
            .ok_or_else(|| Fault::new("laying out a form", "the paper has no size"))
    };
    let mut document = Document::new();
    document.set_metadata(
        Metadata::new()
            .title(shown.title.clone())
            .authors(vec![shown.practice.clone()])
            .creator("Anteroom".to_owned())
            .language(shown.language.tag().to_owned()),
    );
    let marks = marks(shown, &fonts, width - 2.0 * MARGIN);
    let mut rest = marks.as_slice();
    let mut number = 1_u32;
    loop {
        let (now, later) = rest.split_at(fitting(rest, height - 2.0 * MARGIN));
        let mut page = document.start_page_with(settings()?);
        drawn(page.surface(), &fonts, (shown, now), (height, number));
        page.finish();
        rest = later;
        number += 1;
        if rest.is_empty() {
            break;
        }
    }
    document
        .finish()
        .map_err(|error| Fault::new("writing a form", format!("{error:?}")))
}

/// Draws a page.
fn drawn(
    surface: Surface<'_>,
    fonts: &Fonts,
    (shown, marks): (&Shown, &[Mark<'_>]),
    (height, number): (f32, u32),
) {
    let (width, _) = shown.paper.size();
    let mut pen = Pen {
        surface,
        fonts,
        width: width - 2.0 * MARGIN,
        y: MARGIN,
    };
    for mark in marks {
        draw(&mut pen, mark);
    }
    foot(&mut pen, shown, (height, number));
    pen.surface.finish();
}

/// How many marks fit on a page: at least one, so that it ends.
fn fitting(marks: &[Mark<'_>], room: f32) -> usize {
    let mut used = 0.0;
    let fits = marks.iter().take_while(|mark| {
        used += mark.height();
        used <= room
    });
    fits.count().max(1).min(marks.len())
}

fn marks<'a>(shown: &'a Shown, fonts: &Fonts, width: f32) -> Vec<Mark<'a>> {
    let said = |english: &str| words::said(shown.language, english).into_owned();
    let mut marks = Vec::new();
    let mut put = |text: &str, look: Look, indent: f32| {
        let (size, cut, _) = look;
        for line in fonts.lines(text, width - indent, (size, cut)) {
            marks.push(Mark::Text(line, look, indent));
        }
    };
    put(&shown.practice, (13.0, Cut::Bold, ACCENT), 0.0);
    put(&shown.title, (17.0, Cut::Bold, INK), 0.0);
    put(&shown.patient, BODY, 0.0);
    marks.push(Mark::Rule);
    for line in &shown.lines {
        let mut put = |text: &str, look: Look, indent: f32| {
            let (size, cut, _) = look;
            for line in fonts.lines(text, width - indent, (size, cut)) {
                marks.push(Mark::Text(line, look, indent));
            }
        };
        match line {
            Line::Heading(text) => put(text, (12.5, Cut::Bold, INK), 0.0),
            Line::Words(text) => put(text, BODY, 0.0),
            Line::Answer(label, answer) => {
                put(label, SMALL, 0.0);
                let answer = match answer.trim() {
                    "" => "–",
                    answer => answer,
                };
                for one in answer.lines() {
                    put(one, (10.5, Cut::Bold, INK), 12.0);
                }
            }
            Line::Box(label, ticked) => {
                let sign = if *ticked { "[x]" } else { "[  ]" };
                put(&format!("{sign} {label}"), BODY, 0.0);
            }
        }
        marks.push(Mark::Gap(5.0));
    }
    let Some(signed) = &shown.signed else {
        if let Some(signed) = &shown.elsewhere {
            marks.push(Mark::Rule);
            let when = match signed.at.as_str() {
                "" => String::new(),
                at => format!(" {at} ({})", signed.zone),
            };
            let what = said("Signed in OpenEMR's own portal; not verified here.");
            let stays = match &signed.drawing {
                Some(drawing) => {
                    marks.push(Mark::Drawing(drawing));
                    None
                }
                None => Some("The picture of the signature stays with the form in OpenEMR."),
            };
            let what = (format!("{what}{when}"), (10.5, Cut::Bold, INK));
            let stays = stays.map(|stays| (said(stays), SMALL));
            let hash = format!("SHA3-512: {}", signed.hash);
            let hash = (hash, (7.0, Cut::Regular, SOFT));
            for (text, look) in [Some(what), stays, Some(hash)].into_iter().flatten() {
                let (size, cut, _) = look;
                for line in fonts.lines(&text, width, (size, cut)) {
                    marks.push(Mark::Text(line, look, 0.0));
                }
            }
            return marks;
        }
        let text = said("Not signed.");
        marks.push(Mark::Gap(10.0));
        marks.push(Mark::Text(text, SMALL, 0.0));
        return marks;
    };
    marks.push(Mark::Rule);
    if !signed.strokes.is_empty() {
        marks.push(Mark::Strokes(&signed.strokes));
    }
    let mut put = |text: &str, look: Look| {
        let (size, cut, _) = look;
        for line in fonts.lines(text, width, (size, cut)) {
            marks.push(Mark::Text(line, look, 0.0));
        }
    };
    put(&signed.name, (13.0, Cut::Bold, INK));
    let how = match (signed.strokes.is_empty(), signed.witnessed) {
        (true, false) => said("Signed electronically by typing the name"),
        (false, false) => said("Signed electronically by drawing"),
        (true, true) => said("Signed at the practice by typing the name"),
        (false, true) => said("Signed at the practice by drawing"),
    };
    put(&format!("{how}: {} ({})", signed.at, signed.zone), SMALL);
    put(
        &format!("SHA3-512: {}", signed.hash),
        (7.0, Cut::Regular, SOFT),
    );
    if !signed.since.is_empty() {
        put(&said(signed.since), (10.5, Cut::Bold, INK));
    }
    marks
}

fn draw(pen: &mut Pen<'_>, mark: &Mark<'_>) {
    match mark {
        Mark::Text(text, look, indent) => {
            let (size, ..) = *look;
            pen.line((MARGIN + indent, pen.y + size * 1.1), text, *look);
        }
        Mark::Gap(_) => {}
        Mark::Rule => {
            let place = (MARGIN, pen.y + 4.0);
            pen.rect(place, (pen.width, 1.0), ACCENT);
        }
        Mark::Strokes(strokes) => stroked(pen, strokes),
        Mark::Drawing(drawing) => inked(pen, drawing),
    }
    pen.y += mark.height();
}

fn inked(pen: &mut Pen<'_>, drawing: &Drawing) {
    let (across, down) = drawing.size;
    let scale = (DRAWN.0 / f32::from(across.max(1))).min(DRAWN.1 / f32::from(down.max(1)));
    let mut path = PathBuilder::new();
    for (x, y, length) in &drawing.runs {
        let (left, top) = (f32::from(*x) * scale, f32::from(*y) * scale);
        let (width, height) = (f32::from(*length) * scale, scale);
        if let Some(rect) = Rect::from_xywh(MARGIN + left, pen.y + top, width, height) {
            path.push_rect(rect);
        }
    }
    if let Some(path) = path.finish() {
        pen.fill(INK);
        pen.surface.draw_path(&path);
    }
}

fn stroked(pen: &mut Pen<'_>, strokes: &[Vec<(u16, u16)>]) {
    let (left, top) = (MARGIN, pen.y);
    let place = |(x, y): (u16, u16)| {
        let across = f32::from(x.min(800)) * DRAWN.0 / 800.0;
        let down = f32::from(y.min(200)) * DRAWN.1 / 200.0;
        (left + across, top + down)
    };
    let mut path = PathBuilder::new();
    for stroke in strokes {
        for (number, point) in stroke.iter().enumerate() {
            let (x, y) = place(*point);
            match number {
                0 => path.move_to(x, y),
                _ => path.line_to(x, y),
            }
        }
    }
    if let Some(path) = path.finish() {
        let [red, green, blue] = INK;
        pen.surface.set_fill(None);
        pen.surface.set_stroke(Some(Stroke {
            paint: rgb::Color::new(red, green, blue).into(),
            width: 1.2,
            opacity: NormalizedF32::ONE,
            ..Stroke::default()
        }));
        pen.surface.draw_path(&path);
        pen.surface.set_stroke(None);
    }
}

fn foot(pen: &mut Pen<'_>, shown: &Shown, (height, number): (f32, u32)) {
    let look = (8.0, Cut::Regular, SOFT);
    let y = height - MARGIN / 2.0;
    let name: String = shown.patient.chars().take(80).collect();
    pen.line((MARGIN, y), &name, look);
    let text = number.to_string();
    let width = pen.fonts.width(&text, (8.0, Cut::Regular));
    pen.line((MARGIN + pen.width - width, y), &text, look);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f157_a_signature_of_openemrs_own_portal_is_told_as_such() {
        let shown = |elsewhere| Shown {
            practice: "Practice".to_owned(),
            patient: "Ana Kim".to_owned(),
            title: "Consent".to_owned(),
            lines: Vec::new(),
            signed: None,
            elsewhere,
            language: Language::English,
            paper: Paper::Letter,
        };
        let signed = Elsewhere {
            at: "2026-11-29 10:00:00".to_owned(),
            zone: "America/New_York".to_owned(),
            hash: "ab".repeat(64),
            drawing: None,
        };
        let fonts = Fonts::load().expect("fonts");
        let words = |shown: &Shown| -> String {
            let marks = marks(shown, &fonts, 5_000.0);
            let text = marks.iter().filter_map(|mark| match mark {
                Mark::Text(text, ..) => Some(text.as_str()),
                _ => None,
            });
            text.collect::<Vec<_>>().join("\n")
        };
        let stays = "The picture of the signature stays with the form in OpenEMR.";
        let number = |number: u32| u16::try_from(number).expect("a small number") + 1;
        let with_picture = shown(Some(Elsewhere {
            drawing: Some(Drawing {
                size: (400, 100),
                runs: (0..4_000)
                    .map(|at| (number(at * 37 % 395), number(at * 53 % 100), number(at % 7)))
                    .collect(),
            }),
            ..signed.clone()
        }));
        let told = words(&with_picture);
        assert!(
            !told.contains(stays) && told.contains(&"ab".repeat(64)),
            "{told}"
        );
        let drawn = marks(&with_picture, &fonts, 500.0);
        let drawn = drawn.iter().filter(|mark| matches!(mark, Mark::Drawing(_)));
        assert_eq!(drawn.count(), 1);
        let bare = shown(Some(signed.clone()));
        let sizes = [&with_picture, &bare].map(|shown| pdf(shown).expect("a PDF").len());
        assert!(sizes[0] > sizes[1] + 4_000, "{sizes:?}");
        let told = words(&bare);
        assert!(told.contains(stays), "{told}");
        assert!(
            told.contains("Signed in OpenEMR's own portal; not verified here. 2026-11-29 10:00:00")
        );
        assert!(
            told.contains(&"ab".repeat(64)) && !told.contains("Not signed."),
            "{told}"
        );
        assert!(words(&shown(None)).contains("Not signed."));
    }

    #[test]
    fn f158_a_long_form_takes_several_pages_and_ends() {
        let shown = Shown {
            practice: "Practice".to_owned(),
            patient: "Ana Kim".to_owned(),
            title: "Consent".to_owned(),
            lines: (0..200)
                .map(|number| {
                    Line::Answer(format!("Question {number}"), "Yes\nand more".to_owned())
                })
                .collect(),
            signed: Some(Signed {
                name: "Ana Kim".to_owned(),
                strokes: vec![vec![(1, 1), (400, 100), (799, 199)]],
                at: "2026-11-29 10:00:00".to_owned(),
                zone: "America/New_York".to_owned(),
                witnessed: true,
                hash: "ab".repeat(64),
                since: "The form was changed after it was signed.",
            }),
            elsewhere: None,
            language: Language::English,
            paper: Paper::Letter,
        };
        let bytes = pdf(&shown).expect("a PDF");
        assert!(bytes.starts_with(b"%PDF"));
        let pages = bytes
            .windows(11)
            .filter(|part| part == b"/Type /Page")
            .count();
        let pages = pages.max(
            bytes
                .windows(10)
                .filter(|part| part == b"/Type/Page")
                .count(),
        );
        assert!(pages > 5, "{pages}");
    }
}
