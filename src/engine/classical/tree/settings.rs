//! Checks of the settings that all trees share.

use super::{Criterion, TreeRules};
use crate::engine::{
    classical::{Share, Task, choices::expect},
    field::FieldError,
};

/// Ranges of the settings that all trees share.
pub(in crate::engine::classical) fn check(rules: &TreeRules<'_>) -> Result<(), FieldError> {
    if let Some(depth) = rules.max_depth {
        expect("/max_depth", depth >= 1, "at least 1, or null", depth)?;
    }
    rules.min_samples_split.check("/min_samples_split", 2)?;
    rules.min_samples_leaf.check("/min_samples_leaf", 1)?;
    if rules.min_samples_leaf == Share::Fraction(1.0) {
        return Err(FieldError::new("/min_samples_leaf", "expected a fraction below 1.0, received 1.0"));
    }
    let fraction = rules.min_weight_fraction_leaf;
    expect("/min_weight_fraction_leaf", (0.0..=0.5).contains(&fraction), "0 to 0.5", fraction)?;
    if let Some(features) = rules.max_features {
        features.check("/max_features")?;
    }
    if let Some(leaves) = rules.max_leaf_nodes {
        expect("/max_leaf_nodes", leaves >= 2, "at least 2, or null", leaves)?;
    }
    let is_positive = |value: f64| value.is_finite() && value >= 0.0;
    let decrease = rules.min_impurity_decrease;
    expect("/min_impurity_decrease", is_positive(decrease), "a number of at least 0", decrease)?;
    expect("/ccp_alpha", is_positive(rules.ccp_alpha), "a number of at least 0", rules.ccp_alpha)?;
    if let Some(at) = rules.monotonic_cst.and_then(|signs| signs.iter().position(|sign| !(-1..=1).contains(sign))) {
        let sign = rules.monotonic_cst.map_or(0, |signs| signs[at]);
        return Err(FieldError::new(format!("/monotonic_cst/{at}"), format!("expected -1, 0 or 1, received {sign}")));
    }
    Ok(())
}

/// Settings that do not fit the task or the number of columns. `criterion` is the one that was chosen, if any.
pub(in crate::engine::classical) fn check_task(
    rules: &TreeRules<'_>,
    criterion: Option<Criterion>,
    task: Task,
    columns: usize,
) -> Result<(), FieldError> {
    if let Some(criterion) = criterion {
        let (fits, expected) = match task {
            Task::Classification { .. } => (criterion.is_for_classes(), "`gini`, `entropy` or `log_loss` for classes"),
            Task::Regression => {
                (!criterion.is_for_classes(), "`squared_error`, `absolute_error` or `poisson` for numbers")
            }
        };
        let received = serde_json::to_string(&criterion).unwrap_or_default();
        if !fits {
            let detail = format!("expected {expected}, received `{}`", received.trim_matches('"'));
            return Err(FieldError::new("/criterion", detail));
        }
    }
    if let Some(signs) = rules.monotonic_cst {
        check_monotonic(signs, task, columns)?;
    }
    Ok(())
}

/// One sign per column, and at most two classes.
pub(in crate::engine::classical) fn check_monotonic(
    signs: &[i8],
    task: Task,
    columns: usize,
) -> Result<(), FieldError> {
    if signs.len() != columns {
        let detail = format!("expected one number per column, {columns} in all, received {}", signs.len());
        return Err(FieldError::new("/monotonic_cst", detail));
    }
    match task {
        Task::Classification { n_classes } if n_classes > 2 => {
            let detail =
                format!("expected null for more than two classes, received constraints for {n_classes} classes");
            Err(FieldError::new("/monotonic_cst", detail))
        }
        _ => Ok(()),
    }
}
