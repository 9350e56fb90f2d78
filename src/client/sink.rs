//! Where a command writes its data: stdout, or a file that appears when it is complete.

use super::failure::{Failure, of_file, of_stdout};
use std::{
    fs::File,
    io::{self, BufWriter, Stdout, Write},
    path::{Path, PathBuf},
};

/// Stdout or a file.
#[derive(Debug)]
pub enum Sink {
    /// Stdout.
    Stdout(Stdout),
    /// A file, written beside its place and moved there at the end.
    File {
        /// The place.
        path: PathBuf,
        /// What is written until then; none where the place is a device or a pipe.
        partial: Option<PathBuf>,
        /// The open file.
        file: BufWriter<File>,
    },
}

impl Sink {
    /// Opens `output`, where `-` is stdout.
    pub fn create(output: &str) -> Result<Self, Failure> {
        if output == "-" {
            return Ok(Self::Stdout(io::stdout()));
        }
        let path = PathBuf::from(output);
        let is_special = path.metadata().is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir());
        let partial = (!is_special).then(|| beside(&path));
        let file = File::create(partial.as_ref().unwrap_or(&path)).map_err(|error| of_file("write", output, &error))?;
        Ok(Self::File { path, partial, file: BufWriter::new(file) })
    }

    /// Completes the file.
    pub fn finish(mut self) -> Result<(), Failure> {
        let flushed = self.flush();
        match &mut self {
            Self::Stdout(_) => flushed.map_err(|error| of_stdout(&error)),
            Self::File { path, partial, .. } => {
                let moved = flushed.and_then(|()| match partial.take() {
                    Some(partial) => {
                        std::fs::rename(&partial, &*path).inspect_err(|_| drop(std::fs::remove_file(&partial)))
                    }
                    None => Ok(()),
                });
                moved.map_err(|error| of_file("write", &path.display().to_string(), &error))
            }
        }
    }
}

impl Drop for Sink {
    /// What is not complete is removed.
    fn drop(&mut self) {
        if let Self::File { partial: Some(partial), .. } = self {
            drop(std::fs::remove_file(partial));
        }
    }
}

impl Write for Sink {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(stdout) => stdout.write(data),
            Self::File { file, .. } => file.write(data),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(stdout) => stdout.flush(),
            Self::File { file, .. } => file.flush(),
        }
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_when_it_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.csv");
        let files = || std::fs::read_dir(folder.path()).unwrap().count();
        let mut sink = Sink::create(path.to_str().unwrap()).unwrap();
        sink.write_all(b"a").unwrap();
        assert!(!path.exists());
        drop(sink);
        assert_eq!(files(), 0);
        let mut sink = Sink::create(path.to_str().unwrap()).unwrap();
        sink.write_all(b"ab").unwrap();
        sink.finish().unwrap();
        assert_eq!((std::fs::read(&path).unwrap(), files()), (b"ab".to_vec(), 1));
        let missing = Sink::create(folder.path().join("no/out.csv").to_str().unwrap()).unwrap_err();
        assert_eq!(missing.code(), 3);
    }
}
