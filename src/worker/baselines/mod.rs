//! The baselines of a job: fitted after its model on the same rows, and compared with it.

mod bootstrap;
mod comparison;

use crate::{
    data::{named::PerOutput, schema::Column, table::Table},
    engine::{
        classical::{ClassicalModel, FitError, Run},
        spec::Limits,
    },
    job::{
        ComparedRows, Dataset, Job, Leaderboard, LeaderboardMetric, SkippedBaseline,
        resolve::{Baseline, Compared, Resolved, TableView, baselines},
    },
    worker::{
        classical_rows::{Plan, Targets, predict, prepare_rows},
        link::Link,
        prepare::{BaselineInputs, Input, Parts, PrepareError, read, read_parts},
    },
};
use comparison::Comparison;
pub use comparison::OwnModel;
use std::{
    collections::BTreeMap,
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
/// How many times the rows of the smallest class the largest one may have where plain accuracy is compared.
const MAX_IMBALANCE: usize = 3;

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
    let compared = Compared {
        target: &job.target,
        features: &job.features,
        task: &job.task,
        split,
        preprocessing: &job.preprocessing,
        training: &job.training,
        model: own.model.as_ref(),
    };
    let candidates = baselines(compared, view(&dataset), of_validation.as_ref().map(view), limits);
    let shared = job.training.shared();
    let weighs_classes = shared.class_weight.is_some()
        || shared.oversampling
        || own.model.as_ref().is_some_and(ClassicalModel::balances_classes);
    let metric = match &job.task {
        PerOutput::One(task) if task.learns_numbers() => LeaderboardMetric::RootMeanSquaredError,
        _ if weighs_classes => LeaderboardMetric::BalancedAccuracy,
        _ => LeaderboardMetric::Accuracy,
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.max(1)).build().ok()?;
    let max_bytes = job.summary.map_or(0, |summary| summary.memory.peak_bytes);
    let rows = &tables.parts.rows;
    let (part, rows) = match (rows.test.len(), &tables.validation) {
        (0, Some((table, _))) => (ComparedRows::Validation, table.rows),
        (0, None) => (ComparedRows::Validation, rows.validation.len()),
        (test, _) => (ComparedRows::Test, test),
    };
    let mut comparison = Comparison::new(own, metric, part, rows);
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
            let is_planned = plan.is_ok();
            let fitted = plan.and_then(|(model, resolved)| {
                let bytes = resolved.summary.memory.peak_bytes;
                if bytes > max_bytes {
                    return Err(format!("expected at most {max_bytes} bytes of memory, received {bytes}"));
                }
                pool.install(|| fit(name, (&model, &resolved), &fits, &mut comparison))
            });
            if let Err(reason) = fitted {
                comparison.left_out.extend(is_planned.then(|| name.to_owned()));
                comparison.skipped.push(SkippedBaseline { model: name.to_owned(), reason });
            }
        }
        is_done.store(true, Ordering::Relaxed);
        watch.thread().unpark();
    });
    if link.is_stopping() {
        return None;
    }
    comparison.leaderboard(shared.seed)
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
    let compared = prepared.test.as_ref().or(prepared.validation.as_ref());
    let compared = compared.ok_or("expected validation or test rows")?;
    let data = prepared.training.data(prepared.task).map_err(explain)?;
    let seed = u32::try_from(plan.training.seed & u64::from(u32::MAX)).unwrap_or_default();
    let fitted = model.fit(
        &data,
        &mut Run { seed, cancel: flag, finish: &AtomicBool::new(false), progress: &mut |_| {}, validation: None },
    );
    let fitted = fitted.map_err(explain)?;
    let fit_time = began.elapsed();
    let began = Instant::now();
    let points = predict(&*fitted, &compared.matrix, flag, &|| flag.load(Ordering::Relaxed)).map_err(explain)?.points();
    let predict_time = began.elapsed();
    if comparison.is_empty() {
        comparison.add_own(compared, prepared.recipe.labels(), is_imbalanced(&prepared.training.targets));
    }
    let bytes = fitted.arrays().bytes();
    comparison.add(name, &points, &compared.targets, [fit_time, predict_time], bytes);
    Ok(())
}

/// Whether a model that says the largest class may be right more often than one that knows the others.
fn is_imbalanced(targets: &Targets) -> bool {
    let Targets::Classes(codes) = targets else { return false };
    let mut rows = BTreeMap::new();
    codes.iter().for_each(|code| *rows.entry(code).or_insert(0_usize) += 1);
    let (least, most) = (rows.values().min(), rows.values().max());
    least.zip(most).is_some_and(|(least, most)| *most > MAX_IMBALANCE * least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_imbalanced_where_the_largest_has_more_than_three_times_the_rows_of_the_smallest() {
        let of = |rows: [usize; 3]| {
            let codes = (0..).zip(rows).flat_map(|(code, rows)| std::iter::repeat_n(code, rows));
            is_imbalanced(&Targets::Classes(codes.collect()))
        };
        assert_eq!([of([30, 10, 0]), of([31, 10, 0]), of([10, 10, 10]), of([20, 20, 5])], [false, true, false, true]);
        assert!(!is_imbalanced(&Targets::Values(vec![1.0; 9])));
    }
}
