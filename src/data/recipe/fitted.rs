//! [`FittedRecipe`]: a recipe that is fitted on the training rows of a table.

use super::{
    Output, OutputTargets, Preparation, Recipe, Scale, VERSION, cells, cells_of,
    feature::{Feature, FittedFeature},
    target::{Target, tags},
    target_mean::TargetValues,
    task::Task,
};
use crate::{
    data::{
        schema::Column,
        table::{Cells, Table, TableColumn},
    },
    engine::{
        cancel::{Cancellation, is_cancelled},
        field::FieldError,
        real::Real,
    },
};
use ndarray::Array2;
use rayon::prelude::*;
use std::collections::HashMap;

/// A fitted recipe with the elements of the training rows that are not those of a prediction.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedRecipe {
    /// What is stored with the version.
    pub recipe: Recipe,
    /// By feature: the elements of the training rows, where these are encoded by the rows of other folds.
    cross_fitted: Vec<(usize, Array2<f64>)>,
}

impl FittedRecipe {
    /// Inputs of the rows that the recipe was fitted on: [rows, columns of the inputs].
    pub fn training_inputs<F: Real>(&self, table: &Table, training: &[usize]) -> Array2<F> {
        let mut inputs = self.recipe.inputs(table, training);
        for (index, elements) in &self.cross_fitted {
            let first: usize = self.recipe.features.iter().take(*index).map(Feature::column_count).sum();
            let next = first + elements.ncols();
            inputs
                .slice_mut(ndarray::s![.., first..next])
                .zip_mut_with(elements, |input, element| *input = F::of(*element));
        }
        inputs
    }
}

impl Recipe {
    /// Fits on the rows `training` of `table`. `features` are the columns of each input, one input after the other, each with its
    /// preparation; a column of several inputs is fitted for each of them. The columns' levels come from `columns`, so that
    /// widths are known before the data is read; a level that no training row has is encoded as an unseen one.
    ///
    /// Ends early once cancelled, with a recipe without meaning.
    ///
    /// # Errors
    /// For columns that cannot be prepared so, each with its pointer.
    pub fn fit(
        table: &Table,
        columns: &[Column],
        features: &[String],
        outputs: &[OutputTargets<'_>],
        preparations: &[Preparation],
        training: &[usize],
    ) -> Result<FittedRecipe, Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut fitted = Vec::with_capacity(features.len());
        let mut cross_fitted = Vec::new();
        let target_values = target_values(table, outputs, training);
        let cancellation = Cancellation::current();
        let fit = |(name, preparation): (&String, &Preparation)| {
            let (column, cells) = pair(table, columns, name)?;
            cancellation.within(|| match is_cancelled() {
                true => Err("cancelled".to_owned()),
                false => Feature::fit(column, cells, preparation, training, target_values.as_ref()),
            })
        };
        let outcomes: Vec<Result<FittedFeature, String>> = features.par_iter().zip(preparations).map(fit).collect();
        for (index, outcome) in outcomes.into_iter().enumerate() {
            match outcome {
                Err(detail) => errors.push(FieldError::new(format!("/features/{index}"), detail)),
                Ok(FittedFeature { feature, of_training }) => {
                    cross_fitted.extend(of_training.map(|elements| (index, elements)));
                    fitted.push(feature);
                }
            }
        }
        let mut fitted_outputs = Vec::with_capacity(outputs.len());
        for output in outputs {
            let mut targets = Vec::with_capacity(output.columns.len());
            let schemas: Vec<&Column> = output.columns.iter().filter_map(|name| column(columns, name).ok()).collect();
            let tags = if output.task == Task::StepClasses { tags(&schemas).unwrap_or_default() } else { Vec::new() };
            for name in output.columns {
                let target = column(columns, name).and_then(|schema| Target::new(schema, output, &tags));
                let target = target.map(|target| target.scaled(output, cells_of(table, name), training));
                target.map_or_else(|detail| errors.push(FieldError::new("/target", detail)), |it| targets.push(it));
            }
            let (name, task, logits) = (output.name.to_owned(), output.task, output.logits);
            let has_axes = matches!(task, Task::StepClasses | Task::Raw);
            let axes = if has_axes { output.shape.0.clone() } else { Vec::new() };
            let probabilities = output.probabilities && task.learns_numbers();
            fitted_outputs.push(Output { name, task, targets, logits, probabilities, axes });
        }
        if errors.is_empty() {
            let recipe = Self {
                version: VERSION,
                features: fitted,
                places: places(features),
                outputs: fitted_outputs,
                missing: Vec::new(),
            };
            Ok(FittedRecipe { recipe, cross_fitted })
        } else {
            Err(errors)
        }
    }
}

/// The targets of the training rows, where there is one target column: numbers, or classes by label.
fn target_values(table: &Table, outputs: &[OutputTargets<'_>], training: &[usize]) -> Option<TargetValues> {
    let names: Vec<&String> = outputs.iter().flat_map(|output| output.columns).collect();
    let [name] = names.as_slice() else { return None };
    Some(match &cells_of(table, name)?.cells {
        Cells::Category { codes, levels } => TargetValues::Classes {
            classes: training.iter().map(|&row| codes.get(row).map_or(usize::MAX, |code| *code as usize)).collect(),
            count: levels.len(),
        },
        Cells::Boolean(values) => TargetValues::Classes {
            classes: training.iter().map(|&row| usize::from(values.get(row) == Some(&Some(true)))).collect(),
            count: 2,
        },
        cells => {
            let numbers = cells::numbers(cells);
            let values: Vec<f64> = training.iter().map(|&row| numbers.get(row)).collect();
            let is_scaled = outputs.iter().any(|output| *output.scale != Scale::none());
            TargetValues::Numbers(if is_scaled { standardized(values) } else { values })
        }
    })
}

/// Numbers with mean 0 and standard deviation 1.
fn standardized(values: Vec<f64>) -> Vec<f64> {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let deviation = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
    let divisor = if deviation > 0.0 { deviation } else { 1.0 };
    values.into_iter().map(|value| (value - mean) / divisor).collect()
}

/// The place of each feature's column among the columns in order of first appearance; empty where each has its own.
fn places(features: &[String]) -> Vec<usize> {
    let mut known = HashMap::new();
    let mut place = |name| {
        let next = known.len();
        *known.entry(name).or_insert(next)
    };
    let places: Vec<usize> = features.iter().map(|name| place(name.as_str())).collect();
    if known.len() == features.len() { Vec::new() } else { places }
}

fn column<'a>(columns: &'a [Column], name: &str) -> Result<&'a Column, String> {
    columns.iter().find(|column| column.name == name).ok_or_else(|| format!("there is no column {name:?}"))
}

fn pair<'a>(table: &'a Table, columns: &'a [Column], name: &str) -> Result<(&'a Column, &'a TableColumn), String> {
    let cells = cells_of(table, name).ok_or_else(|| format!("column {name:?} was not loaded"))?;
    Ok((column(columns, name)?, cells))
}
