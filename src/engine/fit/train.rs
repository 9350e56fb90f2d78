//! The loop over epochs and steps.

use super::{
    EpochReport, EventSink, FitError, FitPlan, Fitted, Progress, Samples,
    cut::Cut,
    early_stopping::Watch,
    trainer::{Parts, Trainer},
};
use crate::engine::{
    kernel::{Team, with_team},
    network::Network,
    random::{self, Purpose},
    real::Real,
};
use rand::seq::SliceRandom;
use std::ops::ControlFlow;

/// Trains `network` in place.
///
/// # Errors
/// Where the loss stops being finite, where `sink` asks to stop, and where early stopping monitors what is not reported. The
/// network's weights are then unspecified.
///
/// # Panics
/// Where `training` has no rows, or its columns are not those of the network and the loss.
pub fn fit<F: Real>(
    network: &mut Network<F>,
    plan: &FitPlan,
    training: Samples<'_, F>,
    validation: Option<Samples<'_, F>>,
    sink: &mut dyn EventSink,
) -> Result<Fitted, FitError> {
    check(network, plan, &training);
    if let Some(validation) = &validation {
        check(network, plan, validation);
    }
    let lanes = Cut::new(network.architecture(), plan.batch_size.min(training.x.nrows())).lanes;
    with_team(plan.threads.min(lanes), |team| run(team, network, plan, training, validation, sink))
}

fn run<F: Real>(
    team: &Team<'_>,
    network: &mut Network<F>,
    plan: &FitPlan,
    training: Samples<'_, F>,
    validation: Option<Samples<'_, F>>,
    sink: &mut dyn EventSink,
) -> Result<Fitted, FitError> {
    let names = log_names(plan, validation.is_some());
    let mut watch = plan.early_stopping.as_ref().map(|settings| (Watch::new(settings), settings));
    let monitor = match watch.as_ref().map(|(_, settings)| &settings.monitor) {
        Some(monitor) => names
            .iter()
            .position(|name| name == monitor)
            .ok_or_else(|| FitError::UnknownMonitor { monitor: monitor.clone(), known: names.clone() })?,
        None => names.iter().position(|name| name == "val_loss").unwrap_or(0),
    };
    let weighted = training.weights.is_some() || validation.is_some_and(|validation| validation.weights.is_some());
    let parts = Parts::new(network.architecture(), plan);
    let batch_rows = plan.batch_size.min(training.x.nrows());
    let mut trainer = Trainer::new(team, network, plan, &parts, batch_rows, weighted);
    let mut sums = Losses::new(plan);
    let mut order: Vec<usize> = (0..training.x.nrows()).collect();
    let validation_order: Vec<usize> = (0..validation.map_or(0, |validation| validation.x.nrows())).collect();
    let (mut best, mut best_logs, mut best_weights) = ((1, f64::INFINITY), Vec::new(), Vec::new());
    let mut fitted = Fitted { epochs: 0, best_epoch: 1, logs: Vec::new(), stopped_early: false };
    for epoch in 1..=plan.epochs {
        let mut rate = trainer.learning_rate();
        let diverged = |loss: f64, learning_rate: f64| FitError::Diverged { epoch, learning_rate, loss };
        if plan.shuffle {
            order.iter_mut().enumerate().for_each(|(index, row)| *row = index);
            order.shuffle(&mut random::stream(plan.seed, Purpose::Shuffle, u64::from(epoch)));
        }
        let steps = order.len().div_ceil(plan.batch_size);
        sums.reset();
        for (step, rows) in order.chunks(plan.batch_size).enumerate() {
            rate = trainer.learning_rate();
            let loss = trainer.step(training, rows, rate);
            if !loss.is_finite() {
                return Err(diverged(loss, rate));
            }
            sums.add(loss, trainer.losses(), rows.len());
            if step + 1 < steps {
                let progress = Progress { epoch, step: step + 1, steps, loss: sums.loss() };
                proceed(sink.step(progress))?;
            }
        }
        let mut values = sums.means();
        values.extend(trainer.take_metrics());
        if let Some(validation) = validation {
            let loss = trainer.measure(validation, &validation_order);
            if !loss.is_finite() {
                return Err(diverged(loss, rate));
            }
            values.push(loss);
            values.extend(trainer.losses().iter().filter(|_| plan.outputs.len() > 1));
            values.extend(trainer.take_metrics());
        }
        let monitored = values[monitor];
        let logs: Vec<(String, f64)> = names.iter().cloned().zip(values).collect();
        fitted.epochs = epoch;
        fitted.logs.clone_from(&logs);
        let mut stop = false;
        match &mut watch {
            Some((watch, settings)) => {
                let verdict = watch.observe(epoch, monitored);
                if verdict.best && settings.restore_best_weights {
                    trainer.save(&mut best_weights);
                    best_logs.clone_from(&logs);
                }
                fitted.best_epoch = watch.best_epoch().max(1);
                stop = verdict.stop;
            }
            None => {
                if monitored < best.1 {
                    best = (epoch, monitored);
                }
                fitted.best_epoch = best.0;
            }
        }
        proceed(sink.epoch(EpochReport { epoch, logs, learning_rate: rate }))?;
        if stop {
            fitted.stopped_early = epoch < plan.epochs;
            break;
        }
    }
    trainer.finish();
    if !best_weights.is_empty() {
        trainer.restore(&best_weights);
        fitted.logs = best_logs;
    }
    Ok(fitted)
}

fn proceed(answer: ControlFlow<super::Stop>) -> Result<(), FitError> {
    match answer {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(stop) => Err(FitError::Stopped(stop)),
    }
}

/// Callers check what users write; what is wrong here is a mistake in a program.
fn check<F: Real>(network: &Network<F>, plan: &FitPlan, samples: &Samples<'_, F>) {
    let architecture = network.architecture();
    let rows = samples.x.nrows();
    assert!(rows > 0 && plan.epochs > 0 && plan.batch_size > 0, "rows, epochs and batch size are at least 1");
    assert_eq!(samples.x.ncols(), architecture.input_cells(), "columns of x against cells of the inputs");
    assert_eq!(plan.outputs.len(), architecture.outputs().len(), "outputs of the plan against those of the network");
    assert_eq!(samples.y.dim(), (rows, Parts::new(architecture, plan).target_cells()), "shape of y");
    assert!(samples.weights.is_none_or(|weights| weights.len() == rows), "one weight for each row");
}

/// `loss`, each output's where there are several, and the metrics, then the same with `val_`.
fn log_names(plan: &FitPlan, validation: bool) -> Vec<String> {
    let several = plan.outputs.len() > 1;
    let losses = plan.outputs.iter().filter(|_| several).map(|output| format!("{}_loss", output.name));
    let metrics = plan.outputs.iter().flat_map(|output| {
        output.metrics.iter().map(move |metric| match several {
            true => format!("{}_{}", output.name, metric.name()),
            false => metric.name(),
        })
    });
    let names: Vec<String> = std::iter::once("loss".into()).chain(losses).chain(metrics).collect();
    let validation = names.iter().map(|name| format!("val_{name}")).filter(|_| validation);
    names.iter().cloned().chain(validation).collect()
}

/// Sums of an epoch's losses.
struct Losses {
    /// The whole loss, and each output's where there are several.
    sums: Vec<f64>,
    rows: usize,
}

impl Losses {
    fn new(plan: &FitPlan) -> Self {
        let outputs = plan.outputs.len();
        Self { sums: vec![0.0; if outputs > 1 { 1 + outputs } else { 1 }], rows: 0 }
    }

    fn reset(&mut self) {
        self.sums.fill(0.0);
        self.rows = 0;
    }

    fn add(&mut self, loss: f64, of_outputs: &[f64], rows: usize) {
        self.rows += rows;
        let all = std::iter::once(&loss).chain(of_outputs);
        self.sums.iter_mut().zip(all).for_each(|(sum, loss)| *sum += loss * rows as f64);
    }

    fn loss(&self) -> f64 {
        self.sums.first().map_or(0.0, |sum| sum / self.rows as f64)
    }

    fn means(&self) -> Vec<f64> {
        self.sums.iter().map(|sum| sum / self.rows as f64).collect()
    }
}
