//! The gateway's own memory: the `anteroom_` tables, in the same database as the EMR.

pub mod ledger;
