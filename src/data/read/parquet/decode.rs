//! Steps of the decoder, which may panic on damage that it does not expect.

use super::pages::Refused;
use crate::data::read::error::ReadError;
use parquet::errors::ParquetError;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs a step of the decoder. Damage that it does not expect makes it panic.
pub(super) fn decode<T>(place: &str, step: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ReadError> {
    match catch_unwind(AssertUnwindSafe(step)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(ParquetError::External(error))) => Err(match error.downcast::<Refused>() {
            Ok(refused) => ReadError::Invalid(format!("{place}: {refused}")),
            Err(_) => damaged(place),
        }),
        Ok(Err(error)) => {
            tracing::debug!(%error, place, "a Parquet file is damaged");
            Err(damaged(place))
        }
        Err(_) => Err(damaged(place)),
    }
}

pub(super) fn damaged(place: &str) -> ReadError {
    ReadError::Invalid(format!("{place}: expected Parquet, received a damaged or truncated file"))
}
