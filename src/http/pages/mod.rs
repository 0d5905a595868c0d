//! What each page shows: one file a page, each the data of one template. No handler stands here.

pub mod account;
pub mod activity;
pub mod app;
pub mod apps;
pub mod assets;
pub mod consent;
pub mod deeds;
pub mod desk;
pub mod developers;
pub mod developers_register;
pub mod documents;
pub mod enrol;
pub mod frame;
pub mod help;
pub mod home;
pub mod jobs;
pub mod link;
pub mod login;
pub mod logout;
pub mod messages;
pub mod new_credentials;
pub mod onboarding;
pub mod own;
pub mod own_forms;
pub mod plain;
pub mod problem;
pub mod requests;
pub mod reset;
pub mod scope_words;
pub mod staff;
pub mod staff_addressees;
pub mod staff_documents;
pub mod staff_forms;
pub mod staff_login;
pub mod staff_mail;
pub mod staff_patient;
pub mod staff_registrations;
pub mod staff_reviews;
pub mod staff_templates;
pub mod staff_visits;
pub mod visits;
pub mod visits_new;

#[cfg(test)]
mod tests;
