//! Anteroom: a SMART on FHIR front room for the EMR a practice already runs.
//!
//! A request becomes a Grant, a Grant becomes a Reach, a body becomes an Ask, an Ask becomes a Case, a Case becomes
//! a Verdict, a Verdict holds a Permit, a Permit becomes a Record, a Record becomes JSON. The modules stand in
//! reading order; each imports only modules above it (`tests/tidy.rs` holds the rule).

pub mod domain;

pub mod words;

pub mod sheet;

pub mod crypto;

pub mod config;

pub mod fetch;

pub mod portal;

pub mod db;

pub mod store;

pub mod emr;

pub mod fhir;
pub mod rest;

pub mod auth;

pub mod mail;

pub mod worker;

pub mod http;

pub mod demo;

pub mod command;
