//! Every layer, one line each.

use super::{
    ActivationLayer, Backward, BatchNormalization, Dense, Dropout, Flatten, Forward, Join, Layer, Meeting,
    ParameterSpec, Workspace,
};
use crate::engine::{
    activation::Activation,
    field::{self, FieldError},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

macro_rules! registry {
    ($($kind:literal => $variant:ident($settings:ident)),+ $(,)?) => {
        /// Any layer, told apart by `type`.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(tag = "type")]
        #[allow(missing_docs, reason = "each layer's settings are documented in its file")]
        pub enum AnyLayer {
            $(#[serde(rename = $kind)] $variant($settings)),+
        }

        impl AnyLayer {
            /// Every layer's `type`.
            pub const KINDS: &[&str] = &[$($kind),+];

            /// This layer's `type`.
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $kind),+ }
            }

            /// Reads the settings of a layer of this `type`, without `type` itself; pointers are below the layer.
            pub fn read(kind: &str, settings: &Value) -> Result<Self, FieldError> {
                match kind {
                    $($kind => field::parse(settings).map(Self::$variant),)+
                    _ => Err(FieldError::new("/type", format!("unknown layer type `{kind}`"))),
                }
            }
        }

        impl Layer for AnyLayer {
            fn check(&self) -> Result<(), FieldError> {
                match self { $(Self::$variant(layer) => layer.check()),+ }
            }
            fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
                match self { $(Self::$variant(layer) => layer.output_shape(inputs)),+ }
            }
            fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
                match self { $(Self::$variant(layer) => layer.parameters(inputs)),+ }
            }
            fn workspace(&self, inputs: &[Shape]) -> Workspace {
                match self { $(Self::$variant(layer) => layer.workspace(inputs)),+ }
            }
            fn cost(&self, inputs: &[Shape]) -> u64 {
                match self { $(Self::$variant(layer) => layer.cost(inputs)),+ }
            }
            fn last_activation(&self) -> Option<Activation> {
                match self { $(Self::$variant(layer) => layer.last_activation()),+ }
            }
            fn meeting(&self, inputs: &[Shape]) -> Option<Meeting> {
                match self { $(Self::$variant(layer) => layer.meeting(inputs)),+ }
            }
            fn forward<F: Real>(&self, cx: &mut Forward<'_, F>) {
                match self { $(Self::$variant(layer) => layer.forward(cx)),+ }
            }
            fn backward<F: Real>(&self, cx: &mut Backward<'_, F>) {
                match self { $(Self::$variant(layer) => layer.backward(cx)),+ }
            }
            fn sum_forward<F: Real>(&self, cx: &mut Forward<'_, F>, sums: &mut [f64]) {
                match self { $(Self::$variant(layer) => layer.sum_forward(cx, sums)),+ }
            }
            fn join_forward<F: Real>(&self, cx: &mut Join<'_, F>) {
                match self { $(Self::$variant(layer) => layer.join_forward(cx)),+ }
            }
            fn sum_backward<F: Real>(&self, cx: &mut Backward<'_, F>, sums: &mut [f64]) {
                match self { $(Self::$variant(layer) => layer.sum_backward(cx, sums)),+ }
            }
            fn join_backward<F: Real>(&self, cx: &mut Join<'_, F>) {
                match self { $(Self::$variant(layer) => layer.join_backward(cx)),+ }
            }
        }
    };
}

registry! {
    "dense" => Dense(Dense),
    "activation" => Activation(ActivationLayer),
    "dropout" => Dropout(Dropout),
    "flatten" => Flatten(Flatten),
    "batch_normalization" => BatchNormalization(BatchNormalization),
}
