//! The losses of an epoch: the whole one is the mean over rows, and that of an output the mean over batches, whatever rows
//! each has, as Keras reports them.

use super::FitPlan;

/// Sums of an epoch's losses.
pub(super) struct Losses {
    /// The whole loss, and each trained output's where there are several.
    sums: Vec<f64>,
    rows: usize,
    batches: usize,
}

impl Losses {
    pub fn new(plan: &FitPlan) -> Self {
        let outputs = plan.trained().count();
        Self { sums: vec![0.0; if outputs > 1 { 1 + outputs } else { 1 }], rows: 0, batches: 0 }
    }

    pub fn reset(&mut self) {
        self.sums.fill(0.0);
        self.rows = 0;
        self.batches = 0;
    }

    pub fn add(&mut self, loss: f64, of_outputs: impl Iterator<Item = f64>, rows: usize) {
        self.rows += rows;
        self.batches += 1;
        if let Some((sum, sums)) = self.sums.split_first_mut() {
            *sum += loss * rows as f64;
            sums.iter_mut().zip(of_outputs).for_each(|(sum, loss)| *sum += loss);
        }
    }

    pub fn loss(&self) -> f64 {
        self.sums.first().map_or(0.0, |sum| sum / self.rows as f64)
    }

    pub fn means(&self) -> Vec<f64> {
        let of_outputs = self.sums.iter().skip(1).map(|sum| sum / self.batches as f64);
        std::iter::once(self.loss()).chain(of_outputs).collect()
    }
}
