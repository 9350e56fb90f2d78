//! Bootstrap samples, drawn as scikit-learn draws them.

use crate::engine::classical::{FitError, RandomState, Share, check_cancel, numpy_sum::numpy_sum};
use std::sync::atomic::AtomicBool;

/// Draws between two looks at the cancel flag.
const BLOCK: usize = 1 << 16;

/// How the rows of a tree are drawn.
pub(super) struct Bootstrap {
    rows: usize,
    draws: usize,
    /// Cumulative weights, from which rows are drawn in proportion; `None` draws all alike.
    cumulative: Option<Vec<f64>>,
}

impl Bootstrap {
    /// `max_samples` of `None` draws as many rows as there are.
    pub(super) fn new(rows: usize, max_samples: Option<Share>, weights: Option<&[f64]>) -> Self {
        let draws = match max_samples {
            None => rows,
            Some(Share::Count(count)) => count,
            Some(Share::Fraction(fraction)) => {
                let whole = weights.map_or(rows as f64, numpy_sum);
                ((fraction * whole) as usize).max(1)
            }
        };
        let cumulative = weights.map(|weights| {
            let sum = numpy_sum(weights);
            let mut last = 0.0;
            let mut cumulative: Vec<f64> = weights
                .iter()
                .map(|weight| {
                    last += weight / sum;
                    last
                })
                .collect();
            cumulative.iter_mut().for_each(|it| *it /= last);
            cumulative
        });
        Self { rows, draws, cumulative }
    }

    /// How often each row is drawn with this seed.
    pub(super) fn counts(&self, seed: u32, cancel: &AtomicBool) -> Result<Vec<f64>, FitError> {
        let mut random = RandomState::new(seed);
        let mut counts = vec![0.0; self.rows];
        for draw in 0..self.draws {
            if draw % BLOCK == 0 {
                check_cancel(cancel)?;
            }
            let row = match &self.cumulative {
                None => random.below(self.rows as u64) as usize,
                Some(cumulative) => {
                    let drawn = random.uniform();
                    cumulative.partition_point(|it| *it <= drawn).min(self.rows - 1)
                }
            };
            counts[row] += 1.0;
        }
        Ok(counts)
    }
}
