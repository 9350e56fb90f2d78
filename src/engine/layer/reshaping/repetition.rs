//! Elements that are repeated along two axes.

use crate::engine::{kernel, real::Real};

/// An image [height, width, channels] of which each pixel is repeated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Repetition {
    /// Pixels of a line.
    pub width: usize,
    /// Elements of a pixel.
    pub channels: usize,
    /// How often along height and width.
    pub times: [usize; 2],
}

impl Repetition {
    /// Repeats the pixels of each image.
    pub fn forward<F: Real>(&self, x: &[F], y: &mut [F]) {
        let Self { width, channels, times: [down, across] } = *self;
        let line = width * across * channels;
        for (x, y) in x.chunks_exact(width * channels).zip(y.chunks_exact_mut(down * line)) {
            let (first, others) = y.split_at_mut(line);
            for (x, y) in x.chunks_exact(channels).zip(first.chunks_exact_mut(across * channels)) {
                y.chunks_exact_mut(channels).for_each(|y| y.copy_from_slice(x));
            }
            others.chunks_exact_mut(line).for_each(|y| y.copy_from_slice(first));
        }
    }

    /// Adds up the gradients of each pixel's repetitions.
    pub fn backward<F: Real>(&self, dy: &[F], dx: &mut [F]) {
        let Self { width, channels, times: [down, across] } = *self;
        let line = width * across * channels;
        dx.fill(F::ZERO);
        for (dx, dy) in dx.chunks_exact_mut(width * channels).zip(dy.chunks_exact(down * line)) {
            for dy in dy.chunks_exact(line) {
                for (dx, dy) in dx.chunks_exact_mut(channels).zip(dy.chunks_exact(across * channels)) {
                    dy.chunks_exact(channels).for_each(|dy| kernel::add(dy, dx));
                }
            }
        }
    }
}
