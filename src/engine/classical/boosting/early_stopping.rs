//! [`Patience`]: when a loss has stopped to decrease.

/// The losses of the rounds so far.
pub(super) struct Patience {
    losses: Vec<f64>,
    rounds: usize,
    tolerance: f64,
}

impl Patience {
    pub(super) fn new(rounds: usize, tolerance: f64) -> Self {
        Self { losses: Vec::new(), rounds, tolerance }
    }

    /// Adds the loss of a round; whether none of the last rounds is better than the one before them, by more than the tolerance.
    pub(super) fn is_over(&mut self, loss: f64) -> bool {
        self.losses.push(loss);
        let Some(reference) = self.losses.len().checked_sub(self.rounds + 1) else { return false };
        let reference_score = -self.losses[reference] + self.tolerance;
        !self.losses[reference + 1..].iter().any(|loss| -loss > reference_score)
    }
}
