//! What to use in place of operators that are not supported.

/// Operators that no layer does, and what may do instead.
pub(super) const NEVER: [(&str, &str); 22] = [
    ("Sort", "another model: the order of elements has no layer"),
    ("Argsort", "another model: the order of elements has no layer"),
    ("TopK", "Max or Argmax for the largest element"),
    ("Median", "Mean, or Max and Min"),
    ("Quantile", "Mean, or Max and Min"),
    ("StopGradient", "layers with `trainable` false"),
    ("Map", "TimeDistributed"),
    ("VectorizedMap", "TimeDistributed"),
    ("Scan", "an LSTM, GRU or SimpleRNN layer"),
    ("AssociativeScan", "an LSTM, GRU or SimpleRNN layer"),
    ("Cond", "Where"),
    ("WhileLoop", "an LSTM, GRU or SimpleRNN layer"),
    ("ForiLoop", "an LSTM, GRU or SimpleRNN layer"),
    ("Conv", "a Conv1D, Conv2D or Conv3D layer"),
    ("DepthwiseConv", "a DepthwiseConv1D or DepthwiseConv2D layer"),
    ("SeparableConv", "a SeparableConv1D or SeparableConv2D layer"),
    ("ConvTranspose", "a Conv1DTranspose, Conv2DTranspose or Conv3DTranspose layer"),
    ("DotProductAttention", "an Attention or MultiHeadAttention layer"),
    ("BatchNorm", "a BatchNormalization layer"),
    ("LayerNorm", "a LayerNormalization layer"),
    ("RMSNorm", "an RMSNormalization layer"),
    ("Inv", "another model: matrices are not inverted"),
];

/// Where an operator is never supported: what to use instead.
pub(super) fn why_never(class: &str) -> Option<&'static str> {
    NEVER.iter().find(|(own, _)| *own == class).map(|(_, instead)| *instead)
}

/// What the operands or options of an operator must be.
pub(super) fn expected(class: &str) -> &'static str {
    match class {
        "Sum" | "Mean" | "Max" | "Min" | "Amax" | "Amin" | "Prod" | "Var" | "Std" | "Logsumexp" | "Norm" | "Argmax"
        | "Argmin" | "Any" | "All" | "CountNonzero" | "Average" => {
            "an `axis` other than the batch axis, which is 0, and no further option: rows of a batch are not mixed"
        }
        "Cumsum" | "Flip" | "Roll" | "Split" | "Take" | "Repeat" | "Diff" | "Normalize" | "Softmax" => {
            "an `axis` other than the batch axis, which is 0, and constant settings: rows of a batch are not mixed"
        }
        "Tile" | "Pad" | "BroadcastTo" | "Reshape" | "Transpose" | "Swapaxes" | "Moveaxis" | "ExpandDims"
        | "Squeeze" | "GetItem" => "arguments that leave the batch axis as it is",
        "Einsum" | "Matmul" | "Dot" | "Tensordot" => {
            "one or two operands with the batch axis first in each tensor and in the result"
        }
        "Cast" => "float32, bool, int32 or int64",
        "Concatenate" | "Stack" => "tensors alone",
        _ => {
            "tensors of as many axes, and numbers or arrays that are the same for each row; truths cast to float32 for arithmetic"
        }
    }
}
