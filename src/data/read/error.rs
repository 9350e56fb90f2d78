//! Why a file cannot be read as a table.

/// Why a file cannot be read as a table.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file is wrong; the text says where (line, column) and what was expected.
    #[error("{0}")]
    Invalid(String),
    /// The source failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}
