//! Layers that lay the elements of their input out in another way.

mod cropping1d;
mod cropping2d;
mod cropping3d;
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
mod zero_padding1d;
mod zero_padding2d;
mod zero_padding3d;

pub use cropping1d::Cropping1d;
pub use cropping2d::Cropping2d;
pub use cropping3d::Cropping3d;
pub use flatten::Flatten;
pub use margins::{Margins1d, Margins2d, Margins3d};
pub use permute::Permute;
pub use repeat_vector::RepeatVector;
pub use reshape::Reshape;
pub use resized::ResizeInterpolation;
pub use up_sampling1d::UpSampling1d;
pub use up_sampling2d::{Interpolation, UpSampling2d};
pub use up_sampling3d::UpSampling3d;
pub use zero_padding1d::ZeroPadding1d;
pub use zero_padding2d::ZeroPadding2d;
pub use zero_padding3d::ZeroPadding3d;
