//! Axes that become longer, each new place mixed of several old ones.

use crate::engine::real::Real;

/// How much of a place at some distance is in a mixture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Curve {
    /// Keys's, with a slope of -0.5 at 1. TensorFlow knows 1,024 distances between two places.
    Cubic,
    /// Lanczos's of this radius.
    Lanczos(usize),
}

impl Curve {
    fn radius(self) -> usize {
        match self {
            Self::Cubic => 2,
            Self::Lanczos(radius) => radius,
        }
    }

    /// Places that one is mixed of, along an axis of `length`.
    fn taps(self, length: usize) -> usize {
        (2 * self.radius() + 1).min(length)
    }

    fn weight(self, distance: f64) -> f64 {
        let (x, radius, turn) = (distance.abs(), self.radius() as f64, std::f64::consts::PI * distance);
        match self {
            _ if x > radius => 0.0,
            Self::Cubic if x <= 1.0 => (1.5 * x - 2.5) * x * x + 1.0,
            Self::Cubic => ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0,
            Self::Lanczos(_) if x <= 1e-3 => 1.0,
            Self::Lanczos(_) => radius * libm::sin(turn) * libm::sin(turn / radius) / (turn * turn),
        }
    }

    /// For each place of an axis that becomes `factor` times as long: the first old place that it is mixed of, and the
    /// weights from there on, bits of `f32`.
    pub fn tables(self, length: usize, factor: usize) -> [Vec<u32>; 2] {
        let (taps, radius) = (self.taps(length), self.radius() as f64);
        let (mut firsts, mut weights) = (Vec::new(), Vec::new());
        for place in 0..length * factor {
            let mut exact = (place as f64 + 0.5) / factor as f64 - 0.5;
            if self == Self::Cubic {
                exact = (exact * 1024.0).round() / 1024.0;
            }
            let first = ((exact - radius).ceil().max(0.0) as usize).min(length - taps);
            let weight = |tap: usize| self.weight((first + tap) as f64 - exact);
            let sum: f64 = (0..taps).map(weight).sum();
            firsts.push(first as u32);
            weights.extend((0..taps).map(|tap| ((weight(tap) / sum) as f32).to_bits()));
        }
        [firsts, weights]
    }
}

/// An image whose lines and columns are mixed, by the tables of both axes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mixture<'a> {
    pub lines: Axis<'a>,
    pub columns: Axis<'a>,
    /// Columns of the smaller image.
    pub width: usize,
    pub channels: usize,
}

/// The mixtures along one axis.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis<'a> {
    firsts: &'a [u32],
    weights: &'a [u32],
}

impl<'a> Axis<'a> {
    pub fn new(firsts: &'a [u32], weights: &'a [u32]) -> Self {
        Self { firsts, weights }
    }

    /// For each new place, the old ones with their weights.
    fn places<F: Real>(self) -> impl Iterator<Item = impl Iterator<Item = (usize, F)>> {
        let taps = self.weights.len() / self.firsts.len();
        self.firsts.iter().zip(self.weights.chunks_exact(taps)).map(|(&first, weights)| {
            weights
                .iter()
                .enumerate()
                .map(move |(tap, &bits)| (first as usize + tap, F::of(f64::from(f32::from_bits(bits)))))
        })
    }
}

impl Mixture<'_> {
    /// Mixes the pixels of one image; `line` is free to overwrite, as long as one of its lines.
    pub fn forward<F: Real>(&self, x: &[F], y: &mut [F], line: &mut [F]) {
        let (cells, channels) = (self.width * self.channels, self.channels);
        let lines = y.chunks_exact_mut(self.columns.firsts.len() * channels);
        for (y, places) in lines.zip(self.lines.places::<F>()) {
            line.fill(F::ZERO);
            places.for_each(|(place, weight)| add(weight, &x[place * cells..][..cells], line));
            y.fill(F::ZERO);
            for (y, places) in y.chunks_exact_mut(channels).zip(self.columns.places::<F>()) {
                places.for_each(|(place, weight)| add(weight, &line[place * channels..][..channels], y));
            }
        }
    }

    /// Writes the gradient of one image, likewise.
    pub fn backward<F: Real>(&self, dy: &[F], dx: &mut [F], line: &mut [F]) {
        let (cells, channels) = (self.width * self.channels, self.channels);
        dx.fill(F::ZERO);
        let lines = dy.chunks_exact(self.columns.firsts.len() * channels);
        for (dy, places) in lines.zip(self.lines.places::<F>()) {
            line.fill(F::ZERO);
            for (dy, places) in dy.chunks_exact(channels).zip(self.columns.places::<F>()) {
                places.for_each(|(place, weight)| add(weight, dy, &mut line[place * channels..][..channels]));
            }
            places.for_each(|(place, weight)| add(weight, line, &mut dx[place * cells..][..cells]));
        }
    }
}

fn add<F: Real>(weight: F, from: &[F], to: &mut [F]) {
    to.iter_mut().zip(from).for_each(|(to, &from)| *to += weight * from);
}
