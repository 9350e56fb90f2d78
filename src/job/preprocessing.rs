//! The scale of each number column, with its reason. Chosen once, at `POST /v1/jobs`.

use crate::{
    data::{
        named::Named,
        recipe::{Preprocessing, input_width},
        schema::{Column, ColumnType},
    },
    engine::spec::Architecture,
};
use serde::{Deserialize, Serialize};

/// The scale of some number columns, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ColumnScale {
    /// The model's input, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// The columns, in the order of the features.
    pub columns: Vec<String>,
    /// How they are scaled.
    pub scale: Preprocessing,
    /// Why this scale.
    pub reason: String,
}

/// Something in a job that is allowed and probably not intended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct JobWarning {
    /// Machine-readable: `unscaled_columns`, `classes_without_rows`, `constant_output`, `target_out_of_range`, `target_among_features`, `constant_columns`,
    /// `decay_of_untrained_output`, or one of the codes of a model's warnings.
    pub code: String,
    /// The columns concerned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// What was found and what to try.
    pub detail: String,
}

/// Who chose `training.preprocessing`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChosenBy {
    /// The job.
    Job,
    /// The `training_defaults` of an imported Keras model.
    Model,
    /// Nobody.
    Default,
}

/// Largest mean or standard deviation of a column that needs no warning.
const MAX_UNSCALED: f64 = 10.0;

/// Maximum number of columns that a warning describes.
const MAX_DESCRIBED: usize = 3;

/// The features of each input with the input's name, where there are several.
fn inputs<'a>(features: &'a [String], inputs: Option<&'a Named<Vec<String>>>) -> Vec<(Option<&'a str>, &'a [String])> {
    match inputs {
        Some(inputs) if inputs.0.len() > 1 => {
            inputs.0.iter().map(|(name, features)| (Some(name.as_str()), features.as_slice())).collect()
        }
        _ => vec![(None, features)],
    }
}

/// The scale of every number column of the features, equal ones together, and a warning about raw columns that no layer scales.
///
/// The job's own choice applies to every column except those that a layer looks up. Otherwise a column that a layer takes raw
/// (`rescaling`, `masking`, an embedding …) stays raw, and the others are scaled by `scale`.
pub fn choose(
    architecture: &Architecture,
    features: &[String],
    named: Option<&Named<Vec<String>>>,
    columns: &[Column],
    scale: Preprocessing,
    by: ChosenBy,
) -> (Vec<ColumnScale>, Vec<JobWarning>) {
    let uses = architecture.input_uses();
    let mut scales: Vec<ColumnScale> = Vec::new();
    let mut unscaled: Vec<&Column> = Vec::new();
    let mut cell = 0;
    for (input, features) in inputs(features, named) {
        for name in features {
            let it = uses.get(cell).copied().unwrap_or_default();
            cell += input_width(columns, std::slice::from_ref(name));
            let Some(column) = columns.iter().find(|column| column.name == *name && column.kind == ColumnType::Number)
            else {
                continue;
            };
            let reader =
                it.raw.filter(|_| by != ChosenBy::Job || it.looked_up).and_then(|at| architecture.nodes().get(at));
            let (scale, reason) = match (reader, by) {
                (Some(node), _) => (Preprocessing::None, format!("the layer `{}` takes unscaled numbers", node.name)),
                (None, ChosenBy::Job) => (scale, "`training.preprocessing` of the job".to_owned()),
                (None, ChosenBy::Model) => (scale, "`training_defaults` of the model".to_owned()),
                (None, ChosenBy::Default) => (scale, "the default".to_owned()),
            };
            let is_new = unscaled.iter().all(|known| known.name != column.name);
            if scale == Preprocessing::None && !it.scaled && is_far(column) && is_new {
                unscaled.push(column);
            }
            let same = scales
                .iter_mut()
                .find(|known| known.input.as_deref() == input && known.scale == scale && known.reason == reason);
            match same {
                Some(known) => known.columns.push(name.clone()),
                None => {
                    let input = input.map(str::to_owned);
                    scales.push(ColumnScale { input, columns: vec![name.clone()], scale, reason });
                }
            }
        }
    }
    (scales, warning(&unscaled).into_iter().collect())
}

/// The scale of each feature, in order, of a job with `scales`.
pub fn by_feature(
    scales: &[ColumnScale],
    features: &[String],
    named: Option<&Named<Vec<String>>>,
) -> Vec<Preprocessing> {
    let known: std::collections::HashMap<(Option<&str>, &str), Preprocessing> = scales
        .iter()
        .flat_map(|it| it.columns.iter().map(|column| ((it.input.as_deref(), column.as_str()), it.scale)))
        .collect();
    let scale = |input, name: &String| known.get(&(input, name.as_str())).copied().unwrap_or(Preprocessing::None);
    inputs(features, named)
        .into_iter()
        .flat_map(|(input, features)| features.iter().map(move |name| (input, name)))
        .map(|(input, name)| scale(input, name))
        .collect()
}

fn is_far(column: &Column) -> bool {
    [column.mean, column.std].into_iter().flatten().any(|it| it.abs() > MAX_UNSCALED)
}

fn warning(unscaled: &[&Column]) -> Option<JobWarning> {
    let describe = |column: &&Column| {
        let (mean, std) = (column.mean.unwrap_or_default(), column.std.unwrap_or_default());
        format!("{:?} has mean {mean:.4} and standard deviation {std:.4}", column.name)
    };
    let described: Vec<String> = unscaled.iter().take(MAX_DESCRIBED).map(describe).collect();
    let more = match unscaled.len().saturating_sub(MAX_DESCRIBED) {
        0 => String::new(),
        more => format!(", and {more} more are as far from 1"),
    };
    (!unscaled.is_empty()).then(|| JobWarning {
        code: "unscaled_columns".to_owned(),
        columns: unscaled.iter().map(|column| column.name.clone()).collect(),
        detail: format!(
            "no preprocessing and no layer scales these columns: {}{more}; \
             `training.preprocessing` \"standardize\" or a rescaling or normalization layer scales them",
            described.join(", ")
        ),
    })
}
