//! Sheets that are put together, in each language and on each paper.

use super::*;

fn sheet(patient: &str) -> Sheet {
    Sheet {
        practice: "Harbor Street Family Practice".to_owned(),
        address: vec![
            "100 Harbor Street".to_owned(),
            "Gloucester, MA 01930".to_owned(),
            "978-555-0100".to_owned(),
        ],
        patient: patient.to_owned(),
        date: "2026-11-28".to_owned(),
        portal: "https://portal.harborstreet.example".to_owned(),
        username: "maria.delgado@example.com".to_owned(),
        password: "kT7#mQ2x@bRw".to_owned(),
        account: "MaríaDelgado1".to_owned(),
        must_change: true,
        language: Language::English,
        paper: Paper::Letter,
    }
}

#[test]
fn f017_a_sheet_is_one_page_of_pdf_on_either_paper() {
    for paper in [Paper::A4, Paper::Letter] {
        for language in [Language::English, Language::Spanish] {
            let made = Sheet {
                paper,
                language,
                ..sheet("María José Delgado")
            };
            let bytes = pdf(&made).expect("a sheet");
            assert!(bytes.starts_with(b"%PDF-"), "{paper:?}");
            // Fonts are cut to what is used.
            assert!(bytes.len() < 120_000, "{}", bytes.len());
        }
    }
    assert_eq!(Paper::of_zone("America/New_York"), Paper::Letter);
    assert_eq!(Paper::of_zone("Europe/Lisbon"), Paper::A4);
}

#[test]
fn every_script_of_names_has_a_font() {
    let fonts = Fonts::load().expect("fonts");
    for name in [
        "Nguyễn Thị Hồng",
        "Łukasz Żółć",
        "Αλέξανδρος",
        "Ғабит Ұлы",
        "محمد عبد الله",
        "שרה לוי",
        "प्रिया शर्मा",
        "สมชาย",
        "Արամ",
        "ნინო",
        "ሰላም",
        "O’Connor-Brânză",
    ] {
        assert!(fonts.has(name), "{name}");
        let bytes = pdf(&sheet(name)).expect(name);
        assert!(bytes.starts_with(b"%PDF-"), "{name}");
    }
}

#[test]
fn a_text_of_any_length_stays_in_its_width() {
    let fonts = Fonts::load().expect("fonts");
    let look = (10.5, Cut::Regular);
    let long = "x".repeat(300);
    for text in [
        "a few words that fill more than a line of this width",
        &long,
    ] {
        let lines = fonts.lines(text, 120.0, look);
        assert!(lines.len() > 1);
        for line in &lines {
            assert!(fonts.width(line, look) <= 120.0, "{line}");
        }
        assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""));
    }
}
