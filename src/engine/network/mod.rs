//! A checked architecture with its weights, and inference.

mod adapt;
#[cfg(test)]
mod cases;
mod predict;
mod tape;
#[cfg(test)]
mod walk;

pub(crate) use tape::{Joined, Output, Run, Tape, Weights, training_cells};

use crate::engine::{
    kernel::Buffer,
    random::{self, Purpose},
    real::Real,
    shape::Shape,
    spec::Architecture,
};
use std::{collections::HashMap, ops::Range, sync::Mutex};

/// Weights of an architecture.
#[derive(Debug)]
pub struct Network<F: Real> {
    architecture: Architecture,
    trainable: Buffer<F>,
    fixed: Buffer<F>,
    /// Buffers of predictions that ended, for those that follow.
    tapes: Mutex<Vec<Tape<F>>>,
}

/// One named tensor of weights: `dense/kernel`, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTensor<F> {
    /// `layer/parameter`.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// Its values, row-major.
    pub values: Vec<F>,
}

/// Weights that do not fit the architecture they were given to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WeightsError(pub String);

impl<F: Real> Clone for Network<F> {
    fn clone(&self) -> Self {
        Self {
            architecture: self.architecture.clone(),
            trainable: self.trainable.clone(),
            fixed: self.fixed.clone(),
            tapes: Mutex::default(),
        }
    }
}

impl<F: Real> Network<F> {
    /// First weights from the initializers and `seed`.
    pub fn initialize(architecture: Architecture, seed: u64) -> Self {
        let mut network = Self::zeros(architecture);
        for (index, parameter) in network.architecture.parameters().iter().enumerate() {
            let flat = if parameter.spec.trainable { &mut network.trainable } else { &mut network.fixed };
            let mut random = random::stream(seed, Purpose::Initialize, index as u64);
            parameter.spec.initializer.fill(&parameter.shape, &mut flat[parameter.cells.clone()], &mut random);
        }
        network
    }

    /// A network of stored weights; names and shapes must be those of [`Self::tensors`], in any order.
    pub fn with_tensors(architecture: Architecture, tensors: Vec<NamedTensor<F>>) -> Result<Self, WeightsError> {
        let mut network = Self::zeros(architecture);
        let mut by_name: HashMap<&str, &NamedTensor<F>> = HashMap::with_capacity(tensors.len());
        for tensor in &tensors {
            if by_name.insert(&tensor.name, tensor).is_some() {
                return Err(WeightsError(format!("expected one tensor `{}`, received two", tensor.name)));
            }
        }
        for parameter in network.architecture.parameters() {
            let name = &parameter.name;
            let Some(tensor) = by_name.remove(name.as_str()) else {
                return Err(WeightsError(format!(
                    "expected a tensor `{name}` of shape {}, received none",
                    parameter.shape
                )));
            };
            let cells = parameter.shape.cells();
            if tensor.shape != parameter.shape || tensor.values.len() != cells {
                let received = format!("{} with {} values", tensor.shape, tensor.values.len());
                return Err(WeightsError(format!(
                    "expected `{name}` of shape {}, received {received}",
                    parameter.shape
                )));
            }
            let flat = if parameter.spec.trainable { &mut network.trainable } else { &mut network.fixed };
            flat[parameter.cells.clone()].copy_from_slice(&tensor.values);
        }
        match by_name.keys().min() {
            Some(name) => Err(WeightsError(format!("expected no tensor `{name}`, received one"))),
            None => Ok(network),
        }
    }

    fn zeros(architecture: Architecture) -> Self {
        let trainable = Buffer::zeros(architecture.trainable_cells());
        let fixed = Buffer::zeros(architecture.fixed_cells());
        Self { architecture, trainable, fixed, tapes: Mutex::default() }
    }

    /// Every weight, trainable or not, in the order of the layers.
    pub fn tensors(&self) -> Vec<NamedTensor<F>> {
        let tensor = |parameter: &crate::engine::spec::Parameter| {
            let flat = if parameter.spec.trainable { &self.trainable } else { &self.fixed };
            let values = flat[parameter.cells.clone()].to_vec();
            NamedTensor { name: parameter.name.clone(), shape: parameter.shape.clone(), values }
        };
        self.architecture.parameters().iter().map(tensor).collect()
    }

    /// What it was made from.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// The architecture beside its weights, which training moves.
    pub(crate) fn parts_mut(&mut self) -> (&Architecture, &mut [F], &mut [F]) {
        (&self.architecture, &mut self.trainable, &mut self.fixed)
    }
}

/// Where the cells of each shape lie in a row that holds one after the other.
pub(crate) fn columns<'a>(shapes: impl Iterator<Item = &'a Shape>) -> impl Iterator<Item = Range<usize>> {
    shapes.scan(0, |next, shape| {
        let start = *next;
        *next += shape.cells();
        Some(start..*next)
    })
}
