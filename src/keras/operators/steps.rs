//! [`Steps`]: an operator as layers of ours that run one after the other.

use super::call::{Array, Operand};
use serde_json::{Map, Value, json};

/// What a step reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::keras) enum Read {
    /// A tensor that the operator was called on, by its place among them.
    Tensor(usize),
    /// Such a tensor, where the call has it.
    Given(usize),
    /// What an earlier step gives.
    Step(usize),
}

/// One layer, and what it reads: every tensor of the call where that is `None`.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::keras) struct Step {
    pub layer: Map<String, Value>,
    pub reads: Option<Vec<Read>>,
}

/// Layers of which the last one gives what the operator gives.
#[derive(Debug, Default)]
pub(super) struct Steps(pub Vec<Step>);

impl Steps {
    /// One layer on all tensors of the call; `None` where that is no layer.
    pub fn one(layer: Value) -> Option<Self> {
        let Value::Object(layer) = layer else { return None };
        Some(Self(vec![Step { layer, reads: None }]))
    }

    /// Adds a layer.
    pub fn add(&mut self, layer: Value, reads: impl Into<Vec<Read>>) -> Read {
        let layer = if let Value::Object(layer) = layer { layer } else { Map::new() };
        self.0.push(Step { layer, reads: Some(reads.into()) });
        Read::Step(self.0.len() - 1)
    }

    /// What the last layer gives.
    pub fn last(&self) -> Option<Read> {
        self.0.len().checked_sub(1).map(Read::Step)
    }

    /// What to read for an operand beside samples of `axes` axes: a constant becomes a layer of as many. `None` where an array
    /// goes along the batch axis, too.
    pub fn read(&mut self, operand: &Operand<'_>, axes: usize) -> Option<Read> {
        match operand {
            Operand::Tensor(tensor) => Some(Read::Tensor(tensor.place)),
            Operand::Array(array) => Some(self.constant(array, array.beside(axes)?)),
            Operand::Other(_) => None,
        }
    }

    /// An array in this shape, which is the same for each row.
    pub fn constant(&mut self, array: &Array, shape: Vec<usize>) -> Read {
        let value = array.in_shape(&shape);
        self.add(json!({"type": "constant", "shape": shape, "value": value}), [Read::Tensor(0)])
    }
}
