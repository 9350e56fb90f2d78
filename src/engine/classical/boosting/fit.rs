//! [`fit`]: the rounds of boosting.

use super::{
    bins::{BinnedRows, Binning, ColumnOrder},
    early_stopping::Patience,
    fitted::FittedBoosting,
    generator::Generator,
    grow::Grower,
    grown::{GrowRules, Grown},
    holdout::hold_out,
    loss::Loss,
    nodes::predict_binned,
};
use crate::engine::classical::{
    Features, FitError, Progress, RandomState, Run, Share, Target, TrainingData, Unit, check_cancel,
};
use rayon::prelude::*;
use std::sync::atomic::AtomicBool;

/// Rows whose gradients are computed at once.
const BLOCK: usize = 1 << 13;

/// The settings of a fit, resolved for its data.
pub(super) struct BoostingRules {
    pub(super) grow: GrowRules,
    pub(super) loss: Loss,
    pub(super) max_iter: usize,
    pub(super) max_bins: usize,
    pub(super) columns: ColumnOrder,
    pub(super) early_stopping: bool,
    /// `None` watches the training rows.
    pub(super) validation_fraction: Option<Share>,
    pub(super) n_iter_no_change: usize,
    pub(super) tol: f64,
    pub(super) seed: u32,
}

/// Rows that are trained on or watched.
struct Part {
    binned: BinnedRows,
    targets: Vec<f64>,
    weights: Option<Vec<f64>>,
    /// Raw predictions, one list per tree of a round.
    raw: Vec<Vec<f64>>,
}

impl Part {
    fn new(
        binning: &Binning,
        features: &Features<'_>,
        rows: &[u32],
        targets: &[f64],
        weights: Option<&[f64]>,
        baseline: &[f64],
        cancel: &AtomicBool,
    ) -> Result<Self, FitError> {
        Ok(Self {
            binned: binning.rows(features, rows, cancel)?,
            targets: pick(targets, rows),
            weights: weights.map(|weights| pick(weights, rows)),
            raw: baseline.iter().map(|first| vec![*first; rows.len()]).collect(),
        })
    }

    /// The mean loss.
    fn loss(&self, loss: Loss, cancel: &AtomicBool) -> Result<f64, FitError> {
        let block = |block: usize| {
            check_cancel(cancel)?;
            let (mut sum, mut total) = (0.0, 0.0);
            let mut raw = vec![0.0; self.raw.len()];
            for row in block * BLOCK..((block + 1) * BLOCK).min(self.targets.len()) {
                raw.iter_mut().zip(&self.raw).for_each(|(raw, of_tree)| *raw = of_tree[row]);
                let weight = self.weights.as_ref().map_or(1.0, |weights| weights[row]);
                sum += weight * loss.loss(self.targets[row], &raw);
                total += weight;
            }
            Ok((sum, total))
        };
        let blocks: Vec<(f64, f64)> =
            (0..self.targets.len().div_ceil(BLOCK)).into_par_iter().map(block).collect::<Result<_, FitError>>()?;
        let (sum, total) = blocks.iter().fold((0.0, 0.0), |all, block| (all.0 + block.0, all.1 + block.1));
        Ok(sum / total)
    }

    /// Adds the values of a tree that was not grown on these rows.
    fn add_tree(&mut self, number: usize, grown: &Grown) {
        let binned = &self.binned;
        self.raw[number].par_chunks_mut(BLOCK).enumerate().for_each(|(block, raw)| {
            for (row, raw) in raw.iter_mut().enumerate() {
                *raw += predict_binned(&grown.tree, binned, block * BLOCK + row, &grown.tests);
            }
        });
    }
}

fn pick(numbers: &[f64], rows: &[u32]) -> Vec<f64> {
    rows.iter().map(|&row| numbers[row as usize]).collect()
}

fn targets_of(target: Target<'_>) -> Vec<f64> {
    match target {
        Target::Classes { codes, .. } => codes.iter().map(|&code| f64::from(code)).collect(),
        Target::Values(values) => values.to_vec(),
    }
}

/// Trains.
pub(super) fn fit(
    rules: &mut BoostingRules,
    data: &TrainingData<'_>,
    weights: Option<&[f64]>,
    run: &mut Run<'_>,
) -> Result<FittedBoosting, FitError> {
    let loss = rules.loss;
    let targets = targets_of(data.target);
    let mut random = RandomState::new(rules.seed);
    let seed = random.below(u64::from(u32::MAX)) as u32;
    let mut features_random = Generator::new(random.below(u64::from(u32::MAX)) as u32);
    let (training, held_out) = divide(rules, data, run.validation.is_some(), seed)?;
    check_cancel(run.cancel)?;
    let weights_training = weights.map(|weights| pick(weights, &training));
    let columns = std::mem::take(&mut rules.columns);
    let binning = Binning::new(
        &data.features,
        &training,
        weights_training.as_deref(),
        columns,
        rules.max_bins,
        seed,
        run.cancel,
    )?;
    check_cancel(run.cancel)?;
    let baseline = loss.baseline(&pick(&targets, &training), weights_training.as_deref());
    let mut train = Part::new(&binning, &data.features, &training, &targets, weights, &baseline, run.cancel)?;
    check_cancel(run.cancel)?;
    let mut watched = match (&run.validation, held_out) {
        (Some(given), _) => {
            let rows: Vec<u32> = (0..given.features.rows() as u32).collect();
            let targets = targets_of(given.target);
            Some(Part::new(&binning, &given.features, &rows, &targets, given.weights, &baseline, run.cancel)?)
        }
        (None, Some(rows)) => {
            Some(Part::new(&binning, &data.features, &rows, &targets, weights, &baseline, run.cancel)?)
        }
        (None, None) => None,
    };
    let is_scored = rules.early_stopping || watched.is_some();
    let mut fitted = FittedBoosting {
        task: data.target.task(),
        loss,
        baseline,
        trees: Vec::new(),
        codes: codes_of(&binning),
        train_score: Vec::new(),
        validation_score: Vec::new(),
    };
    let mut patience = Patience::new(rules.n_iter_no_change, rules.tol);
    let constant_hessian = loss.has_constant_hessian() && train.weights.is_none();
    let binned = std::mem::take(&mut train.binned);
    let mut grower = Grower::new(&rules.grow, &binning, &binned, constant_hessian, run.cancel);
    let mut pairs = vec![vec![[0f32; 2]; binned.rows]; loss.trees()];
    for round in 0..=rules.max_iter {
        if round > 0 {
            gradients(loss, &train, &mut pairs);
            for (number, pairs) in pairs.iter().enumerate() {
                let mut grown = grower.grow(pairs, &mut features_random)?;
                if loss.is_line_search() {
                    search_lines(loss, &mut grown, grower.partition(), &train, rules.grow.learning_rate);
                }
                for (leaf, rows) in &grown.leaves {
                    let value = grown.tree.value[*leaf];
                    let raw = &mut train.raw[number];
                    grower.partition()[rows.clone()].iter().for_each(|&row| raw[row as usize] += value);
                }
                if let Some(watched) = &mut watched {
                    watched.add_tree(number, &grown);
                }
                fitted.trees.push(grown.tree);
            }
        }
        let mut progress = Progress {
            done: round,
            total: rules.max_iter,
            unit: Unit::Rounds,
            loss: None,
            training: None,
            validation: None,
        };
        let mut is_over = false;
        if is_scored {
            let of_training = train.loss(loss, run.cancel)?;
            let of_watched = watched.as_ref().map(|watched| watched.loss(loss, run.cancel)).transpose()?;
            fitted.train_score.push(-of_training);
            fitted.validation_score.extend(of_watched.map(|loss| -loss));
            is_over = rules.early_stopping && patience.is_over(of_watched.unwrap_or(of_training));
            progress.loss = Some(loss.name());
            (progress.training, progress.validation) = (Some(of_training), of_watched);
        }
        if round > 0 {
            (run.progress)(progress);
        }
        check_cancel(run.cancel)?;
        if is_over || (round > 0 && run.is_finishing()) {
            break;
        }
    }
    Ok(fitted)
}

/// Training rows, and rows that are held out for early stopping.
fn divide(
    rules: &BoostingRules,
    data: &TrainingData<'_>,
    has_validation: bool,
    seed: u32,
) -> Result<(Vec<u32>, Option<Vec<u32>>), FitError> {
    let rows = data.features.rows();
    let fraction = rules.validation_fraction.filter(|_| rules.early_stopping && !has_validation);
    let Some(fraction) = fraction else { return Ok(((0..rows as u32).collect(), None)) };
    let held_out = match fraction {
        Share::Count(count) => count,
        Share::Fraction(fraction) => (fraction * rows as f64).ceil() as usize,
    };
    if held_out == 0 || held_out >= rows {
        let detail =
            format!("early stopping holds out {held_out} of {rows} rows: expected at least 1 row in both parts");
        return Err(FitError::data(detail));
    }
    let classes = match data.target {
        Target::Classes { codes, n_classes } => Some((codes, n_classes)),
        Target::Values(_) => None,
    };
    let (training, held_out) = hold_out(rows, held_out, classes, seed)?;
    Ok((training, Some(held_out)))
}

/// Codes of the categories in the order of the features.
fn codes_of(binning: &Binning) -> Vec<Vec<u32>> {
    let mut codes = vec![Vec::new(); binning.columns.len()];
    for (bins, &at) in binning.columns.iter().zip(&binning.order) {
        if let super::bins::ColumnBins::Codes(own) = bins {
            codes[at] = own.clone();
        }
    }
    codes
}

/// Gradients and hessians of all rows, in 32 bits, one list per tree of a round.
fn gradients(loss: Loss, part: &Part, pairs: &mut [Vec<[f32; 2]>]) {
    let weight = |row: usize| part.weights.as_ref().map_or(1.0, |weights| weights[row]);
    match (loss, pairs) {
        (Loss::Multinomial { n_classes }, pairs) => {
            let mut chunks: Vec<Vec<&mut [[f32; 2]]>> = Vec::new();
            for list in pairs {
                for (block, chunk) in list.chunks_mut(BLOCK).enumerate() {
                    if block == chunks.len() {
                        chunks.push(Vec::with_capacity(n_classes));
                    }
                    chunks[block].push(chunk);
                }
            }
            chunks.into_par_iter().enumerate().for_each(|(block, mut chunk)| {
                let (mut raw, mut shares) = (vec![0.0; n_classes], vec![0.0; n_classes]);
                for at in 0..chunk[0].len() {
                    let row = block * BLOCK + at;
                    raw.iter_mut().zip(&part.raw).for_each(|(raw, of_tree)| *raw = of_tree[row]);
                    loss.predict(&raw, &mut shares);
                    let weight = weight(row);
                    for (class, (share, chunk)) in shares.iter().zip(&mut chunk).enumerate() {
                        let is_class = f64::from(u8::from(part.targets[row] as usize == class));
                        chunk[at] = [((share - is_class) * weight) as f32, (share * (1.0 - share) * weight) as f32];
                    }
                }
            });
        }
        (loss, [pairs]) => {
            let (raw, targets) = (&part.raw[0], &part.targets);
            pairs.par_chunks_mut(BLOCK).enumerate().for_each(|(block, pairs)| {
                for (at, pair) in pairs.iter_mut().enumerate() {
                    let row = block * BLOCK + at;
                    let (gradient, hessian) = loss.gradient(targets[row], raw[row]);
                    let weight = weight(row);
                    *pair = [(gradient * weight) as f32, (hessian * weight) as f32];
                }
            });
        }
        _ => {}
    }
}

/// Sets every leaf to the best constant of its residuals.
fn search_lines(loss: Loss, grown: &mut Grown, partition: &[u32], part: &Part, learning_rate: f64) {
    let best = |(leaf, rows): &(usize, std::ops::Range<usize>)| {
        let rows = &partition[rows.clone()];
        let residuals: Vec<f64> =
            rows.iter().map(|&row| part.targets[row as usize] - part.raw[0][row as usize]).collect();
        let weights = part.weights.as_ref().map(|weights| pick(weights, rows));
        (*leaf, learning_rate * loss.best_constant(&residuals, weights.as_deref()))
    };
    let values: Vec<(usize, f64)> = grown.leaves.par_iter().map(best).collect();
    values.into_iter().for_each(|(leaf, value)| grown.tree.value[leaf] = value);
}
