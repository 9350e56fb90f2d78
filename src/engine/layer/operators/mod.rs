//! Operators of Keras for which it has no layer: functions of each cell, and what is left of axes that become one cell.

mod absolute;
mod cellwise;
mod clip;
mod extremum;
mod log;
mod log1p;
mod max;
mod mean;
mod min;
mod power;
mod reciprocal;
mod reduction;
mod rsqrt;
mod sqrt;
mod square;
mod sum;

pub use absolute::Absolute;
pub use clip::Clip;
pub use log::Log;
pub use log1p::Log1p;
pub use max::Max;
pub use mean::Mean;
pub use min::Min;
pub use power::Power;
pub use reciprocal::Reciprocal;
pub use rsqrt::Rsqrt;
pub use sqrt::Sqrt;
pub use square::Square;
pub use sum::Sum;
