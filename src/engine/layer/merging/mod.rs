//! Layers that make one value of several.

mod add;
mod average;
mod concatenate;
mod dot;
mod extremum;
mod multiply;
mod subtract;

pub use add::Add;
pub use average::Average;
pub use concatenate::Concatenate;
pub use dot::Dot;
pub use extremum::{Maximum, Minimum};
pub use multiply::Multiply;
pub use subtract::Subtract;
