use super::Sources;
use crate::engine::{
    fit::{
        FitPlan,
        cut::Cut,
        tests::{architecture, data, plan, samples},
        trainer::{Parts, Trainer},
    },
    kernel::Team,
    network::Network,
};
use serde_json::{Value, json};

const FEATURES: usize = 24;
const ROWS: usize = 70;

/// Every weight after two steps, the second over the few rows that remain, and the parameters that lanes have no place for.
fn learn(layers: &Value, optimizer: &Value, threads: usize, large: usize) -> (Vec<f64>, Vec<String>) {
    let mut network = Network::<f64>::initialize(architecture(FEATURES, layers.clone()), 5);
    let (x, y) = data::<f64>(ROWS, FEATURES);
    let plan = FitPlan { shuffle: false, ..plan(1, 64, optimizer.clone(), "binary_crossentropy") };
    let parts = Parts::new(network.architecture(), &plan);
    let team = Team::new(threads);
    let sources = |architecture: &_, cut: &Cut| Sources::later_from(architecture, cut, large);
    let parameters = network.architecture().parameters().to_vec();
    let mut trainer = Trainer::with_sources(&team, &mut network, &plan, &parts, 64, false, sources);
    let places = &trainer.sources.places;
    let later = parameters.iter().zip(places).filter(|(it, place)| it.spec.trainable && place.is_empty());
    let later = later.map(|(parameter, _)| parameter.name.clone()).collect();
    let order: Vec<usize> = (0..ROWS).collect();
    for rows in order.chunks(64) {
        trainer.step(samples(&x, &y), rows, 0.01);
    }
    drop(trainer);
    (network.tensors().into_iter().flat_map(|tensor| tensor.values).collect(), later)
}

#[test]
fn gradients_that_are_made_later_are_those_that_lanes_make() {
    let last = json!({"type": "dense", "units": 1, "activation": "sigmoid", "name": "last"});
    let networks = [
        (
            json!([
                {"type": "dense", "units": 67, "activation": "gelu", "kernel_regularizer": "l2", "name": "first"},
                {"type": "dense", "units": 45, "kernel_regularizer": "orthogonal_regularizer", "name": "penalized"},
                {"type": "dense", "units": 40, "trainable": false, "name": "frozen"},
                last
            ]),
            vec!["first/kernel", "last/kernel"],
        ),
        (
            json!([
                {"type": "reshape", "target_shape": [6, 4]},
                {"type": "dense", "units": 67, "activation": "tanh", "name": "of_steps"},
                {"type": "batch_normalization"},
                {"type": "time_distributed", "layer": {"type": "dense", "units": 33}, "name": "distributed"},
                {"type": "flatten", "name": "flat"},
                {"type": "dense", "units": 198, "inputs": [["flat"], ["shared"]], "name": "shared"},
                {"type": "dense", "units": 1, "activation": "sigmoid", "name": "last", "inputs": ["shared:1"]}
            ]),
            vec!["of_steps/kernel", "distributed/dense/kernel", "last/kernel"],
        ),
    ];
    for (layers, expected) in &networks {
        for optimizer in [json!("adam"), json!({"type": "sgd", "clipnorm": 0.1}), json!("muon")] {
            let (by_lanes, none) = learn(layers, &optimizer, 1, usize::MAX);
            let (later, parameters) = learn(layers, &optimizer, 1, 1);
            assert!(none.is_empty());
            assert_eq!(&parameters, expected);
            assert_eq!(later, learn(layers, &optimizer, 3, 1).0, "the same bits on three threads");
            for (index, (a, b)) in by_lanes.iter().zip(&later).enumerate() {
                assert!((a - b).abs() <= 1e-9 * (1.0 + a.abs()), "{optimizer}, weight {index}: {a} and {b}");
            }
        }
    }
}

#[test]
fn blocks_cover_every_weight_once_and_stay_small() {
    for (units, large) in [(2, 1), (700, 1), (3000, 1), (3000, usize::MAX), (70_000, 1)] {
        let architecture =
            architecture(FEATURES, json!([{"type": "dense", "units": units}, {"type": "dense", "units": 5}]));
        let cut = Cut { lanes: 2, lane_rows: 20, shard_rows: 20 };
        let sources = Sources::later_from(&architecture, &cut, large);
        let mut end = 0;
        for block in sources.blocks() {
            assert_eq!(block.start, end);
            assert!(block.len() <= super::MOST_CELLS.max(units), "{units} units: {block:?}");
            end = block.end;
        }
        assert_eq!(end, architecture.trainable_cells());
    }
}

#[test]
fn nothing_is_made_later_where_rows_are_gone_by_then() {
    let architecture = architecture(FEATURES, json!([{"type": "dense", "units": 3000}, {"type": "dense", "units": 1}]));
    let sources = |shard_rows| Sources::new(&architecture, &Cut { lanes: 4, lane_rows: 256, shard_rows });
    assert_eq!(sources(128).cells, architecture.trainable_cells());
    assert_eq!(sources(256).cells, architecture.trainable_cells() - FEATURES * 3000);
}
