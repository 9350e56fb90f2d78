//! Layers of categories.

use super::Case;
use serde_json::json;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::integers(json!({"type": "category_encoding", "num_tokens": 4, "output_mode": "count"}), [[3]], 4),
        Case::integers(json!({"type": "category_encoding", "num_tokens": 3, "output_mode": "one_hot"}), [[2, 2]], 3),
        Case::integers(json!({"type": "discretization", "bin_boundaries": [0.5, 1.5]}), [[2, 3]], 4),
        Case::integers(
            json!({"type": "discretization", "bin_boundaries": [0.5, 1.5], "output_mode": "one_hot"}),
            [[3, 1]],
            3,
        ),
        Case::integers(json!({"type": "integer_lookup", "vocabulary": [2, 0], "mask_token": 1}), [[2, 2]], 5),
        Case::integers(
            json!({"type": "integer_lookup", "vocabulary": [3, 0], "output_mode": "multi_hot", "num_oov_indices": 2}),
            [[3]],
            5,
        ),
    ]
}
