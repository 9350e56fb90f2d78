//! [`TaskRequest`].

use crate::data::recipe::TaskKind;
use serde::{Deserialize, Serialize};

/// What to learn, where it is not to be inferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskRequest {
    /// Numbers.
    Regression,
    /// One of two classes.
    BinaryClassification,
    /// One of several classes.
    MulticlassClassification,
    /// Any number of labels per row.
    MultilabelClassification,
    /// Any of the classification tasks, by target and output.
    Classification,
}

impl TaskRequest {
    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Regression => "regression",
            Self::BinaryClassification => "binary_classification",
            Self::MulticlassClassification => "multiclass_classification",
            Self::MultilabelClassification => "multilabel_classification",
            Self::Classification => "classification",
        }
    }

    /// Whether a task of this kind was requested.
    pub fn accepts(self, kind: TaskKind) -> bool {
        self == kind.into() || (self == Self::Classification && kind != TaskKind::Regression)
    }
}

impl From<TaskKind> for TaskRequest {
    fn from(kind: TaskKind) -> Self {
        match kind {
            TaskKind::Regression => Self::Regression,
            TaskKind::BinaryClassification => Self::BinaryClassification,
            TaskKind::MulticlassClassification => Self::MulticlassClassification,
            TaskKind::MultilabelClassification => Self::MultilabelClassification,
        }
    }
}
