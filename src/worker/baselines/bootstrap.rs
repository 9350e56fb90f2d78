//! Intervals of a mean over rows, and of differences between models, by the bootstrap.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

/// Times that the rows are drawn, up to [`MANY_ROWS`] rows, and above.
const DRAWS: usize = 1000;
const DRAWS_OF_MANY: usize = 200;
const MANY_ROWS: usize = 20_000;

/// Means of each model's rows in each draw of the rows with replacement. Every model sees the same draws, so that differences between
/// models are those on the same rows.
pub struct Draws(Vec<Vec<f64>>);

impl Draws {
    /// `models` are the values of the same rows, one list per model. With `classes`, one per row, a mean is that of the classes' means.
    pub fn new(models: &[Vec<f64>], classes: &[u32], seed: u64) -> Self {
        let rows = models.first().map_or(0, Vec::len);
        let count = if rows > MANY_ROWS { DRAWS_OF_MANY } else { DRAWS };
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut drawn = vec![0_u32; rows];
        let mut means = vec![Vec::with_capacity(count); models.len()];
        for _ in 0..count {
            drawn.fill(0);
            for _ in 0..rows {
                // Multiplication maps a word to a row; with fewer than 2^20 rows its bias is below 2^-12.
                let row = (u64::from(random.next_u32()) * rows as u64) >> 32;
                if let Some(times) = drawn.get_mut(row as usize) {
                    *times += 1;
                }
            }
            for (values, means) in models.iter().zip(&mut means) {
                means.push(mean_of_draw(values, &drawn, classes));
            }
        }
        Self(means)
    }

    /// The 95% interval of `statistic` of a model's mean.
    pub fn interval(&self, model: usize, statistic: impl Fn(f64) -> f64) -> (f64, f64) {
        percentiles(self.of(model).iter().map(|mean| statistic(*mean)).collect())
    }

    /// The 95% interval of the difference of `statistic` between two models.
    pub fn difference(&self, model: usize, other: usize, statistic: impl Fn(f64) -> f64) -> (f64, f64) {
        let pairs = self.of(model).iter().zip(self.of(other));
        percentiles(pairs.map(|(mean, other)| statistic(*mean) - statistic(*other)).collect())
    }

    fn of(&self, model: usize) -> &[f64] {
        self.0.get(model).map_or(&[], Vec::as_slice)
    }
}

/// The mean of the rows, or of the means of their classes where `classes` has one per row.
pub fn mean(values: &[f64], classes: &[u32]) -> f64 {
    mean_of_draw(values, &vec![1; values.len()], classes)
}

/// The same of rows that are drawn so many times. A class without a drawn row does not count.
fn mean_of_draw(values: &[f64], drawn: &[u32], classes: &[u32]) -> f64 {
    let weighted = values.iter().zip(drawn).map(|(value, times)| (value * f64::from(*times), f64::from(*times)));
    if classes.is_empty() {
        return weighted.map(|(value, _)| value).sum::<f64>() / values.len() as f64;
    }
    let mut of_classes: Vec<(f64, f64)> = Vec::new();
    for (class, (value, times)) in classes.iter().zip(weighted) {
        let class = *class as usize;
        if class >= of_classes.len() {
            of_classes.resize(class + 1, (0.0, 0.0));
        }
        if let Some((sum, rows)) = of_classes.get_mut(class) {
            *sum += value;
            *rows += times;
        }
    }
    let present = of_classes.iter().filter(|(_, rows)| *rows > 0.0);
    let (sum, count) = present.fold((0.0, 0.0), |(all, count), (sum, rows)| (all + sum / rows, count + 1.0));
    sum / count
}

/// The 2.5th and the 97.5th percentile.
fn percentiles(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let index = (share * values.len().saturating_sub(1) as f64).round() as usize;
        values.get(index).copied().unwrap_or(f64::NAN)
    };
    (at(0.025), at(0.975))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_a_share_is_that_of_the_binomial_distribution() {
        // 100 rows with share 0.8: standard error 0.04, 95% interval 0.72 to 0.88
        let rows: Vec<f64> = (0..100).map(|row| f64::from(u8::from(row % 5 != 0))).collect();
        let draws = Draws::new(&[rows], &[], 7);
        let (low, high) = draws.interval(0, |mean| mean);
        assert!((0.70..=0.74).contains(&low) && (0.86..=0.90).contains(&high), "{low} to {high}");
    }

    #[test]
    fn a_mean_over_classes_counts_each_class_once() {
        // 90 of 100 rows are of class 0, all right; of class 2 none is.
        let classes: Vec<u32> = (0..100).map(|row| if row % 10 == 0 { 2 } else { 0 }).collect();
        let rows: Vec<f64> = classes.iter().map(|class| f64::from(u8::from(*class == 0))).collect();
        assert_eq!((mean(&rows, &classes), mean(&rows, &[])), (0.5, 0.9));
        let (low, high) = Draws::new(&[rows], &classes, 3).interval(0, |mean| mean);
        assert_eq!((low, high), (0.5, 0.5));
    }

    #[test]
    fn a_model_that_is_better_on_most_rows_differs_though_the_intervals_overlap() {
        let worse: Vec<f64> = (0..200).map(|row| f64::from(row % 10)).collect();
        let better: Vec<f64> = worse.iter().map(|value| value + 0.5).collect();
        let draws = Draws::new(&[worse, better], &[], 1);
        assert!(draws.interval(0, |mean| mean).1 > draws.interval(1, |mean| mean).0);
        let (low, high) = draws.difference(1, 0, |mean| mean);
        assert!(low > 0.49 && high < 0.51, "{low} to {high}");
        let (low, high) = draws.difference(0, 0, |mean| mean);
        assert_eq!((low, high), (0.0, 0.0));
    }
}
