//! Outputs that a loss reads as probabilities and that are none, as those of a last layer without a sigmoid or softmax.

use super::{
    Output, Recipe, Task,
    notes::{MAX_WARNINGS, PredictionWarning},
    target::Target,
};
use ndarray::ArrayView2;

/// How far rounding takes a probability past 1.
const BOUND_TOLERANCE: f32 = 1e-6;

/// How far rounding takes the sum of probabilities from 1.
const SUM_TOLERANCE: f64 = 1e-3;

const HINT: &str = "set `from_logits` of the loss, or end the model with a sigmoid or a softmax; `format=raw` answers the output as it is";

impl Recipe {
    /// Warns of each row of `output` [rows, output elements] that is answered as probabilities and is none, until there are 20 warnings.
    /// `elements` are those of each output.
    pub fn warn_of_probabilities(
        &self,
        output: ArrayView2<'_, f32>,
        elements: impl Iterator<Item = usize>,
        warnings: &mut Vec<PredictionWarning>,
    ) {
        let mut next = 0;
        for (of, elements) in self.outputs.iter().zip(elements) {
            let first = next;
            next += elements;
            let Some(width) = of.distribution(elements) else { continue };
            for (index, row) in output.rows().into_iter().enumerate() {
                if warnings.len() >= MAX_WARNINGS {
                    return;
                }
                let cells = row.to_slice().and_then(|row| row.get(first..next)).unwrap_or_default();
                if !cells.chunks(width.max(1)).all(are_probabilities) {
                    let (pointer, detail) = (format!("/instances/{index}"), of.warning());
                    warnings.push(PredictionWarning { pointer, code: "not_probabilities", detail });
                }
            }
        }
    }
}

impl Output {
    /// How many elements one after the other are the probabilities of the classes, which sum to 1, where answers for this many elements
    /// have probabilities; 1 where each has a probability of its own.
    fn distribution(&self, elements: usize) -> Option<usize> {
        let learns = self.probabilities && !self.targets.iter().any(Target::is_scaled);
        match self.task {
            _ if self.logits.is_some() => None,
            Task::Binary => Some(1),
            Task::SparseClasses | Task::OneHotClasses => Some(elements),
            Task::StepClasses => self.axes.last().copied(),
            Task::OneHotColumns => learns.then_some(elements),
            Task::LabelColumns | Task::Regression => learns.then_some(1),
            Task::Margin | Task::Margins | Task::Raw => None,
        }
    }

    fn warning(&self) -> String {
        let name = if self.name.is_empty() { String::new() } else { format!(" {:?}", self.name) };
        match self.task {
            Task::OneHotColumns | Task::LabelColumns | Task::Regression => format!(
                "the loss reads the output{name} as probabilities, but here it is none: its values are answered as they are; {HINT}"
            ),
            _ => format!(
                "the output{name} is read as probabilities, but here it is none: `probabilities` are clipped to 0 to 1 and divided by \
                 their sum; {HINT}"
            ),
        }
    }
}

/// Whether these are the probabilities of every class, or one probability alone.
fn are_probabilities(values: &[f32]) -> bool {
    let sum: f64 = values.iter().map(|&value| f64::from(value)).sum();
    values.iter().all(|value| (0.0..=1.0 + BOUND_TOLERANCE).contains(value))
        && (values.len() == 1 || (sum - 1.0).abs() <= SUM_TOLERANCE)
}

/// Makes the probabilities of every class, or one probability alone, of outputs that are none: a negative one is 0, one alone at most 1,
/// and several are divided by their sum. Equal ones where none is over 0.
pub(super) fn to_probabilities(values: &mut [f32]) {
    if are_probabilities(values) {
        return;
    }
    if let [value] = values {
        *value = value.clamp(0.0, 1.0);
        return;
    }
    values.iter_mut().for_each(|value| *value = value.max(0.0));
    let (sum, count): (f64, usize) = (values.iter().map(|&value| f64::from(value)).sum(), values.len());
    let share = |value: f32| if sum > 0.0 { f64::from(value) / sum } else { 1.0 / count as f64 };
    values.iter_mut().for_each(|value| *value = share(*value) as f32);
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(&[0.25], &[0.25])]
    #[case(&[-0.5], &[0.0])]
    #[case(&[1.5], &[1.0])]
    #[case(&[0.25, 0.75], &[0.25, 0.75])]
    #[case(&[0.5, 0.25, 0.5], &[0.4, 0.2, 0.4])]
    #[case(&[-3.0, 1.0, 3.0], &[0.0, 0.25, 0.75])]
    #[case(&[-1.0, -2.0], &[0.5, 0.5])]
    #[case(&[f32::MAX, f32::MAX], &[0.5, 0.5])]
    fn values_become_probabilities(#[case] values: &[f32], #[case] expected: &[f32]) {
        let mut made = values.to_vec();
        to_probabilities(&mut made);
        assert!(are_probabilities(&made), "{made:?}");
        assert!(made.iter().zip(expected).all(|(made, expected)| (made - expected).abs() < 1e-6), "{made:?}");
        assert_eq!(are_probabilities(values), values == expected);
    }
}
