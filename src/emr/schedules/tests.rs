//! Calendars of providers.
