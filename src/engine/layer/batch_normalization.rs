//! [`BatchNormalization`].

use super::{Backward, Forward, Join, Layer, MaskRule, Meeting, ParameterSpec, Workspace, read};
use crate::engine::{
    constraint::Constraint, field::FieldError, init::Initializer, kernel, real::Real, regularizer::Regularizer,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// `y = gamma * (x - mean) / sqrt(variance + epsilon) + beta`, along the last axis.
///
/// In training, mean and (biased) variance are those of the batch over every other axis, and the moving statistics
/// follow them: `moving = moving * momentum + batch * (1 - momentum)`. At inference they are the moving ones.
///
/// # Shapes
/// Any, unchanged; gamma, beta, moving_mean and moving_variance `[channels]`, the size of the last axis.
///
/// Source: <https://keras.io/api/layers/normalization_layers/batch_normalization/>, <https://arxiv.org/abs/1502.03167>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BatchNormalization {
    /// The axis that is normalized by itself: the last one, -1 or its number counted with the batch axis.
    pub axis: i64,
    /// How slowly the moving statistics follow, 0 to 1.
    pub momentum: f64,
    /// Added to the variance, more than 0.
    pub epsilon: f64,
    /// Whether there is a beta.
    pub center: bool,
    /// Whether there is a gamma.
    pub scale: bool,
    /// First values of beta.
    pub beta_initializer: Initializer,
    /// First values of gamma.
    pub gamma_initializer: Initializer,
    /// First values of the moving mean.
    pub moving_mean_initializer: Initializer,
    /// First values of the moving variance.
    pub moving_variance_initializer: Initializer,
    /// A penalty on beta.
    pub beta_regularizer: Option<Regularizer>,
    /// A penalty on gamma.
    pub gamma_regularizer: Option<Regularizer>,
    /// What beta is brought back to after each step.
    pub beta_constraint: Option<Constraint>,
    /// What gamma is brought back to after each step.
    pub gamma_constraint: Option<Constraint>,
}

impl Default for BatchNormalization {
    fn default() -> Self {
        Self {
            axis: -1,
            momentum: 0.99,
            epsilon: 1e-3,
            center: true,
            scale: true,
            beta_initializer: Initializer::Zeros,
            gamma_initializer: Initializer::Ones,
            moving_mean_initializer: Initializer::Zeros,
            moving_variance_initializer: Initializer::Ones,
            beta_regularizer: None,
            gamma_regularizer: None,
            beta_constraint: None,
            gamma_constraint: None,
        }
    }
}

impl BatchNormalization {
    fn gamma(&self) -> Option<usize> {
        self.scale.then_some(0)
    }
    fn beta(&self) -> Option<usize> {
        self.center.then_some(usize::from(self.scale))
    }
    fn moving_mean(&self) -> usize {
        usize::from(self.scale) + usize::from(self.center)
    }
    fn moving_variance(&self) -> usize {
        self.moving_mean() + 1
    }

    /// The gradient of x where the statistics are the moving ones, and nothing of the layer moves.
    fn backward_frozen<F: Real>(&self, cx: &mut Backward<'_, F>) {
        let channels = cx.inputs.shape(0).last();
        let Some(dx) = cx.input_gradients.get(0) else { return };
        let scale = &mut cx.scratch[..channels];
        for (scale, &variance) in scale.iter_mut().zip(cx.parameters.get(self.moving_variance())) {
            *scale = F::ONE / (variance + F::of(self.epsilon)).sqrt();
        }
        if let Some(gamma) = self.gamma() {
            scale.iter_mut().zip(cx.parameters.get(gamma)).for_each(|(scale, &gamma)| *scale *= gamma);
        }
        for (dx, dy) in dx.chunks_exact_mut(channels).zip(cx.output_gradient.chunks_exact(channels)) {
            dx.iter_mut().zip(dy).zip(&*scale).for_each(|((dx, &dy), &scale)| *dx = dy * scale);
        }
    }
}

impl Layer for BatchNormalization {
    fn check(&self) -> Result<(), FieldError> {
        read::range((0.0..=1.0).contains(&self.momentum), "/momentum", "0 to 1", self.momentum)?;
        read::range(self.epsilon as f32 > 0.0, "/epsilon", "more than 0", self.epsilon)?;
        read::parameter("beta", &self.beta_initializer, self.beta_regularizer.as_ref(), self.beta_constraint.as_ref())?;
        read::parameter(
            "gamma",
            &self.gamma_initializer,
            self.gamma_regularizer.as_ref(),
            self.gamma_constraint.as_ref(),
        )?;
        read::parameter("moving_mean", &self.moving_mean_initializer, None, None)?;
        read::parameter("moving_variance", &self.moving_variance_initializer, None, None)
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        let last = inputs[0].0.len() as i64;
        let expected = format!("the last axis of {}, which is -1 or {last} counted with the batch axis", inputs[0]);
        read::range(self.axis == -1 || self.axis == last, "/axis", &expected, self.axis)?;
        Ok(inputs[0].clone())
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        let shape = Shape::vector(inputs[0].last());
        let parameter =
            |name, initializer: &Initializer, regularizer, constraint: Option<&Constraint>, trainable| ParameterSpec {
                name,
                shape: shape.clone(),
                initializer: initializer.clone(),
                regularizer,
                constraint: constraint.cloned(),
                trainable,
            };
        let mut parameters = Vec::new();
        if self.scale {
            parameters.push(parameter(
                "gamma",
                &self.gamma_initializer,
                self.gamma_regularizer,
                self.gamma_constraint.as_ref(),
                true,
            ));
        }
        if self.center {
            parameters.push(parameter(
                "beta",
                &self.beta_initializer,
                self.beta_regularizer,
                self.beta_constraint.as_ref(),
                true,
            ));
        }
        parameters.push(parameter("moving_mean", &self.moving_mean_initializer, None, None, false));
        parameters.push(parameter("moving_variance", &self.moving_variance_initializer, None, None, false));
        parameters
    }

    fn mask(&self, _: &[Shape], _: &[bool]) -> MaskRule {
        MaskRule::Pass(0)
    }

    fn workspace(&self, inputs: &[Shape]) -> Workspace {
        Workspace { scratch: 3 * inputs[0].last(), ..Workspace::default() }
    }

    fn cost(&self, inputs: &[Shape]) -> u64 {
        4 * inputs[0].cells() as u64
    }

    fn meeting(&self, inputs: &[Shape]) -> Option<Meeting> {
        let channels = inputs[0].last();
        Some(Meeting {
            forward_sums: 2 * channels,
            forward_joined: 2 * channels,
            backward_sums: 2 * channels,
            backward_joined: 2 * channels,
        })
    }

    /// Sums: each channel's mean over this lane, and its squared distances from that mean.
    fn sum_forward<F: Real>(&self, cx: &mut Forward<'_, F>, sums: &mut [f64]) {
        let x = cx.inputs.get(0);
        let channels = cx.inputs.shape(0).last();
        let (means, squares) = sums.split_at_mut(channels);
        let (lane_means, scratch) = cx.scratch.split_at_mut(channels);
        kernel::column_sums(x, x, lane_means, scratch, means, |x, _, _| x);
        let positions = (x.len() / channels) as f64;
        for (mean, cell) in means.iter_mut().zip(&mut *lane_means) {
            *mean /= positions;
            *cell = F::of(*mean);
        }
        kernel::column_sums(x, x, lane_means, scratch, squares, |x, _, mean| (x - mean) * (x - mean));
    }

    /// Joined: mean, 1 / sqrt(variance + epsilon).
    fn join_forward<F: Real>(&self, cx: &mut Join<'_, F>) {
        let channels = cx.shape.last();
        let positions_per_row = (cx.repeat * cx.shape.cells() / channels) as f64;
        let total = cx.rows.iter().sum::<usize>() as f64 * positions_per_row;
        let (momentum, epsilon) = (self.momentum, self.epsilon);
        for channel in 0..channels {
            let lanes = || {
                let sums = cx.sums.chunks_exact(2 * channels).map(|sums| (sums[channel], sums[channels + channel]));
                cx.rows.iter().map(|&rows| rows as f64 * positions_per_row).zip(sums)
            };
            let mean = lanes().map(|(count, (mean, _))| count * mean).sum::<f64>() / total;
            let squares: f64 = lanes().map(|(count, (m, squares))| squares + count * (m - mean) * (m - mean)).sum();
            let variance = squares / total;
            cx.joined[channel] = F::of(mean);
            cx.joined[channels + channel] = F::of(1.0 / (variance + epsilon).sqrt());
            for (index, batch) in [(self.moving_mean(), mean), (self.moving_variance(), variance)] {
                let moving = &mut cx.fixed(index)[channel];
                *moving = F::of(moving.to_f64() * momentum + batch * (1.0 - momentum));
            }
        }
    }

    fn forward<F: Real>(&self, cx: &mut Forward<'_, F>) {
        let x = cx.inputs.get(0);
        let channels = cx.inputs.shape(0).last();
        let (scale, shift) = cx.scratch[..2 * channels].split_at_mut(channels);
        let mean = if cx.pass.training && cx.pass.trainable {
            let (mean, deviation) = cx.joined.split_at(channels);
            scale.copy_from_slice(deviation);
            mean
        } else {
            for (scale, &variance) in scale.iter_mut().zip(cx.parameters.get(self.moving_variance())) {
                *scale = F::ONE / (variance + F::of(self.epsilon)).sqrt();
            }
            cx.parameters.get(self.moving_mean())
        };
        if let Some(gamma) = self.gamma() {
            scale.iter_mut().zip(cx.parameters.get(gamma)).for_each(|(scale, &gamma)| *scale *= gamma);
        }
        match self.beta() {
            Some(beta) => shift.copy_from_slice(cx.parameters.get(beta)),
            None => shift.fill(F::ZERO),
        }
        let output = &mut *cx.output;
        kernel::vectorized(
            #[inline(always)]
            || {
                for (y, x) in output.chunks_exact_mut(channels).zip(x.chunks_exact(channels)) {
                    for c in 0..channels {
                        y[c] = (x[c] - mean[c]) * scale[c] + shift[c];
                    }
                }
            },
        );
    }

    /// Sums: the gradients of beta and gamma, which the gradient of x needs over the whole batch.
    fn sum_backward<F: Real>(&self, cx: &mut Backward<'_, F>, sums: &mut [f64]) {
        let (x, dy) = (cx.inputs.get(0), &*cx.output_gradient);
        let channels = cx.inputs.shape(0).last();
        let (mean, deviation) = cx.joined.split_at(channels);
        let (beta_sums, gamma_sums) = sums.split_at_mut(channels);
        kernel::column_sums(dy, x, mean, cx.scratch, beta_sums, |dy, _, _| dy);
        kernel::column_sums(dy, x, mean, cx.scratch, gamma_sums, |dy, x, mean| dy * (x - mean));
        gamma_sums.iter_mut().zip(deviation).for_each(|(sum, &deviation)| *sum *= deviation.to_f64());
        let accumulate = cx.parameter_gradients.accumulate;
        for (index, sums) in [(self.beta(), &*beta_sums), (self.gamma(), &*gamma_sums)] {
            if let Some(gradient) = index.and_then(|index| cx.parameter_gradients.get(index)) {
                for (gradient, &sum) in gradient.iter_mut().zip(sums) {
                    *gradient = if accumulate { *gradient + F::of(sum) } else { F::of(sum) };
                }
            }
        }
    }

    /// Joined: the batch's means of `dy` and of `dy * (x - mean) / deviation`.
    fn join_backward<F: Real>(&self, cx: &mut Join<'_, F>) {
        let cells = cx.joined.len();
        let positions_per_row = cx.repeat * cx.shape.cells() / cx.shape.last();
        let total = (cx.rows.iter().sum::<usize>() * positions_per_row) as f64;
        for (index, joined) in cx.joined.iter_mut().enumerate() {
            *joined = F::of(cx.sums.iter().skip(index).step_by(cells).sum::<f64>() / total);
        }
    }

    fn backward<F: Real>(&self, cx: &mut Backward<'_, F>) {
        let x = cx.inputs.get(0);
        let channels = cx.inputs.shape(0).last();
        if !cx.pass.trainable {
            return self.backward_frozen(cx);
        }
        let Some(dx) = cx.input_gradients.get(0) else { return };
        let (mean, deviation) = cx.joined.split_at(channels);
        let (mean_dy, mean_dy_x) = cx.joined_backward.split_at(channels);
        let (scale, slope) = cx.scratch[..2 * channels].split_at_mut(channels);
        scale.copy_from_slice(deviation);
        slope.copy_from_slice(mean_dy_x);
        slope.iter_mut().zip(deviation).for_each(|(slope, &deviation)| *slope *= deviation);
        if let Some(gamma) = self.gamma() {
            scale.iter_mut().zip(cx.parameters.get(gamma)).for_each(|(scale, &gamma)| *scale *= gamma);
        }
        let dy = &*cx.output_gradient;
        kernel::vectorized(
            #[inline(always)]
            || {
                let rows = dx.chunks_exact_mut(channels).zip(dy.chunks_exact(channels)).zip(x.chunks_exact(channels));
                for ((dx, dy), x) in rows {
                    for c in 0..channels {
                        dx[c] = scale[c] * (dy[c] - mean_dy[c] - (x[c] - mean[c]) * slope[c]);
                    }
                }
            },
        );
    }
}
