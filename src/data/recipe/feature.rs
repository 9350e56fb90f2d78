//! One feature: its input elements, fitted on the training rows.

use super::{
    SignatureColumn,
    cells::{codes, numbers, times},
    dates::Dates,
    encode_settings::Unseen,
    hashing::Hashing,
    levels::Levels,
    numbers::Numbers,
    one_hot::OneHot,
    target_mean::TargetMean,
};
use crate::{
    data::{schema::ColumnType, table::TableColumn},
    engine::{input_layout::InputColumn, real::Real},
};
use ndarray::{Array2, ArrayViewMut2};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How one column becomes input elements.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Feature {
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) encoding: Encoding,
    /// What becomes of levels that no training row has.
    #[serde(default, skip_serializing_if = "is_zeros")]
    pub(super) unseen: Unseen,
    /// The type of the column in its file, where it is prepared as another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<ColumnType>,
}

fn is_zeros(unseen: &Unseen) -> bool {
    *unseen == Unseen::Zeros
}

/// By the type of the column and its encoding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Encoding {
    /// Numbers.
    Number(Numbers),
    /// 0 or 1.
    Boolean(Numbers),
    /// An element per level.
    OneHot(OneHot),
    /// Places of levels, from 0.
    Ordinal(Places),
    /// Places of levels, from 1.
    Embedding(Places),
    /// Hashes of levels.
    Hashing(Hashing),
    /// Means of the target.
    Target(TargetMean),
    /// Dates.
    Datetime(Dates),
}

/// Levels whose places are numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Places {
    #[serde(flatten)]
    pub levels: Levels,
    /// The number of the first level.
    pub first: usize,
    /// The number of an unseen level; null for NaN, which is a missing number.
    #[serde(rename = "unseen_value")]
    pub unseen: Option<f64>,
    pub numbers: Numbers,
}

impl Places {
    /// The number of a level's place; of an unseen level for `None`.
    pub fn number(&self, place: Option<usize>) -> f64 {
        match place.filter(|place| self.levels.is_seen(*place)) {
            Some(place) => (self.first + place) as f64,
            None => self.unseen.unwrap_or(f64::NAN),
        }
    }
}

/// A fitted feature, and the elements of the training rows where they are not those of a prediction.
pub(super) struct FittedFeature {
    pub feature: Feature,
    pub of_training: Option<Array2<f64>>,
}

/// Fills the columns of x [rows, columns] for these rows.
pub(super) type ColumnEncoder<'c, F> = Box<dyn Fn(&[usize], ArrayViewMut2<'_, F>) + Send + Sync + 'c>;

impl Feature {
    /// The column's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it is encoded.
    pub fn encoding(&self) -> &Encoding {
        &self.encoding
    }

    /// What becomes of levels that no training row has.
    pub fn unseen(&self) -> Unseen {
        self.unseen
    }

    /// Whether the column has this other type in its file.
    pub fn is_from(&self, kind: ColumnType) -> bool {
        self.from == Some(kind)
    }

    /// Whether missing values stay NaN.
    pub fn keeps_missing(&self) -> bool {
        match &self.encoding {
            Encoding::Number(numbers) | Encoding::Boolean(numbers) => numbers.fill().is_none(),
            Encoding::Ordinal(places) | Encoding::Embedding(places) => places.numbers.fill().is_none(),
            Encoding::Datetime(dates) => dates.keeps_missing(),
            Encoding::OneHot(_) | Encoding::Hashing(_) | Encoding::Target(_) => false,
        }
    }

    /// Input elements.
    pub fn width(&self) -> usize {
        match &self.encoding {
            Encoding::Number(numbers) | Encoding::Boolean(numbers) => numbers.width(),
            Encoding::Ordinal(places) | Encoding::Embedding(places) => places.numbers.width(),
            Encoding::OneHot(one_hot) => one_hot.width(),
            Encoding::Hashing(hashing) => hashing.n_features,
            Encoding::Target(target) => target.width(),
            Encoding::Datetime(dates) => dates.width(),
        }
    }

    /// The columns of x that it is: a one-hot category is one column of codes, the index of the element that is 1.
    pub fn columns(&self) -> impl Iterator<Item = InputColumn> {
        let (column, count) = match &self.encoding {
            Encoding::OneHot(one_hot) => (InputColumn::OneHot(one_hot.width()), 1),
            _ => (InputColumn::Number, self.width()),
        };
        std::iter::repeat_n(column, count)
    }

    /// Number of columns of x.
    pub fn column_count(&self) -> usize {
        if matches!(self.encoding, Encoding::OneHot(_)) { 1 } else { self.width() }
    }

    /// What fills its columns of x [rows, columns], which are zero, from a table's column, for some rows; a table without the
    /// column has it missing.
    pub fn encoder<'c, F: Real>(&'c self, column: Option<&'c TableColumn>) -> ColumnEncoder<'c, F> {
        let cells = column.map(|column| &column.cells);
        match &self.encoding {
            Encoding::Number(fitted) | Encoding::Boolean(fitted) => {
                let values = cells.map(numbers);
                Box::new(move |rows, inputs| {
                    fitted.encode_rows(rows, inputs, |row| values.as_ref().map_or(f64::NAN, |values| values.get(row)));
                })
            }
            Encoding::Datetime(dates) => {
                let times = cells.map(|cells| times(cells, &dates.format));
                Box::new(move |rows, inputs| {
                    dates.encode_rows(rows, inputs, |row| times.as_ref().map_or(f64::NAN, |times| times.get(row)));
                })
            }
            Encoding::Ordinal(places) | Encoding::Embedding(places) => {
                let codes = cells.map(|cells| codes(cells, &places.levels));
                let number = move |row| match codes.as_ref().and_then(|codes| codes.get(row)) {
                    None => f64::NAN,
                    Some(place) if self.unseen == Unseen::Missing => place
                        .filter(|place| places.levels.is_seen(*place))
                        .map_or(f64::NAN, |it| places.number(Some(it))),
                    Some(place) => places.number(place),
                };
                Box::new(move |rows, inputs| places.numbers.encode_rows(rows, inputs, &number))
            }
            Encoding::OneHot(one_hot) if one_hot.is_constant() => Box::new(|_, mut inputs| inputs.fill(code(None))),
            Encoding::OneHot(one_hot) => {
                let codes = cells.map(|cells| codes(cells, &one_hot.levels));
                Box::new(move |rows, mut inputs| {
                    for (input, &row) in inputs.iter_mut().zip(rows) {
                        *input = code(match codes.as_ref().and_then(|codes| codes.get(row)) {
                            None => one_hot.missing_element(),
                            Some(place) => self.one_hot_element(one_hot, place),
                        });
                    }
                })
            }
            Encoding::Hashing(hashing) => {
                let Some(cells) = cells else { return Box::new(|_, _| {}) };
                let places = Levels::new(super::cells::level_names(cells), Vec::new());
                let elements = places.names().iter().map(|level| hashing.element(&self.name, level));
                let elements: Vec<(usize, f64)> = elements.collect();
                Box::new(move |rows, mut inputs| {
                    let codes = codes(cells, &places);
                    for (mut input, &row) in inputs.rows_mut().into_iter().zip(rows) {
                        let element = codes.get(row).flatten().and_then(|place| elements.get(place));
                        if let Some((element, value)) = element
                            && let Some(cell) = input.get_mut(*element)
                        {
                            *cell = F::of(*value);
                        }
                    }
                })
            }
            Encoding::Target(target) => {
                let codes = cells.map(|cells| codes(cells, &target.levels));
                Box::new(move |rows, mut inputs| {
                    for (mut input, &row) in inputs.rows_mut().into_iter().zip(rows) {
                        let elements = match codes.as_ref().and_then(|codes| codes.get(row)) {
                            None => target.elements(Some(target.levels.len())),
                            Some(place) => self.target_elements(target, place),
                        };
                        input.iter_mut().zip(elements).for_each(|(element, value)| *element = F::of(*value));
                    }
                })
            }
        }
    }

    /// The element of a level of this place, where training rows have it.
    pub fn one_hot_element(&self, one_hot: &OneHot, place: Option<usize>) -> Option<usize> {
        match place.filter(|place| one_hot.levels.is_seen(*place)) {
            Some(place) => Some(place),
            None if self.unseen == Unseen::Missing => one_hot.missing_element(),
            None => None,
        }
    }

    /// The elements of a level of this place; `None` is a level that no row has.
    pub fn target_elements<'t>(&self, target: &'t TargetMean, place: Option<usize>) -> &'t [f64] {
        match place.filter(|place| target.levels.is_seen(*place)) {
            None if self.unseen == Unseen::Missing => target.elements(Some(target.levels.len())),
            place => target.elements(place),
        }
    }

    /// Why a value has no effect though it differs from those of training; `None` for every other value.
    pub fn is_without_effect(&self, value: &Value) -> Option<String> {
        let differs = match (&self.encoding, value) {
            (Encoding::Number(numbers), Value::Number(number)) if numbers.is_constant() => {
                number.as_f64() != numbers.fill()
            }
            (Encoding::Boolean(numbers), Value::Bool(value)) if numbers.is_constant() => {
                Some(f64::from(u8::from(*value))) != numbers.fill()
            }
            (Encoding::Datetime(dates), Value::String(text)) if dates.is_constant() => {
                let seconds = dates.format.read(text).map(|instant| instant.seconds);
                seconds.is_some() && dates.only_time().is_some_and(|only| Some(only) != seconds)
            }
            _ => false,
        };
        differs.then(|| format!("{:?} does not vary in the training rows and has no effect", self.name))
    }

    /// Whether it is 0 whatever its value.
    pub fn is_constant(&self) -> bool {
        match &self.encoding {
            Encoding::Number(numbers) | Encoding::Boolean(numbers) => numbers.is_constant(),
            Encoding::Ordinal(places) | Encoding::Embedding(places) => places.numbers.is_constant(),
            Encoding::OneHot(one_hot) => one_hot.is_constant(),
            Encoding::Datetime(dates) => dates.is_constant(),
            Encoding::Hashing(_) | Encoding::Target(_) => false,
        }
    }

    /// The levels of a category.
    pub fn levels(&self) -> Option<&Levels> {
        match &self.encoding {
            Encoding::OneHot(one_hot) => Some(&one_hot.levels),
            Encoding::Ordinal(places) | Encoding::Embedding(places) => Some(&places.levels),
            Encoding::Target(target) => Some(&target.levels),
            Encoding::Number(_) | Encoding::Boolean(_) | Encoding::Hashing(_) | Encoding::Datetime(_) => None,
        }
    }

    /// Its column in the signature.
    pub fn signature(&self) -> SignatureColumn {
        let names = |levels: &Levels| Some(levels.names().iter().map(|level| Value::from(level.as_str())).collect());
        let (kind, levels) = match &self.encoding {
            Encoding::Number(_) => (ColumnType::Number, None),
            Encoding::Boolean(_) => (ColumnType::Boolean, Some(vec![Value::Bool(false), Value::Bool(true)])),
            Encoding::Datetime(_) => (ColumnType::Datetime, None),
            Encoding::Hashing(_) => (ColumnType::Category, None),
            _ => (ColumnType::Category, self.levels().and_then(names)),
        };
        SignatureColumn { name: self.name.clone(), output: None, kind, levels }
    }
}

/// The code of the element that is 1, of which there may be none.
pub(super) fn code<F: Real>(element: Option<usize>) -> F {
    F::of(element.map_or(-1.0, |element| element as f64))
}
