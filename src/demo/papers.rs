//! Files made in code: a one-page PDF, a small PNG, a continuity-of-care document.

/// Widths and heights of the pictures' sides, in pixels.
const CARD: (usize, usize) = (240, 150);

/// A PDF page with a heading and lines, in Helvetica. Letters outside Windows-1252's Latin part become `?`.
pub(super) fn pdf(heading: &str, lines: &[&str]) -> Vec<u8> {
    let mut content = b"BT /F2 18 Tf 72 720 Td (".to_vec();
    content.extend(pdf_text(heading));
    content.extend(b") Tj /F1 11 Tf 0 -34 Td 16 TL\n");
    for line in lines {
        content.push(b'(');
        content.extend(pdf_text(line));
        content.extend(b") Tj T*\n");
    }
    content.extend(b"ET");
    let mut stream = format!("<< /Length {} >>\nstream\n", content.len()).into_bytes();
    stream.extend(content);
    stream.extend(b"\nendstream");
    let font = |name: &str| {
        format!("<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>")
            .into_bytes()
    };
    let objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] \
          /Resources << /Font << /F1 5 0 R /F2 6 0 R >> >> /Contents 4 0 R >>"
            .to_vec(),
        stream,
        font("Helvetica"),
        font("Helvetica-Bold"),
    ];
    assemble(&objects)
}

/// Numbers the objects, and says where each begins.
fn assemble(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut file = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n".to_vec();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (place, object) in objects.iter().enumerate() {
        table.push_str(&format!("{:010} 00000 n \n", file.len()));
        file.extend(format!("{} 0 obj\n", place + 1).bytes());
        file.extend(object);
        file.extend(b"\nendobj\n");
    }
    let start = file.len();
    file.extend(table.bytes());
    let trailer = format!(
        "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n",
        objects.len() + 1
    );
    file.extend(trailer.bytes());
    file
}

/// The bytes of a PDF string literal.
fn pdf_text(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for letter in text.chars() {
        match u8::try_from(u32::from(letter)) {
            Ok(byte @ (b'(' | b')' | b'\\')) => bytes.extend([b'\\', byte]),
            Ok(byte @ (0x20..=0x7e | 0xa0..)) => bytes.push(byte),
            _ => bytes.push(b'?'),
        }
    }
    bytes
}

/// A picture of an insurance card: bars where the print would be, in eight-bit palette colours.
pub(super) fn card() -> Vec<u8> {
    let (width, height) = CARD;
    let mut pixels = Vec::with_capacity((width + 1) * height);
    for y in 0..height {
        // Each line of a PNG begins with its filter, here none.
        pixels.push(0);
        pixels.extend((0..width).map(|x| colour(x, y)));
    }
    let side = |length: usize| u32::try_from(length).unwrap_or_default().to_be_bytes();
    let mut header = Vec::new();
    header.extend(side(width));
    header.extend(side(height));
    header.extend([8, 3, 0, 0, 0]);
    let palette = [
        0xf4, 0xf1, 0xea, 0x1f, 0x5c, 0x7a, 0xe0, 0x8e, 0x45, 0x55, 0x5b, 0x61,
    ];
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut file, *b"IHDR", &header);
    chunk(&mut file, *b"PLTE", &palette);
    chunk(&mut file, *b"IDAT", &zlib(&pixels));
    chunk(&mut file, *b"IEND", &[]);
    file
}

/// Which of the palette's colours a pixel has.
fn colour(x: usize, y: usize) -> u8 {
    match (x, y) {
        (_, 0..36) => 1,
        (16..52, 52..82) => 2,
        (70..200, 56..62) | (70..170, 72..78) => 3,
        (16..224, 100..104) | (16..190, 114..118) | (16..140, 128..132) => 3,
        _ => 0,
    }
}

fn chunk(file: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    let length = u32::try_from(data.len()).unwrap_or_default();
    file.extend(length.to_be_bytes());
    let start = file.len();
    file.extend(kind);
    file.extend(data);
    let sum = crc32(file.get(start..).unwrap_or_default());
    file.extend(sum.to_be_bytes());
}

/// zlib's wrapping around stored, that is uncompressed, blocks (RFC 1950, RFC 1951 3.2.4).
fn zlib(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let blocks = data.chunks(0xffff);
    let last = blocks.len().saturating_sub(1);
    for (place, block) in blocks.enumerate() {
        let length = u16::try_from(block.len()).unwrap_or_default();
        out.push(u8::from(place == last));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    out.extend(adler32(data).to_be_bytes());
    out
}

fn adler32(data: &[u8]) -> u32 {
    let (low, high) = data.iter().fold((1_u32, 0_u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65521;
        (low, (high + low) % 65521)
    });
    high << 16 | low
}

fn crc32(data: &[u8]) -> u32 {
    let sum = data.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| match sum & 1 {
            1 => sum >> 1 ^ 0xedb8_8320,
            _ => sum >> 1,
        })
    });
    !sum
}

/// A continuity-of-care document: the header and one section, as other systems send them. `day` is `YYYYMMDD`.
pub(super) fn ccd(day: &str) -> Vec<u8> {
    CCD.replace("{day}", day).into_bytes()
}

const CCD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <realmCode code="US"/>
  <typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
  <templateId root="2.16.840.1.113883.10.20.22.1.2" extension="2015-08-01"/>
  <id root="2.25.178530129437205612" extension="ccd-1"/>
  <code code="34133-9" codeSystem="2.16.840.1.113883.6.1" displayName="Summarization of Episode Note"/>
  <title>Continuity of Care Document</title>
  <effectiveTime value="{day}"/>
  <confidentialityCode code="N" codeSystem="2.16.840.1.113883.5.25"/>
  <languageCode code="en-US"/>
  <recordTarget>
    <patientRole>
      <id root="2.25.178530129437205612" extension="HS-10401"/>
      <patient>
        <name><given>María</given><given>José</given><family>Delgado</family></name>
        <administrativeGenderCode code="F" codeSystem="2.16.840.1.113883.5.1"/>
        <birthTime value="19840229"/>
      </patient>
    </patientRole>
  </recordTarget>
  <component>
    <structuredBody>
      <component>
        <section>
          <templateId root="2.16.840.1.113883.10.20.22.2.5.1" extension="2015-08-01"/>
          <code code="11450-4" codeSystem="2.16.840.1.113883.6.1" displayName="Problem list"/>
          <title>Problems</title>
          <text><list><item>Mild persistent asthma</item><item>Seasonal allergic rhinitis</item></list></text>
        </section>
      </component>
    </structuredBody>
  </component>
</ClinicalDocument>
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_standards() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
    }

    #[test]
    fn every_pdf_object_is_where_the_table_says() {
        let file = pdf("Señora (1)", &["a\\b", "Đ"]);
        let text: String = file.iter().map(|byte| char::from(*byte)).collect();
        assert!(text.contains("Se\u{f1}ora \\(1\\)") && text.contains("(a\\\\b)"));
        let table = text.split("xref\n0 7\n").nth(1).expect("a table");
        for (number, line) in (1..=6).zip(table.lines().skip(1)) {
            let at: usize = line[..10].parse().expect("an offset");
            assert!(
                text[..]
                    .chars()
                    .skip(at)
                    .collect::<String>()
                    .starts_with(&format!("{number} 0 obj"))
            );
        }
    }

    #[test]
    fn the_card_is_stored_whole() {
        let file = card();
        assert!(file.starts_with(b"\x89PNG") && file.len() > 241 * 150);
        assert!(file.ends_with(b"IEND\xae\x42\x60\x82"));
    }
}
