//! [`LinearModel`]: coefficients and intercepts.

use crate::engine::classical::{
    Arrays, Coefficients, Features, FitError, Fitted, Predictions, Scores, StoredError, Task,
    argmax::first_largest,
    chunks::for_each_pair,
    numeric::{
        cholesky::add_multiple,
        classes::{check_columns, check_scores},
        softmax::softmax,
    },
    run::check_cancel,
};
use ndarray::Array2;
use serde_json::{Map, Value};
use std::sync::atomic::AtomicBool;

/// What the outputs of a linear model are.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Output {
    /// A number.
    Number,
    /// Scores of classes: one for two classes, else one for each class that had rows.
    Classes {
        /// Classes of the target.
        n_classes: usize,
        /// The classes that had rows.
        present: Vec<u32>,
        /// Whether scores become probabilities.
        probabilities: bool,
    },
}

/// A fitted linear model.
#[derive(Debug)]
pub(crate) struct LinearModel {
    /// [outputs, columns]
    pub(crate) coefficients: Array2<f64>,
    pub(crate) intercepts: Vec<f64>,
    pub(crate) output: Output,
    /// Facts about the fit.
    pub(crate) facts: Map<String, Value>,
}

impl LinearModel {
    /// A regressor.
    pub(crate) fn regressor(coefficients: Vec<f64>, intercept: f64, facts: Value) -> Self {
        let shape = (1, coefficients.len());
        let coefficients = Array2::from_shape_vec(shape, coefficients).unwrap_or_default();
        let facts = facts.as_object().cloned().unwrap_or_default();
        Self { coefficients, intercepts: vec![intercept], output: Output::Number, facts }
    }

    /// Fails if products of the features overflowed.
    pub(crate) fn finite(self) -> Result<Box<dyn Fitted>, FitError> {
        if self.coefficients.iter().chain(&self.intercepts).any(|number| !number.is_finite()) {
            return Err(FitError::data("expected features and targets of a smaller size: their products overflowed"));
        }
        Ok(Box::new(self))
    }

    /// Reads what [`Fitted::arrays`] gave.
    pub(crate) fn read(stored: &Arrays, classifies: bool, probabilities: bool) -> Result<Self, StoredError> {
        let matrix = stored.get::<f64>("coef", &[None, None])?;
        let shape = (matrix.shape()[0], matrix.shape()[1]);
        let elements: Vec<f64> = matrix.iter().copied().collect();
        Arrays::finite("coef", &elements)?;
        let intercepts = stored.list::<f64>("intercept", Some(shape.0))?;
        Arrays::finite("intercept", &intercepts)?;
        let (output, outputs) = if classifies {
            let n_classes: usize = stored.field("n_classes")?;
            let present: Vec<u32> = stored.field("classes")?;
            let rising = present.is_sorted_by(|a, b| a < b) && present.iter().all(|it| (*it as usize) < n_classes);
            if present.len() < 2 || !rising {
                let detail = format!("expected rising classes below {n_classes}, at least 2");
                return Err(StoredError::new("classes", detail));
            }
            let outputs = if present.len() == 2 { 1 } else { present.len() };
            (Output::Classes { n_classes, present, probabilities }, outputs)
        } else {
            (Output::Number, 1)
        };
        if shape.0 != outputs {
            return Err(StoredError::new("coef", format!("expected {outputs} rows, received {}", shape.0)));
        }
        let coefficients =
            Array2::from_shape_vec(shape, elements).map_err(|error| StoredError::new("coef", error.to_string()))?;
        Ok(Self { coefficients, intercepts, output, facts: stored.field("facts")? })
    }

    /// Writes the scores of all classes of a row, and answers its label.
    fn classify(&self, raw: &[f64], scores: &mut [f64]) -> u32 {
        let Output::Classes { present, probabilities, .. } = &self.output else {
            scores.copy_from_slice(raw);
            return 0;
        };
        let mut by_class = match raw {
            [score] if *probabilities => vec![0.0, *score],
            [score] => vec![-score, *score],
            all => all.to_vec(),
        };
        // The second of two classes needs a score over 0.
        let label = first_largest(by_class.iter().copied());
        if *probabilities {
            softmax(&mut by_class);
            scores.fill(0.0);
        } else {
            // A class without training rows is below all others.
            scores.fill(by_class.iter().copied().fold(f64::INFINITY, f64::min) - 1.0);
        }
        present.iter().zip(&by_class).for_each(|(&class, &score)| scores[class as usize] = score);
        present[label as usize]
    }
}

impl Fitted for LinearModel {
    fn task(&self) -> Task {
        match self.output {
            Output::Number => Task::Regression,
            Output::Classes { n_classes, .. } => Task::Classification { n_classes },
        }
    }

    fn columns(&self) -> usize {
        self.coefficients.ncols()
    }

    fn predict(&self, features: &Features<'_>, cancel: &AtomicBool) -> Result<Predictions, FitError> {
        const ROWS: usize = 256;
        check_columns(features, self.columns())?;
        let outputs = self.task().outputs();
        let mut scores = Array2::<f64>::zeros((features.rows(), outputs));
        let mut labels = vec![0; features.rows()];
        let lists = (scores.as_slice_mut().unwrap_or_default(), labels.as_mut_slice());
        for_each_pair(lists, (ROWS * outputs, ROWS), |part, scores, labels| {
            check_cancel(cancel)?;
            let count = labels.len();
            let mut raw = vec![0.0; self.intercepts.len() * count];
            let mut x = vec![0.0; count];
            for (raw, intercept) in raw.chunks_exact_mut(count).zip(&self.intercepts) {
                raw.fill(*intercept);
            }
            for (at, column) in features.columns().iter().enumerate() {
                x.iter_mut().zip(column.values.iter().skip(part * ROWS)).for_each(|(to, value)| *to = *value);
                for (raw, coefficient) in raw.chunks_exact_mut(count).zip(self.coefficients.column(at)) {
                    add_multiple(raw, *coefficient, &x);
                }
            }
            let mut of_row = vec![0.0; self.intercepts.len()];
            for (row, (scores, label)) in scores.chunks_exact_mut(outputs).zip(labels).enumerate() {
                of_row.iter_mut().zip(raw.chunks_exact(count)).for_each(|(to, raw)| *to = raw[row]);
                *label = self.classify(&of_row, scores);
            }
            check_scores(scores, outputs, part * ROWS)
        })?;
        Ok(match self.output {
            Output::Number => Predictions::values(scores.into_raw_vec_and_offset().0),
            Output::Classes { probabilities, .. } => {
                let kind = if probabilities { Scores::Probabilities } else { Scores::Decision };
                Predictions { kind, scores, labels }
            }
        })
    }

    fn arrays(&self) -> Arrays {
        let mut arrays = Arrays::default();
        arrays.insert("coef", self.coefficients.clone());
        arrays.insert_list("intercept", self.intercepts.clone());
        arrays.set("facts", self.facts.clone());
        if let Output::Classes { n_classes, present, .. } = &self.output {
            arrays.set("n_classes", *n_classes);
            arrays.set("classes", present.clone());
        }
        arrays
    }

    fn coefficients(&self) -> Option<Coefficients> {
        Some(Coefficients { coefficients: self.coefficients.clone(), intercepts: self.intercepts.clone() })
    }

    fn summary(&self) -> Value {
        Value::Object(self.facts.clone())
    }
}
