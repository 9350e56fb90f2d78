//! How a classical model decides: importances, coefficients, trees.

use crate::{
    data::recipe::CountedRows,
    engine::classical::{Fitted, NodeView},
    http::{
        App,
        path::KeyAndVersion,
        problem::{Kind, Problem},
        query::Parameters,
    },
    job::{ColumnImportance, PermutationImportances},
    serving::{Loaded, ModelKey},
};
use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use utoipa::ToSchema;

/// Decimals of thresholds and values in the text of a tree.
const DECIMALS: usize = 2;

/// Which models have coefficients.
const COEFFICIENTS: &str = "linear models have, and svm with a linear kernel for two classes or numbers";

/// Which importances.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportancesQuery {
    /// How they are measured; `impurity` where the model has it, unless set
    #[param(inline)]
    kind: Option<ImportanceKind>,
}

/// How importances are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportanceKind {
    /// The decrease of impurity (or of the loss) by the splits of each column that a tree was fitted on, with the sum 1.
    Impurity,
    /// How much worse a metric is when a column of the table is permuted.
    Permutation,
}

/// Importances of columns.
#[derive(Debug, Serialize, ToSchema)]
pub struct Importances {
    /// How they are measured.
    kind: ImportanceKind,
    /// The kinds that this version has.
    kinds: Vec<ImportanceKind>,
    /// Of permutations the metric: the first of the job's with a direction, else the loss.
    #[serde(skip_serializing_if = "Option::is_none")]
    metric: Option<String>,
    /// The metric without a permutation. An importance is how much worse it becomes.
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<f64>,
    /// Which rows were predicted.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<CountedRows>,
    /// How many rows: all, or a sample that is predicted within about a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    n_rows: Option<usize>,
    /// Permutations per column.
    #[serde(skip_serializing_if = "Option::is_none")]
    n_repeats: Option<usize>,
    /// The largest first.
    columns: Vec<Importance>,
}

/// The importance of a column.
#[derive(Debug, Serialize, ToSchema)]
pub struct Importance {
    /// The column of the table; with the kind `impurity` one that the model was fitted on: a one-hot category has one for each level
    /// (`city=Rome`).
    column: String,
    /// Its importance, of permutations the mean.
    importance: f64,
    /// The standard deviation over the permutations.
    #[serde(skip_serializing_if = "Option::is_none")]
    std: Option<f64>,
}

/// Coefficients of a linear model.
#[derive(Debug, Serialize, ToSchema)]
pub struct CoefficientsBody {
    /// The columns that it was fitted on, as the recipe prepares them: scaled, and one for each level of a one-hot category.
    columns: Vec<String>,
    /// One for each output.
    outputs: Vec<OutputCoefficients>,
}

/// Coefficients of one output.
#[derive(Debug, Serialize, ToSchema)]
pub struct OutputCoefficients {
    /// The class for which the output speaks; absent for a regression.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<Value>,
    /// Of the columns in order.
    coefficients: Vec<f64>,
    /// The intercept.
    intercept: f64,
}

/// Which tree, in which form.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TreeQuery {
    /// Number of the tree, from 0
    #[serde(default)]
    #[param(minimum = 0, default = 0)]
    index: usize,
    /// How it is written
    #[serde(default)]
    #[param(inline)]
    format: TreeFormat,
}

/// How a tree is written.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TreeFormat {
    /// Nodes.
    #[default]
    Json,
    /// Indented text, as scikit-learn's `export_text`.
    Text,
}

/// A tree.
#[derive(Debug, Serialize, ToSchema)]
pub struct Tree {
    /// Its number, from 0.
    index: usize,
    /// How many trees the model has.
    trees: usize,
    /// The columns to which `feature` of a split points.
    columns: Vec<String>,
    /// The labels of the values of a leaf in order; empty for a regression.
    labels: Vec<Value>,
    /// The root first, children after their parents.
    #[schema(value_type = Vec<Object>)]
    nodes: Vec<NodeView>,
}

/// Importances of the columns
///
/// `impurity`: of trees, how much the splits of each column decrease the impurity, as scikit-learn's `feature_importances_`.
/// `permutation`: of every model and network, how much worse it predicts the validation rows (else the training rows) when a column
/// of the table is permuted, as scikit-learn's `permutation_importance` with the job's seed. It is measured at the end of the job,
/// unless that would take too long.
#[utoipa::path(get, path = "/v1/models/{model}/versions/{version}/importances", tag = "models",
    params(
        ("model" = String, Path, description = "Name or id", example = "iris-forest"),
        ("version" = u64, Path, description = "Number of the version, from 1", example = 1),
        ImportancesQuery,
    ),
    responses((status = 200, description = "The importances", body = Importances)))]
pub async fn importances(
    State(app): State<Arc<App>>,
    KeyAndVersion(model, version): KeyAndVersion,
    Parameters(query): Parameters<ImportancesQuery>,
) -> Result<Json<Importances>, Problem> {
    let model = app.models.find(ModelKey { model, version: Some(version) }).await?;
    let by_impurity = model.fitted().and_then(|fitted| fitted.importances());
    let permuted = model.importances();
    let kinds = [by_impurity.as_ref().map(|_| ImportanceKind::Impurity), permuted.map(|_| ImportanceKind::Permutation)];
    let kinds: Vec<ImportanceKind> = kinds.into_iter().flatten().collect();
    let kind = query.kind.or_else(|| kinds.first().copied()).unwrap_or(ImportanceKind::Permutation);
    let mut importances = match kind {
        ImportanceKind::Impurity => {
            let which = "decision_tree, random_forest, extra_trees and gradient_boosting have";
            let of_columns = by_impurity.ok_or_else(|| without(&model, "importances by impurity", which))?;
            let columns = model.recipe().matrix_columns().into_iter().zip(of_columns);
            let columns = columns.map(|(column, importance)| Importance { column, importance, std: None }).collect();
            Importances {
                kind,
                kinds,
                metric: None,
                baseline: None,
                rows: None,
                n_rows: None,
                n_repeats: None,
                columns,
            }
        }
        ImportanceKind::Permutation => {
            let which = "versions have whose columns could be permuted within about a second at the end of the job";
            let permuted = permuted.ok_or_else(|| without(&model, "importances by permutation", which))?;
            let PermutationImportances { metric, baseline, rows, n_rows, n_repeats, columns } = permuted.clone();
            let of_column =
                |it: ColumnImportance| Importance { column: it.column, importance: it.mean, std: Some(it.std) };
            Importances {
                kind,
                kinds,
                metric: Some(metric),
                baseline: Some(baseline),
                rows: Some(rows),
                n_rows: Some(n_rows),
                n_repeats: Some(n_repeats),
                columns: columns.into_iter().map(of_column).collect(),
            }
        }
    };
    importances.columns.sort_by(|a, b| b.importance.total_cmp(&a.importance));
    Ok(Json(importances))
}

/// Coefficients of a linear model
#[utoipa::path(get, path = "/v1/models/{model}/versions/{version}/coefficients", tag = "models",
    params(
        ("model" = String, Path, description = "Name or id", example = "iris-logistic"),
        ("version" = u64, Path, description = "Number of the version, from 1", example = 1),
    ),
    responses((status = 200, description = "The coefficients", body = CoefficientsBody)))]
pub async fn coefficients(
    State(app): State<Arc<App>>,
    KeyAndVersion(model, version): KeyAndVersion,
) -> Result<Json<CoefficientsBody>, Problem> {
    let model = app.models.find(ModelKey { model, version: Some(version) }).await?;
    let found = fitted(&model, "coefficients")?.coefficients();
    let found = found.ok_or_else(|| without(&model, "coefficients", COEFFICIENTS))?;
    let labels = model.recipe().labels();
    let label = |output: usize| match (labels, found.intercepts.len()) {
        // The only output of two classes speaks for the second.
        ([_, second], 1) => Some(second.clone()),
        (labels, _) => labels.get(output).cloned(),
    };
    let outputs = found.coefficients.rows().into_iter().zip(&found.intercepts).enumerate();
    let outputs = outputs.map(|(output, (coefficients, intercept))| OutputCoefficients {
        label: label(output),
        coefficients: coefficients.to_vec(),
        intercept: *intercept,
    });
    Ok(Json(CoefficientsBody { columns: model.recipe().matrix_columns(), outputs: outputs.collect() }))
}

/// A tree of a model
///
/// Of decision trees, forests and gradient boosting. `?format=text` is for reading. A split of a category, a boolean or a weekday has the
/// levels of both sides in `levels_left` and `levels_right`, up to 255 levels; of more places of levels it has `last_level_left`. A split
/// of a one-hot category has its level in `levels_right`. A split of a date has `threshold_date` beside the seconds since 1970.
#[utoipa::path(get, path = "/v1/models/{model}/versions/{version}/tree", tag = "models",
    params(
        ("model" = String, Path, description = "Name or id", example = "iris-forest"),
        ("version" = u64, Path, description = "Number of the version, from 1", example = 1),
        TreeQuery,
    ),
    responses((status = 200, description = "The tree", content(
        (Tree = "application/json"), (String = "text/plain")))))]
pub async fn tree(
    State(app): State<Arc<App>>,
    KeyAndVersion(model, version): KeyAndVersion,
    Parameters(query): Parameters<TreeQuery>,
) -> Result<Response, Problem> {
    let model = app.models.find(ModelKey { model, version: Some(version) }).await?;
    let fitted = fitted(&model, "trees")?;
    let trees = fitted.trees();
    if trees == 0 {
        return Err(without(&model, "trees", "decision_tree, random_forest, extra_trees and gradient_boosting have"));
    }
    let mut view = fitted
        .tree(query.index)
        .ok_or_else(|| Problem::new(Kind::NotFound, format!("no tree {}: expected 0 to {}", query.index, trees - 1)))?;
    let (columns, labels) = (model.recipe().matrix_columns(), model.recipe().labels().to_vec());
    let readings = model.recipe().readings();
    for split in view.nodes.iter_mut().filter_map(|node| node.split.as_mut()) {
        split.threshold = split.threshold.map(|it| model.recipe().in_units_of_table(split.feature, it));
        split.words = readings.get(split.feature).map(|reading| reading.words(split)).unwrap_or_default();
    }
    Ok(match query.format {
        TreeFormat::Json => {
            Json(Tree { index: query.index, trees, columns, labels, nodes: view.nodes }).into_response()
        }
        TreeFormat::Text => {
            let labels: Vec<String> = labels.iter().map(crate::data::recipe::label_text).collect();
            let text = view.text(&columns, &labels, DECIMALS);
            ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
        }
    })
}

fn fitted<'a>(model: &'a Loaded, what: &str) -> Result<&'a dyn Fitted, Problem> {
    model.fitted().ok_or_else(|| without(model, what, "classical models have"))
}

fn without(model: &Loaded, what: &str, which: &str) -> Problem {
    let (name, version) = (model.model(), model.version());
    Problem::new(Kind::NotFound, format!("version {version} of the model {name:?} has no {what}, which {which}"))
}
