//! Layers that are made of other layers.

use crate::engine::{field::FieldError, layer::AnyLayer, shape::Shape};
use std::ops::RangeInclusive;

/// What the settings of a layer implement that is made of others: it never runs itself, its parts do.
pub trait Composition: Send + Sync {
    /// Ranges of the settings; the pointer is below the layer (`/heads`).
    fn check(&self) -> Result<(), FieldError>;

    /// How many inputs it takes.
    fn arity(&self) -> RangeInclusive<usize> {
        1..=1
    }

    /// Fails where the layer can make nothing of a mask, and an input has one.
    fn check_masked(&self, _masked: bool) -> Result<(), FieldError> {
        Ok(())
    }

    /// Where the layer gives something else than what its last part gives: by part and by the part's own values.
    fn gives(&self) -> Vec<(usize, usize)> {
        Vec::new()
    }

    /// See [`super::Layer::is_recurrent`].
    fn is_recurrent(&self) -> bool {
        false
    }

    /// See [`super::Layer::uses_masks`].
    fn uses_masks(&self) -> bool {
        false
    }

    /// The parts in the order in which they run, at least one.
    fn parts(&self, inputs: &[Shape]) -> Result<Vec<Part>, FieldError>;
}

/// One layer within a composition.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Unique within the composition: `attention` of the layer `encoder` has the weights `encoder/attention/…`.
    pub name: String,
    /// Its settings.
    pub layer: AnyLayer,
    /// What it reads.
    pub inputs: Vec<Source>,
    /// Runs on each slice along the first axis of its inputs separately, as if that axis belonged to the batch.
    pub each_step: bool,
}

/// What a part reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// An input of the composition.
    Input(usize),
    /// The first of what an earlier part gives.
    Part(usize),
}
