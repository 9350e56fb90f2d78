//! The loop over epochs and steps.

use super::{
    EpochReport, EventSink, FitError, FitPlan, Fitted, Progress, Samples,
    cut::Cut,
    early_stopping::Watch,
    logged::{find_monitor, logged},
    losses::Losses,
    passes::Passes,
    reduce_lr_on_plateau::Plateau,
    trainer::{Parts, Trainer},
};
use crate::engine::{kernel::Team, network::Network, real::Real};
use std::ops::ControlFlow;

/// Trains `network` in place.
///
/// # Errors
/// Where the loss stops being finite, where `sink` asks to stop, and where something is monitored that is not reported. The
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
    network.adapt(training.x);
    let losses = plan.trained().map(|output| &output.loss);
    let cut = Cut::new(network.architecture(), plan.batch_size.min(training.x.nrows()), losses);
    let threads = plan.threads.min(cut.worth_of_threads(network.architecture()));
    run(&Team::new(threads), network, plan, training, validation, sink)
}

fn run<F: Real>(
    team: &Team,
    network: &mut Network<F>,
    plan: &FitPlan,
    training: Samples<'_, F>,
    validation: Option<Samples<'_, F>>,
    sink: &mut dyn EventSink,
) -> Result<Fitted, FitError> {
    let logged = logged(&plan.outputs, validation.is_some());
    let mut watch = match &plan.early_stopping {
        Some(settings) => {
            let (monitor, better) = find_monitor(&settings.monitor, settings.mode, &logged)?;
            Some((Watch::new(settings, better), settings, monitor))
        }
        None => None,
    };
    let mut plateau = match &plan.reduce_lr_on_plateau {
        Some(settings) => {
            let (monitor, better) = find_monitor(&settings.monitor, settings.mode, &logged)?;
            Some((Plateau::new(settings, better), monitor))
        }
        None => None,
    };
    let validated = validation.is_some() && plan.validation_freq.is_ever_due(plan.epochs);
    let least = if validated { logged.iter().position(|log| log.name == "val_loss").unwrap_or(0) } else { 0 };
    let weighted = training.weights.is_some() || validation.is_some_and(|validation| validation.weights.is_some());
    let parts = Parts::new(network.architecture(), plan);
    let batch_rows = plan.batch_size.min(training.x.nrows());
    let mut course = Course {
        trainer: Trainer::new(team, network, plan, &parts, batch_rows, weighted),
        losses: Losses::new(plan),
        training,
        validation,
        validation_order: (0..validation.map_or(0, |validation| validation.x.nrows())).collect(),
        passes: Passes::new(plan, training.x.nrows()),
        reduced: None,
    };
    let (mut best, mut last, mut least_yet) = (Kept::default(), Kept::default(), f64::INFINITY);
    let mut fitted = Fitted { epochs: 0, best_epoch: 1, logs: Vec::new(), stopped_early: false, terminated: None };
    sink.begin();
    for epoch in 1..=plan.epochs {
        let (values, rate) = match course.epoch(plan, epoch, sink) {
            Err(FitError::Diverged { .. }) if last.epoch > 0 => {
                fitted.terminated = Some(last.epoch);
                break;
            }
            outcome => outcome?,
        };
        let logs: Vec<(String, f64)> = logged.iter().map(|log| log.name.clone()).zip(values.iter().copied()).collect();
        fitted.epochs = epoch;
        fitted.logs.clone_from(&logs);
        let mut stop = false;
        if let Some((watch, settings, monitor)) = &mut watch {
            if let Some(&monitored) = values.get(*monitor) {
                let verdict = watch.observe(epoch, monitored);
                if verdict.best && settings.restore_best_weights {
                    best.keep(epoch, &logs, &course.trainer);
                }
                fitted.best_epoch = watch.best_epoch().max(1);
                stop = verdict.stop;
            }
        } else if let Some(&value) = values.get(least)
            && value < least_yet
        {
            (fitted.best_epoch, least_yet) = (epoch, value);
        }
        if let Some((plateau, monitor)) = &mut plateau
            && let Some(&monitored) = values.get(*monitor)
        {
            course.reduced = Some(plateau.observe(monitored, rate));
        }
        if plan.terminate_on_nan && course.trainer.is_finite() {
            last.keep(epoch, &logs, &course.trainer);
        }
        check_stop(sink.epoch(EpochReport { epoch, logs, learning_rate: rate }))?;
        if stop {
            fitted.stopped_early = epoch < plan.epochs;
            break;
        }
    }
    match fitted.terminated {
        Some(_) => fitted.logs = last.give_back(&mut course.trainer),
        None => course.trainer.finish(),
    }
    if best.epoch > 0 {
        fitted.logs = best.give_back(&mut course.trainer);
    }
    Ok(fitted)
}

/// What goes on from epoch to epoch.
struct Course<'a, 't, 'v, F> {
    trainer: Trainer<'a, F>,
    training: Samples<'t, F>,
    validation: Option<Samples<'v, F>>,
    validation_order: Vec<usize>,
    losses: Losses,
    passes: Passes<'a>,
    /// The learning rate in place of the optimizer's.
    reduced: Option<f64>,
}

impl<F: Real> Course<'_, '_, '_, F> {
    /// One epoch: the values of the logs, those of validation only where it is due, and the last step's learning rate.
    fn epoch(&mut self, plan: &FitPlan, epoch: u32, sink: &mut dyn EventSink) -> Result<(Vec<f64>, f64), FitError> {
        let steps = self.passes.steps();
        let mut rate = 0.0;
        self.losses.reset();
        for step in 1..=steps {
            rate = self.reduced.unwrap_or_else(|| self.trainer.learning_rate());
            let rows = self.passes.next_rows();
            let loss = self.trainer.step(self.training, rows, rate);
            if !loss.is_finite() {
                return Err(FitError::Diverged { epoch, learning_rate: rate, loss });
            }
            self.losses.add(loss, self.trainer.losses(), rows.len());
            if step < steps {
                check_stop(sink.step(Progress { epoch, step, steps, loss: self.losses.loss() }))?;
            }
        }
        let mut values = self.losses.means();
        values.extend(self.trainer.take_metrics());
        if let Some(validation) = self.validation.filter(|_| plan.validation_freq.is_due(epoch)) {
            let loss = self.trainer.measure(validation, &self.validation_order);
            if !loss.is_finite() {
                return Err(FitError::Diverged { epoch, learning_rate: rate, loss });
            }
            values.push(loss);
            values.extend(self.trainer.losses().filter(|_| plan.trained().count() > 1));
            values.extend(self.trainer.take_metrics());
        }
        Ok((values, rate))
    }
}

/// The weights and the logs of an epoch, to go back to.
struct Kept<F> {
    /// 0 where there is none.
    epoch: u32,
    logs: Vec<(String, f64)>,
    weights: Vec<F>,
}

impl<F> Default for Kept<F> {
    fn default() -> Self {
        Self { epoch: 0, logs: Vec::new(), weights: Vec::new() }
    }
}

impl<F: Real> Kept<F> {
    fn keep(&mut self, epoch: u32, logs: &[(String, f64)], trainer: &Trainer<'_, F>) {
        self.epoch = epoch;
        logs.clone_into(&mut self.logs);
        trainer.save(&mut self.weights);
    }

    fn give_back(self, trainer: &mut Trainer<'_, F>) -> Vec<(String, f64)> {
        trainer.restore(&self.weights);
        self.logs
    }
}

fn check_stop(answer: ControlFlow<()>) -> Result<(), FitError> {
    if answer.is_break() { Err(FitError::Stopped) } else { Ok(()) }
}

/// Callers check what users write; what is wrong here is a mistake in a program.
fn check<F: Real>(network: &Network<F>, plan: &FitPlan, samples: &Samples<'_, F>) {
    let architecture = network.architecture();
    let rows = samples.x.nrows();
    assert!(rows > 0 && plan.epochs > 0 && plan.batch_size > 0, "rows, epochs and batch size are at least 1");
    assert!(plan.steps_per_epoch.is_none_or(|steps| steps > 0), "at least 1 step an epoch");
    assert_eq!(samples.x.ncols(), architecture.input_cells(), "columns of x against cells of the inputs");
    assert_eq!(plan.outputs.len(), architecture.outputs().len(), "outputs of the plan against those of the network");
    assert_eq!(samples.y.dim(), (rows, Parts::new(architecture, plan).target_cells()), "shape of y");
    assert!(samples.weights.is_none_or(|weights| weights.len() == rows), "one weight for each row");
}
