//! Reading selected columns.

use super::{
    block,
    footer::{Footer, MAGIC, StoredColumn},
};
use crate::data::{
    schema::{Column, ColumnType},
    table::{Cells, Table, TableColumn},
};
use rayon::prelude::*;
use std::{fs::File, io::Result, os::unix::fs::FileExt};

/// Bytes after the footer: its length, its CRC-32, the magic.
const TAIL: usize = 8 + 4 + MAGIC.len();
/// Maximum bytes of a footer.
const MAX_FOOTER_BYTES: u64 = 1 << 28;

/// The columns named in `selected`, in that order, of the file whose SHA-256 is `sha256`; `columns` and `rows` are what its
/// inspection found. `None` where the stored columns are damaged, of another file, or lack one of them. `stop` is asked between
/// blocks whether to give up.
pub fn load_columns(
    file: &File,
    sha256: &str,
    columns: &[Column],
    selected: &[String],
    rows: u64,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<Option<Table>> {
    let Some((footer, end)) = footer(file)? else { return Ok(None) };
    let rows_fit = footer.groups.iter().try_fold(0u64, |sum, rows| sum.checked_add(*rows)) == Some(rows);
    if footer.sha256 != sha256 || footer.rows != rows || !rows_fit {
        return Ok(None);
    }
    let load = |name: &String| -> Result<Option<TableColumn>> {
        let column = columns.iter().find(|column| column.name == *name);
        let stored = footer.columns.iter().find(|stored| stored.name == *name);
        match column.zip(stored) {
            Some((column, stored)) if column.kind == stored.kind => column_of(file, end, &footer, column, stored, stop),
            _ => Ok(None),
        }
    };
    let loaded = selected.par_iter().map(load).collect::<Result<Option<Vec<_>>>>()?;
    Ok(loaded.map(|columns| Table { columns, rows: usize::try_from(rows).unwrap_or_default() }))
}

/// The footer, and where the blocks end.
fn footer(file: &File) -> Result<Option<(Footer, u64)>> {
    let length = file.metadata()?.len();
    let Some(tail_at) = length.checked_sub(TAIL as u64) else { return Ok(None) };
    let mut tail = [0; TAIL];
    file.read_exact_at(&mut tail, tail_at)?;
    let (Some((bytes, rest)), true) = (tail.split_first_chunk::<8>(), tail.ends_with(MAGIC)) else { return Ok(None) };
    let (bytes, crc32) = (u64::from_le_bytes(*bytes), rest.first_chunk::<4>().map(|crc32| u32::from_le_bytes(*crc32)));
    let Some(end) = tail_at.checked_sub(bytes).filter(|_| bytes <= MAX_FOOTER_BYTES) else { return Ok(None) };
    let mut footer = vec![0; usize::try_from(bytes).unwrap_or_default()];
    file.read_exact_at(&mut footer, end)?;
    if Some(crc32fast::hash(&footer)) != crc32 {
        return Ok(None);
    }
    Ok(serde_json::from_slice(&footer).ok().map(|footer| (footer, end)))
}

fn column_of(
    file: &File,
    end: u64,
    footer: &Footer,
    column: &Column,
    stored: &StoredColumn,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<Option<TableColumn>> {
    let rows = usize::try_from(footer.rows).unwrap_or_default();
    let mut cells = match column.kind {
        ColumnType::Number => Cells::Number(Vec::with_capacity(rows)),
        ColumnType::Boolean => Cells::Boolean(Vec::with_capacity(rows)),
        ColumnType::Datetime => Cells::Datetime(Vec::with_capacity(rows)),
        ColumnType::Ignored => return Ok(None),
        ColumnType::Category | ColumnType::Ordinal => {
            let Some(levels) = column.levels() else { return Ok(None) };
            let levels = levels.into_iter().map(str::to_owned).collect();
            Cells::Category { codes: Vec::with_capacity(rows), levels }
        }
    };
    if stored.blocks.len() != footer.groups.len() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    for (block, rows) in stored.blocks.iter().zip(&footer.groups) {
        if stop() {
            return Ok(None);
        }
        let length = rows.checked_mul(block.width.bytes() as u64);
        let fits = length.and_then(|length| block.at.checked_add(length)).is_some_and(|last| last <= end);
        let Some(length) = length.and_then(|length| usize::try_from(length).ok()).filter(|_| fits) else {
            return Ok(None);
        };
        bytes.resize(length, 0);
        file.read_exact_at(&mut bytes, block.at)?;
        if crc32fast::hash(&bytes) != block.crc32 || block::decode(block.width, &bytes, &mut cells).is_none() {
            return Ok(None);
        }
    }
    Ok(Some(TableColumn { name: column.name.clone(), cells }))
}
