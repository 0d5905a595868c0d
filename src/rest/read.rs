//! Read, vread and the history of an instance.
