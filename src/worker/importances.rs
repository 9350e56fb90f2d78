//! Permutation importances: how much worse a model predicts when one column of the table is permuted. The permutations are those of
//! scikit-learn's `permutation_importance` with the job's seed as `random_state`.

use crate::{
    data::recipe::{CountedRows, Recipe},
    engine::{
        classical::RandomState,
        fit::{FitPlan, Samples, evaluate},
        metric::{Goal, Metric},
        network::Network,
    },
    job::{ColumnImportance, PermutationImportances},
    worker::link::Link,
};
use ndarray::Axis;
use std::ops::Range;

/// Permutations per column.
const REPEATS: usize = 5;

/// Maximum multiply-adds of all predictions: about a second.
const MAX_WORK: u64 = 1 << 31;

/// Maximum multiply-adds between two looks at the stop flag.
const MAX_WORK_AT_ONCE: u64 = 1 << 28;

/// Multiply-adds of a prediction from which it is worth to start threads.
const PARALLEL: u64 = 1 << 23;

/// What a prediction costs beside its rows, in multiply-adds.
const CALL: u64 = 1 << 14;

/// Maximum rows that are predicted.
const MAX_ROWS: usize = 10_000;

/// Fewest rows of a sample.
const MIN_SAMPLE: usize = 20;

/// Feature columns of a table with their places among the columns of the inputs.
pub type Columns = Vec<(String, Vec<Range<usize>>)>;

/// What is measured on which rows.
pub struct Measured<'a> {
    pub metric: &'a str,
    pub goal: Goal,
    pub part: CountedRows,
    pub rows: usize,
    pub seed: u64,
}

/// Which of `rows` rows are predicted for `columns` columns, at `cost` multiply-adds a row: all, or a sample where that would take too
/// long; nothing where a sample would be too small. It depends on nothing but the arguments, so that equal jobs have equal importances.
pub fn sample(rows: usize, columns: usize, cost: u64, seed: u64) -> Option<Vec<usize>> {
    let (calls, cost) = ((columns as u64).saturating_mul(REPEATS as u64).saturating_add(1), cost.max(1));
    let work = MAX_WORK.checked_sub(calls.saturating_mul(CALL))?;
    let max = (work / calls.saturating_mul(cost)).min(MAX_WORK_AT_ONCE / cost);
    let max = usize::try_from(max).unwrap_or(MAX_ROWS).min(MAX_ROWS);
    if rows <= max {
        return Some((0..rows).collect());
    }
    if max < MIN_SAMPLE {
        return None;
    }
    let mut chosen = RandomState::new(low_bits(seed)).choose(rows, max);
    chosen.sort_unstable();
    Some(chosen)
}

/// Measures each of `columns`. `score` is the metric where the cells of some columns are those of other rows, whose positions are in
/// order; nothing where it was stopped or is not defined.
pub fn permute(
    columns: Columns,
    measured: &Measured<'_>,
    mut score: impl FnMut(&[Range<usize>], &[usize]) -> Option<f64>,
) -> Option<PermutationImportances> {
    let natural: Vec<usize> = (0..measured.rows).collect();
    let baseline = score(&[], &natural).filter(|value| value.is_finite())?;
    let seed = RandomState::new(low_bits(measured.seed)).below(1 << 31);
    let of_column = |(column, ranges): (String, Vec<Range<usize>>)| {
        let mut random = RandomState::new(low_bits(seed));
        let (mut shuffled, mut order) = (natural.clone(), natural.clone());
        let mut drops = [0.0; REPEATS];
        for drop in &mut drops {
            random.shuffle(&mut shuffled);
            order = shuffled.iter().filter_map(|row| order.get(*row).copied()).collect();
            let value = score(&ranges, &order)?;
            *drop = match measured.goal {
                Goal::Maximize => baseline - value,
                Goal::Minimize => value - baseline,
            };
        }
        let mean = drops.iter().sum::<f64>() / REPEATS as f64;
        let variance = drops.iter().map(|drop| (drop - mean).powi(2)).sum::<f64>() / REPEATS as f64;
        (mean.is_finite() && variance.is_finite()).then(|| ColumnImportance { column, mean, std: variance.sqrt() })
    };
    Some(PermutationImportances {
        metric: measured.metric.to_owned(),
        baseline,
        rows: measured.part,
        n_rows: measured.rows,
        n_repeats: REPEATS,
        columns: columns.into_iter().map(of_column).collect::<Option<_>>()?,
    })
}

/// The first metric with a direction, with it.
pub fn directed(metrics: &[Metric]) -> Option<(&Metric, Goal)> {
    metrics.iter().find_map(|metric| Some((metric, metric.goal()?)))
}

/// Those of a network on `samples`: by its first metric, or by the loss where it has none or several outputs.
pub fn of_network(
    network: &mut Network<f32>,
    plan: &FitPlan,
    recipe: &Recipe,
    (part, samples): (CountedRows, Samples<'_, f32>),
    link: &Link,
) -> Option<PermutationImportances> {
    let columns = recipe.columns_of_inputs();
    let cost = network.architecture().cost();
    let rows = sample(samples.x.nrows(), columns.len(), cost, plan.seed)?;
    // The bits are those of any number of threads.
    let is_small = cost.saturating_mul(rows.len() as u64) < PARALLEL;
    let plan = &FitPlan { threads: if is_small { 1 } else { plan.threads }, ..plan.clone() };
    let single = match plan.outputs.as_slice() {
        [output] => directed(&output.metrics),
        _ => None,
    };
    let (metric, goal) = single.map_or(("loss".to_owned(), Goal::Minimize), |(metric, goal)| (metric.name(), goal));
    let x = samples.x.select(Axis(0), &rows);
    let y = samples.y.select(Axis(0), &rows);
    let weights = samples.weights.map(|weights| weights.select(Axis(0), &rows));
    let mut permuted = x.clone();
    let measured = Measured { metric: &metric, goal, part, rows: rows.len(), seed: plan.seed };
    permute(columns, &measured, |ranges, order| {
        if link.is_stopping() {
            return None;
        }
        let own = || ranges.iter().flat_map(|range| range.clone());
        for column in own() {
            let cells = order.iter().map(|row| x.get((*row, column)).copied().unwrap_or(f32::NAN));
            permuted.column_mut(column).iter_mut().zip(cells).for_each(|(cell, value)| *cell = value);
        }
        let weights = weights.as_ref().map(|weights| weights.view());
        let logs = evaluate(network, plan, Samples { x: permuted.view(), y: y.view(), weights });
        own().for_each(|column| permuted.column_mut(column).assign(&x.column(column)));
        logs.into_iter().find_map(|(name, value)| (name == metric).then_some(value))
    })
}

fn low_bits(seed: u64) -> u32 {
    u32::try_from(seed & u64::from(u32::MAX)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The elements of a column of one element.
    fn one(at: usize) -> Vec<Range<usize>> {
        std::iter::once(at..at + 1).collect()
    }

    #[test]
    fn samples_are_bounded_by_the_work() {
        assert_eq!(sample(30, 4, 1000, 0).unwrap(), (0..30).collect::<Vec<_>>());
        let many = sample(1_000_000, 4, 1, 0).unwrap();
        assert_eq!(many.len(), MAX_ROWS);
        assert!(many.is_sorted_by(|a, b| a < b));
        assert_eq!(many, sample(1_000_000, 4, 1, 0).unwrap());
        assert_ne!(many, sample(1_000_000, 4, 1, 1).unwrap());
        let slow = sample(1_000_000, 28, 100_000, 0).unwrap();
        assert!(slow.len() as u64 * 100_000 * 28 * 5 <= MAX_WORK, "{}", slow.len());
        assert_eq!(sample(1_000_000, 784, 5_000_000, 0), None);
        assert_eq!(sample(10, 1_000_000, 1, 0), None);
    }

    #[test]
    fn permutations_are_those_of_scikit_learn() {
        // `permutation_importance` of scikit-learn 1.9.1 with `n_repeats=5, random_state=7` of a regressor that predicts
        // column 0, scored by the mean squared error, on 6 rows.
        let x: [[f64; 2]; 6] = [[0.0, 1.0], [1.0, 1.0], [2.0, 0.0], [3.0, 5.0], [4.0, 2.0], [5.0, 0.5]];
        let columns = vec![("a".to_owned(), one(0)), ("b".to_owned(), one(1))];
        let measured =
            Measured { metric: "mse", goal: Goal::Minimize, part: CountedRows::Validation, rows: 6, seed: 7 };
        let found = permute(columns, &measured, |ranges, order| {
            let cell = |row: usize| if ranges.contains(&(0..1)) { x[order[row]][0] } else { x[row][0] };
            Some((0..6).map(|row| (cell(row) - x[row][0]).powi(2)).sum::<f64>() / 6.0)
        });
        let found = found.unwrap();
        assert_eq!((found.baseline, found.n_rows, found.n_repeats), (0.0, 6, 5));
        let [a, b] = found.columns.as_slice() else { panic!() };
        assert!((a.mean - 5.2).abs() < 1e-12 && (a.std - 1.820_866_704_499_688_7).abs() < 1e-12, "{a:?}");
        assert_eq!((b.mean, b.std), (0.0, 0.0));
    }

    #[test]
    fn what_is_stopped_or_not_finite_has_none() {
        let columns = || vec![("a".to_owned(), one(0))];
        let measured = Measured { metric: "loss", goal: Goal::Minimize, part: CountedRows::Training, rows: 3, seed: 0 };
        assert_eq!(permute(columns(), &measured, |ranges, _| ranges.is_empty().then_some(1.0)), None);
        assert_eq!(permute(columns(), &measured, |_, _| Some(f64::NAN)), None);
    }
}
