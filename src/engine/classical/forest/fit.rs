//! The fit that both forests share.

use super::bootstrap::Bootstrap;
use crate::engine::{
    classical::{
        ClassWeight, Criterion, FitError, Fitted, Progress, RandomState, Run, Share, Size, Target, Task, TrainingData,
        Unit,
        choices::{expect, only_for_classes},
        tree::{FeatureColumns, FittedTrees, Grower, Nodes, TreeRules, node_bytes, nodes, settings, training_bytes},
    },
    field::FieldError,
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Maximum draws of a tree in those of all rows.
const MAX_FRACTION: f64 = 1000.0;

/// Most trees of a forest.
const MAX_TREES: usize = 1_000_000;

/// Trees that a thread grows between two reports.
const TREES_PER_THREAD: usize = 4;

/// Weights of the classes in a forest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ForestClassWeight {
    /// `rows / (classes * rows of the class)`: every class weighs the same in total.
    Balanced,
    /// The same of the rows that are drawn for a tree.
    BalancedSubsample,
}

/// The settings of a forest.
pub(super) struct ForestRules<'a> {
    pub(super) n_estimators: usize,
    pub(super) bootstrap: bool,
    pub(super) oob_score: bool,
    pub(super) max_samples: Option<Share>,
    pub(super) class_weight: Option<ForestClassWeight>,
    pub(super) random_state: Option<u32>,
    /// The criterion that was chosen, if any.
    pub(super) criterion: Option<Criterion>,
    pub(super) tree: TreeRules<'a>,
}

impl ForestRules<'_> {
    pub(super) fn check(&self) -> Result<(), FieldError> {
        let trees = self.n_estimators;
        expect("/n_estimators", (1..=MAX_TREES).contains(&trees), "1 to 1000000", trees)?;
        match self.max_samples {
            Some(_) if !self.bootstrap => {
                let detail = "expected null where `bootstrap` is false, received a number of rows";
                return Err(FieldError::new("/max_samples", detail));
            }
            Some(Share::Fraction(fraction)) => {
                let accepted = fraction > 0.0 && fraction <= MAX_FRACTION;
                expect("/max_samples", accepted, "a fraction of more than 0.0 to 1000.0", fraction)?;
            }
            Some(Share::Count(count)) => {
                expect("/max_samples", (1..=u32::MAX as usize).contains(&count), "1 to 4294967295", count)?;
            }
            None => {}
        }
        if self.oob_score && !self.bootstrap {
            return Err(FieldError::new("/oob_score", "expected false where `bootstrap` is false, received true"));
        }
        settings::check(&self.tree)
    }

    pub(super) fn check_task(&self, task: Task, columns: usize) -> Result<(), FieldError> {
        only_for_classes("/class_weight", task, self.class_weight.is_some())?;
        settings::check_task(&self.tree, self.criterion, task, columns)
    }

    pub(super) fn model_bytes(&self, size: Size) -> u64 {
        (self.n_estimators as u64).saturating_mul(self.tree_bytes(size))
    }

    fn tree_bytes(&self, size: Size) -> u64 {
        // Draws with replacement leave rows out.
        let draws = match self.max_samples {
            None => 1.0,
            Some(Share::Count(count)) => count as f64 / size.rows.max(1) as f64,
            Some(Share::Fraction(fraction)) => fraction,
        };
        let drawn = if self.bootstrap { size.share(1.0 - (-draws).exp()) } else { size };
        nodes(&self.tree, drawn) * node_bytes(size.task.outputs())
    }

    pub(super) fn memory_bytes(&self, size: Size) -> u64 {
        let threads = size.threads.min(self.n_estimators).max(1);
        let tree = self.tree_bytes(size);
        let outputs = size.task.outputs() as u64;
        let trees = self.model_bytes(size);
        let group = threads * TREES_PER_THREAD;
        training_bytes(size.rows, size.columns, threads)
            .saturating_add(trees)
            .saturating_add(tree * threads as u64)
            .saturating_add(size.rows as u64 * (8 * outputs + if self.oob_score { group as u64 + 8 } else { 0 }))
    }

    pub(super) fn fit(&self, data: &TrainingData<'_>, run: &mut Run<'_>) -> Result<Box<dyn Fitted>, FitError> {
        let task = data.target.task();
        let columns = FeatureColumns::new(&data.features)?;
        let weights = self.row_weights(data);
        let bootstrap = self.bootstrap.then(|| Bootstrap::new(columns.rows(), self.max_samples, weights.as_deref()));
        let grower = Grower::new(self.tree.clone(), &columns, data.target, run.cancel)?;
        let mut random = RandomState::new(self.random_state.unwrap_or(run.seed));
        let seeds: Vec<u32> = (0..self.n_estimators).map(|_| random.seed()).collect();
        let mut validation = Validation::new(run)?;
        let mut out_of_bag = self.oob_score.then(|| OutOfBag::new(columns.rows(), task.outputs()));
        let cancel = run.cancel;
        let grow = |&seed: &u32| -> Result<(Nodes, Option<Vec<bool>>), FitError> {
            let Some(bootstrap) = &bootstrap else { return Ok((grower.grow(weights.as_deref(), seed)?, None)) };
            let mut counts = bootstrap.counts(seed, cancel)?;
            let left_out = self.oob_score.then(|| counts.iter().map(|count| *count == 0.0).collect());
            if let (Some(ForestClassWeight::BalancedSubsample), Target::Classes { codes, n_classes }) =
                (self.class_weight, data.target)
            {
                let by_class = ClassWeight::Balanced.of_classes(codes, n_classes, Some(&counts));
                counts.iter_mut().zip(codes).for_each(|(count, &code)| *count *= by_class[code as usize]);
            }
            Ok((grower.grow(Some(&counts), seed)?, left_out))
        };
        let mut trees = Vec::with_capacity(self.n_estimators);
        for group in seeds.chunks(rayon::current_num_threads() * TREES_PER_THREAD) {
            let grown: Vec<_> = group.par_iter().map(grow).collect::<Result<_, _>>()?;
            let first = trees.len();
            for (tree, left_out) in grown {
                if let (Some(out_of_bag), Some(left_out)) = (&mut out_of_bag, left_out) {
                    out_of_bag.add(&tree, &columns, &left_out);
                }
                trees.push(tree);
            }
            let loss = validation.as_mut().map(|validation| validation.add(&trees[first..], trees.len(), cancel));
            let loss = loss.transpose()?;
            (run.progress)(Progress {
                done: trees.len(),
                total: self.n_estimators,
                unit: Unit::Trees,
                loss: loss.map(|_| loss_name(task)),
                training: None,
                validation: loss,
            });
            if run.is_finishing() {
                break;
            }
        }
        let oob_score = out_of_bag.map(|out_of_bag| out_of_bag.score(data.target));
        Ok(Box::new(FittedTrees { task, columns: columns.count(), trees, ensemble: true, oob_score }))
    }

    /// The weights of the rows, with those of their classes.
    fn row_weights(&self, data: &TrainingData<'_>) -> Option<Vec<f64>> {
        let by_subsample = self.class_weight == Some(ForestClassWeight::BalancedSubsample) && self.bootstrap;
        match (self.class_weight, data.target) {
            (Some(_), Target::Classes { codes, n_classes }) if !by_subsample => {
                let by_class = ClassWeight::Balanced.of_classes(codes, n_classes, data.weights);
                let of_row = |(row, &code): (usize, &u32)| {
                    let weight = by_class[code as usize];
                    data.weights.map_or(weight, |weights| weights[row] * weight)
                };
                Some(codes.iter().enumerate().map(of_row).collect())
            }
            _ => data.weights.map(<[f64]>::to_vec),
        }
    }
}

fn loss_name(task: Task) -> &'static str {
    match task {
        Task::Classification { .. } => "log_loss",
        Task::Regression => "squared_error",
    }
}

/// Sums of the trees' values for rows that are not trained on.
struct Validation<'a> {
    columns: FeatureColumns,
    target: Target<'a>,
    weights: Option<&'a [f64]>,
    sums: Vec<f64>,
}

impl<'a> Validation<'a> {
    fn new(run: &Run<'a>) -> Result<Option<Self>, FitError> {
        let Some(data) = &run.validation else { return Ok(None) };
        let columns = FeatureColumns::new(&data.features)?;
        let sums = vec![0.0; columns.rows() * data.target.task().outputs()];
        Ok(Some(Self { columns, target: data.target, weights: data.weights, sums }))
    }

    /// Adds trees, and returns the loss of the mean of all `count` trees.
    fn add(&mut self, trees: &[Nodes], count: usize, cancel: &std::sync::atomic::AtomicBool) -> Result<f64, FitError> {
        let outputs = self.target.task().outputs();
        FittedTrees::add(trees, &self.columns, outputs, &mut self.sums, cancel)?;
        let (mut loss, mut total) = (0.0, 0.0);
        for (row, sums) in self.sums.chunks_exact(outputs).enumerate() {
            let weight = self.weights.map_or(1.0, |weights| weights[row]);
            loss += weight
                * match self.target {
                    Target::Classes { codes, .. } => {
                        let share = sums[codes[row] as usize] / count as f64;
                        -share.max(f64::EPSILON).ln()
                    }
                    Target::Values(values) => (sums[0] / count as f64 - values[row]).powi(2),
                };
            total += weight;
        }
        Ok(loss / total)
    }
}

/// Predictions of every row by the trees that were grown without it.
struct OutOfBag {
    outputs: usize,
    sums: Vec<f64>,
    trees: Vec<u32>,
}

impl OutOfBag {
    fn new(rows: usize, outputs: usize) -> Self {
        Self { outputs, sums: vec![0.0; rows * outputs], trees: vec![0; rows] }
    }

    fn add(&mut self, tree: &Nodes, columns: &FeatureColumns, left_out: &[bool]) {
        let outputs = self.outputs;
        self.sums.par_chunks_mut(outputs).zip(&mut self.trees).enumerate().for_each(|(row, (sums, trees))| {
            if left_out[row] {
                let value = tree.value(tree.leaf(columns, row));
                sums.iter_mut().zip(value).for_each(|(sum, value)| *sum += value);
                *trees += 1;
            }
        });
    }

    /// Accuracy, or the coefficient of determination.
    fn score(&self, target: Target<'_>) -> f64 {
        let rows = self.trees.len() as f64;
        match target {
            Target::Classes { codes, .. } => {
                let rights = self.sums.chunks_exact(self.outputs).zip(codes).filter(|(sums, code)| {
                    crate::engine::classical::argmax::first_largest(sums.iter().copied()) == **code
                });
                rights.count() as f64 / rows
            }
            Target::Values(values) => {
                let mean = values.iter().sum::<f64>() / rows;
                let (mut residual, mut total) = (0.0, 0.0);
                for ((sum, &trees), value) in self.sums.iter().zip(&self.trees).zip(values) {
                    residual += (value - sum / f64::from(trees.max(1))).powi(2);
                    total += (value - mean).powi(2);
                }
                match (residual == 0.0, total == 0.0) {
                    (true, _) => 1.0,
                    (false, true) => 0.0,
                    (false, false) => 1.0 - residual / total,
                }
            }
        }
    }
}
