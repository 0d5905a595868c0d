//! Free and taken time.
