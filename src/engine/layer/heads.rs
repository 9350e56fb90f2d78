//! [`Heads`].

use crate::engine::kernel::{Matrix, MatrixMut};

/// How large the heads of an attention layer are, for one row of the batch, and where their cells lie: those of one step
/// side by side.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heads {
    pub count: usize,
    pub queries: usize,
    pub keys: usize,
    pub key_dim: usize,
    pub value_dim: usize,
}

impl Heads {
    /// Cells of the queries, the keys, the values, and what the heads make of them.
    pub fn cells(self) -> [usize; 4] {
        [self.query(), self.key(), self.value(), self.context()].map(|[steps, dim]| steps * self.count * dim)
    }

    /// Cells of one head's weights.
    pub fn weights(self) -> usize {
        self.keys * self.queries
    }

    /// Steps and cells of one head's queries.
    pub fn query(self) -> [usize; 2] {
        [self.queries, self.key_dim]
    }

    /// Steps and cells of one head's keys.
    pub fn key(self) -> [usize; 2] {
        [self.keys, self.key_dim]
    }

    /// Steps and cells of one head's values.
    pub fn value(self) -> [usize; 2] {
        [self.keys, self.value_dim]
    }

    /// Steps and cells of what one head makes of them.
    pub fn context(self) -> [usize; 2] {
        [self.queries, self.value_dim]
    }

    /// The cells of one head among those of all heads and rows.
    pub fn of<F>(self, [steps, dim]: [usize; 2], cells: &[F], [row, head]: [usize; 2]) -> Matrix<'_, F> {
        Matrix::strided(&cells[(row * steps * self.count + head) * dim..], steps, dim, self.count * dim)
    }

    /// [`Self::of`], to be written.
    pub fn of_mut<F>(self, [steps, dim]: [usize; 2], cells: &mut [F], [row, head]: [usize; 2]) -> MatrixMut<'_, F> {
        MatrixMut::strided(&mut cells[(row * steps * self.count + head) * dim..], steps, dim, self.count * dim)
    }

    /// Cuts memory into what [`Self::cells`] says for `rows` rows.
    pub fn split<F>(self, rows: usize, mut memory: &mut [F]) -> [&mut [F]; 4] {
        self.cells().map(|cells| {
            let (part, rest) = std::mem::take(&mut memory).split_at_mut(rows * cells);
            memory = rest;
            part
        })
    }
}
