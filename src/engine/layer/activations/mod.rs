//! Activations that Keras has as layers.

mod activation;
mod elu;
mod leaky_relu;
mod prelu;
mod relu;
mod softmax;

pub use activation::ActivationLayer;
pub use elu::EluLayer;
pub use leaky_relu::LeakyReluLayer;
pub use prelu::Prelu;
pub use relu::ReluLayer;
pub use softmax::SoftmaxLayer;
