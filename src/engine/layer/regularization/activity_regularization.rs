//! [`ActivityRegularization`].

use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, Layer, MaskRule, Origins},
    real::{Real, check},
    regularizer::{L1L2, Regularizer},
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// `y = x`; adds `l1 * sum |x| + l2 * sum x²`, divided by the rows of the batch, to the loss.
///
/// Layers with an `activity_regularizer` are followed by such a node.
///
/// # Shapes
/// Any, unchanged.
///
/// Source: <https://keras.io/api/layers/regularization_layers/activity_regularization/>
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ActivityRegularization {
    /// The factor of the sum of sizes, at least 0.
    pub l1: f64,
    /// The factor of the sum of squares, at least 0.
    pub l2: f64,
}

impl ActivityRegularization {
    fn divided_by(&self, rows: usize) -> Regularizer {
        L1L2 { l1: self.l1, l2: self.l2 }.divided_by(rows)
    }
}

impl Layer for ActivityRegularization {
    fn check(&self) -> Result<(), FieldError> {
        check::not_negative("/l1", self.l1)?;
        check::not_negative("/l2", self.l2)
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        Ok(inputs[0].clone())
    }

    fn mask(&self, _: &[Shape], _: &[Option<Shape>]) -> MaskRule {
        MaskRule::Pass(0)
    }

    fn origins(&self, _: &[Shape]) -> Origins {
        Origins::Same { exact: true }
    }
}

impl<F: Real> Compute<F> for ActivityRegularization {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        cx.output.copy_from_slice(cx.inputs.get(0));
        *cx.penalty += self.divided_by(1).penalty(cx.output, cx.inputs.shape(0), &mut []);
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        if let Some(dx) = cx.input_gradients.get(0) {
            dx.copy_from_slice(cx.output_gradient);
            self.divided_by(cx.pass.batch_rows).add_gradient(cx.output, cx.inputs.shape(0), &mut [], dx);
        }
    }
}
