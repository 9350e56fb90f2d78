//! Least squares of least norm, by QR and a singular value decomposition.

use super::{
    centered::Centered,
    cholesky::{add_multiple, dot},
};
use crate::engine::classical::{FitError, run::check_cancel};
use rayon::prelude::*;
use std::sync::atomic::AtomicBool;

/// Rows of a block that is reduced to a triangle.
const ROWS: usize = 1 << 12;

/// A solution.
#[derive(Debug)]
pub(crate) struct LeastSquares {
    pub(crate) coefficients: Vec<f64>,
    /// Number of singular values over the cut.
    pub(crate) rank: usize,
}

/// Minimizes ‖Xw - y‖², and of all minima ‖w‖². Singular values up to `cut` times the largest are taken for 0.
pub(crate) fn least_squares(data: &Centered<'_>, cut: f64, cancel: &AtomicBool) -> Result<LeastSquares, FitError> {
    let (rows, columns) = (data.rows(), data.columns());
    if rows > columns {
        let (triangle, right) = triangle(data, cancel)?;
        return solve_triangle(triangle, &right, columns, cut, cancel);
    }
    // Fewer rows than columns: w = Xᵀ z, with the decomposition of Xᵀ.
    let mut matrix = vec![0.0; rows * (columns + 1)];
    data.write_columns(0, rows, &mut matrix, rows);
    let right: Vec<f64> = matrix[columns * rows..].to_vec();
    // Column r of the transpose is row r.
    let mut transposed = Vec::with_capacity(rows * columns);
    for row in 0..rows {
        transposed.extend(matrix[..columns * rows].iter().skip(row).step_by(rows));
    }
    drop(matrix);
    let decomposition = decompose(&mut transposed, columns, rows, cancel)?;
    let mut coefficients = vec![0.0; columns];
    let largest = decomposition.values.iter().copied().fold(0.0, f64::max);
    let mut rank = 0;
    for (at, &value) in decomposition.values.iter().enumerate() {
        if value > cut * largest {
            rank += 1;
            let along = dot(&decomposition.rotation[at * rows..][..rows], &right) / (value * value);
            add_multiple(&mut coefficients, along, &transposed[at * columns..][..columns]);
        }
    }
    Ok(LeastSquares { coefficients, rank })
}

/// Bytes of [`least_squares`].
pub(crate) fn bytes(rows: usize, columns: usize, threads: usize) -> u64 {
    let size = columns as u64 + 1;
    match rows > columns {
        true => 8 * size * (size * (rows.div_ceil(ROWS) as u64 + 4) + (ROWS * threads) as u64),
        false => 8 * rows as u64 * (2 * size + rows as u64),
    }
}

/// R and Qᵀy of the QR decomposition, column-major.
fn triangle(data: &Centered<'_>, cancel: &AtomicBool) -> Result<(Vec<f64>, Vec<f64>), FitError> {
    let (rows, size) = (data.rows(), data.columns() + 1);
    let starts: Vec<usize> = (0..rows).step_by(ROWS).collect();
    let triangles: Result<Vec<Vec<f64>>, FitError> = starts
        .par_iter()
        .map(|&start| {
            let count = ROWS.min(rows - start);
            let mut block = vec![0.0; size * count];
            data.write_columns(start, count, &mut block, count);
            reduce(&mut block, count, size, cancel)?;
            Ok(block.chunks_exact(count).flat_map(|column| upper(column, size)).collect())
        })
        .collect();
    let mut triangles = triangles?.into_iter();
    let mut all = triangles.next().unwrap_or_default();
    for other in triangles {
        let stacked = all.chunks_exact(size).zip(other.chunks_exact(size));
        let mut both: Vec<f64> = stacked.flat_map(|(a, b)| a.iter().chain(b).copied()).collect();
        reduce(&mut both, 2 * size, size, cancel)?;
        all = both.chunks_exact(2 * size).flat_map(|column| upper(column, size)).collect();
    }
    let columns = size - 1;
    let right = all[columns * size..][..columns].to_vec();
    Ok((all.chunks_exact(size).take(columns).flat_map(|column| column[..columns].iter().copied()).collect(), right))
}

/// The first `size` elements of a column, filled up with zeros.
fn upper(column: &[f64], size: usize) -> impl Iterator<Item = f64> + '_ {
    (0..size).map(|row| column.get(row).copied().unwrap_or(0.0))
}

/// Householder reflections that make a column-major matrix upper triangular.
fn reduce(matrix: &mut [f64], rows: usize, columns: usize, cancel: &AtomicBool) -> Result<(), FitError> {
    for at in 0..columns.min(rows) {
        check_cancel(cancel)?;
        let (done, rest) = matrix.split_at_mut((at + 1) * rows);
        let vector = &mut done[at * rows + at..];
        let norm = dot(vector, vector).sqrt();
        if norm == 0.0 {
            continue;
        }
        let diagonal = if vector[0] > 0.0 { -norm } else { norm };
        vector[0] -= diagonal;
        let square = dot(vector, vector);
        for column in rest.chunks_exact_mut(rows) {
            let column = &mut column[at..];
            let along = dot(vector, column);
            add_multiple(column, -2.0 * along / square, vector);
        }
        vector.fill(0.0);
        vector[0] = diagonal;
    }
    Ok(())
}

/// Solves with a column-major upper triangle.
fn solve_triangle(
    mut triangle: Vec<f64>,
    right: &[f64],
    size: usize,
    cut: f64,
    cancel: &AtomicBool,
) -> Result<LeastSquares, FitError> {
    if let Some(inverse_norm) = inverse_norm(&triangle, size, cancel)? {
        // The product of Frobenius norms is at least the ratio of the singular values.
        let norm = dot(&triangle, &triangle).sqrt();
        if norm * inverse_norm * cut.max(1e-12) < 1.0 {
            let mut coefficients = right.to_vec();
            substitute(&triangle, size, &mut coefficients, size);
            return Ok(LeastSquares { coefficients, rank: size });
        }
    }
    let decomposition = decompose(&mut triangle, size, size, cancel)?;
    let largest = decomposition.values.iter().copied().fold(0.0, f64::max);
    let (mut coefficients, mut rank) = (vec![0.0; size], 0);
    for (at, &value) in decomposition.values.iter().enumerate() {
        if value > cut * largest {
            rank += 1;
            let along = dot(&triangle[at * size..][..size], right) / (value * value);
            add_multiple(&mut coefficients, along, &decomposition.rotation[at * size..][..size]);
        }
    }
    Ok(LeastSquares { coefficients, rank })
}

/// Back substitution with the first `count` columns of an upper triangle.
fn substitute(triangle: &[f64], size: usize, right: &mut [f64], count: usize) {
    for at in (0..count).rev() {
        let column = &triangle[at * size..][..at + 1];
        right[at] /= column[at];
        let value = right[at];
        add_multiple(&mut right[..at], -value, &column[..at]);
    }
}

/// The Frobenius norm of the inverse of an upper triangle; `None` where it is singular.
fn inverse_norm(triangle: &[f64], size: usize, cancel: &AtomicBool) -> Result<Option<f64>, FitError> {
    if (0..size).any(|at| triangle[at * size + at] == 0.0) {
        return Ok(None);
    }
    let mut sum = 0.0;
    for at in 0..size {
        check_cancel(cancel)?;
        let mut column = vec![0.0; at + 1];
        column[at] = 1.0;
        substitute(triangle, size, &mut column, at + 1);
        sum += dot(&column, &column);
    }
    Ok(sum.is_finite().then(|| sum.sqrt()))
}

/// Singular values, and the rotation that makes the columns orthogonal, column-major.
struct Decomposition {
    values: Vec<f64>,
    rotation: Vec<f64>,
}

/// One-sided Jacobi rotations: the columns of a column-major matrix become orthogonal.
///
/// Source: Hestenes (1958); Golub and Van Loan, "Matrix Computations", section 8.6.
fn decompose(matrix: &mut [f64], rows: usize, columns: usize, cancel: &AtomicBool) -> Result<Decomposition, FitError> {
    const MAX_SWEEPS: usize = 60;
    let mut rotation = vec![0.0; columns * columns];
    (0..columns).for_each(|at| rotation[at * columns + at] = 1.0);
    let largest = matrix.chunks_exact(rows.max(1)).map(|column| dot(column, column)).fold(0.0, f64::max);
    for _ in 0..MAX_SWEEPS {
        let mut rotated = false;
        for a in 0..columns {
            check_cancel(cancel)?;
            for b in a + 1..columns {
                let (x, y) = pair(matrix, rows, a, b);
                let (xx, yy, xy) = (dot(x, x), dot(y, y), dot(x, y));
                if xy.abs() <= 1e-15 * (xx * yy).sqrt() || xx.min(yy) <= 1e-34 * largest {
                    continue;
                }
                rotated = true;
                let zeta = (yy - xx) / (2.0 * xy);
                let tangent = zeta.signum() / (zeta.abs() + zeta.hypot(1.0));
                let cosine = 1.0 / tangent.hypot(1.0);
                let sine = cosine * tangent;
                rotate(x, y, cosine, sine);
                let (x, y) = pair(&mut rotation, columns, a, b);
                rotate(x, y, cosine, sine);
            }
        }
        if !rotated {
            break;
        }
    }
    let values = matrix.chunks_exact(rows.max(1)).map(|column| dot(column, column).sqrt()).collect();
    Ok(Decomposition { values, rotation })
}

/// The columns `a` and `b`, `a` before `b`.
fn pair(matrix: &mut [f64], rows: usize, a: usize, b: usize) -> (&mut [f64], &mut [f64]) {
    let (before, after) = matrix.split_at_mut(b * rows);
    (&mut before[a * rows..][..rows], &mut after[..rows])
}

fn rotate(x: &mut [f64], y: &mut [f64], cosine: f64, sine: f64) {
    crate::engine::kernel::vectorized(
        #[inline(always)]
        || {
            for (x, y) in x.iter_mut().zip(y) {
                (*x, *y) = (cosine * *x - sine * *y, sine * *x + cosine * *y);
            }
        },
    );
}
