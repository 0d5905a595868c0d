//! The FHIR side: what is read, searched and changed, and how every "no" looks.

mod batch;
mod binary;
mod booking;
mod broken_writes;
mod broken_reads;
mod bytes;
mod cancel;
mod chart;
mod coverage;
mod gone;
mod message;
mod history;
mod odd;
mod once;
mod operations;
mod read;
mod recurring;
mod search;
mod slots;
mod search_forms;
mod search_includes;
mod task;
mod transaction;
mod upload;
mod wide_reach;
pub(crate) mod reach;
mod write;
