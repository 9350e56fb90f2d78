//! What the normalizations within a row have in common: each stretch of cells along the last axes by itself.

use super::{Backward, Forward, ParameterGradients, Workspace};
use crate::engine::{kernel, real::Real};

/// `y = scale * (x - mean) / sqrt(mean((x - mean)²) + epsilon) + shift` over stretches of neighbouring cells.
pub(super) struct Normalization {
    /// Whether a mean is taken away; else it counts as 0.
    pub centered: bool,
    pub epsilon: f64,
    /// Cells of a stretch.
    pub width: usize,
    /// The parameter that is the scale; ones where there is none.
    pub scale: Option<usize>,
    /// The parameter that is the shift; zeros where there is none.
    pub shift: Option<usize>,
}

/// Cells kept of each stretch: its mean and its factor.
const KEPT: usize = 2;

impl Normalization {
    /// For rows of so many cells.
    pub fn workspace(&self, cells: usize) -> Workspace {
        let stretches = cells / self.width;
        Workspace { kept_per_row: KEPT * stretches, scratch: 3 * self.width, ..Workspace::default() }
    }

    pub fn forward<F: Real>(&self, cx: &mut Forward<'_, F>) {
        let Self { centered, width, .. } = *self;
        let (epsilon, count) = (F::of(self.epsilon), F::of(width as f64));
        let (scale, shift) = cx.scratch[..2 * width].split_at_mut(width);
        fill(scale, self.scale.map(|index| cx.parameters.get(index)), F::ONE);
        fill(shift, self.shift.map(|index| cx.parameters.get(index)), F::ZERO);
        let x = cx.inputs.get(0);
        let output = &mut *cx.output;
        let mut kept = cx.kept.chunks_exact_mut(KEPT);
        kernel::vectorized(
            #[inline(always)]
            || {
                for (y, x) in output.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
                    let mean = if centered { sum(x, x, |x, _| x) / count } else { F::ZERO };
                    let variance = sum(x, x, |x, _| (x - mean) * (x - mean)) / count;
                    let factor = F::ONE / (variance + epsilon).sqrt();
                    for c in 0..width {
                        y[c] = (x[c] - mean) * factor * scale[c] + shift[c];
                    }
                    if let Some(kept) = kept.next() {
                        kept.copy_from_slice(&[mean, factor]);
                    }
                }
            },
        );
    }

    /// With `n = (x - mean) * factor` and `g = dy * scale`: `dx = factor * (g - mean(g) - n * mean(g * n))`.
    pub fn backward<F: Real>(&self, cx: &mut Backward<'_, F>) {
        let Self { centered, width, .. } = *self;
        let count = F::of(width as f64);
        let (scale, sums) = cx.scratch[..3 * width].split_at_mut(width);
        fill(scale, self.scale.map(|index| cx.parameters.get(index)), F::ONE);
        sums.fill(F::ZERO);
        let (scale_sums, shift_sums) = sums.split_at_mut(width);
        let x = cx.inputs.get(0);
        let (kept, gradient) = (&*cx.kept, &mut *cx.output_gradient);
        let mut dx = cx.input_gradients.get(0).map(|dx| dx.chunks_exact_mut(width));
        kernel::vectorized(
            #[inline(always)]
            || {
                let stretches = gradient.chunks_exact_mut(width).zip(x.chunks_exact(width));
                for ((g, x), kept) in stretches.zip(kept.chunks_exact(KEPT)) {
                    let (mean, factor) = (kept[0], kept[1]);
                    for c in 0..width {
                        scale_sums[c] += g[c] * ((x[c] - mean) * factor);
                        shift_sums[c] += g[c];
                        g[c] *= scale[c];
                    }
                    if let Some(dx) = dx.as_mut().and_then(Iterator::next) {
                        let mean_g = if centered { sum(g, g, |g, _| g) / count } else { F::ZERO };
                        let slope = factor * factor * (sum(g, x, |g, x| g * (x - mean)) / count);
                        for c in 0..width {
                            dx[c] = factor * (g[c] - mean_g - (x[c] - mean) * slope);
                        }
                    }
                }
            },
        );
        write(&mut cx.parameter_gradients, self.scale, scale_sums);
        write(&mut cx.parameter_gradients, self.shift, shift_sums);
    }
}

/// The values of a parameter, or the same value everywhere where there is none.
pub(super) fn fill<F: Real>(cells: &mut [F], parameter: Option<&[F]>, without: F) {
    match parameter {
        Some(values) => cells.copy_from_slice(values),
        None => cells.fill(without),
    }
}

/// Writes or adds the gradient of parameter `index`, where there is one.
pub(super) fn write<F: Real>(gradients: &mut ParameterGradients<'_, F>, index: Option<usize>, sums: &[F]) {
    let accumulate = gradients.accumulate;
    if let Some(gradient) = index.and_then(|index| gradients.get(index)) {
        kernel::sum_rows(sums, gradient, accumulate);
    }
}

/// The sum of `term(a, b)` over the cells of both, in a fixed order that vectorizes.
#[inline(always)]
pub(super) fn sum<F: Real>(a: &[F], b: &[F], term: impl Fn(F, F) -> F) -> F {
    const PARTS: usize = 16;
    let mut parts = [F::ZERO; PARTS];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<PARTS>(), b.as_chunks::<PARTS>());
    for (a, b) in a.iter().zip(b) {
        for part in 0..PARTS {
            parts[part] += term(a[part], b[part]);
        }
    }
    for (part, (&a, &b)) in parts.iter_mut().zip(a_rest.iter().zip(b_rest)) {
        *part += term(a, b);
    }
    let mut half = PARTS / 2;
    while half > 0 {
        for part in 0..half {
            parts[part] += parts[part + half];
        }
        half /= 2;
    }
    parts[0]
}
