//! Layers that bring images to a size, or change their colors.

use super::Case;
use serde_json::json;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new(json!({"type": "resizing", "height": 3, "width": 5, "antialias": true}), [[4, 2, 2]]),
        Case::new(
            json!({"type": "resizing", "height": 2, "width": 3, "interpolation": "area", "crop_to_aspect_ratio": true}),
            [[4, 3, 1]],
        ),
        Case::new(
            json!({"type": "resizing", "height": 3, "width": 2, "interpolation": "bicubic", "pad_to_aspect_ratio": true, "fill_value": 0.5}),
            [[2, 4, 2]],
        ),
        Case::new(json!({"type": "center_crop", "height": 2, "width": 3}), [[4, 4, 2]]),
        Case::new(json!({"type": "center_crop", "height": 4, "width": 2}), [[3, 4, 1]]),
        Case::new(json!({"type": "random_contrast", "factor": 0.5, "value_range": [-1, 0.5]}), [[3, 2, 2]]),
        Case::new(json!({"type": "random_brightness", "factor": [0, 0.3], "value_range": [-1, 1]}), [[3, 2, 2]]),
    ]
}
