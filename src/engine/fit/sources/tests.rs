use super::GradientSources;
use crate::engine::{
    fit::{
        FitPlan,
        partition::Partition,
        task::DataLayout,
        tests::{architecture, data, plan, samples},
        trainer::Trainer,
    },
    kernel::Team,
    network::Network,
};
use serde_json::{Value, json};

const FEATURES: usize = 24;
const ROWS: usize = 70;

/// Every weight after two steps, the second of few rows, and the deferred parameters.
fn learn(layers: &Value, optimizer: &Value, threads: usize, large: usize) -> (Vec<f64>, Vec<String>) {
    let mut network = Network::<f64>::initialize(architecture(FEATURES, layers.clone()), 5);
    let (x, y) = data::<f64>(ROWS, FEATURES);
    let plan = FitPlan { shuffle: false, ..plan(1, 64, optimizer.clone(), "binary_crossentropy") };
    let layout = DataLayout::new(network.architecture(), &plan);
    let team = Team::new(threads);
    let sources =
        |architecture: &_, partition: &Partition| GradientSources::with_threshold(architecture, partition, large);
    let parameters = network.architecture().parameters().to_vec();
    let mut trainer = Trainer::with_sources(&team, &mut network, &plan, &layout, 64, false, sources);
    let places = &trainer.sources.places;
    let deferred = parameters.iter().zip(places).filter(|(it, place)| it.spec.trainable && place.is_empty());
    let deferred = deferred.map(|(parameter, _)| parameter.name.clone()).collect();
    let order: Vec<usize> = (0..ROWS).collect();
    for rows in order.chunks(64) {
        trainer.step(samples(&x, &y), rows, 0.01);
    }
    drop(trainer);
    (network.tensors().into_iter().flat_map(|tensor| tensor.values).collect(), deferred)
}

#[test]
fn deferred_gradients_equal_those_of_lanes() {
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
            let (per_lane, none) = learn(layers, &optimizer, 1, usize::MAX);
            let (deferred, parameters) = learn(layers, &optimizer, 1, 1);
            assert!(none.is_empty());
            assert_eq!(&parameters, expected);
            assert_eq!(deferred, learn(layers, &optimizer, 3, 1).0, "the same bits on three threads");
            for (index, (a, b)) in per_lane.iter().zip(&deferred).enumerate() {
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
        let partition = Partition { lanes: 2, lane_rows: 20, shard_rows: 20 };
        let sources = GradientSources::with_threshold(&architecture, &partition, large);
        let mut end = 0;
        for block in sources.blocks() {
            assert_eq!(block.start, end);
            assert!(block.len() <= super::MAX_BLOCK.max(units), "{units} units: {block:?}");
            end = block.end;
        }
        assert_eq!(end, architecture.trainable_elements());
    }
}

#[test]
fn nothing_is_deferred_where_lanes_have_several_shards() {
    let architecture = architecture(FEATURES, json!([{"type": "dense", "units": 3000}, {"type": "dense", "units": 1}]));
    let sources = |shard_rows| GradientSources::new(&architecture, &Partition { lanes: 4, lane_rows: 256, shard_rows });
    assert_eq!(sources(128).elements, architecture.trainable_elements());
    assert_eq!(sources(256).elements, architecture.trainable_elements() - FEATURES * 3000);
}
