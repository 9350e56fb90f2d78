//! What the normalizations within a row have in common: each stretch of elements along some axes separately.

use crate::engine::{
    kernel,
    layer::{Backward, Forward, ParameterGradients, Workspace, transpose},
    real::Real,
    shape::Shape,
};

/// `y = scale * (x - mean) / sqrt(mean((x - mean)²) + epsilon) + shift` over stretches of neighbouring elements, where the
/// layer's table says so of moved rows.
pub(crate) struct Normalization {
    /// Whether a mean is taken away; else it counts as 0.
    pub centered: bool,
    pub epsilon: f64,
    /// Elements of a stretch.
    pub width: usize,
    /// The parameter that is the scale; ones where there is none.
    pub scale: Option<usize>,
    /// The parameter that is the shift; zeros where there is none.
    pub shift: Option<usize>,
}

/// Elements kept of each stretch: its mean and its factor.
const KEPT: usize = 2;
/// Moved rows at once: of x, and of the gradients of x and y.
const MOVED: usize = 3;

impl Normalization {
    /// For samples of this shape, of which these axes are normalized together.
    pub fn workspace(&self, shape: &Shape, axes: &[usize]) -> Workspace {
        let stretches = shape.elements() / self.width;
        let scratch = 3 * self.width + transpose::scratch(shape, axes, MOVED);
        Workspace { kept_per_row: KEPT * stretches, scratch, ..Workspace::default() }
    }

    pub fn forward<F: Real>(&self, cx: &mut Forward<'_, F>) {
        let (own, scratch) = cx.scratch.split_at_mut(2 * self.width);
        let (scale, shift) = own.split_at_mut(self.width);
        fill(scale, self.scale.map(|index| cx.parameters.get(index)), F::ONE);
        fill(shift, self.shift.map(|index| cx.parameters.get(index)), F::ZERO);
        let x = cx.inputs.get(0);
        let Some(table) = cx.tables.first() else {
            return self.stretches(x, cx.output, [scale, shift], cx.kept);
        };
        let (cells, stretches) = (table.len(), table.len() / self.width);
        let (moved_x, moved_y) = scratch[..2 * cells].split_at_mut(cells);
        let mut kept = cx.kept.chunks_exact_mut(KEPT * stretches);
        for (y, x) in cx.output.chunks_exact_mut(cells).zip(x.chunks_exact(cells)) {
            transpose::gather(table, x, moved_x);
            self.stretches(moved_x, moved_y, [scale, shift], kept.next().unwrap_or_default());
            transpose::scatter(table, moved_y, y);
        }
    }

    /// Writes `y` from `x`, and keeps what backward needs where there is room.
    fn stretches<F: Real>(&self, x: &[F], y: &mut [F], [scale, shift]: [&[F]; 2], kept: &mut [F]) {
        let Self { centered, width, .. } = *self;
        let (epsilon, count) = (F::of(self.epsilon), F::of(width as f64));
        let mut kept = kept.chunks_exact_mut(KEPT);
        kernel::vectorized(
            #[inline(always)]
            || {
                for (y, x) in y.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
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

    pub fn backward<F: Real>(&self, cx: &mut Backward<'_, F>) {
        let (own, scratch) = cx.scratch.split_at_mut(3 * self.width);
        let (scale, sums) = own.split_at_mut(self.width);
        fill(scale, self.scale.map(|index| cx.parameters.get(index)), F::ONE);
        sums.fill(F::ZERO);
        let (x, kept) = (cx.inputs.get(0), &*cx.kept);
        let dx = cx.input_gradients.get(0);
        match cx.tables.first() {
            None => self.stretches_backward(x, cx.output_gradient, dx, scale, sums, kept),
            Some(table) => {
                let cells = table.len();
                let [moved_x, moved_dy, moved_dx] = parts(scratch, cells);
                let mut dx = dx.map(|dx| dx.chunks_exact_mut(cells));
                let rows = x.chunks_exact(cells).zip(cx.output_gradient.chunks_exact(cells));
                for ((x, dy), kept) in rows.zip(kept.chunks_exact(KEPT * cells / self.width)) {
                    transpose::gather(table, x, moved_x);
                    transpose::gather(table, dy, moved_dy);
                    let dx = dx.as_mut().and_then(Iterator::next);
                    let wanted = dx.is_some().then_some(&mut *moved_dx);
                    self.stretches_backward(moved_x, moved_dy, wanted, scale, sums, kept);
                    if let Some(dx) = dx {
                        transpose::scatter(table, moved_dx, dx);
                    }
                }
            }
        }
        let (scale_sums, shift_sums) = sums.split_at(self.width);
        write(&mut cx.parameter_gradients, self.scale, scale_sums);
        write(&mut cx.parameter_gradients, self.shift, shift_sums);
    }

    /// With `n = (x - mean) * factor` and `g = dy * scale`: `dx = factor * (g - mean(g) - n * mean(g * n))`. Adds to `sums` the
    /// gradients of scale and shift, and leaves `g` in place of `dy`.
    fn stretches_backward<F: Real>(
        &self,
        x: &[F],
        dy: &mut [F],
        dx: Option<&mut [F]>,
        scale: &[F],
        sums: &mut [F],
        kept: &[F],
    ) {
        let Self { centered, width, .. } = *self;
        let count = F::of(width as f64);
        let (scale_sums, shift_sums) = sums.split_at_mut(width);
        let mut dx = dx.map(|dx| dx.chunks_exact_mut(width));
        kernel::vectorized(
            #[inline(always)]
            || {
                let stretches = dy.chunks_exact_mut(width).zip(x.chunks_exact(width));
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
    }
}

/// `cells` as slices of `size` elements each.
pub(crate) fn parts<const N: usize, F>(cells: &mut [F], size: usize) -> [&mut [F]; N] {
    let mut parts = cells.chunks_exact_mut(size);
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

/// The values of a parameter, or the same value everywhere where there is none.
pub(crate) fn fill<F: Real>(cells: &mut [F], parameter: Option<&[F]>, without: F) {
    match parameter {
        Some(values) => cells.copy_from_slice(values),
        None => cells.fill(without),
    }
}

/// Writes or adds the gradient of parameter `index`, where there is one.
pub(crate) fn write<F: Real>(gradients: &mut ParameterGradients<'_, F>, index: Option<usize>, sums: &[F]) {
    let accumulate = gradients.accumulate;
    if let Some(gradient) = index.and_then(|index| gradients.get(index)) {
        kernel::sum_rows(sums, gradient, accumulate);
    }
}

/// The sum of `term(a, b)` over the elements of both, in a fixed order that vectorizes.
#[inline(always)]
pub(crate) fn sum<F: Real>(a: &[F], b: &[F], term: impl Fn(F, F) -> F) -> F {
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
