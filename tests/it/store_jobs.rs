//! Jobs and their events as their users see them, of any store.

use crate::support::records::{another, claimed, epochs, for_each_store, page, submitted, success};
use epoca::{
    job::{EventKind, JobError, JobEvent, JobStatus},
    store::{
        EventPage, JobFilter, Outcome, Page, Store, StoreError,
        changes::Asked,
        follow::{Followed, follow},
    },
};
use futures::{FutureExt, StreamExt};
use std::sync::Arc;
use uuid::Uuid;

for_each_store!(
    a_submitted_job_waits,
    a_job_from_submission_to_success,
    lists_are_filtered_and_paged,
    cancelling_a_queued_job_ends_it,
    cancelling_a_running_job_tells_its_worker,
    an_acknowledged_cancel_holds,
    what_has_ended_is_not_cancelled,
    events_are_read_from_any_id,
    a_follower_sees_what_is_there_and_what_comes,
    a_follower_of_an_ended_job_is_not_kept,
    a_follower_of_no_job_is_told,
    a_follower_from_an_unknown_id_sees_what_comes,
    a_name_is_that_of_the_model_and_the_dataset_that_have_it_now,
    followers_of_many_pages_miss_nothing,
);

/// All events of a job: their ids must be 1, 2, 3 …
async fn events(store: &dyn Store, id: Uuid) -> Vec<JobEvent> {
    let events = store.events_after(id, 0, 10_000).await.unwrap().events;
    let ids: Vec<u64> = events.iter().map(|event| event.id).collect();
    assert_eq!(ids, (1..=events.len() as u64).collect::<Vec<_>>());
    events
}

fn statuses(events: &[JobEvent]) -> Vec<&str> {
    let statuses = events.iter().filter(|event| event.kind == EventKind::Status);
    statuses.map(|event| event.data["status"].as_str().unwrap()).collect()
}

async fn a_submitted_job_waits(store: Arc<dyn Store>) {
    let (_, _, job) = submitted(&*store, "iris").await;
    assert_eq!(store.job(job.id).await.unwrap(), job);
    assert_eq!(store.queue_depth().await.unwrap(), (1, 0));
    let events = events(&*store, job.id).await;
    assert_eq!(statuses(&events), ["queued"]);
    assert_eq!(events[0].data["attempt"], 1, "the attempt to come");
    assert!(matches!(store.job(Uuid::now_v7()).await, Err(StoreError::NotFound(_))));
}

async fn a_job_from_submission_to_success(store: Arc<dyn Store>) {
    let (_, _, job) = submitted(&*store, "iris").await;
    let claim = claimed(&*store).await;
    assert_eq!((claim.job.id, claim.job.status, claim.job.attempt), (job.id, JobStatus::Running, 1));
    assert_eq!(store.job(job.id).await.unwrap(), claim.job);
    assert!(claim.job.timing.queued_seconds.unwrap() >= 0.0);
    assert_eq!(store.queue_depth().await.unwrap(), (0, 1));

    let report = epochs(1, 2);
    assert_eq!(store.report(job.id, claim.fence, &report).await.unwrap(), Asked::default(), "nobody cancels");
    let running = store.job(job.id).await.unwrap();
    assert_eq!((&running.progress, &running.metrics), (&report.progress, &report.metrics));
    assert_eq!(running.timing.queued_seconds, claim.job.timing.queued_seconds, "a report leaves it");
    assert_eq!(running.timing.training_seconds, Some(2.0));

    let ended = store.finish(job.id, claim.fence, &epochs(3, 5), &success(&claim)).await.unwrap();
    assert_eq!(store.job(job.id).await.unwrap(), ended);
    assert_eq!((ended.status, ended.version, ended.best_epoch), (JobStatus::Succeeded, Some(1), Some(4)));
    assert!(ended.ended_at >= ended.started_at && ended.started_at >= Some(ended.created_at));
    assert_eq!(ended.progress.eta_seconds, None);

    let events = events(&*store, job.id).await;
    assert_eq!(statuses(&events), ["queued", "running", "succeeded"]);
    let epochs: Vec<u64> = events.iter().filter_map(|event| event.data.get("epoch")?.as_u64()).collect();
    assert_eq!(epochs, [1, 2, 3, 4, 5]);
    assert_eq!(events.last().unwrap().data["version"], 1);
    assert_eq!(events.last().unwrap().at, ended.ended_at.unwrap());
    assert_eq!(store.queue_depth().await.unwrap(), (0, 0));
}

async fn a_follower_from_an_unknown_id_sees_what_comes(store: Arc<dyn Store>) {
    let (_, _, job) = submitted(&*store, "iris").await;
    let mut following = Box::pin(follow(Arc::clone(&store), job.id, 99));
    assert!(following.next().now_or_never().is_none(), "nothing comes yet");
    store.cancel(job.id).await.unwrap();
    let rest: Vec<_> = following.map(|item| item.unwrap()).collect().await;
    assert!(matches!(rest.as_slice(), [Followed::Event(event)] if event.id == 2), "{rest:?}");
}

async fn a_name_is_that_of_the_model_and_the_dataset_that_have_it_now(store: Arc<dyn Store>) {
    let (model, dataset, first) = submitted(&*store, "iris").await;
    store.cancel(first.id).await.unwrap();
    let ids = async |filter: JobFilter| {
        let listed = store.jobs(&filter, &page(20)).await.unwrap();
        listed.data.iter().map(|job| job.id).collect::<Vec<_>>()
    };
    let of_model = |key: &str| JobFilter { model: Some(key.to_owned()), ..JobFilter::default() };
    let of_dataset = |key: &str| JobFilter { dataset: Some(key.to_owned()), ..JobFilter::default() };
    store.delete_model("iris").await.unwrap();
    store.delete_dataset("iris").await.unwrap();
    assert_eq!(ids(of_model("iris")).await, [first.id]);
    assert_eq!(ids(of_dataset("iris")).await, [first.id]);
    let (_, _, second) = submitted(&*store, "iris").await;
    assert_eq!(ids(of_model("iris")).await, [second.id]);
    assert_eq!(ids(of_dataset("iris")).await, [second.id]);
    assert_eq!(ids(of_model(&model.id.to_string())).await, [first.id]);
    assert_eq!(ids(of_dataset(&dataset.id.to_string())).await, [first.id]);
}

async fn lists_are_filtered_and_paged(store: Arc<dyn Store>) {
    let (iris, flowers, first) = submitted(&*store, "iris").await;
    let (_, _, second) = submitted(&*store, "wine").await;
    let third = another(&*store, &iris, &flowers).await;
    claimed(&*store).await;
    let ids = async |filter: JobFilter, page: Page| {
        let listed = store.jobs(&filter, &page).await.unwrap();
        (listed.data.iter().map(|job| job.id).collect::<Vec<_>>(), listed.next)
    };
    let of = |model: &str| JobFilter { model: Some(model.to_owned()), ..JobFilter::default() };
    assert_eq!(ids(JobFilter::default(), page(20)).await, (vec![third.id, second.id, first.id], None));
    assert_eq!(ids(of("iris"), page(20)).await.0, [third.id, first.id]);
    assert_eq!(ids(of(&iris.id.to_string()), page(20)).await.0, [third.id, first.id]);
    assert_eq!(ids(of("nobody"), page(20)).await, (vec![], None));
    let of_wine = JobFilter { dataset: Some("wine".to_owned()), ..JobFilter::default() };
    assert_eq!(ids(of_wine, page(20)).await.0, [second.id]);
    let running = JobFilter { status: Some(JobStatus::Running), ..JobFilter::default() };
    assert_eq!(ids(running, page(20)).await.0, [first.id]);
    let both = JobFilter { status: Some(JobStatus::Queued), ..of("iris") };
    assert_eq!(ids(both, page(20)).await.0, [third.id]);
    assert_eq!(ids(of("iris"), page(1)).await, (vec![third.id], Some(third.id)));
    assert_eq!(ids(of("iris"), Page { limit: 1, after: Some(third.id) }).await, (vec![first.id], None));
}

async fn cancelling_a_queued_job_ends_it(store: Arc<dyn Store>) {
    let (_, _, job) = submitted(&*store, "iris").await;
    let cancelled = store.cancel(job.id).await.unwrap();
    assert_eq!(cancelled.status, JobStatus::Cancelled);
    assert!(cancelled.ended_at.is_some() && cancelled.started_at.is_none());
    assert_eq!(statuses(&events(&*store, job.id).await), ["queued", "cancelled"]);
    assert!(store.claim().await.unwrap().is_none());
}

async fn cancelling_a_running_job_tells_its_worker(store: Arc<dyn Store>) {
    let (_, _, job) = submitted(&*store, "iris").await;
    let claim = claimed(&*store).await;
    assert!(!claim.changes.asked().cancel);
    for _ in 0..2 {
        assert_eq!(store.cancel(job.id).await.unwrap().status, JobStatus::Running, "asking twice is no conflict");
        assert!(claim.changes.asked().cancel, "at once");
    }
    assert!(store.report(job.id, claim.fence, &epochs(1, 1)).await.unwrap().cancel, "and with each report");
    let ended = store.finish(job.id, claim.fence, &epochs(2, 2), &Outcome::Cancelled).await.unwrap();
    assert_eq!(ended.status, JobStatus::Cancelled);
    assert_eq!(statuses(&events(&*store, job.id).await), ["queued", "running", "cancelled"]);
}

async fn an_acknowledged_cancel_holds(store: Arc<dyn Store>) {
    let (model, dataset, job) = submitted(&*store, "iris").await;
    let claim = claimed(&*store).await;
    store.cancel(job.id).await.unwrap();
    let ended = store.finish(job.id, claim.fence, &epochs(1, 5), &success(&claim)).await.unwrap();
    assert_eq!((ended.status, ended.version), (JobStatus::Cancelled, None));
    assert_eq!(store.model("iris").await.unwrap().latest_version, None);

    let job = another(&*store, &model, &dataset).await;
    let claim = claimed(&*store).await;
    store.cancel(job.id).await.unwrap();
    let ended = store.finish(job.id, claim.fence, &epochs(1, 1), &Outcome::Released).await.unwrap();
    assert_eq!(ended.status, JobStatus::Cancelled);

    another(&*store, &model, &dataset).await;
    let claim = claimed(&*store).await;
    store.cancel(claim.job.id).await.unwrap();
    assert_eq!(store.recover(3).await.unwrap().cancelled, 1);
    assert_eq!(statuses(&events(&*store, claim.job.id).await), ["queued", "running", "cancelled"]);
}

async fn what_has_ended_is_not_cancelled(store: Arc<dyn Store>) {
    let (_, _, job) = submitted(&*store, "iris").await;
    let claim = claimed(&*store).await;
    let error = JobError { code: "diverged".to_owned(), detail: "the loss became NaN".to_owned() };
    let ended = store.finish(job.id, claim.fence, &epochs(1, 1), &Outcome::Failed(error.clone())).await.unwrap();
    assert_eq!((ended.status, ended.error.as_ref()), (JobStatus::Failed, Some(&error)));
    let events_before = events(&*store, job.id).await;
    assert_eq!(events_before.last().unwrap().data["error"]["detail"], "the loss became NaN");
    assert!(matches!(store.cancel(job.id).await, Err(StoreError::Conflict(_))));
    assert!(matches!(store.cancel(Uuid::now_v7()).await, Err(StoreError::NotFound(_))));
    assert_eq!(events(&*store, job.id).await, events_before, "nothing follows the end");
}

async fn events_are_read_from_any_id(store: Arc<dyn Store>) {
    let (_, _, job) = submitted(&*store, "iris").await;
    let claim = claimed(&*store).await;
    store.report(job.id, claim.fence, &epochs(1, 5)).await.unwrap();
    let read = async |after, limit| {
        let EventPage { events, status, .. } = store.events_after(job.id, after, limit).await.unwrap();
        assert_eq!(status, JobStatus::Running);
        events.iter().map(|event| event.id).collect::<Vec<_>>()
    };
    assert_eq!(read(0, 100).await, [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(read(3, 2).await, [4, 5]);
    assert!(read(7, 100).await.is_empty());
    assert!(read(u64::MAX, 100).await.is_empty());
    assert!(matches!(store.events_after(Uuid::now_v7(), 0, 1).await, Err(StoreError::NotFound(_))));
}

async fn a_follower_sees_what_is_there_and_what_comes(store: Arc<dyn Store>) {
    let (_, _, job) = submitted(&*store, "iris").await;
    let following = tokio::spawn(follow(Arc::clone(&store), job.id, 0).collect::<Vec<_>>());
    let claim = claimed(&*store).await;
    let mut watching = std::pin::pin!(follow(Arc::clone(&store), job.id, 1));
    let first = watching.next().await.unwrap().unwrap();
    assert!(matches!(first, Followed::Event(JobEvent { id: 2, .. })), "{first:?}");
    assert!(watching.next().now_or_never().is_none(), "waits for more");
    claim.changes.publish_progress(crate::support::records::object(serde_json::json!({"step": 3})));
    assert!(matches!(watching.next().await, Some(Ok(Followed::Progress(data))) if data["step"] == 3));
    for epoch in 1..=4 {
        store.report(job.id, claim.fence, &epochs(epoch, epoch)).await.unwrap();
    }
    store.finish(job.id, claim.fence, &epochs(5, 5), &success(&claim)).await.unwrap();
    assert_eq!(watching.count().await, 6, "five epochs and the end");
    let seen = following.await.unwrap().into_iter().filter_map(|item| match item.unwrap() {
        Followed::Event(event) => Some(event),
        Followed::Progress(_) => None,
    });
    assert_eq!(seen.collect::<Vec<_>>(), events(&*store, job.id).await);
}

async fn a_follower_of_an_ended_job_is_not_kept(store: Arc<dyn Store>) {
    let (_, _, job) = submitted(&*store, "iris").await;
    store.cancel(job.id).await.unwrap();
    for (after, left) in [(0, 2), (1, 1), (2, 0), (99, 0)] {
        assert_eq!(follow(Arc::clone(&store), job.id, after).count().await, left, "after {after}");
    }
}

async fn a_follower_of_no_job_is_told(store: Arc<dyn Store>) {
    let items: Vec<_> = follow(store, Uuid::now_v7(), 0).collect().await;
    assert!(matches!(items.as_slice(), [Err(StoreError::NotFound(_))]), "{items:?}");
}

async fn followers_of_many_pages_miss_nothing(store: Arc<dyn Store>) {
    let (_, _, job) = submitted(&*store, "iris").await;
    let claim = claimed(&*store).await;
    // 2000 events in all with the statuses: a whole number of pages.
    store.finish(job.id, claim.fence, &epochs(1, 1997), &success(&claim)).await.unwrap();
    let seen: Vec<_> = follow(Arc::clone(&store), job.id, 0).collect().await;
    assert_eq!(seen.len(), 2000);
    let all = events(&*store, job.id).await;
    assert!(seen.into_iter().zip(all).all(|(seen, event)| seen.unwrap() == Followed::Event(event)));
}
