//! Nearest neighbours.

mod brute;
mod metric;
mod model;
mod nearest;
mod tree;

use super::{
    Arrays, FitError, Fitted, Run, Size, StoredError, Task, TrainingData, Traits,
    choices::expect,
    model::Estimator,
    numeric::classes::{expect_columns, row_major},
};
use crate::engine::field::FieldError;
use brute::Brute;
use metric::Distance;
use serde::{Deserialize, Serialize};
use std::sync::atomic::AtomicBool;
use tree::{Shape, Tree};
use utoipa::ToSchema;

/// Votes, or the mean, of the nearest training rows.
///
/// The probability of a class is the share of the weights `w_i` of the `n_neighbors` nearest rows that have it; a number is
/// `Σ w_i y_i / Σ w_i`. All algorithms find the same rows; of rows at the same distance the first.
///
/// Source: <https://scikit-learn.org/1.9/modules/generated/sklearn.neighbors.KNeighborsClassifier.html> and
/// `KNeighborsRegressor`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct KNeighbors {
    /// Number of neighbours, at most the number of training rows. Default: 5.
    pub n_neighbors: usize,
    /// Weights of the neighbours. Default: `uniform`.
    pub weights: NeighborWeights,
    /// How neighbours are found. Default: `auto`.
    pub algorithm: NeighborAlgorithm,
    /// Points in a leaf of a tree, rounded up to a multiple of 16. It changes speed and memory only. Default: 30.
    pub leaf_size: usize,
    /// Power of the metric `minkowski`: 1 is `manhattan`, 2 `euclidean`. Below 1 only `brute` can be used. Default: 2.
    pub p: f64,
    /// Metric of the distances. Default: `minkowski`.
    pub metric: Metric,
}

/// Weights of neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NeighborWeights {
    /// All the same.
    Uniform,
    /// 1 / distance; where neighbours have the distance 0, those weigh 1 and the others 0.
    Distance,
}

/// How neighbours are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NeighborAlgorithm {
    /// `brute` for more than 15 columns, for at least half of the rows as neighbours and for a `p` below 1, else `kd_tree`.
    Auto,
    /// A tree of balls.
    BallTree,
    /// A tree of boxes.
    KdTree,
    /// Distances to all rows.
    Brute,
}

/// A metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = NeighborMetric)]
pub enum Metric {
    /// `(Σ |x - y|^p)^(1/p)`
    Minkowski,
    /// `(Σ (x - y)²)^(1/2)`
    Euclidean,
    /// `Σ |x - y|`
    Manhattan,
    /// `max |x - y|`
    Chebyshev,
}

impl Default for KNeighbors {
    fn default() -> Self {
        Self {
            n_neighbors: 5,
            weights: NeighborWeights::Uniform,
            algorithm: NeighborAlgorithm::Auto,
            leaf_size: 30,
            p: 2.0,
            metric: Metric::Minkowski,
        }
    }
}

/// How the training rows are kept.
#[derive(Debug)]
enum Index {
    /// Regions, or one region for all.
    Tree(Tree),
    /// Tiles of a matrix product.
    Brute(Brute),
}

impl KNeighbors {
    fn distance(&self) -> Distance {
        match self.metric {
            Metric::Manhattan => Distance::Manhattan,
            Metric::Euclidean => Distance::Euclidean,
            Metric::Chebyshev => Distance::Chebyshev,
            Metric::Minkowski if self.p == 1.0 => Distance::Manhattan,
            Metric::Minkowski if self.p == 2.0 => Distance::Euclidean,
            Metric::Minkowski => Distance::Minkowski(self.p),
        }
    }

    fn is_semimetric(&self) -> bool {
        matches!(self.distance(), Distance::Minkowski(p) if p < 1.0)
    }

    fn shape(&self, rows: usize, columns: usize) -> Shape {
        match self.algorithm {
            NeighborAlgorithm::BallTree => Shape::Balls,
            NeighborAlgorithm::KdTree => Shape::Boxes,
            NeighborAlgorithm::Brute => Shape::Whole,
            NeighborAlgorithm::Auto if columns > 15 || self.n_neighbors >= rows / 2 || self.is_semimetric() => {
                Shape::Whole
            }
            NeighborAlgorithm::Auto => Shape::Boxes,
        }
    }

    fn is_by_products(&self, shape: Shape) -> bool {
        let few = self.n_neighbors <= brute::MAX_NEIGHBOURS;
        shape == Shape::Whole && self.distance() == Distance::Euclidean && few
    }

    /// Builds the index over row-major rows.
    fn index(&self, rows: Vec<f64>, columns: usize, cancel: &AtomicBool) -> Result<Index, FitError> {
        let distance = self.distance();
        let shape = self.shape(rows.len() / columns, columns);
        let by_products = self.is_by_products(shape);
        let rows = match by_products {
            true => match Brute::new(rows, columns, cancel)? {
                Ok(brute) => return Ok(Index::Brute(brute)),
                Err(rows) => rows,
            },
            false => rows,
        };
        Ok(Index::Tree(Tree::new(distance, shape, &rows, columns, self.leaf_size, cancel)?))
    }
}

impl Estimator for KNeighbors {
    fn check(&self) -> Result<(), FieldError> {
        expect("/n_neighbors", self.n_neighbors >= 1, "an integer of at least 1", self.n_neighbors)?;
        let leaf_size = self.leaf_size;
        expect("/leaf_size", (1..1 << 30).contains(&leaf_size), "an integer from 1 to 1073741823", leaf_size)?;
        expect("/p", self.p > 0.0 && self.p.is_finite(), "a finite number over 0", self.p)?;
        let tree = matches!(self.algorithm, NeighborAlgorithm::BallTree | NeighborAlgorithm::KdTree);
        let detail = "at least 1 with a tree: below 1 there is no triangle inequality; use the `algorithm` `brute`";
        expect("/p", !(tree && self.is_semimetric()), detail, self.p)
    }

    fn traits(&self) -> Traits {
        Traits { classifies: true, regresses: true, scaled: true, missing: false, categories: false }
    }

    fn model_bytes(&self, size: Size) -> u64 {
        8 * size.rows as u64 * (size.columns as u64 + 1)
    }

    fn memory_bytes(&self, size: Size) -> u64 {
        let (rows, columns) = (size.rows, size.columns);
        let shape = self.shape(rows, columns);
        let targets = 8 * rows as u64;
        if self.is_by_products(shape) {
            return Brute::bytes(rows, columns) + targets;
        }
        // A tree is made from a row-major copy.
        let leaf_size = if shape == Shape::Whole { rows.max(1) } else { self.leaf_size };
        8 * rows as u64 * columns as u64 + Tree::bytes(rows, columns, leaf_size) + targets
    }

    fn fit(&self, data: &TrainingData<'_>, run: &mut Run<'_>) -> Result<Box<dyn Fitted>, FitError> {
        expect_columns(&data.features)?;
        let (rows, columns) = (data.features.rows(), data.features.columns().len());
        if data.weights.is_some() {
            return Err(FitError::data("weights: `k_neighbors` has no weights of training rows"));
        }
        if self.n_neighbors > rows {
            let detail = format!("expected at most the {rows} training rows, received {}", self.n_neighbors);
            return Err(FieldError::new("/n_neighbors", detail).into());
        }
        let copy = row_major(&data.features, run.cancel)?;
        Ok(Box::new(model::Neighbours::new(self, copy, columns, data.target, run.cancel)?))
    }

    fn read(&self, stored: &Arrays) -> Result<Box<dyn Fitted>, StoredError> {
        Ok(Box::new(model::Neighbours::read(self, stored)?))
    }
}

impl KNeighbors {
    fn weight_of(&self, distance: f64, any_zero: bool) -> f64 {
        match self.weights {
            NeighborWeights::Uniform => 1.0,
            NeighborWeights::Distance if any_zero => f64::from(distance == 0.0),
            NeighborWeights::Distance => 1.0 / distance,
        }
    }

    fn task_of(n_classes: Option<usize>) -> Task {
        n_classes.map_or(Task::Regression, |n_classes| Task::Classification { n_classes })
    }
}
