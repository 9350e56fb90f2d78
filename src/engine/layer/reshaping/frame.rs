//! Images within larger ones: what padding and cropping share.

use crate::engine::real::Real;

/// Where an image [lines, cells of a line] lies in a larger one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    /// Lines of the larger image.
    pub outer_lines: usize,
    /// Cells of each of them.
    pub outer_width: usize,
    /// Lines of the smaller image.
    pub lines: usize,
    /// Cells of each of them.
    pub width: usize,
    /// Lines of the larger image before the smaller one.
    pub above: usize,
    /// Cells of a line before it.
    pub left: usize,
}

impl Frame {
    /// Where the lines of the smaller image lie in the larger one.
    fn outer_lines<'a, F>(&self, outer: &'a [F]) -> impl Iterator<Item = &'a [F]> + use<'a, F> {
        let Self { outer_width, lines, width, above, left, .. } = *self;
        outer.chunks_exact(outer_width).skip(above).take(lines).map(move |line| &line[left..left + width])
    }

    /// Puts each smaller image into a larger one of zeros.
    pub fn insert<F: Real>(&self, inner: &[F], outer: &mut [F]) {
        let Self { outer_width, lines, width, above, left, .. } = *self;
        outer.fill(F::ZERO);
        let images = outer.chunks_exact_mut(self.outer_lines * outer_width).zip(inner.chunks_exact(lines * width));
        for (outer, inner) in images {
            let outer = outer.chunks_exact_mut(outer_width).skip(above);
            for (outer, inner) in outer.zip(inner.chunks_exact(width)) {
                outer[left..left + width].copy_from_slice(inner);
            }
        }
    }

    /// Takes each smaller image out of a larger one.
    pub fn extract<F: Real>(&self, outer: &[F], inner: &mut [F]) {
        let images = outer.chunks_exact(self.outer_lines * self.outer_width);
        for (outer, inner) in images.zip(inner.chunks_exact_mut(self.lines * self.width)) {
            for (outer, inner) in self.outer_lines(outer).zip(inner.chunks_exact_mut(self.width)) {
                inner.copy_from_slice(outer);
            }
        }
    }
}
