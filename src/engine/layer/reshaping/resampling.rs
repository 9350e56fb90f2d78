//! Axes that become longer or shorter, each new place mixed of several old ones.

use crate::engine::real::Real;

/// How much of a place at some distance is in a mixture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Curve {
    /// Falls straight to zero at a distance of 1.
    Triangle,
    /// Keys's, with a slope of -0.5 at 1.
    Keys,
    /// The same, of which TensorFlow knows 1,024 distances between two places.
    Cubic,
    /// Lanczos's of this radius.
    Lanczos(usize),
}

impl Curve {
    fn radius(self) -> usize {
        match self {
            Self::Triangle => 1,
            Self::Keys | Self::Cubic => 2,
            Self::Lanczos(radius) => radius,
        }
    }

    fn weight(self, distance: f64) -> f64 {
        let (x, radius, turn) = (distance.abs(), self.radius() as f64, std::f64::consts::PI * distance);
        match self {
            _ if x > radius => 0.0,
            Self::Triangle => 1.0 - x,
            Self::Keys | Self::Cubic if x <= 1.0 => (1.5 * x - 2.5) * x * x + 1.0,
            Self::Keys | Self::Cubic => ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0,
            Self::Lanczos(_) if x <= 1e-3 => 1.0,
            Self::Lanczos(_) => radius * libm::sin(turn) * libm::sin(turn / radius) / (turn * turn),
        }
    }

    /// The first of the places along an axis of `length` that one at `exact` is mixed of, and the weights from there on; the
    /// curve is `stretch` times as wide, and all places have as many weights.
    pub fn mixed(self, length: usize, exact: f64, stretch: f64) -> (usize, Vec<f64>) {
        let exact = if self == Self::Cubic { (exact * 1024.0).round_ties_even() / 1024.0 } else { exact };
        let reach = self.radius() as f64 * stretch;
        let taps = (2 * reach.ceil() as usize + 1).min(length);
        let first = ((exact - reach).ceil().max(0.0) as usize).min(length - taps);
        let weights: Vec<f64> =
            (first..first + taps).map(|place| self.weight((place as f64 - exact) / stretch)).collect();
        let sum: f64 = weights.iter().sum();
        (first, weights.into_iter().map(|weight| weight / sum).collect())
    }

    /// For each place of an axis that becomes `factor` times as long: the first old place that it is mixed of, and the
    /// weights from there on.
    pub fn tables(self, length: usize, factor: usize) -> [Vec<u32>; 2] {
        let exact = |place: usize| (place as f64 + 0.5) / factor as f64 - 0.5;
        tables((0..length * factor).map(|place| self.mixed(length, exact(place), 1.0)))
    }
}

/// The tables of an [`Axis`]: the first old place of each new one, and as many weights of each, bits of `f32`.
pub(crate) fn tables(places: impl Iterator<Item = (usize, Vec<f64>)>) -> [Vec<u32>; 2] {
    let (mut firsts, mut bits) = (Vec::new(), Vec::new());
    for (first, weights) in places {
        firsts.push(first as u32);
        bits.extend(weights.into_iter().map(|weight| (weight as f32).to_bits()));
    }
    [firsts, bits]
}

/// An image whose lines and columns are mixed, by the tables of both axes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mixture<'a> {
    pub lines: Axis<'a>,
    pub columns: Axis<'a>,
    /// Columns of the image that is mixed.
    pub width: usize,
    pub channels: usize,
}

/// The mixtures along one axis.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Axis<'a> {
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

    /// Adds `value` to each new pixel by as much as its weights leave of 1.
    pub fn fill<F: Real>(&self, value: F, y: &mut [F]) {
        let sum =
            |weights: &mut dyn Iterator<Item = (usize, F)>| weights.fold(F::ZERO, |sum, (_, weight)| sum + weight);
        let lines = y.chunks_exact_mut(self.columns.firsts.len() * self.channels);
        for (y, mut line) in lines.zip(self.lines.places::<F>()) {
            let line = sum(&mut line);
            for (y, mut column) in y.chunks_exact_mut(self.channels).zip(self.columns.places::<F>()) {
                let rest = F::ONE - line * sum(&mut column);
                y.iter_mut().for_each(|y| *y += rest * value);
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
