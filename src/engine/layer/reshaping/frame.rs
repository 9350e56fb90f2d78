//! Images within larger ones: what padding and cropping share.

use crate::engine::real::Real;

/// Where an image [lines, elements of a line] lies in a larger one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    /// Lines of the larger image.
    pub outer_lines: usize,
    /// Elements of each of them.
    pub outer_width: usize,
    /// Lines of the smaller image.
    pub lines: usize,
    /// Elements of each of them.
    pub width: usize,
    /// Lines of the larger image before the smaller one.
    pub above: usize,
    /// Elements of a line before it.
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

/// Where a volume lies in a larger one: some of its planes, each in a frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Volume {
    pub frame: Frame,
    /// Planes of the larger volume.
    pub outer_planes: usize,
    /// Planes of the smaller one.
    pub planes: usize,
    /// Planes of the larger one before the smaller one.
    pub before: usize,
}

impl Volume {
    /// Elements of the larger volume, and of its planes that have something of the smaller one.
    fn outer(&self) -> (usize, std::ops::Range<usize>) {
        let plane = self.frame.outer_lines * self.frame.outer_width;
        (self.outer_planes * plane, self.before * plane..(self.before + self.planes) * plane)
    }

    fn inner(&self) -> usize {
        self.planes * self.frame.lines * self.frame.width
    }

    /// Puts each smaller volume into a larger one of zeros.
    pub fn insert<F: Real>(&self, inner: &[F], outer: &mut [F]) {
        let (cells, within) = self.outer();
        outer.fill(F::ZERO);
        for (outer, inner) in outer.chunks_exact_mut(cells).zip(inner.chunks_exact(self.inner())) {
            self.frame.insert(inner, &mut outer[within.clone()]);
        }
    }

    /// Takes each smaller volume out of a larger one.
    pub fn extract<F: Real>(&self, outer: &[F], inner: &mut [F]) {
        let (cells, within) = self.outer();
        for (outer, inner) in outer.chunks_exact(cells).zip(inner.chunks_exact_mut(self.inner())) {
            self.frame.extract(&outer[within.clone()], inner);
        }
    }
}
