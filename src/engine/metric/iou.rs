//! [`Iou`], [`MeanIou`] and [`BinaryIou`]: intersection over union.
//!
//! The IoU of a class is `tp / (tp + fp + fn + 1e-7)`; the mean is over classes among the targets or predictions.
//! Keras's `sparse_y_true` and `sparse_y_pred` follow from the outputs and the loss, so that the one-hot metrics are
//! aliases.

use super::{
    Accumulator, Rows, check_class,
    classes::{self, counts},
};
use crate::engine::{
    field::FieldError,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// Mean IoU of some classes. A single output is class 1 from 0.5.
///
/// Source: <https://keras.io/api/metrics/segmentation_metrics/#iou-class>
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Iou {
    /// Indices of the classes; empty for all. Keras has no default.
    pub target_class_ids: Vec<u32>,
    /// Number of classes. Default, and minimum: that of the outputs.
    pub num_classes: Option<u32>,
    /// Class whose rows are ignored.
    pub ignore_class: Option<i64>,
}

/// Mean IoU of all classes. A single output is class 1 from 0.5.
///
/// Source: <https://keras.io/api/metrics/segmentation_metrics/#meaniou-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MeanIou {
    /// Number of classes. Default, and minimum: that of the outputs.
    pub num_classes: Option<u32>,
    /// Class whose rows are ignored.
    pub ignore_class: Option<i64>,
}

/// Mean IoU of the classes 0 and 1 of independent binary outputs.
///
/// Source: <https://keras.io/api/metrics/segmentation_metrics/#binaryiou-class>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BinaryIou {
    /// Classes that are measured: 0, 1 or both.
    pub target_class_ids: Vec<u32>,
    /// Outputs from this threshold are class 1, 0 to 1.
    pub threshold: f64,
}

impl Default for BinaryIou {
    fn default() -> Self {
        Self { target_class_ids: vec![0, 1], threshold: 0.5 }
    }
}

fn add<F: Real>(rows: &Rows<'_, F>, ignore_class: Option<i64>, sums: &mut [f64]) {
    let ignored = ignore_class.and_then(|class| usize::try_from(class).ok());
    for (target, output) in rows.pairs(|output| output >= F::of(0.5)) {
        if ignored != Some(target) {
            classes::add(sums, target, output);
        }
    }
}

fn mean(sums: &[f64], chosen: &[u32]) -> f64 {
    const EPSILON: f64 = 1e-7;
    let (mut sum, mut present) = (0.0, 0.0);
    for (class, counts) in counts(sums).enumerate() {
        let all = counts.targets + counts.outputs - counts.both;
        if all > 0.0 && (chosen.is_empty() || chosen.iter().any(|&chosen| chosen as usize == class)) {
            sum += counts.both / (all + EPSILON);
            present += 1.0;
        }
    }
    sum / (present + EPSILON)
}

fn check_classes(chosen: &[u32], classes: usize) -> Result<(), FieldError> {
    chosen.iter().try_for_each(|&class| check_class("/target_class_ids", Some(class), classes))
}

/// Fails if `num_classes` is less than the number of classes of the outputs.
fn check_count(num_classes: Option<u32>, width: usize) -> Result<(), FieldError> {
    let classes = classes::classes(width);
    match num_classes.filter(|&count| (count as usize) < classes) {
        Some(count) => {
            let detail = format!("expected at least {classes}, the number of classes of the outputs, received {count}");
            Err(FieldError::new("/num_classes", detail))
        }
        None => Ok(()),
    }
}

/// Sums: those of each class.
impl<F: Real> Accumulator<F> for Iou {
    fn check_width(&self, width: usize) -> Result<(), FieldError> {
        check_count(self.num_classes, width)?;
        check_classes(&self.target_class_ids, classes::classes(width))
    }

    fn sums(&self, width: usize) -> usize {
        classes::SUMS * classes::classes(width)
    }

    fn update(&self, rows: &Rows<'_, F>, sums: &mut [f64]) {
        add(rows, self.ignore_class, sums);
    }

    fn result(&self, sums: &[f64]) -> f64 {
        mean(sums, &self.target_class_ids)
    }
}

/// Sums: those of each class.
impl<F: Real> Accumulator<F> for MeanIou {
    fn check_width(&self, width: usize) -> Result<(), FieldError> {
        check_count(self.num_classes, width)
    }

    fn sums(&self, width: usize) -> usize {
        classes::SUMS * classes::classes(width)
    }

    fn update(&self, rows: &Rows<'_, F>, sums: &mut [f64]) {
        add(rows, self.ignore_class, sums);
    }

    fn result(&self, sums: &[f64]) -> f64 {
        mean(sums, &[])
    }
}

/// Sums: those of classes 0 and 1.
impl<F: Real> Accumulator<F> for BinaryIou {
    fn check(&self) -> Result<(), FieldError> {
        check_classes(&self.target_class_ids, 2)?;
        check::fraction("/threshold", self.threshold)
    }

    fn sums(&self, _width: usize) -> usize {
        classes::SUMS * 2
    }

    fn update(&self, rows: &Rows<'_, F>, sums: &mut [f64]) {
        let threshold = F::of(self.threshold);
        for (target, output) in rows.each() {
            for (index, &output) in output.iter().enumerate() {
                classes::add(sums, usize::from(rows.is_positive(target, index)), usize::from(output >= threshold));
            }
        }
    }

    fn result(&self, sums: &[f64]) -> f64 {
        mean(sums, &self.target_class_ids)
    }
}
