//! Loaded models and predictions.
//!
//! A version is loaded once, however many requests wait for it, and stays while it is used and there is room. Which version is
//! the latest is asked of the store only after something changed, so a prediction costs no query.

mod instances;
mod loaded;
mod models;
mod response;

pub use instances::{Instances, MOST_INSTANCES};
pub use loaded::{Loaded, PredictError};
pub use models::{LoadError, Models, Wanted};
pub use response::{Format, PredictBody, Predictions};
