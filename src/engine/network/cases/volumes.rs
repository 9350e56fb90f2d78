//! Layers of three axes.

use super::Case;
use serde_json::json;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            json!({"type": "conv3d", "filters": 3, "kernel_size": [2, 1, 2], "activation": "tanh"}),
            [[3, 2, 3, 2]],
        ),
        Case::new(
            json!({"type": "conv3d", "filters": 2, "kernel_size": 2, "strides": [1, 2, 1], "padding": "same", "groups": 2}),
            [[2, 3, 2, 2]],
        ),
        Case::new(
            json!({"type": "conv3d", "filters": 2, "kernel_size": 2, "dilation_rate": [2, 1, 1], "padding": "same"}),
            [[3, 2, 2, 1]],
        ),
        Case::new(
            json!({"type": "conv3d_transpose", "filters": 2, "kernel_size": 2, "strides": [2, 1, 2], "padding": "same"}),
            [[2, 2, 2, 2]],
        ),
        Case::new(json!({"type": "max_pooling3d"}), [[4, 2, 3, 2]]),
        Case::new(
            json!({"type": "max_pooling3d", "pool_size": [2, 1, 2], "strides": 1, "padding": "same"}),
            [[3, 2, 2, 1]],
        ),
        Case::new(json!({"type": "average_pooling3d", "padding": "same"}), [[3, 2, 3, 2]]),
        Case::new(json!({"type": "adaptive_max_pooling3d", "output_size": [2, 1, 3]}), [[3, 2, 2, 2]]),
        Case::new(json!({"type": "adaptive_average_pooling3d", "output_size": [1, 2, 4]}), [[2, 3, 3, 2]]),
        Case::new(json!({"type": "global_max_pooling3d"}), [[2, 2, 2, 2]]),
        Case::new(json!({"type": "global_average_pooling3d", "keepdims": true}), [[2, 1, 2, 2]]),
        Case::new(json!({"type": "zero_padding3d", "padding": [[1, 0], [2, 1], [0, 1]]}), [[2, 1, 2, 2]]),
        Case::new(json!({"type": "cropping3d", "cropping": [[1, 0], [0, 1], [1, 1]]}), [[2, 3, 4, 2]]),
        Case::new(json!({"type": "up_sampling3d", "size": [2, 1, 3]}), [[2, 2, 1, 2]]),
        Case::new(json!({"type": "spatial_dropout3d", "rate": 0.4}), [[2, 1, 2, 4]]),
    ]
}
