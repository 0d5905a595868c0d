//! A patient's record to read and to print: titles with lines below them, over as many pages as it takes.

use krilla::Document;
use krilla::metadata::Metadata;
use krilla::page::PageSettings;
use krilla::surface::Surface;

use super::ACCENT;
use super::BODY;
use super::Fonts;
use super::INK;
use super::Look;
use super::MARGIN;
use super::Paper;
use super::Pen;
use super::SMALL;
use super::SOFT;
use super::text::Cut;

use crate::domain::language::Language;
use crate::domain::refusal::Fault;
use crate::words;

/// How wide the first column is.
const FIRST: f32 = 140.0;

/// Lines of one entry at most: nothing is longer than a page.
const MOST_LINES: usize = 20;

const TITLE: Look = (12.5, Cut::Bold, ACCENT);

const LABEL: (f32, Cut) = (9.5, Cut::Regular);
const VALUE: (f32, Cut) = (10.0, Cut::Regular);

/// What stands in a summary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The practice's name.
    pub practice: String,
    /// Where it is and how it is called, one line each; may be empty.
    pub address: Vec<String>,
    /// Whose record.
    pub patient: String,
    /// The day, as written there.
    pub date: String,
    /// Its parts, in order.
    pub parts: Vec<Part>,
    /// In which language.
    pub language: Language,
    /// On which paper.
    pub paper: Paper,
}

/// A part of a summary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its title, in English.
    pub title: &'static str,
    /// What it tells: a label or a date and the words beside it, in the language of the summary.
    pub lines: Vec<(String, String)>,
    /// How many lines more there are than are shown.
    pub more: usize,
}

/// What is drawn in one go.
enum Item {
    Title(String),
    Line(Vec<String>, Vec<String>),
    Note(String),
}

impl Item {
    fn height(&self) -> f32 {
        let tall = |lines: usize, size: f32| {
            f32::from(u16::try_from(lines).unwrap_or(u16::MAX)) * size * 1.45
        };
        match self {
            // With the first line below it.
            Self::Title(_) => 60.0,
            Self::Line(label, value) => {
                tall(label.len(), LABEL.0).max(tall(value.len(), VALUE.0)) + 5.0
            }
            Self::Note(_) => 18.0,
        }
    }
}

/// A summary as PDF.
///
/// # Errors
/// A fault where a font cannot be read or the file cannot be put together.
pub fn pdf(summary: &Summary) -> Result<Vec<u8>, Fault> {
    laid(summary).map(|(bytes, _)| bytes)
}

/// The same, and on how many pages.
fn laid(summary: &Summary) -> Result<(Vec<u8>, u32), Fault> {
    let fonts = Fonts::load()?;
    let (width, height) = summary.paper.size();
    let said = |english: &str| words::said(summary.language, english).into_owned();
    let mut document = Document::new();
    document.set_metadata(
        Metadata::new()
            .title(said("Your health record"))
            .authors(vec![summary.practice.clone()])
            .creator("Anteroom".to_owned())
            .language(summary.language.tag().to_owned()),
    );
    let items = items(&fonts, summary, width - 2.0 * MARGIN);
    let mut rest = items.as_slice();
    let mut number: u32 = 1;
    loop {
        let settings = PageSettings::from_wh(width, height)
            .ok_or_else(|| Fault::new("laying out a summary", "the paper has no size"))?;
        let mut page = document.start_page_with(settings);
        rest = filled(page.surface(), &fonts, (summary, number), rest);
        page.finish();
        if rest.is_empty() {
            break;
        }
        number += 1;
    }
    let bytes = document
        .finish()
        .map_err(|error| Fault::new("writing a summary", format!("{error:?}")))?;
    Ok((bytes, number))
}

/// Draws one page; what is left for the next.
fn filled<'i>(
    surface: Surface<'_>,
    fonts: &Fonts,
    (summary, number): (&Summary, u32),
    mut rest: &'i [Item],
) -> &'i [Item] {
    let (width, height) = summary.paper.size();
    let mut pen = Pen {
        surface,
        fonts,
        width: width - 2.0 * MARGIN,
        y: MARGIN,
    };
    if number == 1 {
        head(&mut pen, summary);
    }
    let top = pen.y;
    while let Some((item, after)) = rest.split_first() {
        let fits = pen.y + item.height() <= height - MARGIN - 24.0;
        if !fits && pen.y > top {
            break;
        }
        drawn(&mut pen, item);
        rest = after;
    }
    foot(&mut pen, (summary, number), height);
    pen.surface.finish();
    rest
}

fn items(fonts: &Fonts, summary: &Summary, width: f32) -> Vec<Item> {
    let said = |english: &str| words::said(summary.language, english).into_owned();
    let mut items = Vec::new();
    for part in &summary.parts {
        items.push(Item::Title(said(part.title)));
        if part.lines.is_empty() {
            items.push(Item::Note(said("Nothing is recorded here.")));
        }
        for (label, value) in &part.lines {
            let mut label = fonts.lines(label, FIRST - 12.0, LABEL);
            let mut value = fonts.lines(value, width - FIRST, VALUE);
            label.truncate(MOST_LINES);
            value.truncate(MOST_LINES);
            items.push(Item::Line(label, value));
        }
        if part.more > 0 {
            let text = format!("{} more are not shown here.", part.more);
            items.push(Item::Note(said(&text)));
        }
    }
    items
}

fn drawn(pen: &mut Pen<'_>, item: &Item) {
    match item {
        Item::Title(text) => {
            pen.y += 14.0;
            pen.paragraph((MARGIN, pen.width), text, TITLE);
            pen.y += 4.0;
            pen.rect((MARGIN, pen.y), (pen.width, 0.75), SOFT);
            pen.y += 4.0;
        }
        Item::Line(label, value) => {
            let top = pen.y;
            let mut y = top;
            for line in label {
                y += LABEL.0 * 1.45;
                pen.line((MARGIN, y), line, (LABEL.0, LABEL.1, SOFT));
            }
            let mut below = top;
            for line in value {
                below += VALUE.0 * 1.45;
                pen.line((MARGIN + FIRST, below), line, (VALUE.0, VALUE.1, INK));
            }
            pen.y = y.max(below) + 5.0;
        }
        Item::Note(text) => pen.paragraph((MARGIN, pen.width), text, SMALL),
    }
}

fn head(pen: &mut Pen<'_>, summary: &Summary) {
    let right = MARGIN + pen.width;
    let said = |english: &str| words::said(summary.language, english).into_owned();
    let name = (17.0, Cut::Bold, ACCENT);
    pen.paragraph((MARGIN, pen.width * 0.62), &summary.practice, name);
    let mut y = MARGIN + 4.0;
    for line in &summary.address {
        y += 12.5;
        let width = pen.fonts.width(line, (9.0, Cut::Regular));
        pen.line((right - width, y), line, SMALL);
    }
    pen.y = pen.y.max(y) + 12.0;
    pen.rect((MARGIN, pen.y), (pen.width, 1.5), ACCENT);
    pen.y += 20.0;
    let title = said("Your health record");
    pen.paragraph((MARGIN, pen.width), &title, (15.0, Cut::Bold, INK));
    pen.paragraph((MARGIN, pen.width), &summary.patient, BODY);
    let day = said(&format!("As of {}", summary.date));
    pen.paragraph((MARGIN, pen.width), &day, SMALL);
}

fn foot(pen: &mut Pen<'_>, (summary, number): (&Summary, u32), height: f32) {
    let y = height - MARGIN + 8.0;
    let look = (8.0, Cut::Regular, SOFT);
    pen.rect((MARGIN, y - 16.0), (pen.width, 0.75), SOFT);
    let text = words::said(
        summary.language,
        "Confidential: for the person named above.",
    );
    pen.line((MARGIN, y), &text, look);
    let page = number.to_string();
    let width = pen.fonts.width(&page, (8.0, Cut::Regular));
    pen.line((MARGIN + pen.width - width, y), &page, look);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_goes_over_as_many_pages_as_it_takes() {
        let line = |number: usize| (format!("2026-11-{number}"), "Donna Lee, ".repeat(25));
        let summary = |lines| Summary {
            practice: "Harbor Street".to_owned(),
            address: vec!["1 Harbor Street".to_owned()],
            patient: "Ana Núñez".to_owned(),
            date: "2026-11-21".to_owned(),
            parts: vec![
                Part {
                    title: "Visits",
                    lines: (0..lines).map(line).collect(),
                    more: 3,
                },
                Part {
                    title: "Messages",
                    lines: Vec::new(),
                    more: 0,
                },
            ],
            language: Language::English,
            paper: Paper::A4,
        };
        let pages = |lines| {
            let (bytes, pages) = laid(&summary(lines)).expect("a summary");
            assert!(bytes.starts_with(b"%PDF-"));
            pages
        };
        assert_eq!(pages(1), 1);
        assert!(pages(60) > 2);
    }
}
