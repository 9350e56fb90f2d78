//! What to look at before a model is trained.

use super::association::{Measure, View};
use crate::data::{
    schema::{Column, ColumnType},
    table::MISSING,
};
use serde::Serialize;
use std::collections::HashMap;

/// Rows from which a table says something of ids and leaks.
const MIN_ROWS: u64 = 20;
/// Rows below which a class is rare.
const RARE: u64 = 10;
/// Association from which a number column is taken to tell a number target.
const TELLS: f64 = 0.9999;
/// Rows for each level from which a category that tells the target is no coincidence.
const ROWS_PER_LEVEL: usize = 5;

/// Something to look at before a model is trained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ProfileWarning {
    /// For programs: `constant`, `id_like`, `leaks_target`, `mostly_missing`, `rare_class`, `duplicate_rows`.
    pub code: &'static str,
    /// The column, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// For people.
    pub detail: String,
}

fn of(code: &'static str, column: &Column, detail: String) -> ProfileWarning {
    ProfileWarning { code, column: Some(column.name.clone()), detail }
}

/// Warnings about the rows and the classes of the target.
pub(super) fn of_table(rows: u64, duplicates: Option<u64>, target: Option<&Column>) -> Vec<ProfileWarning> {
    let mut warnings = Vec::new();
    if let Some(count) = duplicates.filter(|count| *count > 0 && *count * 200 >= rows) {
        let detail = format!(
            "{count} of {rows} rows are equal to an earlier one: a random split has some of them in both parts"
        );
        warnings.push(ProfileWarning { code: "duplicate_rows", column: None, detail });
    }
    let Some(target) = target else { return warnings };
    warnings.extend(missing(target, rows));
    let is_class = target.kind != ColumnType::Number || target.distinct <= 20;
    let rare = target.values.iter().flatten().filter(|value| is_class && (1..RARE).contains(&value.count));
    let rare: Vec<String> = rare.map(|value| format!("{} ({} rows)", value.value, value.count)).collect();
    if !rare.is_empty() {
        let more = if rare.len() > 5 { format!(" and {} more", rare.len() - 5) } else { String::new() };
        let listed: Vec<_> = rare.into_iter().take(5).collect();
        let detail = format!("classes with fewer than {RARE} rows: {}{more}", listed.join(", "));
        warnings.push(of("rare_class", target, detail));
    }
    warnings
}

/// Warnings about a column that is not the target.
pub(super) fn of_column(
    column: &Column,
    rows: u64,
    view: Option<&View<'_>>,
    target: Option<&View<'_>>,
) -> Vec<ProfileWarning> {
    let mut warnings: Vec<ProfileWarning> = missing(column, rows).into_iter().collect();
    let present = rows - column.missing.min(rows);
    if column.distinct <= 1 {
        let detail = match present {
            0 => "every cell is missing".to_owned(),
            _ => "every cell that is not missing has the same value".to_owned(),
        };
        warnings.push(of("constant", column, detail));
        return warnings;
    }
    if present >= MIN_ROWS && is_id(column, present, view) {
        let about = if column.kind == ColumnType::Category && column.values.is_none() { "about " } else { "" };
        let distinct = if column.kind == ColumnType::Number { present } else { column.distinct };
        let detail =
            format!("{about}{distinct} different values in {present} rows: an id says nothing about other rows");
        warnings.push(of("id_like", column, detail));
    }
    if let Some((view, target)) = view.zip(target)
        && rows >= MIN_ROWS
        && let Some(detail) = leak(view, target)
    {
        warnings.push(of("leaks_target", column, detail));
    }
    warnings
}

fn missing(column: &Column, rows: u64) -> Option<ProfileWarning> {
    let is_mostly = column.missing * 2 > rows && column.missing < rows;
    is_mostly.then(|| of("mostly_missing", column, format!("{} of {rows} cells are missing", column.missing)))
}

/// A category with a level for nearly every row, or integers that count the rows.
fn is_id(column: &Column, present: u64, view: Option<&View<'_>>) -> bool {
    match (column.kind, view) {
        (ColumnType::Category, _) => column.distinct * 100 >= present * 95,
        (ColumnType::Number, Some(View::Numbers(values))) => {
            let values = || values.iter().copied().filter(|value| !value.is_nan());
            let is_range = column.minimum().zip(column.maximum());
            let is_range = is_range.is_some_and(|(min, max)| max - min + 1.0 == present as f64);
            is_range && values().all(|value| value.fract() == 0.0) && are_distinct(values())
        }
        _ => false,
    }
}

fn are_distinct(values: impl Iterator<Item = f64>) -> bool {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.windows(2).all(|pair| pair.first() != pair.last())
}

/// Why a column seems to tell the target.
fn leak(column: &View<'_>, target: &View<'_>) -> Option<String> {
    match (column, target) {
        (View::Codes { codes, .. }, View::Codes { codes: classes, .. }) => {
            let mut class_of: HashMap<u32, u32> = HashMap::new();
            let mut rows = 0;
            for (&code, &class) in codes.iter().zip(&**classes).filter(|(a, b)| **a != MISSING && **b != MISSING) {
                rows += 1;
                if *class_of.entry(code).or_insert(class) != class {
                    return None;
                }
            }
            let several = class_of.values().collect::<std::collections::HashSet<_>>().len() > 1;
            (several && rows >= class_of.len() * ROWS_PER_LEVEL)
                .then(|| "every level has rows of one class only: it seems to tell the target".to_owned())
        }
        (View::Numbers(numbers), View::Codes { codes, .. }) => {
            let present = numbers.iter().zip(&**codes).filter(|(number, code)| !number.is_nan() && **code != MISSING);
            let mut rows: Vec<(f64, u32)> = present.map(|(number, code)| (*number, *code)).collect();
            rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let mut runs = 1;
            for pair in rows.windows(2) {
                let [(a, class_a), (b, class_b)] = pair else { continue };
                if class_a != class_b {
                    if a == b {
                        return None;
                    }
                    runs += 1;
                }
            }
            let classes = rows.iter().map(|(_, class)| class).collect::<std::collections::HashSet<_>>().len();
            (classes > 1 && runs == classes && rows.len() as u64 >= MIN_ROWS)
                .then(|| "each class has a range of values of its own: it seems to tell the target".to_owned())
        }
        (column, View::Numbers(_)) => {
            let association = column.with(target).filter(|association| association.value.abs() >= TELLS)?;
            let few_levels = match column {
                View::Codes { levels, .. } => association.rows as usize >= levels * ROWS_PER_LEVEL,
                View::Numbers(_) => association.rows >= MIN_ROWS,
            };
            let measure = match association.measure {
                Measure::Pearson => "correlation",
                Measure::CorrelationRatio | Measure::CramersV => "correlation ratio",
            };
            few_levels.then(|| {
                format!("its {measure} with the target is {:.6}: it seems to tell the target", association.value)
            })
        }
    }
}
