//! `training` of a job: its settings, their JSON, their schema.

mod batch_size;
mod classical;
mod fields;
mod job_training;
mod output_setting;
mod request;
mod schema;
mod settings;

pub use batch_size::{BatchSize, Full};
pub use classical::{ClassicalTraining, seen_by};
pub use job_training::{JobTraining, SharedTraining};
pub use output_setting::OutputSetting;
pub use request::TrainingRequest;
pub use settings::Training;
