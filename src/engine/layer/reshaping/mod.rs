//! Layers that lay the elements of their input out in another way.

mod cropping;
mod flatten;
pub(crate) mod frame;
mod margins;
mod permute;
mod repeat_vector;
mod repetition;
pub(crate) mod resampling;
mod reshape;
pub(crate) mod resized;
mod up_sampling1d;
mod up_sampling2d;
mod up_sampling3d;
mod zero_padding;

pub use cropping::{Cropping, Cropping1d, Cropping2d, Cropping3d};
pub use flatten::Flatten;
pub use margins::Margins;
pub use permute::Permute;
pub use repeat_vector::RepeatVector;
pub use reshape::Reshape;
pub use resized::ResizeInterpolation;
pub use up_sampling1d::UpSampling1d;
pub use up_sampling2d::{Interpolation, UpSampling2d};
pub use up_sampling3d::UpSampling3d;
pub use zero_padding::{ZeroPadding, ZeroPadding1d, ZeroPadding2d, ZeroPadding3d};
