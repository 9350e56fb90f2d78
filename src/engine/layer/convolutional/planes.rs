//! [`Planes`]: convolutions of each channel separately, an image at a time.

use super::Window;
use crate::engine::{kernel, real::Real};

/// Sums of each channel of an image under the taps of `multiplier` kernels of its own, `[taps, channels, multiplier]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Planes {
    pub window: Window,
    pub channels: usize,
    pub multiplier: usize,
}

impl Planes {
    /// Elements at each position of an output.
    pub fn width(&self) -> usize {
        self.channels * self.multiplier
    }

    /// Elements of an image without its padding.
    pub fn image_cells(&self) -> usize {
        self.window.inputs() * self.channels
    }

    /// Positions of an output.
    pub fn outputs(&self) -> usize {
        self.window.outputs()
    }

    /// Elements of an output.
    pub fn output_elements(&self) -> usize {
        self.window.outputs() * self.width()
    }

    /// Multiplications and additions of an image.
    pub fn cost(&self) -> u64 {
        2 * (self.window.taps() as u64).saturating_mul(self.output_elements() as u64)
    }

    /// Whether images are read and written where they lie.
    fn in_place(&self) -> bool {
        self.window.frame().is_bare() && self.multiplier == 1
    }

    /// Elements that an image takes with its padding, each channel as often as it has kernels.
    pub fn room(&self) -> usize {
        if self.in_place() { 0 } else { self.window.frame().positions() * self.width() }
    }

    /// The image with its padding, as [`Self::forward`] and [`Self::kernel_gradient`] read it.
    pub fn framed<'a, F: Real>(&self, image: &'a [F], room: &'a mut [F]) -> &'a [F] {
        if self.in_place() {
            return image;
        }
        self.window.frame().put(image, self.channels, self.multiplier, room);
        room
    }

    /// Calls `each` with every pair that meets: an output's first element, a tap's, and the framed image's.
    #[inline(always)]
    fn meet(&self, mut each: impl FnMut(usize, usize, usize)) {
        // Layers of three axes have none of these kernels.
        let [_, rows, columns] = self.window.axes;
        let (width, outer) = (self.width(), self.window.frame().outer[2]);
        for row in 0..rows.output {
            for column in 0..columns.output {
                let output = (row * columns.output + column) * width;
                let first = row * rows.stride * outer + column * columns.stride;
                for row in 0..rows.taps {
                    for column in 0..columns.taps {
                        let tap = (row * columns.taps + column) * width;
                        let place = first + row * rows.dilation * outer + column * columns.dilation;
                        each(output, tap, place * width);
                    }
                }
            }
        }
    }

    /// Writes `output` from a framed image.
    pub fn forward<F: Real>(&self, framed: &[F], weights: &[F], output: &mut [F]) {
        let width = self.width();
        output.fill(F::ZERO);
        kernel::vectorized(
            #[inline(always)]
            || {
                self.meet(
                    #[inline(always)]
                    |cell, tap, place| {
                        let (x, weights) = (&framed[place..][..width], &weights[tap..][..width]);
                        let sums = output[cell..][..width].iter_mut().zip(x).zip(weights);
                        sums.for_each(|((sum, &x), &weight)| *sum = x.mul_add(weight, *sum));
                    },
                );
            },
        );
    }

    /// Adds to the gradient of the kernels.
    pub fn kernel_gradient<F: Real>(&self, framed: &[F], output_gradient: &[F], gradient: &mut [F]) {
        let width = self.width();
        kernel::vectorized(
            #[inline(always)]
            || {
                self.meet(
                    #[inline(always)]
                    |cell, tap, place| {
                        let (x, dy) = (&framed[place..][..width], &output_gradient[cell..][..width]);
                        let sums = gradient[tap..][..width].iter_mut().zip(x).zip(dy);
                        sums.for_each(|((sum, &x), &dy)| *sum = x.mul_add(dy, *sum));
                    },
                );
            },
        );
    }

    /// Writes the gradient of an image.
    pub fn back<F: Real>(&self, output_gradient: &[F], weights: &[F], room: &mut [F], image: &mut [F]) {
        if self.in_place() {
            return self.add_back(output_gradient, weights, image);
        }
        self.add_back(output_gradient, weights, room);
        self.window.frame().take(room, self.channels, self.multiplier, image);
    }

    fn add_back<F: Real>(&self, output_gradient: &[F], weights: &[F], framed: &mut [F]) {
        let width = self.width();
        framed.fill(F::ZERO);
        kernel::vectorized(
            #[inline(always)]
            || {
                self.meet(
                    #[inline(always)]
                    |cell, tap, place| {
                        let (dy, weights) = (&output_gradient[cell..][..width], &weights[tap..][..width]);
                        let sums = framed[place..][..width].iter_mut().zip(dy).zip(weights);
                        sums.for_each(|((sum, &dy), &weight)| *sum = dy.mul_add(weight, *sum));
                    },
                );
            },
        );
    }
}
