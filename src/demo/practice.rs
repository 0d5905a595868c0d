//! The practice itself: its settings, its two houses, its drawers for documents.

use sqlx::FromRow;

use crate::db::Db;
use crate::db::sql::Sql;
use crate::demo::book::Book;
use crate::demo::book::Row;
use crate::demo::book::id_of;
use crate::demo::people::TRIBE;
use crate::domain::refusal::Answer;

/// `facility.id` of the practice; OpenEMR's own seed row has the same number.
pub(super) const MAIN: i64 = 3;

/// `facility.id` of the second house.
pub(super) const ANNEX: i64 = 4;

/// The settings an administrator saved; the rest have OpenEMR's defaults (facts 1.19).
const SETTINGS: [(&str, &str); 20] = [
    ("openemr_name", "Harbor Street Family Medicine"),
    ("portal_onsite_two_enable", "1"),
    (
        "portal_onsite_two_address",
        "https://portal.harborstreet.example.com",
    ),
    ("enforce_signin_email", "0"),
    ("portal_force_credential_reset", "0"),
    ("portal_two_pass_reset", "1"),
    ("allow_portal_appointments", "1"),
    ("allow_portal_uploads", "1"),
    ("portal_timeout", "1800"),
    ("calendar_interval", "15"),
    ("schedule_start", "8"),
    ("schedule_end", "17"),
    ("weekend_days", "6,0"),
    ("document_storage_method", "0"),
    ("drive_encryption", "1"),
    ("rest_fhir_api", "1"),
    ("EMAIL_METHOD", "SMTP"),
    (
        "patient_reminder_sender_name",
        "Harbor Street Family Medicine",
    ),
    (
        "patient_reminder_sender_email",
        "no-reply@harborstreet.example.com",
    ),
    (
        "practice_return_email_path",
        "office@harborstreet.example.com",
    ),
];

/// Drawers the practice added to OpenEMR's own, with their LOINC document types.
const DRAWERS: [(&str, &str); 3] = [
    ("Progress Notes", "LOINC:11506-3"),
    ("Imaging", "LOINC:18748-4"),
    ("Discharge Summary", "LOINC:18842-5"),
];

/// Document types the practice gave to OpenEMR's own drawers.
const CODES: [(&str, &str); 4] = [
    ("Lab Report", "LOINC:11502-2"),
    ("Medical Record", "LOINC:11503-0"),
    ("Advance Directive", "LOINC:42348-3"),
    ("CCDA", "LOINC:34133-9"),
];

/// The drawers are a nested set: those at the end of the root's span can be added without moving any other.
const SPAN: &str = "SELECT CAST(MAX(id) AS SIGNED) AS last_id, CAST(MAX(rght) AS SIGNED) AS root_end \
    FROM categories";

const SPAN_SET: &str = "UPDATE categories SET rght = ? WHERE id = 1";

const CODE_SET: &str = "UPDATE categories SET codes = ? WHERE name = ? AND parent = 1";

/// The numbers the next drawers get.
#[derive(Clone, Copy, FromRow)]
pub(super) struct Span {
    last_id: i64,
    root_end: i64,
}

impl Span {
    /// Reads where the drawers end.
    ///
    /// # Errors
    /// As [`Db::all`].
    pub(super) async fn read(db: &Db) -> Answer<Self> {
        let span: Option<Self> = db.one(Sql::new(SPAN)).await?;
        Ok(span.unwrap_or(Self {
            last_id: 0,
            root_end: 0,
        }))
    }

    /// The number of the practice's own drawer with this name.
    pub(super) fn drawer(self, name: &str) -> Option<i64> {
        let place = DRAWERS.iter().position(|(known, _)| *known == name)?;
        Some(self.last_id + 1 + i64::try_from(place).unwrap_or_default())
    }
}

/// Settings, houses and drawers. `zone` is the IANA name.
pub(super) fn write(book: &mut Book<'_>, zone: &str, span: Span) {
    for (name, value) in SETTINGS.into_iter().chain([("gbl_time_zone", zone)]) {
        book.add(
            Row::of("globals")
                .texts([("gl_name", name), ("gl_value", value)])
                .numbers([("gl_index", 0)]),
        );
    }
    if book.layout.has("patient_data", "tribal_affiliations") {
        tribe(book);
    }
    houses(book);
    drawers(book, span);
    insurers(book);
}

/// Insurance companies: number, name, and the code of what kind of payment it is (Source of Payment Typology).
const INSURERS: [(i64, &str, i64); 2] = [
    (1, "Commonwealth Harbor Health Plan", 5),
    (2, "Medicare Part B, Massachusetts", 1),
];

fn insurers(book: &mut Book<'_>) {
    for (number, name, kind) in INSURERS {
        let row = Row::of("insurance_companies")
            .numbers([("id", number), ("inactive", 0)])
            .texts([("name", name)])
            .newer("cqm_sop", kind);
        book.add_known(row, ("id", number));
    }
}

/// OpenEMR's list of tribes is long; the practice has the one its patients belong to.
fn tribe(book: &mut Book<'_>) {
    let title = "Paiute-Shoshone Tribe of the Fallon Reservation and Colony, Nevada";
    book.add(
        Row::of("list_options")
            .texts([
                ("list_id", "tribal_affiliations"),
                ("option_id", TRIBE),
                ("title", title),
                ("notes", "187"),
            ])
            .numbers([("seq", 10), ("activity", 1)]),
    );
}

/// The annex has no uuid yet: OpenEMR's filler, or ours, gives it one.
fn houses(book: &mut Book<'_>) {
    let main = house(MAIN, 1)
        .texts([
            ("name", "Harbor Street Family Medicine"),
            ("street", "48 Harbor Street"),
            ("city", "Gloucester"),
            ("postal_code", "01930"),
            ("phone", "978-555-0100"),
            ("fax", "978-555-0101"),
            ("email", "office@harborstreet.example.com"),
            ("website", "https://harborstreet.example.com"),
            ("facility_npi", "1000000111"),
            ("federal_ein", "00-0000111"),
            ("domain_identifier", "22D9999990"),
            ("oid", "2.25.178530129437205612"),
        ])
        .newer("organization_type", "prov");
    book.add_known(main, ("id", MAIN));
    let location = id_of("facility/location", MAIN);
    book.add(
        Row::of("uuid_mapping")
            .set("uuid", location)
            .set("target_uuid", id_of("facility", MAIN))
            .texts([("resource", "Location"), ("table", "facility")])
            .set("created", book.now),
    );
    book.register(location, ("facility", "id"), [0, 1]);
    book.add(house(ANNEX, 0).texts([
        ("name", "Harbor Street Family Medicine at Rockport"),
        ("street", "7 Granite Pier Road"),
        ("city", "Rockport"),
        ("postal_code", "01966"),
        ("phone", "978-555-0150"),
        ("fax", "978-555-0151"),
        ("email", "rockport@harborstreet.example.com"),
        ("facility_npi", "1000000129"),
    ]));
}

fn house(number: i64, primary: i64) -> Row {
    Row::of("facility")
        .numbers([
            ("id", number),
            ("service_location", 1),
            ("billing_location", primary),
            ("accepts_assignment", 1),
            ("pos_code", 11),
            ("primary_business_entity", primary),
        ])
        .texts([
            ("state", "MA"),
            ("country_code", "USA"),
            ("facility_taxonomy", "261QP2300X"),
            ("tax_id_type", "EI"),
            ("color", "#99FFFF"),
            ("attn", "Billing"),
        ])
        .newer("inactive", 0_i64)
}

fn drawers(book: &mut Book<'_>, span: Span) {
    let mut left = span.root_end;
    for (name, codes) in DRAWERS {
        book.add(
            Row::of("categories")
                .set("id", span.drawer(name))
                .texts([("name", name), ("value", ""), ("aco_spec", "patients|docs")])
                .numbers([("parent", 1), ("lft", left), ("rght", left + 1)])
                .newer("codes", codes),
        );
        left += 2;
    }
    book.run(Sql::new(SPAN_SET).bind(left));
    if book.layout.has("categories", "codes") {
        for (name, codes) in CODES {
            book.run(Sql::new(CODE_SET).bind(codes).bind(name));
        }
    }
}
