//! What several topics share.

pub mod records;
