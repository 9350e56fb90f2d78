//! A trained version as one file: weights as safetensors, with everything that is needed to use them in its metadata.
//!
//! One file has one SHA-256, and cannot be half of one attempt and half of another. Any safetensors reader sees the
//! tensors under Keras's names (`dense/kernel`), `f32`, row-major; the metadata's key `epoca` holds JSON.

use crate::{
    data::recipe::{Recipe, Signature},
    engine::{
        classical::{Arrays, Tensor},
        field::FieldError,
        init::Stop,
        network::{NamedTensor, Network},
        shape::Shape,
        spec::{Definition, Limits},
    },
    job::PermutationImportances,
};
use anyhow::{Context, anyhow, bail, ensure};
use ndarray::ArrayD;
use safetensors::{Dtype, SafeTensors, View, tensor::TensorView};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{borrow::Cow, collections::HashMap};

/// The key of the JSON. One key alone: the order of several would differ from run to run, and with it the SHA-256.
const KEY: &str = "epoca";

/// Everything that a prediction needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Bundle {
    /// Everything except the tensors.
    pub description: Description,
    /// Every weight.
    pub weights: Weights,
}

/// The weights of a network, or the fitted state of a classical model.
#[derive(Debug, Clone, PartialEq)]
pub enum Weights {
    /// Of a network.
    Network(Vec<NamedTensor<f32>>),
    /// Of a classical model.
    Classical(Arrays),
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
    /// What a classical model stores beside its arrays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fitted: Option<Map<String, Value>>,
    /// What each column contributes to the predictions; absent where that would have taken too long, and from versions of earlier
    /// versions of the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub importances: Option<PermutationImportances>,
}

impl Bundle {
    /// The file. The same bundle has the same bytes.
    pub fn to_bytes(&self) -> anyhow::Result<Vec<u8>> {
        self.to_bytes_unless(&|| false)?.context("the packing was stopped")
    }

    /// As [`Self::to_bytes`]; `None` if `stop` says so before the end.
    pub fn to_bytes_unless(&self, stop: Stop<'_>) -> anyhow::Result<Option<Vec<u8>>> {
        let description = serde_json::to_string(&self.description).context("the description is no JSON")?;
        let packed: Vec<(&str, Packed<'_>)> = match &self.weights {
            Weights::Network(tensors) => {
                let of_tensor = |tensor| Packed { values: Values::Network(tensor), stop };
                tensors.iter().map(|tensor| (tensor.name.as_str(), of_tensor(tensor))).collect()
            }
            Weights::Classical(arrays) => {
                let of_tensor = |tensor| Packed { values: Values::Model(tensor), stop };
                arrays.tensors.iter().map(|(name, tensor)| (name.as_str(), of_tensor(tensor))).collect()
            }
        };
        let file = safetensors::serialize(packed, Some(HashMap::from([(KEY.to_owned(), description)])))?;
        Ok((!stop()).then_some(file))
    }

    /// Reads what [`Self::to_bytes`] wrote.
    pub fn from_bytes(file: &[u8]) -> anyhow::Result<Self> {
        let (_, metadata) = SafeTensors::read_metadata(file)?;
        let description = metadata.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
        let description = description.ok_or_else(|| anyhow!("expected the metadata `{KEY}`, received none"))?;
        let description: Description = serde_json::from_str(description).context("the description is not ours")?;
        let tensors = SafeTensors::deserialize(file)?;
        let weights = match &description.fitted {
            None => {
                let tensors = tensors.iter().map(|(name, view)| {
                    ensure!(view.dtype() == Dtype::F32, "expected f32 in `{name}`, received {:?}", view.dtype());
                    let shape = Shape(view.shape().to_vec());
                    Ok(NamedTensor { name: name.to_owned(), shape, values: elements(view.data(), f32::from_le_bytes) })
                });
                Weights::Network(tensors.collect::<anyhow::Result<Vec<_>>>()?)
            }
            Some(metadata) => {
                let tensors = tensors.iter().map(|(name, view)| Ok((name.to_owned(), tensor(name, &view)?)));
                let tensors = tensors.collect::<anyhow::Result<_>>()?;
                Weights::Classical(Arrays { tensors, metadata: metadata.clone() })
            }
        };
        Ok(Self { description, weights })
    }

    /// The definition, and its network with these weights.
    ///
    /// # Errors
    /// For a classical model, and for what this version does not accept.
    pub fn network(self, limits: &Limits) -> anyhow::Result<(Definition, Network<f32>)> {
        let Weights::Network(tensors) = self.weights else { bail!("expected a network, received a classical model") };
        let refused = |errors: Vec<FieldError>| anyhow!("the stored definition is not accepted: {errors:?}");
        let definition = Definition::from_value(&self.description.definition).map_err(refused)?;
        let mut architecture = definition.resolve(&self.description.input_shapes, limits).map_err(refused)?;
        ensure!(
            architecture.set_columns(self.description.recipe.input_columns()),
            "the stored recipe does not make the inputs of the stored definition"
        );
        let network = Network::with_tensors(architecture, tensors)?;
        Ok((definition, network))
    }
}

/// A tensor that becomes bytes when it is written, so that the bytes of one alone are in memory beside the file.
struct Packed<'a> {
    values: Values<'a>,
    stop: Stop<'a>,
}

enum Values<'a> {
    Network(&'a NamedTensor<f32>),
    Model(&'a Tensor),
}

impl View for Packed<'_> {
    fn dtype(&self) -> Dtype {
        match self.values {
            Values::Network(_) | Values::Model(Tensor::F32(_)) => Dtype::F32,
            Values::Model(Tensor::F64(_)) => Dtype::F64,
            Values::Model(Tensor::I32(_)) => Dtype::I32,
            Values::Model(Tensor::I64(_)) => Dtype::I64,
            Values::Model(Tensor::U8(_)) => Dtype::U8,
        }
    }

    fn shape(&self) -> &[usize] {
        match self.values {
            Values::Network(tensor) => &tensor.shape.0,
            Values::Model(Tensor::F32(it)) => it.shape(),
            Values::Model(Tensor::F64(it)) => it.shape(),
            Values::Model(Tensor::I32(it)) => it.shape(),
            Values::Model(Tensor::I64(it)) => it.shape(),
            Values::Model(Tensor::U8(it)) => it.shape(),
        }
    }

    /// Empty if it is stopped: the file is of no use then.
    fn data(&self) -> Cow<'_, [u8]> {
        let bytes = match self.values {
            Values::Network(tensor) => little_endian(tensor.values.iter(), f32::to_le_bytes, self.stop),
            Values::Model(Tensor::F32(it)) => little_endian(it.iter(), f32::to_le_bytes, self.stop),
            Values::Model(Tensor::F64(it)) => little_endian(it.iter(), f64::to_le_bytes, self.stop),
            Values::Model(Tensor::I32(it)) => little_endian(it.iter(), i32::to_le_bytes, self.stop),
            Values::Model(Tensor::I64(it)) => little_endian(it.iter(), i64::to_le_bytes, self.stop),
            Values::Model(Tensor::U8(it)) => little_endian(it.iter(), u8::to_le_bytes, self.stop),
        };
        Cow::Owned(bytes.unwrap_or_default())
    }

    fn data_len(&self) -> usize {
        match self.values {
            Values::Network(tensor) => size_of_val(tensor.values.as_slice()),
            Values::Model(Tensor::F32(it)) => it.len() * size_of::<f32>(),
            Values::Model(Tensor::F64(it)) => it.len() * size_of::<f64>(),
            Values::Model(Tensor::I32(it)) => it.len() * size_of::<i32>(),
            Values::Model(Tensor::I64(it)) => it.len() * size_of::<i64>(),
            Values::Model(Tensor::U8(it)) => it.len(),
        }
    }
}

/// The array of a stored tensor.
fn tensor(name: &str, view: &TensorView<'_>) -> anyhow::Result<Tensor> {
    let (shape, data) = (view.shape().to_vec(), view.data());
    Ok(match view.dtype() {
        Dtype::F32 => Tensor::F32(ArrayD::from_shape_vec(shape, elements(data, f32::from_le_bytes))?),
        Dtype::F64 => Tensor::F64(ArrayD::from_shape_vec(shape, elements(data, f64::from_le_bytes))?),
        Dtype::I32 => Tensor::I32(ArrayD::from_shape_vec(shape, elements(data, i32::from_le_bytes))?),
        Dtype::I64 => Tensor::I64(ArrayD::from_shape_vec(shape, elements(data, i64::from_le_bytes))?),
        Dtype::U8 => Tensor::U8(ArrayD::from_shape_vec(shape, elements(data, u8::from_le_bytes))?),
        other => bail!("expected f32, f64, i32, i64 or u8 in `{name}`, received {other:?}"),
    })
}

/// `None` if it is stopped.
fn little_endian<'a, T: Copy + 'a, const N: usize>(
    values: impl ExactSizeIterator<Item = &'a T>,
    bytes_of: impl Fn(T) -> [u8; N],
    stop: Stop<'_>,
) -> Option<Vec<u8>> {
    const CHUNK: usize = 1 << 16;
    let mut bytes = Vec::with_capacity(values.len() * N);
    for (index, value) in values.enumerate() {
        if index % CHUNK == 0 && stop() {
            return None;
        }
        bytes.extend(bytes_of(*value));
    }
    Some(bytes)
}

fn elements<T, const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks().0.iter().map(|bytes| read(*bytes)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::cell::Cell;

    #[test]
    fn packing_looks_at_the_flag_for_every_part_of_the_weights() {
        const ELEMENTS: usize = 1_000_000;
        let recipe: Recipe = serde_json::from_value(json!({"version": 3, "features": [], "outputs": []})).unwrap();
        let signature = recipe.signature();
        let tensor = NamedTensor { name: "w".to_owned(), shape: Shape(vec![ELEMENTS]), values: vec![0.5; ELEMENTS] };
        let description = Description {
            definition: json!({}),
            input_shapes: Vec::new(),
            recipe,
            signature,
            fitted: None,
            importances: None,
        };
        let bundle = Bundle { description, weights: Weights::Network(vec![tensor]) };
        let looks = Cell::new(0);
        let pack = |stop_at: usize| {
            looks.set(0);
            let stop = || looks.replace(looks.get() + 1) >= stop_at;
            bundle.to_bytes_unless(&stop).unwrap()
        };
        assert!(pack(usize::MAX).unwrap().len() > 4 * ELEMENTS);
        let all = looks.get();
        assert!(all >= ELEMENTS / 100_000, "{all} looks");
        assert!(pack(all - 1).is_none() && pack(0).is_none());
    }
}
