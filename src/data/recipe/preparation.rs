//! [`Preparation`]: what is to become of a column, with every default filled in. Known before the data is read.

use super::{
    dates::{DateFeature, Dates},
    encode_settings::{Encode, EncodeSettings, Unseen},
    missing::{Missing, MissingStrategy},
    scale::Scale,
};
use crate::{
    data::{
        date::DatePattern,
        schema::{Column, ColumnType},
    },
    engine::input_layout::InputColumn,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is to become of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Preparation {
    /// One element.
    Number {
        /// How it is scaled.
        scale: Scale,
        /// What becomes of missing values.
        missing: Missing,
    },
    /// One element, 0 or 1.
    Boolean {
        /// What becomes of missing values.
        missing: Missing,
        /// Whether a column that does not vary in training keeps its value; otherwise it is 0.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        keep_constant: bool,
    },
    /// By the encoding.
    Category {
        /// How levels become numbers.
        encode: Encode,
        /// What becomes of levels that no training row has.
        unseen: Unseen,
        /// What becomes of missing values.
        missing: Missing,
        /// How the places of `ordinal` are scaled.
        #[serde(default = "Scale::none", skip_serializing_if = "Scale::is_none")]
        scale: Scale,
        /// Elements of `target`: one, or one per class of a target with over two.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target_elements: Option<usize>,
        /// Whether a column that does not vary in training keeps its elements; otherwise they are 0.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        keep_constant: bool,
    },
    /// The place in the order, from 0.
    Ordinal {
        /// The levels from the least.
        order: Vec<String>,
        /// How places are scaled.
        scale: Scale,
        /// What becomes of other levels; as for missing ones, or an error.
        unseen: Unseen,
        /// What becomes of missing values.
        missing: Missing,
    },
    /// An element per feature, two for a cycle.
    Datetime {
        /// The form of the dates.
        format: DatePattern,
        /// What a date becomes.
        features: Vec<DateFeature>,
        /// How the features that are no cycles are scaled.
        scale: Scale,
        /// What becomes of missing values.
        missing: Missing,
    },
}

/// For which kind of model the defaults are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RecipeProfile {
    /// Networks: numbers are scaled, missing values are filled, categories are one-hot.
    #[default]
    Network,
    /// Models that split at thresholds, such as trees: numbers are not scaled, missing values stay NaN, and categories are the
    /// places of their levels; -1 for an unseen level.
    Trees,
    /// Models that compute with raw numbers: nothing is scaled, missing values are filled, categories are one-hot.
    Raw,
}

impl RecipeProfile {
    /// The default of a column; `scale` is that of numbers where the profile scales.
    pub fn preparation(self, column: &Column, scale: &Scale) -> Preparation {
        let is_trees = self == Self::Trees;
        let scale = if self == Self::Network { scale.clone() } else { Scale::none() };
        let missing = Missing::of(if is_trees { MissingStrategy::Keep } else { MissingStrategy::Median });
        let keep_constant = scale.is_none();
        match column.kind {
            ColumnType::Number | ColumnType::Ignored => Preparation::Number { scale, missing },
            ColumnType::Boolean => Preparation::Boolean { missing, keep_constant },
            ColumnType::Category => Preparation::Category {
                encode: if is_trees { Encode::ORDINAL } else { Encode::ONE_HOT },
                unseen: Unseen::Zeros,
                missing: Missing::of(if is_trees { MissingStrategy::Keep } else { MissingStrategy::Level }),
                scale: Scale::none(),
                target_elements: None,
                keep_constant,
            },
            ColumnType::Ordinal => {
                let order = column.levels().unwrap_or_default().into_iter().map(str::to_owned).collect();
                Preparation::Ordinal { order, scale, unseen: Unseen::Zeros, missing }
            }
            ColumnType::Datetime => Preparation::Datetime {
                format: column.format.clone().unwrap_or_default(),
                features: if is_trees { tree_features(column) } else { default_features(column) },
                // seconds since 1970 are too large for any network
                scale: if self == Self::Network { Scale::standardize() } else { scale },
                missing,
            },
        }
    }
}

/// What a date becomes where nothing is said.
pub fn default_features(column: &Column) -> Vec<DateFeature> {
    let mut features = vec![DateFeature::Trend, DateFeature::YearCycle, DateFeature::WeekCycle];
    features.extend(column.has_time.then_some(DateFeature::DayCycle));
    features
}

fn tree_features(column: &Column) -> Vec<DateFeature> {
    let mut features = vec![DateFeature::Trend, DateFeature::Month, DateFeature::Day, DateFeature::Weekday];
    features.extend(column.has_time.then_some(DateFeature::Hour));
    features
}

impl Preparation {
    /// The type as which the column is prepared.
    pub fn kind(&self) -> ColumnType {
        match self {
            Self::Number { .. } => ColumnType::Number,
            Self::Boolean { .. } => ColumnType::Boolean,
            Self::Category { .. } => ColumnType::Category,
            Self::Ordinal { .. } => ColumnType::Ordinal,
            Self::Datetime { .. } => ColumnType::Datetime,
        }
    }

    /// Input elements of a column, known from its summary alone.
    pub fn width(&self, column: &Column) -> usize {
        let one_more = |missing: &Missing| usize::from(missing.indicator && column.missing > 0);
        match self {
            Self::Number { missing, .. } | Self::Boolean { missing, .. } | Self::Ordinal { missing, .. } => {
                1 + one_more(missing)
            }
            Self::Datetime { features, missing, .. } => {
                Dates::width_of(features, missing.indicator && column.missing > 0)
            }
            Self::Category { encode, missing, target_elements, .. } => match encode.0 {
                EncodeSettings::OneHot(_) => {
                    let level = missing.strategy == MissingStrategy::Level && column.missing > 0;
                    levels(column).map_or(0, |levels| levels.len()) + usize::from(level)
                }
                EncodeSettings::Ordinal(_) => 1 + one_more(missing),
                EncodeSettings::Embedding(_) => 1,
                EncodeSettings::Hashing(hashing) => hashing.n_features,
                EncodeSettings::Target(_) => target_elements.unwrap_or(1),
            },
        }
    }

    /// Columns of the network's x: one for a one-hot category, which is a column of codes, and one per element otherwise.
    pub fn columns(&self, column: &Column) -> usize {
        match self {
            Self::Category { encode: Encode(EncodeSettings::OneHot(_)), .. } => 1,
            _ => self.width(column),
        }
    }

    /// The same columns with their kinds.
    pub(crate) fn input_columns(&self, column: &Column) -> Vec<InputColumn> {
        match self {
            Self::Category { encode: Encode(EncodeSettings::OneHot(_)), .. } => {
                vec![InputColumn::OneHot(self.width(column))]
            }
            _ => vec![InputColumn::Number; self.width(column)],
        }
    }

    /// Why a column cannot be prepared so.
    pub fn check(&self, column: &Column) -> Result<(), String> {
        let name = &column.name;
        match self {
            Self::Category { .. } | Self::Ordinal { .. } => levels(column).map(drop),
            Self::Number { scale, .. }
                if scale.begins_with_log() && column.minimum().is_some_and(|min| min <= -1.0) =>
            {
                let min = column.minimum().unwrap_or_default();
                Err(format!("expected numbers over -1 for log1p, but {name:?} has {min}"))
            }
            Self::Number { .. } if column.kind == ColumnType::Category => levels(column).and_then(|levels| {
                let is_number = |level: &String| crate::data::read::number_in(level).is_some();
                match levels.iter().find(|level| !is_number(level)) {
                    None => Ok(()),
                    Some(level) => Err(format!("expected numbers in {name:?}, received {level:?}")),
                }
            }),
            Self::Number { .. } if column.kind == ColumnType::Datetime => {
                Err(format!("expected numbers in {name:?}, received dates; `features` [\"trend\"] has them as seconds"))
            }
            Self::Boolean { .. } if !matches!(column.kind, ColumnType::Boolean) => {
                let truths = levels(column).is_ok_and(|levels| {
                    levels.iter().all(|level| matches!(level.as_str(), "0" | "1" | "true" | "false"))
                });
                let detail = || {
                    format!(
                        "expected true, false, 0 and 1 in {name:?}, received other values; give the column the type boolean at upload if \
                         they are words such as yes and no"
                    )
                };
                truths.then_some(()).ok_or_else(detail)
            }
            Self::Datetime { format, .. } => match column.kind {
                ColumnType::Datetime => Ok(()),
                ColumnType::Number if format.is_numeric() => Ok(()),
                ColumnType::Category | ColumnType::Ordinal => {
                    levels(column).and_then(|levels| match levels.iter().find(|level| format.read(level).is_none()) {
                        None => Ok(()),
                        Some(level) => Err(format!(
                            "expected dates of the form {} in {name:?}, received {level:?}",
                            format.as_str()
                        )),
                    })
                }
                _ => Err(format!(
                    "expected dates of the form {} in {name:?}, received a {}",
                    format.as_str(),
                    column.kind.name()
                )),
            },
            Self::Number { .. } | Self::Boolean { .. } => Ok(()),
        }
    }

    /// Whether numbers keep their scale.
    pub fn is_unscaled_number(&self) -> bool {
        matches!(self, Self::Number { scale, .. } if scale.is_none())
    }

    /// Whether a column without variation becomes 0.
    pub fn zeroes_constants(&self) -> bool {
        match self {
            Self::Number { scale, .. } | Self::Ordinal { scale, .. } | Self::Datetime { scale, .. } => !scale.is_none(),
            Self::Boolean { keep_constant, .. } | Self::Category { keep_constant, .. } => !keep_constant,
        }
    }
}

/// The levels of a column as text, in label order.
pub fn levels(column: &Column) -> Result<Vec<String>, String> {
    let (name, distinct) = (&column.name, column.distinct);
    match (column.kind, &column.values) {
        (ColumnType::Boolean, _) => Ok(vec!["false".to_owned(), "true".to_owned()]),
        (ColumnType::Category | ColumnType::Ordinal | ColumnType::Number, Some(values)) => {
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            Ok(values.iter().map(|level| text(&level.value)).collect())
        }
        (ColumnType::Number, None) => Err(format!(
            "expected codes, whole numbers of few values, but {name:?} has about {distinct} different numbers; give the type \
             category at upload"
        )),
        (ColumnType::Datetime, _) => Err(format!("expected a category, but {name:?} is a datetime")),
        _ => Err(format!("expected a category with few levels, but {name:?} has about {distinct} different values")),
    }
}
