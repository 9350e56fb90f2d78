//! [`GroupNormalization`].

use super::normalize::{self, parts};
use crate::engine::{
    constraint::Constraint,
    field::FieldError,
    init::Initializer,
    kernel,
    layer::{Backward, Compute, Forward, Layer, MaskRule, ParameterSpec, Workspace, settings_checks, transpose},
    real::{Real, check},
    regularizer::Regularizer,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// `y = gamma * (x - mean) / sqrt(variance + epsilon) + beta`, with the mean and the (biased) variance of each row over
/// a group of neighbouring channels and every other axis.
///
/// # Shapes
/// Any, unchanged; gamma and beta `[channels]`, the size of `axis`.
///
/// Source: <https://keras.io/api/layers/normalization_layers/group_normalization/>, <https://arxiv.org/abs/1803.08494>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GroupNormalization {
    /// How many groups the channels are in; -1 for one group a channel.
    pub groups: i64,
    /// The axis of the channels, counted with the batch axis or from the last one, which is -1.
    pub axis: i64,
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
    /// Regularizer for the `beta`.
    pub beta_regularizer: Option<Regularizer>,
    /// Regularizer for the `gamma`.
    pub gamma_regularizer: Option<Regularizer>,
    /// Constraint applied to the `beta` after each step.
    pub beta_constraint: Option<Constraint>,
    /// Constraint applied to the `gamma` after each step.
    pub gamma_constraint: Option<Constraint>,
}

impl Default for GroupNormalization {
    fn default() -> Self {
        Self {
            groups: 32,
            axis: -1,
            epsilon: 1e-3,
            center: true,
            scale: true,
            beta_initializer: Initializer::Zeros,
            gamma_initializer: Initializer::Ones,
            beta_regularizer: None,
            gamma_regularizer: None,
            beta_constraint: None,
            gamma_constraint: None,
        }
    }
}

/// Elements kept of each group: its mean and its factor.
const KEPT: usize = 2;
/// Moved rows at once: of x, and of the gradients of x and y.
const MOVED: usize = 3;

impl GroupNormalization {
    fn gamma(&self) -> Option<usize> {
        self.scale.then_some(0)
    }
    fn beta(&self) -> Option<usize> {
        self.center.then_some(usize::from(self.scale))
    }
    fn place(&self, shape: &Shape) -> usize {
        settings_checks::place(self.axis, shape).unwrap_or(0)
    }
    fn channels(&self, shape: &Shape) -> usize {
        shape.0.get(self.place(shape)).copied().unwrap_or(1)
    }
    fn groups(&self, channels: usize) -> usize {
        usize::try_from(self.groups).unwrap_or(channels)
    }
}

impl Layer for GroupNormalization {
    fn check(&self) -> Result<(), FieldError> {
        settings_checks::range(self.groups == -1 || self.groups >= 1, "/groups", "at least 1, or -1", self.groups)?;
        check::positive("/epsilon", self.epsilon)?;
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
        )
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        settings_checks::axis(self.axis, &inputs[0]).map_err(|error| error.under("/axis"))?;
        let channels = self.channels(&inputs[0]);
        let expected = format!("a number of groups that divides the {channels} channels");
        settings_checks::range(channels.is_multiple_of(self.groups(channels)), "/groups", &expected, self.groups)?;
        Ok(inputs[0].clone())
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        let shape = Shape::vector(self.channels(&inputs[0]));
        let gamma = (&self.gamma_initializer, self.gamma_regularizer, self.gamma_constraint.as_ref());
        let beta = (&self.beta_initializer, self.beta_regularizer, self.beta_constraint.as_ref());
        ParameterSpec::gamma_and_beta(&shape, self.scale.then_some(gamma), self.center.then_some(beta))
    }

    fn mask(&self, _: &[Shape], _: &[Option<Shape>]) -> MaskRule {
        MaskRule::Pass(0)
    }

    fn workspace(&self, inputs: &[Shape]) -> Workspace {
        let channels = self.channels(&inputs[0]);
        let scratch = 8 * channels + transpose::scratch(&inputs[0], &[self.place(&inputs[0])], MOVED);
        Workspace { kept_per_row: KEPT * self.groups(channels), scratch, ..Workspace::default() }
    }

    fn tables(&self, inputs: &[Shape]) -> Vec<Vec<u32>> {
        transpose::tables(&inputs[0], &[self.place(&inputs[0])])
    }

    fn cost(&self, inputs: &[Shape]) -> u64 {
        8 * inputs[0].elements() as u64
    }
}

impl<F: Real> Compute<F> for GroupNormalization {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let channels = self.channels(cx.inputs.shape(0));
        let cells = cx.inputs.shape(0).elements();
        let groups = self.groups(channels);
        let (group, epsilon) = (channels / groups, F::of(self.epsilon));
        let count = F::of((cells / groups) as f64);
        let (own, scratch) = cx.scratch.split_at_mut(6 * channels);
        let [gamma, beta, mean, scale, sums, block] = parts(own, channels);
        let table = cx.tables.first();
        let [moved_x, moved_y] = parts(scratch, cells);
        normalize::fill(gamma, self.gamma().map(|index| cx.parameters.get(index)), F::ONE);
        normalize::fill(beta, self.beta().map(|index| cx.parameters.get(index)), F::ZERO);
        let x = cx.inputs.get(0);
        let output = &mut *cx.output;
        let mut kept = cx.kept.chunks_exact_mut(KEPT);
        kernel::vectorized(
            #[inline(always)]
            || {
                for (output, x) in output.chunks_exact_mut(cells).zip(x.chunks_exact(cells)) {
                    let (x, y) = match table {
                        None => (x, &mut *output),
                        Some(table) => {
                            transpose::gather(table, x, moved_x);
                            (&*moved_x, &mut *moved_y)
                        }
                    };
                    mean.fill(F::ZERO);
                    sum_columns(x, x, mean, block, sums, |x, _, _| x);
                    for (mean, sums) in mean.chunks_exact_mut(group).zip(sums.chunks_exact(group)) {
                        mean.fill(sums.iter().copied().sum::<F>() / count);
                    }
                    sum_columns(x, x, mean, block, sums, |x, _, mean| (x - mean) * (x - mean));
                    let groups = scale.chunks_exact_mut(group).zip(mean.chunks_exact(group));
                    for ((scale, mean), sums) in groups.zip(sums.chunks_exact(group)) {
                        let factor = F::ONE / (sums.iter().copied().sum::<F>() / count + epsilon).sqrt();
                        scale.fill(factor);
                        if let Some(kept) = kept.next() {
                            kept.copy_from_slice(&[mean[0], factor]);
                        }
                    }
                    scale.iter_mut().zip(&*gamma).for_each(|(scale, &gamma)| *scale *= gamma);
                    for (y, x) in y.chunks_exact_mut(channels).zip(x.chunks_exact(channels)) {
                        for c in 0..channels {
                            y[c] = (x[c] - mean[c]) * scale[c] + beta[c];
                        }
                    }
                    if let Some(table) = table {
                        transpose::scatter(table, moved_y, output);
                    }
                }
            },
        );
    }

    /// With `n = (x - mean) * factor` and `g = dy * gamma`: `dx = factor * (g - mean(g) - n * mean(g * n))`, where the
    /// means are those of a group.
    fn backward(&self, cx: &mut Backward<'_, F>) {
        let channels = self.channels(cx.inputs.shape(0));
        let cells = cx.inputs.shape(0).elements();
        let groups = self.groups(channels);
        let group = channels / groups;
        let count = F::of((cells / groups) as f64);
        let (own, scratch) = cx.scratch.split_at_mut(8 * channels);
        let [gamma, mean, scale, sums, slopes, block, beta_sums, gamma_sums] = parts(own, channels);
        let table = cx.tables.first();
        let [moved_x, moved_dy, moved_dx] = parts(scratch, cells);
        normalize::fill(gamma, self.gamma().map(|index| cx.parameters.get(index)), F::ONE);
        beta_sums.fill(F::ZERO);
        gamma_sums.fill(F::ZERO);
        let x = cx.inputs.get(0);
        let (kept, dy) = (&*cx.kept, &*cx.output_gradient);
        let mut dx = cx.input_gradients.get(0).map(|dx| dx.chunks_exact_mut(cells));
        kernel::vectorized(
            #[inline(always)]
            || {
                let rows = x.chunks_exact(cells).zip(dy.chunks_exact(cells));
                for ((x, dy), kept) in rows.zip(kept.chunks_exact(KEPT * groups)) {
                    let (x, dy) = match table {
                        None => (x, dy),
                        Some(table) => {
                            transpose::gather(table, x, moved_x);
                            transpose::gather(table, dy, moved_dy);
                            (&*moved_x, &*moved_dy)
                        }
                    };
                    let of_groups = mean.chunks_exact_mut(group).zip(scale.chunks_exact_mut(group));
                    for ((mean, scale), kept) in of_groups.zip(kept.chunks_exact(KEPT)) {
                        mean.fill(kept[0]);
                        scale.fill(kept[1]);
                    }
                    sum_columns(dy, x, mean, block, sums, |dy, _, _| dy);
                    sum_columns(dy, x, mean, block, slopes, |dy, x, mean| dy * (x - mean));
                    for c in 0..channels {
                        beta_sums[c] += sums[c];
                        gamma_sums[c] += slopes[c] * scale[c];
                        sums[c] *= gamma[c];
                        slopes[c] *= gamma[c];
                    }
                    let Some(gradient) = dx.as_mut().and_then(Iterator::next) else { continue };
                    let dx = if table.is_none() { &mut *gradient } else { &mut *moved_dx };
                    let of_groups = sums.chunks_exact_mut(group).zip(slopes.chunks_exact_mut(group));
                    for ((sums, slopes), kept) in of_groups.zip(kept.chunks_exact(KEPT)) {
                        let factor = kept[1];
                        sums.fill(factor * (sums.iter().copied().sum::<F>() / count));
                        slopes.fill(factor * factor * factor * (slopes.iter().copied().sum::<F>() / count));
                    }
                    scale.iter_mut().zip(&*gamma).for_each(|(scale, &gamma)| *scale *= gamma);
                    let positions = x.chunks_exact(channels).zip(dy.chunks_exact(channels));
                    for (dx, (x, dy)) in dx.chunks_exact_mut(channels).zip(positions) {
                        for c in 0..channels {
                            dx[c] = dy[c] * scale[c] - sums[c] - (x[c] - mean[c]) * slopes[c];
                        }
                    }
                    if let Some(table) = table {
                        transpose::scatter(table, moved_dx, gradient);
                    }
                }
            },
        );
        normalize::write(&mut cx.parameter_gradients, self.gamma(), gamma_sums);
        normalize::write(&mut cx.parameter_gradients, self.beta(), beta_sums);
    }
}

/// For each column, the sum of `term(a, b, center)` over the rows of `a` and `b`, [_, center]: in blocks of rows, so that
/// long sums stay exact.
#[inline(always)]
fn sum_columns<F: Real>(a: &[F], b: &[F], center: &[F], block: &mut [F], sums: &mut [F], term: impl Fn(F, F, F) -> F) {
    const ROWS: usize = 32;
    let columns = center.len();
    sums.fill(F::ZERO);
    for (a, b) in a.chunks(ROWS * columns).zip(b.chunks(ROWS * columns)) {
        block.fill(F::ZERO);
        for (a, b) in a.chunks_exact(columns).zip(b.chunks_exact(columns)) {
            for c in 0..columns {
                block[c] += term(a[c], b[c], center[c]);
            }
        }
        sums.iter_mut().zip(&*block).for_each(|(sum, &cell)| *sum += cell);
    }
}
