//! [`Heads`].

use crate::engine::kernel::{Matrix, MatrixMut};

/// How large the heads of an attention layer are, for one row of the batch, and where their elements lie: those of one step
/// side by side. Where not every axis of steps is attended, a row is cut into groups of steps that attend to each other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heads {
    pub count: usize,
    pub queries: usize,
    pub keys: usize,
    pub key_dim: usize,
    pub value_dim: usize,
    /// Groups that differ along an axis before the attended ones.
    pub outer: usize,
    /// Groups that differ along an axis after the attended ones.
    pub inner: usize,
}

impl Heads {
    /// Elements of the queries, the keys, the values, and what the heads make of them.
    pub fn elements(self) -> [usize; 4] {
        let cells = |[steps, dim]: [usize; 2]| self.groups() * steps * self.count * dim;
        [self.query(), self.key(), self.value(), self.context()].map(cells)
    }

    /// Groups of steps that attend to each other.
    pub fn groups(self) -> usize {
        self.outer * self.inner
    }

    /// Elements of one head's weights.
    pub fn weights(self) -> usize {
        self.keys * self.queries
    }

    /// Steps and elements of one head's queries.
    pub fn query(self) -> [usize; 2] {
        [self.queries, self.key_dim]
    }

    /// Steps and elements of one head's keys.
    pub fn key(self) -> [usize; 2] {
        [self.keys, self.key_dim]
    }

    /// Steps and elements of one head's values.
    pub fn value(self) -> [usize; 2] {
        [self.keys, self.value_dim]
    }

    /// Steps and elements of what one head makes of them.
    pub fn context(self) -> [usize; 2] {
        [self.queries, self.value_dim]
    }

    /// The first element of one head of one row of [rows, groups], and elements from one step to the next.
    fn place(self, [steps, dim]: [usize; 2], [row, head]: [usize; 2]) -> (usize, usize) {
        let (outer, inner) = (row / self.inner, row % self.inner);
        ((((outer * steps * self.inner) + inner) * self.count + head) * dim, self.inner * self.count * dim)
    }

    /// The elements of one head among those of all heads and rows of [rows, groups].
    pub fn of<F>(self, size: [usize; 2], cells: &[F], place: [usize; 2]) -> Matrix<'_, F> {
        let ([steps, dim], (first, stride)) = (size, self.place(size, place));
        Matrix::strided(&cells[first..], steps, dim, stride)
    }

    /// [`Self::of`], to be written.
    pub fn of_mut<F>(self, size: [usize; 2], cells: &mut [F], place: [usize; 2]) -> MatrixMut<'_, F> {
        let ([steps, dim], (first, stride)) = (size, self.place(size, place));
        MatrixMut::strided(&mut cells[first..], steps, dim, stride)
    }

    /// Cuts memory into what [`Self::cells`] says for `rows` rows.
    pub fn split<F>(self, rows: usize, mut memory: &mut [F]) -> [&mut [F]; 4] {
        self.elements().map(|cells| {
            let (part, rest) = std::mem::take(&mut memory).split_at_mut(rows * cells);
            memory = rest;
            part
        })
    }
}
