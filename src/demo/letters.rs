//! The messages of the portal's mailboxes, as staff and patients wrote them in OpenEMR's rich-text editor.

use time::Time;
use time::macros::time;

use crate::demo::staff::LEE;
use crate::demo::staff::MENSAH;

/// `users.id` of the front desk.
const DESK: i64 = 7;

/// A message.
pub(super) struct Letter {
    /// Threads are numbered; the first letter of a number opens it.
    pub(super) thread: u8,
    /// `patient_data.pid` of the patient in the conversation.
    pub(super) pid: i64,
    /// `users.id` of the colleague in the conversation.
    pub(super) colleague: i64,
    /// Who wrote.
    pub(super) from: Side,
    /// How many days ago, and at what time.
    pub(super) sent: (i64, Time),
    /// The subject.
    pub(super) title: &'static str,
    /// The body, in HTML.
    pub(super) body: &'static str,
    /// What became of the recipient's copy.
    pub(super) fate: Fate,
}

/// The two ends of a conversation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The patient.
    Patient,
    /// Staff.
    Practice,
    /// Staff, addressing the patient by first name and row number as the older dashboard does (facts 2.8).
    OldDashboard,
}

/// What became of the recipient's copy.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nobody has opened it.
    Unread,
    /// It was read.
    Read,
    /// It was read and archived.
    Archived,
    /// It was forwarded into the chart.
    Forwarded,
    /// The matter is settled.
    Done,
}

use Fate::Archived;
use Fate::Done;
use Fate::Forwarded;
use Fate::Read;
use Fate::Unread;
use Side::OldDashboard;
use Side::Patient;
use Side::Practice;

const fn letter(
    thread: (u8, i64, i64),
    from: Side,
    sent: (i64, Time),
    text: (&'static str, &'static str),
    fate: Fate,
) -> Letter {
    let (thread, pid, colleague) = thread;
    let (title, body) = text;
    Letter {
        thread,
        pid,
        colleague,
        from,
        sent,
        title,
        body,
        fate,
    }
}

/// The letters, oldest first within their thread.
pub(super) const LETTERS: [Letter; 18] = [
    letter(
        (1, 1, LEE),
        Practice,
        (14, time!(17:20)),
        (
            "Your asthma action plan",
            "<p>Dear Mrs. Delgado,</p>\r\n<p>your new plan is among your documents. In short:</p>\r\n<ul>\r\n\
             <li><strong>Green</strong>: two puffs of the controller, morning and night</li>\r\n\
             <li><strong>Yellow</strong>: add the rescue inhaler every 4&ndash;6 hours</li>\r\n\
             <li><strong>Red</strong>: rescue inhaler and call 911</li>\r\n</ul>\r\n\
             <p>A peak flow &lt; 320 means yellow.</p>\r\n<p>Donna Lee, MD</p>",
        ),
        Read,
    ),
    letter(
        (1, 1, LEE),
        Patient,
        (13, time!(7:45)),
        (
            "Re: Your asthma action plan",
            "<p>Gracias, doctora. ¿Puedo usar el inhalador azul antes de nadar? El &aacute;rbol de enfrente est&aacute; \
             en flor y me cuesta respirar por la ma&ntilde;ana.</p>",
        ),
        Read,
    ),
    letter(
        (1, 1, LEE),
        Practice,
        (13, time!(12:10)),
        (
            "Re: Your asthma action plan",
            "<p>S&iacute;, dos inhalaciones 15 minutos antes. Yes, two puffs 15 minutes before you swim. \
             Enjoy the water! 🌊</p>",
        ),
        Unread,
    ),
    letter(
        (2, 1, DESK),
        Patient,
        (6, time!(21:02)),
        (
            "Bill for the spirometry",
            "<div>Hello,</div><div><br></div><div>I was billed twice for the same day &amp; paid $25 at the desk. \
             Could you look, please?</div>",
        ),
        Forwarded,
    ),
    letter(
        (2, 1, DESK),
        OldDashboard,
        (5, time!(9:40)),
        (
            "Re: Bill for the spirometry",
            "<p>You are right, the second one was our mistake and is canceled. Thank you for telling us.</p>\
             <p>Tobias Banks</p>",
        ),
        Unread,
    ),
    letter(
        (3, 1, MENSAH),
        Practice,
        (60, time!(10:00)),
        (
            "Flu shots are here",
            "<p>This year&rsquo;s vaccine has arrived. Walk in <em>any weekday before 11</em>.</p>",
        ),
        Archived,
    ),
    letter(
        (4, 2, LEE),
        Practice,
        (18, time!(16:30)),
        (
            "New blood pressure medicine",
            "<p>Se&aacute;n,</p><ol><li>Stop the old tablet tonight.</li><li>Start the new one tomorrow.</li>\
             <li>Write down your pressure, morning and evening.</li></ol><p>Call if you feel dizzy.</p>",
        ),
        Read,
    ),
    letter(
        (4, 2, LEE),
        Patient,
        (10, time!(8:05)),
        (
            "Re: New blood pressure medicine",
            "<p>142/88, 138/85, 135/84, 133/82. No dizziness. 👍</p>",
        ),
        Read,
    ),
    letter(
        (4, 2, LEE),
        Practice,
        (10, time!(13:15)),
        (
            "Re: New blood pressure medicine",
            "<p>That is what we hoped for. Keep going until we meet.</p>",
        ),
        Read,
    ),
    letter(
        (5, 2, DESK),
        Patient,
        (2, time!(19:30)),
        (
            "Expired Medicare card",
            "<p>The new card came today. Shall I bring it or send a photo?</p>",
        ),
        Unread,
    ),
    letter(
        (6, 2, DESK),
        Patient,
        (30, time!(11:11)),
        (
            "Parking",
            "<p>Is the lot behind the building open on Saturdays?</p>",
        ),
        Done,
    ),
    letter(
        (7, 3, MENSAH),
        Patient,
        (4, time!(22:40)),
        (
            "Tiêm phòng đi Đà Nẵng",
            "<p>Chào chị, we fly on the 20th. Which shots do I need, and does my partner need them too?</p>",
        ),
        Read,
    ),
    letter(
        (7, 3, MENSAH),
        Practice,
        (3, time!(12:45)),
        (
            "Re: Tiêm phòng đi Đà Nẵng",
            "<p>Hepatitis A and typhoid for both of you. I have set aside time at your next visit.</p>",
        ),
        Unread,
    ),
    letter(
        (8, 5, MENSAH),
        Practice,
        (4, time!(15:00)),
        (
            "Welcome to Harbor Street",
            "<p>Your login is ready. You will be asked for a password of your own the first time.</p>",
        ),
        Unread,
    ),
    letter(
        (9, 8, MENSAH),
        Patient,
        (7, time!(6:50)),
        (
            "Noah's school form",
            "<p>The school wants the form by Friday. Can you fill it in at Noah&#39;s physical?</p>",
        ),
        Read,
    ),
    letter(
        (9, 8, MENSAH),
        Practice,
        (7, time!(9:30)),
        (
            "Re: Noah's school form",
            "<p>Of course, bring it along.</p>",
        ),
        Read,
    ),
    letter(
        (10, 9, MENSAH),
        Practice,
        (12, time!(17:00)),
        (
            "Ear drops",
            "<p>Three drops in the left ear, twice a day, for seven days.</p>",
        ),
        Unread,
    ),
    letter(
        (11, 11, LEE),
        Practice,
        (9, time!(14:20)),
        (
            "Exercises for your back",
            "<p>Ejercicios, dos veces al d&iacute;a:</p><ul><li>Gato y camello, 10</li><li>Puente, 10</li></ul>",
        ),
        Unread,
    ),
];
