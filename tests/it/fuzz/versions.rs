//! The file of a version.

use super::fuzz;
use epoca::{
    data::recipe::Recipe,
    engine::{
        network::Network,
        shape::Shape,
        spec::{Definition, Limits},
    },
    store::bundle::{Bundle, Description, Weights},
};
use serde_json::json;

#[test]
fn files_of_versions() {
    let definition = json!({"layers": [{"type": "dense", "units": 2}, {"type": "dense", "units": 1}]});
    let shapes = vec![Shape(vec![3])];
    let architecture = Definition::from_value(&definition).unwrap().resolve(&shapes, &Limits::default()).unwrap();
    let recipe: Recipe = serde_json::from_value(json!({"version": 3, "features": [], "outputs": []})).unwrap();
    let signature = recipe.signature();
    let description = Description { definition, input_shapes: shapes, recipe, signature, fitted: None };
    let weights = Weights::Network(Network::<f32>::initialize(architecture, 1).tensors());
    let seed = Bundle { description, weights }.to_bytes().unwrap();
    let limits = Limits { memory_bytes: 1 << 30, ..Limits::default() };
    // A damaged file is refused by its checksum before; this is what stands behind that.
    fuzz(5000, vec![seed], |bytes| Bundle::from_bytes(bytes).and_then(|bundle| bundle.network(&limits)).is_ok());
}
