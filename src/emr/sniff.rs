//! What a file is, told from its own bytes. Only kinds that are taken are known: whatever a browser would run or show as
//! a page (HTML, SVG, scripts), programs, archives and office documents with macros are none of them.

/// The media type of the bytes; `None` for nothing that is taken.
pub(super) fn kind(bytes: &[u8]) -> Option<&'static str> {
    let at = |offset: usize, mark: &[u8]| {
        bytes
            .get(offset..)
            .is_some_and(|rest| rest.starts_with(mark))
    };
    match bytes {
        _ if at(0, b"%PDF-") => Some("application/pdf"),
        _ if at(0, b"\x89PNG\r\n\x1a\n") => Some("image/png"),
        _ if at(0, b"\xff\xd8\xff") => Some("image/jpeg"),
        _ if at(0, b"GIF87a") || at(0, b"GIF89a") => Some("image/gif"),
        _ if at(0, b"II*\0") || at(0, b"MM\0*") => Some("image/tiff"),
        _ if at(0, b"RIFF") && at(8, b"WEBP") => Some("image/webp"),
        _ if at(4, b"ftyp") => still(bytes.get(8..12)?),
        _ if at(128, b"DICM") => Some("application/dicom"),
        _ if at(0, b"{\\rtf") => Some("application/rtf"),
        _ if at(0, b"PK\x03\x04") => office(bytes),
        _ => text(bytes),
    }
}

/// The brands of HEIF that are still pictures; the others are films.
fn still(brand: &[u8]) -> Option<&'static str> {
    matches!(brand, b"heic" | b"heix" | b"heim" | b"heis" | b"mif1").then_some("image/heic")
}

/// The three kinds of office document, without macros. Names in an archive stand in it as they are.
fn office(bytes: &[u8]) -> Option<&'static str> {
    let has = |name: &[u8]| bytes.windows(name.len()).any(|part| part == name);
    if has(b"vbaProject") || has(b"Basic/") {
        return None;
    }
    let kinds: [(&[u8], &str); 5] = [
        (
            b"word/document.xml",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        (
            b"xl/workbook.xml",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
        (
            b"ppt/presentation.xml",
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        ),
        (
            b"mimetypeapplication/vnd.oasis.opendocument.text",
            "application/vnd.oasis.opendocument.text",
        ),
        (
            b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet",
            "application/vnd.oasis.opendocument.spreadsheet",
        ),
    ];
    let known = kinds.into_iter().find(|(name, _)| has(name));
    known.map(|(_, kind)| kind)
}

/// Plain text, or a clinical document in XML. Text in which a browser that guesses would see a page is neither.
fn text(bytes: &[u8]) -> Option<&'static str> {
    let text = str::from_utf8(bytes).ok()?;
    let control =
        |letter: char| letter.is_control() && !matches!(letter, '\t' | '\n' | '\r' | '\u{c}');
    if text.is_empty() || text.contains(control) || text.starts_with("#!") {
        return None;
    }
    let text = text.trim_start_matches(['\u{feff}', ' ', '\t', '\n', '\r', '\u{c}']);
    if text.starts_with("<?xml") || text.starts_with("<ClinicalDocument") {
        let root = root(text)?;
        return (root == "ClinicalDocument" && !text.contains("<?xml-stylesheet"))
            .then_some("application/xml");
    }
    // Wherever it stands: a browser looks at the beginning only, but a mail program or a viewer may not.
    let lower = text.to_ascii_lowercase();
    let active = [
        "<!doctype",
        "<html",
        "<head",
        "<body",
        "<script",
        "<iframe",
        "<svg",
        "<math",
        "<object",
        "<embed",
        "<style",
        "<link",
        "<meta",
        "<base",
        "<form",
        "<img",
        "<?php",
        "<%",
    ];
    let page = text.starts_with('<') || active.iter().any(|mark| lower.contains(mark));
    (!page).then_some("text/plain")
}

/// The name of the first element, behind declaration and comments. A document type is refused with everything else.
fn root(text: &str) -> Option<&str> {
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        rest = match rest {
            _ if rest.starts_with("<?") => rest.split_once("?>")?.1,
            _ if rest.starts_with("<!--") => rest.split_once("-->")?.1,
            _ => break,
        };
    }
    let name = rest.strip_prefix('<')?;
    let end = name.find(|letter: char| letter.is_whitespace() || matches!(letter, '>' | '/'))?;
    let name = &name[..end];
    Some(name.rsplit(':').next().unwrap_or(name))
}

/// What a file without a name is called, by its kind.
pub(super) fn ending(kind: &str) -> &'static str {
    match kind {
        "application/pdf" => "pdf",
        "image/png" => "png",
        "image/jpeg" => "jpg",
        "image/gif" => "gif",
        "image/tiff" => "tiff",
        "image/webp" => "webp",
        "image/heic" => "heic",
        "application/dicom" => "dcm",
        "application/rtf" => "rtf",
        "application/xml" => "xml",
        "text/plain" => "txt",
        kind if kind.ends_with("wordprocessingml.document") => "docx",
        kind if kind.ends_with("spreadsheetml.sheet") => "xlsx",
        kind if kind.ends_with("presentationml.presentation") => "pptx",
        kind if kind.ends_with("opendocument.text") => "odt",
        kind if kind.ends_with("opendocument.spreadsheet") => "ods",
        _ => "bin",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_people_send_are_known_by_their_bytes() {
        for (bytes, found) in [
            (b"%PDF-1.7\n...".as_slice(), "application/pdf"),
            (b"\x89PNG\r\n\x1a\n\0\0", "image/png"),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"),
            (b"GIF89a=1;alert(1)", "image/gif"),
            (b"II*\0\x08", "image/tiff"),
            (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
            (b"\0\0\0\x18ftypheic\0\0", "image/heic"),
            (b"{\\rtf1\\ansi", "application/rtf"),
            (
                b"PK\x03\x04....word/document.xml",
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            ),
            (
                "Blood pressure: 120/80 \u{2713}\r\n".as_bytes(),
                "text/plain",
            ),
            (b"a < b and b > c", "text/plain"),
            (
                b"<?xml version=\"1.0\"?>\n<!-- x --><ClinicalDocument xmlns=\"urn:hl7-org:v3\">",
                "application/xml",
            ),
        ] {
            assert_eq!(kind(bytes), Some(found));
            assert_ne!(ending(found), "bin", "{found}");
        }
    }

    #[test]
    fn case_169_what_runs_or_shows_as_a_page_is_not_taken() {
        for bytes in [
            b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>1</script></svg>".as_slice(),
            b"<?xml version=\"1.0\"?><svg onload=\"1\">",
            b"<?xml version=\"1.0\"?><html xmlns=\"http://www.w3.org/1999/xhtml\">",
            b"<?xml version=\"1.0\"?><!DOCTYPE x><ClinicalDocument>",
            b"<?xml version=\"1.0\"?><?xml-stylesheet href=\"x\"?><ClinicalDocument >",
            b"  \n<!DOCTYPE html><p>hi",
            b"\xef\xbb\xbf<html>",
            b"hello <ScRiPt>alert(1)</script>",
            b"<p>hello",
            b"+ADw-script+AD4-\0",
            b"MZ\x90\0\x03",
            b"\x7fELF\x02",
            b"#!/bin/sh\nrm -rf /",
            b"<?php echo 1;",
            b"PK\x03\x04....classes.dex",
            b"PK\x03\x04....word/document.xml...word/vbaProject.bin",
            b"\xff\xfe<\0s\0c\0r\0i\0p\0t\0",
            b"\0\0\0\x18ftypmp42",
            b"caf\xe9",
            b"",
        ] {
            assert_eq!(kind(bytes), None, "{:?}", String::from_utf8_lossy(bytes));
        }
    }
}
