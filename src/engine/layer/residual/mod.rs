//! Layers of residual branches, as the models of `keras.applications` have them.

mod custom_scale_layer;
mod layer_scale;
mod stochastic_depth;

pub use custom_scale_layer::CustomScaleLayer;
pub use layer_scale::LayerScale;
pub use stochastic_depth::StochasticDepth;
