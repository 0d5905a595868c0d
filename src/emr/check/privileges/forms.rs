//! The rights that forms need: on OpenEMR's own tables, and on what it has no room for.

use crate::emr::check::privileges::EXPIRED;
use crate::emr::check::privileges::Privilege;
use crate::emr::check::privileges::privilege;

const NO_FORMS: &str = "no form is put before a patient, filled in or signed";

const NO_TEMPLATES: &str = "OpenEMR's own templates are not put before patients";

const NO_ISSUES: &str = "forms do not name medications, allergies and problems of the chart";

/// A table of OpenEMR that is not even seen without a right on it.
pub(in crate::emr::check) struct Unseen {
    pub(in crate::emr::check) table: &'static str,
    /// The version that has it.
    pub(in crate::emr::check) since: (u32, u32, u32),
    /// As `GRANT` spells it.
    pub(in crate::emr::check) grant: &'static str,
    /// What stops without it.
    pub(in crate::emr::check) without: &'static str,
}

pub(in crate::emr::check) const UNSEEN: [Unseen; 3] = [
    Unseen {
        table: "document_templates",
        since: (7, 0, 0),
        grant: "SELECT ON document_templates",
        without: NO_TEMPLATES,
    },
    Unseen {
        table: "onsite_signatures",
        since: (6, 1, 0),
        grant: "SELECT, INSERT ON onsite_signatures",
        without: "a signature is not on file for OpenEMR's own forms",
    },
    Unseen {
        table: "lists",
        since: (6, 1, 0),
        grant: "SELECT (pid, type, title, comments, begdate, enddate, activity) ON lists",
        without: NO_ISSUES,
    },
];

/// A strict server refuses an insert of no rows too where a column without a default is left out: all of them are named.
pub(in crate::emr::check) const FORMS: &[Privilege] = &[
    privilege(
        ("document_templates", "template_content"),
        "SELECT template_content FROM document_templates WHERE 1 = 0",
        "SELECT ON document_templates",
        NO_TEMPLATES,
    ),
    privilege(
        ("lists", "title"),
        "SELECT pid, type, title, comments, begdate, enddate, activity FROM lists WHERE 1 = 0",
        "SELECT (pid, type, title, comments, begdate, enddate, activity) ON lists",
        NO_ISSUES,
    ),
    privilege(
        ("onsite_signatures", "sig_image"),
        "SELECT sig_image FROM onsite_signatures WHERE 1 = 0",
        "SELECT ON onsite_signatures",
        NO_FORMS,
    ),
    privilege(
        ("onsite_documents", "denial_reason"),
        "INSERT INTO onsite_documents (doc_type, patient_signed_status, accept_signed_status, authorizing_signator, \
         denial_reason, file_name, file_path) SELECT doc_type, patient_signed_status, accept_signed_status, \
         authorizing_signator, denial_reason, file_name, file_path FROM onsite_documents WHERE 1 = 0",
        "INSERT ON onsite_documents",
        NO_FORMS,
    ),
    privilege(
        ("onsite_documents", "denial_reason"),
        "UPDATE onsite_documents SET denial_reason = denial_reason, patient_signature = patient_signature, \
         patient_signed_status = patient_signed_status, patient_signed_time = patient_signed_time, \
         full_document = full_document, accept_signed_status = accept_signed_status, \
         authorize_signed_time = authorize_signed_time, authorizing_signator = authorizing_signator, \
         review_date = review_date WHERE 1 = 0",
        "UPDATE (denial_reason, patient_signature, patient_signed_status, patient_signed_time, full_document, \
         accept_signed_status, authorize_signed_time, authorizing_signator, review_date) ON onsite_documents",
        NO_FORMS,
    ),
    privilege(
        ("onsite_documents", "template_data"),
        "UPDATE onsite_documents SET template_data = template_data WHERE 1 = 0",
        "UPDATE (template_data) ON onsite_documents",
        NO_FORMS,
    ),
    privilege(
        ("onsite_signatures", "sig_image"),
        "INSERT INTO onsite_signatures (type, created, lastmod, signator, sig_hash, ip) \
         SELECT type, created, lastmod, signator, sig_hash, ip FROM onsite_signatures WHERE 1 = 0",
        "INSERT ON onsite_signatures",
        NO_FORMS,
    ),
    privilege(
        ("onsite_signatures", "sig_image"),
        "UPDATE onsite_signatures SET status = status, lastmod = lastmod, signator = signator, sig_image = sig_image, \
         signature = signature, sig_hash = sig_hash WHERE 1 = 0",
        "UPDATE (status, lastmod, signator, sig_image, signature, sig_hash) ON onsite_signatures",
        NO_FORMS,
    ),
    insert!("anteroom_form", "template", NO_FORMS),
    update!("anteroom_form", "reason", NO_FORMS),
    insert!("anteroom_form_letter", "put", NO_FORMS),
    delete!("anteroom_form_letter", "put", EXPIRED),
    insert!("anteroom_signature", "hash", NO_FORMS),
    update!("anteroom_signature", "voided", NO_FORMS),
    insert!("anteroom_questionnaire", "body", NO_FORMS),
    update!("anteroom_questionnaire", "body", NO_FORMS),
    insert!("anteroom_tablet", "device", NO_FORMS),
    update!("anteroom_tablet", "device", NO_FORMS),
    delete!("anteroom_tablet", "expires", EXPIRED),
];
