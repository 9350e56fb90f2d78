//! [`BeforeStep`].

use super::Parameter;
use crate::engine::shape::Shape;

/// What a layer that changes its parameters before each training step sees.
#[derive(Debug)]
pub struct BeforeStep<'a, F> {
    /// The layer's parameters, in its own order.
    pub(crate) places: &'a [Parameter],
    /// The flat vector of parameters that the optimizer moves.
    pub(crate) trainable: &'a mut [F],
    /// The flat vector of the others.
    pub(crate) fixed: &'a mut [F],
    /// As much as [`super::Layer::before_step_room`] asked for, at least.
    pub scratch: &'a mut [F],
}

impl<F> BeforeStep<'_, F> {
    /// The shape of a parameter.
    pub fn shape(&self, index: usize) -> &Shape {
        &self.places[index].shape
    }
}

/// Two parameters of a layer, the second of which is fixed and behind the first.
pub(crate) fn pair<'a, F>(
    places: &[Parameter],
    [first, second]: [usize; 2],
    trainable: &'a mut [F],
    fixed: &'a mut [F],
) -> (&'a mut [F], &'a mut [F]) {
    let (first, second) = (&places[first], &places[second]);
    let (before, after) = fixed.split_at_mut(second.range.start);
    let flat = if first.spec.trainable { trainable } else { before };
    (&mut flat[first.range.clone()], &mut after[..second.range.len()])
}
