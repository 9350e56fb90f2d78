//! The rows of `tests/fixtures/classical`: a formula that its scripts repeat.

use epoca::engine::classical::{ClassicalModel, Column, Features, Fitted, Run, Target, TrainingData};
use ndarray::Array2;
use serde_json::{Value, json};
use std::sync::atomic::AtomicBool;

/// A linear congruential generator of 64 bits, of which the upper 31 are used.
struct Stream(u64);

impl Stream {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / 2_147_483_648.0
    }
}

/// Rows with their targets and weights.
pub struct Rows {
    pub features: Array2<f64>,
    codes: Vec<u32>,
    values: Vec<f64>,
    n_classes: usize,
    weights: Vec<f64>,
    categories: bool,
}

/// `n` rows of a kind: `two` or `many` classes, a `value`, a `positive` one or a `count`; `_missing` has missing values, and
/// `_category` two columns of categories.
pub fn rows(kind: &str, n: usize) -> Rows {
    let mut stream = Stream((kind.len() * 1000 + n) as u64);
    let mut features = Array2::zeros((n, 6));
    for cell in features.indexed_iter_mut() {
        let ((_, column), cell) = cell;
        let u = stream.next();
        *cell = match column {
            0 => u * 4.0 - 2.0,
            1 => (u * 5.0).floor(),
            2 => (u * 2.0).floor(),
            3 => 1.5,
            4 => u * u,
            _ => (u * 100.0).round_ties_even() / 10.0,
        };
    }
    let score =
        |x: ndarray::ArrayView1<'_, f64>| 2.0 * x[0] + x[1] - 3.0 * x[4] + 0.3 * x[5] * x[2] + 2.0 * stream.next();
    let scores: Vec<f64> = features.rows().into_iter().map(score).collect();
    let above = |bounds: &[f64]| {
        let count = |score: &f64| bounds.iter().filter(|bound| score > bound).count() as u32;
        scores.iter().map(count).collect()
    };
    let (n_classes, codes, values) = match kind.split('_').next() {
        Some("two") => (2, above(&[2.5]), Vec::new()),
        Some("many") => (4, above(&[0.5, 2.0, 4.0]), Vec::new()),
        Some("count") => (0, Vec::new(), scores.iter().map(|score| score.abs().floor()).collect()),
        Some("positive") => (0, Vec::new(), scores.iter().map(|score| score.abs() + 0.1).collect()),
        _ => (0, Vec::new(), scores),
    };
    let mut weights: Vec<f64> = (0..n).map(|_| 0.5 + stream.next()).collect();
    weights.iter_mut().step_by(17).for_each(|weight| *weight = 0.0);
    if kind.contains("_missing") {
        for row in 0..n {
            for column in [0, 2, 5] {
                if stream.next() < 0.2 {
                    features[[row, column]] = f64::NAN;
                }
            }
        }
    }
    let categories = kind.contains("_category");
    if categories {
        features.column_mut(5).mapv_inplace(f64::floor);
    }
    Rows { features, codes, values, n_classes, weights, categories }
}

impl Rows {
    /// As a table with the columns x0 to x5, `y`, `w`, and `part`, of which every fourth row is `validation`.
    pub fn csv(&self) -> String {
        let mut csv = "x0,x1,x2,x3,x4,x5,y,w,part\n".to_owned();
        for (row, cells) in self.features.rows().into_iter().enumerate() {
            for cell in cells {
                csv += &if cell.is_nan() { ",".to_owned() } else { format!("{cell},") };
            }
            csv += &self.codes.get(row).map_or_else(|| self.values[row].to_string(), u32::to_string);
            csv += &format!(",{},{}\n", self.weights[row], if row % 4 == 3 { "validation" } else { "train" });
        }
        csv
    }

    /// The columns.
    pub fn features(&self) -> Features<'_> {
        let levels = |column: usize| match column {
            1 if self.categories => Some(5),
            5 if self.categories => Some(12),
            _ => None,
        };
        let columns = self.features.columns().into_iter().enumerate();
        let columns = columns.map(|(at, values)| Column { values, levels: levels(at) }).collect();
        Features::new(self.features.nrows(), columns).unwrap()
    }

    /// As training rows, with their weights or without.
    pub fn data(&self, weighted: bool) -> TrainingData<'_> {
        TrainingData {
            features: self.features(),
            target: match self.n_classes {
                0 => Target::Values(&self.values),
                n_classes => Target::Classes { codes: &self.codes, n_classes },
            },
            weights: weighted.then_some(self.weights.as_slice()),
            class_weights: None,
        }
    }
}

/// A sum in which every position counts; infinite numbers count as 0.
pub fn weighted_sum(numbers: impl IntoIterator<Item = f64>) -> f64 {
    let weighted = numbers.into_iter().enumerate().filter(|(_, number)| number.is_finite());
    weighted.map(|(at, number)| number * (at % 7 + 1) as f64).sum()
}

/// Fails if a number is not the expected one, to 1e-9 of itself.
pub fn assert_number(what: &str, received: f64, expected: &Value) {
    let expected = expected.as_f64().unwrap_or_else(|| panic!("{what}: no number in the fixture"));
    let close = (received - expected).abs() <= 1e-9 * expected.abs().max(1.0);
    assert!(close, "{what}: {received} but scikit-learn has {expected}");
}

/// What a model predicts for these rows.
pub fn predictions(fitted: &dyn Fitted, rows: &Rows) -> Array2<f64> {
    let cancel = AtomicBool::new(false);
    fitted.predict(&rows.features(), &cancel).unwrap().scores
}

/// The model of a kind with these settings.
pub fn model(kind: &str, settings: &Value) -> ClassicalModel {
    let mut settings = settings.clone();
    settings["type"] = json!(kind);
    serde_json::from_value(settings.clone()).unwrap_or_else(|error| panic!("{settings}: {error}"))
}

/// Fits a model on rows, with validation rows if given.
pub fn fit(model: &ClassicalModel, rows: &Rows, weighted: bool, validation: Option<&Rows>) -> Box<dyn Fitted> {
    let cancel = AtomicBool::new(false);
    let validation = validation.map(|rows| rows.data(false));
    let mut run = Run { seed: 0, cancel: &cancel, finish: &AtomicBool::new(false), progress: &mut |_| {}, validation };
    model.fit(&rows.data(weighted), &mut run).unwrap_or_else(|error| panic!("{model:?}: {error}"))
}
