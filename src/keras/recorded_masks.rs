//! Masks that Keras recorded as arguments of a layer's calls.

use super::place::Place;
use std::collections::BTreeSet;

/// Layers that each make the mask in question, of the same input.
pub(super) type Origin = BTreeSet<String>;

/// What Keras says of the masks that a layer reads.
#[derive(Debug, Clone)]
pub(super) struct RecordedMask {
    /// The layer's name in our form.
    pub layer: String,
    pub place: Place,
    pub given: Given,
}

/// The masks that a layer is given.
#[derive(Debug, Clone)]
pub(super) enum Given {
    /// Those that these made, one set for each call.
    Masks(Vec<Vec<Origin>>),
    /// None, as of each operator and of layers that know of no masks: they read numbers alone.
    Nothing,
}
