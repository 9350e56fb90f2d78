//! [`Prelu`].

use crate::engine::{
    constraint::Constraint,
    field::FieldError,
    init::Initializer,
    layer::{Backward, Compute, Forward, Layer, MaskRule, ParameterSpec, settings_checks},
    real::Real,
    regularizer::Regularizer,
    shape::Shape,
};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// `y = x` where x > 0, else `alpha * x`, with an alpha that is learned.
///
/// # Shapes
/// Any, unchanged; alpha has the input's shape, with 1 along `shared_axes`.
///
/// Source: <https://keras.io/api/layers/activation_layers/prelu/>, <https://arxiv.org/abs/1502.01852>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Prelu {
    /// Initializer for the `alpha`.
    pub alpha_initializer: Initializer,
    /// Regularizer for the `alpha`.
    pub alpha_regularizer: Option<Regularizer>,
    /// Constraint applied to the `alpha` after each step.
    pub alpha_constraint: Option<Constraint>,
    /// Axes along which alpha is the same, counted from 1: the batch axis is 0.
    pub shared_axes: Option<Vec<usize>>,
}

impl Default for Prelu {
    fn default() -> Self {
        Self {
            alpha_initializer: Initializer::Zeros,
            alpha_regularizer: None,
            alpha_constraint: None,
            shared_axes: None,
        }
    }
}

const ALPHA: usize = 0;

impl Prelu {
    fn is_shared(&self, axis: usize) -> bool {
        self.shared_axes.as_ref().is_some_and(|axes| axes.contains(&(axis + 1)))
    }

    /// Calls `f` with the elements of each run along a row's last axis, and with those of alpha that belong to it: as many, or
    /// one for all.
    fn runs(&self, shape: &Shape, mut f: impl FnMut(Range<usize>, Range<usize>)) {
        let Some((&width, others)) = shape.0.split_last() else { return f(0..1, 0..1) };
        let length = if self.is_shared(others.len()) { 1 } else { width };
        for start in (0..shape.elements()).step_by(width) {
            let (mut position, mut stride, mut first) = (start / width, length, 0);
            for (axis, &size) in others.iter().enumerate().rev() {
                if !self.is_shared(axis) {
                    first += position % size * stride;
                    stride *= size;
                }
                position /= size;
            }
            f(start..start + width, first..first + length);
        }
    }
}

impl Layer for Prelu {
    fn check(&self) -> Result<(), FieldError> {
        let (regularizer, constraint) = (self.alpha_regularizer.as_ref(), self.alpha_constraint.as_ref());
        settings_checks::parameter("alpha", &self.alpha_initializer, regularizer, constraint)
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        let axes = inputs[0].0.len();
        let shared = self.shared_axes.as_deref().unwrap_or_default();
        let expected = format!("axes from 1 to {axes}");
        settings_checks::range(
            shared.iter().all(|axis| (1..=axes).contains(axis)),
            "/shared_axes",
            &expected,
            format!("{shared:?}"),
        )?;
        Ok(inputs[0].clone())
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        let axes = inputs[0].0.iter().enumerate();
        vec![ParameterSpec::trained(
            "alpha",
            Shape(axes.map(|(axis, &size)| if self.is_shared(axis) { 1 } else { size }).collect()),
            &self.alpha_initializer,
            self.alpha_regularizer,
            self.alpha_constraint.as_ref(),
        )]
    }

    fn mask(&self, _: &[Shape], _: &[Option<Shape>]) -> MaskRule {
        MaskRule::Pass(0)
    }
}

impl<F: Real> Compute<F> for Prelu {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let (shape, alpha) = (cx.inputs.shape(0), cx.parameters.get(ALPHA));
        let rows = cx.output.chunks_exact_mut(shape.elements()).zip(cx.inputs.get(0).chunks_exact(shape.elements()));
        for (y, x) in rows {
            self.runs(shape, |run, own| {
                let alpha = alpha[own].iter().cycle();
                for ((y, &x), &alpha) in y[run.clone()].iter_mut().zip(&x[run]).zip(alpha) {
                    *y = if x > F::ZERO { x } else { alpha * x };
                }
            });
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let (x, shape, alpha) = (cx.inputs.get(0), cx.inputs.shape(0), cx.parameters.get(ALPHA));
        let (cells, dy) = (shape.elements(), &*cx.output_gradient);
        let accumulate = cx.parameter_gradients.accumulate;
        if let Some(gradient) = cx.parameter_gradients.get(ALPHA) {
            if !accumulate {
                gradient.fill(F::ZERO);
            }
            for (dy, x) in dy.chunks_exact(cells).zip(x.chunks_exact(cells)) {
                self.runs(shape, |run, own| {
                    let terms = dy[run.clone()].iter().zip(&x[run]).map(|(&dy, &x)| dy * x.minimum(F::ZERO));
                    match &mut gradient[own] {
                        [alpha] => *alpha += terms.sum::<F>(),
                        alphas => alphas.iter_mut().zip(terms).for_each(|(alpha, term)| *alpha += term),
                    }
                });
            }
        }
        let Some(dx) = cx.input_gradients.get(0) else { return };
        let rows = dx.chunks_exact_mut(cells).zip(dy.chunks_exact(cells)).zip(x.chunks_exact(cells));
        for ((dx, dy), x) in rows {
            self.runs(shape, |run, own| {
                let alpha = alpha[own].iter().cycle();
                let cells = dx[run.clone()].iter_mut().zip(&dy[run.clone()]).zip(&x[run]).zip(alpha);
                for (((dx, &dy), &x), &alpha) in cells {
                    *dx = if x > F::ZERO { dy } else { alpha * dy };
                }
            });
        }
    }
}
