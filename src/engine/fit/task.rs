//! [`Task`]: what the lanes of a fit compute, and where the data of each input and output is.

use super::{FitPlan, Rescale, Role, partition::Partition};
use crate::engine::{
    activation::Activation, input_layout::InputLayout, loss::ReducedLoss, metric::Metric, spec::Architecture,
};
use std::ops::Range;

/// The task of a fit, shared by every lane.
#[derive(Debug, Clone, Copy)]
pub(super) struct Task<'a> {
    pub plan: &'a FitPlan,
    pub partition: Partition,
    pub outputs: &'a [OutputTask],
    /// By input: its columns of x.
    pub inputs: &'a [InputLayout],
}

/// The loss and the metrics of one output.
#[derive(Debug)]
pub(super) struct OutputTask {
    pub loss: ReducedLoss,
    pub trained: bool,
    pub loss_weight: f64,
    /// The metrics of the plan, resolved for this loss.
    pub metrics: Vec<Metric>,
    /// How outputs and targets get the units of the metrics; empty for none.
    pub rescale: Vec<Vec<Rescale>>,
    pub value: usize,
    pub mask: Option<usize>,
    /// The last activation, if the loss is computed from its input (logits).
    pub fused: Option<Activation>,
    /// Loss rows per sample: 1, or more if the output has more than one axis.
    pub positions: usize,
    /// Size of the output's last axis.
    pub width: usize,
    /// Its columns of y.
    pub targets: Range<usize>,
}

impl OutputTask {
    /// Number of sums of its metrics.
    pub fn metric_sums(&self) -> usize {
        self.metrics.iter().map(|metric| metric.sums(self.width)).sum()
    }
}

/// Number of columns that the targets of [`Samples::y`](super::Samples::y) have.
pub fn target_columns(architecture: &Architecture, plan: &FitPlan) -> usize {
    DataLayout::new(architecture, plan).target_columns()
}

/// The columns of x and y that belong to each input and output.
#[derive(Debug)]
pub(super) struct DataLayout {
    pub inputs: Vec<InputLayout>,
    pub outputs: Vec<OutputTask>,
}

impl DataLayout {
    pub fn new(architecture: &Architecture, plan: &FitPlan) -> Self {
        let mut next = 0;
        let outputs = plan.outputs.iter().zip(architecture.outputs()).enumerate().map(|(index, (output, &value))| {
            let shape = architecture.shape(value);
            let (width, positions) = (shape.last(), shape.elements() / shape.last());
            let last = architecture.last_activation(index);
            let target_width = if output.role == Role::Untrained { 0 } else { output.loss.target_width(width) };
            let targets = next..next + positions * target_width;
            let trained = output.role == Role::Trained;
            next = targets.end;
            OutputTask {
                loss: output.loss,
                trained,
                loss_weight: output.loss_weight,
                metrics: output.metrics.iter().map(|metric| metric.resolve(&output.loss)).collect(),
                rescale: output.rescale.clone(),
                value,
                mask: architecture.output_mask(index),
                fused: last.filter(|&last| trained && output.loss.is_fused_with(last)),
                positions,
                width,
                targets,
            }
        });
        Self { outputs: outputs.collect(), inputs: architecture.layouts().to_vec() }
    }

    /// Number of columns of y.
    pub fn target_columns(&self) -> usize {
        self.outputs.last().map_or(0, |output| output.targets.end)
    }
}
