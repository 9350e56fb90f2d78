//! Mean, standard deviation and extremes of numbers.

use crate::data::read::numeric::Numeric;

/// Welford's running mean and sum of squared deviations: exact enough where the mean is large beside the deviation.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Moments {
    pub count: u64,
    pub mean: f64,
    squares: f64,
    pub min: Option<Numeric>,
    pub max: Option<Numeric>,
}

impl Moments {
    #[inline]
    pub fn add(&mut self, number: Numeric) {
        let value = number.value;
        self.count += 1;
        let before = value - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (value - self.mean);
        if self.min.is_none_or(|min| number.is_less(&min)) {
            self.min = Some(number);
        }
        if self.max.is_none_or(|max| max.is_less(&number)) {
            self.max = Some(number);
        }
    }

    /// `None` for fewer than two numbers.
    pub fn sample_std(&self) -> Option<f64> {
        (self.count > 1).then(|| (self.squares / (self.count - 1) as f64).sqrt())
    }
}
