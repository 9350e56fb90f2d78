//! Each row's part in the loss.

use crate::{
    data::{
        recipe::{Recipe, label_text},
        table::{Cells, Table},
    },
    engine::field::FieldError,
};
use ndarray::Array1;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What each class weighs in the loss: `"balanced"`, or an object from label to weight; a class that is not named weighs 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum ClassWeight {
    /// By a rule.
    Rule(ClassWeightRule),
    /// By label.
    Labels(BTreeMap<String, f64>),
}

/// A rule that gives every class its weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClassWeightRule {
    /// rows / (classes * rows of the class), as scikit-learn's.
    Balanced,
}

/// The weights of `rows`: the class's times the cell of the column `sample_weight`; `None` where neither is asked for.
/// Classes weigh in training alone, so validation passes no `class_weight`, as Keras's `fit` does.
pub fn weights(
    recipe: &Recipe,
    table: &Table,
    rows: &[usize],
    class_weight: Option<&ClassWeight>,
    sample_weight: Option<&str>,
) -> Result<Option<Array1<f32>>, FieldError> {
    if class_weight.is_none() && sample_weight.is_none() {
        return Ok(None);
    }
    let mut weights = match sample_weight {
        None => Array1::ones(rows.len()),
        Some(name) => column(table, rows, name).map_err(|detail| FieldError::new("/sample_weight", detail))?,
    };
    if let Some(class_weight) = class_weight {
        let classes = recipe.classes(table, rows)?;
        let by_class = by_class(class_weight, recipe, &classes);
        for (weight, class) in weights.iter_mut().zip(classes) {
            *weight *= by_class.get(class).copied().unwrap_or(1.0);
        }
    }
    Ok(Some(weights))
}

fn by_class(class_weight: &ClassWeight, recipe: &Recipe, classes: &[usize]) -> Vec<f32> {
    let labels = recipe.labels();
    match class_weight {
        ClassWeight::Labels(weights) => {
            labels.iter().map(|label| weights.get(&label_text(label)).map_or(1.0, |weight| *weight as f32)).collect()
        }
        ClassWeight::Rule(ClassWeightRule::Balanced) => {
            let mut counts = vec![0usize; labels.len()];
            for &class in classes {
                if let Some(count) = counts.get_mut(class) {
                    *count += 1;
                }
            }
            let present = counts.iter().filter(|count| **count > 0).count();
            counts.iter().map(|&count| (classes.len() as f64 / (present * count.max(1)) as f64) as f32).collect()
        }
    }
}

fn column(table: &Table, rows: &[usize], name: &str) -> Result<Array1<f32>, String> {
    match table.columns.iter().find(|column| column.name == name).map(|column| &column.cells) {
        Some(Cells::Number(values)) => rows
            .iter()
            .map(|&row| match values.get(row) {
                Some(&value) if value >= 0.0 => Ok(value),
                _ => Err(format!("row {}: expected a weight of at least 0 in {name:?}", row + 1)),
            })
            .collect(),
        _ => Err(format!("expected a number column, received {name:?}")),
    }
}
