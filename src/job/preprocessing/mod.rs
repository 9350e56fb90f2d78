//! What becomes of each column before the network, with its reason. Chosen once, at `POST /v1/jobs`.

mod choose;
mod settings;
mod target;

pub(crate) use choose::choose;
pub use choose::{ChosenBy, by_feature};
pub use settings::{ColumnSettings, PreprocessingRequest, TargetScaleRequest};
pub(crate) use settings::{Defaults, Prepared, prepare_columns};
pub use target::{TargetScale, choose_target_scale};

use crate::data::recipe::Preparation;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The preprocessing of a job, with every default filled in.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct JobPreprocessing {
    /// The default of number columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<Preparation>,
    /// The default of boolean columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boolean: Option<Preparation>,
    /// The default of categories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Preparation>,
    /// Columns with settings of their own, as the request has them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<String, ColumnSettings>,
    /// What becomes of every feature, with the reason; equal ones together.
    #[serde(default)]
    #[schema(required = true)]
    pub applied: Vec<ColumnPreparation>,
    /// How the targets of a regression are scaled, by output where there are several; absent where none is a regression.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub target: Vec<TargetScale>,
}

/// What becomes of some columns, with the reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ColumnPreparation {
    /// The model's input, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// The columns, in the order of the features.
    pub columns: Vec<String>,
    /// What becomes of them.
    #[serde(flatten)]
    pub preparation: Preparation,
    /// Why.
    pub reason: String,
}

/// Something in a job that is allowed and probably not intended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct JobWarning {
    /// Machine-readable: `unscaled_columns`, `classes_without_rows`, `rare_classes`, `constant_output`, `target_out_of_range`,
    /// `target_among_features`, `constant_columns`, `label_lists`, `not_probabilities`, `doubtful_task`,
    /// `bounded_logits`, `output_out_of_range`, `time_zone`, `decay_of_untrained_output`, or one of the codes of a model's warnings.
    pub code: String,
    /// The columns concerned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// What was found and what to try.
    pub detail: String,
}

#[cfg(test)]
mod tests {
    use super::PreprocessingRequest;
    use crate::{
        data::{
            recipe::{EncodeSettings, scale::ScaleStep},
            schema::GivenType,
        },
        engine::field::parse,
        job::SplitRequest,
    };
    use std::collections::BTreeMap;

    /// `docs/DATA.md` has a row for every step, and every example in it is accepted.
    #[test]
    fn the_tables_of_the_documentation_are_accepted() {
        let text = include_str!("../../../docs/DATA.md");
        let (mut section, mut examples) = ("", 0);
        for line in text.lines() {
            if line.starts_with('#') {
                section = line.trim_start_matches('#').trim_start();
            }
            let cells: Vec<&str> = line.split(" | ").collect();
            let code = |cell: &str| {
                let code = cell.trim_matches([' ', '|', '`']);
                code.starts_with('{').then(|| serde_json::from_str::<serde_json::Value>(code).unwrap())
            };
            if !line.starts_with("| `") {
                continue;
            }
            if section == "Types"
                && let Some(types) = code(cells[2])
            {
                parse::<BTreeMap<String, GivenType>>(&types).unwrap();
                examples += 1;
            }
            if let Some(example) = cells.last().and_then(|cell| code(cell)) {
                match section {
                    "Splits" => drop(parse::<SplitRequest>(&example).unwrap()),
                    _ => drop(parse::<PreprocessingRequest>(&example).unwrap()),
                }
                examples += 1;
            }
        }
        assert!(examples > 30, "{examples}");
        for (name, _) in ScaleStep::TABLE.iter().chain(EncodeSettings::TABLE) {
            assert!(text.contains(&format!("\n| `{name}` |")), "{name}");
        }
    }
}
