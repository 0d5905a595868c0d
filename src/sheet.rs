//! Printed sheets: a letter from the practice with a login and a one-time password, as PDF (F017, F019).

pub mod form;
pub mod summary;
mod text;

use krilla::Document;
use krilla::action::Action;
use krilla::action::LinkAction;
use krilla::annotation::Annotation;
use krilla::annotation::LinkAnnotation;
use krilla::annotation::Target;
use krilla::color::rgb;
use krilla::geom::PathBuilder;
use krilla::geom::Rect;
use krilla::metadata::Metadata;
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::paint::FillRule;
use krilla::surface::Surface;
use qrcodegen::QrCode;
use qrcodegen::QrCodeEcc;

use crate::domain::language::Language;
use crate::domain::refusal::Fault;
use crate::words;
use text::Cut;
use text::Fonts;

/// A colour: red, green, blue.
type Ink = [u8; 3];

/// The colours of a sheet, as the pages have them: text, what stands back, accent, box.
const INK: Ink = [22, 38, 42];
const SOFT: Ink = [76, 95, 98];
const ACCENT: Ink = [13, 100, 96];
const TINT: Ink = [238, 243, 242];
const WHITE: Ink = [255, 255, 255];

/// White around everything, in points.
const MARGIN: f32 = 64.0;

/// The side of the square code with the portal's address.
const CODE: f32 = 92.0;

/// The paper of a practice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paper {
    /// 210 by 297 mm.
    A4,
    /// 8.5 by 11 inches.
    Letter,
}

impl Paper {
    /// The paper of a time zone: Letter in North America, A4 elsewhere.
    pub fn of_zone(zone: &str) -> Self {
        let letter = ["America/", "US/", "Canada/", "Pacific/Honolulu"];
        match letter.iter().any(|place| zone.starts_with(place)) {
            true => Self::Letter,
            false => Self::A4,
        }
    }

    const fn size(self) -> (f32, f32) {
        match self {
            Self::A4 => (595.28, 841.89),
            Self::Letter => (612.0, 792.0),
        }
    }
}

/// What stands on a sheet.
#[derive(Clone, PartialEq, Eq)]
pub struct Sheet {
    /// The practice's name.
    pub practice: String,
    /// Where it is and how it is called, one line each; may be empty.
    pub address: Vec<String>,
    /// Whom it is for.
    pub patient: String,
    /// The day, as written there.
    pub date: String,
    /// Where the portal is.
    pub portal: String,
    /// What the patient types.
    pub username: String,
    /// The password in clear.
    pub password: String,
    /// The lasting name of the account.
    pub account: String,
    /// Whether another password has to be chosen at the first login.
    pub must_change: bool,
    /// In which language.
    pub language: Language,
    /// On which paper.
    pub paper: Paper,
}

/// A sheet as PDF.
///
/// # Errors
/// A fault where a font cannot be read or the file cannot be put together.
pub fn pdf(sheet: &Sheet) -> Result<Vec<u8>, Fault> {
    let fonts = Fonts::load()?;
    let (width, height) = sheet.paper.size();
    let settings = PageSettings::from_wh(width, height)
        .ok_or_else(|| Fault::new("laying out a sheet", "the paper has no size"))?;
    let said = |english: &str| words::said(sheet.language, english).into_owned();
    let mut document = Document::new();
    document.set_metadata(
        Metadata::new()
            .title(said("Your login for the patient portal"))
            .authors(vec![sheet.practice.clone()])
            .creator("Anteroom".to_owned())
            .language(sheet.language.tag().to_owned()),
    );
    let mut page = document.start_page_with(settings);
    let link = drawn(page.surface(), &fonts, sheet);
    if let Some(area) = link {
        let target = Target::Action(Action::Link(LinkAction::new(sheet.portal.clone())));
        page.add_annotation(Annotation::new_link(
            LinkAnnotation::new(area, target),
            None,
        ));
    }
    page.finish();
    document
        .finish()
        .map_err(|error| Fault::new("writing a sheet", format!("{error:?}")))
}

/// Draws all of it; where the link is.
fn drawn(surface: Surface<'_>, fonts: &Fonts, sheet: &Sheet) -> Option<Rect> {
    let (width, height) = sheet.paper.size();
    let mut pen = Pen {
        surface,
        fonts,
        width: width - 2.0 * MARGIN,
        y: MARGIN,
    };
    head(&mut pen, sheet);
    let link = login(&mut pen, sheet);
    steps(&mut pen, sheet);
    foot(&mut pen, sheet, height);
    pen.surface.finish();
    link
}

/// Where the next line goes.
struct Pen<'a> {
    surface: Surface<'a>,
    fonts: &'a Fonts,
    width: f32,
    y: f32,
}

/// How a text looks: size in points, cut, colour.
type Look = (f32, Cut, Ink);

const BODY: Look = (10.5, Cut::Regular, INK);
const SMALL: Look = (9.0, Cut::Regular, SOFT);

impl Pen<'_> {
    fn fill(&mut self, colour: Ink) {
        let [red, green, blue] = colour;
        self.surface.set_fill(Some(Fill {
            paint: rgb::Color::new(red, green, blue).into(),
            opacity: NormalizedF32::ONE,
            rule: FillRule::NonZero,
        }));
    }

    fn rect(&mut self, (x, y): (f32, f32), (width, height): (f32, f32), colour: Ink) {
        let Some(rect) = Rect::from_xywh(x, y, width, height) else {
            return;
        };
        let mut path = PathBuilder::new();
        path.push_rect(rect);
        if let Some(path) = path.finish() {
            self.fill(colour);
            self.surface.draw_path(&path);
        }
    }

    /// One line whose baseline is at `y`.
    fn line(&mut self, (x, y): (f32, f32), text: &str, (size, cut, colour): Look) {
        self.fill(colour);
        self.fonts
            .draw(&mut self.surface, (x, y), text, (size, cut));
    }

    /// A text in as many lines as it takes, from where the pen is; the pen is below it then.
    fn paragraph(&mut self, (x, width): (f32, f32), text: &str, look: Look) {
        let (size, cut, _) = look;
        for line in self.fonts.lines(text, width, (size, cut)) {
            self.y += size * 1.45;
            self.line((x, self.y), &line, look);
        }
    }
}

fn head(pen: &mut Pen<'_>, sheet: &Sheet) {
    let right = MARGIN + pen.width;
    let name = (17.0, Cut::Bold, ACCENT);
    pen.paragraph((MARGIN, pen.width * 0.62), &sheet.practice.clone(), name);
    let mut y = MARGIN + 4.0;
    for line in &sheet.address {
        y += 12.5;
        let width = pen.fonts.width(line, (9.0, Cut::Regular));
        pen.line((right - width, y), line, SMALL);
    }
    pen.y = pen.y.max(y) + 12.0;
    pen.rect((MARGIN, pen.y), (pen.width, 1.5), ACCENT);
    pen.y += 26.0;
    let width = pen.fonts.width(&sheet.date, (10.5, Cut::Regular));
    pen.line((right - width, pen.y + 11.0), &sheet.date, BODY);
    pen.paragraph(
        (MARGIN, pen.width * 0.7),
        &sheet.patient,
        (10.5, Cut::Bold, INK),
    );
    pen.y += 26.0;
    let said = |english: &str| words::said(sheet.language, english).into_owned();
    let title = said("Your login for the patient portal");
    pen.paragraph((MARGIN, pen.width), &title, (15.0, Cut::Bold, INK));
    pen.y += 6.0;
    let first = said(
        "In our patient portal you can see your record, ask for appointments and write to us. The same login works for health apps that you allow to read your record.",
    );
    pen.paragraph((MARGIN, pen.width), &first, BODY);
    pen.y += 18.0;
}

/// The box with the login; where the link in it is.
fn login(pen: &mut Pen<'_>, sheet: &Sheet) -> Option<Rect> {
    let said = |english: &str| words::said(sheet.language, english).into_owned();
    let top = pen.y;
    let (left, inner) = (MARGIN + 18.0, pen.width - 36.0 - CODE - 24.0);
    let secret = match sheet.must_change {
        true => "One-time password",
        false => "Password",
    };
    let rows = [
        (said("Address of the portal"), &sheet.portal, 11.0),
        (said("Username"), &sheet.username, 13.0),
        (said(secret), &sheet.password, 15.0),
        (said("Account number"), &sheet.account, 10.5),
    ];
    let heights = rows.each_ref().map(|(_, value, size)| {
        let lines = pen.fonts.lines(value, inner, (*size, Cut::Bold)).len();
        14.0 + size * 1.45 * f32::from(u16::try_from(lines).unwrap_or(1)) + 9.0
    });
    let height = heights.iter().sum::<f32>() + 22.0;
    pen.rect((MARGIN, top), (pen.width, height), TINT);
    pen.rect((MARGIN, top), (4.0, height), ACCENT);
    pen.y = top + 10.0;
    let mut link = None;
    for ((label, value, size), row) in rows.iter().zip(heights) {
        let begin = pen.y;
        pen.line((left, begin + 12.0), label, SMALL);
        pen.y = begin + 12.0;
        pen.paragraph((left, inner), value, (*size, Cut::Bold, INK));
        if link.is_none() {
            link = Rect::from_ltrb(left, begin + 14.0, left + inner, pen.y + 4.0);
        }
        pen.y = begin + row;
    }
    code(pen, (MARGIN + pen.width - 18.0 - CODE, top + 18.0), sheet);
    pen.y = top + height + 22.0;
    link
}

/// An address as a square code, in SVG; `None` for one too long for it.
pub fn code_svg(address: &str) -> Option<String> {
    let code = QrCode::encode_text(address, QrCodeEcc::Medium).ok()?;
    let side = code.size();
    let mut path = String::new();
    for row in 0..side {
        for column in 0..side {
            if code.get_module(column, row) {
                path.push_str(&format!("M{column},{row}h1v1h-1z"));
            }
        }
    }
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\"><path d=\"{path}\"/></svg>"
    ))
}

/// The square code with the portal's address; an address too long for one has none.
fn code(pen: &mut Pen<'_>, (left, top): (f32, f32), sheet: &Sheet) {
    let Ok(code) = QrCode::encode_text(&sheet.portal, QrCodeEcc::Medium) else {
        return;
    };
    pen.rect((left - 6.0, top - 6.0), (CODE + 12.0, CODE + 12.0), WHITE);
    let modules = u16::try_from(code.size()).unwrap_or(1);
    let side = CODE / f32::from(modules);
    let mut path = PathBuilder::new();
    for row in 0..modules {
        for column in 0..modules {
            if !code.get_module(i32::from(column), i32::from(row)) {
                continue;
            }
            let place = (left + side * f32::from(column), top + side * f32::from(row));
            if let Some(rect) = Rect::from_xywh(place.0, place.1, side, side) {
                path.push_rect(rect);
            }
        }
    }
    if let Some(path) = path.finish() {
        pen.fill(INK);
        pen.surface.draw_path(&path);
    }
    let under = words::said(sheet.language, "Scan to open the portal").into_owned();
    let look = (7.5, Cut::Regular, SOFT);
    for (line, text) in (1_u8..).zip(pen.fonts.lines(&under, CODE + 12.0, (7.5, Cut::Regular))) {
        let width = pen.fonts.width(&text, (7.5, Cut::Regular));
        let x = left + (CODE - width) / 2.0;
        pen.line((x, top + CODE + 8.0 + 10.0 * f32::from(line)), &text, look);
    }
}

fn steps(pen: &mut Pen<'_>, sheet: &Sheet) {
    let said = |english: &str| words::said(sheet.language, english).into_owned();
    pen.paragraph(
        (MARGIN, pen.width),
        &said("What to do next"),
        (12.0, Cut::Bold, INK),
    );
    pen.y += 4.0;
    let choose = match sheet.must_change {
        true => {
            "Choose your own username and password. The one-time password above does not work any more then."
        }
        false => "Keep this password in a safe place. You can change it at any time in the portal.",
    };
    let steps = [
        "Open the address above in a browser, or scan the square code with a phone.",
        "Type the username and the password exactly as they are printed. Capital and small letters count.",
        choose,
        "Then destroy this sheet. Nobody at the practice will ever ask you for your password.",
    ];
    for (number, step) in (1_u8..).zip(steps) {
        let begin = pen.y;
        let look = (10.5, Cut::Bold, ACCENT);
        pen.line((MARGIN, begin + 10.5 * 1.45), &format!("{number}."), look);
        pen.paragraph((MARGIN + 20.0, pen.width - 20.0), &said(step), BODY);
        pen.y += 4.0;
    }
    pen.y += 14.0;
    let title = said("Is this not yours?");
    pen.paragraph((MARGIN, pen.width), &title, (12.0, Cut::Bold, INK));
    pen.y += 4.0;
    let text = said(
        "If this sheet reached you by mistake, or somebody else may have seen it, please call the practice. We make the login useless at once and give the right person another one.",
    );
    pen.paragraph((MARGIN, pen.width), &text, BODY);
}

fn foot(pen: &mut Pen<'_>, sheet: &Sheet, height: f32) {
    let y = height - MARGIN + 8.0;
    pen.rect((MARGIN, y - 16.0), (pen.width, 0.75), SOFT);
    let text = words::said(sheet.language, "Confidential: for the person named above.");
    pen.line((MARGIN, y), &text, (8.0, Cut::Regular, SOFT));
    let width = pen.fonts.width(&sheet.practice, (8.0, Cut::Regular));
    let x = MARGIN + pen.width - width;
    pen.line((x, y), &sheet.practice, (8.0, Cut::Regular, SOFT));
}

#[cfg(test)]
mod tests;
