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
    cases.extend(functions());
    cases.extend(pairs());
    cases.extend(lines());
    cases.extend(picks());
    cases.extend([
        Case::new(json!({"type": "cumsum", "axis": 1}), [[3, 4]]),
        Case::new(json!({"type": "cumsum", "axis": -1}), [[3, 4]]),
        Case::integers(json!({"type": "one_hot", "num_classes": 3}), [[2, 2]], 5),
        Case::new(json!({"type": "constant", "shape": [2, 3], "value": [1, -2, 0.5]}), [[2]]),
        Case::new(json!({"type": "where"}), [[2, 3], [2, 3], [2, 3]]),
        Case {
            before: vec![json!({"type": "greater"})],
            reads: vec!["before_0", "input_0", "input_1"],
            ..Case::new(json!({"type": "where"}), [[3], [1]])
        },
    ]);
    for (equation, shapes) in [
        ("bij,bkj->bik", vec![vec![2, 3], vec![4, 3]]),
        ("bhqd,bhkd->bhqk", vec![vec![2, 3, 2], vec![2, 4, 2]]),
        ("bij,bj->bi", vec![vec![2, 3], vec![3]]),
        ("bi,bj->bji", vec![vec![2], vec![3]]),
        ("bijk,bl->bj", vec![vec![2, 3, 2], vec![2]]),
        ("bij->bji", vec![vec![2, 3]]),
        ("bij->bj", vec![vec![2, 3]]),
        ("bii->bi", vec![vec![3, 3]]),
        ("bii,bi->bi", vec![vec![3, 3], vec![3]]),
    ] {
        cases.push(Case { inputs: shapes, ..Case::new::<1, 0>(json!({"type": "einsum", "equation": equation}), []) });
    }
    cases
}

/// Functions of each element; those that are not smooth, away from where they jump.
fn functions() -> Vec<Case> {
    let anywhere = [
        "sin",
        "cos",
        "tan",
        "sinh",
        "cosh",
        "arctan",
        "arcsinh",
        "expm1",
        "erf",
        "floor",
        "ceil",
        "round",
        "trunc",
        "sign",
        "logical_not",
    ];
    let within = ["arcsin", "arccos", "arctanh"].map(|kind| {
        let before = vec![json!({"type": "activation", "activation": "tanh"})];
        Case { before, ..Case::new(json!({"type": kind}), [[3, 2]]) }
    });
    let above_one = json!({"type": "rescaling", "scale": 1, "offset": 3});
    let arccosh = Case { before: vec![above_one], ..Case::new(json!({"type": "arccosh"}), [[3, 2]]) };
    let anywhere = anywhere.map(|kind| Case::new(json!({"type": kind}), [[3, 2]]));
    let positive = ["log2", "log10"].map(|kind| of_positive(json!({"type": kind})));
    anywhere.into_iter().chain(within).chain([arccosh]).chain(positive).collect()
}

/// Functions of two elements, of one shape and stretched.
fn pairs() -> Vec<Case> {
    let kinds = [
        "equal",
        "not_equal",
        "greater",
        "greater_equal",
        "less",
        "less_equal",
        "logical_and",
        "logical_or",
        "logical_xor",
        "mod",
        "floor_divide",
        "arctan2",
        "logaddexp",
    ];
    let mut cases = Vec::new();
    for kind in kinds {
        cases.push(Case::new(json!({"type": kind}), [[2, 3], [2, 3]]));
        cases.push(Case::new(json!({"type": kind}), [[2, 3], [2, 1]]));
    }
    let before = vec![json!({"type": "activation", "activation": "exponential"})];
    let power = Case::new(json!({"type": "exponentiate"}), [[2, 3]]);
    cases.push(Case { before, reads: vec!["before_0", "input_0"], ..power });
    cases
}

/// What is left of axes, beside each other or not.
fn lines() -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in ["prod", "var", "std", "logsumexp", "norm", "argmax", "argmin"] {
        cases.extend([
            Case::new(json!({"type": kind, "axis": -1}), [[3, 4]]),
            Case::new(json!({"type": kind, "axis": [1, 3], "keepdims": true}), [[2, 3, 2]]),
        ]);
    }
    cases.extend([1.0, 3.0, 0.5].map(|ord| Case::new(json!({"type": "norm", "axis": 1, "ord": ord}), [[3, 4]])));
    cases
}

/// Elements that go to other places.
fn picks() -> Vec<Case> {
    let mut cases = vec![
        Case::new(json!({"type": "expand_dims", "axis": 2}), [[3, 4]]),
        Case::new(json!({"type": "flip", "axis": [1, -1]}), [[3, 4]]),
        Case::new(json!({"type": "roll", "shift": -1, "axis": 1}), [[3, 4]]),
        Case::new(json!({"type": "tile", "repeats": [2, 1]}), [[3, 2]]),
        Case::new(json!({"type": "repeat", "repeats": 2, "axis": -1}), [[3, 2]]),
        Case::new(json!({"type": "repeat", "repeats": [1, 3, 2], "axis": 1}), [[3, 2]]),
        Case::new(json!({"type": "take", "indices": [2, 0, 2, -1], "axis": 1}), [[3, 2]]),
        Case::new(json!({"type": "broadcast_to", "shape": [3, 4]}), [[3, 1]]),
        Case::new(json!({"type": "split", "indices_or_sections": 2}), [[3, 4]]),
        Case::new(json!({"type": "split", "indices_or_sections": [1, 2], "axis": 1}), [[4, 2]]),
    ];
    for mode in ["constant", "reflect", "symmetric"] {
        cases.push(Case::new(json!({"type": "pad", "pad_width": [[1, 2], [0, 1]], "mode": mode}), [[3, 2]]));
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
