//! Who works at Harbor Street.

use crate::demo::book::Book;
use crate::demo::book::Row;
use crate::demo::practice::ANNEX;
use crate::demo::practice::MAIN;

/// `users.id` of the service account whose name portal notes carry.
const PORTAL_USER: i64 = 2;

/// A member of staff.
pub(super) struct Colleague {
    /// `users.id`
    pub(super) id: i64,
    /// Login name and mailbox key.
    pub(super) username: &'static str,
    /// Title, first name, last name and suffix.
    pub(super) name: [&'static str; 4],
    /// What they do: `users.specialty`.
    pub(super) does: &'static str,
    /// NPI, empty for those who do not treat.
    pub(super) npi: &'static str,
    /// `users.taxonomy`, NUCC's provider code.
    pub(super) taxonomy: &'static str,
    /// Last two digits of the extension's number.
    pub(super) extension: &'static str,
    /// Whether patients may write to them: `users.portal_user`.
    pub(super) writable: i64,
    /// Where they mostly are.
    pub(super) facility: i64,
    /// Their group in OpenEMR's access control.
    pub(super) group: &'static str,
    /// The login shown in the manifest, if this account is for trying things out.
    pub(super) login: Option<Login>,
}

/// A login of the manifest.
pub(super) struct Login {
    /// The password.
    pub(super) password: &'static str,
    /// Its hash as OpenEMR would have stored it.
    pub(super) hash: &'static str,
    /// Roles, in the manifest's words.
    pub(super) roles: &'static [&'static str],
}

/// `users.id` of the practice manager.
pub(super) const MANAGER: i64 = 1;
/// `users.id` of Dr. Lee, every day from 8 to 5.
pub(super) const LEE: i64 = 4;
/// `users.id` of nurse practitioner Mensah, every day from 9 to 5:30, soon on vacation.
pub(super) const MENSAH: i64 = 5;
/// `users.id` of Dr. Fischer, Tuesdays and Thursdays in Rockport.
pub(super) const FISCHER: i64 = 6;

/// The staff. NPIs have a valid check digit and were never given out.
pub(super) const STAFF: [Colleague; 6] = [
    Colleague {
        id: MANAGER,
        username: "nhaddad",
        name: ["Ms.", "Nadia", "Haddad", ""],
        does: "Practice manager",
        npi: "",
        taxonomy: "",
        extension: "02",
        writable: 1,
        facility: MAIN,
        group: "admin",
        login: Some(Login {
            password: "Front-Office-1",
            hash: "$2y$10$K6Zy71KSFtMzdI5qk6sigeGtcR/baQgmL.frf.1OdPY9CKX04HXqC",
            roles: &["portal-admin"],
        }),
    },
    Colleague {
        id: LEE,
        username: "dlee",
        name: ["Dr.", "Donna", "Lee", "MD"],
        does: "Family Medicine",
        npi: "1000000012",
        taxonomy: "207Q00000X",
        extension: "10",
        writable: 1,
        facility: MAIN,
        group: "doc",
        login: Some(Login {
            password: "Tide-Tables-4",
            hash: "$2y$10$I8fZMETiHqIVH238HVTTBuI4G2vm6ubhJBf8pYz3LGmEnfanxA6wu",
            roles: &["clinician"],
        }),
    },
    Colleague {
        id: MENSAH,
        username: "amensah",
        name: ["", "Abena", "Mensah", "FNP-BC"],
        does: "Family Nurse Practitioner",
        npi: "1000000020",
        taxonomy: "363LF0000X",
        extension: "11",
        writable: 1,
        facility: MAIN,
        group: "clin",
        login: None,
    },
    Colleague {
        id: FISCHER,
        username: "rfischer",
        name: ["Dr.", "Rubén", "Fischer", "DO"],
        does: "Physical Medicine & Rehabilitation",
        npi: "1000000038",
        taxonomy: "208100000X",
        extension: "12",
        writable: 0,
        facility: ANNEX,
        group: "doc",
        login: None,
    },
    Colleague {
        id: 7,
        username: "tbanks",
        name: ["Mr.", "Tobias", "Banks", ""],
        does: "Front desk",
        npi: "",
        taxonomy: "",
        extension: "03",
        writable: 1,
        facility: MAIN,
        group: "front",
        login: Some(Login {
            password: "Front-Desk-7",
            hash: "$2y$10$TKoMZEbZCZBlRpnAOIaXae1NpnSOU9Xc6IkN7MZwg757Wf4EU3KrK",
            roles: &["portal-user"],
        }),
    },
    Colleague {
        id: 8,
        username: "jpark",
        name: ["Ms.", "Jin", "Park", ""],
        does: "Billing",
        npi: "",
        taxonomy: "",
        extension: "04",
        writable: 0,
        facility: MAIN,
        group: "back",
        login: Some(Login {
            password: "Back-Office-8",
            hash: "$2y$10$YQqsowkc1wAK18LEe4yQdecud8x3Hp4DQzdPHW3Aut0kI.bwHXOLW",
            roles: &[],
        }),
    },
];

impl Colleague {
    /// First and last name.
    pub(super) fn display(&self) -> String {
        let [_, first, last, _] = self.name;
        format!("{first} {last}")
    }
}

/// Everybody, with their logins, OpenEMR's service accounts and one entry of the address book.
pub(super) fn write(book: &mut Book<'_>) {
    for person in &STAFF {
        book.add_known(colleague(person), ("id", person.id));
        if let Some(login) = &person.login {
            secure(book, person, login);
        }
    }
    for (id, username) in [(PORTAL_USER, "portal-user"), (3, "oe-system")] {
        let row = Row::of("users")
            .numbers([
                ("id", id),
                ("authorized", 0),
                ("active", 0),
                ("see_auth", 1),
            ])
            .texts([("username", username), ("password", "NoLogin")]);
        book.add_known(row, ("id", id));
    }
    specialist(book);
}

fn colleague(person: &Colleague) -> Row {
    let [title, first, last, suffix] = person.name;
    let treats = i64::from(!person.npi.is_empty());
    let house = match person.facility {
        ANNEX => "Harbor Street Family Medicine at Rockport",
        _ => "Harbor Street Family Medicine",
    };
    Row::of("users")
        .numbers([
            ("id", person.id),
            ("authorized", treats),
            ("active", 1),
            ("calendar", treats),
            ("see_auth", 1),
            ("portal_user", person.writable),
            ("facility_id", person.facility),
        ])
        .texts([
            ("username", person.username),
            ("password", "NoLongerUsed"),
            ("title", title),
            ("fname", first),
            ("mname", ""),
            ("lname", last),
            ("suffix", suffix),
            ("specialty", person.does),
            ("npi", person.npi),
            ("taxonomy", person.taxonomy),
            ("facility", house),
            ("info", ""),
        ])
        .set(
            "email",
            format!("{}@harborstreet.example.com", person.username),
        )
        .set("phonew1", format!("978-555-01{}", person.extension))
        .texts([
            ("fax", "978-555-0101"),
            ("street", "48 Harbor Street"),
            ("city", "Gloucester"),
            ("state", "MA"),
            ("zip", "01930"),
        ])
        .newer("country_code", "USA")
}

/// Passwords of staff are in a table of their own.
fn secure(book: &mut Book<'_>, person: &Colleague, login: &Login) {
    let row = Row::of("users_secure")
        .numbers([("id", person.id)])
        .texts([("username", person.username), ("password", login.hash)])
        .set("last_update_password", book.now)
        .set("last_update", book.now);
    book.add(row);
}

/// Somebody of the address book: a `users` row without a login name, whom no patient should meet as staff.
fn specialist(book: &mut Book<'_>) {
    let row = Row::of("users")
        .numbers([("id", 9), ("authorized", 0), ("active", 1), ("see_auth", 1)])
        .texts([
            ("username", ""),
            ("title", "Dr."),
            ("fname", "Ingrid"),
            ("lname", "Solheim"),
            ("suffix", "MD"),
            ("specialty", "Cardiology"),
            ("organization", "North Shore Heart Group"),
            ("abook_type", "spe"),
            ("npi", "1234567893"),
            ("phonew1", "978-555-0190"),
            ("street", "200 Hospital Drive"),
            ("city", "Beverly"),
            ("state", "MA"),
            ("zip", "01915"),
        ]);
    book.add_known(row, ("id", 9));
}
