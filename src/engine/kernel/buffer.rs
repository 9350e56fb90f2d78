//! [`Buffer`].

use crate::engine::real::Real;
use std::{
    hint::black_box,
    ops::{Deref, DerefMut},
};

/// Bytes of a cache line, and of the widest register.
const LINE: usize = 64;

/// Memory aligned to a cache line: a register's load from a row whose length is a multiple of 16 then touches one line,
/// not two. Pages that are never written take no memory.
#[derive(Debug)]
pub struct Buffer<F> {
    memory: Vec<F>,
    first: usize,
    elements: usize,
}

impl<F: Real> Buffer<F> {
    /// `elements` zeros.
    pub fn zeros(elements: usize) -> Self {
        if elements == 0 {
            return Self::default();
        }
        Self::align(vec![F::ZERO; Self::padded(elements)], elements)
    }

    /// `elements` times `value`, in pages that have been written. Zeros from the allocator may all map to the system's
    /// zero page: reading such a page before its first write causes a TLB shootdown on every thread, which costs more
    /// than a step over its elements.
    pub fn filled(value: F, elements: usize) -> Self {
        // `black_box` keeps the compiler from using the allocator's zeros.
        let mut memory = black_box(Vec::with_capacity(Self::padded(elements)));
        memory.resize(Self::padded(elements), value);
        Self::align(memory, elements)
    }

    /// Elements to allocate so that `elements` aligned ones fit.
    fn padded(elements: usize) -> usize {
        elements.saturating_add(LINE / size_of::<F>() - 1)
    }

    fn align(memory: Vec<F>, elements: usize) -> Self {
        let first = memory.as_ptr().align_offset(LINE);
        Self { memory, first, elements }
    }
}

impl<F> Default for Buffer<F> {
    fn default() -> Self {
        Self { memory: Vec::new(), first: 0, elements: 0 }
    }
}

impl<F: Real> Clone for Buffer<F> {
    fn clone(&self) -> Self {
        let mut copy = Self::zeros(self.elements);
        copy.copy_from_slice(self);
        copy
    }
}

impl<F> Deref for Buffer<F> {
    type Target = [F];
    #[inline]
    fn deref(&self) -> &[F] {
        &self.memory[self.first..self.first + self.elements]
    }
}

impl<F> DerefMut for Buffer<F> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [F] {
        &mut self.memory[self.first..self.first + self.elements]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_and_their_copies_are_aligned() {
        for elements in [1, 15, 16, 1000, 100_000] {
            let mut buffer = Buffer::<f32>::zeros(elements);
            buffer[elements - 1] = 1.0;
            let moved = Box::new(buffer.clone());
            for buffer in [&buffer, &*moved] {
                assert_eq!(buffer.as_ptr().addr() % LINE, 0);
                assert_eq!((buffer.len(), buffer[elements - 1]), (elements, 1.0));
            }
        }
        assert!(Buffer::<f64>::zeros(0).is_empty());
    }
}
