//! Layers that disturb or penalize what flows through them in training.

mod activity_regularization;
mod alpha_dropout;
mod dropout;
mod gaussian_dropout;
mod gaussian_noise;
mod noise_shape;
mod spatial_dropout;

pub use activity_regularization::ActivityRegularization;
pub use alpha_dropout::AlphaDropout;
pub use dropout::Dropout;
pub use gaussian_dropout::GaussianDropout;
pub use gaussian_noise::GaussianNoise;
pub use noise_shape::NoiseShape;
pub use spatial_dropout::{SpatialDropout, SpatialDropout1d, SpatialDropout2d, SpatialDropout3d};

/// 32-bit words of randomness that a normal number takes.
const NORMAL_WORDS: usize = 4;

/// An element is kept where its random word is at least this.
fn threshold(rate: f64) -> u32 {
    (rate * 2f64.powi(32)) as u32
}
