//! The columns of a table as numbers and codes, in a file beside the uploaded one. It is a cache: whatever is wrong with it, the
//! uploaded file is read instead.
//!
//! Groups of rows follow each other; in a group each column's cells are contiguous, in the narrowest of a few types that keeps
//! them. A footer in JSON says where each is, with its CRC-32; the last bytes are the footer's length, its CRC-32 and its magic.

mod block;
mod footer;
mod read;
mod write;

pub use read::load_columns;
pub use write::write_columns;

#[cfg(test)]
mod tests;
