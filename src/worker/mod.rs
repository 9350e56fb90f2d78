//! Workers: claim a job, prepare it, fit it, record it.
//!
//! One task claims jobs, as many at a time as there are slots; each runs in a task of its own. The job is prepared and fitted on a
//! thread of its own, never on the async runtime, and that thread never waits for the database: it leaves its reports in a `link`,
//! and the task writes them in batches. A job shorter than a batch is written in one transaction. A job that is paused gives its slot
//! back and rests between two steps on its thread.

mod baselines;
mod checkpoints;
mod classical;
mod classical_rows;
mod context;
mod ended;
mod fit_thread;
mod importances;
mod link;
mod measure;
mod patience;
mod prepare;
mod recorder;
mod run;
mod slots;
mod train;

use crate::store::{Claim, StoreError};
use slots::{Slot, Slots};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use context::Context;
pub use measure::seconds_per_epoch;
pub use recorder::describe_metrics;
pub use run::panic_text;

/// Delay before the next claim after the database failed.
const CLAIM_RETRY: Duration = Duration::from_secs(1);

/// Running slots.
#[derive(Debug)]
pub struct Workers(JoinSet<()>);

impl Workers {
    /// Starts `slots` slots, which run until `stop` is cancelled. Then no further job is claimed. Running fits end with their
    /// epoch and keep their state, or within a step where that would take long, and return to the queue.
    pub fn start(context: &Context, slots: usize, stop: &CancellationToken) -> Self {
        let mut running = JoinSet::new();
        running.spawn(claim_jobs(context.clone(), Slots::new(slots), stop.clone()));
        Self(running)
    }

    /// Waits until every job has ended.
    pub async fn ended(self) {
        self.0.join_all().await;
    }
}

async fn claim_jobs(context: Context, slots: Slots, stop: CancellationToken) {
    let mut jobs = JoinSet::new();
    // Subscribed before the first claim: a job submitted in between is not missed.
    let mut queue = context.store.changes().queue();
    while !stop.is_cancelled() {
        let slot = tokio::select! {
            slot = slots.for_claim() => slot,
            () = stop.cancelled() => break,
        };
        let pause = match context.store.claim().await {
            Ok(Some(claim)) => {
                jobs.spawn(run(context.clone(), slots.clone(), slot, claim, stop.clone()));
                // Those that have ended.
                while jobs.try_join_next().is_some() {}
                continue;
            }
            Ok(None) => None,
            Err(error) => {
                tracing::error!(error = error.with_cause(), "cannot claim a job");
                Some(CLAIM_RETRY)
            }
        };
        drop(slot);
        tokio::select! {
            () = stop.cancelled() => {}
            _ = queue.changed(), if pause.is_none() => {}
            () = tokio::time::sleep(pause.unwrap_or_default()), if pause.is_some() => {}
        }
    }
    jobs.join_all().await;
}

async fn run(context: Context, slots: Slots, slot: Slot, claim: Claim, stop: CancellationToken) {
    let (id, attempt) = (claim.job.id, claim.job.attempt);
    tracing::info!(job = %id, attempt, model = claim.job.model, dataset = claim.job.dataset, "job started");
    match run::run(&context, &slots, slot, claim, &stop).await {
        Ok(job) => tracing::info!(
            job = %id,
            status = job.status.name(),
            version = job.version,
            error = job.error.map(|error| error.detail),
            training_seconds = job.timing.training_seconds,
            "job ended"
        ),
        // A paused job ends at once when it is cancelled, without its worker.
        Err(StoreError::Fenced) => tracing::info!(job = %id, "job ended without a result"),
        Err(error) => tracing::error!(job = %id, %error, "the end of the job cannot be recorded"),
    }
}
