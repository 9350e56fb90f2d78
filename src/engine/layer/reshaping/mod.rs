//! Layers that lay the elements of their input out in another way.

mod broadcast_to;
mod center_crop;
mod cropping1d;
mod cropping2d;
mod cropping3d;
mod expand_dims;
mod flip;
mod frame;
mod get_item;
mod margins;
mod pad;
mod permute;
mod picked;
mod repeat;
mod repeat_vector;
mod repetition;
mod resampling;
mod reshape;
mod resized;
mod resizing;
mod roll;
mod split;
mod take;
mod tile;
mod up_sampling1d;
mod up_sampling2d;
mod up_sampling3d;
mod zero_padding1d;
mod zero_padding2d;
mod zero_padding3d;

pub use broadcast_to::BroadcastTo;
pub use center_crop::CenterCrop;
pub use cropping1d::Cropping1d;
pub use cropping2d::Cropping2d;
pub use cropping3d::Cropping3d;
pub use expand_dims::ExpandDims;
pub use flip::Flip;
pub use get_item::{GetItem, Slice, Taken};
pub use margins::{Margins1d, Margins2d, Margins3d};
pub use pad::{Pad, PadMode};
pub use permute::Permute;
pub use repeat::{Repeat, Repeats};
pub use repeat_vector::RepeatVector;
pub use reshape::Reshape;
pub use resized::ResizeInterpolation;
pub use resizing::Resizing;
pub use roll::Roll;
pub use split::{Sections, Split};
pub use take::Take;
pub use tile::Tile;
pub use up_sampling1d::UpSampling1d;
pub use up_sampling2d::{Interpolation, UpSampling2d};
pub use up_sampling3d::UpSampling3d;
pub use zero_padding1d::ZeroPadding1d;
pub use zero_padding2d::ZeroPadding2d;
pub use zero_padding3d::ZeroPadding3d;

use crate::engine::{field::FieldError, shape::Shape};

/// The axes of an input of the given names.
fn axes<const N: usize>(shape: &Shape, names: &str) -> Result<[usize; N], FieldError> {
    let axes = shape.0.as_slice().try_into();
    axes.map_err(|_| FieldError::new("", format!("expected an input of {N} axes, {names}, received {shape}")))
}
