//! [`Matrix`]: the inputs as a classical model reads them, column by column.

use super::{
    Prediction, Recipe,
    decode::{Probabilities, label_text},
    feature::{Encoding, Feature},
    json::json_real,
    target::Target,
};
use crate::{
    data::table::Table,
    engine::{
        classical::{Column, Features, FitError, Predictions, Scores},
        field::FieldError,
        input_layout::InputColumn,
    },
};
use ndarray::{Array2, Axis};
use serde_json::Value;
use std::{ops::Range, sync::Arc};

/// Levels of a category beyond which a model does not divide them in sets: their places are numbers then.
const MAX_LEVELS: usize = 255;

/// Prepared rows, column by column.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    /// [columns, rows]
    values: Array2<f64>,
    /// The number of levels of a column of codes.
    levels: Vec<Option<usize>>,
}

impl Matrix {
    /// The columns.
    ///
    /// # Errors
    /// None: all columns have as many rows.
    pub fn features(&self) -> Result<Features<'_>, FitError> {
        let columns = self.values.axis_iter(Axis(0)).zip(&self.levels);
        Features::new(self.values.ncols(), columns.map(|(values, levels)| Column { values, levels: *levels }).collect())
    }

    /// Those of some rows.
    ///
    /// # Errors
    /// None: all columns have as many rows.
    pub fn features_of(&self, rows: Range<usize>) -> Result<Features<'_>, FitError> {
        let count = rows.len();
        let part = self.values.slice(ndarray::s![.., rows]);
        let columns = (0..part.nrows()).zip(&self.levels);
        let columns =
            columns.map(|(index, levels)| Column { values: part.index_axis_move(Axis(0), index), levels: *levels });
        Features::new(count, columns.collect())
    }

    /// The rows at these positions.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        Self { values: self.values.select(Axis(1), rows), levels: self.levels.clone() }
    }

    /// Gives the columns `columns` in each row the cells that `from` has in row `order[row]`.
    pub fn permute(&mut self, columns: Range<usize>, from: &Self, order: &[usize]) {
        let own = self.values.axis_iter_mut(Axis(0)).zip(from.values.axis_iter(Axis(0)));
        for (mut own, from) in own.skip(columns.start).take(columns.len()) {
            own.iter_mut().zip(order).for_each(|(cell, row)| *cell = from.get(*row).copied().unwrap_or(f64::NAN));
        }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.values.ncols()
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.values.nrows()
    }
}

impl Recipe {
    /// Encoded inputs [rows, columns of the inputs] as a matrix. Where `native`, categories stay codes; a one-hot category is a
    /// column per level in any case.
    pub fn matrix(&self, inputs: Array2<f64>, native: bool) -> Matrix {
        let kinds: Vec<(InputColumn, Option<usize>)> = self.features.iter().flat_map(kinds).collect();
        let width = kinds.iter().map(|(column, _)| column.width()).sum();
        let mut values = Array2::zeros((width, inputs.nrows()));
        let mut levels = Vec::with_capacity(width);
        for ((kind, count), input) in kinds.iter().zip(inputs.columns()) {
            let first = levels.len();
            match kind {
                InputColumn::Number => {
                    let count = count.filter(|count| native && *count <= MAX_LEVELS);
                    let mut column = values.row_mut(first);
                    column.assign(&input);
                    if count.is_some() {
                        // An unseen level is as a missing one.
                        column.iter_mut().filter(|code| **code < 0.0).for_each(|code| *code = f64::NAN);
                    }
                    levels.push(count);
                }
                InputColumn::OneHot(elements) => {
                    for (row, code) in input.iter().enumerate().filter(|(_, code)| **code >= 0.0) {
                        if let Some(element) = values.get_mut((first + *code as usize, row)) {
                            *element = 1.0;
                        }
                    }
                    levels.extend(std::iter::repeat_n(None, *elements));
                }
            }
        }
        Matrix { values, levels }
    }

    /// The names of the columns of [`Self::matrix`]: the column's own, with the level of a one-hot category (`city=Rome`), the part of
    /// a date or the number of the element (`day[2]`).
    pub fn matrix_columns(&self) -> Vec<String> {
        let of_feature = |feature: &Feature| -> Vec<String> {
            let name = feature.name();
            match feature.encoding() {
                Encoding::OneHot(one_hot) => {
                    let levels = one_hot.levels.names().iter().map(|level| format!("{name}={level}"));
                    let missing = (one_hot.width() > one_hot.levels.len()).then(|| format!("{name}=missing"));
                    levels.chain(missing).collect()
                }
                Encoding::Datetime(dates) => {
                    dates.element_names().iter().map(|part| format!("{name}.{part}")).collect()
                }
                Encoding::Number(_) | Encoding::Boolean(_) | Encoding::Ordinal(_) | Encoding::Embedding(_) => {
                    let missing = (feature.width() > 1).then(|| format!("{name}=missing"));
                    std::iter::once(name.to_owned()).chain(missing).collect()
                }
                Encoding::Hashing(_) | Encoding::Target(_) if feature.width() == 1 => vec![name.to_owned()],
                Encoding::Hashing(_) | Encoding::Target(_) => {
                    (0..feature.width()).map(|element| format!("{name}[{element}]")).collect()
                }
            }
        };
        self.features.iter().flat_map(of_feature).collect()
    }

    /// A number of a column of [`Self::matrix`] as the table has it, where numbers are moved to keep them apart for trees.
    pub fn in_units_of_table(&self, column: usize, number: f64) -> f64 {
        let mut first = 0;
        let at = self.features.iter().find_map(|feature| {
            let element = column.checked_sub(first)?;
            first += feature.width();
            (element < feature.width()).then_some((feature, element))
        });
        let numbers = at.and_then(|(feature, element)| match feature.encoding() {
            Encoding::Number(numbers) if element == 0 => Some(numbers),
            Encoding::Datetime(dates) => dates.numbers().get(element).copied().flatten(),
            _ => None,
        });
        let inverse = numbers.and_then(|numbers| numbers.origin()?.inverse());
        inverse.map_or(number, |inverse| inverse.apply(number))
    }

    /// The feature columns of the table, each once, with its columns of [`Self::matrix`].
    pub fn columns_of_matrix(&self) -> Vec<(String, Vec<Range<usize>>)> {
        self.ranges(Feature::width)
    }

    /// The feature columns of the table, each once, with its columns of [`Self::inputs`]: several ranges where inputs share it.
    pub fn columns_of_inputs(&self) -> Vec<(String, Vec<Range<usize>>)> {
        self.ranges(Feature::column_count)
    }

    fn ranges(&self, width: impl Fn(&Feature) -> usize) -> Vec<(String, Vec<Range<usize>>)> {
        let mut places = std::collections::HashMap::new();
        let mut columns: Vec<(String, Vec<Range<usize>>)> = Vec::new();
        let mut first = 0;
        for feature in &self.features {
            let range = first..first + width(feature);
            first = range.end;
            let place = *places.entry(feature.name()).or_insert(columns.len());
            match columns.get_mut(place) {
                Some((_, ranges)) => ranges.push(range),
                None => columns.push((feature.name().to_owned(), vec![range])),
            }
        }
        columns
    }

    /// The numbers of the only target in `rows`.
    ///
    /// # Errors
    /// Where one is missing.
    pub fn numbers(&self, table: &Table, rows: &[usize]) -> Result<Vec<f64>, FieldError> {
        let target = self.outputs.first().and_then(|output| output.targets.first());
        let numbers =
            target.map_or(Ok(Vec::new()), |target| target.numbers(super::cells_of(table, target.name()), rows));
        numbers.map_err(|detail| FieldError::new("/target", detail))
    }

    /// The answers of a classical model for `rows`.
    pub fn decode_predictions(&self, predictions: &Predictions, rows: Range<usize>) -> Vec<Prediction> {
        let target = self.outputs.first().and_then(|output| output.targets.first());
        let labels = target.map(Target::labels).unwrap_or_default();
        let keys: Arc<[String]> = labels.iter().map(label_text).collect();
        let pairs: Arc<[String]> = match predictions.kind {
            Scores::PairDecision => {
                let places = keys.iter().enumerate();
                let of_first = |(place, first): (usize, &String)| {
                    keys.iter().skip(place + 1).map(|second| format!("{first}/{second}")).collect::<Vec<_>>()
                };
                places.flat_map(of_first).collect()
            }
            _ => Arc::default(),
        };
        let of_row = |row: usize| {
            let scores = predictions.scores.row(row);
            let label = || {
                let class = predictions.labels.get(row).and_then(|class| labels.get(*class as usize));
                class.cloned().unwrap_or_default()
            };
            let by_label = || Probabilities::of_reals(Arc::clone(&keys), scores.to_vec());
            match predictions.kind {
                Scores::Values => Prediction::Value { value: scores.first().map_or(Value::Null, |it| json_real(*it)) },
                Scores::Probabilities => Prediction::Class { label: label(), probabilities: by_label() },
                Scores::Decision => Prediction::Scores { label: label(), scores: by_label() },
                Scores::PairDecision => {
                    let scores = Probabilities::of_reals(Arc::clone(&pairs), scores.to_vec());
                    Prediction::Scores { label: label(), scores }
                }
            }
        };
        rows.map(of_row).collect()
    }
}

/// The columns of a feature in the inputs, with the number of levels of a column that is the places of a category's levels.
fn kinds(feature: &Feature) -> impl Iterator<Item = (InputColumn, Option<usize>)> {
    let levels = match feature.encoding() {
        // Ordered levels have no number for an unseen one.
        Encoding::Ordinal(places) if places.unseen.is_some() && !places.numbers.is_scaled() => {
            Some(places.levels.len())
        }
        _ => None,
    };
    feature.columns().enumerate().map(move |(index, column)| (column, levels.filter(|_| index == 0)))
}
