//! Warnings about a job that is allowed and probably not intended.

use super::{
    label_lists::label_lists, loss::loss_name, resolved_output::ResolvedOutput, table_view::TableView,
    task::unreachable_target,
};
use crate::{
    data::{
        recipe::{Task, indices},
        schema::{Column, ColumnType},
        split::{PartSizes, SplitMethod, shares_of_classes},
    },
    engine::{activation::Activation, classical::Traits, loss::Loss, optimizer::Optimizer, spec::Architecture},
    job::{
        JobSplit,
        preprocessing::{ColumnPreparation, JobWarning},
    },
};
use std::collections::BTreeSet;

/// Maximum number of classes that a warning names.
const MAX_NAMED: usize = 10;

/// The warnings of every output.
pub(super) fn of_outputs(outputs: &[ResolvedOutput<'_>], architecture: &Architecture) -> Vec<JobWarning> {
    let of_output = |(index, output): (usize, &ResolvedOutput<'_>)| {
        let last = architecture.last_activation(index);
        let unreachable = unreachable_target(output.request, output.task, output.width, last);
        let unreachable = unreachable.map(|fault| JobWarning {
            code: fault.code.to_owned(),
            columns: names(&output.request.columns),
            detail: fault.detail,
        });
        let probabilities = not_probabilities(output, last);
        let bounded = bounded_logits(output, last);
        let of_values = [unreachable, negative_target(output), negative_output(output, last), two_numbers(output)];
        of_values.into_iter().chain([classes_without_rows(output), probabilities, bounded]).flatten()
    };
    outputs.iter().enumerate().flat_map(of_output).collect()
}

/// Numbers below 0 in a target that its loss takes as 0 or more.
fn negative_target(output: &ResolvedOutput<'_>) -> Option<JobWarning> {
    let is_for_counts = matches!(output.loss, Loss::Poisson | Loss::MeanSquaredLogarithmicError);
    let mut columns = output.request.columns.iter().filter(|column| column.minimum().is_some_and(|min| min < 0.0));
    let column = columns.next().filter(|_| is_for_counts && !output.request.is_untrained)?;
    Some(JobWarning {
        code: "target_out_of_range".to_owned(),
        columns: vec![column.name.clone()],
        detail: format!(
            "{} is for numbers of 0 or more, but {:?} has {} to {}",
            loss_name(output.loss),
            column.name,
            column.minimum().unwrap_or_default(),
            column.maximum().unwrap_or_default()
        ),
    })
}

/// An output that may be below 0 under a loss that takes its logarithm.
fn negative_output(output: &ResolvedOutput<'_>, last: Option<Activation>) -> Option<JobWarning> {
    let last = last.filter(|last| last.range().0 < 0.0)?;
    (output.loss == Loss::Poisson && !output.request.is_untrained).then(|| JobWarning {
        code: "output_out_of_range".to_owned(),
        columns: names(&output.request.columns),
        detail: format!(
            "poisson takes the logarithm of the output, and {} outputs numbers below 0 too, of which the loss becomes NaN; end the model \
             with exponential or softplus",
            last.kind()
        ),
    })
}

/// Logits with bounds, from which no probability near 1 follows.
fn bounded_logits(output: &ResolvedOutput<'_>, last: Option<Activation>) -> Option<JobWarning> {
    let (from, to) = last.filter(|_| output.is_logits)?.range();
    if !(from.is_finite() && to.is_finite()) {
        return None;
    }
    let is_softmax = output.loss.probability_activation(last) == Some(Activation::Softmax);
    let others = output.width.saturating_sub(1) as f64;
    let most = 1.0 / (1.0 + if is_softmax { others * (from - to).exp() } else { (-to).exp() });
    Some(JobWarning {
        code: "bounded_logits".to_owned(),
        columns: names(&output.request.columns),
        detail: format!(
            "the last activation ({}) outputs {from} to {to}, which the loss reads as logits: no probability can be over {most:.3}; end \
             the model with a linear output, a sigmoid or a softmax",
            last.map_or_else(String::new, |last| last.kind().to_string())
        ),
    })
}

/// Two whole numbers that are learned as numbers, since neither the output nor the request says that they are classes.
fn two_numbers(output: &ResolvedOutput<'_>) -> Option<JobWarning> {
    let request = output.request;
    let is_open = request.task.is_none() && request.loss.is_none() && !request.is_untrained && !request.is_of_keras;
    let [column] = request.columns.as_slice() else { return None };
    let [low, high] = column.values.as_deref()? else { return None };
    (is_open && output.task == Task::Regression && column.kind == ColumnType::Number).then(|| JobWarning {
        code: "doubtful_task".to_owned(),
        columns: names(&request.columns),
        detail: format!(
            "{:?} has two numbers, {} and {}, which are learned as numbers; if they are classes, write \"task\": \
             \"binary_classification\", or end the model with a unit of sigmoid",
            column.name, low.value, high.value
        ),
    })
}

/// A requested loss of probabilities where the last activation outputs other numbers.
fn not_probabilities(output: &ResolvedOutput<'_>, last: Option<Activation>) -> Option<JobWarning> {
    let (from, to) = last?.range();
    let is_wrong = output.loss.reads_probabilities() && !output.request.is_untrained && (from < 0.0 || to > 1.0);
    is_wrong.then(|| JobWarning {
        code: "not_probabilities".to_owned(),
        columns: names(&output.request.columns),
        detail: format!(
            "the loss reads the output as probabilities, and {} outputs numbers outside of 0 to 1: set `from_logits` of the loss, or \
             end the model with a sigmoid or a softmax",
            last.map_or_else(String::new, |last| last.kind().to_string())
        ),
    })
}

/// The targets of one output.
#[derive(Debug, Clone, Copy)]
pub(super) struct TargetColumns<'a> {
    pub columns: &'a [&'a Column],
    /// Whether one column has the class of each row.
    pub has_one_label: bool,
}

impl<'a> TargetColumns<'a> {
    /// Those of an output of a network.
    pub fn of_output(output: &'a ResolvedOutput<'_>) -> Self {
        Self { columns: &output.request.columns, has_one_label: output.task.has_one_label() }
    }
}

/// The warnings that follow from the columns alone, of a network and of a classical model. `targets` are those of each output.
pub(super) fn of_columns(
    targets: &[TargetColumns<'_>],
    features: &[String],
    split: &JobSplit,
    rows: usize,
) -> Vec<JobWarning> {
    let lists = targets.iter().filter_map(|of_output| match of_output.columns {
        [column] if of_output.has_one_label => label_lists(column).map(|lists| lists.warning(column)),
        _ => None,
    });
    let shared = targets.iter().filter_map(|of_output| targets_among_features(of_output.columns, features));
    let rare = match targets {
        [TargetColumns { columns: [column], .. }] => rare_classes(column, split, rows),
        _ => None,
    };
    lists.chain(shared).chain(rare).collect()
}

/// Targets that are features too. Not for an autoencoder, whose targets are all features, and several or the only feature.
fn targets_among_features(targets: &[&Column], features: &[String]) -> Option<JobWarning> {
    let shared: Vec<&Column> = targets.iter().copied().filter(|target| features.contains(&target.name)).collect();
    let is_autoencoder = shared.len() == targets.len() && (targets.len() > 1 || features.len() == 1);
    (!shared.is_empty() && !is_autoencoder).then(|| JobWarning {
        code: "target_among_features".to_owned(),
        columns: names(&shared),
        detail: "these targets are features too, so the model sees what it predicts".to_owned(),
    })
}

/// Which columns of one value have no effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Constants {
    /// Those that are scaled or encoded: they become 0.
    Prepared,
    /// Those that are raw numbers too.
    All,
}

impl Constants {
    /// Of a classical model. A model that needs no scale divides rows by their differences, or compares classes.
    pub fn of_model(traits: Traits) -> Self {
        if traits.scaled { Self::Prepared } else { Self::All }
    }
}

/// Features with one value in all rows that have no effect.
pub(super) fn constant_features(
    features: &[String],
    columns: &[Column],
    applied: &[ColumnPreparation],
    constants: Constants,
) -> Option<JobWarning> {
    let is_raw =
        |name: &String| applied.iter().any(|it| it.preparation.is_unscaled_number() && it.columns.contains(name));
    // Raw numbers keep their missing cells, which are another value.
    let has_effect = |name: &String, column: &Column| match constants {
        Constants::Prepared => is_raw(name),
        Constants::All => is_raw(name) && column.missing > 0,
    };
    let is_constant = |name: &&String| {
        let column = columns.iter().find(|column| column.name == **name);
        column.is_some_and(|column| {
            let fills = column.missing == 0 || column.kind == ColumnType::Number;
            column.distinct == 1 && fills && !has_effect(name, column)
        })
    };
    let constant: Vec<String> = features.iter().filter(is_constant).cloned().collect();
    (!constant.is_empty()).then(|| JobWarning {
        code: "constant_columns".to_owned(),
        detail: format!(
            "{} the same value in every row: nothing can be learned from it, and another value has no effect on a prediction",
            if constant.len() == 1 { "this column has" } else { "these columns have" }
        ),
        columns: constant,
    })
}

/// Columns of times that have a zone in the dataset that trains and none in the one that validates, or the other way round.
pub(super) fn time_zones(features: &[&Column], validation: Option<TableView<'_>>) -> Option<JobWarning> {
    let differs = |trained: &&&Column| {
        let other = validation?.columns.iter().find(|column| column.name == trained.name)?;
        Some(trained.has_zone? != other.has_zone?)
    };
    let columns: Vec<&Column> = features.iter().filter(|it| differs(it) == Some(true)).copied().collect();
    (!columns.is_empty()).then(|| JobWarning {
        code: "time_zone".to_owned(),
        columns: names(&columns),
        detail: "only one of the two datasets has time zones in these columns; times without a zone are taken as UTC"
            .to_owned(),
    })
}

/// Classes with too few rows to be in every part of a stratified split.
fn rare_classes(column: &Column, split: &JobSplit, rows: usize) -> Option<JobWarning> {
    let values = column.values.as_deref().filter(|_| split.method == SplitMethod::Stratified)?;
    let sizes = PartSizes::new(rows, split.validation, split.test);
    let counts: Vec<usize> = values.iter().map(|level| level.count as usize).collect();
    let test = shares_of_classes(&counts, sizes.test);
    let left: Vec<usize> = counts.iter().zip(&test).map(|(count, taken)| count.saturating_sub(*taken)).collect();
    let validation = shares_of_classes(&left, sizes.validation);
    let parts = test.iter().zip(&validation);
    let lacks = |(test, validation): (&usize, &usize)| {
        (*test == 0 && sizes.test > 0) || (*validation == 0 && sizes.validation > 0)
    };
    let rare: Vec<String> = values
        .iter()
        .zip(parts)
        .filter(|(level, parts)| level.count > 0 && lacks(*parts))
        .map(|(level, _)| format!("{} ({} rows)", level.value, level.count))
        .collect();
    let mut named: Vec<String> = rare.iter().take(MAX_NAMED).cloned().collect();
    named.extend((rare.len() > MAX_NAMED).then(|| format!("{} more", rare.len() - MAX_NAMED)));
    (!rare.is_empty()).then(|| JobWarning {
        code: "rare_classes".to_owned(),
        columns: vec![column.name.clone()],
        detail: format!(
            "these classes have too few rows to be in every part of the split, and all their rows or most train: {}",
            named.join(", ")
        ),
    })
}

/// Weight decay with an output without a loss: Keras does not decay the weights of that output.
pub(super) fn decay_of_untrained(outputs: &[ResolvedOutput<'_>], optimizer: &Optimizer) -> Option<JobWarning> {
    let untrained = outputs.iter().find(|output| output.request.is_untrained)?;
    let decays = optimizer.options.weight_decay.is_some_and(|decay| decay > 0.0);
    decays.then(|| JobWarning {
        code: "decay_of_untrained_output".to_owned(),
        columns: names(&untrained.request.columns),
        detail: format!(
            "the optimizer's weight_decay shrinks the weights of the output `{}` too, which has no loss; Keras does \
             not decay weights that no loss depends on",
            untrained.request.name
        ),
    })
}

fn names(columns: &[&Column]) -> Vec<String> {
    columns.iter().map(|column| column.name.clone()).collect()
}

/// Class indices that no row has, where labels are indices. Nothing where there are too many labels to list.
fn classes_without_rows(output: &ResolvedOutput<'_>) -> Option<JobWarning> {
    let (columns, units) = (output.request.columns.as_slice(), output.width);
    let by_index = match (output.task, columns) {
        (Task::SparseClasses | Task::OneHotClasses | Task::Margins, [column]) => {
            indices(column, units, output.loss.ignore_class())
        }
        (Task::StepClasses, [column, ..]) => column.kind == ColumnType::Number,
        _ => false,
    };
    if !by_index {
        return None;
    }
    let mut found = BTreeSet::new();
    for column in columns {
        found.extend(column.values.as_ref()?.iter().filter_map(|level| level.value.as_u64()));
    }
    let without: Vec<u64> = (0..units as u64).filter(|class| !found.contains(class)).collect();
    let (last, count) = (units.saturating_sub(1), without.len());
    let mut named: Vec<String> = without.iter().take(MAX_NAMED).map(u64::to_string).collect();
    named.extend((count > MAX_NAMED).then(|| format!("{} more", count - MAX_NAMED)));
    (count > 0).then(|| JobWarning {
        code: "classes_without_rows".to_owned(),
        columns: names(columns),
        detail: format!(
            "labels are the indices of the {units} units, 0 to {last}, as in Keras, and no row has {}: these classes are not \
             learned",
            named.join(", ")
        ),
    })
}
