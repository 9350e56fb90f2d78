//! [`BatchNormalization`].

mod channels;

use crate::engine::{
    constraint::Constraint,
    field::FieldError,
    init::Initializer,
    kernel,
    layer::{
        Backward, BatchReduction, Compute, Forward, InputScale, Layer, MaskRule, ParameterSpec, Reduce, Workspace,
        settings_checks,
    },
    real::Real,
    regularizer::Regularizer,
    shape::Shape,
};
use channels::Channels;
use serde::{Deserialize, Serialize};

/// `y = gamma * (x - mean) / sqrt(variance + epsilon) + beta`, along `axis`.
///
/// In training, mean and (biased) variance are those of the batch over every other axis, of steps that a mask shows, and
/// the moving statistics follow them: `moving = moving * momentum + batch * (1 - momentum)`. At inference they are the
/// moving ones. Within `time_distributed`, each step has statistics of its own, which the moving ones follow in turn.
///
/// # Shapes
/// Any, unchanged; gamma, beta, moving_mean and moving_variance `[channels]`, the size of `axis`.
///
/// Source: <https://keras.io/api/layers/normalization_layers/batch_normalization/>, <https://arxiv.org/abs/1502.03167>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BatchNormalization {
    /// The axis whose places are normalized each separately, counted with the batch axis or from the last one, which is -1.
    pub axis: i64,
    /// How slowly the moving statistics follow, 0 to 1.
    pub momentum: f64,
    /// Added to the variance, more than 0.
    pub epsilon: f64,
    /// Whether there is a beta.
    pub center: bool,
    /// Whether there is a gamma.
    pub scale: bool,
    /// Initializer for the `beta`.
    pub beta_initializer: Initializer,
    /// Initializer for the `gamma`.
    pub gamma_initializer: Initializer,
    /// Initializer for the `moving_mean`.
    pub moving_mean_initializer: Initializer,
    /// Initializer for the `moving_variance`.
    pub moving_variance_initializer: Initializer,
    /// Regularizer for the `beta`.
    pub beta_regularizer: Option<Regularizer>,
    /// Regularizer for the `gamma`.
    pub gamma_regularizer: Option<Regularizer>,
    /// Constraint applied to the `beta` after each step.
    pub beta_constraint: Option<Constraint>,
    /// Constraint applied to the `gamma` after each step.
    pub gamma_constraint: Option<Constraint>,
    /// Whether the moving variance of images and volumes follows the variance of the batch times n / (n - 1), n its elements in a
    /// channel, as the fused kernel has it that Keras 2 runs on those.
    pub fused: bool,
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
            fused: false,
        }
    }
}

/// What is added to the number of steps that a mask shows, as in Keras, so that there may be none.
const NONE_SHOWN: f64 = 1e-7;

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

    /// What the moving variance follows: that of a batch of `count` elements in a channel.
    fn followed(&self, variance: f64, count: f64, shape: &Shape) -> f64 {
        let axes = shape.0.len();
        let is_channel_axis =
            settings_checks::place(self.axis, shape).is_some_and(|place| place == 0 || place + 1 == axes);
        let is_fused = self.fused && (3..=4).contains(&axes) && is_channel_axis;
        if is_fused { variance * count / (count - 1.0).max(1.0) } else { variance }
    }

    fn channels(&self, shape: &Shape, repeat: usize) -> Channels {
        Channels::new(settings_checks::place(self.axis, shape).unwrap_or(0), shape, repeat)
    }

    /// Gradients where the statistics are the moving ones, which are constants: `dx = gamma / deviation * dy`. Gamma and
    /// beta still learn, unless the layer is frozen.
    fn backward_of_moving_statistics<F: Real>(&self, cx: &mut Backward<'_, F>) {
        let channels = self.channels(cx.inputs.shape(0), 1);
        let (x, dy) = (cx.inputs.get(0), &*cx.output_gradient);
        let scale = &mut cx.scratch[..channels.count];
        for (scale, &variance) in scale.iter_mut().zip(cx.parameters.get(self.moving_variance())) {
            *scale = F::ONE / (variance + F::of(self.epsilon)).sqrt();
        }
        let accumulate = cx.parameter_gradients.accumulate;
        if let Some(gradient) = self.gamma().and_then(|index| cx.parameter_gradients.get(index)) {
            let mean = cx.parameters.get(self.moving_mean());
            channels.channel_sums([dy, x], gradient, accumulate, |dy, x, c| dy * (x - mean[c]) * scale[c]);
        }
        if let Some(gradient) = self.beta().and_then(|index| cx.parameter_gradients.get(index)) {
            channels.channel_sums([dy, x], gradient, accumulate, |dy, _, _| dy);
        }
        let Some(dx) = cx.input_gradients.get(0) else { return };
        if let Some(gamma) = self.gamma() {
            scale.iter_mut().zip(cx.parameters.get(gamma)).for_each(|(scale, &gamma)| *scale *= gamma);
        }
        channels.map([dy, dy], dx, |dy, _, c| dy * scale[c]);
    }
}

impl Layer for BatchNormalization {
    fn check(&self) -> Result<(), FieldError> {
        settings_checks::range((0.0..=1.0).contains(&self.momentum), "/momentum", "0 to 1", self.momentum)?;
        settings_checks::range(self.epsilon as f32 > 0.0, "/epsilon", "more than 0", self.epsilon)?;
        settings_checks::parameter(
            "beta",
            &self.beta_initializer,
            self.beta_regularizer.as_ref(),
            self.beta_constraint.as_ref(),
        )?;
        settings_checks::parameter(
            "gamma",
            &self.gamma_initializer,
            self.gamma_regularizer.as_ref(),
            self.gamma_constraint.as_ref(),
        )?;
        settings_checks::parameter("moving_mean", &self.moving_mean_initializer, None, None)?;
        settings_checks::parameter("moving_variance", &self.moving_variance_initializer, None, None)
    }

    fn input_scale(&self) -> InputScale {
        InputScale::Any
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        settings_checks::axis(self.axis, &inputs[0]).map_err(|error| error.under("/axis"))?;
        Ok(inputs[0].clone())
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        let shape = Shape::vector(self.channels(&inputs[0], 1).count);
        let gamma = (&self.gamma_initializer, self.gamma_regularizer, self.gamma_constraint.as_ref());
        let beta = (&self.beta_initializer, self.beta_regularizer, self.beta_constraint.as_ref());
        let mut parameters =
            ParameterSpec::gamma_and_beta(&shape, self.scale.then_some(gamma), self.center.then_some(beta));
        parameters.push(ParameterSpec::fixed("moving_mean", shape.clone(), &self.moving_mean_initializer));
        parameters.push(ParameterSpec::fixed("moving_variance", shape, &self.moving_variance_initializer));
        parameters
    }

    fn check_masks(&self, inputs: &[Shape], masks: &[Option<Shape>]) -> Result<(), FieldError> {
        settings_checks::masks_of_steps(inputs, masks)
    }

    fn mask(&self, _: &[Shape], _: &[Option<Shape>]) -> MaskRule {
        MaskRule::Pass(0)
    }

    fn sees_masks_of_steps(&self) -> bool {
        true
    }

    fn workspace(&self, inputs: &[Shape]) -> Workspace {
        Workspace { scratch: 3 * self.channels(&inputs[0], 1).count, ..Workspace::default() }
    }

    fn cost(&self, inputs: &[Shape]) -> u64 {
        4 * inputs[0].elements() as u64
    }

    fn batch_reduction(&self, inputs: &[Shape], repeat: usize) -> Option<BatchReduction> {
        let statistics = self.channels(&inputs[0], repeat).statistics();
        Some(BatchReduction {
            forward_sums: 3 * statistics,
            forward_reduced: 3 * statistics,
            backward_sums: 2 * statistics,
            backward_reduced: 2 * statistics,
        })
    }

    fn uses_masks(&self) -> bool {
        true
    }

    fn accepts_training(&self) -> bool {
        true
    }
}

impl<F: Real> Compute<F> for BatchNormalization {
    /// Sums: each channel's mean over this lane, its squared distances from that mean, and how many elements those are.
    fn sum_forward(&self, cx: &mut Forward<'_, F>, sums: &mut [f64]) {
        let (x, mask) = (cx.inputs.get(0), cx.inputs.mask(0));
        let channels = self.channels(cx.inputs.shape(0), cx.pass.repeat);
        let (means, rest) = sums.split_at_mut(channels.statistics());
        let (squares, rest) = rest.split_at_mut(channels.statistics());
        let counts = &mut rest[..channels.statistics()];
        counts.fill((x.len() / channels.statistics()) as f64);
        if mask.is_some() {
            channels.sums([x, x], mask, counts, |_, _, _| F::ONE);
        }
        let (lane_means, scratch) = cx.scratch.split_at_mut(channels.count);
        let plain = channels.plain() && mask.is_none();
        if plain {
            kernel::column_sums(x, x, lane_means, scratch, means, |x, _, _| x);
        } else {
            channels.sums([x, x], mask, means, |x, _, _| x);
        }
        means.iter_mut().zip(&*counts).for_each(|(mean, count)| *mean /= count.max(1.0));
        let square = |x: F, mean: F| (x - mean) * (x - mean);
        if plain {
            lane_means.iter_mut().zip(&*means).for_each(|(cell, &mean)| *cell = F::of(mean));
            kernel::column_sums(x, x, lane_means, scratch, squares, |x, _, mean| square(x, mean));
        } else {
            channels.sums([x, x], mask, squares, |x, _, statistic| square(x, F::of(means[statistic])));
        }
    }

    /// Joined: mean, 1 / sqrt(variance + epsilon), 1 / count.
    fn reduce_forward(&self, cx: &mut Reduce<'_, F>) {
        let channels = self.channels(cx.shape, cx.repeat);
        let (statistics, sums) = (channels.statistics(), cx.sums);
        let (momentum, epsilon) = (self.momentum, self.epsilon);
        for statistic in 0..statistics {
            let lanes = || {
                let lanes = sums.chunks_exact(3 * statistics);
                lanes.map(|sums| [0, 1, 2].map(|index| sums[index * statistics + statistic]))
            };
            let count = lanes().map(|[.., count]| count).sum::<f64>() + if cx.masked { NONE_SHOWN } else { 0.0 };
            let mean = lanes().map(|[mean, _, count]| count * mean).sum::<f64>() / count;
            let squares: f64 = lanes().map(|[m, squares, count]| squares + count * (m - mean) * (m - mean)).sum();
            let variance = squares / count;
            cx.reduced[statistic] = F::of(mean);
            cx.reduced[statistics + statistic] = F::of(1.0 / (variance + epsilon).sqrt());
            cx.reduced[2 * statistics + statistic] = F::of(1.0 / count);
            let followed = self.followed(variance, count, cx.shape);
            for (index, batch) in [(self.moving_mean(), mean), (self.moving_variance(), followed)] {
                let moving = &mut cx.fixed(index)[statistic % channels.count];
                *moving = F::of(moving.to_f64() * momentum + batch * (1.0 - momentum));
            }
        }
    }

    fn forward(&self, cx: &mut Forward<'_, F>) {
        let x = cx.inputs.get(0);
        let of_batch = cx.pass.training && cx.pass.trainable;
        let channels = self.channels(cx.inputs.shape(0), if of_batch { cx.pass.repeat } else { 1 });
        let (scale, shift) = cx.scratch[..2 * channels.count].split_at_mut(channels.count);
        match self.beta() {
            Some(beta) => shift.copy_from_slice(cx.parameters.get(beta)),
            None => shift.fill(F::ZERO),
        }
        let rows = if channels.groups == 1 { x.len() } else { channels.cells };
        for group in 0..channels.groups {
            let mean = if of_batch {
                let (mean, deviation) = cx.reduced.split_at(channels.statistics());
                scale.copy_from_slice(&deviation[channels.of_group(group)]);
                &mean[channels.of_group(group)]
            } else {
                for (scale, &variance) in scale.iter_mut().zip(cx.parameters.get(self.moving_variance())) {
                    *scale = F::ONE / (variance + F::of(self.epsilon)).sqrt();
                }
                cx.parameters.get(self.moving_mean())
            };
            if let Some(gamma) = self.gamma() {
                scale.iter_mut().zip(cx.parameters.get(gamma)).for_each(|(scale, &gamma)| *scale *= gamma);
            }
            let rows = cx.output.chunks_exact_mut(rows).zip(x.chunks_exact(rows));
            for (y, x) in rows.skip(group).step_by(channels.groups) {
                kernel::vectorized(
                    #[inline(always)]
                    || channels.map([x, x], y, |x, _, c| (x - mean[c]) * scale[c] + shift[c]),
                );
            }
        }
    }

    /// Sums: of `dy` and of `dy * (x - mean) / deviation`, which are the gradients of beta and gamma, and which the gradient
    /// of x needs over the whole batch.
    fn sum_backward(&self, cx: &mut Backward<'_, F>, sums: &mut [f64]) {
        let (x, dy) = (cx.inputs.get(0), &*cx.output_gradient);
        let channels = self.channels(cx.inputs.shape(0), cx.pass.repeat);
        let (mean, deviation) = cx.reduced.split_at(channels.statistics());
        let (beta_sums, gamma_sums) = sums.split_at_mut(channels.statistics());
        let gamma_sums = &mut gamma_sums[..channels.statistics()];
        if channels.plain() {
            kernel::column_sums(dy, x, mean, cx.scratch, beta_sums, |dy, _, _| dy);
            kernel::column_sums(dy, x, mean, cx.scratch, gamma_sums, |dy, x, mean| dy * (x - mean));
        } else {
            channels.sums([dy, x], None, beta_sums, |dy, _, _| dy);
            channels.sums([dy, x], None, gamma_sums, |dy, x, statistic| dy * (x - mean[statistic]));
        }
        gamma_sums.iter_mut().zip(deviation).for_each(|(sum, &deviation)| *sum *= deviation.to_f64());
        let accumulate = cx.parameter_gradients.accumulate;
        for (index, sums) in [(self.beta(), &*beta_sums), (self.gamma(), &*gamma_sums)] {
            if let Some(gradient) = index.and_then(|index| cx.parameter_gradients.get(index)) {
                for (channel, gradient) in gradient.iter_mut().enumerate() {
                    let sum = F::of(sums.iter().skip(channel).step_by(channels.count).sum());
                    *gradient = if accumulate { *gradient + sum } else { sum };
                }
            }
        }
    }

    /// Joined: the batch's sums.
    fn reduce_backward(&self, cx: &mut Reduce<'_, F>) {
        let cells = cx.reduced.len();
        for (index, reduced) in cx.reduced.iter_mut().enumerate() {
            *reduced = F::of(cx.sums.iter().skip(index).step_by(cells).sum());
        }
    }

    /// With the batch's means of `dy` and of `dy * n`, `n = (x - mean) / deviation`:
    /// `dx = gamma / deviation * (dy - mean(dy) - n * mean(dy * n))`; a hidden step, on which no mean depends, keeps its `dy`.
    fn backward(&self, cx: &mut Backward<'_, F>) {
        if !cx.pass.trainable {
            return self.backward_of_moving_statistics(cx);
        }
        let (x, mask, dy) = (cx.inputs.get(0), cx.inputs.mask(0), &*cx.output_gradient);
        let channels = self.channels(cx.inputs.shape(0), cx.pass.repeat);
        let gamma = self.gamma().map(|index| cx.parameters.get(index));
        let Some(dx) = cx.input_gradients.get(0) else { return };
        let (mean, rest) = cx.reduced.split_at(channels.statistics());
        let (deviation, share) = rest.split_at(channels.statistics());
        let (sum_dy, sum_dy_n) = cx.reduced_backward.split_at(channels.statistics());
        let (scale, rest) = cx.scratch[..3 * channels.count].split_at_mut(channels.count);
        let (mean_dy, slope) = rest.split_at_mut(channels.count);
        let least = if mask.is_some() { F::of(NONE_SHOWN) } else { F::ZERO };
        let rows = if channels.groups == 1 { x.len() } else { channels.cells };
        for group in 0..channels.groups {
            let own = channels.of_group(group);
            let mean = &mean[own.clone()];
            for (c, statistic) in own.enumerate() {
                scale[c] = deviation[statistic] * gamma.map_or(F::ONE, |gamma| gamma[c]);
                // Of a mean that is not quite that of what it counts, the variance is not the least there is.
                let off = least * mean[c] * share[statistic] * deviation[statistic] * sum_dy_n[statistic];
                mean_dy[c] = (sum_dy[statistic] - off) * share[statistic];
                slope[c] = sum_dy_n[statistic] * share[statistic] * deviation[statistic];
            }
            let rows = dx.chunks_exact_mut(rows).zip(dy.chunks_exact(rows).zip(x.chunks_exact(rows)));
            for (dx, (dy, x)) in rows.skip(group).step_by(channels.groups) {
                kernel::vectorized(
                    #[inline(always)]
                    || channels.map([dy, x], dx, |dy, x, c| scale[c] * (dy - mean_dy[c] - (x - mean[c]) * slope[c])),
                );
            }
        }
        if let Some(mask) = mask {
            channels.each_hidden(mask, |cell, statistic, channel| {
                dx[cell] = dy[cell] * deviation[statistic] * gamma.map_or(F::ONE, |gamma| gamma[channel]);
            });
        }
    }
}
