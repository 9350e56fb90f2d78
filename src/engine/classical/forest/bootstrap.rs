//! Bootstrap samples, drawn as scikit-learn draws them.

use crate::engine::classical::{FitError, RandomState, Share, check_cancel, numpy_sum::numpy_sum, row_draws::RowDraws};
use std::sync::atomic::AtomicBool;

/// Draws between two looks at the cancel flag.
const BLOCK: usize = 1 << 16;

/// How the rows of a tree are drawn.
pub(super) struct Bootstrap {
    draws: usize,
    source: RowDraws,
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
        Self { draws, source: RowDraws::new(rows, weights) }
    }

    /// How often each row is drawn with this seed.
    pub(super) fn counts(&self, seed: u32, cancel: &AtomicBool) -> Result<Vec<f64>, FitError> {
        let mut random = RandomState::new(seed);
        let mut counts = vec![0.0; self.source.rows()];
        for draw in 0..self.draws {
            if draw % BLOCK == 0 {
                check_cancel(cancel)?;
            }
            let row = self.source.draw(&mut random);
            counts[row] += 1.0;
        }
        Ok(counts)
    }
}
