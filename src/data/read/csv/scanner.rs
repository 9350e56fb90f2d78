//! Bytes into cells.

use crate::data::read::{chunk::CellRef, error::ReadError};

/// What is wrong within a record.
pub(super) struct Fault {
    line: u64,
    column: usize,
    detail: String,
}

impl Fault {
    pub fn at(self, names: &[String]) -> ReadError {
        let Self { line, column, detail } = self;
        ReadError::Invalid(match names.get(column) {
            Some(name) => format!("line {line}, column {name:?}: {detail}"),
            None => format!("line {line}, column {}: {detail}", column + 1),
        })
    }
}

/// Whether a cell of a row begins with a single quote, and a cell ends with one.
fn has_single_quotes(row: &[u8], separator: u8) -> bool {
    let mut cells = row.split(|&byte| byte == separator).map(<[u8]>::trim_ascii);
    let opens =
        cells.by_ref().any(|cell| cell.starts_with(b"'") && !cell.get(1..).unwrap_or_default().contains(&b'\''));
    opens && cells.any(|cell| cell.ends_with(b"'"))
}

/// Why a row does not have the cells of the header.
fn wrong_count(line: u64, names: usize, received: usize, row_end: Option<RowEnd>) -> String {
    let hint = match (row_end, line - 1) {
        // of the first row
        (None, 1) if names > 1 && received == names + 1 => {
            "; if the first column has the names of rows, as R writes them, name it in line 1; if line 1 is no part of the table, \
             send the option `skip_rows=1`"
                .to_owned()
        }
        (None, 1) => "; if line 1 is no part of the table, send the option `skip_rows=1`".to_owned(),
        (None, above @ 2..) => {
            format!("; if lines 1 to {above} are no part of the table, send the option `skip_rows={above}`")
        }
        (Some(RowEnd::Separators), _) if received == names => "; the rows before end with a separator".to_owned(),
        (Some(_), _) if received > names => "; a cell that contains the separator needs quotes".to_owned(),
        _ => String::new(),
    };
    format!("line {line}: expected {names} cells, received {received}{hint}")
}

/// What follows a cell.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    Cell,
    Record,
}

const LINE_FEEDS: u128 = u128::from_ne_bytes([b'\n'; 16]);

/// The highest bit of the first byte that is zero. Bits of bytes behind it mean nothing.
#[inline(always)]
fn zero_bytes(word: u128) -> u128 {
    const ONES: u128 = u128::from_ne_bytes([1; 16]);
    word.wrapping_sub(ONES) & !word & (ONES << 7)
}

/// Cuts bytes into cells.
pub(super) struct Scanner<'a> {
    pub bytes: &'a [u8],
    /// The next byte.
    pub at: usize,
    /// Its line, from 1.
    pub line: u64,
    pub separator: u8,
    /// Around cells that contain separators or line ends.
    quote: u8,
    /// Lines that begin with it are skipped.
    comment: Option<u8>,
    /// Whether the file ends where the bytes end.
    pub ended: bool,
    /// Maximum bytes of a cell.
    pub cell_bytes: usize,
    /// Whether rows end with separators behind the last cell; the first row decides.
    pub row_end: Option<RowEnd>,
    /// The separator, in every byte of a word.
    separators: u128,
}

/// What a row ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowEnd {
    /// The last cell.
    Cell,
    /// Separators behind the last cell, with nothing between them.
    Separators,
}

impl<'a> Scanner<'a> {
    /// A scanner of `bytes`, which more may follow, without a limit.
    pub fn new(bytes: &'a [u8], separator: u8, quote: u8, comment: Option<u8>) -> Self {
        let separators = u128::from_ne_bytes([separator; 16]);
        let (ended, cell_bytes, row_end) = (false, usize::MAX, None);
        Self { bytes, at: 0, line: 1, separator, quote, comment, ended, cell_bytes, row_end, separators }
    }

    /// Every complete row from here on; stops before an incomplete one.
    pub fn rows(
        &mut self,
        names: &[String],
        columns: &mut [Vec<CellRef>],
        places: &mut Vec<u64>,
    ) -> Result<(), ReadError> {
        loop {
            self.skip_blank_lines();
            if self.at == self.bytes.len() {
                return Ok(());
            }
            let (start, line) = (self.at, self.line);
            let (mut received, mut has_more) = (0, false);
            let complete = self
                .record(|cell| {
                    if let Some(cells) = columns.get_mut(received) {
                        cells.push(cell);
                    }
                    received += 1;
                    has_more |= received > names.len() && !cell.is_empty();
                })
                .map_err(|fault| fault.at(names))?;
            if !complete {
                columns.iter_mut().for_each(|cells| cells.truncate(places.len()));
                (self.at, self.line) = (start, line);
                return Ok(());
            }
            let found = match received.checked_sub(names.len()) {
                Some(0) => Some(RowEnd::Cell),
                // separators alone below a title of one cell are no cells of its column
                Some(more) if !has_more && (more == 1 || names.len() > 1) => Some(RowEnd::Separators),
                _ => None,
            };
            if found.is_none() || self.row_end.is_some_and(|of_rows| found != Some(of_rows)) {
                let row = self.bytes.get(start..self.at).unwrap_or_default();
                let is_comment = self.comment.is_none() && row.starts_with(b"#");
                let is_quoted = received > names.len() && self.quote != b'\'' && has_single_quotes(row, self.separator);
                let detail = match is_quoted {
                    _ if is_comment => format!(
                        "line {line}: expected {} cells, received {received}; if it is a comment, send the option `comment=#`",
                        names.len()
                    ),
                    true => format!(
                        "line {line}: expected {} cells, received {received}; if cells are in single quotes, send the option `quote='`",
                        names.len()
                    ),
                    false => wrong_count(line, names.len(), received, self.row_end),
                };
                return Err(ReadError::Invalid(detail));
            }
            self.row_end = found;
            places.push(line);
        }
    }

    /// Skips lines of blanks, and comment lines.
    pub fn skip_blank_lines(&mut self) {
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let is_comment = self.comment.is_some() && rest.first().copied() == self.comment;
            let blanks = match is_comment {
                true => rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len()),
                false => rest.iter().take_while(|&&byte| self.is_blank(byte) || byte == b'\r').count(),
            };
            match rest.get(blanks) {
                Some(b'\n') => self.at += blanks + 1,
                None if self.ended => {
                    self.at = self.bytes.len();
                    return;
                }
                _ => return,
            }
            self.line += 1;
        }
    }

    /// Whether the byte is white space that separates nothing.
    fn is_blank(&self, byte: u8) -> bool {
        (byte == b' ' || byte == b'\t') && byte != self.separator
    }

    /// One record; false where the bytes end before it does.
    pub fn record(&mut self, mut push: impl FnMut(CellRef)) -> Result<bool, Fault> {
        let mut column = 0;
        loop {
            let after = if let Some((start, end, after)) = self.plain_cell() {
                push(CellRef::Written(start, end));
                after
            } else if let Some((cell, after)) = self.cell(column)? {
                push(cell);
                after
            } else {
                return Ok(false);
            };
            if after == After::Record {
                return Ok(true);
            }
            column += 1;
        }
    }

    /// Where the next cell starts and ends, if it has neither quotes nor white space around it, and 16 bytes from its last one on are
    /// here. [`Self::cell`] reads all others.
    #[inline(always)]
    fn plain_cell(&mut self) -> Option<(u32, u32, After)> {
        let rest = self.bytes.get(self.at..)?;
        let mut length = 0;
        for bytes in rest.as_chunks().0 {
            let word = u128::from_le_bytes(*bytes);
            let ends = zero_bytes(word ^ self.separators) | zero_bytes(word ^ LINE_FEEDS);
            length += (ends.trailing_zeros() / 8) as usize;
            if ends != 0 {
                break;
            }
        }
        let is_record = match *rest.get(length)? {
            b'\n' => true,
            byte if byte == self.separator => false,
            _ => return None,
        };
        if let [first, ..] = rest.get(..length)?
            && let Some(last) = length.checked_sub(1).and_then(|last| rest.get(last))
            && (*first <= b' ' || *last <= b' ' || *first == self.quote || length > self.cell_bytes)
        {
            return None;
        }
        let start = self.at as u32;
        self.at += length + 1;
        self.line += u64::from(is_record);
        Some((start, start + length as u32, if is_record { After::Record } else { After::Cell }))
    }

    #[inline(never)]
    fn cell(&mut self, column: usize) -> Result<Option<(CellRef, After)>, Fault> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        match rest.first() {
            Some(first) if *first == self.quote => return self.quoted(0, rest, column),
            Some(b' ' | b'\t') => {
                let blanks = rest.iter().take_while(|&&byte| self.is_blank(byte)).count();
                if rest.get(blanks) == Some(&self.quote) && self.closes(rest.get(blanks + 1..).unwrap_or_default()) {
                    return self.quoted(blanks, rest, column);
                }
            }
            _ => {}
        }
        let separator = self.separator;
        let (length, used, after) = match rest.iter().position(|&byte| byte == separator || byte == b'\n') {
            Some(length) if rest.get(length) == Some(&separator) => (length, length + 1, After::Cell),
            Some(length) => (length, length + 1, After::Record),
            None if self.ended => (rest.len(), rest.len(), After::Record),
            None => return self.incomplete(rest.len(), column, ""),
        };
        let text = rest.get(..length).unwrap_or_default();
        let trimmed = text.trim_ascii_start();
        let start = self.at + length - trimmed.len();
        let cell = CellRef::Written(start as u32, (start + trimmed.trim_ascii_end().len()) as u32);
        self.within_limit(length, column, "")?;
        if after == After::Record && used > length {
            self.line += 1;
        }
        self.at += used;
        Ok(Some((cell, after)))
    }

    /// Whether a quote that is opened behind blanks is closed before the end of its line; otherwise it is a character.
    fn closes(&self, rest: &[u8]) -> bool {
        let mut bytes = rest.iter().enumerate();
        while let Some((at, &byte)) = bytes.next() {
            if byte == b'\n' {
                return false;
            }
            if byte == self.quote {
                let behind = rest.get(at + 1..).unwrap_or_default();
                if behind.first() == Some(&self.quote) {
                    bytes.next();
                    continue;
                }
                let blanks = behind.iter().take_while(|&&byte| self.is_blank(byte) || byte == b'\r').count();
                return match behind.get(blanks) {
                    Some(&next) => next == self.separator || next == b'\n',
                    None => true,
                };
            }
        }
        // The line continues in the next block, or the file ends with an open quote.
        !self.ended
    }

    /// A cell that starts with a quote behind `before` blanks: to the next quote that is not doubled.
    fn quoted(&mut self, before: usize, rest: &[u8], column: usize) -> Result<Option<(CellRef, After)>, Fault> {
        let opened = self.line;
        let fault = |detail: String| Fault { line: opened, column, detail };
        let mut end = before + 1;
        let mut doubled = false;
        loop {
            let unquoted = rest.get(end..).unwrap_or_default();
            match unquoted.iter().position(|&byte| byte == self.quote) {
                Some(length) if unquoted.get(length + 1) == Some(&self.quote) => {
                    doubled = true;
                    end += length + 2;
                }
                // the next block may start with the quote's double
                Some(length) if !self.ended && unquoted.len() == length + 1 => {
                    return self.incomplete(rest.len(), column, "");
                }
                Some(length) => {
                    end += length;
                    break;
                }
                None if self.ended => {
                    return Err(fault("the quote that opens here is never closed".into()));
                }
                None => {
                    return self.incomplete(rest.len(), column, "; is the quote that opens it ever closed?");
                }
            }
        }
        let content = rest.get(before + 1..end).unwrap_or_default();
        self.within_limit(content.len(), column, "")?;
        let behind = rest.get(end + 1..).unwrap_or_default();
        let blanks = behind.iter().take_while(|&&byte| self.is_blank(byte)).count();
        let (used, after) = match behind.get(blanks..).unwrap_or_default() {
            [byte, ..] if *byte == self.separator => (blanks + 1, After::Cell),
            [b'\n', ..] => (blanks + 1, After::Record),
            [b'\r', b'\n', ..] => (blanks + 2, After::Record),
            [] | [b'\r'] if self.ended => (behind.len(), After::Record),
            [] | [b'\r'] => return self.incomplete(rest.len(), column, ""),
            [received, ..] => {
                let received = char::from(*received);
                let hint = match content.last() {
                    Some(b'\\') => "; a quote within quotes is doubled, without a backslash",
                    _ => "",
                };
                return Err(fault(format!(
                    "expected the end of the cell after its closing quote, received {received:?}{hint}"
                )));
            }
        };
        let lines = content.iter().filter(|&&byte| byte == b'\n').count() as u64;
        self.line += lines + u64::from(after == After::Record && used > blanks);
        let (start, stop) = ((self.at + before + 1) as u32, (self.at + end) as u32);
        self.at += end + 1 + used;
        let cell = if doubled { CellRef::Escaped(start, stop) } else { CellRef::Quoted(start, stop) };
        Ok(Some((cell, after)))
    }

    /// More bytes are needed, unless the cell is already too long.
    fn incomplete(&self, length: usize, column: usize, hint: &str) -> Result<Option<(CellRef, After)>, Fault> {
        self.within_limit(length, column, hint)?;
        Ok(None)
    }

    fn within_limit(&self, length: usize, column: usize, hint: &str) -> Result<(), Fault> {
        let max = self.cell_bytes;
        if length <= max {
            return Ok(());
        }
        let detail = format!("expected a cell of at most {max} bytes, received {length} or more{hint}");
        Err(Fault { line: self.line, column, detail })
    }
}
