//! What becomes of each feature once the model is known: columns that a layer takes raw are not scaled.

use super::{ColumnPreparation, JobWarning, Prepared};
use crate::{
    data::{
        named::Named,
        recipe::{Preparation, RecipeProfile, Scale},
        schema::Column,
    },
    engine::spec::Architecture,
};

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

/// What becomes of every feature, equal ones together, and a warning about raw columns that no layer scales. `prepared` are the
/// features' preparations in the order of `features`.
///
/// The job's own choice applies to every number column except those that a layer looks up. Otherwise a column that a layer takes
/// raw (`rescaling`, `masking`, an embedding …) stays raw.
pub(crate) fn choose(
    architecture: &Architecture,
    features: &[String],
    named: Option<&Named<Vec<String>>>,
    columns: &[Column],
    prepared: &[Prepared],
    by: ChosenBy,
) -> (Vec<ColumnPreparation>, Vec<JobWarning>) {
    let uses = architecture.input_uses();
    let mut applied: Vec<ColumnPreparation> = Vec::new();
    let mut unscaled: Vec<&Column> = Vec::new();
    let mut element = 0;
    for (input, names) in inputs(features, named) {
        for name in names {
            let it = uses.get(element).copied().unwrap_or_default();
            let place = features.iter().position(|feature| feature == name);
            let of_feature = place.and_then(|place| prepared.get(place));
            let column = columns.iter().find(|column| column.name == *name);
            let Some((prepared, column)) = of_feature.zip(column) else { continue };
            element += prepared.preparation.width(column);
            let by = if prepared.is_scale_given { ChosenBy::Job } else { by };
            let reader =
                it.raw.filter(|_| by != ChosenBy::Job || it.looked_up).and_then(|at| architecture.nodes().get(at));
            let mut preparation = prepared.preparation.clone();
            let reason = match (&mut preparation, reader, by) {
                (Preparation::Number { scale, .. }, Some(node), _) => {
                    *scale = Scale::none();
                    format!("the layer `{}` takes unscaled numbers", node.name)
                }
                (_, _, _) if prepared.reason.is_some() => prepared.reason.unwrap_or_default().to_owned(),
                (Preparation::Number { .. }, None, ChosenBy::Job) => "`training.preprocessing` of the job".to_owned(),
                (Preparation::Number { .. }, None, ChosenBy::Model) => "`training_defaults` of the model".to_owned(),
                _ => "the default".to_owned(),
            };
            let is_new = unscaled.iter().all(|known| known.name != column.name);
            if preparation.is_unscaled_number() && !it.scaled && is_far(column) && is_new {
                unscaled.push(column);
            }
            let same = applied.iter_mut().find(|known| {
                known.input.as_deref() == input && known.preparation == preparation && known.reason == reason
            });
            match same {
                Some(known) => known.columns.push(name.clone()),
                None => {
                    let input = input.map(str::to_owned);
                    applied.push(ColumnPreparation { input, columns: vec![name.clone()], preparation, reason });
                }
            }
        }
    }
    (applied, warning(&unscaled).into_iter().collect())
}

/// The preparation of each feature of each input, in order, of a job with `applied`. A column that is
/// not among them has the default, numbers with `scale`.
pub fn by_feature(
    applied: &[ColumnPreparation],
    features: &[String],
    named: Option<&Named<Vec<String>>>,
    columns: &[Column],
    scale: &Scale,
) -> Vec<Preparation> {
    let known: std::collections::HashMap<(Option<&str>, &str), &Preparation> = applied
        .iter()
        .flat_map(|it| it.columns.iter().map(|column| ((it.input.as_deref(), column.as_str()), &it.preparation)))
        .collect();
    let preparation = |input, name: &String| {
        let column = columns.iter().find(|column| column.name == *name);
        let default = || column.map(|column| RecipeProfile::Network.preparation(column, scale));
        known.get(&(input, name.as_str())).map(|it| (*it).clone()).or_else(default)
    };
    inputs(features, named)
        .into_iter()
        .flat_map(|(input, features)| features.iter().map(move |name| (input, name)))
        .filter_map(|(input, name)| preparation(input, name))
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
