//! [`StochasticDepth`].

use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, Layer, Origins, Workspace},
    real::{Real, check},
    shape::Shape,
};
use rand::Rng;
use serde::{Deserialize, Serialize};

/// In training, all of a row is set to zero with probability `drop_path_rate`, and other rows are scaled by
/// `1 / (1 - drop_path_rate)`: a residual branch that some rows skip. At inference, `y = x`. The output has no mask.
///
/// # Shapes
/// Any, unchanged.
///
/// Source: <https://github.com/keras-team/keras/blob/v3.15.1/keras/src/applications/convnext.py>,
/// <https://arxiv.org/abs/1603.09382>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StochasticDepth {
    /// The fraction of rows that are dropped: 0 or more, less than 1.
    pub drop_path_rate: f64,
    /// Seed of this layer; default: derived from the job's seed.
    #[serde(default)]
    pub seed: Option<u64>,
}

impl Layer for StochasticDepth {
    fn check(&self) -> Result<(), FieldError> {
        check::below_one("/drop_path_rate", self.drop_path_rate)
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        Ok(inputs[0].clone())
    }

    /// The factor of each row.
    fn workspace(&self, _: &[Shape]) -> Workspace {
        Workspace { kept_per_row: 1, ..Workspace::default() }
    }

    fn origins(&self, _: &[Shape]) -> Origins {
        Origins::Same { exact: false }
    }
}

impl<F: Real> Compute<F> for StochasticDepth {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let x = cx.inputs.get(0);
        if !cx.pass.training {
            cx.output.copy_from_slice(x);
            return;
        }
        let threshold = (self.drop_path_rate * 2f64.powi(32)) as u32;
        let scale = F::of(1.0 / (1.0 - self.drop_path_rate));
        let cells = cx.inputs.shape(0).elements();
        let mut random = cx.pass.noise.stream(self.seed, 1);
        let rows = cx.output.chunks_exact_mut(cells).zip(x.chunks_exact(cells)).zip(&mut *cx.kept);
        for ((y, x), factor) in rows {
            *factor = if random.next_u32() >= threshold { scale } else { F::ZERO };
            y.iter_mut().zip(x).for_each(|(y, &x)| *y = x * *factor);
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let Some(dx) = cx.input_gradients.get(0) else { return };
        let cells = cx.inputs.shape(0).elements();
        let rows = dx.chunks_exact_mut(cells).zip(cx.output_gradient.chunks_exact(cells)).zip(&*cx.kept);
        for ((dx, dy), &factor) in rows {
            dx.iter_mut().zip(dy).for_each(|(dx, &dy)| *dx = dy * factor);
        }
    }
}
