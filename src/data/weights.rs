//! Each row's part in the loss.

use crate::{
    data::{
        recipe::{Recipe, label_text},
        table::{Cells, Table},
    },
    engine::{field::FieldError, real::Real},
};
use ndarray::{Array1, ArrayView1};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What each class weighs in the loss: `"balanced"`, or an object from label to weight; a class that is not named weighs 1.
/// Classes that are one-hot columns are named by their column or by its place, from 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum ClassWeight {
    /// By a rule.
    Rule(ClassWeightRule),
    /// By label.
    Labels(BTreeMap<String, f64>),
}

/// A rule for the weight of every class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClassWeightRule {
    /// rows / (classes * rows of the class), as scikit-learn's.
    Balanced,
}

/// How far the shares of a row's classes may be from 1 together.
const ONE: f32 = 1e-3;

/// The weights of `rows`: the class's times the cell of the column `sample_weight`; `None` if neither is requested.
/// Classes weigh in training alone, so validation passes no `class_weight`, as Keras's `fit` does.
pub fn weights<F: Real>(
    recipe: &Recipe,
    table: &Table,
    rows: &[usize],
    class_weight: Option<&ClassWeight>,
    sample_weight: Option<&str>,
) -> Result<Option<Array1<F>>, FieldError> {
    if class_weight.is_none() && sample_weight.is_none() {
        return Ok(None);
    }
    let mut weights = match sample_weight {
        None => Array1::from_elem(rows.len(), F::ONE),
        Some(name) => column(table, rows, name).map_err(|detail| FieldError::new("/sample_weight", detail))?,
    };
    if let Some(class_weight) = class_weight {
        let (labels, classes) = match recipe.one_hot_columns() {
            Some(columns) => (columns, one_hot_classes(recipe, table, rows)?),
            None => (recipe.labels().iter().map(label_text).collect(), recipe.classes(table, rows)?),
        };
        let is_one_hot = recipe.one_hot_columns().is_some();
        let by_class: Vec<F> = by_class(class_weight, &labels, is_one_hot, &classes);
        for (weight, class) in weights.iter_mut().zip(classes) {
            *weight *= by_class.get(class).copied().unwrap_or(F::ONE);
        }
    }
    Ok(Some(weights))
}

/// What each class weighs, in label order, as [`weights`] multiplies it for `rows`.
pub fn class_weights(
    recipe: &Recipe,
    table: &Table,
    rows: &[usize],
    class_weight: &ClassWeight,
) -> Result<Vec<f64>, FieldError> {
    let labels: Vec<String> = recipe.labels().iter().map(label_text).collect();
    Ok(by_class(class_weight, &labels, false, &recipe.classes(table, rows)?))
}

/// Positions in `classes` such that every class has as many as the largest: all in order, then those of smaller classes again, in
/// turn.
pub fn oversampled(classes: &[usize]) -> Vec<usize> {
    let mut by_class: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (position, &class) in classes.iter().enumerate() {
        by_class.entry(class).or_default().push(position);
    }
    let most = by_class.values().map(Vec::len).max().unwrap_or(0);
    let again =
        |rows: &Vec<usize>| rows.iter().copied().cycle().skip(rows.len()).take(most - rows.len()).collect::<Vec<_>>();
    (0..classes.len()).chain(by_class.values().flat_map(again)).collect()
}

/// The class whose column a key names, by the column's name or by its place.
pub fn class_of_column(key: &str, columns: &[String]) -> Option<usize> {
    let by_name = columns.iter().position(|column| column == key);
    by_name.or_else(|| key.parse().ok().filter(|place| *place < columns.len()))
}

/// The class of each of `rows`, whose targets are a column a class: the first of the largest, as Keras takes it.
fn one_hot_classes(recipe: &Recipe, table: &Table, rows: &[usize]) -> Result<Vec<usize>, FieldError> {
    let targets = recipe.targets(table, rows)?;
    let class = |(target, row): (ArrayView1<'_, f32>, &usize)| {
        let sum: f32 = target.sum();
        if (sum - 1.0).abs() > ONE || target.iter().any(|share| *share < 0.0) {
            let detail = format!(
                "row {}: expected target columns of which one is 1 and the others are 0, as class weights need, \
                 received a sum of {sum}",
                row + 1
            );
            return Err(FieldError::new("/class_weight", detail));
        }
        let mut largest = (0, f32::NEG_INFINITY);
        for (class, &share) in target.iter().enumerate() {
            if share > largest.1 {
                largest = (class, share);
            }
        }
        Ok(largest.0)
    };
    targets.rows().into_iter().zip(rows).map(class).collect()
}

fn by_class<F: Real>(class_weight: &ClassWeight, labels: &[String], is_one_hot: bool, classes: &[usize]) -> Vec<F> {
    match class_weight {
        ClassWeight::Labels(weights) if is_one_hot => {
            let mut by_class = vec![F::ONE; labels.len()];
            for (key, weight) in weights {
                if let Some(of_class) = class_of_column(key, labels).and_then(|class| by_class.get_mut(class)) {
                    *of_class = F::of(*weight);
                }
            }
            by_class
        }
        ClassWeight::Labels(weights) => {
            labels.iter().map(|label| weights.get(label).map_or(F::ONE, |weight| F::of(*weight))).collect()
        }
        ClassWeight::Rule(ClassWeightRule::Balanced) => {
            let mut counts = vec![0usize; labels.len()];
            for &class in classes {
                if let Some(count) = counts.get_mut(class) {
                    *count += 1;
                }
            }
            let present = counts.iter().filter(|count| **count > 0).count();
            counts.iter().map(|&count| F::of(classes.len() as f64 / (present * count.max(1)) as f64)).collect()
        }
    }
}

fn column<F: Real>(table: &Table, rows: &[usize], name: &str) -> Result<Array1<F>, String> {
    match table.columns.iter().find(|column| column.name == name).map(|column| &column.cells) {
        Some(Cells::Number(values)) => rows
            .iter()
            .map(|&row| match values.get(row) {
                Some(&value) if value >= 0.0 => Ok(F::of(value)),
                _ => Err(format!("row {}: expected a weight of at least 0 in {name:?}", row + 1)),
            })
            .collect(),
        _ => Err(format!("expected a number column, received {name:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::oversampled;

    #[test]
    fn every_class_has_as_many_rows_as_the_largest() {
        assert_eq!(oversampled(&[0, 1, 0, 0, 2, 2]), [0, 1, 2, 3, 4, 5, 1, 1, 4]);
        assert_eq!(oversampled(&[]), [0usize; 0]);
    }
}
