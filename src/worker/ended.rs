//! [`Ended`]: how the thread of a job ends.

use crate::{
    data::recipe::ConfusionMatrix,
    engine::{fit::Fitted, spec::Summary},
    job::{JobError, Leaderboard},
    store::bundle::Description,
};
use serde_json::{Map, Value};
use std::time::Duration;

/// How a job's thread ended.
pub enum Ended {
    Trained(Box<Trained>),
    Stopped,
    /// What was kept of the job cannot be continued: the next attempt begins anew.
    Again,
    Failed(JobError),
}

/// What a fit reports at its end.
pub enum Fit {
    Network(Fitted),
    Classical {
        /// Metrics of every part of the rows.
        logs: Vec<(String, f64)>,
        /// What the user is told.
        messages: Vec<String>,
        /// The version's `fitted`.
        facts: Map<String, Value>,
    },
}

/// A fit that succeeded.
pub struct Trained {
    pub fitted: Fit,
    /// Duration of the epochs.
    pub duration: Duration,
    pub summary: Option<Summary>,
    pub confusion_matrix: Option<ConfusionMatrix>,
    /// The comparison with the baselines.
    pub leaderboard: Option<Leaderboard>,
    /// Features that do not vary in the training rows.
    pub constant_features: Vec<String>,
    /// What else the user is told of the rows.
    pub warnings: Vec<String>,
    pub description: Description,
    /// The version's file.
    pub file: Vec<u8>,
}

/// The error that users see for a fault of the service; the log has the cause.
pub fn fault() -> JobError {
    let detail = "a fault in the service ended this job; the log has the cause under the job's id. Submit the job again, and \
                  report the fault if it happens again";
    JobError { code: "internal".to_owned(), detail: detail.to_owned() }
}
