//! The FHIR side: what is read, searched and changed, and how every "no" looks.

mod batch;
mod binary;
mod booking;
mod broken_reads;
mod broken_writes;
mod bytes;
mod cancel;
mod chart;
mod coverage;
mod gone;
mod history;
mod message;
mod odd;
mod once;
mod operations;
pub(crate) mod reach;
mod read;
mod recurring;
mod search;
mod search_forms;
mod search_includes;
mod slots;
mod task;
mod transaction;
mod upload;
mod wide_reach;
mod write;
