//! [`JobEvent`].

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A stored event of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct JobEvent {
    /// Counts 1, 2, 3 … within the job, without a gap.
    pub id: u64,
    /// Type of the event.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// By type. `status`: `status`, `attempt` (of a `queued` event the attempt to come), with `version` or `error` at the
    /// end. `epoch`: the logs of an epoch, or of what else `unit` says (`trees`, `rounds`). `message`: `level` (`info` or `warning`) and `text`.
    #[schema(value_type = Object)]
    pub data: Map<String, Value>,
}

/// Type of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// The job's status changed.
    Status,
    /// An epoch ended.
    Epoch,
    /// A message to the user.
    Message,
}

impl EventKind {
    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Epoch => "epoch",
            Self::Message => "message",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_json() {
        for kind in [EventKind::Status, EventKind::Epoch, EventKind::Message] {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }
}
