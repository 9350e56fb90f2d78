//! How large an answer is, before it is computed.

use super::{Output, Recipe, Target, Task, label_text};
use serde_json::Value;

/// Bytes of a number with what separates it.
const NUMBER: u64 = 18;
/// Bytes of the brackets and commas around a number, for each axis.
const BRACKETS: u64 = 3;
/// Bytes of the names of an answer's fields.
const FIELDS: u64 = 64;

/// Bytes of elements as lists within lists.
pub fn nested_bytes(elements: usize, axes: usize) -> u64 {
    (elements as u64).saturating_mul(NUMBER + BRACKETS * axes as u64)
}

impl Recipe {
    /// Maximum bytes of one instance's answer in JSON; `elements` is the number of elements of each output of the network.
    pub fn answer_bytes(&self, elements: &[usize]) -> u64 {
        let outputs = self.outputs.iter().zip(elements);
        outputs.map(|(output, &elements)| output.answer_bytes(elements)).fold(FIELDS, u64::saturating_add)
    }
}

impl Output {
    fn answer_bytes(&self, elements: usize) -> u64 {
        let labels = self.targets.first().map(Target::labels).unwrap_or_default();
        let longest = || labels.iter().map(text_bytes).max().unwrap_or(NUMBER);
        let each = || labels.iter().map(|label| text_bytes(label) + NUMBER).fold(0, u64::saturating_add);
        let names = || self.targets.iter().map(|target| text_bytes(&Value::from(target.name())) + NUMBER);
        let axes = self.axes.len().max(1);
        let own = match self.task {
            Task::Regression | Task::OneHotColumns | Task::LabelColumns => names().fold(0, u64::saturating_add),
            Task::Raw => nested_bytes(elements, axes),
            Task::Margin | Task::Binary | Task::SparseClasses | Task::OneHotClasses | Task::Margins => {
                each().saturating_add(longest())
            }
            Task::StepClasses => {
                let steps = elements / self.axes.last().copied().unwrap_or(1).max(1);
                nested_bytes(elements, axes)
                    .saturating_add((steps as u64).saturating_mul(longest() + BRACKETS * axes as u64))
            }
        };
        own.saturating_add(FIELDS).saturating_add(text_bytes(&Value::from(self.name.as_str())))
    }
}

/// Bytes of a label as JSON text.
fn text_bytes(label: &Value) -> u64 {
    Value::from(label_text(label)).to_string().len() as u64
}
