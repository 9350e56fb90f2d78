//! Convolutions along one axis (sequences), along two (images) and along three (volumes), channels last.
//!
//! A layer of one axis or two is that of three axes over volumes of one row or one plane. [`Window`] knows where a kernel meets an image,
//! [`Correlation`] and [`Planes`] multiply them, and each layer's file adds its settings and its weights.

mod correlation;
mod depthwise;
mod frame;
mod planes;
mod separable;
mod sizes;
mod standard;
mod transposed;
mod window;

pub(crate) use correlation::Correlation;
pub use depthwise::{DepthwiseConv1d, DepthwiseConv2d, DepthwiseConvolution};
use frame::Frame;
use planes::Planes;
pub use separable::{SeparableConv1d, SeparableConv2d, SeparableConvolution};
pub use sizes::{Padding, Sizes};
pub use standard::{Conv1d, Conv2d, Conv3d, Convolution};
pub use transposed::{Conv1dTranspose, Conv2dTranspose, Conv3dTranspose, TransposedConvolution};
pub(crate) use window::{Window, check, check_axes, volume};
