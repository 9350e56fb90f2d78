//! What is allowed in what a model learns, and probably not meant.

use super::learned::Learned;
use crate::{
    data::{
        recipe::{Task, indices},
        schema::{Column, ColumnType},
    },
    engine::{activation::Activation, optimizer::Optimizer, spec::Architecture},
    job::preprocessing::JobWarning,
};
use std::collections::BTreeSet;

/// Most classes that a warning names.
const MOST_NAMED: usize = 10;

/// The warnings of every output.
pub(super) fn of_outputs(learned: &[Learned<'_>], architecture: &Architecture) -> Vec<JobWarning> {
    let of_output = |(index, learned): (usize, &Learned<'_>)| {
        let is_softmax = architecture.last_activation(index) == Some(Activation::Softmax);
        let constant = (is_softmax && learned.width == 1).then(|| constant_output(learned));
        [constant, classes_without_rows(learned)].into_iter().flatten()
    };
    learned.iter().enumerate().flat_map(of_output).collect()
}

/// A target that is a feature too, unless all targets of its output are and it is not the only one, as in an autoencoder.
pub(super) fn targets_among_features(learned: &[Learned<'_>], features: &[String]) -> Vec<JobWarning> {
    let of_output = |learned: &Learned<'_>| {
        let targets = &learned.wanted.columns;
        let shared: Vec<&Column> = targets.iter().copied().filter(|target| features.contains(&target.name)).collect();
        let is_autoencoder = shared.len() == targets.len() && (targets.len() > 1 || features.len() == 1);
        (!shared.is_empty() && !is_autoencoder).then(|| JobWarning {
            code: "target_among_features".to_owned(),
            columns: names(&shared),
            detail: "these targets are features too, so the model can read what it is to predict".to_owned(),
        })
    };
    learned.iter().filter_map(of_output).collect()
}

/// Weight decay beside an output without a loss, whose own weights Keras leaves as they are.
pub(super) fn decay_of_untrained(learned: &[Learned<'_>], optimizer: &Optimizer) -> Option<JobWarning> {
    let untrained = learned.iter().find(|learned| learned.wanted.untrained)?;
    let decays = optimizer.options.weight_decay.is_some_and(|decay| decay > 0.0);
    decays.then(|| JobWarning {
        code: "decay_of_untrained_output".to_owned(),
        columns: names(&untrained.wanted.columns),
        detail: format!(
            "the optimizer's weight_decay shrinks the weights of the output `{}` too, which has no loss; Keras leaves \
             weights that no loss reads as they are",
            untrained.wanted.name
        ),
    })
}

fn names(columns: &[&Column]) -> Vec<String> {
    columns.iter().map(|column| column.name.clone()).collect()
}

fn constant_output(learned: &Learned<'_>) -> JobWarning {
    JobWarning {
        code: "constant_output".to_owned(),
        columns: names(&learned.wanted.columns),
        detail:
            "the softmax of 1 unit is 1 whatever the input is, and so is every prediction; a sigmoid says how probable \
                 one of two classes is"
                .to_owned(),
    }
}

/// Class indices that no row has, where labels are indices. Nothing where there are too many labels to list.
fn classes_without_rows(learned: &Learned<'_>) -> Option<JobWarning> {
    let (columns, units) = (learned.wanted.columns.as_slice(), learned.width);
    let by_index = match (learned.task, columns) {
        (Task::SparseClasses | Task::OneHotClasses | Task::Margins, [column]) => {
            indices(column, units, learned.loss.ignore_class())
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
    let mut named: Vec<String> = without.iter().take(MOST_NAMED).map(u64::to_string).collect();
    named.extend((count > MOST_NAMED).then(|| format!("{} more", count - MOST_NAMED)));
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
