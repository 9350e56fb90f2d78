//! [`PreprocessingRequest`]: settings by type and by column, and the preparation that they mean for a column.

use crate::{
    data::{
        date::DatePattern,
        recipe::{
            DateFeature, Encode, EncodeSettings, Missing, MissingStrategy, Preparation, RecipeProfile, Scale, Unseen,
            levels,
        },
        schema::{Column, ColumnType},
    },
    engine::field::{FieldError, MAX_LISTED, did_you_mean_quoted, escape},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};

/// `preprocessing` of a request: settings by the type of columns, and of single columns.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PreprocessingRequest {
    /// Number columns: `scale`, `missing`.
    pub number: Option<ColumnSettings>,
    /// Boolean columns: `missing`.
    pub boolean: Option<ColumnSettings>,
    /// Categories: `encode`, `unseen`, `missing`, and `scale` for the encoding `ordinal`.
    pub category: Option<ColumnSettings>,
    /// Ordinal columns: `scale`, `missing`, `unseen`.
    pub ordinal: Option<ColumnSettings>,
    /// Datetime columns: `features`, `scale`, `missing`.
    pub datetime: Option<ColumnSettings>,
    /// Single columns by name, over those of their type.
    pub columns: BTreeMap<String, ColumnSettings>,
    /// Target of a regression.
    pub target: Option<TargetScaleRequest>,
}

/// How the target of a regression is scaled.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TargetScaleRequest {
    /// The scale: `standardize`, `min_max`, `robust`, `log1p`, a list of these, or `none`. Predictions and metrics are in the
    /// target's own units, and the loss is of the scaled target. Default: `standardize` for an output without an activation that
    /// is trained by a loss that a scale does not change in kind (mean squared or absolute error, huber, log-cosh), unless
    /// the model is Keras's JSON; `none` otherwise.
    pub scale: Option<Scale>,
}

/// Settings of the columns of a type, or of one column. What is left out is the default.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ColumnSettings {
    /// Type as which a column is prepared, whatever the dataset says.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<ColumnType>,
    /// Levels of an ordinal column, from the least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<Vec<String>>,
    /// Form of the dates of a datetime column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<DatePattern>,
    /// What a date becomes. Default: `trend`, `year_cycle`, `week_cycle`, and `day_cycle` where dates have a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub features: Option<Vec<DateFeature>>,
    /// How numbers are scaled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<Scale>,
    /// What becomes of missing values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<Missing>,
    /// How categories become numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encode: Option<Encode>,
    /// What becomes of levels that no training row has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unseen: Option<Unseen>,
    /// Whether a boolean column or a category that does not vary in training keeps its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_constant: Option<bool>,
}

/// What applies where a request says nothing.
#[derive(Debug, Clone)]
pub(crate) struct Defaults {
    /// The kind of model.
    pub profile: RecipeProfile,
    /// The scale of numbers.
    pub scale: Scale,
    /// The classes of a target that is a category or boolean, of the only target column; 0 for a number, `None` without one.
    pub target_classes: Option<usize>,
}

impl Defaults {
    /// The defaults of number and boolean columns and of categories, with the settings of the request.
    pub(crate) fn shown(&self, request: &PreprocessingRequest) -> [Option<Preparation>; 3] {
        let of_type = |kind: ColumnType, settings: &Option<ColumnSettings>| {
            let mut preparation = self.profile.preparation(&Column::empty(String::new(), kind, 0), &self.scale);
            if let Some(settings) = settings {
                apply(&mut preparation, settings.clone());
            }
            Some(preparation)
        };
        [
            of_type(ColumnType::Number, &request.number),
            of_type(ColumnType::Boolean, &request.boolean),
            of_type(ColumnType::Category, &request.category),
        ]
    }
}

/// What becomes of a column.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub preparation: Preparation,
    /// Whether the request has the scale.
    pub is_scale_given: bool,
    /// Whether the request has settings for this column or its type.
    pub reason: Option<&'static str>,
}

/// What becomes of each of `features`, in order. Pointers are below `/preprocessing`.
pub(crate) fn prepare_columns(
    request: &PreprocessingRequest,
    defaults: &Defaults,
    features: &[&Column],
    errors: &mut Vec<FieldError>,
) -> Vec<Prepared> {
    let known: HashSet<&str> = features.iter().map(|column| column.name.as_str()).collect();
    for name in request.columns.keys().filter(|name| !known.contains(name.as_str())) {
        let hint = match errors.len() < MAX_LISTED {
            true => did_you_mean_quoted(name, features.iter().map(|column| column.name.as_str())),
            false => String::new(),
        };
        let detail = format!("expected a feature of the job, received {name:?}{hint}");
        errors.push(FieldError::new(format!("/columns/{}", escape(name)), detail));
    }
    let by_type = [
        (ColumnType::Number, &request.number),
        (ColumnType::Boolean, &request.boolean),
        (ColumnType::Category, &request.category),
        (ColumnType::Ordinal, &request.ordinal),
        (ColumnType::Datetime, &request.datetime),
    ];
    for (kind, settings) in by_type {
        if let Some(settings) = settings {
            let wrong = settings.check(kind, false).into_iter();
            errors.extend(wrong.map(|error| error.under(&format!("/{}", kind.name()))));
        }
    }
    let mut prepared = Vec::with_capacity(features.len());
    for column in features {
        let own = request.columns.get(&column.name);
        let kind = own.and_then(|own| own.kind).unwrap_or(column.kind);
        let of_type = by_type.iter().find(|(known, _)| *known == kind).and_then(|(_, settings)| settings.as_ref());
        let pointer = format!("/columns/{}", escape(&column.name));
        if let Some(own) = own {
            errors.extend(own.check(kind, true).into_iter().map(|error| error.under(&pointer)));
        }
        let base = if own.is_some() { pointer.clone() } else { format!("/{}", kind.name()) };
        match ambiguous(column, kind, own)
            .map_err(|error| error.under(&pointer))
            .and_then(|()| prepare(column, kind, own, of_type, defaults).map_err(|error| error.under(&base)))
        {
            Ok(it) => prepared.push(it),
            // one error for a setting of many columns
            Err(error) if own.is_none() && errors.iter().any(|known| known.pointer == error.pointer) => {}
            Err(error) => errors.push(error),
        }
    }
    prepared
}

impl ColumnSettings {
    /// Errors for settings that columns of this type do not have.
    fn check(&self, kind: ColumnType, is_column: bool) -> Vec<FieldError> {
        use ColumnType::{Boolean, Category, Datetime, Number, Ordinal};
        let given: [(&str, bool, &[ColumnType]); 9] = [
            ("type", self.kind.is_some() && !is_column, &[]),
            ("order", self.order.is_some(), if is_column { &[Ordinal] } else { &[] }),
            ("format", self.format.is_some(), if is_column { &[Datetime] } else { &[] }),
            ("features", self.features.is_some(), &[Datetime]),
            ("scale", self.scale.is_some(), &[Number, Ordinal, Datetime, Category]),
            ("missing", self.missing.is_some(), &[Number, Boolean, Category, Ordinal, Datetime]),
            ("encode", self.encode.is_some(), &[Category]),
            ("unseen", self.unseen.is_some(), &[Category, Ordinal]),
            ("keep_constant", self.keep_constant.is_some(), &[Boolean, Category]),
        ];
        let wrong = given.into_iter().filter(|(name, is_given, kinds)| {
            // A job that is posted again repeats the type of its defaults.
            let repeats = *name == "type" && self.kind == Some(kind);
            *is_given && !repeats && !kinds.contains(&kind)
        });
        let mut errors: Vec<FieldError> = wrong
            .map(|(name, ..)| {
                let detail = format!("expected no such setting for {} columns, received one", kind.name());
                FieldError::new(format!("/{name}"), detail)
            })
            .collect();
        let is_category = kind == Category;
        if let Some(missing) = &self.missing {
            let fits = match missing.strategy {
                MissingStrategy::Level | MissingStrategy::Zeros => is_category,
                MissingStrategy::Median | MissingStrategy::Mean => !is_category,
                MissingStrategy::MostFrequent | MissingStrategy::Keep => true,
                MissingStrategy::Constant => missing.number().is_none() == is_category,
            };
            if !fits {
                let expected = if is_category {
                    "level, zeros, most_frequent or a constant text"
                } else {
                    "median, mean, most_frequent or a constant number"
                };
                let detail =
                    format!("expected {expected} for {} columns, received {}", kind.name(), missing.strategy.name());
                errors.push(FieldError::new("/missing", detail));
            }
        }
        if self.features.as_ref().is_some_and(Vec::is_empty) {
            errors.push(FieldError::new("/features", "expected at least one feature of dates, received none"));
        }
        errors
    }
}

/// An error for dates of which day and month cannot be told, unless the column's own settings say what they are.
fn ambiguous(column: &Column, kind: ColumnType, own: Option<&ColumnSettings>) -> Result<(), FieldError> {
    let is_open = kind == ColumnType::Category && own.is_none_or(|own| own.kind.is_none());
    let Some(detail) = column.ambiguous_dates().filter(|_| is_open) else { return Ok(()) };
    let first = column.date_formats.first().map(DatePattern::as_str).unwrap_or_default();
    let detail = format!("{detail}; give {{\"type\": \"datetime\", \"format\": \"{first}\"}}, or the type category");
    Err(FieldError::new("", detail))
}

/// What becomes of a column of type `kind`; `own` settings go before those of its type.
fn prepare(
    column: &Column,
    kind: ColumnType,
    own: Option<&ColumnSettings>,
    of_type: Option<&ColumnSettings>,
    defaults: &Defaults,
) -> Result<Prepared, FieldError> {
    let refuse = |below: &str, detail: String| FieldError::new(below.to_owned(), detail);
    if kind == ColumnType::Ignored {
        let detail =
            format!("expected a column that is read, but {:?} is ignored; give it a type or leave it out", column.name);
        return Err(refuse(if own.is_some() { "/type" } else { "" }, detail));
    }
    let as_kind = Column { kind, ..column.clone() };
    let mut preparation = defaults.profile.preparation(&as_kind, &defaults.scale);
    let layers = [of_type, own];
    for settings in layers.iter().flatten() {
        apply(&mut preparation, (*settings).clone());
    }
    complete(&mut preparation, column, own, defaults).map_err(|(below, detail)| refuse(below, detail))?;
    let is_given = own.is_some() || of_type.is_some();
    let pointer = if own.is_some_and(|own| own.kind.is_some()) { "/type" } else { "" };
    preparation.check(column).map_err(|detail| refuse(pointer, detail))?;
    Ok(Prepared {
        preparation,
        is_scale_given: layers.iter().flatten().any(|settings| settings.scale.is_some()),
        reason: is_given.then_some("`preprocessing` of the job"),
    })
}

/// Settings over a preparation of the same type.
fn apply(preparation: &mut Preparation, settings: ColumnSettings) {
    let ColumnSettings { order: new_order, format: new_format, features: new_features, .. } = settings.clone();
    let ColumnSettings { scale: new_scale, missing: new_missing, encode: new_encode, unseen: new_unseen, .. } =
        settings;
    fn set<T>(place: &mut T, value: Option<T>) {
        if let Some(value) = value {
            *place = value;
        }
    }
    match preparation {
        Preparation::Number { scale, missing } => {
            set(scale, new_scale);
            set(missing, new_missing);
        }
        Preparation::Boolean { missing, keep_constant } => {
            set(missing, new_missing);
            set(keep_constant, settings.keep_constant);
        }
        Preparation::Category { encode, unseen, missing, scale, keep_constant, .. } => {
            set(encode, new_encode);
            set(unseen, new_unseen);
            set(missing, new_missing);
            set(scale, new_scale);
            set(keep_constant, settings.keep_constant);
        }
        Preparation::Ordinal { order, scale, unseen, missing } => {
            set(order, new_order);
            set(scale, new_scale);
            set(unseen, new_unseen);
            set(missing, new_missing);
        }
        Preparation::Datetime { format, features, scale, missing } => {
            set(format, new_format);
            set(features, new_features);
            set(scale, new_scale);
            set(missing, new_missing);
        }
    }
}

/// What follows from the column: its order, its form of dates, the elements of an encoding. An error has the pointer below the
/// column's settings.
fn complete(
    preparation: &mut Preparation,
    column: &Column,
    own: Option<&ColumnSettings>,
    defaults: &Defaults,
) -> Result<(), (&'static str, String)> {
    let name = &column.name;
    match preparation {
        Preparation::Ordinal { order, .. } => {
            let known = levels(column).map_err(|detail| ("/type", detail))?;
            if order.is_empty() && column.kind == ColumnType::Number {
                order.clone_from(&known);
            }
            if order.is_empty() {
                return Err(("/order", format!("expected the levels of {name:?} from the least, received none")));
            }
            let mut sorted = order.clone();
            sorted.sort_unstable();
            sorted.dedup();
            if sorted.len() != order.len() {
                return Err(("/order", format!("expected each level of {name:?} once, received one twice")));
            }
            if let Some(level) = known.iter().find(|level| !order.contains(level)) {
                return Err(("/order", format!("expected every level of {name:?}, but {level:?} is not among them")));
            }
        }
        Preparation::Datetime { .. } => {
            let is_known = column.kind == ColumnType::Datetime || own.is_some_and(|own| own.format.is_some());
            if !is_known {
                let detail = format!("expected the form of the dates in {name:?}, such as \"%d/%m/%Y\", received none");
                return Err(("/format", detail));
            }
            if let (Some(given), Some(found)) = (own.and_then(|own| own.format.as_ref()), &column.format)
                && given != found
            {
                let detail = format!("expected {}, the form at upload, received {}", found.as_str(), given.as_str());
                return Err(("/format", detail));
            }
        }
        Preparation::Category { encode, missing, scale, target_elements, .. } => {
            if let EncodeSettings::Target(_) = encode.0 {
                let Some(classes) = defaults.target_classes else {
                    let detail = "expected another encoding: `target` needs a job with one target column";
                    return Err(("/encode", detail.to_owned()));
                };
                *target_elements = Some(if classes > 2 { classes } else { 1 });
            }
            if !scale.is_none() && !matches!(encode.0, EncodeSettings::Ordinal(_)) {
                return Err(("/scale", "expected no scale but with the encoding `ordinal`, received one".to_owned()));
            }
            let is_one_hot = matches!(encode.0, EncodeSettings::OneHot(_));
            let of_one_hot = matches!(missing.strategy, MissingStrategy::MostFrequent | MissingStrategy::Constant);
            if of_one_hot && !is_one_hot {
                let detail = format!(
                    "expected level or zeros with the encoding {}, received {}",
                    encode.0.name(),
                    missing.strategy.name()
                );
                return Err(("/missing", detail));
            }
            if let (MissingStrategy::Constant, Some(level)) =
                (missing.strategy, missing.value.as_ref().and_then(|it| it.as_str()))
                && !levels(column).is_ok_and(|levels| levels.iter().any(|known| known == level))
            {
                return Err(("/missing/value", format!("expected a level of {name:?}, received {level:?}")));
            }
        }
        Preparation::Number { .. } | Preparation::Boolean { .. } => {}
    }
    let keeps = match preparation {
        Preparation::Number { missing, .. }
        | Preparation::Boolean { missing, .. }
        | Preparation::Category { missing, .. }
        | Preparation::Ordinal { missing, .. }
        | Preparation::Datetime { missing, .. } => missing.strategy == MissingStrategy::Keep,
    };
    if keeps && defaults.profile != RecipeProfile::Trees {
        let detail = "expected missing values to be filled: a network cannot compute with NaN, received keep";
        return Err(("/missing", detail.to_owned()));
    }
    Ok(())
}
