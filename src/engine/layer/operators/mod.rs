//! Operators of Keras for which it has no layer: functions of each element, reductions of axes, contractions, constants.

mod absolute;
mod argmax;
mod argmin;
mod cellwise;
mod clip;
mod constant;
mod cumsum;
mod einsum;
mod extremum;
mod functions;
mod lines;
mod log;
mod log1p;
mod logsumexp;
mod max;
mod mean;
mod min;
mod norm;
mod one_hot;
mod power;
mod prod;
mod reciprocal;
mod reduction;
mod rsqrt;
mod sqrt;
mod square;
mod std;
mod sum;
mod var;

pub use absolute::Absolute;
pub use argmax::Argmax;
pub use argmin::Argmin;
pub use clip::Clip;
pub use constant::ConstantLayer;
pub use cumsum::Cumsum;
pub use einsum::Einsum;
pub use functions::{
    Arccos, Arccosh, Arcsin, Arcsinh, Arctan, Arctanh, Ceil, Cos, Cosh, Erf, Expm1, Floor, Log2, Log10, LogicalNot,
    Round, Sign, Sin, Sinh, Tan, Trunc,
};
pub use log::Log;
pub use log1p::Log1p;
pub use logsumexp::Logsumexp;
pub use max::Max;
pub use mean::Mean;
pub use min::Min;
pub use norm::Norm;
pub use one_hot::OneHot;
pub use power::Power;
pub use prod::Prod;
pub use reciprocal::Reciprocal;
pub use rsqrt::Rsqrt;
pub use sqrt::Sqrt;
pub use square::Square;
pub use std::Std;
pub use sum::Sum;
pub use var::Var;
