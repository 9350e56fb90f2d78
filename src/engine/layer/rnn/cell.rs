//! What a recurrent layer's cell does in one step, and what the walk along the sequence must know of it.

use super::{Direction, MergeMode, kernels::Masked};
use crate::engine::{
    activation::Activation,
    constraint::Constraint,
    field::FieldError,
    init::Initializer,
    kernel::{self, vectorized},
    layer::{Primitive, convolutional::Correlation, settings_checks},
    real::Real,
    regularizer::Regularizer,
    shape::Shape,
};
use std::ops::Range;

/// What the walk must know of a layer's settings.
#[derive(Debug, Clone, Copy)]
pub(super) struct CellConfig {
    /// Elements of the state at each of its positions.
    pub units: usize,
    /// Parts of the kernels' columns, each of `units`.
    pub gates: usize,
    pub use_bias: bool,
    /// The gates have a bias of their own for what comes from the state.
    pub recurrent_bias: bool,
    pub dropout: f64,
    pub recurrent_dropout: f64,
    pub seed: Option<u64>,
    pub return_sequences: bool,
    pub return_state: bool,
    pub go_backwards: bool,
    pub use_mask: bool,
    /// How the output is merged with that of the other direction, which is then a second input.
    pub merge: Option<MergeMode>,
    /// Sequences are turned round before they are merged or given.
    pub reverse_output: bool,
    pub zero_output_for_mask: bool,
    /// The state is more than the last output.
    pub carries: bool,
    /// Elements that the cell keeps of each position and step beside gates and state.
    pub side: usize,
    /// What the activations read is kept for backward.
    pub sums: bool,
    /// Each gate has inputs of its own from which something is dropped, even where nothing is dropped from the state.
    pub drops_by_gate: bool,
}

impl CellConfig {
    /// Tensors that the state is.
    pub fn states(&self) -> usize {
        if self.carries { 2 } else { 1 }
    }

    /// The input that the state begins with, where it is given.
    pub fn first_state(&self) -> usize {
        if self.merge.is_some() { 2 } else { 1 }
    }
}

/// The settings of one parameter.
#[derive(Debug)]
pub(super) struct Weight<'a> {
    pub initializer: &'a Initializer,
    pub regularizer: Option<&'a Regularizer>,
    pub constraint: Option<&'a Constraint>,
}

/// The cell of a recurrent layer. It knows one step of some rows, and nothing of masks: the walk puts the rows right
/// whose step does not count.
pub(super) trait Cell: Clone + Into<Primitive> + Send + Sync {
    /// The pointer of the setting that is [`CellConfig::units`].
    const UNITS: &'static str = "/units";

    fn config(&self) -> CellConfig;

    /// Sets what is particular to one direction of [`super::Bidirectional`].
    fn set_direction(&mut self, direction: Direction);

    /// Fails unless the layer can read sequences of this shape.
    fn check_input(&self, input: &Shape) -> Result<(), FieldError> {
        let received = format_args!("{input}");
        settings_checks::range(input.0.len() == 2, "", "an input of 2 axes, steps and features", received)
    }

    /// The shape of each tensor of the state.
    fn state_shape(&self, _input: &Shape) -> Shape {
        Shape::vector(self.config().units)
    }

    /// The shapes of the kernel and of the recurrent kernel.
    fn kernel_shapes(&self, input: &Shape) -> [Shape; 2] {
        let CellConfig { units, gates, .. } = self.config();
        [Shape(vec![input.last(), gates * units]), Shape(vec![units, gates * units])]
    }

    /// The convolutions that input and state go through, where their kernels are such.
    fn convolutions(&self, _input: &Shape) -> Option<[Correlation; 2]> {
        None
    }

    /// Ranges of settings that other cells have not.
    fn check_own(&self) -> Result<(), FieldError>;

    /// Settings of the kernel, of the recurrent kernel and of the bias.
    fn weights(&self) -> [Weight<'_>; 3];

    /// Activity regularizer: regularizer for the output.
    fn activity(&self) -> Option<Regularizer>;

    /// Initializer of the bias, where it is not `bias_initializer`.
    fn first_bias(&self) -> Option<Initializer> {
        None
    }

    /// From the state before the step to the one after it. `gates` holds what comes from the input, bias and all.
    fn forward_step<F: Real>(&self, step: &mut ForwardStep<'_, F>);

    /// From the gradient of the state after the step to that of the one before it. `gates` becomes the gradient of what
    /// came from the input.
    fn backward_step<F: Real>(&self, step: &mut BackwardStep<'_, F>);

    /// The gradient of the recurrent kernel, once every step has gone back.
    fn recurrent_gradient<F: Real>(
        &self,
        steps: &Steps<'_, F>,
        recurrent: &mut Masked<'_, F>,
        gradient: &mut [F],
        accumulate: bool,
    ) {
        recurrent.gradient(steps.before, 0..self.config().gates, steps.gates, gradient, accumulate);
    }

    /// The gradient of the bias, once every step has gone back.
    fn bias_gradient<F: Real>(&self, steps: &Steps<'_, F>, gradient: &mut [F], accumulate: bool) {
        kernel::sum_rows(steps.gates, gradient, accumulate);
    }
}

/// One step forward; `[rows, …]` each.
#[derive(Debug)]
pub(super) struct ForwardStep<'a, F> {
    pub recurrent: Masked<'a, F>,
    /// Empty where there is none.
    pub recurrent_bias: &'a [F],
    /// The gates, `[rows, gates, units]`.
    pub gates: &'a mut [F],
    /// What the cell keeps for itself.
    pub side: &'a mut [F],
    /// Where sums are kept: what the activations read; else empty.
    pub sums: &'a mut [F],
    /// The output before the step.
    pub before: &'a [F],
    pub output: &'a mut [F],
    /// The rest of the state before the step; empty where there is none.
    pub carry_before: &'a [F],
    pub carry: &'a mut [F],
}

/// One step backward; `[rows, …]` each, as [`ForwardStep`] left them.
#[derive(Debug)]
pub(super) struct BackwardStep<'a, F> {
    pub recurrent: Masked<'a, F>,
    pub gates: &'a mut [F],
    pub side: &'a mut [F],
    pub sums: &'a [F],
    pub before: &'a [F],
    pub output: &'a [F],
    pub carry_before: &'a [F],
    pub carry: &'a [F],
    /// The gradient of `output`, to become that of `before`.
    pub d_output: &'a mut [F],
    /// The gradient of `carry`, to become that of `carry_before`.
    pub d_carry: &'a mut [F],
    /// As many cells as the gates have, to be overwritten.
    pub gates_scratch: &'a mut [F],
    /// As many cells as the output has, to be overwritten.
    pub output_scratch: &'a mut [F],
}

/// All steps after they went back; `[steps, rows, …]` each.
#[derive(Debug)]
pub(super) struct Steps<'a, F> {
    /// The output before each step.
    pub before: &'a [F],
    /// Gradients of what came from the input.
    pub gates: &'a [F],
    pub side: &'a [F],
}

/// Replaces x by f(x) in the columns `part` of `rows`, rows of `width` cells; one gate has `units`.
pub(super) fn activate<F: Real>(
    activation: Activation,
    rows: &mut [F],
    width: usize,
    part: Range<usize>,
    units: usize,
) {
    match activation {
        Activation::Sigmoid => map(rows, width, part, |x| x.sigmoid()),
        Activation::Tanh => map(rows, width, part, |x| x.tanh()),
        _ => rows.chunks_exact_mut(width).for_each(|row| activation.forward(&mut row[part.clone()], units)),
    }
}

/// Replaces dL/dy by dL/dx in the columns `part` of `gradient`, rows of `width` cells; x is empty where it is not kept.
pub(super) fn chain<F: Real>(
    activation: Activation,
    [x, y]: [&[F]; 2],
    gradient: &mut [F],
    width: usize,
    part: Range<usize>,
    units: usize,
) {
    match activation {
        Activation::Sigmoid => scale(y, gradient, width, part, |y| y * (F::ONE - y)),
        Activation::Tanh => scale(y, gradient, width, part, |y| F::ONE - y * y),
        _ => {
            let mut sums = x.chunks_exact(width);
            for (y, gradient) in y.chunks_exact(width).zip(gradient.chunks_exact_mut(width)) {
                let x = sums.next().map_or(&[][..], |x| &x[part.clone()]);
                activation.backward(x, &y[part.clone()], &mut gradient[part.clone()], units);
            }
        }
    }
}

/// The usual activations of gates, for all rows at once: there may be few cells in a row.
#[inline(always)]
fn map<F: Real>(rows: &mut [F], width: usize, part: Range<usize>, f: impl Fn(F) -> F) {
    vectorized(
        #[inline(always)]
        || {
            for row in rows.chunks_exact_mut(width) {
                row[part.clone()].iter_mut().for_each(|x| *x = f(*x));
            }
        },
    );
}

#[inline(always)]
fn scale<F: Real>(y: &[F], gradient: &mut [F], width: usize, part: Range<usize>, slope: impl Fn(F) -> F) {
    vectorized(
        #[inline(always)]
        || {
            for (y, gradient) in y.chunks_exact(width).zip(gradient.chunks_exact_mut(width)) {
                gradient[part.clone()].iter_mut().zip(&y[part.clone()]).for_each(|(d, &y)| *d *= slope(y));
            }
        },
    );
}
