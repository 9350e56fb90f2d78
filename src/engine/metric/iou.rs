//! [`Iou`], [`MeanIou`] and [`BinaryIou`]: the overlap of what a class is and what it is taken for.
//!
//! A class's overlap is `tp / (tp + fp + fn + 1e-7)`; the mean is over classes that are among targets or outputs. Keras's
//! `sparse_y_true` and `sparse_y_pred` are known from the outputs and the loss, so that the one-hot
//! metrics are these ones by another name.

use super::{
    Rows, Tally, check_class,
    classes::{self, counts},
};
use crate::engine::{
    field::FieldError,
    real::{Real, check},
};
use serde::{Deserialize, Serialize};

/// The mean overlap of some classes. A single output is the class 1 from 0.5 on.
///
/// Source: <https://keras.io/api/metrics/segmentation_metrics/#iou-class>
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Iou {
    /// Indices of the classes; where empty, every class. Keras has no default here.
    pub target_class_ids: Vec<u32>,
    /// How many classes there are: that of the outputs where absent, and never less.
    pub num_classes: Option<u32>,
    /// Rows of this class are left out.
    pub ignore_class: Option<i64>,
}

/// The mean overlap of all classes. A single output is the class 1 from 0.5 on.
///
/// Source: <https://keras.io/api/metrics/segmentation_metrics/#meaniou-class>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MeanIou {
    /// How many classes there are: that of the outputs where absent, and never less.
    pub num_classes: Option<u32>,
    /// Rows of this class are left out.
    pub ignore_class: Option<i64>,
}

/// The mean overlap of no (0) and yes (1), each output a question of its own.
///
/// Source: <https://keras.io/api/metrics/segmentation_metrics/#binaryiou-class>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BinaryIou {
    /// Which of the answers 0 and 1 are measured.
    pub target_class_ids: Vec<u32>,
    /// An output from this on is a yes, 0 to 1.
    pub threshold: f64,
}

impl Default for BinaryIou {
    fn default() -> Self {
        Self { target_class_ids: vec![0, 1], threshold: 0.5 }
    }
}

fn add<F: Real>(rows: &Rows<'_, F>, ignore_class: Option<i64>, cells: &mut [f64]) {
    let ignored = ignore_class.and_then(|class| usize::try_from(class).ok());
    for (target, output) in rows.pairs(|output| output >= F::of(0.5)) {
        if ignored != Some(target) {
            classes::add(cells, target, output);
        }
    }
}

fn mean(cells: &[f64], chosen: &[u32]) -> f64 {
    const EPSILON: f64 = 1e-7;
    let (mut sum, mut present) = (0.0, 0.0);
    for (class, counts) in counts(cells).enumerate() {
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

/// Fails where there are fewer classes than the outputs tell apart. More change nothing: they are in no row.
fn check_count(num_classes: Option<u32>, width: usize) -> Result<(), FieldError> {
    let classes = classes::classes(width);
    match num_classes.filter(|&count| (count as usize) < classes) {
        Some(count) => {
            let detail =
                format!("expected at least {classes}, as many classes as the outputs tell apart, received {count}");
            Err(FieldError::new("/num_classes", detail))
        }
        None => Ok(()),
    }
}

/// Sums: those of each class.
impl<F: Real> Tally<F> for Iou {
    fn check_width(&self, width: usize) -> Result<(), FieldError> {
        check_count(self.num_classes, width)?;
        check_classes(&self.target_class_ids, classes::classes(width))
    }

    fn cells(&self, width: usize) -> usize {
        classes::SUMS * classes::classes(width)
    }

    fn update(&self, rows: &Rows<'_, F>, cells: &mut [f64]) {
        add(rows, self.ignore_class, cells);
    }

    fn result(&self, cells: &[f64]) -> f64 {
        mean(cells, &self.target_class_ids)
    }
}

/// Sums: those of each class.
impl<F: Real> Tally<F> for MeanIou {
    fn check_width(&self, width: usize) -> Result<(), FieldError> {
        check_count(self.num_classes, width)
    }

    fn cells(&self, width: usize) -> usize {
        classes::SUMS * classes::classes(width)
    }

    fn update(&self, rows: &Rows<'_, F>, cells: &mut [f64]) {
        add(rows, self.ignore_class, cells);
    }

    fn result(&self, cells: &[f64]) -> f64 {
        mean(cells, &[])
    }
}

/// Sums: those of no and of yes.
impl<F: Real> Tally<F> for BinaryIou {
    fn check(&self) -> Result<(), FieldError> {
        check_classes(&self.target_class_ids, 2)?;
        check::fraction("/threshold", self.threshold)
    }

    fn cells(&self, _width: usize) -> usize {
        classes::SUMS * 2
    }

    fn update(&self, rows: &Rows<'_, F>, cells: &mut [f64]) {
        let threshold = F::of(self.threshold);
        for (target, output) in rows.each() {
            for (index, &output) in output.iter().enumerate() {
                classes::add(cells, usize::from(rows.is_yes(target, index)), usize::from(output >= threshold));
            }
        }
    }

    fn result(&self, cells: &[f64]) -> f64 {
        mean(cells, &self.target_class_ids)
    }
}
