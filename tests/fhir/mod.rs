//! The FHIR side: what is read, searched and changed, and how every "no" looks.

mod binary;
mod cancel;
mod odd;
mod reach;
mod read;
mod search;
mod wide_reach;
