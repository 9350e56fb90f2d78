//! The loops over all variables of [`super::solver`], in blocks that vectorize.

/// Curvature of directions in which the objective has none or a negative one.
pub(super) const MIN_CURVATURE: f64 = 1e-12;
/// Variables that are searched together.
const BLOCK: usize = 64;

/// Index of the last largest value + barred, of those that are not -infinity.
pub(super) fn last_largest(values: &[f64], barred: &[f64]) -> Option<usize> {
    let mut best = (f64::NEG_INFINITY, None);
    for (at, (value, barred)) in values.iter().zip(barred).enumerate() {
        let value = value + barred;
        if value >= best.0 && value > f64::NEG_INFINITY {
            best = (value, Some(at));
        }
    }
    best.1
}

/// Lanes of a reduction.
const LANES: usize = 8;

/// Subtracts both steps from the violations, and answers what [`last_largest`] does.
#[inline(always)]
pub(super) fn update(violation: &mut [f64], up: &[f64], rows: [&[f32]; 2], steps: [f64; 2]) -> Option<usize> {
    let mut best = (f64::NEG_INFINITY, 0);
    let blocks = violation.chunks_mut(BLOCK).zip(up.chunks(BLOCK));
    for (block, ((violation, up), (a, b))) in blocks.zip(rows[0].chunks(BLOCK).zip(rows[1].chunks(BLOCK))).enumerate() {
        let mut lanes = [f64::NEG_INFINITY; LANES];
        let parts = violation.chunks_mut(LANES).zip(up.chunks(LANES));
        for ((violation, up), (a, b)) in parts.zip(a.chunks(LANES).zip(b.chunks(LANES))) {
            match (
                violation.as_mut_array::<LANES>(),
                up.as_array::<LANES>(),
                a.as_array::<LANES>(),
                b.as_array::<LANES>(),
            ) {
                (Some(violation), Some(up), Some(a), Some(b)) => {
                    for k in 0..LANES {
                        violation[k] -= f64::from(a[k]) * steps[0] + f64::from(b[k]) * steps[1];
                        let value = violation[k] + up[k];
                        lanes[k] = if value > lanes[k] { value } else { lanes[k] };
                    }
                }
                _ => {
                    for k in 0..violation.len() {
                        violation[k] -= f64::from(a[k]) * steps[0] + f64::from(b[k]) * steps[1];
                        let value = violation[k] + up[k];
                        lanes[0] = if value > lanes[0] { value } else { lanes[0] };
                    }
                }
            }
        }
        let largest = lanes.into_iter().fold(f64::NEG_INFINITY, f64::max);
        if largest >= best.0 {
            best = (largest, block);
        }
    }
    let start = best.1 * BLOCK;
    let end = violation.len().min(start + BLOCK);
    last_largest(&violation[start..end], &up[start..end]).map(|at| start + at)
}

/// The variable with which the objective falls most, the last one of equals, and the largest of the opposite violations.
#[inline(always)]
pub(super) fn second_order(
    greatest: f64,
    own: f64,
    violation: &[f64],
    low: &[f64],
    diagonal: &[f64],
    row: &[f32],
) -> (Option<usize>, f64) {
    let (mut best, mut opposite) = ((f64::NEG_INFINITY, 0), f64::NEG_INFINITY);
    let blocks = violation.chunks(BLOCK).zip(low.chunks(BLOCK));
    for (block, ((violation, low), (diagonal, row))) in
        blocks.zip(diagonal.chunks(BLOCK).zip(row.chunks(BLOCK))).enumerate()
    {
        let mut lanes = [f64::NEG_INFINITY; LANES];
        let mut least = [f64::INFINITY; LANES];
        let parts = violation.chunks(LANES).zip(low.chunks(LANES));
        for ((violation, low), (diagonal, row)) in parts.zip(diagonal.chunks(LANES).zip(row.chunks(LANES))) {
            match (
                violation.as_array::<LANES>(),
                low.as_array::<LANES>(),
                diagonal.as_array::<LANES>(),
                row.as_array::<LANES>(),
            ) {
                (Some(violation), Some(low), Some(diagonal), Some(row)) => {
                    for k in 0..LANES {
                        let value = violation[k] + low[k];
                        least[k] = if value < least[k] { value } else { least[k] };
                        let value =
                            decrease(greatest - (violation[k] + low[k]), own + diagonal[k] - 2.0 * f64::from(row[k]));
                        lanes[k] = if value > lanes[k] { value } else { lanes[k] };
                    }
                }
                _ => {
                    for k in 0..violation.len() {
                        let value = violation[k] + low[k];
                        least[0] = if value < least[0] { value } else { least[0] };
                        let value =
                            decrease(greatest - (violation[k] + low[k]), own + diagonal[k] - 2.0 * f64::from(row[k]));
                        lanes[0] = if value > lanes[0] { value } else { lanes[0] };
                    }
                }
            }
        }
        opposite = least.into_iter().fold(opposite, |most, value| most.max(-value));
        let largest = lanes.into_iter().fold(f64::NEG_INFINITY, f64::max);
        if largest >= best.0 {
            best = (largest, block);
        }
    }
    if best.0 == f64::NEG_INFINITY {
        return (None, opposite);
    }
    let start = best.1 * BLOCK;
    let end = violation.len().min(start + BLOCK);
    let of = |at: usize| decrease(greatest - (violation[at] + low[at]), own + diagonal[at] - 2.0 * f64::from(row[at]));
    ((start..end).rev().find(|&at| of(at) == best.0), opposite)
}

/// The decrease of the objective by a pair, -infinity where it violates nothing.
#[inline(always)]
fn decrease(violation: f64, curvature: f64) -> f64 {
    let curvature = if curvature > 0.0 { curvature } else { MIN_CURVATURE };
    let decrease = violation * violation / curvature;
    if violation > 0.0 { decrease } else { f64::NEG_INFINITY }
}
