//! Raw instances of a prediction request as input elements.

use super::{
    Output,
    feature::Feature,
    notes::{Notes, PredictionWarning},
    value::{encode_value, kind},
};
use crate::data::read::{number_in, trim};
use crate::engine::{
    field::{FieldError, FieldErrors, did_you_mean_quoted, escape},
    real::Real,
    shape::Shape,
};
use ndarray::Array2;
use serde_json::{Map, Value};
use std::collections::HashSet;

/// Encoded instances.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoded<F> {
    /// [instances, columns of the inputs].
    pub inputs: Array2<F>,
    /// Whether each instance is a record, and not a list.
    pub records: Vec<bool>,
    /// The first values that were not taken at face value.
    pub warnings: Vec<PredictionWarning>,
}

/// The columns of a raw record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    /// Of every input one after the other.
    pub features: &'a [Feature],
    /// The place of each feature's column among the columns of a record; empty where each feature has its own.
    pub places: &'a [usize],
    /// The shape of each input.
    pub shapes: &'a [Shape],
    /// What the model predicts.
    pub outputs: &'a [Output],
    /// Texts of missing values beside the usual ones.
    pub missing: &'a [String],
}

impl<'a> Record<'a> {
    /// The value, or null where the data that the model learned from spelled a missing one so.
    fn read(self, value: &Value) -> &Value {
        let is_missing = match value {
            _ if self.missing.is_empty() => false,
            Value::String(text) => self.missing.iter().any(|missing| missing == trim(text)),
            Value::Number(number) => number
                .as_f64()
                .is_some_and(|number| self.missing.iter().any(|missing| number_in(missing) == Some(number))),
            _ => false,
        };
        if is_missing { &Value::Null } else { value }
    }

    /// The place of a feature's column.
    fn place(self, feature: usize) -> usize {
        self.places.get(feature).copied().unwrap_or(feature)
    }

    /// Whether the model predicts this column.
    fn is_target(self, name: &str) -> bool {
        self.outputs.iter().flat_map(|output| &output.targets).any(|target| target.name() == name)
    }

    /// A feature of each column, in the order of list instances.
    pub fn columns(self) -> impl Iterator<Item = &'a Feature> {
        let mut next = 0;
        let first_of_its_column = move |(index, _): &(usize, &Feature)| {
            let is_new = self.place(*index) == next;
            next += usize::from(is_new);
            is_new
        };
        self.features.iter().enumerate().filter(first_of_its_column).map(|(_, feature)| feature)
    }

    /// Where the value behind the column `column` of the inputs is in a record, or in a list.
    pub fn pointer(self, is_record: bool, column: usize) -> String {
        let mut next = 0;
        let position = self.features.iter().position(|feature| {
            next += feature.column_count();
            column < next
        });
        let column = position.unwrap_or(self.features.len());
        match self.features.get(column) {
            Some(feature) if is_record => format!("/{}", escape(feature.name())),
            Some(_) => format!("/{}", self.place(column)),
            None => String::new(),
        }
    }

    /// The number of features of each input.
    fn features_of_inputs(self) -> Vec<usize> {
        let mut features = self.features.iter();
        let count = |shape: &Shape| {
            let (mut elements, mut count) = (0, 0);
            while elements < shape.elements() {
                let Some(feature) = features.next() else { break };
                elements += feature.width();
                count += 1;
            }
            count
        };
        self.shapes.iter().map(count).collect()
    }

    /// The values of a nested instance in order: one input in its shape, or of each of several inputs its values, flat or in
    /// its shape.
    fn flat(self, instance: &Value) -> Result<Vec<&Value>, String> {
        let mut flat = Vec::with_capacity(self.features.len());
        let counts = self.features_of_inputs();
        match (self.shapes, counts.as_slice(), instance) {
            ([shape], [count], _) => self.flat_input(instance, shape, *count, &mut flat)?,
            (shapes, counts, Value::Array(inputs)) if shapes.len() > 1 => {
                if inputs.len() != shapes.len() {
                    let (expected, received) = (shapes.len(), inputs.len());
                    return Err(format!("expected the values of each of {expected} inputs, received {received} lists"));
                }
                for (index, ((values, shape), count)) in inputs.iter().zip(shapes).zip(counts).enumerate() {
                    self.flat_input(values, shape, *count, &mut flat)
                        .map_err(|detail| format!("input {index}: {detail}"))?;
                }
            }
            _ => {
                return Err(format!("expected a list of {} values, received lists within a list", self.features.len()));
            }
        }
        Ok(flat)
    }

    /// The values of one input, which come flat or in its shape.
    fn flat_input<'v>(
        self,
        value: &'v Value,
        shape: &Shape,
        count: usize,
        flat: &mut Vec<&'v Value>,
    ) -> Result<(), String> {
        let received = shape_of(value);
        // Where features take several elements each, the shape is not that of the values.
        let in_shape = shape.elements() == count && received.as_deref() == Some(shape.0.as_slice());
        if !in_shape && received.as_deref() != Some(&[count]) {
            let received =
                received.map_or_else(|| "lists of different lengths".to_owned(), |axes| format!("the shape {axes:?}"));
            let expected = match shape.0.as_slice() {
                [_] => format!("a list of {count} values"),
                axes if shape.elements() == count => format!("the shape {axes:?} or {count} values"),
                _ => format!("a list of {count} values"),
            };
            return Err(format!("expected {expected}, received {received}"));
        }
        flatten(value, flat);
        Ok(())
    }

    /// A value of each column, or of each feature where several have one column.
    fn encode_list<F: Real>(self, values: &[&Value], columns: usize, row: &mut [F], notes: &mut Notes) {
        let each_feature = self.places.is_empty() || values.len() == self.features.len();
        if !each_feature && values.len() != columns || each_feature && values.len() != self.features.len() {
            let expected = if self.places.is_empty() { self.features.len() } else { columns };
            let received = values.len();
            notes.error("", format!("expected a list of {expected} values, received {received}"));
            return;
        }
        let mut rest = row;
        for (index, feature) in self.features.iter().enumerate() {
            let (columns, after) = rest.split_at_mut_checked(feature.column_count()).unwrap_or_default();
            rest = after;
            let place = if each_feature { index } else { self.place(index) };
            let value = values.get(place).copied().unwrap_or(&Value::Null);
            encode_value(feature, self.read(value), columns, notes, || format!("/{place}"));
        }
    }

    fn encode_record<F: Real>(self, record: &Map<String, Value>, row: &mut [F], notes: &mut Notes) {
        // most records have the features' own order: looking there first spares the hashing
        let mut in_order = record.iter();
        let mut found = 0;
        let mut columns = 0;
        let mut rest = row;
        for (index, feature) in self.features.iter().enumerate() {
            let (elements, after) = rest.split_at_mut_checked(feature.column_count()).unwrap_or_default();
            rest = after;
            let value = match in_order.next() {
                Some((name, value)) if name == feature.name() => Some(value),
                _ => record.get(feature.name()),
            };
            let is_new = self.place(index) == columns;
            columns += usize::from(is_new);
            found += usize::from(is_new && value.is_some());
            let pointer = || format!("/{}", escape(feature.name()));
            if value.is_none() && is_new {
                let detail = format!("{:?} is not in the record and is taken as missing", feature.name());
                notes.warn("missing_column", pointer, detail);
            }
            encode_value(feature, value.map_or(&Value::Null, |value| self.read(value)), elements, notes, pointer);
        }
        if found < record.len() {
            let known: HashSet<&str> = self.features.iter().map(Feature::name).collect();
            for name in record.keys().filter(|name| !known.contains(name.as_str())) {
                if self.is_target(name) {
                    let detail = format!("{name:?} is what the model predicts: it is ignored");
                    notes.warn("target_in_record", || format!("/{}", escape(name)), detail);
                    continue;
                }
                let hint = match notes.lists_more() {
                    true => did_you_mean_quoted(name, self.features.iter().map(Feature::name)),
                    false => String::new(),
                };
                notes.error(
                    &format!("/{}", escape(name)),
                    format!("expected a feature of the model, received {name:?}{hint}"),
                );
            }
        }
    }
}

/// Encodes instances one after the other, so that no more than one of them is in memory as JSON.
pub struct Encoder<'a, F> {
    record: Record<'a>,
    columns: usize,
    width: usize,
    inputs: Vec<F>,
    records: Vec<bool>,
    notes: Notes,
}

impl<'a, F: Real> Encoder<'a, F> {
    pub(super) fn new(record: Record<'a>, instances: usize) -> Self {
        let width = record.features.iter().map(Feature::column_count).sum();
        let columns = record.columns().count();
        let notes = Notes::new();
        let inputs = Vec::with_capacity(instances.saturating_mul(width));
        Self { record, columns, width, inputs, records: Vec::with_capacity(instances), notes }
    }

    /// Encodes a record (by name, in any order) or a list (in the columns' order).
    pub fn push(&mut self, instance: &Value) {
        let Self { record, columns, notes, .. } = self;
        let index = self.records.len();
        self.records.push(instance.is_object());
        self.inputs.resize((index + 1) * self.width, F::ZERO);
        let row = self.inputs.get_mut(index * self.width..).unwrap_or_default();
        notes.index = index;
        match instance {
            // An image or a sequence may come in its own shape, and several inputs as a list of values each.
            Value::Array(values) if values.first().is_some_and(Value::is_array) => match record.flat(instance) {
                Ok(flat) => record.encode_list(&flat, *columns, row, notes),
                Err(detail) => notes.error("", detail),
            },
            Value::Array(values) => record.encode_list(&values.iter().collect::<Vec<_>>(), *columns, row, notes),
            Value::Object(values) => record.encode_record(values, row, notes),
            other => notes.error("", format!("expected a record or a list, received {}", kind(other))),
        }
    }

    /// The encoded instances, or what is wrong with them.
    pub fn finish(self) -> Result<Encoded<F>, FieldErrors> {
        let Notes { errors, warnings, .. } = self.notes;
        if errors.count() > 0 {
            return Err(errors);
        }
        let inputs = Array2::from_shape_vec((self.records.len(), self.width), self.inputs)
            .map_err(|error| FieldErrors::from(vec![FieldError::new("/instances", error.to_string())]))?;
        Ok(Encoded { inputs, records: self.records, warnings })
    }
}

/// The shape of lists within lists; `None` if lists beside each other differ.
fn shape_of(value: &Value) -> Option<Vec<usize>> {
    let Value::Array(values) = value else { return Some(Vec::new()) };
    let mut shapes = values.iter().map(shape_of);
    let first = shapes.next().unwrap_or(Some(Vec::new()))?;
    if shapes.any(|shape| shape.as_ref() != Some(&first)) {
        return None;
    }
    Some([vec![values.len()], first].concat())
}

/// The values of lists within lists, in order.
fn flatten<'a>(value: &'a Value, flat: &mut Vec<&'a Value>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| flatten(value, flat)),
        value => flat.push(value),
    }
}
