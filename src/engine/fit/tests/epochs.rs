//! What goes on from epoch to epoch: stopping, smaller steps, validation.

use super::{
    super::{EarlyStopping, EpochReport, FitError, FitPlan, Fitted, ValidationFreq, fit},
    Record, architecture, bits, data, from, log, plan, samples,
};
use crate::engine::network::Network;
use serde_json::{Value, json};

fn stopping(settings: Value, epochs: u32) -> (Fitted, Record, Network<f32>) {
    let (x, y) = data::<f32>(60, 5);
    let mut network = Network::initialize(architecture(5, json!([{"type": "dense", "units": 1}])), 1);
    // A learning rate at which the loss first falls and then rises is not needed: the monitor may be made to rise.
    let plan =
        FitPlan { early_stopping: Some(from::<EarlyStopping>(settings)), ..plan(epochs, 60, json!("sgd"), "mse") };
    let mut record = Record::default();
    let fitted = fit(&mut network, &plan, samples(&x, &y), Some(samples(&x, &y)), &mut record).unwrap();
    (fitted, record, network)
}

#[test]
fn early_stopping_goes_back_to_the_best_weights() {
    // The loss falls in every epoch, so by `max` the first one is the best.
    let worse = json!({"monitor": "val_loss", "mode": "max", "patience": 3, "restore_best_weights": true});
    let (fitted, record, network) = stopping(worse, 20);
    assert_eq!((fitted.epochs, fitted.best_epoch, fitted.stopped_early), (4, 1, true));
    assert_eq!(fitted.logs, record.epochs[0].logs);
    let (x, y) = data::<f32>(60, 5);
    let loss = (network.predict(x.view()) - y).mapv(|e| e * e).mean().unwrap();
    assert!((f64::from(loss) - log(&fitted.logs, "val_loss")).abs() < 1e-6);

    let better = json!({"monitor": "val_loss", "patience": 3, "restore_best_weights": true});
    let (fitted, record, _) = stopping(better, 20);
    assert_eq!((fitted.epochs, fitted.best_epoch, fitted.stopped_early), (20, 20, false));
    assert_eq!(fitted.logs, record.epochs[19].logs);
}

#[test]
fn a_fit_that_is_ended_early_is_one_of_so_many_epochs() {
    let (x, y) = data::<f32>(60, 5);
    let run = |epochs, last_epoch, stopping: Option<Value>| {
        let mut network = Network::initialize(architecture(5, json!([{"type": "dense", "units": 1}])), 1);
        let early_stopping = stopping.map(from::<EarlyStopping>);
        let plan = FitPlan { early_stopping, ..plan(epochs, 20, json!("adam"), "mse") };
        let mut record = Record { last_epoch, ..Record::default() };
        let fitted = fit(&mut network, &plan, samples(&x, &y), Some(samples(&x, &y)), &mut record).unwrap();
        (fitted, bits(&network.tensors()))
    };
    let (short, expected) = run(3, None, None);
    let (ended, found) = run(50, Some(3), None);
    assert_eq!((&found, &ended.logs), (&expected, &short.logs));
    assert_eq!((ended.epochs, ended.kept_epoch, ended.finished_early), (3, 3, true));
    assert_eq!((short.kept_epoch, short.finished_early), (3, false));

    // By `max` the first epoch is the best.
    let stopping = json!({"monitor": "val_loss", "mode": "max", "patience": 9, "restore_best_weights": true});
    let (best, found) = run(50, Some(3), Some(stopping));
    assert_eq!((best.epochs, best.kept_epoch, best.best_epoch, best.finished_early), (3, 1, 1, true));
    assert_eq!(found, run(1, None, None).1);
    let late = json!({"monitor": "val_loss", "patience": 9, "restore_best_weights": true, "start_from_epoch": 9});
    let (late, found) = run(50, Some(3), Some(late));
    assert_eq!((late.kept_epoch, found), (3, expected), "no epoch is the best yet");
    let (last, _) = run(3, Some(3), None);
    assert!(!last.finished_early, "it ends there anyway");
}

#[test]
fn a_fit_that_is_ended_early_has_its_best_weights_where_they_are_wanted() {
    let (x, y) = data::<f32>(60, 5);
    let run = |epochs, last_epoch, mode: Option<&str>| {
        let mut network = Network::initialize(architecture(5, json!([{"type": "dense", "units": 1}])), 1);
        let early_stopping =
            mode.map(|mode| from::<EarlyStopping>(json!({"monitor": "val_loss", "mode": mode, "patience": 9})));
        let plan = FitPlan { early_stopping, ..plan(epochs, 60, json!("sgd"), "mse") };
        let mut record = Record { last_epoch, wants_best: true, ..Record::default() };
        let fitted = fit(&mut network, &plan, samples(&x, &y), Some(samples(&x, &y)), &mut record).unwrap();
        (fitted, bits(&network.tensors()))
    };
    // The loss falls in every epoch, so by `max` the first one is the best.
    let (best, found) = run(50, Some(3), Some("max"));
    assert_eq!((best.epochs, best.kept_epoch, best.best_epoch, best.finished_early), (3, 1, 1, true));
    assert_eq!(found, run(1, None, None).1);
    let (last, found) = run(50, Some(3), None);
    assert_eq!((last.kept_epoch, last.best_epoch), (3, 3));
    assert_eq!(found, run(3, None, None).1);
    let (whole, found) = run(3, None, Some("max"));
    assert_eq!((whole.kept_epoch, whole.best_epoch), (3, 1), "a whole fit keeps the last weights, as it is asked to");
    assert_eq!(found, run(3, None, None).1);
}

#[test]
fn early_stopping_of_what_is_not_reported_is_refused() {
    let (x, y) = data::<f32>(60, 5);
    let mut network = Network::initialize(architecture(5, json!([{"type": "dense", "units": 1}])), 1);
    let plan = FitPlan { early_stopping: Some(EarlyStopping::default()), ..plan(2, 60, json!("sgd"), "mse") };
    let error = fit(&mut network, &plan, samples(&x, &y), None, &mut Record::default()).unwrap_err();
    assert_eq!(error, FitError::UnknownMonitor { monitor: "val_loss".into(), known: vec!["loss".into()] });
}

#[test]
fn without_early_stopping_the_best_epoch_has_the_least_loss() {
    let (x, y) = data::<f32>(60, 5);
    let mut network = Network::initialize(architecture(5, json!([{"type": "dense", "units": 1}])), 1);
    let fitted =
        fit(&mut network, &plan(7, 60, json!("sgd"), "mse"), samples(&x, &y), None, &mut Record::default()).unwrap();
    assert_eq!((fitted.epochs, fitted.best_epoch, fitted.stopped_early), (7, 7, false));
}

/// The loss of each epoch and its learning rate in a fit of one layer to noise.
fn course(change: impl Fn(FitPlan) -> FitPlan) -> (Fitted, Record) {
    let (x, y) = data::<f32>(60, 5);
    let mut network = Network::initialize(architecture(5, json!([{"type": "dense", "units": 1}])), 1);
    let plan = change(plan(4, 20, json!("sgd"), "mse"));
    let mut record = Record::default();
    let fitted = fit(&mut network, &plan, samples(&x, &y), Some(samples(&x, &y)), &mut record).unwrap();
    (fitted, record)
}

#[test]
fn epochs_of_some_steps_go_on_where_the_one_before_ended() {
    let (_, whole) = course(|plan| FitPlan { epochs: 2, ..plan });
    let (_, thirds) = course(|plan| FitPlan { epochs: 6, steps_per_epoch: Some(1), ..plan });
    assert_eq!(whole.steps.len(), 4);
    assert!(thirds.steps.is_empty(), "an epoch of one step has none within");
    // Three epochs of one step each see the same rows as an epoch of three, from the same weights.
    let mean = |epochs: &[EpochReport]| epochs.iter().map(|epoch| log(&epoch.logs, "loss")).sum::<f64>() / 3.0;
    assert!((mean(&thirds.epochs[..3]) - log(&whole.epochs[0].logs, "loss")).abs() < 1e-9);
    assert_eq!(log(&thirds.epochs[5].logs, "val_loss"), log(&whole.epochs[1].logs, "val_loss"));
    let (_, double) = course(|plan| FitPlan { epochs: 1, steps_per_epoch: Some(6), ..plan });
    assert_eq!(log(&double.epochs[0].logs, "val_loss"), log(&whole.epochs[1].logs, "val_loss"));
}

#[test]
fn validation_is_measured_after_the_epochs_that_ask_for_it() {
    let validated = |frequency: ValidationFreq| -> Vec<u32> {
        let (_, record) = course(|plan| FitPlan { validation_freq: frequency.clone(), ..plan });
        let with = record.epochs.iter().filter(|epoch| epoch.logs.iter().any(|(name, _)| name == "val_loss"));
        with.map(|epoch| epoch.epoch).collect()
    };
    assert_eq!(validated(ValidationFreq::default()), [1, 2, 3, 4]);
    assert_eq!(validated(ValidationFreq::Every(3)), [3]);
    assert_eq!(validated(ValidationFreq::Epochs(vec![4, 1])), [1, 4]);
    assert!(validated(ValidationFreq::Every(9)).is_empty());
}

#[test]
fn the_rate_falls_on_a_plateau_and_follows_its_schedule() {
    let plateau = json!({"monitor": "val_loss", "mode": "max", "patience": 1, "factor": 0.5});
    let (_, record) = course(|plan| FitPlan { reduce_lr_on_plateau: Some(from(plateau.clone())), ..plan });
    let rates = |record: &Record| record.epochs.iter().map(|epoch| epoch.learning_rate).collect::<Vec<_>>();
    assert_eq!(rates(&record), [0.01, 0.01, 0.005, 0.0025]);
    let schedule = json!({"type": "sgd", "learning_rate": {"type": "piecewise_constant_decay", "boundaries": [4, 7], "values": [0.1, 0.01, 0.001]}});
    let (_, record) = course(|plan| FitPlan { optimizer: from(schedule.clone()), ..plan });
    // Three steps an epoch: the last ones are steps 2, 5, 8 and 11.
    assert_eq!(rates(&record), [0.1, 0.01, 0.001, 0.001]);
}

#[test]
fn a_loss_that_is_not_finite_may_end_a_fit_with_its_last_whole_epoch() {
    let rising = json!({"type": "sgd", "learning_rate": {"type": "piecewise_constant_decay", "boundaries": [5], "values": [0.01, 1e30]}});
    let (x, y) = data::<f32>(60, 5);
    let architecture = architecture(5, json!([{"type": "dense", "units": 1}]));
    let run = |terminate_on_nan, epochs| {
        let plan = FitPlan { terminate_on_nan, ..plan(epochs, 20, rising.clone(), "mse") };
        let mut network = Network::initialize(architecture.clone(), 1);
        let fitted = fit(&mut network, &plan, samples(&x, &y), None, &mut Record::default());
        (fitted, bits(&network.tensors()))
    };
    assert!(matches!(run(false, 9).0, Err(FitError::Diverged { epoch: 3, .. })));
    let (fitted, weights) = run(true, 9);
    let fitted = fitted.unwrap();
    assert_eq!((fitted.terminated, fitted.epochs), (Some(2), 2));
    let (two, expected) = run(false, 2);
    assert_eq!((fitted.logs, weights), (two.unwrap().logs, expected));
}
