//! A file that several threads read at once.

use bytes::Bytes;
use parquet::{
    errors::ParquetError,
    file::reader::{ChunkReader, Length},
};
use std::{
    fs::File,
    io::{self, BufReader, Read},
    os::unix::fs::FileExt,
    sync::Arc,
};

/// Bytes of a page header that are read at a time.
const HEADER_BYTES: usize = 1 << 10;

/// A file whose readers each have a position of their own. Those of a [`File`] share one, so that two threads would read each other's bytes.
pub(super) struct Positioned {
    file: Arc<File>,
    length: u64,
}

impl Positioned {
    pub fn new(file: &File) -> io::Result<Self> {
        Ok(Self { length: file.metadata()?.len(), file: Arc::new(file.try_clone()?) })
    }
}

impl Length for Positioned {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Positioned {
    type T = BufReader<ReadFrom>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(BufReader::with_capacity(HEADER_BYTES, ReadFrom { file: Arc::clone(&self.file), at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        // before memory is taken for it
        if start.checked_add(length as u64).is_none_or(|end| end > self.length) {
            return Err(ParquetError::EOF(format!("{length} bytes from byte {start} are past the end of the file")));
        }
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, start)?;
        Ok(bytes.into())
    }
}

/// The bytes of a file from a position on.
pub(super) struct ReadFrom {
    file: Arc<File>,
    at: u64,
}

impl Read for ReadFrom {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayon::prelude::*;
    use std::io::Write;

    #[test]
    fn threads_read_their_own_bytes() {
        const PART: usize = 3000;
        let mut file = tempfile::tempfile().unwrap();
        let parts: Vec<Vec<u8>> = (0..64u8).map(|part| vec![part; PART]).collect();
        file.write_all(&parts.concat()).unwrap();
        let file = Positioned::new(&file).unwrap();
        let read: Vec<(Vec<u8>, Vec<u8>)> = (0..parts.len())
            .into_par_iter()
            .map(|part| {
                let start = (part * PART) as u64;
                let mut read = Vec::new();
                file.get_read(start).unwrap().take(PART as u64).read_to_end(&mut read).unwrap();
                (read, file.get_bytes(start, PART).unwrap().to_vec())
            })
            .collect();
        assert_eq!(read.len(), 64);
        for ((read, bytes), part) in read.iter().zip(&parts) {
            assert_eq!((read, bytes), (part, part));
        }
        assert!(file.get_bytes(64 * PART as u64 - 1, 2).is_err() && file.get_bytes(u64::MAX, 2).is_err());
        let mut rest = Vec::new();
        file.get_read(64 * PART as u64 - 1).unwrap().read_to_end(&mut rest).unwrap();
        assert_eq!(rest, [63]);
    }
}
