//! Space that is kept, so that something can be deleted even where the disk is full.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Bytes: several transactions.
const BYTES: usize = 1 << 20;

/// A file without meaning beside the database.
#[derive(Debug)]
pub struct Ballast(PathBuf);

impl Ballast {
    /// Beside the database at `path`.
    pub fn new(path: &Path) -> Self {
        Self(path.with_extension("ballast"))
    }

    /// Takes the space, if it is there and not taken yet.
    pub fn take(&self) -> io::Result<()> {
        let is_taken = fs::metadata(&self.0).is_ok_and(|file| file.len() == BYTES as u64);
        if is_taken {
            return Ok(());
        }
        let taken = fs::write(&self.0, vec![1; BYTES]);
        if taken.is_err() {
            let _ = self.release();
        }
        taken
    }

    /// Gives the space back.
    pub fn release(&self) -> io::Result<()> {
        fs::remove_file(&self.0)
    }
}
