//! Percentiles as NumPy and scikit-learn compute them. All take ascending numbers, and at least one.

/// The fraction `q` by linear interpolation: `numpy.percentile(…, 100 q)`.
pub(super) fn linear(sorted: &[f64], q: f64) -> f64 {
    let at = q * (sorted.len() - 1) as f64;
    let below = (at.floor() as usize).min(sorted.len() - 1);
    let above = (below + 1).min(sorted.len() - 1);
    interpolate(sorted[below], sorted[above], at - at.floor())
}

/// NumPy's interpolation, from the nearer end.
fn interpolate(a: f64, b: f64, t: f64) -> f64 {
    if t >= 0.5 { b - (b - a) * (1.0 - t) } else { a + (b - a) * t }
}

/// `numpy.median`.
pub(super) fn median(sorted: &[f64]) -> f64 {
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[half] } else { (sorted[half - 1] + sorted[half]) / 2.0 }
}

/// `numpy.percentile` with the method `averaged_inverted_cdf`, at the fraction `q`.
pub(super) fn averaged_inverted_cdf(sorted: &[f64], q: f64) -> f64 {
    let at = sorted.len() as f64 * q - 1.0;
    let last = sorted.len() - 1;
    if at < 0.0 {
        return sorted[0];
    }
    let below = (at.floor() as usize).min(last);
    let above = (below + 1).min(last);
    if at > at.floor() { sorted[above] } else { interpolate(sorted[below], sorted[above], 0.5) }
}

/// Ascending numbers with their cumulative weights.
pub(super) struct Weighted<'a> {
    sorted: &'a [f64],
    weights: &'a [f64],
    cumulative: Vec<f64>,
}

impl<'a> Weighted<'a> {
    pub(super) fn new(sorted: &'a [f64], weights: &'a [f64]) -> Self {
        let mut sum = 0.0;
        let add = |weight: &f64| {
            sum += weight;
            sum
        };
        Self { sorted, weights, cumulative: weights.iter().map(add).collect() }
    }

    /// scikit-learn's `_weighted_percentile` at `rank` of 100. Where the weight up to a number is exactly the wanted one,
    /// `average` takes the mean with the next.
    pub(super) fn percentile(&self, rank: f64, average: bool) -> f64 {
        let last = self.sorted.len() - 1;
        let mut wanted = rank / 100.0 * self.cumulative[last];
        if wanted == 0.0 {
            wanted = f64::from_bits(1);
        }
        let at = self.cumulative.partition_point(|sum| *sum < wanted).min(last);
        if !average || self.cumulative[at] - wanted > f64::EPSILON {
            return self.sorted[at];
        }
        let mut next = (at + 1).min(last);
        if self.weights[next] == 0.0 {
            next = self.cumulative.partition_point(|sum| *sum <= self.cumulative[at]);
            if next > last {
                next = at;
            }
        }
        (self.sorted[at] + self.sorted[next]) / 2.0
    }
}

/// Numbers, ascending, with their weights.
pub(super) fn sort_with_weights(numbers: &[f64], weights: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let mut both: Vec<(f64, f64)> = numbers.iter().copied().zip(weights.iter().copied()).collect();
    both.sort_by(|a, b| a.0.total_cmp(&b.0));
    both.into_iter().unzip()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NumPy 2.4.6 and scikit-learn 1.9.1 on `[1, 2, 4, 8, 16]` and its first four.
    #[test]
    fn percentiles_are_those_of_numpy() {
        let numbers = [1.0, 2.0, 4.0, 8.0, 16.0];
        assert_eq!(linear(&numbers, 0.3), 2.4);
        assert_eq!((median(&numbers), median(&numbers[..4])), (4.0, 3.0));
        assert_eq!(averaged_inverted_cdf(&numbers, 0.4), 3.0);
        assert_eq!(averaged_inverted_cdf(&numbers, 0.5), 4.0);
        assert_eq!(averaged_inverted_cdf(&numbers, 0.1), 1.0);
        let weights = [1.0, 1.0, 0.0, 2.0, 1.0];
        let weighted = Weighted::new(&numbers, &weights);
        assert_eq!(weighted.percentile(40.0, true), 5.0);
        assert_eq!(weighted.percentile(40.0, false), 2.0);
        assert_eq!(weighted.percentile(50.0, true), 8.0);
    }
}
