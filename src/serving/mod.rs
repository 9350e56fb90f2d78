//! Loaded models and predictions.
//!
//! A version is loaded once for all requests that wait for it, and cached by size and last use. The latest version of a model is
//! read from the store only after a change, so that a prediction needs no query.

mod format;
mod instances;
mod loaded;
mod models;
mod plan;
mod pool;
mod response;

pub use format::Format;
pub use instances::{Instances, InstancesError, MAX_INSTANCES};
pub use loaded::{Loaded, Output, PredictError, Predicted};
pub use models::{LoadError, ModelKey, Models};
pub use plan::Plan;
pub use response::{PredictBody, Predictions, parts};
