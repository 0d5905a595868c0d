//! What every letter may never lack or hold.
