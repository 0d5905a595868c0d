//! Every rule of visits, broken alone.
