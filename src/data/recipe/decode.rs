//! Predictions from the network's output.

use super::{Logits, Output, Recipe, Task, json_number, probabilities::to_probabilities, target::Target};
use crate::data::named::Named;
use ndarray::{ArrayView1, ArrayView2, CowArray, Ix2, s};
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::sync::Arc;

/// One instance's answer.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum Prediction {
    /// A classifier's.
    Class {
        /// The most probable label.
        label: Value,
        /// Every label's probability, in label order.
        #[schema(value_type = std::collections::HashMap<String, f32>)]
        probabilities: Probabilities,
    },
    /// That of a classifier whose one output is a score, no probability.
    Score {
        /// The label on the score's side of 0.
        label: Value,
        /// How far on that side it is: over 0 for the second label in label order.
        #[schema(value_type = f32)]
        score: Value,
    },
    /// That of a classifier whose outputs are a score a label.
    Scores {
        /// The label of the largest score, or of the most pairs.
        label: Value,
        /// Every label's score, in label order; of an `svm` with `ovo` that of every pair of labels (`a/b`), over 0 for the first one.
        #[schema(value_type = std::collections::HashMap<String, f32>)]
        scores: Probabilities,
    },
    /// That of a classifier of each step or position.
    Steps {
        /// The most probable class at each step, in the order of the target columns: its label where these are text, else its
        /// index. For an output of more axes, lists within lists as the output's shape has them.
        #[schema(value_type = Vec<Value>)]
        labels: Value,
        /// At each step the probability of every class, in the order of the labels or indices.
        #[schema(value_type = Vec<Value>)]
        probabilities: Value,
    },
    /// A regression's, or that of an output without a target; an object by target name where there are several targets, and
    /// lists in the output's shape where there is none.
    Value {
        /// The predicted value.
        value: Value,
    },
    /// Of a model with several outputs: each one's answer by the output's name.
    #[schema(value_type = std::collections::HashMap<String, Object>)]
    Outputs(Named<Prediction>),
}

/// Probabilities or scores by label, in label order. Numbers are written straight from the model's output, with the digits that tell
/// them from every other of their precision.
#[derive(Debug, Clone, PartialEq)]
pub struct Probabilities {
    labels: Arc<[String]>,
    values: Values,
}

/// Numbers of a network or of a classical model.
#[derive(Debug, Clone, PartialEq)]
enum Values {
    Single(Vec<f32>),
    Double(Vec<f64>),
}

impl Probabilities {
    /// Numbers of a network.
    fn new(labels: Arc<[String]>, values: Vec<f32>) -> Self {
        Self { labels, values: Values::Single(values) }
    }

    /// Numbers of a classical model.
    pub(super) fn of_reals(labels: Arc<[String]>, values: Vec<f64>) -> Self {
        Self { labels, values: Values::Double(values) }
    }
}

impl Serialize for Probabilities {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let labels = self.labels.iter();
        match &self.values {
            Values::Single(values) => serializer.collect_map(labels.zip(values)),
            Values::Double(values) => serializer.collect_map(labels.zip(values)),
        }
    }
}

/// Answers for the outputs side by side, [rows, elements of every output].
pub(super) fn decode_several(outputs: &[Output], output: ArrayView2<'_, f32>, cells: &[usize]) -> Vec<Prediction> {
    let mut first = 0;
    let mut answers: Vec<Vec<(String, Prediction)>> = vec![Vec::with_capacity(outputs.len()); output.nrows()];
    for (of, cells) in outputs.iter().zip(cells) {
        let mine = output.slice(s![.., first..first + cells]);
        first += cells;
        for (answer, prediction) in answers.iter_mut().zip(decode(of, mine)) {
            answer.push((of.name.clone(), prediction));
        }
    }
    answers.into_iter().map(|answer| Prediction::Outputs(Named(answer))).collect()
}

/// Predictions for `output` [rows, output elements].
pub(super) fn decode(of: &Output, output: ArrayView2<'_, f32>) -> Vec<Prediction> {
    let Output { task, targets, .. } = of;
    let task = *task;
    let labels = targets.first().map(Target::labels).unwrap_or_default();
    let keys: Arc<[String]> = labels.iter().map(label_text).collect();
    of.answers(output)
        .rows()
        .into_iter()
        .map(|row| match task {
            Task::Regression | Task::OneHotColumns | Task::LabelColumns => {
                Prediction::Value { value: values(targets, row) }
            }
            Task::Raw => Prediction::Value { value: raw(row, &of.axes) },
            Task::Margin => {
                let score = row.first().copied().unwrap_or(f32::NAN);
                Prediction::Score { label: label(labels, task, row), score: json_number(score) }
            }
            Task::Binary => {
                let mut positive = [row.first().copied().unwrap_or(f32::NAN)];
                to_probabilities(&mut positive);
                let [positive] = positive;
                let values = vec![1.0 - positive, positive];
                let probabilities = Probabilities::new(Arc::clone(&keys), values);
                Prediction::Class { label: label(labels, task, row), probabilities }
            }
            Task::SparseClasses | Task::OneHotClasses => {
                let mut values = row.to_vec();
                to_probabilities(&mut values);
                let probabilities = Probabilities::new(Arc::clone(&keys), values);
                Prediction::Class { label: label(labels, task, row), probabilities }
            }
            Task::StepClasses => steps(labels, row, &of.axes),
            Task::Margins => {
                let scores = Probabilities::new(Arc::clone(&keys), row.to_vec());
                Prediction::Scores { label: label(labels, task, row), scores }
            }
        })
        .collect()
}

impl Output {
    /// The network's output, as probabilities if it is logits.
    pub(super) fn answers<'o>(&self, output: ArrayView2<'o, f32>) -> CowArray<'o, f32, Ix2> {
        let Some(Logits { activation, width }) = self.logits else { return output.into() };
        let mut answers = output.as_standard_layout().into_owned();
        if let Some(cells) = answers.as_slice_mut() {
            activation.forward(cells, width);
        }
        answers.into()
    }
}

impl Recipe {
    /// What each row of `output` [rows, elements] says where there is one output with one target: its class, as an index into
    /// [`Recipe::labels`], or its number in the target's own units.
    pub fn points(&self, output: ArrayView2<'_, f32>) -> Option<Vec<f64>> {
        let [of] = self.outputs.as_slice() else { return None };
        let [target] = of.targets.as_slice() else { return None };
        let steps = target.rescale();
        let rescale = |value: f32| steps.iter().fold(f64::from(value), |value, step| step.apply(value));
        let answers = of.answers(output);
        let rows = answers.rows().into_iter();
        match of.task {
            Task::Regression => rows.map(|row| row.first().map(|value| rescale(*value))).collect(),
            task if task.has_one_label() => Some(rows.map(|row| chosen(task, row) as f64).collect()),
            _ => None,
        }
    }
}

/// A label as the key of an object: text unchanged, numbers and booleans as in JSON.
pub(crate) fn label_text(label: &Value) -> String {
    label.as_str().map_or_else(|| label.to_string(), str::to_owned)
}

fn label(labels: &[Value], task: Task, row: ArrayView1<'_, f32>) -> Value {
    labels.get(chosen(task, row)).cloned().unwrap_or_default()
}

/// The class that a row of outputs says, as an index into the labels.
pub(super) fn chosen(task: Task, row: ArrayView1<'_, f32>) -> usize {
    let over = |bound: f32| usize::from(row.first().is_some_and(|&value| value > bound));
    match task {
        Task::Binary => over(0.5),
        Task::Margin => over(0.0),
        // the first of equals, as argmax and Keras's threshold (above one half) have it
        Task::SparseClasses
        | Task::OneHotClasses
        | Task::Margins
        | Task::StepClasses
        | Task::Regression
        | Task::OneHotColumns
        | Task::LabelColumns
        | Task::Raw => {
            let mut best = (0, row.first().copied().unwrap_or(f32::NAN));
            for (class, &value) in row.iter().enumerate() {
                if value > best.1 {
                    best = (class, value);
                }
            }
            best.0
        }
    }
}

/// A class for each step or position of an output of these axes, the last of which has the classes: its label, or its index where
/// there are no labels.
fn steps(labels: &[Value], row: ArrayView1<'_, f32>, axes: &[usize]) -> Prediction {
    let (classes, positions) = axes.split_last().map_or((1, axes), |(&classes, positions)| (classes.max(1), positions));
    let mut cells = row.to_vec();
    let of_step = |step: &[f32]| {
        let class = chosen(Task::StepClasses, ArrayView1::from(step));
        labels.get(class).cloned().unwrap_or_else(|| Value::from(class))
    };
    let chosen: Vec<Value> = cells.chunks(classes).map(of_step).collect();
    cells.chunks_mut(classes).for_each(to_probabilities);
    let probabilities = cells.iter().map(|&probability| json_number(probability));
    Prediction::Steps { labels: nested(chosen, positions), probabilities: nested(probabilities.collect(), axes) }
}

/// Values in row-major order as lists within lists.
fn nested(mut values: Vec<Value>, axes: &[usize]) -> Value {
    for &size in axes.iter().skip(1).rev() {
        values = values.chunks(size.max(1)).map(|values| Value::from(values.to_vec())).collect();
    }
    Value::from(values)
}

/// The values of an output of these axes as lists within lists; one alone as a number.
fn raw(row: ArrayView1<'_, f32>, axes: &[usize]) -> Value {
    match axes {
        [1] => row.first().map_or(Value::Null, |&value| json_number(value)),
        _ => nested(row.iter().map(|&value| json_number(value)).collect(), axes),
    }
}

fn values(targets: &[Target], row: ArrayView1<'_, f32>) -> Value {
    match targets {
        [target] => row.first().map_or(Value::Null, |&value| number(target, value)),
        _ => Value::Object(
            targets.iter().zip(row).map(|(target, &value)| (target.name().to_owned(), number(target, value))).collect(),
        ),
    }
}

/// A number of the network in the target's own units, with the digits of an `f32` where these say as much.
fn number(target: &Target, value: f32) -> Value {
    if !target.is_scaled() {
        return json_number(value);
    }
    let rescale = |value: f64| target.rescale().iter().fold(value, |value, step| step.apply(value));
    let exact = rescale(f64::from(value));
    // one f32 step of the network's output, in the target's units
    let step = (rescale(f64::from(value.next_up())) - exact).abs();
    if (f64::from(exact as f32) - exact).abs() <= step { json_number(exact as f32) } else { Value::from(exact) }
}
