//! The gateway's own memory: the `anteroom_` tables, in the same database as the EMR.

pub mod accounts;
pub mod allowed;
pub mod authorizations;
pub mod changes;
pub mod clients;
pub mod codes;
pub mod conditions;
pub mod email_changes;
pub mod expiry;
pub mod grants;
pub mod jobs;
pub mod jtis;
pub mod keys;
pub mod launches;
pub mod ledger;
pub mod links;
pub mod outbox;
pub mod repeats;
pub mod reviews;
pub mod rights;
pub mod seen;
pub mod sessions;
pub mod staff_links;
pub mod throttle;
pub mod tokens;
pub mod upstream;
