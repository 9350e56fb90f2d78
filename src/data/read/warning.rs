//! What of a file was not taken at face value, or is probably not meant.

use serde::{Deserialize, Serialize};

/// Maximum lines and examples of a warning.
pub(super) const MAX_EXAMPLES: usize = 5;

/// Something in a dataset that was not taken at face value, or is probably not meant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DatasetWarning {
    /// For programs: `not_a_number`, `not_a_boolean`, `not_a_date`, `placeholder`, `mixed_column`, `numbers_as_text`, `booleans_as_text`,
    /// `times_as_text`, `periods_as_text`, `dates_as_text`, `durations`, `ambiguous_dates`,
    /// `ambiguous_numbers`, `row_labels`, `mixed_time_zones`, `inexact_integers`, `header_of_numbers`,
    /// `header_of_values`, `no_header`, `repeated_header`, `empty_rows`, `total_row`,
    /// `one_line`.
    pub code: String,
    /// The column that it is about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub column: Option<String>,
    /// The first lines with it, or the first records of a JSON array; at most 5.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub lines: Vec<u64>,
    /// Their text.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub examples: Vec<String>,
    /// Number of cells, or of rows.
    pub count: u64,
    /// For people: what was found and what to do.
    pub detail: String,
}

/// Cells of one kind: how many, and the first ones.
#[derive(Debug, Clone, Default)]
pub(super) struct Examples {
    pub count: u64,
    lines: Vec<u64>,
    texts: Vec<String>,
}

/// Maximum characters of an example.
const MAX_CHARACTERS: usize = 40;

impl Examples {
    /// Counts a cell.
    #[inline]
    pub fn add(&mut self, line: impl FnOnce() -> u64, text: &str) {
        self.count += 1;
        if self.lines.len() < MAX_EXAMPLES {
            self.lines.push(line());
            self.texts.push(text.chars().take(MAX_CHARACTERS).collect());
        }
    }

    /// `line 7 has "x"` of the first one.
    pub fn first(&self, unit: &str) -> String {
        format!("{} has {:?}", self.first_line(unit), self.texts.first().map(String::as_str).unwrap_or_default())
    }

    /// `line 7` of the first one.
    pub fn first_line(&self, unit: &str) -> String {
        format!("{unit} {}", self.lines.first().copied().unwrap_or_default())
    }

    /// A warning about these cells.
    pub fn warning(self, code: &str, column: &str, detail: String) -> DatasetWarning {
        let Self { count, lines, texts: examples } = self;
        DatasetWarning { code: code.to_owned(), column: Some(column.to_owned()), lines, examples, count, detail }
    }
}
