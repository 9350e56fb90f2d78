//! Products that a team shares: of one row its columns, of several the rows.

use super::{Gathered, Matrix, MatrixMut, Team, operand::Left, product::checked};
use crate::engine::real::Real;

/// Multiplications and additions that are worth handing over.
const WORTH_SHARING: usize = 1 << 17;
/// Columns are cut where a row's tiles begin: four registers of sixteen cells.
const TILE_OF_A_ROW: usize = 64;
/// Rows are cut where tiles begin.
const TILE_OF_ROWS: usize = 12;

/// Writes `a · b` into `c`, with a team's help where there is enough to do. The bits are those of [`super::product`].
///
/// # Panics
/// Where the three shapes do not belong together.
pub fn product_shared<F: Real>(team: &Team, a: Matrix<'_, F>, b: Matrix<'_, F>, c: MatrixMut<'_, F>) {
    shared(team, a, b, c);
}

/// [`product_shared`] of a matrix that is gathered while it is read.
///
/// # Panics
/// Where the three shapes do not belong together.
pub fn product_gathered_shared<F: Real>(team: &Team, a: Gathered<'_, F>, b: Matrix<'_, F>, c: MatrixMut<'_, F>) {
    shared(team, a, b, c);
}

fn shared<F: Real>(team: &Team, a: impl Left<F>, b: Matrix<'_, F>, c: MatrixMut<'_, F>) {
    let ([rows, inner], columns, threads) = (a.shape(), b.columns, team.threads());
    let worth = rows.saturating_mul(inner).saturating_mul(columns) / WORTH_SHARING;
    // Two parts a thread, so that one that comes late takes less, or one; between that, some would do twice what others do.
    let parts = worth.min(2 * threads);
    let parts = if parts > threads { parts / threads * threads } else { parts };
    if threads == 1 || parts < 2 {
        return checked(a, b, c, false);
    }
    assert!(inner == b.rows && rows == c.rows && columns == c.columns, "shapes of a product");
    if rows == 1 {
        let step = columns.div_ceil(parts).next_multiple_of(TILE_OF_A_ROW);
        let mut parts: Vec<_> = c.cells[..columns].chunks_mut(step).collect();
        team.each(&mut parts, |part, cells| {
            let first = part * step;
            let columns = cells.len();
            checked(a, b.columns(first..first + columns), MatrixMut::new(cells, columns), false);
        });
    } else {
        let step = rows.div_ceil(parts).next_multiple_of(TILE_OF_ROWS);
        let stride = c.row_stride;
        let mut parts: Vec<_> = c.cells.chunks_mut(step * stride).take(rows.div_ceil(step)).collect();
        team.each(&mut parts, |part, cells| {
            let some = part * step..rows.min((part + 1) * step);
            let c = MatrixMut::strided(cells, some.len(), columns, stride);
            checked(a.rows(some), b, c, false);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{product_gathered, product_into},
        *,
    };

    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|index| ((index + seed) as f32 * 0.37).sin()).collect()
    }

    #[test]
    fn what_is_shared_has_the_bits_of_what_is_not() {
        let team = Team::new(3);
        for (m, k, n) in [(1, 700, 1000), (1, 3000, 10), (1, 2000, 129), (2, 400, 500), (300, 64, 33), (1000, 300, 1)] {
            let (x, w, w_t) = (numbers(m * k, 1), numbers(k * n, 2), numbers(n * k, 3));
            let x = Matrix::new(&x, k);
            for w in [Matrix::new(&w, n), Matrix::new(&w_t, k).transposed()] {
                for stride in [n, n + 5] {
                    let before = numbers((m - 1) * stride + n, 4);
                    let (mut alone, mut together) = (before.clone(), before);
                    product_into(x, w, MatrixMut::strided(&mut alone, m, n, stride), false);
                    product_shared(&team, x, w, MatrixMut::strided(&mut together, m, n, stride));
                    assert_eq!(alone, together, "{m} x {k} x {n}, {stride}");
                }
            }
        }
    }

    #[test]
    fn what_is_gathered_is_shared_alike() {
        let (x, w) = (numbers(5000, 1), numbers(300 * 40, 2));
        let rows: Vec<u32> = (0..900).map(|row| row * 5).collect();
        let columns: Vec<u32> = (0..300).collect();
        let (patches, w) = (Gathered::new(&x, &rows, &columns), Matrix::new(&w, 40));
        let (mut alone, mut together) = (vec![0.0; 900 * 40], vec![1.0; 900 * 40]);
        product_gathered(patches, w, MatrixMut::new(&mut alone, 40), false);
        product_gathered_shared(&Team::new(2), patches, w, MatrixMut::new(&mut together, 40));
        assert_eq!(alone, together);
    }
}
