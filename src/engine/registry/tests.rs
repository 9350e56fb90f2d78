//! One walk over each registry: analytic gradients against central differences in f64, and the JSON form of each
//! member.

use crate::engine::{
    activation::{Activation, Elu, Gelu, LeakyRelu},
    field::{self, FieldError},
    init::Initializer,
    loss::{Loss, TargetKind},
    metric::{Measure, Metric},
    optimizer::Optimizer,
    regularizer::{L1L2, OrthogonalMode, OrthogonalRegularizer, Regularizer},
    shape::Shape,
};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

const STEP: f64 = 1e-6;

/// Uniform in -scale..scale, never at 0.
fn elements(count: usize, scale: f64, random: &mut ChaCha8Rng) -> Vec<f64> {
    (0..count).map(|_| scale * ((random.next_u32() as f64 + 0.5) / f64::from(1u32 << 31) - 1.0)).collect()
}

/// The derivative of `f` by each element of `x`.
fn differences(x: &[f64], f: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let moved = |index: usize, by: f64| {
        let mut x = x.to_vec();
        x[index] += by;
        f(&x)
    };
    (0..x.len()).map(|index| (moved(index, STEP) - moved(index, -STEP)) / (2.0 * STEP)).collect()
}

fn assert_close(what: &str, received: &[f64], expected: &[f64]) {
    for (index, (received, expected)) in received.iter().zip(expected).enumerate() {
        let bound = 1e-6 * expected.abs().max(1.0);
        assert!(
            (received - expected).abs() <= bound,
            "{what}, element {index}: {received} but differences give {expected}"
        );
    }
}

#[test]
fn activations() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let tuned = [
        Activation::LeakyRelu(LeakyRelu { negative_slope: 0.0 }),
        Activation::Elu(Elu { alpha: 0.0 }),
        Activation::Elu(Elu { alpha: 2.5 }),
        Activation::Gelu(Gelu { approximate: true }),
    ];
    for activation in Activation::every().into_iter().chain(tuned) {
        for width in [1, 3, 9, 33] {
            let x = elements(2 * width, 4.0, &mut random);
            let upstream = elements(2 * width, 1.0, &mut random);
            let forward = |x: &[f64]| {
                let mut y = x.to_vec();
                activation.forward(&mut y, width);
                y
            };
            let expected = differences(&x, |x| forward(x).iter().zip(&upstream).map(|(y, up)| y * up).sum());
            let mut gradient = upstream.clone();
            let known: &[f64] = if activation.needs_input() { &x } else { &[] };
            activation.backward(known, &forward(&x), &mut gradient, width);
            assert_close(&format!("{activation:?}, width {width}"), &gradient, &expected);
        }
    }
}

#[test]
fn losses() {
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let tuned = [
        json!({"type": "binary_crossentropy", "from_logits": true, "label_smoothing": 0.3}),
        json!({"type": "binary_crossentropy", "label_smoothing": 0.3}),
        json!({"type": "categorical_crossentropy", "from_logits": true, "label_smoothing": 0.3}),
        json!({"type": "categorical_crossentropy", "label_smoothing": 0.3}),
        json!({"type": "sparse_categorical_crossentropy", "from_logits": true}),
        json!({"type": "binary_focal_crossentropy", "apply_class_balancing": true, "alpha": 0.3, "gamma": 1.5}),
        json!({"type": "binary_focal_crossentropy", "from_logits": true, "gamma": 1, "label_smoothing": 0.3}),
        json!({"type": "binary_focal_crossentropy", "gamma": 0}),
        json!({"type": "categorical_focal_crossentropy", "alpha": 0.7, "gamma": 1.5, "label_smoothing": 0.3}),
        json!({"type": "categorical_focal_crossentropy", "from_logits": true, "gamma": 0.5}),
        json!({"type": "huber", "delta": 0.4}),
        json!({"type": "dice", "axis": -1}),
        json!({"type": "tversky", "axis": -1, "alpha": 0.3, "beta": 1.7}),
        json!({"type": "tversky", "alpha": 0.3, "beta": 1.7}),
        json!({"type": "sparse_categorical_crossentropy", "ignore_class": 0}),
    ];
    let tuned = tuned.iter().map(|settings| field::parse::<Loss>(settings).unwrap());
    for loss in Loss::every().into_iter().chain(tuned) {
        for (width, rows, logits) in [(1, 21, true), (1, 300, false), (4, 5, true), (4, 5, false), (19, 3, true)] {
            let fused = [Activation::Sigmoid, Activation::Softmax].map(Some);
            let fused = fused.into_iter().flatten().filter(|&last| logits && loss.is_fused_with(last));
            let choices: Vec<_> = if fused.clone().count() == 0 { vec![None] } else { fused.map(Some).collect() };
            let mut output = elements(rows * width, 2.0, &mut random);
            match loss.target_kind() {
                _ if choices != [None] => {}
                TargetKind::Binary => Activation::Sigmoid.forward(&mut output, width),
                TargetKind::Probabilities | TargetKind::ClassIndex => {
                    Activation::Softmax.forward(&mut output, width);
                    // Not 1: a single class would be at the bound to which probabilities are clipped.
                    output.iter_mut().for_each(|output| *output *= 0.9);
                }
                // Outputs are rates.
                _ if loss.kind() == "poisson" => output.iter_mut().for_each(|output| *output = output.abs() + 0.1),
                TargetKind::SignedBinary | TargetKind::Continuous => {}
            }
            let targets: Vec<f64> = if loss.target_width(width) < width || loss.target_width(2) == 1 {
                (0..rows).map(|row| (row * 7 % width) as f64).collect()
            } else {
                elements(rows * width, 0.9, &mut random).iter().map(|target| 0.1 + target.abs()).collect()
            };
            let weights = elements(rows, 1.0, &mut random);
            for (weights, fused) in
                [None, Some(&weights[..])].into_iter().flat_map(|weights| choices.iter().map(move |&it| (weights, it)))
            {
                let value = |output: &[f64]| {
                    loss.evaluate(&targets, output, width, fused, weights, 1.0, &mut vec![0.0; output.len()])
                };
                let expected = differences(&output, value);
                let mut gradient = vec![0.0; output.len()];
                loss.evaluate(&targets, &output, width, fused, weights, 2.0, &mut gradient);
                gradient.iter_mut().for_each(|gradient| *gradient /= 2.0);
                assert_close(&format!("{loss:?}, width {width}, before {fused:?}"), &gradient, &expected);
            }
        }
    }
}

#[test]
fn regularizers() {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let weights = elements(21, 2.0, &mut random);
    let columns = OrthogonalRegularizer { factor: 3.0, mode: OrthogonalMode::Columns };
    let tuned = [Regularizer::L1L2(L1L2 { l1: 0.3, l2: 0.7 }), Regularizer::OrthogonalRegularizer(columns)];
    let shape = Shape(vec![3, 7]);
    for regularizer in Regularizer::every().into_iter().chain(tuned) {
        let mut scratch = vec![0.0; regularizer.scratch_elements(&shape)];
        let expected = differences(&weights, |weights| regularizer.penalty(weights, &shape, &mut scratch.clone()));
        let expected: Vec<f64> = expected.iter().map(|element| element + 1.0).collect();
        let mut gradient = vec![1.0; weights.len()];
        regularizer.add_gradient(&weights, &shape, &mut scratch, &mut gradient);
        assert_close(&format!("{regularizer:?}"), &gradient, &expected);
    }
}

#[test]
fn nan_is_never_hidden() {
    for activation in Activation::every() {
        for width in [1, 3] {
            let mut y = vec![f32::NAN; width];
            activation.forward(&mut y, width);
            assert!(y.iter().all(|y| y.is_nan()), "{activation:?}");
        }
    }
    for loss in Loss::every() {
        for fused in [None, Some(Activation::Sigmoid), Some(Activation::Softmax)] {
            for width in [1, 4] {
                let (targets, output) = (vec![0.0f32; loss.target_width(width)], vec![f32::NAN; width]);
                let total = loss.evaluate(&targets, &output, width, fused, None, 1.0, &mut vec![0.0; width]);
                assert!(total.is_nan(), "{loss:?}, before {fused:?}");
            }
        }
    }
    let (sparse, mut gradient) = (field::parse::<Loss>(&json!("sparse_categorical_crossentropy")).unwrap(), [0.0; 3]);
    for target in [3.0, 1e9] {
        assert!(
            sparse
                .evaluate(&[target], &[0.1f32, 0.2, 0.7], 3, Some(Activation::Softmax), None, 1.0, &mut gradient)
                .is_nan()
        );
    }
}

#[test]
fn metrics_of_nothing_and_of_one_class_are_numbers() {
    for measure in Measure::every() {
        let metric = Metric::from(measure);
        for width in [1, 3] {
            let mut elements = vec![0.0; metric.sums(width)];
            assert!(metric.result(&elements).is_finite(), "{} of nothing", metric.name);
            metric.update(&vec![0.0f32; 2 * width], &vec![0.5f32; 2 * width], width, &mut elements);
            assert!(metric.result(&elements).is_finite(), "{} of one class", metric.name);
        }
    }
}

#[test]
fn several_outputs_of_a_binary_crossentropy_are_independent_labels() {
    let precision: Metric = field::parse(&json!("precision")).unwrap();
    let score = |loss: &str| {
        let metric = precision.resolve(&field::parse(&json!(loss)).unwrap());
        let mut sums = vec![0.0; metric.sums(2)];
        metric.update(&[1.0f32, 1.0, 0.0, 1.0], &[0.9, 0.8, 0.7, 0.6], 2, &mut sums);
        metric.result(&sums)
    };
    // Both outputs pass 0.5 in both rows: one of two and two of two are right.
    assert_eq!(score("binary_crossentropy"), 0.75);
    // Only the first output is ever the largest.
    assert_eq!(score("categorical_crossentropy"), 0.25);
}

#[test]
fn a_metric_of_values_refuses_class_indices() {
    let sparse: Loss = field::parse(&json!("sparse_categorical_crossentropy")).unwrap();
    for name in ["mse", "mae", "rmse", "r2_score", "binary_accuracy", "hinge", "kld", "categorical_crossentropy"] {
        let metric: Metric = field::parse(&json!(name)).unwrap();
        let error = metric.check_against(&sparse, 3).unwrap_err();
        assert!(error.detail.contains("3 output elements") && error.detail.contains("class index"), "{error}");
        assert!(metric.check_against(&field::parse(&json!("mse")).unwrap(), 3).is_ok());
    }
    for name in
        ["accuracy", "auc", "precision", "f1_score", "cohen_kappa", "mcc", "mean_iou", "top_k_categorical_accuracy"]
    {
        assert!(field::parse::<Metric>(&json!(name)).unwrap().check_against(&sparse, 3).is_ok(), "{name}");
    }
}

/// The JSON form of every member survives a round trip, refuses unknown fields, and may be a bare name.
fn assert_json<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(members: Vec<T>, names: &[&str]) {
    assert_eq!(members.len(), names.len());
    for (member, name) in members.into_iter().zip(names) {
        let value = serde_json::to_value(&member).unwrap();
        assert_eq!(field::parse::<T>(&value).as_ref(), Ok(&member), "{value}");
        assert_eq!(field::parse::<T>(&json!(name)).as_ref(), Ok(&member), "{name}");
        assert_eq!(field::parse::<T>(&json!({"type": name})).as_ref(), Ok(&member), "{name}");
        let mut unknown = json!({"type": name});
        unknown["no_such_field"] = json!(1);
        let error = field::parse::<T>(&unknown).unwrap_err();
        assert_eq!(error.pointer, "/no_such_field", "{error}");
        assert!(error.detail.starts_with("unknown field `no_such_field`"), "{error}");
    }
    let longest = names.iter().max_by_key(|name| name.len()).unwrap();
    let error = field::parse::<T>(&json!(format!("{longest}x"))).unwrap_err();
    assert!(error.detail.contains("expected one of") && error.detail.contains("did you mean"), "{error}");
    let error = field::parse::<T>(&json!({"type": "no_such_thing_at_all"})).unwrap_err();
    assert_eq!(error.pointer, "/type");
    assert_eq!(field::parse::<T>(&json!({"types": 1})).unwrap_err().pointer, "");
    assert_eq!(field::parse::<T>(&json!(7)).unwrap_err().pointer, "");
}

#[test]
fn every_member_survives_json() {
    assert_json(Activation::every(), Activation::NAMES);
    assert_json(Initializer::every(), Initializer::NAMES);
    assert_json(Loss::every(), Loss::NAMES);
    assert_json(Optimizer::every(), Optimizer::NAMES);
    assert_json(Regularizer::every(), Regularizer::NAMES);
    assert_json(Measure::every().into_iter().map(Metric::from).collect(), Measure::NAMES);
}

#[test]
fn class_names_and_short_names_of_keras_are_known() {
    fn same<T: DeserializeOwned + PartialEq + std::fmt::Debug>(received: &str, name: &str) {
        assert_eq!(field::parse::<T>(&json!(received)), field::parse::<T>(&json!(name)), "{received}");
        assert!(field::parse::<T>(&json!(received)).is_ok(), "{received}");
    }
    same::<Optimizer>("RMSprop", "rmsprop");
    same::<Optimizer>("AdamW", "adamw");
    same::<Optimizer>("SGD", "sgd");
    same::<Loss>("mse", "mean_squared_error");
    same::<Loss>("MAE", "mean_absolute_error");
    same::<Loss>("bce", "binary_crossentropy");
    same::<Loss>("MAPE", "mean_absolute_percentage_error");
    same::<Loss>("msle", "mean_squared_logarithmic_error");
    same::<Loss>("KLD", "kl_divergence");
    same::<Loss>("KLDivergence", "kl_divergence");
    same::<Loss>("logcosh", "log_cosh");
    same::<Loss>("CategoricalFocalCrossentropy", "categorical_focal_crossentropy");
    same::<Loss>("SparseCategoricalCrossentropy", "sparse_categorical_crossentropy");
    same::<Activation>("silu", "swish");
    same::<Activation>("LeakyReLU", "leaky_relu");
    same::<Initializer>("GlorotUniform", "glorot_uniform");
    same::<Regularizer>("L1L2", "l1_l2");
}

#[test]
fn a_metric_keeps_the_name_it_was_given() {
    let name = |value: Value| field::parse::<Metric>(&value).unwrap().name();
    assert_eq!(name(json!("mse")), "mse");
    assert_eq!(name(json!("MeanSquaredError")), "mean_squared_error");
    assert_eq!(name(json!({"type": "auc"})), "auc");
    assert_eq!(name(json!({"type": "auc", "name": "area"})), "area");
    for value in
        [json!("mse"), json!("f1"), json!({"type": "mse", "name": "error"}), json!({"type": "auc", "name": "a"})]
    {
        let metric: Metric = field::parse(&value).unwrap();
        assert_eq!(field::parse::<Metric>(&serde_json::to_value(&metric).unwrap()), Ok(metric));
    }
    assert_eq!(serde_json::to_value(field::parse::<Metric>(&json!("mse")).unwrap()).unwrap(), json!("mse"));
    for name in ["loss", "val_x", "a b", "", "../x"] {
        let metric: Metric = field::parse(&json!({"type": "auc", "name": name})).unwrap();
        assert_eq!(metric.check().unwrap_err().pointer, "/name", "{name}");
    }
}

#[test]
fn settings_out_of_range_are_refused_with_their_pointer() {
    fn refused<T: DeserializeOwned>(value: Value, check: impl Fn(&T) -> Result<(), FieldError>) {
        let pointer = format!("/{}", value.as_object().unwrap().keys().nth(1).unwrap());
        let error = field::parse::<T>(&value).and_then(|member| check(&member)).unwrap_err();
        assert_eq!(error.pointer, pointer, "{value}: {error}");
        assert!(error.detail.contains("expected") && error.detail.contains("received"), "{error}");
    }
    for name in Optimizer::NAMES {
        for (option, value) in [
            ("weight_decay", json!(-1.0)),
            ("clipnorm", json!(0.0)),
            ("global_clipnorm", json!(-1.0)),
            ("clipvalue", json!(0)),
            ("ema_momentum", json!(1.5)),
            ("ema_overwrite_frequency", json!(0)),
            ("gradient_accumulation_steps", json!(1)),
        ] {
            refused::<Optimizer>(json!({"type": name, option: value}), Optimizer::check);
        }
    }
    refused::<Optimizer>(json!({"type": "adam", "clipvalue": 1.0, "clipnorm": 1.0}), Optimizer::check);
    for rate in [0.0, -0.1, 1e308, 1e-60] {
        for name in Optimizer::NAMES {
            refused::<Optimizer>(json!({"type": name, "learning_rate": rate}), Optimizer::check);
        }
    }
    refused::<Optimizer>(json!({"type": "sgd", "momentum": 1.0}), Optimizer::check);
    refused::<Optimizer>(json!({"type": "sgd", "momentum": -0.1}), Optimizer::check);
    refused::<Optimizer>(json!({"type": "sgd", "weight_decay": -1.0}), Optimizer::check);
    refused::<Optimizer>(json!({"type": "adam", "beta_1": 1.0}), Optimizer::check);
    refused::<Optimizer>(json!({"type": "adam", "beta_2": 0.999999999}), Optimizer::check);
    refused::<Optimizer>(json!({"type": "adamw", "epsilon": 0.0}), Optimizer::check);
    refused::<Optimizer>(json!({"type": "rmsprop", "rho": 2}), Optimizer::check);
    refused::<Optimizer>(json!({"type": "ftrl", "learning_rate_power": 0.5}), Optimizer::check);
    refused::<Optimizer>(json!({"type": "lion", "beta_1": 0.0}), Optimizer::check);
    refused::<Optimizer>(json!({"type": "adafactor", "clip_threshold": 0.0}), Optimizer::check);
    refused::<Optimizer>(json!({"type": "muon", "ns_steps": 1000}), Optimizer::check);
    refused::<Loss>(json!({"type": "huber", "delta": 0}), Loss::check);
    refused::<Loss>(json!({"type": "huber", "delta": 1e308}), Loss::check);
    refused::<Loss>(json!({"type": "binary_crossentropy", "label_smoothing": 1.5}), Loss::check);
    refused::<Loss>(json!({"type": "binary_focal_crossentropy", "alpha": 1.5}), Loss::check);
    refused::<Loss>(json!({"type": "categorical_focal_crossentropy", "gamma": -1}), Loss::check);
    refused::<Loss>(json!({"type": "tversky", "beta": -1, "axis": -1}), Loss::check);
    refused::<Loss>(json!({"type": "dice", "axis": 1}), Loss::check);
    refused::<Activation>(json!({"type": "elu", "alpha": -1}), Activation::check);
    refused::<Regularizer>(json!({"type": "l1_l2", "l2": -1}), Regularizer::check);
    refused::<Regularizer>(json!({"type": "orthogonal_regularizer", "factor": -1}), Regularizer::check);
    refused::<Initializer>(json!({"type": "random_normal", "stddev": -1}), Initializer::check);
    refused::<Initializer>(json!({"type": "random_uniform", "maxval": -1}), Initializer::check);
    refused::<Initializer>(json!({"type": "constant", "value": -1e300}), Initializer::check);
    refused::<Metric>(json!({"type": "auc", "num_thresholds": 1}), Metric::check);
    refused::<Metric>(json!({"type": "auc", "num_labels": 3}), Metric::check);
    refused::<Metric>(json!({"type": "precision", "threshold": 1.5}), Metric::check);
    refused::<Metric>(json!({"type": "recall", "top_k": 0}), Metric::check);
    refused::<Metric>(json!({"type": "fbeta_score", "beta": 0}), Metric::check);
    refused::<Metric>(json!({"type": "top_k_categorical_accuracy", "k": 0}), Metric::check);
    refused::<Metric>(json!({"type": "binary_crossentropy", "label_smoothing": 2}), Metric::check);
    refused::<Metric>(json!({"type": "precision_at_recall", "recall": 1.1}), Metric::check);
    refused::<Metric>(json!({"type": "recall_at_precision", "num_thresholds": 0}), Metric::check);
    refused::<Metric>(json!({"type": "binary_iou", "target_class_ids": [0, 2]}), Metric::check);
    let against = |metric: &Metric| metric.check_against(&field::parse(&json!("mse")).unwrap(), 3);
    refused::<Metric>(json!({"type": "precision", "class_id": 3}), against);
    refused::<Metric>(json!({"type": "auc", "label_weights": [1.0, 2.0]}), against);
    refused::<Metric>(json!({"type": "iou", "target_class_ids": [3]}), against);
    refused::<Metric>(json!({"type": "iou", "num_classes": 2}), against);
    refused::<Metric>(json!({"type": "mean_iou", "num_classes": 2}), against);
    for name in ["pearson_correlation", "concordance_correlation"] {
        let metric = field::parse::<Metric>(&json!(name)).unwrap();
        let error = metric.check_against(&field::parse(&json!("mse")).unwrap(), 1).unwrap_err();
        assert!(error.detail.contains("at least 2 elements"), "{error}");
        assert!(against(&metric).is_ok());
    }
}

#[test]
fn a_wrong_type_within_settings_has_its_own_pointer() {
    let value = json!({"optimizer": {"learning_rate": "fast", "type": "adam"}});
    #[derive(Debug, serde::Deserialize)]
    struct Holder {
        #[allow(dead_code, reason = "only its reading matters")]
        optimizer: Optimizer,
    }
    let error = field::parse::<Holder>(&value).unwrap_err();
    assert_eq!(error.pointer, "/optimizer/learning_rate");
    assert!(error.detail.ends_with("received \"fast\""), "{error}");
}
