//! [`Layer`] and [`Compute`], and what a layer says of itself: [`Workspace`], [`BatchReduction`], [`MaskRule`], [`InputScale`].

use super::{Backward, BeforeStep, Forward, Moments, ParameterSpec, Reduce};
use crate::engine::{
    activation::Activation,
    field::FieldError,
    layer::{Direction, Primitive},
    real::Real,
    regularizer::Regularizer,
    shape::Shape,
};
use std::ops::RangeInclusive;

/// Memory that a layer needs beside its output, as numbers of elements.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Workspace {
    /// For each row, kept from forward to backward.
    pub kept_per_row: usize,
    /// For each row, free to overwrite in any call.
    pub scratch_per_row: usize,
    /// Free to overwrite in any call.
    pub scratch: usize,
}

/// Sums over the whole batch that a layer's output depends on, as numbers of elements; see [`Layer::batch_reduction`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchReduction {
    /// Partial sums of each lane before the layer's forward.
    pub forward_sums: usize,
    /// Elements that forward and backward read, computed from these sums.
    pub forward_reduced: usize,
    /// Partial sums of each lane before the layer's backward.
    pub backward_sums: usize,
    /// Elements that backward reads, computed from these sums.
    pub backward_reduced: usize,
}

/// The scale of the numbers that a layer is made to read, if they are columns of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputScale {
    /// About 1, as weights expect it.
    Unit,
    /// Any: the layer normalizes each column itself.
    Any,
    /// That of the raw numbers, which the layer scales by constants or compares with them.
    Raw,
    /// That of the raw numbers, which the layer looks up: scaled ones mean nothing to it.
    Exact,
}

/// What becomes of the masks of a layer's inputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MaskRule {
    /// The output has none.
    Drop,
    /// The output has the mask of this input.
    Pass(usize),
    /// The layer writes a mask of its own of this shape to [`Forward::mask`].
    Write(Shape),
}

/// Where the elements of a layer's output come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origins {
    /// The layer computes them.
    Computed,
    /// They are those of the first input in the same order; `exact` where they also have the same values.
    Same {
        /// Whether the layer changes no value, in training neither.
        exact: bool,
    },
    /// For each element of the output, the element of the first input that it is.
    Taken(Vec<u32>),
    /// Blocks of the inputs in turn, by input the elements of a block.
    Blocks(Vec<usize>),
    /// They are elements of the first input, or mixtures of them.
    Mixed,
    /// They are mixtures of elements of all inputs.
    Merged,
}

/// What every layer's settings implement. `x: [batch, ...]`, `y: [batch, ...]`, row-major. [`Compute`] runs it.
///
/// Running state lives outside: parameters, buffers and sums come in through the contexts, laid out once from what
/// `parameters`, `workspace` and `batch_reduction` say.
pub trait Layer: Send + Sync {
    /// Ranges of the settings; the pointer is below the layer (`/units`).
    fn check(&self) -> Result<(), FieldError>;

    /// How many inputs it takes.
    fn arity(&self) -> RangeInclusive<usize> {
        1..=1
    }

    /// The output's shape for these inputs' shapes, of which there are as many as [`Self::arity`] allows.
    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError>;

    /// How many values it gives.
    fn values(&self) -> usize {
        1
    }

    /// The shapes of what it gives besides its output, for shapes that passed [`Self::output_shape`]; these have no masks.
    fn other_shapes(&self, _inputs: &[Shape]) -> Vec<Shape> {
        Vec::new()
    }

    /// The weights for these inputs' shapes.
    fn parameters(&self, _inputs: &[Shape]) -> Vec<ParameterSpec> {
        Vec::new()
    }

    /// Fails where the layer cannot make anything of masks of these shapes; `masks` are those of its inputs.
    fn check_masks(&self, _inputs: &[Shape], _masks: &[Option<Shape>]) -> Result<(), FieldError> {
        Ok(())
    }

    /// The output's mask; `masks` are the shapes of those of its inputs.
    fn mask(&self, _inputs: &[Shape], _masks: &[Option<Shape>]) -> MaskRule {
        MaskRule::Drop
    }

    /// Whether it sees the masks of the steps where it runs on each step separately: in Keras, where its call has the
    /// argument `mask`.
    fn sees_masks_of_steps(&self) -> bool {
        false
    }

    /// Whether it carries a state along a sequence: it may be given an initial state, and has the setting `use_mask`.
    fn is_recurrent(&self) -> bool {
        self.direction().is_some()
    }

    /// The settings of a recurrent layer as one direction of a [`Bidirectional`](crate::engine::layer::Bidirectional).
    fn direction(&self) -> Option<Direction> {
        None
    }

    /// The layer as that direction of a [`Bidirectional`](crate::engine::layer::Bidirectional).
    fn in_direction(&self, _direction: Direction) -> Option<Primitive> {
        None
    }

    /// Whether its numbers depend on the masks of its inputs.
    fn uses_masks(&self) -> bool {
        self.is_recurrent()
    }

    /// Whether a mask of its own begins here, whatever masks its inputs have.
    fn begins_mask(&self) -> bool {
        false
    }

    /// Whether its mask shows a step where the mask of one of its inputs does.
    fn merges_masks(&self) -> bool {
        false
    }

    /// Whether it concatenates the masks of inputs of these shapes along an axis that masks have.
    fn joins_masks(&self, _inputs: &[Shape]) -> bool {
        false
    }

    /// Whether its output is the same for each row of the batch.
    fn is_constant(&self) -> bool {
        false
    }

    /// Whether it may be called with `training=False` in training.
    fn accepts_training(&self) -> bool {
        false
    }

    /// Whether the elements of its output are elements of its inputs, and which.
    fn origins(&self, _inputs: &[Shape]) -> Origins {
        Origins::Computed
    }

    /// Whether it takes mean and variance from the data before the first step: [`Compute::observe`].
    fn adapts(&self) -> bool {
        false
    }

    /// Memory besides the output.
    fn workspace(&self, _inputs: &[Shape]) -> Workspace {
        Workspace::default()
    }

    /// Places in memory that follow from the shapes alone, made once for each place in a model: [`Forward::tables`]. Only
    /// for shapes that passed [`Self::output_shape`].
    fn tables(&self, _inputs: &[Shape]) -> Vec<Vec<u32>> {
        Vec::new()
    }

    /// Multiplications and additions of one row's forward, roughly: how much work a thread is given goes by it.
    fn cost(&self, inputs: &[Shape]) -> u64 {
        inputs.iter().map(|shape| shape.elements() as u64).sum()
    }

    /// How many rows of one product with its kernel a row of the batch is: its steps or positions. `None` where no kernel is
    /// multiplied. How many rows are worked on at a time goes by it.
    fn product_rows(&self, _inputs: &[Shape]) -> Option<usize> {
        None
    }

    /// The activation that the output went through last. Where a loss absorbs it, `forward` and `backward` leave it
    /// out, as [`Pass::logits`](super::Pass::logits) says.
    fn last_activation(&self) -> Option<Activation> {
        None
    }

    /// The parameter, [inputs, outputs], whose gradient is `xᵀ · dy` and nothing else: of the first input and of the
    /// output's gradient as `backward` leaves it, both in rows of their last axis. Such a gradient may be made later, and
    /// `backward` is then given no place for it.
    fn outer_product(&self) -> Option<usize> {
        None
    }

    /// How many numbers it looks up in its first input, from 0: these must be whole numbers of an input of the model, or what a
    /// layer gives whose [`Self::categories`] are no more.
    fn looks_up(&self) -> Option<usize> {
        None
    }

    /// Where it gives whole numbers, from 0: how many different ones.
    fn categories(&self) -> Option<usize> {
        None
    }

    /// The scale of the numbers that it is made to read.
    fn input_scale(&self) -> InputScale {
        if self.looks_up().is_some() { InputScale::Exact } else { InputScale::Unit }
    }

    /// Activity regularizer: regularizer for the output. It is no business of the layer's: a node of its own, placed after this one, adds it.
    fn activity_regularizer(&self) -> Option<Regularizer> {
        None
    }

    /// The sums over the whole training batch that a row's output depends on; `None` for most layers. `repeat` is that of
    /// [`Pass::repeat`](super::Pass::repeat).
    ///
    /// Lanes synchronize at this layer twice a step: each computes partial sums of its rows ([`Compute::sum_forward`]), the
    /// sums are reduced in lane order ([`Compute::reduce_forward`]), then `forward` runs; likewise before `backward`.
    fn batch_reduction(&self, _inputs: &[Shape], _repeat: usize) -> Option<BatchReduction> {
        None
    }

    /// Where it changes its own parameters before each training step: the elements of memory that it needs for that.
    fn before_step_room(&self, _inputs: &[Shape]) -> Option<usize> {
        None
    }
}

/// How a layer runs on floats of one type. Nothing in here may allocate.
pub trait Compute<F: Real>: Layer {
    /// Adds the elements of some more rows of its input to the moments, one for each mean.
    fn observe(&self, _shape: &Shape, _rows: &[F], _moments: &mut [Moments]) {}

    /// Changes its parameters before a training step, once for all rows.
    fn before_step(&self, _cx: &mut BeforeStep<'_, F>) {}

    /// Writes `cx.output` from `cx.inputs`, and may keep what backward needs.
    fn forward(&self, cx: &mut Forward<'_, F>);

    /// From `cx.output_gradient` (free to overwrite): writes the gradient of each input that wants one, and writes or
    /// adds that of each parameter.
    fn backward(&self, cx: &mut Backward<'_, F>);

    /// Writes this lane's forward sums. `cx.output` is not yet known.
    fn sum_forward(&self, _cx: &mut Forward<'_, F>, _sums: &mut [f64]) {}

    /// Joins the lanes' forward sums, and updates moving statistics.
    fn reduce_forward(&self, _cx: &mut Reduce<'_, F>) {}

    /// Writes this lane's backward sums.
    fn sum_backward(&self, _cx: &mut Backward<'_, F>, _sums: &mut [f64]) {}

    /// Joins the lanes' backward sums.
    fn reduce_backward(&self, _cx: &mut Reduce<'_, F>) {}
}
