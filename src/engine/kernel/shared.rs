//! Products divided among the threads of a team: by columns for a single row, else by rows.

use super::{Gathered, Matrix, MatrixMut, Team, operand::LeftOperand, product::checked_product};
use crate::engine::real::Real;

/// Minimum multiply-adds of a part.
const MIN_PART_WORK: usize = 1 << 17;
/// Columns are divided at tiles of a single row: four registers of sixteen elements.
const ONE_ROW_TILE: usize = 64;
/// Rows are divided at tiles.
const TILE_ROWS: usize = 12;

/// Writes `a · b` into `c`, on several threads where there is enough work. The bits are those of [`super::product`].
///
/// # Panics
/// If the three shapes do not match.
pub fn product_shared<F: Real>(team: &Team, a: Matrix<'_, F>, b: Matrix<'_, F>, c: MatrixMut<'_, F>) {
    shared(team, a, b, c);
}

/// [`product_shared`] of a matrix whose elements are gathered.
///
/// # Panics
/// If the three shapes do not match.
pub fn product_gathered_shared<F: Real>(team: &Team, a: Gathered<'_, F>, b: Matrix<'_, F>, c: MatrixMut<'_, F>) {
    shared(team, a, b, c);
}

fn shared<F: Real>(team: &Team, a: impl LeftOperand<F>, b: Matrix<'_, F>, c: MatrixMut<'_, F>) {
    let ([rows, inner], columns, threads) = (a.shape(), b.columns, team.threads());
    let worth = rows.saturating_mul(inner).saturating_mul(columns) / MIN_PART_WORK;
    // Two parts per thread, so that a late thread takes fewer, or one; with a number between, some threads would do
    // twice the work of others.
    let parts = worth.min(2 * threads);
    let parts = if parts > threads { parts / threads * threads } else { parts };
    if threads == 1 || parts < 2 {
        return checked_product(a, b, c, false);
    }
    assert!(inner == b.rows && rows == c.rows && columns == c.columns, "shapes of a product");
    if rows == 1 {
        let step = columns.div_ceil(parts).next_multiple_of(ONE_ROW_TILE);
        let mut parts: Vec<_> = c.elements[..columns].chunks_mut(step).collect();
        team.each(&mut parts, |part, elements| {
            let first = part * step;
            let columns = elements.len();
            checked_product(a, b.columns(first..first + columns), MatrixMut::new(elements, columns), false);
        });
    } else {
        let step = rows.div_ceil(parts).next_multiple_of(TILE_ROWS);
        let stride = c.row_stride;
        let mut parts: Vec<_> = c.elements.chunks_mut(step * stride).take(rows.div_ceil(step)).collect();
        team.each(&mut parts, |part, elements| {
            let some = part * step..rows.min((part + 1) * step);
            let c = MatrixMut::strided(elements, some.len(), columns, stride);
            checked_product(a.rows(some), b, c, false);
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
    fn shared_products_have_the_same_bits() {
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
    fn shared_gathered_products_have_the_same_bits() {
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
