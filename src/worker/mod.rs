//! Claim, load, fit, record: what a worker slot does with a job.
//!
//! A slot is a task that claims one job at a time. The job is prepared and fitted on the slot's own thread, never on the
//! async runtime, and that thread never waits for the database: it leaves its reports in a `link`, from where the slot
//! takes them and writes them in batches. A job that takes less than a batch's time is written at once, with its end.

mod fit_thread;
mod link;
mod prepare;
mod record;
mod train;

use crate::{
    engine::spec::Limits,
    store::{Claim, Store, artifacts::Artifacts},
};
use fit_thread::FitThread;
use std::{sync::Arc, time::Duration};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use record::describe_metrics;

/// How long a slot waits after the database failed.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// What every slot needs.
#[derive(Clone)]
pub struct Context {
    /// Where jobs wait.
    pub store: Arc<dyn Store>,
    /// Where datasets lie and weights go.
    pub artifacts: Artifacts,
    /// How large a model may be.
    pub limits: Limits,
    /// Compute threads of one job.
    pub threads: usize,
}

/// Running slots.
#[derive(Debug)]
pub struct Workers(JoinSet<()>);

impl Workers {
    /// Starts `slots` slots, which run until `stop` is cancelled. Then no job is claimed any more, and the running ones
    /// are stopped within a batch and handed back to the queue.
    pub fn start(context: &Context, slots: usize, stop: &CancellationToken) -> Self {
        let mut running = JoinSet::new();
        for _ in 0..slots {
            running.spawn(slot(context.clone(), stop.clone()));
        }
        Self(running)
    }

    /// Waits until every slot has ended.
    pub async fn ended(self) {
        self.0.join_all().await;
    }
}

async fn slot(context: Context, stop: CancellationToken) {
    let worker = Uuid::now_v7();
    let mut fits = FitThread::default();
    // Subscribed before the first look: a job that comes between is not missed.
    let mut queue = context.store.changes().queue();
    while !stop.is_cancelled() {
        let pause = match context.store.claim(worker).await {
            Ok(Some(claim)) => {
                work(&context, &mut fits, claim, &stop).await;
                continue;
            }
            Ok(None) => None,
            Err(error) => {
                tracing::error!(%error, "cannot claim a job");
                Some(AFTER_FAILURE)
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            _ = queue.changed(), if pause.is_none() => {}
            () = tokio::time::sleep(pause.unwrap_or_default()), if pause.is_some() => {}
        }
    }
}

async fn work(context: &Context, fits: &mut FitThread, claim: Claim, stop: &CancellationToken) {
    let (id, attempt) = (claim.job.id, claim.job.attempt);
    tracing::info!(job = %id, attempt, model = claim.job.model, dataset = claim.job.dataset, "begins");
    match record::run(context, fits, claim, stop).await {
        Ok(job) => tracing::info!(
            job = %id,
            status = job.status.name(),
            version = job.version,
            error = job.error.map(|error| error.detail),
            training_seconds = job.timing.training_seconds,
            "ends"
        ),
        Err(error) => tracing::error!(job = %id, %error, "could not be recorded to its end"),
    }
}
