//! [`UnitNormalization`].

use super::normalize::{parts, sum};
use crate::engine::{
    field::FieldError,
    kernel,
    layer::{Backward, Compute, Forward, Layer, MaskRule, Workspace, axes::Axes, transpose},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// `y = x * min(1 / sqrt(sum(x²)), 1e12)`, with the sum over `axis`: each stretch of `x` gets the length 1.
///
/// # Shapes
/// Any, unchanged.
///
/// Source: <https://keras.io/api/layers/normalization_layers/unit_normalization/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UnitNormalization {
    /// The axes that are normalized together, counted with the batch axis or from the last one, which is -1: one, or a list.
    pub axis: Axes,
}

impl Default for UnitNormalization {
    fn default() -> Self {
        Self { axis: Axes::LAST }
    }
}

/// The largest factor: what Keras's epsilon of 1e-12 bounds it by.
const LARGEST: f64 = 1e12;
/// Moved rows at once: of x and y, and of both gradients.
const MOVED: usize = 4;

/// What a stretch is multiplied by, and whether its bound says so.
#[inline(always)]
fn factor<F: Real>(x: &[F]) -> (F, bool) {
    let factor = F::ONE / sum(x, x, |x, _| x * x).sqrt();
    let bound = F::of(LARGEST);
    if factor > bound { (bound, true) } else { (factor, false) }
}

impl Layer for UnitNormalization {
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        self.axis.places(&inputs[0])?;
        Ok(inputs[0].clone())
    }

    fn mask(&self, _: &[Shape], _: &[Option<Shape>]) -> MaskRule {
        MaskRule::Pass(0)
    }

    fn workspace(&self, inputs: &[Shape]) -> Workspace {
        let axes = self.axis.places(&inputs[0]).unwrap_or_default();
        Workspace { scratch: transpose::scratch(&inputs[0], &axes, MOVED), ..Workspace::default() }
    }

    fn tables(&self, inputs: &[Shape]) -> Vec<Vec<u32>> {
        transpose::tables(&inputs[0], &self.axis.places(&inputs[0]).unwrap_or_default())
    }

    fn cost(&self, inputs: &[Shape]) -> u64 {
        4 * inputs[0].elements() as u64
    }
}

impl<F: Real> Compute<F> for UnitNormalization {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let width = self.axis.width(cx.inputs.shape(0));
        let x = cx.inputs.get(0);
        let Some(table) = cx.tables.first() else { return stretches(x, cx.output, width) };
        let [moved_x, moved_y] = parts(cx.scratch, table.len());
        for (y, x) in cx.output.chunks_exact_mut(table.len()).zip(x.chunks_exact(table.len())) {
            transpose::gather(table, x, moved_x);
            stretches(moved_x, moved_y, width);
            transpose::scatter(table, moved_y, y);
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let width = self.axis.width(cx.inputs.shape(0));
        let (x, y, dy) = (cx.inputs.get(0), cx.output, &*cx.output_gradient);
        let Some(dx) = cx.input_gradients.get(0) else { return };
        let Some(table) = cx.tables.first() else { return stretches_backward([x, y, dy], dx, width) };
        let [moved_x, moved_y, moved_dy, moved_dx] = parts(cx.scratch, table.len());
        for (row, dx) in dx.chunks_exact_mut(table.len()).enumerate() {
            for (cells, moved) in [(x, &mut *moved_x), (y, &mut *moved_y), (dy, &mut *moved_dy)] {
                transpose::gather(table, &cells[row * table.len()..][..table.len()], moved);
            }
            stretches_backward([moved_x, moved_y, moved_dy], moved_dx, width);
            transpose::scatter(table, moved_dx, dx);
        }
    }
}

/// Writes `y` from `x`, stretch by stretch.
fn stretches<F: Real>(x: &[F], y: &mut [F], width: usize) {
    kernel::vectorized(
        #[inline(always)]
        || {
            for (y, x) in y.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
                let (factor, _) = factor(x);
                y.iter_mut().zip(x).for_each(|(y, &x)| *y = x * factor);
            }
        },
    );
}

/// `dx = factor * (dy - y * sum(dy * y))`; where the factor is at its bound it does not move.
fn stretches_backward<F: Real>([x, y, dy]: [&[F]; 3], dx: &mut [F], width: usize) {
    kernel::vectorized(
        #[inline(always)]
        || {
            let stretches = dx.chunks_exact_mut(width).zip(dy.chunks_exact(width));
            for ((dx, dy), (x, y)) in stretches.zip(x.chunks_exact(width).zip(y.chunks_exact(width))) {
                let (factor, bounded) = factor(x);
                let along = if bounded { F::ZERO } else { sum(dy, y, |dy, y| dy * y) };
                for c in 0..width {
                    dx[c] = factor * (dy[c] - y[c] * along);
                }
            }
        },
    );
}
