//! Files as readers see them: inflated, and text in UTF-8.

use super::{
    chunk::Sink,
    compression,
    encoding::{self, Decoded},
    error::ReadError,
    limits::TableLimits,
    options::{Dialect, ReadOptions},
    reader::Reading,
    registry::Format,
    source::Source,
};
use std::io::BufRead;

/// Reads a file, which may be compressed, in UTF-8 or in the encoding of the options.
pub(super) fn read(
    source: &mut dyn BufRead,
    format: Format,
    options: &ReadOptions,
    limits: &TableLimits,
    sink: &mut Sink<'_>,
) -> Result<Reading, ReadError> {
    let mut inflated = compression::inflated(source)?;
    if !format.is_text() {
        return format.read(Source::new(&mut *inflated), options, limits, sink);
    }
    let Decoded { mut text, name } = encoding::decoded(&mut *inflated, options.encoding)?;
    let reading = format.read(Source::new(&mut *text), options, limits, sink)?;
    Ok(Reading { dialect: Dialect { encoding: name, ..reading.dialect }, ..reading })
}
