//! Create, update and patch: Ask, Case, Verdict, Permit, Record, in one transaction with the ledger.
