//! Masks of Keras models are those of the Keras that printed them (`tests/fixtures/keras_json/masks.py` made the files).

use crate::keras_graphs::Case;
use serde::Deserialize;
use std::collections::HashMap;

#[derive(Deserialize)]
struct File {
    version: String,
    models: HashMap<String, Case>,
}

#[test]
fn every_layer_passes_joins_or_drops_masks_as_in_keras() {
    for (file, count) in [
        (include_str!("../fixtures/keras_json/masks-keras-3.15.1.json"), KERAS_3),
        (include_str!("../fixtures/keras_json/masks-tf_keras-2.21.0.json"), KERAS_2),
    ] {
        let File { version, models } = serde_json::from_str(file).unwrap();
        assert_eq!(models.len(), count, "{version}");
        let fails = |(name, case): (String, Case)| {
            let check = std::panic::AssertUnwindSafe(|| case.check(&version, &name));
            std::panic::catch_unwind(check).is_err().then(|| format!("{version} {name}"))
        };
        let failed: Vec<String> = models.into_iter().filter_map(fails).collect();
        assert!(failed.is_empty(), "{failed:?}");
    }
}

const KERAS_3: usize = 103;
const KERAS_2: usize = 76;
