//! Keras's initializers, regularizers and constraints.

use super::{
    class::{Family, Row, Rule, SEED, differs},
    kinds,
};
use crate::engine::{constraint::Constraint, field, init::Initializer, regularizer::Regularizer};
use serde_json::{Map, Value};
use std::sync::LazyLock;

/// Initializers.
pub(super) static INITIALIZERS: LazyLock<Family> = LazyLock::new(|| {
    let kinds = kinds::classes::<Initializer>(&["unit_forget_bias"]);
    Family::new("initializer", kinds, INITIALIZER_ROWS, &[SEED, ("dtype", Rule::DataType)])
});

/// Regularizers.
pub(super) static REGULARIZERS: LazyLock<Family> =
    LazyLock::new(|| Family::new("regularizer", kinds::classes::<Regularizer>(&[]), &[], &[]));

/// Constraints.
pub(super) static CONSTRAINTS: LazyLock<Family> =
    LazyLock::new(|| Family::new("constraint", kinds::classes::<Constraint>(&[]), &[], &[]));

/// The axes that are a unit's inputs and outputs: ours has them in `variance_scaling` alone.
const AXES: &[(&str, Rule)] = &[("input_axes", Rule::Optional), ("output_axes", Rule::Optional)];

const INITIALIZER_ROWS: &[Row] = &[
    differs("zeros", &["zero"], &[]),
    differs("ones", &["one"], &[]),
    differs("random_normal", &["normal"], &[]),
    differs("random_uniform", &["uniform"], &[]),
    differs("orthogonal", &["OrthogonalInitializer"], &[]),
    differs("identity", &["IdentityInitializer"], &[]),
    differs("stft", &["STFTInitializer"], &[]),
    differs("glorot_uniform", &[], AXES),
    differs("glorot_normal", &[], AXES),
    differs("he_uniform", &[], AXES),
    differs("he_normal", &[], AXES),
    differs("lecun_uniform", &[], AXES),
    differs("lecun_normal", &[], AXES),
];

/// An initializer in our form. A name with axes becomes the `variance_scaling` that it means: ours has axes there alone.
pub(super) fn with_axes(kind: &'static str, settings: Map<String, Value>) -> (&'static str, Map<String, Value>) {
    const SCALED: &str = "variance_scaling";
    let scaling = field::parse::<Initializer>(&kind.into()).ok().and_then(|initializer| initializer.scaling());
    match scaling.and_then(|scaling| field::to_value(&scaling).ok()) {
        Some(Value::Object(mut whole)) if kind != SCALED && !settings.is_empty() => {
            whole.extend(settings);
            (SCALED, whole)
        }
        _ => (kind, settings),
    }
}
