//! The model definition: its JSON form, its checks, the shapes that follow from it.

mod architecture;
mod graph;
mod indices;
mod input;
mod masks;
mod origins;
mod output_mask;
mod place;
mod read;
mod summary;
#[cfg(test)]
mod tests;

pub use architecture::{Architecture, Node, Parameter};
pub use indices::WrongIndex;
pub use input::{Input, InputShape};
pub use origins::CellUse;
pub use output_mask::OutputMask;
pub use summary::{LayerSummary, Summary};

use crate::engine::{field::FieldError, layer::AnyLayer, regularizer::Regularizer};
use serde::{Deserialize, Serialize, Serializer};
use std::collections::HashSet;

/// The longest axis of a shape, and the largest count in a layer's settings.
pub const LONGEST_AXIS: usize = i32::MAX as usize;

/// A model as its author wrote it: layers in order or as a graph, and optionally the shapes of its inputs.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// The shape of one sample of the one input; inferred from the dataset where absent. At most one axis is null, and
    /// follows from the number of features.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_shape: Option<InputShape>,
    /// The inputs of a graph; where there are none, the model has one without a name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Option<Vec<input::InputForm>>)]
    pub inputs: Vec<Input>,
    /// In order: where a layer says nothing else, it reads what the one before it gives.
    pub layers: Vec<NamedLayer>,
    /// The layers whose outputs the model gives; the last one's where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Option<Vec<String>>)]
    pub outputs: Vec<String>,
}

/// A layer in its place in a model.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct NamedLayer {
    /// Unique within the model; where the author gave none, Keras's scheme: `dense`, `dense_1`, …
    #[schema(value_type = Option<String>)]
    pub name: String,
    /// Its settings.
    #[serde(flatten)]
    pub layer: AnyLayer,
    /// Whether its weights move in training; true where absent.
    #[serde(skip_serializing_if = "is_true")]
    #[schema(value_type = Option<bool>, default = true)]
    pub trainable: bool,
    /// A penalty on the output of a layer that has no setting of this name, divided by the rows of the batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activity_regularizer: Option<Regularizer>,
    /// The mask of its output, where that is not the one that layers of its type give.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_mask: Option<OutputMask>,
    /// False where a batch normalization takes its moving statistics in training too, and does not update them, while its
    /// weights move: Keras 2's call with `training=False`.
    #[serde(skip_serializing_if = "is_true")]
    #[schema(required = false, default = true)]
    pub training: bool,
    /// The names of the inputs and layers that it reads; the layer before it where there are none. A list of such lists is
    /// one layer that runs once for each of them, with the same weights; `name:1` is then what it gives the second time. Where
    /// a layer gives several values, `name` is the first of them, `name/1` the second and `name:1/1` that of the second time.
    #[serde(skip_serializing_if = "Calls::is_empty")]
    #[schema(value_type = Option<Calls>)]
    pub inputs: Calls,
}

fn is_true(value: &bool) -> bool {
    *value
}

/// What a layer reads, each time that it runs.
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
    /// Whether the layer reads the one before it.
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

/// A layer before it has a name.
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
    /// Most layers that are read at all, whatever a service's own limits.
    pub const MOST_LAYERS: usize = 10_000;

    /// Names the layers that have no name, and checks the graph. Errors point at `/layers/0/name`.
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
                let detail = format!("expected a name of its own, received `{name}` a second time");
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

/// Layer names become keys of weights (`dense/kernel`), so they have no slash.
fn check_name(name: &str) -> Result<(), String> {
    const LONGEST: usize = 128;
    let length = name.chars().count();
    if length == 0 || length > LONGEST {
        return Err(format!("expected a name of 1 to {LONGEST} characters, received {length}"));
    }
    match name.chars().find(|&c| c == '/' || c.is_control()) {
        Some(c) => Err(format!("expected a name without slashes and control characters, received {c:?} in it")),
        None => Ok(()),
    }
}

/// How large a model may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Most layers.
    pub layers: usize,
    /// Most parameters.
    pub parameters: u64,
    /// Most bytes of memory that a model may need to train: weights, gradients, optimizer state and buffers.
    pub memory_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { layers: 2_000, parameters: 100_000_000, memory_bytes: 4 << 30 }
    }
}
