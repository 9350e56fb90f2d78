//! From a request to a job that can run: everything that can be known before the data is read is checked here, once.

mod baselines;
mod class_weight;
mod classical;
mod classical_task;
mod columns;
mod inputs;
mod kind;
mod label_lists;
mod loss;
mod output_request;
mod request;
mod request_schema;
mod resolved;
mod resolved_output;
mod table_view;
mod task;
#[cfg(test)]
mod tests;
mod training;
mod validation;
mod warnings;

pub use baselines::{Baseline, Compared, baselines};
pub use kind::resolve;
pub use request::{JobRequest, hint_of_training};
pub use resolved::{Resolved, ResolvedNetwork};
pub use table_view::TableView;
