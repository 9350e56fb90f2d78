//! What users ask of jobs, of any store: pause, resume, finish.

use crate::support::records::{another, claimed, epochs, for_each_store, submitted, success};
use epoca::{
    job::{EventKind, JobEvent, JobStatus},
    store::{Outcome, Recovered, Report, Store, StoreError},
};
use std::sync::Arc;
use uuid::Uuid;

for_each_store!(
    a_queued_job_is_paused_and_resumed,
    a_running_job_is_paused_by_its_worker,
    a_job_that_was_resumed_is_not_claimed_by_others,
    a_pause_that_is_taken_back_in_time_changes_nothing,
    a_pause_holds_across_the_end_of_a_process,
    a_pause_holds_where_the_service_stops,
    a_finish_holds_across_the_end_of_a_process,
    a_finish_holds_at_least_for_the_epochs_that_were_told_of,
    a_job_with_a_checkpoint_is_finished_without_a_worker,
    a_paused_job_is_cancelled_at_once,
    what_is_refused_is_a_conflict,
    what_a_paused_job_needs_is_not_deleted,
);

async fn events(store: &dyn Store, id: Uuid) -> Vec<JobEvent> {
    let events = store.events_after(id, 0, 10_000).await.unwrap().events;
    assert!(events.iter().map(|event| event.id).eq(1..=events.len() as u64), "gapless");
    events
}

async fn statuses(store: &dyn Store, id: Uuid) -> Vec<String> {
    let status = |event: JobEvent| match event.kind {
        EventKind::Status => Some(format!("{} {}", event.data["status"].as_str()?, event.data["attempt"])),
        _ => None,
    };
    events(store, id).await.into_iter().filter_map(status).collect()
}

fn conflict<T: std::fmt::Debug>(result: Result<T, StoreError>) -> String {
    match result {
        Err(StoreError::Conflict(detail)) => detail,
        other => panic!("{other:?}"),
    }
}

async fn a_queued_job_is_paused_and_resumed(store: Arc<dyn Store>) {
    let (model, dataset, job) = submitted(&*store, "iris").await;
    let second = another(&*store, &model, &dataset).await;
    for _ in 0..2 {
        assert_eq!(store.pause(job.id, Some("only while it runs".to_owned())).await.unwrap().status, JobStatus::Paused);
    }
    assert_eq!(store.queue_depth().await.unwrap(), (1, 0));
    assert_eq!(claimed(&*store).await.job.id, second.id);
    assert!(store.claim().await.unwrap().is_none());
    assert_eq!(store.recover(3).await.unwrap().paused, 0, "it has no worker to lose");
    let mut queue = store.changes().queue();
    assert_eq!(store.resume(job.id).await.unwrap().status, JobStatus::Queued);
    queue.changed().await.unwrap();
    assert_eq!(claimed(&*store).await.job.id, job.id);
    assert_eq!(statuses(&*store, job.id).await, ["queued 1", "paused 1", "queued 1", "running 1"]);
}

async fn a_running_job_is_paused_by_its_worker(store: Arc<dyn Store>) {
    let (_, _, job) = submitted(&*store, "iris").await;
    let claim = claimed(&*store).await;
    assert!(!store.park(job.id, claim.fence, &epochs(1, 1)).await.unwrap(), "nobody asked for it");
    for _ in 0..2 {
        assert_eq!(store.pause(job.id, None).await.unwrap().status, JobStatus::Running);
        assert!(claim.changes.asked().pause);
    }
    assert!(store.park(job.id, claim.fence, &epochs(2, 3)).await.unwrap());
    let paused = store.job(job.id).await.unwrap();
    assert_eq!((paused.status, paused.attempt, paused.progress.epoch), (JobStatus::Paused, 1, 3));
    assert_eq!(paused.progress.eta_seconds, None);
    assert_eq!(store.pause(job.id, None).await.unwrap(), paused);
    assert!(!store.unpark(job.id, claim.fence).await.unwrap(), "it is not resumed");

    let resumed = store.resume(job.id).await.unwrap();
    assert_eq!((resumed.status, resumed.progress.epoch), (JobStatus::Queued, 3));
    assert!(!claim.changes.asked().pause);
    assert!(store.unpark(job.id, claim.fence).await.unwrap());
    let ended = store.finish(job.id, claim.fence, &epochs(4, 5), &success(&claim)).await.unwrap();
    assert_eq!((ended.status, ended.version), (JobStatus::Succeeded, Some(1)));
    let expected = ["queued 1", "running 1", "paused 1", "queued 1", "running 1", "succeeded 1"];
    assert_eq!(statuses(&*store, job.id).await, expected);
}

async fn a_job_that_was_resumed_is_not_claimed_by_others(store: Arc<dyn Store>) {
    let (model, dataset, job) = submitted(&*store, "iris").await;
    let claim = claimed(&*store).await;
    store.pause(job.id, None).await.unwrap();
    store.park(job.id, claim.fence, &epochs(1, 1)).await.unwrap();
    store.resume(job.id).await.unwrap();
    assert_eq!(store.queue_depth().await.unwrap(), (1, 0));
    let second = another(&*store, &model, &dataset).await;
    assert_eq!(claimed(&*store).await.job.id, second.id);
    assert!(store.claim().await.unwrap().is_none());
    assert_eq!(store.pause(job.id, None).await.unwrap().status, JobStatus::Paused, "while it waits for a slot");
    assert!(!store.unpark(job.id, claim.fence).await.unwrap());
    assert!(matches!(store.unpark(job.id, claim.fence + 1).await, Err(StoreError::Fenced)));
}

async fn a_pause_that_is_taken_back_in_time_changes_nothing(store: Arc<dyn Store>) {
    let (_, _, job) = submitted(&*store, "iris").await;
    let claim = claimed(&*store).await;
    store.pause(job.id, None).await.unwrap();
    assert_eq!(store.resume(job.id).await.unwrap().status, JobStatus::Running);
    assert!(!store.park(job.id, claim.fence, &epochs(1, 2)).await.unwrap());
    assert_eq!(store.job(job.id).await.unwrap().progress.epoch, 2, "the report is kept");
    assert_eq!(statuses(&*store, job.id).await, ["queued 1", "running 1"]);
}

async fn a_pause_holds_across_the_end_of_a_process(store: Arc<dyn Store>) {
    // Died with the pause acknowledged, with the job paused, and with the job resumed and waiting.
    let (model, dataset, asked) = submitted(&*store, "iris").await;
    claimed(&*store).await;
    store.pause(asked.id, None).await.unwrap();
    let (paused, resumed) = (another(&*store, &model, &dataset).await, another(&*store, &model, &dataset).await);
    for job in [&paused, &resumed] {
        let claim = claimed(&*store).await;
        store.pause(job.id, None).await.unwrap();
        store.park(job.id, claim.fence, &epochs(1, 3)).await.unwrap();
    }
    store.resume(resumed.id).await.unwrap();
    assert_eq!(store.recover(3).await.unwrap(), Recovered { paused: 2, queued: 1, ..Recovered::default() });
    assert_eq!(store.recover(3).await.unwrap(), Recovered::default(), "once");

    let status = async |id| {
        let job = store.job(id).await.unwrap();
        assert_eq!((job.progress.epoch, job.metrics.len(), job.best_epoch), (0, 0, None));
        (job.status, job.attempt)
    };
    assert_eq!(status(asked.id).await, (JobStatus::Paused, 1), "it may have been what the process died of");
    assert_eq!(status(paused.id).await, (JobStatus::Paused, 0));
    assert_eq!(status(resumed.id).await, (JobStatus::Queued, 0));
    let told = events(&*store, paused.id).await;
    let text = told.last().unwrap().data["text"].as_str().unwrap();
    assert!(text.contains("begins anew when it is resumed"), "{text}");

    assert_eq!(claimed(&*store).await.job.id, resumed.id);
    assert!(store.claim().await.unwrap().is_none());
    store.resume(paused.id).await.unwrap();
    let claim = claimed(&*store).await;
    assert_eq!((claim.job.id, claim.job.attempt), (paused.id, 1));
    assert!(!claim.changes.asked().pause);
}

async fn a_pause_holds_where_the_service_stops(store: Arc<dyn Store>) {
    let (model, dataset, job) = submitted(&*store, "iris").await;
    let claim = claimed(&*store).await;
    store.pause(job.id, None).await.unwrap();
    store.park(job.id, claim.fence, &epochs(1, 3)).await.unwrap();
    let released = store.finish(job.id, claim.fence, &epochs(4, 3), &Outcome::Released).await.unwrap();
    assert_eq!((released.status, released.attempt, released.progress.epoch), (JobStatus::Paused, 0, 0));
    assert!(matches!(store.unpark(job.id, claim.fence).await, Err(StoreError::Fenced)));
    assert_eq!(statuses(&*store, job.id).await, ["queued 1", "running 1", "paused 1"]);

    // With the pause acknowledged and not carried out yet.
    let job = another(&*store, &model, &dataset).await;
    let claim = claimed(&*store).await;
    store.pause(job.id, None).await.unwrap();
    let released = store.finish(job.id, claim.fence, &epochs(1, 1), &Outcome::Released).await.unwrap();
    assert_eq!((released.status, released.attempt), (JobStatus::Paused, 0));
    assert_eq!(statuses(&*store, job.id).await, ["queued 1", "running 1", "paused 1"]);
}

async fn a_finish_holds_across_the_end_of_a_process(store: Arc<dyn Store>) {
    let (_, _, job) = submitted(&*store, "iris").await;
    let claim = claimed(&*store).await;
    store.report(job.id, claim.fence, &epochs(1, 3)).await.unwrap();
    store.pause(job.id, None).await.unwrap();
    store.park(job.id, claim.fence, &epochs(4, 3)).await.unwrap();
    for _ in 0..2 {
        assert_eq!(
            store.finish_early(job.id, None).await.unwrap().status,
            JobStatus::Queued,
            "it needs a slot for that"
        );
        assert_eq!(claim.changes.asked().finish_after, Some(4), "the epoch that runs");
    }
    assert!(store.unpark(job.id, claim.fence).await.unwrap());
    store.recover(3).await.unwrap();
    assert_eq!(claimed(&*store).await.changes.asked().finish_after, Some(4), "as many epochs as it had");
}

async fn a_finish_holds_at_least_for_the_epochs_that_were_told_of(store: Arc<dyn Store>) {
    let (_, _, job) = submitted(&*store, "iris").await;
    let claim = claimed(&*store).await;
    store.report(job.id, claim.fence, &Report { checkpoint: Some(1), ..epochs(1, 1) }).await.unwrap();
    store.finish_early(job.id, None).await.unwrap();
    assert_eq!(claim.changes.asked().finish_after, Some(2));
    // Its fit was ahead of its events.
    store.report(job.id, claim.fence, &epochs(2, 4)).await.unwrap();
    store.recover(3).await.unwrap();
    let claim = claimed(&*store).await;
    assert_eq!((claim.checkpoint, claim.changes.asked().finish_after), (Some(1), Some(4)));
}

async fn a_job_with_a_checkpoint_is_finished_without_a_worker(store: Arc<dyn Store>) {
    let (_, _, job) = submitted(&*store, "iris").await;
    let kept = Report { checkpoint: Some(3), ..epochs(1, 3) };
    let claim = claimed(&*store).await;
    store.pause(job.id, None).await.unwrap();
    store.park(job.id, claim.fence, &kept).await.unwrap();
    store.recover(3).await.unwrap();
    assert_eq!(store.job(job.id).await.unwrap().status, JobStatus::Paused);
    for _ in 0..2 {
        let job = store.finish_early(job.id, None).await.unwrap();
        assert_eq!((job.status, job.progress.epoch), (JobStatus::Queued, 3), "it is resumed for that");
    }
    let claim = claimed(&*store).await;
    assert_eq!((claim.checkpoint, claim.changes.asked().finish_after), (Some(3), Some(4)));
    assert!(!claim.changes.asked().pause);
}

async fn a_paused_job_is_cancelled_at_once(store: Arc<dyn Store>) {
    let (_, _, job) = submitted(&*store, "iris").await;
    let claim = claimed(&*store).await;
    store.pause(job.id, None).await.unwrap();
    store.park(job.id, claim.fence, &epochs(1, 1)).await.unwrap();
    assert_eq!(store.cancel(job.id).await.unwrap().status, JobStatus::Cancelled);
    assert!(claim.changes.asked().cancel, "its worker is told");
    for outcome in [Outcome::Cancelled, Outcome::Released, success(&claim)] {
        let finish = store.finish(job.id, claim.fence, &epochs(2, 2), &outcome).await;
        assert!(matches!(finish, Err(StoreError::Fenced)), "{finish:?}");
    }
    assert_eq!(statuses(&*store, job.id).await, ["queued 1", "running 1", "paused 1", "cancelled 1"]);
}

async fn what_is_refused_is_a_conflict(store: Arc<dyn Store>) {
    let (model, dataset, job) = submitted(&*store, "iris").await;
    assert!(conflict(store.resume(job.id).await).contains("not paused: it is queued"));
    assert!(
        conflict(store.finish_early(job.id, None).await).contains("the job is queued and nothing of it is trained")
    );
    let claim = claimed(&*store).await;
    assert!(conflict(store.resume(job.id).await).contains("not paused: it is running"));
    assert_eq!(conflict(store.pause(job.id, Some("in one go".to_owned())).await), "in one go");
    assert_eq!(conflict(store.finish_early(job.id, Some("no result".to_owned())).await), "no result");
    store.cancel(job.id).await.unwrap();
    for asked in [store.pause(job.id, None).await, store.finish_early(job.id, None).await] {
        assert!(conflict(asked).contains("is being cancelled"));
    }
    store.finish(job.id, claim.fence, &epochs(1, 1), &Outcome::Cancelled).await.unwrap();
    let ended = [store.pause(job.id, None).await, store.resume(job.id).await, store.finish_early(job.id, None).await];
    for asked in ended {
        assert!(conflict(asked).contains("has ended already: it is cancelled"));
    }
    let paused = another(&*store, &model, &dataset).await;
    store.pause(paused.id, None).await.unwrap();
    assert!(conflict(store.finish_early(paused.id, None).await).contains("the job is paused and nothing of it"));
    assert!(matches!(store.pause(Uuid::now_v7(), None).await, Err(StoreError::NotFound(_))));
}

async fn what_a_paused_job_needs_is_not_deleted(store: Arc<dyn Store>) {
    let (_, _, job) = submitted(&*store, "iris").await;
    store.pause(job.id, None).await.unwrap();
    conflict(store.delete_model("iris").await);
    conflict(store.delete_dataset("iris").await);
    assert!(conflict(store.delete_job(job.id).await).contains("cancel it first"));
    store.cancel(job.id).await.unwrap();
    store.delete_dataset("iris").await.unwrap();
}
