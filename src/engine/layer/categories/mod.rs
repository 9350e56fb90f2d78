//! Layers that turn numbers into categories, or categories into numbers to compute with.

mod category_encoding;
mod coding;
mod discretization;
mod integer_lookup;

pub use category_encoding::CategoryEncoding;
pub use coding::{Coding, IndexMode};
pub use discretization::Discretization;
pub use integer_lookup::IntegerLookup;
