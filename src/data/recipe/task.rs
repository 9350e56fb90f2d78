//! What an output learns: the form in which the network sees its target, and the task that this is.

use crate::{
    data::named::{Named, PerOutput},
    engine::loss::Loss,
};
use serde::{Deserialize, Serialize, Serializer};

/// What the target columns are to the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// One class of several, the target a class index (sparse losses).
    SparseClasses,
    /// One class of several, the target one-hot (categorical losses).
    OneHotClasses,
    /// One of two classes by one probability; the second label in label order is the positive one.
    Binary,
    /// One of two classes by one score (hinge losses): over 0 is the second label in label order.
    Margin,
    /// One class of several, the target one-hot, by a score each (hinge losses).
    Margins,
    /// One class of several at each step or position, the target a column of labels each (sparse losses).
    StepClasses,
    /// One class of several, the target a column of 0 and 1 a class.
    OneHotColumns,
    /// Several labels that a row has or has not, the target a column of 0 and 1 a label.
    LabelColumns,
    /// Numbers, one an output cell.
    Regression,
    /// Without a target and a loss: the output's values as they are.
    Raw,
}

/// What an output learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Task)]
pub enum TaskKind {
    /// Numbers.
    Regression,
    /// One of two classes.
    BinaryClassification,
    /// One class of several, in a row or at each of its steps.
    MulticlassClassification,
    /// Several labels that a row has or has not.
    MultilabelClassification,
}

impl Task {
    /// The task that this is; `None` for an output without a target.
    pub fn kind(self) -> Option<TaskKind> {
        match self {
            Self::SparseClasses | Self::OneHotClasses | Self::Margins | Self::StepClasses | Self::OneHotColumns => {
                Some(TaskKind::MulticlassClassification)
            }
            Self::Binary | Self::Margin => Some(TaskKind::BinaryClassification),
            Self::LabelColumns => Some(TaskKind::MultilabelClassification),
            Self::Regression => Some(TaskKind::Regression),
            Self::Raw => None,
        }
    }

    /// The loss that learns it where no other is named.
    pub fn usual_loss(self) -> Loss {
        match self {
            Self::SparseClasses | Self::StepClasses => Loss::SparseCategoricalCrossentropy(Default::default()),
            Self::OneHotClasses | Self::OneHotColumns => Loss::CategoricalCrossentropy(Default::default()),
            Self::Binary | Self::LabelColumns => Loss::BinaryCrossentropy(Default::default()),
            Self::Margin => Loss::Hinge,
            Self::Margins => Loss::CategoricalHinge,
            Self::Regression | Self::Raw => Loss::MeanSquaredError,
        }
    }

    /// Whether the target columns are numbers, one an output cell.
    pub fn learns_numbers(self) -> bool {
        matches!(self, Self::Regression | Self::OneHotColumns | Self::LabelColumns)
    }

    /// Whether one column has the label of each row.
    pub fn has_one_label(self) -> bool {
        !self.learns_numbers() && !matches!(self, Self::StepClasses | Self::Raw)
    }

    /// Whether the target has a cell a label.
    pub(super) fn is_one_hot(self) -> bool {
        matches!(self, Self::OneHotClasses | Self::Margins)
    }
}

/// Writes the kind of each task; null for an output without a target.
pub fn kinds<S: Serializer>(tasks: &PerOutput<Task>, serializer: S) -> Result<S::Ok, S::Error> {
    let kinds = match tasks {
        PerOutput::One(task) => PerOutput::One(task.kind()),
        PerOutput::Each(Named(tasks)) => {
            PerOutput::Each(Named(tasks.iter().map(|(name, task)| (name.clone(), task.kind())).collect()))
        }
    };
    kinds.serialize(serializer)
}

/// The schema of what [`kinds`] writes.
pub fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
    use utoipa::openapi::{ObjectBuilder, OneOfBuilder, Ref, RefOr, Schema, Type, schema::AdditionalProperties};
    let one = || RefOr::<Schema>::Ref(Ref::from_schema_name("Task"));
    let null = || ObjectBuilder::new().schema_type(Type::Null);
    let value = OneOfBuilder::new().item(one()).item(null());
    let each = ObjectBuilder::new().additional_properties(Some(AdditionalProperties::RefOr(value.into())));
    let description =
        "The only output's, or an object of each output's by its name; null for an output without a loss.";
    OneOfBuilder::new().description(Some(description)).item(one()).item(null()).item(each).into()
}
