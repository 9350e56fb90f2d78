//! A job from its claim to its end: memory, fit, pauses.

use crate::{
    job::{Job, JobError, now},
    memory::{Refusal, Reservation},
    store::{Claim, StoreError, artifacts::ArtifactKey, state::message},
    worker::{
        Context,
        checkpoints::Checkpoints,
        ended::{Ended, fault},
        fit_thread::FitThread,
        link::Link,
        patience::Patience,
        prepare::{BaselineInputs, Input, Inputs},
        recorder::{BATCH, HEARTBEAT, Parked, RETRY, Recorder},
        slots::{Slot, Slots},
        train::train,
    },
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::oneshot,
    time::{MissedTickBehavior, interval_at},
};
use tokio_util::sync::CancellationToken;

/// How long a fit has to end with an epoch and to keep its state, once the service stops.
const DRAIN: Duration = Duration::from_secs(4);

/// Runs a claimed job to its end and returns its final record.
pub async fn run(
    context: &Context,
    slots: &Slots,
    slot: Slot,
    claim: Claim,
    stop: &CancellationToken,
) -> Result<Job, StoreError> {
    let link = Arc::new(Link::default());
    let recorder = Recorder::new(context, claim, Arc::clone(&link));
    let mut running = Running { context, slots, slot: Some(slot), recorder, link: Arc::clone(&link), stop };
    // Held until the weights are stored.
    let memory = match running.reserve().await {
        Ok(memory) => memory,
        Err(ended) => return running.recorder.finish(ended, stop).await,
    };
    let mut thread = slots.thread();
    let ended = match running.inputs().await {
        Ok(inputs) => running.follow(start(inputs, context, &mut thread, link)).await,
        Err(ended) => ended,
    };
    slots.keep(thread);
    let Running { recorder, slot, .. } = running;
    let finished = recorder.finish(ended, stop).await;
    drop((memory, slot));
    finished
}

/// Opens the model and the datasets of a job, which cannot be deleted before it ends.
async fn inputs(context: &Context, job: &Job, after: Option<u32>) -> Result<Inputs, StoreError> {
    let open = async |id: uuid::Uuid| {
        let dataset = context.store.dataset(&id.to_string()).await?;
        let source = context.artifacts.source(&ArtifactKey::dataset(id), &dataset.sha256).await?;
        let columns = context.artifacts.columns(id);
        if columns.is_none() {
            context.artifacts.store_columns(&dataset);
        }
        Ok::<_, StoreError>(Input { dataset, source, columns })
    };
    let model = context.store.model(&job.model_id.to_string()).await?;
    let data = open(job.dataset_id).await?;
    let validation = match job.validation_dataset_id {
        Some(id) => Some(open(id).await?),
        None => None,
    };
    let baselines = match job.baselines {
        false => None,
        true => {
            let data = open(job.dataset_id).await?;
            let validation = match job.validation_dataset_id {
                Some(id) => Some(open(id).await?),
                None => None,
            };
            Some(BaselineInputs { data, validation })
        }
    };
    let checkpoints = Checkpoints { artifacts: context.artifacts.clone(), job: job.id, after };
    Ok(Inputs { job: job.clone(), model, data, validation, baselines, checkpoints })
}

/// Trains on the fit thread. A panic there ends the job, not the service.
fn start(inputs: Inputs, context: &Context, thread: &mut FitThread, link: Arc<Link>) -> oneshot::Receiver<Ended> {
    let (sender, receiver) = oneshot::channel();
    let (limits, threads, id) = (context.limits, context.threads, inputs.job.id);
    let started = thread.run(move || {
        let ended = catch_unwind(AssertUnwindSafe(|| train(inputs, &limits, threads, &link)));
        // The task is gone where the runtime has ended.
        let _ = sender.send(ended.unwrap_or_else(|panic| {
            tracing::error!(job = %id, panic = panic_text(&*panic), "training panicked");
            Ended::Failed(fault())
        }));
    });
    if let Err(error) = started {
        // The sender is dropped with the closure, which the task records as a fault.
        tracing::error!(job = %id, %error, "cannot start a thread");
    }
    receiver
}

/// The message of a panic.
pub fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message")
}

struct Running<'a> {
    context: &'a Context,
    slots: &'a Slots,
    /// `None` while the job is paused.
    slot: Option<Slot>,
    recorder: Recorder<'a>,
    link: Arc<Link>,
    stop: &'a CancellationToken,
}

impl Running<'_> {
    fn is_ending(&self) -> bool {
        self.recorder.asked().cancel || self.stop.is_cancelled()
    }

    /// Waits for the memory that the job states, however long others have it.
    async fn reserve(&mut self) -> Result<Reservation, Ended> {
        let needed = self.recorder.job().summary.map_or(0, |summary| summary.memory.peak_bytes);
        let mut is_told = false;
        let mut memory = None;
        loop {
            if self.is_ending() {
                return Err(Ended::Stopped);
            }
            if self.recorder.asked().pause {
                self.rest().await;
                continue;
            }
            let Some(slot) = &mut self.slot else { return Err(Ended::Stopped) };
            if memory.is_some() {
                let has_slot = tokio::select! {
                    () = slot.compute() => true,
                    () = self.recorder.changed() => false,
                    () = self.stop.cancelled() => false,
                };
                match memory.take() {
                    Some(memory) if has_slot => return Ok(memory),
                    kept => memory = kept,
                }
                continue;
            }
            let reserved = tokio::select! {
                reserved = self.context.memory.reserve(needed, HEARTBEAT) => reserved,
                () = self.recorder.changed() => continue,
                () = self.stop.cancelled() => continue,
            };
            match reserved {
                Ok(reserved) => memory = Some(reserved),
                Err(refusal @ Refusal::TooLarge { .. }) => {
                    return Err(Ended::Failed(JobError { code: "too_large".to_owned(), detail: refusal.to_string() }));
                }
                Err(refusal) => {
                    slot.wait_for_memory();
                    if !std::mem::replace(&mut is_told, true) {
                        self.recorder.add(message(now(), "info", format!("waits for memory: {refusal}")));
                    }
                    self.recorder.write().await;
                }
            }
        }
    }

    /// Opens the files of the job, once the machine lets them be opened.
    async fn inputs(&mut self) -> Result<Inputs, Ended> {
        let mut patience = Patience::default();
        loop {
            let error = match inputs(self.context, self.recorder.job(), self.recorder.checkpoint()).await {
                Ok(inputs) => return Ok(inputs),
                Err(error) => error,
            };
            match self.recorder.wait_for_store(&mut patience, error, "to open its files", self.stop).await {
                Ok(true) => {}
                Ok(false) => return Err(Ended::Stopped),
                Err(error) => {
                    let error = error.with_cause();
                    tracing::error!(job = %self.recorder.job().id, error, "the files of the job cannot be opened");
                    return Err(Ended::Failed(fault()));
                }
            }
        }
    }

    /// Records reports until the fit has ended.
    async fn follow(&mut self, mut thread: oneshot::Receiver<Ended>) -> Ended {
        let mut batch = interval_at(tokio::time::Instant::now() + BATCH, BATCH);
        batch.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut draining: Option<Instant> = None;
        loop {
            let asked = self.recorder.asked();
            let ending = self.is_ending();
            if ending {
                let since = *draining.get_or_insert_with(Instant::now);
                if asked.cancel || since.elapsed() >= DRAIN || !self.link.drain() {
                    self.link.stop();
                }
            }
            let stopping = self.link.is_stopping();
            self.link.end_after(asked.finish_after);
            if asked.pause && !ending && !stopping {
                self.link.pause();
                if self.link.is_resting() {
                    self.rest().await;
                    continue;
                }
            } else {
                self.link.resume();
            }
            tokio::select! {
                ended = &mut thread => return ended.unwrap_or_else(|_| Ended::Failed(fault())),
                _ = batch.tick() => if self.recorder.write().await > 0 {
                    batch.reset_immediately();
                },
                () = self.link.rests() => {}
                () = self.recorder.changed(), if !stopping => {}
                () = self.stop.cancelled(), if !ending && !stopping => {}
            }
        }
    }

    /// Gives the slot back while the job is paused. Returns with another one once it is resumed, and without where it is to end.
    async fn rest(&mut self) {
        match self.recorder.park().await {
            Parked::Paused => {}
            Parked::GoesOn => return,
            Parked::Lost => return self.link.stop(),
            Parked::NotWritten => return tokio::time::sleep(BATCH).await,
        }
        self.slot = None;
        while !self.is_ending() {
            if self.recorder.asked().pause {
                tokio::select! {
                    () = self.recorder.changed() => {}
                    () = self.stop.cancelled() => {}
                }
                continue;
            }
            let slot = tokio::select! {
                slot = self.slots.for_resumed() => slot,
                () = self.recorder.changed() => continue,
                () = self.stop.cancelled() => continue,
            };
            match self.recorder.unpark().await {
                Parked::GoesOn => {
                    self.slot = Some(slot);
                    return;
                }
                Parked::Lost => return self.link.stop(),
                Parked::Paused => {}
                Parked::NotWritten => tokio::time::sleep(RETRY).await,
            }
        }
    }
}
