//! Datasets, models and jobs as plain data, and the checks that need both a definition and a table.

mod clock;
mod columns;
mod dataset;
mod definition;
mod event;
mod history;
mod importances;
pub mod labels;
mod leaderboard;
mod model;
mod overview;
pub mod preprocessing;
mod progress;
mod record;
pub mod resolve;
pub mod sizes;
mod split;
mod task_request;
pub mod training;

pub use clock::now;
pub use columns::Columns;
pub use dataset::Dataset;
pub use definition::ModelDefinition;
pub use event::{EventKind, JobEvent};
pub use history::{History, HistoryBuilder, HistoryColumn};
pub use importances::{ColumnImportance, PermutationImportances};
pub use labels::{JobPatch, Labels};
pub use leaderboard::{ComparedRows, Finding, Leaderboard, LeaderboardEntry, LeaderboardMetric, SkippedBaseline};
pub use model::{Model, ModelVersion, ModelWarning};
pub use overview::JobOverview;
pub use progress::{JobProgress, ProgressUnit};
pub use record::{Job, JobError, JobStatus, Timing};
pub use sizes::MAX_COUNTED_ROWS;
pub use split::{JobSplit, SplitRequest};
pub use task_request::TaskRequest;
