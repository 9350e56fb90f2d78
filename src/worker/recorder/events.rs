//! [`FitEvents`]: a fit's reports as a job's events.

use crate::{
    engine::fit::{Fitted, Progress},
    job::{EventKind, Job, JobProgress, ProgressUnit, training::Training},
    store::{NewEvent, state::message},
    worker::link::{Epoch, Started},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Number, Value};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

/// Progress and metrics of a fit, as of its last event.
pub struct FitEvents {
    /// The same moment on both clocks, so that times of events increase even where the wall clock is set.
    clocks: (Timestamp, Instant),
    unit: ProgressUnit,
    epochs: u32,
    epoch: u32,
    /// Steps done of the current epoch, and all of its steps.
    steps: Option<(usize, usize)>,
    metrics: Map<String, Value>,
    /// The best epoch so far, and its logs.
    best: Option<(u32, Map<String, Value>)>,
    /// Metrics that were not finite in some epoch; each is reported once.
    not_finite: BTreeSet<String>,
    /// Epochs up to this one have their events already, from an attempt that this one continues.
    recorded: u32,
    /// The last epoch that ended, and the one after which this attempt began.
    trained: (u32, u32),
}

impl FitEvents {
    pub fn new(epochs: u32, unit: ProgressUnit) -> Self {
        Self {
            clocks: (crate::job::now(), Instant::now()),
            unit,
            epochs,
            epoch: 0,
            steps: None,
            metrics: Map::new(),
            best: None,
            not_finite: BTreeSet::new(),
            recorded: 0,
            trained: (0, 0),
        }
    }

    /// Of an attempt that continues `after` an epoch of an earlier one, whose events are in the progress of `job`.
    pub fn continued(job: &Job, after: u32) -> Self {
        let progress = &job.progress;
        Self {
            epoch: progress.epoch,
            metrics: job.metrics.clone(),
            best: job.best_epoch.zip(job.best.clone()),
            recorded: progress.epoch,
            trained: (after, after),
            ..Self::new(progress.epochs, progress.unit)
        }
    }

    /// The last epoch that ended.
    pub fn reached(&self) -> u32 {
        self.trained.0
    }

    /// Whether an epoch has its event already.
    pub fn is_recorded(&self, epoch: u32) -> bool {
        epoch <= self.recorded
    }

    /// Says how many trees, rounds or iterations there will be at most.
    pub fn set_total(&mut self, total: u32) {
        self.epochs = total;
    }

    /// Logs of the last epoch; after [`Self::end`] of the epoch whose weights are kept.
    pub fn metrics(&self) -> &Map<String, Value> {
        &self.metrics
    }

    /// The best epoch so far, and its logs.
    pub fn best(&self) -> Option<&(u32, Map<String, Value>)> {
        self.best.as_ref()
    }

    /// Adds the events of an epoch.
    pub fn epoch(&mut self, epoch: Epoch, started: Started, events: &mut Vec<NewEvent>) {
        self.trained.0 = epoch.report.epoch;
        if self.is_recorded(epoch.report.epoch) {
            return;
        }
        let at = self.timestamp(epoch.ended);
        let seconds = epoch.duration.as_secs_f64();
        let (metrics, left_out) = finite(&epoch.report.logs);
        self.epoch = epoch.report.epoch;
        self.steps = None;
        let mut data = Map::new();
        data.insert("epoch".to_owned(), self.epoch.into());
        data.insert("epochs".to_owned(), self.epochs.into());
        data.insert("unit".to_owned(), self.unit.name().into());
        data.extend(metrics.clone());
        let rates = [
            ("learning_rate", epoch.report.learning_rate),
            ("seconds", seconds),
            // A coarse clock may measure 0.
            ("samples_per_second", started.rows as f64 / seconds.max(1e-9)),
        ];
        for (name, value) in rates {
            data.extend(Number::from_f64(value).map(|number| (name.to_owned(), number.into())));
        }
        if epoch.report.best_epoch == self.epoch {
            self.best = Some((self.epoch, metrics.clone()));
        }
        self.metrics = metrics;
        events.push(NewEvent { kind: EventKind::Epoch, at, data });
        for (name, value) in left_out {
            if self.not_finite.insert(name.clone()) {
                let (unit, units) = (self.unit.singular(), self.unit.name());
                let text =
                    format!("`{name}` is {value} in {unit} {}: {units} in which it is not finite omit it", self.epoch);
                events.push(message(at, "warning", text));
            }
        }
    }

    /// The data of a `progress` event.
    pub fn progress_event(&mut self, progress: Progress) -> Map<String, Value> {
        self.steps = Some((progress.step, progress.steps));
        let mut data = Map::new();
        data.insert("epoch".to_owned(), progress.epoch.into());
        data.insert("epochs".to_owned(), self.epochs.into());
        data.insert("unit".to_owned(), self.unit.name().into());
        data.insert("step".to_owned(), progress.step.into());
        data.insert("steps".to_owned(), progress.steps.into());
        data.extend(Number::from_f64(progress.loss).map(|loss| ("loss".to_owned(), loss.into())));
        data.extend(Number::from_f64(self.fraction()).map(|fraction| ("fraction".to_owned(), fraction.into())));
        data
    }

    /// The job's progress after the fit has `trained` so long.
    pub fn progress(&self, trained: Option<Duration>) -> JobProgress {
        let fraction = self.fraction();
        let (reached, began) = self.trained;
        let done = fraction - f64::from(began) / f64::from(self.epochs.max(1));
        let elapsed = trained.filter(|_| reached > began && reached >= self.epoch && done > 0.0);
        let eta_seconds = elapsed.map(|elapsed| elapsed.as_secs_f64() * (1.0 - fraction) / done);
        JobProgress { epoch: self.epoch, epochs: self.epochs, unit: self.unit, fraction, eta_seconds }
    }

    /// The events of a classical model that was fitted; `logs` are measured on it.
    pub fn end_classical(&mut self, logs: &[(String, f64)], messages: &[String]) -> Vec<NewEvent> {
        self.metrics.extend(finite(logs).0);
        messages.iter().cloned().map(info).collect()
    }

    /// The events of a network that was trained.
    pub fn end(&mut self, fitted: &Fitted, training: &Training) -> Vec<NewEvent> {
        self.metrics = finite(&fitted.logs).0;
        let mut events = Vec::new();
        let stopping = training.early_stopping.as_ref().filter(|_| fitted.stopped_early);
        if let Some(stopping) = stopping {
            events.push(info(format!(
                "stopped early after epoch {} of {}: `{}` was best in epoch {}",
                fitted.epochs, self.epochs, stopping.monitor, fitted.best_epoch
            )));
        }
        let restores = training.early_stopping.as_ref().is_some_and(|stopping| stopping.restore_best_weights);
        let kept = fitted.kept_epoch;
        if fitted.finished_early {
            let why = if kept == fitted.best_epoch { "best" } else { "last" };
            events.push(info(format!(
                "finished on request after epoch {} of {}: the weights are those of epoch {kept}, the {why} one",
                fitted.epochs, self.epochs
            )));
        } else if restores && kept < fitted.epochs {
            events.push(info(format!("the weights are those of epoch {kept}")));
        }
        if let Some(epoch) = fitted.terminated.filter(|_| !restores) {
            events.push(info(format!(
                "the loss was not finite after epoch {}: the weights are those of epoch {epoch}",
                fitted.epochs
            )));
        }
        self.epoch = fitted.epochs;
        self.steps = None;
        events
    }

    fn fraction(&self) -> f64 {
        let within = self.steps.map_or(0.0, |(step, steps)| step as f64 / steps.max(1) as f64);
        (f64::from(self.epoch) + within) / f64::from(self.epochs.max(1))
    }

    fn timestamp(&self, instant: Instant) -> Timestamp {
        let (timestamp, began) = self.clocks;
        let passed = SignedDuration::from_micros(instant.saturating_duration_since(began).as_micros() as i64);
        timestamp.checked_add(passed).unwrap_or(timestamp)
    }
}

/// Logs as JSON, and those that are not finite.
fn finite(logs: &[(String, f64)]) -> (Map<String, Value>, Vec<(String, f64)>) {
    let (mut numbers, mut others) = (Map::new(), Vec::new());
    for (name, value) in logs {
        match Number::from_f64(*value) {
            Some(number) => drop(numbers.insert(name.clone(), number.into())),
            None => others.push((name.clone(), *value)),
        }
    }
    (numbers, others)
}

fn info(text: String) -> NewEvent {
    message(crate::job::now(), "info", text)
}
