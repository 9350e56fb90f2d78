//! [`Frame`]: volumes, images and sequences with their padding, in memory.

use crate::engine::real::Real;

/// A volume within a larger one, whose other elements are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Planes, rows and columns.
    pub inner: [usize; 3],
    pub outer: [usize; 3],
    /// Planes, rows and columns before the inner volume.
    pub before: [usize; 3],
}

impl Frame {
    /// Positions of the inner volume.
    pub fn inside(&self) -> usize {
        self.inner.iter().product()
    }

    /// Positions of the larger one.
    pub fn positions(&self) -> usize {
        self.outer.iter().product()
    }

    /// Whether the volume is all there is, so that it may be read where it lies.
    pub fn is_bare(&self) -> bool {
        self.inner == self.outer
    }

    /// Positions of a plane of the inner volume and of the larger one.
    fn plane(&self) -> (usize, usize) {
        (self.inner[1] * self.inner[2], self.outer[1] * self.outer[2])
    }

    /// Writes `framed` from `volumes`, [_, inner, channels], with each channel `repeat` times.
    pub fn put<F: Real>(&self, volumes: &[F], channels: usize, repeat: usize, framed: &mut [F]) {
        let width = channels * repeat;
        let (inner, outer) = self.plane();
        let volumes = volumes.chunks_exact(self.inside() * channels);
        for (volume, framed) in volumes.zip(framed.chunks_exact_mut(self.positions() * width)) {
            let (before, framed) = framed.split_at_mut(self.before[0] * outer * width);
            let (framed, after) = framed.split_at_mut(self.inner[0] * outer * width);
            before.fill(F::ZERO);
            after.fill(F::ZERO);
            for (image, framed) in volume.chunks_exact(inner * channels).zip(framed.chunks_exact_mut(outer * width)) {
                self.put_image(image, channels, repeat, framed);
            }
        }
    }

    fn put_image<F: Real>(&self, image: &[F], channels: usize, repeat: usize, framed: &mut [F]) {
        let width = channels * repeat;
        let (row, start) = (self.outer[2] * width, self.before[2] * width);
        let end = start + self.inner[2] * width;
        let (above, framed) = framed.split_at_mut(self.before[1] * row);
        let (framed, below) = framed.split_at_mut(self.inner[1] * row);
        above.fill(F::ZERO);
        below.fill(F::ZERO);
        for (image, framed) in image.chunks_exact(self.inner[2] * channels).zip(framed.chunks_exact_mut(row)) {
            framed[..start].fill(F::ZERO);
            framed[end..].fill(F::ZERO);
            if repeat == 1 {
                framed[start..end].copy_from_slice(image);
            } else {
                framed[start..end].chunks_exact_mut(repeat).zip(image).for_each(|(cells, &x)| cells.fill(x));
            }
        }
    }

    /// Writes `volumes` from `framed`: the reverse of [`Self::put`], with the sums of what was repeated.
    pub fn take<F: Real>(&self, framed: &[F], channels: usize, repeat: usize, volumes: &mut [F]) {
        let width = channels * repeat;
        let (inner, outer) = self.plane();
        let framed = framed.chunks_exact(self.positions() * width);
        for (volume, framed) in volumes.chunks_exact_mut(self.inside() * channels).zip(framed) {
            let framed = framed[self.before[0] * outer * width..].chunks_exact(outer * width);
            for (image, framed) in volume.chunks_exact_mut(inner * channels).zip(framed) {
                self.take_image(framed, channels, repeat, image);
            }
        }
    }

    fn take_image<F: Real>(&self, framed: &[F], channels: usize, repeat: usize, image: &mut [F]) {
        let width = channels * repeat;
        let (row, start) = (self.outer[2] * width, self.before[2] * width);
        let end = start + self.inner[2] * width;
        let framed = framed[self.before[1] * row..].chunks_exact(row);
        for (image, framed) in image.chunks_exact_mut(self.inner[2] * channels).zip(framed) {
            if repeat == 1 {
                image.copy_from_slice(&framed[start..end]);
            } else {
                let cells = framed[start..end].chunks_exact(repeat);
                image.iter_mut().zip(cells).for_each(|(x, cells)| *x = cells.iter().copied().sum());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_stands_in_its_frame_and_comes_back_as_the_sum_of_its_repeats() {
        let frame = Frame { inner: [1, 1, 2], outer: [1, 3, 4], before: [0, 1, 0] };
        let mut framed = [f32::NAN; 48];
        frame.put(&[1.0, 2.0, 3.0, 4.0], 1, 2, &mut framed);
        let one = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 0.0, 0.0, 0.0, 0.0];
        assert_eq!(framed[..16], one);
        assert_eq!(framed[24..40], one.map(|cell| if cell == 0.0 { 0.0 } else { cell + 2.0 }));
        let mut images = [0.0; 4];
        frame.take(&framed, 1, 2, &mut images);
        assert_eq!(images, [2.0, 4.0, 6.0, 8.0]);
    }

    #[test]
    fn a_volume_stands_between_planes_of_zeros() {
        let frame = Frame { inner: [2, 1, 1], outer: [4, 1, 2], before: [1, 0, 1] };
        let mut framed = [f32::NAN; 8];
        frame.put(&[1.0, 2.0], 1, 1, &mut framed);
        assert_eq!(framed, [0.0, 0.0, 0.0, 1.0, 0.0, 2.0, 0.0, 0.0]);
        let mut volume = [0.0; 2];
        frame.take(&framed, 1, 1, &mut volume);
        assert_eq!(volume, [1.0, 2.0]);
    }
}
