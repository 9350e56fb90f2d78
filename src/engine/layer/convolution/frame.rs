//! [`Frame`]: images with their padding, in memory.

use crate::engine::real::Real;

/// An image within a larger one, whose other cells are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Frame {
    pub inner: [usize; 2],
    pub outer: [usize; 2],
    /// Rows and columns before the inner image.
    pub before: [usize; 2],
}

impl Frame {
    /// Positions of the inner image.
    pub fn inside(&self) -> usize {
        self.inner[0] * self.inner[1]
    }

    /// Positions of the larger one.
    pub fn positions(&self) -> usize {
        self.outer[0] * self.outer[1]
    }

    /// Whether the image is all there is, so that it may be read where it lies.
    pub fn is_bare(&self) -> bool {
        self.inner == self.outer
    }

    /// Writes `framed` from `images`, [_, inner, channels], with each channel `repeat` times.
    pub fn put<F: Real>(&self, images: &[F], channels: usize, repeat: usize, framed: &mut [F]) {
        let width = channels * repeat;
        let (row, start) = (self.outer[1] * width, self.before[1] * width);
        let end = start + self.inner[1] * width;
        let images = images.chunks_exact(self.inside() * channels);
        for (image, framed) in images.zip(framed.chunks_exact_mut(self.positions() * width)) {
            let (above, framed) = framed.split_at_mut(self.before[0] * row);
            let (framed, below) = framed.split_at_mut(self.inner[0] * row);
            above.fill(F::ZERO);
            below.fill(F::ZERO);
            for (image, framed) in image.chunks_exact(self.inner[1] * channels).zip(framed.chunks_exact_mut(row)) {
                framed[..start].fill(F::ZERO);
                framed[end..].fill(F::ZERO);
                if repeat == 1 {
                    framed[start..end].copy_from_slice(image);
                } else {
                    framed[start..end].chunks_exact_mut(repeat).zip(image).for_each(|(cells, &x)| cells.fill(x));
                }
            }
        }
    }

    /// Writes `images` from `framed`: the reverse of [`Self::put`], with the sums of what was repeated.
    pub fn take<F: Real>(&self, framed: &[F], channels: usize, repeat: usize, images: &mut [F]) {
        let width = channels * repeat;
        let (row, start) = (self.outer[1] * width, self.before[1] * width);
        let end = start + self.inner[1] * width;
        let framed = framed.chunks_exact(self.positions() * width);
        for (image, framed) in images.chunks_exact_mut(self.inside() * channels).zip(framed) {
            let framed = framed[self.before[0] * row..].chunks_exact(row);
            for (image, framed) in image.chunks_exact_mut(self.inner[1] * channels).zip(framed) {
                if repeat == 1 {
                    image.copy_from_slice(&framed[start..end]);
                } else {
                    let cells = framed[start..end].chunks_exact(repeat);
                    image.iter_mut().zip(cells).for_each(|(x, cells)| *x = cells.iter().copied().sum());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_stands_in_its_frame_and_comes_back_as_the_sum_of_its_repeats() {
        let frame = Frame { inner: [1, 2], outer: [3, 4], before: [1, 0] };
        let mut framed = [f32::NAN; 48];
        frame.put(&[1.0, 2.0, 3.0, 4.0], 1, 2, &mut framed);
        let one = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 0.0, 0.0, 0.0, 0.0];
        assert_eq!(framed[..16], one);
        assert_eq!(framed[24..40], one.map(|cell| if cell == 0.0 { 0.0 } else { cell + 2.0 }));
        let mut images = [0.0; 4];
        frame.take(&framed, 1, 2, &mut images);
        assert_eq!(images, [2.0, 4.0, 6.0, 8.0]);
    }
}
