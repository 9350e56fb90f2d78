//! Kernel functions.

use crate::engine::{
    classical::numeric::{
        exp::exp,
        points::{LANES, Points, products},
    },
    kernel::vectorized,
    real::Real,
};

/// A kernel function k(x, y) with its resolved parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Function {
    /// x·y
    Linear,
    /// exp(-gamma ‖x - y‖²)
    Rbf { gamma: f64 },
    /// (gamma x·y + coef0)^degree
    Poly { gamma: f64, coef0: f64, degree: u32 },
    /// tanh(gamma x·y + coef0)
    Sigmoid { gamma: f64, coef0: f64 },
}

/// Points with their squared norms.
#[derive(Debug, Clone)]
pub(crate) struct Normed {
    /// The points.
    pub(crate) points: Points,
    /// x·x of each point, to the end of the last block.
    pub(crate) norms: Vec<f64>,
}

impl Normed {
    /// Computes the norms of `points`, which have `columns` columns.
    pub(crate) fn new(points: Points, columns: usize) -> Self {
        let mut row = vec![0.0; columns];
        let count = points.len().next_multiple_of(LANES);
        let mut norms = vec![0.0; count];
        for (point, norm) in norms.iter_mut().enumerate().take(points.len()) {
            points.copy(point, &mut row);
            *norm = squared_norm(&row);
        }
        Self { points, norms }
    }

    /// Exchanges two points.
    pub(crate) fn swap(&mut self, a: usize, b: usize) {
        self.points.swap(a, b);
        self.norms.swap(a, b);
    }
}

/// x·x, added in the order of the columns as in [`products`].
pub(crate) fn squared_norm(x: &[f64]) -> f64 {
    x.iter().fold(0.0, |sum, &x| x.mul_add(x, sum))
}

impl Function {
    /// Writes k(x, y) for the points y from `first`, a multiple of [`LANES`], on. `norm` is x·x.
    pub(crate) fn row<F: Real>(self, y: &Normed, first: usize, x: &[f64], norm: f64, row: &mut [F]) {
        match self {
            Self::Linear => evaluate(
                y,
                first,
                x,
                row,
                #[inline(always)]
                |product, _| product,
            ),
            Self::Rbf { gamma } => evaluate(
                y,
                first,
                x,
                row,
                #[inline(always)]
                move |product, other| exp(-gamma * (norm + other - 2.0 * product)),
            ),
            Self::Poly { gamma, coef0, degree } => evaluate(
                y,
                first,
                x,
                row,
                #[inline(always)]
                move |product, _| power(gamma * product + coef0, degree),
            ),
            Self::Sigmoid { gamma, coef0 } => evaluate(
                y,
                first,
                x,
                row,
                #[inline(always)]
                move |product, _| tanh(gamma * product + coef0),
            ),
        }
    }

    /// The coefficient `gamma` of a kernel that has one.
    pub(crate) fn gamma(self) -> Option<f64> {
        match self {
            Self::Linear => None,
            Self::Rbf { gamma } | Self::Poly { gamma, .. } | Self::Sigmoid { gamma, .. } => Some(gamma),
        }
    }

    /// k(x, x) for a point with x·x = `norm`.
    pub(crate) fn of_itself(self, norm: f64) -> f64 {
        match self {
            Self::Linear => norm,
            Self::Rbf { .. } => 1.0,
            Self::Poly { gamma, coef0, degree } => power(gamma * norm + coef0, degree),
            Self::Sigmoid { gamma, coef0 } => tanh(gamma * norm + coef0),
        }
    }
}

#[inline(always)]
fn evaluate<F: Real>(y: &Normed, first: usize, x: &[f64], row: &mut [F], function: impl Fn(f64, f64) -> f64) {
    debug_assert!(first.is_multiple_of(LANES));
    let from = first / LANES;
    vectorized(
        #[inline(always)]
        || {
            let blocks = y.points.blocks(from, from + row.len().div_ceil(LANES));
            let norms = y.norms[first..].as_chunks::<LANES>().0;
            for ((block, norms), row) in blocks.zip(norms).zip(row.chunks_mut(LANES)) {
                let mut lanes = products(block, x);
                for lane in 0..LANES {
                    lanes[lane] = function(lanes[lane], norms[lane]);
                }
                if let Some(row) = row.as_mut_array::<LANES>() {
                    for lane in 0..LANES {
                        row[lane] = F::of(lanes[lane]);
                    }
                } else {
                    row.iter_mut().zip(lanes).for_each(|(element, lane)| *element = F::of(lane));
                }
            }
        },
    );
}

/// Powers by repeated squaring.
#[inline(always)]
fn power(base: f64, exponent: u32) -> f64 {
    let (mut result, mut square, mut left) = (1.0, base, exponent);
    while left > 0 {
        if left % 2 == 1 {
            result *= square;
        }
        square *= square;
        left /= 2;
    }
    result
}

/// The hyperbolic tangent, with an absolute error below 3e-16.
#[inline(always)]
fn tanh(x: f64) -> f64 {
    let power = exp(-2.0 * x.abs());
    ((1.0 - power) / (1.0 + power)).copysign(x)
}
