//! Decode.
