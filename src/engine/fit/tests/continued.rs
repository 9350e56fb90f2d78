//! A fit that is continued from its state has the bits of one that was never interrupted.

use super::{Record, architecture, bits, data, from, plan, samples};
use crate::engine::{
    fit::{FitError, FitPlan, Fitted, Samples, fit, resume},
    network::Network,
    optimizer::Optimizer,
};
use serde_json::{Value, json};

const EPOCHS: u32 = 6;

/// What a fit left: weights, reports, and its result.
type Outcome = (Vec<u32>, Vec<super::EpochReport>, Fitted);

/// Fits from `state`, if there is one; keeps the state after epoch `kept`.
fn outcome(
    layers: &Value,
    plan: &FitPlan,
    validation: bool,
    state: Option<&[u8]>,
    kept: u32,
) -> Result<(Outcome, Vec<u8>), FitError> {
    let (x, y) = data::<f32>(130, 6);
    let training: Samples<'_, f32> = samples(&x, &y);
    let mut network = Network::initialize(architecture(6, layers.clone()), 1);
    let mut record = Record { kept_epoch: Some(kept), ..Record::default() };
    let validation = validation.then_some(training);
    let fitted = match state {
        Some(mut state) => resume(&mut network, plan, training, validation, &mut record, Some(&mut state))?,
        None => fit(&mut network, plan, training, validation, &mut record)?,
    };
    Ok(((bits(&network.tensors()), record.epochs, fitted), record.state))
}

/// Continued after each epoch, the fit ends as it does without an interruption.
fn check(name: &str, layers: &Value, plan: &FitPlan, validation: bool) {
    for kept in 1..EPOCHS {
        let ((weights, reports, fitted), state) = outcome(layers, plan, validation, None, kept).unwrap();
        if fitted.epochs <= kept {
            continue;
        }
        assert!(!state.is_empty(), "{name}: there is a state after epoch {kept}");
        let ((again, continued, ended), _) = outcome(layers, plan, validation, Some(&state), 0).unwrap();
        assert!(again == weights, "{name}: other weights when continued after epoch {kept}");
        assert_eq!(continued, reports[kept as usize..], "{name}: after epoch {kept}");
        assert_eq!(ended, fitted, "{name}: after epoch {kept}");
    }
}

fn layers() -> Value {
    json!([
        {"type": "dense", "units": 8},
        {"type": "batch_normalization"},
        {"type": "activation", "activation": "relu"},
        {"type": "dropout", "rate": 0.3},
        {"type": "dense", "units": 1, "activation": "sigmoid"}
    ])
}

#[test]
fn with_every_optimizer() {
    let more = [
        json!({"type": "sgd", "momentum": 0.9, "nesterov": true, "clipnorm": 0.5}),
        json!({"type": "adam", "amsgrad": true, "use_ema": true, "ema_overwrite_frequency": 3}),
        json!({"type": "adam", "gradient_accumulation_steps": 4, "global_clipnorm": 1.0}),
        json!({"type": "rmsprop", "momentum": 0.9, "centered": true}),
        json!({"type": "sgd", "learning_rate": {"type": "exponential_decay", "initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.9}}),
    ];
    let every = Optimizer::every().into_iter().map(|optimizer| (optimizer.kind().to_owned(), optimizer));
    let more = more.into_iter().map(|settings| (settings.to_string(), from::<Optimizer>(settings)));
    for (name, optimizer) in every.chain(more) {
        let mut plan = FitPlan { optimizer, ..plan(EPOCHS, 32, json!("sgd"), "binary_crossentropy") };
        plan.outputs[0].metrics = vec![from(json!("accuracy")), from(json!("auc"))];
        check(&name, &layers(), &plan, true);
    }
}

#[test]
fn with_callbacks_and_steps_that_end_within_a_pass() {
    let plan = plan(EPOCHS, 32, json!({"type": "sgd", "learning_rate": 0.5}), "binary_crossentropy");
    let stopping = json!({"monitor": "val_loss", "patience": 2, "restore_best_weights": true});
    let eager = json!({"monitor": "val_loss", "patience": 4, "min_delta": 0.5, "restore_best_weights": true});
    let plateau = json!({"monitor": "loss", "patience": 1, "min_delta": 0.01, "cooldown": 1});
    let plans = [
        ("early stopping", FitPlan { early_stopping: Some(from(stopping)), ..plan.clone() }),
        ("best in the first epoch", FitPlan { early_stopping: Some(from(eager)), ..plan.clone() }),
        ("plateau", FitPlan { reduce_lr_on_plateau: Some(from(plateau)), ..plan.clone() }),
        ("three steps of five", FitPlan { steps_per_epoch: Some(3), ..plan.clone() }),
        ("natural order", FitPlan { steps_per_epoch: Some(7), shuffle: false, ..plan.clone() }),
        ("not a number", FitPlan { terminate_on_nan: true, ..plan.clone() }),
        ("rarely validated", FitPlan { validation_freq: from(json!(2)), ..plan }),
    ];
    for (name, plan) in plans {
        check(name, &layers(), &plan, true);
    }
}

#[test]
fn state_of_another_network_is_refused() {
    let plan = plan(EPOCHS, 32, json!("adam"), "binary_crossentropy");
    let (_, state) = outcome(&layers(), &plan, false, None, 2).unwrap();
    let other = json!([{"type": "dense", "units": 1, "activation": "sigmoid"}]);
    let refused = |layers: &Value, state: &[u8]| outcome(layers, &plan, false, Some(state), 0).unwrap_err();
    assert!(matches!(refused(&other, &state), FitError::State(_)));
    assert!(matches!(refused(&layers(), &state[..state.len() / 2]), FitError::State(_)));
}
