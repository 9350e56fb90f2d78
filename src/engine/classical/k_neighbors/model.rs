//! [`Neighbours`]: the training rows with their targets.

use super::{
    Index, KNeighbors,
    brute::QUERIES,
    nearest::{Nearest, Neighbour},
};
use crate::engine::classical::{
    Arrays, Features, FitError, Fitted, Predictions, StoredError, Target, Task,
    chunks::for_each_chunk,
    numeric::classes::{check_columns, check_scores},
    run::check_cancel,
};
use ndarray::Array2;
use serde_json::{Value, json};
use std::sync::atomic::AtomicBool;

/// What a neighbour costs, in elements that are compared.
const NEIGHBOUR: usize = 64;

/// A fitted model.
#[derive(Debug)]
pub(super) struct Neighbours {
    settings: KNeighbors,
    rows: usize,
    columns: usize,
    index: Index,
    /// The number, or the code of the class, of every training row.
    targets: Vec<f64>,
    n_classes: Option<usize>,
}

impl Neighbours {
    /// `rows` is row-major.
    pub(super) fn new(
        settings: &KNeighbors,
        rows: Vec<f64>,
        columns: usize,
        target: Target<'_>,
        cancel: &AtomicBool,
    ) -> Result<Self, FitError> {
        let (targets, n_classes) = match target {
            Target::Values(values) => (values.to_vec(), None),
            Target::Classes { codes, n_classes } => {
                (codes.iter().map(|&code| f64::from(code)).collect(), Some(n_classes))
            }
        };
        let index = settings.index(rows, columns, cancel)?;
        Ok(Self { settings: settings.clone(), rows: targets.len(), columns, index, targets, n_classes })
    }

    /// Reads what [`Fitted::arrays`] gave.
    pub(super) fn read(settings: &KNeighbors, stored: &Arrays) -> Result<Self, StoredError> {
        let n_classes: Option<usize> = stored.field("n_classes")?;
        let matrix = stored.get::<f64>("x", &[None, None])?;
        let (count, columns) = (matrix.shape()[0], matrix.shape()[1]);
        if count < settings.n_neighbors || columns == 0 || u32::try_from(count).is_err() {
            let expected = format!("expected at least {} rows and 1 column", settings.n_neighbors);
            return Err(StoredError::new("x", format!("{expected}, received {:?}", matrix.shape())));
        }
        let rows: Vec<f64> = matrix.iter().copied().collect();
        let targets = stored.list::<f64>("y", Some(count))?;
        Arrays::finite("x", &rows)?;
        Arrays::finite("y", &targets)?;
        if let Some(n_classes) = n_classes
            && let Some(wrong) = targets.iter().find(|it| **it < 0.0 || it.fract() != 0.0 || **it >= n_classes as f64)
        {
            return Err(StoredError::new("y", format!("expected classes below {n_classes}, received {wrong}")));
        }
        let index = settings
            .index(rows, columns, &AtomicBool::new(false))
            .map_err(|error| StoredError::new("x", error.to_string()))?;
        Ok(Self { settings: settings.clone(), rows: count, columns, index, targets, n_classes })
    }

    /// Adds what the neighbours say to the scores of a row.
    fn score(&self, neighbours: &[Neighbour], scores: &mut [f64]) {
        let distance = self.settings.distance();
        let any_zero = neighbours.iter().any(|it| it.distance == 0.0);
        let mut total = 0.0;
        for neighbour in neighbours {
            let weight = self.settings.weight_of(distance.whole(neighbour.distance), any_zero);
            let target = self.targets[neighbour.row as usize];
            total += weight;
            match self.n_classes {
                Some(_) => scores[target as usize] += weight,
                None => scores[0] += weight * target,
            }
        }
        scores.iter_mut().for_each(|score| *score /= total);
    }

    /// The neighbours of some rows, row-major.
    fn search(&self, x: &[f64]) -> Vec<Vec<Neighbour>> {
        match &self.index {
            Index::Brute(brute) => brute.search(x, self.settings.n_neighbors),
            Index::Tree(tree) => {
                let (mut nearest, mut distances) = (Nearest::new(self.settings.n_neighbors), Vec::new());
                let one = |x: &[f64]| {
                    tree.search(x, &mut nearest, &mut distances);
                    nearest.take()
                };
                x.chunks_exact(self.columns).map(one).collect()
            }
        }
    }
}

impl Fitted for Neighbours {
    fn task(&self) -> Task {
        KNeighbors::task_of(self.n_classes)
    }

    fn columns(&self) -> usize {
        self.columns
    }

    fn predict(&self, features: &Features<'_>, cancel: &AtomicBool) -> Result<Predictions, FitError> {
        check_columns(features, self.columns)?;
        let (rows, outputs) = (features.rows(), self.n_classes.unwrap_or(1));
        // Queries of one task: few enough to be cancelled soon, and for their neighbours to take little memory.
        let of_query = self.rows.saturating_mul(self.columns).saturating_add(NEIGHBOUR * self.settings.n_neighbors);
        let some = ((1 << 25) / of_query.max(1)).clamp(1, QUERIES);
        let mut scores = Array2::<f64>::zeros((rows, outputs));
        for_each_chunk(scores.as_slice_mut().unwrap_or_default(), some * outputs, |part, scores| {
            check_cancel(cancel)?;
            let first = part * some;
            let count = scores.len() / outputs;
            let mut x = vec![0.0; count * self.columns];
            for (at, column) in features.columns().iter().enumerate() {
                let values = column.values.iter().skip(first).take(count);
                x[at..].iter_mut().step_by(self.columns).zip(values).for_each(|(to, &value)| *to = value);
            }
            for (neighbours, scores) in self.search(&x).iter().zip(scores.chunks_exact_mut(outputs)) {
                self.score(neighbours, scores);
            }
            check_scores(scores, outputs, first)
        })?;
        Ok(match self.n_classes {
            Some(_) => Predictions::probabilities(scores),
            None => Predictions::values(scores.into_raw_vec_and_offset().0),
        })
    }

    fn arrays(&self) -> Arrays {
        let mut arrays = Arrays::default();
        let mut x = Array2::zeros((self.rows, self.columns));
        let visit = |number: u32, row: &[f64]| {
            x.row_mut(number as usize).iter_mut().zip(row).for_each(|(to, &value)| *to = value);
        };
        match &self.index {
            Index::Tree(tree) => tree.each_row(visit),
            Index::Brute(brute) => brute.each_row(visit),
        }
        arrays.insert("x", x);
        arrays.insert_list("y", self.targets.clone());
        arrays.set("n_classes", self.n_classes);
        arrays
    }

    fn summary(&self) -> Value {
        let method = match &self.index {
            Index::Brute(_) => "brute",
            Index::Tree(tree) => tree.name(),
        };
        json!({ "algorithm": method, "n_samples_fit": self.rows })
    }
}
