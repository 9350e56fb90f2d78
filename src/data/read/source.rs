//! The bytes of a file, for readers.

use std::{
    fs::File,
    io::{self, BufRead, Seek},
};

/// A file to read, once, as a stream or as a file with seek.
pub struct Source<'a> {
    stream: &'a mut dyn BufRead,
}

impl<'a> Source<'a> {
    /// A source of the bytes in `stream`.
    pub fn new(stream: &'a mut dyn BufRead) -> Self {
        Self { stream }
    }

    /// The bytes from the first to the last. The bytes may still be arriving: memory is constant, and a read may block.
    pub fn into_stream(self) -> &'a mut dyn BufRead {
        self.stream
    }

    /// The bytes as a file that can be sought, for formats with an index at the end (ZIP, Parquet). The stream is copied to an
    /// unnamed temporary file, so checks along the stream (size, SHA-256, cancellation) hold for these formats too.
    pub fn into_file(self) -> io::Result<File> {
        let mut file = tempfile::tempfile()?;
        io::copy(self.stream, &mut file)?;
        file.rewind()?;
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, SeekFrom};

    #[test]
    fn a_stream_becomes_a_file_with_seek() {
        let mut stream: &[u8] = b"head body tail";
        let mut file = Source::new(&mut stream).into_file().unwrap();
        file.seek(SeekFrom::End(-4)).unwrap();
        let mut tail = String::new();
        file.read_to_string(&mut tail).unwrap();
        assert_eq!(tail, "tail");
        file.rewind().unwrap();
        tail.clear();
        file.read_to_string(&mut tail).unwrap();
        assert_eq!(tail, "head body tail");
    }
}
