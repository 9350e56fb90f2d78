//! Predictions that ignore the features: the measure of every other model.

use super::{
    Arrays, Features, FitError, Fitted, Predictions, RandomState, Run, Scores, Size, StoredError, Target, Task,
    TrainingData, Traits, choices::expect, model::Estimator,
};
use crate::engine::field::FieldError;
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::atomic::AtomicBool;
use utoipa::ToSchema;

/// Predictions that ignore the features, for comparison.
///
/// Source: <https://scikit-learn.org/1.9/modules/generated/sklearn.dummy.DummyClassifier.html> and `DummyRegressor`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Dummy {
    /// What is predicted. Default: null, `prior` for classes and `mean` for numbers.
    pub strategy: Option<DummyStrategy>,
    /// What `constant` predicts: a number, or the position of a class, from 0, among the sorted classes.
    pub constant: Option<f64>,
    /// What `quantile` predicts: 0 is the least, 1 the largest number, 0.5 the median.
    pub quantile: Option<f64>,
    /// Seed of `stratified` and `uniform`. Default: null, the seed of the job.
    pub random_state: Option<u32>,
}

/// What [`Dummy`] predicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DummyStrategy {
    /// The most frequent class, with the probability 1.
    MostFrequent,
    /// The most frequent class; probabilities are the shares of the classes.
    Prior,
    /// A class drawn with the shares of the classes.
    Stratified,
    /// A class drawn with equal shares.
    Uniform,
    /// `constant`.
    Constant,
    /// The mean of the numbers.
    Mean,
    /// The median of the numbers.
    Median,
    /// A quantile of the numbers.
    Quantile,
}

impl DummyStrategy {
    fn name(self) -> String {
        serde_json::to_value(self).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

impl Dummy {
    fn strategy(&self, task: Task) -> DummyStrategy {
        self.strategy.unwrap_or(match task {
            Task::Classification { .. } => DummyStrategy::Prior,
            Task::Regression => DummyStrategy::Mean,
        })
    }

    /// The number that a regressor predicts.
    fn number(&self, strategy: DummyStrategy, values: &[f64], weights: Option<&[f64]>) -> f64 {
        let quantile = match strategy {
            DummyStrategy::Constant => return self.constant.unwrap_or_default(),
            DummyStrategy::Median => 0.5,
            DummyStrategy::Quantile => self.quantile.unwrap_or_default(),
            _ => {
                let weight = |row: usize| weights.map_or(1.0, |weights| weights[row]);
                let (mut sum, mut total) = (0.0, 0.0);
                for (row, value) in values.iter().enumerate() {
                    sum += weight(row) * value;
                    total += weight(row);
                }
                return sum / total;
            }
        };
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
        match weights {
            // Linear between the two nearest.
            None => {
                let at = quantile * (values.len() - 1) as f64;
                let (below, above) = (values[order[at.floor() as usize]], values[order[at.ceil() as usize]]);
                below + (above - below) * at.fract()
            }
            // The first number at which the share of the weights is reached.
            Some(weights) => {
                let total: f64 = order.iter().map(|&row| weights[row]).sum();
                let wanted = (quantile * total).max(f64::MIN_POSITIVE);
                let mut sum = 0.0;
                let reached = order.iter().find(|row| {
                    sum += weights[**row];
                    sum >= wanted
                });
                reached.or(order.last()).map_or(0.0, |&row| values[row])
            }
        }
    }
}

impl Estimator for Dummy {
    fn check(&self) -> Result<(), FieldError> {
        if let Some(constant) = self.constant {
            expect("/constant", constant.is_finite(), "a finite number", constant)?;
        }
        if let Some(quantile) = self.quantile {
            expect("/quantile", (0.0..=1.0).contains(&quantile), "a number from 0 to 1", quantile)?;
        }
        Ok(())
    }

    fn check_task(&self, task: Task, _columns: usize) -> Result<(), FieldError> {
        use DummyStrategy::{Constant, Mean, Median, MostFrequent, Prior, Quantile, Stratified, Uniform};
        let strategy = self.strategy(task);
        let (fits, expected) = match task {
            Task::Classification { .. } => (
                matches!(strategy, MostFrequent | Prior | Stratified | Uniform | Constant),
                "`most_frequent`, `prior`, `stratified`, `uniform` or `constant` for a target of classes",
            ),
            Task::Regression => (
                matches!(strategy, Mean | Median | Quantile | Constant),
                "`mean`, `median`, `quantile` or `constant` for a target of numbers",
            ),
        };
        if !fits {
            let detail = format!("expected {expected}, received `{}`", strategy.name());
            return Err(FieldError::new("/strategy", detail));
        }
        let needs = |name: &str, given: bool, needed: bool| match (given, needed) {
            (false, true) => Err(FieldError::new(
                format!("/{name}"),
                format!("expected a number for the strategy `{}`", strategy.name()),
            )),
            (true, false) => {
                let detail = format!("expected no `{name}` for the strategy `{}`", strategy.name());
                Err(FieldError::new(format!("/{name}"), detail))
            }
            _ => Ok(()),
        };
        needs("constant", self.constant.is_some(), strategy == Constant)?;
        needs("quantile", self.quantile.is_some(), strategy == Quantile)?;
        if let (Task::Classification { n_classes }, Some(class)) = (task, self.constant) {
            let is_class = class >= 0.0 && class.fract() == 0.0 && class < n_classes as f64;
            expect("/constant", is_class, &format!("the position of a class, 0 to {}", n_classes - 1), class)?;
        }
        Ok(())
    }

    fn traits(&self) -> Traits {
        Traits { classifies: true, regresses: true, scaled: false, missing: true, categories: true }
    }

    fn memory_bytes(&self, size: Size) -> u64 {
        16 * size.rows as u64 + 16 * size.task.outputs() as u64
    }

    fn fit(&self, data: &TrainingData<'_>, run: &mut Run<'_>) -> Result<Box<dyn Fitted>, FitError> {
        let task = data.target.task();
        let strategy = self.strategy(task);
        let (numbers, is_class) = match data.target {
            Target::Values(values) => (vec![self.number(strategy, values, data.weights)], false),
            Target::Classes { codes, n_classes } => {
                let mut shares = vec![0.0; n_classes];
                for (row, &code) in codes.iter().enumerate() {
                    shares[code as usize] += data.weights.map_or(1.0, |weights| weights[row]);
                }
                if let (DummyStrategy::Constant, Some(class)) = (strategy, self.constant)
                    && !codes.contains(&(class as u32))
                {
                    let detail = format!("expected a class with training rows, received {class}");
                    return Err(FieldError::new("/constant", detail).into());
                }
                let total: f64 = shares.iter().sum();
                shares.iter_mut().for_each(|share| *share /= total);
                (shares, true)
            }
        };
        let seed = self.random_state.unwrap_or(run.seed);
        let columns = data.features.columns().len();
        let constant = self.constant.unwrap_or_default() as usize;
        Ok(Box::new(Constant { columns, strategy, numbers, is_class, constant, seed }))
    }

    fn read(&self, stored: &Arrays) -> Result<Box<dyn Fitted>, StoredError> {
        let numbers = stored.list::<f64>("numbers", None)?;
        Arrays::finite("numbers", &numbers)?;
        let is_class: bool = stored.field("is_class")?;
        let task = if is_class { Task::Classification { n_classes: numbers.len() } } else { Task::Regression };
        if numbers.is_empty() || (!is_class && numbers.len() != 1) {
            return Err(StoredError::new("numbers", format!("expected 1 number, received {}", numbers.len())));
        }
        self.check_task(task, 0).map_err(|error| StoredError::new("strategy", error.to_string()))?;
        let strategy = self.strategy(task);
        let (columns, seed) = (stored.field("columns")?, stored.field("seed")?);
        let constant = self.constant.unwrap_or_default() as usize;
        Ok(Box::new(Constant { columns, strategy, numbers, is_class, constant, seed }))
    }
}

/// A fitted model.
#[derive(Debug)]
struct Constant {
    columns: usize,
    strategy: DummyStrategy,
    /// The share of every class, or the predicted number.
    numbers: Vec<f64>,
    is_class: bool,
    constant: usize,
    seed: u32,
}

impl Constant {
    fn classify(&self, rows: usize) -> Predictions {
        let classes = self.numbers.len();
        let certain = |class: usize| Array2::from_shape_fn((rows, classes), |(_, at)| f64::from(at == class));
        let priors = Array2::from_shape_fn((rows, classes), |(_, class)| self.numbers[class]);
        let mut draw = RandomState::new(self.seed);
        match self.strategy {
            DummyStrategy::Constant => Predictions::probabilities(certain(self.constant)),
            DummyStrategy::MostFrequent => {
                let label = super::argmax::first_largest(self.numbers.iter().copied());
                Predictions::probabilities(certain(label as usize))
            }
            DummyStrategy::Stratified => {
                let labels: Vec<usize> = (0..rows).map(|_| draw_class(&mut draw, &self.numbers)).collect();
                Predictions::probabilities(Array2::from_shape_fn((rows, classes), |(row, class)| {
                    f64::from(labels[row] == class)
                }))
            }
            DummyStrategy::Uniform => {
                let present: Vec<u32> = (0..).zip(&self.numbers).filter(|it| *it.1 > 0.0).map(|it| it.0).collect();
                let labels = (0..rows).map(|_| present[draw.below(present.len() as u64) as usize]).collect();
                let share = |class: usize| f64::from(self.numbers[class] > 0.0) / present.len() as f64;
                let scores = Array2::from_shape_fn((rows, classes), |(_, class)| share(class));
                Predictions { kind: Scores::Probabilities, scores, labels }
            }
            _ => Predictions::probabilities(priors),
        }
    }
}

/// A class with these shares, as NumPy's `multinomial(1, shares)` draws it: one binomial number per class.
fn draw_class(draw: &mut RandomState, shares: &[f64]) -> usize {
    let mut left = 1.0;
    let last = shares.len() - 1;
    for (class, share) in shares.iter().enumerate().take(last) {
        if is_drawn(draw, share / left) {
            return class;
        }
        left -= share;
    }
    last
}

/// `binomial(1, p)`, by inversion.
fn is_drawn(draw: &mut RandomState, p: f64) -> bool {
    if p <= 0.0 {
        return false;
    }
    let least = p.min(1.0 - p);
    // The chance of the likelier outcome, computed as NumPy does.
    let likelier = (1.0 - least).ln().exp();
    let is_less_likely = loop {
        let uniform = draw.uniform();
        if uniform <= likelier {
            break false;
        }
        if uniform - likelier <= least {
            break true;
        }
    };
    is_less_likely == (p <= 0.5)
}

impl Fitted for Constant {
    fn task(&self) -> Task {
        match self.is_class {
            true => Task::Classification { n_classes: self.numbers.len() },
            false => Task::Regression,
        }
    }

    fn columns(&self) -> usize {
        self.columns
    }

    fn predict(&self, features: &Features<'_>, _cancel: &AtomicBool) -> Result<Predictions, FitError> {
        let received = features.columns().len();
        if received != self.columns {
            return Err(FitError::data(format!("expected {} columns, received {received}", self.columns)));
        }
        Ok(match self.is_class {
            true => self.classify(features.rows()),
            false => Predictions::values(vec![self.numbers[0]; features.rows()]),
        })
    }

    fn arrays(&self) -> Arrays {
        let mut arrays = Arrays::default();
        arrays.insert_list("numbers", self.numbers.clone());
        arrays.set("is_class", self.is_class);
        arrays.set("columns", self.columns);
        arrays.set("seed", self.seed);
        arrays
    }

    fn summary(&self) -> Value {
        match self.is_class {
            true => json!({ "strategy": self.strategy, "class_prior": self.numbers }),
            false => json!({ "strategy": self.strategy, "constant": self.numbers[0] }),
        }
    }
}
