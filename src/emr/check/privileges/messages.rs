//! The rights that messages need: on OpenEMR's own table, and on what it has no room for; and jobs, which send them to many.

use crate::emr::check::privileges::EXPIRED;
use crate::emr::check::privileges::Privilege;
use crate::emr::check::privileges::privilege;

const NO_MESSAGES: &str =
    "no message carries a document or says what it is about, or is told of by letter";

const NO_CIRCULARS: &str = "patients are written to one by one only";

const NO_JOBS: &str = "patients are invited one by one only";

pub(in crate::emr::check) const MESSAGES: &[Privilege] = &[
    privilege(
        ("onsite_mail", "reply_mail_chain"),
        "INSERT INTO onsite_mail (owner) SELECT owner FROM onsite_mail WHERE 1 = 0",
        "INSERT ON onsite_mail",
        "nobody can send messages",
    ),
    privilege(
        ("onsite_mail", "message_status"),
        "UPDATE onsite_mail SET mail_chain = mail_chain, reply_mail_chain = reply_mail_chain, \
         message_status = message_status, activity = activity, deleted = deleted, delete_date = delete_date WHERE 1 = 0",
        "UPDATE (mail_chain, reply_mail_chain, message_status, activity, deleted, delete_date) ON onsite_mail",
        "nobody can send messages or mark them as read",
    ),
    privilege(
        ("users", "portal_user"),
        "UPDATE users SET portal_user = portal_user WHERE 1 = 0",
        "UPDATE (portal_user) ON users",
        "who takes messages is said in OpenEMR only",
    ),
    insert!("anteroom_mail_topic", "topic", NO_MESSAGES),
    insert!("anteroom_attachment", "document", NO_MESSAGES),
    insert!("anteroom_mail_place", "mail", NO_MESSAGES),
    update!("anteroom_mail_place", "mail", NO_MESSAGES),
    insert!("anteroom_mail_notice", "owed", NO_MESSAGES),
    update!("anteroom_mail_notice", "owed", NO_MESSAGES),
    insert!("anteroom_circular", "body", NO_CIRCULARS),
    update!("anteroom_circular", "body", EXPIRED),
    insert!("anteroom_job", "status", NO_JOBS),
    update!("anteroom_job", "status", NO_JOBS),
    insert!("anteroom_job_item", "outcome", NO_JOBS),
    update!("anteroom_job_item", "outcome", NO_JOBS),
    delete!("anteroom_job", "ticket", EXPIRED),
    delete!("anteroom_job_item", "job", EXPIRED),
];
