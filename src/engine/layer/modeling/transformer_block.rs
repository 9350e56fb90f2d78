//! What transformer_encoder and transformer_decoder are made of: parts around which a sum leads past.

use crate::engine::{
    activation::Activation,
    field::FieldError,
    init::Initializer,
    layer::{AnyLayer, Part, Primitive, Source, settings_checks},
    real::check,
    shape::{MAX_AXIS_SIZE, Shape},
};
use serde_json::{Value, json};

/// A block being put together.
pub(crate) struct Block<'a> {
    pub intermediate_dim: usize,
    pub num_heads: usize,
    pub key_dim: Option<usize>,
    pub dropout: f64,
    pub activation: &'a Activation,
    pub layer_norm_epsilon: f64,
    pub kernel_initializer: &'a Initializer,
    pub bias_initializer: &'a Initializer,
    pub normalize_first: bool,
    /// Whether steps that are padding attend to others, as in KerasHub's decoder.
    pub masked_queries_attend: bool,
    pub parts: Vec<Part>,
}

impl Block<'_> {
    /// Ranges of the settings.
    pub fn check(&self) -> Result<(), FieldError> {
        let expected = format!("1 to {MAX_AXIS_SIZE}");
        let counts = [("/intermediate_dim", self.intermediate_dim), ("/num_heads", self.num_heads)];
        for (pointer, count) in counts.into_iter().chain(self.key_dim.map(|dim| ("/key_dim", dim))) {
            settings_checks::range((1..=MAX_AXIS_SIZE).contains(&count), pointer, &expected, count)?;
        }
        check::below_one("/dropout", self.dropout)?;
        check::positive("/layer_norm_epsilon", self.layer_norm_epsilon)?;
        self.activation.check().map_err(|error| error.under("/activation"))?;
        settings_checks::parameter("kernel", self.kernel_initializer, None, None)?;
        settings_checks::parameter("bias", self.bias_initializer, None, None)
    }

    /// `x + dropout(attention(x, value))`, normalized before or after; the value is x itself where there is none.
    ///
    /// Parts are named after the layer, and what goes with it after `name`.
    pub fn attention(
        &mut self,
        layer: &str,
        name: &str,
        x: Source,
        value: Option<Source>,
        causal: bool,
        shape: &Shape,
    ) -> Result<Source, FieldError> {
        let dim = shape.last();
        let key_dim = self.key_dim.unwrap_or(dim / self.num_heads);
        let expected = format!("at most {dim} heads, the size of the input's last axis");
        settings_checks::range(key_dim > 0, "/num_heads", &expected, self.num_heads)?;
        let query = self.normalized_before(name, x)?;
        let settings = json!({
            "num_heads": self.num_heads,
            "key_dim": key_dim,
            "dropout": self.dropout,
            "kernel_initializer": self.kernel_initializer,
            "bias_initializer": self.bias_initializer,
            "use_causal_mask": causal,
        });
        let y = self.part(layer, "multi_head_attention", &settings, vec![query, value.unwrap_or(query)])?;
        if let Some(Part { layer: AnyLayer::Primitive(Primitive::MultiHeadAttention(attention)), .. }) =
            self.parts.last_mut()
        {
            attention.masked_queries_attend = self.masked_queries_attend;
        }
        self.added(name, x, y)
    }

    /// `x + dropout(dense(activation(dense(x))))`, normalized before or after.
    pub fn feedforward(&mut self, x: Source, shape: &Shape) -> Result<Source, FieldError> {
        let name = "feedforward";
        let y = self.normalized_before(name, x)?;
        let dense = |units: usize, activation: &Activation| {
            json!({
                "units": units,
                "activation": activation,
                "kernel_initializer": self.kernel_initializer,
                "bias_initializer": self.bias_initializer,
            })
        };
        let (intermediate, output) =
            (dense(self.intermediate_dim, self.activation), dense(shape.last(), &Activation::Linear));
        let y = self.part("feedforward_intermediate_dense", "dense", &intermediate, vec![y])?;
        let y = self.part("feedforward_output_dense", "dense", &output, vec![y])?;
        self.added(name, x, y)
    }

    fn normalized_before(&mut self, name: &str, x: Source) -> Result<Source, FieldError> {
        if self.normalize_first { self.normalized(name, x) } else { Ok(x) }
    }

    fn normalized(&mut self, name: &str, x: Source) -> Result<Source, FieldError> {
        let settings = json!({"epsilon": self.layer_norm_epsilon});
        self.part(&format!("{name}_layer_norm"), "layer_normalization", &settings, vec![x])
    }

    /// `x + dropout(y)`, normalized where that was not done before.
    fn added(&mut self, name: &str, x: Source, mut y: Source) -> Result<Source, FieldError> {
        if self.dropout > 0.0 {
            y = self.part(&format!("{name}_dropout"), "dropout", &json!({"rate": self.dropout}), vec![y])?;
        }
        let sum = self.part(&format!("{name}_add"), "add", &json!({}), vec![y, x])?;
        if self.normalize_first { Ok(sum) } else { self.normalized(name, sum) }
    }

    fn part(&mut self, name: &str, kind: &str, settings: &Value, inputs: Vec<Source>) -> Result<Source, FieldError> {
        let layer = AnyLayer::read(kind, settings).map_err(|error| FieldError::new("", error.detail))?;
        self.parts.push(Part { name: name.to_owned(), layer, inputs, each_step: false });
        Ok(Source::Part(self.parts.len() - 1))
    }
}
