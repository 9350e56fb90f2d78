//! [`Auc`].

use super::{Average, Rows, Tally, ratio};
use crate::engine::{field::FieldError, real::Real};
use serde::{Deserialize, Serialize};

/// The area under a curve of true against false positives (ROC) or of precision against recall (PR), measured at evenly
/// spaced thresholds and interpolated between them as Keras does.
///
/// Several outputs are several one-against-the-rest questions: `macro` is the mean of their areas (over those with both
/// answers among the targets), `micro`, as Keras's AUC has it, the area of all their cells together.
///
/// Source: <https://keras.io/api/metrics/classification_metrics/#auc-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Auc {
    /// How many thresholds from 0 to 1, 3 to 10000.
    pub num_thresholds: u32,
    /// Which curve.
    pub curve: Curve,
    /// How several outputs become one number: `macro` or `micro`.
    pub average: Average,
}

/// What an area is measured under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub enum Curve {
    /// True positives against false positives.
    #[default]
    #[serde(rename = "ROC", alias = "roc")]
    Roc,
    /// Precision against recall.
    #[serde(rename = "PR", alias = "pr")]
    Pr,
}

impl Default for Auc {
    fn default() -> Self {
        Self { num_thresholds: 200, curve: Curve::Roc, average: Average::Macro }
    }
}

/// Sums, for each question: targets that are true and those that are false, by the last threshold that their output
/// passes.
impl<F: Real> Tally<F> for Auc {
    fn check(&self) -> Result<(), FieldError> {
        if !(3..=10_000).contains(&self.num_thresholds) {
            let detail = format!("expected 3 to 10000, received {}", self.num_thresholds);
            return Err(FieldError::new("/num_thresholds", detail));
        }
        if self.average == Average::Weighted {
            return Err(FieldError::new("/average", "expected `macro` or `micro`, received `weighted`"));
        }
        Ok(())
    }

    fn cells(&self, width: usize) -> usize {
        2 * self.num_thresholds as usize * if self.average == Average::Micro { 1 } else { width }
    }

    fn update(&self, rows: &Rows<'_, F>, cells: &mut [f64]) {
        let thresholds = self.num_thresholds as usize;
        let last = F::of(f64::from(self.num_thresholds - 1));
        for (target, output) in rows.each() {
            for (index, &output) in output.iter().enumerate() {
                let positive = rows.is_yes(target, index);
                let passed = (output.maximum(F::ZERO).minimum(F::ONE) * last).to_f64().ceil() - 1.0;
                let question = if self.average == Average::Micro { 0 } else { index };
                let cell = (2 * question + usize::from(!positive)) * thresholds + passed.max(0.0) as usize;
                if let Some(cell) = cells.get_mut(cell) {
                    *cell += 1.0;
                }
            }
        }
    }

    fn result(&self, cells: &[f64]) -> f64 {
        let thresholds = self.num_thresholds as usize;
        let areas: Vec<f64> = cells
            .chunks_exact(2 * thresholds)
            .map(|question| question.split_at(thresholds))
            .filter(|(positive, negative)| {
                let both = positive.iter().any(|&count| count > 0.0) && negative.iter().any(|&count| count > 0.0);
                both || cells.len() == 2 * thresholds
            })
            .map(|(positive, negative)| match self.curve {
                Curve::Roc => area_under_roc(positive, negative),
                Curve::Pr => area_under_pr(positive, negative),
            })
            .collect();
        ratio(areas.iter().sum(), areas.len() as f64)
    }
}

/// What passes each threshold but the lowest passes the one before it too: pairs of (true, false) positives at a
/// threshold and at the next higher one, from the highest down.
fn steps(positive: &[f64], negative: &[f64]) -> impl Iterator<Item = ((f64, f64), (f64, f64))> {
    positive.iter().zip(negative).rev().scan((0.0, 0.0), |(true_positives, false_positives), (&p, &n)| {
        let higher = (*true_positives, *false_positives);
        *true_positives += p;
        *false_positives += n;
        Some(((*true_positives, *false_positives), higher))
    })
}

/// The trapezoids between neighbouring thresholds.
fn area_under_roc(positive: &[f64], negative: &[f64]) -> f64 {
    let (positives, negatives) = (positive.iter().sum(), negative.iter().sum());
    steps(positive, negative)
        .map(|((tp, fp), (higher_tp, higher_fp))| {
            ratio(fp - higher_fp, negatives) * (ratio(tp, positives) + ratio(higher_tp, positives)) / 2.0
        })
        .sum()
}

/// Between neighbouring thresholds true and false positives grow together, <https://www.biostat.wisc.edu/~page/rocpr.pdf>;
/// the integral of precision over recall is then known in closed form.
fn area_under_pr(positive: &[f64], negative: &[f64]) -> f64 {
    let positives: f64 = positive.iter().sum();
    let area = steps(positive, negative).map(|((tp, fp), (higher_tp, higher_fp))| {
        let (passed, higher_passed) = (tp + fp, higher_tp + higher_fp);
        let slope = ratio(tp - higher_tp, passed - higher_passed);
        let intercept = higher_tp - slope * higher_passed;
        let growth = if passed > 0.0 && higher_passed > 0.0 { passed / higher_passed } else { 1.0 };
        slope * (tp - higher_tp + intercept * growth.ln())
    });
    ratio(area.sum(), positives)
}
