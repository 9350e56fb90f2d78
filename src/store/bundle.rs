//! A trained version as one file: weights as safetensors, with everything that is needed to use them in its metadata.
//!
//! One file has one SHA-256, and cannot be half of one attempt and half of another. Any safetensors reader sees the
//! tensors under Keras's names (`dense/kernel`), `f32`, row-major; the metadata's key `epoca` holds JSON.

use crate::{
    data::recipe::{Recipe, Signature},
    engine::{
        field::FieldError,
        init::Stop,
        network::{NamedTensor, Network},
        shape::Shape,
        spec::{Definition, Limits},
    },
};
use anyhow::{Context, anyhow, ensure};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;

/// The key of the JSON. One key alone: the order of several would differ from run to run, and with it the SHA-256.
const KEY: &str = "epoca";

/// Everything that a prediction needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Bundle {
    /// Everything except the tensors.
    pub description: Description,
    /// Every weight.
    pub tensors: Vec<NamedTensor<f32>>,
}

/// Everything of a bundle except its tensors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// The model's definition.
    pub definition: Value,
    /// The shapes of one sample at the network's inputs.
    pub input_shapes: Vec<Shape>,
    /// From raw records to the network, and back.
    pub recipe: Recipe,
    /// Columns of its input and output.
    pub signature: Signature,
}

impl Bundle {
    /// The file. The same bundle has the same bytes.
    pub fn to_bytes(&self) -> anyhow::Result<Vec<u8>> {
        self.to_bytes_unless(&|| false)?.context("the packing was stopped")
    }

    /// As [`Self::to_bytes`]; `None` if `stop` says so before the end.
    pub fn to_bytes_unless(&self, stop: Stop<'_>) -> anyhow::Result<Option<Vec<u8>>> {
        let description = serde_json::to_string(&self.description).context("the description is no JSON")?;
        let bytes = self.tensors.iter().map(|tensor| little_endian(&tensor.values, stop));
        let Some(bytes) = bytes.collect::<Option<Vec<Vec<u8>>>>() else { return Ok(None) };
        let views = self
            .tensors
            .iter()
            .zip(&bytes)
            .map(|(tensor, bytes)| Ok((&tensor.name, TensorView::new(Dtype::F32, tensor.shape.0.clone(), bytes)?)))
            .collect::<anyhow::Result<Vec<_>>>()?;
        Ok(Some(safetensors::serialize(views, Some(HashMap::from([(KEY.to_owned(), description)])))?))
    }

    /// Reads what [`Self::to_bytes`] wrote.
    pub fn from_bytes(file: &[u8]) -> anyhow::Result<Self> {
        let (_, metadata) = SafeTensors::read_metadata(file)?;
        let description = metadata.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
        let description = description.ok_or_else(|| anyhow!("expected the metadata `{KEY}`, received none"))?;
        let tensors = SafeTensors::deserialize(file)?
            .iter()
            .map(|(name, view)| {
                ensure!(view.dtype() == Dtype::F32, "expected f32 in `{name}`, received {:?}", view.dtype());
                let shape = Shape(view.shape().to_vec());
                Ok(NamedTensor { name: name.to_owned(), shape, values: numbers(view.data()) })
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        Ok(Self { description: serde_json::from_str(description).context("the description is not ours")?, tensors })
    }

    /// The definition, and its network with these weights.
    pub fn network(self, limits: &Limits) -> anyhow::Result<(Definition, Network<f32>)> {
        let refused = |errors: Vec<FieldError>| anyhow!("the stored definition is not accepted: {errors:?}");
        let definition = Definition::from_value(&self.description.definition).map_err(refused)?;
        let architecture = definition.resolve(&self.description.input_shapes, limits).map_err(refused)?;
        let architecture = architecture.with_columns(self.description.recipe.input_columns());
        let network = Network::with_tensors(architecture, self.tensors)?;
        Ok((definition, network))
    }
}

/// `None` if it is stopped.
fn little_endian(values: &[f32], stop: Stop<'_>) -> Option<Vec<u8>> {
    const CHUNK: usize = 1 << 16;
    let mut bytes = Vec::with_capacity(size_of_val(values));
    for chunk in values.chunks(CHUNK) {
        if stop() {
            return None;
        }
        bytes.extend(chunk.iter().flat_map(|value| value.to_le_bytes()));
    }
    Some(bytes)
}

fn numbers(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}
