//! Why a file cannot be read as a table.

use std::io;

/// Why a file cannot be read as a table.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file is wrong; the text says where (line, column) and what was expected.
    #[error("{0}")]
    Invalid(String),
    /// The source failed.
    #[error(transparent)]
    Io(io::Error),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Refused>()) {
            Some(Refused(text)) => Self::Invalid(text.clone()),
            None => Self::Io(error),
        }
    }
}

/// A [`ReadError::Invalid`] on its way through a reader.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Refused(pub String);

impl Refused {
    /// As the error of a read.
    pub fn error(text: String) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, Self(text))
    }
}
