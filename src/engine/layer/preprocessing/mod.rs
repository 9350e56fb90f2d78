//! Layers that prepare numbers, categories and images.

mod category_encoding;
mod coding;
mod discretization;
mod image_preprocessing;
mod integer_lookup;
mod normalization;
mod rescaling;

pub use category_encoding::CategoryEncoding;
pub use coding::{Coding, IndexMode};
pub use discretization::Discretization;
pub use image_preprocessing::{
    CenterCrop, ContrastFactor, Factor, FillMode, FlipMode, RandomBrightness, RandomContrast, RandomFlip,
    RandomRotation, RandomTranslation, RandomZoom, Resizing, TransformInterpolation, ValueRange,
};
pub use integer_lookup::IntegerLookup;
pub use normalization::Normalization;
pub(crate) use normalization::{COUNT, MEAN, VARIANCE};
pub use rescaling::Rescaling;
