//! [`Moments`].

/// Count, mean and variance of numbers that come one by one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Moments {
    /// Number of elements.
    pub count: f64,
    /// Their mean.
    pub mean: f64,
    /// The sum of their squared distances from the mean.
    squares: f64,
}

impl Moments {
    pub(crate) fn add(&mut self, x: f64) {
        self.count += 1.0;
        let before = x - self.mean;
        self.mean += before / self.count;
        self.squares += before * (x - self.mean);
    }

    /// The mean squared distance from the mean.
    pub fn variance(&self) -> f64 {
        self.squares / self.count
    }
}
