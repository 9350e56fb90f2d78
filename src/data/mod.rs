//! Tables in, tensors out: reading files, inferring columns, preprocessing fitted on the training rows.

pub mod date;
pub mod named;
pub mod profile;
pub mod read;
pub mod recipe;
pub mod schema;
mod sort;
pub mod split;
pub mod strict;
pub mod table;
pub mod weights;
