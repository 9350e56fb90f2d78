//! One-hot columns of x: the bits do not depend on threads, and the results are those of the expanded columns.

use super::{
    super::{FitPlan, Samples, fit},
    Record, architecture, plan,
};
use crate::engine::{input_layout::InputColumn, network::Network};
use ndarray::Array2;
use rstest::rstest;
use serde_json::{Value, json};

const ROWS: usize = 300;
const COLUMNS: [InputColumn; 6] = [
    InputColumn::OneHot(500),
    InputColumn::Number,
    InputColumn::OneHot(7),
    InputColumn::Number,
    InputColumn::OneHot(120),
    InputColumn::OneHot(64),
];

/// Codes and numbers, the same expanded, and a target.
fn data() -> (Array2<f64>, Array2<f64>, Array2<f64>) {
    let width: usize = COLUMNS.iter().map(|column| column.width()).sum();
    let (mut x, mut expanded) = (Array2::zeros((ROWS, COLUMNS.len())), Array2::zeros((ROWS, width)));
    for row in 0..ROWS {
        let mut first = 0;
        for (index, column) in COLUMNS.into_iter().enumerate() {
            let number = ((row * 31 + index * 17 + row * index) as f64 * 0.7).sin();
            match column {
                InputColumn::Number => {
                    x[[row, index]] = number;
                    expanded[[row, first]] = number;
                }
                // a code past the last is one that is unknown
                InputColumn::OneHot(width) => match ((number + 1.0) * 0.5 * (width + 3) as f64) as usize {
                    code if code < width => {
                        x[[row, index]] = code as f64;
                        expanded[[row, first + code]] = 1.0;
                    }
                    _ => x[[row, index]] = -1.0,
                },
            }
            first += column.width();
        }
    }
    let y = Array2::from_shape_fn((ROWS, 1), |(row, _)| x[[row, 1]] + (x[[row, 0]] * 0.1).sin());
    (x, expanded, y)
}

fn bits(network: &Network<f64>) -> Vec<u64> {
    network.tensors().iter().flat_map(|tensor| &tensor.values).map(|value| value.to_bits()).collect()
}

/// The predictions and the bits of the weights after three epochs.
fn trained(layers: &Value, threads: usize, batch: usize, one_hot: bool) -> (Array2<f64>, Vec<u64>) {
    let (x, expanded, y) = data();
    let mut architecture = architecture(expanded.ncols(), layers.clone());
    if one_hot {
        architecture = architecture.with_columns(COLUMNS);
    }
    let x = if one_hot { x } else { expanded };
    let mut network = Network::<f64>::initialize(architecture, 3);
    let plan = FitPlan { threads, ..plan(3, batch, json!("adam"), "mse") };
    let samples = Samples { x: x.view(), y: y.view(), weights: None };
    fit(&mut network, &plan, samples, Some(samples), &mut Record::default()).unwrap();
    let predicted = network.predict(x.view());
    let one: Vec<f64> = (0..ROWS).map(|row| network.predict(x.slice(ndarray::s![row..=row, ..]))[[0, 0]]).collect();
    assert_eq!(one, predicted.column(0).to_vec(), "a row's bits do not depend on the others");
    (predicted, bits(&network))
}

#[rstest]
// the kernel's gradient is one of lanes, or computed where the optimizer uses it
#[case::few_units(json!([{"type": "dense", "units": 3, "activation": "tanh"}, {"type": "dense", "units": 1}]))]
#[case::many_units(json!([{"type": "dense", "units": 96, "kernel_regularizer": "l2"}, {"type": "dense", "units": 1}]))]
#[case::batch_reduction(json!([{"type": "dense", "units": 96}, {"type": "batch_normalization"}, {"type": "dense", "units": 1}]))]
#[case::another_layer(json!([{"type": "layer_normalization"}, {"type": "dense", "units": 8}, {"type": "dense", "units": 1}]))]
#[case::frozen(json!([{"type": "dense", "units": 8, "trainable": false}, {"type": "dense", "units": 1}]))]
#[case::after_dropout(json!([{"type": "dropout", "rate": 0.2}, {"type": "dense", "units": 5}, {"type": "dense", "units": 1}]))]
fn results_are_those_of_the_expanded_columns_at_any_number_of_threads(#[case] layers: Value) {
    for batch in [32, ROWS] {
        let (expected, _) = trained(&layers, 1, batch, false);
        let (received, weights) = trained(&layers, 1, batch, true);
        let errors = (&expected - &received).mapv(f64::abs);
        let most = errors.iter().copied().fold(0.0, f64::max);
        assert!(most < 1e-7, "batch {batch}: {most}");
        for threads in [2, 4] {
            assert_eq!(weights, trained(&layers, threads, batch, true).1, "batch {batch}, {threads} threads");
        }
    }
}

#[test]
fn narrow_one_hot_columns_have_the_bits_of_a_product() {
    let layers = json!([{"type": "dense", "units": 9, "activation": "relu"}, {"type": "dense", "units": 1}]);
    let columns = [InputColumn::Number, InputColumn::OneHot(7), InputColumn::Number];
    let narrow = |x: &Array2<f64>, columns: std::ops::Range<usize>| x.slice(ndarray::s![.., columns]).to_owned();
    let (x, expanded, y) = data();
    let weights = [(narrow(&x, 1..4), Some(columns)), (narrow(&expanded, 500..509), None)].map(|(x, columns)| {
        let architecture = architecture(9, layers.clone());
        let architecture = match columns {
            Some(columns) => architecture.with_columns(columns),
            None => architecture,
        };
        let mut network = Network::<f64>::initialize(architecture, 3);
        let samples = Samples { x: x.view(), y: y.view(), weights: None };
        fit(&mut network, &plan(2, 32, json!("adam"), "mse"), samples, None, &mut Record::default()).unwrap();
        bits(&network)
    });
    assert_eq!(weights[0], weights[1]);
}
