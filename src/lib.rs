//! Anteroom.
pub mod crypto;
pub mod db;
pub mod domain;
pub mod emr;
pub mod store;
