//! [`SplitRequest`] and [`JobSplit`]: how a job's rows are divided into parts.

use crate::{
    data::{
        date::DatePattern,
        schema::{Column, ColumnType},
        split::{Part, PartSizes, SplitMethod},
    },
    engine::field::FieldError,
};
use serde::{Deserialize, Serialize};

/// `split` of a request.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SplitRequest {
    /// Method. Default: `stratified` where one column of classes is learned; `column`, `time` or `group` by the type of `column`;
    /// `random` otherwise.
    pub method: Option<SplitMethod>,
    /// Fraction of the rows used for validation.
    #[schema(minimum = 0, exclusive_maximum = 1)]
    pub validation: Option<f64>,
    /// Fraction of the rows that are measured at the end only: their loss and metrics are the version's `test_loss` and so on.
    #[schema(minimum = 0, exclusive_maximum = 1)]
    pub test: Option<f64>,
    /// Seed of the split. Default: `training.seed`.
    pub seed: Option<u64>,
    /// Column of the groups, of the times, or of the words `train`, `validation` and `test`. Not used as a feature unless `features` or
    /// `preprocessing.columns` names it.
    pub column: Option<String>,
}

/// How a job's rows are divided, with every default filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct JobSplit {
    /// Method.
    pub method: SplitMethod,
    /// Fraction of the rows used for validation.
    pub validation: f64,
    /// Fraction of the rows that are measured at the end only.
    pub test: f64,
    /// Seed of the split.
    pub seed: u64,
    /// Column of the groups, times or parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// Whether rows are shuffled before the last ones are taken.
    pub shuffle: bool,
}

/// The parts of a split as far as they are known before the data is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownParts {
    pub training: usize,
    pub validation: usize,
    pub has_test: bool,
}

impl JobSplit {
    /// The split of a job that has no other: the last rows validate.
    pub fn of_rows(validation: f64, shuffle: bool, seed: u64) -> Self {
        Self { method: SplitMethod::Random, validation, test: 0.0, seed, column: None, shuffle }
    }

    /// The sizes of the parts, estimated for groups and times. `by` is the column.
    pub(crate) fn parts(&self, rows: usize, by: Option<&Column>) -> KnownParts {
        if self.method == SplitMethod::Column {
            let values = by.and_then(|column| column.values.as_deref()).unwrap_or_default();
            let count = |part: Part| -> usize {
                let named = values.iter().filter(|level| level.value.as_str().and_then(Part::named) == Some(part));
                named.map(|level| level.count as usize).sum()
            };
            let (validation, has_test) = (count(Part::Validation), count(Part::Test) > 0);
            return KnownParts { training: count(Part::Training), validation, has_test };
        }
        let sizes = PartSizes::new(rows, self.validation, self.test);
        KnownParts { training: sizes.training, validation: sizes.validation, has_test: sizes.test > 0 }
    }

    /// Why the rows cannot be divided so; pointers are below `/split`.
    pub(crate) fn check(&self, rows: usize, by: Option<&Column>) -> Result<(), FieldError> {
        let shares = [("/validation", self.validation), ("/test", self.test)];
        for (pointer, share) in shares {
            if !(0.0..1.0).contains(&share) {
                return Err(FieldError::new(pointer, format!("expected at least 0 and less than 1, received {share}")));
            }
        }
        let needs_column = matches!(self.method, SplitMethod::Group | SplitMethod::Time | SplitMethod::Column);
        match (needs_column, by) {
            (true, None) => {
                return Err(FieldError::new("/column", "expected the name of a column for this method, received none"));
            }
            (false, Some(_)) => {
                let detail =
                    "expected no column for the methods random and stratified; `group`, `time` and `column` use one";
                return Err(FieldError::new("/column", detail));
            }
            _ => {}
        }
        if let Some(column) = by {
            self.check_column(column)?;
        }
        let sizes = PartSizes::new(rows, self.validation, self.test);
        for (pointer, share, size) in
            [("/validation", self.validation, sizes.validation), ("/test", self.test, sizes.test)]
        {
            if share > 0.0 && (size == 0 || sizes.training == 0) {
                let detail = format!(
                    "expected at least one row in each part, received {share}, which leaves {} to train, {} to validate and {} to test on, of {rows}",
                    sizes.training, sizes.validation, sizes.test
                );
                return Err(FieldError::new(pointer, detail));
            }
        }
        Ok(())
    }

    fn check_column(&self, column: &Column) -> Result<(), FieldError> {
        let name = &column.name;
        let refuse = |detail: String| Err(FieldError::new("/column", detail));
        if column.missing > 0 {
            return refuse(format!("expected a value in every row of {name:?}, but {} are missing", column.missing));
        }
        if let Some(detail) = column.ambiguous_dates().filter(|_| self.method == SplitMethod::Time) {
            let first = column.date_formats.first().map(DatePattern::as_str).unwrap_or_default();
            return refuse(format!(
                "{detail}; upload it with `types` {{{name:?}: {{\"type\": \"datetime\", \"format\": \"{first}\"}}}}, or divide the \
                 rows by the method group"
            ));
        }
        match self.method {
            SplitMethod::Time if !matches!(column.kind, ColumnType::Datetime | ColumnType::Number) => {
                refuse(format!("expected dates or numbers, but {name:?} is a {}", column.kind.name()))
            }
            SplitMethod::Group if column.kind == ColumnType::Ignored => {
                refuse(format!("expected a column that is read, but {name:?} is ignored"))
            }
            SplitMethod::Group if column.kind.has_levels() && column.values.is_none() => {
                refuse(format!("expected fewer groups, but {name:?} has about {}", column.distinct))
            }
            SplitMethod::Group if column.distinct < 2 => {
                refuse(format!("expected several groups, but {name:?} has one value"))
            }
            SplitMethod::Column => {
                if self.validation > 0.0 || self.test > 0.0 {
                    let detail = "expected no fractions beside a column that has the parts";
                    return Err(FieldError::new(if self.validation > 0.0 { "/validation" } else { "/test" }, detail));
                }
                let values = column.values.as_deref().unwrap_or_default();
                let part = |value: &serde_json::Value| value.as_str().and_then(Part::named);
                match values.iter().find(|level| part(&level.value).is_none()) {
                    _ if !column.kind.has_levels() || values.is_empty() => refuse(format!(
                        "expected train, validation and test in {name:?}, received a {}",
                        column.kind.name()
                    )),
                    Some(level) => {
                        refuse(format!("expected train, validation and test in {name:?}, received {}", level.value))
                    }
                    None if values.iter().all(|level| part(&level.value) != Some(Part::Training)) => {
                        refuse(format!("expected rows with train in {name:?}, received none"))
                    }
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}
