//! Layers: one file each, settings and shapes and forward beside backward.

use crate::engine::{field::FieldError, init::Initializer, real::Real, regularizer::Regularizer, shape::Shape};

/// One tensor of weights that a layer asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct ParameterSpec {
    /// Keras's name: `kernel`, `bias`, `gamma`, `moving_mean`, …
    pub name: &'static str,
    /// Its shape, row-major.
    pub shape: Shape,
    /// Its first values.
    pub initializer: Initializer,
    /// Its penalty, where it has one.
    pub regularizer: Option<Regularizer>,
    /// Whether the optimizer moves it.
    pub trainable: bool,
}

/// What every layer's settings implement. `x: [batch, ...]`, `y: [batch, ...]`, row-major.
pub trait Layer<F: Real>: Send + Sync {
    /// Ranges of the settings; the pointer is below the layer (`/units`).
    fn check(&self) -> Result<(), FieldError>;
    /// The output's shape for these inputs' shapes.
    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError>;
    /// The weights for these inputs' shapes.
    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec>;
}
