//! Series as their visits, visits with several providers, and pages over both.
