//! [`RowDraws`]: rows drawn with replacement, as NumPy's `choice` draws them.

use super::{RandomState, numpy_sum::numpy_sum};

/// Rows to draw from.
pub(super) struct RowDraws {
    rows: usize,
    /// Cumulative weights, from which rows are drawn in proportion; `None` draws all alike.
    cumulative: Option<Vec<f64>>,
}

impl RowDraws {
    /// `weights` have a sum of more than 0.
    pub(super) fn new(rows: usize, weights: Option<&[f64]>) -> Self {
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
        Self { rows, cumulative }
    }

    /// The number of rows to draw from.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// The next row.
    pub(super) fn draw(&self, random: &mut RandomState) -> usize {
        match &self.cumulative {
            None => random.below(self.rows as u64) as usize,
            Some(cumulative) => {
                let drawn = random.uniform();
                cumulative.partition_point(|it| *it <= drawn).min(self.rows - 1)
            }
        }
    }
}
