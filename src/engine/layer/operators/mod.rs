//! Operators of Keras for which it has no layer: functions of each element, reductions of axes, contractions, constants.

mod absolute;
mod argmax;
mod argmin;
mod broadcast_to;
mod cellwise;
mod choose;
mod clip;
mod constant;
mod cumsum;
mod divide;
mod einsum;
mod expand_dims;
mod extremum;
mod flip;
mod functions;
mod get_item;
mod lines;
mod log;
mod log1p;
mod logsumexp;
mod mean;
mod norm;
mod one_hot;
mod pad;
mod pairs;
mod picked;
mod power;
mod prod;
mod reciprocal;
mod reduction;
mod repeat;
mod roll;
mod rsqrt;
mod split;
mod sqrt;
mod square;
mod stack;
mod std;
mod sum;
mod take;
mod tile;
mod var;

pub use absolute::Absolute;
pub use argmax::Argmax;
pub use argmin::Argmin;
pub use broadcast_to::BroadcastTo;
pub use choose::Where;
pub use clip::Clip;
pub use constant::ConstantLayer;
pub use cumsum::Cumsum;
pub use divide::Divide;
pub use einsum::Einsum;
pub use expand_dims::ExpandDims;
pub use extremum::{Max, Min};
pub use flip::Flip;
pub use functions::{
    Arccos, Arccosh, Arcsin, Arcsinh, Arctan, Arctanh, Ceil, Cos, Cosh, Erf, Expm1, Floor, Log2, Log10, LogicalNot,
    Round, Sign, Sin, Sinh, Tan, Trunc,
};
pub use get_item::{GetItem, Slice, Taken};
pub use log::Log;
pub use log1p::Log1p;
pub use logsumexp::Logsumexp;
pub use mean::Mean;
pub use norm::Norm;
pub use one_hot::OneHot;
pub use pad::{Pad, PadMode};
pub use pairs::{
    Arctan2, Equal, Exponentiate, FloorDivide, Greater, GreaterEqual, Less, LessEqual, Logaddexp, LogicalAnd,
    LogicalOr, LogicalXor, Modulo, NotEqual,
};
pub use power::Power;
pub use prod::Prod;
pub use reciprocal::Reciprocal;
pub use repeat::{Repeat, Repeats};
pub use roll::Roll;
pub use rsqrt::Rsqrt;
pub use split::{Sections, Split};
pub use sqrt::Sqrt;
pub use square::Square;
pub use stack::Stack;
pub use std::Std;
pub use sum::Sum;
pub use take::Take;
pub use tile::Tile;
pub use var::Var;
