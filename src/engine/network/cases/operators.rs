//! Functions of each cell, and what is left of some axes.

use super::Case;
use serde_json::{Value, json};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        Case::new(json!({"type": "absolute"}), [[3, 2]]),
        Case::new(json!({"type": "square"}), [[5]]),
        Case::new(json!({"type": "power", "exponent": 3}), [[3, 2]]),
        Case::new(json!({"type": "power", "exponent": 0}), [[3]]),
        Case::new(json!({"type": "clip", "x_min": -0.4}), [[3, 4]]),
        Case::new(json!({"type": "clip", "x_max": 0.3}), [[3, 4]]),
        Case::new(json!({"type": "clip", "x_min": -0.5, "x_max": 0.5}), [[3, 4]]),
    ];
    cases.extend(["sqrt", "rsqrt", "log", "log1p", "reciprocal"].map(|kind| of_positive(json!({"type": kind}))));
    cases.extend([divided(false), divided(true)]);
    cases.push(of_positive(json!({"type": "power", "exponent": -1.5})));
    for kind in ["sum", "mean", "max", "min"] {
        cases.extend([
            Case::new(json!({"type": kind, "axis": -1}), [[3, 4]]),
            Case::new(json!({"type": kind, "axis": 1}), [[3, 4]]),
            Case::new(json!({"type": kind, "axis": [2, 1], "keepdims": true}), [[2, 3, 2]]),
        ]);
    }
    cases
}

/// The input, divided by positive numbers of its own shape, or with an axis of 1.
fn divided(by_rows: bool) -> Case {
    let mut before = vec![json!({"type": "activation", "activation": "exponential"})];
    if by_rows {
        before.push(json!({"type": "mean", "axis": 1, "keepdims": true}));
    }
    let by = if by_rows { "before_1" } else { "before_0" };
    Case { before, reads: vec!["input_0", by], ..Case::new(json!({"type": "divide"}), [[3, 2]]) }
}

/// A layer that numbers below 0 have no place in.
fn of_positive(settings: Value) -> Case {
    let before = vec![json!({"type": "activation", "activation": "exponential"})];
    Case { before, ..Case::new(settings, [[3, 2]]) }
}
