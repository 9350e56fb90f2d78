//! The baselines of a job: fitted after its model on the same rows, and compared with it.

mod bootstrap;

use crate::{
    data::{named::PerOutput, schema::Column, table::Table},
    engine::{
        classical::{ClassicalModel, FitError, Run},
        spec::Limits,
    },
    job::{
        ComparedRows, Dataset, Finding, Job, Leaderboard, LeaderboardEntry, SkippedBaseline,
        resolve::{Baseline, Compared, Resolved, TableView, baselines},
    },
    worker::{
        classical_rows::{Plan, Rows, Targets, predict, prepare_rows},
        link::Link,
        prepare::{BaselineInputs, Input, Parts, PrepareError, read, read_parts},
    },
};
use bootstrap::Draws;
use serde_json::Value;
use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

/// Time that baselines may take in any job; in a longer one they may take [`MAX_SHARE`] of its fit.
const MIN_BUDGET: Duration = Duration::from_secs(1);
const MAX_SHARE: f64 = 0.2;
/// Interval of looks at the time and at the job's cancel.
const LOOK: Duration = Duration::from_millis(10);
/// Why a baseline ends early.
const NO_TIME: &str =
    "expected all baselines to end within a second, or a fifth of the job's own time where that is more";
/// Rows below which no difference is claimed.
const MIN_ROWS: usize = 10;

/// The model of the job.
pub struct OwnModel {
    /// `network`, or its type.
    pub name: String,
    /// The class, as an index into `labels`, or the number that it says of each compared row.
    pub points: Vec<f64>,
    pub labels: Vec<Value>,
    pub fit: Duration,
    pub predict: Duration,
    pub bytes: u64,
}

/// A model with the value of each row: 1 where the class is right, or the squared error.
struct Candidate {
    entry: LeaderboardEntry,
    rows: Vec<f64>,
}

/// Compares `own` with the job's baselines. `None` where the job is stopped, or nothing can be compared.
pub fn leaderboard(
    job: &Job,
    inputs: BaselineInputs,
    own: OwnModel,
    limits: &Limits,
    threads: usize,
    link: &Link,
) -> Option<Leaderboard> {
    let BaselineInputs { data, validation } = inputs;
    let deadline = link.worked() + MIN_BUDGET.max(own.fit.mul_f64(MAX_SHARE));
    let dataset = data.dataset.clone();
    let of_validation = validation.as_ref().map(|input| input.dataset.clone());
    let tables = read_tables(job, data, validation, link).map_err(|error| log(job, &error)).ok()?;
    let split = job.split.as_ref()?;
    let kind = job.training.network().is_none().then_some(own.name.as_str());
    let compared = Compared {
        target: &job.target,
        features: &job.features,
        task: &job.task,
        split,
        preprocessing: &job.preprocessing,
        training: &job.training,
        kind,
    };
    let candidates = baselines(compared, view(&dataset), of_validation.as_ref().map(view), limits);
    let is_regression = matches!(&job.task, PerOutput::One(task) if task.learns_numbers());
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.max(1)).build().ok()?;
    let max_bytes = job.summary.map_or(0, |summary| summary.memory.peak_bytes);
    let mut comparison = Comparison { own, models: Vec::new(), skipped: Vec::new(), part: None };
    let (flag, is_done) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        let watch = scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                if link.is_stopping() || link.worked() > deadline {
                    flag.store(true, Ordering::Relaxed);
                }
                thread::park_timeout(LOOK);
            }
        });
        let fits = Fits { job, columns: &dataset.columns, tables: &tables, flag: &flag };
        for Baseline { name, plan } in candidates {
            // Rests here where the job is paused.
            if link.must_stop() {
                break;
            }
            let fitted = plan.and_then(|(model, resolved)| {
                let bytes = resolved.summary.memory.peak_bytes;
                if bytes > max_bytes {
                    return Err(format!("expected at most {max_bytes} bytes of memory, received {bytes}"));
                }
                pool.install(|| fit(name, (&model, &resolved), &fits, &mut comparison))
            });
            if let Err(reason) = fitted {
                comparison.skipped.push(SkippedBaseline { model: name.to_owned(), reason });
            }
        }
        is_done.store(true, Ordering::Relaxed);
        watch.thread().unpark();
    });
    if link.is_stopping() {
        return None;
    }
    comparison.leaderboard(job.training.shared().seed, is_regression)
}

/// What all baselines share.
struct Fits<'a> {
    job: &'a Job,
    columns: &'a [Column],
    tables: &'a Tables,
    /// Set once the time is over or the job is stopped.
    flag: &'a AtomicBool,
}

/// The rows of a comparison.
struct Tables {
    parts: Parts,
    validation: Option<(Table, String)>,
}

fn read_tables(job: &Job, data: Input, validation: Option<Input>, link: &Link) -> Result<Tables, PrepareError> {
    let parts = read_parts(job, data, validation.is_some(), link)?;
    let validation = match validation {
        Some(input) => {
            let name = input.dataset.name.clone();
            Some((read(input, &parts.names, link)?, name))
        }
        None => None,
    };
    Ok(Tables { parts, validation })
}

fn log(job: &Job, error: &PrepareError) {
    if let PrepareError::Failed(error) = error {
        tracing::warn!(job = %job.id, detail = error.detail, "the job is not compared with baselines");
    }
}

fn view(dataset: &Dataset) -> TableView<'_> {
    TableView { name: &dataset.name, rows: dataset.rows, columns: &dataset.columns }
}

struct Comparison {
    own: OwnModel,
    models: Vec<Candidate>,
    skipped: Vec<SkippedBaseline>,
    part: Option<ComparedRows>,
}

/// Fits and measures one baseline.
fn fit(
    name: &str,
    (model, resolved): (&ClassicalModel, &Resolved),
    fits: &Fits<'_>,
    comparison: &mut Comparison,
) -> Result<(), String> {
    let Fits { job, columns, tables, flag } = *fits;
    if flag.load(Ordering::Relaxed) {
        return Err(NO_TIME.to_owned());
    }
    let began = Instant::now();
    let plan = Plan {
        dataset: &job.dataset,
        columns,
        target: &job.target_columns(),
        features: &resolved.features,
        task: *resolved.task.one().ok_or("expected one task")?,
        applied: &resolved.preprocessing.applied,
        training: resolved.training.shared(),
    };
    let validation = tables.validation.as_ref().map(|(table, name)| (table, name.as_str()));
    let (table, rows) = (&tables.parts.table, &tables.parts.rows);
    let prepared = prepare_rows(&plan, model, table, rows, validation, &|| flag.load(Ordering::Relaxed));
    let prepared = prepared.map_err(|error| match error {
        PrepareError::Stopped => NO_TIME.to_owned(),
        PrepareError::Failed(error) => error.detail,
    })?;
    let explain = |error: FitError| match error {
        FitError::Cancelled => NO_TIME.to_owned(),
        other => other.to_string(),
    };
    let (part, compared) = match (&prepared.test, &prepared.validation) {
        (Some(rows), _) => (ComparedRows::Test, rows),
        (None, Some(rows)) => (ComparedRows::Validation, rows),
        (None, None) => return Err("expected validation or test rows".to_owned()),
    };
    let data = prepared.training.data(prepared.task).map_err(explain)?;
    let seed = u32::try_from(plan.training.seed & u64::from(u32::MAX)).unwrap_or_default();
    let fitted = model.fit(&data, &mut Run { seed, cancel: flag, progress: &mut |_| {}, validation: None });
    let fitted = fitted.map_err(explain)?;
    let fit_time = began.elapsed();
    let began = Instant::now();
    let points = predict(&*fitted, &compared.matrix, flag, &|| flag.load(Ordering::Relaxed)).map_err(explain)?.points();
    let predict_time = began.elapsed();
    comparison.part = Some(part);
    if comparison.models.is_empty() {
        comparison.add_own(compared, prepared.recipe.labels());
    }
    let bytes = fitted.arrays().bytes();
    comparison.add(name, false, scores(&points, &compared.targets), [fit_time, predict_time], bytes);
    Ok(())
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
    /// Adds the job's own model. Its classes are places in its own labels, those of `compared` in `labels`.
    fn add_own(&mut self, compared: &Rows, labels: &[Value]) {
        let place = |point: &f64| {
            let label = self.own.labels.get(*point as usize);
            label
                .and_then(|label| labels.iter().position(|other| other == label))
                .map_or(f64::NAN, |place| place as f64)
        };
        let rows = match &compared.targets {
            Targets::Classes(_) => scores(&self.own.points.iter().map(place).collect::<Vec<_>>(), &compared.targets),
            Targets::Values(_) => scores(&self.own.points, &compared.targets),
        };
        let (name, times, bytes) = (self.own.name.clone(), [self.own.fit, self.own.predict], self.own.bytes);
        self.add(&name, true, rows, times, bytes);
    }

    fn add(&mut self, name: &str, is_job: bool, rows: Vec<f64>, [fit, predict]: [Duration; 2], bytes: u64) {
        let entry = LeaderboardEntry {
            model: name.to_owned(),
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
    fn leaderboard(self, seed: u64, is_regression: bool) -> Option<Leaderboard> {
        let rows = self.models.first()?.rows.len();
        if rows == 0 || self.models.iter().any(|model| model.rows.len() != rows) {
            return None;
        }
        let statistic = |mean: f64| if is_regression { mean.sqrt() } else { mean };
        let values: Vec<Vec<f64>> = self.models.iter().map(|model| model.rows.clone()).collect();
        let draws = Draws::new(&values, seed);
        let mut entries: Vec<(usize, LeaderboardEntry)> = Vec::with_capacity(values.len());
        for (index, (model, values)) in self.models.into_iter().zip(&values).enumerate() {
            let value = statistic(values.iter().sum::<f64>() / rows as f64);
            let (low, high) = draws.interval(index, statistic);
            if ![value, low, high].iter().all(|number| number.is_finite()) {
                return None;
            }
            entries.push((index, LeaderboardEntry { value, low, high, ..model.entry }));
        }
        let sign = if is_regression { 1.0 } else { -1.0 };
        entries.sort_by(|(_, a), (_, b)| (sign * a.value).total_cmp(&(sign * b.value)));
        let job = entries.iter().find(|(_, entry)| entry.is_job)?.0;
        let best = entries.iter().find(|(_, entry)| !entry.is_job)?.0;
        let (low, high) = draws.difference(job, best, statistic);
        let (low, high) = if is_regression { (-high, -low) } else { (low, high) };
        let finding = match rows >= MIN_ROWS {
            true if low > 0.0 => Finding::JobIsBetter,
            true if high < 0.0 => Finding::BaselineIsBetter,
            _ => Finding::NoDifference,
        };
        let mut leaderboard = Leaderboard {
            metric: if is_regression { "root_mean_squared_error" } else { "accuracy" }.to_owned(),
            higher_is_better: !is_regression,
            part: self.part?,
            rows: rows as u64,
            entries: entries.into_iter().map(|(_, entry)| entry).collect(),
            skipped: self.skipped,
            finding,
            sentence: String::new(),
        };
        leaderboard.sentence = leaderboard.describe();
        Some(leaderboard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A comparison of the job's model with one baseline on 200 rows.
    fn compared(own: &[f64], other: &[f64], is_regression: bool) -> Leaderboard {
        let own_model = OwnModel {
            name: "network".to_owned(),
            points: Vec::new(),
            labels: Vec::new(),
            fit: Duration::ZERO,
            predict: Duration::ZERO,
            bytes: 0,
        };
        let part = Some(ComparedRows::Test);
        let mut comparison = Comparison { own: own_model, models: Vec::new(), skipped: Vec::new(), part };
        let rows = |pattern: &[f64]| pattern.iter().copied().cycle().take(200).collect();
        comparison.add("network", true, rows(own), [Duration::ZERO; 2], 0);
        comparison.add("ridge", false, rows(other), [Duration::ZERO; 2], 0);
        comparison.leaderboard(1, is_regression).unwrap()
    }

    #[test]
    fn a_higher_accuracy_and_a_lower_error_are_better() {
        let (always, often) = ([1.0; 2], [1.0, 0.0]);
        assert_eq!(compared(&always, &often, false).finding, Finding::JobIsBetter);
        assert_eq!(compared(&often, &always, false).finding, Finding::BaselineIsBetter);
        assert_eq!(compared(&often, &always, true).finding, Finding::JobIsBetter);
        assert_eq!(compared(&always, &often, true).finding, Finding::BaselineIsBetter);
        assert_eq!(compared(&often, &often, true).finding, Finding::NoDifference);
    }

    #[test]
    fn the_error_is_a_root_and_the_best_is_first() {
        let board = compared(&[4.0], &[9.0], true);
        let values: Vec<(&str, f64)> = board.entries.iter().map(|it| (it.model.as_str(), it.value)).collect();
        assert_eq!(values, [("network", 2.0), ("ridge", 3.0)]);
    }
}
