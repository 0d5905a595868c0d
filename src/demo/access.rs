//! What the staff of Harbor Street may do: phpGACL's rows as OpenEMR's installer makes them (OpenEMR facts 1.21), a group
//! for everybody, and one rule somebody was given alone.

use crate::demo::book::Book;
use crate::demo::book::Row;
use crate::demo::staff::STAFF;

/// The root of the tree of groups; the others are its children.
const ROOT: i64 = 10;

/// The groups: number, name, value. The tree is a nested set, numbered in this order.
const GROUPS: [(i64, &str, &str); 6] = [
    (11, "Administrators", "admin"),
    (12, "Clinicians", "clin"),
    (13, "Physicians", "doc"),
    (14, "Front Office", "front"),
    (15, "Accounting", "back"),
    (16, "Emergency Login", "breakglass"),
];

/// A section of what is protected: its value and name, and the things in it by value and name.
type Section = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

/// Sections of what is protected, and the things in each. The installer's further sections are about inventory, lists and
/// menus, which nobody meets here.
const OBJECTS: [Section; 6] = [
    (
        "acct",
        "Accounting",
        &[
            ("bill", "Billing (write optional)"),
            ("disc", "Price Discounting"),
            ("eob", "EOB Data Entry"),
            ("rep", "Financial Reporting - my encounters"),
            ("rep_a", "Financial Reporting - anything"),
        ],
    ),
    (
        "admin",
        "Administration",
        &[
            ("super", "Superuser"),
            ("calendar", "Calendar Settings"),
            ("practice", "Practice Settings"),
            ("users", "Users/Groups/Logs Administration"),
            ("acl", "ACL Administration"),
            ("drugs", "Pharmacy Dispensary"),
            ("superbill", "Superbill Codes Administration"),
        ],
    ),
    (
        "encounters",
        "Encounters",
        &[
            ("auth", "Authorize - my encounters"),
            ("auth_a", "Authorize - any encounters"),
            ("coding", "Coding - my encounters (write,wsome optional)"),
            ("coding_a", "Coding - any encounters (write,wsome optional)"),
            ("notes", "Notes - my encounters (write,addonly optional)"),
            ("notes_a", "Notes - any encounters (write,addonly optional)"),
            ("date_a", "Fix encounter dates - any encounters"),
            (
                "relaxed",
                "Less-private information (write,addonly optional)",
            ),
        ],
    ),
    (
        "patients",
        "Patients",
        &[
            ("appt", "Appointments (write,wsome optional)"),
            ("demo", "Demographics (write,addonly optional)"),
            ("med", "Medical/History (write,addonly optional)"),
            ("docs", "Documents (write,addonly optional)"),
            ("notes", "Patient Notes (write,addonly optional)"),
            (
                "alert",
                "Clinical Reminders/Alerts (write,addonly optional)",
            ),
            ("pat_rep", "Patient Report"),
        ],
    ),
    (
        "patientportal",
        "Patient Portal",
        &[("portal", "Patient Portal")],
    ),
    (
        "placeholder",
        "Placeholder",
        &[("filler", "Placeholder (Maintains empty ACLs)")],
    ),
];

/// Everything, which administrators and the emergency login may write.
const EVERYTHING: &[(&str, &[&str])] = &[
    ("acct", &["bill", "disc", "eob", "rep", "rep_a"]),
    (
        "admin",
        &[
            "super",
            "calendar",
            "practice",
            "users",
            "acl",
            "drugs",
            "superbill",
        ],
    ),
    (
        "encounters",
        &[
            "auth", "auth_a", "coding", "coding_a", "notes", "notes_a", "date_a", "relaxed",
        ],
    ),
    (
        "patients",
        &["appt", "demo", "med", "docs", "notes", "alert", "pat_rep"],
    ),
    ("patientportal", &["portal"]),
];

/// Keeps a rule with nothing in it.
const NOTHING: &[(&str, &[&str])] = &[("placeholder", &["filler"])];

/// A rule of the installer.
struct Rule {
    group: i64,
    /// `write`, `addonly`, `wsome` or `view`.
    kind: &'static str,
    note: &'static str,
    opens: &'static [(&'static str, &'static [&'static str])],
}

/// The rules of groups, in the installer's order.
const RULES: [Rule; 14] = [
    Rule {
        group: 11,
        kind: "write",
        note: "Administrators can do anything",
        opens: EVERYTHING,
    },
    Rule {
        group: 13,
        kind: "view",
        note: "Things that physicians can only read",
        opens: &[("patients", &["pat_rep"])],
    },
    Rule {
        group: 13,
        kind: "addonly",
        note: "Things that physicians can read and enter but not modify",
        opens: NOTHING,
    },
    Rule {
        group: 13,
        kind: "write",
        note: "Things that physicians can read and modify",
        opens: &[
            ("acct", &["disc", "rep"]),
            ("admin", &["drugs"]),
            (
                "encounters",
                &[
                    "auth", "auth_a", "coding", "coding_a", "notes", "notes_a", "date_a", "relaxed",
                ],
            ),
            (
                "patients",
                &["appt", "demo", "med", "docs", "notes", "alert"],
            ),
        ],
    },
    Rule {
        group: 12,
        kind: "view",
        note: "Things that clinicians can only read",
        opens: &[("patients", &["pat_rep"])],
    },
    Rule {
        group: 12,
        kind: "addonly",
        note: "Things that clinicians can read and enter but not modify",
        opens: &[
            ("encounters", &["notes", "relaxed"]),
            ("patients", &["demo", "med", "docs", "notes", "alert"]),
        ],
    },
    Rule {
        group: 12,
        kind: "write",
        note: "Things that clinicians can read and modify",
        opens: &[
            ("admin", &["drugs"]),
            ("encounters", &["auth", "coding", "notes"]),
            ("patients", &["appt"]),
        ],
    },
    Rule {
        group: 14,
        kind: "view",
        note: "Things that front office can only read",
        opens: &[("patients", &["alert"])],
    },
    Rule {
        group: 14,
        kind: "addonly",
        note: "Things that front office can read and enter but not modify",
        opens: NOTHING,
    },
    Rule {
        group: 14,
        kind: "write",
        note: "Things that front office can read and modify",
        opens: &[("patients", &["appt", "demo"])],
    },
    Rule {
        group: 15,
        kind: "view",
        note: "Things that back office can only read",
        opens: &[("patients", &["alert"])],
    },
    Rule {
        group: 15,
        kind: "addonly",
        note: "Things that back office can read and enter but not modify",
        opens: NOTHING,
    },
    Rule {
        group: 15,
        kind: "write",
        note: "Things that back office can read and modify",
        opens: &[
            ("acct", &["bill", "disc", "eob", "rep", "rep_a"]),
            ("admin", &["practice", "superbill"]),
            ("encounters", &["auth_a", "coding_a", "date_a"]),
            ("patients", &["appt", "demo"]),
        ],
    },
    Rule {
        group: 16,
        kind: "write",
        note: "Emergency Login user can do anything",
        opens: EVERYTHING,
    },
];

/// The front desk answers the portal's mail, which its group may not: a rule for one user.
const OWN_RULE: (&str, &[(&str, &[&str])]) = (
    "tbanks",
    &[("patientportal", &["portal"]), ("patients", &["notes"])],
);

/// Groups, objects, users and rules.
pub(super) fn write(book: &mut Book<'_>) {
    groups(book);
    objects(book);
    users(book);
    let mut number = 10;
    for rule in &RULES {
        acl(book, number, ("system", rule.kind, rule.note), rule.opens);
        book.add(
            Row::of("gacl_aro_groups_map").numbers([("acl_id", number), ("group_id", rule.group)]),
        );
        number += 1;
    }
    let (username, opens) = OWN_RULE;
    acl(
        book,
        number,
        ("user", "write", "The portal's desk for the front office"),
        opens,
    );
    book.add(
        Row::of("gacl_aro_map")
            .numbers([("acl_id", number)])
            .texts([("section_value", "users"), ("value", username)]),
    );
}

fn groups(book: &mut Book<'_>) {
    let end = 2 * (1 + i64::try_from(GROUPS.len()).unwrap_or_default());
    book.add(group((ROOT, 0), ("OpenEMR Users", "users"), (1, end)));
    for (place, (number, name, value)) in (1..).zip(GROUPS) {
        let left = 2 * place;
        book.add(group((number, ROOT), (name, value), (left, left + 1)));
    }
}

fn group(
    (number, parent): (i64, i64),
    (name, value): (&str, &str),
    (left, right): (i64, i64),
) -> Row {
    Row::of("gacl_aro_groups")
        .numbers([
            ("id", number),
            ("parent_id", parent),
            ("lft", left),
            ("rgt", right),
        ])
        .texts([("name", name), ("value", value)])
}

fn objects(book: &mut Book<'_>) {
    let mut number = 10;
    for (place, (section, name, things)) in (10..).zip(OBJECTS) {
        book.add(
            Row::of("gacl_aco_sections")
                .numbers([("id", place), ("order_value", 10), ("hidden", 0)])
                .texts([("value", section), ("name", name)]),
        );
        for (value, name) in things {
            book.add(
                Row::of("gacl_aco")
                    .numbers([("id", number), ("order_value", 10), ("hidden", 0)])
                    .texts([("section_value", section), ("value", value), ("name", name)]),
            );
            number += 1;
        }
    }
}

fn users(book: &mut Book<'_>) {
    book.add(
        Row::of("gacl_aro_sections")
            .numbers([("id", 10), ("order_value", 10), ("hidden", 0)])
            .texts([("value", "users"), ("name", "Users")]),
    );
    for (number, person) in (10..).zip(&STAFF) {
        book.add(
            Row::of("gacl_aro")
                .numbers([("id", number), ("order_value", 10), ("hidden", 0)])
                .texts([("section_value", "users"), ("value", person.username)])
                .set("name", person.display()),
        );
        let group = GROUPS.iter().find(|(_, _, value)| *value == person.group);
        if let Some((group, _, _)) = group {
            book.add(
                Row::of("gacl_groups_aro_map").numbers([("group_id", *group), ("aro_id", number)]),
            );
        }
    }
}

/// A rule that allows: its section, kind and note, and what it opens.
fn acl(
    book: &mut Book<'_>,
    number: i64,
    (section, kind, note): (&str, &str, &str),
    opens: &[(&str, &[&str])],
) {
    book.add(
        Row::of("gacl_acl")
            .numbers([
                ("id", number),
                ("allow", 1),
                ("enabled", 1),
                ("updated_date", book.epoch),
            ])
            .texts([
                ("section_value", section),
                ("return_value", kind),
                ("note", note),
            ]),
    );
    for (section, values) in opens {
        for value in *values {
            book.add(
                Row::of("gacl_aco_map")
                    .numbers([("acl_id", number)])
                    .texts([("section_value", section), ("value", value)]),
            );
        }
    }
}
