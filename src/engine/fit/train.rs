//! [`fit`]: the loop over epochs and steps.

use super::{
    EpochReport, EventSink, FitError, FitPlan, Fitted, Progress, Samples,
    early_stopping::EarlyStoppingState,
    logged::{find_monitor, logged},
    losses::EpochLosses,
    memory::keeps_best,
    partition::Partition,
    passes::Passes,
    reduce_lr_on_plateau::PlateauState,
    state::{Checkpoint, LoopState},
    task::DataLayout,
    trainer::Trainer,
};
use crate::engine::{cancel::is_cancelled, kernel::Team, network::Network, real::Real, state::Codec};
use std::{io::Read, ops::ControlFlow};

/// Trains `network` in place.
///
/// # Errors
/// If the loss becomes NaN or infinite, if `sink` cancels or the [`Cancellation`](crate::engine::cancel::Cancellation) around does, or
/// if a callback monitors a value that is not logged. The
/// network's weights are then unspecified.
///
/// # Panics
/// If `training` has no rows, or if its columns do not match the network and the losses.
pub fn fit<F: Real>(
    network: &mut Network<F>,
    plan: &FitPlan,
    training: Samples<'_, F>,
    validation: Option<Samples<'_, F>>,
    sink: &mut dyn EventSink,
) -> Result<Fitted, FitError> {
    resume(network, plan, training, validation, sink, None)
}

/// As [`fit`], from the state that an earlier fit of the same network, plan and samples has written.
///
/// # Errors
/// Those of [`fit`], and if the state is that of another fit or cannot be read.
///
/// # Panics
/// As [`fit`].
pub fn resume<F: Real>(
    network: &mut Network<F>,
    plan: &FitPlan,
    training: Samples<'_, F>,
    validation: Option<Samples<'_, F>>,
    sink: &mut dyn EventSink,
    stored: Option<&mut dyn Read>,
) -> Result<Fitted, FitError> {
    check(network, plan, &training);
    if let Some(validation) = &validation {
        check(network, plan, validation);
    }
    network.adapt(training.x);
    check_cancelled()?;
    let losses = plan.trained().map(|output| &output.loss);
    let partition = Partition::new(network.architecture(), plan.batch_size.min(training.x.nrows()), losses);
    let threads = plan.threads.min(partition.useful_threads(network.architecture()));
    run(&Team::new(threads), network, plan, training, validation, sink, stored)
}

fn run<F: Real>(
    team: &Team,
    network: &mut Network<F>,
    plan: &FitPlan,
    training: Samples<'_, F>,
    validation: Option<Samples<'_, F>>,
    sink: &mut dyn EventSink,
    stored: Option<&mut dyn Read>,
) -> Result<Fitted, FitError> {
    let logged = logged(&plan.outputs, validation.is_some());
    let mut early_stopping = match &plan.early_stopping {
        Some(settings) => {
            let (monitor, goal) = find_monitor(&settings.monitor, settings.mode, &logged)?;
            Some((EarlyStoppingState::new(settings, goal), monitor))
        }
        None => None,
    };
    let mut plateau = match &plan.reduce_lr_on_plateau {
        Some(settings) => {
            let (monitor, goal) = find_monitor(&settings.monitor, settings.mode, &logged)?;
            Some((PlateauState::new(settings, goal), monitor))
        }
        None => None,
    };
    let validated = validation.is_some() && plan.validation_freq.is_ever_due(plan.epochs);
    let ranked = if validated { logged.iter().position(|log| log.name == "val_loss").unwrap_or(0) } else { 0 };
    let weighted = training.weights.is_some() || validation.is_some_and(|validation| validation.weights.is_some());
    let layout = DataLayout::new(network.architecture(), plan);
    let batch_rows = plan.batch_size.min(training.x.nrows());
    let restores = plan.early_stopping.as_ref().is_some_and(|settings| settings.restore_best_weights);
    let keeps = restores || (sink.wants_best() && keeps_best(network.architecture(), plan.epochs));
    let mut fit_loop = FitLoop {
        trainer: Trainer::new(team, network, plan, &layout, batch_rows, weighted),
        losses: EpochLosses::new(plan),
        training,
        validation,
        validation_order: (0..validation.map_or(0, |validation| validation.x.nrows())).collect(),
        passes: Passes::new(plan, training.x.nrows()),
        reduced: None,
    };
    let (mut best, mut last, mut best_loss) = (Checkpoint::default(), Checkpoint::default(), f64::INFINITY);
    let mut fitted = Fitted {
        epochs: 0,
        best_epoch: 1,
        kept_epoch: 0,
        logs: Vec::new(),
        stopped_early: false,
        finished_early: false,
        terminated: None,
    };
    if keeps {
        // Takes the memory.
        best.save(0, &[], &fit_loop.trainer);
    }
    // What continues from epoch to epoch.
    macro_rules! state {
        () => {
            LoopState {
                trainer: &mut fit_loop.trainer,
                passes: &mut fit_loop.passes,
                reduced: &mut fit_loop.reduced,
                early_stopping: early_stopping.as_mut().map(|(state, ..)| state),
                plateau: plateau.as_mut().map(|(state, _)| state),
                best: &mut best,
                last: &mut last,
                best_loss: &mut best_loss,
                epoch: &mut fitted.epochs,
                best_epoch: &mut fitted.best_epoch,
                logged: &logged,
            }
        };
    }
    if let Some(stored) = stored {
        state!().visit(&mut Codec::Read(stored)).map_err(|error| FitError::State(error.to_string()))?;
        check_cancelled()?;
    }
    sink.begin();
    for epoch in fitted.epochs + 1..=plan.epochs {
        let (values, rate) = match fit_loop.epoch(plan, epoch, sink) {
            Err(FitError::Diverged { .. }) if last.epoch > 0 => {
                fitted.terminated = Some(last.epoch);
                break;
            }
            outcome => outcome?,
        };
        let logs: Vec<(String, f64)> = logged.iter().map(|log| log.name.clone()).zip(values.iter().copied()).collect();
        (fitted.epochs, fitted.kept_epoch) = (epoch, epoch);
        fitted.logs.clone_from(&logs);
        let mut stop = false;
        if let Some((state, monitor)) = &mut early_stopping {
            if let Some(&monitored) = values.get(*monitor) {
                let verdict = state.observe(epoch, monitored);
                if verdict.best && keeps {
                    best.save(epoch, &logs, &fit_loop.trainer);
                }
                fitted.best_epoch = state.best_epoch().max(1);
                stop = verdict.stop;
            }
        } else if let Some(&value) = values.get(ranked)
            && value < best_loss
        {
            (fitted.best_epoch, best_loss) = (epoch, value);
            if keeps {
                best.save(epoch, &logs, &fit_loop.trainer);
            }
        }
        if let Some((plateau, monitor)) = &mut plateau
            && let Some(&monitored) = values.get(*monitor)
        {
            fit_loop.reduced = Some(plateau.observe(monitored, rate));
        }
        if plan.terminate_on_nan && fit_loop.trainer.is_finite() {
            last.save(epoch, &logs, &fit_loop.trainer);
        }
        if epoch < plan.epochs && !stop && !sink.ends_after(epoch) {
            sink.state(epoch, &mut state!());
        }
        check_stop(sink.epoch(EpochReport { epoch, logs, learning_rate: rate, best_epoch: fitted.best_epoch }))?;
        if stop {
            fitted.stopped_early = epoch < plan.epochs;
            break;
        }
        if sink.ends_after(epoch) {
            fitted.finished_early = epoch < plan.epochs;
            break;
        }
    }
    match fitted.terminated {
        Some(_) => (fitted.kept_epoch, fitted.logs) = last.restore(&mut fit_loop.trainer),
        None => fit_loop.trainer.finish(),
    }
    // Of a fit that ends early the last weights are finished, the best ones need not be.
    let is_better = restores || (fitted.finished_early && best.epoch < fitted.epochs);
    if best.epoch > 0 && is_better {
        (fitted.kept_epoch, fitted.logs) = best.restore(&mut fit_loop.trainer);
    }
    Ok(fitted)
}

/// The state that continues from epoch to epoch.
struct FitLoop<'a, 't, 'v, F> {
    trainer: Trainer<'a, F>,
    training: Samples<'t, F>,
    validation: Option<Samples<'v, F>>,
    validation_order: Vec<usize>,
    losses: EpochLosses,
    passes: Passes<'a>,
    /// The learning rate that replaces the optimizer's.
    reduced: Option<f64>,
}

impl<F: Real> FitLoop<'_, '_, '_, F> {
    /// Runs one epoch. Returns the values of the logs, including those of validation if it is due, and the last
    /// learning rate.
    fn epoch(&mut self, plan: &FitPlan, epoch: u32, sink: &mut dyn EventSink) -> Result<(Vec<f64>, f64), FitError> {
        let steps = self.passes.steps();
        let mut rate = 0.0;
        self.losses.reset();
        for step in 1..=steps {
            rate = self.reduced.unwrap_or_else(|| self.trainer.learning_rate());
            let rows = self.passes.next_rows();
            let loss = self.trainer.step(self.training, rows, rate);
            check_cancelled()?;
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
            let loss = self.trainer.validate(validation, &self.validation_order);
            check_cancelled()?;
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

fn check_stop(flow: ControlFlow<()>) -> Result<(), FitError> {
    if flow.is_break() { Err(FitError::Stopped) } else { Ok(()) }
}

fn check_cancelled() -> Result<(), FitError> {
    if is_cancelled() { Err(FitError::Stopped) } else { Ok(()) }
}

/// Callers validate user input; a violation here is a bug.
pub(super) fn check<F: Real>(network: &Network<F>, plan: &FitPlan, samples: &Samples<'_, F>) {
    let architecture = network.architecture();
    let rows = samples.x.nrows();
    assert!(rows > 0 && plan.epochs > 0 && plan.batch_size > 0, "rows, epochs and batch size are at least 1");
    assert!(plan.steps_per_epoch.is_none_or(|steps| steps > 0), "at least 1 step per epoch");
    assert_eq!(samples.x.ncols(), architecture.input_columns(), "columns of x against those of the inputs");
    assert_eq!(plan.outputs.len(), architecture.outputs().len(), "outputs of the plan against those of the network");
    assert_eq!(samples.y.dim(), (rows, DataLayout::new(architecture, plan).target_columns()), "shape of y");
    assert!(samples.weights.is_none_or(|weights| weights.len() == rows), "one weight for each row");
}
