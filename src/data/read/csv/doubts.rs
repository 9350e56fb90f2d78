//! Warnings about rows of a text table.

use crate::data::read::{
    cell::Cell,
    chunk::{CellRef, Chunk},
    warning::{DatasetWarning, Examples},
};

/// What probably happened to a file of one line.
pub(super) const LINE_ENDS: &str = "curl's `-d` removes line ends: use `--data-binary @file`";

/// Counts rows of several columns that have no cell with content.
pub(super) fn add_empty_rows(columns: &[Vec<CellRef>], places: &[u64], separator: u8, empty: &mut Examples) {
    let [first, others @ ..] = columns else { return };
    if others.is_empty() {
        return;
    }
    let rows = first.iter().zip(places).enumerate().filter(|(_, (cell, _))| cell.is_empty());
    for (row, (_, &line)) in rows {
        if others.iter().all(|cells| cells.get(row).is_none_or(|cell| cell.is_empty())) {
            empty.add(|| line, &char::from(separator).to_string().repeat(others.len()));
        }
    }
}

/// The warning about rows of separators alone.
pub(super) fn empty_rows(empty: Examples) -> Option<DatasetWarning> {
    let count = empty.count;
    let detail = format!(
        "rows of separators alone: {count}, the first in {}; each is a row of missing values; remove those that are no rows",
        empty.first_line("line")
    );
    (count > 0).then(|| DatasetWarning { column: None, ..empty.warning("empty_rows", "", detail) })
}

/// The warning about a last row that is probably the sum of the others.
pub(super) fn total_row(chunk: &Chunk<'_>) -> Option<DatasetWarning> {
    const WORDS: [&str; 7] = ["total", "totals", "grand total", "sum", "gesamt", "summe", "insgesamt"];
    let text = |cells: &[CellRef], row: usize| match chunk.cell(cells.get(row).copied().unwrap_or(CellRef::Missing)) {
        Cell::Written { text, .. } => text.into_owned(),
        _ => String::new(),
    };
    let last = chunk.rows.checked_sub(1)?;
    let (cells, first) =
        chunk.columns.iter().map(|cells| (cells, text(cells, last))).find(|(_, text)| !text.is_empty())?;
    let is_total = WORDS.contains(&first.trim_end_matches(':').to_lowercase().as_str());
    // a level of several rows is no sum of all
    if !is_total || chunk.columns.len() < 2 || (0..last).any(|row| text(cells, row) == first) {
        return None;
    }
    let line = chunk.number(last);
    Some(DatasetWarning {
        code: "total_row".to_owned(),
        column: None,
        lines: vec![line],
        count: 1,
        detail: format!(
            "line {line}, the last one, begins with {first:?} and is read as a row; if it is the sum of the others, remove it"
        ),
        examples: vec![first],
    })
}

/// The warning about a file whose first record is read as a row.
pub(super) fn no_header(line: u64) -> DatasetWarning {
    DatasetWarning {
        code: "no_header".to_owned(),
        column: None,
        lines: vec![line],
        examples: Vec::new(),
        count: 1,
        detail: format!(
            "line {line} has values of the columns and is read as a row, not as a header; the columns are `column_1` and so on; if it has \
             their names, send the option `header=true`"
        ),
    }
}

/// The warning about a file without a header that is one line: its rows may have been joined.
pub(super) fn one_line() -> DatasetWarning {
    DatasetWarning {
        code: "one_line".to_owned(),
        column: None,
        lines: vec![1],
        examples: Vec::new(),
        count: 1,
        detail: format!("the file is one line without a line end; {LINE_ENDS}"),
    }
}
