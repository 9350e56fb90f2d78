//! [`Buffer`].

use crate::engine::real::Real;
use std::{
    hint::black_box,
    ops::{Deref, DerefMut},
};

/// Bytes of a cache line, and of the widest register.
const LINE: usize = 64;

/// Cells in memory, of which the first begins a cache line: a register's load of a row whose length is a multiple of
/// 16 then touches one line, not two. Pages that are never written take no memory.
#[derive(Debug)]
pub struct Buffer<F> {
    room: Vec<F>,
    first: usize,
    cells: usize,
}

impl<F: Real> Buffer<F> {
    /// `cells` zeros.
    pub fn zeros(cells: usize) -> Self {
        if cells == 0 {
            return Self::default();
        }
        Self::within(vec![F::ZERO; Self::room(cells)], cells)
    }

    /// `cells` times `value`, in pages that have been written. Zeros of an allocator may be one page of the system's, seen
    /// many times: where such a page is read before it is written, every thread must forget the old one, which costs more
    /// than a step over its cells.
    pub fn filled(value: F, cells: usize) -> Self {
        // Hidden, so that no compiler makes zeros of an allocator out of it.
        let mut room = black_box(Vec::with_capacity(Self::room(cells)));
        room.resize(Self::room(cells), value);
        Self::within(room, cells)
    }

    /// Cells within which so many begin a line.
    fn room(cells: usize) -> usize {
        cells.saturating_add(LINE / size_of::<F>() - 1)
    }

    fn within(room: Vec<F>, cells: usize) -> Self {
        let first = room.as_ptr().align_offset(LINE);
        Self { room, first, cells }
    }
}

impl<F> Default for Buffer<F> {
    fn default() -> Self {
        Self { room: Vec::new(), first: 0, cells: 0 }
    }
}

impl<F: Real> Clone for Buffer<F> {
    fn clone(&self) -> Self {
        let mut copy = Self::zeros(self.cells);
        copy.copy_from_slice(self);
        copy
    }
}

impl<F> Deref for Buffer<F> {
    type Target = [F];
    #[inline]
    fn deref(&self) -> &[F] {
        &self.room[self.first..self.first + self.cells]
    }
}

impl<F> DerefMut for Buffer<F> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [F] {
        &mut self.room[self.first..self.first + self.cells]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_cell_begins_a_line_also_in_a_copy_that_moved() {
        for cells in [1, 15, 16, 1000, 100_000] {
            let mut buffer = Buffer::<f32>::zeros(cells);
            buffer[cells - 1] = 1.0;
            let moved = Box::new(buffer.clone());
            for buffer in [&buffer, &*moved] {
                assert_eq!(buffer.as_ptr().addr() % LINE, 0);
                assert_eq!((buffer.len(), buffer[cells - 1]), (cells, 1.0));
            }
        }
        assert!(Buffer::<f64>::zeros(0).is_empty());
    }
}
