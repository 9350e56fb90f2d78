//! Writing the columns of a file while it is read, a group of rows at a time.

use super::{
    block,
    footer::{Block, Footer, MAGIC, StoredColumn},
};
use crate::data::{
    read::{
        chunk::Chunk, error::ReadError, limits::TableLimits, load::Builder, options::Dialect, registry::Format,
        stream::read,
    },
    schema::Column,
};
use rayon::prelude::*;
use std::{
    io::{BufRead, Write},
    ops::ControlFlow,
};

/// Cells of a group.
const GROUP_CELLS: usize = 1 << 21;
/// Maximum rows of a group.
const GROUP_ROWS: usize = 1 << 16;

/// Writes the columns of a file, whose SHA-256 is `sha256`, to `out`. Ignored columns and categories with too many levels to list are left out.
pub fn write_columns(
    source: &mut dyn BufRead,
    format: Format,
    dialect: &Dialect,
    columns: &[Column],
    sha256: &str,
    out: &mut dyn Write,
) -> Result<(), ReadError> {
    let stored = columns.iter().enumerate();
    let stored = stored.filter(|(_, column)| column.is_loadable());
    let mut writer = Writer { out, at: 0, footer: Footer::new(sha256), builders: Vec::new(), rows: 0 };
    let max_rows = (GROUP_CELLS / columns.len().max(1)).clamp(1, GROUP_ROWS);
    for (index, column) in stored {
        writer.builders.push(Builder::new(index, column, 0)?);
        let (name, kind) = (column.name.clone(), column.kind);
        writer.footer.columns.push(StoredColumn { name, kind, blocks: Vec::new() });
    }
    read(source, format, &dialect.options(), &TableLimits::NONE, &mut |chunk| {
        writer.add(chunk)?;
        if writer.rows >= max_rows {
            writer.end_group()?;
        }
        Ok(ControlFlow::Continue(()))
    })?;
    writer.end()
}

struct Writer<'a> {
    out: &'a mut dyn Write,
    at: u64,
    footer: Footer,
    builders: Vec<Builder<'a>>,
    /// Rows of the group so far.
    rows: usize,
}

impl Footer {
    fn new(sha256: &str) -> Self {
        Self { sha256: sha256.to_owned(), rows: 0, columns: Vec::new(), groups: Vec::new() }
    }
}

impl Writer<'_> {
    fn add(&mut self, chunk: &Chunk<'_>) -> Result<(), ReadError> {
        self.rows += chunk.rows;
        self.builders.par_iter_mut().try_for_each(|builder| match chunk.columns.get(builder.index) {
            Some(cells) => builder.add(chunk, cells),
            // a JSON column that begins in a later record
            None => builder.add(chunk, &[]),
        })
    }

    fn end_group(&mut self) -> Result<(), ReadError> {
        if self.rows == 0 {
            return Ok(());
        }
        let encoded: Vec<_> = self
            .builders
            .par_iter_mut()
            .map(|builder| {
                let (width, bytes) = block::encode(builder.cells());
                builder.clear();
                (width, crc32fast::hash(&bytes), bytes)
            })
            .collect();
        for ((width, crc32, bytes), column) in encoded.into_iter().zip(&mut self.footer.columns) {
            self.out.write_all(&bytes)?;
            column.blocks.push(Block { at: self.at, width, crc32 });
            self.at += bytes.len() as u64;
        }
        self.footer.groups.push(self.rows as u64);
        self.footer.rows += self.rows as u64;
        self.rows = 0;
        Ok(())
    }

    fn end(mut self) -> Result<(), ReadError> {
        self.end_group()?;
        let footer = serde_json::to_vec(&self.footer).map_err(|error| ReadError::Io(error.into()))?;
        self.out.write_all(&footer)?;
        self.out.write_all(&(footer.len() as u64).to_le_bytes())?;
        self.out.write_all(&crc32fast::hash(&footer).to_le_bytes())?;
        self.out.write_all(MAGIC)?;
        Ok(self.out.flush()?)
    }
}
