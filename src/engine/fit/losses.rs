//! The losses of an epoch.

use super::FitPlan;

/// Sums of an epoch's losses.
pub(super) struct Losses {
    /// The whole loss, and each output's where there are several.
    sums: Vec<f64>,
    rows: usize,
}

impl Losses {
    pub fn new(plan: &FitPlan) -> Self {
        let outputs = plan.outputs.len();
        Self { sums: vec![0.0; if outputs > 1 { 1 + outputs } else { 1 }], rows: 0 }
    }

    pub fn reset(&mut self) {
        self.sums.fill(0.0);
        self.rows = 0;
    }

    pub fn add(&mut self, loss: f64, of_outputs: &[f64], rows: usize) {
        self.rows += rows;
        let all = std::iter::once(&loss).chain(of_outputs);
        self.sums.iter_mut().zip(all).for_each(|(sum, loss)| *sum += loss * rows as f64);
    }

    pub fn loss(&self) -> f64 {
        self.sums.first().map_or(0.0, |sum| sum / self.rows as f64)
    }

    pub fn means(&self) -> Vec<f64> {
        self.sums.iter().map(|sum| sum / self.rows as f64).collect()
    }
}
