//! The rights the database account needs, each with a statement that only who has it may run: one line a right, as the
//! README's GRANT block has them.

/// A right the database account needs.
pub(super) struct Privilege {
    /// Table, and the column without which this layout has no use for the right.
    pub(super) on: (&'static str, &'static str),
    /// Changes nothing, but the database runs it only for who has the right.
    pub(super) statement: &'static str,
    /// As `GRANT` spells it.
    pub(super) grant: &'static str,
    /// What stops without it.
    pub(super) without: &'static str,
}

const fn privilege(
    on: (&'static str, &'static str),
    statement: &'static str,
    grant: &'static str,
    without: &'static str,
) -> Privilege {
    Privilege {
        on,
        statement,
        grant,
        without,
    }
}

/// A row of one of Anteroom's own tables; it has this column.
macro_rules! insert {
    ($table:literal, $column:literal, $without:expr) => {
        privilege(
            ($table, $column),
            concat!(
                "INSERT INTO ",
                $table,
                " SELECT * FROM ",
                $table,
                " WHERE 1 = 0"
            ),
            concat!("INSERT ON ", $table),
            $without,
        )
    };
}

/// Whether rows may be taken out.
macro_rules! delete {
    ($table:literal, $column:literal, $without:expr) => {
        privilege(
            ($table, $column),
            concat!("DELETE FROM ", $table, " WHERE 1 = 0"),
            concat!("DELETE ON ", $table),
            $without,
        )
    };
}

/// A change of such a row.
macro_rules! update {
    ($table:literal, $column:literal, $without:expr) => {
        privilege(
            ($table, $column),
            concat!(
                "UPDATE ",
                $table,
                " SET ",
                $column,
                " = ",
                $column,
                " WHERE 1 = 0"
            ),
            concat!("UPDATE ON ", $table),
            $without,
        )
    };
}

pub(super) mod forms;
pub(super) mod messages;

const NO_ACCOUNTS: &str =
    "accounts are neither locked nor invited, and nobody logs in for the first time";

const NO_LINKS: &str = "no link by mail is made or works";

const NO_WATCH: &str = "a changed e-mail address is not noticed";

const NO_MAIL: &str = "no letter goes out";

const NO_REGISTRATION: &str = "nobody can register";

const NO_VISITS: &str = "nobody can ask for a visit, or is told what becomes of one";

const NO_UPLOADS: &str = "patients send no documents, and staff do not decide about them";

const NO_SHARES: &str = "staff can neither share a document with its patient nor take it back";

const NO_ID: &str = "new rows have no FHIR id until OpenEMR gives one";

const EXPIRED: &str = "what has expired stays in the table for good";

/// Version 6.1 has no uuid for visits and documents, and no `last_updated`; a right on a column that is not there
/// cannot be granted.
pub(super) const PRIVILEGES: &[Privilege] = &[
    privilege(
        ("openemr_postcalendar_events", "pc_apptstatus"),
        "UPDATE openemr_postcalendar_events SET pc_apptstatus = pc_apptstatus, pc_hometext = pc_hometext, \
         pc_recurrspec = pc_recurrspec, pc_eventDate = pc_eventDate, pc_startTime = pc_startTime, \
         pc_endTime = pc_endTime, pc_duration = pc_duration WHERE 1 = 0",
        "UPDATE (pc_apptstatus, pc_hometext, pc_recurrspec, pc_eventDate, pc_startTime, pc_endTime, pc_duration) \
         ON openemr_postcalendar_events",
        "nobody can cancel or move a visit",
    ),
    privilege(
        ("openemr_postcalendar_events", "pc_apptstatus"),
        "INSERT INTO openemr_postcalendar_events (pc_multiple, pc_eventDate) SELECT pc_multiple, pc_eventDate \
         FROM openemr_postcalendar_events WHERE 1 = 0",
        "INSERT ON openemr_postcalendar_events",
        "nobody can ask for a visit",
    ),
    privilege(
        ("patient_tracker", "lastseq"),
        "INSERT INTO patient_tracker (lastseq) SELECT lastseq FROM patient_tracker WHERE 1 = 0",
        "INSERT ON patient_tracker",
        "staff cannot book or mark a visit",
    ),
    privilege(
        ("pnotes", "body"),
        "INSERT INTO pnotes (body) SELECT body FROM pnotes WHERE 1 = 0",
        "INSERT ON pnotes",
        "staff are not told of cancelled visits",
    ),
    privilege(
        ("patient_tracker_element", "status"),
        "INSERT INTO patient_tracker_element (status) SELECT status FROM patient_tracker_element WHERE 1 = 0",
        "INSERT ON patient_tracker_element",
        "the flow board misses cancelled visits",
    ),
    privilege(
        ("patient_tracker", "lastseq"),
        "UPDATE patient_tracker SET lastseq = lastseq WHERE 1 = 0",
        "UPDATE (lastseq) ON patient_tracker",
        "the flow board misses cancelled visits",
    ),
    privilege(
        ("patient_access_onsite", "portal_pwd"),
        "UPDATE patient_access_onsite SET portal_username = portal_username, portal_pwd = portal_pwd, \
         portal_login_username = portal_login_username, \
         portal_pwd_status = portal_pwd_status, portal_onetime = portal_onetime WHERE 1 = 0",
        "UPDATE (portal_username, portal_pwd, portal_login_username, portal_pwd_status, portal_onetime) \
         ON patient_access_onsite",
        "patients who must change their password cannot",
    ),
    privilege(
        ("patient_access_onsite", "portal_pwd"),
        "INSERT INTO patient_access_onsite (pid) SELECT pid FROM patient_access_onsite WHERE 1 = 0",
        "INSERT ON patient_access_onsite",
        "staff cannot make the first login of a patient",
    ),
    privilege(
        ("patient_data", "allow_patient_portal"),
        "UPDATE patient_data SET allow_patient_portal = allow_patient_portal WHERE 1 = 0",
        "UPDATE (allow_patient_portal) ON patient_data",
        "staff can let nobody in, and shut nobody out",
    ),
    privilege(
        ("uuid_registry", "uuid"),
        "INSERT INTO uuid_registry (uuid) SELECT uuid FROM uuid_registry WHERE 1 = 0",
        "INSERT ON uuid_registry",
        NO_ID,
    ),
    privilege(
        ("uuid_mapping", "uuid"),
        "INSERT INTO uuid_mapping (uuid) SELECT uuid FROM uuid_mapping WHERE 1 = 0",
        "INSERT ON uuid_mapping",
        "new facilities have no Location",
    ),
    privilege(
        ("patient_data", "uuid"),
        "UPDATE patient_data SET uuid = uuid WHERE 1 = 0",
        "UPDATE (uuid) ON patient_data",
        NO_ID,
    ),
    privilege(
        ("patient_data", "last_updated"),
        "UPDATE patient_data SET last_updated = last_updated WHERE 1 = 0",
        "UPDATE (last_updated) ON patient_data",
        NO_ID,
    ),
    privilege(
        ("users", "uuid"),
        "UPDATE users SET uuid = uuid WHERE 1 = 0",
        "UPDATE (uuid) ON users",
        NO_ID,
    ),
    privilege(
        ("users", "last_updated"),
        "UPDATE users SET last_updated = last_updated WHERE 1 = 0",
        "UPDATE (last_updated) ON users",
        NO_ID,
    ),
    privilege(
        ("facility", "uuid"),
        "UPDATE facility SET uuid = uuid WHERE 1 = 0",
        "UPDATE (uuid) ON facility",
        NO_ID,
    ),
    privilege(
        ("facility", "last_updated"),
        "UPDATE facility SET last_updated = last_updated WHERE 1 = 0",
        "UPDATE (last_updated) ON facility",
        NO_ID,
    ),
    privilege(
        ("openemr_postcalendar_events", "uuid"),
        "UPDATE openemr_postcalendar_events SET uuid = uuid WHERE 1 = 0",
        "UPDATE (uuid) ON openemr_postcalendar_events",
        NO_ID,
    ),
    privilege(
        ("documents", "uuid"),
        "UPDATE documents SET uuid = uuid, revision = revision WHERE 1 = 0",
        "UPDATE (uuid, revision) ON documents",
        NO_ID,
    ),
    privilege(
        ("users_secure", "password"),
        "SELECT id, username, password FROM users_secure WHERE 1 = 0",
        "SELECT (id, username, password, login_fail_counter) ON users_secure",
        "staff cannot log in, and the tokens of staff open nothing",
    ),
    privilege(
        ("gacl_acl", "allow"),
        "SELECT a.id FROM gacl_acl a JOIN gacl_aco_map c ON c.acl_id = a.id JOIN gacl_aro_map m ON m.acl_id = a.id \
         JOIN gacl_aro_groups_map n ON n.acl_id = a.id JOIN gacl_aro_groups g ON g.id = n.group_id \
         JOIN gacl_groups_aro_map o ON o.group_id = g.id JOIN gacl_aro p ON p.id = o.aro_id WHERE 1 = 0",
        "SELECT ON the seven gacl_ tables of the README",
        "staff cannot log in, and the tokens of staff open nothing",
    ),
    privilege(
        ("form_encounter", "uuid"),
        "UPDATE form_encounter SET uuid = uuid WHERE 1 = 0",
        "UPDATE (uuid) ON form_encounter",
        NO_ID,
    ),
    privilege(
        ("form_encounter", "last_update"),
        "UPDATE form_encounter SET last_update = last_update WHERE 1 = 0",
        "UPDATE (last_update) ON form_encounter",
        NO_ID,
    ),
    privilege(
        ("anteroom_audit", "action"),
        "INSERT INTO anteroom_audit (at, action, outcome) SELECT at, action, outcome FROM anteroom_audit WHERE 1 = 0",
        "INSERT ON anteroom_audit",
        "nobody can log in, because nothing happens that cannot be told in the ledger",
    ),
    privilege(
        ("anteroom_audit_seal", "chain"),
        "INSERT INTO anteroom_audit_seal (id, first_line, last_line, line_count, digests, chain, signature, created) \
         SELECT id, first_line, last_line, line_count, digests, chain, signature, created FROM anteroom_audit_seal \
         WHERE 1 = 0",
        "SELECT, INSERT ON anteroom_audit_seal",
        "the ledger is not sealed, so nobody sees whether a line of it was changed",
    ),
    insert!("anteroom_account", "locked", NO_ACCOUNTS),
    update!("anteroom_account", "locked", NO_ACCOUNTS),
    insert!("anteroom_link", "wrong", NO_LINKS),
    update!("anteroom_link", "wrong", NO_LINKS),
    insert!("anteroom_address", "address", NO_WATCH),
    update!("anteroom_address", "address", NO_WATCH),
    insert!("anteroom_email_change", "link_hash", NO_WATCH),
    insert!("anteroom_outbox", "status", NO_MAIL),
    update!("anteroom_outbox", "status", NO_MAIL),
    insert!("anteroom_registration", "status", NO_REGISTRATION),
    update!("anteroom_registration", "status", NO_REGISTRATION),
    insert!("anteroom_calendar", "turn", NO_VISITS),
    update!("anteroom_calendar", "turn", NO_VISITS),
    insert!("anteroom_hold", "expires", NO_VISITS),
    delete!("anteroom_hold", "pid", NO_VISITS),
    insert!("anteroom_visit", "mark", NO_VISITS),
    update!("anteroom_visit", "mark", NO_VISITS),
    delete!("anteroom_visit", "event", EXPIRED),
    insert!("anteroom_upload", "state", NO_UPLOADS),
    update!("anteroom_upload", "state", NO_UPLOADS),
    insert!("anteroom_share", "shared", NO_SHARES),
    update!("anteroom_share", "shared", NO_SHARES),
    delete!("anteroom_session", "pid", EXPIRED),
    delete!("anteroom_authorization", "id", EXPIRED),
    delete!("anteroom_code", "grant_id", EXPIRED),
    delete!("anteroom_token", "kind", EXPIRED),
    delete!("anteroom_throttle", "name", EXPIRED),
    delete!("anteroom_launch", "staff", EXPIRED),
    delete!("anteroom_jti", "name", EXPIRED),
    delete!("anteroom_upstream", "nonce", EXPIRED),
    delete!("anteroom_grant", "client_id", EXPIRED),
    delete!(
        "anteroom_staff_link",
        "staff",
        "anteroom staff unlink cannot do its work"
    ),
    privilege(
        ("documents", "drive_uuid"),
        "INSERT INTO documents (id, revision) SELECT id, revision FROM documents WHERE 1 = 0",
        "INSERT ON documents",
        "nobody can send documents",
    ),
    privilege(
        ("categories_to_documents", "document_id"),
        "INSERT INTO categories_to_documents (category_id, document_id) \
         SELECT category_id, document_id FROM categories_to_documents WHERE 1 = 0",
        "INSERT ON categories_to_documents",
        "nobody can send documents",
    ),
    privilege(
        ("categories_to_documents", "category_id"),
        "UPDATE categories_to_documents SET category_id = category_id WHERE 1 = 0",
        "UPDATE (category_id) ON categories_to_documents",
        "staff cannot file elsewhere what a patient sent",
    ),
    privilege(
        ("documents", "deleted"),
        "UPDATE documents SET deleted = deleted WHERE 1 = 0",
        "UPDATE (deleted) ON documents",
        "staff cannot refuse a document that a patient sent",
    ),
    privilege(
        ("sequences", "id"),
        "UPDATE sequences SET id = id WHERE 1 = 0",
        "SELECT, UPDATE ON sequences",
        "nobody can send documents",
    ),
    privilege(
        ("anteroom_seen", "row_id"),
        "INSERT INTO anteroom_seen (kind, row_id, pid) SELECT kind, row_id, pid FROM anteroom_seen WHERE 1 = 0",
        "INSERT ON anteroom_seen",
        "what staff removed is not told apart from what never was",
    ),
    privilege(
        ("patient_data", "fname"),
        "UPDATE patient_data SET `date` = `date`, title = title, fname = fname, mname = mname, lname = lname, DOB = DOB, \
         sex = sex, race = race, ethnicity = ethnicity, language = language, status = status, street = street, \
         city = city, county = county, state = state, postal_code = postal_code, country_code = country_code, \
         phone_home = phone_home, phone_biz = phone_biz, phone_cell = phone_cell, email = email, \
         contact_relationship = contact_relationship, phone_contact = phone_contact WHERE 1 = 0",
        "UPDATE (date, title, fname, mname, lname, DOB, sex, race, ethnicity, language, status, street, city, county, \
         state, postal_code, country_code, phone_home, phone_biz, phone_cell, email, contact_relationship, \
         phone_contact) ON patient_data",
        "staff cannot change charts or take over what patients ask for",
    ),
    privilege(
        ("patient_data", "updated_by"),
        "UPDATE patient_data SET suffix = suffix, preferred_name = preferred_name, street_line_2 = street_line_2, \
         updated_by = updated_by WHERE 1 = 0",
        "UPDATE (suffix, preferred_name, street_line_2, updated_by) ON patient_data",
        "staff cannot change charts or take over what patients ask for",
    ),
    privilege(
        ("patient_data", "email_direct"),
        "UPDATE patient_data SET email_direct = email_direct WHERE 1 = 0",
        "UPDATE (email_direct) ON patient_data",
        "patients cannot change their e-mail address",
    ),
    privilege(
        ("patient_data", "pid"),
        "INSERT INTO patient_data (pid) SELECT pid FROM patient_data WHERE 1 = 0",
        "INSERT ON patient_data",
        "staff cannot open charts",
    ),
    privilege(
        ("patient_history", "previous_name_enddate"),
        "INSERT INTO patient_history (pid) SELECT pid FROM patient_history WHERE 1 = 0",
        "INSERT ON patient_history",
        "staff cannot change names",
    ),
    privilege(
        ("onsite_portal_activity", "table_args"),
        "INSERT INTO onsite_portal_activity (table_args) SELECT table_args FROM onsite_portal_activity WHERE 1 = 0",
        "SELECT, INSERT ON onsite_portal_activity",
        "patients cannot ask for changes to their charts",
    ),
    privilege(
        ("onsite_portal_activity", "status"),
        "UPDATE onsite_portal_activity SET date = date, table_args = table_args, pending_action = pending_action, \
         action_taken = action_taken, status = status, narrative = narrative, table_action = table_action, \
         action_user = action_user, action_taken_time = action_taken_time WHERE 1 = 0",
        "UPDATE (date, table_args, pending_action, action_taken, status, narrative, table_action, action_user, \
         action_taken_time) ON onsite_portal_activity",
        "what patients ask for cannot be decided",
    ),
    privilege(
        ("insurance_data", "policy_number"),
        "INSERT INTO insurance_data (pid) SELECT pid FROM insurance_data WHERE 1 = 0",
        "SELECT, INSERT ON insurance_data",
        "nobody can add an insurance",
    ),
    privilege(
        ("insurance_data", "uuid"),
        "UPDATE insurance_data SET uuid = uuid, type = type, provider = provider, plan_name = plan_name, \
         policy_number = policy_number, group_number = group_number, \
         subscriber_relationship = subscriber_relationship, subscriber_fname = subscriber_fname, subscriber_mname = subscriber_mname, \
         subscriber_lname = subscriber_lname, subscriber_ss = subscriber_ss, \
         subscriber_DOB = subscriber_DOB, subscriber_sex = subscriber_sex, \
         subscriber_street = subscriber_street, subscriber_city = subscriber_city, \
         subscriber_state = subscriber_state, subscriber_postal_code = subscriber_postal_code, \
         subscriber_country = subscriber_country, subscriber_phone = subscriber_phone, \
         subscriber_employer = subscriber_employer, subscriber_employer_street = subscriber_employer_street, \
         subscriber_employer_city = subscriber_employer_city, subscriber_employer_state = subscriber_employer_state, \
         subscriber_employer_postal_code = subscriber_employer_postal_code, subscriber_employer_country = subscriber_employer_country, \
         date = date WHERE 1 = 0",
        "UPDATE (uuid, type, provider, plan_name, policy_number, group_number, subscriber_relationship, subscriber_fname, \
         subscriber_mname, subscriber_lname, subscriber_ss, \
         subscriber_DOB, subscriber_sex, subscriber_street, \
         subscriber_city, subscriber_state, subscriber_postal_code, \
         subscriber_country, subscriber_phone, subscriber_employer, \
         subscriber_employer_street, subscriber_employer_city, subscriber_employer_state, \
         subscriber_employer_postal_code, subscriber_employer_country, date) ON insurance_data",
        "nobody can change an insurance",
    ),
    privilege(
        ("insurance_data", "date_end"),
        "UPDATE insurance_data SET date_end = date_end WHERE 1 = 0",
        "UPDATE (date_end) ON insurance_data",
        "nobody can end an insurance",
    ),
    privilege(
        ("insurance_data", "subscriber_street_line_2"),
        "UPDATE insurance_data SET subscriber_street_line_2 = subscriber_street_line_2, \
         subscriber_employer_street_line_2 = subscriber_employer_street_line_2 WHERE 1 = 0",
        "UPDATE (subscriber_street_line_2, subscriber_employer_street_line_2) ON insurance_data",
        "nobody can change who is insured",
    ),
    privilege(
        ("insurance_companies", "uuid"),
        "UPDATE insurance_companies SET uuid = uuid WHERE 1 = 0",
        "SELECT, UPDATE (uuid) ON insurance_companies",
        NO_ID,
    ),
    privilege(
        ("insurance_companies", "last_updated"),
        "UPDATE insurance_companies SET last_updated = last_updated WHERE 1 = 0",
        "UPDATE (last_updated) ON insurance_companies",
        NO_ID,
    ),
    privilege(
        ("anteroom_outbox", "letter"),
        "INSERT INTO anteroom_outbox (message_id, letter, address, language, told, status, not_before, created) \
         SELECT message_id, letter, address, language, told, status, not_before, created FROM anteroom_outbox WHERE 1 = 0",
        "INSERT ON anteroom_outbox",
        "nobody can be written to",
    ),
    privilege(
        ("anteroom_outbox", "status"),
        "UPDATE anteroom_outbox SET status = status WHERE 1 = 0",
        "UPDATE ON anteroom_outbox",
        "no letter leaves",
    ),
    delete!("anteroom_link", "token_hash", EXPIRED),
    delete!("anteroom_registration", "status", EXPIRED),
    privilege(
        ("anteroom_review", "id"),
        "UPDATE anteroom_review SET status = status WHERE 1 = 0",
        "SELECT, INSERT, UPDATE ON anteroom_review",
        "patients cannot ask for changes",
    ),
];
