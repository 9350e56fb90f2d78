//! Worker slots: claim a job, prepare it, fit it, record it.
//!
//! A slot is a task that claims one job at a time. The job is prepared and fitted on the slot's own thread, never on the
//! async runtime, and that thread never waits for the database: it leaves its reports in a `link`, and the slot writes them in
//! batches. A job shorter than a batch is written in one transaction.

mod classical;
mod context;
mod ended;
mod fit_thread;
mod importances;
mod link;
mod prepare;
mod record;
mod train;

use crate::store::Claim;
use fit_thread::FitThread;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use context::Context;
pub use record::{describe_metrics, panic_text};

/// Delay before the next claim after the database failed.
const CLAIM_RETRY: Duration = Duration::from_secs(1);

/// Running slots.
#[derive(Debug)]
pub struct Workers(JoinSet<()>);

impl Workers {
    /// Starts `slots` slots, which run until `stop` is cancelled. Then no further job is claimed, and running jobs are stopped
    /// within a step and returned to the queue.
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
    let mut fits = FitThread::default();
    // Subscribed before the first claim: a job submitted in between is not missed.
    let mut queue = context.store.changes().queue();
    while !stop.is_cancelled() {
        let pause = match context.store.claim().await {
            Ok(Some(claim)) => {
                run(&context, &mut fits, claim, &stop).await;
                continue;
            }
            Ok(None) => None,
            Err(error) => {
                tracing::error!(%error, "cannot claim a job");
                Some(CLAIM_RETRY)
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            _ = queue.changed(), if pause.is_none() => {}
            () = tokio::time::sleep(pause.unwrap_or_default()), if pause.is_some() => {}
        }
    }
}

async fn run(context: &Context, fits: &mut FitThread, claim: Claim, stop: &CancellationToken) {
    let (id, attempt) = (claim.job.id, claim.job.attempt);
    tracing::info!(job = %id, attempt, model = claim.job.model, dataset = claim.job.dataset, "job started");
    match record::run(context, fits, claim, stop).await {
        Ok(job) => tracing::info!(
            job = %id,
            status = job.status.name(),
            version = job.version,
            error = job.error.map(|error| error.detail),
            training_seconds = job.timing.training_seconds,
            "job ended"
        ),
        Err(error) => tracing::error!(job = %id, %error, "the end of the job cannot be recorded"),
    }
}
