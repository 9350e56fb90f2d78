//! [`seconds_per_epoch`]: how long an epoch takes, before there is data.

use crate::engine::{
    cancel::is_cancelled,
    fit::{EpochReport, EventSink, FitPlan, Progress, Samples, ValidationFreq, fit, target_columns},
    input_layout::InputColumn,
    network::Network,
    spec::Architecture,
};
use ndarray::{Array2, ArrayView2};
use std::{
    ops::ControlFlow,
    time::{Duration, Instant},
};

/// Seconds that an epoch over `training_rows` rows takes, and its validation on `validation_rows`: measured on steps over made-up rows,
/// for `limit` each. `columns` are those of x. Other work of the machine slows it down.
///
/// `None` where it is cancelled before the second step, or where the made-up rows have no finite loss.
pub fn seconds_per_epoch(
    architecture: Architecture,
    columns: &[InputColumn],
    plan: &FitPlan,
    (training_rows, validation_rows): (usize, usize),
    limit: Duration,
) -> Option<f64> {
    let mut architecture = architecture;
    if !architecture.set_columns(columns.iter().copied()) {
        return None;
    }
    let rows = plan.batch_size.min(training_rows).max(1);
    let number = |value: f32| {
        Array2::from_shape_fn((rows, columns.len()), |(_, column)| match columns.get(column) {
            Some(InputColumn::Number) => value,
            _ => 0.0,
        })
    };
    // Zeros may be masked rows, and ones no index of an embedding.
    let x = Some(number(1.0)).filter(|x| architecture.check_indices(x.view()).is_ok()).unwrap_or_else(|| number(0.0));
    let y = Array2::zeros((rows, target_columns(&architecture, plan)));
    let mut network = Network::initialize_unless(architecture, plan.seed, &is_cancelled);
    let step = measure(&mut network, plan, 8, (x.view(), y.view()), false, limit)?;
    let steps = plan.steps_per_epoch.map_or(training_rows as f64 / rows as f64, |steps| steps as f64);
    let due = match &plan.validation_freq {
        ValidationFreq::Every(epochs) => 1.0 / f64::from((*epochs).max(1)),
        ValidationFreq::Epochs(epochs) => epochs.len() as f64 / f64::from(plan.epochs.max(1)),
    };
    let validation = match validation_rows {
        0 => 0.0,
        all => {
            let both = measure(&mut network, plan, 1, (x.view(), y.view()), true, limit)?;
            (both - step).max(0.0) * all as f64 / rows as f64 * due.min(1.0)
        }
    };
    Some(step * steps + validation)
}

/// Seconds that a step takes; with its validation on as many rows if these are to be validated.
fn measure(
    network: &mut Network<f32>,
    plan: &FitPlan,
    steps_per_epoch: usize,
    (x, y): (ArrayView2<'_, f32>, ArrayView2<'_, f32>),
    validated: bool,
    limit: Duration,
) -> Option<f64> {
    let samples = Samples { x, y, weights: None };
    let plan = FitPlan {
        epochs: u32::MAX,
        shuffle: false,
        early_stopping: None,
        reduce_lr_on_plateau: None,
        terminate_on_nan: false,
        validation_freq: ValidationFreq::default(),
        steps_per_epoch: Some(steps_per_epoch),
        ..plan.clone()
    };
    let mut clock = Clock { limit, since: None, steps: 0, passed: Duration::ZERO };
    // It ends with an error: the clock stops it.
    let _ = fit(network, &plan, samples, validated.then_some(samples), &mut clock);
    (clock.steps > 0).then(|| clock.passed.as_secs_f64() / f64::from(clock.steps))
}

/// Counts the steps after the first one, which allocates.
struct Clock {
    limit: Duration,
    since: Option<Instant>,
    steps: u32,
    passed: Duration,
}

impl Clock {
    fn tick(&mut self) -> ControlFlow<()> {
        match self.since {
            None => self.since = Some(Instant::now()),
            Some(since) => {
                self.steps += 1;
                self.passed = since.elapsed();
            }
        }
        if self.passed > self.limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl EventSink for Clock {
    fn step(&mut self, _: Progress) -> ControlFlow<()> {
        self.tick()
    }

    fn epoch(&mut self, _: EpochReport) -> ControlFlow<()> {
        self.tick()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{
        fit::OutputPlan,
        shape::Shape,
        spec::{Definition, Limits},
    };
    use serde_json::json;

    fn plan(batch_size: usize) -> FitPlan {
        let training = json!({"loss": "mean_squared_error", "optimizer": "adam"});
        FitPlan {
            epochs: 3,
            batch_size,
            optimizer: serde_json::from_value(training["optimizer"].clone()).unwrap(),
            outputs: vec![OutputPlan::single(serde_json::from_value(training["loss"].clone()).unwrap(), Vec::new())],
            shuffle: true,
            seed: 1,
            early_stopping: None,
            reduce_lr_on_plateau: None,
            terminate_on_nan: false,
            validation_freq: ValidationFreq::default(),
            steps_per_epoch: None,
            threads: 1,
        }
    }

    fn measured(layers: serde_json::Value, columns: &[InputColumn], rows: (usize, usize)) -> Option<f64> {
        let elements = columns.iter().map(|column| column.width()).sum();
        let definition = Definition::from_value(&json!({ "layers": layers })).unwrap();
        let architecture = definition.resolve(&[Shape(vec![elements])], &Limits::default()).unwrap();
        seconds_per_epoch(architecture, columns, &plan(32), rows, Duration::from_millis(20))
    }

    #[test]
    fn more_rows_take_longer() {
        let dense = json!([{"type": "dense", "units": 64, "activation": "relu"}, {"type": "dense", "units": 1}]);
        let columns = [InputColumn::Number, InputColumn::OneHot(100)];
        let few = measured(dense.clone(), &columns, (1_000, 0)).unwrap();
        let many = measured(dense.clone(), &columns, (1_000_000, 0)).unwrap();
        assert!(few > 0.0 && many > 50.0 * few, "{few} {many}");
        assert!(measured(dense, &columns, (1_000, 1_000_000)).unwrap() > few);
    }

    #[test]
    fn made_up_rows_are_valid_indices_and_not_masked() {
        let layers = |input_dim: usize| {
            json!([{"type": "embedding", "input_dim": input_dim, "output_dim": 4, "mask_zero": true},
                   {"type": "lstm", "units": 2}, {"type": "dense", "units": 1}])
        };
        for input_dim in [1, 2, 50] {
            assert!(measured(layers(input_dim), &[InputColumn::Number; 3], (100, 0)).is_some(), "{input_dim}");
        }
    }
}
