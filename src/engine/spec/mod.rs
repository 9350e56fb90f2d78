//! The model definition: its JSON form, its validation, its shapes.

mod architecture;
mod builder;
mod graph;
mod indices;
mod input;
mod json;
mod masks;
mod origins;
mod output_mask;
mod summary;
#[cfg(test)]
mod tests;

pub use crate::engine::layer::Parameter;
pub use architecture::{Architecture, Node};
pub use indices::InvalidIndex;
pub use input::{Input, InputShape};
pub(crate) use json::layer_of;
pub use origins::InputUse;
pub use output_mask::OutputMask;
pub use summary::{LayerSummary, Summary};

use crate::engine::{field::FieldError, layer::AnyLayer, regularizer::Regularizer};
use serde::{Deserialize, Serialize, Serializer};
use std::collections::HashSet;

/// A model: a sequence of layers or a graph, and optionally the shapes of its inputs.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// Shape of one sample of the only input. Default: inferred from the dataset. At most one axis is null, and is
    /// inferred from the number of features.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_shape: Option<InputShape>,
    /// Inputs of a graph. Default: one input without a name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Option<Vec<input::InputForm>>)]
    pub inputs: Vec<Input>,
    /// Layers in order; a layer without `inputs` takes the output of the layer before it.
    pub layers: Vec<NamedLayer>,
    /// Names of the layers whose outputs are those of the model. Default: the last layer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Option<Vec<String>>)]
    pub outputs: Vec<String>,
}

/// A layer of a model.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct NamedLayer {
    /// Name, unique within the model. Default as in Keras: `dense`, `dense_1`, …
    #[schema(value_type = Option<String>)]
    pub name: String,
    /// Its settings.
    #[serde(flatten)]
    pub layer: AnyLayer,
    /// Whether its weights are trained.
    #[serde(skip_serializing_if = "is_true")]
    #[schema(value_type = Option<bool>, default = true)]
    pub trainable: bool,
    /// Regularizer of the output, divided by the batch size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activity_regularizer: Option<Regularizer>,
    /// Mask of the output. Default: that of the layer type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_mask: Option<OutputMask>,
    /// False for a batch normalization that uses its moving statistics in training too, and does not update them: a
    /// call with `training=False` in Keras 2.
    #[serde(skip_serializing_if = "is_true")]
    #[schema(required = false, default = true)]
    pub training: bool,
    /// Names of its inputs: inputs of the model or layers. Default: the layer before it. A list of lists calls the
    /// layer once for each, with shared weights: `name:1` is the output of the second call. If a layer has several
    /// outputs, `name` is the first, `name/1` the second, and `name:1/1` the second of the second call.
    #[serde(skip_serializing_if = "Calls::is_empty")]
    #[schema(value_type = Option<Calls>)]
    pub inputs: Calls,
}

fn is_true(value: &bool) -> bool {
    *value
}

/// The input names of each call of a layer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Calls(pub Vec<Vec<String>>);

/// A list of names, or of such lists.
impl utoipa::PartialSchema for Calls {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        use utoipa::openapi::{OneOfBuilder, RefOr, Schema};
        let forms = OneOfBuilder::new().item(Vec::<String>::schema()).item(Vec::<Vec<String>>::schema());
        RefOr::T(Schema::OneOf(forms.build()))
    }
}

impl utoipa::ToSchema for Calls {
    fn name() -> std::borrow::Cow<'static, str> {
        "LayerInputs".into()
    }
}

impl Calls {
    /// Whether the layer takes the output of the layer before it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Calls {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [call] => call.serialize(serializer),
            calls => calls.serialize(serializer),
        }
    }
}

/// A layer before it is named.
pub(super) struct Unnamed {
    pub name: Option<String>,
    pub layer: AnyLayer,
    pub trainable: bool,
    pub activity_regularizer: Option<Regularizer>,
    pub output_mask: Option<OutputMask>,
    pub training: bool,
    pub inputs: Calls,
}

impl Definition {
    /// Maximum number of layers of any definition.
    pub const MAX_LAYERS: usize = 10_000;

    /// Names the layers without a name, and validates the graph. Errors point at `/layers/0/name`.
    fn new(
        input_shape: Option<InputShape>,
        inputs: Vec<Input>,
        layers: Vec<Unnamed>,
        outputs: Vec<String>,
    ) -> Result<Self, Vec<FieldError>> {
        let mut taken = HashSet::new();
        let mut errors = Vec::new();
        let of_inputs = inputs.iter().enumerate().map(|(index, input)| (format!("/inputs/{index}/name"), &input.name));
        let of_layers = layers.iter().enumerate();
        let of_layers = of_layers.filter_map(|(i, layer)| Some((format!("/layers/{i}/name"), layer.name.as_ref()?)));
        for (pointer, name) in of_inputs.chain(of_layers) {
            if let Err(detail) = check_name(name) {
                errors.push(FieldError::new(pointer, detail));
            } else if !taken.insert(name.clone()) {
                let detail = format!("expected a unique name, received `{name}` a second time");
                errors.push(FieldError::new(pointer, detail));
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let mut next = std::collections::HashMap::<&'static str, usize>::new();
        let named = |unnamed: Unnamed| {
            let Unnamed { name, layer, trainable, activity_regularizer, output_mask, training, inputs } = unnamed;
            let name = name.unwrap_or_else(|| {
                let count = next.entry(layer.kind()).or_default();
                loop {
                    let name = match *count {
                        0 => layer.kind().to_owned(),
                        count => format!("{}_{count}", layer.kind()),
                    };
                    *count += 1;
                    if taken.insert(name.clone()) {
                        break name;
                    }
                }
            });
            NamedLayer { name, layer, trainable, activity_regularizer, output_mask, training, inputs }
        };
        let layers = layers.into_iter().map(named).collect();
        let definition = Self { input_shape, inputs, layers, outputs };
        definition.graph()?;
        Ok(definition)
    }

    /// The names of the outputs, in order.
    pub fn output_names(&self) -> Vec<&str> {
        match self.outputs.as_slice() {
            [] => self.layers.last().map(|layer| layer.name.as_str()).into_iter().collect(),
            names => names.iter().map(String::as_str).collect(),
        }
    }
}

/// Layer names are part of the names of weights (`dense/kernel`), so they have no slash.
fn check_name(name: &str) -> Result<(), String> {
    const MAX_LENGTH: usize = 128;
    let length = name.chars().count();
    if length == 0 || length > MAX_LENGTH {
        return Err(format!("expected a name of 1 to {MAX_LENGTH} characters, received {length}"));
    }
    match name.chars().find(|&c| c == '/' || c.is_control()) {
        Some(c) => Err(format!("expected a name without slashes and control characters, received {c:?} in it")),
        None => Ok(()),
    }
}

/// Limits on the size of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Maximum number of layers.
    pub layers: usize,
    /// Maximum number of parameters.
    pub parameters: u64,
    /// Maximum bytes of memory for training: weights, gradients, optimizer state and buffers.
    pub memory_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { layers: 2_000, parameters: 100_000_000, memory_bytes: 4 << 30 }
    }
}
