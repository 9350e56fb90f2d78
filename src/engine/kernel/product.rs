//! Matrix products.

use crate::engine::real::Real;

/// A matrix seen in memory that belongs to somebody else: row-major, or the transpose of such.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a, F> {
    cells: &'a [F],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a, F> Matrix<'a, F> {
    /// All of `cells`, row-major.
    pub fn new(cells: &'a [F], columns: usize) -> Self {
        Self { cells, rows: cells.len() / columns, columns, row_stride: columns, column_stride: 1 }
    }

    /// The transpose, without a copy.
    #[must_use]
    pub fn transposed(self) -> Self {
        Self {
            cells: self.cells,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }

    /// What it was made of.
    pub fn cells(&self) -> &'a [F] {
        self.cells
    }
}

/// Writes `a · b` into `c` (row-major), or adds it to what is there.
///
/// # Panics
/// Where the three shapes do not belong together.
pub fn product<F: Real>(a: Matrix<'_, F>, b: Matrix<'_, F>, c: &mut [F], accumulate: bool) {
    let (m, k, n) = (a.rows, a.columns, b.columns);
    assert!(k == b.rows && m * n == c.len(), "shapes of a product");
    let before = if accumulate { F::ONE } else { F::ZERO };
    // SAFETY: `a` and `b` lie within their slices by construction (`Matrix::new` takes whole rows, `transposed` swaps
    // the strides with the sizes), `c` has m * n cells, and a `&mut` overlaps with nothing.
    #[allow(unsafe_code, reason = "gemm takes pointers and strides")]
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            1,
            n as isize,
            accumulate,
            a.cells.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.cells.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            before,
            F::ONE,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}
