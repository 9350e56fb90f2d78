//! [`Comparison`]: the values of the models of a leaderboard, row by row, and what they show.

use super::bootstrap::{Draws, mean};
use crate::{
    engine::classical::ClassicalModel,
    job::{ComparedRows, Finding, Leaderboard, LeaderboardEntry, LeaderboardMetric, SkippedBaseline},
    worker::classical_rows::{Rows, Targets},
};
use serde_json::Value;
use std::time::Duration;

/// Rows below which no difference is claimed.
const MIN_ROWS: usize = 10;
/// The baseline that ignores the features: better than that is no proof that a model is the right one.
const DUMMY: &str = "dummy";

/// The model of the job.
pub struct OwnModel {
    /// `None` for a network.
    pub model: Option<ClassicalModel>,
    /// The class, as an index into `labels`, or the number that it says of each compared row.
    pub points: Vec<f64>,
    pub labels: Vec<Value>,
    pub fit: Duration,
    pub predict: Duration,
    pub bytes: u64,
}

impl OwnModel {
    /// `network`, or its type.
    fn name(&self) -> &str {
        self.model.as_ref().map_or("network", ClassicalModel::kind)
    }
}

/// A model with the value of each row: 1 where the class is right, or the squared error.
struct Candidate {
    entry: LeaderboardEntry,
    rows: Vec<f64>,
}

/// The models that are compared.
pub struct Comparison {
    own: OwnModel,
    models: Vec<Candidate>,
    pub skipped: Vec<SkippedBaseline>,
    /// Of those that are skipped the ones whose fit did not end.
    pub left_out: Vec<String>,
    metric: LeaderboardMetric,
    part: ComparedRows,
    rows: usize,
    /// The class of each row, where classes are compared.
    classes: Vec<u32>,
}

/// Of each row 1 where the class is right and 0 where not, or the squared error.
fn scores(points: &[f64], targets: &Targets) -> Vec<f64> {
    match targets {
        Targets::Classes(codes) => {
            let is_right = |(point, code): (&f64, &u32)| f64::from(u8::from(*point == f64::from(*code)));
            points.iter().zip(codes).map(is_right).collect()
        }
        Targets::Values(values) => points.iter().zip(values).map(|(point, value)| (point - value).powi(2)).collect(),
    }
}

impl Comparison {
    pub fn new(own: OwnModel, metric: LeaderboardMetric, part: ComparedRows, rows: usize) -> Self {
        let (models, skipped, left_out, classes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { own, models, skipped, left_out, metric, part, rows, classes }
    }

    /// Whether no model is added.
    pub fn is_empty(&self) -> bool {
        self.models.is_empty()
    }

    /// Adds the job's own model. Its classes are places in its own labels, those of `compared` in `labels`.
    pub fn add_own(&mut self, compared: &Rows, labels: &[Value], is_imbalanced: bool) {
        let place = |point: &f64| {
            let label = self.own.labels.get(*point as usize);
            label
                .and_then(|label| labels.iter().position(|other| other == label))
                .map_or(f64::NAN, |place| place as f64)
        };
        let rows = match &compared.targets {
            Targets::Classes(codes) => {
                let rows = scores(&self.own.points.iter().map(place).collect::<Vec<_>>(), &compared.targets);
                self.classes.clone_from(codes);
                rows
            }
            Targets::Values(_) => scores(&self.own.points, &compared.targets),
        };
        if self.metric == LeaderboardMetric::Accuracy && is_imbalanced {
            self.metric = LeaderboardMetric::BalancedAccuracy;
        }
        let (name, times, bytes) = (self.own.name().to_owned(), [self.own.fit, self.own.predict], self.own.bytes);
        self.push(name, true, rows, times, bytes);
    }

    /// Adds a baseline.
    pub fn add(&mut self, name: &str, points: &[f64], targets: &Targets, times: [Duration; 2], bytes: u64) {
        self.push(name.to_owned(), false, scores(points, targets), times, bytes);
    }

    fn push(&mut self, model: String, is_job: bool, rows: Vec<f64>, [fit, predict]: [Duration; 2], bytes: u64) {
        let entry = LeaderboardEntry {
            model,
            is_job,
            value: f64::NAN,
            low: f64::NAN,
            high: f64::NAN,
            fit_seconds: fit.as_secs_f64(),
            predict_seconds: predict.as_secs_f64(),
            bytes,
        };
        self.models.push(Candidate { entry, rows });
    }

    /// The models in order, best first.
    pub fn leaderboard(self, seed: u64) -> Option<Leaderboard> {
        let rows = self.rows;
        if rows == 0 || self.models.iter().any(|model| model.rows.len() != rows) {
            return None;
        }
        let metric = self.metric;
        let statistic = |mean: f64| if metric == LeaderboardMetric::RootMeanSquaredError { mean.sqrt() } else { mean };
        let classes: &[u32] = if metric == LeaderboardMetric::BalancedAccuracy { &self.classes } else { &[] };
        let values: Vec<Vec<f64>> = self.models.iter().map(|model| model.rows.clone()).collect();
        let draws = Draws::new(&values, classes, seed);
        let mut entries: Vec<(usize, LeaderboardEntry)> = Vec::with_capacity(values.len());
        for (index, (model, values)) in self.models.into_iter().zip(&values).enumerate() {
            let value = statistic(mean(values, classes));
            let (low, high) = draws.interval(index, statistic);
            if ![value, low, high].iter().all(|number| number.is_finite()) {
                return None;
            }
            entries.push((index, LeaderboardEntry { value, low, high, ..model.entry }));
        }
        let higher_is_better = metric.higher_is_better();
        let sign = if higher_is_better { -1.0 } else { 1.0 };
        entries.sort_by(|(_, a), (_, b)| (sign * a.value).total_cmp(&(sign * b.value)));
        let job = entries.iter().find(|(_, entry)| entry.is_job);
        let best = entries.iter().find(|(_, entry)| !entry.is_job);
        let is_one_class = self.classes.first().is_some_and(|first| self.classes.iter().all(|class| class == first));
        let finding = job.zip(best).map_or(Finding::NoVerdict, |((job, _), (best, _))| {
            let (low, high) = draws.difference(*job, *best, statistic);
            let (low, high) = if higher_is_better { (low, high) } else { (-high, -low) };
            match rows >= MIN_ROWS && !is_one_class {
                true if low > 0.0 => Finding::JobIsBetter,
                true if high < 0.0 => Finding::BaselineIsBetter,
                _ => Finding::NoDifference,
            }
        });
        let has_dummy_alone = entries.iter().all(|(_, entry)| entry.is_job || entry.model == DUMMY);
        let finding =
            if has_dummy_alone && finding != Finding::BaselineIsBetter { Finding::NoVerdict } else { finding };
        let mut leaderboard = Leaderboard {
            metric,
            higher_is_better,
            part: self.part,
            rows: rows as u64,
            entries: entries.into_iter().map(|(_, entry)| entry).collect(),
            skipped: self.skipped,
            finding,
            sentence: String::new(),
        };
        leaderboard.sentence = leaderboard.describe(&self.left_out);
        Some(leaderboard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use LeaderboardMetric::{Accuracy, BalancedAccuracy, RootMeanSquaredError};

    const ROWS: usize = 200;

    fn comparison(metric: LeaderboardMetric, own: &[f64]) -> Comparison {
        let of_job = OwnModel {
            model: None,
            points: Vec::new(),
            labels: Vec::new(),
            fit: Duration::ZERO,
            predict: Duration::ZERO,
            bytes: 0,
        };
        let mut comparison = Comparison::new(of_job, metric, ComparedRows::Test, ROWS);
        push(&mut comparison, "network", true, own);
        comparison
    }

    fn push(comparison: &mut Comparison, name: &str, is_job: bool, rows: &[f64]) {
        let rows = rows.iter().copied().cycle().take(ROWS).collect();
        comparison.push(name.to_owned(), is_job, rows, [Duration::ZERO; 2], 0);
    }

    /// A comparison of the job's model with one baseline.
    fn compared(own: &[f64], other: &[f64], metric: LeaderboardMetric) -> Leaderboard {
        let mut comparison = comparison(metric, own);
        push(&mut comparison, "ridge", false, other);
        comparison.leaderboard(1).unwrap()
    }

    #[test]
    fn a_higher_accuracy_and_a_lower_error_are_better() {
        let (always, often) = ([1.0; 2], [1.0, 0.0]);
        assert_eq!(compared(&always, &often, Accuracy).finding, Finding::JobIsBetter);
        assert_eq!(compared(&often, &always, Accuracy).finding, Finding::BaselineIsBetter);
        assert_eq!(compared(&often, &always, RootMeanSquaredError).finding, Finding::JobIsBetter);
        assert_eq!(compared(&always, &often, RootMeanSquaredError).finding, Finding::BaselineIsBetter);
        assert_eq!(compared(&often, &often, RootMeanSquaredError).finding, Finding::NoDifference);
    }

    #[test]
    fn the_error_is_a_root_and_the_best_is_first() {
        let board = compared(&[4.0], &[9.0], RootMeanSquaredError);
        let values: Vec<(&str, f64)> = board.entries.iter().map(|it| (it.model.as_str(), it.value)).collect();
        assert_eq!(values, [("network", 2.0), ("ridge", 3.0)]);
    }

    #[test]
    fn a_balanced_accuracy_is_that_of_the_classes() {
        // The job says the largest of two classes, 9 of 10 rows; the other is right in 8 of 10 rows of each class.
        let classes: Vec<u32> = (0..ROWS as u32).map(|row| u32::from(row % 10 == 0)).collect();
        let own: Vec<f64> = classes.iter().map(|class| f64::from(1 - class)).collect();
        let other: Vec<f64> = (0..ROWS).map(|row| f64::from(u8::from(row / 10 % 5 > 0))).collect();
        let board = |metric| {
            let mut comparison = comparison(metric, &own);
            comparison.classes.clone_from(&classes);
            push(&mut comparison, "ridge", false, &other);
            comparison.leaderboard(1).unwrap()
        };
        assert_eq!(board(Accuracy).entries[0].model, "network");
        let balanced = board(BalancedAccuracy);
        let values: Vec<(&str, f64)> = balanced.entries.iter().map(|it| (it.model.as_str(), it.value)).collect();
        assert_eq!((values, balanced.finding), (vec![("ridge", 0.8), ("network", 0.5)], Finding::BaselineIsBetter));
    }

    #[test]
    fn there_is_no_verdict_without_a_baseline_that_learns() {
        let board = |own: &[f64]| {
            let mut comparison = comparison(Accuracy, own);
            push(&mut comparison, DUMMY, false, &[1.0, 0.0]);
            comparison.left_out = vec!["ridge".to_owned()];
            comparison.leaderboard(1).unwrap()
        };
        let better = board(&[1.0]);
        assert_eq!(better.finding, Finding::NoVerdict);
        assert!(better.sentence.ends_with("left out: ridge"), "{}", better.sentence);
        assert_eq!(board(&[1.0, 0.0]).finding, Finding::NoVerdict);
        assert_eq!(board(&[0.0]).finding, Finding::BaselineIsBetter, "worse than one that ignores the features");
        let mut nothing = comparison(Accuracy, &[1.0]);
        nothing.models.clear();
        let nothing = nothing.leaderboard(1).unwrap();
        assert_eq!((nothing.finding, nothing.entries.len(), nothing.rows), (Finding::NoVerdict, 0, ROWS as u64));
    }
}
