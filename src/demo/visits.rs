//! The appointments, counted in the working days of the provider they are with, so that whatever today is, none
//! falls on a closed day.

use time::Time;
use time::macros::time;

use crate::demo::staff::FISCHER;
use crate::demo::staff::LEE;
use crate::demo::staff::MENSAH;

/// An appointment of a patient.
pub(super) struct Visit {
    /// `patient_data.pid`
    pub(super) pid: i64,
    /// `users.id` of the provider.
    pub(super) provider: i64,
    /// The provider's working day: 1 is the first one after today, -1 the last one before.
    pub(super) day: i64,
    /// When it starts.
    pub(super) start: Time,
    /// What for.
    pub(super) kind: Kind,
    /// The mark of list `apptstat` (facts 1.7).
    pub(super) mark: &'static str,
    /// Reason or comment.
    pub(super) reason: &'static str,
}

/// A kind of appointment: OpenEMR's own calendar categories (facts 1.5).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Office Visit
    Office,
    /// Established Patient
    Established,
    /// New Patient
    New,
    /// Preventive Care Services
    Preventive,
}

impl Kind {
    /// `pc_catid`, its name, and the category's duration in seconds.
    pub(super) fn category(self) -> (i64, &'static str, i64) {
        match self {
            Self::Office => (5, "Office Visit", 900),
            Self::Established => (9, "Established Patient", 900),
            Self::New => (10, "New Patient", 1800),
            Self::Preventive => (13, "Preventive Care Services", 900),
        }
    }
}

const fn visit(
    pid: i64,
    with: (i64, i64, Time),
    kind: Kind,
    mark: &'static str,
    reason: &'static str,
) -> Visit {
    let (provider, day, start) = with;
    Visit {
        pid,
        provider,
        day,
        start,
        kind,
        mark,
        reason,
    }
}

use Kind::Established;
use Kind::New;
use Kind::Office;
use Kind::Preventive;

/// Every mark of the list occurs, most of them with the patients whose accounts are active.
pub(super) const VISITS: [Visit; 40] = [
    // María Delgado
    visit(1, (LEE, -48, time!(9:00)), New, "$", "New to the practice"),
    visit(1, (LEE, -30, time!(10:15)), Office, ">", "Asthma check"),
    visit(1, (MENSAH, -22, time!(14:00)), Office, "?", "Flu shot"),
    visit(
        1,
        (LEE, -15, time!(11:30)),
        Established,
        ">",
        "Review of the inhaler plan",
    ),
    visit(
        1,
        (LEE, -9, time!(8:30)),
        Office,
        "x",
        "Cough. Canceled by phone, feels better",
    ),
    visit(
        1,
        (LEE, -6, time!(15:45)),
        Office,
        "%",
        "Canceled the same morning, child is ill",
    ),
    visit(1, (MENSAH, -1, time!(9:30)), Office, "@", "Spirometry"),
    visit(
        1,
        (LEE, 2, time!(10:00)),
        Established,
        "-",
        "Asthma follow-up & refill",
    ),
    visit(
        1,
        (FISCHER, 3, time!(9:15)),
        Office,
        "^",
        "Dolor de rodilla al subir escaleras",
    ),
    visit(
        1,
        (MENSAH, 7, time!(16:15)),
        Preventive,
        "EMAIL",
        "Mammogram referral",
    ),
    visit(
        1,
        (LEE, 14, time!(9:45)),
        Preventive,
        "*",
        "Annual physical",
    ),
    visit(
        1,
        (LEE, 24, time!(8:15)),
        Office,
        "-",
        "Allergy season plan",
    ),
    // Seán O'Connor
    visit(2, (LEE, -41, time!(9:30)), Office, ">", "Blood pressure"),
    visit(
        2,
        (LEE, -26, time!(16:00)),
        Office,
        "!",
        "Left after waiting 40 minutes",
    ),
    visit(
        2,
        (LEE, -19, time!(10:45)),
        Established,
        "$",
        "Blood pressure, medication change",
    ),
    visit(2, (MENSAH, -8, time!(11:00)), Office, "~", "Ear irrigation"),
    visit(
        2,
        (LEE, -3, time!(14:30)),
        Office,
        "#",
        "Medicare card on file has expired",
    ),
    visit(
        2,
        (LEE, -1, time!(9:15)),
        Office,
        "<",
        "Shortness of breath on stairs",
    ),
    visit(
        2,
        (LEE, 1, time!(11:15)),
        Established,
        "+",
        "Results of the blood test",
    ),
    visit(2, (MENSAH, 4, time!(10:30)), Office, "AVM", "INR check"),
    visit(2, (FISCHER, 4, time!(11:00)), New, "SMS", "Left shoulder"),
    visit(
        2,
        (LEE, 17, time!(9:00)),
        Office,
        "CALL",
        "Wants an earlier time if one opens",
    ),
    // Linh Nguyễn
    visit(
        3,
        (MENSAH, -35, time!(9:45)),
        Preventive,
        ">",
        "Well-woman visit",
    ),
    visit(3, (MENSAH, -12, time!(15:30)), Office, "x", "Sore throat"),
    visit(
        3,
        (MENSAH, 3, time!(13:45)),
        Office,
        "-",
        "Travel vaccines for Đà Nẵng",
    ),
    visit(
        3,
        (MENSAH, 8, time!(9:00)),
        Office,
        "^",
        "Second dose, asked for in the portal",
    ),
    visit(
        3,
        (MENSAH, 20, time!(14:15)),
        Established,
        "-",
        "Migraine diary",
    ),
    // Everybody else
    visit(4, (LEE, -17, time!(14:15)), Office, ">", "Back pain"),
    visit(
        4,
        (LEE, 5, time!(14:00)),
        Office,
        "-",
        "Back pain, follow-up",
    ),
    visit(
        5,
        (MENSAH, -5, time!(10:00)),
        New,
        ">",
        "New to the practice",
    ),
    visit(
        5,
        (MENSAH, 9, time!(11:15)),
        Established,
        "-",
        "Thyroid results",
    ),
    visit(6, (LEE, 6, time!(8:45)), Office, "*", "Diabetes check"),
    visit(
        7,
        (LEE, 10, time!(15:00)),
        Office,
        "AVM",
        "Home oxygen review",
    ),
    visit(8, (MENSAH, 2, time!(9:15)), Office, "-", "Sleep"),
    visit(
        9,
        (MENSAH, 2, time!(9:45)),
        Preventive,
        "-",
        "School physical",
    ),
    visit(9, (MENSAH, -14, time!(16:30)), Office, ">", "Ear ache"),
    visit(10, (MENSAH, 6, time!(15:15)), Office, "-", "Lab work"),
    visit(
        11,
        (FISCHER, -2, time!(10:30)),
        Established,
        ">",
        "Lower back, third session",
    ),
    visit(
        11,
        (FISCHER, 2, time!(10:30)),
        Established,
        "-",
        "Lower back, fourth session",
    ),
    visit(
        12,
        (LEE, -33, time!(10:30)),
        Office,
        ">",
        "Heart failure, weight diary",
    ),
];

/// Seán O'Connor's weekly physiotherapy: Tuesdays with Dr. Fischer.
pub(super) const WEEKLY: Visit = visit(
    2,
    (FISCHER, 0, time!(14:00)),
    Established,
    "-",
    "Shoulder, weekly session",
);
