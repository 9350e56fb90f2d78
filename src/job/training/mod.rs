//! `training` of a job: its settings, their JSON, their schema.

mod batch_size;
mod fields;
mod output_setting;
mod schema;
mod settings;

pub use batch_size::{BatchSize, Full};
pub use output_setting::OutputSetting;
pub use schema::TrainingRequest;
pub use settings::Training;
