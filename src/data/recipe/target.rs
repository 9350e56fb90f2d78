//! One target: class labels or a number.

use super::{
    OutputTargets, SignatureColumn, Task,
    cells::numbers,
    scale::{Scaler, expected_of_scale},
};
use crate::{
    data::{
        read::MAX_LISTED_INTEGERS,
        schema::{Column, ColumnType},
        table::{Cells, MISSING, TableColumn},
    },
    engine::{cancel::until_cancelled, fit::Rescale},
};
use ndarray::ArrayViewMut2;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};

/// What one target column is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Target {
    name: String,
    #[serde(rename = "type")]
    kind: ColumnType,
    /// Class labels in label order; empty for a regression, and for a step or position whose cells are indices.
    labels: Vec<Value>,
    /// Where cells are the indices of classes themselves: how many classes there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    indices: Option<usize>,
    /// The index among these that the loss leaves out, which need not be that of a class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ignore_class: Option<i64>,
    /// How the numbers of a regression are scaled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    scale: Vec<Scaler>,
}

/// Whether the numbers of a column are the indices of units, as Keras takes labels: whole numbers from 0 to less than `units`,
/// or the index that the loss leaves out. Labels as many as the units stand for these in their order, whatever they are.
pub fn indices(column: &Column, units: usize, ignore_class: Option<i64>) -> bool {
    let is_index = |label: &Value| {
        let index = label.as_i64();
        index.is_some_and(|index| (0..units as i64).contains(&index) || ignore_class == Some(index))
    };
    let within = || column.minimum() >= Some(0.0) && column.maximum() <= Some(units as f64 - 1.0);
    column.kind == ColumnType::Number
        && match &column.values {
            Some(values) => !values.is_empty() && values.iter().all(|level| is_index(&level.value)),
            // So many integers are not listed, and each is checked as it is encoded; fewer numbers are no integers.
            None => column.distinct > MAX_LISTED_INTEGERS as u64 && within(),
        }
}

/// The labels of columns of text in label order, each once; `None` where one of them is no text, or has too many levels to list.
pub fn tags(columns: &[&Column]) -> Option<Vec<Value>> {
    let mut all = BTreeSet::new();
    for column in columns {
        all.extend(column.levels()?);
    }
    Some(all.into_iter().map(Value::from).collect())
}

impl Target {
    /// The target of a column; `tags` are the labels of all columns together, where each is that of a step and they are text.
    pub fn new(column: &Column, output: &OutputTargets<'_>, tags: &[Value]) -> Result<Self, String> {
        let OutputTargets { task, ignore_class, .. } = *output;
        let units = output.shape.last();
        let by_index = match task {
            Task::StepClasses => tags.is_empty(),
            Task::SparseClasses | Task::OneHotClasses | Task::Margins => indices(column, units, ignore_class),
            Task::Binary | Task::Margin | Task::Regression | Task::OneHotColumns | Task::LabelColumns | Task::Raw => {
                false
            }
        };
        let labels = match (task, &column.values) {
            (task, _) if task.learns_numbers() || task == Task::Raw => Vec::new(),
            (Task::StepClasses, _) => tags.to_vec(),
            _ if by_index => (0..units).map(Value::from).collect(),
            (_, Some(values)) => values.iter().map(|level| level.value.clone()).collect(),
            (_, None) => {
                let (name, distinct) = (&column.name, column.distinct);
                return Err(format!("expected class labels, but {name:?} has {distinct} different values"));
            }
        };
        let (name, indices) = (column.name.clone(), by_index.then_some(units));
        let ignore_class = ignore_class.filter(|_| by_index);
        Ok(Self { name, kind: column.kind, labels, indices, ignore_class, scale: Vec::new() })
    }

    /// Fits the scale of a regression on the rows `training`. Numbers that are all equal are moved only, as scikit-learn's scalers do.
    pub fn scaled(self, output: &OutputTargets<'_>, column: Option<&TableColumn>, training: &[usize]) -> Self {
        let Some(column) = column.filter(|_| output.task == Task::Regression && !output.scale.is_none()) else {
            return self;
        };
        let cells = numbers(&column.cells);
        let values: Vec<f64> = training.iter().map(|&row| cells.get(row)).filter(|value| !value.is_nan()).collect();
        let scale = if values.is_empty() { Vec::new() } else { output.scale.fit(values) };
        Self { scale, ..self }
    }

    /// Whether the network learns scaled numbers.
    pub fn is_scaled(&self) -> bool {
        !self.scale.is_empty()
    }

    /// How the network's numbers become those of the target.
    pub fn rescale(&self) -> Vec<Rescale> {
        self.scale.iter().rev().filter_map(Scaler::inverse).collect()
    }

    /// The column's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Class labels in label order.
    pub fn labels(&self) -> &[Value] {
        &self.labels
    }

    /// Target elements.
    pub fn width(&self, task: Task) -> usize {
        if task.is_one_hot() { self.labels.len() } else { 1 }
    }

    /// Its column in the signature.
    pub fn signature(&self) -> SignatureColumn {
        let levels = (!self.labels.is_empty()).then(|| self.labels.clone());
        SignatureColumn { name: self.name.clone(), output: None, kind: self.kind, levels }
    }

    /// Fills `targets` [rows, width], which is zero.
    pub fn encode(
        &self,
        task: Task,
        column: Option<&TableColumn>,
        rows: &[usize],
        mut targets: ArrayViewMut2<'_, f32>,
    ) -> Result<(), String> {
        if task.learns_numbers() {
            let column = column.ok_or_else(|| self.absent())?;
            for (target, &row) in targets.iter_mut().zip(until_cancelled(rows.iter())) {
                let number = number(column, row).ok_or_else(|| self.missing(row))?;
                let scaled = self.scale.iter().fold(number, |number, step| step.apply(number)) as f32;
                *target = Some(scaled).filter(|scaled| scaled.is_finite()).ok_or_else(|| {
                    let expected = expected_of_scale(&self.scale);
                    format!(
                        "row {}: expected {expected} in the target column {:?}, received {number}",
                        row + 1,
                        self.name
                    )
                })?;
            }
            return Ok(());
        }
        if let (Some(units), false) = (self.indices, task.is_one_hot()) {
            let column = column.ok_or_else(|| self.absent())?;
            for (target, &row) in targets.iter_mut().zip(until_cancelled(rows.iter())) {
                let index = number(column, row).ok_or_else(|| self.missing(row))?;
                *target = self.is_index(index, units).then_some(index as f32).ok_or_else(|| {
                    let (last, name) = (units.saturating_sub(1), &self.name);
                    let received = Value::from(index);
                    format!("row {}: expected a class index from 0 to {last} in {name:?}, received {received}", row + 1)
                })?;
            }
            return Ok(());
        }
        for (mut target, class) in targets.rows_mut().into_iter().zip(self.classes(column, rows)?) {
            let (cell, value) = if task.is_one_hot() { (class, 1.0) } else { (0, class as f32) };
            if let Some(cell) = target.get_mut(cell) {
                *cell = value;
            }
        }
        Ok(())
    }

    /// The number of each row.
    pub fn numbers(&self, column: Option<&TableColumn>, rows: &[usize]) -> Result<Vec<f64>, String> {
        let column = column.ok_or_else(|| self.absent())?;
        until_cancelled(rows.iter()).map(|&row| number(column, row).ok_or_else(|| self.missing(row))).collect()
    }

    /// Whether a number is the index of one of `units` classes, or the one that the loss leaves out.
    fn is_index(&self, number: f64, units: usize) -> bool {
        let is_class = number.fract() == 0.0 && number >= 0.0 && number < units as f64;
        is_class || self.ignore_class.is_some_and(|ignored| number == ignored as f64)
    }

    /// The class of each row, as an index into the labels; one past them where the loss leaves out what is no class.
    pub fn classes(&self, column: Option<&TableColumn>, rows: &[usize]) -> Result<Vec<usize>, String> {
        let column = column.ok_or_else(|| self.absent())?;
        let unknown = |row: usize, received: &Value| {
            let expected = self.labels.iter().map(Value::to_string).collect::<Vec<_>>().join(", ");
            format!("row {}: expected one of the labels {expected} of {:?}, received {received}", row + 1, self.name)
        };
        match &column.cells {
            Cells::Category { codes, levels } => {
                let places: HashMap<&str, usize> = self
                    .labels
                    .iter()
                    .enumerate()
                    .filter_map(|(class, label)| Some((label.as_str()?, class)))
                    .collect();
                let class_of: Vec<_> = levels.iter().map(|level| places.get(level.as_str()).copied()).collect();
                let class = |&row: &usize| match codes.get(row) {
                    None | Some(&MISSING) => Err(self.missing(row)),
                    Some(&code) => class_of
                        .get(code as usize)
                        .copied()
                        .flatten()
                        .ok_or_else(|| unknown(row, &Value::from(levels.get(code as usize).map(String::as_str)))),
                };
                until_cancelled(rows.iter()).map(class).collect()
            }
            Cells::Number(values) | Cells::Datetime(values) => {
                // labels are distinct as f64: the resolver refuses others
                let places: HashMap<u64, usize> = self
                    .labels
                    .iter()
                    .enumerate()
                    .filter_map(|(class, label)| Some((key(label.as_f64()?), class)))
                    .collect();
                let class = |&row: &usize| match values.get(row) {
                    None => Err(self.missing(row)),
                    Some(value) if value.is_nan() => Err(self.missing(row)),
                    Some(&value) if self.ignore_class.is_some_and(|ignored| ignored as f64 == value) => {
                        Ok(places.get(&key(value)).copied().unwrap_or(self.labels.len()))
                    }
                    Some(&value) => places.get(&key(value)).copied().ok_or_else(|| unknown(row, &Value::from(value))),
                };
                until_cancelled(rows.iter()).map(class).collect()
            }
            Cells::Boolean(values) => {
                let class = |&row: &usize| match values.get(row).copied().flatten() {
                    None => Err(self.missing(row)),
                    Some(value) => {
                        let label = Value::Bool(value);
                        self.labels.iter().position(|known| *known == label).ok_or_else(|| unknown(row, &label))
                    }
                };
                until_cancelled(rows.iter()).map(class).collect()
            }
        }
    }

    fn absent(&self) -> String {
        format!("expected the target column {:?}, but the table does not have it", self.name)
    }

    fn missing(&self, row: usize) -> String {
        format!("row {}: expected a value in the target column {:?}, but it is missing", row + 1, self.name)
    }
}

/// -0 and 0 are one label.
fn key(value: f64) -> u64 {
    (value + 0.0).to_bits()
}

fn number(column: &TableColumn, row: usize) -> Option<f64> {
    match &column.cells {
        Cells::Number(values) | Cells::Datetime(values) => values.get(row).copied().filter(|value| !value.is_nan()),
        Cells::Boolean(values) => values.get(row).copied().flatten().map(|value| f64::from(u8::from(value))),
        Cells::Category { .. } => None,
    }
}
