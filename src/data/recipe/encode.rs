//! Raw instances of a prediction request as input cells.

use super::feature::{Encoding, Feature};
use crate::{
    data::read::is_missing,
    engine::field::{FieldError, did_you_mean_quoted, escape},
};
use ndarray::Array2;
use serde_json::{Map, Value};

/// Most errors that one answer lists.
const MOST_ERRORS: usize = 20;

/// What a raw record has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    /// Of every input one after the other.
    pub features: &'a [Feature],
    /// The place of each feature's column among the columns of a record; empty where each feature has its own.
    pub places: &'a [usize],
}

impl<'a> Record<'a> {
    /// The place of a feature's column.
    fn place(self, feature: usize) -> usize {
        self.places.get(feature).copied().unwrap_or(feature)
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

    /// Encodes records (by name, in any order) and lists (in the columns' order), mixed as they come.
    pub fn encode(self, instances: &[Value]) -> Result<Array2<f32>, Vec<FieldError>> {
        let width: usize = self.features.iter().map(Feature::width).sum();
        let columns = self.columns().count();
        let mut inputs = vec![0.0; instances.len() * width];
        let mut errors = Vec::new();
        for (index, instance) in instances.iter().enumerate() {
            let row = inputs.get_mut(index * width..(index + 1) * width).unwrap_or_default();
            let mut faults = Faults { index, errors: &mut errors };
            match instance {
                // An image or a sequence may come in its own shape, and several inputs as a list of values each.
                Value::Array(cells) if cells.first().is_some_and(Value::is_array) => {
                    let mut flat = Vec::with_capacity(self.features.len());
                    flatten(cells, &mut flat);
                    self.encode_list(&flat, columns, row, &mut faults);
                }
                Value::Array(cells) if self.places.is_empty() => {
                    encode_list(self.features, cells.iter(), row, &mut faults);
                }
                Value::Array(cells) => self.encode_list(&cells.iter().collect::<Vec<_>>(), columns, row, &mut faults),
                Value::Object(record) => self.encode_record(record, row, &mut faults),
                other => faults.add("", format!("expected a record or a list, received {}", kind(other))),
            }
            if errors.len() >= MOST_ERRORS {
                errors.truncate(MOST_ERRORS);
                break;
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Array2::from_shape_vec((instances.len(), width), inputs)
            .map_err(|error| vec![FieldError::new("/instances", error.to_string())])
    }

    /// Where the value behind the input cell `cell` stands in `instance`.
    pub fn pointer(self, instance: &Value, cell: usize) -> String {
        let mut next = 0;
        let position = self.features.iter().position(|feature| {
            next += feature.width();
            cell < next
        });
        match position.and_then(|position| Some((position, self.features.get(position)?))) {
            Some((_, feature)) if instance.is_object() => format!("/{}", escape(feature.name())),
            Some((position, _)) => format!("/{}", self.place(position)),
            None => String::new(),
        }
    }

    /// A value of each column, or of each feature where several have one column.
    fn encode_list(self, cells: &[&Value], columns: usize, row: &mut [f32], faults: &mut Faults<'_>) {
        if self.places.is_empty() || cells.len() == self.features.len() {
            return encode_list(self.features, cells.iter().copied(), row, faults);
        }
        if cells.len() != columns {
            let received = cells.len();
            faults.add("", format!("expected a list of {columns} values, received {received}"));
            return;
        }
        let mut first = 0;
        for (index, feature) in self.features.iter().enumerate() {
            let next = first + feature.width();
            let place = self.place(index);
            let value = cells.get(place).copied().unwrap_or(&Value::Null);
            if let Err(detail) = encode_cell(feature, value, row.get_mut(first..next).unwrap_or_default()) {
                faults.add_once(&format!("/{place}"), detail);
            }
            first = next;
        }
    }

    fn encode_record(self, record: &Map<String, Value>, row: &mut [f32], faults: &mut Faults<'_>) {
        // most records have the features' own order: looking there first spares the hashing
        let mut in_order = record.iter();
        let mut found = 0;
        let mut columns = 0;
        let mut first = 0;
        for (index, feature) in self.features.iter().enumerate() {
            let next = first + feature.width();
            let cells = row.get_mut(first..next).unwrap_or_default();
            first = next;
            let value = match in_order.next() {
                Some((name, value)) if name == feature.name() => Some(value),
                _ => record.get(feature.name()),
            };
            let is_new = self.place(index) == columns;
            columns += usize::from(is_new);
            let outcome = match value {
                Some(value) => {
                    found += usize::from(is_new);
                    encode_cell(feature, value, cells)
                }
                None => Err(format!("expected {}, but the column is not there", expected(feature))),
            };
            if let Err(detail) = outcome {
                faults.add_once(&format!("/{}", escape(feature.name())), detail);
            }
        }
        if found < record.len() {
            let known = || self.features.iter().map(Feature::name);
            for name in record.keys().filter(|name| known().all(|known| known != name.as_str())) {
                let hint = did_you_mean_quoted(name, known());
                faults.add(
                    &format!("/{}", escape(name)),
                    format!("expected a feature of the model, received {name:?}{hint}"),
                );
            }
        }
    }
}

/// Errors of one instance.
struct Faults<'a> {
    index: usize,
    errors: &'a mut Vec<FieldError>,
}

impl Faults<'_> {
    fn add(&mut self, token: &str, detail: impl Into<String>) {
        if self.errors.len() < MOST_ERRORS {
            self.errors.push(FieldError::new(format!("/instances/{}{token}", self.index), detail));
        }
    }

    /// One error for each place.
    fn add_once(&mut self, token: &str, detail: impl Into<String>) {
        let pointer = format!("/instances/{}{token}", self.index);
        if self.errors.iter().all(|error| error.pointer != pointer) {
            self.add(token, detail);
        }
    }
}

/// The cells of lists within lists, in order.
fn flatten<'a>(cells: &'a [Value], flat: &mut Vec<&'a Value>) {
    for cell in cells {
        match cell {
            Value::Array(cells) => flatten(cells, flat),
            cell => flat.push(cell),
        }
    }
}

fn encode_list<'a>(
    features: &[Feature],
    cells: impl ExactSizeIterator<Item = &'a Value>,
    row: &mut [f32],
    faults: &mut Faults<'_>,
) {
    if cells.len() != features.len() {
        let (expected, received) = (features.len(), cells.len());
        faults.add("", format!("expected a list of {expected} values, received {received}"));
        return;
    }
    let mut first = 0;
    for (position, (feature, value)) in features.iter().zip(cells).enumerate() {
        let next = first + feature.width();
        if let Err(detail) = encode_cell(feature, value, row.get_mut(first..next).unwrap_or_default()) {
            faults.add(&format!("/{position}"), detail);
        }
        first = next;
    }
}

/// Fills the feature's cells, which are zero.
#[inline]
fn encode_cell(feature: &Feature, value: &Value, cells: &mut [f32]) -> Result<(), String> {
    let unexpected = || Err(format!("expected {}, received {}", expected(feature), kind(value)));
    match feature.encoding() {
        Encoding::Number { .. } => {
            let number = match value {
                Value::Number(number) => {
                    let number = number.as_f64().unwrap_or(f64::INFINITY) as f32;
                    if !number.is_finite() {
                        return Err(format!("expected a number within ±{:e}, received {value}", f32::MAX));
                    }
                    number
                }
                Value::Null => f32::NAN,
                _ => return unexpected(),
            };
            let input = feature.number(number);
            if !input.is_finite() {
                return Err(format!("expected a number nearer to those the model was trained on, received {value}"));
            }
            cells.fill(input);
            Ok(())
        }
        Encoding::Boolean { median } => {
            cells.fill(match value {
                Value::Bool(value) => f32::from(u8::from(*value)),
                Value::Null => *median,
                _ => return unexpected(),
            });
            Ok(())
        }
        Encoding::Category(category) => {
            let cell = match value {
                Value::Null => category.missing_cell(),
                Value::String(level) => match category.cell(level) {
                    Some(cell) => Some(cell),
                    // a file writes a missing category so
                    None if is_missing(level) && !category.has(level) => category.missing_cell(),
                    None => None,
                },
                // levels of a column that mixes text with numbers are known by their spelling
                Value::Number(_) | Value::Bool(_) => match value.to_string() {
                    level if category.has(&level) => category.cell(&level),
                    _ => return unexpected(),
                },
                Value::Array(_) | Value::Object(_) => return unexpected(),
            };
            if let Some(one) = cell.and_then(|cell| cells.get_mut(cell)) {
                *one = 1.0;
            }
            Ok(())
        }
    }
}

fn expected(feature: &Feature) -> &'static str {
    match feature.encoding() {
        Encoding::Number { .. } => "a number or null",
        Encoding::Boolean { .. } => "true, false or null",
        Encoding::Category(_) => "text or null",
    }
}

fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if text.chars().count() <= 40 => format!("the text {text:?}"),
        Value::String(_) => "text".into(),
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "an object".into(),
    }
}
