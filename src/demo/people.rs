//! The patients, one for every state an account can be in (portal rules A.1 and A.2), and one for every kind of
//! entry a chart's front page can have.

use time::Date;
use time::macros::date;

use crate::demo::staff::FISCHER;
use crate::demo::staff::LEE;
use crate::demo::staff::MENSAH;

/// A patient.
pub(super) struct Person {
    /// `patient_data.pid`
    pub(super) pid: i64,
    /// Title, first, middle and last name.
    pub(super) name: [&'static str; 4],
    /// Birth date.
    pub(super) born: Date,
    /// Option ids of the lists `sex`, `race` (joined by bars), `ethnicity`, `language` and `marital`.
    pub(super) is: [&'static str; 5],
    /// Street, city and ZIP.
    pub(super) lives: [&'static str; 3],
    /// Home, work and mobile phone.
    pub(super) phones: [&'static str; 3],
    /// Contact e-mail.
    pub(super) email: &'static str,
    /// `users.id` of the patient's own provider.
    pub(super) provider: i64,
    /// `patient_data.allow_patient_portal`
    pub(super) portal: &'static str,
    /// Further columns of `patient_data`, some of which older layouts lack.
    pub(super) more: &'static [(&'static str, &'static str)],
    /// The account, where there is one.
    pub(super) account: Option<Account>,
    /// The state, in the manifest's words.
    pub(super) notes: &'static str,
}

/// A portal account (`patient_access_onsite`).
pub(super) struct Account {
    /// `portal_username`: the permanent account id and mailbox key.
    pub(super) mailbox: &'static str,
    /// `portal_login_username`: what the patient types.
    pub(super) login: &'static str,
    /// The password.
    pub(super) password: &'static str,
    /// Its hash as OpenEMR would have stored it, in one of its formats (facts 1.2.1).
    pub(super) hash: &'static str,
    /// `portal_pwd_status`: 0 where the password is staff's and must be changed.
    pub(super) own_password: i64,
}

impl Person {
    /// First and last name.
    pub(super) fn display(&self) -> String {
        let [_, first, _, last] = self.name;
        format!("{first} {last}")
    }

    /// `patient_data.id`, which is not the patient number: two charts were merged away after the third.
    pub(super) fn row(&self) -> i64 {
        match self.pid {
            pid @ 1..=3 => pid,
            pid => pid + 2,
        }
    }

    /// Where the patient's messages lie; empty without an account.
    pub(super) fn mailbox(&self) -> &'static str {
        self.account.as_ref().map_or("", |account| account.mailbox)
    }
}

/// The patient whose password reset is pending.
pub(super) const FORGETFUL: i64 = 11;

/// The patient who died.
pub(super) const DECEASED: i64 = 12;

/// The option of list `tribal_affiliations` the practice uses.
pub(super) const TRIBE: &str = "fallon_paiute_shoshone";

/// The patients, by pid from 1 up.
pub(super) const PEOPLE: [Person; 12] = [
    Person {
        pid: 1,
        name: ["Mrs.", "María", "José", "Delgado"],
        born: date!(1984 - 02 - 29),
        is: [
            "Female",
            "white|amer_ind_or_alaska_native",
            "hisp_or_latin",
            "Spanish",
            "married",
        ],
        lives: ["12 Mariner Lane", "Gloucester", "01930"],
        phones: ["978-555-0111", "978-555-0112", "978-555-0113"],
        email: "maria.delgado@example.com",
        provider: LEE,
        portal: "YES",
        more: &[
            ("street_line_2", "Apt 3B"),
            ("county", "Essex"),
            ("preferred_name", "Majo"),
            ("birth_fname", "María"),
            ("birth_mname", "José"),
            ("birth_lname", "Fuentes"),
            ("contact_relationship", "Luis Delgado"),
            ("phone_contact", "978-555-0114"),
            ("occupation", "Boat builder"),
            ("sex_identified", "Female"),
            ("gender_identity", "446141000124107"),
            ("tribal_affiliations", TRIBE),
        ],
        account: Some(Account {
            mailbox: "MaríaDelgado1",
            login: "maria.delgado",
            password: "Seaglass-1984",
            hash: "$2y$10$4xlMj1F1L3vhQ7OwAt4CXeDGB4g4vvUJhGTD89AbTtXAy.1TFNjXy",
            own_password: 1,
        }),
        notes: "active",
    },
    Person {
        pid: 2,
        name: ["Mr.", "Seán", "Patrick", "O'Connor"],
        born: date!(1957 - 11 - 03),
        is: ["Male", "white", "not_hisp_or_latin", "English", "divorced"],
        lives: ["3 Lighthouse Road", "Rockport", "01966"],
        phones: ["978-555-0121", "", "978-555-0122"],
        email: "sean@oconnor.example.org",
        provider: LEE,
        portal: "YES",
        more: &[
            ("suffix", "Jr."),
            ("county", "Essex"),
            ("contact_relationship", "Fiona O'Connor"),
            ("phone_contact", "978-555-0123"),
            ("occupation", "Harbor pilot (retired)"),
            ("sex_identified", "Male"),
        ],
        account: Some(Account {
            mailbox: "Seán2",
            login: "sean.oconnor",
            password: "Harmonica-1957",
            hash: "$argon2id$v=19$m=19456,t=2,p=1$a4sGobFLFmMPjND03knkyQ\
                   $6Fbfo4nshEo/Q/0Vd05kxW/C2+iH73lpJRGKAZPPwnM",
            own_password: 1,
        }),
        notes: "active",
    },
    Person {
        pid: 3,
        name: ["Ms.", "Linh", "", "Nguyễn"],
        born: date!(1991 - 08 - 17),
        is: [
            "Female",
            "Asian|vietnamese",
            "not_hisp_or_latin",
            "vietnamese",
            "domestic partner",
        ],
        lives: ["220 Washington Street", "Gloucester", "01930"],
        phones: ["978-555-0131", "", "978-555-0132"],
        email: "linh.nguyen@example.com",
        provider: MENSAH,
        portal: "YES",
        more: &[("county", "Essex"), ("occupation", "Teacher")],
        account: Some(Account {
            mailbox: "Linh3",
            login: "linh.nguyen",
            password: "Lanterns-1991",
            hash: "$6$rounds=10000$vIViuliYid6riE2Y\
                   $VEQzGUoBETR3pTDLJHXepZfY552OGGy875GcImVCe/jYjAf9Wsxpslv6lZDSaprmVwfUCgmG4xbRU5shKI7eJ1",
            own_password: 1,
        }),
        notes: "active",
    },
    Person {
        pid: 4,
        name: ["Mr.", "Deshawn", "Marcus", "Carter"],
        born: date!(1979 - 06 - 21),
        is: [
            "Male",
            "black_or_afri_amer",
            "not_hisp_or_latin",
            "English",
            "single",
        ],
        lives: ["9 Pleasant Street", "Gloucester", "01930"],
        phones: ["978-555-0141", "978-555-0142", ""],
        email: "deshawn.carter@example.com",
        provider: LEE,
        portal: "NO",
        more: &[],
        account: Some(Account {
            mailbox: "Deshawn6",
            login: "deshawn.carter",
            password: "Carter-not-yet-4",
            hash: "$2y$10$MIo4MVF1mIF29PAu2G4DmeRWGOjklIKeJPFyPDUq30zC8ehrlTn/u",
            own_password: 1,
        }),
        notes: "not authorised: credentials exist, portal access is off",
    },
    Person {
        pid: 5,
        name: ["Mrs.", "Amara", "", "Osei"],
        born: date!(1988 - 12 - 30),
        is: [
            "Female",
            "black_or_afri_amer|african",
            "not_hisp_or_latin",
            "English",
            "married",
        ],
        lives: ["31 Prospect Street", "Gloucester", "01930"],
        phones: ["978-555-0143", "", "978-555-0144"],
        email: "amara.osei@example.org",
        provider: MENSAH,
        portal: "YES",
        more: &[],
        account: Some(Account {
            mailbox: "Amara7",
            login: "amara.osei1",
            password: "First-Login-5",
            hash: "$2y$10$yKeWetAeIjgeTyuWXLRGneTIzvhFkHyysq5SNQTiJr87y6uANmXm2",
            own_password: 0,
        }),
        notes: "must change: staff set the password",
    },
    Person {
        pid: 6,
        name: ["Mr.", "Walter", "J.", "Kowalski"],
        born: date!(1949 - 01 - 08),
        is: [
            "Male",
            "white|polish",
            "not_hisp_or_latin",
            "polish",
            "widowed",
        ],
        lives: ["77 Bass Avenue", "Gloucester", "01930"],
        phones: ["978-555-0145", "", ""],
        email: "walter.kowalski@example.com",
        provider: LEE,
        portal: "YES",
        more: &[],
        account: None,
        notes: "no credentials, e-mail on file",
    },
    Person {
        pid: 7,
        name: ["Mrs.", "Ruth", "Ellen", "Abernathy"],
        born: date!(1938 - 09 - 12),
        is: [
            "Female",
            "declne_to_specfy",
            "declne_to_specfy",
            "English",
            "widowed",
        ],
        lives: ["5 Rocky Neck Avenue", "Gloucester", "01930"],
        phones: ["978-555-0146", "", ""],
        email: "",
        provider: LEE,
        portal: "",
        more: &[("hipaa_allowemail", "NO")],
        account: None,
        notes: "no credentials, no e-mail",
    },
    Person {
        pid: 8,
        name: ["Ms.", "Emily", "Rose", "Thornton"],
        born: date!(1982 - 03 - 15),
        is: [
            "Female",
            "white",
            "not_hisp_or_latin",
            "English",
            "separated",
        ],
        lives: ["18 Beacon Street", "Gloucester", "01930"],
        phones: ["978-555-0147", "", "978-555-0148"],
        email: "thornton.family@example.com",
        provider: MENSAH,
        portal: "YES",
        more: &[("birth_fname", "Emily"), ("birth_lname", "Baker")],
        account: Some(Account {
            mailbox: "Emily10",
            login: "emily.thornton",
            password: "Two-Letters-8",
            hash: "$2y$10$t0dYQDdv8gpbTLMsMtI9velZMTEto2CU3nfiYU.zVYX.1B/qNbX3C",
            own_password: 1,
        }),
        notes: "active, shared mailbox",
    },
    Person {
        pid: 9,
        name: ["", "Noah", "", "Thornton"],
        born: date!(2014 - 04 - 05),
        is: [
            "Male",
            "white|black_or_afri_amer",
            "not_hisp_or_latin",
            "English",
            "single",
        ],
        lives: ["18 Beacon Street", "Gloucester", "01930"],
        phones: ["978-555-0147", "", ""],
        email: "thornton.family@example.com",
        provider: MENSAH,
        portal: "YES",
        more: &[
            ("mothersname", "Emily Thornton"),
            ("guardiansname", "Emily Thornton"),
            ("guardianrelationship", "Mother"),
            ("guardianphone", "978-555-0148"),
            ("guardiansex", "Female"),
            ("guardianaddress", "18 Beacon Street"),
            ("guardiancity", "Gloucester"),
            ("guardianstate", "MA"),
            ("guardianpostalcode", "01930"),
            ("guardiancountry", "USA"),
            ("guardianemail", "thornton.family@example.com"),
            ("contact_relationship", "Emily Thornton"),
            ("phone_contact", "978-555-0148"),
        ],
        account: Some(Account {
            mailbox: "Noah11",
            login: "noah.thornton",
            password: "Two-Letters-9",
            hash: "$2y$10$89zIOyxzguW3Cq9uEMUkJedefxM2uQGqLYFkMXWESY3xwOWecY5ZC",
            own_password: 1,
        }),
        notes: "active, shared mailbox",
    },
    Person {
        pid: 10,
        name: ["", "Alex", "", "Moreau"],
        born: date!(1999 - 07 - 01),
        is: [
            "UNK",
            "native_hawai_or_pac_island",
            "not_hisp_or_latin",
            "English",
            "single",
        ],
        lives: ["64 Main Street", "Gloucester", "01930"],
        phones: ["", "", "978-555-0149"],
        email: "alex.moreau@example.org",
        provider: MENSAH,
        portal: "YES",
        more: &[
            ("prevent_portal_apps", "YES"),
            ("gender_identity", "446131000124102"),
        ],
        account: Some(Account {
            mailbox: "Alex12",
            login: "alex.moreau",
            password: "No-Apps-10",
            hash: "$2y$10$g0JAwtX6bmy5fQRfubwQveIXY7YXCs1hB3fq9vkOvhGXcWKhgRJHS",
            own_password: 1,
        }),
        notes: "apps refused: the patient wants no third-party apps",
    },
    Person {
        pid: FORGETFUL,
        name: ["Mr.", "Tomás", "Andrés", "Rivera"],
        born: date!(1972 - 10 - 10),
        is: [
            "Male",
            "declne_to_specfy",
            "hisp_or_latin",
            "Spanish",
            "married",
        ],
        lives: ["140 East Main Street", "Gloucester", "01930"],
        phones: ["978-555-0152", "", "978-555-0153"],
        email: "tomas.rivera@example.com",
        provider: FISCHER,
        portal: "YES",
        more: &[],
        account: Some(Account {
            mailbox: "Tomás13",
            login: "tomas.rivera",
            password: "Reset-Pending-11",
            hash: "$2y$10$JY88KnbXiMKG9wkb133LNep99aifYJJaaM/JVdCYL60CfjxKzdAE6",
            own_password: 1,
        }),
        notes: "reset pending",
    },
    Person {
        pid: DECEASED,
        name: ["Mr.", "Harold", "Edwin", "Whitfield"],
        born: date!(1931 - 05 - 27),
        is: ["Male", "white", "not_hisp_or_latin", "English", "widowed"],
        lives: ["2 Harbor Loop", "Gloucester", "01930"],
        phones: ["978-555-0154", "", ""],
        email: "h.whitfield@example.com",
        provider: LEE,
        portal: "YES",
        more: &[("suffix", "III"), ("deceased_reason", "Heart failure")],
        account: Some(Account {
            mailbox: "Harold14",
            login: "harold.whitfield",
            password: "Remembered-12",
            hash: "$2y$10$ZwYrtm1da43uFeyJB1QsueuXCfHVVZm5qZg/Y.Sgr/5vOaJLyAiqC",
            own_password: 1,
        }),
        notes: "deceased",
    },
];
