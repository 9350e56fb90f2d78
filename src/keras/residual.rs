//! The layers that the models of `keras.applications` bring with them.

use super::{
    class::{Class, Rule},
    translator::{Place, Translator},
};
use serde_json::Value;

pub(super) const LAYER_SCALE: Class = Class {
    names: &["LayerScale"],
    kind: "layer_scale",
    options: &[("init_values", Rule::Number), ("projection_dim", Rule::Same)],
};

pub(super) const STOCHASTIC_DEPTH: Class =
    Class { names: &["StochasticDepth"], kind: "stochastic_depth", options: &[("drop_path_rate", Rule::Number)] };

pub(super) const CUSTOM_SCALE_LAYER: Class =
    Class { names: &["CustomScaleLayer"], kind: "custom_scale_layer", options: &[("scale", Rule::Number)] };

/// Refuses a layer of one of these names that is not of `keras.applications`. Keras before 2.13 prints no module.
pub(super) fn refuse_namesake(layer: &Value, kind: &str, place: &Place, translator: &mut Translator) {
    let of_applications = [LAYER_SCALE, STOCHASTIC_DEPTH, CUSTOM_SCALE_LAYER].iter().any(|class| class.kind == kind);
    let from = layer.get("module").filter(|_| of_applications);
    if let Some(module) = from.filter(|module| !module.as_str().is_some_and(|it| it.contains(".applications."))) {
        let detail = format!("expected the layer of `keras.applications`, received one of the module {module}");
        translator.refuse(place, detail);
    }
}
