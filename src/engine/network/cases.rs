//! Settings and inputs to try each layer with; a layer without any fails the walk.

mod categories;
mod images;
mod masked;
mod operators;
mod recurrent;
mod residual;
mod states;
mod volumes;

use serde_json::{Value, json};

/// One layer with its settings on inputs of some shapes.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub settings: Value,
    pub inputs: Vec<Vec<usize>>,
    /// The inputs are whole numbers below this, which have no gradient.
    pub integers: Option<usize>,
    /// Layers between the inputs and this one: what they give is its input.
    before: Vec<Value>,
    /// What it reads of the inputs and these layers, by name; the last of them where there are none.
    reads: Vec<&'static str>,
    /// A layer that reads what this one gives, whose output is then the model's.
    after: Option<Value>,
}

impl Case {
    fn new<const N: usize, const I: usize>(settings: Value, inputs: [[usize; N]; I]) -> Self {
        let inputs = inputs.into_iter().map(|shape| shape.to_vec()).collect();
        Self { settings, inputs, integers: None, before: Vec::new(), reads: Vec::new(), after: None }
    }

    fn integers<const N: usize, const I: usize>(settings: Value, inputs: [[usize; N]; I], below: usize) -> Self {
        Self { integers: Some(below), ..Self::new(settings, inputs) }
    }

    /// A model of this layer alone, or after others.
    pub fn definition(&self) -> Value {
        let names: Vec<String> = (0..self.inputs.len()).map(|index| format!("input_{index}")).collect();
        let mut layer = self.settings.clone();
        layer["name"] = json!("layer");
        layer["inputs"] = match self.before.len() {
            _ if !self.reads.is_empty() => json!(self.reads),
            0 => json!(names),
            count => json!([format!("before_{}", count - 1)]),
        };
        let mut layers = vec![layer];
        for (index, before) in self.before.iter().enumerate() {
            let mut before = before.clone();
            before["name"] = json!(format!("before_{index}"));
            before["inputs"] = if index == 0 { json!(names) } else { json!([format!("before_{}", index - 1)]) };
            layers.push(before);
        }
        let mut output = "layer";
        if let Some(after) = &self.after {
            let mut after = after.clone();
            output = "after";
            after["name"] = json!(output);
            layers.push(after);
        }
        json!({"inputs": names, "layers": layers, "outputs": [output]})
    }
}

/// Layers with a penalty on their output.
fn penalized() -> Vec<Case> {
    let with_penalty = |mut settings: Value| {
        settings["activity_regularizer"] = json!({"type": "l1_l2", "l1": 0.2, "l2": 0.3});
        settings
    };
    let case = |settings: Value, inputs: [[usize; 2]; 1]| Case::new(with_penalty(settings), inputs);
    let kernel = |kind: &str| json!({"type": kind, "filters": 2, "kernel_size": 2, "activation": "tanh"});
    let recurrent = |kind: &str| json!({"type": kind, "units": 2, "return_sequences": true});
    let gru = with_penalty(recurrent("gru"));
    vec![
        case(json!({"type": "dense", "units": 3, "activation": "tanh"}), [[2, 4]]),
        case(kernel("conv1d"), [[4, 2]]),
        case(kernel("conv1d_transpose"), [[3, 2]]),
        case(kernel("separable_conv1d"), [[4, 2]]),
        case(json!({"type": "depthwise_conv1d", "kernel_size": 2}), [[4, 2]]),
        case(recurrent("simple_rnn"), [[3, 2]]),
        case(recurrent("lstm"), [[3, 2]]),
        Case::integers(with_penalty(json!({"type": "embedding", "input_dim": 4, "output_dim": 2})), [[3]], 4),
        Case::new(json!({"type": "bidirectional", "layer": gru}), [[3, 2]]),
        Case::new(json!({"type": "bidirectional", "layer": gru, "merge_mode": "mul"}), [[3, 2]]),
        Case::new(json!({"type": "bidirectional", "layer": gru, "merge_mode": "ave"}), [[3, 2]]),
        case(json!({"type": "time_distributed", "layer": {"type": "dense", "units": 2}}), [[3, 2]]),
        // Without l1, whose bend at 0 some cell would stand on.
        Case::new(json!({"type": "layer_normalization", "activity_regularizer": {"type": "l2", "l2": 0.3}}), [[3, 4]]),
        Case::new(with_penalty(kernel("conv2d")), [[3, 3, 2]]),
        Case::new(
            with_penalty(json!({"type": "multi_head_attention", "num_heads": 2, "key_dim": 2})),
            [[3, 2], [4, 3]],
        ),
    ]
}

/// Every option of convolutions and poolings, along one axis and along two.
fn convolutions() -> Vec<Case> {
    vec![
        Case::new(json!({"type": "conv1d", "filters": 3, "kernel_size": 3, "activation": "gelu"}), [[7, 2]]),
        Case::new(
            json!({"type": "conv1d", "filters": 4, "kernel_size": [2], "strides": 2, "padding": "causal", "groups": 2}),
            [[6, 2]],
        ),
        Case::new(
            json!({"type": "conv1d", "filters": 2, "kernel_size": 3, "dilation_rate": 2, "padding": "causal"}),
            [[5, 3]],
        ),
        Case::new(
            json!({"type": "conv1d", "filters": 2, "kernel_size": 4, "strides": 3, "padding": "same", "use_bias": false}),
            [[8, 1]],
        ),
        // So long that the rows of a lane go by in several blocks, and patches on their way back as well.
        Case::new(json!({"type": "conv1d", "filters": 1, "kernel_size": 2, "activation": "gelu"}), [[110, 1]]),
        Case::new(
            json!({"type": "conv1d", "filters": 1, "kernel_size": 64, "strides": 2, "padding": "same"}),
            [[220, 1]],
        ),
        Case::new(json!({"type": "conv2d", "filters": 3, "kernel_size": 3, "activation": "tanh"}), [[5, 4, 2]]),
        Case::new(
            json!({"type": "conv2d", "filters": 4, "kernel_size": [3, 2], "padding": "same", "activation": "swish"}),
            [[4, 5, 1]],
        ),
        Case::new(
            json!({"type": "conv2d", "filters": 2, "kernel_size": [2, 3], "strides": [2, 1], "padding": "same"}),
            [[5, 4, 2]],
        ),
        Case::new(json!({"type": "conv2d", "filters": 2, "kernel_size": 2, "strides": 3}), [[6, 7, 2]]),
        Case::new(
            json!({"type": "conv2d", "filters": 4, "kernel_size": 2, "dilation_rate": [2, 1], "groups": 2}),
            [[4, 3, 4]],
        ),
        Case::new(
            json!({"type": "conv2d", "filters": 4, "kernel_size": 3, "strides": 2, "groups": 2, "padding": "same"}),
            [[4, 3, 2]],
        ),
        Case::new(json!({"type": "conv2d", "filters": 2, "kernel_size": 1, "activation": "softmax"}), [[3, 2, 3]]),
        Case::new(json!({"type": "conv1d_transpose", "filters": 2, "kernel_size": 3, "strides": 2}), [[4, 3]]),
        Case::new(
            json!({"type": "conv1d_transpose", "filters": 2, "kernel_size": 2, "strides": 3, "output_padding": 1, "padding": "same"}),
            [[3, 2]],
        ),
        Case::new(
            json!({"type": "conv2d_transpose", "filters": 2, "kernel_size": 3, "activation": "gelu"}),
            [[3, 2, 2]],
        ),
        Case::new(
            json!({"type": "conv2d_transpose", "filters": 3, "kernel_size": [3, 2], "padding": "same", "dilation_rate": [1, 2]}),
            [[3, 4, 2]],
        ),
        Case::new(
            json!({"type": "conv2d_transpose", "filters": 2, "kernel_size": 3, "strides": [2, 1], "padding": "same", "use_bias": false}),
            [[3, 3, 1]],
        ),
        Case::new(json!({"type": "depthwise_conv1d", "kernel_size": 3, "activation": "swish"}), [[6, 3]]),
        Case::new(
            json!({"type": "depthwise_conv2d", "kernel_size": [2, 3], "depth_multiplier": 2, "strides": 2}),
            [[4, 5, 3]],
        ),
        Case::new(
            json!({"type": "depthwise_conv2d", "kernel_size": 3, "padding": "same", "dilation_rate": 2, "use_bias": false}),
            [[4, 3, 2]],
        ),
        Case::new(json!({"type": "separable_conv1d", "filters": 3, "kernel_size": 2, "depth_multiplier": 2}), [[4, 2]]),
        Case::new(
            json!({"type": "separable_conv2d", "filters": 2, "kernel_size": 3, "padding": "same", "activation": "gelu"}),
            [[3, 4, 2]],
        ),
        Case::new(json!({"type": "max_pooling1d"}), [[5, 2]]),
        Case::new(json!({"type": "max_pooling1d", "pool_size": 3, "strides": 1, "padding": "same"}), [[5, 2]]),
        Case::new(json!({"type": "max_pooling2d"}), [[4, 5, 3]]),
        Case::new(
            json!({"type": "max_pooling2d", "pool_size": [3, 2], "strides": [2, 1], "padding": "same"}),
            [[4, 5, 2]],
        ),
        Case::new(json!({"type": "average_pooling1d", "pool_size": 2, "strides": 3}), [[7, 2]]),
        Case::new(json!({"type": "average_pooling2d", "pool_size": 3, "strides": 2, "padding": "same"}), [[4, 5, 2]]),
        Case::new(json!({"type": "adaptive_max_pooling1d", "output_size": 3}), [[5, 2]]),
        Case::new(json!({"type": "adaptive_max_pooling2d", "output_size": [2, 4]}), [[5, 3, 2]]),
        Case::new(json!({"type": "adaptive_average_pooling1d", "output_size": 4}), [[6, 2]]),
        Case::new(json!({"type": "adaptive_average_pooling2d", "output_size": [3, 2]}), [[4, 3, 2]]),
        Case::new(json!({"type": "global_max_pooling1d"}), [[4, 3]]),
        Case::new(json!({"type": "global_max_pooling2d", "keepdims": true}), [[2, 3, 3]]),
        Case::new(json!({"type": "global_average_pooling1d", "keepdims": true}), [[4, 3]]),
        Case::new(json!({"type": "global_average_pooling2d"}), [[2, 3, 3]]),
    ]
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = recurrent::cases();
    cases.extend(penalized());
    cases.extend(convolutions());
    cases.extend(categories::cases());
    cases.extend(images::cases());
    cases.extend(masked::cases());
    cases.extend(operators::cases());
    cases.extend(residual::cases());
    cases.extend(states::cases());
    cases.extend(volumes::cases());
    cases.extend(vec![
        Case::new(json!({"type": "dense", "units": 3}), [[4]]),
        Case::new(json!({"type": "dense", "units": 1, "activation": "sigmoid"}), [[7]]),
        Case::new(json!({"type": "dense", "units": 5, "activation": "softmax", "use_bias": false}), [[4]]),
        Case::new(json!({"type": "dense", "units": 19, "activation": "gelu"}), [[17]]),
        Case::new(json!({"type": "dense", "units": 3, "activation": "swish"}), [[2, 3, 4]]),
        Case::new(json!({"type": "activation", "activation": "relu"}), [[6]]),
        Case::new(json!({"type": "activation", "activation": "softplus"}), [[3, 2]]),
        Case::new(json!({"type": "activation", "activation": "softmax"}), [[3, 4]]),
        Case::new(json!({"type": "dropout", "rate": 0.4}), [[3, 5]]),
        Case::new(json!({"type": "dropout", "rate": 0.0, "seed": 3}), [[5]]),
        Case::new(json!({"type": "dropout", "rate": 0.4, "noise_shape": [null, 1, null]}), [[3, 5]]),
        Case::new(json!({"type": "alpha_dropout", "rate": 0.4, "noise_shape": [1, 3, 1]}), [[3, 5]]),
        Case::new(json!({"type": "flatten"}), [[2, 3, 2]]),
        Case::new(json!({"type": "batch_normalization"}), [[4]]),
        Case::new(json!({"type": "batch_normalization", "center": false, "axis": 3}), [[2, 2, 3]]),
        Case::new(json!({"type": "batch_normalization", "scale": false, "epsilon": 0.1}), [[3]]),
        Case::new(json!({"type": "batch_normalization", "axis": 1}), [[3, 4]]),
        Case::new(json!({"type": "batch_normalization", "axis": -2, "center": false}), [[2, 3, 2]]),
        Case::new(json!({"type": "layer_normalization"}), [[3, 19]]),
        Case::new(
            json!({"type": "layer_normalization", "axis": [-1, -2], "center": false, "epsilon": 0.1}),
            [[2, 2, 3]],
        ),
        Case::new(json!({"type": "layer_normalization", "axis": 1, "scale": false}), [[4]]),
        Case::new(json!({"type": "group_normalization", "groups": 2}), [[3, 4]]),
        Case::new(json!({"type": "group_normalization", "groups": -1, "center": false}), [[2, 2, 3]]),
        Case::new(json!({"type": "group_normalization", "groups": 1, "scale": false, "epsilon": 0.1}), [[6]]),
        Case::new(json!({"type": "rms_normalization"}), [[2, 5]]),
        Case::new(json!({"type": "rms_normalization", "axis": [1, 2], "epsilon": 0.1}), [[2, 3]]),
        Case::new(json!({"type": "unit_normalization"}), [[2, 3]]),
        Case::new(json!({"type": "unit_normalization", "axis": [-2, -1]}), [[2, 3]]),
        Case::new(json!({"type": "unit_normalization", "axis": [3, 1]}), [[2, 3, 2]]),
        Case::new(json!({"type": "layer_normalization", "axis": 1}), [[3, 2]]),
        Case::new(json!({"type": "layer_normalization", "axis": [-1, 1], "center": false}), [[2, 3, 2]]),
        Case::new(json!({"type": "group_normalization", "groups": 2, "axis": 1}), [[4, 3]]),
        Case::new(json!({"type": "group_normalization", "groups": -1, "axis": -2, "scale": false}), [[2, 3, 2]]),
        Case::new(json!({"type": "multi_head_attention", "num_heads": 2, "key_dim": 3}), [[3, 4], [5, 4]]),
        Case::new(
            json!({"type": "multi_head_attention", "num_heads": 1, "key_dim": 2, "use_causal_mask": true, "use_bias": false}),
            [[4, 3], [4, 3]],
        ),
        Case::new(
            json!({"type": "multi_head_attention", "num_heads": 2, "key_dim": 2, "value_dim": 3, "output_shape": [2, 2], "attention_axes": [1]}),
            [[3, 2], [4, 3], [4, 5]],
        ),
        Case::new(
            json!({"type": "multi_head_attention", "num_heads": 2, "key_dim": 2, "dropout": 0.4, "output_shape": 3}),
            [[3, 2], [3, 3]],
        ),
        Case::new(json!({"type": "multi_head_attention", "num_heads": 2, "key_dim": 2}), [[2, 3, 2], [2, 2, 3]]),
        Case::new(
            json!({"type": "multi_head_attention", "num_heads": 2, "key_dim": 2, "attention_axes": [2], "dropout": 0.3}),
            [[2, 3, 2], [2, 4, 3]],
        ),
        Case::new(
            json!({"type": "multi_head_attention", "num_heads": 2, "key_dim": 2, "attention_axes": 1, "use_causal_mask": true}),
            [[3, 2, 2], [4, 2, 3]],
        ),
        Case::integers(json!({"type": "embedding", "input_dim": 5, "output_dim": 3}), [[4]], 5),
        Case::integers(json!({"type": "embedding", "input_dim": 4, "output_dim": 2, "mask_zero": true}), [[3, 2]], 4),
        Case::new(json!({"type": "identity"}), [[2, 3]]),
        Case::new(json!({"type": "masking"}), [[3, 2]]),
        Case::new(json!({"type": "rescaling", "scale": 0.5, "offset": [1.0, -2.0]}), [[3, 2]]),
        Case::new(json!({"type": "rescaling", "scale": [[0.5], [2], [3]], "offset": [1.0, -2.0]}), [[2, 3, 2]]),
        Case::new(json!({"type": "normalization", "mean": [1.0, -2.0], "variance": [4.0, 0.5]}), [[3, 2]]),
        Case::new(
            json!({"type": "normalization", "axis": [1], "mean": [1, 2, 3], "variance": 0.5, "invert": true}),
            [[3, 2]],
        ),
        Case::new(json!({"type": "normalization", "axis": null, "mean": 1, "variance": 3}), [[3]]),
        Case::new(json!({"type": "normalization", "axis": 1}), [[3, 2]]),
        Case::new(json!({"type": "normalization", "axis": 1, "adapt": false}), [[3, 2]]),
        Case::new(json!({"type": "normalization", "axis": [3, 1], "mean": [[1], [2]], "variance": 3}), [[2, 3, 2]]),
        Case::new(json!({"type": "reshape", "target_shape": [2, -1, 2]}), [[3, 4]]),
        Case::new(json!({"type": "permute", "dims": [3, 1, 2]}), [[2, 3, 4]]),
        Case::new(json!({"type": "permute", "dims": [1, 3, 2]}), [[2, 3, 4]]),
        Case::new(json!({"type": "repeat_vector", "n": 3}), [[4]]),
        Case::new(json!({"type": "get_item", "key": [-1]}), [[3, 2]]),
        Case::new(json!({"type": "get_item", "key": [{"start": -1, "step": -2}, null, 1]}), [[4, 2, 2]]),
        Case::new(json!({"type": "zero_padding1d", "padding": [1, 2]}), [[3, 2]]),
        Case::new(json!({"type": "zero_padding2d", "padding": [[1, 0], [2, 1]]}), [[2, 3, 2]]),
        Case::new(json!({"type": "cropping1d"}), [[4, 2]]),
        Case::new(json!({"type": "cropping2d", "cropping": [[1, 0], [1, 1]]}), [[3, 4, 2]]),
        Case::new(json!({"type": "up_sampling1d"}), [[3, 2]]),
        Case::new(json!({"type": "up_sampling2d", "size": [2, 3]}), [[2, 3, 2]]),
        Case::new(json!({"type": "up_sampling2d", "size": 3, "interpolation": "bilinear"}), [[2, 3, 2]]),
        Case::new(json!({"type": "up_sampling2d", "size": [3, 2], "interpolation": "bicubic"}), [[2, 6, 2]]),
        Case::new(json!({"type": "up_sampling2d", "size": [1, 2], "interpolation": "lanczos3"}), [[3, 4, 1]]),
        Case::new(json!({"type": "up_sampling2d", "interpolation": "lanczos5"}), [[2, 12, 1]]),
        Case::new(json!({"type": "spatial_dropout1d", "rate": 0.4}), [[3, 4]]),
        Case::new(json!({"type": "spatial_dropout2d", "rate": 0.4, "seed": 3}), [[2, 3, 4]]),
        Case::new(json!({"type": "gaussian_noise", "stddev": 0.3}), [[5]]),
        Case::new(json!({"type": "gaussian_dropout", "rate": 0.3}), [[2, 3]]),
        Case::new(json!({"type": "alpha_dropout", "rate": 0.3}), [[2, 3]]),
        Case::new(json!({"type": "random_flip"}), [[2, 3, 2]]),
        Case::new(json!({"type": "random_rotation", "factor": 0.3}), [[3, 4, 1]]),
        Case::new(json!({"type": "random_zoom", "height_factor": [-0.5, 0.2], "fill_mode": "wrap"}), [[3, 4, 2]]),
        Case::new(
            json!({"type": "random_translation", "height_factor": 0.4, "width_factor": 0.3, "fill_mode": "constant"}),
            [[4, 3, 1]],
        ),
        Case::new(json!({"type": "activity_regularization", "l1": 0.2, "l2": 0.3}), [[2, 3]]),
        Case::new(json!({"type": "add"}), [[3, 2], [3, 2], [3, 2]]),
        Case::new(json!({"type": "add"}), [[3, 1], [1, 2]]),
        Case::new(json!({"type": "subtract"}), [[3, 2], [3, 1]]),
        Case::new(json!({"type": "multiply"}), [[3, 2], [3, 2], [1, 2]]),
        Case::new(json!({"type": "average"}), [[2, 3, 2], [2, 1, 2]]),
        Case::new(json!({"type": "maximum"}), [[3, 2], [3, 2], [3, 1]]),
        Case::new(json!({"type": "minimum"}), [[4], [4]]),
        Case::new(json!({"type": "concatenate"}), [[3, 2], [3, 1]]),
        Case::new(json!({"type": "concatenate", "axis": 1}), [[3, 2], [1, 2], [2, 2]]),
        Case::new(json!({"type": "stack"}), [[3, 2], [3, 2], [3, 2]]),
        Case::new(json!({"type": "stack", "axis": 1}), [[3], [3]]),
        Case::new(json!({"type": "dot", "axes": 1}), [[4], [4]]),
        Case::new(json!({"type": "dot", "axes": [2, 1], "normalize": true}), [[3, 4], [4, 2]]),
        Case::new(json!({"type": "dot", "axes": [1, 3]}), [[2, 3, 2], [2, 2, 2]]),
        Case::new(json!({"type": "relu", "max_value": 0.6, "negative_slope": 0.2, "threshold": 0.1}), [[3, 4]]),
        Case::new(json!({"type": "leaky_relu"}), [[5]]),
        Case::new(json!({"type": "prelu"}), [[3, 2]]),
        Case::new(json!({"type": "prelu", "shared_axes": [1]}), [[3, 2]]),
        Case::new(json!({"type": "prelu", "shared_axes": [2]}), [[2, 3, 2]]),
        Case::new(json!({"type": "elu", "alpha": 0.7}), [[5]]),
        Case::new(json!({"type": "softmax"}), [[3, 4]]),
        Case::new(json!({"type": "softmax", "axis": 1}), [[3, 4]]),
        Case::new(json!({"type": "softmax", "axis": [1, 2]}), [[3, 2, 2]]),
        Case::new(json!({"type": "attention"}), [[3, 4], [5, 4]]),
        Case::new(json!({"type": "attention", "use_scale": true, "use_causal_mask": true}), [[4, 2], [3, 3], [3, 2]]),
        Case::new(
            json!({"type": "attention", "use_scale": true, "score_mode": "concat", "dropout": 0.3}),
            [[3, 2], [4, 2]],
        ),
        Case::new(json!({"type": "attention", "score_mode": "concat"}), [[2, 3], [3, 3]]),
        Case::new(json!({"type": "additive_attention"}), [[3, 2], [4, 2]]),
        Case::new(
            json!({"type": "additive_attention", "use_scale": false, "use_causal_mask": true}),
            [[3, 2], [3, 4], [3, 2]],
        ),
        Case::new(json!({"type": "position_embedding"}), [[3, 2]]),
        Case::new(
            json!({"type": "position_embedding", "sequence_length": 5, "embeddings_initializer": "zeros"}),
            [[3, 2]],
        ),
        Case::new(json!({"type": "sine_position_encoding", "max_wavelength": 50}), [[4, 3]]),
        Case::new(
            json!({"type": "transformer_encoder", "intermediate_dim": 5, "num_heads": 2, "activation": "gelu"}),
            [[3, 4]],
        ),
        Case::new(
            json!({"type": "transformer_encoder", "intermediate_dim": 3, "num_heads": 1, "dropout": 0.2, "activation": "tanh", "normalize_first": true, "key_dim": 3}),
            [[3, 2]],
        ),
        Case::new(
            json!({"type": "transformer_decoder", "intermediate_dim": 4, "num_heads": 2, "activation": "tanh"}),
            [[3, 4]],
        ),
        Case::new(
            json!({"type": "transformer_decoder", "intermediate_dim": 3, "num_heads": 1, "activation": "swish", "normalize_first": true}),
            [[3, 2], [4, 3]],
        ),
        Case::new(json!({"type": "time_distributed", "layer": {"type": "dense", "units": 3}}), [[4, 2]]),
        Case::new(json!({"type": "time_distributed", "layer": {"type": "batch_normalization"}}), [[3, 2, 2]]),
        Case::new(json!({"type": "time_distributed", "layer": {"type": "lstm", "units": 2}}), [[2, 3, 2]]),
        Case::new(json!({"type": "time_distributed", "layer": {"type": "multiply"}}), [[3, 2], [3, 2]]),
        Case::new(
            json!({"type": "time_distributed", "layer": {"type": "attention", "use_causal_mask": true}}),
            [[2, 3, 2], [2, 4, 2]],
        ),
    ]);
    cases
}
