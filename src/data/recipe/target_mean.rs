//! [`TargetMean`]: scikit-learn's TargetEncoder. A level becomes the smoothed mean of the target over its training rows; the training
//! rows themselves are encoded by the rows of the other folds (contiguous, as scikit-learn's with `shuffle=False`), so that no row
//! sees its own target.

use super::{encode_settings::TargetSettings, levels::Levels};
use crate::engine::cancel::is_cancelled;
use serde::{Deserialize, Serialize};

/// The target of each training row.
#[derive(Debug, Clone, PartialEq)]
pub enum TargetValues {
    /// Numbers.
    Numbers(Vec<f64>),
    /// Classes of `count`, as indices.
    Classes { classes: Vec<usize>, count: usize },
}

impl TargetValues {
    /// Elements of an encoded level: one, or one per class where there are over two.
    pub fn width(&self) -> usize {
        match self {
            Self::Numbers(_) => 1,
            Self::Classes { count, .. } => Self::width_of_classes(*count),
        }
    }

    /// Elements for a target of so many classes.
    pub fn width_of_classes(count: usize) -> usize {
        if count > 2 { count } else { 1 }
    }

    /// The number of a row for an element: the number, or whether the row has the class.
    fn number(&self, row: usize, element: usize) -> f64 {
        match self {
            Self::Numbers(values) => values.get(row).copied().unwrap_or_default(),
            Self::Classes { classes, count } => {
                let class = if *count > 2 { element } else { 1 };
                f64::from(u8::from(classes.get(row) == Some(&class)))
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Numbers(values) => values.len(),
            Self::Classes { classes, .. } => classes.len(),
        }
    }

    /// The fold of each row: blocks of rows, or blocks of the rows of each class.
    fn folds(&self, folds: usize) -> Vec<usize> {
        let rows = self.len();
        match self {
            Self::Numbers(_) => {
                let (least, more) = (rows / folds, rows % folds);
                (0..folds).flat_map(|fold| std::iter::repeat_n(fold, least + usize::from(fold < more))).collect()
            }
            // scikit-learn's StratifiedKFold: classes in order of their first row are dealt to the folds in turn
            Self::Classes { classes, count } => {
                let mut order = vec![usize::MAX; *count];
                let mut next = 0;
                let mut ordered = Vec::with_capacity(rows);
                for &class in classes {
                    if let Some(place) = order.get_mut(class) {
                        if *place == usize::MAX {
                            *place = next;
                            next += 1;
                        }
                        ordered.push(*place);
                    }
                }
                let mut sorted = ordered.clone();
                sorted.sort_unstable();
                let mut queues: Vec<Vec<usize>> = vec![Vec::new(); next];
                for fold in 0..folds {
                    for &class in sorted.iter().skip(fold).step_by(folds) {
                        if let Some(queue) = queues.get_mut(class) {
                            queue.push(fold);
                        }
                    }
                }
                let mut used = vec![0; next];
                let mut fold_of = |class: usize| {
                    let used = used.get_mut(class)?;
                    *used += 1;
                    queues.get(class)?.get(*used - 1).copied()
                };
                ordered.into_iter().map(|class| fold_of(class).unwrap_or_default()).collect()
            }
        }
    }
}

/// What is fitted on a category whose levels become means of the target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetMean {
    #[serde(flatten)]
    pub levels: Levels,
    /// The elements of each level; the last are those of missing values.
    means: Vec<Vec<f64>>,
    /// The elements of an unseen level: the mean over all training rows.
    #[serde(rename = "unseen_means")]
    unseen: Vec<f64>,
}

/// The encoding of levels by some rows.
struct Fit {
    means: Vec<Vec<f64>>,
    overall: Vec<f64>,
}

fn fit(
    codes: &[usize],
    levels: usize,
    targets: &TargetValues,
    smooth: Option<f64>,
    keep: impl Fn(usize) -> bool,
) -> Fit {
    let width = targets.width();
    let mut means = vec![vec![0.0; width]; levels];
    let mut overall = Vec::with_capacity(width);
    for element in (0..width).take_while(|_| !is_cancelled()) {
        let rows = || codes.iter().enumerate().filter(|(row, _)| keep(*row));
        let mut counts = vec![0.0; levels];
        let mut sums = vec![0.0; levels];
        let (mut count, mut sum) = (0.0, 0.0);
        for (row, &code) in rows() {
            let value = targets.number(row, element);
            (count, sum) = (count + 1.0, sum + value);
            if let (Some(counts), Some(sums)) = (counts.get_mut(code), sums.get_mut(code)) {
                (*counts, *sums) = (*counts + 1.0, *sums + value);
            }
        }
        let mean: f64 = if count > 0.0 { sum / count } else { 0.0 };
        let mut squares = vec![0.0; levels];
        let mut variance = 0.0;
        for (row, &code) in rows() {
            let value = targets.number(row, element);
            variance += (value - mean).powi(2) / count;
            if let (Some(square), Some(counts), Some(sums)) = (squares.get_mut(code), counts.get(code), sums.get(code))
            {
                let of_level: f64 = sums / counts;
                *square += (value - of_level).powi(2);
            }
        }
        let sums = counts.iter().zip(&sums).zip(&squares);
        for (((&count, &sum), &square), level) in sums.zip(&mut means) {
            let encoded = match smooth {
                _ if count == 0.0 => mean,
                Some(smooth) => (sum + smooth * mean) / (count + smooth),
                None => {
                    let within = square / count;
                    let denominator = variance * count + within;
                    let share = if denominator == 0.0 { 1.0 } else { variance * count / denominator };
                    share * sum / count + (1.0 - share) * mean
                }
            };
            if let Some(element) = level.get_mut(element) {
                *element = encoded;
            }
        }
        overall.push(mean);
    }
    Fit { means, overall }
}

impl TargetMean {
    /// Fits on `codes`, the place of each training row's level, one past them for a missing one. Returns the elements of the
    /// training rows too.
    pub fn fit(
        levels: Levels,
        codes: &[usize],
        targets: &TargetValues,
        settings: TargetSettings,
    ) -> (Self, Vec<Vec<f64>>) {
        let count = levels.len() + 1;
        let Fit { means, overall } = fit(codes, count, targets, settings.smooth, |_| true);
        let folds = targets.folds(settings.cv.min(codes.len()).max(1));
        let mut of_rows = vec![overall.clone(); codes.len()];
        for fold in (0..settings.cv).take_while(|_| !is_cancelled()) {
            let fitted = fit(codes, count, targets, settings.smooth, |row| folds.get(row) != Some(&fold));
            for (row, (code, _)) in codes.iter().zip(&folds).enumerate().filter(|(_, (_, of))| **of == fold) {
                if let (Some(row), Some(mean)) = (of_rows.get_mut(row), fitted.means.get(*code)) {
                    row.clone_from(mean);
                }
            }
        }
        (Self { levels, means, unseen: overall }, of_rows)
    }

    /// Elements.
    pub fn width(&self) -> usize {
        self.unseen.len()
    }

    /// The elements of the level of a place; of missing values past them; of an unseen level for `None`.
    pub fn elements(&self, place: Option<usize>) -> &[f64] {
        place.and_then(|place| self.means.get(place)).map_or(&self.unseen, Vec::as_slice)
    }
}
