//! [`EpochLosses`].

use super::FitPlan;

/// The losses of an epoch as Keras reports them: the total is the mean over rows, that of an output the mean over
/// batches.
pub(super) struct EpochLosses {
    /// Of the total loss, and of each trained output's if there are several.
    sums: Vec<f64>,
    rows: usize,
    batches: usize,
}

impl EpochLosses {
    pub fn new(plan: &FitPlan) -> Self {
        let outputs = plan.trained().count();
        Self { sums: vec![0.0; if outputs > 1 { 1 + outputs } else { 1 }], rows: 0, batches: 0 }
    }

    pub fn reset(&mut self) {
        self.sums.fill(0.0);
        self.rows = 0;
        self.batches = 0;
    }

    pub fn add(&mut self, loss: f64, output_losses: impl Iterator<Item = f64>, rows: usize) {
        self.rows += rows;
        self.batches += 1;
        if let Some((sum, sums)) = self.sums.split_first_mut() {
            *sum += loss * rows as f64;
            sums.iter_mut().zip(output_losses).for_each(|(sum, loss)| *sum += loss);
        }
    }

    pub fn loss(&self) -> f64 {
        self.sums.first().map_or(0.0, |sum| sum / self.rows as f64)
    }

    pub fn means(&self) -> Vec<f64> {
        let output_losses = self.sums.iter().skip(1).map(|sum| sum / self.batches as f64);
        std::iter::once(self.loss()).chain(output_losses).collect()
    }
}
