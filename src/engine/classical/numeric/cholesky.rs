//! Cholesky factors of symmetric matrices.

use crate::engine::{
    classical::{FitError, run::check_cancel},
    kernel::vectorized,
};
use std::sync::atomic::AtomicBool;

/// Replaces the lower triangle of a row-major symmetric matrix by its Cholesky factor; answers false, with the matrix half
/// replaced, if it is not positive definite beyond rounding.
pub(crate) fn factor(matrix: &mut [f64], size: usize, cancel: &AtomicBool) -> Result<bool, FitError> {
    for row in 0..size {
        check_cancel(cancel)?;
        let (above, rest) = matrix.split_at_mut(row * size);
        let current = &mut rest[..size];
        let given = current[row];
        for column in 0..row {
            let other = &above[column * size..][..column + 1];
            let sum = dot(&current[..column], &other[..column]);
            current[column] = (current[column] - sum) / other[column];
        }
        let left = given - dot(&current[..row], &current[..row]);
        // No more than what rounding leaves of a dependent column.
        if left.is_nan() || left <= given * size as f64 * 4.0 * f64::EPSILON {
            return Ok(false);
        }
        current[row] = left.sqrt();
    }
    Ok(true)
}

/// Solves with the factor of [`factor`], in place.
pub(crate) fn solve(factor: &[f64], size: usize, right: &mut [f64]) {
    for row in 0..size {
        let line = &factor[row * size..][..row + 1];
        right[row] = (right[row] - dot(&line[..row], &right[..row])) / line[row];
    }
    for row in (0..size).rev() {
        right[row] /= factor[row * size + row];
        let value = right[row];
        let line = &factor[row * size..][..row];
        right[..row].iter_mut().zip(line).for_each(|(right, element)| *right -= value * element);
    }
}

/// The product of two vectors, added in eight parts.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    vectorized(
        #[inline(always)]
        || {
            const PARTS: usize = 8;
            let mut parts = [0.0; PARTS];
            let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<PARTS>(), b.as_chunks::<PARTS>());
            for (a, b) in a.iter().zip(b) {
                for part in 0..PARTS {
                    parts[part] = a[part].mul_add(b[part], parts[part]);
                }
            }
            let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
            parts.iter().sum::<f64>() + rest
        },
    )
}

/// Adds `factor * x` to `y`.
pub(crate) fn add_multiple(y: &mut [f64], factor: f64, x: &[f64]) {
    vectorized(
        #[inline(always)]
        || y.iter_mut().zip(x).for_each(|(y, x)| *y = factor.mul_add(*x, *y)),
    );
}
