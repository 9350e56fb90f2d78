//! Distances.

use crate::engine::classical::numeric::points::LANES;

/// A metric. Distances are compared in a reduced form that is cheaper: squares, or powers of `p`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Distance {
    /// Σ |x - y|
    Manhattan,
    /// (Σ (x - y)²)^(1/2)
    Euclidean,
    /// max |x - y|
    Chebyshev,
    /// (Σ |x - y|^p)^(1/p)
    Minkowski(f64),
}

impl Distance {
    /// Adds the difference of one column to a reduced distance.
    #[inline(always)]
    pub(super) fn add(self, sum: f64, difference: f64) -> f64 {
        match self {
            Self::Manhattan => sum + difference.abs(),
            Self::Euclidean => sum + difference * difference,
            Self::Chebyshev => sum.max(difference.abs()),
            Self::Minkowski(p) => sum + difference.abs().powf(p),
        }
    }

    /// The reduced distance of two rows.
    #[inline(always)]
    pub(super) fn reduced(self, x: &[f64], y: &[f64]) -> f64 {
        x.iter().zip(y).fold(0.0, |sum, (x, y)| self.add(sum, x - y))
    }

    /// The distance of a reduced distance.
    pub(super) fn whole(self, reduced: f64) -> f64 {
        match self {
            Self::Manhattan | Self::Chebyshev => reduced,
            Self::Euclidean => reduced.sqrt(),
            Self::Minkowski(p) => reduced.powf(1.0 / p),
        }
    }

    /// The reduced distance of a distance.
    pub(super) fn reduce(self, distance: f64) -> f64 {
        match self {
            Self::Manhattan | Self::Chebyshev => distance,
            Self::Euclidean => distance * distance,
            Self::Minkowski(p) => distance.powf(p),
        }
    }

    /// The reduced distances of a row to the rows of a block.
    #[inline(always)]
    pub(super) fn to_block(self, block: &[[f64; LANES]], x: &[f64]) -> [f64; LANES] {
        let mut sums = [0.0; LANES];
        for (lanes, &x) in block.iter().zip(x) {
            for lane in 0..LANES {
                sums[lane] = self.add(sums[lane], x - lanes[lane]);
            }
        }
        sums
    }
}
