//! [`Network`]: an architecture with its weights, and inference.

mod adapt;
#[cfg(test)]
mod cases;
mod predict;
mod tape;
#[cfg(test)]
mod walk;

pub(crate) use tape::{Output, Reduced, Run, Tape, Weights, training_elements};

use crate::engine::{
    init::Stop,
    kernel::Buffer,
    random::{self, Purpose},
    real::Real,
    shape::Shape,
    spec::Architecture,
};
use std::{collections::HashMap, ops::Range, sync::Mutex};

/// An architecture with its weights.
#[derive(Debug)]
pub struct Network<F: Real> {
    architecture: Architecture,
    trainable: Buffer<F>,
    fixed: Buffer<F>,
    /// Tapes of completed predictions, for reuse.
    tapes: Mutex<Vec<Tape<F>>>,
}

/// A named tensor of weights.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTensor<F> {
    /// `layer/parameter`.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// Its values, row-major.
    pub values: Vec<F>,
}

/// Weights that do not match the architecture.
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
    /// A network with weights from the initializers and `seed`.
    pub fn initialize(architecture: Architecture, seed: u64) -> Self {
        Self::initialize_unless(architecture, seed, &|| false)
    }

    /// As [`Self::initialize`]; ends early once `stop` says so, with unspecified weights.
    pub fn initialize_unless(architecture: Architecture, seed: u64, stop: Stop<'_>) -> Self {
        let mut network = Self::zeros(architecture);
        for (index, parameter) in network.architecture.parameters().iter().enumerate() {
            let flat = if parameter.spec.trainable { &mut network.trainable } else { &mut network.fixed };
            let mut random = random::stream(seed, Purpose::Initialize, index as u64);
            parameter.spec.initializer.fill(&parameter.shape, &mut flat[parameter.range.clone()], &mut random, stop);
        }
        network
    }

    /// A network with these weights; names and shapes must be those of [`Self::tensors`], in any order.
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
            let elements = parameter.shape.elements();
            if tensor.shape != parameter.shape || tensor.values.len() != elements {
                let received = format!("{} with {} values", tensor.shape, tensor.values.len());
                return Err(WeightsError(format!(
                    "expected `{name}` of shape {}, received {received}",
                    parameter.shape
                )));
            }
            let flat = if parameter.spec.trainable { &mut network.trainable } else { &mut network.fixed };
            flat[parameter.range.clone()].copy_from_slice(&tensor.values);
        }
        match by_name.keys().min() {
            Some(name) => Err(WeightsError(format!("expected no tensor `{name}`, received one"))),
            None => Ok(network),
        }
    }

    fn zeros(architecture: Architecture) -> Self {
        let trainable = Buffer::zeros(architecture.trainable_elements());
        let fixed = Buffer::zeros(architecture.fixed_elements());
        Self { architecture, trainable, fixed, tapes: Mutex::default() }
    }

    /// All weights, in the order of the layers.
    pub fn tensors(&self) -> Vec<NamedTensor<F>> {
        let tensor = |parameter: &crate::engine::spec::Parameter| {
            let flat = if parameter.spec.trainable { &self.trainable } else { &self.fixed };
            let values = flat[parameter.range.clone()].to_vec();
            NamedTensor { name: parameter.name.clone(), shape: parameter.shape.clone(), values }
        };
        self.architecture.parameters().iter().map(tensor).collect()
    }

    /// Its architecture.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// The architecture, the trainable and the fixed weights.
    pub(crate) fn parts_mut(&mut self) -> (&Architecture, &mut [F], &mut [F]) {
        (&self.architecture, &mut self.trainable, &mut self.fixed)
    }
}

/// The columns of each shape in a row of concatenated values.
pub(crate) fn columns<'a>(shapes: impl Iterator<Item = &'a Shape>) -> impl Iterator<Item = Range<usize>> {
    shapes.scan(0, |next, shape| {
        let start = *next;
        *next += shape.elements();
        Some(start..*next)
    })
}
